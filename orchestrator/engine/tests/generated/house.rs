//! The tenant generated processes run in: a few tools of every kind, zones, rights.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Kategorie, Schutzbedarf, Trust};
use laufzettel_engine::EndpointFacts;
use laufzettel_policy::{Clearance, Effect, Grant, Group, Identity, Rules, ServiceAccount, ToolRule, Yields, Zone};
use laufzettel_process::{Schema, Tools, model::Size, types::ToolTypes};
use serde_json::{Value, json};

pub struct House {
    pub tools: BTreeMap<String, ToolRule>,
    pub types: Tools,
    pub zones: BTreeMap<String, Zone>,
    pub endpoints: Vec<EndpointFacts>,
    pub rules: Rules,
    pub members: BTreeMap<String, Option<Vec<Group>>>,
}

fn rule(effect: Effect, content: &[&str], clearance: Clearance, yields: Yields) -> ToolRule {
    ToolRule {
        effect,
        identity: Identity::Delegation,
        idempotent: true,
        groups: vec!["GG-Amt".to_owned()],
        content: content.iter().map(|c| (*c).to_owned()).collect::<BTreeSet<_>>(),
        yields,
        clearance,
        undo: None,
        recipient: None,
        settles: false,
    }
}

fn yields(schutzbedarf: Schutzbedarf, kategorien: &[Kategorie], trust: Trust) -> Yields {
    Yields { schutzbedarf, kategorien: Some(kategorien.iter().copied().collect()), trust }
}

fn types(input: &Value, output: &Value) -> ToolTypes {
    ToolTypes { input: Schema::compile(input.clone()).unwrap(), output: Some(Schema::compile(output.clone()).unwrap()) }
}

impl House {
    /// The only model stands in `zone`.
    pub fn new(zone: &str) -> Self {
        use Schutzbedarf::{Hoch, Kein, Niedrig, Normal};
        let hoch = || Clearance::Level(Hoch);
        let send = ToolRule {
            recipient: Some("an".to_owned()),
            ..rule(Effect::Send, &["text"], Clearance::Recipients { haus: Hoch, beteiligte: Hoch, andere: Kein }, yields(Niedrig, &[], Trust::Trusted))
        };
        let tools = BTreeMap::from([
            ("t/lesen".to_owned(), rule(Effect::Read, &[], hoch(), Yields::default())),
            ("t/register".to_owned(), rule(Effect::Read, &[], hoch(), yields(Normal, &[Kategorie::Personenbezogen], Trust::Untrusted))),
            (
                "t/ablegen".to_owned(),
                ToolRule { undo: Some("ablegen".to_owned()), ..rule(Effect::Write, &["inhalt"], hoch(), yields(Niedrig, &[], Trust::Trusted)) },
            ),
            ("t/vermerk".to_owned(), rule(Effect::Write, &["inhalt"], Clearance::Level(Normal), yields(Niedrig, &[], Trust::Trusted))),
            ("m/senden".to_owned(), send),
        ]);
        let found = json!({ "type": "object", "required": ["text", "anzahl", "art"], "additionalProperties": false,
            "properties": { "text": { "type": "string" }, "anzahl": { "type": "integer" }, "art": { "enum": ["x", "y"] } } });
        let mut listed = found.clone();
        listed["properties"]["liste"] = json!({ "type": "array", "items": { "type": "object", "additionalProperties": false, "required": ["name", "anzahl"],
            "properties": { "name": { "type": "string" }, "anzahl": { "type": "integer" } } } });
        listed["required"] = json!(["text", "anzahl", "art", "liste"]);
        let filed = json!({ "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } });
        let any = json!({ "type": "object" });
        let types = Tools::from([
            ("t/lesen".to_owned(), types(&any, &listed)),
            ("t/register".to_owned(), types(&any, &found)),
            ("t/ablegen".to_owned(), types(&any, &filed)),
            ("t/vermerk".to_owned(), types(&any, &filed)),
            ("m/senden".to_owned(), types(&any, &filed)),
        ]);
        let zones = ["gruen", "gelb", "rot"].map(|name| {
            let (max_schutzbedarf, kategorien) = Zone::shipped(name).unwrap();
            let zone = Zone { name: name.to_owned(), max_schutzbedarf, kategorien, betreiber: String::new(), ort: String::new(), recht: String::new() };
            (name.to_owned(), zone)
        });
        let account = ServiceAccount { processes: vec!["*".to_owned()], groups: vec![], allow: vec!["tool.call:*/*".to_owned(), "models.use".to_owned()] };
        Self {
            tools,
            types,
            zones: zones.into(),
            endpoints: vec![EndpointFacts { name: "m".to_owned(), zone: zone.to_owned(), size: Size::L, context: 8_000 }],
            rules: Rules {
                grants: vec![Grant { groups: vec!["GG-Amt".to_owned()], allow: vec!["models.use".to_owned(), "label.release".to_owned()] }],
                services: BTreeMap::from([("svc".to_owned(), account)]),
                ..Rules::default()
            },
            members: BTreeMap::from([("GG-Amt".to_owned(), Some(vec![Group { name: "GG-Amt".to_owned(), sid: "S-1-5-9".to_owned() }]))]),
        }
    }
}
