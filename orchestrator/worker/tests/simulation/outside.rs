//! What stands behind the doors: it fails, times out and answers by the dice, and watches what it is asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use laufzettel_domain::{EffectKey, EffectPath, Value};
use laufzettel_doors::{Class, Failure, Reply, Settled};
use laufzettel_policy::{Cleared, ModelCall, ToolCall};
use laufzettel_process::model::Size;
use laufzettel_store::Memory as MemoryStore;
use laufzettel_worker::{Answer, Doors, EndpointFacts, Word};
use serde_json::json;

use crate::{
    check::{Invariant, Violation},
    house::Seeded,
};

/// A call that acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    pub tool: String,
    pub key: EffectKey,
}

/// What really happened outside, and what must not have.
#[derive(Default)]
pub struct World {
    /// In order.
    pub acted: Vec<Act>,
    /// Calls of `melden` that are still on their way: nobody waits for them any more.
    pub flying: Vec<(EffectKey, u32)>,
    /// Up to which attempt the server of `melden` lets a key act no more.
    pub refused: BTreeMap<EffectKey, u32>,
    pub broken: Vec<Violation>,
}

/// A node that sleeps hears its answers late: they are held here until it is awake.
#[derive(Default)]
pub struct Gate {
    closed: AtomicBool,
    opened: tokio::sync::Notify,
}

impl Gate {
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub fn open(&self) {
        self.closed.store(false, Ordering::SeqCst);
        self.opened.notify_waiters();
    }

    async fn pass(&self) {
        if self.closed.load(Ordering::SeqCst) {
            self.opened.notified().await;
        }
    }
}

pub struct Outside {
    pub dice: Arc<Seeded>,
    pub world: Arc<Mutex<World>>,
    pub memory: MemoryStore,
    pub gate: Arc<Gate>,
    /// Whether a server that says "not happened" sees to it that it stays so.
    pub refuses: bool,
    /// Calls whose intents were found in the journal.
    pub found: Mutex<BTreeSet<EffectPath>>,
}

/// What the store answers at once: the one in memory never waits.
pub fn at_once<T>(asked: impl Future<Output = T>) -> T {
    let mut asked = std::pin::pin!(asked);
    match asked.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(answer) => answer,
        std::task::Poll::Pending => unreachable!("the store in memory answers at once"),
    }
}

/// The text of a file that is more sensitive than its tool says.
const SECRET: &str = "geheim";

impl World {
    /// A call of `melden` reaches its server.
    fn arrive(&mut self, key: &EffectKey, attempt: u32) -> bool {
        let acts = self.refused.get(key).is_none_or(|last| attempt > *last);
        if acts {
            self.acted.push(Act { tool: "melden".to_owned(), key: key.clone() });
        }
        acts
    }

    /// What is still on its way under a key reaches its server.
    fn land(&mut self, key: &EffectKey) {
        let (landing, flying) = std::mem::take(&mut self.flying).into_iter().partition(|(other, _)| other == key);
        self.flying = flying;
        let landing: Vec<(EffectKey, u32)> = landing;
        for (key, attempt) in landing {
            self.arrive(&key, attempt);
        }
    }
}

impl Outside {
    /// A call of `melden`: answered, lost on the way there or back, or late.
    fn report(&self, call: &ToolCall) -> Result<Value, Failure> {
        let mut world = self.world.lock().unwrap();
        let lost = Err(Failure::new(Class::Timeout, None, "keine Antwort"));
        match self.dice.next(10) {
            0 => Err(Failure::new(Class::Unavailable, Some(false), "nicht da")),
            1 => lost,
            2 | 3 => {
                world.flying.push((call.key.clone(), call.attempt));
                lost
            }
            4 if world.arrive(&call.key, call.attempt) => lost,
            _ if world.arrive(&call.key, call.attempt) => Ok(json!({ "id": call.key.to_string() })),
            _ => Err(Failure::new(Class::Refused, Some(false), "geschieht nicht mehr")),
        }
    }

    /// What became of it. Whatever is late lands before the answer or after it.
    fn settled(&self, call: &ToolCall) -> Result<Settled, Failure> {
        let mut world = self.world.lock().unwrap();
        let silent = Err(Failure::new(Class::Unavailable, None, "nicht da"));
        let dice = self.dice.next(8);
        if dice == 0 {
            return silent;
        }
        if self.dice.next(2) == 0 {
            world.land(&call.key);
        }
        if world.acted.iter().any(|act| act.key == call.key) {
            let value = json!({ "id": call.key.to_string() });
            return Ok(Settled::Happened(Reply { value, bytes: 1, tokens: None, model: None }));
        }
        if self.refuses {
            world.refused.insert(call.key.clone(), call.attempt);
        }
        world.land(&call.key);
        // its word may be lost, too; asked again, it says it again
        if dice == 1 { silent } else { Ok(Settled::DidNotHappen) }
    }

