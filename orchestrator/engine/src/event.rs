//! What is written. Past tense; each kind has a version, and a version is never reused.
//!
//! An event is stored in two parts: a body without case content, and content that can be erased. `split` and `join` are
//! the only places that know which field is which.

mod asked;
mod meta;
mod task;

use std::collections::{BTreeMap, BTreeSet};

pub use asked::{EffectAsked, EffectUnanswered};
use jiff::Timestamp;
use laufzettel_domain::{Caller, Digest, EffectPath, Label, ProcessId, RunId, StepId, Text, Trust, Value};
use laufzettel_policy::{Decision, Detected, Effect as ToolEffect, Labelled, Offer};
use laufzettel_process::model::{FailureClass, RunAs, Size};
pub use meta::{Handed, Meta};
use serde::{Deserialize, Serialize};
use serde_json::Map;
pub use task::{Escalation, Released, TaskClaimed, TaskCompleted, TaskDeferred, TaskEscalated, TaskHanded, TaskKind, TaskOpened, TaskReturned, TaskWithdrawn};

use crate::blank::blank;

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $kind:literal, content [$($content:literal),*];)*) => {
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event { $($(#[$doc])* $variant($variant),)* }

        impl Event {
            /// Every kind there is.
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)* }
            }

            /// Body and content as JSON. The body carries the event's version.
            pub fn split(&self) -> (Value, Option<Value>) {
                match self { $(Self::$variant(event) => split(event, &[$($content),*]),)* }
            }

            /// Reads an event back. `content` is `None` where it was erased or never was.
            pub fn join(kind: &str, body: &Value, content: Option<Value>) -> Result<Self, CodecError> {
                match kind {
                    $($kind => join(body, content, &[$($content),*]).map(Self::$variant),)*
                    other => Err(CodecError::UnknownKind(other.to_owned())),
                }
            }

            /// Reads an event whose content was erased, with nothing in its place: enough to say what an ended run went through,
            /// never enough to decide on one.
            pub fn join_erased(kind: &str, body: &Value) -> Result<Self, CodecError> {
                let fields: &[&str] = match kind {
                    $($kind => &[$($content),*],)*
                    other => return Err(CodecError::UnknownKind(other.to_owned())),
                };
                let blank: Map<String, Value> = fields.iter().filter_map(|name| Some(((*name).to_owned(), blank(name, body)?))).collect();
                Self::join(kind, body, Some(Value::Object(blank)))
            }
        }
    };
}

/// The version of every event kind so far.
const VERSION: u64 = 1;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("unknown kind of record: {0}")]
    UnknownKind(String),
    #[error("record of a version this program does not know: {0}")]
    UnknownVersion(u64),
    #[error("content erased")]
    ContentErased,
    #[error("record does not read: {0}")]
    Malformed(String),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn split<E: Serialize>(event: &E, content_fields: &[&str]) -> (Value, Option<Value>) {
    let mut body = match serde_json::to_value(event) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    };
    let content: Map<String, Value> = content_fields.iter().filter_map(|name| body.remove(*name).map(|value| ((*name).to_owned(), value))).collect();
    body.insert("v".to_owned(), VERSION.into());
    (Value::Object(body), (!content.is_empty()).then_some(Value::Object(content)))
}

fn join<E: for<'de> Deserialize<'de>>(body: &Value, content: Option<Value>, content_fields: &[&str]) -> Result<E, CodecError> {
    let mut map = body.as_object().cloned().ok_or_else(|| CodecError::Malformed("no object".into()))?;
    match map.remove("v").and_then(|v| v.as_u64()) {
        Some(VERSION) => {}
        other => return Err(CodecError::UnknownVersion(other.unwrap_or(0))),
    }
    let committed = map.remove("mac").is_some();
    match content {
        Some(Value::Object(content)) => map.extend(content),
        _ if committed && !content_fields.is_empty() => return Err(CodecError::ContentErased),
        _ => {}
    }
    serde_json::from_value(Value::Object(map)).map_err(|e| CodecError::Malformed(e.to_string()))
}

