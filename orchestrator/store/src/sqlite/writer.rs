//! The one writer: gathers what waits, drops what no longer fits, chains the rest, commits it as one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use laufzettel_domain::{RunId, digest::to_hex};
use laufzettel_journal::{Draft, LANE_CLOSED, LANE_OPENED, Record, genesis, seal};
use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _, QueryBuilder, Row as _, Sqlite as Db, SqliteConnection, Transaction};
use tokio::sync::{mpsc, oneshot};

use super::{Job, SqliteOptions, kept, mail, removal, rows, subjects, unsent};
use crate::{
    contract::{Append, Handed, LaneHead, Message, Projection, RunRow, TaskRow, UsageRow},
    error::{AppendError, Error, Health, Trouble},
    failpoint,
};

/// Requests in one commit. At about ten records each this is where a statement stops getting cheaper per row.
const BATCH_MAX: usize = 256;
/// Rows in one statement: eleven columns each, below SQLite's 32,766 parameters.
const ROWS_MAX: usize = 2500;

/// Where this opening's lane stands.
pub struct Lane {
    lane: u64,
    seq: u64,
    hash: [u8; 32],
    pub(super) closed: bool,
    /// What readers see; moved before anybody hears that a batch is durable.
    shown: Option<Arc<Mutex<LaneHead>>>,
    pub(super) health: Health,
    /// Something failed on the connection: whether its transaction is over nobody can say.
    stale: bool,
}

impl Lane {
    pub fn head(&self) -> LaneHead {
        LaneHead { lane: self.lane, seq: self.seq, hash: self.hash }
    }

    /// Answers, and remembers how the store was.
    fn told<T>(&mut self, done: oneshot::Sender<Result<T, Error>>, told: Result<T, Error>) {
        match &told {
            Ok(_) => self.health.written(),
            Err(error) => self.failed(error),
        }
        reply(done, told);
    }

    pub(super) fn failed(&mut self, error: &Error) {
        self.health.failed(error);
        self.stale = true;
    }

    /// After a failure everything begins on a new connection. SQLite ends a transaction by itself on some errors and not on others,
    /// and the driver counts on one of the two: on the old connection what is acknowledged might stand in a transaction that
    /// never ends.
    pub(super) async fn renew(&mut self, connection: &mut SqliteConnection) -> Result<(), Error> {
        if self.stale {
            let fresh = super::options(self.health.file()).connect().await?;
            drop(std::mem::replace(connection, fresh).close().await);
            self.stale = false;
        }
        Ok(())
    }

    pub(super) fn advance(&mut self, next: &LaneHead) {
        self.seq = next.seq;
        self.hash = next.hash;
        self.health.written();
        if let Some(shown) = &self.shown {
            *shown.lock().expect("nobody panics while holding this lock") = next.clone();
        }
    }
}

