//! A directory as a file: groups with members, users with groups. Nested membership is resolved at every question.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use laufzettel_domain::{Caller, Document, Findings, Text, Via, document::Fields, finding};
use laufzettel_policy::{Group, Who};

use crate::Error;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Sign-in name.
    pub user: String,
    pub sid: String,
    pub name: String,
    pub upn: String,
    pub mail: String,
    /// Direct groups only.
    pub groups: Vec<String>,
    pub disabled: bool,
    pub expires: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct GroupEntry {
    sid: String,
    /// Groups whose members are members of this one.
    members: Vec<String>,
    unit: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    groups: BTreeMap<String, GroupEntry>,
    users: BTreeMap<String, Person>,
}

impl Directory {
    /// Reads the file's tree. Everything wrong is in `findings`.
    pub fn read(document: &Document, findings: &mut Findings) -> Option<Self> {
        let mut fields = Fields::open(&document.root, "", findings)?;
        fields.req("groups");
        fields.req("users");
        let mut directory = Self::default();
        for entry in fields.entries("groups") {
            let key = format!("groups.{}", entry.key);
            if let Some(group) = Fields::open(&entry.node, key, fields.findings).and_then(read_group) {
                directory.groups.insert(entry.key.clone(), group);
            }
        }
        for entry in fields.entries("users") {
            let key = format!("users.{}", entry.key);
            if let Some(person) = Fields::open(&entry.node, key, fields.findings).and_then(|f| read_person(&entry.key, f)) {
                directory.users.insert(entry.key.clone(), person);
            }
        }
        fields.close();
        directory.check(document, findings);
        Some(directory)
    }

    /// Every group a user or group names must exist.
    fn check(&self, document: &Document, findings: &mut Findings) {
        let mut unknown = |section: &str, owner: &str, key: &str, name: &str| {
            let at = document.root.nearest(&laufzettel_domain::Path::new([section, owner, key])).at;
            findings
                .error(
                    "LZ120",
                    at,
                    format!("{section}.{owner}.{key}"),
                    Text::new(format!("Die Gruppe „{name}“ gibt es nicht."), format!("There is no group \"{name}\".")),
                )
                .hint = Some(finding::hint(name, self.groups.keys().map(String::as_str)));
        };
        for (owner, group) in &self.groups {
            group.members.iter().filter(|m| !self.groups.contains_key(*m)).for_each(|m| unknown("groups", owner, "members", m));
        }
        for (owner, person) in &self.users {
            person.groups.iter().filter(|g| !self.groups.contains_key(*g)).for_each(|g| unknown("users", owner, "groups", g));
        }
    }

    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.users.values()
    }

    pub fn person(&self, user: &str) -> Option<&Person> {
        self.users.get(user)
    }

    pub fn by_subject(&self, subject: &str) -> Option<&Person> {
        self.users.values().find(|person| person.sid == subject)
    }

    pub fn has_group(&self, name: &str) -> bool {
        self.groups.contains_key(name)
    }

    /// The caller a sign-in name stands for. Disabled and expired accounts are refused.
    pub fn sign_in(&self, user: &str, via: Via, now: Timestamp) -> Result<Caller, Error> {
        let person = self.users.get(user).ok_or(Error::Unknown)?;
        alive(person, now)?;
        Ok(Caller { subject: person.sid.clone(), name: person.name.clone(), upn: person.upn.clone(), via })
    }

    /// The caller with the groups of this moment. `service_groups`: of a service account, by name or SID.
    pub fn resolve(&self, caller: &Caller, service_groups: &[String], now: Timestamp) -> Result<Who, Error> {
        let direct: Vec<String> = if caller.service_name().is_some() {
            service_groups.to_vec()
        } else if caller.is_applicant() {
            Vec::new()
        } else {
            let person = self.by_subject(&caller.subject).ok_or(Error::Unknown)?;
            alive(person, now)?;
            person.groups.clone()
        };
        Ok(Who { caller: caller.clone(), groups: self.expand(direct) })
    }

    /// All groups reached from these: a group contains the members of the groups it lists. Circles end by themselves.
    fn expand(&self, direct: Vec<String>) -> Vec<Group> {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut open = direct;
        while let Some(name) = open.pop() {
            let name = self.groups.iter().find(|(n, g)| **n == name || g.sid == name).map_or(name, |(n, _)| n.clone());
            if seen.insert(name.clone()) {
                open.extend(self.groups.iter().filter(|(_, g)| g.members.contains(&name)).map(|(n, _)| n.clone()));
            }
        }
        seen.into_iter().filter_map(|name| self.groups.get(&name).map(|g| Group { sid: g.sid.clone(), name })).collect()
    }

    /// Units of groups, as the directory knows them.
    pub fn units(&self) -> BTreeMap<String, Vec<String>> {
        let mut units: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, group) in &self.groups {
            if let Some(unit) = &group.unit {
                units.entry(unit.clone()).or_default().push(name.clone());
            }
        }
        units
    }
}

