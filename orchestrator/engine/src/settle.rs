//! What follows from an effect's outcome: a value, another attempt, a doubt, or the end of the step.

use jiff::{SignedDuration, Timestamp};
use laufzettel_domain::{Caller, EffectPath, Text, Value, Via, names::Phase};
use laufzettel_policy::Effect;
use laufzettel_process::model::{FailureClass, Retry, StepKind};

use crate::{
    asking,
    command::{Outcome, Rejection},
    deadline,
    decide::Sheet,
    ending,
    event::{Disposition, EffectDeferred, EffectFailed, EffectResumed, EffectSettled, Event, Handed, Meta, Next, TaskKind},
    run::{EffectRun, EffectStatus, StepState},
    steps,
};

pub(crate) struct Failure {
    pub class: FailureClass,
    pub disposition: Disposition,
    pub message: String,
    pub answer: Option<String>,
    pub meta: Meta,
    /// Its server said so when it was asked.
    pub asked: bool,
}

pub(crate) fn settle(sheet: &mut Sheet<'_>, path: &EffectPath, round: u32, attempt: u32, outcome: Outcome) -> Result<(), Rejection> {
    let effect = sheet.run.effects.get(path).filter(|e| e.round == round && e.attempt == attempt && e.status == EffectStatus::Due).cloned();
    let Some(effect) = effect else {
        return Err(Rejection::stale("Dieser Aufruf ist schon erledigt.", "This call is settled already."));
    };
    match outcome {
        Outcome::Ok { value, meta } => answered(sheet, path, &effect, value, meta, false),
        Outcome::Failed { class, disposition, message, meta } => {
            failed(sheet, path, &effect, Failure { class, disposition, message, answer: None, meta, asked: false });
        }
    }
    Ok(())
}

/// The call has its answer. `asked`: its server gave it when it was asked what became of the call.
pub(crate) fn answered(sheet: &mut Sheet<'_>, path: &EffectPath, effect: &EffectRun, value: Value, meta: Meta, asked: bool) {
    match steps::accept(sheet, path, &value) {
        Ok(value) => {
            let (round, attempt) = (effect.round, effect.attempt);
            sheet.emit(Event::EffectSettled(EffectSettled { path: path.clone(), round, attempt, by: None, asked, meta, value: value.clone() }));
            steps::settled(sheet, path, value, None);
        }
        Err(message) => {
            let answer = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let (class, disposition) = (FailureClass::InvalidOutput, Disposition::Happened);
            failed(sheet, path, effect, Failure { class, disposition, message, answer, meta, asked });
        }
    }
}

/// Seconds before what was not there is looked for again: a restart that takes a second is hardly noticed, and an outage of a
/// night costs two records a minute and step. Doubled each time, up to a minute: nobody waits longer than that once it is back.
const DEFER_S_MIN: i64 = 1;
const DEFER_S_MAX: i64 = 60;

/// How long an effect waits that has been put off so many times in a row.
fn patience(times: u32) -> SignedDuration {
    SignedDuration::from_secs(DEFER_S_MIN.checked_shl(times.min(6)).unwrap_or(DEFER_S_MAX).min(DEFER_S_MAX))
}

/// What the effect needs is not there: it waits, and its attempts stay what they are.
pub(crate) fn defer(
    sheet: &mut Sheet<'_>,
    path: &EffectPath,
    (round, attempt): (u32, u32),
    reason: Text,
    until: Option<Timestamp>,
    sent: Vec<Handed>,
) -> Result<(), Rejection> {
    let effect = sheet.run.effects.get(path).filter(|e| e.round == round && e.attempt == attempt && e.status == EffectStatus::Due);
    let Some(effect) = effect else {
        return Err(Rejection::stale("Dieser Aufruf steht nicht mehr an.", "This call is no longer due."));
    };
    // over its time, it is not waited for; but whether a write stands must be known, however long that takes
    let open = effect.uncertain && effect.intent.effect != Effect::Read;
    if path.phase == Phase::Do && !open && is_over(sheet, path) {
        put_down(sheet, path, None, deadline::PASSED);
        give_up(sheet, path, FailureClass::Timeout, deadline::PASSED.to_owned());
        return Ok(());
    }
    let times = effect.deferred.as_ref().map_or(0, |(times, _)| *times);
    let soonest = sheet.at.saturating_add(SignedDuration::from_secs(DEFER_S_MIN)).unwrap_or(Timestamp::MAX);
    let until = until.map_or_else(|| sheet.at.saturating_add(patience(times)).unwrap_or(Timestamp::MAX), |until| until.max(soonest));
    sheet.emit(Event::EffectDeferred(EffectDeferred { path: path.clone(), round, until, reason, sent }));
    Ok(())
}

pub(crate) fn failed(sheet: &mut Sheet<'_>, path: &EffectPath, effect: &EffectRun, failure: Failure) {
    let next = next(sheet, path, effect, &failure);
    let Failure { class, disposition, message, answer, meta, asked } = failure;
    let event = EffectFailed {
        path: path.clone(),
        round: effect.round,
        attempt: effect.attempt,
        class,
        disposition,
        next: next.clone(),
        by: None,
        asked,
        meta,
        message: message.clone(),
        answer: answer.clone(),
    };
    sheet.emit(Event::EffectFailed(event));
    match next {
        Next::RetryAt(_) | Next::Settle => {}
        Next::Doubt => sheet.open_repair(TaskKind::Doubt, path, message),
        Next::Repair => steps::model::ask_again(sheet, path, effect, answer.unwrap_or_default(), message),
        // the run ends, and nobody knows whether this write stands: a person must look
        Next::GiveUp if sheet.run.ending.is_some() && disposition == Disposition::Unknown && effect.intent.effect != Effect::Read => {
            ending::stuck(sheet, &path.step, &message);
        }
        Next::GiveUp => give_up(sheet, path, class, message),
    }
}

