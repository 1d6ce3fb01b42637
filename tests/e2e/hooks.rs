//! The way in for Fachverfahren.

use crate::desk::{Server, Tenant, demo, post, runtime, sign, text};

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
