//! Which values are texts written in Markdown: those made from a file of the process whose name ends in `.md`, wherever such a value is
//! passed on as it is. Of anything else nobody knows, and its lines stay as they are.

use laufzettel_domain::Path;
use laufzettel_process::{Process, expression::Template, model::StepKind};

use super::{Matter, lone};
use crate::origin::part;

/// Steps followed back at most.
const HOPS_MAX: usize = 16;

impl Matter<'_> {
    pub(super) fn is_letter(&self, template: &Template) -> bool {
        written(self.process(), template, 0)
    }
}

/// The same of what whoever applied gets under this name.
pub fn is_received_letter(process: &Process, name: &str) -> bool {
    process.applicant.receives.iter().any(|(known, template)| known == name && written(process, template, 0))
}

fn written(process: &Process, template: &Template, hops: usize) -> bool {
    if hops > HOPS_MAX {
        return false;
    }
    let rendered = match template {
        Template::Expression(expression) => expression.analysis.renders.iter().any(|file| file.ends_with(".md")),
        _ => false,
    };
    rendered || lone(template).is_some_and(|path| written_at(process, path, hops + 1))
}

fn written_at(process: &Process, path: &Path, hops: usize) -> bool {
    let Some(step) = path.step().and_then(|id| process.steps.get(id)) else { return false };
    match (&step.kind, step.below(path)) {
        (StepKind::Set(template), below) => written(process, part(template, below), hops),
        (StepKind::Human(human), [shown, name]) if shown == "shown" => human.show.get(name).is_some_and(|template| written(process, template, hops)),
        _ => false,
    }
}
