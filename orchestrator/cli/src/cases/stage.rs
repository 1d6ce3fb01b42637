//! The stage of a case: the real engine on the in-memory store, doors that answer from the case, a clock that jumps. It plays the
//! case until nothing moves any more, and begins the program anew where it is stopped; what came of it is judged elsewhere.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, Timestamp};
use laufzettel_directory::Directory;
use laufzettel_domain::{Caller, Clock, EffectKey, Lang, RunId, TaskId, TenantId, Text, Value, Via};
use laufzettel_engine::{EffectStatus, Resolution, Task, TaskKind, wake_at};
use laufzettel_process::{
    Catalogue, Process,
    applicant::Loa,
    model::{RunAs, TriggerKind},
};
use laufzettel_store::{Memory as MemoryStore, Store};
use laufzettel_worker::{DeliverError, Desk, Happening, Loaded, Memory, Random, StartError, StartRequest, WishError, micros};

use super::{
    answers::{answer, is_not_yet, person, scripted, with_files},
    fault::Fault,
    read::{Case, Scheduled},
    script::{Given, Script},
};
use crate::{
    config::{Config, TenantConfig},
    house::Approved,
};

/// What every case of a file shares.
#[derive(Clone)]
pub struct Setting {
    pub config: Config,
    pub tenant: TenantId,
    pub own: TenantConfig,
    pub directory: Directory,
    pub approved: Approved,
    /// Processes read by any of them.
    pub memory: Arc<Memory>,
    pub process: Process,
    /// Where `{ file: … }` in an input starts from.
    pub folder: PathBuf,
    pub file: String,
}

struct JumpingClock(Mutex<Timestamp>);

impl JumpingClock {
    fn set(&self, at: Timestamp) {
        *self.0.lock().expect("nobody panics while holding this lock") = at;
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("nobody panics while holding this lock")
    }
}

/// Salts and ids of a case are the same every time.
struct Counting(Mutex<u8>);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let mut next = self.0.lock().expect("nobody panics while holding this lock");
        *next = next.wrapping_add(1);
        bytes.fill(*next);
    }
}

/// Steps of a case at most: a process that never comes to rest is stopped here.
const ROUNDS_MAX: usize = 500;
/// As long as a call may still arrive, nobody may say that it did not happen (`docs/engine.md`).
const TOKEN_S: i64 = 61;

/// Why a case did not begin: what it says of the start itself is held against this.
pub struct NotBegun(pub Text);

/// What has no words of its own in either language.
pub fn alike(said: impl std::fmt::Display) -> Text {
    Text::new(said.to_string(), said.to_string())
}

pub struct Stage<'s> {
    setting: &'s Setting,
    case: &'s Case,
    pub script: Script,
    store: MemoryStore,
    clock: Arc<JumpingClock>,
    random: Arc<Counting>,
    pub desk: Desk,
}

impl<'s> Stage<'s> {
    pub fn set(setting: &'s Setting, case: &'s Case) -> Self {
        Self::with(setting, case, Script::new(case, setting.approved.types.clone()))
    }

    /// With one call disturbed. `rehearsed`: what each was answered without.
    pub fn disturbed(setting: &'s Setting, case: &'s Case, fault: Fault, rehearsed: Arc<Given>) -> Self {
        Self::with(setting, case, Script::new(case, setting.approved.types.clone()).disturbed(fault, rehearsed))
    }

    fn with(setting: &'s Setting, case: &'s Case, script: Script) -> Self {
        let clock = Arc::new(JumpingClock(Mutex::new(case.now)));
        let random = Arc::new(Counting(Mutex::new(0)));
        let store = MemoryStore::open(setting.tenant.as_str(), micros(case.now));
        let desk = desk(setting, &script, store.clone(), clock.clone(), random.clone());
        Self { setting, case, script, store, clock, random, desk }
    }

    pub async fn start(&self) -> Result<RunId, NotBegun> {
        start(self.setting, self.case, &self.desk).await.map_err(NotBegun)
    }

