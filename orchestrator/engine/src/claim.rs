//! Who has a task in hand: taken, returned, taken over, handed over, put aside until a day. It keeps two people from doing the same work, and nobody from doing it:
//! whoever may complete a task may take it over, and says why; whoever stands in for somebody needs to give no reason. Refuses to know
//! who may, and who stands in for whom.

use jiff::{Span, civil::Date};
use laufzettel_domain::{Caller, Path, Text};
use laufzettel_policy::{Decision, only_applicant};
use laufzettel_process::schema::Problem;

use crate::{
    command::{Claim, HandOver, Rejection},
    decide::Sheet,
    event::{Event, TaskClaimed, TaskDeferred, TaskHanded, TaskReturned},
    run::{Task, TaskState},
    steps::human::four_eyes,
};

/// Characters of a reason: two sentences in the journal.
pub const REASON_CHARS_MAX: usize = 500;
/// The furthest day a task is put aside to: a year, after which nobody knows what was waited for.
pub const ASIDE_DAYS_MAX: i64 = 366;

pub(crate) fn claim(sheet: &mut Sheet<'_>, claim: Claim) -> Result<(), Rejection> {
    let Claim { task, by, reason, decision, stands_for } = claim;
    let task = open(sheet, task)?;
    by_hand(&by)?;
    not_hers_alone(&task)?;
    if !decision.allow {
        return Err(Rejection::Denied(decision));
    }
    if task.opened.assign.except.contains(&by.subject) {
        return Err(Rejection::Denied(four_eyes()));
    }
    let over = match &task.claimed {
        // it is hers already: there is nothing to write
        Some(claimed) if claimed.by.subject == by.subject => return Ok(()),
        Some(claimed) => Some(claimed.by.clone()),
        None => None,
    };
    if over.is_some() && reason.trim().is_empty() {
        free(&task, &by, stands_for.as_ref())?;
    }
    bounded("reason", &reason)?;
    // of a task nobody has there is nothing to give a reason for
    let reason = if over.is_some() { reason } else { String::new() };
    sheet.emit(Event::TaskClaimed(TaskClaimed { number: task.opened.number, by, over, decision, stands_for, reason }));
    Ok(())
}

fn bounded(field: &str, text: &str) -> Result<(), Rejection> {
    if text.chars().count() <= REASON_CHARS_MAX {
        return Ok(());
    }
    let message = Text::new(format!("Höchstens {REASON_CHARS_MAX} Zeichen."), format!("{REASON_CHARS_MAX} characters at most."));
    Err(Rejection::Invalid(vec![Problem { path: Path::new([field]), message }]))
}

/// Only whoever has it hands it on, and only to somebody who may complete it.
pub(crate) fn hand_over(sheet: &mut Sheet<'_>, wish: HandOver) -> Result<(), Rejection> {
    let HandOver { task, by, to, note, decision } = wish;
    let task = open(sheet, task)?;
    by_hand(&by)?;
    not_hers_alone(&task)?;
    held_by(&task, &by)?;
    bounded("note", &note)?;
    let unfit = |message| Rejection::Invalid(vec![Problem { path: Path::new(["to"]), message }]);
    if to.subject == by.subject {
        return Err(unfit(Text::new("Sie haben diese Aufgabe schon.", "You have this task already.")));
    }
    let decision = if task.opened.assign.except.contains(&to.subject) { four_eyes() } else { decision };
    if !decision.allow || !to.is_person() {
        let name = &to.name;
        return Err(unfit(Text::new(format!("{name} darf diese Aufgabe nicht erledigen."), format!("{name} may not complete this task."))));
    }
    sheet.emit(Event::TaskHanded(TaskHanded { number: task.opened.number, by, to, decision, note }));
    Ok(())
}

fn held_by(task: &Task, by: &Caller) -> Result<(), Rejection> {
    match &task.claimed {
        Some(claimed) if claimed.by.subject == by.subject => Ok(()),
        _ => Err(Rejection::stale("Diese Aufgabe haben Sie nicht übernommen.", "You have not taken this task.")),
    }
}

