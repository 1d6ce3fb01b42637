//! Fields that depend on others: what `if`/`then`/`else`, `dependentRequired` and `dependentSchemas` of a schema mean for what is asked.
//!
//! A condition is tried on the object it stands in, by the schema's own rules; nothing is guessed from it. What no longer applies
//! leaves the value, and stays where it was typed.

use laufzettel_domain::{Path, Value};
use laufzettel_process::Schema;
use serde_json::{Map, json};

use super::{Depth, Field, Form, Group, List, Node, collect, is_part, lists};

/// When a field is asked and when it must be answered, beside what its object says anyway.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Rule {
    /// By the object itself, not only by a branch.
    pub declared: bool,
    pub only: Vec<Case>,
    pub must: Vec<Case>,
    pub never: Vec<Case>,
}

/// All of these hold. None: always.
pub(super) type Case = Vec<Guard>;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Guard {
    /// The object it is tried on: so many parts of the path of the field.
    pub depth: usize,
    pub test: Schema,
    pub holds: bool,
}

impl Guard {
    fn stands(&self, path: &Path, value: &Value) -> bool {
        let object = Path(path.0[..self.depth.min(path.0.len())].to_vec());
        let empty = Value::Object(Map::new());
        self.test.is_valid(object.find(value).unwrap_or(&empty)) == self.holds
    }
}

impl Rule {
    fn applies(&self, path: &Path, value: &Value) -> bool {
        (self.declared || any(&self.only, path, value)) && !any(&self.never, path, value)
    }

    /// Whether it is not always asked.
    fn is_branch(&self) -> bool {
        !self.declared || !self.never.is_empty()
    }
}

fn any(cases: &[Case], path: &Path, value: &Value) -> bool {
    cases.iter().any(|case| case.iter().all(|guard| guard.stands(path, value)))
}

/// The object has what `keys` name.
pub(super) fn has(keys: &[&str]) -> Value {
    json!({ "type": "object", "required": keys })
}

impl Form {
    /// The form for what was sent: with the entries that are there, and nothing that is not asked now.
    pub fn laid(&self, pairs: &[(String, String)]) -> Self {
        let form = self.expanded(pairs);
        if form.rules.is_empty() {
            return form;
        }
        let mut value = form.read(pairs).0;
        form.asked(&mut value)
    }

    /// The same for a value: what somebody was asked who gave it.
    pub fn answered(&self, value: &Value) -> Self {
        self.laid(&self.pairs(value))
    }

    /// What is asked given `value`; what is not asked leaves it.
    fn asked(self, value: &mut Value) -> Self {
        // what leaves the value may decide about others: each time something does, or it is over
        while let Some(path) = self.ruled().into_iter().find(|path| path.find(value).is_some() && !self.applies(path, value)) {
            remove(value, &path);
        }
        let sheets = self.sheets.iter().map(|nodes| self.kept(nodes, value)).collect();
        let objects = self.objects.iter().filter(|(path, _)| self.applies(path, value));
        let objects: Vec<_> = objects.map(|(path, required)| (path.clone(), *required || self.must(path, value))).collect();
        let mut form = Self { sheets, objects, ..self };
        let lists: Vec<Path> = form.lists().into_iter().map(|list| list.path.clone()).collect();
        let objects = form.objects.clone();
        form.sheets.iter_mut().for_each(|nodes| reach(nodes, &objects, &lists));
        form
    }

    /// Fields and lists that are not always asked, have not been, and have no answer yet.
    pub fn new_questions(&self, seen: &[String], pairs: &[(String, String)]) -> Vec<Path> {
        let blank = |path: &Path| {
            let prefix = format!("{path}.");
            !pairs.iter().any(|(name, value)| !value.trim().is_empty() && (*name == path.to_string() || name.starts_with(&prefix)))
        };
        self.branches(Depth::Entries).into_iter().filter(|path| !seen.contains(&path.to_string()) && blank(path)).collect()
    }

    /// Fields and lists before the person that are not always asked.
    pub fn shown_branches(&self) -> Vec<Path> {
        self.branches(Depth::Page)
    }

