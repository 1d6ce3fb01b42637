//! All processes of a tenant's folder, each checked; names and addresses are unique among them.

use std::collections::BTreeMap;

use laufzettel_domain::{Digest, Finding, Findings, Node, Place, Text};

use crate::{
    folder::{Folder, resolve},
    model::{Process, TriggerKind},
    read,
};

#[derive(Debug, Default)]
pub struct Catalogue {
    /// By id. A process with errors is not in it.
    pub processes: BTreeMap<String, Process>,
    pub findings: Vec<Finding>,
    /// The cases beside each process that has some.
    pub cases: BTreeMap<String, Cases>,
}

/// The cases of one process, as far as nobody runs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cases {
    pub names: Vec<String>,
    /// Of their text, with the files their values are taken from: other cases are another digest.
    pub digest: Digest,
}

impl Catalogue {
    pub fn load(folder: &Folder) -> Self {
        let mut catalogue = Self::default();
        for (path, text) in folder.candidates() {
            if !text.contains("process:") || !declares_process(path, text) {
                continue;
            }
            let mut findings = Findings::new(path);
            let process = read::read(folder, path, &mut findings);
            if let Some(process) = process {
                if let Some(cases) = cases(folder, path) {
                    catalogue.cases.insert(process.id.to_string(), cases);
                }
                catalogue.add(process, &mut findings);
            }
            catalogue.findings.extend(findings.into_sorted());
        }
        catalogue
    }

    fn add(&mut self, process: Process, findings: &mut Findings) {
        let top = Place { line: 1, column: 1 };
        if let Some(other) = self.processes.get(process.id.as_str()) {
            findings.error(
                "LZ119",
                top,
                "process",
                Text::new(
                    format!("Den Prozess „{}“ gibt es schon in {}.", process.id, other.file),
                    format!("The process \"{}\" already exists in {}.", process.id, other.file),
                ),
            );
            return;
        }
        let taken: Vec<&TriggerKind> = self.processes.values().flat_map(|p| p.triggers.iter().map(|t| &t.kind)).collect();
        for trigger in &process.triggers {
            if taken.iter().any(|other| other.meets(&trigger.kind)) {
                let text = match trigger.kind {
                    TriggerKind::Folder(_) => Text::new(
                        "Dieser Ordner gehört schon zum Auslöser eines anderen Prozesses, als Eingang oder als Ablage: Welcher eine Datei nähme, wäre Zufall.",
                        "This folder belongs to the trigger of another process already, to take from or to put away: who takes a file would be chance.",
                    ),
                    TriggerKind::Mail(_) => {
                        Text::new("Auf genau diese Nachrichten wartet schon ein anderer Prozess.", "Another process waits for just these messages already.")
                    }
                    _ => Text::new(
                        "Unter dieser Adresse (path) ist schon ein anderer Prozess erreichbar.",
                        "Another process is already reached under this path.",
                    ),
                };
                findings.error("LZ119", trigger.at, "triggers", text);
                return;
            }
        }
        self.processes.insert(process.id.to_string(), process);
    }
}

/// What is wrong with them is found where they are run.
fn cases(folder: &Folder, path: &str) -> Option<Cases> {
    let file = path.replace(".yaml", ".cases.yaml");
    let text = folder.get(&file)?;
    let document = laufzettel_domain::document::parse(text, &mut Findings::new(file.as_str()))?;
    let items = document.root.get("cases").map(Node::items).unwrap_or_default();
    let names: Vec<String> = items.iter().filter_map(|case| case.get("name")?.text().map(str::to_owned)).collect();
    let mut written = Vec::new();
    references(&document.root, &mut written);
    let others: BTreeMap<String, &str> = written
        .into_iter()
        .filter_map(|written| {
            let path = resolve(&file, written)?;
            let text = folder.get(&path)?;
            Some((path, text))
        })
        .collect();
    let parts = std::iter::once((file.as_str(), text)).chain(others.iter().map(|(path, text)| (path.as_str(), *text)));
    (!names.is_empty()).then(|| Cases { names, digest: Digest::of_parts(parts.map(|(path, text)| (path, text.as_bytes()))) })
}

/// Every `$ref` below a node, as it is written.
fn references<'n>(node: &'n Node, found: &mut Vec<&'n str>) {
    found.extend(node.get("$ref").and_then(Node::text));
    node.items().iter().chain(node.entries().iter().map(|entry| &entry.node)).for_each(|inner| references(inner, found));
}

/// A YAML file without a `process:` key is not a process.
pub fn declares_process(path: &str, text: &str) -> bool {
    let mut findings = Findings::new(path);
    match laufzettel_domain::document::parse(text, &mut findings) {
        Some(document) => document.root.get("process").is_some(),
        None => true,
    }
}
