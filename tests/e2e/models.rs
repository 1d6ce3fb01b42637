//! The model door against an OpenAI-compatible stand-in: what it was sent, what was made of its answer, and what is never sent.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, routing::post};
use serde_json::{Value, json};

use crate::desk::{Tenant, root, runtime, text};

type Seen = Arc<Mutex<Vec<Value>>>;

async fn complete(State(seen): State<Seen>, Json(body): Json<Value>) -> Json<Value> {
    let mut seen = seen.lock().expect("the lock");
    seen.push(body);
    // the first answer does not fit the schema: it is asked again
    let content = if seen.len() == 1 { "Das ist ein Assistenzhund." } else { r#"{"art": "tierheim"}"# };
    Json(json!({ "choices": [{ "message": { "role": "assistant", "content": content, "reasoning": "hm" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 200, "completion_tokens": 10 } }))
}

/// A stand-in on loopback for as long as the runtime lives.
fn serve(runtime: &tokio::runtime::Runtime) -> (String, Seen) {
    let seen = Seen::default();
    let app = Router::new().route("/v1/chat/completions", post(complete)).with_state(seen.clone());
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}/v1"), seen)
}

pub fn configure(tenant: &Tenant, url: &str, zone: &str) {
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let model = format!(
        "models: [{{ name: attrappe, url: \"{url}\", model: test-modell, zone: {zone}, size: m, context: 8000, price: {{ input: 1.0, output: 2.0 }} }}]"
    );
    let mut lines: Vec<String> = config.lines().map(|l| if l.starts_with("models:") { model.clone() } else { l.to_owned() }).collect();
    if zone == "rot" {
        lines = lines.into_iter().map(|l| if l.starts_with("profile:") { "profile: hybrid".to_owned() } else { l }).collect();
        let at = lines.iter().position(|l| l.starts_with("zones:")).expect("zones");
        lines.insert(at + 1, "  rot: { betreiber: Weit weg, ort: Dublin, recht: US }".to_owned());
    }
    std::fs::write(tenant.path("laufzettel.yaml"), lines.join("\n")).expect("written");
}

fn job(tenant: &Tenant) -> std::process::Output {
    let input = root().join("workflows/cases/zeiskam-tierheim.json").display().to_string();
    // files in the input are named from the folder of the cases
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(input).expect("the case")).expect("JSON");
    if let Some(file) = value.pointer_mut("/nachweis/file") {
        *file = json!(root().join("workflows").join(file.as_str().unwrap_or_default()).display().to_string());
    }
    let copy = tenant.path("eingabe.json");
    std::fs::write(&copy, value.to_string()).expect("written");
    tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &copy.display().to_string(), "--as", "applicant", "--until-waiting", "--json"])
}

#[test]
fn the_request_is_right_and_the_answer_is_used() {
    let runtime = runtime();
    let (url, seen) = serve(&runtime);
    let tenant = Tenant::new();
    configure(&tenant, &url, "gruen");
    let done = job(&tenant);
    assert_eq!(done.status.code(), Some(7), "{}", text(&done));
    let told: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    let shown = tenant.laufzettel(&["runs", "show", told["run"].as_str().expect("a run"), "--json"]);
    let run: Value = serde_json::from_slice(&shown.stdout).unwrap_or_else(|_| panic!("{}", text(&shown)));
    assert_eq!(run["steps"]["nachweis"]["value"], json!({"art": "tierheim"}));
    let seen = seen.lock().expect("the lock");
    assert_eq!(seen.len(), 2, "asked, and asked again");
    let request = &seen[0];
    assert_eq!(request["model"], json!("test-modell"));
    assert_eq!(request["response_format"]["type"], json!("json_schema"));
    assert_eq!(request["response_format"]["json_schema"]["schema"]["required"], json!(["art"]));
    assert_eq!(request["messages"][0]["role"], json!("system"));
    let (system, user) = (request["messages"][0]["content"].as_str().expect("text"), request["messages"][1]["content"].as_str().expect("text"));
    assert!(system.contains("Welche Art Nachweis") && !system.contains("Tierheim Landau"), "the material is not in the instruction");
    assert!(user.starts_with("<material name=\"nachweis\">"), "{user}");
    assert_eq!(seen[1]["messages"].as_array().map(Vec::len), Some(4), "the wrong answer and what was wrong with it");
}

/// It has read the request all the same: the run waits, and the ledger knows what was handed over.
#[test]
fn an_endpoint_that_cannot_now_was_sent_the_request() {
    let runtime = runtime();
    let busy = async || (axum::http::StatusCode::SERVICE_UNAVAILABLE, "gerade nicht");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    runtime.spawn(async move { axum::serve(listener, Router::new().route("/v1/chat/completions", post(busy))).await });
    let tenant = Tenant::new();
    configure(&tenant, &url, "gruen");
    let waiting = job(&tenant);
    assert_eq!(waiting.status.code(), Some(7), "{}", text(&waiting));
    let ledger = text(&tenant.laufzettel(&["audit", "ledger", "--json"]));
    let lines: Vec<Value> = ledger.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let line = lines.iter().find(|line| line["ziel"] == json!("attrappe")).unwrap_or_else(|| panic!("{ledger}"));
    let calls = line["aufrufe"].as_u64().expect("a number");
    assert!(calls >= 1 && line["byte_hinaus"].as_u64().is_some_and(|sent| sent > 100 * calls), "{line}");
    assert_eq!((&line["misslungen"], &line["token_unbekannt"], &line["zone"]), (&json!(calls), &json!(calls), &json!("gruen")));
}

#[test]
fn a_zone_that_is_not_cleared_gets_nothing() {
    let runtime = runtime();
    let (url, seen) = serve(&runtime);
    let tenant = Tenant::new();
    configure(&tenant, &url, "rot");
    let done = job(&tenant);
    // shown before anything runs: the process does not hold for this configuration, and is not there
    assert_eq!(done.status.code(), Some(3), "{}", text(&done));
    let said = text(&done);
    assert!(said.contains("LZ401") && said.contains("steps.nachweistext.text → steps.nachweis.data.nachweis → Zone rot: nicht freigegeben für"), "{said}");
    assert_eq!(seen.lock().expect("the lock").len(), 0, "nothing was sent");
}
