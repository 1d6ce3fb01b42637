//! `human` steps: who is asked, what is shown, what is answered.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{
    Findings, Kategorie, Node, Place, Schutzbedarf, StepId, Text, Value,
    document::{Fields, Kind},
    finding,
};

use super::{Reader, step_named, syntax_errors};
use crate::{
    expression::{Expression, Syntax, Template},
    model::{Assign, Escalate, Human, Release},
};

pub fn human(node: &Node, key: &str, reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Human> {
    let mut fields = Fields::open(node, key, findings)?;
    let assign = fields.req("assign").and_then(|n| assign(n, &fields.path("assign"), fields.findings));
    let not_by = others(&mut fields);
    let show_key = fields.path("show");
    let mut errors = Vec::new();
    let entries = fields.entries("show");
    let show_order = entries.iter().map(|e| e.key.clone()).collect();
    let show = entries.iter().map(|e| (e.key.clone(), Template::compile(&e.node, &mut errors))).collect();
    let form_node = fields.req("form");
    let form = form_node.and_then(|n| reader.schema(n, &fields.path("form"), fields.findings));
    let due = fields.opt("due").map(|n| moment(n, &fields.path("due"), &mut errors, fields.findings));
    let escalate = fields.opt("escalate").and_then(|n| escalate(n, &fields.path("escalate"), fields.findings));
    let proposed: Vec<(&str, Template)> = fields.entries("vorschlag").iter().map(|e| (e.key.as_str(), Template::compile(&e.node, &mut errors))).collect();
    let proposed_at = fields.opt("vorschlag").map_or(node.at, |n| n.at);
    let ermessen = fields.boolean("ermessen").unwrap_or(false);
    let shown: Vec<&str> = entries.iter().map(|e| e.key.as_str()).collect();
    let release = fields.opt("release").and_then(|n| release(n, &fields.path("release"), &shown, fields.findings));
    let form_at = form_node.map_or(node.at, |n| n.at);
    let auswahl = form.as_ref().map(|form| auswahl(&form.root, form_at, &fields.path("form"), &mut errors, fields.findings)).unwrap_or_default();
    syntax_errors(errors, &show_key, fields.findings);
    if assign.as_ref().is_some_and(|assign| assign.applicant) {
        no_matter_of_hers(&mut fields);
    }
    fields.close();
    let form = form?;
    answer(&form.root, form_at, &format!("{key}.form"), findings);
    for (name, _) in &proposed {
        no_such_field(name, &form.root, proposed_at, &format!("{key}.vorschlag.{name}"), findings);
    }
    let form_order = form_order(form_node, &form.root);
    let vorschlag = proposed.into_iter().map(|(name, template)| (name.to_owned(), template)).collect();
    Some(Human { assign: assign?, not_by, show, show_order, form, form_order, vorschlag, auswahl, due, escalate, ermessen, release })
}

/// The value of a human step is the form's fields with `shown` and `by` beside them: so it is an object, and has no fields of these names.
fn answer(form: &Value, at: Place, key: &str, findings: &mut Findings) {
    if form.get("type").and_then(Value::as_str) != Some("object") {
        let text = Text::new("Ein Formular hat Felder: type: object, properties: { … }.", "A form has fields: type: object, properties: { … }.");
        findings.error("LZ108", at, key, text);
    }
    for name in ["shown", "by"].into_iter().filter(|name| form.get("properties").is_some_and(|fields| fields.get(name).is_some())) {
        let text = Text::new(
            format!("Ein Feld darf nicht „{name}“ heißen: so heißt, was Laufzettel selbst neben die Antwort schreibt."),
            format!("No field may be called \"{name}\": that is what Laufzettel itself writes beside the answer."),
        );
        findings.error("LZ108", at, format!("{key}.properties.{name}"), text);
    }
}

/// What only somebody of the house does.
fn no_matter_of_hers(fields: &mut Fields<'_, '_>) {
    let senseless = [
        (
            "not_by",
            "vier Augen sind die zweier Menschen im Haus; die antragstellende Person ist keiner davon.",
            "four eyes are those of two people of the house; the applicant is none of them.",
        ),
        (
            "release",
            "Kennzeichen senkt nur, wer im Haus das Recht dazu hat; die antragstellende Person hat keines.",
            "labels are lowered only by somebody of the house with that right; the applicant has none.",
        ),
        ("ermessen", "Ermessen übt die Behörde aus, nicht die antragstellende Person.", "discretion is the authority's, not the applicant's."),
    ];
    for (name, de, en) in senseless {
        if let Some(node) = fields.opt(name) {
            let (at, key) = (node.at, fields.path(name));
            let text = Text::new(format!("„{name}“ geht hier nicht: {de}"), format!("\"{name}\" is not possible here: {en}"));
            fields.findings.error("LZ108", at, key, text);
        }
    }
}

/// `{ after, to: { groups } }`
fn escalate(node: &Node, key: &str, findings: &mut Findings) -> Option<Escalate> {
    let mut fields = Fields::open(node, key, findings)?;
    let mut errors = Vec::new();
    let after = fields.req("after").map(|n| moment(n, &fields.path("after"), &mut errors, fields.findings));
    let groups = fields.req("to").and_then(|n| {
        let mut inner = Fields::open(n, format!("{key}.to"), fields.findings)?;
        inner.req("groups");
        let groups = inner.texts("groups");
        inner.close();
        groups
    });
    syntax_errors(errors, key, fields.findings);
    fields.close();
    Some(Escalate { after: after?, groups: groups? })
}

fn no_such_field(name: &str, form: &Value, at: Place, key: &str, findings: &mut Findings) {
    let known: Vec<&str> = form.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    if !known.contains(&name) {
        let text = Text::new(
            format!("„{name}“ ist kein Feld des Formulars: vorschlagen lässt sich nur, was gefragt wird."),
            format!("\"{name}\" is no field of the form: only what is asked can be proposed."),
        );
        findings.error("LZ108", at, key, text).hint = Some(finding::hint(name, known.iter().copied()));
    }
}

/// `x-auswahl` of the form's fields: a list from the run, offered as choices.
fn auswahl(form: &Value, at: Place, key: &str, errors: &mut Vec<Syntax>, findings: &mut Findings) -> BTreeMap<String, Template> {
    let mut all = BTreeMap::new();
    elsewhere(form, at, key, findings);
    let fields = form.get("properties").and_then(Value::as_object).into_iter().flatten();
    for (name, written) in fields.filter_map(|(name, schema)| Some((name, schema.get("x-auswahl")?))) {
        let key = format!("{key}.properties.{name}.x-auswahl");
        match written.as_str().filter(|text| text.contains("{{")).map(|text| Expression::compile(text, at)) {
            Some(Ok(expression)) => {
                all.insert(name.clone(), Template::Expression(Box::new(expression)));
            }
            Some(Err(error)) => errors.push(error),
            None => {
                let text = Text::new(
                    "x-auswahl ist ein Ausdruck, der eine Liste gibt: \"{{ … }}\". Feste Werte gehören in enum.",
                    "x-auswahl is an expression that gives a list: \"{{ … }}\". Fixed values belong into enum.",
                );
                findings.error("LZ107", at, key, text);
            }
        }
    }
    all
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

fn form_order(node: Option<&Node>, root: &Value) -> Vec<String> {
    let written = node.and_then(|n| n.get("properties")).map(|p| p.entries().iter().map(|e| e.key.clone()).collect::<Vec<_>>());
    written
        .filter(|names| !names.is_empty())
        .unwrap_or_else(|| root.get("properties").and_then(Value::as_object).map(|p| p.keys().cloned().collect()).unwrap_or_default())
}

/// Choices belong to a field of the form itself: deeper nobody would offer them.
fn elsewhere(form: &Value, at: Place, key: &str, findings: &mut Findings) {
    fn holds(schema: &Value) -> bool {
        match schema {
            Value::Object(map) => map.contains_key("x-auswahl") || map.values().any(holds),
            Value::Array(items) => items.iter().any(holds),
            _ => false,
        }
    }
    let mut rest = form.clone();
    if let Some(fields) = rest.get_mut("properties").and_then(Value::as_object_mut) {
        fields.values_mut().filter_map(Value::as_object_mut).for_each(|field| drop(field.remove("x-auswahl")));
    }
    if holds(&rest) {
        let text = Text::new(
            "x-auswahl steht nur an den Feldern des Formulars selbst, nicht tiefer.",
            "x-auswahl stands at the fields of the form itself, no deeper.",
        );
        findings.error("LZ108", at, key, text);
    }
}

fn assign(node: &Node, key: &str, findings: &mut Findings) -> Option<Assign> {
    if node.text() == Some("applicant") {
        return Some(Assign { applicant: true, ..Assign::default() });
    }
    let mut fields = Fields::open(node, key, findings)?;
    let groups = fields.texts("groups").unwrap_or_default();
    let user = fields.text("user").map(str::to_owned);
    if groups.is_empty() && user.is_none() {
        fields.missing("groups", "LZ106");
    }
    fields.close();
    Some(Assign { groups, user, ..Assign::default() })
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
fn moment(node: &Node, key: &str, errors: &mut Vec<Syntax>, findings: &mut Findings) -> Template {
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
