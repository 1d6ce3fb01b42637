//! Reads `<process>.cases.yaml`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use laufzettel_domain::{
    Findings, Node, Text, Value,
    document::{self, Fields},
};
use laufzettel_process::{Folder, applicant::Loa};

#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    /// A sign-in name, or `applicant`.
    pub by: String,
    /// Of an applicant who signed in: how surely is known who she is.
    pub loa: Option<Loa>,
    pub now: Timestamp,
    pub input: Value,
    /// Answers of tools: one for every call, or a list call by call.
    pub tools: BTreeMap<String, Value>,
    pub models: BTreeMap<String, Value>,
    pub humans: BTreeMap<String, Value>,
    /// What happens elsewhere, and when, in order.
    pub events: Vec<Scheduled>,
    /// What children bring, by step; one that is not named is run.
    pub processes: BTreeMap<String, Value>,
    pub expect: Expect,
}

/// An event of a case.
#[derive(Debug, Clone)]
pub struct Scheduled {
    pub name: String,
    pub key: String,
    pub payload: Value,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Default)]
pub struct Expect {
    pub state: Option<String>,
    pub refused: Option<String>,
    pub denied: Option<String>,
    pub waiting: Option<String>,
    pub output: Option<Value>,
    pub steps: BTreeMap<String, Value>,
    /// `(tool, arguments it was called with)`
    pub calls: Vec<(String, Value)>,
    pub not_called: Vec<String>,
    pub skipped: Vec<String>,
    /// Names of all whoever applied gets in the end.
    pub receives: Option<Vec<String>>,
}

pub fn read(folder: &Folder, file: &str, findings: &mut Findings) -> Vec<Case> {
    let Some(document) = folder.get(file).and_then(|text| document::parse(text, findings)) else { return Vec::new() };
    let Some(mut fields) = Fields::open(&document.root, "", findings) else { return Vec::new() };
    let mut cases = Vec::new();
    fields.req("cases");
    for (i, item) in fields.list("cases").iter().enumerate() {
        cases.extend(case(item, &format!("cases[{}]", i + 1), folder, file, fields.findings));
    }
    fields.close();
    cases
}

fn case(node: &Node, key: &str, folder: &Folder, file: &str, findings: &mut Findings) -> Option<Case> {
    let mut fields = Fields::open(node, key, findings)?;
    let name = fields.req_text("name").map(str::to_owned);
    let by = by(&mut fields);
    let now = now(&mut fields);
    let mut value = |name: &'static str| {
        let path = fields.path(name);
        fields.opt(name).map(|n| resolved(n, &path, folder, file, fields.findings))
    };
    let (input, tools, models, humans, processes) = (value("input"), value("tools"), value("models"), value("humans"), value("processes"));
    let events = events(&mut fields, key, now);
    let expect = fields.req("expect").and_then(|n| expect(n, &fields.path("expect"), fields.findings));
    fields.close();
    let (by, loa) = by?;
    Some(Case {
        name: name?,
        by,
        loa,
        now: now?,
        input: input.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
        tools: map(tools),
        models: map(models),
        humans: map(humans),
        events: events?,
        processes: map(processes),
        expect: expect?,
    })
}

/// `{ name, key, payload, after }`: `after` counts from the start of the case.
fn events(fields: &mut Fields<'_, '_>, key: &str, now: Option<Timestamp>) -> Option<Vec<Scheduled>> {
    let mut events = Some(Vec::new());
    for (i, item) in fields.list("events").iter().enumerate() {
        let Some(mut inner) = Fields::open(item, format!("{key}.events[{}]", i + 1), fields.findings) else { continue };
        let (name, event_key) = (inner.req_text("name").map(str::to_owned), inner.req_text("key").map(str::to_owned));
        let payload = inner.opt("payload").map_or_else(|| Value::Object(serde_json::Map::new()), Node::to_value);
        let after = inner.span("after");
        let timed = after.is_some() || inner.opt("after").is_none();
        inner.close();
        let at = now.map(|now| after.map_or(now, |span| span.after(now, &jiff::tz::TimeZone::UTC)));
        match (events.as_mut(), name, event_key, at.filter(|_| timed)) {
            (Some(list), Some(name), Some(key), Some(at)) => list.push(Scheduled { name, key, payload, at }),
            _ => events = None,
        }
    }
    if let Some(list) = &mut events {
        list.sort_by_key(|event| event.at);
    }
    events
}

fn map(value: Option<Value>) -> BTreeMap<String, Value> {
    match value {
        Some(Value::Object(map)) => map.into_iter().collect(),
        _ => BTreeMap::new(),
    }
}

