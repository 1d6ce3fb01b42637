//! Schema in, fields out; pairs in, values and problems out.

use laufzettel_domain::{Lang, file::File};
use laufzettel_process::{
    Catalogue, Folder, Schema,
    model::{StepKind, TriggerKind},
};
use serde_json::json;

use super::{parse::insert, view::Item, *};
use crate::pages::{Notice, samples};

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn complete() -> Vec<(String, String)> {
    pairs(&[
        ("halter.familienname", " Möller "),
        ("halter.vornamen", "Änne"),
        ("halter.geburtsdatum.tag", "9"),
        ("halter.geburtsdatum.monat", "2"),
        ("halter.geburtsdatum.jahr", "1980"),
        ("halter.anschrift.strasse", "Hauptstraße"),
        ("halter.anschrift.hausnummer", "12 a"),
        ("halter.anschrift.plz", "76 756"),
        ("halter.anschrift.ort", "Bellheim"),
        ("halter.anschrift.ags", "07334001"),
        ("halter.email", "a@b.example"),
        ("halter.telefon", ""),
        ("hund.name", "Bello"),
        ("hund.rasse", "Mischling"),
        ("hund.wurfdatum.tag", ""),
        ("hund.wurfdatum.monat", ""),
        ("hund.wurfdatum.jahr", ""),
        ("hund.chipnummer", "276 098 106 234 567"),
        ("aufnahme_am.tag", "1"),
        ("aufnahme_am.monat", "5"),
        ("aufnahme_am.jahr", "2026"),
        ("anzahl_haushalt", "2"),
        ("ermaessigungsgrund", "tierheim"),
        ("sepa.iban", "de02 1203 0000 0000 2020 51"),
        ("sepa.mandat", "ja"),
        ("hinweis_gelesen", "ja"),
        ("_webseite", ""),
        ("fremd", "x"),
    ])
}

#[test]
fn a_complete_application_fits_its_schema() {
    let (value, problems) = samples::form().parse(&complete());
    assert_eq!(problems, []);
    assert_eq!(
        value,
        json!({
            "halter": { "familienname": "Möller", "vornamen": "Änne", "geburtsdatum": "1980-02-09", "email": "a@b.example",
                "anschrift": { "strasse": "Hauptstraße", "hausnummer": "12 a", "plz": "76756", "ort": "Bellheim", "ags": "07334001" } },
            "hund": { "name": "Bello", "rasse": "Mischling", "chipnummer": "276098106234567" },
            "aufnahme_am": "2026-05-01", "anzahl_haushalt": 2, "ermaessigungsgrund": "tierheim",
            "sepa": { "iban": "DE02120300000000202051", "mandat": true }, "hinweis_gelesen": true,
        })
    );
    assert_eq!(Schema::compile(samples::schema()).unwrap().validate(&value), []);
}

#[test]
fn values_go_back_into_the_pairs_they_came_from() {
    let form = samples::form();
    let value = form.parse(&complete()).0;
    assert_eq!(form.parse(&form.pairs(&value)), (value, vec![]));
}

#[test]
fn an_empty_application_names_every_missing_field_once() {
    let form = samples::form();
    let (value, mut problems) = form.parse(&[]);
    assert_eq!(value, json!({ "halter": { "anschrift": {} }, "hund": {} }));
    problems.extend(Schema::compile(samples::schema()).unwrap().validate(&value));
    let view = form.view(&Filled { problems: &problems, ..Filled::default() }, Lang::De);
    let lines: Vec<_> = view.problems.iter().map(|p| format!("{}: {}", p.target.as_deref().unwrap_or("-"), p.text)).collect();
    let fill = "Bitte ausfüllen.";
    let (date, choose) = ("Bitte geben Sie Tag, Monat und Jahr an.", "Bitte wählen Sie eine der Möglichkeiten aus.");
    assert_eq!(
        lines,
        [
            format!("f-halter.familienname: {fill}"),
            format!("f-halter.vornamen: {fill}"),
            format!("f-halter.geburtsdatum.tag: {date}"),
            format!("f-halter.anschrift.strasse: {fill}"),
            format!("f-halter.anschrift.hausnummer: {fill}"),
            format!("f-halter.anschrift.plz: {fill}"),
            format!("f-halter.anschrift.ort: {fill}"),
            format!("f-halter.anschrift.ags.1: {choose}"),
            format!("f-halter.email: {fill}"),
            format!("f-hund.name: {fill}"),
            format!("f-hund.rasse: {fill}"),
            format!("f-hund.chipnummer: {fill}"),
            format!("f-aufnahme_am.tag: {date}"),
            format!("f-anzahl_haushalt: {fill}"),
            format!("f-ermaessigungsgrund.1: {choose}"),
            "f-hinweis_gelesen: Bitte bestätigen Sie das. Ohne diese Bestätigung können wir Ihre Angaben nicht annehmen.".to_owned(),
        ]
    );
}

