//! The small JSON interface: catalogue, start, runs, tasks, for a signed-in person.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use laufzettel_domain::{Caller, RunId, TaskId, Value, Via};
use laufzettel_engine::{Rejection, Resolution};
use laufzettel_policy::Decision;
use laufzettel_process::model::RunAs;
use laufzettel_store::RunFilter;
use laufzettel_worker::{DeliverError, Happening, Loaded, StartError, StartRequest, WishError};
use serde_json::json;

use crate::{
    key,
    reply::{self, Body, problem, problem_with},
    site::{Session, Site, TenantSite},
    tasks::mine,
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
        None => problem(404, "Das gibt es hier nicht."),
    }
}

/// Times a schedule's future is told: a week of every working day.
pub const NEXT_TIMES: usize = 5;

/// What this caller may start this way; with a key, of that what the key is for.
pub async fn processes(State(site): State<Arc<Site>>, Extension(session): Extension<Session>) -> Response {
    let startable = match site.tenants[&session.tenant].desk.startable(&as_api(&session.caller)).await {
        Ok(startable) => startable,
        Err(nobody) => return wish(&nobody.into()),
    };
    let tenant = &site.tenants[&session.tenant].desk.tenant;
    let (now, zone) = (tenant.clock.now(), tenant.zone());
    let list: Vec<Value> = startable
        .into_iter()
        .filter(|p| session.covers(p.id.as_str()))
        .map(|p| json!({ "id": p.id.as_str(), "version": p.version.to_string(), "title": p.title, "description": p.description, "verantwortlich": p.verantwortlich, "input": p.input.root, "digest": p.digest.to_string(), "next": p.next_times(now, &zone, NEXT_TIMES) }))
        .collect();
    reply::json(StatusCode::OK, &json!({ "processes": list }))
}

/// A program that uses a person's session is no person at a form: its input is not trusted, its answers are no gate.
pub(crate) fn as_api(caller: &Caller) -> Caller {
    Caller { via: Via::Api, ..caller.clone() }
}

/// `?zone=`: beside the input, which is the process's own.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wished {
    zone: Option<String>,
}

pub async fn start(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Query(wished): Query<Wished>,
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
        Err(why) => return problem(400, why),
    };
    let receipts = sent.map(|k| format!("api:{}:{id}:{k}", session.caller.subject)).into_iter().collect();
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
            Ok(Some(_)) => return problem(422, "Mit diesem Idempotency-Key kamen schon andere Daten."),
            _ => return problem(503, "Gerade nicht möglich. Bitte später noch einmal."),
        },
        Err(StartError::UnknownProcess) => return problem(404, "Diesen Prozess gibt es nicht."),
        Err(StartError::Denied(decision)) => return problem_with(403, "Nicht erlaubt.", json!({ "detail": decision.reason.de, "rule": decision.rule })),
        Err(StartError::Invalid(problems)) => return invalid(&problems),
        Err(StartError::Quota(exceeded)) => return reply::too_many(&exceeded),
        Err(StartError::Unavailable(_)) => return problem(503, "Gerade nicht möglich."),
    };
    if let Some(response) = waited(&site, &session, run, &headers).await {
        return response;
    }
    let mut response = reply::json(StatusCode::ACCEPTED, &json!({ "run": run.to_string() }));
    if let Ok(value) = format!("/api/v1/runs/{run}").parse() {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// What makes a repeated request the same one: 1 to 256 visible characters. Without the header every request is another.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, &'static str> {
    let Some(sent) = headers.get("idempotency-key") else { return Ok(None) };
    let key = sent.to_str().ok().filter(|key| !key.is_empty() && key.len() <= 256);
    key.map(|key| Some(key.to_owned())).ok_or("Ein Idempotency-Key hat 1 bis 256 Zeichen (ASCII).")
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
            let body = json!({ "run": run.to_string(), "nummer": loaded.run.nummer, "state": loaded.run.state().as_str(), "output": loaded.run.output,
                "message": loaded.run.message, "content_erased_at": loaded.gone.map(|gone| gone.at) });
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

/// What happened elsewhere, for whatever waits for it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    name: String,
    key: String,
    #[serde(default)]
    payload: Option<Value>,
}

