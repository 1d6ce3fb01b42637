//! Branches of a schema (`if`, `then`, `else`, `dependentRequired`, `dependentSchemas`, `allOf`), read into rules; what a form could not ask
//! by is refused by name.

use laufzettel_domain::{Path, Value};
use laufzettel_process::Schema;
use serde_json::Map;

use super::{
    Error,
    build::{Builder, is_object, refuse, strings},
    conditions::{Case, Guard, Rule, has},
};

/// Keywords that say something of the whole object which no field could be asked by.
const UNASKABLE: [&str; 6] = ["anyOf", "oneOf", "not", "patternProperties", "propertyNames", "minProperties"];
/// What a branch may hold.
const BRANCH: [&str; 14] = [
    "required",
    "properties",
    "not",
    "if",
    "then",
    "else",
    "allOf",
    "dependentRequired",
    "dependentSchemas",
    "type",
    "title",
    "description",
    "$comment",
    "additionalProperties",
];
/// Branches within each other: a reader loses the thread earlier.
const BRANCH_DEPTH_MAX: usize = 6;

/// A field that stands in a branch only, and what decides about it.
pub(super) struct Extra<'s> {
    pub name: String,
    pub schema: &'s Value,
    /// Names in the same object.
    pub decided_by: Vec<String>,
}

/// Where a branch stands.
struct Spot<'a, 's> {
    path: &'a Path,
    /// The object itself.
    base: &'s Value,
    case: Case,
    decided_by: Vec<String>,
}

impl Spot<'_, '_> {
    fn under(&self, guard: Guard, decided_by: Vec<String>) -> Self {
        let mut case = self.case.clone();
        case.push(guard);
        Self { path: self.path, base: self.base, case, decided_by: self.decided_by.iter().cloned().chain(decided_by).collect() }
    }

    fn declares(&self, name: &str) -> bool {
        self.base.get("properties").is_some_and(|properties| properties.get(name).is_some())
    }
}

impl<'s> Builder<'s> {
    /// The branches of an object: rules go to the form, fields that stand nowhere else come back.
    pub(super) fn branches(&mut self, schema: &'s Value, path: &Path) -> Result<Vec<Extra<'s>>, Error> {
        if let Some(keyword) = UNASKABLE.iter().find(|keyword| schema.get(**keyword).is_some_and(|inner| self.paged || asks_more(schema, inner))) {
            return Err(refuse(
                path,
                format!("„{keyword}“ über einen ganzen Block lässt sich nicht fragen; sagen Sie es mit „if“ und „then“"),
                format!("„{keyword}“ over a whole block cannot be asked; say it by „if“ and „then“"),
            ));
        }
        let mut extra = Vec::new();
        self.keywords(schema, &Spot { path, base: schema, case: Vec::new(), decided_by: Vec::new() }, &mut extra)?;
        Ok(extra)
    }

    fn keywords(&mut self, schema: &'s Value, at: &Spot<'_, 's>, extra: &mut Vec<Extra<'s>>) -> Result<(), Error> {
        if at.case.len() > BRANCH_DEPTH_MAX {
            return Err(refuse(at.path, "seine Bedingungen sind zu tief ineinander", "its conditions are nested too deeply"));
        }
        if let Some(test) = schema.get("if") {
            for (keyword, holds) in [("then", true), ("else", false)] {
                if let Some(branch) = schema.get(keyword) {
                    let guard = self.guard(test, at.path, holds)?;
                    self.branch(branch, &at.under(guard, self.named_in(test)), extra)?;
                }
            }
        }
        for (name, needs) in entries(schema, "dependentRequired") {
            let guard = self.guard(&has(&[name]), at.path, true)?;
            for needed in needs.as_array().into_iter().flatten().filter_map(Value::as_str) {
                self.rule(&at.path.child(needed), at).must.push(at.under(guard.clone(), Vec::new()).case);
            }
        }
        for (name, branch) in entries(schema, "dependentSchemas") {
            let guard = self.guard(&has(&[name]), at.path, true)?;
            self.branch(branch, &at.under(guard, vec![name.clone()]), extra)?;
        }
        for branch in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.branch(branch, at, extra)?;
        }
        Ok(())
    }

    fn branch(&mut self, schema: &'s Value, at: &Spot<'_, 's>, extra: &mut Vec<Extra<'s>>) -> Result<(), Error> {
        let Some(keys) = schema.as_object() else {
            return if schema == &Value::Bool(true) { Ok(()) } else { Err(refuse(at.path, "ein Zweig, in den nichts passt", "a branch that nothing fits")) };
        };
        if let Some(unknown) = keys.keys().find(|key| !BRANCH.contains(&key.as_str()) && !key.starts_with("x-")) {
            return Err(refuse(at.path, format!("„{unknown}“ in einem Zweig lässt sich nicht fragen"), format!("„{unknown}“ in a branch cannot be asked")));
        }
        for name in strings(schema, "required") {
            self.rule(&at.path.child(&name), at).must.push(at.case.clone());
        }
        for (name, field) in entries(schema, "properties") {
            self.branch_field(name, field, at, extra)?;
        }
        if let Some(not) = schema.get("not") {
            let names = strings(not, "required");
            let [name] = names.as_slice() else {
                return Err(refuse(
                    at.path,
                    "„not“ in einem Zweig darf ein Feld mit „required“ nennen, sonst nichts",
                    "„not“ in a branch may name one field by „required“, and nothing else",
                ));
            };
            self.rule(&at.path.child(name), at).never.push(at.case.clone());
        }
        self.keywords(schema, at, extra)
    }

