//! What whoever applied sees and does with nothing but the code of her status page: the words, her own data, more files, taking it back.
//! Nobody else does that, nothing is shown that is not hers, and after the end nothing is taken any more.

mod ausweis;
mod called;
mod ended;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    desk::{Server, Tenant, client, process, runtime, text},
    views::{self, sign_in},
};

const STAND: &str = r#"
triggers:
  - intake: { path: stand, audience: public, run_as: service:svc-intake }
applicant:
  withdraw: { until: steps.entscheidung }
  receives:
    bescheid: "{{ steps.entscheidung.ausfertigung }}"
    brief: "{{ render('templates/brief.md') }}"
    nachricht: "Guten Tag {{ input.name }}, Ihre Anmeldung ist {{ 'angenommen' if steps.entscheidung.ja else 'abgelehnt' }}."
input:
  type: object
  additionalProperties: false
  required: [name]
  properties:
    name: { type: string, maxLength: 100, title: Name }
    vertrag: { type: object, format: file, title: Kaufvertrag, x-media-types: [text/plain, application/pdf], x-max-bytes: 20000 }
steps:
  halter:
    title: Halter im Melderegister suchen
    tool: registry/person_suchen
    with: { familienname: "{{ input.name }}" }
  pruefung:
    title: Angaben prüfen
    needs: [halter]
    human:
      assign: { groups: [GG-Steueramt] }
      show: { name: "{{ input.name }}" }
      form: { type: object, additionalProperties: false, properties: { gut: { type: boolean, title: Gut } } }
  entscheidung:
    title: Über die Anmeldung entscheiden
    needs: [pruefung]
    human:
      assign: { groups: [GG-Steueramt] }
      show: { name: "{{ input.name }}" }
      form: { type: object, additionalProperties: false, required: [ja], properties: { ja: { type: boolean, title: Ja }, ausfertigung: { type: object, format: file, title: Ausfertigung, x-media-types: [application/pdf], x-max-bytes: 20000 } } }
  danach:
    title: Nacharbeit
    needs: [entscheidung]
    human:
      assign: { groups: [GG-Steueramt] }
      form: { type: object, additionalProperties: false, properties: { gut: { type: boolean, title: Gut } } }
"#;

pub const KEYS: [&str; 3] = ["00000000000000000000000000000001", "00000000000000000000000000000002", "00000000000000000000000000000003"];
const CONTRACT: &[u8] = b"Kaufvertrag: Dackel Frieda, 10.05.2026";

pub fn tenant() -> Tenant {
    let tenant = Tenant::new();
    std::fs::write(
        tenant.path("workflows/stand.yaml"),
        process("hundesteuer-stand", "Hund anmelden", STAND).replace("zweck: Prüfen", "zweck: Festsetzung der Hundesteuer"),
    )
    .expect("written");
    std::fs::write(tenant.path("workflows/templates/brief.md"), "# Bescheid\n\nGuten Tag **{{ input.name }}**.\n").expect("written");
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"task.complete:*\", \"run.view:all\"] }");
    tenant
}

/// A page, with its slashes as they are read.
async fn get(server: &Server, cookie: &str, path: &str) -> (u16, String) {
    let (status, page) = views::get(server, cookie, path).await;
    (status, page.replace("&#x2f;", "/"))
}

pub struct Answer {
    pub code: u16,
    leads: String,
    pub page: String,
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.expect("an answer");
    let leads = answer.headers().get("location").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    Answer { code: answer.status().as_u16(), leads, page: answer.text().await.unwrap_or_default().replace("&#x2f;", "/") }
}

pub async fn post(server: &Server, cookie: &str, path: &str, form: &str) -> Answer {
    let request = client().post(server.url(path)).header("origin", server.url("")).header("cookie", cookie);
    answer(request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned())).await
}

