//! Schema keywords of our own that say what a value is: an amount (`x-einheit`), the range of a date (`x-fruehestens`, `x-spaetestens`),
//! what a pattern asks for (`x-muster-hinweis`). What the form makes of the others is the form's business.
//!
//! Today is an argument. The range of a date is looked at where a field is declared under `properties`, `additionalProperties` or
//! `items`; anywhere else `check` refuses it, so that none is written that nobody looks at.

use jiff::civil::Date;
use laufzettel_domain::{Path, Text, Value};

use super::{PROBLEMS_MAX, Problem, REF_DEPTH_MAX, Schema, vocabulary::strange};

const UNIT: &str = "x-einheit";
const EARLIEST: &str = "x-fruehestens";
const LATEST: &str = "x-spaetestens";
pub(super) const PATTERN_HINT: &str = "x-muster-hinweis";
/// Today, in place of a date.
const TODAY: &str = "heute";

/// Whether a whole number is an amount in cents.
pub fn is_cent(schema: &Value) -> bool {
    schema.get(UNIT).and_then(Value::as_str) == Some("cent") && is_type(schema, "integer")
}

fn is_type(schema: &Value, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(word)) => word == name,
        Some(Value::Array(words)) => words.iter().any(|word| word == name) && words.iter().all(|word| word == name || word == "null"),
        _ => false,
    }
}

impl Schema {
    /// What [`Schema::validate`] finds, and dates outside their range. `today` in the tenant's time zone.
    pub fn validate_on(&self, value: &Value, today: Date) -> Vec<Problem> {
        let mut problems = self.validate(value);
        self.days(&self.root, value, &Path::default(), today, &mut problems);
        problems.truncate(PROBLEMS_MAX);
        problems
    }

    fn days(&self, schema: &Value, value: &Value, path: &Path, today: Date, problems: &mut Vec<Problem>) {
        self.chain(schema).into_iter().flatten().for_each(|schema| self.days_of(schema, value, path, today, problems));
    }

    fn days_of(&self, schema: &Value, value: &Value, path: &Path, today: Date, problems: &mut Vec<Problem>) {
        match value {
            // once is enough of one date
            Value::String(_) if problems.iter().any(|problem| problem.path == *path) => {}
            Value::String(text) => problems.extend(day(schema, text, today).map(|message| Problem { path: path.clone(), message })),
            Value::Object(map) => {
                for (name, inner) in map {
                    let declared = schema.get("properties").and_then(|fields| fields.get(name)).or_else(|| schema.get("additionalProperties"));
                    declared.into_iter().for_each(|schema| self.days(schema, inner, &path.child(name), today, problems));
                }
            }
            Value::Array(items) => {
                for (schema, (n, inner)) in schema.get("items").into_iter().flat_map(|schema| std::iter::repeat(schema).zip(items.iter().enumerate())) {
                    self.days(schema, inner, &path.child(&n.to_string()), today, problems);
                }
            }
            _ => {}
        }
    }
}

/// What is wrong with a date by its range. What is no date, the schema itself says.
fn day(schema: &Value, text: &str, today: Date) -> Option<Text> {
    let date: Date = text.parse().ok()?;
    let bound = |key: &str| schema.get(key).and_then(Value::as_str).and_then(|bound| Some((bound == TODAY, limit(bound, today)?)));
    match (bound(EARLIEST), bound(LATEST)) {
        (Some((true, first)), _) if date < first => Some(Text::new("Das Datum darf nicht in der Vergangenheit liegen.", "The date must not lie in the past.")),
        (Some((false, first)), _) if date < first => {
            Some(Text::new(format!("Bitte geben Sie ein Datum ab dem {} an.", german(first)), format!("Please give a date from {first} on.")))
        }
        (_, Some((true, last))) if date > last => Some(Text::new("Das Datum darf nicht in der Zukunft liegen.", "The date must not lie in the future.")),
        (_, Some((false, last))) if date > last => {
            Some(Text::new(format!("Bitte geben Sie ein Datum bis zum {} an.", german(last)), format!("Please give a date up to {last}.")))
        }
        _ => None,
    }
}

