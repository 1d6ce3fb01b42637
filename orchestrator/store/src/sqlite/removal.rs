//! Removing for good, in one transaction with the record that says so. What stood in the pages is overwritten (`secure_delete`),
//! and the log of pages that were (WAL) is emptied afterwards.

use laufzettel_domain::RunId;
use laufzettel_journal::seal;
use sqlx::{Connection as _, Row as _, Sqlite as Db, SqliteConnection, Transaction, sqlite::SqliteRow};

use super::{
    mail, rows, subjects,
    writer::{Lane, confirm, insert_records},
};
use crate::{
    error::Error,
    failpoint,
    removal::{ARRIVED_US, Erasure, Pruning, Removal, RemovalError},
};

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<RemovalError> for Refused {
    fn from(error: RemovalError) -> Self {
        Self::Removal(error)
    }
}

pub async fn remove(connection: &mut SqliteConnection, lane: &mut Lane, removal: Removal) -> Result<(), RemovalError> {
    let removed = attempt(connection, lane, removal).await;
    removed.map_err(|refused| match refused {
        Refused::Store(error) => {
            lane.failed(&error);
            RemovalError::Unavailable(error.to_string())
        }
        Refused::Removal(error) => error,
    })
}

/// Why nothing was removed: the store failed, or it is not to be.
enum Refused {
    Store(Error),
    Removal(RemovalError),
}

async fn attempt(connection: &mut SqliteConnection, lane: &mut Lane, removal: Removal) -> Result<(), Refused> {
    if lane.closed {
        return Err(RemovalError::Unavailable("the store is closed".to_owned()).into());
    }
    let head = lane.head();
    let record = seal(&head.hash, head.lane, head.seq + 1, removal.draft().clone());
    let mut next = head;
    (next.seq, next.hash) = (record.seq, record.hash);
    let mut tx = connection.begin().await?;
    if let Some(run) = removal.run() {
        must_have_ended(&mut tx, run).await?;
    }
    let found = match &removal {
        Removal::Contents(erasure) => contents(&mut tx, erasure).await?,
        Removal::Records(pruning) => records(&mut tx, pruning).await?,
    };
    // fewer: somebody was faster. More cannot be: each place has one record
    if found != removal.count() {
        return Err(RemovalError::Stale.into());
    }
    insert_records(&mut tx, &[record]).await?;
    failpoint::pass("removal.before_commit", RemovalError::Unavailable)?;
    if let Err(error) = tx.commit().await {
        confirm(connection, lane, &next, error.into()).await?;
    }
    lane.advance(&next);
    Ok(failpoint::pass("removal.after_commit", RemovalError::Unavailable)?)
}

async fn must_have_ended(tx: &mut Transaction<'_, Db>, run: RunId) -> Result<(), Refused> {
    let row = sqlx::query("SELECT ended_at FROM runs WHERE run = $1").bind(run.to_string()).fetch_optional(&mut **tx).await?;
    match row.map(|row| row.get::<Option<i64>, _>(0)) {
        None => Err(RemovalError::Stale.into()),
        Some(None) => Err(RemovalError::Open.into()),
        Some(Some(_)) => Ok(()),
    }
}

/// How many contents went.
async fn contents(tx: &mut Transaction<'_, Db>, erasure: &Erasure) -> Result<u64, Error> {
    let mut found = 0;
    for range in &erasure.ranges {
        let sql = "UPDATE records SET salt = NULL, content = NULL WHERE lane = $1 AND seq BETWEEN $2 AND $3 AND run IS $4 AND content IS NOT NULL";
        let query = sqlx::query(sql).bind(rows::signed(range.lane)).bind(rows::signed(range.first)).bind(rows::signed(range.last));
        found += query.bind(erasure.run.map(|run| run.to_string())).execute(&mut **tx).await?.rows_affected();
    }
    let Some(run) = erasure.run else { return Ok(found) };
    let_go(tx, run, |name| erasure.files.contains(name)).await?;
    forget_mail(tx, run).await?;
    // they carry digests of what was sent, and nothing is ordered of it any more
    sqlx::query("DELETE FROM receipts WHERE run = $1 AND key LIKE 'order:%'").bind(run.to_string()).execute(&mut **tx).await?;
    // as long as anything of her is kept she can be told of it
    if erasure.whole {
        subjects::forget(tx, &run.to_string()).await?;
    }
    let sql = "UPDATE retention SET erased_at = $2, whole = $3 WHERE run = $1";
    sqlx::query(sql).bind(run.to_string()).bind(erasure.draft.at).bind(erasure.whole).execute(&mut **tx).await?;
    Ok(found)
}