/// Who begins, and of an applicant the level: `applicant`, `{ applicant: { loa } }`, or a sign-in name.
fn by(fields: &mut Fields<'_, '_>) -> Option<(String, Option<Loa>)> {
    let applicant = |loa| Some(("applicant".to_owned(), loa));
    let Some(node) = fields.opt("as") else { return applicant(None) };
    if node.entries().is_empty() {
        return Some((fields.text("as")?.to_owned(), None));
    }
    let mut outer = Fields::open(node, fields.path("as"), fields.findings)?;
    let mut level = Fields::open(outer.req("applicant")?, outer.path("applicant"), outer.findings)?;
    level.req("loa");
    let loa = level.one_of("loa", &Loa::ALL);
    level.close();
    outer.close();
    applicant(loa)
}

fn now(fields: &mut Fields<'_, '_>) -> Option<Timestamp> {
    let Some(node) = fields.opt("now") else { return Some(Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::UNIX_EPOCH)) };
    let parsed = node.text().and_then(|text| text.parse().ok());
    if parsed.is_none() {
        let (at, key) = (node.at, fields.path("now"));
        fields.findings.error(
            "LZ117",
            at,
            key,
            Text::new("Hier wird ein Zeitpunkt erwartet (z. B. 2026-09-20T10:00:00+02:00).", "An instant is expected here (2026-09-20T10:00:00+02:00)."),
        );
    }
    parsed
}

/// A value in which `{ $ref: file }` stands for that file's JSON, at any depth.
pub(super) fn resolved(node: &Node, key: &str, folder: &Folder, file: &str, findings: &mut Findings) -> Value {
    if let Some(reference) = node.get("$ref")
        && let Some(written) = reference.text()
    {
        let found = laufzettel_process::folder::resolve(file, written).and_then(|path| folder.get(&path));
        let value = found.and_then(|text| serde_json::from_str(text).ok());
        if value.is_none() {
            findings.error(
                "LZ118",
                reference.at,
                key,
                Text::new(format!("„{written}“ gibt es nicht, oder es ist kein JSON."), format!("\"{written}\" does not exist or is no JSON.")),
            );
        }
        return value.unwrap_or(Value::Null);
    }
    match &node.kind {
        document::Kind::List(items) => items.iter().map(|item| resolved(item, key, folder, file, findings)).collect(),
        document::Kind::Map(entries) => {
            Value::Object(entries.iter().map(|e| (e.key.clone(), resolved(&e.node, &format!("{key}.{}", e.key), folder, file, findings))).collect())
        }
        _ => node.to_value(),
    }
}

/// How a run may stand when a case is over.
const STATES: [(&str, &str); 6] =
    [("completed", "completed"), ("failed", "failed"), ("cancelled", "cancelled"), ("stuck", "stuck"), ("running", "running"), ("waiting", "waiting")];

fn expect(node: &Node, key: &str, findings: &mut Findings) -> Option<Expect> {
    let mut fields = Fields::open(node, key, findings)?;
    let state = fields.one_of("state", &STATES).map(str::to_owned);
    let mut text = |name| fields.text(name).map(str::to_owned);
    let (refused, denied, waiting) = (text("refused"), text("denied"), text("waiting"));
    for (name, said) in [("refused", &refused), ("denied", &denied)] {
        // nothing is part of every reason
        if said.as_ref().is_some_and(|said| said.trim().is_empty()) {
            let (at, place) = (fields.at(), fields.path(name));
            let text =
                Text::new("Hier steht der Code der Ablehnung oder ein Teil ihres Grundes.", "Here stands the code of the refusal, or a part of its reason.");
            fields.findings.error("LZ108", at, place, text);
        }
    }
    let output = fields.opt("output").map(Node::to_value);
    let steps = map(fields.opt("steps").map(Node::to_value));
    let mut calls = Vec::new();
    for (i, item) in fields.list("calls").iter().enumerate() {
        let Some(mut inner) = Fields::open(item, format!("{key}.calls[{}]", i + 1), fields.findings) else { continue };
        let tool = inner.req_text("tool").map(str::to_owned);
        let with = inner.opt("with").map_or(Value::Null, Node::to_value);
        inner.close();
        calls.extend(tool.map(|tool| (tool, with)));
    }
    let not_called = fields.texts("not_called").unwrap_or_default();
    let skipped = fields.texts("skipped").unwrap_or_default();
    let receives = fields.texts("receives");
    fields.close();
    Some(Expect { state, refused, denied, waiting, output, steps, calls, not_called, skipped, receives })
}
