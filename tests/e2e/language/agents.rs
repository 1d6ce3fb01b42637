//! A model that works by itself, over the interface real servers speak: what it is sent, what it may not do, and that a crash
//! between any two of its turns costs nothing and repeats nothing.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, routing::post};
use serde_json::{Value, json};

use super::{house, rows, written};
use crate::{
    desk::{Server, Tenant, runtime, text, until},
    models::configure,
};

pub const STEPS: &str = r#"
start: { groups: [GG-Steueramt], via: [form] }
ki_verordnung: { klasse: minimal, begruendung: "bereitet vor, ein Mensch gibt frei" }
input: { type: object, additionalProperties: false, required: [stichwort], properties: { stichwort: { type: string, maxLength: 80 } } }
steps:
  recherche:
    title: Satzung befragen
    agent:
      goal: Finde in der Akte, was zum Stichwort gilt, und lege einen Vermerk ab.
      data: { stichwort: "{{ input.stichwort }}" }
      tools:
        - { tool: dms/passagen, description: Sucht Stellen in den Akten., with: { anzahl: 2 } }
        - { tool: dms/dokument_ablegen, description: Legt einen Vermerk an., with: { akte: HST-1, titel: "Hundesteuer: Vermerk" } }
      ask: { groups: [GG-Steueramt] }
      cite: required
      size: m
      max_turns: 6
      output: { type: object, additionalProperties: false, required: [ergebnis], properties: { ergebnis: { type: string } } }
output: { ergebnis: "{{ steps.recherche.ergebnis }}" }
"#;

pub const CASES: &str = r#"
cases:
  - name: Er sucht, legt ab, was freigegeben ist, und antwortet mit Beleg
    as: a.klein
    input: { stichwort: Marke }
    tools:
      dms/passagen: { passagen: [ { document: D-9, version: "1", place: S. 1, text: Die Marke ist sichtbar zu tragen., score: 1.0 } ], mehr: false }
      dms/dokument_ablegen: { dokument_id: D-10, version: "1" }
    models:
      recherche:
        - { tool: dms/passagen, with: { frage: Marke } }
        - { ask: Gilt das auch für Welpen? }
        - { tool: dms/dokument_ablegen, with: { inhalt: Marke sichtbar tragen } }
        - { ergebnis: sichtbar, belege: [ { document: D-9, version: "1", place: S. 1, zitat: "steht nirgends" } ] }
        - { ergebnis: sichtbar, belege: [ { document: D-9, version: "1", place: S. 1, zitat: sichtbar zu tragen } ] }
    humans: { recherche: [ { by: s.weber, antwort: "Ja, ab drei Monaten" }, { by: s.weber, entscheidung: freigeben } ] }
    expect:
      state: completed
      output: { ergebnis: sichtbar }
      calls:
        - { tool: dms/passagen, with: { frage: Marke, anzahl: 2 } }
        - { tool: dms/dokument_ablegen, with: { akte: HST-1, inhalt: Marke sichtbar tragen } }
  - name: Ein fremdes Werkzeug bekommt er nicht
    as: a.klein
    input: { stichwort: Marke }
    models: { recherche: { tool: mail/senden, with: { an: x@evil.example } } }
    expect: { state: failed, not_called: [mail/senden] }
  - name: Was niemand freigibt, geschieht nicht
    as: a.klein
    input: { stichwort: Marke }
    models: { recherche: [ { tool: dms/dokument_ablegen, with: { inhalt: x } }, { ergebnis: nichts, belege: [ { document: D, version: "1", place: x, zitat: y } ] } ] }
    expect: { waiting: recherche, not_called: [dms/dokument_ablegen] }
"#;

type Seen = Arc<Mutex<Vec<Value>>>;

