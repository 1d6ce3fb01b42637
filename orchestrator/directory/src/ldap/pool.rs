//! Connections to the domain controllers: a bounded number, each with time limits, the first controller that answers.
//!
//! It knows searches and binds, not people. Nothing is sent before TLS stands; referrals are not followed.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchOptions,
    controls::{Control, ControlType, PagedResults},
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout},
};

use super::entry::Entry;
use crate::Error;

/// A controller that did not answer is asked last for this long, so that not every question waits for it first.
const DOWN: Duration = Duration::from_secs(30);
/// Entries a page of results has: below the 1,000 Active Directory hands out at once.
const PAGE: i32 = 500;
/// Times as long a slow search may take: two hundred nested groups take a controller four seconds.
const SLOW: u32 = 6;
/// `noSuchObject` of RFC 4511.
const NO_SUCH_OBJECT: u32 = 32;
/// `operationsError`, `busy`, `unavailable`: what a controller says of itself, not of who binds.
const NOT_NOW: [u32; 3] = [1, 51, 52];

pub struct Pool {
    settings: LdapConnSettings,
    controllers: Vec<Controller>,
    bind_dn: String,
    password: String,
    /// For each connect with its bind, and for each page of a search.
    limit: Duration,
    lines: Semaphore,
    /// Binds of people signing in, on connections of their own.
    binds: Semaphore,
    idle: Mutex<Vec<Open>>,
}

struct Controller {
    url: String,
    down_since: Mutex<Option<Instant>>,
}

/// A connection bound as the service account.
struct Open {
    ldap: Ldap,
    controller: usize,
}

/// One question. `max`: more entries than this are no answer.
pub struct Search<'s> {
    pub base: &'s str,
    pub scope: Scope,
    pub filter: &'s str,
    pub attributes: &'static [&'static str],
    pub max: usize,
    /// The directory computes for long.
    pub slow: bool,
}

enum Trouble {
    /// The line is broken or silent.
    Line(Box<LdapError>),
    Silent,
    /// Answered, and the answer is no use.
    Answer(String),
    TooMany,
}

impl From<LdapError> for Trouble {
    fn from(error: LdapError) -> Self {
        match error {
            LdapError::LdapResult { result } => Self::Answer(result.to_string()),
            other => Self::Line(Box::new(other)),
        }
    }
}

impl Pool {
    pub fn new(settings: LdapConnSettings, urls: Vec<String>, bind: (String, String), limit: Duration, size: usize) -> Self {
        let controllers = urls.into_iter().map(|url| Controller { url, down_since: Mutex::new(None) }).collect();
        let (bind_dn, password) = bind;
        Self { settings, controllers, bind_dn, password, limit, lines: Semaphore::new(size), binds: Semaphore::new(size), idle: Mutex::default() }
    }

    /// A line of one's own; waits for a free one as long as the directory may take to answer.
    pub async fn line(&self) -> Result<Line<'_>, Error> {
        let permit = self.permit(&self.lines).await?;
        let idle = self.idle().pop().map(|open| (open, false));
        let (open, fresh) = match idle {
            Some(idle) => idle,
            None => (self.connect().await?, true),
        };
        Ok(Line { pool: self, open: Some(open), fresh, _permit: permit })
    }

    async fn permit<'p>(&self, of: &'p Semaphore) -> Result<SemaphorePermit<'p>, Error> {
        match timeout(self.limit, of.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Error::Unavailable),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Open>> {
        self.idle.lock().expect("nobody panics while holding this lock")
    }

    /// The first controller that lets the service account in.
    async fn connect(&self) -> Result<Open, Error> {
        self.first(|index| async move {
            let mut ldap = self.open(index).await?;
            ldap.simple_bind(&self.bind_dn, &self.password).await?.success()?;
            Ok(Open { ldap, controller: index })
        })
        .await
    }

    /// Whether this name and password are let in. On a connection of its own, which never serves anybody else.
    pub async fn admits(&self, dn: &str, password: &str) -> Result<bool, Error> {
        let _permit = self.permit(&self.binds).await?;
        self.first(|index| async move {
            let mut ldap = self.open(index).await?;
            let answer = ldap.simple_bind(dn, password).await?;
            verdict(answer.rc).ok_or_else(|| Trouble::Answer(answer.to_string()))
        })
        .await
    }

    /// Tries the controllers in their order, those that were silent a moment ago last.
    async fn first<T, F: Future<Output = Result<T, Trouble>>>(&self, attempt: impl Fn(usize) -> F) -> Result<T, Error> {
        let (up, down): (Vec<usize>, Vec<usize>) = (0..self.controllers.len()).partition(|index| !self.is_down(*index));
        for index in up.into_iter().chain(down) {
            match timeout(self.limit, attempt(index)).await.unwrap_or(Err(Trouble::Silent)) {
                Ok(value) => {
                    *self.down_since(index) = None;
                    return Ok(value);
                }
                Err(trouble) => self.went_down(index, &trouble),
            }
        }
        Err(Error::Unavailable)
    }

    async fn open(&self, index: usize) -> Result<Ldap, Trouble> {
        let (driver, ldap) = LdapConnAsync::with_settings(self.settings.clone(), &self.controllers[index].url).await?;
        // ends by itself when the last handle of the connection is dropped
        tokio::spawn(async move { drop(driver.drive().await) });
        Ok(ldap)
    }

    fn down_since(&self, index: usize) -> MutexGuard<'_, Option<Instant>> {
        self.controllers[index].down_since.lock().expect("nobody panics while holding this lock")
    }

    fn is_down(&self, index: usize) -> bool {
        self.down_since(index).is_some_and(|since| since.elapsed() < DOWN)
    }

    /// Said once, not at every question until it is back.
    fn went_down(&self, index: usize, trouble: &Trouble) {
        let since = self.down_since(index).replace(Instant::now());
        if since.is_none() {
            tracing::warn!(controller = %self.controllers[index].url, "the domain controller does not answer: {}", said(trouble));
        }
    }
}