    fn branch_field(&mut self, name: &str, field: &'s Value, at: &Spot<'_, 's>, extra: &mut Vec<Extra<'s>>) -> Result<(), Error> {
        let path = at.path.child(name);
        if field == &Value::Bool(false) {
            self.rule(&path, at).never.push(at.case.clone());
            return Ok(());
        }
        if !at.declares(name) {
            if at.base.get("additionalProperties") == Some(&Value::Bool(false)) {
                return Err(refuse(
                    &path,
                    "es steht nur in einem Zweig, und „additionalProperties: false“ lässt kein Feld zu, das nicht auch unter „properties“ des Blocks steht",
                    "it stands in a branch only, and “additionalProperties: false” takes no field that is not among the “properties” of the block",
                ));
            }
            self.rule(&path, at).only.push(at.case.clone());
            let known = extra.iter().any(|extra| extra.name == name);
            // a name alone declares nothing
            if !known && field.as_object().is_some_and(|keys| !keys.is_empty()) {
                extra.push(Extra { name: name.to_owned(), schema: field, decided_by: at.decided_by.clone() });
            }
            return Ok(());
        }
        // more about a block that is there; of a plain field the schema itself says the rest
        if is_object(field) && (field.get("properties").is_some() || field.get("required").is_some()) {
            let spot = Spot { path: &path, base: &at.base["properties"][name], case: at.case.clone(), decided_by: at.decided_by.clone() };
            let mut further = Vec::new();
            self.branch(field, &spot, &mut further)?;
            if let Some(new) = further.first() {
                return Err(refuse(
                    &path.child(&new.name),
                    "ein Zweig darf nur dem eigenen Block Felder hinzufügen",
                    "a branch may add fields to its own block only",
                ));
            }
        }
        Ok(())
    }

    fn guard(&self, test: &Value, path: &Path, holds: bool) -> Result<Guard, Error> {
        let mut test = test.clone();
        // references lead into the whole schema
        if let (Some(map), Some(shared)) = (test.as_object_mut(), self.root.get("$defs")) {
            map.entry("$defs").or_insert_with(|| shared.clone());
        }
        let test = Schema::compile(test)
            .map_err(|error| refuse(path, format!("seine Bedingung lässt sich nicht lesen: {error}"), format!("its condition cannot be read: {error}")))?;
        Ok(Guard { depth: path.0.len(), test, holds })
    }

    /// The names a condition looks at.
    fn named_in(&self, test: &Value) -> Vec<String> {
        let inner = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|key| test.get(key)?.as_array()).flatten();
        let inner = inner.chain(test.get("not")).flat_map(|test| self.named_in(test));
        entries(test, "properties").map(|(name, _)| name.clone()).chain(strings(test, "required")).chain(inner).collect()
    }

    fn rule(&mut self, path: &Path, at: &Spot<'_, 's>) -> &mut Rule {
        let declared = path.0.last().is_some_and(|name| at.declares(name));
        let at = self.rules.iter().position(|(known, _)| known == path).unwrap_or_else(|| {
            self.rules.push((path.clone(), Rule { declared, ..Rule::default() }));
            self.rules.len() - 1
        });
        &mut self.rules[at].1
    }
}

/// Whether one of the choices over a block has fields the block itself does not ask for.
fn asks_more(block: &Value, choices: &Value) -> bool {
    let known = |name: &str| block.get("properties").is_some_and(|fields| fields.get(name).is_some());
    let named = |choice: &Value| entries(choice, "properties").any(|(name, _)| !known(name)) || strings(choice, "required").iter().any(|name| !known(name));
    choices.as_array().is_some_and(|choices| choices.iter().any(named))
}

fn entries<'v>(schema: &'v Value, key: &str) -> impl Iterator<Item = (&'v String, &'v Value)> + use<'v> {
    schema.get(key).and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

/// After everything that decides about it; where nothing does, it stays.
pub(super) fn in_order(names: &mut Vec<String>, extra: &[Extra<'_>]) {
    for field in extra {
        let last = |names: &Vec<String>| names.iter().rposition(|name| field.decided_by.contains(name));
        if let (Some(at), Some(after)) = (names.iter().position(|name| *name == field.name), last(names))
            && at < after
        {
            let name = names.remove(at);
            names.insert(after, name);
        }
    }
}