/// A form of fields and perhaps a file.
pub async fn send(server: &Server, cookie: &str, path: &str, fields: &[(&str, &str)], file: Option<(&str, &str, &[u8])>) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--rand\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes());
    }
    if let Some((field, name, bytes)) = file {
        body.extend(format!("--rand\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: x/y\r\n\r\n").into_bytes());
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--rand--\r\n");
    let request = client().post(server.url(path)).header("origin", server.url("")).header("cookie", cookie);
    answer(request.header("content-type", "multipart/form-data; boundary=rand").body(body)).await
}

/// Sends an application with a file; the path of its status page.
pub async fn apply(server: &Server, key: &str, name: &str) -> String {
    let fields = [("_schluessel", key), ("_schritt", "absenden"), ("name", name)];
    let sent = send(server, "", "/antrag/vg-bellheim/stand", &fields, Some(("vertrag", "vertrag.txt", CONTRACT))).await;
    assert_eq!(sent.code, 200, "{}", sent.page);
    let at = sent.page.find("/status/").expect("a status page");
    sent.page[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect()
}

/// Where a page leads whose address begins so.
fn link(page: &str, begins: &str) -> Option<String> {
    let at = page.find(&format!("href=\"{begins}"))? + 6;
    page[at..].split('"').next().map(str::to_owned)
}

pub fn hidden<'p>(page: &'p str, name: &str) -> &'p str {
    let from = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name} in {page}")).1;
    from.split('"').next().unwrap_or_default()
}

fn records(tenant: &Tenant, kind: &str) -> String {
    String::from_utf8_lossy(&tenant.laufzettel(&["audit", "show", "--kind", kind]).stdout).into_owned()
}

