//! The whole way, as a citizen and two clerks go it: applied for, looked at by one, decided by another, read on the status page. By
//! keyboard alone and with the mouse, with JavaScript and without.

use fantoccini::{Client, Locator, elements::Element, key::Key};
use serde_json::{Value, json};

use crate::{
    browser::{Driver, LOOK, LOOKS_MAX, browse, browse_live, fill, press, sees},
    desk::{Server, Tenant, process, runtime, text},
};

const TWO_CLERKS: &str = r#"
triggers:
  - intake: { path: zweitwohnung, audience: public, run_as: service:svc-intake }
input:
  type: object
  additionalProperties: false
  required: [person, seit, grund, richtig]
  properties:
    person:
      type: object
      title: Zu Ihrer Person
      additionalProperties: false
      required: [name, anrede]
      properties:
        name: { type: string, maxLength: 80, title: Name }
        anrede: { type: string, enum: [frau, herr, keine], title: Anrede }
        telefon: { type: string, maxLength: 30, title: Telefon }
    seit: { type: string, format: date, title: Seit wann }
    grund: { type: string, maxLength: 400, title: Warum }
    richtig: { type: boolean, title: Alles ist richtig }
steps:
  erst:
    title: Zweitwohnung ansehen
    human:
      assign: { groups: [GG-Steueramt] }
      show: { name: "{{ input.person.name }}", seit: "{{ input.seit }}", grund: "{{ input.grund }}" }
      form: { type: object, additionalProperties: false, required: [vollstaendig], properties: { vollstaendig: { type: boolean, title: Vollständig } } }
      due: P3D
  dann:
    title: Zweitwohnung entscheiden
    human:
      assign: { groups: [GG-Steueramt] }
      not_by: [steps.erst]
      show: { name: "{{ input.person.name }}", vollstaendig: "{{ steps.erst.vollstaendig }}" }
      form:
        type: object
        additionalProperties: false
        required: [entscheidung]
        properties:
          entscheidung: { type: string, enum: [bewilligen, ablehnen], title: Entscheidung }
          bemerkung: { type: string, maxLength: 200, title: Bemerkung }
      due: P3D
output: { entscheidung: "{{ steps.dann.entscheidung }}" }
"#;

fn application() -> Value {
    json!({ "person": { "name": "Änne Möller", "anrede": "keine" }, "seit": "2026-05-03", "grund": "Ich arbeite hier unter der Woche.", "richtig": true })
}

/// Keys pressed on one page before it is given up: more than any page of these has places to stop at.
const KEYS_MAX: usize = 120;

/// Somebody at a browser, who uses keys only.
pub struct Hands<'c>(pub &'c Client);

impl Hands<'_> {
    async fn key(&self, key: Key) {
        self.0.active_element().await.expect("something has the focus").send_keys(&char::from(key).to_string()).await.expect("pressed");
    }

    async fn here(&self) -> (Element, String, String, String) {
        let element = self.0.active_element().await.expect("something has the focus");
        let mut told = Vec::new();
        for name in ["type", "name", "value"] {
            told.push(element.attr(name).await.ok().flatten().unwrap_or_default());
        }
        let [kind, name, value] = <[String; 3]>::try_from(told).expect("three");
        (element, kind, name, value)
    }

    /// From the top of a page through everything that takes the focus, filling in what is asked, to the button that leads on: the
    /// first after what was filled in, or one of these.
    pub async fn goes_through(&self, values: &Value, on: &[&str]) {
        let mut filled = 0;
        for _ in 0..KEYS_MAX {
            self.key(Key::Tab).await;
            let (element, kind, name, value) = self.here().await;
            let wish = wanted(values, &name);
            filled += usize::from(wish.is_some());
            match (kind.as_str(), wish) {
                ("submit", _) if on.contains(&value.as_str()) || (on.is_empty() && filled > 0) => {
                    return element.send_keys(&char::from(Key::Enter).to_string()).await.expect("pressed");
                }
                ("file" | "hidden" | "submit" | "button", _) | (_, None) => {}
                ("radio", Some(wish)) => self.chooses(&wish).await,
                ("checkbox", Some(_)) => element.send_keys(" ").await.expect("ticked"),
                (_, Some(text)) => element.send_keys(&text).await.expect("typed"),
            }
        }
        panic!("no way on by keyboard: {on:?}, {filled} filled in");
    }

    /// Of a group of choices one takes the focus; the arrows go through them.
    async fn chooses(&self, wish: &str) {
        let (element, _, _, value) = self.here().await;
        if value == wish {
            return element.send_keys(" ").await.expect("chosen");
        }
        for _ in 0..KEYS_MAX {
            self.key(Key::Down).await;
            if self.here().await.3 == wish {
                return;
            }
        }
        panic!("no such choice: {wish}");
    }

    /// To a link or a button by what it says, from the top of the page.
    async fn follows(&self, text: &str) {
        for _ in 0..KEYS_MAX {
            self.key(Key::Tab).await;
            let element = self.0.active_element().await.expect("something has the focus");
            if element.text().await.unwrap_or_default().contains(text) {
                return element.send_keys(&char::from(Key::Enter).to_string()).await.expect("pressed");
            }
        }
        panic!("no way to „{text}“ by keyboard");
    }
}

