//! What goes to an applicant and comes from her: the labels of what she answers, her own contact, and kinds of data that are not hers
//! to see. Refuses to decide what somebody of the staff has seen: the proof does ([`crate::proof`]).

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Caller, Kategorie, Label, Path, StepId, Trust, Value};
use laufzettel_policy::{Effect, Labelled, ToolRule};
use laufzettel_process::{
    expression::{Expression, Shape, Template},
    model::{Human, Step, StepKind, ToolCall},
};

use super::{Known, Labels, conditions, of_staff, part};

impl Labels<'_> {
    /// What the applicant answered is foreign, as her input is, with the labels the form declares or else the process's. That she was
    /// shown something makes nobody vouch for it.
    pub(super) fn of_applicant(&self, id: &StepId, human: &Human, shown: &BTreeMap<String, Label>, proposed: &BTreeMap<String, Label>) -> Labelled {
        let default = self.process.default_label(Trust::Untrusted);
        let properties = human.form.root.get("properties").and_then(Value::as_object).into_iter().flatten();
        let field = |name: &String| {
            let offered = proposed.get(name).cloned().unwrap_or_default();
            human.form.label_whole(std::slice::from_ref(name), &default).join(&offered).with_trust(Trust::Untrusted)
        };
        let mut fields: BTreeMap<String, Labelled> = properties.map(|(name, _)| (name.clone(), Labelled::all(field(name)))).collect();
        let shown = shown.iter().map(|(name, label)| (name.clone(), Labelled::all(label.clone()))).collect();
        fields.insert("shown".to_owned(), Labelled { own: Label::default(), fields: shown });
        fields.insert("by".to_owned(), Labelled::all(of_staff()));
        Labelled { own: default, fields }.raise(&self.of_condition(id))
    }

    /// Exactly a field marked `x-kontakt`, or what a person was shown of it.
    pub fn is_contact(&self, template: &Template) -> bool {
        let Template::Expression(expression) = template else { return false };
        let Shape::Ref(path) = &expression.shape else { return false };
        match (path.root(), path.step()) {
            ("input", None) => self.is_marked_contact(path),
            (_, Some(step)) if self.below(path).first().is_some_and(|field| field == "shown") => {
                let human = match self.process.steps.get(step).map(|s| &s.kind) {
                    Some(StepKind::Human(human)) if !human.asks_applicant() => human,
                    _ => return false,
                };
                let below = self.below(path);
                below.len() == 2 && human.show.get(&below[1]).is_some_and(|shown| self.is_contact(shown))
            }
            _ => false,
        }
    }

    fn is_marked_contact(&self, path: &Path) -> bool {
        self.types().at(path).and_then(|schema| schema.get("x-kontakt")).is_some_and(|mark| mark != &Value::Bool(false))
    }

    /// A receipt needs no clerk: a message to the applicant's own declared contact, of a fixed text filled with trusted or
    /// inert values only.
    pub fn is_receipt(&self, call: &ToolCall, rule: &ToolRule) -> bool {
        let Some(recipient) = rule.recipient.as_ref().filter(|_| rule.effect == Effect::Send) else { return false };
        let own = call.with.get(recipient).is_some_and(|template| {
            let lone = template.expressions().first().is_some_and(|e| matches!(&e.shape, Shape::Ref(path) if path.root() == "input"));
            lone && self.is_contact(template)
        });
        own && call.with.iter().all(|(name, template)| name == recipient || self.of_template(template).trust >= Trust::Inert)
    }

    /// Kinds of data in a value that neither the process declares nor the applicant brought herself, whatever way her words took.
    /// What is made of her words alone is hers, and what a pattern finds in it. A blocked entry is never hers to see.
    pub fn beyond_applicant(&self, template: &Template) -> Vec<Kategorie> {
        let mut origins = Origins::default();
        self.origins(template, &mut origins);
        let own = |kategorie: &Kategorie| {
            let declared = self.process.datenkategorien.contains(kategorie);
            let brought = origins.hers.contains(kategorie) && !origins.foreign.contains(kategorie);
            *kategorie != Kategorie::Auskunftssperre && (origins.only_hers() || declared || brought)
        };
        self.of_template(template).kategorien.into_iter().filter(|kategorie| !own(kategorie)).collect()
    }

    fn origins(&self, template: &Template, found: &mut Origins) {
        for expression in template.expressions() {
            self.origins_of(expression, found);
        }
    }

    fn origins_of(&self, expression: &Expression, found: &mut Origins) {
        let asked = expression.analysis.asked.iter().map(|step| Path::new(["steps", step.as_str()]));
        for path in expression.analysis.paths().into_iter().chain(asked) {
            // each path once, however many ways lead to it
            if found.seen.insert(path.clone()) {
                self.origins_at(&path, found);
            }
        }
    }

    fn origins_at(&self, path: &Path, found: &mut Origins) {
        let Some(step) = path.step().and_then(|id| self.process.steps.get(id)) else {
            let kinds = self.of_path(path).kategorien;
            return if path.root() == "input" { found.hers.extend(kinds) } else { found.foreign.extend(kinds) };
        };
        let below = step.below(path);
        conditions(step).for_each(|expression| self.origins_of(expression, found));
        match &step.kind {
            StepKind::Set(template) => self.origins(part(template, below), found),
            StepKind::Rules(rules) => rules.with.values().for_each(|template| self.origins(template, found)),
            StepKind::Human(human) => {
                // what is shown is nobody's word of itself; the rest she answered, or else somebody of the staff
                match below.first().is_some_and(|field| field == "shown") {
                    true => {}
                    false if self.is_hers(step, human) => found.hers.extend(self.of_path(path).kategorien),
                    false => found.others = true,
                }
                before_her(human, below).into_iter().for_each(|template| self.origins(template, found));
            }
            StepKind::Wait(wait) if wait.event().is_none() => wait.templates().into_iter().for_each(|(_, template)| self.origins(template, found)),
            StepKind::Tool(_) | StepKind::Model(_) | StepKind::Agent(_) | StepKind::Process(_) | StepKind::Wait(_) => {
                found.others = true;
                found.foreign.extend(self.of_path(path).kategorien);
            }
        }
    }

    /// Whether an answer is the applicant's own: she was asked, and nobody answered for her.
    fn is_hers(&self, step: &Step, human: &Human) -> bool {
        let answered = match self.known {
            Known::Run(run) => run.completed_by(&step.id).all(Caller::is_applicant),
            Known::Declared(_) => true,
        };
        human.asks_applicant() && answered
    }
}

