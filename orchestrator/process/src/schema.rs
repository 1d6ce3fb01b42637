//! JSON Schemas of inputs, outputs and forms: validation in plain words, and what a path in them is.
//!
//! JSON Schema 2020-12. References stay inside the document; nothing is fetched.

mod flat;
mod keywords;
mod labels;
mod sentence;
mod vocabulary;

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use jsonschema::{Validator, error::ValidationErrorKind as Kind};
use laufzettel_domain::{Path, Text, Value};

pub use flat::{Knot, flat};
pub use keywords::{is_cent, misplaced};
pub use sentence::of_pattern;
use sentence::{Told, sentence};

#[derive(Clone)]
pub struct Schema {
    pub root: Value,
    validator: Arc<Validator>,
    /// As [`flat`] reads it, once somebody asks what a field is called; `None`: it has no such reading.
    read: Arc<OnceLock<Option<Value>>>,
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Schema({})", self.root)
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

/// What is wrong with a value: the path of the field (empty for the whole) and a sentence for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub path: Path,
    pub message: Text,
}

/// What a schema says of a path.
#[derive(Debug, Clone, PartialEq)]
pub enum At<'s> {
    /// Its schema, and whether it may be absent though everything above it is there.
    Known { schema: &'s Value, optional: bool },
    /// The part at `depth` names nothing; these names exist there.
    Unknown { depth: usize, legal: Vec<String> },
    /// The schema does not say what is below.
    Open,
}

/// The deepest chain of local references followed; a longer one is a circle.
const REF_DEPTH_MAX: usize = 16;
/// Problems reported for one value; a form with more is empty or of another kind.
const PROBLEMS_MAX: usize = 50;

impl Schema {
    /// The error is the library's, in English, for the author of the schema.
    pub fn compile(root: Value) -> Result<Self, String> {
        Self::build(root).map_err(|fault| fault.en)
    }

    /// The same; what is wrong is said in both languages.
    pub fn build(root: Value) -> Result<Self, Text> {
        let built = jsonschema::draft202012::options().should_validate_formats(true).should_ignore_unknown_formats(true).build(&root);
        let validator = built.map_err(|error| fault(&error))?;
        Ok(Self { root, validator: Arc::new(validator), read: Arc::default() })
    }

    /// A schema everything fits.
    pub fn any() -> Self {
        Self::compile(Value::Bool(true)).expect("`true` is a schema")
    }

    pub fn is_valid(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }

    pub fn validate(&self, value: &Value) -> Vec<Problem> {
        self.validator.iter_errors(value).take(PROBLEMS_MAX).map(|error| self.problem(&error)).collect()
    }

    fn problem(&self, error: &jsonschema::ValidationError<'_>) -> Problem {
        let pointer = error.instance_path().to_string();
        let mut path = Path::new(pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")));
        if let Kind::Required { property } = error.kind() {
            path = path.child(property.as_str().unwrap_or_default());
        }
        let declared = self.field(&path.0);
        // what stands beside the keyword says more of it than what is declared elsewhere
        let keyword = error.schema_path().to_string();
        let own = keyword.rsplit_once('/').and_then(|(schema, _)| self.root.pointer(schema));
        Problem { message: sentence(error, &Told { own, declared }, &path), path }
    }

    /// What the author says of a field: title, choices, unit, which files it takes. Of one that only a branch has, what stands there.
    pub fn field(&self, path: &[String]) -> Option<&Value> {
        let read = self.read.get_or_init(|| flat(&self.root).ok()).as_ref();
        let found = read.and_then(|read| path.iter().try_fold(read, |schema, part| flat::part(schema, part)));
        // what is written, as far as it goes
        found.or_else(|| match self.at(path) {
            At::Known { schema, .. } => Some(schema),
            At::Unknown { .. } | At::Open => None,
        })
    }

    pub fn at(&self, path: &[String]) -> At<'_> {
        let mut schema = &self.root;
        let mut optional = false;
        for (depth, part) in path.iter().enumerate() {
            match self.below(schema, part) {
                Below::Found { schema: next, optional: may_lack } => {
                    optional |= may_lack;
                    schema = next;
                }
                Below::Nothing(legal) => return At::Unknown { depth, legal },
                Below::Open => return At::Open,
            }
        }
        match self.resolve(schema) {
            Some(schema) => At::Known { schema, optional },
            None => At::Open,
        }
    }

