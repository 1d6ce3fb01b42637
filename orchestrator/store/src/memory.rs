//! The reference: the contract in its plainest form, with the faults a simulation wants.

mod mail;
mod removal;
mod unsent;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use laufzettel_domain::RunId;
use laufzettel_journal::{Draft, LANE_CLOSED, LANE_OPENED, Record, genesis, seal};
use serde_json::json;

use crate::{
    contract::{
        Append, BESIDE_MAX, ExpectRow, KEPT_US, LaneHead, RunFilter, RunPage, RunRow, StartedRow, SubjectKey, TASKS_PAGE_MAX, TaskFilter, TaskPlace, TaskRow,
        UsageRow,
    },
    error::{AppendError, Error},
    listing::{self, Part},
    removal::RetentionRow,
    trail::{CHUNK, Gathering, TrailFilter, TrailPage, TrailRow},
};

use mail::Mailbox;

/// Faults of one append, decided by whoever simulates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Faults {
    #[default]
    None,
    /// Nothing is written, and the writer hears so.
    Refused,
    /// Everything is written, and the writer hears that it was not.
    LostReply,
}

/// A planted bug of a store: what becomes of appends before anything is asked of them.
pub type Between = Arc<dyn Fn(&Memory, &mut Vec<Append>) + Send + Sync>;

#[derive(Clone)]
pub struct Memory {
    inner: Arc<Mutex<Inner>>,
    epoch: u64,
}

#[derive(Default, Clone)]
struct Inner {
    tenant: String,
    epoch: u64,
    records: Vec<Record>,
    lane: u64,
    runs: BTreeMap<RunId, RunRow>,
    tasks: BTreeMap<String, TaskRow>,
    usage: BTreeMap<(String, String, String, String), UsageRow>,
    receipts: BTreeMap<String, RunId>,
    expected: BTreeMap<RunId, Vec<ExpectRow>>,
    mailbox: Mailbox,
    seen: BTreeMap<String, i64>,
    clocks: BTreeMap<String, i64>,
    cursors: BTreeMap<String, String>,
    bytes: BTreeMap<String, Vec<u8>>,
    /// Which run holds which file, and which files no run has taken yet.
    held: BTreeSet<(String, RunId)>,
    arrived: BTreeMap<String, i64>,
    /// Applications that are not sent yet, by id.
    unsent: BTreeMap<String, crate::unsent::UnsentRow>,
    retention: BTreeMap<RunId, RetentionRow>,
    subjects: BTreeSet<(SubjectKey, RunId)>,
    /// The highest case number of a year among runs that were pruned.
    pruned_numbers: BTreeMap<i16, u64>,
    checkpoints: Vec<String>,
    faults: Vec<Faults>,
    between: Option<Between>,
    closed: bool,
}

impl Memory {
    pub fn open(tenant: &str, at: i64) -> Self {
        let inner = Arc::new(Mutex::new(Inner { tenant: tenant.to_owned(), ..Inner::default() }));
        Self { inner, epoch: 0 }.reopen(at)
    }

    /// As if the program had been started again over the same data: a new lane, a new epoch.
    #[must_use]
    pub fn reopen(&self, at: i64) -> Self {
        let mut inner = self.lock();
        let heads: Vec<_> = inner.records.last().map(|r| json!([r.lane, r.seq, laufzettel_domain::digest::to_hex(&r.hash)])).into_iter().collect();
        inner.epoch += 1;
        inner.lane += 1;
        inner.closed = false;
        let epoch = inner.epoch;
        inner.push(Draft::new(LANE_OPENED, "engine", at, json!({ "heads": heads }), None));
        Self { inner: self.inner.clone(), epoch }
    }

    /// The faults of the next appends, in order.
    pub fn inject(&self, faults: impl IntoIterator<Item = Faults>) {
        self.lock().faults = faults.into_iter().collect();
    }

    /// From now on every append goes through this first.
    pub fn plant(&self, between: Between) {
        self.lock().between = Some(between);
    }

