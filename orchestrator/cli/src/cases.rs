//! Cases: tests of a process, run on the real engine with the in-memory store and a clock that jumps.

mod answers;
mod compare;
mod disturb;
mod fault;
mod known;
mod perform;
mod play;
mod read;
mod script;
mod smallest;
mod stage;
#[cfg(test)]
mod tests;

use laufzettel_domain::Text;

pub use disturb::{Faults, disturb};
pub use known::{World, file_of, orphan, orphans, process_of, read_checked};
pub use perform::perform;
pub use play::{play, play_aside, played};
pub use read::{Case, read};
pub use stage::Setting;

/// How a case went: what was expected and not found, line by line. Empty = passed.
pub struct Report {
    pub file: String,
    pub name: String,
    pub differences: Vec<Text>,
    /// Times it was played with a call disturbed.
    pub faults: usize,
    /// Calls beyond as many as are disturbed of one case.
    pub left_out: usize,
}
