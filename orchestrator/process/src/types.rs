//! What every value of a process looks like: a schema for the input and for the value of each step.
//!
//! Inferred in the order of the graph. Where nothing is known the schema is open, and an open schema is never inert.

use std::collections::BTreeMap;

use laufzettel_domain::{Path, ProcessId, StepId, Value};
use serde_json::json;

use crate::{
    expression::{Expression, Shape, Template},
    model::{Process, StepKind, TriggerKind},
    schema::{At, Schema},
    table::Hit,
};

/// What a tool's pinned definition says: the schemas of its arguments and its result.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolTypes {
    pub input: Schema,
    pub output: Option<Schema>,
}

/// Tool definitions by `server/tool`.
pub type Tools = BTreeMap<String, ToolTypes>;

#[derive(Debug, Clone)]
pub struct Types {
    pub input: Schema,
    pub steps: BTreeMap<StepId, Schema>,
    /// Of the processes its steps call.
    pub children: BTreeMap<ProcessId, Types>,
    /// Definitions of the tools its agents may call, and its triggers ask.
    pub offered: Tools,
    /// What an output of the process looks like, key by key; each may be absent.
    pub output: Value,
}

impl Types {
    pub fn of(process: &Process, tools: &Tools) -> Self {
        let children = process.children.iter().map(|(id, child)| (id.clone(), Self::of(child, tools))).collect();
        let agents = process.steps.values().filter_map(|step| if let StepKind::Agent(agent) = &step.kind { Some(agent) } else { None });
        let polls = process.triggers.iter().filter_map(|trigger| if let TriggerKind::Poll(poll) = &trigger.kind { Some(poll.call.name()) } else { None });
        let names = agents.flat_map(|agent| agent.tools.iter().map(|tool| tool.call.name())).chain(polls);
        let offered = names.filter_map(|name| tools.get_key_value(&name)).map(|(name, types)| (name.clone(), types.clone())).collect();
        let mut types = Self { input: process.input.clone(), steps: BTreeMap::new(), children, offered, output: Value::Null };
        for id in &process.order {
            let step = &process.steps[id];
            let value = types.of_step(&step.kind, tools);
            let value = match &step.each {
                None => value,
                // a failed item has no value: nothing is known of any
                Some(each) if each.continues => json!({ "type": "array" }),
                Some(_) => list_of(value),
            };
            types.steps.insert(id.clone(), Schema::compile(value).unwrap_or_else(|_| Schema::any()));
        }
        let keys: serde_json::Map<_, _> = process.output.iter().map(|(name, template)| (name.clone(), types.of_template(template))).collect();
        types.output = json!({ "type": "object", "properties": keys });
        types
    }

    fn of_step(&self, kind: &StepKind, tools: &Tools) -> Value {
        let text = || json!({ "type": "object", "required": ["text"], "properties": { "text": { "type": "string" } } });
        match kind {
            StepKind::Tool(call) => match tools.get(&call.name()) {
                Some(ToolTypes { output: Some(schema), .. }) => schema.root.clone(),
                Some(_) => text(),
                None => json!(true),
            },
            StepKind::Agent(agent) => agent.call.output.as_ref().map_or_else(text, |schema| schema.root.clone()),
            StepKind::Model(call) => call.output.as_ref().map_or_else(text, |schema| schema.root.clone()),
            StepKind::Human(human) => {
                let mut form = human.form.root.clone();
                let shown: serde_json::Map<String, Value> = human.show.iter().map(|(name, t)| (name.clone(), self.of_template(t))).collect();
                let by = json!({ "type": "object", "required": ["subject", "name"],
                    "properties": { "subject": { "type": "string" }, "name": { "type": "string" } } });
                if let Some(form) = form.as_object_mut() {
                    let names: Vec<&String> = shown.keys().collect();
                    let shown = json!({ "type": "object", "required": names, "properties": shown });
                    extend(form, [("shown", shown), ("by", by)]);
                }
                form
            }
            StepKind::Rules(rules) => {
                let row = rules.table.result.as_ref().map_or_else(|| rows_schema(rules.table.rows.iter().map(|r| &r.result)), |s| s.root.clone());
                let mut result = match rules.table.hit {
                    Hit::Collect => json!({ "type": "object", "required": ["zeilen"], "properties": { "zeilen": list_of(row) } }),
                    Hit::Unique | Hit::First => row,
                };
                if let Some(result) = result.as_object_mut() {
                    extend(result, [("rule", json!({ "type": "object" }))]);
                }
                result
            }
            StepKind::Set(template) => self.of_template(template),
            StepKind::Process(call) => self.children.get(&call.name).map_or(Value::Bool(true), |child| child.output.clone()),
            StepKind::Wait(wait) => match wait.event() {
                None => json!({ "type": "object", "required": ["at"], "properties": { "at": { "type": "string", "format": "date-time" } } }),
                Some(event) => {
                    let mut value = event.output.root.clone();
                    // of one that did not come in time only that is known
                    if let Some(object) = value.as_object_mut().filter(|_| event.timeout.is_some()) {
                        object.remove("required");
                    }
                    if let Some(object) = value.as_object_mut() {
                        extend(object, [("timed_out", json!({ "type": "boolean" }))]);
                    }
                    value
                }
            },
        }
    }

