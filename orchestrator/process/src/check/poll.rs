//! `poll`: names its expressions may read, and what the tool's pinned definition says of its entries.

use laufzettel_domain::{Findings, Path, Text, Value, finding};

use super::{at_read, expression_problems, tools, unknown_field};
use crate::{
    arrival::missing,
    expression::Expression,
    model::{Process, Trigger, TriggerKind},
    poll::{self, Poll},
    schema::{At, Schema},
    types::{ToolTypes, Tools, Types},
};

/// The process's looks, each with its key in the file.
fn polls(process: &Process) -> impl Iterator<Item = (String, &Trigger, &Poll)> {
    process.triggers.iter().enumerate().filter_map(|(i, trigger)| match &trigger.kind {
        TriggerKind::Poll(poll) => Some((format!("triggers[{}].poll", i + 1), trigger, &**poll)),
        _ => None,
    })
}

/// What needs nothing but the file.
pub fn check(process: &Process, findings: &mut Findings) {
    for (key, _, poll) in polls(process) {
        for (name, template) in &poll.call.with {
            for expression in template.expressions() {
                names(expression, "cursor", &format!("{key}.with.{name}"), findings);
            }
        }
        poll.cursor.iter().for_each(|cursor| names(cursor, "result", &format!("{key}.cursor"), findings));
        names(&poll.key, "item", &format!("{key}.key"), findings);
    }
}

/// Before a run there is nothing to read but what the tool said.
fn names(expression: &Expression, legal: &str, key: &str, findings: &mut Findings) {
    expression_problems(expression, key, findings);
    let foreign = expression.analysis.reads.iter().filter(|read| read.path.root() != legal);
    let mut found: Vec<_> = foreign.map(|read| (at_read(expression, read), read.path.root().to_owned())).collect();
    if !expression.analysis.asked.is_empty() || !expression.analysis.renders.is_empty() {
        found.push((expression.at, "steps, render".to_owned()));
    }
    for (at, name) in found {
        let text = Text::new(
            format!("„{name}“ gibt es hier nicht: Vor dem Vorgang ist nur {legal} zu lesen."),
            format!("\"{name}\" does not exist here: before the run only {legal} can be read."),
        );
        findings.error("LZ302", at, key, text).hint = Some(finding::hint(&name, [legal]));
    }
}

/// What needs the tenant's tools. `known`: those its configuration lists.
pub fn check_tools(process: &Process, types: &Types, tools: &Tools, known: Option<&[String]>, findings: &mut Findings) {
    for (key, trigger, poll) in polls(process) {
        if tools::is_unknown(&poll.call, &key, known, findings) {
            continue;
        }
        let Some(tool) = tools.get(&poll.call.name()) else { continue };
        tools::arguments_of(&poll.call, &format!("{key}.with"), &tool.input, types, findings);
        answer(process, trigger, poll, tool, &key, findings);
    }
}

fn answer(process: &Process, trigger: &Trigger, poll: &Poll, tool: &ToolTypes, key: &str, findings: &mut Findings) {
    let name = poll.call.name();
    let Some((definition, list)) = tool.output.as_ref().and_then(|output| poll::list(output).map(|list| (output, list))) else {
        let text = Text::new(
            format!("„{name}“ gibt keine Liste: Eine Antwort braucht genau ein Feld mit einer Liste, und jeder Eintrag daraus beginnt einen Vorgang."),
            format!("\"{name}\" gives no list: an answer needs exactly one field with a list, and each entry of it begins a run."),
        );
        findings.error("LZ314", poll.call.at, format!("{key}.tool"), text);
        return;
    };
    poll.cursor.iter().for_each(|cursor| fields(cursor, definition, &[], &format!("{key}.cursor"), findings));
    let each: Vec<String> = list.into_iter().chain([Path::EACH.to_owned()]).collect();
    fields(&poll.key, definition, &each, &format!("{key}.key"), findings);
    let Some(entry) = poll::entry(definition) else { return };
    if let Some(found) = tools::words_for(entry).filter(|found| !found.is_object) {
        let text = Text::new(
            format!("Ein Eintrag von „{name}“ wird zur Eingabe und muss dafür ein Block mit Feldern sein, nicht {}.", found.de),
            format!("An entry of \"{name}\" becomes the input and must be an object for that, not {}.", found.en),
        );
        findings.error("LZ314", poll.call.at, format!("{key}.tool"), text);
    }
    let Some(brought) = entry.get("properties").and_then(Value::as_object) else { return };
    let brought: Vec<&str> = brought.keys().map(String::as_str).collect();
    for field in missing(&process.input, &brought) {
        let text = Text::new(
            format!("input verlangt „{field}“, und das bringt ein Eintrag von „{name}“ nicht. Er bringt: {}.", brought.join(", ")),
            format!("input requires \"{field}\", which an entry of \"{name}\" does not bring. It brings: {}.", brought.join(", ")),
        );
        findings.error("LZ312", trigger.at, key, text);
    }
}

/// Fields the definition does not have. `base`: where in an answer the expression's one name stands.
fn fields(expression: &Expression, definition: &Schema, base: &[String], key: &str, findings: &mut Findings) {
    for read in &expression.analysis.reads {
        let below: Vec<String> = base.iter().chain(read.path.0.get(1..).unwrap_or_default()).cloned().collect();
        if let At::Unknown { depth, legal } = definition.at(&below) {
            let name = below.get(depth).cloned().unwrap_or_default();
            unknown_field(&read.path, &name, &legal, at_read(expression, read), key, findings);
        }
    }
}
