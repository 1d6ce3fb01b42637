//! Every page in a real browser as a person meets it: axe-core finds nothing in light or dark, nothing is wider than the window at
//! three widths, no page is larger than 100 KB. A page that is in the router and not in the list here fails.

mod states;

use std::{collections::BTreeSet, path::PathBuf, sync::LazyLock};

use fantoccini::Client;
use serde_json::{Value, json};

use crate::{
    browser::{Driver, browse_live},
    desk::{Server, Tenant, client, demo, process, root, runtime, text},
    stand::{decide, sees},
    views::sign_in,
};

/// Pixels: the narrowest telephone of WCAG 2.2 § 1.4.10, a tablet, a desk.
const WIDTHS: [u32; 3] = [320, 768, 1440];
/// What axe is let loose on: both arrangements, both schemes (colours do not depend on the width).
const LOOKS: [(u32, &str); 3] = [(320, "light"), (1440, "light"), (1440, "dark")];
/// Bytes of a page without its files.
const PAGE_BYTES_MAX: usize = 100 * 1024;
/// WCAG 2.2 AA and what axe holds to be good practice; nothing is switched off.
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

static AXE: LazyLock<String> = LazyLock::new(|| {
    let axe = root().join("tests/browser/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(axe).expect("installed by tests/run.sh")
});

/// Where pictures of the pages go, if somebody wants them: those of the handbook are made so.
fn pictures() -> Option<PathBuf> {
    std::env::var_os("LAUFZETTEL_BILDER").map(PathBuf::from)
}

/// A page: the route it stands for, its address, and who looks at it.
struct Page<'n> {
    route: &'static str,
    name: &'n str,
    path: String,
    as_whom: Whom,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    Citizen,
    Person(&'static str),
}

/// Routes that answer no `GET` with a page: programs, files, streams, and addresses that only lead elsewhere.
const NO_PAGES: [&str; 29] = [
    "/antrag/{tenant}/{path}/anmelden",
    "/anmelden/ausweis/{tenant}/{provider}/zurueck",
    "/status/{code}/bescheid/{name}/datei",
    "/status/{code}/dateien/{file}",
    "/hooks/{tenant}/{path}",
    "/events/{tenant}",
    "/static/style.css",
    "/static/live.js",
    "/static/icon.svg",
    "/favicon.ico",
    "/.well-known/jwks/{tenant}",
    "/healthz",
    "/readyz",
    "/metrics",
    "/anmelden/passwort/{tenant}",
    "/anmelden/dienst/{tenant}",
    "/anmelden/dienst/{tenant}/zurueck",
    "/abmelden",
    "/abmelden/ueberall",
    "/abgemeldet/{tenant}/dienst",
    "/aufgaben/ereignisse",
    "/betrieb/ereignisse",
    "/aufgaben/{task}/weitergeben",
    "/aufgaben/{task}/wiedervorlage",
    "/vertretung/{id}/beenden",
    "/vorgaenge/{run}/abbrechen",
    "/vorgaenge/{run}/dateien/{file}",
    "/protokoll/ausfuehren",
    "/api/openapi.json",
];

/// Somebody of the house decides, with a letter.
const LETTER: &str = r#"
triggers: [{ intake: { path: brief, audience: public, run_as: service:svc-intake } }]
applicant: { receives: { bescheid: "{{ render('templates/brief.md') }}" } }
input: { type: object, additionalProperties: false, required: [name], properties: { name: { type: string, maxLength: 100, title: Name } } }
steps:
  freigabe:
    title: Bescheid freigeben
    human:
      assign: { groups: [GG-Steueramt] }
      show: { name: "{{ input.name }}" }
      form: { type: object, additionalProperties: false, properties: { gut: { type: boolean, title: Gut } } }
"#;

/// Everything a letter has: a heading, a table without heads, a list.
const LAID_OUT: &str = "# Bescheid\n\nGuten Tag {{ input.name }},\n\n| | |\n|---|---|\n| **Steuer** | 70,00 € |\n\n- eins\n- zwei\n";

struct House {
    tenant: Tenant,
    server: Server,
}

impl House {
    /// One run that waits for a person, one that is done, and what was refused once.
    fn new() -> Self {
        let tenant = Tenant::new();
        std::fs::write(tenant.path("workflows/brief.yaml"), process("hundesteuer-brief", "Bescheid erteilen", LETTER)).expect("written");
        std::fs::write(tenant.path("workflows/templates/brief.md"), LAID_OUT).expect("written");
        tenant.grant("{ groups: [GG-Steueramt], allow: [\"task.complete:hundesteuer-brief\"] }");
        let done = tenant.main_job();
        assert!(done.status.success(), "{}", text(&done));
        let waits = tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &demo("antrag.json"), "--as", "applicant", "--until-waiting"]);
        assert_eq!(waits.status.code(), Some(7), "{}", text(&waits));
        let server = Server::start(&tenant, None).expect("up starts");
        Self { tenant, server }
    }

    fn first(&self, list: &str, key: &str) -> String {
        let listed = self.tenant.laufzettel(&[list, "list", "--json"]);
        let line = String::from_utf8_lossy(&listed.stdout).lines().next().map(str::to_owned).unwrap_or_else(|| panic!("{}", text(&listed)));
        serde_json::from_str::<Value>(&line).expect("JSON")[key].as_str().expect("a name").to_owned()
    }

    fn pages(&self, status: &str, decided: &str) -> Vec<Page<'static>> {
        let (run, task) = (self.first("runs", "run"), self.first("tasks", "task"));
        let page = |route, name, path: String, as_whom| Page { route, name, path, as_whom };
        let (citizen, clerk, dsb, it) = (Whom::Citizen, Whom::Person("a.klein"), Whom::Person("d.braun"), Whom::Person("i.yilmaz"));
        vec![
            page("/", "startseite", "/".to_owned(), citizen),
            page("/anmelden", "anmelden", "/anmelden".to_owned(), citizen),
            page("/abgemeldet/{tenant}", "abgemeldet", "/abgemeldet/vg-bellheim".to_owned(), citizen),
            page("/antrag/{tenant}/{path}", "antrag", "/antrag/vg-bellheim/hundesteuer".to_owned(), citizen),
            page("/antrag/{tenant}/{path}/weiter", "weiter", "/antrag/vg-bellheim/hundesteuer/weiter".to_owned(), citizen),
            page("/status/{code}", "status", status.to_owned(), citizen),
            page("/status/{code}/angaben", "angaben", format!("{status}/angaben"), citizen),
            page("/status/{code}/bescheid/{name}", "bescheid", format!("{decided}/bescheid/bescheid"), citizen),
            page("/status/{code}/nachreichen", "nachreichen", format!("{status}/nachreichen"), citizen),
            page("/status/{code}/zurueckziehen", "zurueckziehen", format!("{status}/zurueckziehen"), citizen),
            page("/anmelden/terminal/{code}", "terminal", "/anmelden/terminal/AAAA-AAAA".to_owned(), clerk),
            page("/aufgaben", "aufgaben", "/aufgaben".to_owned(), clerk),
            page("/aufgaben/{task}", "aufgabe", format!("/aufgaben/{task}"), clerk),
            page("/vertretung", "vertretung", "/vertretung".to_owned(), clerk),
            page("/vorgaenge", "vorgaenge", "/vorgaenge".to_owned(), clerk),
            page("/vorgaenge/{run}", "vorgang", format!("/vorgaenge/{run}"), clerk),
            page("/vorgaenge/{run}/akte", "akte", format!("/vorgaenge/{run}/akte"), clerk),
            page("/prozesse", "prozesse", "/prozesse".to_owned(), clerk),
            page("/prozesse/{id}", "prozess", "/prozesse/hundesteuer-anmeldung".to_owned(), clerk),
            page("/prozesse/{id}/fluesse", "prozess-fluesse", "/prozesse/hundesteuer-anmeldung/fluesse".to_owned(), clerk),
            page("/prozesse/{id}/tabellen", "prozess-tabellen", "/prozesse/hundesteuer-anmeldung/tabellen".to_owned(), clerk),
            page("/prozesse/{id}/text", "prozess-text", "/prozesse/hundesteuer-anmeldung/text".to_owned(), clerk),
            page("/betrieb", "betrieb", "/betrieb".to_owned(), it),
            page("/protokoll", "protokoll", "/protokoll".to_owned(), dsb),
            page("/protokoll/auskunft", "auskunft", "/protokoll/auskunft".to_owned(), dsb),
            page("/protokoll/verzeichnis", "verzeichnis", "/protokoll/verzeichnis".to_owned(), dsb),
            page("/protokoll/verzeichnis/{id}", "verzeichnis-eintrag", "/protokoll/verzeichnis/hundesteuer-anmeldung".to_owned(), dsb),
            page("/protokoll/loeschen", "loeschen", "/protokoll/loeschen".to_owned(), dsb),
            page("/protokoll/eintrag/{lane}/{seq}", "eintrag", "/protokoll/eintrag/1/1".to_owned(), dsb),
            page("/prozesse/{id}/start", "start", "/prozesse/hundesteuer-anmeldung/start".to_owned(), clerk),
            page("", "nicht-gefunden", "/gibt-es-nicht".to_owned(), citizen),
            page("", "nicht-erlaubt", "/betrieb".to_owned(), clerk),
        ]
    }
}

