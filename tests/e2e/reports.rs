//! What those see who answer for the house: the journal by pages, what is carried out of it, and the reports for the data protection
//! officer. Whoever has no right sees nothing; whoever looks is on record.

use serde_json::Value;

use crate::{
    applications,
    desk::{Server, Tenant, client, demo, runtime, text, until},
    stand,
    views::{get, sign_in},
};

fn said(tenant: &Tenant, args: &[&str]) -> String {
    let output = tenant.laufzettel(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn number(tenant: &Tenant) -> (String, String) {
    let listed = said(tenant, &["runs", "list", "--json"]);
    let row: Value = listed.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_else(|| panic!("{listed}"));
    (row["nummer"].as_str().expect("a number").to_owned(), row["run"].as_str().expect("a run").to_owned())
}

async fn send(server: &Server, cookie: &str, path: &str, form: &str) -> (u16, String) {
    let post = client().post(server.url(path)).header("origin", server.url("")).header("cookie", cookie);
    let answer = post.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned()).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.unwrap_or_default())
}

#[test]
fn a_clerk_without_the_right_sees_no_journal_and_that_is_on_record() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        for path in ["/protokoll", "/protokoll/eintrag/1/1"] {
            let (status, page) = get(&server, &clerk, path).await;
            assert!(status == 403 && !page.contains("lane.opened"), "{path}: {status} {page}");
        }
        let (status, file) = send(&server, &clerk, "/protokoll/ausfuehren", "format=jsonl&grund=Neugier").await;
        assert!(status == 403 && !file.contains("\"hash\""), "{status}");
        let (_, home) = get(&server, &clerk, "/").await;
        assert!(!home.contains("/protokoll") && !home.contains("/betrieb"), "no way is shown that is closed");
        let officer = sign_in(&server, "d.braun").await.expect("signed in");
        let (_, home) = get(&server, &officer, "/").await;
        assert!(home.contains("href=\"/protokoll\"") && !home.contains("/betrieb"), "{home}");
        let (status, page) = get(&server, &officer, "/protokoll?decision=denied").await;
        assert!(status == 200 && page.contains("Andreas Klein durfte nicht: audit.read"), "{status} {page}");
    });
    server.stop();
    assert_eq!(said(&tenant, &["audit", "show", "--denied", "--person", "klein"]).lines().count(), 3);
    said(&tenant, &["audit", "verify"]);
}

#[test]
fn the_journal_is_found_by_run_person_tool_kind_and_time() {
    let tenant = Tenant::new();
    assert_eq!(tenant.main_job().status.code(), Some(0));
    let (nummer, run) = number(&tenant);
    let server = Server::start(&tenant, None).expect("up starts");
    said(&tenant, &["audit", "verify"]);
    runtime().block_on(async {
        let officer = sign_in(&server, "d.braun").await.expect("signed in");
        for (query, there, not_there) in [
            (String::new(), "hat das Protokoll nachgerechnet: unversehrt und verankert", "Jana"),
            (format!("run={nummer}"), "Der Vorgang ist beendet", "hat sich angemeldet"),
            (format!("run={nummer}"), "Wer hat diesen Vorgang angesehen?", "lane.opened"),
            (format!("run={run}&kind=task.completed"), "hat Aufgabe 1 erledigt", "Schritt halter erledigt"),
            ("person=doris".to_owned(), "Doris Braun hat das Protokoll angesehen", "Aufgabe 1 erledigt"),
            ("tool=registry%2Fperson_suchen".to_owned(), "person_suchen vorgemerkt", "akte_anlegen"),
            ("decision=allowed&kind=effect.settled".to_owned(), "Erlaubt durch", "vorgemerkt"),
            ("until=01.01.2020".to_owned(), "Dazu steht nichts im Protokoll.", "lane.opened"),
        ] {
            let (status, page) = get(&server, &officer, &format!("/protokoll?{query}")).await;
            assert!(status == 200 && page.contains(there) && !page.contains(not_there), "{query}: {status} {page}");
            assert!(page.len() < 100_000, "{query}: {}", page.len());
        }
        let (status, page) = get(&server, &officer, "/protokoll?run=2000-000001&from=gestern").await;
        assert!(status == 422 && page.contains("Diese Vorgangsnummer gibt es nicht.") && page.contains("ist kein Datum"), "{status} {page}");
        let (status, page) = get(&server, &officer, "/protokoll?from=02.05.2026&until=01.05.2026").await;
        let beside = "id=\"until.fehler\"><span class=\"sr-only\">Fehler:</span> „Bis“ liegt vor „Von“.";
        assert!(status == 422 && page.contains(beside) && !page.contains("Dazu steht nichts"), "{status} {page}");
        // page after page, to the first record there is
        let (mut path, mut pages) = ("/protokoll".to_owned(), 0);
        loop {
            let (status, page) = get(&server, &officer, &path).await;
            assert_eq!(status, 200, "{path}");
            pages += 1;
            let Some(next) =
                page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).find(|href| href.contains("vor=") && !href.contains("lang="))
            else {
                assert!(page.contains("1&#x2f;1<"), "{page}");
                break;
            };
            path = next.replace("&#x2f;", "/").replace("&amp;", "&");
        }
        assert!(pages > 2, "{pages}");
        let (status, record) = get(&server, &officer, "/protokoll/eintrag/1/1").await;
        assert!(status == 200 && record.contains("lane.opened") && record.contains("Prüfsumme"), "{status} {record}");
    });
    server.stop();
    let views = said(&tenant, &["audit", "show", "--kind", "audit.viewed"]);
    assert!(views.contains("Doris Braun hat das Protokoll angesehen. Gesucht nach: person.") && !views.contains("doris"), "{views}");
    said(&tenant, &["audit", "verify"]);
}

