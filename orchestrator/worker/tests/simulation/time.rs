//! What comes by itself comes in time, whatever is under way in the same run. The clock is tokio's own, which jumps.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use laufzettel_domain::{Clock, EffectPath};
use laufzettel_doors::Reply;
use laufzettel_policy::{Cleared, ModelCall, ToolCall};
use laufzettel_store::Memory as MemoryStore;
use laufzettel_worker::{Answer, Doors, EndpointFacts, decode};
use serde_json::json;

use super::{PROCESS, Seeded, accept, desk_of};

/// A tool that takes three seconds for everything.
pub(crate) struct Slow;

impl Doors for Slow {
    fn tool<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Answer<'a> {
        let EffectPath { step, iteration, .. } = call.call().key.path.clone();
        Box::pin(async move {
            let quick = step.as_str() == "stand";
            tokio::time::sleep(Duration::from_millis(if quick { 1 } else { 3_000 })).await;
            Ok(Reply { value: json!({ "fertig": iteration > 1 }), bytes: 1, tokens: None, model: None })
        })
    }

    fn model<'a>(&'a self, _: &'a str, _: &'a Cleared<ModelCall>) -> Answer<'a> {
        unreachable!("no step asks a model")
    }

    fn endpoints(&self) -> Vec<EndpointFacts> {
        Vec::new()
    }
}

struct Tokio(tokio::time::Instant, Timestamp);

impl Clock for Tokio {
    fn now(&self) -> Timestamp {
        self.1 + jiff::SignedDuration::try_from(self.0.elapsed()).unwrap()
    }
}

const STEPS: &str = r#"
steps:
  liste: { each: "{{ [1, 2, 3, 4] }}", max_parallel: 1, deadline: PT5S, on_error: continue, tool: t/lesen, with: { n: "{{ item }}" } }
  frage: { deadline: PT4S, on_error: continue, human: { assign: { groups: [G] }, escalate: { after: PT2S, to: { groups: [L] } }, form: { type: object } } }
  stand: { tool: t/lesen, repeat: { until: "{{ result.fertig }}", every: PT1S, max: 9 } }
  ruhe: { wait: { for: PT1S } }
output: {}
"#;

#[tokio::test(start_paused = true)]
async fn nothing_waits_for_a_slow_neighbour() {
    let (head, _) = PROCESS.split_once("steps:").unwrap();
    let memory = MemoryStore::open("t", 0);
    let dice = Arc::new(Seeded(Mutex::new(1)));
    let began: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
    let desk = desk_of(&format!("{head}{STEPS}"), memory.clone(), &dice, Arc::new(Tokio(tokio::time::Instant::now(), began)), Box::new(Slow));
    let run = accept(&desk, &memory, &dice).await;
    desk.drive(run).await.unwrap();
    let events = decode(&memory.history_after(run, 0).await.unwrap()).unwrap();
    let told = |(event, at): &(laufzettel_engine::Event, Timestamp)| {
        let (body, _) = event.split();
        let step = body["step"].as_str().unwrap_or_default().to_owned();
        let item = body["item"].as_u64().map(|n| format!(".{n}")).unwrap_or_default();
        format!("{} {} {step}{item}", at.duration_since(began).as_secs(), event.kind())
    };
    let kinds = ["step.completed", "step.failed", "deadline.passed", "task.escalated", "run.ended"];
    let story: Vec<String> = events.iter().filter(|(event, _)| kinds.contains(&event.kind())).map(told).collect();
    assert_eq!(
        story,
        [
            "1 step.completed ruhe",
            "2 task.escalated ",
            "2 step.completed stand",
            "3 step.completed liste.1",
            "4 deadline.passed frage",
            "4 step.failed frage",
            "5 deadline.passed liste",
            "6 step.completed liste.2",
            "6 step.failed liste",
            "6 run.ended ",
        ]
    );
}
