//! `human`: a task with what is shown and what is asked; its answer is the step's value.

use laufzettel_domain::{Digest, Kategorie, Lang, Path, Slot, Text, Value};
use laufzettel_policy::Decision;
use laufzettel_process::{
    Schema,
    expression::{Scope, Template},
    model::{Assign, FailureClass, Human, StepKind},
    schema::Problem,
};
use serde_json::json;

use crate::{
    command::{Answer, Rejection},
    decide::Sheet,
    event::{Escalation, Event, Released, TaskCompleted, TaskEscalated, TaskKind, TaskOpened},
    labels::{self, Seen},
    moment::{Day, moment},
    proof,
    run::Task,
};

pub(crate) fn begin(sheet: &mut Sheet<'_>, slot: &Slot, human: &Human) {
    match open(sheet, slot, human) {
        Ok(task) => sheet.emit(Event::TaskOpened(task)),
        Err(message) => sheet.fail(slot, FailureClass::Invalid, message),
    }
}

fn open(sheet: &Sheet<'_>, slot: &Slot, human: &Human) -> Result<TaskOpened, String> {
    let scope = sheet.scope_of(slot);
    let show = human
        .show
        .iter()
        .map(|(name, template)| template.evaluate(&scope).map(|v| (name.clone(), v)).map_err(|e| format!("show.{name}: {e}")))
        .collect::<Result<serde_json::Map<_, _>, _>>()?;
    let show = Value::Object(show);
    let at = |name: &str, template: &Template| {
        let value = template.evaluate(&scope).map_err(|e| format!("{name}: {e}"))?;
        moment(&value, Day::End, sheet.at, &sheet.context.zone()).map_err(|e| format!("{name}: {e}"))
    };
    let due = human.due.as_ref().map(|template| at("due", template)).transpose()?;
    let escalate = match &human.escalate {
        None => None,
        Some(escalate) => Some(Escalation { at: at("escalate.after", &escalate.after)?, groups: escalate.groups.clone() }),
    };
    let form = offered(human, &scope)?;
    let vorschlag = proposed(human, &scope, &form);
    let unasked = if human.asks_applicant() { unasked(sheet, slot, human) } else { None };
    Ok(TaskOpened {
        number: sheet.next_task(),
        kind: TaskKind::Human,
        step: slot.step.clone(),
        item: slot.item,
        path: None,
        assign: Assign {
            except: human.not_by.iter().flat_map(|step| sheet.run.completed_by(step)).map(|by| by.subject.clone()).collect(),
            applicant: human.asks_applicant() && unasked.is_none(),
            ..human.assign.clone()
        },
        unit: unasked.is_some().then(|| sheet.process.verantwortlich.clone()),
        due,
        escalate,
        shown: shown(&show, &vorschlag, &form, human),
        labels: sheet.labels().of_show(human),
        proposed: sheet.labels().of_proposed(human),
        show,
        form,
        vorschlag,
        note: unasked.unwrap_or_default(),
    })
}

/// Why a question to the applicant goes to the responsible unit instead: nobody applied, or what it says is not hers to see.
fn unasked(sheet: &Sheet<'_>, slot: &Slot, human: &Human) -> Option<String> {
    if sheet.run.applicant().is_none() {
        return Some(NOBODY_APPLIED.to_owned());
    }
    let held_back = held_back(sheet, slot, human);
    (!held_back.is_empty()).then(|| {
        let in_words = |lang| held_back.iter().map(|what: &Text| what.get(lang).to_owned()).collect::<Vec<_>>().join("; ");
        format!("{HELD_BACK} {}\n\n{HELD_BACK_EN} {}", in_words(Lang::De), in_words(Lang::En))
    })
}

/// Her status page is a way out of the house: what nobody has seen, or what turned out to be of a kind the process does not declare and
/// she did not bring, stays here.
fn held_back(sheet: &Sheet<'_>, slot: &Slot, human: &Human) -> Vec<Text> {
    let step = sheet.step(&slot.step);
    let labels = sheet.labels().read_by(step);
    let told = proof::applicant::told(step, human);
    let held_back = told.into_iter().filter_map(|(key, template)| {
        if let Some(source) = proof::applicant::unseen(labels, template) {
            return Some(Text::new(format!("{key}: {source} hat niemand im Haus gesehen"), format!("{key}: nobody of the staff has seen {source}")));
        }
        let kinds: Vec<&str> = labels.beyond_applicant(template).into_iter().map(Kategorie::as_str).collect();
        let named = format!("{key}: {}", kinds.join(", "));
        (!kinds.is_empty()).then(|| Text::new(named.clone(), named))
    });
    held_back.collect()
}

