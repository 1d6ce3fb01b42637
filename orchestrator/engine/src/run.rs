//! What the events mean: a run as it stands.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use laufzettel_domain::{Caller, Digest, EffectPath, Label, ProcessId, RunId, StepId, TenantId, Text, Trust, Value, names::Phase};
use laufzettel_policy::{Decision, Labelled};
use laufzettel_process::model::{FailureClass, RunAs};
use serde::{Deserialize, Serialize};

use crate::event::{EffectIntended, TaskOpened};

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

#[derive(Debug, Clone, PartialEq)]
pub enum EffectStatus {
    /// To be made now.
    Due,
    RetryAt(Timestamp),
    /// Nobody knows whether it happened.
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
    },
}

impl EffectStatus {
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Settled { .. } | Self::GaveUp { .. })
    }
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
    /// Times it was put off in a row, and what for; gone with the next outcome.
    pub deferred: Option<(u32, Text)>,
    pub intended_at: Timestamp,
    pub updated_at: Timestamp,
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
    pub state: TaskState,
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
    /// Steps in the order they were completed: undone backwards.
    pub completed: Vec<StepId>,
    pub effects: BTreeMap<EffectPath, EffectRun>,
    pub tasks: BTreeMap<u32, Task>,
    /// Steps that wait for a time, and for which.
    pub waits: BTreeMap<StepId, Timestamp>,
    pub ending: Option<(Ending, Option<StepId>)>,
    pub ended: Option<(State, Timestamp)>,
    pub output: Value,
    /// Why it failed, was cancelled or is stuck.
    pub message: String,
}

impl Run {
    /// `waiting` = nothing can be done now without a person or a later time.
    pub fn state(&self) -> State {
        if let Some((state, _)) = self.ended {
            return state;
        }
        let due = self.effects.values().any(|e| e.status == EffectStatus::Due);
        let stopped =
            self.open_tasks().next().is_some() || !self.waits.is_empty() || self.effects.values().any(|e| matches!(e.status, EffectStatus::RetryAt(_)));
        if !due && stopped { State::Waiting } else { State::Running }
    }

    pub fn open_tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values().filter(|task| task.state == TaskState::Open)
    }

    /// The person who completed a human step.
    pub fn completed_by(&self, step: &StepId) -> Option<&Caller> {
        self.tasks.values().rev().find_map(|task| match &task.state {
            TaskState::Completed { by, .. } if task.opened.step == *step && task.opened.kind == crate::TaskKind::Human => Some(by),
            _ => None,
        })
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
