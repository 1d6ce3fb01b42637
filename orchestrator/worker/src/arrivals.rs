//! Triggers that have to be looked for: each look takes what is there, in order, and begins a run for it under a receipt. What was
//! begun is put away only afterwards; whatever stops the program in between, the receipt says that it was begun.
//!
//! Refuses to lose anything: what cannot be begun now stays where it is, what can never be begun is put aside with a record.

mod folder;
mod letter;
mod mailbox;
mod place;
mod poll;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::CString,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use laufzettel_domain::{Caller, Digest, RunId, Text, Value, Via};
use laufzettel_journal::{Draft, STORE_RESTORED};
use laufzettel_process::{
    Process,
    model::{RunAs, TriggerKind},
    schema::Problem,
};
use laufzettel_store::{Append, AppendError};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    desk::Desk,
    start::{StartError, StartRequest},
};

/// Milliseconds between two looks: a file must not have changed from one to the next.
const LOOK_MS: u64 = 2_000;
/// What one trigger takes in one look: others want to be looked at, too.
const TAKEN_MAX: usize = 100;
/// Seconds a trigger rests when the store, the directory or a quota did not let it through.
const AGAIN_S: i64 = 10;
/// Files and messages one look fails at: what is broken is not read again and again while the others wait.
const STUCK_MAX: usize = 100;
/// Seconds it rests when it may not start: each try leaves a record of the denial.
const DENIED_AGAIN_S: i64 = 600;

/// Where the operator lets triggers look. `None`: nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Folders of `folder` triggers lie below.
    pub folder: Option<std::path::PathBuf>,
    /// A Maildir (`new`, `cur`, folders as `.name`).
    pub mail: Option<std::path::PathBuf>,
}

/// A trigger with all that stands around it.
struct Way<'p> {
    process: &'p Process,
    run_as: &'p RunAs,
    account: &'p str,
    via: Via,
    /// As the author wrote it.
    place: &'p str,
    /// Nothing more is taken once it is cancelled.
    stop: &'p CancellationToken,
}

/// What is remembered of a trigger from one look to the next: nothing the store does not know, but what would be said twice.
#[derive(Default)]
struct Progress {
    rests_until: Option<Timestamp>,
    /// It has been said that its place cannot be looked at.
    failing: bool,
    /// How each file of a folder looked the last time.
    marks: BTreeMap<CString, place::Mark>,
    /// Messages that were looked at and are not this trigger's.
    foreign: BTreeSet<CString>,
    /// What could not be read or put away the last time, by name: until when it rests, and why. It holds up no other.
    stuck: BTreeMap<CString, (Timestamp, Text)>,
}

/// What became of a file or a message in one look.
enum Turn {
    Taken,
    /// It moves, or is gone.
    Passed,
    /// The trigger rests, and all that is still there with it.
    Rests,
}

/// What one look may still do.
struct Portion {
    taken: usize,
    failed: usize,
    now: Timestamp,
}

/// What became of something that arrived.
enum Begun {
    /// Its run is there, since now or since before.
    Run,
    Unfit(Vec<Problem>),
    /// The trigger rests, and it stays where it is.
    NotNow,
}

/// Why something can never be taken as it is.
struct Refusal {
    message: Text,
    /// Fields of the input that did not fit.
    fields: Vec<String>,
}

/// How far each trigger has come.
#[derive(Default)]
struct Arrivals {
    /// By process and place in its list.
    known: BTreeMap<(String, usize), Progress>,
    /// When the store was last restored from a backup, in seconds; once it is known.
    restored: Option<Option<i64>>,
}

/// Looks until it is told to stop.
pub(crate) async fn watch(desk: Desk, stop: CancellationToken) {
    tokio::join!(watch_places(&desk, &stop), poll::watch(desk.clone(), stop.clone()));
}

async fn watch_places(desk: &Desk, stop: &CancellationToken) {
    if !desk.tenant.catalogue.processes.values().flat_map(|process| &process.triggers).any(|trigger| is_looked_for(&trigger.kind)) {
        // the worker ends with its watcher: where nothing is looked for, it waits as long as that
        stop.cancelled().await;
        return;
    }
    let mut arrivals = Arrivals::default();
    while !stop.is_cancelled() {
        arrivals.look(desk, stop).await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_millis(LOOK_MS)) => {}
        }
    }
}

fn is_looked_for(kind: &TriggerKind) -> bool {
    matches!(kind, TriggerKind::Folder(_) | TriggerKind::Mail(_))
}

