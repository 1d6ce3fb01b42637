//! A call nobody knows of, whose server can be asked: what follows from what it says, and from its silence.

use jiff::SignedDuration;
use laufzettel_domain::Value;
use laufzettel_engine::{Command, Disposition, Outcome, Rejection, Resolution, TaskKind, wake_at};
use laufzettel_policy::Decision;
use laufzettel_process::model::FailureClass;
use serde_json::json;

use crate::desk::{Desk, answer, clerk, no, ok, yes};

fn wait(desk: &mut Desk, seconds: i64) {
    desk.at += SignedDuration::from_secs(seconds);
    desk.tell(Command::Wake).unwrap();
}

/// A call is made, and nobody knows what became of it.
fn lost(desk: &mut Desk) {
    let due = desk.due().into_iter().find(|effect| !effect.asks).unwrap();
    desk.settle(&due, no(FailureClass::Timeout, Disposition::Unknown)).unwrap();
}

fn take(desk: &mut Desk, value: Value) {
    let due = desk.due().remove(0);
    desk.settle(&due, ok(value)).unwrap();
}

fn never() -> Outcome {
    no(FailureClass::Unavailable, Disposition::DidNotHappen)
}

fn silent() -> Outcome {
    no(FailureClass::Unavailable, Disposition::Unknown)
}

/// What a step says of retries, what the server says, and what follows.
#[test]
fn what_the_server_says_is_what_became_of_the_call() {
    for (more, said, expected) in [
        ("", ok(json!({ "id": 7 })), "<melden | +melden | completed {}"),
        ("", never(), "xmelden GiveUp | !melden | ending Failed | failed {}"),
        ("on_error: continue, ", never(), "xmelden GiveUp | !melden | completed {}"),
        ("retry: { attempts: 2 }, ", never(), "xmelden RetryAt"),
        // held against how the call failed, not against what the server says now
        ("retry: { attempts: 2, on: [unavailable] }, ", never(), "xmelden GiveUp | !melden | ending Failed | failed {}"),
        ("retry: { attempts: 2, on: [timeout] }, ", never(), "xmelden RetryAt"),
        // it happened, and its result does not fit: that is not repeated
        ("retry: { attempts: 2 }, ", no(FailureClass::InvalidOutput, Disposition::Happened), "xmelden GiveUp | !melden | ending Failed | failed {}"),
        ("retry: { attempts: 2 }, ", silent(), "silent melden"),
        // the question itself is refused: waiting does not help
        ("retry: { attempts: 2 }, ", no(FailureClass::Refused, Disposition::Unknown), "silent melden doubt | ?1"),
    ] {
        let mut desk = Desk::new(&format!("steps:\n  melden: {{ {more}tool: t/melden }}\n"), json!({})).unwrap();
        lost(&mut desk);
        let asked = desk.due().remove(0);
        assert_eq!((asked.asks, asked.attempt, desk.run.state().as_str()), (true, 1, "running"));
        desk.testify(said.clone()).unwrap();
        assert_eq!(desk.story(), format!("start | >melden | xmelden Settle | {expected}"), "{more}{said:?}");
    }
}

#[test]
fn the_next_attempt_has_the_same_key() {
    let mut desk = Desk::new("steps:\n  melden: { tool: t/melden, retry: { attempts: 3, delay: PT2S } }\n", json!({})).unwrap();
    let first = desk.due().remove(0);
    lost(&mut desk);
    // the call's own answer comes too late: its server has been asked
    assert!(matches!(desk.settle(&first, ok(json!({}))), Err(Rejection::Stale(_))));
    desk.testify(never()).unwrap();
    assert!(matches!(desk.tell(Command::Testify { path: first.key.path.clone(), round: 0, attempt: 1, outcome: ok(json!({})) }), Err(Rejection::Stale(_))));
    wait(&mut desk, 2);
    let second = desk.due().remove(0);
    assert_eq!((second.key, second.attempt, second.asks, second.run.uncertain), (first.key, 2, false, false));
    take(&mut desk, json!({}));
    assert_eq!(desk.story(), "start | >melden | xmelden Settle | xmelden RetryAt | again melden 0 | <melden | +melden | completed {}");
}

