//! `process` steps: another process of the folder, read with this one and kept with it.

use std::sync::Arc;

use laufzettel_domain::{
    Findings, Lang, Node, Place, ProcessId, Severity, Text,
    document::{Fields, fields},
    finding,
};

use super::{Reader, step::templates};
use crate::{Process, model::ChildCall};

/// Processes within each other: deeper nobody finds what belongs to what.
const DEPTH_MAX: usize = 5;

pub fn child(node: &Node, key: &str, reader: &mut Reader<'_>, findings: &mut Findings) -> Option<ChildCall> {
    let mut inner = Fields::open(node, key, findings)?;
    let input_key = inner.path("input");
    let input = templates(&mut inner, "input", &input_key);
    let name_key = inner.path("name");
    let at = inner.req("name");
    inner.close();
    let at = at?;
    let written = fields::text(at, &name_key, findings)?;
    let name = load(written, at.at, &name_key, reader, findings)?;
    Some(ChildCall { name, input, at: node.at })
}

/// Reads the process of this name from the folder, once.
fn load(written: &str, at: Place, key: &str, reader: &mut Reader<'_>, findings: &mut Findings) -> Option<ProcessId> {
    let Some(id) = ProcessId::parse(written) else {
        let text = Text::new(format!("„{written}“ ist kein Name eines Prozesses."), format!("\"{written}\" is no name of a process."));
        findings.error("LZ109", at, key, text);
        return None;
    };
    if reader.children.contains_key(&id) {
        return Some(id);
    }
    if let Some(from) = reader.above.iter().position(|above| *above == id) {
        let way = reader.above[from..].iter().chain([&id]).map(ProcessId::as_str).collect::<Vec<_>>().join(" → ");
        let text = Text::new(format!("Diese Prozesse rufen sich im Kreis auf: {way}."), format!("These processes call each other in a circle: {way}."));
        findings.error("LZ207", at, key, text);
        return None;
    }
    if reader.above.len() >= DEPTH_MAX {
        let text =
            Text::new(format!("Prozesse rufen einander höchstens {DEPTH_MAX} tief auf."), format!("Processes call each other {DEPTH_MAX} deep at most."));
        findings.error("LZ207", at, key, text);
        return None;
    }
    let named = |text: &str| text.lines().find_map(|line| line.strip_prefix("process:")).map(|rest| unquoted(rest).to_owned());
    let found = reader.folder.candidates().find(|(_, text)| named(text).as_deref() == Some(id.as_str()));
    let Some((path, text)) = found else {
        let known: Vec<String> = reader.folder.candidates().filter_map(|(_, text)| named(text)).collect();
        let text =
            Text::new(format!("Einen Prozess „{written}“ gibt es in diesem Ordner nicht."), format!("There is no process \"{written}\" in this folder."));
        findings.error("LZ118", at, key, text).hint = Some(finding::hint(written, known.iter().map(String::as_str)));
        return None;
    };
    let mut own = findings.beside(path);
    let child = super::process::read_below(reader.folder, path, reader.above.clone(), &mut own);
    let Some(child) = child else {
        let first = own.into_sorted().into_iter().find(|finding| finding.severity == Severity::Error);
        let (de, en) = first.map(|finding| (finding.line(Lang::De), finding.line(Lang::En))).unwrap_or_default();
        findings.error(
            "LZ118",
            at,
            key,
            Text::new(format!("Der Prozess „{written}“ hat selbst Fehler: {de}"), format!("The process \"{written}\" has errors itself: {en}")),
        );
        return None;
    };
    keep(reader, path, text, child, &id);
    Some(id)
}

/// A run keeps what its children were when it began.
fn keep(reader: &mut Reader<'_>, path: &str, text: &str, child: Process, id: &ProcessId) {
    reader.used.insert(path.to_owned(), text.to_owned());
    reader.used.extend(child.files.clone());
    reader.children.insert(id.clone(), Arc::new(child));
}

fn unquoted(rest: &str) -> &str {
    let rest = rest.split(" #").next().unwrap_or(rest).trim();
    rest.trim_matches(['"', '\''])
}
