//! An entry as the directory sends it, and what it says about a person's account.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ldap3::{
    ResultEntry,
    asn1::{PL, StructureTag},
};

use super::sid;
use crate::Person;

/// `ACCOUNTDISABLE` of userAccountControl.
const DISABLED: i64 = 0x2;
/// `LOCKOUT` of msDS-User-Account-Control-Computed: true only while the lock lasts.
const LOCKED: i64 = 0x10;
/// 1601-01-01 to 1970-01-01 in the directory's unit of 100 ns.
const EPOCH_100NS: i64 = 116_444_736_000_000_000;
/// What a person or a group is read by.
pub const OWN: [&str; 13] = [
    "objectSid",
    "sAMAccountName",
    "userPrincipalName",
    "displayName",
    "cn",
    "mail",
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "lockoutTime",
    "accountExpires",
    "primaryGroupID",
    "tokenGroups",
    "memberOf",
];

/// Attributes by lower-case name, values as bytes: nothing is guessed about what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub dn: String,
    pub attributes: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    /// `None`: not an entry, or none that can be read. A referral is none: this house follows nobody elsewhere.
    pub fn read(found: ResultEntry) -> Option<Self> {
        // SearchResultEntry ::= [APPLICATION 4] SEQUENCE { objectName, attributes }
        let mut parts = constructed(found.0.match_id(4)?)?.into_iter();
        let dn = String::from_utf8(primitive(parts.next()?)?).ok()?;
        let mut attributes = BTreeMap::new();
        for attribute in constructed(parts.next()?)? {
            let mut parts = constructed(attribute)?.into_iter();
            let name = String::from_utf8(primitive(parts.next()?)?).ok()?.to_lowercase();
            let values = constructed(parts.next()?)?.into_iter().map(primitive).collect::<Option<Vec<_>>>()?;
            attributes.insert(name, values);
        }
        Some(Self { dn, attributes })
    }

    pub fn values(&self, name: &str) -> &[Vec<u8>] {
        self.attributes.get(&name.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.values(name).first().and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    fn integer(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    pub fn sid(&self) -> Option<String> {
        self.values("objectSid").first().and_then(|bytes| sid::to_text(bytes))
    }

    pub fn primary_group(&self) -> Option<String> {
        let last = u32::try_from(self.integer("primaryGroupID")?).ok()?;
        sid::sibling(&self.sid()?, last)
    }

    /// The person of this entry. What cannot be read of the account counts against it.
    pub fn person(&self) -> Option<Person> {
        let word = |name: &str| self.text(name).unwrap_or_default().to_owned();
        let user = word("sAMAccountName");
        let name = self.text("displayName").or(self.text("cn")).unwrap_or(&user).to_owned();
        let expires = self.expires();
        let disabled = self.integer("userAccountControl").is_none_or(|flags| flags & DISABLED != 0);
        Some(Person {
            sid: self.sid()?,
            name,
            upn: word("userPrincipalName"),
            mail: word("mail"),
            groups: Vec::new(),
            disabled: disabled || self.is_locked() || expires.is_err(),
            expires: expires.unwrap_or(None),
            user,
        })
    }

    /// Computed by the directory while the lock lasts; a directory that does not compute it leaves the time of the lock.
    fn is_locked(&self) -> bool {
        match self.integer("msDS-User-Account-Control-Computed") {
            Some(flags) => flags & LOCKED != 0,
            None => self.text("lockoutTime").is_some_and(|at| at != "0"),
        }
    }

    /// When the account ends: 0 and the largest number mean never, and so does what lies beyond the calendar.
    fn expires(&self) -> Result<Option<Timestamp>, ()> {
        let Some(written) = self.text("accountExpires") else { return Ok(None) };
        match written.parse::<i64>() {
            Err(_) => Err(()),
            Ok(0 | i64::MAX) => Ok(None),
            Ok(at) if at < 0 => Err(()),
            Ok(at) => Ok(Timestamp::from_microsecond((at - EPOCH_100NS) / 10).ok()),
        }
    }
}

fn constructed(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &str)]) -> Entry {
        let sid = super::sid::to_bytes("S-1-5-21-1-2-3-1104").unwrap();
        let texts = attributes.iter().map(|(name, value)| (name.to_lowercase(), vec![value.as_bytes().to_vec()]));
        Entry { dn: "CN=a".into(), attributes: texts.chain([("objectsid".to_owned(), vec![sid])]).collect() }
    }

    #[test]
    fn what_an_account_says() {
        let ends = "2026-12-31T23:00:00Z".parse::<Timestamp>().unwrap();
        let ends_100ns = (ends.as_microsecond() * 10 + EPOCH_100NS).to_string();
        for (attributes, expected) in [
            (vec![("userAccountControl", "512")], (false, None)),
            (vec![("userAccountControl", "514")], (true, None)),
            // what may not be read counts against the account
            (vec![], (true, None)),
            (vec![("userAccountControl", "512"), ("msDS-User-Account-Control-Computed", "16")], (true, None)),
            // the lock has run out: the time it began still stands there
            (vec![("userAccountControl", "512"), ("msDS-User-Account-Control-Computed", "0"), ("lockoutTime", "133")], (false, None)),
            (vec![("userAccountControl", "512"), ("lockoutTime", "133")], (true, None)),
            (vec![("userAccountControl", "512"), ("accountExpires", "0")], (false, None)),
            (vec![("userAccountControl", "512"), ("accountExpires", "9223372036854775807")], (false, None)),
            (vec![("userAccountControl", "512"), ("accountExpires", "bald")], (true, None)),
            (vec![("userAccountControl", "512"), ("accountExpires", "-1")], (true, None)),
            (vec![("userAccountControl", "512"), ("accountExpires", &ends_100ns)], (false, Some(ends))),
        ] {
            let person = entry(&attributes).person().unwrap();
            assert_eq!((person.disabled, person.expires), expected, "{attributes:?}");
        }
        assert_eq!(entry(&[("primaryGroupID", "513")]).primary_group().as_deref(), Some("S-1-5-21-1-2-3-513"));
    }
}
