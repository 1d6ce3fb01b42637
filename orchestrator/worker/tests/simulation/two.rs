//! Two nodes over one store, the first of which does not know that its place was taken.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use laufzettel_doors::Reply;
use laufzettel_policy::{Cleared, ModelCall, ToolCall};
use laufzettel_store::{Faults, Memory as MemoryStore};
use laufzettel_worker::{Answer, Doors, EndpointFacts};
use serde_json::json;

use super::{HandClock, PROCESS, Seeded, accept, desk_of};

/// Tools that take three seconds, and the steps they were called for.
#[derive(Clone, Default)]
struct Called(Arc<Mutex<Vec<String>>>);

impl Doors for Called {
    fn tool<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Answer<'a> {
        self.0.lock().unwrap().push(call.call().key.path.to_string());
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            Ok(Reply { value: json!({}), bytes: 1, tokens: None, model: None })
        })
    }

    fn model<'a>(&'a self, _: &'a str, _: &'a Cleared<ModelCall>) -> Answer<'a> {
        unreachable!("no step asks a model")
    }

    fn endpoints(&self) -> Vec<EndpointFacts> {
        Vec::new()
    }
}

/// Both read; the first cannot write what it meant to do next, the second writes the same and does it. It is done once.
#[tokio::test(start_paused = true)]
async fn what_was_not_written_is_not_begun_by_who_meant_to_write_it() {
    let (head, _) = PROCESS.split_once("steps:").unwrap();
    let process = format!("{head}steps:\n  lesen: {{ tool: t/lesen }}\n  senden: {{ needs: [lesen], tool: t/senden }}\noutput: {{}}\n");
    let (memory, dice, called) = (MemoryStore::open("t", 0), Arc::new(Seeded(Mutex::new(1))), Called::default());
    let clock = Arc::new(HandClock(Mutex::new("2026-11-23T09:00:00Z".parse().unwrap())));
    let first = desk_of(&process, memory.clone(), &dice, clock.clone(), Box::new(called.clone()));
    let run = accept(&first, &memory, &dice).await;
    let second = desk_of(&process, memory.reopen(0), &dice, clock, Box::new(called.clone()));
    memory.inject([Faults::Refused]);
    let (fenced, driven) = tokio::join!(first.drive(run), second.drive(run));
    assert_eq!(*called.0.lock().unwrap(), ["lesen", "lesen", "senden"]);
    assert!(fenced.is_err(), "its place was taken");
    driven.unwrap();
    assert!(second.load(run).await.unwrap().unwrap().run.ended.is_some());
}
