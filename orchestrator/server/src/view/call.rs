//! The calls of a step, out of the run and its journal: what was sent where, under whose rights, why that was allowed, every attempt.

use std::collections::BTreeMap;

use laufzettel_domain::{Caller, EffectPath, Lang, StepId, Value, names::Phase};
use laufzettel_engine::{Call, EffectRun, EffectStatus, sentence};
use laufzettel_process::{
    Process,
    expression::Template,
    model::{Step, StepKind},
};
use laufzettel_worker::{Record, veil};

use super::Matter;
use crate::pages::{
    Origin, Shown, Source,
    calls::{CallView, Civil, Fact},
    runs::Entry,
    shown::size,
    unseen,
    words::{format_moment, word},
};

/// What the journal of a run says, in its order.
pub struct Book<'b> {
    process: &'b Process,
    lines: Vec<Line>,
    /// Places of the records about each call.
    by_path: BTreeMap<String, Vec<usize>>,
    civil: Civil<'b>,
    lang: Lang,
}

/// Where a record names a step, the one it is about first.
const STEP_PLACES: [&str; 3] = ["/step", "/path/step", "/because"];

pub(super) struct Line {
    pub kind: String,
    at: i64,
    pub body: Value,
    /// Why an attempt failed; content.
    message: String,
}

impl<'b> Book<'b> {
    pub fn new(process: &'b Process, records: &[Record], civil: Civil<'b>, lang: Lang) -> Self {
        let lines: Vec<Line> = records.iter().map(Line::of).collect();
        let mut by_path: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (n, line) in lines.iter().enumerate() {
            if let Some(path) = line.body.get("path") {
                by_path.entry(path.to_string()).or_default().push(n);
            }
        }
        Self { process, lines, by_path, civil, lang }
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// So many records from this one on, as sentences.
    pub fn told(&self, from: usize, count: usize) -> Vec<Entry> {
        self.lines.iter().skip(from).take(count).map(|line| self.entry(line)).collect()
    }

    fn entry(&self, line: &Line) -> Entry {
        let (body, step) = self.titled(&line.body);
        let said = sentence(&line.kind, &body).get(self.lang).to_owned();
        let text = if line.message.is_empty() { said } else { format!("{said} {}", unseen::named(&veil::text(&line.message))) };
        Entry { at: (self.civil)(line.at), text, step }
    }

    /// A body that speaks of steps by their titles, and of instants as people read them; and the name of the step it is about, where it has
    /// another title.
    fn titled(&self, body: &Value) -> (Value, Option<String>) {
        let mut body = body.clone();
        let title = |id: &str| self.process.steps.get(id).filter(|step| step.title != id).map(|step| format!("„{}“", step.title));
        let mut about = None;
        for place in STEP_PLACES {
            let Some(value) = body.pointer_mut(place) else { continue };
            if let Some((id, title)) = value.as_str().and_then(|id| Some((id.to_owned(), title(id)?))) {
                *value = title.into();
                about = about.or(Some(id));
            }
        }
        for value in body.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
            if let Some(at) = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok()) {
                *value = format_moment((self.civil)(at.as_microsecond()), self.lang).into();
            }
        }
        for value in body.get_mut("steps").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(title) = value.as_str().and_then(title) {
                *value = title.into();
            }
        }
        (body, about)
    }

    fn of(&self, path: &EffectPath) -> impl Iterator<Item = &Line> {
        let key = serde_json::to_value(path).unwrap_or_default().to_string();
        self.by_path.get(&key).into_iter().flatten().map(|n| &self.lines[*n])
    }
}

impl Line {
    fn of(record: &Record) -> Self {
        let kind = record.draft.kind.clone();
        let content = (kind == "effect.failed").then(|| record.draft.content()).flatten();
        let message = content.and_then(|content| Some(content.get("message")?.as_str()?.to_owned())).unwrap_or_default();
        Self { at: record.draft.at, body: record.draft.body().unwrap_or_default(), kind, message }
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer)?.as_str()
    }

    fn number(&self, pointer: &str) -> Option<u64> {
        self.body.pointer(pointer)?.as_u64()
    }
}

