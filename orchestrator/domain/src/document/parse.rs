//! Events of the YAML parser to a tree. Everything the language forbids is found here.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{Document, Entry, Kind, Node, Place};
use crate::{Findings, Text};

/// A process of 256 KiB has some 5,000 lines: more than anybody can check.
pub const BYTES_MAX: usize = 256 * 1024;
/// Deeper nesting than this is a mistake in indentation or an attack on the parser.
pub const DEPTH_MAX: usize = 32;

/// Parses one document. `None` if there is no usable tree; then there is at least one error in `findings`.
pub fn parse(text: &str, findings: &mut Findings) -> Option<Document> {
    if text.len() > BYTES_MAX {
        findings.error(
            "LZ104",
            Place { line: 1, column: 1 },
            "",
            Text::new(
                format!("Die Datei hat {} KiB; erlaubt sind höchstens {} KiB.", text.len() / 1024, BYTES_MAX / 1024),
                format!("The file has {} KiB; at most {} KiB are allowed.", text.len() / 1024, BYTES_MAX / 1024),
            ),
        );
        return None;
    }
    let mut tree = Tree { parser: Parser::new_from_str(text), findings };
    let root = tree.document()?;
    Some(Document { file: findings.file().to_owned(), root })
}

struct Tree<'t, 'f> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    findings: &'f mut Findings,
}

fn place(span: Span) -> Place {
    Place { line: u32::try_from(span.start.line()).unwrap_or(u32::MAX), column: u32::try_from(span.start.col() + 1).unwrap_or(u32::MAX) }
}

impl<'t> Tree<'t, '_> {
    fn next(&mut self) -> Option<(Event<'t>, Place)> {
        match self.parser.next_event()? {
            Ok((event, span)) => Some((event, place(span))),
            Err(error) => {
                let mark = error.marker();
                let at = Place { line: u32::try_from(mark.line()).unwrap_or(u32::MAX).max(1), column: u32::try_from(mark.col() + 1).unwrap_or(u32::MAX) };
                self.findings.error(
                    "LZ101",
                    at,
                    "",
                    Text::new(
                        format!(
                            "Das ist kein gültiges YAML ({}). Häufige Ursachen: falsche Einrückung, ein Tabulator, ein fehlendes Anführungszeichen.",
                            error.info()
                        ),
                        format!("This is not valid YAML ({}). Common causes: wrong indentation, a tab, a missing quote.", error.info()),
                    ),
                );
                None
            }
        }
    }

    fn document(&mut self) -> Option<Node> {
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                Event::StreamEnd | Event::DocumentEnd => {
                    self.findings.error("LZ101", at, "", Text::new("Die Datei ist leer.", "The file is empty."));
                    return None;
                }
                event => {
                    let root = self.node(event, at, 0)?;
                    return self.end(root);
                }
            }
        }
    }

    fn end(&mut self, root: Node) -> Option<Node> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Some(root),
                (Event::DocumentStart(_), at) => {
                    self.findings.error(
                        "LZ101",
                        at,
                        "",
                        Text::new(
                            "Eine Datei enthält genau ein Dokument; hier beginnt ein zweites.",
                            "A file holds exactly one document; a second one begins here.",
                        ),
                    );
                    return None;
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'t>, at: Place, depth: usize) -> Option<Node> {
        if depth > DEPTH_MAX {
            self.findings.error(
                "LZ104",
                at,
                "",
                Text::new(format!("Tiefer als {DEPTH_MAX} Ebenen verschachtelt."), format!("Nested deeper than {DEPTH_MAX} levels.")),
            );
            return None;
        }
        let (anchor, tagged) = match &event {
            Event::Scalar(_, _, anchor, tag) => (*anchor, tag.is_some()),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            Event::Alias(id) => (*id, false),
            _ => (0, false),
        };
        if anchor != 0 || tagged {
            self.findings.error(
                "LZ102",
                at,
                "",
                Text::new(
                    "Anker (&), Verweise (*) und Typangaben (!) sind nicht erlaubt: ein Prozess soll von oben nach unten lesbar sein.",
                    "Anchors (&), aliases (*) and tags (!) are not allowed: a process is read from top to bottom.",
                ),
            );
        }
        match event {
            Event::Scalar(text, style, ..) => {
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                Some(Node { kind: scalar(&text, style), at, block })
            }
            Event::SequenceStart(..) => self.list(at, depth),
            Event::MappingStart(..) => self.map(at, depth),
            _ => Some(Node { kind: Kind::Null, at, block: false }),
        }
    }

    fn list(&mut self, at: Place, depth: usize) -> Option<Node> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Some(Node { kind: Kind::List(items), at, block: false }),
                (event, at) => items.push(self.node(event, at, depth + 1)?),
            }
        }
    }

    fn map(&mut self, at: Place, depth: usize) -> Option<Node> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, key_at) = match self.next()? {
                (Event::MappingEnd, _) => return Some(Node { kind: Kind::Map(entries), at, block: false }),
                pair => pair,
            };
            let key = self.key(event, key_at, depth)?;
            let (event, at) = self.next()?;
            let node = self.node(event, at, depth + 1)?;
            if key == "<<" {
                self.findings.error("LZ102", key_at, "<<", Text::new("Merge-Schlüssel (<<) sind nicht erlaubt.", "Merge keys (<<) are not allowed."));
            } else if let Some(first) = entries.iter().find(|e| e.key == key) {
                let line = first.at.line;
                self.findings.error(
                    "LZ103",
                    key_at,
                    key.clone(),
                    Text::new(
                        format!("Der Schlüssel „{key}“ steht hier ein zweites Mal (zuerst in Zeile {line})."),
                        format!("The key \"{key}\" stands here a second time (first in line {line})."),
                    ),
                );
                continue;
            }
            entries.push(Entry { key, at: key_at, node });
        }
    }

    fn key(&mut self, event: Event<'t>, at: Place, depth: usize) -> Option<String> {
        if let Event::Scalar(text, ..) = &event {
            return Some(text.to_string());
        }
        self.findings.error("LZ101", at, "", Text::new("Ein Schlüssel muss ein einfacher Text sein.", "A key must be a plain text."));
        self.node(event, at, depth + 1)?;
        Some(String::new())
    }
}

