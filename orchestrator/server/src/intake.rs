//! The citizen's way in: a form made from the process's input, a summary, a receipt.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
    response::Response,
};
use laufzettel_domain::{Caller, RunId, Value, Via, digest::to_hex};
use laufzettel_process::{
    Process,
    model::{RunAs, TriggerKind},
    schema::Problem,
};
use laufzettel_worker::{Prepared, StartError, StartRequest};

use crate::{
    form_data::{self, Sent},
    pages::{self, AntragPage, Filled, Form, Notice, Page, QuittungPage, ZusammenfassungPage},
    reply::Asked,
    signin::applicant::{Identity, guard},
    site::{Site, TenantSite},
};

/// A public process with the trigger it is reached through.
struct Entrance {
    prepared: Arc<Prepared>,
    run_as: RunAs,
    form: Form,
}

fn entrance(tenant: &TenantSite, path: &str) -> Option<Entrance> {
    let processes = &tenant.desk.tenant.catalogue.processes;
    let (process, trigger) = processes.values().find_map(|process| {
        let trigger = process.triggers.iter().find(|t| matches!(&t.kind, TriggerKind::Intake { path: p, public: true, .. } if p == path))?;
        Some((process, trigger))
    })?;
    let form = form_of(process)?;
    Some(Entrance { prepared: tenant.desk.tenant.current(process.id.as_str())?, run_as: trigger.run_as.clone(), form })
}

/// The form of a process's input. A schema that cannot be shown is said in the log: its author must hear of it.
pub fn form_of(process: &Process) -> Option<Form> {
    match Form::of(&process.input.root, None) {
        Ok(form) => Some(form),
        Err(error) => {
            tracing::warn!(process = %process.id, %error, "this process has no form");
            None
        }
    }
}

pub async fn form(State(site): State<Arc<Site>>, Path((name, path)): Path<(String, String)>, request: Request) -> Response {
    let tenant = site.tenants.get(&name);
    let asked = Asked::new(request.uri(), request.headers(), tenant, None);
    let Some((tenant, entrance)) = tenant.and_then(|t| Some((t, entrance(t, &path)?))) else { return asked.missing() };
    if let Err(answer) = guard(&site, (&name, tenant), &path, &asked, &request) {
        return *answer;
    }
    let filled = Filled { own_data: true, ..Filled::default() };
    asked.ok(&antrag(&entrance, &asked, &filled, new_key(tenant)))
}

pub fn new_key(tenant: &TenantSite) -> String {
    let mut random = [0; 16];
    tenant.desk.tenant.random.fill(&mut random);
    to_hex(&random)
}

fn antrag(entrance: &Entrance, asked: &Asked, filled: &Filled<'_>, key: String) -> Page {
    let process = &entrance.prepared.process;
    Page::Antrag(AntragPage {
        action: asked.path.clone(),
        title: process.title.clone(),
        description: process.description.clone(),
        notice: Notice::of(process, asked.lang),
        form: entrance.form.view(filled, asked.lang),
        key,
    })
}

pub async fn send(State(site): State<Arc<Site>>, Path((name, path)): Path<(String, String)>, request: Request) -> Response {
    let tenant = site.tenants.get(&name);
    let asked = Asked::new(request.uri(), request.headers(), tenant, None);
    let Some((tenant, entrance)) = tenant.and_then(|t| Some((t, entrance(t, &path)?))) else { return asked.missing() };
    let identity = match guard(&site, (&name, tenant), &path, &asked, &request) {
        Ok(identity) => identity,
        Err(answer) => return *answer,
    };
    let Ok(sent) = form_data::read(request, &tenant.desk, &entrance.form).await else {
        return asked.unreadable();
    };
    // a field people do not see: whoever fills it in is a program, and is told nothing
    if sent.get(pages::HONEYPOT).is_some_and(|text| !text.is_empty()) {
        return asked.missing();
    }
    let key = sent.get(pages::KEY).filter(|k| k.len() == 32).map_or_else(|| new_key(tenant), str::to_owned);
    let (value, problems) = match read_value(tenant, &entrance, &sent).await {
        Ok(read) => read,
        Err(()) => return asked.unavailable(),
    };
    let intent = sent.get(pages::INTENT).unwrap_or(pages::INTENT_REVIEW);
    if !problems.is_empty() || intent == pages::INTENT_CHANGE {
        let shown: &[Problem] = if intent == pages::INTENT_CHANGE { &[] } else { &problems };
        let filled = Filled { pairs: &sent.pairs, problems: shown, files: &sent.files, proposal: None, own_data: true };
        let status = if shown.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        return asked.page(status, &antrag(&entrance, &asked, &filled, key));
    }
    if intent != pages::INTENT_SEND {
        return asked.ok(&summary(&entrance, &asked, &sent, &value, key));
    }
    // the same key with other data is another application: it is shown once more under a key of its own, never dropped
    if let Ok(Some(run)) = tenant.desk.tenant.store.receipt(&format!("form:{path}:{key}")).await
        && let Ok(Some(loaded)) = tenant.desk.load(run).await
        && loaded.gone.is_none()
        && loaded.run.input != value
    {
        let fresh = new_key(tenant);
        return asked.ok(&summary(&entrance, &asked, &sent, &value, fresh));
    }
    submit(tenant, &entrance, &asked, (&path, identity), value, &key).await
}

