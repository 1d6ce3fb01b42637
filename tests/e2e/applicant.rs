//! A question to the applicant: she applies, is asked on her status page, and answers there with a file; the clerk goes on. Nobody else
//! answers for her, and nobody without the code sees anything.

use std::path::Path;

use fantoccini::Locator;

use crate::{
    browser::{Driver, browse_narrow, enter, press, sees},
    desk::{Server, Tenant, client, process, runtime, text, until},
    views::{self, sign_in},
};

pub const ASKING: &str = r#"
triggers:
  - intake: { path: nachfrage, audience: public, run_as: service:svc-intake }
input: { type: object, additionalProperties: false, required: [name], properties: { name: { type: string, maxLength: 100, title: Name } } }
steps:
  frage:
    title: Kaufvertrag nachreichen
    human:
      assign: applicant
      show: { name: "{{ input.name }}", bitte: Bitte senden Sie uns den Kaufvertrag Ihres Hundes. }
      form:
        type: object
        additionalProperties: false
        required: [vertrag, gekauft_am]
        properties:
          vertrag: { type: object, format: file, title: Kaufvertrag, x-media-types: [text/plain, application/pdf], x-max-bytes: 20000 }
          gekauft_am: { type: string, format: date, title: Gekauft am }
          haendler: { type: string, minLength: 3, maxLength: 100, title: Von wem }
      due: P14D
  pruefung:
    title: Kaufvertrag prüfen
    human:
      assign: { groups: [GG-Steueramt] }
      show: { vertrag: "{{ steps.frage.vertrag }}", gekauft_am: "{{ steps.frage.gekauft_am }}", haendler: "{{ steps.frage.haendler | default('nicht angegeben') }}", seite: "Ihre Seite: {{ run.status_link | default('keine') }}" }
      form: { type: object, additionalProperties: false, required: [in_ordnung], properties: { in_ordnung: { type: boolean, title: In Ordnung } } }
output: { gekauft_am: "{{ steps.frage.gekauft_am }}", gut: "{{ steps.pruefung.in_ordnung }}" }
"#;

fn tenant() -> Tenant {
    tenant_with(ASKING)
}

fn tenant_with(asking: &str) -> Tenant {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/nachfrage.yaml"), process("hundesteuer-nachfrage", "Hund nachmelden", asking)).expect("written");
    // whatever else somebody of the house may: this she may not
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"task.complete:*\", \"run.view:all\"] }");
    tenant
}

/// A page, with its slashes as they are read.
async fn get(server: &Server, cookie: &str, path: &str) -> (u16, String) {
    let (status, page) = views::get(server, cookie, path).await;
    (status, page.replace("&#x2f;", "/"))
}

/// Sends an application; the path of its status page.
async fn apply(server: &Server, key: &str) -> String {
    let form = format!("_schluessel={key}&_schritt=absenden&name=Änne+Möller");
    let (status, page) = post_form(server, "/antrag/vg-bellheim/nachfrage", &form).await;
    assert_eq!(status, 200, "{page}");
    let at = page.find("/status/").expect("a status page");
    page[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect()
}

async fn post_form(server: &Server, path: &str, form: &str) -> (u16, String) {
    let request = client().post(server.url(path)).header("origin", server.url("")).header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(form.to_owned()).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.unwrap_or_default().replace("&#x2f;", "/"))
}

/// What she sends: the fields, and perhaps a file.
#[derive(Clone, Copy)]
struct Sent<'s> {
    key: &'s str,
    shown: &'s str,
    day: [&'s str; 3],
    dealer: &'s str,
    file: Option<(&'s str, &'s [u8])>,
}