impl Arrivals {
    async fn look(&mut self, desk: &Desk, stop: &CancellationToken) {
        let Some(restored) = self.restored(desk).await else { return };
        let now = desk.now();
        for process in desk.tenant.catalogue.processes.values() {
            for (n, trigger) in process.triggers.iter().enumerate() {
                let (RunAs::Service(account), Some(via)) = (&trigger.run_as, trigger.kind.via()) else { continue };
                let progress = self.known.entry((process.id.to_string(), n)).or_default();
                if progress.rests_until.is_some_and(|until| until > now) {
                    continue;
                }
                progress.rests_until = None;
                let way = |place| Way { process, run_as: &trigger.run_as, account, via, place, stop };
                let (way, looked) = match &trigger.kind {
                    TriggerKind::Folder(paths) => (way(&paths.path), desk.look_into_folder(&way(&paths.path), paths, progress, restored).await),
                    TriggerKind::Mail(mailbox) => (way(mailbox.place()), desk.look_into_mailbox(&way(mailbox.place()), mailbox, progress, restored).await),
                    _ => continue,
                };
                desk.tell_state(&way, progress, looked.err()).await;
            }
        }
    }

    /// `None`: the store does not say now.
    async fn restored(&mut self, desk: &Desk) -> Option<Option<i64>> {
        if self.restored.is_none() {
            let record = desk.tenant.store.last_beside(STORE_RESTORED).await.ok()?;
            self.restored = Some(record.map(|record| record.draft.at / 1_000_000));
        }
        self.restored
    }
}

impl Progress {
    fn rest(&mut self, now: Timestamp, seconds: i64) {
        self.rests_until = now.checked_add(SignedDuration::from_secs(seconds)).ok();
    }

    /// Names that rest now.
    fn resting(&self, now: Timestamp) -> BTreeSet<CString> {
        self.stuck.iter().filter(|(_, (until, _))| *until > now).map(|(raw, _)| raw.clone()).collect()
    }

    /// Of what lies there what failed before comes last; what is gone needs not be remembered.
    fn order<T>(&mut self, now: Timestamp, there: &mut [T], raw: impl Fn(&T) -> &CString) {
        let known: BTreeSet<&CString> = there.iter().map(&raw).collect();
        self.stuck.retain(|raw, (until, _)| *until > now || known.contains(raw));
        there.sort_by_key(|one| self.stuck.contains_key(raw(one)));
    }

    /// Why not everything that lies there can be taken: of what is stuck, one reason.
    fn state(&self) -> Result<(), Text> {
        self.stuck.values().next().map_or(Ok(()), |(_, why)| Err(why.clone()))
    }
}

impl Portion {
    fn new(now: Timestamp) -> Self {
        Self { taken: 0, failed: 0, now }
    }

    /// Whether the look goes on after this one.
    fn goes_on(&mut self, progress: &mut Progress, raw: CString, turn: std::io::Result<Turn>) -> bool {
        match turn {
            Ok(Turn::Rests) => return false,
            Ok(Turn::Passed) => {}
            Ok(Turn::Taken) => {
                progress.stuck.remove(&raw);
                self.taken += 1;
            }
            Err(error) => {
                let until = self.now.checked_add(SignedDuration::from_secs(AGAIN_S)).unwrap_or(self.now);
                progress.stuck.insert(raw, (until, place::unreachable(&error)));
                self.failed += 1;
            }
        }
        self.taken < TAKEN_MAX && self.failed < STUCK_MAX
    }
}

impl Desk {
    /// Begins the run of something that arrived.
    async fn begin_arrival(&self, way: &Way<'_>, progress: &mut Progress, input: Value, receipt: String) -> Begun {
        let request = StartRequest {
            process: way.process.id.to_string(),
            caller: Caller::service(way.account, way.via),
            run_as: Some(way.run_as.clone()),
            input,
            zone: None,
            receipts: vec![receipt.clone()],
            clock: None,
            facts: Value::Null,
            status: false,
        };
        let seconds = match self.start(request).await {
            Ok(_) => return Begun::Run,
            Err(StartError::Duplicate(run)) => {
                return if self.tell_again(way, progress, &receipt, run).await { Begun::Run } else { Begun::NotNow };
            }
            Err(StartError::Invalid(problems)) => return Begun::Unfit(problems),
            Err(StartError::Denied(_)) => DENIED_AGAIN_S,
            Err(StartError::Quota(_) | StartError::Unavailable(_) | StartError::UnknownProcess) => AGAIN_S,
        };
        progress.rest(self.now(), seconds);
        Begun::NotNow
    }

    /// Whether it lay there when the store was restored, and the store does not know of its run. `None`: not now.
    async fn is_older(&self, progress: &mut Progress, restored: Option<i64>, changed: i64, receipt: &str) -> Option<bool> {
        if restored.is_none_or(|at| changed > at) {
            return Some(false);
        }
        match self.tenant.store.receipt(receipt).await {
            Ok(run) => Some(run.is_none()),
            Err(error) => {
                tracing::warn!(%error, "what arrived waits for the store");
                progress.rest(self.now(), AGAIN_S);
                None
            }
        }
    }

