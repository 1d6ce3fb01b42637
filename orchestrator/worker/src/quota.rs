//! What a tenant may use up: runs an hour, tokens a day. Counted from what is stored, so that a restart forgets nothing.
//!
//! A start beyond its quota is refused; a model call beyond it waits for the next day. What has begun is finished.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, Timestamp};
use laufzettel_domain::{Caller, RunId, Text, Via};
use laufzettel_policy::glob;
use laufzettel_store::Error as StoreError;
use serde_json::json;

use crate::{desk::Desk, tenant::Tenant};

/// A limit of one scope. `None`: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    pub runs_per_hour: Option<u64>,
    pub tokens_per_day: Option<u64>,
}

/// The tenant's own limits, and those of processes by the pattern of their names: each one must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quotas {
    pub tenant: Limits,
    pub processes: BTreeMap<String, Limits>,
}

impl Quotas {
    /// Every limit that speaks of this process: the pattern (`None` = the tenant) and the number.
    fn of(&self, process: &str, pick: fn(&Limits) -> Option<u64>) -> Vec<(Option<&str>, u64)> {
        let own = pick(&self.tenant).map(|limit| (None, limit));
        let matching = self.processes.iter().filter(|(pattern, _)| glob(pattern, process));
        own.into_iter().chain(matching.filter_map(|(pattern, limits)| Some((Some(pattern.as_str()), pick(limits)?)))).collect()
    }
}

/// Why a start must wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded {
    pub reason: Text,
    /// Seconds until it is worth another try.
    pub retry_after_s: u64,
}

/// What this process remembers beside the store.
#[derive(Default)]
pub(crate) struct Counting {
    /// Starts let through and not durable yet, by process.
    reserved: Arc<Mutex<BTreeMap<String, u64>>>,
    gate: tokio::sync::Mutex<()>,
    /// When a limit was last put on record, and how many refusals since.
    said: Mutex<BTreeMap<String, (Timestamp, u64)>>,
}

/// A place among the runs of the hour; given back when dropped: by then the run is stored, or there is none.
pub(crate) struct Place {
    reserved: Arc<Mutex<BTreeMap<String, u64>>>,
    process: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut reserved = self.reserved.lock().expect("nobody panics while holding this lock");
        if let Some(count) = reserved.get_mut(&self.process) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                reserved.remove(&self.process);
            }
        }
    }
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// One record in ten minutes says that a limit is used up, and how often it was asked for in vain: a flood fills no journal.
const SAY: SignedDuration = SignedDuration::from_mins(10);
/// Limits remembered at most; a tenant has a handful.
const SAID_MAX: usize = 256;
/// Hundredths of a limit at which operators hear of it.
const WARN_PERCENT: u64 = 80;

impl Desk {
    /// Takes a place among the runs of the last hour, or says how long there is none. `None`: no limit speaks of this process.
    pub(crate) async fn take_place(&self, process: &str) -> Result<Result<Option<Place>, Exceeded>, StoreError> {
        let tenant = &self.tenant;
        let limits = tenant.quotas.of(process, |l| l.runs_per_hour);
        if limits.is_empty() {
            return Ok(Ok(None));
        }
        let counting = &tenant.memory.counting;
        let _gate = counting.gate.lock().await;
        // read before the store: whoever gives a place back meanwhile is stored already, so nobody is missed
        let reserved = counting.reserved.lock().expect("nobody panics while holding this lock").clone();
        let now = tenant.clock.now();
        let since = now.saturating_sub(HOUR).unwrap_or(Timestamp::UNIX_EPOCH);
        let started = tenant.store.started_since(RunId::new(since, [0; 10])).await?;
        for (pattern, limit) in limits {
            let fits = |name: &str| pattern.is_none_or(|pattern| glob(pattern, name));
            let stored: u64 = started.iter().filter(|s| fits(&s.process)).map(|s| s.count).sum();
            let waiting: u64 = reserved.iter().filter(|(name, _)| fits(name)).map(|(_, count)| *count).sum();
            let used = stored + waiting;
            if used >= limit {
                let oldest = started.iter().filter(|s| fits(&s.process)).map(|s| s.oldest).min();
                let frees = oldest.and_then(|at| Timestamp::from_microsecond(at).ok()).unwrap_or(now).saturating_add(HOUR).unwrap_or(now);
                let wait = u64::try_from(frees.duration_since(now).as_secs() + 1).unwrap_or(1).clamp(1, 3_600);
                self.exceeded("runs_per_hour", pattern, limit, process).await;
                return Ok(Err(Exceeded { reason: said(pattern, limit, "Vorgänge je Stunde", "runs an hour"), retry_after_s: wait }));
            }
            self.warn("runs_per_hour", pattern, used + 1, limit).await;
        }
        *counting.reserved.lock().expect("nobody panics while holding this lock").entry(process.to_owned()).or_default() += 1;
        Ok(Ok(Some(Place { reserved: counting.reserved.clone(), process: process.to_owned() })))
    }

