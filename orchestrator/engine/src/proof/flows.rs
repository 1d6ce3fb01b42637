//! Every flow from a source to a sink, as the data protection officer reads it.

use laufzettel_policy::{AddressClass, Clearance, Effect};
use laufzettel_process::{
    Process,
    model::{ChildCall, Respond, Step, StepKind, TriggerKind},
};
use serde::Serialize;

use super::{
    Setting, applicant, declared, gates, outside,
    sinks::{Call, calls, class, zone_of},
    trace::{Trace, Tracer},
};
use crate::labels::{Known, Labels, Source};

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Flow {
    /// `zone gruen` or `mail/senden (beteiligte)`
    pub sink: String,
    /// The argument or block it enters by.
    pub part: String,
    /// `input.halter.iban`, `steps.halter [registry/person_suchen]`
    pub source: String,
    /// Level and categories of the source.
    pub label: String,
    pub trust: String,
    /// The places between source and sink.
    pub via: Vec<String>,
    /// Up to which level the sink is cleared.
    pub cleared: String,
    /// A person stands before it.
    pub gate: bool,
}

/// All flows of a process, by sink. A value the author wrote himself is none.
pub fn flows(process: &Process, setting: &Setting<'_>) -> Vec<Flow> {
    flows_of(process, setting, outside(process))
}

/// A child's flows stand with its caller's, under the step that calls it.
fn of_child(labels: Labels<'_>, setting: &Setting<'_>, step: &Step, call: &ChildCall) -> Vec<Flow> {
    let Some((child, types)) = labels.process.children.get(&call.name).zip(labels.context.types.children.get(&call.name)) else { return Vec::new() };
    let (context, passed) = (labels.context.of_child(types), labels.of_passed(call));
    let rows = flows_of(child, &Setting { context: &context, ..*setting }, Source::Passed(&passed));
    rows.into_iter().filter(|row| !row.part.starts_with("output.")).map(|row| Flow { part: format!("steps.{} → {}", step.id, row.part), ..row }).collect()
}

fn flows_of(process: &Process, setting: &Setting<'_>, input: Source<'_>) -> Vec<Flow> {
    let known = declared(process, setting.context, input);
    let labels = Labels { process, context: setting.context, known: Known::Declared(&known), input, reader: None };
    let mut tracer = Tracer::new(labels);
    let mut rows = Vec::new();
    for id in &process.order {
        let step = &process.steps[id];
        if let StepKind::Process(call) = &step.kind {
            rows.extend(of_child(labels.read_by(step), setting, step, call));
        }
        if let Some(call) = step.kind.asks() {
            let (sink, cleared) = match zone_of(setting, call) {
                Some(zone) => (format!("Modell, Zone {}", zone.name), zone.max_schutzbedarf.as_str().to_owned()),
                None => ("Modell, keine Zone".to_owned(), "–".to_owned()),
            };
            let parts = call.data.iter().map(|(name, t)| (format!("data.{name}"), t)).chain([("prompt".to_owned(), &call.prompt)]);
            for (part, template) in parts {
                let (part, gate) = (format!("steps.{id}.{part}"), gates::is_gated(process, id, template));
                rows.extend(tracer.of(template).into_iter().map(|trace| row(&sink, &part, &cleared, gate, trace)));
            }
            if let StepKind::Agent(agent) = &step.kind {
                // what its tools bring, and what people say to it, it reads, too
                let tools = agent.tools.iter().map(|tool| (tool.call.name(), labels.of_agent_tool(tool)));
                for (name, label) in tools.chain(labels.of_people(agent).map(|label| ("Menschen".to_owned(), label))) {
                    let from = format!("steps.{id} [{name}]");
                    rows.push(row(&sink, &format!("steps.{id}.agent"), &cleared, false, Trace { hops: vec![from], label, untyped: false }));
                }
            }
        }
        if let StepKind::Human(human) = &step.kind {
            for (part, template) in applicant::told(step, human) {
                let gate = gates::is_gated(process, id, template);
                rows.extend(tracer.of(template).into_iter().map(|trace| row(applicant::SINK, &part, "–", gate, trace)));
            }
        }
        for call in calls(step) {
            let (sink, cleared) = target(labels, &call);
            for (argument, template) in &call.call.with {
                let traces = if call.undo { tracer.of_undo(template, step) } else { tracer.of(template) };
                let (part, gate) = (format!("{}.with.{argument}", call.key), gates::is_gated(process, &step.id, template));
                rows.extend(traces.into_iter().map(|trace| row(&sink, &part, &cleared, gate, trace)));
            }
            if let (StepKind::Agent(agent), false) = (&step.kind, call.undo) {
                // what changes anything is approved, call by call
                let gate = setting.context.tools.get(&call.call.name()).is_some_and(|rule| rule.effect != Effect::Read);
                let trace = Trace { hops: vec![format!("steps.{id} [Modell]")], label: labels.of_agent(id, agent), untyped: false };
                rows.push(row(&sink, &call.key, &cleared, gate, trace));
            }
        }
    }
    for (name, template) in &process.applicant.receives {
        let gate = applicant::is_decided(process, template);
        rows.extend(tracer.of(template).into_iter().map(|trace| row(applicant::SINK, &format!("applicant.receives.{name}"), "–", gate, trace)));
    }
    for (name, template) in &process.output {
        let gate = gates::is_gated_output(process, template);
        rows.extend(tracer.of(template).into_iter().map(|trace| row(&answer(process), &format!("output.{name}"), "–", gate, trace)));
    }
    rows
}

/// Where the output goes: to whoever started the run, and back to a webhook that waits for it.
fn answer(process: &Process) -> String {
    let hooks = process.triggers.iter().filter_map(|trigger| match &trigger.kind {
        TriggerKind::Webhook { path, respond: Respond::Result, .. } => Some(format!("hooks/{path}")),
        _ => None,
    });
    let all: Vec<String> = std::iter::once("Ausgabe".to_owned()).chain(hooks).collect();
    all.join(", ")
}

fn target(labels: Labels<'_>, call: &Call<'_>) -> (String, String) {
    let name = call.call.name();
    let Some(rule) = labels.context.tools.get(&name) else { return (name, "–".to_owned()) };
    let class = class(labels, call.call, rule);
    let level = rule.clearance.level_for(class).as_str().to_owned();
    match (&rule.clearance, class) {
        (Clearance::Level(_), _) => (name, level),
        (_, AddressClass::Haus) => (format!("{name} (haus)"), level),
        (_, AddressClass::Beteiligte) => (format!("{name} (beteiligte)"), level),
        (_, AddressClass::Andere) => (format!("{name} (andere)"), level),
    }
}

fn row(sink: &str, part: &str, cleared: &str, gate: bool, trace: Trace) -> Flow {
    let mut hops = trace.hops.into_iter();
    Flow {
        sink: sink.to_owned(),
        part: part.to_owned(),
        source: hops.next().unwrap_or_default(),
        label: trace.label.to_string(),
        trust: trace.label.trust.as_str().to_owned(),
        via: hops.collect(),
        cleared: cleared.to_owned(),
        gate,
    }
}
