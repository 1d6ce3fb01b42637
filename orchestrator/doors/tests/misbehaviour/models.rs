//! Model servers.

mod answers;
mod lines;

use std::sync::{Arc, Mutex};

use laufzettel_doors::{
    Failure, Reply,
    model::{Endpoint, EndpointOptions},
};
use serde_json::{Value, json};

use crate::{
    calls,
    http_fake::{Act, JSON, Request, answer, serve},
    outcome::{HASTY_MS, PATIENT_MS, differ, play, shortened},
};

struct Case {
    name: &'static str,
    does: Act,
    gives: Result<Reply, Failure>,
    timeout_ms: u64,
    /// Bytes after which the server is cut off at the latest, with what waits in the sockets.
    sent_max: u64,
}

fn case(name: &'static str, does: Act, gives: Result<Reply, Failure>) -> Case {
    Case { name, does, gives, timeout_ms: PATIENT_MS, sent_max: u64::MAX }
}

/// It ends by running out of time.
fn hasty(name: &'static str, does: Act, gives: Result<Reply, Failure>) -> Case {
    Case { timeout_ms: HASTY_MS, ..case(name, does, gives) }
}

fn endpoint(address: &str) -> Endpoint {
    let url = format!("http://{address}/v1");
    let options = EndpointOptions { name: "modell".into(), url, model: "unseres".into(), key: None, ca: None, concurrency: 1, price: (0.0, 0.0) };
    Endpoint::new(options).expect("a client")
}

/// A chat answer that says this.
fn said(content: &Value) -> Value {
    json!({ "choices": [{ "message": { "content": content } }] })
}

/// What comes of a whole answer that is in order: its text, its length, no count of tokens.
fn reply(text: &str, body: &Value) -> Result<Reply, Failure> {
    Ok(Reply { value: json!(text), bytes: body.to_string().len() as u64, tokens: None, model: Some("unseres".into()) })
}

/// The case, then the same door with the same server, which has come to its senses. `concurrency: 1`: a slot that is not given back hangs.
async fn tried(case: Case) -> Vec<String> {
    let seen = Arc::new(Mutex::new(Vec::<Request>::new()));
    let (asked, good) = (seen.clone(), said(&json!("ja")));
    let fine = Act::Says(answer("200 OK", JSON, good.to_string()));
    let (address, sent) = serve(move |request| {
        let mut asked = asked.lock().expect("the lock");
        asked.push(request.clone());
        if asked.len() == 1 { case.does.clone() } else { fine.clone() }
    })
    .await;
    let door = endpoint(&address);
    let found = shortened(door.call(&calls::model(case.timeout_ms)).await, &case.gives);
    let poured = sent.load(std::sync::atomic::Ordering::Relaxed);
    let asked_once = seen.lock().expect("the lock").len();
    let after = door.call(&calls::model(PATIENT_MS)).await;
    let compresses = seen.lock().expect("the lock").iter().any(|request| request.head.contains("accept-encoding"));
    [
        differ(case.name, "the outcome", &found, &case.gives),
        differ(case.name, "asked once", &asked_once, &1),
        differ(case.name, "asks for nothing compressed", &compresses, &false),
        differ(case.name, "the next call", &after, &reply("ja", &good)),
        (poured > case.sent_max).then(|| format!("{}: {poured} bytes were taken", case.name)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_server_that_misbehaves_on_the_line() {
    play(lines::cases().await.into_iter().map(|case| (case.name, tried(case)))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_server_that_answers_nonsense() {
    play(answers::cases().into_iter().map(|case| (case.name, tried(case)))).await;
}