    /// Follows local references.
    pub fn resolve<'s>(&'s self, schema: &'s Value) -> Option<&'s Value> {
        self.chain(schema)?.pop()
    }

    /// A schema, and what its reference leads to, and that one's: all of them hold for the value. `None`: to nowhere, or in a circle.
    fn chain<'s>(&'s self, schema: &'s Value) -> Option<Vec<&'s Value>> {
        let mut chain = vec![schema];
        while let Some(target) = self.target(chain.last()?) {
            chain.push(target.filter(|_| chain.len() < REF_DEPTH_MAX)?);
        }
        Some(chain)
    }

    /// What a `$ref` leads to, if there is one.
    fn target(&self, schema: &Value) -> Option<Option<&Value>> {
        let pointer = schema.get("$ref")?;
        Some(pointer.as_str().and_then(|pointer| pointer.strip_prefix('#')).and_then(|pointer| self.root.pointer(pointer)))
    }

    /// What is known of a field or an entry: what stands beside a reference describes the same value as what it leads to.
    fn below<'s>(&'s self, schema: &'s Value, part: &str) -> Below<'s> {
        let Some(chain) = self.chain(schema) else { return Below::Open };
        let (mut found, mut open, mut known, mut required) = (None, false, Vec::new(), false);
        for schema in chain {
            required |= schema.get("required").and_then(Value::as_array).is_some_and(|names| names.iter().any(|name| name == part));
            // a reference alone says nothing of what is below
            if schema.get("$ref").is_some() && !DESCRIBING.iter().chain(&COMBINING).any(|key| schema.get(key).is_some()) {
                continue;
            }
            match self.own_below(schema, part) {
                Below::Found { schema, optional } => found = found.or(Some((schema, optional))),
                Below::Open => open = true,
                Below::Nothing(legal) => known.extend(legal),
            }
        }
        match found {
            Some((schema, optional)) => Below::Found { schema, optional: optional && !required },
            None if open => Below::Open,
            None => Below::Nothing(known),
        }
    }
}

impl Schema {
    /// Of one schema, without its reference.
    fn own_below<'s>(&self, schema: &'s Value, part: &str) -> Below<'s> {
        // another keyword may be the one that holds for this part
        let combined = COMBINING.iter().any(|k| schema.get(k).is_some());
        if let Some(items) = schema.get("items").filter(|_| has_type(schema, &["array"]) && !combined)
            && Path::is_element(part)
        {
            return Below::Found { schema: items, optional: part != Path::EACH };
        }
        if has_type(schema, &["array"]) && !combined && !Path::is_element(part) {
            return Below::Nothing(Vec::new());
        }
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return if is_scalar(schema) { Below::Nothing(Vec::new()) } else { Below::Open };
        };
        if let Some(found) = properties.get(part) {
            let required = schema.get("required").and_then(Value::as_array);
            let optional = !required.is_some_and(|names| names.iter().any(|n| n == part));
            return Below::Found { schema: found, optional };
        }
        if is_file(schema) && FILE_FIELDS.contains(&part) {
            return Below::Open;
        }
        match schema.get("additionalProperties") {
            // what a branch declares is there or not as the value says; what none of them declares is a name nobody gave
            _ if combined => match self.declared(schema, &mut BRANCHES_MAX.clone()) {
                Some(names) if !names.contains(part) => Below::Nothing(names.into_iter().collect()),
                _ => Below::Open,
            },
            Some(Value::Object(_)) => Below::Found { schema: &schema["additionalProperties"], optional: true },
            Some(Value::Bool(true)) => Below::Open,
            // a field nobody declared cannot be relied on, whether the schema forbids it or not
            _ => Below::Nothing(properties.keys().cloned().collect()),
        }
    }

    /// Every name a schema or a branch of it declares. `None`: one of them takes names nobody declared.
    fn declared(&self, schema: &Value, left: &mut usize) -> Option<BTreeSet<String>> {
        let takes_any = |key: &str| schema.get(key).is_some_and(|more| *more != Value::Bool(false));
        *left = left.checked_sub(1)?;
        if ["patternProperties", "additionalProperties", "unevaluatedProperties"].into_iter().any(takes_any) {
            return None;
        }
        let mut names: BTreeSet<String> = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|fields| fields.keys().cloned()).collect();
        let lists = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
        let ways = ["if", "then", "else"].into_iter().filter_map(|key| schema.get(key));
        let named = schema.get("dependentSchemas").and_then(Value::as_object).into_iter().flat_map(serde_json::Map::values);
        let reference = self.target(schema).map(|target| target.unwrap_or(&Value::Null));
        for branch in lists.chain(ways).chain(named).chain(reference) {
            match branch {
                Value::Object(_) => names.extend(self.declared(branch, left)?),
                Value::Bool(_) => {}
                _ => return None,
            }
        }
        Some(names)
    }
}

