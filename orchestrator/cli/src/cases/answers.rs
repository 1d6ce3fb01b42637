//! What people answer in a case: whose answer it is, and which of several. Whether it counts is the engine's to say.

use std::path::Path;

use laufzettel_domain::{Caller, TaskId, Text, Value, Via};
use laufzettel_engine::{Run, Task, TaskKind, TaskOpened};
use laufzettel_process::Schema;
use laufzettel_worker::{Desk, WishError};

use super::{read::Case, stage::alike};

/// What somebody answers to a task of this step: always the same, item by item, or time by time (a repair comes after what failed).
pub fn scripted<'c>(case: &'c Case, task: &TaskOpened, times: usize) -> Option<&'c Value> {
    match case.humans.get(task.step.as_str())? {
        Value::Array(answers) if task.item > 0 && task.kind.is_own() => answers.get(task.item as usize - 1),
        Value::Array(answers) => answers.get(times - 1),
        answer => Some(answer),
    }
}

/// Whether somebody is to say that a call did not happen: that can be said only when it cannot happen any more.
pub fn is_not_yet(task: &Task, values: &Value) -> bool {
    task.opened.kind == TaskKind::Doubt && values["geschehen"] == false
}

/// Whoever a case lets act: a person the directory knows. Nothing happens in a case, so nobody signs in for it.
pub async fn person(desk: &Desk, name: &str) -> Result<Caller, WishError> {
    let known = desk.tenant.directory.person(name).await.map_err(|e| WishError::Unavailable(format!("{name}: {e}")))?;
    let known = known.filter(|person| !person.disabled).ok_or_else(|| {
        WishError::Unavailable(format!(
            "{name}: steht nicht im Verzeichnis oder ist gesperrt (mit directory: oidc nennt directory.oidc.cases die Personen der Fälle)"
        ))
    })?;
    Ok(known.caller(Via::Form))
}

/// An answer with the bytes of its files put into the store: `{ file: path }` beside the file of the cases.
pub async fn with_files(desk: &Desk, scripted: &Value, task: &Task, folder: &Path) -> Result<Value, Text> {
    let mut values = scripted.clone();
    written_out(&mut values, task.opened.kind.is_own());
    let form = Schema::compile(task.opened.form.clone()).map_err(alike)?;
    crate::perform::attach_files(&form, &mut values, folder).map_err(alike)?;
    laufzettel_worker::files::extract(&desk.tenant, values).await.map_err(alike)
}

/// The value a person supplies is JSON in a field of text; a case may write the value itself.
fn written_out(values: &mut Value, own: bool) {
    if let Some(value) = values.get_mut("wert").filter(|value| !own && !value.is_string()) {
        *value = Value::String(value.to_string());
    }
}

/// As whoever the script names; a question to the applicant she answers herself, unless it names somebody else.
pub async fn answer(desk: &Desk, id: TaskId, mut values: Value, task: &Task, run: Option<&Run>) -> Result<(), WishError> {
    let by = values.as_object_mut().and_then(|map| map.remove("by")).and_then(|v| v.as_str().map(str::to_owned));
    let applicant = run.and_then(Run::applicant).filter(|_| task.opened.assign.applicant);
    let caller = match (by.as_deref(), applicant) {
        (None | Some("applicant"), Some(applicant)) => applicant.clone(),
        (by, _) => person(desk, by.unwrap_or_default()).await?,
    };
    desk.answer(id, &caller, &values, task.opened.shown).await.map(drop)
}
