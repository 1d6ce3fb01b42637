//! Whose a task is: by name, by group, by the unit that answers for the process, or by right. The groups are those of this moment.

use std::collections::BTreeMap;

use laufzettel_domain::{Actor, Caller, TaskId, Text, Value};
use laufzettel_engine::{self as engine, Claim, Command, Rejection};
use laufzettel_policy::{Action, Decision, Who, glob, permit, permit_asked};
use laufzettel_process::{Schema, schema::Problem};
use laufzettel_store::{TASKS_PAGE_MAX, TaskFilter, TaskPlace, TaskRow};
use serde_json::json;

use crate::{
    desk::{Desk, Loaded, WishError},
    files,
    projection::APPLICANT,
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
        let wish = Claim { task: task.number, by: by.clone(), reason: reason.trim().to_owned(), decision };
        let told = self.tell_loaded(loaded, &Actor::Caller(by.clone()), |_| Ok(Command::Claim(wish.clone()))).await;
        self.noted(task, by, told).await
    }

    /// Gives a task back. Whoever has it may, whatever she may otherwise; who may not even see it learns nothing of it.
    pub async fn give_back(&self, task: TaskId, by: &Caller) -> Result<Loaded, WishError> {
        let loaded = self.load(task.run).await?.ok_or(WishError::Unknown)?;
        let holder = loaded.run.tasks.get(&task.number).and_then(|task| task.claimed.as_ref()).is_some_and(|claimed| claimed.by.subject == by.subject);
        let decision = self.may_complete(&loaded, task.number, by).await?;
        let told = match holder || decision.allow {
            true => self.tell_loaded(loaded, &Actor::Caller(by.clone()), |_| Ok(Command::Return { task: task.number, by: by.clone() })).await,
            false => Err(WishError::Denied(decision)),
        };
        self.noted(task, by, told).await
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
        let filter = TaskFilter { closed: wanted.closed, after, limit: TASKS_PAGE_MAX };
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

/// Which tasks are asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub closed: bool,
    pub step: Option<String>,
    pub process: Option<String>,
    /// Of the processes a key is for.
    pub patterns: Option<Vec<String>>,
    pub limit: usize,
}

impl Wanted {
    fn fits(&self, row: &TaskRow) -> bool {
        let is = |wanted: &Option<String>, value: &String| wanted.as_ref().is_none_or(|wanted| wanted == value);
        let covered = self.patterns.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| glob(pattern, &row.process)));
        is(&self.step, &row.step) && is(&self.process, &row.process) && covered
    }
}