/// What the unit reads that gets a question to an applicant there is none of.
const NOBODY_APPLIED: &str = "Diese Frage geht an die antragstellende Person. Dieser Vorgang kam nicht über das Antragsformular: Es gibt keine Statusseite, auf der sie \
                              antworten könnte. Bitte klären Sie die Frage auf anderem Weg und tragen Sie die Antwort ein.";

/// What the unit reads that gets a question whose contents the applicant may not see.
const HELD_BACK: &str = "Diese Frage geht an die antragstellende Person, wurde ihr aber nicht gestellt: Sie enthält Daten, die der Prozess nicht nennt und die nicht von ihr \
                         stammen. Auf der Statusseite steht sie nicht. Bitte klären Sie sie auf anderem Weg und tragen Sie die Antwort ein. Zurückgehalten:";

const HELD_BACK_EN: &str = "This question is for the applicant, but was not put to her: it holds data the process does not declare and that did not come from \
                            her. It does not stand on her status page. Please settle it with her in another way and enter the answer. Held back:";

/// Digest of what a person has before her: what is shown, what is proposed, and what she may choose from.
fn shown(show: &Value, vorschlag: &Value, form: &Value, human: &Human) -> Digest {
    match (vorschlag, human.auswahl.is_empty()) {
        (Value::Null, true) => Digest::of_value(show),
        (_, true) => Digest::of_value(&json!({ "show": show, "vorschlag": vorschlag })),
        (_, false) => Digest::of_value(&json!({ "show": show, "vorschlag": vorschlag, "form": form })),
    }
}

/// Choices of one field at most: more are searched for, not chosen from.
const CHOICES_MAX: usize = 500;

