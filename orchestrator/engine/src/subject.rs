//! Whose data a run is, as terms somebody can be looked for by (Art. 15 GDPR): the fields of the process's `betroffen`, each with its
//! text as it is compared. Pure: what becomes of the terms (a key each, under a secret) is the shell's.

use std::collections::BTreeSet;

use laufzettel_domain::{Value, file::File};
use laufzettel_process::{
    Process,
    expression::{Shape, Template},
};
use unicode_normalization::UnicodeNormalization as _;

use crate::{context::Context, run::Run, scope::scope};

/// Terms of one run: a person has some dozen fields, a household some hundred.
const TERMS_MAX: usize = 200;
/// Characters of a text that is looked for; longer ones name nobody.
const TEXT_CHARS_MAX: usize = 200;
/// The field of a value that has no name of its own.
const UNNAMED: &str = "betroffen";
/// Fields in which blanks and signs are only for the eye.
const GROUPED: [&str; 7] = ["iban", "telefon", "mobil", "steuerid", "steuernummer", "chipnummer", "kennzeichen"];

/// A field's name and its text as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    pub field: String,
    pub text: String,
}

impl Term {
    /// As it is written by whoever fills in a form, or looks for somebody. `None`: nobody is found by it.
    pub fn new(field: &str, text: &str) -> Option<Self> {
        let field = field.trim().to_lowercase();
        let text = normalised(&field, text);
        (!field.is_empty() && !text.is_empty() && text.chars().count() <= TEXT_CHARS_MAX).then_some(Self { field, text })
    }
}

/// What the data subject of a run is found by; nothing where its process names none, or its expression names nothing here.
pub fn subject(process: &Process, context: &Context, run: &Run) -> BTreeSet<Term> {
    let Some(template) = &process.betroffen else { return BTreeSet::new() };
    let mut terms = BTreeSet::new();
    if let Ok(value) = template.evaluate(&scope(process, context, run)) {
        collect(name_of(template), &value, &mut terms);
    }
    terms
}

/// What a lone value is called: as the field it was read from.
fn name_of(template: &Template) -> &str {
    match template {
        Template::Expression(expression) => match &expression.shape {
            Shape::Ref(path) => path.0.last().map_or(UNNAMED, String::as_str),
            _ => UNNAMED,
        },
        _ => UNNAMED,
    }
}

fn collect(field: &str, value: &Value, terms: &mut BTreeSet<Term>) {
    if terms.len() >= TERMS_MAX || File::from_value(value).is_some() {
        return;
    }
    match value {
        Value::Object(map) => map.iter().for_each(|(name, inner)| collect(name, inner, terms)),
        Value::Array(items) => items.iter().for_each(|item| collect(field, item, terms)),
        Value::String(text) => terms.extend(Term::new(field, text)),
        Value::Number(number) => terms.extend(Term::new(field, &number.to_string())),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Composed (NFC), without regard to case, ß as ss; blanks as one; a German date as ISO writes it.
fn normalised(field: &str, text: &str) -> String {
    let text: String = text.nfc().collect::<String>().to_lowercase().replace('ß', "ss");
    if GROUPED.contains(&field) {
        return text.chars().filter(|c| c.is_alphanumeric()).collect();
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    jiff::civil::Date::strptime("%d.%m.%Y", &text).map_or(text, |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_compared_as_people_mean_them() {
        for (field, written, expected) in [
            ("familienname", " Weber ", Some("weber")),
            ("familienname", "WEBER", Some("weber")),
            ("familienname", "Gro\u{df}", Some("gross")),
            // composed and decomposed
            ("familienname", "Mu\u{308}ller", Some("müller")),
            ("familienname", "Müller", Some("müller")),
            ("vornamen", "Anna  Maria", Some("anna maria")),
            ("geburtsdatum", "1980-03-01", Some("1980-03-01")),
            ("geburtsdatum", "1.3.1980", Some("1980-03-01")),
            ("iban", "DE89 3704 0044 0532 0130 00", Some("de89370400440532013000")),
            ("telefon", "+49 (651) 123-45", Some("4965112345")),
            ("familienname", "  ", None),
            ("", "Weber", None),
        ] {
            assert_eq!(Term::new(field, written).map(|term| term.text).as_deref(), expected, "{field}: {written}");
        }
        assert_eq!(Term::new("x", &"a".repeat(201)), None);
    }

    #[test]
    fn every_text_and_number_is_a_term_and_nothing_else() {
        let file = serde_json::to_value(File::describe("ausweis.pdf", "application/pdf", b"1")).unwrap();
        let value = json!({ "familienname": "Weber", "anschrift": { "plz": 54290, "ort": "Trier" }, "kinder": [{ "familienname": "Abel" }], "vornamen": ["Eva", "Ina"],
            "ausweis": file, "einverstanden": true, "fax": null });
        let mut terms = BTreeSet::new();
        collect(UNNAMED, &value, &mut terms);
        let told: Vec<String> = terms.into_iter().map(|term| format!("{}={}", term.field, term.text)).collect();
        assert_eq!(told, ["familienname=abel", "familienname=weber", "ort=trier", "plz=54290", "vornamen=eva", "vornamen=ina"]);
        let mut alone = BTreeSet::new();
        collect("name", &json!("Weber"), &mut alone);
        assert_eq!(alone, BTreeSet::from([Term { field: "name".into(), text: "weber".into() }]));
    }
}
