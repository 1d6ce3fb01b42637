//! A schema as one reads it who asks for its fields: what a reference leads to stands where the reference stood, with what was said beside
//! it (JSON Schema 2020-12, 8.2.3.1: keywords beside `$ref` hold); members of `allOf` that hold whatever the value are one with their field;
//! of `anyOf` and `oneOf` that only let a field be `null`, the rest is left.
//!
//! Pure. It is for names, inputs and sentences, never for validation: that is done with the schema as it was written. Conditions (`if`, `not`,
//! `contains`) stay as they are.

use laufzettel_domain::{Path, Text, Value};
use serde_json::Map;

/// The deepest chain of references and nested fields; a longer one is a circle.
const DEPTH_MAX: usize = 32;
/// Schemas within one, counted where they stand: references to references to lists of references grow without end.
const SCHEMAS_MAX: usize = 20_000;

/// Why a schema has no such reading, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knot {
    /// Of the field; `items` are [`Path::EACH`].
    pub path: Path,
    pub reason: Text,
}

/// Keywords that depend on the value. A member of `allOf` with one of them is a condition, not more about its field.
const CONDITIONAL: [&str; 5] = ["if", "not", "dependentRequired", "dependentSchemas", "patternProperties"];

pub fn flat(root: &Value) -> Result<Value, Knot> {
    let mut reader = Reader { root, left: SCHEMAS_MAX };
    reader.schema(root, &Path::default(), 0)
}

/// What stands of a field or an entry in a schema that is flat; what holds whatever the value first, then what a branch has.
pub(super) fn part<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    let own = schema.get("properties").and_then(|fields| fields.get(name)).filter(|field| field.is_object());
    let own = own.or_else(|| schema.get("items").filter(|_| Path::is_element(name)));
    let listed = || ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
    let named = || schema.get("dependentSchemas").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let more = || schema.get("additionalProperties").filter(|more| more.is_object());
    let single = || ["then", "else"].into_iter().filter_map(|key| schema.get(key));
    own.or_else(|| listed().chain(named()).chain(single()).find_map(|branch| part(branch, name))).or_else(more)
}

struct Reader<'r> {
    root: &'r Value,
    left: usize,
}

impl Reader<'_> {
    fn schema(&mut self, schema: &Value, path: &Path, depth: usize) -> Result<Value, Knot> {
        let Some(keys) = schema.as_object() else { return Ok(schema.clone()) };
        if depth > DEPTH_MAX {
            return Err(knot(
                path,
                "seine Verweise gehen im Kreis, oder es ist zu tief ineinander",
                "its references go in a circle, or it is nested too deeply",
            ));
        }
        self.left = self.left.checked_sub(1).ok_or_else(|| knot(path, "es ist zu groß", "it is too large"))?;
        let mut out = Map::new();
        for (key, inner) in keys.iter().filter(|(key, _)| !["$ref", "allOf"].contains(&key.as_str())) {
            out.insert(key.clone(), self.keyword(key, inner, path, depth)?);
        }
        if let Some(pointer) = keys.get("$ref").and_then(Value::as_str) {
            let target = pointer.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            let missing = || knot(path, format!("„{pointer}“ steht nicht in diesem Schema"), format!("„{pointer}“ is not in this schema"));
            let target = self.schema(target.ok_or_else(missing)?, path, depth + 1)?;
            join(&mut out, target, path)?;
        }
        for member in keys.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            let member = self.schema(member, path, depth + 1)?;
            if is_condition(&member) {
                push(&mut out, member);
            } else {
                join(&mut out, member, path)?;
            }
        }
        without_null(&mut out, path)?;
        Ok(Value::Object(out))
    }

    fn keyword(&mut self, key: &str, inner: &Value, path: &Path, depth: usize) -> Result<Value, Knot> {
        let mut named = |map: &Map<String, Value>, own: bool| -> Result<Value, Knot> {
            let field = |(name, schema): (&String, &Value)| {
                let path = if own { path.child(name) } else { path.clone() };
                Ok((name.clone(), self.schema(schema, &path, depth + 1)?))
            };
            map.iter().map(field).collect::<Result<Map<_, _>, Knot>>().map(Value::Object)
        };
        match (key, inner) {
            ("properties", Value::Object(map)) => named(map, true),
            ("dependentSchemas", Value::Object(map)) => named(map, false),
            ("items" | "additionalProperties", _) => self.schema(inner, &path.child(Path::EACH), depth + 1),
            ("then" | "else", _) => self.schema(inner, path, depth + 1),
            ("anyOf" | "oneOf", Value::Array(members)) => members.iter().map(|member| self.schema(member, path, depth + 1)).collect(),
            _ => Ok(inner.clone()),
        }
    }
}

