//! A checked process as a picture: boxes with their words, arrows, and where everything stands. A plain value, from which come
//! SVG, mermaid and dot. It knows nothing of runs: where a step stands is said by whoever draws.

mod edges;
pub mod layout;
pub mod plain;
pub mod svg;
mod symbol;
pub mod text;
mod words;

use laufzettel_domain::{Lang, StepId, Text};

pub use symbol::Symbol;

use crate::{
    model::{Process, Step},
    picture::layout::{Link, Point, Size, layout},
};

/// Steps of a process that is drawn: of more nobody reads a picture; the list of steps shows them.
pub const STEPS_MAX: usize = 500;
/// Font sizes, and the height of a line of each.
pub const TITLE_PX: i32 = 15;
pub const SMALL_PX: i32 = 13;
const TITLE_LINE: i32 = 20;
const SMALL_LINE: i32 = 18;
/// A box, its inner margin, and the sign before a word with its gap.
const WIDTH: i32 = 256;
const PAD: i32 = 12;
const SIGN: i32 = 20;
/// Lines of a title.
const LINES_MAX: usize = 3;
/// Lines of a note: a condition is rarely short.
const NOTE_LINES_MAX: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub process: String,
    pub title: String,
    pub lang: Lang,
    pub size: Size,
    /// The beginning, the steps in their order, the end.
    pub cards: Vec<Card>,
    pub arrows: Vec<Arrow>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    pub part: Part,
    pub symbol: Symbol,
    /// What kind of step it is.
    pub word: String,
    pub title: String,
    /// The title, as it stands in the box.
    pub lines: Vec<String>,
    pub notes: Vec<Note>,
    pub at: Point,
    pub size: Size,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Start,
    Step(StepId),
    End,
}

/// What else is to know of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub symbol: Symbol,
    pub text: String,
    /// As it stands in the box.
    pub lines: Vec<String>,
}

/// From one card to another, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrow {
    pub from: usize,
    pub to: usize,
    pub optional: bool,
    /// As [`layout::Layout::routes`].
    pub route: Vec<Point>,
}

/// How a process is to be drawn.
pub struct Drawing<'a> {
    pub lang: Lang,
    /// What a tool does to the world, where that is known.
    pub effect: &'a dyn Fn(&str) -> Option<Text>,
    /// Every step's box has room for where it stands.
    pub states: bool,
}

/// The process is too large to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too large for a picture")]
pub struct TooLarge;

impl TooLarge {
    pub fn text() -> Text {
        Text::new(
            format!("Dieser Prozess ist zu groß für ein Bild (höchstens {STEPS_MAX} Schritte, und nicht beliebig viele Abhängigkeiten)."),
            format!("This process is too large for a picture (at most {STEPS_MAX} steps, and not any number of dependencies)."),
        )
    }
}

impl Picture {
    pub fn of(process: &Process, drawing: &Drawing<'_>) -> Result<Self, TooLarge> {
        if process.order.len() > STEPS_MAX {
            return Err(TooLarge);
        }
        let steps = process.order.iter().map(|id| step_card(&process.steps[id], drawing));
        let mut cards: Vec<Card> = std::iter::once(start(process, drawing.lang)).chain(steps).chain([end(drawing.lang)]).collect();
        let links = edges::edges(process);
        let sizes: Vec<Size> = cards.iter().map(|card| card.size).collect();
        let placed = layout(&sizes, &links).ok_or(TooLarge)?;
        for (card, at) in cards.iter_mut().zip(placed.places) {
            card.at = at;
        }
        let arrow = |(Link { from, to, optional }, route): (&Link, Vec<Point>)| Arrow { from: *from, to: *to, optional: *optional, route };
        let arrows = links.iter().zip(placed.routes).map(arrow).collect();
        let size = Size { width: placed.width, height: placed.height };
        Ok(Self { process: process.id.to_string(), title: process.title.clone(), lang: drawing.lang, size, cards, arrows })
    }

    /// Every step with those right after it, for whoever reads instead of looking.
    pub fn after(&self, card: usize) -> impl Iterator<Item = &Card> {
        self.arrows.iter().filter(move |arrow| arrow.from == card).filter_map(|arrow| self.cards.get(arrow.to))
    }
}

impl Card {
    fn new(part: Part, symbol: Symbol, word: String, title: &str, notes: Vec<(Symbol, String)>, states: bool) -> Self {
        let inner = WIDTH - 2 * PAD;
        let lines = text::wrap(title, TITLE_PX, inner, LINES_MAX);
        let notes: Vec<Note> =
            notes.into_iter().map(|(symbol, text)| Note { symbol, lines: text::wrap(&text, SMALL_PX, inner - SIGN, NOTE_LINES_MAX), text }).collect();
        let rows = |count: usize, line: i32| i32::try_from(count).unwrap_or(i32::MAX / 100) * line;
        let height = 2 * PAD
            + SMALL_LINE
            + rows(lines.len(), TITLE_LINE)
            + rows(notes.iter().map(|note| note.lines.len()).sum::<usize>() + usize::from(states), SMALL_LINE);
        Self { part, symbol, word, title: title.to_owned(), lines, notes, at: Point { x: 0, y: 0 }, size: Size { width: WIDTH, height } }
    }
}

fn step_card(step: &Step, drawing: &Drawing<'_>) -> Card {
    let (symbol, word) = words::kind(&step.kind);
    let effect = words::tool(step).and_then(|tool| (drawing.effect)(&tool));
    let word = match effect {
        Some(effect) => format!("{} · {}", word.get(drawing.lang), effect.get(drawing.lang)),
        None => word.get(drawing.lang).to_owned(),
    };
    let notes = words::notes(step).into_iter().map(|(symbol, text)| (symbol, text.get(drawing.lang).to_owned())).collect();
    Card::new(Part::Step(step.id.clone()), symbol, word, &step.title, notes, drawing.states)
}

fn start(process: &Process, lang: Lang) -> Card {
    let ways = words::ways(process).into_iter().map(|way| (Symbol::Start, way.get(lang).to_owned())).collect();
    let word = Text::new("Beginn", "Start");
    Card::new(Part::Start, Symbol::Start, word.get(lang).to_owned(), "", ways, false)
}

fn end(lang: Lang) -> Card {
    let word = Text::new("Ende", "End");
    Card::new(Part::End, Symbol::End, word.get(lang).to_owned(), "", Vec::new(), false)
}
