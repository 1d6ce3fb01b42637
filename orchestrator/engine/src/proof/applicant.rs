//! What an applicant is shown when she is asked something (LZ405). Her status page is a way out of the house, and whoever has its
//! address reads it: she sees what she wrote herself, what stands in the process, and what somebody of the staff wrote or has seen
//! whole; nothing that comes of a tool, a model or another run as it is, nothing of a kind the process does not declare, and nothing
//! about somebody under a blocked entry.

use std::collections::BTreeSet;

use laufzettel_domain::{Findings, Kategorie, Path, Place, Text, Trust};
use laufzettel_process::{
    Process,
    expression::{Shape, Template},
    model::{Automatisierung, Human, Step, StepKind},
};

use super::gates;
use crate::labels::{Labels, before_her, part};

/// Where she reads it, as the table of flows names it.
pub const SINK: &str = "Antragstellende Person (Statusseite)";

pub fn check(labels: Labels<'_>, findings: &mut Findings) {
    for id in &labels.process.order {
        let step = &labels.process.steps[id];
        let StepKind::Human(human) = &step.kind else { continue };
        for (key, template) in told(step, human) {
            let at = template.expressions().first().map_or(step.at, |e| e.at);
            Told { labels: labels.read_by(step), key, at }.check(template, findings);
        }
    }
    received(labels, findings);
}

/// What she gets in the end: nothing she may not see, and by hand of somebody of the staff, unless the law lets a program decide.
fn received(labels: Labels<'_>, findings: &mut Findings) {
    let process = labels.process;
    for (name, template) in &process.applicant.receives {
        let at = template.expressions().first().map_or(Place { line: 1, column: 1 }, |e| e.at);
        let key = format!("applicant.receives.{name}");
        Told { labels, key: key.clone(), at }.check(template, findings);
        if process.automatisierung == Automatisierung::Voll || is_decided(process, template) {
            continue;
        }
        let text = Text::new(
            format!("{key} → {SINK}: das hat niemand im Haus freigegeben."),
            format!("{key} → applicant (status page): nobody of the staff has agreed to this."),
        );
        findings.error("LZ612", at, key, text).hint = Some(Text::new(
            "Davor steht ein human-Schritt im Haus, der in jedem Vorgang kommt; oder es ist genau der Wert eines Schritts, der ihn ohne „?“ braucht.",
            "A human step of the staff stands before it in every run; or it is exactly the value of a step that needs one without \"?\".",
        ));
    }
}

/// A person stands before it whatever was skipped; or it is the value of one step, and gone with it, and a person stands before that step.
pub fn is_decided(process: &Process, template: &Template) -> bool {
    let step = match template {
        Template::Expression(expression) => match &expression.shape {
            Shape::Ref(path) => path.step().and_then(|id| process.steps.get(id)),
            _ => None,
        },
        _ => None,
    };
    let by_hand = |step: &Step| matches!(&step.kind, StepKind::Human(human) if !human.asks_applicant());
    gates::is_gated_output(process, template) || step.is_some_and(|step| by_hand(step) || gates::is_gated(process, &step.id, template))
}

/// What an applicant is told in a step, by its key; nothing where the staff is asked.
pub fn told<'p>(step: &Step, human: &'p Human) -> Vec<(String, &'p Template)> {
    if !human.asks_applicant() {
        return Vec::new();
    }
    let named = [("show", &human.show), ("vorschlag", &human.vorschlag), ("form.properties", &human.auswahl)];
    let named = named.into_iter().flat_map(|(of, templates)| templates.iter().map(move |(name, t)| (of, name, t)));
    let named = named.map(|(of, name, template)| (format!("steps.{}.human.{of}.{name}", step.id), template));
    named.chain(human.due.iter().map(|due| (format!("steps.{}.human.due", step.id), due))).collect()
}

/// The first thing a value is made of that neither the applicant nor anybody of the staff has said or seen.
pub(crate) fn unseen(labels: Labels<'_>, template: &Template) -> Option<Path> {
    Sources { labels, seen: BTreeSet::new() }.unseen(template)
}

