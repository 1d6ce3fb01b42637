//! Worker and store under seeded faults: lost replies, refused commits, failing and crashing calls, restarts.
//!
//! One seed is one history; the same seed gives the same trace. Whatever happens: no accepted run is lost, a completed step
//! never runs twice in its round, no call that is not idempotent is made twice without a doubt in between.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod schedules;
mod time;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use laufzettel_directory::Directory;
use laufzettel_domain::{Actor, Caller, Clock, Findings, RunId, TaskId, TenantId, Via};
use laufzettel_doors::{Class, Failure, Reply};
use laufzettel_engine::{Command, EffectStatus, Event, Resolution, TaskKind, wake_at};
use laufzettel_journal::{Verdict, Verifier};
use laufzettel_policy::{Clearance, Cleared, Effect, Grant, ModelCall, Rules, ServiceAccount, ToolCall, ToolRule, Yields, Zone};
use laufzettel_process::{
    Catalogue, Folder, Tools,
    model::{RunAs, Size},
};
use laufzettel_store::{Faults, Memory as MemoryStore, Store};
use laufzettel_worker::{Answer, Desk, Doors, EndpointFacts, Memory, Random, StartRequest, Tenant, WishError};
use serde_json::json;

const PROCESS: &str = r#"
process: probe
version: 1.0.0
title: Probe
verantwortlich: FB1
rechtsgrundlage: [§ 1]
zweck: Prüfen
schutzbedarf: normal
datenkategorien: []
aufbewahrung: { vorgang: P1Y, inhalte: P1M }
automatisierung: assistenz
ki_verordnung: { klasse: minimal, begruendung: Test }
run_as: service:svc
triggers: [{ intake: { path: probe, run_as: service:svc } }]
input: { type: object }
steps:
  lesen: { tool: t/lesen, retry: { attempts: 4, delay: PT2S } }
  eins: { needs: [lesen], tool: t/schreiben, retry: { attempts: 4, delay: PT2S }, undo: { tool: t/schreiben, with: { id: "{{ result.id }}" } } }
  zwei: { needs: [lesen], tool: t/schreiben, retry: { attempts: 4, delay: PT2S } }
  frage: { needs: [lesen], model: { prompt: Was?, size: s, output: { type: object, required: [a], properties: { a: { enum: [ja] } } } } }
  liste: { needs: [lesen], each: "{{ [1, 2, 3] }}", max_parallel: 2, tool: t/schreiben, with: { n: "{{ item }}" }, retry: { attempts: 4, delay: PT2S }, undo: { tool: t/schreiben, with: { id: "{{ result.id }}" } } }
  stand: { needs: [lesen], tool: t/lesen, repeat: { until: "{{ result.fertig }}", every: PT1M, max: 50 }, retry: { attempts: 9, delay: PT2S } }
  ruhe: { needs: [eins], wait: { for: PT5M } }
  teil: { needs: [zwei], process: { name: teil, input: { n: 1 } } }
  sucht:
    needs: [frage]
    retry: { attempts: 9, delay: PT2S }
    agent: { goal: Suche, size: s, tools: [t/lesen, t/schreiben], ask: { groups: [G] }, output: { type: object, required: [a], properties: { a: { enum: [ja] } } } }
  senden: { needs: [eins, zwei, liste, stand, ruhe, teil, sucht], tool: t/senden, retry: { attempts: 4, delay: PT2S } }
output: { fertig: "{{ steps.senden.id }}" }
"#;

/// What the process runs as a child.
const CHILD: &str = r#"
input: { type: object, additionalProperties: false, required: [n], properties: { n: { type: integer } } }
steps:
  schreiben: { tool: t/schreiben, with: { n: "{{ input.n }}" }, retry: { attempts: 4, delay: PT2S } }
output: { id: "{{ steps.schreiben.id }}" }
"#;

/// splitmix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct Seeded(Mutex<u64>);

impl Seeded {
    fn next(&self, below: u64) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|b| *b = u8::try_from(self.next(256)).unwrap());
    }
}

