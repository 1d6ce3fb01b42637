//! Who is signed in: in a browser, by a random name in a cookie, of which the digest stays here; at the command line, by its seat.
//! Lost when the program ends.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};
use laufzettel_domain::{Caller, Digest, Lang, digest::to_hex};
use laufzettel_policy::glob;

use crate::{site::Site, ways::Ways};

const COOKIE: &str = "laufzettel";
/// Seconds a sign-in lasts at most: a working day with its breaks. Who comes tomorrow signs in tomorrow.
pub const LIFE_S: i64 = 9 * 3600;
/// Seconds without a request until it ends: longer than any form takes to fill in, shorter than a lunch with a meeting after it.
pub const IDLE_S: i64 = 3600;
/// Sign-ins kept at once, of a house with ten thousand desks; beyond, those longest unused go.
const SESSIONS_MAX: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub tenant: String,
    pub caller: Caller,
    /// The processes an API key is for; `None`: a person, whose rights alone decide.
    pub scope: Option<Vec<String>>,
    /// As of this request: asked anew for each, never kept.
    pub ways: Ways,
    pub began: Timestamp,
    pub seen: Timestamp,
}

impl Session {
    pub fn new(tenant: &str, caller: Caller, now: Timestamp) -> Self {
        Self { tenant: tenant.to_owned(), caller, scope: None, ways: Ways::default(), began: now, seen: now }
    }

    /// When it is over at the latest.
    pub fn ends(&self) -> Timestamp {
        self.began.saturating_add(SignedDuration::from_secs(LIFE_S)).unwrap_or(self.began)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.began) >= SignedDuration::from_secs(LIFE_S) || now.duration_since(self.seen) >= SignedDuration::from_secs(IDLE_S)
    }

    /// Whether this process lies within the scope of the key that is used.
    pub fn covers(&self, process: &str) -> bool {
        self.scope.as_ref().is_none_or(|globs| globs.iter().any(|pattern| glob(pattern, process)))
    }
}

/// What a session is recognised by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// The digest of the name in a cookie.
    Cookie([u8; 32]),
    /// A seat at the command line of a tenant.
    Terminal { tenant: String, seat: String },
}

impl Mark {
    fn cookie(name: &str) -> Self {
        Self::Cookie(Digest::of(name.as_bytes()).0)
    }
}

/// Everybody who is signed in. Pure: time and names come from outside.
#[derive(Debug, Default)]
pub struct Sessions(BTreeMap<Mark, Session>);

impl Sessions {
    /// The session under a mark, used now.
    pub fn take(&mut self, mark: &Mark, now: Timestamp) -> Option<Session> {
        let session = self.0.get_mut(mark)?;
        if session.is_over(now) {
            self.0.remove(mark);
            return None;
        }
        session.seen = now;
        Some(session.clone())
    }

    /// Whether a session that was taken is still there. It counts as no use of it.
    pub fn holds(&self, session: &Session, now: Timestamp) -> bool {
        self.0.values().any(|other| other.tenant == session.tenant && other.caller == session.caller && other.began == session.began && !other.is_over(now))
    }

    /// Returns the session this one takes the place of.
    pub fn begin(&mut self, mark: Mark, session: Session) -> Option<Session> {
        let now = session.seen;
        if self.0.len() >= SESSIONS_MAX {
            self.0.retain(|_, s| !s.is_over(now));
        }
        if self.0.len() >= SESSIONS_MAX
            && let Some(oldest) = self.0.iter().min_by_key(|(_, s)| s.seen).map(|(mark, _)| mark.clone())
        {
            self.0.remove(&oldest);
        }
        self.0.insert(mark, session)
    }

    pub fn end(&mut self, mark: &Mark) -> Option<Session> {
        self.0.remove(mark)
    }

    /// Whether a person is still signed in anywhere.
    pub fn has(&self, tenant: &str, subject: &str, now: Timestamp) -> bool {
        self.0.values().any(|s| s.tenant == tenant && s.caller.subject == subject && !s.is_over(now))
    }

