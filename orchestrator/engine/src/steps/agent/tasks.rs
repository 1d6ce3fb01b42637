//! What people are asked for an agent: to approve a call, to answer a question.

use std::collections::BTreeMap;

use laufzettel_domain::{EffectPath, Trust, Value};
use laufzettel_policy::Effect;
use laufzettel_process::{
    expression::Template,
    model::{Agent, Assign},
};
use serde_json::{Map, json};

use super::Picked;
use crate::{
    decide::Sheet,
    event::{Event, TaskKind, TaskOpened},
    labels,
    run::TaskState,
};

/// Whoever may be asked, else the unit that answers for the process.
fn task(sheet: &Sheet<'_>, kind: TaskKind, path: &EffectPath, agent: &Agent, show: Value, form: Value) -> TaskOpened {
    let mut task = TaskOpened { kind, item: path.item, path: Some(path.clone()), ..sheet.unit_task(&path.step, show, form, String::new()) };
    if !agent.ask.is_empty() {
        task.unit = None;
        task.assign = Assign { groups: agent.ask.clone(), ..Assign::default() };
    }
    let label = super::label(sheet, &path.slot(), agent);
    let named = task.show.as_object().into_iter().flat_map(|map| map.keys());
    task.labels = named.filter(|name| ["argumente", "frage"].contains(&name.as_str())).map(|name| (name.clone(), label.clone())).collect();
    task
}

/// The exact call before a person, each argument with where it comes from. The digest of what is shown is that of the call.
pub(super) fn approval(sheet: &Sheet<'_>, path: &EffectPath, agent: &Agent, picked: &Picked, effect: Effect, arguments: &Value) -> TaskOpened {
    let own = agent.tools.iter().find(|tool| tool.call.name() == picked.tool).map(|tool| &tool.call.with);
    let named = arguments.as_object().into_iter().flat_map(|map| map.keys());
    let origins: Map<String, Value> = named.map(|argument| (argument.clone(), origin(sheet, own, argument).into())).collect();
    let does = if effect == Effect::Send { "verlässt das Haus" } else { "ändert etwas im Haus" };
    let show = json!({ "werkzeug": picked.tool, "wirkung": does, "argumente": arguments, "herkunft": origins });
    let note = if is_approved_before(sheet, path, &picked.tool, arguments) { APPROVED_BEFORE.to_owned() } else { String::new() };
    let choices = [("freigeben", "Genau diesen Aufruf freigeben"), ("ablehnen", "Nicht ausführen")];
    let titled: Vec<Value> = choices.iter().map(|(word, title)| json!({ "const": word, "title": title })).collect();
    let form = json!({ "type": "object", "additionalProperties": false, "required": ["entscheidung"], "properties": {
        "entscheidung": { "title": "Soll dieser Aufruf geschehen?", "enum": choices.map(|(word, _)| word), "oneOf": titled },
        "grund": { "title": "Grund", "type": "string", "maxLength": 500, "description": "Erfährt das Modell, wenn Sie ablehnen." } } });
    TaskOpened { note, ..task(sheet, TaskKind::Approval, path, agent, show, form) }
}

const APPROVED_BEFORE: &str = "Genau dieser Aufruf ist in diesem Schritt schon einmal freigegeben worden.";

/// Of this step, in whatever round.
fn is_approved_before(sheet: &Sheet<'_>, path: &EffectPath, tool: &str, arguments: &Value) -> bool {
    sheet.run.tasks.values().any(|task| {
        let (opened, same) = (&task.opened, task.opened.step == path.step && task.opened.item == path.item && task.opened.kind == TaskKind::Approval);
        let approved = matches!(&task.state, TaskState::Completed { values, .. } if values["entscheidung"] == "freigeben");
        same && approved && opened.show["werkzeug"] == *tool && opened.show["argumente"] == *arguments
    })
}

/// Where an argument comes from, as the person who approves it must know.
fn origin(sheet: &Sheet<'_>, own: Option<&BTreeMap<String, Template>>, argument: &String) -> String {
    let Some(template) = own.and_then(|with| with.get(argument)) else { return "vom Modell vorgeschlagen".to_owned() };
    let read: Vec<String> = labels::reads([template]).iter().map(ToString::to_string).collect();
    if read.is_empty() {
        return "fester Text des Prozesses".to_owned();
    }
    let trust = match sheet.labels().of_argument(template, None).trust {
        Trust::Untrusted => ": Angabe aus fremder Quelle",
        Trust::Inert => ": fremde Angabe in fester Form",
        Trust::Trusted => "",
    };
    format!("vom Prozess vorgegeben, aus {}{trust}", read.join(" und "))
}

pub(super) fn ask(sheet: &mut Sheet<'_>, path: &EffectPath, agent: &Agent, question: &str) {
    let form = json!({ "type": "object", "additionalProperties": false, "required": ["antwort"], "properties": {
        "antwort": { "title": "Ihre Antwort", "type": "string", "minLength": 1, "maxLength": 2000, "description": "Geht als Material an das Modell." } } });
    let path = EffectPath { iteration: 0, call: 1, ..path.clone() };
    let task = task(sheet, TaskKind::Ask, &path, agent, json!({ "frage": question }), form);
    sheet.emit(Event::TaskOpened(task));
}
