//! Signing in at the identity provider: away with a sealed cookie, back with a code that fits it.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use laufzettel_directory::{Claims, Error as DirectoryError};
use laufzettel_domain::{Caller, Via};

use super::{
    enter, failed,
    flow::{self, Flow},
    outside, with_cookies,
};
use crate::{
    oidc::{Oidc, OidcError},
    pages::{self, FehlerPage, Link, Page, words},
    reply::Asked,
    seal::is_same,
    session,
    site::{Login, Site, TenantSite},
};

/// In the query of a sign-in after one that was refused: the provider asks who she is, whoever is signed in there.
const ANEW: &str = "neu";

fn provider<'s>(site: &'s Site, name: &str) -> Option<(&'s TenantSite, &'s Oidc)> {
    let tenant = site.tenants.get(name)?;
    match &tenant.login {
        Login::Oidc(oidc) => Some((tenant, oidc)),
        _ => None,
    }
}

/// The address the provider sends people back to, as it must be registered there: one of each tenant, so that an answer of one
/// provider is never taken for another's.
fn redirect(site: &Site, name: &str) -> String {
    format!("{}/anmelden/dienst/{name}/zurueck", site.public_url)
}

pub async fn begin(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = outside(&site, Some(&name), &uri, &headers);
    let Some((_, oidc)) = provider(&site, &name) else { return asked.missing() };
    let flow = Flow::new(&name, query.get(pages::BACK).cloned(), site.now(), session::name(&site));
    let anew = query.contains_key(ANEW);
    match oidc.authorize_url(&flow.binding(&site.flow_key, redirect(&site, &name)), &[], anew, site.now()).await {
        Ok(url) => with_cookies(Redirect::to(&url).into_response(), &[site.cookies.set(flow::COOKIE, &flow.seal(&site.flow_key), flow::LIFE_S)]),
        Err(error) => refused(&asked, &name, &error),
    }
}

/// Whatever comes of it, the cookie has done its service: a second answer fits nothing any more.
pub async fn back(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = outside(&site, Some(&name), &uri, &headers);
    let Some((tenant, oidc)) = provider(&site, &name) else { return asked.missing() };
    let clear = [site.cookies.clear(flow::COOKIE)];
    let sealed = site.cookies.get(&headers, flow::COOKIE).and_then(|cookie| Flow::open(cookie, &site.flow_key, site.now()));
    let Some(flow) = sealed.filter(|flow| flow.tenant == name) else { return with_cookies(stale(&asked, &name), &clear) };
    let binding = flow.binding(&site.flow_key, redirect(&site, &name));
    let given = |key: &str| query.get(key).map(String::as_str);
    let fits = given("state").is_some_and(|state| is_same(state, &binding.state)) && given("iss").is_none_or(|iss| iss == oidc.issuer());
    if !fits {
        return with_cookies(stale(&asked, &name), &clear);
    }
    let Some(code) = given("code") else { return with_cookies(stopped(&asked, &name, given("error")), &clear) };
    let response = match oidc.redeem(code, &binding, site.now()).await {
        Ok(claims) => admit(&site, &asked, (&name, tenant), &claims, &headers, flow.back).await,
        Err(error) => {
            // only what the provider itself signed is worth a record: anybody can send a made-up code
            if matches!(error, OidcError::Invalid(_)) {
                failed(tenant, None, "token").await;
            }
            refused(&asked, &name, &error)
        }
    };
    with_cookies(response, &clear)
}

/// Whom the provider vouched for, if the directory knows her.
async fn admit(site: &Site, asked: &Asked, (name, tenant): (&str, &TenantSite), claims: &Claims, headers: &HeaderMap, back: String) -> Response {
    let error = match tenant.desk.tenant.directory.by_claims(claims, Via::Form, site.now()).await {
        Ok(caller) => return enter(site, asked, (name, tenant), caller, headers, Some(back)).await,
        Err(DirectoryError::Unavailable) => return asked.unavailable(),
        Err(error) => error,
    };
    let subject = Caller { subject: claims.sub.clone(), name: claims.name.clone(), upn: claims.upn.clone(), via: Via::Form, os_user: None };
    let (reason, text) = match error {
        DirectoryError::Disabled => ("disabled", "sign_in_disabled"),
        _ => ("unknown", "sign_in_unknown"),
    };
    failed(tenant, Some(subject), reason).await;
    other_account(asked, name, text)
}

/// Signing in once more as the same person would come to the same end: the way offered asks for an account anew.
fn other_account(asked: &Asked, name: &str, text: &str) -> Response {
    let word = |key| words::word(key, asked.lang).to_owned();
    let link = Link { href: format!("/anmelden/dienst/{name}?{ANEW}=1"), text: word("sign_in_other") };
    let advice = format!("{} {}", word("sign_in_other_advice"), word("sign_in_advice"));
    let status = StatusCode::FORBIDDEN;
    let page =
        FehlerPage { status: status.as_u16(), title: word("sign_in_refused"), message: word(text), typed: Vec::new(), advice: Some(advice), link: Some(link) };
    asked.page(status, &Page::Fehler(page))
}

/// No cookie, another one, or an old one: nothing was tried, so nothing is told.
fn stale(asked: &Asked, name: &str) -> Response {
    page(asked, name, StatusCode::BAD_REQUEST, "sign_in_stale", "sign_in_stale_text")
}

fn stopped(asked: &Asked, name: &str, error: Option<&str>) -> Response {
    tracing::info!(tenant = name, error = error.unwrap_or("no code"), "a sign-in was stopped at the identity provider");
    page(asked, name, StatusCode::FORBIDDEN, "sign_in_stopped", "sign_in_stopped_text")
}

fn refused(asked: &Asked, name: &str, error: &OidcError) -> Response {
    match error {
        OidcError::Unavailable(_) => {
            tracing::warn!(tenant = name, %error, "nobody can sign in now");
            page(asked, name, StatusCode::SERVICE_UNAVAILABLE, "sign_in_down", "sign_in_down_text")
        }
        OidcError::Refused(_) => {
            tracing::info!(tenant = name, %error, "a sign-in came to nothing");
            page(asked, name, StatusCode::BAD_REQUEST, "sign_in_stale", "sign_in_stale_text")
        }
        OidcError::Invalid(_) => {
            tracing::error!(tenant = name, %error, "what the identity provider sent is not believed");
            page(asked, name, StatusCode::FORBIDDEN, "sign_in_refused", "sign_in_invalid")
        }
    }
}

fn page(asked: &Asked, name: &str, status: StatusCode, title: &str, text: &str) -> Response {
    let word = |key| words::word(key, asked.lang).to_owned();
    let link = Link { href: format!("/anmelden/dienst/{name}"), text: word("sign_in_again") };
    let page = FehlerPage {
        status: status.as_u16(),
        title: word(title),
        message: word(text),
        typed: Vec::new(),
        advice: Some(word("sign_in_advice")),
        link: Some(link),
    };
    asked.page(status, &Page::Fehler(page))
}

/// To the provider's own end of its sign-in, where it offers one.
pub async fn end(State(site): State<Arc<Site>>, Path(name): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = outside(&site, Some(&name), &uri, &headers);
    let Some((_, oidc)) = provider(&site, &name) else { return asked.missing() };
    match oidc.end_url(&format!("{}/", site.public_url), site.now()).await {
        Ok(Some(url)) => Redirect::to(&url).into_response(),
        Ok(None) => Redirect::to("/").into_response(),
        Err(error) => refused(&asked, &name, &error),
    }
}