fn german(date: Date) -> String {
    format!("{:02}.{:02}.{}", date.day(), date.month(), date.year())
}

fn limit(bound: &str, today: Date) -> Option<Date> {
    if bound == TODAY { Some(today) } else { iso(bound) }
}

/// A date as the language writes it, and nothing that merely begins with one.
fn iso(text: &str) -> Option<Date> {
    text.parse::<Date>().ok().filter(|date| date.to_string() == text)
}

/// Every one of these keywords that means nothing where it stands: the place in the schema, the code of the finding, a sentence.
/// `brought`: it is the schema of an input or of a form, whose values have a day they are looked at on.
pub fn misplaced(root: &Value, brought: bool) -> Vec<(String, &'static str, Text)> {
    let mut found = Vec::new();
    Look { root, found: &mut found }.at(root, &Path::default(), Holds { brought, always: true }, 0);
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found.dedup();
    found
}

struct Look<'l> {
    root: &'l Value,
    found: &'l mut Vec<(String, &'static str, Text)>,
}

/// Below these a field is declared whatever the value.
const PLAIN: [&str; 4] = ["properties", "$defs", "items", "additionalProperties"];
/// Each name in them has a schema.
const NAMED: [&str; 4] = ["properties", "$defs", "patternProperties", "dependentSchemas"];
const LISTED: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
const SINGLE: [&str; 10] =
    ["items", "additionalProperties", "contains", "if", "then", "else", "not", "propertyNames", "unevaluatedItems", "unevaluatedProperties"];

/// For which values a schema holds.
#[derive(Clone, Copy)]
struct Holds {
    /// Those that have a day, and for each of them.
    brought: bool,
    /// Every one that has the field.
    always: bool,
}