/// Opens a lane: raises the epoch, names the head it found.
pub async fn begin(connection: &mut SqliteConnection, given: &SqliteOptions, health: Health) -> Result<(Lane, u64), Error> {
    let SqliteOptions { tenant, now, lane_above, .. } = given;
    let mut tx = connection.begin().await?;
    let known: Option<String> = sqlx::query("SELECT value FROM meta WHERE name = 'tenant'").fetch_optional(&mut *tx).await?.map(|r| r.get(0));
    if let Some(known) = known.filter(|known| *known != *tenant) {
        return Err(Error::Refused(format!("this file belongs to the tenant \"{known}\", not to \"{tenant}\"")));
    }
    let epoch: Option<String> = sqlx::query("SELECT value FROM meta WHERE name = 'epoch'").fetch_optional(&mut *tx).await?.map(|r| r.get(0));
    let epoch = epoch.and_then(|e| e.parse::<u64>().ok()).unwrap_or(0) + 1;
    for (name, value) in [("tenant", tenant.clone()), ("epoch", epoch.to_string())] {
        sqlx::query("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
            .bind(name)
            .bind(value)
            .execute(&mut *tx)
            .await?;
    }
    let last = sqlx::query("SELECT * FROM records ORDER BY lane DESC, seq DESC LIMIT 1").fetch_optional(&mut *tx).await?;
    let last = last.as_ref().map(rows::record).transpose()?;
    let heads: Vec<_> = last.iter().map(|r| json!([r.lane, r.seq, to_hex(&r.hash)])).collect();
    let lane = last.map_or(0, |r| r.lane).max(*lane_above) + 1;
    let record = seal(&genesis(tenant, lane), lane, 1, Draft::new(LANE_OPENED, "engine", *now, json!({ "heads": heads }), None));
    let state = Lane { lane, seq: 1, hash: record.hash, closed: false, shown: None, health, stale: false };
    insert_records(&mut tx, &[record]).await?;
    failpoint::pass("store.before_lane", Error::Refused)?;
    tx.commit().await?;
    failpoint::pass("store.after_lane", Error::Refused)?;
    Ok((state, epoch))
}

pub async fn run(mut connection: SqliteConnection, mut lane: Lane, epoch: u64, mut jobs: mpsc::Receiver<Job>, head: Arc<Mutex<LaneHead>>) {
    lane.shown = Some(head);
    let mut seqs: HashMap<RunId, u64> = HashMap::new();
    let mut waiting = Vec::with_capacity(BATCH_MAX);
    // whether something that was removed may still stand in the log of pages
    let mut unscrubbed = false;
    while jobs.recv_many(&mut waiting, BATCH_MAX).await > 0 {
        let mut appends = Vec::new();
        for job in waiting.drain(..) {
            let ready = match lane.health.trouble() {
                Some(Trouble::Damaged) => Err(damaged()),
                _ => lane.renew(&mut connection).await,
            };
            if let Err(error) = ready {
                lane.health.failed(&error);
                refuse(job, error);
                continue;
            }
            match job {
                Job::Append(together, done) => appends.push((together, done)),
                Job::Bytes { name, bytes, at, done } => lane.told(done, kept::put_bytes(&mut connection, &name, &bytes, at).await),
                Job::Checkpoint { number, note, done } => {
                    let put = kept::put_checkpoint(&mut connection, number, &note).await;
                    if lane.closed {
                        // the last one: from here on the file stands for itself
                        removal::scrub(&mut connection).await;
                    }
                    lane.told(done, put);
                }
                Job::Sweep { now, done } => {
                    let swept = kept::sweep(&mut connection, now).await;
                    let _ = swept.as_ref().inspect_err(|error| lane.failed(error));
                    reply(done, swept);
                    unscrubbed = true;
                }
                Job::Unsent { what, done } => {
                    lane.told(done, unsent::change(&mut connection, &what).await);
                    // what was dropped or replaced stands in the log of pages
                    unscrubbed = true;
                }
                Job::Index { found, cursor, done } => lane.told(done, subjects::index(&mut connection, &found, cursor).await),
                Job::Keep { row, files, done } => lane.told(done, kept::keep(&mut connection, &row, files).await),
                Job::TryOut(done) => lane.told(done, kept::try_out(&mut connection).await),
                Job::Remove(what, done) => {
                    let removed = removal::remove(&mut connection, &mut lane, *what).await;
                    unscrubbed = removed.is_err() || !removal::scrub(&mut connection).await;
                    reply(done, removed);
                }
                Job::Close { at, done } => {
                    if failpoint::hit("store.before_close") {
                        return;
                    }
                    let close = Append { drafts: vec![Draft::new(LANE_CLOSED, "engine", at, json!({}), None)], ..Append::default() };
                    batch(&mut connection, &mut lane, epoch, &mut seqs, std::mem::take(&mut appends)).await;
                    if lane.closed {
                        reply(done, Ok(()));
                        continue;
                    }
                    let (closing, closed) = oneshot::channel();
                    batch(&mut connection, &mut lane, epoch, &mut seqs, vec![(vec![close], closing)]).await;
                    let told = closed.await.unwrap_or_else(|_| Err(AppendError::Unavailable("the writer has stopped".to_owned())));
                    // what has no end yet may still get one
                    lane.closed = told.is_ok();
                    removal::scrub(&mut connection).await;
                    reply(done, told);
                }
            }
        }
        batch(&mut connection, &mut lane, epoch, &mut seqs, appends).await;
        if unscrubbed {
            unscrubbed = !removal::scrub_again(&mut connection).await;
        }
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "closing the database");
    }
}

