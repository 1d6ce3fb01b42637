//! Events from elsewhere over the interface: durable before they are acknowledged, taken once, kept when they come early.

use serde_json::{Value, json};

use super::{house, rows, written};
use crate::desk::{Server, Tenant, post, runtime, text, until};

pub const STEPS: &str = r#"
start: { groups: [GG-Steueramt] }
input: { type: object, additionalProperties: false, required: [konto], properties: { konto: { type: string, maxLength: 40 } } }
steps:
  zahlung:
    title: Auf die Zahlung warten
    wait: { event: zahlung, key: "{{ input.konto }}", timeout: P14D, output: { type: object, additionalProperties: false, required: [cent], properties: { cent: { type: integer } } } }
  danach: { set: { cent: "{{ steps.zahlung.cent | default(0) }}", zu_spaet: "{{ steps.zahlung.timed_out }}" } }
output: { cent: "{{ steps.danach.cent }}", zu_spaet: "{{ steps.danach.zu_spaet }}" }
"#;

pub const CASES: &str = r#"
cases:
  - name: Nach zwei Tagen kommt das Geld
    as: a.klein
    input: { konto: K-1 }
    events: [ { name: zahlung, key: K-2, payload: { cent: 1 } }, { name: zahlung, key: K-1, payload: { cent: 7000 }, after: P2D } ]
    expect: { state: completed, output: { cent: 7000, zu_spaet: false } }
  - name: Es war schon da
    as: a.klein
    input: { konto: K-1 }
    events: [ { name: zahlung, key: K-1, payload: { cent: 7000 } } ]
    expect: { state: completed, output: { cent: 7000, zu_spaet: false } }
  - name: Es kommt nicht
    as: a.klein
    input: { konto: K-1 }
    events: [ { name: zahlung, key: K-1, payload: { cent: 7000 }, after: P15D } ]
    expect: { state: completed, output: { cent: 0, zu_spaet: true } }
  - name: Was nicht passt, beendet das Warten nicht
    as: a.klein
    input: { konto: K-1 }
    events: [ { name: zahlung, key: K-1, payload: { cent: viel } }, { name: zahlung, key: K-1, payload: { cent: 3 }, after: P1D } ]
    expect: { state: completed, output: { cent: 3 } }
"#;

fn waiting(tenant: &Tenant, konto: &str) {
    let input = written(tenant, "eingabe.json", &json!({ "konto": konto }));
    let run = tenant.laufzettel(&["run", "kasse", "--input", &input, "--as", "a.klein", "--until-waiting"]);
    assert!(matches!(run.status.code(), Some(0 | 7)), "{}", text(&run));
}

fn key(tenant: &Tenant, by: &str, processes: &str) -> String {
    let made = tenant.laufzettel(&["keys", "create", "--json", "--name", "kasse", "--as", by, "--process", processes]);
    let told: Value = serde_json::from_slice(&made.stdout).unwrap_or_else(|_| panic!("{}", text(&made)));
    format!("Bearer {}", told["token"].as_str().expect("a key"))
}

fn send(server: &Server, token: &str, id: Option<&str>, body: &Value) -> Option<u16> {
    let mut headers = vec![("authorization", token.to_owned())];
    headers.extend(id.map(|id| ("idempotency-key", id.to_owned())));
    runtime().block_on(post(&server.url("/events/vg-bellheim"), &headers, &body.to_string())).map(|(status, _)| status)
}

