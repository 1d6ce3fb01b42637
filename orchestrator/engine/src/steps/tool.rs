//! `tool` and `undo`: one MCP call, its arguments fixed when it is intended.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{EffectPath, Label, StepId, Value, names::Phase};
use laufzettel_policy::Labelled;
use laufzettel_process::model::{FailureClass, ToolCall};
use serde_json::Map;

use super::acting;
use crate::{
    decide::Sheet,
    ending,
    event::{Call, EffectIntended, Event},
    labels,
    run::StepState,
    scope::with_result,
};

/// Milliseconds a tool call may take where the step says nothing: a minute is long for a person who waits and short
/// for a server that hangs.
const TIMEOUT_MS: u64 = 60_000;

pub(crate) fn begin(sheet: &mut Sheet<'_>, id: &StepId, call: &ToolCall) {
    match intend(sheet, id, call, Phase::Do, None) {
        Ok(intent) => sheet.emit(Event::EffectIntended(intent)),
        Err(message) => sheet.fail(id, FailureClass::Invalid, message),
    }
}

/// Begins the undo of a completed step. `false` if it could not even be formed: then the run is stuck.
pub(crate) fn begin_undo(sheet: &mut Sheet<'_>, id: &StepId) -> bool {
    let Some(call) = sheet.step(id).undo.clone() else { return false };
    let result = sheet.run.value(id.as_str()).cloned().unwrap_or(Value::Null);
    match intend(sheet, id, &call, Phase::Undo, Some(&result)) {
        Ok(intent) => {
            sheet.emit(Event::EffectIntended(intent));
            true
        }
        Err(message) => {
            ending::stuck(sheet, id, &message);
            false
        }
    }
}

fn intend(sheet: &Sheet<'_>, id: &StepId, call: &ToolCall, phase: Phase, result: Option<&Value>) -> Result<EffectIntended, String> {
    let name = call.name();
    let rule = sheet.context.tools.get(&name).ok_or_else(|| format!("das Werkzeug „{name}“ ist für diesen Mandanten nicht freigegeben"))?;
    let scope = match result {
        Some(result) => with_result(sheet.scope(), result),
        None => sheet.scope(),
    };
    let mut arguments = Map::new();
    for (argument, template) in &call.with {
        let value = template.evaluate(&scope).map_err(|e| format!("with.{argument}: {e}"))?;
        // an argument that evaluates to none is left out
        if !value.is_null() {
            arguments.insert(argument.clone(), value);
        }
    }
    let timeout = sheet.step(id).timeout.map_or(TIMEOUT_MS, |span| u64::try_from(span.approx_millis()).unwrap_or(TIMEOUT_MS));
    Ok(EffectIntended {
        path: EffectPath::of(id.clone(), phase),
        round: 0,
        target: name,
        effect: rule.effect,
        repeatable: rule.is_repeatable(),
        who: acting(sheet, id)?,
        labels: argument_labels(sheet, id, call, result.is_some()),
        listed: call.with.iter().filter(|(_, t)| sheet.labels().is_listed(t)).map(|(n, _)| n.clone()).collect(),
        receipt: phase == Phase::Do && sheet.labels().is_receipt(call, rule),
        reads: labels::reads(call.with.values()),
        timeout_ms: timeout,
        call: Call::Tool { server: call.server.clone(), tool: call.tool.clone(), arguments: Value::Object(arguments) },
    })
}

/// The label of each argument. In an undo, `result` is labelled as the step's own value.
fn argument_labels(sheet: &Sheet<'_>, id: &StepId, call: &ToolCall, undo: bool) -> BTreeMap<String, Label> {
    let own = match sheet.run.steps.get(id) {
        Some(StepState::Completed { labels, .. }) if undo => Some(labels),
        _ => None,
    };
    call.with.iter().map(|(name, template)| (name.clone(), sheet.labels().of_argument(template, own))).collect()
}

pub(crate) fn complete(sheet: &mut Sheet<'_>, id: &StepId, call: &ToolCall, value: Value) {
    let label = sheet.labels().of_tool(id, call);
    sheet.complete(id, value, Labelled::all(label), BTreeSet::new());
}
