//! The nouns every room shares: names, callers, labels, values, findings, YAML documents.
//!
//! Pure: no clock, no randomness, no files, no network. Whoever needs one of those gets it as an argument.

pub mod caller;
pub mod clock;
pub mod digest;
pub mod document;
pub mod duration;
pub mod file;
pub mod finding;
pub mod label;
pub mod lang;
pub mod money;
pub mod names;
pub mod path;

pub use caller::{Actor, Caller, Via};
pub use clock::Clock;
pub use digest::Digest;
pub use document::{Document, Kind, Node, Place};
pub use duration::Span;
pub use finding::{Finding, Findings, Severity};
pub use label::{Kategorie, Label, Schutzbedarf, Trust};
pub use lang::{Lang, Text};
pub use names::{EffectKey, EffectPath, ProcessId, RunId, Slot, StepId, TaskId, TenantId};
pub use path::Path;

/// The value a step takes and gives: JSON with keys in one order (objects are sorted maps).
pub type Value = serde_json::Value;
