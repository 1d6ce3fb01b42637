//! Identifiers. A name that passed `parse` is legal everywhere.

use std::{borrow::Borrow, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $legal:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// `None` if the text does not have the form of this name.
            pub fn parse(text: &str) -> Option<Self> {
                let legal: fn(&str) -> bool = $legal;
                legal(text).then(|| Self(text.to_owned()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// A step or a field: `[a-z][a-z0-9_]*`, at most 64 characters (they become columns of pictures and tables).
    StepId,
    |t| t.len() <= 64
        && t.starts_with(|c: char| c.is_ascii_lowercase())
        && t.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
);
name!(
    /// A process: `[a-z0-9-]+`, at most 100 characters (it becomes part of addresses).
    ProcessId,
    |t| !t.is_empty() && t.len() <= 100 && t.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
);
name!(
    /// A tenant: as a process id, for the same reason.
    TenantId,
    |t| !t.is_empty() && t.len() <= 100 && t.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
);

/// The block of a model's material that holds the passages it may quote.
pub const SOURCES: &str = "quellen";

/// A run: UUID version 7, so that ids sort by the time the run began (RFC 9562 § 5.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub Uuid);

impl RunId {
    /// Builds the id from an instant and ten random bytes.
    pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    pub fn parse(text: &str) -> Option<Self> {
        Uuid::parse_str(text).ok().map(Self)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// A task of a person: the run and a number within it, `<run>.<n>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    pub run: RunId,
    pub number: u32,
}

impl TaskId {
    pub fn parse(text: &str) -> Option<Self> {
        let (run, number) = text.rsplit_once('.')?;
        Some(Self { run: RunId::parse(run)?, number: number.parse().ok()? })
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run, self.number)
    }
}

/// Which part of a step an effect belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The step itself.
    Do,
    /// Its `undo`.
    Undo,
}

/// Where an effect stands in its run: step, item of `each`, iteration of `repeat` or of a repair, turn and call of an agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectPath {
    pub step: StepId,
    pub phase: Phase,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub item: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub iteration: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turn: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub call: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl EffectPath {
    pub fn of(slot: &Slot, phase: Phase) -> Self {
        Self { step: slot.step.clone(), phase, item: slot.item, iteration: 0, turn: 0, call: 0 }
    }

    pub fn slot(&self) -> Slot {
        Slot { step: self.step.clone(), item: self.item }
    }
}

/// Where a step is carried out: the step itself (`item` 0), or one item of its `each`, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    pub step: StepId,
    pub item: u32,
}

impl Slot {
    pub fn of(step: StepId) -> Self {
        Self { step, item: 0 }
    }

    /// `schreiben`, `schreiben.i2`
    pub fn parse(text: &str) -> Option<Self> {
        let (step, item) = text.split_once(".i").unwrap_or((text, "0"));
        Some(Self { step: StepId::parse(step)?, item: item.parse().ok()? })
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.step)?;
        if self.item > 0 { write!(f, ".i{}", self.item) } else { Ok(()) }
    }
}

impl fmt::Display for EffectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, phase, item, iteration, turn, call } = self;
        write!(f, "{step}")?;
        if *phase == Phase::Undo {
            f.write_str("~undo")?;
        }
        for (mark, n) in [('i', item), ('r', iteration), ('t', turn), ('c', call)] {
            if *n > 0 {
                write!(f, ".{mark}{n}")?;
            }
        }
        Ok(())
    }
}

/// The tool a server is asked by what became of a call. Only the engine asks it: no process and no agent calls it by that name.
pub const SETTLE: &str = "settle";

/// The identity of an effect: a retry keeps it, `round` rises only when a person orders a new execution.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectKey {
    pub tenant: TenantId,
    pub run: RunId,
    pub path: EffectPath,
    pub round: u32,
}

impl fmt::Display for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.tenant, self.run, self.path, self.round)
    }
}
