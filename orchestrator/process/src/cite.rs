//! `cite: required`: a model says nothing it cannot show. Every object at the deepest level of lists in its answer (or the
//! answer itself) carries `belege`, and each quotation stands word for word in the passage it names.

use std::ops::Range;

use laufzettel_domain::Value;
pub use laufzettel_domain::names::SOURCES;
use serde_json::{Map, json};

/// The field that carries the quotations.
pub const BELEGE: &str = "belege";
/// What a passage has, and a quotation, too.
const PLACE: [&str; 3] = ["document", "version", "place"];
/// Longest chain of local references followed.
const REF_DEPTH_MAX: usize = 16;

/// The schema with `belege` where they are demanded, added where the author did not.
pub fn with_belege(schema: &Value) -> Value {
    let mut schema = schema.clone();
    let (root, depth) = (schema.clone(), depth(&schema, &schema, 0));
    demand(&mut schema, &root, depth);
    schema
}

fn resolved<'s>(mut schema: &'s Value, root: &'s Value) -> &'s Value {
    for _ in 0..REF_DEPTH_MAX {
        match schema.get("$ref").and_then(Value::as_str).and_then(|pointer| root.pointer(pointer.strip_prefix('#')?)) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten().filter(|(name, _)| *name != BELEGE)
}

/// Levels of lists of objects, the deepest way down.
fn depth(schema: &Value, root: &Value, followed: usize) -> usize {
    if followed > REF_DEPTH_MAX {
        return 0;
    }
    let schema = resolved(schema, root);
    let below = properties(schema).map(|(_, inner)| depth(inner, root, followed + 1)).max().unwrap_or(0);
    let items = schema.get("items").map(|items| resolved(items, root)).filter(|items| items.get("properties").is_some());
    items.map_or(below, |items| below.max(1 + depth(items, root, followed + 1)))
}

fn demand(schema: &mut Value, root: &Value, levels: usize) {
    if schema.get("$ref").is_some() {
        *schema = resolved(schema, root).clone();
    }
    if levels == 0 {
        return add(schema);
    }
    if let Some(items) = schema.get_mut("items")
        && resolved(items, root).get("properties").is_some()
    {
        let below = levels - 1;
        if depth(items, root, 0) == below {
            demand(items, root, below);
        }
        return;
    }
    let deep: Vec<String> = properties(schema).filter(|(_, inner)| depth(inner, root, 0) == levels).map(|(name, _)| name.clone()).collect();
    for name in deep {
        if let Some(inner) = schema.pointer_mut(&format!("/properties/{}", name.replace('~', "~0").replace('/', "~1"))) {
            demand(inner, root, levels);
        }
    }
}

fn add(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    let text = json!({ "type": "string" });
    let quotation = json!({ "type": "object", "additionalProperties": false, "required": [PLACE[0], PLACE[1], PLACE[2], "zitat"],
        "properties": { PLACE[0]: text, PLACE[1]: text, PLACE[2]: text, "zitat": { "type": "string", "minLength": 1 } } });
    let fields = object.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    if let Some(fields) = fields.as_object_mut() {
        fields.entry(BELEGE).or_insert(json!({ "type": "array", "minItems": 1, "items": quotation }));
    }
    let required = object.entry("required").or_insert_with(|| json!([]));
    if let Some(required) = required.as_array_mut().filter(|names| !names.iter().any(|name| name == BELEGE)) {
        required.push(json!(BELEGE));
    }
}

/// Why quotations cannot be demanded of an output: where its lists are cannot be seen.
pub fn unclear(schema: &Value) -> Option<&'static str> {
    const COMBINING: [&str; 6] = ["anyOf", "oneOf", "allOf", "if", "prefixItems", "patternProperties"];
    match schema {
        Value::Object(map) => {
            // a choice of constants says nothing of lists
            let plain = map.contains_key("enum") || map.contains_key("const");
            let combined = COMBINING.iter().copied().find(|word| !plain && map.contains_key(*word));
            let nested = map.get("items").is_some_and(|items| items.get("type") == Some(&json!("array")));
            combined.or(nested.then_some("items: { type: array }")).or_else(|| map.values().find_map(unclear))
        }
        Value::Array(items) => items.iter().find_map(unclear),
        _ => None,
    }
}

/// Whether the passages are passages: `{ document, version, place, text }`, all texts. `Err` is a sentence.
pub fn passages(sources: &Value) -> Result<(), String> {
    let list = sources.as_array().ok_or("sources: das ist keine Liste von Fundstellen")?;
    let complete = |passage: &Value| PLACE.iter().chain(&["text"]).all(|name| passage.get(name).is_some_and(Value::is_string));
    match list.iter().position(|passage| !complete(passage)) {
        None => Ok(()),
        Some(n) => Err(format!("sources: Fundstelle {} hat nicht document, version, place und text", n + 1)),
    }
}