#[test]
fn wrong_entries_are_told_in_plain_words() {
    let schema = json!({ "type": "object", "properties": {
        "tag": { "type": "string", "format": "date" }, "zahl": { "type": "integer" }, "wert": { "type": "number" },
        "plz": { "type": "string", "pattern": "^[0-9]{5}$", "description": "Fünf Ziffern." }, "ja": { "type": "boolean" },
        "miete": { "type": "integer", "x-einheit": "cent" }, "art": { "enum": ["a", "b"] }, "liste": { "type": "array", "items": { "type": "integer" } } } });
    let form = Form::of(&schema, None).unwrap();
    for (sent, expected) in [
        (vec![("tag.tag", "31"), ("tag.monat", "2"), ("tag.jahr", "2026")], "Dieses Datum gibt es nicht. Bitte prüfen Sie Tag und Monat."),
        (vec![("tag.tag", "3"), ("tag.monat", "2"), ("tag.jahr", "26")], "Bitte schreiben Sie das Jahr mit vier Ziffern, zum Beispiel 2026."),
        (vec![("tag.tag", "3"), ("tag.monat", "")], "Das Datum ist nicht vollständig. Bitte geben Sie Tag, Monat und Jahr an."),
        (vec![("tag.tag", "+3"), ("tag.monat", "x"), ("tag.jahr", "2026")], "Bitte schreiben Sie Tag, Monat und Jahr als Zahlen, zum Beispiel 27 3 2026."),
        (vec![("zahl", "zwei")], "Bitte geben Sie eine ganze Zahl an, zum Beispiel 2."),
        (vec![("wert", "1e9")], "Bitte geben Sie eine Zahl an, zum Beispiel 12,5."),
        (vec![("plz", "7675")], "Bitte prüfen Sie die Eingabe. Erwartet wird: Fünf Ziffern."),
        (vec![("ja", "vielleicht")], "Bitte wählen Sie eine der Möglichkeiten aus."),
        (vec![("art", "c")], "Bitte wählen Sie eine der Möglichkeiten aus."),
        (
            vec![("miete", "1.234")],
            "Dieser Betrag lässt sich auf zwei Arten lesen. Bitte schreiben Sie die Cent dazu, zum Beispiel 1.234,00, oder schreiben Sie ihn ohne Punkt, Komma und Leerzeichen, zum Beispiel 1234.",
        ),
        (vec![("miete", "1620,505")], "Bitte geben Sie den Betrag mit höchstens zwei Stellen für die Cent an, zum Beispiel 620,50."),
        (vec![("miete", "viel")], "Bitte geben Sie einen Betrag in Euro an, zum Beispiel 620,00."),
        (vec![("miete", "99999999999999999999")], "Dieser Betrag ist zu groß. Bitte prüfen Sie ihn."),
        (vec![("liste", "1\nzwei")], "Bitte schreiben Sie in jede Zeile genau eine ganze Zahl."),
    ] {
        let (value, problems) = form.parse(&pairs(&sent));
        let told: Vec<_> = problems.iter().map(|p| p.message.de.as_str()).collect();
        assert_eq!((value, told), (json!({}), vec![expected]), "{sent:?}");
    }
}

