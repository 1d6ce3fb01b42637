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
    cloudevent,
    problem::{Problem, later, problem, refused},
    site::{Session, Site},
    upload::brought,
};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
/// Something that happened elsewhere.
pub struct Sent {
    /// What the waiting steps call it.
    name: String,
    /// Whom it is about.
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
    let happening = match happening(&headers, &body) {
        Ok(happening) => happening,
        Err(refused) => return refused.into(),
    };
    let happening = match brought(&site.tenants[&tenant], happening.payload).await {
        Ok(payload) => Happening { payload, ..happening },
        Err(refused) => return refused,
    };
    match site.tenants[&tenant].desk.report(happening, &as_api(&session.caller), |process| session.covers(process)).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(DeliverError::Unknown) => problem(404, "Auf ein Ereignis dieses Namens wartet kein Prozess.", "No process waits for an event of this name."),
        Err(DeliverError::Denied(decision)) => refused(&decision).into_response(),
        Err(DeliverError::Invalid(text)) => Problem::new(422, text.de, text.en).into_response(),
        Err(DeliverError::Unavailable) => later(),
    }
}

/// Of a CloudEvent `type` is the name, `subject` the key; source and id recognise it when it comes again.
fn happening(headers: &HeaderMap, body: &[u8]) -> Result<Happening, Problem> {
    if let Some(event) = cloudevent::read(headers, body) {
        let event = event?;
        let id = Some(event.mark());
        let key = event.subject.ok_or_else(|| cloudevent::wrong("subject"))?;
        return Ok(Happening { name: event.kind, key, payload: event.data, id });
    }
    let expected = Problem::new(400, "Erwartet: { name, key, payload }.", "Expected: { name, key, payload }.");
    let sent: Sent = serde_json::from_slice(body).map_err(|error| expected.with("reader", error.to_string().into()))?;
    let id = idempotency_key(headers)?;
    Ok(Happening { name: sent.name, key: sent.key, payload: sent.payload.unwrap_or_else(|| json!({})), id })
}
