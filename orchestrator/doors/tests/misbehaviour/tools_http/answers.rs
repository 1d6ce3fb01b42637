//! What goes wrong behind the address, from the connection up to the message.

use laufzettel_doors::Class::{InvalidOutput, Refused, Unavailable};

use super::{Case, case, good, hasty, unreachable};
use crate::{
    http_fake::{Act, JSON, answer, begun, serve},
    outcome::{failure, timeout},
};

/// 100 MB, of which the door takes 16 MiB; the rest is what two sockets on loopback hold.
const MUCH: u64 = 100_000_000;
const TAKEN_MAX: u64 = 45_000_000;

const EVENTS: &str = "Content-Type: text/event-stream\r\n";
const GOOD: &str = r#"{"jsonrpc":"2.0","id":§,"result":{"content":[],"structuredContent":{"da":true}}}"#;

pub async fn cases() -> Vec<Case> {
    [starting(), connections(), statuses().await, bodies(), sizes(), events()].into_iter().flatten().collect()
}

/// A body that ends with the connection.
fn says(headers: &str, body: &str) -> Act {
    Act::Says([begun(headers), body.as_bytes().to_vec()].concat())
}

fn starting() -> Vec<Case> {
    let at = |at: &'static str, case: Case| Case { at, ..case };
    let silent = || unreachable("antwortet beim Start nicht");
    vec![
        at("server/discover", case("500 at the start", Act::Says(answer("500 Kaputt", "", "")), unreachable("fremd antwortet mit HTTP 500"))),
        at("server/discover", case("closes at the start", Act::Says(vec![]), unreachable("fremd: die Verbindung ist abgerissen"))),
        at("server/discover", hasty("says nothing at the start", Act::Hangs(vec![]), silent())),
        at("initialize", case("401 in the handshake", Act::Says(answer("401 Wer", "", "")), unreachable("fremd antwortet mit HTTP 401"))),
        at("initialize", hasty("events without end in the handshake", Act::Hangs(begun(EVENTS)), silent())),
        at(
            "tools/list",
            case("a list that is a page", says("Content-Type: text/html\r\n", "<h1>Hallo</h1>"), unreachable("fremd: die Antwort ist nicht zu lesen (")),
        ),
        at("tools/list", hasty("a list that does not come", Act::Hangs(begun(JSON)), silent())),
    ]
}

fn connections() -> Vec<Case> {
    let torn = || failure(Unavailable, None, true, "fremd: die Verbindung ist abgerissen");
    let half = answer("200 OK", JSON, GOOD);
    vec![
        case("closes", Act::Says(vec![]), torn()),
        case("resets", Act::Resets(vec![]), torn()),
        case("closes in the middle of the body", Act::Says(half[..half.len() - 20].to_vec()), torn()),
        case("resets in the middle of the body", Act::Resets(half[..half.len() - 20].to_vec()), torn()),
        hasty("says nothing", Act::Hangs(vec![]), timeout()),
        hasty("stops in the middle of the body", Act::Hangs(half[..half.len() - 20].to_vec()), timeout()),
        hasty("drips", Act::Pours(begun(JSON), b" ".to_vec(), MUCH, 20), timeout()),
        hasty("answers when nobody waits any more", Act::Late(2_500, [begun(JSON), GOOD.into()].concat()), timeout()),
    ]
}

