//! `tool` and `undo`: one MCP call, its arguments fixed when it is intended.

use std::collections::BTreeSet;

use laufzettel_domain::{Caller, EffectPath, Slot, Trust, Value, names::Phase};
use laufzettel_policy::{Effect, Labelled};
use laufzettel_process::model::{FailureClass, Repeat, Step, StepKind, ToolCall};
use serde_json::Map;

use super::acting;
use crate::{
    deadline,
    decide::Sheet,
    ending,
    event::{Call, EffectIntended, Event},
    labels,
    run::StepState,
    scope::with_result,
    settle,
};

/// Milliseconds a tool call may take where the step says nothing: a minute is long for a person who waits and short
/// for a server that hangs.
const TIMEOUT_MS: u64 = 60_000;

pub(crate) fn timeout_ms(step: &Step) -> u64 {
    step.timeout.map_or(TIMEOUT_MS, |span| u64::try_from(span.approx_millis()).unwrap_or(TIMEOUT_MS))
}

pub(crate) fn begin(sheet: &mut Sheet<'_>, slot: &Slot, call: &ToolCall) {
    match intend(sheet, slot, call, Phase::Do) {
        Ok(intent) => sheet.emit(Event::EffectIntended(intent)),
        Err(message) => sheet.fail(slot, FailureClass::Invalid, message),
    }
}

/// Begins the undo of what was completed. `false` if it could not even be formed: then the run is stuck.
pub(crate) fn begin_undo(sheet: &mut Sheet<'_>, slot: &Slot) -> bool {
    let Some(call) = sheet.step(&slot.step).undo.clone() else { return false };
    match intend(sheet, slot, &call, Phase::Undo) {
        Ok(intent) => {
            sheet.emit(Event::EffectIntended(intent));
            true
        }
        Err(message) => {
            ending::stuck(sheet, &slot.step, &message);
            false
        }
    }
}

fn intend(sheet: &Sheet<'_>, slot: &Slot, call: &ToolCall, phase: Phase) -> Result<EffectIntended, String> {
    let (name, id) = (call.name(), &slot.step);
    let rule = sheet.context.tools.get(&name).ok_or_else(|| format!("das Werkzeug „{name}“ ist für diesen Mandanten nicht freigegeben"))?;
    if phase == Phase::Do && sheet.step(id).repeat.is_some() && rule.effect != Effect::Read {
        return Err(format!("„{name}“ ändert etwas; wiederholt gefragt wird nur, was liest"));
    }
    // an undo reads what was done as `result`
    let done = match sheet.run.at(slot) {
        Some(StepState::Completed { value, labels, .. }) if phase == Phase::Undo => Some((value, labels)),
        _ => None,
    };
    let scope = match done {
        Some((result, _)) => with_result(sheet.scope_of(slot), result),
        None => sheet.scope_of(slot),
    };
    let mut arguments = Map::new();
    for (argument, template) in &call.with {
        let value = template.evaluate(&scope).map_err(|e| format!("with.{argument}: {e}"))?;
        // an argument that evaluates to none is left out
        if !value.is_null() {
            arguments.insert(argument.clone(), value);
        }
    }
    Ok(EffectIntended {
        path: EffectPath::of(slot, phase),
        // an undo, too: of a step that was put back there may be one of an earlier round
        round: sheet.run.round_of(id),
        target: name,
        effect: rule.effect,
        repeatable: rule.is_repeatable(),
        settles: rule.settles(),
        who: acting(sheet, id)?,
        labels: call.with.iter().map(|(name, template)| (name.clone(), sheet.labels().of_argument(template, done.map(|(_, labels)| labels)))).collect(),
        listed: call.with.iter().filter(|(_, t)| sheet.labels().is_listed(t)).map(|(n, _)| n.clone()).collect(),
        receipt: phase == Phase::Do && sheet.labels().is_receipt(call, rule),
        reads: labels::reads(call.with.values()),
        not_before: None,
        timeout_ms: timeout_ms(sheet.step(id)),
        call: Call::Tool { server: call.server.clone(), tool: call.tool.clone(), arguments: Value::Object(arguments) },
    })
}

/// The tool has answered: that is the step's value, unless it is asked until it says that it is done. `by`: who says what it
/// would have answered; what comes from a program has no more trust than any other text from outside.
pub(crate) fn complete(sheet: &mut Sheet<'_>, path: &EffectPath, value: Value, by: Option<&Caller>) {
    let (slot, step) = (path.slot(), sheet.step(&path.step));
    let StepKind::Tool(call) = &step.kind else { return };
    // what a run that ends did last is what it did
    let done = match step.repeat.as_ref().filter(|_| sheet.run.ending.is_none()) {
        None => Ok(true),
        Some(repeat) => repeat.until.is_true(&with_result(sheet.scope_of(&slot), &value)),
    };
    match (done, &step.repeat) {
        (Err(error), _) => sheet.fail(&slot, FailureClass::Invalid, format!("repeat.until: {error}")),
        (Ok(false), Some(repeat)) => again(sheet, path, repeat),
        _ => {
            let label = sheet.labels().of_tool(&slot.step, call);
            let label = if by.is_some_and(|by| !by.is_interactive()) { label.with_trust(Trust::Untrusted) } else { label };
            sheet.complete(&slot, value, Labelled::all(label), BTreeSet::new());
        }
    }
}

/// The same call once more, under a key of its own, when its time has come.
fn again(sheet: &mut Sheet<'_>, path: &EffectPath, repeat: &Repeat) {
    let asked = path.iteration + 1;
    if settle::is_over(sheet, path) {
        return sheet.fail(&path.slot(), FailureClass::Timeout, deadline::PASSED.to_owned());
    }
    if asked >= repeat.max {
        return sheet.fail(&path.slot(), FailureClass::Timeout, format!("nach {asked} Aufrufen noch nicht fertig"));
    }
    let Some(mut intent) = sheet.run.effects.get(path).map(|effect| effect.intent.clone()) else { return };
    intent.path.iteration = asked;
    intent.not_before = Some(repeat.every.after(sheet.at, &sheet.context.zone()));
    sheet.emit(Event::EffectIntended(intent));
}
