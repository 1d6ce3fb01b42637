//! `poll`: a tool that is asked again and again, and whose new entries each begin a run. Only what the author wrote and what of an
//! answer it means; asking is the worker's, and whether it may be asked is the tool door's word.

use laufzettel_domain::{Path, Span, Value};

use crate::{
    expression::Expression,
    model::ToolCall,
    schema::{At, Schema},
};

/// Characters of a cursor or a key that is a text: what names a place in a list is short, and receipts are made of it.
pub const NAME_CHARS_MAX: usize = 500;

#[derive(Debug, Clone, PartialEq)]
pub struct Poll {
    /// Its arguments may read `cursor`.
    pub call: ToolCall,
    pub every: Span,
    /// Over `result`: where the next look goes on. `None`: every look asks the same.
    pub cursor: Option<Expression>,
    /// Over `item`: what an entry is recognised by.
    pub key: Expression,
    /// Which of the process's looks at this tool it is, in the order of the file.
    pub number: usize,
}

impl Poll {
    /// Under which its cursor is kept. What is asked may change without everything beginning anew.
    pub fn name(&self, process: &str) -> String {
        format!("poll:{process}:{}:{}", self.call.name(), self.number)
    }
}

/// The list of entries in an answer of this definition: the answer itself (an empty path), or its only list one level below.
pub fn list(definition: &Schema) -> Option<Vec<String>> {
    let root = definition.resolve(&definition.root)?;
    if is_list(root) {
        return Some(Vec::new());
    }
    let properties = root.get("properties").and_then(Value::as_object)?;
    let mut lists = properties.iter().filter(|(_, declared)| definition.resolve(declared).is_some_and(is_list));
    match (lists.next(), lists.next()) {
        (Some((name, _)), None) => Some(vec![name.clone()]),
        _ => None,
    }
}

/// What the definition says of one entry; `None` where it says nothing.
pub fn entry(definition: &Schema) -> Option<&Value> {
    let path: Vec<String> = list(definition)?.into_iter().chain([Path::EACH.to_owned()]).collect();
    match definition.at(&path) {
        At::Known { schema, .. } => Some(schema),
        _ => None,
    }
}

/// The entries of an answer. Without a definition the answer itself must have just one list.
pub fn entries<'v>(answer: &'v Value, definition: Option<&Schema>) -> Option<&'v [Value]> {
    if let Some(path) = definition.and_then(list) {
        // an optional list that is not there is an empty one
        return Some(Path(path).find(answer).and_then(Value::as_array).map_or(&[], Vec::as_slice));
    }
    if definition.is_some() {
        return None;
    }
    match answer {
        Value::Array(items) => Some(items),
        Value::Object(map) => {
            let mut lists = map.values().filter_map(Value::as_array);
            lists.next().filter(|_| lists.next().is_none()).map(Vec::as_slice)
        }
        _ => None,
    }
}

fn is_list(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == "array",
        Some(Value::Array(names)) => names.iter().any(|name| name == "array"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn where_the_entries_are() {
        let one = json!({ "type": "object", "properties": { "mehr": { "type": "boolean" }, "zeilen": { "type": "array" } } });
        let two = json!({ "type": "object", "properties": { "a": { "type": "array" }, "b": { "type": ["array", "null"] } } });
        for (definition, answer, expected) in [
            (None, json!([1]), Some(json!([1]))),
            (None, json!({ "mehr": true, "zeilen": [1] }), Some(json!([1]))),
            (None, json!({ "a": [], "b": [] }), None),
            (None, json!({ "a": 1 }), None),
            (None, json!("x"), None),
            (Some(&one), json!({ "zeilen": [1], "andere": [2] }), Some(json!([1]))),
            (Some(&one), json!({ "mehr": false }), Some(json!([]))),
            (Some(&two), json!({ "a": [1] }), None),
            (Some(&json!({ "type": "array" })), json!([1]), Some(json!([1]))),
        ] {
            let definition = definition.map(|schema| Schema::compile(schema.clone()).unwrap());
            let found = entries(&answer, definition.as_ref()).map(|items| Value::Array(items.to_vec()));
            assert_eq!(found, expected, "{answer}");
        }
    }
}
