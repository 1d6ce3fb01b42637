//! From a process, and the steps of a run of it, to the picture on a page.

use std::collections::BTreeMap;

use laufzettel_domain::{Lang, StepId};
use laufzettel_policy::ToolRule;
use laufzettel_process::{
    Process,
    picture::{
        Card, Drawing, Part, Picture, Symbol,
        svg::{Dress, State, inline},
    },
};

use crate::pages::{
    StepState, StepView,
    picture::{BYTES_MAX, FIT_PX_MAX, PictureStep, PictureView},
    words::word,
};

/// The ids of what names the picture on the page (`bild.html`).
const LABELS: &str = "bild-name bild-erklaert";

/// With where every step stands; each leads to its section of the page.
pub fn of_run(process: &Process, tools: &BTreeMap<String, ToolRule>, steps: &[StepView], lang: Lang) -> Option<PictureView> {
    let states: BTreeMap<&str, State> = steps.iter().map(|step| (step.id.as_str(), standing(step.state, lang))).collect();
    let dress = Dress { link: &|id| format!("#schritt-{id}"), state: &|id| states.get(id.as_str()).copied() };
    view(process, tools, lang, true, &dress)
}

/// As it was written; each leads to its line.
pub fn of_process(process: &Process, tools: &BTreeMap<String, ToolRule>, link: &dyn Fn(&StepId) -> String, lang: Lang) -> Option<PictureView> {
    view(process, tools, lang, false, &Dress { link, state: &|_| None })
}

/// `None`: no picture can be laid out, and so nothing is known of what comes right after what.
fn view(process: &Process, tools: &BTreeMap<String, ToolRule>, lang: Lang, states: bool, dress: &Dress<'_>) -> Option<PictureView> {
    let effect = |tool: &str| tools.get(tool).map(|rule| rule.effect.text());
    let picture = Picture::of(process, &Drawing { lang, effect: &effect, states }).ok()?;
    let svg = Some(inline(&picture, LABELS, dress)).filter(|svg| svg.len() <= BYTES_MAX);
    let steps = picture.cards.iter().enumerate().filter_map(|(n, card)| step(&picture, n, card, dress)).collect();
    Some(PictureView { svg, fits: picture.size.width <= FIT_PX_MAX, steps })
}

fn step(picture: &Picture, n: usize, card: &Card, dress: &Dress<'_>) -> Option<PictureStep> {
    let Part::Step(id) = &card.part else { return None };
    Some(PictureStep {
        link: (dress.link)(id),
        title: card.title.clone(),
        word: card.word.clone(),
        notes: card.notes.iter().map(|note| note.text.clone()).collect(),
        state: (dress.state)(id).map(|state| state.word.to_owned()),
        after: picture.after(n).filter(|next| next.part != Part::End).map(|next| next.title.clone()).collect(),
    })
}

/// Word and sign of where a step stands; the same words as beside the steps below.
fn standing(state: StepState, lang: Lang) -> State {
    let (symbol, name, key) = match state {
        StepState::Open => (Symbol::Open, "open", "step_open"),
        StepState::Active => (Symbol::Active, "active", "step_active"),
        StepState::Waiting => (Symbol::Waiting, "waiting", "bild_waiting"),
        StepState::Timed => (Symbol::Waiting, "waiting", "bild_timed"),
        StepState::Awaiting => (Symbol::Waiting, "waiting", "bild_awaiting"),
        StepState::Completed => (Symbol::Completed, "completed", "step_completed"),
        StepState::Skipped => (Symbol::Skipped, "skipped", "step_skipped"),
        StepState::Failed => (Symbol::Failed, "failed", "step_failed"),
        StepState::Doubt => (Symbol::Doubt, "doubt", "step_doubt"),
        StepState::Parked => (Symbol::Doubt, "doubt", "step_parked"),
        StepState::Stopped => (Symbol::Skipped, "skipped", "step_stopped"),
        StepState::Undone => (Symbol::Undo, "undone", "step_undone"),
    };
    State { symbol, name, word: word(key, lang) }
}
