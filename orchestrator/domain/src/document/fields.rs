//! Reading a block key by key: what is missing, unknown or of the wrong type becomes a finding, and reading goes on.

use super::{Kind, Node, Place};
use crate::{Findings, Span, Text, finding};

/// A block being read. Every key asked for counts as known; `close` reports the others.
pub struct Fields<'n, 'f> {
    node: &'n Node,
    key: String,
    known: Vec<&'static str>,
    pub findings: &'f mut Findings,
}

impl<'n, 'f> Fields<'n, 'f> {
    /// `None` (and a finding) if `node` is no block. `key` is its path in the file, empty for the root.
    pub fn open(node: &'n Node, key: impl Into<String>, findings: &'f mut Findings) -> Option<Self> {
        let key = key.into();
        if !matches!(node.kind, Kind::Map(_)) {
            wrong_type(node, &key, &Text::new("ein Block mit Schlüsseln", "a block with keys"), findings);
            return None;
        }
        Some(Self { node, key, known: Vec::new(), findings })
    }

    pub fn at(&self) -> Place {
        self.node.at
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// The full path of a key of this block.
    pub fn path(&self, name: &str) -> String {
        if self.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.key) }
    }

    /// The node of an optional key.
    pub fn opt(&mut self, name: &'static str) -> Option<&'n Node> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        self.node.get(name)
    }

    /// The node of a required key; its absence is a finding.
    pub fn req(&mut self, name: &'static str) -> Option<&'n Node> {
        let found = self.opt(name);
        if found.is_none() {
            self.missing(name, "LZ106");
        }
        found
    }

    pub fn missing(&mut self, name: &str, code: &str) {
        let (at, path) = (self.node.at, self.path(name));
        self.findings.error(code, at, path, Text::new(format!("Hier fehlt „{name}“."), format!("\"{name}\" is missing here.")));
    }

    pub fn text(&mut self, name: &'static str) -> Option<&'n str> {
        let node = self.opt(name)?;
        let path = self.path(name);
        text(node, &path, self.findings)
    }

    pub fn req_text(&mut self, name: &'static str) -> Option<&'n str> {
        let node = self.req(name)?;
        let path = self.path(name);
        text(node, &path, self.findings)
    }

    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        let node = self.opt(name)?;
        if let Kind::Bool(b) = node.kind {
            return Some(b);
        }
        let path = self.path(name);
        wrong_type(node, &path, &Text::new("true oder false", "true or false"), self.findings);
        None
    }

    /// A whole number from `min` to `max`.
    pub fn integer(&mut self, name: &'static str, min: i64, max: i64) -> Option<i64> {
        let node = self.opt(name)?;
        if let Kind::Number(n) = &node.kind
            && let Some(n) = n.as_i64().filter(|n| (min..=max).contains(n))
        {
            return Some(n);
        }
        let path = self.path(name);
        let expected = Text::new(format!("eine ganze Zahl von {min} bis {max}"), format!("a whole number from {min} to {max}"));
        wrong_type(node, &path, &expected, self.findings);
        None
    }

    pub fn number(&mut self, name: &'static str) -> Option<f64> {
        let node = self.opt(name)?;
        if let Kind::Number(n) = &node.kind {
            return n.as_f64();
        }
        let path = self.path(name);
        wrong_type(node, &path, &Text::new("eine Zahl", "a number"), self.findings);
        None
    }

    pub fn span(&mut self, name: &'static str) -> Option<Span> {
        let node = self.opt(name)?;
        let path = self.path(name);
        span(node, &path, self.findings)
    }

    pub fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let node = self.opt(name)?;
        let path = self.path(name);
        Some(texts(node, &path, self.findings))
    }

    /// A list each of whose items is one of a fixed set of words. Anything but a list is a finding, never an empty list.
    pub fn many_of<T: Copy>(&mut self, name: &'static str, legal: &[(&'static str, T)]) -> Option<Vec<T>> {
        let node = self.opt(name)?;
        let path = self.path(name);
        if !matches!(node.kind, Kind::List(_)) {
            wrong_type(node, &path, &Text::new("eine Liste", "a list"), self.findings);
            return None;
        }
        Some(node.items().iter().filter_map(|item| one_of(item, &path, legal, self.findings)).collect())
    }

    /// The items of a list of blocks. Anything but a list is a finding.
    pub fn list(&mut self, name: &'static str) -> &'n [Node] {
        let Some(node) = self.opt(name) else { return &[] };
        if !matches!(node.kind, Kind::List(_)) {
            let path = self.path(name);
            wrong_type(node, &path, &Text::new("eine Liste", "a list"), self.findings);
        }
        node.items()
    }

    /// One of a fixed set of words.
    pub fn one_of<T: Copy>(&mut self, name: &'static str, legal: &[(&'static str, T)]) -> Option<T> {
        let node = self.opt(name)?;
        let path = self.path(name);
        one_of(node, &path, legal, self.findings)
    }

    /// Every entry of a block whose keys are the author's own.
    pub fn entries(&mut self, name: &'static str) -> &'n [super::Entry] {
        let Some(node) = self.opt(name) else { return &[] };
        if !matches!(node.kind, Kind::Map(_)) {
            let path = self.path(name);
            wrong_type(node, &path, &Text::new("ein Block mit Schlüsseln", "a block with keys"), self.findings);
        }
        node.entries()
    }

    /// Reports every key that was never asked for.
    pub fn close(self) {
        for entry in self.node.entries() {
            if self.known.contains(&entry.key.as_str()) {
                continue;
            }
            let path = self.path(&entry.key);
            let legal = self.known.iter().copied();
            self.findings
                .error(
                    "LZ105",
                    entry.at,
                    path,
                    Text::new(format!("Der Schlüssel „{}“ ist hier nicht bekannt.", entry.key), format!("The key \"{}\" is not known here.", entry.key)),
                )
                .hint = Some(finding::hint(&entry.key, legal));
        }
    }
}

