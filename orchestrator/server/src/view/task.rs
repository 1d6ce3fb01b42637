//! A task as people read it: what it shows, in the author's order, and where what is proposed comes from.

use std::collections::BTreeMap;

use laufzettel_domain::{Label, Lang, Slot, Trust, Value, money, names::Phase};
use laufzettel_engine::{Call, EffectStatus, Task, TaskKind};
use laufzettel_process::{
    model::{Human, StepKind, ToolCall},
    schema::is_cent,
};

use super::{Matter, lone};
use crate::pages::{
    Origin, Shown, Source,
    shown::label_in_words,
    words::{format_moment, known, word},
};

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
        let row = row.letter(Some(template).filter(|_| value.is_string()).and_then(|template| matter.letter(template, slot(task))));
        let row = Shown { protection: task.opened.labels.get(name).map(|label| label_in_words(label, matter.lang)), ..row };
        Some((name, row.from(origins.of(template))))
    });
    apart(matter, rows.collect())
}

fn slot(task: &Task) -> Slot {
    Slot { step: task.opened.step.clone(), item: task.opened.item }
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
    let told = told.map(|(name, value)| protected(named(matter, name, value).from([about(matter, task, name)]), name));
    let arguments = show.get("argumente").and_then(Value::as_object).into_iter().flatten().map(|(name, value)| {
        let from = show.get("herkunft").and_then(|origins| origins.get(name)).and_then(Value::as_str);
        let row = exact(matter, task, name, value).from(argument(matter, task, name, from));
        // a text of the released process is nobody's unchecked word, whatever else the call carries
        let own = from.is_none().then(|| call_of(matter, task).and_then(|call| call.with.get(name))).flatten();
        let fixed = from == Some(FIXED) || own.is_some_and(|template| template.expressions().iter().all(|part| part.analysis.paths().is_empty()));
        match task.opened.labels.get("argumente").filter(|_| fixed) {
            Some(label) => row.labelled(&Label { trust: Trust::Trusted, ..label.clone() }, matter.lang),
            None => protected(row, "argumente"),
        }
    });
    let failed = if task.opened.kind == TaskKind::Repair { failed_call(matter, task) } else { Vec::new() };
    told.chain(arguments).chain(failed).collect()
}

/// What the engine says of a call, under its own name, in words.
fn named(matter: &Matter<'_>, name: &str, value: &Value) -> Shown {
    let words = |key: &str| known(&format!("eigen_zeigt_{key}"), matter.lang);
    let at = || {
        let at: jiff::Timestamp = value.as_str().filter(|_| name == "stand")?.parse().ok()?;
        Some(format_moment(at.to_zoned(matter.loaded.prepared.context.zone()).datetime(), matter.lang))
    };
    let said = value.as_str().and_then(|text| words(&format!("{name}_{text}"))).map(str::to_owned).or_else(at);
    let row = Shown::of(name, &said.map_or_else(|| value.clone(), Value::String), matter.lang);
    Shown { label: words(name).map_or(row.label, str::to_owned), ..row }
}

/// An argument exactly as it goes out; of cents, what they are in euro stands beside.
fn exact(matter: &Matter<'_>, task: &Task, name: &str, value: &Value) -> Shown {
    let mut row = Shown::exact(name, value, matter.loaded.run.id);
    let cent = value.as_i64().filter(|_| is_amount(matter, task, name));
    if let ([line], Some(cent)) = (row.lines.as_mut_slice(), cent) {
        line.text = format!("{} ({})", line.text, money::spelled(cent, matter.lang));
    }
    row
}

/// Whether the tool says so of its argument, or the author of the one value it is.
fn is_amount(matter: &Matter<'_>, task: &Task, name: &str) -> bool {
    let way = [name.to_owned()];
    let offered = task.opened.show.get("werkzeug").and_then(Value::as_str).and_then(|tool| matter.loaded.prepared.context.types.offered.get(tool));
    let told = offered.and_then(|tool| tool.input.field(&way)).is_some_and(is_cent);
    let place = call_of(matter, task).and_then(|call| call.with.get(name)).and_then(lone);
    told || place.and_then(|path| matter.schema_at(path)).and_then(|(schema, below)| schema.field(below)).is_some_and(is_cent)
}

