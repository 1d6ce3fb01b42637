//! The picture of a process, at the command line and on its pages; and pages that change by themselves.

use std::time::Duration;

use fantoccini::{Client, Locator, key::Key};
use serde_json::{Value, json};

use crate::{
    browser::{Driver, browse, browse_live, press, sees, tick},
    desk::{Server, Tenant, demo, process, root, runtime, text, until},
    views::{get, sign_in},
};

fn workflow(name: &str) -> String {
    root().join("workflows").join(name).display().to_string()
}

#[test]
fn the_command_line_draws_a_process() {
    let tenant = Tenant::new();
    let draw = |args: &[&str]| {
        let output = tenant.laufzettel(&[&["graph", &workflow("hundesteuer.yaml")], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        String::from_utf8(output.stdout).expect("text")
    };
    let svg = draw(&[]);
    assert!(svg.starts_with("<svg xmlns=") && svg.contains("Werkzeug · geht nach außen") && svg.ends_with("</svg>\n"), "{svg}");
    assert!(draw(&["--lang", "en", "--format", "mermaid"]).contains("Tool · leaves the house"));
    assert!(draw(&["--format", "dot"]).starts_with("digraph \"hundesteuer-anmeldung\" {"));
    let config = tenant.path("laufzettel.yaml").display().to_string();
    assert_eq!(draw(&["--config", &config]), svg, "the demo declares what is shipped");
    for (path, exit, words) in [
        (root().join("workflows").display().to_string(), 2, "ist ein Ordner"),
        (workflow("hundesteuer.cases.yaml"), 3, "LZ105"),
        ("nirgends.yaml".to_owned(), 2, "gibt es nicht"),
    ] {
        let output = tenant.laufzettel(&["graph", &path]);
        assert_eq!(output.status.code(), Some(exit), "{path}: {}", text(&output));
        assert!(output.stdout.is_empty() && text(&output).contains(words), "{path}: {}", text(&output));
    }
}

/// Once everybody is served `up` plays the cases of what it released, and the page says how each went; what has changed since says so.
#[test]
fn cases_stand_with_their_results() {
    let tenant = Tenant::new();
    // what is played before them would only be waited for
    std::fs::remove_file(tenant.path("workflows/gewerbeanmeldung.cases.yaml")).expect("other cases");
    let file = tenant.path("workflows/hundesteuer.cases.yaml");
    let cases = std::fs::read_to_string(&file).expect("the cases");
    let broken = cases.replacen("    expect:\n", "    expect:\n      skipped: [gibt_es_nicht]\n", 1);
    assert_ne!(broken, cases);
    std::fs::write(&file, &broken).expect("written");
    let page = |wanted: &str| {
        let server = Server::start(&tenant, None).expect("up starts");
        let found = until(wanted, || {
            let (_, body) = runtime().block_on(async {
                let cookie = sign_in(&server, "a.klein").await.expect("signed in");
                get(&server, &cookie, "/prozesse/hundesteuer-anmeldung").await
            });
            body.contains(wanted).then_some(body)
        });
        server.stop();
        found
    };
    let tried = page("Zuletzt mit der Freigabe ausgeführt");
    assert_eq!(tried.matches("nicht bestanden").count(), 1, "{tried}");
    assert!(tried.contains("gibt_es_nicht") && tried.matches("✓ bestanden").count() > 5, "{tried}");
    let released = || tenant.laufzettel(&["audit", "show", "--kind", "process.released", "--limit", "100", "--json"]);
    let count = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).matches("hundesteuer-anmeldung").count();
    let before = count(&released());
    page("Zuletzt mit der Freigabe ausgeführt");
    assert_eq!(count(&released()), before, "nothing has changed: nothing is played again");
    let process = tenant.path("workflows/hundesteuer.yaml");
    let text = std::fs::read_to_string(&process).expect("the process");
    std::fs::write(&process, format!("{text}# neu\n")).expect("written");
    std::fs::write(&file, &cases).expect("written");
    let mended = page("Zuletzt mit der Freigabe ausgeführt");
    assert!(!mended.contains("ohne Ergebnis"), "{mended}");
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

fn plain(html: &str) -> String {
    html.replace("&#x2f;", "/")
}

/// Whoever may start it, answers for it, may release it, reads the journal or looks after the house; nobody else.
#[test]
fn who_may_look_into_a_process() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    let pages = ["", "/fluesse", "/tabellen", "/text", "/text?datei"];
    runtime().block_on(async {
        for (person, process, expected) in [
            ("a.klein", "hundesteuer-anmeldung", 200),
            ("j.wolf", "hundesteuer-anmeldung", 404),
            ("n.schuster", "hundesteuer-anmeldung", 404),
            ("n.schuster", "gewerbeanmeldung", 200),
            ("a.klein", "gewerbeanmeldung", 404),
            ("b.lang", "gewerbeanmeldung", 200),
            ("d.braun", "gewerbeanmeldung", 200),
            ("r.hartmann", "hundesteuer-anmeldung", 200),
            ("i.yilmaz", "hundesteuer-anmeldung", 200),
            ("a.klein", "gibt-es-nicht", 404),
        ] {
            let cookie = sign_in(&server, person).await.expect("signed in");
            for page in pages {
                let (status, body) = get(&server, &cookie, &format!("/prozesse/{process}{page}")).await;
                assert_eq!(status, expected, "{person} {process}{page}");
                assert!(body.len() < 100_000, "{process}{page}: {} bytes", body.len());
            }
            let (_, list) = get(&server, &cookie, "/prozesse").await;
            assert_eq!(plain(&list).contains(&format!("href=\"/prozesse/{process}\"")), expected == 200, "{person} {process}");
        }
        let cookie = sign_in(&server, "a.klein").await.expect("signed in");
        for (page, words) in [
            ("", ["<svg role=\"group\"", "Nur zum Ausprobieren freigegeben", "Festsetzung der Hundesteuer"]),
            ("/fluesse", ["mail/senden (beteiligte)", "input.halter.familienname", "Mensch davor"]),
            ("/tabellen", ["rules/hundesteuer.yaml", "Fundstelle", "Steuersatz der Ortsgemeinde"]),
            ("/text?ab=2", ["id=\"z2\"", "process: hundesteuer-anmeldung", "Zum Anfang der Datei"]),
            ("/text?ab=99999", ["Zum Anfang der Datei", "id=\"quelltext\"", "</pre>"]),
        ] {
            let (_, body) = get(&server, &cookie, &format!("/prozesse/hundesteuer-anmeldung{page}")).await;
            let body = plain(&body);
            for words in words {
                assert!(body.contains(words), "{page}: {words}\n{body}");
            }
        }
        let (_, whole) = get(&server, &cookie, "/prozesse/hundesteuer-anmeldung/text?datei").await;
        assert_eq!(whole, std::fs::read_to_string(tenant.path("workflows/hundesteuer.yaml")).expect("the file"));
    });
    server.stop();
}

async fn clerk(page: &Client, server: &Server) {
    page.goto(&server.url("/anmelden")).await.expect("the sign-in");
    assert!(tick(page, "input[value='vg-bellheim/a.klein']").await);
    press(page, "main button").await;
    sees(page, "Neu laden").await;
}

/// Through the program, as the server holds the store: run and task.
fn begin(tenant: &Tenant) -> (String, String) {
    let started = tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &demo("antrag.json"), "--as", "applicant", "--until-waiting", "--json"]);
    assert_eq!(started.status.code(), Some(7), "{}", text(&started));
    let listed = tenant.laufzettel(&["tasks", "list", "--json"]);
    let last = String::from_utf8_lossy(&listed.stdout).lines().last().map(str::to_owned).expect("a task");
    let task = serde_json::from_str::<Value>(&last).expect("JSON")["task"].as_str().expect("a task").to_owned();
    (task.split_once('.').expect("run and number").0.to_owned(), task)
}

