//! How values read.

use serde_json::json;

use super::*;

fn run() -> RunId {
    RunId::new(Timestamp::UNIX_EPOCH, [0; 10])
}

/// Each file of a list is opened where it is named, whatever stands beside it.
#[test]
fn files_are_opened_wherever_they_are() {
    let file = |name: &str| serde_json::to_value(File::describe(name, "application/pdf", name.as_bytes())).unwrap();
    let link = |name: &str| file_link(run(), &file(name));
    let material = Material { run: Some(run()), ..Material::bare() };
    let value = json!({ "alle": [file("a.pdf"), file("b.pdf")], "dazu": "Text", "eine": file("c.pdf") });
    let lines = Shown::with("anlagen", &value, material, Lang::De).lines;
    assert_eq!(lines.into_iter().map(|line| line.link).collect::<Vec<_>>(), [link("a.pdf"), link("b.pdf"), None, link("c.pdf")]);
    assert!(link("a.pdf").is_some_and(|link| link.starts_with(&format!("/vorgaenge/{}/dateien/", run()))), "{:?}", link("a.pdf"));
    assert_eq!(Shown::exact("anlage", &file("a.pdf"), run()).lines[0].link, link("a.pdf"));
}

/// Said once, a label is still every value's: who has another says so, and where one has none nothing is taken out.
#[test]
fn the_label_most_values_have_is_said_once() {
    let row = |label: Option<&str>| Shown { protection: label.map(str::to_owned), ..Shown::of("a", &json!(1), Lang::De) };
    for (labels, expected, left) in [
        (vec![Some("hoch"); 3], None, vec![Some("hoch"); 3]),
        (vec![Some("hoch"), Some("hoch"), Some("normal"), Some("hoch"), Some("hoch")], Some("hoch"), vec![None, None, Some("normal"), None, None]),
        (vec![Some("hoch"), Some("hoch"), None, Some("hoch"), Some("hoch")], None, vec![Some("hoch"), Some("hoch"), None, Some("hoch"), Some("hoch")]),
    ] {
        let mut rows: Vec<Shown> = labels.iter().map(|label| row(*label)).collect();
        assert_eq!(common_label(&mut rows).as_deref(), expected, "{labels:?}");
        assert_eq!(rows.iter().map(|row| row.protection.as_deref()).collect::<Vec<_>>(), left, "{labels:?}");
    }
}

/// What turns the direction of writing is read, not obeyed.
#[test]
fn what_nobody_would_see_is_named() {
    let text = json!("\u{202e}gnp.exe");
    for shown in [Shown::of("datei", &text, Lang::De), Shown::exact("datei", &text, run())] {
        assert_eq!(shown.lines, [Line::new(None, "[U+202E]gnp.exe".to_owned())]);
    }
    let called = File::describe("\u{202e}fdp.exe", "application/pdf", b"x");
    assert!(file(&called, Lang::De).starts_with("[U+202E]fdp.exe"), "{}", file(&called, Lang::De));
}

/// What is approved is seen as it goes out: what looks alike in words stays apart.
#[test]
fn values_as_they_go_out() {
    for (value, text) in [
        (json!("Guten Tag\nAnna"), "Guten Tag\nAnna"),
        (json!(""), "\"\""),
        (json!(" x"), "\" x\""),
        (json!("null"), "\"null\""),
        (json!("7"), "\"7\""),
        (json!(7), "7"),
        (json!(true), "true"),
        (json!(null), "null"),
        (json!([]), "[]"),
        (json!({}), "{}"),
        (json!({ "an": ["a"] }), "{\n  \"an\": [\n    \"a\"\n  ]\n}"),
    ] {
        assert_eq!(Shown::exact("betrag_cent", &value, run()).lines, [Line::new(None, text.to_owned())], "{value}");
    }
}

/// Whoever has the code of a status page answers as the applicant: nobody reads it here.
#[test]
fn the_code_of_a_status_page_is_covered() {
    let text = format!("https://vg.example/status/{}", "0123456789abcdef".repeat(2));
    for shown in [Shown::of("text", &json!(text), Lang::De), Shown::exact("text", &json!(text), run())] {
        assert_eq!(shown.lines, [Line::new(None, "https://vg.example/status/•••".to_owned())]);
    }
    assert!(!Shown::exact("an", &json!([text]), run()).lines[0].text.contains("0123"));
}

#[test]
fn values_in_words() {
    for (key, value, de, en) in [
        ("jahressteuer_cent", json!(1_234_500), "12.345,00 €", "€12,345.00"),
        ("betrag_cent", json!(-5), "−0,05 €", "−€0.05"),
        ("aufnahme_am", json!("2026-05-03"), "03.05.2026", "3 May 2026"),
        ("gefaehrlich", json!(false), "Nein", "No"),
        ("anteil", json!(1.5), "1,5", "1.5"),
        ("bemerkung", json!(""), "–", "–"),
    ] {
        assert_eq!((spell(key, &value, Lang::De), spell(key, &value, Lang::En)), (de.to_owned(), en.to_owned()), "{key}");
    }
}

