//! A step for every element of a list, a tool asked again, a step repaired.

use jiff::SignedDuration;
use laufzettel_domain::{Schutzbedarf, Trust, Value};
use laufzettel_engine::{Command, Disposition, Effect, Rejection, StepState, wake_at};
use laufzettel_process::model::FailureClass;
use serde_json::json;

use super::desk::{Desk, answer, clerk, no, ok};

const EACH: &str = r#"
steps:
  liste: { set: { namen: [ { n: a, ziel: 1 }, { n: b, ziel: 2 }, { n: c, ziel: 3 } ] } }
  schreiben:
    each: "{{ steps.liste.namen }}"
    max_parallel: 2
    tool: t/schreiben
    with: { name: "{{ item.n }}", nummer: "{{ index }}" }
    undo: { tool: t/schreiben, with: { weg: "{{ result.id }}", wer: "{{ item.n }}" } }
  danach: { set: { ids: "{{ steps.schreiben | map(attribute='id') | join(',') }}" } }
output: { ids: "{{ steps.danach.ids }}", zweite: "{{ steps.schreiben[1].id }}" }
"#;

fn arguments(effect: &Effect) -> Value {
    serde_json::to_value(&effect.run.intent.call).unwrap()["arguments"].clone()
}

fn take(desk: &mut Desk, value: Value) {
    let due = desk.due().remove(0);
    desk.settle(&due, ok(value)).unwrap();
}

