//! The kinds of steps, one file each: how a step begins, and what its settled effect means.

pub mod agent;
pub mod each;
pub mod human;
pub mod model;
pub mod process;
pub mod rules;
pub mod set;
pub mod tool;
pub mod wait;

use laufzettel_domain::{Caller, EffectPath, Slot, StepId, Value, names::Phase};
use laufzettel_process::model::{RunAs, StepKind};

use crate::{decide::Sheet, event::Call};

/// Carries a step out, or one item of it.
pub(crate) fn begin(sheet: &mut Sheet<'_>, slot: &Slot) {
    match &sheet.step(&slot.step).kind {
        StepKind::Set(template) => set::begin(sheet, slot, template),
        StepKind::Rules(rules) => rules::begin(sheet, slot, rules),
        StepKind::Tool(call) => tool::begin(sheet, slot, call),
        StepKind::Model(call) => model::begin(sheet, slot, call),
        StepKind::Human(human) => human::begin(sheet, slot, human),
        StepKind::Wait(wait) => wait::begin(sheet, slot, wait),
        StepKind::Process(call) => process::begin(sheet, slot, call),
        StepKind::Agent(agent) => agent::begin(sheet, slot, agent),
    }
}

/// Checks a model's answer against the step's output. `Err` is the sentence for a repair or a failure. A tool's answer
/// was held against its pinned definition at the door.
pub(crate) fn accept(sheet: &Sheet<'_>, path: &EffectPath, value: &Value) -> Result<Value, String> {
    let intended = sheet.run.effects.get(path).map(|effect| &effect.intent.call);
    match (&sheet.step(&path.step).kind, intended) {
        (StepKind::Model(call), Some(Call::Model { data, .. })) if path.phase == Phase::Do => model::accept(call, value, data),
        (StepKind::Agent(agent), _) if path.phase == Phase::Do && path.call == 0 => agent::accept(sheet, path, agent, value),
        _ => Ok(value.clone()),
    }
}

/// An effect has its value: its step has, too. `by`: who says what came of a call in doubt.
pub(crate) fn settled(sheet: &mut Sheet<'_>, path: &EffectPath, value: Value, by: Option<&Caller>) {
    if path.phase == Phase::Undo || !sheet.run.is_active(&path.slot()) {
        return;
    }
    match &sheet.step(&path.step).kind {
        StepKind::Tool(_) => tool::complete(sheet, path, value, by),
        StepKind::Model(call) => model::complete(sheet, &path.slot(), call, value),
        StepKind::Agent(agent) => agent::settled(sheet, path, agent, &value),
        _ => {}
    }
}

/// Who acts in a step: a person, or a service account. `Err` names what is missing.
pub(crate) fn acting(sheet: &Sheet<'_>, id: &StepId) -> Result<Caller, String> {
    let run_as = sheet.step(id).run_as.as_ref().unwrap_or(&sheet.run.run_as);
    match run_as {
        RunAs::Caller => Ok(sheet.run.caller.clone()),
        RunAs::Service(name) => Ok(Caller::service(name, sheet.run.caller.via)),
        RunAs::Step(step) => sheet.run.completed_by(step).next().cloned().ok_or_else(|| format!("run_as: „{step}“ hat noch niemand erledigt")),
    }
}
