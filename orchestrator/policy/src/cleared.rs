//! A call that may be made. Only this file can make one: the adapters behind the doors take nothing else.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{EffectKey, Label, Schutzbedarf, Text, Trust, Value};

use crate::{
    Action, Decision, Dialogue, Rules, ToolRule, Who, Zone, detect, detect_field, estimate_tokens,
    permit::{permit, permit_tool},
    tool::{Effect, address_class, effective_level},
    zone::zone_refusal,
};

/// A call both questions were asked about, with the answers.
#[derive(Debug, Clone)]
pub struct Cleared<C> {
    call: C,
    pub decision: Decision,
}

impl<C> Cleared<C> {
    pub fn call(&self) -> &C {
        &self.call
    }
}

/// Of a part nobody labelled, the worst is assumed.
fn label_of(labels: &BTreeMap<String, Label>, part: &str) -> Label {
    labels.get(part).cloned().unwrap_or_else(Label::strictest)
}

/// One MCP tool call about to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    pub key: EffectKey,
    pub attempt: u32,
    pub process: String,
    /// Purpose limitation: handed to every tool with every call.
    pub zweck: String,
    pub server: String,
    pub tool: String,
    pub arguments: Value,
    /// Of each argument, by name.
    pub labels: BTreeMap<String, Label>,
    /// Arguments whose every possible value the author listed: they may steer though they are only inert.
    pub listed: BTreeSet<String>,
    /// Contact addresses of the people this case is about that a staff member has seen.
    pub contacts: BTreeSet<String>,
    /// The contact addresses they declared themselves: enough for a receipt.
    pub declared: BTreeSet<String>,
    /// A fixed text, filled with trusted or inert values, to the declared contact: a receipt needs no clerk.
    pub receipt: bool,
    /// Milliseconds one attempt may take.
    pub timeout_ms: u64,
    pub who: Who,
}

impl ToolCall {
    /// Whom this call may count among the people concerned.
    pub fn known_contacts(&self, rule: &ToolRule) -> &BTreeSet<String> {
        if is_receipt(self, rule) { &self.declared } else { &self.contacts }
    }
}

/// One language-model call about to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCall {
    pub key: EffectKey,
    pub attempt: u32,
    pub process: String,
    /// The author's instruction.
    pub prompt: String,
    /// Named blocks of material.
    pub data: BTreeMap<String, Value>,
    /// Where each part came from, with its label, for the reason of a refusal.
    pub labels: BTreeMap<String, Label>,
    /// JSON Schema of the answer.
    pub output: Option<Value>,
    /// What was wrong with earlier answers, with those answers: the model is asked again.
    pub repairs: Vec<(String, String)>,
    /// Of an agent: what it may do, and what has been said.
    pub dialogue: Option<Dialogue>,
    pub timeout_ms: u64,
    pub who: Who,
}

impl ModelCall {
    /// The size of everything a request hands to a model, by what a text counts.
    fn measure(&self, of: fn(&str) -> usize) -> usize {
        let value = |value: &Value| value.as_str().map_or_else(|| of(&value.to_string()), of);
        let data: usize = self.data.iter().map(|(name, material)| of(name) + value(material)).sum();
        let repairs: usize = self.repairs.iter().map(|(answer, problem)| of(answer) + of(problem)).sum();
        let schema = self.output.as_ref().map_or(0, value);
        of(&self.prompt) + data + repairs + schema + self.dialogue.as_ref().map_or(0, |dialogue| dialogue.measure(of))
    }

    pub fn bytes(&self) -> u64 {
        self.measure(str::len) as u64
    }

    /// A rough upper bound of tokens in the request.
    pub fn estimate_tokens(&self) -> u64 {
        estimate_tokens(self.measure(|text| text.chars().count()))
    }
}

fn refuse(rule: String, reason: Text) -> Box<Decision> {
    Box::new(Decision { allow: false, reason, rule })
}

