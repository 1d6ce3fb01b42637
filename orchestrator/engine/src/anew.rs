//! A person orders a step anew: it and everything that depends on it is put back, and begins again in a higher round.
//!
//! What a step did in the world is undone first, where it says how; where it does not, the order is refused. So is one about what is
//! under way, or of which nobody knows: it is waited for. While undos are under way nothing begins. An undo that fails leaves the run
//! stuck, as at its end.

use std::collections::BTreeSet;

use laufzettel_domain::{Caller, EffectPath, StepId, Text, names::Phase};
use laufzettel_policy::Effect;

use crate::{
    command::Rejection,
    decide::Sheet,
    ending,
    event::{Event, RetryOrdered, StepRetried, TaskKind},
    run::{EffectRun, EffectStatus, StepState},
    settle, steps,
};

pub(crate) fn order(sheet: &mut Sheet<'_>, step: &StepId, by: Caller) -> Result<(), Rejection> {
    if sheet.run.ending.is_some() {
        return Err(Rejection::stale("Der Vorgang endet gerade.", "The run is ending already."));
    }
    if sheet.run.anew.is_some() {
        return Err(Rejection::stale("Eine frühere Anordnung wird noch ausgeführt.", "An earlier order is still being carried out."));
    }
    may_be_ordered(sheet, step)?;
    let steps = affected(sheet, step);
    steps.iter().try_for_each(|step| may_be_put_back(sheet, step))?;
    nothing_ends_it(sheet, &steps)?;
    let of_effects = sheet.run.effects.iter().filter(|(path, _)| steps.contains(&path.step)).map(|(_, effect)| effect.round);
    let round = of_effects.chain(steps.iter().map(|step| sheet.run.round_of(step))).max().unwrap_or(0) + 1;
    sheet.emit(Event::RetryOrdered(RetryOrdered { step: step.clone(), steps: steps.clone(), round, by }));
    sheet.withdraw(|task| steps.contains(&task.opened.step));
    let waiting: Vec<EffectPath> =
        sheet.run.effects.iter().filter(|(path, effect)| steps.contains(&path.step) && effect.status.is_open()).map(|(path, _)| path.clone()).collect();
    for path in waiting {
        settle::put_down(sheet, &path, None, "Der Schritt wird neu ausgeführt; kein weiterer Versuch.");
    }
    Ok(())
}

/// Takes an order as far as it goes: the next undo, or the steps are put back. `false`: an undo is under way.
pub(crate) fn advance(sheet: &mut Sheet<'_>) -> bool {
    let Some(anew) = sheet.run.anew.clone() else { return true };
    if sheet.run.effects.iter().any(|(path, effect)| anew.steps.contains(&path.step) && effect.status.is_open()) {
        return false;
    }
    if let Some(slot) = ending::next_undo(sheet, |step| anew.steps.contains(step)) {
        // one that cannot be formed has ended the run
        return !steps::tool::begin_undo(sheet, &slot);
    }
    for step in sheet.process.order.iter().filter(|step| anew.steps.contains(*step)) {
        sheet.emit(Event::StepRetried(StepRetried { step: step.clone(), round: anew.round, by: anew.by.clone() }));
    }
    true
}

/// The step, and whatever has begun that needs it, directly or not.
fn affected(sheet: &Sheet<'_>, step: &StepId) -> BTreeSet<StepId> {
    let mut steps = BTreeSet::from([step.clone()]);
    // in the graph's order whatever a step needs comes before it
    for id in &sheet.process.order {
        if sheet.run.steps.contains_key(id) && sheet.step(id).needs.keys().any(|need| steps.contains(need)) {
            steps.insert(id.clone());
        }
    }
    steps
}

/// While something is undone, whatever else is under way goes on. What may end the run then would leave it undone and not done again.
fn nothing_ends_it(sheet: &Sheet<'_>, steps: &BTreeSet<StepId>) -> Result<(), Rejection> {
    if ending::next_undo(sheet, |step| steps.contains(step)).is_none() {
        return Ok(());
    }
    let may_end = |(id, state): &(&StepId, &StepState)| **state == StepState::Active && !steps.contains(*id) && sheet.step(id).end_if.is_some();
    match sheet.run.steps.iter().find(may_end) {
        None => Ok(()),
        Some((id, _)) => Err(refused(
            format!(
                "Zuerst muss etwas zurückgenommen werden, und der Schritt „{id}“ kann den Vorgang währenddessen beenden. Bitte warten, bis er erledigt ist."
            ),
            format!("Something must be undone first, and the step \"{id}\" may end the run meanwhile. Wait until it is done."),
        )),
    }
}

fn refused(de: String, en: String) -> Rejection {
    Rejection::Stale(Text::new(de, en))
}

