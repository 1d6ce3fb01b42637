//! What a schema declares of protection: `x-schutzbedarf`, `x-kategorien`. Whichever keyword describes a value, what it declares counts:
//! beside a `$ref`, in `allOf`, in a branch that may hold. Refuses to guess: what it cannot follow is the strictest.
//!
//! Two declarations of one value are joined. Nearer than what a `$ref` leads to is what stands beside it. A branch (`anyOf`, `then`, …) may
//! raise; it never lowers, for the value may have come by another.

use std::{cell::Cell, collections::BTreeSet};

use laufzettel_domain::{
    Label, Path, Value,
    label::{Kategorie, Schutzbedarf},
};

use super::{Below, COMBINING, REF_DEPTH_MAX, Schema, has_type};

/// Schemas looked at for one answer: references to references to lists of references grow without end.
const SCHEMAS_MAX: usize = 20_000;

/// Keywords of schemas for the value itself, one of which may hold. Those of `allOf` and `$ref` hold whatever the value.
const BRANCHES: [&str; 5] = ["anyOf", "oneOf", "if", "then", "else"];

/// What is declared of one value, part by part.
#[derive(Default)]
struct Said {
    schutzbedarf: Option<Schutzbedarf>,
    kategorien: Option<BTreeSet<Kategorie>>,
}

impl Said {
    /// In this schema alone. An unknown word counts as the strictest.
    fn by(schema: &Value) -> Self {
        let parse = |kinds: &Value| -> Option<BTreeSet<Kategorie>> { kinds.as_array()?.iter().map(|kind| Kategorie::parse(kind.as_str()?)).collect() };
        Self {
            schutzbedarf: schema.get("x-schutzbedarf").map(|level| level.as_str().and_then(Schutzbedarf::parse).unwrap_or(Schutzbedarf::Hoch)),
            kategorien: schema.get("x-kategorien").map(|kinds| parse(kinds).unwrap_or_else(|| Label::strictest().kategorien)),
        }
    }

    /// What is not said here holds as it is said there.
    fn or(self, farther: Self) -> Self {
        Self { schutzbedarf: self.schutzbedarf.or(farther.schutzbedarf), kategorien: self.kategorien.or(farther.kategorien) }
    }

    /// Both hold.
    fn and(self, other: Self) -> Self {
        let kategorien = match (self.kategorien, other.kategorien) {
            (Some(one), Some(other)) => Some(one.union(&other).copied().collect()),
            (one, other) => one.or(other),
        };
        Self { schutzbedarf: self.schutzbedarf.max(other.schutzbedarf), kategorien }
    }

    fn over(self, above: &Label) -> Label {
        Label {
            schutzbedarf: self.schutzbedarf.unwrap_or(above.schutzbedarf),
            kategorien: self.kategorien.unwrap_or_else(|| above.kategorien.clone()),
            trust: above.trust,
        }
    }
}

/// A schema that describes a value, and whether it does so whatever the value.
type Holding<'s> = (&'s Value, bool);

impl Schema {
    /// The label of a field: its own `x-schutzbedarf` and `x-kategorien`, or the nearest ones above it, or `default`.
    pub fn label(&self, path: &[String], default: &Label) -> Label {
        let look = Look::of(self);
        look.at(path, default).map_or_else(|given| given, |(label, _)| label)
    }

    /// Labels of everything at and below a path, joined: what a value read whole may contain.
    pub fn label_whole(&self, path: &[String], default: &Label) -> Label {
        let look = Look::of(self);
        match look.at(path, default) {
            Ok((label, holding)) => look.all_below(&holding, &label),
            Err(label) => label,
        }
    }

    /// Whether everything that can stand at and below a path is declared no lower than `least`: what holds `least` may be put there.
    pub fn takes(&self, path: &[String], least: &Label, default: &Label) -> bool {
        let look = Look::of(self);
        match look.at(path, default) {
            Ok((label, holding)) => holding.iter().all(|(schema, _)| look.takes_below(schema, &label, least, 0)),
            Err(label) => covers(&label, least),
        }
    }
}

struct Look<'s> {
    schema: &'s Schema,
    left: Cell<usize>,
}

