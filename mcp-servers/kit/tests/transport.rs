//! Both protocol revisions and both transports, with a tool that says who called.
#![expect(clippy::unwrap_used, reason = "helpers of tests; a failure is a failed test")]

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use laufzettel_mcp_kit::{
    Call, Failure, Listening, Served, Tools, Trust,
    describe::{Effect, tool},
};
use laufzettel_mcp_testing::{Caller, Person, TENANT, claims, jwks, meta, now, sign};
use rmcp::model::{ProtocolVersion, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

struct Who;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Frage {
    frage: String,
}

#[derive(Serialize, JsonSchema)]
struct Antwort {
    wer: String,
}

impl Tools for Who {
    const NAME: &'static str = "who";

    fn list(&self) -> Vec<Tool> {
        vec![tool::<Frage, Antwort>("wer", "Wer", "Sagt, wer ruft", Effect::Read)]
    }

    async fn call(&self, mut call: Call) -> Result<Value, Failure> {
        let Frage { frage } = call.take()?;
        let wer = if frage == "nein" {
            return Err(Failure::denied("Nein."));
        } else {
            call.delegation.subject
        };
        Ok(json!(Antwort { wer }))
    }
}

const WEBER: Person = Person { subject: "S-1-5-21-1", groups: &[], zweck: None };

fn served() -> Served<Who> {
    Served::with_clock(Who, Trust::new(&jwks(), "who", TENANT).unwrap(), now)
}

#[tokio::test]
async fn both_revisions_call_and_are_refused_alike() {
    for version in [ProtocolVersion::V_2026_07_28, ProtocolVersion::V_2025_11_25] {
        let caller = Caller::connect(served(), "who", version).await;
        let tools = caller.tools().await;
        assert_eq!(tools[0].input_schema["additionalProperties"], json!(false));
        assert_eq!(tools[0].output_schema.as_ref().unwrap()["required"], json!(["wer"]));
        assert_eq!(caller.call(&WEBER, "wer", &json!({ "frage": "" })).await, Ok(json!({ "wer": "S-1-5-21-1" })));
        let denied = json!({ "fehler": "Nein.", "art": "denied", "geschehen": false });
        assert_eq!(caller.call(&WEBER, "wer", &json!({ "frage": "nein" })).await, Err(denied));
        let art = |answer: Result<Value, Value>| answer.unwrap_err()["art"].clone();
        assert_eq!(art(caller.call(&WEBER, "wer", &json!({ "frage": "", "mehr": 1 })).await), "invalid");
        assert_eq!(art(caller.call(&WEBER, "gibtesnicht", &json!({})).await), "not_found");
        assert_eq!(art(caller.call_with_meta("wer", serde_json::Map::new(), serde_json::Map::new()).await), "delegation");
    }
}

fn post(host: &str, version: &str, body: &Value) -> axum::http::request::Builder {
    let mut request = Request::post("/mcp")
        .header("host", host)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", version);
    // The current revision repeats method and name in headers (SEP-2243).
    for (header, value) in [("mcp-method", &body["method"]), ("mcp-name", &body["params"]["name"])] {
        if let Some(value) = value.as_str() {
            request = request.header(header, value);
        }
    }
    request
}

async fn answer(request: axum::http::request::Builder, body: &Value) -> (StatusCode, Value) {
    let router = Listening::default().router(served(), CancellationToken::new());
    let response = router.oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

fn call(version: &str) -> Value {
    let arguments = json!({ "frage": "" }).as_object().cloned().unwrap();
    let token = sign(&claims("who", "wer", &arguments, "k", "j"));
    let mut meta = meta(&token, "k");
    if version == "2026-07-28" {
        meta.insert("io.modelcontextprotocol/protocolVersion".into(), json!(version));
        meta.insert("io.modelcontextprotocol/clientCapabilities".into(), json!({}));
    }
    let params = json!({ "name": "wer", "arguments": arguments, "_meta": meta });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
}

#[tokio::test]
async fn http_takes_both_revisions_without_a_session() {
    for version in ["2026-07-28", "2025-11-25"] {
        let body = call(version);
        let (status, answer) = answer(post("127.0.0.1", version, &body), &body).await;
        assert_eq!(status, StatusCode::OK, "{version}: {answer}");
        assert_eq!(answer["result"]["structuredContent"], json!({ "wer": "S-1-5-21-1" }), "{version}");
    }
}

#[tokio::test]
async fn http_refuses_foreign_hosts_and_every_origin() {
    let body = call("2025-11-25");
    let version = "2025-11-25";
    let (status, _) = answer(post("evil.example", version, &body), &body).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = answer(post("127.0.0.1", version, &body).header("origin", "http://127.0.0.1"), &body).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}
