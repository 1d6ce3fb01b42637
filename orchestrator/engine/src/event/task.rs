//! What people are asked, by whom it is in hand, and what they said.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use laufzettel_domain::{Caller, Digest, EffectPath, Label, StepId, Value};
use laufzettel_policy::Decision;
use laufzettel_process::model::Assign;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// A human step.
    Human,
    /// A door refused: somebody with the right must take over.
    Takeover,
    /// Nobody knows whether an effect happened.
    Doubt,
    /// A step failed, and whoever answers for the process says what becomes of it (`on_error: human`).
    Repair,
    /// An agent wants to make a call that changes something: this very one.
    Approval,
    /// An agent asks people a question.
    Ask,
    /// The database was restored from a backup: the run rests until somebody has looked.
    Restored,
}

impl TaskKind {
    /// A task of the step itself, which goes with it; the others are about what went wrong.
    pub fn is_own(&self) -> bool {
        matches!(self, Self::Human | Self::Approval | Self::Ask)
    }
}

/// Who is asked besides, and from when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    pub at: Timestamp,
    pub groups: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskOpened {
    pub number: u32,
    pub kind: TaskKind,
    pub step: StepId,
    /// Of a step with `each`: which item, counted from 1; 0 is the step itself.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub item: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<EffectPath>,
    pub assign: Assign,
    /// The unit that answers for the process, for tasks nobody was assigned to by the author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Digest of `show`: an answer names what the person saw.
    pub shown: Digest,
    pub labels: BTreeMap<String, Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate: Option<Escalation>,
    /// Labels of what was proposed or offered for a field of the form.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub proposed: BTreeMap<String, Label>,
    pub show: Value,
    pub form: Value,
    /// What is proposed for the form's fields; a proposal that does not fit is none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub vorschlag: Value,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskEscalated {
    pub number: u32,
    pub groups: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskClaimed {
    pub number: u32,
    pub by: Caller,
    /// Who had it until now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Caller>,
    pub decision: Decision,
    /// Whose deputy she is in this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<Caller>,
    /// Why it was taken over.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskHanded {
    pub number: u32,
    /// Who had it until now.
    pub by: Caller,
    pub to: Caller,
    /// Why the one it goes to may complete it.
    pub decision: Decision,
    /// What the one it goes to should know.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskReturned {
    pub number: u32,
    pub by: Caller,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDeferred {
    pub number: u32,
    pub by: Caller,
    /// The day she wants to see it again, in the tenant's time zone; `None`: at once after all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// What she waits for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskCompleted {
    pub number: u32,
    pub by: Caller,
    pub shown: Digest,
    pub decision: Decision,
    /// Labels of what was shown that she lowered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Released>,
    /// Whose deputy she is in this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<Caller>,
    pub values: Value,
}

/// What was lowered, and which rule allowed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Released {
    pub release: laufzettel_process::model::Release,
    pub decision: Decision,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskWithdrawn {
    pub number: u32,
}
