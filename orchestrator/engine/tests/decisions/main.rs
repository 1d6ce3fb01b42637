//! Text in, text out: a process and what happens to it, against the events that follow. And the replay law.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod agents;
mod anew;
mod applicant;
mod desk;
mod items;
mod kept;
mod people;
mod restored;
mod settling;
mod time;

use desk::{Desk, answer, clerk, no, ok, yes};
use jiff::Timestamp;
use laufzettel_domain::{Caller, EffectPath, Slot, StepId, Trust, Via, names::Phase};
use laufzettel_engine::{Command, Disposition, Effect, Event, Rejection, Resolution, StepState, wake_at};
use laufzettel_policy::Decision;
use laufzettel_process::model::FailureClass;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn pure_steps_run_in_one_decision() {
    let steps = r#"
steps:
  a: { set: { x: "{{ input.n + 1 }}" } }
  b: { if: "{{ steps.a.x > 10 }}", set: { y: 1 } }
  c: { needs: ["b?"], set: { z: "{{ steps.b.y | default(0) }}" } }
  d: { set: { w: "{{ steps.b.y }}" } }
output: { z: "{{ steps.c.z }}", w: "{{ steps.d.w }}" }
"#;
    let small = Desk::new(steps, json!({"n": 1})).unwrap();
    assert_eq!(small.story(), r#"start | +a | -b | +c | -d | completed {"z":0}"#);
    let large = Desk::new(steps, json!({"n": 10})).unwrap();
    assert_eq!(large.story(), r#"start | +a | +b | +c | +d | completed {"w":1,"z":1}"#);
    large.replay_law();
    assert!(matches!(Desk::new(steps, json!({"n": "x"})), Err(Rejection::Invalid(p)) if p.len() == 1));
}

#[test]
fn end_if_ends_without_starting_anything_new() {
    let desk = Desk::new(
        "
steps:
  a: { end_if: \"{{ result.x == 1 }}\", set: { x: 1 } }
  b: { needs: [a], set: { y: 1 } }
",
        json!({}),
    )
    .unwrap();
    assert_eq!(desk.story(), "start | +a | ending Completed | completed {}");
}

const CALLS: &str = r#"
steps:
  lesen: { tool: t/lesen, with: { a: "{{ input.n }}" }, retry: { attempts: 2, delay: PT2S } }
  schreiben: { needs: [lesen], tool: t/schreiben, undo: { tool: t/schreiben, with: { id: "{{ result.id }}" } } }
  senden: { needs: [schreiben], tool: t/senden, retry: { attempts: 3 } }
"#;

#[test]
fn a_failure_is_retried_within_its_disposition() {
    let mut desk = Desk::new(CALLS, json!({"n": 1})).unwrap();
    let first = desk.due().remove(0);
    desk.settle(&first, no(FailureClass::Timeout, Disposition::Unknown)).unwrap();
    assert_eq!(wake_at(&desk.run), Some(desk.at + jiff::SignedDuration::from_secs(2)));
    assert!(desk.due().is_empty());
    desk.at += jiff::SignedDuration::from_secs(2);
    desk.tell(Command::Wake).unwrap();
    let again = desk.due().remove(0);
    assert_eq!((again.key.clone(), again.attempt), (first.key.clone(), 2));
    // the answer of the first attempt comes too late
    assert!(matches!(desk.settle(&first, ok(json!({}))), Err(Rejection::Stale(_))));
    desk.settle(&again, ok(json!({"z": 1}))).unwrap();
    let write = desk.due().remove(0);
    desk.settle(&write, ok(json!({"id": 7}))).unwrap();
    let send = desk.due().remove(0);
    // not idempotent and nobody knows: in doubt, whatever `retry` says
    desk.settle(&send, no(FailureClass::Timeout, Disposition::Unknown)).unwrap();
    assert_eq!(desk.run.state().as_str(), "waiting");
    let path = EffectPath::of(&Slot::of(StepId::parse("senden").unwrap()), Phase::Do);
    // as long as its token lives the call may still arrive
    let early = Command::Resolve { path: path.clone(), by: clerk(), resolution: Resolution::DidNotHappen };
    assert!(matches!(desk.tell(early), Err(Rejection::Stale(_))));
    desk.at += jiff::SignedDuration::from_secs(60);
    // a key says nothing that has a call made once more
    let key = laufzettel_domain::Caller { via: laufzettel_domain::Via::Api, ..clerk() };
    let by_key = Command::Resolve { path: path.clone(), by: key, resolution: Resolution::DidNotHappen };
    assert!(matches!(desk.tell(by_key), Err(Rejection::Denied(decision)) if decision.rule == "gate.interactive"));
    desk.tell(Command::Resolve { path: path.clone(), by: clerk(), resolution: Resolution::DidNotHappen }).unwrap();
    let anew = desk.due().remove(0);
    assert_eq!(anew.key.round, 1);
    desk.settle(&anew, ok(json!({}))).unwrap();
    assert_eq!(
        desk.story(),
        "start | >lesen | xlesen RetryAt | again lesen 0 | <lesen | +lesen | >schreiben | <schreiben | +schreiben | >senden \
         | xsenden Doubt | ?1 | again senden 1 | withdrawn 1 | <senden | +senden | completed {}"
    );
}

/// A write that may have happened, and whose right is gone before anybody knows, is not written down as never done.
#[test]
fn a_write_nobody_may_ask_about_leaves_the_run_stuck() {
    let steps = "steps:\n  schreiben: { tool: t/schreiben, with: { id: \"{{ input.n }}\" }, retry: { attempts: 3, delay: PT2S } }\n";
    let mut desk = Desk::new(steps, json!({"n": 1})).unwrap();
    let first = desk.due().remove(0);
    desk.settle(&first, no(FailureClass::Timeout, Disposition::Unknown)).unwrap();
    desk.at += jiff::SignedDuration::from_secs(2);
    desk.tell(Command::Wake).unwrap();
    let again = desk.due().remove(0);
    desk.tell(Command::Refuse { path: again.key.path.clone(), round: 0, decision: Decision { allow: false, ..yes() } }).unwrap();
    desk.tell(Command::Cancel { by: clerk(), reason: "Irrtum".into() }).unwrap();
    assert!(desk.story().ends_with("stuck null"), "{}", desk.story());
    assert!(desk.run.message.contains("ungewiss"), "{}", desk.run.message);
}

/// What a person saw is worth what the tool's own word is; what a program says of a call is a text from outside.
#[test]
fn a_program_that_says_what_happened_is_not_believed_more_than_any_text() {
    for (via, trust) in [(Via::Form, Trust::Trusted), (Via::Api, Trust::Untrusted)] {
        let mut desk = Desk::new("steps:\n  senden: { tool: t/senden }\n", json!({})).unwrap();
        desk.context.tools.get_mut("t/senden").unwrap().yields.trust = Trust::Trusted;
        let due = desk.due().remove(0);
        desk.settle(&due, no(FailureClass::Timeout, Disposition::Unknown)).unwrap();
        let by = Caller { via, ..clerk() };
        desk.tell(Command::Resolve { path: due.key.path, by, resolution: Resolution::Happened(json!({ "an": "x@evil.example" })) }).unwrap();
        let Some(StepState::Completed { labels, .. }) = desk.run.steps.get("senden") else { panic!("{}", desk.story()) };
        assert_eq!(labels.whole().trust, trust, "{via:?}");
    }
}

/// What is under way when nobody can find out any more what stands comes to its end, and is the last that is written down.
#[test]
fn a_stuck_run_awaits_what_is_under_way() {
    let steps = "steps:\n  lesen: { tool: t/lesen }\n  schreiben: { tool: t/schreiben, retry: { attempts: 3, delay: PT2S } }\n";
    let mut desk = Desk::new(steps, json!({})).unwrap();
    let [reading, writing] = desk.due().try_into().unwrap_or_else(|due| panic!("{due:?}"));
    desk.settle(&writing, no(FailureClass::Timeout, Disposition::Unknown)).unwrap();
    desk.at += jiff::SignedDuration::from_secs(2);
    desk.tell(Command::Wake).unwrap();
    desk.tell(Command::Refuse { path: writing.key.path.clone(), round: 0, decision: Decision { allow: false, ..yes() } }).unwrap();
    desk.tell(Command::Cancel { by: clerk(), reason: "Irrtum".into() }).unwrap();
    assert!(desk.story().ends_with("ending Cancelled | withdrawn 1 | ending Stuck"), "{}", desk.story());
    assert_eq!(desk.due().len(), 1);
    desk.settle(&reading, no(FailureClass::Timeout, Disposition::DidNotHappen)).unwrap();
    assert!(desk.story().ends_with("ending Stuck | xlesen GiveUp | !lesen | stuck null"), "{}", desk.story());
    assert!(desk.due().is_empty() && desk.run.message.contains("ungewiss"), "{}", desk.run.message);
}

#[test]
fn a_failed_run_undoes_backwards_and_gets_stuck_if_it_cannot() {
    let until_send = || {
        let mut desk = Desk::new(CALLS, json!({"n": 1})).unwrap();
        for value in [json!({}), json!({"id": 7})] {
            let due = desk.due().remove(0);
            desk.settle(&due, ok(value)).unwrap();
        }
        let send = desk.due().remove(0);
        desk.settle(&send, no(FailureClass::Refused, Disposition::DidNotHappen)).unwrap();
        desk
    };
    let mut desk = until_send();
    let undo = desk.due().remove(0);
    assert_eq!(undo.key.path.to_string(), "schreiben~undo");
    assert_eq!(serde_json::to_value(&undo.run.intent.call).unwrap()["arguments"], json!({"id": 7}));
    desk.settle(&undo, ok(json!({}))).unwrap();
    assert!(desk.story().ends_with("!senden | ending Failed | >schreiben~undo | <schreiben~undo | failed {}"), "{}", desk.story());

    let mut desk = until_send();
    let undo = desk.due().remove(0);
    desk.settle(&undo, no(FailureClass::Refused, Disposition::DidNotHappen)).unwrap();
    assert!(desk.story().ends_with("xschreiben~undo GiveUp | stuck null"), "{}", desk.story());
}

#[test]
fn a_refused_call_parks_the_run() {
    let mut desk = Desk::new(CALLS, json!({"n": 1})).unwrap();
    let due = desk.due().remove(0);
    desk.tell(Command::Refuse { path: due.key.path.clone(), round: 0, decision: Decision { allow: false, ..yes() } }).unwrap();
    assert_eq!(desk.run.state().as_str(), "waiting");
    desk.tell(Command::TakeOver { path: due.key.path.clone(), by: clerk() }).unwrap();
    assert_eq!(desk.due()[0].key, due.key);
    assert_eq!(desk.story(), "start | >lesen | refused lesen | ?1 | again lesen 0 | withdrawn 1");
}

#[test]
fn a_model_is_asked_again_and_then_fails() {
    let steps = r#"
steps:
  m: { model: { prompt: Was?, data: { x: "{{ input.name }}" }, repair: 1, output: { type: object, required: [a], properties: { a: { enum: [ja, nein] } } } }, on_error: continue }
  n: { set: { a: "{{ steps.m.a | default('keine') }}" } }
output: { a: "{{ steps.n.a }}" }
"#;
    let mut desk = Desk::new(steps, json!({"name": "x"})).unwrap();
    for answer in ["vielleicht", "{\"a\": \"evtl\"}"] {
        let due = desk.due().remove(0);
        desk.settle(&due, ok(json!(answer))).unwrap();
    }
    assert_eq!(desk.story(), r#"start | >m | xm Repair | >m.r1 | xm.r1 GiveUp | !m | +n | completed {"a":"keine"}"#);
    let mut desk = Desk::new(steps, json!({"name": "x"})).unwrap();
    let due = desk.due().remove(0);
    desk.settle(&due, ok(json!("```json\n{\"a\": \"ja\"}\n```"))).unwrap();
    assert!(desk.story().ends_with(r#"completed {"a":"ja"}"#));
}

const HUMAN: &str = r#"
steps:
  f:
    human:
      assign: { groups: [GG] }
      show: { name: "{{ input.name }}" }
      form: { type: object, additionalProperties: false, required: [ja], properties: { ja: { type: boolean } } }
      due: P3D
  s: { run_as: steps.f, tool: t/senden, with: { an: "{{ steps.f.shown.name }}" } }
"#;

#[test]
fn a_person_answers_and_acts() {
    let mut desk = Desk::new(HUMAN, json!({"name": "weber@example.org"})).unwrap();
    assert_eq!(desk.run.open_tasks().next().unwrap().opened.due, Some("2026-11-26T09:00:00Z".parse().unwrap()));
    let program = Caller { via: Via::Api, ..clerk() };
    let by_program = answer(&desk, json!({"ja": true}), program);
    assert!(matches!(desk.tell(by_program), Err(Rejection::Denied(_))));
    let wrong = answer(&desk, json!({"ja": "x"}), clerk());
    assert!(matches!(desk.tell(wrong), Err(Rejection::Invalid(_))));
    let right = answer(&desk, json!({"ja": true}), clerk());
    desk.tell(right.clone()).unwrap();
    assert!(matches!(desk.tell(right), Err(Rejection::Stale(_))));
    let due = desk.due().remove(0);
    assert_eq!(due.run.intent.who, clerk());
    assert_eq!(due.run.intent.labels["an"].trust, laufzettel_domain::Trust::Trusted);
    assert_eq!(due.run.intent.labels["an"].to_string(), "normal, personenbezogen");
}

/// No key and no program takes over a call or settles a doubt, either.
#[test]
fn a_program_repairs_nothing() {
    let program = || Caller { via: Via::Api, ..clerk() };
    let denied = |told: Result<(), Rejection>| matches!(told, Err(Rejection::Denied(decision)) if decision.rule == "gate.interactive");
    let steps = "steps:\n  lesen: { tool: t/lesen, with: { frage: x } }\n  senden: { needs: [lesen], tool: t/senden, with: { an: amt@vg.example } }\n";
    let mut desk = Desk::new(steps, json!({"name": "x"})).unwrap();
    let due = desk.due().remove(0);
    desk.tell(Command::Refuse { path: due.key.path.clone(), round: 0, decision: Decision { allow: false, ..yes() } }).unwrap();
    let takeover = answer(&desk, json!({"entscheidung": "erneut"}), program());
    assert!(denied(desk.tell(takeover)));
    let by_clerk = answer(&desk, json!({"entscheidung": "erneut"}), clerk());
    desk.tell(by_clerk).unwrap();
}

#[test]
fn a_cancelled_run_withdraws_its_tasks() {
    let mut desk = Desk::new(HUMAN, json!({"name": "x"})).unwrap();
    desk.tell(Command::Cancel { by: clerk(), reason: "Irrtum".into() }).unwrap();
    assert_eq!(desk.story(), "start | ?1 | ending Cancelled | withdrawn 1 | cancelled {}");
    assert!(matches!(desk.tell(Command::Wake), Err(Rejection::Stale(_))));
}

/// What a model says must stand in the passages it was given, word for word; else it is asked again.
#[test]
fn a_model_shows_what_it_says() {
    let steps = r#"
steps:
  suche: { tool: t/lesen, with: { frage: Miete } }
  m:
    model:
      prompt: Was steht da?
      sources: "{{ steps.suche.passagen }}"
      cite: required
      repair: 1
      output: { type: object, required: [punkte], properties: { punkte: { type: array, items: { type: object, required: [t], properties: { t: { type: string } } } } } }
output: { n: "{{ steps.m.punkte | length }}" }
"#;
    let passage = json!({ "document": "D-1", "version": "1", "place": "S. 1", "text": "Die Miete beträgt 640 Euro." });
    let said = |zitat: &str| {
        json!(json!({ "punkte": [{ "t": "Miete", "belege": [{ "document": "D-1", "version": "1", "place": "S. 1", "zitat": zitat }] }] }).to_string())
    };
    let mut desk = Desk::new(steps, json!({})).unwrap();
    let due = desk.due().remove(0);
    desk.settle(&due, ok(json!({ "passagen": [passage] }))).unwrap();
    let asked = serde_json::to_value(&desk.due()[0].run.intent.call).unwrap();
    assert_eq!(asked["data"]["quellen"], json!([passage]));
    assert!(asked["prompt"].as_str().unwrap().contains("Belege jede Angabe"), "{asked}");
    assert_eq!(asked["output"]["properties"]["punkte"]["items"]["required"], json!(["t", "belege"]));
    for zitat in ["beträgt 600 Euro", "beträgt 640 Euro"] {
        let due = desk.due().remove(0);
        desk.settle(&due, ok(said(zitat))).unwrap();
    }
    assert!(desk.story().ends_with(r#">m | xm Repair | >m.r1 | <m.r1 | +m | completed {"n":1}"#), "{}", desk.story());
    let mut invented = Desk::new(steps, json!({})).unwrap();
    let due = invented.due().remove(0);
    invented.settle(&due, ok(json!({ "passagen": [{ "document": "D-1" }] }))).unwrap();
    assert!(invented.run.message.contains("Fundstelle 1 hat nicht"), "{}", invented.run.message);
}

fn later(due: &Effect, until: Option<Timestamp>) -> Command {
    let reason = laufzettel_domain::Text::new("nicht da", "not there");
    Command::Defer { path: due.key.path.clone(), round: due.key.round, attempt: due.attempt, reason, until, sent: vec![] }
}

#[test]
fn what_is_not_there_is_waited_for_without_using_up_an_attempt() {
    let mut desk = Desk::new(CALLS, json!({"n": 1})).unwrap();
    let mut waits = Vec::new();
    for _ in 0..9 {
        let due = desk.due().remove(0);
        assert_eq!(due.attempt, 1);
        desk.tell(later(&due, None)).unwrap();
        assert!(desk.due().is_empty() && desk.run.state().as_str() == "waiting");
        let at = wake_at(&desk.run).unwrap();
        waits.push(at.duration_since(desk.at).as_secs());
        desk.at = at;
        desk.tell(Command::Wake).unwrap();
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    // an outcome ends the row: the next waiting begins small
    let due = desk.due().remove(0);
    desk.settle(&due, no(FailureClass::Timeout, Disposition::Unknown)).unwrap();
    desk.at += jiff::SignedDuration::from_secs(2);
    desk.tell(Command::Wake).unwrap();
    let due = desk.due().remove(0);
    assert_eq!(due.attempt, 2);
    let tomorrow: Timestamp = "2026-11-24T00:00:00Z".parse().unwrap();
    desk.tell(later(&due, Some(tomorrow))).unwrap();
    assert_eq!(wake_at(&desk.run), Some(tomorrow));
    // an answer to an attempt that was put off is none
    assert!(matches!(desk.settle(&due, ok(json!({}))), Err(Rejection::Stale(_))));
    desk.at = tomorrow;
    desk.tell(Command::Wake).unwrap();
    let due = desk.due().remove(0);
    desk.settle(&due, ok(json!({}))).unwrap();
    assert!(desk.story().ends_with("later lesen | again lesen 0 | <lesen | +lesen | >schreiben"), "{}", desk.story());
}

#[test]
fn a_run_that_ends_waits_only_for_what_may_have_happened() {
    // put off before any attempt: it did not happen, the run ends at once
    let mut desk = Desk::new(CALLS, json!({"n": 1})).unwrap();
    let read = desk.due().remove(0);
    desk.tell(later(&read, None)).unwrap();
    desk.tell(Command::Cancel { by: clerk(), reason: String::new() }).unwrap();
    assert!(desk.story().ends_with("later lesen | ending Cancelled | xlesen GiveUp | !lesen | cancelled {}"), "{}", desk.story());
    // a write that may have acted is asked again, however long that takes, and then undone
    let again = CALLS.replace("schreiben: { needs", "schreiben: { retry: { attempts: 3 }, needs");
    let mut desk = Desk::new(&again, json!({"n": 1})).unwrap();
    let read = desk.due().remove(0);
    desk.settle(&read, ok(json!({}))).unwrap();
    let write = desk.due().remove(0);
    desk.settle(&write, no(FailureClass::Timeout, Disposition::Unknown)).unwrap();
    desk.tell(Command::Cancel { by: clerk(), reason: String::new() }).unwrap();
    let write = desk.due().remove(0);
    desk.tell(later(&write, None)).unwrap();
    assert!(desk.run.ended.is_none() && desk.due().is_empty());
    desk.at = wake_at(&desk.run).unwrap();
    desk.tell(Command::Wake).unwrap();
    let write = desk.due().remove(0);
    desk.settle(&write, ok(json!({"id": 7}))).unwrap();
    // an undo that finds nobody keeps its time, too
    let undo = desk.due().remove(0);
    assert_eq!(undo.key.path.to_string(), "schreiben~undo");
    desk.settle(&undo, no(FailureClass::Unavailable, Disposition::DidNotHappen)).unwrap();
    assert!(desk.due().is_empty() && wake_at(&desk.run).is_some(), "{}", desk.story());
    desk.at = wake_at(&desk.run).unwrap();
    desk.tell(Command::Wake).unwrap();
    let undo = desk.due().remove(0);
    desk.settle(&undo, ok(json!({}))).unwrap();
    assert_eq!(desk.run.state().as_str(), "cancelled");
}

proptest! {
    /// Whatever happens in whatever order, what is written reads back to what was seen, and every run ends or waits.
    #[test]
    fn replay_law(choices in proptest::collection::vec(0..8usize, 1..40)) {
        let mut desk = Desk::new(CALLS, json!({"n": 1})).unwrap();
        for choice in choices {
            if desk.run.ended.is_some() {
                break;
            }
            let Some(due) = desk.due().into_iter().next() else {
                desk.at += jiff::SignedDuration::from_secs(600);
                let doubt = desk.run.open_tasks().next().and_then(|t| t.opened.path.clone());
                let told = match (doubt, choice % 3) {
                    (_, 2) => desk.tell(Command::Anew { step: StepId::parse(["lesen", "schreiben"][choice % 2]).unwrap(), by: clerk() }),
                    (Some(path), 0) => desk.tell(Command::Resolve { path, by: clerk(), resolution: Resolution::DidNotHappen }),
                    (Some(path), _) => desk.tell(Command::TakeOver { path, by: clerk() }),
                    _ => desk.tell(Command::Wake),
                };
                let _ = told;
                continue;
            };
            let outcome = match choice {
                0 => no(FailureClass::Unavailable, Disposition::DidNotHappen),
                1 => no(FailureClass::Timeout, Disposition::Unknown),
                2 => no(FailureClass::Refused, Disposition::DidNotHappen),
                3 => { let _ = desk.tell(Command::Refuse { path: due.key.path.clone(), round: due.key.round, decision: yes() }); continue; }
                6 | 7 => { desk.tell(later(&due, None)).unwrap(); continue; }
                4 => { let _ = desk.tell(Command::Cancel { by: clerk(), reason: String::new() }); continue; }
                _ => ok(json!({"id": 1})),
            };
            desk.settle(&due, outcome).unwrap();
        }
        let nothing_lost = desk.run.ended.is_some() || !desk.due().is_empty() || wake_at(&desk.run).is_some() || desk.run.open_tasks().next().is_some();
        prop_assert!(nothing_lost, "{}", desk.story());
    }
}

/// A record says which pattern raised a label; where and what stays with the content, which can be erased.
#[test]
fn what_was_detected_is_on_record_by_kind_alone() {
    use laufzettel_policy::Detected;
    let steps = "steps:\n  a: { set: { konto: \"{{ input.name }}\", wort: Hund } }\n  b: { set: { wort: Hund } }\noutput: { x: \"{{ steps.b.wort }}\" }\n";
    let desk = Desk::new(steps, json!({ "name": "DE02 1203 0000 0000 2020 51" })).unwrap();
    let found: Vec<(String, Vec<Detected>)> = desk
        .history
        .iter()
        .filter_map(|(event, _)| match event {
            Event::RunStarted(e) => Some(("start".to_owned(), e.detected.iter().copied().collect())),
            Event::StepCompleted(e) => Some((e.step.to_string(), e.detected.iter().copied().collect())),
            _ => None,
        })
        .collect();
    assert_eq!(found, [("start".to_owned(), vec![Detected::Iban]), ("a".to_owned(), vec![Detected::Iban]), ("b".to_owned(), vec![])]);
    let bodies: Vec<String> = desk.history.iter().map(|(event, _)| event.split().0.to_string()).collect();
    assert!(bodies[0].contains(r#""detected":["iban"]"#), "{}", bodies[0]);
    assert!(!bodies.concat().contains("DE02"));
    desk.replay_law();
}

/// What a record says was detected has raised the labels beside it, a phone announced by its field's name too.
#[test]
fn what_was_detected_has_raised_a_label() {
    let values = ["DE02 1203 0000 0000 2020 51", "06502933840", "weber@example.org", "Hund"];
    for value in values {
        let steps = "steps:\n  a: { set: { telefon: \"{{ input.name }}\", mehr: { handy: \"{{ input.name }}\" } } }\n";
        let desk = Desk::new(steps, json!({ "name": value })).unwrap();
        let completed = desk.history.iter().find_map(|(event, _)| if let Event::StepCompleted(e) = event { Some(e) } else { None }).unwrap();
        let demanded = laufzettel_policy::detect::label_of(&completed.detected);
        let labels = completed.labels.whole();
        assert!(labels.schutzbedarf >= demanded.schutzbedarf && labels.kategorien.is_superset(&demanded.kategorien), "{value}: {labels}");
        assert_eq!(completed.detected.is_empty(), value == "Hund", "{value}");
    }
}
