//! What the house keeps on record about itself: waiting, quotas, the ledger, releases, changes of its configuration.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, routing::post};
use serde_json::{Value, json};

use crate::{
    desk::{Server, Tenant, client, demo, post as send, root, runtime, sign, text, until},
    views::{get, sign_in},
};

type Seen = Arc<Mutex<usize>>;

async fn complete(State(seen): State<Seen>, Json(_): Json<Value>) -> Json<Value> {
    *seen.lock().expect("the lock") += 1;
    Json(json!({ "choices": [{ "message": { "role": "assistant", "content": r#"{"art": "tierheim"}"# }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 200, "completion_tokens": 10 } }))
}

/// A model on a port of loopback for as long as the runtime lives.
fn model(runtime: &tokio::runtime::Runtime, port: u16) -> (u16, Seen) {
    let seen = Seen::default();
    let app = Router::new().route("/v1/chat/completions", post(complete)).with_state(seen.clone());
    let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", port))).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    runtime.spawn(async move { axum::serve(listener, app).await });
    (port, seen)
}

fn edit(tenant: &Tenant, change: impl Fn(&str) -> String) {
    let file = tenant.path("laufzettel.yaml");
    let text = std::fs::read_to_string(&file).expect("the configuration");
    let changed = change(&text);
    assert_ne!(text, changed, "the edit found nothing to change");
    std::fs::write(&file, changed).expect("written");
}

/// Every line of JSON a command prints.
/// An application with a document a model must read.
fn application(tenant: &Tenant) -> String {
    let mut value: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("workflows/cases/zeiskam-tierheim.json")).expect("the case")).expect("JSON");
    if let Some(file) = value.pointer_mut("/nachweis/file") {
        *file = json!(root().join("workflows").join(file.as_str().unwrap_or_default()).display().to_string());
    }
    let copy = tenant.path("eingabe.json");
    std::fs::write(&copy, value.to_string()).expect("written");
    copy.display().to_string()
}

fn job(tenant: &Tenant) -> std::process::Output {
    tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &application(tenant), "--as", "applicant", "--until-waiting", "--json"])
}

#[test]
fn a_zone_that_is_down_is_waited_for_and_nothing_goes_elsewhere() {
    let runtime = runtime();
    let (elsewhere, other) = model(&runtime, 0);
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let tenant = Tenant::new();
    edit(&tenant, |config| {
        let of = |name: &str, port: u16, zone: &str| format!("{{ name: {name}, url: \"http://127.0.0.1:{port}/v1\", model: m, zone: {zone}, size: m }}");
        let models = format!("models: [{}, {}]", of("weit", elsewhere, "rot"), of("nah", free, "gruen"));
        let config = config.replace("models: []", &models).replace("profile: offline", "profile: hybrid");
        config.replacen("zones:\n", "zones:\n  rot: { betreiber: Weit weg, ort: Dublin, recht: US }\n", 1)
    });
    let waiting = job(&tenant);
    assert_eq!(waiting.status.code(), Some(7), "{}", text(&waiting));
    assert!(text(&waiting).contains("In der Zone gruen antwortet kein Modell (nah)."), "{}", text(&waiting));
    let told: Value = serde_json::from_slice(&waiting.stdout).expect("JSON");
    let run = told["run"].as_str().expect("a run").to_owned();
    let shown = text(&tenant.laufzettel(&["runs", "show", &run]));
    assert!(shown.contains("wartet, nächster Versuch"), "{shown}");
    let (_, near) = model(&runtime, free);
    let server = Server::start(&tenant, None).expect("up starts");
    until("the run goes on once its zone is there", || {
        let shown = tenant.lines(&["runs", "show", &run, "--json"]);
        (shown[0]["steps"]["nachweis"]["value"] == json!({"art": "tierheim"})).then_some(())
    });
    server.stop();
    assert_eq!((*near.lock().expect("the lock"), *other.lock().expect("the lock")), (1, 0));
    assert!(!tenant.bodies("effect.deferred").is_empty());
    assert!(tenant.bodies("effect.failed").is_empty(), "no attempt was used up");
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn the_ledger_has_exact_figures_and_says_what_left_the_house() {
    let runtime = runtime();
    let (port, _) = model(&runtime, 0);
    let tenant = Tenant::new();
    edit(&tenant, |config| {
        config.replace(
            "models: []",
            &format!("models: [{{ name: nah, url: \"http://127.0.0.1:{port}/v1\", model: m, zone: gruen, size: m, price: {{ input: 1.0, output: 2.0 }} }}]"),
        )
    });
    assert_eq!(job(&tenant).status.code(), Some(7));
    let told = tenant.lines(&["audit", "ledger", "--json"]);
    let models: Vec<&Value> = told.iter().filter(|line| line["art"] == "modell").collect();
    assert_eq!(models.len(), 1, "{told:?}");
    let figures = ["prozess", "ziel", "zone", "aufrufe", "token_anfrage", "token_antwort", "token_unbekannt", "kosten_eur"].map(|name| models[0][name].clone());
    assert_eq!(figures, [json!("hundesteuer-anmeldung"), json!("nah"), json!("gruen"), json!(1), json!(200), json!(10), json!(0), json!("0.000220")]);
    assert_eq!(told.last().expect("a summary")["summary"]["outside_calls"], json!(0));
    let csv = tenant.laufzettel(&["audit", "ledger", "--format", "csv", "--by", "month"]);
    assert_eq!(csv.status.code(), Some(0), "{}", text(&csv));
    assert!(String::from_utf8_lossy(&csv.stdout).starts_with("zeitraum;prozess;art;"), "{}", text(&csv));
    assert!(text(&csv).contains("Modellaufrufe außerhalb des Hauses: 0"), "{}", text(&csv));
    let never = tenant.lines(&["audit", "ledger", "--json", "--to", "2020-01-01"]);
    assert_eq!(never.len(), 1, "nothing but the summary: {never:?}");
    let cells = model_row(&tenant, "nah");
    assert_eq!(cells, ["gruen", "0 von 8", "0", "1", "210", "0,0003 €"], "the page says the same");
}

/// The cells of a model's row on the page of those who look after the house.
fn model_row(tenant: &Tenant, model: &str) -> Vec<String> {
    let server = Server::start(tenant, None).expect("up starts");
    let page = runtime().block_on(async {
        let operator = sign_in(&server, "i.yilmaz").await.expect("signed in");
        get(&server, &operator, "/betrieb").await.1
    });
    server.stop();
    let row = page.split("<tr>").find(|row| row.contains(&format!("<th scope=\"row\">{model}"))).unwrap_or_else(|| panic!("{page}"));
    let cells = row.split("<td").skip(1).filter_map(|cell| Some(cell.split_once('>')?.1.split_once("</td>")?.0.trim().to_owned()));
    cells.collect()
}

#[test]
fn a_model_that_has_too_much_to_do_is_busy_and_not_silent() {
    let runtime = runtime();
    let full = async || (axum::http::StatusCode::TOO_MANY_REQUESTS, "später");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    runtime.spawn(async move { axum::serve(listener, Router::new().route("/v1/chat/completions", post(full))).await });
    let tenant = Tenant::new();
    edit(&tenant, |config| {
        config
            .replace("models: []", &format!("models: [{{ name: voll, url: \"http://127.0.0.1:{port}/v1\", model: m, zone: gruen, size: m, concurrency: 3 }}]"))
    });
    let waiting = job(&tenant);
    assert_eq!(waiting.status.code(), Some(7), "{}", text(&waiting));
    assert!(text(&waiting).contains("In der Zone gruen ist jedes Modell ausgelastet (voll)."), "{}", text(&waiting));
    let server = Server::start(&tenant, None).expect("up starts");
    let page = runtime.block_on(async {
        let operator = sign_in(&server, "i.yilmaz").await.expect("signed in");
        // the run asks again in the server, which has heard nothing of the model so far
        loop {
            let page = get(&server, &operator, "/betrieb").await.1;
            if page.contains("marke--waiting\">ausgelastet<") {
                break page;
            }
            tokio::task::yield_now().await;
        }
    });
    server.stop();
    assert!(!page.contains("nicht erreichbar") && page.contains("nicht bekannt"), "what it cost nobody knows: {page}");
}

#[test]
fn a_quota_holds_on_every_way_in_and_over_a_restart() {
    let tenant = Tenant::new();
    edit(&tenant, |config| config.replace("runs_per_hour: 2000,", "runs_per_hour: 1,"));
    let body = std::fs::read_to_string(demo("antrag.json")).expect("the demo");
    for (round, expected) in [(1, [202, 429]), (2, [429, 429])] {
        let server = Server::start(&tenant, None).expect("up starts");
        let url = server.url("/hooks/vg-bellheim/hundesteuer");
        runtime().block_on(async {
            for (n, status) in expected.iter().enumerate() {
                let answer = send(&url, &sign(&tenant.secret(), &format!("m-{round}-{n}"), &body), &body).await.expect("an answer");
                assert_eq!(answer.0, *status, "{}", answer.1);
            }
            // what came before is answered as before
            let again = send(&url, &sign(&tenant.secret(), "m-1-0", &body), &body).await.expect("an answer");
            assert_eq!(again.0, 202, "{}", again.1);
            let mut request = client().post(&url).body(body.clone());
            for (name, value) in sign(&tenant.secret(), "m-x", &body) {
                request = request.header(name, value);
            }
            let response = request.send().await.expect("an answer");
            let seconds: u64 = response.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
            assert!((1..=3_600).contains(&seconds));
        });
        server.stop();
    }
    let refused = tenant.main_job();
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("Das Kontingent von 1 Vorgänge je Stunde ist ausgeschöpft"), "{}", text(&refused));
    // one record a start of the program, however often it was asked
    assert_eq!(tenant.bodies("quota.exceeded").len(), 3);
    assert_eq!(tenant.lines(&["runs", "list", "--json"]).len(), 1);
}

#[test]
fn tokens_of_a_day_are_waited_for() {
    let runtime = runtime();
    let (port, seen) = model(&runtime, 0);
    let tenant = Tenant::new();
    edit(&tenant, |config| {
        let config = config.replace("models: []", &format!("models: [{{ name: nah, url: \"http://127.0.0.1:{port}/v1\", model: m, zone: gruen, size: m }}]"));
        config.replace("tokens_per_day: 20000000", "tokens_per_day: 210")
    });
    assert_eq!(job(&tenant).status.code(), Some(7));
    let second = job(&tenant);
    assert_eq!(second.status.code(), Some(7), "{}", text(&second));
    assert!(text(&second).contains("Das Kontingent von 210 Token je Tag ist ausgeschöpft"), "{}", text(&second));
    assert_eq!(*seen.lock().expect("the lock"), 1);
}

#[test]
fn a_zone_that_is_too_low_is_refused_at_the_start() {
    let runtime = runtime();
    let (port, seen) = model(&runtime, 0);
    let tenant = Tenant::new();
    edit(&tenant, |config| {
        let url = format!("\"http://127.0.0.1:{port}/v1\", model: m");
        let model = format!(
            "models: [{{ name: weit, url: {url}, zone: rot, size: l }}, {{ name: haus, url: {url}, zone: gruen, size: l }}, {{ name: klein, url: {url}, zone: gelb, size: s }}]"
        );
        let config = config.replace("models: []", &model).replace("profile: offline", "profile: hybrid");
        let config = config.replacen(
            "zones:\n",
            "zones:\n  gelb: { betreiber: Nah, ort: Mainz, recht: DE }\n  rot: { betreiber: Weit weg, ort: Dublin, recht: US }\n",
            1,
        );
        config.replace("\"zone.use:gruen\"", "\"zone.use:*\"")
    });
    // wider than shipped: said where the process is checked
    let wide = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    std::fs::write(tenant.path("weit.yaml"), wide.replacen("rot: { betreiber", "rot: { max_schutzbedarf: hoch, betreiber", 1)).expect("written");
    let checked = tenant.laufzettel(&["check", "laufzettel-data/workflows", "--config", "laufzettel-data/weit.yaml"]);
    assert!(text(&checked).contains("LZ125 bei „zones.rot“"), "{}", text(&checked));
    // the one model of the zone gelb is too small for this process
    let process = std::fs::read_to_string(tenant.path("workflows/hundesteuer.yaml")).expect("the process");
    std::fs::write(tenant.path("workflows/hundesteuer.yaml"), process.replacen("size: s", "size: m", 1)).expect("written");
    let start = |zone: &str| tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &application(&tenant), "--as", "a.klein", "--zone", zone]);
    for (zone, reason) in [
        ("rot", "Die Eingabe ("),
        ("gelb", "In der Zone gelb ist kein Modell eingerichtet, das für diesen Prozess groß genug ist"),
        ("blau", "Die Zone „blau“ gibt es hier nicht"),
    ] {
        let refused = start(zone);
        assert_eq!(refused.status.code(), Some(4), "{}", text(&refused));
        assert!(text(&refused).contains(reason), "{}", text(&refused));
    }
    assert_eq!(tenant.bodies("start.denied").len(), 3);
    assert_eq!(*seen.lock().expect("the lock"), 0);
}

