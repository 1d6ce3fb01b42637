//! `human` steps: who is asked, what is shown, what is answered.

use std::collections::BTreeSet;

use laufzettel_domain::{
    Findings, Kategorie, Node, Place, Schutzbedarf, StepId, Text,
    document::{Fields, Kind},
    finding,
};

use super::{Reader, not_supported, step_named, syntax_errors};
use crate::{
    expression::Template,
    model::{Assign, Human, Release},
};

pub fn human(node: &Node, key: &str, reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Human> {
    let mut fields = Fields::open(node, key, findings)?;
    not_supported(&mut fields, &["vorschlag", "escalate"]);
    let assign = fields.req("assign").and_then(|n| assign(n, &fields.path("assign"), fields.findings));
    let not_by = others(&mut fields);
    let show_key = fields.path("show");
    let mut errors = Vec::new();
    let entries = fields.entries("show");
    let show_order = entries.iter().map(|e| e.key.clone()).collect();
    let show = entries.iter().map(|e| (e.key.clone(), Template::compile(&e.node, &mut errors))).collect();
    let form_node = fields.req("form");
    let form = form_node.and_then(|n| reader.schema(n, &fields.path("form"), fields.findings));
    let due = fields.opt("due").map(|n| due(n, &fields.path("due"), &mut errors, fields.findings));
    let ermessen = fields.boolean("ermessen").unwrap_or(false);
    let shown: Vec<&str> = entries.iter().map(|e| e.key.as_str()).collect();
    let release = fields.opt("release").and_then(|n| release(n, &fields.path("release"), &shown, fields.findings));
    syntax_errors(errors, &show_key, fields.findings);
    fields.close();
    let form = form?;
    let form_order = form_order(form_node, &form.root);
    forbid_auswahl(&form.root, form_node.map_or(node.at, |n| n.at), key, findings);
    Some(Human { assign: assign?, not_by, show, show_order, form, form_order, due, ermessen, release })
}

/// `[steps.x]`: whose work somebody else must look at.
fn others(fields: &mut Fields<'_, '_>) -> BTreeSet<StepId> {
    let Some(node) = fields.opt("not_by") else { return BTreeSet::new() };
    let key = fields.path("not_by");
    let mut others = BTreeSet::new();
    for written in laufzettel_domain::document::fields::texts(node, &key, fields.findings) {
        others.extend(step_named(&written, node.at, &key, fields.findings));
    }
    others
}

fn form_order(node: Option<&Node>, root: &laufzettel_domain::Value) -> Vec<String> {
    let written = node.and_then(|n| n.get("properties")).map(|p| p.entries().iter().map(|e| e.key.clone()).collect::<Vec<_>>());
    written
        .filter(|names| !names.is_empty())
        .unwrap_or_else(|| root.get("properties").and_then(laufzettel_domain::Value::as_object).map(|p| p.keys().cloned().collect()).unwrap_or_default())
}

fn forbid_auswahl(form: &laufzettel_domain::Value, at: Place, key: &str, findings: &mut Findings) {
    let fields = form.get("properties").and_then(laufzettel_domain::Value::as_object).into_iter().flatten();
    for (name, schema) in fields {
        if schema.get("x-auswahl").is_some() {
            super::unsupported(at, &format!("{key}.form.properties.{name}"), "x-auswahl", findings);
        }
    }
}

fn assign(node: &Node, key: &str, findings: &mut Findings) -> Option<Assign> {
    if node.text() == Some("applicant") {
        super::unsupported(node.at, key, "assign: applicant", findings);
        return None;
    }
    let mut fields = Fields::open(node, key, findings)?;
    let groups = fields.texts("groups").unwrap_or_default();
    let user = fields.text("user").map(str::to_owned);
    if groups.is_empty() && user.is_none() {
        fields.missing("groups", "LZ106");
    }
    fields.close();
    Some(Assign { groups, user, except: BTreeSet::new() })
}

/// `{ to, kategorien, of }`: all three, so that nobody lowers more than was written.
fn release(node: &Node, key: &str, shown: &[&str], findings: &mut Findings) -> Option<Release> {
    let mut fields = Fields::open(node, key, findings)?;
    for name in ["to", "kategorien", "of"] {
        fields.req(name);
    }
    let to = fields.one_of("to", &Schutzbedarf::ALL);
    let kategorien: Option<BTreeSet<Kategorie>> = fields.many_of("kategorien", &Kategorie::ALL).map(|list| list.into_iter().collect());
    let of: BTreeSet<String> = fields.texts("of").unwrap_or_default().into_iter().collect();
    let (at, of_key) = (fields.opt("of").map_or(node.at, |n| n.at), fields.path("of"));
    for name in of.iter().filter(|name| !shown.contains(&name.as_str())) {
        let text = Text::new(
            format!("„{name}“ steht nicht in show: freigeben kann man nur, was gezeigt wird."),
            format!("\"{name}\" is not in show: only what is shown can be released."),
        );
        fields.findings.error("LZ108", at, of_key.clone(), text).hint = Some(finding::hint(name, shown.iter().copied()));
    }
    fields.close();
    Some(Release { to: to?, kategorien: kategorien?, of })
}

/// A duration (`P3D`), a date, or an expression that gives one.
fn due(node: &Node, key: &str, errors: &mut Vec<crate::expression::Syntax>, findings: &mut Findings) -> Template {
    if let Kind::Text(text) = &node.kind
        && !text.contains("{{")
        && text.parse::<jiff::civil::Date>().is_err()
    {
        laufzettel_domain::document::fields::span(node, key, findings);
    } else if node.text().is_none() {
        laufzettel_domain::document::fields::wrong_type(node, key, &Text::new("eine Dauer oder ein Datum", "a duration or a date"), findings);
    }
    Template::compile(node, errors)
}
