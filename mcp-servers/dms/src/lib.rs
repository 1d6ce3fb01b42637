//! The archive of a house as an MCP server: Akte → Dokument → Version, in SQLite with full-text search and
//! content-addressed files, behind access lists like those of a file server. It deletes nothing.
//!
//! ```text
//! call → tools (dispatch) → reading | search | writing → Archive (SQLite, files)
//!                              └── acl: what may not be read is not found
//! ```

pub mod acl;
mod archive;
mod files;
mod filing;
mod memory;
mod passages;
mod pdf;
mod reading;
mod search;
mod seed;
mod text;
mod tools;
mod writing;

use std::path::{Path, PathBuf};

use laufzettel_mcp_kit::{Failure, Serving, edge};

pub use archive::Archive;
pub use seed::{Seed, SeedAkte, SeedDokument, SeedEntry};

/// Where the archive lies and where the server listens.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// Folder of the archive; made if missing
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Files and documents to put in before serving; what is there already is left alone
    #[arg(long, value_name = "FILE.yaml")]
    pub seed: Option<PathBuf>,
    #[command(flatten)]
    pub serving: Serving,
}

/// Why the archive does not serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot use {path}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("the archive's database cannot be opened")]
    Store(#[source] sqlx::Error),
    #[error("{path} is not a list of Akten")]
    Seed { path: PathBuf, source: Box<serde_saphyr::Error> },
    #[error("a document could not be put in")]
    Refused(#[source] Failure),
    #[error(transparent)]
    Serving(#[from] laufzettel_mcp_kit::Error),
}

/// Opens the archive, seeds it if asked to, and serves until the peer leaves or `stop` resolves.
pub async fn run(options: Options, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
    let archive = Archive::open(&options.data).await?;
    if let Some(path) = &options.seed {
        archive.seed(&read_seed(path)?, edge::unix_seconds()).await.map_err(Error::Refused)?;
    }
    Ok(options.serving.serve(archive, stop).await?)
}

/// Puts Akten and documents in; what is there already is left alone.
pub async fn seed(dir: &Path, seed: Seed) -> Result<(), Error> {
    let archive = Archive::open(dir).await?;
    archive.seed(&seed, edge::unix_seconds()).await.map_err(Error::Refused)
}

/// Reads a seed file.
pub fn read_seed(path: &Path) -> Result<Seed, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    serde_saphyr::from_str(&text).map_err(|source| Error::Seed { path: path.to_owned(), source: Box::new(source) })
}