struct HandClock(Mutex<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// What really happened outside, by idempotency key.
#[derive(Default)]
struct World {
    /// Calls that acted, in order: tool and key.
    acted: Vec<(String, String)>,
}

struct Outside {
    dice: Arc<Seeded>,
    world: Arc<Mutex<World>>,
}

impl Doors for Outside {
    fn tool<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Answer<'a> {
        let call = call.call();
        let dice = self.dice.next(10);
        let acts = dice != 0 && dice != 1;
        let key = call.key.to_string();
        if acts {
            self.world.lock().unwrap().acted.push((call.tool.clone(), key.clone()));
        }
        let answer = match dice {
            0 => Err(Failure::new(Class::Unavailable, Some(false), "nicht da")),
            1 | 2 => Err(Failure::new(Class::Timeout, None, "keine Antwort")),
            dice => Ok(Reply { value: json!({ "id": key, "fertig": dice > 6 }), bytes: 1, tokens: None, model: None }),
        };
        Box::pin(async move { answer })
    }

    /// Half the time it is not there; now and then it breaks off.
    fn model<'a>(&'a self, endpoint: &'a str, call: &'a Cleared<ModelCall>) -> Answer<'a> {
        assert_ne!(endpoint, "weit", "an outage sends nothing to another zone");
        let answer = match self.dice.next(20) {
            0..10 => Err(Failure::new(Class::Unavailable, Some(false), "nicht da")),
            10 => Err(Failure::new(Class::Timeout, None, "keine Antwort")),
            _ => Ok(Reply { value: said(call.call()), bytes: 1, tokens: Some((3, 1)), model: None }),
        };
        Box::pin(async move { answer })
    }

    fn endpoints(&self) -> Vec<EndpointFacts> {
        let of = |name: &str, zone: &str| EndpointFacts { name: name.into(), zone: zone.into(), size: Size::L, context: 10_000 };
        vec![of("weit", "rot"), of("eins", "gruen"), of("zwei", "gruen")]
    }
}

/// An agent reads twice at once, writes, asks, and answers; it says the same whenever it is asked the same.
fn said(call: &ModelCall) -> serde_json::Value {
    match call.dialogue.as_ref().map(|dialogue| dialogue.turns.len()) {
        Some(0) => json!({ "calls": [{ "tool": "t/lesen", "with": {} }, { "tool": "t/lesen", "with": { "n": 2 } }] }),
        Some(1) => json!({ "tool": "t/schreiben", "with": { "n": 3 } }),
        Some(2) => json!({ "ask": "Gut so?" }),
        Some(_) | None => json!("{\"a\": \"ja\"}"),
    }
}

fn zone(name: &str) -> (String, Zone) {
    let (max_schutzbedarf, kategorien) = Zone::shipped(name).unwrap();
    (name.to_owned(), Zone { name: name.into(), max_schutzbedarf, kategorien, betreiber: String::new(), ort: String::new(), recht: String::new() })
}

fn rule(effect: Effect, idempotent: bool) -> ToolRule {
    ToolRule {
        identity: laufzettel_policy::Identity::Delegation,
        effect,
        idempotent,
        groups: vec![],
        content: std::collections::BTreeSet::new(),
        yields: Yields { trust: laufzettel_domain::Trust::Trusted, ..Yields::default() },
        clearance: Clearance::Level(laufzettel_domain::Schutzbedarf::Hoch),
        undo: None,
        recipient: None,
    }
}

fn desk(store: MemoryStore, dice: &Arc<Seeded>, clock: &Arc<HandClock>, world: &Arc<Mutex<World>>) -> Desk {
    desk_of(PROCESS, store, dice, clock.clone(), Box::new(Outside { dice: dice.clone(), world: world.clone() }))
}

fn desk_of(process: &str, store: MemoryStore, dice: &Arc<Seeded>, clock: Arc<dyn Clock>, doors: Box<dyn Doors>) -> Desk {
    let (head, _) = PROCESS.split_once("run_as:").unwrap();
    let child = format!("{}{CHILD}", head.replace("process: probe", "process: teil"));
    let folder = Folder { files: BTreeMap::from([("p.yaml".to_owned(), process.to_owned()), ("teil.yaml".to_owned(), child)]) };
    let catalogue = Catalogue::load(&folder);
    assert!(catalogue.processes.len() == 2, "{:?}", catalogue.findings);
    let document =
        laufzettel_domain::document::parse("groups: { G: { sid: S-1 } }\nusers: { u: { sid: U-1, name: U, groups: [G] } }\n", &mut Findings::new("d")).unwrap();
    let account = ServiceAccount { processes: vec!["*".into()], groups: vec![], allow: vec!["tool.call:t/*".into(), "models.use".into()] };
    Desk::new(Arc::new(Tenant {
        id: TenantId::parse("t").unwrap(),
        name: "T".into(),
        store: Store::Memory(store),
        catalogue,
        directory: Directory::read(&document, &mut Findings::new("d")).unwrap(),
        rules: Rules {
            grants: vec![Grant { groups: vec!["G".into()], allow: vec!["task.complete:*".into()] }],
            services: BTreeMap::from([("svc".to_owned(), account)]),
            training: None,
        },
        tools: BTreeMap::from([
            ("t/lesen".to_owned(), rule(Effect::Read, false)),
            ("t/schreiben".to_owned(), rule(Effect::Write, true)),
            ("t/senden".to_owned(), rule(Effect::Send, false)),
        ]),
        types: Tools::new(),
        zones: BTreeMap::from([zone("gruen"), zone("rot")]),
        quotas: laufzettel_worker::Quotas::default(),
        release_required: false,
        own_domains: vec![],
        units: BTreeMap::from([("FB1".to_owned(), vec!["G".to_owned()])]),
        zeitzone: "UTC".into(),
        public_url: String::new(),
        doors,
        clock,
        random: dice.clone(),
        memory: Memory::default(),
    }))
}

