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
use serde_json::json;

use crate::{
    origin::Voices,
    pages::{self, Cancel, Entry, Gone, Live, Page, RunRow, RunState, StepView, VorgaengePage, VorgangPage, Withdrawn, shown::bound},
    picture,
    reply::Asked,
    site::{Session, Site, TenantSite},
    status,
    view::{self, Matter},
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
    let (loaded, records) = match tenant.desk.visible_traced(&session.caller, run).await {
        Ok(Some(found)) => found,
        Ok(None) => return asked.missing(),
        Err(error) => return asked.wish(&error),
    };
    if let Err(error) = tenant.desk.record("content.viewed", &session.caller, json!({ "run": run.to_string() })).await {
        return asked.unwritten(&error);
    }
    let bodies: Vec<(String, i64, Value)> = records.iter().map(|r| (r.draft.kind.clone(), r.draft.at, r.draft.body().unwrap_or(Value::Null))).collect();
    let may_cancel = loaded.run.ended.is_none() && tenant.desk.needs_unit(&loaded, &session.caller).await.is_ok();
    let voices = Voices::of(&records);
    asked.ok(&Page::Vorgang(view_of(tenant, may_cancel, &Matter::new(&loaded, &voices, asked.lang), &bodies)))
}

fn view_of(tenant: &TenantSite, may_cancel: bool, matter: &Matter<'_>, bodies: &[(String, i64, Value)]) -> VorgangPage {
    let (loaded, lang) = (matter.loaded, matter.lang);
    let (run, process) = (&loaded.run, &loaded.prepared.process);
    let mut steps: Vec<StepView> = process.order.iter().map(|id| view::step(matter, id)).collect();
    for step in &mut steps {
        decisions(step, bodies, lang);
        bound(&mut step.input, false);
        bound(&mut step.output, false);
    }
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
        // why an applicant withdrew is nobody's work; why something could not be taken back is
        message: Some(run.message.clone()).filter(|message| !message.is_empty() && run.withdrawn.as_ref().is_none_or(|(_, reason)| reason != message)),
        withdrawn: run.withdrawn.as_ref().map(|(at, reason)| Withdrawn { at: tenant.civil(*at), reason: reason.clone() }),
        added: status::added::list(tenant, run, &format!("/vorgaenge/{}/dateien", run.id), lang),
        live: run.ended.is_none().then(|| Live {
            page: format!("/vorgaenge/{}", run.id),
            follow: format!("/api/v1/runs/{}/events", run.id),
            seen: run.seq,
            counts: false,
        }),
        picture: picture::of_run(process, &tenant.desk.tenant.tools, &steps, lang),
        steps,
        timeline: bodies
            .iter()
            .map(|(kind, at, body)| Entry { at: tenant.civil_micros(*at), text: laufzettel_engine::sentence(kind, body).get(lang).to_owned() })
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
