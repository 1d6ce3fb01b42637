//! Bugs planted from outside, one at a time: whoever checks histories must find each, and say what does not hold.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use laufzettel_domain::RunId;
use laufzettel_journal::Draft;
use laufzettel_policy::{Cleared, ModelCall, ToolCall, clear_tool};
use laufzettel_store::{Append, Memory as MemoryStore};
use laufzettel_worker::{Answer, Doors, EndpointFacts, Word};
use serde_json::{Value, json};

use crate::{
    check::Invariant,
    history::history,
    house::{Seeded, rules, tools},
    outside::{Outside, at_once},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The store does not ask for the epoch: a node whose place was taken goes on.
    Unfenced,
    /// The store does not ask where the run stands: the loser's records come behind the winner's.
    Unconditional,
    /// Neither does it count: two records have the same number.
    SameNumber,
    /// Now and then the store acknowledges what it does not write.
    Forgotten,
    /// The store acknowledges before it is durable: a crash takes the last append with it.
    NotDurable,
    /// Now and then intents are not written.
    Unintended,
    /// The labels of values are written as the lowest there are.
    UnlabelledValues,
    /// The labels of calls are.
    UnlabelledCalls,
    /// A repeated call has a key of its own.
    OtherKey,
    /// Now and then a record is written twice.
    Twice,
    /// A server that says "not happened" does not see to it that it stays so.
    NotRefused,
}

pub struct Planted {
    bug: Bug,
    /// The store as it was before the last append.
    before: Arc<Mutex<Option<MemoryStore>>>,
}

impl Planted {
    pub fn new(bug: Bug, seed: u64, memory: &MemoryStore) -> Self {
        let before: Arc<Mutex<Option<MemoryStore>>> = Arc::default();
        let (dice, kept) = (Seeded(Mutex::new(!seed)), before.clone());
        memory.plant(Arc::new(move |memory, appends| {
            if bug == Bug::NotDurable {
                *kept.lock().unwrap() = Some(memory.copy());
            }
            harm(bug, &dice, memory, appends);
        }));
        Self { bug, before }
    }

    pub fn doors(&self, outside: Outside) -> Box<dyn Doors> {
        match self.bug {
            Bug::OtherKey => Box::new(Renaming(outside)),
            Bug::NotRefused => Box::new(Outside { refuses: false, ..outside }),
            _ => Box::new(outside),
        }
    }

    /// What is left of the store after a crash.
    pub fn crashed(&self, memory: &MemoryStore) -> MemoryStore {
        self.before.lock().unwrap().take().unwrap_or_else(|| memory.clone())
    }
}

fn harm(bug: Bug, dice: &Seeded, memory: &MemoryStore, appends: &mut Vec<Append>) {
    match bug {
        Bug::Forgotten if dice.next(8) == 0 => appends.clear(),
        Bug::Unfenced => appends.iter_mut().for_each(|append| append.epoch = None),
        Bug::Unconditional => appends.iter_mut().for_each(|append| follow(memory, append)),
        Bug::SameNumber => appends.iter_mut().for_each(|append| number(memory, append)),
        Bug::Unintended if dice.next(8) == 0 => appends.iter_mut().for_each(|append| {
            append.drafts.retain(|draft| draft.kind != "effect.intended");
            recount(append);
        }),
        Bug::UnlabelledValues => drafts(appends, "step.completed").for_each(|draft| relabel(draft, &json!({ "own": lowest() }))),
        Bug::UnlabelledCalls => drafts(appends, "effect.intended").for_each(|draft| {
            let names = draft.body().unwrap()["labels"].as_object().unwrap().keys().map(|name| (name.clone(), lowest())).collect();
            relabel(draft, &Value::Object(names));
        }),
        Bug::Twice => appends.iter_mut().filter(|append| append.run.is_some() && dice.next(8) == 0).for_each(|append| {
            let last = append.drafts.last().cloned();
            append.drafts.extend(last);
            recount(append);
        }),
        Bug::Forgotten | Bug::Unintended | Bug::NotDurable | Bug::OtherKey | Bug::NotRefused => {}
    }
}

/// Where a run stands, as the store knows.
fn stands(memory: &MemoryStore, run: RunId) -> u64 {
    at_once(memory.run(run)).unwrap().map_or(0, |row| row.seq)
}