/// The calls of a step, or of one item of it, in the order they were made.
pub fn calls(matter: &Matter<'_>, book: &Book<'_>, id: &StepId, step: &Step, item: u32) -> Vec<CallView> {
    let own = matter.loaded.run.effects.iter().filter(|(path, _)| path.step == *id && path.item == item);
    own.map(|(path, effect)| call(matter, book, step, path, effect)).collect()
}

fn call(matter: &Matter<'_>, book: &Book<'_>, step: &Step, path: &EffectPath, effect: &EffectRun) -> CallView {
    let lines: Vec<&Line> = book.of(path).filter(|line| line.kind != "effect.intended").collect();
    let own_value = path.turn > 0 || path.call > 0 || path.item > 0;
    let output = match &effect.status {
        EffectStatus::Settled { value } if own_value && path.item == 0 => super::list(matter.loaded, value, matter.lang),
        _ => Vec::new(),
    };
    CallView {
        title: title(path, matter.lang),
        facts: facts(matter.lang, effect, &lines),
        attempts: lines.iter().map(|line| book.entry(line)).collect(),
        input: went_in(matter, step, path, effect),
        output: output.into_iter().map(|row| row.from([said_by(matter, path, effect)])).collect(),
    }
}

/// What answered it.
fn said_by(matter: &Matter<'_>, path: &EffectPath, effect: &EffectRun) -> Source {
    match &effect.intent.call {
        Call::Tool { .. } => Source::new(Origin::Register, effect.intent.target.clone()),
        _ => matter.origins().models(&path.step).into_iter().next().unwrap_or(Source::new(Origin::Modell, "")),
    }
}

fn title(path: &EffectPath, lang: Lang) -> String {
    let mut parts = Vec::new();
    if path.phase == Phase::Undo {
        parts.push(word("undoing", lang).to_owned());
    }
    for (key, n) in [("turn", path.turn), ("call", path.call), ("again", path.iteration)] {
        if n > 0 {
            parts.push(format!("{} {n}", word(key, lang)));
        }
    }
    parts.join(", ")
}

/// Under whose rights: a person's, or a service account's.
pub fn rights_of(who: &Caller, lang: Lang) -> String {
    let kind = if who.is_applicant() {
        "applicant_rights"
    } else if who.service_name().is_some() {
        "service_rights"
    } else {
        "person_rights"
    };
    format!("{} ({})", who.name, word(kind, lang))
}

fn facts(lang: Lang, effect: &EffectRun, lines: &[&Line]) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut say = |key: &str, text: String| facts.push(Fact { name: word(key, lang).to_owned(), text });
    // the last attempt that reached a door tells where it went
    let last = lines.iter().rev().find(|line| line.body.get("meta").is_some());
    let meta = |pointer: &str| last.and_then(|line| line.text(pointer)).map(str::to_owned);
    match &effect.intent.call {
        Call::Tool { .. } => say("tool", effect.intent.target.clone()),
        _ => {
            if let Some(model) = meta("/meta/model") {
                say("model", model);
            }
            if let Some(zone) = meta("/meta/zone") {
                say("zone", zone);
            }
        }
    }
    say("acted_as", rights_of(&effect.intent.who, lang));
    let reason = if lang == Lang::De { "/meta/decision/reason/de" } else { "/meta/decision/reason/en" };
    if let Some(reason) = meta(reason) {
        say("why_allowed", format!("{reason} ({})", meta("/meta/decision/rule").unwrap_or_default()));
    }
    if let Some(recipient) = meta("/meta/recipient") {
        say("recipient", word(&format!("recipient_{recipient}"), lang).to_owned());
    }
    if let Some(figures) = last.map(|line| figures(line, lang)).filter(|figures| !figures.is_empty()) {
        say("figures", figures);
    }
    facts
}