#[test]
fn a_list_is_worked_off_so_many_at_a_time() {
    let mut desk = Desk::new(EACH, json!({})).unwrap();
    assert_eq!(desk.story(), "start | +liste | *schreiben 3 | >schreiben.i1 | >schreiben.i2");
    let due = desk.due();
    assert_eq!(arguments(&due[1]), json!({ "name": "b", "nummer": 1 }));
    // whoever is done first makes room; the value keeps the order of the list
    desk.settle(&due[1], ok(json!({ "id": "B" }))).unwrap();
    assert!(desk.story().ends_with("<schreiben.i2 | +schreiben.i2 | >schreiben.i3"), "{}", desk.story());
    take(&mut desk, json!({ "id": "A" }));
    take(&mut desk, json!({ "id": "C" }));
    assert!(desk.story().ends_with(r#"+schreiben.i3 | +schreiben | +danach | completed {"ids":"A,B,C","zweite":"B"}"#), "{}", desk.story());
    let empty = EACH.replace("[ { n: a, ziel: 1 }, { n: b, ziel: 2 }, { n: c, ziel: 3 } ]", "[]").replace(", zweite: \"{{ steps.schreiben[1].id }}\"", "");
    let empty = Desk::new(&empty, json!({})).unwrap();
    assert_eq!(empty.story(), r#"start | +liste | *schreiben 0 | +schreiben | +danach | completed {"ids":""}"#);
    let many = EACH.replacen("{{ steps.liste.namen }}", "{{ input.viele }}", 1).replace("item.n }}", "item }}");
    let many = Desk::new(&many, json!({ "viele": vec!["x"; 1_001] })).unwrap();
    assert!(many.run.message.contains("1001 Einträge, höchstens 1000"), "{}", many.run.message);
}

#[test]
fn a_failed_item_ends_the_list_and_what_was_done_is_undone_backwards() {
    let mut desk = Desk::new(EACH, json!({})).unwrap();
    let due = desk.due();
    desk.settle(&due[0], ok(json!({ "id": "A" }))).unwrap();
    let third = desk.due().remove(1);
    desk.settle(&third, no(FailureClass::Refused, Disposition::DidNotHappen)).unwrap();
    // what is under way is awaited, and counts
    assert!(desk.story().ends_with("xschreiben.i3 GiveUp | !schreiben.i3"), "{}", desk.story());
    desk.settle(&due[1], ok(json!({ "id": "B" }))).unwrap();
    assert!(desk.story().ends_with("+schreiben.i2 | !schreiben | ending Failed | >schreiben~undo.i2"), "{}", desk.story());
    let undo = desk.due().remove(0);
    assert_eq!(arguments(&undo), json!({ "weg": "B", "wer": "b" }));
    desk.settle(&undo, ok(json!({}))).unwrap();
    let undo = desk.due().remove(0);
    assert_eq!(arguments(&undo), json!({ "weg": "A", "wer": "a" }));
    desk.settle(&undo, ok(json!({}))).unwrap();
    assert!(desk.story().ends_with("failed {}"), "{}", desk.story());
}

#[test]
fn a_failed_item_may_be_none_and_the_others_go_on() {
    let steps = EACH
        .replace("max_parallel: 2", "on_item_error: continue")
        .replace("map(attribute='id')", "select('mapping') | map(attribute='id')")
        .replace(", zweite: \"{{ steps.schreiben[1].id }}\"", "");
    let mut desk = Desk::new(&steps, json!({})).unwrap();
    let due = desk.due();
    desk.settle(&due[1], no(FailureClass::Refused, Disposition::DidNotHappen)).unwrap();
    desk.settle(&due[0], ok(json!({ "id": "A" }))).unwrap();
    desk.settle(&due[2], ok(json!({ "id": "C" }))).unwrap();
    assert_eq!(desk.run.value("schreiben"), Some(&json!([{ "id": "A" }, null, { "id": "C" }])));
    assert!(desk.story().ends_with(r#"completed {"ids":"A,C"}"#), "{}", desk.story());
}

/// Every kind of step has items; what they read of their element has the labels of the list they come from.
#[test]
fn every_kind_goes_over_a_list() {
    let steps = r#"
steps:
  quelle: { tool: t/lesen, with: {} }
  satz: { each: "{{ steps.quelle.liste }}", set: { doppelt: "{{ item.z * 2 }}", stelle: "{{ index }}" } }
  frage: { each: "{{ steps.satz }}", human: { assign: { groups: [GG] }, show: { d: "{{ item.doppelt }}" }, form: { type: object, properties: { ja: { type: boolean } } } } }
  ruhe: { needs: [frage], each: "{{ steps.quelle.liste }}", wait: { for: PT1H } }
  wort: { needs: [ruhe], each: "{{ steps.quelle.liste }}", model: { prompt: Was?, data: { d: "{{ item }}" } } }
output: { n: "{{ steps.wort | length }}" }
"#;
    let mut desk = Desk::new(steps, json!({})).unwrap();
    take(&mut desk, json!({ "liste": [{ "z": 4 }, { "z": 5 }] }));
    assert_eq!(desk.run.value("satz"), Some(&json!([{ "doppelt": 8, "stelle": 0 }, { "doppelt": 10, "stelle": 1 }])));
    let Some(StepState::Completed { labels, .. }) = desk.run.steps.get("satz") else { panic!() };
    let at = |path: &[&str]| labels.at(&path.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>());
    // the tool yields high and foreign; a product and a place are numbers and order nothing
    assert_eq!(
        (at(&["1", "doppelt"]).schutzbedarf, at(&["1", "doppelt"]).trust, at(&["0", "stelle"]).trust),
        (Schutzbedarf::Hoch, Trust::Untrusted, Trust::Untrusted)
    );
    assert_eq!(desk.run.open_tasks().count(), 2);
    for _ in 0..2 {
        let one = answer(&desk, json!({ "ja": true }), clerk());
        desk.tell(one).unwrap();
    }
    assert_eq!(desk.run.waits.len(), 2);
    desk.at = wake_at(&desk.run).unwrap();
    desk.tell(Command::Wake).unwrap();
    let due = desk.due();
    assert_eq!(due.iter().map(|e| e.key.path.to_string()).collect::<Vec<_>>(), ["wort.i1", "wort.i2"]);
    assert_eq!(due[0].run.intent.reads.iter().map(ToString::to_string).collect::<Vec<_>>(), ["steps.quelle.liste.*"]);
    for effect in &due {
        desk.settle(effect, ok(json!("ein Wort"))).unwrap();
    }
    assert!(desk.story().ends_with(r#"+wort | completed {"n":2}"#), "{}", desk.story());
}

#[test]
fn a_tool_is_asked_until_it_is_done() {
    let steps = "steps:\n  stand: { tool: t/lesen, with: { akte: A }, repeat: { until: \"{{ result.fertig }}\", every: PT5M, max: 3 } }\noutput: { stand: \"{{ steps.stand.wert }}\" }\n";
    let ask = |desk: &mut Desk, value: Value| {
        if desk.due().is_empty() {
            assert_eq!(wake_at(&desk.run), Some(desk.at + SignedDuration::from_mins(5)));
            desk.at = wake_at(&desk.run).unwrap();
            desk.tell(Command::Wake).unwrap();
        }
        take(desk, value);
    };
    let mut desk = Desk::new(steps, json!({})).unwrap();
    for value in [json!({ "fertig": false }), json!({ "fertig": true, "wert": 7 })] {
        ask(&mut desk, value);
    }
    assert_eq!(desk.story(), r#"start | >stand | <stand | >stand.r1 | again stand.r1 0 | <stand.r1 | +stand | completed {"stand":7}"#);
    let mut never = Desk::new(steps, json!({})).unwrap();
    for _ in 0..3 {
        ask(&mut never, json!({ "fertig": false }));
    }
    let Some(StepState::Failed { class, message, .. }) = never.run.steps.get("stand") else { panic!("{}", never.story()) };
    assert_eq!((*class, message.as_str()), (FailureClass::Timeout, "nach 3 Aufrufen noch nicht fertig"));
    let mut vague = Desk::new(steps, json!({})).unwrap();
    ask(&mut vague, json!({ "noch": 1 }));
    assert!(vague.run.message.contains("repeat.until"), "{}", vague.run.message);
    // a run that ends does not go on asking
    let mut cancelled = Desk::new(steps, json!({})).unwrap();
    ask(&mut cancelled, json!({ "fertig": false }));
    cancelled.tell(Command::Cancel { by: clerk(), reason: String::new() }).unwrap();
    assert!(cancelled.story().ends_with("ending Cancelled | xstand.r1 GiveUp | !stand | cancelled {}"), "{}", cancelled.story());
}

const REPAIR: &str = r#"
steps:
  lesen: { tool: t/lesen, with: { a: 1 }, on_error: human }
  danach: { set: { x: "{{ steps.lesen.x }}" } }
  immer: { needs: ["lesen?"], set: { y: "{{ steps.lesen.x | default(0) }}" } }
output: { x: "{{ steps.danach.x }}", y: "{{ steps.immer.y }}" }
"#;

fn broken() -> Desk {
    let mut desk = Desk::new(REPAIR, json!({})).unwrap();
    let due = desk.due().remove(0);
    desk.settle(&due, no(FailureClass::Refused, Disposition::DidNotHappen)).unwrap();
    assert_eq!((desk.story().as_str(), desk.run.state().as_str()), ("start | >lesen | xlesen GiveUp | ?1", "waiting"));
    desk
}

#[test]
fn a_failed_step_is_repaired_by_a_person() {
    let mut again = broken();
    let wish = answer(&again, json!({ "entscheidung": "erneut" }), clerk());
    again.tell(wish).unwrap();
    let due = again.due().remove(0);
    assert_eq!((due.key.round, due.attempt), (1, 1), "a new execution has a new key");
    again.settle(&due, ok(json!({ "x": 7 }))).unwrap();
    assert_eq!(
        again.story(),
        r#"start | >lesen | xlesen GiveUp | ?1 | answered 1 | anew lesen 1 | >lesen | <lesen | +lesen | +danach | +immer | completed {"x":7,"y":7}"#
    );
    let mut supplied = broken();
    for (values, field) in [
        (json!({ "entscheidung": "wert" }), "wert"),
        (json!({ "entscheidung": "wert", "wert": "{" }), "wert"),
        // a value, and another choice: which of the two was meant nobody knows
        (json!({ "entscheidung": "erneut", "wert": "{\"x\": 3}" }), "wert"),
        (json!({ "entscheidung": "ueberspringen", "wert": "{\"x\": 3}" }), "wert"),
        (json!({ "entscheidung": "abbrechen", "wert": "x" }), "wert"),
    ] {
        let wrong = answer(&supplied, values, clerk());
        let Err(Rejection::Invalid(problems)) = supplied.tell(wrong) else { panic!() };
        assert_eq!(problems[0].path.to_string(), field);
    }
    let wish = answer(&supplied, json!({ "entscheidung": "wert", "wert": "{\"x\": 3}" }), clerk());
    supplied.tell(wish).unwrap();
    assert!(supplied.story().ends_with(r#"answered 1 | +lesen | +danach | +immer | completed {"x":3,"y":3}"#), "{}", supplied.story());
    let Some(StepState::Completed { labels, .. }) = supplied.run.steps.get("lesen") else { panic!() };
    assert_eq!(labels.whole().trust, Trust::Untrusted, "whoever types it in vouches for nothing");
    let mut skipped = broken();
    let wish = answer(&skipped, json!({ "entscheidung": "ueberspringen" }), clerk());
    skipped.tell(wish).unwrap();
    assert!(skipped.story().ends_with(r#"answered 1 | -lesen | -danach | +immer | completed {"y":0}"#), "{}", skipped.story());
    let mut cancelled = broken();
    let wish = answer(&cancelled, json!({ "entscheidung": "abbrechen" }), clerk());
    cancelled.tell(wish).unwrap();
    assert!(cancelled.story().ends_with("answered 1 | ending Cancelled | cancelled {}"), "{}", cancelled.story());
}

/// Of a list what is done stays done; a person's own word is supplied by nobody else.
#[test]
fn a_list_is_repaired_where_it_broke_and_a_gate_by_nobody() {
    let mut desk = Desk::new(&EACH.replace("    max_parallel: 2\n", "    on_error: human\n"), json!({})).unwrap();
    let due = desk.due();
    desk.settle(&due[0], ok(json!({ "id": "A" }))).unwrap();
    desk.settle(&due[1], no(FailureClass::Refused, Disposition::DidNotHappen)).unwrap();
    desk.settle(&due[2], ok(json!({ "id": "C" }))).unwrap();
    assert!(desk.story().ends_with("+schreiben.i3 | ?1"), "{}", desk.story());
    let wish = answer(&desk, json!({ "entscheidung": "erneut" }), clerk());
    desk.tell(wish).unwrap();
    assert_eq!(desk.due().iter().map(|e| (e.key.path.to_string(), e.key.round)).collect::<Vec<_>>(), [("schreiben.i2".to_owned(), 1)]);
    take(&mut desk, json!({ "id": "B" }));
    assert!(desk.story().ends_with(r#"completed {"ids":"A,B,C","zweite":"B"}"#), "{}", desk.story());
    let gate = "steps:\n  f: { on_error: human, human: { assign: { groups: [GG] }, show: { d: \"{{ input.liste }}\" }, form: { type: object, properties: { ja: { type: boolean } } } } }\n";
    let gate = Desk::new(&gate.replace("input.liste", "input.n + 'x'"), json!({ "n": 1 })).unwrap();
    let form = &gate.run.open_tasks().next().unwrap().opened.form;
    assert_eq!(form["properties"]["entscheidung"]["enum"], json!(["erneut", "ueberspringen", "abbrechen"]));
    assert!(form["properties"].get("wert").is_none());
}

/// What a person typed in nobody did, and nobody takes it back; of a list never the list itself.
#[test]
fn a_supplied_value_is_not_undone() {
    let undone = |each: &str| {
        let steps = format!(
            "steps:\n  s: {{ {each}on_error: human, tool: t/schreiben, with: {{ a: 1 }}, undo: {{ tool: t/schreiben, with: {{ id: \"{{{{ result.id }}}}\" }} }} }}\n  z: {{ needs: [s], tool: t/senden, with: {{ a: 1 }} }}\n"
        );
        let mut desk = Desk::new(&steps, json!({ "n": 1 })).unwrap();
        if let Some(due) = desk.due().first().cloned() {
            desk.settle(&due, no(FailureClass::Refused, Disposition::DidNotHappen)).unwrap();
        }
        let value = if each.is_empty() { "{\"id\": 7}" } else { "[{\"id\": 7}]" };
        let supplied = answer(&desk, json!({ "entscheidung": "wert", "wert": value }), clerk());
        desk.tell(supplied).unwrap();
        let due = desk.due().remove(0);
        desk.settle(&due, no(FailureClass::Refused, Disposition::DidNotHappen)).unwrap();
        desk
    };
    for each in ["", "each: \"{{ [input.n + 'x'] }}\", "] {
        let desk = undone(each);
        assert!(desk.story().ends_with("!z | ending Failed | failed {}"), "{each}: {}", desk.story());
    }
}

/// It did happen, only its answer was of no use: whoever reads the number off the other system has it taken back by that.
#[test]
fn what_happened_is_undone_by_the_value_somebody_supplied() {
    let steps = "steps:\n  s: { on_error: human, tool: t/schreiben, with: { a: 1 }, undo: { tool: t/schreiben, with: { id: \"{{ result.id }}\" } } }\n  z: { needs: [s], tool: t/senden, with: { a: 1 } }\n";
    let mut desk = Desk::new(steps, json!({ "n": 1 })).unwrap();
    let due = desk.due().remove(0);
    desk.settle(&due, no(FailureClass::InvalidOutput, Disposition::Happened)).unwrap();
    let supplied = answer(&desk, json!({ "entscheidung": "wert", "wert": "{\"id\": 7}" }), clerk());
    desk.tell(supplied).unwrap();
    let due = desk.due().remove(0);
    desk.settle(&due, no(FailureClass::Refused, Disposition::DidNotHappen)).unwrap();
    let undo = desk.due().remove(0);
    assert_eq!((undo.key.path.to_string().as_str(), arguments(&undo)), ("s~undo", json!({ "id": 7 })));
    desk.settle(&undo, ok(json!({}))).unwrap();
    assert!(desk.run.is_clean() && desk.run.ended.is_some(), "{}", desk.story());
}

#[test]
fn only_what_reads_is_asked_again() {
    let steps = "steps:\n  s: { tool: t/schreiben, with: { a: 1 }, repeat: { until: \"{{ result.fertig }}\", every: PT5M, max: 3 } }\n";
    let desk = Desk::new(steps, json!({})).unwrap();
    assert!(desk.due().is_empty() && desk.run.message.contains("nur, was liest"), "{}", desk.run.message);
}
