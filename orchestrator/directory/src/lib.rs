//! Who somebody is, and which groups they are in *now*. One directory over its kinds: a file, LDAP, claims of a sign-in.
//!
//! It names people and groups and nothing else: no rights, no labels, no tokens. What it cannot ask it calls unavailable,
//! which is never a no.

mod claims;
mod file;
mod ldap;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use laufzettel_domain::{Caller, Document, Findings, Via};
use laufzettel_policy::{Group, Who};

pub use claims::Claims;
pub use ldap::{LdapOptions, OptionsError};

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
    /// As whom this person acts, however she was recognised.
    pub fn caller(&self, via: Via) -> Caller {
        Caller { subject: self.sid.clone(), name: self.name.clone(), upn: self.upn.clone(), via, os_user: None }
    }
}

/// Somebody whose account counts at this moment.
fn alive(person: &Person, now: Timestamp) -> Result<&Person, Error> {
    let expired = person.expires.is_some_and(|at| at <= now);
    if person.disabled || expired { Err(Error::Disabled) } else { Ok(person) }
}

/// The directory of a tenant. Cheap to clone.
#[derive(Clone)]
pub struct Directory(Arc<Kind>);

enum Kind {
    File(file::FileDirectory),
    Ldap(Box<ldap::LdapDirectory>),
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

