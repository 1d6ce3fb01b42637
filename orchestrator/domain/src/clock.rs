//! Time as an argument: the shell owns a clock, everything else is handed an instant.

use jiff::Timestamp;

/// Where an instant comes from. Two implementations exist: the system's, and the one tests move by hand.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}
