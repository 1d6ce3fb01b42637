//! `each`: a step for every element of a list, so many at a time; its value is the list of what came of them, in order.

use laufzettel_domain::{Slot, StepId, Value};
use laufzettel_policy::Labelled;
use laufzettel_process::{
    expression::Outcome,
    model::{Each, FailureClass, StepKind},
};

use crate::{
    deadline,
    decide::Sheet,
    event::{EachBegan, Event},
    run::StepState,
};

/// Elements of one list: a thousand letters are one batch, and a run must still be read by a person.
const ITEMS_MAX: usize = 1_000;

pub(crate) fn begin(sheet: &mut Sheet<'_>, id: &StepId, each: &Each) {
    let items = match list(sheet, each) {
        Ok(items) => items,
        Err(message) => return sheet.fail(&Slot::of(id.clone()), FailureClass::Invalid, format!("each: {message}")),
    };
    let label = sheet.labels().of_expression(&each.list);
    let reads = each.list.analysis.paths();
    sheet.emit(Event::EachBegan(EachBegan { step: id.clone(), count: items.len(), label, reads, items }));
}

fn list(sheet: &Sheet<'_>, each: &Each) -> Result<Vec<Value>, String> {
    match each.list.evaluate(&sheet.scope()) {
        Ok(Outcome::Value(Value::Array(items))) if items.len() <= ITEMS_MAX => Ok(items),
        Ok(Outcome::Value(Value::Array(items))) => Err(format!("{} Einträge, höchstens {ITEMS_MAX}", items.len())),
        Ok(Outcome::Value(_)) => Err("das ist keine Liste".to_owned()),
        Ok(Outcome::Undefined) => Err(format!("{} gibt es nicht", each.list.source)),
        Err(error) => Err(error.to_string()),
    }
}

/// Takes the first step with items as far as it goes. `false`: there is nothing to do.
pub(crate) fn advance(sheet: &mut Sheet<'_>) -> bool {
    let active: Vec<StepId> = sheet.run.lists.keys().filter(|id| sheet.run.steps.get(*id) == Some(&StepState::Active)).cloned().collect();
    active.iter().any(|id| advance_one(sheet, id))
}

fn advance_one(sheet: &mut Sheet<'_>, id: &StepId) -> bool {
    let Some(each) = sheet.step(id).each.as_ref() else { return false };
    let repaired = sheet.run.open_tasks().any(|task| task.opened.kind == crate::TaskKind::Repair && task.opened.step == *id);
    if repaired {
        return false;
    }
    let count = u32::try_from(sheet.run.lists.get(id).map_or(0, Vec::len)).unwrap_or(u32::MAX);
    let under_way = sheet.run.items_of(id).filter(|(_, state)| **state == StepState::Active).count();
    let failed = sheet.run.items_of(id).find_map(|(_, state)| match state {
        StepState::Failed { class, message, continues: false, .. } => Some((*class, message.clone())),
        _ => None,
    });
    let stopped = |state: &StepState| matches!(state, StepState::Failed { class: FailureClass::Timeout, message, .. } if message == deadline::PASSED);
    let partly = sheet.run.items_of(id).any(|(_, state)| stopped(state));
    let overdue = sheet.run.is_overdue(id).then(|| (FailureClass::Timeout, deadline::PASSED.to_owned()));
    let next = (1..=count).map(|item| Slot { step: id.clone(), item }).find(|slot| sheet.run.at(slot).is_none());
    match (failed.or_else(|| overdue.filter(|_| next.is_some() || partly)), next) {
        (Some((class, message)), _) if under_way == 0 => sheet.fail(&Slot::of(id.clone()), class, message),
        (Some(_), _) => return false,
        (None, Some(slot)) if under_way < parallel(sheet, id, each) => super::begin(sheet, &slot),
        (None, None) if under_way == 0 => complete(sheet, id),
        _ => return false,
    }
    true
}

/// Calls at once at most: what is intended and not made would be in doubt after a crash.
const CALLS_MAX: usize = 16;

fn parallel(sheet: &Sheet<'_>, id: &StepId, each: &Each) -> usize {
    let wished = each.max_parallel as usize;
    if matches!(sheet.step(id).kind, StepKind::Tool(_) | StepKind::Model(_) | StepKind::Agent(_)) { wished.min(CALLS_MAX) } else { wished }
}

fn complete(sheet: &mut Sheet<'_>, id: &StepId) {
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for (_, state) in sheet.run.items_of(id) {
        match state {
            StepState::Completed { value, labels: tree, .. } => {
                values.push(value.clone());
                labels.push(tree.clone());
            }
            StepState::Failed { label, .. } => {
                values.push(Value::Null);
                labels.push(Labelled::all(label.clone()));
            }
            StepState::Active | StepState::Skipped { .. } => {}
        }
    }
    let own = sheet.labels().of_condition(id);
    let own = crate::labels::told(sheet.step(id), own);
    let reads = sheet.step(id).each.as_ref().map(|each| each.list.analysis.paths()).unwrap_or_default();
    sheet.complete(&Slot::of(id.clone()), Value::Array(values), Labelled::list(own, labels), reads);
}
