//! `process`: another process as a child, a run of its own under this step's rights.
//!
//! Here stands only that it begins and what its end means; whoever writes this down begins the child with it, in one append.

use laufzettel_domain::{Digest, EffectPath, RunId, Slot, Value, names::Phase};
use laufzettel_process::model::{ChildCall, FailureClass};
use serde_json::Map;

use super::acting;
use crate::{
    command::{ChildEnd, Rejection},
    deadline,
    decide::Sheet,
    event::{ChildEnded, ChildStarted, Event},
    labels,
    run::State,
    settle,
};

pub(crate) fn begin(sheet: &mut Sheet<'_>, slot: &Slot, call: &ChildCall) {
    match child(sheet, slot, call) {
        Ok(started) => sheet.emit(Event::ChildStarted(started)),
        Err(message) => sheet.fail(slot, FailureClass::Invalid, message),
    }
}

fn child(sheet: &Sheet<'_>, slot: &Slot, call: &ChildCall) -> Result<ChildStarted, String> {
    let process = sheet.process.children.get(&call.name).ok_or_else(|| format!("den Prozess „{}“ gibt es nicht", call.name))?;
    let scope = sheet.scope_of(slot);
    let mut input = Map::new();
    for (name, template) in &call.input {
        let value = template.evaluate(&scope).map_err(|e| format!("input.{name}: {e}"))?;
        // what evaluates to none is left out, as for a tool
        if !value.is_null() {
            input.insert(name.clone(), value);
        }
    }
    let input = Value::Object(input);
    if let Some(problem) = process.input.validate_on(&input, sheet.context.day(sheet.at)).into_iter().next() {
        return Err(format!("input.{}: {}", problem.path, problem.message.de));
    }
    Ok(ChildStarted {
        step: slot.step.clone(),
        item: slot.item,
        run: id(sheet, slot),
        nummer: format!("{}/{}", sheet.run.nummer, sheet.run.called + 1),
        process: process.id.clone(),
        digest: process.digest,
        who: acting(sheet, &slot.step)?,
        labels: sheet.labels().of_passed(call),
        reads: labels::reads(call.input.values()),
        input,
    })
}

/// The same for the same place of the same run, so that whoever decides again comes to the same child.
fn id(sheet: &Sheet<'_>, slot: &Slot) -> RunId {
    let round = sheet.run.round_of(&slot.step);
    let Digest(bytes) = Digest::of(format!("{}/{slot}/{round}", sheet.run.id).as_bytes());
    let mut random = [0; 10];
    random.copy_from_slice(&bytes[..10]);
    RunId::new(sheet.at, random)
}

/// What the child's end means for its step.
pub(crate) fn ended(sheet: &mut Sheet<'_>, run: RunId, end: ChildEnd) -> Result<(), Rejection> {
    let slot = sheet.run.open_children().find(|(_, child)| child.run == run).map(|(slot, _)| slot.clone());
    let Some(slot) = slot else {
        return Err(Rejection::stale("Auf diesen Vorgang wartet hier nichts (mehr).", "Nothing here waits for this run (any more)."));
    };
    let ChildEnd { state, output, labels, message, clean } = end;
    sheet.emit(Event::ChildEnded(ChildEnded { step: slot.step.clone(), item: slot.item, run, state, clean }));
    if !sheet.run.is_active(&slot) {
        return Ok(());
    }
    if state == State::Completed {
        let labels = labels.raise(&sheet.labels().of_condition(&slot.step));
        sheet.complete(&slot, output, labels, std::collections::BTreeSet::new());
    } else if settle::is_over(sheet, &EffectPath::of(&slot, Phase::Do)) {
        sheet.fail(&slot, FailureClass::Timeout, deadline::PASSED.to_owned());
    } else {
        let message = if message.is_empty() { state.as_str().to_owned() } else { message };
        sheet.fail(&slot, FailureClass::Refused, format!("der aufgerufene Vorgang ist gescheitert ({message})"));
    }
    Ok(())
}
