//! Who may look at what, and who may look after the house.

use laufzettel_domain::{Caller, RunId, Text};
use laufzettel_policy::{Action, Decision, Who, permit, permit_view};
use laufzettel_store::RunRow;
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
        let who = self.who(by).await?;
        let Some(loaded) = self.load(run).await? else { return Ok(None) };
        let may = self.may_view(&who, &loaded.prepared.process.verantwortlich, &loaded.run.caller.subject).await.allow;
        Ok(may.then_some(loaded))
    }

    /// The rows this person may see. Her groups are asked for once.
    pub async fn seen(&self, by: &Caller, rows: Vec<RunRow>) -> Result<Vec<RunRow>, WishError> {
        let who = self.who(by).await?;
        let mut seen = Vec::new();
        for row in rows {
            if self.may_view(&who, &row.unit, &row.subject).await.allow {
                seen.push(row);
            }
        }
        Ok(seen)
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
