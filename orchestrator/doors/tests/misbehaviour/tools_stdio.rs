//! Tool servers that are child processes: each case is a shell script, which misbehaves at its first start and is well after that.

mod scripts;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use laufzettel_doors::{
    Class, Failure, Reply,
    delegation::Minter,
    tools::{Reach, ServerOptions, ToolServer},
};
use laufzettel_policy::Identity;
use serde_json::{Value, json};

use crate::{
    calls::{self, SERVER},
    outcome::{HASTY_MS, PATIENT_MS, differ, failure, play, shortened},
};

/// What every script has at hand: `hello` (handshake and list), `serve` (every call in order), and the pieces they are made of.
const PRELUDE: &str = r#"
answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$1" "$2"; }
fault() { printf '{"jsonrpc":"2.0","id":%s,"error":{"code":%s,"message":"%s"}}\n' "$1" "$2" "$3"; }
next() { while read -r LINE; do case $LINE in *'"id":'*) ID=${LINE#*'"id":'}; ID=${ID%%[,\}]*}; return 0;; esac; done; exit 0; }
greet() { next; fault "$ID" -32601 unbekannt; next; answer "$ID" "$INIT"; }
hello() { greet; next; answer "$ID" "$LIST"; }
serve() { while next; do answer "$ID" "$GOOD"; done; }
again() { N=0; while [ "$N" -lt "$1" ]; do N=$((N + 1)); "$2"; done; }
"#;

struct Case {
    name: &'static str,
    script: &'static str,
    gives: Result<Reply, Failure>,
    timeout_ms: u64,
    /// Starts it takes for this call and a good one after it.
    starts: u64,
}

/// The server goes on after it.
fn case(name: &'static str, script: &'static str, gives: Result<Reply, Failure>) -> Case {
    Case { name, script, gives, timeout_ms: PATIENT_MS, starts: 1 }
}

/// The process has to be started anew.
fn fatal(name: &'static str, script: &'static str, gives: Result<Reply, Failure>) -> Case {
    Case { starts: 2, ..case(name, script, gives) }
}

/// It ends by running out of time, and the process with it.
fn hasty(name: &'static str, script: &'static str, gives: Result<Reply, Failure>) -> Case {
    Case { timeout_ms: HASTY_MS, ..fatal(name, script, gives) }
}

fn reply(value: Value) -> Result<Reply, Failure> {
    Ok(Reply { bytes: value.to_string().len() as u64, value, tokens: None, model: None })
}

fn good() -> Result<Reply, Failure> {
    reply(json!({ "da": true }))
}

fn unreachable(why: &str) -> Result<Reply, Failure> {
    failure(Class::Unavailable, Some(false), false, &format!("Der Werkzeugserver „fremd“ ist nicht erreichbar: {why}"))
}

/// Where a script leaves traces.
fn trace(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{}", std::process::id(), name.replace(' ', "-")));
    std::fs::remove_file(&path).ok();
    path
}

/// A door to a server that runs this script at its first start. Also, how often it was started.
fn door(script: &'static str, trace: PathBuf) -> (ToolServer, Arc<AtomicU64>) {
    let starts = Arc::new(AtomicU64::new(0));
    let started = starts.clone();
    let command = move || {
        let first = started.fetch_add(1, Ordering::Relaxed) == 0;
        let mut command = std::process::Command::new("sh");
        command.arg("-c").arg(format!("{PRELUDE}\n{}", if first { script } else { "hello; serve" }));
        let init = json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "x", "version": "1" } });
        let good = json!({ "content": [], "structuredContent": { "da": true } });
        command.env("INIT", init.to_string()).env("LIST", calls::list().to_string()).env("GOOD", good.to_string()).env("TRACE", &trace);
        Ok(command)
    };
    let reach = Reach::Stdio { command: Box::new(command), cwd: std::env::temp_dir() };
    let options = ServerOptions { name: SERVER.into(), identity: Identity::None, reach, pins: Some(calls::pins()) };
    (ToolServer::new(options, "t", Arc::new(Minter::new(&[7; 32]))), starts)
}

async fn ask(door: &ToolServer, timeout_ms: u64) -> Result<Reply, Failure> {
    door.call(&calls::tool(timeout_ms), &calls::Fixed, 60, [0; 16]).await
}

