//! The pages as they are after something: a mistake, a sending, a refusal, a question, an answer, an erasure; those of the long forms and
//! of the large cases; and in English. What a program was answered is put into the browser at the address of the house.

use serde_json::json;

use super::{Browser, Page, Whom};
use crate::{
    applicant::ASKING,
    applications::{self, case, trail},
    asked::FAIR,
    browser::Driver,
    desk::{Server, Tenant, process, root, runtime, text},
    sheet::Sheet,
    stand::{hidden, post, sees, task},
    views::{get, sign_in},
};

/// States are many: the narrowest window, and in turn one of the two looks that differ most.
const WIDTHS: [u32; 1] = [320];
const LOOKS: [(u32, &str); 2] = [(320, "light"), (1440, "dark")];

/// A step that cannot succeed, for a person to mend.
const BROKEN: &str = r#"
start: { groups: [GG-Steueramt] }
input: { type: object }
steps:
  storno:
    title: Bescheid zurücknehmen
    run_as: caller
    tool: dms/dokument_stornieren
    with: { dokument: D-999999 }
    on_error: human
output: { storniert: "{{ steps.storno.storniert }}" }
"#;

/// Name and page.
type Seen = Vec<(String, String)>;

fn house() -> Tenant {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/storno.yaml"), process("storno", "Bescheid zurücknehmen", BROKEN)).expect("written");
    std::fs::write(tenant.path("workflows/nachfrage.yaml"), process("hundesteuer-nachfrage", "Hund nachmelden", ASKING)).expect("written");
    std::fs::write(tenant.path("workflows/markt.yaml"), process("hundesteuer-markt", "Markt anmelden", FAIR)).expect("written");
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"process.start:storno\", \"task.complete:storno\"] }");
    tenant
}

fn begin(tenant: &Tenant, process: &str, input: Option<&str>, by: &str) {
    let path = root().join("workflows/cases").join(input.unwrap_or_default()).display().to_string();
    let mut args = vec!["run", process, "--as", by, "--until-waiting"];
    args.extend(input.iter().flat_map(|_| ["--input", path.as_str()]));
    let started = tenant.laufzettel(&args);
    assert_eq!(started.status.code(), Some(7), "{}", text(&started));
}

/// Every page of a form, each as it comes and with its mistakes; then the summary, the saved draft and the receipt.
async fn a_form(server: &Server, path: &str, name: &str) -> Seen {
    let address = format!("/antrag/vg-bellheim/{path}");
    let way = trail(server, Sheet::open(server, &address).await, &case(name)).await;
    let mut seen = Seen::new();
    for (n, sheet) in way.iter().enumerate() {
        seen.push((format!("{path}-{n}"), sheet.html.clone()));
        if let Some(on) = sheet.on() {
            let refused = sheet.press(server, &on).await;
            if refused.status == 422 {
                seen.push((format!("{path}-{n}-fehler"), refused.html));
            }
        }
    }
    let summary = way.last().expect("the summary");
    let saved = summary.press(server, "speichern").await;
    let receipt = summary.press(server, "absenden").await;
    assert!(receipt.text.contains("/status/"), "{}", receipt.text);
    seen.extend([(format!("{path}-gespeichert"), saved.html), (format!("{path}-quittung"), receipt.html)]);
    seen
}

async fn citizens(server: &Server) -> Seen {
    let mut seen = Seen::new();
    for (path, name) in [("hundesteuer", "zeiskam-tierheim.json"), ("gewerbeanmeldung", "gewerbe-nachweis.json"), ("wohngeld", "wohngeld-vollstaendig.json")] {
        seen.extend(a_form(server, path, name).await);
    }
    // every kind of field, empty and after a mistake in each
    let fair = Sheet::open(server, "/antrag/vg-bellheim/markt").await;
    let refused = fair.press(server, "pruefen").await;
    seen.extend([("markt".to_owned(), fair.html), ("markt-fehler".to_owned(), refused.html)]);
    let mut wrong = Sheet::open(server, "/antrag/vg-bellheim/wohngeld/weiter").await;
    wrong.enter("code", "ACDE-FGHJ");
    seen.push(("weiter-falsch".to_owned(), wrong.press(server, "weiter").await.html));
    // saved twice from the same state of it
    let saved = Sheet::open(server, "/antrag/vg-bellheim/wohngeld").await.press(server, "speichern").await;
    let (mut one, other) = (saved.press(server, "hierbleiben").await, saved.press(server, "hierbleiben").await);
    one.enter("antragsteller.familienname", "Hofmann");
    assert_eq!(one.press(server, "speichern").await.status, 200);
    let told = other.press(server, "speichern").await;
    assert_eq!(told.status, 409, "{}", told.text);
    seen.push(("entwurf-anders".to_owned(), told.html));
    // asked back, answered with nothing, withdrawn
    let status = applications::send(server, "/antrag/vg-bellheim/nachfrage", &json!({ "name": "Petra Hofmann" })).await;
    let asked = sees(server, "", &status, "name=\"shown\"").await;
    let refused = post(server, "", &status, &format!("_schluessel={}&shown={}", hidden(&asked, "_schluessel"), hidden(&asked, "shown"))).await;
    seen.extend([("status-frage".to_owned(), asked), ("status-frage-fehler".to_owned(), refused.page)]);
    let page = get(server, "", &format!("{status}/zurueckziehen")).await.1;
    assert!(page.contains("<form"), "{page}");
    let withdrawn = post(server, "", &format!("{status}/zurueckziehen"), "grund=Doch+nicht").await;
    assert!(withdrawn.code < 400, "{}", withdrawn.page);
    seen.push(("status-zurueckgezogen".to_owned(), get(server, "", &status).await.1));
    seen
}

