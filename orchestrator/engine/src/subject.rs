//! Whose data a run is, as terms somebody can be looked for by (Art. 15 GDPR): the texts and numbers of the process's `betroffen`, as
//! they are compared. Pure: what becomes of the terms (a key each, under a secret) is the shell's.

use std::collections::BTreeSet;

use laufzettel_domain::{Value, file::File};
use laufzettel_process::Process;
use unicode_normalization::UnicodeNormalization as _;

use crate::{context::Context, run::Run, scope::scope};

/// Terms of one run: a person has some dozen, a household of twelve with all its incomes some hundreds.
const TERMS_MAX: usize = 1000;
/// Characters of a text that is looked for; longer ones name nobody.
const TEXT_CHARS_MAX: usize = 200;
/// Words of a name, an address, a kind of income; what has more is prose, and is found as a whole or not at all.
const WORDS_MAX: usize = 8;

/// Something somebody is found by, as it is compared: a word, a day, or a number without its blanks and signs. In which field it stood does
/// not count: one form asks for „Familienname“, another for „Name“, a third for both in one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term(String);

impl Term {
    /// Everything a text may be found by.
    pub fn kept(text: &str) -> BTreeSet<Self> {
        let text = normalised(text);
        if let Some(day) = day(&text) {
            return BTreeSet::from([Self(day)]);
        }
        let words: Vec<&str> = words(&text).collect();
        let words = words.iter().filter(|_| words.len() <= WORDS_MAX).map(|word| Self((*word).to_owned()));
        words.chain(number(&text).map(Self)).filter(Self::fits).collect()
    }

    /// What must all be there for somebody who is looked for by this text. Empty: nobody is found by it.
    pub fn sought(text: &str) -> BTreeSet<Self> {
        let text = normalised(text);
        // an address is words, with a number among them
        let is_named = words(&text).any(|word| word.chars().count() > 2 && word.chars().all(char::is_alphabetic));
        let all: BTreeSet<Self> = match day(&text).or_else(|| number(&text).filter(|_| !is_named)) {
            Some(one) => BTreeSet::from([Self(one)]),
            None => words(&text).map(|word| Self(word.to_owned())).collect(),
        };
        if all.iter().all(Self::fits) { all } else { BTreeSet::new() }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn fits(&self) -> bool {
        self.0.chars().count() <= TEXT_CHARS_MAX
    }
}

/// What the data subjects of a run are found by; nothing where its process names none, or its expression names nothing here.
pub fn subject(process: &Process, context: &Context, run: &Run) -> BTreeSet<Term> {
    let Some(template) = &process.betroffen else { return BTreeSet::new() };
    let mut terms = BTreeSet::new();
    if let Ok(value) = template.evaluate(&scope(process, context, run)) {
        collect(&value, &mut terms);
    }
    terms
}

fn collect(value: &Value, terms: &mut BTreeSet<Term>) {
    if terms.len() >= TERMS_MAX || File::from_value(value).is_some() {
        return;
    }
    match value {
        Value::Object(map) => map.values().for_each(|inner| collect(inner, terms)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, terms)),
        Value::String(text) => terms.extend(Term::kept(text)),
        Value::Number(number) => terms.extend(Term::kept(&number.to_string())),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Composed (NFC), without regard to case, ß as ss, hyphens and apostrophes as keyboards have them, without what nobody sees: a soft hyphen
/// that came along from a document, joiners, selectors.
fn normalised(text: &str) -> String {
    let unseen =
        |c: char| matches!(c, '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}');
    let plain = |c: char| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{2bc}' | '\u{b4}' | '`' => '\'',
        other => other,
    };
    let seen: String = text.chars().filter(|c| !unseen(*c)).map(plain).collect();
    seen.trim().nfc().collect::<String>().to_lowercase().replace('ß', "ss")
}

/// Blanks, and what stands between the parts of a name.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || [',', ';'].contains(&c)).filter(|word| !word.is_empty())
}

/// As ISO writes it, whoever wrote it.
fn day(text: &str) -> Option<String> {
    let day = jiff::civil::Date::strptime("%d.%m.%Y", text).ok().or_else(|| text.parse().ok().filter(|_| text.len() == "2026-01-01".len()))?;
    Some(day.to_string())
}

/// What has a digit in it (IBAN, telephone, number of a house): blanks and signs are only for the eye.
fn number(text: &str) -> Option<String> {
    text.chars().any(|c| c.is_ascii_digit()).then(|| text.chars().filter(|c| c.is_alphanumeric()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(terms: BTreeSet<Term>) -> Vec<String> {
        terms.into_iter().map(|term| term.0).collect()
    }

    /// Whoever is looked for by the second text is found where the first was written.
    #[test]
    fn texts_are_compared_as_people_mean_them() {
        for (written, sought, found) in [
            (" Weber ", "WEBER", true),
            ("Gro\u{df}", "gross", true),
            // composed and decomposed
            ("Mu\u{308}ller", "Müller", true),
            ("Anna  Maria", "Anna Maria", true),
            // as it came along from a document
            ("Schmitz\u{ad}ler", "Schmitzler", true),
            ("Weber\u{2010}Klein", "weber-klein", true),
            ("O\u{2019}Neill\u{fe0f}", "O'Neill", true),
            ("Anna Maria", "Maria", true),
            ("Minh Nguyễn", "Nguyễn", true),
            ("Nguyễn, Minh", "Minh Nguyễn", true),
            ("Weber", "Web", false),
            ("Weber-Klein", "Weber", false),
            ("1980-03-01", "1.3.1980", true),
            ("01.03.1980", "1980-03-01", true),
            ("1980-03-01", "01031980", false),
            ("DE89 3704 0044 0532 0130 00", "de89370400440532013000", true),
            ("DE89370400440532013000", "DE89 3704", false),
            ("+49 (651) 123-45", "0049 651 12345", false),
            ("+49 (651) 123-45", "+4965112345", true),
            ("minh99@example.org", "Minh99@example.org", true),
            ("12 a", "12a", true),
            ("76756", "76756", true),
            ("Hauptstraße 2, 76756 Bellheim", "76756 Bellheim", true),
            ("Hauptstraße 2", "Hauptstrasse 2", true),
            ("Hauptstraße 2", "Hauptstrasse 3", false),
            ("ein Satz mit mehr Worten als ein Name hat, viel mehr", "Satz", false),
            ("Weber", "  ", false),
        ] {
            let (kept, sought_for) = (Term::kept(written), Term::sought(sought));
            assert_eq!(!sought_for.is_empty() && sought_for.is_subset(&kept), found, "{written}: {sought}");
        }
        assert_eq!((told(Term::kept(&"a".repeat(201))), told(Term::sought(&"a".repeat(201)))), (vec![], vec![]));
    }

    #[test]
    fn every_text_and_number_is_a_term_and_nothing_else() {
        let file = serde_json::to_value(File::describe("ausweis.pdf", "application/pdf", b"1")).unwrap();
        let value = json!({ "familienname": "Weber", "anschrift": { "plz": 54290, "ort": "Trier" }, "kinder": [{ "name": "Ida Abel" }], "vornamen": ["Eva", "Ina"],
            "ausweis": file, "einverstanden": true, "fax": null });
        let mut terms = BTreeSet::new();
        collect(&value, &mut terms);
        assert_eq!(told(terms), ["54290", "abel", "eva", "ida", "ina", "trier", "weber"]);
    }
}
