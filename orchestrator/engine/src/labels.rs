//! The labels of values at run time: the same joins over the same reads as the static proof.

use std::collections::BTreeSet;

use laufzettel_domain::{Kategorie, Label, Path, Schutzbedarf, StepId, Trust, Value};
use laufzettel_policy::{Labelled, ToolRule};
use laufzettel_process::{
    Process, Types,
    expression::{Expression, Template},
    model::StepKind,
    schema,
};

use crate::{
    context::Context,
    run::{Run, StepState},
};

/// Values longer than this (rendered) were not surely read whole by the person who was shown them.
const SEEN_CHARS_MAX: usize = 500;

/// Tools whose results hold text of documents and mails: untrusted whatever the configuration says.
const FOREIGN_TEXT: [&str; 4] = ["lesen", "text_auslesen", "passagen", "posteingang"];

/// Where labels are looked up.
#[derive(Clone, Copy)]
pub struct Labels<'v> {
    pub process: &'v Process,
    pub context: &'v Context,
    pub run: &'v Run,
}

impl Labels<'_> {
    fn types(&self) -> &Types {
        &self.context.types
    }

    /// The label of one path. A foreign value of a type that cannot carry an instruction is inert.
    pub fn of_path(&self, path: &Path) -> Label {
        let label = match (path.root(), path.step()) {
            (_, Some(step)) => self.of_step(step, &path.0[2..]),
            ("input", None) => self.process.input.label_whole(&path.0[1..], &self.process.default_label(self.run.trust)),
            ("run", None) => of_run(path),
            // `result`: the step's own value, labelled by whoever evaluates it
            _ => Label::strictest(),
        };
        if label.trust == Trust::Untrusted && self.types().at(path).is_some_and(schema::is_inert) {
            return label.with_trust(Trust::Inert);
        }
        label
    }

    fn of_step(&self, step: &str, below: &[String]) -> Label {
        match self.run.steps.get(step) {
            Some(StepState::Completed { labels, .. }) => labels.at(below),
            Some(StepState::Skipped { label, .. } | StepState::Failed { label, .. }) => label.clone(),
            _ => Label::strictest(),
        }
    }

    /// The join over an expression's reads.
    pub fn of_expression(&self, expression: &Expression) -> Label {
        let mut label = Label::default();
        for path in expression.analysis.paths() {
            label = label.join(&self.of_path(&path));
        }
        for step in &expression.analysis.asked {
            label = label.join(&self.of_step(step, &[]).with_trust(Trust::Untrusted));
        }
        if label.trust == Trust::Untrusted && self.types().is_inert(expression) {
            label.trust = Trust::Inert;
        }
        label
    }

    pub fn of_template(&self, template: &Template) -> Label {
        template.expressions().into_iter().fold(Label::default(), |label, e| label.join(&self.of_expression(e)))
    }

    /// Field by field where the value is built field by field.
    pub fn tree(&self, template: &Template) -> Labelled {
        match template {
            Template::Map(map) => Labelled { own: Label::default(), fields: map.iter().map(|(name, inner)| (name.clone(), self.tree(inner))).collect() },
            other => Labelled::all(self.of_template(other)),
        }
    }

    /// Whether the author listed every value this template can take: enums of the process's own files and constants.
    pub fn is_listed(&self, template: &Template) -> bool {
        template
            .expressions()
            .iter()
            .all(|e| e.analysis.asked.is_empty() && e.analysis.paths().iter().all(|path| self.of_path(path).trust == Trust::Trusted || self.is_own_enum(path)))
    }

    fn is_own_enum(&self, path: &Path) -> bool {
        let listed = self.types().at(path).is_some_and(|schema| schema.get("enum").is_some() || schema.get("const").is_some());
        match path.step().and_then(|step| self.process.steps.get(step)).map(|step| &step.kind) {
            None => path.root() == "input" && listed,
            Some(StepKind::Tool(_)) => false,
            // what a `set` passes on was listed where it came from, or nowhere
            Some(StepKind::Set(template)) => listed && self.is_listed(part(template, &path.0[2..])),
            Some(StepKind::Human(_)) => listed && path.0.get(2).is_none_or(|field| field != "shown"),
            Some(StepKind::Model(_) | StepKind::Rules(_)) => listed,
        }
    }

    /// The label of a text for an instruction: what a person was shown, she vouches for as data, never as an order.
    pub fn of_prompt(&self, template: &Template) -> Label {
        let mut label = self.of_template(template);
        for path in template.expressions().iter().flat_map(|e| e.analysis.paths()) {
            let source = match path.step().and_then(|step| self.process.steps.get(step)).map(|step| &step.kind) {
                Some(StepKind::Human(human)) if path.0.get(2).is_some_and(|field| field == "shown") => {
                    match path.0.get(3).and_then(|name| human.show.get(name)) {
                        Some(shown) => self.of_prompt(shown),
                        None => human.show.values().fold(Label::default(), |all, shown| all.join(&self.of_prompt(shown))),
                    }
                }
                Some(StepKind::Set(inner)) => self.of_prompt(part(inner, &path.0[2..])),
                _ => continue,
            };
            label.trust = label.trust.min(source.trust);
        }
        label
    }

    /// The label of a step's condition: what skipping or running it tells.
    pub fn of_condition(&self, step: &StepId) -> Label {
        self.process.steps.get(step).and_then(|s| s.condition.as_ref()).map(|e| self.of_expression(e)).unwrap_or_default()
    }

    /// A tool's result: `yields`, raised by what went in; its trust is `yields` alone.
    pub fn of_tool(&self, name: &str, rule: &ToolRule, arguments: &Label, condition: &Label) -> Label {
        let kategorien = rule.yields.kategorien.clone().unwrap_or_else(|| self.process.datenkategorien.clone());
        let foreign = name.rsplit('/').next().is_some_and(|tool| FOREIGN_TEXT.contains(&tool));
        let trust = if foreign { Trust::Untrusted } else { rule.yields.trust };
        Label { schutzbedarf: rule.yields.schutzbedarf, kategorien, trust }.join(arguments).join(condition).with_trust(trust)
    }

    /// What a staff member typed: trusted, with the labels its own form declares; enums and booleans carry none.
    pub fn of_form(&self, form: &schema::Schema, values: &Value) -> Labelled {
        let default = self.process.default_label(Trust::Trusted);
        let fields = values.as_object().into_iter().flatten().map(|(name, _)| {
            let path = [name.clone()];
            let label = match form.at(&path) {
                schema::At::Known { schema, .. } if schema.get("enum").is_some() || schema.get("type") == Some(&Value::from("boolean")) => {
                    form.label(&path, &Label::default())
                }
                _ => form.label_whole(&path, &default),
            };
            (name.clone(), Labelled::all(label.with_trust(Trust::Trusted)))
        });
        Labelled { own: Label::default(), fields: fields.collect() }
    }
}