/// Tokens, cost, bytes and time of an attempt.
fn figures(line: &Line, lang: Lang) -> String {
    let mut parts = Vec::new();
    match (line.number("/meta/tokens/0"), line.number("/meta/tokens/1"), line.number("/meta/estimate")) {
        (Some(given), Some(said), _) => parts.push(format!("{given} + {said} {}", word("tokens", lang))),
        (_, _, Some(estimate)) => parts.push(format!("{} {estimate} {}", word("at_most", lang), word("tokens", lang))),
        _ => {}
    }
    if let Some(cost) = line.number("/meta/cost_micro_eur") {
        parts.push(cost_in_words(cost, lang));
    }
    if let Some(sent) = line.number("/meta/sent") {
        parts.push(format!("{} {}", size(sent, lang), word("sent_bytes", lang)));
    }
    if let Some(ms) = line.number("/meta/duration_ms") {
        parts.push(format!("{ms} ms"));
    }
    parts.join(", ")
}

/// Millionths of a euro, to the hundredth of a cent.
pub fn cost_in_words(micro: u64, lang: Lang) -> String {
    let hundredths = micro.div_ceil(100);
    let (whole, rest) = (hundredths / 10_000, hundredths % 10_000);
    if lang == Lang::De { format!("{whole},{rest:04} €") } else { format!("€{whole}.{rest:04}") }
}

/// What was sent, exactly, each part with where it comes from.
fn went_in(matter: &Matter<'_>, step: &Step, path: &EffectPath, effect: &EffectRun) -> Vec<Shown> {
    match &effect.intent.call {
        Call::Model { prompt, .. } if matter.loaded.gone.is_some() && prompt.is_empty() => Vec::new(),
        Call::Turn { .. } => Vec::new(),
        Call::Tool { arguments, .. } => {
            let fixed = with(step, path, effect);
            let rows = arguments.as_object().into_iter().flatten().map(|(name, value)| {
                let from = match (fixed.and_then(|with| with.get(name)), path.call) {
                    (Some(template), _) => matter.origins().of(template),
                    (None, 0) => vec![matter.origins().fixed()],
                    (None, _) => vec![Source::new(Origin::Modell, word("chosen_by_model", matter.lang))],
                };
                let letter = fixed.and_then(|with| with.get(name)).filter(|_| value.is_string()).and_then(|template| matter.letter(template, path.slot()));
                let row = matter.value(name, value, None).letter(letter).from(from);
                match effect.intent.labels.get(name) {
                    Some(label) => row.labelled(label, matter.lang),
                    None => row,
                }
            });
            rows.collect()
        }
        Call::Model { prompt, data, .. } => {
            let asked = step.kind.asks();
            let from = |template: Option<&Template>| template.map_or_else(|| vec![matter.origins().fixed()], |template| matter.origins().of(template));
            let order = Shown::of("anweisung", &Value::String(prompt.clone()), matter.lang).from(from(asked.map(|call| &call.prompt)));
            let given = data.iter().map(|(name, value)| matter.value(name, value, None).from(from(asked.and_then(|call| call.data.get(name)))));
            std::iter::once(order).chain(given).collect()
        }
    }
}

/// What the author wrote for the arguments of a call.
fn with<'s>(step: &'s Step, path: &EffectPath, effect: &EffectRun) -> Option<&'s BTreeMap<String, Template>> {
    match &step.kind {
        _ if path.phase == Phase::Undo => step.undo.as_ref().map(|call| &call.with),
        StepKind::Tool(call) => Some(&call.with),
        StepKind::Agent(agent) => agent.tools.iter().find(|tool| tool.call.name() == effect.intent.target).map(|tool| &tool.call.with),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_rounded_up_to_a_hundredth_of_a_cent() {
        for (micro, de) in [(0, "0,0000 €"), (1, "0,0001 €"), (1_234_567, "1,2346 €")] {
            assert_eq!(cost_in_words(micro, Lang::De), de);
        }
    }
}
