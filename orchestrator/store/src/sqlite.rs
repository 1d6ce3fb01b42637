//! SQLite: one file per tenant, one writer, readers beside it. WAL, `synchronous=FULL`, `secure_delete=ON`.

mod kept;
mod mail;
mod operation;
mod removal;
mod rows;
mod schema;
mod subjects;
mod trail;
mod unsent;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use laufzettel_domain::RunId;
use laufzettel_journal::Record;
use sqlx::{
    ConnectOptions as _, Connection as _, QueryBuilder, Row as _, Sqlite as Db, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    contract::{
        Append, BESIDE_MAX, KEPT_US, LaneHead, RunFilter, RunPage, RunRow, StartedRow, SubjectKey, TASKS_PAGE_MAX, TaskFilter, TaskPlace, TaskRow, UsageRow,
    },
    error::{AppendError, Error, Health, Trouble},
    failpoint,
    listing::{self, Part, Range},
    removal::{Removal, RemovalError, RetentionRow},
    trail::{TrailFilter, TrailPage, TrailRow},
    unsent::{Unsent, UnsentChange},
};

/// Milliseconds one connection waits for another.
const BUSY_MS: u64 = 5_000;
/// Requests waiting for the writer: more than this and senders wait in turn. Two full batches.
const QUEUE_MAX: usize = 1024;
/// Readers beside the writer: pages and the worker of a two-core machine.
const READERS: u32 = 4;
/// Before this version a WAL reset could corrupt the file.
const VERSION_MIN: (u32, u32, u32) = (3, 51, 3);

#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The database file; its folder must exist.
    pub file: PathBuf,
    pub tenant: String,
    /// Microseconds.
    pub now: i64,
    /// The lane opened takes a number above this one: 0, unless a witness knows lanes this file has lost.
    pub lane_above: u64,
}

#[derive(Clone)]
pub struct Sqlite {
    pool: SqlitePool,
    writer: mpsc::Sender<Job>,
    head: Arc<Mutex<LaneHead>>,
    epoch: u64,
    health: Health,
    _lock: Arc<std::fs::File>,
}

pub(crate) enum Job {
    Append(Vec<Append>, oneshot::Sender<Result<(), AppendError>>),
    Bytes { name: String, bytes: Vec<u8>, at: i64, done: oneshot::Sender<Result<(), Error>> },
    Checkpoint { number: u64, note: String, done: oneshot::Sender<Result<(), Error>> },
    Index { found: Vec<(RunId, Vec<SubjectKey>)>, cursor: (String, Option<String>), done: oneshot::Sender<Result<(), Error>> },
    Keep { row: RetentionRow, files: Vec<String>, done: oneshot::Sender<Result<(), Error>> },
    Remove(Box<Removal>, oneshot::Sender<Result<(), RemovalError>>),
    Unsent { what: Unsent, done: oneshot::Sender<Result<UnsentChange, Error>> },
    Sweep { now: i64, done: oneshot::Sender<Result<(), Error>> },
    TryOut(oneshot::Sender<Result<(), Error>>),
    Close { at: i64, done: oneshot::Sender<Result<(), AppendError>> },
}

/// Journal mode and the rest are properties of the file or of the writer; a reader sets nothing.
fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        .busy_timeout(std::time::Duration::from_millis(BUSY_MS))
        .disable_statement_logging()
}

/// One process at a time: the lock lives beside the file and dies with the process.
fn lock(file: &Path) -> Result<std::fs::File, Error> {
    let path = file.with_extension("lock");
    let lock = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(sqlx::Error::Io)?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(|_| Error::Held)?;
    Ok(lock)
}

impl Sqlite {
    pub async fn open(given: SqliteOptions) -> Result<Self, Error> {
        Self::begin(&given).await.map_err(|error| error.looked_up(&given.file))
    }

