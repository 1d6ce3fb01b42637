//! How long what a run wrote is kept, and what of it outlives its contents. Pure: erases nothing, knows no clock.

use jiff::{Timestamp, tz::TimeZone};
use laufzettel_domain::{Caller, Value};
use laufzettel_process::{Process, model::StepKind};
use serde::Deserialize as _;

/// When the contents of an ended run go, and when all of it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub contents_until: Timestamp,
    pub records_until: Timestamp,
}

/// Both dates of a run that ended then, by the calendar of the tenant's zone. What is past its `vorgang` has no contents either.
pub fn kept(process: &Process, ended_at: Timestamp, zone: &TimeZone) -> Kept {
    let (contents, records) = (process.aufbewahrung.inhalte.after(ended_at, zone), process.aufbewahrung.vorgang.after(ended_at, zone));
    Kept { contents_until: contents.min(records), records_until: records }
}

/// Whether the content of a record is a *Beleg*, kept as long as the run itself: what a person decided, and what a decision table
/// computed from which inputs. Of a process that does not read any more (`None`) every step's value may be one.
pub fn is_beleg(process: Option<&Process>, kind: &str, body: &Value) -> bool {
    match kind {
        // what an applicant answered she handed in, as her input; it decides nothing
        "task.completed" => !body.get("by").and_then(|by| Caller::deserialize(by).ok()).is_some_and(|by| by.is_applicant()),
        "step.completed" => {
            let Some(process) = process else { return true };
            let step = body.get("step").and_then(Value::as_str);
            step.is_some_and(|id| process.steps.iter().any(|(known, step)| known.as_str() == id && matches!(step.kind, StepKind::Rules(_))))
        }
        _ => false,
    }
}