#[test]
fn labels_from_keys() {
    for (key, label) in [
        ("chip_aus_deutschland", "Chip aus deutschland"),
        ("beantragte_ermaessigung", "Beantragte ermäßigung"),
        ("email", "E-Mail"),
        ("ags", "AGS"),
        ("zuerst", "Zuerst"),
        ("jahressteuer_cent", "Jahressteuer"),
        ("", ""),
    ] {
        assert_eq!(humanize(key), label, "{key}");
    }
}

#[test]
fn an_object_is_listed_by_key_and_anything_else_is_one_value() {
    let labels = |value| Shown::list(&value, &["c".to_owned(), "x".to_owned()], Lang::De).into_iter().map(|s| s.label).collect::<Vec<_>>();
    assert_eq!(labels(json!({ "b": 2, "c": 3, "a": 1 })), ["C", "A", "B"]);
    assert_eq!(labels(json!([1])), ["Wert"]);
    assert_eq!(labels(serde_json::to_value(File::describe("x", "text/plain", b"x")).unwrap()), ["Wert"]);
}

#[test]
fn nested_values_become_lines() {
    let value = json!([{ "familienname": "Adler", "anschrift": { "plz": "76756" } }]);
    let lines: Vec<_> = Shown::of("melderegister", &value, Lang::De).lines.into_iter().map(|l| (l.label.unwrap_or_default(), l.text)).collect();
    let expected = [("Anschrift, PLZ", "76756"), ("Familienname", "Adler")].map(|(l, t)| (l.to_owned(), t.to_owned()));
    assert_eq!(lines, expected);
}

#[test]
fn quotations_stand_beside_what_they_show() {
    let belege = json!([{ "document": "D-1", "version": "1", "place": "Absatz 2", "zitat": "morsch" }]);
    let passages = json!([{ "document": "D-1", "version": "1", "place": "Absatz 2", "text": "Die Pfosten sind morsch." }]);
    let value = json!([{ "aussage": "Eins", "belege": belege }, { "aussage": "Zwei", "belege": ["kein Beleg"] }]);
    let material = Material { passages: &passages, ..Material::bare() };
    let lines: Vec<_> = Shown::with("aussagen", &value, material, Lang::De)
        .lines
        .into_iter()
        .map(|line| (line.label.unwrap_or_default(), line.text, line.citations.into_iter().map(|c| (c.near.before, c.near.quoted)).collect::<Vec<_>>()))
        .collect();
    let none = Vec::new;
    let expected = [
        ("1, Aussage".to_owned(), "Eins".to_owned(), none()),
        ("1, belegt durch".to_owned(), String::new(), vec![("Die Pfosten sind ".to_owned(), "morsch".to_owned())]),
        ("2, Aussage".to_owned(), "Zwei".to_owned(), none()),
        ("2, Belege".to_owned(), "kein Beleg".to_owned(), none()),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn long_texts_are_folded() {
    let of = |chars: usize, everything| {
        let mut rows = vec![Shown::of("x", &json!("wort ".repeat(chars / 5)), Lang::De)];
        bound(&mut rows, everything);
        let line = rows.remove(0).lines.remove(0);
        (line.text.chars().count(), line.whole.map(|whole| whole.chars().count()), line.cut)
    };
    assert_eq!(of(500, false), (500, None, false));
    assert_eq!(of(505, false), (401, Some(505), false));
    assert_eq!(of(7_000, false), (401, Some(6_000), true));
    assert_eq!(of(7_000, true), (401, Some(7_000), false));
}

#[test]
fn labels_in_words() {
    let label = |level, kinds: &[laufzettel_domain::Kategorie], trust| Label::new(level, kinds.iter().copied(), trust);
    use laufzettel_domain::{Kategorie, Schutzbedarf};
    for (label, de) in [
        (label(Schutzbedarf::Hoch, &[Kategorie::Steuerdaten], Trust::Trusted), "hoch: Steuerdaten"),
        (label(Schutzbedarf::Kein, &[], Trust::Trusted), "keiner"),
        (label(Schutzbedarf::Normal, &[], Trust::Untrusted), "normal; im Haus noch nicht geprüft"),
    ] {
        assert_eq!(label_in_words(&label, Lang::De), de);
    }
}

#[test]
fn sizes() {
    for (bytes, text) in [(12, "12 Bytes"), (2048, "2 KB"), (4_194_304, "4 MB"), (1_600_000, "1,5 MB")] {
        assert_eq!(size(bytes, Lang::De), text);
    }
}

/// The code of a status page is covered in a letter as anywhere, and the letter is laid out all the same.
#[test]
fn a_letter_with_a_covered_address_is_laid_out() {
    let link = "http://127.0.0.1:8080/status/00112233445566778899aabbccddeeff";
    let parts = [("# Eingang\n\nIhr Stand: ", true), (link, false)].map(|(text, fixed)| Part { text: text.to_owned(), fixed });
    let text: String = parts.iter().map(|part| part.text.as_str()).collect();
    let mut rows = [Shown::of("text", &json!(text), Lang::De).letter(Some(parts.into()))];
    bound(&mut rows, false);
    let html = rows[0].lines[0].html.clone().unwrap_or_default();
    assert_eq!(html, "<p class=\"schrift__titel\">Eingang</p><p>Ihr Stand: http://127.0.0.1:8080/status/•••</p>");
}
