//! A case from its beginning to its end, to be read and printed: what was applied for, every step with all that went in and came out, the
//! timeline. The page of a case shows as much of it as one page takes, and leads to the rest; on paper nothing leads anywhere. In parts, for
//! no page is larger than 100 KB.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{HeaderMap, Uri},
    response::Response,
};
use laufzettel_domain::StepId;
use serde::Serialize;

use super::{RECORDS, Sight, rows, rows_mut, sighted};
use crate::{
    pages::{
        AktePage, Link, Page, Shown, StepView,
        calls::{CallView, ItemsView, Timeline},
        citation::Beyond,
        runs::Entry,
        shown::folded,
        words::word,
    },
    site::{Session, Site},
    view::{self, Book, ITEMS, Look, Matter, Opened},
};

/// Bytes of what one part holds, before it is laid out, when it is about twice as much: without a picture there is room for that in the
/// 100 KB a page may have.
const PART_BYTES_MAX: usize = 36 * 1024;
/// Characters of one text: laid out and word for word it is a page. What is longer goes on in the system it came from.
const TEXT_CHARS_MAX: usize = 20_000;

/// What stands in a dossier, in its order.
#[derive(Serialize)]
#[serde(untagged)]
enum Block {
    Input(Vec<Shown>),
    Step(Box<StepView>),
    Entries(Vec<Entry>),
}

pub async fn page(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(run): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let wanted = Wanted { part: query.get("teil").and_then(|part| part.parse().ok()), step: query.get("schritt").map(String::as_str) };
    sighted(&site, &session, &run, &query, (&uri, &headers), |sight, beyond| {
        let page = dossier(sight, beyond, wanted);
        let shown: Vec<Shown> = page.input.iter().chain(page.case.steps.iter().flat_map(rows).flatten()).cloned().collect();
        (Page::Akte(Box::new(page)), shown)
    })
    .await
}

/// Which part is asked for: by its number, or the first that has something of a step.
#[derive(Clone, Copy)]
struct Wanted<'w> {
    part: Option<usize>,
    step: Option<&'w str>,
}

impl Wanted<'_> {
    /// Counted from 1.
    fn among(self, parts: &[Vec<Block>]) -> usize {
        let of_step = |part: &Vec<Block>| part.iter().any(|block| matches!(block, Block::Step(step) if Some(step.id.as_str()) == self.step));
        let named = || parts.iter().position(of_step).map(|at| at + 1);
        self.part.or_else(named).unwrap_or(1).clamp(1, parts.len().max(1))
    }
}

fn dossier(sight: &Sight<'_>, beyond: Vec<Beyond>, wanted: Wanted<'_>) -> AktePage {
    let civil = |at| sight.tenant.civil_micros(at);
    let (loaded, lang) = (sight.loaded, sight.lang);
    let book = Book::new(&loaded.prepared.process, sight.records, &civil, lang);
    let mut matter = Matter::new(loaded, sight.voices, lang);
    matter.beyond = beyond;
    let mut input = matter.input(&loaded.run.input);
    folded(&mut input, TEXT_CHARS_MAX);
    let input = input.into_iter().map(|row| Block::Input(vec![row]));
    let steps = loaded.prepared.process.order.iter().flat_map(|id| whole(&matter, &book, id)).map(|step| Block::Step(Box::new(step)));
    let entries = (0..book.count()).step_by(RECORDS).map(|from| Block::Entries(book.told(from, RECORDS)));
    let mut parts = in_parts(input.chain(steps).chain(entries));
    let (count, part) = (parts.len(), wanted.among(&parts));
    let mut case = sight.case(&matter, &book, Vec::new(), Timeline::default());
    (case.live, case.cancel) = (None, None);
    let mut page = AktePage { case, input: Vec::new(), part, parts: Vec::new(), back: format!("/vorgaenge/{}", loaded.run.id) };
    for block in parts.swap_remove(part - 1) {
        match block {
            Block::Input(rows) => page.input.extend(rows),
            Block::Step(step) => match page.case.steps.last_mut().filter(|last| last.id == step.id) {
                Some(last) => go_on(last, *step),
                None => page.case.steps.push(*step),
            },
            Block::Entries(entries) => page.case.timeline.entries.extend(entries),
        }
    }
    if count > 1 {
        let link = |n: usize| Link { href: format!("{}/akte?teil={n}", page.back), text: format!("{} {n}", word("akte_part", lang)) };
        page.parts = (1..=count).map(link).collect();
    }
    page
}