/// Delivers a named event to the steps that wait for it, or keeps it thirty days for one that will. 202 once it is durable.
pub async fn event(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    if tenant != session.tenant {
        return problem(404, "Diesen Mandanten gibt es hier nicht.");
    }
    let sent: Sent = match serde_json::from_slice(&body) {
        Ok(sent) => sent,
        Err(error) => return problem_with(400, "Erwartet: { name, key, payload }.", json!({ "detail": error.to_string() })),
    };
    let id = match idempotency_key(&headers) {
        Ok(id) => id,
        Err(why) => return problem(400, why),
    };
    let happening = Happening { name: sent.name, key: sent.key, payload: sent.payload.unwrap_or_else(|| json!({})), id };
    match site.tenants[&tenant].desk.report(happening, &as_api(&session.caller), |process| session.covers(process)).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(DeliverError::Unknown) => problem(404, "Auf ein Ereignis dieses Namens wartet kein Prozess."),
        Err(DeliverError::Denied(decision)) => problem_with(403, "Nicht erlaubt.", json!({ "detail": decision.reason.de, "rule": decision.rule })),
        Err(DeliverError::Invalid(text)) => problem(422, &text.de),
        Err(DeliverError::Unavailable) => problem(503, "Gerade nicht möglich. Bitte später noch einmal."),
    }
}

fn invalid(problems: &[laufzettel_process::schema::Problem]) -> Response {
    let errors: Vec<Value> = problems.iter().map(|p| json!({ "pointer": format!("/{}", p.path.0.join("/")), "detail": p.message.de })).collect();
    problem_with(422, "Die Daten passen nicht.", json!({ "errors": errors }))
}

pub async fn runs(State(site): State<Arc<Site>>, Extension(session): Extension<Session>) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let Ok(rows) = tenant.desk.tenant.store.runs(RunFilter { limit: 100, ..RunFilter::default() }).await else { return problem(503, "Gerade nicht möglich.") };
    let rows = rows.into_iter().filter(|row| session.covers(&row.process)).collect();
    match tenant.desk.seen(&session.caller, rows).await {
        Ok(rows) => reply::json(StatusCode::OK, &json!({ "runs": rows })),
        Err(error) => wish(&error),
    }
}

pub async fn run(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(run): Path<String>) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let Some(id) = RunId::parse(&run) else { return problem(404, "Diesen Vorgang gibt es nicht.") };
    match tenant.desk.visible(&session.caller, id).await {
        Ok(Some(loaded)) if !session.covers(loaded.run.process.as_str()) => not_hers(tenant, &session, &run, "view").await,
        Ok(Some(loaded)) => {
            if let Err(error) = tenant.desk.record("content.viewed", &as_api(&session.caller), json!({ "run": run })).await {
                tracing::error!(%error, "what cannot be recorded is not shown");
                return problem(503, "Gerade nicht möglich. Bitte später noch einmal.");
            }
            let open: Vec<String> = loaded.run.open_tasks().map(|t| format!("{id}.{}", t.opened.number)).collect();
            let body = json!({ "run": run, "nummer": loaded.run.nummer, "process": loaded.run.process.as_str(), "version": loaded.run.version,
                "state": loaded.run.state().as_str(), "output": loaded.run.output, "message": loaded.run.message, "tasks": open,
                "content_erased_at": loaded.gone.map(|gone| gone.at) });
            reply::json(StatusCode::OK, &body)
        }
        Ok(None) => problem(404, "Diesen Vorgang gibt es nicht."),
        Err(error) => wish(&error),
    }
}

/// A run of a process her key is not for.
pub(crate) async fn not_hers(tenant: &TenantSite, session: &Session, run: &str, order: &str) -> Response {
    key::outside(tenant, session, Some(("run.denied", json!({ "run": run, "order": order })))).await
}

/// A run somebody of its unit gives an order about.
async fn ordered(tenant: &TenantSite, session: &Session, run: &str, order: &str) -> Result<RunId, Response> {
    let missing = || problem(404, "Diesen Vorgang gibt es nicht.");
    let id = RunId::parse(run).ok_or_else(missing)?;
    match tenant.desk.tenant.store.run(id).await {
        Ok(Some(row)) if !session.covers(&row.process) => return Err(not_hers(tenant, session, run, order).await),
        Ok(Some(_)) => {}
        Ok(None) => return Err(missing()),
        Err(_) => return Err(problem(503, "Gerade nicht möglich. Bitte später noch einmal.")),
    }
    // what is not hers does not exist for her; that she asked is a record all the same
    match tenant.desk.visible(&session.caller, id).await {
        Ok(Some(_)) => Ok(id),
        Ok(None) => {
            let decision = Decision::deny("none", "Diesen Vorgang gibt es für diese Person nicht.", "This run does not exist for this person.");
            tenant.desk.note("run.denied", &as_api(&session.caller), json!({ "run": run, "order": order, "decision": decision })).await;
            Err(missing())
        }
        Err(error) => Err(wish(&error)),
    }
}