    /// As it stands now, for itself: what is written to one is not seen in the other.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { inner: Arc::new(Mutex::new(self.lock().clone())), epoch: self.epoch }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics while holding this lock")
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub async fn append_all(&self, appends: Vec<Append>) -> Result<(), AppendError> {
        let mut appends = appends;
        let between = self.lock().between.clone();
        if let Some(between) = between {
            between(self, &mut appends);
        }
        let mut inner = self.lock();
        let fault = if inner.faults.is_empty() { Faults::None } else { inner.faults.remove(0) };
        if fault == Faults::Refused {
            return Err(AppendError::Unavailable("simulated".to_owned()));
        }
        for append in &appends {
            inner.check(append)?;
        }
        appends.into_iter().for_each(|append| inner.append(append));
        if fault == Faults::LostReply {
            return Err(AppendError::Unavailable("simulated: the reply was lost".to_owned()));
        }
        Ok(())
    }

    pub async fn history_after(&self, run: RunId, run_seq: u64) -> Result<Vec<Record>, Error> {
        let fits = |r: &&Record| r.draft.run == Some(run) && r.draft.run_seq.is_some_and(|seq| seq > run_seq);
        let mut records: Vec<Record> = self.lock().records.iter().filter(fits).cloned().collect();
        records.sort_by_key(|r| r.draft.run_seq);
        Ok(records)
    }

    pub async fn run(&self, run: RunId) -> Result<Option<RunRow>, Error> {
        Ok(self.lock().runs.get(&run).cloned())
    }

    pub async fn runs(&self, filter: &RunFilter, keep: &(dyn Fn(&RunRow) -> bool + Send + Sync)) -> Result<RunPage, Error> {
        let rows = self.lock().runs.values().rev().cloned().collect();
        Ok(listing::page(filter, vec![Part { rows, cut: false }], keep))
    }

    pub async fn count_runs(&self, state: &str, most: u32) -> Result<u64, Error> {
        Ok(self.lock().runs.values().filter(|row| row.state == state).take(most as usize).count() as u64)
    }

    pub async fn count_tasks(&self, kind: &str, most: u32) -> Result<u64, Error> {
        Ok(self.lock().tasks.values().filter(|row| row.open && row.kind == kind).take(most as usize).count() as u64)
    }

    pub async fn oldest_run(&self, state: &str) -> Result<Option<RunRow>, Error> {
        Ok(self.lock().runs.values().find(|row| row.state == state).cloned())
    }

    pub async fn runs_with(&self, keys: &[SubjectKey], limit: u32) -> Result<Vec<RunId>, Error> {
        let inner = self.lock();
        let has = |run: &RunId| !keys.is_empty() && keys.iter().all(|key| inner.subjects.contains(&(*key, *run)));
        Ok(inner.runs.keys().rev().filter(|run| has(run)).take(limit as usize).copied().collect())
    }

    pub async fn index(&self, found: Vec<(RunId, Vec<SubjectKey>)>, (name, value): (String, Option<String>)) -> Result<(), Error> {
        let mut inner = self.lock();
        for (run, keys) in found {
            if inner.runs.contains_key(&run) && !inner.retention.get(&run).is_some_and(|row| row.whole) {
                inner.subjects.extend(keys.into_iter().map(|key| (key, run)));
            }
        }
        match value {
            Some(value) => drop(inner.cursors.insert(name, value)),
            None => drop(inner.cursors.remove(&name)),
        }
        Ok(())
    }

    pub async fn first_of(&self, run: RunId) -> Result<Option<Record>, Error> {
        Ok(self.lock().records.iter().find(|r| r.draft.run == Some(run) && r.draft.run_seq == Some(1)).cloned())
    }

    pub async fn units(&self) -> Result<Vec<String>, Error> {
        let units: BTreeSet<String> = self.lock().runs.values().map(|row| row.unit.clone()).collect();
        Ok(units.into_iter().collect())
    }

