//! What a trigger asks (LZ402, LZ607), and what becomes input that way (LZ404): an entry of a tool must not lose its label by becoming
//! the input of a run.

use laufzettel_domain::{Findings, Label, Place, Text, Trust, Value};
use laufzettel_policy::{AddressClass, Effect, ToolRule, effective_level};
use laufzettel_process::{
    model::{Trigger, TriggerKind},
    poll::Poll,
};

use super::{Setting, sinks};
use crate::{labels::Labels, poll};

pub fn check(labels: Labels<'_>, setting: &Setting<'_>, findings: &mut Findings) {
    for (i, trigger) in labels.process.triggers.iter().enumerate() {
        let TriggerKind::Poll(poll) = &trigger.kind else { continue };
        let Some(rule) = setting.context.tools.get(&poll.call.name()) else { continue };
        let key = format!("triggers[{}].poll", i + 1);
        reads(poll, rule, &key, findings);
        if setting.rules.is_some() {
            asked(labels, poll, rule, &key, findings);
        }
        brought(labels, trigger, poll, &key, findings);
    }
}

/// It is asked again and again, and after a crash once more: that must change nothing.
fn reads(poll: &Poll, rule: &ToolRule, key: &str, findings: &mut Findings) {
    if rule.effect == Effect::Read {
        return;
    }
    let name = poll.call.name();
    let text = Text::new(
        format!("„{name}“ ändert etwas; ein Auslöser fragt nur, was liest."),
        format!("\"{name}\" changes something; a trigger asks only what reads."),
    );
    findings.error("LZ607", poll.call.at, format!("{key}.tool"), text);
}

/// What goes back to the tool is what it said.
fn asked(labels: Labels<'_>, poll: &Poll, rule: &ToolRule, key: &str, findings: &mut Findings) {
    let level = rule.clearance.level_for(AddressClass::Andere);
    for (name, template) in &poll.call.with {
        let label = poll::of_argument(labels.process, labels.context, poll, template);
        if effective_level(&label) > level {
            let at = template.expressions().first().map_or(poll.call.at, |e| e.at);
            sinks::clearance(&poll.call.name(), &format!("{key}.with.{name}"), at, &label, level, &[], findings);
        }
    }
}

fn brought(labels: Labels<'_>, trigger: &Trigger, poll: &Poll, key: &str, findings: &mut Findings) {
    let (process, input) = (labels.process, &labels.process.input);
    let yields = poll::yields(process, labels.context, poll);
    let default = process.default_label(Trust::Untrusted);
    let described = input.resolve(&input.root).and_then(|root| root.get("properties")).and_then(Value::as_object);
    let Some(fields) = described else {
        if !input.takes(&[], &yields, &default) {
            lowered("input", &poll.call.name(), &yields, trigger.at, key, findings);
        }
        return;
    };
    for name in fields.keys() {
        if !input.takes(std::slice::from_ref(name), &yields, &default) {
            lowered(&format!("input.{name}"), &poll.call.name(), &yields, trigger.at, key, findings);
        }
    }
}

fn lowered(field: &str, tool: &str, yields: &Label, at: Place, key: &str, findings: &mut Findings) {
    let text = Text::new(
        format!("{tool} ({yields}) → {field}: Was „{tool}“ bringt, ist mehr, als {field} (oder etwas darin) erwartet."),
        format!("{tool} ({yields}) → {field}: what \"{tool}\" brings is more than {field} (or something in it) expects."),
    );
    findings.error("LZ404", at, key, text).hint = Some(Text::new(
        "schutzbedarf oder datenkategorien des Prozesses oder des Feldes (x-schutzbedarf, x-kategorien) anheben.",
        "Raise schutzbedarf or datenkategorien of the process or of the field (x-schutzbedarf, x-kategorien).",
    ));
}
