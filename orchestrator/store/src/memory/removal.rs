//! Removing for good, in its plainest form.

use laufzettel_domain::RunId;
use laufzettel_journal::{Draft, Record};

use super::{Inner, Memory};
use crate::{
    error::Error,
    removal::{ARRIVED_US, Erasure, Pruning, Removal, RemovalError, RetentionRow},
};

impl Memory {
    pub async fn remove(&self, removal: Removal) -> Result<(), RemovalError> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(RemovalError::Unavailable("the store is closed".to_owned()));
        }
        if let Some(run) = removal.run() {
            let row = inner.runs.get(&run).ok_or(RemovalError::Stale)?;
            row.ended_at.ok_or(RemovalError::Open)?;
        }
        let named = |record: &Record| removal.ranges().iter().any(|r| r.lane == record.lane && (r.first..=r.last).contains(&record.seq));
        let of_run = |record: &Record| record.draft.run == removal.run();
        let places: Vec<usize> = (0..inner.records.len()).filter(|at| named(&inner.records[*at]) && of_run(&inner.records[*at])).collect();
        let all = inner.records.iter().filter(|record| of_run(record)).count();
        let fits = match &removal {
            Removal::Contents(_) => places.iter().all(|at| inner.records[*at].draft.content.is_some()),
            Removal::Records(_) => places.len() == all,
        };
        if places.len() as u64 != removal.count() || !fits {
            return Err(RemovalError::Stale);
        }
        match &removal {
            Removal::Contents(erasure) => inner.erase(&places, erasure),
            Removal::Records(pruning) => inner.prune(&places, pruning),
        }
        inner.push(removal.draft().clone());
        Ok(())
    }

    pub async fn unkept(&self, limit: u32) -> Result<Vec<RunId>, Error> {
        let inner = self.lock();
        let ended = inner.runs.values().filter(|row| row.ended_at.is_some() && !inner.retention.contains_key(&row.run));
        Ok(ended.take(limit as usize).map(|row| row.run).collect())
    }

    pub async fn keep(&self, row: RetentionRow, files: Vec<String>) -> Result<(), Error> {
        let mut inner = self.lock();
        for name in files {
            inner.arrived.remove(&name);
            inner.held.insert((name, row.run));
        }
        inner.retention.insert(row.run, row);
        Ok(())
    }

    pub async fn retention(&self, run: RunId) -> Result<Option<RetentionRow>, Error> {
        Ok(self.lock().retention.get(&run).cloned())
    }

    pub async fn contents_due(&self, now: i64, limit: u32) -> Result<Vec<RunId>, Error> {
        Ok(self.lock().due(limit, |row| (row.erased_at.is_none() && row.contents_until <= now).then_some(row.contents_until)))
    }

    pub async fn records_due(&self, now: i64, limit: u32) -> Result<Vec<RunId>, Error> {
        Ok(self.lock().due(limit, |row| (row.records_until <= now).then_some(row.records_until)))
    }

    pub async fn contents_beside(&self, until: i64, limit: u32) -> Result<Vec<Record>, Error> {
        let inner = self.lock();
        let fits = |r: &&Record| r.draft.run.is_none() && r.draft.content.is_some() && r.draft.at < until;
        let mut found: Vec<Record> = inner.records.iter().filter(fits).cloned().collect();
        found.sort_by_key(|r| (r.draft.at, r.lane, r.seq));
        found.truncate(limit as usize);
        Ok(found)
    }
}

impl Inner {
    fn due(&self, limit: u32, when: impl Fn(&RetentionRow) -> Option<i64>) -> Vec<RunId> {
        let free = |row: &RetentionRow| row.parent.and_then(|parent| self.runs.get(&parent)).is_none_or(|parent| parent.ended_at.is_some());
        let mut due: Vec<(i64, RunId)> = self.retention.values().filter(|row| free(row)).filter_map(|row| Some((when(row)?, row.run))).collect();
        due.sort();
        due.into_iter().take(limit as usize).map(|(_, run)| run).collect()
    }

    fn erase(&mut self, places: &[usize], erasure: &Erasure) {
        for at in places {
            (self.records[*at].draft.salt, self.records[*at].draft.content) = (None, None);
        }
        let Some(run) = erasure.run else { return };
        self.let_go(run, |name| erasure.files.contains(name));
        self.forget_mail(run);
        self.receipts.retain(|key, of| *of != run || !key.starts_with("order:"));
        if erasure.whole {
            self.subjects.retain(|(_, of)| *of != run);
        }
        if let Some(row) = self.retention.get_mut(&run) {
            (row.erased_at, row.whole) = (Some(erasure.draft.at), erasure.whole);
        }
    }

    fn prune(&mut self, places: &[usize], pruning: &Pruning) {
        for at in places {
            self.records[*at].draft = Draft::shrunk();
        }
        self.let_go(pruning.run, |_| false);
        self.forget_mail(pruning.run);
        if let Some(row) = self.runs.remove(&pruning.run)
            && let Some((year, number)) = row.nummer.split_once('-')
            && let (Ok(year), Some(Ok(number))) = (year.parse::<i16>(), number.split('/').next().map(str::parse::<u64>))
        {
            let last = self.pruned_numbers.entry(year).or_default();
            *last = number.max(*last);
        }
        self.tasks.retain(|_, task| task.run != pruning.run);
        self.receipts.retain(|_, run| *run != pruning.run);
        self.subjects.retain(|(_, run)| *run != pruning.run);
        self.retention.remove(&pruning.run);
    }

    fn let_go(&mut self, run: RunId, stays: impl Fn(&str) -> bool) {
        let gone: Vec<String> = self.held.iter().filter(|(name, holder)| *holder == run && !stays(name)).map(|(name, _)| name.clone()).collect();
        for name in gone {
            self.held.remove(&(name.clone(), run));
            if !self.arrived.contains_key(&name) && !self.is_held(&name) {
                self.bytes.remove(&name);
            }
        }
    }

    fn is_held(&self, name: &str) -> bool {
        self.held.iter().any(|(held, _)| held == name)
    }

    fn forget_mail(&mut self, run: RunId) {
        self.expected.remove(&run);
        self.mailbox.forget(run);
    }

    /// Files no run took in a day.
    pub(super) fn forget_untaken(&mut self, now: i64) {
        let old: Vec<String> = self.arrived.iter().filter(|(_, at)| **at < now - ARRIVED_US).map(|(name, _)| name.clone()).collect();
        for name in old {
            self.arrived.remove(&name);
            if !self.is_held(&name) {
                self.bytes.remove(&name);
            }
        }
    }
}