    pub async fn claimable(&self, now: i64, limit: u32) -> Result<Vec<RunId>, Error> {
        let inner = self.lock();
        let mut due: Vec<(i64, RunId)> = inner.runs.values().filter_map(|r| r.wake_at.filter(|at| *at <= now).map(|at| (at, r.run))).collect();
        due.sort();
        let mut runs: Vec<RunId> = due.into_iter().take(limit as usize).map(|(_, run)| run).collect();
        let mailed = inner.expected.keys().filter(|run| !inner.mail(**run, now).is_empty());
        let more: Vec<RunId> = mailed.filter(|run| !runs.contains(run)).copied().collect();
        runs.extend(more);
        Ok(runs)
    }

    pub async fn sweep(&self, now: i64) -> Result<(), Error> {
        let mut inner = self.lock();
        inner.mailbox.forget_until(now - KEPT_US);
        inner.seen.retain(|_, at| *at >= now - KEPT_US);
        inner.forget_untaken(now);
        inner.unsent.retain(|_, row| row.until > now);
        Ok(())
    }

    pub async fn next_wake(&self) -> Result<Option<i64>, Error> {
        Ok(self.lock().runs.values().filter_map(|r| r.wake_at).min())
    }

    pub async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<TaskRow>, Error> {
        let order = |place: TaskPlace| (place.due.is_none(), place.due, place.opened_at, place.task);
        let after = filter.after.clone().map(order);
        let mut tasks: Vec<TaskRow> = self.lock().tasks.values().filter(|t| t.open != filter.closed).cloned().collect();
        tasks.retain(|task| filter.kind.as_ref().is_none_or(|kind| task.kind == *kind));
        tasks.retain(|task| after.as_ref().is_none_or(|after| order(task.place()) > *after));
        tasks.sort_by_key(|task| order(task.place()));
        tasks.truncate(filter.limit.clamp(1, TASKS_PAGE_MAX) as usize);
        Ok(tasks)
    }

    pub async fn task(&self, id: &str) -> Result<Option<TaskRow>, Error> {
        Ok(self.lock().tasks.get(id).cloned())
    }

    pub async fn clocks(&self) -> Result<Vec<String>, Error> {
        Ok(self.lock().clocks.keys().cloned().collect())
    }

