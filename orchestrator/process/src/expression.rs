//! Expressions: what a process file writes between `{{` and `}}`, compiled together with what they read.
//!
//! minijinja evaluates; this room adds the reads, the guards, the type that comes out, and the functions of the
//! language. An expression sees only what it was found to read: its scope is built from its reads, so that a value
//! that was not declared cannot be looked at even by a mistake in the analysis.

mod analysis;
mod calendar;
mod environment;
mod functions;
mod scope;
mod template;
mod words;
mod written;

pub use analysis::{Analysis, Problem, Read, Shape};
pub use calendar::{is_holiday_rlp, next_working_day};
pub use environment::{FILTERS, FUNCTIONS, TESTS};
pub use scope::{Scope, StepStatus};
pub use template::{Expression, Outcome, Syntax, Template, parse_template};
pub use written::Part;

/// Why an expression gave no value, in German, for authors: a run's record keeps it so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A value that is not there was used.
    #[error("{0}")]
    Undefined(String),
    /// The expression costs more than an expression may.
    #[error("der Ausdruck rechnet zu viel")]
    TooExpensive,
    /// Anything else: a wrong type, a date that is none.
    #[error("{0}")]
    Failed(String),
}