impl Sent<'_> {
    fn body(&self) -> Vec<u8> {
        let [day, month, year] = self.day;
        let fields = [
            ("_schluessel", self.key),
            ("shown", self.shown),
            ("gekauft_am.tag", day),
            ("gekauft_am.monat", month),
            ("gekauft_am.jahr", year),
            ("haendler", self.dealer),
        ];
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend(format!("--rand\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes());
        }
        if let Some((name, bytes)) = self.file {
            let head = "Content-Type: application/octet-stream\r\n\r\n";
            body.extend(format!("--rand\r\nContent-Disposition: form-data; name=\"vertrag\"; filename=\"{name}\"\r\n{head}").into_bytes());
            body.extend(bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--rand--\r\n");
        body
    }

    /// Status, where it leads, and the page.
    async fn to(&self, server: &Server, path: &str, origin: &str) -> (u16, String, String) {
        self.by(server, path, origin, "").await
    }

    /// The same from somebody who is signed in.
    async fn by(&self, server: &Server, path: &str, origin: &str, cookie: &str) -> (u16, String, String) {
        let request = client().post(server.url(path)).header("origin", origin).header("cookie", cookie);
        let request = request.header("content-type", "multipart/form-data; boundary=rand");
        let answer = request.body(self.body()).send().await.expect("an answer");
        let leads = answer.headers().get("location").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        (answer.status().as_u16(), leads, answer.text().await.unwrap_or_default().replace("&#x2f;", "/"))
    }
}

/// The value of a hidden input.
fn hidden<'p>(page: &'p str, name: &str) -> &'p str {
    let from = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name} in {page}")).1;
    from.split('"').next().unwrap_or_default()
}

fn records(tenant: &Tenant, kind: &str) -> String {
    String::from_utf8_lossy(&tenant.laufzettel(&["audit", "show", "--kind", kind]).stdout).into_owned()
}

const CONTRACT: &[u8] = b"Kaufvertrag: Dackel Frieda, 10.05.2026";
const KEYS: [&str; 3] = ["00000000000000000000000000000001", "00000000000000000000000000000002", "00000000000000000000000000000003"];

/// Browsers show a form that was sent once more, under the same key; what is corrected in it is not confirmed as if it had come.
#[test]
fn a_correction_is_no_repetition() {
    let tenant = tenant();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let status = apply(&server, KEYS[0]).await;
        let shown = hidden(&get(&server, "", &status).await.1, "shown").to_owned();
        let sent = Sent { key: KEYS[2], shown: &shown, day: ["10", "5", "2026"], dealer: "Zwinger Weber", file: Some(("vertrag.txt", CONTRACT)) };
        let path = format!("{status}?frage=1");
        assert_eq!(sent.to(&server, &path, &server.url("")).await.0, 303);
        for other in [Sent { dealer: "Züchter Mai", ..sent }, Sent { file: Some(("vertrag.txt", &b"ein anderer Vertrag"[..])), ..sent }] {
            let (code, _, page) = other.to(&server, &path, &server.url("")).await;
            assert!(code == 409 && page.contains("Diese Antwort wurde nicht übernommen") && page.contains("vertrag.txt"), "{code} {page}");
            assert!(!page.contains("hreflang"), "its address would not hold what she typed: {page}");
        }
        assert_eq!(sent.to(&server, &path, &server.url("")).await.0, 303, "the same is confirmed still");
    });
}

