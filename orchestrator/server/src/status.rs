//! The citizen's status page: six words, what happens next, and which steps a machine did.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, Uri},
    response::Response,
};
use laufzettel_engine::{Run, State as RunState, StepState};
use laufzettel_process::{Process, model::StepKind};
use laufzettel_worker::status_key;

use crate::{
    pages::{AutomatedStep, Page, Reached, Station, StatusPage},
    reply::Asked,
    site::{Closed, Site, TenantSite},
};

pub async fn page(State(site): State<Arc<Site>>, Path(code): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let nobody = Asked::new(&uri, &headers, None, None);
    // a code says nothing of its tenant: where one cannot be asked, nobody can say that there is no such code
    let mut unasked = site.closed().into_values().next();
    for (name, tenant) in site.tenants.iter() {
        let asked = Asked::new(&uri, &headers, Some(tenant), None);
        match tenant.desk.tenant.store.receipt(&status_key(&code)).await {
            Ok(Some(run)) => {
                return match tenant.desk.load(run).await {
                    Ok(Some(loaded)) => asked.ok(&Page::Status(view(tenant, &loaded.prepared.process, &loaded.run))),
                    _ => asked.unavailable(),
                };
            }
            Ok(None) => {}
            Err(_) => unasked = Some(site.hindrance(name).unwrap_or(Closed::Other)),
        }
    }
    match unasked {
        Some(why) => nobody.closed(Some(why)),
        None => nobody.missing(),
    }
}

fn view(tenant: &TenantSite, process: &Process, run: &Run) -> StatusPage {
    let current = station(process, run);
    let mut reached = vec![Reached { station: Station::Eingegangen, at: tenant.civil(run.started_at) }];
    if let Some((_, at)) = run.ended {
        reached.push(Reached { station: Station::Abgeschlossen, at: tenant.civil(at) });
    }
    StatusPage {
        title: process.title.clone(),
        number: run.nummer.clone(),
        responsible: process.verantwortlich.clone(),
        stations: StatusPage::stations(current, &reached),
        current,
        next: None,
        automated: automated(process, run),
        result: None,
    }
}

/// Received while only machines have looked at it; in progress from the first task a person has.
fn station(process: &Process, run: &Run) -> Station {
    if run.state().is_final() && run.state() != RunState::Stuck {
        return Station::Abgeschlossen;
    }
    let human = run.tasks.values().any(|t| t.opened.kind == laufzettel_engine::TaskKind::Human);
    let any_human = process.steps.values().any(|s| matches!(s.kind, StepKind::Human(_)));
    match (human, any_human) {
        (true, _) => Station::InBearbeitung,
        (false, true) => Station::Angenommen,
        (false, false) => Station::InBearbeitung,
    }
}

fn automated(process: &Process, run: &Run) -> Vec<AutomatedStep> {
    let done = process.order.iter().filter(|id| matches!(run.steps.get(*id), Some(StepState::Completed { .. })));
    let steps = done.filter_map(|id| {
        let step = &process.steps[id];
        match step.kind {
            StepKind::Human(_) => None,
            StepKind::Model(_) | StepKind::Agent(_) => Some(AutomatedStep { title: step.title.clone(), what: None, ai: true }),
            _ => Some(AutomatedStep { title: step.title.clone(), what: None, ai: false }),
        }
    });
    steps.collect()
}
