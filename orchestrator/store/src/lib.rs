//! What is durable: one append-only journal per tenant, and projections that say where to look.
//!
//! One contract over SQLite and over memory (the reference for tests). Who wants to write hands over drafts with the
//! position it saw; the writer of a batch drops what no longer fits, chains the rest, and commits it as one.
//! Refuses to know what an event means: projections come from the caller beside the drafts.

mod contract;
mod error;
pub mod failpoint;
mod listing;
mod memory;
mod removal;
mod sqlite;
mod trail;
mod unsent;

pub use contract::{
    Append, Claimed, ExpectRow, Handed, LaneHead, Mail, Message, Projection, RUNS_PAGE_MAX, Room, RunFilter, RunPage, RunRow, Sight, StartedRow, SubjectKey,
    TASKS_PAGE_MAX, TaskFilter, TaskPlace, TaskRow, UsageRow,
};
pub use error::{AppendError, Error, Trouble};
pub use memory::{Between, Faults, Memory};
pub use removal::{Erasure, Pruning, RemovalError, RetentionRow};
pub use sqlite::{Sqlite, SqliteOptions};
pub use trail::{DENIALS, Place, TRAIL_EXAMINED_MAX, TRAIL_PAGE_MAX, TrailFilter, TrailPage, TrailRow};
pub use unsent::{Over, UNSENT_BYTES_MAX, UNSENT_MAX, Unsent, UnsentChange, UnsentRow};

use laufzettel_domain::RunId;
use laufzettel_journal::{Draft, Record};

use removal::Removal;

/// A tenant's store. There is no query that could name another tenant.
#[derive(Clone)]
pub enum Store {
    Sqlite(Sqlite),
    Memory(Memory),
}

macro_rules! both {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Store::Sqlite($store) => $call.await,
            Store::Memory($store) => $call.await,
        }
    };
}

/// The same for what is looked at: what is found to be wrong is remembered.
macro_rules! look {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Store::Sqlite($store) => {
                let told = $call.await;
                $store.noted(&told);
                told
            }
            Store::Memory($store) => $call.await,
        }
    };
}

