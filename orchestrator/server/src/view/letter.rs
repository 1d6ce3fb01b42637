//! Which values are texts written in Markdown: those made from a file of the process whose name ends in `.md`, wherever such a value is
//! passed on as it is. Of anything else nobody knows, and its lines stay as they are.

use laufzettel_domain::Path;
use laufzettel_process::{Process, expression::Template, model::StepKind};

use super::{Matter, lone};
use crate::origin::part;

/// Steps followed back at most.
const HOPS_MAX: usize = 16;

impl Matter<'_> {
    /// The template it is written by, if it is one.
    pub(super) fn letter(&self, template: &Template) -> Option<String> {
        written(self.process(), template, 0)
    }
}

/// The same of what whoever applied gets under this name.
pub fn received_letter(process: &Process, name: &str) -> Option<String> {
    process.applicant.receives.iter().find(|(known, _)| *known == name).and_then(|(_, template)| written(process, template, 0))
}

fn written(process: &Process, template: &Template, hops: usize) -> Option<String> {
    if hops > HOPS_MAX {
        return None;
    }
    let rendered: Vec<&str> = match template {
        Template::Expression(expression) => {
            let files = expression.analysis.renders.iter().filter(|file| file.ends_with(".md"));
            files.filter_map(|file| process.files.get(file).map(String::as_str)).collect()
        }
        _ => Vec::new(),
    };
    if rendered.is_empty() { lone(template).and_then(|path| written_at(process, path, hops + 1)) } else { Some(rendered.join("\n")) }
}

fn written_at(process: &Process, path: &Path, hops: usize) -> Option<String> {
    let step = path.step().and_then(|id| process.steps.get(id))?;
    match (&step.kind, step.below(path)) {
        (StepKind::Set(template), below) => written(process, part(template, below), hops),
        (StepKind::Human(human), [shown, name]) if shown == "shown" => human.show.get(name).and_then(|template| written(process, template, hops)),
        _ => None,
    }
}
