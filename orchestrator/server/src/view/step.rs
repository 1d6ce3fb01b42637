//! A step as people read it: what went in and came out, who did it and why that was allowed.

use laufzettel_domain::{Lang, StepId, Text, Value, names::Phase};
use laufzettel_engine::{Call, EffectRun, EffectStatus, Run, StepState as Settled, Task, TaskKind, TaskState};
use laufzettel_process::model::StepKind as Kind;
use laufzettel_worker::Loaded;

use super::{Matter, list};
use crate::{
    origin::rule_in_words,
    pages::{Called, Shown, StepKind, StepState, StepView, words::word},
};

pub fn step(matter: &Matter<'_>, id: &StepId) -> StepView {
    let (loaded, lang) = (matter.loaded, matter.lang);
    let (process, run) = (&loaded.prepared.process, &loaded.run);
    let step = &process.steps[id];
    // of a list, the one somebody must look at
    let stopped = |effect: &&EffectRun| matches!(effect.status, EffectStatus::Doubt | EffectStatus::Parked(_));
    let own = |phase: Phase| run.effects.iter().filter(move |(path, _)| path.step == *id && path.phase == phase).map(|(_, effect)| effect);
    let effect = own(Phase::Do).find(stopped).or_else(|| run.effect_of(id, Phase::Do).map(|(_, effect)| effect));
    let mut view = StepView {
        id: id.to_string(),
        title: step.title.clone(),
        kind: kind(&step.kind),
        state: state(run, id, effect),
        input: effect.map(|e| went_in(loaded, e, lang)).unwrap_or_default(),
        output: Vec::new(),
        reason: None,
        model: None,
        zone: None,
        tool: None,
        acted_as: effect.map(|e| e.intent.who.name.clone()),
        called: run.children.iter().filter(|(slot, _)| slot.step == *id).map(|(_, child)| called(child.run, &child.nummer)).collect(),
        why_allowed: None,
        duration: None,
        attempts: effect.map_or(0, |e| e.attempt),
        message: None,
    };
    settled(&mut view, matter, id);
    if let Some(effect) = effect {
        if matches!(effect.intent.call, Call::Tool { .. }) {
            view.tool = Some(effect.intent.target.clone());
        }
        match (&effect.status, &effect.deferred) {
            (EffectStatus::Parked(decision), _) => {
                view.message = Some(decision.reason.get(lang).to_owned());
                view.why_allowed = None;
            }
            (EffectStatus::Settling, _) => {
                let asked = Text::new("Der Server wird gefragt, ob der Aufruf geschehen ist.", "The server is asked whether the call happened.");
                view.reason = Some(asked.get(lang).to_owned());
            }
            (EffectStatus::RetryAt(_), Some((_, reason))) => view.reason = Some(reason.get(lang).to_owned()),
            _ => {}
        }
    }
    if matches!(step.kind, Kind::Human(_))
        && let Some(task) = own_tasks(run, id).find(|t| t.state == TaskState::Open).or_else(|| own_tasks(run, id).next())
    {
        view.input = super::shown(matter, task);
        if let TaskState::Completed { by, values, .. } = &task.state {
            view.acted_as = Some(by.name.clone());
            // what was decided outlives the step's value
            if loaded.gone.is_some() && view.output.is_empty() {
                view.output = list(loaded, values, lang);
            }
        } else {
            view.reason = Some(waits_for(task, lang));
        }
    }
    if let Some(list) = run.lists.get(id).filter(|_| run.steps.get(id) == Some(&Settled::Active)) {
        let done = run.items_of(id).filter(|(_, state)| **state != Settled::Active).count();
        let words = if lang == Lang::De { "Einträgen erledigt" } else { "items done" };
        let of = if lang == Lang::De { "von" } else { "of" };
        view.message = view.message.or_else(|| Some(format!("{done} {of} {} {words}", list.len())));
    }
    view
}

/// Who is asked.
fn waits_for(task: &Task, lang: Lang) -> String {
    let hers = task.opened.assign.applicant.then(|| word("waits_for_applicant", lang).to_owned());
    let groups = task.opened.unit.iter().chain(&task.opened.assign.groups).cloned();
    hers.into_iter().chain(groups).collect::<Vec<_>>().join(", ")
}

pub fn called(run: laufzettel_domain::RunId, number: &str) -> Called {
    Called { link: format!("/vorgaenge/{run}"), number: number.to_owned() }
}

