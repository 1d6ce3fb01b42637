//! The catalogue for staff, and starting a process by hand.

pub mod detail;

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use laufzettel_domain::{Text, Via};
use laufzettel_policy::{Who, permit_start};
use laufzettel_process::{Process, model::TriggerKind, schema::Problem};
use laufzettel_worker::{Prepared, StartError, StartRequest};

use crate::{
    api::catalogue::NEXT_TIMES,
    form_data, intake,
    pages::{self, Filled, Form, Page, ProcessRow, ProzessePage, StartPage, ZoneChoice},
    reply::Asked,
    site::{Session, Site, TenantSite},
};

fn may_start(tenant: &TenantSite, who: &Who, process: &Process) -> bool {
    let via = process.start.via.is_empty() || process.start.via.contains(&Via::Form);
    via && permit_start(who, process.id.as_str(), &process.start.groups, &tenant.desk.tenant.rules).allow
}

pub async fn list(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, uri: Uri, headers: HeaderMap) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let who = match tenant.desk.who(&session.caller).await {
        Ok(who) => who,
        Err(nobody) => return asked.wish(&nobody.into()),
    };
    let (now, zone) = (tenant.desk.tenant.clock.now(), tenant.desk.tenant.zone());
    let mut rows = Vec::new();
    for process in tenant.desk.tenant.catalogue.processes.values() {
        rows.push(ProcessRow {
            id: process.id.to_string(),
            version: process.version.to_string(),
            title: process.title.clone(),
            description: process.description.clone(),
            purpose: process.zweck.clone(),
            responsible: process.verantwortlich.clone(),
            page: detail::may_see(tenant, &who, process).await.then(|| format!("/prozesse/{}", process.id)),
            released: match tenant.desk.release_of(process) {
                None => "process_not_released",
                Some(release) if release.trial => "process_on_trial",
                Some(_) => "process_is_released",
            },
            // a process whose input has no form is started by programs and at the command line
            start: (may_start(tenant, &who, process) && intake::form_of(process).is_some()).then(|| format!("/prozesse/{}/start", process.id)),
            public: public_form(process, &session.tenant),
            ways: process.triggers.iter().filter_map(|trigger| way(&trigger.kind)).map(|way| way.get(asked.lang).to_owned()).collect(),
            next: process.next_times(now, &zone, NEXT_TIMES).into_iter().map(|at| tenant.civil(at)).collect(),
        });
    }
    asked.ok(&Page::Prozesse(ProzessePage { processes: rows }))
}

fn public_form(process: &Process, tenant: &str) -> Option<String> {
    process.triggers.iter().find_map(|trigger| match &trigger.kind {
        TriggerKind::Intake { path, public: true, .. } => Some(format!("/antrag/{tenant}/{path}")),
        _ => None,
    })
}

/// What it waits for by itself; the clock has its own line.
fn way(kind: &TriggerKind) -> Option<Text> {
    match kind {
        TriggerKind::Folder(paths) => Some(Text::new(format!("Dateien im Ordner {}", paths.path), format!("files in the folder {}", paths.path))),
        TriggerKind::Mail(mailbox) => {
            let (place, von, betreff) = (mailbox.place(), mailbox.von.as_deref(), mailbox.betreff.as_deref());
            let part = |word: &str, pattern: Option<&str>| pattern.map(|pattern| format!(", {word} {pattern}")).unwrap_or_default();
            Some(Text::new(
                format!("E-Mail in {place}{}{}", part("Absender", von), part("Betreff", betreff)),
                format!("e-mail in {place}{}{}", part("sender", von), part("subject", betreff)),
            ))
        }
        TriggerKind::Poll(poll) => {
            let (tool, every) = (poll.call.name(), &poll.every);
            Some(Text::new(format!("neue Einträge von {tool}, gefragt alle {every}"), format!("new entries of {tool}, asked every {every}")))
        }
        _ => None,
    }
}