/// One history. Gives its trace and what the outside saw.
async fn history(seed: u64) -> (Vec<String>, Vec<(String, String)>) {
    let dice = Arc::new(Seeded(Mutex::new(seed)));
    let clock = Arc::new(HandClock(Mutex::new("2026-11-23T09:00:00Z".parse().unwrap())));
    let world = Arc::new(Mutex::new(World::default()));
    let mut memory = MemoryStore::open("t", 0);
    let mut desk = desk(memory.clone(), &dice, &clock, &world);
    let run = accept(&desk, &memory, &dice).await;
    for _ in 0..400 {
        let faults: Vec<Faults> = (0..3)
            .map(|_| match dice.next(12) {
                0 => Faults::Refused,
                1 => Faults::LostReply,
                _ => Faults::None,
            })
            .collect();
        memory.inject(faults);
        match dice.next(6) {
            // the program dies in the middle of whatever it does, and is started again
            0 => {
                {
                    let drive = desk.drive(run);
                    let mut drive = std::pin::pin!(drive);
                    let steps = dice.next(12);
                    for _ in 0..steps {
                        if std::future::poll_fn(|cx| std::task::Poll::Ready(drive.as_mut().poll(cx).is_ready())).await {
                            break;
                        }
                        tokio::task::yield_now().await;
                    }
                }
                memory = memory.reopen(0);
                desk = self::desk(memory.clone(), &dice, &clock, &world);
            }
            _ => drop(desk.drive(run).await),
        }
        memory.inject([]);
        let loaded = desk.load(run).await.unwrap().expect("an accepted run is never lost");
        if loaded.run.ended.is_some() {
            break;
        }
        answer(&desk, &loaded, &dice).await;
        let doubt = loaded.run.effects.iter().find(|(_, e)| e.status == EffectStatus::Doubt).map(|(p, _)| p.clone());
        if let Some(path) = doubt {
            // until the call's token has expired nobody may say that it did not happen
            let later = clock.now() + jiff::SignedDuration::from_secs(61);
            *clock.0.lock().unwrap() = later;
            resolve(&desk, run, &path, &world).await;
        } else if let Some(at) = next_wake(&desk, run).await {
            let mut now = clock.0.lock().unwrap();
            *now = at.max(*now);
        }
    }
    let trace = check(&memory, &desk, run).await;
    let acted = world.lock().unwrap().acted.clone();
    (trace, acted)
}

/// Sends the request until it is acknowledged; under its key it is one run.
async fn accept(desk: &Desk, memory: &MemoryStore, dice: &Seeded) -> RunId {
    memory.inject([[Faults::Refused, Faults::LostReply, Faults::None][usize::try_from(dice.next(3)).unwrap()]]);
    for _ in 0..5 {
        let request = StartRequest {
            process: "probe".into(),
            caller: Caller { via: Via::Intake, ..Caller::applicant("a") },
            run_as: Some(RunAs::Service("svc".into())),
            input: json!({}),
            zone: None,
            receipts: vec!["eins".into()],
            clock: None,
            facts: serde_json::Value::Null,
            status: false,
        };
        match desk.start(request).await {
            Ok(started) => return started.run,
            Err(laufzettel_worker::StartError::Duplicate(run)) => return run,
            Err(_) => memory.inject([]),
        }
    }
    panic!("the request is never accepted");
}

/// When the run, or a child it waits for, has something to do by itself.
async fn next_wake(desk: &Desk, run: RunId) -> Option<Timestamp> {
    desk.family(run).await.unwrap().iter().filter_map(|member| wake_at(&member.run)).min()
}

/// Now and then somebody looks at her tasks: she approves what the agent wants, and answers what it asks.
async fn answer(desk: &Desk, loaded: &laufzettel_worker::Loaded, dice: &Seeded) {
    let Some(task) = loaded.run.open_tasks().find(|task| task.opened.kind.is_own()).filter(|_| dice.next(2) == 0) else { return };
    let values = if task.opened.kind == TaskKind::Ask { json!({ "antwort": "ja" }) } else { json!({ "entscheidung": "freigeben" }) };
    let by = Caller { subject: "U-1".into(), name: "U".into(), upn: "u".into(), via: Via::Terminal, os_user: None };
    drop(desk.answer(TaskId { run: loaded.run.id, number: task.opened.number }, &by, &values, task.opened.shown).await);
}