/// A step with all of it: of a list the further items apart, and where it is more than one page takes, piece by piece.
fn whole(matter: &Matter<'_>, book: &Book<'_>, id: &StepId) -> Vec<StepView> {
    let (nobody, opened) = (BTreeSet::new(), Opened { step: id.to_string(), from: 1 });
    let mut first = view::step(matter, &Look { book, opened: &opened, hers: &nobody }, id);
    first.todo = None;
    let count = first.items.as_ref().map_or(0, |items| items.count);
    let bare = StepView { items: None, ..emptied(&first) };
    let further = (1 + ITEMS..=count).step_by(ITEMS).map(|from| StepView { items: view::items(matter, book, id, from), ..bare.clone() });
    let pages: Vec<StepView> = std::iter::once(first).chain(further).collect();
    pages
        .into_iter()
        .flat_map(|mut step| {
            rows_mut(&mut step).into_iter().for_each(|rows| folded(rows, TEXT_CHARS_MAX));
            if let Some(items) = &mut step.items {
                (items.before, items.more) = (None, None);
            }
            pieces(step)
        })
        .collect()
}

/// The next piece of a step behind the one before it.
fn go_on(last: &mut StepView, step: StepView) {
    last.input.extend(step.input);
    last.calls.extend(step.calls);
    last.output.extend(step.output);
    match (&mut last.items, step.items) {
        (Some(last), Some(more)) => last.items.extend(more.items),
        (none, more) => *none = more.or(none.take()),
    }
}

/// What a step is called and how it stands, and nothing of what it holds.
fn emptied(step: &StepView) -> StepView {
    StepView { input: Vec::new(), output: Vec::new(), calls: Vec::new(), items: None, called: Vec::new(), reason: None, acted_as: None, ..step.clone() }
}

/// The step in pieces that each fit a page.
fn pieces(step: StepView) -> Vec<StepView> {
    if size(&step) <= PART_BYTES_MAX {
        return vec![step];
    }
    let bare = emptied(&step);
    let StepView { input, output, calls, items, .. } = step.clone();
    let inputs = input.into_iter().map(|row| StepView { input: vec![row], ..bare.clone() });
    let called = calls.into_iter().flat_map(|call| {
        let head = CallView { input: Vec::new(), output: Vec::new(), ..call.clone() };
        let inputs = call.input.into_iter().map(|row| CallView { input: vec![row], ..head.clone() });
        let outputs = call.output.into_iter().map(|row| CallView { output: vec![row], ..head.clone() });
        inputs.chain(outputs).collect::<Vec<_>>()
    });
    let calls = called.map(|call| StepView { calls: vec![call], ..bare.clone() });
    let single = items.into_iter().flat_map(|list| {
        let head = ItemsView { items: Vec::new(), ..list.clone() };
        list.items.into_iter().map(move |item| ItemsView { items: vec![item], ..head.clone() }).collect::<Vec<_>>()
    });
    let items = single.map(|list| StepView { items: Some(list), ..bare.clone() });
    let outputs = output.into_iter().map(|row| StepView { output: vec![row], ..bare.clone() });
    let head = StepView { called: step.called, reason: step.reason, acted_as: step.acted_as, ..bare.clone() };
    std::iter::once(head).chain(inputs).chain(calls).chain(items).chain(outputs).collect()
}

/// As many blocks as one page takes, and on the next what is left. One that is too large alone has a part of its own.
fn in_parts(blocks: impl Iterator<Item = Block>) -> Vec<Vec<Block>> {
    let mut parts: Vec<Vec<Block>> = vec![Vec::new()];
    let mut room = PART_BYTES_MAX;
    for block in blocks {
        let size = size(&block);
        if size > room && parts.last().is_some_and(|part| !part.is_empty()) {
            parts.push(Vec::new());
            room = PART_BYTES_MAX;
        }
        room = room.saturating_sub(size);
        if let Some(part) = parts.last_mut() {
            part.push(block);
        }
    }
    parts
}

fn size(block: &impl Serialize) -> usize {
    serde_json::to_vec(block).map_or(PART_BYTES_MAX, |bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_everything_once_and_in_order() {
        let entry = |chars: usize| {
            let at = jiff::civil::date(2026, 11, 1).at(0, 0, 0, 0);
            Block::Entries(vec![Entry { at, text: "x".repeat(chars), step: None }])
        };
        let sizes = [10, PART_BYTES_MAX + 1, 10, PART_BYTES_MAX / 2, PART_BYTES_MAX / 2, 10];
        let parts = in_parts(sizes.iter().map(|chars| entry(*chars)));
        let counts: Vec<usize> = parts.iter().map(Vec::len).collect();
        assert_eq!(counts, [1, 1, 2, 2]);
        assert_eq!(in_parts(std::iter::empty()).len(), 1);
    }
}
