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

#[cfg(test)]
mod tests {
    use laufzettel_domain::{Findings, document};

    use super::*;

    #[test]
    fn what_citizens_are_told_and_mistakes() {
        let long = "x".repeat(CHARS_MAX + 1);
        for (text, expected, told) in [
            (
                "hinweise: { impressum: https://a.example/i, datenschutzbeauftragte: \"dsb@a.example\" }\nunit: { kontakt: [eins, zwei] }".to_owned(),
                Notes { imprint: Some("https://a.example/i".into()), officer: Some("dsb@a.example".into()), ..Notes::default() },
                vec![],
            ),
            (String::from("unit: { kontakt: eins }"), Notes::default(), vec![]),
            (
                "hinweise: { datenschutz: javascript:x }\nunit: {}".to_owned(),
                Notes { privacy: Some("javascript:x".into()), ..Notes::default() },
                vec!["LZ108 1 hinweise.datenschutz"],
            ),
            (
                format!("hinweise: {{ datenschutzbeauftragte: {long} }}\nunit: {{}}"),
                Notes { officer: Some(long.clone()), ..Notes::default() },
                vec!["LZ108 1 hinweise.datenschutzbeauftragte"],
            ),
            (
                "hinweise: { agb: x }\nunit: { kontakt: [a, b, c, d, e, f, g] }".to_owned(),
                Notes::default(),
                vec!["LZ105 1 hinweise.agb", "LZ108 2 unit.kontakt"],
            ),
            ("unit: { kontakt: [\"\"] }".to_owned(), Notes::default(), vec!["LZ108 1 unit.kontakt"]),
        ] {
            let mut findings = Findings::new("laufzettel.yaml");
            let document = document::parse(&text, &mut findings).unwrap();
            let mut fields = Fields::open(&document.root, "", &mut findings).unwrap();
            let unit = fields.opt("unit").unwrap();
            contact(&mut Fields::open(unit, "unit", fields.findings).unwrap());
            assert_eq!(read(&mut fields, BTreeMap::new()), expected, "{text}");
            let found: Vec<String> = findings.into_sorted().into_iter().map(|f| format!("{} {} {}", f.code, f.line, f.key)).collect();
            assert_eq!(found, told, "{text}");
        }
    }
}