/// The value with everything wrong about it.
async fn read_value(tenant: &TenantSite, entrance: &Entrance, sent: &Sent) -> Result<(Value, Vec<Problem>), ()> {
    let (mut value, mut problems) = entrance.form.parse(&sent.pairs);
    form_data::insert_files(&tenant.desk, &mut value, &sent.files).await.map_err(|_| ())?;
    problems.extend(sent.problems.clone());
    for problem in entrance.prepared.process.input.validate(&value) {
        if !problems.iter().any(|p| p.path == problem.path) {
            problems.push(problem);
        }
    }
    Ok((value, problems))
}

fn summary(entrance: &Entrance, asked: &Asked, sent: &Sent, value: &Value, key: String) -> Page {
    let mut hidden = entrance.form.own_pairs(&sent.pairs);
    for file in &sent.files {
        let name = format!("{}{}", file.path, pages::form::FILE_REFERENCE);
        hidden.retain(|(n, _)| *n != name);
        hidden.push((name, file.reference.clone()));
    }
    Page::Zusammenfassung(ZusammenfassungPage {
        action: asked.path.clone(),
        title: entrance.prepared.process.title.clone(),
        groups: entrance.form.review(value, asked.lang),
        hidden,
        key,
    })
}

/// Starts the run and gives the receipt. Sent twice with the same key, it is one run and the same receipt.
async fn submit(tenant: &TenantSite, entrance: &Entrance, asked: &Asked, (path, identity): (&str, Identity), input: Value, key: &str) -> Response {
    let process = &entrance.prepared.process;
    let request = StartRequest {
        process: process.id.to_string(),
        caller: Caller { via: Via::Intake, ..Caller::applicant(key) },
        run_as: Some(entrance.run_as.clone()),
        input,
        zone: None,
        receipts: vec![format!("form:{path}:{key}")],
        clock: None,
        facts: identity.facts(),
        status: true,
    };
    let run = match tenant.desk.start(request).await {
        Ok(started) => started.run,
        Err(StartError::Duplicate(run)) => run,
        Err(StartError::Denied(decision)) => return asked.denied(&decision),
        Err(StartError::Quota(exceeded)) => return asked.too_many(&exceeded),
        Err(_) => return asked.unavailable(),
    };
    receipt(tenant, asked, run).await
}

async fn receipt(tenant: &TenantSite, asked: &Asked, run: RunId) -> Response {
    let loaded = match tenant.desk.load(run).await {
        // the address of its status page went with its contents
        Ok(Some(loaded)) if loaded.gone.is_some() => return asked.missing(),
        Ok(Some(loaded)) => loaded,
        _ => return asked.unavailable(),
    };
    let address = loaded.run.facts.get("status_link").and_then(Value::as_str).unwrap_or_default().to_owned();
    let link = address.find("/status/").map_or_else(|| address.clone(), |at| address[at..].to_owned());
    asked.ok(&Page::Quittung(QuittungPage {
        title: loaded.prepared.process.title.clone(),
        number: loaded.run.nummer.clone(),
        received: tenant.civil(loaded.run.started_at),
        responsible: loaded.prepared.process.verantwortlich.clone(),
        status_link: link,
        status_address: address,
        mail: None,
        next: None,
    }))
}
