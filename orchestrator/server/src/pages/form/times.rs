//! Moments, durations and lists of days in a form: how they are asked, read and written again.
//!
//! A moment is the time on the clock of the form's zone. What that clock never showed (the hour skipped in spring) is refused; of the hour it
//! showed twice in autumn the first is meant, and the answer says its offset, as RFC 3339 does.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};
use laufzettel_domain::{Lang, Span, Text, Value};

use super::{Form, Kind, Node, parse::Answer, sent};
use crate::pages::{
    unseen,
    words::{format_moment, format_span, said, word},
};

/// Ending of the name that carries the time beside the three parts of a day.
pub(super) const CLOCK: &str = ".uhrzeit";
/// Ending of the name that carries the unit of a duration.
pub(super) const UNIT: &str = ".einheit";
/// What a duration may be counted in: what is sent, what it is called, what stands before and after the number.
const UNITS: [(&str, &str, &str, char); 6] = [
    ("minuten", "minutes", "PT", 'M'),
    ("stunden", "hours", "PT", 'H'),
    ("tage", "days", "P", 'D'),
    ("wochen", "weeks", "P", 'W'),
    ("monate", "months", "P", 'M'),
    ("jahre", "years", "P", 'Y'),
];
/// The longest duration in any unit: what needs more digits is a slip of the keyboard.
const COUNT_MAX: u32 = 99_999;

pub(super) fn date(pairs: &[(String, String)], name: &str) -> Answer {
    match day(pairs, name) {
        Ok(None) => Answer::Empty,
        Ok(Some(date)) => Answer::Given(date.to_string().into()),
        Err(wrong) => Answer::Wrong(wrong),
    }
}

fn day(pairs: &[(String, String)], name: &str) -> Result<Option<Date>, Text> {
    let parts = ["tag", "monat", "jahr"].map(|part| typed(pairs, &format!("{name}.{part}")));
    if parts.iter().all(String::is_empty) {
        return Ok(None);
    }
    if parts.iter().any(String::is_empty) {
        return Err(said("date_incomplete"));
    }
    civil(parts.each_ref().map(String::as_str)).map(Some)
}

/// What was typed, without what nobody sees and blanks around it.
fn typed(pairs: &[(String, String)], name: &str) -> String {
    sent(pairs, name).map(unseen::dropped).unwrap_or_default().trim().to_owned()
}

fn civil(parts: [&str; 3]) -> Result<Date, Text> {
    let [day, month, year] = parts.map(|p| if p.bytes().all(|b| b.is_ascii_digit()) { p.parse::<i16>().ok() } else { None });
    let (Some(day), Some(month), Some(year)) = (day, month, year) else { return Err(said("date_digits")) };
    if parts[2].len() != 4 {
        return Err(said("date_year"));
    }
    let date = i8::try_from(month).ok().zip(i8::try_from(day).ok()).and_then(|(m, d)| Date::new(year, m, d).ok());
    date.ok_or_else(|| said("date_impossible"))
}

/// A day as it is written in one line: „27.3.2026“, and as machines write it.
pub(super) fn line(text: &str) -> Result<Date, Text> {
    if let Ok(date) = text.parse::<Date>() {
        return Ok(date);
    }
    let parts: Vec<&str> = text.split('.').map(str::trim).collect();
    match <[&str; 3]>::try_from(parts) {
        Ok(parts) if parts.iter().all(|part| !part.is_empty()) => civil(parts),
        _ => Err(said("date_lines")),
    }
}

pub(super) fn moment(pairs: &[(String, String)], name: &str, zone: &TimeZone) -> Answer {
    let typed = typed(pairs, &format!("{name}{CLOCK}"));
    let date = match day(pairs, name) {
        Ok(None) if typed.is_empty() => return Answer::Empty,
        Ok(None) => return Answer::Wrong(said("date_incomplete")),
        Ok(Some(_)) if typed.is_empty() => return Answer::Wrong(said("clock_missing")),
        Ok(Some(date)) => date,
        Err(wrong) => return Answer::Wrong(wrong),
    };
    let Some(time) = clock(&typed) else { return Answer::Wrong(said("clock_none")) };
    let at = zone.to_ambiguous_zoned(date.to_datetime(time));
    if let AmbiguousOffset::Gap { .. } = at.offset() {
        return Answer::Wrong(said("clock_skipped"));
    }
    at.compatible().map_or_else(|_| Answer::Wrong(said("date_impossible")), |at| Answer::Given(at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().into()))
}