#[test]
fn what_is_exported_has_a_reason_and_no_formulas() {
    let tenant = Tenant::new();
    let input = tenant.path("eingabe.json");
    std::fs::copy(demo("antrag.json"), &input).expect("copied");
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let officer = sign_in(&server, "d.braun").await.expect("signed in");
        let (status, page) = send(&server, &officer, "/protokoll/ausfuehren", "format=csv&grund=+").await;
        assert!(status == 422 && page.contains("Bitte geben Sie einen Grund an"), "{status} {page}");
        // a key may be called anything
        let made = tenant.laufzettel(&["keys", "create", "--name", "=HYPERLINK(1)", "--process", "x", "--as", "s.weber"]);
        assert_eq!(made.status.code(), Some(0), "{}", text(&made));
        let (status, csv) = send(&server, &officer, "/protokoll/ausfuehren", "format=csv&grund=Pruefung+2026").await;
        assert_eq!(status, 200);
        assert!(csv.starts_with("lane;seq;zeit;vorgang;art;handelnd;satz\n") && csv.contains("Grund: Pruefung 2026"), "{csv}");
        assert!(csv.lines().flat_map(|line| line.split("\";\"")).all(|cell| !cell.trim_start_matches('"').starts_with(['=', '+', '@'])), "{csv}");
        let (status, lines) = send(&server, &officer, "/protokoll/ausfuehren", "format=jsonl&grund=Pruefung+2026").await;
        assert_eq!(status, 200);
        for line in lines.lines() {
            let record: Value = serde_json::from_str(line).expect("JSON");
            assert!(record["hash"].is_string() && record["seq"].is_u64(), "{line}");
        }
        assert!(lines.lines().count() > 5);
    });
    server.stop();
    let exports = said(&tenant, &["audit", "show", "--kind", "content.exported"]);
    assert_eq!(exports.matches("Doris Braun hat das Protokoll ausgeführt. Grund: Pruefung 2026").count(), 2, "{exports}");
    said(&tenant, &["audit", "verify"]);
}

/// Details of the demo application by which its holder is found.
const HOLDER: [&str; 2] = ["familienname=Hofmann", "geburtsdatum=1988-03-14"];

fn subject(tenant: &Tenant, by: &str, details: &[&str]) -> (Option<i32>, String) {
    let mut args = vec!["audit", "subject", "--reason", "Verlangen vom 1. Dezember", "--as", by, "--json"];
    details.iter().for_each(|detail| args.extend(["--feld", detail]));
    let output = tenant.laufzettel(&args);
    (output.status.code(), text(&output))
}