fn is_condition(member: &Value) -> bool {
    let choices = |key: &&str| member.get(*key).and_then(Value::as_array).is_some_and(|members| !members.iter().all(|one| one.get("const").is_some()));
    member.as_object().is_none_or(|keys| CONDITIONAL.iter().any(|key| keys.contains_key(*key))) || ["anyOf", "oneOf"].iter().any(choices)
}

fn push(out: &mut Map<String, Value>, member: Value) {
    if let Value::Array(members) = out.entry("allOf").or_insert_with(|| Value::Array(Vec::new())) {
        members.push(member);
    }
}

/// `{ anyOf: [{ type: string }, { type: null }] }` is a text that may be missing.
fn without_null(out: &mut Map<String, Value>, path: &Path) -> Result<(), Knot> {
    for key in ["anyOf", "oneOf"] {
        let Some(Value::Array(members)) = out.get(key) else { continue };
        let rest: Vec<Value> = members.iter().filter(|member| member.get("type").and_then(Value::as_str) != Some("null")).cloned().collect();
        if rest.len() == members.len() {
            continue;
        }
        // the one left is the field; more than one are still to be chosen from
        match <[Value; 1]>::try_from(rest) {
            Ok([only]) => {
                out.remove(key);
                join(out, only, path)?;
            }
            Err(rest) => {
                out.insert(key.to_owned(), rest.into());
            }
        }
    }
    Ok(())
}

/// What the one has not, of the other.
fn both(own: &mut Vec<Value>, more: Vec<Value>) {
    let new: Vec<Value> = more.into_iter().filter(|item| !own.contains(item)).collect();
    own.extend(new);
}

/// More about the same field. What stands nearer says what it is called; bounds are the narrower ones.
fn join(out: &mut Map<String, Value>, more: Value, path: &Path) -> Result<(), Knot> {
    let Value::Object(mut more) = more else { return Ok(()) };
    if let Some(name) = beyond(out, &more).or_else(|| beyond(&more, out)) {
        return Err(knot(
            &path.child(&name),
            "„additionalProperties: false“ in einem Teil des Schemas (allOf, $ref) lässt es nicht zu; nehmen Sie „unevaluatedProperties: false“ am Ganzen",
            "“additionalProperties: false” in one part of the schema (allOf, $ref) does not take it; use “unevaluatedProperties: false” over the whole",
        ));
    }
    // two conditions do not become one
    if out.contains_key("if") && more.contains_key("if") {
        let condition: Map<String, Value> = ["if", "then", "else"].into_iter().filter_map(|key| more.remove_entry(key)).collect();
        push(out, Value::Object(condition));
    }
    for (key, inner) in more {
        let Some(own) = out.get_mut(&key) else {
            out.insert(key, inner);
            continue;
        };
        match (key.as_str(), own, inner) {
            ("properties", Value::Object(own), Value::Object(more)) => fields(own, more, path)?,
            ("dependentRequired" | "dependentSchemas", Value::Object(own), Value::Object(more)) => {
                for (name, inner) in more {
                    match (own.get_mut(&name), inner) {
                        (None, inner) => drop(own.insert(name, inner)),
                        (Some(Value::Array(own)), Value::Array(more)) => both(own, more),
                        (Some(own), inner) if *own != inner => *own = serde_json::json!({ "allOf": [own.take(), inner] }),
                        _ => {}
                    }
                }
            }
            ("required" | "allOf", Value::Array(own), Value::Array(more)) => both(own, more),
            ("enum", Value::Array(own), Value::Array(more)) => own.retain(|item| more.contains(item)),
            ("x-media-types", Value::Array(own), Value::Array(more)) => own.retain(|kind| more.contains(kind)),
            ("maxLength" | "maxItems" | "maximum" | "exclusiveMaximum" | "x-max-bytes", own, more) if more.as_f64() < own.as_f64() => *own = more,
            ("minLength" | "minItems" | "minimum" | "exclusiveMinimum", own, more) if more.as_f64() > own.as_f64() => *own = more,
            _ => {}
        }
    }
    Ok(())
}

/// A field one part has that another one, which is closed, does not take (JSON Schema 2020-12, 10.3.2.3: it knows its own `properties` only).
fn beyond(closed: &Map<String, Value>, other: &Map<String, Value>) -> Option<String> {
    if closed.get("additionalProperties") != Some(&Value::Bool(false)) || closed.contains_key("patternProperties") {
        return None;
    }
    let known = |name: &String| closed.get("properties").is_some_and(|fields| fields.get(name).is_some());
    // what is never there may stand anywhere
    let asked = |(name, field): &(&String, &Value)| !known(name) && **field != Value::Bool(false);
    other.get("properties")?.as_object()?.iter().find(asked).map(|(name, _)| name.clone())
}

