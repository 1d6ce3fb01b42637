//! `set`: expressions only.

use std::collections::BTreeSet;

use laufzettel_domain::Slot;
use laufzettel_process::{expression::Template, model::FailureClass};

use crate::{decide::Sheet, labels};

pub(crate) fn begin(sheet: &mut Sheet<'_>, slot: &Slot, template: &Template) {
    match template.evaluate(&sheet.scope_of(slot)) {
        Ok(value) => {
            let tree = sheet.labels().of_set(&slot.step, template);
            let reads: BTreeSet<_> = labels::reads([template]);
            sheet.complete(slot, value, tree, reads);
        }
        Err(error) => sheet.fail(slot, FailureClass::Invalid, error.to_string()),
    }
}