#[test]
fn a_person_is_found_by_keys_and_gone_after_erasure() {
    let tenant = Tenant::new();
    assert_eq!(tenant.main_job().status.code(), Some(0));
    let (nummer, _) = number(&tenant);
    let (exit, refused) = subject(&tenant, "d.braun", &HOLDER[..1]);
    assert!(exit == Some(2) && refused.contains("mindestens zwei"), "{refused}");
    let (exit, refused) = subject(&tenant, "d.braun", &["familienname=Hofmann", "vornamen=hofmann"]);
    assert!(exit == Some(2) && refused.contains("mindestens zwei"), "one detail under two names: {refused}");
    let (exit, denied) = subject(&tenant, "a.klein", &HOLDER);
    assert!(exit == Some(4) && denied.contains("audit.read") && !denied.contains(&nummer), "{denied}");
    let (exit, nobody) = subject(&tenant, "d.braun", &[HOLDER[0], "geburtsdatum=1999-01-01"]);
    assert!(exit == Some(0) && !nobody.contains(&nummer), "{nobody}");
    // however it is written
    let (exit, report) = subject(&tenant, "d.braun", &["Familienname= HOFMANN ", "geburtsdatum=14.03.1988"]);
    assert_eq!(exit, Some(0), "{report}");
    for told in [
        &nummer,
        "Festsetzung der Hundesteuer",
        "KAG RLP § 5",
        "öffentlichen Formular",
        "registry/person_suchen",
        "mail/senden: gesendet an",
        "276098106123457",
        "Entscheidungstabelle",
    ] {
        assert!(report.contains(told), "{told}: {report}");
    }
    let told = said(&tenant, &["audit", "show", "--kind", "subject.reported"]);
    assert!(told.contains("gesucht nach: familienname, geburtsdatum") && !told.to_lowercase().contains("hofmann"), "{told}");
    assert!(!indexed(&tenant).is_empty());

    let erased = tenant.laufzettel(&["audit", "erase", &nummer, "--reason", "Verlangen", "--with-decisions", "--as", "d.braun"]);
    assert_eq!(erased.status.code(), Some(0), "{}", text(&erased));
    let (exit, gone) = subject(&tenant, "d.braun", &HOLDER);
    assert!(exit == Some(0) && !gone.contains(&nummer), "{gone}");
    assert_eq!(indexed(&tenant), Vec::<String>::new());
    said(&tenant, &["audit", "verify"]);
}

/// What came after the application is hers, too; who of the staff answered is not told.
#[test]
fn the_report_tells_what_came_later_and_nothing_of_the_staff() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let input: Value = serde_json::from_str(&std::fs::read_to_string(demo("antrag.json")).expect("the demo")).expect("JSON");
        let status = applications::send(&server, "/antrag/vg-bellheim/hundesteuer", &input).await;
        let fields = [("_schluessel", "000000000000000000000000000000d1"), ("hinweis", "Der Impfpass von Frieda")];
        let sent = stand::send(&server, "", &format!("{status}/nachreichen"), &fields, Some(("datei", "impfpass.txt", b"geimpft"))).await;
        assert_eq!(sent.code, 303, "{}", sent.page);
    });
    server.stop();
    let task = until("the task is open", || {
        let listed = tenant.laufzettel(&["tasks", "list", "--as", "a.klein", "--json"]);
        let line = String::from_utf8_lossy(&listed.stdout).lines().next().map(str::to_owned)?;
        Some(serde_json::from_str::<Value>(&line).ok()?["task"].as_str()?.to_owned())
    });
    let mut decision: Value = serde_json::from_str(&std::fs::read_to_string(demo("entscheidung.json")).expect("the demo")).expect("JSON");
    decision.as_object_mut().expect("an object").remove("by");
    let answer = tenant.path("antwort.json").display().to_string();
    std::fs::write(&answer, decision.to_string()).expect("written");
    said(&tenant, &["tasks", "complete", &task, "--as", "a.klein", "--input", &answer]);
    let (exit, report) = subject(&tenant, "d.braun", &HOLDER);
    assert!(exit == Some(0) && report.contains("impfpass.txt") && report.contains("Der Impfpass von Frieda"), "{report}");
    // the letter she got bears a name; nothing else does
    for theirs in ["S-1-5-21-", "a.klein", "\"by\""] {
        assert!(!report.contains(theirs), "{theirs}: {report}");
    }
}

