//! Mail as an MCP server, over Maildir folders: what goes out is laid into `out` for whatever carries it on, what came
//! in is read from `eingang`. It speaks no SMTP and no IMAP, and it moves and deletes no incoming message.
//!
//! ```text
//! DIR/out/{tmp,new,cur}        messages to be sent        DIR/eingang/{new,cur}           incoming
//! DIR/entwuerfe/{tmp,new,cur}  drafts                     DIR/eingang/.ORDNER/{new,cur}   folders (Maildir++)
//! DIR/belege                   notes: what was done under which key, kept when a message has been carried on; and messages about to be
//! ```

mod address;
mod incoming;
mod letter;
mod outgoing;
mod tools;

use std::path::PathBuf;

use laufzettel_mcp_kit::Serving;

pub use tools::Mail;

/// Where the folders lie, who sends, and where the server listens.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// Folder of the Maildirs; made if missing
    #[arg(long, value_name = "DIR")]
    pub maildir: PathBuf,
    /// The address messages come from
    #[arg(long, value_name = "ADDRESS")]
    pub absender: String,
    #[command(flatten)]
    pub serving: Serving,
}

/// Why mail is not served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0:?} is not a mail address")]
    Absender(String),
    #[error("cannot use {path}")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Serving(#[from] laufzettel_mcp_kit::Error),
}

/// Makes the folders and serves until the peer leaves or `stop` resolves.
pub async fn run(options: Options, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
    let mail = Mail::open(&options.maildir, &options.absender)?;
    Ok(options.serving.serve(mail, stop).await?)
}
