//! Tool servers over HTTP: each misbehaves the first time it is asked for something, and is well after that.

mod answers;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use laufzettel_doors::{
    Class, Failure, Reply,
    delegation::Minter,
    tools::{Reach, ServerOptions, ToolServer},
};
use laufzettel_policy::Identity;
use serde_json::{Value, json};

use crate::{
    calls::{self, SERVER},
    http_fake::{Act, JSON, Request, answer, serve},
    outcome::{HASTY_MS, PATIENT_MS, differ, failure, play, shortened},
};

const CALL: &str = "tools/call";

struct Case {
    name: &'static str,
    /// The method it misbehaves at.
    at: &'static str,
    does: Act,
    gives: Result<Reply, Failure>,
    timeout_ms: u64,
    /// Whether it keeps sessions.
    session: bool,
    /// Bytes after which the server is cut off at the latest, with what waits in the sockets.
    sent_max: u64,
}

fn case(name: &'static str, does: Act, gives: Result<Reply, Failure>) -> Case {
    Case { name, at: CALL, does, gives, timeout_ms: PATIENT_MS, session: false, sent_max: u64::MAX }
}

/// It ends by running out of time.
fn hasty(name: &'static str, does: Act, gives: Result<Reply, Failure>) -> Case {
    Case { timeout_ms: HASTY_MS, ..case(name, does, gives) }
}

fn good() -> Result<Reply, Failure> {
    Ok(Reply { value: json!({ "da": true }), bytes: 11, tokens: None, model: None })
}

fn unreachable(why: &str) -> Result<Reply, Failure> {
    failure(Class::Unavailable, Some(false), false, &format!("Der Werkzeugserver „fremd“ ist nicht erreichbar: {why}"))
}

/// What a good server says to this.
fn fine(request: &Request, body: &Value, session: bool) -> Act {
    let session = if session { "Mcp-Session-Id: s1\r\n" } else { "" };
    let says = |result: Value| {
        let body = json!({ "jsonrpc": "2.0", "id": body["id"], "result": result }).to_string();
        Act::Says(answer("200 OK", &format!("{JSON}{session}"), body))
    };
    match body["method"].as_str().unwrap_or_default() {
        "initialize" => says(json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "x", "version": "1" } })),
        "tools/list" => says(calls::list()),
        CALL => says(json!({ "content": [], "structuredContent": { "da": true } })),
        "server/discover" => {
            let error = json!({ "jsonrpc": "2.0", "id": body["id"], "error": { "code": -32601, "message": "unbekannt" } });
            Act::Says(answer("200 OK", JSON, error.to_string()))
        }
        _ if request.head.starts_with("get ") => Act::Says(answer("405 Kein Strom", "", "")),
        _ => Act::Says(answer("202 Gut", "", "")),
    }
}

/// `§` stands for the id of what was asked. Lengths are not announced where it occurs.
fn addressed(act: Act, id: &Value) -> Act {
    let filled = |bytes: Vec<u8>| match String::from_utf8(bytes) {
        Ok(text) => text.replace('§', &id.to_string()).into_bytes(),
        Err(other) => other.into_bytes(),
    };
    match act {
        Act::Says(bytes) => Act::Says(filled(bytes)),
        Act::Hangs(bytes) => Act::Hangs(filled(bytes)),
        Act::Late(ms, bytes) => Act::Late(ms, filled(bytes)),
        other => other,
    }
}

async fn tried(case: Case, reach: impl Fn(String) -> Reach) -> Vec<String> {
    let (calls_made, spoilt) = (Arc::new(AtomicU64::new(0)), AtomicBool::new(false));
    let counted = calls_made.clone();
    let (address, sent) = serve(move |request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        counted.fetch_add(u64::from(body["method"] == CALL), Ordering::Relaxed);
        let now = body["method"] == case.at && !spoilt.swap(body["method"] == case.at, Ordering::Relaxed);
        if now { addressed(case.does.clone(), &body["id"]) } else { fine(request, &body, case.session) }
    })
    .await;
    let reach = reach(format!("http://{address}/mcp"));
    let options = ServerOptions { name: SERVER.into(), identity: Identity::None, reach, pins: Some(calls::pins()) };
    let door = ToolServer::new(options, "t", Arc::new(Minter::new(&[7; 32])));
    let ask = async |timeout_ms| door.call(&calls::tool(timeout_ms), &calls::Fixed, 60, [0; 16]).await;
    if case.at == CALL {
        // the time of a hasty call is for the call
        door.definitions().await.ok();
    }
    let found = shortened(ask(case.timeout_ms).await, &case.gives);
    let (poured, asked) = (sent.load(Ordering::Relaxed), calls_made.load(Ordering::Relaxed));
    let after = ask(PATIENT_MS).await;
    [
        differ(case.name, "the outcome", &found, &case.gives),
        differ(case.name, "calls made", &asked, &u64::from(case.at == CALL)),
        differ(case.name, "the next call", &after, &good()),
        (poured > case.sent_max).then(|| format!("{}: {poured} bytes were taken", case.name)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_server_behind_an_address_that_misbehaves() {
    // one client for all: each reads the system's authorities
    let Ok(Reach::Http { client, .. }) = Reach::http("http://127.0.0.1/mcp", None) else { panic!("a client") };
    let reach = move |url| Reach::Http { url, client: client.clone() };
    play(answers::cases().await.into_iter().map(|case| (case.name, tried(case, reach.clone())))).await;
}