/// The page once it says so: the worker goes on beside.
pub async fn sees(server: &Server, cookie: &str, path: &str, words: &str) -> String {
    let mut page = String::new();
    for _ in 0..200 {
        page = get(server, cookie, path).await.1;
        if page.contains(words) {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{path} never says „{words}“: {page}");
}

/// The first task of the inbox whose page says so, and that page.
pub async fn task(server: &Server, cookie: &str, title: &str, words: &str) -> (String, String) {
    for _ in 0..200 {
        let (_, inbox) = get(server, cookie, "/aufgaben").await;
        for (at, _) in inbox.match_indices("href=\"/aufgaben/") {
            let path = inbox[at + 6..].split('"').next().unwrap_or_default();
            let (_, page) = get(server, cookie, path).await;
            if page.contains(title) && page.contains(words) {
                return (path.to_owned(), page);
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no task „{title}“ with „{words}“");
}

pub async fn decide(server: &Server, cookie: &str, title: &str, words: &str, values: &str) {
    let (path, page) = task(server, cookie, title, words).await;
    let done = post(server, cookie, &path, &format!("shown={}&{values}", hidden(&page, "shown"))).await;
    assert_eq!(done.code, 303, "{}", done.page);
}

#[test]
fn she_sees_the_words_her_data_and_what_happened_and_nothing_else() {
    let tenant = tenant();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let (status, other) = (apply(&server, KEYS[0], "Änne Möller").await, apply(&server, KEYS[1], "Jana Hofmann").await);
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        decide(&server, &clerk, "Angaben prüfen", "Änne Möller", "").await;
        let page = sees(&server, "", &status, "Angaben prüfen").await;
        for words in [
            "Halter im Melderegister suchen",
            "Ein Programm hat Angaben abgefragt.",
            "Beteiligt: <span>Melderegister</span>",
            "eine Mitarbeiterin oder ein Mitarbeiter bearbeitet",
            "Wer entscheidet?",
            "Alles hier dient diesem Zweck:",
            "Schubertstraße 18, 76756 Bellheim<br>steueramt@vg-bellheim.example",
            "<a href=\"https://vg-bellheim.example/barrierefreiheit\">Barrierefreiheit</a>",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert_eq!(page.matches("aria-current=\"step\"").count(), 1, "{page}");
        // who it was of the house, and what the register said
        for hers in ["Klein", "a.klein", "Hofmann", "Zeiskam", "treffer"] {
            assert!(!page.contains(hers), "{hers}: {page}");
        }
        let (code, own) = get(&server, "", &format!("{status}/angaben")).await;
        assert!(code == 200 && own.contains("Änne Möller") && own.contains("vertrag.txt"), "{own}");
        let file = link(&own, &format!("{status}/dateien/")).expect("her file");
        let (code, bytes) = get(&server, "", &file).await;
        assert_eq!((code, bytes.as_bytes()), (200, CONTRACT));
        // by the code of another run only what is there, too; a wrong one opens nothing
        let name = file.rsplit('/').next().unwrap_or_default();
        let mut wrong = status.clone();
        wrong.pop();
        let wrong = if status.ends_with('0') { format!("{wrong}1") } else { format!("{wrong}0") };
        for path in ["", "/angaben", "/nachreichen", "/zurueckziehen", &format!("/dateien/{name}")] {
            assert_eq!(get(&server, "", &format!("{wrong}{path}")).await.0, 404, "{path}");
        }
        assert_eq!(get(&server, "", &format!("{other}/dateien/{}", "0".repeat(64))).await.0, 404);
        assert!(!get(&server, "", &format!("{other}/angaben")).await.1.contains("Änne"));
    });
    let exported = records(&tenant, "content.exported");
    assert!(exported.lines().count() == 1 && exported.contains("Antragsteller/in"), "{exported}");
    server.stop();
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn she_withdraws_once_and_nobody_else_does() {
    let tenant = tenant();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let (status, other) = (apply(&server, KEYS[0], "Änne Möller").await, apply(&server, KEYS[1], "Jana Hofmann").await);
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        let (open, _) = task(&server, &clerk, "Angaben prüfen", "Änne Möller").await;
        let path = format!("{status}/zurueckziehen");
        let (code, page) = get(&server, "", &path).await;
        assert!(code == 200 && page.contains("Antrag jetzt zurückziehen"), "{page}");
        // somebody of the house, another page, too many words
        let staff = post(&server, &clerk, &path, "grund=x").await;
        assert!(staff.code == 403 && staff.page.contains("Sie sind gerade im Haus angemeldet"), "{}", staff.page);
        let foreign = client().post(server.url(&path)).header("origin", "http://evil.example").body("grund=x").send().await.expect("an answer");
        assert_eq!(foreign.status().as_u16(), 403);
        let long = post(&server, "", &path, &format!("grund={}", "x".repeat(501))).await;
        assert!(long.code == 422 && long.page.contains("Höchstens 500 Zeichen"), "{} {}", long.code, long.page);
        // in the other language her reason is there still, and nothing is done
        let english = post(&server, "", &format!("{path}?lang=en"), "grund=Der+Hund&_schritt=hierbleiben").await;
        assert!(english.code == 200 && english.page.contains("Withdraw") && english.page.contains(">Der Hund</textarea>"), "{}", english.page);
        // once, and once more
        let done = format!("{status}?getan=zurueckgezogen");
        for _ in 0..2 {
            let sent = post(&server, "", &path, "grund=Der+Hund+ist+verkauft").await;
            assert_eq!((sent.code, sent.leads.as_str()), (303, done.as_str()), "{}", sent.page);
        }
        let page = sees(&server, "", &done, "Wir bearbeiten ihn nicht weiter.").await;
        assert!(page.contains("Ihr Antrag ist zurückgezogen") && page.contains("Sie haben Ihren Antrag zurückgezogen am"), "{page}");
        assert!(link(&page, &path).is_none() && link(&page, &format!("{status}/nachreichen")).is_none(), "nothing is left to do: {page}");
        // the clerk has no task any more, and sees why
        let case = open.replace("/aufgaben/", "/vorgaenge/");
        let case = case.rsplit_once('.').expect("run and number").0;
        let (_, page) = get(&server, &clerk, case).await;
        assert!(page.contains("Die antragstellende Person hat den Antrag zurückgezogen") && page.contains("Der Hund ist verkauft"), "{page}");
        assert_ne!(get(&server, &clerk, &open).await.0, 200);
        after_the_decision(&server, &clerk, &other).await;
    });
    let endings = records(&tenant, "run.ending");
    assert!(endings.lines().count() == 1 && endings.contains("Die antragstellende Person hat ihren Antrag zurückgezogen."), "{endings}");
    server.stop();
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

/// What has been decided is not taken back here, and what has ended neither.
async fn after_the_decision(server: &Server, clerk: &str, status: &str) {
    decide(server, clerk, "Angaben prüfen", "Jana Hofmann", "").await;
    decide(server, clerk, "Über die Anmeldung entscheiden", "Jana Hofmann", "ja=ja").await;
    let path = format!("{status}/zurueckziehen");
    let page = sees(server, "", status, "Über den Antrag ist schon entschieden").await;
    assert!(link(&page, &path).is_none(), "{page}");
    assert_eq!(get(server, "", &path).await.0, 409);
    let late = post(server, "", &path, "").await;
    assert!(late.code == 409 && late.page.contains("Über den Antrag ist schon entschieden"), "{} {}", late.code, late.page);
    decide(server, clerk, "Nacharbeit", "", "").await;
    sees(server, "", status, "Die Bearbeitung ist beendet").await;
    let late = post(server, "", &path, "").await;
    assert!(late.code == 409 && late.page.contains("Die Bearbeitung ist schon beendet"), "{} {}", late.code, late.page);
}

#[test]
fn she_hands_in_more_and_the_clerk_sees_it() {
    let tenant = tenant();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let status = apply(&server, KEYS[0], "Änne Möller").await;
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        let path = format!("{status}/nachreichen");
        assert!(get(&server, "", &path).await.1.contains("Unterlagen nachreichen"));
        let pdf = [b"%PDF-1.4 ".as_slice(), &vec![b'x'; 10 * 1024 * 1024]].concat();
        for (file, words) in [
            (None, "Bitte wählen Sie eine Datei aus."),
            (Some(("datei", "x.zip", &b"PK\x03\x04 was auch immer"[..])), "ist keine Datei, die wir hier annehmen"),
            (Some(("datei", "x.pdf", &b"\x7fELF\x00 kein PDF"[..])), "ist keine Datei, die wir hier annehmen"),
            (Some(("datei", "x.pdf", pdf.as_slice())), "zu groß"),
        ] {
            let sent = send(&server, "", &path, &[("_schluessel", KEYS[1])], file).await;
            assert!(sent.code == 422 && sent.page.contains(words), "{words}: {} {}", sent.code, sent.page);
        }
        let more: (&str, &str, &[u8]) = ("datei", "impfpass.txt", b"Impfpass Frieda");
        // in the other language the file and what is said of it are there still, and nothing is handed in
        let stay = [("_schritt", "hierbleiben"), ("_schluessel", KEYS[1]), ("hinweis", "Impfpass")];
        let english = send(&server, "", &format!("{path}?lang=en"), &stay, Some(more)).await;
        for words in ["What is this document?", "Send several files one after the other", "impfpass.txt", "Impfpass</textarea>"] {
            assert!(english.code == 200 && english.page.contains(words), "{words}: {}", english.page);
        }
        assert!(!english.page.contains("Handed in by you later") && !get(&server, "", &path).await.1.contains("impfpass.txt"), "{}", english.page);
        let staff = send(&server, &clerk, &path, &[("_schluessel", KEYS[1])], Some(more)).await;
        assert_eq!(staff.code, 403, "{}", staff.page);
        for _ in 0..2 {
            let sent = send(&server, "", &path, &[("_schluessel", KEYS[1]), ("hinweis", "Impfpass meines Hundes")], Some(more)).await;
            assert_eq!((sent.code, sent.leads), (303, format!("{status}?getan=nachgereicht")), "{}", sent.page);
        }
        let (_, page) = get(&server, "", &format!("{status}?getan=nachgereicht")).await;
        assert!(page.contains("Ihre Datei ist angekommen") && page.matches("Impfpass meines Hundes").count() == 1, "twice is once: {page}");
        let (open, page) = task(&server, &clerk, "Angaben prüfen", "Impfpass meines Hundes").await;
        assert!(page.contains("Von der antragstellenden Person nachgereicht"), "{page}");
        let links = page.match_indices("href=\"/vorgaenge/").filter_map(|(at, _)| page[at + 6..].split('"').next());
        let file = links.into_iter().find(|path| path.contains("/dateien/")).expect("the file");
        let (code, bytes) = get(&server, &clerk, file).await;
        assert_eq!((code, bytes.as_str()), (200, "Impfpass Frieda"));
        let case = open.replace("/aufgaben/", "/vorgaenge/");
        let (_, page) = get(&server, &clerk, case.rsplit_once('.').expect("run and number").0).await;
        assert!(page.contains("Impfpass meines Hundes") && page.contains("Von der antragstellenden Person nachgereicht"), "{page}");
        // after the end nothing is taken, and nothing read
        assert_eq!(post(&server, "", &format!("{status}/zurueckziehen"), "").await.code, 303);
        sees(&server, "", &status, "Wir bearbeiten ihn nicht weiter.").await;
        assert_eq!(get(&server, "", &path).await.0, 409);
        let late = send(&server, "", &path, &[("_schluessel", KEYS[2])], Some(more)).await;
        assert!(late.code == 409 && late.page.contains("nimmt dieser Vorgang nicht mehr an"), "{} {}", late.code, late.page);
    });
    let added = records(&tenant, "file.added");
    assert!(added.lines().count() == 1 && added.contains("Die antragstellende Person hat eine Datei nachgereicht."), "{added}");
    server.stop();
    // it goes with the contents
    let erased = tenant.laufzettel(&["audit", "erase", "2026-000001", "--reason", "Antrag", "--as", "d.braun"]);
    assert_eq!(erased.status.code(), Some(0), "{}", text(&erased));
    assert!(records(&tenant, "file.added").contains("[Inhalt gelöscht]"));
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn a_second_file_is_no_repetition_and_what_is_only_said_of_one_is_none() {
    let tenant = tenant();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let status = apply(&server, KEYS[0], "Änne Möller").await;
        let path = format!("{status}/nachreichen");
        let first = send(&server, "", &path, &[("_schluessel", KEYS[1])], Some(("datei", "seite1.txt", b"erste Seite"))).await;
        assert_eq!(first.code, 303, "{}", first.page);
        // a browser shows the form of the first once more; what is handed in with it is a second one
        let second = send(&server, "", &path, &[("_schluessel", KEYS[1]), ("hinweis", "Rückseite")], Some(("datei", "seite2.txt", b"zweite Seite"))).await;
        assert_eq!(second.code, 303, "{}", second.page);
        assert!(get(&server, "", &path).await.1.contains("seite2.txt"));
        // what somebody only says of a file is none, though a program fills in what people do not see
        let hash: String = Sha256::digest(CONTRACT).iter().map(|byte| format!("{byte:02x}")).collect();
        let told = json!({ "file": format!("blob:{hash}"), "name": "x.pdf", "media_type": "application/pdf", "size": CONTRACT.len(), "sha256": format!("sha256:{hash}") });
        let forged = [("_schluessel", KEYS[2]), ("_webseite", "x"), ("datei.datei", &told.to_string())];
        let refused = send(&server, "", &path, &forged, None).await;
        assert!(refused.code == 422 && refused.page.contains("Bitte wählen Sie eine Datei aus."), "{} {}", refused.code, refused.page);
    });
    assert_eq!(records(&tenant, "file.added").lines().count(), 2);
    runtime().block_on(async {
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        // who read the task when the second had not come decides on nothing she has not seen
        let (open, page) = task(&server, &clerk, "Angaben prüfen", "Änne Möller").await;
        assert!(page.contains("name=\"_nachgereicht\" value=\"2\""), "{page}");
        let form = |seen: &str| format!("shown={}&_nachgereicht={seen}&gut=ja", hidden(&page, "shown"));
        let late = post(&server, &clerk, &open, &form("1")).await;
        assert!(late.code == 409 && late.page.contains("inzwischen etwas nachgereicht") && late.page.contains("seite2.txt"), "{} {}", late.code, late.page);
        assert_eq!(post(&server, &clerk, &open, &form("2")).await.code, 303);
    });
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

/// Neither what a clerk opens who has the link, nor a program that asks for the heads alone, is read by her.
async fn nobody_else_learns_of_it(server: &Server, clerk: &str, paths: &[&str]) {
    for path in paths {
        let (code, page) = get(server, clerk, path).await;
        assert!(code == 403 && page.contains("Sie sind gerade im Haus angemeldet") && !page.contains("Änne"), "{path}: {code} {page}");
        let heads = client().head(server.url(path)).send().await.expect("an answer");
        assert_eq!(heads.status().as_u16(), 200, "{path}");
    }
}

const LONG: &str = r#"
triggers:
  - intake: { path: lang, audience: public, run_as: service:svc-intake }
applicant:
  withdraw: always
  receives:
    kurz: "{{ input.name }}"
    lang: "{{ input.text }}"
input:
  type: object
  additionalProperties: false
  title: Mein Hund
  required: [name, text]
  properties: { name: { type: string, maxLength: 100, title: Name }, text: { type: string, maxLength: 60000, title: Text } }
steps:
  gut:
    title: Gut befinden
    human: { assign: { groups: [GG-Steueramt] }, show: { name: "{{ input.name }}" }, form: { type: object, additionalProperties: false, properties: { gut: { type: boolean } } } }
"#;

/// A text that is not shown is not read; and the journal, which stays, does not grow with every look.
#[test]
fn what_is_not_shown_is_not_read_and_looking_has_a_bound() {
    let tenant = tenant();
    let written = process("hundesteuer-lang", "Hund anmelden", LONG).replace("zweck: Prüfen", "zweck: Festsetzung der Hundesteuer");
    std::fs::write(tenant.path("workflows/lang.yaml"), written).expect("written");
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let long = "Satz. ".repeat(8_000);
        let fields = [("_schluessel", KEYS[0]), ("_schritt", "absenden"), ("name", "Änne"), ("text", long.as_str())];
        let sent = send(&server, "", "/antrag/vg-bellheim/lang", &fields, None).await;
        assert_eq!(sent.code, 200, "{}", sent.page);
        let status = sent.page.split("/status/").nth(1).map(|rest| format!("/status/{}", &rest[..32])).expect("a status page");
        // it is called as her form is, not as the house calls it
        for path in ["", "/angaben", "/nachreichen", "/zurueckziehen"] {
            let (code, page) = get(&server, "", &format!("{status}{path}")).await;
            assert!(code == 200 && page.contains("Mein Hund") && !page.contains("Hund anmelden"), "{page}");
        }
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        decide(&server, &clerk, "Gut befinden", "Änne", "").await;
        sees(&server, "", &status, "Unsere Entscheidung").await;
        let (code, page) = get(&server, "", &format!("{status}/bescheid/lang")).await;
        assert!(code == 200 && !page.contains("Satz. Satz."), "{page}");
        let (code, page) = get(&server, "", &format!("{status}/bescheid/kurz")).await;
        assert!(code == 200 && page.contains("Mein Hund") && !page.contains("Hund anmelden"), "{page}");
        let mut codes = Vec::new();
        for n in 2..=200 {
            let request = client().head(server.url(&format!("{status}/bescheid/kurz"))).header("x-forwarded-for", format!("10.1.2.{n}"));
            codes.push(request.send().await.expect("an answer").status().as_u16());
        }
        assert!(codes[..198].iter().all(|code| *code == 200) && codes[198] == 429, "{codes:?}");
        let (code, page) = get(&server, "", &format!("{status}/bescheid/lang/datei")).await;
        assert!(code == 429 && page.contains("Bitte versuchen Sie es in"), "{code} {page}");
        assert_eq!(get(&server, "", &status).await.0, 200, "the page itself is there");
    });
    let read = records(&tenant, "content.viewed");
    assert_eq!(read.lines().filter(|line| line.contains("Antragsteller/in")).count(), 1, "{read}");
    server.stop();
}