/// What is to stand in the field of this name: a part of a date too, and the words a form has for yes and no.
fn wanted(values: &Value, name: &str) -> Option<String> {
    let at = |path: &str| path.split('.').try_fold(values, |value, part| value.get(part)).cloned();
    if let Some(value) = at(name) {
        return Some(match value {
            Value::Bool(yes) => if yes { "ja" } else { "nein" }.to_owned(),
            Value::String(text) => text,
            other => other.to_string(),
        });
    }
    let (date, part) = name.rsplit_once('.')?;
    let date = at(date)?.as_str()?.parse::<jiff::civil::Date>().ok()?;
    Some(match part {
        "tag" => date.day().to_string(),
        "monat" => date.month().to_string(),
        "jahr" => date.year().to_string(),
        _ => return None,
    })
}

/// Which hands, and whether scripts run.
#[derive(Debug, Clone, Copy)]
struct Way {
    keys: bool,
    scripts: bool,
}

impl Way {
    /// Through one page: the fields of these values, and on.
    async fn page(self, page: &Client, values: &Value, on: &[&str]) {
        if self.keys {
            return Hands(page).goes_through(values, on).await;
        }
        fill(page, values, "").await;
        let buttons: Vec<String> = on.iter().map(|value| format!(".knoepfe button[value='{value}']")).collect();
        match buttons.as_slice() {
            [] => press(page, "main form button[type='submit']").await,
            buttons => press(page, &buttons.join(", ")).await,
        }
    }

    async fn link(self, page: &Client, text: &str) {
        if self.keys {
            return Hands(page).follows(text).await;
        }
        page.find(Locator::XPath(&link(text))).await.unwrap_or_else(|_| panic!("no link {text}")).click().await.expect("followed");
    }
}

fn link(text: &str) -> String {
    format!("//main//a[contains(., '{text}')]")
}

/// The page of a citizen's application that a part of what she says stands on, in their order.
fn parts(application: &Value) -> Vec<Value> {
    application.as_object().expect("an object").iter().map(|(name, value)| json!({ name: value })).collect()
}

async fn applies(way: Way, page: &Client, server: &Server) -> String {
    page.goto(&server.url("/antrag/vg-bellheim/zweitwohnung")).await.expect("the form");
    let application = application();
    for n in 0..parts(&application).len() + 1 {
        if page.find(Locator::Css("button[value='absenden']")).await.is_ok() {
            break;
        }
        let before = page.source().await.expect("a page");
        way.page(page, &here(page, &application).await, &["weiter", "pruefen"]).await;
        turned(page, &before, &format!("page {n}")).await;
    }
    sees(page, "Änne Möller").await;
    let before = page.source().await.expect("a page");
    way.page(page, &json!({}), &["absenden"]).await;
    turned(page, &before, "the receipt").await;
    sees(page, "2026-000001").await;
    let link = page.find(Locator::Css("a[href*='/status/']")).await.expect("the status link").attr("href").await.expect("an address").expect("an address");
    server.url(&link[link.find("/status/").expect("a path")..])
}

