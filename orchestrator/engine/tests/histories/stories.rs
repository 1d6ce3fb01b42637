//! What was recorded, or will be. A story may change with the program; the history it once told stays as it was.

use jiff::SignedDuration;
use laufzettel_domain::{Caller, Slot, StepId, Text, Value};
use laufzettel_engine::{Answer, ChildEnd, Claim, Command, Context, Disposition, Effect, Event, HandOver, Parent, Resolution, Start, State, start};
use laufzettel_policy::{Decision, Labelled};
use laufzettel_process::{
    Process, Tools, Types,
    model::{FailureClass, RunAs},
};
use serde_json::json;

use crate::desk::{Desk, answer, clerk, no, ok, yes};

/// By the name of its file.
pub fn all() -> Vec<(&'static str, Desk)> {
    vec![
        ("agent", agent()),
        ("anfang", begun()),
        ("antragstellend", applicant()),
        ("bescheid", given()),
        ("ereignis", event()),
        ("festgefahren", stuck()),
        ("frist", late()),
        ("gerufen", called().1),
        ("kinder", children()),
        ("liste", list()),
        ("mensch", person()),
        ("modell", model()),
        ("nachgereicht", added()),
        ("neu", anew()),
        ("reparatur", repaired()),
        ("rueckabwicklung", undone()),
        ("rueckfrage", asked()),
        ("uebernahme", taken_over()),
        ("vertretung", stood_in()),
        ("zuteilung", in_hand()),
        ("uebersprungen", skipped()),
        ("verschoben", deferred()),
        ("wiedervorlage", put_aside()),
        ("zweifel", doubtful()),
    ]
}

fn desk(steps: &str, input: Value) -> Desk {
    Desk::new(steps, input).unwrap()
}

fn first(desk: &Desk) -> Effect {
    desk.due().remove(0)
}

fn take(desk: &mut Desk, value: Value) {
    let due = first(desk);
    desk.settle(&due, ok(value)).unwrap();
}

fn fail(desk: &mut Desk, class: FailureClass, disposition: Disposition) {
    let due = first(desk);
    desk.settle(&due, no(class, disposition)).unwrap();
}

fn wait(desk: &mut Desk, seconds: i64) {
    desk.at += SignedDuration::from_secs(seconds);
    desk.tell(Command::Wake).unwrap();
}

fn says(desk: &mut Desk, values: Value) {
    let wish = answer(desk, values, clerk());
    desk.tell(wish).unwrap();
}

const CALLS: &str = r#"
steps:
  lesen: { tool: t/lesen, with: { a: "{{ input.n }}" }, retry: { attempts: 2, delay: PT2S } }
  schreiben: { needs: [lesen], tool: t/schreiben, with: { a: "{{ steps.lesen.a }}" }, undo: { tool: t/schreiben, with: { id: "{{ result.id }}" } } }
  senden: { needs: [schreiben], tool: t/senden, retry: { attempts: 3 } }
output: { id: "{{ steps.schreiben.id }}" }
"#;

fn begun() -> Desk {
    desk(CALLS, json!({ "n": 1 }))
}

/// A question to the applicant: nobody answers, then a group is asked as well, then she answers.
fn applicant() -> Desk {
    let steps = r#"
steps:
  frage:
    human:
      assign: applicant
      show: { fest: Bitte antworten, name: "{{ input.name }}" }
      form: { type: object, additionalProperties: false, required: [wort], properties: { wort: { type: string, maxLength: 40 } } }
      due: P3D
      escalate: { after: P5D, to: { groups: [GG] } }
output: { wort: "{{ steps.frage.wort }}" }
"#;
    let mut desk = Desk::applied(steps, json!({ "name": "Weber" })).unwrap();
    wait(&mut desk, 5 * 86_400);
    let wish = answer(&desk, json!({ "wort": "Bäckerei" }), Caller::applicant("k1"));
    desk.tell(wish).unwrap();
    desk
}

fn written() -> Desk {
    let mut desk = begun();
    take(&mut desk, json!({ "a": "x" }));
    take(&mut desk, json!({ "id": 7 }));
    desk
}

