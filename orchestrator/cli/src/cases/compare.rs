//! What was expected against what came, in lines a person reads.

use laufzettel_domain::Value;
use laufzettel_engine::{EffectStatus, Run, StepState};

use super::{read::Expect, script::Script};

pub fn compare(expect: &Expect, run: &Run, script: &Script) -> Vec<String> {
    let mut lines = Vec::new();
    for name in script.unlisted() {
        lines.push(format!("{name} wurde aufgerufen, der Fall hat dafür keine (weitere) Antwort"));
    }
    lines.extend(script.unfit());
    if let Some(code) = &expect.refused {
        let parked = run
            .effects
            .values()
            .any(|e| matches!(&e.status, EffectStatus::Parked(decision) if decision.rule.contains(code) || decision.reason.de.contains(code)));
        if !parked && !run.message.contains(code) {
            lines.push(format!("{code} sollte den Start ablehnen; der Vorgang hat begonnen (Zustand {})", run.state().as_str()));
        }
    }
    if let Some(state) = &expect.state
        && run.state().as_str() != state
    {
        lines.push(format!("Zustand: erwartet {state}, gefunden {} {}", run.state().as_str(), run.message));
    }
    if let Some(step) = &expect.waiting {
        let asked = run.open_tasks().any(|t| t.opened.kind.is_own() && t.opened.step.as_str() == step);
        let mut slots = run.waits.keys().chain(run.expects.keys()).chain(run.open_children().map(|(slot, _)| slot));
        let waits = asked || slots.any(|slot| slot.step.as_str() == step);
        if !waits {
            lines.push(format!("wartet nicht auf {step} (Zustand {})", run.state().as_str()));
        }
    }
    if let Some(action) = &expect.denied {
        let denied = run.effects.values().any(|e| matches!(&e.status, EffectStatus::Parked(_)) && action.ends_with(&e.intent.target));
        if !denied {
            lines.push(format!("{action} wurde nicht verweigert"));
        }
    }
    if let Some(output) = &expect.output {
        subset("output", output, &run.output, &mut lines);
    }
    for (step, value) in &expect.steps {
        match run.value(step) {
            Some(found) => subset(&format!("steps.{step}"), value, found, &mut lines),
            None => lines.push(format!("steps.{step}: kein Wert")),
        }
    }
    calls(expect, script, &mut lines);
    for step in &expect.skipped {
        if !matches!(run.steps.get(step.as_str()), Some(StepState::Skipped { .. })) {
            lines.push(format!("{step} wurde nicht übersprungen"));
        }
    }
    if let Some(expected) = &expect.receives {
        let found: Vec<&String> = run.received.as_object().into_iter().flatten().map(|(name, _)| name).collect();
        let mut wanted: Vec<&String> = expected.iter().collect();
        wanted.sort_unstable();
        if found != wanted {
            lines.push(format!("receives: erwartet {wanted:?}, gefunden {found:?}"));
        }
    }
    lines
}

fn calls(expect: &Expect, script: &Script, lines: &mut Vec<String>) {
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
            lines.push(format!("{tool} wurde nicht mit {with} aufgerufen{}", if found.is_empty() { String::new() } else { format!("; gefunden: {found}") }));
        }
    }
    for tool in &expect.not_called {
        if made.iter().any(|(name, _)| name == tool) {
            lines.push(format!("{tool} wurde aufgerufen"));
        }
    }
}

/// Everything expected is there; what is there besides does not matter.
fn subset(path: &str, expected: &Value, found: &Value, lines: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (name, value) in expected {
                match found.get(name) {
                    Some(inner) => subset(&format!("{path}.{name}"), value, inner, lines),
                    None => lines.push(format!("{path}.{name}: erwartet {value}, nichts gefunden")),
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
        (expected, found) => lines.push(format!("{path}: erwartet {expected}, gefunden {found}")),
    }
}
