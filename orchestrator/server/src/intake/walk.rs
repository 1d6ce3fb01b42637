//! The way through a form of several pages: what a button asks for, and where it leads. Pure.
//!
//! Everything typed travels with the pages; nothing is kept between them. A page is left forwards only once it is right, backwards always.

use laufzettel_process::schema::Problem;

use crate::{
    form_data::Sent,
    pages::{self, Form, form::Place},
};

/// What a button asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    Next,
    Back,
    Review,
    Send,
    /// The same place again: a file was chosen, say.
    Stay,
    /// Puts away what was filled in.
    Save(Saving),
    /// Deletes what was put away.
    Discard,
    /// From the summary to a place, and back to the summary afterwards.
    Change(Place),
    /// One more entry of a list.
    Add(laufzettel_domain::Path),
    Open(laufzettel_domain::Path),
    Remove(laufzettel_domain::Path),
}

impl Intent {
    /// As the pressed button says; a word nobody knows is like none.
    pub fn of(sent: &Sent) -> Self {
        let said = sent.get(pages::INTENT).unwrap_or(pages::INTENT_REVIEW);
        let (word, about) = said.split_once(':').unwrap_or((said, ""));
        let path = || laufzettel_domain::Path::new(about.split('.'));
        match word {
            pages::INTENT_NEXT => Self::Next,
            pages::INTENT_BACK => Self::Back,
            pages::INTENT_SEND => Self::Send,
            pages::INTENT_STAY => Self::Stay,
            pages::INTENT_SAVE => Self::Save(match about {
                pages::SAVE_APART => Saving::Apart,
                pages::SAVE_OVER => Saving::Over,
                _ => Saving::Careful,
            }),
            pages::INTENT_DISCARD => Self::Discard,
            pages::INTENT_CHANGE => Self::Change(Place::parse(about)),
            pages::INTENT_ADD => Self::Add(path()),
            pages::INTENT_OPEN => Self::Open(path()),
            pages::INTENT_REMOVE => Self::Remove(path()),
            _ => Self::Review,
        }
    }
}

/// How something is put away where its draft may have been changed elsewhere meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saving {
    /// Only over what was seen.
    Careful,
    /// As a draft of its own, under a new code.
    Apart,
    /// In place of whatever stands there.
    Over,
}

/// Where somebody is in a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub place: Place,
    /// The summary was there already and is where this leads.
    pub to_summary: bool,
    /// The last page that was reached.
    pub farthest: usize,
    /// Questions that are not always asked, and were: dotted paths.
    pub seen: Vec<String>,
}

/// What is said when a place is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    Nothing,
    /// What is wrong there.
    Wrong,
    /// Questions have come up there by what was answered.
    New,
    /// There is no room for a draft.
    Full,
    /// Enough was put away from there for today.
    Enough,
    /// The files of this one are too large for a draft.
    TooLarge,
    /// A draft was opened; the form is another one by now.
    Opened,
    Changed,
    /// A draft was deleted.
    Discarded,
}

impl Say {
    /// Its wording.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Nothing | Self::Wrong => None,
            Self::New => Some("new_questions"),
            Self::Full => Some("draft_full"),
            Self::Enough => Some("draft_enough"),
            Self::TooLarge => Some("draft_too_large"),
            Self::Opened => Some("draft_opened"),
            Self::Changed => Some("draft_changed"),
            Self::Discarded => Some("draft_discarded"),
        }
    }
}

/// Where a button leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lead {
    Show { position: Position, say: Say },
    Summary,
    Send,
}

impl Position {
    pub fn start() -> Self {
        Self { place: Place::Page(0), to_summary: false, farthest: 0, seen: Vec::new() }
    }

    pub fn of(sent: &Sent) -> Self {
        Self {
            place: Place::parse(sent.get(pages::PLACE).unwrap_or_default()),
            to_summary: sent.get(pages::GOAL) == Some(pages::GOAL_SUMMARY),
            farthest: sent.get(pages::FARTHEST).and_then(|page| page.parse().ok()).unwrap_or(0),
            seen: sent.pairs.iter().filter(|(name, _)| name == pages::SEEN).map(|(_, path)| path.clone()).collect(),
        }
    }

    /// A place that is there, whatever was sent.
    pub fn settled(self, form: &Form) -> Self {
        let pages = form.pages();
        let first = || Place::Page(pages.first().copied().unwrap_or(0));
        let place = if form.part(&self.place).is_some() { self.place } else { first() };
        Self { farthest: self.farthest.min(pages.last().copied().unwrap_or(0)).max(form.page_of(&place)), place, ..self }
    }

    /// As a form carries it.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs = vec![(pages::PLACE.to_owned(), self.place.to_string()), (pages::FARTHEST.to_owned(), self.farthest.to_string())];
        pairs.extend(self.to_summary.then(|| (pages::GOAL.to_owned(), pages::GOAL_SUMMARY.to_owned())));
        pairs.extend(self.seen.iter().map(|path| (pages::SEEN.to_owned(), path.clone())));
        pairs
    }

    fn at(&self, place: Place) -> Self {
        Self { place, ..self.clone() }
    }
}