#[test]
fn types_are_those_of_the_schema() {
    let (value, problems) = samples::decision().parse(&pairs(&[
        ("entscheidung", "festsetzen"),
        ("gefaehrlich", "nein"),
        ("ermaessigung", "keiner"),
        ("ort", "c"),
        ("auflagen", "2"),
        ("auflagen", "1"),
        ("aktenzeichen", "A 1\r\n\r\n B 2 "),
        ("rabatt", "12,5"),
        ("bemerkung", "eins\r\nzwei"),
    ]));
    assert_eq!(problems, []);
    assert_eq!(
        value,
        json!({ "entscheidung": "festsetzen", "gefaehrlich": false, "ermaessigung": "keiner", "ort": "c", "auflagen": [1, 2],
        "aktenzeichen": ["A 1", "B 2"], "rabatt": 12.5, "bemerkung": "eins\nzwei" })
    );
}

/// What is asked for in euro is cents everywhere else.
#[test]
fn amounts_are_asked_for_in_euro() {
    let cent = json!({ "type": "integer", "x-einheit": "cent", "title": "Miete" });
    let schema = json!({ "type": "object", "properties": { "miete": cent, "raten": { "type": "array", "items": cent }, "satz": { "type": "integer", "enum": [5000], "x-einheit": "cent" } } });
    let form = Form::of(&schema, None).unwrap();
    let sent = pairs(&[("miete", "1.234,5 €"), ("raten", "620\n 5,- "), ("satz", "5000")]);
    let (value, problems) = form.parse(&sent);
    assert_eq!((&value, problems), (&json!({ "miete": 123_450, "raten": [62_000, 500], "satz": 5000 }), vec![]));
    assert_eq!(form.pairs(&value), pairs(&[("miete", "1234,50"), ("raten", "620,00\n5,00"), ("satz", "5000")]));
    let review: Vec<_> = form.review(&value, Lang::De).into_iter().flat_map(|group| group.rows).map(|row| row.text).collect();
    assert_eq!(review, ["1.234,50 €", "620,00 €\n5,00 €", "50,00 €"]);
    let filled = Filled { pairs: &sent, ..Filled::default() };
    let Some(Item::Field(field)) = form.view(&filled, Lang::De).items.into_iter().next() else { panic!("a field") };
    assert_eq!((field.value.as_str(), field.unit, field.inputmode, field.described_by.as_str()), ("1.234,5 €", Some("€"), Some("decimal"), "f-miete.einheit"));
}

/// What was sent is read again with every entry it has.
#[test]
fn what_was_answered_is_shown_with_its_lists() {
    let income = json!({ "art": "lohn", "brutto_monat_cent": 185_000 });
    let people = json!([{ "name": "Ada", "status": "erwerbstaetig", "einkommen": [income] }, { "name": "Bea", "status": "kind", "einkommen": [] }]);
    let value = json!({ "haushaltsmitglieder": people, "miete": { "kalt_cent": 62_000 } });
    let groups = samples::household().review(&value, Lang::De);
    let given: Vec<String> = groups.into_iter().flat_map(|group| group.rows).map(|row| row.text).filter(|text| !text.is_empty()).collect();
    assert_eq!(given, ["Ada", "Angestellt oder verbeamtet", "Lohn, Gehalt, Minijob", "1.850,00 €", "Bea", "Kind ohne eigenes Einkommen", "620,00 €"]);
}

