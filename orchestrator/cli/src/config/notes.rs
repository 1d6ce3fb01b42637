//! What citizens are told of a house besides its processes: how each unit is reached, who the data protection officer is, and where its
//! imprint, its privacy notice and its statement on accessibility stand. Refuses addresses that are none, and texts longer than a line.

use std::collections::BTreeMap;

use laufzettel_domain::{Text, document::Fields};
use laufzettel_server::Notes;

/// Lines of one unit: its address, telephone, hours.
const LINES_MAX: usize = 6;
/// Characters of a line.
const CHARS_MAX: usize = 200;

/// `units.<unit>.kontakt`
pub fn contact(unit: &mut Fields<'_, '_>) -> Vec<String> {
    let key = unit.path("kontakt");
    let at = unit.opt("kontakt").map_or(unit.at(), |node| node.at);
    let lines = unit.texts("kontakt").unwrap_or_default();
    if lines.len() > LINES_MAX || lines.iter().any(|line| !is_line(line)) {
        let text = Text::new(
            format!("Höchstens {LINES_MAX} Zeilen, jede mit 1 bis {CHARS_MAX} Zeichen."),
            format!("At most {LINES_MAX} lines, each of 1 to {CHARS_MAX} characters."),
        );
        unit.findings.error("LZ108", at, key, text);
    }
    lines
}

fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= CHARS_MAX && !text.contains(char::is_control)
}

/// `hinweise`, and with them how the units are reached.
pub fn read(fields: &mut Fields<'_, '_>, contacts: BTreeMap<String, Vec<String>>) -> Notes {
    let mut notes = Notes { contacts, ..Notes::default() };
    let Some(node) = fields.opt("hinweise") else { return notes };
    let key = fields.path("hinweise");
    let Some(mut inner) = Fields::open(node, &key, fields.findings) else { return notes };
    notes.imprint = address(&mut inner, "impressum");
    notes.privacy = address(&mut inner, "datenschutz");
    notes.accessibility = address(&mut inner, "barrierefreiheit");
    let (at, path) = (inner.at(), inner.path("datenschutzbeauftragte"));
    notes.officer = inner.text("datenschutzbeauftragte").map(str::to_owned);
    if notes.officer.as_deref().is_some_and(|officer| !is_line(officer)) {
        inner.findings.error(
            "LZ108",
            at,
            path,
            Text::new(format!("Eine Zeile mit 1 bis {CHARS_MAX} Zeichen."), format!("A line of 1 to {CHARS_MAX} characters.")),
        );
    }
    inner.close();
    notes
}

/// The address of a page elsewhere.
pub fn address(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<String> {
    let (at, key) = (fields.at(), fields.path(name));
    let link = fields.text(name)?;
    if !link.starts_with("https://") && !link.starts_with("http://") {
        let text = Text::new("Eine Adresse beginnt mit https:// oder http://.", "An address begins with https:// or http://.");
        fields.findings.error("LZ108", at, key, text);
    }
    Some(link.to_owned())
}