#[test]
fn she_is_asked_answers_with_a_file_and_the_clerk_goes_on() {
    let tenant = tenant();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let (status, other) = (apply(&server, KEYS[0]).await, apply(&server, KEYS[1]).await);
        let (code, page) = get(&server, "", &status).await;
        assert_eq!(code, 200);
        for words in [
            "Wir haben eine Frage an Sie",
            "Kaufvertrag nachreichen",
            "Bitte senden Sie uns den Kaufvertrag Ihres Hundes.",
            "Änne Möller",
            "Bitte antworten Sie bis",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        let here = page.split("aria-current=\"step\"").nth(1).expect("a station");
        assert!(here.trim_start_matches(|c| c != 'R').starts_with("Rückfrage"), "{here}");
        let shown = hidden(&page, "shown").to_owned();

        what_is_wrong_comes_back(&server, &status, &shown).await;
        in_the_other_language(&server, &other).await;
        what_stood_there_before(&server, &status).await;
        nobody_else_answers(&tenant, &server, &status, &other, &shown).await;

        // twice the same is one answer; something else afterwards is said to be too late
        let sent = Sent { key: KEYS[2], shown: &shown, day: ["10", "5", "2026"], dealer: "Zwinger Weber", file: Some(("vertrag.txt", CONTRACT)) };
        let answered = format!("{status}?antwort=1");
        for _ in 0..2 {
            let (code, leads, page) = sent.to(&server, &format!("{status}?frage=1"), &server.url("")).await;
            assert_eq!((code, leads.as_str()), (303, answered.as_str()), "{page}");
        }
        let (code, page) = get(&server, "", &answered).await;
        assert!(code == 200 && page.contains("Ihre Antwort ist angekommen") && page.contains("Was Sie uns geantwortet haben"), "{page}");
        assert!(!page.contains("Wir haben eine Frage an Sie"), "{page}");
        let (code, _, page) = Sent { key: KEYS[0], dealer: "Anders", ..sent }.to(&server, &format!("{status}?frage=1"), &server.url("")).await;
        assert!(code == 409 && page.contains("Diese Antwort wurde nicht übernommen"), "{code} {page}");
        // what she typed stands there to be read off, and the file is not kept
        assert!(page.contains("Was Sie eingetragen haben") && page.contains(">Anders</span>") && page.contains("10.05.2026"), "{page}");
        // that nobody asks any more is told, however it came
        let request = client().post(server.url(&format!("{status}?frage=1"))).header("origin", server.url(""));
        let broken = request.header("content-type", "multipart/form-data; boundary=rand").body("kein Formular").send().await.expect("an answer");
        assert_eq!(broken.status().as_u16(), 409);

        // whoever sends again and again waits
        let more = Sent { key: KEYS[0], ..sent };
        let mut codes = Vec::new();
        for _ in 0..10 {
            codes.push(more.to(&server, &format!("{status}?frage=1"), &server.url("")).await.0);
        }
        assert_eq!((codes.first(), codes.last()), (Some(&409), Some(&429)), "{codes:?}");

        clerk(&server, &status).await;
        let (_, page) = get(&server, "", &status).await;
        assert!(page.contains("Die Bearbeitung ist beendet"), "{page}");
    });
    let answers = records(&tenant, "task.completed");
    assert_eq!(answers.lines().filter(|line| line.contains("Antragsteller/in")).count(), 2, "one of each applicant: {answers}");
    server.stop();
    what_she_sent_goes_with_her_application(&tenant);
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

/// Her answer is no Beleg; the clerk's is.
fn what_she_sent_goes_with_her_application(tenant: &Tenant) {
    let erased = tenant.laufzettel(&["audit", "erase", "2026-000001", "--reason", "Antrag", "--as", "d.braun"]);
    assert!(erased.status.code() == Some(0) && text(&erased).contains("Es bleiben 1 Beleg"), "{}", text(&erased));
    let shown = tenant.laufzettel(&["audit", "show", "--run", "2026-000001", "--kind", "task.completed"]);
    let told = String::from_utf8_lossy(&shown.stdout).into_owned();
    let gone: Vec<bool> = told.lines().map(|line| line.ends_with("[Inhalt gelöscht]")).collect();
    assert_eq!(gone, [true, false], "hers, then the clerk's: {told}");
}

/// Everything at once, at its field and at the top, with what was typed.
async fn what_is_wrong_comes_back(server: &Server, status: &str, shown: &str) {
    let path = format!("{status}?frage=1");
    let (home, zip) = (server.url(""), &b"PK\x03\x04 was auch immer"[..]);
    let sent = Sent { key: KEYS[2], shown, day: ["31", "2", "2026"], dealer: "Al", file: None };
    let (code, _, page) = sent.to(server, &path, &home).await;
    assert_eq!(code, 422, "{page}");
    for words in ["id=\"fehler\"", "value=\"31\"", "value=\"Al\"", "href=\"#f-vertrag\"", "href=\"#f-gekauft_am.tag\"", "id=\"f-haendler.fehler\""] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let (code, _, page) = Sent { day: ["10", "5", "2026"], dealer: "", file: Some(("x.zip", zip)), ..sent }.to(server, &path, &home).await;
    assert!(code == 422 && page.contains("ist keine Datei, die wir hier annehmen"), "{code} {page}");
    let large = vec![b'x'; 20_001];
    let (code, _, page) = Sent { day: ["10", "5", "2026"], dealer: "", file: Some(("x.txt", &large)), ..sent }.to(server, &path, &home).await;
    assert!(code == 422 && page.contains("zu groß"), "{code} {page}");
    // a file that is right stays, though the rest is wrong
    let (code, _, page) = Sent { file: Some(("vertrag.txt", CONTRACT)), ..sent }.to(server, &path, &home).await;
    assert!(code == 422 && page.contains("vertrag.txt") && page.contains("name=\"vertrag.datei\""), "{code} {page}");
}

