//! What stands beside an outcome: sizes, times, costs, and why the door let the call pass. Never case content.

use laufzettel_policy::Decision;
use serde::{Deserialize, Serialize};

/// What the door knows of an attempt: never case content.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Meta {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    #[serde(default)]
    pub duration_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Prompt and answer tokens, if the endpoint said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<(u64, u64)>,
    /// Millionths of a euro.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_eur: Option<u64>,
    /// Bytes of the answer.
    #[serde(default)]
    pub bytes: u64,
    /// What was called: `dms/suchen`, `model:m`. Absent where no door was passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Bytes handed over: arguments with their files, or the request to the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    /// Of a tool that sends: `haus`, `beteiligte`, `andere`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Tokens by our own upper estimate, where the endpoint counted none: a quota counts these, a ledger never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<u64>,
    /// Models that were handed the request before and answered that they cannot now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Handed>,
}

impl Meta {
    /// Tokens that count: the endpoint's own number, or our upper estimate where it gave none.
    pub fn charged(&self) -> u64 {
        self.tokens.map(|(prompt, answer)| prompt + answer).or(self.estimate).unwrap_or(0)
    }
}

/// A request a model has read and not answered: nobody knows what became of it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    pub model: String,
    pub zone: String,
    pub bytes: u64,
}
