//! The picture as text for other programs: mermaid and dot. They lay it out anew; boxes, words and arrows are the same.

use super::{Card, Part, Picture, Symbol};

/// A flowchart of mermaid. Ids have a prefix: some words mean something there (`end`).
pub fn mermaid(picture: &Picture) -> String {
    let mut out = format!("---\ntitle: {}\n---\nflowchart TB\n", serde_json::Value::from(picture.title.as_str()));
    for (n, card) in picture.cards.iter().enumerate() {
        let (open, close) = match card.symbol {
            Symbol::Start | Symbol::End => ("([", "])"),
            Symbol::Human => ("[/", "/]"),
            Symbol::Model | Symbol::Agent => ("{{", "}}"),
            Symbol::Process => ("[[", "]]"),
            Symbol::Wait => ("(", ")"),
            _ => ("[", "]"),
        };
        let label: Vec<String> = label(card).iter().map(|line| for_mermaid(line)).collect();
        out.push_str(&format!("    {}{open}\"{}\"{close}\n", id(picture, n), label.join("<br>")));
    }
    for arrow in &picture.arrows {
        let line = if arrow.optional { "-.->" } else { "-->" };
        out.push_str(&format!("    {} {line} {}\n", id(picture, arrow.from), id(picture, arrow.to)));
    }
    out
}

/// A digraph of Graphviz.
pub fn dot(picture: &Picture) -> String {
    let quoted = |text: &str| format!("\"{}\"", for_dot(text));
    let mut out = format!(
        "digraph {} {{\n    label={};\n    labelloc=t;\n    rankdir=TB;\n    node [shape=box, fontname=\"sans-serif\"];\n",
        quoted(&picture.process),
        quoted(&picture.title)
    );
    for (n, card) in picture.cards.iter().enumerate() {
        let shape = match card.symbol {
            Symbol::Start | Symbol::End => "oval",
            Symbol::Human => "house",
            Symbol::Model | Symbol::Agent => "hexagon",
            Symbol::Process => "box3d",
            Symbol::Wait => "octagon",
            _ => "box",
        };
        let label: Vec<String> = label(card).iter().map(|line| for_dot(line)).collect();
        out.push_str(&format!("    {} [shape={shape}, label=\"{}\"];\n", id(picture, n), label.join("\\n")));
    }
    for arrow in &picture.arrows {
        let style = if arrow.optional { " [style=dashed]" } else { "" };
        out.push_str(&format!("    {} -> {}{style};\n", id(picture, arrow.from), id(picture, arrow.to)));
    }
    out.push_str("}\n");
    out
}

fn id(picture: &Picture, card: usize) -> String {
    match picture.cards.get(card).map(|card| &card.part) {
        Some(Part::Step(step)) => format!("s_{step}"),
        Some(Part::Start) => "beginn".to_owned(),
        Some(Part::End) | None => "ende".to_owned(),
    }
}

fn label(card: &Card) -> Vec<&str> {
    let title = Some(card.title.as_str()).filter(|title| !title.is_empty());
    std::iter::once(card.word.as_str()).chain(title).chain(card.notes.iter().map(|note| note.text.as_str())).collect()
}

/// Mermaid reads HTML and its own entities in a label.
fn for_mermaid(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let escape = |c: char| match c {
        '"' | '#' | '<' | '>' | '&' | '`' | ';' | '\\' => format!("#{};", u32::from(c)),
        c => c.to_string(),
    };
    line.chars().map(escape).collect()
}

fn for_dot(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('\\', "\\\\").replace('"', "\\\"")
}