fn carried_out(result: Result<Loaded, WishError>) -> Response {
    match result {
        Ok(loaded) => reply::json(StatusCode::OK, &json!({ "run": loaded.run.id.to_string(), "state": loaded.run.state().as_str() })),
        Err(WishError::Unknown) => problem(404, "Diesen Vorgang gibt es nicht."),
        Err(WishError::Rejected(Rejection::Stale(text))) => problem(409, &text.de),
        Err(WishError::Rejected(Rejection::Invalid(problems))) => invalid(&problems),
        Err(WishError::Rejected(Rejection::Denied(decision))) => wish(&WishError::Denied(decision)),
        Err(error) => wish(&error),
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancelled {
    reason: String,
}

/// Characters of a reason: two sentences in the journal.
const REASON_CHARS_MAX: usize = 500;

/// Ends a run, and takes back what it did.
pub async fn cancel(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(run): Path<String>, Body(sent): Body<Cancelled>) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let id = match ordered(tenant, &session, &run, "cancel").await {
        Ok(id) => id,
        Err(refused) => return refused,
    };
    if sent.reason.trim().is_empty() || sent.reason.chars().count() > REASON_CHARS_MAX {
        return problem(422, "Ein Grund hat 1 bis 500 Zeichen.");
    }
    carried_out(tenant.desk.cancel(id, &as_api(&session.caller), &sent.reason).await)
}

/// What became of a call nobody knows of: it happened, with what came back, or it did not.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolved {
    /// `schreiben`, `schreiben.i2`, `frage.t1.c2`
    step: String,
    /// There and null is a value, too.
    #[serde(default, deserialize_with = "given")]
    happened: Option<Value>,
    #[serde(default)]
    did_not_happen: bool,
}

fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    serde::Deserialize::deserialize(deserializer).map(Some)
}

pub async fn resolve(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(run): Path<String>, Body(sent): Body<Resolved>) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let id = match ordered(tenant, &session, &run, "resolve").await {
        Ok(id) => id,
        Err(refused) => return refused,
    };
    let resolution = match (sent.happened, sent.did_not_happen) {
        (Some(value), false) => Resolution::Happened(value),
        (None, true) => Resolution::DidNotHappen,
        _ => return problem(400, "Erwartet: { step, happened } oder { step, did_not_happen: true }."),
    };
    carried_out(tenant.desk.resolve(id, &as_api(&session.caller), &sent.step, resolution).await)
}

/// Why somebody is shown nothing at all.
pub(crate) fn wish(error: &WishError) -> Response {
    match error {
        WishError::Denied(decision) => problem_with(403, "Nicht erlaubt.", json!({ "detail": decision.reason.de, "rule": decision.rule })),
        _ => problem(503, "Gerade nicht möglich. Bitte später noch einmal."),
    }
}

pub async fn tasks(State(site): State<Arc<Site>>, Extension(session): Extension<Session>) -> Response {
    let tenant = &site.tenants[&session.tenant];
    match mine(tenant, &session.caller).await {
        Ok(rows) => {
            let rows: Vec<_> = rows.into_iter().filter(|row| session.covers(&row.process)).collect();
            reply::json(StatusCode::OK, &json!({ "tasks": rows }))
        }
        Err(error) => wish(&error),
    }
}

/// Refused for what guards something: a human gate is answered on its page.
pub async fn complete(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(task): Path<String>, Body(sent): Body<Value>) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let Some(id) = TaskId::parse(&task) else { return problem(404, "Diese Aufgabe gibt es nicht.") };
    match tenant.desk.tenant.store.run(id.run).await {
        Ok(Some(row)) if !session.covers(&row.process) => return key::outside(tenant, &session, Some(("task.denied", json!({ "task": task })))).await,
        Ok(_) => {}
        Err(_) => return problem(503, "Gerade nicht möglich. Bitte später noch einmal."),
    }
    let shown = sent.get("shown").and_then(Value::as_str).and_then(laufzettel_domain::Digest::parse);
    let (Some(shown), Some(values)) = (shown, sent.get("values")) else { return problem(400, "Erwartet: { shown, values }.") };
    match tenant.desk.answer(id, &as_api(&session.caller), values, shown).await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(WishError::Unknown) => problem(404, "Diese Aufgabe gibt es nicht."),
        Err(WishError::Denied(decision) | WishError::Rejected(Rejection::Denied(decision))) => {
            problem_with(403, "Nicht erlaubt.", json!({ "detail": decision.reason.de, "rule": decision.rule, "page": format!("/aufgaben/{task}") }))
        }
        Err(WishError::Rejected(Rejection::Invalid(problems))) => invalid(&problems),
        Err(WishError::Rejected(Rejection::Stale(text))) => problem(409, &text.de),
        Err(WishError::Unavailable(_)) => problem(503, "Gerade nicht möglich."),
    }
}
