//! Runs one case.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use laufzettel_directory::Directory;
use laufzettel_domain::{Caller, Clock, TaskId, TenantId, Value, Via};
use laufzettel_engine::{TaskKind, TaskOpened, wake_at};
use laufzettel_process::{
    Catalogue, Process,
    model::{RunAs, TriggerKind},
};
use laufzettel_store::{Memory as MemoryStore, Store};
use laufzettel_worker::{DeliverError, Desk, Happening, Random, StartError, StartRequest, WishError};

use super::{
    Report,
    compare::compare,
    read::{Case, Scheduled},
    script::Script,
};
use crate::config::{Config, TenantConfig};

/// What every case of a file shares.
#[derive(Clone)]
pub struct Setting {
    pub config: Config,
    pub tenant: TenantId,
    pub own: TenantConfig,
    pub directory: Directory,
    pub process: Process,
    /// Where `{ file: … }` in an input starts from.
    pub folder: PathBuf,
    pub file: String,
}

struct JumpingClock(Mutex<Timestamp>);

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

pub async fn perform(setting: Setting, case: Case) -> Report {
    let report = |differences| Report { file: setting.file.clone(), name: case.name.clone(), differences };
    let clock = Arc::new(JumpingClock(Mutex::new(case.now)));
    let types = match crate::house::tool_types(&setting.own) {
        Ok(types) => types,
        Err(error) => return report(vec![error.to_string()]),
    };
    let script = Script::new(&case, types);
    let desk = match desk(&setting, &script, clock.clone()) {
        Ok(desk) => desk,
        Err(error) => return report(vec![error.to_string()]),
    };
    let run = match start(&setting, &case, &desk).await {
        Ok(run) => run,
        Err(difference) => {
            let fits = case.expect.denied.as_deref().is_some_and(|action| difference.contains(action))
                || case.expect.refused.as_deref().is_some_and(|code| difference.contains(code));
            return report(if fits { vec![] } else { vec![difference] });
        }
    };
    let mut answered = BTreeSet::new();
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    let mut events = case.events.clone().into_iter().peekable();
    for _ in 0..ROUNDS_MAX {
        while let Some(event) = events.next_if(|event| event.at <= clock.now()) {
            if let Err(error) = happen(&desk, event).await {
                return report(vec![error]);
            }
        }
        if let Err(error) = desk.drive(run).await {
            return report(vec![error.to_string()]);
        }
        let Ok(family) = desk.family(run).await else { return report(vec!["der Vorgang ist verschwunden".to_owned()]) };
        let loaded = &family[0];
        if loaded.run.ended.is_some() {
            return report(compare(&case.expect, &loaded.run, &script));
        }
        let tasks = family.iter().flat_map(|member| member.run.open_tasks().map(|task| (TaskId { run: member.run.id, number: task.opened.number }, task)));
        let open = tasks.into_iter().find(|(id, t)| (t.opened.kind.is_own() || t.opened.kind == TaskKind::Repair) && !answered.contains(id));
        if let Some((id, task)) = open {
            answered.insert(id);
            let times = asked.entry(task.opened.step.to_string()).or_default();
            *times += 1;
            let Some(scripted) = scripted(&case, &task.opened, *times) else { continue };
            // a scripted answer that the engine refuses is no error: the task stays open
            drop(answer(&desk, id, scripted, task.opened.shown).await);
            continue;
        }
        let happens = events.peek().map(|event| event.at);
        match family.iter().filter_map(|member| wake_at(&member.run)).chain(happens).min() {
            Some(at) => *clock.0.lock().expect("nobody panics while holding this lock") = at,
            None => return report(compare(&case.expect, &loaded.run, &script)),
        }
    }
    report(vec![format!("kommt nach {ROUNDS_MAX} Schritten nicht zur Ruhe")])
}

async fn happen(desk: &Desk, event: Scheduled) -> Result<(), String> {
    let Scheduled { name, key, payload, .. } = event;
    let by = Caller::service("fall", Via::Api);
    let posted = desk.post(Happening { name: name.clone(), key, payload, id: None }, None, &by).await;
    posted.map_err(|error| match error {
        DeliverError::Invalid(text) => format!("events: {name}: {}", text.de),
        other => format!("events: {name}: {other}"),
    })
}