fn fields(own: &mut Map<String, Value>, more: Map<String, Value>, path: &Path) -> Result<(), Knot> {
    for (name, inner) in more {
        match own.get_mut(&name) {
            Some(Value::Object(known)) => join(known, inner, &path.child(&name))?,
            Some(_) => {}
            None => {
                own.insert(name, inner);
            }
        }
    }
    Ok(())
}

fn knot(path: &Path, de: impl Into<String>, en: impl Into<String>) -> Knot {
    Knot { path: path.clone(), reason: Text::new(de, en) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_holds_of_a_field_stands_at_it() {
        for (field, expected) in [
            (json!({ "$ref": "#/$defs/plz", "title": "Alte PLZ" }), json!({ "title": "Alte PLZ", "type": "string", "maxLength": 5 })),
            (json!({ "$ref": "#/$defs/kurz", "maxLength": 9 }), json!({ "title": "PLZ", "type": "string", "maxLength": 3 })),
            (json!({ "allOf": [{ "$ref": "#/$defs/plz" }], "title": "PLZ alt" }), json!({ "title": "PLZ alt", "type": "string", "maxLength": 5 })),
            (
                json!({ "type": "string", "allOf": [{ "minLength": 2 }, { "minLength": 4 }, { "if": {}, "then": { "$ref": "#/$defs/kurz" } }] }),
                json!({ "type": "string", "minLength": 4, "allOf": [{ "if": {}, "then": { "title": "PLZ", "type": "string", "maxLength": 3 } }] }),
            ),
            (json!({ "anyOf": [{ "$ref": "#/$defs/plz" }, { "type": "null" }] }), json!({ "title": "PLZ", "type": "string", "maxLength": 5 })),
            (json!({ "oneOf": [{ "const": "a" }, { "const": "b" }, { "type": "null" }] }), json!({ "oneOf": [{ "const": "a" }, { "const": "b" }] })),
            (
                json!({ "type": "array", "items": { "$ref": "#/$defs/kurz" } }),
                json!({ "type": "array", "items": { "title": "PLZ", "type": "string", "maxLength": 3 } }),
            ),
            (
                json!({ "properties": { "a": { "type": "string" } }, "required": ["a"],
                    "allOf": [{ "properties": { "a": { "maxLength": 3 }, "b": {} }, "required": ["a", "b"] }] }),
                json!({ "properties": { "a": { "type": "string", "maxLength": 3 }, "b": {} }, "required": ["a", "b"] }),
            ),
            (
                json!({ "if": { "$ref": "#/$defs/plz" }, "then": {}, "allOf": [{ "enum": [1, 2] }, { "enum": [2, 3] }] }),
                json!({ "if": { "$ref": "#/$defs/plz" }, "then": {}, "enum": [2] }),
            ),
            (
                json!({ "allOf": [{ "oneOf": [{ "const": 1 }] }, { "oneOf": [{ "type": "string" }] }] }),
                json!({ "oneOf": [{ "const": 1 }], "allOf": [{ "oneOf": [{ "type": "string" }] }] }),
            ),
            (
                json!({ "allOf": [{ "format": "file", "x-max-bytes": 9, "x-media-types": ["a", "b"] }, { "x-max-bytes": 3, "x-media-types": ["b", "c"] }] }),
                json!({ "format": "file", "x-max-bytes": 3, "x-media-types": ["b"] }),
            ),
            (
                json!({ "additionalProperties": { "$ref": "#/$defs/kurz" } }),
                json!({ "additionalProperties": { "title": "PLZ", "type": "string", "maxLength": 3 } }),
            ),
            (json!(true), json!(true)),
        ] {
            let defs = json!({ "plz": { "title": "PLZ", "type": "string", "maxLength": 5 }, "kurz": { "$ref": "#/$defs/plz", "maxLength": 3 } });
            let root = json!({ "properties": { "f": field }, "$defs": defs });
            assert_eq!(flat(&root), Ok(json!({ "properties": { "f": expected }, "$defs": defs })), "{field}");
        }
    }

    #[test]
    fn what_depends_on_one_name_is_kept_of_both() {
        let Value::Object(mut own) = json!({ "dependentRequired": { "a": ["b"] }, "dependentSchemas": { "a": { "required": ["b"] } } }) else { panic!() };
        join(&mut own, json!({ "dependentRequired": { "a": ["b", "c"] }, "dependentSchemas": { "a": { "required": ["c"] }, "d": true } }), &Path::default())
            .unwrap();
        let a = json!({ "allOf": [{ "required": ["b"] }, { "required": ["c"] }] });
        assert_eq!(Value::Object(own), json!({ "dependentRequired": { "a": ["b", "c"] }, "dependentSchemas": { "a": a, "d": true } }));
    }

    /// Whoever looks for what a field is called, or which files it takes, finds it wherever it is declared.
    #[test]
    fn fields_of_branches_are_found() {
        let root = json!({ "properties": { "a": { "$ref": "#/$defs/wort", "title": "A" }, "b": { "type": "array", "items": { "$ref": "#/$defs/wort" } } },
            "allOf": [{ "if": {}, "then": { "properties": { "a": { "title": "anders" }, "c": { "title": "C" } } }, "else": { "properties": { "c": false, "d": { "title": "D" } } } }],
            "dependentSchemas": { "a": { "properties": { "e": { "type": "object", "properties": { "x": { "title": "X" } } } } } },
            "$defs": { "wort": { "type": "string", "title": "Wort" } } });
        let circle = crate::Schema::compile(json!({ "properties": { "kind": { "$ref": "#" }, "datei": { "$ref": "#/$defs/datei" },
            "weitere": { "type": "object", "properties": {}, "additionalProperties": { "$ref": "#/$defs/datei" } } },
            "$defs": { "datei": { "type": "object", "format": "file", "x-max-bytes": 3 } } }))
        .unwrap();
        for path in ["datei", "kind.kind.datei", "weitere.x"] {
            let field = circle.field(&Path::new(path.split('.')).0);
            assert_eq!(field.and_then(|field| field["x-max-bytes"].as_u64()), Some(3), "{path}: of a schema in a circle, too");
        }
        let schema = crate::Schema::compile(root).unwrap();
        for (path, expected) in
            [("a", Some("A")), ("b.3", Some("Wort")), ("b.*", Some("Wort")), ("c", Some("C")), ("d", Some("D")), ("e.x", Some("X")), ("f", None), ("a.x", None)]
        {
            let title = schema.field(&Path::new(path.split('.')).0).and_then(|field| field.get("title")?.as_str());
            assert_eq!(title, expected, "{path}");
        }
    }

    /// A form would ask for what the schema never takes.
    #[test]
    fn what_a_closed_part_does_not_take_is_refused_by_name() {
        let defs = json!({ "zu": { "type": "object", "properties": { "a": {} }, "additionalProperties": false } });
        for (field, found) in [
            (json!({ "allOf": [{ "$ref": "#/$defs/zu" }, { "properties": { "land": { "type": "string" } } }] }), Some("f.land")),
            (json!({ "$ref": "#/$defs/zu", "properties": { "land": {} } }), Some("f.land")),
            (json!({ "properties": { "a": {} }, "additionalProperties": false, "allOf": [{ "properties": { "a": {}, "b": {} } }] }), Some("f.b")),
            (json!({ "properties": { "x": { "$ref": "#/$defs/zu" } }, "allOf": [{ "properties": { "x": { "properties": { "y": {} } } } }] }), Some("f.x.y")),
            (json!({ "allOf": [{ "$ref": "#/$defs/zu" }, { "properties": { "a": { "title": "A" }, "nie": false } }] }), None),
            (json!({ "properties": { "b": {} }, "allOf": [{ "properties": { "a": {} } }], "unevaluatedProperties": false }), None),
        ] {
            let root = json!({ "properties": { "f": field }, "$defs": defs });
            assert_eq!(flat(&root).err().map(|knot| knot.path.to_string()).as_deref(), found, "{field}");
        }
    }

    #[test]
    fn two_conditions_do_not_become_one() {
        let root = json!({ "if": { "required": ["a"] }, "then": { "required": ["b"] }, "$ref": "#/$defs/mehr",
            "$defs": { "mehr": { "if": { "required": ["c"] }, "else": { "required": ["d"] } } } });
        let found = flat(&root).unwrap();
        assert_eq!(found["then"], json!({ "required": ["b"] }));
        assert_eq!(found["allOf"], json!([{ "if": { "required": ["c"] }, "else": { "required": ["d"] } }]));
    }

    #[test]
    fn circles_and_growth_without_end_are_refused_by_name() {
        let path = |root: &Value| flat(root).unwrap_err().path.to_string();
        assert_eq!(path(&json!({ "properties": { "a": { "$ref": "#/$defs/fehlt" } } })), "a");
        assert_eq!(path(&json!({ "properties": { "a": { "$ref": "#/properties/a" } } })), "a");
        let circle = json!({ "properties": { "kind": { "$ref": "#" } } });
        assert!(flat(&circle).unwrap_err().path.to_string().starts_with("kind.kind"));
        let tenfold = |below: &str| json!({ "properties": (0..10).map(|n| (n.to_string(), json!({ "$ref": below }))).collect::<Map<_, _>>() });
        let mut defs: Map<String, Value> = (0..6).map(|n| (format!("d{n}"), tenfold(&format!("#/$defs/d{}", n + 1)))).collect();
        defs.insert("d6".to_owned(), json!({ "type": "string" }));
        assert_eq!(flat(&json!({ "$ref": "#/$defs/d0", "$defs": defs })).unwrap_err().reason.en, "it is too large");
    }
}