fn states(tenant: &Tenant) -> Vec<String> {
    rows(tenant).iter().map(|row| row["state"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn what_happens_elsewhere_reaches_whoever_waits() {
    let tenant = house("kasse", "Auf Geld warten", STEPS, Some(CASES));
    let tested = tenant.laufzettel(&["test", &tenant.path("workflows/kasse.yaml").display().to_string()]);
    assert!(tested.status.code() == Some(0) && text(&tested).contains("4 bestanden, 0 nicht"), "{}", text(&tested));
    let server = Server::start(&tenant, None).expect("up starts");
    let token = key(&tenant, "a.klein", "*");
    let pay = |konto: &str, cent: Value| json!({ "name": "zahlung", "key": konto, "payload": { "cent": cent } });
    // who may not start what waits for it may not report it; what nothing waits for does not exist
    let (elsewhere, stranger) = (key(&tenant, "a.klein", "hundesteuer-*"), key(&tenant, "j.wolf", "*"));
    for (token, body, status) in [
        (elsewhere.as_str(), pay("K-1", json!(1)), 403),
        (&stranger, pay("K-1", json!(1)), 403),
        ("Bearer lz_nichts", pay("K-1", json!(1)), 401),
        ("", pay("K-1", json!(1)), 401),
        (&token, json!({ "name": "regen", "key": "K-1" }), 404),
        (&token, json!({ "name": "zahlung", "key": "" }), 422),
        (&token, json!({ "name": "zahlung", "key": "K-1", "payload": 7 }), 422),
        (&token, json!({ "name": "zahlung", "schluessel": "K-1" }), 400),
    ] {
        assert_eq!(send(&server, token, None, &body), Some(status), "{body}");
    }
    // two who wait, one message: both hear it; the same message again is nothing new
    waiting(&tenant, "K-1");
    waiting(&tenant, "K-1");
    let shown = tenant.laufzettel(&["runs", "show", rows(&tenant)[0]["run"].as_str().expect("an id"), "--as", "a.klein"]);
    assert!(text(&shown).contains("Auf die Zahlung warten: wartet auf das Ereignis „zahlung“ (K-1)"), "{}", text(&shown));
    assert_eq!(send(&server, &token, None, &pay("K-1", json!("viel"))), Some(202), "what fits is the run's to say");
    let kinds = |kind: &str| tenant.laufzettel(&["audit", "show", "--kind", kind, "--json"]).stdout;
    let count = |kind: &str| String::from_utf8_lossy(&kinds(kind)).lines().count();
    assert_eq!(send(&server, &token, Some("b-1"), &pay("K-1", json!(700))), Some(202));
    assert_eq!(send(&server, &token, Some("b-1"), &pay("K-1", json!(700))), Some(202));
    until("both go on", || (states(&tenant) == ["completed", "completed"]).then_some(()));
    waiting(&tenant, "K-1");
    assert_eq!(states(&tenant)[0], "waiting", "the repetition was nothing new");
    // early
    assert_eq!(send(&server, &token, None, &pay("K-7", json!(7))), Some(202));
    waiting(&tenant, "K-7");
    until("what came early is there", || (states(&tenant)[0] == "completed").then_some(()));
    // as a CloudEvent: `type` is the name, `subject` the key, source and id are recognised
    let event = json!({ "specversion": "1.0", "id": "1", "source": "/kasse", "type": "zahlung", "subject": "K-9", "data": { "cent": 9 } });
    let mut nameless = event.clone();
    nameless.as_object_mut().expect("an object").remove("subject");
    let headers = [("authorization", token.clone()), ("content-type", "application/cloudevents+json".to_owned())];
    let told = runtime().block_on(post(&server.url("/events/vg-bellheim"), &headers, &nameless.to_string())).expect("an answer");
    assert_eq!((told.0, &told.1["attribute"]), (400, &json!("subject")), "{}", told.1);
    for _ in 0..2 {
        let told = runtime().block_on(post(&server.url("/events/vg-bellheim"), &headers, &event.to_string())).expect("an answer");
        assert_eq!(told.0, 202, "{}", told.1);
    }
    waiting(&tenant, "K-9");
    until("the event is there", || (states(&tenant)[0] == "completed").then_some(()));
    waiting(&tenant, "K-9");
    assert_eq!(states(&tenant)[0], "waiting", "once");
    server.stop();
    // what fitted neither was there for the third who came, and fitted him as little
    assert_eq!((count("event.received"), count("event.refused"), count("event.denied")), (4, 3, 2));
    // whose account it is stands in no body
    assert!(!String::from_utf8_lossy(&kinds("event.received")).contains("K-7"));
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
    // what came for a run goes with it, though it stands beside it
    let early = rows(&tenant).into_iter().find(|row| row["nummer"] == "2026-000004").expect("the one that waited for K-7");
    assert!(crate::erasure::is_in_the_store(&tenant, "K-7"));
    let erased = tenant.laufzettel(&["audit", "erase", early["nummer"].as_str().expect("a number"), "--reason", "x", "--as", "d.braun", "--with-decisions"]);
    assert_eq!(erased.status.code(), Some(0), "{}", text(&erased));
    assert!(!crate::erasure::is_in_the_store(&tenant, "K-7"));
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn an_event_is_lost_at_no_crash() {
    for failpoint in
        ["event.before_append=crash@1", "event.after_append=crash@1", "event.before_take=crash@1", "store.before_commit=crash@6", "store.before_reply=crash@6"]
    {
        let tenant = house("kasse", "Auf Geld warten", STEPS, None);
        waiting(&tenant, "K-1");
        let token = key(&tenant, "a.klein", "*");
        let message = json!({ "name": "zahlung", "key": "K-1", "payload": { "cent": 5 } });
        if let Some(mut server) = Server::start(&tenant, Some(failpoint)) {
            for _ in 0..100 {
                if server.has_ended() || states(&tenant) == ["completed"] {
                    break;
                }
                send(&server, &token, Some("b-1"), &message);
            }
            server.kill();
        }
        // the sender repeats until it is told that it was heard
        let server = Server::start(&tenant, None).expect("up starts again");
        assert_eq!(send(&server, &token, Some("b-1"), &message), Some(202), "{failpoint}");
        until(&format!("{failpoint}: the run goes on"), || (states(&tenant) == ["completed"]).then_some(()));
        // once: nobody else finds it
        waiting(&tenant, "K-1");
        assert_eq!(states(&tenant)[0], "waiting", "{failpoint}");
        server.stop();
        assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0), "{failpoint}");
    }
}
