//! The rows that lists and quotas read, computed from a run and the events that led to it.

use laufzettel_domain::{Slot, TaskId};
use laufzettel_engine::{self as engine, Disposition, Event, Run, TaskKind, TaskOpened};
use laufzettel_process::{Process, model::StepKind};
use laufzettel_store::{Claimed, ExpectRow, Projection, RetentionRow, RunRow, TaskRow, UsageRow};

use crate::tenant::Prepared;

/// What a task is called: as its step, but for one that is about the whole run.
pub fn task_title(process: &Process, opened: &TaskOpened) -> String {
    match opened.kind {
        TaskKind::Restored => "Nach der Wiederherstellung prüfen".to_owned(),
        _ => process.steps.get(&opened.step).map_or_else(|| opened.step.to_string(), |step| step.title.clone()),
    }
}

/// A question to the applicant.
pub(crate) const APPLICANT: &str = "applicant";

/// What a task is, as lists name it.
pub fn task_kind(opened: &TaskOpened) -> &'static str {
    match opened.kind {
        TaskKind::Human if opened.assign.applicant => APPLICANT,
        TaskKind::Human => "human",
        TaskKind::Takeover => "takeover",
        TaskKind::Doubt => "doubt",
        TaskKind::Repair => "repair",
        TaskKind::Approval => "approval",
        TaskKind::Ask => "ask",
        TaskKind::Restored => "restored",
    }
}

/// The rows lists show, computed from the run these events lead to.
pub(crate) fn project(prepared: &Prepared, run: &Run, events: &[Event], day: &str) -> Projection {
    let due = !engine::effects(run).is_empty();
    let row = RunRow {
        run: run.id,
        seq: run.seq,
        nummer: run.nummer.clone(),
        process: run.process.to_string(),
        version: run.version.clone(),
        title: prepared.process.title.clone(),
        unit: prepared.process.verantwortlich.clone(),
        state: run.state().as_str().to_owned(),
        subject: run.caller.subject.clone(),
        name: run.caller.name.clone(),
        started_at: crate::micros(run.started_at),
        updated_at: crate::micros(run.updated_at),
        ended_at: run.ended.map(|(_, at)| crate::micros(at)),
        wake_at: if run.ended.is_some() {
            None
        } else if due {
            Some(0)
        } else {
            engine::wake_at(run).map(crate::micros)
        },
    };
    let touched = events.iter().filter_map(|event| match event {
        Event::TaskOpened(e) => Some(e.number),
        Event::TaskClaimed(e) => Some(e.number),
        Event::TaskHanded(e) => Some(e.number),
        Event::TaskReturned(e) => Some(e.number),
        Event::TaskDeferred(e) => Some(e.number),
        Event::TaskCompleted(e) => Some(e.number),
        Event::TaskWithdrawn(e) => Some(e.number),
        Event::TaskEscalated(e) => Some(e.number),
        _ => None,
    });
    let mut numbers: Vec<u32> = touched.collect();
    numbers.sort_unstable();
    numbers.dedup();
    let tasks = numbers.iter().filter_map(|n| run.tasks.get(n)).map(|task| task_row(prepared, run, task)).collect();
    let usage = events.iter().flat_map(|event| used(run, event, day)).collect();
    Projection { run: row, tasks, usage, expects: expects(prepared, run), retention: retention(prepared, run), subjects: Vec::new() }
}

/// Of a run that has ended: how long its process keeps it.
pub(crate) fn retention(prepared: &Prepared, run: &Run) -> Option<RetentionRow> {
    let (_, ended_at) = run.ended?;
    let kept = engine::kept(&prepared.process, ended_at, &prepared.context.zone());
    Some(RetentionRow {
        run: run.id,
        parent: run.parent.as_ref().map(|parent| parent.run),
        contents_until: crate::micros(kept.contents_until),
        records_until: crate::micros(kept.records_until),
        erased_at: None,
        whole: false,
    })
}

/// What the run waits for; `None` where its process never waits for an event.
fn expects(prepared: &Prepared, run: &Run) -> Option<Vec<ExpectRow>> {
    let waits = prepared.process.steps.values().any(|step| matches!(&step.kind, StepKind::Wait(wait) if wait.event().is_some()));
    let row = |(slot, expected): (&Slot, &engine::Expected)| ExpectRow { slot: slot.to_string(), name: expected.name.clone(), key: expected.key.clone() };
    waits.then(|| run.expects.iter().map(row).collect())
}

/// What a model call used up, for quotas and pages; and every model that read the request before and could not answer, as in the ledger.
fn used(run: &Run, event: &Event, day: &str) -> Vec<UsageRow> {
    let row = |model: &str, zone: &str| {
        let (model, zone) = (model.to_owned(), zone.to_owned());
        UsageRow { day: day.to_owned(), process: run.process.to_string(), model, zone, calls: 1, charged: 0, cost_micro_eur: 0, unpriced: 1 }
    };
    let (meta, handed, did_not_happen) = match event {
        Event::EffectSettled(e) => (Some(&e.meta), &e.meta.tried, false),
        Event::EffectFailed(e) => (Some(&e.meta), &e.meta.tried, e.disposition == Disposition::DidNotHappen),
        Event::EffectDeferred(e) => (None, &e.sent, false),
        _ => return Vec::new(),
    };
    let mut rows: Vec<UsageRow> = handed.iter().map(|handed| row(&handed.model, &handed.zone)).collect();
    if let Some((meta, model, zone)) = meta.and_then(|meta| Some((meta, meta.model.as_deref()?, meta.zone.as_deref()?))) {
        // a call that surely did not happen cost nothing, and that is known
        let unpriced = u64::from(meta.cost_micro_eur.is_none() && !did_not_happen);
        rows.push(UsageRow { charged: meta.charged(), cost_micro_eur: meta.cost_micro_eur.unwrap_or_default(), unpriced, ..row(model, zone) });
    }
    rows
}

pub(crate) fn task_row(prepared: &Prepared, run: &Run, task: &engine::Task) -> TaskRow {
    let opened = &task.opened;
    TaskRow {
        task: TaskId { run: run.id, number: opened.number }.to_string(),
        run: run.id,
        number: opened.number,
        nummer: run.nummer.clone(),
        process: run.process.to_string(),
        step: opened.step.to_string(),
        title: task_title(&prepared.process, opened),
        kind: task_kind(opened).to_owned(),
        open: task.state == engine::TaskState::Open,
        groups: opened.assign.groups.clone(),
        user: opened.assign.user.clone(),
        unit: opened.unit.clone(),
        except: opened.assign.except.clone(),
        due: opened.due.map(crate::micros),
        opened_at: crate::micros(task.opened_at),
        claimed: task.claimed.as_ref().map(|claimed| Claimed {
            subject: claimed.by.subject.clone(),
            name: claimed.by.name.clone(),
            at: crate::micros(claimed.at),
            again: claimed.again.as_ref().and_then(|again| crate::trail::begin(again.day, &prepared.context.zone())),
        }),
    }
}
