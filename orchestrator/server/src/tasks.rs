//! The inbox and one task: what is shown, where it comes from, what is asked.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension, Form as Fields,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use laufzettel_domain::{Caller, Digest, Lang, TaskId, Value};
use laufzettel_engine::{Rejection, Task, TaskKind, TaskState};
use laufzettel_policy::Decision;
use laufzettel_process::{model::StepKind, schema::Problem};
use laufzettel_worker::{Loaded, Wanted, WishError};
use serde_json::json;

use crate::{
    api::page,
    form_data,
    origin::Voices,
    pages::{self, AufgabePage, AufgabenPage, Filled, Form, Hand, Live, Page, TaskRow, UploadedFile, shown::bound, words::format_moment},
    reply::Asked,
    site::{Session, Site, TenantSite},
    view::{self, Matter},
};

/// Tasks on one page of the inbox: more than anybody does in a day.
pub const PAGE: usize = 200;

/// What the start page says of the inbox: how many tasks are open, and how many of them overdue. It counts as far as one look
/// into the store goes.
pub async fn count(tenant: &TenantSite, by: &Caller) -> (usize, usize) {
    let wanted = Wanted { limit: usize::MAX, ..Wanted::default() };
    let (rows, _) = tenant.desk.inbox(by, &wanted, None).await.unwrap_or_default();
    let now = laufzettel_worker::micros(tenant.desk.tenant.clock.now());
    (rows.len(), rows.iter().filter(|r| r.due.is_some_and(|due| due < now)).count())
}

pub async fn list(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    // a place nobody knows is the beginning
    let after = query.get("nach").and_then(|place| page::place(Some(place)).ok().flatten());
    let (rows, next) = match tenant.desk.inbox(&session.caller, &Wanted { limit: PAGE, ..Wanted::default() }, after.clone()).await {
        Ok(found) => found,
        Err(error) => return asked.wish(&error),
    };
    let tasks = rows.into_iter().map(|row| TaskRow {
        link: format!("/aufgaben/{}", row.task),
        process: tenant.desk.tenant.catalogue.processes.get(&row.process).map_or(row.process, |p| p.title.clone()),
        title: row.title,
        number: row.nummer,
        due: row.due.map(|at| tenant.civil_micros(at)),
        overdue: false,
        holder: row.claimed.map(|claimed| claimed.name),
    });
    let now = tenant.civil(tenant.desk.tenant.clock.now());
    let more = next.map(|place| format!("/aufgaben?nach={}", page::cursor(&place)));
    // what is new stands on the first page, or is not urgent
    let live = after.is_none().then(|| Live { page: "/aufgaben".to_owned(), follow: "/aufgaben/ereignisse".to_owned(), seen: 0, counts: true });
    asked.ok(&Page::Aufgaben(AufgabenPage { more, live, ..AufgabenPage::new(tasks.collect(), now) }))
}

/// A task somebody asked for. What is not hers does not exist for her; the journal knows better.
enum Found {
    Hers(TaskId, Box<(Loaded, Voices)>),
    Denied(TaskId, Decision),
    Nothing,
}

async fn find(tenant: &TenantSite, by: &Caller, written: &str) -> Result<Found, WishError> {
    let Some(id) = TaskId::parse(written) else { return Ok(Found::Nothing) };
    let Some((loaded, records)) = tenant.desk.retrace(id.run).await? else { return Ok(Found::Nothing) };
    if !loaded.run.tasks.get(&id.number).is_some_and(|t| t.state == TaskState::Open) {
        return Ok(Found::Nothing);
    }
    let decision = tenant.desk.may_complete(&loaded, id.number, by).await?;
    Ok(if decision.allow { Found::Hers(id, Box::new((loaded, Voices::of(&records)))) } else { Found::Denied(id, decision) })
}

/// The form of a task, in the author's order.
pub fn form_of(loaded: &Loaded, task: &Task) -> Option<Form> {
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
        Ok(Found::Hers(id, found)) => {
            match tenant.desk.record("content.viewed", &session.caller, json!({ "run": id.run.to_string(), "task": written })).await {
                Ok(()) => {
                    let again = Again { everything: uri.query().is_some_and(|query| query.split('&').any(|pair| pair == EVERYTHING)), ..Again::default() };
                    show(tenant, &asked, &session.caller, id, &found, &again, StatusCode::OK)
                }
                Err(error) => asked.unwritten(&error),
            }
        }
        Ok(Found::Denied(..) | Found::Nothing) => asked.missing(),
        Err(error) => asked.wish(&error),
    }
}

/// What was sent and is shown once more.
#[derive(Default)]
struct Again<'s> {
    pairs: &'s [(String, String)],
    problems: &'s [Problem],
    files: &'s [UploadedFile],
    no_reason: bool,
    /// Long texts in full length.
    everything: bool,
}

/// How a page is asked for with its long texts in full length.
const EVERYTHING: &str = "ganz=1";