    /// Plays until nothing moves any more; how the run stands then.
    pub async fn play(&mut self, run: RunId) -> Result<Loaded, Text> {
        let case = self.case;
        let mut answered: BTreeMap<TaskId, Tried> = BTreeMap::new();
        let mut asked: BTreeMap<String, usize> = BTreeMap::new();
        let mut events = case.events.clone().into_iter().peekable();
        for _ in 0..ROUNDS_MAX {
            while let Some(event) = events.next_if(|event| event.at <= self.clock.now()) {
                happen(&self.desk, event).await?;
            }
            self.drive(run).await?;
            if self.say_what_became(run).await? {
                continue;
            }
            let mut family = self.desk.family(run).await.map_err(|_| Text::new("der Vorgang ist verschwunden", "the run is gone"))?;
            if family[0].run.ended.is_some() {
                return Ok(family.swap_remove(0));
            }
            let tasks = family.iter().flat_map(|member| member.run.open_tasks().map(|task| (TaskId { run: member.run.id, number: task.opened.number }, task)));
            // once more when others are asked, too: the answer may be theirs
            let untried = |id: &TaskId, task: &Task| answered.get(id).is_none_or(|tried| tried.asked != task.opened.assign.groups.len());
            let open = tasks.into_iter().find(|(id, task)| task.opened.kind != TaskKind::Restored && untried(id, task));
            if let Some((id, task)) = open {
                let times = answered.get(&id).map_or_else(
                    || {
                        let times = asked.entry(task.opened.step.to_string()).or_default();
                        *times += 1;
                        *times
                    },
                    |tried| tried.times,
                );
                answered.insert(id, Tried { asked: task.opened.assign.groups.len(), times });
                let Some(scripted) = scripted(case, &task.opened, times) else { continue };
                let values = with_files(&self.desk, scripted, task, &self.setting.folder).await?;
                if is_not_yet(task, &values) {
                    self.outlive_token()?;
                }
                let run = family.iter().find(|member| member.run.id == id.run).map(|member| &member.run);
                // a scripted answer that the engine refuses is no error: the task stays open
                drop(answer(&self.desk, id, values, task, run).await);
                continue;
            }
            let happens = events.peek().map(|event| event.at);
            match family.iter().filter_map(|member| wake_at(&member.run)).chain(happens).min() {
                Some(at) => self.clock.set(at),
                None => return Ok(family.swap_remove(0)),
            }
        }
        Err(Text::new(format!("kommt nach {ROUNDS_MAX} Schritten nicht zur Ruhe"), format!("does not come to rest after {ROUNDS_MAX} steps")))
    }

    /// As far as it goes now. Where the fault stops the program, everything it held is gone, and another one begins on the same store.
    async fn drive(&mut self, run: RunId) -> Result<(), Text> {
        loop {
            let stopped = tokio::select! {
                biased;
                () = self.script.stopped() => true,
                done = self.desk.drive(run) => { done.map_err(alike)?; false }
            };
            if !stopped {
                return Ok(());
            }
            self.store = self.store.reopen(micros(self.clock.now()));
            self.desk = desk(self.setting, &self.script, self.store.clone(), self.clock.clone(), self.random.clone());
        }
    }

    /// Where the fault has left calls in doubt, a person looks and says what became of them. Returns whether she had to.
    async fn say_what_became(&self, run: RunId) -> Result<bool, Text> {
        let Some(key) = self.doubts(run).await?.into_iter().next() else { return Ok(false) };
        let resolution = self.script.truth(&key).map_or(Resolution::DidNotHappen, |reply| Resolution::Happened(reply.value));
        if resolution == Resolution::DidNotHappen {
            self.outlive_token()?;
        }
        self.resolve(&key, resolution).await.map(|()| true)
    }

    /// Until no call that was sent may still arrive.
    fn outlive_token(&self) -> Result<(), Text> {
        let later = self.clock.now().saturating_add(SignedDuration::from_secs(TOKEN_S)).map_err(alike)?;
        self.clock.set(later);
        Ok(())
    }

    /// Calls in doubt by the fault: the one it met, and where the program was stopped all that were due with it.
    async fn doubts(&self, run: RunId) -> Result<Vec<EffectKey>, Text> {
        let Some(struck) = self.script.struck() else { return Ok(Vec::new()) };
        let runs = if self.script.is_stopped() {
            self.desk.family(run).await.map_err(alike)?
        } else {
            self.desk.load(struck.run).await.map_err(alike)?.into_iter().collect()
        };
        let mut doubts = Vec::new();
        for Loaded { run, .. } in &runs {
            let of_run = run.effects.iter().filter(|(_, effect)| effect.status == EffectStatus::Doubt);
            doubts.extend(of_run.map(|(path, e)| EffectKey { tenant: run.tenant.clone(), run: run.id, path: path.clone(), round: e.round }));
        }
        doubts.retain(|key| self.script.is_stopped() || *key == struck);
        Ok(doubts)
    }

    /// Whoever of the directory may.
    async fn resolve(&self, key: &EffectKey, resolution: Resolution) -> Result<(), Text> {
        let mut why = Text::new("niemand im Verzeichnis", "nobody in the directory");
        for person in self.setting.directory.people() {
            match self.desk.resolve(key.run, &person.caller(Via::Form), &key.path.to_string(), resolution.clone()).await {
                Ok(_) => return Ok(()),
                Err(WishError::Denied(decision)) => why = decision.reason,
                Err(error) => why = alike(error),
            }
        }
        let (path, Text { de, en }) = (&key.path, why);
        Err(Text::new(format!("{path}: was daraus geworden ist, konnte niemand sagen ({de})"), format!("{path}: nobody could say what became of it ({en})")))
    }
}

