//! What goes to an applicant and comes from her: the labels of what she answers, her own contact, and kinds of data that are not hers
//! to see. Refuses to decide what somebody of the staff has seen: the proof does ([`crate::proof`]).

use std::collections::BTreeMap;

use laufzettel_domain::{Kategorie, Label, Path, StepId, Trust, Value};
use laufzettel_policy::{Effect, Labelled, ToolRule};
use laufzettel_process::{
    expression::{Shape, Template},
    model::{Human, StepKind, ToolCall},
};

use super::{Labels, of_staff};

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

    /// Kinds of data in a value that neither the process declares nor the applicant's own input carries. One is never hers to see,
    /// whoever declares it.
    pub fn beyond_applicant(&self, template: &Template) -> Vec<Kategorie> {
        let own = template.expressions().into_iter().flat_map(|e| e.analysis.paths()).filter(|path| path.root() == "input");
        let own = own.fold(self.process.datenkategorien.clone(), |all, path| &all | &self.of_path(&path).kategorien);
        let blocked = |kategorie: &Kategorie| *kategorie == Kategorie::Auskunftssperre || !own.contains(kategorie);
        self.of_template(template).kategorien.into_iter().filter(blocked).collect()
    }
}