/// Only whoever has it gives it back; anybody else takes it over.
pub(crate) fn give_back(sheet: &mut Sheet<'_>, task: u32, by: Caller) -> Result<(), Rejection> {
    let task = open(sheet, task)?;
    by_hand(&by)?;
    held_by(&task, &by)?;
    sheet.emit(Event::TaskReturned(TaskReturned { number: task.opened.number, by }));
    Ok(())
}

/// Only whoever has it puts it aside, for nobody else looks after it meanwhile: until a later day, and not for so long that it is forgotten.
pub(crate) fn put_aside(sheet: &mut Sheet<'_>, task: u32, by: Caller, until: Option<Date>, note: String) -> Result<(), Rejection> {
    let task = open(sheet, task)?;
    by_hand(&by)?;
    held_by(&task, &by)?;
    bounded("note", &note)?;
    let today = sheet.at.to_zoned(sheet.context.zone()).date();
    let last = today.saturating_add(Span::new().days(ASIDE_DAYS_MAX));
    if until.is_some_and(|day| day <= today || day > last) {
        let (de, en) = (
            format!("Bitte geben Sie einen Tag nach heute an, höchstens {ASIDE_DAYS_MAX} Tage voraus."),
            format!("Please give a day after today, at most {ASIDE_DAYS_MAX} days ahead."),
        );
        return Err(Rejection::Invalid(vec![Problem { path: Path::new(["until"]), message: Text::new(de, en) }]));
    }
    // it lies open already: there is nothing to write
    if until.is_none() && task.claimed.is_some_and(|claimed| claimed.again.is_none()) {
        return Ok(());
    }
    let note = if until.is_some() { note } else { String::new() };
    sheet.emit(Event::TaskDeferred(TaskDeferred { number: task.opened.number, by, until, note }));
    Ok(())
}

pub(crate) fn open(sheet: &Sheet<'_>, number: u32) -> Result<Task, Rejection> {
    let task = sheet.run.tasks.get(&number).filter(|task| task.state == TaskState::Open).cloned();
    task.ok_or_else(|| Rejection::stale("Diese Aufgabe ist nicht (mehr) offen.", "This task is not open (any more)."))
}

/// Who may answer at all, whatever was permitted: of a question to the applicant she herself, and the staff once it was asked, too;
/// of anything else a person who is signed in.
pub(crate) fn by_whom(sheet: &Sheet<'_>, task: &Task, by: &Caller) -> Result<(), Rejection> {
    if task.opened.assign.applicant && sheet.run.applicant().is_some_and(|applicant| applicant.subject == by.subject) {
        return Ok(());
    }
    by_hand(by)?;
    not_hers_alone(task)
}

/// Of a question to the applicant: whether others are asked by now, too.
fn not_hers_alone(task: &Task) -> Result<(), Rejection> {
    let assign = &task.opened.assign;
    if assign.applicant && assign.groups.is_empty() { Err(Rejection::Denied(only_applicant())) } else { Ok(()) }
}

/// Whatever a task asks for, a person asks it of a person.
pub(crate) fn by_hand(by: &Caller) -> Result<(), Rejection> {
    if by.is_interactive() {
        return Ok(());
    }
    Err(Rejection::Denied(Decision::deny(
        "gate.interactive",
        "Diese Aufgabe erledigt nur ein Mensch, der selbst angemeldet ist; kein Schlüssel und kein Programm.",
        "Only a person who is signed in completes this task; no key and no program.",
    )))
}

/// Whether nobody else has it in hand, but the one she stands in for. A question to the applicant stays hers to answer.
pub(crate) fn free(task: &Task, by: &Caller, stands_for: Option<&Caller>) -> Result<(), Rejection> {
    match &task.claimed {
        Some(claimed) if stands_for.is_some_and(|other| other.subject == claimed.by.subject) => Ok(()),
        Some(claimed) if !by.is_applicant() && claimed.by.subject != by.subject => {
            let name = &claimed.by.name;
            Err(Rejection::Stale(Text::new(
                format!("Diese Aufgabe hat {name} übernommen. Wer sie an sich nimmt, nennt einen Grund."),
                format!("{name} has taken this task. Whoever takes it over gives a reason."),
            )))
        }
        _ => Ok(()),
    }
}
