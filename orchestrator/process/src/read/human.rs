//! `human` steps: who is asked, what is shown, what is answered.

use laufzettel_domain::{
    Findings, Node, Place, Text,
    document::{Fields, Kind},
};

use super::{Reader, not_supported, syntax_errors};
use crate::{
    expression::Template,
    model::{Assign, Human},
};

pub fn human(node: &Node, key: &str, reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Human> {
    let mut fields = Fields::open(node, key, findings)?;
    not_supported(&mut fields, &["vorschlag", "escalate", "not_by", "release"]);
    let assign = fields.req("assign").and_then(|n| assign(n, &fields.path("assign"), fields.findings));
    let show_key = fields.path("show");
    let mut errors = Vec::new();
    let entries = fields.entries("show");
    let show_order = entries.iter().map(|e| e.key.clone()).collect();
    let show = entries.iter().map(|e| (e.key.clone(), Template::compile(&e.node, &mut errors))).collect();
    let form_node = fields.req("form");
    let form = form_node.and_then(|n| reader.schema(n, &fields.path("form"), fields.findings));
    let due = fields.opt("due").map(|n| due(n, &fields.path("due"), &mut errors, fields.findings));
    let ermessen = fields.boolean("ermessen").unwrap_or(false);
    syntax_errors(errors, &show_key, fields.findings);
    fields.close();
    let form = form?;
    let form_order = form_order(form_node, &form.root);
    forbid_auswahl(&form.root, form_node.map_or(node.at, |n| n.at), key, findings);
    Some(Human { assign: assign?, show, show_order, form, form_order, due, ermessen })
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
    Some(Assign { groups, user })
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
