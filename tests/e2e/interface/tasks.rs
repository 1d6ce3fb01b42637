//! Tasks through the interface, at the command line and on the page: taken, returned, taken over, answered.

use serde_json::{Value, json};

use super::{Asked, key};
use crate::{
    desk::{Server, Tenant, process, runtime, text},
    views::sign_in,
};

const STEPS: &str = r#"
start: { groups: [GG-Steueramt], via: [api, form] }
input: { type: object, additionalProperties: false, properties: {} }
steps:
  frage: { human: { assign: { groups: [GG-Steueramt] }, show: { was: Geht das? }, form: { type: object, required: [ja], properties: { ja: { type: boolean } } } } }
output: { wer: "{{ steps.frage.by.name }}" }
"#;

fn house() -> Tenant {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/frage.yaml"), process("frage", "Fragen", STEPS)).expect("written");
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"process.start:frage\"] }");
    tenant
}

/// Runs that wait, and their tasks.
fn waiting(tenant: &Tenant, count: usize) -> Vec<String> {
    let input = tenant.path("leer.json");
    std::fs::write(&input, "{}").expect("written");
    for _ in 0..count {
        let started = tenant.laufzettel(&["run", "frage", "--input", &input.display().to_string(), "--as", "a.klein", "--until-waiting"]);
        assert_eq!(started.status.code(), Some(7), "{}", text(&started));
    }
    let listed = tenant.laufzettel(&["tasks", "list", "--as", "a.klein", "--process", "frage", "--json"]);
    let lines = String::from_utf8_lossy(&listed.stdout).lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")).collect::<Vec<_>>();
    lines.iter().map(|task| task["task"].as_str().expect("a task").to_owned()).collect()
}

