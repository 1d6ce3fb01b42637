//! What the outside must do for a run, read off its state.

use std::collections::BTreeSet;

use jiff::Timestamp;
use laufzettel_domain::{EffectKey, RunId, Slot, Value};

use crate::{
    TaskKind,
    run::{Deadline, EffectRun, EffectStatus, Run, StepState, TaskState},
};

/// One due effect: the exact call and its identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    pub key: EffectKey,
    pub attempt: u32,
    pub run: EffectRun,
    /// Not the call is to be made: its server is to be asked what became of it.
    pub asks: bool,
}

/// Intended and not settled, due now. In the order of their paths, so that every machine makes the same list; what was never
/// asked before what is asked again.
pub fn effects(run: &Run) -> Vec<Effect> {
    if run.ended.is_some() || run.is_parked() {
        return Vec::new();
    }
    let mut due: Vec<_> = run.effects.iter().filter(|(_, effect)| effect.is_due()).collect();
    due.sort_by_key(|(path, _)| path.iteration);
    due.into_iter()
        .map(|(path, effect)| Effect {
            key: EffectKey { tenant: run.tenant.clone(), run: run.id, path: path.clone(), round: effect.round },
            attempt: effect.attempt,
            asks: effect.is_asked(),
            run: effect.clone(),
        })
        .collect()
}

/// When the run next has something to do by itself.
pub fn wake_at(run: &Run) -> Option<Timestamp> {
    if run.ended.is_some() || run.is_parked() {
        return None;
    }
    run.effects
        .values()
        .filter_map(|effect| match effect.status {
            EffectStatus::RetryAt(at) => Some(at),
            _ => effect.question.as_ref()?.at,
        })
        .chain(run.waits.values().copied())
        .chain(run.deadlines.values().filter_map(|deadline| match deadline {
            Deadline::At(at) => Some(*at),
            Deadline::Passed => None,
        }))
        .chain(run.open_tasks().filter_map(|task| task.opened.escalate.as_ref()).map(|escalation| escalation.at))
        .min()
}

/// Children that are to be called off: their parent ends, or has no use for them any more.
pub fn orphans(run: &Run) -> Vec<RunId> {
    let failed = |slot: &Slot| run.items_of(&slot.step).any(|(_, state)| matches!(state, StepState::Failed { continues: false, .. }));
    let useless = |slot: &Slot| run.ending.is_some() || run.is_overdue(&slot.step) || failed(slot);
    run.open_children().filter(|(slot, _)| useless(slot)).map(|(_, child)| child.run).collect()
}

/// The applicant's contacts a staff member has seen: values of `x-kontakt` fields that a completed human step showed, or
/// that staff typed itself.
pub fn contacts(run: &Run) -> BTreeSet<String> {
    if run.trust == laufzettel_domain::Trust::Trusted {
        return run.contacts.clone();
    }
    let shown = |contact: &str| {
        run.tasks.values().any(|task| {
            let seen = match (&task.opened.kind, &task.state) {
                // what the applicant herself was shown nobody of the staff has seen
                (TaskKind::Human, TaskState::Completed { by, .. }) => by.is_person(),
                (TaskKind::Approval, TaskState::Completed { values, .. }) => values["entscheidung"] == "freigeben",
                _ => false,
            };
            seen && task.opened.show.as_object().is_some_and(|show| show.values().any(|v| contains(v, contact)))
        })
    };
    run.contacts.iter().filter(|contact| shown(contact)).cloned().collect()
}

fn contains(value: &Value, text: &str) -> bool {
    match value {
        Value::String(s) => s == text,
        Value::Array(items) => items.iter().any(|v| contains(v, text)),
        Value::Object(map) => map.values().any(|v| contains(v, text)),
        _ => false,
    }
}
