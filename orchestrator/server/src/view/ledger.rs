//! What of a case left the house, and what of it a model proposed: two answers read off its journal.
//!
//! Counted is every attempt that reached a door, the failed ones, too: what was handed over may have been read. Nothing here is
//! about a person: what became of a proposal stands beside the field, in this one case, and is added up nowhere.

use std::collections::BTreeMap;

use laufzettel_domain::{Lang, Value};
use laufzettel_engine::{TaskKind, TaskState};
use laufzettel_process::model::StepKind;

use super::{Matter, call::Book};
use crate::pages::{
    calls::{Fact, Leaving, Share},
    shown::size,
    words::word,
};

/// The zone that is the house's own (permissions-and-labels.md §4): the only one there may be offline.
const OWN_ZONE: &str = "gruen";

#[derive(Default)]
struct Sum {
    calls: u64,
    bytes: u64,
}

impl Sum {
    fn add(&mut self, bytes: u64) {
        self.calls += 1;
        self.bytes += bytes;
    }
}

/// Where something went: what it was, and whether that is outside.
type Way = (bool, String);

pub fn leaving(book: &Book<'_>, lang: Lang) -> Leaving {
    let mut sums: BTreeMap<Way, Sum> = BTreeMap::new();
    let mut sends: BTreeMap<String, bool> = BTreeMap::new();
    for line in book.lines() {
        let path = line.body.get("path").map(Value::to_string).unwrap_or_default();
        match line.kind.as_str() {
            "effect.intended" => {
                sends.insert(path, line.body["effect"] == "send");
            }
            "effect.settled" | "effect.failed" => {
                let meta = &line.body["meta"];
                if let Some(way) = way(meta, sends.get(&path) == Some(&true), lang) {
                    sums.entry(way).or_default().add(meta["sent"].as_u64().unwrap_or(0));
                }
                handed(&meta["tried"], lang, &mut sums);
            }
            "effect.deferred" => handed(&line.body["sent"], lang, &mut sums),
            _ => {}
        }
    }
    let facts = |outside: bool| {
        let of = sums.iter().filter(move |((out, _), _)| *out == outside);
        of.map(|((_, name), sum)| Fact { name: name.clone(), text: sum_in_words(sum, lang) }).collect()
    };
    let calls = sums.iter().filter(|((out, _), _)| *out).map(|(_, sum)| sum.calls).sum();
    Leaving { calls, outside: facts(true), inside: facts(false) }
}

/// Models that had read a request before another one answered it.
fn handed(list: &Value, lang: Lang, sums: &mut BTreeMap<Way, Sum>) {
    for one in list.as_array().into_iter().flatten() {
        let zone = one["zone"].as_str().unwrap_or_default();
        sums.entry(of_zone(zone, lang)).or_default().add(one["bytes"].as_u64().unwrap_or(0));
    }
}

fn of_zone(zone: &str, lang: Lang) -> Way {
    (zone != OWN_ZONE, format!("{}, {} {zone}", word("kind_model", lang), word("zone", lang)))
}

/// `None`: no door was passed.
fn way(meta: &Value, sends: bool, lang: Lang) -> Option<Way> {
    let target = meta["target"].as_str()?;
    if let Some(zone) = meta["zone"].as_str() {
        return Some(of_zone(zone, lang));
    }
    // a model nobody knows the zone of, or a message nobody knows the reader of, is counted as gone
    let recipient = meta["recipient"].as_str().unwrap_or("andere");
    Some(match target.starts_with("model:") {
        true => (true, word("kind_model", lang).to_owned()),
        false if sends => (recipient != "haus", format!("{target}, {}", word(&format!("recipient_{recipient}"), lang))),
        false => (false, target.to_owned()),
    })
}

fn sum_in_words(sum: &Sum, lang: Lang) -> String {
    let calls = word(if sum.calls == 1 { "call_one" } else { "call_many" }, lang);
    format!("{} {calls}, {}", sum.calls, size(sum.bytes, lang))
}

/// Every field a model had proposed something for, and what the person made of that.
pub fn shares(matter: &Matter<'_>) -> Vec<Share> {
    let process = &matter.loaded.prepared.process;
    let answered = matter.loaded.run.tasks.values().filter(|task| matches!(task.state, TaskState::Completed { .. }) && task.opened.kind == TaskKind::Human);
    let mut found = Vec::new();
    for task in answered {
        let Some(step) = process.steps.get(&task.opened.step) else { continue };
        let StepKind::Human(human) = &step.kind else { continue };
        for field in human.form_order.iter().filter(|field| human.vorschlag.contains_key(*field)) {
            let titled = human.form.root.pointer(&format!("/properties/{field}/title")).and_then(Value::as_str);
            found.extend(matter.origins().proposal(human, task, field).into_iter().map(|source| Share {
                step: step.title.clone(),
                field: titled.unwrap_or(field).to_owned(),
                what: source.detail,
            }));
        }
    }
    found
}