fn reply<T>(done: oneshot::Sender<T>, value: T) {
    // a sender that no longer waits has lost interest; what was written stays written
    let _ = done.send(value);
}

/// What is damaged takes nothing: what it would do with it nobody knows.
fn damaged() -> Error {
    Error::Trouble(Trouble::Damaged, sqlx::Error::PoolClosed)
}

fn refuse(job: Job, error: Error) {
    match job {
        Job::Append(_, done) | Job::Close { done, .. } => reply(done, Err(AppendError::Unavailable(error.to_string()))),
        Job::Remove(_, done) => reply(done, Err(crate::removal::RemovalError::Unavailable(error.to_string()))),
        Job::Unsent { done, .. } => reply(done, Err(error)),
        Job::Bytes { done, .. }
        | Job::Checkpoint { done, .. }
        | Job::Index { done, .. }
        | Job::Keep { done, .. }
        | Job::Sweep { done, .. }
        | Job::TryOut(done) => {
            reply(done, Err(error));
        }
    }
}

type Waiting = (Vec<Append>, oneshot::Sender<Result<(), AppendError>>);

/// What one batch will write.
#[derive(Default)]
pub(super) struct Sheet {
    records: Vec<Record>,
    pub(super) projections: Vec<Projection>,
    receipts: Vec<(String, RunId)>,
    pub(super) posts: Vec<Message>,
    seen: Vec<(String, i64)>,
    clocks: Vec<(String, Option<i64>)>,
    cursors: Vec<(String, Option<String>)>,
    pub(super) taken: Vec<Handed>,
    pub(super) refused: Vec<Handed>,
    moved: HashMap<RunId, (u64, bool)>,
    files: Vec<(String, RunId)>,
}

async fn batch(connection: &mut SqliteConnection, lane: &mut Lane, epoch: u64, seqs: &mut HashMap<RunId, u64>, appends: Vec<Waiting>) {
    if appends.is_empty() {
        return;
    }
    if let Err(error) = lane.renew(connection).await {
        lane.health.failed(&error);
        let refused = AppendError::Unavailable(error.to_string());
        return appends.into_iter().for_each(|(_, done)| reply(done, Err(refused.clone())));
    }
    let mut sheet = Sheet::default();
    let mut next = lane.head();
    // nobody is told anything before it is durable: one that came twice in a batch is a duplicate of what may yet not be written
    let mut answers = Vec::new();
    for (together, done) in appends {
        let answer = check(connection, lane, epoch, seqs, &sheet, &together).await;
        if answer.is_ok() {
            together.into_iter().for_each(|append| take(&mut sheet, &mut next, append));
        }
        answers.push((done, answer));
    }
    if answers.iter().all(|(_, answer)| answer.is_err()) {
        return answers.into_iter().for_each(|(done, answer)| reply(done, answer));
    }
    match commit(connection, lane, &sheet, &next).await {
        Ok(()) => {
            lane.advance(&next);
            for (run, (seq, ended)) in sheet.moved {
                if ended {
                    seqs.remove(&run);
                } else {
                    seqs.insert(run, seq);
                }
            }
            if failpoint::hit("store.before_reply") {
                answers.clear();
            }
            answers.into_iter().for_each(|(done, answer)| reply(done, answer));
        }
        Err(error) => {
            if error.trouble().is_none() {
                tracing::error!(%error, "the batch was not written");
            }
            lane.failed(&error);
            let error = AppendError::Unavailable(error.to_string());
            answers.into_iter().for_each(|(done, _)| reply(done, Err(error.clone())));
        }
    }
}