/// The tool door: permission first, then labels, then what steers.
pub fn clear_tool(call: ToolCall, rule: &ToolRule, own_domains: &[String], rules: &Rules) -> Result<Cleared<ToolCall>, Box<Decision>> {
    let name = format!("{}/{}", call.server, call.tool);
    let decision = permit_tool(&call.who, &name, rule, &call.process, rules);
    if !decision.allow {
        return Err(Box::new(decision));
    }
    let recipient = rule.recipient.as_ref().and_then(|argument| call.arguments.get(argument)).unwrap_or(&Value::Null);
    let receipt = is_receipt(&call, rule);
    let level = rule.clearance.level_for(address_class(recipient, own_domains, call.known_contacts(rule)));
    let arguments = call.arguments.as_object().into_iter().flat_map(|map| map.keys());
    for argument in call.labels.keys().chain(arguments.filter(|argument| !call.labels.contains_key(*argument))) {
        let declared = &label_of(&call.labels, argument);
        let addressed = rule.recipient.as_ref() == Some(argument);
        let label = if addressed { declared.clone() } else { found(&call.arguments, argument, own_domains).join(declared) };
        if effective_level(&label) > level {
            return Err(above(&call, argument, &label, &name, level));
        }
        let steers = rule.steers(argument) && !(receipt && addressed);
        if steers && label.trust < Trust::Trusted && !call.listed.contains(argument) {
            return Err(steering(&call, argument, &label, &name));
        }
    }
    Ok(Cleared { call, decision })
}

/// What the patterns say of an argument; an address in the argument that names the receiver is judged by its class.
fn found(arguments: &Value, argument: &str, own_domains: &[String]) -> Label {
    arguments.get(argument).map(|value| detect_field(argument, value, own_domains)).unwrap_or_default()
}

/// Asked again at the door, of the address itself and of every other value.
fn is_receipt(call: &ToolCall, rule: &ToolRule) -> bool {
    let Some(recipient) = rule.recipient.as_ref().filter(|_| call.receipt && rule.effect == Effect::Send) else { return false };
    let declared = call.arguments.get(recipient).and_then(Value::as_str).is_some_and(|address| call.declared.contains(address));
    let names = call.arguments.as_object().into_iter().flat_map(|map| map.keys());
    declared && names.into_iter().all(|argument| argument == recipient || label_of(&call.labels, argument).trust >= Trust::Inert)
}

fn above(call: &ToolCall, argument: &str, label: &Label, name: &str, level: Schutzbedarf) -> Box<Decision> {
    refuse(
        format!("tool:{name}.clearance"),
        Text::new(
            format!("{}.with.{argument} ({label}) → {name}: freigegeben nur bis {}", call.key.path, level.as_str()),
            format!("{}.with.{argument} ({label}) → {name}: cleared only up to {}", call.key.path, level.as_str()),
        ),
    )
}

fn steering(call: &ToolCall, argument: &str, label: &Label, name: &str) -> Box<Decision> {
    let trust = label.trust.as_str();
    refuse(
        format!("tool:{name}.steering"),
        Text::new(
            format!("{}.with.{argument} ({trust}) → {name}: dieses Argument steuert; ein Wert aus fremder Quelle darf das nicht", call.key.path),
            format!("{}.with.{argument} ({trust}) → {name}: this argument steers; a value of foreign origin must not", call.key.path),
        ),
    )
}

/// The model door for one endpoint's zone: permission, then every part of the assembled request.
pub fn clear_model(call: ModelCall, zone: &Zone, own_domains: &[String], rules: &Rules) -> Result<Cleared<ModelCall>, Box<Decision>> {
    let decision = permit(&call.who, &Action::ModelsUse, Some(&call.process), rules);
    if !decision.allow {
        return Err(Box::new(decision));
    }
    for (part, label) in &call.labels {
        if let Some(reason) = zone_refusal(label, zone) {
            return Err(refuse(
                format!("zone:{}", zone.name),
                Text::new(format!("{part} ({label}) → {}", reason.de), format!("{part} ({label}) → {}", reason.en)),
            ));
        }
    }
    let repairs = call.repairs.iter().flat_map(|(error, answer)| [error, answer]);
    let texts = repairs.chain([&call.prompt]).map(|text| detect(&Value::from(text.as_str()), own_domains));
    let said = call.dialogue.iter().flat_map(Dialogue::values).map(|value| detect(value, own_domains));
    let data = call.data.iter().map(|(name, value)| detect_field(name, value, own_domains));
    let material = Label::join_all(&texts.chain(data).chain(said).collect::<Vec<_>>());
    let whole = Label::join_all(call.labels.values()).join(&material);
    if let Some(reason) = zone_refusal(&whole, zone) {
        return Err(refuse(format!("zone:{}", zone.name), reason));
    }
    if label_of(&call.labels, "prompt").trust == Trust::Untrusted {
        return Err(refuse(
            "model.prompt".to_owned(),
            Text::new(
                "Die Anweisung an das Modell enthält Text aus fremder Quelle; er gehört in data",
                "The instruction to the model holds text of foreign origin; it belongs in data",
            ),
        ));
    }
    Ok(Cleared { call, decision })
}

