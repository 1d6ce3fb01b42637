//! What fields are called: the author's own title where there is one, else a word made of the key, spelt as the process spells it.
//!
//! Pure. Titles of tool servers are none: what a foreign program calls its fields is not what a clerk reads here.

use std::collections::BTreeMap;

use laufzettel_domain::{Lang, Path, Span, Value, money};
use laufzettel_process::schema::{Schema, is_cent};

use super::{shown::humanize, words::format_span};

/// Words with a capital, as the texts of a process write them in the middle of a sentence: nouns, names of places.
#[derive(Debug, Default)]
pub struct Spelling(BTreeMap<String, String>);

/// Letters of a word at least: „Sie“ and „Ihr“ are nouns nowhere.
const LETTERS_MIN: usize = 4;

impl Spelling {
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut known = BTreeMap::new();
        for line in texts.into_iter().flat_map(str::lines) {
            let mut before = "";
            for token in line.split(' ') {
                // what follows a full stop or a colon has its capital from there
                let inside = before.ends_with(|c: char| c.is_alphanumeric() || c == ',');
                let word = token.trim_matches(|c: char| !c.is_alphanumeric());
                let noun = word.starts_with(char::is_uppercase) && word.chars().skip(1).all(char::is_lowercase);
                if inside && noun && word.chars().count() >= LETTERS_MIN {
                    known.entry(word.to_lowercase()).or_insert_with(|| word.to_owned());
                }
                before = token;
            }
        }
        Self(known)
    }

    /// A key as words.
    pub fn words(&self, key: &str) -> String {
        let spelt = humanize(key);
        let spelt = spelt.split(' ').enumerate().map(|(n, word)| match self.0.get(word) {
            Some(noun) if n > 0 => noun.as_str(),
            _ => word,
        });
        spelt.collect::<Vec<_>>().join(" ")
    }
}

/// The names of a value's parts.
#[derive(Clone, Copy)]
pub struct Names<'n> {
    spelling: &'n Spelling,
    /// The author's schema of it, and where in that the value lies.
    schema: Option<(&'n Schema, &'n [String])>,
}

impl<'n> Names<'n> {
    pub fn new(spelling: &'n Spelling, schema: Option<(&'n Schema, &'n [String])>) -> Self {
        Self { spelling, schema }
    }

    fn at(&self, below: &[String]) -> Option<&'n Value> {
        let (schema, place) = self.schema?;
        schema.field(&[place, below].concat())
    }

    /// The author's title, without the remark that it may be left empty.
    pub fn title(&self, below: &[String]) -> Option<String> {
        let title = self.at(below)?.get("title")?.as_str()?;
        Some(title.split_once(" (freiwillig)").map_or(title, |(title, _)| title).to_owned()).filter(|title| !title.is_empty())
    }

    pub fn label(&self, below: &[String]) -> String {
        self.title(below).unwrap_or_else(|| self.spelling.words(below.last().map_or("", |key| if Path::is_element(key) { "" } else { key })))
    }

    /// A value in the author's words, where her schema has some for it.
    pub fn spelled(&self, below: &[String], value: &Value, lang: Lang) -> Option<String> {
        let amount = || Some(money::spelled(value.as_i64().filter(|_| self.at(below).is_some_and(is_cent))?, lang));
        self.choice(below, value).or_else(|| self.plainly(below, value)).or_else(amount).or_else(|| self.length(below, value, lang))
    }

    fn length(&self, below: &[String], value: &Value, lang: Lang) -> Option<String> {
        let is_one = self.at(below)?.get("format").and_then(Value::as_str) == Some("duration");
        Span::parse(value.as_str().filter(|_| is_one)?).map(|span| format_span(&span, lang))
    }

    /// A value of a closed list the author has no title for: its key as words, where no other value of the list reads the same.
    fn plainly(&self, below: &[String], value: &Value) -> Option<String> {
        let words = self.spelling.words(value.as_str()?);
        let all = self.at(below)?.get("enum")?.as_array()?;
        let same = all.iter().filter_map(Value::as_str).filter(|other| self.spelling.words(other) == words).count();
        (all.contains(value) && same == 1).then_some(words)
    }

    /// What the author calls one of the values a field may have, with the value itself: that is what is vouched for.
    pub fn choice(&self, below: &[String], value: &Value) -> Option<String> {
        let choices = ["oneOf", "anyOf"].into_iter().filter_map(|key| self.at(below)?.get(key)?.as_array()).flatten();
        let title = choices.into_iter().find(|choice| choice.get("const") == Some(value))?.get("title")?.as_str()?;
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // „Rat (rat)“ says nothing more
        Some(if title.to_lowercase() == plain.to_lowercase() { title.to_owned() } else { format!("{title} ({plain})") })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nouns_are_spelt_as_the_process_spells_them() {
        let spelling = Spelling::of(["title: Zuständige Ortsgemeinde", "Der Chip stammt aus Deutschland, die Anmeldung kam. Innerhalb von SEPA"]);
        for (key, expected) in [
            ("chip_aus_deutschland", "Chip aus Deutschland"),
            ("tage_bis_anmeldung", "Tage bis Anmeldung"),
            ("fuer_ortsgemeinde", "Für Ortsgemeinde"),
            ("alles_innerhalb", "Alles innerhalb"),
            ("mit_zustaendige", "Mit zuständige"),
        ] {
            assert_eq!(spelling.words(key), expected, "{key}");
        }
    }

    #[test]
    fn the_authors_titles_come_first() {
        let schema = Schema::compile(json!({ "type": "object", "properties": {
            "halter": { "type": "object", "title": "Halterin oder Halter", "properties": { "telefon": { "type": "string", "title": "Telefon (freiwillig)" } } },
            "stand": { "enum": ["zu_kurz", "fehlt", "a_b", "a__b"] },
            "miete": { "type": "integer", "x-einheit": "cent" },
            "grund": { "enum": ["tierheim"], "oneOf": [{ "const": "tierheim", "title": "Aus dem Tierheim" }] },
            "liste": { "type": "array", "items": { "type": "object", "properties": { "nr": { "type": "integer", "title": "Nummer" } } } } } }))
        .unwrap();
        let (spelling, words) = (Spelling::default(), |parts: &[&str]| parts.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>());
        let names = Names::new(&spelling, Some((&schema, &[])));
        for (below, expected) in [
            (words(&["halter", "telefon"]), "Telefon"),
            (words(&["liste", "1", "nr"]), "Nummer"),
            (words(&["grund"]), "Grund"),
            (words(&["fremd", "plz"]), "PLZ"),
        ] {
            assert_eq!(names.label(&below), expected);
        }
        assert_eq!(names.choice(&words(&["grund"]), &json!("tierheim")), Some("Aus dem Tierheim (tierheim)".to_owned()));
        assert_eq!(names.choice(&words(&["grund"]), &json!("anders")), None);
        for (value, expected) in [("zu_kurz", Some("Zu kurz")), ("fehlt", Some("Fehlt")), ("a_b", None), ("fremd", None)] {
            assert_eq!(names.spelled(&words(&["stand"]), &json!(value), Lang::De).as_deref(), expected, "{value}");
        }
        assert_eq!(names.spelled(&words(&["miete"]), &json!(62_000), Lang::De), Some("620,00 €".to_owned()));
        assert_eq!(names.spelled(&words(&["liste", "1", "nr"]), &json!(62_000), Lang::De), None);
    }
}