#[test]
fn what_cannot_be_shown_is_refused_by_name() {
    for (field, schema) in [
        ("x", json!({})),
        ("x", json!({ "type": "object" })),
        ("x", json!({ "type": "array", "items": { "type": "object", "properties": {} } })),
        ("x", json!({ "type": "string", "format": "time" })),
        ("x", json!({ "type": "array", "items": { "type": "boolean" } })),
        ("x", json!({ "oneOf": [{ "const": 1 }, { "type": "string" }] })),
        ("x", json!({ "type": ["string", "integer"] })),
        ("x", json!({ "type": "string", "x-auswahl": "{{ steps.a.liste }}" })),
        ("x", json!({ "$ref": "#/$defs/fehlt" })),
        ("x", json!({ "$ref": "#/properties/x" })),
        ("x", json!({ "const": 3 })),
        ("x.y", json!({ "type": "object", "properties": { "y": { "type": "null" } } })),
        ("x._y", json!({ "type": "object", "properties": { "_y": { "type": "string" } } })),
    ] {
        let error = Form::of(&json!({ "type": "object", "properties": { "x": schema } }), None).unwrap_err();
        assert_eq!(error.field, field, "{schema}");
    }
    assert_eq!(Form::of(&json!({ "type": "string" }), None).unwrap_err().field, "");
}

/// What the form of an answer is, its value, and how it reads to whoever looks at it again.
#[test]
fn moments_durations_and_lists_of_days_are_asked_for() {
    let list = |items: serde_json::Value| json!({ "type": "array", "items": items });
    let schema = json!({ "type": "object", "properties": {
        "beginn": { "type": "string", "format": "date-time" }, "dauer": { "type": "string", "format": "duration" },
        "tage": list(json!({ "type": "string", "format": "date" })), "masse": list(json!({ "type": "number" })) } });
    let form = Form::of(&schema, None).unwrap().in_zone(&jiff::tz::TimeZone::get("Europe/Berlin").unwrap());
    let day = |day: &str, month: &str, clock: &str| pairs(&[("beginn.tag", day), ("beginn.monat", month), ("beginn.jahr", "2026"), ("beginn.uhrzeit", clock)]);
    for (sent, value, read) in [
        (day("27", "3", "14:30"), json!({ "beginn": "2026-03-27T14:30:00+01:00" }), "27.03.2026, 14:30 Uhr"),
        (day("27", "6", " 9.05 Uhr "), json!({ "beginn": "2026-06-27T09:05:00+02:00" }), "27.06.2026, 09:05 Uhr"),
        (day("27", "6", "14 uhr"), json!({ "beginn": "2026-06-27T14:00:00+02:00" }), "27.06.2026, 14:00 Uhr"),
        // an hour the clocks show twice
        (day("25", "10", "2:30"), json!({ "beginn": "2026-10-25T02:30:00+02:00" }), "25.10.2026, 02:30 Uhr"),
        (pairs(&[("dauer", "3"), ("dauer.einheit", "monate")]), json!({ "dauer": "P3M" }), "3 Monate"),
        (pairs(&[("dauer", " 90 "), ("dauer.einheit", "minuten")]), json!({ "dauer": "PT90M" }), "90 Minuten"),
        (
            pairs(&[("tage", "27.3.2026\n2026-04-01\n\n1. 5. 2026")]),
            json!({ "tage": ["2026-03-27", "2026-04-01", "2026-05-01"] }),
            "27.03.2026\n01.04.2026\n01.05.2026",
        ),
        (pairs(&[("masse", "1,5\n2")]), json!({ "masse": [1.5, 2] }), "1,5\n2"),
    ] {
        assert_eq!(form.parse(&sent), (value.clone(), vec![]), "{sent:?}");
        assert_eq!(Schema::compile(schema.clone()).unwrap().validate(&value), [], "{value}");
        assert_eq!(form.parse(&form.pairs(&value)).0, value, "{sent:?}");
        let rows = form.review(&value, Lang::De).into_iter().flat_map(|group| group.rows).map(|row| row.text);
        assert_eq!(rows.filter(|text| !text.is_empty()).collect::<Vec<_>>(), [read], "{sent:?}");
    }
    for (sent, expected) in [
        (day("27", "3", ""), "Bitte geben Sie auch die Uhrzeit an, zum Beispiel 14:30."),
        (day("", "", "14:30"), "Das Datum ist nicht vollständig. Bitte geben Sie Tag, Monat und Jahr an."),
        (day("31", "2", "14:30"), "Dieses Datum gibt es nicht. Bitte prüfen Sie Tag und Monat."),
        (day("27", "3", "25:00"), "Bitte schreiben Sie die Uhrzeit mit Stunden und Minuten, zum Beispiel 14:30."),
        (day("27", "3", "1430"), "Bitte schreiben Sie die Uhrzeit mit Stunden und Minuten, zum Beispiel 14:30."),
        (day("27", "3", "14:5"), "Bitte schreiben Sie die Uhrzeit mit Stunden und Minuten, zum Beispiel 14:30."),
        (day("29", "3", "2:30"), "Diese Uhrzeit gibt es an diesem Tag nicht: Die Uhren werden auf die Sommerzeit vorgestellt."),
        (pairs(&[("dauer", "3")]), "Bitte wählen Sie die Einheit aus, zum Beispiel Tage."),
        (pairs(&[("dauer", "drei"), ("dauer.einheit", "tage")]), "Bitte geben Sie eine ganze Zahl an, zum Beispiel 3, und daneben die Einheit."),
        (pairs(&[("dauer", "100000"), ("dauer.einheit", "tage")]), "Bitte geben Sie eine ganze Zahl an, zum Beispiel 3, und daneben die Einheit."),
        (pairs(&[("tage", "27.3.2026 und 28.3.2026")]), "Bitte schreiben Sie in jede Zeile genau einen Tag, zum Beispiel 27.3.2026."),
        (pairs(&[("tage", "31.2.2026")]), "Dieses Datum gibt es nicht. Bitte prüfen Sie Tag und Monat."),
        (pairs(&[("masse", "1,5 2")]), "Bitte schreiben Sie in jede Zeile genau eine Zahl, zum Beispiel 12,5."),
    ] {
        let (value, problems) = form.parse(&sent);
        assert_eq!((value, problems.iter().map(|p| p.message.de.as_str()).collect::<Vec<_>>()), (json!({}), vec![expected]), "{sent:?}");
    }
    // what only one unit can say is not put into the fields, and still read
    assert_eq!(form.pairs(&json!({ "dauer": "P1Y6M" })), []);
    assert_eq!(form.review(&json!({ "dauer": "P1Y6M" }), Lang::De)[0].rows[1].text, "1 Jahr und 6 Monate");
}

