//! `poll` among the triggers. What it asks and how an answer is read are expressions over nothing but `cursor`, `result`, `item`.

use laufzettel_domain::{
    Findings, Node, Span, Text,
    document::{Fields, fields},
};

use super::{step, trigger::account};
use crate::{
    expression::Expression,
    model::{Trigger, TriggerKind},
    poll::Poll,
};

/// Milliseconds between two looks at least: a person who waits for more than that is served by a webhook.
const EVERY_MS_MIN: i64 = 10_000;
/// At most a day: what is looked for less often is a schedule's job.
const EVERY_MS_MAX: i64 = 24 * 3600 * 1000;

pub fn read_poll(node: &Node, key: &str, findings: &mut Findings) -> Option<Trigger> {
    let mut fields = Fields::open(node, key, findings)?;
    fields.req("tool");
    let call = step::tool(&mut fields);
    let every = every(&mut fields);
    let cursor = fields.opt("cursor").map(|node| expression(node, &fields.path("cursor"), fields.findings));
    let named = fields.req("key").and_then(|node| expression(node, &fields.path("key"), fields.findings));
    let run_as = account(&mut fields);
    fields.close();
    let cursor = match cursor {
        None => None,
        Some(read) => Some(read?),
    };
    let poll = Poll { call: call?, every: every?, cursor, key: named?, number: 0 };
    Some(Trigger { kind: TriggerKind::Poll(Box::new(poll)), run_as: run_as?, at: node.at })
}

fn every(fields: &mut Fields<'_, '_>) -> Option<Span> {
    let node = fields.req("every")?;
    let key = fields.path("every");
    let every = fields::span(node, &key, fields.findings)?;
    if !(EVERY_MS_MIN..=EVERY_MS_MAX).contains(&every.approx_millis()) {
        let text =
            Text::new("Gefragt wird alle zehn Sekunden bis einmal am Tag (PT10S bis P1D).", "It is asked every ten seconds to once a day (PT10S to P1D).");
        fields.findings.error("LZ107", node.at, key, text);
        return None;
    }
    Some(every)
}

fn expression(node: &Node, key: &str, findings: &mut Findings) -> Option<Expression> {
    let Some(written) = node.text().filter(|text| text.contains("{{")) else {
        let text = Text::new(
            "Hier steht ein Ausdruck: cursor liest result, key liest item, etwa \"{{ item.id }}\".",
            "An expression stands here: cursor reads result, key reads item, such as \"{{ item.id }}\".",
        );
        findings.error("LZ107", node.at, key, text);
        return None;
    };
    Expression::compile(written, node.at).map_err(|error| super::syntax_errors(vec![error], key, findings)).ok()
}

/// Numbers the looks at each tool in the order of the file.
pub fn number(triggers: &mut [Trigger]) {
    let mut seen: Vec<String> = Vec::new();
    for trigger in triggers {
        if let TriggerKind::Poll(poll) = &mut trigger.kind {
            let name = poll.call.name();
            poll.number = seen.iter().filter(|other| **other == name).count();
            seen.push(name);
        }
    }
}