/// What an answer to somebody's bind means; `None`: another controller may know.
fn verdict(code: u32) -> Option<bool> {
    match code {
        0 => Some(true),
        code if NOT_NOW.contains(&code) => None,
        // wrong, locked, not from here, a stronger way demanded: she is not let in, and no other controller is asked
        _ => Some(false),
    }
}

fn said(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Line(error) => error.to_string(),
        Trouble::Silent => "no answer in time".to_owned(),
        Trouble::Answer(answer) => answer.clone(),
        Trouble::TooMany => "more entries than anybody can use".to_owned(),
    }
}

/// A connection in use. Goes back when dropped, unless a question on it was left unanswered.
pub struct Line<'p> {
    pool: &'p Pool,
    open: Option<Open>,
    fresh: bool,
    _permit: SemaphorePermit<'p>,
}

impl Line<'_> {
    /// The entries found. A line that broke is replaced once, so that a restart of a controller or its end is not noticed.
    pub async fn search(&mut self, search: &Search<'_>) -> Result<Vec<Entry>, Error> {
        for _ in 0..2 {
            if self.open.is_none() {
                self.open = Some(self.pool.connect().await?);
                self.fresh = true;
            }
            let Some(mut open) = self.open.take() else { return Err(Error::Unavailable) };
            match pages(&mut open.ldap, search, self.pool.limit * if search.slow { SLOW } else { 1 }).await {
                Ok(found) => {
                    self.open = Some(open);
                    return Ok(found);
                }
                Err(Trouble::TooMany) => {
                    tracing::error!(scope = ?search.scope, attributes = ?search.attributes, "the directory names more than {} entries", search.max);
                    return Err(Error::Disabled);
                }
                Err(Trouble::Answer(answer)) => {
                    // never the filter: a name typed at a sign-in may be a mistyped password
                    tracing::error!(scope = ?search.scope, attributes = ?search.attributes, "the directory refuses a search: {answer}");
                    return Err(Error::Unavailable);
                }
                // an old line may have been closed over night: that says nothing about the controller
                Err(trouble) => {
                    if self.fresh || matches!(trouble, Trouble::Silent) {
                        self.pool.went_down(open.controller, &trouble);
                    }
                }
            }
        }
        Err(Error::Unavailable)
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            self.pool.idle().push(open);
        }
    }
}

/// Asks page by page until the directory has no more.
async fn pages(ldap: &mut Ldap, search: &Search<'_>, limit: Duration) -> Result<Vec<Entry>, Trouble> {
    let (mut found, mut cookie) = (Vec::new(), Vec::new());
    let seconds = i32::try_from(limit.as_secs()).unwrap_or(i32::MAX).max(1);
    loop {
        ldap.with_search_options(SearchOptions::new().timelimit(seconds));
        if search.scope != Scope::Base {
            ldap.with_controls(PagedResults { size: PAGE, cookie });
        }
        let asked = ldap.search(search.base, search.scope, search.filter, search.attributes);
        let (entries, result) = match timeout(limit, asked).await {
            Ok(answer) => match answer?.success() {
                // somebody who was there a moment ago
                Err(LdapError::LdapResult { result }) if result.rc == NO_SUCH_OBJECT && search.scope == Scope::Base => return Ok(Vec::new()),
                other => other?,
            },
            Err(_) => return Err(Trouble::Silent),
        };
        found.extend(entries.into_iter().filter_map(Entry::read));
        if found.len() > search.max {
            return Err(Trouble::TooMany);
        }
        cookie = next_page(&result.ctrls);
        if cookie.is_empty() {
            return Ok(found);
        }
    }
}

/// Where the next page begins; empty at the end.
fn next_page(controls: &[Control]) -> Vec<u8> {
    let paged = controls.iter().find(|Control(kind, _)| matches!(kind, Some(ControlType::PagedResults)));
    paged.map(|Control(_, raw)| raw.parse::<PagedResults>().cookie).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_success_lets_in_and_only_a_controller_in_trouble_is_no_answer() {
        for (code, expected) in [(0, Some(true)), (49, Some(false)), (8, Some(false)), (32, Some(false)), (53, Some(false)), (1, None), (51, None), (52, None)]
        {
            assert_eq!(verdict(code), expected, "{code}");
        }
    }
}
