//! The JSON interface: catalogue, start, runs, tasks, events; for a program with a key, or a signed-in person.

pub mod catalogue;
pub mod events;
pub(crate) mod page;
pub mod runs;
pub mod tasks;

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use laufzettel_domain::{Caller, Text, Via};
use laufzettel_worker::WishError;

use crate::{
    problem::{Problem, later, problem, refused},
    site::Site,
};

pub async fn ready(State(site): State<Arc<Site>>) -> Response {
    for tenant in site.tenants.values() {
        if tenant.desk.tenant.store.next_wake().await.is_err() {
            return (StatusCode::SERVICE_UNAVAILABLE, "store").into_response();
        }
    }
    "ok".into_response()
}

/// Whose delegations a tool server over HTTP believes (RFC 7517). Public keys: there is nothing to hide.
pub async fn jwks(State(site): State<Arc<Site>>, Path(name): Path<String>) -> Response {
    match site.tenants.get(&name) {
        Some(tenant) => (StatusCode::OK, [(header::CONTENT_TYPE, "application/jwk-set+json")], tenant.jwks.clone()).into_response(),
        None => problem(404, "Das gibt es hier nicht.", "There is no such thing here."),
    }
}

/// A program that uses a person's session is no person at a form: its input is not trusted.
pub(crate) fn as_api(caller: &Caller) -> Caller {
    Caller { via: Via::Api, ..caller.clone() }
}

/// What makes a repeated request the same one: 1 to 256 visible characters. Without the header every request is another.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Response> {
    let Some(sent) = headers.get("idempotency-key") else { return Ok(None) };
    let key = sent.to_str().ok().filter(|key| !key.is_empty() && key.len() <= 256);
    let (de, en) = ("Ein Idempotency-Key hat 1 bis 256 Zeichen (ASCII).", "An Idempotency-Key has 1 to 256 characters (ASCII).");
    key.map(|key| Some(key.to_owned())).ok_or_else(|| problem(400, de, en))
}

/// The same key with other data: one of the two is a mistake.
pub(crate) fn other_data() -> Response {
    problem(422, "Mit diesem Idempotency-Key kamen schon andere Daten.", "Other data came with this Idempotency-Key before.")
}

/// Why somebody is shown nothing at all.
pub(crate) fn wish(error: &WishError) -> Response {
    match error {
        WishError::Denied(decision) => refused(decision).into_response(),
        _ => later(),
    }
}

/// Settled already, or somebody was faster.
fn stale(text: &Text) -> Response {
    Problem::new(409, text.de.clone(), text.en.clone()).into_response()
}
