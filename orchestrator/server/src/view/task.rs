//! A task as people read it: what it shows, in the author's order, and where what is proposed comes from.

use std::collections::BTreeMap;

use laufzettel_domain::Value;
use laufzettel_engine::{Task, TaskKind};
use laufzettel_process::model::{Human, StepKind};

use super::{Matter, lone};
use crate::pages::{Origin, Shown, Source, shown::label_in_words, words::word};

fn human<'m>(matter: &Matter<'m>, task: &Task) -> Option<&'m Human> {
    match &matter.process().steps.get(&task.opened.step)?.kind {
        StepKind::Human(human) if task.opened.kind == TaskKind::Human => Some(human),
        _ => None,
    }
}

/// Every value a task shows, each with where it comes from and how much protection it needs.
pub fn shown(matter: &Matter<'_>, task: &Task) -> Vec<Shown> {
    let Some(human) = human(matter, task) else { return of_call(matter, task) };
    let origins = matter.origins();
    let rows = human.show_order.iter().filter_map(|name| {
        let value = task.opened.show.get(name)?;
        let template = human.show.get(name)?;
        let row = matter.value(name, value, lone(template).and_then(|path| matter.schema_at(path)));
        let row = row.letter(value.is_string() && matter.is_letter(template));
        let row = Shown { protection: task.opened.labels.get(name).map(|label| label_in_words(label, matter.lang)), ..row };
        Some((name, row.from(origins.of(template))))
    });
    apart(matter, rows.collect())
}

/// A title two rows would share says of neither which it is: both go by the names the author gave them in the task.
fn apart(matter: &Matter<'_>, rows: Vec<(&String, Shown)>) -> Vec<Shown> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    rows.iter().for_each(|(_, row)| *times.entry(row.label.clone()).or_default() += 1);
    let rows = rows.into_iter().map(|(name, row)| if times[&row.label] > 1 { Shown { label: matter.spelling.words(name), ..row } } else { row });
    rows.collect()
}

/// What a task of the engine's own shows of a call: what it is, then every argument exactly as it would go out, by its own name.
fn of_call(matter: &Matter<'_>, task: &Task) -> Vec<Shown> {
    let Some(show) = task.opened.show.as_object() else { return super::list(matter.loaded, &task.opened.show, matter.lang) };
    let protected = |row: Shown, name: &str| match task.opened.labels.get(name) {
        Some(label) => row.labelled(label, matter.lang),
        None => row,
    };
    let told = show.iter().filter(|(name, _)| !["argumente", "herkunft"].contains(&name.as_str()));
    let told = told.map(|(name, value)| protected(Shown::of(name, value, matter.lang).from([about(matter, task, name)]), name));
    let arguments = show.get("argumente").and_then(Value::as_object).into_iter().flatten().map(|(name, value)| {
        let from = show.get("herkunft").and_then(|origins| origins.get(name)).and_then(Value::as_str);
        protected(Shown::exact(name, value, matter.loaded.run.id).from(argument(matter, task, name, from)), "argumente")
    });
    told.chain(arguments).collect()
}

/// Where the engine has what it says about a call.
fn about(matter: &Matter<'_>, task: &Task, name: &str) -> Source {
    let of = |kind, key: &str| Source::new(kind, word(key, matter.lang));
    match (&task.opened.kind, name) {
        (TaskKind::Ask, _) => of(Origin::Modell, "asked_by_model"),
        (TaskKind::Approval, "werkzeug") => of(Origin::Modell, "chosen_by_model"),
        (TaskKind::Approval, _) => of(Origin::Regel, "by_configuration"),
        (_, "schritt" | "ziel") => Source::new(Origin::Prozess, word("fixed_text", matter.lang)),
        _ => Source::new(Origin::Vorgang, ""),
    }
}

/// Where an argument comes from. Of an agent's call the engine has written it down in words, with the call; of any other the step's
/// template says it.
fn argument(matter: &Matter<'_>, task: &Task, name: &str, written: Option<&str>) -> Vec<Source> {
    if let Some(written) = written {
        let kind = match written {
            "vom Modell vorgeschlagen" => Origin::Modell,
            _ => Origin::Prozess,
        };
        return vec![Source::new(kind, written)];
    }
    let step = matter.process().steps.get(&task.opened.step);
    let undo = task.opened.path.as_ref().is_some_and(|path| path.phase == laufzettel_domain::names::Phase::Undo);
    let call = step.and_then(|step| match &step.kind {
        _ if undo => step.undo.as_ref(),
        StepKind::Tool(call) => Some(call),
        _ => None,
    });
    match (call.and_then(|call| call.with.get(name)), step.map(|step| &step.kind)) {
        (Some(template), _) => matter.origins().of(template),
        (None, Some(StepKind::Agent(_))) => vec![Source::new(Origin::Modell, word("chosen_by_model", matter.lang))],
        (None, _) => vec![Source::new(Origin::Prozess, word("fixed_text", matter.lang))],
    }
}

/// By the field of the form it is for: where what is proposed comes from.
pub fn proposals(matter: &Matter<'_>, task: &Task) -> BTreeMap<String, Vec<Source>> {
    let templates = human(matter, task).map(|human| &human.vorschlag).into_iter().flatten();
    templates.map(|(field, template)| (field.clone(), matter.origins().of(template))).collect()
}
