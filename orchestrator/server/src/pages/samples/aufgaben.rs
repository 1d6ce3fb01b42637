//! Samples of tasks: what they show, and what the engine asks by itself.

use std::collections::BTreeMap;

use jiff::civil::{DateTime, date};
use laufzettel_domain::Lang;
use laufzettel_process::expression::Part;
use serde_json::{Value, json};

use super::EVIL;
use crate::pages::{
    Entry, Filled, Form, Hand, Origin, Shown, Source, StepState,
    calls::{CallView, Fact, ItemView, ItemsView, Leaving, Share, Timeline, Todo},
    citation::Beyond,
    deputies::{DeputyRow, VertretungPage},
    names::{Names, Spelling},
    shown::Material,
    sieve::{Facet, Pick, Sieve},
    tasks::{Aside, Beside, Choice, Handed, Told},
};

/// A long text, and two quotations: one that stands in a long passage, one that stands nowhere.
pub(super) fn cited(lang: Lang) -> Shown {
    let quotation = |zitat: &str| json!({ "document": "D-44", "version": "1", "place": "Absatz 2", "zitat": zitat });
    let value = json!([
        { "sachstand": EVIL.repeat(40), "belege": [quotation(EVIL)] },
        { "sachstand": "Nirgends belegt", "belege": [quotation("nie gesagt")] },
    ]);
    let text = format!("{} {EVIL} {}", "davor ".repeat(100), "danach ".repeat(100));
    let passages: Value = json!([{ "document": "D-44", "version": "1", "place": "Absatz 2", "text": text }]);
    let spelling = Spelling::default();
    let beyond = [Beyond { number: "2026-000001/1".into(), run: "1".into(), passages: Value::Null }];
    let material = Material { names: Names::new(&spelling, None), passages: &passages, beyond: &beyond, run: None };
    Shown::with("aus_der_akte", &value, material, lang).from([Source::new(Origin::Modell, "glm-5, Zone gruen")])
}

/// A letter with what foreign people may have written into it, from more places than stand there at once.
pub(super) fn letter(lang: Lang) -> Shown {
    let text = format!("# {EVIL}\n\n[Hier](javascript:alert) **fett** ![x](//boese.example)\n\n| a | b |\n|---|---|\n| {EVIL} | 2 |\n\n---\n\n1. eins");
    let sources = (0..5).map(|n| Source::new(if n > 2 { Origin::Register } else { Origin::Antrag }, format!("{EVIL} {n}")));
    Shown::of("schreiben", &json!(text), lang).letter(Some(vec![Part { text: text.clone(), fixed: true }])).from(sources)
}

/// A quotation out of a case that was called.
pub(super) fn cited_beyond(lang: Lang) -> Shown {
    let place = |name: &str, text: &str| json!({ "document": "Anlage 1", "version": "1", "place": "Seite 1", name: text });
    let spelling = Spelling::default();
    let beyond = [Beyond { number: "2026-000001/1".into(), run: "1".into(), passages: json!([place("text", EVIL)]) }];
    let material = Material { names: Names::new(&spelling, None), passages: &Value::Null, beyond: &beyond, run: None };
    Shown::with("angabe", &json!({ "was": "1200", "belege": [place("zitat", EVIL)] }), material, lang)
}

pub(super) fn told() -> Told {
    let choice = |choice: &str| Choice { choice: choice.into(), does: EVIL.into() };
    Told { happened: EVIL.into(), done: vec![EVIL.into(), "Bescheid abgelegt".into()], choices: vec![choice("Erneut versuchen"), choice("Vorgang abbrechen")] }
}

pub(super) fn proposed_by() -> BTreeMap<String, Vec<Source>> {
    BTreeMap::from([("bemerkung".to_owned(), vec![Source::new(Origin::Modell, EVIL)]), ("ort".to_owned(), vec![Source::new(Origin::Antrag, "")])])
}

/// With its choices, or (`true`) searched for what is nowhere.
pub(super) fn sieve(lost: bool) -> Sieve {
    let pick = |text: &str, count: Option<usize>, chosen: bool| Pick { text: text.into(), link: "/aufgaben?bei=ich".into(), count, chosen };
    let facet = |name: &str| Facet { name: name.into(), picks: vec![pick("Alle", None, false), pick(EVIL, Some(3), true), pick("Frei", Some(0), false)] };
    let number = if lost { EVIL.to_owned() } else { String::new() };
    Sieve { list: "/aufgaben", facets: if lost { Vec::new() } else { vec![facet("Wer sie hat"), facet("Prozess")] }, number }
}