fn doubtful() -> Desk {
    let mut desk = begun();
    fail(&mut desk, FailureClass::Timeout, Disposition::Unknown);
    wait(&mut desk, 2);
    take(&mut desk, json!({ "a": "x" }));
    take(&mut desk, json!({ "id": 7 }));
    fail(&mut desk, FailureClass::Timeout, Disposition::Unknown);
    let path = desk.run.effects.keys().find(|path| path.step.as_str() == "senden").unwrap().clone();
    desk.at += SignedDuration::from_secs(60);
    desk.tell(Command::Resolve { path, by: clerk(), resolution: Resolution::DidNotHappen }).unwrap();
    take(&mut desk, json!({}));
    desk
}

/// One call happened, one did not and is made again, and of one its server says nothing.
fn asked() -> Desk {
    let steps = r#"
steps:
  eins: { tool: t/melden }
  zwei: { needs: [eins], tool: t/melden, retry: { attempts: 2, delay: PT2S } }
  drei: { needs: [zwei], tool: t/melden }
"#;
    let mut desk = desk(steps, json!({}));
    fail(&mut desk, FailureClass::Timeout, Disposition::Unknown);
    desk.testify(no(FailureClass::Unavailable, Disposition::Unknown)).unwrap();
    wait(&mut desk, 1);
    desk.testify(ok(json!({ "id": 1 }))).unwrap();
    fail(&mut desk, FailureClass::Timeout, Disposition::Unknown);
    desk.testify(no(FailureClass::Unavailable, Disposition::DidNotHappen)).unwrap();
    wait(&mut desk, 2);
    take(&mut desk, json!({ "id": 2 }));
    fail(&mut desk, FailureClass::Unavailable, Disposition::Unknown);
    desk.testify(no(FailureClass::Refused, Disposition::Unknown)).unwrap();
    desk
}

fn undone() -> Desk {
    let mut desk = written();
    fail(&mut desk, FailureClass::Refused, Disposition::DidNotHappen);
    take(&mut desk, json!({}));
    desk
}

fn stuck() -> Desk {
    let mut desk = written();
    fail(&mut desk, FailureClass::Refused, Disposition::DidNotHappen);
    fail(&mut desk, FailureClass::Refused, Disposition::DidNotHappen);
    desk
}

fn taken_over() -> Desk {
    let mut desk = begun();
    for _ in 0..2 {
        let path = first(&desk).key.path;
        let decision = Decision { allow: false, ..yes() };
        desk.tell(Command::Refuse { path, round: 0, decision }).unwrap();
        says(&mut desk, json!({ "entscheidung": "erneut" }));
    }
    desk.tell(Command::Cancel { by: clerk(), reason: "Irrtum".into() }).unwrap();
    desk
}

fn deferred() -> Desk {
    let mut desk = begun();
    for seconds in [1, 2] {
        let due = first(&desk);
        let reason = Text::new("nicht da", "not there");
        desk.tell(Command::Defer { path: due.key.path, round: 0, attempt: due.attempt, reason, until: None, sent: vec![] }).unwrap();
        wait(&mut desk, seconds);
    }
    let due = first(&desk);
    let reason = Text::new("nicht da", "not there");
    desk.tell(Command::Defer { path: due.key.path, round: 0, attempt: due.attempt, reason, until: None, sent: vec![] }).unwrap();
    desk
}

fn skipped() -> Desk {
    let steps = r#"
steps:
  a: { set: { x: "{{ input.n + 1 }}" } }
  b: { if: "{{ steps.a.x > 10 }}", set: { y: 1 } }
  c: { needs: [b], set: { z: 1 } }
  d: { needs: ["c?"], end_if: "{{ result.w == 2 }}", set: { w: "{{ steps.a.x }}" } }
  e: { needs: [d], set: { v: 1 } }
output: { w: "{{ steps.d.w }}" }
"#;
    desk(steps, json!({ "n": 1 }))
}

