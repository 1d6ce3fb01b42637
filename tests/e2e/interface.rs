//! The interface for programs: start and wait, follow as it happens, cancel; each under the rights of whoever asks.

mod examples;
mod lists;
mod refusals;
mod tasks;

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::desk::{Server, Tenant, client, post, process, runtime, text};

const STEPS: &str = r#"
start: { groups: [GG-Steueramt], via: [api, form] }
input: { type: object, additionalProperties: false, required: [n], properties: { n: { type: integer } } }
steps:
  doppelt: { set: { n: "{{ input.n * 2 }}" } }
  frage:
    if: "{{ input.n > 10 }}"
    human: { assign: { groups: [GG-Steueramt] }, show: { geheim: "{{ input.n }}" }, form: { type: object, properties: { ja: { type: boolean } } } }
output: { n: "{{ steps.doppelt.n }}" }
"#;

fn house() -> Tenant {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/doppelt.yaml"), process("doppelt", "Verdoppeln", STEPS)).expect("written");
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"process.start:doppelt\"] }");
    tenant
}

/// What came back.
struct Asked {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
    /// Null where it is no JSON.
    body: Value,
}

impl Asked {
    async fn send(request: reqwest::RequestBuilder, headers: &[(&str, String)]) -> Self {
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let (client, request) = request.build_split();
        let request = request.expect("a request");
        let (method, path) = (request.method().to_string().to_lowercase(), request.url().path().to_owned());
        let response = client.execute(request).await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a text");
        let told = Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text };
        told.is_as_described(&method, &path);
        told
    }

    /// Whatever the interface answers is what `/api/openapi.json` says of it.
    fn is_as_described(&self, method: &str, path: &str) {
        static DOCUMENT: LazyLock<Value> = LazyLock::new(laufzettel_server::describe);
        let same = |template: &str| {
            template.split('/').count() == path.split('/').count() && template.split('/').zip(path.split('/')).all(|(t, p)| t.starts_with('{') || t == p)
        };
        let found = DOCUMENT["paths"].as_object().expect("paths").iter().find(|(template, _)| same(template)).and_then(|(_, all)| all.get(method));
        let Some(operation) = found else { return };
        let (name, responses) = (format!("{method} {path} {}: {}", self.status, self.text), &operation["responses"]);
        let described = responses.get(self.status.to_string()).or(responses.get("default").filter(|_| self.status >= 400));
        let described = described.unwrap_or_else(|| panic!("not described: {name}"));
        let media = self.header("content-type");
        let Some(content) = described.get("content") else { return assert_eq!(self.text, "", "{name}") };
        let schema = content.get(media).and_then(|content| content.get("schema")).unwrap_or_else(|| panic!("{media}: {name}"));
        let whole = json!({ "allOf": [schema], "components": DOCUMENT["components"] });
        let validator = jsonschema::validator_for(&whole).expect("a schema");
        if let Err(error) = validator.validate(&self.body) {
            panic!("{error} at {}: {name}", error.instance_path());
        }
    }

    async fn get(url: &str, headers: &[(&str, String)]) -> Self {
        Self::send(client().get(url), headers).await
    }

    async fn post(url: &str, headers: &[(&str, String)], body: &Value) -> Self {
        Self::send(client().post(url).header("content-type", "application/json").body(body.to_string()), headers).await
    }

    async fn form(url: &str, headers: &[(&str, String)], body: &str) -> Self {
        Self::send(client().post(url).header("content-type", "application/x-www-form-urlencoded").body(body.to_owned()), headers).await
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

pub fn key(tenant: &Tenant, args: &[&str]) -> String {
    let made = tenant.laufzettel(&[&["keys", "create", "--json", "--name", "programm"], args].concat());
    let told: Value = serde_json::from_slice(&made.stdout).unwrap_or_else(|_| panic!("{}", text(&made)));
    format!("Bearer {}", told["token"].as_str().expect("a key"))
}

/// The events of a stream until it ends or so many have come: id, kind, data.
async fn follow(url: &str, token: &str, last: Option<&str>, count: usize) -> (u16, Vec<(String, String, Value)>, bool) {
    let mut request = client().get(url).header("authorization", token).header("accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let mut response = request.send().await.expect("the server answers");
    let status = response.status().as_u16();
    let mut text = String::new();
    let (mut events, mut ended) = (Vec::new(), false);
    while status == 200 && events.len() < count {
        match response.chunk().await {
            Ok(Some(chunk)) => text.push_str(&String::from_utf8_lossy(&chunk)),
            _ => {
                ended = true;
                break;
            }
        }
        while let Some((block, rest)) = text.split_once("\n\n") {
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
            if !field("id:").is_empty() {
                events.push((field("id:"), field("event:"), serde_json::from_str(&field("data:")).unwrap_or_default()));
            }
            text = rest.to_owned();
        }
    }
    (status, events, ended)
}

#[test]
fn a_program_starts_waits_follows_and_cancels() {
    let tenant = house();
    let server = Server::start(&tenant, None).expect("up starts");
    let token = key(&tenant, &["--as", "a.klein", "--process", "doppelt"]);
    let (other, stranger) = (key(&tenant, &["--as", "a.klein", "--process", "hundesteuer-*"]), key(&tenant, &["--as", "j.wolf", "--process", "*"]));
    runtime().block_on(async {
        let start = |n: i64, prefer: &'static str, id: &'static str| {
            let headers = [("authorization", token.clone()), ("prefer", prefer.to_owned()), ("idempotency-key", id.to_owned())];
            let url = server.url("/api/v1/processes/doppelt/runs");
            async move { post(&url, &headers, &json!({ "n": n }).to_string()).await.expect("an answer") }
        };
        let (status, done) = start(4, "respond-async, wait=10", "a").await;
        assert_eq!((status, &done["state"], &done["output"]), (200, &json!("completed"), &json!({ "n": 8 })), "{done}");
        // the same request again is the same run
        assert_eq!(start(4, "wait=10", "a").await, (200, done.clone()));
        // other data under the same key, and a key that is none
        let (status, other_data) = start(5, "wait=10", "a").await;
        assert_eq!((status, other_data["status"].clone()), (422, json!(422)), "{other_data}");
        assert_eq!(start(5, "wait=10", "").await.0, 400);
        // one that waits for a person is not there in time
        let (status, waiting) = start(4711, "wait=1", "b").await;
        assert_eq!(status, 202, "{waiting}");
        let run = waiting["run"].as_str().expect("a run").to_owned();
        let events = server.url(&format!("/api/v1/runs/{run}/events"));
        let (status, seen, _) = follow(&events, &token, None, 3).await;
        let kinds: Vec<&str> = seen.iter().map(|(_, kind, _)| kind.as_str()).collect();
        assert_eq!((status, kinds), (200, vec!["run.started", "step.completed", "task.opened"]));
        assert!(
            seen.iter().all(|(_, _, data)| data.get("content").is_none()
                && data["body"].get("mac").is_none()
                && !data["satz"].as_str().unwrap_or_default().is_empty())
        );
        assert!(!format!("{seen:?}").contains("4711"), "what was shown is content, and stays where it is: {seen:?}");
        // who may not see it does not learn that it exists; a key for something else is refused
        assert_eq!((follow(&events, &stranger, None, 1).await.0, follow(&events, &other, None, 1).await.0), (404, 403));
        // followed on from the second, while somebody ends it
        let cancel = server.url(&format!("/api/v1/runs/{run}/cancel"));
        let (rest, cancelled) = tokio::join!(follow(&events, &token, Some("2"), 100), async {
            let headers = |token: &str| [("authorization", token.to_owned())];
            assert_eq!(post(&cancel, &headers(&stranger), &json!({ "reason": "x" }).to_string()).await.expect("an answer").0, 404);
            assert_eq!(post(&cancel, &headers(&token), &json!({}).to_string()).await.expect("an answer").0, 422, "without a reason");
            post(&cancel, &headers(&token), &json!({ "reason": "erledigt" }).to_string()).await.expect("an answer")
        });
        assert_eq!((cancelled.0, &cancelled.1["state"]), (200, &json!("cancelled")), "{cancelled:?}");
        let kinds: Vec<&str> = rest.1.iter().map(|(_, kind, _)| kind.as_str()).collect();
        // told to the end: whoever comes back hears that there is no more
        let last = rest.1.last().map(|(id, ..)| id.clone()).expect("an id");
        assert_eq!(follow(&events, &token, Some(&last), 1).await.0, 204);
        assert_eq!((kinds, rest.2), (vec!["task.opened", "run.ending", "task.withdrawn", "run.ended"], true), "and the stream ends with the run");
        // nothing is in doubt; and what a service may not see does not exist for it
        let resolve = server.url(&format!("/api/v1/runs/{run}/resolve"));
        let service = key(&tenant, &["--as", "i.yilmaz", "--service", "svc-intake", "--process", "*"]);
        let body = json!({ "step": "frage", "did_not_happen": true }).to_string();
        assert_eq!(post(&resolve, &[("authorization", service)], &body).await.expect("an answer").0, 404);
        assert_eq!(post(&resolve, &[("authorization", token.clone())], &body).await.expect("an answer").0, 409);
        assert_eq!(post(&resolve, &[("authorization", token.clone())], &json!({ "step": "frage" }).to_string()).await.expect("an answer").0, 400);
    });
}

/// Somebody who follows does not keep the server from stopping.
#[test]
fn the_server_stops_though_somebody_follows() {
    let tenant = house();
    let mut server = Server::start(&tenant, None).expect("up starts");
    let token = key(&tenant, &["--as", "a.klein", "--process", "doppelt"]);
    let runtime = runtime();
    let ended = runtime.block_on(async {
        let (_, waiting) =
            post(&server.url("/api/v1/processes/doppelt/runs"), &[("authorization", token.clone())], &json!({ "n": 40 }).to_string()).await.expect("an answer");
        let events = server.url(&format!("/api/v1/runs/{}/events", waiting["run"].as_str().expect("a run")));
        let following = tokio::spawn(async move { follow(&events, &token, None, 100).await });
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        server.terminate();
        following.await.expect("it ends").2
    });
    assert!(ended);
    crate::desk::until("the server stops", || server.has_ended().then_some(()));
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0), "in order");
}

