//! The interface described (OpenAPI 3.1), from the types it reads and writes and from the one list of routes. Refuses to describe
//! pages. Made anew when it is asked for: it cannot be older than the program.

use axum::{http::StatusCode, response::Response};
use laufzettel_domain::Value;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, json};

use crate::{
    api::{
        catalogue::Wished,
        events::Sent,
        rows::{RunPage, TaskPage},
        runs::{Asked as RunsAsked, Cancelled, Resolved, Retried},
        shapes::{Accepted, Catalogue, Finished, InHand, Ordered, Received, RunShown, TaskShown},
        tasks::{Answered, Asked as TasksAsked, Claimed, Handed, Returned},
    },
    problem, reply,
    routes::{Needs, Route, routes},
};

pub async fn document() -> Response {
    reply::json(StatusCode::OK, &describe())
}

/// The whole document.
pub fn describe() -> Value {
    let mut writer = Writer::new();
    operations(&mut writer);
    let mut schemas = writer.read.take_definitions(true);
    schemas.extend(writer.told.take_definitions(true));
    schemas.insert("Problem".to_owned(), problem_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Laufzettel",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Starts and follows administrative processes under the rights of whoever asks. Every refusal is a problem document (RFC 9457) in German, or in English with `Accept-Language: en`.",
            "license": { "name": "EUPL-1.2", "identifier": "EUPL-1.2" },
        },
        "paths": writer.paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "A key of a program: laufzettel keys create." },
                "session": { "type": "apiKey", "in": "cookie", "name": "laufzettel", "description": "A person who is signed in on the pages." },
                "signature": { "type": "apiKey", "in": "header", "name": "webhook-signature", "description": "Standard Webhooks: HMAC-SHA256 over id, timestamp and body." },
            },
        },
    })
}

/// Each operation, in the order of the routes.
fn operations(doc: &mut Writer) {
    doc.operation(
        "post",
        "/hooks/{tenant}/{path}",
        "receiveHook",
        "A message of another system starts a run: JSON, or a CloudEvent 1.0 whose data is the input.",
    )
    .any_body()
    .answer::<Received>(202)
    .answer::<Received>(200);
    doc.operation("post", "/events/{tenant}", "reportEvent", "Something that happened elsewhere, for the steps that wait for it; also as a CloudEvent 1.0.")
        .body::<Sent>()
        .silent(202);
    doc.operation("get", "/api/openapi.json", "describe", "This document.").anything(200);
    doc.operation("get", "/api/v1/processes", "listProcesses", "What the caller may start.").conditional().answer::<Catalogue>(200);
    doc.operation("post", "/api/v1/processes/{id}/runs", "startRun", "Starts a run; the body is the process's input.")
        .query::<Wished>()
        .header("Prefer", "`wait=10`: answer with the result if it is there within so many seconds, ten at most.")
        .any_body()
        .answer::<Accepted>(202)
        .answer::<Finished>(200);
    doc.operation("get", "/api/v1/runs", "listRuns", "Runs the caller may see, newest first.").query::<RunsAsked>().answer::<RunPage>(200);
    doc.operation("get", "/api/v1/runs/{run}", "showRun", "One run.").conditional().answer::<RunShown>(200);
    doc.operation("get", "/api/v1/runs/{run}/events", "followRun", "The run's records as they are written, without case content (server-sent events).")
        .header("Last-Event-ID", "Go on behind this one.")
        .stream()
        .silent(204);
    doc.operation("post", "/api/v1/runs/{run}/cancel", "cancelRun", "Ends a run and takes back what it did.").body::<Cancelled>().answer::<Ordered>(200);
    doc.operation("post", "/api/v1/runs/{run}/retry", "retryStep", "Has a step carried out anew, or a refused call asked for again. For people, not for keys.")
        .body::<Retried>()
        .answer::<Ordered>(200);
    doc.operation("post", "/api/v1/runs/{run}/resolve", "resolveCall", "Says what became of a call nobody knows of.").body::<Resolved>().answer::<Ordered>(200);
    doc.operation("get", "/api/v1/tasks", "listTasks", "Tasks the caller may complete, most urgent deadline first.")
        .query::<TasksAsked>()
        .answer::<TaskPage>(200);
    doc.operation("get", "/api/v1/tasks/{task}", "showTask", "One task: what it shows and what it asks.").answer::<TaskShown>(200);
    doc.operation("post", "/api/v1/tasks/{task}/claim", "claimTask", "Takes a task, or takes it over with a reason. For people, not for keys.")
        .body::<Claimed>()
        .answer::<InHand>(200);
    doc.operation("post", "/api/v1/tasks/{task}/return", "returnTask", "Gives a task back. For people, not for keys.").body::<Returned>().answer::<InHand>(200);
    doc.operation("post", "/api/v1/tasks/{task}/hand-over", "handOverTask", "Hands a task one has to a colleague. For people, not for keys.")
        .body::<Handed>()
        .answer::<InHand>(200);
    doc.operation("post", "/api/v1/tasks/{task}/complete", "completeTask", "Answers a task. For people, not for keys.").body::<Answered>().silent(204);
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457.",
        "required": ["type", "status", "title"],
        "properties": {
            "type": { "type": "string" },
            "status": { "type": "integer" },
            "title": { "type": "string", "description": "In the caller's language." },
            "detail": { "type": "string", "description": "In the caller's language." },
            "errors": {
                "type": "array",
                "description": "What is wrong where in what was sent.",
                "items": { "type": "object", "additionalProperties": false, "required": ["pointer", "detail"],
                    "properties": { "pointer": { "type": "string" }, "detail": { "type": "string" } } },
            },
            "rule": { "type": "string", "description": "Which rule said no." },
            "reader": { "type": "string", "description": "The parser's own words." },
            "attribute": { "type": "string", "description": "Of a CloudEvent." },
            "page": { "type": "string", "description": "Where a person can do it." },
        },
    })
}