/// References with something beside them, members of `allOf`, `null` in a union, values without `enum`, lists four deep: as generators write them.
#[test]
fn schemas_are_asked_for_however_they_are_written() {
    let schema = json!({ "type": "object", "required": ["art", "alt"],
        "properties": {
            "art": { "anyOf": [{ "const": "a", "title": "Erstens" }, { "const": "b", "title": "Zweitens" }], "title": "Art" },
            "alt": { "$ref": "#/$defs/anschrift", "title": "Alte Anschrift" },
            "neu": { "allOf": [{ "$ref": "#/$defs/anschrift" }, { "required": ["land"], "properties": { "land": { "type": "string", "title": "Land" } } }], "title": "Neue Anschrift" },
            "tel": { "anyOf": [{ "type": "string", "maxLength": 30 }, { "type": "null" }], "title": "Telefon" },
            "nummer": { "type": "string", "readOnly": true } },
        "$defs": { "anschrift": { "type": "object", "title": "Anschrift", "required": ["ort"], "properties": { "ort": { "type": "string", "title": "Ort" } } } } });
    let form = Form::of(&schema, None).unwrap();
    let items: Vec<String> = form
        .view(&Filled::default(), Lang::De)
        .items
        .into_iter()
        .filter_map(|item| match item {
            Item::Open { title, .. } => Some(format!("[{title}]")),
            Item::Field(field) => Some(format!("{} {} {}", field.name, field.label, field.kind)),
            Item::Close | Item::List(_) => None,
        })
        .collect();
    assert_eq!(
        items,
        ["art Art radios", "[Alte Anschrift]", "alt.ort Ort text", "[Neue Anschrift]", "neu.ort Ort text", "neu.land Land text", "tel Telefon text"]
    );
    let (value, problems) = form.parse(&pairs(&[("art", "b"), ("alt.ort", "Bellheim"), ("nummer", "7")]));
    assert_eq!((&value, problems), (&json!({ "art": "b", "alt": { "ort": "Bellheim" } }), vec![]));
    assert_eq!(form.review(&value, Lang::De)[0].rows[0].text, "Zweitens");
    // two fields of one name are told apart where something is wrong with both
    let (_, problems) = form.parse(&pairs(&[("art", "b"), ("neu.land", "F")]));
    let mut problems = problems;
    problems.extend(Schema::compile(schema).unwrap().validate(&json!({ "art": "b", "alt": {}, "neu": { "land": "F" } })));
    let labels: Vec<_> = form.view(&Filled { problems: &problems, ..Filled::default() }, Lang::De).problems.into_iter().filter_map(|p| p.label).collect();
    assert_eq!(labels, ["Alte Anschrift, Ort", "Neue Anschrift, Ort"]);

    let nested = |depth: usize| {
        (0..depth).fold(
            json!({ "type": "string" }),
            |inner, _| json!({ "type": "array", "items": { "type": "object", "required": ["x"], "properties": { "x": inner } } }),
        )
    };
    let whole = |depth| json!({ "type": "object", "properties": { "x": nested(depth) } });
    assert_eq!(Form::paged(&whole(5)).unwrap_err().field, "x.*.x.*.x.*.x.*.x");
    let sent = pairs(&[("x.0.x.1.x.0.x.0.x", "tief")]);
    assert_eq!(Form::paged(&whole(4)).unwrap().parse(&sent).0, json!({ "x": [{ "x": [{ "x": [] }, { "x": [{ "x": [{ "x": "tief" }] }] }] }] }));
    let fixed = json!({ "type": "object", "required": ["x"], "properties": { "x": { "type": "string", "readOnly": true } } });
    assert_eq!(Form::of(&fixed, None).unwrap_err().field, "x");
}

