//! The clock as a trigger: begins what is due, once, and says what was missed. When a schedule was last dealt with is written
//! with the run that followed from it; between two looks nothing is remembered that the store does not know.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use laufzettel_domain::{Caller, Text, Value, Via};
use laufzettel_journal::Draft;
use laufzettel_process::{
    model::{Process, RunAs, TriggerKind},
    schedule::{Missed, Schedule},
};
use laufzettel_store::{Append, failpoint};
use serde_json::json;

use crate::{
    desk::Desk,
    start::{StartError, StartRequest},
};

/// Seconds until a schedule is tried again that the store, the directory or a quota did not let through.
const AGAIN_S: i64 = 10;

/// How far each schedule has come: a copy of what the store says, and when to look again.
#[derive(Default)]
pub(crate) struct Schedules {
    known: HashMap<String, Progress>,
    /// Schedules that are in force no more have been ended.
    swept: bool,
}

#[derive(Clone, Copy)]
struct Progress {
    handled: Timestamp,
    look_at: Option<Timestamp>,
}

/// A trigger with all that stands around it.
struct Timed<'p> {
    process: &'p Process,
    schedule: &'p Schedule,
    input: &'p Value,
    run_as: &'p RunAs,
    name: String,
}

impl Schedules {
    /// Begins what is due now.
    pub async fn look(&mut self, desk: &Desk) {
        let now = desk.now();
        if !self.swept {
            self.swept = desk.end_schedules().await;
        }
        for timed in desk.tenant.catalogue.processes.values().flat_map(timed) {
            let progress = match self.known.get(&timed.name) {
                Some(progress) => *progress,
                None => match desk.taken_up(&timed, now).await {
                    Some(handled) => Progress { handled, look_at: Some(now) },
                    None => continue,
                },
            };
            if progress.look_at.is_none_or(|at| at > now) {
                self.known.insert(timed.name, progress);
                continue;
            }
            let (handled, through) = desk.catch_up(&timed, progress.handled, now).await;
            let look_at =
                if through { timed.schedule.next(handled, &desk.tenant.zone()) } else { now.checked_add(jiff::SignedDuration::from_secs(AGAIN_S)).ok() };
            self.known.insert(timed.name, Progress { handled, look_at });
        }
    }
}

fn timed(process: &Process) -> impl Iterator<Item = Timed<'_>> {
    process.triggers.iter().filter_map(|trigger| match &trigger.kind {
        TriggerKind::Cron { schedule, input } => {
            Some(Timed { process, schedule, input, run_as: &trigger.run_as, name: schedule.key(process.id.as_str(), input) })
        }
        _ => None,
    })
}

impl Desk {
    /// Ends the schedules no process has any more: one that comes back counts from then on. `false`: not now.
    async fn end_schedules(&self) -> bool {
        let Ok(known) = self.tenant.store.clocks().await else { return false };
        let own: BTreeSet<String> = self.tenant.catalogue.processes.values().flat_map(timed).map(|timed| timed.name).collect();
        for name in known.into_iter().filter(|name| !own.contains(name)) {
            let by = Caller::service("engine", Via::Cron);
            let process = name.split_once(':').map_or(name.as_str(), |(process, _)| process);
            let draft = Draft::new("schedule.ended", &by.subject, crate::micros(self.now()), json!({ "v": 1, "by": by, "process": process }), None);
            if self.tenant.store.append(Append { drafts: vec![draft], clock: Some((name, None)), ..Append::default() }).await.is_err() {
                return false;
            }
        }
        true
    }