enum Below<'s> {
    Found { schema: &'s Value, optional: bool },
    Nothing(Vec<String>),
    Open,
}

/// Keywords that say what is below. (A `required` or a `type` beside a reference describes nothing.)
const DESCRIBING: [&str; 3] = ["properties", "items", "additionalProperties"];

/// Keywords beside which neither `items` nor `additionalProperties` describes all that is left (JSON Schema 2020-12, 10).
const COMBINING: [&str; 11] =
    ["allOf", "anyOf", "oneOf", "if", "then", "else", "patternProperties", "prefixItems", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems"];

/// Branches that are looked into, those of references (which may lead in a circle) among them; with more, any name counts as taken.
const BRANCHES_MAX: usize = 500;

const FILE_FIELDS: [&str; 5] = ["file", "name", "media_type", "size", "sha256"];

/// `{ type: object, format: file }`
pub fn is_file(schema: &Value) -> bool {
    schema.get("format").and_then(Value::as_str) == Some("file")
}

fn has_type(schema: &Value, names: &[&str]) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => names.contains(&name.as_str()),
        Some(Value::Array(list)) => !list.is_empty() && list.iter().all(|n| n.as_str().is_some_and(|n| names.contains(&n) || n == "null")),
        _ => false,
    }
}

fn is_scalar(schema: &Value) -> bool {
    schema.get("enum").is_some() || schema.get("const").is_some() || has_type(schema, &["string", "number", "integer", "boolean", "null"])
}

