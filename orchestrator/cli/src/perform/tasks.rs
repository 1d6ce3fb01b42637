//! `tasks …`: the inbox for scripts and terminals.

use laufzettel_domain::{TaskId, Value};
use laufzettel_worker::{Wanted, WishError, veil};
use serde_json::json;

use super::{Done, Failed, caller, denied, operator, person, wish_failed};
use crate::{
    house::House,
    out::{Out, code},
};

pub async fn list(house: &House, wanted: Wanted, out: &Out) -> Done {
    let by = person(house, out).await?;
    let who = match &by {
        Some(by) => Some(house.desk.who(by).await.map_err(|nobody| wish_failed(nobody.into(), out.lang))?),
        None => None,
    };
    let mut after = None;
    loop {
        let (tasks, next) = house.desk.inbox_of(who.as_ref(), &wanted, after).await.map_err(|e| wish_failed(e, out.lang))?;
        for task in tasks {
            if out.json {
                out.value(&serde_json::to_value(&task).unwrap_or_default()).await;
            } else {
                let due = task.due.and_then(|at| jiff::Timestamp::from_microsecond(at).ok()).map(|at| at.to_string()).unwrap_or_default();
                let holder = task.claimed.map(|claimed| format!("  ({})", claimed.name)).unwrap_or_default();
                out.data(format!("{}  {}  {}  {}{holder}", task.task, task.nummer, task.title, due)).await;
            }
        }
        after = next;
        if after.is_none() {
            return Ok(code::DONE);
        }
    }
}

fn parse(written: &str, out: &Out) -> Result<TaskId, Failed> {
    let none = || out.told(format!("„{written}“ ist keine Aufgabe (laufzettel tasks list)."), format!("\"{written}\" is no task (laufzettel tasks list)."));
    TaskId::parse(written).ok_or_else(|| Failed::new(code::USAGE, none()))
}

fn no_task(out: &Out) -> Failed {
    Failed::new(code::USAGE, out.text("Diese Aufgabe gibt es nicht.", "There is no such task."))
}

pub async fn show(house: &House, written: &str, out: &Out) -> Done {
    let id = parse(written, out)?;
    let loaded = house.desk.load(id.run).await.map_err(|e| wish_failed(e, out.lang))?.ok_or_else(|| wish_failed(WishError::Unknown, out.lang))?;
    let task = loaded.run.tasks.get(&id.number).ok_or_else(|| no_task(out))?;
    let by = person(house, out).await?;
    if let Some(by) = &by {
        let may = house.desk.may_complete(&loaded, id.number, by).await.map_err(|nobody| wish_failed(nobody.into(), out.lang))?;
        if !may.allow {
            house.desk.note("task.denied", by, json!({ "task": written, "decision": may })).await;
            return Err(denied(&may, out.lang));
        }
    }
    let by = by.unwrap_or_else(|| operator(out));
    house.desk.record("content.viewed", &by, json!({ "run": id.run.to_string(), "task": written })).await?;
    let shown = json!({ "task": written, "step": task.opened.step.as_str(), "show": veil::value(&task.opened.show), "vorschlag": task.opened.vorschlag, "form": task.opened.form, "shown": task.opened.shown.to_string() });
    out.data(if out.json { shown.to_string() } else { serde_json::to_string_pretty(&shown).unwrap_or_default() }).await;
    Ok(code::DONE)
}

pub async fn complete(house: &House, written: &str, values: &Value, out: &Out) -> Done {
    let id = parse(written, out)?;
    let by = caller(house, out).await?;
    let loaded = house.desk.load(id.run).await.map_err(|e| wish_failed(e, out.lang))?.ok_or_else(|| wish_failed(WishError::Unknown, out.lang))?;
    let task = loaded.run.tasks.get(&id.number).ok_or_else(|| no_task(out))?;
    let values = laufzettel_worker::files::brought(&house.desk.tenant, values.clone()).await.map_err(|e| Failed::new(code::USAGE, e.to_string()))?;
    house.desk.answer(id, &by, &values, task.opened.shown).await.map_err(|e| wish_failed(e, out.lang))?;
    house.desk.drive(id.run).await.map_err(|e| wish_failed(e, out.lang))?;
    super::runs::report(house, id.run, out).await
}

pub async fn claim(house: &House, written: &str, reason: &str, out: &Out) -> Done {
    let (id, by) = (parse(written, out)?, caller(house, out).await?);
    house.desk.claim(id, &by, reason).await.map_err(|e| wish_failed(e, out.lang))?;
    out.note(format!("{} {written}: {}", out.text("Übernommen", "Taken"), by.name)).await;
    Ok(code::DONE)
}

pub async fn give_back(house: &House, written: &str, out: &Out) -> Done {
    let (id, by) = (parse(written, out)?, caller(house, out).await?);
    house.desk.give_back(id, &by).await.map_err(|e| wish_failed(e, out.lang))?;
    out.note(format!("{} {written}", out.text("Zurückgegeben:", "Returned:"))).await;
    Ok(code::DONE)
}

pub async fn hand_over(house: &House, written: &str, to: &str, note: &str, out: &Out) -> Done {
    let (id, by) = (parse(written, out)?, caller(house, out).await?);
    let loaded = house.desk.hand_over(id, &by, to, note).await.map_err(|e| wish_failed(e, out.lang))?;
    let holder = loaded.run.tasks.get(&id.number).and_then(|task| task.claimed.as_ref()).map_or(to, |claimed| claimed.by.name.as_str());
    out.note(format!("{} {written}: {holder}", out.text("Weitergegeben", "Handed over"))).await;
    Ok(code::DONE)
}