    async fn begin(given: &SqliteOptions) -> Result<Self, Error> {
        let lock = lock(&given.file)?;
        let mut connection = options(&given.file).create_if_missing(true).connect().await?;
        check_version(&mut connection).await?;
        failpoint::pass("store.before_schema", Error::Refused)?;
        schema::bring_up(&mut connection).await?;
        let health = Health::of(&given.file);
        let (state, epoch) = writer::begin(&mut connection, given, health.clone()).await?;
        let pool = SqlitePoolOptions::new().max_connections(READERS).connect_with(options(&given.file).read_only(true)).await?;
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let head = Arc::new(Mutex::new(state.head()));
        tokio::spawn(writer::run(connection, state, epoch, receiver, head.clone()));
        failpoint::pass("store.opened", Error::Refused)?;
        Ok(Self { pool, writer: sender, head, epoch, health, _lock: Arc::new(lock) })
    }

    /// Opens a file nobody holds, to look at it: no lane is begun, nothing can be appended.
    pub async fn read_only(file: &Path) -> Result<Self, Error> {
        let lock = lock(file).map_err(|error| error.looked_up(file))?;
        let pool = SqlitePoolOptions::new().max_connections(READERS).connect_with(options(file).read_only(true)).await;
        let pool = pool.map_err(|error| Error::from(error).looked_up(file))?;
        let (sender, _) = mpsc::channel(1);
        let head = Arc::new(Mutex::new(LaneHead { lane: 0, seq: 0, hash: [0; 32] }));
        Ok(Self { pool, writer: sender, head, epoch: 0, health: Health::of(file), _lock: Arc::new(lock) })
    }

    pub fn trouble(&self) -> Option<Trouble> {
        self.health.trouble()
    }

    pub fn noted<T>(&self, told: &Result<T, Error>) {
        if let Err(error) = told {
            self.health.failed(error);
        }
    }

    pub async fn try_out(&self) -> Result<(), Error> {
        let (done, reply) = oneshot::channel();
        self.writer.send(Job::TryOut(done)).await.map_err(|_| Error::Refused(gone().to_string()))?;
        reply.await.map_err(|_| Error::Refused(gone().to_string()))?
    }

    /// On a connection of its own: readers wait for nobody who reads everything.
    pub async fn look_through(&self) -> Result<(), Error> {
        let told = self.quick_check().await;
        self.noted(&told);
        told
    }

