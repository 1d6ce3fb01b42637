//! Which values are texts written in Markdown: those made from a file of the process whose name ends in `.md`, wherever such a value is
//! passed on as it is. Of anything else nobody knows, and its lines stay as they are.

use laufzettel_domain::{Slot, StepId};
use laufzettel_engine::written;
use laufzettel_process::{
    Process,
    expression::{Expression, Part, Template},
    model::StepKind,
};
use laufzettel_worker::Loaded;

use super::{Matter, lone};
use crate::origin::part;

/// Steps followed back at most.
const HOPS_MAX: usize = 16;

impl Matter<'_> {
    /// The parts it is written in, if it is a letter. `slot`: whose value it is.
    pub(super) fn letter(&self, template: &Template, slot: Slot) -> Option<Vec<Part>> {
        parts(self.loaded, template, Some(slot))
    }
}

/// The same of what whoever applied gets under this name.
pub fn received_letter(loaded: &Loaded, name: &str) -> Option<Vec<Part>> {
    let (_, template) = loaded.prepared.process.applicant.receives.iter().find(|(known, _)| *known == name)?;
    parts(loaded, template, None)
}

fn parts(loaded: &Loaded, template: &Template, slot: Option<Slot>) -> Option<Vec<Part>> {
    let process = &loaded.prepared.process;
    let (expression, slot) = source(process, template, slot, 0)?;
    written(process, &loaded.prepared.context, &loaded.run, slot.as_ref(), expression)
}

/// The expression it was made by, wherever it is passed on, and whose it is.
fn source<'p>(process: &'p Process, template: &'p Template, slot: Option<Slot>, hops: usize) -> Option<(&'p Expression, Option<Slot>)> {
    match template {
        Template::Expression(expression) if expression.is_written() => return Some((expression, slot)),
        _ if hops >= HOPS_MAX => return None,
        _ => {}
    }
    let path = lone(template)?;
    let id = path.step()?;
    let step = process.steps.get(id)?;
    let before = match (&step.kind, step.below(path)) {
        (StepKind::Set(template), below) => part(template, below),
        (StepKind::Human(human), [shown, name]) if shown == "shown" => human.show.get(name)?,
        _ => return None,
    };
    source(process, before, StepId::parse(id).map(Slot::of), hops + 1)
}
