//! What people and programs may wish of a tenant's runs. Every wish ends in one append, or in a refusal that says why.

use std::sync::Arc;

use jiff::Timestamp;
use laufzettel_domain::{Actor, Caller, Digest, RunId, TaskId, TenantId, Value};
use laufzettel_engine::{self as engine, Answer, CodecError, Command, Event, Rejection, Run, TaskKind};
use laufzettel_journal::{Draft, Record};
use laufzettel_policy::{Action, Decision, Who, permit};
use laufzettel_process::model::StepKind;
use laufzettel_store::{Append, AppendError, Error as StoreError, Handed, Projection, failpoint};

use crate::{
    family::{Family, Member},
    files,
    projection::project,
    quota,
    tenant::{DIRECTORY_SILENT, Nobody, Prepared, Tenant},
    unanswered,
};

/// A tenant's desk. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    pub tenant: Arc<Tenant>,
    /// Under which what is wished here is recognised when it comes again.
    receipts: Vec<String>,
}

/// A run with the version it started with.
pub struct Loaded {
    pub run: Run,
    pub prepared: Arc<Prepared>,
    /// Of an ended run whose contents were erased: nothing stands in their place.
    pub gone: Option<Gone>,
}

/// What has gone of a run, and what has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    pub at: Timestamp,
    /// Until when decisions and calculations are kept; `None`: they are gone, too.
    pub belege_until: Option<Timestamp>,
}

#[derive(Debug, thiserror::Error)]
pub enum WishError {
    #[error("there is no such run")]
    Unknown,
    #[error("denied")]
    Denied(Decision),
    #[error("refused")]
    Rejected(Rejection),
    /// The same wish came before, and was carried out.
    #[error("already received")]
    Repeated,
    #[error("not possible now: {0}")]
    Unavailable(String),
}

impl From<Nobody> for WishError {
    fn from(nobody: Nobody) -> Self {
        match nobody {
            Nobody::Unavailable => Self::Unavailable(DIRECTORY_SILENT.to_owned()),
            Nobody::Denied(decision) => Self::Denied(decision),
        }
    }
}

impl From<StoreError> for WishError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Times a decision is made anew because somebody else was faster: more than this is a bug, not bad luck.
const CONFLICTS_MAX: usize = 20;

impl Desk {
    pub fn new(tenant: Arc<Tenant>) -> Self {
        Self { tenant, receipts: Vec::new() }
    }

    /// The same desk for one wish: what is written leaves these receipts, and a wish that finds the first of them is
    /// [`WishError::Repeated`]. For orders and tasks; a start brings its own.
    #[must_use]
    pub fn once(&self, receipts: Vec<String>) -> Self {
        Self { tenant: self.tenant.clone(), receipts }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.tenant.clock.now()
    }

    /// The caller with the groups of this moment.
    pub async fn who(&self, caller: &Caller) -> Result<Who, Nobody> {
        self.tenant.who(caller).await
    }

    /// A record beside runs. What cannot be written is said in the log, never swallowed.
    pub async fn note(&self, kind: &str, caller: &Caller, body: Value) {
        if let Err(error) = self.record(kind, caller, body).await {
            tracing::error!(%error, kind, "a record beside runs was not written");
        }
    }

    /// A record beside runs that something depends on: durable when it returns.
    pub async fn record(&self, kind: &str, caller: &Caller, body: Value) -> Result<(), AppendError> {
        failpoint::pass("record.before_append", AppendError::Unavailable)?;
        self.put_record(kind, caller, body).await?;
        failpoint::pass("record.after_append", AppendError::Unavailable)
    }

    /// The same for what has failpoints of its own.
    pub(crate) async fn put_record(&self, kind: &str, caller: &Caller, mut body: Value) -> Result<(), AppendError> {
        body["v"] = 1.into();
        body["by"] = serde_json::to_value(caller).unwrap_or(Value::Null);
        let draft = Draft::new(kind, &caller.subject, crate::micros(self.now()), body, None);
        self.tenant.store.note(draft).await
    }

    /// Folds a run from its journal.
    pub async fn load(&self, run: RunId) -> Result<Option<Loaded>, WishError> {
        Ok(self.retrace(run).await?.map(|(loaded, _)| loaded))
    }

