//! A person between a model and what cannot be taken back (LZ605), and what an undo may be (LZ606).
//!
//! A gate is a human step of the staff that comes after the model and that the sink needs, step by step and never
//! optionally: if it is skipped, so is the sink. One that may fail and go on is none, nor one for every element of a list.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Findings, Place, StepId, Text};
use laufzettel_policy::{Effect, ToolRule};
use laufzettel_process::{
    Process,
    expression::Template,
    model::{ChildCall, OnError, Step, StepKind, ToolCall},
};

use crate::labels::Labels;

type Before<'p> = BTreeMap<&'p StepId, BTreeSet<&'p StepId>>;

/// Steps before each step: all of them, or only along needs that are not optional.
fn before(process: &Process, firm: bool) -> Before<'_> {
    let mut all = Before::new();
    for id in &process.order {
        let mut own = BTreeSet::new();
        for (need, _) in process.steps[id].needs.iter().filter(|(_, optional)| !(firm && **optional)) {
            own.insert(need);
            own.extend(all.get(need).into_iter().flatten());
        }
        all.insert(id, own);
    }
    all
}

fn is_gate(process: &Process, id: &StepId) -> bool {
    let step = &process.steps[id];
    matches!(&step.kind, StepKind::Human(human) if !human.asks_applicant()) && step.on_error != OnError::Continue && step.each.is_none()
}

/// Whether a person stands before this step, whichever way it is reached, and after everything the value is made of: who
/// was there before the value was vouches for nothing.
pub fn is_gated(process: &Process, sink: &StepId, value: &Template) -> bool {
    let firm = before(process, true);
    vouchers(process, value, Some(sink)).any(|gate| firm[sink].contains(gate))
}

/// The same of a run's output, which comes whatever was skipped: the person stands in every run.
pub fn is_gated_output(process: &Process, value: &Template) -> bool {
    let certain = in_every_run(process);
    vouchers(process, value, None).any(|gate| certain.contains(gate))
}

/// Human steps after everything a value is made of.
fn vouchers<'p>(process: &'p Process, value: &Template, sink: Option<&StepId>) -> impl Iterator<Item = &'p StepId> {
    let all = before(process, false);
    let mut made_of = BTreeSet::new();
    origins(process, value, &mut BTreeSet::new(), &mut made_of);
    made_of.retain(|origin| Some(*origin) != sink);
    process.order.iter().filter(move |gate| is_gate(process, gate) && made_of.iter().all(|origin| all[gate].contains(origin)))
}

/// Steps nothing can skip: neither a condition of their own nor of a step they need.
fn in_every_run(process: &Process) -> BTreeSet<&StepId> {
    let mut certain = BTreeSet::new();
    for id in &process.order {
        let step = &process.steps[id];
        if !step.may_be_skipped() && step.needs.iter().all(|(need, optional)| *optional || certain.contains(need)) {
            certain.insert(id);
        }
    }
    certain
}

/// The tools, models and answers of applicants a value is made of, through every `set`, table and human step; each of those is gone
/// through once, however many ways lead to it.
fn origins<'p>(process: &'p Process, value: &Template, seen: &mut BTreeSet<&'p StepId>, found: &mut BTreeSet<&'p StepId>) {
    for expression in value.expressions() {
        let paths = expression.analysis.paths();
        let read = paths.iter().filter_map(|path| path.step()).chain(expression.analysis.asked.iter().map(String::as_str));
        for (id, step) in read.filter_map(|id| process.steps.get_key_value(id)) {
            if !seen.insert(id) {
                continue;
            }
            match &step.kind {
                StepKind::Tool(_) | StepKind::Model(_) | StepKind::Agent(_) | StepKind::Process(_) => {
                    found.insert(id);
                }
                // what somebody sent is as foreign as what a tool brings
                StepKind::Wait(wait) if wait.event().is_some() => {
                    found.insert(id);
                }
                StepKind::Human(human) if human.asks_applicant() => {
                    found.insert(id);
                    step.kind.templates().iter().for_each(|(_, t)| origins(process, t, seen, found));
                }
                StepKind::Set(_) | StepKind::Rules(_) | StepKind::Human(_) | StepKind::Wait(_) => {
                    step.kind.templates().iter().for_each(|(_, t)| origins(process, t, seen, found))
                }
            }
        }
    }
}

/// Whether the configuration says that this step's `undo` takes back what its tool does.
fn is_taken_back(step: &Step, call: &ToolCall, rule: &ToolRule) -> bool {
    step.undo.as_ref().is_some_and(|undo| undo.server == call.server && rule.undo.as_ref() == Some(&undo.tool))
}

fn no_undo(step: &Step, undo: &ToolCall, call: &ToolCall, rule: &ToolRule, findings: &mut Findings) {
    let (name, did) = (undo.name(), call.name());
    let text = Text::new(
        format!("{name} nimmt nicht zurück, was {did} tut: so steht es nicht in der Konfiguration."),
        format!("{name} does not take back what {did} does: the configuration does not say so."),
    );
    findings.error("LZ606", undo.at, format!("steps.{}.undo.tool", step.id), text).hint = Some(match &rule.undo {
        Some(tool) => Text::new(format!("Zurück nimmt es {}/{tool}.", call.server), format!("{}/{tool} takes it back.", call.server)),
        None => Text::new(
            format!("Ohne undo: für {did} nennt die Konfiguration keines (tools: undo)."),
            format!("No undo: the configuration names none for {did} (tools: undo)."),
        ),
    });
}

