//! What is written when the server of a doubtful call is asked what became of it. Its answer is no event of its own: it settles the
//! effect, or fails it.

use jiff::Timestamp;
use laufzettel_domain::EffectPath;
use laufzettel_process::model::FailureClass;
use serde::{Deserialize, Serialize};

use super::Meta;

/// A question without an answer. It is asked again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectUnanswered {
    pub path: EffectPath,
    pub round: u32,
    pub attempt: u32,
    pub class: FailureClass,
    /// When the server is asked again.
    pub until: Timestamp,
    /// From now on a person is asked, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubt: bool,
    pub meta: Meta,
    pub message: String,
}

/// The time has come: the server is asked again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectAsked {
    pub path: EffectPath,
    pub round: u32,
}