fn alive(person: &Person, now: Timestamp) -> Result<(), Error> {
    let expired = person.expires.is_some_and(|at| at <= now);
    if person.disabled || expired { Err(Error::Disabled) } else { Ok(()) }
}

fn read_group(mut fields: Fields<'_, '_>) -> Option<GroupEntry> {
    let sid = fields.req_text("sid").map(str::to_owned);
    let members = fields.texts("members").unwrap_or_default();
    let unit = fields.text("unit").map(str::to_owned);
    fields.close();
    Some(GroupEntry { sid: sid?, members, unit })
}

fn read_person(user: &str, mut fields: Fields<'_, '_>) -> Option<Person> {
    let sid = fields.req_text("sid").map(str::to_owned);
    let name = fields.req_text("name").map(str::to_owned);
    let upn = fields.text("upn").unwrap_or(user).to_owned();
    let mail = fields.text("mail").unwrap_or_default().to_owned();
    let groups = fields.texts("groups").unwrap_or_default();
    let disabled = fields.boolean("disabled").unwrap_or(false);
    let expires = fields.opt("expires").map(|node| (node.at, node.text().and_then(instant)));
    if let Some((at, None)) = expires {
        let key = fields.path("expires");
        fields.findings.error("LZ117", at, key, Text::new("Hier wird ein Datum erwartet (z. B. 2026-12-31).", "A date is expected here (2026-12-31)."));
        return None;
    }
    fields.close();
    Some(Person { user: user.to_owned(), sid: sid?, name: name?, upn, mail, groups, disabled, expires: expires.and_then(|(_, at)| at) })
}

/// A day ends at midnight UTC after it; an instant is an instant.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        return day.tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|z| z.timestamp());
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
groups:
  Alle: { sid: S-1, members: [Steuer, Kreis] }
  Steuer: { sid: S-2, unit: FB2 }
  Kreis: { sid: S-3, members: [Alle] }
users:
  anna: { sid: U-1, name: Anna, groups: [Steuer] }
  weg: { sid: U-2, name: Weg, groups: [Steuer], disabled: true }
  alt: { sid: U-3, name: Alt, groups: [Steuer], expires: 2026-01-01 }
";

    fn directory(text: &str) -> (Option<Directory>, Vec<String>) {
        let mut findings = Findings::new("d.yaml");
        let document = laufzettel_domain::document::parse(text, &mut findings).unwrap();
        let directory = Directory::read(&document, &mut findings);
        (directory, findings.into_sorted().into_iter().map(|f| format!("{} {} {}", f.code, f.line, f.key)).collect())
    }

    #[test]
    fn nested_groups_with_a_circle_and_dead_accounts() {
        let now = "2026-11-23T00:00:00Z".parse().unwrap();
        let (directory, findings) = directory(TEXT);
        assert_eq!(findings, Vec::<String>::new());
        let directory = directory.unwrap();
        let caller = directory.sign_in("anna", Via::Form, now).unwrap();
        let names: Vec<String> = directory.resolve(&caller, &[], now).unwrap().groups.into_iter().map(|g| g.name).collect();
        assert_eq!(names, ["Alle", "Kreis", "Steuer"]);
        assert_eq!(directory.sign_in("weg", Via::Form, now), Err(Error::Disabled));
        assert_eq!(directory.sign_in("alt", Via::Form, now), Err(Error::Disabled));
        assert_eq!(directory.sign_in("niemand", Via::Form, now), Err(Error::Unknown));
        let service = Caller::service("svc", Via::Intake);
        assert_eq!(directory.resolve(&service, &["S-2".to_owned()], now).unwrap().groups.len(), 3);
    }

    #[test]
    fn mistakes_are_found() {
        let (_, findings) = directory("groups: { A: { sid: S-1, member: [B] } }\nusers: { x: { sid: U, name: X, groups: [C] } }\n");
        assert_eq!(findings, ["LZ105 1 groups.A.member", "LZ120 2 users.x.groups"]);
    }
}
