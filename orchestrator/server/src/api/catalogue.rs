//! What may be started, and starting it.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use laufzettel_domain::{Digest, RunId, Value};
use laufzettel_engine::Run;
use laufzettel_process::model::RunAs;
use laufzettel_worker::{StartError, StartRequest};
use serde_json::json;

use super::{
    as_api, idempotency_key, other_data,
    shapes::{Accepted, Catalogue, Finished, Startable},
    wish,
};
use crate::{
    key,
    problem::{Body, Params, invalid, later, no_process, refused, too_many},
    reply,
    site::{Session, Site},
    upload::brought,
};

/// Times a schedule's future is told: a week of every working day.
pub const NEXT_TIMES: usize = 5;

/// What this caller may start this way; with a key, of that what the key is for.
pub async fn processes(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, headers: HeaderMap) -> Response {
    let startable = match site.tenants[&session.tenant].desk.startable(&as_api(&session.caller)).await {
        Ok(startable) => startable,
        Err(nobody) => return wish(&nobody.into()),
    };
    let tenant = &site.tenants[&session.tenant].desk.tenant;
    let (now, zone) = (tenant.clock.now(), tenant.zone());
    let processes = startable.into_iter().filter(|process| session.covers(process.id.as_str())).map(|process| Startable {
        id: process.id.to_string(),
        version: process.version.to_string(),
        title: process.title.clone(),
        description: process.description.clone(),
        verantwortlich: process.verantwortlich.clone(),
        input: process.input.root.clone(),
        digest: process.digest.to_string(),
        next: process.next_times(now, &zone, NEXT_TIMES),
    });
    let body = json!(Catalogue { processes: processes.collect() });
    reply::tagged(&headers, &format!("\"{}\"", Digest::of_value(&body)), || body)
}

/// `?zone=`: beside the input, which is the process's own.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wished {
    zone: Option<String>,
}

pub async fn start(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Params(wished): Params<Wished>,
    headers: HeaderMap,
    Body(input): Body<Value>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    if !session.covers(&id) {
        let known = tenant.desk.tenant.current(&id).is_some();
        return key::outside(tenant, &session, known.then(|| ("start.denied", json!({ "process": id })))).await;
    }
    let sent = match idempotency_key(&headers) {
        Ok(sent) => sent,
        Err(refused) => return refused.into(),
    };
    let receipts = sent.map(|k| format!("api:{}:{id}:{k}", session.caller.subject)).into_iter().collect();
    let input = match brought(tenant, input).await {
        Ok(input) => input,
        Err(refused) => return refused,
    };
    // a service account's run acts as that account from the beginning
    let run_as = session.caller.service_name().map(|name| RunAs::Service(name.to_owned()));
    let request = StartRequest {
        process: id,
        caller: as_api(&session.caller),
        run_as,
        input: input.clone(),
        zone: wished.zone,
        receipts,
        clock: None,
        facts: serde_json::Value::Null,
        status: false,
    };
    let run = match tenant.desk.start(request).await {
        Ok(started) => started.run,
        Err(StartError::Duplicate(run)) => match tenant.desk.load(run).await {
            // what cannot be compared any more counts as the same
            Ok(Some(loaded)) if loaded.gone.is_some() || loaded.run.input == input => run,
            Ok(Some(_)) => return other_data(),
            _ => return later(),
        },
        Err(StartError::UnknownProcess) => return no_process(),
        Err(StartError::Denied(decision)) => return refused(&decision).into_response(),
        Err(StartError::Invalid(problems)) => return invalid(&problems),
        Err(StartError::Quota(exceeded)) => return too_many(&exceeded),
        Err(StartError::Unavailable(_)) => return later(),
    };
    if let Some(response) = waited(&site, &session, run, &headers).await {
        return response;
    }
    let mut response = reply::json(StatusCode::ACCEPTED, &json!(Accepted { run: run.to_string() }));
    if let Ok(value) = format!("/api/v1/runs/{run}").parse() {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// Seconds somebody may wait for a result (RFC 7240 `wait`): longer, and whatever stands between gives up first.
const WAIT_S_MAX: u64 = 10;

/// The result, if it is there within the time she prefers to wait.
async fn waited(site: &Site, session: &Session, run: RunId, headers: &HeaderMap) -> Option<Response> {
    let tenant = &site.tenants[&session.tenant];
    let preferences = headers.get_all("prefer").iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split([',', ';']));
    let mut named = preferences.filter_map(|preference| preference.split_once('='));
    let wished = named.find(|(name, _)| name.trim().eq_ignore_ascii_case("wait")).map(|(_, value)| value.trim().trim_matches('"').parse());
    let seconds = wished?.unwrap_or(0_u64).min(WAIT_S_MAX);
    let until = tokio::time::Instant::now() + std::time::Duration::from_secs(seconds);
    let closing = site.closing();
    loop {
        if tenant.desk.tenant.store.run(run).await.ok()??.ended_at.is_some() {
            let loaded = tenant.desk.load(run).await.ok()??;
            // what cannot be recorded is not shown
            tenant.desk.record("content.viewed", &as_api(&session.caller), json!({ "run": run.to_string() })).await.ok()?;
            let Run { nummer, output, message, .. } = &loaded.run;
            let state = loaded.run.state().as_str().to_owned();
            let (nummer, output, message) = (nummer.clone(), output.clone(), message.clone());
            let content_erased_at = loaded.gone.map(|gone| gone.at);
            let body = json!(Finished { run: run.to_string(), nummer, state, output, message, content_erased_at });
            let mut response = reply::json(StatusCode::OK, &body);
            response.headers_mut().insert("preference-applied", format!("wait={seconds}").parse().ok()?);
            return Some(response);
        }
        if tokio::time::Instant::now() >= until || *closing.borrow() {
            return None;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