#[test]
fn addresses_nobody_has_are_asked_again() {
    let form = Form::of(&json!({ "type": "object", "properties": { "mail": { "type": "string", "format": "email" } } }), None).unwrap();
    for (sent, told) in [("a@b.example", 0), ("a@b", 1), ("a@localhost", 1), ("a@b.", 1), ("kein at", 0)] {
        assert_eq!(form.parse(&pairs(&[("mail", sent)])).1.len(), told, "{sent}");
    }
}

#[test]
fn an_input_of_nothing_is_an_empty_form() {
    assert_eq!(Form::of(&json!({ "type": "object", "additionalProperties": false }), None).unwrap().parse(&[]), (json!({}), vec![]));
}

#[test]
fn fields_come_in_the_given_order_and_in_their_groups() {
    let titles = |form: &Form| {
        let items = form.view(&Filled::default(), Lang::De).items;
        items.iter().filter_map(|i| if let Item::Open { title, .. } = i { Some(title.clone()) } else { None }).collect::<Vec<_>>()
    };
    let groups = ["Halterin oder Halter", "Anschrift", "Hund", "Haltung", "Ermäßigung", "Zahlung", "Hinweise"];
    assert_eq!(titles(&samples::form()), groups);
    assert_eq!(titles(&Form::of(&samples::schema(), None).unwrap()), groups);
}

#[test]
fn files_are_named_for_the_caller() {
    let form = samples::form();
    assert_eq!(
        form.files(),
        [FileField {
            path: "nachweis".into(),
            title: "Nachweis (nur bei Ermäßigung)".into(),
            media_types: ["text/plain", "application/pdf", "image/jpeg", "image/png"].map(str::to_owned).to_vec(),
            max_bytes: Some(4_194_304),
            required: false,
            several: None,
        }]
    );
    let mut value = json!({ "a": 1 });
    let file = serde_json::to_value(File::describe("x.pdf", "application/pdf", b"x")).unwrap();
    insert(&mut value, "b.c", file.clone());
    insert(&mut value, "a.d", file.clone());
    assert_eq!(value, json!({ "a": 1, "b": { "c": file } }));
    assert_eq!(form.file_field("nachweis.0"), None);
    assert_eq!(samples::household().file_field("nachweise").and_then(|field| field.several), Some(20));
}