async fn statuses() -> Vec<Case> {
    let later = |happened, says: &str| failure(Unavailable, happened, true, says);
    let no = |says: &str| failure(Refused, Some(false), true, says);
    let (elsewhere, _) = serve(|_| panic!("a redirect was followed")).await;
    let away = |status: &str| Act::Says(answer(status, &format!("Location: http://{elsewhere}/mcp\r\n"), ""));
    let error = |status: &str, headers: &str| Act::Says(answer(status, headers, "nein"));
    let gone = case("404: the session is over", error("404 Wo", ""), later(Some(false), "fremd kennt die Sitzung nicht mehr (HTTP 404)"));
    let fault = |code: i32| {
        let body = format!(r#"{{"jsonrpc":"2.0","id":§,"error":{{"code":{code},"message":"nein"}}}}"#);
        Act::Says([format!("HTTP/1.1 400 Nein\r\n{JSON}Connection: close\r\n\r\n").into_bytes(), body.into_bytes()].concat())
    };
    vec![
        Case { session: true, ..gone },
        case("404 without a session", error("404 Wo", ""), no("fremd antwortet mit HTTP 404")),
        case("429", error("429 Zu viel", "Retry-After: 9\r\n"), later(Some(false), "fremd antwortet mit HTTP 429")),
        case("500", error("500 Kaputt", ""), later(None, "fremd antwortet mit HTTP 500")),
        case("503", error("503 Wartung", "Retry-After: 9\r\n"), later(None, "fremd antwortet mit HTTP 503")),
        case("401 with a challenge", error("401 Wer", "WWW-Authenticate: Bearer\r\n"), no("fremd verlangt eine Anmeldung, die es nicht gibt")),
        case("401 without", error("401 Wer", ""), no("fremd antwortet mit HTTP 401")),
        case("403", error("403 Nein", ""), no("fremd antwortet mit HTTP 403")),
        case("sends elsewhere with 302", away("302 Dort"), no("fremd antwortet mit HTTP 302")),
        case("sends elsewhere with 307", away("307 Dort"), no("fremd antwortet mit HTTP 307")),
        case("400 with an error of the protocol", fault(-32602), no("fremd lehnt die Anfrage ab: nein")),
        case("400 with an error of the tool", fault(-32000), failure(Refused, None, true, "fremd lehnt die Anfrage ab: nein")),
    ]
}

fn bodies() -> Vec<Case> {
    let unreadable = || failure(InvalidOutput, None, true, "fremd: die Antwort ist nicht zu lesen (");
    let deep = format!(r#"{{"jsonrpc":"2.0","id":§,"result":{}"#, "[".repeat(100_000));
    vec![
        case("a page", says("Content-Type: text/html\r\n", "<h1>Anmeldung</h1>"), unreadable()),
        case("no type", says("", GOOD), unreadable()),
        case("nothing", says(JSON, ""), unreadable()),
        case("JSON that ends too early", says(JSON, &GOOD[..GOOD.len() - 3]), unreadable()),
        case("JSON a hundred thousand deep", says(JSON, &deep), unreadable()),
        case("bytes that are no UTF-8", Act::Says([begun(JSON), b"{\"jsonrpc\":\"\xff\"}".to_vec()].concat()), unreadable()),
        case(
            "compressed though nobody asked",
            Act::Says([begun(&format!("{JSON}Content-Encoding: gzip\r\n")), vec![0x1f, 0x8b, 8, 0xff]].concat()),
            unreadable(),
        ),
        case("a list", says(JSON, "[]"), unreadable()),
        hasty("the answer to something else", says(JSON, &GOOD.replace('§', "4711")), timeout()),
        hasty("202 and then nothing", Act::Says(answer("202 Gut", "", "")), timeout()),
    ]
}

fn sizes() -> Vec<Case> {
    let long = || failure(InvalidOutput, None, true, "fremd: die Antwort ist länger als 16 MiB");
    let piece = || vec![b'x'; 65_536];
    let chunk = [b"10000\r\n".to_vec(), piece(), b"\r\n".to_vec()].concat();
    let broken = format!("HTTP/1.1 500 Kaputt\r\n{JSON}Content-Length: {MUCH}\r\n\r\n").into_bytes();
    let torn = || failure(Unavailable, None, true, "fremd: die Verbindung ist vor der Antwort abgerissen");
    let ping = b"data: {\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ping\"}\n\n".repeat(100);
    [
        case("100 MB, announced", Act::Pours(begun(&format!("{JSON}Content-Length: {MUCH}\r\n")), piece(), MUCH, 0), long()),
        case("100 MB in chunks", Act::Pours(begun(&format!("{JSON}Transfer-Encoding: chunked\r\n")), chunk, MUCH, 0), long()),
        case("500 with 100 MB", Act::Pours(broken, piece(), MUCH, 0), failure(Unavailable, None, true, "fremd antwortet mit HTTP 500")),
        case("an event of 100 MB", Act::Pours([begun(EVENTS), b"data: ".to_vec()].concat(), piece(), MUCH, 0), torn()),
        case(
            "headers without end",
            Act::Pours(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: yyyyyyyyyyyyyyyy\r\n".repeat(100), MUCH, 0),
            failure(Unavailable, None, true, "fremd: die Verbindung ist abgerissen"),
        ),
        case(
            "requests without end",
            Act::Pours(begun(EVENTS), ping, MUCH, 0),
            failure(Unavailable, None, true, "fremd stellt Anfragen ohne Ende, statt zu antworten"),
        ),
    ]
    .into_iter()
    .map(|case| Case { sent_max: TAKEN_MAX, ..case })
    .collect()
}

fn events() -> Vec<Case> {
    let torn = || failure(Unavailable, None, true, "fremd: die Verbindung ist vor der Antwort abgerissen");
    let event = |data: &str| format!("data: {data}\n\n");
    let hangs = |text: String| Act::Hangs([begun(EVENTS), text.into_bytes()].concat());
    vec![
        case("events that end without an answer", says(EVENTS, ": nichts\n\n"), torn()),
        case("events with broken lines", says(EVENTS, "dta: x\n\ndata: {\n\ndata\n\n: \n\nid\n\n"), torn()),
        case("an event that is not finished", says(EVENTS, &format!("data: {GOOD}")), torn()),
        case("a line of no known kind before the answer", says(EVENTS, &format!("dta: x\n\n{}", event(GOOD))), torn()),
        case("a message that is none before the answer", says(EVENTS, &format!("data: {{\n\n{}", event(GOOD))), good()),
        case("the answer to something else, and no more", says(EVENTS, &event(&GOOD.replace('§', "4711"))), torn()),
        case("the answer, and then no end", hangs(event(GOOD)), good()),
        case("the answer twice", says(EVENTS, &event(GOOD).repeat(2)), good()),
        hasty("events that never come", hangs(String::new()), timeout()),
        hasty("only signs of life", Act::Pours(begun(EVENTS), b": da\n\n".to_vec(), MUCH, 5), timeout()),
        hasty("wants us back in a year", says(EVENTS, "id: 1\nretry: 31536000000\n\n"), timeout()),
    ]
}
