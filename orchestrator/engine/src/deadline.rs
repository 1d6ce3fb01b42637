//! `deadline`: until when a step may take, with all its attempts, items and people.
//!
//! When it has passed nothing new of the step begins. What is under way is awaited, and counts if it comes to a value: it has
//! happened. What nobody knows of (doubt) and what a door refused stay with the person they wait for.

use laufzettel_domain::{EffectPath, Slot, StepId, names::Phase};
use laufzettel_process::model::FailureClass;

use crate::{
    TaskKind,
    decide::Sheet,
    event::{DeadlinePassed, DeadlineSet, Event},
    run::{Deadline, EffectStatus, StepState},
    settle,
};

/// A step that has begun and not settled has until then.
pub(crate) fn set(sheet: &mut Sheet<'_>, step: &StepId) {
    let Some(span) = sheet.step(step).deadline else { return };
    let repaired = sheet.run.open_tasks().any(|task| task.opened.kind == TaskKind::Repair && task.opened.step == *step);
    if sheet.run.ending.is_none() && sheet.run.steps.get(step) == Some(&StepState::Active) && !repaired {
        let until = span.after(sheet.at, &sheet.context.zone());
        sheet.emit(Event::DeadlineSet(DeadlineSet { step: step.clone(), until }));
    }
}

pub(crate) fn wake(sheet: &mut Sheet<'_>) {
    let over = |deadline: &Deadline| matches!(deadline, Deadline::At(until) if *until <= sheet.at);
    let steps: Vec<StepId> = sheet.run.deadlines.iter().filter(|(_, deadline)| over(deadline)).map(|(step, _)| step.clone()).collect();
    for step in steps {
        sheet.emit(Event::DeadlinePassed(DeadlinePassed { step: step.clone() }));
        stop(sheet, &step, FailureClass::Timeout, PASSED);
    }
}

/// What a step says that took too long.
pub(crate) const PASSED: &str = "Die Frist des Schritts ist abgelaufen.";

/// Ends whatever of a step only waits: for a person, for a time, for the next attempt.
pub(crate) fn stop(sheet: &mut Sheet<'_>, step: &StepId, class: FailureClass, message: &str) {
    let items: Vec<Slot> = sheet.run.items_of(step).map(|(slot, _)| slot.clone()).collect();
    let slots = if items.is_empty() { vec![Slot::of(step.clone())] } else { items };
    for slot in slots.into_iter().filter(|slot| sheet.run.is_active(slot)).collect::<Vec<_>>() {
        stop_slot(sheet, &slot, class, message);
    }
}

fn stop_slot(sheet: &mut Sheet<'_>, slot: &Slot, class: FailureClass, message: &str) {
    sheet.withdraw(|task| task.opened.kind.is_own() && task.opened.step == slot.step && task.opened.item == slot.item);
    let open: Vec<EffectPath> = sheet
        .run
        .effects
        .iter()
        .filter(|(path, effect)| path.phase == Phase::Do && path.slot() == *slot && effect.status.is_open())
        .map(|(p, _)| p.clone())
        .collect();
    // a child is called off, and comes to its end first
    let mut awaited = sheet.run.open_children().any(|(other, _)| other == slot);
    for path in open {
        let effect = &sheet.run.effects[&path];
        match effect.status {
            // a write that may have happened is asked once more under its key: whether it stands must be known
            EffectStatus::RetryAt(_) if effect.uncertain && effect.intent.effect != laufzettel_policy::Effect::Read => {
                let round = effect.round;
                settle::resume(sheet, path, round);
                awaited = true;
            }
            EffectStatus::RetryAt(_) => settle::put_down(sheet, &path, None, message),
            _ => awaited = true,
        }
    }
    if !awaited && sheet.run.is_active(slot) {
        sheet.fail(slot, class, message.to_owned());
    }
}
