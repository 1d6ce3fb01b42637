//! Erasing and pruning of ended runs: by the time their process gives them, or on request. What an erasure takes is decided by
//! the engine (`is_beleg`), done by the store; this file brings both together, tells the witness first, and repeats what the witness
//! knows and the journal does not.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use laufzettel_domain::{Caller, Digest, RunId, Via};
use laufzettel_engine::is_beleg;
use laufzettel_journal::{CONTENT_ERASED, Draft, Place, RECORDS_PRUNED, Range, Record};
use laufzettel_policy::{Action, Decision};
use laufzettel_process::Process;
use laufzettel_store::{Erasure, Pruning, RemovalError, RetentionRow, failpoint};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    desk::{Desk, WishError},
    files,
    projection::retention,
    tenant::Prepared,
    witness::{self, WitnessError},
};

/// Runs one look of the sweep deals with: half a second of the writer's time, so that nobody waits for it. More follow at the next.
const PORTION: u32 = 50;
/// Records beside runs whose contents one record of erasure names.
const BESIDE: u32 = 500;
/// Days contents beside runs are kept: as long as the mailbox keeps the message itself.
const BESIDE_DAYS: i64 = 30;
/// Runs one order may reach: a run with its children, as many as one decision moves.
const FAMILY_MAX: usize = 1_100;

/// Why contents go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    Aufbewahrung,
    Art17,
}

/// One erasure as it was ordered; the witness keeps it so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub run: RunId,
    pub reason: Reason,
    /// *Belege*, too.
    pub whole: bool,
    pub by: Caller,
    /// The words of whoever ordered it. They stand in the body, where nothing is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What became of a run's contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    pub run: RunId,
    pub nummer: String,
    /// Records that have lost their content now.
    pub gone: u64,
    /// Records that keep theirs: decisions and calculations.
    pub kept: u64,
    /// Until when.
    pub until: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    #[error("there is no such run")]
    Unknown,
    /// Of this number: only what has ended can be erased.
    #[error("the run {0} has not ended")]
    Open(String),
    #[error("denied")]
    Denied(Decision),
    #[error("the witness cannot be told")]
    Witness(#[from] WitnessError),
    #[error("not possible now: {0}")]
    Unavailable(String),
}

