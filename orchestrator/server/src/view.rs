//! From a run to what a person reads of it: values with origin and label, steps with the reason of each decision.

use laufzettel_domain::{Lang, Path, StepId, Text, Value, names::Phase};
use laufzettel_engine::{Call, EffectRun, EffectStatus, Run, StepState as Settled, Task, TaskKind, TaskState};
use laufzettel_process::{Process, expression::Template, model::StepKind as Kind};
use laufzettel_worker::Loaded;

use crate::pages::{Called, Origin, Shown, StepKind, StepState, StepView, words::word};

/// What a task shows, in the author's order, each with where it comes from and how much protection it needs.
pub fn shown(loaded: &Loaded, task: &Task, lang: Lang) -> Vec<Shown> {
    let process = &loaded.prepared.process;
    let human = match process.steps.get(&task.opened.step).map(|s| &s.kind) {
        Some(Kind::Human(human)) if task.opened.kind == TaskKind::Human => Some(human),
        _ => None,
    };
    let Some(human) = human else { return of_call(loaded, task, lang) };
    let rows = human.show_order.iter().filter_map(|name| {
        let value = task.opened.show.get(name)?;
        let mut row = Shown::of(name, value, lang);
        if let Some(label) = task.opened.labels.get(name) {
            row = row.labelled(label);
        }
        if let Some(origin) = human.show.get(name).and_then(|t| origin(process, t)) {
            row = row.from(origin);
        }
        row.link = file_link(&loaded.run, value);
        Some(row)
    });
    rows.collect()
}

/// A task about a call: what it is, then every argument exactly as it would go out, by its own name, with where it comes from.
fn of_call(loaded: &Loaded, task: &Task, lang: Lang) -> Vec<Shown> {
    let Some(show) = task.opened.show.as_object() else { return list(loaded, &task.opened.show, lang) };
    let label = |name: &str| task.opened.labels.get(name);
    let plain = show.iter().filter(|(name, _)| !["argumente", "herkunft"].contains(&name.as_str())).map(|(name, value)| {
        let row = Shown::of(name, value, lang);
        let row = if task.opened.kind == TaskKind::Ask { row.from(Origin::Modell) } else { row };
        label(name).map_or(row.clone(), |label| row.labelled(label))
    });
    let arguments = show.get("argumente").and_then(Value::as_object).into_iter().flatten().map(|(name, value)| {
        let from = show.get("herkunft").and_then(|origins| origins.get(name)).and_then(Value::as_str);
        let row = Shown::exact(name, value, from);
        let row = label("argumente").map_or(row.clone(), |label| row.labelled(label));
        Shown { link: file_link(&loaded.run, value), ..row }
    });
    plain.chain(arguments).collect()
}

/// A value in rows; where it was erased, none.
fn list(loaded: &Loaded, value: &Value, lang: Lang) -> Vec<Shown> {
    if loaded.gone.is_some() && value.is_null() { Vec::new() } else { Shown::list(value, &[], lang) }
}

fn file_link(run: &Run, value: &Value) -> Option<String> {
    let file = laufzettel_domain::file::File::from_value(value)?;
    Some(format!("/vorgaenge/{}/dateien/{}", run.id, file.file.strip_prefix("blob:")?))
}

/// Where the values of a template come from; the least certain source counts.
fn origin(process: &Process, template: &Template) -> Option<Origin> {
    let mut found: Option<Origin> = None;
    for path in template.expressions().iter().flat_map(|e| e.analysis.paths()) {
        let origin = of_path(process, &path);
        let rank = |o: &Origin| match o {
            Origin::Modell => 0,
            Origin::Antrag => 1,
            Origin::Register => 2,
            Origin::Regel => 3,
            Origin::Mensch => 4,
        };
        found = match (found, origin) {
            (Some(a), Some(b)) => Some(if rank(&a) <= rank(&b) { a } else { b }),
            (a, b) => a.or(b),
        };
    }
    found
}

fn of_path(process: &Process, path: &Path) -> Option<Origin> {
    match (path.root(), path.step()) {
        (_, Some(step)) => match &process.steps.get(step)?.kind {
            Kind::Tool(_) => Some(Origin::Register),
            Kind::Model(_) => Some(Origin::Modell),
            Kind::Human(human) if human.asks_applicant() => Some(Origin::Antrag),
            Kind::Human(_) => Some(Origin::Mensch),
            Kind::Rules(_) => Some(Origin::Regel),
            Kind::Set(template) => origin(process, template),
            Kind::Process(_) => Some(Origin::Register),
            Kind::Agent(_) => Some(Origin::Modell),
            Kind::Wait(wait) if wait.event().is_some() => Some(Origin::Register),
            Kind::Wait(wait) => wait.templates().into_iter().find_map(|(_, template)| origin(process, template)),
        },
        ("input", None) => Some(Origin::Antrag),
        _ => None,
    }
}

pub fn step(loaded: &Loaded, id: &StepId, lang: Lang) -> StepView {
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
    settled(&mut view, loaded, id, lang);
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
        view.input = shown(loaded, task, lang);
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

fn settled(view: &mut StepView, loaded: &Loaded, id: &StepId, lang: Lang) {
    match loaded.run.steps.get(id) {
        Some(Settled::Completed { value, .. }) => {
            let mut value = value.clone();
            if let Some(map) = value.as_object_mut() {
                for name in ["shown", "by"] {
                    map.remove(name);
                }
                if let Some(rule) = map.remove("rule") {
                    view.reason = Some(rule_sentence(&rule, lang));
                }
            }
            view.output = list(loaded, &value, lang);
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

fn rule_sentence(rule: &Value, lang: Lang) -> String {
    let table = rule["table"].as_str().unwrap_or_default();
    match lang {
        Lang::De => format!("Tabelle „{table}“, Zeile {}, Fassung {}", rule["row"], rule["version"].as_str().unwrap_or_default()),
        Lang::En => format!("table \"{table}\", row {}, version {}", rule["row"], rule["version"].as_str().unwrap_or_default()),
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
                    Some(label) => row.labelled(label),
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
