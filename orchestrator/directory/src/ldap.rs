//! LDAP, as Active Directory speaks it: who somebody is, whether the account is alive, all groups it is in.
//!
//! Asked over TLS only, with a service account that reads; nothing is ever written there. What was answered a moment ago is
//! kept for the configured life. A silent directory is unavailable; an account it does not know is nobody.

mod cache;
mod entry;
mod filter;
mod groups;
mod pool;
mod sid;
mod tls;

use std::time::Duration;

use jiff::Timestamp;
use laufzettel_policy::Group;
use ldap3::Scope;

use self::{
    cache::Cache,
    entry::Entry,
    groups::{Groups, name_of},
    pool::{Line, Pool, Search},
};
use crate::{Claims, Error, Person, alive};

/// Bytes of a name somebody signs in with: sAMAccountName has 20 characters, a UPN at most 1,024 bytes.
const NAME_BYTES_MAX: usize = 1_024;
/// Bytes of a password: Windows ends at 256 characters.
const PASSWORD_BYTES_MAX: usize = 1_024;
/// A group is renamed far more rarely than a membership ends: its name is kept so many times as long.
const NAME_LIVES: u32 = 30;

/// How a directory is reached. Not `Debug`: the password would be in it.
#[derive(Clone)]
pub struct LdapOptions {
    /// `ldaps://…`, or `ldap://…` with `starttls`; in the order they are asked.
    pub urls: Vec<String>,
    pub starttls: bool,
    /// The text of a PEM file; only these CAs are then trusted. Without it the system's.
    pub ca: Option<Vec<u8>>,
    pub bind_dn: String,
    pub password: String,
    pub base: String,
    /// For each connect, and for each page of an answer.
    pub timeout: Duration,
    /// Connections at once.
    pub pool: usize,
    /// How long an answer counts; zero asks every time.
    pub cache: Duration,
}

/// Why a directory cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error("passwords and groups never travel in the clear: {0} is neither ldaps:// nor ldap:// with starttls")]
    Insecure(String),
    #[error("the CA file cannot be used: {0}")]
    Ca(String),
    #[error("no domain controller is named")]
    Nowhere,
    #[error("the service account has no password: a bind without one is nobody")]
    NoPassword,
}

#[derive(Clone)]
struct Known {
    person: Person,
    groups: Vec<Group>,
}

pub struct LdapDirectory {
    pool: Pool,
    base: String,
    /// By subject.
    known: Cache<Known>,
    /// By whatever they were asked by. Nobody is remembered as unknown: an account just created counts at once.
    people: Cache<Person>,
    /// By name or SID.
    memberships: Cache<Option<Vec<Group>>>,
    names: Cache<String>,
}

impl LdapDirectory {
    /// Does not connect: a directory that is down at the start is down, not wrong.
    pub fn new(options: LdapOptions) -> Result<Self, OptionsError> {
        let secure = |url: &String| url.starts_with("ldaps://") || (options.starttls && url.starts_with("ldap://"));
        if let Some(url) = options.urls.iter().find(|url| !secure(url)) {
            return Err(OptionsError::Insecure(url.clone()));
        }
        if options.urls.is_empty() {
            return Err(OptionsError::Nowhere);
        }
        if options.password.is_empty() {
            return Err(OptionsError::NoPassword);
        }
        let settings = tls::settings(options.ca.as_deref(), options.starttls)?;
        Ok(Self {
            pool: Pool::new(settings, options.urls, (options.bind_dn, options.password), options.timeout, options.pool),
            base: options.base,
            known: Cache::new(options.cache),
            people: Cache::new(options.cache),
            memberships: Cache::new(options.cache),
            names: Cache::new(options.cache * NAME_LIVES),
        })
    }

    pub async fn groups_of(&self, subject: &str, now: Timestamp) -> Result<Vec<Group>, Error> {
        // even an answer that counts still is asked whether the account has ended meanwhile
        let fresh = |known: Known| alive(&known.person, now).map(|_| known.groups.clone());
        if let Some(known) = self.known.get(subject) {
            return fresh(known);
        }
        let bytes = sid::to_bytes(subject).ok_or(Error::Unknown)?;
        let mut line = self.pool.line().await?;
        // whoever waited for a line may find that somebody else has asked just that
        if let Some(known) = self.known.get(subject) {
            return fresh(known);
        }
        let entry = self.entry(&mut line, &filter::person("objectSid", &filter::octets(&bytes))).await?.ok_or(Error::Unknown)?;
        let person = entry.person().ok_or(Error::Unknown)?;
        alive(&person, now)?;
        let groups = Groups { base: &self.base, names: &self.names }.around(&mut line, &entry).await?;
        self.people.put(subject.to_owned(), person.clone());
        self.known.put(subject.to_owned(), Known { person, groups: groups.clone() });
        Ok(groups)
    }

    /// Groups a configuration names, with all they are members of. A name the directory does not know stands for nothing.
    pub async fn named(&self, groups: &[String]) -> Result<Vec<Group>, Error> {
        let mut all = std::collections::BTreeSet::new();
        for group in groups {
            match self.memberships(group).await? {
                Some(reached) => all.extend(reached),
                None => tracing::warn!(group, "the directory knows no group of this name"),
            }
        }
        Ok(all.into_iter().collect())
    }

