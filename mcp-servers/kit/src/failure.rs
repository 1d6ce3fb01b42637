//! What a tool says when it did not do what was asked: a German sentence, a kind the caller can act on, and whether
//! the effect happened. A call that is not believed is told the same way, with the kind `delegation`.

use rmcp::model::{CallToolResult, ContentBlock};
use serde::Serialize;
use serde_json::json;

use crate::Refusal;

/// What the caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Art {
    /// It does not exist, or the caller may not know that it does.
    NotFound,
    /// The arguments do not fit; calling again with the same is pointless.
    Invalid,
    /// Something else stands in the way: another call under the same key, a newer state.
    Conflict,
    /// Try again later.
    Unavailable,
    /// The caller lacks the right.
    Denied,
    /// The server cannot do this (yet).
    Unsupported,
    /// The call was not believed; mint a new token or mend the configuration.
    Delegation,
}

/// A failed call. `geschehen`: whether the effect happened, `None` where nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    pub art: Art,
    pub text: String,
    pub geschehen: Option<bool>,
}

impl Failure {
    /// A failure before any effect.
    pub fn new(art: Art, text: impl Into<String>) -> Self {
        Self { art, text: text.into(), geschehen: Some(false) }
    }

    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(Art::NotFound, text)
    }

    pub fn invalid(text: impl Into<String>) -> Self {
        Self::new(Art::Invalid, text)
    }

    pub fn conflict(text: impl Into<String>) -> Self {
        Self::new(Art::Conflict, text)
    }

    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::new(Art::Unavailable, text)
    }

    pub fn denied(text: impl Into<String>) -> Self {
        Self::new(Art::Denied, text)
    }

    pub fn unsupported(text: impl Into<String>) -> Self {
        Self::new(Art::Unsupported, text)
    }

    /// The same failure, where it is unknown whether the effect happened.
    #[must_use]
    pub fn in_doubt(self) -> Self {
        Self { geschehen: None, ..self }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(Art::Delegation, format!("Der Aufruf wurde nicht angenommen: {refusal}."))
    }
}

impl From<Failure> for CallToolResult {
    fn from(failure: Failure) -> Self {
        let structured = json!({ "fehler": failure.text, "art": failure.art, "geschehen": failure.geschehen });
        let mut result = Self::error(vec![ContentBlock::text(failure.text)]);
        result.structured_content = Some(structured);
        result
    }
}
