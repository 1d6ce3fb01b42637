//! Asking a server what became of a call (`settle`, docs/tool-servers.md): what is sent, and how the answer reads.
//!
//! Nothing of the call travels but its key and its attempt. A tool that merely is called `settle` is not asked: what it does nobody
//! knows.

use laufzettel_domain::{Value, names::SETTLE};
use laufzettel_policy::ToolCall;
use serde_json::json;

use crate::{
    failure::{Class, Failure, Reply},
    pins::Pins,
};

/// Milliseconds a server has for the answer: it reads a note, or waits for a call of that key to end.
const SETTLE_MS_MAX: u64 = 10_000;

/// What a server says of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// It happened, and this came of it.
    Happened(Reply),
    /// No attempt so far has acted, and none will any more.
    DidNotHappen,
}

/// Whether these definitions hold the tool as the protocol has it: two arguments by their names, one of them optional, and a yes or no.
pub fn is_offered(pins: &Pins) -> bool {
    pins.get(SETTLE).is_some_and(|definition| {
        let named = |schema: &Value, name: &str| schema["properties"].as_object().is_some_and(|map| map.contains_key(name));
        let (input, output) = (&definition.input_schema, definition.output_schema.as_ref().unwrap_or(&Value::Null));
        let count = input["properties"].as_object().map_or(0, serde_json::Map::len);
        let required = |schema: &Value, name: &str| schema["required"].as_array().is_some_and(|list| list.contains(&name.into()));
        named(input, "key") && named(input, "attempt") && count == 2 && input["required"] == json!(["key"]) && required(output, "happened")
    })
}

/// The question about a call: under the same key and the same rights.
pub(crate) fn question(call: &ToolCall) -> ToolCall {
    ToolCall {
        tool: SETTLE.to_owned(),
        arguments: json!({ "key": call.key.to_string(), "attempt": call.attempt }),
        timeout_ms: call.timeout_ms.min(SETTLE_MS_MAX),
        ..call.clone()
    }
}

/// `{ happened: true, result }` or `{ happened: false }`; anything else says nothing.
pub(crate) fn read(reply: &Reply, server: &str) -> Result<Settled, Failure> {
    match (reply.value["happened"].as_bool(), reply.value.get("result")) {
        (Some(true), Some(result)) if result.is_object() => {
            let bytes = result.to_string().len() as u64;
            Ok(Settled::Happened(Reply { value: result.clone(), bytes, tokens: None, model: None }))
        }
        (Some(false), None | Some(Value::Null)) => Ok(Settled::DidNotHappen),
        _ => Err(Failure::new(Class::InvalidOutput, None, format!("{server}/{SETTLE}: die Antwort sagt weder ja noch nein"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(input: &Value, output: &Value) -> Pins {
        serde_json::from_value(json!({ "tools": [{ "name": "settle", "inputSchema": input, "outputSchema": output }] })).unwrap()
    }

    #[test]
    fn only_the_tool_of_the_protocol_is_asked() {
        let properties = json!({ "key": { "type": "string" }, "attempt": { "type": ["integer", "null"] } });
        let input = json!({ "type": "object", "properties": properties, "required": ["key"], "additionalProperties": false });
        let output = json!({ "type": "object", "properties": { "happened": { "type": "boolean" }, "result": {} }, "required": ["happened"] });
        assert!(is_offered(&pins(&input, &output)));
        // it pays invoices
        let other = json!({ "type": "object", "properties": { "invoice": { "type": "string" } }, "required": ["invoice"] });
        let mut more = input.clone();
        more["properties"]["invoice"] = json!({ "type": "string" });
        for (input, output) in [(&other, &output), (&more, &output), (&input, &json!({ "type": "object" })), (&input, &Value::Null)] {
            assert!(!is_offered(&pins(input, output)), "{input} {output}");
        }
        assert!(!is_offered(&Pins::default()));
    }

    #[test]
    fn an_answer_says_yes_or_no_or_nothing() {
        let reply = |value: Value| Reply { value, bytes: 0, tokens: None, model: None };
        let happened = Reply { bytes: 8, ..reply(json!({ "id": 7 })) };
        for (given, expected) in [
            (json!({ "happened": true, "result": { "id": 7 } }), Some(Settled::Happened(happened))),
            (json!({ "happened": false }), Some(Settled::DidNotHappen)),
            (json!({ "happened": false, "result": null }), Some(Settled::DidNotHappen)),
            (json!({ "happened": true }), None),
            (json!({ "happened": true, "result": "ja" }), None),
            (json!({ "happened": false, "result": { "id": 7 } }), None),
            (json!({ "happened": "no" }), None),
            (json!({ "text": "nein" }), None),
        ] {
            assert_eq!(read(&reply(given.clone()), "fremd").ok(), expected, "{given}");
        }
    }
}
