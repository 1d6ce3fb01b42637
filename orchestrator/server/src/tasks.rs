//! The inbox and one task: what is shown, where it comes from, what is asked.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use laufzettel_domain::{Caller, Digest, TaskId, Value};
use laufzettel_engine::{Rejection, Task, TaskKind, TaskState};
use laufzettel_policy::Decision;
use laufzettel_process::{model::StepKind, schema::Problem};
use laufzettel_store::TaskRow as Row;
use laufzettel_worker::{Loaded, WishError};
use serde_json::json;

use crate::{
    form_data,
    pages::{self, AufgabePage, AufgabenPage, Filled, Form, Page, TaskRow},
    reply::Asked,
    site::{Session, Site, TenantSite},
    view,
};

/// Open tasks this person may complete.
pub async fn mine(tenant: &TenantSite, by: &Caller) -> Result<Vec<Row>, WishError> {
    let who = tenant.desk.who(by).await?;
    let rows = tenant.desk.tenant.store.open_tasks().await?;
    Ok(tenant.desk.mine(&who, rows).await?)
}

pub async fn count(tenant: &TenantSite, by: &Caller) -> (usize, usize) {
    let rows = mine(tenant, by).await.unwrap_or_default();
    let now = laufzettel_worker::micros(tenant.desk.tenant.clock.now());
    (rows.len(), rows.iter().filter(|r| r.due.is_some_and(|due| due < now)).count())
}

pub async fn list(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, uri: Uri, headers: HeaderMap) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let rows = match mine(tenant, &session.caller).await {
        Ok(rows) => rows,
        Err(error) => return asked.wish(&error),
    };
    let tasks = rows.into_iter().map(|row| TaskRow {
        link: format!("/aufgaben/{}", row.task),
        process: tenant.desk.tenant.catalogue.processes.get(&row.process).map_or(row.process, |p| p.title.clone()),
        title: row.title,
        number: row.nummer,
        due: row.due.map(|at| tenant.civil_micros(at)),
        overdue: false,
    });
    let now = tenant.civil(tenant.desk.tenant.clock.now());
    asked.ok(&Page::Aufgaben(AufgabenPage::new(tasks.collect(), now)))
}

/// A task somebody asked for. What is not hers does not exist for her; the journal knows better.
enum Found {
    Hers(TaskId, Box<Loaded>),
    Denied(TaskId, Decision),
    Nothing,
}

async fn find(tenant: &TenantSite, by: &Caller, written: &str) -> Result<Found, WishError> {
    let Some(id) = TaskId::parse(written) else { return Ok(Found::Nothing) };
    let Some(loaded) = tenant.desk.load(id.run).await? else { return Ok(Found::Nothing) };
    if !loaded.run.tasks.get(&id.number).is_some_and(|t| t.state == TaskState::Open) {
        return Ok(Found::Nothing);
    }
    let decision = tenant.desk.may_complete(&loaded, id.number, by).await?;
    Ok(if decision.allow { Found::Hers(id, Box::new(loaded)) } else { Found::Denied(id, decision) })
}

fn form_of(loaded: &Loaded, task: &Task) -> Option<Form> {
    let order = match loaded.prepared.process.steps.get(&task.opened.step).map(|s| &s.kind) {
        Some(StepKind::Human(human)) if task.opened.kind == TaskKind::Human => Some(human.form_order.as_slice()),
        _ => None,
    };
    Form::of(&task.opened.form, order).ok()
}

pub async fn page(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(written): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    match find(tenant, &session.caller, &written).await {
        Ok(Found::Hers(id, loaded)) => {
            match tenant.desk.record("content.viewed", &session.caller, json!({ "run": id.run.to_string(), "task": written })).await {
                Ok(()) => show(tenant, &asked, id, &loaded, &[], &[], StatusCode::OK),
                Err(error) => asked.unwritten(&error),
            }
        }
        Ok(Found::Denied(..) | Found::Nothing) => asked.missing(),
        Err(error) => asked.wish(&error),
    }
}

fn show(tenant: &TenantSite, asked: &Asked, id: TaskId, loaded: &Loaded, pairs: &[(String, String)], problems: &[Problem], status: StatusCode) -> Response {
    let Some(task) = loaded.run.tasks.get(&id.number) else { return asked.missing() };
    let Some(form) = form_of(loaded, task) else { return asked.unavailable() };
    let process = &loaded.prepared.process;
    let due = task.opened.due.map(|at| tenant.civil(at));
    let page = AufgabePage {
        action: format!("/aufgaben/{id}"),
        title: match task.opened.kind {
            TaskKind::Restored => laufzettel_worker::RESTORED_TITLE.to_owned(),
            _ => process.steps.get(&task.opened.step).map_or_else(|| task.opened.step.to_string(), |s| s.title.clone()),
        },
        process: process.title.clone(),
        number: loaded.run.nummer.clone(),
        case_link: Some(format!("/vorgaenge/{}", loaded.run.id)),
        due,
        overdue: task.opened.due.is_some_and(|at| at < tenant.desk.tenant.clock.now()),
        message: (!task.opened.note.is_empty()).then(|| task.opened.note.clone()),
        shown: view::shown(loaded, task, asked.lang),
        digest: task.opened.shown.to_string(),
        form: form.view(&Filled { pairs, problems, proposal: Some(&task.opened.vorschlag), ..Filled::default() }, asked.lang),
        button: None,
    };
    asked.page(status, &Page::Aufgabe(page))
}

pub async fn answer(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(written): Path<String>, request: Request) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(request.uri(), request.headers(), Some(tenant), Some(&session));
    let (id, loaded) = match find(tenant, &session.caller, &written).await {
        Ok(Found::Hers(id, loaded)) => (id, loaded),
        Ok(Found::Denied(id, decision)) => {
            tenant.desk.note("task.denied", &session.caller, json!({ "task": id.to_string(), "decision": decision })).await;
            return asked.missing();
        }
        Ok(Found::Nothing) => return asked.missing(),
        Err(error) => return asked.wish(&error),
    };
    let Some(form) = loaded.run.tasks.get(&id.number).and_then(|task| form_of(&loaded, task)) else { return asked.unavailable() };
    let Ok(sent) = form_data::read(request, &tenant.desk, &form).await else { return asked.missing() };
    let (values, mut problems) = form.parse(&sent.pairs);
    let digest = sent.get(pages::SHOWN).and_then(Digest::parse).unwrap_or(Digest::of(b""));
    if problems.is_empty() {
        match tenant.desk.answer(id, &session.caller, &with_defaults(values), digest).await {
            Ok(_) => return Redirect::to("/aufgaben").into_response(),
            Err(WishError::Rejected(Rejection::Invalid(found))) => problems = found,
            Err(error) => return asked.wish(&error),
        }
    }
    show(tenant, &asked, id, &loaded, &sent.pairs, &problems, StatusCode::UNPROCESSABLE_ENTITY)
}

/// Nothing is added to what a person answered; an empty form is an empty object.
fn with_defaults(values: Value) -> Value {
    if values.is_null() { Value::Object(serde_json::Map::new()) } else { values }
}
