//! The graph of steps: dependencies read from expressions, cycles with their whole path, one fixed order.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Findings, StepId, Text, finding};
use petgraph::{
    algo::{kosaraju_scc, toposort},
    graph::DiGraph,
};

use crate::{
    check,
    model::{Process, RunAs, Step, StepKind},
};

/// Fills in `needs` and `order`. Unknown steps and cycles are findings.
pub fn connect(process: &mut Process, findings: &mut Findings) {
    let known: BTreeSet<StepId> = process.steps.keys().cloned().collect();
    let mut all = BTreeMap::new();
    for step in process.steps.values() {
        all.insert(step.id.clone(), dependencies(step, &known, findings));
    }
    for (id, needs) in all {
        if let Some(step) = process.steps.get_mut(&id) {
            step.needs = needs;
        }
    }
    cycles(process, findings);
    process.order = order(process);
    enders(process, findings);
}

/// What ends a wait early must be a step that can complete before it does.
fn enders(process: &Process, findings: &mut Findings) {
    let waits = process.steps.values().filter_map(|step| match &step.kind {
        StepKind::Wait(wait) => wait.unless.as_ref().map(|unless| (step, wait, unless)),
        _ => None,
    });
    for (step, wait, unless) in waits {
        let key = format!("steps.{}.wait.unless", step.id);
        if !process.steps.contains_key(unless) {
            let text = Text::new(format!("Einen Schritt „{unless}“ gibt es nicht."), format!("There is no step \"{unless}\"."));
            findings.error("LZ201", wait.at, key, text).hint = Some(finding::hint(unless.as_str(), process.steps.keys().map(StepId::as_str)));
        } else if needs_before(process, unless, &step.id) {
            let text = Text::new(
                format!("„{unless}“ kommt erst nach diesem Warten; beenden kann es nur, was nebenher läuft."),
                format!("\"{unless}\" comes after this wait; only what runs beside it can end it."),
            );
            findings.error("LZ206", wait.at, key, text);
        }
    }
}

/// Whether a step is `before` itself, or waits for it by whatever way.
fn needs_before(process: &Process, step: &StepId, before: &StepId) -> bool {
    let (mut open, mut seen) = (vec![step], BTreeSet::new());
    while let Some(id) = open.pop() {
        if id == before {
            return true;
        }
        if seen.insert(id) {
            open.extend(process.steps.get(id).into_iter().flat_map(|step| step.needs.keys()));
        }
    }
    false
}

/// What a step waits for. An optional mark in `needs` holds for what its expressions read, too; a step of which only `skipped('x')` is
/// asked is optional, or the question could never be answered with yes.
fn dependencies(step: &Step, known: &BTreeSet<StepId>, findings: &mut Findings) -> BTreeMap<StepId, bool> {
    let mut needs = BTreeMap::new();
    let mut whether_skipped = BTreeSet::new();
    let mut add = |written: &str, at, key: String, optional: bool, findings: &mut Findings| match StepId::parse(written) {
        Some(id) if id == step.id => {
            findings.error(
                "LZ202",
                at,
                key,
                Text::new(format!("Der Schritt „{id}“ bezieht sich auf sich selbst."), format!("The step \"{id}\" refers to itself.")),
            );
        }
        Some(id) if known.contains(&id) => {
            let entry = needs.entry(id).or_insert(optional);
            *entry = *entry || optional;
        }
        _ => {
            findings.error("LZ201", at, key, Text::new(format!("Einen Schritt „{written}“ gibt es nicht."), format!("There is no step \"{written}\"."))).hint =
                Some(finding::hint(written, known.iter().map(StepId::as_str)));
        }
    };
    for (id, optional) in &step.needs {
        add(id.as_str(), step.at, format!("steps.{}.needs", step.id), *optional, findings);
    }
    for (key, expression) in check::step_expressions(step) {
        if key.ends_with(".undo") || key.contains(".undo.") {
            continue;
        }
        let only_asked = expression.analysis.only_whether_skipped();
        for name in expression.analysis.steps() {
            let own = name == step.id.as_str() && key.ends_with(".end_if");
            match StepId::parse(name).filter(|id| only_asked.contains(name) && *id != step.id && known.contains(id)) {
                Some(id) => drop(whether_skipped.insert(id)),
                None if own => {}
                None => add(name, expression.at, key.clone(), false, findings),
            }
        }
    }
    if let StepKind::Human(human) = &step.kind {
        for id in &human.not_by {
            add(id.as_str(), step.at, format!("steps.{}.human.not_by", step.id), false, findings);
        }
    }
    if let Some(RunAs::Step(id)) = &step.run_as {
        add(id.as_str(), step.at, format!("steps.{}.run_as", step.id), false, findings);
    }
    for id in whether_skipped {
        needs.entry(id).or_insert(true);
    }
    needs
}

