//! Rows to values. A row that does not read is an error, never a default.

use laufzettel_domain::RunId;
use laufzettel_journal::{Draft, Record};
use serde::{Deserialize, Serialize};
use sqlx::{Row as _, sqlite::SqliteRow};

use crate::{
    contract::{Claimed, Mail, Message, RunRow, StartedRow, TaskRow, UsageRow},
    error::Error,
    removal::RetentionRow,
};

/// Counters fit: nobody writes 2^63 records.
pub fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub fn unsigned(n: i64) -> Result<u64, Error> {
    u64::try_from(n).map_err(|_| Error::Corrupt("negative counter".to_owned()))
}

pub fn run_id(text: &str) -> Result<RunId, Error> {
    // one spelling: the chain was made of these very letters
    RunId::parse(text).filter(|run| run.to_string() == text).ok_or_else(|| Error::Corrupt(format!("run id {text}")))
}

pub fn record(row: &SqliteRow) -> Result<Record, Error> {
    let bytes = |name: &str| -> Result<Option<Vec<u8>>, Error> { Ok(row.try_get(name)?) };
    let hash: [u8; 32] = bytes("hash")?.and_then(|h| h.try_into().ok()).ok_or_else(|| Error::Corrupt("hash".to_owned()))?;
    let run: Option<String> = row.try_get("run")?;
    let run_seq: Option<i64> = row.try_get("run_seq")?;
    let salt: Option<Vec<u8>> = bytes("salt")?;
    let draft = Draft {
        run: run.map(|r| run_id(&r)).transpose()?,
        run_seq: run_seq.map(unsigned).transpose()?,
        at: row.try_get("at")?,
        kind: row.try_get("kind")?,
        actor: row.try_get("actor")?,
        body: row.try_get("body")?,
        salt: salt.map(|s| s.try_into().map_err(|_| Error::Corrupt("salt".to_owned()))).transpose()?,
        content: bytes("content")?,
    };
    Ok(Record { lane: unsigned(row.try_get("lane")?)?, seq: unsigned(row.try_get("seq")?)?, draft, hash })
}

pub fn run(row: &SqliteRow) -> Result<RunRow, Error> {
    Ok(RunRow {
        run: run_id(row.try_get("run")?)?,
        seq: unsigned(row.try_get("seq")?)?,
        nummer: row.try_get("nummer")?,
        process: row.try_get("process")?,
        version: row.try_get("version")?,
        title: row.try_get("title")?,
        unit: row.try_get("unit")?,
        state: row.try_get("state")?,
        subject: row.try_get("subject")?,
        name: row.try_get("name")?,
        started_at: row.try_get("started_at")?,
        updated_at: row.try_get("updated_at")?,
        ended_at: row.try_get("ended_at")?,
        wake_at: row.try_get("wake_at")?,
    })
}

pub fn mail(row: &SqliteRow) -> Result<Mail, Error> {
    let reach: String = row.try_get("processes")?;
    let message = Message {
        name: row.try_get("name")?,
        key: row.try_get("key")?,
        payload: row.try_get("payload")?,
        sender: row.try_get("sender")?,
        processes: (reach != "*").then(|| reach.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()),
        at: row.try_get("at")?,
    };
    Ok(Mail { id: row.try_get("id")?, slot: row.try_get("place")?, message })
}

pub fn retention(row: &SqliteRow) -> Result<RetentionRow, Error> {
    Ok(RetentionRow {
        run: run_id(row.try_get("run")?)?,
        parent: row.try_get::<Option<String>, _>("parent")?.map(|parent| run_id(&parent)).transpose()?,
        contents_until: row.try_get("contents_until")?,
        records_until: row.try_get("records_until")?,
        erased_at: row.try_get("erased_at")?,
        whole: row.try_get("whole")?,
    })
}

pub fn started(row: &SqliteRow) -> Result<StartedRow, Error> {
    Ok(StartedRow { process: row.try_get("process")?, count: unsigned(row.try_get("n")?)?, oldest: row.try_get("oldest")? })
}

pub fn usage(row: &SqliteRow) -> Result<UsageRow, Error> {
    Ok(UsageRow {
        day: row.try_get("day")?,
        process: row.try_get("process")?,
        model: row.try_get("model")?,
        zone: row.try_get("zone")?,
        calls: unsigned(row.try_get("calls")?)?,
        charged: unsigned(row.try_get("charged")?)?,
        cost_micro_eur: unsigned(row.try_get("cost_micro_eur")?)?,
        unpriced: unsigned(row.try_get("unpriced")?)?,
    })
}

/// Who a task is for, and who has it, as one column.
#[derive(Serialize, Deserialize)]
pub struct Assigned {
    pub groups: Vec<String>,
    pub user: Option<String>,
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "std::collections::BTreeSet::is_empty")]
    pub except: std::collections::BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Claimed>,
}

pub fn task(row: &SqliteRow) -> Result<TaskRow, Error> {
    let assigned: Assigned = serde_json::from_str(row.try_get("assigned")?).map_err(|e| Error::Corrupt(e.to_string()))?;
    Ok(TaskRow {
        task: row.try_get("task")?,
        run: run_id(row.try_get("run")?)?,
        number: row.try_get("number")?,
        nummer: row.try_get("nummer")?,
        process: row.try_get("process")?,
        step: row.try_get("step")?,
        title: row.try_get("title")?,
        kind: row.try_get("kind")?,
        open: row.try_get::<i64, _>("open")? == 1,
        groups: assigned.groups,
        user: assigned.user,
        unit: assigned.unit,
        except: assigned.except,
        claimed: assigned.claimed,
        due: row.try_get("due")?,
        opened_at: row.try_get("opened_at")?,
    })
}
