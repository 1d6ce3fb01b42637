//! After a backup was restored: a run rests until somebody has looked, and then goes on by the usual rules.

use laufzettel_domain::Value;
use laufzettel_engine::{Answer, ChildEnd, Command, Rejection, State, wake_at};
use serde_json::json;

use crate::desk::{Desk, answer, clerk, ok, yes};

const STEPS: &str = r#"
steps:
  lesen: { tool: t/lesen, with: { a: "{{ input.n }}" } }
  f: { human: { assign: { groups: [GG] }, due: P1D, escalate: { after: P3D, to: { groups: [GG-Leitung] } }, form: { type: object, properties: { ja: { type: boolean } } } } }
"#;

fn park(desk: &mut Desk) {
    desk.tell(Command::Park { note: "Bitte nachsehen.".into() }).unwrap();
}

/// An answer to the task of this number.
fn of(desk: &Desk, task: u32, values: Value) -> Command {
    let shown = desk.run.tasks[&task].opened.shown;
    Command::Answer(Answer { task, by: clerk(), values, shown, decision: yes(), release: None, stands_for: None })
}

#[test]
fn nothing_moves_until_somebody_has_looked() {
    let mut desk = Desk::new(STEPS, json!({ "n": 1 })).unwrap();
    assert_eq!((desk.story().as_str(), desk.due().len(), desk.run.state()), ("start | >lesen | ?1", 1, State::Running));
    park(&mut desk);
    park(&mut desk);
    assert_eq!((desk.story().as_str(), desk.run.state()), ("start | >lesen | ?1 | ?2", State::Waiting), "once");
    assert_eq!((desk.due(), wake_at(&desk.run)), (vec![], None));
    // other tasks, the time and events wait
    let early = of(&desk, 1, json!({ "ja": true }));
    assert!(matches!(desk.tell(early), Err(Rejection::Stale(_))));
    assert!(matches!(desk.tell(Command::Wake), Err(Rejection::Stale(_))));
    // a word that is none is refused, and it rests on
    let unclear = of(&desk, 2, json!({ "entscheidung": "vielleicht" }));
    assert!(matches!(desk.tell(unclear), Err(Rejection::Invalid(_))));
    let go_on = of(&desk, 2, json!({ "entscheidung": "fortsetzen" }));
    desk.tell(go_on).unwrap();
    let due = desk.due();
    assert_eq!(due.len(), 1, "the same call as before, under the same key");
    desk.settle(&due[0], ok(json!({}))).unwrap();
    let first = of(&desk, 1, json!({ "ja": true }));
    desk.tell(first).unwrap();
    assert_eq!(desk.story(), "start | >lesen | ?1 | ?2 | answered 2 | <lesen | +lesen | answered 1 | +f | completed {}");
}

#[test]
fn it_may_be_ended_instead() {
    for by_task in [true, false] {
        let mut desk =
            Desk::new("steps:\n  f: { human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }\n", json!({}))
                .unwrap();
        park(&mut desk);
        let end = if by_task { of(&desk, 2, json!({ "entscheidung": "abbrechen" })) } else { Command::Cancel { by: clerk(), reason: "so".into() } };
        desk.tell(end).unwrap();
        assert_eq!((desk.run.state(), desk.run.open_tasks().count()), (State::Cancelled, 0), "{by_task}");
    }
}

/// A child that ends while its caller rests is heard; what follows from it waits.
#[test]
fn a_child_that_ends_is_heard() {
    let steps = r#"
steps:
  k: { process: { name: kind, input: { wert: "{{ input.name }}" } } }
  s: { set: { x: "{{ steps.k.gut }}" } }
"#;
    let mut desk = Desk::new(steps, json!({ "name": "a" })).unwrap();
    park(&mut desk);
    let child = desk.run.open_children().next().unwrap().1.run;
    let end =
        ChildEnd { state: State::Completed, output: json!({ "gut": true, "wert": "a" }), labels: Default::default(), message: String::new(), clean: false };
    desk.tell(Command::ChildEnded { run: child, end }).unwrap();
    assert!(desk.story().ends_with("back k completed | +k"), "{}", desk.story());
    let go_on = answer(&desk, json!({ "entscheidung": "fortsetzen" }), clerk());
    desk.tell(go_on).unwrap();
    assert_eq!(desk.run.state(), State::Completed);
}
