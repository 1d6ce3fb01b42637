//! What a form asks depending on answers, lists within lists, amounts and the switch of language: in a real browser, by keyboard and by
//! mouse, with JavaScript and without. And what is answered to whoever sends too much, and the same walk for somebody of the house.

use fantoccini::{Client, Locator, key::Key};
use serde_json::{Value, json};

use crate::{
    browser::{Driver, browse, browse_live, fill, press, sees},
    desk::{Server, Tenant, client, process, runtime, text},
    stand::task,
    views::sign_in,
    whole_way::{Hands, turned},
};

const HOUSEHOLD: &str = r#"
start: { groups: [GG-Steueramt], via: [form] }
triggers:
  - intake: { path: haushalt, audience: public, run_as: service:svc-intake }
input:
  type: object
  unevaluatedProperties: false
  required: [anlass, personen]
  x-reihenfolge: [anlass, grund, miete_cent, personen]
  properties:
    anlass: { type: string, enum: [umzug, anderes], title: Anlass, x-gruppe: Anlass }
    miete_cent: { type: integer, x-einheit: cent, minimum: 0, title: Miete, x-gruppe: Anlass }
    personen:
      type: array
      minItems: 1
      maxItems: 3
      title: Personen
      items:
        type: object
        title: Person
        required: [name]
        properties:
          name: { type: string, minLength: 1, maxLength: 80, title: Name }
          einkommen:
            type: array
            title: Einkommen
            items:
              type: object
              title: Einkommen
              required: [art]
              x-reihenfolge: [art, betrag_cent]
              properties:
                art: { type: string, maxLength: 40, title: Art }
                betrag_cent: { type: integer, x-einheit: cent, title: Betrag }
  if: { required: [anlass], properties: { anlass: { const: anderes } } }
  then: { required: [grund], properties: { grund: { type: string, minLength: 1, maxLength: 100, title: Welcher Anlass, x-gruppe: Anlass } } }
steps:
  gut: { set: { miete_cent: "{{ input.miete_cent }}" } }
output: { miete_cent: "{{ steps.gut.miete_cent }}" }
"#;

/// Every kind of field that is not asked by one line or one choice, and a schema as generators write it.
pub const FAIR: &str = r##"
start: { groups: [GG-Steueramt], via: [form] }
triggers:
  - intake: { path: markt, audience: public, run_as: service:svc-intake }
input:
  type: object
  required: [beginn, dauer]
  x-reihenfolge: [beginn, dauer, tage, masse, platz, rechnung]
  properties:
    beginn: { type: string, format: date-time, title: Beginn des Aufbaus }
    dauer: { type: string, format: duration, title: Dauer des Markts }
    tage: { type: array, items: { type: string, format: date, x-spaetestens: "2027-12-31" }, title: Markttage }
    masse: { type: array, items: { type: number }, title: Länge der Stände in Metern }
    platz: { $ref: "#/$defs/anschrift", title: Wo der Markt ist }
    rechnung: { allOf: [{ $ref: "#/$defs/anschrift" }], title: Wohin die Rechnung geht }
  $defs:
    anschrift:
      type: object
      title: Anschrift
      required: [ort]
      properties:
        ort: { anyOf: [{ const: bellheim, title: Bellheim }, { const: zeiskam, title: Zeiskam }], title: Ort }
        zusatz: { anyOf: [{ type: string, maxLength: 40 }, { type: "null" }], title: Zusatz }
steps:
  gut: { set: { angaben: "{{ input }}" } }
  platz:
    human: { assign: { groups: [GG-Steueramt] }, show: { beginn: "{{ input.beginn }}", dauer: "{{ input.dauer }}", platz: "{{ input.platz }}" }, form: { type: object, properties: { frei: { type: boolean } } } }
output: { frei: "{{ steps.platz.frei }}" }
"##;

fn tenant() -> Tenant {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/markt.yaml"), process("hundesteuer-markt", "Markt anmelden", FAIR)).expect("written");
    std::fs::write(tenant.path("workflows/haushalt.yaml"), process("hundesteuer-haushalt", "Haushalt", HOUSEHOLD)).expect("written");
    tenant
}

/// Through one page: these fields, then the button that sends this.
async fn goes(keys: bool, page: &Client, values: Value, button: &str) {
    let before = page.source().await.expect("a page");
    if keys {
        Hands(page).goes_through(&values, &[button]).await;
    } else {
        fill(page, &values, "").await;
        press(page, &format!("button[value='{button}']:not([tabindex])")).await;
    }
    turned(page, &before, button).await;
}

