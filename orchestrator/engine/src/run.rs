//! What the events mean: a run as it stands.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use laufzettel_domain::{Caller, Digest, EffectPath, Label, ProcessId, RunId, Slot, StepId, TenantId, Text, Trust, Value, names::Phase};
use laufzettel_policy::{Decision, Effect as ToolEffect, Labelled};
use laufzettel_process::model::{FailureClass, RunAs};
use serde::{Deserialize, Serialize};

use crate::event::{Disposition, EffectIntended, Parent, TaskOpened};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Running,
    Waiting,
    Completed,
    Failed,
    Cancelled,
    /// An undo failed or lost its right: a person must look.
    Stuck,
}

impl State {
    pub const ALL: [Self; 6] = [Self::Running, Self::Waiting, Self::Completed, Self::Failed, Self::Cancelled, Self::Stuck];

    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Stuck)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Stuck => "stuck",
        }
    }
}

/// What a run is on its way to once nothing new starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// `end_if` was true.
    Completed,
    Failed,
    Cancelled,
    /// Nobody can find out whether something stands: only what is under way is awaited.
    Stuck,
}

#[derive(Debug, Clone, PartialEq)]
pub enum StepState {
    /// Its effect or task is under way.
    Active,
    Completed {
        value: Value,
        labels: Labelled,
        at: Timestamp,
    },
    Skipped {
        because: Option<StepId>,
        label: Label,
        at: Timestamp,
    },
    Failed {
        class: FailureClass,
        message: String,
        continues: bool,
        label: Label,
        at: Timestamp,
    },
}

impl StepState {
    /// Whether those that wait for it may go on.
    pub fn is_settled(&self) -> bool {
        match self {
            Self::Active => false,
            Self::Failed { continues, .. } => *continues,
            Self::Completed { .. } | Self::Skipped { .. } => true,
        }
    }
}

/// One element of a list, as `index` (from 0) and `item` show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    pub index: Value,
    pub item: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    pub run: RunId,
    pub nummer: String,
    pub process: ProcessId,
    pub ended: bool,
    /// Of one that has ended: nothing it did in the world stands.
    pub clean: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub name: String,
    pub key: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    At(Timestamp),
    /// Nothing new of the step begins; what is under way is awaited.
    Passed,
}

#[derive(Debug, Clone, PartialEq)]
pub enum EffectStatus {
    /// To be made now.
    Due,
    RetryAt(Timestamp),
    /// Nobody knows whether it happened; its server is asked ([`EffectRun::question`]).
    Settling,
    /// Nobody knows whether it happened: a person is asked. Its server may be, too.
    Doubt,
    /// A door refused it.
    Parked(Decision),
    /// The outcome is in the journal.
    Settled {
        value: Value,
    },
    GaveUp {
        class: FailureClass,
        message: String,
        /// Of all its attempts together: whether it stands.
        disposition: Disposition,
    },
}

impl EffectStatus {
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Settled { .. } | Self::GaveUp { .. })
    }

    /// Of what has come to its end: whether it happened, or may have.
    pub fn stands(&self) -> bool {
        match self {
            Self::Settled { .. } => true,
            Self::GaveUp { disposition, .. } => *disposition != Disposition::DidNotHappen,
            _ => false,
        }
    }
}

/// What became of a call, asked of its server.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub since: Timestamp,
    /// How the call failed: `retry.on` is held against it, should the call not have happened.
    pub class: FailureClass,
    /// Times the server has said nothing.
    pub unanswered: u32,
    /// When it is asked again; `None`: it is asked now.
    pub at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct EffectRun {
    pub intent: EffectIntended,
    pub round: u32,
    /// The attempt under way, or the last one made; counted from 1.
    pub attempt: u32,
    pub status: EffectStatus,
    /// An earlier attempt of this round may have acted.
    pub uncertain: bool,
    /// Tokens of all its attempts: the endpoint's own number, or our upper estimate.
    pub tokens: u64,
    /// Times it was put off in a row, and what for; gone with the next outcome.
    pub deferred: Option<(u32, Text)>,
    /// Put to its server while nobody knows whether it happened.
    pub question: Option<Question>,
    pub intended_at: Timestamp,
    pub updated_at: Timestamp,
}