/// What she typed stands there, and nothing is answered or found wrong; whoever is of the house has typed nothing.
async fn in_the_other_language(server: &Server, status: &str) {
    let (_, page) = get(server, "", status).await;
    let shown = hidden(&page, "shown").to_owned();
    assert!(page.contains(&format!("formaction=\"{status}?frage=1&amp;lang=en\"")), "{page}");
    let path = format!("{status}?frage=1&lang=en");
    let form = format!("_schluessel={}&shown={shown}&gekauft_am.tag=31&gekauft_am.monat=2&gekauft_am.jahr=2026&haendler=Al&_schritt=hierbleiben", KEYS[2]);
    let (code, page) = post_form(server, &path, &form).await;
    assert!(code == 200 && page.contains("<html lang=\"en\">") && !page.contains("id=\"fehler\""), "{code} {page}");
    assert!(page.contains("value=\"31\"") && page.contains("value=\"Al\""), "{page}");
    let cookie = sign_in(server, "a.klein").await.expect("signed in");
    let sent = Sent { key: KEYS[2], shown: &shown, day: ["", "", ""], dealer: "", file: None };
    let (code, leads, page) = sent.by(server, &path, &server.url(""), &cookie).await;
    assert_eq!((code, leads), (303, path), "{page}");
}

/// Another digest than the question's: to be read again, and sent again at once.
async fn what_stood_there_before(server: &Server, status: &str) {
    let before = Sent { key: KEYS[2], shown: &"0".repeat(64), day: ["10", "5", "2026"], dealer: "Zwinger Weber", file: Some(("vertrag.txt", CONTRACT)) };
    let (code, _, page) = before.to(server, &format!("{status}?frage=1"), &server.url("")).await;
    assert!(code == 409 && page.contains("Die Frage hat sich geändert") && page.contains("value=\"Zwinger Weber\""), "{code} {page}");
    assert!(!page.contains("in einigen Minuten"), "{page}");
}