fn own_tasks<'r>(run: &'r Run, id: &'r StepId) -> impl Iterator<Item = &'r Task> {
    run.tasks.values().filter(move |t| t.opened.step == *id && t.opened.kind == TaskKind::Human && !t.superseded)
}

fn settled(view: &mut StepView, matter: &Matter<'_>, id: &StepId) {
    let lang = matter.lang;
    match matter.loaded.run.steps.get(id) {
        Some(Settled::Completed { value, .. }) => {
            let mut value = value.clone();
            if let Some(map) = value.as_object_mut() {
                for name in ["shown", "by"] {
                    map.remove(name);
                }
                if let Some(rule) = map.remove("rule") {
                    view.reason = Some(rule_in_words(&rule, lang));
                }
            }
            view.output = matter.result(id, &value);
        }
        Some(Settled::Skipped { because, .. }) => {
            view.reason = Some(match (because, lang) {
                (None, Lang::De) => "Die Bedingung des Schritts war nicht erfüllt.".to_owned(),
                (None, Lang::En) => "The step's condition was false.".to_owned(),
                (Some(other), Lang::De) => format!("Der Schritt „{other}“ wurde übersprungen."),
                (Some(other), Lang::En) => format!("The step \"{other}\" was skipped."),
            });
        }
        Some(Settled::Failed { message, .. }) => view.reason = (!message.is_empty()).then(|| message.clone()),
        _ => {}
    }
}

fn went_in(loaded: &Loaded, effect: &EffectRun, lang: Lang) -> Vec<Shown> {
    match &effect.intent.call {
        Call::Model { prompt, .. } if loaded.gone.is_some() && prompt.is_empty() => Vec::new(),
        Call::Tool { arguments, .. } => {
            let mut rows = Vec::new();
            for (name, value) in arguments.as_object().into_iter().flatten() {
                let row = Shown::of(name, value, lang);
                rows.push(match effect.intent.labels.get(name) {
                    Some(label) => row.labelled(label, lang),
                    None => row,
                });
            }
            rows
        }
        Call::Turn { .. } => Vec::new(),
        Call::Model { prompt, data, .. } => {
            let mut rows = vec![Shown::of("anweisung", &Value::String(prompt.clone()), lang)];
            rows.extend(data.iter().map(|(name, value)| Shown::of(name, value, lang)));
            rows
        }
    }
}

fn kind(kind: &Kind) -> StepKind {
    match kind {
        Kind::Tool(_) => StepKind::Tool,
        Kind::Model(_) => StepKind::Model,
        Kind::Human(_) => StepKind::Human,
        Kind::Rules(_) => StepKind::Rules,
        Kind::Set(_) => StepKind::Set,
        Kind::Wait(_) => StepKind::Wait,
        Kind::Process(_) => StepKind::Process,
        Kind::Agent(_) => StepKind::Agent,
    }
}

fn state(run: &Run, id: &StepId, effect: Option<&EffectRun>) -> StepState {
    let undone = run.effect_of(id, Phase::Undo).is_some_and(|(_, e)| matches!(e.status, EffectStatus::Settled { .. }));
    match (run.steps.get(id), effect.map(|e| &e.status)) {
        _ if undone => StepState::Undone,
        (_, Some(EffectStatus::Doubt)) => StepState::Doubt,
        (_, Some(EffectStatus::Parked(_))) => StepState::Parked,
        (None, _) => StepState::Open,
        (Some(Settled::Active), None) if run.open_children().any(|(slot, _)| slot.step == *id) => StepState::Active,
        (Some(Settled::Active), None) if run.expects.keys().any(|slot| slot.step == *id) => StepState::Awaiting,
        (Some(Settled::Active), None) if run.waits.keys().any(|slot| slot.step == *id) => StepState::Timed,
        (Some(Settled::Active), None) => StepState::Waiting,
        // failed, and somebody is asked what becomes of it; or an agent asks
        (Some(Settled::Active), _) if run.open_tasks().any(|t| t.opened.step == *id && (t.opened.kind == TaskKind::Repair || t.opened.kind.is_own())) => {
            StepState::Waiting
        }
        (Some(Settled::Active), _) => StepState::Active,
        (Some(Settled::Completed { .. }), _) => StepState::Completed,
        (Some(Settled::Skipped { .. }), _) => StepState::Skipped,
        (Some(Settled::Failed { .. }), _) => StepState::Failed,
    }
}