/// Calls of a child that cannot be taken back and have no gate of their own before them, through its own children.
fn open_sinks<'p>(labels: Labels<'_>, child: &'p Process) -> Vec<(&'p Step, &'p ToolCall, Effect)> {
    let firm = before(child, true);
    let mut open = Vec::new();
    for step in child.steps.values().filter(|step| !firm[&step.id].iter().any(|gate| is_gate(child, gate))) {
        match &step.kind {
            StepKind::Tool(call) => {
                let rule = labels.context.tools.get(&call.name());
                open.extend(rule.filter(|rule| is_lasting(step, call, rule)).map(|rule| (step, call, rule.effect)));
            }
            StepKind::Process(call) => open.extend(child.children.get(&call.name).into_iter().flat_map(|inner| open_sinks(labels, inner))),
            _ => {}
        }
    }
    open
}

fn is_lasting(step: &Step, call: &ToolCall, rule: &ToolRule) -> bool {
    rule.effect == Effect::Send || (rule.effect == Effect::Write && !is_taken_back(step, call, rule))
}

/// What a child does that cannot be taken back, after a model of its caller's.
fn check_child(labels: Labels<'_>, step: &Step, call: &ChildCall, models: &[&StepId], findings: &mut Findings) {
    let Some(child) = labels.process.children.get(&call.name) else { return };
    let (firm, all) = (before(labels.process, true), before(labels.process, false));
    for (_, sink, effect) in open_sinks(labels, child) {
        let ungated = models.iter().find(|model| !firm[&step.id].iter().any(|gate| is_gate(labels.process, gate) && all[*gate].contains(**model)));
        if let Some(model) = ungated {
            let way = format!("{} → {}", path(labels.process, model, &step.id), call.name);
            no_person(&way, &sink.name(), effect, call.at, format!("steps.{}.process", step.id), findings);
        }
    }
}

fn no_person(way: &str, name: &str, effect: Effect, at: Place, key: String, findings: &mut Findings) {
    let what = if effect == Effect::Send { ("verlässt das Haus", "leaves the house") } else { ("hat kein undo", "has no undo") };
    let text = Text::new(
        format!("{way} → {name}: was dieser Schritt tut, {}, und kein Mensch hat nach dem Modell zugestimmt.", what.0),
        format!("{way} → {name}: what this step does {}, and nobody agreed after the model.", what.1),
    );
    findings.error("LZ605", at, key, text).hint = Some(Text::new(
        "Setzen Sie einen human-Schritt dazwischen, den dieser Schritt ohne „?“ braucht (needs, run_as oder ein gelesener Wert).",
        "Put a human step in between that this step needs without \"?\" (needs, run_as, or a value it reads).",
    ));
}

/// Models that say by an `end_if` whether this step is begun at all, with nobody between them and the question.
fn enders<'p>(process: &'p Process, sink: &StepId, all: &Before<'p>, firm: &Before<'p>) -> BTreeSet<&'p StepId> {
    let mut found = BTreeSet::new();
    for id in process.order.iter().filter(|id| *id != sink && process.steps[*id].end_if.is_some() && !all[*id].contains(sink)) {
        let gated = |model: &StepId| firm[id].iter().any(|gate| is_gate(process, gate) && all[*gate].contains(model));
        found.extend(all[id].iter().copied().chain([id]).filter(|model| asks_a_model(process, model) && !gated(model)));
    }
    found
}

/// Whether a model has a say in what comes of a step.
fn asks_a_model(process: &Process, id: &StepId) -> bool {
    match &process.steps[id].kind {
        StepKind::Model(_) | StepKind::Agent(_) => true,
        StepKind::Process(call) => process.children.get(&call.name).is_none_or(|child| child.asks_a_model()),
        _ => false,
    }
}

pub fn check(labels: Labels<'_>, findings: &mut Findings) {
    let process = labels.process;
    let (all, firm) = (before(process, false), before(process, true));
    for id in &process.order {
        let step = &process.steps[id];
        let mut models: Vec<&StepId> = all[id].iter().copied().filter(|before| asks_a_model(process, before)).collect();
        models.extend(enders(process, id, &all, &firm).into_iter().filter(|model| !all[id].contains(model)));
        if let StepKind::Process(call) = &step.kind {
            check_child(labels, step, call, &models, findings);
        }
        let StepKind::Tool(call) = &step.kind else { continue };
        let Some(rule) = labels.context.tools.get(&call.name()) else { continue };
        if let Some(repeat) = step.repeat.as_ref().filter(|_| rule.effect != Effect::Read) {
            let name = call.name();
            let text = Text::new(
                format!("„{name}“ ändert etwas; wiederholt gefragt wird nur, was liest: sonst stünde es mehrmals da."),
                format!("\"{name}\" changes something; only what reads is asked again: else it would stand there several times."),
            );
            findings.error("LZ607", repeat.until.at, format!("steps.{id}.repeat"), text);
        }
        let taken_back = is_taken_back(step, call, rule);
        if let Some(undo) = step.undo.as_ref().filter(|_| !taken_back) {
            no_undo(step, undo, call, rule, findings);
        }
        for model in models.into_iter().filter(|_| is_lasting(step, call, rule)) {
            if !firm[id].iter().any(|gate| is_gate(process, gate) && all[*gate].contains(model)) {
                no_person(&path(process, model, id), &call.name(), rule.effect, call.at, format!("steps.{id}.tool"), findings);
            }
        }
    }
}

/// One way from the model to the sink, as steps.
fn path(process: &Process, from: &StepId, to: &StepId) -> String {
    let all = before(process, false);
    if !all[to].contains(from) {
        return format!("steps.{from} → end_if → steps.{to}");
    }
    let mut way = vec![to];
    let mut here = to;
    while here != from {
        let next = process.steps[here].needs.keys().find(|need| *need == from || all[*need].contains(from));
        let Some(next) = next else { break };
        way.push(next);
        here = next;
    }
    way.reverse();
    way.iter().map(|id| format!("steps.{id}")).collect::<Vec<_>>().join(" → ")
}