impl Store {
    /// What is wrong with the store, as far as it was noticed when it was last used.
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Sqlite(s) => s.trouble(),
            Self::Memory(_) => None,
        }
    }

    /// Writes something small, to learn whether what was wrong has passed.
    pub async fn try_out(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite(s) => s.try_out().await,
            Self::Memory(_) => Ok(()),
        }
    }

    /// Reads every page once, beside what goes on. What is damaged is known from then on.
    pub async fn look_through(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite(s) => s.look_through().await,
            Self::Memory(_) => Ok(()),
        }
    }

    /// Durable when it returns `Ok`. `Conflict` means: fold anew and decide again.
    pub async fn append(&self, append: Append) -> Result<(), AppendError> {
        self.append_all(vec![append]).await
    }

    /// The same for what belongs together (a run and its children): all of it becomes durable, or nothing.
    pub async fn append_all(&self, appends: Vec<Append>) -> Result<(), AppendError> {
        both!(self, s => s.append_all(appends))
    }

    /// A record beside runs: sign-ins, denials, views.
    pub async fn note(&self, draft: Draft) -> Result<(), AppendError> {
        self.append(Append { drafts: vec![draft], ..Append::default() }).await
    }

    /// Fences the intents and outcomes of every earlier opening of this store.
    pub fn epoch(&self) -> u64 {
        match self {
            Self::Sqlite(s) => s.epoch(),
            Self::Memory(s) => s.epoch(),
        }
    }

    /// The records of a run in the order of `run_seq`.
    pub async fn history(&self, run: RunId) -> Result<Vec<Record>, Error> {
        self.history_after(run, 0).await
    }

    /// Those behind this `run_seq`: one range of the index.
    pub async fn history_after(&self, run: RunId, run_seq: u64) -> Result<Vec<Record>, Error> {
        look!(self, s => s.history_after(run, run_seq))
    }

    pub async fn run(&self, run: RunId) -> Result<Option<RunRow>, Error> {
        look!(self, s => s.run(run))
    }

    /// A page of runs, newest first. What is not kept counts as looked at.
    pub async fn runs(&self, filter: &RunFilter, keep: &(dyn Fn(&RunRow) -> bool + Send + Sync)) -> Result<RunPage, Error> {
        look!(self, s => s.runs(filter, keep))
    }

    /// Runs in a state, counted up to so many.
    pub async fn count_runs(&self, state: &str, most: u32) -> Result<u64, Error> {
        look!(self, s => s.count_runs(state, most))
    }

    /// Open tasks of a kind, counted up to `most`.
    pub async fn count_tasks(&self, kind: &str, most: u32) -> Result<u64, Error> {
        look!(self, s => s.count_tasks(kind, most))
    }

    /// Of the runs in a state, the one that began first.
    pub async fn oldest_run(&self, state: &str) -> Result<Option<RunRow>, Error> {
        look!(self, s => s.oldest_run(state))
    }

    /// Room on its disk; `None`: it lies on none, or the disk does not say.
    pub fn room(&self) -> Option<Room> {
        match self {
            Self::Sqlite(s) => s.room(),
            Self::Memory(_) => None,
        }
    }

    /// The units that answer for any run: one look into the index for each.
    pub async fn units(&self) -> Result<Vec<String>, Error> {
        look!(self, s => s.units())
    }

    /// Messages a run waits for, at `now` (microseconds): of each place the oldest that is at hand for it.
    pub async fn mail(&self, run: RunId, now: i64) -> Result<Vec<Mail>, Error> {
        look!(self, s => s.mail(run, now))
    }

    /// Processes with runs that wait for an event of this name.
    pub async fn expecting(&self, name: &str) -> Result<Vec<String>, Error> {
        look!(self, s => s.expecting(name))
    }

    /// An application that is not sent yet, unless its time is over at `now` (microseconds).
    pub async fn unsent(&self, id: &str, now: i64) -> Result<Option<UnsentRow>, Error> {
        look!(self, s => s.unsent(id, now))
    }

    /// How large its envelope is, which is not read; `None` where [`Store::unsent`] brings none.
    pub async fn unsent_bytes(&self, id: &str, now: i64) -> Result<Option<u64>, Error> {
        look!(self, s => s.unsent_bytes(id, now))
    }

    /// Puts one away in place of the one of this id, or drops it.
    pub async fn change_unsent(&self, what: Unsent) -> Result<UnsentChange, Error> {
        both!(self, s => s.change_unsent(what))
    }

    /// Forgets messages nobody asked for in thirty days before `now` (microseconds), files no run took in a day, and applications that
    /// were not sent in their time.
    pub async fn sweep(&self, now: i64) -> Result<(), Error> {
        both!(self, s => s.sweep(now))
    }

    /// Open runs with something to do at `now` (microseconds): due effects, a timer that is over, or mail.
    pub async fn claimable(&self, now: i64, limit: u32) -> Result<Vec<RunId>, Error> {
        look!(self, s => s.claimable(now, limit))
    }

    /// The next instant an open run wakes by itself, in microseconds.
    pub async fn next_wake(&self) -> Result<Option<i64>, Error> {
        look!(self, s => s.next_wake())
    }

    /// Tasks, most urgent deadline first.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<TaskRow>, Error> {
        look!(self, s => s.tasks(filter))
    }

    /// One of them, by its id.
    pub async fn task(&self, id: &str) -> Result<Option<TaskRow>, Error> {
        look!(self, s => s.task(id))
    }

    /// The schedules in force, by name.
    pub async fn clocks(&self) -> Result<Vec<String>, Error> {
        look!(self, s => s.clocks())
    }

    /// Where a trigger's next look goes on.
    pub async fn cursor(&self, name: &str) -> Result<Option<String>, Error> {
        look!(self, s => s.cursor(name))
    }

    /// How far a schedule has been dealt with, in microseconds since 1970.
    pub async fn clock(&self, name: &str) -> Result<Option<i64>, Error> {
        look!(self, s => s.clock(name))
    }

    /// The run a receipt (deduplication key, status code) stands for.
    pub async fn receipt(&self, key: &str) -> Result<Option<RunId>, Error> {
        look!(self, s => s.receipt(key))
    }

    /// Records in the order (lane, seq), after the given position, at most `limit`.
    pub async fn records(&self, after: (u64, u64), limit: u32) -> Result<Vec<Record>, Error> {
        look!(self, s => s.records(after, limit))
    }

    /// A page of the journal, newest first. What is not kept counts as looked at.
    pub async fn trail(&self, filter: &TrailFilter, keep: &(dyn Fn(&TrailRow) -> bool + Send + Sync)) -> Result<TrailPage, Error> {
        look!(self, s => s.trail(filter, keep))
    }

    /// Records beside runs of these kinds since `since` (microseconds), in their order: what is folded from them is read, not
    /// kept a second time. At most 20 000, the newest.
    pub async fn beside_since(&self, kinds: &[&str], since: i64) -> Result<Vec<Record>, Error> {
        look!(self, s => s.beside_since(kinds, since))
    }

    /// Keeps bytes under their digest (a process's text, a file). The same digest twice is the same bytes. A file came at `at`
    /// (microseconds), and goes after a day if no run takes it.
    pub async fn put_bytes(&self, name: &str, bytes: &[u8], at: i64) -> Result<(), Error> {
        both!(self, s => s.put_bytes(name, bytes, at))
    }

    /// Removes contents of an ended run (or beside runs) for good, with the files nobody else holds. All of it, or nothing.
    pub async fn erase(&self, erasure: Erasure) -> Result<(), RemovalError> {
        both!(self, s => s.remove(Removal::Contents(erasure)))
    }

    /// Leaves of an ended run nothing but the hashes of its records.
    pub async fn prune(&self, pruning: Pruning) -> Result<(), RemovalError> {
        both!(self, s => s.remove(Removal::Records(pruning)))
    }

    /// Runs that have all of these keys, newest first.
    pub async fn runs_with(&self, keys: &[SubjectKey], limit: u32) -> Result<Vec<RunId>, Error> {
        look!(self, s => s.runs_with(keys, limit))
    }

    /// Keys of runs from before, with how far this has come. What has gone for good meanwhile gets none.
    pub async fn index(&self, found: Vec<(RunId, Vec<SubjectKey>)>, cursor: (String, Option<String>)) -> Result<(), Error> {
        both!(self, s => s.index(found, cursor))
    }

    /// The record a run begins with.
    pub async fn first_of(&self, run: RunId) -> Result<Option<Record>, Error> {
        look!(self, s => s.first_of(run))
    }

    /// Ended runs nothing is known of how long they are kept: from before this was written down with their end.
    pub async fn unkept(&self, limit: u32) -> Result<Vec<RunId>, Error> {
        look!(self, s => s.unkept(limit))
    }

    /// Writes that down for one of them, with the files it holds.
    pub async fn keep(&self, row: RetentionRow, files: Vec<String>) -> Result<(), Error> {
        both!(self, s => s.keep(row, files))
    }

    /// How long an ended run is kept, and what has gone of it.
    pub async fn retention(&self, run: RunId) -> Result<Option<RetentionRow>, Error> {
        look!(self, s => s.retention(run))
    }

    /// Ended runs whose contents are due to go at `now` (microseconds) and whose caller has ended, too.
    pub async fn contents_due(&self, now: i64, limit: u32) -> Result<Vec<RunId>, Error> {
        look!(self, s => s.contents_due(now, limit))
    }

    /// The same for all of a run.
    pub async fn records_due(&self, now: i64, limit: u32) -> Result<Vec<RunId>, Error> {
        look!(self, s => s.records_due(now, limit))
    }

    /// Records beside runs from before `until` (microseconds) that still have content, oldest first.
    pub async fn contents_beside(&self, until: i64, limit: u32) -> Result<Vec<Record>, Error> {
        look!(self, s => s.contents_beside(until, limit))
    }

    /// A file whose bytes no longer fit its name is corrupt, never handed out.
    pub async fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let bytes = look!(self, s => s.bytes(name))?;
        if let (Some(bytes), Some(digest)) = (&bytes, name.strip_prefix("blob:"))
            && laufzettel_domain::digest::to_hex(&laufzettel_domain::Digest::of(bytes).0) != digest
        {
            return Err(Error::Corrupt(name.to_owned()));
        }
        Ok(bytes)
    }

    /// Whether there are bytes of this name; they are not read.
    pub async fn has_bytes(&self, name: &str) -> Result<bool, Error> {
        look!(self, s => s.has_bytes(name))
    }

    /// Names of what is kept under a digest, in their order, behind this one, at most `limit`.
    pub async fn names(&self, after: &str, limit: u32) -> Result<Vec<String>, Error> {
        look!(self, s => s.names(after, limit))
    }

    /// Case numbers of a year given out so far.
    pub async fn last_number(&self, year: i16) -> Result<u64, Error> {
        look!(self, s => s.last_number(year))
    }

    /// Records beside runs of one kind after a position, in order: one index range.
    pub async fn beside(&self, kind: &str, after: (u64, u64), limit: u32) -> Result<Vec<Record>, Error> {
        look!(self, s => s.beside(kind, after, limit))
    }

    /// The last record beside runs of one kind.
    pub async fn last_beside(&self, kind: &str) -> Result<Option<Record>, Error> {
        look!(self, s => s.last_beside(kind))
    }

    /// Runs that began at or after this id, by process: ids sort by time, so this is one range of the primary key.
    pub async fn started_since(&self, run: RunId) -> Result<Vec<StartedRow>, Error> {
        look!(self, s => s.started_since(run))
    }

    /// What a day used up so far: one range of the primary key.
    pub async fn used_on(&self, day: &str) -> Result<Vec<UsageRow>, Error> {
        look!(self, s => s.used_on(day))
    }

    /// The same of this day and all after it, oldest first.
    pub async fn used_since(&self, day: &str) -> Result<Vec<UsageRow>, Error> {
        look!(self, s => s.used_since(day))
    }

    /// The head of the lane this opening writes.
    pub fn head(&self) -> LaneHead {
        match self {
            Self::Sqlite(s) => s.head(),
            Self::Memory(s) => s.head(),
        }
    }

    pub async fn checkpoints(&self) -> Result<Vec<String>, Error> {
        look!(self, s => s.checkpoints())
    }

    /// The last of them.
    pub async fn last_checkpoint(&self) -> Result<Option<String>, Error> {
        look!(self, s => s.last_checkpoint())
    }

    pub async fn put_checkpoint(&self, number: u64, note: &str) -> Result<(), Error> {
        both!(self, s => s.put_checkpoint(number, note))
    }

    /// Ends the lane with a record that says so. Nothing can be appended afterwards.
    pub async fn close(&self, at: i64) -> Result<(), AppendError> {
        both!(self, s => s.close(at))
    }
}