/// The tasks and the run of one process, as somebody sees them; each task answered with nothing.
async fn a_case(server: &Server, name: &str, user: &str, title: &str) -> Seen {
    let cookie = sign_in(server, user).await.expect("signed in");
    let (path, page) = task(server, &cookie, title, "<form").await;
    let refused = post(server, &cookie, &path, &format!("shown={}", hidden(&page, "shown"))).await;
    assert_eq!(refused.code, 422, "{}", refused.page);
    let claimed = post(server, &cookie, &path, &format!("shown={}&_schritt=uebernehmen", hidden(&page, "shown"))).await;
    assert_eq!(claimed.code, 200, "{}", claimed.page);
    let mine = claimed.page;
    let run = path.trim_start_matches("/aufgaben/").split('.').next().expect("a run").to_owned();
    let (status, of_run) = get(server, &cookie, &format!("/vorgaenge/{run}")).await;
    assert_eq!(status, 200, "{of_run}");
    [("aufgabe", page), ("aufgabe-fehler", refused.page), ("aufgabe-uebernommen", mine), ("vorgang", of_run)]
        .map(|(kind, page)| (format!("{kind}-{name}"), page))
        .into()
}

async fn clerks(server: &Server) -> Seen {
    let mut seen = Seen::new();
    for (name, user, title) in [
        ("hundesteuer", "a.klein", "Hundesteuer festsetzen"),
        ("gewerbe", "n.schuster", "Gewerbe anmelden"),
        ("wohngeld", "m.roth", "zuständige Stelle bestätigen"),
        ("storno", "a.klein", "Bescheid zurücknehmen"),
    ] {
        seen.extend(a_case(server, name, user, title).await);
    }
    let klein = sign_in(server, "a.klein").await.expect("signed in");
    for (name, path, status) in [
        ("verweigert", "/protokoll", 403),
        ("nicht-da", "/gibt-es-nicht", 404),
        ("kein-vorgang", "/vorgaenge/2026-999999", 404),
        ("englisch-aufgaben", "/aufgaben?lang=en", 200),
        ("englisch-prozess", "/prozesse/hundesteuer-anmeldung?lang=en", 200),
        ("prozess-fremd", "/prozesse/gewerbeanmeldung", 404),
        ("start", "/prozesse/hundesteuer-anmeldung/start?lang=en", 200),
    ] {
        let (code, page) = get(server, &klein, path).await;
        assert_eq!(code, status, "{path}: {page}");
        seen.push((name.to_owned(), page));
    }
    let (dsb, it) = (sign_in(server, "d.braun").await.expect("signed in"), sign_in(server, "i.yilmaz").await.expect("signed in"));
    let schuster = sign_in(server, "n.schuster").await.expect("signed in");
    for (name, cookie, path) in [
        ("prozess-gewerbe", &schuster, "/prozesse/gewerbeanmeldung"),
        ("tabellen-gewerbe", &schuster, "/prozesse/gewerbeanmeldung/tabellen"),
        ("start-gewerbe", &schuster, "/prozesse/gewerbeanmeldung/start"),
        ("englisch-protokoll", &dsb, "/protokoll?lang=en"),
        ("englisch-verzeichnis", &dsb, "/protokoll/verzeichnis/wohngeld-vollstaendigkeit?lang=en"),
        ("englisch-betrieb", &it, "/betrieb?lang=en"),
        ("protokoll-fehler", &dsb, "/protokoll?run=2000-000001&from=gestern"),
    ] {
        seen.push((name.to_owned(), get(server, cookie, path).await.1));
    }
    let report = post(server, &dsb, "/protokoll/auskunft", "familienname=Hofmann&geburtsdatum=14.03.1988&grund=Verlangen").await;
    seen.push(("auskunft".to_owned(), report.page));
    seen
}

impl Browser {
    /// Puts a page into the browser, at the address of the house: its style and its pictures come from there.
    async fn shows(&self, server: &Server, html: &str) {
        self.page.goto(&server.url("/anmelden")).await.expect("the house");
        let script = "const [html, done] = arguments; document.open(); document.write(html); document.close(); \
                      const ready = () => document.styleSheets.length ? done(!!document.querySelector('main h1')) : setTimeout(ready, 10); ready();";
        let there = self.page.execute_async(script, vec![json!(html)]).await.expect("shown");
        assert_eq!(there, json!(true), "no page: {html}");
    }
}

#[test]
fn every_page_after_something() {
    let tenant = house();
    begin(&tenant, "storno", None, "a.klein");
    let server = Server::start(&tenant, None).expect("up starts");
    let driver = Driver::start();
    runtime().block_on(async {
        let mut seen = citizens(&server).await;
        seen.extend(clerks(&server).await);
        let browser = Browser::new(&driver).await;
        let mut found = Vec::new();
        for ((name, html), look) in seen.iter().zip(LOOKS.iter().cycle()) {
            let page = Page { route: "", name, path: String::new(), as_whom: Whom::Citizen };
            browser.shows(&server, html).await;
            found.extend(browser.looks_here(&page, &WIDTHS, std::slice::from_ref(look)).await);
        }
        assert_eq!(found, Vec::<String>::new());
        browser.page.close().await.expect("closed");
    });
    server.stop();
}
