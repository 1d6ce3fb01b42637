//! Who is signed in: a random name in a cookie, the rest stays here. Lost when the program ends.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use laufzettel_domain::{Lang, digest::to_hex};

use crate::site::{Session, Site};

const COOKIE: &str = "laufzettel";
/// Seconds a sign-in lasts: a working day.
const LIFE_S: i64 = 9 * 3600;
/// Sign-ins kept at once; beyond, the oldest go.
const SESSIONS_MAX: usize = 10_000;

pub fn of(site: &Site, headers: &HeaderMap) -> Option<Session> {
    let name = cookie(headers, COOKIE)?;
    let sessions = site.sessions.lock().expect("nobody panics while holding this lock");
    let session = sessions.get(name)?;
    let now = site.tenants.get(&session.tenant)?.desk.tenant.clock.now();
    (session.until > now).then(|| session.clone())
}

pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Keeps a sign-in and gives the cookie that names it.
pub fn begin(site: &Arc<Site>, mut session: Session) -> String {
    let Some(tenant) = site.tenants.get(&session.tenant) else { return String::new() };
    let mut random = [0; 32];
    tenant.desk.tenant.random.fill(&mut random);
    let name = to_hex(&random);
    session.until = tenant.desk.tenant.clock.now() + jiff::SignedDuration::from_secs(LIFE_S);
    let mut sessions = site.sessions.lock().expect("nobody panics while holding this lock");
    if sessions.len() >= SESSIONS_MAX
        && let Some(oldest) = sessions.iter().min_by_key(|(_, s)| s.until).map(|(name, _)| name.clone())
    {
        sessions.remove(&oldest);
    }
    sessions.insert(name.clone(), session);
    format!("{COOKIE}={name}; Path=/; HttpOnly; SameSite=Lax; Max-Age={LIFE_S}")
}

pub fn end(site: &Site, headers: &HeaderMap) -> String {
    if let Some(name) = cookie(headers, COOKIE) {
        site.sessions.lock().expect("nobody panics while holding this lock").remove(name);
    }
    format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// `?lang=` in the address, else the cookie it left, else German.
pub fn lang(uri: &axum::http::Uri, headers: &HeaderMap) -> Lang {
    let asked = uri.query().and_then(|q| q.split('&').find_map(|pair| pair.strip_prefix("lang=")));
    match asked.or_else(|| cookie(headers, "sprache")) {
        Some("en") => Lang::En,
        _ => Lang::De,
    }
}
