//! Which words a schema may hold: those of JSON Schema 2020-12, and those of our own. What merely looks like one means nothing to any
//! validator, and nobody would hear of it.

use std::collections::BTreeSet;

use laufzettel_domain::{Text, Value, finding::nearest};

use super::is_file;

/// The vocabularies of JSON Schema 2020-12 (Core 8, 10, 11; Validation 6 to 9).
const KNOWN: [&str; 61] = [
    "$schema",
    "$id",
    "$ref",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$vocabulary",
    "$comment",
    "$defs",
    "definitions",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentSchemas",
    "prefixItems",
    "items",
    "contains",
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "type",
    "enum",
    "const",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxContains",
    "minContains",
    "maxProperties",
    "minProperties",
    "required",
    "dependentRequired",
    "title",
    "description",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
    "examples",
    "format",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    // of older drafts, which generators still write beside `$defs` and `examples`
    "dependencies",
    "id",
    "example",
];
/// Others may have words of their own that begin so; only what is nearly one of these is a mistake.
const OWN: [&str; 13] = [
    "x-schutzbedarf",
    "x-kategorien",
    "x-kontakt",
    "x-gruppe",
    "x-hilfe",
    "x-reihenfolge",
    "x-auswahl",
    "x-media-types",
    "x-max-bytes",
    "x-fim",
    "x-einheit",
    "x-fruehestens",
    "x-spaetestens",
];
const HINT: &str = super::keywords::PATTERN_HINT;
/// Those the validator knows, and `file`.
const FORMATS: [&str; 20] = [
    "date",
    "date-time",
    "time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uuid",
    "uri-template",
    "json-pointer",
    "relative-json-pointer",
    "regex",
    "file",
];
/// Beside these a field may be declared elsewhere than in `properties`.
const DECLARING: [&str; 9] = ["allOf", "anyOf", "oneOf", "if", "then", "else", "$ref", "dependentSchemas", "patternProperties"];

/// What is wrong with the words of one schema: the word, the code of the finding, a sentence. `always`: it holds whatever the value.
pub(super) fn strange(schema: &Value, always: bool) -> Vec<(String, &'static str, Text)> {
    let Some(keys) = schema.as_object() else { return Vec::new() };
    let mut found: Vec<_> = keys.keys().filter_map(|key| Some((key.clone(), "LZ105", unknown(key)?))).collect();
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    if let Some(meant) = nearest(format, FORMATS).filter(|meant| !format.is_empty() && *meant != format) {
        let (de, en) =
            (format!("Die Form „{format}“ prüft niemand. Meinten Sie „{meant}“?"), format!("Nobody checks the form \"{format}\". Did you mean \"{meant}\"?"));
        found.push(("format".to_owned(), "LZ113", Text::new(de, en)));
    }
    if is_file(schema) && schema.get("type").is_some_and(|kind| kind != "object") {
        let (de, en) = ("Eine Datei ist ein Objekt: type: object, format: file.", "A file is an object: type: object, format: file.");
        found.push(("format".to_owned(), "LZ113", Text::new(de, en)));
    }
    if let Some(name) = missing(schema).filter(|_| always) {
        let (de, en) = (
            format!("„{name}“ wird verlangt und steht nicht in properties: Niemand könnte es angeben."),
            format!("\"{name}\" is required and does not stand in properties: nobody could give it."),
        );
        found.push(("required".to_owned(), "LZ113", Text::new(de, en)));
    }
    if let Some((key, name)) = asked_by_a_branch(schema).filter(|_| always) {
        let (de, en) = (
            format!("Unter Umständen wird „{name}“ verlangt, und kein Teil des Schemas nennt es: Niemand könnte es angeben."),
            format!("In some case \"{name}\" is required, and no part of the schema declares it: nobody could give it."),
        );
        found.push((key, "LZ113", Text::new(de, en)));
    }
    found
}

/// Branches whose `required` holds where they apply; `if` and `not` only ask.
const DEMANDING: [&str; 5] = ["then", "else", "allOf", "dependentSchemas", "dependentRequired"];

/// A name some branch of a schema demands and nothing declares, with the keyword it stands under. Where a part of it leads elsewhere or takes
/// names nobody declared, nothing is found.
fn asked_by_a_branch(schema: &Value) -> Option<(String, String)> {
    let names = declared(schema, 0)?;
    schema.get("properties")?;
    DEMANDING.into_iter().find_map(|key| {
        let mut demanded = Vec::new();
        demands(key, schema.get(key)?, 0, &mut demanded);
        demanded.into_iter().find(|name| !names.contains(name.as_str())).map(|name| (key.to_owned(), name))
    })
}

/// Branches within branches that are looked into.
const DEPTH_MAX: usize = 8;

fn declared(schema: &Value, depth: usize) -> Option<BTreeSet<&str>> {
    let leads_elsewhere = ["$ref", "$dynamicRef", "patternProperties"].iter().any(|key| schema.get(*key).is_some());
    let open = ["additionalProperties", "unevaluatedProperties"].iter().any(|key| schema.get(*key).is_some_and(|more| *more != Value::Bool(false)));
    if leads_elsewhere || open || depth > DEPTH_MAX {
        return None;
    }
    let mut names: BTreeSet<&str> =
        schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|fields| fields.keys().map(String::as_str)).collect();
    for key in ["allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas"] {
        let branches: Vec<&Value> = match schema.get(key) {
            Some(Value::Array(list)) => list.iter().collect(),
            Some(Value::Object(map)) if key == "dependentSchemas" => map.values().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        for branch in branches {
            names.extend(declared(branch, depth + 1)?);
        }
    }
    Some(names)
}