#[test]
fn a_list_needs_pages_and_a_bound_that_a_form_can_hold() {
    let list = |more: serde_json::Value| {
        let mut list =
            json!({ "type": "array", "title": "Hunde", "items": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } } });
        list.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        json!({ "type": "object", "required": ["hunde"], "properties": { "hunde": list } })
    };
    assert_eq!(Form::of(&list(json!({})), None).unwrap_err().field, "hunde");
    assert_eq!(Form::paged(&list(json!({ "minItems": 51 }))).unwrap_err().field, "hunde");
    let most = |schema| Form::paged(&schema).unwrap().expanded(&pairs(&[("hunde._anzahl", "1000")])).list(&Path::new(["hunde"])).unwrap().entries.len();
    assert_eq!([most(list(json!({}))), most(list(json!({ "maxItems": 3 }))), most(list(json!({ "maxItems": 900 })))], [20, 3, 50]);
    for (min, sent, value, problems) in [
        (0, &[][..], json!({ "hunde": [] }), &[][..]),
        (1, &[], json!({ "hunde": [] }), &["hunde: Bitte tragen Sie hier mindestens einen Eintrag ein."]),
        (2, &[("hunde._anzahl", "1")], json!({ "hunde": [{}] }), &["hunde: Bitte tragen Sie hier mindestens 2 Einträge ein."]),
        (2, &[("hunde.1.name", "Bello")], json!({ "hunde": [{}, { "name": "Bello" }] }), &[]),
    ] {
        let (found, told) = Form::paged(&list(json!({ "minItems": min }))).unwrap().parse(&pairs(sent));
        assert_eq!(
            (found, told.iter().map(|p| format!("{}: {}", p.path, p.message.de)).collect::<Vec<_>>()),
            (value, problems.iter().map(|s| (*s).to_owned()).collect())
        );
    }
}

/// Asked for and never taken: such a form is refused by name, before anybody fills it in.
#[test]
fn what_could_never_be_sent_is_refused() {
    let text = || json!({ "type": "string" });
    let closed = |branch: serde_json::Value| json!({ "type": "object", "additionalProperties": false, "properties": { "art": { "enum": ["a", "b"] } }, "if": { "properties": { "art": { "const": "b" } }, "required": ["art"] }, "then": branch });
    let either = |iban: &str| json!({ "type": "object", "properties": { "art": { "enum": ["bar", "konto"] }, "iban": text() }, "oneOf": [{ "properties": { "art": { "const": "bar" } } }, { "required": [iban] }] });
    for (schema, field) in [
        (closed(json!({ "properties": { "grund": text() }, "required": ["grund"] })), Some("grund")),
        (closed(json!({ "properties": { "grund": false } })), None),
        (closed(json!({ "required": ["art"] })), None),
        (either("bic"), Some("")),
        (either("iban"), None),
    ] {
        assert_eq!(Form::of(&schema, None).err().map(|error| error.field).as_deref(), field, "{schema}");
    }
}

/// One line of a browser has no line ends: what a model proposed in two would be sent as one word.
#[test]
fn a_proposal_of_several_lines_keeps_them() {
    let form = Form::of(&json!({ "type": "object", "properties": { "text": { "type": "string" } } }), None).unwrap();
    let shapes = ["eine Zeile", "zwei\nZeilen"].map(|text| {
        let proposal = json!({ "text": text });
        let view = form.view(&Filled { proposal: Some(&proposal), ..Filled::default() }, Lang::De);
        let Some(Item::Field(field)) = view.items.first() else { panic!("{view:?}") };
        (field.kind, form.parse(&pairs(&[("text", &field.value.replace('\n', "\r\n"))])).0)
    });
    assert_eq!(shapes, [("text", json!({ "text": "eine Zeile" })), ("area", json!({ "text": "zwei\nZeilen" }))]);
}

