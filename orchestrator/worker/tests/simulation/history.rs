//! One history: a run, and everything that goes wrong around it.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, Timestamp};
use laufzettel_domain::{Actor, Caller, Clock, EffectPath, RunId, TaskId, Via};
use laufzettel_engine::{Command, EffectStatus, Resolution, TaskKind, wake_at};
use laufzettel_process::model::RunAs;
use laufzettel_store::{Faults, LaneHead, Memory as MemoryStore};
use laufzettel_worker::{Desk, Doors, Loaded, StartError, StartRequest, WishError};
use serde_json::json;

use crate::{
    check::{Invariant, Violation, check},
    house::{HandClock, PROCESS, Seeded, desk_of},
    outside::{Act, Gate, Outside, World, at_once},
    planted::{Bug, Planted},
};

/// What came of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub trace: Vec<String>,
    pub acted: Vec<Act>,
    pub broken: Vec<Violation>,
}

impl Told {
    /// The last word of the trace: how the run ended.
    pub fn end(&self) -> &str {
        self.trace.last().and_then(|last| last.rsplit(' ').next()).unwrap_or_default()
    }
}

type Drive = Pin<Box<dyn Future<Output = Result<(), WishError>> + Send>>;

/// A node that sleeps in the middle of its work, while another has taken its place.
struct Late {
    drive: Drive,
    gate: Arc<Gate>,
}

struct Story {
    dice: Arc<Seeded>,
    clock: Arc<HandClock>,
    world: Arc<Mutex<World>>,
    memory: MemoryStore,
    gate: Arc<Gate>,
    desk: Desk,
    planted: Option<Planted>,
    /// The last record somebody has read.
    seen: Option<LaneHead>,
    late: Option<Late>,
    /// Times somebody has ordered a step anew.
    orders: u32,
}

/// A history comes to its end: nobody orders for ever.
const ORDERS_MAX: u32 = 3;
/// What may be ordered anew, at times; some of it never, for it does not say how it is undone.
const STEPS: [&str; 8] = ["lesen", "eins", "zwei", "liste", "stand", "ruhe", "melden", "akte"];

/// One history. The same seed is the same history.
pub async fn history(seed: u64, bug: Option<Bug>) -> Told {
    let mut story = Story::begin(seed, bug);
    let run = accept(&story.desk, &story.memory, &story.dice).await;
    if let Err(violation) = story.tell(run).await {
        story.broken(violation.invariant, violation.what);
    }
    story.awake(run).await;
    let world = std::mem::take(&mut *story.world.lock().unwrap());
    let (trace, mut broken) = check(&story.memory, run, &world.acted);
    broken.splice(0..0, world.broken);
    Told { trace, acted: world.acted, broken }
}

impl Story {
    fn begin(seed: u64, bug: Option<Bug>) -> Self {
        let dice = Arc::new(Seeded(Mutex::new(seed)));
        let clock = Arc::new(HandClock(Mutex::new("2026-11-23T09:00:00Z".parse().unwrap())));
        let (world, gate, memory) = (Arc::default(), Arc::default(), MemoryStore::open("t", 0));
        let planted = bug.map(|bug| Planted::new(bug, seed, &memory));
        let desk = open(&dice, &clock, &world, &memory, &gate, planted.as_ref());
        Self { dice, clock, world, memory, gate, desk, planted, seen: None, late: None, orders: 0 }
    }

    /// A program over the store as it stands.
    fn open(&self) -> Desk {
        open(&self.dice, &self.clock, &self.world, &self.memory, &self.gate, self.planted.as_ref())
    }

    fn broken(&self, invariant: Invariant, what: String) {
        self.world.lock().unwrap().broken.push(Violation { invariant, what });
    }

    async fn tell(&mut self, run: RunId) -> Result<(), Violation> {
        for _ in 0..400 {
            self.step(run).await;
            let loaded = self.look(run).await?;
            if loaded.run.ended.is_some() {
                break;
            }
            self.people(run, &loaded).await;
        }
        Ok(())
    }

    /// The run as it stands; what was there once must still be there.
    async fn look(&mut self, run: RunId) -> Result<Loaded, Violation> {
        let gone = |what: &str| Violation { invariant: Invariant::Kept, what: what.to_owned() };
        if let Some(seen) = &self.seen {
            let still = at_once(self.memory.records((seen.lane, seen.seq - 1), 1)).unwrap();
            if still.first().is_none_or(|record| record.hash != seen.hash) {
                self.broken(Invariant::Kept, "a record that was read once is gone".to_owned());
            }
        }
        self.seen = Some(self.memory.head());
        match self.desk.load(run).await {
            Ok(Some(loaded)) => Ok(loaded),
            Ok(None) => Err(gone("an accepted run is gone")),
            Err(error) => Err(Violation { invariant: Invariant::Folds, what: error.to_string() }),
        }
    }