    /// It came twice, or the program was stopped before it could be put away: no second run, and that is on record. `false`: not now.
    async fn tell_again(&self, way: &Way<'_>, progress: &mut Progress, receipt: &str, run: RunId) -> bool {
        let body = json!({ "run": run.to_string() });
        self.tell_of(way, progress, receipt, "input.repeated", body, None).await
    }

    /// What can never be taken, on record before it is put aside. `false`: not now.
    async fn tell_refused(&self, way: &Way<'_>, progress: &mut Progress, receipt: &str, name: &str, refusal: &Refusal) -> bool {
        let content = json!({ "name": name, "message": refusal.message });
        self.tell_of(way, progress, receipt, "input.refused", json!({ "fields": refusal.fields }), Some(content)).await
    }

    /// A record about something that arrived, once: what cannot be put away is met again at every look. `false`: not now.
    async fn tell_of(&self, way: &Way<'_>, progress: &mut Progress, receipt: &str, kind: &str, body: Value, content: Option<Value>) -> bool {
        let draft = self.draft_of(way, kind, body, content);
        let seen = Some(format!("{kind}:{receipt}"));
        match self.tenant.store.append(Append { drafts: vec![draft], seen, ..Append::default() }).await {
            Ok(()) | Err(AppendError::Seen) => true,
            Err(error) => {
                tracing::warn!(%error, "what arrived waits for the store");
                progress.rest(self.now(), AGAIN_S);
                false
            }
        }
    }

    fn draft_of(&self, way: &Way<'_>, kind: &str, mut body: Value, content: Option<Value>) -> Draft {
        let by = Caller::service(way.account, way.via);
        body["v"] = 1.into();
        body["by"] = json!(by);
        body["process"] = way.process.id.as_str().into();
        body["trigger"] = json!(way.via);
        body["place"] = way.place.into();
        let content = content.as_ref().map(|content| (content, self.tenant.random::<16>()));
        Draft::new(kind, &by.subject, crate::micros(self.now()), body, content)
    }

    /// That a trigger's place cannot be looked at is said once, and once that it can again.
    async fn tell_state(&self, way: &Way<'_>, progress: &mut Progress, failed: Option<Text>) {
        let kind = match &failed {
            Some(_) if !progress.failing => "trigger.failed",
            None if progress.failing => "trigger.recovered",
            _ => return,
        };
        let mut body = json!({ "process": way.process.id.as_str(), "trigger": way.via, "place": way.place });
        if let Some(reason) = &failed {
            tracing::warn!(process = %way.process.id, place = way.place, reason = %reason.en, "a trigger cannot look");
            body["reason"] = json!(reason);
        }
        progress.failing = failed.is_some();
        self.note(kind, &Caller::service("engine", way.via), body).await;
    }
}

impl Refusal {
    fn new(de: impl Into<String>, en: impl Into<String>) -> Self {
        Self { message: Text::new(de, en), fields: Vec::new() }
    }

    fn restored() -> Self {
        Self::new(
            "Das lag schon hier, als die Datenbank aus einer Sicherung wiederhergestellt wurde. Ob der Vorgang dazu begonnen hatte, ist nicht bekannt.",
            "This lay here when the database was restored from a backup. Whether its run had begun is not known.",
        )
    }

    fn too_large(max: u64) -> Self {
        let mib = max >> 20;
        Self::new(format!("Das ist größer als {mib} MiB."), format!("This is larger than {mib} MiB."))
    }

    /// What does not fit the process's input: a line for each field. On record only what the author named.
    fn unfit(process: &Process, problems: &[Problem]) -> Self {
        let lines = |of: fn(&Text) -> &String| {
            let line = |problem: &Problem| {
                if problem.path.0.is_empty() { of(&problem.message).clone() } else { format!("{}: {}", problem.path, of(&problem.message)) }
            };
            problems.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        let declared = |name: &&str| process.input.root["properties"].get(*name).is_some();
        let mut fields: Vec<String> = problems.iter().map(|problem| problem.path.root()).filter(declared).map(str::to_owned).collect();
        fields.sort();
        fields.dedup();
        Self { message: Text::new(lines(|text| &text.de), lines(|text| &text.en)), fields }
    }
}

/// What touches files waits for the disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|died| Err(std::io::Error::other(died)))
}

/// Under which something that arrived is recognised when it comes again. No name of it stands in clear: receipts outlive contents.
fn receipt(way: &Way<'_>, parts: &Value) -> String {
    format!("arrival:{}", Digest::of_value(&json!([way.process.id.as_str(), way.via, way.place, parts])))
}