struct Writer {
    paths: Map<String, Value>,
    routes: Vec<Route>,
    /// Of what is read, and of what is written: there an absent value is another thing.
    read: SchemaGenerator,
    told: SchemaGenerator,
}

impl Writer {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self { paths: Map::new(), routes: routes(), read: settings().into_generator(), told: settings().for_serialize().into_generator() }
    }

    fn operation(&mut self, method: &'static str, path: &'static str, id: &str, summary: &str) -> Operation<'_> {
        let (security, right) = self.routes.iter().find(|route| route.path == path).map_or((json!([]), ""), |route| (security(route.needs), route.asks));
        let names = path.split('{').skip(1).filter_map(|part| part.split('}').next());
        let parameters: Vec<Value> = names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })).collect();
        let refusal = json!({ "description": "Refused.", "content": { problem::MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } } });
        let mut written = json!({ "operationId": id, "summary": summary, "security": security, "parameters": parameters, "responses": { "default": refusal } });
        if !right.is_empty() {
            written["x-right"] = right.into();
        }
        let entry = self.paths.entry(path).or_insert_with(|| json!({}));
        entry[method] = written;
        let operation = Operation { written: &mut entry[method], read: &mut self.read, told: &mut self.told };
        if method == "post" { operation.header("Idempotency-Key", "The same request again is the same one; 1 to 256 characters.") } else { operation }
    }
}

fn security(needs: Needs) -> Value {
    match needs {
        Needs::Key => json!([{ "key": [] }, { "session": [] }]),
        Needs::Sender => json!([{ "signature": [] }, { "key": [] }]),
        Needs::Nothing | Needs::Code | Needs::State | Needs::Session | Needs::Machine | Needs::Person => json!([]),
    }
}

struct Operation<'w> {
    written: &'w mut Value,
    read: &'w mut SchemaGenerator,
    told: &'w mut SchemaGenerator,
}

