//! A run as expressions see it.

use laufzettel_domain::{Slot, Value};
use laufzettel_process::{
    Process,
    expression::{Expression, Part, Scope, StepStatus},
};

use crate::{
    context::Context,
    run::{Run, StepState},
};

pub fn scope<'v>(process: &'v Process, context: &'v Context, run: &'v Run) -> Scope<'v> {
    let mut scope = Scope { zeitzone: &context.zeitzone, templates: Some(&process.templates), ..Scope::default() };
    scope.roots.insert("input", &run.input);
    scope.roots.insert("run", &run.facts);
    for (id, state) in &run.steps {
        let status = match state {
            StepState::Completed { value, .. } => {
                scope.steps.insert(id.as_str(), value);
                StepStatus::default()
            }
            StepState::Skipped { .. } => StepStatus { skipped: true, ..StepStatus::default() },
            StepState::Failed { message, .. } => StepStatus { failed: true, error: message.clone(), ..StepStatus::default() },
            StepState::Active => StepStatus::default(),
        };
        scope.status.insert(id.as_str(), status);
    }
    scope
}

/// The same with `item` and `index`: of an item of `each`.
pub fn with_item<'v>(mut scope: Scope<'v>, run: &'v Run, slot: &Slot) -> Scope<'v> {
    let place = usize::try_from(slot.item).ok().and_then(|item| item.checked_sub(1));
    if let Some(element) = place.and_then(|place| run.lists.get(&slot.step)?.get(place)) {
        scope.roots.insert("item", &element.item);
        scope.roots.insert("index", &element.index);
    }
    scope
}

/// The same with `result` in scope: for `end_if` and `undo`.
pub fn with_result<'v>(mut scope: Scope<'v>, result: &'v Value) -> Scope<'v> {
    scope.roots.insert("result", result);
    scope
}

/// The parts of a text as it would come out of this expression by now. `slot`: whose text it is, if it is a step's. Whoever shows a text that
/// is on record compares: a step may have been done anew since.
pub fn written(process: &Process, context: &Context, run: &Run, slot: Option<&Slot>, expression: &Expression) -> Option<Vec<Part>> {
    let scope = scope(process, context, run);
    expression.written(&match slot {
        Some(slot) => with_item(scope, run, slot),
        None => scope,
    })
}