    /// The run is taken on, under whatever happens now.
    async fn step(&mut self, run: RunId) {
        let faults: Vec<Faults> = (0..3)
            .map(|_| match self.dice.next(12) {
                0 => Faults::Refused,
                1 => Faults::LostReply,
                _ => Faults::None,
            })
            .collect();
        self.memory.inject(faults);
        match self.dice.next(48) {
            0..8 => self.crash(run).await,
            8 | 9 if self.late.is_none() => self.fall_asleep(run).await,
            10 | 11 => self.awake(run).await,
            12..15 => self.two_at_once(run).await,
            15 | 16 => self.step_clock(),
            17 => {
                let (driven, cancelled) = tokio::join!(self.desk.drive(run), self.cancel(run));
                drop((driven, cancelled));
            }
            18 | 19 if self.orders < ORDERS_MAX => {
                self.orders += 1;
                let step = STEPS[usize::try_from(self.dice.next(STEPS.len() as u64)).unwrap()];
                let (driven, ordered) = tokio::join!(self.desk.drive(run), self.anew(run, step));
                drop((driven, ordered));
            }
            _ => drop(self.desk.drive(run).await),
        }
        self.memory.inject([]);
    }

    /// The clock is set: up to an hour on, or up to ten minutes back.
    fn step_clock(&self) {
        let seconds = i64::try_from(self.dice.next(4_200)).unwrap() - 600;
        let mut now = self.clock.0.lock().unwrap();
        *now += SignedDuration::from_secs(seconds);
    }

    async fn cancel(&self, run: RunId) {
        for _ in 0..self.dice.next(12) {
            tokio::task::yield_now().await;
        }
        drop(self.desk.cancel(run, &person(), "Irrtum").await);
    }

    async fn anew(&self, run: RunId, step: &str) {
        for _ in 0..self.dice.next(12) {
            tokio::task::yield_now().await;
        }
        drop(self.desk.retry(run, &person(), Some(step)).await);
    }

    /// The program is in the middle of whatever it does.
    async fn begun(&self, run: RunId) -> Drive {
        let desk = self.desk.clone();
        let mut drive: Drive = Box::pin(async move { desk.drive(run).await });
        for _ in 0..self.dice.next(12) {
            if std::future::poll_fn(|cx| std::task::Poll::Ready(drive.as_mut().poll(cx).is_ready())).await {
                return Box::pin(async { Ok(()) });
            }
            tokio::task::yield_now().await;
        }
        drive
    }

    /// It dies, and is started again.
    async fn crash(&mut self, run: RunId) {
        drop(self.begun(run).await);
        if let Some(planted) = &self.planted {
            self.memory = planted.crashed(&self.memory);
        }
        self.succeed();
    }

    /// It stops for a while, and another takes its place.
    async fn fall_asleep(&mut self, run: RunId) {
        let drive = self.begun(run).await;
        self.gate.close();
        self.late = Some(Late { drive, gate: std::mem::take(&mut self.gate) });
        self.succeed();
    }

    /// Another takes its place while it works on, and knows nothing of that.
    async fn two_at_once(&mut self, run: RunId) {
        let first = self.begun(run).await;
        self.succeed();
        let (first, second) = tokio::join!(first, self.desk.drive(run));
        drop((first, second));
    }

    fn succeed(&mut self) {
        self.memory = self.memory.reopen(0);
        self.desk = self.open();
    }

    /// It wakes, hears its late answers, and must not write anything any more.
    async fn awake(&mut self, run: RunId) {
        let Some(Late { drive, gate }) = self.late.take() else { return };
        let before = self.memory.head();
        gate.open();
        drop(drive.await);
        let written = at_once(self.memory.records((before.lane, before.seq), u32::MAX)).unwrap();
        if let Some(record) = written.iter().find(|record| record.draft.run.is_some()) {
            self.broken(Invariant::Fenced, format!("a node whose place was taken wrote {} of {run}", record.draft.kind));
        }
    }