/// Runs the index knows.
fn indexed(tenant: &Tenant) -> Vec<String> {
    runtime().block_on(async {
        use sqlx::{ConnectOptions as _, Row as _};
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(tenant.path("data/vg-bellheim.sqlite")).read_only(true);
        let mut connection = options.connect().await.expect("the store opens");
        let rows = sqlx::query("SELECT DISTINCT run FROM subjects").fetch_all(&mut connection).await.expect("the store answers");
        rows.iter().map(|row| row.get(0)).collect()
    })
}

/// Lost with its secret, the index is made again out of the journal.
#[test]
fn under_another_secret_everybody_is_found_again() {
    let tenant = Tenant::new();
    assert_eq!(tenant.main_job().status.code(), Some(0));
    let (nummer, _) = number(&tenant);
    std::fs::remove_file(tenant.path("secrets/subjects-vg-bellheim.key")).expect("a secret was drawn");
    let server = Server::start(&tenant, None).expect("up starts");
    crate::desk::until("she is found again", || subject(&tenant, "d.braun", &HOLDER).1.contains(&nummer).then_some(()));
    server.stop();
}

#[test]
fn the_reports_stand_on_pages_and_erasure_is_confirmed_first() {
    let tenant = Tenant::new();
    assert_eq!(tenant.main_job().status.code(), Some(0));
    let (nummer, run) = number(&tenant);
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        for path in ["/protokoll/auskunft", "/protokoll/verzeichnis", "/protokoll/verzeichnis/hundesteuer-anmeldung", "/protokoll/loeschen", "/betrieb"] {
            assert_eq!(get(&server, &clerk, path).await.0, 403, "{path}");
        }
        for (path, form) in [
            ("/protokoll/auskunft", "familienname=Hofmann&geburtsdatum=14.03.1988&grund=x"),
            ("/protokoll/loeschen", &*format!("run={nummer}&grund=x&bestaetigt=ja")),
        ] {
            assert_eq!(send(&server, &clerk, path, form).await.0, 403, "{path}");
        }
        let officer = sign_in(&server, "d.braun").await.expect("signed in");
        // a place in the list nobody means is past its end
        let (status, page) =
            send(&server, &officer, "/protokoll/auskunft", &format!("familienname=Hofmann&geburtsdatum=14.03.1988&grund=x&ab={}", usize::MAX)).await;
        assert!(status == 200 && page.contains("Hofmann"), "{status} {page}");
        let (status, page) = send(&server, &officer, "/protokoll/auskunft", "familienname=Hofmann&geburtsdatum=14.03.1988&grund=Verlangen").await;
        assert!(
            status == 200 && page.contains(&nummer) && page.contains("Festsetzung der Hundesteuer") && page.len() < 100_000,
            "{status} {} {page}",
            page.len()
        );
        // under the names the pages have for it, not the keys of the process
        for (named, key) in [("Schritt Halter im Melderegister suchen", "Schritt halter"), ("Schritt Angaben auf Plausibilität prüfen", "Schritt pruefung")] {
            assert!(page.contains(named) && !page.contains(key), "{named}: {page}");
        }
        let (status, page) = get(&server, &officer, "/protokoll/verzeichnis/hundesteuer-anmeldung").await;
        assert!(status == 200 && page.contains("10 Jahre nach dem Ende des Vorgangs") && page.contains("Steuer berechnen"), "{status} {page}");
        // of every field, and whose data it is in the words of the form
        assert!(page.contains("art9") && page.contains("Halterin oder Halter") && !page.contains("input.halter"), "{page}");
        let (status, csv) = get(&server, &officer, "/protokoll/verzeichnis?format=csv").await;
        assert!(status == 200 && csv.contains("Hund zur Hundesteuer anmelden"), "{csv}");
        in_english(&server, &officer).await;
        by_its_number(&server, &officer, &clerk, &nummer, &run).await;

        let (status, page) = send(&server, &officer, "/protokoll/loeschen", &format!("run={nummer}&grund=Verlangen")).await;
        assert!(status == 200 && page.contains("Noch ist nichts gelöscht") && page.contains("Endgültig löschen"), "{status} {page}");
        let shown = said(&tenant, &["audit", "show", "--kind", "content.erased"]);
        assert_eq!(shown, "", "it was only asked");
        let (status, page) = send(&server, &officer, "/protokoll/loeschen", &format!("run={nummer}&grund=Verlangen&bestaetigt=ja")).await;
        assert!(status == 200 && page.contains("Nachweis") && page.contains("eintrag&#x2f;"), "{status} {page}");
        let operator = sign_in(&server, "i.yilmaz").await.expect("signed in");
        let (status, page) = get(&server, &operator, "/betrieb").await;
        assert!(status == 200 && page.contains("eingebaut (kein Sprachmodell)") && page.contains("registry") && !page.contains("Hofmann"), "{status} {page}");
        assert_eq!(get(&server, &operator, "/protokoll").await.0, 403, "whoever runs the machine reads no files");
    });
    server.stop();
    assert!(said(&tenant, &["audit", "show", "--kind", "content.erased"]).contains("Art. 17 DSGVO"));
    said(&tenant, &["audit", "verify"]);
}

