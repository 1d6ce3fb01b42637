//! The way in for Fachverfahren.

use serde_json::{Value, json};

use crate::desk::{Server, Tenant, demo, post, process, runtime, sign, text};

#[test]
fn sent_twice_is_one_run_and_a_wrong_signature_leaves_nothing() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    let url = server.url("/hooks/vg-bellheim/hundesteuer");
    let body = std::fs::read_to_string(demo("antrag.json")).expect("the demo");
    runtime().block_on(async {
        let wrong = post(&url, &sign("falsch", "m-1", &body), &body).await.expect("an answer");
        assert_eq!(wrong.0, 401, "{}", wrong.1);
        let changed = body.replace("Zeiskam", "Bellheim");
        assert_eq!(post(&url, &sign(&tenant.secret(), "m-1", &body), &changed).await.expect("an answer").0, 401);
        assert_eq!(post(&url, &[], &body).await.expect("an answer").0, 401);
        let first = post(&url, &sign(&tenant.secret(), "m-1", &body), &body).await.expect("an answer");
        let second = post(&url, &sign(&tenant.secret(), "m-1", &body), &body).await.expect("an answer");
        assert_eq!((first.0, second.0), (202, 202));
        assert_eq!(first.1["run"], second.1["run"]);
        let unfit = post(&url, &sign(&tenant.secret(), "m-2", "{}"), "{}").await.expect("an answer");
        assert_eq!(unfit.0, 422, "{}", unfit.1);
        assert!(unfit.1["errors"].as_array().is_some_and(|e| !e.is_empty()));
        assert_eq!(post(&server.url("/hooks/vg-bellheim/gibt-es-nicht"), &[], "{}").await.expect("an answer").0, 404);
    });
    let runs = tenant.laufzettel(&["runs", "list", "--json"]);
    assert_eq!(String::from_utf8_lossy(&runs.stdout).lines().count(), 1, "{}", text(&runs));
    // the refused messages left no record
    let shown = tenant.laufzettel(&["audit", "show", "--json"]);
    let kinds: Vec<String> = String::from_utf8_lossy(&shown.stdout)
        .lines()
        .filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok())
        .map(|r| r["kind"].to_string())
        .collect();
    assert_eq!(kinds.iter().filter(|k| k.as_str() == "\"run.started\"").count(), 1);
    server.stop();
}

const REPORT: &str = r#"
start: { groups: [GG-Steueramt] }
triggers:
  - webhook: { path: meldung, auth: key, respond: result, run_as: service:svc-fachverfahren }
input: { type: object, additionalProperties: false, required: [n], properties: { n: { type: integer } } }
steps:
  doppelt: { set: { n: "{{ input.n * 2 }}" } }
output: { n: "{{ steps.doppelt.n }}" }
"#;

/// A key for the process opens the way in; a CloudEvent is what it brings, in either mode, and the same one twice is one run.
#[test]
fn a_key_opens_a_hook_and_events_come_once() {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/meldung.yaml"), process("hundesteuer-meldung", "Meldung", REPORT)).expect("written");
    let checked = tenant.laufzettel(&["check", &tenant.path("workflows/meldung.yaml").display().to_string()]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    let server = Server::start(&tenant, None).expect("up starts");
    let key = |args: &[&str]| {
        let made = tenant.laufzettel(&[&["keys", "create", "--json", "--name", "kasse", "--as"], args].concat());
        let told: Value = serde_json::from_slice(&made.stdout).unwrap_or_else(|_| panic!("{}", text(&made)));
        ("authorization", format!("Bearer {}", told["token"].as_str().expect("a key")))
    };
    let (good, other) = (key(&["a.klein", "--process", "hundesteuer-*"]), key(&["a.klein", "--process", "anderes"]));
    let url = server.url("/hooks/vg-bellheim/meldung");
    let header = |name: &'static str, value: &str| (name, value.to_owned());
    let envelope = |id: &str, n: Value| json!({ "specversion": "1.0", "id": id, "source": "/kasse", "type": "meldung", "data": { "n": n } });
    runtime().block_on(async {
        let send = async |headers: &[(&'static str, String)], body: &Value| post(&url, headers, &body.to_string()).await.expect("an answer");
        let (status, first) = send(std::slice::from_ref(&good), &json!({ "n": 2 })).await;
        assert_eq!((status, &first["output"]), (200, &json!({ "n": 4 })), "{first}");
        for (headers, status) in
            [(vec![], 401), (vec![header("authorization", "Bearer lz_x")], 401), (vec![other], 403), (sign(&tenant.secret(), "m", "{}"), 401)]
        {
            assert_eq!(send(&headers, &json!({ "n": 2 })).await.0, status);
        }
        let once = [good.clone(), header("idempotency-key", "i-1")];
        let (one, two) = (send(&once, &json!({ "n": 3 })).await.1, send(&once, &json!({ "n": 3 })).await.1);
        assert_eq!((&one["run"], &one["output"]), (&two["run"], &json!({ "n": 6 })));
        let structured = [good.clone(), header("content-type", "application/cloudevents+json")];
        let (_, one) = send(&structured, &envelope("7", json!(5))).await;
        assert_eq!(one["output"], json!({ "n": 10 }), "{one}");
        // the same event in the other mode is the same event
        let binary = [good.clone(), header("ce-specversion", "1.0"), header("ce-id", "7"), header("ce-source", "/kasse"), header("ce-type", "meldung")];
        assert_eq!(send(&binary, &json!({ "n": 5 })).await.1["run"], one["run"]);
        let (_, another) = send(&structured, &envelope("8", json!(5))).await;
        assert_ne!(another["run"], one["run"]);
        let (status, told) = send(&binary[..4], &json!({ "n": 5 })).await;
        assert_eq!((status, &told["attribute"]), (400, &json!("type")), "{told}");
        let (status, told) = send(&structured, &envelope("9", json!("x"))).await;
        assert_eq!((status, &told["errors"][0]["pointer"]), (422, &json!("/n")), "{told}");
        assert_eq!(send(&[good.clone(), header("content-type", "application/cloudevents-batch+json")], &json!([])).await.0, 415);
        // a signature may bring one, too
        let body = std::fs::read_to_string(demo("antrag.json")).expect("the demo");
        let event = json!({ "specversion": "1.0", "id": "1", "source": "/f", "type": "antrag", "data": serde_json::from_str::<Value>(&body).expect("JSON") })
            .to_string();
        let hook = server.url("/hooks/vg-bellheim/hundesteuer");
        let signed = |id: &str| [sign(&tenant.secret(), id, &event), vec![header("content-type", "application/cloudevents+json")]].concat();
        let (first, second) = (post(&hook, &signed("m-1"), &event).await.expect("an answer"), post(&hook, &signed("m-2"), &event).await.expect("an answer"));
        assert_eq!((first.0, second.0, &first.1["run"]), (202, 202, &second.1["run"]), "{}", first.1);
    });
    let shown = tenant.laufzettel(&["audit", "show", "--kind", "run.started"]);
    assert!(text(&shown).contains("Andreas Klein (Schlüssel kasse) hat den Vorgang"), "{}", text(&shown));
    server.stop();
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}
