//! What lies beside the records and belongs to them: bytes of files, texts of processes, and who lists show a run or a task to. Every
//! file the content of a run's record describes must be there under its name, and every process a run began with. Refuses to judge the
//! chain, and to hold more than one file in memory itself: what is wrong is remembered by name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use laufzettel_domain::{Digest, RunId, TaskId, Value};
use laufzettel_journal::{Break, Record, What};
use laufzettel_store::{Error, RUNS_PAGE_MAX, RunFilter, Store, TASKS_PAGE_MAX, TaskFilter, TaskRow};

use crate::{
    files,
    projection::APPLICANT,
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
    /// Of each run that began, how many tasks were opened.
    opened: HashMap<RunId, u32>,
    found: Option<Break>,
}

impl<'s> Beside<'s> {
    /// Compares everything kept with its name, one after the other.
    pub async fn look(store: &'s Store) -> Result<Self, Error> {
        let (mut wrong, mut after) = (BTreeSet::new(), String::new());
        loop {
            let names = match store.names(&after, NAMES).await {
                // names are texts: behind them all stands what is none
                Err(Error::Corrupt(what)) => {
                    wrong.insert(what);
                    break;
                }
                names => names?,
            };
            let Some(last) = names.last() else { break };
            after.clone_from(last);
            for name in names {
                if wrong.len() < WRONG_MAX && !fits(store, &name).await? {
                    wrong.insert(name);
                }
            }
        }
        Ok(Self { store, wrong, units: BTreeMap::new(), opened: HashMap::new(), found: None })
    }

    /// Takes the next record. After something was found nothing more is looked at.
    pub async fn push(&mut self, record: &Record) -> Result<(), Error> {
        if self.found.is_some() || record.draft.run.is_none() {
            return Ok(());
        }
        self.count(record);
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

    fn count(&mut self, record: &Record) {
        let Some(run) = record.draft.run else { return };
        match record.draft.kind.as_str() {
            "run.started" => *self.opened.entry(run).or_default() += 0,
            "task.opened" => *self.opened.entry(run).or_default() += 1,
            _ => {}
        }
    }

    /// Whether lists show a run or a task to whom the record that begins it says. What else a row says is not looked at.
    async fn is_listed(&mut self, record: &Record) -> Result<bool, Error> {
        let (Some(run), Some(body)) = (record.draft.run, record.draft.body()) else { return Ok(true) };
        let listed = match record.draft.kind.as_str() {
            "run.started" => self.is_run_listed(run, &body).await,
            "task.opened" => self.is_task_listed(run, &body).await,
            _ => Ok(true),
        };
        // a row that does not read says something else, whatever it is
        if let Err(Error::Corrupt(_)) = listed { Ok(false) } else { listed }
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
        let Some(of) = self.store.run(run).await? else { return Ok(false) };
        let (assigned, later) = (texts(body, "/assign/groups"), texts(body, "/escalate/groups"));
        let listed: BTreeSet<&str> = row.groups.iter().map(String::as_str).collect();
        let except: BTreeSet<&str> = row.except.iter().map(String::as_str).collect();
        let said = |place: &str| body.pointer(place).and_then(Value::as_str);
        let groups = assigned.is_subset(&listed) && listed.iter().all(|group| assigned.contains(group) || later.contains(group));
        let hers = body.pointer("/assign/applicant") == Some(&Value::Bool(true));
        let kind = if hers { APPLICANT } else { said("/kind").unwrap_or_default() };
        let same = kind == row.kind && of.process == row.process && of.nummer == row.nummer;
        Ok(same && groups && said("/assign/user") == row.user.as_deref() && said("/unit") == row.unit.as_deref() && texts(body, "/assign/except") == except)
    }

    /// Whether the record has lost its content since it was read: beside a running server things are erased.
    async fn has_gone(&self, record: &Record) -> Result<bool, Error> {
        let now = self.store.records((record.lane, record.seq.saturating_sub(1)), 1).await?;
        Ok(now.first().is_none_or(|now| now.draft != record.draft))
    }

    /// Tasks of a run are numbered from one on. One more may have been opened since the records were read.
    async fn was_opened(&self, row: &TaskRow) -> Result<bool, Error> {
        if self.opened.get(&row.run).is_some_and(|opened| (1..=*opened).contains(&row.number)) {
            return Ok(true);
        }
        let tells = |record: &Record| record.draft.kind == "task.opened" && record.draft.body().is_some_and(|body| body["number"] == row.number);
        Ok(self.store.history(row.run).await?.iter().any(tells))
    }

    /// The first thing found. What no record names stands at 0/0.
    pub async fn finish(self) -> Result<Option<Break>, Error> {
        let unnamed = self.wrong.first().map(|name| if name.starts_with(BUNDLE) { What::ProcessText } else { What::FileBytes });
        if self.found.is_some() || unnamed.is_some() {
            return Ok(self.found.or(unnamed.map(|what| Break { lane: 0, seq: 0, what })));
        }
        let invented = match self.has_invented_row().await {
            Err(Error::Corrupt(_)) => true,
            invented => invented?,
        };
        Ok(invented.then_some(Break { lane: 0, seq: 0, what: What::ListRow }))
    }

    /// Whether lists show a run or a task no record tells of. What was told of and went while the records were read is gone from the lists, too.
    async fn has_invented_row(&self) -> Result<bool, Error> {
        let mut filter = RunFilter { limit: RUNS_PAGE_MAX, ..RunFilter::default() };
        loop {
            let page = self.store.runs(&filter, &|_| true).await?;
            for row in page.rows.iter().filter(|row| !self.opened.contains_key(&row.run)) {
                // it may have begun since the records were read
                if self.store.first_of(row.run).await?.is_none() && self.store.run(row.run).await?.is_some() {
                    return Ok(true);
                }
            }
            filter.before = page.next;
            if page.next.is_none() {
                break;
            }
        }
        for closed in [false, true] {
            let mut filter = TaskFilter { closed, limit: TASKS_PAGE_MAX, ..TaskFilter::default() };
            loop {
                let rows = self.store.tasks(&filter).await?;
                for row in &rows {
                    let named = row.task == (TaskId { run: row.run, number: row.number }).to_string();
                    if !(named && self.was_opened(row).await?) && self.store.task(&row.task).await?.is_some() {
                        return Ok(true);
                    }
                }
                filter.after = rows.last().map(TaskRow::place);
                if rows.len() < TASKS_PAGE_MAX as usize {
                    break;
                }
            }
        }
        Ok(false)
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