/// Zones this person may choose from; the strictest first; none where there is nothing to choose.
async fn zones(tenant: &TenantSite, session: &Session, process: &Process, chosen: Option<&str>) -> Vec<ZoneChoice> {
    let Ok(who) = tenant.desk.who(&session.caller).await else { return Vec::new() };
    let zones = laufzettel_worker::zone_choices(&tenant.desk.tenant, &who, process);
    let choice = |zone: laufzettel_policy::Zone| {
        let place: Vec<&str> = [zone.betreiber.as_str(), zone.ort.as_str(), zone.recht.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
        let selected = chosen.is_some_and(|chosen| chosen == zone.name);
        ZoneChoice { place: place.join(", "), selected, name: zone.name }
    };
    zones.into_iter().map(choice).collect()
}

fn page_of(process: &Process, form: &Form, asked: &Asked, filled: &Filled<'_>, zones: Vec<ZoneChoice>, key: String) -> Page {
    Page::Start(StartPage {
        action: format!("/prozesse/{}/start", process.id),
        title: process.title.clone(),
        description: process.description.clone(),
        responsible: process.verantwortlich.clone(),
        version: process.version.to_string(),
        form: form.view(filled, asked.lang),
        zones,
        key,
    })
}

/// A process she may start, with its form. What she may not start is not there.
async fn startable(tenant: &TenantSite, asked: &Asked, session: &Session, id: &str) -> Result<(Arc<Prepared>, Form), Response> {
    let Some(prepared) = tenant.desk.tenant.current(id) else { return Err(asked.missing()) };
    match tenant.desk.who(&session.caller).await {
        Ok(who) if may_start(tenant, &who, &prepared.process) => {}
        Ok(_) => return Err(asked.missing()),
        Err(nobody) => return Err(asked.wish(&nobody.into())),
    }
    let Some(form) = intake::form_of(&prepared.process) else { return Err(asked.missing()) };
    Ok((prepared, form))
}

pub async fn form(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(id): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let (prepared, form) = match startable(tenant, &asked, &session, &id).await {
        Ok(found) => found,
        Err(answered) => return answered,
    };
    let zones = zones(tenant, &session, &prepared.process, None).await;
    asked.ok(&page_of(&prepared.process, &form, &asked, &Filled::default(), zones, intake::new_key(tenant)))
}

pub async fn start(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(id): Path<String>, request: Request) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(request.uri(), request.headers(), Some(tenant), Some(&session));
    let (prepared, form) = match startable(tenant, &asked, &session, &id).await {
        Ok(found) => found,
        Err(answered) => return answered,
    };
    let Ok(sent) = form_data::read(request, tenant, &form).await else { return asked.missing() };
    let (mut value, mut problems) = form.parse(&sent.pairs);
    let Ok(lost) = form_data::insert_files(tenant, &mut value, &sent.files).await else { return asked.unavailable() };
    problems.extend(lost.into_iter().chain(sent.problems.clone()));
    let mut key = sent.get(pages::KEY).filter(|k| k.len() == 32).map_or_else(|| intake::new_key(tenant), str::to_owned);
    let zone = sent.get(pages::ZONE).filter(|zone| !zone.is_empty()).map(str::to_owned);
    if problems.is_empty() {
        let receipts = vec![format!("start:{id}:{}:{key}", session.caller.subject)];
        let begin = StartRequest {
            process: id,
            caller: session.caller.clone(),
            run_as: None,
            input: value.clone(),
            zone,
            receipts,
            clock: None,
            facts: serde_json::Value::Null,
            status: false,
        };
        match tenant.desk.start(begin).await {
            Ok(started) => return Redirect::to(&format!("/vorgaenge/{}", started.run)).into_response(),
            // the same key with other data is another case: it is shown once more under a key of its own, never dropped
            Err(StartError::Duplicate(run)) => match tenant.desk.load(run).await {
                Ok(Some(loaded)) if loaded.gone.is_none() && loaded.run.input != value => key = intake::new_key(tenant),
                Ok(_) => return Redirect::to(&format!("/vorgaenge/{run}")).into_response(),
                Err(_) => return asked.unavailable(),
            },
            Err(StartError::Denied(decision)) => return asked.denied(&decision),
            Err(StartError::Quota(exceeded)) => return asked.too_many(&exceeded),
            Err(StartError::Invalid(found)) => problems = found,
            Err(_) => return asked.unavailable(),
        }
    }
    let zones = zones(tenant, &session, &prepared.process, sent.get(pages::ZONE)).await;
    again(&prepared.process, &form, &asked, &sent, &problems, zones, key)
}

fn again(process: &Process, form: &Form, asked: &Asked, sent: &form_data::Sent, problems: &[Problem], zones: Vec<ZoneChoice>, key: String) -> Response {
    let filled = Filled { pairs: &sent.pairs, problems, files: &sent.files, ..Filled::default() };
    asked.page(StatusCode::UNPROCESSABLE_ENTITY, &page_of(process, form, asked, &filled, zones, key))
}
