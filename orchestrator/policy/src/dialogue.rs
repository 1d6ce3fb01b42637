//! What an agent's model is told beside its goal and material: the tools it may pick among, and all that was said so far.

use laufzettel_domain::Value;
use serde::{Deserialize, Serialize};

/// A tool as the model sees it: the author's words, the pinned form of its arguments, and nothing the server says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offered {
    /// `dms/suchen`
    pub name: String,
    pub description: String,
    /// JSON Schema of the arguments the model gives.
    pub parameters: Value,
    /// Arguments the author has fixed, as they stood when the step began. Not shown to the model.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub fixed: Value,
}

/// Frozen when the step begins.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Offer {
    pub tools: Vec<Offered>,
    /// The model may put a question to people.
    pub ask: bool,
    /// The first turn is the only one: only an answer is taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closing: bool,
}

/// One turn that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// `{ calls: [{ tool, with }] }` or `{ ask }`
    pub said: Value,
    /// What came of each call, in order; or what people answered.
    pub results: Vec<Value>,
}

/// The state of the conversation in which a model is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Dialogue {
    pub offer: Offer,
    pub turns: Vec<Turn>,
    /// The bounds are reached: only an answer is taken.
    pub closing: bool,
}

impl Dialogue {
    /// Everything foreign in it.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.turns.iter().flat_map(|turn| std::iter::once(&turn.said).chain(&turn.results))
    }

    /// What it adds to the size of a request, by what a text counts.
    pub(crate) fn measure(&self, of: fn(&str) -> usize) -> usize {
        let tools = self.offer.tools.iter().map(|tool| of(&tool.name) + of(&tool.description) + of(&tool.parameters.to_string()));
        tools.sum::<usize>() + self.values().map(|value| of(&value.to_string())).sum::<usize>()
    }
}
