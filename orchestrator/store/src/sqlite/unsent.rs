//! Applications that are not sent yet: one row each, beside the journal.

use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::Sqlite;
use crate::{
    error::Error,
    failpoint,
    unsent::{Over, Unsent, UnsentChange, UnsentRow, has_room},
};

impl Sqlite {
    pub async fn unsent(&self, id: &str, now: i64) -> Result<Option<UnsentRow>, Error> {
        let sql = "SELECT id, form, until, sealed FROM unsent WHERE id = $1 AND until > $2";
        let row = sqlx::query(sql).bind(id).bind(now).fetch_optional(&self.pool).await?;
        let read = |row: sqlx::sqlite::SqliteRow| Ok(UnsentRow { id: row.try_get(0)?, form: row.try_get(1)?, until: row.try_get(2)?, sealed: row.try_get(3)? });
        row.map(read).transpose().map_err(|error: sqlx::Error| error.into())
    }

    pub async fn unsent_bytes(&self, id: &str, now: i64) -> Result<Option<u64>, Error> {
        let sql = "SELECT length(sealed) FROM unsent WHERE id = $1 AND until > $2";
        let row = sqlx::query(sql).bind(id).bind(now).fetch_optional(&self.pool).await?;
        let bytes: Option<i64> = row.map(|row| row.try_get(0)).transpose()?;
        Ok(bytes.map(i64::unsigned_abs))
    }
}

pub async fn change(connection: &mut SqliteConnection, what: &Unsent) -> Result<UnsentChange, Error> {
    failpoint::pass("unsent.before_write", Error::Refused)?;
    let mut tx = connection.begin().await?;
    let (Unsent::Put { row: UnsentRow { id, .. }, over } | Unsent::Drop { id, over }) = what;
    if !stands(&mut tx, id, *over).await? {
        return Ok(UnsentChange::Moved);
    }
    let taken = match what {
        Unsent::Put { row, .. } => {
            let sql = "SELECT count(*), coalesce(sum(length(sealed)), 0) FROM unsent WHERE form = $1 AND id <> $2";
            let others = sqlx::query(sql).bind(&row.form).bind(&row.id).fetch_one(&mut *tx).await?;
            let taken = has_room(others.try_get(0)?, others.try_get(1)?, row.sealed.len());
            if taken {
                let sql = "INSERT OR REPLACE INTO unsent (id, form, until, sealed) VALUES ($1, $2, $3, $4)";
                sqlx::query(sql).bind(&row.id).bind(&row.form).bind(row.until).bind(&row.sealed).execute(&mut *tx).await?;
            }
            taken
        }
        Unsent::Drop { id, .. } => {
            sqlx::query("DELETE FROM unsent WHERE id = $1").bind(id).execute(&mut *tx).await?;
            true
        }
    };
    tx.commit().await?;
    failpoint::pass("unsent.after_write", Error::Refused)?;
    Ok(if taken { UnsentChange::Done } else { UnsentChange::Full })
}

/// Whether what stands under this id is what it may be done over. An envelope is only read where that is asked.
async fn stands(connection: &mut SqliteConnection, id: &str, over: Over) -> Result<bool, Error> {
    if over == Over::Anything {
        return Ok(true);
    }
    let row = sqlx::query("SELECT sealed FROM unsent WHERE id = $1").bind(id).fetch_optional(connection).await?;
    let sealed: Option<Vec<u8>> = row.map(|row| row.try_get(0)).transpose()?;
    Ok(sealed.is_none_or(|sealed| over.fits(&sealed)))
}

/// Those whose time is over.
pub async fn sweep(connection: &mut SqliteConnection, now: i64) -> Result<(), Error> {
    sqlx::query("DELETE FROM unsent WHERE until <= $1").bind(now).execute(connection).await?;
    Ok(())
}