    fn of_template(&self, template: &Template) -> Value {
        match template {
            Template::Const(value) => of_const(value),
            Template::Expression(expression) => self.of_shape(&expression.shape),
            Template::List(_) => json!({ "type": "array" }),
            Template::Map(map) => {
                let names: Vec<&String> = map.keys().collect();
                let fields: serde_json::Map<_, _> = map.iter().map(|(k, t)| (k.clone(), self.of_template(t))).collect();
                json!({ "type": "object", "required": names, "properties": fields })
            }
        }
    }

    fn of_shape(&self, shape: &Shape) -> Value {
        match shape {
            Shape::Bool => json!({ "type": "boolean" }),
            Shape::Number => json!({ "type": "number" }),
            Shape::Date => json!({ "type": "string", "format": "date" }),
            Shape::Text => json!({ "type": "string" }),
            Shape::List => json!({ "type": "array" }),
            Shape::Open => Value::Bool(true),
            Shape::Const(value) => of_const(value),
            Shape::Ref(path) => self.at(path).filter(|schema| !contains_ref(schema)).cloned().unwrap_or(Value::Bool(true)),
            Shape::Either(shapes) => self.either(shapes),
        }
    }

    /// One schema for several: their enum if all are constants or enums, else their common type, else open.
    fn either(&self, shapes: &[Shape]) -> Value {
        let schemas: Vec<Value> = shapes.iter().map(|s| self.of_shape(s)).collect();
        let mut values: Vec<Value> = Vec::new();
        for schema in &schemas {
            match (schema.get("const"), schema.get("enum").and_then(Value::as_array)) {
                (Some(one), _) => values.push(one.clone()),
                (_, Some(list)) => values.extend(list.iter().cloned()),
                _ => {
                    return common_type(&schemas);
                }
            }
        }
        json!({ "enum": values })
    }

    /// The schema a path stands for.
    pub fn at(&self, path: &Path) -> Option<&Value> {
        match self.look(path)? {
            At::Known { schema, .. } => Some(schema),
            _ => None,
        }
    }

    /// What is known of a path; `None` for names this room knows nothing of (`run`, `item`, `result`).
    pub fn look(&self, path: &Path) -> Option<At<'_>> {
        match (path.root(), path.step()) {
            (_, Some(step)) => Some(self.steps.get(step)?.at(&path.0[2..])),
            ("input", None) => Some(self.input.at(&path.0[1..])),
            _ => None,
        }
    }

    /// The schema of an expression's result.
    pub fn of_expression(&self, expression: &Expression) -> Value {
        self.of_shape(&expression.shape)
    }

    /// Whether an expression's result is of a type that cannot carry an instruction.
    pub fn is_inert(&self, expression: &Expression) -> bool {
        crate::schema::is_inert(&self.of_expression(expression))
    }
}