/// What of a value has a field on this page.
async fn here(page: &Client, value: &Value) -> Value {
    let mut found = serde_json::Map::new();
    for (name, inner) in value.as_object().expect("an object") {
        if page.find(Locator::Css(&format!("[name='{name}'], [name^='{name}.']"))).await.is_ok() {
            found.insert(name.clone(), inner.clone());
        }
    }
    Value::Object(found)
}

/// Waits until the page is another one.
pub async fn turned(page: &Client, before: &str, what: &str) {
    for _ in 0..LOOKS_MAX {
        if page.source().await.is_ok_and(|now| now != before && now.contains("</main>")) {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("never came: {what}");
}

/// Signs in, takes the task from the inbox and answers it.
async fn decides(way: Way, page: &Client, server: &Server, user: &str, task: &str, answer: &Value) {
    page.delete_all_cookies().await.expect("signed out");
    page.goto(&server.url("/anmelden")).await.expect("the sign-in");
    let before = page.source().await.expect("a page");
    way.page(page, &json!({ "person": format!("vg-bellheim/{user}") }), &[]).await;
    turned(page, &before, "the sign-in").await;
    for _ in 0..LOOKS_MAX {
        page.goto(&server.url("/aufgaben")).await.expect("the inbox");
        if page.find(Locator::XPath(&link(task))).await.is_ok() {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    let before = page.source().await.expect("a page");
    way.link(page, task).await;
    turned(page, &before, task).await;
    sees(page, "Änne Möller").await;
    assert!(page.find(Locator::Css("main input:checked")).await.is_err(), "nothing is ticked beforehand");
    let before = page.source().await.expect("a page");
    way.page(page, answer, &[]).await;
    turned(page, &before, "what comes after the answer").await;
}

async fn goes(way: Way, page: &Client, server: &Server) {
    let status = applies(way, page, server).await;
    decides(way, page, server, "a.klein", "Zweitwohnung ansehen", &json!({ "vollstaendig": true })).await;
    let decision = json!({ "entscheidung": "bewilligen", "bemerkung": "Passt." });
    decides(way, page, server, "s.weber", "Zweitwohnung entscheiden", &decision).await;
    for _ in 0..LOOKS_MAX {
        page.goto(&status).await.expect("the status");
        let station = page.find(Locator::Css("[aria-current]")).await.expect("a station").text().await.unwrap_or_default();
        if station.to_lowercase().contains("abgeschlossen") {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("never done");
}

#[test]
fn from_application_to_decision_by_keys_and_by_mouse_with_scripts_and_without() {
    let driver = Driver::start();
    for (keys, scripts) in [(true, true), (true, false), (false, true), (false, false)] {
        let way = Way { keys, scripts };
        let tenant = Tenant::new();
        std::fs::write(tenant.path("workflows/zweitwohnung.yaml"), process("hundesteuer-zweitwohnung", "Zweitwohnung anmelden", TWO_CLERKS)).expect("written");
        tenant.grant("{ groups: [GG-Steueramt], allow: [\"task.complete:hundesteuer-zweitwohnung\"] }");
        let server = Server::start(&tenant, None).expect("up starts");
        runtime().block_on(async {
            let page = if way.scripts { browse_live(&driver).await } else { browse(&driver).await };
            goes(way, &page, &server).await;
            page.close().await.expect("closed");
        });
        server.stop();
        let told = tenant.laufzettel(&["audit", "show", "--kind", "task.completed"]);
        let told = text(&told);
        assert!(told.contains("Andreas Klein") && told.contains("Sabine Weber"), "{way:?}: {told}");
        assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0), "{way:?}");
    }
}
