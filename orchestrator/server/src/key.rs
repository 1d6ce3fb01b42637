//! Programs with a key: `Authorization: Bearer lz_…` on the interface. A key is a tenant, a holder, processes and a rate.

use std::net::IpAddr;

use axum::{
    http::{Extensions, HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use laufzettel_domain::Value;
use laufzettel_policy::Decision;
use laufzettel_worker::{Key, Nobody, key_parts};
use serde_json::json;

use crate::{
    problem::{because_of, later, problem, refused, retry_after},
    signin::throttle::Wait,
    site::{Session, Site, TenantSite},
    whence::address,
};

/// The session of a key for one request, or the answer that refuses it. `None`: no key was shown.
pub async fn session(site: &Site, extensions: &Extensions, headers: &HeaderMap) -> Option<Result<Session, Response>> {
    let shown = headers.get(header::AUTHORIZATION)?;
    let token = shown.to_str().ok().and_then(|v| v.strip_prefix("Bearer ")).map(str::trim).unwrap_or_default();
    Some(recognise(site, token, address(extensions, headers)).await)
}

async fn recognise(site: &Site, token: &str, address: Option<IpAddr>) -> Result<Session, Response> {
    let found = key_parts(token).and_then(|(name, _)| site.tenants.get_key_value(name));
    // whoever holds a key is never held up by what others try from the same address; others are, before the store is asked
    if !found.is_some_and(|(_, tenant)| tenant.desk.remembers_key(token)) {
        let knocked = site.wrong_keys().knock(address, site.now());
        knocked.map_err(|wait| too_many_wrong(&wait))?;
    }
    let Some((name, tenant)) = found else {
        // whether it opens anything is for its own tenant to say
        let closed = key_parts(token).and_then(|(name, _)| site.hindrance(name));
        return Err(closed.map_or_else(|| wrong(site, address), |why| because_of(later(), Some(why))));
    };
    let key = match tenant.desk.key(token).await {
        Ok(Some(key)) => key,
        Ok(None) => return Err(wrong(site, address)),
        Err(_) => return Err(because_of(later(), site.hindrance(name))),
    };
    site.key_rates().count(&format!("{name}/{}", key.id), key.per_minute, site.now()).map_err(too_often)?;
    holder_lives(tenant, &key).await?;
    Ok(Session { scope: Some(key.processes.clone()), ..Session::new(name, key.caller(), site.now()) })
}

/// A key does not outlive who holds it.
async fn holder_lives(tenant: &TenantSite, key: &Key) -> Result<(), Response> {
    if let Some(service) = key.holder.service_name() {
        return if tenant.desk.tenant.rules.services.contains_key(service) { Ok(()) } else { Err(unknown()) };
    }
    match tenant.desk.who(&key.caller()).await {
        Ok(_) => Ok(()),
        Err(Nobody::Denied(_)) => Err(unknown()),
        Err(Nobody::Unavailable) => Err(later()),
    }
}

fn wrong(site: &Site, address: Option<IpAddr>) -> Response {
    site.wrong_keys().miss(address, site.now());
    unknown()
}

fn too_many_wrong(wait: &Wait) -> Response {
    if wait.tell {
        tracing::warn!("wrong keys come from one address, too often; it is refused for {} seconds", wait.seconds);
    }
    let response = problem(429, "Von hier kamen zu viele falsche Schlüssel.", "Too many wrong keys came from here.");
    retry_after(response, &wait.seconds.to_string())
}

/// Wrong, expired, revoked: whoever holds it learns no more than that it does not open anything.
pub fn unknown() -> Response {
    let mut response = problem(401, "Dieser Schlüssel gilt nicht.", "This key does not open anything.");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn too_often(seconds: i64) -> Response {
    let response = problem(429, "Zu viele Anfragen mit diesem Schlüssel.", "Too many requests with this key.");
    retry_after(response, &seconds.to_string())
}

/// What lies outside a key. A denial is a record like any other: `denied` is its kind and what was asked for.
pub async fn outside(tenant: &TenantSite, session: &Session, denied: Option<(&str, Value)>) -> Response {
    let decision = Decision::deny("key.processes", "Dieser Schlüssel gilt nicht für diesen Prozess.", "This key is not for this process.");
    if let Some((kind, mut body)) = denied {
        body["decision"] = json!(decision);
        tenant.desk.note(kind, &session.caller, body).await;
    }
    refused(&decision).into_response()
}
