//! Every place a value can leave a run through a door, and whether it may: clearance (LZ4xx) and steering (LZ5xx).

use std::collections::BTreeSet;

use laufzettel_domain::{Findings, Label, Path, Place, Schutzbedarf, Text, Trust};
use laufzettel_policy::{AddressClass, Effect, ToolRule, Zone, address_class, effective_level, zone_refusal};
use laufzettel_process::{
    expression::Template,
    model::{Agent, ModelCall, Step, StepKind, ToolCall},
};

use super::{
    Setting, gates,
    trace::{Trace, Tracer, words},
};
use crate::labels::Labels;

/// A call of a tool in a step: the step's own, or its undo.
pub struct Call<'p> {
    pub step: &'p Step,
    pub call: &'p ToolCall,
    pub undo: bool,
    /// `steps.x` or `steps.x.undo`
    pub key: String,
}

pub fn calls(step: &Step) -> Vec<Call<'_>> {
    let own = match &step.kind {
        StepKind::Tool(call) => vec![Call { step, call, undo: false, key: format!("steps.{}", step.id) }],
        StepKind::Agent(agent) => {
            let key = |call: &ToolCall| format!("steps.{}.agent.tools.{}", step.id, call.name());
            agent.tools.iter().map(|tool| Call { step, call: &tool.call, undo: false, key: key(&tool.call) }).collect()
        }
        _ => Vec::new(),
    };
    let undo = step.undo.as_ref().map(|call| Call { step, call, undo: true, key: format!("steps.{}.undo", step.id) });
    own.into_iter().chain(undo).collect()
}

pub fn check(labels: Labels<'_>, setting: &Setting<'_>, findings: &mut Findings) {
    let mut tracer = Tracer::new(labels);
    for id in &labels.process.order {
        let step = &labels.process.steps[id];
        let labels = labels.read_by(step);
        if let Some(call) = step.kind.asks() {
            model(labels, setting, &mut tracer, step, call, findings);
        }
        for call in calls(step) {
            if let Some(rule) = setting.context.tools.get(&call.call.name()) {
                tool(labels, setting, &mut tracer, &call, rule, findings);
                if let (StepKind::Agent(agent), false) = (&step.kind, call.undo) {
                    chosen(labels, setting, &call, agent, rule, findings);
                }
            }
        }
    }
}

/// The label of an argument as the call will carry it.
pub fn of_argument(labels: Labels<'_>, call: &Call<'_>, template: &Template) -> Label {
    let crate::labels::Known::Declared(known) = labels.known else { return Label::strictest() };
    let own = known.get(&call.step.id).filter(|_| call.undo).map(|declared| &declared.tree);
    // an item is undone, never the list
    let own = own.map(|tree| tree.fields.get(Path::EACH).filter(|_| call.step.each.is_some()).unwrap_or(tree));
    labels.of_argument(template, own)
}

/// The class of whoever receives it, as far as the file says: a literal address of the house, the case's own contact, others.
pub fn class(labels: Labels<'_>, call: &ToolCall, rule: &ToolRule) -> AddressClass {
    match rule.recipient.as_ref().and_then(|argument| call.with.get(argument)) {
        Some(Template::Const(value)) => address_class(value, &labels.context.own_domains, &BTreeSet::new()),
        Some(template) if labels.is_contact(template) => AddressClass::Beteiligte,
        _ => AddressClass::Andere,
    }
}

/// The zone a model call goes to when nobody wishes for another: the strictest that has an endpoint of the size.
pub fn zone_of<'c>(setting: &Setting<'c>, call: &ModelCall) -> Option<&'c Zone> {
    let fits = setting.endpoints.iter().filter(|e| e.size >= call.size).filter_map(|e| setting.zones.get(&e.zone));
    fits.max_by(|a, b| a.by_strictness(b))
}

fn place(template: &Template, otherwise: Place) -> Place {
    template.expressions().first().map_or(otherwise, |e| e.at)
}

/// The way to show: of a source that violates by itself, else the first.
fn way(traces: &[Trace], violates: impl Fn(&Label) -> bool) -> Option<&Trace> {
    traces.iter().find(|t| violates(&t.label)).or(traces.first())
}