async fn count(page: &Client, css: &str) -> usize {
    page.find_all(Locator::Css(css)).await.map(|found| found.len()).unwrap_or_default()
}

#[test]
fn every_box_leads_to_its_step_without_javascript() {
    let tenant = Tenant::new();
    let (run, _) = begin(&tenant);
    let server = Server::start(&tenant, None).expect("up starts");
    let driver = Driver::start();
    runtime().block_on(async {
        let page = browse(&driver).await;
        clerk(&page, &server).await;
        page.goto(&server.url(&format!("/vorgaenge/{run}"))).await.expect("the run");
        assert_eq!(count(&page, ".bild a[href^='#schritt-']").await, count(&page, ".schritte > li").await);
        assert_eq!(count(&page, "details[open] #schritt-festsetzung").await, 0);
        let name = page.find(Locator::Css(".bild a[href='#schritt-festsetzung']")).await.expect("its box").attr("aria-label").await.expect("an attribute");
        assert!(name.as_deref().is_some_and(|name| name.ends_with(" wartet auf einen Menschen")), "{name:?}");
        // by keyboard: from the picture's region to the first box, and on to what it leads to
        page.find(Locator::Css(".bild")).await.expect("the picture").send_keys(&(char::from(Key::Tab)).to_string()).await.expect("typed");
        let first = page.active_element().await.expect("a box").attr("href").await.expect("an attribute").expect("it leads somewhere");
        page.active_element().await.expect("a box").send_keys(&(char::from(Key::Enter)).to_string()).await.expect("typed");
        assert_eq!(page.current_url().await.expect("an address").fragment(), Some(first.trim_start_matches('#')));
        assert_eq!(count(&page, &format!("details[open] {first}")).await, 1, "{first} is open");
        sees(&page, "Neu laden").await;
        page.close().await.expect("closed");
    });
    server.stop();
}