fn graph(process: &Process) -> DiGraph<StepId, ()> {
    let mut graph = DiGraph::new();
    let mut by_place: Vec<&Step> = process.steps.values().collect();
    by_place.sort_by_key(|step| step.at);
    let nodes: BTreeMap<&StepId, _> = by_place.iter().rev().map(|step| (&step.id, graph.add_node(step.id.clone()))).collect();
    for step in process.steps.values() {
        for need in step.needs.keys() {
            if let (Some(from), Some(to)) = (nodes.get(need), nodes.get(&step.id)) {
                graph.add_edge(*from, *to, ());
            }
        }
    }
    graph
}

fn cycles(process: &Process, findings: &mut Findings) {
    let graph = graph(process);
    for component in kosaraju_scc(&graph).into_iter().filter(|c| c.len() > 1) {
        let members: BTreeSet<&StepId> = component.iter().map(|i| &graph[*i]).collect();
        let Some(path) = round_trip(process, &members) else { continue };
        let first = &process.steps[path[0]];
        let shown = path.iter().chain([&path[0]]).map(|id| id.as_str()).collect::<Vec<_>>().join(" → ");
        findings.error(
            "LZ203",
            first.at,
            format!("steps.{}", first.id),
            Text::new(format!("Diese Schritte warten im Kreis aufeinander: {shown}."), format!("These steps wait for each other in a circle: {shown}.")),
        );
    }
}

/// One cycle within a strongly connected component, beginning at its first member.
fn round_trip<'p>(process: &'p Process, members: &BTreeSet<&'p StepId>) -> Option<Vec<&'p StepId>> {
    let start = *members.first()?;
    let mut path = vec![start];
    let mut seen = BTreeSet::from([start]);
    loop {
        let here = *path.last()?;
        let next = process.steps.values().filter(|s| members.contains(&s.id) && s.needs.contains_key(here)).map(|s| &s.id);
        let mut next: Vec<_> = next.collect();
        next.sort_by_key(|id| (**id != *start, seen.contains(*id)));
        let id = *next.first()?;
        if id == start {
            return Some(path);
        }
        if !seen.insert(id) {
            let from = path.iter().position(|p| *p == id)?;
            return Some(path.split_off(from));
        }
        path.push(id);
    }
}

/// A topological order; steps enter the graph as they stand in the file, so the order is the same on every machine.
fn order(process: &Process) -> Vec<StepId> {
    let graph = graph(process);
    toposort(&graph, None).map(|nodes| nodes.into_iter().map(|node| graph[node].clone()).collect()).unwrap_or_default()
}

/// Steps that may end without a value: skipped by a condition of their own, by whoever repairs them or by that of what they
/// need, or failed with `continue`.
pub fn may_lack_value(process: &Process) -> BTreeSet<StepId> {
    let mut lacking: BTreeSet<StepId> = BTreeSet::new();
    for id in &process.order {
        let step = &process.steps[id];
        let inherited = step.needs.iter().any(|(need, optional)| !optional && may_skip(process, need, &lacking));
        if step.may_be_skipped() || step.on_error == crate::model::OnError::Continue || inherited {
            lacking.insert(id.clone());
        }
    }
    lacking
}

/// A failed step with `continue` does not skip those after it; a skipped one does.
fn may_skip(process: &Process, id: &StepId, lacking: &BTreeSet<StepId>) -> bool {
    let step = &process.steps[id];
    lacking.contains(id) && (step.may_be_skipped() || step.needs.iter().any(|(n, optional)| !optional && may_skip(process, n, lacking)))
}

/// Whether reading `id` in a step that needs it non-optionally is safe: then a skipped `id` skips the reader, too.
pub fn skips_reader(process: &Process, reader: &Step, id: &StepId) -> bool {
    reader.needs.get(id) == Some(&false) && process.steps[id].on_error != crate::model::OnError::Continue
}
