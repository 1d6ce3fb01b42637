//! Runs: the list, one of them, and what people order about it.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use laufzettel_domain::{RunId, Value};
use laufzettel_engine::{REASON_CHARS_MAX, Resolution, Run};
use laufzettel_policy::Decision;
use laufzettel_store::RunFilter;
use laufzettel_worker::{Loaded, WishError, veil};
use serde_json::json;

use super::{
    Once, as_api, page,
    shapes::{Ordered, RunShown},
    wish,
};
use crate::{
    key,
    problem::{Body, Params, Problem, later, no_run, problem},
    reply,
    site::{Session, Site, TenantSite},
};

/// Which runs, and which page of them.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RunsAsked")]
pub struct Asked {
    state: Option<String>,
    process: Option<String>,
    unit: Option<String>,
    nummer: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

impl Asked {
    fn filter(self) -> Result<RunFilter, Problem> {
        if self.state.as_ref().is_some_and(|state| !laufzettel_engine::State::ALL.iter().any(|known| known.as_str() == state)) {
            let (de, en) =
                ("state ist running, waiting, completed, failed, cancelled oder stuck.", "state is running, waiting, completed, failed, cancelled or stuck.");
            return Err(Problem::new(400, de, en));
        }
        let (before, limit) = (page::place(self.cursor.as_deref())?, page::limit(self.limit)?);
        let Self { state, unit, nummer, .. } = self;
        Ok(RunFilter { state, processes: self.process.into_iter().collect(), unit, nummer, sight: None, before, limit })
    }
}

pub async fn list(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Params(asked): Params<Asked>, uri: Uri) -> Response {
    let filter = match asked.filter() {
        Ok(filter) => filter,
        Err(refused) => return refused.into(),
    };
    match site.tenants[&session.tenant].desk.runs(&session.caller, filter, session.scope.as_deref()).await {
        Ok(found) => page::page(&uri, "runs", &found.rows, found.next.as_ref()),
        Err(error) => wish(&error),
    }
}

pub async fn show(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(run): Path<String>, headers: HeaderMap) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let Some(id) = RunId::parse(&run) else { return no_run() };
    if let Some(response) = unmoved(tenant, &session, id, &headers).await {
        return response;
    }
    match tenant.desk.visible(&session.caller, id).await {
        Ok(Some(loaded)) if !session.covers(loaded.run.process.as_str()) => not_hers(tenant, &session, &run, "view").await,
        Ok(Some(loaded)) => {
            if let Err(error) = tenant.desk.record("content.viewed", &as_api(&session.caller), json!({ "run": run })).await {
                tracing::error!(%error, "what cannot be recorded is not shown");
                return later();
            }
            let open: Vec<String> = loaded.run.open_tasks().map(|t| format!("{id}.{}", t.opened.number)).collect();
            let Run { nummer, process, version, output, message, .. } = loaded.run.clone();
            let state = loaded.run.state().as_str().to_owned();
            let content_erased_at = loaded.gone.map(|gone| gone.at);
            let body = json!(RunShown {
                run,
                nummer,
                process: process.to_string(),
                version,
                state,
                output: veil::value(&output),
                message: veil::text(&message),
                tasks: open,
                content_erased_at
            });
            let erased_at = content_erased_at.map(|at| at.as_microsecond());
            reply::tagged(&HeaderMap::new(), &tag(loaded.run.seq, erased_at), || body)
        }
        Ok(None) => no_run(),
        Err(error) => wish(&error),
    }
}

/// All that is told of a run follows from its records: how many there are is their mark, and since when contents are missing.
fn tag(seq: u64, erased_at: Option<i64>) -> String {
    erased_at.map_or_else(|| format!("\"{seq}\""), |at| format!("\"{seq}-{at}\""))
}

/// Who follows a run by asking again and again hears that it has not moved, and nothing else: that is no look at it, and no
/// record. Her rights are asked all the same.
async fn unmoved(tenant: &TenantSite, session: &Session, run: RunId, headers: &HeaderMap) -> Option<Response> {
    let row = tenant.desk.tenant.store.run(run).await.ok()??;
    let erased_at = tenant.desk.tenant.store.retention(run).await.ok()?.and_then(|kept| kept.erased_at);
    let mark = tag(row.seq, erased_at);
    let same = session.covers(&row.process) && reply::has(headers, &mark);
    let hers = same && tenant.desk.sees(&session.caller, &row).await.ok()?;
    hers.then(|| reply::tagged(headers, &mark, || Value::Null))
}

