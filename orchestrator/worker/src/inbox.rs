//! Whose a task is: by name, by group, by the unit that answers for the process, or by right. The groups are those of this moment.
//! Who stands in for somebody is asked for nothing here: a deputy may what she may herself ([`crate::deputies`]).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use laufzettel_directory::Person;
use laufzettel_domain::{Actor, Caller, Path, TaskId, Text, Value, Via};
use laufzettel_engine::{self as engine, Claim, Command, HandOver, Rejection};
use laufzettel_policy::{Action, Decision, Who, glob, permit, permit_asked};
use laufzettel_process::{Schema, schema::Problem};
use laufzettel_store::{RunFilter, TASKS_PAGE_MAX, TaskFilter, TaskPlace, TaskRow};
use serde_json::json;

use crate::{
    desk::{Desk, Loaded, WishError},
    files,
    operation::RESTS,
    projection::{self, APPLICANT},
    tenant::Nobody,
};

impl Desk {
    /// Whether somebody may see and complete a task.
    pub async fn may_complete(&self, loaded: &Loaded, number: u32, by: &Caller) -> Result<Decision, Nobody> {
        let Some(task) = loaded.run.tasks.get(&number) else {
            return Ok(Decision::deny("none", "Diese Aufgabe gibt es nicht.", "There is no such task."));
        };
        let opened = &task.opened;
        let mut groups = opened.assign.groups.clone();
        if let Some(unit) = &opened.unit {
            groups.extend(self.tenant.unit_groups(unit).await);
        }
        let who = self.who(by).await?;
        if opened.assign.applicant {
            return Ok(permit_asked(&who, loaded.run.applicant(), &groups));
        }
        if opened.assign.except.contains(&by.subject) {
            return Ok(engine::four_eyes());
        }
        self.may_take(&who, &groups, opened.assign.user.as_deref(), loaded.run.process.as_str()).await
    }

    /// The same from a row of the inbox, for somebody whose groups are known.
    pub async fn may_take(&self, who: &Who, groups: &[String], user: Option<&str>, process: &str) -> Result<Decision, Nobody> {
        if let Some(user) = user.filter(|_| who.caller.is_person())
            && self.is_called(&who.caller, user).await?
        {
            return Ok(Decision { allow: true, reason: Text::new("persönlich zugewiesen", "assigned in person"), rule: "assign.user".to_owned() });
        }
        // a service account's groups are for the archive's permissions; its rights stand in its own entry
        if let Some(group) = who.is_in_any(groups).filter(|_| who.caller.is_person()) {
            return Ok(Decision {
                allow: true,
                reason: Text::new(format!("Gruppe {group} ist zugewiesen."), format!("Group {group} is assigned.")),
                rule: "assign.groups".to_owned(),
            });
        }
        Ok(permit(who, &Action::TaskComplete(process.to_owned()), Some(process), &self.tenant.rules))
    }

    /// Whether this sign-in name, UPN or subject means this person.
    async fn is_called(&self, caller: &Caller, user: &str) -> Result<bool, Nobody> {
        if user == caller.subject || user == caller.upn {
            return Ok(true);
        }
        match self.tenant.directory.person(user).await {
            Ok(person) => Ok(person.is_some_and(|p| p.sid == caller.subject)),
            Err(laufzettel_directory::Error::Unavailable) => Err(Nobody::Unavailable),
            Err(_) => Ok(false),
        }
    }

