//! `applicant`: until when whoever applied may withdraw, and what she gets in the end.

use laufzettel_domain::{Findings, Node, StepId, Text, document::Fields};

use super::{step_named, syntax_errors};
use crate::{
    applicant::{Applicant, Withdraw},
    expression::Template,
};

pub fn applicant(fields: &mut Fields<'_, '_>) -> Applicant {
    let Some(node) = fields.opt("applicant") else { return Applicant::default() };
    let Some(mut inner) = Fields::open(node, "applicant", fields.findings) else { return Applicant::default() };
    let withdraw = inner.opt("withdraw").and_then(|node| withdraw(node, "applicant.withdraw", inner.findings));
    let mut errors = Vec::new();
    let mut receives = Vec::new();
    for entry in inner.entries("receives") {
        if StepId::parse(&entry.key).is_none() {
            let text = Text::new(
                format!("„{}“ wird Teil einer Adresse: er beginnt mit a–z, danach a–z, 0–9 und _.", entry.key),
                format!("\"{}\" becomes part of an address: it begins with a–z, then a–z, 0–9 and _.", entry.key),
            );
            inner.findings.error("LZ109", entry.at, format!("applicant.receives.{}", entry.key), text);
        }
        receives.push((entry.key.clone(), Template::compile(&entry.node, &mut errors)));
    }
    syntax_errors(errors, "applicant.receives", inner.findings);
    inner.close();
    Applicant { withdraw: withdraw.unwrap_or_default(), receives }
}

/// `always`, `never`, or `{ until: steps.x }`.
fn withdraw(node: &Node, key: &str, findings: &mut Findings) -> Option<Withdraw> {
    match node.text() {
        Some("always") => return Some(Withdraw::Always),
        Some("never") => return Some(Withdraw::Never),
        Some(other) => {
            let text = Text::new(
                format!("„{other}“: möglich sind always, never und {{ until: steps.<Schritt> }}."),
                format!("\"{other}\": possible are always, never and {{ until: steps.<step> }}."),
            );
            findings.error("LZ108", node.at, key, text);
            return None;
        }
        None => {}
    }
    let mut inner = Fields::open(node, key, findings)?;
    let step = inner.req("until").and_then(|node| {
        let key = inner.path("until");
        step_named(laufzettel_domain::document::fields::text(node, &key, inner.findings)?, node.at, &key, inner.findings)
    });
    inner.close();
    step.map(Withdraw::Until)
}
