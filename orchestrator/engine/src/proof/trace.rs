//! Where a value comes from: the ways from each source to a place, for a finding's words and for the table of flows.

use std::collections::BTreeMap;

use laufzettel_domain::{Label, Path};
use laufzettel_process::{
    expression::Template,
    model::{Step, StepKind},
};

use crate::labels::{Labels, is_foreign_text, part};

/// One way. `hops[0]` is the source, the last hop the place nearest to where it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    pub hops: Vec<String>,
    /// Of the source.
    pub label: Label,
    /// The source is a tool whose result has no declared form here.
    pub untyped: bool,
}

/// Sources told of one place: far more than a file of 256 KiB reads in practice; beyond, a last one says so.
const SOURCES_MAX: usize = 4_096;
/// In place of the sources that are not told.
const MORE: &str = "…";
/// Hops of one way: a longer one is cut at its far end.
const HOPS_MAX: usize = 64;

pub struct Tracer<'l> {
    labels: Labels<'l>,
    known: BTreeMap<String, Vec<Trace>>,
}

impl<'l> Tracer<'l> {
    pub fn new(labels: Labels<'l>) -> Self {
        Self { labels, known: BTreeMap::new() }
    }

    pub fn of(&mut self, template: &Template) -> Vec<Trace> {
        self.template(template, 0)
    }

    /// Of an undo, which reads the step's own value as `result`.
    pub fn of_undo(&mut self, template: &Template, step: &Step) -> Vec<Trace> {
        let element = step.each.as_ref().map(|_| Path::EACH.to_owned());
        let value = |path: &Path| {
            let of = ["steps", step.id.as_str()].map(str::to_owned).into_iter().chain(element.clone());
            of.chain(path.0[1..].iter().cloned()).collect()
        };
        self.asked(template, 0, |path| Some(if path.root() == "result" { Path(value(&path)) } else { path }))
    }

    fn template(&mut self, template: &Template, depth: usize) -> Vec<Trace> {
        self.asked(template, depth, Some)
    }

    /// What a template reads, and the steps it only asks after; `place` says where a path lies, if it tells of anything else.
    fn asked(&mut self, template: &Template, depth: usize, place: impl Fn(Path) -> Option<Path>) -> Vec<Trace> {
        let mut all = Vec::new();
        for analysis in template.expressions().into_iter().map(|expression| &expression.analysis) {
            let asked = analysis.asked.iter().map(|step| Path::new(["steps", step.as_str()]));
            for path in analysis.paths().into_iter().filter_map(&place).chain(asked) {
                merge(&mut all, self.path(&path, depth));
            }
        }
        all
    }

    fn path(&mut self, path: &Path, depth: usize) -> Vec<Trace> {
        let source = |label| vec![Trace { hops: vec![path.to_string()], label, untyped: false }];
        let Some(step) = path.step().and_then(|id| self.labels.process.steps.get(id)) else { return source(self.labels.of_path(path)) };
        if depth >= HOPS_MAX {
            return source(self.labels.of_path(path));
        }
        let key = path.to_string();
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let mut found = self.step(step, path, depth + 1);
        let each = step.each.iter().map(|each| ("each", &each.list));
        let repeat = step.repeat.iter().map(|repeat| ("repeat", &repeat.until));
        for (key, asked) in step.condition.iter().map(|condition| ("if", condition)).chain(each).chain(repeat) {
            let own = |path: Path| if path.root() == "result" { None } else { Some(path) };
            let asked = self.asked(&Template::Expression(Box::new(asked.clone())), depth + 1, own);
            merge(&mut found, hop(asked, &format!("steps.{}.{key}", step.id)));
        }
        let found = if found.is_empty() { source(self.labels.of_path(path)) } else { hop(found, &key) };
        self.known.insert(key, found.clone());
        found
    }

