//! Registers of a house as an MCP server: one search tool for each register in a configuration file. It answers only to
//! groups and purposes that are listed, with the fields granted to them, and it changes no register.

mod config;
mod inbox;
mod register;
mod source;
mod tools;

use std::{path::PathBuf, time::Duration};

use laufzettel_mcp_kit::Serving;

pub use config::{Block, Config, RegisterConfig, SourceConfig};
pub use inbox::Written;
pub use tools::Registry;

/// How long the last notes may take to be written when the server stops.
const LAST_NOTES_WITHIN: Duration = Duration::from_secs(5);

/// Which registers, and where the server listens.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// The registers; paths in it are relative to its folder
    #[arg(long, value_name = "FILE.yaml")]
    pub config: PathBuf,
    #[command(flatten)]
    pub serving: Serving,
}

/// Why the registers are not served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot use {path}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path} does not have the form it should")]
    Yaml { path: PathBuf, source: Box<serde_saphyr::Error> },
    #[error("register {register}: {wrong}")]
    Config { register: String, wrong: String },
    #[error("register {register}: the table cannot be read")]
    Table { register: String, source: sqlx::Error },
    #[error(transparent)]
    Serving(#[from] laufzettel_mcp_kit::Error),
}

/// Reads the configuration, opens the registers, and serves until the peer leaves or `stop` resolves.
pub async fn run(options: Options, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
    let config = Config::read(&options.config)?;
    let (registry, written) = Registry::open(&config).await?;
    options.serving.serve(registry, stop).await?;
    if tokio::time::timeout(LAST_NOTES_WITHIN, written.all()).await.is_err() {
        tracing::error!("notes for the inboxes may be missing");
    }
    Ok(())
}
