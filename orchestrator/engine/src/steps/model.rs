//! `model`: one call to a language model; the answer is checked here, and asked for again if it does not fit.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{EffectPath, Label, Slot, StepId, Value, names::Phase};
use laufzettel_policy::{Effect, Labelled};
use laufzettel_process::{
    cite,
    model::{FailureClass, ModelCall, Size, StepKind},
};
use serde_json::json;

use super::acting;
use crate::{
    decide::Sheet,
    event::{Call, EffectIntended, Event},
    labels,
    run::EffectRun,
    settle,
};

/// Milliseconds a model call may take where the step says nothing: 1,500 tokens at 15 tokens a second, and as much again.
const TIMEOUT_MS: u64 = 200_000;

/// What every model is told that must show what it says.
const CITE: &str = "\n\nBelege jede Angabe: In „belege“ stehen document, version und place einer Fundstelle aus dem Block „quellen“ und in „zitat“ die Worte, die dort stehen, unverändert.";

pub(crate) fn begin(sheet: &mut Sheet<'_>, slot: &Slot, call: &ModelCall) {
    match intend(sheet, slot, call) {
        Ok(intent) => sheet.emit(Event::EffectIntended(intent)),
        Err(message) => sheet.fail(slot, FailureClass::Invalid, message),
    }
}

pub(super) fn intend(sheet: &Sheet<'_>, slot: &Slot, call: &ModelCall) -> Result<EffectIntended, String> {
    let (scope, id) = (sheet.scope_of(slot), &slot.step);
    let prompt = call.prompt.evaluate(&scope).map_err(|e| format!("prompt: {e}"))?;
    let data = call
        .data
        .iter()
        .map(|(name, template)| template.evaluate(&scope).map(|v| (name.clone(), v)).map_err(|e| format!("data.{name}: {e}")))
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    if let Some(sources) = data.get(cite::SOURCES).filter(|_| call.sources) {
        cite::passages(sources)?;
    }
    let mut prompt = prompt.as_str().map_or_else(|| prompt.to_string(), str::to_owned);
    if call.cite {
        prompt.push_str(CITE);
    }
    let templates = call.data.values().chain([&call.prompt]);
    Ok(EffectIntended {
        path: EffectPath::of(slot, Phase::Do),
        round: sheet.run.round_of(id),
        target: format!("model:{}", size(call.size)),
        effect: Effect::Read,
        repeatable: true,
        settles: false,
        who: acting(sheet, id)?,
        labels: part_labels(sheet, id, call),
        listed: BTreeSet::new(),
        receipt: false,
        reads: labels::reads(templates),
        not_before: None,
        timeout_ms: sheet.step(id).timeout.map_or(TIMEOUT_MS, |span| u64::try_from(span.approx_millis()).unwrap_or(TIMEOUT_MS)),
        call: Call::Model { size: call.size, prompt, data, output: call.output.as_ref().map(|schema| schema.root.clone()), offer: None, repairs: Vec::new() },
    })
}

fn size(size: Size) -> &'static str {
    match size {
        Size::S => "s",
        Size::M => "m",
        Size::L => "l",
    }
}

/// `prompt`, and `steps.<id>.data.<block>` with what it reads, so that a refusal shows the path.
fn part_labels(sheet: &Sheet<'_>, id: &StepId, call: &ModelCall) -> BTreeMap<String, Label> {
    let labels = sheet.labels();
    let mut parts = BTreeMap::from([("prompt".to_owned(), labels.of_prompt(&call.prompt))]);
    for (name, template) in &call.data {
        let from: Vec<String> = labels::reads([template]).iter().map(ToString::to_string).collect();
        let from = if from.is_empty() { String::new() } else { format!("{} → ", from.join(" + ")) };
        parts.insert(format!("{from}steps.{id}.data.{name}"), labels.of_template(template));
    }
    parts
}

/// The validated object, or `{ text }` without `output`.
pub(crate) fn accept(call: &ModelCall, value: &Value, data: &BTreeMap<String, Value>) -> Result<Value, String> {
    let Some(schema) = &call.output else {
        return Ok(json!({ "text": value.as_str().map_or_else(|| value.to_string(), str::to_owned) }));
    };
    let parsed = match value {
        Value::String(text) => serde_json::from_str(unfenced(text)).map_err(|e| format!("Die Antwort ist kein JSON: {e}"))?,
        other => other.clone(),
    };
    match schema.validate(&parsed).into_iter().next() {
        None if call.cite => cite::check(&schema.root, &parsed, data.get(cite::SOURCES).unwrap_or(&Value::Null)).map(|()| parsed),
        None => Ok(parsed),
        Some(problem) => Err(format!("Feld „{}“: {}", problem.path, problem.message.de)),
    }
}

/// Models like to wrap JSON in a code fence.
pub(super) fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix("```json").or_else(|| text.strip_prefix("```")).and_then(|t| t.strip_suffix("```"));
    inner.unwrap_or(text).trim()
}

/// Whether an unusable answer of this iteration is asked for again.
/// `spent`: tokens of the attempt that gave it.
pub(crate) fn may_ask_again(sheet: &Sheet<'_>, path: &EffectPath, spent: u64) -> bool {
    sheet.run.ending.is_none()
        && !settle::is_over(sheet, path)
        && sheet.step(&path.step).kind.asks().is_some_and(|call| path.call == 0 && path.iteration < call.repair)
        && !is_spent(sheet, path, spent)
}

/// Whether an agent's tokens are used up, with those of the attempt that has just been made: it is not asked again, either.
pub(crate) fn is_spent(sheet: &Sheet<'_>, path: &EffectPath, also: u64) -> bool {
    matches!(&sheet.step(&path.step).kind, StepKind::Agent(agent) if path.call == 0 && super::agent::spent(sheet, &path.slot()) + also >= agent.max_tokens)
}

/// A new iteration with what was wrong: an effect of its own, with a key of its own.
pub(crate) fn ask_again(sheet: &mut Sheet<'_>, path: &EffectPath, effect: &EffectRun, answer: String, problem: String) {
    let mut intent = effect.intent.clone();
    intent.path = EffectPath { iteration: path.iteration + 1, ..path.clone() };
    if let Call::Model { repairs, .. } | Call::Turn { repairs, .. } = &mut intent.call {
        repairs.push((answer, problem));
    }
    sheet.emit(Event::EffectIntended(intent));
}

pub(crate) fn complete(sheet: &mut Sheet<'_>, slot: &Slot, call: &ModelCall, value: Value) {
    let label = sheet.labels().of_model(&slot.step, call);
    sheet.complete(slot, value, Labelled::all(label), BTreeSet::new());
}