    fn step(&mut self, step: &Step, path: &Path, depth: usize) -> Vec<Trace> {
        let below = step.below(path);
        match &step.kind {
            StepKind::Set(template) => self.template(part(template, below), depth),
            StepKind::Human(human) => match (below.first().map(String::as_str), below.get(1).and_then(|name| human.show.get(name))) {
                (Some("shown"), Some(shown)) => self.template(part(shown, &below[2..]), depth),
                (Some("shown"), None) => self.parts(step, depth),
                (Some(field), _) if human.vorschlag.contains_key(field) || human.auswahl.contains_key(field) => {
                    let mut all = vec![Trace { hops: vec![path.to_string()], label: self.labels.of_path(path), untyped: false }];
                    for template in [&human.vorschlag, &human.auswahl].into_iter().filter_map(|of| of.get(field)) {
                        merge(&mut all, self.template(template, depth));
                    }
                    all
                }
                _ => vec![Trace { hops: vec![path.to_string()], label: self.labels.of_path(path), untyped: false }],
            },
            StepKind::Tool(call) => {
                let mut all = vec![self.result(step, &call.name())];
                merge(&mut all, self.parts(step, depth));
                all
            }
            StepKind::Wait(wait) if wait.event().is_some() => {
                let name = wait.event().map(|event| event.name.as_str()).unwrap_or_default();
                let mut all = vec![Trace { hops: vec![format!("steps.{} [{name}]", step.id)], label: self.labels.of_path(path), untyped: false }];
                merge(&mut all, self.parts(step, depth));
                all
            }
            StepKind::Process(call) => {
                let mut all = vec![Trace { hops: vec![format!("steps.{} [{}]", step.id, call.name)], label: self.labels.of_path(path), untyped: false }];
                merge(&mut all, self.parts(step, depth));
                all
            }
            StepKind::Agent(agent) => {
                let mut all: Vec<Trace> = agent.tools.iter().map(|tool| self.result(step, &tool.call.name())).collect();
                merge(&mut all, self.parts(step, depth));
                all
            }
            StepKind::Rules(_) | StepKind::Model(_) | StepKind::Wait(_) => self.parts(step, depth),
        }
    }

    /// What the tool itself brings into the house.
    fn result(&self, step: &Step, name: &str) -> Trace {
        let typed = self.labels.context.types.steps.get(&step.id).is_some_and(|schema| schema.root.is_object());
        Trace { hops: vec![format!("steps.{} [{name}]", step.id)], label: self.labels.of_yields(name), untyped: !typed && !is_foreign_text(name) }
    }

    fn parts(&mut self, step: &Step, depth: usize) -> Vec<Trace> {
        let mut all = Vec::new();
        for (key, template) in step.kind.templates() {
            let key = key.replace("model.", "").replace("agent.", "").replace("wait.", "").replace("rules.", "").replace("human.", "");
            let found = self.template(template, depth);
            merge(&mut all, hop(found, &format!("steps.{}.{key}", step.id)));
        }
        all
    }
}

fn hop(mut traces: Vec<Trace>, name: &str) -> Vec<Trace> {
    for trace in &mut traces {
        if trace.hops.last().is_none_or(|last| last != name) && trace.hops.len() < HOPS_MAX {
            trace.hops.push(name.to_owned());
        }
    }
    traces
}

/// One way a source is enough: the first found.
fn merge(all: &mut Vec<Trace>, more: Vec<Trace>) {
    for trace in more {
        if all.len() > SOURCES_MAX || all.iter().any(|known| known.hops[0] == trace.hops[0]) {
            continue;
        }
        // whoever reads the table must see that it ends here
        let more = Trace { hops: vec![MORE.to_owned()], label: Label::strictest(), untyped: false };
        all.push(if all.len() == SOURCES_MAX { more } else { trace });
    }
}

/// `input.halter.iban (hoch, steuerdaten) → steps.a.data.antrag`
pub fn words(trace: &Trace, sink: &str) -> String {
    let mut hops = trace.hops.clone();
    if let Some(first) = hops.first_mut() {
        *first = format!("{first} ({})", trace.label);
    }
    if hops.len() > 6 {
        hops.splice(2..hops.len() - 3, ["…".to_owned()]);
    }
    hops.push(sink.to_owned());
    hops.join(" → ")
}
