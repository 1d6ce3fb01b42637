//! What goes wrong below the answer: connections, statuses, sizes, time.

use laufzettel_doors::Class::{InvalidOutput, Refused, Unavailable};
use serde_json::json;
use tokio::net::TcpListener;

use super::{Case, case, endpoint, hasty, reply, said};
use crate::{
    calls,
    http_fake::{Act, JSON, answer, begun, serve, serve_on},
    outcome::{PATIENT_MS, failure, timeout},
};

/// 100 MB, of which the door takes 4 MiB; the rest is what two sockets on loopback hold.
const MUCH: u64 = 100_000_000;
const TAKEN_MAX: u64 = 30_000_000;

fn bounded(case: Case) -> Case {
    Case { sent_max: TAKEN_MAX, ..case }
}

pub async fn cases() -> Vec<Case> {
    [connections(), slow(), statuses().await, sizes()].into_iter().flatten().collect()
}

fn connections() -> Vec<Case> {
    let torn = || failure(Unavailable, None, true, "modell: die Verbindung ist ohne Antwort abgerissen");
    let half = || failure(Unavailable, None, true, "modell: die Antwort ist abgerissen");
    let body = said(&json!("ja")).to_string();
    let whole = answer("200 OK", JSON, &body);
    let cut = whole[..whole.len() - 10].to_vec();
    let chunk = [begun("Transfer-Encoding: chunked\r\n"), b"1f\r\n{\"choices\"".to_vec()].concat();
    vec![
        case("accepts and closes", Act::Says(vec![]), torn()),
        case("accepts and resets", Act::Resets(vec![]), torn()),
        case("closes in the middle of the headers", Act::Says(whole[..30].to_vec()), torn()),
        case("speaks another protocol", Act::Says(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()), torn()),
        case("closes in the middle of the body", Act::Says(cut.clone()), half()),
        case("resets in the middle of the body", Act::Resets(cut), half()),
        case("closes in the middle of a chunk", Act::Says(chunk), half()),
        case("a chunk whose length is no number", Act::Says([begun("Transfer-Encoding: chunked\r\n"), b"viel\r\n".to_vec()].concat()), half()),
        case("a length that is no number", Act::Says(begun("Content-Length: viel\r\n")), torn()),
    ]
}

fn slow() -> Vec<Case> {
    let whole = answer("200 OK", JSON, said(&json!("spät")).to_string());
    let head = whole[..whole.len() - 20].to_vec();
    vec![
        hasty("says nothing", Act::Hangs(vec![]), timeout()),
        hasty("stops in the middle of the headers", Act::Hangs(whole[..30].to_vec()), timeout()),
        hasty("stops in the middle of the body", Act::Hangs(head), timeout()),
        hasty("drips headers", Act::Pours(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: y\r\n".to_vec(), MUCH, 50), timeout()),
        hasty("drips the body", Act::Pours(begun(JSON), b" ".to_vec(), MUCH, 20), timeout()),
        hasty("goes on saying that it goes on", Act::Pours(vec![], b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), MUCH, 5), timeout()),
        hasty("answers when nobody waits any more", Act::Late(2_500, whole), timeout()),
    ]
}

async fn statuses() -> Vec<Case> {
    let later = |says: &str| failure(Unavailable, Some(false), true, says);
    let no = |says: &str| failure(Refused, Some(false), true, says);
    // whoever is sent here finds nothing that answers
    let (elsewhere, _) = serve(|_| panic!("a redirect was followed")).await;
    let away = |status: &str| Act::Says(answer(status, &format!("Location: http://{elsewhere}/v1/chat/completions\r\n"), ""));
    let huge = format!("HTTP/1.1 500 Nein\r\nContent-Length: {MUCH}\r\n\r\n").into_bytes();
    let error = |status: &str, headers: &str, body: &str| Act::Says(answer(status, headers, body));
    vec![
        case("429 with Retry-After", error("429 Zu viel", "Retry-After: 3600\r\n", "später"), later("modell antwortet mit 429: später")),
        case("429 without", error("429 Zu viel", "", ""), later("modell antwortet mit 429: ")),
        case("500", error("500 Kaputt", JSON, r#"{"error":"kaputt"}"#), later(r#"modell antwortet mit 500: {"error":"kaputt"}"#)),
        case("503 with a page", error("503 Wartung", "Content-Type: text/html\r\n", "<h1>Wartung</h1>"), later("modell antwortet mit 503: <h1>Wartung</h1>")),
        case("500 with an endless text", Act::Pours(huge.clone(), vec![b'x'; 65_536], MUCH, 0), later("modell antwortet mit 500: xxx")),
        case("500 with a text that is torn off", Act::Says([huge.clone(), b"kap".to_vec()].concat()), later("modell antwortet mit 500: kap")),
        case("500 with a text that does not come", Act::Hangs([huge, b"kaputt".to_vec()].concat()), later("modell antwortet mit 500: kaputt")),
        case("500 with control characters", error("500 Kaputt", "", "\u{1b}[31mrot\0\r"), later("modell antwortet mit 500: [31mrot")),
        case("401", error("401 Wer", "", "Schlüssel fehlt"), no("modell antwortet mit 401: Schlüssel fehlt")),
        case("404", error("404 Wo", "", "unbekanntes Modell"), no("modell antwortet mit 404: unbekanntes Modell")),
        case("sends elsewhere with 302", away("302 Dort"), no("modell antwortet mit 302: ")),
        case("sends elsewhere with 307", away("307 Dort"), no("modell antwortet mit 307: ")),
    ]
    .into_iter()
    .map(bounded)
    .collect()
}

fn sizes() -> Vec<Case> {
    let long = || failure(InvalidOutput, Some(true), true, "modell: die Antwort ist länger als 4 MiB");
    let piece = || vec![b'x'; 65_536];
    let chunk = [b"10000\r\n".to_vec(), piece(), b"\r\n".to_vec()].concat();
    let event = b"data: {\"choices\":[{\"delta\":{\"content\":\"ja\"}}]}\n\n".repeat(100);
    [
        case("100 MB, announced", Act::Pours(begun(&format!("Content-Length: {MUCH}\r\n")), piece(), MUCH, 0), long()),
        case("100 MB in chunks", Act::Pours(begun("Transfer-Encoding: chunked\r\n"), chunk, MUCH, 0), long()),
        case("a stream of events without end", Act::Pours(begun("Content-Type: text/event-stream\r\n"), event, MUCH, 0), long()),
        case(
            "headers without end",
            Act::Pours(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: yyyyyyyyyyyyyyyy\r\n".repeat(100), MUCH, 0),
            failure(Unavailable, None, true, "modell: die Verbindung ist ohne Antwort abgerissen"),
        ),
    ]
    .into_iter()
    .map(bounded)
    .collect()
}

/// Nobody listens: nothing left the house. Then somebody does.
#[tokio::test]
async fn a_model_server_that_is_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let door = endpoint(&address.to_string());
    let gone = door.call(&calls::model(PATIENT_MS)).await;
    assert_eq!(gone, failure(Unavailable, Some(false), false, "modell ist nicht erreichbar"));
    let good = said(&json!("ja"));
    let fine = answer("200 OK", JSON, good.to_string());
    serve_on(TcpListener::bind(address).await.expect("the same port"), move |_| Act::Says(fine.clone()));
    assert_eq!(door.call(&calls::model(PATIENT_MS)).await, reply("ja", &good));
}
