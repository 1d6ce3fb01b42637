//! Who somebody is, and which groups they are in *now*. One directory over its kinds: a file, or claims of a sign-in.
//!
//! It names people and groups and nothing else: no rights, no labels, no tokens. What it cannot ask it calls unavailable,
//! which is never a no.

mod claims;
mod file;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use laufzettel_domain::{Caller, Document, Findings, Via};
use laufzettel_policy::{Group, Who};

pub use claims::Claims;

/// Why nobody can be named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Ask again later: not the same as a no.
    #[error("the directory does not answer")]
    Unavailable,
    /// Disabled, locked or expired.
    #[error("the account is disabled, locked or expired")]
    Disabled,
    #[error("nobody of this name")]
    Unknown,
    #[error("name and password do not fit")]
    Credentials,
}

/// A person as the directory describes her.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Sign-in name.
    pub user: String,
    /// The subject a run keeps.
    pub sid: String,
    pub name: String,
    pub upn: String,
    pub mail: String,
    /// Direct groups by name, where the directory is a file; elsewhere empty: groups are asked for, never carried.
    pub groups: Vec<String>,
    pub disabled: bool,
    pub expires: Option<Timestamp>,
}

impl Person {
    fn caller(&self, via: Via) -> Caller {
        Caller { subject: self.sid.clone(), name: self.name.clone(), upn: self.upn.clone(), via }
    }
}

/// The directory of a tenant. Cheap to clone.
#[derive(Clone)]
pub struct Directory(Arc<Kind>);

enum Kind {
    File(file::FileDirectory),
    Claims(claims::ClaimsDirectory),
}

impl Default for Directory {
    /// Nobody, and no group.
    fn default() -> Self {
        Self(Arc::new(Kind::File(file::FileDirectory::default())))
    }
}

impl Directory {
    /// A directory that is a file. Everything wrong is in `findings`.
    pub fn read(document: &Document, findings: &mut Findings) -> Option<Self> {
        file::FileDirectory::read(document, findings).map(|file| Self(Arc::new(Kind::File(file))))
    }

    /// No directory of its own: people are who their sign-in says they are, as long as it lasts.
    pub fn claims() -> Self {
        Self(Arc::new(Kind::Claims(claims::ClaimsDirectory::default())))
    }

    /// The caller with the groups of this moment. `service_groups`: of a service account, by name or SID.
    pub async fn resolve(&self, caller: &Caller, service_groups: &[String], now: Timestamp) -> Result<Who, Error> {
        let groups = if caller.is_applicant() {
            Vec::new()
        } else if caller.service_name().is_some() {
            self.named(service_groups).await?
        } else {
            self.groups_of(caller, now).await?
        };
        Ok(Who { caller: caller.clone(), groups })
    }

    #[expect(clippy::unused_async, reason = "a directory beyond this process is asked over the network")]
    async fn groups_of(&self, caller: &Caller, now: Timestamp) -> Result<Vec<Group>, Error> {
        match &*self.0 {
            Kind::File(file) => file.groups_of(&caller.subject, now),
            Kind::Claims(claims) => claims.groups_of(&caller.subject, now),
        }
    }

    /// Groups a configuration names, with all they are members of.
    #[expect(clippy::unused_async, reason = "a directory beyond this process is asked over the network")]
    async fn named(&self, groups: &[String]) -> Result<Vec<Group>, Error> {
        match &*self.0 {
            Kind::File(file) => Ok(file.expand(groups.to_vec())),
            Kind::Claims(_) => Ok(groups.iter().map(|group| claims::group(group)).collect()),
        }
    }

    /// The caller a sign-in name stands for, without a password: demo login and `--as`, where the directory is a file.
    #[expect(clippy::unused_async, reason = "one interface over all kinds")]
    pub async fn sign_in(&self, user: &str, via: Via, now: Timestamp) -> Result<Caller, Error> {
        match &*self.0 {
            Kind::File(file) => file.sign_in(user, now).map(|person| person.caller(via)),
            Kind::Claims(_) => Err(Error::Unknown),
        }
    }

    /// The caller a name and a password stand for. A file knows no passwords, claims come from elsewhere.
    #[expect(clippy::unused_async, reason = "a directory beyond this process is asked over the network")]
    pub async fn authenticate(&self, _user: &str, password: &str, _via: Via, _now: Timestamp) -> Result<Caller, Error> {
        // a bind without a password succeeds as nobody (RFC 4513 §5.1.2): it never leaves this house
        if password.is_empty() {
            return Err(Error::Credentials);
        }
        match &*self.0 {
            Kind::File(_) | Kind::Claims(_) => Err(Error::Unknown),
        }
    }

    /// Whom an identity provider has vouched for: the directory's entry if there is one, else, where people are their
    /// claims, a subject whose claimed groups are remembered until the sign-in ends.
    #[expect(clippy::unused_async, reason = "a directory beyond this process is asked over the network")]
    pub async fn by_claims(&self, claims: &Claims, via: Via, now: Timestamp) -> Result<Caller, Error> {
        match &*self.0 {
            Kind::File(file) => file.by_claims(claims, now).map(|person| person.caller(via)),
            Kind::Claims(remembered) => remembered.remember(claims, via, now),
        }
    }

    /// The sign-in has ended: what it claimed is forgotten. Nothing to do where the directory itself knows people.
    pub fn forget(&self, subject: &str) {
        if let Kind::Claims(claims) = &*self.0 {
            claims.forget(subject);
        }
    }

    /// Somebody by sign-in name, UPN or subject.
    #[expect(clippy::unused_async, reason = "a directory beyond this process is asked over the network")]
    pub async fn person(&self, name_or_subject: &str) -> Result<Option<Person>, Error> {
        match &*self.0 {
            Kind::File(file) => Ok(file.person(name_or_subject).cloned()),
            Kind::Claims(claims) => Ok(claims.person(name_or_subject)),
        }
    }

    /// Everybody, where the directory is a file; elsewhere nobody is listed.
    pub fn people(&self) -> Vec<Person> {
        match &*self.0 {
            Kind::File(file) => file.people().cloned().collect(),
            Kind::Claims(_) => Vec::new(),
        }
    }

    /// Groups by the unit they stand for, as far as the directory itself says so.
    #[expect(clippy::unused_async, reason = "one interface over all kinds")]
    pub async fn units(&self) -> BTreeMap<String, Vec<String>> {
        match &*self.0 {
            Kind::File(file) => file.units(),
            Kind::Claims(_) => BTreeMap::new(),
        }
    }

    /// All groups a member of `group` is in by that membership, itself first. `None`: there is no such group.
    #[expect(clippy::unused_async, reason = "a directory beyond this process is asked over the network")]
    pub async fn memberships(&self, group: &str) -> Result<Option<Vec<Group>>, Error> {
        match &*self.0 {
            Kind::File(file) => Ok(file.memberships(group)),
            // which groups exist is known to the identity provider alone
            Kind::Claims(_) => Ok(Some(vec![claims::group(group)])),
        }
    }
}