    /// The same, with the records it was folded from: they tell what a run does not keep.
    pub async fn retrace(&self, run: RunId) -> Result<Option<(Loaded, Vec<Record>)>, WishError> {
        let records = self.tenant.store.history(run).await?;
        if records.is_empty() {
            return Ok(None);
        }
        let (events, erased) = read(&records)?;
        let folded = engine::fold(&self.tenant.id, run, &events).map_err(|e| WishError::Unavailable(e.to_string()))?;
        let Some(state) = folded else { return Ok(None) };
        let prepared = self.tenant.version(state.process.as_str(), state.digest).await?;
        let Some(prepared) = prepared else {
            return Err(WishError::Unavailable(format!("die Fassung {} von {} ist nicht mehr da", state.version, state.process)));
        };
        let gone = if erased { Some(self.gone(&state).await?) } else { None };
        Ok(Some((Loaded { run: state, prepared, gone }, records)))
    }

    /// Contents are missing where they were erased, and only of what has ended: anything else is a damaged journal.
    async fn gone(&self, run: &Run) -> Result<Gone, WishError> {
        let row = self.tenant.store.retention(run.id).await?.filter(|_| run.ended.is_some());
        let instant = |at: i64| Timestamp::from_microsecond(at).ok();
        let gone = row.and_then(|row| Some(Gone { at: instant(row.erased_at?)?, belege_until: instant(row.records_until).filter(|_| !row.whole) }));
        gone.ok_or_else(|| WishError::Unavailable("Inhalte fehlen, ohne dass sie gelöscht wurden".to_owned()))
    }

    /// A run with the children it waits for, and theirs: the run itself comes first.
    pub async fn family(&self, run: RunId) -> Result<Vec<Loaded>, WishError> {
        let mut family = vec![self.load(run).await?.ok_or(WishError::Unknown)?];
        let mut next = 0;
        while let Some(member) = family.get(next) {
            next += 1;
            for child in member.run.open_children().map(|(_, child)| child.run).collect::<Vec<_>>() {
                family.extend(self.load(child).await?);
            }
        }
        Ok(family)
    }

    /// Decides a wish on the run as it stands, and makes the decision durable. Whoever was faster is folded in first.
    pub async fn tell(&self, run: RunId, actor: &Actor, wish: impl Fn(&Loaded) -> Result<Command, WishError>) -> Result<Loaded, WishError> {
        let loaded = self.load(run).await?.ok_or(WishError::Unknown)?;
        self.tell_loaded(loaded, actor, wish).await
    }

    /// The same for a run somebody has looked at already: rights that no later event changes are asked before.
    pub async fn tell_loaded(&self, first: Loaded, actor: &Actor, wish: impl Fn(&Loaded) -> Result<Command, WishError>) -> Result<Loaded, WishError> {
        let run = first.run.id;
        if let Some(key) = self.receipts.first()
            && self.tenant.store.receipt(key).await?.is_some()
        {
            return Err(WishError::Repeated);
        }
        let mut first = Some(first);
        for _ in 0..CONFLICTS_MAX {
            let loaded = match first.take() {
                Some(loaded) => loaded,
                None => self.load(run).await?.ok_or(WishError::Unknown)?,
            };
            failpoint::pass("wish.before_decide", WishError::Unavailable)?;
            let command = wish(&loaded)?;
            let receipt = (!self.receipts.is_empty()).then(|| self.receipts.clone());
            match self.decide(loaded, command, Write { receipt, ..Write::of(actor, self.now()) }).await {
                Err(Told::Conflict) => {}
                Err(Told::Later(why)) => return Err(WishError::Unavailable(why)),
                Err(Told::Wish(error)) => return Err(error),
                Ok(loaded) => {
                    self.tenant.memory.moved.notify_one();
                    failpoint::pass("wish.after_append", WishError::Unavailable)?;
                    return Ok(loaded);
                }
            }
        }
        Err(WishError::Unavailable("der Vorgang ändert sich gerade zu schnell".to_owned()))
    }

    pub(crate) async fn decide(&self, loaded: Loaded, command: Command, write: Write) -> Result<Loaded, Told> {
        let at = write.at.max(loaded.run.updated_at);
        let Loaded { mut run, prepared, .. } = loaded;
        let events = engine::decide(&prepared.process, &prepared.context, &run, command, at).map_err(|r| Told::Wish(rejected(r)))?;
        let before = run.seq;
        for event in &events {
            engine::apply(&mut run, event, at).map_err(|e| Told::Wish(WishError::Unavailable(e.to_string())))?;
        }
        if events.is_empty() {
            return Ok(Loaded { run, prepared, gone: None });
        }
        let mut family = Family::follow(self, Member { prepared, run, before, events, at }, at).await?;
        let written = self.append(&family, Write { at, ..write }).await;
        if family.members.len() > 1 {
            self.tenant.memory.moved.notify_one();
        }
        match written {
            Ok(()) => {
                let Member { run, prepared, .. } = family.members.swap_remove(0);
                Ok(Loaded { run, prepared, gone: None })
            }
            Err(AppendError::Conflict(_)) => Err(Told::Conflict),
            Err(AppendError::Unavailable(why)) => Err(Told::Later(why)),
            Err(AppendError::Duplicate(_)) => Err(Told::Wish(WishError::Repeated)),
            Err(error) => Err(Told::Wish(WishError::Unavailable(error.to_string()))),
        }
    }