/// A task somebody has tried to answer: how many groups were asked then, and which answer of the script it was.
struct Tried {
    asked: usize,
    times: usize,
}

async fn happen(desk: &Desk, event: Scheduled) -> Result<(), Text> {
    let Scheduled { name, key, payload, .. } = event;
    let by = Caller::service("fall", Via::Api);
    let posted = desk.post(Happening { name: name.clone(), key, payload, id: None }, None, &by).await;
    posted.map_err(|error| match error {
        DeliverError::Invalid(Text { de, en }) => Text::new(format!("events: {name}: {de}"), format!("events: {name}: {en}")),
        other => alike(format!("events: {name}: {other}")),
    })
}

fn desk(setting: &Setting, script: &Script, store: MemoryStore, clock: Arc<JumpingClock>, random: Arc<Counting>) -> Desk {
    let mut catalogue = Catalogue::default();
    catalogue.processes.insert(setting.process.id.to_string(), setting.process.clone());
    let mut tenant = crate::house::tenant(
        &setting.config,
        &setting.tenant,
        &setting.own,
        setting.approved.clone(),
        Store::Memory(store),
        catalogue,
        setting.directory.clone(),
        Box::new(script.clone()),
        clock,
        random,
        laufzettel_worker::SubjectSecret::new([0; 32]),
    );
    tenant.memory = setting.memory.beside();
    // `error: timeout` is what nobody can say: the case shows who is asked then
    tenant.tools.values_mut().for_each(|rule| rule.settles = false);
    Desk::new(Arc::new(tenant))
}

async fn start(setting: &Setting, case: &Case, desk: &Desk) -> Result<RunId, Text> {
    let mut input = case.input.clone();
    crate::perform::attach_files(&setting.process.input, &mut input, &setting.folder).map_err(alike)?;
    let input = laufzettel_worker::files::extract(&desk.tenant, input).await.map_err(alike)?;
    let mut input = input;
    let (caller, run_as) = if case.by == "applicant" {
        let trigger = setting.process.triggers.iter().find(|t| matches!(t.kind, TriggerKind::Intake { .. })).or(setting.process.triggers.first());
        let trigger =
            trigger.ok_or_else(|| Text::new("as: applicant, aber der Prozess hat keinen Auslöser", "as: applicant, but the process has no trigger"))?;
        if let (TriggerKind::Cron { input: given, .. }, true) = (&trigger.kind, input == Value::Object(serde_json::Map::new())) {
            input = given.clone();
        }
        let caller = match (&trigger.kind, &trigger.run_as) {
            // nobody applies where the clock, a program or a file begins
            (kind, RunAs::Service(account)) if let Some(via) = kind.via() => Caller::service(account, via),
            _ => Caller { via: Via::Intake, ..Caller::applicant("fall") },
        };
        (caller, Some(trigger.run_as.clone()))
    } else {
        (person(desk, &case.by).await.map_err(alike)?, None)
    };
    // the same in every case, so that an answer can be written down beforehand
    let mut facts = serde_json::json!({ "id": "fall", "nummer": "2000-000001" });
    // whoever applies has a status page, and nobody else
    let status = caller.is_applicant();
    // who did not sign in has no level
    if let Some(loa) = case.loa.filter(|_| status) {
        too_low(&setting.process, loa).map_or(Ok(()), Err)?;
        facts["applicant"] = serde_json::json!({ "loa": loa.as_str() });
    }
    let request = StartRequest { process: setting.process.id.to_string(), caller, run_as, input, zone: None, receipts: Vec::new(), clock: None, facts, status };
    desk.start(request).await.map(|s| s.run).map_err(|error| match error {
        StartError::Denied(decision) => {
            let (id, Text { de, en }) = (&setting.process.id, decision.reason);
            Text::new(format!("Start verweigert: process.start:{id} {de}"), format!("start denied: process.start:{id} {en}"))
        }
        StartError::Invalid(problems) => {
            let lines = |lang| crate::perform::problem_lines(&problems, lang);
            Text::new(format!("Eingabe passt nicht: {}", lines(Lang::De)), format!("the input does not fit: {}", lines(Lang::En)))
        }
        other => alike(other),
    })
}

/// A level nobody can apply with: every way in asks for more.
fn too_low(process: &Process, loa: Loa) -> Option<Text> {
    let asked = process.triggers.iter().filter_map(|trigger| match &trigger.kind {
        TriggerKind::Intake { login, .. } => Some(login.as_ref().map(|login| login.loa)),
        _ => None,
    });
    let least = asked.min().flatten().filter(|least| *least > loa)?;
    let (least, loa) = (least.as_str(), loa.as_str());
    Some(Text::new(
        format!("Start verweigert: Der Eingang verlangt eine Anmeldung mit dem Niveau „{least}“, der Fall nennt „{loa}“."),
        format!("start denied: the intake asks for a sign-in of the level \"{least}\", the case names \"{loa}\"."),
    ))
}
