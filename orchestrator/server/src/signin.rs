//! Signing in and out: the page that offers a tenant's ways, picking a person (trials, on loopback only), and the end of a session.

pub mod applicant;
pub mod expired;
mod flow;
pub mod oidc;
pub mod password;
pub mod terminal;
pub mod throttle;

use std::{collections::HashMap, sync::Arc};

use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use laufzettel_directory::Error as DirectoryError;
use laufzettel_domain::{Caller, Via};
use laufzettel_process::{
    Process,
    model::{Trigger, TriggerKind},
};
use laufzettel_worker::Nobody;
use serde_json::json;

use crate::{
    inbox, intake,
    pages::{self, AbgemeldetPage, AnmeldenPage, FormGroup, Link, Page, PasswordForm, PersonChoice, StartseitePage, words},
    reply::Asked,
    session,
    site::{Login, Session, Site, TenantSite},
    ways::Ways,
};

pub async fn page(State(site): State<Arc<Site>>, Query(query): Query<HashMap<String, String>>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = outside(&site, None, &uri, &headers);
    let ended = query.contains_key(pages::ENDED);
    asked.ok(&Page::Anmelden(AnmeldenPage { ended, ..choices(&site, asked.lang, query.get(pages::BACK).cloned()) }))
}

/// A page for somebody not signed in: of the tenant it is about. Where it is about none it has a tenant's name only if there is no other.
fn outside(site: &Site, name: Option<&str>, uri: &Uri, headers: &HeaderMap) -> Asked {
    Asked::new(uri, headers, name.map_or_else(|| site.tenants.only(), |name| site.tenants.get(name)), None)
}

/// Every way of every tenant.
fn choices(site: &Site, lang: laufzettel_domain::Lang, back: Option<String>) -> AnmeldenPage {
    let back = back.filter(|b| is_ours(b));
    let closed = site.closed().into_iter().map(|(name, why)| format!("{name}: {}", why.text().get(lang))).collect();
    let mut page = AnmeldenPage { closed, action: "/anmelden".to_owned(), several: site.tenants.len() > 1, back: back.clone(), ..AnmeldenPage::default() };
    for (name, tenant) in site.tenants.iter() {
        let title = tenant.desk.tenant.name.clone();
        match &tenant.login {
            Login::None => {}
            Login::Demo => page.people.extend(people(name, tenant, page.several)),
            Login::Password => page.passwords.push(PasswordForm { action: format!("/anmelden/passwort/{name}"), tenant: title, ..PasswordForm::default() }),
            Login::Oidc(_) => {
                let back = back.as_deref().map(|b| format!("?{}={}", pages::BACK, pages::escape(b))).unwrap_or_default();
                page.providers.push(Link { href: format!("/anmelden/dienst/{name}{back}"), text: title });
            }
        }
    }
    page
}

fn people(name: &str, tenant: &TenantSite, several: bool) -> Vec<PersonChoice> {
    let people = tenant.desk.tenant.directory.people().into_iter().filter(|p| !p.disabled);
    let house = several.then(|| tenant.desk.tenant.name.clone());
    people.map(|p| PersonChoice { id: format!("{name}/{}", p.user), name: p.name.clone(), role: p.groups.join(", "), tenant: house.clone() }).collect()
}

/// A way back leads to a page of ours, never elsewhere.
fn is_ours(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && path.chars().all(|c| c.is_ascii_graphic() && c != '\\')
}

/// Demo: whoever was picked.
pub async fn sign_in(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap, Form(sent): Form<HashMap<String, String>>) -> Response {
    let asked = outside(&site, None, &uri, &headers);
    let back = sent.get(pages::BACK).cloned();
    let again = |back| asked.page(StatusCode::UNPROCESSABLE_ENTITY, &Page::Anmelden(AnmeldenPage { missing: true, ..choices(&site, asked.lang, back) }));
    let Some((name, user)) = sent.get(pages::PERSON).and_then(|p| p.split_once('/')) else { return again(back) };
    let Some(tenant) = site.tenants.get(name).filter(|t| matches!(t.login, Login::Demo)) else { return asked.missing() };
    match tenant.desk.tenant.directory.sign_in(user, Via::Form, site.now()).await {
        Ok(caller) => enter(&site, &asked, (name, tenant), caller, &headers, back).await,
        Err(DirectoryError::Unavailable) => asked.unavailable(),
        Err(_) => again(back),
    }
}

/// Somebody has proved who she is: a record, a session of a new name, and the way she came for. Without the record nobody is let in.
async fn enter(site: &Site, asked: &Asked, (name, tenant): (&str, &TenantSite), caller: Caller, headers: &HeaderMap, back: Option<String>) -> Response {
    if let Err(error) = tenant.desk.record("signin", &caller, json!({ "login": tenant.login.word() })).await {
        if !site.sessions().has(name, &caller.subject, site.now()) {
            tenant.desk.tenant.directory.forget(&caller.subject);
        }
        // the page before a sign-in is no tenant's: what is wrong is asked of the one she wants to
        tracing::error!(%error, tenant = name, "who cannot be recorded is not let in");
        return asked.closed(site.hindrance(name));
    }
    let (before, cookie) = session::begin(site, headers, Session::new(name, caller.clone(), site.now()));
    // whoever was signed in here until now has left; the same person goes on
    if let Some(before) = before.filter(|before| before.tenant != name || before.caller.subject != caller.subject) {
        leave(site, &before, json!({})).await;
    }
    go(&back.filter(|b| is_ours(b)).unwrap_or_else(|| "/aufgaben".to_owned()), &cookie)
}

