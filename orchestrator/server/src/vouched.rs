//! What the provider an applicant signed in at vouched for: kept with the run as a fact of its beginning (content, which goes with it),
//! shown beside what she wrote herself. No expression reads it, and nothing is decided by it: people compare.

use jiff::{Timestamp, civil::Date};
use laufzettel_domain::{Lang, Value};
use laufzettel_engine::Run;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    pages::{
        Shown,
        stand::Vouching,
        words::{format_date, format_moment, word},
    },
    site::TenantSite,
};

/// The fact's name.
const FACT: &str = "vouched";
/// Characters of a name: the longest an identity card has, twice.
pub const NAME_CHARS_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vouched {
    /// `None`: it names nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<Date>,
    pub loa: String,
    pub issuer: String,
    pub at: Timestamp,
}

impl Vouched {
    /// `None`: nobody had to sign in, or the contents are gone.
    pub fn of(run: &Run) -> Option<Self> {
        serde_json::from_value(run.facts.get(FACT)?.clone()).ok()
    }

    /// Whether both name the same person, as far as that can be told: whoever is named by half only is nobody again.
    pub fn names_same(&self, other: &Self) -> bool {
        self.name.is_some() && self.birthdate.is_some() && (&self.issuer, &self.name, self.birthdate) == (&other.issuer, &other.name, other.birthdate)
    }

    /// The facts a run begins with: `run.applicant` as expressions know it, and this beside it.
    pub fn facts(&self) -> Value {
        json!({ "applicant": { "loa": self.loa }, FACT: self })
    }

    /// As a report has it, a row each.
    pub fn rows(&self, tenant: &TenantSite, lang: Lang) -> Vec<Shown> {
        let Vouching { name, birthdate, level, issuer, at, .. } = self.view(tenant, false, lang);
        let row = |key: &str, text: String| Shown { label: word(key, lang).to_owned(), ..Shown::of(key, &Value::String(text), lang) };
        let named = [("vouched_name", name), ("vouched_birthdate", birthdate)].into_iter().filter_map(|(key, text)| Some(row(key, text?)));
        let always = [("vouched_loa", level), ("vouched_issuer", issuer), ("vouched_time", format_moment(at, lang))];
        named.chain(always.into_iter().map(|(key, text)| row(key, text))).collect()
    }

    /// As a page says it, to whoever applies (`hers`) or to the house.
    pub fn view(&self, tenant: &TenantSite, hers: bool, lang: Lang) -> Vouching {
        Vouching {
            name: self.name.clone(),
            birthdate: self.birthdate.map(|date| format_date(date, lang)),
            level: word(&format!("loa_{}", self.loa), lang).to_owned(),
            issuer: self.issuer.clone(),
            at: tenant.civil(self.at),
            hers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_person_is_named_in_full_by_the_same_provider() {
        let born = |year| Some(jiff::civil::date(year, 8, 12));
        let vouched = |issuer: &str, name: Option<&str>, birthdate, second| Vouched {
            name: name.map(str::to_owned),
            birthdate,
            loa: "hoch".into(),
            issuer: issuer.into(),
            at: Timestamp::from_second(second).unwrap(),
        };
        let erika = vouched("https://a", Some("Erika"), born(1964), 1);
        for (other, expected) in [
            (vouched("https://a", Some("Erika"), born(1964), 2), true),
            (vouched("https://a", Some("Max"), born(1964), 2), false),
            (vouched("https://a", Some("Erika"), born(1965), 2), false),
            (vouched("https://b", Some("Erika"), born(1964), 2), false),
            (vouched("https://a", Some("Erika"), None, 2), false),
            (vouched("https://a", None, born(1964), 2), false),
        ] {
            assert_eq!(erika.names_same(&other), expected, "{other:?}");
        }
        let half = vouched("https://a", Some("Erika"), None, 1);
        assert!(!half.names_same(&half), "two people may be called so");
    }
}
