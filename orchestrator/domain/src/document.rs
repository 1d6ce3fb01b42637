//! A YAML document as a tree in which every node knows its line and column.
//!
//! YAML 1.2 core schema; anchors, aliases, merge keys, tags and duplicate keys are findings. The tree is read key by
//! key, so that a file's findings are all reported, not only the first. Refuses to know what any key means.

pub mod fields;
mod parse;

pub use fields::Fields;
pub use parse::parse;

use crate::{Path, Text, Value};

/// Where something stands: line and column, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub kind: Kind,
    pub at: Place,
    /// Where the scalar's text begins in the file, if it can be said in one place (no block scalar, no escapes).
    pub block: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub at: Place,
    pub node: Node,
}

/// A parsed file.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub file: String,
    pub root: Node,
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(b) => Value::Bool(*b),
            Kind::Number(n) => Value::Number(n.clone()),
            Kind::Text(t) => Value::String(t.clone()),
            Kind::List(items) => items.iter().map(Self::to_value).collect(),
            Kind::Map(entries) => Value::Object(entries.iter().map(|e| (e.key.clone(), e.node.to_value())).collect()),
        }
    }

    /// The node at `path`, or the deepest one on the way to it: findings about a value point at its place in the file.
    pub fn nearest(&self, path: &Path) -> &Self {
        let mut node = self;
        for part in &path.0 {
            let next = match &node.kind {
                Kind::Map(_) => node.get(part),
                Kind::List(items) => part.parse::<usize>().ok().and_then(|i| items.get(i)),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// What kind of node this is, in words.
    pub fn word(&self) -> Text {
        match &self.kind {
            Kind::Null => Text::new("nichts", "nothing"),
            Kind::Bool(_) => Text::new("ja/nein (true/false)", "true/false"),
            Kind::Number(_) => Text::new("eine Zahl", "a number"),
            Kind::Text(_) => Text::new("ein Text", "a text"),
            Kind::List(_) => Text::new("eine Liste", "a list"),
            Kind::Map(_) => Text::new("ein Block mit Schlüsseln", "a block with keys"),
        }
    }
}
