//! A step is ordered anew: what is put back with it, what is undone first, and when the order is refused.

use jiff::SignedDuration;
use laufzettel_domain::{Caller, StepId, Value};
use laufzettel_engine::{ChildEnd, Command, Disposition, Rejection, State, StepState, wake_at};
use laufzettel_policy::Decision;
use laufzettel_process::model::FailureClass;
use serde_json::json;

use crate::desk::{Desk, answer, clerk, no, ok, yes};

const STEPS: &str = r#"
steps:
  lesen: { tool: t/lesen }
  rechnen: { set: { x: "{{ steps.lesen.a }}" } }
  schreiben: { needs: [rechnen], tool: t/schreiben, with: { a: "{{ steps.rechnen.x }}" }, undo: { tool: t/schreiben, with: { id: "{{ result.id }}" } } }
  fragen: { needs: [schreiben], human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }
  allein: { set: { y: 1 } }
output: { x: "{{ steps.rechnen.x }}" }
"#;

fn order(desk: &mut Desk, step: &str) -> Result<(), Rejection> {
    desk.tell(Command::Anew { step: StepId::parse(step).unwrap(), by: clerk() })
}

fn take(desk: &mut Desk, value: Value) {
    let due = desk.due().remove(0);
    desk.settle(&due, ok(value)).unwrap();
}

fn fail(desk: &mut Desk, class: FailureClass, disposition: Disposition) {
    let due = desk.due().remove(0);
    desk.settle(&due, no(class, disposition)).unwrap();
}

fn says(desk: &mut Desk, values: Value, by: Caller) {
    let wish = answer(desk, values, by);
    desk.tell(wish).unwrap();
}

/// Everything is done but the clerk's answer.
fn asking() -> Desk {
    let mut desk = Desk::new(STEPS, json!({})).unwrap();
    take(&mut desk, json!({ "a": "alt" }));
    take(&mut desk, json!({ "id": 7 }));
    desk
}

/// What follows for the run when this step is ordered anew.
#[test]
fn a_step_and_what_depends_on_it_begin_again() {
    for (step, expected) in [
        (
            "lesen",
            "order lesen 1 | withdrawn 1 | >schreiben~undo | <schreiben~undo | anew lesen 1 | anew rechnen 1 | anew schreiben 1 | anew fragen 1 | >lesen",
        ),
        ("schreiben", "order schreiben 1 | withdrawn 1 | >schreiben~undo | <schreiben~undo | anew schreiben 1 | anew fragen 1 | >schreiben"),
        ("allein", "order allein 1 | anew allein 1 | +allein"),
    ] {
        let mut desk = asking();
        let before = desk.story().len();
        order(&mut desk, step).unwrap();
        if let Some(undo) = desk.due().into_iter().next().filter(|due| due.key.path.to_string() == "schreiben~undo") {
            desk.settle(&undo, ok(json!({}))).unwrap();
        }
        assert_eq!(&desk.story()[before + 3..], expected);
    }
}

