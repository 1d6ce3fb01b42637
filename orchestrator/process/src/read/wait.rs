//! `wait` steps: for a time, or until one; and what ends it early.

use laufzettel_domain::{
    Findings, Node, StepId, Text,
    document::{Fields, Kind, fields},
};

use super::{not_supported, step_named, syntax_errors};
use crate::{
    expression::Template,
    model::{Length, Wait},
};

pub fn wait(node: &Node, key: &str, findings: &mut Findings) -> Option<Wait> {
    let mut inner = Fields::open(node, key, findings)?;
    not_supported(&mut inner, &["event", "key", "output", "timeout"]);
    let event = node.get("event").is_some();
    let (span, until) = (inner.opt("for"), inner.opt("until"));
    let unless = inner.opt("unless").and_then(|n| ender(n, &format!("{key}.unless"), inner.findings));
    if span.is_some() == until.is_some() && !event {
        let text = Text::new(
            "Ein wait hat genau eines: for (Dauer) oder until (Datum, Zeitpunkt).",
            "A wait has exactly one: for (a duration) or until (a date or instant).",
        );
        inner.findings.error("LZ116", node.at, key, text);
    }
    let length = match (span, until) {
        (Some(node), None) => duration(node, &format!("{key}.for"), inner.findings).map(Length::For),
        (None, Some(node)) => moment(node, &format!("{key}.until"), inner.findings).map(Length::Until),
        _ => None,
    };
    inner.close();
    Some(Wait { length: length?, unless, at: node.at })
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
