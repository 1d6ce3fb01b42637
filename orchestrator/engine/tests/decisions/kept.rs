//! What is kept how long, and what of a run can be read and computed again when its contents are gone.

use jiff::{Timestamp, tz::TimeZone};
use laufzettel_domain::Value;
use laufzettel_engine::{Event, State, fold, is_beleg, kept};
use laufzettel_process::model::StepKind;
use serde_json::json;

use crate::desk::Desk;

const TABLE: &str = "table: t\nsource: Satzung\nkey: [art]\nrows:\n  - { art: a, gueltig_ab: \"2020-01-01\", result: { satz: 5 } }\n  - { art: \"*\", gueltig_ab: \"2020-01-01\", result: { satz: 7 } }\n";

const STEPS: &str = r#"
steps:
  s: { set: { art: "{{ input.name }}" } }
  r: { rules: { table: rules/t.yaml, with: { art: "{{ steps.s.art }}" } } }
  l: { each: "{{ input.viele }}", rules: { table: rules/t.yaml, with: { art: "{{ item }}" } } }
output: { satz: "{{ steps.r.satz }}" }
"#;

fn desk() -> Desk {
    Desk::with_files(STEPS, &[("rules/t.yaml", TABLE)], json!({ "name": "a", "viele": ["a", "b"] })).unwrap()
}

#[test]
fn a_calculation_can_be_repeated_from_its_record_alone() {
    let desk = desk();
    let today = desk.run.started_at.to_zoned(desk.context.zone()).date();
    let mut repeated = 0;
    for event in desk.history.iter().map(|(event, _)| event) {
        let (body, content) = event.split();
        let (Some(inputs), Event::StepCompleted(done)) = (content.and_then(|c| c.get("inputs").cloned()), event) else { continue };
        let StepKind::Rules(rules) = &desk.process.steps[&done.step].kind else { panic!("{body}") };
        assert_eq!(rules.table.decide(&inputs, today, &desk.context.zeitzone).unwrap(), done.value);
        repeated += 1;
    }
    assert_eq!((repeated, desk.run.state()), (3, State::Completed));
}

#[test]
fn which_records_are_belege() {
    let process = desk().process;
    for (kind, body, expected) in [
        ("task.completed", json!({ "number": 1 }), true),
        ("task.completed", json!({ "number": 1, "by": crate::clerk() }), true),
        ("step.completed", json!({ "step": "r" }), true),
        ("step.completed", json!({ "step": "l", "item": 2 }), true),
        ("step.completed", json!({ "step": "s" }), false),
        ("step.completed", json!({ "step": "fremd" }), false),
        ("step.completed", json!({}), false),
        ("step.failed", json!({ "step": "r" }), false),
        ("task.opened", json!({ "step": "r", "number": 1 }), false),
        ("run.started", json!({}), false),
        ("effect.settled", json!({ "path": { "step": "r" } }), false),
        ("event.received", json!({ "step": "r" }), false),
    ] {
        assert_eq!(is_beleg(Some(&process), kind, &body), expected, "{kind} {body}");
        // nobody knows any more which steps were calculations
        assert_eq!(is_beleg(None, kind, &body), ["task.completed", "step.completed"].contains(&kind), "{kind} {body}");
    }
}

/// A month is a month of the tenant's calendar; what is past its `vorgang` has no contents either.
#[test]
fn dates_follow_the_calendar() {
    let mut process = desk().process;
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let span = |text: &str| laufzettel_domain::Span::parse(text).unwrap();
    for (ended, inhalte, vorgang, contents, records) in [
        ("2026-01-31T09:00:00Z", "P1M", "P10Y", "2026-02-28T09:00:00Z", "2036-01-31T09:00:00Z"),
        // over a change of the clock: the same time of day
        ("2026-03-28T09:00:00Z", "P1D", "P6M", "2026-03-29T08:00:00Z", "2026-09-28T08:00:00Z"),
        ("2026-01-01T00:00:00Z", "P2Y", "P1Y", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    ] {
        (process.aufbewahrung.inhalte, process.aufbewahrung.vorgang) = (span(inhalte), span(vorgang));
        let dates = kept(&process, ended.parse().unwrap(), &berlin);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!((dates.contents_until, dates.records_until), (at(contents), at(records)), "{ended} {inhalte} {vorgang}");
    }
}

/// Of an ended run the bodies say enough; only of content there is nothing.
#[test]
fn a_run_without_its_contents_still_tells_what_it_went_through() {
    let desk = desk();
    let erased: Vec<(Event, Timestamp)> = desk.history.iter().map(|(event, at)| (Event::join_erased(event.kind(), &event.split().0).unwrap(), *at)).collect();
    let run = fold(&desk.run.tenant, desk.run.id, &erased).unwrap().unwrap();
    let steps: Vec<_> = run.steps.keys().collect();
    assert_eq!((run.state(), run.seq, steps), (State::Completed, desk.run.seq, desk.run.steps.keys().collect()));
    assert_eq!((run.input, run.output), (Value::Null, Value::Null));
}

/// What an applicant answered goes with her input, whatever is known of the process.
#[test]
fn an_applicants_answer_is_no_beleg() {
    let process = desk().process;
    let body = json!({ "number": 1, "by": laufzettel_domain::Caller::applicant("k1") });
    assert_eq!([Some(&process), None].map(|process| is_beleg(process, "task.completed", &body)), [false, false]);
}