/// One value she is told.
struct Told<'v> {
    labels: Labels<'v>,
    key: String,
    at: Place,
}

impl Told<'_> {
    fn check(self, template: &Template, findings: &mut Findings) {
        if let Some(source) = unseen(self.labels, template) {
            return self.unseen_finding(&source, findings);
        }
        let foreign: Vec<&str> = self.labels.beyond_applicant(template).into_iter().map(Kategorie::as_str).collect();
        if !foreign.is_empty() {
            let (key, names) = (&self.key, foreign.join(", "));
            let text = Text::new(
                format!("{key} → {SINK}: {names} gehört nicht zu den Daten dieses Prozesses und steht nicht in ihren eigenen Angaben."),
                format!("{key} → applicant (status page): {names} is no kind of data of this process, and not among her own."),
            );
            findings.error("LZ405", self.at, key.clone(), text);
        }
    }

    fn unseen_finding(self, source: &Path, findings: &mut Findings) {
        let key = self.key;
        let text = Text::new(
            format!("{source} → {key} → {SINK}: das hat niemand im Haus gesehen."),
            format!("{source} → {key} → applicant (status page): nobody of the staff has seen this."),
        );
        findings.error("LZ405", self.at, key, text).hint = Some(Text::new(
            "Gezeigt wird ihr, was sie selbst angegeben hat, was im Prozess steht und was jemand im Haus geschrieben oder ganz gesehen hat: Lesen Sie steps.<schritt>.shown.<name>, höchstens 500 Zeichen.",
            "She is shown what she said herself, what stands in the process, and what somebody of the staff wrote or has seen whole: read steps.<step>.shown.<name>, at most 500 characters.",
        ));
    }
}

/// What a value is made of, path by path.
struct Sources<'v> {
    labels: Labels<'v>,
    /// Each path is gone through once, however many ways lead to it.
    seen: BTreeSet<Path>,
}

impl Sources<'_> {
    fn unseen(&mut self, template: &Template) -> Option<Path> {
        let mut reads = BTreeSet::new();
        for expression in template.expressions() {
            reads.extend(expression.analysis.paths());
            reads.extend(expression.analysis.asked.iter().map(|step| Path::new(["steps", step.as_str()])));
        }
        reads.into_iter().find_map(|path| self.unseen_at(&path))
    }

    fn unseen_at(&mut self, path: &Path) -> Option<Path> {
        if !self.seen.insert(path.clone()) {
            return None;
        }
        let process: &Process = self.labels.process;
        let step = path.step().and_then(|id| process.steps.get(id))?;
        let below = step.below(path);
        match &step.kind {
            StepKind::Tool(_) | StepKind::Model(_) | StepKind::Agent(_) | StepKind::Process(_) => Some(path.clone()),
            StepKind::Wait(wait) if wait.event().is_some() => Some(path.clone()),
            StepKind::Set(template) => self.unseen(part(template, below)),
            // the author's own words, chosen by what cannot carry any
            StepKind::Rules(rules) if rules.table.is_constant() => (self.labels.of_path(path).trust < Trust::Trusted).then(|| path.clone()),
            StepKind::Human(human) if !human.asks_applicant() => self.unseen_by(human, path, below),
            StepKind::Rules(_) | StepKind::Human(_) | StepKind::Wait(_) => step.kind.templates().into_iter().find_map(|(_, template)| self.unseen(template)),
        }
    }

    /// A field somebody of the staff filled in she wrote, unless it was filled in before she came. What she was shown or proposed she has
    /// seen, if she surely read it whole, or it was the applicant's to begin with.
    fn unseen_by(&mut self, human: &Human, path: &Path, below: &[String]) -> Option<Path> {
        if !below.is_empty() && self.labels.is_short_at(path) {
            return None;
        }
        let named = below.first().is_none_or(|field| field != "shown" || below.get(1).is_some_and(|name| human.show.contains_key(name)));
        if !named {
            return Some(path.clone());
        }
        before_her(human, below).into_iter().find_map(|template| self.unseen(template)).map(|_| path.clone())
    }
}
