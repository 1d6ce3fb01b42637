//! What happened so far, for whoever applied: which kind of step, when, whether a model helped and in whose house, what was asked and
//! what for. Never what came of it, and never who of the staff it was.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use laufzettel_domain::{Lang, StepId, Value, names::Phase};
use laufzettel_engine::{Run, StepState, Task, TaskKind, TaskState};
use laufzettel_policy::{Effect, Zone};
use laufzettel_process::{
    Process,
    model::{Step, StepKind},
};
use laufzettel_worker::{Loaded, STAND_IN};

use crate::{
    pages::{Happened, HappenedKind, Helper, shown::humanize, words::word},
    site::TenantSite,
};

/// How deep called processes are looked into; deeper ones may not be called.
const CALLED_DEPTH_MAX: usize = 5;
/// Steps on one page.
pub const PAGE: usize = 50;

/// By step: the model that helped, and the zone it stands in.
pub type Helpers = BTreeMap<String, (String, String)>;

/// From the kinds and bodies of a run's records: of several calls of a step the last one that was answered.
pub fn helpers<'r>(records: impl Iterator<Item = (&'r str, Option<Value>)>) -> Helpers {
    let answered = records.filter(|(kind, _)| *kind == "effect.settled").filter_map(|(_, body)| body);
    let named = answered.filter_map(|body| {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Some((text("/path/step")?, (text("/meta/model")?, text("/meta/zone").unwrap_or_default())))
    });
    named.collect()
}

/// In the order they were done; the second: how many there are.
pub fn happened(tenant: &TenantSite, loaded: &Loaded, helpers: &Helpers, from: usize, lang: Lang) -> (Vec<Happened>, usize) {
    let (process, run) = (&loaded.prepared.process, &loaded.run);
    let at = |id: &StepId| match run.steps.get(id) {
        Some(StepState::Completed { at, .. }) => Some(*at),
        _ => None,
    };
    let mut done: Vec<(Timestamp, usize, &StepId)> = process.order.iter().enumerate().filter_map(|(place, id)| Some((at(id)?, place, id))).collect();
    done.sort_unstable();
    let all = done.len();
    let rows = done.into_iter().skip(from).take(PAGE).map(|(at, _, id)| row(tenant, loaded, &process.steps[id], at, helpers.get(id.as_str()), lang));
    (rows.collect(), all)
}

fn row(tenant: &TenantSite, loaded: &Loaded, step: &Step, at: Timestamp, helper: Option<&(String, String)>, lang: Lang) -> Happened {
    let run = &loaded.run;
    let place = target(run, step).map(|target| place(target, lang));
    let asks = step.kind.asks().is_some();
    let kind = match helper {
        Some((model, _)) if asks && model == STAND_IN => HappenedKind::Patterns,
        _ => kind(loaded, step),
    };
    Happened {
        title: step.title.clone(),
        at: tenant.civil(at),
        kind,
        model: helper.filter(|_| kind == HappenedKind::Model).map(|(name, zone)| helper_of(name, tenant.desk.tenant.zones.get(zone))),
        place_is_ours: place.as_ref().is_some_and(|(_, ours)| *ours),
        place: place.map(|(name, _)| name),
        source: source(step),
        undone: run.effect_of(&step.id, Phase::Undo).is_some_and(|(_, undo)| undo.status.stands()),
    }
}

fn kind(loaded: &Loaded, step: &Step) -> HappenedKind {
    let (process, run) = (&loaded.prepared.process, &loaded.run);
    if is_supplied(run, step) {
        return HappenedKind::Staff;
    }
    match &step.kind {
        StepKind::Tool(_) => match run.effect_of(&step.id, Phase::Do).map(|(_, effect)| effect.intent.effect) {
            Some(Effect::Write) => HappenedKind::Write,
            Some(Effect::Send) => HappenedKind::Send,
            Some(Effect::Read) | None => HappenedKind::Read,
        },
        StepKind::Model(_) | StepKind::Agent(_) => HappenedKind::Model,
        StepKind::Rules(_) => HappenedKind::Rules,
        StepKind::Set(_) => HappenedKind::Set,
        StepKind::Wait(wait) if wait.event().is_some() => HappenedKind::Event,
        StepKind::Wait(_) => HappenedKind::Wait,
        StepKind::Process(call) if process.children.get(&call.name).is_none_or(|child| child.asks_a_model()) => HappenedKind::ProcessWithModel,
        StepKind::Process(_) => HappenedKind::Process,
        StepKind::Human(_) if is_hers(run, step) => HappenedKind::Applicant,
        StepKind::Human(_) => HappenedKind::Staff,
    }
}

