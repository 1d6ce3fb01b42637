//! A question to whoever applied: who answers it, what her answer is worth, and who is asked where nobody applied.

use laufzettel_domain::{Caller, Label, Trust, Value, Via, file::File};
use laufzettel_engine::{
    ADDED_BYTES_MAX, ADDED_MAX, Claim, Command, Event, NOTE_CHARS_MAX, Rejection, Run, StepState, Withdrawable, contacts, wake_at, withdrawable,
};
use laufzettel_process::model::RunAs;
use serde_json::json;

use crate::desk::{Desk, answer, clerk, yes};

const ASKED: &str = r#"
steps:
  frage:
    human:
      assign: applicant
      show: { name: "{{ input.name }}", fest: Bitte antworten }
      form:
        type: object
        additionalProperties: false
        required: [wort]
        properties: { wort: { type: string, maxLength: 40 }, art: { enum: [a, b] }, offen: { type: string, x-schutzbedarf: kein, x-kategorien: [] } }
      due: P3D
      escalate: { after: P5D, to: { groups: [GG] } }
output: { wort: "{{ steps.frage.wort }}" }
"#;

fn asked() -> Desk {
    Desk::applied(ASKED, json!({ "name": "Weber" })).unwrap()
}

fn hers() -> Caller {
    Caller::applicant("k1")
}

/// The rule that refused, or what came of it.
fn told(desk: &mut Desk, wish: Command) -> String {
    match desk.tell(wish) {
        Ok(()) => desk.story().split(" | ").last().unwrap().to_owned(),
        Err(Rejection::Denied(decision)) => decision.rule,
        Err(other) => panic!("{other:?}"),
    }
}

/// Whatever was permitted: she answers, of this very run, and nobody for her until others are asked as well.
#[test]
fn who_answers_a_question_to_the_applicant() {
    let key = Caller { via: Via::Api, ..clerk() };
    for (by, before, after) in [
        (hers(), "completed {\"wort\":\"x\"}", "completed {\"wort\":\"x\"}"),
        (Caller::applicant("k2"), "gate.interactive", "gate.interactive"),
        (key, "gate.interactive", "gate.interactive"),
        (Caller::service("svc", Via::Intake), "gate.interactive", "gate.interactive"),
        (clerk(), "assign.applicant", "completed {\"wort\":\"x\"}"),
    ] {
        let mut desk = asked();
        assert_eq!(desk.run.state().as_str(), "waiting");
        let wish = answer(&desk, json!({ "wort": "x" }), by.clone());
        assert_eq!(told(&mut desk, wish), before, "{}", by.subject);
        let mut desk = asked();
        desk.at = wake_at(&desk.run).unwrap();
        desk.tell(Command::Wake).unwrap();
        assert_eq!(desk.story(), "start | ?1 | more 1 GG");
        let wish = answer(&desk, json!({ "wort": "x" }), by.clone());
        assert_eq!(told(&mut desk, wish), after, "{}", by.subject);
    }
}

/// She answers no task of the staff's, takes none in hand, and what a clerk has in hand stays hers to answer.
#[test]
fn her_questions_and_the_staffs_tasks_are_apart() {
    let steps = "\nsteps:\n  pruefung: { human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }\n";
    let mut staff = Desk::applied(steps, json!({})).unwrap();
    let wish = answer(&staff, json!({ "ja": true }), hers());
    assert_eq!(told(&mut staff, wish), "gate.interactive");
    let mut desk = asked();
    let claim = |by: Caller| Command::Claim(Claim { task: 1, by, reason: String::new(), decision: yes(), stands_for: None });
    assert_eq!(told(&mut desk, claim(hers())), "gate.interactive");
    assert_eq!(told(&mut desk, claim(clerk())), "assign.applicant", "hers alone so far");
    desk.at = wake_at(&desk.run).unwrap();
    desk.tell(Command::Wake).unwrap();
    assert_eq!(told(&mut desk, claim(clerk())), "Klein has 1");
    let wish = answer(&desk, json!({ "wort": "x" }), hers());
    assert_eq!(told(&mut desk, wish), "completed {\"wort\":\"x\"}");
}

