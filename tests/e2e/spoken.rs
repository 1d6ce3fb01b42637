//! What a screen reader is told: the browser's own accessibility tree of the pages people fill in and read. Every field says its name,
//! whether it is needed, its hint and what is wrong with it; headings come in order; the landmarks are there; what changes is announced.
//! A fault that is planted is found, or nothing here means anything.

use fantoccini::Locator;
use serde_json::{Value, json};

use crate::{
    accessible::{Browser, Whom},
    browser::Driver,
    desk::{Server, Tenant, demo, runtime, text},
};

/// What takes an answer from a person.
const FIELDS: [&str; 6] = ["textbox", "checkbox", "radio", "combobox", "listbox", "spinbutton"];
/// What bears its fields' common question.
const GROUPS: [&str; 2] = ["radiogroup", "group"];

/// A node of the tree, as far as somebody hears it.
#[derive(Debug)]
struct Node {
    role: String,
    name: String,
    description: String,
    required: bool,
    invalid: bool,
    level: u64,
    live: String,
    /// Id in the page of whatever is behind it.
    dom: Option<i64>,
}

impl Node {
    fn of(node: &Value) -> Option<Self> {
        if node["ignored"] == true {
            return None;
        }
        let property = |name: &str| {
            let list = node["properties"].as_array()?;
            list.iter().find(|property| property["name"] == name).map(|property| property["value"]["value"].clone())
        };
        let text = |value: &Value| value["value"].as_str().unwrap_or_default().trim().to_owned();
        Some(Self {
            role: text(&node["role"]),
            name: text(&node["name"]),
            description: text(&node["description"]),
            required: property("required") == Some(json!(true)),
            invalid: property("invalid").is_some_and(|value| value == json!("true")),
            level: property("level").and_then(|value| value.as_u64()).unwrap_or_default(),
            live: property("live").and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default(),
            dom: node["backendDOMNodeId"].as_i64(),
        })
    }
}

async fn tree(browser: &Browser) -> Vec<Node> {
    browser.tell("Accessibility.enable", json!({})).await;
    let told = browser.tell("Accessibility.getFullAXTree", json!({})).await;
    told["nodes"].as_array().expect("a tree").iter().filter_map(Node::of).collect()
}

/// What the page itself writes of an element: whether it is needed, its hints, whether it is wrong.
async fn written(browser: &Browser, node: &Node) -> Value {
    let Some(id) = node.dom else { return Value::Null };
    let object = browser.tell("DOM.resolveNode", json!({ "backendNodeId": id })).await["object"]["objectId"].clone();
    let function = "function() { const ids = (this.getAttribute('aria-describedby') || '').split(' ').filter(Boolean); \
        return { folds: this.tagName === 'DETAILS', needed: this.required === true || this.getAttribute('aria-required') === 'true', wrong: this.getAttribute('aria-invalid') === 'true', \
        told: ids.map(id => (document.getElementById(id)?.textContent ?? 'FEHLT ' + id).replace(/\\s+/g, ' ').trim()).join(' ') } }";
    browser.tell("Runtime.callFunctionOn", json!({ "objectId": object, "functionDeclaration": function, "returnByValue": true })).await["result"]["value"]
        .clone()
}

/// Everything a listener would miss, one line each.
async fn missed(browser: &Browser, page: &str) -> Vec<String> {
    let nodes = tree(browser).await;
    let mut found = Vec::new();
    let mut miss = |what: String| found.push(format!("{page}: {what}"));
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for node in nodes.iter().filter(|node| FIELDS.contains(&node.role.as_str()) || GROUPS.contains(&node.role.as_str())) {
        let page = written(browser, node).await;
        // what can be folded is called by its summary
        if node.name.is_empty() && page["folds"] != true {
            miss(format!("{} without a name", node.role));
        }
        if page["needed"] == true && !node.required {
            miss(format!("{} „{}“ does not say that it is needed", node.role, node.name));
        }
        if page["wrong"] == true && !node.invalid {
            miss(format!("{} „{}“ does not say that it is wrong", node.role, node.name));
        }
        let told = flat(page["told"].as_str().unwrap_or_default());
        if flat(&node.description) != told {
            miss(format!("{} „{}“ says „{}“ and not „{told}“", node.role, node.name, node.description));
        }
    }
    let levels: Vec<u64> = nodes.iter().filter(|node| node.role == "heading").map(|node| node.level).collect();
    if levels.first() != Some(&1) || levels.windows(2).any(|pair| pair[1] > pair[0] + 1) {
        miss(format!("headings {levels:?}"));
    }
    for landmark in ["banner", "main", "contentinfo"] {
        if nodes.iter().filter(|node| node.role == landmark).count() != 1 {
            miss(format!("no {landmark}, or several"));
        }
    }
    found
}

