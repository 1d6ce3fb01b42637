//! Asking a call's own server what became of it, where nobody knows and the server has offered to say (`settle`).
//!
//! The question carries no case content, changes nothing but that no attempt so far can act any more, and may be asked as often as one
//! likes. A person is asked when the server is silent for long; whoever answers first has answered.

use jiff::{SignedDuration, Timestamp};
use laufzettel_domain::EffectPath;
use laufzettel_process::model::FailureClass;

use crate::{
    command::{Outcome, Rejection},
    decide::Sheet,
    event::{Disposition, EffectAsked, EffectUnanswered, Event, Meta, Next, TaskKind},
    run::{EffectRun, EffectStatus, Question},
    settle::{self, Failure},
};

/// Seconds before a person is asked, too: a server that restarts takes less, and nobody would have looked earlier.
const PERSON_S: i64 = 30;
/// Seconds between two questions at most, after one, two, four and so on. Ten minutes after a server is back nobody has to look any
/// more, and one that is away for a night costs a hundred and fifty records.
const PAUSE_S_MAX: i64 = 600;

/// Nobody knows whether it happened: who is asked first.
pub(crate) fn doubt(effect: &EffectRun) -> Next {
    if effect.intent.settles { Next::Settle } else { Next::Doubt }
}

/// What the server says, or that it says nothing.
pub(crate) fn testify(sheet: &mut Sheet<'_>, path: &EffectPath, (round, attempt): (u32, u32), outcome: Outcome) -> Result<(), Rejection> {
    let asked = |effect: &&EffectRun| effect.round == round && effect.attempt == attempt && effect.is_asked();
    let effect = sheet.run.effects.get(path).filter(asked).cloned();
    let Some((effect, question)) = effect.and_then(|effect| Some((effect.clone(), effect.question?))) else {
        return Err(Rejection::stale("Nach diesem Aufruf wird nicht mehr gefragt.", "Nobody asks about this call any more."));
    };
    match outcome {
        Outcome::Failed { class, disposition: Disposition::Unknown, message, meta } => {
            unanswered(sheet, path, &effect, &question, (class, message, meta));
            return Ok(());
        }
        Outcome::Ok { value, meta } => settle::answered(sheet, path, &effect, value, meta, true),
        Outcome::Failed { class, disposition, message, meta } => {
            // that it did not happen is known of every attempt so far; whether it is made again is a matter of how it failed
            let never = disposition == Disposition::DidNotHappen;
            let class = if never { question.class } else { class };
            let effect = EffectRun { uncertain: effect.uncertain && !never, ..effect };
            settle::failed(sheet, path, &effect, Failure { class, disposition, message, answer: None, meta, asked: true });
        }
    }
    sheet.withdraw(|task| task.opened.kind == TaskKind::Doubt && task.opened.path.as_ref() == Some(path));
    Ok(())
}

/// It is asked again, and after a while a person is, too. Where the question itself is refused, waiting does not help.
fn unanswered(sheet: &mut Sheet<'_>, path: &EffectPath, effect: &EffectRun, question: &Question, (class, message, meta): (FailureClass, String, Meta)) {
    let long = sheet.at.duration_since(question.since).as_secs() >= PERSON_S;
    let doubt = effect.status == EffectStatus::Settling && (long || class == FailureClass::Refused);
    let pause = 1_i64.checked_shl(question.unanswered.min(32)).map_or(PAUSE_S_MAX, |pause| pause.min(PAUSE_S_MAX));
    let until = sheet.at.saturating_add(SignedDuration::from_secs(pause)).unwrap_or(Timestamp::MAX);
    let event = EffectUnanswered { path: path.clone(), round: effect.round, attempt: effect.attempt, class, until, doubt, meta, message: message.clone() };
    sheet.emit(Event::EffectUnanswered(event));
    if doubt {
        sheet.open_repair(TaskKind::Doubt, path, message);
    }
}

/// Questions whose pause is over are asked again.
pub(crate) fn wake(sheet: &mut Sheet<'_>) {
    let over = |effect: &EffectRun| effect.question.as_ref().and_then(|question| question.at).is_some_and(|at| at <= sheet.at);
    let due: Vec<(EffectPath, u32)> = sheet.run.effects.iter().filter(|(_, effect)| over(effect)).map(|(path, e)| (path.clone(), e.round)).collect();
    for (path, round) in due {
        sheet.emit(Event::EffectAsked(EffectAsked { path, round }));
    }
}