#[test]
fn a_run_changes_on_its_page_without_a_reload() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    let (run, task) = begin(&tenant);
    let driver = Driver::start();
    runtime().block_on(async {
        let page = browse_live(&driver).await;
        clerk(&page, &server).await;
        page.goto(&server.url(&format!("/vorgaenge/{run}"))).await.expect("the run");
        assert_eq!(page.find(Locator::Css("[data-live=stand]")).await.expect("the state").text().await.expect("text"), "wartet");
        // what she has opened, and where she is
        press(&page, ".schritte li:nth-child(2) summary").await;
        let opened = page
            .find(Locator::Css(".schritte li:nth-child(2) .schritte__inhalt"))
            .await
            .expect("a step")
            .attr("id")
            .await
            .expect("an attribute")
            .expect("an id");
        page.execute("window.dieselbe = true", vec![]).await.expect("a script");
        let mut decision: Value = serde_json::from_str(&std::fs::read_to_string(demo("entscheidung.json")).expect("the demo")).expect("JSON");
        decision.as_object_mut().expect("an object").remove("by");
        let answer = tenant.path("antwort.json").display().to_string();
        std::fs::write(&answer, decision.to_string()).expect("written");
        let done = tenant.laufzettel(&["tasks", "complete", &task, "--as", "a.klein", "--input", &answer]);
        assert_eq!(done.status.code(), Some(0), "{}", text(&done));
        sees(&page, "Gerade geändert. Stand: abgeschlossen").await;
        assert_eq!(page.find(Locator::Css("[data-live=stand]")).await.expect("the state").text().await.expect("text"), "abgeschlossen");
        assert_eq!(count(&page, ".bild .s-waiting").await, 0);
        assert_eq!(page.execute("return window.dieselbe === true", vec![]).await.expect("a script"), json!(true), "the page was never loaded anew");
        let script = format!("return document.getElementById('{opened}').closest('details').open && document.activeElement.localName");
        assert_eq!(page.execute(&script, vec![]).await.expect("a script"), json!("summary"), "it is open still, and she is where she was");
        page.close().await.expect("closed");
    });
    server.stop();
}