events! {
    RunStarted = "run.started", content ["input", "facts", "contacts"];
    /// A step runs another process; the child's own `run.started` is written with it.
    ChildStarted = "child.started", content ["input"];
    /// The child has ended: what that means for the step follows.
    ChildEnded = "child.ended", content [];
    StepSkipped = "step.skipped", content [];
    StepCompleted = "step.completed", content ["value", "inputs"];
    StepFailed = "step.failed", content ["message"];
    /// A person ordered a step anew, and all that depends on it. Each is put back by a `step.retried` once what it did is undone.
    RetryOrdered = "retry.ordered", content [];
    /// A step was ordered again: by who repairs it, or with a `retry.ordered`.
    StepRetried = "step.retried", content [];
    /// A step with `each` knows its list.
    EachBegan = "each.began", content ["items"];
    DeadlineSet = "deadline.set", content [];
    DeadlinePassed = "deadline.passed", content [];
    EffectIntended = "effect.intended", content ["call"];
    EffectSettled = "effect.settled", content ["value"];
    EffectFailed = "effect.failed", content ["message", "answer"];
    /// Its server says nothing yet of what became of it.
    EffectUnanswered = "effect.unanswered", content ["message"];
    /// Its server is asked once more.
    EffectAsked = "effect.asked", content [];
    /// Nothing was tried: what it needs is not there. It waits, and no attempt is used up.
    EffectDeferred = "effect.deferred", content [];
    /// A door said no: the run parks until a person takes over.
    EffectRefused = "effect.refused", content [];
    /// A person ordered a parked or doubtful effect to be tried (again).
    EffectResumed = "effect.resumed", content [];
    /// A step waits for a time.
    WaitBegan = "wait.began", content [];
    /// A step waits for an event under a key.
    EventAwaited = "event.awaited", content ["key"];
    /// It came: the value of its step follows.
    EventDelivered = "event.delivered", content [];
    TaskOpened = "task.opened", content ["show", "form", "note", "vorschlag"];
    /// Nobody answered in time: more people are asked.
    TaskEscalated = "task.escalated", content [];
    /// Somebody has taken it, or taken it over.
    TaskClaimed = "task.claimed", content ["reason"];
    /// Whoever had it gave it to somebody else.
    TaskHanded = "task.handed", content ["note"];
    TaskReturned = "task.returned", content [];
    /// Whoever has it wants to see it again on a later day (Wiedervorlage).
    TaskDeferred = "task.deferred", content ["note"];
    TaskCompleted = "task.completed", content ["values"];
    TaskWithdrawn = "task.withdrawn", content [];
    /// Whoever applied handed a file in that nobody asked for.
    FileAdded = "file.added", content ["file", "note"];
    RunEnding = "run.ending", content ["reason"];
    RunEnded = "run.ended", content ["output", "message", "received"];
}