impl EffectRun {
    /// Whether it has come to its end and changed something, or may have.
    pub fn acted(&self) -> bool {
        self.intent.effect != ToolEffect::Read && self.status.stands()
    }

    /// Whether its server is to be asked now.
    pub fn is_asked(&self) -> bool {
        self.question.as_ref().is_some_and(|question| question.at.is_none())
    }

    /// Whether something is to be done outside now: the call, or the question what became of it.
    pub fn is_due(&self) -> bool {
        self.status == EffectStatus::Due || self.is_asked()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum TaskState {
    Open,
    Completed { by: Caller, values: Value, at: Timestamp },
    Withdrawn,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub opened: TaskOpened,
    pub opened_at: Timestamp,
    /// When nobody had answered in time, and more people were asked.
    pub escalated_at: Option<Timestamp>,
    /// Who has it in hand.
    pub claimed: Option<Claimed>,
    pub state: TaskState,
    /// Of a step that was put back since: whoever answered has not answered for the round it is in.
    pub superseded: bool,
}

/// Steps that are ordered anew and not put back yet: first what they did is undone, and nothing begins meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub struct Anew {
    pub steps: BTreeSet<StepId>,
    pub round: u32,
    pub by: Caller,
}

/// A file that came without a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    pub at: Timestamp,
    /// Its description; null once it was erased.
    pub file: Value,
    pub note: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    pub by: Caller,
    pub at: Timestamp,
    /// She put it aside.
    pub again: Option<Again>,
}

/// Wiedervorlage: the day whoever has a task wants to see it again, and what she waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Again {
    pub day: Date,
    pub note: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub tenant: TenantId,
    pub id: RunId,
    /// Events applied; the `run_seq` of the last one.
    pub seq: u64,
    pub process: ProcessId,
    pub version: String,
    pub digest: Digest,
    pub nummer: String,
    pub started_at: Timestamp,
    pub updated_at: Timestamp,
    pub caller: Caller,
    pub run_as: RunAs,
    pub trust: Trust,
    pub zone: Option<String>,
    pub input: Value,
    pub facts: Value,
    pub contacts: BTreeSet<String>,
    pub steps: BTreeMap<StepId, StepState>,
    /// Of a step with `each`: its list.
    pub lists: BTreeMap<StepId, Vec<Element>>,
    /// Of a step with `each`: how its items stand.
    pub items: BTreeMap<Slot, StepState>,
    /// In the order they were completed: undone backwards.
    pub completed: Vec<Slot>,
    pub effects: BTreeMap<EffectPath, EffectRun>,
    /// Calls of rounds a repair has ended, that changed something or may have: their step has begun anew, and nothing takes them back.
    pub earlier: Vec<(EffectPath, EffectRun)>,
    /// Runs such rounds have called, that left something standing.
    pub earlier_children: Vec<(Slot, Child)>,
    pub tasks: BTreeMap<u32, Task>,
    /// What waits for a time, and for which.
    pub waits: BTreeMap<Slot, Timestamp>,
    /// Of a child: the run that called it, and the labels its input came with.
    pub parent: Option<Parent>,
    pub passed: Option<Labelled>,
    /// What runs as a child.
    pub children: BTreeMap<Slot, Child>,
    /// Runs begun as children, those of steps that were put back, too: a number is given out once.
    pub called: usize,
    /// What waits for an event, and for which; until when stands in `waits`.
    pub expects: BTreeMap<Slot, Expected>,
    /// Of a step that was ordered again: the round of its effects.
    pub rounds: BTreeMap<StepId, u32>,
    pub deadlines: BTreeMap<StepId, Deadline>,
    pub anew: Option<Anew>,
    /// Files whoever applied handed in later, in the order they came.
    pub added: Vec<Added>,
    /// When whoever applied took her application back, and why, if she said.
    pub withdrawn: Option<(Timestamp, String)>,
    pub ending: Option<(Ending, Option<StepId>)>,
    pub ended: Option<(State, Timestamp)>,
    pub output: Value,
    /// What whoever applied got in the end, by name; null: nothing.
    pub received: Value,
    /// Why it failed, was cancelled or is stuck.
    pub message: String,
}

