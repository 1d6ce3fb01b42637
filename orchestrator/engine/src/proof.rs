//! The proof before a process runs: that no value reaches a zone or a tool it is not cleared for, that nothing foreign
//! steers, that a person stands between a model and what leaves the house, and that whoever acts may.
//!
//! The same joins over the same reads as at run time ([`crate::labels`]), with declared labels in place of observed ones.
//! If nothing is found here, no door refuses a run for its labels, unless a value turns out more sensitive than declared:
//! raised by a pattern found in it, by a server, or by a zone somebody chose. It promises nothing about what people decide.

pub(crate) mod applicant;
mod budget;
mod children;
mod declared;
mod flows;
mod gates;
mod polls;
mod release;
mod rights;
mod sinks;
mod trace;

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Findings, StepId, Trust, Via};
use laufzettel_policy::{Group, Labelled, Rules, Zone};
use laufzettel_process::{
    Process,
    model::{Size, StepKind},
};

pub(crate) use declared::declared;
pub use flows::{Flow, flows};
use rights::Acting;

use crate::{
    context::Context,
    labels::{Known, Labels, Source},
};

/// What routing needs to know of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointFacts {
    pub name: String,
    pub zone: String,
    pub size: Size,
    /// Tokens it takes.
    pub context: u64,
}

/// The tenant's configuration as far as a proof depends on it.
pub struct Setting<'c> {
    pub context: &'c Context,
    pub zones: &'c BTreeMap<String, Zone>,
    pub endpoints: &'c [EndpointFacts],
    /// `None`: there is no tenant to ask for rights, zones and sizes.
    pub rules: Option<&'c Rules>,
    /// Every group and user the process names ([`names`]), with all groups a member of it is in; `None`: not in the directory.
    pub members: &'c BTreeMap<String, Option<Vec<Group>>>,
}

/// Everything the proof finds, as findings of the process's file. A process nobody starts is proven where it is called, with
/// what it is given there.
pub fn prove(process: &Process, setting: &Setting<'_>, findings: &mut Findings) {
    if !process.is_only_a_child() {
        prove_called(process, setting, &Called { input: outside(process), acting: None }, findings);
    }
}

/// How a process comes to run.
struct Called<'c> {
    input: Source<'c>,
    /// Of a child: who acts where its steps name nobody.
    acting: Option<Vec<Acting>>,
}

fn prove_called(process: &Process, setting: &Setting<'_>, called: &Called<'_>, findings: &mut Findings) {
    let known = declared(process, setting.context, called.input);
    let labels = Labels { process, context: setting.context, known: Known::Declared(&known), input: called.input, reader: None };
    sinks::check(labels, setting, findings);
    gates::check(labels, findings);
    release::check(labels, findings);
    applicant::check(labels, findings);
    polls::check(labels, setting, findings);
    if let Some(rules) = setting.rules {
        rights::check(process, setting, rules, called.acting.as_deref(), findings);
        budget::check(labels, setting, findings);
    }
    for step in process.steps.values() {
        if let StepKind::Process(call) = &step.kind {
            children::check(labels.read_by(step), setting, step, call, called, findings);
        }
    }
}

/// The declared label of every step's value.
pub fn labels(process: &Process, context: &Context) -> BTreeMap<StepId, Labelled> {
    declared(process, context, outside(process)).into_iter().map(|(id, declared)| (id, declared.tree)).collect()
}

/// The worst way in decides: input is trusted only where nothing but our own form can bring it.
fn outside(process: &Process) -> Source<'static> {
    let only_form = process.start.via == BTreeSet::from([Via::Form]);
    Source::Outside(if process.triggers.is_empty() && only_form { Trust::Trusted } else { Trust::Untrusted })
}

/// Groups and users a process names, for the directory to be asked about beforehand.
pub fn names(process: &Process) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = process.start.groups.iter().cloned().collect();
    names.extend(process.children.values().flat_map(|child| self::names(child)));
    for step in process.steps.values() {
        if let StepKind::Human(human) = &step.kind {
            names.extend(human.assign.groups.iter().cloned());
            names.extend(human.assign.user.clone());
            names.extend(human.escalate.iter().flat_map(|escalate| escalate.groups.iter().cloned()));
        }
        if let StepKind::Agent(agent) = &step.kind {
            names.extend(agent.ask.iter().cloned());
        }
    }
    names
}
