//! The tool `settle`: what became of a call under a key, asked when its answer was lost. It answers about keys of the run its token
//! names, and about no other.

use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    Begun, Call, Delegation, Failure, Notes,
    describe::{Effect, tool},
};

/// Its name, in every server that has it.
pub const NAME: &str = "settle";

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Question {
    /// The idempotency key of the call.
    key: String,
    /// Up to which attempt the call is refused if it did not happen; without it for ever.
    #[schemars(range(min = 1))]
    attempt: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
struct Answer {
    happened: bool,
    /// What the call gave, if it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Map<String, Value>>,
}

/// How the tool is described.
pub fn settle() -> Tool {
    let description = "Sagt, was aus einem Aufruf geworden ist, dessen Antwort verloren ging; ist er nicht geschehen, geschieht er danach nicht mehr";
    tool::<Question, Answer>(NAME, "Was aus einem Aufruf wurde", description, Effect::Revoke)
}

/// Answers a call of it from the server's notes. `came_of`: as for [`Notes::once`].
pub async fn answer(notes: &Notes, mut call: Call, came_of: impl FnOnce(&Begun) -> Result<Option<Value>, Failure> + Send + 'static) -> Result<Value, Failure> {
    let Question { key, attempt } = call.take()?;
    if !belongs(&call.delegation, &key) {
        return Err(Failure::denied("Dieser Schlüssel gehört nicht zu dem Vorgang, für den gefragt wird."));
    }
    let result = notes.settle(&key, attempt, came_of).await?;
    let happened = result.is_some();
    let result = result.map(|value| if let Value::Object(map) = value { map } else { Map::from_iter([("result".to_owned(), value)]) });
    Ok(json!(Answer { happened, result }))
}

/// A key is `tenant/run/path/round`; nobody asks about another run's.
fn belongs(delegation: &Delegation, key: &str) -> bool {
    let own = format!("{}/{}/", delegation.tenant, delegation.run);
    key.len() <= crate::delegation::NAME_BYTES_MAX && key.strip_prefix(&own).is_some_and(|path| !path.is_empty())
}
