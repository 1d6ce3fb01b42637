//! She takes her application back while a case it has called is still open: that one ends with it, what it asked is withdrawn, and what it
//! did is undone.

use super::{KEYS, get, post, sees, send};
use crate::{
    desk::{Server, Tenant, process, runtime, text, until},
    views::sign_in,
};

const CALLING: &str = r#"
triggers:
  - intake: { path: ruft, audience: public, run_as: service:svc-intake }
applicant: { withdraw: always }
input: { type: object, additionalProperties: false, required: [name], properties: { name: { type: string, maxLength: 100, title: Name } } }
steps:
  nachfrage: { title: Nachfragen, process: { name: hundesteuer-gerufen, input: { name: "{{ input.name }}" } } }
output: { gut: "{{ steps.nachfrage.gut }}" }
"#;

const CALLED: &str = r#"
input: { type: object, additionalProperties: false, required: [name], properties: { name: { type: string, maxLength: 100 } } }
steps:
  vermerk:
    title: Vermerk ablegen
    tool: dms/dokument_ablegen
    with: { akte: HST-77, titel: Vermerk, inhalt: Es wird nachgefragt. }
    undo: { tool: dms/dokument_stornieren, with: { dokument: "{{ result.dokument_id }}" } }
  frage:
    title: Bitte nachfragen
    needs: [vermerk]
    human: { assign: { groups: [GG-Steueramt] }, show: { name: "{{ input.name }}" }, form: { type: object, properties: { gut: { type: boolean } } } }
output: { gut: "{{ steps.frage.gut }}" }
"#;

#[test]
fn what_she_takes_back_ends_the_cases_it_has_called() {
    let tenant = Tenant::new();
    for (file, name, rest) in [("ruft", "hundesteuer-ruft", CALLING), ("gerufen", "hundesteuer-gerufen", CALLED)] {
        let written = process(name, "Hund anmelden", rest).replace("zweck: Prüfen", "zweck: Festsetzung der Hundesteuer");
        std::fs::write(tenant.path(&format!("workflows/{file}.yaml")), written).expect("written");
    }
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"task.complete:*\", \"run.view:all\"] }");
    // the account that takes applications in may file a note, and take it back
    let config = tenant.path("laufzettel.yaml");
    let written = std::fs::read_to_string(&config).expect("the configuration");
    let more = "allow: [\"tool.call:dms/dokument_ablegen\", \"tool.call:dms/dokument_stornieren\", \"tool.call:registry/person_suchen\"";
    std::fs::write(&config, written.replacen("allow: [\"tool.call:registry/person_suchen\"", more, 1)).expect("written");
    let server = Server::start(&tenant, None).expect("up starts");
    let asked = runtime().block_on(async {
        let fields = [("_schluessel", KEYS[0]), ("_schritt", "absenden"), ("name", "Änne Möller")];
        let sent = send(&server, "", "/antrag/vg-bellheim/ruft", &fields, None).await;
        assert_eq!(sent.code, 200, "{}", sent.page);
        let status = sent.page.split("/status/").nth(1).map(|rest| format!("/status/{}", &rest[..32])).expect("a status page");
        let open = until("the called case asks", || tenant.lines(&["tasks", "list", "--json"]).pop());
        assert_eq!(open["process"], "hundesteuer-gerufen", "{open}");
        let task = format!("/aufgaben/{}", open["task"].as_str().expect("a task"));
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        assert!(get(&server, &clerk, &task).await.1.contains("Änne Möller"));
        assert_eq!(post(&server, "", &format!("{status}/zurueckziehen"), "grund=Verkauft").await.code, 303);
        sees(&server, "", &status, "Wir bearbeiten ihn nicht weiter.").await;
        assert_ne!(get(&server, &clerk, &task).await.0, 200, "nobody is asked any more");
        open["run"].as_str().expect("a run").to_owned()
    });
    let states = until("both have ended", || {
        let runs = tenant.lines(&["runs", "list", "--json"]);
        let states: Vec<String> =
            runs.iter().map(|run| format!("{} {}", run["process"].as_str().unwrap_or_default(), run["state"].as_str().unwrap_or_default())).collect();
        states.iter().all(|state| state.ends_with("cancelled")).then_some(states)
    });
    assert_eq!(states.len(), 2, "{states:?}");
    let told = text(&tenant.laufzettel(&["audit", "show", "--run", &asked]));
    assert!(told.contains("Schritt vermerk (Rücknahme)"), "what it did is taken back: {told}");
    assert!(tenant.lines(&["tasks", "list", "--json"]).is_empty());
    server.stop();
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}