#[cfg(test)]
mod tests {
    use laufzettel_domain::{Caller, EffectPath, Kategorie, RunId, Slot, StepId, TenantId, Via, names::Phase};
    use serde_json::json;

    use super::*;
    use crate::{Clearance, Grant, Group, Identity, Kategorien, Yields};

    fn key() -> EffectKey {
        EffectKey {
            tenant: TenantId::parse("t").unwrap(),
            run: RunId::parse("00000000-0000-7000-8000-000000000000").unwrap(),
            path: EffectPath::of(&Slot::of(StepId::parse("mitteilung").unwrap()), Phase::Do),
            round: 0,
        }
    }

    fn who() -> Who {
        Who {
            caller: Caller { subject: "S-1".into(), name: "A".into(), upn: "a".into(), via: Via::Form, os_user: None },
            groups: vec![Group { name: "GG".into(), sid: "S-1-5-1".into() }],
        }
    }

    fn label(level: Schutzbedarf, trust: Trust) -> Label {
        Label::new(level, [], trust)
    }

    fn send(an: &str, steering: Trust, text: Schutzbedarf) -> ToolCall {
        ToolCall {
            key: key(),
            attempt: 1,
            process: "p".into(),
            zweck: "z".into(),
            server: "mail".into(),
            tool: "senden".into(),
            arguments: json!({"an": an, "text": "x"}),
            labels: BTreeMap::from([("an".to_owned(), label(Schutzbedarf::Kein, steering)), ("text".to_owned(), label(text, Trust::Untrusted))]),
            listed: BTreeSet::new(),
            contacts: BTreeSet::from(["weber@example.org".to_owned()]),
            declared: BTreeSet::from(["neu@example.org".to_owned()]),
            receipt: false,
            timeout_ms: 1000,
            who: who(),
        }
    }

    /// To the address the applicant gave, which nobody has seen; `text` is filled with values of this trust.
    fn receipt(an: &str, text: Trust) -> ToolCall {
        let labels = BTreeMap::from([("an".to_owned(), label(Schutzbedarf::Normal, Trust::Untrusted)), ("text".to_owned(), label(Schutzbedarf::Normal, text))]);
        ToolCall { receipt: true, labels, ..send(an, Trust::Untrusted, Schutzbedarf::Kein) }
    }

    fn rule() -> ToolRule {
        ToolRule {
            identity: Identity::Delegation,
            effect: Effect::Send,
            idempotent: false,
            groups: vec!["GG".into()],
            content: BTreeSet::from(["text".to_owned()]),
            yields: Yields::default(),
            clearance: Clearance::Recipients { haus: Schutzbedarf::Hoch, beteiligte: Schutzbedarf::Normal, andere: Schutzbedarf::Kein },
            undo: None,
            recipient: Some("an".into()),
            settles: false,
        }
    }

