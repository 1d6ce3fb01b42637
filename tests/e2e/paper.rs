//! A case and the journal on paper: the browser prints them, and what stands on the sheets is read back.

use std::{path::Path, process::Command};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::{
    accessible::{Browser, Whom},
    browser::Driver,
    desk::{Server, Tenant, runtime, text},
    stand,
    views::sign_in,
};

/// A4 in inches, as the browser counts.
const A4: (f64, f64) = (8.27, 11.69);

/// The text of a page as it comes out of the printer, laid out; kept where `LAUFZETTEL_BILDER` says, for somebody to look at.
async fn printed(browser: &Browser, folder: &Path, name: &str) -> String {
    let paper = json!({ "paperWidth": A4.0, "paperHeight": A4.1, "preferCSSPageSize": true, "printBackground": false });
    let pdf = browser.tell("Page.printToPDF", paper).await;
    let bytes = base64::engine::general_purpose::STANDARD.decode(pdf["data"].as_str().expect("a document")).expect("base64");
    let file = std::env::var_os("LAUFZETTEL_BILDER").map_or_else(|| folder.to_owned(), Into::into).join(format!("{name}.pdf"));
    std::fs::write(&file, bytes).expect("written");
    let read = Command::new("pdftotext").args(["-layout", "-nopgbrk"]).arg(&file).arg("-").output().expect("poppler is installed");
    assert!(read.status.success(), "{}", text(&read));
    String::from_utf8_lossy(&read.stdout).into_owned()
}

/// Words of a text, however its lines are broken.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What sticks out of the sheet's sides, or a picture taller than a sheet: the printer cuts it off.
async fn cut_off(browser: &Browser) -> Value {
    browser.tell("Emulation.setEmulatedMedia", json!({ "media": "print" })).await;
    // what an A4 sheet has between its margins, at 96 pixels an inch
    browser.tell("Emulation.setDeviceMetricsOverride", json!({ "width": 658, "height": 900, "deviceScaleFactor": 1, "mobile": false })).await;
    let script = "return [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map(e => e.outerHTML.slice(0, 160))";
    let mut found = browser.page.execute(script, vec![]).await.expect("measured");
    // 25 cm: a picture that is taller is cut in two
    let tall = "return [...document.querySelectorAll('main svg')].filter(e => e.getBoundingClientRect().height > 945).map(e => 'too tall: ' + e.getBoundingClientRect().height)";
    let tall = browser.page.execute(tall, vec![]).await.expect("measured");
    found.as_array_mut().expect("a list").extend(tall.as_array().cloned().unwrap_or_default());
    browser.tell("Emulation.setEmulatedMedia", json!({ "media": "" })).await;
    browser.tell("Emulation.clearDeviceMetricsOverride", json!({})).await;
    found
}

#[test]
fn a_case_and_the_journal_are_printed_whole_and_without_what_only_a_screen_can_do() {
    let tenant = Tenant::new();
    let done = tenant.main_job();
    assert!(done.status.success(), "{}", text(&done));
    let listed = tenant.laufzettel(&["runs", "list", "--json"]);
    let run: Value = serde_json::from_str(String::from_utf8_lossy(&listed.stdout).lines().next().expect("a run")).expect("JSON");
    let (id, number) = (run["run"].as_str().expect("an id").to_owned(), run["nummer"].as_str().expect("a number").to_owned());
    let server = Server::start(&tenant, None).expect("up starts");
    let driver = Driver::start();
    runtime().block_on(async {
        let browser = Browser::new(&driver).await;
        browser.becomes(&server, Whom::Person("a.klein")).await;
        browser.page.goto(&server.url(&format!("/vorgaenge/{id}"))).await.expect("the page");
        assert_eq!(cut_off(&browser).await, json!([]));
        let sheets = flat(&printed(&browser, tenant.folder.path(), "vorgang").await);
        // number, state, steps and timeline; what is folded on the screen is part of the record
        for part in [&number, "abgeschlossen", "Schritte", "Halter im Melderegister suchen", "Was herauskam", "Verlauf", "hat den Vorgang", "Ablauf als Text"] {
            assert!(sheets.contains(part), "{part}: {sheets}");
        }
        for part in ["Abmelden", "Zum Inhalt springen", "Vorgang abbrechen", "Protokoll Betrieb"] {
            assert!(!sheets.contains(part), "{part}: {sheets}");
        }
        // all of it, whatever the page of the case has room for: step by step to the last, and nothing that only leads somewhere
        let mut whole = String::new();
        for part in 1.. {
            browser.page.goto(&server.url(&format!("/vorgaenge/{id}/akte?teil={part}"))).await.expect("the page");
            assert_eq!(cut_off(&browser).await, json!([]));
            let page = browser.page.source().await.expect("a page");
            assert!(page.len() <= 100 * 1024, "part {part}: {} bytes", page.len());
            whole.push_str(&flat(&printed(&browser, tenant.folder.path(), &format!("akte-{part}")).await));
            if !page.contains(&format!("akte?teil={}", part + 1)) {
                break;
            }
        }
        for part in [
            "Womit der Vorgang begann",
            "Hofmann",
            "Hundesteuer festsetzen oder Anmeldung zurückweisen",
            "Steuer berechnen",
            "35,00 €",
            "Der Vorgang ist beendet",
        ] {
            assert!(whole.contains(part), "{part}: {whole}");
        }
        assert!(!whole.contains("Was in diesem Schritt geschah, zeigen") && !whole.contains("Zurück zum Vorgang"), "{whole}");
        browser.becomes(&server, Whom::Person("d.braun")).await;
        browser.page.goto(&server.url("/protokoll")).await.expect("the page");
        assert_eq!(cut_off(&browser).await, json!([]));
        let sheets = flat(&printed(&browser, tenant.folder.path(), "protokoll").await);
        for part in ["Zustand der Kette", "Doris Braun hat das Protokoll angesehen.", "audit.viewed"] {
            assert!(sheets.contains(part), "{part}: {sheets}");
        }
        for part in ["Abmelden", "Zum Inhalt springen", "Suchen und eingrenzen"] {
            assert!(!sheets.contains(part), "{part}: {sheets}");
        }
        browser.page.close().await.expect("closed");
    });
    server.stop();
}

/// A decision of one sheet is one sheet, and says whose it is and of which case even where its template does not.
#[test]
fn a_decision_is_printed_on_its_own() {
    let tenant = stand::tenant();
    let server = Server::start(&tenant, None).expect("up starts");
    let driver = Driver::start();
    runtime().block_on(async {
        let status = stand::apply(&server, stand::KEYS[0], "Änne Möller").await;
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        stand::decide(&server, &clerk, "Angaben prüfen", "Änne Möller", "").await;
        stand::decide(&server, &clerk, "Über die Anmeldung entscheiden", "Änne Möller", "ja=ja").await;
        stand::decide(&server, &clerk, "Nacharbeit", "", "").await;
        stand::sees(&server, "", &status, "Unsere Entscheidung").await;
        let browser = Browser::new(&driver).await;
        browser.page.goto(&server.url(&format!("{status}/bescheid/brief"))).await.expect("the page");
        let sheets = flat(&printed(&browser, tenant.folder.path(), "bescheid").await);
        let one = "Bescheid Guten Tag Änne Möller. Verbandsgemeinde Bellheim (Demo) · Hund anmelden · 2026-000001 1/1";
        assert_eq!(sheets, one);
        browser.page.close().await.expect("closed");
    });
    server.stop();
}