/// What somebody answers to a task of this step: always the same, item by item, or time by time (a repair comes after what failed).
fn scripted<'c>(case: &'c Case, task: &TaskOpened, times: usize) -> Option<&'c Value> {
    match case.humans.get(task.step.as_str())? {
        Value::Array(answers) if task.item > 0 => answers.get(task.item as usize - 1),
        Value::Array(answers) => answers.get(times - 1),
        answer => Some(answer),
    }
}

fn desk(setting: &Setting, script: &Script, clock: Arc<JumpingClock>) -> anyhow::Result<Desk> {
    let mut catalogue = Catalogue::default();
    catalogue.processes.insert(setting.process.id.to_string(), setting.process.clone());
    let store = Store::Memory(MemoryStore::open(setting.tenant.as_str(), 0));
    let mut tenant = crate::house::tenant(
        &setting.config,
        &setting.tenant,
        &setting.own,
        store,
        catalogue,
        setting.directory.clone(),
        Box::new(script.clone()),
        clock,
        Arc::new(Counting(Mutex::new(0))),
    )?;
    // `error: timeout` is what nobody can say: the case shows who is asked then
    tenant.tools.values_mut().for_each(|rule| rule.settles = false);
    Ok(Desk::new(Arc::new(tenant)))
}

async fn start(setting: &Setting, case: &Case, desk: &Desk) -> Result<laufzettel_domain::RunId, String> {
    let mut input = case.input.clone();
    crate::perform::attach_files(&setting.process.input, &mut input, &setting.folder).map_err(|e| e.to_string())?;
    let input = laufzettel_worker::files::extract(&desk.tenant.store, input).await.map_err(|e| e.to_string())?;
    let mut input = input;
    let (caller, run_as) = if case.by == "applicant" {
        let trigger = setting.process.triggers.iter().find(|t| matches!(t.kind, TriggerKind::Intake { .. })).or(setting.process.triggers.first());
        let trigger = trigger.ok_or("as: applicant, aber der Prozess hat keinen Auslöser")?;
        if let (TriggerKind::Cron { input: given, .. }, true) = (&trigger.kind, input == Value::Object(serde_json::Map::new())) {
            input = given.clone();
        }
        let caller = match (&trigger.kind, &trigger.run_as) {
            // nobody applies where the clock or a program begins
            (TriggerKind::Cron { .. }, RunAs::Service(account)) => Caller::service(account, Via::Cron),
            (TriggerKind::Webhook { .. }, RunAs::Service(account)) => Caller::service(account, Via::Webhook),
            _ => Caller { via: Via::Intake, ..Caller::applicant("fall") },
        };
        (caller, Some(trigger.run_as.clone()))
    } else {
        (person(desk, &case.by).await.map_err(|e| e.to_string())?, None)
    };
    // the same in every case, so that an answer can be written down beforehand
    let mut facts = serde_json::json!({ "id": "fall", "nummer": "2000-000001" });
    if caller.is_applicant() {
        facts["applicant"] = serde_json::json!({ "loa": case.loa });
    }
    let request =
        StartRequest { process: setting.process.id.to_string(), caller, run_as, input, zone: None, receipts: Vec::new(), clock: None, facts, status: true };
    desk.start(request).await.map(|s| s.run).map_err(|error| match error {
        StartError::Denied(decision) => format!("Start verweigert: process.start:{} {}", setting.process.id, decision.reason.de),
        StartError::Invalid(problems) => format!("Eingabe passt nicht: {}", crate::perform::problem_lines(&problems, laufzettel_domain::Lang::De)),
        other => other.to_string(),
    })
}

/// Whoever a case lets act: a person the directory knows. Nothing happens in a case, so nobody signs in for it.
async fn person(desk: &Desk, name: &str) -> Result<Caller, WishError> {
    let known = desk.tenant.directory.person(name).await.map_err(|e| WishError::Unavailable(format!("{name}: {e}")))?;
    let known = known.filter(|person| !person.disabled).ok_or_else(|| {
        WishError::Unavailable(format!(
            "{name}: steht nicht im Verzeichnis oder ist gesperrt (mit directory: oidc nennt directory.oidc.cases die Personen der Fälle)"
        ))
    })?;
    Ok(known.caller(Via::Form))
}

async fn answer(desk: &Desk, id: TaskId, scripted: &Value, shown: laufzettel_domain::Digest) -> Result<(), WishError> {
    let mut values = scripted.clone();
    let by = values.as_object_mut().and_then(|map| map.remove("by")).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let caller = person(desk, &by).await?;
    desk.answer(id, &caller, &values, shown).await.map(drop)
}