    /// What people do meanwhile, and what time brings.
    async fn people(&self, run: RunId, loaded: &Loaded) {
        if let Some(seq) = self.answer(loaded).await {
            let kept = at_once(self.memory.history_after(run, 0)).unwrap().len() as u64;
            if kept < seq {
                self.broken(Invariant::Kept, format!("an answer was taken at {seq}, and the run stands at {kept}"));
            }
        }
        let doubt = loaded.run.effects.iter().find(|(_, e)| e.status == EffectStatus::Doubt).map(|(p, e)| (p.clone(), e.question.is_some()));
        // where its server is asked, too, either may be first
        if let Some((path, _)) = doubt.filter(|(_, asked)| !asked || self.dice.next(2) == 0) {
            // until the call's token has expired nobody may say that it did not happen
            let later = self.clock.now() + SignedDuration::from_secs(61);
            *self.clock.0.lock().unwrap() = later;
            self.resolve(run, &path).await;
        } else if let Some(at) = self.next_wake(loaded).await {
            let mut now = self.clock.0.lock().unwrap();
            *now = at.max(*now);
        }
    }

    /// Now and then somebody looks at her tasks: she approves what the agent wants, answers what it asks, and has what a door
    /// refused tried again or calls the whole off. Where the run stood then, if she was told that it was taken.
    async fn answer(&self, loaded: &Loaded) -> Option<u64> {
        let hers = |kind: &TaskKind| kind.is_own() || *kind == TaskKind::Takeover;
        let task = loaded.run.open_tasks().find(|task| hers(&task.opened.kind)).filter(|_| self.dice.next(2) == 0)?;
        let values = match task.opened.kind {
            TaskKind::Ask => json!({ "antwort": "ja" }),
            TaskKind::Takeover if self.dice.next(3) == 0 => json!({ "entscheidung": "erneut" }),
            TaskKind::Takeover => json!({ "entscheidung": "abbrechen" }),
            _ => json!({ "entscheidung": "freigeben" }),
        };
        let id = TaskId { run: loaded.run.id, number: task.opened.number };
        self.desk.answer(id, &person(), &values, task.opened.shown).await.ok().map(|loaded| loaded.run.seq)
    }

    /// When the run, or a child it waits for, has something to do by itself.
    async fn next_wake(&self, loaded: &Loaded) -> Option<Timestamp> {
        let mut next = wake_at(&loaded.run);
        for (_, child) in loaded.run.open_children() {
            let child = self.desk.load(child.run).await.ok().flatten();
            next = next.into_iter().chain(child.and_then(|child| wake_at(&child.run))).min();
        }
        next
    }

    /// A person looks at what really happened, and says so.
    async fn resolve(&self, run: RunId, path: &EffectPath) {
        let by = person();
        let told = self
            .desk
            .tell(run, &Actor::Caller(by.clone()), |loaded| {
                let effect = loaded.run.effects.get(path).ok_or(WishError::Unknown)?;
                let acted = |act: &Act| act.key.run == run && act.key.path == *path && act.key.round == effect.round;
                let happened = self.world.lock().unwrap().acted.iter().find(|act| acted(act)).map(|act| act.key.to_string());
                let resolution = happened.map_or(Resolution::DidNotHappen, |key| Resolution::Happened(json!({ "id": key })));
                Ok(Command::Resolve { path: path.clone(), by: by.clone(), resolution })
            })
            .await;
        drop(told);
    }
}

fn open(dice: &Arc<Seeded>, clock: &Arc<HandClock>, world: &Arc<Mutex<World>>, memory: &MemoryStore, gate: &Arc<Gate>, planted: Option<&Planted>) -> Desk {
    let outside = Outside { dice: dice.clone(), world: world.clone(), memory: memory.clone(), gate: gate.clone(), refuses: true, found: Mutex::default() };
    let doors: Box<dyn Doors> = match planted {
        Some(planted) => planted.doors(outside),
        None => Box::new(outside),
    };
    desk_of(PROCESS, memory.clone(), dice, clock.clone(), doors)
}

fn person() -> Caller {
    Caller { subject: "U-1".into(), name: "U".into(), upn: "u".into(), via: Via::Terminal, os_user: None }
}

/// Sends the request until it is acknowledged; under its key it is one run.
pub async fn accept(desk: &Desk, memory: &MemoryStore, dice: &Seeded) -> RunId {
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
            Err(StartError::Duplicate(run)) => return run,
            Err(_) => memory.inject([]),
        }
    }
    panic!("the request is never accepted");
}
