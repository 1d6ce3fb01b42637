//! What is erased is gone from every file, is on record, and nothing falls over what is missing; it goes on request and by itself.

use serde_json::Value;

use crate::desk::{Server, Tenant, demo, process, runtime, text, until};

/// Values of the demo application and of the clerk's answer, and the two files they stand in.
const CANARIES: [&str; 4] = ["276098106123457", "DE89370400440532013000", "jana.hofmann@post.example", "Angaben mit dem Melderegister abgeglichen"];

pub fn is_in_the_store(tenant: &Tenant, needle: &str) -> bool {
    let files = std::fs::read_dir(tenant.path("data")).expect("the data").flatten().map(|entry| entry.path());
    let stores = files.filter(|path| path.to_string_lossy().contains("vg-bellheim.sqlite"));
    stores.map(|path| std::fs::read(path).expect("a file")).any(|bytes| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))
}

fn erase(tenant: &Tenant, run: &str, by: &str, more: &[&str]) -> (Option<i32>, String) {
    let output = tenant.laufzettel(&[&["audit", "erase", run, "--reason", "Antrag vom 1. Dezember", "--as", by], more].concat());
    (output.status.code(), text(&output))
}

fn first_run(tenant: &Tenant) -> (String, String) {
    let listed = tenant.laufzettel(&["runs", "list", "--json"]);
    let row: Value =
        String::from_utf8_lossy(&listed.stdout).lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_else(|| panic!("{}", text(&listed)));
    (row["nummer"].as_str().expect("a number").to_owned(), row["run"].as_str().expect("a run").to_owned())
}

fn said(tenant: &Tenant, args: &[&str]) -> String {
    let output = tenant.laufzettel(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output));
    text(&output)
}

fn verified(tenant: &Tenant) {
    said(tenant, &["audit", "verify"]);
}

#[test]
fn contents_go_on_request_and_everything_still_reads() {
    let tenant = Tenant::new();
    assert_eq!(tenant.main_job().status.code(), Some(0));
    let (nummer, run) = first_run(&tenant);
    assert!(is_in_the_store(&tenant, CANARIES[3]), "the note is short enough to stand there as it is");
    let (exit, denied) = erase(&tenant, &nummer, "a.klein", &[]);
    assert!(exit == Some(4) && denied.contains("content.erase"), "{denied}");
    let denials = said(&tenant, &["audit", "show", "--kind", "access.denied"]);
    assert!(denials.contains("Andreas Klein durfte nicht: content.erase"), "{denials}");

    let (exit, told) = erase(&tenant, &nummer, "d.braun", &[]);
    assert!(exit == Some(0) && told.contains("Es bleiben 7 Belege"), "{told}");
    assert!(is_in_the_store(&tenant, CANARIES[3]), "what a person decided is a Beleg");
    let shown = said(&tenant, &["runs", "show", &nummer]);
    assert!(shown.contains("Inhalte gelöscht am") && shown.contains("✓ Steuer berechnen"), "{shown}");
    let replayed = said(&tenant, &["runs", "replay", &nummer]);
    assert!(replayed.contains("Inhalte gelöscht am") && replayed.contains("nachgerechnet"), "{replayed}");
    let timeline = said(&tenant, &["audit", "show", "--run", &nummer]);
    assert!(timeline.contains("[Inhalt gelöscht]") && timeline.contains("Der Vorgang ist beendet"), "{timeline}");
    pages_read(&tenant, &run);

    let (exit, told) = erase(&tenant, &nummer, "d.braun", &["--with-decisions"]);
    assert!(exit == Some(0) && told.contains("kein Inhalt ist mehr da"), "{told}");
    for canary in CANARIES {
        assert!(!is_in_the_store(&tenant, canary), "{canary}");
    }
    let erasures = said(&tenant, &["audit", "show", "--kind", "content.erased"]);
    assert!(erasures.contains("Doris Braun") && erasures.contains("Art. 17 DSGVO") && erasures.contains("Antrag vom 1. Dezember"), "{erasures}");
    verified(&tenant);
}

fn pages_read(tenant: &Tenant, run: &str) {
    let server = Server::start(tenant, None).expect("up starts");
    runtime().block_on(async {
        let cookie = crate::views::sign_in(&server, "a.klein").await.expect("signed in");
        let (status, page) = crate::views::get(&server, &cookie, &format!("/vorgaenge/{run}")).await;
        assert!(status == 200 && page.contains("Inhalte gelöscht am") && page.contains("Inhalt gelöscht."), "{status} {page}");
        assert!(page.contains("Angaben mit dem Melderegister abgeglichen") && !page.contains("Frieda"), "{page}");
        let (status, list) = crate::views::get(&server, &cookie, "/vorgaenge").await;
        assert!(status == 200 && list.contains(run));
    });
    server.stop();
}

