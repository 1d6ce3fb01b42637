//! The scripts. `$ID` is what was asked last.

use laufzettel_doors::Class::{InvalidOutput, Refused, Unavailable};
use serde_json::json;

use super::{Case, case, fatal, good, hasty, reply, unreachable};
use crate::outcome::{failure, timeout};

/// Nothing was asked of it yet: nothing has happened, and nothing was handed over.
pub fn starting() -> Vec<Case> {
    vec![
        fatal("exits at once", "exit 3", unreachable("fremd: die Verbindung ist ")),
        fatal("exits in the handshake", "next; exit 3", unreachable("fremd: die Verbindung ist vor der Antwort abgerissen")),
        fatal("exits before its list", "greet; next; exit 3", unreachable("fremd: die Verbindung ist vor der Antwort abgerissen")),
        fatal("closes its output and stays", "exec >&-; cat >/dev/null; exec sleep 60", unreachable("fremd: die Verbindung ist vor der Antwort abgerissen")),
        hasty("says nothing", "cat >/dev/null", unreachable("antwortet beim Start nicht")),
        hasty("does not even listen", "exec sleep 60", unreachable("antwortet beim Start nicht")),
        hasty("never lists", "greet; cat >/dev/null", unreachable("antwortet beim Start nicht")),
        hasty("only talks", "while :; do echo Bitte warten; sleep 0.01; done", unreachable("antwortet beim Start nicht")),
        fatal("answers another question", "next; answer 77 '{}'; serve", unreachable("fremd spricht das Protokoll nicht (conflict initialized response id")),
        fatal(
            "refuses the handshake",
            "next; fault \"$ID\" -32601 nein; next; fault \"$ID\" -32603 kaputt; serve",
            unreachable("fremd lehnt die Anfrage ab: kaputt"),
        ),
        fatal(
            "greets in a form that is none",
            "next; fault \"$ID\" -32601 nein; next; answer \"$ID\" '{\"hallo\":1}'; serve",
            unreachable("fremd spricht das Protokoll nicht (expect initialized result"),
        ),
        fatal(
            "a list without end by cursor",
            "greet; while next; do answer \"$ID\" \"${LIST%\\}},\\\"nextCursor\\\":\\\"weiter\\\"}\"; done",
            unreachable("mehr als 500 Werkzeuge oder 50 Seiten davon"),
        ),
        fatal(
            "a list without end by size",
            "greet; LONG=$(head -c 9000000 /dev/zero | tr '\\0' x); while next; do printf '{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"tools\":[{\"name\":\"x\",\"description\":\"%s\",\"inputSchema\":{}}],\"nextCursor\":\"weiter\"}}\n' \"$ID\" \"$LONG\"; done",
            unreachable("mehr als 500 Werkzeuge oder 50 Seiten davon oder 16 MiB"),
        ),
        fatal(
            "a list longer than a message may be",
            "greet; next; printf '{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":\"' \"$ID\"; head -c 30000000 /dev/zero; exec sleep 60",
            unreachable("fremd: die Antwort ist länger als 16 MiB"),
        ),
        fatal("a list in a form that is none", "greet; next; answer \"$ID\" '{\"tools\":7}'; serve", unreachable("fremd: die Antwort hat nicht die Form")),
        case("prints a banner", "echo; echo 'fremd 1.0 bereit'; hello; serve", good()),
        case("prints bytes that are no UTF-8", "printf '\\377\\376\\n'; hello; serve", good()),
    ]
}

pub fn calling() -> Vec<Case> {
    [breaking(), talking(), silent(), errors(), odd()].into_iter().flatten().collect()
}

fn breaking() -> Vec<Case> {
    let torn = || failure(Unavailable, None, true, "fremd: die Verbindung ist vor der Antwort abgerissen");
    vec![
        fatal("exits in the middle of a call", "hello; next; exit 1", torn()),
        fatal("is killed in the middle of a call", "hello; next; kill -9 $$", torn()),
        fatal("exits in the middle of its answer", "hello; next; printf '{\"jsonrpc\":\"2.0\",\"id\":'; exit", torn()),
        fatal("closes its output and stays", "hello; next; exec >&-; cat >/dev/null", torn()),
    ]
}

/// What is no answer to this call is none; the answer counts.
fn talking() -> Vec<Case> {
    vec![
        case("answers twice", "hello; next; answer \"$ID\" \"$GOOD\"; answer \"$ID\" '{\"structuredContent\":{\"da\":false}}'; serve", good()),
        case("answers before it is asked", "hello; answer 3 '{\"structuredContent\":{\"da\":false}}'; serve", good()),
        case("answers something else first", "hello; next; answer 4711 '{\"structuredContent\":{\"da\":false}}'; answer \"$ID\" \"$GOOD\"; serve", good()),
        case("prints lines that are no messages", "hello; next; echo 'Ich denke nach'; echo '{'; echo '[]'; answer \"$ID\" \"$GOOD\"; serve", good()),
        case("prints bytes that are no UTF-8", "hello; next; printf '\\377\\376\\n'; answer \"$ID\" \"$GOOD\"; serve", good()),
        case(
            "floods with notifications",
            "tell() { echo '{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"x\"}}'; }; hello; next; again 20000 tell; answer \"$ID\" \"$GOOD\"; serve",
            good(),
        ),
        case(
            "says again and again that its list has changed",
            "tell() { echo '{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}'; }; hello; next; again 2000 tell; answer \"$ID\" \"$GOOD\"; serve",
            good(),
        ),
        case(
            "wants a model's answer from us",
            "hello; next; CALL=$ID; echo '{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"sampling/createMessage\",\"params\":{\"messages\":[],\"maxTokens\":9}}'; next; case $LINE in *'\"error\"'*) answer \"$CALL\" \"$GOOD\";; esac; serve",
            good(),
        ),
    ]
}