#[test]
fn branches_lists_and_languages_keep_what_was_typed() {
    let tenant = tenant();
    let server = Server::start(&tenant, None).expect("up starts");
    let driver = Driver::start();
    runtime().block_on(async {
        for (n, (keys, scripts)) in [(true, false), (true, true), (false, false), (false, true)].into_iter().enumerate() {
            let page = if scripts { browse_live(&driver).await } else { browse(&driver).await };
            page.goto(&server.url("/antrag/vg-bellheim/haushalt")).await.expect("the form");
            goes(keys, &page, json!({ "anlass": "anderes", "miete_cent": "1.234" }), "weiter").await;
            // the amount can be read in two ways, and a question has come up
            sees(&page, "Welcher Anlass").await;
            let amount = page.find(Locator::Css("[name='miete_cent']")).await.expect("the amount");
            amount.clear().await.expect("emptied");
            amount.send_keys("1.234,5").await.expect("typed");
            // the Enter key means the button forward, though the switch of language stands before it
            let before = page.source().await.expect("a page");
            let reason = page.find(Locator::Css("[name='grund']")).await.expect("the question");
            reason.send_keys(&format!("Trennung{}", char::from(Key::Enter))).await.expect("typed");
            turned(&page, &before, "the second page").await;
            sees(&page, "Noch nichts eingetragen").await;
            // back and forth in the browser, without a warning
            page.back().await.expect("back");
            sees(&page, "Welcher Anlass").await;
            page.forward().await.expect("forward");
            sees(&page, "Noch nichts eingetragen").await;
            goes(keys, &page, json!({}), "pruefen").await;
            sees(&page, "mindestens einen Eintrag").await;
            goes(keys, &page, json!({}), "dazu:personen").await;
            goes(keys, &page, json!({ "personen": { "0": { "name": "Ada Adler" } } }), "dazu:personen.0.einkommen").await;
            let income = json!({ "art": "Lohn", "betrag_cent": "1850" });
            goes(keys, &page, json!({ "personen": { "0": { "einkommen": { "0": income } } } }), "weiter").await;
            // the list of the entry is there again, in another language too, and back
            sees(&page, "Lohn").await;
            goes(keys, &page, json!({}), "hierbleiben").await;
            sees(&page, "Remove").await;
            goes(keys, &page, json!({}), "hierbleiben").await;
            sees(&page, "Entfernen").await;
            goes(keys, &page, json!({}), "weiter").await;
            goes(keys, &page, json!({}), "pruefen").await;
            let summary = sees(&page, "1.234,50 €").await;
            assert!(summary.contains("Trennung") && summary.contains("Ada Adler") && summary.contains("1.850,00 €"), "{summary}");
            goes(keys, &page, json!({}), "pruefen").await;
            let summary = sees(&page, "Check your details").await;
            assert!(summary.contains("Trennung") && summary.contains("€1,234.50"), "{summary}");
            goes(keys, &page, json!({}), "absenden").await;
            sees(&page, &format!("2026-00000{}", n + 1)).await;
            page.close().await.expect("closed");
        }
    });
    let shown = text(&tenant.laufzettel(&["runs", "show", "2026-000001", "--json"]));
    assert!(shown.contains("123450"), "whole cents: {shown}");
    server.stop();
}

/// Moments by the clock of the house, durations, lists a line each: what is wrong with them is told, what was typed stays, and the run has
/// them as the schema says.
#[test]
fn moments_and_durations_are_asked_in_words() {
    let tenant = tenant();
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"task.complete:*\"] }");
    let server = Server::start(&tenant, None).expect("up starts");
    let driver = Driver::start();
    runtime().block_on(async {
        let page = browse(&driver).await;
        page.goto(&server.url("/antrag/vg-bellheim/markt")).await.expect("the form");
        let first = json!({ "beginn": "2026-03-29T2:30", "dauer": "3", "tage": "27.3.2026\nmorgen", "masse": "1,5\n2", "platz": { "ort": "zeiskam" } });
        goes(false, &page, first, "pruefen").await;
        let told = sees(&page, "auf die Sommerzeit vorgestellt").await;
        assert!(told.contains("Bitte wählen Sie die Einheit aus") && told.contains("genau einen Tag"), "{told}");
        for (name, text) in [("beginn.uhrzeit", "14 Uhr"), ("tage", "27.3.2026\n28.3.2026")] {
            let field = page.find(Locator::Css(&format!("[name='{name}']"))).await.expect("a field");
            field.clear().await.expect("emptied");
            field.send_keys(text).await.expect("typed");
        }
        goes(false, &page, json!({ "dauer.einheit": "tage" }), "pruefen").await;
        let summary = sees(&page, "29.03.2026, 14:00 Uhr").await;
        for shown in ["3 Tage", "27.03.2026", "28.03.2026", "1,5", "Wo der Markt ist", "Zeiskam", "Wohin die Rechnung geht"] {
            assert!(summary.contains(shown), "{shown}: {summary}");
        }
        goes(false, &page, json!({}), "absenden").await;
        sees(&page, "2026-000001").await;
        page.close().await.expect("closed");
        // who works in the house reads it by the same names and the same clock
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        let shown = tenant.lines(&["runs", "show", "2026-000001", "--json"]).remove(0);
        let input = json!({ "beginn": "2026-03-29T14:00:00+02:00", "dauer": "P3D", "tage": ["2026-03-27", "2026-03-28"], "masse": [1.5, 2], "platz": { "ort": "zeiskam" } });
        assert_eq!(shown["steps"]["gut"]["value"]["angaben"], input, "{shown}");
        let (_, task) = task(&server, &clerk, "Markt anmelden", "name=\"shown\"").await;
        for shown in ["Beginn des Aufbaus", "29.03.2026, 14:00 Uhr", "3 Tage", "Wo der Markt ist", "Zeiskam"] {
            assert!(task.contains(shown), "{shown}: {task}");
        }
    });
    server.stop();
}

