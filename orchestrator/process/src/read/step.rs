//! One step: exactly one kind, and what every kind may carry.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{
    Findings, Node, StepId, Text,
    document::{Fields, Kind, fields},
    names::SETTLE,
};

use super::{Reader, agent, child, each, each::list, human, syntax_errors, trigger, wait};
use crate::{
    cite,
    expression::{Expression, Template},
    model::{FailureClass, ModelCall, OnError, Retry, Rules, Size, Step, StepKind, ToolCall},
    schema::Schema,
    table::Table,
};

const KINDS: [&str; 8] = ["model", "agent", "tool", "human", "rules", "set", "process", "wait"];

pub fn step(id: StepId, node: &Node, reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Step> {
    let key = format!("steps.{id}");
    let mut fields = Fields::open(node, key.clone(), findings)?;
    let title = fields.text("title").map_or_else(|| id.to_string(), str::to_owned);
    let kind = kind(&mut fields, reader);
    let needs = needs(&mut fields);
    let condition = asked(&mut fields, "if");
    let end_if = asked(&mut fields, "end_if");
    let retry = retry(&mut fields);
    let timeout = fields.span("timeout");
    let deadline = fields.span("deadline");
    let on_error = fields.one_of("on_error", &[("fail", OnError::Fail), ("continue", OnError::Continue), ("human", OnError::Human)]).unwrap_or(OnError::Fail);
    let each = each::each(&mut fields);
    let repeat = fields.opt("repeat").and_then(|n| each::repeat(n, &fields.path("repeat"), kind.as_ref(), fields.findings));
    let undo = fields.opt("undo").and_then(|n| undo(n, &fields.path("undo"), fields.findings));
    let run_as = fields.opt("run_as").and_then(|n| trigger::run_as(n, &format!("{key}.run_as"), fields.findings));
    fields.close();
    Some(Step {
        id,
        title,
        at: node.at,
        kind: kind?,
        needs,
        condition,
        each,
        repeat,
        end_if,
        retry: retry.unwrap_or_default(),
        timeout,
        deadline,
        on_error,
        undo,
        run_as,
    })
}

fn kind(fields: &mut Fields<'_, '_>, reader: &mut Reader<'_>) -> Option<StepKind> {
    let present: Vec<&'static str> = KINDS.into_iter().filter(|name| fields.opt(name).is_some()).collect();
    let at = fields.at();
    let [name] = present.as_slice() else {
        let found = if present.is_empty() { "–".to_owned() } else { present.join(", ") };
        let key = fields.key().to_owned();
        fields.findings.error(
            "LZ116",
            at,
            key,
            Text::new(
                format!("Ein Schritt hat genau eine Art ({}); hier: {found}.", KINDS.join(", ")),
                format!("A step has exactly one kind ({}); here: {found}.", KINDS.join(", ")),
            ),
        );
        for extra in ["with", "tools"] {
            fields.opt(extra);
        }
        return None;
    };
    let node = fields.opt(name)?;
    let key = fields.path(name);
    match *name {
        "tool" => tool(fields).map(StepKind::Tool),
        "model" => model(node, &key, reader, fields.findings).map(|m| StepKind::Model(Box::new(m))),
        "human" => human::human(node, &key, reader, fields.findings).map(|h| StepKind::Human(Box::new(h))),
        "rules" => rules(node, &key, reader, fields.findings).map(StepKind::Rules),
        "set" => set(node, &key, fields.findings),
        "wait" => wait::wait(node, &key, reader, fields.findings).map(StepKind::Wait),
        "process" => child::child(node, &key, reader, fields.findings).map(StepKind::Process),
        "agent" => agent::agent(node, &key, reader, fields.findings).map(|agent| StepKind::Agent(Box::new(agent))),
        _ => unreachable!("the kinds are listed above"),
    }
}

pub fn tool(fields: &mut Fields<'_, '_>) -> Option<ToolCall> {
    let key = fields.path("with");
    let with = templates(fields, "with", &key);
    let node = fields.opt("tool")?;
    let key = fields.path("tool");
    let (server, tool) = tool_name(node, &key, fields.findings)?;
    Some(ToolCall { server, tool, with, at: node.at })
}

pub fn tool_name(node: &Node, key: &str, findings: &mut Findings) -> Option<(String, String)> {
    let written = fields::text(node, key, findings)?;
    match written.split_once('/') {
        Some((_, SETTLE)) => {
            let text = Text::new(
                format!("„{written}“ gibt es für Prozesse nicht: Danach, was aus einem Aufruf geworden ist, fragt nur das Programm selbst."),
                format!("\"{written}\" is not for processes: what became of a call only the program itself asks."),
            );
            findings.error("LZ108", node.at, key, text);
            None
        }
        Some((server, tool)) if !server.is_empty() && !tool.is_empty() && !tool.contains('/') => Some((server.to_owned(), tool.to_owned())),
        _ => {
            findings.error(
                "LZ109",
                node.at,
                key,
                Text::new(
                    format!("Ein Werkzeug heißt „server/werkzeug“ (z. B. dms/suchen), nicht „{written}“."),
                    format!("A tool is named \"server/tool\" (dms/suchen), not \"{written}\"."),
                ),
            );
            None
        }
    }
}

pub fn templates(outer: &mut Fields<'_, '_>, name: &'static str, key: &str) -> BTreeMap<String, Template> {
    let mut errors = Vec::new();
    let map = outer.entries(name).iter().map(|e| (e.key.clone(), Template::compile(&e.node, &mut errors))).collect();
    syntax_errors(errors, key, outer.findings);
    map
}

fn undo(node: &Node, key: &str, findings: &mut Findings) -> Option<ToolCall> {
    let mut inner = Fields::open(node, key, findings)?;
    inner.req("tool");
    let call = tool(&mut inner);
    inner.close();
    call
}

fn model(node: &Node, key: &str, reader: &mut Reader<'_>, findings: &mut Findings) -> Option<ModelCall> {
    let mut inner = Fields::open(node, key, findings)?;
    let call = request(&mut inner, node, "prompt", reader);
    inner.close();
    call
}

/// What a model is asked. `order`: the key of the author's instruction.
pub fn request(inner: &mut Fields<'_, '_>, node: &Node, order: &'static str, reader: &mut Reader<'_>) -> Option<ModelCall> {
    let size = match inner.opt("size") {
        None => Some(Size::S),
        Some(_) => inner.one_of("size", &[("s", Size::S), ("m", Size::M), ("l", Size::L)]),
    };
    let mut errors = Vec::new();
    let prompt = inner.req(order).map(|n| Template::compile(n, &mut errors));
    let prompt_key = inner.path(order);
    if let Some(n) = inner.opt(order) {
        fields::text(n, &prompt_key, inner.findings);
    }
    syntax_errors(errors, &prompt_key, inner.findings);
    let data_key = inner.path("data");
    let mut data = templates(inner, "data", &data_key);
    let sources = sources(inner, &mut data);
    let cite = inner.one_of("cite", &[("required", true)]).unwrap_or(false);
    let output_key = inner.path("output");
    let output = inner.opt("output").map(|n| reader.schema(n, &output_key, inner.findings));
    let repair = inner.integer("repair", 0, 5).unwrap_or(2);
    let output = match output {
        None => None,
        Some(schema) => Some(schema?),
    };
    let key = inner.key().to_owned();
    // an agent finds its passages itself
    let output = if cite { Some(cited(node, &key, sources || order == "goal", output, inner.findings)?) } else { output };
    Some(ModelCall { size: size?, prompt: prompt?, data, output, sources, cite, repair: u32::try_from(repair).unwrap_or(2) })
}

/// Passages are material like any other, in a block of their own.
fn sources(fields: &mut Fields<'_, '_>, data: &mut BTreeMap<String, Template>) -> bool {
    let Some(node) = fields.opt("sources") else { return false };
    let key = fields.path("sources");
    if data.contains_key(cite::SOURCES) {
        let text = Text::new(
            format!("Neben sources kann kein Block „{}“ stehen: so heißen die Fundstellen.", cite::SOURCES),
            format!("Beside sources there can be no block \"{}\": that is what the passages are called.", cite::SOURCES),
        );
        fields.findings.error("LZ108", node.at, key.clone(), text);
    }
    data.extend(list(node, &key, fields.findings).map(|list| (cite::SOURCES.to_owned(), Template::Expression(Box::new(list)))));
    true
}

/// What `cite: required` needs, and what it makes of the output.
fn cited(node: &Node, key: &str, sources: bool, output: Option<Schema>, findings: &mut Findings) -> Option<Schema> {
    let key = format!("{key}.cite");
    let at = node.get("cite").map_or(node.at, |n| n.at);
    if !sources {
        let text = Text::new("Belegt wird aus Fundstellen: hier fehlt sources.", "Quotations come from passages: sources is missing here.");
        findings.error("LZ106", at, key.clone(), text);
    }
    let Some(schema) = output.filter(|schema| schema.root.get("properties").is_some()) else {
        let text = Text::new(
            "Belege stehen an Feldern: hier fehlt output, ein Schema mit properties.",
            "Quotations stand beside fields: output is missing here, a schema with properties.",
        );
        findings.error("LZ106", at, key, text);
        return None;
    };
    if let Some(word) = cite::unclear(&schema.root) {
        let text = Text::new(
            format!("Mit cite: required besteht output aus Blöcken und Listen von Blöcken; „{word}“ geht hier nicht."),
            format!("With cite: required the output is objects and lists of objects; \"{word}\" cannot stand here."),
        );
        findings.error("LZ113", at, key, text);
        return None;
    }
    Schema::compile(cite::with_belege(&schema.root)).ok()
}

fn rules(node: &Node, key: &str, reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Rules> {
    let mut inner = Fields::open(node, key, findings)?;
    let with_key = inner.path("with");
    let with = templates(&mut inner, "with", &with_key);
    let table_key = inner.path("table");
    let at = inner.req("table")?;
    let written = fields::text(at, &table_key, inner.findings)?;
    let table = reader.open(at, &table_key, written, inner.findings).and_then(|(path, text)| {
        let mut own = Findings::new(path);
        let table = Table::read(text, &mut own);
        inner.findings.add(own.into_sorted());
        table
    });
    inner.close();
    Some(Rules { table: table?, with, at: node.at })
}

fn set(node: &Node, key: &str, findings: &mut Findings) -> Option<StepKind> {
    if !matches!(node.kind, Kind::Map(_)) {
        fields::wrong_type(node, key, &Text::new("ein Block mit Namen und Werten", "a block of names and values"), findings);
        return None;
    }
    let mut errors = Vec::new();
    let template = Template::compile(node, &mut errors);
    syntax_errors(errors, key, findings);
    Some(StepKind::Set(template))
}

fn needs(fields: &mut Fields<'_, '_>) -> BTreeMap<StepId, bool> {
    let Some(node) = fields.opt("needs") else { return BTreeMap::new() };
    let key = fields.path("needs");
    let mut needs = BTreeMap::new();
    for written in fields::texts(node, &key, fields.findings) {
        let optional = written.ends_with('?');
        match StepId::parse(written.trim_end_matches('?')) {
            Some(id) => {
                needs.insert(id, optional);
            }
            None => {
                fields.findings.error(
                    "LZ109",
                    node.at,
                    key.clone(),
                    Text::new(format!("„{written}“ ist kein Name eines Schritts."), format!("\"{written}\" is no name of a step.")),
                );
            }
        }
    }
    needs
}

/// A condition must be an expression: a text without braces would always be true.
pub fn asked(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<Expression> {
    let node = fields.opt(name)?;
    let key = fields.path(name);
    let written = match &node.kind {
        Kind::Bool(b) => format!("{{{{ {b} }}}}"),
        Kind::Text(text) if text.contains("{{") => text.clone(),
        _ => {
            fields.findings.error(
                "LZ107",
                node.at,
                key,
                Text::new("Eine Bedingung ist ein Ausdruck: \"{{ … }}\".", "A condition is an expression: \"{{ … }}\"."),
            );
            return None;
        }
    };
    match Expression::compile(&written, node.at) {
        Ok(expression) => Some(expression),
        Err(error) => {
            syntax_errors(vec![error], &key, fields.findings);
            None
        }
    }
}

fn retry(fields: &mut Fields<'_, '_>) -> Option<Retry> {
    let node = fields.opt("retry")?;
    let key = fields.path("retry");
    let mut inner = Fields::open(node, key, fields.findings)?;
    let default = Retry::default();
    // more than 20 attempts is a trigger's job, not a step's
    let attempts = inner.integer("attempts", 1, 20).map_or(3, |n| u32::try_from(n).unwrap_or(3));
    let delay = inner.span("delay").unwrap_or(default.delay);
    let backoff = backoff(&mut inner).unwrap_or(default.backoff);
    let max_delay = inner.span("max_delay").unwrap_or(default.max_delay);
    let on = classes(&mut inner).unwrap_or(default.on);
    inner.close();
    Some(Retry { attempts, delay, backoff, max_delay, on })
}

/// Each wait is this many times the one before.
fn backoff(fields: &mut Fields<'_, '_>) -> Option<f64> {
    let factor = fields.number("backoff")?;
    if !(1.0..=10.0).contains(&factor) {
        let at = fields.opt("backoff").map_or(fields.at(), |n| n.at);
        let key = fields.path("backoff");
        fields.findings.error("LZ107", at, key, Text::new("Hier wird eine Zahl von 1 bis 10 erwartet.", "A number from 1 to 10 is expected here."));
        return None;
    }
    Some(factor)
}

fn classes(fields: &mut Fields<'_, '_>) -> Option<BTreeSet<FailureClass>> {
    let legal = [("timeout", FailureClass::Timeout), ("unavailable", FailureClass::Unavailable), ("invalid_output", FailureClass::InvalidOutput)];
    fields.many_of("on", &legal).map(|classes| classes.into_iter().collect())
}
