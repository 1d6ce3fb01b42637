//! A step that waits: over a crash, over a time the program was off, and no longer than it must.

use serde_json::Value;

use crate::desk::{Server, Tenant, process, text, until};

const STEPS: &str = r#"
start: { groups: [GG-Steueramt] }
input: { type: object, additionalProperties: false, properties: { wie_lange: { type: string } } }
steps:
  ruhe: { title: Ruhezeit, wait: { for: "{{ input.wie_lange }}" } }
  danach: { set: { vorbei: "{{ steps.ruhe.at }}" } }
output: { vorbei: "{{ steps.danach.vorbei }}" }
"#;

const CASES: &str = r#"
cases:
  - name: Nach einem Jahr geht es weiter
    as: a.klein
    now: 2026-03-01T09:00:00+01:00
    input: { wie_lange: P1Y }
    expect: { state: completed, output: { vorbei: "2027-03-01T08:00:00Z" } }
"#;

fn house() -> Tenant {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/geduld.yaml"), process("geduld", "Geduld", STEPS)).expect("written");
    std::fs::write(tenant.path("workflows/geduld.cases.yaml"), CASES).expect("written");
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"process.start:geduld\"] }");
    tenant
}

fn start(tenant: &Tenant, span: &str, more: &[&str]) -> std::process::Output {
    let input = tenant.path("eingabe.json");
    std::fs::write(&input, format!(r#"{{"wie_lange": "{span}"}}"#)).expect("written");
    tenant.laufzettel(&[&["run", "geduld", "--input", &input.display().to_string(), "--as", "a.klein", "--json"], more].concat())
}

fn run_of(tenant: &Tenant) -> Value {
    let listed = tenant.laufzettel(&["runs", "list", "--limit", "1", "--json"]);
    serde_json::from_slice(&listed.stdout).unwrap_or_else(|_| panic!("{}", text(&listed)))
}

#[test]
fn waiting_goes_on_over_a_crash_and_ends_in_time() {
    let tenant = house();
    // whoever stays sees the end
    let done = start(&tenant, "PT1S", &[]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    let tested = tenant.laufzettel(&["test", "laufzettel-data/workflows/geduld.yaml"]);
    assert!(tested.status.code() == Some(0) && text(&tested).contains("1 bestanden, 0 nicht"), "{}", text(&tested));

    let tenant = house();
    let server = Server::start(&tenant, None).expect("up starts");
    let waiting = start(&tenant, "PT4S", &["--until-waiting"]);
    assert_eq!(waiting.status.code(), Some(7), "{}", text(&waiting));
    let run = run_of(&tenant)["run"].as_str().expect("an id").to_owned();
    let shown = tenant.laufzettel(&["runs", "show", &run]);
    assert!(text(&shown).contains("Ruhezeit: wartet bis"), "{}", text(&shown));
    server.kill();
    let server = Server::start(&tenant, None).expect("up starts again");
    assert_eq!(run_of(&tenant)["state"], "waiting", "the time is not yet up");
    until("the wait is over", || (run_of(&tenant)["state"] == "completed").then_some(()));
    assert_eq!(tenant.laufzettel(&["runs", "replay", &run]).status.code(), Some(0));

    // it was over while nobody was there
    let waiting = start(&tenant, "PT1S", &["--until-waiting"]);
    assert_eq!(waiting.status.code(), Some(7), "{}", text(&waiting));
    server.kill();
    std::thread::park_timeout(std::time::Duration::from_millis(1_200));
    let server = Server::start(&tenant, None).expect("up starts again");
    until("the wait is over", || {
        let listed = tenant.laufzettel(&["runs", "list", "--state", "completed", "--json"]);
        (String::from_utf8_lossy(&listed.stdout).lines().count() == 2).then_some(())
    });
    // called off while it waits
    let waiting = start(&tenant, "P1D", &["--until-waiting"]);
    assert_eq!(waiting.status.code(), Some(7), "{}", text(&waiting));
    let cancelled = tenant.laufzettel(&["runs", "cancel", run_of(&tenant)["run"].as_str().expect("an id"), "--as", "a.klein"]);
    assert!(cancelled.status.code() == Some(0) && text(&cancelled).contains("abgebrochen"), "{}", text(&cancelled));
    server.stop();
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}