/// Whether there is something to order anew: it is done, has failed, or stands still until somebody says what becomes of it.
fn may_be_ordered(sheet: &Sheet<'_>, step: &StepId) -> Result<(), Rejection> {
    let parked = |(path, effect): (&EffectPath, &EffectRun)| path.step == *step && matches!(effect.status, EffectStatus::Parked(_));
    match sheet.run.steps.get(step) {
        Some(StepState::Completed { .. } | StepState::Failed { .. }) => Ok(()),
        Some(StepState::Active) if sheet.run.open_tasks().any(|task| task.opened.kind == TaskKind::Repair && task.opened.step == *step) => Ok(()),
        Some(StepState::Active) if sheet.run.effects.iter().any(parked) => Ok(()),
        Some(StepState::Active) => Err(refused(format!("Der Schritt „{step}“ läuft noch."), format!("The step \"{step}\" is under way."))),
        Some(StepState::Skipped { .. }) => Err(refused(
            format!("Der Schritt „{step}“ wurde übersprungen; neu anordnen lässt sich der, von dem das abhängt."),
            format!("The step \"{step}\" was skipped; order the one anew that this depends on."),
        )),
        None => Err(refused(format!("Ein Schritt „{step}“ hat nicht begonnen."), format!("No step \"{step}\" has begun."))),
    }
}

/// Whether nothing of a step is under way or unknown, and nothing it did would be left standing.
fn may_be_put_back(sheet: &Sheet<'_>, step: &StepId) -> Result<(), Rejection> {
    let effects = sheet.run.effects.iter().filter(|(path, _)| path.step == *step);
    for (path, effect) in effects {
        is_at_rest(sheet, path, effect)?;
    }
    let calls = sheet.run.earlier.iter().filter(|(path, _)| path.step == *step).map(|(_, effect)| effect.intent.target.as_str());
    let called = sheet.run.earlier_children.iter().filter(|(slot, _)| slot.step == *step).map(|(_, child)| child.nummer.as_str());
    if let Some(target) = calls.chain(called).next() {
        return Err(refused(
            format!("Der Schritt „{step}“ hat in einem früheren Versuch mit {target} etwas bewirkt oder vielleicht bewirkt, das niemand zurückgenommen hat."),
            format!("The step \"{step}\" has done something with {target} in an earlier attempt, or may have, and nobody has undone it."),
        ));
    }
    for (slot, child) in sheet.run.children.iter().filter(|(slot, _)| slot.step == *step) {
        let kept = match sheet.run.at(slot) {
            Some(StepState::Completed { .. }) => sheet.step(step).undo.is_none(),
            // it has undone what can be; the rest would be done once more
            _ => !child.clean,
        };
        if !child.ended || kept {
            let (nummer, why) = (&child.nummer, if child.ended { "hat etwas bewirkt" } else { "läuft noch" });
            let english = if child.ended { "has done something" } else { "is under way" };
            return Err(refused(
                format!("Der Vorgang {nummer}, den der Schritt „{slot}“ aufgerufen hat, {why} und lässt sich nicht zurücknehmen."),
                format!("The run {nummer} that step \"{slot}\" called {english} and cannot be undone."),
            ));
        }
    }
    Ok(())
}

fn is_at_rest(sheet: &Sheet<'_>, path: &EffectPath, effect: &EffectRun) -> Result<(), Rejection> {
    let (writes, target) = (effect.intent.effect != Effect::Read, &effect.intent.target);
    let (de, en) = match &effect.status {
        EffectStatus::Due | EffectStatus::Settling => (
            format!("Ein Aufruf des Schritts „{path}“ ist unterwegs ({target}). Bitte warten, bis er beantwortet ist."),
            format!("A call of step \"{path}\" is under way ({target}). Wait until it is answered."),
        ),
        EffectStatus::Doubt => (
            format!("Niemand weiß, ob der Aufruf von {target} in „{path}“ geschehen ist. Bitte das zuerst klären (runs resolve)."),
            format!("Nobody knows whether the call of {target} in \"{path}\" happened. Settle that first (runs resolve)."),
        ),
        EffectStatus::RetryAt(_) | EffectStatus::Parked(_) if writes && effect.uncertain => (
            format!("Ob der Aufruf von {target} in „{path}“ gewirkt hat, steht noch nicht fest. Bitte warten."),
            format!("Whether the call of {target} in \"{path}\" has acted is not known yet. Please wait."),
        ),
        status if writes && path.phase == Phase::Do && status.stands() && !is_undone_by_itself(sheet, path) => (
            format!("Der Schritt „{path}“ hat mit {target} etwas bewirkt, und er sagt nicht, wie man es zurücknimmt (undo)."),
            format!("The step \"{path}\" has done something with {target}, and does not say how to undo it."),
        ),
        _ => return Ok(()),
    };
    Err(refused(de, en))
}

/// What completed is undone by its step's own `undo`; of an agent its author has said there how all its calls are.
fn is_undone_by_itself(sheet: &Sheet<'_>, path: &EffectPath) -> bool {
    sheet.step(&path.step).undo.is_some() && sheet.run.completed.contains(&path.slot())
}