impl Run {
    /// `waiting` = nothing can be done now without a person or a later time.
    pub fn state(&self) -> State {
        if let Some((state, _)) = self.ended {
            return state;
        }
        let due = !self.is_parked() && self.effects.values().any(EffectRun::is_due);
        let stopped = self.open_tasks().next().is_some()
            || !self.waits.is_empty()
            || !self.expects.is_empty()
            || self.open_children().next().is_some()
            || self.effects.values().any(|e| matches!(e.status, EffectStatus::RetryAt(_) | EffectStatus::Settling));
        if !due && stopped { State::Waiting } else { State::Running }
    }

    pub fn open_children(&self) -> impl Iterator<Item = (&Slot, &Child)> {
        self.children.iter().filter(|(_, child)| !child.ended)
    }

    /// Whether nothing it did in the world stands: whatever acted, or may have, is undone, here and in what it called.
    pub fn is_clean(&self) -> bool {
        let undone = |path: &EffectPath| {
            let undo = self.effects.get(&EffectPath::of(&path.slot(), Phase::Undo));
            undo.is_some_and(|undo| matches!(undo.status, EffectStatus::Settled { .. }))
        };
        let left = |(path, effect): (&EffectPath, &EffectRun)| path.phase != Phase::Undo && effect.acted() && !undone(path);
        self.earlier.is_empty() && self.earlier_children.is_empty() && !self.effects.iter().any(left) && self.children.values().all(|child| child.clean)
    }

    /// Whether all of it rests until somebody has looked at what became of it.
    pub fn is_parked(&self) -> bool {
        self.open_tasks().any(|task| task.opened.kind == crate::TaskKind::Restored)
    }

    pub fn open_tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values().filter(|task| task.state == TaskState::Open)
    }

    /// Whoever applied, if she can be asked: she came through the intake herself, and has a status page.
    pub fn applicant(&self) -> Option<&Caller> {
        let page = self.facts.get("status_link").is_some_and(Value::is_string);
        Some(&self.caller).filter(|caller| page && caller.is_applicant() && self.parent.is_none())
    }

    /// Everybody who completed a human step, the last one first: of `each` several.
    pub fn completed_by(&self, step: &StepId) -> impl Iterator<Item = &Caller> {
        self.tasks.values().rev().filter_map(move |task| match &task.state {
            TaskState::Completed { by, .. } if task.opened.step == *step && task.opened.kind == crate::TaskKind::Human && !task.superseded => Some(by),
            _ => None,
        })
    }

    /// How a step stands, or one item of it.
    pub fn at(&self, slot: &Slot) -> Option<&StepState> {
        if slot.item == 0 { self.steps.get(&slot.step) } else { self.items.get(slot) }
    }

    pub(crate) fn set(&mut self, slot: Slot, state: StepState) {
        if slot.item == 0 {
            self.steps.insert(slot.step, state);
        } else {
            self.items.insert(slot, state);
        }
    }

    /// The items of a step that have begun, in order.
    pub fn items_of<'r>(&'r self, step: &'r StepId) -> impl Iterator<Item = (&'r Slot, &'r StepState)> {
        self.items.range(Slot::of(step.clone())..).take_while(move |(slot, _)| slot.step == *step)
    }

    /// Whether something of a slot is under way, or waits for an attempt or a person.
    pub fn has_open_effects(&self, slot: &Slot) -> bool {
        self.effects.iter().any(|(path, effect)| path.phase == Phase::Do && path.slot() == *slot && effect.status.is_open())
    }

    pub fn is_active(&self, slot: &Slot) -> bool {
        matches!(self.at(slot), Some(StepState::Active))
    }

    /// The round of effects a step intends now.
    pub fn round_of(&self, step: &StepId) -> u32 {
        self.rounds.get(step).copied().unwrap_or(0)
    }

    pub fn is_overdue(&self, step: &StepId) -> bool {
        self.deadlines.get(step) == Some(&Deadline::Passed)
    }

    pub fn value(&self, step: &str) -> Option<&Value> {
        match self.steps.get(step)? {
            StepState::Completed { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The latest iteration of a step's effect in a phase.
    pub fn effect_of(&self, step: &StepId, phase: Phase) -> Option<(&EffectPath, &EffectRun)> {
        self.effects.iter().rfind(|(path, _)| path.step == *step && path.phase == phase)
    }
}