/// The type all share, whole and broken numbers being numbers alike; open where they differ.
fn common_type(schemas: &[Value]) -> Value {
    let kind = |schema: &Value| match schema.get("const") {
        Some(Value::Number(_)) => Some("number".to_owned()),
        Some(Value::Bool(_)) => Some("boolean".to_owned()),
        Some(Value::String(_)) => Some("string".to_owned()),
        _ => schema.get("type").and_then(Value::as_str).map(|name| if name == "integer" { "number".to_owned() } else { name.to_owned() }),
    };
    let first = schemas.first().and_then(kind);
    let same = first.is_some() && schemas.iter().all(|s| kind(s) == first);
    match first {
        Some(name) if same && name == "string" && schemas.iter().all(|s| s.get("format") == Some(&json!("date"))) => json!({ "type": name, "format": "date" }),
        Some(name) if same => json!({ "type": name }),
        _ => Value::Bool(true),
    }
}

fn of_const(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let names: Vec<&String> = map.keys().collect();
            let fields: serde_json::Map<_, _> = map.iter().map(|(k, v)| (k.clone(), of_const(v))).collect();
            json!({ "type": "object", "required": names, "properties": fields })
        }
        Value::Array(_) => json!({ "type": "array" }),
        scalar => json!({ "const": scalar }),
    }
}

/// A list of such values. What they refer to comes along, where it lies in `$defs`; else nothing is known of them.
fn list_of(mut value: Value) -> Value {
    let defs = value.as_object_mut().and_then(|map| map.remove("$defs"));
    if elsewhere(&value) || defs.as_ref().is_some_and(elsewhere) {
        return json!({ "type": "array" });
    }
    let mut list = json!({ "type": "array", "items": value });
    list.as_object_mut().into_iter().for_each(|map| map.extend(defs.clone().map(|defs| ("$defs".to_owned(), defs))));
    list
}

/// Whether a schema refers to anything but its `$defs`.
fn elsewhere(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.iter().any(|(key, inner)| match inner {
            Value::String(target) if key == "$ref" => !target.starts_with("#/$defs/"),
            other => elsewhere(other),
        }),
        Value::Array(items) => items.iter().any(elsewhere),
        _ => false,
    }
}

fn contains_ref(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.contains_key("$ref") || map.values().any(contains_ref),
        Value::Array(items) => items.iter().any(contains_ref),
        _ => false,
    }
}

fn extend<const N: usize>(object: &mut serde_json::Map<String, Value>, fields: [(&str, Value); N]) {
    for (name, schema) in fields {
        if let Some(properties) = object.entry("properties").or_insert_with(|| json!({})).as_object_mut() {
            properties.insert(name.to_owned(), schema);
        }
        if let Some(required) = object.entry("required").or_insert_with(|| json!([])).as_array_mut() {
            required.push(json!(name));
        }
    }
}

/// The result of a table that declares no schema: the keys its rows have; a key with only constants is an enum.
fn rows_schema<'t>(results: impl Iterator<Item = &'t Template> + Clone) -> Value {
    let mut fields: BTreeMap<String, Vec<Option<Value>>> = BTreeMap::new();
    let mut rows = 0;
    for result in results {
        rows += 1;
        let cells: Vec<(String, Option<Value>)> = match result {
            Template::Const(Value::Object(map)) => map.iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect(),
            Template::Map(map) => map.iter().map(|(k, t)| (k.clone(), if let Template::Const(v) = t { Some(v.clone()) } else { None })).collect(),
            _ => return Value::Bool(true),
        };
        for (key, cell) in cells {
            fields.entry(key).or_default().push(cell);
        }
    }
    let required: Vec<&String> = fields.iter().filter(|(_, cells)| cells.len() == rows).map(|(k, _)| k).collect();
    let properties: serde_json::Map<String, Value> = fields
        .iter()
        .map(|(key, cells)| {
            let constants: Option<Vec<Value>> = cells.iter().cloned().collect();
            (key.clone(), constants.filter(|c| c.iter().all(|v| !v.is_object() && !v.is_array())).map_or(Value::Bool(true), |c| json!({ "enum": c })))
        })
        .collect();
    json!({ "type": "object", "required": required, "properties": properties })
}