/// A run of a process her key is not for.
pub(crate) async fn not_hers(tenant: &TenantSite, session: &Session, run: &str, order: &str) -> Response {
    key::outside(tenant, session, Some(("run.denied", json!({ "run": run, "order": order })))).await
}

/// A run somebody of its unit gives an order about.
async fn ordered(tenant: &TenantSite, session: &Session, run: &str, order: &str) -> Result<RunId, Response> {
    let id = RunId::parse(run).ok_or_else(no_run)?;
    match tenant.desk.tenant.store.run(id).await {
        Ok(Some(row)) if !session.covers(&row.process) => return Err(not_hers(tenant, session, run, order).await),
        Ok(Some(_)) => {}
        Ok(None) => return Err(no_run()),
        Err(_) => return Err(later()),
    }
    // what is not hers does not exist for her; that she asked is a record all the same
    match tenant.desk.visible(&session.caller, id).await {
        Ok(Some(_)) => Ok(id),
        Ok(None) => {
            let decision = Decision::deny("none", "Diesen Vorgang gibt es für diese Person nicht.", "This run does not exist for this person.");
            tenant.desk.note("run.denied", &as_api(&session.caller), json!({ "run": run, "order": order, "decision": decision })).await;
            Err(no_run())
        }
        Err(error) => Err(wish(&error)),
    }
}

fn carried_out(result: Result<Loaded, WishError>) -> Response {
    match result {
        Ok(loaded) => reply::json(StatusCode::OK, &json!(Ordered { run: loaded.run.id.to_string(), state: loaded.run.state().as_str().to_owned() })),
        Err(WishError::Unknown) => no_run(),
        Err(error) => wish(&error),
    }
}

#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancelled {
    reason: String,
}

/// Ends a run, and takes back what it did.
pub async fn cancel(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(run): Path<String>,
    headers: HeaderMap,
    Body(sent): Body<Cancelled>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let id = match ordered(tenant, &session, &run, "cancel").await {
        Ok(id) => id,
        Err(refused) => return refused,
    };
    if sent.reason.trim().is_empty() || sent.reason.chars().count() > REASON_CHARS_MAX {
        return problem(422, "Ein Grund hat 1 bis 500 Zeichen.", "A reason has 1 to 500 characters.");
    }
    let once = match Once::of(tenant, &session, &headers, "cancel", &run, &sent) {
        Ok(once) => once,
        Err(refused) => return refused.into(),
    };
    let told = once.desk.cancel(id, &as_api(&session.caller), &sent.reason).await;
    carried_out(once.answered(id, told).await)
}

/// What became of a call nobody knows of: it happened, with what came back, or it did not.
#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
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

pub async fn resolve(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(run): Path<String>,
    headers: HeaderMap,
    Body(sent): Body<Resolved>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let id = match ordered(tenant, &session, &run, "resolve").await {
        Ok(id) => id,
        Err(refused) => return refused,
    };
    let once = match Once::of(tenant, &session, &headers, "resolve", &run, &sent) {
        Ok(once) => once,
        Err(refused) => return refused.into(),
    };
    // what a program says came back is foreign text; that nothing happened a person says who is signed in, and no key
    let (by, resolution) = match (sent.happened, sent.did_not_happen) {
        (Some(value), false) => (as_api(&session.caller), Resolution::Happened(value)),
        (None, true) => (session.caller.clone(), Resolution::DidNotHappen),
        _ => {
            let (de, en) =
                ("Erwartet: { step, happened } oder { step, did_not_happen: true }.", "Expected: { step, happened } or { step, did_not_happen: true }.");
            return problem(400, de, en);
        }
    };
    let told = once.desk.resolve(id, &by, &sent.step, resolution).await;
    carried_out(once.answered(id, told).await)
}

#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retried {
    /// Without it: the one step that stands still or has failed.
    #[serde(default)]
    step: Option<String>,
}

/// Has a step carried out anew, or a refused call asked for again under the rights of whoever orders it: a person who is signed in.
pub async fn retry(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(run): Path<String>,
    headers: HeaderMap,
    Body(sent): Body<Retried>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let id = match ordered(tenant, &session, &run, "retry").await {
        Ok(id) => id,
        Err(refused) => return refused,
    };
    let once = match Once::of(tenant, &session, &headers, "retry", &run, &sent) {
        Ok(once) => once,
        Err(refused) => return refused.into(),
    };
    let told = once.desk.retry(id, &session.caller, sent.step.as_deref()).await;
    carried_out(once.answered(id, told).await)
}