fn list() -> Desk {
    let steps = r#"
steps:
  schreiben:
    each: "{{ input.viele }}"
    on_item_error: continue
    tool: t/schreiben
    with: { wert: "{{ item }}", nummer: "{{ index }}" }
output: { anzahl: "{{ steps.schreiben | length }}" }
"#;
    let mut desk = desk(steps, json!({ "viele": ["a", "b", "c"] }));
    take(&mut desk, json!({ "id": "A" }));
    fail(&mut desk, FailureClass::Refused, Disposition::DidNotHappen);
    take(&mut desk, json!({ "id": "C" }));
    desk
}

fn late() -> Desk {
    let steps = "
steps:
  ruhe: { wait: { for: PT3H } }
  frage: { deadline: P4D, on_error: continue, human: { assign: { groups: [GG] }, due: P1D, escalate: { after: P3D, to: { groups: [GG-Leitung] } }, form: { type: object, properties: { ja: { type: boolean } } } } }
  danach: { needs: [frage], wait: { for: P1D } }
";
    let mut desk = desk(steps, json!({}));
    for days in [1, 2, 1] {
        wait(&mut desk, days * 86_400);
    }
    desk
}

fn event() -> Desk {
    let steps = r#"
steps:
  zahlung: { wait: { event: zahlung, key: "{{ input.name }}", timeout: P14D, output: { type: object, properties: { cent: { type: integer } } } } }
  mahnung: { wait: { event: mahnung, key: "{{ input.name }}", output: { type: object, properties: { cent: { type: integer } } } } }
output: { cent: "{{ steps.zahlung.cent }}" }
"#;
    let mut desk = desk(steps, json!({ "name": "K-1" }));
    let slot = Slot::of(StepId::parse("zahlung").unwrap());
    let sent_at = desk.at;
    desk.tell(Command::Deliver { slot, name: "zahlung".into(), key: "K-1".into(), payload: json!({ "cent": 700 }), sender: "S-9".into(), sent_at }).unwrap();
    desk
}

const CALLING: &str = r#"
steps:
  eins: { process: { name: kind, input: { wert: "{{ input.name }}" } } }
  zwei: { process: { name: kind, input: { wert: fest } } }
output: { gut: "{{ steps.eins.gut }}" }
"#;

fn children() -> Desk {
    let mut desk = desk(CALLING, json!({ "name": "x" }));
    let run = desk.run.children.values().next().unwrap().run;
    let end =
        ChildEnd { state: State::Completed, output: json!({ "gut": true, "wert": "x" }), labels: Labelled::default(), message: String::new(), clean: false };
    desk.tell(Command::ChildEnded { run, end }).unwrap();
    desk
}

/// A run and the child it calls, which comes to its end.
fn called() -> (Desk, Desk) {
    let parent = desk(CALLING, json!({ "name": "x" }));
    let started = parent.history.iter().find_map(|(event, _)| if let Event::ChildStarted(e) = event { Some(e.clone()) } else { None }).unwrap();
    let process = Process::clone(&parent.process.children[&started.process]);
    let context = Context { types: Types::of(&process, &Tools::new()), ..parent.context.clone() };
    let begin = Start {
        caller: started.who,
        run_as: RunAs::Caller,
        input: started.input,
        nummer: started.nummer,
        facts: json!({}),
        status_code: None,
        zone: None,
        decision: yes(),
        parent: Some((Parent { run: parent.run.id, step: started.step, item: started.item }, started.labels)),
    };
    let at = parent.at;
    let (run, events) = start(&process, &context, &parent.run.tenant, started.run, begin, at).unwrap();
    let mut child = Desk { process, context, history: events.into_iter().map(|event| (event, at)).collect(), run, at };
    says(&mut child, json!({ "ja": true }));
    (parent, child)
}