fn show(tenant: &TenantSite, asked: &Asked, by: &Caller, id: TaskId, (loaded, voices): &(Loaded, Voices), again: &Again<'_>, status: StatusCode) -> Response {
    let Again { pairs, problems, files, no_reason, everything } = *again;
    let Some(task) = loaded.run.tasks.get(&id.number) else { return asked.missing() };
    let Some(form) = form_of(loaded, task) else { return asked.unavailable() };
    let process = &loaded.prepared.process;
    let due = task.opened.due.map(|at| tenant.civil(at));
    let matter = Matter::new(loaded, voices, asked.lang);
    let mut shown = view::shown(&matter, task);
    bound(&mut shown, everything);
    let proposed_by = view::proposals(&matter, task);
    let filled = Filled { pairs, problems, files, proposal: Some(&task.opened.vorschlag), proposed_by: Some(&proposed_by), ..Filled::default() };
    let page = AufgabePage {
        action: format!("/aufgaben/{id}"),
        title: laufzettel_worker::task_title(process, &task.opened),
        process: process.title.clone(),
        number: loaded.run.nummer.clone(),
        case_link: Some(format!("/vorgaenge/{}", loaded.run.id)),
        due,
        overdue: task.opened.due.is_some_and(|at| at < tenant.desk.tenant.clock.now()),
        message: message(task, asked.lang),
        told: view::told(&matter, task, &|at| format_moment(tenant.civil(at), asked.lang)),
        everything: shown.iter().flat_map(|row| &row.lines).any(|line| line.cut).then(|| format!("/aufgaben/{id}?{EVERYTHING}")),
        shown,
        added: crate::status::added::list(tenant, &loaded.run, &format!("/vorgaenge/{}/dateien", loaded.run.id), asked.lang),
        digest: task.opened.shown.to_string(),
        form: form.view(&filled, asked.lang),
        hand: hand(id, task, by, no_reason),
        button: None,
    };
    asked.page(status, &Page::Aufgabe(page))
}

/// What must be known before anything is answered.
fn message(task: &Task, lang: Lang) -> Option<String> {
    if task.opened.assign.applicant {
        return Some(pages::words::word("answers_for_applicant", lang).to_owned());
    }
    (!task.opened.note.is_empty()).then(|| task.opened.note.clone())
}

fn hand(id: TaskId, task: &Task, by: &Caller, missing: bool) -> Hand {
    let mine = task.claimed.as_ref().is_some_and(|claimed| claimed.by.subject == by.subject);
    let holder = task.claimed.as_ref().filter(|_| !mine).map(|claimed| claimed.by.name.clone());
    Hand { claim: format!("/aufgaben/{id}/uebernehmen"), give_back: format!("/aufgaben/{id}/zurueckgeben"), mine, holder, missing }
}

/// Takes a task, or takes it over with a reason.
pub async fn claim(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(written): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    Fields(sent): Fields<HashMap<String, String>>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let (id, found) = match hers(tenant, &asked, &session, &written).await {
        Ok(found) => found,
        Err(answered) => return answered,
    };
    let reason = sent.get(pages::REASON).map(|reason| reason.trim()).unwrap_or_default();
    let held = found.0.run.tasks.get(&id.number).is_some_and(|task| hand(id, task, &session.caller, false).holder.is_some());
    if held && reason.is_empty() {
        return show(tenant, &asked, &session.caller, id, &found, &Again { no_reason: true, ..Again::default() }, StatusCode::UNPROCESSABLE_ENTITY);
    }
    match tenant.desk.claim(id, &session.caller, reason).await {
        Ok(_) => Redirect::to(&format!("/aufgaben/{id}")).into_response(),
        Err(error) => asked.wish(&error),
    }
}

pub async fn give_back(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(written): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let (id, _) = match hers(tenant, &asked, &session, &written).await {
        Ok(found) => found,
        Err(answered) => return answered,
    };
    match tenant.desk.give_back(id, &session.caller).await {
        Ok(_) => Redirect::to("/aufgaben").into_response(),
        Err(error) => asked.wish(&error),
    }
}

/// A task somebody means to do something with, or the answer that there is none for her.
async fn hers(tenant: &TenantSite, asked: &Asked, session: &Session, written: &str) -> Result<(TaskId, Box<(Loaded, Voices)>), Response> {
    match find(tenant, &session.caller, written).await {
        Ok(Found::Hers(id, loaded)) => Ok((id, loaded)),
        Ok(Found::Denied(id, decision)) => {
            tenant.desk.note("task.denied", &session.caller, json!({ "task": id.to_string(), "decision": decision })).await;
            Err(asked.missing())
        }
        Ok(Found::Nothing) => Err(asked.missing()),
        Err(error) => Err(asked.wish(&error)),
    }
}

pub async fn answer(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(written): Path<String>, request: Request) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(request.uri(), request.headers(), Some(tenant), Some(&session));
    let (id, found) = match hers(tenant, &asked, &session, &written).await {
        Ok(found) => found,
        Err(answered) => return answered,
    };
    let Some(form) = found.0.run.tasks.get(&id.number).and_then(|task| form_of(&found.0, task)) else { return asked.unavailable() };
    let Ok(sent) = form_data::read(request, &tenant.desk, &form).await else { return asked.missing() };
    let (mut values, mut problems) = form.parse(&sent.pairs);
    if form_data::insert_files(&tenant.desk, &mut values, &sent.files).await.is_err() {
        return asked.unavailable();
    }
    problems.extend(sent.problems.clone());
    let digest = sent.get(pages::SHOWN).and_then(Digest::parse).unwrap_or(Digest::of(b""));
    if problems.is_empty() {
        match tenant.desk.answer(id, &session.caller, &with_defaults(values), digest).await {
            Ok(_) => return Redirect::to("/aufgaben").into_response(),
            Err(WishError::Rejected(Rejection::Invalid(found))) => problems = found,
            Err(error) => return asked.wish(&error),
        }
    }
    let again = Again { pairs: &sent.pairs, problems: &problems, files: &sent.files, ..Again::default() };
    show(tenant, &asked, &session.caller, id, &found, &again, StatusCode::UNPROCESSABLE_ENTITY)
}

/// Nothing is added to what a person answered; an empty form is an empty object.
fn with_defaults(values: Value) -> Value {
    if values.is_null() { Value::Object(serde_json::Map::new()) } else { values }
}
