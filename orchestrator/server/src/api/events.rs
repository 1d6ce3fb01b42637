//! What happened elsewhere, for whatever waits for it.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use laufzettel_domain::Value;
use laufzettel_worker::{DeliverError, Happening};
use serde_json::json;

use super::{as_api, idempotency_key};
use crate::{
    problem::{Problem, later, problem, refused},
    site::{Session, Site},
};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    name: String,
    key: String,
    #[serde(default)]
    payload: Option<Value>,
}

/// Delivers a named event to the steps that wait for it, or keeps it thirty days for one that will. 202 once it is durable.
pub async fn receive(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    if tenant != session.tenant {
        return problem(404, "Diesen Mandanten gibt es hier nicht.", "There is no such tenant here.");
    }
    let sent: Sent = match serde_json::from_slice(&body) {
        Ok(sent) => sent,
        Err(error) => {
            let told = Problem::new(400, "Erwartet: { name, key, payload }.", "Expected: { name, key, payload }.");
            return told.with("reader", error.to_string().into()).into_response();
        }
    };
    let id = match idempotency_key(&headers) {
        Ok(id) => id,
        Err(refused) => return refused,
    };
    let happening = Happening { name: sent.name, key: sent.key, payload: sent.payload.unwrap_or_else(|| json!({})), id };
    match site.tenants[&tenant].desk.report(happening, &as_api(&session.caller), |process| session.covers(process)).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(DeliverError::Unknown) => problem(404, "Auf ein Ereignis dieses Namens wartet kein Prozess.", "No process waits for an event of this name."),
        Err(DeliverError::Denied(decision)) => refused(&decision).into_response(),
        Err(DeliverError::Invalid(text)) => Problem::new(422, text.de, text.en).into_response(),
        Err(DeliverError::Unavailable) => later(),
    }
}
