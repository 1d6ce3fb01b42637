//! A real browser: a citizen applies, a clerk decides, the status page says so. Without JavaScript, as the pages are.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

use crate::desk::{Server, Tenant, demo, runtime, until};

pub struct Driver(Child, u16);

impl Driver {
    pub fn start() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let child = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed by tests/run.sh");
        until("chromedriver listens", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        Self(child, port)
    }
}

impl Driver {
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.1)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The window is as tall as the longest page: scrolling to a button is done by script, and there is none.
pub async fn browse(driver: &Driver) -> Client {
    open(driver, json!({}), false).await
}

/// With JavaScript.
pub async fn browse_live(driver: &Driver) -> Client {
    open(driver, json!({}), true).await
}

/// The same on a telephone of this width, as tall as its longest page.
pub async fn browse_narrow(driver: &Driver, width_px: u32) -> Client {
    open(driver, json!({ "mobileEmulation": { "deviceMetrics": { "width": width_px, "height": 3_000, "pixelRatio": 1.0, "touch": false } } }), false).await
}

async fn open(driver: &Driver, more: Value, scripts: bool) -> Client {
    let args = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        "--window-size=1200,9000",
    ];
    // 1: allowed, 2: blocked
    let prefs = json!({ "profile.managed_default_content_settings.javascript": if scripts { 1 } else { 2 } });
    let mut options = json!({ "goog:chromeOptions": { "args": args, "binary": "/usr/bin/chromium", "prefs": prefs } });
    options["goog:chromeOptions"].as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    let capabilities = options.as_object().cloned().expect("an object");
    ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
        .capabilities(capabilities)
        .connect(&driver.url())
        .await
        .expect("the browser starts")
}

/// Fills in what this page asks of a value, and presses the button forward, up to the summary.
async fn walk(page: &Client, value: &Value) {
    for _ in 0..PAGES_MAX {
        if page.find(Locator::Css("button[value='absenden']")).await.is_ok() {
            return;
        }
        let heading = page.find(Locator::Css(".schritt")).await.expect("a step").text().await.expect("its name");
        fill_here(page, value, "").await;
        press(page, ".knoepfe button").await;
        // the next page has another heading
        for _ in 0..LOOKS_MAX {
            match page.find(Locator::Css(".schritt, button[value='absenden']")).await {
                Ok(found) if found.text().await.is_ok_and(|text| text != heading) => break,
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }
}

async fn fill_here(page: &Client, value: &Value, path: &str) {
    for (name, inner) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let shown = format!("main [name='{path}']:not([type='hidden']), main [name='{path}.tag']:not([type='hidden'])");
        if inner.is_object() {
            Box::pin(fill_here(page, inner, &path)).await;
        } else if page.find(Locator::Css(&shown)).await.is_ok() {
            fill(page, inner, &path).await;
        }
    }
}

/// More than the form of any example has.
const PAGES_MAX: usize = 20;

/// Fills a form from a value: every leaf into the input that carries its path.
pub async fn fill(page: &Client, value: &Value, path: &str) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                Box::pin(fill(page, inner, &below)).await;
            }
        }
        Value::Bool(yes) => {
            let word = if *yes { "ja" } else { "nein" };
            tick(page, &format!("input[name='{path}'][value='{word}']")).await;
        }
        // an amount is asked for in euro
        Value::Number(cent) if page.find(Locator::Css(&format!("[id='f-{path}.einheit']"))).await.is_ok() => {
            let cent = cent.as_u64().expect("an amount");
            enter(page, path, &format!("{},{:02}", cent / 100, cent % 100)).await;
        }
        leaf => {
            let text = leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned);
            enter(page, path, &text).await;
        }
    }
}

pub async fn enter(page: &Client, path: &str, text: &str) {
    if let Ok(day) = page.find(Locator::Css(&format!("input[name='{path}.tag']"))).await {
        let (date, clock) = text.split_once('T').map_or((text, None), |(date, clock)| (date, Some(clock)));
        let parts: Vec<&str> = date.split('-').collect();
        day.send_keys(parts[2]).await.expect("day");
        if let Some(clock) = clock {
            page.find(Locator::Css(&format!("input[name='{path}.uhrzeit']"))).await.expect("time").send_keys(clock).await.expect("typed");
        }
        for (part, value) in [("monat", parts[1]), ("jahr", parts[0])] {
            page.find(Locator::Css(&format!("input[name='{path}.{part}']"))).await.expect("date").send_keys(value).await.expect("typed");
        }
        return;
    }
    if tick(page, &format!("input[type='radio'][name='{path}'][value='{text}']")).await {
        return;
    }
    if let Ok(select) = page.find(Locator::Css(&format!("select[name='{path}']"))).await {
        return select.select_by_value(text).await.expect("chosen");
    }
    page.find(Locator::Css(&format!("[name='{path}']"))).await.unwrap_or_else(|_| panic!("no field {path}")).send_keys(text).await.expect("typed");
}