const FILES: &str = r#"
start: { groups: [GG-Steueramt], via: [api, form] }
input: { type: object, additionalProperties: false, required: [nachweis], properties: { nachweis: { type: object, format: file, x-media-types: [text/plain] } } }
steps:
  frage:
    human: { assign: { groups: [GG-Steueramt] }, show: { n: "{{ input.nachweis }}" }, form: { type: object, properties: { ja: { type: boolean }, beleg: { type: object, format: file } } } }
output: { ja: "{{ steps.frage.by.name }}" }
"#;

/// Whoever knows no more of a file than its hash has nothing: bytes come with it, and are what they are.
#[test]
fn a_program_brings_the_files_it_speaks_of() {
    let tenant = house();
    std::fs::write(tenant.path("workflows/akten.yaml"), process("akten", "Akten", FILES)).expect("written");
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"process.start:akten\"] }");
    let server = Server::start(&tenant, None).expect("up starts");
    let token = key(&tenant, &["--as", "a.klein", "--process", "akten"]);
    runtime().block_on(async {
        let headers = [("authorization", token.clone()), ("idempotency-key", "a".to_owned())];
        let url = server.url("/api/v1/processes/akten/runs");
        let embedded = json!({ "name": "brief.pdf", "media_type": "application/pdf", "resource": { "blob": STANDARD.encode("nur ein Text") } });
        let first = Asked::post(&url, &headers, &json!({ "nachweis": embedded })).await;
        let again = Asked::post(&url, &headers, &json!({ "nachweis": embedded })).await;
        assert_eq!((first.status, again.status, &first.body["run"]), (202, 202, &again.body["run"]), "{} {}", first.text, again.text);
        let run = Asked::get(&server.url(&format!("/api/v1/tasks/{}.1", first.body["run"].as_str().expect("a run"))), &headers[..1]).await;
        let kept = run.body["show"]["n"].clone();
        assert_eq!((&kept["name"], &kept["media_type"], &kept["size"]), (&json!("brief.pdf"), &json!("text/plain"), &json!(12)), "{}", run.text);
        let headers = [("authorization", token.clone())];
        let described = Asked::post(&url, &headers, &json!({ "nachweis": kept })).await;
        assert_eq!((described.status, &described.body["errors"][0]["pointer"]), (422, &json!("/nachweis")), "{}", described.text);
        let wrong = json!({ "nachweis": { "name": "x.txt", "resource": { "blob": STANDARD.encode(b"%PDF-1.4 ") } } });
        let refused = Asked::post(&url, &headers, &wrong).await;
        assert_eq!((refused.status, &refused.body["errors"][0]["pointer"]), (422, &json!("/nachweis")), "of another kind: {}", refused.text);
    });
}
