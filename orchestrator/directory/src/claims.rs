//! People without an entry in any directory: who their sign-in says they are, as long as it lasts. Nothing is kept beyond
//! this process; whoever is not remembered is unavailable, so that a run waits until that person signs in again.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use jiff::{SignedDuration, Timestamp};
use laufzettel_domain::{Caller, Via};
use laufzettel_policy::Group;

use crate::{Error, Person};

/// Seconds claims are believed: a working day, as long as a sign-in lasts.
const LIFE_S: i64 = 9 * 3600;
/// People remembered at once; beyond, the oldest sign in again. As many as sign-ins are kept.
const REMEMBERED_MAX: usize = 10_000;
/// Groups of one person: what a delegation token carries at most.
const GROUPS_MAX: usize = 1_024;
/// Bytes of a name: OpenID Connect allows a `sub` of 255, and no group's name is longer.
const NAME_BYTES_MAX: usize = 255;

/// What an identity provider has said of somebody, after its signature was checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    pub sub: String,
    pub name: String,
    /// `upn`, else `preferred_username`; may be empty.
    pub upn: String,
    pub mail: String,
    /// The objectSid, if the provider passes it on.
    pub sid: Option<String>,
    /// By name or SID.
    pub groups: Vec<String>,
}

struct Remembered {
    person: Person,
    groups: Vec<Group>,
    at: Timestamp,
}

#[derive(Default)]
pub struct ClaimsDirectory(Mutex<BTreeMap<String, Remembered>>);

impl ClaimsDirectory {
    pub fn remember(&self, claims: &Claims, via: Via, now: Timestamp) -> Result<Caller, Error> {
        if !is_plain(&claims.sub) || claims.groups.len() > GROUPS_MAX || claims.groups.iter().any(|g| !is_plain(g)) {
            return Err(Error::Unknown);
        }
        let person = Person {
            user: claims.upn.clone(),
            sid: claims.sub.clone(),
            name: if claims.name.is_empty() { claims.sub.clone() } else { claims.name.clone() },
            upn: claims.upn.clone(),
            mail: claims.mail.clone(),
            groups: claims.groups.clone(),
            disabled: false,
            expires: None,
        };
        let caller = person.caller(via);
        let groups = claims.groups.iter().map(|name| group(name)).collect();
        let mut known = self.known();
        if known.len() >= REMEMBERED_MAX
            && !known.contains_key(&claims.sub)
            && let Some(oldest) = known.iter().min_by_key(|(_, r)| r.at).map(|(subject, _)| subject.clone())
        {
            known.remove(&oldest);
        }
        known.insert(claims.sub.clone(), Remembered { person, groups, at: now });
        Ok(caller)
    }

    pub fn groups_of(&self, subject: &str, now: Timestamp) -> Result<Vec<Group>, Error> {
        let mut known = self.known();
        let fresh = known.get(subject).is_some_and(|r| now < r.at + SignedDuration::from_secs(LIFE_S));
        if !fresh {
            known.remove(subject);
            return Err(Error::Unavailable);
        }
        known.get(subject).map(|r| r.groups.clone()).ok_or(Error::Unavailable)
    }

    pub fn person(&self, name_or_subject: &str) -> Option<Person> {
        let known = self.known();
        let by_name = || known.values().find(|r| !r.person.upn.is_empty() && r.person.upn == name_or_subject);
        known.get(name_or_subject).or_else(by_name).map(|r| r.person.clone())
    }

    pub fn forget(&self, subject: &str) {
        self.known().remove(subject);
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Remembered>> {
        self.0.lock().expect("nobody panics while holding this lock")
    }
}

/// A claimed group stands for itself.
pub fn group(name: &str) -> Group {
    Group { name: name.to_owned(), sid: name.to_owned() }
}

/// Words from outside never look like our own: these are subjects of this house (`docs/journal.md`).
fn is_plain(word: &str) -> bool {
    let ours = ["service:", "applicant:", "os:"].iter().any(|prefix| word.starts_with(prefix)) || ["engine", "unknown"].contains(&word);
    !word.is_empty() && word.len() <= NAME_BYTES_MAX && !ours && !word.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(sub: &str, groups: &[&str]) -> Claims {
        Claims {
            sub: sub.into(),
            name: "Anna Klein".into(),
            upn: "a.klein@vg".into(),
            groups: groups.iter().map(|g| (*g).into()).collect(),
            ..Claims::default()
        }
    }

    #[test]
    fn remembered_until_the_sign_in_ends() {
        let (directory, now) = (ClaimsDirectory::default(), Timestamp::UNIX_EPOCH);
        let caller = directory.remember(&claims("u-1", &["GG-Steueramt"]), Via::Form, now).unwrap();
        assert_eq!(caller, Caller { subject: "u-1".into(), name: "Anna Klein".into(), upn: "a.klein@vg".into(), via: Via::Form, os_user: None });
        assert_eq!(directory.groups_of("u-1", now), Ok(vec![group("GG-Steueramt")]));
        assert_eq!(directory.person("a.klein@vg").map(|p| p.sid), Some("u-1".to_owned()));
        // signed in again elsewhere: the newest claims count
        directory.remember(&claims("u-1", &[]), Via::Form, now).unwrap();
        assert_eq!(directory.groups_of("u-1", now), Ok(vec![]));
        assert_eq!(directory.groups_of("u-1", now + SignedDuration::from_secs(LIFE_S)), Err(Error::Unavailable));
        assert_eq!(directory.person("u-1"), None);
        directory.remember(&claims("u-1", &[]), Via::Form, now).unwrap();
        directory.forget("u-1");
        assert_eq!(directory.groups_of("u-1", now), Err(Error::Unavailable), "unknown is not denied");
    }

    #[test]
    fn claims_cannot_name_a_subject_of_ours() {
        let directory = ClaimsDirectory::default();
        let long = "x".repeat(256);
        let many: Vec<String> = (0..=GROUPS_MAX).map(|n| format!("G{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for (sub, groups) in [
            ("service:svc-intake", vec![]),
            ("os:0", vec![]),
            ("engine", vec![]),
            ("applicant:1", vec![]),
            ("", vec![]),
            (&long, vec![]),
            ("u\n", vec![]),
            ("u", vec![""]),
            ("u", many),
        ] {
            assert_eq!(directory.remember(&claims(sub, &groups), Via::Form, Timestamp::UNIX_EPOCH), Err(Error::Unknown), "{sub}");
        }
    }

    #[test]
    fn the_oldest_sign_in_gives_way() {
        let directory = ClaimsDirectory::default();
        for n in 0..=REMEMBERED_MAX {
            let at = Timestamp::from_second(i64::try_from(n).unwrap()).unwrap();
            directory.remember(&claims(&format!("u-{n}"), &[]), Via::Form, at).unwrap();
        }
        assert_eq!(directory.known().len(), REMEMBERED_MAX);
        assert_eq!(directory.person("u-0"), None);
    }
}