/// Whether values of this schema cannot carry an instruction: booleans, numbers, dates, enums, constants, digits.
pub fn is_inert(schema: &Value) -> bool {
    if schema.get("enum").is_some() || schema.get("const").is_some() || has_type(schema, &["number", "integer", "boolean"]) {
        return true;
    }
    // a choice is written either way
    let choices = ["oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)?.as_array());
    if choices.into_iter().any(|choices| !choices.is_empty() && choices.iter().all(|choice| choice.get("const").is_some())) {
        return true;
    }
    let format = schema.get("format").and_then(Value::as_str);
    let pattern = schema.get("pattern").and_then(Value::as_str);
    has_type(schema, &["string"]) && (matches!(format, Some("date" | "date-time" | "time")) || pattern.is_some_and(only_digits))
}

/// A pattern that matches nothing but digits: `^\d{15}$`, `^[0-9]{5}$`, `^0\d+$`.
fn only_digits(pattern: &str) -> bool {
    let Some(mut rest) = pattern.strip_prefix('^').and_then(|p| p.strip_suffix('$')) else { return false };
    let mut any = false;
    while !rest.is_empty() {
        let next = rest.strip_prefix("\\d").or_else(|| rest.strip_prefix("[0-9]")).or_else(|| rest.strip_prefix(|c: char| c.is_ascii_digit()));
        if let Some(next) = next {
            any = true;
            rest = next;
        } else if let Some(next) = rest.strip_prefix(['+', '?', '*']) {
            rest = next;
        } else if let Some((count, next)) = rest.strip_prefix('{').and_then(|r| r.split_once('}')) {
            if !count.chars().all(|c| c.is_ascii_digit() || c == ',') {
                return false;
            }
            rest = next;
        } else {
            return false;
        }
    }
    any
}

/// Why a schema is none.
fn fault(error: &jsonschema::ValidationError<'_>) -> Text {
    let at = error.instance_path().to_string();
    let en = if at.is_empty() { error.to_string() } else { format!("{error} (at {at})") };
    if matches!(error.kind(), Kind::Referencing(_)) {
        return Text::new("Ein $ref darin führt nirgendwohin.", en);
    }
    let path = Path::new(at.split('/').skip(1));
    let found: String = plain(error.instance()).chars().take(FOUND_CHARS_MAX).collect();
    let de = sentence(error, &Told::default(), &path).de;
    Text::new(if at.is_empty() { de } else { format!("Bei „{at}“ steht „{found}“. {de}") }, en)
}

/// Characters shown of what stands where a schema is none: a line.
const FOUND_CHARS_MAX: usize = 60;

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::compile(json!({
            "type": "object",
            "required": ["name", "hund"],
            "additionalProperties": false,
            "properties": {
                "name": { "type": "string", "maxLength": 5, "title": "Name" },
                "hund": { "$ref": "#/$defs/hund" },
                "art": { "enum": ["a", "b"] },
                "liste": { "type": "array", "items": { "type": "object", "properties": { "x": { "type": "string", "x-schutzbedarf": "normal" } } } },
                "nachweis": { "type": "object", "format": "file" },
                "zweiter": { "$ref": "#/$defs/hund", "type": "object", "properties": { "farbe": { "type": "string" } } },
                "dritter": { "$ref": "#/$defs/hund", "type": "object", "title": "Noch einer" }
            },
            "$defs": { "hund": { "type": "object", "required": ["chip"], "x-schutzbedarf": "niedrig", "x-kategorien": [],
                "properties": { "chip": { "type": "string", "pattern": "^\\d{15}$" }, "rasse": { "type": "string", "x-kategorien": ["unbekannt"] } } } }
        }))
        .unwrap()
    }

    #[test]
    fn paths() {
        let s = schema();
        let known = |path: &str| match s.at(&Path::new(path.split('.')).0) {
            At::Known { optional, .. } => if optional { "optional" } else { "there" }.to_owned(),
            At::Unknown { depth, legal } => format!("unknown {depth} {}", legal.join(",")),
            At::Open => "open".to_owned(),
        };
        for (path, expected) in [
            ("name", "there"),
            ("hund.chip", "there"),
            ("hund.rasse", "optional"),
            ("hund.farbe", "unknown 1 chip,rasse"),
            ("nam", "unknown 0 art,dritter,hund,liste,nachweis,name,zweiter"),
            ("zweiter.chip", "optional"),
            ("zweiter.farbe", "optional"),
            ("zweiter.alter", "unknown 1 farbe,chip,rasse"),
            ("dritter.chip", "optional"),
            ("dritter.farbe", "unknown 1 chip,rasse"),
            ("name.x", "unknown 1 "),
            ("liste.0.x", "optional"),
            ("nachweis.name", "open"),
        ] {
            assert_eq!(known(path), expected, "{path}");
        }
    }

    /// A typing mistake is one, though a condition stands beside the field; what a branch declares is none.
    #[test]
    fn names_nobody_declared_are_found_beside_branches() {
        let block = |more: Value| {
            let mut block = json!({ "type": "object", "properties": { "ja": { "type": "boolean" } },
                "if": { "properties": { "ja": { "const": true } } }, "then": { "$ref": "#/$defs/mehr" },
                "allOf": [{ "anyOf": [{ "properties": { "ort": {} } }, true] }], "dependentSchemas": { "ja": { "properties": { "tag": {} } } } });
            block.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Schema::compile(json!({ "type": "object", "properties": { "f": block }, "$defs": { "mehr": { "properties": { "grund": { "type": "string" } } } } }))
                .unwrap()
        };
        let at = |schema: &Schema, part: &str| matches!(schema.at(&["f".to_owned(), part.to_owned()]), At::Unknown { .. });
        for (more, expected) in [
            (json!({}), [false, false, false, false, true]),
            (json!({ "unevaluatedProperties": false }), [false, false, false, false, true]),
            (json!({ "patternProperties": { "^g": {} } }), [false; 5]),
            (json!({ "else": { "additionalProperties": { "type": "string" } } }), [false; 5]),
        ] {
            let schema = block(more.clone());
            assert_eq!(["ja", "grund", "ort", "tag", "grnd"].map(|part| at(&schema, part)), expected, "{more}");
        }
    }

    #[test]
    fn a_type_counts_only_where_no_other_keyword_may_hold() {
        for block in [
            json!({ "type": "object", "properties": {}, "patternProperties": { "^t": { "type": "string" } }, "additionalProperties": { "type": "integer" } }),
            json!({ "type": "array", "prefixItems": [{ "type": "string" }], "items": { "type": "integer" } }),
            json!({ "items": { "type": "integer" } }),
        ] {
            let schema = Schema::compile(json!({ "type": "object", "properties": { "block": block } })).unwrap();
            for part in ["0", "text"] {
                assert_eq!(schema.at(&["block".to_owned(), part.to_owned()]), At::Open, "{block} {part}");
            }
        }
    }

    #[test]
    fn inert_types() {
        for (schema, expected) in [
            (json!({"type": "boolean"}), true),
            (json!({"type": ["integer", "null"]}), true),
            (json!({"enum": ["a"]}), true),
            (json!({"type": "string", "oneOf": [{ "const": "a", "title": "A" }, { "const": "b" }]}), true),
            (json!({"type": "string", "anyOf": [{ "const": "a" }, { "maxLength": 9 }]}), false),
            (json!({"oneOf": []}), false),
            (json!({"type": "string", "format": "date"}), true),
            (json!({"type": "string", "pattern": "^\\d{15}$"}), true),
            (json!({"type": "string", "pattern": "^[0-9]{5}[a-z]*$"}), false),
            (json!({"type": "string", "pattern": "\\d+"}), false),
            (json!({"type": "string", "maxLength": 3}), false),
            (json!({}), false),
        ] {
            assert_eq!(is_inert(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn a_file_that_is_missing_is_chosen_not_filled_in() {
        let file = json!({ "type": "object", "format": "file" });
        let files = |min: u64| json!({ "type": "array", "items": file, "minItems": min });
        let root = json!({ "required": ["a", "b"], "properties": { "a": { "$ref": "#/$defs/file" }, "b": {}, "c": files(1), "d": files(2) }, "$defs": { "file": file } });
        let mut told: Vec<_> = Schema::compile(root).unwrap().validate(&json!({ "c": [], "d": [] })).into_iter().map(|p| p.message.de).collect();
        told.sort();
        let expected = [
            "Bitte ausfüllen.",
            "Bitte wählen Sie eine Datei aus.",
            "Bitte wählen Sie mindestens 2 Dateien aus. Bisher sind es 0.",
            "Bitte wählen Sie mindestens eine Datei aus.",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn problems_in_plain_words() {
        let problems = schema().validate(&json!({"name": "zu lang", "art": "c", "hund": {}, "extra": 1}));
        let mut lines: Vec<_> = problems.iter().map(|p| format!("{}: {}", p.path, p.message.de)).collect();
        lines.sort();
        assert_eq!(
            lines,
            [
                ": Unbekanntes Feld: extra.",
                "art: Möglich sind: a, b.",
                "hund.chip: Bitte ausfüllen.",
                "name: Höchstens 5 Zeichen sind möglich, es sind 7. Bitte kürzen Sie den Text."
            ]
        );
    }
}
