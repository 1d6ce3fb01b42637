//! A backup restored: refused until somebody says so, then the gap is on record, open runs rest, and what was erased since is erased
//! again.

use std::process::{Child, Stdio};

use serde_json::Value;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use crate::{
    desk::{Tenant, demo, runtime, text, until},
    failpoints::RESTORING,
};

const CANARY: &str = "Angaben mit dem Melderegister abgeglichen";

fn said(tenant: &Tenant, args: &[&str]) -> String {
    let output = tenant.laufzettel(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output));
    text(&output)
}

fn store(tenant: &Tenant) -> std::path::PathBuf {
    tenant.path("data/vg-bellheim.sqlite")
}

/// A copy of the file alone while nobody holds it: what still stood in its log of pages is in it.
fn back_up(tenant: &Tenant) -> Vec<u8> {
    runtime().block_on(async {
        let mut connection = SqliteConnectOptions::new().filename(store(tenant)).connect().await.expect("the store opens");
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.expect("a checkpoint");
        connection.close().await.expect("closed");
    });
    std::fs::read(store(tenant)).expect("the backup")
}

/// As somebody restores it: the file alone, nothing of what lay beside it.
fn restore(tenant: &Tenant, backup: &[u8]) {
    for ending in ["-wal", "-shm"] {
        std::fs::remove_file(tenant.path(&format!("data/vg-bellheim.sqlite{ending}"))).ok();
    }
    std::fs::write(store(tenant), backup).expect("restored");
}

/// `serve` until it is told to end.
struct Serving(Child);

impl Serving {
    fn start_armed(tenant: &Tenant, more: &[&str], failpoint: &str) -> Self {
        let args = [&["serve", "--config", "laufzettel-data/laufzettel.yaml"], more].concat();
        let serving =
            Self(tenant.command(&args).env("LAUFZETTEL_FAILPOINT", failpoint).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts"));
        // whoever asks before it answers would hold the store itself, and the server would not begin
        until("it serves", || tenant.path("data/vg-bellheim.sock").exists().then_some(()));
        serving
    }

    fn stop(mut self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.0.id()).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        self.0.wait().ok();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn waiting(tenant: &Tenant) -> String {
    let started = tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &demo("antrag.json"), "--as", "applicant", "--until-waiting", "--json"]);
    assert_eq!(started.status.code(), Some(7), "{}", text(&started));
    tasks(tenant).remove(0)["task"].as_str().expect("a task").to_owned()
}