    async fn quick_check(&self) -> Result<(), Error> {
        let options = (*self.pool.connect_options()).clone();
        let mut connection = options.connect().await?;
        let row = sqlx::query("PRAGMA quick_check(1)").fetch_one(&mut connection).await?;
        let found: String = row.try_get(0)?;
        connection.close().await?;
        match found.as_str() {
            "ok" => Ok(()),
            _ => Err(Error::Trouble(Trouble::Damaged, sqlx::Error::Protocol(found))),
        }
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn head(&self) -> LaneHead {
        self.head.lock().expect("nobody panics while holding this lock").clone()
    }

    pub async fn append_all(&self, appends: Vec<Append>) -> Result<(), AppendError> {
        let (done, reply) = oneshot::channel();
        self.writer.send(Job::Append(appends, done)).await.map_err(|_| gone())?;
        reply.await.map_err(|_| gone())?
    }

    pub async fn close(&self, at: i64) -> Result<(), AppendError> {
        let (done, reply) = oneshot::channel();
        self.writer.send(Job::Close { at, done }).await.map_err(|_| gone())?;
        reply.await.map_err(|_| gone())?
    }

    pub async fn put_bytes(&self, name: &str, bytes: &[u8], at: i64) -> Result<(), Error> {
        let (done, reply) = oneshot::channel();
        let job = Job::Bytes { name: name.to_owned(), bytes: bytes.to_vec(), at, done };
        self.writer.send(job).await.map_err(|_| Error::Refused(gone().to_string()))?;
        reply.await.map_err(|_| Error::Refused(gone().to_string()))?
    }

    pub async fn change_unsent(&self, what: Unsent) -> Result<UnsentChange, Error> {
        let (done, reply) = oneshot::channel();
        self.writer.send(Job::Unsent { what, done }).await.map_err(|_| Error::Refused(gone().to_string()))?;
        reply.await.map_err(|_| Error::Refused(gone().to_string()))?
    }

    pub async fn remove(&self, removal: Removal) -> Result<(), RemovalError> {
        let stopped = || RemovalError::Unavailable(gone().to_string());
        let (done, reply) = oneshot::channel();
        self.writer.send(Job::Remove(Box::new(removal), done)).await.map_err(|_| stopped())?;
        reply.await.map_err(|_| stopped())?
    }

    pub async fn unkept(&self, limit: u32) -> Result<Vec<RunId>, Error> {
        let sql = "SELECT run FROM runs WHERE ended_at IS NOT NULL AND run NOT IN (SELECT run FROM retention) ORDER BY run LIMIT $1";
        let rows = sqlx::query(sql).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(|row| rows::run_id(&row.get::<String, _>(0))).collect()
    }

    pub async fn keep(&self, row: RetentionRow, files: Vec<String>) -> Result<(), Error> {
        let (done, reply) = oneshot::channel();
        self.writer.send(Job::Keep { row, files, done }).await.map_err(|_| Error::Refused(gone().to_string()))?;
        reply.await.map_err(|_| Error::Refused(gone().to_string()))?
    }

    pub async fn runs_with(&self, keys: &[SubjectKey], limit: u32) -> Result<Vec<RunId>, Error> {
        subjects::with(&self.pool, keys, limit).await
    }

    pub async fn index(&self, found: Vec<(RunId, Vec<SubjectKey>)>, cursor: (String, Option<String>)) -> Result<(), Error> {
        let (done, reply) = oneshot::channel();
        self.writer.send(Job::Index { found, cursor, done }).await.map_err(|_| Error::Refused(gone().to_string()))?;
        reply.await.map_err(|_| Error::Refused(gone().to_string()))?
    }

    pub async fn first_of(&self, run: RunId) -> Result<Option<Record>, Error> {
        let row = sqlx::query("SELECT * FROM records WHERE run = $1 AND run_seq = 1").bind(run.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(rows::record).transpose()
    }

    pub async fn retention(&self, run: RunId) -> Result<Option<RetentionRow>, Error> {
        let row = sqlx::query("SELECT * FROM retention WHERE run = $1").bind(run.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(rows::retention).transpose()
    }

    pub async fn contents_due(&self, now: i64, limit: u32) -> Result<Vec<RunId>, Error> {
        let sql = "SELECT t.run FROM retention t WHERE t.erased_at IS NULL AND t.contents_until <= $1 \
                   AND NOT EXISTS (SELECT 1 FROM runs p WHERE p.run = t.parent AND p.ended_at IS NULL) ORDER BY t.contents_until LIMIT $2";
        self.due(sql, now, limit).await
    }

    pub async fn records_due(&self, now: i64, limit: u32) -> Result<Vec<RunId>, Error> {
        let sql = "SELECT t.run FROM retention t WHERE t.records_until <= $1 \
                   AND NOT EXISTS (SELECT 1 FROM runs p WHERE p.run = t.parent AND p.ended_at IS NULL) ORDER BY t.records_until LIMIT $2";
        self.due(sql, now, limit).await
    }

    async fn due(&self, sql: &'static str, now: i64, limit: u32) -> Result<Vec<RunId>, Error> {
        let rows = sqlx::query(sql).bind(now).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(|row| rows::run_id(&row.get::<String, _>(0))).collect()
    }

    pub async fn contents_beside(&self, until: i64, limit: u32) -> Result<Vec<Record>, Error> {
        let sql = "SELECT * FROM records WHERE run IS NULL AND content IS NOT NULL AND at < $1 ORDER BY at, lane, seq LIMIT $2";
        sqlx::query(sql).bind(until).bind(i64::from(limit)).fetch_all(&self.pool).await?.iter().map(rows::record).collect()
    }

    pub async fn put_checkpoint(&self, number: u64, note: &str) -> Result<(), Error> {
        let (done, reply) = oneshot::channel();
        let job = Job::Checkpoint { number, note: note.to_owned(), done };
        self.writer.send(job).await.map_err(|_| Error::Refused(gone().to_string()))?;
        reply.await.map_err(|_| Error::Refused(gone().to_string()))?
    }

    pub async fn history_after(&self, run: RunId, run_seq: u64) -> Result<Vec<Record>, Error> {
        failpoint::pass("store.before_history", Error::Refused)?;
        let sql = "SELECT * FROM records WHERE run = $1 AND run_seq > $2 ORDER BY run_seq";
        let rows = sqlx::query(sql).bind(run.to_string()).bind(rows::signed(run_seq)).fetch_all(&self.pool).await?;
        rows.iter().map(rows::record).collect()
    }

    pub async fn run(&self, run: RunId) -> Result<Option<RunRow>, Error> {
        let row = sqlx::query("SELECT * FROM runs WHERE run = $1").bind(run.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(rows::run).transpose()
    }

    pub async fn runs(&self, filter: &RunFilter, keep: &(dyn Fn(&RunRow) -> bool + Send + Sync)) -> Result<RunPage, Error> {
        let ranges = listing::ranges(filter);
        let share = listing::share(ranges.len());
        let mut parts = Vec::new();
        for range in ranges {
            let mut query = range_query(&range, filter.before, share);
            let found = query.build().fetch_all(&self.pool).await?;
            let rows: Vec<RunRow> = found.iter().map(rows::run).collect::<Result<_, _>>()?;
            parts.push(Part { cut: rows.len() == share as usize, rows });
        }
        Ok(listing::page(filter, parts, keep))
    }

    /// From one value of the index to the next.
    pub async fn units(&self) -> Result<Vec<String>, Error> {
        let sql = "WITH RECURSIVE u (unit) AS (SELECT min(unit) FROM runs UNION ALL SELECT (SELECT min(unit) FROM runs WHERE unit > u.unit) FROM u \
                   WHERE u.unit IS NOT NULL) SELECT unit FROM u WHERE unit IS NOT NULL";
        let rows = sqlx::query(sql).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    pub async fn claimable(&self, now: i64, limit: u32) -> Result<Vec<RunId>, Error> {
        let sql = "SELECT run FROM runs WHERE wake_at IS NOT NULL AND wake_at <= $1 ORDER BY wake_at, run LIMIT $2";
        let mut rows = sqlx::query(sql).bind(now).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        // from the mailbox, which is all but empty, to those who wait
        let sql = "SELECT DISTINCT waits FROM at_hand WHERE at >= $1 ORDER BY waits LIMIT $2";
        rows.extend(sqlx::query(sql).bind(now - KEPT_US).bind(i64::from(limit)).fetch_all(&self.pool).await?);
        let mut runs: Vec<RunId> = rows.iter().map(|row| rows::run_id(&row.get::<String, _>(0))).collect::<Result<_, _>>()?;
        let mut seen = std::collections::HashSet::new();
        runs.retain(|run| seen.insert(*run));
        Ok(runs)
    }

    pub async fn sweep(&self, now: i64) -> Result<(), Error> {
        let (done, reply) = oneshot::channel();
        self.writer.send(Job::Sweep { now, done }).await.map_err(|_| Error::Refused(gone().to_string()))?;
        reply.await.map_err(|_| Error::Refused(gone().to_string()))?
    }

    pub async fn next_wake(&self) -> Result<Option<i64>, Error> {
        let row = sqlx::query("SELECT min(wake_at) FROM runs WHERE wake_at IS NOT NULL").fetch_one(&self.pool).await?;
        Ok(row.try_get(0)?)
    }

    /// Two ranges of one index: those with a deadline, then those without.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<TaskRow>, Error> {
        let limit = filter.limit.clamp(1, TASKS_PAGE_MAX) as usize;
        let mut found = Vec::new();
        if filter.after.as_ref().is_none_or(|place| place.due.is_some()) {
            found = tasks_query(filter, true, limit).build().fetch_all(&self.pool).await?;
        }
        if found.len() < limit {
            found.extend(tasks_query(filter, false, limit - found.len()).build().fetch_all(&self.pool).await?);
        }
        found.iter().map(rows::task).collect()
    }

    pub async fn task(&self, id: &str) -> Result<Option<TaskRow>, Error> {
        let row = sqlx::query("SELECT * FROM tasks WHERE task = $1").bind(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(rows::task).transpose()
    }

    pub async fn clocks(&self) -> Result<Vec<String>, Error> {
        let rows = sqlx::query("SELECT name FROM clocks ORDER BY name").fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get("name")?)).collect()
    }

    pub async fn clock(&self, name: &str) -> Result<Option<i64>, Error> {
        let row = sqlx::query("SELECT at FROM clocks WHERE name = $1").bind(name).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    pub async fn cursor(&self, name: &str) -> Result<Option<String>, Error> {
        let row = sqlx::query("SELECT value FROM cursors WHERE name = $1").bind(name).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    pub async fn receipt(&self, key: &str) -> Result<Option<RunId>, Error> {
        let row = sqlx::query("SELECT run FROM receipts WHERE key = $1").bind(key).fetch_optional(&self.pool).await?;
        row.map(|row| rows::run_id(&row.get::<String, _>(0))).transpose()
    }

    pub async fn records(&self, after: (u64, u64), limit: u32) -> Result<Vec<Record>, Error> {
        let sql = "SELECT * FROM records WHERE (lane, seq) > ($1, $2) ORDER BY lane, seq LIMIT $3";
        let rows = sqlx::query(sql).bind(rows::signed(after.0)).bind(rows::signed(after.1)).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(rows::record).collect()
    }

    pub async fn trail(&self, filter: &TrailFilter, keep: &(dyn Fn(&TrailRow) -> bool + Send + Sync)) -> Result<TrailPage, Error> {
        trail::page(&self.pool, filter, keep).await
    }

    pub async fn last_checkpoint(&self) -> Result<Option<String>, Error> {
        let row = sqlx::query("SELECT note FROM checkpoints ORDER BY number DESC LIMIT 1").fetch_optional(&self.pool).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    pub async fn beside_since(&self, kinds: &[&str], since: i64) -> Result<Vec<Record>, Error> {
        let mut query = sqlx::QueryBuilder::new("SELECT * FROM records WHERE run IS NULL AND at >= ");
        query.push_bind(since).push(" AND kind IN (");
        let mut list = query.separated(", ");
        for kind in kinds {
            list.push_bind((*kind).to_owned());
        }
        // the newest first: what revokes is newer than what it revokes
        query.push(") ORDER BY lane DESC, seq DESC LIMIT ").push_bind(i64::from(BESIDE_MAX));
        let rows = query.build().fetch_all(&self.pool).await?;
        rows.iter().rev().map(rows::record).collect()
    }

    pub async fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let row = sqlx::query("SELECT bytes FROM bytes WHERE name = $1").bind(name).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    pub async fn has_bytes(&self, name: &str) -> Result<bool, Error> {
        Ok(sqlx::query("SELECT 1 FROM bytes WHERE name = $1").bind(name).fetch_optional(&self.pool).await?.is_some())
    }

    pub async fn names(&self, after: &str, limit: u32) -> Result<Vec<String>, Error> {
        let sql = "SELECT name FROM bytes WHERE name > $1 ORDER BY name LIMIT $2";
        let rows = sqlx::query(sql).bind(after).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    pub async fn last_number(&self, year: i16) -> Result<u64, Error> {
        let row = sqlx::query("SELECT max(nummer) FROM runs WHERE nummer >= $1 AND nummer < $2")
            .bind(format!("{year}-"))
            .bind(format!("{year}."))
            .fetch_one(&self.pool)
            .await?;
        // runs that were pruned had numbers, too
        let pruned = sqlx::query("SELECT value FROM meta WHERE name = $1").bind(format!("nummer:{year}")).fetch_optional(&self.pool).await?;
        let last: [Option<String>; 2] = [row.try_get(0)?, pruned.map(|row| row.try_get(0)).transpose()?];
        // a child's number is its parent's and its own: `2026-000001/2`
        let number = |text: String| text.split_once('-')?.1.split('/').next()?.parse().ok();
        Ok(last.into_iter().flatten().filter_map(number).max().unwrap_or(0))
    }

    pub async fn beside(&self, kind: &str, after: (u64, u64), limit: u32) -> Result<Vec<Record>, Error> {
        let sql = "SELECT * FROM records WHERE run IS NULL AND kind = $1 AND (lane, seq) > ($2, $3) ORDER BY lane, seq LIMIT $4";
        let query = sqlx::query(sql).bind(kind).bind(rows::signed(after.0)).bind(rows::signed(after.1)).bind(i64::from(limit));
        query.fetch_all(&self.pool).await?.iter().map(rows::record).collect()
    }

    pub async fn last_beside(&self, kind: &str) -> Result<Option<Record>, Error> {
        let sql = "SELECT * FROM records WHERE run IS NULL AND kind = $1 ORDER BY lane DESC, seq DESC LIMIT 1";
        let row = sqlx::query(sql).bind(kind).fetch_optional(&self.pool).await?;
        row.as_ref().map(rows::record).transpose()
    }

    pub async fn started_since(&self, run: RunId) -> Result<Vec<StartedRow>, Error> {
        let sql = "SELECT process, count(*) AS n, min(started_at) AS oldest FROM runs WHERE run >= $1 GROUP BY process";
        let rows = sqlx::query(sql).bind(run.to_string()).fetch_all(&self.pool).await?;
        rows.iter().map(rows::started).collect()
    }

    pub async fn used_on(&self, day: &str) -> Result<Vec<UsageRow>, Error> {
        let rows = sqlx::query("SELECT * FROM usage WHERE day = $1").bind(day).fetch_all(&self.pool).await?;
        rows.iter().map(rows::usage).collect()
    }

    pub async fn checkpoints(&self) -> Result<Vec<String>, Error> {
        let rows = sqlx::query("SELECT note FROM checkpoints ORDER BY number").fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

/// A bounded stretch of one index, newest run first.
fn range_query(range: &Range, before: Option<RunId>, limit: u32) -> QueryBuilder<Db> {
    let mut query = QueryBuilder::new("SELECT * FROM runs WHERE ");
    if let Range::Of(column, value) = range {
        query.push(*column).push(" = ").push_bind(value.clone()).push(" AND ");
    }
    query.push("run < ").push_bind(before.map_or_else(|| LAST.to_owned(), |run| run.to_string()));
    query.push(" ORDER BY run DESC LIMIT ").push_bind(i64::from(limit));
    query
}

/// Behind every run there can be: ids are hexadecimal.
const LAST: &str = "g";

fn tasks_query(filter: &TaskFilter, with_due: bool, limit: usize) -> QueryBuilder<Db> {
    let mut query = QueryBuilder::new("SELECT * FROM tasks WHERE open = ");
    query.push_bind(i64::from(!filter.closed));
    if let Some(kind) = &filter.kind {
        query.push(" AND kind = ").push_bind(kind.clone());
    }
    query.push(if with_due { " AND due IS NOT NULL" } else { " AND due IS NULL" });
    match &filter.after {
        Some(TaskPlace { due: Some(due), opened_at, task }) if with_due => {
            query.push(" AND (due, opened_at, task) > (").push_bind(*due).push(", ").push_bind(*opened_at).push(", ").push_bind(task.clone()).push(")");
        }
        Some(TaskPlace { due: None, opened_at, task }) if !with_due => {
            query.push(" AND (opened_at, task) > (").push_bind(*opened_at).push(", ").push_bind(task.clone()).push(")");
        }
        _ => {}
    }
    query.push(" ORDER BY due, opened_at, task LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    query
}

fn gone() -> AppendError {
    AppendError::Unavailable("the writer has stopped".to_owned())
}

async fn check_version(connection: &mut sqlx::SqliteConnection) -> Result<(), Error> {
    let row = sqlx::query("SELECT sqlite_version()").fetch_one(connection).await?;
    let version: String = row.get(0);
    let mut parts = version.split('.').map(|p| p.parse().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < VERSION_MIN {
        return Err(Error::Refused(format!("SQLite {version} is too old; 3.51.3 or newer is needed")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
