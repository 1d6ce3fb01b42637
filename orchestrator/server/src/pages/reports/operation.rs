//! Operation, as a page: only what this process knows, and nothing of any case.

use jiff::civil::{Date, DateTime};
use serde::Serialize;

use crate::pages::Live;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BetriebPage {
    /// When this page was made.
    pub now: DateTime,
    pub live: Live,
    pub version: String,
    pub since: DateTime,
    /// Why the store takes nothing, if it does not.
    pub trouble: Option<String>,
    /// Newest record, as lane and number.
    pub head: String,
    /// As in the chain's state: `witnessed`, `behind`, `never`, `unreadable`, `no_witness`.
    pub anchored: super::Anchored,
    /// Free and all of the disk, in words, and whether it is short.
    pub room: Option<(String, String)>,
    pub short: bool,
    pub runs: Vec<Counted>,
    /// Tasks by kind, where a case rests until somebody helps.
    pub rests: Vec<Counted>,
    /// Process of the run that waits longest, and since when it is there.
    pub oldest: Option<(String, DateTime)>,
    pub models: Vec<ModelRow>,
    /// The days before today, newest first.
    pub days: Vec<DayRow>,
    pub servers: Vec<ServerRow>,
    pub triggers: Vec<TriggerRow>,
    pub quotas: Vec<QuotaRow>,
    /// Newest first.
    pub troubles: Vec<(DateTime, Vec<super::Phrase>)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// As the engine's states of a run, or kinds of a task.
    pub state: &'static str,
    pub count: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelRow {
    pub name: String,
    pub zone: String,
    /// Under way, at most, waiting; `None`: nobody counts.
    pub load: Option<(usize, usize, usize)>,
    /// `timeout`, `unavailable`, `busy`, and since when.
    pub failing: Option<(&'static str, DateTime)>,
    pub today: Spent,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayRow {
    pub day: Date,
    pub name: String,
    pub zone: String,
    pub used: Spent,
}

/// What a model used up on a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Spent {
    pub calls: u64,
    pub tokens: u64,
    /// In words; `None`: it does not say of any call what it used up.
    pub cost: Option<String>,
    /// Calls that are not in it.
    pub unpriced: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerRow {
    pub name: String,
    /// `idle connecting connected drifted gone failed`
    pub state: &'static str,
    /// Why it could not be connected to.
    pub why: Option<String>,
    pub pinned: Option<usize>,
    pub drift: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriggerRow {
    pub process: String,
    /// `intake webhook cron folder mail poll`
    pub kind: &'static str,
    pub place: String,
    /// `ready unreleased failing`, and since when.
    pub state: &'static str,
    pub since: Option<DateTime>,
    pub dealt: Option<DateTime>,
    pub next: Option<DateTime>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuotaRow {
    /// `runs_per_hour tokens_per_day`
    pub what: &'static str,
    pub of: Option<String>,
    pub used: u64,
    pub allowed: u64,
    pub full: bool,
}
