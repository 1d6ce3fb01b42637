//! Signing in for trials: pick a person. Only where the tenant's login is `demo`, which exists on loopback only.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use laufzettel_domain::Via;
use laufzettel_process::model::TriggerKind;
use serde_json::json;

use crate::{
    pages::{self, AnmeldenPage, Link, Page, PersonChoice, StartseitePage},
    reply::Asked,
    session,
    site::{Session, Site},
    tasks,
};

pub async fn page(State(site): State<Arc<Site>>, Query(query): Query<HashMap<String, String>>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = Asked::new(&uri, &headers, site.tenants.values().next(), None);
    asked.ok(&Page::Anmelden(choices(&site, query.get(pages::BACK).cloned(), false)))
}

fn choices(site: &Site, back: Option<String>, missing: bool) -> AnmeldenPage {
    let people = site.tenants.iter().filter(|(_, t)| t.demo_login).flat_map(|(name, tenant)| {
        let people = tenant.desk.tenant.directory.people().into_iter().filter(|p| !p.disabled);
        people.map(move |p| PersonChoice { id: format!("{name}/{}", p.user), name: p.name.clone(), role: p.groups.join(", ") })
    });
    AnmeldenPage { action: "/anmelden".to_owned(), people: people.collect(), back: back.filter(|b| is_ours(b)), missing }
}

/// A way back leads to a page of ours, never elsewhere.
fn is_ours(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && path.chars().all(|c| c.is_ascii_graphic() && c != '\\')
}

pub async fn sign_in(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap, Form(sent): Form<HashMap<String, String>>) -> Response {
    let asked = Asked::new(&uri, &headers, site.tenants.values().next(), None);
    let back = sent.get(pages::BACK).cloned();
    let Some((name, user)) = sent.get(pages::PERSON).and_then(|p| p.split_once('/')) else {
        return asked.page(StatusCode::UNPROCESSABLE_ENTITY, &Page::Anmelden(choices(&site, back, true)));
    };
    let Some(tenant) = site.tenants.get(name).filter(|t| t.demo_login) else { return asked.missing() };
    let Ok(caller) = tenant.desk.tenant.directory.sign_in(user, Via::Form, tenant.desk.tenant.clock.now()).await else {
        return asked.page(StatusCode::UNPROCESSABLE_ENTITY, &Page::Anmelden(choices(&site, back, true)));
    };
    tenant.desk.note("signin", &caller, json!({ "login": "demo" })).await;
    let session = Session { tenant: name.to_owned(), caller, until: Timestamp::UNIX_EPOCH };
    let cookie = session::begin(&site, session);
    go(&back.filter(|b| is_ours(b)).unwrap_or_else(|| "/aufgaben".to_owned()), &cookie)
}

pub async fn sign_out(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let cookie = session::end(&site, &headers);
    go("/", &cookie)
}

fn go(to: &str, cookie: &str) -> Response {
    let mut response = Redirect::to(to).into_response();
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

pub async fn home(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Response {
    let session = session::of(&site, &headers);
    let tenant = session.as_ref().and_then(|s| site.tenants.get(&s.tenant)).or(site.tenants.values().next());
    let asked = Asked::new(&uri, &headers, tenant, session.as_ref());
    let forms = site.tenants.iter().flat_map(|(name, tenant)| {
        tenant.desk.tenant.catalogue.processes.values().flat_map(move |process| {
            process.triggers.iter().filter_map(move |trigger| match &trigger.kind {
                TriggerKind::Intake { path, public: true } => Some(Link { href: format!("/antrag/{name}/{path}"), text: process.title.clone() }),
                _ => None,
            })
        })
    });
    let forms = forms.collect();
    let (open_tasks, overdue) = match (&session, tenant) {
        (Some(session), Some(tenant)) => tasks::count(tenant, &session.caller).await,
        _ => (0, 0),
    };
    asked.ok(&Page::Startseite(StartseitePage { open_tasks, overdue, forms }))
}
