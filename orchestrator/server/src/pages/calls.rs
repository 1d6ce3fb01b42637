//! What a step did outside, as a page shows it: its calls with their attempts, the items of a list, what somebody can do now.

use jiff::civil::DateTime;
use serde::Serialize;

use super::{Shown, StepState, runs::Entry};

/// One call of a model or a tool, with every attempt at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallView {
    /// Which of several: „Runde 2, Aufruf 1“, „Rücknahme“; empty for the only one.
    pub title: String,
    pub facts: Vec<Fact>,
    /// Oldest first.
    pub attempts: Vec<Entry>,
    pub input: Vec<Shown>,
    pub output: Vec<Shown>,
}

/// A name and what it is, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    pub name: String,
    pub text: String,
}

/// Of a step that goes over a list: a page of its items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemsView {
    pub count: usize,
    pub done: usize,
    pub items: Vec<ItemView>,
    pub before: Option<String>,
    pub more: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemView {
    /// Counted from 1.
    pub number: u32,
    pub state: StepState,
    /// The element of the list it is for.
    pub element: Vec<Shown>,
    pub output: Vec<Shown>,
    pub reason: Option<String>,
    pub calls: Vec<CallView>,
}

/// What a person can do now, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Todo {
    pub text: String,
    /// The task, for whoever may complete it.
    pub link: Option<String>,
}

/// What left the house, by the ledger of calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leaving {
    pub calls: u64,
    pub outside: Vec<Fact>,
    pub inside: Vec<Fact>,
}

/// A field a model had proposed something for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Share {
    pub step: String,
    pub field: String,
    /// Which model, and what became of its proposal.
    pub what: String,
}

/// The timeline, a page at a time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Timeline {
    /// Oldest first.
    pub entries: Vec<Entry>,
    pub before: Option<String>,
    pub more: Option<String>,
}

/// When something happened, in the tenant's zone.
pub type Civil<'c> = &'c dyn Fn(i64) -> DateTime;
