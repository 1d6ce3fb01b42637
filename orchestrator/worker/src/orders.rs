//! What people order about a run: to end it, to take a parked call over, to say what became of one. Whose unit answers for the
//! process, they may; a denial is a record like any other.

use laufzettel_domain::{Actor, Caller, EffectPath, Path, RunId, Text, file::File};
use laufzettel_engine::{Command, EffectStatus, Rejection, Resolution, Run, StepState, TaskKind};
use laufzettel_policy::Decision;
use laufzettel_process::schema::Problem;
use serde_json::json;

use crate::{
    desk::{Desk, Loaded, WishError},
    files,
};

impl Desk {
    pub async fn cancel(&self, run: RunId, by: &Caller, reason: &str) -> Result<Loaded, WishError> {
        let loaded = self.load(run).await?.ok_or(WishError::Unknown)?;
        self.may_order(&loaded, by, "cancel").await?;
        self.tell_loaded(loaded, &Actor::Caller(by.clone()), |_| Ok(Command::Cancel { by: by.clone(), reason: reason.to_owned() })).await
    }

    /// Whoever applied takes her application back; what was done is undone, as with any run that is called off.
    pub async fn withdraw(&self, run: RunId, by: &Caller, reason: &str) -> Result<Loaded, WishError> {
        self.tell(run, &Actor::Caller(by.clone()), |_| Ok(Command::Withdraw { by: by.clone(), reason: reason.to_owned() })).await
    }

    /// Whoever applied hands a file in, whose bytes are here already.
    pub async fn add_file(&self, run: RunId, by: &Caller, file: &File, note: &str) -> Result<Loaded, WishError> {
        if !files::is_here(&self.tenant.store, file).await? {
            return Err(WishError::Rejected(Rejection::Invalid(vec![Problem { path: Path::new(["datei"]), message: files::did_not_arrive() }])));
        }
        self.tell(run, &Actor::Caller(by.clone()), |_| Ok(Command::Add { by: by.clone(), file: file.clone(), note: note.to_owned() })).await
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

    /// Has a parked call asked for again, with the rights of now; any other step that has come to a stand or is done is carried out
    /// anew, with everything that depends on it. Without a name: the one step that waits for it.
    pub async fn retry(&self, run: RunId, by: &Caller, step: Option<&str>) -> Result<Loaded, WishError> {
        let loaded = self.load(run).await?.ok_or(WishError::Unknown)?;
        self.may_order(&loaded, by, "retry").await?;
        // a call that was refused goes on under the rights of whoever orders it: as in the task, that is nobody but a person
        if !by.is_interactive() {
            let decision = Decision::deny(
                "gate.interactive",
                "Einen Schritt ordnet nur ein Mensch neu an, der selbst angemeldet ist; kein Schlüssel und kein Programm.",
                "Only a person who is signed in orders a step anew; no key and no program.",
            );
            self.note("run.denied", by, json!({ "run": run.to_string(), "order": "retry", "decision": decision })).await;
            return Err(WishError::Denied(decision));
        }
        if loaded.run.ended.is_some() {
            return Err(refused(
                "Der Vorgang ist beendet; danach geschieht in ihm nichts mehr. Was noch zu tun ist, gehört in einen neuen Vorgang.".to_owned(),
                "The run has ended; nothing follows in it. What is left to do belongs into a new run.".to_owned(),
            ));
        }
        let parked = |status: &EffectStatus| matches!(status, EffectStatus::Parked(_));
        let name = match step {
            Some(step) => step.to_owned(),
            None => standing(&loaded.run)?,
        };
        if loaded.run.effects.iter().any(|(path, effect)| parked(&effect.status) && is_meant(path, &name)) {
            return self.order(run, by, "retry", &name, parked, |path| Command::TakeOver { path, by: by.clone() }).await;
        }
        let step = loaded.prepared.process.steps.keys().find(|id| id.as_str() == name).cloned();
        let step = step.ok_or_else(|| refused(format!("Einen Schritt „{name}“ gibt es nicht."), format!("There is no step \"{name}\".")))?;
        self.tell_loaded(loaded, &Actor::Caller(by.clone()), |_| Ok(Command::Anew { step: step.clone(), by: by.clone() })).await
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
        let loaded = self.load(run).await?.ok_or(WishError::Unknown)?;
        self.may_order(&loaded, by, name).await?;
        self.tell_loaded(loaded, &Actor::Caller(by.clone()), |loaded| {
            let waiting = loaded.run.effects.iter().filter(|(_, effect)| which(&effect.status)).map(|(path, _)| path);
            let meant: Vec<&EffectPath> = waiting.filter(|path| is_meant(path, step)).collect();
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

fn refused(de: String, en: String) -> WishError {
    WishError::Rejected(Rejection::Stale(Text::new(de, en)))
}

/// By the step, by the item of its list, or by the very call.
fn is_meant(path: &EffectPath, name: &str) -> bool {
    path.to_string() == name || path.slot().to_string() == name || path.step.as_str() == name
}

/// The one step that stands still or has failed.
fn standing(run: &Run) -> Result<String, WishError> {
    let parked = run.effects.iter().filter(|(_, effect)| matches!(effect.status, EffectStatus::Parked(_))).map(|(path, _)| path.to_string());
    let repaired = run.open_tasks().filter(|task| task.opened.kind == TaskKind::Repair).map(|task| task.opened.step.to_string());
    let failed = run.steps.iter().filter(|(_, state)| matches!(state, StepState::Failed { .. })).map(|(step, _)| step.to_string());
    let all: Vec<String> = parked.chain(repaired).chain(failed).collect();
    match all.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(refused(
            "Kein Schritt steht still oder ist gescheitert; bitte einen nennen.".to_owned(),
            "No step stands still or has failed; name one.".to_owned(),
        )),
        several => {
            let names = several.join(", ");
            Err(refused(format!("Gemeint sein kann: {names}. Bitte einen nennen."), format!("It may be: {names}. Name one.")))
        }
    }
}