/// In operation only what is released starts; a changed table asks for a new version.
#[test]
fn only_what_is_released_starts() {
    let tenant = Tenant::new();
    edit(&tenant, |config| config.replace("    login: { demo: {} }\n", ""));
    let config = tenant.path("laufzettel.yaml").display().to_string();
    let run =
        || tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--config", &config, "--input", &demo("antrag.json"), "--as", "applicant", "--until-waiting"]);
    let refused = run();
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused));
    assert!(text(&refused).contains("ist so nicht freigegeben (laufzettel release hundesteuer-anmeldung)"), "{}", text(&refused));
    let release = |by: &str| tenant.laufzettel(&["release", "hundesteuer-anmeldung", "--config", &config, "--by", by]);
    let denied = release("a.klein");
    assert_eq!(denied.status.code(), Some(4), "{}", text(&denied));
    let released = release("b.lang");
    assert_eq!(released.status.code(), Some(0), "{}", text(&released));
    let list = tenant.laufzettel(&["tenants", "list", "--config", &config]);
    let listed = text(&list);
    let line = listed.lines().find(|line| line.contains("hundesteuer-anmeldung")).unwrap_or_default();
    assert!(line.contains("freigegeben") && !line.contains("nicht freigegeben"), "{listed}");
    assert_eq!(run().status.code(), Some(7));
    let table = tenant.path("workflows/rules/ortsgemeinden.yaml");
    let rows = std::fs::read_to_string(&table).expect("the table");
    std::fs::write(&table, format!("{rows}# geprüft\n")).expect("written");
    assert_eq!(run().status.code(), Some(4), "a changed table is another process");
    let same = release("b.lang");
    assert_eq!(same.status.code(), Some(3), "{}", text(&same));
    assert!(text(&same).contains("ist schon mit anderem Inhalt freigegeben"), "{}", text(&same));
    let records = tenant.laufzettel(&["audit", "show", "--config", &config, "--kind", "process.released", "--json"]);
    let body: Value = serde_json::from_slice(&records.stdout).ok().and_then(|r: Value| serde_json::from_str(r["body"].as_str()?).ok()).expect("one record");
    assert_eq!(body["version"], json!("1.1.1"));
    assert!(body["cases"].as_u64().is_some_and(|n| n > 5) && body["tables"]["rules/ortsgemeinden.yaml"].is_string(), "{body}");
    let results = body["played"]["results"].as_array().expect("the results");
    assert_eq!(Some(results.len() as u64), body["cases"].as_u64());
    assert!(results.iter().all(|result| result["passed"] == json!(true) && result["name"].is_string() && result.get("why").is_none()), "{body}");
    assert!(body["played"]["program"].is_string() && body["played"]["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{body}");
}

