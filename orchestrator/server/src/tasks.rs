//! One task: what is shown, where it comes from, what is asked; taking, returning, handing over and answering it.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension, Form as Fields,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use laufzettel_domain::{Caller, Digest, Lang, TaskId, Text, Value};
use laufzettel_engine::{REASON_CHARS_MAX, Rejection, Task, TaskKind, TaskState};
use laufzettel_policy::Decision;
use laufzettel_process::{model::StepKind, schema::Problem};
use laufzettel_worker::{Loaded, WishError};
use serde_json::json;

use crate::{
    deputies, form_data,
    origin::Voices,
    pages::{
        self, AufgabePage, Filled, Form, Hand, Page, UploadedFile,
        shown::bound,
        tasks::{HandOver, Handed},
        words::format_moment,
    },
    reply::Asked,
    site::{Session, Site, TenantSite},
    view::{self, Matter},
};

/// A task somebody asked for. What is not hers does not exist for her; the journal knows better.
enum Found {
    Hers(TaskId, Box<(Loaded, Voices)>),
    Denied(TaskId, Decision),
    /// Whoever may see what became of it: she did it, or somebody else before her.
    Done {
        by_her: bool,
    },
    Nothing,
}

async fn find(tenant: &TenantSite, by: &Caller, written: &str) -> Result<Found, WishError> {
    let Some(id) = TaskId::parse(written) else { return Ok(Found::Nothing) };
    let Some((loaded, records)) = tenant.desk.retrace(id.run).await? else { return Ok(Found::Nothing) };
    match loaded.run.tasks.get(&id.number).map(|task| &task.state) {
        Some(TaskState::Open) => {}
        Some(TaskState::Completed { by: whoever, .. }) if tenant.desk.needs_unit(&loaded, by).await.is_ok() || whoever.subject == by.subject => {
            return Ok(Found::Done { by_her: whoever.subject == by.subject });
        }
        _ => return Ok(Found::Nothing),
    }
    let decision = tenant.desk.may_complete(&loaded, id.number, by).await?;
    Ok(if decision.allow { Found::Hers(id, Box::new((loaded, Voices::of(&records)))) } else { Found::Denied(id, decision) })
}

/// Twice the same press is one answer; what somebody else answered is said.
fn done(asked: &Asked, by_her: bool) -> Response {
    if by_her {
        return Redirect::to("/aufgaben?erledigt=1").into_response();
    }
    let text = Text::new("Diese Aufgabe hat inzwischen jemand anderes erledigt.", "Somebody else has completed this task meanwhile.");
    asked.wish(&WishError::Rejected(Rejection::Stale(text)))
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
                    show(tenant, &asked, &session.caller, id, &found, &again, StatusCode::OK).await
                }
                Err(error) => asked.unwritten(&error),
            }
        }
        Ok(Found::Done { by_her }) => done(&asked, by_her),
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
    /// Of the form that hands it on: what was sent, and what is wrong with that.
    handing: &'s [(String, String)],
    unhanded: &'s [Problem],
}

/// How a page is asked for with its long texts in full length.
const EVERYTHING: &str = "ganz=1";