/// A person known to the directory whose sign-in failed. Of a name nobody bears nothing is kept: it may be a mistyped password.
async fn failed(tenant: &TenantSite, subject: Option<Caller>, reason: &str) {
    let nobody = || Caller { subject: "unknown".to_owned(), name: "unbekannt".to_owned(), upn: String::new(), via: Via::Form, os_user: None };
    let body = json!({ "login": tenant.login.word(), "reason": reason });
    tenant.desk.note("signin.failed", &subject.unwrap_or_else(nobody), body).await;
}

pub async fn sign_out(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let (ended, cookie) = session::end(&site, &headers);
    if let Some(session) = &ended {
        leave(&site, session, json!({})).await;
    }
    go(&gone(&site, ended.as_ref()), &cookie)
}

/// Ends every session of this person: of a machine she left, of a browser she does not remember.
pub async fn sign_out_everywhere(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let (ended, cookie) = session::end(&site, &headers);
    if let Some(session) = &ended {
        site.sessions().end_all(&session.tenant, &session.caller.subject);
        leave(&site, session, json!({ "everywhere": true })).await;
    }
    go(&gone(&site, ended.as_ref()), &cookie)
}

/// Asks the directory whether the account still lives, and by its groups where it may go; where it does not, its sessions end with a
/// record that says why.
pub async fn still_there(site: &Site, session: &Session) -> Result<Ways, Nobody> {
    let Some(tenant) = site.tenants.get(&session.tenant) else { return Err(Nobody::Unavailable) };
    let asked = tenant.desk.who(&session.caller).await.map(|who| Ways::of(&who, &tenant.desk.tenant.rules));
    if let Err(Nobody::Denied(_)) = &asked
        && site.sessions().end_all(&session.tenant, &session.caller.subject) > 0
    {
        leave(site, session, json!({ "everywhere": true, "reason": "account" })).await;
    }
    asked
}

/// Whoever is signed in, on pages that are there without. A silent directory takes nobody's name away, only the ways it would open.
pub async fn known(site: &Site, headers: &HeaderMap) -> Option<Session> {
    let session = session::of(site, headers)?;
    match still_there(site, &session).await {
        Ok(ways) => Some(Session { ways, ..session }),
        Err(Nobody::Unavailable) => Some(session),
        Err(Nobody::Denied(_)) => None,
    }
}

/// What is left to do when a session has ended: a record, and nothing more remembered of claims.
pub async fn leave(site: &Site, session: &Session, body: serde_json::Value) {
    let Some(tenant) = site.tenants.get(&session.tenant) else { return };
    if !site.sessions().has(&session.tenant, &session.caller.subject, site.now()) {
        tenant.desk.tenant.directory.forget(&session.caller.subject);
    }
    tenant.desk.note("signout", &session.caller, body).await;
}

/// Where the identity provider keeps a sign-in of its own, a page says so.
fn gone(site: &Site, ended: Option<&Session>) -> String {
    let oidc = ended.filter(|s| site.tenants.get(&s.tenant).is_some_and(|t| matches!(t.login, Login::Oidc(_))));
    oidc.map_or_else(|| "/".to_owned(), |session| format!("/abgemeldet/{}", session.tenant))
}

/// Signed out here; a link leads to the provider's own end. A form that is redirected there would need a wider content policy.
pub async fn signed_out(State(site): State<Arc<Site>>, axum::extract::Path(name): axum::extract::Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = outside(&site, Some(&name), &uri, &headers);
    let Some(Login::Oidc(_)) = site.tenants.get(&name).map(|t| &t.login) else { return asked.missing() };
    let link = Link { href: format!("/abgemeldet/{name}/dienst"), text: words::word("signed_out_provider", asked.lang).to_owned() };
    asked.ok(&Page::Abgemeldet(AbgemeldetPage { provider: link }))
}

fn go(to: &str, cookie: &str) -> Response {
    with_cookies(Redirect::to(to).into_response(), &[cookie.to_owned()])
}

fn with_cookies(mut response: Response, cookies: &[String]) -> Response {
    for cookie in cookies {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    response
}

pub async fn home(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Response {
    let session = known(&site, &headers).await;
    let tenant = session.as_ref().and_then(|s| site.tenants.get(&s.tenant)).or(site.tenants.only());
    let asked = Asked::new(&uri, &headers, tenant, session.as_ref());
    let several = site.tenants.len() > 1;
    let forms = site.tenants.iter().map(|(name, tenant)| FormGroup { tenant: several.then(|| tenant.desk.tenant.name.clone()), forms: public(name, tenant) });
    let forms = forms.filter(|group| !group.forms.is_empty()).collect();
    let (open_tasks, overdue) = match (&session, tenant) {
        (Some(session), Some(tenant)) => inbox::count(tenant, &session.caller).await,
        _ => (0, 0),
    };
    let ways = session.as_ref().map(|session| session.ways).unwrap_or_default();
    asked.ok(&Page::Startseite(StartseitePage {
        open_tasks,
        overdue,
        forms,
        audit: ways.audit,
        erasure: ways.erasure && !ways.audit,
        operation: ways.operation,
    }))
}

/// The forms whoever comes may fill in.
fn public(name: &str, tenant: &TenantSite) -> Vec<Link> {
    // as the form itself is headed
    let title = |process: &Process| {
        let form = tenant.desk.tenant.current(process.id.as_str()).map(|prepared| intake::called(&prepared));
        form.unwrap_or_else(|| process.title.clone())
    };
    let of = |process: &Process| {
        let link = |trigger: &Trigger| match &trigger.kind {
            TriggerKind::Intake { path, public: true, .. } => Some(Link { href: format!("/antrag/{name}/{path}"), text: title(process) }),
            _ => None,
        };
        process.triggers.iter().filter_map(link).collect::<Vec<_>>()
    };
    tenant.desk.tenant.catalogue.processes.values().flat_map(of).collect()
}