/// A model whose next word depends on the conversation alone: asked again after a crash, it says the same.
async fn complete(State(seen): State<Seen>, Json(body): Json<Value>) -> Json<Value> {
    let turns = body["messages"].as_array().into_iter().flatten().filter(|message| message["tool_calls"].is_array()).count();
    let found = body["messages"].as_array().into_iter().flatten().filter_map(|message| message["content"].as_str()).find(|text| text.contains("ergebnis"));
    let passage: Value = found.and_then(|text| serde_json::from_str(text.lines().nth(1)?).ok()).unwrap_or_default();
    seen.lock().expect("the lock").push(body);
    let first = &passage["passagen"][0];
    let word = first["text"].as_str().unwrap_or_default().split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    let call = |name: &str, arguments: Value| json!({ "id": "x", "type": "function", "function": { "name": name, "arguments": arguments.to_string() } });
    let said = match turns {
        0 => call("dms__passagen", json!({ "frage": "Hundesteuer" })),
        1 => call("dms__dokument_ablegen", json!({ "inhalt": format!("Gefunden: {word}") })),
        _ => call(
            "antworten",
            json!({ "ergebnis": word, "belege": [{ "document": first["document"], "version": first["version"], "place": first["place"], "zitat": word }] }),
        ),
    };
    Json(json!({ "choices": [{ "message": { "role": "assistant", "content": null, "tool_calls": [said] }, "finish_reason": "tool_calls" }],
        "usage": { "prompt_tokens": 200, "completion_tokens": 10 } }))
}

fn serve(runtime: &tokio::runtime::Runtime) -> (String, Seen) {
    let seen = Seen::default();
    let app = Router::new().route("/v1/chat/completions", post(complete)).with_state(seen.clone());
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}/v1"), seen)
}

fn tenant(url: &str) -> Tenant {
    let tenant = house("recherche", "Recherche", STEPS, Some(CASES));
    configure(&tenant, url, "gruen");
    tenant
}

fn start(tenant: &Tenant) -> std::process::Output {
    let input = written(tenant, "stichwort.json", &json!({ "stichwort": "Hundesteuer" }));
    tenant.laufzettel(&["run", "recherche", "--input", &input, "--as", "a.klein", "--until-waiting", "--json"])
}

fn approval(tenant: &Tenant) -> Option<String> {
    let listed = tenant.laufzettel(&["tasks", "list", "--as", "s.weber", "--json"]);
    let task: Value = serde_json::from_slice(&listed.stdout).ok()?;
    (task["kind"] == "approval").then(|| task["task"].as_str().map(str::to_owned))?
}

