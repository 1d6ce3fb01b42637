//! A directory as a file: groups with members, users with groups. Nested membership is resolved at every question.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use laufzettel_domain::{Document, Findings, Text, document::Fields, finding};
use laufzettel_policy::Group;

use crate::{Claims, Error, Person, alive};

#[derive(Debug, Clone, PartialEq, Eq)]
struct GroupEntry {
    sid: String,
    /// Groups whose members are members of this one.
    members: Vec<String>,
    unit: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileDirectory {
    groups: BTreeMap<String, GroupEntry>,
    users: BTreeMap<String, Person>,
}

impl FileDirectory {
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

    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// Somebody by sign-in name, subject or UPN.
    pub fn person(&self, name_or_subject: &str) -> Option<&Person> {
        let other = || self.users.values().find(|p| p.sid == name_or_subject || p.upn == name_or_subject);
        self.users.get(name_or_subject).or_else(other)
    }

    /// Whom a sign-in name stands for. Disabled and expired accounts are refused.
    pub fn sign_in(&self, user: &str, now: Timestamp) -> Result<&Person, Error> {
        alive(self.users.get(user).ok_or(Error::Unknown)?, now)
    }

    /// The entry an identity provider speaks of: by SID where it passes one on, else by UPN or sign-in name.
    pub fn by_claims(&self, claims: &Claims, now: Timestamp) -> Result<&Person, Error> {
        let person = match &claims.sid {
            Some(sid) => self.users.values().find(|p| p.sid == *sid),
            None => self.users.values().find(|p| !claims.upn.is_empty() && (p.upn == claims.upn || p.user == claims.upn)),
        };
        alive(person.ok_or(Error::Unknown)?, now)
    }

    pub fn groups_of(&self, subject: &str, now: Timestamp) -> Result<Vec<Group>, Error> {
        let person = self.users.values().find(|p| p.sid == subject).ok_or(Error::Unknown)?;
        Ok(self.expand(alive(person, now)?.groups.clone()))
    }

    /// All groups a member of this one is in, itself first.
    pub fn memberships(&self, group: &str) -> Option<Vec<Group>> {
        let (name, _) = self.groups.iter().find(|(n, g)| *n == group || g.sid == group)?;
        let mut reached = self.expand(vec![name.clone()]);
        reached.sort_by_key(|g| g.name != *name);
        Some(reached)
    }

    /// All groups reached from these: a group contains the members of the groups it lists. Circles end by themselves.
    pub fn expand(&self, direct: Vec<String>) -> Vec<Group> {
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

    fn directory(text: &str) -> (Option<FileDirectory>, Vec<String>) {
        let mut findings = Findings::new("d.yaml");
        let document = laufzettel_domain::document::parse(text, &mut findings).unwrap();
        let directory = FileDirectory::read(&document, &mut findings);
        (directory, findings.into_sorted().into_iter().map(|f| format!("{} {} {}", f.code, f.line, f.key)).collect())
    }

    fn names(groups: Vec<Group>) -> Vec<String> {
        groups.into_iter().map(|g| g.name).collect()
    }

    #[test]
    fn nested_groups_with_a_circle_and_dead_accounts() {
        let now = "2026-11-23T00:00:00Z".parse().unwrap();
        let (directory, findings) = directory(TEXT);
        assert_eq!(findings, Vec::<String>::new());
        let directory = directory.unwrap();
        assert_eq!(directory.sign_in("anna", now).map(|p| p.sid.as_str()), Ok("U-1"));
        assert_eq!(names(directory.groups_of("U-1", now).unwrap()), ["Alle", "Kreis", "Steuer"]);
        assert_eq!(directory.sign_in("weg", now), Err(Error::Disabled));
        assert_eq!(directory.sign_in("alt", now), Err(Error::Disabled));
        assert_eq!(directory.sign_in("niemand", now), Err(Error::Unknown));
        assert_eq!(names(directory.expand(vec!["S-2".to_owned()])), ["Alle", "Kreis", "Steuer"]);
        assert_eq!(directory.memberships("S-2").map(names), Some(vec!["Steuer".to_owned(), "Alle".into(), "Kreis".into()]));
        assert_eq!(directory.memberships("nie"), None);
    }

    #[test]
    fn claims_lead_to_an_entry_or_to_nobody() {
        let now = "2026-11-23T00:00:00Z".parse().unwrap();
        let directory = directory(TEXT).0.unwrap();
        let claims = |sid: Option<&str>, upn: &str| Claims { sub: "x".into(), sid: sid.map(str::to_owned), upn: upn.into(), ..Claims::default() };
        for (sid, upn, expected) in [
            (Some("U-1"), "", Ok("U-1")),
            (None, "anna", Ok("U-1")),
            // a SID that is not there is not made good by a name
            (Some("U-9"), "anna", Err(Error::Unknown)),
            (None, "", Err(Error::Unknown)),
            (Some("U-2"), "", Err(Error::Disabled)),
        ] {
            assert_eq!(directory.by_claims(&claims(sid, upn), now).map(|p| p.sid.as_str()), expected, "{sid:?} {upn}");
        }
    }

    #[test]
    fn mistakes_are_found() {
        let (_, findings) = directory("groups: { A: { sid: S-1, member: [B] } }\nusers: { x: { sid: U, name: X, groups: [C] } }\n");
        assert_eq!(findings, ["LZ105 1 groups.A.member", "LZ120 2 users.x.groups"]);
    }
}
