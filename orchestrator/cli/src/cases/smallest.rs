//! The least value a schema allows, as far as its plain keywords say so.

use laufzettel_domain::Value;
use serde_json::{Map, json};

/// Levels looked into: no tool's result is nested deeper, and a schema may name itself.
const DEPTH_MAX: usize = 16;

/// Its constant, its first word, or the empty value of its type with what is required; `null` where it says nothing.
pub fn smallest(schema: &Value) -> Value {
    at(schema, schema, DEPTH_MAX)
}

fn at(root: &Value, schema: &Value, depth: usize) -> Value {
    if depth == 0 {
        return Value::Null;
    }
    if let Some(named) = schema.get("$ref").and_then(Value::as_str).and_then(|name| root.pointer(name.strip_prefix('#')?)) {
        return at(root, named, depth - 1);
    }
    if let Some(constant) = schema.get("const").or_else(|| schema.get("enum")?.get(0)) {
        return constant.clone();
    }
    let kind = schema.get("type");
    match kind.and_then(|kind| kind.as_str().or_else(|| kind.get(0)?.as_str())) {
        Some("object") => object(root, schema, depth),
        Some("array") => json!([]),
        Some("string") => text(schema).into(),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(0)),
        Some("boolean") => json!(true),
        _ => Value::Null,
    }
}

fn object(root: &Value, schema: &Value, depth: usize) -> Value {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let field = |name: &str| schema.get("properties").and_then(|all| all.get(name)).map_or(Value::Null, |inner| at(root, inner, depth - 1));
    Value::Object(required.map(|name| (name.to_owned(), field(name))).collect::<Map<_, _>>())
}

fn text(schema: &Value) -> String {
    match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2000-01-01".to_owned(),
        Some("date-time") => "2000-01-01T00:00:00Z".to_owned(),
        _ => "x".repeat(schema.get("minLength").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0).min(100)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_each_kind() {
        let table = [
            (json!({ "type": "boolean" }), json!(true)),
            (json!({ "enum": ["a", "b"] }), json!("a")),
            (json!({ "type": ["string", "null"], "minLength": 2 }), json!("xx")),
            (json!({ "type": "array", "items": { "type": "string" } }), json!([])),
            (
                json!({ "type": "object", "required": ["n", "s"], "properties": { "n": { "type": "integer", "minimum": 3 }, "s": { "$ref": "#/$defs/s" }, "frei": {} }, "$defs": { "s": { "const": "fest" } } }),
                json!({ "n": 3, "s": "fest" }),
            ),
            (json!({ "$ref": "#" }), Value::Null),
        ];
        for (schema, expected) in table {
            assert_eq!(smallest(&schema), expected, "{schema}");
        }
    }
}