    /// What is due of any schedule is passed over, and that is said: in a database restored from a backup nobody knows whether it was
    /// begun already. `false`: not now.
    pub async fn pass_over_schedules(&self) -> bool {
        let now = self.now();
        for timed in self.tenant.catalogue.processes.values().flat_map(timed) {
            let Ok(known) = self.tenant.store.clock(&timed.name).await else { return false };
            let Some(handled) = known.and_then(|at| Timestamp::from_microsecond(at).ok()) else { continue };
            let due = timed.schedule.due(handled, now, &self.tenant.zone());
            let (count, first) = due.missed.as_ref().map_or((0, None), |missed| (missed.count, Some(missed.first)));
            let Some(last) = due.fire.last().copied().or(due.missed.map(|missed| missed.last)) else { continue };
            let first = first.or(due.fire.first().copied()).unwrap_or(last);
            let reason = Text::new(
                "Nach einer Wiederherstellung: Was davon schon begonnen hatte, ist nicht bekannt.",
                "After a restore: which of them had begun is not known.",
            );
            let body = json!({ "count": count + due.fire.len(), "first": first, "last": last, "reason": reason });
            if !self.of_schedule("schedule.missed", &timed, last, body).await {
                return false;
            }
        }
        true
    }

    /// Since when a schedule counts: since it was first seen. `None`: the store does not say now.
    async fn taken_up(&self, timed: &Timed<'_>, now: Timestamp) -> Option<Timestamp> {
        if let Some(at) = self.tenant.store.clock(&timed.name).await.ok()? {
            return Timestamp::from_microsecond(at).ok();
        }
        self.of_schedule("schedule.began", timed, now, json!({})).await.then_some(now)
    }

    /// Deals with what is due since `handled`; how far it came, and whether that is all.
    async fn catch_up(&self, timed: &Timed<'_>, handled: Timestamp, now: Timestamp) -> (Timestamp, bool) {
        let due = timed.schedule.due(handled, now, &self.tenant.zone());
        let mut handled = handled;
        if let Some(Missed { count, first, last }) = due.missed {
            if !self.of_schedule("schedule.missed", timed, last, json!({ "count": count, "first": first, "last": last })).await {
                return (handled, false);
            }
            handled = last;
        }
        for at in due.fire {
            if !self.fire(timed, at).await {
                return (handled, false);
            }
            handled = at;
        }
        (handled, true)
    }

    /// Begins one run. `false`: not now, try again.
    async fn fire(&self, timed: &Timed<'_>, at: Timestamp) -> bool {
        let RunAs::Service(account) = timed.run_as else { return true };
        if failpoint::hit("schedule.before_start") {
            return false;
        }
        let request = StartRequest {
            process: timed.process.id.to_string(),
            caller: Caller::service(account, Via::Cron),
            run_as: Some(timed.run_as.clone()),
            input: timed.input.clone(),
            zone: None,
            receipts: vec![format!("cron:{}:{at}", timed.name)],
            clock: Some((timed.name.clone(), at)),
            facts: json!({ "due_at": at.to_string() }),
            status: false,
        };
        let why = match self.start(request).await {
            Ok(_) | Err(StartError::Duplicate(_)) => return !failpoint::hit("schedule.after_start"),
            Err(StartError::Quota(_) | StartError::Unavailable(_)) => return false,
            Err(StartError::Denied(decision)) => json!(decision.reason),
            Err(StartError::Invalid(problems)) => problems.first().map_or(Value::Null, |problem| json!(problem.message)),
            Err(StartError::UnknownProcess) => Value::Null,
        };
        self.of_schedule("schedule.missed", timed, at, json!({ "count": 1, "first": at, "last": at, "reason": why })).await
    }

    /// A record about a schedule, with how far it has come. `false`: not written.
    async fn of_schedule(&self, kind: &str, timed: &Timed<'_>, until: Timestamp, mut body: Value) -> bool {
        let by = Caller::service("engine", Via::Cron);
        body["v"] = 1.into();
        body["by"] = json!(by);
        body["process"] = timed.process.id.as_str().into();
        body["schedule"] = timed.schedule.text.clone().into();
        if failpoint::hit("schedule.before_record") {
            return false;
        }
        let draft = Draft::new(kind, &by.subject, crate::micros(self.now()), body, None);
        let clock = Some((timed.name.clone(), Some(crate::micros(until))));
        let written = self.tenant.store.append(Append { drafts: vec![draft], clock, ..Append::default() }).await;
        written.inspect_err(|error| tracing::warn!(%error, kind, "a schedule waits for the store")).is_ok()
    }
}