fn person() -> Desk {
    let steps = r#"
steps:
  f:
    human:
      assign: { groups: [GG] }
      show: { name: "{{ input.name }}", n: "{{ input.n }}" }
      vorschlag: { ja: true }
      form: { type: object, additionalProperties: false, required: [ja], properties: { ja: { type: boolean } } }
      release: { to: normal, kategorien: [personenbezogen], of: [name] }
  g: { needs: [f], human: { assign: { groups: [GG] }, not_by: [steps.f], form: { type: object, properties: { ja: { type: boolean } } } } }
  s: { run_as: steps.f, tool: t/senden, with: { an: "{{ steps.f.shown.name }}" } }
"#;
    let mut desk = desk(steps, json!({ "n": 3, "name": "weber@example.org" }));
    let task = desk.run.open_tasks().next().unwrap();
    let (task, shown) = (task.opened.number, task.opened.shown);
    desk.tell(Command::Answer(Answer { task, by: clerk(), values: json!({ "ja": true }), shown, decision: yes(), release: Some(yes()), stands_for: None }))
        .unwrap();
    let other = answer(&desk, json!({ "ja": false }), Caller { subject: "S-2".into(), name: "Weber".into(), ..clerk() });
    desk.tell(other).unwrap();
    desk
}

fn given() -> Desk {
    let steps = "applicant: { withdraw: { until: steps.f }, receives: { bescheid: \"Guten Tag {{ input.name }}: {{ steps.f.wort }}\" } }\nsteps:\n  f: { human: { assign: { groups: [GG] }, form: { type: object, properties: { wort: { type: string } } } } }\n";
    let mut desk = Desk::applied(steps, json!({ "name": "Weber" })).unwrap();
    says(&mut desk, json!({ "wort": "bewilligt" }));
    desk
}

fn added() -> Desk {
    let steps = "steps:\n  ablegen: { tool: t/schreiben, with: { n: 1 }, undo: { tool: t/schreiben, with: { n: 0 } } }\n  f: { needs: [ablegen], human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }\n";
    let mut desk = Desk::applied(steps, json!({})).unwrap();
    take(&mut desk, json!({ "id": 1 }));
    let (by, file) = (Caller::applicant("k1"), laufzettel_domain::file::File::describe("vertrag.pdf", "application/pdf", b"Vertrag"));
    desk.tell(Command::Add { by: by.clone(), file: file.clone(), note: "Kaufvertrag".into() }).unwrap();
    desk.tell(Command::Add { by: by.clone(), file, note: String::new() }).unwrap();
    desk.tell(Command::Withdraw { by, reason: "hat sich erledigt".into() }).unwrap();
    take(&mut desk, json!({}));
    desk
}

fn in_hand() -> Desk {
    let steps = "steps:\n  f: { human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }\n  g: { needs: [f], human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }\n";
    let mut desk = desk(steps, json!({}));
    let other = Caller { subject: "S-2".into(), name: "Weber".into(), ..clerk() };
    let claim = |task, by: &Caller, reason: &str| Command::Claim(Claim { task, by: by.clone(), reason: reason.into(), decision: yes(), stands_for: None });
    desk.tell(claim(1, &clerk(), "")).unwrap();
    desk.tell(Command::Return { task: 1, by: clerk() }).unwrap();
    desk.tell(claim(1, &clerk(), "")).unwrap();
    desk.tell(claim(1, &other, "Frau Klein ist krank")).unwrap();
    let wish = answer(&desk, json!({ "ja": true }), other.clone());
    desk.tell(wish).unwrap();
    desk.tell(claim(2, &other, "")).unwrap();
    desk
}

/// Put aside until a day, taken up again, and put aside once more.
fn put_aside() -> Desk {
    let steps = "steps:\n  f: { human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }\n";
    let mut desk = desk(steps, json!({}));
    desk.tell(Command::Claim(Claim { task: 1, by: clerk(), reason: String::new(), decision: yes(), stands_for: None })).unwrap();
    for (until, note) in [("2026-12-01", "Nachweis angefordert"), ("", ""), ("2026-12-24", "")] {
        desk.tell(Command::PutAside { task: 1, by: clerk(), until: until.parse().ok(), note: note.into() }).unwrap();
    }
    desk
}