/// A seal of another form is one of ours all the same: what it holds is looked at where it is handed in.
#[test]
fn what_another_form_took_is_not_handed_in() {
    let tenant = tenant();
    let zipped = STAND.replace("path: stand", "path: archiv").replacen("[text/plain, application/pdf], x-max-bytes", "[application/zip], x-max-bytes", 1);
    let written = process("hundesteuer-archiv", "Hund anmelden", &zipped).replace("zweck: Prüfen", "zweck: Festsetzung der Hundesteuer");
    std::fs::write(tenant.path("workflows/archiv.yaml"), written).expect("written");
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let status = apply(&server, KEYS[0], "Änne Möller").await;
        let there = send(&server, "", "/antrag/vg-bellheim/archiv", &[("_schritt", "hierbleiben")], Some(("vertrag", "x.zip", b"PK\x03\x04 Archiv"))).await;
        let sealed = hidden(&there.page, "vertrag.datei").replace("&quot;", "\"");
        assert!(sealed.contains("application/zip"), "{sealed}");
        let sent = send(&server, "", &format!("{status}/nachreichen"), &[("_schluessel", KEYS[1]), ("datei.datei", &sealed)], None).await;
        assert_eq!(sent.code, 422, "{}", sent.page);
        assert!(!get(&server, "", &status).await.1.contains("x.zip"));
    });
    assert_eq!(records(&tenant, "file.added"), "");
    server.stop();
}

