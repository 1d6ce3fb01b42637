//! What programs are told, as types: the answers are written from them, and so is their description (`openapi`).

use jiff::Timestamp;
use laufzettel_domain::Value;
use schemars::JsonSchema;
use serde::Serialize;

/// What the caller may start.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Catalogue {
    pub processes: Vec<Startable>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Startable {
    pub id: String,
    pub version: String,
    pub title: String,
    pub description: String,
    /// The unit that answers for it.
    pub verantwortlich: String,
    /// JSON Schema of the input.
    pub input: Value,
    pub digest: String,
    /// When the clock begins it next.
    #[schemars(with = "Vec<String>")]
    pub next: Vec<Timestamp>,
}

/// A run has begun, and is durable.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Accepted {
    pub run: String,
}

/// A run that has ended within the time somebody preferred to wait.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Finished {
    pub run: String,
    pub nummer: String,
    pub state: String,
    pub output: Value,
    /// Why it failed, was cancelled or is stuck.
    pub message: String,
    /// When its contents went, if they have; what they were is null then.
    #[schemars(with = "Option<String>")]
    pub content_erased_at: Option<Timestamp>,
}

/// One run.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RunShown {
    pub run: String,
    pub nummer: String,
    pub process: String,
    pub version: String,
    pub state: String,
    pub output: Value,
    pub message: String,
    /// Its open tasks.
    pub tasks: Vec<String>,
    /// When its contents went, if they have; what they were is null then.
    #[schemars(with = "Option<String>")]
    pub content_erased_at: Option<Timestamp>,
}

/// An order was carried out, or a repeated one had been.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Ordered {
    pub run: String,
    pub state: String,
}

/// A task as programs see it.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TaskShown {
    pub task: String,
    pub run: String,
    pub nummer: String,
    pub process: String,
    pub step: String,
    pub title: String,
    /// `human`, `takeover`, `doubt`, `repair`, `approval` or `ask`.
    pub kind: String,
    pub open: bool,
    #[schemars(with = "Option<String>")]
    pub due: Option<Timestamp>,
    pub claimed: Option<Holder>,
    pub note: String,
    pub show: Value,
    /// What is proposed for the fields of the form.
    pub vorschlag: Value,
    /// JSON Schema of the answer.
    pub form: Value,
    /// Digest of what is shown; an answer names it.
    pub shown: String,
}

/// Who has a task.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Holder {
    pub subject: String,
    pub name: String,
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// In whose hand a task is now.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct InHand {
    pub task: String,
    pub claimed: Option<Holder>,
}

/// A message is durable; `output` where the trigger answers with the result, and it is there.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Received {
    pub run: String,
    pub nummer: String,
    pub state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// When its contents went, if they have; what they were is null then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub content_erased_at: Option<Timestamp>,
}