/// Passages an agent may quote: those it was given, and those its tools brought, wherever they stand in what they said.
pub fn sources_of<'v>(given: Option<&Value>, results: impl Iterator<Item = &'v Value>) -> Value {
    let mut found: Vec<Value> = given.and_then(Value::as_array).cloned().unwrap_or_default();
    results.for_each(|result| passages_in(result, &mut found));
    Value::Array(found)
}

fn passages_in(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(map) if PLACE.iter().chain(&["text"]).all(|name| map.get(*name).is_some_and(Value::is_string)) => found.push(value.clone()),
        Value::Object(map) => map.values().for_each(|inner| passages_in(inner, found)),
        Value::Array(items) => items.iter().for_each(|inner| passages_in(inner, found)),
        _ => {}
    }
}

/// Holds every quotation of an answer against the passage it names. `Err` is a sentence for whoever answers again.
pub fn check(schema: &Value, answer: &Value, sources: &Value) -> Result<(), String> {
    let mut claims = Vec::new();
    collect(answer, depth(schema, schema, 0), &mut claims);
    for claim in claims {
        let quotations = claim.get(BELEGE).and_then(Value::as_array).filter(|list| !list.is_empty());
        let quotations = quotations.ok_or_else(|| format!("„{}“ hat keinen Beleg.", short(&claim.to_string())))?;
        for quotation in quotations {
            stands(quotation, sources)?;
        }
    }
    Ok(())
}

fn collect<'v>(value: &'v Value, levels: usize, claims: &mut Vec<&'v Value>) {
    match value {
        Value::Object(_) if levels == 0 => claims.push(value),
        Value::Object(map) => map.iter().filter(|(name, _)| *name != BELEGE).for_each(|(_, inner)| collect(inner, levels, claims)),
        Value::Array(items) if levels > 0 => items.iter().for_each(|item| collect(item, levels - 1, claims)),
        _ => {}
    }
}

fn stands(quotation: &Value, sources: &Value) -> Result<(), String> {
    let place = || PLACE.map(|name| quotation[name].as_str().unwrap_or("–")).join(", ");
    let mut passages = named(quotation, sources).peekable();
    passages.peek().ok_or_else(|| format!("Die Fundstelle „{}“ gibt es nicht.", place()))?;
    let said = quotation["zitat"].as_str().unwrap_or_default();
    if passages.any(|passage| locate(passage, said).is_some()) {
        Ok(())
    } else {
        Err(format!("„{}“ steht nicht in „{}“.", short(&normal(said)), place()))
    }
}

/// Whether a value is a quotation with the place it is taken from.
pub fn is_quotation(value: &Value) -> bool {
    PLACE.iter().chain(&["zitat"]).all(|name| value.get(*name).is_some_and(Value::is_string))
}

/// The passages a quotation names; one place may be given in several pieces.
pub fn named<'s>(quotation: &Value, sources: &'s Value) -> impl Iterator<Item = &'s str> {
    let of = |passage: &&Value| PLACE.iter().all(|name| passage[*name] == quotation[*name]);
    sources.as_array().into_iter().flatten().filter(of).filter_map(|passage| passage["text"].as_str())
}

/// Where a quotation stands in a passage, word for word: bytes of the passage. A line break in a document is no other word.
pub fn locate(passage: &str, quotation: &str) -> Option<Range<usize>> {
    let said = normal(quotation);
    let mut flat = String::with_capacity(passage.len());
    // of each word, where it begins in the flat text and in the passage
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut offset = 0;
    for word in passage.split_whitespace() {
        offset += passage[offset..].find(word)?;
        if !flat.is_empty() {
            flat.push(' ');
        }
        words.push((flat.len(), offset));
        flat.push_str(word);
        offset += word.len();
    }
    let begin = flat.find(&said).filter(|_| !said.is_empty())?;
    let place = |at: usize| words.iter().rev().find(|(flat, _)| *flat <= at).map(|(flat, begins)| begins + (at - flat));
    let last = said.chars().next_back().map_or(0, char::len_utf8);
    Some(place(begin)?..place(begin + said.len() - last)? + last)
}