/// Her words stand there again where the house could not take them.
#[test]
fn what_she_typed_is_not_lost_while_nothing_can_be_written() {
    let tenant = tenant();
    let places = tenant.path("fehler");
    std::fs::write(&places, "").expect("written");
    let server = Server::start(&tenant, Some(&format!("@{}", places.display()))).expect("up starts");
    runtime().block_on(async {
        let status = apply(&server, KEYS[0], "Änne Möller").await;
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        task(&server, &clerk, "Angaben prüfen", "Änne Möller").await;
        std::fs::write(&places, "wish.before_decide=error\nstart.before_append=error\nunsent.before_write=error\n").expect("written");
        let sent = post(&server, "", &format!("{status}/zurueckziehen"), "grund=Der+Hund+ist+verkauft").await;
        assert!(sent.code == 503 && sent.page.contains("Der Hund ist verkauft</textarea>"), "{} {}", sent.code, sent.page);
        assert!(sent.page.contains("noch nicht zurückgezogen"), "{}", sent.page);
        let form = format!("_schluessel={}&_schritt=absenden&name=Jana+Hofmann", KEYS[1]);
        let sent = post(&server, "", "/antrag/vg-bellheim/stand", &form).await;
        assert!(sent.code == 503 && sent.page.contains("noch nicht bei uns"), "{} {}", sent.code, sent.page);
        assert!(sent.page.contains("name=\"name\" value=\"Jana Hofmann\"") && hidden(&sent.page, "_schluessel") == KEYS[1], "{}", sent.page);
        let saved = post(&server, "", "/antrag/vg-bellheim/stand", "_schritt=speichern&name=Jana+Hofmann").await;
        assert!(saved.code == 503 && saved.page.contains("keine weiteren Entwürfe speichern"), "{} {}", saved.code, saved.page);
        assert!(saved.page.contains("value=\"Jana Hofmann\""), "{}", saved.page);
        // once it can be written again, sending it again is enough
        assert_eq!(post(&server, "", "/antrag/vg-bellheim/stand", &form).await.code, 200);
    });
    server.stop();
}