fn told(traces: &[Trace], sink: &str, label: &Label, violates: impl Fn(&Label) -> bool) -> String {
    way(traces, violates).map_or_else(|| format!("{label} → {sink}"), |trace| words(trace, sink))
}

fn model(labels: Labels<'_>, setting: &Setting<'_>, tracer: &mut Tracer<'_>, step: &Step, call: &ModelCall, findings: &mut Findings) {
    let order = labels.of_prompt(&call.prompt);
    let key = order_key(step);
    let traces = tracer.of(&call.prompt);
    if order.trust == Trust::Untrusted && is_known(setting, &traces) {
        let way = told(&traces, &key, &order, |l| l.trust == Trust::Untrusted);
        let finding = findings.error(
            "LZ501",
            place(&call.prompt, step.at),
            key.clone(),
            Text::new(
                format!("{way}: Text aus fremder Quelle in einer Anweisung an das Modell."),
                format!("{way}: text of foreign origin in an instruction to the model."),
            ),
        );
        finding.hint = Some(Text::new("Er gehört als benannter Block in data.", "It belongs into data as a named block."));
    }
    let Some(zone) = setting.rules.and_then(|_| zone_of(setting, call)) else { return };
    let blocks = call.data.iter().map(|(name, t)| (format!("steps.{}.data.{name}", step.id), t));
    if let StepKind::Agent(agent) = &step.kind {
        results(labels, step, agent, zone, findings);
    }
    for (part, template) in blocks.chain([(key, &call.prompt)]) {
        let label = labels.of_template(template);
        let Some(reason) = zone_refusal(&label, zone) else { continue };
        let traces = tracer.of(template);
        let way = |reason: &str| told(&traces, &format!("{part} → {reason}"), &label, |l| zone_refusal(l, zone).is_some());
        findings.error("LZ401", place(template, step.at), part.clone(), Text::new(format!("{}.", way(&reason.de)), format!("{}.", way(&reason.en))));
    }
}

/// `steps.x.model.prompt`, `steps.x.agent.goal`
pub fn order_key(step: &Step) -> String {
    let word = if matches!(step.kind, StepKind::Agent(_)) { "agent.goal" } else { "model.prompt" };
    format!("steps.{}.{word}", step.id)
}

/// What the tools of an agent bring, and what people say to it, goes to its model, too.
fn results(labels: Labels<'_>, step: &Step, agent: &Agent, zone: &Zone, findings: &mut Findings) {
    let tools = agent.tools.iter().map(|tool| (tool.call.name(), labels.of_agent_tool(tool), tool.call.at));
    let people = labels.of_people(agent).map(|label| ("Menschen".to_owned(), label, step.at));
    for (name, label, at) in tools.chain(people) {
        let Some(reason) = zone_refusal(&label, zone) else { continue };
        let way = format!("steps.{} [{name}] ({label})", step.id);
        let text = Text::new(format!("{way} → {}.", reason.de), format!("{way} → {}.", reason.en));
        findings.error("LZ401", at, format!("steps.{}.agent.tools.{name}", step.id), text);
    }
}

/// Arguments the model chooses carry whatever it has read.
fn chosen(labels: Labels<'_>, setting: &Setting<'_>, call: &Call<'_>, agent: &Agent, rule: &ToolRule, findings: &mut Findings) {
    let label = labels.of_agent(&call.step.id, agent);
    let level = rule.clearance.level_for(class(labels, call.call, rule));
    if setting.rules.is_some() && effective_level(&label) > level {
        let trace = Trace { hops: vec![format!("steps.{}", call.step.id)], label: label.clone(), untyped: false };
        clearance(&call.call.name(), &call.key, call.call.at, &label, level, &[trace], findings);
    }
}

/// Without pinned definitions a tool's result has no form, and nothing can be said of it.
fn is_known(setting: &Setting<'_>, traces: &[Trace]) -> bool {
    setting.rules.is_some() || traces.iter().any(|t| t.label.trust == Trust::Untrusted && !t.untyped)
}

