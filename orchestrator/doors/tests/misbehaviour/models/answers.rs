//! Whole answers that are none, or say something nobody asked for.

use laufzettel_doors::{Class::InvalidOutput, Failure, Reply};
use serde_json::{Value, json};

use super::{Case, case, reply, said};
use crate::{
    http_fake::{Act, JSON, answer},
    outcome::failure,
};

fn says(body: impl AsRef<[u8]>) -> Act {
    Act::Says(answer("200 OK", JSON, body))
}

fn unusable(why: &str) -> Result<Reply, Failure> {
    failure(InvalidOutput, Some(true), true, &format!("modell: {why}"))
}

fn no_chat() -> Result<Reply, Failure> {
    unusable("die Antwort hat nicht die Form einer Chat-Antwort (")
}

pub fn cases() -> Vec<Case> {
    [bytes(), shapes(), odd()].into_iter().flatten().collect()
}

fn bytes() -> Vec<Case> {
    let deep = [r#"{"choices":"#.to_owned(), "[".repeat(100_000)].concat();
    let deep_aside = [r#"{"choices":[],"usage":"#.to_owned(), "[".repeat(100_000), "]".repeat(100_000), "}".to_owned()].concat();
    let packed = [b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff".to_vec(), vec![0xff; 1000]].concat();
    let good = said(&json!("ja")).to_string();
    let (twice, text) = (format!("{good}{good}"), format!(r#"{{"choices":"{}"}}"#, "x".repeat(1_000_000)));
    vec![
        case("bytes that are no UTF-8", says(b"{\"choices\":\"\xc3\x28\"}"), unusable("die Antwort ist kein UTF-8")),
        case("compressed though nobody asked", Act::Says(answer("200 OK", "Content-Encoding: gzip\r\n", packed)), unusable("die Antwort ist kein UTF-8")),
        case("JSON that ends too early", says(&good[..good.len() - 3]), no_chat()),
        case("JSON a hundred thousand deep", says(deep), no_chat()),
        case("the same where nobody looks", says(deep_aside), no_chat()),
        case("two answers in one", says(twice), no_chat()),
        case("a page", Act::Says(answer("200 OK", "Content-Type: text/html\r\n", "<!doctype html><title>Anmeldung</title>")), no_chat()),
        case("nothing", says(""), no_chat()),
        case("204", Act::Says(b"HTTP/1.1 204 Leer\r\nConnection: close\r\n\r\n".to_vec()), no_chat()),
        case("a megabyte where a list should be", says(text), no_chat()),
        case("a key twice", says(r#"{"choices":[],"choices":[{"message":{"content":"ja"}}]}"#), no_chat()),
        case("as plain text", Act::Says(answer("200 OK", "Content-Type: text/plain\r\n", &good)), reply("ja", &said(&json!("ja")))),
    ]
}

fn shapes() -> Vec<Case> {
    let body = |value: Value| says(value.to_string());
    let call = json!({ "id": "x", "type": "function", "function": { "name": "dms__loeschen", "arguments": "{}" } });
    vec![
        case("null", body(Value::Null), no_chat()),
        case("a list", body(json!([1, 2, 3])), no_chat()),
        case("no choices at all", body(json!({ "object": "chat.completion" })), no_chat()),
        case("an error with 200", body(json!({ "error": { "message": "kaputt" } })), no_chat()),
        case("choices that are empty", body(json!({ "choices": [] })), unusable("die Antwort ist leer")),
        case("a choice without a message", body(json!({ "choices": [{}] })), no_chat()),
        case("content that is null", body(said(&Value::Null)), unusable("die Antwort hat keinen Text")),
        case("content that is a number", body(said(&json!(7))), no_chat()),
        case("content in parts", body(said(&json!([{ "type": "text", "text": "ja" }]))), no_chat()),
        case(
            "cut off",
            body(json!({ "choices": [{ "message": { "content": "Es war" }, "finish_reason": "length" }] })),
            unusable("die Antwort wurde abgeschnitten"),
        ),
        case(
            "a function nobody offered",
            body(json!({ "choices": [{ "message": { "content": null, "tool_calls": [call] } }] })),
            unusable("die Antwort hat keinen Text"),
        ),
        case("function calls that are none", body(json!({ "choices": [{ "message": { "content": "ja", "tool_calls": 7 } }] })), no_chat()),
    ]
}

/// What is odd but can be read: the text counts, and nothing else that is said.
fn odd() -> Vec<Case> {
    let with = |key: &str, value: Value| {
        let mut body = said(&json!("ja"));
        body[key] = value;
        body
    };
    let several = json!({ "choices": [{ "message": { "content": "ja" } }, { "message": { "content": "nein" } }] });
    let call = json!({ "function": { "name": "dms__loeschen" } });
    let beside = json!({ "choices": [{ "message": { "content": "ja", "tool_calls": [call] } }] });
    [
        ("several choices", several),
        ("a function nobody offered, beside the text", beside),
        ("negative counts", with("usage", json!({ "prompt_tokens": -5, "completion_tokens": -1 }))),
        ("counts without end", with("usage", json!({ "prompt_tokens": u64::MAX, "completion_tokens": u64::MAX }))),
        ("counts that are none", with("usage", json!("viele"))),
        ("in another model's name", with("model", json!("ein-anderes"))),
        ("with a field of a megabyte", with("reasoning", json!("hm".repeat(500_000)))),
    ]
    .into_iter()
    .map(|(name, body)| case(name, says(body.to_string()), reply("ja", &body)))
    .collect()
}
