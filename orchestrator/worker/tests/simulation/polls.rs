//! A tool that is asked: each entry is one run, once, whatever the door and the store do; the cursor stands behind nothing that was not begun.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use laufzettel_doors::{Class, Failure, Reply};
use laufzettel_policy::{Cleared, ModelCall, ToolCall};
use laufzettel_store::{Faults, Memory as MemoryStore};
use laufzettel_worker::{Answer, Desk, Doors, EndpointFacts, Quotas};
use serde_json::{Value, json};

use super::{
    PROCESS, Seeded,
    arrivals::{From, live},
    desk_of,
};

const POLL: &str =
    r#"poll: { tool: t/lesen, with: { seit: "{{ cursor }}", ordner: A }, every: PT1M, cursor: "{{ result.bis }}", key: "{{ item.id }}", run_as: service:svc }"#;
const REST: &str = r#"
input: { type: object, additionalProperties: false, required: [id], properties: { id: { type: integer }, tag: { type: string, maxLength: 8 } } }
steps:
  da: { set: { da: ja } }
output: { da: "{{ steps.da.da }}" }
"#;

/// A list that grows, given out three at a time behind the cursor.
#[derive(Clone, Default)]
struct List(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    entries: Vec<Value>,
    /// Cursors it was asked with.
    asked: Vec<Value>,
    /// What goes wrong next: every second call of as many.
    broken: usize,
    /// It never says where to go on.
    endless: bool,
}

impl Doors for List {
    fn tool<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Answer<'a> {
        let arguments = call.call().arguments.clone();
        Box::pin(async move {
            let mut told = self.0.lock().unwrap();
            assert_eq!((arguments["ordner"].as_str(), call.call().process.as_str(), call.call().zweck.as_str()), (Some("A"), "probe", "Prüfen"));
            told.asked.push(arguments["seit"].clone());
            if told.broken > 0 {
                told.broken -= 1;
                return Err(Failure::new(Class::Unavailable, Some(false), "Geheimes aus der Leitung".to_owned()));
            }
            let seit = arguments["seit"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            let page = if told.endless { told.entries.clone() } else { told.entries.iter().skip(seit).take(3).cloned().collect() };
            let bis = if told.endless { Value::Null } else { json!(seit + page.len()) };
            Ok(Reply { value: json!({ "zeilen": page, "bis": bis }), bytes: 1, tokens: None, model: None })
        })
    }

    fn model<'a>(&'a self, _: &'a str, _: &'a Cleared<ModelCall>) -> Answer<'a> {
        unreachable!("no step asks a model")
    }

    fn endpoints(&self) -> Vec<EndpointFacts> {
        Vec::new()
    }
}

struct House {
    memory: MemoryStore,
    list: List,
    dice: u64,
}

impl House {
    fn new(entries: impl IntoIterator<Item = Value>) -> Self {
        let list = List::default();
        list.0.lock().unwrap().entries.extend(entries);
        Self { memory: MemoryStore::open("t", 0), list, dice: 0 }
    }

    fn desk(&mut self, quotas: Quotas) -> Desk {
        self.dice += 1;
        let clock = Arc::new(From("2026-11-23T08:00:00Z".parse().unwrap(), tokio::time::Instant::now()));
        let (head, _) = PROCESS.split_once("triggers:").unwrap();
        let process = format!("{head}triggers: [{{ {POLL} }}]\n{REST}");
        let desk = desk_of(&process, self.memory.clone(), &Arc::new(Seeded(Mutex::new(self.dice))), clock, Box::new(self.list.clone()));
        let mut tenant = Arc::into_inner(desk.tenant).unwrap();
        tenant.quotas = quotas;
        Desk::new(Arc::new(tenant))
    }

    async fn live(&mut self, seconds: u64) {
        live(self.desk(Quotas::default()), seconds).await;
    }

    /// What the journal says of looks and starts; a run by its id.
    async fn story(&self) -> Vec<String> {
        let mut told = Vec::new();
        for record in self.memory.records((0, 0), u32::MAX).await.unwrap() {
            let (body, content) = (record.draft.body().unwrap(), record.draft.content().unwrap_or_default());
            assert!(!body.to_string().contains("Geheimes"), "{body}");
            told.extend(match record.draft.kind.as_str() {
                "run.started" => Some(format!("started {} {} {}", body["caller"]["via"].as_str().unwrap(), body["trust"].as_str().unwrap(), content["input"])),
                "input.refused" => Some(format!("refused {} {}", content["name"].as_str().unwrap(), body["fields"])),
                "trigger.polled" => Some(format!("polled {}/{}", body["begun"], body["entries"])),
                kind if kind.starts_with("trigger.") || kind.starts_with("input.") => Some(kind.to_owned()),
                _ => None,
            });
        }
        told
    }

    async fn begun(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for line in self.story().await.into_iter().filter(|line| line.starts_with("started")) {
            *counts.entry(line).or_default() += 1;
        }
        counts
    }

    async fn cursor(&self) -> Option<String> {
        self.memory.cursor("poll:probe:t/lesen:0").await.unwrap()
    }
}

fn entry(n: u64) -> Value {
    json!({ "id": n, "fremd": "fällt weg" })
}

