//! Whose a task is: by name, by group, by the unit that answers for the process, or by right. The groups are those of this moment.

use laufzettel_domain::{Caller, Text};
use laufzettel_engine as engine;
use laufzettel_policy::{Action, Decision, Who, permit};
use laufzettel_store::TaskRow;

use crate::{
    desk::{Desk, Loaded},
    tenant::Nobody,
};

impl Desk {
    /// Whether somebody may see and complete a task.
    pub async fn may_complete(&self, loaded: &Loaded, number: u32, by: &Caller) -> Result<Decision, Nobody> {
        let Some(task) = loaded.run.tasks.get(&number) else {
            return Ok(Decision::deny("none", "Diese Aufgabe gibt es nicht.", "There is no such task."));
        };
        let opened = &task.opened;
        let groups = match &opened.unit {
            Some(unit) => self.tenant.unit_groups(unit).await,
            None => opened.assign.groups.clone(),
        };
        let who = self.who(by).await?;
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

    /// The rows of the inbox somebody may take. Her groups are asked for once.
    pub async fn mine(&self, who: &Who, rows: Vec<TaskRow>) -> Result<Vec<TaskRow>, Nobody> {
        let mut mine = Vec::new();
        for row in rows {
            let groups = match &row.unit {
                Some(unit) => self.tenant.unit_groups(unit).await,
                None => row.groups.clone(),
            };
            if !row.except.contains(&who.caller.subject) && self.may_take(who, &groups, row.user.as_deref(), &row.process).await?.allow {
                mine.push(row);
            }
        }
        Ok(mine)
    }
}