/// What a button asks for, once entries have come and gone, and where that is asked.
pub fn step(form: &Form, sent: &mut Sent) -> (Intent, Position) {
    let mut position = Position::of(sent);
    let intent = stays(form, Intent::of(sent), &position, sent);
    let intent = change(form, intent, &mut position, &mut sent.pairs);
    let pairs = &sent.pairs;
    // the files of an entry that went go with it
    sent.files.retain(|file| pairs.iter().any(|(_, reference)| *reference == file.reference));
    (intent, position)
}

/// A file that was not taken just now is told where it was chosen, before that place is left; the next time the button leads on.
fn stays(form: &Form, intent: Intent, position: &Position, sent: &Sent) -> Intent {
    let expanded = form.expanded(&sent.pairs);
    let here = |problem: &Problem| expanded.place_of(&problem.path).is_some_and(|place| place == position.place);
    match intent {
        Intent::Back | Intent::Add(_) | Intent::Open(_) | Intent::Remove(_) | Intent::Change(_) if sent.problems.iter().any(here) => Intent::Stay,
        other => other,
    }
}

/// Entries come and go before anything is read. What is left to be done.
fn change(form: &Form, intent: Intent, position: &mut Position, pairs: &mut Vec<(String, String)>) -> Intent {
    match &intent {
        Intent::Add(list) => {
            if let Some(entry) = form.add(pairs, list) {
                position.place = Place::Entry(entry);
            }
        }
        Intent::Open(entry) => position.place = Place::Entry(entry.clone()),
        Intent::Remove(entry) => form.remove(pairs, entry),
        // an entry begun and left empty was not meant
        Intent::Back => {
            let expanded = form.expanded(pairs);
            if let Place::Entry(entry) = &position.place
                && expanded.is_blank(&position.place, pairs)
                && let Some(above) = expanded.above(&position.place)
            {
                form.remove(pairs, &entry.clone());
                position.place = above;
                return Intent::Stay;
            }
        }
        _ => {}
    }
    intent
}

/// Where it goes from here. `problems`: everything wrong with the whole form.
pub fn lead(form: &Form, intent: &Intent, position: &Position, pairs: &[(String, String)], problems: &[Problem]) -> Lead {
    let show = |place: Place, say| Lead::Show { position: position.at(place), say };
    let faulty = |place: &Place| problems.iter().any(|problem| form.place_of(&problem.path).is_some_and(|at| form.within(&at, place)));
    match intent {
        Intent::Add(_) | Intent::Open(_) | Intent::Remove(_) | Intent::Stay | Intent::Save(_) => show(position.place.clone(), Say::Nothing),
        Intent::Change(place) => Lead::Show { position: Position { to_summary: true, ..position.at(place.clone()) }.settled(form), say: Say::Nothing },
        Intent::Discard => show(position.place.clone(), Say::Discarded),
        Intent::Back => show(before(form, &position.place), Say::Nothing),
        Intent::Send => finished(form, position, problems).unwrap_or(Lead::Send),
        Intent::Next | Intent::Review => {
            let next = after(form, position).filter(|_| *intent == Intent::Next);
            // what came up on the way here by the answers so far; before the summary, anywhere
            let asked = |at: &Place| *at == position.place || next.is_none() || (form.page_of(at) <= form.page_of(&position.place) && is_page(&position.place));
            let new = form.new_questions(&position.seen, pairs).iter().filter_map(|path| form.place_of(path)).find(|at| asked(at));
            match (new, next) {
                (Some(place), _) if place == position.place => show(place, Say::New),
                _ if faulty(&position.place) => show(position.place.clone(), Say::Wrong),
                (Some(place), next) => {
                    Lead::Show { position: Position { to_summary: position.to_summary || next.is_none(), ..position.at(place) }, say: Say::New }
                }
                (None, Some(place)) => show(place, Say::Nothing),
                (None, None) => finished(form, position, problems).unwrap_or(Lead::Summary),
            }
        }
    }
}

fn is_page(place: &Place) -> bool {
    matches!(place, Place::Page(_))
}

/// `None`: nothing is wrong any more. Else the first place where something is.
fn finished(form: &Form, position: &Position, problems: &[Problem]) -> Option<Lead> {
    problems.first()?;
    let last = Place::Page(form.pages().last().copied().unwrap_or(0));
    let places = problems.iter().filter_map(|problem| form.place_of(&problem.path));
    // what is wrong with the whole is said on its last page
    let place = places.min_by_key(|place| form.page_of(place)).unwrap_or(last);
    Some(Lead::Show { position: Position { to_summary: true, ..position.at(place) }, say: Say::Wrong })
}

fn before(form: &Form, place: &Place) -> Place {
    match place {
        Place::Page(page) => Place::Page(form.pages().into_iter().rev().find(|other| other < page).unwrap_or(*page)),
        Place::Entry(_) => form.above(place).unwrap_or(Place::Page(0)),
    }
}

/// `None`: there is no further page, or the summary is what this leads to.
fn after(form: &Form, position: &Position) -> Option<Place> {
    match &position.place {
        Place::Page(_) if position.to_summary => None,
        Place::Page(page) => form.pages().into_iter().find(|other| other > page).map(Place::Page),
        entry @ Place::Entry(_) => form.above(entry),
    }
}

#[cfg(test)]
mod tests;
