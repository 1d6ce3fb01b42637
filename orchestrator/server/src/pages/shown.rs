//! Values as people read them: labels from keys, dates, amounts and files in words.

use jiff::civil::Date;
use laufzettel_domain::{Label, Lang, Value, file::File};
use laufzettel_worker::veil;
use serde::Serialize;

use super::words::{format_date, word};

/// One value with its label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    pub label: String,
    /// One for a plain value; one per field or item of a nested one.
    pub lines: Vec<Line>,
    /// Where the file behind it can be fetched.
    pub link: Option<String>,
    /// Protection need and categories.
    pub protection: Option<String>,
    pub origin: Option<Origin>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub label: Option<String>,
    pub text: String,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Antrag,
    Register,
    Modell,
    Regel,
    Mensch,
}

impl Shown {
    pub fn of(key: &str, value: &Value, lang: Lang) -> Self {
        let mut lines = Vec::new();
        add_lines(None, key, value, lang, &mut lines);
        if lines.is_empty() {
            lines.push(Line { label: None, text: word("nothing", lang).to_owned() });
        }
        Self { label: humanize(key), lines, link: None, protection: None, origin: None }
    }

    /// A value as a program is given it: under its own name, nothing left out but the code of a status page, nothing in other words. `from`: where it comes from.
    pub fn exact(name: &str, value: &Value, from: Option<&str>) -> Self {
        let text = match value {
            // what is text and looks like it needs no quotes
            Value::String(text) if !text.is_empty() && text.trim() == text && serde_json::from_str::<Value>(text).is_err() => veil::text(text),
            Value::Array(_) | Value::Object(_) => serde_json::to_string_pretty(&veil::value(value)).unwrap_or_default(),
            other => veil::text(&other.to_string()),
        };
        let from = from.map(|from| Line { label: Some("Herkunft".to_owned()), text: from.to_owned() });
        let lines = [Line { label: None, text }].into_iter().chain(from).collect();
        Self { label: name.to_owned(), lines, link: None, protection: None, origin: None }
    }

    /// Every key of an object: those of `order` first, the rest by name. Anything else, a file too, is one value.
    pub fn list(value: &Value, order: &[String], lang: Lang) -> Vec<Self> {
        let Some(map) = value.as_object().filter(|_| File::from_value(value).is_none()) else {
            return vec![Self { label: word("value", lang).to_owned(), ..Self::of("", value, lang) }];
        };
        let rest = map.keys().filter(|key| !order.contains(key));
        order.iter().chain(rest).filter_map(|key| Some(Self::of(key, map.get(key)?, lang))).collect()
    }

    #[must_use]
    pub fn labelled(mut self, label: &Label) -> Self {
        self.protection = Some(label.to_string());
        self
    }

    #[must_use]
    pub fn from(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }
}

fn add_lines(label: Option<String>, key: &str, value: &Value, lang: Lang, lines: &mut Vec<Line>) {
    let below = |part: &str| Some(label.as_ref().map_or_else(|| humanize(part), |l| format!("{l}, {}", humanize(part))));
    match value {
        Value::Object(map) if File::from_value(value).is_none() => map.iter().for_each(|(k, v)| add_lines(below(k), k, v, lang, lines)),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                let label = if item.is_object() && items.len() > 1 { below(&(n + 1).to_string()) } else { label.clone() };
                add_lines(label, key, item, lang, lines);
            }
        }
        scalar => lines.push(Line { label, text: veil::text(&spell(key, scalar, lang)) }),
    }
}

/// A scalar or a file in words. A number under a key ending in `_cent` is an amount.
pub fn spell(key: &str, value: &Value, lang: Lang) -> String {
    match value {
        Value::Null => word("nothing", lang).to_owned(),
        Value::Bool(yes) => word(if *yes { "yes" } else { "no" }, lang).to_owned(),
        Value::Number(n) if key.ends_with("_cent") => n.as_i64().map_or_else(|| n.to_string(), |cent| euro(cent, lang)),
        Value::Number(_) => number(value, lang),
        Value::String(text) if text.trim().is_empty() => word("nothing", lang).to_owned(),
        Value::String(text) => day(text, lang),
        other => File::from_value(other).map_or_else(|| other.to_string(), |f| file(&f, lang)),
    }
}

/// A value without quotes.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

/// An ISO date in the person's form; any other text as it is.
pub fn day(text: &str, lang: Lang) -> String {
    let date = (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten();
    date.map_or_else(|| text.to_owned(), |date| format_date(date, lang))
}

pub fn number(value: &Value, lang: Lang) -> String {
    let plain = plain(value);
    if lang == Lang::De { plain.replace('.', ",") } else { plain }
}

fn euro(cent: i64, lang: Lang) -> String {
    let sign = if cent < 0 { "−" } else { "" };
    let (whole, rest) = (group(&(cent.unsigned_abs() / 100).to_string(), lang), cent.unsigned_abs() % 100);
    match lang {
        Lang::De => format!("{sign}{whole},{rest:02} €"),
        Lang::En => format!("{sign}€{whole}.{rest:02}"),
    }
}

/// Thousands apart.
fn group(digits: &str, lang: Lang) -> String {
    let mark = if lang == Lang::De { '.' } else { ',' };
    let mut grouped = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            grouped.push(mark);
        }
        grouped.push(digit);
    }
    grouped
}

