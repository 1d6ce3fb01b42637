//! How a run ends: nothing new starts, effects under way are awaited, completed steps are undone backwards.

use laufzettel_domain::{EffectPath, Slot, StepId, Value, names::Phase};
use laufzettel_process::expression::{Outcome, Template};
use serde_json::Map;

use crate::{
    applicant,
    decide::Sheet,
    event::{Event, RunEnded},
    run::{EffectRun, EffectStatus, Ending, State},
    steps,
};

/// Takes a run that is ending as far as it goes without the outside.
pub(crate) fn advance(sheet: &mut Sheet<'_>) {
    let Some((ending, step)) = sheet.run.ending.clone() else { return };
    if ending == Ending::Stuck {
        let message = sheet.run.message.clone();
        return stop(sheet, step, message);
    }
    // doubts stay: a person must still say what happened
    sheet.withdraw(|task| task.opened.kind != crate::TaskKind::Doubt);
    give_up_waiting(sheet);
    // children are called off with their parent, and come to their end first
    if sheet.run.ended.is_some() || sheet.run.open_children().next().is_some() || sheet.run.effects.values().any(|e| e.status.is_open()) {
        return;
    }
    if ending == Ending::Completed {
        return finish(sheet, State::Completed);
    }
    while let Some(slot) = next_undo(sheet, |_| true) {
        if steps::tool::begin_undo(sheet, &slot) {
            return;
        }
        if sheet.run.ended.is_some() {
            return;
        }
    }
    finish(sheet, if ending == Ending::Failed { State::Failed } else { State::Cancelled });
}

/// Effects that were to be tried later, or that a door refused, are not tried any more. An undo keeps its time: it is what the
/// run still has to do.
fn give_up_waiting(sheet: &mut Sheet<'_>) {
    let waits = |path: &EffectPath, e: &EffectRun| match e.status {
        EffectStatus::RetryAt(_) => path.phase == Phase::Do,
        EffectStatus::Parked(_) => true,
        _ => false,
    };
    let waiting: Vec<EffectPath> = sheet.run.effects.iter().filter(|(path, e)| waits(path, e)).map(|(path, _)| path.clone()).collect();
    for path in waiting {
        let Some(effect) = sheet.run.effects.get(&path).cloned() else { continue };
        // a write that may have happened is asked once more under its key, so that it can be undone; what cannot be asked now is
        // waited for
        if effect.uncertain && effect.intent.effect != laufzettel_policy::Effect::Read && matches!(effect.status, EffectStatus::RetryAt(_)) {
            if effect.deferred.is_some() {
                continue;
            }
            crate::settle::resume(sheet, path, effect.round);
        } else if effect.uncertain && effect.intent.effect != laufzettel_policy::Effect::Read && path.phase == Phase::Do {
            // it may have happened, and who could find out may not ask any more: that is not to be written down as undone
            let why = "Ob der Aufruf gewirkt hat, ist ungewiss, und das Recht, es festzustellen, fehlt. Bitte im Zielsystem nachsehen.";
            return stuck(sheet, &path.step, why);
        } else {
            crate::settle::abandon(sheet, &path);
        }
    }
}

/// The last completed step or item with an `undo` that has not been begun. Of `each` the items are undone, not the list.
pub(crate) fn next_undo(sheet: &Sheet<'_>, among: impl Fn(&StepId) -> bool) -> Option<Slot> {
    let done = |slot: &Slot| slot.item > 0 || sheet.step(&slot.step).each.is_none();
    let open = |slot: &Slot| !sheet.run.effects.contains_key(&EffectPath::of(slot, Phase::Undo));
    let undone = |slot: &&Slot| among(&slot.step) && sheet.step(&slot.step).undo.is_some() && done(slot) && open(slot);
    sheet.run.completed.iter().rev().find(undone).cloned()
}

/// An undo failed, or its right is gone.
pub(crate) fn stuck(sheet: &mut Sheet<'_>, step: &StepId, why: &str) {
    let title = &sheet.step(step).title;
    let message = format!("„{title}“ konnte nicht rückgängig gemacht werden: {why}");
    stop(sheet, Some(step.clone()), message);
}

/// The run is stuck. What is under way comes to its end first: its outcome belongs into the journal, and nothing follows the
/// record that a run has ended.
fn stop(sheet: &mut Sheet<'_>, step: Option<StepId>, message: String) {
    let under_way = sheet.run.effects.values().any(EffectRun::is_due);
    if under_way || sheet.run.open_children().next().is_some() {
        if !matches!(sheet.run.ending, Some((Ending::Stuck, _))) {
            sheet.end(Ending::Stuck, None, step, message);
        }
        return;
    }
    sheet.withdraw(|_| true);
    sheet.emit(Event::RunEnded(RunEnded { state: State::Stuck, labels: None, output: Value::Null, message, received: Value::Null }));
}

pub(crate) fn finish(sheet: &mut Sheet<'_>, state: State) {
    let mut summary = Summary { output: Map::new(), received: Map::new(), state, message: sheet.run.message.clone() };
    if state == State::Completed {
        match summarize(sheet) {
            Ok(done) => summary = done,
            // every step is done and nothing is undone: the work stands, only its summary is missing
            Err(message) => (summary.state, summary.message) = (State::Failed, message),
        }
    }
    sheet.withdraw(|_| true);
    let labels = sheet.run.parent.is_some().then(|| sheet.labels().of_output());
    let Summary { output, received, state, message } = summary;
    let received = if received.is_empty() { Value::Null } else { Value::Object(received) };
    sheet.emit(Event::RunEnded(RunEnded { state, labels, output: Value::Object(output), message, received }));
}

/// What a run says when it ends.
struct Summary {
    output: Map<String, Value>,
    received: Map<String, Value>,
    state: State,
    message: String,
}

fn summarize(sheet: &Sheet<'_>) -> Result<Summary, String> {
    let output = evaluate(sheet, &sheet.process.output).map_err(|(name, error)| format!("output.{name}: {error}"))?;
    let mut message = sheet.run.message.clone();
    let mut received = Map::new();
    // nobody else has a page to get it on
    if sheet.run.applicant().is_some() {
        let found = evaluate(sheet, &sheet.process.applicant.receives).map_err(|(name, error)| format!("applicant.receives.{name}: {error}"))?;
        for (name, value) in found.into_iter().filter(|(_, value)| !value.is_null()) {
            match applicant::withheld(sheet, &name, &value) {
                None => drop(received.insert(name, value)),
                Some(why) => message = why,
            }
        }
    }
    Ok(Summary { output, received, state: State::Completed, message })
}

type OutputError = (String, laufzettel_process::expression::Error);

/// By name; what ends undefined is absent.
fn evaluate(sheet: &Sheet<'_>, templates: &[(String, Template)]) -> Result<Map<String, Value>, OutputError> {
    let scope = sheet.scope();
    let mut values = Map::new();
    for (name, template) in templates {
        let value = match template {
            Template::Expression(e) => match e.evaluate(&scope) {
                Ok(Outcome::Value(value)) => value,
                Ok(Outcome::Undefined) => continue,
                Err(error) => return Err((name.clone(), error)),
            },
            other => other.evaluate(&scope).map_err(|error| (name.clone(), error))?,
        };
        values.insert(name.clone(), value);
    }
    Ok(values)
}