/// A person looks at what really happened, and says so.
async fn resolve(desk: &Desk, run: RunId, path: &laufzettel_domain::EffectPath, world: &Arc<Mutex<World>>) {
    let by = Caller { subject: "U-1".into(), name: "U".into(), upn: "u".into(), via: Via::Terminal, os_user: None };
    let told = desk
        .tell(run, &Actor::Caller(by.clone()), |loaded| {
            let effect = loaded.run.effects.get(path).ok_or(WishError::Unknown)?;
            let key = format!("t/{run}/{path}/{}", effect.round);
            let happened = world.lock().unwrap().acted.iter().any(|(_, k)| *k == key);
            let resolution = if happened { Resolution::Happened(json!({ "id": key })) } else { Resolution::DidNotHappen };
            Ok(Command::Resolve { path: path.clone(), by: by.clone(), resolution })
        })
        .await;
    drop(told);
}

async fn check(memory: &MemoryStore, desk: &Desk, run: RunId) -> Vec<String> {
    let records = memory.records((0, 0), u32::MAX).await.unwrap();
    let mut verifier = Verifier::new("t", &[], &[], &[]);
    records.iter().for_each(|r| verifier.push(r));
    assert!(!matches!(verifier.finish(None), Verdict::Broken(_)), "the journal holds");
    let events = laufzettel_worker::decode(&memory.history(run).await.unwrap()).unwrap();
    let mut completed: BTreeMap<String, usize> = BTreeMap::new();
    for (event, _) in &events {
        if let Event::StepCompleted(e) = event {
            *completed.entry(format!("{}.{}", e.step, e.item)).or_default() += 1;
        }
    }
    assert!(completed.values().all(|n| *n == 1), "a completed step never runs again: {completed:?}");
    let loaded = desk.load(run).await.unwrap().unwrap();
    let open: Vec<String> = loaded.run.effects.iter().filter(|(_, e)| e.status.is_open()).map(|(p, e)| format!("{p} {:?}", e.status)).collect();
    assert!(
        loaded.run.ended.is_some(),
        "every run ends once the faults do: {open:?}, tasks {:?}, children {:?}, {:?}",
        loaded.run.open_tasks().map(|t| (t.opened.kind.clone(), t.opened.step.clone())).collect::<Vec<_>>(),
        loaded.run.open_children().collect::<Vec<_>>(),
        loaded.run.ending
    );
    let told = |event: &Event| if let Event::RunEnded(e) = event { format!("run.ended {}", e.state.as_str()) } else { event.kind().to_owned() };
    events.iter().map(|(event, at)| format!("{at} {}", told(event))).collect()
}

/// The rule a world without doubt breaks: a call that is not idempotent acts at most once under one key.
fn sent_twice(acted: &[(String, String)]) -> bool {
    let sends: Vec<&String> = acted.iter().filter(|(tool, _)| tool == "senden").map(|(_, key)| key).collect();
    let mut unique = sends.clone();
    unique.sort();
    unique.dedup();
    unique.len() != sends.len()
}

/// Seeds in all: what `targets.md` asks of every run of the tests.
const SEEDS: u64 = 2_000;

/// A quarter of them each, beside each other.
async fn seeds(quarter: u64) {
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for seed in (0..SEEDS).filter(|seed| seed % 4 == quarter) {
        let (trace, acted) = history(seed).await;
        assert!(!sent_twice(&acted), "seed {seed}: {acted:?}");
        let rounds: std::collections::BTreeSet<&String> = acted.iter().filter(|(tool, _)| tool == "senden").map(|(_, k)| k).collect();
        assert!(rounds.len() <= 1, "seed {seed}: what a person said did not happen had happened: {acted:?}");
        *ends.entry(trace.last().and_then(|last| last.rsplit(' ').next()).unwrap_or_default().to_owned()).or_default() += 1;
    }
    // the histories are of every kind
    println!("{ends:?}");
    let of = |end: &str| ends.get(end).copied().unwrap_or(0);
    assert!(of("completed") > 100 && of("failed") > 20 && of("stuck") > 5, "{ends:?}");
}

#[tokio::test(start_paused = true)]
async fn seeds_first_quarter() {
    seeds(0).await;
}

#[tokio::test(start_paused = true)]
async fn seeds_second_quarter() {
    seeds(1).await;
}

#[tokio::test(start_paused = true)]
async fn seeds_third_quarter() {
    seeds(2).await;
}

#[tokio::test(start_paused = true)]
async fn seeds_last_quarter() {
    seeds(3).await;
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_trace() {
    for seed in [1, 7, 42] {
        assert_eq!(history(seed).await, history(seed).await);
    }
}
