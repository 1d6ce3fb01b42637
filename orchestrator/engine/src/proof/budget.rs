//! Whether a model of the size exists where the material may go, and whether the author's own text fits it (LZ8xx).

use laufzettel_domain::{Findings, Label, Text};
use laufzettel_policy::{estimate_tokens, zone_refusal};
use laufzettel_process::{
    expression::Template,
    model::{ModelCall, Size, Step, StepKind},
};

use super::{EndpointFacts, Setting, sinks::zone_of};
use crate::labels::Labels;

pub fn check(labels: Labels<'_>, setting: &Setting<'_>, findings: &mut Findings) {
    for step in labels.process.steps.values() {
        if let Some(call) = step.kind.asks() {
            size(labels.read_by(step), setting, step, call, findings);
            prompt(setting, step, call, findings);
        }
    }
}

fn fitting<'c>(setting: &Setting<'c>, size: Size) -> Vec<&'c EndpointFacts> {
    setting.endpoints.iter().filter(|e| e.size >= size).collect()
}

fn size(labels: Labels<'_>, setting: &Setting<'_>, step: &Step, call: &ModelCall, findings: &mut Findings) {
    let parts = call.data.values().chain([&call.prompt]);
    let label = parts.fold(Label::default(), |all, t| all.join(&labels.of_template(t)));
    let label = match &step.kind {
        StepKind::Agent(agent) => label.join(&labels.of_agent(&step.id, agent)),
        _ => label,
    };
    let cleared = |e: &&EndpointFacts| setting.zones.get(&e.zone).is_some_and(|zone| zone_refusal(&label, zone).is_none());
    if fitting(setting, call.size).iter().any(cleared) {
        return;
    }
    let word = ["s", "m", "l"][call.size as usize];
    findings.error(
        "LZ802",
        step.at,
        format!("steps.{}.{}.size", step.id, step.kind.word()),
        Text::new(
            format!("Kein Modell der Größe {word} steht in einer Zone, in die dieses Material ({label}) darf."),
            format!("No model of size {word} stands in a zone this material ({label}) may go to."),
        ),
    );
}

fn prompt(setting: &Setting<'_>, step: &Step, call: &ModelCall, findings: &mut Findings) {
    // a request goes to one zone: what stands in another helps nothing
    let zone = zone_of(setting, call);
    let fitting: Vec<_> = fitting(setting, call.size).into_iter().filter(|e| zone.is_some_and(|zone| zone.name == e.zone)).collect();
    let schema = call.output.as_ref().map_or(0, |s| s.root.to_string().chars().count());
    let needed = estimate_tokens(fixed_chars(&call.prompt) + schema);
    if let Some(largest) = fitting.iter().map(|e| e.context).max().filter(|largest| needed > *largest) {
        findings.error(
            "LZ801",
            step.at,
            super::sinks::order_key(step),
            Text::new(
                format!("Schon der feste Auftrag braucht etwa {needed} Token, das größte Modell nimmt {largest}."),
                format!("The fixed instruction alone takes about {needed} tokens, the largest model takes {largest}."),
            ),
        );
    }
}

/// Characters that are there whatever the values are: the text outside of braces.
fn fixed_chars(template: &Template) -> usize {
    match template {
        Template::Const(value) => value.as_str().map_or(0, |text| text.chars().count()),
        Template::Expression(expression) => {
            let mut rest = expression.source.as_str();
            let mut count = 0;
            while let Some((text, after)) = rest.split_once("{{") {
                count += text.chars().count();
                rest = after.split_once("}}").map_or("", |(_, after)| after);
            }
            count + rest.chars().count()
        }
        _ => 0,
    }
}
