//! What a trigger that looks for something found, could not take, or could not look at.

use laufzettel_domain::Value;

use super::word;

pub(super) const KINDS: [&str; 7] =
    ["input.refused", "input.repeated", "trigger.failed", "trigger.recovered", "trigger.polled", "trigger.passing", "trigger.caught_up"];

pub(super) fn sentence(kind: &str, body: &Value) -> (String, String) {
    let (process, place) = (word(body, "/process"), word(body, "/place"));
    let (of, of_en) = match word(body, "/trigger") {
        "folder" => ("der Ordner", "the folder"),
        "mail" => ("das Postfach", "the mailbox"),
        "poll" => ("das Werkzeug", "the tool"),
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
            // an entry of a tool stays where it is
            let (aside, aside_en) = if word(body, "/trigger") == "poll" { ("", "") } else { (" und liegt beiseite", " and was put aside") };
            (
                format!("Was für {process} ankam ({of} {place}), konnte nicht angenommen werden{aside}.{which}"),
                format!("what came for {process} ({of_en} {place}) could not be taken{aside_en}.{which_en}"),
            )
        }
        "input.repeated" => (
            format!("Was für {process} ankam ({of} {place}), gehört schon zum Vorgang {}; es beginnt kein zweiter.", word(body, "/run")),
            format!("what came for {process} ({of_en} {place}) is the run {} already; no second one begins.", word(body, "/run")),
        ),
        "trigger.polled" => {
            let (begun, entries) = (&body["begun"], &body["entries"]);
            (
                format!("{process}: {of} {place} nennt {entries} Einträge; neu begonnene Vorgänge: {begun}."),
                format!("{process}: {of_en} {place} lists {entries} entries; runs newly begun: {begun}."),
            )
        }
        "trigger.passing" => (
            format!(
                "{process}: Nach einer Wiederherstellung wird, was {of} {place} jetzt nennt, nicht begonnen: Was davon schon begonnen hatte, ist nicht bekannt."
            ),
            format!("{process}: after a restore, what {of_en} {place} lists now is not begun: which of it had begun is not known."),
        ),
        "trigger.caught_up" => (
            format!("{process}: {of} {place} nennt nichts Unbekanntes mehr; was von nun an dazukommt, wird begonnen."),
            format!("{process}: {of_en} {place} lists nothing unknown any more; what is added from now on is begun."),
        ),
        "trigger.failed" => (
            format!("{process}: {of} {place} lässt sich nicht ansehen. {}", word(body, "/reason/de")),
            format!("{process}: {of_en} {place} cannot be looked at. {}", word(body, "/reason/en")),
        ),
        _ => (format!("{process}: {of} {place} lässt sich wieder ansehen."), format!("{process}: {of_en} {place} can be looked at again.")),
    }
}