/// YAML 1.2.2 § 10.3.2, the core schema's tag resolution.
fn scalar(text: &str, style: ScalarStyle) -> Kind {
    if style != ScalarStyle::Plain {
        return Kind::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Kind::Text(text.to_owned()), Kind::Number)
}

fn number(text: &str) -> Option<serde_json::Number> {
    if let Some(hex) = text.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(Into::into);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok().map(Into::into);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<i64>().ok().map(Into::into);
    }
    if digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-')) {
        return text.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<(String, u32, u32)> {
        let mut findings = Findings::new("t.yaml");
        parse(text, &mut findings);
        findings.into_sorted().into_iter().map(|f| (f.code, f.line, f.column)).collect()
    }

    #[test]
    fn values_of_the_core_schema() {
        let mut findings = Findings::new("t");
        let text = "a: 1\nb: yes\nc: 2026-09-20\nd: 0x1F\ne: 1.5\nf: ~\ng: true\nh: '1'\ni: P3D\nj: [x, {k: v}]\nk: 1.4.0\nl: 007\n";
        let document = parse(text, &mut findings).unwrap();
        assert_eq!(
            document.root.to_value(),
            serde_json::json!({"a": 1, "b": "yes", "c": "2026-09-20", "d": 31, "e": 1.5, "f": null, "g": true, "h": "1",
                "i": "P3D", "j": ["x", {"k": "v"}], "k": "1.4.0", "l": 7})
        );
        assert_eq!(document.root.get("j").unwrap().at, Place { line: 10, column: 4 });
    }

    #[test]
    fn what_is_forbidden_is_found_in_its_place() {
        for (text, code, line, column) in [
            ("a: &x 1\nb: 2\n", "LZ102", 1, 4),
            ("a: !!str 1\n", "LZ102", 1, 4),
            ("a: 1\nb: 2\na: 3\n", "LZ103", 3, 1),
            ("a: [1\nb: 2\n", "LZ101", 2, 2),
            ("a: 1\n---\nb: 1\n", "LZ101", 2, 1),
            ("", "LZ101", 1, 1),
            ("x: {<<: 1}\n", "LZ102", 1, 5),
        ] {
            assert_eq!(codes(text), [(code.to_owned(), line, column)], "{text}");
        }
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        assert_eq!(codes(&deep)[0].0, "LZ104");
    }
}