async fn nobody_else_answers(tenant: &Tenant, server: &Server, status: &str, other: &str, shown: &str) {
    let sent = Sent { key: KEYS[1], shown, day: ["10", "5", "2026"], dealer: "", file: Some(("vertrag.txt", CONTRACT)) };
    let home = server.url("");
    // without the code, with a wrong one, for a question that is none, from a page of somebody else's
    let mut short = status.to_owned();
    let wrong = if short.pop() == Some('0') { format!("{short}1") } else { format!("{short}0") };
    for path in [format!("{wrong}?frage=1"), format!("{short}?frage=1"), format!("{status}?frage=2"), status.to_owned()] {
        assert_eq!(sent.to(server, &path, &home).await.0, 404, "{path}");
    }
    assert_eq!(sent.to(server, &format!("{status}?frage=1"), "http://evil.example").await.0, 403);
    let (code, page) = get(server, "", &wrong).await;
    assert!(code == 404 && !page.contains("Kaufvertrag"), "{page}");
    // whoever applied in another run answers her own question there, and not this one
    let (code, leads, _) = sent.to(server, &format!("{other}?frage=1"), &home).await;
    assert_eq!((code, leads), (303, format!("{other}?antwort=1")));
    assert!(get(server, "", status).await.1.contains("Wir haben eine Frage an Sie"));

    // a clerk with every right of her office finds it in the case, and not in her inbox
    let cookie = sign_in(server, "a.klein").await.expect("signed in");
    // with the code and a sign-in she is still a clerk
    let (code, _, page) = sent.by(server, &format!("{status}?frage=1"), &home, &cookie).await;
    assert!(code == 403 && page.contains("Sie sind gerade im Haus angemeldet"), "{code} {page}");
    let (_, runs) = get(server, &cookie, "/vorgaenge").await;
    let case = runs.match_indices("href=\"/vorgaenge/").map(|(at, _)| &runs[at + 6..]).map(|rest| rest.split('"').next().unwrap_or_default());
    let mut waiting = None;
    for path in case {
        if get(server, &cookie, path).await.1.contains("wartet auf die Antragstellerin/den Antragsteller") {
            waiting = Some(path.rsplit('/').next().unwrap_or_default().to_owned());
        }
    }
    let task = format!("{}.1", waiting.expect("one case waits for her"));
    let (_, inbox) = get(server, &cookie, "/aufgaben").await;
    assert!(inbox.contains("Kaufvertrag prüfen") && !inbox.contains("Kaufvertrag nachreichen"), "{inbox}");
    assert_eq!(get(server, &cookie, &format!("/aufgaben/{task}")).await.0, 404);
    let request = client().post(server.url(&format!("/aufgaben/{task}"))).header("origin", &home).header("cookie", &cookie);
    let answer = request.header("content-type", "application/x-www-form-urlencoded").body("haendler=Ich").send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 404);
    let order = serde_json::json!({ "shown": shown, "values": { "haendler": "Ich" } }).to_string();
    let request = client().post(server.url(&format!("/api/v1/tasks/{task}/complete"))).header("origin", &home).header("cookie", &cookie);
    let answer = request.header("content-type", "application/json").body(order).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 404);
    let denied = until("the denial is on record", || Some(records(tenant, "task.denied")).filter(|lines| !lines.is_empty()));
    assert!(denied.contains("Diese Frage geht an die antragstellende Person"), "{denied}");
    let completed = tenant.laufzettel(&["tasks", "complete", &task, "--as", "a.klein", "--input", &answer_file(tenant)]);
    assert_eq!(completed.status.code(), Some(4), "{}", text(&completed));
}

fn answer_file(tenant: &Tenant) -> String {
    let file = tenant.path("antwort.json");
    std::fs::write(&file, r#"{"haendler": "Ich"}"#).expect("written");
    file.display().to_string()
}

/// What she sent is before the clerk, and the file comes as it was sent.
async fn clerk(server: &Server, status: &str) {
    let cookie = sign_in(server, "a.klein").await.expect("signed in");
    let (_, inbox) = get(server, &cookie, "/aufgaben").await;
    let mut found = None;
    for (at, _) in inbox.match_indices("href=\"/aufgaben/") {
        let path = inbox[at + 6..].split('"').next().unwrap_or_default();
        let (_, page) = get(server, &cookie, path).await;
        if page.contains("Zwinger Weber") {
            found = Some((path.to_owned(), page));
        }
    }
    let (path, page) = found.expect("her answer is before the clerk");
    assert!(page.contains("vertrag.txt") && page.contains("10.05.2026"), "{page}");
    assert!(page.contains("/status/•••") && !page.contains(status), "the code is hers: {page}");
    let answer = client().get(server.url(&path.replace("/aufgaben/", "/api/v1/tasks/"))).header("cookie", &cookie).send().await.expect("an answer");
    let told = answer.text().await.unwrap_or_default();
    assert!(told.contains("/status/•••") && !told.contains(status), "{told}");
    let at = page.find("/dateien/").expect("the file");
    let file = page[page[..at].rfind('"').expect("an address") + 1..].split('"').next().unwrap_or_default();
    let (code, bytes) = get(server, &cookie, file).await;
    assert_eq!((code, bytes.as_bytes()), (200, CONTRACT));
    let form = format!("shown={}&in_ordnung=ja", hidden(&page, "shown"));
    let request = client().post(server.url(&path)).header("origin", server.url("")).header("cookie", &cookie);
    let answer = request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 303);
}