pub fn wrong_type(node: &Node, key: &str, expected: &Text, findings: &mut Findings) {
    let found = node.word();
    findings.error(
        "LZ107",
        node.at,
        key,
        Text::new(format!("Hier wird {} erwartet, gefunden wurde {}.", expected.de, found.de), format!("Expected {}, found {}.", expected.en, found.en)),
    );
}

pub fn text<'n>(node: &'n Node, key: &str, findings: &mut Findings) -> Option<&'n str> {
    let text = node.text();
    if text.is_none() {
        wrong_type(node, key, &Text::new("ein Text", "a text"), findings);
    }
    text
}

/// A list of texts; a single text counts as a list of one.
pub fn texts(node: &Node, key: &str, findings: &mut Findings) -> Vec<String> {
    match &node.kind {
        Kind::Text(one) => vec![one.clone()],
        Kind::List(items) => items.iter().filter_map(|item| text(item, key, findings).map(str::to_owned)).collect(),
        _ => {
            wrong_type(node, key, &Text::new("eine Liste von Texten", "a list of texts"), findings);
            Vec::new()
        }
    }
}

pub fn span(node: &Node, key: &str, findings: &mut Findings) -> Option<Span> {
    let written = text(node, key, findings)?;
    let span = Span::parse(written);
    if span.is_none() {
        findings.error(
            "LZ110",
            node.at,
            key,
            Text::new(
                format!("„{written}“ ist keine Dauer. Dauern stehen in ISO 8601: PT30S, PT5M, P3D, P6M, P10Y."),
                format!("\"{written}\" is no duration. Durations are ISO 8601: PT30S, PT5M, P3D, P6M, P10Y."),
            ),
        );
    }
    span
}

pub fn one_of<T: Copy>(node: &Node, key: &str, legal: &[(&'static str, T)], findings: &mut Findings) -> Option<T> {
    let written = text(node, key, findings)?;
    let found = legal.iter().find(|(word, _)| *word == written).map(|(_, value)| *value);
    if found.is_none() {
        findings.error("LZ108", node.at, key, Text::new(format!("„{written}“ ist hier nicht möglich."), format!("\"{written}\" is not possible here."))).hint =
            Some(finding::hint(written, legal.iter().map(|(word, _)| *word)));
    }
    found
}