impl Look<'_> {
    fn at(&mut self, schema: &Value, path: &Path, holds: Holds, depth: usize) {
        let Some(keys) = schema.as_object() else { return };
        self.keywords(schema, path, holds.brought);
        self.found.extend(strange(schema, holds.always).into_iter().map(|(key, code, text)| (path.child(&key).to_string(), code, text)));
        // what a reference leads to is looked at where it stands, unless it is read here under a condition
        let target = keys.get("$ref").and_then(Value::as_str).and_then(|pointer| self.root.pointer(pointer.strip_prefix('#')?));
        if let Some(target) = target.filter(|_| !holds.brought && depth < REF_DEPTH_MAX) {
            self.at(target, path, Holds { brought: false, always: false }, depth + 1);
        }
        for (key, inner) in keys {
            let plain = PLAIN.contains(&key.as_str());
            // what stands under `$defs` may be one part of several
            let holds = Holds { brought: holds.brought && plain, always: holds.always && plain && key != "$defs" };
            let path = path.child(key);
            if NAMED.contains(&key.as_str()) {
                inner.as_object().into_iter().flatten().for_each(|(name, inner)| self.at(inner, &path.child(name), holds, depth));
            } else if LISTED.contains(&key.as_str()) {
                inner.as_array().into_iter().flatten().enumerate().for_each(|(n, inner)| self.at(inner, &path.child(&n.to_string()), holds, depth));
            } else if SINGLE.contains(&key.as_str()) {
                self.at(inner, &path, holds, depth);
            }
        }
    }

    fn keywords(&mut self, schema: &Value, path: &Path, plain: bool) {
        let mut say = |key: &str, code, de: &str, en: &str| self.found.push((path.child(key).to_string(), code, Text::new(de, en)));
        if schema.get(UNIT).is_some() && !is_cent(schema) {
            let (de, en) = (
                "x-einheit: cent steht nur an einer ganzen Zahl (type: integer); andere Einheiten gibt es nicht.",
                "x-einheit: cent stands at a whole number (type: integer) only; there are no other units.",
            );
            say(UNIT, "LZ108", de, en);
        }
        if schema.get(PATTERN_HINT).is_some_and(|hint| !hint.is_string() || schema.get("pattern").is_none()) {
            let (de, en) = ("x-muster-hinweis ist ein Text und steht neben pattern.", "x-muster-hinweis is a text and stands beside pattern.");
            say(PATTERN_HINT, "LZ108", de, en);
        }
        let is_date = is_type(schema, "string") && schema.get("format").and_then(Value::as_str) == Some("date");
        for key in [EARLIEST, LATEST].into_iter().filter(|key| schema.get(*key).is_some()) {
            if schema[key].as_str().is_none_or(|bound| bound != TODAY && iso(bound).is_none()) {
                say(key, "LZ117", "Hier steht „heute“ oder ein Datum (2026-05-10).", "\"heute\" (today) or a date (2026-05-10) stands here.");
            } else if !is_date || !plain {
                let de = "x-fruehestens und x-spaetestens stehen nur an einem Datum (type: string, format: date), das in der Eingabe oder im Formular einer Aufgabe unter properties oder items immer gilt, nicht in einer Bedingung.";
                let en = "x-fruehestens and x-spaetestens stand at a date (type: string, format: date) only that always holds in the input or in the form of a task, under properties or items, not in a condition.";
                say(key, "LZ108", de, en);
            }
        }
        for (least, most) in [("minLength", "maxLength"), ("minimum", "maximum"), ("minItems", "maxItems")] {
            let number = |key: &str| schema.get(key).and_then(Value::as_f64);
            if number(least).zip(number(most)).is_some_and(|(least, most)| least > most) {
                let (de, en) = (format!("{most} ist kleiner als {least}: Nichts passt."), format!("{most} is smaller than {least}: nothing fits."));
                say(most, "LZ113", &de, &en);
            }
        }
        let bound = |key: &str| schema.get(key).and_then(Value::as_str).and_then(iso);
        if let (Some(first), Some(last)) = (bound(EARLIEST), bound(LATEST))
            && first > last
        {
            say(LATEST, "LZ117", "x-spaetestens liegt vor x-fruehestens: Kein Datum passt.", "x-spaetestens lies before x-fruehestens: no date fits.");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dates_outside_their_range_are_told() {
        let date = |more: Value| {
            let mut schema = json!({ "type": "string", "format": "date" });
            schema.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
            schema
        };
        let schema = Schema::compile(json!({ "type": "object",
            "properties": {
                "geboren": date(json!({ "x-fruehestens": "1900-01-01", "x-spaetestens": "heute" })),
                "beginn": date(json!({ "x-fruehestens": "heute" })),
                "frist": date(json!({ "x-spaetestens": "2026-12-31" })),
                "kinder": { "type": "array", "items": { "$ref": "#/$defs/kind" } },
                "pate": { "$ref": "#/$defs/kind", "properties": { "seit": { "$ref": "#/$defs/tag" }, "geboren": { "title": "Geboren" } } } },
            "additionalProperties": { "$ref": "#/$defs/tag" },
            "$defs": { "tag": date(json!({ "x-spaetestens": "heute" })), "kind": { "type": "object", "properties": { "geboren": { "$ref": "#/$defs/tag" } } } } }))
        .unwrap();
        let past = "Das Datum darf nicht in der Vergangenheit liegen.";
        let future = "Das Datum darf nicht in der Zukunft liegen.";
        for (value, expected) in [
            (json!({ "geboren": "2026-05-10", "beginn": "2026-05-10", "frist": "2026-12-31", "mehr": "2026-05-10" }), vec![]),
            (json!({ "geboren": "2026-05-11" }), vec![("geboren", future)]),
            (json!({ "geboren": "1899-12-31" }), vec![("geboren", "Bitte geben Sie ein Datum ab dem 01.01.1900 an.")]),
            (json!({ "beginn": "2026-05-09" }), vec![("beginn", past)]),
            (json!({ "frist": "2027-01-01" }), vec![("frist", "Bitte geben Sie ein Datum bis zum 31.12.2026 an.")]),
            (json!({ "kinder": [{ "geboren": "2026-05-10" }, { "geboren": "2026-05-11" }] }), vec![("kinder.1.geboren", future)]),
            (json!({ "mehr": "2027-05-10" }), vec![("mehr", future)]),
            (json!({ "pate": { "geboren": "2026-05-11", "seit": "2026-05-12" } }), vec![("pate.seit", future), ("pate.geboren", future)]),
            (json!({ "geboren": "gestern" }), vec![("geboren", "Bitte geben Sie ein Datum an: Jahr-Monat-Tag, zum Beispiel 2026-05-10.")]),
        ] {
            let told = schema.validate_on(&value, jiff::civil::date(2026, 5, 10));
            let told: Vec<_> = told.iter().map(|p| (p.path.to_string(), p.message.de.clone())).collect();
            assert_eq!(told, expected.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect::<Vec<_>>(), "{value}");
        }
    }

    #[test]
    fn keywords_that_mean_nothing_are_found() {
        let date = json!({ "type": "string", "format": "date", "x-spaetestens": "heute" });
        for (field, expected) in [
            (json!({ "type": "integer", "x-einheit": "cent" }), vec![]),
            (json!({ "type": ["integer", "null"], "x-einheit": "cent" }), vec![]),
            (json!({ "type": "array", "items": { "type": "integer", "x-einheit": "cent" } }), vec![]),
            (json!({ "type": "number", "x-einheit": "cent" }), vec!["properties.f.x-einheit LZ108"]),
            (json!({ "type": "integer", "x-einheit": "euro" }), vec!["properties.f.x-einheit LZ108"]),
            (json!({ "enum": [1], "x-einheit": "cent" }), vec!["properties.f.x-einheit LZ108"]),
            (json!({ "type": "string", "pattern": "^a$", "x-muster-hinweis": "Ein a." }), vec![]),
            (json!({ "type": "string", "x-muster-hinweis": "Ein a." }), vec!["properties.f.x-muster-hinweis LZ108"]),
            (json!({ "type": "string", "pattern": "^a$", "x-muster-hinweis": 1 }), vec!["properties.f.x-muster-hinweis LZ108"]),
            (date.clone(), vec![]),
            (json!({ "type": "array", "items": date }), vec![]),
            (json!({ "type": "object", "properties": { "x-einheit": date } }), vec![]),
            (json!({ "type": "string", "format": "date", "x-fruehestens": "morgen" }), vec!["properties.f.x-fruehestens LZ117"]),
            (json!({ "type": "string", "format": "date", "x-fruehestens": "2026-5-1" }), vec!["properties.f.x-fruehestens LZ117"]),
            (json!({ "type": "string", "x-fruehestens": "heute" }), vec!["properties.f.x-fruehestens LZ108"]),
            (
                json!({ "type": "string", "format": "date", "x-fruehestens": "2026-05-02", "x-spaetestens": "2026-05-01" }),
                vec!["properties.f.x-spaetestens LZ117"],
            ),
            (json!({ "type": "string", "minLength": 5, "maxLength": 5 }), vec![]),
            (json!({ "type": "string", "minLength": 6, "maxLength": 5 }), vec!["properties.f.maxLength LZ113"]),
            (json!({ "type": "array", "items": { "type": "number", "minimum": 1.5, "maximum": 1 } }), vec!["properties.f.items.maximum LZ113"]),
            (json!({ "allOf": [date] }), vec!["properties.f.allOf.0.x-spaetestens LZ108"]),
            (
                json!({ "type": "object", "if": {}, "then": { "properties": { "a": { "$ref": "#/$defs/tag" } } } }),
                vec!["properties.f.then.properties.a.x-spaetestens LZ108"],
            ),
        ] {
            let root = json!({ "type": "object", "properties": { "f": field }, "$defs": { "tag": date } });
            let found: Vec<_> = misplaced(&root, true).into_iter().map(|(place, code, _)| format!("{place} {code}")).collect();
            assert_eq!(found, expected, "{root}");
        }
    }
}
