//! The archive on disk: opening it, and the few questions every tool asks of it. It answers no tool itself.

use std::path::Path;

use laufzettel_mcp_kit::{Delegation, Failure};
use sqlx::{
    Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    Error,
    acl::{self, Entry, Right},
    files::Files,
};

/// One writer at a time is SQLite's rule; a few readers beside it are enough for one process.
const CONNECTIONS_MAX: u32 = 4;
/// Seconds a writer waits for another before the call counts as unavailable; shorter than a token lives.
const BUSY_SECONDS_MAX: u64 = 10;

/// An open archive. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Archive {
    pub(crate) pool: SqlitePool,
    pub(crate) files: Files,
}

/// Why a tool did not do what was asked; only `Failure` is told as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error("the database")]
    Store(#[from] sqlx::Error),
    #[error("the database, while confirming")]
    Commit(#[source] sqlx::Error),
    #[error("the files")]
    Files(#[from] std::io::Error),
    #[error("a stored record is not JSON")]
    Record(#[from] serde_json::Error),
}

impl From<Stop> for Failure {
    // The boundary where a broken archive is logged, once.
    fn from(stop: Stop) -> Self {
        let told = match stop {
            Stop::Failure(failure) => return failure,
            Stop::Commit(_) => Self::unavailable("Ob das Archiv den Vorgang festgehalten hat, ist nicht bekannt.").in_doubt(),
            _ => Self::unavailable("Das Archiv ist gerade nicht erreichbar."),
        };
        tracing::error!(error = &stop as &dyn std::error::Error, "the archive failed");
        told
    }
}

pub(crate) type Tx = Transaction<'static, Sqlite>;

/// A document as every tool needs to know it.
#[derive(Debug)]
pub(crate) struct Dokument {
    pub nr: i64,
    pub akte: String,
    pub titel: String,
    pub version: i64,
    entries: Vec<Entry>,
}

/// An Akte likewise.
#[derive(Debug)]
pub(crate) struct Akte {
    pub zeichen: String,
    pub titel: String,
    entries: Vec<Entry>,
}

const AKTE: &str = "SELECT a.akte, a.titel,
    (SELECT json_group_array(json_array(e.sid, e.allow, e.read, e.write, e.inherited)) FROM entry e WHERE e.akte = a.akte)
  FROM akte a WHERE a.akte = ?1";

const DOKUMENT: &str = "SELECT d.nr, d.akte, d.titel, d.version,
    (SELECT json_group_array(json_array(e.sid, e.allow, e.read, e.write, e.inherited)) FROM dokument_entry e WHERE e.nr = d.nr)
  FROM dokument d WHERE d.nr = ?1";

impl Archive {
    /// Opens or makes the archive in a folder.
    pub async fn open(dir: &Path) -> Result<Self, Error> {
        let files = Files::open(dir).map_err(|source| Error::File { path: dir.to_owned(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(dir.join("dms.sqlite"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(std::time::Duration::from_secs(BUSY_SECONDS_MAX));
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).connect_with(options).await;
        let pool = pool.map_err(Error::Store)?;
        sqlx::raw_sql(include_str!("schema.sql")).execute(&pool).await.map_err(Error::Store)?;
        Ok(Self { pool, files })
    }
}

/// The Akte of that name, if there is one.
pub(crate) async fn akte(db: impl sqlx::SqliteExecutor<'_>, akte: &str) -> Result<Option<Akte>, Stop> {
    let row: Option<(String, String, String)> = sqlx::query_as(AKTE).bind(akte).fetch_optional(db).await?;
    row.map(|(zeichen, titel, list)| Ok(Akte { zeichen, titel, entries: entries(&list)? })).transpose()
}

/// The document of that id, if there is one.
pub(crate) async fn dokument(db: impl sqlx::SqliteExecutor<'_>, id: &str) -> Result<Option<Dokument>, Stop> {
    let Some(nr) = nr(id) else { return Ok(None) };
    let row: Option<(i64, String, String, i64, String)> = sqlx::query_as(DOKUMENT).bind(nr).fetch_optional(db).await?;
    row.map(|(nr, akte, titel, version, list)| Ok(Dokument { nr, akte, titel, version, entries: entries(&list)? })).transpose()
}

/// The document, if the caller may read it; otherwise it is not found, whichever way.
pub(crate) async fn readable(db: impl sqlx::SqliteExecutor<'_>, id: &str, who: &Delegation) -> Result<Dokument, Stop> {
    let found = dokument(db, id).await?.filter(|dokument| dokument.may(who, Right::Read));
    found.ok_or_else(|| Failure::not_found(format!("Das Dokument „{id}“ gibt es nicht.")).into())
}

/// The document, if the caller may read and write it.
pub(crate) async fn writable(db: impl sqlx::SqliteExecutor<'_>, id: &str, who: &Delegation) -> Result<Dokument, Stop> {
    let dokument = readable(db, id, who).await?;
    if dokument.may(who, Right::Write) {
        return Ok(dokument);
    }
    Err(Failure::denied(format!("Sie dürfen das Dokument „{id}“ lesen, aber nicht ändern.")).into())
}

impl Dokument {
    pub fn may(&self, who: &Delegation, right: Right) -> bool {
        acl::may(&self.entries, &who.sids().collect::<Vec<_>>(), right)
    }
}

impl Akte {
    pub fn may(&self, who: &Delegation, right: Right) -> bool {
        acl::may(&self.entries, &who.sids().collect::<Vec<_>>(), right)
    }
}

/// An access list as the queries deliver it.
pub(crate) fn entries(list: &str) -> Result<Vec<Entry>, Stop> {
    let rows: Vec<acl::Row> = serde_json::from_str(list)?;
    Ok(rows.into_iter().map(Entry::from).collect())
}

/// `D-000001`.
pub(crate) fn id(nr: i64) -> String {
    format!("D-{nr:06}")
}

fn nr(id: &str) -> Option<i64> {
    let nr = id.strip_prefix("D-")?.parse().ok()?;
    (self::id(nr) == id).then_some(nr)
}
