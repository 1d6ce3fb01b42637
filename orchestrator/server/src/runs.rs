//! Runs for staff: the list, and one run with its steps and the reason of each decision.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension, Form,
    extract::{Path, Query, State},
    http::{HeaderMap, Uri},
    response::{IntoResponse, Redirect, Response},
};
use laufzettel_domain::{Lang, RunId, Value};
use laufzettel_store::RunFilter;
use laufzettel_worker::Loaded;
use serde_json::json;

use crate::{
    pages::{self, Cancel, Entry, Gone, Live, Page, RunRow, RunState, StepView, VorgaengePage, VorgangPage},
    picture,
    reply::Asked,
    site::{Session, Site, TenantSite},
    view,
};

/// Runs on one page of the list.
const PAGE: u32 = 50;

fn state(text: &str) -> RunState {
    match text {
        "waiting" => RunState::Waiting,
        "completed" => RunState::Completed,
        "failed" => RunState::Failed,
        "cancelled" => RunState::Cancelled,
        "stuck" => RunState::Stuck,
        _ => RunState::Running,
    }
}

pub async fn list(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let before = query.get("vor").and_then(|v| RunId::parse(v));
    let page = match tenant.desk.runs(&session.caller, RunFilter { before, limit: PAGE, ..RunFilter::default() }, None).await {
        Ok(page) => page,
        Err(error) => return asked.wish(&error),
    };
    let more = page.next.map(|run| format!("/vorgaenge?vor={run}"));
    let runs = page.rows.into_iter().map(|row| RunRow {
        link: format!("/vorgaenge/{}", row.run),
        number: row.nummer,
        title: row.title,
        state: state(&row.state),
        started: tenant.civil_micros(row.started_at),
        note: None,
    });
    asked.ok(&Page::Vorgaenge(VorgaengePage { runs: runs.collect(), more }))
}

pub async fn page(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(run): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let Some(run) = RunId::parse(&run) else { return asked.missing() };
    let loaded = match tenant.desk.visible(&session.caller, run).await {
        Ok(Some(loaded)) => loaded,
        Ok(None) => return asked.missing(),
        Err(error) => return asked.wish(&error),
    };
    if let Err(error) = tenant.desk.record("content.viewed", &session.caller, json!({ "run": run.to_string() })).await {
        return asked.unwritten(&error);
    }
    let Ok(records) = tenant.desk.tenant.store.history(run).await else { return asked.unavailable() };
    let bodies: Vec<(String, i64, Value)> = records.iter().map(|r| (r.draft.kind.clone(), r.draft.at, r.draft.body().unwrap_or(Value::Null))).collect();
    let may_cancel = loaded.run.ended.is_none() && tenant.desk.needs_unit(&loaded, &session.caller).await.is_ok();
    asked.ok(&Page::Vorgang(view_of(tenant, may_cancel, &asked, &loaded, &bodies)))
}

fn view_of(tenant: &TenantSite, may_cancel: bool, asked: &Asked, loaded: &Loaded, bodies: &[(String, i64, Value)]) -> VorgangPage {
    let (run, process) = (&loaded.run, &loaded.prepared.process);
    let mut steps: Vec<StepView> = process.order.iter().map(|id| view::step(loaded, id, asked.lang)).collect();
    steps.iter_mut().for_each(|step| decisions(step, bodies, asked.lang));
    VorgangPage {
        number: run.nummer.clone(),
        title: process.title.clone(),
        process: process.id.to_string(),
        version: run.version.clone(),
        state: state(run.state().as_str()),
        started: tenant.civil(run.started_at),
        ended: run.ended.map(|(_, at)| tenant.civil(at)),
        by: run.caller.name.clone(),
        // a child's number is its parent's and its own
        called_by: run.parent.as_ref().map(|parent| view::called(parent.run, run.nummer.rsplit_once('/').map_or("", |(number, _)| number))),
        unit: process.verantwortlich.clone(),
        message: (!run.message.is_empty()).then(|| run.message.clone()),
        live: run.ended.is_none().then(|| Live {
            page: format!("/vorgaenge/{}", run.id),
            follow: format!("/api/v1/runs/{}/events", run.id),
            seen: run.seq,
            counts: false,
        }),
        picture: picture::of_run(process, &tenant.desk.tenant.tools, &steps, asked.lang),
        steps,
        timeline: bodies
            .iter()
            .map(|(kind, at, body)| Entry { at: tenant.civil_micros(*at), text: laufzettel_engine::sentence(kind, body).get(asked.lang).to_owned() })
            .collect(),
        gone: loaded.gone.map(|gone| Gone { at: tenant.civil(gone.at), belege_until: gone.belege_until.map(|at| tenant.civil(at)) }),
        cancel: may_cancel.then(|| Cancel { action: format!("/vorgaenge/{}/abbrechen", run.id), missing: false }),
    }
}

/// What the doors said of a step: why it was allowed, which model in which zone, how long it took.
fn decisions(step: &mut StepView, bodies: &[(String, i64, Value)], lang: Lang) {
    let of_step = bodies.iter().filter(|(_, _, body)| body.pointer("/path/step").and_then(Value::as_str) == Some(&step.id));
    for (_, _, body) in of_step {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let reason = if lang == Lang::De { "/meta/decision/reason/de" } else { "/meta/decision/reason/en" };
        if let Some(reason) = text(reason) {
            step.why_allowed = Some(format!("{reason} ({})", text("/meta/decision/rule").unwrap_or_default()));
        }
        step.model = text("/meta/model").or(step.model.take());
        step.zone = text("/meta/zone").or(step.zone.take());
        if let Some(ms) = body.pointer("/meta/duration_ms").and_then(Value::as_u64) {
            step.duration = Some(format!("{ms} ms"));
        }
    }
}

pub async fn cancel(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(run): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    Form(sent): Form<HashMap<String, String>>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let Some(id) = RunId::parse(&run) else { return asked.missing() };
    let reason = sent.get(pages::REASON).map(|r| r.trim().to_owned()).filter(|r| !r.is_empty());
    let Some(reason) = reason else { return Redirect::to(&format!("/vorgaenge/{run}")).into_response() };
    match tenant.desk.cancel(id, &session.caller, &reason).await {
        Ok(_) => Redirect::to(&format!("/vorgaenge/{run}")).into_response(),
        Err(error) => asked.wish(&error),
    }
}