async fn show(tenant: &TenantSite, asked: &Asked, by: &Caller, id: TaskId, found: &(Loaded, Voices), again: &Again<'_>, status: StatusCode) -> Response {
    let Again { pairs, problems, files, everything, .. } = *again;
    let (loaded, voices) = found;
    let Some(task) = loaded.run.tasks.get(&id.number) else { return asked.missing() };
    let hand = match hand(tenant, id, found, by, again, asked.lang).await {
        Ok(hand) => hand,
        Err(error) => return asked.wish(&error),
    };
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
        hand,
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

/// Who has a task in hand, as she sees it who looks.
async fn hand(tenant: &TenantSite, id: TaskId, (loaded, voices): &(Loaded, Voices), by: &Caller, again: &Again<'_>, lang: Lang) -> Result<Hand, WishError> {
    let claimed = loaded.run.tasks.get(&id.number).and_then(|task| task.claimed.as_ref());
    let mine = claimed.is_some_and(|claimed| claimed.by.subject == by.subject);
    let holder = claimed.filter(|_| !mine).map(|claimed| claimed.by.name.clone());
    let stands_for = tenant.desk.standing(loaded, id.number, by).await?.map(|person| person.name);
    let handed = voices.handed_to(id.number, &by.subject).filter(|_| mine);
    let hand_over = if mine { Some(hand_over_form(&colleagues(tenant, loaded, id, by).await?)) } else { None };
    Ok(Hand {
        claim: format!("/aufgaben/{id}/uebernehmen"),
        give_back: format!("/aufgaben/{id}/zurueckgeben"),
        mine,
        // a deputy works on as if it were hers
        holder: holder.filter(|_| stands_for.is_none()),
        stands_for,
        missing: again.no_reason,
        hand_over: hand_over.and_then(|schema| Form::of(&schema, Some(&HAND_OVER.map(str::to_owned))).ok()).map(|form| HandOver {
            action: format!("/aufgaben/{id}/weitergeben"),
            form: form.view(&Filled { pairs: again.handing, problems: again.unhanded, ..Filled::default() }, lang),
        }),
        handed: handed.map(|(by, note)| Handed { by: by.to_owned(), note: note.to_owned() }),
    })
}

async fn colleagues(tenant: &TenantSite, loaded: &Loaded, id: TaskId, by: &Caller) -> Result<Vec<(String, String)>, WishError> {
    let people = tenant.desk.colleagues(loaded, id.number, by).await?;
    Ok(people.into_iter().map(|person| (person.user, person.name)).collect())
}

/// Fields of the form that hands a task on: no author's field begins so.
const HAND_OVER: [&str; 2] = ["weitergabe_an", "weitergabe_notiz"];

/// Whom it goes to, and what she should know. Where the directory lists nobody, her name is typed.
fn hand_over_form(people: &[(String, String)]) -> Value {
    json!({ "type": "object", "required": [HAND_OVER[0]], "properties": {
        HAND_OVER[0]: deputies::person_field("Kollegin oder Kollege", people),
        HAND_OVER[1]: { "type": "string", "maxLength": REASON_CHARS_MAX, "title": "Notiz", "description": "Was sie oder er wissen sollte." } } })
}

/// Hands a task on that is hers.
pub async fn hand_over(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(written): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    Fields(sent): Fields<Vec<(String, String)>>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let (id, found) = match hers(tenant, &asked, &session, &written).await {
        Ok(found) => found,
        Err(answered) => return answered,
    };
    let field = |name: &str| sent.iter().rev().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim());
    let problems = match tenant.desk.hand_over(id, &session.caller, field(HAND_OVER[0]), field(HAND_OVER[1])).await {
        Ok(_) => return Redirect::to("/aufgaben").into_response(),
        Err(WishError::Rejected(Rejection::Invalid(problems))) => problems,
        Err(error) => return asked.wish(&error),
    };
    let at = |problem: Problem| {
        let name = if problem.path.root() == "note" { HAND_OVER[1] } else { HAND_OVER[0] };
        Problem { path: laufzettel_domain::Path::new([name]), ..problem }
    };
    let problems: Vec<Problem> = problems.into_iter().map(at).collect();
    let again = Again { handing: &sent, unhanded: &problems, ..Again::default() };
    show(tenant, &asked, &session.caller, id, &found, &again, StatusCode::UNPROCESSABLE_ENTITY).await
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
    let holder = found.0.run.tasks.get(&id.number).and_then(|task| task.claimed.as_ref());
    let held = holder.is_some_and(|claimed| claimed.by.subject != session.caller.subject);
    let stands_in = match tenant.desk.standing(&found.0, id.number, &session.caller).await {
        Ok(person) => person.is_some(),
        Err(error) => return asked.wish(&error),
    };
    if held && !stands_in && reason.is_empty() {
        return show(tenant, &asked, &session.caller, id, &found, &Again { no_reason: true, ..Again::default() }, StatusCode::UNPROCESSABLE_ENTITY).await;
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
        Ok(Found::Done { by_her }) => Err(done(asked, by_her)),
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
    let sent = match form_data::read(request, tenant, &form).await {
        Ok(sent) => sent,
        Err(why) => return asked.unread(why),
    };
    let (mut values, mut problems) = form.parse(&sent.pairs);
    let Ok(lost) = form_data::insert_files(tenant, &mut values, &sent.files).await else { return asked.unavailable() };
    problems.extend(lost.into_iter().chain(sent.problems.clone()));
    let digest = sent.get(pages::SHOWN).and_then(Digest::parse).unwrap_or(Digest::of(b""));
    if problems.is_empty() {
        match tenant.desk.answer(id, &session.caller, &with_defaults(values), digest).await {
            Ok(_) => return Redirect::to("/aufgaben?erledigt=1").into_response(),
            Err(WishError::Rejected(Rejection::Invalid(found))) => problems = found,
            Err(error) => return asked.wish(&error),
        }
    }
    let again = Again { pairs: &sent.pairs, problems: &problems, files: &sent.files, ..Again::default() };
    show(tenant, &asked, &session.caller, id, &found, &again, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// Nothing is added to what a person answered; an empty form is an empty object.
fn with_defaults(values: Value) -> Value {
    if values.is_null() { Value::Object(serde_json::Map::new()) } else { values }
}
