//! Schema and answers in; what is asked, what is missing and what is sent out.

use serde_json::json;

use super::*;
use crate::pages::form::Place;

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn text() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

/// The fields asked; `!` behind those that must be answered.
fn asked(form: &Form, sent: &[(&str, &str)]) -> Vec<String> {
    let form = form.laid(&pairs(sent));
    form.fields().iter().map(|field| format!("{}{}", field.path, if field.must() { "!" } else { "" })).collect()
}

fn when(field: &str, value: &str) -> Value {
    json!({ "required": [field], "properties": { field: { "const": value } } })
}

fn schema(more: Value) -> Value {
    let mut schema = json!({ "type": "object", "required": ["art"], "properties": {
        "art": { "enum": ["hund", "katze"] }, "name": text(), "rasse": text(), "chip": { "type": "object", "required": ["nummer"], "properties": { "nummer": text() } },
    } });
    schema.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    schema
}

#[test]
fn every_shape_asks_what_it_says() {
    let farbe = json!({ "farbe": text() });
    for (more, sent, expected) in [
        (json!({}), &[][..], &["art!", "chip.nummer", "name", "rasse"][..]),
        (json!({ "if": when("art", "hund"), "then": { "required": ["name"] } }), &[("art", "hund")], &["art!", "chip.nummer", "name!", "rasse"]),
        (json!({ "if": when("art", "hund"), "then": { "required": ["name"] } }), &[("art", "katze")], &["art!", "chip.nummer", "name", "rasse"]),
        (json!({ "if": when("art", "hund"), "then": { "required": ["chip"] } }), &[("art", "hund")], &["art!", "chip.nummer!", "name", "rasse"]),
        (json!({ "if": when("art", "hund"), "else": { "properties": { "rasse": false } } }), &[("art", "katze")], &["art!", "chip.nummer", "name"]),
        (json!({ "if": when("art", "hund"), "else": { "not": { "required": ["rasse"] } } }), &[("art", "katze")], &["art!", "chip.nummer", "name"]),
        (json!({ "if": when("art", "hund"), "else": { "properties": { "chip": false } } }), &[("art", "katze")], &["art!", "name", "rasse"]),
        (
            json!({ "if": when("art", "hund"), "then": { "required": ["farbe"], "properties": farbe } }),
            &[("art", "katze")],
            &["art!", "chip.nummer", "name", "rasse"],
        ),
        (
            json!({ "if": when("art", "hund"), "then": { "required": ["farbe"], "properties": farbe } }),
            &[("art", "hund")],
            &["art!", "chip.nummer", "farbe!", "name", "rasse"],
        ),
        (json!({ "dependentRequired": { "name": ["rasse"] } }), &[("name", "Bello")], &["art!", "chip.nummer", "name", "rasse!"]),
        (json!({ "dependentRequired": { "name": ["rasse"] } }), &[("name", " ")], &["art!", "chip.nummer", "name", "rasse"]),
        (json!({ "dependentSchemas": { "name": { "properties": farbe } } }), &[("name", "Bello")], &["art!", "chip.nummer", "name", "farbe", "rasse"]),
        (json!({ "dependentSchemas": { "name": { "properties": farbe } } }), &[], &["art!", "chip.nummer", "name", "rasse"]),
        (
            json!({ "allOf": [{ "if": when("art", "hund"), "then": { "required": ["name"] } }, { "dependentRequired": { "name": ["rasse"] } }] }),
            &[("art", "hund"), ("name", "B")],
            &["art!", "chip.nummer", "name!", "rasse!"],
        ),
        (
            json!({ "if": when("art", "hund"), "then": { "if": when("name", "Bello"), "then": { "required": ["rasse"] }, "else": { "required": ["chip"] } } }),
            &[("art", "hund"), ("name", "Bello")],
            &["art!", "chip.nummer", "name", "rasse!"],
        ),
        (
            json!({ "if": { "$ref": "#/$defs/hund" }, "then": { "properties": { "chip": { "required": ["nummer"] } }, "required": ["chip"] }, "$defs": { "hund": when("art", "hund") } }),
            &[("art", "hund")],
            &["art!", "chip.nummer!", "name", "rasse"],
        ),
    ] {
        let schema = schema(more);
        assert_eq!(asked(&Form::paged(&schema).unwrap(), sent), expected, "{schema} {sent:?}");
    }
}

