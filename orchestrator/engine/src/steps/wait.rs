//! `wait`: time passes, or another step ends it early.

use jiff::Timestamp;
use laufzettel_domain::{Slot, StepId};
use laufzettel_process::model::{FailureClass, Length, StepKind, Wait};
use serde_json::json;

use crate::{
    decide::Sheet,
    event::{Event, WaitBegan},
    labels,
    moment::{Day, moment},
    run::StepState,
};

pub(crate) fn begin(sheet: &mut Sheet<'_>, slot: &Slot, wait: &Wait) {
    match until(sheet, slot, wait) {
        // what lies behind is not waited for
        Ok(until) if until <= sheet.at => end(sheet, slot, wait),
        Ok(until) => sheet.emit(Event::WaitBegan(WaitBegan { step: slot.step.clone(), item: slot.item, until })),
        Err(message) => sheet.fail(slot, FailureClass::Invalid, message),
    }
}

fn until(sheet: &Sheet<'_>, slot: &Slot, wait: &Wait) -> Result<Timestamp, String> {
    let named = |error: String| format!("wait.{}: {error}", wait.length.word());
    let value = wait.length.template().evaluate(&sheet.scope_of(slot)).map_err(|error| named(error.to_string()))?;
    let is_span = value.as_str().is_some_and(|text| laufzettel_domain::Span::parse(text).is_some());
    if is_span != matches!(wait.length, Length::For(_)) {
        return Err(named(format!("{value} {}", if is_span { "ist eine Dauer und gehört in for" } else { "ist keine Dauer (P14D)" })));
    }
    moment(&value, Day::Begin, sheet.at, &sheet.context.zone()).map(whole_second).map_err(named)
}

/// Never early: nobody reads fractions, and nothing hangs on them.
fn whole_second(at: Timestamp) -> Timestamp {
    let up = i64::from(at.subsec_nanosecond() > 0);
    Timestamp::from_second(at.as_second() + up).unwrap_or(at)
}

/// A wait that is over: its time has come, or what ends it early has completed. In the order of the graph.
pub(crate) fn over(sheet: &Sheet<'_>) -> Option<Slot> {
    let ended = |wait: &Wait| wait.unless.as_ref().is_some_and(|x| matches!(sheet.run.steps.get(x), Some(StepState::Completed { .. })));
    let over = |slot: &Slot, until: Timestamp| until <= sheet.at || waiting(sheet, &slot.step).is_some_and(ended);
    let of = |id: &StepId| sheet.run.waits.iter().find(|(slot, until)| slot.step == *id && over(slot, **until)).map(|(slot, _)| slot.clone());
    sheet.process.order.iter().find_map(of)
}

fn waiting<'p>(sheet: &Sheet<'p>, id: &StepId) -> Option<&'p Wait> {
    match &sheet.step(id).kind {
        StepKind::Wait(wait) => Some(wait),
        _ => None,
    }
}

pub(crate) fn finish(sheet: &mut Sheet<'_>, slot: &Slot) {
    if let Some(wait) = waiting(sheet, &slot.step) {
        end(sheet, slot, wait);
    }
}

fn end(sheet: &mut Sheet<'_>, slot: &Slot, wait: &Wait) {
    let labels = sheet.labels().of_wait(&slot.step, wait);
    let reads = labels::reads([wait.length.template()]);
    // to the second: nobody reads more, and nothing hangs on it
    let at = Timestamp::from_second(sheet.at.as_second()).unwrap_or(sheet.at);
    sheet.complete(slot, json!({ "at": at.to_string() }), labels, reads);
}