/// Once a group is asked as well, a clerk of it enters what came by letter: on record as hers, and the question is answered for all.
#[test]
fn a_clerk_enters_what_came_by_letter() {
    let tenant = tenant_with(&ASKING.replace("due: P14D", "due: P14D\n      escalate: { after: PT0S, to: { groups: [GG-Steueramt, GG-Leitung] } }"));
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let status = apply(&server, KEYS[0]).await;
        let (clerk, other) = (sign_in(&server, "a.klein").await.expect("signed in"), sign_in(&server, "j.wolf").await.expect("signed in"));
        let mut path = None;
        for _ in 0..100 {
            let (_, inbox) = get(&server, &clerk, "/aufgaben").await;
            path = inbox.find("Kaufvertrag nachreichen").and_then(|at| Some(inbox[inbox[..at].rfind("/aufgaben/")?..].split('"').next()?.to_owned()));
            if path.is_some() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let path = path.expect("it is in her inbox by now");
        assert_eq!(get(&server, &other, &path).await.0, 404, "not of that group");
        let (_, page) = get(&server, &clerk, &path).await;
        assert!(page.contains("Tragen Sie hier nur ein, was sie Ihnen auf anderem Weg mitgeteilt hat"), "{page}");
        // that it was handed on is said; the way to the case stands before whoever may look into it
        let head = sign_in(&server, "b.lang").await.expect("signed in");
        for (cookie, may_look) in [(&clerk, true), (&head, false)] {
            let (_, page) = get(&server, cookie, &path).await;
            assert!(page.contains("Niemand hat diese Aufgabe rechtzeitig erledigt.") && page.contains(">Zum Vorgang</a>") == may_look, "{may_look}: {page}");
        }
        let shown = hidden(&page, "shown").to_owned();
        let wrong = Sent { key: KEYS[1], shown: &shown, day: ["10", "5", "2026"], dealer: "Al", file: Some(("brief.txt", CONTRACT)) };
        let (code, _, page) = wrong.by(&server, &path, &server.url(""), &clerk).await;
        assert!(code == 422 && page.contains("brief.txt") && page.contains("value=\"Al\""), "{code} {page}");
        let right = Sent { dealer: "Zwinger Weber", ..wrong };
        assert_eq!(right.by(&server, &path, &server.url(""), &clerk).await.0, 303);
        let (_, page) = get(&server, "", &status).await;
        assert!(!page.contains("Wir haben eine Frage an Sie") && !page.contains("Was Sie uns geantwortet haben"), "{page}");
    });
    let answers = records(&tenant, "task.completed");
    assert!(answers.contains("Andreas Klein hat Aufgabe 1 erledigt. Erlaubt durch assign.groups."), "{answers}");
    server.stop();
}

/// Of two questions one stands on the page at a time; what is wrong with an answer comes back at the question it was for.
#[test]
fn one_question_at_a_time() {
    let second = "  zweite: { human: { assign: applicant, form: { type: object, additionalProperties: false, required: [farbe], properties: { farbe: { type: string, minLength: 3, title: Farbe } } } } }\n  pruefung:\n";
    let tenant = tenant_with(&ASKING.replacen("  pruefung:\n", second, 1));
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let status = apply(&server, KEYS[0]).await;
        let (_, page) = get(&server, "", &status).await;
        assert!(page.contains("Kaufvertrag nachreichen") && !page.contains("Farbe") && page.contains("noch eine Frage an Sie."), "{page}");
        let path = format!("{status}?frage=2");
        let (code, page) = post_form(&server, &path, &format!("_schluessel={}&farbe=x", KEYS[1])).await;
        assert!(code == 422 && page.contains("Farbe") && page.contains("value=\"x\"") && !page.contains("Kaufvertrag"), "{code} {page}");
        let form = format!("_schluessel={}&shown={}&farbe=braun", KEYS[1], hidden(&page, "shown"));
        assert_eq!(post_form(&server, &path, &form).await.0, 303);
        let (_, page) = get(&server, "", &format!("{status}?antwort=2")).await;
        assert!(page.contains("Ihre Antwort ist angekommen") && page.contains("Kaufvertrag nachreichen") && !page.contains("noch eine Frage"), "{page}");
    });
    server.stop();
}

