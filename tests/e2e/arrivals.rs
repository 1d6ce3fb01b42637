//! Ways in nobody carries anything to: files a Fachverfahren lays into a folder, e-mail that is delivered.

use std::path::Path;

use crate::{
    desk::{Server, Tenant, process, runtime, text, until},
    views::{get, sign_in},
};

const FILES: &str = r#"
triggers:
  - folder: { path: kasse/ein, done: kasse/fertig, failed: kasse/fehler, run_as: service:svc-fachverfahren }
input: { type: object, additionalProperties: false, required: [n], properties: { n: { type: integer } } }
steps:
  doppelt: { set: { n: "{{ input.n * 2 }}" } }
output: { n: "{{ steps.doppelt.n }}" }
"#;

const LETTERS: &str = r#"
triggers:
  - mail: { folder: kasse, match: { von: "*@kasse.example" }, run_as: service:svc-fachverfahren }
input: { type: object, required: [betreff, text], properties: { betreff: { type: string }, text: { type: string } } }
steps:
  gelesen: { set: { betreff: "{{ input.betreff }}" } }
output: { betreff: "{{ steps.gelesen.betreff }}" }
"#;

/// The mail server lists the newest first.
const ASKED: &str = r#"
triggers:
  - poll:
      tool: mail/posteingang
      with: { ordner: kasse, seit: "{{ cursor }}", anzahl: 50 }
      every: PT10S
      cursor: "{{ result.nachrichten[0].datum if result.nachrichten else none }}"
      key: "{{ item.id }}"
      run_as: service:svc-fachverfahren
input: { type: object, required: [id, betreff], properties: { id: { type: string, x-schutzbedarf: hoch }, betreff: { type: string, x-schutzbedarf: hoch } } }
steps:
  gelesen: { set: { betreff: "{{ input.betreff }}" } }
output: { betreff: "{{ steps.gelesen.betreff }}" }
"#;

const ASKED_CASES: &str = r#"
cases:
  - name: Ein Eintrag des Posteingangs
    as: applicant
    input: { id: a, betreff: Buchung }
    expect: { state: completed, output: { betreff: Buchung } }
"#;

const CASES: &str = r#"
cases:
  - name: Die Kasse legt eine Datei hin
    as: applicant
    input: { n: 4 }
    expect: { state: completed, output: { n: 8 } }
"#;

/// A tenant whose operator has opened a folder and a mailbox, with that process.
fn house(rest: &str) -> Tenant {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/ankunft.yaml"), process("hundesteuer-ankunft", "Ankunft", rest)).expect("written");
    for folder in ["eingang/kasse/ein", "mail/eingang/.kasse/new", "mail/eingang/.kasse/cur"] {
        std::fs::create_dir_all(tenant.path(folder)).expect("made");
    }
    tenant
}

fn open(tenant: &Tenant) {
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let opened = config.replacen("    services:\n", "    eingang: { folder: ./eingang, mail: ./mail/eingang }\n    services:\n", 1);
    assert_ne!(opened, config);
    std::fs::write(tenant.path("laufzettel.yaml"), opened).expect("written");
}

fn runs(tenant: &Tenant) -> Vec<String> {
    tenant.lines(&["runs", "list", "--json"]).iter().map(|row| row["state"].as_str().unwrap_or_default().to_owned()).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect());
    let mut names: Vec<String> = entries.unwrap_or_default();
    names.sort();
    names
}

/// Killed before and after its run is durable: the file is one run, and then it is put away.
#[test]
fn a_file_is_one_run_wherever_the_program_dies() {
    for failpoint in ["start.before_append=crash@1", "start.after_append=crash@1"] {
        let tenant = house(FILES);
        open(&tenant);
        std::fs::write(tenant.path("eingang/kasse/ein/auftrag.json"), r#"{ "n": 4 }"#).expect("laid down");
        let mut server = Server::start(&tenant, Some(failpoint)).expect("up starts");
        until(&format!("{failpoint}: it dies"), || server.has_ended().then_some(()));
        let server = Server::start(&tenant, None).expect("up starts again");
        until(&format!("{failpoint}: the file is put away"), || (names(&tenant.path("eingang/kasse/fertig")) == ["auftrag.json"]).then_some(()));
        until(&format!("{failpoint}: the run ends"), || (runs(&tenant) == ["completed"]).then_some(()));
        server.stop();
        assert_eq!((runs(&tenant).len(), names(&tenant.path("eingang/kasse/ein")).len()), (1, 0), "{failpoint}");
        let told = text(&tenant.laufzettel(&["audit", "show"]));
        assert_eq!(told.contains("gehört schon zum Vorgang"), failpoint.starts_with("start.after"), "{failpoint}: {told}");
        assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0), "{failpoint}");
    }
}