fn started(n: u64) -> String {
    format!(r#"started poll untrusted {{"id":{n}}}"#)
}

#[tokio::test(start_paused = true)]
async fn pages_are_turned_until_nothing_is_new_and_quiet_looks_leave_nothing() {
    let mut house = House::new((1..=4).map(entry).chain([json!({ "id": 5, "tag": "viel zu lang" }), json!({ "tag": "ohne" }), json!("kein Block")]));
    house.live(600).await;
    let aside = laufzettel_domain::Digest::of_value(&json!({ "tag": "ohne" }));
    let other = laufzettel_domain::Digest::of_value(&json!("kein Block"));
    let first: Vec<String> = (1..=3).map(started).chain(["polled 3/3".to_owned(), started(4), r#"refused 5 ["tag"]"#.to_owned()]).collect();
    let rest = [format!("refused {aside} []"), "polled 1/3".to_owned(), format!("refused {other} []"), "polled 0/1".to_owned()];
    assert_eq!(house.story().await, [first, rest.to_vec()].concat());
    assert_eq!(house.cursor().await.as_deref(), Some("7"));
    // none at first, the last again and again
    let asked = house.list.0.lock().unwrap().asked.clone();
    assert_eq!(asked[..4], [json!(null), json!(3), json!(6), json!(7)]);
    assert!(asked.len() > 10 && asked[3..].iter().all(|cursor| *cursor == 7), "{asked:?}");
    // what is added later
    house.list.0.lock().unwrap().entries.push(entry(8));
    house.memory = house.memory.reopen(0);
    house.live(30).await;
    assert_eq!(house.story().await[10..], [started(8), "polled 1/1".to_owned()]);
}

/// Said once, and once that it is over; in no record what the server said.
#[tokio::test(start_paused = true)]
async fn a_tool_that_does_not_answer_is_told_once() {
    let mut house = House::new([entry(1)]);
    house.list.0.lock().unwrap().broken = 4;
    house.live(400).await;
    assert_eq!(house.story().await, ["trigger.failed".to_owned(), started(1), "polled 1/1".into(), "trigger.recovered".into()]);
}

/// Commits are refused, replies lost, the door fails, the program dies between any two entries: each is one run, in the end.
#[tokio::test(start_paused = true)]
async fn each_entry_is_one_run_whatever_fails() {
    for seed in 0..60 {
        let mut house = House::new((1..=7).map(entry));
        let dice = Seeded(Mutex::new(seed));
        for _ in 0..4 {
            let faults = (0..8).map(|_| [Faults::None, Faults::Refused, Faults::LostReply][usize::try_from(dice.next(3)).unwrap()]);
            house.memory.inject(faults.collect::<Vec<_>>());
            house.list.0.lock().unwrap().broken = usize::try_from(dice.next(2)).unwrap();
            // dies without a word, in the middle of whatever it does
            let desk = house.desk(Quotas::default());
            let worker = tokio::spawn(laufzettel_worker::Worker::new(desk).run(tokio_util::sync::CancellationToken::new()));
            for _ in 0..dice.next(40) {
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(std::time::Duration::from_secs(dice.next(30))).await;
            worker.abort();
            drop(worker.await);
            house.memory = house.memory.reopen(0);
        }
        house.memory.inject(Vec::new());
        house.live(300).await;
        assert_eq!(house.begun().await, (1..=7).map(|n| (started(n), 1)).collect(), "seed {seed}");
        assert_eq!(house.cursor().await.as_deref(), Some("7"), "seed {seed}");
    }
}

/// Without a cursor everything is listed every time; receipts tell what is new, a hundred at a time.
#[tokio::test(start_paused = true)]
async fn a_tool_without_a_cursor_lists_the_same_again() {
    let mut house = House::new((1..=230).map(entry));
    house.list.0.lock().unwrap().endless = true;
    house.live(600).await;
    assert_eq!(house.begun().await, (1..=230).map(|n| (started(n), 1)).collect());
    let polled: Vec<_> = house.story().await.into_iter().filter(|line| line.starts_with("polled")).collect();
    assert_eq!(polled, ["polled 100/230", "polled 100/230", "polled 30/230"]);
    assert_eq!(house.cursor().await, None);
}

/// The cursor of a restored database is old, and receipts are gone: what is listed then is put on record, and never begun.
#[tokio::test(start_paused = true)]
async fn after_a_restore_what_is_listed_is_passed_over() {
    for endless in [false, true] {
        let mut house = House::new((1..=2).map(entry));
        house.list.0.lock().unwrap().endless = endless;
        house.live(20).await;
        house.list.0.lock().unwrap().entries.extend((3..=6).map(entry));
        let desk = house.desk(Quotas::default());
        assert!(desk.pass_over_polls().await && desk.pass_over_polls().await, "twice is once");
        live(desk, 200).await;
        house.list.0.lock().unwrap().entries.push(entry(7));
        house.memory = house.memory.reopen(0);
        house.live(200).await;
        let story: Vec<String> = house.story().await.into_iter().filter(|line| !line.starts_with("polled")).collect();
        let aside = (3..=6).map(|n| format!("refused {n} []"));
        let expected: Vec<String> =
            [started(1), started(2), "trigger.passing".to_owned()].into_iter().chain(aside).chain(["trigger.caught_up".to_owned(), started(7)]).collect();
        assert_eq!(story, expected, "{endless}");
    }
}