/// Sends a form as somebody of the house, with the button it says.
async fn starts(server: &Server, cookie: &str, process: &str, pairs: &[(&str, &str)]) -> (u16, String, String) {
    let body: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+").replace(',', "%2C"))).collect();
    let request = client().post(server.url(&format!("/prozesse/{process}/start"))).header("origin", server.url("")).header("cookie", cookie);
    let answer = request.header("content-type", "application/x-www-form-urlencoded").body(body.join("&")).send().await.expect("an answer");
    let leads = answer.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    (answer.status().as_u16(), leads, answer.text().await.expect("a page"))
}

/// Lists in lists are started by hand as citizens apply by them: page by page, the summary, the case.
#[test]
fn the_house_walks_the_same_pages() {
    let tenant = tenant();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        let mut pairs = vec![("anlass", "umzug"), ("miete_cent", "620,00"), ("personen._anzahl", "1"), ("personen.0.einkommen._anzahl", "1")];
        pairs.push(("personen.0.einkommen.0.art", "Lohn"));
        let press = |more: &[(&'static str, &'static str)]| [pairs.clone(), more.to_vec()].concat();
        let first = starts(&server, &clerk, "hundesteuer-haushalt", &press(&[("_schritt", "weiter")])).await;
        assert!(first.0 == 200 && first.2.contains("Schritt 2 von 2"), "{first:?}");
        // the entry without a name is no case
        let wrong = starts(&server, &clerk, "hundesteuer-haushalt", &press(&[("_schritt", "absenden")])).await;
        assert!(wrong.0 == 422 && wrong.2.contains("Person 1") && wrong.2.contains("Bitte ausfüllen"), "{wrong:?}");
        let right = press(&[("personen.0.name", "Ada Adler"), ("_schluessel", "00000000000000000000000000000008"), ("_seite", "2"), ("_weit", "2")]);
        let summary = starts(&server, &clerk, "hundesteuer-haushalt", &[right.clone(), vec![("_schritt", "pruefen")]].concat()).await;
        assert!(summary.0 == 200 && summary.2.contains("620,00 €") && summary.2.contains("Vorgang starten"), "{summary:?}");
        assert!(!summary.2.contains("speichern"), "no drafts: {}", summary.2);
        let sent = [right, vec![("_schritt", "absenden")]].concat();
        let begun = starts(&server, &clerk, "hundesteuer-haushalt", &sent).await;
        assert!(begun.0 == 303 && begun.1.starts_with("/vorgaenge/"), "{begun:?}");
        assert_eq!(starts(&server, &clerk, "hundesteuer-haushalt", &sent).await.1, begun.1, "sent twice it is one case");
        let other = sign_in(&server, "j.wolf").await.expect("signed in");
        assert_eq!(starts(&server, &other, "hundesteuer-haushalt", &sent).await.0, 404, "not hers to start: not there");
    });
    server.stop();
}

/// More than one request takes is said in words, to a browser that is still sending; and an address has its share of an hour.
#[test]
fn too_much_at_once_is_told() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let send = async |bytes: usize| {
            let head = "--x\r\ncontent-disposition: form-data; name=\"nachweis\"; filename=\"a.pdf\"\r\n\r\n";
            let body = [head.as_bytes(), &vec![b'a'; bytes], b"\r\n--x--\r\n"].concat();
            let request = client().post(server.url("/antrag/vg-bellheim/hundesteuer")).header("origin", server.url(""));
            let answer = request.header("content-type", "multipart/form-data; boundary=x").body(body).send().await.expect("an answer");
            let wait = answer.headers().contains_key("retry-after");
            (answer.status().as_u16(), wait, answer.text().await.expect("a page"))
        };
        let large = send(17 * 1024 * 1024).await;
        assert!(large.0 == 413 && large.2.contains("höchstens 16 MB") && large.2.contains("weniger auf einmal"), "{large:?}");
        // what is thrown away counts, too: 30 of these are an hour's share, and this is what is left of it
        let mut told = Vec::new();
        for _ in 0..30 {
            told.push(send(17 * 1024 * 1024).await);
        }
        let (code, wait, page) = told.pop().expect("an answer");
        assert!(told.iter().all(|answer| answer.0 == 413), "{:?}", told.iter().map(|answer| answer.0).collect::<Vec<_>>());
        assert!(code == 429 && wait && page.contains("Aus Ihrem Netz"), "{code} {page}");
    });
    server.stop();
}
