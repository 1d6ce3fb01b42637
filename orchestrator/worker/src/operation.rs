//! What those see who look after the house: load, room, triggers, quotas, what is open. Never content of a case, and nothing this
//! process does not truly know: what nobody measures is not there.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::{SignedDuration, Span, Timestamp, civil::Date};
use laufzettel_domain::RunId;
use laufzettel_policy::glob;
use laufzettel_process::model::{Process, TriggerKind};
use laufzettel_store::{Error as StoreError, Room, TrailFilter, TrailRow, UsageRow};

use crate::{
    desk::Desk,
    quota::{self, Limits},
};

/// Open runs are counted so far; beyond, "more than" says enough.
pub const COUNTED_MAX: u32 = 10_000;
/// The last records of one kind of trouble.
const TROUBLES: u32 = 5;
/// The last records of triggers that failed, and of those that went again: of one start, a few dozen.
const TRIGGER_RECORDS: u32 = 200;
/// Days before today that are shown: with today a week, and a table that fits a page for a handful of models.
const DAYS_BEFORE: i64 = 6;
/// States a run can be in, as rows name them.
const STATES: [&str; 5] = ["running", "waiting", "failed", "stuck", "cancelled"];
/// Kinds of tasks that say a case goes no further by itself.
pub const RESTS: [&str; 4] = ["doubt", "repair", "takeover", "restored"];
/// Kinds beside runs that say something was not taken or did not go.
const TROUBLE_KINDS: [&str; 5] = ["trigger.failed", "input.refused", "schedule.missed", "quota.exceeded", "event.refused"];

/// How busy a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Calls under way, and how many there may be at once.
    pub busy: usize,
    pub most: usize,
    /// Calls that wait for one of these to end.
    pub waiting: usize,
    /// `timeout`, `unavailable` (it has answered nothing since) or `busy` (it has said so since), and for how many seconds.
    pub failing: Option<(&'static str, i64)>,
}

/// A tool server as this process knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    pub name: String,
    /// Definitions that are approved; `None`: none at all.
    pub pinned: Option<usize>,
    pub state: ServerState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerState {
    /// Nobody needed it since the start, or lately.
    Idle,
    /// It was there and is no more; the next call begins it anew.
    Gone,
    /// The last try to connect to it failed.
    Failed { why: String },
    /// Somebody is connecting to it at this moment.
    Connecting,
    /// What it offers that is not what was approved: `tool: what`.
    Connected { drift: Vec<String> },
}

impl ServerState {
    /// As pages and metrics name it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Gone => "gone",
            Self::Failed { .. } => "failed",
            Self::Connecting => "connecting",
            Self::Connected { drift } if drift.is_empty() => "connected",
            Self::Connected { .. } => "drifted",
        }
    }
}

/// A model with its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelState {
    pub name: String,
    pub zone: String,
    pub load: Option<Load>,
    pub today: Used,
}

/// What calls of a model used up, of all processes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    pub calls: u64,
    /// Tokens a quota counts.
    pub tokens: u64,
    /// Millionths of a euro, of those calls whose price is known, and how many calls are none of those.
    pub cost_micro_eur: u64,
    pub unpriced: u64,
}

impl Used {
    fn add(&mut self, row: &UsageRow) {
        self.calls += row.calls;
        self.tokens += row.charged;
        self.cost_micro_eur += row.cost_micro_eur;
        self.unpriced += row.unpriced;
    }
}

