//! Signing in at the command line: it shows a code, and whoever is signed in on the pages says there that it is hers (the way of
//! RFC 8628). Nothing secret is handed out: the server recognises the seat, and the kernel says who sits there.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use jiff::Timestamp;
use laufzettel_domain::{Caller, Via};
use laufzettel_worker::Nobody;
use serde_json::json;
use tokio::sync::oneshot;

use super::{flow::LIFE_S, leave, still_there};
use crate::{
    pages::{FehlerPage, Page, TerminalPage, words},
    reply::Asked,
    session::Mark,
    site::{Session, Site},
};

/// Letters of a code: no vowels, so that it spells no word, and none that are mistaken for another (RFC 8628 § 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of each half: 34 bits in all, for a guess that would only sign the guesser in at somebody else's seat.
const HALF: usize = 4;
/// Command lines that wait at once; a server room has fewer consoles.
const WAITING_MAX: usize = 32;

/// A seat at the command line, as the kernel tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Names this login session of this machine, and no other while this server runs.
    pub id: String,
    /// The operating system's user who sits there.
    pub os_user: String,
}

/// A command line that waits for somebody to say that it is hers.
pub struct Waiting {
    pub code: String,
    /// The page where she says so.
    pub url: String,
    /// How long the code is worth something.
    pub lasts: Duration,
    /// Who it is and until when; closed when another code took its place, or the server ends.
    pub told: oneshot::Receiver<Answered>,
}

/// What came of a code.
pub enum Answered {
    SignedIn(Caller, Timestamp),
    /// Somebody confirmed it, and it could not be recorded: nobody is signed in.
    Unwritten,
}

struct Asking {
    tenant: String,
    seat: Seat,
    at: Timestamp,
    tell: oneshot::Sender<Answered>,
}

/// The codes that are worth something now.
#[derive(Default)]
pub struct Codes(BTreeMap<String, Asking>);

impl Codes {
    /// Forgets whoever has waited too long, or has gone.
    fn prune(&mut self, now: Timestamp) {
        self.0.retain(|_, asking| (0..LIFE_S).contains(&(now.as_second() - asking.at.as_second())) && !asking.tell.is_closed());
    }

    fn wait(&mut self, code: String, asking: Asking) -> bool {
        self.prune(asking.at);
        // one seat waits once: the code shown last is the one that counts
        self.0.retain(|_, other| other.tenant != asking.tenant || other.seat.id != asking.seat.id);
        let fits = self.0.len() < WAITING_MAX;
        if fits {
            self.0.insert(code, asking);
        }
        fits
    }

    fn seat(&mut self, code: &str, tenant: &str, now: Timestamp) -> Option<Seat> {
        self.prune(now);
        self.0.get(code).filter(|asking| asking.tenant == tenant).map(|asking| asking.seat.clone())
    }

    fn take(&mut self, code: &str, tenant: &str, now: Timestamp) -> Option<Asking> {
        self.seat(code, tenant, now)?;
        self.0.remove(code)
    }
}

/// Eight letters out of as many random bytes.
fn code(random: [u8; 8]) -> String {
    let mut number = u64::from_be_bytes(random);
    let mut code = String::new();
    for place in 0..2 * HALF {
        if place == HALF {
            code.push('-');
        }
        let letter = usize::try_from(number % LETTERS.len() as u64).unwrap_or_default();
        code.push(char::from(LETTERS[letter]));
        number /= LETTERS.len() as u64;
    }
    code
}

/// A code as somebody typed it from another screen.
fn typed(written: &str) -> String {
    let letters: String = written.chars().filter(char::is_ascii_alphabetic).take(2 * HALF).map(|c| c.to_ascii_uppercase()).collect();
    letters.split_at_checked(HALF).map(|(first, second)| format!("{first}-{second}")).unwrap_or_default()
}

impl Site {
    /// A code for a command line to show. `None`: too many wait already.
    pub fn wait_at(&self, tenant: &str, seat: Seat) -> Option<Waiting> {
        let mut random = [0; 8];
        self.fill(&mut random);
        let (code, (tell, told)) = (code(random), oneshot::channel());
        let url = format!("{}/anmelden/terminal/{code}", self.public_url);
        let asking = Asking { tenant: tenant.to_owned(), seat, at: self.now(), tell };
        self.codes().wait(code.clone(), asking).then_some(Waiting { code, url, lasts: Duration::from_secs(LIFE_S.unsigned_abs()), told })
    }

    /// Whoever is signed in at this seat, if the directory still lets her in.
    pub async fn at_seat(&self, tenant: &str, seat: &Seat) -> Option<Caller> {
        let now = self.now();
        let session = self.sessions().take(&mark(tenant, seat), now)?;
        match still_there(self, &session).await {
            // a silent directory is asked again by whatever she wants to do
            Ok(_) | Err(Nobody::Unavailable) => Some(session.caller),
            Err(Nobody::Denied(_)) => None,
        }
    }

    /// Signs out at this seat.
    pub async fn leave_seat(&self, tenant: &str, seat: &Seat) -> Option<Caller> {
        let ended = self.sessions().end(&mark(tenant, seat))?;
        leave(self, &ended, json!({})).await;
        Some(ended.caller)
    }
}

