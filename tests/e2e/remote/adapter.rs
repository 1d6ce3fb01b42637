//! The adapter to a server over HTTP: what is under way stays under way, and what never left is said to have never left.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use laufzettel_domain::{Caller, EffectKey, EffectPath, RunId, Schutzbedarf, Slot, StepId, TenantId, Trust, Via, names::Phase};
use laufzettel_doors::{
    Class, Failure, Reply,
    delegation::Minter,
    pins::Pins,
    tools::{Reach, ServerOptions, ToolServer},
};
use laufzettel_policy::{Clearance, Cleared, Effect, Identity, Rules, ServiceAccount, ToolCall, ToolRule, Who, Yields, clear_tool};
use laufzettel_worker::SystemClock;
use serde_json::{Value, json};

use crate::desk::runtime;

/// What the server says of its tool.
type Told = Arc<Mutex<String>>;

/// MCP over HTTP with one tool, which takes as long as it is told.
async fn serve(State(told): State<Told>, Json(body): Json<Value>) -> axum::response::Response {
    let answer = |result: Value| Json(json!({ "jsonrpc": "2.0", "id": body["id"], "result": result })).into_response();
    match body["method"].as_str().unwrap_or_default() {
        "initialize" => answer(json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "x", "version": "1" } })),
        "tools/list" => {
            let description = told.lock().expect("the lock").clone();
            let pages = if description == "endlos" { json!("weiter") } else { Value::Null };
            let mut list = json!({ "tools": [{ "name": "warten", "description": description, "inputSchema": { "type": "object" } }] });
            if !pages.is_null() {
                list["nextCursor"] = pages;
            }
            answer(list)
        }
        "tools/call" => {
            tokio::time::sleep(Duration::from_millis(body["params"]["arguments"]["ms"].as_u64().unwrap_or_default())).await;
            answer(json!({ "content": [], "structuredContent": { "da": true }, "isError": false }))
        }
        method if method.starts_with("notifications/") => StatusCode::ACCEPTED.into_response(),
        _ => Json(json!({ "jsonrpc": "2.0", "id": body["id"], "error": { "code": -32601, "message": "unbekannt" } })).into_response(),
    }
}

async fn listen(told: &Told) -> (String, tokio::task::JoinHandle<()>) {
    let app = Router::new().route("/mcp", post(serve)).with_state(told.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    (url, serving)
}

fn server(url: &str, pins: Option<Pins>, identity: Identity) -> Arc<ToolServer> {
    let minter = Arc::new(Minter::new(&[7; 32]));
    let options = ServerOptions { name: "x".into(), identity, reach: Reach::http(url, None).expect("a client"), pins };
    Arc::new(ToolServer::new(options, "t", minter))
}

fn call(ms: u64) -> Cleared<ToolCall> {
    let account = ServiceAccount { processes: vec!["*".into()], groups: vec![], allow: vec!["tool.call:x/*".into()] };
    let rules = Rules { services: BTreeMap::from([("svc".to_owned(), account)]), ..Rules::default() };
    let rule = ToolRule {
        identity: Identity::None,
        effect: Effect::Read,
        idempotent: false,
        groups: vec![],
        content: BTreeSet::new(),
        yields: Yields { schutzbedarf: Schutzbedarf::Kein, kategorien: None, trust: Trust::Untrusted },
        clearance: Clearance::Level(Schutzbedarf::Hoch),
        undo: None,
        recipient: None,
        settles: false,
    };
    let run = RunId::parse("00000000-0000-7000-8000-000000000000").expect("an id");
    let path = EffectPath::of(&Slot::of(StepId::parse("a").expect("a name")), Phase::Do);
    let asked = ToolCall {
        key: EffectKey { tenant: TenantId::parse("t").expect("a name"), run, path, round: 0 },
        attempt: 1,
        process: "p".into(),
        zweck: "z".into(),
        server: "x".into(),
        tool: "warten".into(),
        arguments: json!({ "ms": ms }),
        labels: BTreeMap::new(),
        listed: BTreeSet::new(),
        contacts: BTreeSet::new(),
        declared: BTreeSet::new(),
        receipt: false,
        timeout_ms: 10_000,
        who: Who { caller: Caller::service("svc", Via::Intake), groups: vec![] },
    };
    clear_tool(asked, &rule, &[], &rules).expect("allowed")
}

async fn ask(server: &ToolServer, ms: u64) -> Result<Reply, Failure> {
    server.call(&call(ms), &SystemClock, 60, [0; 16]).await
}

#[test]
fn a_new_connection_ends_no_call_under_way_and_what_never_left_is_said() {
    let told = Told::default();
    runtime().block_on(async {
        let (url, serving) = listen(&told).await;
        let pins = server(&url, None, Identity::None).definitions().await.expect("it lists");
        let connected = server(&url, Some(pins.clone()), Identity::None);
        let slow = tokio::spawn({
            let connected = connected.clone();
            async move { ask(&connected, 1_000).await.map(|reply| reply.value) }
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        // the connection gives way to a new one, as when the list has grown old
        connected.stop().await;
        assert_eq!(ask(&connected, 0).await.map(|reply| reply.value), Ok(json!({ "da": true })));
        assert_eq!(slow.await.expect("it ends"), Ok(json!({ "da": true })), "the call under way has its answer");
        // another text about the same tool is another tool
        *told.lock().expect("the lock") = "anders".to_owned();
        connected.stop().await;
        let drifted = ask(&connected, 0).await.expect_err("it drifted");
        assert!(
            drifted.class == Class::Refused && drifted.happened == Some(false) && drifted.message.contains("weicht von der freigegebenen Fassung ab"),
            "{drifted}"
        );
        // a list without end is none
        *told.lock().expect("the lock") = "endlos".to_owned();
        let endless = server(&url, None, Identity::None).definitions().await.expect_err("it never ends");
        assert!(endless.message.contains("mehr als 500 Werkzeuge oder 50 Seiten"), "{endless}");
        // a program whose key nobody can fetch does not even try
        let alone = ask(&server(&url, Some(pins.clone()), Identity::Delegation), 0).await.expect_err("unpublished");
        assert!(alone.class == Class::Unavailable && alone.happened == Some(false) && alone.message.contains("dafür muss der Server laufen"), "{alone}");
        // gone between two calls: nobody was reached, so nothing happened
        *told.lock().expect("the lock") = String::new();
        let connected = server(&url, Some(pins), Identity::None);
        assert!(ask(&connected, 0).await.is_ok());
        serving.abort();
        serving.await.expect_err("gone");
        tokio::time::sleep(Duration::from_millis(200)).await;
        let gone = ask(&connected, 0).await.expect_err("nobody there");
        assert_eq!((gone.class, gone.happened), (Class::Unavailable, Some(false)), "{gone}");
    });
}
