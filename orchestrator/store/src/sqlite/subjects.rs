//! By which keys the data subject of a run is found. The keys mean nothing without the secret they were made under, which does not lie
//! here.

use laufzettel_domain::RunId;
use sqlx::{Connection as _, QueryBuilder, Row as _, Sqlite as Db, SqliteConnection, SqlitePool, Transaction};

use super::{kept, rows};
use crate::{contract::SubjectKey, error::Error, failpoint};

pub async fn put(tx: &mut Transaction<'_, Db>, run: RunId, keys: &[SubjectKey]) -> Result<(), Error> {
    for key in keys {
        sqlx::query("INSERT OR IGNORE INTO subjects (key, run) VALUES ($1, $2)").bind(key.as_slice()).bind(run.to_string()).execute(&mut **tx).await?;
    }
    Ok(())
}

pub async fn forget(tx: &mut Transaction<'_, Db>, run: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM subjects WHERE run = $1").bind(run).execute(&mut **tx).await?;
    Ok(())
}

/// Of runs from before, with how far this has come. What has gone meanwhile gets no key again.
pub async fn index(connection: &mut SqliteConnection, found: &[(RunId, Vec<SubjectKey>)], cursor: (String, Option<String>)) -> Result<(), Error> {
    failpoint::pass("store.before_index", Error::Refused)?;
    let mut tx = connection.begin().await?;
    for (run, keys) in found {
        let sql = "SELECT 1 FROM runs r WHERE r.run = $1 AND NOT EXISTS (SELECT 1 FROM retention t WHERE t.run = r.run AND t.whole = 1)";
        if sqlx::query(sql).bind(run.to_string()).fetch_optional(&mut *tx).await?.is_some() {
            put(&mut tx, *run, keys).await?;
        }
    }
    kept::put_cursors(&mut tx, &[cursor]).await?;
    Ok(tx.commit().await?)
}

/// Runs that have all of these keys, newest first.
pub async fn with(pool: &SqlitePool, keys: &[SubjectKey], limit: u32) -> Result<Vec<RunId>, Error> {
    let mut keys = keys.iter();
    let Some(first) = keys.next() else { return Ok(Vec::new()) };
    let mut query: QueryBuilder<Db> = QueryBuilder::new("SELECT s.run FROM subjects s WHERE s.key = ");
    query.push_bind(first.to_vec());
    for key in keys {
        query.push(" AND EXISTS (SELECT 1 FROM subjects o WHERE o.run = s.run AND o.key = ").push_bind(key.to_vec()).push(")");
    }
    query.push(" ORDER BY s.run DESC LIMIT ").push_bind(i64::from(limit));
    query.build().fetch_all(pool).await?.iter().map(|row| rows::run_id(&row.get::<String, _>(0))).collect()
}