fn give_up(sheet: &mut Sheet<'_>, path: &EffectPath, class: FailureClass, message: String) {
    match path.phase {
        Phase::Undo => ending::stuck(sheet, &path.step, &message),
        Phase::Do => match &sheet.step(&path.step).kind {
            // an agent is told, and decides what it does about it
            StepKind::Agent(agent) if path.call > 0 && sheet.run.ending.is_none() => steps::agent::call_failed(sheet, path, agent),
            // it has failed with another of its calls
            _ if !sheet.run.is_active(&path.slot()) => {}
            _ => sheet.fail(&path.slot(), class, message),
        },
    }
}

/// Makes an effect that waits due, in the round it is in.
pub(crate) fn resume(sheet: &mut Sheet<'_>, path: EffectPath, round: u32) {
    let by = Caller::service("engine", Via::Engine);
    sheet.emit(Event::EffectResumed(EffectResumed { path, round, by }));
}

/// Somebody says that a call nobody needs any more did not happen.
pub(crate) fn never_happened(sheet: &mut Sheet<'_>, path: &EffectPath, by: Caller) {
    let message = "Der Aufruf ist nicht geschehen.";
    put_down(sheet, path, Some(by), message);
    if sheet.run.is_active(&path.slot()) && !sheet.run.has_open_effects(&path.slot()) {
        let overdue = sheet.run.is_overdue(&path.step) && sheet.run.ending.is_none();
        let (class, message) = if overdue { (FailureClass::Timeout, deadline::PASSED) } else { (FailureClass::Unavailable, message) };
        sheet.fail(&path.slot(), class, message.to_owned());
    }
}

/// An effect that only waits is not tried any more. `by`: who says that it did not happen.
pub(crate) fn put_down(sheet: &mut Sheet<'_>, path: &EffectPath, by: Option<Caller>, message: &str) {
    let Some(effect) = sheet.run.effects.get(path).cloned() else { return };
    let event = EffectFailed {
        path: path.clone(),
        round: effect.round,
        attempt: effect.attempt,
        class: FailureClass::Unavailable,
        disposition: Disposition::DidNotHappen,
        next: Next::GiveUp,
        by,
        asked: false,
        meta: Meta::default(),
        message: message.to_owned(),
        answer: None,
    };
    sheet.emit(Event::EffectFailed(event));
}

/// The run is ending: an effect that only waits is not tried any more.
pub(crate) fn abandon(sheet: &mut Sheet<'_>, path: &EffectPath) {
    let message = "Der Vorgang endet; kein weiterer Versuch.";
    put_down(sheet, path, None, message);
    if path.phase == Phase::Undo {
        ending::stuck(sheet, &path.step, message);
    } else if sheet.run.is_active(&path.slot()) {
        sheet.fail(&path.slot(), FailureClass::Unavailable, message.to_owned());
    }
}

/// The rule of dispositions (`docs/engine.md`): what may be repeated, what is in doubt, what is over.
fn next(sheet: &Sheet<'_>, path: &EffectPath, effect: &EffectRun, failure: &Failure) -> Next {
    let repeatable = effect.intent.repeatable;
    if failure.class == FailureClass::InvalidOutput && path.phase == Phase::Do && steps::model::may_ask_again(sheet, path, failure.meta.charged()) {
        return Next::Repair;
    }
    if !repeatable && failure.disposition == Disposition::Unknown {
        return asking::doubt(effect);
    }
    if !repeatable && failure.disposition == Disposition::Happened {
        return Next::GiveUp;
    }
    let retry = if path.phase == Phase::Undo { undo_retry() } else { sheet.step(&path.step).retry.clone() };
    // a run that ends repeats nothing but its undos, a step that is over its time nothing at all
    let ending = (sheet.run.ending.is_some() || is_over(sheet, path)) && path.phase == Phase::Do;
    if ending || effect.attempt >= retry.attempts || !retry.on.contains(&failure.class) || steps::model::is_spent(sheet, path, failure.meta.charged()) {
        let unknown = failure.disposition == Disposition::Unknown || (effect.uncertain && failure.disposition == Disposition::DidNotHappen);
        let stands = unknown && effect.intent.effect != Effect::Read;
        // a model that reads of an error writes again, under another key: first it must be known whether it stands
        let agents = path.call > 0 && sheet.run.ending.is_none();
        // nobody is asked whether an undo stands, or what a run leaves behind: it is stuck, unless the server knows
        let known = effect.intent.settles && (path.phase == Phase::Undo || sheet.run.ending.is_some());
        return if stands && (agents || known) { asking::doubt(effect) } else { Next::GiveUp };
    }
    let delay = jiff::SignedDuration::from_millis(retry.delay_ms(effect.attempt + 1));
    Next::RetryAt(sheet.at.saturating_add(delay).unwrap_or(jiff::Timestamp::MAX))
}

/// Whether nothing new of this step may begin: its deadline has passed, or a sibling among its items has failed for good.
pub(crate) fn is_over(sheet: &Sheet<'_>, path: &EffectPath) -> bool {
    let failed = |state: &StepState| matches!(state, StepState::Failed { continues: false, .. });
    sheet.run.is_overdue(&path.step) || sheet.run.items_of(&path.step).any(|(_, state)| failed(state))
}

/// An undo is tried five times over about half a minute before the run is stuck: a server restarting takes less.
fn undo_retry() -> Retry {
    Retry { attempts: 5, ..Retry::default() }
}
