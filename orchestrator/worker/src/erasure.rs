//! Erasing and pruning of ended runs: by the time their process gives them, or on request. What an erasure takes is decided by
//! the engine (`is_beleg`), done by the store; this file brings both together, tells the witness first, and repeats what the witness
//! knows and the journal does not.

use std::collections::BTreeSet;

use jiff::Timestamp;
use laufzettel_domain::{Caller, RunId, Via};
use laufzettel_engine::is_beleg;
use laufzettel_journal::{CONTENT_ERASED, Draft, Place, RECORDS_PRUNED, Range, Record};
use laufzettel_policy::{Action, Decision};
use laufzettel_process::Process;
use laufzettel_store::{Erasure, Pruning, RemovalError, RetentionRow, failpoint};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    desk::{Desk, Loaded, WishError},
    files,
    projection::retention,
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
    fn of(process: &Process, records: &[Record], whole: bool) -> Self {
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

    /// A run and every run it has called, as far as they are still there.
    async fn called_by(&self, run: RunId) -> Result<Vec<RunId>, EraseError> {
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

    /// Tells the witness, then erases: a copy of the database from before will hear of it.
    async fn erase(&self, order: &Order) -> Result<Erased, EraseError> {
        if let Some(folder) = &self.tenant.witness {
            let _one = self.tenant.memory.erasing.lock().await;
            if failpoint::hit("erasure.before_witness") {
                return Err(EraseError::Unavailable("failpoint".to_owned()));
            }
            witness::tell(folder, self.tenant.id.as_str(), order)?;
        }
        if failpoint::hit("erasure.after_witness") {
            return Err(EraseError::Unavailable("failpoint".to_owned()));
        }
        self.carry_out(order).await
    }

    async fn carry_out(&self, order: &Order) -> Result<Erased, EraseError> {
        let loaded = self.load(order.run).await?.ok_or(EraseError::Unknown)?;
        let records = self.tenant.store.history(order.run).await?;
        let parts = Parts::of(&loaded.prepared.process, &records, order.whole);
        let row = self.kept(&loaded, &records).await?;
        let until = row.as_ref().map(|row| row.records_until).and_then(|at| Timestamp::from_microsecond(at).ok()).unwrap_or(Timestamp::MAX);
        let erased = Erased { run: order.run, nummer: loaded.run.nummer.clone(), gone: parts.goes.len() as u64, kept: parts.kept, until };
        if parts.goes.is_empty() && row.is_some_and(|row| row.erased_at.is_some() && (row.whole || !order.whole)) {
            return Ok(erased);
        }
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

    /// How long a run is kept. What ended before this was written down with the end is brought up to it.
    async fn kept(&self, loaded: &Loaded, records: &[Record]) -> Result<Option<RetentionRow>, EraseError> {
        let stored = self.tenant.store.retention(loaded.run.id).await?;
        let Some(row) = retention(&loaded.prepared, &loaded.run).filter(|_| stored.is_none()) else { return Ok(stored) };
        let held: BTreeSet<String> = records.iter().filter_map(|record| record.draft.content()).flat_map(|content| files::names(&content)).collect();
        self.tenant.store.keep(row.clone(), held.into_iter().collect()).await?;
        Ok(Some(row))
    }

    /// The same for all of them, a portion at a time.
    pub(crate) async fn keep_old_runs(&self) -> Result<(), EraseError> {
        loop {
            let old = self.tenant.store.unkept(PORTION).await?;
            for run in &old {
                let loaded = self.load(*run).await?.ok_or(EraseError::Unknown)?;
                self.kept(&loaded, &self.tenant.store.history(*run).await?).await?;
            }
            if old.len() < PORTION as usize {
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
            self.carry_out(&order).await?;
            repeated += 1;
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
        let mut places: Vec<Place> = self.tenant.store.contents_beside(until, BESIDE).await?.iter().map(|record| (record.lane, record.seq)).collect();
        if places.is_empty() {
            return Ok(false);
        }
        let full = places.len() == BESIDE as usize;
        places.sort_unstable();
        let ranges = Range::over(places);
        let body = json!({ "v": 1, "by": by, "reason": Reason::Aufbewahrung, "ranges": Range::to_json(&ranges) });
        let draft = Draft::new(CONTENT_ERASED, &by.subject, crate::micros(self.now()), body, None);
        let erasure = Erasure { run: None, ranges, files: BTreeSet::new(), whole: false, draft };
        self.tenant.store.erase(erasure).await.map_err(|error| EraseError::Unavailable(error.to_string()))?;
        Ok(full)
    }
}