#[test]
fn a_task_is_one_persons_while_she_has_it() {
    let tenant = house();
    let tasks = waiting(&tenant, 2);
    let server = Server::start(&tenant, None).expect("up starts");
    let program = key(&tenant, &["--as", "a.klein", "--process", "*"]);
    let (first, second) = (tasks[0].clone(), tasks[1].clone());
    runtime().block_on(async {
        let (klein, weber, wolf) =
            (sign_in(&server, "a.klein").await.unwrap(), sign_in(&server, "s.weber").await.unwrap(), sign_in(&server, "j.wolf").await.unwrap());
        let hers = |cookie: &str| [("cookie", cookie.to_owned()), ("origin", server.url(""))];
        let url = |order: &str| server.url(&format!("/api/v1/tasks/{first}{order}"));
        let post = async |order: &str, headers: &[(&str, String)], body: Value| Asked::post(&url(order), headers, &body).await;
        // a key is nobody's hand; who may not see the task does not see it
        for (order, body) in [
            ("/claim", json!({})),
            ("/return", json!({})),
            ("/hand-over", json!({ "to": "s.weber" })),
            ("/complete", json!({ "shown": format!("sha256:{}", "0".repeat(64)), "values": {} })),
        ] {
            let told = post(order, &[("authorization", program.clone())], body.clone()).await;
            assert_eq!((told.status, &told.body["rule"]), (403, &json!("gate.interactive")), "{order}: {}", told.body);
            assert!(told.body["detail"].as_str().is_some_and(|d| d.contains("kein Schlüssel")), "{}", told.body);
            assert_eq!(post(order, &hers(&wolf), body).await.status, 404, "{order}");
        }
        assert_eq!(Asked::get(&url(""), &hers(&wolf)).await.status, 404);
        let shown = Asked::get(&url(""), &hers(&klein)).await.body;
        assert_eq!((&shown["show"], &shown["open"], &shown["claimed"]), (&json!({ "was": "Geht das?" }), &json!(true), &Value::Null));
        // taken: once, however often it is said
        let again = [hers(&klein).to_vec(), vec![("idempotency-key", "k".to_owned())]].concat();
        for _ in 0..2 {
            let taken = post("/claim", &again, json!({})).await;
            assert_eq!((taken.status, &taken.body["claimed"]["name"]), (200, &json!("Andreas Klein")), "{}", taken.body);
        }
        assert_eq!(post("/claim", &again, json!({ "reason": "anders" })).await.status, 422, "other data under the same key");
        // others see it, and keep their hands off it
        let listed = Asked::get(&server.url("/api/v1/tasks?process=frage&step=frage"), &hers(&weber)).await.body;
        let holders: Vec<&Value> = listed["tasks"].as_array().expect("a list").iter().map(|task| &task["claimed"]["name"]).collect();
        assert_eq!(holders, [&json!("Andreas Klein"), &Value::Null]);
        let answer = json!({ "shown": shown["shown"], "values": { "ja": true } });
        for (order, body) in [("/complete", answer.clone()), ("/claim", json!({})), ("/return", json!({}))] {
            let told = post(order, &hers(&weber), body).await;
            assert_eq!(told.status, 409, "{order}: {}", told.body);
        }
        let over = post("/claim", &hers(&weber), json!({ "reason": "Herr Klein ist im Urlaub" })).await;
        assert_eq!((over.status, &over.body["claimed"]["name"]), (200, &json!("Sabine Weber")), "{}", over.body);
        // handed over: only what one has, only to whoever may have it, and once however often it is said
        for (who, body, status) in [
            (&klein, json!({ "to": "s.weber" }), 409),
            (&weber, json!({ "to": "j.wolf" }), 422),
            (&weber, json!({ "to": "niemand" }), 422),
            (&weber, json!({ "to": "a.klein", "note": "n".repeat(501) }), 422),
        ] {
            assert_eq!(post("/hand-over", &hers(who), body.clone()).await.status, status, "{body}");
        }
        let once = [hers(&weber).to_vec(), vec![("idempotency-key", "h".to_owned())]].concat();
        for _ in 0..2 {
            let handed = post("/hand-over", &once, json!({ "to": "a.klein", "note": "Bitte heute noch" })).await;
            assert_eq!((handed.status, &handed.body["claimed"]["name"]), (200, &json!("Andreas Klein")), "{}", handed.body);
        }
        assert_eq!(post("/claim", &hers(&weber), json!({ "reason": "doch wieder ich" })).await.status, 200);
        // returned twice under one key is returned once
        let again = [hers(&weber).to_vec(), vec![("idempotency-key", "r".to_owned())]].concat();
        for _ in 0..2 {
            let back = post("/return", &again, json!({})).await;
            assert_eq!((back.status, &back.body["claimed"]), (200, &Value::Null), "{}", back.body);
        }
        assert_eq!(post("/return", &hers(&weber), json!({})).await.status, 409);
        // and completed by a person who is signed in
        let wrong = post("/complete", &hers(&klein), json!({ "shown": shown["shown"], "values": {} })).await;
        assert_eq!((wrong.status, wrong.body["errors"][0]["pointer"].as_str().is_some()), (422, true), "{}", wrong.body);
        let once = [hers(&klein).to_vec(), vec![("idempotency-key", "c".to_owned())]].concat();
        assert_eq!(post("/complete", &once, answer.clone()).await.status, 204);
        assert_eq!(post("/complete", &once, answer.clone()).await.status, 204, "the same answer once more");
        assert_eq!(post("/complete", &hers(&klein), answer).await.status, 409);
        // that it is done, and how the case stands, outsiders do not learn
        for order in ["/claim", "/return", "/complete", "/hand-over"] {
            let body = if order == "/complete" {
                json!({ "shown": shown["shown"], "values": {} })
            } else if order == "/hand-over" {
                json!({ "to": "s.weber" })
            } else {
                json!({})
            };
            assert_eq!(post(order, &hers(&wolf), body).await.status, 404, "{order}");
        }
        let closed = Asked::get(&server.url("/api/v1/tasks?open=false&process=frage"), &hers(&klein)).await.body;
        assert_eq!(closed["tasks"].as_array().map(Vec::len), Some(1));
        on_the_page(&server, &second, &hers(&klein), &hers(&weber)).await;
    });
    at_the_command_line(&tenant, &second);
    let told = text(&tenant.laufzettel(&["audit", "show", "--run", first.split('.').next().unwrap_or_default()]));
    for sentence in [
        "Andreas Klein hat Aufgabe 1 übernommen. Erlaubt durch assign.groups.",
        "Sabine Weber hat Aufgabe 1 an Andreas Klein weitergegeben. Erlaubt durch assign.groups.",
        "Sabine Weber hat Aufgabe 1 zurückgegeben.",
    ] {
        assert_eq!(told.matches(sentence).count(), 1, "{sentence}: {told}");
    }
    assert!(!told.contains("Urlaub"), "a reason is content: {told}");
    server.stop();
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

fn at_the_command_line(tenant: &Tenant, task: &str) {
    assert_eq!(tenant.laufzettel(&["tasks", "return", task, "--as", "a.klein"]).status.code(), Some(1), "it is not his");
    assert_eq!(tenant.laufzettel(&["tasks", "claim", task, "--as", "a.klein"]).status.code(), Some(1), "without a reason");
    assert_eq!(tenant.laufzettel(&["tasks", "claim", task, "--as", "a.klein", "--reason", "eilt"]).status.code(), Some(0));
    let hand = |to: &str| tenant.laufzettel(&["tasks", "hand-over", task, "--to", to, "--note", "Bitte heute noch", "--as", "a.klein"]);
    assert_eq!(hand("j.wolf").status.code(), Some(2), "she may not");
    let handed = hand("s.weber");
    assert!(handed.status.code() == Some(0) && text(&handed).contains("Sabine Weber"), "{}", text(&handed));
    assert_eq!(hand("s.weber").status.code(), Some(1), "it is his no more");
    assert_eq!(tenant.laufzettel(&["tasks", "return", task, "--as", "s.weber"]).status.code(), Some(0));
}

async fn on_the_page(server: &Server, task: &str, klein: &[(&str, String)], weber: &[(&str, String)]) {
    let page = server.url(&format!("/aufgaben/{task}"));
    let send = async |order: &str, who: &[(&str, String)], form: &str| Asked::form(&page, who, &format!("_schritt={order}{form}")).await;
    let sees = async |who: &[(&str, String)]| Asked::get(&page, who).await.text;
    assert!(sees(klein).await.contains("Aufgabe übernehmen"));
    let taken = send("uebernehmen", klein, "").await;
    assert!(taken.status == 200 && taken.text.contains("Sie haben die Aufgabe übernommen.") && taken.text.contains("Aufgabe zurückgeben"), "{}", taken.text);
    let other = sees(weber).await;
    assert!(other.contains("Andreas Klein") && other.contains("Aufgabe an sich nehmen") && !other.contains("Abschließen"), "{other}");
    assert_eq!(send("uebernehmen", weber, "&_grund=+").await.status, 422);
    assert_eq!(send("zurueckgeben", weber, "").await.status, 409);
    assert_eq!(send("uebernehmen", weber, "&_grund=eilt").await.status, 200);
    assert!(Asked::get(&server.url("/aufgaben"), klein).await.text.contains("bei Sabine Weber"));
}