    pub async fn cursor(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.lock().cursors.get(name).cloned())
    }

    pub async fn clock(&self, name: &str) -> Result<Option<i64>, Error> {
        Ok(self.lock().clocks.get(name).copied())
    }

    pub async fn receipt(&self, key: &str) -> Result<Option<RunId>, Error> {
        Ok(self.lock().receipts.get(key).copied())
    }

    pub async fn records(&self, after: (u64, u64), limit: u32) -> Result<Vec<Record>, Error> {
        Ok(self.lock().records.iter().filter(|r| (r.lane, r.seq) > after).take(limit as usize).cloned().collect())
    }

    pub async fn trail(&self, filter: &TrailFilter, keep: &(dyn Fn(&TrailRow) -> bool + Send + Sync)) -> Result<TrailPage, Error> {
        let inner = self.lock();
        let before = filter.before.unwrap_or((u64::MAX, 0));
        let shown = |record: &Record| {
            let kept = record.draft.content.is_some();
            let content = record.draft.content.clone().filter(|_| filter.contents);
            TrailRow { lane: record.lane, seq: record.seq, draft: Draft { salt: None, content, ..record.draft.clone() }, kept }
        };
        let mut rows = inner.records.iter().rev().filter(|record| (record.lane, record.seq) < before).map(shown);
        let mut gathering = Gathering::new(filter);
        while gathering.take(rows.by_ref().take(CHUNK as usize).collect(), CHUNK, keep) {}
        Ok(gathering.done())
    }

    pub async fn last_checkpoint(&self) -> Result<Option<String>, Error> {
        Ok(self.lock().checkpoints.last().cloned())
    }

    pub async fn beside_since(&self, kinds: &[&str], since: i64) -> Result<Vec<Record>, Error> {
        let inner = self.lock();
        let fits = |r: &&Record| r.draft.run.is_none() && r.draft.at >= since && kinds.contains(&r.draft.kind.as_str());
        let found: Vec<Record> = inner.records.iter().filter(fits).cloned().collect();
        let skip = found.len().saturating_sub(BESIDE_MAX as usize);
        Ok(found.into_iter().skip(skip).collect())
    }

    pub async fn put_bytes(&self, name: &str, bytes: &[u8], at: i64) -> Result<(), Error> {
        let mut inner = self.lock();
        inner.bytes.insert(name.to_owned(), bytes.to_vec());
        if name.starts_with("blob:") {
            inner.arrived.insert(name.to_owned(), at);
        }
        Ok(())
    }

    pub async fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.lock().bytes.get(name).cloned())
    }

    pub async fn has_bytes(&self, name: &str) -> Result<bool, Error> {
        Ok(self.lock().bytes.contains_key(name))
    }

    pub async fn names(&self, after: &str, limit: u32) -> Result<Vec<String>, Error> {
        let behind = (std::ops::Bound::Excluded(after.to_owned()), std::ops::Bound::Unbounded);
        Ok(self.lock().bytes.range(behind).take(limit as usize).map(|(name, _)| name.clone()).collect())
    }

    pub async fn last_number(&self, year: i16) -> Result<u64, Error> {
        let prefix = format!("{year}-");
        let inner = self.lock();
        let numbers = inner.runs.values().filter_map(|r| r.nummer.strip_prefix(&prefix)?.split('/').next()?.parse().ok());
        Ok(numbers.chain(inner.pruned_numbers.get(&year).copied()).max().unwrap_or(0))
    }

    pub async fn beside(&self, kind: &str, after: (u64, u64), limit: u32) -> Result<Vec<Record>, Error> {
        let inner = self.lock();
        let fits = |r: &&Record| r.draft.run.is_none() && r.draft.kind == kind && (r.lane, r.seq) > after;
        Ok(inner.records.iter().filter(fits).take(limit as usize).cloned().collect())
    }

    pub async fn last_beside(&self, kind: &str) -> Result<Option<Record>, Error> {
        Ok(self.lock().records.iter().rfind(|r| r.draft.run.is_none() && r.draft.kind == kind).cloned())
    }

    pub async fn started_since(&self, run: RunId) -> Result<Vec<StartedRow>, Error> {
        let mut found: BTreeMap<String, StartedRow> = BTreeMap::new();
        for row in self.lock().runs.range(run..).map(|(_, row)| row) {
            let one = StartedRow { process: row.process.clone(), count: 0, oldest: row.started_at };
            let entry = found.entry(row.process.clone()).or_insert(one);
            entry.count += 1;
            entry.oldest = entry.oldest.min(row.started_at);
        }
        Ok(found.into_values().collect())
    }

    pub async fn used_on(&self, day: &str) -> Result<Vec<UsageRow>, Error> {
        Ok(self.lock().usage.values().filter(|row| row.day == day).cloned().collect())
    }

    pub async fn used_since(&self, day: &str) -> Result<Vec<UsageRow>, Error> {
        Ok(self.lock().usage.values().filter(|row| *row.day >= *day).cloned().collect())
    }

    pub fn head(&self) -> LaneHead {
        let inner = self.lock();
        let last = inner.records.last().expect("a lane begins with a record");
        LaneHead { lane: last.lane, seq: last.seq, hash: last.hash }
    }

    pub async fn checkpoints(&self) -> Result<Vec<String>, Error> {
        Ok(self.lock().checkpoints.clone())
    }

    pub async fn put_checkpoint(&self, number: u64, note: &str) -> Result<(), Error> {
        let notes = &mut self.lock().checkpoints;
        match notes.get(usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1)) {
            None => notes.push(note.to_owned()),
            Some(known) if known == note => {}
            Some(_) => return Err(Error::Refused(format!("checkpoint {number} is another one"))),
        }
        Ok(())
    }

    pub async fn close(&self, at: i64) -> Result<(), AppendError> {
        let mut inner = self.lock();
        if !inner.closed {
            inner.push(Draft::new(LANE_CLOSED, "engine", at, json!({}), None));
            inner.closed = true;
        }
        Ok(())
    }
}