#[test]
fn she_gets_the_decision_byte_for_byte() {
    let tenant = tenant();
    let server = Server::start(&tenant, None).expect("up starts");
    let pdf: &[u8] = b"%PDF-1.4 Bescheid mit Rechtsbehelfsbelehrung \xc3\xa4\x00\xff";
    runtime().block_on(async {
        let (status, other) = (apply(&server, KEYS[0], "Änne Möller").await, apply(&server, KEYS[1], "Jana Hofmann").await);
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        decide(&server, &clerk, "Angaben prüfen", "Änne Möller", "").await;
        let (path, page) = task(&server, &clerk, "Über die Anmeldung entscheiden", "Änne Möller").await;
        // nothing is handed out before the end
        assert_eq!(get(&server, "", &format!("{status}/bescheid/bescheid")).await.0, 404);
        let fields = [("shown", hidden(&page, "shown")), ("ja", "ja")];
        let done = send(&server, &clerk, &path, &fields, Some(("ausfertigung", "Bescheid Möller.pdf", pdf))).await;
        assert_eq!(done.code, 303, "{}", done.page);
        decide(&server, &clerk, "Nacharbeit", "", "").await;
        let page = sees(&server, "", &status, "Unsere Entscheidung").await;
        let file = link(&page, &format!("{status}/bescheid/bescheid/datei")).expect("the decision");
        let answer = client().get(server.url(&file)).send().await.expect("an answer");
        let kind = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        assert_eq!(
            (kind("content-type"), kind("content-disposition")),
            ("application/octet-stream".to_owned(), "attachment; filename=\"Bescheid_M_ller.pdf\"".to_owned())
        );
        assert_eq!(answer.bytes().await.expect("bytes"), pdf);
        // a file has no page
        let led = client().get(server.url(&format!("{status}/bescheid/bescheid"))).send().await.expect("an answer");
        assert_eq!(led.headers().get("location").and_then(|to| to.to_str().ok()), Some(file.as_str()));
        let letter = link(&page, &format!("{status}/bescheid/brief")).expect("the letter");
        let (code, page_of_it) = get(&server, "", &letter).await;
        let laid_out = page_of_it.contains("<p class=\"schrift__titel\">Bescheid</p>") && page_of_it.contains("<strong>Änne Möller</strong>");
        assert!(code == 200 && laid_out && !page_of_it.contains("**"), "{page_of_it}");
        let (code, text) = get(&server, "", &link(&page_of_it, &format!("{letter}/datei")).expect("the text")).await;
        assert_eq!((code, text.as_str()), (200, "# Bescheid\n\nGuten Tag **Änne Möller**."));
        // what is no letter keeps its lines
        let (code, text) = get(&server, "", &link(&page, &format!("{status}/bescheid/nachricht")).expect("the message")).await;
        assert!(code == 200 && text.contains("Guten Tag Änne Möller, Ihre Anmeldung ist angenommen.</p>"), "{text}");
        let (code, text) = get(&server, "", &format!("{status}/bescheid/nachricht/datei")).await;
        assert_eq!((code, text.as_str()), (200, "Guten Tag Änne Möller, Ihre Anmeldung ist angenommen."));
        nobody_else_learns_of_it(&server, &clerk, &[&letter, &format!("{letter}/datei"), &file, &format!("{status}/angaben")]).await;
        // of another run, of another name, of no code
        let wrong = format!("/status/{}", "0".repeat(32));
        for path in [
            format!("{other}/bescheid/bescheid"),
            format!("{status}/bescheid/output"),
            format!("{wrong}/bescheid/bescheid"),
            format!("{other}/bescheid/brief"),
            format!("{wrong}/bescheid/brief/datei"),
        ] {
            assert_eq!(get(&server, "", &path).await.0, 404, "{path}");
        }
    });
    let fetched = records(&tenant, "content.exported");
    assert_eq!(fetched.lines().filter(|line| line.contains("Antragsteller/in")).count(), 3, "{fetched}");
    let read = records(&tenant, "content.viewed");
    assert_eq!(read.lines().filter(|line| line.contains("Antragsteller/in")).count(), 2, "{read}");
    server.stop();
    let erased = tenant.laufzettel(&["audit", "erase", "2026-000001", "--reason", "Antrag", "--as", "d.braun"]);
    assert_eq!(erased.status.code(), Some(0), "{}", text(&erased));
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}
