//! Cases: tests of a process, run on the real engine with the in-memory store and a clock that jumps.

mod compare;
mod disturb;
mod fault;
mod perform;
mod read;
mod script;
mod smallest;
mod stage;

pub use disturb::{Faults, disturb};
pub use perform::perform;
pub use read::{Case, read};
pub use stage::Setting;

/// How a case went: what was expected and not found, line by line. Empty = passed.
pub struct Report {
    pub file: String,
    pub name: String,
    pub differences: Vec<String>,
    /// Times it was played with a call disturbed.
    pub faults: usize,
    /// Calls beyond as many as are disturbed of one case.
    pub left_out: usize,
}