/// `up`: it has started before it is called, so that the time of a hasty call is for the call.
async fn tried(case: Case, up: bool) -> Vec<String> {
    let (door, starts) = door(case.script, trace(case.name));
    if up {
        door.definitions().await.ok();
    }
    let found = shortened(ask(&door, case.timeout_ms).await, &case.gives);
    let after = ask(&door, PATIENT_MS).await;
    let wrong = [
        differ(case.name, "the outcome", &found, &case.gives),
        differ(case.name, "the next call", &after, &good()),
        differ(case.name, "starts", &starts.load(Ordering::Relaxed), &case.starts),
    ];
    door.stop().await;
    wrong.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_server_that_misbehaves_while_it_starts() {
    play(scripts::starting().into_iter().map(|case| (case.name, tried(case, false)))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_server_that_misbehaves_in_a_call() {
    play(scripts::calling().into_iter().map(|case| (case.name, tried(case, true)))).await;
}

/// What a running process offers is what it was started with: it stays refused until it is stopped.
#[tokio::test]
async fn a_tool_that_is_not_the_approved_one_is_not_called() {
    for (script, says) in [
        ("greet; next; answer \"$ID\" '{\"tools\":[]}'; serve", "fremd/tun gibt es auf dem Server nicht mehr"),
        (
            "LIST=$(echo \"$LIST\" | sed 's/Tut etwas/Tut alles/'); hello; serve",
            "fremd/tun weicht von der freigegebenen Fassung ab (laufzettel tools diff fremd)",
        ),
    ] {
        let (door, _) = door(script, trace("drift"));
        for _ in 0..2 {
            assert_eq!(ask(&door, PATIENT_MS).await, failure(Class::Refused, Some(false), false, says));
        }
        door.stop().await;
        assert_eq!(ask(&door, PATIENT_MS).await, good());
    }
}

/// It has acted and dies before it says so: unknown, and the next call is another one.
#[tokio::test]
async fn a_crash_after_the_effect_is_in_doubt_and_never_repeated() {
    let trace = trace("crash after effect");
    let (door, starts) = door("hello; next; echo getan >>\"$TRACE\"; exit 1", trace.clone());
    let found = ask(&door, PATIENT_MS).await;
    assert_eq!(found, failure(Class::Unavailable, None, true, "fremd: die Verbindung ist vor der Antwort abgerissen"));
    assert_eq!(ask(&door, PATIENT_MS).await, good());
    assert_eq!(std::fs::read_to_string(&trace).expect("a trace"), "getan\n");
    assert_eq!(starts.load(Ordering::Relaxed), 2);
}

/// Nothing was sent to the process that died, so nothing is in doubt: another one is asked.
#[tokio::test]
async fn a_death_between_two_calls_is_nobodys_doubt() {
    let (door, starts) = door("hello; next; answer \"$ID\" \"$GOOD\"", trace("death between calls"));
    assert_eq!(ask(&door, PATIENT_MS).await, good());
    // until its end has come through; there is nothing to ask
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(ask(&door, PATIENT_MS).await, good());
    assert_eq!(starts.load(Ordering::Relaxed), 2);
}

/// One of 100 MB without an end is cut off at 16 MiB: what the process got rid of, it counts itself.
#[tokio::test]
async fn a_line_without_end_is_cut_off() {
    let trace = trace("line without end");
    let script = "piece() { head -c 1000000 /dev/zero || exit; echo \"$N\" >\"$TRACE\"; }; hello; next; again 100 piece; echo; serve";
    let (door, _) = door(script, trace.clone());
    assert_eq!(ask(&door, PATIENT_MS).await, failure(Class::InvalidOutput, None, true, "fremd: die Antwort ist länger als 16 MiB"));
    assert_eq!(ask(&door, PATIENT_MS).await, good());
    let megabytes: u64 = std::fs::read_to_string(&trace).expect("a trace").trim().parse().expect("a number");
    assert!((15..=18).contains(&megabytes), "{megabytes} MB were taken");
}

/// Requests it has of us are answered, but not without end: it need not take the answers, and they would fill the memory.
#[tokio::test]
async fn requests_without_end_are_cut_off() {
    let trace = trace("requests without end");
    let ping = r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#;
    let script = format!("piece() {{ yes '{ping}' | head -n 10000 || exit; echo \"$N\" >\"$TRACE\"; }}; hello; next; again 100 piece; serve");
    let (door, _) = door(script.leak(), trace.clone());
    assert_eq!(ask(&door, 2 * PATIENT_MS).await, failure(Class::Unavailable, None, true, "fremd stellt Anfragen ohne Ende, statt zu antworten"));
    assert_eq!(ask(&door, PATIENT_MS).await, good());
    assert!(!trace.exists(), "not even ten thousand were taken");
}

/// Whoever waits for a server that does not start waits no longer than for an answer, however many wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_hangs_holds_up_nobody_for_long() {
    let (door, _) = door("exec sleep 60", trace("start that hangs"));
    let door = Arc::new(door);
    let began = std::time::Instant::now();
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let door = door.clone();
        waiting.spawn(async move { ask(&door, HASTY_MS).await });
    }
    let found = waiting.join_all().await;
    let silent = unreachable("antwortet beim Start nicht");
    assert!(found.iter().all(|found| *found == silent || *found == good()), "{found:?}");
    assert!(found.contains(&silent), "{found:?}");
    // sixteen times one after the other would be 24 seconds
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(ask(&door, PATIENT_MS).await, good());
}
