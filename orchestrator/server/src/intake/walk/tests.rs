//! Where every button leads.

use laufzettel_domain::{Path, Text};
use serde_json::json;

use super::*;

/// Three pages: a name, a list of dogs with their ailments, a postal code.
fn form() -> Form {
    let text = |title: &str| json!({ "type": "string", "minLength": 1, "title": title });
    let ailment = json!({ "type": "object", "title": "Leiden", "required": ["art"], "properties": { "art": text("Art") } });
    let dog = json!({ "type": "object", "title": "Hund", "required": ["ruf", "leiden"],
        "properties": { "ruf": text("Rufname"), "leiden": { "type": "array", "title": "Leiden", "items": ailment } } });
    Form::paged(&json!({
        "type": "object", "required": ["person", "hunde", "ort"],
        "properties": {
            "person": { "type": "object", "title": "Person", "required": ["name"], "properties": { "name": text("Name") } },
            "hunde": { "type": "array", "minItems": 1, "maxItems": 2, "title": "Hunde", "x-gruppe": "Hunde", "items": dog },
            "ort": { "type": "object", "title": "Ort", "required": ["plz"], "properties": { "plz": text("Postleitzahl") } }
        }
    }))
    .unwrap()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn wrong(path: &str) -> Problem {
    Problem { path: if path.is_empty() { Path::default() } else { Path::new(path.split('.')) }, message: Text::new("x", "x") }
}

/// The place; `!` where it is told what is wrong there, `>` where that leads to the summary.
fn leads(sent: &[(&str, &str)], at: &str, to_summary: bool, button: &str, problems: &[&str]) -> String {
    let mut pairs = pairs(sent);
    pairs.push((pages::INTENT.to_owned(), button.to_owned()));
    let sent = Sent { pairs: pairs.clone(), files: Vec::new(), problems: Vec::new() };
    let form = form();
    let mut position = Position { place: Place::parse(at), to_summary, farthest: 0, seen: Vec::new() };
    let intent = change(&form, Intent::of(&sent), &mut position, &mut pairs);
    let expanded = form.expanded(&pairs);
    let problems: Vec<Problem> = problems.iter().map(|path| wrong(path)).collect();
    match lead(&expanded, &intent, &position.settled(&expanded), &pairs, &problems) {
        Lead::Show { position, say } => {
            format!("{}{}{}", position.place, if say == Say::Wrong { " !" } else { "" }, if position.to_summary { " >" } else { "" })
        }
        Lead::Summary => "summary".to_owned(),
        Lead::Send => "send".to_owned(),
    }
}

#[test]
fn every_button_leads_somewhere() {
    let two = [("hunde._anzahl", "2"), ("hunde.0.ruf", "Bello"), ("hunde.1.leiden._anzahl", "1"), ("hunde.1.leiden.0.art", "Husten")];
    for (at, to_summary, button, problems, expected) in [
        ("1", false, "weiter", &["ort.plz"][..], "2"),
        ("1", false, "weiter", &["person.name"], "1 !"),
        ("1", false, "zurueck", &["person.name"], "1"),
        ("2", false, "zurueck", &["hunde"], "1"),
        ("2", false, "weiter", &["hunde.1.leiden.0.art"], "2 !"),
        ("2", false, "weiter", &["ort.plz"], "3"),
        ("3", false, "pruefen", &[], "summary"),
        ("3", false, "weiter", &[], "summary"),
        ("3", false, "pruefen", &["ort.plz"], "3 !"),
        ("3", false, "pruefen", &["person.name"], "1 ! >"),
        ("3", false, "pruefen", &[""], "3 ! >"),
        ("", false, "absenden", &["hunde.0.ruf", "person.name"], "1 ! >"),
        ("", false, "absenden", &["hunde.1.leiden.0.art"], "hunde.1.leiden.0 ! >"),
        ("", false, "absenden", &[], "send"),
        ("", false, "aendern:2", &[], "2 >"),
        ("", false, "aendern:9", &[], "1 >"),
        ("2", true, "weiter", &[], "summary"),
        ("2", true, "pruefen", &["ort.plz"], "3 ! >"),
        ("2", false, "oeffnen:hunde.1", &[], "hunde.1"),
        ("2", false, "oeffnen:hunde.5", &[], "1"),
        ("2", true, "oeffnen:hunde.1", &[], "hunde.1 >"),
        ("2", false, "dazu:hunde", &[], "2"),
        ("hunde.1", false, "dazu:hunde.1.leiden", &[], "hunde.1.leiden.1"),
        ("hunde.1.leiden.0", false, "weiter", &[], "hunde.1"),
        ("hunde.1", true, "weiter", &[], "2 >"),
        ("hunde.1", false, "zurueck", &["hunde.1.ruf"], "2"),
        ("hunde.1", false, "weiter", &["hunde.1.ruf"], "hunde.1 !"),
        ("hunde.1", false, "hierbleiben", &["hunde.1.ruf"], "hunde.1"),
        ("2", false, "unbekannt", &[], "summary"),
    ] {
        assert_eq!(leads(&two, at, to_summary, button, problems), expected, "{at} {button} {problems:?}");
    }
    // an entry nobody wrote in leads no further back than to its list
    assert_eq!(leads(&[("hunde._anzahl", "1")], "hunde.0", false, "zurueck", &[]), "2");
}

#[test]
fn entries_come_and_go() {
    for (before, at, button, after) in [
        (&[][..], "2", "dazu:hunde", &[("hunde._anzahl", "1")][..]),
        (&[("hunde.0.ruf", "Bello")], "2", "dazu:hunde", &[("hunde.0.ruf", "Bello"), ("hunde._anzahl", "2")]),
        (&[("hunde._anzahl", "2")], "2", "dazu:hunde", &[("hunde._anzahl", "2")]),
        (&[("hunde._anzahl", "1")], "2", "dazu:katzen", &[("hunde._anzahl", "1")]),
        (
            &[("hunde._anzahl", "2"), ("hunde.0.ruf", "Bello"), ("hunde.1.ruf", "Hasso"), ("hunde.1.leiden.0.art", "Husten")],
            "2",
            "entfernen:hunde.0",
            &[("hunde.0.ruf", "Hasso"), ("hunde.0.leiden.0.art", "Husten"), ("hunde._anzahl", "1")],
        ),
        (&[("hunde._anzahl", "1"), ("hunde.0.ruf", "Bello")], "2", "entfernen:hunde.1", &[("hunde._anzahl", "1"), ("hunde.0.ruf", "Bello")]),
        // an entry nobody wrote in is not kept
        (&[("hunde._anzahl", "1"), ("hunde.0.ruf", " ")], "hunde.0", "zurueck", &[("hunde._anzahl", "0")]),
        (&[("hunde._anzahl", "1"), ("hunde.0.ruf", "B")], "hunde.0", "zurueck", &[("hunde._anzahl", "1"), ("hunde.0.ruf", "B")]),
    ] {
        let mut found = pairs(before);
        let mut position = Position { place: Place::parse(at), ..Position::start() };
        let sent = Sent { pairs: pairs(&[(pages::INTENT, button)]), files: Vec::new(), problems: Vec::new() };
        change(&form(), Intent::of(&sent), &mut position, &mut found);
        assert_eq!(found, pairs(after), "{button} {before:?}");
    }
}

/// What an answer brings up is asked after it: at once where both stand on one page, before the summary where it stands further in front.
#[test]
fn new_questions_are_asked_before_it_goes_on() {
    let text = json!({ "type": "string", "minLength": 1 });
    let group = |title: &str| json!({ "type": "string", "minLength": 1, "x-gruppe": title });
    let when = |field: &str| json!({ "required": [field], "properties": { field: { "const": "ja" } } });
    let mut all: serde_json::Map<String, serde_json::Value> = (0..11).map(|n| (format!("z{n:02}"), group("Weiteres"))).collect();
    all.insert("hund".into(), group("Hund"));
    all.insert("rasse".into(), group("Hund"));
    all.insert("halter".into(), json!({ "type": "object", "title": "Halter", "properties": { "name": text } }));
    all.insert("vorn".into(), group("Hund"));
    let form = Form::paged(&json!({
        "type": "object", "required": ["hund", "halter"], "properties": all,
        "allOf": [
            { "if": when("hund"), "else": { "properties": { "rasse": false } } },
            { "if": when("z00"), "else": { "properties": { "vorn": false } } },
        ]
    }))
    .unwrap();
    for (sent, at, button, seen, expected) in [
        (&[("hund", "nein")][..], "1", "weiter", &[][..], "2"),
        (&[("hund", "ja")], "1", "weiter", &[], "1 new"),
        (&[("hund", "ja")], "1", "weiter", &["rasse"], "2"),
        (&[("hund", "ja"), ("rasse", "Dackel")], "1", "weiter", &[], "2"),
        (&[("hund", "nein"), ("z00", "ja")], "3", "pruefen", &[], "1 new"),
        (&[("hund", "nein"), ("z00", "ja")], "3", "pruefen", &["vorn"], "summary"),
        // sent straight away nothing is demanded that need not be answered
        (&[("hund", "ja")], "3", "absenden", &[], "send"),
    ] {
        let sent =
            Sent { pairs: pairs(sent).into_iter().chain([(pages::INTENT.to_owned(), button.to_owned())]).collect(), files: Vec::new(), problems: Vec::new() };
        let position = Position { place: Place::parse(at), to_summary: false, farthest: 2, seen: seen.iter().map(|path| (*path).to_owned()).collect() };
        let laid = form.laid(&sent.pairs);
        let found = match lead(&laid, &Intent::of(&sent), &position.settled(&laid), &sent.pairs, &[]) {
            Lead::Show { position, say } => format!("{}{}", position.place, if say == Say::New { " new" } else { "" }),
            Lead::Summary => "summary".to_owned(),
            Lead::Send => "send".to_owned(),
        };
        assert_eq!(found, expected, "{:?} {button} {seen:?}", sent.pairs);
    }
}

/// A file that was just refused is told before its page is left; the second time the button leads on.
#[test]
fn what_was_refused_is_told_before_one_goes_on() {
    let stays = |button: &str, problem: Option<&str>| {
        let pairs = pairs(&[(pages::INTENT, button), (pages::PLACE, "0")]);
        let mut sent = Sent { pairs, files: Vec::new(), problems: problem.map(wrong).into_iter().collect() };
        step(&form(), &mut sent).0 == Intent::Stay
    };
    for button in ["zurueck", "dazu:hunde", "aendern:2"] {
        let told = [stays(button, Some("person.name")), stays(button, Some("ort.plz")), stays(button, None)];
        assert_eq!(told, [true, false, false], "{button}");
    }
    assert!(!stays("speichern", Some("person.name")), "a draft says it itself");
}