#[test]
fn what_does_not_apply_is_neither_demanded_nor_sent() {
    let of = json!({ "allOf": [
        { "if": when("art", "hund"), "then": { "required": ["name"] }, "else": { "properties": { "name": false, "rasse": false } } },
        { "dependentRequired": { "name": ["rasse"] } },
    ] });
    let (form, schema) = (Form::paged(&schema(of.clone())).unwrap(), Schema::compile(schema(of)).unwrap());
    for (sent, value, missing) in [
        (&[("art", "hund")][..], json!({ "art": "hund" }), &["name"][..]),
        (&[("art", "hund"), ("name", "B")], json!({ "art": "hund", "name": "B" }), &["rasse"]),
        (&[("art", "katze"), ("name", "B"), ("rasse", "R")], json!({ "art": "katze" }), &[]),
        (&[("name", "B"), ("rasse", "R")], json!({}), &["art"]),
    ] {
        let (found, told) = form.parse(&pairs(sent));
        assert_eq!(found, value, "{sent:?}");
        assert_eq!(told.iter().map(|problem| problem.path.to_string()).collect::<Vec<_>>(), missing, "{sent:?}");
        assert_eq!(schema.is_valid(&value), missing.is_empty(), "{sent:?}");
    }
    let told = form.parse(&pairs(&[("art", "hund")])).1;
    assert_eq!(told[0].message.de, "Wegen Ihrer anderen Angaben brauchen wir das auch. Bitte ausfüllen.");
}

#[test]
fn a_condition_within_an_entry_is_about_that_entry() {
    let member = json!({ "type": "object", "required": ["status"], "properties": { "status": { "enum": ["rente", "kind"] }, "rente_seit": text() },
        "if": when("status", "rente"), "then": { "required": ["rente_seit"] }, "else": { "properties": { "rente_seit": false } } });
    let form = Form::paged(&json!({ "type": "object", "properties": { "leute": { "type": "array", "items": member } } })).unwrap();
    let sent = [("leute.0.status", "rente"), ("leute.1.status", "kind"), ("leute.1.rente_seit", "2020")];
    assert_eq!(asked(&form, &sent), ["leute.0.status!", "leute.0.rente_seit!", "leute.1.status!"]);
    assert_eq!(form.parse(&pairs(&sent)).0, json!({ "leute": [{ "status": "rente" }, { "status": "kind" }] }));
    let laid = form.laid(&pairs(&sent));
    assert_eq!(laid.new_questions(&[], &pairs(&sent)), [Path::new(["leute", "0", "rente_seit"])]);
    assert_eq!(laid.new_questions(&["leute.0.rente_seit".to_owned()], &pairs(&sent)), []);
    let shown = laid.part(&Place::Entry(Path::new(["leute", "0"]))).unwrap().form.shown_branches();
    assert_eq!(shown, [Path::new(["leute", "0", "rente_seit"])]);
}

/// One page shows everything, since nothing is asked after it.
#[test]
fn a_form_of_one_page_shows_what_may_apply() {
    let form = Form::of(&schema(json!({ "if": when("art", "hund"), "then": { "required": ["farbe"], "properties": { "farbe": text() } } })), None).unwrap();
    let names: Vec<String> = form.fields().iter().map(|field| format!("{}{}", field.path, if field.conditional { "?" } else { "" })).collect();
    assert_eq!(names, ["art", "chip.nummer", "farbe?", "name", "rasse"]);
    assert_eq!(form.parse(&pairs(&[("art", "katze"), ("farbe", "rot")])), (json!({ "art": "katze" }), vec![]));
}

#[test]
fn what_cannot_be_asked_is_refused() {
    for (more, field) in [
        (json!({ "anyOf": [{ "required": ["name"] }, { "required": ["rasse"] }] }), ""),
        (json!({ "not": { "required": ["name"] } }), ""),
        (json!({ "if": when("art", "hund"), "then": { "anyOf": [] } }), ""),
        (json!({ "if": when("art", "hund"), "then": { "not": { "required": ["name", "rasse"] } } }), ""),
        (json!({ "if": when("art", "hund"), "then": false }), ""),
        (json!({ "if": { "$ref": "#/$defs/fehlt" }, "then": {} }), ""),
        (json!({ "if": when("art", "hund"), "then": { "properties": { "chip": { "required": ["x"], "properties": { "x": text() } } } } }), "chip.x"),
        (json!({ "if": when("art", "hund"), "then": { "properties": { "neu": { "type": "null" } } } }), "neu"),
    ] {
        let error = Form::paged(&schema(more.clone())).unwrap_err();
        assert_eq!(error.field, field, "{more}: {error}");
    }
}
