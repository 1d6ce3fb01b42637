//! `kill -9` at every failpoint and at random moments, then start again: finished, nothing twice, the journal holds.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use crate::desk::{Server, Tenant, demo, post, runtime, sign, text, until};

/// Failpoints a run passes (`store/src/failpoint.rs`), each with the passing it dies at: late enough to be in the
/// middle of the job.
const CRASHES: [&str; 36] = [
    "store.opened=crash@1",
    "store.before_begin=crash@1",
    "store.before_begin=crash@4",
    "store.before_insert=crash@3",
    "store.before_commit=crash@2",
    "store.before_commit=crash@5",
    "store.after_commit=error@2",
    "store.after_commit=error@6",
    "store.before_reply=crash@2",
    "store.before_reply=crash@6",
    "store.before_close=crash@1",
    "checkpoint.before_table=crash@1",
    "checkpoint.before_witness=crash@1",
    "checkpoint.after_witness=crash@1",
    "worker.started=crash@1",
    "worker.claimed=crash@1",
    "worker.claimed=crash@2",
    "worker.folded=crash@1",
    "worker.folded=crash@2",
    "worker.before_door=crash@1",
    "worker.before_door=crash@3",
    "worker.after_door=crash@1",
    "worker.after_door=crash@3",
    "worker.after_door=crash@4",
    "worker.before_decide=crash@2",
    "worker.before_append=crash@2",
    "worker.before_append=crash@4",
    "worker.after_append=crash@1",
    "worker.after_append=crash@4",
    "door.before_resolve=crash@3",
    "door.before_call=crash@3",
    "door.after_call=crash@3",
    "door.after_call=crash@4",
    "start.before_append=crash@1",
    "start.after_append=crash@1",
    "answer.after_append=crash@1",
];

/// Sends the application until somebody acknowledges it. The same message every time: it is one run.
fn send(server: &Server, tenant: &Tenant) -> bool {
    let body = std::fs::read_to_string(demo("antrag.json")).expect("the demo");
    let url = server.url("/hooks/vg-bellheim/hundesteuer");
    let sent = runtime().block_on(post(&url, &sign(&tenant.secret(), "m-1", &body), &body));
    sent.is_some_and(|(status, _)| status == 202)
}

/// Answers the clerk's task if it is there. `true` once it is answered.
fn decide(tenant: &Tenant) -> bool {
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

/// After whatever happened: a fresh start brings the one run to its end.
fn finish(tenant: &Tenant, what: &str) {
    let server = Server::start(tenant, None).unwrap_or_else(|| panic!("{what}: does not start again"));
    assert!(send(&server, tenant), "{what}: the message is not taken");
    until(&format!("{what}: the run ends"), || {
        let states = state(tenant);
        if states == ["completed"] {
            return Some(());
        }
        decide(tenant);
        None
    });
    server.stop();
    assert_eq!(state(tenant), ["completed"], "{what}");
    assert_eq!((tenant.letters(), tenant.mails()), (1, 1), "{what}: letters and mails");
    let verified = tenant.laufzettel(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(0), "{what}: {}", text(&verified));
}

/// The job at a server that is disturbed there, as far as it comes; whether the server died over it.
fn disturbed(tenant: &Tenant, failpoint: &str) -> bool {
    // a server that never says its address has died on the way there
    let Some(mut server) = Server::start(tenant, Some(failpoint)) else { return true };
    for _ in 0..40 {
        if server.has_ended() {
            break;
        }
        send(&server, tenant);
        if server.has_ended() || state(tenant) == ["completed"] {
            break;
        }
        decide(tenant);
    }
    if failpoint.starts_with("store.before_close") {
        // only passed at an orderly end, which then is none
        server.terminate();
    }
    let deadly = failpoint.contains("crash") || failpoint.starts_with("store.after_commit");
    // a checkpoint may be a second away
    for _ in 0..60 {
        if server.has_ended() || !deadly {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let ended = server.has_ended();
    server.kill();
    ended
}

#[test]
fn at_every_failpoint() {
    let mut never = Vec::new();
    for failpoint in CRASHES {
        let tenant = Tenant::new();
        // a failpoint nobody passes proves nothing
        if !disturbed(&tenant, failpoint) {
            never.push(failpoint);
        }
        finish(&tenant, failpoint);
    }
    assert_eq!(never, Vec::<&str>::new(), "failpoints the job never passed");
}

/// The same places once more: they fail in their own way, and they dawdle. Whatever the server makes of it, the job ends, once.
#[test]
fn where_it_fails_or_dawdles() {
    let places: BTreeSet<&str> = CRASHES.iter().filter_map(|failpoint| failpoint.split('=').next()).collect();
    for (place, action) in places.iter().flat_map(|place| ["error@1", "error@2", "delay:300@1"].map(|action| (place, action))) {
        let (tenant, failpoint) = (Tenant::new(), format!("{place}={action}"));
        disturbed(&tenant, &failpoint);
        finish(&tenant, &failpoint);
    }
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
        assert!(send(&server, tenant), "{what}: the message is not taken");
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
    assert_eq!((tenant.letters(), tenant.mails()), (runs, runs), "{what}: letters and mails");
    let verified = tenant.laufzettel(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(0), "{what}: {}", text(&verified));
}
