//! What a newcomer does first.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::desk::{Server, Tenant, demo, root, text};

#[test]
fn an_application_becomes_a_filed_letter_and_the_journal_holds() {
    let tenant = Tenant::new();
    let done = tenant.main_job();
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    let told: Value = serde_json::from_slice(&done.stdout).expect("--json prints one object");
    assert_eq!(told["output"]["erster_betrag_cent"], json!(3500));
    assert_eq!(told["output"]["steuerbeginn"], json!("2026-06-01"));
    assert_eq!((tenant.letters(), tenant.mails()), (1, 2));
    let verified = tenant.laufzettel(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified));
    let replayed = tenant.laufzettel(&["runs", "replay", told["nummer"].as_str().expect("a number")]);
    assert_eq!(replayed.status.code(), Some(0), "{}", text(&replayed));
    assert!(String::from_utf8_lossy(&replayed.stdout).contains("Zustand stimmt überein"), "{}", text(&replayed));
}

#[test]
fn the_shipped_processes_pass_their_checks_and_cases() {
    let tenant = Tenant::new();
    let workflows = root().join("workflows").display().to_string();
    let checked = tenant.laufzettel(&["check", &workflows, "--config", "laufzettel-data/laufzettel.yaml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    // as they are laid out: the program carries every file they read
    let tested = tenant.laufzettel(&["test", &tenant.path("workflows").display().to_string()]);
    assert_eq!(tested.status.code(), Some(0), "{}", text(&tested));
}

/// A case may not let a tool say what its approved definition does not allow: the process would be tested against a tool that
/// does not exist.
#[test]
fn a_case_answers_as_the_tool_could() {
    let tenant = Tenant::new();
    let cases = tenant.path("workflows/hundesteuer.cases.yaml");
    let written = std::fs::read_to_string(&cases).expect("the cases");
    std::fs::write(&cases, written.replacen("{ message_id: m-1 }", "{ message_id: 7 }", 1)).expect("written");
    let tested = tenant.laufzettel(&["test", "laufzettel-data/workflows/hundesteuer.yaml"]);
    assert_eq!(tested.status.code(), Some(3), "{}", text(&tested));
    assert!(text(&tested).contains("mail/senden: die Antwort passt nicht zu ihrer Definition, Feld „message_id“"), "{}", text(&tested));
    assert!(text(&tested).contains("17 bestanden, 1 nicht"), "{}", text(&tested));
}

const NEW: &str = "process: neu\nversion: 1.0.0\ntitle: Neu\nverantwortlich: FB2-Steueramt\nrechtsgrundlage: [Satzung]\nzweck: Prüfen\nschutzbedarf: normal\ndatenkategorien: []\naufbewahrung: { vorgang: P1Y, inhalte: P1M }\nautomatisierung: assistenz\nstart: { groups: [GG-Steueramt] }\ninput: { type: object }\nsteps: { s: { set: { x: 1 } } }\n";

/// One process, many commands: while a server holds the store, each is its client.
#[test]
fn commands_work_beside_a_running_server() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    assert!(Server::start(&tenant, None).is_none(), "a second server holds the same store");
    let waiting = tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &demo("antrag.json"), "--as", "applicant", "--until-waiting", "--json"]);
    assert_eq!(waiting.status.code(), Some(7), "{}", text(&waiting));
    let tasks = tenant.laufzettel(&["tasks", "list", "--as", "a.klein", "--json"]);
    let task: Value = serde_json::from_slice(&tasks.stdout).unwrap_or_else(|_| panic!("{}", text(&tasks)));
    let none = tenant.laufzettel(&["tasks", "list", "--as", "j.wolf", "--json"]);
    assert_eq!(String::from_utf8_lossy(&none.stdout), "", "{}", text(&none));
    let mut answer: Value = serde_json::from_str(&std::fs::read_to_string(demo("entscheidung.json")).expect("the demo")).expect("JSON");
    answer.as_object_mut().expect("an object").remove("by");
    let file = tenant.path("antwort.json");
    std::fs::write(&file, answer.to_string()).expect("written");
    let done = tenant.laufzettel(&["tasks", "complete", task["task"].as_str().expect("an id"), "--as", "a.klein", "--input", &file.display().to_string()]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    assert_eq!((tenant.letters(), tenant.mails()), (1, 2));
    // a file of a process the server does not have, and a signal that changes nothing
    let file = tenant.path("neu/neu.yaml");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    std::fs::write(&file, NEW).expect("written");
    let unknown = tenant.laufzettel(&["run", &file.display().to_string(), "--as", "a.klein"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown));
    assert!(text(&unknown).contains("kennt den Prozess „neu“ nicht. Legen Sie die Datei in seinen Ordner"), "{}", text(&unknown));
    server.hang_up();
    let verified = tenant.laufzettel(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified));
    server.stop();
    let verified = tenant.laufzettel(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified));
}