/// Checks appends that belong together against everything durable and everything earlier in this batch.
async fn check(
    connection: &mut SqliteConnection,
    lane: &Lane,
    epoch: u64,
    seqs: &HashMap<RunId, u64>,
    sheet: &Sheet,
    together: &[Append],
) -> Result<(), AppendError> {
    failpoint::pass("store.before_check", AppendError::Unavailable)?;
    for append in together {
        check_one(connection, lane, epoch, seqs, sheet, append).await?;
    }
    Ok(())
}

async fn check_one(
    connection: &mut SqliteConnection,
    lane: &Lane,
    epoch: u64,
    seqs: &HashMap<RunId, u64>,
    sheet: &Sheet,
    append: &Append,
) -> Result<(), AppendError> {
    if lane.closed || append.epoch.is_some_and(|e| e != epoch) {
        return Err(AppendError::Fenced);
    }
    let unavailable = |error: Error| {
        lane.health.failed(&error);
        AppendError::Unavailable(error.to_string())
    };
    for key in append.receipt.iter().flatten() {
        let here = sheet.receipts.iter().find(|(k, _)| k == key).map(|(_, run)| *run);
        let stored = match here {
            Some(run) => Some(run),
            None => stored_receipt(connection, key).await.map_err(unavailable)?,
        };
        if let Some(run) = stored {
            return Err(AppendError::Duplicate(run));
        }
    }
    if let Some(key) = &append.seen
        && (sheet.seen.iter().any(|(known, _)| known == key) || is_seen(connection, key).await.map_err(unavailable)?)
    {
        return Err(AppendError::Seen);
    }
    if let Some(handed) = &append.taken
        && !mail::is_at_hand(connection, handed, &sheet.taken).await.map_err(unavailable)?
    {
        return Err(AppendError::Conflict(append.expected));
    }
    if let Some(message) = &append.post
        && mail::is_full(connection, message, &sheet.posts).await.map_err(unavailable)?
    {
        return Err(AppendError::crowded());
    }
    if let Some(run) = append.run {
        let known = sheet.moved.get(&run).map(|(seq, _)| *seq).or_else(|| seqs.get(&run).copied());
        let at = match known {
            Some(at) => at,
            None => stored_seq(connection, run).await.map_err(unavailable)?,
        };
        if at != append.expected {
            return Err(AppendError::Conflict(at));
        }
    }
    Ok(())
}

/// Writes what was checked on the sheet.
fn take(sheet: &mut Sheet, next: &mut LaneHead, append: Append) {
    if let Some(run) = append.run {
        let ended = append.projection.as_ref().is_some_and(|p| p.run.ended_at.is_some());
        sheet.moved.insert(run, (append.expected + append.drafts.len() as u64, ended));
        sheet.receipts.extend(append.receipt.into_iter().flatten().map(|key| (key, run)));
        sheet.files.extend(append.files.into_iter().map(|name| (name, run)));
    }
    for (n, draft) in append.drafts.into_iter().enumerate() {
        let draft = match append.run {
            Some(run) => draft.of_run(run, append.expected + 1 + n as u64),
            None => draft,
        };
        let record = seal(&next.hash, next.lane, next.seq + 1, draft);
        next.seq = record.seq;
        next.hash = record.hash;
        sheet.records.push(record);
    }
    sheet.projections.extend(append.projection);
    let at = sheet.records.last().map_or(0, |record| record.draft.at);
    sheet.seen.extend(append.seen.map(|key| (key, at)));
    sheet.clocks.extend(append.clock);
    sheet.cursors.extend(append.cursor);
    sheet.posts.extend(append.post);
    sheet.taken.extend(append.taken);
    sheet.refused.extend(append.refused);
}

async fn is_seen(connection: &mut SqliteConnection, key: &str) -> Result<bool, Error> {
    Ok(sqlx::query("SELECT 1 FROM seen WHERE key = $1").bind(key).fetch_optional(connection).await?.is_some())
}