fn people(wrong: bool, name: &str, lang: Lang) -> crate::pages::FormView {
    let people = json!({ "enum": ["a", "b"], "oneOf": [{ "const": "a", "title": EVIL }, { "const": "b", "title": "Sabine Weber" }], "title": "Wer vertritt" });
    let day = json!({ "type": "string", "format": "date", "title": "Erster Tag" });
    // several of these forms stand on one page
    let first = format!("{name}_von");
    let schema = json!({ "type": "object", "required": [name, first], "properties": { name: people, first: day } });
    let form = Form::of(&schema, None).unwrap();
    let problems = if wrong { laufzettel_process::Schema::compile(schema).unwrap().validate(&json!({})) } else { Vec::new() };
    form.view(&Filled { problems: &problems, ..Filled::default() }, lang)
}

pub(super) fn hand(mine: bool, lang: Lang) -> Hand {
    let hand_over =
        mine.then(|| Beside { name: "hand_over", action: "/aufgaben/1/weitergeben".into(), begun: true, form: people(false, "weitergabe_an", lang) });
    let handed = mine.then(|| Handed { by: EVIL.into(), note: EVIL.into() });
    let put_aside =
        mine.then(|| Beside { name: "put_aside", action: "/aufgaben/1/wiedervorlage".into(), begun: true, form: people(false, "vorlage_am", lang) });
    let aside = mine.then(|| Aside { day: EVIL.into(), note: EVIL.into() });
    Hand { mine, hand_over, put_aside, aside, handed, stands_for: (!mine).then(|| EVIL.into()), ..Hand::default() }
}

pub(super) fn deputies(wrong: bool, lang: Lang) -> VertretungPage {
    let row = |holds, end: &str| DeputyRow {
        person: "Andreas Klein".into(),
        deputy: EVIL.into(),
        from: date(2026, 12, 1),
        until: date(2026, 12, 24),
        holds,
        end: format!("/vertretung/{end}/beenden"),
    };
    VertretungPage { rows: vec![row(true, "1"), row(false, "2")], form: people(wrong, "vertretung", lang) }
}

fn entries(at: DateTime) -> Vec<Entry> {
    ["Der Vorgang wurde über das öffentliche Formular begonnen.", EVIL, "Aufruf beantwortet."]
        .map(|text| Entry { at, text: text.into(), step: (text == EVIL).then(|| EVIL.into()) })
        .to_vec()
}

fn facts() -> Vec<Fact> {
    [("Modell", "glm-5"), ("Warum erlaubt", EVIL)].map(|(name, text)| Fact { name: name.into(), text: text.into() }).to_vec()
}

fn rows(lang: Lang) -> Vec<Shown> {
    Shown::list(&json!({ "familienname": EVIL }), &[], lang).into_iter().map(|row| row.from([Source::new(Origin::Antrag, "")])).collect()
}

pub(super) fn calls(at: DateTime, lang: Lang) -> Vec<CallView> {
    let call = |title: &str, attempts| CallView { title: title.into(), facts: facts(), attempts, input: rows(lang), output: rows(lang) };
    vec![call("", entries(at)), call("Runde 1, Aufruf 1", Vec::new())]
}

pub(super) fn items(at: DateTime, lang: Lang) -> ItemsView {
    let item = |number, state| ItemView { number, state, element: rows(lang), output: rows(lang), reason: Some(EVIL.into()), calls: calls(at, lang) };
    let items = vec![item(11, StepState::Completed), item(12, StepState::Failed)];
    ItemsView {
        count: 30,
        done: 12,
        items,
        before: Some("/vorgaenge/1?schritt=nachweis&ab=1".into()),
        more: Some("/vorgaenge/1?schritt=nachweis&ab=21".into()),
    }
}

pub(super) fn todo(linked: bool) -> Todo {
    Todo { text: EVIL.into(), link: linked.then(|| "/aufgaben/1.2".into()) }
}

pub(super) fn leaving() -> Leaving {
    Leaving { calls: 1, outside: facts(), inside: facts() }
}

pub(super) fn shares() -> Vec<Share> {
    vec![Share { step: EVIL.into(), field: "Sachverhalt".into(), what: EVIL.into() }]
}

pub(super) fn timeline(at: DateTime) -> Timeline {
    Timeline { entries: entries(at), before: Some("/vorgaenge/1?verlauf=1".into()), more: Some("/vorgaenge/1?verlauf=201".into()) }
}
