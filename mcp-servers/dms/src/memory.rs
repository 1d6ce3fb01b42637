//! The idempotency memory: what was done under a key is written in the transaction that did it. The same key with the
//! same arguments gets the first answer again; with others it is refused.

use laufzettel_mcp_kit::{Call, Failure};
use serde_json::Value;

use crate::archive::{Archive, Stop, Tx};

/// How a writing call begins.
pub(crate) enum Begun {
    /// It was done before; this was the answer.
    Before(Value),
    Now(Tx),
}

/// Opens the transaction of a writing call.
pub(crate) async fn begin(archive: &Archive, call: &Call) -> Result<Begun, Stop> {
    // IMMEDIATE: a second call under the same key waits here and then finds the first one's answer.
    let mut tx = archive.pool.begin_with("BEGIN IMMEDIATE").await?;
    let row: Option<(String, String, String)> =
        sqlx::query_as("SELECT tool, args, result FROM call WHERE key = ?1").bind(&call.delegation.key).fetch_optional(&mut *tx).await?;
    let Some((tool, args, result)) = row else {
        return Ok(Begun::Now(tx));
    };
    if tool != call.delegation.tool || args != call.delegation.args {
        return Err(Failure::conflict("Unter diesem Schlüssel wurde schon etwas anderes getan.").into());
    }
    Ok(Begun::Before(serde_json::from_str(&result)?))
}

/// Notes the answer and commits.
pub(crate) async fn finish(mut tx: Tx, call: &Call, result: Value) -> Result<Value, Stop> {
    sqlx::query("INSERT INTO call (key, tool, args, result, at) VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(&call.delegation.key)
        .bind(&call.delegation.tool)
        .bind(&call.delegation.args)
        .bind(result.to_string())
        .bind(call.at)
        .execute(&mut *tx)
        .await?;
    tx.commit().await.map_err(Stop::Commit)?;
    Ok(result)
}
