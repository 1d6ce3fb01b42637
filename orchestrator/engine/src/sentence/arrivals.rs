//! What a trigger that looks for something found, could not take, or could not look at.

use laufzettel_domain::Value;

use super::word;

pub(super) const KINDS: [&str; 4] = ["input.refused", "input.repeated", "trigger.failed", "trigger.recovered"];

pub(super) fn sentence(kind: &str, body: &Value) -> (String, String) {
    let (process, place) = (word(body, "/process"), word(body, "/place"));
    let (of, of_en) = match word(body, "/trigger") {
        "folder" => ("der Ordner", "the folder"),
        "mail" => ("das Postfach", "the mailbox"),
        other => (other, other),
    };
    match kind {
        "input.refused" => {
            let fields = super::listed(body, "fields");
            let (which, which_en) = if fields.is_empty() {
                Default::default()
            } else {
                (format!(" Felder, die nicht passen: {fields}."), format!(" Fields that do not fit: {fields}."))
            };
            (
                format!("Was für {process} ankam ({of} {place}), konnte nicht angenommen werden und liegt beiseite.{which}"),
                format!("what came for {process} ({of_en} {place}) could not be taken and was put aside.{which_en}"),
            )
        }
        "input.repeated" => (
            format!("Was für {process} ankam ({of} {place}), gehört schon zum Vorgang {}; es beginnt kein zweiter.", word(body, "/run")),
            format!("what came for {process} ({of_en} {place}) is the run {} already; no second one begins.", word(body, "/run")),
        ),
        "trigger.failed" => (
            format!("{process}: {of} {place} lässt sich nicht ansehen. {}", word(body, "/reason/de")),
            format!("{process}: {of_en} {place} cannot be looked at. {}", word(body, "/reason/en")),
        ),
        _ => (format!("{process}: {of} {place} lässt sich wieder ansehen."), format!("{process}: {of_en} {place} can be looked at again.")),
    }
}
