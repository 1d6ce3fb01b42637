//! The picture as SVG: alone with its own colours, or as part of a page, whose style sheet gives them. Every text is escaped here.
//!
//! Classes are short, for there are many boxes: `k` a box with `k-KIND` and `s-STATE`, `t` its title, `w` a word, `n` a note, `p` an
//! arrow (`lose`: optional), `z` its head. No script, no attribute of style, nothing from elsewhere. Whatever is told by a colour is told by a sign and a word, too.

use std::{collections::BTreeSet, fmt::Write as _};

use laufzettel_domain::{Lang, StepId};

use super::{Card, LINES_MAX, PAD, Part, Picture, SIGN, SMALL_LINE, Symbol, TITLE_LINE, layout::Point};

/// What a page adds.
pub struct Dress<'a> {
    /// Where the box of a step leads.
    pub link: &'a dyn Fn(&StepId) -> String,
    /// Where a step stands.
    pub state: &'a dyn Fn(&StepId) -> Option<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    pub symbol: Symbol,
    /// For the style sheet.
    pub name: &'static str,
    pub word: &'static str,
}

/// Light and dark by whoever looks; black on white where it is printed.
const STYLE: &str = "svg{background:#fff;color:#171a2b;font-family:\"Fira Sans\",system-ui,\"Segoe UI\",Roboto,\"Noto Sans\",\"Liberation Sans\",Arial,sans-serif}\
.k rect{fill:#f4f5f7;stroke:#626b85;stroke-width:1.5}.k use,.k text{fill:currentColor}.t{font-size:15px;font-weight:600}.w,.n{font-size:13px}.w{font-weight:500}\
.p{fill:none;stroke:#626b85;stroke-width:1.5}.lose{stroke-dasharray:6 5}.z{fill:#626b85}.k-human rect{stroke:#253c8f;stroke-width:3}\
.k-model rect,.k-agent rect{stroke:#8a2fb5;stroke-width:3}@media screen and (prefers-color-scheme:dark){svg{background:#0d0f18;color:#f1f2f6}\
.k rect{fill:#1d2031;stroke:#98a0b8}.p{stroke:#98a0b8}.z{fill:#98a0b8}.k-human rect{stroke:#a5b4f0}.k-model rect,.k-agent rect{stroke:#d9a5f2}}";

/// A file of its own.
pub fn alone(picture: &Picture) -> String {
    let (de, en) = ("Ablauf von oben nach unten; gestrichelt: darf auch fehlen", "From top to bottom; dashed: may be missing");
    let description = if picture.lang == Lang::De { de } else { en };
    let mut out = String::new();
    let (width, height) = (picture.size.width, picture.size.height);
    write(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"bild-titel bild-text\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n"
        ),
    );
    write(
        &mut out,
        format_args!("<title id=\"bild-titel\">{}</title>\n<desc id=\"bild-text\">{description}</desc>\n<style>{STYLE}</style>\n", escape(&picture.title)),
    );
    draw(picture, None, &mut out);
    out.push_str("</svg>\n");
    out
}

/// Part of a page: `labels` are the ids of what names it there. Its ids begin with `bild-`.
pub fn inline(picture: &Picture, labels: &str, dress: &Dress<'_>) -> String {
    let mut out = String::new();
    let (width, height) = (picture.size.width, picture.size.height);
    write(
        &mut out,
        format_args!("<svg role=\"group\" aria-labelledby=\"{}\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n", escape(labels)),
    );
    draw(picture, Some(dress), &mut out);
    out.push_str("</svg>");
    out
}

/// Arrows below, boxes above, from top to bottom as they are read.
fn draw(picture: &Picture, dress: Option<&Dress<'_>>, out: &mut String) {
    let state = |card: &Card| match (&card.part, dress) {
        (Part::Step(id), Some(dress)) => (dress.state)(id),
        _ => None,
    };
    signs(picture, &state, out);
    for arrow in &picture.arrows {
        let loose = if arrow.optional { " lose" } else { "" };
        write(out, format_args!("<path class=\"p{loose}\" marker-end=\"url(#bild-spitze)\" d=\"{}\"></path>\n", path(&arrow.route)));
    }
    let mut cards: Vec<&Card> = picture.cards.iter().collect();
    cards.sort_by_key(|card| (card.at.y, card.at.x));
    for one in cards {
        card(one, dress, state(one), out);
    }
}

