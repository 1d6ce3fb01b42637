//! `wait` steps: for a time, until one, or for something that happens elsewhere; and what ends it early.

use laufzettel_domain::{
    Findings, Node, StepId, Text,
    document::{Fields, Kind, fields},
};

use super::{Reader, step_named, syntax_errors};
use crate::{
    expression::Template,
    model::{Awaited, AwaitedEvent, Length, Wait},
};

pub fn wait(node: &Node, key: &str, reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Wait> {
    let mut inner = Fields::open(node, key, findings)?;
    let (span, until, event) = (inner.opt("for"), inner.opt("until"), inner.opt("event"));
    let unless = inner.opt("unless").and_then(|n| ender(n, &format!("{key}.unless"), inner.findings));
    let what = match (span, until, event) {
        (Some(node), None, None) => duration(node, &format!("{key}.for"), inner.findings).map(|t| Awaited::Time(Length::For(t))),
        (None, Some(node), None) => moment(node, &format!("{key}.until"), inner.findings).map(|t| Awaited::Time(Length::Until(t))),
        (None, None, Some(node)) => awaited(node, &mut inner, reader).map(|event| Awaited::Event(Box::new(event))),
        _ => {
            let text = Text::new(
                "Ein wait hat genau eines: for (Dauer), until (Datum, Zeitpunkt) oder event (Name eines Ereignisses).",
                "A wait has exactly one: for (a duration), until (a date or instant) or event (an event's name).",
            );
            inner.findings.error("LZ116", node.at, key, text);
            for name in ["key", "output", "timeout"] {
                inner.opt(name);
            }
            None
        }
    };
    inner.close();
    Some(Wait { what: what?, unless, at: node.at })
}

/// `event`, `key` and `output`: what is waited for, whose it is, and what it brings.
fn awaited(node: &Node, fields: &mut Fields<'_, '_>, reader: &mut Reader<'_>) -> Option<AwaitedEvent> {
    let (event_key, key_key, output_key, timeout_key) = (fields.path("event"), fields.path("key"), fields.path("output"), fields.path("timeout"));
    let name = fields::text(node, &event_key, fields.findings)?.to_owned();
    let named = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.')) && !name.is_empty() && name.len() <= 100;
    if !named {
        let text = Text::new(
            format!("Ein Ereignis heißt wie „zahlung“: a–z, 0–9, - _ und Punkt; nicht „{name}“."),
            format!("An event is named like \"zahlung\": a–z, 0–9, - _ and dot; not \"{name}\"."),
        );
        fields.findings.error("LZ109", node.at, event_key, text);
    }
    let key = fields.req("key").map(|n| compiled(n, &key_key, fields.findings));
    let output = fields.req("output").and_then(|n| {
        let schema = reader.schema(n, &output_key, fields.findings)?;
        let object = schema.root.get("type") == Some(&laufzettel_domain::Value::from("object"));
        if !object || schema.root.pointer("/properties/timed_out").is_some() {
            let text = Text::new(
                "Was ein Ereignis bringt, ist ein Block (type: object) ohne eigenes Feld timed_out.",
                "What an event brings is an object without a field timed_out of its own.",
            );
            fields.findings.error("LZ113", n.at, output_key.clone(), text);
        }
        Some(schema)
    });
    let timeout = match fields.opt("timeout") {
        None => None,
        Some(node) => Some(duration(node, &timeout_key, fields.findings)?),
    };
    Some(AwaitedEvent { name, key: key?, output: output?, timeout })
}

/// `steps.x`
fn ender(node: &Node, key: &str, findings: &mut Findings) -> Option<StepId> {
    step_named(fields::text(node, key, findings)?, node.at, key, findings)
}

fn compiled(node: &Node, key: &str, findings: &mut Findings) -> Template {
    let mut errors = Vec::new();
    let template = Template::compile(node, &mut errors);
    syntax_errors(errors, key, findings);
    template
}

/// `P14D`, or an expression that gives one.
fn duration(node: &Node, key: &str, findings: &mut Findings) -> Option<Template> {
    let expression = matches!(&node.kind, Kind::Text(text) if text.contains("{{"));
    if !expression {
        fields::span(node, key, findings)?;
    }
    Some(compiled(node, key, findings))
}

/// `2027-01-01`, an instant, or an expression that gives one.
fn moment(node: &Node, key: &str, findings: &mut Findings) -> Option<Template> {
    let written = fields::text(node, key, findings)?;
    let literal = written.parse::<jiff::civil::Date>().is_ok() || written.parse::<jiff::Timestamp>().is_ok();
    if !written.contains("{{") && !literal {
        let text = Text::new(
            format!("Hier steht ein Datum (2027-01-01) oder ein Zeitpunkt, nicht „{written}“. Eine Dauer gehört in for."),
            format!("A date (2027-01-01) or an instant stands here, not \"{written}\". A duration belongs into for."),
        );
        findings.error("LZ107", node.at, key, text);
        return None;
    }
    Some(compiled(node, key, findings))
}
