//! After a backup was restored: the database is older than its witness. What is missing is put on record, every run that was open
//! rests until somebody has looked, and what was erased since is erased again. Only then are the notes copied back: until
//! then the store does not open without being asked to.

use std::{collections::BTreeMap, path::Path};

use laufzettel_domain::{Actor, Caller, RunId, Via, digest::to_hex};
use laufzettel_engine::Command;
use laufzettel_journal::{Head, STORE_RESTORED, VerifyKey, open_note};
use laufzettel_store::{RUNS_PAGE_MAX, RunFilter, Store, failpoint};
use serde_json::json;

use crate::{
    anchor::{AnchorError, compare, read_witness, witness_file},
    desk::{Desk, WishError},
};

/// What the witness knows and the database does not.
#[derive(Debug, Clone)]
pub struct Gap {
    /// Number of the last note up to which nothing is missing.
    pub from: usize,
    /// Notes the table has: more than that where an earlier attempt stopped while it copied them.
    stored: usize,
    /// The notes it lacks, in order.
    notes: Vec<String>,
    /// The last record of each lane that was lost.
    heads: Vec<Head>,
    /// The highest lane the witness names: what is opened now is numbered above.
    pub lane_above: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("the witness does not fit")]
    Anchor(#[from] AnchorError),
    #[error("the store does not answer")]
    Store(#[from] laufzettel_store::Error),
    #[error("record {0}/{1} differs from the witnessed one: this is no backup of that database")]
    Differs(u64, u64),
    #[error("not recorded: {0}")]
    Append(#[from] laufzettel_store::AppendError),
    #[error("a run cannot be parked: {0}")]
    Park(#[from] WishError),
    #[error("the triggers cannot be set")]
    Triggers,
    #[error("an erasure cannot be repeated: {0}")]
    Erase(#[from] crate::erasure::EraseError),
}

impl Gap {
    /// Compares a store nobody writes with its witness. `None`: the store is not older.
    pub async fn find(store: &Store, tenant: &str, key: &VerifyKey, folder: &Path) -> Result<Option<Self>, RestoreError> {
        let (stored, witnessed) = (store.checkpoints().await?, read_witness(&witness_file(folder, tenant))?);
        match compare(&stored, &witnessed) {
            Ok(()) => return Ok(None),
            Err(AnchorError::OlderThanWitness { .. }) => {}
            Err(other) => return Err(other.into()),
        }
        let from = unfinished(store, stored.len()).await?.unwrap_or(stored.len());
        let mut lost: BTreeMap<u64, Head> = BTreeMap::new();
        let mut lane_above = 0;
        for (n, note) in witnessed.iter().enumerate() {
            let checkpoint = open_note(note, std::slice::from_ref(key)).map_err(|_| AnchorError::WrongKey)?;
            for head in checkpoint.heads {
                lane_above = lane_above.max(head.lane);
                if n >= from && lost.get(&head.lane).is_none_or(|known| known.seq < head.seq) {
                    lost.insert(head.lane, head);
                }
            }
        }
        let mut heads = Vec::new();
        for head in lost.into_values() {
            let found = store.records((head.lane, head.seq - 1), 1).await?;
            match found.first().filter(|record| (record.lane, record.seq) == (head.lane, head.seq)) {
                // written before the backup, witnessed after it
                Some(record) if record.hash == head.hash => {}
                Some(_) => return Err(RestoreError::Differs(head.lane, head.seq)),
                None => heads.push(head),
            }
        }
        Ok(Some(Self { from, stored: stored.len(), notes: witnessed[stored.len()..].to_vec(), heads, lane_above }))
    }

    /// Number of the last witnessed note.
    pub fn to(&self) -> usize {
        self.stored + self.notes.len()
    }
}

/// Where an attempt began that did not come to its end: what it named nobody may have witnessed, and it is named again.
async fn unfinished(store: &Store, stored: usize) -> Result<Option<usize>, RestoreError> {
    let last = store.last_beside(STORE_RESTORED).await?.and_then(|record| record.draft.body());
    let number = |name: &str| last.as_ref()?.get(name)?.as_u64().and_then(|n| usize::try_from(n).ok());
    Ok(number("from").zip(number("to")).filter(|(from, to)| *from <= stored && *to > stored).map(|(from, _)| from))
}

impl Desk {
    /// Everything a restored store needs before anybody works with it. Returns how many runs rest now. Stopped halfway, it is begun
    /// again at the next start that is asked to: nothing of it is done twice.
    pub async fn restored(&self, gap: &Gap) -> Result<usize, RestoreError> {
        let heads: Vec<_> = gap.heads.iter().map(|head| json!([head.lane, head.seq, to_hex(&head.hash)])).collect();
        let engine = Caller::service("engine", Via::Engine);
        self.record(STORE_RESTORED, &engine, json!({ "from": gap.from, "to": gap.to(), "heads": heads })).await?;
        let stopped = |name| failpoint::pass(name, |said| RestoreError::Store(laufzettel_store::Error::Refused(said)));
        stopped("restore.recorded")?;
        let open = self.open_runs().await?;
        for run in &open {
            let note = format!(
                "Die Datenbank wurde aus einer Sicherung wiederhergestellt. Was nach dem Stand der Sicherung (Prüfpunkt {}) mit diesem Vorgang geschah, ist nicht \
                 bekannt: Aufgaben können schon beantwortet, Schreiben schon abgelegt oder versandt sein. Bitte nachsehen, bevor es weitergeht.",
                gap.from
            );
            self.tell(*run, &Actor::Engine, |_| Ok(Command::Park { note: note.clone() })).await?;
        }
        if !self.pass_over_schedules().await || !self.pass_over_polls().await {
            return Err(RestoreError::Triggers);
        }
        stopped("restore.parked")?;
        self.keep_old_runs().await?;
        self.repeat_erasures().await?;
        for (n, note) in gap.notes.iter().enumerate() {
            stopped("restore.before_note")?;
            self.tenant.store.put_checkpoint((gap.stored + n + 1) as u64, note).await?;
        }
        Ok(open.len())
    }

    async fn open_runs(&self) -> Result<Vec<RunId>, RestoreError> {
        let mut open = Vec::new();
        for state in ["running", "waiting"] {
            let mut before = None;
            loop {
                let filter = RunFilter { state: Some(state.to_owned()), before, limit: RUNS_PAGE_MAX, ..RunFilter::default() };
                let page = self.tenant.store.runs(&filter, &|_| true).await?;
                open.extend(page.rows.iter().map(|row| row.run));
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
        }
        Ok(open)
    }
}
