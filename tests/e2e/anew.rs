//! `runs retry RUN STEP`: a step is carried out anew, and what it did is taken back first.

use serde_json::{Value, json};

use crate::{
    desk::{Server, Tenant, post, process, runtime, text},
    interface::key,
    views::sign_in,
};

const STEPS: &str = r#"
start: { groups: [GG-Steueramt] }
input: { type: object }
steps:
  ablage:
    tool: dms/dokument_ablegen
    with: { akte: HST-77, titel: Hundesteuer Vermerk, inhalt: Die Marke ist da. }
    undo: { tool: dms/dokument_stornieren, with: { dokument: "{{ result.dokument_id }}" } }
  pruefung:
    needs: [ablage]
    human: { assign: { groups: [GG-Steueramt] }, show: { dokument: "{{ steps.ablage.dokument_id }}" }, form: { type: object, properties: { ja: { type: boolean } } } }
  post:
    needs: [pruefung]
    tool: mail/senden
    with: { an: poststelle@vg-bellheim.example, betreff: Marken, text: Die Marken sind da. }
  schluss: { needs: [post], human: { assign: { groups: [GG-Steueramt] }, form: { type: object, properties: { ja: { type: boolean } } } } }
output: { dokument: "{{ steps.ablage.dokument_id }}" }
"#;

fn answer(tenant: &Tenant) {
    let task = tenant.lines(&["tasks", "list", "--as", "a.klein", "--json"]).remove(0)["task"].as_str().expect("a task").to_owned();
    let file = tenant.path("antwort.json");
    std::fs::write(&file, "{ \"ja\": true }").expect("written");
    let done = tenant.laufzettel(&["tasks", "complete", &task, "--as", "a.klein", "--input", &file.display().to_string()]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
}

#[test]
fn a_step_is_carried_out_anew_and_what_it_did_is_taken_back() {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/vermerk.yaml"), process("vermerk", "Vermerk", STEPS)).expect("written");
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"process.start:vermerk\", \"task.complete:vermerk\"] }");
    let run = tenant.laufzettel(&["run", "vermerk", "--as", "a.klein", "--until-waiting"]);
    assert_eq!(run.status.code(), Some(7), "{}", text(&run));
    let id = tenant.lines(&["runs", "list", "--json"]).remove(0)["run"].as_str().expect("a run").to_owned();
    let retry = |more: &[&str]| tenant.laufzettel(&[&["runs", "retry", &id], more].concat());

    // nobody of another office may, and that is on record
    let denied = retry(&["ablage", "--as", "t.becker"]);
    assert_eq!(denied.status.code(), Some(4), "{}", text(&denied));
    assert_eq!(tenant.bodies("run.denied")[0]["order"], "retry");
    // nothing stands still, and what has not begun cannot begin anew
    for (step, why) in [(None, "Kein Schritt steht still"), (Some("post"), "nicht begonnen"), (Some("pruefung"), "läuft noch"), (Some("x"), "gibt es nicht")] {
        let refused = retry(&[step.as_slice(), &["--as", "a.klein"]].concat());
        assert!(refused.status.code() == Some(1) && text(&refused).contains(why), "{}", text(&refused));
    }

    let done = retry(&["ablage", "--as", "a.klein"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    let ordered = tenant.bodies("retry.ordered").remove(0);
    assert_eq!((&ordered["steps"], &ordered["round"]), (&serde_json::json!(["ablage", "pruefung"]), &Value::from(1)));
    let intended: Vec<String> =
        tenant.bodies("effect.intended").iter().rev().map(|b| format!("{} {} {}", b["path"]["step"], b["path"]["phase"], b["round"])).collect();
    let mut intended = intended;
    intended.sort();
    assert_eq!(intended, ["\"ablage\" \"do\" 0", "\"ablage\" \"do\" 1", "\"ablage\" \"undo\" 0"]);
    assert_eq!(tenant.lines(&["tasks", "list", "--as", "a.klein", "--json"]).len(), 1);

    // a letter that was sent stays sent
    answer(&tenant);
    let refused = retry(&["ablage", "--as", "a.klein"]);
    assert!(refused.status.code() == Some(1) && text(&refused).contains("mail/senden"), "{}", text(&refused));
    answer(&tenant);
    let replayed = tenant.laufzettel(&["runs", "replay", &id]);
    assert_eq!(replayed.status.code(), Some(0), "{}", text(&replayed));
    let ended = retry(&["ablage", "--as", "a.klein"]);
    assert!(ended.status.code() == Some(1) && text(&ended).contains("beendet"), "{}", text(&ended));
    assert_eq!(tenant.mails(), 1);
}

/// By the interface it is a person's order, as at the command line: of a refused call her rights would count.
#[test]
fn a_person_orders_it_by_the_interface_and_a_key_does_not() {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/vermerk.yaml"), process("vermerk", "Vermerk", STEPS)).expect("written");
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"process.start:vermerk\", \"task.complete:vermerk\"] }");
    assert_eq!(tenant.laufzettel(&["run", "vermerk", "--as", "a.klein", "--until-waiting"]).status.code(), Some(7));
    let id = tenant.lines(&["runs", "list", "--json"]).remove(0)["run"].as_str().expect("a run").to_owned();
    let server = Server::start(&tenant, None).expect("up starts");
    let program = key(&tenant, &["--as", "a.klein", "--process", "*"]);
    runtime().block_on(async {
        let (klein, wolf) = (sign_in(&server, "a.klein").await.unwrap(), sign_in(&server, "j.wolf").await.unwrap());
        let hers = |cookie: &str, key: &str| [("cookie", cookie.to_owned()), ("origin", server.url("")), ("idempotency-key", key.to_owned())];
        let url = server.url(&format!("/api/v1/runs/{id}/retry"));
        let asked = async |headers: &[(&str, String)], body: Value| post(&url, headers, &body.to_string()).await.expect("an answer");
        let (status, told) = asked(&[("authorization", program.clone())], json!({ "step": "ablage" })).await;
        assert_eq!((status, &told["rule"]), (403, &json!("gate.interactive")), "{told}");
        assert_eq!(asked(&hers(&wolf, "w"), json!({ "step": "ablage" })).await.0, 404);
        for (body, status) in [(json!({}), 409), (json!({ "step": "x" }), 409), (json!({ "schritt": "ablage" }), 422)] {
            assert_eq!(asked(&hers(&klein, &format!("k{body}")), body.clone()).await.0, status, "{body}");
        }
        // once, however often it is said
        for _ in 0..2 {
            let (status, told) = asked(&hers(&klein, "k"), json!({ "step": "ablage" })).await;
            assert_eq!((status, &told["run"]), (200, &json!(id)), "{told}");
        }
    });
    server.stop();
    assert_eq!(tenant.bodies("retry.ordered").len(), 1);
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}