    /// Writes down what a decision means for everybody it concerns: all of it, or nothing.
    pub(crate) async fn append(&self, family: &Family, write: Write) -> Result<(), AppendError> {
        let Write { actor, receipt, fenced, taken, clock, .. } = write;
        let (mut receipt, mut taken, mut clock, mut actor) = (receipt, taken, clock, Some(actor));
        let mut appends = Vec::new();
        // known before anybody can see the records: the worker may claim the run the instant they are durable. What was not
        // written is taken out again: whoever writes it then begins it
        let mut intended = Vec::new();
        for Member { prepared, run, before, events, at } in family.members.iter().filter(|member| !member.events.is_empty()) {
            // what follows for others nobody ordered: the engine does
            let actor = actor.take().unwrap_or_else(|| Actor::Engine.to_string());
            let parts: Vec<_> = events.iter().map(|event| (event.kind(), event.split())).collect();
            let files = parts.iter().filter_map(|(_, (_, content))| content.as_ref()).flat_map(files::names).collect();
            let drafts = parts.into_iter().map(|(kind, (body, content))| {
                let salt = self.tenant.random::<16>();
                Draft::new(kind, &actor, crate::micros(*at), body, content.as_ref().map(|c| (c, salt)))
            });
            appends.push(Append {
                run: Some(run.id),
                expected: *before,
                epoch: fenced.then(|| self.tenant.store.epoch()),
                drafts: drafts.collect(),
                files,
                projection: Some(self.projection(prepared, run, events, *at)),
                receipt: receipt.take(),
                taken: taken.take(),
                clock: clock.take(),
                ..Append::default()
            });
            let due = engine::effects(run).into_iter().filter(|e| events.iter().any(|event| makes_due(event, &e.key.path)));
            intended.extend(due.map(|e| e.key));
        }
        self.intend(&intended, true);
        let _ = failpoint::hit("worker.intended");
        let mark = unanswered::mark(&appends);
        let mut written = self.tenant.store.append_all(appends).await.and_then(|()| failpoint::pass("worker.after_write", AppendError::Unavailable));
        if let (Err(AppendError::Unavailable(_)), Some(mark)) = (&written, &mark)
            && unanswered::is_written(&self.tenant.store, mark).await
        {
            written = Ok(());
        }
        if written.is_err() {
            self.intend(&intended, false);
        }
        written
    }

    /// What lists show, and by what the run's data subject is found from its beginning on.
    fn projection(&self, prepared: &Prepared, run: &Run, events: &[Event], at: Timestamp) -> Projection {
        let begins = events.iter().any(|event| matches!(event, Event::RunStarted(_)));
        let subjects = if begins { self.tenant.subject_keys(prepared, run) } else { Vec::new() };
        Projection { subjects, ..project(prepared, run, events, &quota::day(&self.tenant, at)) }
    }

    fn intend(&self, keys: &[laufzettel_domain::EffectKey], here: bool) {
        let mut intended = self.tenant.memory.intended.lock().expect("nobody panics while holding this lock");
        for key in keys {
            if here {
                intended.insert(key.clone());
            } else {
                intended.remove(key);
            }
        }
    }

    /// Answers a task. The caller needs the task's own assignment, or `task.complete`.
    pub async fn answer(&self, task: TaskId, by: &Caller, values: &Value, shown: Digest) -> Result<Loaded, WishError> {
        let told = self.answer_allowed(task, by, values, shown).await;
        let told = self.noted(task, by, told).await;
        failpoint::pass("answer.after_append", WishError::Unavailable)?;
        told
    }