/// The run a child belongs to, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    pub run: RunId,
    pub step: StepId,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub item: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChildStarted {
    pub step: StepId,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub item: u32,
    pub run: RunId,
    pub nummer: String,
    pub process: ProcessId,
    pub digest: Digest,
    /// Under whose rights.
    pub who: Caller,
    pub labels: Labelled,
    pub reads: BTreeSet<laufzettel_domain::Path>,
    pub input: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChildEnded {
    pub step: StepId,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub item: u32,
    pub run: RunId,
    pub state: crate::run::State,
    /// Nothing it did in the world stands. Absent of what was written before this was known, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clean: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    pub process: ProcessId,
    pub version: String,
    pub digest: Digest,
    /// Case number people use: `2026-000123`.
    pub nummer: String,
    pub caller: Caller,
    pub run_as: RunAs,
    /// Trust of the input by the way it came in.
    pub trust: Trust,
    /// Level and categories of the input read whole.
    pub label: Label,
    /// Of a child: the run that called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Of a child: the labels its input carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labelled>,
    /// SHA-256 of the citizen's status code, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<Digest>,
    /// The zone wished for at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Patterns that stand in the input: which, never where or what.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub detected: BTreeSet<Detected>,
    pub decision: Decision,
    pub input: Value,
    /// `run.*` as expressions see it.
    pub facts: Value,
    /// Values of the fields marked `x-kontakt`.
    pub contacts: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepSkipped {
    pub step: StepId,
    /// Its own condition, or the step whose skipping skipped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<StepId>,
    /// Who let a failed step go without a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Caller>,
    pub label: Label,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepCompleted {
    pub step: StepId,
    /// Of a step with `each`: which item, counted from 1; 0 is the step itself.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub item: u32,
    /// Who supplied the value of a failed step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Caller>,
    pub labels: Labelled,
    pub reads: BTreeSet<laufzettel_domain::Path>,
    /// Set when the step's own `end_if` was true.
    #[serde(default)]
    pub ends: bool,
    /// Patterns that stand in the value and have raised its labels.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub detected: BTreeSet<Detected>,
    pub value: Value,
    /// Of a decision table: what it decided on, so that it can be computed again when nothing else is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepFailed {
    pub step: StepId,
    /// Of a step with `each`: which item, counted from 1; 0 is the step itself.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub item: u32,
    pub class: FailureClass,
    /// `on_error: continue`, of an item `on_item_error: continue`
    pub continues: bool,
    pub label: Label,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetryOrdered {
    pub step: StepId,
    /// With those that depend on it and have begun.
    pub steps: BTreeSet<StepId>,
    /// Of the effects that follow: higher than that of any before.
    pub round: u32,
    pub by: Caller,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRetried {
    pub step: StepId,
    /// Of the effects that follow: higher than that of any before.
    pub round: u32,
    pub by: Caller,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EachBegan {
    pub step: StepId,
    pub count: usize,
    pub label: Label,
    pub reads: BTreeSet<laufzettel_domain::Path>,
    pub items: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadlineSet {
    pub step: StepId,
    pub until: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadlinePassed {
    pub step: StepId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitBegan {
    pub step: StepId,
    /// Of a step with `each`: which item, counted from 1; 0 is the step itself.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub item: u32,
    /// When it is over, if nothing ends it before.
    pub until: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventAwaited {
    pub step: StepId,
    /// Of a step with `each`: which item, counted from 1; 0 is the step itself.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub item: u32,
    pub name: String,
    /// Until when, if not as long as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    pub reads: BTreeSet<laufzettel_domain::Path>,
    pub key: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventDelivered {
    pub step: StepId,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub item: u32,
    pub name: String,
    /// Subject of who sent it.
    pub sender: String,
    pub sent_at: Timestamp,
}

/// The exact call, durable before it is made. A resume sends these bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "door", rename_all = "snake_case")]
pub enum Call {
    Tool {
        server: String,
        tool: String,
        arguments: Value,
    },
    Model {
        size: Size,
        prompt: String,
        data: BTreeMap<String, Value>,
        output: Option<Value>,
        repairs: Vec<(String, String)>,
        /// Of an agent: the tools it may pick among, frozen here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        offer: Option<Offer>,
    },
    /// A further turn of an agent: what its first one was given, and all that was said since, each written once.
    Turn {
        /// Only an answer is taken.
        closing: bool,
        repairs: Vec<(String, String)>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectIntended {
    pub path: EffectPath,
    pub round: u32,
    /// `dms/suchen` or `model:m`.
    pub target: String,
    pub effect: ToolEffect,
    /// Whether a repetition under the same key changes nothing.
    pub repeatable: bool,
    /// Whether its server says afterwards what became of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settles: bool,
    /// Under whose rights.
    pub who: Caller,
    pub labels: BTreeMap<String, Label>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub listed: BTreeSet<String>,
    /// A fixed text to the applicant's own declared contact.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub receipt: bool,
    pub reads: BTreeSet<laufzettel_domain::Path>,
    /// Milliseconds one attempt may take.
    pub timeout_ms: u64,
    /// Not made before: a repetition waits for its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    pub call: Call,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectSettled {
    pub path: EffectPath,
    pub round: u32,
    pub attempt: u32,
    /// A person said so (`runs resolve`), not the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Caller>,
    /// The call itself was not answered; its server said so when it was asked afterwards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked: bool,
    pub meta: Meta,
    pub value: Value,
}

/// Whether a failed effect has acted on the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    DidNotHappen,
    Unknown,
    Happened,
}

/// What follows from a failed attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    RetryAt(Timestamp),
    /// A model is asked again in a new iteration.
    Repair,
    /// Nobody knows whether it happened: its server is asked.
    Settle,
    Doubt,
    GiveUp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectFailed {
    pub path: EffectPath,
    pub round: u32,
    pub attempt: u32,
    pub class: FailureClass,
    pub disposition: Disposition,
    pub next: Next,
    /// A person said that it did not happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Caller>,
    /// Its server said so when it was asked, and lets no attempt so far act any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked: bool,
    pub meta: Meta,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// The effect waits until then: the directory, every model of its zone, or a quota is not to be had now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectDeferred {
    pub path: EffectPath,
    pub round: u32,
    pub until: Timestamp,
    /// What it waits for; names no case content.
    pub reason: Text,
    /// Models that were handed the request all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<Handed>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectRefused {
    pub path: EffectPath,
    pub round: u32,
    pub decision: Decision,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectResumed {
    pub path: EffectPath,
    /// Rises if the person ordered a new execution; stays after a mere takeover.
    pub round: u32,
    pub by: Caller,
}

/// People read it; no expression does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileAdded {
    pub by: Caller,
    /// A file's description; nothing once it was erased.
    pub file: Value,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEnding {
    pub ending: crate::run::Ending,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Caller>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEnded {
    pub state: crate::run::State,
    /// Of a child: the labels its output carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labelled>,
    pub output: Value,
    pub message: String,
    /// What whoever applied got in the end, by name; null: nothing.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub received: Value,
}
