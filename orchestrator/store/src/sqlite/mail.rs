//! The mailbox: every message once, with the places it is for. Refuses to know what a message means.
//!
//! A place (run and slot) that waits when a message comes is written beside it, and sees it until it has taken or refused it, or
//! waits no more. A message that has no such place (any more) and that nobody took is for the first place that asks.

use laufzettel_domain::RunId;
use sqlx::{Row as _, Sqlite as Db, SqliteConnection, Transaction};

use super::{Sqlite, rows, writer::Sheet};
use crate::{
    contract::{Handed, KEPT_US, Mail, Message, Projection, WAITING_MAX},
    error::Error,
};

impl Sqlite {
    pub async fn mail(&self, run: RunId, now: i64) -> Result<Vec<Mail>, Error> {
        let sql = "SELECT * FROM at_hand WHERE at >= $1 AND waits = $2 ORDER BY place, id";
        let found = sqlx::query(sql).bind(now - KEPT_US).bind(run.to_string()).fetch_all(&self.pool).await?;
        let mut mail: Vec<Mail> = found.iter().map(rows::mail).collect::<Result<_, _>>()?;
        mail.dedup_by(|next, kept| next.slot == kept.slot);
        Ok(mail)
    }

    pub async fn expecting(&self, name: &str) -> Result<Vec<String>, Error> {
        let sql = "SELECT DISTINCT r.process FROM expected e JOIN runs r ON r.run = e.run WHERE e.name = $1 ORDER BY r.process";
        let rows = sqlx::query(sql).bind(name).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

/// Whether a place may have a message, after what others had earlier in the same batch.
pub async fn is_at_hand(connection: &mut SqliteConnection, handed: &Handed, earlier: &[Handed]) -> Result<bool, Error> {
    if earlier.contains(handed) {
        return Ok(false);
    }
    let sql = "SELECT own FROM at_hand WHERE id = $1 AND waits = $2 AND place = $3";
    let row = sqlx::query(sql).bind(handed.mail).bind(handed.run.to_string()).bind(&handed.slot).fetch_optional(connection).await?;
    let own = row.map(|row| row.try_get::<bool, _>(0)).transpose()?;
    Ok(own.is_some_and(|own| own || earlier.iter().all(|other| other.mail != handed.mail)))
}

/// Whether there are too many already, with those of the same batch.
pub async fn is_full(connection: &mut SqliteConnection, message: &Message, earlier: &[Message]) -> Result<bool, Error> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM messages WHERE name = $1 AND key = $2 LIMIT $3)";
    let limit = i64::try_from(WAITING_MAX).unwrap_or(i64::MAX);
    let row = sqlx::query(sql).bind(&message.name).bind(&message.key).bind(limit).fetch_one(connection).await?;
    let here = earlier.iter().filter(|other| (&other.name, &other.key) == (&message.name, &message.key)).count();
    Ok(usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(WAITING_MAX) + here >= WAITING_MAX)
}

/// What a batch does to the mailbox: first what was handed out, then who waits, then what came.
pub(super) async fn write(tx: &mut Transaction<'_, Db>, sheet: &Sheet) -> Result<(), Error> {
    for handed in &sheet.taken {
        sqlx::query("UPDATE messages SET taken = 1 WHERE id = $1").bind(handed.mail).execute(&mut **tx).await?;
    }
    for handed in sheet.taken.iter().chain(&sheet.refused) {
        let sql = "INSERT INTO addressed (mail, run, slot, done) SELECT id, $2, $3, 1 FROM messages WHERE id = $1 \
                   ON CONFLICT (mail, run, slot) DO UPDATE SET done = 1";
        sqlx::query(sql).bind(handed.mail).bind(handed.run.to_string()).bind(&handed.slot).execute(&mut **tx).await?;
    }
    let waited = put_expected(tx, &sheet.projections).await?;
    if waited || !sheet.taken.is_empty() || !sheet.refused.is_empty() {
        drop_spent(tx).await?;
    }
    for message in &sheet.posts {
        put(tx, message).await?;
    }
    Ok(())
}

/// What runs wait for, the last word of each; runs that never wait for anything cost nothing. A place that waits no more, or for
/// something else, lets go what was addressed to it. `true`: some run may have.
async fn put_expected(tx: &mut Transaction<'_, Db>, projections: &[Projection]) -> Result<bool, Error> {
    let mut any = false;
    for (projection, rows) in projections.iter().filter_map(|p| Some((p, p.expects.as_ref()?))) {
        let run = projection.run.run.to_string();
        sqlx::query("DELETE FROM expected WHERE run = $1").bind(&run).execute(&mut **tx).await?;
        for row in rows {
            let sql = "INSERT INTO expected (run, slot, name, key) VALUES ($1, $2, $3, $4)";
            sqlx::query(sql).bind(&run).bind(&row.slot).bind(&row.name).bind(&row.key).execute(&mut **tx).await?;
        }
        let sql = "DELETE FROM addressed WHERE run = $1 AND done = 0 AND NOT EXISTS (SELECT 1 FROM expected e JOIN messages m \
                   ON m.name = e.name AND m.key = e.key WHERE m.id = addressed.mail AND e.run = $1 AND e.slot = addressed.slot)";
        sqlx::query(sql).bind(&run).execute(&mut **tx).await?;
        any = true;
    }
    Ok(any)
}

/// What somebody took and nobody else is to have.
pub async fn drop_spent(tx: &mut Transaction<'_, Db>) -> Result<(), Error> {
    let sql = "DELETE FROM messages WHERE taken = 1 AND NOT EXISTS (SELECT 1 FROM addressed a WHERE a.mail = messages.id AND a.done = 0)";
    sqlx::query(sql).execute(&mut **tx).await?;
    Ok(())
}

async fn put(tx: &mut Transaction<'_, Db>, message: &Message) -> Result<(), Error> {
    let sql = "INSERT INTO messages (name, key, payload, sender, processes, at, taken) VALUES ($1, $2, $3, $4, $5, $6, 0)";
    let query = sqlx::query(sql).bind(&message.name).bind(&message.key).bind(&message.payload).bind(&message.sender);
    let id = query.bind(message.reach()).bind(message.at).execute(&mut **tx).await?.last_insert_rowid();
    let sql = "INSERT INTO addressed (mail, run, slot, done) SELECT $1, e.run, e.slot, 0 FROM expected e JOIN runs r ON r.run = e.run \
               WHERE e.name = $2 AND e.key = $3 AND ($4 = '*' OR instr($4, ',' || r.process || ',') > 0)";
    sqlx::query(sql).bind(id).bind(&message.name).bind(&message.key).bind(message.reach()).execute(&mut **tx).await?;
    Ok(())
}

/// Messages nobody asked for in time.
pub async fn sweep(connection: &mut SqliteConnection, now: i64) -> Result<(), Error> {
    sqlx::query("DELETE FROM messages WHERE at < $1").bind(now - KEPT_US).execute(connection).await?;
    Ok(())
}