impl<'s> Look<'s> {
    fn of(schema: &'s Schema) -> Self {
        Self { schema, left: Cell::new(SCHEMAS_MAX) }
    }

    /// `None` once too much was looked at.
    fn count(&self) -> Option<()> {
        self.left.set(self.left.get().checked_sub(1)?);
        Some(())
    }

    /// The label at a path, and what describes the value there; `Err` is the label of what no schema is sure to describe.
    fn at(&self, path: &[String], default: &Label) -> Result<(Label, Vec<Holding<'s>>), Label> {
        let mut holding = vec![(&self.schema.root, true)];
        let mut label = self.over(&holding, default);
        for part in path {
            let here = self.spread(&holding).ok_or_else(Label::strictest)?;
            let next: Vec<Holding<'s>> = here.iter().flat_map(|(schema, always)| part_of(schema, part).map(|(inner, sure)| (inner, *always && sure))).collect();
            if !next.iter().any(|(_, always)| *always) {
                let open = here.iter().any(|(schema, _)| !matches!(self.schema.below(schema, part), Below::Nothing(_)));
                // whatever declares it, this keyword or that
                return Err(if open { label.join(&self.all_below(&here, &label)) } else { label });
            }
            label = self.over(&next, &label);
            holding = next;
        }
        Ok((label, holding))
    }