    /// An open task's assignment only ever widens (`escalate`), so the right is asked once, before the races.
    async fn answer_allowed(&self, task: TaskId, by: &Caller, values: &Value, shown: Digest) -> Result<Loaded, WishError> {
        let loaded = self.load(task.run).await?.ok_or(WishError::Unknown)?;
        failpoint::pass("answer.before_permit", WishError::Unavailable)?;
        let decision = self.may_complete(&loaded, task.number, by).await?;
        if !decision.allow {
            return Err(WishError::Denied(decision));
        }
        let problems = self.files_of(&loaded, task.number, values).await?;
        if !problems.is_empty() {
            return Err(WishError::Rejected(Rejection::Invalid(problems)));
        }
        let release = self.may_release(&loaded, task.number, by).await?;
        let stands_for = self.standing(&loaded, task.number, by).await?;
        let answer = Answer { task: task.number, by: by.clone(), values: values.clone(), shown, decision, release, stands_for };
        self.tell_loaded(loaded, &Actor::Caller(by.clone()), |_| Ok(Command::Answer(answer.clone()))).await
    }

    /// Whether somebody may lower labels; `None` where completing the task lowers none.
    async fn may_release(&self, loaded: &Loaded, number: u32, by: &Caller) -> Result<Option<Decision>, Nobody> {
        let task = loaded.run.tasks.get(&number).filter(|t| t.opened.kind == TaskKind::Human);
        let step = task.and_then(|t| loaded.prepared.process.steps.get(&t.opened.step));
        match step.map(|step| &step.kind) {
            Some(StepKind::Human(human)) if human.release.is_some() => {
                let who = self.who(by).await?;
                Ok(Some(permit(&who, &Action::LabelRelease, Some(loaded.run.process.as_str()), &self.tenant.rules)))
            }
            _ => Ok(None),
        }
    }
}

/// How a decision is written down.
pub(crate) struct Write {
    pub actor: String,
    pub receipt: Option<Vec<String>>,
    pub at: Timestamp,
    /// Intents and outcomes: refused if the store was opened anew since.
    pub fenced: bool,
    /// The message it answers to, which nobody else takes then.
    pub taken: Option<Handed>,
    /// The schedule it follows from, and how far that has come.
    pub clock: Option<(String, Option<i64>)>,
}

impl Write {
    pub fn of(actor: &Actor, at: Timestamp) -> Self {
        Self { actor: actor.to_string(), receipt: None, at, fenced: false, taken: None, clock: None }
    }
}

/// How a decision did not become durable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Told {
    #[error("somebody else was faster")]
    Conflict,
    /// The store did not take it; nothing was written, or nobody knows.
    #[error("{0}")]
    Later(String),
    #[error(transparent)]
    Wish(WishError),
}

fn makes_due(event: &Event, path: &laufzettel_domain::EffectPath) -> bool {
    match event {
        Event::EffectIntended(e) => e.path == *path,
        Event::EffectResumed(e) => e.path == *path,
        _ => false,
    }
}

pub(crate) fn rejected(rejection: Rejection) -> WishError {
    match rejection {
        Rejection::Denied(decision) => WishError::Denied(decision),
        other => WishError::Rejected(other),
    }
}

/// The receipt of a citizen's status code: only its digest is kept.
pub fn status_key(code: &str) -> String {
    format!("status:{}", Digest::of(code.as_bytes()))
}

/// Events of stored records; of those whose content was erased, what is left.
pub fn decode(records: &[Record]) -> Result<Vec<(Event, Timestamp)>, WishError> {
    read(records).map(|(events, _)| events)
}

/// The same, and whether the content of any was erased.
/// A run as its first record began it; `None` where its contents are gone.
pub(crate) fn begun(tenant: &TenantId, run: RunId, first: &Record) -> Result<Option<Run>, WishError> {
    let (events, erased) = read(std::slice::from_ref(first))?;
    if erased {
        return Ok(None);
    }
    engine::fold(tenant, run, &events).map_err(|error| WishError::Unavailable(error.to_string()))
}

fn read(records: &[Record]) -> Result<(Vec<(Event, Timestamp)>, bool), WishError> {
    let mut erased = false;
    let mut events = Vec::with_capacity(records.len());
    for record in records {
        let body = record.draft.body().ok_or_else(|| WishError::Unavailable("ein Eintrag liest sich nicht".to_owned()))?;
        let event = match Event::join(&record.draft.kind, &body, record.draft.content()) {
            Err(CodecError::ContentErased) => {
                erased = true;
                Event::join_erased(&record.draft.kind, &body)
            }
            other => other,
        };
        let at = Timestamp::from_microsecond(record.draft.at).map_err(|e| WishError::Unavailable(e.to_string()))?;
        events.push((event.map_err(|e| WishError::Unavailable(e.to_string()))?, at));
    }
    Ok((events, erased))
}