/// Handed on, taken and completed by a deputy.
fn stood_in() -> Desk {
    let steps = "steps:\n  f: { human: { assign: { groups: [GG] }, form: { type: object, properties: { ja: { type: boolean } } } } }\n";
    let mut desk = desk(steps, json!({}));
    let (other, deputy) =
        (Caller { subject: "S-2".into(), name: "Weber".into(), ..clerk() }, Caller { subject: "S-3".into(), name: "Braun".into(), ..clerk() });
    let claim = Claim { task: 1, by: clerk(), reason: String::new(), decision: yes(), stands_for: None };
    desk.tell(Command::Claim(claim.clone())).unwrap();
    desk.tell(Command::HandOver(HandOver { task: 1, by: clerk(), to: other.clone(), note: "eilt".into(), decision: yes() })).unwrap();
    desk.tell(Command::Claim(Claim { by: deputy.clone(), stands_for: Some(other.clone()), ..claim })).unwrap();
    let Command::Answer(wish) = answer(&desk, json!({ "ja": true }), deputy) else { panic!("an answer") };
    desk.tell(Command::Answer(Answer { stands_for: Some(other), ..wish })).unwrap();
    desk
}

fn model() -> Desk {
    let steps = r#"
steps:
  m: { model: { prompt: Was?, data: { x: "{{ input.name }}" }, repair: 1, output: { type: object, required: [a], properties: { a: { enum: [ja, nein] } } } } }
output: { a: "{{ steps.m.a }}" }
"#;
    let mut desk = desk(steps, json!({ "name": "x" }));
    take(&mut desk, json!("vielleicht"));
    take(&mut desk, json!("{\"a\": \"ja\"}"));
    desk
}

fn anew() -> Desk {
    let mut desk = written();
    fail(&mut desk, FailureClass::Timeout, Disposition::DidNotHappen);
    desk.tell(Command::Anew { step: StepId::parse("schreiben").unwrap(), by: clerk() }).unwrap();
    take(&mut desk, json!({}));
    take(&mut desk, json!({ "id": 8 }));
    desk
}

fn repaired() -> Desk {
    let steps = "
steps:
  lesen: { on_error: human, tool: t/lesen }
  danach: { set: { x: \"{{ steps.lesen.x }}\" } }
output: { x: \"{{ steps.danach.x }}\" }
";
    let mut desk = desk(steps, json!({}));
    fail(&mut desk, FailureClass::Refused, Disposition::DidNotHappen);
    says(&mut desk, json!({ "entscheidung": "erneut" }));
    fail(&mut desk, FailureClass::Refused, Disposition::DidNotHappen);
    says(&mut desk, json!({ "entscheidung": "wert", "wert": "{\"x\": 3}" }));
    desk
}

fn agent() -> Desk {
    let steps = r#"
steps:
  a:
    agent:
      goal: "Kläre den Fall {{ input.n }}"
      data: { antrag: "{{ input.name }}" }
      tools: [t/lesen, { tool: t/schreiben, description: Legt einen Vermerk an, with: { akte: "A-{{ input.n }}" } }]
      ask: { groups: [GG-Amt] }
      max_turns: 6
      output: { type: object, additionalProperties: false, required: [ergebnis], properties: { ergebnis: { type: string } } }
output: { ergebnis: "{{ steps.a.ergebnis }}" }
"#;
    let mut desk = desk(steps, json!({ "n": 7, "name": "Weber" }));
    take(&mut desk, json!({ "calls": [{ "tool": "t/lesen", "with": { "frage": "eins" } }, { "tool": "t/lesen", "with": { "frage": "zwei" } }] }));
    take(&mut desk, json!({ "text": "etwas" }));
    fail(&mut desk, FailureClass::Refused, Disposition::DidNotHappen);
    take(&mut desk, json!({ "ask": "Wer ist zuständig?" }));
    says(&mut desk, json!({ "antwort": "Amt 3" }));
    take(&mut desk, json!({ "tool": "t/schreiben", "with": { "inhalt": "Vermerk" } }));
    says(&mut desk, json!({ "entscheidung": "freigeben" }));
    take(&mut desk, json!({ "id": "D-1" }));
    desk
}
