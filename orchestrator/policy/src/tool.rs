//! What a tenant declares of each tool, and whether a value may go into a call.

use std::collections::BTreeSet;

use laufzettel_domain::{Kategorie, Label, Schutzbedarf, Text, Trust, Value};
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

impl Effect {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Send => "send",
        }
    }

    pub fn text(self) -> Text {
        let (de, en) = match self {
            Self::Read => ("liest", "reads"),
            Self::Write => ("schreibt", "writes"),
            Self::Send => ("geht nach außen", "leaves the house"),
        };
        Text::new(de, en)
    }
}

/// Whether the server of a tool is told who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// By a delegation token with every call.
    Delegation,
    /// It takes none: only service accounts may use it.
    None,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolRule {
    /// Of the server it belongs to.
    pub identity: Identity,
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
    /// Its server says afterwards what became of a call. Of the server, as its approved definitions tell.
    pub settles: bool,
}

impl ToolRule {
    /// A read is idempotent by nature.
    pub fn is_repeatable(&self) -> bool {
        self.idempotent || self.effect == Effect::Read
    }

    /// Whether a doubtful call is asked about before a person is. What only reads is just made again.
    pub fn settles(&self) -> bool {
        self.settles && self.effect != Effect::Read
    }

    /// Whether this argument decides what a call does to the world.
    pub fn steers(&self, argument: &str) -> bool {
        self.effect != Effect::Read && !self.content.contains(argument)
    }

    /// This rule with what the server itself says of the tool (MCP `annotations`, as approved with its definition). They
    /// are the word of foreign code: believed where they make the rule stricter, never where they would loosen it.
    #[must_use]
    pub fn tightened(&self, annotations: &Value) -> Self {
        let mut rule = self.clone();
        if rule.effect == Effect::Read && says(annotations, "readOnlyHint", false) {
            rule.effect = Effect::Write;
        }
        if rule.effect == Effect::Write && says(annotations, "openWorldHint", true) {
            rule.effect = Effect::Send;
        }
        if says(annotations, "destructiveHint", true) || says(annotations, "idempotentHint", false) {
            rule.idempotent = false;
        }
        rule
    }

    /// What tightening changed, one sentence each.
    pub fn changes_to(&self, tightened: &Self) -> Vec<Text> {
        let effect = (self.effect != tightened.effect).then(|| {
            let (from, to) = (self.effect.as_str(), tightened.effect.as_str());
            Text::new(format!("zählt als {to} statt {from}"), format!("counts as {to} instead of {from}"))
        });
        let idempotent = (self.idempotent && !tightened.idempotent).then(|| Text::new("gilt nicht als idempotent", "does not count as idempotent"));
        effect.into_iter().chain(idempotent).collect()
    }
}