fn tasks(tenant: &Tenant) -> Vec<Value> {
    let listed = tenant.laufzettel(&["tasks", "list", "--json"]);
    String::from_utf8_lossy(&listed.stdout).lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

fn complete(tenant: &Tenant, task: &str, answer: &str) -> (Option<i32>, String) {
    let file = tenant.path("antwort.json");
    std::fs::write(&file, answer).expect("written");
    let output = tenant.laufzettel(&["tasks", "complete", task, "--as", "a.klein", "--input", &file.display().to_string()]);
    (output.status.code(), text(&output))
}

#[test]
fn a_restored_backup_is_taken_up_only_on_demand_and_says_what_it_lacks() {
    let tenant = Tenant::new();
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let listening = config.replace("listen: 127.0.0.1:8080", "listen: 127.0.0.1:0");
    assert_ne!(config, listening);
    std::fs::write(tenant.path("laufzettel.yaml"), listening).expect("written");
    // one run done, one waits for a person; then the backup
    assert_eq!(tenant.main_job().status.code(), Some(0));
    let task = waiting(&tenant);
    let backup = back_up(&tenant);
    // after it: the first is erased, the second is answered and another one comes
    said(&tenant, &["audit", "erase", "2026-000001", "--reason", "Verlangen", "--as", "d.braun", "--with-decisions"]);
    let decision: Value = serde_json::from_str(&std::fs::read_to_string(demo("entscheidung.json")).expect("the demo")).expect("JSON");
    let mut decision = decision.as_object().expect("an object").clone();
    decision.remove("by");
    let (exit, told) = complete(&tenant, &task, &Value::Object(decision).to_string());
    assert_eq!(exit, Some(0), "{told}");
    assert_eq!(tenant.main_job().status.code(), Some(0));
    let letters = tenant.letters();

    restore(&tenant, &backup);
    let refused = tenant.laufzettel(&["runs", "list"]);
    assert!(!refused.status.success() && text(&refused).contains("älter als ihr Zeuge") && text(&refused).contains("--after-restore"), "{}", text(&refused));
    let broken = tenant.laufzettel(&["audit", "verify"]);
    assert_eq!(broken.status.code(), Some(5), "{}", text(&broken));
    assert_eq!(std::fs::read(store(&tenant)).expect("the file"), backup, "who only asks changes nothing");

    // it dies or fails over it: begun again it does nothing twice, and only when it is asked to
    let places = RESTORING.iter().flat_map(|place| [(*place, "crash@1"), (*place, "error@1")]);
    for (place, action) in [("removal.after_commit", "crash@1")].into_iter().chain(places).chain([("restore.before_note", "crash@2")]) {
        let mut stops = tenant.command(&["serve", "--config", "laufzettel-data/laufzettel.yaml", "--after-restore"]);
        let stopped = stops.env("LAUFZETTEL_FAILPOINT", format!("{place}={action}")).output().expect("it runs");
        let expected = if action.starts_with("crash") { None } else { Some(2) };
        assert_eq!(stopped.status.code(), expected, "{place}={action}: {}", text(&stopped));
        assert!(text(&tenant.laufzettel(&["runs", "list"])).contains("--after-restore"), "{place}={action}");
    }

    // and now it only dawdles
    let slow: Vec<String> = RESTORING.iter().map(|place| format!("{place}=delay:100")).collect();
    std::fs::write(tenant.path("falle"), slow.join("\n")).expect("armed");
    let serving = Serving::start_armed(&tenant, &["--after-restore"], &format!("@{}", tenant.path("falle").display()));
    let passed = std::fs::read_to_string(tenant.path("falle.fired")).expect("it passed them");
    assert_eq!(passed.lines().collect::<Vec<_>>(), RESTORING);
    let rests = until("the run rests", || tasks(&tenant).into_iter().find(|task| task["kind"] == "restored"));
    let shown = said(&tenant, &["tasks", "show", rests["task"].as_str().expect("a task")]);
    assert!(shown.contains("fortsetzen") && rests["title"] == "Nach der Wiederherstellung prüfen", "{shown}");
    let resting = tasks(&tenant).iter().filter(|task| task["kind"] == "restored").count();
    assert_eq!(resting, 1, "once");
    let (exit, told) = complete(&tenant, &task, "{}");
    assert!(exit == Some(1) && told.contains("ruht"), "{told}");
    let erased = said(&tenant, &["runs", "show", "2026-000001"]);
    assert!(erased.contains("Inhalte gelöscht am"), "{erased}");
    let gap = said(&tenant, &["audit", "show", "--kind", "store.restored"]);
    assert!(gap.contains("aus einer Sicherung wiederhergestellt"), "{gap}");
    let verified = said(&tenant, &["audit", "verify"]);
    assert!(verified.contains("Unversehrt und verankert") && verified.contains("Nach einer Wiederherstellung fehlt"), "{verified}");
    serving.stop();

    let bytes = std::fs::read(store(&tenant)).expect("the file");
    assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "erased again");
    let verified = said(&tenant, &["audit", "verify"]);
    assert!(verified.contains("Unversehrt und verankert") && verified.contains("Nach einer Wiederherstellung fehlt"), "{verified}");
    // it opens like any other now, and somebody who has looked lets it go on or ends it
    let superfluous = tenant.laufzettel(&["serve", "--config", "laufzettel-data/laufzettel.yaml", "--after-restore"]);
    assert!(!superfluous.status.success() && text(&superfluous).contains("ohne --after-restore"), "{}", text(&superfluous));
    let (exit, told) = complete(&tenant, rests["task"].as_str().expect("a task"), r#"{ "entscheidung": "abbrechen" }"#);
    assert!(exit == Some(0) && told.contains("abgebrochen"), "{exit:?} {told}");
    assert_eq!(tenant.letters(), letters, "nothing was filed twice");
    assert!(said(&tenant, &["audit", "verify"]).contains("Nach einer Wiederherstellung fehlt"));
}