#[test]
fn new_tasks_are_counted_and_move_nothing() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    begin(&tenant);
    let driver = Driver::start();
    runtime().block_on(async {
        let page = browse_live(&driver).await;
        clerk(&page, &server).await;
        page.goto(&server.url("/aufgaben")).await.expect("the inbox");
        assert_eq!(count(&page, ".tafel tbody tr").await, 1);
        begin(&tenant);
        // the server looks at an inbox every ten seconds: as long as two looks of this test
        let mut said = String::new();
        for _ in 0..400 {
            said = page.find(Locator::Css(".live [role=status]")).await.expect("a place to say it").text().await.expect("text");
            if !said.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(said, "Eine neue Aufgabe – bitte neu laden");
        assert_eq!(count(&page, ".tafel tbody tr").await, 1, "nothing moves");
        press(&page, ".live a").await;
        for _ in 0..200 {
            if count(&page, ".tafel tbody tr").await == 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(count(&page, ".tafel tbody tr").await, 2);
        page.close().await.expect("closed");
    });
    server.stop();
}

/// Sixty steps, in groups of three beside each other, a person at the end of each.
fn sixty() -> String {
    let mut rest = String::from("\nstart: { groups: [GG-Steueramt] }\ninput: { type: object, additionalProperties: false, properties: {} }\nsteps:\n");
    for n in 0..60 {
        let (group, needs) = (
            n / 4,
            if n < 4 && n % 4 != 3 {
                String::new()
            } else if n % 4 == 3 {
                format!("s{}, s{}, s{}", n - 3, n - 2, n - 1)
            } else {
                format!("s{}", n - n % 4 - 1)
            },
        );
        let what = if n % 4 == 3 {
            "human: { assign: { groups: [GG-Steueramt] }, form: { type: object, properties: { ja: { type: boolean } } } }"
        } else {
            "set: { x: 1 }"
        };
        rest.push_str(&format!("  s{n}: {{ title: Unterlagen der Gruppe {group} auf Vollständigkeit prüfen, needs: [{needs}], {what} }}\n"));
    }
    rest
}

#[test]
fn sixty_steps_are_drawn_and_no_page_is_heavy() {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/sechzig.yaml"), process("sechzig", "Sechzig Schritte", &sixty())).expect("written");
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"process.start:sechzig\"] }");
    std::fs::write(tenant.path("eingabe.json"), "{}").expect("written");
    let input = tenant.path("eingabe.json").display().to_string();
    let started = tenant.laufzettel(&["run", "sechzig", "--input", &input, "--as", "a.klein", "--until-waiting", "--json"]);
    assert_eq!(started.status.code(), Some(7), "{}", text(&started));
    let run = serde_json::from_slice::<Value>(&started.stdout).expect("JSON")["run"].as_str().expect("a run").to_owned();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let cookie = sign_in(&server, "a.klein").await.expect("signed in");
        for path in [format!("/vorgaenge/{run}"), "/prozesse/sechzig".to_owned()] {
            let (status, body) = get(&server, &cookie, &path).await;
            assert_eq!((status, body.matches("class=\"k ").count()), (200, 62), "{path}");
            assert!(body.len() < 100_000, "{path}: {} bytes", body.len());
        }
    });
    server.stop();
}

/// A browser asks for one on every page, and of itself where a page names none.
#[test]
fn the_pages_have_an_icon_of_their_own() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let page = crate::desk::client().get(server.url("/anmelden")).send().await.expect("an answer").text().await.expect("a page");
        assert!(page.contains("<link rel=\"icon\" href=\"/static/icon.svg\" type=\"image/svg+xml\">"), "{page}");
        for path in ["/static/icon.svg", "/favicon.ico"] {
            let answer = crate::desk::client().get(server.url(path)).send().await.expect("an answer");
            assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().ok()), (200, Some("image/svg+xml")), "{path}");
            assert!(answer.text().await.expect("a body").starts_with("<svg "), "{path}");
        }
    });
    server.stop();
}

/// One script of our own, small, and no other.
#[test]
fn the_script_is_small_and_the_policy_names_it() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let answer = crate::desk::client().get(server.url("/static/live.js")).send().await.expect("an answer");
        let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
        assert_eq!(answer.headers()["content-type"], "text/javascript; charset=utf-8");
        assert!(answer.bytes().await.expect("a body").len() < 4_096);
        let expected = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
        assert_eq!(policy, expected);
        assert_eq!(crate::desk::client().get(server.url("/aufgaben/ereignisse")).send().await.expect("an answer").status().as_u16(), 303, "to the sign-in");
    });
    server.stop();
}
