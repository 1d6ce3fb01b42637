//! What came back, or why nothing did, and whether the world was changed meanwhile.

use laufzettel_domain::Value;

/// A usable answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub value: Value,
    pub bytes: u64,
    /// Prompt and answer tokens, where the endpoint counted them.
    pub tokens: Option<(u64, u64)>,
    /// What to call the model that answered.
    pub model: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Timeout,
    Unavailable,
    InvalidOutput,
    Refused,
}

/// `happened`: `Some(false)` it surely did not act, `Some(true)` it surely did, `None` nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub class: Class,
    pub happened: Option<bool>,
    /// Whether the request left this house's hands: an endpoint that answers "not now" has read it all the same.
    pub reached: bool,
    /// It answered that it has too much to do for now (429): it is not silent.
    pub busy: bool,
    /// For people; quotes at most 500 characters of what a server said.
    pub message: String,
}

/// Foreign error texts are quoted up to here.
const QUOTE_CHARS_MAX: usize = 500;

impl Failure {
    pub fn new(class: Class, happened: Option<bool>, message: impl Into<String>) -> Self {
        Self { class, happened, reached: happened != Some(false), busy: false, message: message.into() }
    }

    /// The other side answered: it did not act, but it has what was sent.
    #[must_use]
    pub fn after_reaching(self) -> Self {
        Self { reached: true, ..self }
    }

    /// The other side answered that it has too much to do.
    #[must_use]
    pub fn as_busy(self) -> Self {
        Self { busy: true, ..self }
    }
}

/// A foreign text, cut and without control characters.
pub fn quote(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(QUOTE_CHARS_MAX).collect()
}
