//! The shell around the core: claim → effects → door → outcome → decide → append.
//!
//! Nothing is held across an effect: no transaction, no lock. What was not appended did not happen.

mod anchor;
mod arrivals;
mod beside;
pub mod chain;
mod deputies;
mod desk;
mod door;
mod drive;
mod edge;
mod erasure;
mod family;
pub mod files;
mod inbox;
mod keys;
mod mail;
pub mod operation;
mod orders;
mod projection;
mod quota;
mod release;
mod restore;
mod route;
mod schedules;
mod start;
mod subjects;
mod sweep;
mod tenant;
pub mod trail;
mod unanswered;
pub mod veil;
mod viewing;
mod witness;

pub use anchor::{Anchor, AnchorError, read_witness, witness_file};
pub use arrivals::Places;
pub use beside::Beside;
pub use deputies::{Absence, Deputyship, Named};
pub use desk::{Desk, Gone, Loaded, WishError, decode, status_key};
pub use door::{Answer, Doors, EndpointFacts, RealDoors, Word, fits};
pub use drive::Worker;
pub use edge::{Random, SystemClock, SystemRandom};
pub use erasure::{EraseError, Erased, Order, Reason};
pub use inbox::{Held, Wanted};
pub use keys::{Key, KeyError, KeyWish, parts as key_parts};
pub use mail::{DeliverError, Happening};
pub use projection::{task_kind, task_title};
pub use quota::{Exceeded, Limits, Quotas};
pub use release::{Candidate, CaseResult, NAME_CHARS_MAX, Played, RESULTS_MAX, Release, ReleaseError};
pub use restore::{Gap, RestoreError};
pub use route::choices as zone_choices;
pub use start::{StartError, StartRequest, Started};
pub use subjects::SubjectSecret;
pub use tenant::{Memory, Nobody, Prepared, Tenant};
pub use witness::WitnessError;

pub use laufzettel_domain::Clock;
/// What stands in for a model where none is configured.
pub use laufzettel_doors::standin::NAME as STAND_IN;
pub use laufzettel_journal::Record;

/// Microseconds since 1970 of an instant.
pub fn micros(at: jiff::Timestamp) -> i64 {
    at.as_microsecond()
}