impl From<WishError> for EraseError {
    fn from(error: WishError) -> Self {
        match error {
            WishError::Unknown => Self::Unknown,
            WishError::Denied(decision) => Self::Denied(decision),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<laufzettel_store::Error> for EraseError {
    fn from(error: laufzettel_store::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// What of a run goes and what stays.
struct Parts {
    goes: Vec<Place>,
    kept: u64,
    /// Files that what stays names.
    files: BTreeSet<String>,
}

impl Parts {
    fn of(process: Option<&Process>, records: &[Record], whole: bool) -> Self {
        let mut parts = Self { goes: Vec::new(), kept: 0, files: BTreeSet::new() };
        for record in records.iter().filter(|record| record.draft.content.is_some()) {
            if !whole && is_beleg(process, &record.draft.kind, &record.draft.body().unwrap_or(Value::Null)) {
                parts.kept += 1;
                parts.files.extend(record.draft.content().as_ref().map(files::names).unwrap_or_default());
            } else {
                parts.goes.push((record.lane, record.seq));
            }
        }
        parts.goes.sort_unstable();
        parts
    }
}

impl Desk {
    /// Erases the contents of a run and of all it has called, for somebody who has the right to. Nothing goes unless all of them
    /// have ended. A denial is a record like any other.
    pub async fn erase_on_request(&self, run: RunId, by: &Caller, whole: bool, note: &str) -> Result<Vec<Erased>, EraseError> {
        self.may_any(by, &[Action::ContentErase]).await?;
        let family = self.called_by(run).await?;
        for member in &family {
            let row = self.tenant.store.run(*member).await?.ok_or(EraseError::Unknown)?;
            if row.ended_at.is_none() {
                return Err(EraseError::Open(row.nummer));
            }
        }
        let mut erased = Vec::new();
        for run in family {
            let order = Order { run, reason: Reason::Art17, whole, by: by.clone(), note: Some(note.to_owned()) };
            erased.push(self.erase(&order).await?);
        }
        Ok(erased)
    }

    /// What such an erasure would take, and what it would leave. Whoever asks has the right to order it.
    pub async fn erasure_of(&self, run: RunId, whole: bool) -> Result<Vec<Erased>, EraseError> {
        let mut all = Vec::new();
        for member in self.called_by(run).await? {
            let row = self.tenant.store.run(member).await?.ok_or(EraseError::Unknown)?;
            if row.ended_at.is_none() {
                return Err(EraseError::Open(row.nummer));
            }
            let records = self.tenant.store.history(member).await?;
            let prepared = self.version_of(&records).await?;
            let parts = Parts::of(prepared.as_deref().map(|prepared| &prepared.process), &records, whole);
            let until = self.kept(member, &records).await?.and_then(|row| Timestamp::from_microsecond(row.records_until).ok()).unwrap_or(Timestamp::MAX);
            all.push(Erased { run: member, nummer: row.nummer, gone: parts.goes.len() as u64, kept: parts.kept, until });
        }
        Ok(all)
    }

    /// A run and every run it has called, as far as they are still there.
    pub async fn called_by(&self, run: RunId) -> Result<Vec<RunId>, EraseError> {
        let mut family = vec![run];
        let mut next = 0;
        while let Some(run) = family.get(next).copied() {
            next += 1;
            for record in self.tenant.store.history(run).await?.iter().filter(|record| record.draft.kind == "child.started") {
                let child = record.draft.body().and_then(|body| RunId::parse(body.get("run")?.as_str()?));
                if let Some(child) = child
                    && self.tenant.store.run(child).await?.is_some()
                {
                    family.push(child);
                }
            }
            if family.len() > FAMILY_MAX {
                return Err(EraseError::Unavailable(format!("mehr als {FAMILY_MAX} Vorgänge hängen aneinander")));
            }
        }
        Ok(family)
    }

    /// Tells the witness of what somebody ordered, then erases: a copy of the database from before will hear of it. What is past its
    /// time is past it in every copy.
    async fn erase(&self, order: &Order) -> Result<Erased, EraseError> {
        if let (Some(folder), Reason::Art17) = (&self.tenant.witness, order.reason) {
            let _one = self.tenant.memory.erasing.lock().await;
            failpoint::pass("erasure.before_witness", EraseError::Unavailable)?;
            witness::tell(folder, self.tenant.id.as_str(), order)?;
        }
        failpoint::pass("erasure.after_witness", EraseError::Unavailable)?;
        let erased = self.carry_out(order).await?;
        failpoint::pass("erasure.after_commit", EraseError::Unavailable)?;
        Ok(erased)
    }

    async fn carry_out(&self, order: &Order) -> Result<Erased, EraseError> {
        let nummer = self.tenant.store.run(order.run).await?.ok_or(EraseError::Unknown)?.nummer;
        let records = self.tenant.store.history(order.run).await?;
        let prepared = self.version_of(&records).await?;
        let parts = Parts::of(prepared.as_deref().map(|prepared| &prepared.process), &records, order.whole);
        let row = self.kept(order.run, &records).await?;
        let until = row.as_ref().map(|row| row.records_until).and_then(|at| Timestamp::from_microsecond(at).ok()).unwrap_or(Timestamp::MAX);
        let erased = Erased { run: order.run, nummer, gone: parts.goes.len() as u64, kept: parts.kept, until };
        if parts.goes.is_empty() && row.is_some_and(|row| row.erased_at.is_some() && (row.whole || !order.whole)) {
            return Ok(erased);
        }
        // first what stands beside the run: should this end in between, the run is not erased yet, and all of it is done again
        self.erase_beside(self.came_for(order.run, &records).await?, order.reason, &order.by).await?;
        let ranges = Range::over(parts.goes);
        let mut body = json!({ "v": 1, "by": order.by, "reason": order.reason, "run": order.run.to_string(), "ranges": Range::to_json(&ranges) });
        if let Some(note) = &order.note {
            body["note"] = Value::String(note.clone());
        }
        let draft = Draft::new(CONTENT_ERASED, &order.by.subject, crate::micros(self.now()), body, None);
        let erasure = Erasure { run: Some(order.run), ranges, files: parts.files, whole: parts.kept == 0, draft };
        match self.tenant.store.erase(erasure).await {
            Ok(()) => Ok(erased),
            Err(RemovalError::Open) => Err(EraseError::Open(erased.nummer)),
            Err(error) => Err(EraseError::Unavailable(error.to_string())),
        }
    }

    /// The version the records say the run began with; `None`: it is not there, or does not read, any more.
    async fn version_of(&self, records: &[Record]) -> Result<Option<Arc<Prepared>>, EraseError> {
        let begun = records.first().and_then(|record| record.draft.body());
        let named = |name: &str| begun.as_ref()?.get(name)?.as_str();
        let (Some(id), Some(digest)) = (named("process"), named("digest").and_then(Digest::parse)) else { return Ok(None) };
        Ok(self.tenant.version(id, digest).await?)
    }

    /// Messages that came for a run: such as it took, and such as did not fit it. They stand beside runs, with their content.
    async fn came_for(&self, run: RunId, records: &[Record]) -> Result<Vec<Place>, EraseError> {
        let waited = records.iter().filter(|record| record.draft.kind == "event.awaited").map(|record| record.draft.at).min();
        let Some(waited) = waited else { return Ok(Vec::new()) };
        let took = |record: &Record| {
            let body = record.draft.body().filter(|_| record.draft.kind == "event.delivered")?;
            let sent_at: Timestamp = body.get("sent_at")?.as_str()?.parse().ok()?;
            Some((crate::micros(sent_at), body.get("name")?.clone(), body.get("sender")?.clone()))
        };
        let taken: Vec<_> = records.iter().filter_map(took).collect();
        let since = taken.iter().map(|(at, ..)| *at).chain([waited]).min().unwrap_or(waited);
        let mut came = Vec::new();
        for record in self.tenant.store.beside_since(&["event.received", "event.refused"], since).await? {
            let Some(body) = record.draft.body().filter(|_| record.draft.content.is_some()) else { continue };
            let is_taken = || taken.iter().any(|(at, name, sender)| *at == record.draft.at && body["name"] == *name && body["by"]["subject"] == *sender);
            let meant = if record.draft.kind == "event.refused" { body["run"] == run.to_string() } else { is_taken() };
            came.extend(meant.then_some((record.lane, record.seq)));
        }
        Ok(came)
    }

    /// How long a run is kept. What ended before this was written down with the end is brought up to it.
    async fn kept(&self, run: RunId, records: &[Record]) -> Result<Option<RetentionRow>, EraseError> {
        let stored = self.tenant.store.retention(run).await?;
        if stored.is_some() {
            return Ok(stored);
        }
        let loaded = self.load(run).await?.ok_or(EraseError::Unknown)?;
        let Some(row) = retention(&loaded.prepared, &loaded.run) else { return Ok(None) };
        let held: BTreeSet<String> = records.iter().filter_map(|record| record.draft.content()).flat_map(|content| files::names(&content)).collect();
        self.tenant.store.keep(row.clone(), held.into_iter().collect()).await?;
        Ok(Some(row))
    }

    /// The same for all of them, a portion at a time. One that does not read stays as it is, and stops no other.
    pub(crate) async fn keep_old_runs(&self) -> Result<(), EraseError> {
        let mut unread = 0;
        loop {
            let old = self.tenant.store.unkept(PORTION + unread).await?;
            let before = unread;
            for run in old.iter().skip(before as usize) {
                if let Err(error) = self.kept(*run, &self.tenant.store.history(*run).await?).await {
                    tracing::error!(%run, %error, "nobody can say how long this run is kept");
                    unread += 1;
                }
            }
            if old.len() < (PORTION + before) as usize {
                return Ok(());
            }
        }
    }

    /// Carries out what the witness was told and the journal does not know: after a crash between the two, and in a database
    /// restored from a backup. What is of a run that goes on waits for its end.
    pub async fn repeat_erasures(&self) -> Result<u64, EraseError> {
        let Some(folder) = &self.tenant.witness else { return Ok(0) };
        let mut repeated = 0;
        for order in witness::orders(folder, self.tenant.id.as_str())? {
            let row = self.tenant.store.retention(order.run).await?;
            if row.is_none_or(|row| row.erased_at.is_some() && (row.whole || !order.whole)) {
                continue;
            }
            failpoint::pass("erasure.before_repeat", EraseError::Unavailable)?;
            match self.carry_out(&order).await {
                Ok(_) => repeated += 1,
                Err(error) => tracing::error!(run = %order.run, %error, "an erasure the witness knows was not repeated"),
            }
        }
        Ok(repeated)
    }

    /// Everything whose time is over: contents first, then whole runs. `true`: there is more of it.
    pub(crate) async fn let_go(&self) -> Result<bool, EraseError> {
        let (store, now) = (&self.tenant.store, crate::micros(self.now()));
        let engine = Caller::service("engine", Via::Engine);
        let (mut done, contents) = (0, store.contents_due(now, PORTION).await?);
        for run in &contents {
            let order = Order { run: *run, reason: Reason::Aufbewahrung, whole: false, by: engine.clone(), note: None };
            match self.erase(&order).await {
                Ok(_) => done += 1,
                Err(error) => tracing::error!(%run, %error, "contents whose time is over are still there"),
            }
        }
        let records = store.records_due(now, PORTION).await?;
        for run in &records {
            match self.prune(*run, &engine).await {
                Ok(()) => done += 1,
                Err(error) => tracing::error!(%run, %error, "a run whose time is over is still there"),
            }
        }
        let beside = self.let_go_beside(&engine).await?;
        let full = [contents.len(), records.len()].contains(&(PORTION as usize)) || beside;
        Ok(full && (done > 0 || beside))
    }

    async fn prune(&self, run: RunId, by: &Caller) -> Result<(), EraseError> {
        failpoint::pass("erasure.before_prune", EraseError::Unavailable)?;
        let mut places: Vec<Place> = self.tenant.store.history(run).await?.iter().map(|record| (record.lane, record.seq)).collect();
        places.sort_unstable();
        let ranges = Range::over(places);
        let body = json!({ "v": 1, "by": by, "reason": Reason::Aufbewahrung, "ranges": Range::to_json(&ranges) });
        let draft = Draft::new(RECORDS_PRUNED, &by.subject, crate::micros(self.now()), body, None);
        self.tenant.store.prune(Pruning { run, ranges, draft }).await.map_err(|error| EraseError::Unavailable(error.to_string()))
    }

    /// Contents beside runs: messages that came for no run, or did not fit one.
    async fn let_go_beside(&self, by: &Caller) -> Result<bool, EraseError> {
        let until = crate::micros(self.now()) - BESIDE_DAYS * 24 * 3600 * 1_000_000;
        let places: Vec<Place> = self.tenant.store.contents_beside(until, BESIDE).await?.iter().map(|record| (record.lane, record.seq)).collect();
        let full = places.len() == BESIDE as usize;
        self.erase_beside(places, Reason::Aufbewahrung, by).await?;
        Ok(full)
    }

    async fn erase_beside(&self, mut places: Vec<Place>, reason: Reason, by: &Caller) -> Result<(), EraseError> {
        if places.is_empty() {
            return Ok(());
        }
        places.sort_unstable();
        let ranges = Range::over(places);
        let body = json!({ "v": 1, "by": by, "reason": reason, "ranges": Range::to_json(&ranges) });
        let draft = Draft::new(CONTENT_ERASED, &by.subject, crate::micros(self.now()), body, None);
        let erasure = Erasure { run: None, ranges, files: BTreeSet::new(), whole: false, draft };
        self.tenant.store.erase(erasure).await.map_err(|error| EraseError::Unavailable(error.to_string()))
    }
}
