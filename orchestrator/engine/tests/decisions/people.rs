//! Who is asked, what is proposed to her, and who else.

use laufzettel_domain::{Caller, Trust, Value, Via};
use laufzettel_engine::{Answer, Claim, Command, Event, HandOver, Rejection, StepState, wake_at};
use laufzettel_policy::Decision;
use serde_json::json;

use super::desk::{Desk, answer, clerk, ok, yes};

/// Four eyes: whoever did the first step is refused the second, by the core itself; somebody else is not.
#[test]
fn nobody_looks_at_her_own_work() {
    let form = "form: { type: object, properties: { ja: { type: boolean } } }";
    let steps = format!(
        "steps:\n  eins: {{ human: {{ assign: {{ groups: [GG] }}, {form} }} }}\n  zwei: {{ human: {{ assign: {{ groups: [GG] }}, not_by: [steps.eins], {form} }} }}\noutput: {{ wer: \"{{{{ steps.zwei.by.name }}}}\" }}\n"
    );
    let mut desk = Desk::new(&steps, json!({})).unwrap();
    assert_eq!(desk.story(), "start | ?1", "the second waits for the first");
    let first = answer(&desk, json!({ "ja": true }), clerk());
    desk.tell(first).unwrap();
    let again = answer(&desk, json!({ "ja": true }), clerk());
    assert!(matches!(desk.tell(again), Err(Rejection::Denied(decision)) if decision.rule == "human.not_by"));
    // the same person by another name, at a terminal, is the same person
    let renamed = answer(&desk, json!({ "ja": true }), Caller { name: "Klein-Weber".into(), via: Via::Terminal, ..clerk() });
    assert!(matches!(desk.tell(renamed), Err(Rejection::Denied(_))));
    let other = answer(&desk, json!({ "ja": true }), Caller { subject: "S-2".into(), name: "Weber".into(), ..clerk() });
    desk.tell(other).unwrap();
    assert_eq!(desk.story(), r#"start | ?1 | answered 1 | +eins | ?2 | answered 2 | +zwei | completed {"wer":"Weber"}"#);
    // whoever skipped nothing did nothing: without a first pair of eyes everybody may
    let skipped =
        steps.replacen("eins: { human", "eins: { if: \"{{ input.n == 1 }}\", human", 1).replacen("zwei: { human", "zwei: { needs: [\"eins?\"], human", 1);
    let mut alone = Desk::new(&skipped, json!({ "n": 2 })).unwrap();
    let anybody = answer(&alone, json!({ "ja": true }), clerk());
    alone.tell(anybody).unwrap();
    assert_eq!(alone.story(), r#"start | -eins | ?1 | answered 1 | +zwei | completed {"wer":"Klein"}"#);
}

/// A task is one person's while she has it: others take it over with a reason, or wait until she returns it.
#[test]
fn a_task_in_hand() {
    let form = "form: { type: object, properties: { ja: { type: boolean } } }";
    let steps = format!(
        "steps:\n  eins: {{ human: {{ assign: {{ groups: [GG] }}, {form} }} }}\n  zwei: {{ human: {{ assign: {{ groups: [GG] }}, not_by: [steps.eins], {form} }} }}\n"
    );
    let mut desk = Desk::new(&steps, json!({})).unwrap();
    let other = || Caller { subject: "S-2".into(), name: "Weber".into(), ..clerk() };
    let key = || Caller { via: Via::Api, ..clerk() };
    let claim = |task, by, reason: &str| Command::Claim(Claim { task, by, reason: reason.into(), decision: yes(), stands_for: None });
    let back = |task, by| Command::Return { task, by };
    let unfit = "x".repeat(501);
    for (wish, expected) in [
        (claim(1, key(), ""), Err("denied gate.interactive")),
        (
            Command::Claim(Claim { task: 1, by: clerk(), reason: String::new(), decision: Decision::deny("none", "nein", "no"), stands_for: None }),
            Err("denied none"),
        ),
        (claim(7, clerk(), ""), Err("stale")),
        (back(1, clerk()), Err("stale")),
        (claim(1, clerk(), "ohne Belang"), Ok("Klein has 1")),
        // once more is nothing more
        (claim(1, clerk(), ""), Ok("Klein has 1")),
        (answer(&desk, json!({ "ja": true }), other()), Err("stale")),
        (claim(1, other(), " "), Err("stale")),
        (claim(1, other(), &unfit), Err("invalid reason")),
        (back(1, other()), Err("stale")),
        (back(1, key()), Err("denied gate.interactive")),
        (back(1, clerk()), Ok("returned 1")),
        (claim(1, clerk(), ""), Ok("Klein has 1")),
        (claim(1, other(), "krank"), Ok("Weber has 1")),
        (answer(&desk, json!({ "ja": true }), clerk()), Err("stale")),
        (answer(&desk, json!({ "ja": true }), other()), Ok("?2")),
        (claim(1, clerk(), ""), Err("stale")),
        (claim(2, other(), ""), Err("denied human.not_by")),
        (claim(2, clerk(), ""), Ok("Klein has 2")),
    ] {
        let told = match desk.tell(wish.clone()) {
            Ok(()) => Ok(desk.story().rsplit(" | ").next().unwrap().to_owned()),
            Err(Rejection::Denied(decision)) => Err(format!("denied {}", decision.rule)),
            Err(Rejection::Stale(_)) => Err("stale".to_owned()),
            Err(Rejection::Invalid(problems)) => Err(format!("invalid {}", problems[0].path)),
        };
        assert_eq!(told, expected.map(str::to_owned).map_err(str::to_owned), "{wish:?}");
    }
    let reasons: Vec<&str> =
        desk.history.iter().filter_map(|(event, _)| if let Event::TaskClaimed(e) = event { Some(e.reason.as_str()) } else { None }).collect();
    assert_eq!(reasons, ["", "", "krank", ""], "of a task nobody has there is nothing to give a reason for");
}

/// Whoever has a task puts it aside until a later day; whoever has it next finds it open.
#[test]
fn a_task_put_aside() {
    let steps = "steps:\n  eins: { human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }\n";
    let mut desk = Desk::new(steps, json!({})).unwrap();
    let other = || Caller { subject: "S-2".into(), name: "Weber".into(), ..clerk() };
    let claim = |by, reason: &str| Command::Claim(Claim { task: 1, by, reason: reason.into(), decision: yes(), stands_for: None });
    let today = desk.at.to_zoned(desk.context.zone()).date();
    let day = |days: i64| Some(today + jiff::Span::new().days(days));
    let aside = |by, until, note: &str| Command::PutAside { task: 1, by, until, note: note.into() };
    let again = |desk: &Desk| desk.run.tasks[&1].claimed.as_ref().and_then(|claimed| claimed.again.as_ref()).map(|again| (again.day, again.note.clone()));
    for (wish, expected, left) in [
        (aside(clerk(), day(7), ""), Err("stale"), None),
        (claim(clerk(), ""), Ok("claimed"), None),
        (aside(other(), day(7), ""), Err("stale"), None),
        (aside(clerk(), day(0), ""), Err("invalid until"), None),
        (aside(clerk(), day(367), ""), Err("invalid until"), None),
        (aside(clerk(), day(1), &"x".repeat(501)), Err("invalid note"), None),
        // nothing to take up again is nothing to write
        (aside(clerk(), None, ""), Ok("claimed"), None),
        (aside(clerk(), day(366), "Rückruf"), Ok("deferred"), day(366).map(|day| (day, "Rückruf".to_owned()))),
        (aside(clerk(), day(1), ""), Ok("deferred"), day(1).map(|day| (day, String::new()))),
        (aside(clerk(), None, "ohne Belang"), Ok("deferred"), None),
        (aside(clerk(), day(2), "Unterlagen"), Ok("deferred"), day(2).map(|day| (day, "Unterlagen".to_owned()))),
        (claim(other(), "krank"), Ok("claimed"), None),
        (aside(other(), day(2), ""), Ok("deferred"), day(2).map(|day| (day, String::new()))),
        (Command::Return { task: 1, by: other() }, Ok("returned"), None),
    ] {
        let told = match desk.tell(wish.clone()) {
            Ok(()) => Ok(desk.history.last().unwrap().0.kind().trim_start_matches("task.").to_owned()),
            Err(Rejection::Denied(decision)) => Err(format!("denied {}", decision.rule)),
            Err(Rejection::Stale(_)) => Err("stale".to_owned()),
            Err(Rejection::Invalid(problems)) => Err(format!("invalid {}", problems[0].path)),
        };
        assert_eq!((told, again(&desk)), (expected.map(str::to_owned).map_err(str::to_owned), left), "{wish:?}");
    }
}

/// Whoever has a task hands it on to somebody who may have it; whoever stands in for the one who has it needs no reason.
#[test]
fn a_task_handed_on_and_stood_in_for() {
    let form = "form: { type: object, properties: { ja: { type: boolean } } }";
    let steps = format!(
        "steps:\n  eins: {{ human: {{ assign: {{ groups: [GG] }}, {form} }} }}\n  zwei: {{ human: {{ assign: {{ groups: [GG] }}, not_by: [steps.eins], {form} }} }}\n"
    );
    let mut desk = Desk::new(&steps, json!({})).unwrap();
    let (other, deputy) =
        (|| Caller { subject: "S-2".into(), name: "Weber".into(), ..clerk() }, || Caller { subject: "S-3".into(), name: "Braun".into(), ..clerk() });
    let claim = |task, by, stands_for| Command::Claim(Claim { task, by, reason: String::new(), decision: yes(), stands_for });
    let hand = |task, by, to, decision, note: &str| Command::HandOver(HandOver { task, by, to, decision, note: note.into() });
    let no = || Decision::deny("none", "nein", "no");
    let answered = |wish: Command, stands_for| match wish {
        Command::Answer(wish) => Command::Answer(Answer { stands_for, ..wish }),
        other => other,
    };
    let hers = answer(&desk, json!({ "ja": true }), deputy());
    let long = "x".repeat(501);
    for (wish, expected) in [
        (hand(1, clerk(), other(), yes(), ""), Err("stale")),
        (claim(1, clerk(), None), Ok("Klein has 1")),
        (hand(1, other(), deputy(), yes(), ""), Err("stale")),
        (hand(1, Caller { via: Via::Api, ..clerk() }, other(), yes(), ""), Err("denied gate.interactive")),
        (hand(1, clerk(), clerk(), yes(), ""), Err("invalid to")),
        (hand(1, clerk(), other(), no(), ""), Err("invalid to")),
        (hand(1, clerk(), Caller::service("svc", Via::Api), yes(), ""), Err("invalid to")),
        (hand(1, clerk(), other(), yes(), &long), Err("invalid note")),
        (hand(1, clerk(), other(), yes(), "eilt"), Ok("Weber handed 1")),
        // of somebody else she is no deputy
        (claim(1, deputy(), Some(clerk())), Err("stale")),
        (answered(hers.clone(), Some(clerk())), Err("stale")),
        (answered(hers.clone(), None), Err("stale")),
        (answered(hers, Some(other())), Ok("?2")),
        // standing in for somebody is no way round four eyes
        (claim(2, other(), None), Ok("Weber has 2")),
        (claim(2, deputy(), Some(other())), Err("denied human.not_by")),
        (hand(2, other(), deputy(), yes(), ""), Err("invalid to")),
    ] {
        let told = match desk.tell(wish.clone()) {
            Ok(()) => Ok(desk.story().rsplit(" | ").next().unwrap().to_owned()),
            Err(Rejection::Denied(decision)) => Err(format!("denied {}", decision.rule)),
            Err(Rejection::Stale(_)) => Err("stale".to_owned()),
            Err(Rejection::Invalid(problems)) => Err(format!("invalid {}", problems[0].path)),
        };
        assert_eq!(told, expected.map(str::to_owned).map_err(str::to_owned), "{wish:?}");
    }
}

/// Nobody has answered: more people are asked, once; whoever was asked before still is.
#[test]
fn a_task_nobody_takes_is_open_to_more_people() {
    let steps = "steps:\n  f: { human: { assign: { groups: [GG] }, due: P1D, escalate: { after: P3D, to: { groups: [GG-Leitung] } }, form: { type: object, properties: { ja: { type: boolean } } } } }\n";
    let mut desk = Desk::new(steps, json!({})).unwrap();
    assert_eq!(wake_at(&desk.run), Some("2026-11-26T09:00:00Z".parse().unwrap()));
    desk.at = "2026-11-26T09:00:00Z".parse().unwrap();
    desk.tell(Command::Wake).unwrap();
    let groups = &desk.run.open_tasks().next().unwrap().opened.assign.groups;
    assert_eq!((desk.story().as_str(), groups.join(","), wake_at(&desk.run)), ("start | ?1 | more 1 GG-Leitung", "GG,GG-Leitung".to_owned(), None));
    let by = answer(&desk, json!({ "ja": true }), clerk());
    desk.tell(by).unwrap();
    assert!(desk.story().ends_with("answered 1 | +f | completed {}"));
}

const PROPOSED: &str = r#"
steps:
  m: { model: { prompt: Was?, data: { t: "{{ input.name }}" }, output: { type: object, properties: { art: { type: string, maxLength: 40 }, text: { type: string }, liste: { type: array, items: { type: string } } } } } }
  f:
    human:
      assign: { groups: [GG] }
      vorschlag: { art: "{{ steps.m.art }}", text: "{{ steps.m.text }}", betrag: "{{ none }}" }
      form:
        type: object
        properties:
          art: { enum: [antrag, widerspruch] }
          text: { type: string, maxLength: 200 }
          betrag: { type: integer }
          wahl: { type: string, maxLength: 20, x-auswahl: "{{ steps.m.liste }}" }
          mehr: { type: array, x-auswahl: "{{ [{ 'wert': 1, 'text': 'eins' }, { 'wert': 2, 'text': 'zwei' }] }}" }
"#;

/// A proposal that fits is kept beside what the person makes of it; choices come from the run.
#[test]
fn a_form_proposes_and_offers() {
    let opened = |value: Value| {
        let mut desk = Desk::new(PROPOSED, json!({ "name": "x" })).unwrap();
        let due = desk.due().remove(0);
        desk.settle(&due, ok(json!(value.to_string()))).unwrap();
        desk
    };
    let mut desk = opened(json!({ "art": "widerspruch", "text": "Bitte prüfen", "liste": ["A", "B", "A"] }));
    let task = desk.run.open_tasks().next().unwrap().opened.clone();
    assert_eq!(task.vorschlag, json!({ "art": "widerspruch", "text": "Bitte prüfen" }));
    assert_eq!(
        task.form["properties"]["wahl"],
        json!({ "type": "string", "maxLength": 20, "enum": ["A", "B"],
        "oneOf": [{ "const": "A", "title": "A" }, { "const": "B", "title": "B" }] })
    );
    assert_eq!(task.form["properties"]["mehr"]["items"]["oneOf"][1], json!({ "const": 2, "title": "zwei (2)" }));
    for (values, field) in [(json!({ "wahl": "C" }), "wahl"), (json!({ "mehr": [3] }), "mehr.0")] {
        let wrong = answer(&desk, values, clerk());
        let Err(Rejection::Invalid(problems)) = desk.tell(wrong) else { panic!() };
        assert_eq!(problems[0].path.to_string(), field);
    }
    let right = answer(&desk, json!({ "art": "antrag", "text": "Bitte prüfen", "wahl": "B", "mehr": [2, 1] }), clerk());
    desk.tell(right).unwrap();
    let Some(StepState::Completed { labels, .. }) = desk.run.steps.get("f") else { panic!() };
    let of = |field: &str| labels.at(&[field.to_owned()]);
    // she saw it whole and took it: hers to vouch for, with the level it came with
    assert_eq!((of("text").to_string(), of("text").trust), ("normal, personenbezogen".to_owned(), Trust::Trusted));
    assert_eq!((of("wahl").to_string(), of("art").trust), ("normal, personenbezogen".to_owned(), Trust::Trusted));
    // a choice the field would not take is an error, not a task nobody can complete
    for (field, value, words) in [("wahl", json!({ "liste": ["x".repeat(21)] }), "Höchstens 20 Zeichen"), ("wahl", json!({ "liste": ["A"] }), "")] {
        let desk = opened(value);
        assert!(desk.run.message.contains(words) && (words.is_empty() || desk.run.message.contains(field)), "{}", desk.run.message);
    }
    // a proposal the form would not take is none
    let none = opened(json!({ "art": "beschwerde", "text": "x".repeat(201), "liste": [] }));
    let task = &none.run.open_tasks().next().unwrap().opened;
    assert_eq!((&task.vorschlag, task.form["properties"].get("wahl")), (&Value::Null, None));
    let must = PROPOSED.replace("        properties:\n          art", "        required: [wahl]\n        properties:\n          art");
    let mut must = Desk::new(&must, json!({ "name": "x" })).unwrap();
    let due = must.due().remove(0);
    must.settle(&due, ok(json!("{\"art\": \"x\", \"text\": \"y\", \"liste\": []}"))).unwrap();
    assert!(must.run.message.contains("die Liste ist leer"), "{}", must.run.message);
}