/// How many records shrank. Everything that named the run goes with them; its number is not given out again.
async fn records(tx: &mut Transaction<'_, Db>, pruning: &Pruning) -> Result<u64, Error> {
    let run = pruning.run.to_string();
    let sql = "UPDATE records SET run = NULL, run_seq = NULL, at = 0, kind = '', actor = '', body = '', salt = NULL, content = NULL WHERE run = $1 AND lane = $2 AND seq BETWEEN $3 AND $4";
    let mut found = 0;
    for range in &pruning.ranges {
        let query = sqlx::query(sql).bind(&run).bind(rows::signed(range.lane)).bind(rows::signed(range.first)).bind(rows::signed(range.last));
        found += query.execute(&mut **tx).await?.rows_affected();
    }
    let left = sqlx::query("SELECT 1 FROM records WHERE run = $1").bind(&run).fetch_optional(&mut **tx).await?;
    if left.is_some() {
        return Ok(0);
    }
    let_go(tx, pruning.run, |_| false).await?;
    forget_mail(tx, pruning.run).await?;
    let sql = "INSERT INTO meta (name, value) SELECT 'nummer:' || substr(nummer, 1, 4), substr(nummer, 1, 11) FROM runs WHERE run = $1 \
               ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)";
    sqlx::query(sql).bind(&run).execute(&mut **tx).await?;
    subjects::forget(tx, &run).await?;
    for sql in
        ["DELETE FROM runs WHERE run = $1", "DELETE FROM tasks WHERE run = $1", "DELETE FROM receipts WHERE run = $1", "DELETE FROM retention WHERE run = $1"]
    {
        sqlx::query(sql).bind(&run).execute(&mut **tx).await?;
    }
    Ok(found)
}

/// The run holds its files no longer, but for some. The bytes go with the last who holds them.
async fn let_go(tx: &mut Transaction<'_, Db>, run: RunId, stays: impl Fn(&str) -> bool) -> Result<(), Error> {
    let held = sqlx::query("SELECT name FROM held WHERE run = $1").bind(run.to_string()).fetch_all(&mut **tx).await?;
    for name in held.iter().map(|row: &SqliteRow| row.get::<String, _>(0)).filter(|name| !stays(name)) {
        sqlx::query("DELETE FROM held WHERE run = $1 AND name = $2").bind(run.to_string()).bind(&name).execute(&mut **tx).await?;
        let sql =
            "DELETE FROM bytes WHERE name = $1 AND NOT EXISTS (SELECT 1 FROM held WHERE name = $1) AND NOT EXISTS (SELECT 1 FROM arrived WHERE name = $1)";
        sqlx::query(sql).bind(&name).execute(&mut **tx).await?;
    }
    Ok(())
}

/// What waits for an ended run waits in vain.
async fn forget_mail(tx: &mut Transaction<'_, Db>, run: RunId) -> Result<(), Error> {
    for sql in ["DELETE FROM expected WHERE run = $1", "DELETE FROM addressed WHERE run = $1"] {
        sqlx::query(sql).bind(run.to_string()).execute(&mut **tx).await?;
    }
    mail::drop_spent(tx).await
}

/// Files no run took in a day.
pub async fn untaken(connection: &mut SqliteConnection, now: i64) -> Result<(), Error> {
    let sql = "DELETE FROM bytes WHERE name IN (SELECT name FROM arrived WHERE at < $1) AND NOT EXISTS (SELECT 1 FROM held h WHERE h.name = bytes.name)";
    sqlx::query(sql).bind(now - ARRIVED_US).execute(&mut *connection).await?;
    sqlx::query("DELETE FROM arrived WHERE at < $1").bind(now - ARRIVED_US).execute(connection).await?;
    Ok(())
}

/// Milliseconds whoever waits for the writer waits for the log of pages to be emptied, once somebody reads for longer: another try
/// follows with the next write.
const AGAIN_MS: u64 = 50;

/// Empties the log of pages, in which what was removed still stands. `false`: somebody is reading; try again.
pub async fn scrub(connection: &mut SqliteConnection) -> bool {
    emptied(connection, super::BUSY_MS).await
}

/// The same once more, at nobody's expense.
pub async fn scrub_again(connection: &mut SqliteConnection) -> bool {
    emptied(connection, AGAIN_MS).await
}

async fn emptied(connection: &mut SqliteConnection, wait_ms: u64) -> bool {
    let patience = |ms: u64| format!("PRAGMA busy_timeout = {ms}");
    let emptied = async {
        sqlx::raw_sql(sqlx::AssertSqlSafe(patience(wait_ms))).execute(&mut *connection).await?;
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(patience(super::BUSY_MS))).execute(&mut *connection).await?;
        row
    };
    match emptied.await {
        Ok(row) => row.get::<i64, _>(0) == 0,
        Err(error) => {
            tracing::warn!(%error, "the log of pages was not emptied");
            false
        }
    }
}