#[test]
fn every_page_for_everybody() {
    let house = House::new();
    let driver = Driver::start();
    runtime().block_on(async {
        let decided = crate::applications::send(&house.server, "/antrag/vg-bellheim/brief", &json!({ "name": "Petra Hofmann" })).await;
        let clerk = sign_in(&house.server, "a.klein").await.expect("signed in");
        decide(&house.server, &clerk, "Bescheid freigeben", "Petra Hofmann", "").await;
        sees(&house.server, "", &decided, "Unsere Entscheidung").await;
        let pages = house.pages(&applied(&house.server).await, &decided);
        all_of_them(&pages);
        let browser = Browser::new(&driver).await;
        browser.finds_what_is_planted(&house.server).await;
        let mut found = Vec::new();
        for page in &pages {
            browser.becomes(&house.server, page.as_whom).await;
            found.extend(browser.looks(&house.server, page).await);
        }
        assert_eq!(found, Vec::<String>::new());
        browser.page.close().await.expect("closed");
    });
    house.server.stop();
}

/// The page of a route nobody wrote down here is a page nobody looked at.
fn all_of_them(pages: &[Page<'_>]) {
    let seen: BTreeSet<&str> = pages.iter().map(|page| page.route).filter(|route| !route.is_empty()).collect();
    let all = laufzettel_server::routes().into_iter().map(|route| route.path).filter(|path| !path.starts_with("/api/") && !NO_PAGES.contains(path));
    assert_eq!(seen, all.collect::<BTreeSet<&str>>());
}

/// An application sent: the path of its status page.
async fn applied(server: &Server) -> String {
    let input: Value = serde_json::from_str(&std::fs::read_to_string(demo("antrag.json")).expect("the demo")).expect("JSON");
    crate::applications::send(server, "/antrag/vg-bellheim/hundesteuer", &input).await
}

/// A browser whose own protocol can be spoken to.
pub struct Browser {
    pub page: Client,
    cdp: String,
}

impl Browser {
    pub async fn new(driver: &Driver) -> Self {
        let page = browse_live(driver).await;
        let session = page.session_id().await.expect("a session").expect("a session");
        Self { page, cdp: format!("{}/session/{session}/goog/cdp/execute", driver.url()) }
    }

    /// A command of the browser's own protocol: what a person sets in her system is set here.
    pub async fn tell(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters }).to_string();
        let answer = client().post(&self.cdp).body(body).send().await.expect("chromedriver answers");
        let answer: Value = serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
        assert!(answer["value"]["error"].is_null(), "{command}: {answer}");
        answer["value"].clone()
    }

    pub async fn becomes(&self, server: &Server, whom: Whom) {
        self.tell("Network.clearBrowserCookies", json!({})).await;
        if let Whom::Person(user) = whom {
            let cookie = sign_in(server, user).await.expect("signed in");
            let (name, value) = cookie.split_once('=').expect("a cookie");
            self.tell("Network.setCookie", json!({ "url": server.url("/"), "name": name, "value": value })).await;
        }
    }

    async fn scheme(&self, scheme: &str) {
        self.tell("Emulation.setEmulatedMedia", json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] })).await;
    }

    async fn width(&self, width_px: u32) {
        self.tell("Emulation.setDeviceMetricsOverride", json!({ "width": width_px, "height": 900, "deviceScaleFactor": 1, "mobile": false })).await;
    }

    /// A barrier and a box too wide, put into a page that has none: whoever does not find these finds nothing.
    async fn finds_what_is_planted(&self, server: &Server) {
        let page = Page { route: "", name: "gepflanzt", path: "/anmelden".to_owned(), as_whom: Whom::Citizen };
        self.page.goto(&server.url(&page.path)).await.expect("the page");
        self.width(WIDTHS[0]).await;
        let plant =
            "const i = document.createElement('input'); i.type = 'text'; i.size = 200; i.style.width = '900px'; document.querySelector('main').append(i)";
        self.page.execute(plant, vec![]).await.expect("planted");
        let (wide, barriers) = (self.too_wide(&page, WIDTHS[0]).await, self.violations(&page, WIDTHS[0], "light").await);
        assert!(wide.is_some() && barriers.iter().any(|line| line.contains("label")), "{wide:?} {barriers:?}");
    }

    /// Everything that is wrong with a page, one line each.
    async fn looks(&self, server: &Server, page: &Page<'_>) -> Vec<String> {
        self.page.goto(&server.url(&page.path)).await.expect("the page");
        self.looks_here(page, &WIDTHS, &LOOKS).await
    }

    /// The same with the page that is there.
    async fn looks_here(&self, page: &Page<'_>, widths: &[u32], looks: &[(u32, &str)]) -> Vec<String> {
        let mut found = Vec::new();
        let bytes = self.page.source().await.expect("the page").len();
        if bytes > PAGE_BYTES_MAX {
            found.push(format!("{}: {bytes} Bytes", page.name));
        }
        for &width in widths {
            self.width(width).await;
            found.extend(self.too_wide(page, width).await);
        }
        for &(width, scheme) in looks {
            self.width(width).await;
            self.scheme(scheme).await;
            found.extend(self.violations(page, width, scheme).await);
            self.picture(page, width, scheme).await;
        }
        found
    }

    async fn too_wide(&self, page: &Page<'_>, width_px: u32) -> Option<String> {
        let script = "return [document.scrollingElement.scrollWidth, [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('[tabindex=\"0\"]')).slice(0, 3).map(e => e.outerHTML.slice(0, 120))]";
        let wide = self.page.execute(script, vec![]).await.expect("measured");
        (wide[0].as_u64() > Some(u64::from(width_px))).then(|| format!("{} bei {width_px} px: {wide}", page.name))
    }

    async fn violations(&self, page: &Page<'_>, width_px: u32, scheme: &str) -> Vec<String> {
        self.page.execute(&AXE, vec![]).await.expect("axe is there");
        let script = "const [tags, done] = arguments; axe.run(document, { runOnly: tags, resultTypes: ['violations'] }).then(r => done(r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 200)).slice(0, 3).join(' | '))), e => done(['axe: ' + e]))";
        let found = self.page.execute_async(script, vec![json!(TAGS)]).await.expect("axe answers");
        found.as_array().expect("a list").iter().map(|line| format!("{} bei {width_px} px, {scheme}: {line}", page.name)).collect()
    }

    async fn picture(&self, page: &Page<'_>, width_px: u32, scheme: &str) {
        let Some(folder) = pictures() else { return };
        let taken = self.tell("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await;
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, taken["data"].as_str().expect("a picture")).expect("base64");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{}-{width_px}-{scheme}.png", page.name)), bytes).expect("written");
    }
}
