//! A step as people read it: what went in and came out, call by call, item by item, and what somebody can do now.

use std::collections::BTreeSet;

use laufzettel_domain::{EffectPath, Lang, Slot, StepId, Value, names::Phase};
use laufzettel_engine::{Disposition, EffectRun, EffectStatus, Run, StepState as Settled, Task, TaskKind, TaskState};
use laufzettel_policy::Effect;
use laufzettel_process::model::{Step, StepKind as Kind};

use super::{
    Matter,
    call::{Book, calls, rights_of},
    list,
};
use crate::{
    origin::rule_in_words,
    pages::{
        Called, StepKind, StepState, StepView,
        calls::{ItemView, ItemsView, Todo},
        shown::foreign,
        words::word,
    },
};

/// Items of a list on one page of a step.
pub const ITEMS: usize = 10;

/// Which page of which step's items is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    pub step: String,
    /// The first item shown, counted from 1.
    pub from: usize,
}

/// What a page of steps is made from.
pub struct Look<'l> {
    pub book: &'l Book<'l>,
    pub opened: &'l Opened,
    /// Open tasks that are for whoever looks.
    pub hers: &'l BTreeSet<u32>,
}

pub fn step(matter: &Matter<'_>, look: &Look<'_>, id: &StepId) -> StepView {
    let (loaded, lang) = (matter.loaded, matter.lang);
    let (process, run) = (&loaded.prepared.process, &loaded.run);
    let step = &process.steps[id];
    // of a list, the one somebody must look at
    let stopped = |effect: &&EffectRun| matches!(effect.status, EffectStatus::Doubt | EffectStatus::Parked(_));
    let own = run.effects.iter().filter(|(path, _)| path.step == *id && path.phase == Phase::Do).map(|(_, effect)| effect);
    let effect = own.clone().find(stopped).or_else(|| run.effect_of(id, Phase::Do).map(|(_, effect)| effect));
    let mut view = StepView {
        id: id.to_string(),
        title: step.title.clone(),
        kind: kind(&step.kind),
        state: state(run, id, effect),
        input: Vec::new(),
        output: Vec::new(),
        reason: None,
        acted_as: None,
        called: run.children.iter().filter(|(slot, _)| slot.step == *id).map(|(_, child)| called(child.run, &child.nummer)).collect(),
        calls: calls(matter, look.book, id, step, 0),
        items: items(matter, look.book, id, if look.opened.step == id.as_str() { look.opened.from } else { 1 }),
        todo: todo(matter, look, id),
        open: look.opened.step == id.as_str(),
        elsewhere: None,
    };
    settled(&mut view, matter, id, step);
    if let Some(effect) = effect {
        match (&effect.status, &effect.deferred) {
            (EffectStatus::Settling, _) => view.reason = Some(word("settling", lang).to_owned()),
            (EffectStatus::RetryAt(_), Some((_, reason))) => view.reason = Some(reason.get(lang).to_owned()),
            _ => {}
        }
    }
    if matches!(step.kind, Kind::Human(_)) && step.each.is_none() {
        human(&mut view, matter, id);
    }
    view
}

/// What a person was asked, and who she was.
fn human(view: &mut StepView, matter: &Matter<'_>, id: &StepId) {
    let run = &matter.loaded.run;
    let Some(task) = own_tasks(run, id).find(|task| task.state == TaskState::Open).or_else(|| own_tasks(run, id).next()) else { return };
    view.input = super::shown(matter, task);
    if let TaskState::Completed { by, values, .. } = &task.state {
        view.acted_as = Some(rights_of(by, matter.lang));
        // what was decided outlives the step's value
        if matter.loaded.gone.is_some() && view.output.is_empty() {
            view.output = list(matter.loaded, values, matter.lang);
        }
    } else {
        view.reason = Some(waits_for(task, matter.lang));
    }
}

/// A page of the items of a step that goes over a list.
/// So many items of a list from this one on, counted from 1.
pub fn items(matter: &Matter<'_>, book: &Book<'_>, id: &StepId, from: usize) -> Option<ItemsView> {
    let (run, step) = (&matter.loaded.run, matter.process().steps.get(id)?);
    let elements = run.lists.get(id)?;
    let from = from.clamp(1, elements.len().max(1));
    let done = run.items_of(id).filter(|(_, state)| **state != Settled::Active).count();
    let shown = elements.iter().enumerate().skip(from - 1).take(ITEMS);
    let items = shown.map(|(n, element)| {
        let number = u32::try_from(n + 1).unwrap_or(u32::MAX);
        let slot = Slot { step: id.clone(), item: number };
        let (output, reason) = outcome(matter, id, run.at(&slot));
        ItemView {
            number,
            state: item_state(run, &slot),
            element: list(matter.loaded, &element.item, matter.lang).into_iter().map(|row| row.from(list_origin(matter, step))).collect(),
            output,
            reason,
            calls: calls(matter, book, id, step, number),
        }
    });
    let link = |from: usize| format!("/vorgaenge/{}?schritt={id}&ab={from}#schritt-{id}", run.id);
    Some(ItemsView {
        count: elements.len(),
        done,
        items: items.collect(),
        before: (from > 1).then(|| link(from.saturating_sub(ITEMS).max(1))),
        more: (from - 1 + ITEMS < elements.len()).then(|| link(from + ITEMS)),
    })
}