    /// Ends every session of a person, wherever it was begun.
    pub fn end_all(&mut self, tenant: &str, subject: &str) -> usize {
        let before = self.0.len();
        self.0.retain(|_, s| s.tenant != tenant || s.caller.subject != subject);
        before - self.0.len()
    }
}

/// The cookies of this server. Over https they are bound to it alone: `__Host-` refuses every other path, host and plain http.
#[derive(Debug, Clone, Copy)]
pub struct Cookies {
    pub secure: bool,
}

impl Cookies {
    fn name(self, name: &str) -> String {
        format!("{}{name}", if self.secure { "__Host-" } else { "" })
    }

    /// `SameSite=Lax`: the way back from an identity provider is a link from another site, and must bring it.
    pub fn set(self, name: &str, value: &str, seconds: i64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", self.name(name))
    }

    pub fn clear(self, name: &str) -> String {
        self.set(name, "", 0)
    }

    pub fn get<'h>(self, headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
        cookie(headers, &self.name(name))
    }
}

/// A name nobody guesses: 256 bits.
pub fn name(site: &Site) -> String {
    let mut random = [0; 32];
    site.fill(&mut random);
    to_hex(&random)
}

pub fn of(site: &Site, headers: &HeaderMap) -> Option<Session> {
    let name = site.cookies.get(headers, COOKIE)?;
    let session = site.sessions().take(&Mark::cookie(name), site.now())?;
    site.tenants.contains_key(&session.tenant).then_some(session)
}

/// Keeps a sign-in under a new name, and gives the cookie and the session this browser had before. The name used before is worth nothing from
/// here on: nobody can have laid it out beforehand.
pub fn begin(site: &Site, headers: &HeaderMap, session: Session) -> (Option<Session>, String) {
    let fresh = name(site);
    let mut sessions = site.sessions();
    let before = site.cookies.get(headers, COOKIE).and_then(|old| sessions.end(&Mark::cookie(old)));
    sessions.begin(Mark::cookie(&fresh), session);
    (before, site.cookies.set(COOKIE, &fresh, LIFE_S))
}

/// Forgets the session of this request. Returns it, and the cookie that clears the browser's.
pub fn end(site: &Site, headers: &HeaderMap) -> (Option<Session>, String) {
    let ended = site.cookies.get(headers, COOKIE).and_then(|name| site.sessions().end(&Mark::cookie(name)));
    (ended, site.cookies.clear(COOKIE))
}

pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// `?lang=` in the address, else the cookie it left, else German.
pub fn lang(uri: &axum::http::Uri, headers: &HeaderMap) -> Lang {
    let asked = uri.query().and_then(|q| q.split('&').find_map(|pair| pair.strip_prefix("lang=")));
    match asked.or_else(|| cookie(headers, "sprache")) {
        Some("en") => Lang::En,
        _ => Lang::De,
    }
}

#[cfg(test)]
mod tests {
    use laufzettel_domain::Via;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn session(subject: &str, seconds: i64) -> Session {
        Session::new("a", Caller { subject: subject.into(), name: "N".into(), upn: "n".into(), via: Via::Form, os_user: None }, at(seconds))
    }

    #[test]
    fn a_session_ends_by_idleness_and_by_age() {
        for (looks, expected) in [
            (&[0, IDLE_S - 1][..], true),
            (&[0, IDLE_S], false),
            (&[IDLE_S - 1, 2 * IDLE_S - 2], true),
            (&[3000, 6000, 9000, 12000, 15000, 18000, 21000, 24000, 27000, 30000, LIFE_S - 1], true),
            (&[3000, 6000, 9000, 12000, 15000, 18000, 21000, 24000, 27000, 30000, LIFE_S], false),
        ] {
            let mut sessions = Sessions::default();
            sessions.begin(Mark::cookie("x"), session("S-1", 0));
            let found: Vec<bool> = looks.iter().map(|s| sessions.take(&Mark::cookie("x"), at(*s)).is_some()).collect();
            assert_eq!(found.last(), Some(&expected), "{looks:?}");
        }
    }

