//! Who may look at what, and who may look after the house.

use laufzettel_domain::{Caller, RunId, Text};
use laufzettel_journal::Record;
use laufzettel_policy::{Action, Decision, Who, glob, permit, permit_view};
use laufzettel_store::{RunFilter, RunPage, RunRow, Sight};
use serde_json::json;

use crate::desk::{Desk, Loaded, WishError};

impl Desk {
    /// Whether somebody may look at a run.
    pub async fn may_view(&self, who: &Who, unit: &str, subject: &str) -> Decision {
        if who.caller.subject == subject {
            return Decision { allow: true, reason: Text::new("selbst gestartet", "started by this person"), rule: "run.caller".to_owned() };
        }
        permit_view(who, who.is_in_any(&self.tenant.unit_groups(unit).await).is_some(), &self.tenant.rules)
    }

    /// A run this person may see; `None` otherwise: what may not be seen does not exist.
    pub async fn visible(&self, by: &Caller, run: RunId) -> Result<Option<Loaded>, WishError> {
        Ok(self.visible_traced(by, run).await?.map(|(loaded, _)| loaded))
    }

    /// The same, with the run's records.
    pub async fn visible_traced(&self, by: &Caller, run: RunId) -> Result<Option<(Loaded, Vec<Record>)>, WishError> {
        let Some((loaded, records)) = self.retrace(run).await? else { return Ok(None) };
        Ok(self.sees_case(by, &loaded).await?.then_some((loaded, records)))
    }

    /// Whether this person may look into a run.
    pub async fn sees_case(&self, by: &Caller, loaded: &Loaded) -> Result<bool, WishError> {
        let who = self.who(by).await?;
        Ok(self.may_view(&who, &loaded.prepared.process.verantwortlich, &loaded.run.caller.subject).await.allow)
    }

    /// A page of the runs this person may see, newest first; `patterns`: of the processes a key is for. The rights are asked once
    /// for each unit, before anything is read: what is not hers takes no place on the page.
    pub async fn runs(&self, by: &Caller, filter: RunFilter, patterns: Option<&[String]>) -> Result<RunPage, WishError> {
        let filter = RunFilter { sight: self.sight(&self.who(by).await?).await?, ..filter };
        self.listed(filter, patterns).await
    }

    /// The same for whoever needs not be asked.
    pub async fn listed(&self, filter: RunFilter, patterns: Option<&[String]>) -> Result<RunPage, WishError> {
        let covered = |process: &str| patterns.is_none_or(|patterns| patterns.iter().any(|pattern| glob(pattern, process)));
        let mut filter = filter;
        match patterns {
            _ if !filter.processes.is_empty() => filter.processes.retain(|process| covered(process)),
            // names without a star are ranges of the index
            Some(names) if names.iter().all(|name| !name.contains('*')) => filter.processes = names.to_vec(),
            _ => return Ok(self.tenant.store.runs(&filter, &|row| covered(&row.process)).await?),
        }
        if filter.processes.is_empty() {
            return Ok(RunPage::default());
        }
        Ok(self.tenant.store.runs(&filter, &|_| true).await?)
    }

    async fn sight(&self, who: &Who) -> Result<Option<Sight>, WishError> {
        let (all, own) = (permit_view(who, false, &self.tenant.rules).allow, permit_view(who, true, &self.tenant.rules).allow);
        if all {
            return Ok(None);
        }
        let units = if own { self.tenant.store.units().await? } else { Vec::new() };
        let mut hers = Vec::new();
        for unit in units {
            if who.is_in_any(&self.tenant.unit_groups(&unit).await).is_some() {
                hers.push(unit);
            }
        }
        Ok(Some(Sight { subject: who.caller.subject.clone(), units: hers }))
    }

    /// Whether a run is somebody's to see, by its row.
    pub async fn sees(&self, by: &Caller, row: &RunRow) -> Result<bool, WishError> {
        let who = self.who(by).await?;
        Ok(self.may_view(&who, &row.unit, &row.subject).await.allow)
    }

    /// Whether somebody has a right, asked to show a way there or not. Nothing is refused by it, so nothing is written.
    pub async fn holds(&self, by: &Caller, right: &Action) -> bool {
        match self.who(by).await {
            Ok(who) => permit(&who, right, None, &self.tenant.rules).allow,
            Err(_) => false,
        }
    }

    /// One of these rights is enough: to read the journal, to look after the house. A denial is a record.
    pub async fn may_any(&self, by: &Caller, rights: &[Action]) -> Result<(), WishError> {
        let who = self.who(by).await?;
        let mut denied = None;
        for right in rights {
            let decision = permit(&who, right, None, &self.tenant.rules);
            if decision.allow {
                return Ok(());
            }
            denied.get_or_insert((right, decision));
        }
        let Some((right, decision)) = denied else { return Ok(()) };
        self.note("access.denied", by, json!({ "action": right.to_string(), "decision": decision })).await;
        Err(WishError::Denied(decision))
    }
}