#[test]
fn mistakes_on_the_command_line_are_explained() {
    let tenant = Tenant::new();
    let answer = format!("festsetzun={}", demo("entscheidung.json"));
    for (args, exit, words) in [
        (&["run", "gibt-es-nicht", "--as", "a.klein"][..], 2, "gibt es hier nicht"),
        (&["run", "hundesteuer-anmeldung", "--as", "niemand"], 4, "steht nicht im Verzeichnis"),
        (&["run", "hundesteuer-anmeldung", "--as", "o.vogt"], 4, "gesperrt"),
        (&["run", "hundesteuer-anmeldung", "--as", "a.klein"], 2, "halter: Bitte ausfüllen"),
        (&["runs", "show", "2026-999999"], 2, "gibt es nicht"),
        (&["tasks", "complete", "x", "--as", "a.klein", "--input", "/gibt/es/nicht"], 2, "lässt sich nicht lesen"),
        (&["check", "/gibt/es/nicht.yaml"], 2, "gibt es nicht"),
        (&["check", "/gibt/es/nicht.yaml", "--lang", "en"], 2, "does not exist"),
        (&["run", "hundesteuer-anmeldung", "--as", "niemand", "--lang", "en"], 4, "is not in the directory"),
        (&["run", "gibt-es-nicht", "--as", "a.klein", "--lang", "en"], 2, "There is no process"),
        (&["run", "hundesteuer-anmeldung", "--as", "a.klein", "--input", "/gibt/es/nicht", "--lang", "en"], 2, "cannot be read"),
        (&["run", "hundesteuer-anmeldung", "--as", "a.klein", "--answer", answer.as_str()], 2, "Meinten Sie „festsetzung“?"),
        (&["tasks", "show", "x", "--lang", "en"], 2, "is no task"),
        (&["keys", "revoke", "x", "--lang", "en"], 2, "no such valid key"),
        (&["doctor"], 2, "noch nicht unterstützt"),
        (&["chek"], 2, "Meinten Sie „check“?"),
        (&["runs", "list", "--config", "/gibt/es/nicht.yaml"], 2, "lässt sich nicht lesen"),
    ] {
        let output = tenant.laufzettel(args);
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {}", text(&output));
        assert!(String::from_utf8_lossy(&output.stderr).contains(words), "{args:?}: {}", text(&output));
    }
}

#[test]
fn a_server_says_where_it_listens_and_what_is_missing() {
    let tenant = Tenant::new();
    // whatever comes first lays out the configuration
    tenant.laufzettel(&["run", "gibt-es-nicht", "--as", "a.klein"]);
    let file = tenant.path("laufzettel.yaml");
    let config = std::fs::read_to_string(&file).expect("a configuration");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port();
    let serve = ["serve", "--config", "laufzettel-data/laufzettel.yaml"];
    std::fs::write(&file, config.replace("listen: 127.0.0.1:8080", &format!("listen: 127.0.0.1:{port}"))).expect("written");
    let refused = tenant.laufzettel(&serve);
    assert_eq!(
        (refused.status.code(), String::from_utf8_lossy(&refused.stderr).trim()),
        (
            Some(2),
            format!("127.0.0.1:{port} ist nicht frei: Dort läuft schon etwas. Bitte beenden, oder unter „listen“ eine andere Adresse eintragen.").as_str()
        )
    );
    // what is wrong with the directory is said, and not of every group once more
    let listening = config.replace("listen: 127.0.0.1:8080", "listen: 127.0.0.1:0");
    std::fs::write(&file, listening.replace("directory: { file: ./directory.yaml }", "directory: { file: ./fehlt.yaml }")).expect("written");
    let nobody = text(&tenant.laufzettel(&serve));
    assert!(nobody.contains("fehlt.yaml") && !nobody.contains("LZ120"), "{nobody}");
    // a journal that is there is not signed on with a key nobody knows
    std::fs::write(&file, listening.replace("secrets: ./secrets", "secrets: ./anders")).expect("written");
    let keyless = text(&tenant.laufzettel(&serve));
    assert!(keyless.contains("anders/journal-vg-bellheim.key fehlt, die Datenbank"), "{keyless}");
    let wrong = listening.replace("DSB: { groups: [GG-DSB] }", "DSB: { groups: [GG-DBS] }");
    std::fs::write(&file, wrong.replace("stdio: [laufzettel, mcp, mail,", "stdio: [./mein-mail, mcp, mail,")).expect("written");
    let mut child = tenant.command(&serve).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines().map_while(Result::ok);
    let mut said: Vec<String> = Vec::new();
    for line in lines {
        let over = line.starts_with("Laufzettel läuft auf ");
        said.push(line);
        if over {
            break;
        }
    }
    child.kill().ok();
    child.wait().ok();
    let said = said.join("\n");
    for part in ["LZ120", "Die Gruppe „GG-DBS“ steht nicht im Verzeichnis. Meinten Sie „GG-DSB“?", "LZ144", "laufzettel-data/./mein-mail“ gibt es nicht."]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let last = said.lines().last().unwrap_or_default();
    assert!(!last.contains(":0,") && last.ends_with(", für Browser unter http://127.0.0.1:8080."), "{said}");
}