/// What a branch demands, and those within it.
fn demands(key: &str, branch: &Value, depth: usize, found: &mut Vec<String>) {
    let texts = |list: &Value| list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    match (key, branch) {
        ("dependentRequired", Value::Object(map)) => found.extend(map.values().flat_map(texts)),
        ("dependentSchemas", Value::Object(map)) => map.values().for_each(|inner| demands("then", inner, depth + 1, found)),
        (_, Value::Array(list)) => list.iter().for_each(|inner| demands("then", inner, depth + 1, found)),
        (_, Value::Object(map)) if depth <= DEPTH_MAX => {
            found.extend(map.get("required").map(texts).unwrap_or_default());
            for key in DEMANDING {
                if let Some(inner) = map.get(key) {
                    demands(key, inner, depth + 1, found);
                }
            }
        }
        _ => {}
    }
}

fn unknown(key: &str) -> Option<Text> {
    if KNOWN.contains(&key) || OWN.contains(&key) || key == HINT {
        return None;
    }
    let meant = if key.starts_with("x-") { nearest(key, OWN.into_iter().chain([HINT])) } else { nearest(key, KNOWN) };
    let (de, en) = (format!("Das Wort „{key}“ gibt es in einem JSON-Schema nicht."), format!("There is no word \"{key}\" in a JSON Schema."));
    match meant {
        Some(meant) => Some(Text::new(format!("{de} Meinten Sie „{meant}“?"), format!("{en} Did you mean \"{meant}\"?"))),
        None if key.starts_with("x-") => None,
        None => Some(Text::new(format!("{de} Eigene Wörter beginnen mit „x-“."), format!("{en} Words of one's own begin with \"x-\"."))),
    }
}

/// A name that is required and declared nowhere.
fn missing(schema: &Value) -> Option<&str> {
    let fields = schema.get("properties")?.as_object()?;
    let open = schema.get("additionalProperties").is_some_and(|more| more != &Value::Bool(false));
    if open || DECLARING.iter().any(|key| schema.get(*key).is_some()) {
        return None;
    }
    schema.get("required")?.as_array()?.iter().filter_map(Value::as_str).find(|name| !fields.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_that_mean_nothing_are_found() {
        for (schema, expected) in [
            (json!({ "type": "string", "title": "A", "x-fremd": 1, "x-hilfe": "B", "x-muster-hinweis": "C", "format": "kennzeichen" }), vec![]),
            (json!({ "titel": "A" }), vec!["titel LZ105 Das Wort „titel“ gibt es in einem JSON-Schema nicht. Meinten Sie „title“?"]),
            (json!({ "maxlength": 3 }), vec!["maxlength LZ105 Das Wort „maxlength“ gibt es in einem JSON-Schema nicht. Meinten Sie „maxLength“?"]),
            (json!({ "x-grupe": "A" }), vec!["x-grupe LZ105 Das Wort „x-grupe“ gibt es in einem JSON-Schema nicht. Meinten Sie „x-gruppe“?"]),
            (
                json!({ "beschriftung": 1 }),
                vec!["beschriftung LZ105 Das Wort „beschriftung“ gibt es in einem JSON-Schema nicht. Eigene Wörter beginnen mit „x-“."],
            ),
            (json!({ "type": "string", "format": "datum" }), vec!["format LZ113 Die Form „datum“ prüft niemand. Meinten Sie „date“?"]),
            (json!({ "type": "string", "format": "file" }), vec!["format LZ113 Eine Datei ist ein Objekt: type: object, format: file."]),
            (json!({ "format": "file" }), vec![]),
            (
                json!({ "properties": { "a": {} }, "required": ["a", "b"] }),
                vec!["required LZ113 „b“ wird verlangt und steht nicht in properties: Niemand könnte es angeben."],
            ),
            (json!({ "properties": { "a": {} }, "required": ["b"], "additionalProperties": true }), vec![]),
            (json!({ "properties": { "a": {} }, "required": ["b"], "allOf": [{ "properties": { "b": {} } }] }), vec![]),
            (json!({ "required": ["b"] }), vec![]),
            (
                json!({ "properties": { "a": {} }, "if": { "required": ["a"] }, "then": { "required": ["grunt"] } }),
                vec!["then LZ113 Unter Umständen wird „grunt“ verlangt, und kein Teil des Schemas nennt es: Niemand könnte es angeben."],
            ),
            (
                json!({ "properties": { "a": {} }, "dependentRequired": { "a": ["b"] } }),
                vec!["dependentRequired LZ113 Unter Umständen wird „b“ verlangt, und kein Teil des Schemas nennt es: Niemand könnte es angeben."],
            ),
            (json!({ "properties": { "a": {} }, "if": { "required": ["b"] }, "then": { "properties": { "b": {} }, "required": ["b"] } }), vec![]),
            (json!({ "properties": { "a": {} }, "allOf": [{ "if": {}, "then": { "required": ["b"] } }, { "$ref": "#/$defs/x" }] }), vec![]),
            (json!({ "properties": { "a": {} }, "anyOf": [{ "required": ["b"] }, { "required": ["a"] }] }), vec![]),
        ] {
            let told: Vec<String> = strange(&schema, true).into_iter().map(|(key, code, text)| format!("{key} {code} {}", text.de)).collect();
            assert_eq!(told, expected, "{schema}");
        }
        assert_eq!(strange(&json!({ "properties": { "a": {} }, "required": ["b"] }), false), []);
    }
}
