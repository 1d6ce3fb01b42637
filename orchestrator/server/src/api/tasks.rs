//! Tasks: the inbox, and answering one.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use laufzettel_domain::{TaskId, Value};
use laufzettel_engine::Rejection;
use laufzettel_worker::{Wanted, WishError};
use serde_json::json;

use super::{as_api, page, stale, wish};
use crate::{
    key,
    problem::{Body, Params, invalid, later, no_task, problem, refused},
    site::{Session, Site},
};

/// Which tasks, and which page of them.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
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
        (Err(refused), _) | (_, Err(refused)) => return refused,
    };
    let wanted = Wanted { closed: asked.open == Some(false), step: asked.step, process: asked.process, patterns: session.scope.clone(), limit };
    match site.tenants[&session.tenant].desk.inbox(&session.caller, &wanted, after).await {
        Ok((rows, next)) => page::page(&uri, "tasks", &rows, next.as_ref()),
        Err(error) => wish(&error),
    }
}

/// Refused for what guards something: a human gate is answered on its page.
pub async fn complete(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(task): Path<String>, Body(sent): Body<Value>) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let Some(id) = TaskId::parse(&task) else { return no_task() };
    match tenant.desk.tenant.store.run(id.run).await {
        Ok(Some(row)) if !session.covers(&row.process) => return key::outside(tenant, &session, Some(("task.denied", json!({ "task": task })))).await,
        Ok(_) => {}
        Err(_) => return later(),
    }
    let shown = sent.get("shown").and_then(Value::as_str).and_then(laufzettel_domain::Digest::parse);
    let (Some(shown), Some(values)) = (shown, sent.get("values")) else { return problem(400, "Erwartet: { shown, values }.", "Expected: { shown, values }.") };
    match tenant.desk.answer(id, &as_api(&session.caller), values, shown).await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(WishError::Unknown) => no_task(),
        Err(WishError::Denied(decision) | WishError::Rejected(Rejection::Denied(decision))) => {
            refused(&decision).with("page", format!("/aufgaben/{task}").into()).into_response()
        }
        Err(WishError::Rejected(Rejection::Invalid(problems))) => invalid(&problems),
        Err(WishError::Rejected(Rejection::Stale(text))) => stale(&text),
        Err(WishError::Unavailable(_)) => later(),
    }
}