async fn stored_seq(connection: &mut SqliteConnection, run: RunId) -> Result<u64, Error> {
    let row = sqlx::query("SELECT max(run_seq) FROM records WHERE run = $1").bind(run.to_string()).fetch_one(connection).await?;
    Ok(row.try_get::<Option<i64>, _>(0)?.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
}

async fn stored_receipt(connection: &mut SqliteConnection, key: &str) -> Result<Option<RunId>, Error> {
    let row = sqlx::query("SELECT run FROM receipts WHERE key = $1").bind(key).fetch_optional(connection).await?;
    row.map(|row| rows::run_id(&row.get::<String, _>(0))).transpose()
}

async fn commit(connection: &mut SqliteConnection, lane: &mut Lane, sheet: &Sheet, next: &LaneHead) -> Result<(), Error> {
    let fail = |name| failpoint::pass(name, Error::Refused);
    fail("store.before_begin")?;
    let mut tx = connection.begin().await?;
    fail("store.before_insert")?;
    insert_records(&mut tx, &sheet.records).await?;
    fail("store.after_records")?;
    upsert_runs(&mut tx, &sheet.projections).await?;
    upsert_tasks(&mut tx, sheet.projections.iter().flat_map(|p| &p.tasks)).await?;
    add_usage(&mut tx, sheet.projections.iter().flat_map(|p| &p.usage)).await?;
    fail("store.after_projections")?;
    for (key, run) in &sheet.receipts {
        sqlx::query("INSERT INTO receipts (key, run) VALUES ($1, $2)").bind(key).bind(run.to_string()).execute(&mut *tx).await?;
    }
    fail("store.after_receipts")?;
    for (key, at) in &sheet.seen {
        sqlx::query("INSERT INTO seen (key, at) VALUES ($1, $2)").bind(key).bind(at).execute(&mut *tx).await?;
    }
    for (name, at) in &sheet.clocks {
        if at.is_none() {
            sqlx::query("DELETE FROM clocks WHERE name = $1").bind(name).execute(&mut *tx).await?;
            continue;
        }
        let sql = "INSERT INTO clocks (name, at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET at = max(at, excluded.at)";
        sqlx::query(sql).bind(name).bind(at).execute(&mut *tx).await?;
    }
    kept::put_cursors(&mut tx, &sheet.cursors).await?;
    kept::hold_files(&mut tx, &sheet.files).await?;
    kept::put_retention(&mut tx, sheet.projections.iter().filter_map(|p| p.retention.as_ref())).await?;
    for projection in sheet.projections.iter().filter(|p| !p.subjects.is_empty()) {
        subjects::put(&mut tx, projection.run.run, &projection.subjects).await?;
    }
    mail::write(&mut tx, sheet).await?;
    fail("store.before_commit")?;
    let committed = tx.commit().await;
    // written, and nobody heard of it
    let committed = committed.and(failpoint::pass("store.after_commit", sqlx::Error::Protocol));
    match committed {
        Ok(()) => Ok(()),
        Err(error) => confirm(connection, lane, next, error.into()).await,
    }
}

/// Whether a commit that failed was written is not known: the head read back answers for all of it, on a connection that sees
/// nothing but what is committed.
pub(super) async fn confirm(connection: &mut SqliteConnection, lane: &mut Lane, next: &LaneHead, error: Error) -> Result<(), Error> {
    lane.failed(&error);
    lane.renew(connection).await?;
    let sql = "SELECT hash FROM records WHERE lane = $1 AND seq = $2";
    let head = sqlx::query(sql).bind(rows::signed(next.lane)).bind(rows::signed(next.seq)).fetch_optional(connection).await?;
    if head.is_none_or(|row| row.get::<Vec<u8>, _>(0) != next.hash) {
        return Err(error);
    }
    Ok(())
}

pub(super) async fn insert_records(tx: &mut Transaction<'_, Db>, records: &[Record]) -> Result<(), Error> {
    for chunk in records.chunks(ROWS_MAX) {
        let mut query = QueryBuilder::<Db>::new("INSERT INTO records (lane, seq, run, run_seq, at, kind, actor, body, salt, content, hash) ");
        query.push_values(chunk, |mut row, record| {
            let draft = &record.draft;
            row.push_bind(rows::signed(record.lane))
                .push_bind(rows::signed(record.seq))
                .push_bind(draft.run.map(|r| r.to_string()))
                .push_bind(draft.run_seq.map(rows::signed))
                .push_bind(draft.at)
                .push_bind(&draft.kind)
                .push_bind(&draft.actor)
                .push_bind(&draft.body)
                .push_bind(draft.salt.as_ref().map(|s| s.to_vec()))
                .push_bind(draft.content.as_deref())
                .push_bind(record.hash.to_vec());
        });
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}

/// The last projection of each run in the batch counts.
async fn upsert_runs(tx: &mut Transaction<'_, Db>, projections: &[Projection]) -> Result<(), Error> {
    let mut latest: HashMap<RunId, &RunRow> = HashMap::new();
    for projection in projections {
        latest.insert(projection.run.run, &projection.run);
    }
    let rows_now: Vec<&RunRow> = latest.into_values().collect();
    for chunk in rows_now.chunks(ROWS_MAX / 2) {
        let mut query = QueryBuilder::<Db>::new(
            "INSERT INTO runs (run, seq, nummer, process, version, title, unit, state, subject, name, started_at, updated_at, ended_at, wake_at) ",
        );
        query.push_values(chunk, |mut b, row| {
            b.push_bind(row.run.to_string())
                .push_bind(rows::signed(row.seq))
                .push_bind(&row.nummer)
                .push_bind(&row.process)
                .push_bind(&row.version)
                .push_bind(&row.title)
                .push_bind(&row.unit)
                .push_bind(&row.state)
                .push_bind(&row.subject)
                .push_bind(&row.name)
                .push_bind(row.started_at)
                .push_bind(row.updated_at)
                .push_bind(row.ended_at)
                .push_bind(row.wake_at);
        });
        query.push(" ON CONFLICT (run) DO UPDATE SET seq = excluded.seq, state = excluded.state, updated_at = excluded.updated_at, ended_at = excluded.ended_at, wake_at = excluded.wake_at");
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}

async fn upsert_tasks(tx: &mut Transaction<'_, Db>, tasks: impl Iterator<Item = &TaskRow>) -> Result<(), Error> {
    for task in tasks {
        let TaskRow { groups, user, unit, except, claimed, .. } = task.clone();
        let assigned = rows::Assigned { groups, user, unit, except, claimed };
        let assigned = serde_json::to_string(&assigned).map_err(|e| Error::Corrupt(e.to_string()))?;
        sqlx::query(
            "INSERT INTO tasks (task, run, number, nummer, process, step, title, kind, open, assigned, due, opened_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (task) DO UPDATE SET open = excluded.open, assigned = excluded.assigned",
        )
        .bind(&task.task)
        .bind(task.run.to_string())
        .bind(task.number)
        .bind(&task.nummer)
        .bind(&task.process)
        .bind(&task.step)
        .bind(&task.title)
        .bind(&task.kind)
        .bind(i64::from(task.open))
        .bind(assigned)
        .bind(task.due)
        .bind(task.opened_at)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn add_usage(tx: &mut Transaction<'_, Db>, usage: impl Iterator<Item = &UsageRow>) -> Result<(), Error> {
    for row in usage {
        sqlx::query(
            "INSERT INTO usage (day, process, model, zone, calls, charged, cost_micro_eur, unpriced) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (day, process, model, zone) DO UPDATE SET calls = calls + excluded.calls, charged = charged + excluded.charged, \
             cost_micro_eur = cost_micro_eur + excluded.cost_micro_eur, unpriced = unpriced + excluded.unpriced",
        )
        .bind(&row.day)
        .bind(&row.process)
        .bind(&row.model)
        .bind(&row.zone)
        .bind(rows::signed(row.calls))
        .bind(rows::signed(row.charged))
        .bind(rows::signed(row.cost_micro_eur))
        .bind(rows::signed(row.unpriced))
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}