pub fn file(file: &File, lang: Lang) -> String {
    format!("{} ({})", file.name, size(file.size, lang))
}

/// Bytes in words.
pub fn size(bytes: u64, lang: Lang) -> String {
    let (unit, name) = match bytes {
        0..1024 => return format!("{bytes} {}", word("bytes", lang)),
        1024..1_048_576 => (1024, "KB"),
        _ => (1_048_576, "MB"),
    };
    let tenths = bytes.saturating_mul(10) / unit;
    let mark = if lang == Lang::De { ',' } else { '.' };
    if tenths.is_multiple_of(10) { format!("{} {name}", tenths / 10) } else { format!("{}{mark}{} {name}", tenths / 10, tenths % 10) }
}

/// What people call a media type.
pub fn media_type(name: &str) -> String {
    let known = [("application/pdf", "PDF"), ("image/jpeg", "JPEG"), ("image/png", "PNG"), ("text/plain", "Text (TXT)")];
    known.iter().find(|(media, _)| *media == name).map_or_else(|| name.to_owned(), |(_, word)| (*word).to_owned())
}

/// `tage_bis_anmeldung` → „Tage bis anmeldung“: blanks for underscores, a capital in front, known words as they are written. `_cent`
/// at the end goes: the amount says its currency.
pub fn humanize(key: &str) -> String {
    let written = |word: &str| WRITTEN.iter().find(|(raw, _)| *raw == word).map_or_else(|| stem(word), |(_, right)| (*right).to_owned());
    let key = key.strip_suffix("_cent").unwrap_or(key);
    let words: Vec<String> = key.split('_').filter(|w| !w.is_empty()).map(written).collect();
    let text = words.join(" ");
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn stem(word: &str) -> String {
    STEMS.iter().fold(word.to_owned(), |word, (raw, right)| word.replace(raw, right))
}

/// Whole words of keys that are written otherwise.
const WRITTEN: [(&str, &str); 16] = [
    ("ags", "AGS"),
    ("email", "E-Mail"),
    ("iban", "IBAN"),
    ("bic", "BIC"),
    ("plz", "PLZ"),
    ("id", "ID"),
    ("url", "URL"),
    ("sepa", "SEPA"),
    ("dms", "DMS"),
    ("pdf", "PDF"),
    ("ki", "KI"),
    ("fuer", "für"),
    ("lhundg", "LHundG"),
    ("ueber", "über"),
    ("oe", "OE"),
    ("nr", "Nr."),
];

/// Parts of words that keys spell without umlauts.
const STEMS: [(&str, &str); 28] = [
    ("ermaessig", "ermäßig"),
    ("gefaehr", "gefähr"),
    ("gueltig", "gültig"),
    ("pruef", "prüf"),
    ("gebuehr", "gebühr"),
    ("strasse", "straße"),
    ("faellig", "fällig"),
    ("rueck", "rück"),
    ("gruend", "gründ"),
    ("behoerd", "behörd"),
    ("staendig", "ständig"),
    ("aender", "änder"),
    ("hoehe", "höhe"),
    ("schluessel", "schlüssel"),
    ("bestaetig", "bestätig"),
    ("empfaenger", "empfänger"),
    ("antraeg", "anträg"),
    ("betraeg", "beträg"),
    ("vorgaeng", "vorgäng"),
    ("moeglich", "möglich"),
    ("persoenlich", "persönlich"),
    ("jaehr", "jähr"),
    ("groesse", "größe"),
    ("massnahm", "maßnahm"),
    ("erklaer", "erklär"),
    ("anhoer", "anhör"),
    ("verstaendn", "verständn"),
    ("hinzufueg", "hinzufüg"),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
            assert_eq!(Shown::exact("betrag_cent", &value, None).lines, [Line { label: None, text: text.to_owned() }], "{value}");
        }
    }

    /// Whoever has the code of a status page answers as the applicant: nobody reads it here.
    #[test]
    fn the_code_of_a_status_page_is_covered() {
        let text = format!("https://vg.example/status/{}", "0123456789abcdef".repeat(2));
        for shown in [Shown::of("text", &json!(text), Lang::De), Shown::exact("text", &json!(text), None)] {
            assert_eq!(shown.lines, [Line { label: None, text: "https://vg.example/status/•••".to_owned() }]);
        }
        assert!(!Shown::exact("an", &json!([text]), None).lines[0].text.contains("0123"));
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
    fn sizes() {
        for (bytes, text) in [(12, "12 Bytes"), (2048, "2 KB"), (4_194_304, "4 MB"), (1_600_000, "1,5 MB")] {
            assert_eq!(size(bytes, Lang::De), text);
        }
    }
}