/// A day before today on which a model was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastDay {
    pub day: Date,
    pub name: String,
    pub zone: String,
    pub used: Used,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerState {
    pub process: String,
    /// `intake webhook cron folder mail poll`
    pub kind: &'static str,
    /// The address, folder, mailbox or tool; of the clock nothing.
    pub place: String,
    /// `ready`; `unreleased`: nothing begins by it; `failing`, and since when.
    pub standing: (&'static str, Option<Timestamp>),
    /// Of the clock: until when it has been dealt with, and when it fires next.
    pub dealt: Option<Timestamp>,
    pub next: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaState {
    /// `runs_per_hour`, `tokens_per_day`
    pub what: &'static str,
    /// A pattern of processes; `None`: the tenant.
    pub of: Option<String>,
    pub used: u64,
    pub allowed: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    pub room: Option<Room>,
    /// By state, at most [`COUNTED_MAX`] + 1.
    pub runs: Vec<(&'static str, u64)>,
    /// Open tasks of the engine's own by kind: each is a case that rests until somebody helps. At most [`COUNTED_MAX`] + 1.
    pub rests: Vec<(&'static str, u64)>,
    /// Of all that wait, the run that began first: its process and when.
    pub oldest: Option<(String, Timestamp)>,
    pub models: Vec<ModelState>,
    /// Newest first.
    pub days: Vec<PastDay>,
    pub servers: Vec<ServerFacts>,
    pub triggers: Vec<TriggerState>,
    pub quotas: Vec<QuotaState>,
    /// Newest first.
    pub troubles: Vec<TrailRow>,
}

fn past_days(rows: &[UsageRow]) -> Vec<PastDay> {
    let mut sums: BTreeMap<(Reverse<Date>, &str, &str), Used> = BTreeMap::new();
    for row in rows {
        if let Ok(day) = row.day.parse() {
            sums.entry((Reverse(day), &row.model, &row.zone)).or_default().add(row);
        }
    }
    sums.into_iter().map(|((Reverse(day), name, zone), used)| PastDay { day, name: name.to_owned(), zone: zone.to_owned(), used }).collect()
}

impl Desk {
    pub async fn operation(&self) -> Result<Operation, StoreError> {
        let store = &self.tenant.store;
        let mut runs = Vec::new();
        for state in STATES {
            runs.push((state, store.count_runs(state, COUNTED_MAX + 1).await?));
        }
        let mut rests = Vec::new();
        for kind in RESTS {
            rests.push((kind, store.count_tasks(kind, COUNTED_MAX + 1).await?));
        }
        let oldest = store.oldest_run("waiting").await?;
        let oldest = oldest.and_then(|row| Some((row.process, Timestamp::from_microsecond(row.started_at).ok()?)));
        let (models, days) = self.models().await?;
        Ok(Operation {
            room: store.room(),
            runs,
            rests,
            oldest,
            models,
            days,
            servers: self.tenant.doors.servers(),
            triggers: self.triggers().await?,
            quotas: self.quotas().await?,
            troubles: self.troubles().await?,
        })
    }

    /// Every model that stands there, and every other one that was asked today; and what the days before used up.
    async fn models(&self) -> Result<(Vec<ModelState>, Vec<PastDay>), StoreError> {
        let doors = &self.tenant.doors;
        let today = self.now().to_zoned(self.tenant.zone()).date();
        let first = today.saturating_sub(Span::new().days(DAYS_BEFORE));
        let rows = self.tenant.store.used_since(&first.to_string()).await?;
        let (rows, before): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.day >= today.to_string());
        let state = |name: String, zone: String, load| ModelState { name, zone, load, today: Used::default() };
        let mut models: Vec<ModelState> = doors.endpoints().into_iter().map(|facts| state(facts.name.clone(), facts.zone, doors.load(&facts.name))).collect();
        for row in &rows {
            let known = models.iter().position(|model| model.name == row.model && model.zone == row.zone);
            let at = known.unwrap_or_else(|| {
                models.push(state(row.model.clone(), row.zone.clone(), None));
                models.len() - 1
            });
            models[at].today.add(row);
        }
        Ok((models, past_days(&before)))
    }

    async fn triggers(&self) -> Result<Vec<TriggerState>, StoreError> {
        let failing = self.failing_triggers().await?;
        let mut triggers = Vec::new();
        for process in self.tenant.catalogue.processes.values() {
            for trigger in &process.triggers {
                let mut state = self.trigger(process, &trigger.kind).await?;
                if self.unreleased(process).is_some() {
                    state.standing = ("unreleased", None);
                } else if let Some(since) = failing.get(&(state.process.clone(), state.kind.to_owned(), state.place.clone())) {
                    state.standing = ("failing", Some(*since));
                }
                triggers.push(state);
            }
        }
        Ok(triggers)
    }

    async fn trigger(&self, process: &Process, kind: &TriggerKind) -> Result<TriggerState, StoreError> {
        let (mut dealt, mut next) = (None, None);
        let (kind, place) = match kind {
            TriggerKind::Intake { path, .. } => ("intake", path.clone()),
            TriggerKind::Webhook { path, .. } => ("webhook", path.clone()),
            TriggerKind::Folder(paths) => ("folder", paths.path.clone()),
            TriggerKind::Mail(mailbox) => ("mail", mailbox.place().to_owned()),
            TriggerKind::Poll(poll) => ("poll", poll.call.name()),
            TriggerKind::Cron { schedule, input } => {
                let at = self.tenant.store.clock(&schedule.key(process.id.as_str(), input)).await?;
                dealt = at.and_then(|at| Timestamp::from_microsecond(at).ok());
                next = schedule.upcoming(self.now(), &self.tenant.zone(), 1).first().copied();
                ("cron", String::new())
            }
        };
        Ok(TriggerState { process: process.id.to_string(), kind, place, standing: ("ready", None), dealt, next })
    }

    /// By process, kind and place: since when a trigger fails. It is said once after each start, and once when it is over; so only
    /// what this very opening of the journal says counts.
    async fn failing_triggers(&self) -> Result<BTreeMap<(String, String, String), Timestamp>, StoreError> {
        let mut rows = Vec::new();
        for kind in ["trigger.failed", "trigger.recovered"] {
            if self.tenant.store.last_beside(kind).await?.is_some() {
                let filter = TrailFilter { kind: Some(kind.to_owned()), limit: TRIGGER_RECORDS, ..TrailFilter::default() };
                rows.extend(self.tenant.store.trail(&filter, &|_| true).await?.rows);
            }
        }
        let lane = self.tenant.store.head().lane;
        rows.retain(|row| row.place().0 == lane);
        rows.sort_by_key(TrailRow::place);
        let mut failing = BTreeMap::new();
        for row in rows {
            let Some(body) = row.draft.body() else { continue };
            let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
            let key = (text("process"), text("trigger"), text("place"));
            match Timestamp::from_microsecond(row.draft.at) {
                Ok(at) if row.draft.kind == "trigger.failed" => drop(failing.insert(key, at)),
                _ => drop(failing.remove(&key)),
            }
        }
        Ok(failing)
    }

    /// Every limit there is, and how much of it is used up.
    async fn quotas(&self) -> Result<Vec<QuotaState>, StoreError> {
        let tenant = &self.tenant;
        let own = (tenant.quotas.tenant != Limits::default()).then_some((None, tenant.quotas.tenant));
        let scopes: Vec<(Option<&String>, Limits)> =
            own.into_iter().chain(tenant.quotas.processes.iter().map(|(name, limits)| (Some(name), *limits))).collect();
        if scopes.is_empty() {
            return Ok(Vec::new());
        }
        let hour = self.now().saturating_sub(SignedDuration::from_hours(1)).unwrap_or(Timestamp::UNIX_EPOCH);
        let started = tenant.store.started_since(RunId::new(hour, [0; 10])).await?;
        let spent = tenant.store.used_on(&quota::day(tenant, self.now())).await?;
        let mut quotas = Vec::new();
        for (of, limits) in scopes {
            let fits = |process: &str| of.is_none_or(|pattern| glob(pattern, process));
            let runs: u64 = started.iter().filter(|row| fits(&row.process)).map(|row| row.count).sum();
            let tokens: u64 = spent.iter().filter(|row| fits(&row.process)).map(|row| row.charged).sum();
            let limits = [("runs_per_hour", runs, limits.runs_per_hour), ("tokens_per_day", tokens, limits.tokens_per_day)];
            quotas.extend(limits.into_iter().filter_map(|(what, used, allowed)| Some(QuotaState { what, of: of.cloned(), used, allowed: allowed? })));
        }
        Ok(quotas)
    }

    /// What was not taken or did not go, the last of each kind.
    async fn troubles(&self) -> Result<Vec<TrailRow>, StoreError> {
        let mut rows = Vec::new();
        for kind in TROUBLE_KINDS {
            // a kind nobody wrote yet has no range to look into
            if self.tenant.store.last_beside(kind).await?.is_some() {
                let filter = TrailFilter { kind: Some(kind.to_owned()), limit: TROUBLES, ..TrailFilter::default() };
                rows.extend(self.tenant.store.trail(&filter, &|_| true).await?.rows);
            }
        }
        rows.sort_by_key(|row| Reverse(row.place()));
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_added_up_over_processes_and_the_newest_stands_first() {
        let row = |day: &str, process: &str, model: &str, cost_micro_eur: u64, unpriced: u64| UsageRow {
            day: day.to_owned(),
            process: process.to_owned(),
            model: model.to_owned(),
            zone: "gruen".to_owned(),
            calls: 2,
            charged: 10,
            cost_micro_eur,
            unpriced,
        };
        let rows = [row("2026-11-22", "p", "a", 5, 0), row("2026-11-23", "p", "b", 7, 1), row("2026-11-23", "q", "b", 0, 2), row("gestern", "p", "a", 1, 0)];
        let past = |day: i8, name: &str, used| PastDay { day: jiff::civil::date(2026, 11, day), name: name.to_owned(), zone: "gruen".to_owned(), used };
        let expected = [
            past(23, "b", Used { calls: 4, tokens: 20, cost_micro_eur: 7, unpriced: 3 }),
            past(22, "a", Used { calls: 2, tokens: 10, cost_micro_eur: 5, unpriced: 0 }),
        ];
        assert_eq!(past_days(&rows), expected, "a day nobody can read is left out");
    }
}
