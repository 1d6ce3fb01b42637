//! `applicant`: whether and until when whoever applied may withdraw.

use laufzettel_domain::{Findings, Node, Text, document::Fields};

use super::step_named;
use crate::applicant::{Applicant, Withdraw};

pub fn applicant(fields: &mut Fields<'_, '_>) -> Applicant {
    let Some(node) = fields.opt("applicant") else { return Applicant::default() };
    let Some(mut inner) = Fields::open(node, "applicant", fields.findings) else { return Applicant::default() };
    let withdraw = inner.opt("withdraw").and_then(|node| withdraw(node, "applicant.withdraw", inner.findings));
    inner.close();
    Applicant { withdraw: withdraw.unwrap_or_default() }
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