#[test]
fn what_changed_and_who_looked_is_on_record() {
    let tenant = Tenant::new();
    assert_eq!(tenant.main_job().status.code(), Some(0));
    assert_eq!(tenant.bodies("config.changed").len(), 0);
    let pins = tenant.bodies("pin.loaded").len();
    assert!(pins >= 3, "each server's pins are on record once: {pins}");
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let grants = config.lines().skip_while(|line| *line != "    grants:").filter(|line| line.starts_with("      - "));
    let index = 1 + grants.take_while(|line| !line.contains("[GG-IT], allow: [admin]")).count();
    edit(&tenant, |config| config.replacen("      - { groups: [GG-IT], allow: [admin] }", "      - { groups: [GG-IT, GG-RPA], allow: [admin] }", 1));
    let run = tenant.lines(&["runs", "list", "--json"])[0]["run"].as_str().expect("a run").to_owned();
    assert_eq!(tenant.laufzettel(&["runs", "show", &run]).status.code(), Some(0));
    let changed = tenant.bodies("config.changed");
    assert_eq!(changed.iter().map(|b| b["sections"].clone()).collect::<Vec<_>>(), [json!(["grants"])]);
    assert_eq!(tenant.bodies("grant.changed").iter().map(|b| b["index"].clone()).collect::<Vec<_>>(), [json!(index)]);
    assert_eq!(tenant.bodies("pin.loaded").len(), pins, "nothing else changed");
    let viewed = tenant.bodies("content.viewed");
    assert!(viewed.iter().any(|b| b["run"] == json!(run) && b["by"]["subject"].as_str().is_some_and(|s| s.starts_with("os:"))), "{viewed:?}");
    let denied = tenant.laufzettel(&["runs", "cancel", &run, "--as", "j.wolf"]);
    assert_eq!(denied.status.code(), Some(4), "{}", text(&denied));
    assert_eq!(tenant.bodies("run.denied").iter().map(|b| b["order"].clone()).collect::<Vec<_>>(), [json!("cancel")]);
    assert_eq!(tenant.laufzettel(&["tools", "pin", "dms"]).status.code(), Some(0));
    let approved = tenant.bodies("pin.approved");
    assert!(
        approved.iter().any(|b| b["server"] == "dms" && b["tool"] == "suchen" && b["by"]["subject"].as_str().is_some_and(|s| s.starts_with("os:"))),
        "{approved:?}"
    );
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}
