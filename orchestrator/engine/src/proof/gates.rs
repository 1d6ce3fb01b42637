//! A person between a model and what cannot be taken back (LZ605).
//!
//! A gate is a human step of the staff that comes after the model and that the sink needs, step by step and never
//! optionally: if it is skipped, so is the sink. One that may fail and go on is none.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Findings, StepId, Text};
use laufzettel_policy::Effect;
use laufzettel_process::{
    Process,
    model::{OnError, StepKind},
};

use crate::labels::Labels;

/// Steps before each step: all of them, or only along needs that are not optional.
fn before(process: &Process, firm: bool) -> BTreeMap<&StepId, BTreeSet<&StepId>> {
    let mut all: BTreeMap<&StepId, BTreeSet<&StepId>> = BTreeMap::new();
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
    matches!(step.kind, StepKind::Human(_)) && step.on_error != OnError::Continue
}

/// Whether a person stands before this step, whichever way it is reached.
pub fn is_gated(process: &Process, sink: &StepId) -> bool {
    before(process, true).get(sink).into_iter().flatten().any(|id| is_gate(process, id))
}

pub fn check(labels: Labels<'_>, findings: &mut Findings) {
    let process = labels.process;
    let (all, firm) = (before(process, false), before(process, true));
    for id in &process.order {
        let step = &process.steps[id];
        let StepKind::Tool(call) = &step.kind else { continue };
        let Some(rule) = labels.context.tools.get(&call.name()) else { continue };
        let lasting = rule.effect == Effect::Send || (rule.effect == Effect::Write && step.undo.is_none());
        let models = all[id].iter().filter(|m| matches!(process.steps[**m].kind, StepKind::Model(_)));
        for model in models.filter(|_| lasting) {
            let gated = firm[id].iter().any(|gate| is_gate(process, gate) && all[*gate].contains(*model));
            if !gated {
                let path = path(process, model, id);
                let what = if rule.effect == Effect::Send { ("verlässt das Haus", "leaves the house") } else { ("hat kein undo", "has no undo") };
                let text = Text::new(
                    format!("{path} → {}: was dieser Schritt tut, {}, und kein Mensch hat nach dem Modell zugestimmt.", call.name(), what.0),
                    format!("{path} → {}: what this step does {}, and nobody agreed after the model.", call.name(), what.1),
                );
                findings.error("LZ605", call.at, format!("steps.{id}.tool"), text).hint = Some(Text::new(
                    "Setzen Sie einen human-Schritt dazwischen, den dieser Schritt ohne „?“ braucht (needs, run_as oder ein gelesener Wert).",
                    "Put a human step in between that this step needs without \"?\" (needs, run_as, or a value it reads).",
                ));
            }
        }
    }
}

/// One way from the model to the sink, as steps.
fn path(process: &Process, from: &StepId, to: &StepId) -> String {
    let all = before(process, false);
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
