//! What people order about a run: to end it, to take a parked call over, to say what became of one. Whose unit answers for the
//! process, they may; a denial is a record like any other.

use laufzettel_domain::{Actor, Caller, EffectPath, RunId, Text};
use laufzettel_engine::{Command, EffectStatus, Rejection, Resolution};
use laufzettel_policy::Decision;
use serde_json::json;

use crate::desk::{Desk, Loaded, WishError};

impl Desk {
    pub async fn cancel(&self, run: RunId, by: &Caller, reason: &str) -> Result<Loaded, WishError> {
        let loaded = self.load(run).await?.ok_or(WishError::Unknown)?;
        self.may_order(&loaded, by, "cancel").await?;
        self.tell_loaded(loaded, &Actor::Caller(by.clone()), |_| Ok(Command::Cancel { by: by.clone(), reason: reason.to_owned() })).await
    }

    /// Says what became of a call nobody knows of. `step`: `schreiben`, `schreiben.i2` of a list, or `frage.t1.c2` of an agent; it
    /// must mean one call.
    pub async fn resolve(&self, run: RunId, by: &Caller, step: &str, resolution: Resolution) -> Result<Loaded, WishError> {
        if !by.is_person() {
            return Err(WishError::Denied(Decision::deny(
                "gate.person",
                "Was mit einem Aufruf geschehen ist, sagt ein Mensch, der nachgesehen hat.",
                "What became of a call is said by a person who has looked.",
            )));
        }
        let doubtful = |status: &EffectStatus| *status == EffectStatus::Doubt;
        self.order(run, by, "resolve", step, doubtful, |path| Command::Resolve { path, by: by.clone(), resolution: resolution.clone() }).await
    }

    /// Has a parked call asked for again, with the rights of now.
    pub async fn take_over(&self, run: RunId, by: &Caller, step: &str) -> Result<Loaded, WishError> {
        let parked = |status: &EffectStatus| matches!(status, EffectStatus::Parked(_));
        self.order(run, by, "retry", step, parked, |path| Command::TakeOver { path, by: by.clone() }).await
    }

    async fn order(
        &self,
        run: RunId,
        by: &Caller,
        name: &str,
        step: &str,
        which: impl Fn(&EffectStatus) -> bool,
        command: impl Fn(EffectPath) -> Command,
    ) -> Result<Loaded, WishError> {
        let refused = |de: String, en: String| WishError::Rejected(Rejection::Stale(Text::new(de, en)));
        let loaded = self.load(run).await?.ok_or(WishError::Unknown)?;
        self.may_order(&loaded, by, name).await?;
        self.tell_loaded(loaded, &Actor::Caller(by.clone()), |loaded| {
            let waiting = loaded.run.effects.iter().filter(|(_, effect)| which(&effect.status)).map(|(path, _)| path);
            let meant: Vec<&EffectPath> =
                waiting.filter(|path| path.to_string() == step || path.slot().to_string() == step || path.step.as_str() == step).collect();
            let exact = meant.iter().find(|path| path.to_string() == step);
            match (exact, meant.as_slice()) {
                (Some(path), _) => Ok(command((*path).clone())),
                (None, [path]) => Ok(command((*path).clone())),
                (None, []) => Err(refused(format!("Ein Schritt „{step}“ wartet nicht darauf."), format!("No step \"{step}\" waits for that."))),
                (None, several) => {
                    let names = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                    Err(refused(format!("„{step}“ ist nicht eindeutig: {names}."), format!("\"{step}\" is ambiguous: {names}.")))
                }
            }
        })
        .await
    }

    /// As [`Self::needs_unit`], for somebody who means it: a denial is a record like any other.
    pub async fn may_order(&self, loaded: &Loaded, by: &Caller, order: &str) -> Result<(), WishError> {
        let may = self.needs_unit(loaded, by).await;
        if let Err(WishError::Denied(decision)) = &may {
            self.note("run.denied", by, json!({ "run": loaded.run.id.to_string(), "order": order, "decision": decision })).await;
        }
        may
    }

    /// Somebody of the unit that answers for the process; where the unit has no groups, whoever holds `task.complete`.
    pub async fn needs_unit(&self, loaded: &Loaded, by: &Caller) -> Result<(), WishError> {
        let process = &loaded.prepared.process;
        let (who, groups) = (self.who(by).await?, self.tenant.unit_groups(&process.verantwortlich).await);
        let decision = self.may_take(&who, &groups, None, process.id.as_str()).await?;
        if decision.allow { Ok(()) } else { Err(WishError::Denied(decision)) }
    }
}