fn tool(labels: Labels<'_>, setting: &Setting<'_>, tracer: &mut Tracer<'_>, call: &Call<'_>, rule: &ToolRule, findings: &mut Findings) {
    let name = call.call.name();
    // what an agent's call changes a person approves, each time: she sees what steers, and what goes out
    let approved = matches!(call.step.kind, StepKind::Agent(_)) && !call.undo;
    let receipt = !call.undo && !approved && labels.is_receipt(call.call, rule);
    let level = rule.clearance.level_for(class(labels, call.call, rule));
    for (argument, template) in &call.call.with {
        let label = of_argument(labels, call, template);
        let traces = tracer.of(template);
        let key = format!("{}.with.{argument}", call.key);
        let at = place(template, call.call.at);
        if setting.rules.is_some() && effective_level(&label) > level {
            clearance(&name, &key, at, &label, level, &traces, findings);
        }
        let addressed = rule.recipient.as_ref() == Some(argument);
        // a person vouches for what she can read at a glance
        let vouched = approved && (rule.effect == Effect::Read || labels.is_read_at_a_glance(template));
        let steers = rule.steers(argument) && !(receipt && addressed) && !vouched;
        if steers && label.trust < Trust::Trusted && !labels.is_listed(template) && is_known(setting, &traces) {
            steering(&name, &key, at, &label, &traces, findings);
        }
        let foreign = label.trust == Trust::Untrusted && effective_level(&label) == Schutzbedarf::Hoch;
        if rule.effect == Effect::Send
            && !rule.steers(argument)
            && foreign
            && !receipt
            && !approved
            && !gates::is_gated(labels.process, &call.step.id, template)
        {
            ungated(&name, &key, at, &label, &traces, findings);
        }
    }
}

pub(super) fn clearance(name: &str, key: &str, at: Place, label: &Label, level: Schutzbedarf, traces: &[Trace], findings: &mut Findings) {
    let way = told(traces, &format!("{key} → {name}"), label, |l| effective_level(l) > level);
    let finding = findings.error(
        "LZ402",
        at,
        key,
        Text::new(
            format!("{way}: freigegeben nur bis Schutzbedarf {}, der Wert hat {}.", level.as_str(), effective_level(label).as_str()),
            format!("{way}: cleared only up to level {}, the value has {}.", level.as_str(), effective_level(label).as_str()),
        ),
    );
    finding.hint = Some(Text::new(
        "Weniger mitgeben, an das Kontaktfeld der Beteiligten senden (x-kontakt, nachdem es ein Mensch gesehen hat) oder freigeben lassen (release).",
        "Pass less, send to the contact field of the person concerned (x-kontakt, after a person saw it), or have it released (release).",
    ));
}

fn steering(name: &str, key: &str, at: Place, label: &Label, traces: &[Trace], findings: &mut Findings) {
    let way = told(traces, &format!("{key} → {name}"), label, |l| l.trust < Trust::Trusted);
    let finding = findings.error(
        "LZ502",
        at,
        key,
        Text::new(
            format!("{way}: dieses Argument steuert, was {name} tut; ein Wert aus fremder Quelle ({}) darf das nicht.", label.trust.as_str()),
            format!("{way}: this argument steers what {name} does; a value of foreign origin ({}) must not.", label.trust.as_str()),
        ),
    );
    finding.hint = Some(Text::new(
        "Zeigen Sie den Wert in einem human-Schritt (show) und lesen Sie ihn als steps.<schritt>.shown.<name>, oder wählen Sie ihn aus einer Tabelle.",
        "Show the value in a human step (show) and read it as steps.<step>.shown.<name>, or choose it from a table.",
    ));
}

fn ungated(name: &str, key: &str, at: Place, label: &Label, traces: &[Trace], findings: &mut Findings) {
    let hoch = |l: &Label| l.trust == Trust::Untrusted && effective_level(l) == Schutzbedarf::Hoch;
    let way = told(traces, &format!("{key} → {name}"), label, hoch);
    findings.error(
        "LZ503",
        at,
        key,
        Text::new(
            format!("{way}: fremder Text mit Schutzbedarf hoch verlässt das Haus, ohne dass ein Mensch davor steht."),
            format!("{way}: foreign text of level hoch leaves the house without a person in between."),
        ),
    );
}