    fn broken(&self, invariant: Invariant, what: String) {
        self.world.lock().unwrap().broken.push(Violation { invariant, what });
    }

    /// An answer takes its time, and longer while nobody is awake to hear it.
    fn later<T: Send + 'static>(&self, answer: Result<T, Failure>) -> Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + '_>> {
        let looks = self.dice.next(6);
        Box::pin(async move {
            for _ in 0..looks {
                tokio::task::yield_now().await;
            }
            self.gate.pass().await;
            answer
        })
    }

    /// Every call's intent is durable before it is made, with these very arguments.
    fn is_intended(&self, key: &EffectKey, arguments: Option<&Value>) {
        if !self.found.lock().unwrap().insert(key.path.clone()) {
            return;
        }
        let records = at_once(self.memory.history_after(key.run, 0)).unwrap();
        let of = |body: &Value| serde_json::from_value::<EffectPath>(body["path"].clone()).is_ok_and(|path| path == key.path);
        let intent = records.iter().rfind(|record| record.draft.kind == "effect.intended" && record.draft.body().is_some_and(|body| of(&body)));
        match intent.and_then(|record| record.draft.content()) {
            None => self.broken(Invariant::Intended, format!("{key} was never intended")),
            Some(content) if arguments.is_some_and(|arguments| content["call"]["arguments"] != *arguments) => {
                self.broken(Invariant::Intended, format!("{key} was intended as {content}, not with {arguments:?}"));
            }
            Some(_) => {}
        }
    }
}

impl Doors for Outside {
    fn tool<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Answer<'a> {
        let call = call.call();
        self.is_intended(&call.key, Some(&call.arguments));
        if call.tool == "aushang" && call.arguments["text"] == SECRET {
            self.broken(Invariant::Cleared, format!("{} carries what is too sensitive for it", call.key));
        }
        if call.tool == "melden" {
            let answer = self.report(call).map(|value| Reply { value, bytes: 1, tokens: None, model: None });
            return self.later(answer);
        }
        let dice = self.dice.next(10);
        let acts = dice != 0 && dice != 1;
        if acts {
            self.world.lock().unwrap().acted.push(Act { tool: call.tool.clone(), key: call.key.clone() });
        }
        let answer = match dice {
            0 => Err(Failure::new(Class::Unavailable, Some(false), "nicht da")),
            1 | 2 => Err(Failure::new(Class::Timeout, None, "keine Antwort")),
            _ if call.tool == "akte" && self.dice.next(12) == 0 => Ok(json!({ "notiz": SECRET, "idnr": "86095742719" })),
            _ if call.tool == "akte" => Ok(json!({ "notiz": "offen", "idnr": "" })),
            dice => Ok(json!({ "id": call.key.to_string(), "fertig": dice > 6 })),
        };
        let answer = answer.map(|value| Reply { value, bytes: 1, tokens: None, model: None });
        self.later(answer)
    }

    fn settle<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Word<'a> {
        self.later(self.settled(call.call()))
    }

    /// Half the time it is not there; now and then it breaks off.
    fn model<'a>(&'a self, endpoint: &'a str, call: &'a Cleared<ModelCall>) -> Answer<'a> {
        assert_ne!(endpoint, "weit", "an outage sends nothing to another zone");
        self.is_intended(&call.call().key, None);
        let answer = match self.dice.next(20) {
            0..10 => Err(Failure::new(Class::Unavailable, Some(false), "nicht da")),
            10 => Err(Failure::new(Class::Timeout, None, "keine Antwort")),
            _ => Ok(Reply { value: said(call.call()), bytes: 1, tokens: Some((3, 1)), model: None }),
        };
        self.later(answer)
    }

    fn endpoints(&self) -> Vec<EndpointFacts> {
        let of = |name: &str, zone: &str| EndpointFacts { name: name.into(), zone: zone.into(), size: Size::L, context: 10_000 };
        vec![of("weit", "rot"), of("eins", "gruen"), of("zwei", "gruen")]
    }
}

/// An agent reads twice at once, writes, asks, and answers; it says the same whenever it is asked the same.
fn said(call: &ModelCall) -> Value {
    match call.dialogue.as_ref().map(|dialogue| dialogue.turns.len()) {
        Some(0) => json!({ "calls": [{ "tool": "t/lesen", "with": {} }, { "tool": "t/lesen", "with": { "n": 2 } }] }),
        Some(1) => json!({ "tool": "t/schreiben", "with": { "n": 3 } }),
        Some(2) => json!({ "ask": "Gut so?" }),
        Some(_) | None => json!("{\"a\": \"ja\"}"),
    }
}