fn mark(tenant: &str, seat: &Seat) -> Mark {
    Mark::Terminal { tenant: tenant.to_owned(), seat: seat.id.clone() }
}

pub async fn page(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(written): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::new(&uri, &headers, site.tenants.get(&session.tenant), Some(&session));
    let code = typed(&written);
    let seat = site.codes().seat(&code, &session.tenant, site.now());
    match seat {
        None => gone(&asked),
        Some(seat) => asked.ok(&Page::Terminal(TerminalPage { action: format!("/anmelden/terminal/{code}"), code, os_user: seat.os_user, done: false })),
    }
}

/// She says it is hers: from here on the seat acts in her name, for as long as the sign-in lasts that she said it with.
pub async fn confirm(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(written): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let code = typed(&written);
    // taken at once: of two who say so, one counts
    let Some(Asking { seat, tell, .. }) = site.codes().take(&code, &session.tenant, site.now()) else { return gone(&asked) };
    let caller = Caller { via: Via::Terminal, os_user: Some(seat.os_user.clone()), ..session.caller.clone() };
    if let Err(error) = tenant.desk.record("signin", &caller, json!({ "login": tenant.login.word() })).await {
        tell.send(Answered::Unwritten).ok();
        return asked.unwritten(&error);
    }
    let there = Session { caller: caller.clone(), seen: site.now(), ..session };
    let (until, tenant_name) = (there.ends(), there.tenant.clone());
    let before = site.sessions().begin(mark(&tenant_name, &seat), there);
    if let Some(before) = before.filter(|before| before.caller.subject != caller.subject) {
        leave(&site, &before, json!({})).await;
    }
    if tell.send(Answered::SignedIn(caller, until)).is_err() {
        site.leave_seat(&tenant_name, &seat).await;
        return gone(&asked);
    }
    asked.ok(&Page::Terminal(TerminalPage { action: String::new(), code, os_user: seat.os_user, done: true }))
}

fn gone(asked: &Asked) -> Response {
    let word = |key| words::word(key, asked.lang).to_owned();
    let page = FehlerPage {
        typed: Vec::new(),
        status: StatusCode::NOT_FOUND.as_u16(),
        title: word("terminal_gone"),
        message: word("terminal_gone_text"),
        advice: Some(word("terminal_gone_advice")),
        link: None,
    };
    asked.page(StatusCode::NOT_FOUND, &Page::Fehler(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn asking(tenant: &str, seat: &str, seconds: i64) -> (Asking, oneshot::Receiver<Answered>) {
        let (tell, told) = oneshot::channel();
        (Asking { tenant: tenant.into(), seat: Seat { id: seat.into(), os_user: "root".into() }, at: at(seconds), tell }, told)
    }

    #[test]
    fn codes_are_readable_and_forgiving() {
        let shown = code([0xFF; 8]);
        assert_eq!((code([0; 8]).as_str(), shown.len()), ("BBBB-BBBB", 9));
        assert_ne!(code([0, 0, 0, 0, 0, 0, 0, 1]), code([0; 8]));
        for (written, expected) in [
            (shown.clone(), shown.as_str()),
            (shown.to_lowercase().replace('-', ""), shown.as_str()),
            (shown.replace('-', " "), shown.as_str()),
            ("BCD".into(), ""),
            ("ÄÖÜ".into(), ""),
            (format!("{shown}XY"), shown.as_str()),
        ] {
            assert_eq!(typed(&written), expected, "{written}");
        }
    }

    #[test]
    fn a_code_is_worth_something_for_ten_minutes_in_its_tenant() {
        for (tenant, seconds, expected) in [("a", 0, true), ("a", LIFE_S - 1, true), ("a", LIFE_S, false), ("b", 0, false)] {
            let mut codes = Codes::default();
            let (asking, _told) = asking("a", "s", 0);
            assert!(codes.wait("X".into(), asking));
            assert_eq!(codes.seat("X", tenant, at(seconds)).is_some(), expected, "{tenant} {seconds}");
            assert_eq!(codes.seat("Y", tenant, at(0)), None);
        }
    }

    #[test]
    fn whoever_has_gone_waits_no_more_and_one_seat_waits_once() {
        let mut codes = Codes::default();
        let (first, told) = asking("a", "s", 0);
        assert!(codes.wait("X".into(), first));
        drop(told);
        assert_eq!(codes.seat("X", "a", at(1)), None);
        let ((second, _told), (third, _also)) = (asking("a", "s", 1), asking("a", "s", 2));
        assert!(codes.wait("Y".into(), second) && codes.wait("Z".into(), third));
        assert_eq!((codes.seat("Y", "a", at(3)).is_some(), codes.seat("Z", "a", at(3)).is_some()), (false, true));
        let many: Vec<_> = (0..WAITING_MAX).map(|n| asking("a", &n.to_string(), 3)).collect();
        let mut told = Vec::new();
        let fits: Vec<bool> = many.into_iter().enumerate().map(|(n, (asking, ear))| (told.push(ear), codes.wait(n.to_string(), asking)).1).collect();
        assert_eq!(fits.iter().filter(|fits| **fits).count(), WAITING_MAX - 1, "one waits already");
        assert!(codes.take("0", "b", at(3)).is_none() && codes.take("0", "a", at(3)).is_some() && codes.take("0", "a", at(3)).is_none(), "once");
    }
}
