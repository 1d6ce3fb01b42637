//! `on_error: human`: a step has failed, and whoever answers for the process says what becomes of it.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Label, Path, Slot, StepId, Text, Value};
use laufzettel_process::{
    Schema,
    model::{FailureClass, StepKind},
    schema::Problem,
};
use serde_json::json;

use crate::{
    command::{Answer, Rejection},
    deadline,
    decide::{By, Sheet},
    event::{Call, Event, StepRetried, StepSkipped, TaskOpened},
    run::{Ending, Task},
    steps::human,
};

/// Opens the repair task. Tasks of the step that are still open go with what failed.
pub(crate) fn open(sheet: &mut Sheet<'_>, step: &StepId, class: FailureClass, message: String) {
    sheet.withdraw(|task| task.opened.step == *step && task.opened.kind.is_own());
    let mut show = json!({ "schritt": sheet.step(step).title, "grund": class });
    let (done, labels) = done_already(sheet, step);
    if !done.is_empty() {
        // whoever has an agent begin anew must know that this stays
        show["schon_geschehen"] = done.into();
    }
    let form = form(sheet, step);
    let task = TaskOpened { labels, ..sheet.unit_task(step, show, form, message) };
    sheet.emit(Event::TaskOpened(task));
}

/// The calls of an agent that changed something, or may have; and those of any step in rounds before this one.
fn done_already(sheet: &Sheet<'_>, step: &StepId) -> (Vec<Value>, BTreeMap<String, Label>) {
    let now = sheet.run.effects.iter().filter(|(path, effect)| path.step == *step && path.call > 0 && effect.acted());
    let earlier = sheet.run.earlier.iter().filter(|(path, _)| path.step == *step).map(|(path, effect)| (path, effect));
    let calls: Vec<_> = earlier.chain(now).map(|(_, effect)| &effect.intent).collect();
    let label = calls.iter().fold(Label::default(), |all, intent| all.join(&Label::join_all(intent.labels.values())));
    let told = calls.iter().filter_map(|intent| match &intent.call {
        Call::Tool { arguments, .. } => Some(json!({ "werkzeug": intent.target, "argumente": arguments })),
        _ => None,
    });
    let labels = if calls.is_empty() { BTreeMap::new() } else { BTreeMap::from([("schon_geschehen".to_owned(), label)]) };
    (told.collect(), labels)
}

/// A gate is a person's own word: nobody supplies it in her place.
fn may_be_supplied(sheet: &Sheet<'_>, step: &StepId) -> bool {
    !matches!(sheet.step(step).kind, StepKind::Human(_))
}

fn form(sheet: &Sheet<'_>, step: &StepId) -> Value {
    let mut choices = vec![("erneut", "Erneut versuchen"), ("ueberspringen", "Den Schritt überspringen"), ("abbrechen", "Vorgang abbrechen")];
    let mut properties = serde_json::Map::new();
    if may_be_supplied(sheet, step) {
        choices.insert(1, ("wert", "Den Wert selbst angeben"));
        properties.insert("wert".to_owned(), value_field());
    }
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    let titled: Vec<Value> = choices.iter().map(|(word, title)| json!({ "const": word, "title": title })).collect();
    properties.insert("entscheidung".to_owned(), json!({ "title": "Was soll mit dem Schritt geschehen?", "enum": words, "oneOf": titled }));
    json!({ "type": "object", "additionalProperties": false, "required": ["entscheidung"], "properties": properties })
}

/// Where a person writes what a step or a call would have given.
pub(crate) fn value_field() -> Value {
    let hint = "Nur, wenn Sie den Wert selbst angeben: als JSON, wie der Schritt ihn liefern würde.";
    json!({ "title": "Wert", "type": "string", "maxLength": SUPPLIED_CHARS_MAX, "description": hint })
}

/// Characters of a supplied value: a page of JSON. What is longer belongs into the system the step asks.
const SUPPLIED_CHARS_MAX: usize = 20_000;