/// Where the list comes from that a step goes over.
fn list_origin(matter: &Matter<'_>, step: &Step) -> Vec<crate::pages::Source> {
    step.each.as_ref().map(|each| matter.origins().of_expression(&each.list)).unwrap_or_default()
}

fn item_state(run: &Run, slot: &Slot) -> StepState {
    let own = || run.effects.iter().filter(|(path, _)| path.slot() == *slot && path.phase == Phase::Do).map(|(_, effect)| effect);
    let mut stopped = own().filter_map(|effect| match effect.status {
        EffectStatus::Doubt => Some(StepState::Doubt),
        EffectStatus::Parked(_) => Some(StepState::Parked),
        _ => None,
    });
    match (stopped.next(), run.at(slot)) {
        (Some(state), _) => state,
        (_, None) => StepState::Open,
        (_, Some(Settled::Active)) if run.ended.is_some() => left(own().find(|effect| may_stand(effect))),
        (_, Some(Settled::Active)) if run.open_tasks().any(|task| task.opened.step == slot.step && task.opened.item == slot.item) => StepState::Waiting,
        (_, Some(Settled::Active)) => StepState::Active,
        (_, Some(Settled::Completed { .. })) => StepState::Completed,
        (_, Some(Settled::Skipped { .. })) => StepState::Skipped,
        (_, Some(Settled::Failed { .. })) => StepState::Failed,
    }
}

/// What can be done about a step that has come to a stand, and by whom.
fn todo(matter: &Matter<'_>, look: &Look<'_>, id: &StepId) -> Option<Todo> {
    let (run, lang) = (&matter.loaded.run, matter.lang);
    let Some(task) = run.open_tasks().find(|task| task.opened.step == *id) else {
        let key = run.ended.and_then(|_| left_standing(run, id))?;
        return Some(Todo { text: word(key, lang).to_owned(), link: None });
    };
    let key = match task.opened.kind {
        TaskKind::Human => "todo_human",
        TaskKind::Takeover => "todo_takeover",
        TaskKind::Doubt => "todo_doubt",
        TaskKind::Repair => "todo_repair",
        TaskKind::Approval => "todo_approval",
        TaskKind::Ask => "todo_ask",
        TaskKind::Restored => return None,
    };
    let number = task.opened.number;
    let link = look.hers.contains(&number).then(|| format!("/aufgaben/{}", laufzettel_domain::TaskId { run: run.id, number }));
    let asked = waits_for(task, lang);
    let text =
        if link.is_some() || asked.is_empty() { word(key, lang).to_owned() } else { format!("{} {}: {asked}", word(key, lang), word("asked_are", lang)) };
    Some(Todo { text, link })
}

/// What a run that is over leaves of a step in the world, that nobody takes back by himself: the wording that says so.
fn left_standing(run: &Run, id: &StepId) -> Option<&'static str> {
    let undone =
        |path: &EffectPath| run.effects.get(&EffectPath::of(&path.slot(), Phase::Undo)).is_some_and(|undo| matches!(undo.status, EffectStatus::Settled { .. }));
    let of_step = run.effects.iter().filter(|(path, _)| path.step == *id && path.phase == Phase::Do && !undone(path)).map(|(_, effect)| effect);
    let happened = |effect: &EffectRun| effect.acted() && matches!(effect.status, EffectStatus::GaveUp { disposition: Disposition::Happened, .. });
    let gave_up: Vec<&EffectRun> = of_step.filter(|effect| may_stand(effect) || happened(effect)).collect();
    match gave_up.as_slice() {
        [] => run.earlier.iter().any(|(path, _)| path.step == *id).then_some("todo_earlier"),
        effects if effects.iter().any(|effect| may_stand(effect)) => Some("todo_look"),
        _ => Some("todo_happened"),
    }
}

/// Who is asked.
fn waits_for(task: &Task, lang: Lang) -> String {
    let hers = task.opened.assign.applicant.then(|| word("waits_for_applicant", lang).to_owned());
    let person = task.opened.assign.user.iter().cloned();
    let groups = task.opened.unit.iter().chain(&task.opened.assign.groups).cloned();
    hers.into_iter().chain(person).chain(groups).collect::<Vec<_>>().join(", ")
}

pub fn called(run: laufzettel_domain::RunId, number: &str) -> Called {
    Called { link: format!("/vorgaenge/{run}"), number: number.to_owned() }
}

