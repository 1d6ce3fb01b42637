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
use laufzettel_domain::{Actor, Caller, Clock, Findings, RunId, TenantId, Via};
use laufzettel_doors::{Class, Failure, Reply};
use laufzettel_engine::{Command, EffectStatus, Event, Resolution, wake_at};
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
  senden: { needs: [eins, zwei, frage], tool: t/senden, retry: { attempts: 4, delay: PT2S } }
output: { fertig: "{{ steps.senden.id }}" }
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
            _ => Ok(Reply { value: json!({ "id": key }), bytes: 1, tokens: None, model: None }),
        };
        Box::pin(async move { answer })
    }

    /// Half the time it is not there; now and then it breaks off.
    fn model<'a>(&'a self, endpoint: &'a str, _: &'a Cleared<ModelCall>) -> Answer<'a> {
        assert_ne!(endpoint, "weit", "an outage sends nothing to another zone");
        let answer = match self.dice.next(20) {
            0..10 => Err(Failure::new(Class::Unavailable, Some(false), "nicht da")),
            10 => Err(Failure::new(Class::Timeout, None, "keine Antwort")),
            _ => Ok(Reply { value: json!("{\"a\": \"ja\"}"), bytes: 1, tokens: Some((3, 1)), model: None }),
        };
        Box::pin(async move { answer })
    }

    fn endpoints(&self) -> Vec<EndpointFacts> {
        let of = |name: &str, zone: &str| EndpointFacts { name: name.into(), zone: zone.into(), size: Size::L, context: 10_000 };
        vec![of("weit", "rot"), of("eins", "gruen"), of("zwei", "gruen")]
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
    let folder = Folder { files: BTreeMap::from([("p.yaml".to_owned(), process.to_owned())]) };
    let catalogue = Catalogue::load(&folder);
    assert!(catalogue.processes.len() == 1, "{:?}", catalogue.findings);
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
        let doubt = loaded.run.effects.iter().find(|(_, e)| e.status == EffectStatus::Doubt).map(|(p, _)| p.clone());
        if let Some(path) = doubt {
            // until the call's token has expired nobody may say that it did not happen
            let later = clock.now() + jiff::SignedDuration::from_secs(61);
            *clock.0.lock().unwrap() = later;
            resolve(&desk, run, &path, &world).await;
        } else if let Some(at) = wake_at(&loaded.run) {
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
            *completed.entry(e.step.to_string()).or_default() += 1;
        }
    }
    assert!(completed.values().all(|n| *n == 1), "a completed step never runs again: {completed:?}");
    let loaded = desk.load(run).await.unwrap().unwrap();
    assert!(loaded.run.ended.is_some(), "every run ends once the faults do");
    events.iter().map(|(event, at)| format!("{at} {}", event.kind())).collect()
}

/// The rule a world without doubt breaks: a call that is not idempotent acts at most once under one key.
fn sent_twice(acted: &[(String, String)]) -> bool {
    let sends: Vec<&String> = acted.iter().filter(|(tool, _)| tool == "senden").map(|(_, key)| key).collect();
    let mut unique = sends.clone();
    unique.sort();
    unique.dedup();
    unique.len() != sends.len()
}

#[tokio::test(start_paused = true)]
async fn seeds() {
    for seed in 0..300 {
        let (_, acted) = history(seed).await;
        assert!(!sent_twice(&acted), "seed {seed}: {acted:?}");
        let rounds: std::collections::BTreeSet<&String> = acted.iter().filter(|(tool, _)| tool == "senden").map(|(_, k)| k).collect();
        assert!(rounds.len() <= 1, "seed {seed}: what a person said did not happen had happened: {acted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_trace() {
    for seed in [1, 7, 42] {
        assert_eq!(history(seed).await, history(seed).await);
    }
}