/// Nobody knows whether it acted. The process goes, so that nobody else waits for it.
fn silent() -> Vec<Case> {
    vec![
        hasty("never answers", "hello; next; exec sleep 60", timeout()),
        hasty("answers somebody else", "hello; next; answer 4711 \"$GOOD\"; exec sleep 60", timeout()),
        hasty(
            "answers in bytes that are no UTF-8",
            "hello; next; printf '{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":\"\\377\"}\\n' \"$ID\"; exec sleep 60",
            timeout(),
        ),
        hasty("drips", "drip() { printf ' '; sleep 0.02; }; hello; next; again 3000 drip", timeout()),
        hasty("answers when nobody waits any more", "hello; next; sleep 3; answer \"$ID\" \"$GOOD\"; serve", timeout()),
        hasty(
            "nests its answer a hundred thousand deep",
            "hello; next; printf '{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":' \"$ID\"; head -c 100000 /dev/zero | tr '\\0' '['; echo; exec sleep 60",
            timeout(),
        ),
    ]
}

fn errors() -> Vec<Case> {
    let refused = |happened, says: &str| failure(Refused, happened, true, says);
    vec![
        case("knows no such method", "hello; next; fault \"$ID\" -32601 unbekannt; serve", refused(Some(false), "fremd lehnt die Anfrage ab: unbekannt")),
        case("breaks inside", "hello; next; fault \"$ID\" -32603 kaputt; serve", refused(None, "fremd lehnt die Anfrage ab: kaputt")),
        case(
            "breaks with a megabyte of reasons",
            "hello; next; fault \"$ID\" -32603 \"$(head -c 1000000 /dev/zero | tr '\\0' x)\" ; serve",
            refused(None, "fremd lehnt die Anfrage ab: xxx"),
        ),
        case(
            "fails and does not say how far it came",
            "hello; next; answer \"$ID\" '{\"isError\":true,\"content\":[{\"type\":\"text\",\"text\":\"ging nicht\"}]}'; serve",
            refused(None, "fremd/tun: ging nicht"),
        ),
        case(
            "fails and says that it did nothing",
            "hello; next; answer \"$ID\" '{\"isError\":true,\"content\":[],\"structuredContent\":{\"fehler\":\"gesperrt\",\"art\":\"unavailable\",\"geschehen\":false}}'; serve",
            failure(Unavailable, Some(false), true, "fremd/tun: gesperrt"),
        ),
        case(
            "fails with lies of the wrong type",
            "hello; next; answer \"$ID\" '{\"isError\":true,\"content\":[],\"structuredContent\":{\"fehler\":7,\"art\":[],\"geschehen\":\"nein\"}}'; serve",
            refused(None, "fremd/tun: "),
        ),
        case(
            "asks back",
            "hello; next; answer \"$ID\" '{\"resultType\":\"input_required\",\"inputRequests\":{},\"requestState\":\"x\"}'; serve",
            refused(Some(false), "fremd/tun: Rückfragen von Werkzeugen werden noch nicht unterstützt"),
        ),
        case(
            "goes on in the background",
            "hello; next; answer \"$ID\" '{\"resultType\":\"task\",\"taskId\":\"t1\",\"status\":\"working\",\"createdAt\":\"2026-01-01T00:00:00Z\",\"lastUpdatedAt\":\"2026-01-01T00:00:00Z\",\"ttlMs\":1000}'; serve",
            refused(None, "fremd/tun: arbeitet im Hintergrund weiter"),
        ),
    ]
}

/// Whether a value fits what was approved is the worker's question (`door::fits`), asked of every answer.
fn odd() -> Vec<Case> {
    vec![
        case(
            "answers past its schema",
            "hello; next; answer \"$ID\" '{\"content\":[],\"structuredContent\":{\"da\":\"vielleicht\"}}'; serve",
            reply(json!({ "da": "vielleicht" })),
        ),
        case("answers without content", "hello; next; answer \"$ID\" '{}'; serve", reply(json!({ "text": "" }))),
        fatal(
            "answers with content of an unknown kind",
            "hello; next; answer \"$ID\" '{\"content\":[{\"type\":\"hologramm\"}]}'; serve",
            failure(InvalidOutput, None, true, "fremd: die Antwort hat nicht die Form einer Werkzeugantwort"),
        ),
        fatal(
            "answers with something else",
            "hello; next; answer \"$ID\" '{\"wetter\":\"gut\"}'; serve",
            failure(InvalidOutput, None, true, "fremd: die Antwort hat nicht die Form einer Werkzeugantwort"),
        ),
    ]
}
