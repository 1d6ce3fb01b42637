//! What a value is by its looks: account numbers, tax and pension identifiers, mail addresses, phone numbers, found by
//! their form and check digits. A finding raises the label of a value and nothing ever lowers it: this file owns the walk
//! and what each kind means, `detect/` the forms. It refuses to say *what* was found, only which kind and where; the
//! kinds alone go to the journal.

mod contact;
mod number;
mod scan;

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Kategorie, Label, Path, Schutzbedarf, Trust, Value};
use serde::{Deserialize, Serialize};

/// Bytes of text one value is searched for (16 MiB, as much as a tool may answer): a tenth of a second of work.
/// What lies beyond is not searched and counts as if every detector had struck, so that nobody hides behind length.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Levels a value may be nested (what the JSON reader itself takes); deeper counts like text beyond [`BYTES_MAX`].
const DEPTH_MAX: usize = 128;
/// Places told per kind: the journal says where, a table of ten thousand rows says it ten thousand times.
const PLACES_MAX: usize = 20;

/// What can be found. The words are those of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Detected {
    /// ISO 13616, check digits by ISO 7064 MOD 97-10.
    Iban,
    /// § 139b AO: eleven digits, ISO 7064 MOD 11,10.
    SteuerId,
    /// § 147 SGB VI, check digit by § 4 VKVV.
    Rentenversicherungsnummer,
    /// An address outside the house's own domains.
    Email,
    Telefon,
    /// Too long or too deep to search: counts as everything above.
    Undurchsucht,
}

impl Detected {
    pub const ALL: [Self; 6] = [Self::Iban, Self::SteuerId, Self::Rentenversicherungsnummer, Self::Email, Self::Telefon, Self::Undurchsucht];

    /// What finding this makes of a value. Always `trusted`: a finding says nothing about who may steer.
    pub fn label(self) -> Label {
        use Kategorie::{Personenbezogen, Sozialdaten, Steuerdaten};
        let (level, kategorien): (_, &[Kategorie]) = match self {
            Self::Iban | Self::Email | Self::Telefon => (Schutzbedarf::Normal, &[Personenbezogen]),
            Self::SteuerId => (Schutzbedarf::Hoch, &[Personenbezogen, Steuerdaten]),
            Self::Rentenversicherungsnummer => (Schutzbedarf::Hoch, &[Personenbezogen, Sozialdaten]),
            Self::Undurchsucht => (Schutzbedarf::Hoch, &[Personenbezogen, Sozialdaten, Steuerdaten]),
        };
        Label::new(level, kategorien.iter().copied(), Trust::Trusted)
    }
}

/// The label a value's looks demand: to be joined with what it has. `Label::default()` if nothing was found.
/// Addresses in `own_domains` are the house's own and raise nothing.
pub fn detect(value: &Value, own_domains: &[String]) -> Label {
    label_of(detect_kinds(value, own_domains).keys())
}

/// The same of a field's value: its name may say that a phone number stands there. What the name itself holds counts too.
pub fn detect_field(name: &str, value: &Value, own_domains: &[String]) -> Label {
    let mut walk = Walk { own_domains, bytes_left: BYTES_MAX, path: Vec::new(), found: BTreeMap::new() };
    walk.field(name, value);
    label_of(walk.found.keys())
}

/// The join of what these findings mean.
pub fn label_of<'d>(found: impl IntoIterator<Item = &'d Detected>) -> Label {
    found.into_iter().fold(Label::default(), |joined, kind| joined.join(&kind.label()))
}

/// What was found and where, at most [`PLACES_MAX`] places a kind. A key that itself holds a finding is written `*`.
pub fn detect_kinds(value: &Value, own_domains: &[String]) -> BTreeMap<Detected, BTreeSet<Path>> {
    let mut walk = Walk { own_domains, bytes_left: BYTES_MAX, path: Vec::new(), found: BTreeMap::new() };
    walk.value(value, false);
    walk.found
}

struct Walk<'w> {
    own_domains: &'w [String],
    bytes_left: usize,
    path: Vec<String>,
    found: BTreeMap<Detected, BTreeSet<Path>>,
}

impl Walk<'_> {
    /// `phone`: whether the field's name says that a phone number stands here.
    fn value(&mut self, value: &Value, phone: bool) {
        if self.path.len() > DEPTH_MAX {
            return self.note(Detected::Undurchsucht);
        }
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => drop(self.text(&number.to_string(), phone)),
            Value::String(text) => drop(self.text(text, phone)),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.below(index.to_string(), item, phone);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.field(name, field);
                }
            }
        }
    }

    fn field(&mut self, name: &str, value: &Value) {
        let told = if self.text(name, false) { "*".to_owned() } else { name.to_owned() };
        self.below(told, value, contact::names_a_phone(name));
    }

    fn below(&mut self, name: String, value: &Value, phone: bool) {
        self.path.push(name);
        self.value(value, phone);
        self.path.pop();
    }

    /// Whether anything was found in this text.
    fn text(&mut self, text: &str, phone: bool) -> bool {
        let Some(left) = self.bytes_left.checked_sub(text.len()) else {
            self.bytes_left = 0;
            self.note(Detected::Undurchsucht);
            return true;
        };
        self.bytes_left = left;
        let found = scan::scan(text, self.own_domains, phone);
        found.iter().for_each(|kind| self.note(*kind));
        !found.is_empty()
    }

    fn note(&mut self, kind: Detected) {
        let places = self.found.entry(kind).or_default();
        if places.len() < PLACES_MAX {
            places.insert(Path(self.path.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
