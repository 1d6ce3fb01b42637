//! What holds in every history, whatever happened: one name for each, so that a planted bug is found by name.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use laufzettel_domain::{EffectPath, Label, RunId, StepId, TenantId, Trust, names::Phase};
use laufzettel_engine::{EffectStatus, Event, Next, Run, State, fold};
use laufzettel_journal::{Record, Verdict, Verifier};
use laufzettel_policy::{Labelled, detect};
use laufzettel_store::{Memory as MemoryStore, RunFilter};

use crate::{outside::Act, outside::at_once};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// The journal verifies: its chain holds, and of every run each number is there once.
    Chain,
    /// Every history folds: nothing in it cannot follow what came before.
    Folds,
    /// What was acknowledged or once read is still there.
    Kept,
    /// A run's records never go back in time.
    Time,
    /// No event is written twice, and an attempt has one outcome.
    Once,
    /// A completed step never runs again.
    StepsOnce,
    /// A call that is not idempotent acts once under one key, and in one round only.
    SentOnce,
    /// Every call's intent was durable before it was made, with these arguments.
    Intended,
    /// An effect acts under the keys its run knows: a retry keeps the key.
    OneKey,
    /// A node whose place was taken writes nothing more.
    Fenced,
    /// No call carries what its door is not cleared for.
    Cleared,
    /// A value has at least the labels its looks demand, and a call at least those of what it reads.
    Labelled,
    /// A run that failed or was cancelled has undone what was completed.
    Undone,
    /// Every run ends once the faults do, and its children with it.
    Ends,
    /// Nothing panics.
    Panics,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub invariant: Invariant,
    pub what: String,
}

type Events = Vec<(Event, Timestamp)>;

/// Everything that does not hold, and the trace of the run.
pub fn check(memory: &MemoryStore, run: RunId, acted: &[Act]) -> (Vec<String>, Vec<Violation>) {
    let mut broken = Vec::new();
    let mut say = |invariant, what: String| broken.push(Violation { invariant, what });
    let records = at_once(memory.records((0, 0), u32::MAX)).unwrap();
    let mut verifier = Verifier::new("t", &[], &[], &[]);
    records.iter().for_each(|record| verifier.push(record));
    if let Verdict::Broken(found) = verifier.finish(None) {
        say(Invariant::Chain, format!("{found:?}"));
    }
    let mut trace = Vec::new();
    let mut ended = BTreeMap::new();
    for row in at_once(memory.runs(&RunFilter { limit: 500, ..RunFilter::default() }, &|_| true)).unwrap().rows {
        let history: Vec<Record> = at_once(memory.history_after(row.run, 0)).unwrap();
        let folded = laufzettel_worker::decode(&history)
            .map_err(|error| error.to_string())
            .and_then(|events| fold(&TenantId::parse("t").unwrap(), row.run, &events).map(|state| (events, state)).map_err(|error| error.to_string()));
        let (events, state) = match folded {
            Ok((events, Some(state))) => (events, state),
            Ok((_, None)) => {
                say(Invariant::Kept, format!("{} has no records", row.run));
                continue;
            }
            Err(error) => {
                say(Invariant::Folds, format!("{}: {error}", row.run));
                continue;
            }
        };
        of_events(&events, &mut say);
        of_labels(&events, &mut say);
        of_keys(&events, row.run, acted, &mut say);
        of_end(&state, &mut say);
        ended.insert(row.run, state.ended.is_some());
        if row.run == run {
            trace = told(&events);
        }
    }
    if ended.get(&run) == Some(&true) && ended.values().any(|ended| !ended) {
        say(Invariant::Ends, format!("the run has ended, a child has not: {ended:?}"));
    }
    sent(acted, &mut say);
    (trace, broken)
}

fn told(events: &Events) -> Vec<String> {
    let of = |event: &Event| if let Event::RunEnded(e) = event { format!("run.ended {}", e.state.as_str()) } else { event.kind().to_owned() };
    events.iter().map(|(event, at)| format!("{at} {}", of(event))).collect()
}

fn of_events(events: &Events, say: &mut impl FnMut(Invariant, String)) {
    for pair in events.windows(2) {
        if pair[1].1 < pair[0].1 {
            say(Invariant::Time, format!("{} at {} after {}", pair[1].0.kind(), pair[1].1, pair[0].1));
        }
        if pair[0].0 == pair[1].0 {
            say(Invariant::Once, format!("{} twice", pair[1].0.kind()));
        }
    }
    let mut outcomes = BTreeSet::new();
    let mut completed = BTreeSet::new();
    let mut ordered: BTreeSet<&StepId> = BTreeSet::new();
    for (event, _) in events {
        let outcome = match event {
            Event::EffectSettled(e) if e.by.is_none() => Some((&e.path, e.round, e.attempt)),
            // a doubt is not the last word
            Event::EffectFailed(e) if e.by.is_none() && !matches!(e.next, Next::Doubt | Next::Settle) => Some((&e.path, e.round, e.attempt)),
            _ => None,
        };
        if outcome.is_some_and(|outcome| !outcomes.insert(outcome)) {
            say(Invariant::Once, format!("two outcomes of {outcome:?}"));
        }
        // in that round: a person has ordered another
        match event {
            Event::RetryOrdered(e) => ordered.extend(&e.steps),
            Event::StepRetried(e) if ordered.remove(&e.step) => completed.retain(|(step, _): &(&StepId, u32)| **step != e.step),
            _ => {}
        }
        if let Event::StepCompleted(e) = event
            && !completed.insert((&e.step, e.item))
        {
            say(Invariant::StepsOnce, format!("{}.{} is completed again", e.step, e.item));
        }
    }
}