    /// With them everything that describes the same value. `None`: nobody can follow that.
    fn spread(&self, from: &[Holding<'s>]) -> Option<Vec<Holding<'s>>> {
        let mut all = from.to_vec();
        let mut next = 0;
        while let Some((schema, always)) = all.get(next).copied() {
            next += 1;
            self.count()?;
            for (inner, sure) in self.same(schema)? {
                // a circle ends where it began
                if !all.iter().any(|(known, held)| std::ptr::eq(*known, inner) && *held >= (always && sure)) {
                    all.push((inner, always && sure));
                }
            }
        }
        Some(all)
    }

    /// Schemas one step away that describe the same value. `None` for a reference to nowhere.
    fn same(&self, schema: &'s Value) -> Option<Vec<Holding<'s>>> {
        let mut found = Vec::new();
        if let Some(target) = self.schema.target(schema) {
            found.push((target?, true));
        }
        found.extend(members(schema));
        Some(found)
    }

    /// What these declare of one value, over what holds above it.
    fn over(&self, holding: &[Holding<'_>], above: &Label) -> Label {
        let (mut sure, mut maybe) = (Said::default(), Vec::new());
        for (schema, always) in holding {
            let Some((said, branches)) = self.said(schema, 0) else { return Label::strictest() };
            maybe.extend(branches);
            if *always {
                sure = sure.and(said);
            } else {
                maybe.push(said);
            }
        }
        let label = sure.over(above);
        maybe.into_iter().fold(label, |label, said| label.join(&said.over(&label)))
    }

    /// What a schema declares of its value, and what its branches do. `None`: nobody can follow that.
    fn said(&self, schema: &Value, depth: usize) -> Option<(Said, Vec<Said>)> {
        self.count()?;
        if depth > REF_DEPTH_MAX {
            return None;
        }
        let (mut said, mut branches) = (Said::by(schema), Vec::new());
        if let Some(target) = self.schema.target(schema) {
            let (farther, more) = self.said(target?, depth + 1)?;
            said = said.or(farther);
            branches.extend(more);
        }
        for (member, always) in members(schema) {
            let (inner, more) = self.said(member, depth + 1)?;
            branches.extend(more);
            if always {
                said = said.and(inner);
            } else {
                branches.push(inner);
            }
        }
        Some((said, branches))
    }

    fn all_below(&self, holding: &[Holding<'_>], own: &Label) -> Label {
        let labels: Vec<Label> = holding.iter().map(|(schema, _)| self.join_below(schema, own, 0)).collect();
        Label::join_all(&labels)
    }

    fn join_below(&self, schema: &Value, own: &Label, depth: usize) -> Label {
        if depth > REF_DEPTH_MAX || self.count().is_none() {
            return Label::strictest();
        }
        // what no schema below describes has what holds here
        let mut labels = if self.is_described(schema, 0) { Vec::new() } else { vec![own.clone()] };
        match self.schema.target(schema) {
            Some(Some(target)) => labels.push(self.join_below(target, own, depth + 1)),
            Some(None) => labels.push(Label::strictest()),
            None => {}
        }
        labels.extend(inner_schemas(schema).map(|inner| self.join_below(inner, &self.over(&[(inner, true)], own), depth + 1)));
        if labels.is_empty() { own.clone() } else { Label::join_all(&labels) }
    }

    fn takes_below(&self, schema: &Value, own: &Label, least: &Label, depth: usize) -> bool {
        if depth > REF_DEPTH_MAX || self.count().is_none() || !(self.is_described(schema, 0) || covers(own, least)) {
            return false;
        }
        let target = match self.schema.target(schema) {
            Some(Some(target)) => self.takes_below(target, own, least, depth + 1),
            Some(None) => false,
            None => true,
        };
        target && inner_schemas(schema).all(|inner| self.takes_below(inner, &self.over(&[(inner, true)], own), least, depth + 1))
    }

    /// Whether everything a value of this schema may hold stands in `properties`, `additionalProperties` or `items`, here or where its
    /// reference leads.
    fn is_described(&self, schema: &Value, depth: usize) -> bool {
        if depth > REF_DEPTH_MAX || COMBINING.iter().any(|k| schema.get(k).is_some()) {
            return false;
        }
        let fields = matches!(schema.get("additionalProperties"), Some(Value::Bool(false) | Value::Object(_)));
        let here = (has_type(schema, &["object"]) && fields) || (has_type(schema, &["array"]) && schema.get("items").is_some_and(Value::is_object));
        here || self.schema.target(schema).flatten().is_some_and(|target| self.is_described(target, depth + 1))
    }
}

fn covers(declared: &Label, least: &Label) -> bool {
    least.schutzbedarf <= declared.schutzbedarf && least.kategorien.is_subset(&declared.kategorien)
}

/// Schemas within one that describe the same value, and whether they do so whatever it is.
fn members(schema: &Value) -> impl Iterator<Item = Holding<'_>> {
    let all = schema.get("allOf").and_then(Value::as_array).into_iter().flatten().map(|member| (member, true));
    let one = |key: &'static str| match schema.get(key) {
        Some(Value::Array(listed)) => listed.iter().collect(),
        Some(single) => vec![single],
        None => Vec::new(),
    };
    let named = schema.get("dependentSchemas").and_then(Value::as_object).into_iter().flat_map(serde_json::Map::values);
    all.chain(BRANCHES.into_iter().flat_map(one).chain(named).map(|member| (member, false)))
}

/// What this schema alone says of a field or an entry, and whether it is sure to hold for it.
fn part_of<'s>(schema: &'s Value, part: &str) -> impl Iterator<Item = Holding<'s>> {
    let element = Path::is_element(part);
    // a number may be the name of a field and the place of an entry
    let object = !element || has_type(schema, &["object"]);
    let has = |key: &str| schema.get(key).is_some();
    let own = schema.get("properties").and_then(|fields| fields.get(part)).map(|field| (field, object));
    let more = schema.get("additionalProperties").filter(|more| own.is_none() && more.is_object());
    let more = more.map(|more| (more, object && !has("patternProperties")));
    let items = schema.get("items").filter(|items| element && items.is_object());
    let items = items.map(|items| (items, has_type(schema, &["array"]) && !has("prefixItems")));
    let patterns = schema.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(serde_json::Map::values);
    let first = schema.get("prefixItems").and_then(Value::as_array).into_iter().flatten().filter(move |_| element);
    let rest = ["unevaluatedProperties", "unevaluatedItems", "contains"].into_iter().filter_map(|key| schema.get(key));
    own.into_iter().chain(more).chain(items).chain(patterns.chain(first).chain(rest).map(|inner| (inner, false)))
}

/// Every schema directly within one, whichever keyword holds it.
fn inner_schemas(schema: &Value) -> impl Iterator<Item = &Value> {
    let named =
        ["properties", "patternProperties", "dependentSchemas"].into_iter().filter_map(|k| schema.get(k)?.as_object()).flat_map(serde_json::Map::values);
    let listed = ["allOf", "anyOf", "oneOf", "prefixItems"].into_iter().filter_map(|k| schema.get(k)?.as_array()).flatten();
    let single = ["items", "additionalProperties", "contains", "if", "then", "else", "unevaluatedProperties", "unevaluatedItems"];
    named.chain(listed).chain(single.into_iter().filter_map(|k| schema.get(k).filter(|s| s.is_object())))
}

#[cfg(test)]
mod tests {
    use laufzettel_domain::Trust;
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> Vec<String> {
        Path::new(text.split('.').filter(|part| !part.is_empty())).0
    }

