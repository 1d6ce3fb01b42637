//! What lies beside the records and belongs to them: bytes of files, texts of processes, and who lists show a run or a task to. Every
//! file the content of a run's record describes must be there under its name, and every process a run began with. Refuses to judge the
//! chain, and to hold more than one file in memory: what is wrong is remembered by name.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Digest, RunId, TaskId, Value};
use laufzettel_journal::{Break, Record, What};
use laufzettel_store::{Error, Store};

use crate::{
    files,
    tenant::{BUNDLE, bundle_name, named_by_bytes, unbundle},
};

/// Names read at once.
const NAMES: u32 = 500;
/// Names of what does not fit that are remembered (80 bytes each): to say which record the first of them is of. Whatever is wrong
/// beyond is found all the same, without a record.
const WRONG_MAX: usize = 10_000;

/// Processes whose unit is remembered: more versions than this are not in use at once.
const UNITS_MAX: usize = 256;

/// A look at everything, beside the records that are pushed.
pub struct Beside<'s> {
    store: &'s Store,
    wrong: BTreeSet<String>,
    /// By the name of its text, which unit answers for a process; `None`: today's program does not read it any more.
    units: BTreeMap<String, Option<String>>,
    found: Option<Break>,
}

impl<'s> Beside<'s> {
    /// Compares everything kept with its name, one after the other.
    pub async fn look(store: &'s Store) -> Result<Self, Error> {
        let (mut wrong, mut after) = (BTreeSet::new(), String::new());
        loop {
            let names = store.names(&after, NAMES).await?;
            let Some(last) = names.last() else { break };
            after.clone_from(last);
            for name in names {
                if wrong.len() < WRONG_MAX && !fits(store, &name).await? {
                    wrong.insert(name);
                }
            }
        }
        Ok(Self { store, wrong, units: BTreeMap::new(), found: None })
    }

    /// Takes the next record. After something was found nothing more is looked at.
    pub async fn push(&mut self, record: &Record) -> Result<(), Error> {
        if self.found.is_some() || record.draft.run.is_none() {
            return Ok(());
        }
        for (name, missing, wrong) in needs(record) {
            let what = match self.wrong.contains(&name) {
                true => wrong,
                false if self.store.has_bytes(&name).await? || self.has_gone(record).await? => continue,
                false => missing,
            };
            self.found = Some(Break { lane: record.lane, seq: record.seq, what });
            return Ok(());
        }
        if !self.is_listed(record).await? && !self.has_gone(record).await? {
            self.found = Some(Break { lane: record.lane, seq: record.seq, what: What::ListRow });
        }
        Ok(())
    }

    /// Whether lists show a run or a task to whom the record that begins it says. What else a row says is not looked at.
    async fn is_listed(&mut self, record: &Record) -> Result<bool, Error> {
        let (Some(run), Some(body)) = (record.draft.run, record.draft.body()) else { return Ok(true) };
        match record.draft.kind.as_str() {
            "run.started" => self.is_run_listed(run, &body).await,
            "task.opened" => self.is_task_listed(run, &body).await,
            _ => Ok(true),
        }
    }

    async fn is_run_listed(&mut self, run: RunId, body: &Value) -> Result<bool, Error> {
        let Some(row) = self.store.run(run).await? else { return Ok(false) };
        let said = [("/nummer", &row.nummer), ("/process", &row.process), ("/caller/subject", &row.subject)];
        let same = said.iter().all(|(place, listed)| body.pointer(place).and_then(Value::as_str) == Some(listed.as_str()));
        let unit = self.unit_of(body).await?;
        Ok(same && unit.is_none_or(|unit| unit == row.unit))
    }

    async fn unit_of(&mut self, body: &Value) -> Result<Option<String>, Error> {
        let Some(name) = body.get("digest").and_then(|digest| Digest::parse(digest.as_str()?)).map(bundle_name) else { return Ok(None) };
        if let Some(known) = self.units.get(&name) {
            return Ok(known.clone());
        }
        let process = self.store.bytes(&name).await?.and_then(|bytes| unbundle(&bytes));
        let unit = process.map(|process| process.verantwortlich);
        if self.units.len() >= UNITS_MAX {
            self.units.clear();
        }
        self.units.insert(name, unit.clone());
        Ok(unit)
    }

    /// Groups may have been added by its escalation, as the record foresaw.
    async fn is_task_listed(&self, run: RunId, body: &Value) -> Result<bool, Error> {
        let number = body.get("number").and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        let Some(number) = number else { return Ok(true) };
        let Some(row) = self.store.task(&TaskId { run, number }.to_string()).await? else { return Ok(false) };
        let (assigned, later) = (texts(body, "/assign/groups"), texts(body, "/escalate/groups"));
        let listed: BTreeSet<&str> = row.groups.iter().map(String::as_str).collect();
        let except: BTreeSet<&str> = row.except.iter().map(String::as_str).collect();
        let said = |place: &str| body.pointer(place).and_then(Value::as_str);
        let groups = assigned.is_subset(&listed) && listed.iter().all(|group| assigned.contains(group) || later.contains(group));
        Ok(groups && said("/assign/user") == row.user.as_deref() && said("/unit") == row.unit.as_deref() && texts(body, "/assign/except") == except)
    }

    /// Whether the record has lost its content since it was read: beside a running server things are erased.
    async fn has_gone(&self, record: &Record) -> Result<bool, Error> {
        let now = self.store.records((record.lane, record.seq.saturating_sub(1)), 1).await?;
        Ok(now.first().is_none_or(|now| now.draft != record.draft))
    }

    /// The first thing found. What no record names stands at 0/0.
    pub fn finish(self) -> Option<Break> {
        let unnamed =
            self.wrong.first().map(|name| Break { lane: 0, seq: 0, what: if name.starts_with(BUNDLE) { What::ProcessText } else { What::FileBytes } });
        self.found.or(unnamed)
    }
}

fn texts<'b>(body: &'b Value, place: &str) -> BTreeSet<&'b str> {
    body.pointer(place).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What a record of a run needs, by name, with what it is if that is missing or is something else. An answer that was refused needs
/// nothing: nobody goes on with it.
fn needs(record: &Record) -> Vec<(String, What, What)> {
    let mut needs = Vec::new();
    if record.draft.kind == "run.started" {
        let digest = record.draft.body().and_then(|body| Digest::parse(body.get("digest")?.as_str()?));
        needs.extend(digest.map(|digest| (bundle_name(digest), What::ProcessMissing, What::ProcessText)));
    }
    if record.draft.kind != "effect.failed" {
        let names = record.draft.content().as_ref().map(files::names).unwrap_or_default();
        needs.extend(names.into_iter().map(|name| (name, What::FileMissing, What::FileBytes)));
    }
    needs
}

/// Whether the bytes of this name are the ones it stands for. What has gone meanwhile is looked for by whoever names it.
async fn fits(store: &Store, name: &str) -> Result<bool, Error> {
    match store.bytes(name).await {
        Err(Error::Corrupt(what)) if what == name => Ok(false),
        Err(error) => Err(error),
        Ok(Some(bytes)) if name.starts_with(BUNDLE) => Ok(named_by_bytes(&bytes).is_some_and(|said| said == name)),
        Ok(_) => Ok(true),
    }
}
