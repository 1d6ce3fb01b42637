//! Where a value truly comes from: what an expression reads, followed through the steps between to whoever said it first: the
//! applicant, a register, a model, a rule, a person.
//!
//! It reads a run and its journal and judges nothing: of a value made of several it names all of them.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Lang, Path, StepId, Value};
use laufzettel_engine::{Run, StepState, Task, TaskKind, TaskState};
use laufzettel_process::{
    expression::{Expression, Template},
    model::{Human, Step, StepKind},
};
use laufzettel_worker::{Loaded, Record};

use crate::pages::{Origin, Source, shown::plain, words::word};

/// Steps followed back at most; the longest way through a process of sixty steps is shorter.
const HOPS_MAX: usize = 64;

/// What the journal knows of the steps, and a run does not keep.
#[derive(Debug, Default)]
pub struct Voices {
    /// Models that answered, with the zone each stands in.
    models: BTreeMap<String, BTreeSet<(String, String)>>,
    /// Who supplied the value of a failed step, or said what came of a call.
    people: BTreeMap<String, String>,
    /// Who said what came of a call an agent had made on the way: the answer is still the model's.
    beside: BTreeMap<String, BTreeSet<String>>,
    /// By task: who handed it on last, to whom, and with what note.
    handed: BTreeMap<u64, (String, String, String)>,
}

impl Voices {
    pub fn of(records: &[Record]) -> Self {
        let mut voices = Self::default();
        for record in records {
            if record.draft.kind == "task.handed" {
                voices.hand(record);
                continue;
            }
            if ["effect.settled", "step.completed"].contains(&record.draft.kind.as_str())
                && let Some(body) = record.draft.body()
            {
                voices.hear(&body);
            }
        }
        voices
    }

    /// Of what a step or one of its calls gave: a person who said it, or the model that answered.
    fn hear(&mut self, body: &Value) {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let Some(step) = text("/path/step").or_else(|| text("/step")) else { return };
        let on_the_way = body.pointer("/path/call").and_then(Value::as_u64).is_some_and(|call| call > 0);
        match (text("/by/name"), text("/meta/model"), text("/meta/zone")) {
            (Some(person), ..) if on_the_way => {
                self.beside.entry(step).or_default().insert(person);
            }
            (Some(person), ..) => {
                self.people.insert(step, person);
            }
            (None, Some(model), Some(zone)) => {
                self.models.entry(step).or_default().insert((model, zone));
            }
            _ => {}
        }
    }

    fn hand(&mut self, record: &Record) {
        let (body, content) = (record.draft.body().unwrap_or_default(), record.draft.content().unwrap_or_default());
        let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(number) = body["number"].as_u64() {
            self.handed.insert(number, (text(&body, "/by/name"), text(&body, "/to/subject"), text(&content, "/note")));
        }
    }

    /// Who handed a task to the one who has it now, and with what note.
    pub fn handed_to(&self, number: u32, subject: &str) -> Option<(&str, &str)> {
        let (by, to, note) = self.handed.get(&u64::from(number))?;
        (to == subject).then_some((by, note))
    }
}

/// Finds where values of one run come from.
pub struct Origins<'o> {
    loaded: &'o Loaded,
    voices: &'o Voices,
    lang: Lang,
}

impl<'o> Origins<'o> {
    pub fn new(loaded: &'o Loaded, voices: &'o Voices, lang: Lang) -> Self {
        Self { loaded, voices, lang }
    }