/// Her words are foreign, with the labels of the form; what she was shown nobody vouches for, and no contact is seen by her.
#[test]
fn what_she_answers_is_foreign() {
    let mut desk = Desk::applied(ASKED, json!({ "name": "weber@example.org" })).unwrap();
    let wish = answer(&desk, json!({ "wort": "x", "art": "a", "offen": "y" }), hers());
    desk.tell(wish).unwrap();
    let Some(StepState::Completed { labels, value, .. }) = desk.run.steps.get("frage") else { panic!("{}", desk.story()) };
    let of = |path: &[&str]| labels.at(&path.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
    let told = |label: Label| (label.to_string(), label.trust);
    let foreign = |label: &str| (label.to_owned(), Trust::Untrusted);
    assert_eq!(told(of(&["wort"])), foreign("normal, personenbezogen"));
    assert_eq!(told(of(&["art"])), foreign("normal, personenbezogen"), "as a field of her input");
    assert_eq!(told(of(&["offen"])), foreign("kein"));
    assert_eq!(told(of(&["shown", "name"])), foreign("normal, personenbezogen"));
    assert_eq!(told(of(&["shown", "fest"])), ("kein".to_owned(), Trust::Trusted), "the author's own words stay his");
    assert_eq!(value["by"], json!({ "subject": "applicant:k1", "name": "Antragsteller/in" }));
    let contact = Run { contacts: ["weber@example.org".to_owned()].into(), ..desk.run.clone() };
    assert!(contacts(&contact).is_empty(), "nobody of the staff has seen it");
}

/// With its time or its run the question is over, and whoever answers then is told so.
#[test]
fn a_question_ends_with_its_time_and_with_its_run() {
    let timed = ASKED
        .replace("  frage:\n", "  frage:\n    deadline: P7D\n    on_error: continue\n")
        .replace("{{ steps.frage.wort }}", "{{ steps.frage.wort | default('-') }}");
    let mut late = Desk::applied(&timed, json!({ "name": "x" })).unwrap();
    late.at += jiff::SignedDuration::from_hours(7 * 24);
    let wish = answer(&late, json!({ "wort": "x" }), hers());
    late.tell(Command::Wake).unwrap();
    assert!(late.story().ends_with("late frage | withdrawn 1 | !frage | completed {\"wort\":\"-\"}"), "{}", late.story());
    assert!(matches!(late.tell(wish), Err(Rejection::Stale(_))));
    let mut called_off = asked();
    let wish = answer(&called_off, json!({ "wort": "x" }), hers());
    called_off.tell(Command::Cancel { by: clerk(), reason: "zurückgenommen".into() }).unwrap();
    assert!(called_off.story().ends_with("ending Cancelled | withdrawn 1 | cancelled {}"), "{}", called_off.story());
    assert!(matches!(called_off.tell(wish), Err(Rejection::Stale(_))));
}

/// A run nobody applied for has nobody to ask: its unit is, and reads why.
#[test]
fn where_nobody_applied_the_unit_is_asked() {
    let no_page = json!({});
    let page = json!({ "status_link": "http://vg/status/1" });
    for (by, facts) in [(clerk(), page.clone()), (Caller::service("svc", Via::Webhook), page), (hers(), no_page)] {
        let steps = format!("triggers: [{{ intake: {{ path: probe, run_as: service:svc }} }}]{ASKED}");
        let mut desk = Desk::begun_by(&steps, &[], (by.clone(), RunAs::Service("svc".into())), facts, json!({ "name": "x" })).unwrap();
        let opened = desk.run.open_tasks().next().unwrap().opened.clone();
        assert_eq!((opened.unit.as_deref(), opened.assign.applicant, opened.assign.groups.len()), (Some("FB1"), false, 0), "{}", by.subject);
        assert!(opened.note.contains("keine Statusseite"), "{}", opened.note);
        let wish = answer(&desk, json!({ "wort": "x" }), clerk());
        desk.tell(wish).unwrap();
        let Some(StepState::Completed { labels, .. }) = desk.run.steps.get("frage") else { panic!("{}", desk.story()) };
        assert_eq!(labels.at(&["wort".to_owned()]).trust, Trust::Untrusted, "it is her word all the same");
    }
}

/// What turned out to be of a kind the process does not declare does not go to her page.
#[test]
fn what_is_not_hers_to_see_stays_in_the_house() {
    let steps = r#"
steps:
  notiz: { human: { assign: { groups: [GG] }, form: { type: object, properties: { text: { type: string } } } } }
  frage: { human: { assign: applicant, show: { text: "{{ steps.notiz.text }}" }, form: { type: object, properties: { wort: { type: string } } } } }
"#;
    let written = |text: &str| -> Desk {
        let mut desk = Desk::applied(steps, json!({})).unwrap();
        let wish = answer(&desk, json!({ "text": text }), clerk());
        desk.tell(wish).unwrap();
        desk
    };
    assert!(written("Bitte den Nachweis").story().ends_with("+notiz | ?2"));
    // a tax number (the checksum fits) in a process that declares no tax data: the unit asks her in another way
    let mut desk = written("Zur Steuer-ID 86095742719");
    assert!(desk.story().ends_with("+notiz | ?2"), "{}", desk.story());
    let opened = desk.run.open_tasks().next().unwrap().opened.clone();
    assert_eq!((opened.unit.as_deref(), opened.assign.applicant), (Some("FB1"), false));
    assert!(opened.note.contains("nicht gestellt") && opened.note.ends_with("steps.frage.human.show.text: steuerdaten"), "{}", opened.note);
    let wish = answer(&desk, json!({ "wort": "x" }), clerk());
    assert_eq!(told(&mut desk, wish), "completed {}");
}

/// Her own words are hers, whatever a pattern finds in them and whatever way they took: shown as they are, set, seen and kept by a clerk,
/// answered before. A clerk's are not hers for that.
#[test]
fn her_own_words_never_kill_her_application() {
    let steps = r#"
steps:
  satz: { set: { text: "Frau {{ input.name }}", zwei: "{{ input.n }}{{ input.name }}" } }
  frage: { human: { assign: applicant, show: { name: "{{ input.name }}", satz: "{{ steps.satz.text }}", zwei: "{{ steps.satz.zwei }}" }, form: { type: object, properties: { wort: { type: string } } } } }
  pruefung:
    needs: [frage]
    human:
      assign: { groups: [GG] }
      show: { wort: "{{ steps.frage.wort }}" }
      vorschlag: { name: "{{ input.name }}" }
      form: { type: object, properties: { name: { type: string, maxLength: 60 }, notiz: { type: string } } }
  nachfrage:
    human:
      assign: applicant
      show: { wort: "{{ steps.pruefung.shown.wort }}", name: "{{ steps.pruefung.name }}", selbst: "{{ steps.frage.wort }}", satz: "{{ steps.satz }}" NOTIZ }
      form: { type: object, properties: { wort: { type: string } } }
"#;
    let asked_again = |notiz: &str, name: &str, steps: &str| {
        let mut desk = Desk::applied(steps, json!({ "n": 8609, "name": "IdNr 86095742719" })).unwrap();
        for (values, by) in [(json!({ "wort": "IBAN DE89 3704 0044 0532 0130 00" }), hers()), (json!({ "name": name, "notiz": notiz }), clerk())] {
            let wish = answer(&desk, values, by);
            desk.tell(wish).unwrap();
        }
        let opened = desk.run.open_tasks().next().unwrap().opened.clone();
        (opened.assign.applicant, opened.note)
    };
    let plain = steps.replace(" NOTIZ", "");
    for name in ["IdNr 86095742719", "Weber"] {
        assert_eq!(asked_again("", name, &plain), (true, String::new()), "{name}");
    }
    let noted = steps.replace(" NOTIZ", ", notiz: \"{{ steps.pruefung.notiz }}\"").replace("name: \"{{ steps.pruefung.name }}\", ", "");
    assert!(asked_again("ruft an", "Weber", &noted).0);
    let (hers, note) = asked_again("IdNr 86095742719", "Weber", &noted.replace("selbst: \"{{ steps.frage.wort }}\", satz: \"{{ steps.satz }}\", ", ""));
    assert!(!hers && note.ends_with("show.notiz: steuerdaten"), "{note}");
}

/// What was recorded before there was such a thing reads as it did, and nothing new is written where nobody is asked.
#[test]
fn the_record_says_so_only_where_it_is_so() {
    let applicant = |desk: &Desk| -> Option<Value> {
        let opened = desk.history.iter().find(|(event, _)| matches!(event, Event::TaskOpened(_)))?;
        opened.0.split().0.pointer("/assign/applicant").cloned()
    };
    assert_eq!(applicant(&asked()), Some(json!(true)));
    let staff = "\nsteps:\n  f: { human: { assign: { groups: [GG] }, form: { type: object, properties: {} } } }\n";
    assert_eq!(applicant(&Desk::applied(staff, json!({})).unwrap()), None);
}

const DECIDED: &str = r#"
applicant: { withdraw: { until: steps.pruefung } }
steps:
  ablegen: { tool: t/schreiben, with: { n: 1 }, undo: { tool: t/schreiben, with: { n: 0 } } }
  pruefung: { needs: [ablegen], human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }
  danach: { needs: [pruefung], human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }
"#;

fn withdraw(by: Caller) -> Command {
    Command::Withdraw { by, reason: "hat sich erledigt".into() }
}

/// Whatever was permitted elsewhere: she takes her own application back, and nobody else does that for her.
#[test]
fn who_withdraws() {
    let key = Caller { via: Via::Api, ..clerk() };
    for (by, expected) in [
        (hers(), "cancelled {}"),
        (Caller::applicant("k2"), "applicant"),
        (clerk(), "applicant"),
        (key, "applicant"),
        (Caller::service("svc", Via::Intake), "applicant"),
    ] {
        assert_eq!(told(&mut asked(), withdraw(by.clone())), expected, "{}", by.subject);
    }
    let (_, steps) = DECIDED.split_once("} }\n").unwrap();
    let mut by_hand = Desk::new(steps, json!({})).unwrap();
    assert_eq!(told(&mut by_hand, withdraw(clerk())), "applicant", "nobody applied");
}

/// What was done is undone, her reason is on record, and twice is once.
#[test]
fn a_withdrawal_ends_the_run_and_undoes_it() {
    let mut desk = Desk::applied(DECIDED, json!({})).unwrap();
    let due = desk.due().remove(0);
    desk.settle(&due, crate::desk::ok(json!({}))).unwrap();
    desk.tell(withdraw(hers())).unwrap();
    let at = desk.at;
    assert!(matches!(desk.tell(withdraw(hers())), Err(Rejection::Stale(_))));
    let undo = desk.due().remove(0);
    desk.settle(&undo, crate::desk::ok(json!({}))).unwrap();
    assert_eq!(desk.story(), "start | >ablegen | <ablegen | +ablegen | ?1 | ending Cancelled | withdrawn 1 | >ablegen~undo | <ablegen~undo | cancelled {}");
    assert_eq!(desk.run.withdrawn, Some((at, "hat sich erledigt".to_owned())));
    assert!(matches!(desk.tell(withdraw(hers())), Err(Rejection::Stale(_))));
}

/// Until the step that decides is done; never, where the process says so; any time where it says nothing.
#[test]
fn until_when_she_may_withdraw() {
    let mut desk = Desk::applied(DECIDED, json!({})).unwrap();
    let due = desk.due().remove(0);
    desk.settle(&due, crate::desk::ok(json!({}))).unwrap();
    assert_eq!(withdrawable(&desk.process, &desk.run), Withdrawable::Yes);
    let wish = answer(&desk, json!({ "ja": true }), clerk());
    desk.tell(wish).unwrap();
    assert_eq!(withdrawable(&desk.process, &desk.run), Withdrawable::Decided);
    let refused = desk.tell(withdraw(hers()));
    assert_eq!(refused, Err(Rejection::stale("Über den Antrag ist schon entschieden.", "The application has been decided already.")));
    for (word, expected) in [("never", Withdrawable::Never), ("always", Withdrawable::Yes)] {
        let text = DECIDED.replace("{ until: steps.pruefung }", word);
        let mut desk = Desk::applied(&text, json!({})).unwrap();
        assert_eq!(withdrawable(&desk.process, &desk.run), expected, "{word}");
        assert_eq!(desk.tell(withdraw(hers())).is_ok(), expected == Withdrawable::Yes, "{word}");
    }
    let long = Command::Withdraw { by: hers(), reason: "x".repeat(NOTE_CHARS_MAX + 1) };
    assert!(matches!(asked().tell(long), Err(Rejection::Invalid(_))));
    let mut resting = asked();
    resting.tell(Command::Park { note: "Wiederherstellung".into() }).unwrap();
    assert!(matches!(resting.tell(withdraw(hers())), Err(Rejection::Stale(_))), "what there is to undo nobody knows");
}

/// She hands in what nobody asked for, within bounds, as long as the run goes on; nothing follows from it, and no expression reads it.
#[test]
fn files_nobody_asked_for() {
    let file = |bytes: u64| File { size: bytes, ..File::describe("vertrag.pdf", "application/pdf", b"x") };
    let add = |by: Caller, bytes: u64| Command::Add { by, file: file(bytes), note: "Kaufvertrag".into() };
    let mut desk = asked();
    for by in [clerk(), Caller::applicant("k2"), Caller::service("svc", Via::Intake)] {
        assert_eq!(told(&mut desk, add(by, 1)), "applicant");
    }
    let before = desk.run.clone();
    assert_eq!(told(&mut desk, add(hers(), 1)), "added vertrag.pdf");
    let added = desk.run.added.clone();
    assert_eq!((added.len(), added[0].note.as_str()), (1, "Kaufvertrag"));
    assert_eq!(File::from_value(&added[0].file), Some(file(1)));
    assert_eq!(desk.run, Run { seq: before.seq + 1, added, ..before }, "nothing else changes");
    for _ in 1..ADDED_MAX {
        desk.tell(add(hers(), 1)).unwrap();
    }
    assert!(matches!(desk.tell(add(hers(), 1)), Err(Rejection::Invalid(_))), "one too many");
    let mut large = asked();
    large.tell(add(hers(), ADDED_BYTES_MAX)).unwrap();
    assert!(matches!(large.tell(add(hers(), 1)), Err(Rejection::Invalid(_))), "too much");
    large.tell(withdraw(hers())).unwrap();
    assert!(matches!(large.tell(add(hers(), 1)), Err(Rejection::Stale(_))), "after the end");
}

const GIVEN: &str = r#"
applicant: { receives: { bescheid: "Guten Tag {{ input.name }}: {{ steps.f.wort }}", anlage: "{{ steps.wenn.x }}", zahl: "{{ input.n }}", leer: "{{ none }}" } }
steps:
  f: { human: { assign: { groups: [GG] }, form: { type: object, properties: { wort: { type: string } } } } }
  wenn: { needs: [f], if: "{{ steps.f.wort == 'ja' }}", set: { x: "Anlage zu {{ input.name }}" } }
output: {}
"#;

/// When all is done, and only then, she gets what the process says: texts and files, not what was skipped, and nothing that is neither.
#[test]
fn what_she_gets_in_the_end() {
    let given = |word: &str, input: Value| {
        let mut desk = Desk::applied(GIVEN, input).unwrap();
        let wish = answer(&desk, json!({ "wort": word }), clerk());
        desk.tell(wish).unwrap();
        (desk.run.received, desk.run.message, desk.run.ended.map(|(state, _)| state.as_str()))
    };
    let (name, done) = (json!({ "name": "Weber" }), Some("completed"));
    assert_eq!(given("ja", name.clone()), (json!({ "bescheid": "Guten Tag Weber: ja", "anlage": "Anlage zu Weber" }), String::new(), done));
    assert_eq!(given("nein", name.clone()), (json!({ "bescheid": "Guten Tag Weber: nein" }), String::new(), done));
    let (received, message, state) = given("nein", json!({ "name": "Weber", "n": 3 }));
    assert_eq!((received, state), (json!({ "bescheid": "Guten Tag Weber: nein" }), done));
    assert!(message.contains("„zahl“") && message.contains("weder ein Text noch eine Datei"), "{message}");
    let mut withdrawn = Desk::applied(GIVEN, name.clone()).unwrap();
    withdrawn.tell(withdraw(hers())).unwrap();
    assert_eq!(withdrawn.run.received, Value::Null);
}

/// What a pattern finds in what a clerk wrote may be no data of hers.
#[test]
fn what_turns_out_not_to_be_hers_she_does_not_get() {
    let text = GIVEN.replace("wort: { type: string }", "wort: { type: string, x-schutzbedarf: kein, x-kategorien: [] }");
    let mut desk = Desk::applied(&text, json!({ "name": "Weber" })).unwrap();
    desk.process.datenkategorien.clear();
    let wish = answer(&desk, json!({ "wort": "schreiben Sie an privat@example.org" }), clerk());
    desk.tell(wish).unwrap();
    assert_eq!(desk.run.received, Value::Null);
    assert!(desk.run.message.contains("„bescheid“") && desk.run.message.contains("personenbezogen"), "{}", desk.run.message);
}