    #[test]
    fn the_tool_door() {
        let own = ["vg.example".to_owned()];
        let rules = Rules::default();
        for (call, expected) in [
            (send("amt@vg.example", Trust::Trusted, Schutzbedarf::Hoch), "ok"),
            (send("weber@example.org", Trust::Trusted, Schutzbedarf::Normal), "ok"),
            (send("weber@example.org", Trust::Trusted, Schutzbedarf::Hoch), "tool:mail/senden.clearance"),
            (send("x@evil.example", Trust::Trusted, Schutzbedarf::Niedrig), "tool:mail/senden.clearance"),
            (send("amt@vg.example", Trust::Inert, Schutzbedarf::Kein), "tool:mail/senden.steering"),
            (ToolCall { listed: BTreeSet::from(["an".to_owned()]), ..send("amt@vg.example", Trust::Inert, Schutzbedarf::Kein) }, "ok"),
            (receipt("neu@example.org", Trust::Inert), "ok"),
            (receipt("neu@example.org", Trust::Untrusted), "tool:mail/senden.clearance"),
            (receipt("fremd@example.org", Trust::Inert), "tool:mail/senden.clearance"),
            (ToolCall { receipt: false, ..receipt("neu@example.org", Trust::Inert) }, "tool:mail/senden.clearance"),
            (ToolCall { who: Who { groups: vec![], ..who() }, ..send("amt@vg.example", Trust::Trusted, Schutzbedarf::Kein) }, "none"),
        ] {
            let found = clear_tool(call.clone(), &rule(), &own, &rules).map_or_else(|d| d.rule, |_| "ok".to_owned());
            assert_eq!(found, expected, "{} {:?}", call.arguments, call.labels);
        }
    }

    /// What nobody labelled is the strictest there is; what somebody labelled too low is what it looks like.
    #[test]
    fn no_argument_slips_past_its_label() {
        let call = |arguments: Value| ToolCall { arguments, ..send("x@evil.example", Trust::Trusted, Schutzbedarf::Kein) };
        for (arguments, expected) in [
            (json!({ "an": "x@evil.example", "text": "x" }), "ok"),
            (json!({ "an": "x@evil.example", "text": "x", "anhang": "y" }), "tool:mail/senden.clearance"),
            (json!({ "an": "x@evil.example", "text": "DE02120300000000202051" }), "tool:mail/senden.clearance"),
        ] {
            let found = clear_tool(call(arguments.clone()), &rule(), &[], &Rules::default()).map_or_else(|d| d.rule, |_| "ok".to_owned());
            assert_eq!(found, expected, "{arguments}");
        }
    }

    #[test]
    fn the_model_door() {
        let zone = |name: &str| {
            let (max_schutzbedarf, kategorien) = Zone::shipped(name).unwrap_or((Schutzbedarf::Kein, Kategorien::Alle));
            Zone { name: name.into(), max_schutzbedarf, kategorien, betreiber: String::new(), ort: String::new(), recht: String::new() }
        };
        let rules = Rules { grants: vec![Grant { groups: vec!["GG".into()], allow: vec!["models.use".into()] }], ..Rules::default() };
        let call = |kategorie: Option<Kategorie>, trust| ModelCall {
            key: key(),
            attempt: 1,
            process: "p".into(),
            prompt: "p".into(),
            data: BTreeMap::new(),
            labels: BTreeMap::from([
                ("steps.x.data.antrag".to_owned(), Label::new(Schutzbedarf::Kein, kategorie, Trust::Untrusted)),
                ("prompt".to_owned(), label(Schutzbedarf::Kein, trust)),
            ]),
            output: None,
            repairs: vec![],
            dialogue: None,
            timeout_ms: 1,
            who: who(),
        };
        let ask =
            |c: ModelCall, z: &str, r: &Rules| clear_model(c, &zone(z), &[], r).map_or_else(|d| format!("{}: {}", d.rule, d.reason.en), |_| "ok".to_owned());
        assert_eq!(ask(call(None, Trust::Inert), "rot", &rules), "ok");
        assert_eq!(
            ask(call(Some(Kategorie::Steuerdaten), Trust::Trusted), "rot", &rules),
            "zone:rot: steps.x.data.antrag (kein, steuerdaten) → zone rot: not cleared for steuerdaten"
        );
        assert!(ask(call(None, Trust::Untrusted), "gruen", &rules).starts_with("model.prompt"));
        assert!(ask(call(None, Trust::Trusted), "gruen", &Rules::default()).starts_with("none"));
    }
}
