//! The JSON interface: catalogue, start, runs, tasks, events; for a program with a key, or a signed-in person.

pub mod catalogue;
pub mod events;
pub(crate) mod page;
pub mod rows;
pub mod runs;
pub mod shapes;
pub mod tasks;

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use laufzettel_domain::{Caller, Digest, RunId, Via};
use laufzettel_engine::Rejection;
use laufzettel_worker::{Desk, Loaded, WishError};
use serde_json::json;

use crate::{
    problem::{Problem, invalid, later, problem, refused},
    reply::json,
    site::{Closed, Session, Site, TenantSite},
};

/// Whether anybody can be served, and which tenants cannot: by the names of the configuration, no person's and no case's. One
/// tenant in trouble makes no others wait: the answer is 503 only where none is served.
pub async fn ready(State(site): State<Arc<Site>>) -> Response {
    let mut hindered = site.closed();
    for (name, tenant) in site.tenants.iter() {
        let answers = tenant.desk.tenant.store.next_wake().await.is_ok();
        if let Some(why) = site.hindrance(name).or((!answers).then_some(Closed::Other)) {
            hindered.insert(name.clone(), why);
        }
    }
    let served = site.tenants.len() - hindered.len();
    let named: serde_json::Map<String, serde_json::Value> = hindered.into_iter().map(|(name, why)| (name, why.word().into())).collect();
    match (named.is_empty(), served) {
        (true, _) => "ok".into_response(),
        (false, 0) => json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "ready": false, "hindered": named })),
        (false, _) => json(StatusCode::OK, &json!({ "ready": true, "hindered": named })),
    }
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
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(sent) = headers.get("idempotency-key") else { return Ok(None) };
    let key = sent.to_str().ok().filter(|key| !key.is_empty() && key.len() <= 256);
    let (de, en) = ("Ein Idempotency-Key hat 1 bis 256 Zeichen (ASCII).", "An Idempotency-Key has 1 to 256 characters (ASCII).");
    key.map(|key| Some(key.to_owned())).ok_or_else(|| Problem::new(400, de, en))
}

/// A desk for one order, and what makes a repeated request this very one.
pub(crate) struct Once {
    pub desk: Desk,
    same: Option<String>,
}

impl Once {
    /// `order` and `of`: what is asked, and of what.
    pub fn of(tenant: &TenantSite, session: &Session, headers: &HeaderMap, order: &str, of: &str, sent: &impl serde::Serialize) -> Result<Self, Problem> {
        let Some(key) = idempotency_key(headers)? else { return Ok(Self { desk: tenant.desk.clone(), same: None }) };
        let first = format!("order:{}:{order}:{of}:{key}", session.caller.subject);
        let same = format!("{first}:{}", Digest::of_value(&json!(sent)));
        Ok(Self { desk: tenant.desk.once(vec![first, same.clone()]), same: Some(same) })
    }

    /// What came before is answered as it was then, from how things stand now.
    pub async fn answered(&self, run: RunId, told: Result<Loaded, WishError>) -> Result<Loaded, WishError> {
        let (Err(WishError::Repeated), Some(same)) = (&told, &self.same) else { return told };
        match self.desk.tenant.store.receipt(same).await? {
            Some(_) => self.desk.load(run).await?.ok_or(WishError::Unknown),
            None => told,
        }
    }
}

/// The same key with other data: one of the two is a mistake.
pub(crate) fn other_data() -> Response {
    problem(422, "Mit diesem Idempotency-Key kamen schon andere Daten.", "Other data came with this Idempotency-Key before.")
}

/// Why a wish was not carried out, or somebody is shown nothing at all.
pub(crate) fn wish(error: &WishError) -> Response {
    match error {
        WishError::Denied(decision) | WishError::Rejected(Rejection::Denied(decision)) => refused(decision).into_response(),
        WishError::Rejected(Rejection::Stale(text)) => Problem::new(409, text.de.clone(), text.en.clone()).into_response(),
        WishError::Rejected(Rejection::Invalid(problems)) => invalid(problems),
        WishError::Repeated => other_data(),
        _ => later(),
    }
}