    /// A directory that is asked over the network. Does not connect yet.
    pub fn ldap(options: LdapOptions) -> Result<Self, OptionsError> {
        ldap::LdapDirectory::new(options).map(|ldap| Self(Arc::new(Kind::Ldap(Box::new(ldap)))))
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

    async fn groups_of(&self, caller: &Caller, now: Timestamp) -> Result<Vec<Group>, Error> {
        match &*self.0 {
            Kind::File(file) => file.groups_of(&caller.subject, now),
            Kind::Ldap(ldap) => ldap.groups_of(&caller.subject, now).await,
            Kind::Claims(claims) => claims.groups_of(&caller.subject, now),
        }
    }

    /// Groups a configuration names, with all they are members of.
    async fn named(&self, groups: &[String]) -> Result<Vec<Group>, Error> {
        match &*self.0 {
            Kind::File(file) => Ok(file.expand(groups.to_vec())),
            Kind::Ldap(ldap) => ldap.named(groups).await,
            Kind::Claims(_) => Ok(groups.iter().map(|group| claims::group(group)).collect()),
        }
    }

    /// The caller a sign-in name stands for, without a password: demo login and `--as`, where the directory is a file.
    #[expect(clippy::unused_async, reason = "one interface over all kinds")]
    pub async fn sign_in(&self, user: &str, via: Via, now: Timestamp) -> Result<Caller, Error> {
        match &*self.0 {
            Kind::File(file) => file.sign_in(user, now).map(|person| person.caller(via)),
            Kind::Ldap(_) | Kind::Claims(_) => Err(Error::Unknown),
        }
    }

    /// The caller a name and a password stand for. A file knows no passwords, claims come from elsewhere.
    pub async fn authenticate(&self, user: &str, password: &str, via: Via, now: Timestamp) -> Result<Caller, Error> {
        // a bind without a password succeeds as nobody (RFC 4513 §5.1.2): it never leaves this house
        if password.is_empty() {
            return Err(Error::Credentials);
        }
        match &*self.0 {
            Kind::Ldap(ldap) => ldap.authenticate(user, password, now).await.map(|person| person.caller(via)),
            Kind::File(_) | Kind::Claims(_) => Err(Error::Unknown),
        }
    }

    /// Whom an identity provider has vouched for: the directory's entry if there is one, else, where people are their
    /// claims, a subject whose claimed groups are remembered until the sign-in ends.
    pub async fn by_claims(&self, claims: &Claims, via: Via, now: Timestamp) -> Result<Caller, Error> {
        match &*self.0 {
            Kind::File(file) => file.by_claims(claims, now).map(|person| person.caller(via)),
            Kind::Ldap(ldap) => ldap.by_claims(claims, now).await.map(|person| person.caller(via)),
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
    pub async fn person(&self, name_or_subject: &str) -> Result<Option<Person>, Error> {
        match &*self.0 {
            Kind::File(file) => Ok(file.person(name_or_subject).cloned()),
            Kind::Ldap(ldap) => ldap.person(name_or_subject).await,
            Kind::Claims(claims) => Ok(claims.person(name_or_subject)),
        }
    }

    /// Whether it is a file, and says of every person and group that there is none of that name.
    pub fn is_listed(&self) -> bool {
        matches!(&*self.0, Kind::File(_))
    }

    /// Everybody, where the directory is a file; elsewhere nobody is listed.
    pub fn people(&self) -> Vec<Person> {
        match &*self.0 {
            Kind::File(file) => file.people().cloned().collect(),
            Kind::Ldap(_) | Kind::Claims(_) => Vec::new(),
        }
    }

    /// Every group, where the directory is a file; elsewhere none is listed.
    pub fn group_names(&self) -> Vec<String> {
        match &*self.0 {
            Kind::File(file) => file.group_names().map(str::to_owned).collect(),
            Kind::Ldap(_) | Kind::Claims(_) => Vec::new(),
        }
    }

    /// Groups by the unit they stand for, as far as the directory itself says so.
    #[expect(clippy::unused_async, reason = "one interface over all kinds")]
    pub async fn units(&self) -> BTreeMap<String, Vec<String>> {
        match &*self.0 {
            Kind::File(file) => file.units(),
            Kind::Ldap(_) | Kind::Claims(_) => BTreeMap::new(),
        }
    }

    /// All groups a member of `group` is in by that membership, itself first. `None`: there is no such group.
    pub async fn memberships(&self, group: &str) -> Result<Option<Vec<Group>>, Error> {
        match &*self.0 {
            Kind::File(file) => Ok(file.memberships(group)),
            Kind::Ldap(ldap) => ldap.memberships(group).await,
            // which groups exist is known to the identity provider alone
            Kind::Claims(_) => Ok(Some(vec![claims::group(group)])),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn options(url: &str) -> LdapOptions {
        LdapOptions {
            urls: vec![url.to_owned()],
            starttls: false,
            ca: None,
            bind_dn: "CN=svc".into(),
            password: "geheim".into(),
            base: "DC=x".into(),
            timeout: Duration::from_millis(200),
            pool: 1,
            cache: Duration::ZERO,
        }
    }

    fn refused(options: LdapOptions) -> &'static str {
        match Directory::ldap(options) {
            Ok(_) => "usable",
            Err(OptionsError::Insecure(_)) => "insecure",
            Err(OptionsError::Ca(_)) => "ca",
            Err(OptionsError::Nowhere) => "nowhere",
            Err(OptionsError::NoPassword) => "no password",
        }
    }

    #[test]
    fn a_directory_in_the_clear_is_refused() {
        for (options, expected) in [
            (options("ldaps://dc1"), "usable"),
            (options("ldap://dc1"), "insecure"),
            (LdapOptions { starttls: true, ..options("ldap://dc1") }, "usable"),
            (LdapOptions { starttls: true, ..options("http://dc1") }, "insecure"),
            (options("ldapi://%2frun"), "insecure"),
            (LdapOptions { ca: Some(b"nichts".to_vec()), ..options("ldaps://dc1") }, "ca"),
            (LdapOptions { urls: vec![], ..options("") }, "nowhere"),
            (LdapOptions { password: String::new(), ..options("ldaps://dc1") }, "no password"),
        ] {
            assert_eq!(refused(options), expected);
        }
    }

    /// Nobody listens there: that is no answer, and no answer is never a no.
    #[tokio::test]
    async fn unreachable_is_unavailable() {
        let directory = Directory::ldap(options("ldaps://127.0.0.1:1")).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let anna = Caller { subject: "S-1-5-21-1-2-3-1104".into(), name: "Anna".into(), upn: String::new(), via: Via::Form, os_user: None };
        assert_eq!(directory.resolve(&anna, &[], now).await, Err(Error::Unavailable));
        assert_eq!(directory.authenticate("anna", "geheim", Via::Form, now).await, Err(Error::Unavailable));
        assert_eq!(directory.authenticate("anna", "", Via::Form, now).await, Err(Error::Credentials), "refused before any bind");
        assert_eq!(directory.person("anna").await, Err(Error::Unavailable));
        assert_eq!(directory.memberships("GG").await, Err(Error::Unavailable));
        let service = Caller::service("svc", Via::Intake);
        assert_eq!(directory.resolve(&service, &["GG".to_owned()], now).await, Err(Error::Unavailable));
        assert_eq!(directory.resolve(&service, &[], now).await.map(|w| w.groups), Ok(vec![]), "nothing to ask");
        let foreign = Caller { subject: "oidc-sub".into(), ..anna };
        assert_eq!(directory.resolve(&foreign, &[], now).await, Err(Error::Unknown), "no subject of this directory");
    }
}