/// „14:30“, „14.30 Uhr“, „14 Uhr“.
fn clock(typed: &str) -> Option<Time> {
    let lower = typed.to_lowercase();
    let (text, said) = lower.strip_suffix("uhr").map_or((lower.as_str(), false), |text| (text.trim_end(), true));
    let parts: Vec<&str> = text.split([':', '.']).map(str::trim).collect();
    let number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        (digits.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<i8>().ok()).flatten()
    };
    match parts.as_slice() {
        [hour] if said => Time::new(number(hour, 1..=2)?, 0, 0, 0).ok(),
        [hour, minute] => Time::new(number(hour, 1..=2)?, number(minute, 2..=2)?, 0, 0).ok(),
        [hour, minute, second] => Time::new(number(hour, 1..=2)?, number(minute, 2..=2)?, number(second, 2..=2)?, 0).ok(),
        _ => None,
    }
}

/// What would be sent for a moment.
pub(super) fn moment_pairs(name: &str, value: &str, zone: &TimeZone) -> Vec<(String, String)> {
    let Some(at) = on_clock(value, zone) else { return Vec::new() };
    let time = at.time();
    let seconds = if time.second() == 0 { String::new() } else { format!(":{:02}", time.second()) };
    let mut pairs = date_pairs(name, at.date());
    pairs.push((format!("{name}{CLOCK}"), format!("{:02}:{:02}{seconds}", time.hour(), time.minute())));
    // of an hour the clock shows twice the second cannot be typed: it is asked for, not changed
    let same = |typed: &Value| typed.as_str().and_then(|typed| typed.parse::<Timestamp>().ok()) == value.parse().ok();
    match moment(&pairs, name, zone) {
        Answer::Given(typed) if same(&typed) => pairs,
        _ => Vec::new(),
    }
}

pub(super) fn date_pairs(name: &str, date: Date) -> Vec<(String, String)> {
    let parts = [("tag", date.day().to_string()), ("monat", date.month().to_string()), ("jahr", date.year().to_string())];
    parts.into_iter().map(|(part, value)| (format!("{name}.{part}"), value)).collect()
}

/// A moment in words, on the clock of the form's zone; what is none, as it is.
pub(super) fn moment_spelled(value: &str, zone: &TimeZone, lang: Lang) -> String {
    on_clock(value, zone).map_or_else(|| value.to_owned(), |at| format_moment(at, lang))
}

fn on_clock(value: &str, zone: &TimeZone) -> Option<DateTime> {
    value.parse::<Timestamp>().ok().map(|at| at.to_zoned(zone.clone()).datetime())
}

pub(super) fn duration(pairs: &[(String, String)], name: &str) -> Answer {
    let count = typed(pairs, name);
    let unit = sent(pairs, &format!("{name}{UNIT}")).unwrap_or_default();
    if count.is_empty() {
        return Answer::Empty;
    }
    let digits: String = count.chars().filter(|c| !c.is_whitespace()).collect();
    let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u32>().ok()).flatten();
    let Some(number) = number.filter(|number| *number <= COUNT_MAX) else { return Answer::Wrong(said("duration_number")) };
    match UNITS.iter().find(|(key, ..)| *key == unit) {
        Some((_, _, before, after)) => Answer::Given(format!("{before}{number}{after}").into()),
        None => Answer::Wrong(said("duration_unit_missing")),
    }
}

/// What would be sent for a duration in one unit; one in several (`P1Y6M`) cannot be typed.
pub(super) fn duration_pairs(name: &str, value: &str) -> Vec<(String, String)> {
    let found = UNITS.iter().find_map(|(key, _, before, after)| {
        let number = value.strip_prefix(before)?.strip_suffix(*after)?;
        (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then(|| (*key, number.to_owned()))
    });
    let Some((unit, number)) = found else { return Vec::new() };
    vec![(name.to_owned(), number), (format!("{name}{UNIT}"), unit.to_owned())]
}

pub(super) fn duration_spelled(value: &str, lang: Lang) -> String {
    Span::parse(value).map_or_else(|| value.to_owned(), |span| format_span(&span, lang))
}

/// The units to choose from: what is sent, what it is called.
pub(super) fn units(lang: Lang) -> impl Iterator<Item = (&'static str, &'static str)> {
    UNITS.iter().map(move |(key, name, ..)| (*key, word(name, lang)))
}

impl Form {
    /// The same, its moments by the clock of `zone`; else by UTC.
    pub fn in_zone(mut self, zone: &TimeZone) -> Self {
        self.sheets.iter_mut().for_each(|nodes| zoned(nodes, zone));
        self
    }
}

fn zoned(nodes: &mut [Node], zone: &TimeZone) {
    for node in nodes {
        match node {
            Node::Field(field) => {
                if let Kind::Moment(clock) = &mut field.kind {
                    *clock = zone.clone();
                }
            }
            Node::Group(group) => zoned(&mut group.nodes, zone),
            Node::List(list) => {
                zoned(&mut list.template, zone);
                list.entries.iter_mut().for_each(|nodes| zoned(nodes, zone));
            }
        }
    }
}