    #[test]
    fn an_ended_session_does_not_come_back() {
        let mut sessions = Sessions::default();
        sessions.begin(Mark::cookie("x"), session("S-1", 0));
        assert_eq!(sessions.take(&Mark::cookie("x"), at(IDLE_S)), None);
        assert_eq!(sessions.take(&Mark::cookie("x"), at(1)), None);
    }

    #[test]
    fn signing_out_everywhere_takes_all_of_one_person() {
        let mut sessions = Sessions::default();
        sessions.begin(Mark::cookie("1"), session("S-1", 0));
        sessions.begin(Mark::cookie("2"), session("S-1", 1));
        sessions.begin(Mark::cookie("3"), session("S-2", 1));
        sessions.begin(Mark::cookie("4"), Session { tenant: "b".into(), ..session("S-1", 1) });
        let seat = Mark::Terminal { tenant: "a".into(), seat: "0 audit:7".into() };
        sessions.begin(seat.clone(), session("S-1", 1));
        assert_eq!(sessions.end_all("a", "S-1"), 3);
        assert_eq!(sessions.take(&seat, at(2)), None, "the command line too");
        let left: Vec<bool> = ["1", "2", "3", "4"].map(|name| sessions.take(&Mark::cookie(name), at(2)).is_some()).into();
        assert_eq!(left, [false, false, true, true]);
    }

    /// A seat nobody uses any more keeps nobody signed in.
    #[test]
    fn an_idle_session_does_not_count() {
        let mut sessions = Sessions::default();
        sessions.begin(Mark::Terminal { tenant: "a".into(), seat: "0 audit:7".into() }, session("S-1", 0));
        for (tenant, subject, seconds, expected) in [("a", "S-1", 1, true), ("a", "S-1", IDLE_S, false), ("b", "S-1", 1, false), ("a", "S-2", 1, false)] {
            assert_eq!(sessions.has(tenant, subject, at(seconds)), expected, "{tenant} {subject} {seconds}");
        }
    }

    #[test]
    fn there_are_never_more_than_fit() {
        let mut sessions = Sessions::default();
        for n in 0..=SESSIONS_MAX {
            sessions.begin(Mark::cookie(&n.to_string()), session("S-1", i64::try_from(n).unwrap() / 100));
        }
        assert_eq!(sessions.0.len(), SESSIONS_MAX);
        assert!(sessions.take(&Mark::cookie(&SESSIONS_MAX.to_string()), at(101)).is_some(), "the newest is there");
    }

    #[test]
    fn cookies_by_scheme() {
        let (plain, secure) = (Cookies { secure: false }, Cookies { secure: true });
        assert_eq!(plain.set("laufzettel", "n", 9), "laufzettel=n; Path=/; HttpOnly; SameSite=Lax; Max-Age=9");
        assert_eq!(secure.set("laufzettel", "n", 9), "__Host-laufzettel=n; Path=/; HttpOnly; SameSite=Lax; Max-Age=9; Secure");
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "laufzettel=unsafe; __Host-laufzettel=safe".parse().unwrap());
        assert_eq!((plain.get(&headers, "laufzettel"), secure.get(&headers, "laufzettel")), (Some("unsafe"), Some("safe")));
    }

    #[test]
    fn a_key_covers_its_processes_only() {
        let key = Session { scope: Some(vec!["hundesteuer-*".into()]), ..session("service:x", 0) };
        assert!(key.covers("hundesteuer-anmeldung") && !key.covers("wohngeld"));
        assert!(session("S-1", 0).covers("wohngeld"));
        assert!(!Session { scope: Some(vec![]), ..session("S-1", 0) }.covers("wohngeld"));
    }
}
