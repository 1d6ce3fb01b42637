//! Every wording of the pages, German and English, in one place; dates and durations as people write them.

mod antrag;
mod aufgaben;
mod bild;
mod eigene;
mod fehler;
mod protokoll;
mod stand;
mod table;

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use laufzettel_domain::{Lang, Span, Text};

pub use eigene::{known, own_title, worded};
pub use fehler::{advice, refused};

/// One table for each part of the pages.
const TABLES: [&[(&str, &str, &str)]; 8] =
    [table::WORDS, fehler::WORDS, antrag::WORDS, stand::WORDS, bild::WORDS, aufgaben::WORDS, protokoll::WORDS, eigene::WORDS];

fn words() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// The wording of a key; empty for one that is not in the table, which tests refuse.
pub fn word(key: &str, lang: Lang) -> &'static str {
    let found = words().find(|(name, _, _)| *name == key);
    debug_assert!(found.is_some(), "no wording „{key}“");
    match (found, lang) {
        (Some((_, de, _)), Lang::De) => de,
        (Some((_, _, en)), Lang::En) => en,
        (None, _) => "",
    }
}

/// „einer Minute“, „2 Minuten“, as it stands after „in“; a begun one counts.
pub fn minutes(seconds: i64, lang: Lang) -> String {
    let minutes = seconds.max(1).unsigned_abs().div_ceil(60);
    format!("{minutes} {}", word(if minutes == 1 { "minute_one" } else { "minutes_dative" }, lang))
}

pub fn said(key: &str) -> Text {
    Text::new(word(key, Lang::De), word(key, Lang::En))
}

/// The whole table in one language, for the templates.
pub(super) fn all(lang: Lang) -> BTreeMap<&'static str, &'static str> {
    words().map(|(key, de, en)| (*key, if lang == Lang::De { *de } else { *en })).collect()
}

/// `03.05.2026` or `3 May 2026`.
pub fn format_date(date: Date, lang: Lang) -> String {
    match lang {
        Lang::De => date.strftime("%d.%m.%Y").to_string(),
        Lang::En => date.strftime("%-d %B %Y").to_string(),
    }
}

/// `03.05.2026, 09:30 Uhr` or `3 May 2026, 09:30`.
pub fn format_moment(at: DateTime, lang: Lang) -> String {
    let (date, time) = (format_date(at.date(), lang), at.strftime("%H:%M"));
    if lang == Lang::De { format!("{date}, {time} Uhr") } else { format!("{date}, {time}") }
}

/// `P10Y` → „10 Jahre“; parts beside each other are joined: „1 Jahr und 6 Monate“.
pub fn format_span(span: &Span, lang: Lang) -> String {
    let iso = span.to_string();
    let (mut parts, mut number, mut in_time) = (Vec::new(), String::new(), false);
    for c in iso.chars().skip(1) {
        match c {
            'T' => in_time = true,
            '0'..='9' | '.' => number.push(c),
            unit => parts.push(counted(&std::mem::take(&mut number), unit, in_time, lang)),
        }
    }
    parts.join(&format!(" {} ", word("and", lang)))
}

fn counted(number: &str, unit: char, in_time: bool, lang: Lang) -> String {
    let (one, more) = match (unit, in_time) {
        ('Y', _) => ("year_one", "years"),
        ('M', false) => ("month_one", "months"),
        ('W', _) => ("week_one", "weeks"),
        ('D', _) => ("day_one", "days"),
        ('H', _) => ("hour_one", "hours"),
        ('M', true) => ("minute_one", "minutes"),
        _ => ("second_one", "seconds"),
    };
    format!("{number} {}", word(if number == "1" { one } else { more }, lang))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (iso, de, en) in [
            ("P10Y", "10 Jahre", "10 years"),
            ("P1Y6M", "1 Jahr und 6 Monate", "1 year and 6 months"),
            ("PT5M", "5 Minuten", "5 minutes"),
            ("P14D", "14 Tage", "14 days"),
        ] {
            let span = Span::parse(iso).unwrap();
            assert_eq!((format_span(&span, Lang::De), format_span(&span, Lang::En)), (de.to_owned(), en.to_owned()));
        }
    }

    #[test]
    fn moments() {
        let at = jiff::civil::date(2026, 5, 3).at(9, 5, 0, 0);
        assert_eq!((format_moment(at, Lang::De), format_moment(at, Lang::En)), ("03.05.2026, 09:05 Uhr".to_owned(), "3 May 2026, 09:05".to_owned()));
    }

    #[test]
    fn every_wording_stands_once_and_in_both_languages() {
        for (n, (key, de, en)) in words().enumerate() {
            assert!(!de.is_empty() && !en.is_empty(), "{key}");
            assert!(words().skip(n + 1).all(|(other, _, _)| other != key), "{key} twice");
        }
    }
}