/// Ticks a box or a choice where people do: on its label.
pub async fn tick(page: &Client, css: &str) -> bool {
    let Ok(input) = page.find(Locator::Css(css)).await else { return false };
    let id = input.attr("id").await.expect("an id").expect("an id");
    page.find(Locator::Css(&format!("label[for='{id}']"))).await.unwrap_or_else(|_| panic!("no label for {id}")).click().await.expect("ticked");
    true
}

/// Presses a button, as soon as it is there: the page before may still be leaving.
pub async fn press(page: &Client, css: &str) {
    for _ in 0..LOOKS_MAX {
        if let Ok(button) = page.find(Locator::Css(css)).await
            && button.click().await.is_ok()
        {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("no button {css}: {}", words(page).await);
}

/// What the page says; nothing while one page gives way to another.
async fn words(page: &Client) -> String {
    match page.find(Locator::Css("main")).await {
        Ok(main) => main.text().await.unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// Waits until the page says something.
pub async fn sees(page: &Client, text: &str) -> String {
    for _ in 0..LOOKS_MAX {
        let found = words(page).await;
        if found.contains(text) {
            return found;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("the page never says „{text}“: {}", words(page).await);
}

/// Between looks at a page, and how many: ten seconds in all.
pub const LOOK: Duration = Duration::from_millis(50);
pub const LOOKS_MAX: usize = 200;

#[test]
fn from_application_to_decision() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    let driver = Driver::start();
    runtime().block_on(async {
        let page = browse(&driver).await;
        page.goto(&server.url("/antrag/vg-bellheim/hundesteuer")).await.expect("the form");
        press(&page, ".knoepfe button").await;
        // an empty page comes back with what is missing
        sees(&page, "Bitte ausfüllen").await;
        page.goto(&server.url("/antrag/vg-bellheim/hundesteuer")).await.expect("the form");
        let input: Value = serde_json::from_str(&std::fs::read_to_string(demo("antrag.json")).expect("the demo")).expect("JSON");
        walk(&page, &input).await;
        sees(&page, "Absenden").await;
        sees(&page, input["hund"]["name"].as_str().expect("a name")).await;
        press(&page, "button[value='absenden']").await;
        sees(&page, "2026-000001").await;
        let link = page.find(Locator::Css("a[href*='/status/']")).await.expect("the status link").attr("href").await.expect("an address").expect("an address");
        let status = server.url(&link[link.find("/status/").expect("a path")..]);

        clerk(&page, &server).await;

        let mut current = String::new();
        for _ in 0..LOOKS_MAX {
            page.goto(&status).await.expect("the status");
            if let Ok(station) = page.find(Locator::Css("[aria-current]")).await {
                current = station.text().await.unwrap_or_default().to_lowercase();
            }
            if current.contains("abgeschlossen") {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        assert!(current.contains("abgeschlossen"), "{current}");
        page.close().await.expect("closed");
    });
    assert_eq!((tenant.letters(), tenant.mails()), (1, 2));
    server.stop();
}

async fn clerk(page: &Client, server: &Server) {
    page.goto(&server.url("/aufgaben")).await.expect("the inbox");
    assert!(tick(page, "input[value='vg-bellheim/a.klein']").await);
    press(page, "main button[type='submit'], main button").await;
    for _ in 0..100 {
        page.goto(&server.url("/aufgaben")).await.expect("the inbox");
        if page.find(Locator::Css("main a[href^='/aufgaben/']")).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    press(page, "main a[href^='/aufgaben/']").await;
    sees(page, "35,00").await;
    assert!(page.find(Locator::Css("main input:checked")).await.is_err(), "nothing is ticked beforehand");
    let decision: Value = serde_json::from_str(&std::fs::read_to_string(demo("entscheidung.json")).expect("the demo")).expect("JSON");
    let mut decision = decision;
    decision.as_object_mut().expect("an object").remove("by");
    fill(page, &decision, "").await;
    press(page, "main form button").await;
    for _ in 0..100 {
        if page.current_url().await.expect("an address").path().ends_with("/aufgaben") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the answer was not taken: {}", words(page).await);
}