    /// By subject, UPN or sign-in name.
    pub async fn person(&self, name_or_subject: &str) -> Result<Option<Person>, Error> {
        if let Some(known) = self.people.get(name_or_subject) {
            return Ok(Some(known));
        }
        let Some(filter) = person_filter(name_or_subject) else { return Ok(None) };
        let mut line = self.pool.line().await?;
        let person = self.entry(&mut line, &filter).await?.and_then(|entry| entry.person());
        if let Some(person) = &person {
            self.people.put(name_or_subject.to_owned(), person.clone());
        }
        Ok(person)
    }

    /// The password is tried against the entry's own name: what was typed never becomes part of a name.
    pub async fn authenticate(&self, user: &str, password: &str, now: Timestamp) -> Result<Person, Error> {
        // a bind without a password succeeds as nobody (RFC 4513 §5.1.2)
        if password.is_empty() || password.len() > PASSWORD_BYTES_MAX || sid::to_bytes(user).is_some() {
            return Err(Error::Credentials);
        }
        let filter = person_filter(user).ok_or(Error::Credentials)?;
        let entry = {
            let mut line = self.pool.line().await?;
            self.entry(&mut line, &filter).await?
        };
        let Some(entry) = entry else {
            // the same work as for a name that exists: how long the answer takes tells nobody which names there are
            self.pool.admits(&nobody(&self.base), password).await?;
            return Err(Error::Credentials);
        };
        // first the password: how an account stands is nothing for somebody who only knows its name
        if !self.pool.admits(&entry.dn, password).await? {
            return Err(Error::Credentials);
        }
        let person = entry.person().ok_or(Error::Unknown)?;
        alive(&person, now)?;
        Ok(person)
    }

    /// The entry an identity provider speaks of: by SID where it passes one on, else by UPN or sign-in name.
    pub async fn by_claims(&self, claims: &Claims, now: Timestamp) -> Result<Person, Error> {
        let filter = match &claims.sid {
            Some(sid) => filter::person("objectSid", &filter::octets(&sid::to_bytes(sid).ok_or(Error::Unknown)?)),
            None if sid::to_bytes(&claims.upn).is_some() => return Err(Error::Unknown),
            None => person_filter(&claims.upn).ok_or(Error::Unknown)?,
        };
        let mut line = self.pool.line().await?;
        let person = self.entry(&mut line, &filter).await?.and_then(|entry| entry.person()).ok_or(Error::Unknown)?;
        alive(&person, now)?;
        Ok(person)
    }

    pub async fn memberships(&self, group: &str) -> Result<Option<Vec<Group>>, Error> {
        if let Some(known) = self.memberships.get(group) {
            return Ok(known);
        }
        let filter = match sid::to_bytes(group) {
            Some(bytes) => filter::group("objectSid", &filter::octets(&bytes)),
            None if group.is_empty() || group.len() > NAME_BYTES_MAX => return Ok(None),
            None => filter::group("sAMAccountName", &filter::escaped(group)),
        };
        let mut line = self.pool.line().await?;
        let reached = match self.entry(&mut line, &filter).await? {
            Some(entry) => self.around_group(&mut line, &entry).await?,
            None => None,
        };
        self.memberships.put(group.to_owned(), reached.clone());
        Ok(reached)
    }

    async fn around_group(&self, line: &mut Line<'_>, entry: &Entry) -> Result<Option<Vec<Group>>, Error> {
        let Some(sid) = entry.sid() else { return Ok(None) };
        let own = Group { name: name_of(entry).unwrap_or_else(|| sid.clone()), sid };
        let mut around = Groups { base: &self.base, names: &self.names }.around(line, entry).await?;
        around.retain(|group| group.sid != own.sid);
        Ok(Some(std::iter::once(own).chain(around).collect()))
    }

    /// The one entry a filter means, with everything asked of a person. Two are none: nobody knows who is meant.
    /// `tokenGroups` is computed only when the entry itself is asked.
    async fn entry(&self, line: &mut Line<'_>, filter: &str) -> Result<Option<Entry>, Error> {
        let found = line.search(&Search { base: &self.base, scope: Scope::Subtree, filter, attributes: &["objectSid"], max: 100, slow: false }).await?;
        let [only] = &found[..] else { return Ok(None) };
        let own = Search { base: &only.dn, scope: Scope::Base, filter: "(objectClass=*)", attributes: &entry::OWN, max: 1, slow: false };
        Ok(line.search(&own).await?.pop())
    }
}

/// A name nobody can bear: a `cn` has at most 64 characters (ub-common-name of X.520).
fn nobody(base: &str) -> String {
    format!("CN={},{base}", "0".repeat(65))
}

/// A SID, a UPN or a sign-in name; `None` for what is no name.
fn person_filter(written: &str) -> Option<String> {
    if written.is_empty() || written.len() > NAME_BYTES_MAX || written.chars().any(char::is_control) {
        return None;
    }
    let filter = match sid::to_bytes(written) {
        Some(bytes) => filter::person("objectSid", &filter::octets(&bytes)),
        None if written.contains('@') => filter::person("userPrincipalName", &filter::escaped(written)),
        None => filter::person("sAMAccountName", &filter::escaped(written)),
    };
    Some(filter)
}
