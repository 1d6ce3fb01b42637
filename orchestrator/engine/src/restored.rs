//! A database restored from a backup: what happened to a run after the backup nobody knows. It rests until somebody of its unit has
//! looked; what was under way then goes on by the usual rules (what may not be repeated is in doubt).

use laufzettel_domain::{StepId, Value};
use serde_json::json;

use crate::{
    command::{Answer, Rejection},
    decide::Sheet,
    event::{Event, TaskKind, TaskOpened},
    run::{Ending, Task},
    steps::human,
};

/// Where a task stands that is about the whole run.
const PLACE: &str = "wiederherstellung";

/// Parks a run; one that rests already goes on resting.
pub(crate) fn park(sheet: &mut Sheet<'_>, note: String) {
    if sheet.run.is_parked() {
        return;
    }
    let show = json!({ "vorgang": sheet.run.nummer, "stand": sheet.run.updated_at.to_string() });
    let place = StepId::parse(PLACE).expect("a word of small letters names a step");
    let task = sheet.unit_task(&place, show, form(), note);
    sheet.emit(Event::TaskOpened(TaskOpened { kind: TaskKind::Restored, ..task }));
}

fn form() -> Value {
    json!({ "type": "object", "additionalProperties": false, "required": ["entscheidung"], "properties": {
        "entscheidung": { "title": "Was soll mit dem Vorgang geschehen?", "enum": ["fortsetzen", "abbrechen"],
            "oneOf": [{ "const": "fortsetzen", "title": "Geprüft: ab dem Stand der Sicherung fortsetzen" },
                { "const": "abbrechen", "title": "Vorgang abbrechen und zurücknehmen, was er bis zur Sicherung getan hat" }] } } })
}

pub(crate) fn answer(sheet: &mut Sheet<'_>, task: &Task, answer: Answer) -> Result<(), Rejection> {
    human::check_form(sheet, task, &answer)?;
    let (by, goes_on) = (answer.by.clone(), answer.values["entscheidung"] == "fortsetzen");
    human::record(sheet, task, answer);
    if !goes_on && sheet.run.ending.is_none() {
        sheet.end(Ending::Cancelled, Some(by), None, "Nach einer Wiederherstellung nicht fortgesetzt".to_owned());
    }
    Ok(())
}
