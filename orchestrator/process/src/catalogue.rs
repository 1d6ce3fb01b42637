//! All processes of a tenant's folder, each checked; names and addresses are unique among them.

use std::collections::BTreeMap;

use laufzettel_domain::{Finding, Findings, Place, Text};

use crate::{
    folder::Folder,
    model::{Process, TriggerKind},
    read,
};

#[derive(Debug, Default)]
pub struct Catalogue {
    /// By id. A process with errors is not in it.
    pub processes: BTreeMap<String, Process>,
    pub findings: Vec<Finding>,
    /// The names of the cases beside each process.
    pub cases: BTreeMap<String, Vec<String>>,
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
                catalogue.cases.insert(process.id.to_string(), case_names(folder, path));
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
fn case_names(folder: &Folder, path: &str) -> Vec<String> {
    let file = path.replace(".yaml", ".cases.yaml");
    let Some(document) = folder.get(&file).and_then(|text| laufzettel_domain::document::parse(text, &mut Findings::new(file.as_str()))) else {
        return Vec::new();
    };
    let cases = document.root.get("cases").map(laufzettel_domain::Node::items).unwrap_or_default();
    cases.iter().filter_map(|case| case.get("name")?.text().map(str::to_owned)).collect()
}

/// A YAML file without a `process:` key is not a process.
pub fn declares_process(path: &str, text: &str) -> bool {
    let mut findings = Findings::new(path);
    match laufzettel_domain::document::parse(text, &mut findings) {
        Some(document) => document.root.get("process").is_some(),
        None => true,
    }
}
