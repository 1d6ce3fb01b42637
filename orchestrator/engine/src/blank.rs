//! What an event is read with whose content was erased: nothing, in the shape the event has. Invents no content.

use laufzettel_domain::Value;
use serde_json::json;

/// What stands in place of a field of content that was erased; `None` where the field may be absent.
pub(crate) fn blank(field: &str, body: &Value) -> Option<Value> {
    match field {
        "message" | "reason" | "key" | "note" => Some(Value::String(String::new())),
        "contacts" => Some(Value::Array(Vec::new())),
        "items" => Some(Value::Array(vec![Value::Null; body.get("count").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0)])),
        "call" => Some(blank_call(body.get("target").and_then(Value::as_str).unwrap_or_default())),
        "answer" | "inputs" => None,
        _ => Some(Value::Null),
    }
}

/// What was called is in the body; only what was said is gone.
fn blank_call(target: &str) -> Value {
    match (target.strip_prefix("model:"), target.split_once('/')) {
        (Some(size), _) => json!({ "door": "model", "size": size, "prompt": "", "data": {}, "output": null, "repairs": [] }),
        (None, Some((server, tool))) => json!({ "door": "tool", "server": server, "tool": tool, "arguments": null }),
        (None, None) => json!({ "door": "tool", "server": "", "tool": target, "arguments": null }),
    }
}
