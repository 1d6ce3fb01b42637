//! What the outside may wish of a run, and how a wish is refused.

use jiff::{Timestamp, civil::Date};
use laufzettel_domain::{Caller, Digest, EffectPath, RunId, Slot, StepId, Text, Value, file::File};
use laufzettel_policy::{Decision, Labelled};
use laufzettel_process::{
    model::{FailureClass, RunAs},
    schema::Problem,
};

use crate::{
    event::{Disposition, Handed, Meta, Parent},
    run::State,
};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Settle {
        path: EffectPath,
        round: u32,
        attempt: u32,
        outcome: Outcome,
    },
    /// What a server says became of a call, asked afterwards: a value if it happened, `did_not_happen` if it did not and no
    /// attempt so far can act any more, `unknown` if it says nothing.
    Testify {
        path: EffectPath,
        round: u32,
        attempt: u32,
        outcome: Outcome,
    },
    /// A door said no.
    Refuse {
        path: EffectPath,
        round: u32,
        decision: Decision,
    },
    /// Nothing came of it: what the effect needs is not there now.
    Defer {
        path: EffectPath,
        round: u32,
        attempt: u32,
        reason: Text,
        /// When it is known to be there again (a new day of a quota); without it the waiting grows by itself.
        until: Option<Timestamp>,
        /// Models that were handed the request and answered that they cannot now.
        sent: Vec<Handed>,
    },
    Answer(Answer),
    Claim(Claim),
    HandOver(HandOver),
    /// Puts a task aside that one has taken, until a day; `None`: takes it up again.
    PutAside {
        task: u32,
        by: Caller,
        until: Option<Date>,
        note: String,
    },
    /// Gives a task back that one has taken.
    Return {
        task: u32,
        by: Caller,
    },
    Cancel {
        by: Caller,
        reason: String,
    },
    /// Whoever applied takes her application back.
    Withdraw {
        by: Caller,
        reason: String,
    },
    /// Whoever applied hands a file in that nobody asked for.
    Add {
        by: Caller,
        file: File,
        note: String,
    },
    Resolve {
        path: EffectPath,
        by: Caller,
        resolution: Resolution,
    },
    /// Somebody takes a parked effect over.
    TakeOver {
        path: EffectPath,
        by: Caller,
    },
    /// A step is carried out anew, and everything that depends on it.
    Anew {
        step: StepId,
        by: Caller,
    },
    /// An event somebody sent, for a step that waits for it.
    Deliver {
        slot: Slot,
        name: String,
        key: String,
        payload: Value,
        sender: String,
        sent_at: Timestamp,
    },
    /// A child has come to its end.
    ChildEnded {
        run: RunId,
        end: ChildEnd,
    },
    /// The database was restored from a backup: the run rests until somebody has looked.
    Park {
        note: String,
    },
    /// Time has passed.
    Wake,
}

/// How a child ended, and what it brings.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildEnd {
    pub state: State,
    pub output: Value,
    pub labels: Labelled,
    pub message: String,
    /// Nothing it did in the world stands ([`crate::Run::is_clean`]).
    pub clean: bool,
}

/// Everything a start needs that the core cannot know.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    pub caller: Caller,
    pub run_as: RunAs,
    pub input: Value,
    pub nummer: String,
    /// `run.*` beyond what the start itself tells: `status_link`, `caller.mail`, `applicant.loa`.
    pub facts: Value,
    pub status_code: Option<Digest>,
    pub zone: Option<String>,
    pub decision: Decision,
    /// Of a child: the run that called it, and the labels its input carries.
    pub parent: Option<(Parent, Labelled)>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The door brought a value: a tool's structured content, or a model's raw text.
    Ok {
        value: Value,
        meta: Meta,
    },
    Failed {
        class: FailureClass,
        disposition: Disposition,
        message: String,
        meta: Meta,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub task: u32,
    pub by: Caller,
    pub values: Value,
    /// Digest of what the person was shown.
    pub shown: Digest,
    /// `permit` said this person may complete the task.
    pub decision: Decision,
    /// What `permit` says of `label.release`, where the step lowers labels.
    pub release: Option<Decision>,
    /// Whose task it is, if she answers as that one's deputy.
    pub stands_for: Option<Caller>,
}

/// Takes a task, or takes it over.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub task: u32,
    pub by: Caller,
    /// Empty where nobody has it.
    pub reason: String,
    /// Whether this person may complete the task.
    pub decision: Decision,
    /// Whose task it is, if she takes it as that one's deputy.
    pub stands_for: Option<Caller>,
}

/// Hands a task one has to somebody else.
#[derive(Debug, Clone, PartialEq)]
pub struct HandOver {
    pub task: u32,
    pub by: Caller,
    pub to: Caller,
    pub note: String,
    /// Whether the one it goes to may complete it.
    pub decision: Decision,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Resolution {
    Happened(Value),
    DidNotHappen,
}

/// Why a wish means nothing now.
#[derive(Debug, Clone, PartialEq)]
pub enum Rejection {
    /// Not (or no longer) the case: an effect settled already, a task completed, a run ended.
    Stale(Text),
    /// What was typed does not fit: field by field.
    Invalid(Vec<Problem>),
    Denied(Decision),
}

impl Rejection {
    pub fn stale(de: &str, en: &str) -> Self {
        Self::Stale(Text::new(de, en))
    }
}