    #[test]
    fn labels_come_from_the_nearest_declaration() {
        let schema = Schema::compile(json!({
            "type": "object", "required": ["name", "hund"], "additionalProperties": false,
            "properties": { "name": { "type": "string" }, "hund": { "$ref": "#/$defs/hund" },
                "liste": { "type": "array", "items": { "type": "object", "properties": { "x": { "type": "string", "x-schutzbedarf": "normal" } } } } },
            "$defs": { "hund": { "type": "object", "x-schutzbedarf": "niedrig", "x-kategorien": [],
                "properties": { "chip": { "type": "string" }, "rasse": { "type": "string", "x-kategorien": ["unbekannt"] } } } }
        }))
        .unwrap();
        let default = Label::new(Schutzbedarf::Hoch, [Kategorie::Steuerdaten], Trust::Untrusted);
        let label = |at: &str| schema.label_whole(&path(at), &default).to_string();
        assert_eq!(label("name"), "hoch, steuerdaten");
        assert_eq!(label("hund.chip"), "niedrig");
        assert_eq!(label("hund.rasse"), format!("niedrig, {}", Kategorie::ALL.map(|(n, _)| n).join(", ")));
        // what `x` does not describe has what holds at the list
        assert_eq!(label("liste"), "hoch, steuerdaten");
    }

    #[test]
    fn a_label_that_lowers_holds_only_for_what_it_describes() {
        let default = Label::new(Schutzbedarf::Normal, [], Trust::Untrusted);
        let low = json!({ "type": "string", "x-schutzbedarf": "kein" });
        let high = json!({ "type": "string", "x-schutzbedarf": "hoch" });
        for (block, expected) in [
            (json!({ "type": "object", "additionalProperties": false, "properties": { "x": low } }), "kein"),
            (json!({ "type": "object", "properties": { "x": low } }), "normal"),
            (json!({ "additionalProperties": false, "properties": { "x": low } }), "normal"),
            (json!({ "type": "object", "properties": { "x": low }, "additionalProperties": low }), "kein"),
            (json!({ "type": "object", "properties": { "x": low }, "additionalProperties": high }), "hoch"),
            (json!({ "type": "object", "additionalProperties": false, "properties": { "x": low }, "oneOf": [{ "properties": { "y": high } }] }), "hoch"),
            (json!({ "type": "object", "additionalProperties": false, "properties": { "x": low }, "patternProperties": { "^t": {} } }), "normal"),
            (json!({ "type": "array", "items": low }), "kein"),
            (json!({ "type": "array", "items": low, "prefixItems": [high] }), "hoch"),
            (json!({ "$ref": "#/$defs/low", "x-schutzbedarf": "hoch" }), "hoch"),
            (json!({ "$ref": "#/$defs/low" }), "kein"),
            (json!({ "$ref": "#/$defs/block" }), "kein"),
            (json!({ "$ref": "#/$defs/block", "properties": { "y": high } }), "hoch"),
            (json!({ "$ref": "#/$defs/block", "allOf": [{ "properties": { "y": high } }] }), "hoch"),
            (
                json!({ "$ref": "#/$defs/fehlt" }),
                "hoch, personenbezogen, vertraulich, sozialdaten, steuerdaten, meldedaten, personaldaten, art9, auskunftssperre",
            ),
        ] {
            let closed = json!({ "type": "object", "additionalProperties": false, "properties": { "x": low } });
            let root = json!({ "type": "object", "properties": { "block": block }, "$defs": { "low": low, "block": closed } });
            let schema = if block["$ref"] == "#/$defs/fehlt" { unresolved(&root) } else { Schema::compile(root.clone()).unwrap() };
            assert_eq!(schema.label_whole(&["block".to_owned()], &default).to_string(), expected, "{root}");
        }
    }