/// It failed, and somebody of the house said what it would have given.
fn is_supplied(run: &Run, step: &Step) -> bool {
    let of_it = |task: &&Task| task.opened.step == step.id && task.opened.kind == TaskKind::Repair && !task.superseded;
    run.tasks.values().filter(of_it).any(|task| matches!(&task.state, TaskState::Completed { values, .. } if values["entscheidung"] == "wert"))
}

/// She answered it herself, not somebody for her.
fn is_hers(run: &Run, step: &Step) -> bool {
    let mut own = run.tasks.values().rev().filter(|task| task.opened.step == step.id && task.opened.kind == TaskKind::Human && !task.superseded);
    own.any(|task| matches!(&task.state, TaskState::Completed { by, .. } if by.is_applicant()))
}

fn helper_of(name: &str, zone: Option<&Zone>) -> Helper {
    let house = zone.map(|zone| [zone.betreiber.as_str(), zone.ort.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "));
    Helper { name: name.to_owned(), house: house.filter(|house| !house.is_empty()) }
}

fn target<'r>(run: &'r Run, step: &Step) -> Option<&'r str> {
    matches!(step.kind, StepKind::Tool(_)).then(|| run.effect_of(&step.id, Phase::Do).map(|(_, effect)| effect.intent.target.as_str()))?
}

/// Whom a call went to, as people call it: of a register its own name, else that of the server. And whether the name is ours.
fn place(target: &str, lang: Lang) -> (String, bool) {
    let (server, tool) = target.split_once('/').unwrap_or((target, ""));
    let ours = |key| (word(key, lang).to_owned(), true);
    match (server, tool.strip_suffix("_suchen")) {
        ("registry", Some("person")) => ours("place_person"),
        ("registry", Some(register)) => (word("place_register_of", lang).replace("{}", &humanize(register)), true),
        ("registry", None) => ours("place_register"),
        ("dms", _) => ours("place_dms"),
        ("mail", _) => ours("place_mail"),
        (other, _) => (humanize(other), false),
    }
}

/// Where details of an application go, by the tools of the process and of those it calls.
pub fn recipients(process: &Process, lang: Lang) -> Vec<String> {
    fn collect(process: &Process, depth: usize, found: &mut BTreeSet<String>) {
        for step in process.steps.values() {
            match &step.kind {
                StepKind::Tool(call) => drop(found.insert(call.name())),
                StepKind::Agent(agent) => found.extend(agent.tools.iter().map(|tool| tool.call.name())),
                _ => {}
            }
        }
        process.children.values().filter(|_| depth > 0).for_each(|child| collect(child, depth - 1, found));
    }
    let mut tools = BTreeSet::new();
    collect(process, CALLED_DEPTH_MAX, &mut tools);
    let named: BTreeSet<String> = tools.iter().map(|tool| place(tool, lang).0).collect();
    named.into_iter().collect()
}

fn source(step: &Step) -> Option<String> {
    let StepKind::Rules(rules) = &step.kind else { return None };
    Some(rules.table.source.clone()).filter(|source| !source.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_has_a_name_people_know() {
        for (target, de, en, ours) in [
            ("registry/person_suchen", "Melderegister", "Register of residents", true),
            ("registry/gewerbe_suchen", "Register „Gewerbe“", "Register “Gewerbe”", true),
            ("registry/auskunft", "Register", "Register", true),
            ("dms/dokument_ablegen", "Aktenablage", "Records system", true),
            ("mail/senden", "E-Mail", "E-mail", true),
            ("kasse/buchen", "Kasse", "Kasse", false),
            ("allein", "Allein", "Allein", false),
        ] {
            assert_eq!((place(target, Lang::De), place(target, Lang::En)), ((de.to_owned(), ours), (en.to_owned(), ours)));
        }
    }
}