fn follow(memory: &MemoryStore, append: &mut Append) {
    append.epoch = None;
    let Some(run) = append.run else { return };
    append.expected = stands(memory, run);
    recount(append);
}

fn number(memory: &MemoryStore, append: &mut Append) {
    append.epoch = None;
    let Some(run) = append.run else { return };
    let stands = stands(memory, run);
    if stands == append.expected {
        return;
    }
    append.run = None;
    if let Some(projection) = &mut append.projection {
        projection.run.seq = stands + append.drafts.len() as u64;
    }
    let numbers = append.expected + 1..;
    append.drafts = std::mem::take(&mut append.drafts).into_iter().zip(numbers).map(|(draft, n)| draft.of_run(run, n)).collect();
}

/// The rows say what the records do.
fn recount(append: &mut Append) {
    if let Some(projection) = &mut append.projection {
        projection.run.seq = append.expected + append.drafts.len() as u64;
    }
}

fn drafts<'a>(appends: &'a mut [Append], kind: &'a str) -> impl Iterator<Item = &'a mut Draft> {
    appends.iter_mut().flat_map(|append| &mut append.drafts).filter(move |draft| draft.kind == kind)
}

fn lowest() -> Value {
    json!({ "schutzbedarf": "kein", "trust": "trusted" })
}

fn relabel(draft: &mut Draft, labels: &Value) {
    let mut body = draft.body().unwrap();
    body["labels"] = labels.clone();
    draft.body = body.to_string();
}

/// Doors behind which every repetition has a key of its own.
struct Renaming(Outside);

impl Doors for Renaming {
    fn tool<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Answer<'a> {
        let mut call = call.call().clone();
        if call.attempt > 1 {
            call.key.round += 1;
        }
        let rule = &tools()[&format!("{}/{}", call.server, call.tool)];
        let cleared = clear_tool(call, rule, &[], &rules()).unwrap();
        Box::pin(async move { self.0.tool(&cleared).await })
    }

    fn settle<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Word<'a> {
        self.0.settle(call)
    }

    fn model<'a>(&'a self, endpoint: &'a str, call: &'a Cleared<ModelCall>) -> Answer<'a> {
        self.0.model(endpoint, call)
    }

    fn endpoints(&self) -> Vec<EndpointFacts> {
        self.0.endpoints()
    }
}

/// Seeds a bug may hide from.
const SEEDS_MAX: u64 = 200;

/// Every one of `by` is broken by some seed; told is by which.
async fn found(bug: Bug, by: &[Invariant]) {
    let mut seen: BTreeMap<Invariant, u64> = BTreeMap::new();
    for seed in 0..SEEDS_MAX {
        let told = tokio::task::LocalSet::new().run_until(async { tokio::task::spawn_local(history(seed, Some(bug))).await }).await;
        let broken: Vec<Invariant> = told.map_or(vec![Invariant::Panics], |told| told.broken.into_iter().map(|violation| violation.invariant).collect());
        for invariant in broken {
            seen.entry(invariant).or_insert(seed);
        }
        if by.iter().all(|invariant| seen.contains_key(invariant)) {
            println!("{bug:?}: {seen:?}");
            return;
        }
    }
    panic!("{bug:?} is not found by {by:?} in {SEEDS_MAX} seeds: {seen:?}");
}

macro_rules! found {
    ($($(#[$doc:meta])* $name:ident: $bug:ident by $($invariant:ident),+;)*) => { $(
        $(#[$doc])*
        #[tokio::test(start_paused = true)]
        async fn $name() {
            found(Bug::$bug, &[$(Invariant::$invariant),+]).await;
        }
    )* };
}

found! {
    no_fence: Unfenced by Fenced;
    no_precondition: Unconditional by Folds;
    two_records_with_one_number: SameNumber by Chain;
    a_store_that_forgets: Forgotten by Intended, Kept;
    acknowledged_before_it_is_durable: NotDurable by Kept, SentOnce;
    no_intent: Unintended by Intended;
    lost_labels_of_values: UnlabelledValues by Labelled, Cleared;
    lost_labels_of_calls: UnlabelledCalls by Labelled, Cleared;
    a_repetition_under_another_key: OtherKey by OneKey;
    a_record_written_twice: Twice by Folds, Once;
    /// The next attempt acts, and the late one, too.
    a_no_that_is_not_kept: NotRefused by SentOnce;
}
