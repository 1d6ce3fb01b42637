//! Every effect of every process disturbed, and `kill -9` at random moments: finished, nothing twice, the journal holds.

use std::time::Duration;

use serde_json::Value;

use crate::desk::{Server, Tenant, demo, post, runtime, sign, text, until};

/// Sends the application until somebody acknowledges it. The same message every time: it is one run.
pub fn send(server: &Server, tenant: &Tenant, id: &str) -> bool {
    let body = std::fs::read_to_string(demo("antrag.json")).expect("the demo");
    let url = server.url("/hooks/vg-bellheim/hundesteuer");
    let sent = runtime().block_on(post(&url, &sign(&tenant.secret(), id, &body), &body));
    sent.is_some_and(|(status, _)| status == 202)
}

/// Answers the clerk's task if it is there. `true` once it is answered.
pub fn decide(tenant: &Tenant) -> bool {
    let tasks = tenant.laufzettel(&["tasks", "list", "--as", "a.klein", "--json"]);
    let Some(task) = String::from_utf8_lossy(&tasks.stdout).lines().next().and_then(|l| serde_json::from_str::<Value>(l).ok()) else { return false };
    let mut answer: Value = serde_json::from_str(&std::fs::read_to_string(demo("entscheidung.json")).expect("the demo")).expect("JSON");
    answer.as_object_mut().expect("an object").remove("by");
    let file = tenant.path("antwort.json");
    std::fs::write(&file, answer.to_string()).expect("written");
    tenant
        .laufzettel(&["tasks", "complete", task["task"].as_str().unwrap_or_default(), "--as", "a.klein", "--input", &file.display().to_string()])
        .status
        .success()
}

fn state(tenant: &Tenant) -> Vec<String> {
    let runs = tenant.laufzettel(&["runs", "list", "--json"]);
    String::from_utf8_lossy(&runs.stdout)
        .lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).ok())
        .map(|r| r["state"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Each call of each step of each shipped process: the program stops before and after it, no answer comes though it acted and though it
/// did not, nobody is there, somebody says no.
#[test]
fn every_effect_of_every_process() {
    let workflows = crate::desk::root().join("workflows").display().to_string();
    let tested = Tenant::new().laufzettel(&["test", "--faults", &workflows]);
    let said = text(&tested);
    assert_eq!(tested.status.code(), Some(0), "{said}");
    let last = said.lines().last().unwrap_or_default();
    let faults: usize = last.split('(').nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap_or(0);
    assert!(faults >= 300, "{last}");
    assert!(!said.contains("kein Fall ruft"), "steps nobody disturbs: {said}");
}

/// The same where no server keeps keys: whatever is not known then is a person's to say, and nothing is repeated without her word.
#[test]
fn every_effect_that_cannot_be_repeated() {
    let tenant = Tenant::new();
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let once = config.replace("idempotent: true", "idempotent: false");
    assert_ne!(once, config);
    std::fs::write(tenant.path("laufzettel.yaml"), once).expect("written");
    let (workflows, config) = (crate::desk::root().join("workflows").display().to_string(), tenant.path("laufzettel.yaml").display().to_string());
    let tested = tenant.laufzettel(&["test", "--faults", &workflows, "--config", &config]);
    assert_eq!(tested.status.code(), Some(0), "{}", text(&tested));
}

#[test]
fn at_random_moments() {
    // a fixed seed: the moments differ, the list of them does not
    let mut seed: u64 = 20_261_123;
    for round in 0..rounds() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wait = Duration::from_millis((seed >> 33) % 900);
        let tenant = Tenant::new();
        let server = Server::start(&tenant, None).expect("up starts");
        let killer = std::thread::spawn(move || {
            std::thread::park_timeout(wait);
            server.kill();
        });
        if state(&tenant).is_empty() {
            tenant.main_job();
        }
        decide(&tenant);
        killer.join().expect("the killer ends");
        finish_any(&tenant, &format!("round {round}, after {wait:?}"));
    }
}

/// Fifty, or as many as `LAUFZETTEL_KILL_ROUNDS` says: the long form has two hundred (`just kill`).
fn rounds() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "how long a suite runs is said from outside")]
    let said = std::env::var("LAUFZETTEL_KILL_ROUNDS").ok();
    said.map_or(50, |said| said.parse().expect("LAUFZETTEL_KILL_ROUNDS is a number"))
}

/// Here the application may have come over the command line or not at all; whatever was accepted ends exactly once.
fn finish_any(tenant: &Tenant, what: &str) {
    let server = Server::start(tenant, None).unwrap_or_else(|| panic!("{what}: does not start again"));
    if state(tenant).is_empty() {
        assert!(send(&server, tenant, "m-1"), "{what}: the message is not taken");
    }
    until(&format!("{what}: the runs end"), || {
        let states = state(tenant);
        if !states.is_empty() && states.iter().all(|s| s == "completed") {
            return Some(());
        }
        decide(tenant);
        None
    });
    server.stop();
    let runs = state(tenant).len();
    // who applied has a status page, and a receipt that names it; a message of another program has none
    let steps = text(&tenant.laufzettel(&["audit", "show", "--kind", "step.completed"]));
    let receipts = steps.matches("Schritt quittung erledigt.").count();
    assert!(receipts <= runs, "{what}: {steps}");
    assert_eq!((tenant.letters(), tenant.mails()), (runs, runs + receipts), "{what}: letters and mails");
    let verified = tenant.laufzettel(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(0), "{what}: {}", text(&verified));
}
