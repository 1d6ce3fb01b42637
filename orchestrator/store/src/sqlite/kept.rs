//! What is written beside records: files and who holds them, how long runs are kept, cursors, checkpoints.

use laufzettel_domain::RunId;
use sqlx::{Connection as _, Sqlite as Db, SqliteConnection, Transaction};

use super::{mail, removal, rows, unsent};
use crate::{contract::KEPT_US, error::Error, failpoint, removal::RetentionRow};

pub async fn sweep(connection: &mut SqliteConnection, now: i64) -> Result<(), Error> {
    failpoint::pass("store.before_sweep", Error::Refused)?;
    mail::sweep(connection, now).await?;
    unsent::sweep(connection, now).await?;
    // whoever repeats a message later than it would have been kept means another one
    sqlx::query("DELETE FROM seen WHERE at < $1").bind(now - KEPT_US).execute(&mut *connection).await?;
    removal::untaken(connection, now).await
}

pub async fn keep(connection: &mut SqliteConnection, row: &RetentionRow, files: Vec<String>) -> Result<(), Error> {
    let mut tx = connection.begin().await?;
    hold_files(&mut tx, &files.into_iter().map(|name| (name, row.run)).collect::<Vec<_>>()).await?;
    put_retention(&mut tx, std::iter::once(row)).await?;
    Ok(tx.commit().await?)
}

/// Files a run takes are the run's from now on.
pub async fn hold_files(tx: &mut Transaction<'_, Db>, files: &[(String, RunId)]) -> Result<(), Error> {
    for (name, run) in files {
        sqlx::query("INSERT OR IGNORE INTO held (name, run) VALUES ($1, $2)").bind(name).bind(run.to_string()).execute(&mut **tx).await?;
        sqlx::query("DELETE FROM arrived WHERE name = $1").bind(name).execute(&mut **tx).await?;
    }
    Ok(())
}

pub async fn put_retention(tx: &mut Transaction<'_, Db>, ended: impl Iterator<Item = &RetentionRow>) -> Result<(), Error> {
    for row in ended {
        let sql = "INSERT OR REPLACE INTO retention (run, parent, contents_until, records_until, erased_at, whole) VALUES ($1, $2, $3, $4, $5, $6)";
        let query = sqlx::query(sql).bind(row.run.to_string()).bind(row.parent.map(|run| run.to_string())).bind(row.contents_until);
        query.bind(row.records_until).bind(row.erased_at).bind(row.whole).execute(&mut **tx).await?;
    }
    Ok(())
}

pub async fn put_cursors(connection: &mut SqliteConnection, cursors: &[(String, Option<String>)]) -> Result<(), sqlx::Error> {
    for (name, value) in cursors {
        match value {
            Some(value) => {
                let sql = "INSERT INTO cursors (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
                sqlx::query(sql).bind(name).bind(value).execute(&mut *connection).await?;
            }
            None => {
                sqlx::query("DELETE FROM cursors WHERE name = $1").bind(name).execute(&mut *connection).await?;
            }
        }
    }
    Ok(())
}

pub async fn put_bytes(connection: &mut SqliteConnection, name: &str, bytes: &[u8], at: i64) -> Result<(), Error> {
    failpoint::pass("store.before_bytes", Error::Refused)?;
    let mut tx = connection.begin().await?;
    sqlx::query("INSERT INTO bytes (name, bytes) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING").bind(name).bind(bytes).execute(&mut *tx).await?;
    if name.starts_with("blob:") {
        let sql = "INSERT INTO arrived (name, at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET at = excluded.at";
        sqlx::query(sql).bind(name).bind(at).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    failpoint::pass("store.after_bytes", Error::Refused)
}

pub async fn try_out(connection: &mut SqliteConnection) -> Result<(), Error> {
    let sql = "INSERT INTO meta (name, value) VALUES ('tried', '1') ON CONFLICT (name) DO UPDATE SET value = value + 1";
    sqlx::query(sql).execute(connection).await?;
    Ok(())
}

/// Written again as it was, it stays as it was: whoever heard no answer asks once more.
pub async fn put_checkpoint(connection: &mut SqliteConnection, number: u64, note: &str) -> Result<(), Error> {
    let sql = "INSERT INTO checkpoints (number, note) VALUES ($1, $2) ON CONFLICT (number) DO UPDATE SET note = note WHERE note = excluded.note";
    let written = sqlx::query(sql).bind(rows::signed(number)).bind(note).execute(connection).await?;
    if written.rows_affected() == 0 { Err(Error::Refused(format!("checkpoint {number} is another one"))) } else { Ok(()) }
}
