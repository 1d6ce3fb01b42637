//! `wait`: time passes, or another step ends it early.

use jiff::Timestamp;
use laufzettel_domain::StepId;
use laufzettel_process::model::{FailureClass, Length, StepKind, Wait};
use serde_json::json;

use crate::{
    decide::Sheet,
    event::{Event, WaitBegan},
    labels,
    moment::{Day, moment},
    run::StepState,
};

pub(crate) fn begin(sheet: &mut Sheet<'_>, id: &StepId, wait: &Wait) {
    match until(sheet, wait) {
        // what lies behind is not waited for
        Ok(until) if until <= sheet.at => end(sheet, id, wait),
        Ok(until) => sheet.emit(Event::WaitBegan(WaitBegan { step: id.clone(), until })),
        Err(message) => sheet.fail(id, FailureClass::Invalid, message),
    }
}

fn until(sheet: &Sheet<'_>, wait: &Wait) -> Result<Timestamp, String> {
    let named = |error: String| format!("wait.{}: {error}", wait.length.word());
    let value = wait.length.template().evaluate(&sheet.scope()).map_err(|error| named(error.to_string()))?;
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

/// Waits that are over: their time has come, or what ends them early has completed. In the order of the graph.
pub(crate) fn over(sheet: &Sheet<'_>) -> Option<StepId> {
    let ended = |wait: &Wait| wait.unless.as_ref().is_some_and(|x| matches!(sheet.run.steps.get(x), Some(StepState::Completed { .. })));
    sheet.process.order.iter().find(|id| sheet.run.waits.get(*id).is_some_and(|until| *until <= sheet.at || waiting(sheet, id).is_some_and(ended))).cloned()
}

fn waiting<'p>(sheet: &Sheet<'p>, id: &StepId) -> Option<&'p Wait> {
    match &sheet.step(id).kind {
        StepKind::Wait(wait) => Some(wait),
        _ => None,
    }
}

pub(crate) fn finish(sheet: &mut Sheet<'_>, id: &StepId) {
    if let Some(wait) = waiting(sheet, id) {
        end(sheet, id, wait);
    }
}

fn end(sheet: &mut Sheet<'_>, id: &StepId, wait: &Wait) {
    let labels = sheet.labels().of_wait(id, wait);
    let reads = labels::reads([wait.length.template()]);
    // to the second: nobody reads more, and nothing hangs on it
    let at = Timestamp::from_second(sheet.at.as_second()).unwrap_or(sheet.at);
    sheet.complete(id, json!({ "at": at.to_string() }), labels, reads);
}
