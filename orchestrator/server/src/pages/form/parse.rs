//! From what a browser sent to the JSON value the schema describes.
//!
//! Forgiving in form, not in meaning: blanks around and between digits go, a comma may stand in a number; nothing is guessed.

use jiff::civil::Date;
use laufzettel_domain::{Path, Text, Value};
use laufzettel_process::{Schema, schema::Problem};
use serde_json::{Map, json};

use super::{Choice, Field, Form, Kind, sent};
use crate::pages::words::said;

/// An answer, or why it is none.
enum Answer {
    Empty,
    Given(Value),
    Wrong(Text),
}

impl Form {
    /// Builds the value. Problems found here come before those of the schema at the same field.
    pub fn parse(&self, pairs: &[(String, String)]) -> (Value, Vec<Problem>) {
        let (mut value, mut problems) = (Value::Object(Map::new()), Vec::new());
        for field in self.fields() {
            let mut wrong = |message| problems.push(Problem { path: field.path.clone(), message });
            match field.read(pairs) {
                Answer::Given(answer) => insert(&mut value, &field.name(), answer),
                Answer::Wrong(message) => wrong(message),
                Answer::Empty if field.must() => field.missing().into_iter().for_each(wrong),
                Answer::Empty => {}
            }
        }
        self.add_required_objects(&mut value);
        (value, problems)
    }

    /// A required object nobody filled in is there and empty: its fields, not the object, are what is missing.
    fn add_required_objects(&self, value: &mut Value) {
        for (path, required) in &self.objects {
            let above = Path(path.0[..path.0.len() - 1].to_vec());
            if *required && above.find(value).is_some() && path.find(value).is_none() {
                insert(value, &path.to_string(), Value::Object(Map::new()));
            }
        }
    }
}

impl Field {
    fn read(&self, pairs: &[(String, String)]) -> Answer {
        let name = self.name();
        let raw = sent(pairs, &name).map(str::trim).unwrap_or_default();
        match &self.kind {
            Kind::File { .. } => Answer::Empty,
            Kind::Date => date(pairs, &name),
            Kind::Many(choices) => many(pairs, &name, choices),
            _ if raw.is_empty() => Answer::Empty,
            Kind::Text { pattern: Some(pattern), .. } => self.patterned(raw, pattern),
            Kind::Text { .. } => Answer::Given(raw.into()),
            Kind::Area { .. } => Answer::Given(raw.replace("\r\n", "\n").into()),
            Kind::Number { whole } => number(raw, *whole),
            Kind::Consent => Answer::Given(true.into()),
            Kind::YesNo => yes_no(raw),
            Kind::One(choices) => one(raw, choices),
            Kind::Lines { whole_numbers } => lines(raw, *whole_numbers),
        }
    }

    /// „276 0981 0423“ is what stands on the card; the pattern wants it without blanks.
    fn patterned(&self, raw: &str, pattern: &str) -> Answer {
        let Ok(schema) = Schema::compile(json!({ "type": "string", "pattern": pattern })) else { return Answer::Given(raw.into()) };
        let tight: String = raw.chars().filter(|c| !c.is_whitespace()).collect();
        for candidate in [raw, &tight, &tight.to_uppercase()] {
            if schema.is_valid(&candidate.into()) {
                return Answer::Given(candidate.into());
            }
        }
        let hint = self.hint.clone().unwrap_or_default();
        let [de, en] = ["Bitte prüfen Sie die Eingabe. ", "Please check what you entered. "].map(|s| format!("{s}{hint}").trim_end().to_owned());
        Answer::Wrong(Text::new(de, en))
    }

    /// What to say where the schema would only say that something is missing.
    fn missing(&self) -> Option<Text> {
        match self.kind {
            Kind::Date => Some(said("missing_date")),
            Kind::Consent => Some(said("missing_consent")),
            Kind::YesNo | Kind::One(_) => Some(said("missing_choice")),
            _ => None,
        }
    }
}

fn date(pairs: &[(String, String)], name: &str) -> Answer {
    let part = |part: &str| sent(pairs, &format!("{name}.{part}")).map(str::trim).unwrap_or_default();
    let parts = [part("tag"), part("monat"), part("jahr")];
    if parts.iter().all(|p| p.is_empty()) {
        return Answer::Empty;
    }
    if parts.iter().any(|p| p.is_empty()) {
        return Answer::Wrong(said("date_incomplete"));
    }
    let [day, month, year] = parts.map(|p| if p.bytes().all(|b| b.is_ascii_digit()) { p.parse::<i16>().ok() } else { None });
    let (Some(day), Some(month), Some(year)) = (day, month, year) else { return Answer::Wrong(said("date_digits")) };
    if parts[2].len() != 4 {
        return Answer::Wrong(said("date_year"));
    }
    let date = i8::try_from(month).ok().zip(i8::try_from(day).ok()).and_then(|(m, d)| Date::new(year, m, d).ok());
    match date {
        Some(date) => Answer::Given(date.to_string().into()),
        None => Answer::Wrong(said("date_impossible")),
    }
}

fn number(raw: &str, whole: bool) -> Answer {
    let tight: String = raw.chars().filter(|c| !c.is_whitespace()).collect();
    if let Ok(number) = tight.parse::<i64>() {
        return Answer::Given(number.into());
    }
    if whole {
        return Answer::Wrong(said("number_whole"));
    }
    let decimal = tight.replace(',', ".").parse::<f64>().ok().filter(|n| n.is_finite() && !tight.contains(['e', 'E']));
    decimal.and_then(serde_json::Number::from_f64).map_or_else(|| Answer::Wrong(said("number_any")), |n| Answer::Given(Value::Number(n)))
}

fn yes_no(raw: &str) -> Answer {
    match raw {
        "ja" => Answer::Given(true.into()),
        "nein" => Answer::Given(false.into()),
        _ => Answer::Wrong(said("missing_choice")),
    }
}

fn one(raw: &str, choices: &[Choice]) -> Answer {
    match choices.iter().find(|c| c.key == raw) {
        Some(choice) => Answer::Given(choice.value.clone()),
        None => Answer::Wrong(said("missing_choice")),
    }
}

fn many(pairs: &[(String, String)], name: &str, choices: &[Choice]) -> Answer {
    let ticked = |choice: &&Choice| pairs.iter().any(|(key, value)| key == name && *value == choice.key);
    let values: Vec<Value> = choices.iter().filter(ticked).map(|c| c.value.clone()).collect();
    if values.is_empty() { Answer::Empty } else { Answer::Given(values.into()) }
}

fn lines(raw: &str, whole_numbers: bool) -> Answer {
    let lines = raw.lines().map(str::trim).filter(|line| !line.is_empty());
    if !whole_numbers {
        return Answer::Given(lines.map(Value::from).collect::<Vec<_>>().into());
    }
    let numbers: Option<Vec<Value>> = lines.map(|line| line.parse::<i64>().ok().map(Value::from)).collect();
    numbers.map_or_else(|| Answer::Wrong(said("number_lines")), |list| Answer::Given(list.into()))
}

/// Puts `part` at a dotted path, making the objects above it. A value in the way that is no object stays as it is.
pub fn insert(value: &mut Value, path: &str, part: Value) {
    let (above, last) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = value;
    for name in above.split('.').filter(|name| !name.is_empty()) {
        let Some(map) = place.as_object_mut() else { return };
        place = map.entry(name).or_insert_with(|| Value::Object(Map::new()));
    }
    if let Some(map) = place.as_object_mut() {
        map.insert(last.to_owned(), part);
    }
}