    /// What is wrong with the files of an answer: a form says of which kind and size they are, and their bytes must be here.
    pub(crate) async fn files_of(&self, loaded: &Loaded, number: u32, values: &Value) -> Result<Vec<Problem>, WishError> {
        let form = loaded.run.tasks.get(&number).and_then(|task| Schema::compile(task.opened.form.clone()).ok());
        match form {
            Some(form) => Ok(files::check(&self.tenant.store, &form, values).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Takes a task; with a reason from somebody who has it. Whoever may complete it may.
    pub async fn claim(&self, task: TaskId, by: &Caller, reason: &str) -> Result<Loaded, WishError> {
        let loaded = self.load(task.run).await?.ok_or(WishError::Unknown)?;
        let decision = self.may_complete(&loaded, task.number, by).await?;
        // who may not have it learns nothing of how it stands
        if !decision.allow {
            return self.noted(task, by, Err(WishError::Denied(decision))).await;
        }
        let stands_for = self.standing(&loaded, task.number, by).await?;
        let wish = Claim { task: task.number, by: by.clone(), reason: reason.trim().to_owned(), decision, stands_for };
        let told = self.tell_loaded(loaded, &Actor::Caller(by.clone()), |_| Ok(Command::Claim(wish.clone()))).await;
        self.noted(task, by, told).await
    }

    /// Gives a task back. Whoever has it may, whatever she may otherwise; who may not even see it learns nothing of it.
    pub async fn give_back(&self, task: TaskId, by: &Caller) -> Result<Loaded, WishError> {
        let loaded = self.load(task.run).await?.ok_or(WishError::Unknown)?;
        self.holds_or_may(&loaded, task, by).await?;
        let told = self.tell_loaded(loaded, &Actor::Caller(by.clone()), |_| Ok(Command::Return { task: task.number, by: by.clone() })).await;
        self.noted(task, by, told).await
    }

    /// Puts a task aside one has, until a day (Wiedervorlage); `None`: takes it up again.
    pub async fn lay_aside(&self, task: TaskId, by: &Caller, until: Option<Date>, note: &str) -> Result<Loaded, WishError> {
        let loaded = self.load(task.run).await?.ok_or(WishError::Unknown)?;
        self.holds_or_may(&loaded, task, by).await?;
        let wish = || Command::PutAside { task: task.number, by: by.clone(), until, note: note.trim().to_owned() };
        let told = self.tell_loaded(loaded, &Actor::Caller(by.clone()), |_| Ok(wish())).await;
        self.noted(task, by, told).await
    }

    /// Whoever has a task, or may complete it.
    async fn holds_or_may(&self, loaded: &Loaded, task: TaskId, by: &Caller) -> Result<(), WishError> {
        let holder = loaded.run.tasks.get(&task.number).and_then(|task| task.claimed.as_ref()).is_some_and(|claimed| claimed.by.subject == by.subject);
        let decision = self.may_complete(loaded, task.number, by).await?;
        if holder || decision.allow {
            return Ok(());
        }
        self.note("task.denied", by, json!({ "task": task.to_string(), "decision": decision })).await;
        Err(WishError::Denied(decision))
    }

    /// Hands a task one has to a colleague who may complete it, with a note for her; who may not even see it learns nothing of it. `to`: her sign-in name, UPN or subject.
    pub async fn hand_over(&self, task: TaskId, by: &Caller, to: &str, note: &str) -> Result<Loaded, WishError> {
        let loaded = self.load(task.run).await?.ok_or(WishError::Unknown)?;
        self.holds_or_may(&loaded, task, by).await?;
        let to = match self.tenant.directory.person(to).await {
            Ok(Some(person)) => person.caller(Via::Form),
            Err(laufzettel_directory::Error::Unavailable) => return Err(Nobody::Unavailable.into()),
            Ok(None) | Err(_) => return Err(unknown("to")),
        };
        let decision = match self.may_complete(&loaded, task.number, &to).await {
            Ok(decision) | Err(Nobody::Denied(decision)) => decision,
            Err(unavailable @ Nobody::Unavailable) => return Err(unavailable.into()),
        };
        let wish = HandOver { task: task.number, by: by.clone(), to, note: note.trim().to_owned(), decision };
        let told = self.tell_loaded(loaded, &Actor::Caller(by.clone()), |_| Ok(Command::HandOver(wish.clone()))).await;
        self.noted(task, by, told).await
    }

    /// Everybody else who may complete a task, as far as the directory lists its people.
    pub async fn colleagues(&self, loaded: &Loaded, number: u32, by: &Caller) -> Result<Vec<Person>, Nobody> {
        let mut may = Vec::new();
        let others = self.tenant.directory.people().into_iter().filter(|person| person.sid != by.subject && !person.disabled);
        for person in others.take(COLLEAGUES_MAX) {
            match self.may_complete(loaded, number, &person.caller(Via::Form)).await {
                Ok(decision) if decision.allow => may.push(person),
                // an account that has ended
                Ok(_) | Err(Nobody::Denied(_)) => {}
                Err(unavailable) => return Err(unavailable),
            }
        }
        Ok(may)
    }

    /// A denial is a record like any other.
    pub(crate) async fn noted(&self, task: TaskId, by: &Caller, told: Result<Loaded, WishError>) -> Result<Loaded, WishError> {
        if let Err(WishError::Denied(decision) | WishError::Rejected(Rejection::Denied(decision))) = &told {
            self.note("task.denied", by, json!({ "task": task.to_string(), "decision": decision })).await;
        }
        told
    }

    /// A page of the tasks somebody may take, most urgent first, and where the next one begins. It looks at so many rows and no
    /// more ([`TASKS_PAGE_MAX`]): a page may be short, and go on.
    pub async fn inbox(&self, by: &Caller, wanted: &Wanted, after: Option<TaskPlace>) -> Result<(Vec<TaskRow>, Option<TaskPlace>), WishError> {
        let who = self.who(by).await?;
        self.inbox_of(Some(&who), wanted, after).await
    }

    /// The same for whoever is known; `None`: for somebody who needs not be asked.
    pub async fn inbox_of(&self, who: Option<&Who>, wanted: &Wanted, after: Option<TaskPlace>) -> Result<(Vec<TaskRow>, Option<TaskPlace>), WishError> {
        let filter = TaskFilter { closed: wanted.closed, after, limit: TASKS_PAGE_MAX, ..TaskFilter::default() };
        let rows = self.tenant.store.tasks(&filter).await?;
        // there may be more behind a full read
        let horizon = rows.last().filter(|_| rows.len() == TASKS_PAGE_MAX as usize).map(TaskRow::place);
        let mut hers: Vec<TaskRow> = Vec::new();
        let mut units = BTreeMap::new();
        for row in rows.into_iter().filter(|row| wanted.fits(row)) {
            if match who {
                Some(who) => self.is_for(who, &row, &mut units).await?,
                None => true,
            } {
                if hers.len() == wanted.limit {
                    let next = hers.last().map(TaskRow::place);
                    return Ok((hers, next));
                }
                hers.push(row);
            }
        }
        Ok((hers, horizon))
    }

    /// Those that say a case stands still until somebody has done them, the oldest first. They have no deadline, and would come last.
    pub async fn halted(&self, by: &Caller) -> Result<Vec<TaskRow>, WishError> {
        let who = self.who(by).await?;
        let (mut hers, mut units) = (Vec::new(), BTreeMap::new());
        for kind in RESTS {
            let filter = TaskFilter { kind: Some(kind.to_owned()), limit: TASKS_PAGE_MAX, ..TaskFilter::default() };
            for row in self.tenant.store.tasks(&filter).await? {
                if self.is_for(&who, &row, &mut units).await? {
                    hers.push(row);
                }
            }
        }
        hers.sort_by_key(|row| row.opened_at);
        hers.truncate(HALTED_MAX);
        Ok(hers)
    }

    /// The open tasks of the cases of this number that somebody may take.
    pub async fn inbox_of_number(&self, by: &Caller, nummer: &str) -> Result<Vec<TaskRow>, WishError> {
        let filter = RunFilter { nummer: Some(nummer.to_owned()), limit: SAME_NUMBER_MAX, ..RunFilter::default() };
        let mut hers = Vec::new();
        for row in self.tenant.store.runs(&filter, &|_| true).await?.rows {
            let Some(loaded) = self.load(row.run).await? else { continue };
            for task in loaded.run.open_tasks() {
                if self.may_complete(&loaded, task.opened.number, by).await?.allow {
                    hers.push(projection::task_row(&loaded.prepared, &loaded.run, task));
                }
            }
        }
        Ok(hers)
    }

    async fn is_for(&self, who: &Who, row: &TaskRow, units: &mut BTreeMap<String, Vec<String>>) -> Result<bool, Nobody> {
        if row.except.contains(&who.caller.subject) {
            return Ok(false);
        }
        // hers alone: in no inbox but of those asked besides
        if row.kind == APPLICANT {
            return Ok(permit_asked(who, None, &row.groups).allow);
        }
        let mut groups = row.groups.clone();
        if let Some(unit) = &row.unit {
            if !units.contains_key(unit) {
                units.insert(unit.clone(), self.tenant.unit_groups(unit).await);
            }
            groups.extend(units.get(unit).into_iter().flatten().cloned());
        }
        Ok(self.may_take(who, &groups, row.user.as_deref(), &row.process).await?.allow)
    }
}

/// People of a directory that is a file, looked at one by one: such a directory is for a trial.
const COLLEAGUES_MAX: usize = 200;
/// Cases that stand still and are shown first: more is no list any more, and the rest stand behind all others.
const HALTED_MAX: usize = 20;
/// Cases of one number: there is one, but for numbers somebody imported.
const SAME_NUMBER_MAX: u32 = 10;

pub(crate) fn unknown(field: &str) -> WishError {
    let message = Text::new("Diesen Namen kennt das Verzeichnis nicht.", "The directory does not know this name.");
    WishError::Rejected(Rejection::Invalid(vec![Problem { path: Path::new([field]), message }]))
}

/// In whose hands tasks are that are asked for.
#[derive(Debug, Clone, Default)]
pub enum Held {
    #[default]
    Anybody,
    Nobody,
    /// In those of this subject.
    By(String),
    /// In somebody else's.
    NotBy(String),
    /// Of these people, by every name they go by: in their hands, or assigned to them in person.
    For(BTreeSet<String>),
}

impl Held {
    pub fn fits(&self, row: &TaskRow) -> bool {
        let holder = row.claimed.as_ref().map(|claimed| &claimed.subject);
        match self {
            Self::Anybody => true,
            Self::Nobody => holder.is_none(),
            Self::By(subject) => holder == Some(subject),
            Self::NotBy(subject) => holder.is_some_and(|holder| holder != subject),
            Self::For(names) => holder.or(row.user.as_ref()).is_some_and(|name| names.contains(name)),
        }
    }
}

/// Which tasks are asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub closed: bool,
    pub step: Option<String>,
    pub process: Option<String>,
    /// Of the processes a key is for.
    pub patterns: Option<Vec<String>>,
    pub held: Held,
    pub limit: usize,
}

impl Wanted {
    fn fits(&self, row: &TaskRow) -> bool {
        let is = |wanted: &Option<String>, value: &String| wanted.as_ref().is_none_or(|wanted| wanted == value);
        let covered = self.patterns.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| glob(pattern, &row.process)));
        is(&self.step, &row.step) && is(&self.process, &row.process) && covered && self.held.fits(row)
    }
}
