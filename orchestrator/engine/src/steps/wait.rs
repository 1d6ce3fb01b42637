//! `wait`: time passes, something happens elsewhere, or another step ends it early.

use jiff::Timestamp;
use laufzettel_domain::{Slot, Span, StepId, Value};
use laufzettel_process::{
    expression::Template,
    model::{Awaited, AwaitedEvent, FailureClass, Length, StepKind, Wait},
};
use serde_json::json;

use crate::{
    command::Rejection,
    decide::Sheet,
    event::{Event, EventAwaited, EventDelivered, WaitBegan},
    labels,
    moment::{Day, moment},
    run::StepState,
};

pub(crate) fn begin(sheet: &mut Sheet<'_>, slot: &Slot, wait: &Wait) {
    let begun = match &wait.what {
        Awaited::Time(length) => until(sheet, slot, length),
        Awaited::Event(event) => return expect(sheet, slot, event),
    };
    match begun {
        // what lies behind is not waited for
        Ok(until) if until <= sheet.at => end(sheet, slot, wait),
        Ok(until) => sheet.emit(Event::WaitBegan(WaitBegan { step: slot.step.clone(), item: slot.item, until })),
        Err(message) => sheet.fail(slot, FailureClass::Invalid, message),
    }
}

fn expect(sheet: &mut Sheet<'_>, slot: &Slot, event: &AwaitedEvent) {
    let reads = labels::reads(std::iter::once(&event.key).chain(&event.timeout));
    match expected(sheet, slot, event) {
        Ok((key, until)) => {
            let name = event.name.clone();
            sheet.emit(Event::EventAwaited(EventAwaited { step: slot.step.clone(), item: slot.item, name, until, reads, key }));
        }
        Err(message) => sheet.fail(slot, FailureClass::Invalid, message),
    }
}

/// Characters of a key: a file number or an account, never a text.
pub const KEY_CHARS_MAX: usize = 200;

fn expected(sheet: &Sheet<'_>, slot: &Slot, event: &AwaitedEvent) -> Result<(String, Option<Timestamp>), String> {
    let scope = sheet.scope_of(slot);
    let key = event.key.evaluate(&scope).map_err(|error| format!("wait.key: {error}"))?;
    let key = match key {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        other => return Err(format!("wait.key: ein Schlüssel ist ein Text oder eine Zahl, nicht {other}")),
    };
    if key.is_empty() || key.chars().count() > KEY_CHARS_MAX {
        return Err(format!("wait.key: ein Schlüssel hat 1 bis {KEY_CHARS_MAX} Zeichen"));
    }
    let until = event.timeout.as_ref().map(|template| span_end(sheet, slot, "timeout", template)).transpose()?;
    Ok((key, until))
}

/// The instant a written duration is over, from now.
fn span_end(sheet: &Sheet<'_>, slot: &Slot, word: &str, template: &Template) -> Result<Timestamp, String> {
    let named = |error: String| format!("wait.{word}: {error}");
    let value = template.evaluate(&sheet.scope_of(slot)).map_err(|error| named(error.to_string()))?;
    if value.as_str().and_then(Span::parse).is_none() {
        return Err(named(format!("{value} ist keine Dauer (P14D)")));
    }
    moment(&value, Day::Begin, sheet.at, &sheet.context.zone()).map(whole_second).map_err(named)
}

fn until(sheet: &Sheet<'_>, slot: &Slot, length: &Length) -> Result<Timestamp, String> {
    let Length::Until(template) = length else { return span_end(sheet, slot, length.word(), length.template()) };
    let named = |error: String| format!("wait.until: {error}");
    let value = template.evaluate(&sheet.scope_of(slot)).map_err(|error| named(error.to_string()))?;
    if value.as_str().and_then(Span::parse).is_some() {
        return Err(named(format!("{value} ist eine Dauer und gehört in for")));
    }
    moment(&value, Day::Begin, sheet.at, &sheet.context.zone()).map(whole_second).map_err(named)
}

/// What somebody sent is the step's value, if it is what the author waits for.
pub(crate) fn deliver(sheet: &mut Sheet<'_>, slot: &Slot, key: &str, delivered: EventDelivered, payload: Value) -> Result<(), Rejection> {
    let expected = sheet.run.expects.get(slot).is_some_and(|expected| expected.name == delivered.name && expected.key == key);
    let wait = waiting(sheet, &slot.step).filter(|_| expected);
    let Some((wait, event)) = wait.and_then(|wait| Some((wait, wait.event()?))) else {
        return Err(Rejection::stale("Auf dieses Ereignis wartet hier nichts (mehr).", "Nothing here waits for this event (any more)."));
    };
    let problems = event.output.validate(&payload);
    if !problems.is_empty() {
        return Err(Rejection::Invalid(problems));
    }
    sheet.emit(Event::EventDelivered(delivered));
    complete(sheet, slot, wait, event, payload, false);
    Ok(())
}

fn complete(sheet: &mut Sheet<'_>, slot: &Slot, wait: &Wait, event: &AwaitedEvent, payload: Value, timed_out: bool) {
    let mut value = payload;
    if let Some(map) = value.as_object_mut() {
        map.insert("timed_out".to_owned(), timed_out.into());
    }
    let labels = sheet.labels().of_event(&slot.step, wait, event);
    let reads = labels::reads(wait.templates().into_iter().map(|(_, template)| template));
    sheet.complete(slot, value, labels, reads);
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
    let timed = |id: &StepId| sheet.run.waits.iter().find(|(slot, until)| slot.step == *id && over(slot, **until)).map(|(slot, _)| slot.clone());
    let early = |id: &StepId| sheet.run.expects.keys().find(|slot| slot.step == *id && waiting(sheet, id).is_some_and(ended)).cloned();
    sheet.process.order.iter().find_map(|id| timed(id).or_else(|| early(id)))
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

/// Its time has come, or what ends it early has.
fn end(sheet: &mut Sheet<'_>, slot: &Slot, wait: &Wait) {
    match &wait.what {
        Awaited::Event(event) => complete(sheet, slot, wait, event, json!({}), true),
        Awaited::Time(length) => {
            let labels = sheet.labels().of_wait(&slot.step, length.template());
            let reads = labels::reads([length.template()]);
            // to the second: nobody reads more, and nothing hangs on it
            let at = Timestamp::from_second(sheet.at.as_second()).unwrap_or(sheet.at);
            sheet.complete(slot, json!({ "at": at.to_string() }), labels, reads);
        }
    }
}
