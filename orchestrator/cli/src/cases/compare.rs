//! What was expected against what came, in lines a person reads.

use laufzettel_domain::{Text, Value};
use laufzettel_engine::{EffectStatus, Run, StepState};

use super::{read::Expect, script::Script};

pub fn compare(expect: &Expect, run: &Run, script: &Script) -> Vec<Text> {
    let mut lines: Vec<Text> = script.unlisted().into_iter().map(unlisted).collect();
    lines.extend(script.unfit());
    ending(expect, run, &mut lines);
    if let Some(action) = &expect.denied {
        let denied = run.effects.values().any(|e| matches!(&e.status, EffectStatus::Parked(_)) && action.ends_with(&e.intent.target));
        if !denied {
            lines.push(Text::new(format!("{action} wurde nicht verweigert"), format!("{action} was not denied")));
        }
    }
    if let Some(output) = &expect.output {
        subset("output", output, &run.output, &mut lines);
    }
    for (step, value) in &expect.steps {
        match run.value(step) {
            Some(found) => subset(&format!("steps.{step}"), value, found, &mut lines),
            None => lines.push(Text::new(format!("steps.{step}: kein Wert"), format!("steps.{step}: no value"))),
        }
    }
    calls(expect, script, &mut lines);
    for step in &expect.skipped {
        if !matches!(run.steps.get(step.as_str()), Some(StepState::Skipped { .. })) {
            lines.push(Text::new(format!("{step} wurde nicht übersprungen"), format!("{step} was not skipped")));
        }
    }
    if let Some(expected) = &expect.receives {
        let found: Vec<&String> = run.received.as_object().into_iter().flatten().map(|(name, _)| name).collect();
        let mut wanted: Vec<&String> = expected.iter().collect();
        wanted.sort_unstable();
        if found != wanted {
            lines.push(Text::new(format!("receives: erwartet {wanted:?}, gefunden {found:?}"), format!("receives: expected {wanted:?}, found {found:?}")));
        }
    }
    lines
}

fn unlisted(name: String) -> Text {
    let en = format!("{name} was called, and the case has no (further) answer for it");
    Text::new(format!("{name} wurde aufgerufen, der Fall hat dafür keine (weitere) Antwort"), en)
}

/// How the run stands.
fn ending(expect: &Expect, run: &Run, lines: &mut Vec<Text>) {
    let state = run.state().as_str();
    if let Some(code) = &expect.refused {
        let parked = run
            .effects
            .values()
            .any(|e| matches!(&e.status, EffectStatus::Parked(decision) if decision.rule.contains(code) || decision.reason.de.contains(code)));
        if !parked && !run.message.contains(code) {
            lines.push(Text::new(
                format!("{code} sollte den Start ablehnen; der Vorgang hat begonnen (Zustand {state})"),
                format!("{code} was to refuse the start; the run has begun (state {state})"),
            ));
        }
    }
    if let Some(expected) = expect.state.as_deref().filter(|expected| *expected != state) {
        let message = &run.message;
        lines.push(Text::new(
            format!("Zustand: erwartet {expected}, gefunden {state} {message}"),
            format!("state: expected {expected}, found {state} {message}"),
        ));
    }
    if let Some(step) = expect.waiting.as_deref().filter(|step| !waits(run, step)) {
        lines.push(Text::new(format!("wartet nicht auf {step} (Zustand {state})"), format!("does not wait for {step} (state {state})")));
    }
}

/// Whether the run rests at this step: somebody is asked there, whatever for, or an event, a time or a child is waited for.
fn waits(run: &Run, step: &str) -> bool {
    let asked = run.open_tasks().any(|task| task.opened.step.as_str() == step);
    let mut slots = run.waits.keys().chain(run.expects.keys()).chain(run.open_children().map(|(slot, _)| slot));
    asked || slots.any(|slot| slot.step.as_str() == step)
}

fn calls(expect: &Expect, script: &Script, lines: &mut Vec<Text>) {
    let made = script.calls();
    for (tool, with) in &expect.calls {
        let candidates: Vec<&Value> = made.iter().filter(|(name, _)| name == tool).map(|(_, args)| args).collect();
        let fits = candidates.iter().any(|args| {
            let mut differences = Vec::new();
            subset("", with, args, &mut differences);
            differences.is_empty() || with.is_null()
        });
        if !fits {
            let found = candidates.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            let (de, en) = if found.is_empty() { (String::new(), String::new()) } else { (format!("; gefunden: {found}"), format!("; found: {found}")) };
            lines.push(Text::new(format!("{tool} wurde nicht mit {with} aufgerufen{de}"), format!("{tool} was not called with {with}{en}")));
        }
    }
    for tool in &expect.not_called {
        if made.iter().any(|(name, _)| name == tool) {
            lines.push(Text::new(format!("{tool} wurde aufgerufen"), format!("{tool} was called")));
        }
    }
}

/// Everything expected is there; what is there besides does not matter.
fn subset(path: &str, expected: &Value, found: &Value, lines: &mut Vec<Text>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (name, value) in expected {
                match found.get(name) {
                    Some(inner) => subset(&format!("{path}.{name}"), value, inner, lines),
                    None => lines.push(Text::new(
                        format!("{path}.{name}: erwartet {value}, nichts gefunden"),
                        format!("{path}.{name}: expected {value}, found nothing"),
                    )),
                }
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (n, (expected, found)) in expected.iter().zip(found).enumerate() {
                subset(&format!("{path}[{}]", n + 1), expected, found, lines);
            }
        }
        (expected, found) if expected == found => {}
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        (expected, found) => {
            lines.push(Text::new(format!("{path}: erwartet {expected}, gefunden {found}"), format!("{path}: expected {expected}, found {found}")));
        }
    }
}