fn of_run(path: &Path) -> Label {
    match path.0.get(1).map(String::as_str) {
        Some("caller") => Label::new(Schutzbedarf::Niedrig, [Kategorie::Personenbezogen], Trust::Trusted),
        Some("applicant") => Label::default().with_trust(Trust::Inert),
        Some(_) => Label::default(),
        None => Label::new(Schutzbedarf::Niedrig, [Kategorie::Personenbezogen], Trust::Inert),
    }
}

/// The part of a template a path reaches; the whole where it is not built field by field.
fn part<'t>(template: &'t Template, path: &[String]) -> &'t Template {
    match (template, path.split_first()) {
        (Template::Map(map), Some((name, rest))) => map.get(name).map_or(template, |inner| part(inner, rest)),
        _ => template,
    }
}

/// What a person saw whole is hers to vouch for: level and categories stay, trust rises.
pub fn seen(value: &Value, label: &Label) -> Label {
    let rendered = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if rendered.chars().count() <= SEEN_CHARS_MAX { label.clone().with_trust(Trust::Trusted) } else { label.clone() }
}

/// Every path a template reads, for the record.
pub fn reads<'t>(templates: impl IntoIterator<Item = &'t Template>) -> BTreeSet<Path> {
    templates.into_iter().flat_map(Template::expressions).flat_map(|e| e.analysis.paths()).collect()
}