#[test]
fn what_goes_on_is_not_erased() {
    let tenant = Tenant::new();
    let started = tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &demo("antrag.json"), "--as", "applicant", "--until-waiting", "--json"]);
    assert_eq!(started.status.code(), Some(7), "{}", text(&started));
    let (nummer, _) = first_run(&tenant);
    let (exit, refused) = erase(&tenant, &nummer, "d.braun", &[]);
    assert!(exit == Some(1) && refused.contains("noch nicht beendet"), "{refused}");
    assert!(!tenant.path("witness/vg-bellheim.erasures.jsonl").exists(), "what was refused the witness never hears of");
    verified(&tenant);
}

/// Died between the witness and the journal: carried out at the next start. Died before the witness heard: nothing was ordered.
#[test]
fn an_erasure_survives_a_crash() {
    for (place, heard) in [("erasure.before_witness", false), ("erasure.after_witness", true), ("removal.before_commit", true), ("removal.after_commit", true)]
    {
        let tenant = Tenant::new();
        assert_eq!(tenant.main_job().status.code(), Some(0));
        let (nummer, _) = first_run(&tenant);
        let mut dies = tenant.command(&["audit", "erase", &nummer, "--reason", "Antrag", "--as", "d.braun", "--with-decisions"]);
        let died = dies.env("LAUFZETTEL_FAILPOINT", format!("{place}=crash@1")).output().expect("it runs");
        assert_eq!(died.status.code(), None, "{place}: {}", text(&died));
        let server = Server::start(&tenant, None).expect("up starts");
        until(&format!("{place}: erased"), || (said(&tenant, &["runs", "show", &nummer]).contains("Inhalte gelöscht am") == heard).then_some(()));
        server.stop();
        assert_eq!(!is_in_the_store(&tenant, CANARIES[3]), heard, "{place}");
        verified(&tenant);
    }
}

const SHORT: &str = r#"
start: { groups: [GG-Steueramt] }
input: { type: object, properties: { name: { type: string } } }
steps:
  a: { set: { wert: "{{ input.name }} Kanarienvogel" } }
output: { wert: "{{ steps.a.wert }}" }
"#;

/// Runs whose process gives them no time: contents go at the next look, and then the run itself; the other stays.
#[test]
fn what_is_past_its_time_goes_by_itself() {
    let tenant = Tenant::new();
    for (name, kept) in [("hundesteuer-kurz", "{ vorgang: PT0S, inhalte: PT0S }"), ("hundesteuer-mittel", "{ vorgang: P1Y, inhalte: PT0S }")] {
        let file = process(name, "Kurz", SHORT).replace("{ vorgang: P1Y, inhalte: P1M }", kept);
        std::fs::write(tenant.path(&format!("workflows/{name}.yaml")), file).expect("written");
        let input = tenant.path("eingabe.json");
        std::fs::write(&input, r#"{ "name": "Bunter" }"#).expect("written");
        let done = tenant.laufzettel(&["run", name, "--input", &input.display().to_string(), "--as", "a.klein"]);
        assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    }
    let (short, _) = first_run(&tenant);
    assert!(is_in_the_store(&tenant, "Bunter Kanarienvogel"));
    let server = Server::start(&tenant, None).expect("up starts");
    let runs = until("the short one is gone", || {
        let listed = said(&tenant, &["runs", "list"]);
        (!listed.contains(&short)).then_some(listed)
    });
    server.stop();
    let (other, _) = first_run(&tenant);
    assert!(runs.contains(&other) && other != short, "{runs}");
    let shown = said(&tenant, &["runs", "show", &other]);
    assert!(shown.contains("Inhalte gelöscht am"), "{shown}");
    assert!(!is_in_the_store(&tenant, "Bunter Kanarienvogel"));
    let exported = said(&tenant, &["audit", "export"]);
    assert!(exported.lines().any(|line| line.starts_with("{\"hash\":") && line.len() < 120), "{exported}");
    assert!(said(&tenant, &["audit", "show", "--kind", "records.pruned"]).contains("bis auf"), "{exported}");
    // its number is not given out again
    let input = tenant.path("eingabe.json");
    let done = tenant.laufzettel(&["run", "hundesteuer-mittel", "--input", &input.display().to_string(), "--as", "a.klein"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    assert!(!said(&tenant, &["runs", "list"]).contains(&short));
    verified(&tenant);
}
