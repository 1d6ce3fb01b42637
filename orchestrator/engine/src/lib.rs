//! The core as a function: events in, state out; wishes in, events out. No clock, no database, no network.
//!
//! ```text
//!   Command ──decide──▶ events ──apply──▶ Run ──effects──▶ what the outside must do
//!      ▲                                                          │
//!      └───────────────────── outcome ────────────────────────────┘
//! ```
//!
//! `apply` is the only transition table, for recording and for recovery. `decide` never performs anything: it says what
//! follows from a wish, up to the next effects.

mod anew;
mod applicant;
mod apply;
mod asking;
mod blank;
mod claim;
mod command;
mod context;
mod deadline;
mod decide;
mod effect;
mod ending;
mod event;
mod labels;
mod moment;
pub mod poll;
pub mod proof;
mod repair;
mod restored;
mod retention;
mod run;
mod scope;
mod sentence;
mod settle;
mod steps;
mod subject;

pub use applicant::{ADDED_BYTES_MAX, ADDED_MAX, NOTE_CHARS_MAX, Withdrawable, withdrawable};
pub use apply::{IllegalTransition, apply, fold};
pub use claim::REASON_CHARS_MAX;
pub use command::{Answer, ChildEnd, Claim, Command, HandOver, Outcome, Rejection, Resolution, Start};
pub use context::Context;
pub use decide::{decide, start};
pub use effect::{Effect, contacts, effects, orphans, wake_at};
pub use event::{Call, ChildStarted, CodecError, Disposition, Escalation, Event, Handed, Meta, Next, Parent, TaskKind, TaskOpened};
pub use labels::labels_of_child;
pub use proof::EndpointFacts;
pub use retention::{Kept, is_beleg, kept};
pub use run::{Added, Again, Anew, Child, Claimed, Deadline, EffectRun, EffectStatus, Ending, Expected, Question, Run, State, StepState, Task, TaskState};
pub use scope::written;
pub use sentence::sentence;
pub use steps::{
    agent::{Request, request},
    human::four_eyes,
    wait::KEY_CHARS_MAX,
};
pub use subject::{Term, subject};