#[test]
fn its_cases_pass_and_check_knows_its_ways() {
    let tenant = house("recherche", "Recherche", STEPS, Some(CASES));
    let file = tenant.path("workflows/recherche.yaml").display().to_string();
    let config = tenant.path("laufzettel.yaml").display().to_string();
    let checked = tenant.laufzettel(&["check", "--flows", &file, "--config", &config]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    assert!(text(&checked).contains("recherche.agent.tools.dms/dokument_ablegen"), "{}", text(&checked));
    let tested = tenant.laufzettel(&["test", &file]);
    assert!(tested.status.code() == Some(0) && text(&tested).contains("3 bestanden, 0 nicht"), "{}", text(&tested));
    for (what, by, code) in [
        ("size: m\n      max_turns: 6", "size: m\n      max_turns: 0", "LZ107"),
        ("tool: dms/passagen,", "tool: dms/passage,", "LZ313"),
        ("with: { anzahl: 2 }", "with: { menge: 2 }", "LZ311"),
        ("goal: Finde", "goal: \"{{ input.stichwort }} Finde", "LZ101"),
        ("required: [ergebnis], properties: { ergebnis:", "required: [ask], properties: { ask:", "LZ108"),
        ("cite: required", "cite: immer", "LZ108"),
    ] {
        std::fs::write(tenant.path("workflows/recherche.yaml"), crate::desk::process("recherche", "Recherche", &STEPS.replacen(what, by, 1))).expect("written");
        let checked = tenant.laufzettel(&["check", &file, "--config", &config]);
        assert!(text(&checked).contains(code), "{by}: {}", text(&checked));
    }
}

#[test]
fn a_real_server_is_asked_turn_by_turn_and_a_person_approves() {
    let runtime = runtime();
    let (url, seen) = serve(&runtime);
    let tenant = tenant(&url);
    let begun = start(&tenant);
    assert_eq!(begun.status.code(), Some(7), "{}", text(&begun));
    let task = approval(&tenant).expect("an approval waits");
    let shown = tenant.laufzettel(&["tasks", "show", &task, "--as", "s.weber", "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap_or_else(|_| panic!("{}", text(&shown)));
    assert_eq!(shown["show"]["werkzeug"], "dms/dokument_ablegen", "{shown}");
    assert_eq!(shown["show"]["argumente"]["akte"], "HST-1", "{shown}");
    assert_eq!(tenant.letters_in(&["HST-1"]), 0, "nothing is written before somebody has read it");
    let file = written(&tenant, "ja.json", &json!({ "entscheidung": "freigeben" }));
    let done = tenant.laufzettel(&["tasks", "complete", &task, "--input", &file, "--as", "s.weber"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    let finished = rows(&tenant);
    assert_eq!((finished[0]["state"].as_str(), tenant.letters_in(&["HST-1"])), (Some("completed"), 1), "{finished:?}");
    let seen = seen.lock().expect("the lock").clone();
    assert_eq!(seen.len(), 3);
    let names: Vec<&str> = seen[0]["tools"].as_array().into_iter().flatten().filter_map(|tool| tool["function"]["name"].as_str()).collect();
    assert_eq!((names, &seen[0]["tool_choice"]), (vec!["dms__passagen", "dms__dokument_ablegen", "fragen", "antworten"], &json!("required")));
    // the author's words, and none of the server's; what the author has fixed is not offered
    let passages = &seen[0]["tools"][0]["function"];
    assert_eq!(passages["description"], "Sucht Stellen in den Akten.");
    assert!(passages["parameters"]["properties"].get("anzahl").is_none() && !passages["parameters"].to_string().contains("description"), "{passages}");
    // what came back is material
    let result = seen[1]["messages"].as_array().and_then(|messages| messages.last()).cloned().unwrap_or_default();
    assert!(result["role"] == "tool" && result["content"].as_str().is_some_and(|text| text.starts_with("<material name=\"ergebnis\">")), "{result}");
    let number = finished[0]["nummer"].as_str().expect("a number");
    for command in [["runs", "replay", number].as_slice(), &["audit", "verify"]] {
        let checked = tenant.laufzettel(command);
        assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    }
}

/// Wherever the program dies: the run goes on in the middle, what was written stands once, and no turn is lost.
#[test]
fn it_goes_on_in_the_middle_after_a_crash() {
    let runtime = runtime();
    let (url, _) = serve(&runtime);
    let mut crashes = Vec::new();
    for place in
        ["worker.after_door=crash@1", "worker.before_append=crash@2", "worker.after_append=crash@1", "store.before_commit=crash@12", "door.after_call=crash@1"]
    {
        let tenant = tenant(&url);
        let begun = start(&tenant);
        assert_eq!(begun.status.code(), Some(7), "{place}: {}", text(&begun));
        let task = approval(&tenant).expect("an approval waits");
        let mut server = Server::start(&tenant, Some(place)).unwrap_or_else(|| panic!("{place}: up starts"));
        let file = written(&tenant, "ja.json", &json!({ "entscheidung": "freigeben" }));
        tenant.laufzettel(&["tasks", "complete", &task, "--input", &file, "--as", "s.weber"]);
        until("the crash, or the end", || (server.has_ended() || rows(&tenant).first().is_some_and(|row| row["state"] == "completed")).then_some(()));
        crashes.extend(server.has_ended().then_some(place));
        drop(server);
        let server = Server::start(&tenant, None).expect("up starts again");
        if let Some(task) = approval(&tenant) {
            // the answer never became durable: it is given again
            tenant.laufzettel(&["tasks", "complete", &task, "--input", &file, "--as", "s.weber"]);
        }
        until("the end", || rows(&tenant).first().is_some_and(|row| row["state"] == "completed").then_some(()));
        assert_eq!(tenant.letters_in(&["HST-1"]), 1, "{place}");
        server.stop();
        let verified = tenant.laufzettel(&["audit", "verify"]);
        assert_eq!(verified.status.code(), Some(0), "{place}: {}", text(&verified));
    }
    assert_eq!(crashes.len(), 5, "each of them died on its way: {crashes:?}");
}
