//! `human`: a task with what is shown and what is asked; its answer is the step's value.

use jiff::Timestamp;
use laufzettel_domain::{Digest, Path, StepId, Text, Value};
use laufzettel_policy::Decision;
use laufzettel_process::{
    Schema,
    expression::Template,
    model::{Assign, FailureClass, Human, StepKind},
    schema::Problem,
};
use serde_json::json;

use crate::{
    command::{Answer, Rejection},
    decide::Sheet,
    event::{Event, Released, TaskCompleted, TaskKind, TaskOpened},
    labels,
    moment::{Day, moment},
    run::Task,
};

pub(crate) fn begin(sheet: &mut Sheet<'_>, id: &StepId, human: &Human) {
    match open(sheet, id, human) {
        Ok(task) => sheet.emit(Event::TaskOpened(task)),
        Err(message) => sheet.fail(id, FailureClass::Invalid, message),
    }
}

fn open(sheet: &Sheet<'_>, id: &StepId, human: &Human) -> Result<TaskOpened, String> {
    let scope = sheet.scope();
    let show = human
        .show
        .iter()
        .map(|(name, template)| template.evaluate(&scope).map(|v| (name.clone(), v)).map_err(|e| format!("show.{name}: {e}")))
        .collect::<Result<serde_json::Map<_, _>, _>>()?;
    let show = Value::Object(show);
    let due = match &human.due {
        None => None,
        Some(template) => Some(due_at(sheet, template)?),
    };
    Ok(TaskOpened {
        number: sheet.next_task(),
        kind: TaskKind::Human,
        step: id.clone(),
        path: None,
        assign: Assign {
            except: human.not_by.iter().filter_map(|step| sheet.run.completed_by(step)).map(|by| by.subject.clone()).collect(),
            ..human.assign.clone()
        },
        unit: None,
        due,
        shown: Digest::of_value(&show),
        labels: sheet.labels().of_show(human),
        show,
        form: human.form.root.clone(),
        note: String::new(),
    })
}

fn due_at(sheet: &Sheet<'_>, template: &Template) -> Result<Timestamp, String> {
    let value = template.evaluate(&sheet.scope()).map_err(|e| format!("due: {e}"))?;
    moment(&value, Day::End, sheet.at, &sheet.context.zone()).map_err(|e| format!("due: {e}"))
}

/// Field by field what is wrong with an answer, if anything.
pub(crate) fn check_form(task: &Task, answer: &Answer) -> Result<(), Rejection> {
    if !answer.decision.allow {
        return Err(Rejection::Denied(answer.decision.clone()));
    }
    if answer.shown != task.opened.shown {
        let message = Text::new("Die Aufgabe zeigt inzwischen etwas anderes. Bitte neu laden.", "The task shows something else by now. Please reload.");
        return Err(Rejection::Stale(message));
    }
    let schema = Schema::compile(task.opened.form.clone())
        .map_err(|message| Rejection::Invalid(vec![Problem { path: Path::default(), message: Text::new(message.clone(), message) }]))?;
    let problems = schema.validate(&answer.values);
    if problems.is_empty() { Ok(()) } else { Err(Rejection::Invalid(problems)) }
}

pub(crate) fn record(sheet: &mut Sheet<'_>, task: &Task, answer: Answer) {
    let release = match (&sheet.step(&task.opened.step).kind, answer.release) {
        (StepKind::Human(human), Some(decision)) if task.opened.kind == TaskKind::Human => human.release.clone().map(|release| Released { release, decision }),
        _ => None,
    };
    let Answer { by, values, shown, decision, .. } = answer;
    sheet.emit(Event::TaskCompleted(TaskCompleted { number: task.opened.number, by, shown, decision, release, values }));
}

pub(crate) fn answer(sheet: &mut Sheet<'_>, task: &Task, answer: Answer) -> Result<(), Rejection> {
    check_form(task, &answer)?;
    let id = task.opened.step.clone();
    let StepKind::Human(human) = &sheet.step(&id).kind else {
        return Err(Rejection::stale("Diesen Schritt erledigt kein Mensch.", "This step is done by no person."));
    };
    if task.opened.assign.except.contains(&answer.by.subject) {
        return Err(Rejection::Denied(four_eyes()));
    }
    let mut value = answer.values.clone();
    may_release(human, &answer)?;
    let labels = sheet.labels().of_human(&id, human, &task.opened.labels, Some(&task.opened.show));
    if let Some(map) = value.as_object_mut() {
        map.insert("shown".to_owned(), task.opened.show.clone());
        map.insert("by".to_owned(), json!({ "subject": answer.by.subject, "name": answer.by.name }));
    }
    let reads = labels::reads(human.show.values());
    record(sheet, task, answer);
    sheet.complete(&id, value, labels, reads);
    Ok(())
}

/// Why somebody may not look at her own work.
pub fn four_eyes() -> Decision {
    Decision::deny(
        "human.not_by",
        "Vier Augen: Wer den vorigen Schritt erledigt hat, darf diesen nicht erledigen.",
        "Four eyes: whoever completed the step before may not complete this one.",
    )
}

/// Labels are lowered only by somebody with that right, and the record says by which rule.
fn may_release(human: &Human, answer: &Answer) -> Result<(), Rejection> {
    match (&human.release, &answer.release) {
        (None, _) => Ok(()),
        (Some(_), Some(decision)) if decision.allow => Ok(()),
        (Some(_), Some(decision)) => Err(Rejection::Denied(decision.clone())),
        (Some(_), None) => Err(Rejection::Denied(Decision::deny(
            "label.release",
            "Diese Aufgabe senkt einen Schutzbedarf; dafür ist das Recht label.release nötig.",
            "This task lowers a protection level; that takes the right label.release.",
        ))),
    }
}