    fn branches(&self, depth: Depth) -> Vec<Path> {
        if self.rules.is_empty() {
            return Vec::new();
        }
        let is_branch = |path: &Path| prefixes(path).any(|part| self.rule(&part).is_some_and(Rule::is_branch));
        let (mut fields, mut lists) = (Vec::new(), Vec::new());
        for nodes in &self.sheets {
            collect(nodes, depth, &mut fields);
            lists::lists(nodes, depth == Depth::Entries, &mut lists);
        }
        let lists = lists.into_iter().map(|list| list.path.clone());
        fields.into_iter().map(|field| field.path.clone()).chain(lists).filter(is_branch).collect()
    }

    fn rule(&self, path: &Path) -> Option<&Rule> {
        let same = |known: &Path| known.0.len() == path.0.len() && known.0.iter().zip(&path.0).all(|(known, part)| is_part(known, part));
        self.rules.iter().find(|(known, _)| same(known)).map(|(_, rule)| rule)
    }

    fn applies(&self, path: &Path, value: &Value) -> bool {
        prefixes(path).all(|part| self.rule(&part).is_none_or(|rule| rule.applies(&part, value)))
    }

    fn must(&self, path: &Path, value: &Value) -> bool {
        self.rule(path).is_some_and(|rule| any(&rule.must, path, value))
    }

    /// Every path a rule speaks of, as it is here.
    fn ruled(&self) -> Vec<Path> {
        let fields = self.fields().into_iter().map(|field| field.path.clone());
        let lists = self.lists().into_iter().map(|list| list.path.clone());
        let all = self.objects.iter().map(|(path, _)| path.clone()).chain(lists).chain(fields);
        all.filter(|path| self.rule(path).is_some()).collect()
    }

    fn kept(&self, nodes: &[Node], value: &Value) -> Vec<Node> {
        let mut kept = Vec::new();
        for node in nodes {
            match node {
                Node::Field(field) if self.applies(&field.path, value) => {
                    let must = self.must(&field.path, value);
                    kept.push(Node::Field(Field { required: field.required || must, because: must && !field.required, conditional: false, ..field.clone() }));
                }
                Node::List(list) if self.applies(&list.path, value) => {
                    let entries = list.entries.iter().map(|nodes| self.kept(nodes, value)).collect();
                    kept.push(Node::List(List { required: list.required || self.must(&list.path, value), entries, ..list.clone() }));
                }
                Node::Group(group) => {
                    let needed = group.path.as_ref().is_some_and(|path| self.must(path, value));
                    kept.push(Node::Group(Group { nodes: self.kept(&group.nodes, value), optional: group.optional && !needed, ..group.clone() }));
                }
                Node::Field(_) | Node::List(_) => {}
            }
        }
        kept
    }
}

/// Which fields are needed because every object above them, up to the entry they stand in, is.
fn reach(nodes: &mut [Node], objects: &[(Path, bool)], lists: &[Path]) {
    for node in nodes {
        match node {
            Node::Field(field) => {
                let entry = lists.iter().filter(|list| list.covers(&field.path) && list.0.len() < field.path.0.len()).map(|list| list.0.len() + 1).max();
                let above = |path: &Path| path.covers(&field.path) && path.0.len() < field.path.0.len() && path.0.len() > entry.unwrap_or(0);
                field.reached = objects.iter().filter(|(path, _)| above(path)).all(|(_, required)| *required);
            }
            Node::Group(group) => reach(&mut group.nodes, objects, lists),
            Node::List(list) => list.entries.iter_mut().for_each(|nodes| reach(nodes, objects, lists)),
        }
    }
}

fn prefixes(path: &Path) -> impl Iterator<Item = Path> + '_ {
    (1..=path.0.len()).map(|length| Path(path.0[..length].to_vec()))
}

/// Takes out what stands at a path.
pub(super) fn remove(value: &mut Value, path: &Path) {
    let Some((last, above)) = path.0.split_last() else { return };
    let pointer: String = above.iter().map(|part| format!("/{part}")).collect();
    if let Some(Value::Object(map)) = value.pointer_mut(&pointer) {
        map.remove(last);
    }
}

#[cfg(test)]
mod tests;