fn own_tasks<'r>(run: &'r Run, id: &'r StepId) -> impl Iterator<Item = &'r Task> {
    run.tasks.values().filter(move |t| t.opened.step == *id && t.opened.kind == TaskKind::Human && !t.superseded)
}

fn settled(view: &mut StepView, matter: &Matter<'_>, id: &StepId, step: &Step) {
    let (output, reason) = outcome(matter, id, matter.loaded.run.steps.get(id));
    // of a list each item stands for itself
    if step.each.is_none() {
        view.output = output;
    }
    view.reason = reason;
}

/// What came out of a step or an item, and why.
fn outcome(matter: &Matter<'_>, id: &StepId, state: Option<&Settled>) -> (Vec<crate::pages::Shown>, Option<String>) {
    let lang = matter.lang;
    match state {
        Some(Settled::Completed { value, .. }) => {
            let mut value = value.clone();
            let mut reason = None;
            if let Some(map) = value.as_object_mut() {
                for name in ["shown", "by"] {
                    map.remove(name);
                }
                // of a value somebody supplied there is no row
                reason = map.remove("rule").filter(|rule| rule.get("table").is_some()).map(|rule| rule_in_words(&rule, lang));
            }
            (came_out(matter, id, &value), reason)
        }
        Some(Settled::Skipped { because: None, .. }) => (Vec::new(), Some(word("skipped_by_condition", lang).to_owned())),
        Some(Settled::Skipped { because: Some(other), .. }) => {
            let title = matter.process().steps.get(other).map_or(other.as_str(), |step| &step.title);
            (Vec::new(), Some(format!("{} „{title}“", word("skipped_because", lang))))
        }
        Some(Settled::Failed { message, .. }) => (Vec::new(), Some(message).filter(|message| !message.is_empty()).map(|message| foreign(message))),
        _ => (Vec::new(), None),
    }
}

/// A step's value in rows, each with where it comes from.
fn came_out(matter: &Matter<'_>, id: &StepId, value: &Value) -> Vec<crate::pages::Shown> {
    let fields: Vec<String> = value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
    let of = |n: usize| matter.origins().of_output(id, value, fields.get(n).map(std::slice::from_ref).unwrap_or_default());
    matter.result(id, value).into_iter().enumerate().map(|(n, row)| row.from(of(n))).collect()
}

fn kind(kind: &Kind) -> StepKind {
    match kind {
        Kind::Tool(_) => StepKind::Tool,
        Kind::Model(_) => StepKind::Model,
        Kind::Human(_) => StepKind::Human,
        Kind::Rules(_) => StepKind::Rules,
        Kind::Set(_) => StepKind::Set,
        Kind::Wait(_) => StepKind::Wait,
        Kind::Process(_) => StepKind::Process,
        Kind::Agent(_) => StepKind::Agent,
    }
}

/// Something may have been done, nobody knows whether it was, and nobody is asked any more.
fn may_stand(effect: &EffectRun) -> bool {
    effect.intent.effect != Effect::Read && matches!(effect.status, EffectStatus::GaveUp { disposition: Disposition::Unknown, .. })
}

/// What was under way when the run came to its end.
fn left(effect: Option<&EffectRun>) -> StepState {
    if effect.is_some_and(may_stand) { StepState::Doubt } else { StepState::Stopped }
}

fn state(run: &Run, id: &StepId, effect: Option<&EffectRun>) -> StepState {
    let undone = run.effect_of(id, Phase::Undo).is_some_and(|(_, e)| matches!(e.status, EffectStatus::Settled { .. }));
    match (run.steps.get(id), effect.map(|e| &e.status)) {
        _ if undone => StepState::Undone,
        (_, Some(EffectStatus::Doubt)) => StepState::Doubt,
        (_, Some(EffectStatus::Parked(_))) => StepState::Parked,
        (None, _) => StepState::Open,
        // the run came to its end, the step did not
        (Some(Settled::Active), _) if run.ended.is_some() => left(effect),
        (Some(Settled::Active), None) if run.open_children().any(|(slot, _)| slot.step == *id) => StepState::Active,
        (Some(Settled::Active), None) if run.expects.keys().any(|slot| slot.step == *id) => StepState::Awaiting,
        (Some(Settled::Active), None) if run.waits.keys().any(|slot| slot.step == *id) => StepState::Timed,
        (Some(Settled::Active), None) => StepState::Waiting,
        // failed, and somebody is asked what becomes of it; or an agent asks
        (Some(Settled::Active), _) if run.open_tasks().any(|t| t.opened.step == *id && (t.opened.kind == TaskKind::Repair || t.opened.kind.is_own())) => {
            StepState::Waiting
        }
        (Some(Settled::Active), _) => StepState::Active,
        (Some(Settled::Completed { .. }), _) => StepState::Completed,
        (Some(Settled::Skipped { .. }), _) => StepState::Skipped,
        (Some(Settled::Failed { .. }), _) => StepState::Failed,
    }
}
