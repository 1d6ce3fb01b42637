//! Labels: how much protection a value needs, of what kind it is, and whether its author is ours.
//!
//! Three lattices joined part by part (Denning 1976; the integrity part as in Biba 1977, with `inert` between the two ends).

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

/// Protection need. The four names of the Land's scale; BSI's "sehr hoch" is `hoch` plus categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schutzbedarf {
    #[default]
    Kein,
    Niedrig,
    Normal,
    Hoch,
}

impl Schutzbedarf {
    pub const ALL: [(&str, Self); 4] = [("kein", Self::Kein), ("niedrig", Self::Niedrig), ("normal", Self::Normal), ("hoch", Self::Hoch)];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, level)| *level)
    }

    pub fn as_str(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// What kind of data a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kategorie {
    Personenbezogen,
    Vertraulich,
    Sozialdaten,
    Steuerdaten,
    Meldedaten,
    Personaldaten,
    Art9,
    Auskunftssperre,
}

impl Kategorie {
    pub const ALL: [(&str, Self); 8] = [
        ("personenbezogen", Self::Personenbezogen),
        ("vertraulich", Self::Vertraulich),
        ("sozialdaten", Self::Sozialdaten),
        ("steuerdaten", Self::Steuerdaten),
        ("meldedaten", Self::Meldedaten),
        ("personaldaten", Self::Personaldaten),
        ("art9", Self::Art9),
        ("auskunftssperre", Self::Auskunftssperre),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, k)| *k)
    }

    pub fn as_str(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// Whether a value may steer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// Foreign text: data, never an order.
    Untrusted,
    /// Of foreign origin, but of a type that cannot carry an instruction.
    Inert,
    /// From an author, a staff member, or a tool declared so.
    #[default]
    Trusted,
}

impl Trust {
    pub const ALL: [(&str, Self); 3] = [("untrusted", Self::Untrusted), ("inert", Self::Inert), ("trusted", Self::Trusted)];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, t)| *t)
    }

    pub fn as_str(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// The label of a value. `Label::default()` is that of a literal in the process file: trusted, no protection need.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Label {
    pub schutzbedarf: Schutzbedarf,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kategorien: BTreeSet<Kategorie>,
    pub trust: Trust,
}

impl Label {
    pub fn new(schutzbedarf: Schutzbedarf, kategorien: impl IntoIterator<Item = Kategorie>, trust: Trust) -> Self {
        Self { schutzbedarf, kategorien: kategorien.into_iter().collect(), trust }
    }

    /// The strictest of all: what a value counts as whose label cannot be determined.
    pub fn strictest() -> Self {
        Self::new(Schutzbedarf::Hoch, Kategorie::ALL.map(|(_, k)| k), Trust::Untrusted)
    }

    /// Level: maximum. Categories: union. Trust: minimum.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self {
            schutzbedarf: self.schutzbedarf.max(other.schutzbedarf),
            kategorien: self.kategorien.union(&other.kategorien).copied().collect(),
            trust: self.trust.min(other.trust),
        }
    }

    pub fn join_all<'a>(labels: impl IntoIterator<Item = &'a Self>) -> Self {
        labels.into_iter().fold(Self::default(), |joined, label| joined.join(label))
    }

    #[must_use]
    pub fn with_trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }
}

impl fmt::Display for Label {
    /// `hoch, steuerdaten, personenbezogen`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.schutzbedarf.as_str())?;
        for kategorie in &self.kategorien {
            write!(f, ", {}", kategorie.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn label() -> impl Strategy<Value = Label> {
        (0..4usize, proptest::collection::btree_set(0..8usize, 0..8), 0..3usize)
            .prop_map(|(s, k, t)| Label::new(Schutzbedarf::ALL[s].1, k.into_iter().map(|i| Kategorie::ALL[i].1), Trust::ALL[t].1))
    }

    proptest! {
        #[test]
        fn join_is_a_semilattice(a in label(), b in label(), c in label()) {
            prop_assert_eq!(a.join(&b), b.join(&a));
            prop_assert_eq!(a.join(&b).join(&c), a.join(&b.join(&c)));
            prop_assert_eq!(a.join(&a), a.clone());
            prop_assert_eq!(a.join(&Label::default()), a.clone());
            prop_assert_eq!(a.join(&Label::strictest()), Label::strictest());
        }
    }
}
