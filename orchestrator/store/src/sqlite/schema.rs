//! The tables of a file, and how those of an older file become today's. Refuses a file from a newer program: what it means by its
//! tables nobody here knows.

use sqlx::{Connection as _, Row as _, SqliteConnection};

use crate::error::Error;

/// Raised with every change that `schema.sql` alone does not bring about in a file that is there, and with every table an older program
/// must not leave as it is.
const VERSION: u32 = 5;

/// All of it, or nothing: a file is of one version.
pub async fn bring_up(connection: &mut SqliteConnection) -> Result<(), Error> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let found = version(&mut tx).await?;
    sqlx::raw_sql(include_str!("schema.sql")).execute(&mut *tx).await?;
    if found == Some(1) {
        sqlx::raw_sql(include_str!("from_1.sql")).execute(&mut *tx).await?;
    }
    if found.is_some_and(|found| found < 5) {
        sqlx::raw_sql(include_str!("from_4.sql")).execute(&mut *tx).await?;
    }
    let sql = "INSERT INTO meta (name, value) VALUES ('schema', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    sqlx::query(sql).bind(VERSION.to_string()).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

/// `None`: there is nothing in it yet.
async fn version(connection: &mut SqliteConnection) -> Result<Option<u32>, Error> {
    let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'";
    if sqlx::query(sql).fetch_optional(&mut *connection).await?.is_none() {
        return Ok(None);
    }
    let row = sqlx::query("SELECT value FROM meta WHERE name = 'schema'").fetch_optional(connection).await?;
    let Some(text) = row.map(|row| row.try_get::<String, _>(0)).transpose()? else { return Ok(None) };
    match text.parse() {
        Ok(found) if found <= VERSION => Ok(Some(found)),
        Ok(found) => Err(Error::Refused(format!("this file was written by a newer version of the program (tables {found}, known here: {VERSION})"))),
        Err(_) => Err(Error::Corrupt("meta: schema".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{ConnectOptions as _, SqliteConnection};

    use super::*;
    use crate::{Sqlite, SqliteOptions};

    /// What schema 1 had in place of today's mailbox, with a copy for one place, one for nobody, and a refusal; and a day's calls as
    /// they were counted until schema 4.
    const OLD: &str = "ALTER TABLE usage DROP COLUMN cost_micro_eur; ALTER TABLE usage DROP COLUMN unpriced;
        INSERT INTO usage VALUES ('2026-11-24', 'p', 'm', 'gruen', 3, 40);
        DROP VIEW at_hand; DROP TABLE addressed; DROP TABLE messages;
        CREATE TABLE mailbox (id INTEGER PRIMARY KEY, run TEXT, slot TEXT, name TEXT NOT NULL, key TEXT NOT NULL, payload TEXT NOT NULL, sender TEXT NOT NULL,
          processes TEXT NOT NULL, at INTEGER NOT NULL);
        CREATE TABLE refused (mail INTEGER NOT NULL, run TEXT NOT NULL, slot TEXT NOT NULL, PRIMARY KEY (mail, run, slot)) WITHOUT ROWID;
        CREATE VIEW mail AS SELECT * FROM mailbox;
        INSERT INTO runs SELECT '00000000-0000-7000-8000-00000000000' || column1, 1, 'n', 'p', '1', 'T', 'u', 'waiting', 's', 'n', 0, 0, NULL, NULL FROM (VALUES (1), (2));
        INSERT INTO expected SELECT run, 'w', 'zahlung', 'A' FROM runs;
        INSERT INTO mailbox VALUES (3, NULL, NULL, 'zahlung', 'A', '{}', 's', '*', 10), (4, '00000000-0000-7000-8000-000000000002', 'w', 'zahlung', 'A', '{}', 's', '*', 11);
        INSERT INTO refused VALUES (3, '00000000-0000-7000-8000-000000000002', 'w');
        UPDATE meta SET value = '1' WHERE name = 'schema';";

    async fn raw(file: &std::path::Path, sql: &'static str) {
        let mut connection: SqliteConnection = super::super::options(file).connect().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    #[tokio::test]
    async fn an_older_file_keeps_its_mail_and_a_newer_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.sqlite");
        let options = SqliteOptions { file: file.clone(), tenant: "t".into(), now: 0, lane_above: 0 };
        let mut connection = super::super::options(&file).create_if_missing(true).connect().await.unwrap();
        bring_up(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        raw(&file, OLD).await;
        let store = Sqlite::open(options.clone()).await.unwrap();
        let mut found = Vec::new();
        for row in [1, 2] {
            let run = laufzettel_domain::RunId::parse(&format!("00000000-0000-7000-8000-00000000000{row}")).unwrap();
            found.push(store.mail(run, 12).await.unwrap().into_iter().map(|mail| (mail.id, mail.message.at)).collect::<Vec<_>>());
        }
        assert_eq!(found, [[(3, 10)], [(4, 11)]]);
        let (day, process, model, zone) = ("2026-11-24".to_owned(), "p".to_owned(), "m".to_owned(), "gruen".to_owned());
        let old = crate::UsageRow { day, process, model, zone, calls: 3, charged: 40, cost_micro_eur: 0, unpriced: 3 };
        assert_eq!(store.used_since("2026-11-24").await.unwrap(), [old], "what nobody counted then is unknown, not nothing");
        store.close(1).await.unwrap();
        drop(store);
        raw(&file, "UPDATE meta SET value = value + 1 WHERE name = 'schema'").await;
        let again = loop {
            match Sqlite::open(options.clone()).await {
                Err(Error::Held) => tokio::task::yield_now().await,
                other => break other.map(drop),
            }
        };
        assert!(matches!(again, Err(Error::Refused(why)) if why.contains("newer version")));
    }
}