/// Words with single blanks between them.
fn normal(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn short(text: &str) -> String {
    if text.chars().count() <= 80 { text.to_owned() } else { text.chars().take(79).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(schema: &Value) -> Vec<String> {
        fn walk(schema: &Value, path: &str, found: &mut Vec<String>) {
            if schema["properties"].get(BELEGE).is_some() {
                found.push(path.to_owned());
            }
            properties(schema).for_each(|(name, inner)| walk(inner, &format!("{path}/{name}"), found));
            if let Some(items) = schema.get("items") {
                walk(items, &format!("{path}[]"), found);
            }
        }
        let mut found = Vec::new();
        walk(schema, "", &mut found);
        found
    }

    #[test]
    fn belege_stand_at_the_deepest_level_of_lists() {
        let text = json!({ "type": "string" });
        let object = |fields: Value| json!({ "type": "object", "properties": fields });
        let list = |items: Value| json!({ "type": "array", "items": items });
        for (schema, expected) in [
            (object(json!({ "art": text })), vec![""]),
            (object(json!({ "worte": list(text.clone()) })), vec![""]),
            (object(json!({ "punkte": list(object(json!({ "t": text }))) })), vec!["/punkte[]"]),
            (
                object(json!({ "a": list(object(json!({ "t": text }))), "b": list(object(json!({ "c": list(object(json!({ "t": text }))) }))) })),
                vec!["/b[]/c[]"],
            ),
            (object(json!({ "o": object(json!({ "p": list(object(json!({ "t": text }))) })), "belege": list(object(json!({ "x": text }))) })), vec!["/o/p[]"]),
        ] {
            assert_eq!(places(&with_belege(&schema)).into_iter().filter(|p| !p.is_empty() || expected == [""]).collect::<Vec<_>>(), expected, "{schema}");
        }
        let shared = json!({ "type": "object", "properties": { "p": { "type": "array", "items": { "$ref": "#/$defs/p" } } }, "$defs": { "p": { "type": "object", "properties": { "t": text } } } });
        assert_eq!(with_belege(&shared)["properties"]["p"]["items"]["required"], json!([BELEGE]));
        let own = object(json!({ "t": text, "belege": list(object(json!({ "eigenes": text }))) }));
        let kept = with_belege(&own);
        assert_eq!((&kept["properties"]["belege"], &kept["required"]), (&own["properties"]["belege"], &json!(["belege"])));
    }

    #[test]
    fn a_quotation_is_found_where_it_stands() {
        for (passage, quotation, expected) in [
            ("Die Miete beträgt\n  monatlich 640 Euro.", "beträgt monatlich 640", Some("beträgt\n  monatlich 640")),
            ("  aa ä\u{a0}b", "ä b", Some("ä\u{a0}b")),
            ("aus Haus", "Haus", Some("Haus")),
            ("Grüße", "üß", Some("üß")),
            ("a b", " ", None),
            ("a b", "b a", None),
            ("", "a", None),
        ] {
            assert_eq!(locate(passage, quotation).map(|range| &passage[range]), expected, "{passage}: {quotation}");
        }
    }

    #[test]
    fn a_quotation_stands_word_for_word_in_its_passage() {
        let sources = json!([{ "document": "D-1", "version": "1", "place": "S. 2", "text": "Die Miete beträgt\n  monatlich 640 Euro." }]);
        let schema =
            json!({ "type": "object", "properties": { "p": { "type": "array", "items": { "type": "object", "properties": { "t": { "type": "string" } } } } } });
        let said = |zitat: &str, place: &str| json!({ "p": [{ "t": "x", "belege": [{ "document": "D-1", "version": "1", "place": place, "zitat": zitat }] }] });
        for (answer, expected) in [
            (said("beträgt monatlich 640 Euro", "S. 2"), Ok(())),
            (said("beträgt 640 Euro", "S. 2"), Err("„beträgt 640 Euro“ steht nicht in „D-1, 1, S. 2“.")),
            (said("Die Miete", "S. 3"), Err("Die Fundstelle „D-1, 1, S. 3“ gibt es nicht.")),
            (said("  ", "S. 2"), Err("„“ steht nicht in „D-1, 1, S. 2“.")),
            (json!({ "p": [{ "t": "x" }] }), Err("„{\"t\":\"x\"}“ hat keinen Beleg.")),
            (json!({ "p": [{ "t": "x", "belege": [] }] }), Err("„{\"belege\":[],\"t\":\"x\"}“ hat keinen Beleg.")),
            (json!({ "p": [] }), Ok(())),
        ] {
            assert_eq!(check(&schema, &answer, &sources), expected.map_err(str::to_owned), "{answer}");
        }
        let pieces = json!([sources[0], { "document": "D-1", "version": "1", "place": "S. 2", "text": "Mehr dazu." }]);
        assert_eq!(check(&schema, &said("Mehr dazu.", "S. 2"), &pieces), Ok(()));
        for (schema, expected) in [
            (json!({ "properties": { "a": { "anyOf": [{ "type": "array" }] } } }), Some("anyOf")),
            (json!({ "properties": { "a": { "type": "array", "items": { "type": "array" } } } }), Some("items: { type: array }")),
            (json!({ "properties": { "a": { "enum": ["x"], "oneOf": [{ "const": "x", "title": "X" }] } } }), None),
        ] {
            assert_eq!(unclear(&schema), expected, "{schema}");
        }
        assert_eq!(passages(&sources), Ok(()));
        assert_eq!(
            passages(&json!([{ "document": "D", "version": 1, "place": "x", "text": "y" }])).unwrap_err(),
            "sources: Fundstelle 1 hat nicht document, version, place und text"
        );
        assert!(passages(&json!({})).is_err());
    }
}