/// At a terminal whoever tries a process out as an applicant answers as one, with a file from her folder.
#[test]
fn answered_beforehand_at_a_terminal() {
    let tenant = tenant();
    let file = |name: &str, content: &str| {
        std::fs::write(tenant.path(name), content).expect("written");
        tenant.path(name).display().to_string()
    };
    let input = file("eingabe.json", r#"{"name": "Änne Möller"}"#);
    file("vertrag.txt", "Kaufvertrag");
    let right = file("antwort.json", r#"{"vertrag": {"file": "vertrag.txt"}, "gekauft_am": "2026-05-10"}"#);
    let clerk = file("pruefung.json", r#"{"by": "a.klein", "in_ordnung": true}"#);
    let run = |answers: &[&str]| {
        let mut args = vec!["run", "hundesteuer-nachfrage", "--input", &input, "--as", "applicant", "--json"];
        args.extend(answers);
        tenant.laufzettel(&args)
    };
    let (right, clerk) = (format!("frage={right}"), format!("pruefung={clerk}"));
    let done = run(&["--answer", &right, "--answer", &clerk]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    assert!(text(&done).contains(r#""gekauft_am":"2026-05-10""#), "{}", text(&done));
    // a clerk named for it does not answer for her
    let hers = file("fremd.json", r#"{"by": "a.klein", "vertrag": {"file": "vertrag.txt"}, "gekauft_am": "2026-05-10"}"#);
    let refused = run(&["--answer", &format!("frage={hers}")]);
    assert!(refused.status.code() == Some(4) && text(&refused).contains("antragstellende Person"), "{}", text(&refused));
    let waiting = run(&["--until-waiting"]);
    assert_eq!(waiting.status.code(), Some(7), "{}", text(&waiting));
    assert!(text(&waiting).contains("wartet auf die antragstellende Person") && text(&waiting).contains("Statusseite: http"), "{}", text(&waiting));
}

/// On a telephone: nothing wider than the screen, the mistake beside its field, the confirmation at the top.
#[test]
fn on_a_narrow_screen() {
    const WIDTH_PX: u32 = 320;
    let tenant = tenant();
    let server = Server::start(&tenant, None).expect("up starts");
    let driver = Driver::start();
    let contract = tenant.path("vertrag.txt");
    std::fs::write(&contract, CONTRACT).expect("written");
    runtime().block_on(async {
        let status = apply(&server, KEYS[0]).await;
        let page = browse_narrow(&driver, WIDTH_PX).await;
        page.goto(&server.url(&status)).await.expect("the status page");
        sees(&page, "Kaufvertrag nachreichen").await;
        picture(&page, "rueckfrage-320.png").await;
        enter(&page, "haendler", "Al").await;
        press(&page, "main form button").await;
        sees(&page, "mindestens 3 Zeichen").await;
        picture(&page, "rueckfrage-320-fehler.png").await;
        for part in
            page.find_all(Locator::Css("main input:not([type=hidden]), main textarea, main button, main h1, main h2, main p, main li")).await.expect("parts")
        {
            let (x, _, width, _) = part.rectangle().await.expect("a place");
            assert!(x + width <= f64::from(WIDTH_PX), "{} is wider than the screen: {x} + {width}", part.html(false).await.unwrap_or_default());
        }
        page.find(Locator::Css("input[type=file]")).await.expect("a file input").send_keys(&contract.display().to_string()).await.expect("chosen");
        enter(&page, "gekauft_am", "2026-05-10").await;
        enter(&page, "haendler", "bert Weber").await;
        press(&page, "main form button").await;
        sees(&page, "Ihre Antwort ist angekommen").await;
        picture(&page, "rueckfrage-320-angekommen.png").await;
        page.close().await.expect("closed");
    });
    server.stop();
}

/// Kept beside what cargo builds, for whoever wants to look.
async fn picture(page: &fantoccini::Client, name: &str) {
    let png = page.screenshot().await.expect("a picture");
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), png).expect("written");
}