/// The signs this picture uses, once each, and the head of an arrow.
fn signs(picture: &Picture, state: &dyn Fn(&Card) -> Option<State>, out: &mut String) {
    let of = |card: &Card| {
        [card.symbol].into_iter().chain(card.notes.iter().map(|note| note.symbol)).chain(state(card).map(|state| state.symbol)).collect::<Vec<_>>()
    };
    let used: BTreeSet<Symbol> = picture.cards.iter().flat_map(of).collect();
    out.push_str("<defs>\n<marker id=\"bild-spitze\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path class=\"z\" d=\"M0 0L10 5L0 10z\"></path></marker>\n");
    for symbol in used {
        write(out, format_args!("<path id=\"bild-{}\" transform=\"scale(.8125)\" fill-rule=\"evenodd\" d=\"{}\"></path>\n", symbol.name(), symbol.path()));
    }
    out.push_str("</defs>\n");
}

/// Straight within layers, in a bow between them; a point that does not move is left out.
fn path(route: &[Point]) -> String {
    let mut out = String::new();
    let mut last: Option<Point> = None;
    for (n, point) in route.iter().enumerate() {
        match last {
            None => write(&mut out, format_args!("M{} {}", point.x, point.y)),
            Some(before) if before == *point => {}
            Some(before) if before.x == point.x => write(&mut out, format_args!("V{}", point.y)),
            // only the first of a pair lies sideways of what was before
            Some(before) => {
                debug_assert!(n % 2 == 0, "within a layer an arrow goes straight down");
                let middle = i32::midpoint(before.y, point.y);
                write(&mut out, format_args!("C{} {middle} {} {middle} {} {}", before.x, point.x, point.x, point.y));
            }
        }
        last = Some(*point);
    }
    out
}

fn card(card: &Card, dress: Option<&Dress<'_>>, state: Option<State>, out: &mut String) {
    let standing = state.map(|state| format!(" s-{}", state.name)).unwrap_or_default();
    let class = format!("k k-{}{standing}", card.symbol.name());
    let link = match (&card.part, dress) {
        (Part::Step(id), Some(dress)) => Some((dress.link)(id)),
        _ => None,
    };
    match &link {
        Some(href) => write(out, format_args!("<a class=\"{class}\" href=\"{}\" aria-label=\"{}\">", escape(href), escape(&name(card, state)))),
        None => write(out, format_args!("<g class=\"{class}\">")),
    }
    let round = if card.part == Part::Start || card.part == Part::End { 20 } else { 4 };
    let (Point { x, y }, size) = (card.at, card.size);
    write(out, format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"{round}\"></rect>", size.width, size.height));
    let left = x + PAD;
    let mut line = y + PAD;
    row(out, "w", card.symbol, &[&card.word], left, &mut line);
    for title in card.lines.iter().take(LINES_MAX) {
        write(out, format_args!("<text class=\"t\" x=\"{left}\" y=\"{}\">{}</text>{GAP}", line + 15, escape(title)));
        line += TITLE_LINE;
    }
    for note in &card.notes {
        row(out, "n", note.symbol, &note.lines, left, &mut line);
    }
    if let Some(state) = state {
        row(out, "w", state.symbol, &[state.word], left, &mut line);
    }
    out.push_str(if link.is_some() { "</a>\n" } else { "</g>\n" });
}

/// Between two lines of a box: without it they would be one word for whoever reads them one after another.
const GAP: &str = " ";

/// A sign and what it means.
fn row(out: &mut String, class: &str, symbol: Symbol, lines: &[impl AsRef<str>], left: i32, line: &mut i32) {
    let name = symbol.name();
    write(out, format_args!("<use href=\"#bild-{name}\" x=\"{left}\" y=\"{}\"></use>", *line + 2));
    for text in lines {
        write(out, format_args!("<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>{GAP}", left + SIGN, *line + 13, escape(text.as_ref())));
        *line += SMALL_LINE;
    }
}

/// What a screen reader says of a box: what stands in it, in its order, so that whoever speaks to a machine can say what she sees
/// (WCAG 2.2 § 2.5.3).
fn name(card: &Card, state: Option<State>) -> String {
    let titles = card.lines.iter().take(LINES_MAX).map(String::as_str);
    let notes = card.notes.iter().flat_map(|note| note.lines.iter().map(AsRef::as_ref));
    std::iter::once(card.word.as_str()).chain(titles).chain(notes).chain(state.map(|state| state.word)).collect::<Vec<&str>>().join(" ")
}

fn write(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("a text takes whatever is written into it");
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // what XML has no place for
            c if c.is_control() && !matches!(c, '\n' | '\t') => {}
            c => out.push(c),
        }
    }
    out
}
