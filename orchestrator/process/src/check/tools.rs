//! Tool calls against pinned definitions: arguments a tool lacks, requires, or types differently; fields of results.

use std::collections::BTreeMap;

use laufzettel_domain::{Findings, Place, Text, Value, finding};

use crate::{
    expression::Template,
    model::{Process, Step, StepKind, ToolCall},
    schema::Schema,
    types::{Tools, Types},
};

/// `known` are the tools the tenant's configuration lists; `None` if there is no configuration to check against.
pub fn check_tools(process: &Process, tools: &Tools, known: Option<&[String]>, findings: &mut Findings) {
    let types = Types::of(process, tools);
    for step in process.steps.values() {
        let calls = match &step.kind {
            StepKind::Tool(call) => vec![(format!("steps.{}", step.id), call, true)],
            // the model gives the rest
            StepKind::Agent(agent) => agent.tools.iter().map(|tool| (format!("steps.{}.agent.tools", step.id), &tool.call, false)).collect(),
            _ => Vec::new(),
        };
        let undo = step.undo.iter().map(|call| (format!("steps.{}.undo", step.id), call, true));
        for (key, call, whole) in calls.into_iter().chain(undo) {
            if is_unknown(call, &key, known, findings) {
                continue;
            }
            if let Some(tool) = tools.get(&call.name()) {
                let asked = Asked { name: call.name(), with: &call.with, at: call.at, key: format!("{key}.with"), whole };
                arguments(&asked, &tool.input, &types, findings);
            }
        }
    }
    super::poll::check_tools(process, &types, tools, known, findings);
    for step in process.steps.values() {
        super::list(step, &types, findings);
        input(process, step, &types, findings);
    }
    for (key, expression) in super::expressions(process) {
        super::references(process, &types, expression, &key, findings);
    }
}

/// Whether the tenant has no such tool, which is a finding.
pub(super) fn is_unknown(call: &ToolCall, key: &str, known: Option<&[String]>, findings: &mut Findings) -> bool {
    let name = call.name();
    let Some(known) = known.filter(|known| !known.contains(&name)) else { return false };
    findings
        .error(
            "LZ313",
            call.at,
            format!("{key}.tool"),
            Text::new(
                format!("Das Werkzeug „{name}“ ist für diesen Mandanten nicht freigegeben."),
                format!("The tool \"{name}\" is not declared for this tenant."),
            ),
        )
        .hint = Some(finding::hint(&name, known.iter().map(String::as_str)));
    true
}

/// All arguments of a call outside of any step, against what the tool takes.
pub(super) fn arguments_of(call: &ToolCall, key: &str, input: &Schema, types: &Types, findings: &mut Findings) {
    arguments(&Asked { name: call.name(), with: &call.with, at: call.at, key: key.to_owned(), whole: true }, input, types, findings);
}

/// What a child is given, against what it takes.
pub(super) fn input(process: &Process, step: &Step, types: &Types, findings: &mut Findings) {
    let StepKind::Process(call) = &step.kind else { return };
    let Some(child) = process.children.get(&call.name) else { return };
    let asked = Asked { name: call.name.to_string(), with: &call.input, at: call.at, key: format!("steps.{}.process.input", step.id), whole: true };
    arguments(&asked, &child.input, types, findings);
}

/// Arguments somebody is given: a tool, or a child.
struct Asked<'c> {
    name: String,
    with: &'c BTreeMap<String, Template>,
    at: Place,
    key: String,
    /// Nobody else adds arguments.
    whole: bool,
}

fn arguments(call: &Asked<'_>, input: &Schema, types: &Types, findings: &mut Findings) {
    let Asked { name: callee, key, .. } = call;
    let none = serde_json::Map::new();
    let properties = input.root.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let required: Vec<&str> = input.root.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for name in required.iter().filter(|name| call.whole && !call.with.contains_key(**name)) {
        findings.error(
            "LZ310",
            call.at,
            key.clone(),
            Text::new(format!("„{callee}“ verlangt das Argument „{name}“."), format!("\"{callee}\" requires the argument \"{name}\".")),
        );
    }
    for (name, template) in call.with {
        let at = place(template).unwrap_or(call.at);
        let Some(expected) = properties.get(name) else {
            let finding = findings.error(
                "LZ311",
                at,
                format!("{key}.{name}"),
                Text::new(format!("„{callee}“ hat kein Argument „{name}“."), format!("\"{callee}\" has no argument \"{name}\".")),
            );
            finding.hint = Some(finding::hint(name, properties.keys().map(String::as_str)));
            continue;
        };
        let expected = input.resolve(expected).unwrap_or(expected);
        if let Some((de, en)) = mismatch(template, expected, types) {
            findings.error(
                "LZ312",
                at,
                format!("{key}.{name}"),
                Text::new(
                    format!("„{callee}“ erwartet für „{name}“ {}, hier steht {}.", de.0, de.1),
                    format!("\"{callee}\" expects {} for \"{name}\", found {}.", en.0, en.1),
                ),
            );
        }
    }
}

fn place(template: &Template) -> Option<Place> {
    template.expressions().first().map(|e| e.at)
}

type Pair<'t> = (&'t str, &'t str);

/// Expected and found, in both languages, if the types cannot be the same.
fn mismatch(template: &Template, expected: &Value, types: &Types) -> Option<(Pair<'static>, Pair<'static>)> {
    let expected = kinds(expected)?;
    let found = match template {
        Template::Const(value) => vec![kind_of(value)],
        Template::List(_) => vec!["array"],
        Template::Map(_) => vec!["object"],
        Template::Expression(e) => kinds(&types.of_expression(e))?,
    };
    let fits = found.iter().any(|kind| {
        *kind == "null"
            || expected.contains(kind)
            || (*kind == "integer" && expected.contains(&"number"))
            || (*kind == "number" && expected.contains(&"integer"))
    });
    if fits {
        return None;
    }
    let (e, f) = (words(expected[0]), words(found[0]));
    Some(((e.0, f.0), (e.1, f.1)))
}

/// What a schema says a value is, in words.
pub(super) struct Named {
    pub de: &'static str,
    pub en: &'static str,
    pub is_list: bool,
    pub is_object: bool,
}

pub(super) fn words_for(schema: &Value) -> Option<Named> {
    let kinds = kinds(schema)?;
    let (de, en) = words(kinds.first()?);
    Some(Named { de, en, is_list: kinds.contains(&"array"), is_object: kinds.contains(&"object") })
}

fn kinds(schema: &Value) -> Option<Vec<&'static str>> {
    const ALL: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "null"];
    let of = |name: &str| ALL.into_iter().find(|kind| *kind == name);
    if let Some(value) = schema.get("const") {
        return Some(vec![kind_of(value)]);
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Some(values.iter().map(kind_of).collect());
    }
    match schema.get("type")? {
        Value::String(name) => of(name).map(|kind| vec![kind]),
        Value::Array(names) => names.iter().map(|n| n.as_str().and_then(of)).collect(),
        _ => None,
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn words(kind: &str) -> Pair<'static> {
    match kind {
        "string" => ("einen Text", "a text"),
        "number" | "integer" => ("eine Zahl", "a number"),
        "boolean" => ("ja/nein", "true/false"),
        "array" => ("eine Liste", "a list"),
        "object" => ("einen Block mit Feldern", "an object"),
        _ => ("nichts", "nothing"),
    }
}