/// What a value is made of in the end.
#[derive(Default)]
struct Origins {
    /// Kinds of data in the applicant's input and answers.
    hers: BTreeSet<Kategorie>,
    /// Kinds a tool, a model, an event or a called run brought, or the house's own.
    foreign: BTreeSet<Kategorie>,
    /// Somebody or something else took part, whatever the kinds.
    others: bool,
    seen: BTreeSet<Path>,
}

impl Origins {
    fn only_hers(&self) -> bool {
        !self.others && self.foreign.is_empty()
    }
}

/// What the part of a person's answer under `below` is made of: what she was shown, or what was in the field before she wrote.
pub(crate) fn before_her<'p>(human: &'p Human, below: &[String]) -> Vec<&'p Template> {
    let offered = [&human.vorschlag, &human.auswahl];
    match (below.first().map(String::as_str), below.get(1)) {
        (Some("shown"), Some(name)) => human.show.get(name).map(|template| part(template, &below[2..])).into_iter().collect(),
        (Some("shown"), None) => human.show.values().collect(),
        (Some(field), _) => offered.into_iter().filter_map(|of| of.get(field)).map(|template| part(template, &below[1..])).collect(),
        (None, _) => human.show.values().chain(offered.into_iter().flat_map(BTreeMap::values)).collect(),
    }
}
