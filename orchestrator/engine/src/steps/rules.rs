//! `rules`: a decision table over versioned rows; the row that spoke stands in the value.

use laufzettel_domain::{Slot, Value};
use laufzettel_policy::Labelled;
use laufzettel_process::model::{FailureClass, Rules};

use crate::{
    decide::{By, Sheet},
    labels,
};

pub(crate) fn begin(sheet: &mut Sheet<'_>, slot: &Slot, rules: &Rules) {
    let scope = sheet.scope_of(slot);
    let with: Result<serde_json::Map<String, Value>, _> =
        rules.with.iter().map(|(name, template)| template.evaluate(&scope).map(|v| (name.clone(), v))).collect();
    let with = match with {
        Ok(map) => Value::Object(map),
        Err(error) => return sheet.fail(slot, FailureClass::Invalid, error.to_string()),
    };
    let today = sheet.context.day(sheet.run.started_at);
    match rules.table.decide(&with, today, &sheet.context.zeitzone) {
        Ok(value) => {
            let label = sheet.labels().of_rules(&slot.step, rules);
            let reads = labels::reads(rules.with.values());
            sheet.completed(slot, By::Table(with), value, Labelled::all(label), reads);
        }
        Err(error) => sheet.fail(slot, FailureClass::Invalid, error.to_string()),
    }
}
