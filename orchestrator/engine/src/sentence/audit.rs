//! Who looked through the journal, what a check of it found, and what was put together of a person: never whom it was about.

use laufzettel_domain::Value;

use super::{listed, word};

pub(super) const KINDS: [&str; 3] = ["audit.viewed", "audit.verified", "subject.reported"];

pub(super) fn sentence(kind: &str, body: &Value) -> (String, String) {
    let by = word(body, "/by/name");
    if kind == "audit.viewed" {
        let run = body.get("run").and_then(Value::as_str).map(|run| (format!(" zum Vorgang {run}"), format!(" about the run {run}"))).unwrap_or_default();
        let filter = listed(body, "filter");
        let (by_de, by_en) = if filter.is_empty() { Default::default() } else { (format!(" Gesucht nach: {filter}."), format!(" Filtered by: {filter}.")) };
        return (format!("{by} hat das Protokoll{} angesehen.{by_de}", run.0), format!("{by} looked at the journal{}.{by_en}", run.1));
    }
    if kind == "subject.reported" {
        let (fields, reason) = (listed(body, "fields"), word(body, "/reason"));
        let runs = body.get("runs").and_then(Value::as_array).map_or(0, Vec::len);
        return (
            format!("{by} hat eine Auskunft nach Art. 15 DSGVO erstellt, {runs} Vorgänge, gesucht nach: {fields}. Grund: {reason}"),
            format!("{by} made a report under Art. 15 GDPR, {runs} runs, looked for by: {fields}. Reason: {reason}"),
        );
    }
    let (records, place) = (&body["records"], word(body, "/record"));
    match word(body, "/verdict") {
        "intact" => (
            format!("{by} hat das Protokoll nachgerechnet: unversehrt und verankert, {records} Einträge."),
            format!("{by} recomputed the journal: intact and anchored, {records} records."),
        ),
        "not_anchored" => (
            format!("{by} hat das Protokoll nachgerechnet: unversehrt, aber nicht verankert nach {}; {records} Einträge.", listed(body, "beyond")),
            format!("{by} recomputed the journal: intact, but not anchored beyond {}; {records} records.", listed(body, "beyond")),
        ),
        _ => (
            format!("{by} hat das Protokoll nachgerechnet: GEBROCHEN bei Eintrag {place} ({}).", word(body, "/what")),
            format!("{by} recomputed the journal: BROKEN at record {place} ({}).", word(body, "/what")),
        ),
    }
}
