//! Signing in with name and password, which the directory checks. The password goes there and nowhere else.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Form,
    extract::{Path, State},
    http::{Extensions, HeaderMap, StatusCode, Uri},
    response::Response,
};
use laufzettel_directory::{Error as DirectoryError, Person};
use laufzettel_domain::{Caller, Via};

use super::{
    choices, enter, failed, outside,
    throttle::{Wait, account},
};
use crate::{
    pages::{self, Page, words},
    reply::Asked,
    site::{Login, Site, TenantSite},
    whence::address,
};

/// Characters of a name or a password: Active Directory ends at 256.
const FIELD_CHARS_MAX: usize = 256;

pub async fn sign_in(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    extensions: Extensions,
    uri: Uri,
    headers: HeaderMap,
    Form(sent): Form<HashMap<String, String>>,
) -> Response {
    let asked = outside(&site, Some(&name), &uri, &headers);
    let Some(tenant) = site.tenants.get(&name).filter(|t| matches!(t.login, Login::Password)) else { return asked.missing() };
    let field = |key: &str| sent.get(key).map(String::as_str).unwrap_or_default();
    let (user, password, back) = (field(pages::USER).trim(), field(pages::PASSWORD), sent.get(pages::BACK).cloned());
    let again = |status, text: String| again(&site, &asked, &name, (status, text), user, back.clone());
    if user.is_empty() || password.is_empty() || user.len() > FIELD_CHARS_MAX || password.len() > FIELD_CHARS_MAX {
        return again(StatusCode::UNPROCESSABLE_ENTITY, words::word("password_incomplete", asked.lang).to_owned());
    }
    let address = address(&extensions, &headers);
    let pause =
        |seconds| again(StatusCode::TOO_MANY_REQUESTS, format!("{} {}.", words::word("password_wait", asked.lang), words::minutes(seconds, asked.lang)));
    let knocked = site.throttle().knock(address, site.now());
    if let Err(Wait { seconds, tell }) = knocked {
        throttled(tenant, None, tell).await;
        return pause(seconds);
    }
    let known = match tenant.desk.tenant.directory.person(user).await {
        Err(DirectoryError::Unavailable) => return asked.unavailable(),
        known => known.ok().flatten(),
    };
    let account = account(known.as_ref().map(|p| p.sid.as_str()), user);
    let tried = site.throttle().attempt(&name, &account, address, site.now());
    if let Err(Wait { seconds, tell }) = tried {
        throttled(tenant, known, tell).await;
        return pause(seconds);
    }
    match tenant.desk.tenant.directory.authenticate(user, password, Via::Form, site.now()).await {
        Ok(caller) => {
            site.throttle().forgive(&name, &account, address);
            enter(&site, &asked, (&name, tenant), caller, &headers, back).await
        }
        Err(DirectoryError::Unavailable) => {
            site.throttle().forgive(&name, &account, address);
            asked.unavailable()
        }
        Err(error) => {
            refuse(tenant, known, &error).await;
            again(StatusCode::UNPROCESSABLE_ENTITY, words::word("password_wrong", asked.lang).to_owned())
        }
    }
}

/// A stranger hears the same words whatever was wrong; the journal knows better.
async fn refuse(tenant: &TenantSite, known: Option<Person>, error: &DirectoryError) {
    let reason = match error {
        DirectoryError::Disabled => "disabled",
        DirectoryError::Unknown => "unknown",
        DirectoryError::Credentials | DirectoryError::Unavailable => "credentials",
    };
    failed(tenant, known.map(caller), reason).await;
}

/// Nobody asked the directory for a password: a record all the same, but not of every knock.
async fn throttled(tenant: &TenantSite, known: Option<Person>, tell: bool) {
    if tell {
        failed(tenant, known.map(caller), "throttled").await;
    }
}

fn caller(person: Person) -> Caller {
    Caller { subject: person.sid, name: person.name, upn: person.upn, via: Via::Form, os_user: None }
}

fn again(site: &Site, asked: &Asked, name: &str, (status, text): (StatusCode, String), user: &str, back: Option<String>) -> Response {
    let mut page = choices(site, asked.lang, back);
    let action = format!("/anmelden/passwort/{name}");
    if let Some(form) = page.passwords.iter_mut().find(|form| form.action == action) {
        form.problem = Some(text);
        form.user = user.chars().take(FIELD_CHARS_MAX).collect();
    }
    asked.page(status, &Page::Anmelden(page))
}