/// A server that is away is asked after one, two, four seconds and so on; after half a minute a person is, too.
#[test]
fn a_silent_server_is_asked_again_and_then_a_person_is() {
    let mut desk = Desk::new("steps:\n  melden: { tool: t/melden }\n", json!({})).unwrap();
    lost(&mut desk);
    let mut pauses = Vec::new();
    for _ in 0..14 {
        desk.testify(silent()).unwrap();
        let pause = wake_at(&desk.run).unwrap().duration_since(desk.at).as_secs();
        pauses.push((pause, desk.run.open_tasks().count()));
        assert_eq!(desk.run.state().as_str(), "waiting");
        wait(&mut desk, pause);
    }
    let expected = [(1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (32, 1), (64, 1), (128, 1), (256, 1), (512, 1), (600, 1), (600, 1), (600, 1), (600, 1)];
    assert_eq!(pauses, expected);
    // it is there again: nobody has to look any more
    let task = desk.run.open_tasks().next().unwrap().opened.kind.clone();
    assert_eq!(task, TaskKind::Doubt);
    desk.testify(ok(json!({}))).unwrap();
    assert!(desk.story().ends_with("asked melden | <melden | +melden | withdrawn 1 | completed {}"), "{}", desk.story());
}

/// A server that hangs uses up the half minute with its first answers.
#[test]
fn a_hanging_server_keeps_nobody_waiting_longer() {
    let mut desk = Desk::new("steps:\n  melden: { tool: t/melden }\n", json!({})).unwrap();
    lost(&mut desk);
    for pause in [1, 2, 4] {
        desk.at += SignedDuration::from_secs(10);
        desk.testify(silent()).unwrap();
        wait(&mut desk, pause);
    }
    assert!(
        desk.story().ends_with("silent melden | asked melden | silent melden | asked melden | silent melden doubt | ?1 | asked melden"),
        "{}",
        desk.story()
    );
}

#[test]
fn a_person_who_answers_first_has_answered() {
    for (resolution, expected) in
        [(Resolution::Happened(json!({})), "<melden | +melden | withdrawn 1 | completed {}"), (Resolution::DidNotHappen, "again melden 1 | withdrawn 1")]
    {
        let mut desk = Desk::new("steps:\n  melden: { tool: t/melden }\n", json!({})).unwrap();
        lost(&mut desk);
        desk.testify(no(FailureClass::Refused, Disposition::Unknown)).unwrap();
        // asked again and again meanwhile: a minute after the attempt she may say so all the same
        for pause in [1, 2, 4, 8, 16, 32] {
            wait(&mut desk, pause);
            desk.testify(silent()).unwrap();
        }
        let path = desk.run.effects.keys().next().unwrap().clone();
        let before = desk.story().len();
        desk.tell(Command::Resolve { path: path.clone(), by: clerk(), resolution }).unwrap();
        assert_eq!(&desk.story()[before + 3..], expected);
        let late = Command::Testify { path, round: 0, attempt: 1, outcome: never() };
        assert!(matches!(desk.tell(late), Err(Rejection::Stale(_))));
    }
}

/// The inbox says the same as the command line.
#[test]
fn the_task_ends_the_question() {
    let mut desk = Desk::new("steps:\n  melden: { tool: t/melden }\n", json!({})).unwrap();
    lost(&mut desk);
    desk.testify(no(FailureClass::Refused, Disposition::Unknown)).unwrap();
    let wish = answer(&desk, json!({ "geschehen": true, "wert": "{}" }), clerk());
    desk.tell(wish).unwrap();
    assert!(desk.story().ends_with("?1 | answered 1 | <melden | +melden | completed {}"), "{}", desk.story());
}

const UNDONE: &str = "
steps:
  melden: { tool: t/melden, retry: { attempts: 3 }, undo: { tool: t/melden, with: { id: \"{{ result.id }}\" } } }
  danach: { needs: [melden], tool: t/lesen }
";

#[test]
fn a_run_that_ends_waits_for_the_servers_word() {
    for (said, expected) in [
        (ok(json!({ "id": 7 })), "<melden | +melden | >melden~undo | <melden~undo | cancelled {}"),
        (never(), "xmelden GiveUp | !melden | cancelled {}"),
        (no(FailureClass::InvalidOutput, Disposition::Happened), "xmelden GiveUp | !melden | cancelled {}"),
    ] {
        let mut desk = Desk::new(UNDONE, json!({})).unwrap();
        lost(&mut desk);
        desk.tell(Command::Cancel { by: clerk(), reason: "Irrtum".into() }).unwrap();
        desk.testify(silent()).unwrap();
        wait(&mut desk, 1);
        let before = desk.story().len();
        desk.testify(said).unwrap();
        if desk.run.ended.is_none() {
            take(&mut desk, json!({}));
        }
        assert_eq!(&desk.story()[before + 3..], expected);
    }
}

/// An undo whose outcome nobody knows would leave the run stuck, or a person asking; its server knows.
#[test]
fn an_undo_is_asked_about_too() {
    for (said, expected) in [(ok(json!({})), "<melden~undo | failed {}"), (never(), "xmelden~undo RetryAt")] {
        let mut desk = Desk::new(UNDONE, json!({})).unwrap();
        take(&mut desk, json!({ "id": 7 }));
        let reading = desk.due().remove(0);
        desk.settle(&reading, no(FailureClass::Refused, Disposition::DidNotHappen)).unwrap();
        lost(&mut desk);
        let before = desk.story().len();
        desk.testify(said).unwrap();
        assert_eq!(&desk.story()[before + 3..], expected);
    }
}

/// What may be repeated is repeated; only when its attempts are used up, and it matters whether it stands, its server is asked.
#[test]
fn a_repeatable_write_is_asked_about_when_its_attempts_are_used_up() {
    let steps = "steps:\n  buchen: { tool: t/buchen, retry: { attempts: 3, delay: PT2S } }\n";
    for (cancelled, said, expected) in [
        (true, ok(json!({})), "xbuchen Settle | <buchen | +buchen | cancelled {}"),
        (true, never(), "xbuchen Settle | xbuchen GiveUp | !buchen | cancelled {}"),
        (false, never(), "xbuchen RetryAt"),
    ] {
        let mut desk = Desk::new(steps, json!({})).unwrap();
        if cancelled {
            desk.tell(Command::Cancel { by: clerk(), reason: "Irrtum".into() }).unwrap();
        }
        let before = desk.story().len();
        lost(&mut desk);
        if cancelled {
            desk.testify(said).unwrap();
        }
        assert_eq!(&desk.story()[before + 3..], expected);
    }
}

/// Over its time a step begins nothing new; that the call happened counts, that it did not ends the step.
#[test]
fn a_deadline_does_not_end_the_question() {
    for (said, expected) in [(ok(json!({})), "<melden | +melden | completed {}"), (never(), "xmelden GiveUp | !melden | ending Failed | failed {}")] {
        let mut desk = Desk::new("steps:\n  melden: { deadline: PT1M, retry: { attempts: 3 }, tool: t/melden }\n", json!({})).unwrap();
        lost(&mut desk);
        desk.testify(silent()).unwrap();
        wait(&mut desk, 61);
        let before = desk.story().len();
        desk.testify(said).unwrap();
        assert_eq!(&desk.story()[before + 3..], expected);
    }
}

/// A run that is stuck for another reason asks no more; an answer that is on its way is awaited and written down.
#[test]
fn a_stuck_run_asks_no_more() {
    let steps = "steps:\n  melden: { tool: t/melden }\n  schreiben: { tool: t/schreiben, retry: { attempts: 3, delay: PT1S } }\n";
    for (said, expected) in [(silent(), "silent melden | stuck null"), (ok(json!({})), "<melden | +melden | stuck null")] {
        let mut desk = Desk::new(steps, json!({})).unwrap();
        lost(&mut desk);
        desk.testify(silent()).unwrap();
        lost(&mut desk);
        wait(&mut desk, 1);
        let writing = desk.due().into_iter().find(|effect| !effect.asks).unwrap();
        desk.tell(Command::Refuse { path: writing.key.path, round: 0, decision: Decision { allow: false, ..yes() } }).unwrap();
        desk.tell(Command::Cancel { by: clerk(), reason: "Irrtum".into() }).unwrap();
        assert!(desk.story().ends_with("ending Cancelled | withdrawn 1 | ending Stuck"), "{}", desk.story());
        let before = desk.story().len();
        desk.testify(said).unwrap();
        assert_eq!(&desk.story()[before + 3..], expected);
    }
}

/// A model that read of an error would write again, under another key.
#[test]
fn an_agents_call_is_asked_about() {
    let steps = "
steps:
  a: { agent: { goal: Melde, tools: [t/melden], output: { type: object, required: [a], properties: { a: { type: string } } } } }
";
    for (said, told) in [(ok(json!({ "id": 7 })), "<a.t1.c1 | >a.t2"), (never(), "xa.t1.c1 GiveUp | >a.t2")] {
        let mut desk = Desk::new(steps, json!({})).unwrap();
        take(&mut desk, json!({ "calls": [{ "tool": "t/melden", "with": {} }] }));
        let wish = answer(&desk, json!({ "entscheidung": "freigeben" }), clerk());
        desk.tell(wish).unwrap();
        lost(&mut desk);
        assert!(desk.story().ends_with("xa.t1.c1 Settle"), "{}", desk.story());
        let before = desk.story().len();
        desk.testify(said).unwrap();
        assert_eq!(&desk.story()[before + 3..], told);
    }
}

/// A call that a door refuses is parked as ever; the question is none that parks.
#[test]
fn a_call_is_parked_and_a_question_is_not() {
    let mut desk = Desk::new("steps:\n  melden: { tool: t/melden }\n", json!({})).unwrap();
    lost(&mut desk);
    let path = desk.due().remove(0).key.path;
    let refused = desk.tell(Command::Refuse { path, round: 0, decision: Decision { allow: false, ..yes() } });
    assert!(matches!(refused, Err(Rejection::Stale(_))));
}