    fn run(&self) -> &'o Run {
        &self.loaded.run
    }

    /// All sources of a template's value, the least certain first. What reads nothing is a text of the process.
    pub fn of(&self, template: &Template) -> Vec<Source> {
        let mut found = BTreeSet::new();
        self.template(template, 0, &mut found);
        if found.is_empty() {
            found.insert(self.fixed());
        }
        found.into_iter().collect()
    }

    /// The same of one expression.
    pub fn of_expression(&self, expression: &Expression) -> Vec<Source> {
        let mut found = BTreeSet::new();
        expression.analysis.paths().iter().for_each(|path| self.path(path, 0, &mut found));
        if found.is_empty() {
            found.insert(self.fixed());
        }
        found.into_iter().collect()
    }

    /// Of what a step gave, or one item of it: whoever gave it. `below`: the way into it.
    pub fn of_output(&self, id: &StepId, value: &Value, below: &[String]) -> Vec<Source> {
        let mut found = BTreeSet::new();
        if let Some(step) = self.loaded.prepared.process.steps.get(id) {
            self.source(id, step, value, below, 0, &mut found);
        }
        if found.is_empty() {
            found.insert(self.fixed());
        }
        found.into_iter().collect()
    }

    pub fn fixed(&self) -> Source {
        Source::new(Origin::Prozess, word("fixed_text", self.lang))
    }

    /// What a model said in a step, whichever of its models it was.
    pub fn models(&self, step: &StepId) -> Vec<Source> {
        let said = self.voices.models.get(step.as_str()).into_iter().flatten();
        let named: Vec<Source> = said.map(|(model, zone)| Source::new(Origin::Modell, format!("{model}, {} {zone}", word("zone", self.lang)))).collect();
        if named.is_empty() { vec![Source::new(Origin::Modell, "")] } else { named }
    }

    fn template(&self, template: &Template, hops: usize, found: &mut BTreeSet<Source>) {
        for path in template.expressions().iter().flat_map(|expression| expression.analysis.paths()) {
            self.path(&path, hops, found);
        }
    }

    fn path(&self, path: &Path, hops: usize, found: &mut BTreeSet<Source>) {
        if hops > HOPS_MAX {
            return;
        }
        match (path.root(), path.step()) {
            ("input", _) if stands(&self.run().input, path.0.get(1..).unwrap_or_default()) => {
                found.insert(self.began());
            }
            ("run", _) => {
                found.insert(Source::new(Origin::Vorgang, ""));
            }
            ("steps", Some(step)) => {
                if let Some((id, step)) = self.loaded.prepared.process.steps.get_key_value(step) {
                    self.step(id, step, step.below(path), path, hops + 1, found);
                }
            }
            _ => {}
        }
    }

    /// Whoever began the run, and how.
    fn began(&self) -> Source {
        let run = self.run();
        let detail = match &run.parent {
            _ if run.caller.is_applicant() => String::new(),
            Some(_) => format!("{} {}", word("from_case", self.lang), run.nummer.rsplit_once('/').map_or("", |(number, _)| number)),
            None => format!("{} {}", word("entered_by", self.lang), run.caller.name),
        };
        Source::new(Origin::Antrag, detail)
    }

    fn step(&self, id: &StepId, step: &Step, below: &[String], path: &Path, hops: usize, found: &mut BTreeSet<Source>) {
        let Some(StepState::Completed { value, .. }) = self.run().steps.get(id) else { return };
        // what is not there has given nothing: the author's own word stands in its place
        if !stands(value, path.0.get(2..).unwrap_or_default()) {
            return;
        }
        self.source(id, step, value, below, hops, found);
    }

    fn source(&self, id: &StepId, step: &Step, value: &Value, below: &[String], hops: usize, found: &mut BTreeSet<Source>) {
        if let Some(person) = self.voices.people.get(id.as_str()) {
            found.insert(Source::new(Origin::Mensch, person));
            return;
        }
        match &step.kind {
            StepKind::Tool(call) => {
                found.insert(Source::new(Origin::Register, format!("{} ({})", step.title, call.name())));
            }
            // over an empty list nobody was asked
            StepKind::Model(_) | StepKind::Agent(_) if value.as_array().is_some_and(Vec::is_empty) => {}
            StepKind::Model(_) | StepKind::Agent(_) => {
                found.extend(self.models(id));
                let beside = self.voices.beside.get(id.as_str()).into_iter().flatten();
                found.extend(beside.map(|person| Source::new(Origin::Mensch, person)));
            }
            StepKind::Rules(_) => found.extend(rows(value).into_iter().map(|rule| Source::new(Origin::Regel, rule_in_words(rule, self.lang)))),
            StepKind::Set(template) => {
                let part = part(template, below);
                self.template(part, hops, found);
                // an item is one of the list the step runs over
                if let Some(each) = step.each.as_ref().filter(|_| reads_item(part)) {
                    each.list.analysis.paths().iter().for_each(|path| self.path(path, hops, found));
                }
            }
            StepKind::Human(human) => self.human(id, human, below, hops, found),
            StepKind::Process(_) => {
                let children = self.run().children.iter().filter(|(slot, _)| slot.step == *id);
                found.extend(children.map(|(_, child)| Source::new(Origin::Vorgang, child.nummer.clone())));
            }
            StepKind::Wait(wait) if wait.event().is_some() => {
                found.insert(Source::new(Origin::Register, format!("{}: {}", word("news", self.lang), step.title)));
            }
            StepKind::Wait(wait) => wait.templates().into_iter().for_each(|(_, template)| self.template(template, hops, found)),
        }
    }

    /// What a person said; what she was shown comes from where it was shown from.
    fn human(&self, id: &StepId, human: &Human, below: &[String], hops: usize, found: &mut BTreeSet<Source>) {
        match below {
            [shown, name, ..] if shown == "shown" => {
                if let Some(template) = human.show.get(name) {
                    self.template(template, hops, found);
                }
            }
            [shown] if shown == "shown" => human.show.values().for_each(|template| self.template(template, hops, found)),
            [field, ..] => self.answered(id, human, Some(field), found),
            [] => self.answered(id, human, None, found),
        }
    }

    fn answered(&self, id: &StepId, human: &Human, field: Option<&String>, found: &mut BTreeSet<Source>) {
        for (task, by) in answers(self.run(), id) {
            if human.asks_applicant() && task.opened.assign.applicant {
                found.insert(Source::new(Origin::Antrag, word("her_answer", self.lang)));
            }
            // who answered for her is somebody of the house; she herself is not
            if !matches!(&task.state, TaskState::Completed { by, .. } if by.is_applicant()) {
                found.insert(Source::new(Origin::Mensch, by));
            }
            for name in human.vorschlag.keys().filter(|name| field.is_none_or(|field| field == *name)) {
                found.extend(self.proposal(human, task, name));
            }
        }
    }

    /// Of a field a model had proposed something for: which model, and whether the person has kept it. It tells about the case,
    /// never about the person: nothing is counted over cases.
    pub fn proposal(&self, human: &Human, task: &Task, field: &str) -> Vec<Source> {
        let (TaskState::Completed { values, .. }, Some(proposed)) = (&task.state, task.opened.vorschlag.get(field)) else { return Vec::new() };
        let Some(template) = human.vorschlag.get(field) else { return Vec::new() };
        let kept = word(if values.get(field) == Some(proposed) { "proposal_kept" } else { "proposal_changed" }, self.lang);
        let models = self.of(template).into_iter().filter(|source| source.kind == Origin::Modell);
        models
            .map(|source| Source { detail: if source.detail.is_empty() { kept.to_owned() } else { format!("{}; {kept}", source.detail) }, ..source })
            .collect()
    }
}

