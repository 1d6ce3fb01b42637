//! The catalogue for staff, and starting a process by hand.

pub mod detail;

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    http::{HeaderMap, Uri},
    response::{IntoResponse, Redirect, Response},
};
use laufzettel_domain::{Text, Value, Via};
use laufzettel_policy::{Who, permit_start};
use laufzettel_process::{Process, model::TriggerKind};
use laufzettel_worker::{Prepared, StartError, StartRequest};

use crate::{
    api::catalogue::NEXT_TIMES,
    form_data,
    intake::{
        self,
        sight::{Sight, read_value},
        walk::{self, Intent, Lead, Position, Say},
    },
    pages::{self, Filled, Form, Page, ProcessRow, ProzessePage, ZoneChoice},
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
            start: (may_start(tenant, &who, process) && intake::has_form(process)).then(|| format!("/prozesse/{}/start", process.id)),
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

/// A process she may start, with its form. What she may not start is not there.
async fn startable(tenant: &TenantSite, asked: &Asked, session: &Session, id: &str) -> Result<(Arc<Prepared>, Form), Response> {
    let Some(prepared) = tenant.desk.tenant.current(id) else { return Err(asked.missing()) };
    match tenant.desk.who(&session.caller).await {
        Ok(who) if may_start(tenant, &who, &prepared.process) => {}
        Ok(_) => return Err(asked.missing()),
        Err(nobody) => return Err(asked.wish(&nobody.into())),
    }
    let Some(form) = intake::form_of(&prepared) else { return Err(asked.missing()) };
    Ok((prepared, form))
}

pub async fn form(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(id): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let (prepared, form) = match startable(tenant, &asked, &session, &id).await {
        Ok(found) => found,
        Err(answered) => return answered,
    };
    let sight = Sight { house: Some(Vec::new()), ..Sight::new(&prepared.process, &form, &asked, intake::new_key(tenant)) };
    asked.ok(&sight.page(Position::start(), Say::Nothing, &Filled::default()))
}

/// The same walk as a citizen's, but for drafts; at its end stands the case.
pub async fn start(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(id): Path<String>, request: Request) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(request.uri(), request.headers(), Some(tenant), Some(&session));
    let (prepared, form) = match startable(tenant, &asked, &session, &id).await {
        Ok(found) => found,
        Err(answered) => return answered,
    };
    let mut sent = match form_data::read(request, tenant, &form).await {
        Ok(sent) => sent,
        Err(why) => return asked.unread(why),
    };
    let (intent, position) = walk::step(&form, &mut sent);
    let Ok((value, problems)) = read_value(tenant, &prepared.process, &form, &sent).await else { return asked.unavailable() };
    let key = sent.get(pages::KEY).filter(|key| key.len() == intake::KEY_CHARS).map_or_else(|| intake::new_key(tenant), str::to_owned);
    let zones = zones(tenant, &session, &prepared.process, sent.get(pages::ZONE)).await;
    let new = Sight::new(&prepared.process, &form, &asked, key);
    let sight = Sight { form: form.laid(&sent.pairs), problems: &problems, house: Some(zones), ..new };
    // the house puts nothing away: a case that is not begun yet is nobody's
    let intent = if matches!(intent, Intent::Save(_) | Intent::Discard) { Intent::Stay } else { intent };
    match walk::lead(&sight.form, &intent, &position.clone().settled(&sight.form), &sent.pairs, &problems) {
        Lead::Show { position, say } => sight.shown(position, say, &sent),
        Lead::Summary => asked.ok(&sight.summary(&sent, &value)),
        Lead::Send => begin(tenant, &session, sight, &position, &sent, value).await,
    }
}

/// Starts the case, once for each key of a form.
async fn begin(tenant: &TenantSite, session: &Session, sight: Sight<'_>, position: &Position, sent: &form_data::Sent, value: Value) -> Response {
    let asked = sight.asked;
    let request = StartRequest {
        process: sight.process.id.to_string(),
        caller: session.caller.clone(),
        run_as: None,
        input: value.clone(),
        zone: sent.get(pages::ZONE).filter(|zone| !zone.is_empty()).map(str::to_owned),
        receipts: vec![format!("start:{}:{}:{}", sight.process.id, session.caller.subject, sight.key)],
        clock: None,
        facts: Value::Null,
        status: false,
    };
    match tenant.desk.start(request).await {
        Ok(started) => Redirect::to(&format!("/vorgaenge/{}", started.run)).into_response(),
        Err(StartError::Duplicate(run)) => match intake::other_data(tenant, run, &value).await {
            Ok(true) => {
                let sight = Sight { key: intake::new_key(tenant), ..sight };
                asked.ok(&sight.summary(sent, &value))
            }
            Ok(false) => Redirect::to(&format!("/vorgaenge/{run}")).into_response(),
            Err(_) => asked.unavailable(),
        },
        Err(StartError::Denied(decision)) => asked.denied(&decision),
        Err(StartError::Quota(exceeded)) => asked.too_many(&exceeded),
        Err(StartError::Invalid(problems)) => match walk::lead(&sight.form, &Intent::Send, position, &sent.pairs, &problems) {
            Lead::Show { position, say } => Sight { problems: &problems, ..sight }.shown(position, say, sent),
            Lead::Summary | Lead::Send => asked.unavailable(),
        },
        Err(_) => asked.unavailable(),
    }
}