/// Level and categories only: whose word a value is may change on the way, what it is may not.
fn covers(label: &Label, least: &Label) -> bool {
    let least = least.clone().with_trust(Trust::Trusted);
    label.join(&least) == *label
}

fn of_labels(events: &Events, say: &mut impl FnMut(Invariant, String)) {
    let mut known: BTreeMap<&str, &Labelled> = BTreeMap::new();
    for (event, _) in events {
        match event {
            Event::StepCompleted(e) => {
                if !covers(&e.labels.whole(), &detect(&e.value, &[])) {
                    say(Invariant::Labelled, format!("{} has labels {:?}", e.step, e.labels));
                }
                if e.item == 0 {
                    known.insert(e.step.as_str(), &e.labels);
                }
            }
            Event::EffectIntended(e) => {
                let all = Label::join_all(e.labels.values());
                let read = e.reads.iter().filter_map(|path| Some((path, known.get(path.step()?)?.at(&path.0[2..]))));
                for (path, label) in read.filter(|(_, label)| !covers(&all, label)) {
                    say(Invariant::Labelled, format!("{} reads {path:?} with {label:?} and has labels {all:?}", e.path));
                }
            }
            _ => {}
        }
    }
}

fn of_keys(events: &Events, run: RunId, acted: &[Act], say: &mut impl FnMut(Invariant, String)) {
    let mut rounds: BTreeSet<(&EffectPath, u32)> = BTreeSet::new();
    for (event, _) in events {
        match event {
            Event::EffectIntended(e) => drop(rounds.insert((&e.path, e.round))),
            Event::EffectResumed(e) => drop(rounds.insert((&e.path, e.round))),
            _ => {}
        }
    }
    for act in acted.iter().filter(|act| act.key.run == run && !rounds.contains(&(&act.key.path, act.key.round))) {
        say(Invariant::OneKey, format!("{} acted under {}, which its run does not know", act.tool, act.key));
    }
}

/// What became of the run, and whether nothing of it is left standing.
fn of_end(run: &Run, say: &mut impl FnMut(Invariant, String)) {
    let open: Vec<String> = run.effects.iter().filter(|(_, e)| e.status.is_open()).map(|(p, e)| format!("{p} {:?}", e.status)).collect();
    let Some((state, _)) = run.ended else {
        let tasks: Vec<_> = run.open_tasks().map(|t| (t.opened.kind.clone(), t.opened.step.clone())).collect();
        let children: Vec<_> = run.open_children().collect();
        return say(Invariant::Ends, format!("{open:?}, tasks {tasks:?}, children {children:?}, {:?}", run.ending));
    };
    let undone = |slot| matches!(run.effects.get(&EffectPath::of(slot, Phase::Undo)).map(|e| &e.status), Some(EffectStatus::Settled { .. }));
    let kept = run
        .completed
        .iter()
        .find(|slot| matches!(slot.step.as_str(), "eins" | "melden") || (slot.step.as_str() == "liste" && slot.item > 0))
        .filter(|s| !undone(s));
    if let (State::Failed | State::Cancelled, Some(slot)) = (state, kept) {
        say(Invariant::Undone, format!("{} has ended as {}, and {slot} stands", run.id, state.as_str()));
    }
}

fn sent(acted: &[Act], say: &mut impl FnMut(Invariant, String)) {
    let of = |tool: &str, phase: Phase| -> Vec<String> {
        acted.iter().filter(|act| act.tool == tool && act.key.path.phase == phase).map(|act| act.key.to_string()).collect()
    };
    let undone = of("melden", Phase::Undo);
    // what is undone may be done again, when a person orders that
    let table = [(of("senden", Phase::Do), 1), (of("melden", Phase::Do), 1 + undone.len()), (undone, usize::MAX)];
    for (sends, most) in table {
        let keys: BTreeSet<&String> = sends.iter().collect();
        if keys.len() != sends.len() {
            say(Invariant::SentOnce, format!("acted twice under one key: {sends:?}"));
        }
        if keys.len() > most {
            say(Invariant::SentOnce, format!("what a person said did not happen had happened: {sends:?}"));
        }
    }
}