/// What we say is English; what an author wrote stays German, and says so.
async fn in_english(server: &Server, officer: &str) {
    let reader = format!("{officer}; sprache=en");
    let ours =
        ["nach dem Ende des Vorgangs", "Das Werkzeug", "Ein Mensch", "Eine Entscheidungstabelle", "öffentlichen Formular", "im Haus abgelegt", "Inhalte: "];
    let (status, page) = get(server, &reader, "/protokoll/verzeichnis/hundesteuer-anmeldung").await;
    assert!(status == 200 && page.contains("10 years after the end of the case") && page.contains("Technical and organisational measures"), "{page}");
    assert!(page.contains("<dd lang=\"de\">") && page.contains("<strong lang=\"de\">Steuer berechnen"), "{page}");
    assert_eq!(ours.into_iter().find(|german| page.contains(german)), None, "{page}");
    let (status, page) = send(server, &reader, "/protokoll/auskunft", "familienname=Hofmann&geburtsdatum=14.03.1988&grund=Verlangen").await;
    assert!(status == 200 && page.contains("filed or changed in the house") && page.contains("Contents: until"), "{page}");
    assert_eq!(ours.into_iter().find(|german| page.contains(german)), None, "{page}");
}

/// A sentence names a case by its number, with a way there for whoever may see it.
async fn by_its_number(server: &Server, officer: &str, clerk: &str, nummer: &str, run: &str) {
    assert_eq!(get(server, clerk, &format!("/vorgaenge/{run}")).await.0, 200);
    let (status, page) = get(server, officer, "/protokoll?kind=content.viewed").await;
    let sentences: Vec<&str> = page.split("<p>").filter_map(|rest| rest.split("</p>").next()).filter(|text| text.contains("Andreas Klein")).collect();
    assert!(status == 200 && !sentences.is_empty(), "{page}");
    assert!(sentences.iter().all(|text| text.contains(nummer) && !text.contains(run) && !text.contains("<a ")), "{sentences:?}");
    assert!(page.contains(run), "the id stands with the machine form: {page}");
}

/// That something has changed is told to whoever may look, and to nobody else.
fn followed_by_whoever_may(server: &Server) {
    runtime().block_on(async {
        let [operator, clerk] = [sign_in(server, "i.yilmaz").await.expect("signed in"), sign_in(server, "a.klein").await.expect("signed in")];
        let follow = |cookie: String| client().get(server.url("/betrieb/ereignisse")).header("cookie", cookie).send();
        let answer = follow(operator).await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().ok()), (200, Some("text/event-stream")));
        assert_eq!(follow(clerk).await.expect("an answer").status().as_u16(), 403);
    });
}

