//! Tasks: the inbox, one of them, taking, returning, handing over and answering it.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use laufzettel_domain::{Digest, TaskId, Value};
use laufzettel_engine::{Task, TaskState};
use laufzettel_worker::{Held, Loaded, Wanted, WishError, veil};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Once, as_api, page,
    shapes::{Holder, InHand, TaskShown},
    wish,
};
use crate::{
    key,
    problem::{Body, Params, later, no_task, refused},
    reply,
    site::{Session, Site, TenantSite},
    upload::brought,
};

/// Which tasks, and which page of them.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TasksAsked")]
pub struct Asked {
    open: Option<bool>,
    step: Option<String>,
    process: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

pub async fn list(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Params(asked): Params<Asked>, uri: Uri) -> Response {
    let (after, limit) = match (page::place(asked.cursor.as_deref()), page::limit(asked.limit)) {
        (Ok(after), Ok(limit)) => (after, limit as usize),
        (Err(refused), _) | (_, Err(refused)) => return refused.into(),
    };
    let wanted =
        Wanted { closed: asked.open == Some(false), step: asked.step, process: asked.process, patterns: session.scope.clone(), held: Held::Anybody, limit };
    match site.tenants[&session.tenant].desk.inbox(&session.caller, &wanted, after).await {
        Ok((rows, next)) => page::page(&uri, "tasks", &rows, next.as_ref()),
        Err(error) => wish(&error),
    }
}

/// A task of a process her key is for. Who may do what with it the desk says.
async fn meant(tenant: &TenantSite, session: &Session, task: &str) -> Result<TaskId, Response> {
    let id = TaskId::parse(task).ok_or_else(no_task)?;
    match tenant.desk.tenant.store.run(id.run).await {
        Ok(Some(row)) if !session.covers(&row.process) => Err(key::outside(tenant, session, Some(("task.denied", json!({ "task": task })))).await),
        Ok(Some(_)) => Ok(id),
        Ok(None) => Err(no_task()),
        Err(_) => Err(later()),
    }
}

/// One task, with what it shows and asks: whoever may complete it, and nobody else.
pub async fn show(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(written): Path<String>) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let id = match meant(tenant, &session, &written).await {
        Ok(id) => id,
        Err(refused) => return refused,
    };
    let loaded = match seen(tenant, &session, id).await {
        Ok(Some(loaded)) => loaded,
        Ok(None) => return no_task(),
        Err(error) => return wish(&error),
    };
    let Some(task) = loaded.run.tasks.get(&id.number) else { return no_task() };
    if let Err(error) = tenant.desk.record("content.viewed", &as_api(&session.caller), json!({ "run": id.run.to_string(), "task": written })).await {
        tracing::error!(%error, "what cannot be recorded is not shown");
        return later();
    }
    reply::json(StatusCode::OK, &json!(shown(&loaded, id, task)))
}

/// A run, for whoever may complete this task of it. That somebody else asked is a record.
async fn seen(tenant: &TenantSite, session: &Session, id: TaskId) -> Result<Option<Loaded>, WishError> {
    let Some(loaded) = tenant.desk.load(id.run).await? else { return Ok(None) };
    let Some(task) = loaded.run.tasks.get(&id.number) else { return Ok(None) };
    // of what is settled only those see what stood there who did it, or may see the case
    let by = &session.caller;
    match &task.state {
        TaskState::Open => {}
        TaskState::Completed { by: whoever, .. } if whoever.subject == by.subject => {}
        _ if tenant.desk.needs_unit(&loaded, by).await.is_ok() => {}
        _ => return Ok(None),
    }
    let decision = tenant.desk.may_complete(&loaded, id.number, &session.caller).await?;
    if !decision.allow {
        tenant.desk.note("task.denied", &as_api(&session.caller), json!({ "task": id.to_string(), "decision": decision })).await;
        return Ok(None);
    }
    Ok(Some(loaded))
}

/// Where nobody can say it, she may not.
async fn may_see(tenant: &TenantSite, session: &Session, id: TaskId) -> bool {
    let Ok(Some(loaded)) = tenant.desk.load(id.run).await else { return false };
    tenant.desk.may_complete(&loaded, id.number, &session.caller).await.is_ok_and(|decision| decision.allow)
}