/// A field may be called as the names end that speak of files.
#[test]
fn a_field_of_any_name_is_no_file() {
    let baum = json!({ "type": "object", "required": ["entfernen"], "properties": { "entfernen": { "type": "boolean" }, "datei": { "type": "string" } } });
    let schema = json!({ "type": "object", "required": ["baum"], "properties": { "baum": baum, "foto": { "type": "object", "format": "file" } } });
    let form = Form::of(&schema, None).unwrap();
    let sent: Vec<(String, String)> = [("baum.entfernen", "ja"), ("baum.datei", "Kataster")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(form.typed_names(&sent).into_iter().collect::<Vec<_>>(), ["baum.datei", "baum.entfernen"]);
    assert_eq!(form.parse(&sent), (json!({ "baum": { "entfernen": true, "datei": "Kataster" } }), Vec::new()));
}

#[test]
fn only_own_pairs_are_carried_on() {
    let sent = pairs(&[
        ("hund.name", "Bello"),
        ("hund.name.x", "1"),
        ("nachweis.datei", "ref"),
        ("nachweis", "boese"),
        ("_schritt", "pruefen"),
        ("aufnahme_am.tag", "1"),
    ]);
    let names: Vec<_> = samples::form().own_pairs(&sent).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["hund.name", "nachweis.datei", "aufnahme_am.tag"]);
}

#[test]
fn a_proposal_fills_texts_and_stands_beside_choices() {
    let proposal = json!({ "entscheidung": "festsetzen", "bemerkung": "Vorschlag", "gefaehrlich": null });
    let view = samples::decision().view(&Filled { proposal: Some(&proposal), ..Filled::default() }, Lang::De);
    let found: Vec<_> = view
        .items
        .iter()
        .filter_map(|i| {
            if let Item::Field(f) = i {
                f.proposal.as_ref().map(|p| (f.name.as_str(), p.as_str(), f.value.as_str(), f.options.iter().any(|o| o.chosen)))
            } else {
                None
            }
        })
        .collect();
    assert_eq!(found, [("entscheidung", "Steuer festsetzen", "", false), ("bemerkung", "Vorschlag", "Vorschlag", false)]);
}

/// The forms of the processes this house ships, as the handlers will make them.
#[test]
fn shipped_processes_can_be_asked_for() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = std::collections::BTreeMap::new();
    collect_files(&root.join("workflows"), "", &mut files);
    collect_files(&root.join("schemas"), "../schemas/", &mut files);
    let processes = Catalogue::load(&Folder { files }).processes;
    assert!(!processes.is_empty());
    for process in processes.values() {
        // what nobody is asked for on a page need not have one
        if process.triggers.iter().any(|trigger| matches!(trigger.kind, TriggerKind::Intake { .. })) {
            assert!(!Form::paged(&process.input.root).unwrap().pages().is_empty());
        }
        let notice = Notice::of(process, Lang::De);
        assert!(!notice.keep_case.is_empty());
        // a model in a process it calls is a model: whoever applies is told
        let with_model = ["gewerbeanmeldung", "hundesteuer-anmeldung", "sitzungsvorlage", "wohngeld-anlage", "wohngeld-vollstaendigkeit"];
        assert_eq!((notice.ai, !notice.ai_does.is_empty()), (with_model.contains(&process.id.as_str()), notice.ai), "{}", process.id);
        for step in process.steps.values() {
            // choices from the run stand in the form once the task is opened
            if let StepKind::Human(human) = &step.kind
                && human.auswahl.is_empty()
            {
                assert!(!Form::of(&human.form.root, Some(&human.form_order)).unwrap().fields().is_empty());
            }
        }
    }
}

fn collect_files(folder: &std::path::Path, prefix: &str, files: &mut std::collections::BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            collect_files(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}
