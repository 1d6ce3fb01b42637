//! `runs …`: lists and single runs, and what a person may order.

use laufzettel_domain::{Caller, RunId, Text, Value};
use laufzettel_engine::{Resolution, fold};
use laufzettel_store::{RUNS_PAGE_MAX, RunFilter};
use laufzettel_worker::{Loaded, WishError, veil};
use serde_json::json;

use super::{Done, Failed, caller, find_run, no_run, operator, person, show, wish_failed};
use crate::{
    house::House,
    out::{Out, code},
};

pub async fn list(house: &House, filter: RunFilter, out: &Out) -> Done {
    let (by, mut left) = (person(house, out).await?, filter.limit);
    let mut filter = filter;
    // a page may be short and go on
    while left > 0 {
        filter.limit = left.min(RUNS_PAGE_MAX);
        let page = match &by {
            Some(by) => house.desk.runs(by, filter.clone(), None).await,
            None => house.desk.listed(filter.clone(), None).await,
        };
        let page = page.map_err(|e| wish_failed(e, out.lang))?;
        left = left.saturating_sub(u32::try_from(page.rows.len()).unwrap_or(u32::MAX));
        for row in page.rows {
            if out.json {
                out.value(&serde_json::to_value(&row).unwrap_or_default()).await;
            } else {
                out.data(format!("{}  {:<14}  {}  {}", row.nummer, row.state, row.title, row.run)).await;
            }
        }
        filter.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    Ok(code::DONE)
}

pub async fn show(house: &House, written: &str, out: &Out) -> Done {
    let run = find_run(house, written, out.lang).await?;
    let (by, loaded) = viewed(house, run, out).await?;
    print(house, &by, &loaded, out).await
}

/// What has become of a run after an order, for whoever may look at it too.
pub async fn report(house: &House, run: RunId, out: &Out) -> Done {
    match viewed(house, run, out).await {
        Ok((by, loaded)) => print(house, &by, &loaded, out).await,
        Err(failed) if failed.code == code::USAGE => {
            out.note(out.text("Erledigt.", "Done.")).await;
            Ok(code::DONE)
        }
        Err(failed) => Err(failed),
    }
}

async fn print(house: &House, by: &Caller, loaded: &Loaded, out: &Out) -> Done {
    let run = loaded.run.id;
    house.desk.record("content.viewed", by, json!({ "run": run.to_string() })).await?;
    let (state, process) = (&loaded.run, &loaded.prepared.process);
    if out.json {
        let steps: serde_json::Map<String, Value> = state.steps.iter().map(|(id, s)| (id.to_string(), step_json(s))).collect();
        let open: Vec<String> = state.open_tasks().map(|t| format!("{run}.{}", t.opened.number)).collect();
        out.value(&json!({ "run": run.to_string(), "nummer": state.nummer, "process": state.process.as_str(), "version": state.version,
            "state": state.state().as_str(), "started_at": state.started_at.to_string(), "caller": state.caller.name,
            "steps": veil::value(&Value::Object(steps)), "tasks": open, "output": veil::value(&state.output), "message": veil::text(&state.message),
            "content_erased_at": loaded.gone.map(|gone| gone.at) }))
            .await;
        return Ok(code::DONE);
    }
    out.data(format!("{} · {} {} · {}", state.nummer, process.title, state.version, show::state(state.state(), out.lang))).await;
    out.data(format!("{} {} · {}", out.text("gestartet von", "started by"), state.caller.name, state.started_at)).await;
    for line in loaded.gone.iter().flat_map(|gone| show::gone(gone, out.lang)) {
        out.data(line).await;
    }
    for id in &process.order {
        if let Some(line) = show::step_line(process, state, id, out.lang) {
            out.data(line).await;
        }
    }
    for line in show::obstacles(process, state, out.lang) {
        out.data(line).await;
    }
    if !state.message.is_empty() {
        out.data(state.message.clone()).await;
    }
    Ok(code::DONE)
}

/// A run, for whoever may look at it; and who that is.
async fn viewed(house: &House, run: RunId, out: &Out) -> Result<(Caller, Loaded), Failed> {
    let (by, found) = match person(house, out).await? {
        None => (operator(out), house.desk.load(run).await),
        Some(by) => {
            let found = house.desk.visible(&by, run).await;
            (by, found)
        }
    };
    let found = found.map_err(|e| wish_failed(e, out.lang))?;
    found.map(|loaded| (by, loaded)).ok_or_else(|| no_run(out.lang))
}

fn step_json(state: &laufzettel_engine::StepState) -> Value {
    use laufzettel_engine::StepState as S;
    match state {
        S::Active => json!({ "state": "active" }),
        S::Completed { value, .. } => json!({ "state": "completed", "value": value }),
        S::Skipped { because, .. } => json!({ "state": "skipped", "because": because }),
        S::Failed { message, .. } => json!({ "state": "failed", "message": message }),
    }
}

pub async fn cancel(house: &House, written: &str, reason: &str, out: &Out) -> Done {
    let run = find_run(house, written, out.lang).await?;
    let by = caller(house, out).await?;
    house.desk.cancel(run, &by, reason).await.map_err(|e| wish_failed(e, out.lang))?;
    house.desk.drive(run).await.map_err(|e| wish_failed(e, out.lang))?;
    report(house, run, out).await
}

/// Takes over a parked step, or has another one carried out anew.
pub async fn retry(house: &House, written: &str, step: Option<&str>, out: &Out) -> Done {
    let (run, by) = (find_run(house, written, out.lang).await?, caller(house, out).await?);
    go_on(house, run, house.desk.retry(run, &by, step).await, out).await
}

pub async fn resolve(house: &House, written: &str, step: &str, happened: Option<Value>, out: &Out) -> Done {
    let resolution = happened.map_or(Resolution::DidNotHappen, Resolution::Happened);
    let (run, by) = (find_run(house, written, out.lang).await?, caller(house, out).await?);
    go_on(house, run, house.desk.resolve(run, &by, step, resolution).await, out).await
}

async fn go_on(house: &House, run: RunId, told: Result<Loaded, WishError>, out: &Out) -> Done {
    told.map_err(|e| wish_failed(e, out.lang))?;
    house.desk.drive(run).await.map_err(|e| wish_failed(e, out.lang))?;
    report(house, run, out).await
}

fn differs(listed: &str, told: &str, out: &Out) -> String {
    let text = Text::new(format!("Die Liste sagt „{listed}“, das Protokoll „{told}“."), format!("The list says \"{listed}\", the journal \"{told}\"."));
    text.get(out.lang).to_owned()
}

/// Recomputes a run from its journal: every event must follow from those before it.
pub async fn replay(house: &House, written: &str, out: &Out) -> Done {
    let run = find_run(house, written, out.lang).await?;
    let (_, loaded) = viewed(house, run, out).await?;
    let records = house.desk.tenant.store.history(run).await?;
    let events = laufzettel_worker::decode(&records).map_err(|e| wish_failed(e, out.lang))?;
    let folded = fold(&house.desk.tenant.id, run, &events).map_err(|e| Failed::new(code::BROKEN, e.to_string()))?;
    let row = house.desk.tenant.store.run(run).await?;
    let (Some(folded), Some(row)) = (folded, row) else { return Err(no_run(out.lang)) };
    if folded.state().as_str() != row.state || folded.seq != row.seq {
        return Err(Failed::new(code::BROKEN, differs(&row.state, folded.state().as_str(), out)));
    }
    for line in loaded.gone.iter().flat_map(|gone| show::gone(gone, out.lang)) {
        out.note(line).await;
    }
    if out.json {
        let state = folded.state().as_str();
        out.value(&json!({ "run": run.to_string(), "nummer": row.nummer, "records": events.len(), "state": state, "agrees": true })).await;
    } else {
        let words = out.text("Einträge nachgerechnet, Zustand stimmt überein", "records replayed, the state agrees");
        out.data(format!("{}: {} {words}", row.nummer, events.len())).await;
    }
    Ok(code::DONE)
}