impl Operation<'_> {
    fn parameter(self, parameter: Value) -> Self {
        if let Some(list) = self.written["parameters"].as_array_mut() {
            list.push(parameter);
        }
        self
    }

    fn header(self, name: &str, description: &str) -> Self {
        self.parameter(json!({ "name": name, "in": "header", "description": description, "schema": { "type": "string" } }))
    }

    /// One parameter for each member; none of them is needed.
    fn query<T: JsonSchema>(mut self) -> Self {
        let schema = T::json_schema(self.read).to_value();
        for (name, schema) in schema["properties"].as_object().cloned().unwrap_or_default() {
            self = self.parameter(json!({ "name": name, "in": "query", "schema": schema }));
        }
        self
    }

    fn content(self, schema: &Value) -> Self {
        self.written["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        self
    }

    fn body<T: JsonSchema>(self) -> Self {
        let schema = self.read.subschema_for::<T>().to_value();
        self.content(&schema)
    }

    fn any_body(self) -> Self {
        self.content(&json!({}))
    }

    fn answers(self, status: u16, description: &str, content: Value) -> Self {
        let mut answer = json!({ "description": description });
        if !content.is_null() {
            answer["content"] = content;
        }
        self.written["responses"][status.to_string()] = answer;
        self
    }

    fn answer<T: JsonSchema>(self, status: u16) -> Self {
        let schema = self.told.subschema_for::<T>().to_value();
        self.answers(status, "Done.", json!({ "application/json": { "schema": schema } }))
    }

    fn anything(self, status: u16) -> Self {
        self.answers(status, "Done.", json!({ "application/json": { "schema": {} } }))
    }

    fn silent(self, status: u16) -> Self {
        self.answers(status, "Done; there is nothing to say.", Value::Null)
    }

    fn stream(self) -> Self {
        self.answers(200, "Events until the run ends.", json!({ "text/event-stream": { "schema": { "type": "string" } } }))
    }

    fn conditional(self) -> Self {
        self.header("If-None-Match", "The `ETag` of what is known already.").answers(304, "Nothing has changed.", Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        sync::Arc,
    };

    use axum::{
        body::Body,
        http::{Request, header},
    };
    use tower::ServiceExt as _;

    use super::*;
    use crate::{routes::router, site::Site};

    /// Path and methods of everything described.
    fn described() -> BTreeMap<String, BTreeSet<String>> {
        let document = describe();
        let paths = document["paths"].as_object().unwrap();
        paths.iter().map(|(path, operations)| (path.clone(), operations.as_object().unwrap().keys().cloned().collect())).collect()
    }

    /// What is routed is described and what is described is routed: asked of the router itself, method by method.
    #[tokio::test]
    async fn the_document_and_the_router_agree() {
        let router = router(Arc::new(Site::new(BTreeMap::new(), vec!["hier".to_owned()], "http://hier")));
        let interface: Vec<&str> = routes().iter().map(|route| route.path).filter(|path| problem::is_interface(path)).collect();
        let mut routed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for path in interface {
            for method in ["get", "post", "put", "patch", "delete"] {
                let request = Request::builder().method(method.to_uppercase().as_str()).uri(path.replace(['{', '}'], "")).header(header::HOST, "hier");
                let status = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status();
                if status != StatusCode::METHOD_NOT_ALLOWED {
                    routed.entry(path.to_owned()).or_default().insert(method.to_owned());
                }
            }
        }
        assert_eq!(described(), routed);
    }

    fn refs<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|value| refs(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| refs(value, found)),
            _ => {}
        }
    }

    /// What the specification of OpenAPI 3.1 asks of a document like this one.
    #[test]
    fn the_document_is_whole() {
        let document = describe();
        let mut found = Vec::new();
        refs(&document, &mut found);
        for reference in found {
            assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
        }
        let mut ids = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path}");
                let parameters = operation["parameters"].as_array().unwrap();
                let named: BTreeSet<(&str, &str)> = parameters.iter().map(|p| (p["in"].as_str().unwrap(), p["name"].as_str().unwrap())).collect();
                assert_eq!(named.len(), parameters.len(), "{path}: no parameter twice");
                let in_path: BTreeSet<&str> = named.iter().filter(|(place, _)| *place == "path").map(|(_, name)| *name).collect();
                assert_eq!(in_path, path.split('{').skip(1).filter_map(|part| part.split('}').next()).collect(), "{path}");
                assert_eq!(operation.get("requestBody").is_some(), method == "post", "{path}");
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.len() > 1 && responses.values().all(|response| response["description"].is_string()), "{path}");
                for name in operation["security"].as_array().unwrap().iter().flat_map(|one| one.as_object().unwrap().keys()) {
                    assert!(document["components"]["securitySchemes"].get(name).is_some(), "{name}");
                }
            }
        }
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            assert!(schema["description"].is_string() || schema["properties"].is_object(), "{name}");
        }
    }
}