impl Inner {
    fn push(&mut self, draft: Draft) {
        let last = self.records.last().filter(|r| r.lane == self.lane);
        let (seq, hash) = last.map_or((1, genesis(&self.tenant, self.lane)), |r| (r.seq + 1, r.hash));
        self.records.push(seal(&hash, self.lane, seq, draft));
    }

    fn check(&self, append: &Append) -> Result<(), AppendError> {
        if self.closed {
            return Err(AppendError::Fenced);
        }
        if append.epoch.is_some_and(|epoch| epoch != self.epoch) {
            return Err(AppendError::Fenced);
        }
        if let Some(run) = append.receipt.iter().flatten().find_map(|key| self.receipts.get(key)) {
            return Err(AppendError::Duplicate(*run));
        }
        if let Some(run) = append.run {
            let at = self.runs.get(&run).map_or(0, |row| row.seq);
            if at != append.expected {
                return Err(AppendError::Conflict(at));
            }
        }
        if append.seen.as_ref().is_some_and(|key| self.seen.contains_key(key)) {
            return Err(AppendError::Seen);
        }
        if append.taken.as_ref().is_some_and(|handed| !self.is_at_hand(handed)) {
            return Err(AppendError::Conflict(append.expected));
        }
        if append.post.as_ref().is_some_and(|message| self.mailbox.is_full(message)) {
            return Err(AppendError::crowded());
        }
        Ok(())
    }

    fn append(&mut self, append: Append) {
        self.mailbox.hand(append.taken, append.refused);
        for (n, draft) in append.drafts.into_iter().enumerate() {
            self.push(match append.run {
                Some(run) => draft.of_run(run, append.expected + 1 + n as u64),
                None => draft,
            });
        }
        for name in append.files {
            self.arrived.remove(&name);
            self.held.extend(append.run.map(|run| (name, run)));
        }
        if let Some(projection) = append.projection {
            self.retention.extend(projection.retention.map(|row| (row.run, row)));
            self.subjects.extend(projection.subjects.iter().map(|key| (*key, projection.run.run)));
            if let Some(mut rows) = projection.expects {
                rows.sort_by(|a, b| a.slot.cmp(&b.slot));
                self.mailbox.let_go(projection.run.run, &rows);
                self.expected.insert(projection.run.run, rows);
            }
            self.runs.insert(projection.run.run, projection.run);
            for task in projection.tasks {
                self.tasks.insert(task.task.clone(), task);
            }
            for row in projection.usage {
                let key = (row.day.clone(), row.process.clone(), row.model.clone(), row.zone.clone());
                match self.usage.get_mut(&key) {
                    Some(known) => {
                        known.calls += row.calls;
                        known.charged += row.charged;
                        known.cost_micro_eur += row.cost_micro_eur;
                        known.unpriced += row.unpriced;
                    }
                    None => drop(self.usage.insert(key, row)),
                }
            }
        }
        let at = self.records.last().map_or(0, |record| record.draft.at);
        self.seen.extend(append.seen.map(|key| (key, at)));
        match append.clock {
            Some((name, Some(at))) => {
                let known = self.clocks.entry(name).or_insert(at);
                *known = at.max(*known);
            }
            Some((name, None)) => drop(self.clocks.remove(&name)),
            None => {}
        }
        match append.cursor {
            Some((name, Some(value))) => drop(self.cursors.insert(name, value)),
            Some((name, None)) => drop(self.cursors.remove(&name)),
            None => {}
        }
        if let Some(message) = append.post {
            self.post(&message);
        }
        if let (Some(keys), Some(run)) = (append.receipt, append.run) {
            self.receipts.extend(keys.into_iter().map(|key| (key, run)));
        }
    }
}