/// Completed tasks of a human step that count, with who completed each.
pub fn answers<'r>(run: &'r Run, step: &'r StepId) -> impl Iterator<Item = (&'r Task, &'r str)> {
    run.tasks.values().filter_map(move |task| match &task.state {
        TaskState::Completed { by, .. } if task.opened.step == *step && task.opened.kind == TaskKind::Human && !task.superseded => {
            Some((task, by.name.as_str()))
        }
        _ => None,
    })
}

/// Whether a template of a step that runs over a list says something of the item.
fn reads_item(template: &Template) -> bool {
    template.expressions().iter().flat_map(|expression| expression.analysis.paths()).any(|path| path.root() == "item")
}

/// Whether there is anything at this place; of a list, in any of its elements.
fn stands(value: &Value, path: &[String]) -> bool {
    match (path.split_first(), value) {
        (None, value) => !value.is_null(),
        (Some((part, rest)), Value::Array(items)) if part == Path::EACH => items.iter().any(|item| stands(item, rest)),
        (Some((part, rest)), Value::Array(items)) => part.parse::<usize>().ok().and_then(|n| items.get(n)).is_some_and(|item| stands(item, rest)),
        (Some((part, rest)), Value::Object(map)) => map.get(part).is_some_and(|inner| stands(inner, rest)),
        _ => false,
    }
}

