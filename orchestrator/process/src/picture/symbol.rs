//! The signs beside the words of a picture: drawn, since no font is sure to have them.

/// A sign of 16 by 16 points, one path filled by the even-odd rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symbol {
    Start,
    End,
    Tool,
    Model,
    Human,
    Rules,
    Set,
    Wait,
    Process,
    Agent,
    /// `if`
    Condition,
    /// `each` and `repeat`
    Again,
    /// `undo`
    Undo,
    /// `end_if`
    Stop,
    /// What a step is, and where it stands.
    Open,
    Active,
    Waiting,
    Completed,
    Skipped,
    Failed,
    Doubt,
}

impl Symbol {
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
            Self::Tool => "tool",
            Self::Model => "model",
            Self::Human => "human",
            Self::Rules => "rules",
            Self::Set => "set",
            Self::Wait => "wait",
            Self::Process => "process",
            Self::Agent => "agent",
            Self::Condition => "condition",
            Self::Again => "again",
            Self::Undo => "undo",
            Self::Stop => "stop",
            Self::Open => "open",
            Self::Active => "active",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Doubt => "doubt",
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Start => "M4 2l10 6-10 6z",
            Self::End | Self::Stop => "M3 3h10v10H3z",
            Self::Tool => "M1 2h14v5H1zM1 9h14v5H1zM3 4v1h2V4zM3 11v1h2v-1z",
            Self::Model => "M8 0l2 6 6 2-6 2-2 6-2-6-6-2 6-2z",
            Self::Human => "M8 1a3.5 3.5 0 1 1 0 7a3.5 3.5 0 1 1 0-7M1 15c0-4 3-6 7-6s7 2 7 6z",
            Self::Rules => "M1 2h14v12H1zM3 4v2h3V4zM8 4v2h5V4zM3 8v4h3V8zM8 8v4h5V8z",
            Self::Set => "M2 4h12v3H2zM2 9h12v3H2z",
            Self::Wait => "M8 0a8 8 0 1 1 0 16a8 8 0 1 1 0-16M7 3v6h6V7H9V3z",
            Self::Process => "M1 1h14v14H1zM3 3v10h10V3zM5 5h6v6H5z",
            Self::Agent => {
                "M6 3l1.5 4.5L12 9l-4.500 1.500L6 15l-1.500-4.500L0 9l4.500-1.500zM12.500 0l1 2.500 2.500 1-2.500 1-1 2.500-1-2.500-2.500-1 2.500-1z"
            }
            Self::Condition => "M8 0l8 8-8 8-8-8zM8 3L3 8l5 5 5-5z",
            Self::Again => "M8 1a7 7 0 1 1-7 7h2a5 5 0 1 0 5-5v3L4 2l4-2z",
            Self::Undo => "M7 1v3h3a5 5 0 1 1 0 10H4v-2h6a3 3 0 1 0 0-6H7v3L1 5z",
            Self::Open => "M8 1a7 7 0 1 1 0 14a7 7 0 1 1 0-14M8 3a5 5 0 1 0 0 10a5 5 0 1 0 0-10",
            Self::Active => "M3 1l11 7-11 7z",
            Self::Waiting => "M3 0h10v2c0 3-2 4-3 6 1 2 3 3 3 6v2H3v-2c0-3 2-4 3-6-1-2-3-3-3-6z",
            Self::Completed => "M2 8l2-2 3 3 6-7 2 2-8 10z",
            Self::Skipped => "M1 2l6 6-6 6zM8 2l6 6-6 6z",
            Self::Failed => "M3 1l5 5 5-5 2 2-5 5 5 5-2 2-5-5-5 5-2-2 5-5-5-5z",
            Self::Doubt => "M8 0l8 15H0zM7 5v5h2V5zM7 11v2h2v-2z",
        }
    }
}
