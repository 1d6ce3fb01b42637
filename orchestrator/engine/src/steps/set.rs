//! `set`: expressions only.

use std::collections::BTreeSet;

use laufzettel_domain::StepId;
use laufzettel_process::{expression::Template, model::FailureClass};

use crate::{decide::Sheet, labels};

pub(crate) fn begin(sheet: &mut Sheet<'_>, id: &StepId, template: &Template) {
    match template.evaluate(&sheet.scope()) {
        Ok(value) => {
            let tree = sheet.labels().of_set(id, template);
            let reads: BTreeSet<_> = labels::reads([template]);
            sheet.complete(id, value, tree, reads);
        }
        Err(error) => sheet.fail(id, FailureClass::Invalid, error.to_string()),
    }
}