/// The part of a template that makes this part of its value.
pub fn part<'t>(template: &'t Template, below: &[String]) -> &'t Template {
    match (template, below.split_first()) {
        (Template::Map(map), Some((key, rest))) => map.get(key).map_or(template, |inner| part(inner, rest)),
        (Template::List(items), Some((n, rest))) => n.parse::<usize>().ok().and_then(|n| items.get(n)).map_or(template, |inner| part(inner, rest)),
        _ => template,
    }
}

/// The rows of tables a step took; of `each` several.
fn rows(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().filter_map(|item| item.get("rule")).collect(),
        other => other.get("rule").into_iter().collect(),
    }
}

/// Digits of a digest people compare by eye.
const DIGEST_CHARS: usize = 12;

pub fn rule_in_words(rule: &Value, lang: Lang) -> String {
    let (table, row, version) = (plain(&rule["table"]), plain(&rule["row"]), plain(&rule["version"]));
    // of a digest as much as tells two versions apart; all of it stands in the journal
    let version: String = version.strip_prefix("sha256:").map_or_else(|| version.clone(), |digest| digest.chars().take(DIGEST_CHARS).collect());
    match lang {
        Lang::De => format!("Tabelle „{table}“, Zeile {row}, Fassung {version}"),
        Lang::En => format!("table “{table}”, row {row}, version {version}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Who said what came of a call of an agent has not written its answer.
    #[test]
    fn an_answer_is_the_models_whoever_said_what_came_of_its_calls() {
        let mut voices = Voices::default();
        for body in [
            json!({ "path": { "step": "agent", "turn": 1, "call": 1 }, "by": { "name": "Sabine Weber" } }),
            json!({ "path": { "step": "agent", "turn": 2 }, "meta": { "model": "mock", "zone": "gruen" } }),
            json!({ "path": { "step": "suche" }, "by": { "name": "Andreas Klein" } }),
            json!({ "step": "ersatz", "by": { "name": "Andreas Klein" } }),
            json!({ "step": "rechnung" }),
        ] {
            voices.hear(&body);
        }
        let people = ["suche", "ersatz"].map(|step| (step.to_owned(), "Andreas Klein".to_owned()));
        assert_eq!(voices.people, BTreeMap::from(people));
        assert_eq!(voices.beside, BTreeMap::from([("agent".to_owned(), BTreeSet::from(["Sabine Weber".to_owned()]))]));
        assert_eq!(voices.models, BTreeMap::from([("agent".to_owned(), BTreeSet::from([("mock".to_owned(), "gruen".to_owned())]))]));
    }

    #[test]
    fn a_place_stands_where_something_is() {
        let value = json!({ "a": [{ "b": null }, { "b": 1 }], "c": {} });
        for (path, expected) in [("", true), ("c", true), ("c.x", false), ("a.*.b", true), ("a.0.b", false), ("a.1.b", true), ("a.7", false)] {
            let parts: Vec<String> = path.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect();
            assert_eq!(stands(&value, &parts), expected, "{path}");
        }
    }
}
