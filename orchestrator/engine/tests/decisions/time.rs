//! Waiting for a time, and until when a step may take.

use jiff::Timestamp;
use laufzettel_engine::{Command, wake_at};
use serde_json::json;

use super::desk::{Desk, answer, clerk};

/// Waits end when their time has come, not before; what lies behind is not waited for.
#[test]
fn a_wait_ends_when_its_time_has_come() {
    let steps =
        |wait: &str| format!("steps:\n  w: {{ wait: {wait} }}\n  b: {{ set: {{ x: \"{{{{ steps.w.at }}}}\" }} }}\noutput: {{ x: \"{{{{ steps.b.x }}}}\" }}\n");
    // what is written, when it is over; it begins on Monday, 2026-11-23 at 9:00 UTC
    for (wait, until) in [
        ("{ for: P14D }", "2026-12-07T09:00:00Z"),
        ("{ for: \"{{ input.name }}\" }", "2026-11-23T09:30:00Z"),
        ("{ until: 2026-12-01 }", "2026-11-30T23:00:00Z"),
        ("{ until: 2026-12-01T08:00:00+01:00 }", "2026-12-01T07:00:00Z"),
        ("{ until: \"{{ add_days(run.started_at, 2) }}\" }", "2026-11-24T23:00:00Z"),
    ] {
        let mut desk = Desk::new(&steps(wait), json!({ "name": "PT30M" })).unwrap();
        assert_eq!(desk.story(), format!("start | ~w {until}"), "{wait}");
        assert_eq!((desk.run.state(), wake_at(&desk.run)), (laufzettel_engine::State::Waiting, Some(until.parse().unwrap())), "{wait}");
        desk.at = until.parse::<Timestamp>().unwrap() - jiff::SignedDuration::from_secs(1);
        desk.tell(Command::Wake).unwrap();
        assert_eq!(desk.story(), format!("start | ~w {until}"), "{wait}: not yet");
        desk.at = until.parse().unwrap();
        desk.tell(Command::Wake).unwrap();
        assert_eq!(desk.story(), format!("start | ~w {until} | +w | +b | completed {{\"x\":\"{until}\"}}"), "{wait}");
    }
    let past = Desk::new(&steps("{ until: 2026-11-01 }"), json!({})).unwrap();
    assert_eq!(past.story(), r#"start | +w | +b | completed {"x":"2026-11-23T09:00:00Z"}"#);
    for (wait, words) in [
        ("{ for: \"{{ input.name }}\" }", "ist keine Dauer (P14D)"),
        ("{ until: \"{{ input.name }}\" }", "ist weder Dauer noch Datum"),
        ("{ until: \"{{ 'P3D' if input.n is defined else 'P2D' }}\" }", "ist eine Dauer und gehört in for"),
    ] {
        let wrong = Desk::new(&steps(wait), json!({ "name": "morgen" })).unwrap();
        assert!(wrong.story().starts_with("start | !w | ending Failed | failed"), "{wait}: {}", wrong.story());
        assert!(wrong.run.message.contains(words), "{wait}: {}", wrong.run.message);
    }
}

/// What ends a wait early runs beside it; once it is over, its time passing means nothing.
#[test]
fn a_wait_ends_early_or_with_its_run() {
    let steps = "
steps:
  frage: { human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }
  frist: { wait: { for: P14D, unless: steps.frage } }
  danach: { needs: [frist], set: { fertig: true } }
output: { fertig: \"{{ steps.danach.fertig }}\" }
";
    let mut answered = Desk::new(steps, json!({})).unwrap();
    assert_eq!(answered.story(), "start | ?1 | ~frist 2026-12-07T09:00:00Z");
    let yes = answer(&answered, json!({ "ja": true }), clerk());
    answered.tell(yes).unwrap();
    assert_eq!(answered.story(), r#"start | ?1 | ~frist 2026-12-07T09:00:00Z | answered 1 | +frage | +frist | +danach | completed {"fertig":true}"#);
    let mut late = Desk::new(steps, json!({})).unwrap();
    late.at = "2026-12-08T00:00:00Z".parse().unwrap();
    late.tell(Command::Wake).unwrap();
    assert_eq!(late.story(), "start | ?1 | ~frist 2026-12-07T09:00:00Z | +frist | +danach", "the question stays open");
    assert_eq!(wake_at(&late.run), None);
    let mut cancelled = Desk::new(steps, json!({})).unwrap();
    cancelled.tell(Command::Cancel { by: clerk(), reason: "Irrtum".into() }).unwrap();
    assert_eq!(cancelled.story(), "start | ?1 | ~frist 2026-12-07T09:00:00Z | ending Cancelled | withdrawn 1 | cancelled {}");
    assert_eq!(wake_at(&cancelled.run), None);
    // an answer that is there already is not waited for
    let after = steps
        .replace("frist: {", "frist: { needs: [x],")
        .replace("  danach", "  x: { set: { y: 1 } }\n  danach")
        .replace("frage: { human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }", "frage: { set: { z: 1 } }");
    let done = Desk::new(&after, json!({})).unwrap();
    assert!(done.story().contains("~frist 2026-12-07T09:00:00Z | +frist | +danach | completed"), "{}", done.story());
}

/// A deadline is the step's: with its attempts, its people and its items.
#[test]
fn a_step_has_until_its_deadline() {
    use laufzettel_engine::{Disposition, State, StepState};
    use laufzettel_process::model::FailureClass;

    use super::desk::{no, ok};

    let failed = |desk: &Desk, step: &str| match desk.run.steps.get(step) {
        Some(StepState::Failed { class, message, .. }) => (*class, message.clone()),
        other => panic!("{other:?} {}", desk.story()),
    };
    let late = (FailureClass::Timeout, "Die Frist des Schritts ist abgelaufen.".to_owned());
    let after = |desk: &mut Desk| {
        assert_eq!(wake_at(&desk.run).map(|at| at <= "2026-11-23T10:00:00Z".parse().unwrap()), Some(true));
        desk.at = "2026-11-23T10:00:00Z".parse().unwrap();
        desk.tell(Command::Wake).unwrap();
    };
    // a person
    let asked = "steps:\n  f: { deadline: PT1H, on_error: continue, human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }\n  d: { set: { zu_spaet: \"{{ failed('f') }}\" } }\noutput: { x: \"{{ steps.d.zu_spaet }}\" }\n";
    let mut desk = Desk::new(asked, json!({})).unwrap();
    after(&mut desk);
    assert_eq!(desk.story(), r#"start | ?1 | until 2026-11-23T10:00:00Z | late f | withdrawn 1 | !f | +d | completed {"x":true}"#);
    assert_eq!(failed(&desk, "f"), late);
    let mut answered = Desk::new(asked, json!({})).unwrap();
    let in_time = answer(&answered, json!({ "ja": true }), clerk());
    answered.tell(in_time).unwrap();
    assert_eq!((answered.run.state(), wake_at(&answered.run)), (State::Completed, None));
    // an attempt that waits for the next one
    let call = "steps:\n  s: { deadline: PT1H, tool: t/schreiben, with: { a: 1 }, retry: { attempts: 9, delay: PT59M, max_delay: P1D } }\n";
    let mut desk = Desk::new(call, json!({})).unwrap();
    let due = desk.due().remove(0);
    desk.settle(&due, no(FailureClass::Unavailable, Disposition::DidNotHappen)).unwrap();
    desk.at = "2026-11-23T09:59:00Z".parse().unwrap();
    desk.tell(Command::Wake).unwrap();
    let due = desk.due().remove(0);
    // under way when the time is over: awaited, and its outcome counts
    after(&mut desk);
    assert!(desk.story().ends_with("late s") && desk.due().len() == 1, "{}", desk.story());
    let mut good = Desk { process: desk.process.clone(), context: desk.context.clone(), history: desk.history.clone(), run: desk.run.clone(), at: desk.at };
    good.settle(&due, ok(json!({}))).unwrap();
    assert_eq!(good.run.state(), State::Completed);
    desk.settle(&due, no(FailureClass::Unavailable, Disposition::DidNotHappen)).unwrap();
    assert!(desk.story().ends_with("xs GiveUp | !s | ending Failed | failed {}"), "{}", desk.story());
    // a write that may have happened is asked once more
    let mut desk = Desk::new(&call.replace("PT59M", "PT2H"), json!({})).unwrap();
    let due = desk.due().remove(0);
    desk.settle(&due, no(FailureClass::Timeout, Disposition::Unknown)).unwrap();
    after(&mut desk);
    assert!(desk.story().ends_with("late s | again s 0"), "{}", desk.story());
    let due = desk.due().remove(0);
    desk.settle(&due, ok(json!({}))).unwrap();
    assert_eq!(desk.run.state(), State::Completed);
    // what nobody knows of stays with the person it waits for
    let mut desk = Desk::new("steps:\n  s: { deadline: PT1H, tool: t/senden, with: { a: 1 } }\n", json!({})).unwrap();
    let due = desk.due().remove(0);
    desk.settle(&due, no(FailureClass::Timeout, Disposition::Unknown)).unwrap();
    after(&mut desk);
    assert!(desk.story().ends_with("?1 | late s") && desk.run.open_tasks().count() == 1, "{}", desk.story());
    // a list: what has begun is ended, what has not does not begin
    let list = "steps:\n  l: { each: \"{{ [1, 2, 3] }}\", max_parallel: 2, deadline: PT1H, wait: { for: PT45M } }\n";
    let mut desk = Desk::new(list, json!({})).unwrap();
    desk.at = "2026-11-23T09:45:00Z".parse().unwrap();
    desk.tell(Command::Wake).unwrap();
    after(&mut desk);
    assert!(desk.story().ends_with(" | late l | !l.i3 | !l | ending Failed | failed {}"), "{}", desk.story());
    // whoever repairs it has all the time she needs, and the step its own again
    let mut desk = Desk::new(&asked.replace("continue", "human"), json!({})).unwrap();
    after(&mut desk);
    assert!(desk.story().ends_with("late f | withdrawn 1 | ?2") && wake_at(&desk.run).is_none(), "{}", desk.story());
    let again = answer(&desk, json!({ "entscheidung": "erneut" }), clerk());
    desk.tell(again).unwrap();
    assert!(desk.story().ends_with("answered 2 | anew f 1 | ?3 | until 2026-11-23T11:00:00Z"), "{}", desk.story());
}

const PAYMENT: &str = r#"
steps:
  zahlung:
    wait: { event: zahlung, key: "{{ input.name }}", timeout: P14D, output: { type: object, additionalProperties: false, required: [cent], properties: { cent: { type: integer }, zweck: { type: string } } } }
  danach: { set: { cent: "{{ steps.zahlung.cent | default(0) }}", zu_spaet: "{{ steps.zahlung.timed_out }}" } }
output: { cent: "{{ steps.danach.cent }}", zu_spaet: "{{ steps.danach.zu_spaet }}" }
"#;

/// What happens elsewhere is the value of the step that waits for it, once, if it is what was waited for.
#[test]
fn an_event_is_waited_for_under_its_key() {
    use laufzettel_domain::{Slot, StepId, Trust, Value};
    use laufzettel_engine::{Rejection, StepState};

    let slot = |item| Slot { step: StepId::parse("zahlung").unwrap(), item };
    let event = |key: &str, payload: Value, item| Command::Deliver {
        slot: slot(item),
        name: "zahlung".into(),
        key: key.into(),
        payload,
        sender: "S-9".into(),
        sent_at: "2026-11-23T09:00:00Z".parse().unwrap(),
    };
    let mut desk = Desk::new(PAYMENT, json!({ "name": "K-1" })).unwrap();
    assert_eq!((desk.story().as_str(), desk.run.state().as_str()), ("start | @zahlung zahlung:K-1", "waiting"));
    assert!(matches!(desk.tell(event("K-2", json!({ "cent": 1 }), 0)), Err(Rejection::Stale(_))));
    assert!(matches!(desk.tell(event("K-1", json!({ "cent": "x" }), 0)), Err(Rejection::Invalid(p)) if p[0].path.to_string() == "cent"));
    desk.tell(event("K-1", json!({ "cent": 700, "zweck": "Ignoriere alles" }), 0)).unwrap();
    assert_eq!(desk.story(), r#"start | @zahlung zahlung:K-1 | event zahlung | +zahlung | +danach | completed {"cent":700,"zu_spaet":false}"#);
    let Some(StepState::Completed { labels, .. }) = desk.run.steps.get("zahlung") else { panic!() };
    let of = |field: &str| labels.at(&[field.to_owned()]);
    assert_eq!((of("zweck").trust, of("zweck").to_string(), of("cent").trust), (Trust::Untrusted, "normal, personenbezogen".to_owned(), Trust::Untrusted));
    // not in time
    let mut late = Desk::new(PAYMENT, json!({ "name": "K-1" })).unwrap();
    late.at = wake_at(&late.run).unwrap();
    assert_eq!(late.at, "2026-12-07T09:00:00Z".parse().unwrap());
    late.tell(Command::Wake).unwrap();
    assert_eq!(late.story(), r#"start | @zahlung zahlung:K-1 | +zahlung | +danach | completed {"cent":0,"zu_spaet":true}"#);
    // as long as it takes; ended early by what runs beside it; over with its run
    let forever = PAYMENT
        .replace("timeout: P14D, ", "unless: steps.frage, ")
        .replace("steps:\n", "steps:\n  frage: { human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }\n");
    let mut early = Desk::new(&forever, json!({ "name": "K-1" })).unwrap();
    assert_eq!(wake_at(&early.run), None);
    let mut cancelled = Desk::new(&forever, json!({ "name": "K-1" })).unwrap();
    let done = answer(&early, json!({ "ja": true }), clerk());
    early.tell(done).unwrap();
    assert!(early.story().contains("+frage | +zahlung | +danach | completed"), "{}", early.story());
    cancelled.tell(Command::Cancel { by: clerk(), reason: String::new() }).unwrap();
    assert!(cancelled.run.expects.is_empty() && cancelled.story().ends_with("cancelled {}"), "{}", cancelled.story());
    // one for each
    let each = PAYMENT.replace("  zahlung:\n", "  zahlung:\n    each: \"{{ input.viele }}\"\n").replace("input.name", "item").replace(
        "{ cent: \"{{ steps.zahlung.cent | default(0) }}\", zu_spaet: \"{{ steps.zahlung.timed_out }}\" }",
        "{ cent: \"{{ steps.zahlung | map(attribute='cent') | sum }}\", zu_spaet: false }",
    );
    let mut both = Desk::new(&each, json!({ "viele": ["A", "B"] })).unwrap();
    both.tell(event("B", json!({ "cent": 2 }), 2)).unwrap();
    both.tell(event("A", json!({ "cent": 1 }), 1)).unwrap();
    assert!(both.story().ends_with(r#"event zahlung.i1 | +zahlung.i1 | +zahlung | +danach | completed {"cent":3,"zu_spaet":false}"#), "{}", both.story());
    let none = Desk::new(&PAYMENT.replace("input.name", "none"), json!({})).unwrap();
    assert!(none.run.message.contains("ein Text oder eine Zahl"), "{}", none.run.message);
    for name in ["", &"x".repeat(201)] {
        let wrong = Desk::new(PAYMENT, json!({ "name": name })).unwrap();
        assert!(wrong.run.message.contains("1 bis 200 Zeichen"), "{}", wrong.run.message);
    }
}

/// What is over its time is not tried once more, whatever stood in its way; and what nobody needs any more is not made because
/// somebody says that it never happened.
#[test]
fn what_is_over_its_time_is_not_made_any_more() {
    use laufzettel_domain::Text;
    use laufzettel_engine::{Disposition, Resolution};
    use laufzettel_process::model::FailureClass;

    use super::desk::no;

    let put_off = |desk: &mut Desk| {
        let due = desk.due().remove(0);
        let reason = Text::new("nicht da", "not there");
        desk.tell(Command::Defer { path: due.key.path, round: 0, attempt: due.attempt, reason, until: None, sent: vec![] }).unwrap();
    };
    let call = |tool: &str| format!("steps:\n  s: {{ deadline: PT1H, on_error: continue, tool: {tool}, with: {{ a: 1 }} }}\n");
    let late: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    // waiting for what is not there when the time is over: the program was off meanwhile, both are due at once
    let mut desk = Desk::new(&call("t/lesen"), json!({})).unwrap();
    put_off(&mut desk);
    desk.at = late;
    desk.tell(Command::Wake).unwrap();
    assert_eq!(desk.story(), "start | >s | until 2026-11-23T10:00:00Z | later s | late s | xs GiveUp | !s | completed {}");
    // under way when the time is over, and then not there
    let mut desk = Desk::new(&call("t/lesen"), json!({})).unwrap();
    desk.at = late;
    desk.tell(Command::Wake).unwrap();
    put_off(&mut desk);
    assert!(desk.story().ends_with("late s | xs GiveUp | !s | completed {}"), "{}", desk.story());
    // in doubt: over its time, or the run called off
    let doubt = || {
        let mut desk = Desk::new(&call("t/senden"), json!({})).unwrap();
        let due = desk.due().remove(0);
        desk.settle(&due, no(FailureClass::Timeout, Disposition::Unknown)).unwrap();
        (desk, due.key.path)
    };
    for called_off in [false, true] {
        let (mut desk, path) = doubt();
        desk.at = late;
        desk.tell(if called_off { Command::Cancel { by: clerk(), reason: String::new() } } else { Command::Wake }).unwrap();
        desk.tell(Command::Resolve { path, by: clerk(), resolution: Resolution::DidNotHappen }).unwrap();
        assert!(desk.due().is_empty() && desk.run.ended.is_some(), "{}", desk.story());
        let end = if called_off { "xs GiveUp | !s | withdrawn 1 | cancelled {}" } else { "late s | xs GiveUp | !s | withdrawn 1 | completed {}" };
        assert!(desk.story().ends_with(end), "{}", desk.story());
    }
}
