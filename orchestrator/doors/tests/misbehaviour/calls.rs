//! Calls that may be made: a model asked one word, a tool without arguments.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use laufzettel_domain::{Caller, Clock, EffectKey, EffectPath, Label, RunId, Schutzbedarf, Slot, StepId, TenantId, Trust, Via, names::Phase};
use laufzettel_doors::pins::Pins;
use laufzettel_policy::{
    Clearance, Cleared, Effect, Grant, Group, Identity, Kategorien, ModelCall, Rules, ServiceAccount, ToolCall, ToolRule, Who, Yields, Zone, clear_model,
    clear_tool,
};
use serde_json::{Value, json};

pub struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

fn key() -> EffectKey {
    let run = RunId::parse("00000000-0000-7000-8000-000000000000").expect("an id");
    let path = EffectPath::of(&Slot::of(StepId::parse("a").expect("a name")), Phase::Do);
    EffectKey { tenant: TenantId::parse("t").expect("a name"), run, path, round: 0 }
}

pub fn model(timeout_ms: u64) -> Cleared<ModelCall> {
    let zone = Zone {
        name: "gruen".into(),
        max_schutzbedarf: Schutzbedarf::Hoch,
        kategorien: Kategorien::Alle,
        betreiber: String::new(),
        ort: String::new(),
        recht: "DE".into(),
    };
    let rules = Rules { grants: vec![Grant { groups: vec!["GG".into()], allow: vec!["models.use".into()] }], ..Rules::default() };
    let caller = Caller { subject: "S-1".into(), name: "A".into(), upn: "a".into(), via: Via::Form, os_user: None };
    let asked = ModelCall {
        key: key(),
        attempt: 1,
        process: "p".into(),
        prompt: "Ja oder nein?".into(),
        data: BTreeMap::new(),
        labels: BTreeMap::from([("prompt".to_owned(), Label::new(Schutzbedarf::Kein, [], Trust::Trusted))]),
        output: None,
        repairs: vec![],
        dialogue: None,
        timeout_ms,
        who: Who { caller, groups: vec![Group { name: "GG".into(), sid: "S-1-5-1".into() }] },
    };
    clear_model(asked, &zone, &[], &rules).expect("allowed")
}

/// The name every fake server goes by, and its one tool.
pub const SERVER: &str = "fremd";
const TOOL: &str = "tun";

pub fn tool(timeout_ms: u64) -> Cleared<ToolCall> {
    let account = ServiceAccount { processes: vec!["*".into()], groups: vec![], allow: vec![format!("tool.call:{SERVER}/*")] };
    let rules = Rules { services: BTreeMap::from([("dienst".to_owned(), account)]), ..Rules::default() };
    let rule = ToolRule {
        identity: Identity::None,
        effect: Effect::Write,
        idempotent: false,
        groups: vec![],
        content: BTreeSet::new(),
        yields: Yields { schutzbedarf: Schutzbedarf::Kein, kategorien: None, trust: Trust::Untrusted },
        clearance: Clearance::Level(Schutzbedarf::Hoch),
        undo: None,
        recipient: None,
        settles: false,
    };
    let asked = ToolCall {
        key: key(),
        attempt: 1,
        process: "p".into(),
        zweck: "z".into(),
        server: SERVER.into(),
        tool: TOOL.into(),
        arguments: json!({}),
        labels: BTreeMap::new(),
        listed: BTreeSet::new(),
        contacts: BTreeSet::new(),
        declared: BTreeSet::new(),
        receipt: false,
        timeout_ms,
        who: Who { caller: Caller::service("dienst", Via::Intake), groups: vec![] },
    };
    clear_tool(asked, &rule, &[], &rules).expect("allowed")
}

/// What a good server lists.
pub fn list() -> Value {
    let output = json!({ "type": "object", "required": ["da"], "properties": { "da": { "type": "boolean" } } });
    json!({ "tools": [{ "name": TOOL, "description": "Tut etwas.", "inputSchema": { "type": "object" }, "outputSchema": output }] })
}

/// What was approved: just that.
pub fn pins() -> Pins {
    serde_json::from_value(list()).expect("pins")
}