/// What the operator has not opened nobody watches; what does not fit lies aside with the reason in words.
#[test]
fn a_folder_is_watched_where_it_was_opened_and_nowhere_else() {
    let tenant = house(FILES);
    let (file, config) = (tenant.path("workflows/ankunft.yaml").display().to_string(), tenant.path("laufzettel.yaml").display().to_string());
    let closed = tenant.laufzettel(&["check", &file, "--config", &config]);
    assert!(closed.status.code() == Some(3) && text(&closed).contains("LZ705") && text(&closed).contains("eingang.folder"), "{}", text(&closed));
    open(&tenant);
    let checked = tenant.laufzettel(&["check", &file, "--config", &config]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    std::fs::write(tenant.path("workflows/ankunft.cases.yaml"), CASES).expect("written");
    let tested = tenant.laufzettel(&["test", &file]);
    assert_eq!(tested.status.code(), Some(0), "{}", text(&tested));
    std::fs::write(tenant.path("eingang/kasse/ein/falsch.json"), r#"{ "n": "vier" }"#).expect("laid down");
    let server = Server::start(&tenant, None).expect("up starts");
    until("the file lies aside", || (names(&tenant.path("eingang/kasse/fehler")) == ["falsch.json", "falsch.json.fehler.txt"]).then_some(()));
    let (status, page) = runtime().block_on(async { get(&server, &sign_in(&server, "a.klein").await.expect("signed in"), "/prozesse").await });
    assert!(status == 200 && page.contains("Beginnt durch: Dateien im Ordner kasse&#x2f;ein"), "{status} {page}");
    server.stop();
    let said = std::fs::read_to_string(tenant.path("eingang/kasse/fehler/falsch.json.fehler.txt")).expect("a reason");
    assert!(said.contains("Diese Datei wurde nicht angenommen.") && said.contains("\nn: "), "{said}");
    let told = text(&tenant.laufzettel(&["audit", "show", "--kind", "input.refused"]));
    assert!(told.contains("konnte nicht angenommen werden") && told.contains("Felder, die nicht passen: n.") && !told.contains("falsch.json"), "{told}");
    assert!(runs(&tenant).is_empty());
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn a_message_is_one_run_over_a_crash() {
    let tenant = house(LETTERS);
    open(&tenant);
    let letter = "From: Kasse <meldung@kasse.example>\r\nMessage-ID: <1@kasse.example>\r\nSubject: =?utf-8?q?B=C3=BCchung?=\r\n\r\nBezahlt.\r\n";
    std::fs::write(tenant.path("mail/eingang/.kasse/new/1.host"), letter).expect("delivered");
    let mut server = Server::start(&tenant, Some("start.after_append=crash@1")).expect("up starts");
    until("it dies", || server.has_ended().then_some(()));
    let server = Server::start(&tenant, None).expect("up starts again");
    until("the message is marked", || (names(&tenant.path("mail/eingang/.kasse/cur")) == ["1.host:2,S"]).then_some(()));
    until("the run ends", || (runs(&tenant) == ["completed"]).then_some(()));
    server.stop();
    let told = text(&tenant.laufzettel(&["audit", "show", "--kind", "run.started"]));
    assert!(told.contains("svc-fachverfahren"), "{told}");
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

/// Killed when the first of two entries has begun, and before: each is one run, and what comes later is one, too.
#[test]
fn an_entry_of_a_tool_is_one_run_wherever_the_program_dies() {
    for failpoint in ["start.after_append=crash@1", "start.before_append=crash@2", "door.after_call=crash@1"] {
        let tenant = house(ASKED);
        let (file, config) = (tenant.path("workflows/ankunft.yaml").display().to_string(), tenant.path("laufzettel.yaml").display().to_string());
        let refused = tenant.laufzettel(&["check", &file, "--config", &config]);
        assert!(refused.status.code() == Some(3) && text(&refused).contains("LZ702") && text(&refused).contains("mail/posteingang"), "{}", text(&refused));
        let written = std::fs::read_to_string(&config).expect("the configuration");
        std::fs::write(
            &config,
            written.replace("\"tool.call:registry/person_suchen\", ", "\"tool.call:registry/person_suchen\", \"tool.call:mail/posteingang\", "),
        )
        .expect("written");
        let checked = tenant.laufzettel(&["check", &file, "--config", &config]);
        assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
        std::fs::write(tenant.path("workflows/ankunft.cases.yaml"), ASKED_CASES).expect("written");
        let tested = tenant.laufzettel(&["test", &file]);
        assert_eq!(tested.status.code(), Some(0), "{}", text(&tested));
        let deliver = |n: u32| {
            let letter = format!(
                "From: Kasse <meldung@kasse.example>\r\nMessage-ID: <{n}@kasse.example>\r\nSubject: Buchung {n}\r\nDate: Mon, 23 Nov 2026 07:0{n}:00 +0100\r\n\r\nBezahlt.\r\n"
            );
            std::fs::write(tenant.path(&format!("mail/eingang/.kasse/new/{n}.host")), letter).expect("delivered");
        };
        (1..=2).for_each(deliver);
        let mut server = Server::start(&tenant, Some(failpoint)).expect("up starts");
        until(&format!("{failpoint}: it dies"), || server.has_ended().then_some(()));
        let server = Server::start(&tenant, None).expect("up starts again");
        until(&format!("{failpoint}: both runs end"), || (runs(&tenant) == ["completed"; 2]).then_some(()));
        deliver(3);
        until(&format!("{failpoint}: the third run ends"), || (runs(&tenant) == ["completed"; 3]).then_some(()));
        let (status, page) = runtime().block_on(async { get(&server, &sign_in(&server, "a.klein").await.expect("signed in"), "/prozesse").await });
        assert!(status == 200 && page.contains("Beginnt durch: neue Einträge von mail&#x2f;posteingang"), "{status} {page}");
        server.stop();
        let told = text(&tenant.laufzettel(&["audit", "show", "--kind", "trigger.polled"]));
        assert!(told.contains("das Werkzeug mail/posteingang nennt"), "{failpoint}: {told}");
        assert!(text(&tenant.laufzettel(&["audit", "ledger"])).contains("mail/posteingang"), "{failpoint}");
        assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0), "{failpoint}");
    }
}
