//! `rules`: a decision table over versioned rows; the row that spoke stands in the value.

use laufzettel_domain::{Label, StepId, Trust, Value};
use laufzettel_policy::Labelled;
use laufzettel_process::model::{FailureClass, Rules};

use crate::{decide::Sheet, labels};

pub(crate) fn begin(sheet: &mut Sheet<'_>, id: &StepId, rules: &Rules) {
    let scope = sheet.scope();
    let with: Result<serde_json::Map<String, Value>, _> =
        rules.with.iter().map(|(name, template)| template.evaluate(&scope).map(|v| (name.clone(), v))).collect();
    let with = match with {
        Ok(map) => Value::Object(map),
        Err(error) => return sheet.fail(id, FailureClass::Invalid, error.to_string()),
    };
    let today = sheet.run.started_at.to_zoned(sheet.context.zone()).date();
    match rules.table.decide(&with, today, &sheet.context.zeitzone) {
        Ok(value) => {
            let label = label(sheet, id, rules);
            let reads = labels::reads(rules.with.values());
            sheet.complete(id, value, Labelled::all(label), reads);
        }
        Err(error) => sheet.fail(id, FailureClass::Invalid, error.to_string()),
    }
}

/// Constants chosen by values that are at least inert are the author's own words.
fn label(sheet: &Sheet<'_>, id: &StepId, rules: &Rules) -> Label {
    let labels = sheet.labels();
    let arguments = rules.with.values().fold(Label::default(), |label, t| label.join(&labels.of_template(t)));
    let trust = if rules.table.is_constant() && arguments.trust >= Trust::Inert { Trust::Trusted } else { arguments.trust };
    arguments.join(&labels.of_condition(id)).with_trust(trust)
}