fn shown(loaded: &Loaded, id: TaskId, task: &Task) -> TaskShown {
    let (opened, run) = (&task.opened, &loaded.run);
    TaskShown {
        task: id.to_string(),
        run: run.id.to_string(),
        nummer: run.nummer.clone(),
        process: run.process.to_string(),
        step: opened.step.to_string(),
        title: laufzettel_worker::task_title(&loaded.prepared.process, opened),
        kind: laufzettel_worker::task_kind(opened).to_owned(),
        open: task.state == TaskState::Open,
        due: opened.due,
        claimed: holder(task),
        note: veil::text(&opened.note),
        show: veil::value(&opened.show),
        vorschlag: opened.vorschlag.clone(),
        form: opened.form.clone(),
        shown: opened.shown.to_string(),
    }
}

fn holder(task: &Task) -> Option<Holder> {
    task.claimed.as_ref().map(|claimed| Holder { subject: claimed.by.subject.clone(), name: claimed.by.name.clone(), at: claimed.at })
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claimed {
    /// Why, where somebody else has it.
    #[serde(default)]
    reason: String,
}

/// Takes a task. A person who is signed in does it herself, however her request was made; a key is nobody.
pub async fn claim(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(task): Path<String>,
    headers: HeaderMap,
    Body(sent): Body<Claimed>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let (id, once) = match ordered(tenant, &session, &headers, &task, "claim", &sent).await {
        Ok(found) => found,
        Err(refused) => return refused,
    };
    let told = once.desk.claim(id, &session.caller, &sent.reason).await;
    in_hand(tenant, &session, id, once.answered(id.run, told).await).await
}

/// There is nothing to say about it.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Returned {}

pub async fn give_back(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(task): Path<String>,
    headers: HeaderMap,
    Body(sent): Body<Returned>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let (id, once) = match ordered(tenant, &session, &headers, &task, "return", &sent).await {
        Ok(found) => found,
        Err(refused) => return refused,
    };
    let told = once.desk.give_back(id, &session.caller).await;
    in_hand(tenant, &session, id, once.answered(id.run, told).await).await
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "HandedOver")]
pub struct Handed {
    /// Sign-in name, UPN or subject of the colleague.
    to: String,
    /// What she should know; content.
    #[serde(default)]
    note: String,
}

/// Hands on a task one has, to a colleague who may complete it.
pub async fn hand_over(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(task): Path<String>,
    headers: HeaderMap,
    Body(sent): Body<Handed>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let (id, once) = match ordered(tenant, &session, &headers, &task, "hand-over", &sent).await {
        Ok(found) => found,
        Err(refused) => return refused,
    };
    let told = once.desk.hand_over(id, &session.caller, &sent.to, &sent.note).await;
    in_hand(tenant, &session, id, once.answered(id.run, told).await).await
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// Digest of what was shown.
    #[schemars(with = "String")]
    shown: Digest,
    values: Value,
}

/// An answer is a person's: who is signed in gives it, a key does not.
pub async fn complete(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(task): Path<String>,
    headers: HeaderMap,
    Body(sent): Body<Answered>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let (id, once) = match ordered(tenant, &session, &headers, &task, "complete", &sent).await {
        Ok(found) => found,
        Err(refused) => return refused,
    };
    let values = match brought(tenant, sent.values).await {
        Ok(values) => values,
        Err(refused) => return refused,
    };
    let told = once.desk.answer(id, &session.caller, &values, sent.shown).await;
    match once.answered(id.run, told).await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => not_done(tenant, &session, id, &error).await,
    }
}

async fn ordered(
    tenant: &TenantSite,
    session: &Session,
    headers: &HeaderMap,
    task: &str,
    order: &str,
    sent: &impl Serialize,
) -> Result<(TaskId, Once), Response> {
    let id = meant(tenant, session, task).await?;
    Ok((id, Once::of(tenant, session, headers, order, task, sent)?))
}

async fn in_hand(tenant: &TenantSite, session: &Session, id: TaskId, told: Result<Loaded, WishError>) -> Response {
    match told {
        Ok(loaded) => {
            let claimed = loaded.run.tasks.get(&id.number).and_then(holder);
            reply::json(StatusCode::OK, &json!(InHand { task: id.to_string(), claimed }))
        }
        Err(error) => not_done(tenant, session, id, &error).await,
    }
}

async fn not_done(tenant: &TenantSite, session: &Session, id: TaskId, error: &WishError) -> Response {
    match error {
        WishError::Unknown => no_task(),
        // to a person who may not see it there is no such task; that she asked is on record
        WishError::Denied(_) if session.caller.is_person() && !may_see(tenant, session, id).await => no_task(),
        // whoever may not this way may perhaps on the page
        WishError::Denied(decision) => refused(decision).with("page", format!("/aufgaben/{id}").into()).into_response(),
        error => wish(error),
    }
}