/// Whether an annotation says this in so many words; what is there but no yes or no counts as the stricter of the two.
fn says(annotations: &Value, name: &str, what: bool) -> bool {
    match annotations.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::Bool(said)) => *said == what,
        Some(_) => true,
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
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rule(effect: Effect, idempotent: bool) -> ToolRule {
        ToolRule {
            identity: Identity::Delegation,
            effect,
            idempotent,
            groups: vec![],
            content: BTreeSet::new(),
            yields: Yields::default(),
            clearance: Clearance::default(),
            undo: None,
            recipient: None,
            settles: false,
        }
    }

    #[test]
    fn what_may_be_repeated() {
        use Effect::{Read, Send, Write};
        for (effect, idempotent, expected) in
            [(Read, false, true), (Read, true, true), (Write, false, false), (Write, true, true), (Send, false, false), (Send, true, true)]
        {
            assert_eq!(rule(effect, idempotent).is_repeatable(), expected, "{effect:?} {idempotent}");
        }
    }

    /// A label counts as what its categories demand, however low it says it is.
    #[test]
    fn categories_demand_a_level() {
        for (kategorie, expected) in
            [(None, Schutzbedarf::Kein), (Some(Kategorie::Personenbezogen), Schutzbedarf::Normal), (Some(Kategorie::Steuerdaten), Schutzbedarf::Hoch)]
        {
            assert_eq!(effective_level(&Label::new(Schutzbedarf::Kein, kategorie, Trust::Trusted)), expected, "{kategorie:?}");
        }
    }

    #[test]
    fn annotations_tighten() {
        use Effect::{Read, Send, Write};
        for (declared, annotations, expected) in [
            ((Read, true), json!(null), (Read, true)),
            ((Read, true), json!({}), (Read, true)),
            ((Read, true), json!({"readOnlyHint": true}), (Read, true)),
            ((Read, true), json!({"readOnlyHint": false}), (Write, true)),
            ((Read, true), json!({"readOnlyHint": null}), (Read, true)),
            ((Read, true), json!({"readOnlyHint": "no"}), (Write, true)),
            ((Read, true), json!({"openWorldHint": true}), (Read, true)),
            ((Read, true), json!({"readOnlyHint": false, "openWorldHint": true}), (Send, true)),
            ((Write, true), json!({"openWorldHint": true}), (Send, true)),
            ((Write, true), json!({"openWorldHint": false}), (Write, true)),
            ((Write, true), json!({"destructiveHint": true}), (Write, false)),
            ((Write, true), json!({"destructiveHint": false}), (Write, true)),
            ((Write, true), json!({"idempotentHint": false}), (Write, false)),
            ((Write, true), json!({"idempotentHint": true}), (Write, true)),
            // never looser
            ((Write, false), json!({"readOnlyHint": true, "idempotentHint": true, "destructiveHint": false}), (Write, false)),
            ((Send, false), json!({"readOnlyHint": true, "openWorldHint": false, "idempotentHint": true}), (Send, false)),
        ] {
            let found = rule(declared.0, declared.1).tightened(&annotations);
            assert_eq!(found, rule(expected.0, expected.1), "{declared:?} {annotations}");
        }
    }

    #[test]
    fn what_was_tightened_is_said() {
        let told = |from: ToolRule, to: ToolRule| from.changes_to(&to).into_iter().map(|t| format!("{} | {}", t.de, t.en)).collect::<Vec<_>>();
        assert_eq!(told(rule(Effect::Read, true), rule(Effect::Read, true)), Vec::<String>::new());
        assert_eq!(told(rule(Effect::Read, false), rule(Effect::Write, false)), ["zählt als write statt read | counts as write instead of read"]);
        assert_eq!(
            told(rule(Effect::Write, true), rule(Effect::Send, false)),
            ["zählt als send statt write | counts as send instead of write", "gilt nicht als idempotent | does not count as idempotent"]
        );
    }

    proptest! {
        /// Whatever foreign code says of itself: the rule is never looser, and saying it twice changes nothing more.
        #[test]
        fn annotations_never_loosen(effect in 0..3usize, idempotent in any::<bool>(), hints in proptest::collection::vec(proptest::option::of(any::<bool>()), 4)) {
            let declared = rule([Effect::Read, Effect::Write, Effect::Send][effect], idempotent);
            let names = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];
            let annotations: Value = Value::Object(names.iter().zip(hints).map(|(name, hint)| ((*name).to_owned(), json!(hint))).collect());
            let tight = declared.tightened(&annotations);
            prop_assert!(tight.effect >= declared.effect);
            prop_assert!(tight.idempotent <= declared.idempotent);
            prop_assert!(tight.is_repeatable() <= declared.is_repeatable());
            prop_assert_eq!(tight.tightened(&annotations), tight.clone());
            prop_assert_eq!(ToolRule { effect: declared.effect, idempotent, ..tight }, declared);
        }
    }

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
            (json!(["amt@vg.example", "weber@example.org"]), AddressClass::Beteiligte),
            (json!(["amt@vg.example"]), AddressClass::Haus),
            (json!(["amt@vg.example", 7]), AddressClass::Andere),
            (json!("@vg.example"), AddressClass::Andere),
            (json!("<amt@vg.example"), AddressClass::Andere),
            (json!("ein amt@vg.example"), AddressClass::Andere),
            (json!(7), AddressClass::Andere),
            (json!([]), AddressClass::Andere),
        ] {
            assert_eq!(address_class(&value, &own, &contacts), expected, "{value}");
        }
    }
}