/// The call of a step that failed: what was sent to which tool. Of an agent's calls the last one that came to nothing.
fn failed_call(matter: &Matter<'_>, task: &Task) -> Vec<Shown> {
    let failed =
        matter.loaded.run.effects.iter().filter(|(path, effect)| path.step == task.opened.step && matches!(effect.status, EffectStatus::GaveUp { .. }));
    let called = failed.filter_map(|(_, effect)| match &effect.intent.call {
        Call::Tool { arguments, .. } => Some((effect, arguments)),
        _ => None,
    });
    let Some((effect, arguments)) = called.max_by_key(|(effect, _)| effect.updated_at) else { return Vec::new() };
    let target = Value::from(effect.intent.target.clone());
    let to = named(matter, "ziel", &target).from([about(matter, task, "ziel")]);
    let label = Label::join_all(effect.intent.labels.values());
    let sent = arguments.as_object().into_iter().flatten().map(|(name, value)| {
        exact(matter, task, name, value).labelled(effect.intent.labels.get(name).unwrap_or(&label), matter.lang).from(argument(matter, task, name, None))
    });
    std::iter::once(to).chain(sent).collect()
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
        return vec![written_down(written, matter.lang)];
    }
    let step = matter.process().steps.get(&task.opened.step);
    match (call_of(matter, task).and_then(|call| call.with.get(name)), step.map(|step| &step.kind)) {
        (Some(template), _) => matter.origins().of(template),
        (None, Some(StepKind::Agent(_))) => vec![Source::new(Origin::Modell, word("chosen_by_model", matter.lang))],
        (None, _) => vec![Source::new(Origin::Prozess, word("fixed_text", matter.lang))],
    }
}

/// What the engine wrote down of an argument, in the reader's language.
fn written_down(written: &str, lang: Lang) -> Source {
    let own = |key: &str| word(key, lang);
    match written {
        PROPOSED => Source::new(Origin::Modell, own("proposed_by_model")),
        FIXED => Source::new(Origin::Prozess, own("fixed_text")),
        given => {
            let Some(places) = given.strip_prefix(GIVEN) else { return Source::new(Origin::Prozess, given) };
            let told = |end: &str, key: &str| places.strip_suffix(end).map(|places| format!("{} {places}: {}", own("given_by_process"), own(key)));
            let told = told(FOREIGN, "given_foreign").or_else(|| told(INERT, "given_inert"));
            Source::new(Origin::Prozess, told.unwrap_or_else(|| format!("{} {places}", own("given_by_process"))))
        }
    }
}

/// How the engine writes down where an argument comes from (`engine::steps::agent::tasks::origin`).
const PROPOSED: &str = "vom Modell vorgeschlagen";
const FIXED: &str = "fester Text des Prozesses";
const GIVEN: &str = "vom Prozess vorgegeben, aus ";
const FOREIGN: &str = ": Angabe aus fremder Quelle";
const INERT: &str = ": fremde Angabe in fester Form";

/// The call the step's author wrote, or that of its undo.
fn call_of<'m>(matter: &Matter<'m>, task: &Task) -> Option<&'m ToolCall> {
    let step = matter.process().steps.get(&task.opened.step)?;
    match &step.kind {
        _ if task.opened.path.as_ref().is_some_and(|path| path.phase == Phase::Undo) => step.undo.as_ref(),
        StepKind::Tool(call) => Some(call),
        _ => None,
    }
}

/// By the field of the form it is for: where what is proposed comes from.
pub fn proposals(matter: &Matter<'_>, task: &Task) -> BTreeMap<String, Vec<Source>> {
    let templates = human(matter, task).map(|human| &human.vorschlag).into_iter().flatten();
    templates.map(|(field, template)| (field.clone(), matter.origins().of(template))).collect()
}
