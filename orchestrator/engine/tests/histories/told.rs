//! A run in plain words: everything that decides what happens next. Members may be added, never changed: what was recorded is held
//! against them.

use laufzettel_domain::{RunId, Value};
use laufzettel_engine::{EffectStatus, Event, Run, StepState, TaskState, effects, wake_at};
use serde_json::{Map, json};

/// The id a history's run has: its first record holds it among the facts.
pub fn run_of(first: &Event) -> Option<RunId> {
    let Event::RunStarted(started) = first else { return None };
    started.facts["id"].as_str().and_then(RunId::parse)
}

pub fn told(run: &Run) -> Value {
    let due = effects(run).into_iter().map(
        |effect| json!({ "key": effect.key.to_string(), "attempt": effect.attempt, "who": effect.run.intent.who.subject, "call": effect.run.intent.call }),
    );
    json!({
        "seq": run.seq,
        "state": run.state().as_str(),
        "process": run.process, "version": run.version, "nummer": run.nummer, "trust": run.trust, "zone": run.zone,
        "started_at": run.started_at, "updated_at": run.updated_at,
        "caller": run.caller.subject, "run_as": run.run_as,
        "input": run.input, "contacts": run.contacts,
        "parent": run.parent.as_ref().map(|parent| json!([parent.run, parent.step, parent.item])),
        "passed": run.passed,
        "steps": map(run.steps.iter().map(|(step, state)| (step, step_told(state)))),
        "items": map(run.items.iter().map(|(slot, state)| (slot, step_told(state)))),
        "lists": map(run.lists.iter().map(|(step, list)| (step, list.iter().map(|element| element.item.clone()).collect()))),
        "completed": run.completed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "effects": map(run.effects.iter().map(|(path, effect)| {
            (path, json!({ "round": effect.round, "attempt": effect.attempt, "uncertain": effect.uncertain, "tokens": effect.tokens,
                "target": effect.intent.target, "labels": effect.intent.labels, "status": status_told(&effect.status) }))
        })),
        "due": due.collect::<Vec<_>>(),
        "questions": map(run.effects.iter().filter_map(|(path, effect)| {
            let question = effect.question.as_ref()?;
            Some((path, json!([question.since, question.class, question.unanswered, question.at])))
        })),
        "tasks": map(run.tasks.iter().map(|(number, task)| {
            let state = match &task.state {
                TaskState::Open => json!("open"),
                TaskState::Completed { by, values, at } => json!({ "by": by.subject, "values": values, "at": at }),
                TaskState::Withdrawn => json!("withdrawn"),
            };
            let mut told = json!({ "kind": task.opened.kind, "step": task.opened.step, "item": task.opened.item, "groups": task.opened.assign.groups,
                "due": task.opened.due, "shown": task.opened.shown, "show": task.opened.show, "form": task.opened.form, "state": state });
            // what was recorded before there was such a thing says nothing of it
            if let Some(claimed) = &task.claimed {
                told["claimed"] = json!([claimed.by.subject, claimed.at]);
                if let Some(again) = &claimed.again {
                    told["again"] = json!([again.day, again.note]);
                }
            }
            if task.opened.assign.applicant {
                told["applicant"] = json!(true);
            }
            (number, told)
        })),
        "waits": map(run.waits.iter().map(|(slot, until)| (slot, json!(until)))),
        "expects": map(run.expects.iter().map(|(slot, expected)| (slot, json!([expected.name, expected.key])))),
        "children": map(run.children.iter().map(|(slot, child)| (slot, json!([child.run, child.nummer, child.process, child.ended])))),
        "rounds": map(run.rounds.iter().map(|(step, round)| (step, json!(round)))),
        "deadlines": map(run.deadlines.iter().map(|(step, deadline)| {
            let until = match deadline {
                laufzettel_engine::Deadline::At(at) => json!(at),
                laufzettel_engine::Deadline::Passed => json!("passed"),
            };
            (step, until)
        })),
        "added": run.added.iter().map(|added| json!([added.at, added.file, added.note])).collect::<Vec<_>>(),
        "withdrawn": run.withdrawn,
        "received": run.received,
        "wake_at": wake_at(run),
        "ending": run.ending, "ended_at": run.ended.map(|(_, at)| at), "output": run.output, "message": run.message,
    })
}

fn map<K: ToString>(entries: impl Iterator<Item = (K, Value)>) -> Value {
    Value::Object(entries.map(|(key, value)| (key.to_string(), value)).collect::<Map<_, _>>())
}

fn step_told(state: &StepState) -> Value {
    match state {
        StepState::Active => json!("active"),
        StepState::Completed { value, labels, at } => json!({ "completed": value, "labels": labels, "at": at }),
        StepState::Skipped { because, label, at } => json!({ "skipped": because, "label": label, "at": at }),
        StepState::Failed { class, message, continues, label, at } => {
            json!({ "failed": class, "message": message, "continues": continues, "label": label, "at": at })
        }
    }
}

fn status_told(status: &EffectStatus) -> Value {
    match status {
        EffectStatus::Due => json!("due"),
        EffectStatus::RetryAt(at) => json!({ "retry_at": at }),
        EffectStatus::Settling => json!("settling"),
        EffectStatus::Doubt => json!("doubt"),
        EffectStatus::Parked(decision) => json!({ "parked": decision }),
        EffectStatus::Settled { value } => json!({ "settled": value }),
        EffectStatus::GaveUp { class, message, disposition } => json!({ "gave_up": class, "message": message, "disposition": disposition }),
    }
}
