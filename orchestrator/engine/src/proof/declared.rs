//! The declared label of every step's value, in the order of the graph: whatever way a run takes, its labels are no stricter.

use std::collections::BTreeMap;

use laufzettel_domain::{Label, StepId};
use laufzettel_process::{
    Process,
    model::{OnError, Step},
};

use crate::{
    context::Context,
    labels::{Declared, Known, Labels, Source},
};

pub fn declared(process: &Process, context: &Context, input: Source<'_>) -> BTreeMap<StepId, Declared> {
    let mut known = BTreeMap::new();
    let mut skips: BTreeMap<&StepId, Label> = BTreeMap::new();
    for id in &process.order {
        let step = &process.steps[id];
        let labels = Labels { process, context, known: Known::Declared(&known), input, reader: Some(step) };
        let mut tree = labels.of_value(step);
        let skipped = skipped(labels, step, &skips);
        if let Some(skip) = &skipped {
            skips.insert(id, skip.clone());
        }
        if step.on_error == OnError::Continue {
            tree = tree.raise(&labels.of_failed(step));
        }
        known.insert(id.clone(), Declared { tree, skipped });
    }
    known
}

/// What being skipped would tell, if the step can be: by its own condition, or by that of a step it needs.
fn skipped(labels: Labels<'_>, step: &Step, skips: &BTreeMap<&StepId, Label>) -> Option<Label> {
    let inherited = step.needs.iter().filter(|(_, optional)| !**optional).filter_map(|(need, _)| skips.get(need).cloned());
    let own = step.condition.as_ref().map(|_| labels.of_condition(&step.id));
    let repaired = (step.on_error == OnError::Human).then(|| labels.of_failed(step));
    let causes: Vec<Label> = inherited.chain(own).chain(repaired).map(|cause| labels.of_skipped(step, &cause)).collect();
    (!causes.is_empty()).then(|| Label::join_all(&causes))
}