    /// A schema the validator would not build.
    fn unresolved(root: &Value) -> Schema {
        Schema { root: root.clone(), ..Schema::any() }
    }

    /// Whichever keyword declares a field, its label is the higher of what is said.
    #[test]
    fn every_declaration_of_a_field_counts() {
        let default = Label::new(Schutzbedarf::Niedrig, [], Trust::Untrusted);
        let iban = json!({ "properties": { "iban": { "x-schutzbedarf": "hoch", "x-kategorien": ["steuerdaten"] } } });
        let plain = json!({ "type": "object", "properties": { "iban": { "type": "string" } } });
        let with = |key: &str, value: Value| {
            let mut halter = plain.clone();
            halter[key] = value;
            halter
        };
        for (halter, expected) in [
            (plain.clone(), "niedrig"),
            (with("allOf", json!([{ "$ref": "#/$defs/person" }])), "hoch, steuerdaten"),
            (with("$ref", json!("#/$defs/person")), "hoch, steuerdaten"),
            (with("anyOf", json!([{}, iban])), "hoch, steuerdaten"),
            (with("then", iban.clone()), "hoch, steuerdaten"),
            (with("dependentSchemas", json!({ "x": { "allOf": [iban] } })), "hoch, steuerdaten"),
            (with("patternProperties", json!({ "^i": iban["properties"]["iban"] })), "hoch, steuerdaten"),
            // what stands beside a reference is nearer; a branch raises, and never lowers
            (json!({ "$ref": "#/$defs/person", "properties": { "iban": { "$ref": "#/$defs/konto", "x-schutzbedarf": "normal" } } }), "hoch, steuerdaten"),
            (json!({ "properties": { "iban": { "$ref": "#/$defs/konto", "x-schutzbedarf": "normal" } } }), "normal, steuerdaten"),
            (with("then", json!({ "properties": { "iban": { "x-schutzbedarf": "kein" } } })), "niedrig"),
            (with("allOf", json!([{ "properties": { "iban": { "x-schutzbedarf": "kein" } } }])), "kein"),
            // only a branch has it
            (json!({ "properties": { "name": { "x-schutzbedarf": "kein" } }, "then": iban }), "hoch, steuerdaten"),
            (json!({ "items": { "x-schutzbedarf": "hoch" } }), "hoch"),
        ] {
            let defs = json!({ "person": iban, "konto": iban["properties"]["iban"] });
            let schema = Schema::compile(json!({ "properties": { "halter": halter }, "$defs": defs })).unwrap();
            assert_eq!(schema.label(&path("halter.iban"), &default).to_string(), expected, "{halter}");
            let high = Label::new(Schutzbedarf::Hoch, [Kategorie::Steuerdaten], Trust::Untrusted);
            assert!(!schema.takes(&path("halter"), &high, &default), "{halter}");
        }
    }

    #[test]
    fn what_has_no_end_is_the_strictest() {
        let default = Label::new(Schutzbedarf::Kein, [], Trust::Untrusted);
        let circle = unresolved(&json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } }));
        assert_eq!(circle.label(&[], &default), Label::strictest());
        let tenfold = |below: &str| json!({ "properties": (0..10).map(|n| (n.to_string(), json!({ "$ref": below }))).collect::<serde_json::Map<_, _>>() });
        let mut defs: serde_json::Map<String, Value> = (0..12).map(|n| (format!("d{n}"), tenfold(&format!("#/$defs/d{}", n + 1)))).collect();
        defs.insert("d12".to_owned(), json!({ "type": "string" }));
        let wide = Schema::compile(json!({ "$ref": "#/$defs/d0", "$defs": defs })).unwrap();
        assert_eq!(wide.label_whole(&[], &default), Label::strictest());
        assert!(!wide.takes(&[], &default, &default));
        // a field of its own kind ends nowhere, and each one of them is known
        let tree = Schema::compile(json!({ "type": "object", "properties": { "kind": { "$ref": "#" }, "x": { "x-schutzbedarf": "normal" } } })).unwrap();
        assert_eq!(tree.label(&path("kind.kind.x"), &default).to_string(), "normal");
    }
}
