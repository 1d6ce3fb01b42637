//! Cases: tests of a process, run on the real engine with the in-memory store and a clock that jumps.

mod compare;
mod perform;
mod read;
mod script;

pub use perform::{Setting, perform};
pub use read::{Case, read};

/// How a case went: what was expected and not found, line by line. Empty = passed.
pub struct Report {
    pub file: String,
    pub name: String,
    pub differences: Vec<String>,
}