/// The form with the choices its fields offer.
fn offered(human: &Human, scope: &Scope<'_>) -> Result<Value, String> {
    let mut form = human.form.root.clone();
    for (name, template) in &human.auswahl {
        let named = |error: String| format!("form.{name}.x-auswahl: {error}");
        let titled = choices(template, scope).map_err(named)?;
        let required = form["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
        let Some(field) = form.pointer_mut(&format!("/properties/{name}")).and_then(Value::as_object_mut) else { continue };
        field.remove("x-auswahl");
        if titled.is_empty() {
            if required {
                return Err(named("die Liste ist leer, und das Feld muss ausgefüllt werden".to_owned()));
            }
            form["properties"].as_object_mut().map(|fields| fields.remove(name));
            continue;
        }
        // what the author says of the field holds for every choice: its type is what labels and the form go by
        if field.get("type") == Some(&json!("array")) {
            let mut items = field.get("items").and_then(Value::as_object).cloned().unwrap_or_default();
            fit(&titled, &Value::Object(items.clone())).map_err(named)?;
            items.extend(one_of(titled));
            field.insert("items".to_owned(), Value::Object(items));
            field.entry("uniqueItems").or_insert(json!(true));
        } else {
            fit(&titled, &Value::Object(field.clone())).map_err(named)?;
            field.extend(one_of(titled));
        }
    }
    Ok(form)
}

fn choices(template: &Template, scope: &Scope<'_>) -> Result<Vec<Value>, String> {
    let list = template.evaluate(scope).map_err(|e| e.to_string())?;
    let choices = list.as_array().ok_or("das ist keine Liste")?;
    if choices.len() > CHOICES_MAX {
        return Err(format!("{} Möglichkeiten, höchstens {CHOICES_MAX}", choices.len()));
    }
    choices.iter().map(choice).collect::<Option<_>>().ok_or_else(|| "eine Möglichkeit ist ein Wert oder { wert, text }".to_owned())
}

fn fit(titled: &[Value], schema: &Value) -> Result<(), String> {
    let schema = Schema::compile(schema.clone())?;
    let unfit = titled.iter().find_map(|choice| schema.validate(&choice["const"]).into_iter().next().map(|problem| (choice, problem)));
    unfit.map_or(Ok(()), |(choice, problem)| Err(format!("„{}“ passt nicht in das Feld: {}", plain(&choice["const"]), problem.message.de)))
}

fn one_of(titled: Vec<Value>) -> serde_json::Map<String, Value> {
    let mut values: Vec<Value> = Vec::new();
    let mut kept = Vec::new();
    for choice in titled {
        if !values.contains(&choice["const"]) {
            values.push(choice["const"].clone());
            kept.push(choice);
        }
    }
    serde_json::Map::from_iter([("enum".to_owned(), values.into()), ("oneOf".to_owned(), kept.into())])
}

/// `"A"` or `{ wert: "A", text: "Antrag" }`
fn choice(written: &Value) -> Option<Value> {
    match written {
        Value::Object(map) => {
            let value = map.get("wert").filter(|value| !value.is_object() && !value.is_array())?;
            // nobody vouches for what she was not shown
            let title = match map.get("text").and_then(Value::as_str).filter(|text| *text != plain(value)) {
                Some(text) => format!("{text} ({})", plain(value)),
                None => plain(value),
            };
            Some(json!({ "const": value, "title": title }))
        }
        Value::Array(_) | Value::Null => None,
        scalar => Some(json!({ "const": scalar, "title": plain(scalar) })),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What is proposed, field by field; a proposal that is none, or that the form would not take, is left out.
fn proposed(human: &Human, scope: &Scope<'_>, form: &Value) -> Value {
    let Ok(schema) = Schema::compile(form.clone()) else { return Value::Null };
    let fits = |name: &String, value: &Value| {
        let problems = schema.validate(&json!({ name.as_str(): value }));
        let known = form["properties"].get(name.as_str()).is_some();
        known && !problems.iter().any(|problem| problem.path.root() == name.as_str() && problem.path.0.len() <= depth(value))
    };
    let values = human.vorschlag.iter().filter_map(|(name, template)| {
        let value = template.evaluate(scope).ok().filter(|value| !value.is_null())?;
        fits(name, &value).then(|| (name.clone(), value))
    });
    let map: serde_json::Map<String, Value> = values.collect();
    if map.is_empty() { Value::Null } else { Value::Object(map) }
}

/// Parts of the longest path into a value, with the field's own name.
fn depth(value: &Value) -> usize {
    1 + match value {
        Value::Object(map) => map.values().map(depth).max().unwrap_or(1),
        Value::Array(items) => items.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Tasks nobody answered in time are open to more people from now on.
pub(crate) fn escalate(sheet: &mut Sheet<'_>) {
    let late = |task: &&Task| task.opened.escalate.as_ref().is_some_and(|escalation| escalation.at <= sheet.at);
    let late: Vec<(u32, Vec<String>)> =
        sheet.run.open_tasks().filter(late).filter_map(|task| Some((task.opened.number, task.opened.escalate.as_ref()?.groups.clone()))).collect();
    for (number, groups) in late {
        sheet.emit(Event::TaskEscalated(TaskEscalated { number, groups }));
    }
}

/// Field by field what is wrong with an answer, if anything.
pub(crate) fn check_form(sheet: &Sheet<'_>, task: &Task, answer: &Answer) -> Result<(), Rejection> {
    if !answer.decision.allow {
        return Err(Rejection::Denied(answer.decision.clone()));
    }
    if answer.shown != task.opened.shown {
        let message = Text::new("Die Aufgabe zeigt inzwischen etwas anderes. Bitte neu laden.", "The task shows something else by now. Please reload.");
        return Err(Rejection::Stale(message));
    }
    let schema = Schema::compile(task.opened.form.clone())
        .map_err(|message| Rejection::Invalid(vec![Problem { path: Path::default(), message: Text::new(message.clone(), message) }]))?;
    let problems = schema.validate_on(&answer.values, sheet.context.day(sheet.at));
    if problems.is_empty() { Ok(()) } else { Err(Rejection::Invalid(problems)) }
}

pub(crate) fn record(sheet: &mut Sheet<'_>, task: &Task, answer: Answer) {
    // a task about the whole run has no step
    let release = match (sheet.process.steps.get(&task.opened.step).map(|step| &step.kind), answer.release) {
        (Some(StepKind::Human(human)), Some(decision)) if task.opened.kind == TaskKind::Human => {
            human.release.clone().map(|release| Released { release, decision })
        }
        _ => None,
    };
    let Answer { by, values, shown, decision, stands_for, .. } = answer;
    sheet.emit(Event::TaskCompleted(TaskCompleted { number: task.opened.number, by, shown, decision, release, stands_for, values }));
}

pub(crate) fn answer(sheet: &mut Sheet<'_>, task: &Task, answer: Answer) -> Result<(), Rejection> {
    check_form(sheet, task, &answer)?;
    let slot = Slot { step: task.opened.step.clone(), item: task.opened.item };
    let id = &slot.step;
    let StepKind::Human(human) = &sheet.step(id).kind else {
        return Err(Rejection::stale("Diesen Schritt erledigt kein Mensch.", "This step is done by no person."));
    };
    if task.opened.assign.except.contains(&answer.by.subject) {
        return Err(Rejection::Denied(four_eyes()));
    }
    let mut value = answer.values.clone();
    may_release(human, &answer)?;
    let seen = Seen { show: &task.opened.show, values: &answer.values };
    let labels = sheet.labels().of_human(id, human, &task.opened.labels, &task.opened.proposed, Some(&seen));
    if let Some(map) = value.as_object_mut() {
        map.insert("shown".to_owned(), task.opened.show.clone());
        map.insert("by".to_owned(), json!({ "subject": answer.by.subject, "name": answer.by.name }));
    }
    let reads = labels::reads(human.show.values());
    record(sheet, task, answer);
    sheet.complete(&slot, value, labels, reads);
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
