//! What a tenant declares of each tool, and whether a value may go into a call.

use std::collections::BTreeSet;

use laufzettel_domain::{Kategorie, Label, Schutzbedarf, Trust, Value};
use serde::{Deserialize, Serialize};

/// What a tool does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    Read,
    /// Changes something in the house.
    Write,
    /// Leaves the house or cannot be undone.
    Send,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolRule {
    pub effect: Effect,
    pub idempotent: bool,
    pub groups: Vec<String>,
    /// Arguments that are mere content; all others steer.
    pub content: BTreeSet<String>,
    pub yields: Yields,
    pub clearance: Clearance,
    /// The tool a step's `undo` may call.
    pub undo: Option<String>,
    /// The argument that names who receives a `send`.
    pub recipient: Option<String>,
}

impl ToolRule {
    /// A read is idempotent by nature.
    pub fn is_repeatable(&self) -> bool {
        self.idempotent || self.effect == Effect::Read
    }

    /// Whether this argument decides what a call does to the world.
    pub fn steers(&self, argument: &str) -> bool {
        self.effect != Effect::Read && !self.content.contains(argument)
    }
}

/// The label of a tool's result. Default: untrusted and `hoch`, with the process's categories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yields {
    pub schutzbedarf: Schutzbedarf,
    pub kategorien: Option<BTreeSet<Kategorie>>,
    pub trust: Trust,
}

impl Default for Yields {
    fn default() -> Self {
        Self { schutzbedarf: Schutzbedarf::Hoch, kategorien: None, trust: Trust::Untrusted }
    }
}

/// Up to which level a value may enter a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clearance {
    Level(Schutzbedarf),
    /// For `send`: by class of recipient.
    Recipients {
        haus: Schutzbedarf,
        beteiligte: Schutzbedarf,
        andere: Schutzbedarf,
    },
}

impl Default for Clearance {
    fn default() -> Self {
        Self::Level(Schutzbedarf::Kein)
    }
}

/// Who an address belongs to. Ordered from the most to the least trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressClass {
    Haus,
    Beteiligte,
    Andere,
}

/// The class of a recipient argument: of several addresses the strictest; what is no address is `Andere`.
pub fn address_class(recipient: &Value, own_domains: &[String], contacts: &BTreeSet<String>) -> AddressClass {
    let texts: Vec<&str> = match recipient {
        Value::String(text) => text.split([',', ';']).collect(),
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap_or_default()).collect(),
        _ => return AddressClass::Andere,
    };
    texts.iter().map(|text| one_address(text.trim(), own_domains, contacts)).max().unwrap_or(AddressClass::Andere)
}

fn one_address(address: &str, own_domains: &[String], contacts: &BTreeSet<String>) -> AddressClass {
    let Some((local, domain)) = address.rsplit_once('@') else { return AddressClass::Andere };
    if local.is_empty() || address.contains(['<', '>', '"', ' ', '\r', '\n']) {
        return AddressClass::Andere;
    }
    if contacts.contains(address) {
        AddressClass::Beteiligte
    } else if own_domains.iter().any(|own| own.eq_ignore_ascii_case(domain)) {
        AddressClass::Haus
    } else {
        AddressClass::Andere
    }
}

impl Clearance {
    pub fn level_for(&self, class: AddressClass) -> Schutzbedarf {
        match self {
            Self::Level(level) => *level,
            Self::Recipients { haus, beteiligte, andere } => match class {
                AddressClass::Haus => *haus,
                AddressClass::Beteiligte => *beteiligte,
                AddressClass::Andere => *andere,
            },
        }
    }
}

/// The level a label counts as: its own, or what its categories demand.
pub fn effective_level(label: &Label) -> Schutzbedarf {
    label.kategorien.iter().map(|k| crate::zone::minimum_level(*k)).fold(label.schutzbedarf, Ord::max)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses() {
        let own = ["vg.example".to_owned()];
        let contacts = BTreeSet::from(["weber@example.org".to_owned()]);
        for (value, expected) in [
            (json!("amt@vg.example"), AddressClass::Haus),
            (json!("amt@VG.example"), AddressClass::Haus),
            (json!("weber@example.org"), AddressClass::Beteiligte),
            (json!("amt@vg.example, weber@example.org"), AddressClass::Beteiligte),
            (json!(["amt@vg.example", "x@evil.example"]), AddressClass::Andere),
            (json!("x@vg.example.evil.example"), AddressClass::Andere),
            (json!("\"a@vg.example\" <x@evil.example>"), AddressClass::Andere),
            (json!("a@vg.example\r\nBcc: x@evil.example"), AddressClass::Andere),
            (json!(7), AddressClass::Andere),
            (json!([]), AddressClass::Andere),
        ] {
            assert_eq!(address_class(&value, &own, &contacts), expected, "{value}");
        }
    }
}