/// A field without a name, one whose hint is nowhere, a heading out of order: put into a page that has none.
async fn finds_what_is_planted(browser: &Browser) {
    let plant = "const m = document.querySelector('main'); m.append(document.createElement('textarea')); \
        const i = document.createElement('input'); i.setAttribute('aria-label', 'gepflanzt'); i.setAttribute('aria-describedby', 'nirgends'); m.append(i); \
        m.append(Object.assign(document.createElement('h5'), { textContent: 'zu tief' }));";
    browser.page.execute(plant, vec![]).await.expect("planted");
    let found = missed(browser, "gepflanzt").await;
    for fault in ["without a name", "FEHLT nirgends", "headings"] {
        assert!(found.iter().any(|line| line.contains(fault)), "{fault}: {found:?}");
    }
}

async fn goes(browser: &Browser, server: &Server, path: &str) {
    browser.page.goto(&server.url(path)).await.expect("the page");
}

/// Presses a button, and waits until another page is there.
async fn press(browser: &Browser, css: &str) {
    let button = browser.page.find(Locator::Css(css)).await.expect("a button");
    browser
        .page
        .execute("document.documentElement.dataset.alt = 'ja'; arguments[0].click()", vec![serde_json::to_value(&button).expect("an element")])
        .await
        .ok();
    browser.page.wait().for_element(Locator::Css("html:not([data-alt]) main h1")).await.expect("the next page");
}

#[test]
fn every_field_says_what_it_is_what_it_needs_and_what_is_wrong() {
    let tenant = Tenant::new();
    let waits = tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &demo("antrag.json"), "--as", "applicant", "--until-waiting"]);
    assert_eq!(waits.status.code(), Some(7), "{}", text(&waits));
    let listed = tenant.laufzettel(&["tasks", "list", "--json"]);
    let task: Value = serde_json::from_str(String::from_utf8_lossy(&listed.stdout).lines().next().expect("a task")).expect("JSON");
    let task = task["task"].as_str().expect("a task").to_owned();
    let run = task.split('.').next().expect("a run").to_owned();
    let server = Server::start(&tenant, None).expect("up starts");
    let driver = Driver::start();
    runtime().block_on(async {
        let browser = Browser::new(&driver).await;
        let mut found = Vec::new();
        goes(&browser, &server, "/antrag/vg-bellheim/hundesteuer").await;
        found.extend(missed(&browser, "Antrag").await);
        // sent with nothing in it: what is wrong is heard at the field
        press(&browser, "main form button[type=submit]").await;
        assert!(tree(&browser).await.iter().any(|node| node.invalid && node.description.contains("Fehler")), "nothing is wrong with an empty form?");
        found.extend(missed(&browser, "Antrag mit Fehlern").await);
        browser.becomes(&server, Whom::Person("a.klein")).await;
        goes(&browser, &server, &format!("/aufgaben/{task}")).await;
        found.extend(missed(&browser, "Aufgabe").await);
        let radios = tree(&browser).await.into_iter().filter(|node| node.role == "radiogroup").collect::<Vec<_>>();
        assert!(!radios.is_empty() && radios.iter().all(|node| node.required), "{radios:?}");
        press(&browser, "button[value=uebernehmen]").await;
        // what came of it is announced
        let said = tree(&browser).await.into_iter().find(|node| node.role == "status").expect("a status");
        assert_eq!(said.live, "polite", "{said:?}");
        found.extend(missed(&browser, "Aufgabe übernommen").await);
        goes(&browser, &server, &format!("/vorgaenge/{run}")).await;
        found.extend(missed(&browser, "Vorgang").await);
        assert!(tree(&browser).await.iter().any(|node| node.live == "polite"), "a case that goes on announces what changes");
        assert_eq!(found, Vec::<String>::new());
        goes(&browser, &server, &format!("/aufgaben/{task}")).await;
        finds_what_is_planted(&browser).await;
        browser.page.close().await.expect("closed");
    });
    server.stop();
}