pub(crate) fn answer(sheet: &mut Sheet<'_>, task: &Task, answer: Answer) -> Result<(), Rejection> {
    human::check_form(sheet, task, &answer)?;
    let step = task.opened.step.clone();
    let by = answer.by.clone();
    let decision = answer.values["entscheidung"].as_str().unwrap_or_default().to_owned();
    let supplied = if decision == "wert" { Some(supplied(sheet, &step, &answer.values)?) } else { unasked(&answer.values).map(|()| None)? };
    human::record(sheet, task, answer);
    match (decision.as_str(), supplied) {
        (_, Some(value)) => {
            // whoever supplies it vouches for nothing the step's own value would not have been
            let labels = sheet.labels().of_value(sheet.step(&step));
            sheet.completed(&Slot::of(step), By::Person(by), value, labels, BTreeSet::new());
        }
        ("erneut", _) => {
            let used = sheet.run.effects.iter().filter(|(path, _)| path.step == step).map(|(_, effect)| effect.round).max();
            let round = used.max(sheet.run.rounds.get(&step).copied()).map_or(1, |round| round + 1);
            sheet.emit(Event::StepRetried(StepRetried { step: step.clone(), round, by }));
            // one that has its list goes on with it; any other begins anew
            deadline::set(sheet, &step);
        }
        ("ueberspringen", _) => {
            let label = sheet.labels().of_failed(sheet.step(&step));
            sheet.emit(Event::StepSkipped(StepSkipped { step, because: None, by: Some(by), label }));
        }
        _ => sheet.end(Ending::Cancelled, Some(by), Some(step), String::new()),
    }
    Ok(())
}

/// The value a person wrote, held against what the step would give.
fn supplied(sheet: &Sheet<'_>, step: &StepId, values: &Value) -> Result<Value, Rejection> {
    let value = written(values)?.ok_or_else(|| at_value(Text::new("Bitte den Wert angeben.", "Please give the value.")))?;
    let schema = sheet.context.types.steps.get(step).cloned().unwrap_or_else(Schema::any);
    match schema.validate(&value) {
        problems if problems.is_empty() => Ok(value),
        problems => Err(in_its_field(Rejection::Invalid(problems))),
    }
}

/// What is wrong with a value stands at the field it was written into, and says where in it.
pub(crate) fn in_its_field(rejection: Rejection) -> Rejection {
    match rejection {
        Rejection::Invalid(problems) => match problems.into_iter().next() {
            Some(Problem { path, message: Text { de, en } }) => at_value(Text::new(format!("Feld „{path}“: {de}"), format!("Field \"{path}\": {en}"))),
            None => Rejection::Invalid(Vec::new()),
        },
        other => other,
    }
}

/// Nobody throws away what somebody wrote, and what she meant by it nobody knows: the value, or the choice.
pub(crate) fn unasked(values: &Value) -> Result<(), Rejection> {
    match values["wert"].as_str() {
        Some(text) if !text.trim().is_empty() => Err(at_value(Text::new(
            "Ein Wert passt nicht zu Ihrer Wahl oben. Bitte leeren Sie das Feld, oder wählen Sie oben die Möglichkeit, zu der er gehört. Geschehen ist noch nichts.",
            "A value does not fit your choice above. Please empty the field, or make the choice above that it belongs to. Nothing has happened yet.",
        ))),
        _ => Ok(()),
    }
}

/// What stands in the field for it, if anything.
pub(crate) fn written(values: &Value) -> Result<Option<Value>, Rejection> {
    let Some(written) = values["wert"].as_str().filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let no_json = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        at_value(Text::new(
            format!("Das ist kein gültiges JSON. Bitte prüfen Sie Klammern, Anführungszeichen und Kommas bei Zeile {line}, Zeichen {column}."),
            format!("This is no valid JSON. Please check brackets, quotation marks and commas near line {line}, character {column}."),
        ))
    };
    serde_json::from_str(written).map(Some).map_err(no_json)
}

fn at_value(message: Text) -> Rejection {
    Rejection::Invalid(vec![Problem { path: Path::new(["wert"]), message }])
}