    /// The end of the day, if a limit of tokens is used up for this process.
    pub(crate) async fn tokens_spent(&self, process: &str) -> Result<Option<(Text, Timestamp)>, StoreError> {
        let tenant = &self.tenant;
        let limits = tenant.quotas.of(process, |l| l.tokens_per_day);
        if limits.is_empty() {
            return Ok(None);
        }
        let now = tenant.clock.now();
        let used = tenant.store.used_on(&day(tenant, now)).await?;
        for (pattern, limit) in limits {
            let fits = |name: &str| pattern.is_none_or(|pattern| glob(pattern, name));
            let spent: u64 = used.iter().filter(|u| fits(&u.process)).map(|u| u.charged).sum();
            if spent >= limit {
                self.exceeded("tokens_per_day", pattern, limit, process).await;
                return Ok(Some((said(pattern, limit, "Token je Tag", "tokens a day"), tomorrow(tenant, now))));
            }
            self.warn("tokens_per_day", pattern, spent, limit).await;
        }
        Ok(None)
    }

    /// Puts on record that a limit is used up: at once, then at most every ten minutes.
    pub(crate) async fn exceeded(&self, what: &str, pattern: Option<&str>, limit: u64, process: &str) {
        let key = format!("{what}:{}", pattern.unwrap_or_default());
        if let Some(refused) = self.may_say(&key, SAY) {
            let body = json!({ "limit": what, "of": pattern, "allowed": limit, "process": process, "refused": refused });
            self.note("quota.exceeded", &Caller::service("engine", Via::Engine), body).await;
        }
    }

    async fn warn(&self, what: &str, pattern: Option<&str>, used: u64, limit: u64) {
        let key = format!("{what}:{}:80", pattern.unwrap_or_default());
        if used.saturating_mul(100) < limit.saturating_mul(WARN_PERCENT) || self.may_say(&key, HOUR).is_none() {
            return;
        }
        tracing::warn!(tenant = %self.tenant.id, limit = what, used, allowed = limit, "a quota is nearly used up");
        let body = json!({ "limit": what, "of": pattern, "allowed": limit, "used": used });
        self.note("quota.nearly", &Caller::service("engine", Via::Engine), body).await;
    }

    /// How often it was wanted since the last time, this one included, if it may be said again.
    fn may_say(&self, key: &str, every: SignedDuration) -> Option<u64> {
        let now = self.tenant.clock.now();
        let mut said = self.tenant.memory.counting.said.lock().expect("nobody panics while holding this lock");
        if said.len() >= SAID_MAX {
            said.clear();
        }
        match said.get_mut(key) {
            Some((last, since)) if now.duration_since(*last) < every => {
                *since += 1;
                None
            }
            found => {
                let since = found.map_or(0, |(_, since)| *since);
                said.insert(key.to_owned(), (now, 0));
                Some(since + 1)
            }
        }
    }
}

fn said(pattern: Option<&str>, limit: u64, de: &str, en: &str) -> Text {
    match pattern {
        None => Text::new(format!("Das Kontingent von {limit} {de} ist ausgeschöpft."), format!("The quota of {limit} {en} is used up.")),
        Some(p) => Text::new(format!("Das Kontingent von {limit} {de} für {p} ist ausgeschöpft."), format!("The quota of {limit} {en} for {p} is used up.")),
    }
}

/// The civil day of an instant where the tenant is: `2026-11-24`.
pub(crate) fn day(tenant: &Tenant, at: Timestamp) -> String {
    at.to_zoned(tenant.zone()).date().to_string()
}

/// When the tenant's civil day after `at` begins.
fn tomorrow(tenant: &Tenant, at: Timestamp) -> Timestamp {
    let today = at.to_zoned(tenant.zone());
    let next = today.tomorrow().and_then(|next| next.start_of_day());
    next.map_or_else(|_| at.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX), |next| next.timestamp())
}
