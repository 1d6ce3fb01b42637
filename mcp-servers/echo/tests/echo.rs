//! Both tools, without any identity.
#![expect(clippy::unwrap_used, reason = "helpers of tests; a failure is a failed test")]

use laufzettel_mcp_echo::Echo;
use laufzettel_mcp_testing::Caller;
use rmcp::model::ProtocolVersion;
use serde_json::{Map, Value, json};

async fn call(tool: &str, arguments: Value) -> Result<Value, Value> {
    let caller = Caller::connect(Echo, "echo", ProtocolVersion::V_2026_07_28).await;
    caller.call_with_meta(tool, arguments.as_object().cloned().unwrap(), Map::new()).await
}

#[tokio::test]
async fn what_was_said_comes_back() {
    assert_eq!(call("echo", json!({ "text": "Grüße" })).await, Ok(json!({ "text": "Grüße" })));
    assert_eq!(call("warten", json!({ "ms": 0, "text": "x" })).await, Ok(json!({ "text": "x" })));
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    for (tool, arguments, art) in [
        ("warten", json!({ "ms": 10_001, "text": "x" }), "invalid"),
        ("echo", json!({ "text": "x", "mehr": 1 }), "invalid"),
        ("echo", json!({}), "invalid"),
        ("rufen", json!({}), "not_found"),
    ] {
        assert_eq!(call(tool, arguments).await.unwrap_err()["art"], art, "{tool}");
    }
}