/// Ends every program a tenant's server has started of this name.
fn kill_tool_server(tenant: &Tenant, name: &str) -> usize {
    let home = tenant.path("").canonicalize().expect("the tenant's folder");
    let processes = std::fs::read_dir("/proc").expect("the processes").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let of_it = processes.filter(|pid| {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let at = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        line.contains(&format!("\0mcp\0{name}")) && at.starts_with(&home)
    });
    let killed = of_it.filter_map(rustix::process::Pid::from_raw).map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok());
    killed.flatten().count()
}

/// What happened to a tool server stands on the page, not only in the log: connected, gone, not to be reached.
#[test]
fn a_tool_server_that_is_gone_is_named() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    let page = || {
        runtime().block_on(async {
            let operator = sign_in(&server, "i.yilmaz").await.expect("signed in");
            get(&server, &operator, "/betrieb").await.1
        })
    };
    assert!(page().contains("marke--idle") && !page().contains("marke--gone"), "{}", page());
    followed_by_whoever_may(&server);
    let begin = || tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &demo("antrag.json"), "--as", "applicant", "--until-waiting"]);
    assert_eq!(begin().status.code(), Some(7));
    assert!(page().contains("marke--connected"), "{}", page());
    assert!(kill_tool_server(&tenant, "registry") > 0, "it runs");
    crate::desk::until("it is gone", || page().contains("hat aufgehört; der nächste Aufruf startet ihn neu").then_some(()));
    assert_eq!(begin().status.code(), Some(7), "the next call starts it anew");
    assert!(!page().contains("marke--gone"), "{}", page());
    server.stop();
}

#[test]
fn metrics_are_for_this_machine_and_name_nobody() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let answer = client().get(server.url("/metrics")).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
        let metrics = answer.text().await.expect("a text");
        for line in [
            "laufzettel_tenant_up{tenant=\"vg-bellheim\"} 1",
            "laufzettel_runs{tenant=\"vg-bellheim\",state=\"running\"} ",
            "laufzettel_tasks_of_resting_cases{tenant=\"vg-bellheim\",kind=\"doubt\"} 0",
            "# TYPE laufzettel_runs gauge",
        ] {
            assert!(metrics.contains(line), "{line}: {metrics}");
        }
        assert!(!metrics.contains("Weber") && !metrics.contains("S-1-5"), "{metrics}");
        let behind = client().get(server.url("/metrics")).header("x-forwarded-for", "203.0.113.7").send().await.expect("an answer");
        assert_eq!(behind.status().as_u16(), 404, "through a proxy nobody knows who asks");
    });
    server.stop();
}

/// One form asks for „Name“, another for a household of which everybody has one.
#[test]
fn somebody_is_found_whatever_a_form_calls_her_name() {
    let tenant = Tenant::new();
    for (process, case, wanted, not_hers) in [
        (
            "gewerbeanmeldung",
            "gewerbe-gaststaette-ohne-erlaubnis.json",
            ["familienname=D’Angelo", "geburtsdatum=11.02.1979"],
            ["familienname=D’Angelo", "geburtsdatum=12.02.1979"],
        ),
        (
            "wohngeld-vollstaendigkeit",
            "wohngeld-ohne-anlagen.json",
            ["geburtsdatum=31.10.1990", "familienname=Nguyễn"],
            ["geburtsdatum=31.10.1991", "familienname=Nguyễn"],
        ),
    ] {
        let path = crate::desk::root().join("workflows/cases").join(case).display().to_string();
        let waits = tenant.laufzettel(&["run", process, "--input", &path, "--as", "applicant", "--until-waiting", "--json"]);
        assert_eq!(waits.status.code(), Some(7), "{process}: {}", text(&waits));
        let told: Value = serde_json::from_slice(&waits.stdout).unwrap_or_else(|_| panic!("{}", text(&waits)));
        let nummer = told["nummer"].as_str().expect("a number");
        let (exit, report) = subject(&tenant, "d.braun", &wanted);
        assert!(exit == Some(0) && report.contains(nummer), "{process}: {report}");
        let (exit, nobody) = subject(&tenant, "d.braun", &not_hers);
        assert!(exit == Some(0) && !nobody.contains(nummer), "{process}: {nobody}");
    }
}
