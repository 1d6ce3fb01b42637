//! From a YAML document to a process: every key read, every finding kept.

mod agent;
mod applicant;
mod arrival;
mod child;
mod each;
mod human;
mod poll;
mod process;
mod step;
mod trigger;
mod wait;

pub use process::{Governance, digest_of, read, read_whole};

use laufzettel_domain::{Findings, Node, Path, Place, ProcessId, StepId, Text, Value, document::Kind};

use crate::{
    expression::Syntax,
    folder::Folder,
    schema::{self, Schema},
};

/// What reading one process needs beside its own text, and what it has used so far.
pub(crate) struct Reader<'f> {
    pub folder: &'f Folder,
    pub file: &'f str,
    pub used: std::collections::BTreeMap<String, String>,
    /// Processes that are being read, from the outermost in.
    pub above: Vec<ProcessId>,
    pub children: std::collections::BTreeMap<ProcessId, std::sync::Arc<crate::Process>>,
}

impl<'f> Reader<'f> {
    /// A file named in the process, by the path as written.
    pub fn open(&mut self, node: &Node, key: &str, written: &str, findings: &mut Findings) -> Option<(String, &'f str)> {
        let Some(path) = crate::folder::resolve(self.file, written) else {
            findings.error(
                "LZ114",
                node.at,
                key,
                Text::new(
                    format!("„{written}“ liegt außerhalb des Prozessordners; erlaubt sind nur Dateien darin (und im Ordner schemas daneben)."),
                    format!("\"{written}\" lies outside the folder of processes; only files in it (and in the folder schemas beside it) are allowed."),
                ),
            );
            return None;
        };
        let Some(text) = self.folder.get(&path) else {
            let nearest = laufzettel_domain::finding::nearest(&path, self.folder.files.keys().map(String::as_str));
            let finding =
                findings.error("LZ118", node.at, key, Text::new(format!("Die Datei „{written}“ gibt es nicht."), format!("There is no file \"{written}\".")));
            finding.hint = nearest.map(|n| Text::new(format!("Meinten Sie „{n}“?"), format!("Did you mean \"{n}\"?")));
            return None;
        };
        self.used.insert(path.clone(), text.to_owned());
        Some((path, text))
    }

    /// A schema written inline, or `{ $ref: file }`.
    pub fn schema(&mut self, node: &Node, key: &str, findings: &mut Findings) -> Option<Schema> {
        let reference = node.get("$ref").and_then(|n| n.text().map(|t| (n, t))).filter(|(_, t)| !t.starts_with('#'));
        let Some((at, written)) = reference else { return inline_schema(node, key, findings) };
        let (path, text) = self.open(at, key, written, findings)?;
        let value: Result<Value, Text> = if path.ends_with(".json") {
            serde_json::from_str(text).map_err(|e| Text::new(format!("das ist kein JSON, Zeile {}, Spalte {}", e.line(), e.column()), e.to_string()))
        } else {
            let mut inner = Findings::new(path.clone());
            let document = laufzettel_domain::document::parse(text, &mut inner);
            findings.add(inner.into_sorted());
            return self.compiled(document?.root.to_value(), at, key, &path, findings);
        };
        match value {
            Ok(value) => self.compiled(value, at, key, &path, findings),
            Err(Text { de, en }) => {
                bad_schema(at, key, &Text::new(format!("{path}: {de}"), format!("{path}: {en}")), findings);
                None
            }
        }
    }

    fn compiled(&self, value: Value, node: &Node, key: &str, path: &str, findings: &mut Findings) -> Option<Schema> {
        let of_file = |Text { de, en }: Text| Text::new(format!("{path}: {de}"), format!("{path}: {en}"));
        let schema = Schema::build(value).map_err(|fault| bad_schema(node, key, &of_file(fault), findings)).ok()?;
        own_keywords(&schema, node, key, findings);
        Some(schema)
    }
}

fn bad_schema(node: &Node, key: &str, Text { de, en }: &Text, findings: &mut Findings) {
    findings.error("LZ113", node.at, key, Text::new(format!("Das ist kein gültiges JSON-Schema: {de}"), format!("This is not a valid JSON Schema: {en}")));
}

/// A schema written in place.
pub(crate) fn inline_schema(node: &Node, key: &str, findings: &mut Findings) -> Option<Schema> {
    if !matches!(node.kind, Kind::Map(_) | Kind::Bool(_)) {
        laufzettel_domain::document::fields::wrong_type(node, key, &Text::new("ein JSON-Schema", "a JSON Schema"), findings);
        return None;
    }
    let schema = Schema::build(node.to_value()).map_err(|fault| bad_schema(node, key, &fault, findings)).ok()?;
    own_keywords(&schema, node, key, findings);
    Some(schema)
}

/// Words that mean nothing where they stand, or nothing at all.
fn own_keywords(schema: &Schema, node: &Node, key: &str, findings: &mut Findings) {
    if findings.is_kept() {
        return;
    }
    // what a person or a program brings is looked at on its day; what a model, an event or a table says is not
    let brought = key == "input" || key.ends_with("human.form");
    for (place, code, text) in schema::misplaced(&schema.root, brought) {
        let at = node.nearest(&Path::new(place.split('.'))).at;
        findings.error(code, at, format!("{key}.{place}"), text);
    }
}

pub(crate) fn syntax_errors(errors: Vec<Syntax>, key: &str, findings: &mut Findings) {
    for error in errors {
        findings.error(
            "LZ115",
            error.at,
            key,
            Text::new(
                format!("Dieser Ausdruck ist nicht richtig geschrieben: {}", error.message.de),
                format!("This expression is not written correctly: {}", error.message.en),
            ),
        );
    }
}

/// The step that `steps.x` names.
pub(crate) fn step_of(written: &str) -> Option<StepId> {
    written.strip_prefix("steps.").and_then(StepId::parse)
}

/// The same where nothing else may stand.
pub(crate) fn step_named(written: &str, at: Place, key: &str, findings: &mut Findings) -> Option<StepId> {
    let step = step_of(written);
    if step.is_none() {
        let text =
            Text::new(format!("Hier steht ein Schritt: steps.<name>, nicht „{written}“."), format!("A step stands here: steps.<name>, not \"{written}\"."));
        findings.error("LZ109", at, key, text);
    }
    step
}
