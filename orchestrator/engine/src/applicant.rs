//! What whoever applied may wish of her own run: to take it back, and to hand in what nobody asked for. Refuses everybody else, whatever
//! right she holds, and everything once the run has come to its end.

use laufzettel_domain::{Caller, Kategorie, Path, Text, Value, file::File};
use laufzettel_policy::Decision;
use laufzettel_process::{Process, applicant::Withdraw, schema::Problem};

use crate::{
    command::Rejection,
    decide::Sheet,
    event::{Event, FileAdded},
    run::{Ending, Run, StepState},
};

/// Files of one run that nobody asked for: whoever has more to show than twenty is better asked for it.
pub const ADDED_MAX: usize = 20;
/// Bytes of all of them together (64 MiB: two of the largest a run takes).
pub const ADDED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Characters of a reason, and of what is said of a file: two sentences.
pub const NOTE_CHARS_MAX: usize = 500;

/// Whether she may withdraw now, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawable {
    Yes,
    /// The process does not let her.
    Never,
    /// The step that decides is done.
    Decided,
    /// It ends already, or has ended.
    Over,
}

pub fn withdrawable(process: &Process, run: &Run) -> Withdrawable {
    if run.ending.is_some() || run.ended.is_some() {
        return Withdrawable::Over;
    }
    match &process.applicant.withdraw {
        Withdraw::Always => Withdrawable::Yes,
        Withdraw::Never => Withdrawable::Never,
        Withdraw::Until(step) if matches!(run.steps.get(step), Some(StepState::Completed { .. })) => Withdrawable::Decided,
        Withdraw::Until(_) => Withdrawable::Yes,
    }
}

pub(crate) fn withdraw(sheet: &mut Sheet<'_>, by: Caller, reason: String) -> Result<(), Rejection> {
    hers(sheet, &by)?;
    bounded(&reason, "grund")?;
    match withdrawable(sheet.process, &sheet.run) {
        Withdrawable::Yes => {}
        Withdrawable::Never => {
            return Err(Rejection::stale("Dieser Antrag lässt sich hier nicht zurückziehen.", "This application cannot be withdrawn here."));
        }
        Withdrawable::Decided => {
            return Err(Rejection::stale("Über den Antrag ist schon entschieden.", "The application has been decided already."));
        }
        Withdrawable::Over => return Err(Rejection::stale("Der Vorgang endet gerade.", "The run is ending already.")),
    }
    sheet.end(Ending::Cancelled, Some(by), None, reason);
    Ok(())
}

pub(crate) fn add(sheet: &mut Sheet<'_>, by: Caller, file: &File, note: String) -> Result<(), Rejection> {
    hers(sheet, &by)?;
    bounded(&note, "hinweis")?;
    if sheet.run.ending.is_some() {
        return Err(Rejection::stale("Der Vorgang endet gerade.", "The run is ending already."));
    }
    let bytes: u64 = sheet.run.added.iter().filter_map(|added| File::from_value(&added.file)).map(|file| file.size).sum();
    if sheet.run.added.len() >= ADDED_MAX || bytes.saturating_add(file.size) > ADDED_BYTES_MAX {
        let mib = ADDED_BYTES_MAX / (1024 * 1024);
        let message = Text::new(
            format!("Mehr nehmen wir auf diesem Weg nicht an (höchstens {ADDED_MAX} Dateien, zusammen {mib} MB)."),
            format!("We take no more in this way ({ADDED_MAX} files, {mib} MB together at most)."),
        );
        return Err(Rejection::Invalid(vec![Problem { path: Path::new(["datei"]), message }]));
    }
    let file = serde_json::to_value(file).map_err(|_| Rejection::stale("Diese Datei lässt sich nicht beschreiben.", "This file cannot be described."))?;
    sheet.emit(Event::FileAdded(FileAdded { by, file, note }));
    Ok(())
}

/// Why she does not get what the process says she gets: it is no text and no file, or of kinds of data that are not hers to see; a pattern
/// may have raised them since the proof.
pub(crate) fn withheld(sheet: &Sheet<'_>, name: &str, value: &Value) -> Option<String> {
    if !value.is_string() && File::from_value(value).is_none() {
        return Some(format!("„{name}“ bekam die antragstellende Person nicht: es ist weder ein Text noch eine Datei."));
    }
    let (_, template) = sheet.process.applicant.receives.iter().find(|(known, _)| known == name)?;
    let foreign: Vec<&str> = sheet.labels().beyond_applicant(template).into_iter().map(Kategorie::as_str).collect();
    (!foreign.is_empty()).then(|| format!("„{name}“ bekam die antragstellende Person nicht: {} gehört nicht zu ihren Daten.", foreign.join(", ")))
}

/// She and nobody else: neither another applicant nor somebody of the house.
fn hers(sheet: &Sheet<'_>, by: &Caller) -> Result<(), Rejection> {
    match sheet.run.applicant() {
        Some(applicant) if applicant.subject == by.subject => Ok(()),
        _ => Err(Rejection::Denied(Decision::deny(
            "applicant",
            "Das kann nur, wer den Antrag gestellt hat, auf der Statusseite dieses Vorgangs.",
            "Only whoever applied can do this, on the status page of this run.",
        ))),
    }
}

fn bounded(text: &str, field: &str) -> Result<(), Rejection> {
    if text.chars().count() <= NOTE_CHARS_MAX {
        return Ok(());
    }
    let message = Text::new(format!("Höchstens {NOTE_CHARS_MAX} Zeichen."), format!("{NOTE_CHARS_MAX} characters at most."));
    Err(Rejection::Invalid(vec![Problem { path: Path::new([field]), message }]))
}