#[test]
fn the_new_round_has_new_keys_and_values_and_is_undone_by_itself() {
    let mut desk = asking();
    order(&mut desk, "lesen").unwrap();
    assert_eq!(desk.due()[0].key.round, 0);
    take(&mut desk, json!({}));
    // nothing of the old round is left in scope
    assert_eq!(desk.run.steps.keys().map(StepId::as_str).collect::<Vec<_>>(), ["allein", "lesen"]);
    assert!(desk.run.completed.iter().all(|slot| slot.step.as_str() == "allein"));
    assert_eq!((desk.due()[0].key.round, desk.due()[0].attempt), (1, 1));
    take(&mut desk, json!({ "a": "neu" }));
    assert_eq!(desk.run.value("rechnen"), Some(&json!({ "x": "neu" })));
    take(&mut desk, json!({ "id": 8 }));
    // ordered once more, and ended
    order(&mut desk, "schreiben").unwrap();
    let undo = desk.due().remove(0);
    assert_eq!((undo.key.path.to_string(), undo.key.round), ("schreiben~undo".to_owned(), 1));
    take(&mut desk, json!({}));
    assert_eq!(desk.due()[0].key.round, 2);
    take(&mut desk, json!({ "id": 9 }));
    says(&mut desk, json!({ "ja": true }), clerk());
    assert!(desk.story().ends_with(r#"completed {"x":"neu"}"#), "{}", desk.story());
}

/// While what was done is taken back nothing begins; an end that is ordered meanwhile takes back the rest.
#[test]
fn nothing_begins_while_undos_are_under_way() {
    let mut desk = asking();
    order(&mut desk, "lesen").unwrap();
    assert!(matches!(order(&mut desk, "allein"), Err(Rejection::Stale(_))));
    desk.tell(Command::Wake).unwrap();
    assert_eq!(desk.due().len(), 1);
    desk.tell(Command::Cancel { by: clerk(), reason: "Irrtum".into() }).unwrap();
    take(&mut desk, json!({}));
    assert!(desk.story().ends_with(">schreiben~undo | ending Cancelled | <schreiben~undo | cancelled {}"), "{}", desk.story());
}

#[test]
fn an_undo_that_fails_leaves_the_run_stuck() {
    let mut desk = asking();
    order(&mut desk, "lesen").unwrap();
    fail(&mut desk, FailureClass::Refused, Disposition::DidNotHappen);
    assert!(desk.story().ends_with("xschreiben~undo GiveUp | stuck null"), "{}", desk.story());
    assert!(matches!(order(&mut desk, "lesen"), Err(Rejection::Stale(_))));
}

/// A process, what happened to it, the step that is ordered anew, and why that is refused.
#[test]
fn what_cannot_be_put_back_is_said_in_words() {
    let silent = |desk: &mut Desk| fail(desk, FailureClass::Timeout, Disposition::Unknown);
    let done = |desk: &mut Desk| take(desk, json!({ "id": 1 }));
    type Happens = Box<dyn Fn(&mut Desk)>;
    let table: [(&str, &str, Happens, &str); 8] = [
        ("a: { tool: t/lesen }", "a", Box::new(|_| {}), "läuft noch"),
        ("a: { tool: t/lesen }\n  b: { needs: [a], tool: t/lesen }", "a", Box::new(done), "unterwegs"),
        ("a: { tool: t/lesen }\n  b: { needs: [a], tool: t/lesen }", "b", Box::new(|_| {}), "nicht begonnen"),
        ("a: { if: \"{{ input.n == 7 }}\", set: { x: 1 } }\n  b: { tool: t/lesen }", "a", Box::new(|_| {}), "übersprungen"),
        ("a: { tool: t/senden }\n  b: { needs: [a], wait: { for: P1D } }", "a", Box::new(done), "wie man es zurücknimmt"),
        ("s: { set: { x: 1 } }\n  a: { needs: [s], tool: t/senden }", "s", Box::new(silent), "Niemand weiß"),
        ("s: { set: { x: 1 } }\n  a: { needs: [s], tool: t/schreiben, retry: { attempts: 3 } }", "s", Box::new(silent), "steht noch nicht fest"),
        // failed, and nobody knows whether it stands
        ("a: { on_error: continue, tool: t/schreiben }\n  b: { needs: [a], wait: { for: P1D } }", "a", Box::new(silent), "wie man es zurücknimmt"),
    ];
    for (steps, step, happens, why) in table {
        let mut desk = Desk::new(&format!("steps:\n  {steps}\n"), json!({ "n": 1 })).unwrap();
        happens(&mut desk);
        let before = desk.history.len();
        let Err(Rejection::Stale(text)) = order(&mut desk, step) else { panic!("{steps}: {}", desk.story()) };
        assert!(text.de.contains(why), "{steps}: {}", text.de);
        assert_eq!(desk.history.len(), before);
    }
}

/// What only stands still goes with the order: a repair, a parked call, a timer, a retry that lies ahead.
#[test]
fn what_stands_still_is_put_back() {
    let parks = |desk: &mut Desk| {
        let path = desk.due().remove(0).key.path;
        desk.tell(Command::Refuse { path, round: 0, decision: Decision { allow: false, ..yes() } }).unwrap();
    };
    let refuses = |desk: &mut Desk| fail(desk, FailureClass::Refused, Disposition::DidNotHappen);
    let misses = |desk: &mut Desk| fail(desk, FailureClass::Timeout, Disposition::Unknown);
    type Happens = Box<dyn Fn(&mut Desk)>;
    let table: [(&str, &str, Happens, &str); 5] = [
        ("a: { on_error: human, tool: t/lesen }", "a", Box::new(refuses), "order a 1 | withdrawn 1 | anew a 1 | >a"),
        ("a: { tool: t/lesen }", "a", Box::new(parks), "order a 1 | withdrawn 1 | xa GiveUp | anew a 1 | >a"),
        ("a: { on_error: continue, tool: t/lesen }\n  b: { needs: [a], wait: { for: P1D } }", "a", Box::new(refuses), "order a 1 | anew a 1 | anew b 1 | >a"),
        (
            "s: { set: { x: 1 } }\n  a: { needs: [s], tool: t/lesen, retry: { attempts: 3 } }",
            "s",
            Box::new(misses),
            "order s 1 | xa GiveUp | anew s 1 | anew a 1 | +s | >a",
        ),
        (
            "s: { set: { x: [1, 2] } }\n  a: { each: \"{{ steps.s.x }}\", max_parallel: 1, on_error: human, tool: t/lesen }",
            "s",
            Box::new(refuses),
            "order s 1 | withdrawn 1 | anew s 1 | anew a 1 | +s | *a 2 | >a.i1",
        ),
    ];
    for (steps, step, happens, expected) in table {
        let mut desk = Desk::new(&format!("steps:\n  {steps}\n"), json!({})).unwrap();
        happens(&mut desk);
        let before = desk.story().len();
        order(&mut desk, step).unwrap();
        assert_eq!(&desk.story()[before + 3..], expected);
        assert!(desk.run.waits.is_empty() && wake_at(&desk.run).is_none(), "{steps}");
    }
}

/// Whoever answered in an earlier round has not answered for this one.
#[test]
fn an_old_answer_counts_no_more() {
    let steps = "
steps:
  f: { human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }
  g: { run_as: steps.f, tool: t/lesen }
";
    let mut desk = Desk::new(steps, json!({})).unwrap();
    says(&mut desk, json!({ "ja": true }), clerk());
    fail(&mut desk, FailureClass::Refused, Disposition::DidNotHappen);
    assert!(desk.run.ended.is_some());
    let mut desk = Desk::new(&steps.replace("tool: t/lesen", "on_error: human, tool: t/lesen"), json!({})).unwrap();
    says(&mut desk, json!({ "ja": true }), clerk());
    fail(&mut desk, FailureClass::Refused, Disposition::DidNotHappen);
    order(&mut desk, "f").unwrap();
    assert_eq!(desk.run.completed_by(&StepId::parse("f").unwrap()).count(), 0);
    let other = Caller { subject: "S-2".into(), name: "Weber".into(), ..clerk() };
    says(&mut desk, json!({ "ja": true }), other);
    assert_eq!(desk.due()[0].run.intent.who.name, "Weber");
}

/// Of a list what its items did is taken back, one after the other and backwards.
#[test]
fn the_items_of_a_list_are_undone() {
    let steps = r#"
steps:
  a: { each: "{{ [1, 2] }}", tool: t/schreiben, with: { n: "{{ item }}" }, undo: { tool: t/schreiben, with: { id: "{{ result.id }}" } } }
  b: { needs: [a], wait: { for: P1D } }
"#;
    let mut desk = Desk::new(steps, json!({})).unwrap();
    take(&mut desk, json!({ "id": 1 }));
    take(&mut desk, json!({ "id": 2 }));
    assert!(matches!(desk.run.steps["a"], StepState::Completed { .. }));
    desk.at += SignedDuration::from_secs(5);
    let before = desk.story().len();
    order(&mut desk, "a").unwrap();
    take(&mut desk, json!({}));
    take(&mut desk, json!({}));
    assert_eq!(&desk.story()[before + 3..], "order a 1 | >a~undo.i2 | <a~undo.i2 | >a~undo.i1 | <a~undo.i1 | anew a 1 | anew b 1 | *a 2 | >a.i1 | >a.i2");
}

const CALLS: &str = r#"
steps:
  eins: { process: { name: kind, input: { wert: a } }, on_error: continue }
  zwei: { process: { name: kind, input: { wert: b } }, on_error: continue }
"#;

/// What a called run left standing when it failed is not done once more; what left nothing is called again, under a number of its own.
#[test]
fn a_called_run_is_called_again_only_if_nothing_of_it_stands() {
    for clean in [false, true] {
        let mut desk = Desk::new(CALLS, json!({})).unwrap();
        let child = desk.run.open_children().find(|(slot, _)| slot.step.as_str() == "eins").unwrap().1.run;
        let end = ChildEnd { state: State::Failed, output: json!(null), labels: Default::default(), message: String::new(), clean };
        desk.tell(Command::ChildEnded { run: child, end }).unwrap();
        let ordered = order(&mut desk, "eins");
        let numbers: Vec<String> = desk.run.open_children().map(|(slot, child)| format!("{slot} {}", child.nummer)).collect();
        match ordered {
            Ok(()) => assert!(clean && numbers == ["eins 2026-000001/3", "zwei 2026-000001/2"], "{numbers:?}"),
            Err(Rejection::Stale(text)) => assert!(!clean && text.de.contains("2026-000001/1") && text.de.contains("hat etwas bewirkt"), "{}", text.de),
            Err(other) => panic!("{other:?}"),
        }
    }
}

const ENDS: &str = r#"
steps:
  schreiben: { tool: t/schreiben, with: { a: x }, undo: { tool: t/schreiben, with: { id: "{{ result.id }}" } } }
  lesen: { tool: t/lesen }
  fragen:
    human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } }
    end_if: "{{ result.ja }}"
"#;

/// While something is undone, nothing may end the run as done: it would be neither.
#[test]
fn an_order_waits_for_what_may_end_the_run_meanwhile() {
    let mut desk = Desk::new(ENDS, json!({})).unwrap();
    for due in desk.due() {
        desk.settle(&due, ok(json!({ "id": 7 }))).unwrap();
    }
    // nothing to undo: it is put back at once, and there is no meanwhile
    order(&mut desk, "lesen").unwrap();
    take(&mut desk, json!({}));
    assert!(matches!(order(&mut desk, "schreiben"), Err(Rejection::Stale(text)) if text.de.contains("„fragen“")));
    says(&mut desk, json!({ "ja": false }), clerk());
}
