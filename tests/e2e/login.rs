//! Signing in for real: an OpenID provider on loopback, a browser that follows redirects by hand; keys of programs; forms of
//! other sites.

mod terminal;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::desk::{Server, Tenant, client, demo, root, runtime, text};

/// The identity provider. Killed when dropped.
struct Provider {
    child: Child,
    issuer: String,
}

impl Provider {
    fn start(redirect: &str) -> Self {
        let mut command = Command::new("node");
        command.args(["provider.mjs", redirect]).current_dir(root().join("tests/oidc")).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("node runs");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let issuer = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("http://")).expect("the provider starts (npm ci in tests/oidc)");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, issuer }
    }

    fn stop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A server whose people sign in at a provider of their own.
fn house() -> (Tenant, Provider, Server) {
    house_with(|config, login| config.replace("login: { demo: {} }", login))
}

/// `rewrite`: the configuration, given what it says and how people sign in.
fn house_with(rewrite: impl Fn(&str, &str) -> String) -> (Tenant, Provider, Server) {
    let tenant = Tenant::new();
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let provider = Provider::start(&format!("http://127.0.0.1:{port}/anmelden/dienst/vg-bellheim/zurueck"));
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let login = format!("login: {{ oidc: {{ issuer: \"{}\", client: laufzettel, secret: secret:oidc }} }}", provider.issuer);
    std::fs::write(tenant.path("laufzettel.yaml"), rewrite(&config, &login)).expect("written");
    std::fs::write(tenant.path("secrets/oidc"), "geheim-geheim-geheim-geheim-geheim\n").expect("written");
    let server = Server::start_at(&tenant, port).expect("up starts");
    (tenant, provider, server)
}

/// What came back: status, where to, cookies set, body.
struct Came {
    status: u16,
    to: Option<String>,
    cookies: Vec<String>,
    body: String,
}

/// A browser with a cookie jar for each origin. It follows nothing by itself.
#[derive(Default)]
struct Browser {
    jars: RefCell<BTreeMap<String, BTreeMap<String, String>>>,
}

fn origin(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

impl Browser {
    async fn go(&self, method: &str, url: &str, form: &[(&str, &str)]) -> Came {
        let site = origin(url);
        let jar = self.jars.borrow().get(&site).cloned().unwrap_or_default();
        let cookies = jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut request = if method == "POST" { client().post(url).header("origin", &site) } else { client().get(url) };
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        if method == "POST" {
            let body = form.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&");
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let answer = request.send().await.expect("an answer");
        let header = |name: &str| answer.headers().get_all(name).iter().filter_map(|v| v.to_str().ok()).map(str::to_owned).collect::<Vec<_>>();
        let (status, cookies) = (answer.status().as_u16(), header("set-cookie"));
        let to = header("location").pop().map(|to| if to.starts_with('/') { format!("{site}{to}") } else { to });
        for cookie in &cookies {
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            let mut jars = self.jars.borrow_mut();
            let jar = jars.entry(site.clone()).or_default();
            if value.is_empty() {
                jar.remove(name)
            } else {
                jar.insert(name.to_owned(), value.to_owned())
            };
        }
        Came { status, to, cookies, body: answer.text().await.unwrap_or_default().replace("&#x2f;", "/") }
    }

    async fn get(&self, url: &str) -> Came {
        self.go("GET", url, &[]).await
    }

    /// From the provider's first address to the one that leads back to us, signing in on the way.
    async fn at_provider(&self, issuer: &str, first: &str, user: &str) -> String {
        let mut url = first.to_owned();
        for _ in 0..12 {
            if !url.starts_with(issuer) {
                return url;
            }
            let came = self.get(&url).await;
            url = match came.to {
                Some(to) => to,
                None => {
                    assert!(came.body.contains("name=\"login\""), "{}", came.body);
                    self.go("POST", &url, &[("prompt", "login"), ("login", user), ("password", "x")]).await.to.expect("the provider goes on")
                }
            };
        }
        panic!("the provider never led back: {url}");
    }

    /// Where we send somebody who wants to sign in.
    async fn begin(&self, server: &Server, back: &str) -> String {
        let came = self.get(&server.url(&format!("/anmelden/dienst/vg-bellheim?zurueck={back}"))).await;
        assert_eq!(came.status, 303, "{}", came.body);
        came.to.expect("to the provider")
    }

    async fn sign_in(&self, server: &Server, issuer: &str, user: &str) -> Came {
        let first = self.begin(server, "/vorgaenge").await;
        let back = self.at_provider(issuer, &first, user).await;
        self.get(&back).await
    }
}

fn kinds(tenant: &Tenant, kind: &str) -> Vec<Value> {
    let shown = tenant.laufzettel(&["audit", "show", "--kind", kind, "--json"]);
    let lines = String::from_utf8_lossy(&shown.stdout).into_owned();
    lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).filter_map(|r| serde_json::from_str(r["body"].as_str()?).ok()).collect()
}

#[test]
fn through_the_whole_flow_and_out_again() {
    let (tenant, provider, server) = house();
    runtime().block_on(async {
        let browser = Browser::default();
        let sent = browser.get(&server.url("/aufgaben")).await;
        assert_eq!((sent.status, sent.to), (303, Some(server.url("/anmelden?zurueck=/aufgaben"))));
        assert!(browser.get(&server.url("/anmelden?zurueck=/aufgaben")).await.body.contains("/anmelden/dienst/vg-bellheim?zurueck=/aufgaben"));
        let came = browser.sign_in(&server, &provider.issuer, "a.klein").await;
        assert_eq!((came.status, came.to), (303, Some(server.url("/vorgaenge"))), "{}", came.body);
        let session = came.cookies.iter().find(|c| c.starts_with("laufzettel=")).expect("a session");
        let attributes: Vec<&str> = session.split("; ").skip(1).collect();
        assert_eq!(attributes, ["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=32400"]);
        assert!(came.cookies.iter().any(|c| c.starts_with("laufzettel-anmeldung=;") && c.contains("Max-Age=0")), "{:?}", came.cookies);
        let page = browser.get(&server.url("/aufgaben")).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("Andreas Klein"), "the directory's name, not the provider's");
        let out = browser.go("POST", &server.url("/abmelden"), &[]).await;
        assert_eq!((out.status, out.to), (303, Some(server.url("/abgemeldet/vg-bellheim"))));
        assert_eq!(browser.get(&server.url("/aufgaben")).await.status, 303);
        assert!(browser.get(&server.url("/abgemeldet/vg-bellheim")).await.body.contains("/abgemeldet/vg-bellheim/dienst"));
        let end = browser.get(&server.url("/abgemeldet/vg-bellheim/dienst")).await.to.expect("to the provider's end");
        assert!(end.starts_with(&format!("{}/session/end?client_id=laufzettel&post_logout_redirect_uri=", provider.issuer)), "{end}");
        assert_eq!(browser.get(&end).await.status, 200);
    });
    let who = |kind: &str| kinds(&tenant, kind).iter().map(|b| (b["by"]["name"].clone(), b["login"].clone())).collect::<Vec<_>>();
    assert_eq!(who("signin"), [(json!("Andreas Klein"), json!("oidc"))]);
    assert_eq!(who("signout"), [(json!("Andreas Klein"), Value::Null)]);
    server.stop();
}

/// Whoever signs in where another sat ends her session there, and that is on record; the same person goes on.
#[test]
fn who_signs_in_takes_the_place_of_who_was_there() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let browser = Browser::default();
        for person in ["a.klein", "a.klein", "s.weber"] {
            let came = browser.go("POST", &server.url("/anmelden"), &[("person", &format!("vg-bellheim/{person}"))]).await;
            assert_eq!(came.status, 303, "{}", came.body);
        }
    });
    let who = |kind: &str| kinds(&tenant, kind).iter().map(|body| body["by"]["name"].clone()).collect::<Vec<_>>();
    assert_eq!((who("signin").len(), who("signout")), (3, vec![json!("Andreas Klein")]));
    server.stop();
}

/// Of several houses a page has the name of the one it is about, or none; and what is of which house is said.
#[test]
fn pages_of_several_houses_have_no_name_but_their_own() {
    let tenant = crate::disk::house();
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let at = config.rfind("\n    name: ").expect("the second house has a name") + 1;
    let end = at + config[at..].find('\n').expect("a line");
    std::fs::write(tenant.path("laufzettel.yaml"), format!("{}    name: Gemeinde Klein{}", &config[..at], &config[end..])).expect("written");
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let page = async |path: &str| {
            let came = Browser::default().get(&server.url(path)).await;
            assert_eq!(came.status, 200, "{path}");
            came.body
        };
        let head = |page: &str| page.split("<main").next().unwrap_or_default().to_owned();
        let big = "Verbandsgemeinde Bellheim (Demo)";
        let (home, sign_in) = (page("/").await, page("/anmelden").await);
        for page in [&home, &sign_in] {
            assert!(!head(page).contains(big) && !head(page).contains("Gemeinde Klein") && head(page).contains("Laufzettel"), "{page}");
        }
        for (name, house) in [("vg-bellheim", big), ("vg-klein", "Gemeinde Klein")] {
            let form = format!("/antrag/{name}/hundesteuer");
            let (before, after) = home.split_once(&format!("href=\"{form}\"")).unwrap_or_else(|| panic!("{home}"));
            assert!(before.rsplit("<h3>").next().is_some_and(|heading| heading.starts_with(&format!("{house}</h3>"))) && !after.is_empty(), "{home}");
            assert!(head(&page(&form).await).contains(house));
            assert!(sign_in.contains(&format!(" · {house}</span>")), "{sign_in}");
        }
    });
    server.stop();
}

#[test]
fn what_does_not_fit_signs_nobody_in() {
    let (tenant, mut provider, server) = house();
    runtime().block_on(async {
        let refused = |came: &Came, status: u16, words: &str| {
            assert_eq!(came.status, status, "{}", came.body);
            assert!(came.body.contains(words), "{words}: {}", came.body);
            assert!(!came.cookies.iter().any(|c| c.starts_with("laufzettel=")), "no session");
        };
        // another state; the cookie is spent with it
        let browser = Browser::default();
        let first = browser.begin(&server, "/").await;
        let back = browser.at_provider(&provider.issuer, &first, "a.klein").await;
        refused(&browser.get(&back.replace("state=", "state=x")).await, 400, "gilt nicht mehr");
        refused(&browser.get(&back).await, 400, "gilt nicht mehr");
        // another browser has the answer, but not the cookie
        let browser = Browser::default();
        let first = browser.begin(&server, "/").await;
        let back = browser.at_provider(&provider.issuer, &first, "a.klein").await;
        refused(&Browser::default().get(&back).await, 400, "gilt nicht mehr");
        // the same code twice, with the cookie laid back
        let flow = browser.jars.borrow()[&origin(&server.url("/"))].clone();
        assert_eq!(browser.get(&back).await.status, 303);
        let thief = Browser::default();
        thief.jars.borrow_mut().insert(origin(&server.url("/")), flow);
        refused(&thief.get(&back).await, 400, "gilt nicht mehr");
        // a token for another sign-in
        let browser = Browser::default();
        let first = browser.begin(&server, "/").await.replace("nonce=", "nonce=x");
        let back = browser.at_provider(&provider.issuer, &first, "a.klein").await;
        refused(&browser.get(&back).await, 403, "lässt sich nicht bestätigen");
        // somebody the directory does not know, somebody it has locked
        // and whom the provider would send back as the same person again and again
        for (user, words) in [("fremd", "steht nicht im Verzeichnis"), ("o.vogt", "gesperrt")] {
            let browser = Browser::default();
            let came = browser.sign_in(&server, &provider.issuer, user).await;
            refused(&came, 403, words);
            let page = came.body.replace("&#x2f;", "/");
            let other = "/anmelden/dienst/vg-bellheim?neu=1";
            assert!(page.contains(&format!("href=\"{other}\"")) && page.contains("Mit einem anderen Konto anmelden"), "{page}");
            assert!(!browser.begin(&server, "/").await.contains("prompt="));
            let asked = browser.get(&server.url(other)).await.to.expect("the provider");
            assert!(asked.contains("prompt=login"), "{asked}");
            // the provider knows her still, and asks all the same
            let mut at_provider = browser.get(&asked).await;
            while let Some(to) = at_provider.to {
                assert!(to.starts_with(&provider.issuer), "it came back: {to}");
                at_provider = browser.get(&to).await;
            }
            assert!(at_provider.body.contains("name=\"login\""), "{}", at_provider.body);
        }
        // the provider itself says no
        let browser = Browser::default();
        let state = browser.begin(&server, "/").await;
        let state = state.split('&').find_map(|p| p.split_once("state=")).expect("a state").1.to_owned();
        let no = server.url(&format!("/anmelden/dienst/vg-bellheim/zurueck?error=access_denied&state={state}"));
        refused(&browser.get(&no).await, 403, "abgebrochen");
        // gone between the way there and the way back: not a no
        let browser = Browser::default();
        let first = browser.begin(&server, "/").await;
        let back = browser.at_provider(&provider.issuer, &first, "a.klein").await;
        provider.stop();
        refused(&browser.get(&back).await, 503, "nicht möglich");
    });
    let reasons: Vec<Value> = kinds(&tenant, "signin.failed").iter().map(|b| b["reason"].clone()).collect();
    assert_eq!(reasons, [json!("token"), json!("unknown"), json!("disabled")]);
    server.stop();
}

#[test]
fn a_provider_that_is_down_is_not_a_no() {
    let (_tenant, mut provider, server) = house();
    provider.stop();
    runtime().block_on(async {
        let came = Browser::default().get(&server.url("/anmelden/dienst/vg-bellheim")).await;
        assert_eq!(came.status, 503);
        assert!(came.body.contains("Anmelden ist gerade nicht möglich"), "{}", came.body);
    });
    server.stop();
}

async fn ask(server: &Server, method: &str, path: &str, key: &str, body: &Value) -> (u16, Value, Option<String>) {
    let url = server.url(path);
    let request = if method == "POST" { client().post(url).header("content-type", "application/json").body(body.to_string()) } else { client().get(url) };
    let answer = request.header("authorization", key).send().await.expect("an answer");
    let wait = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()).map(str::to_owned);
    (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null), wait)
}

#[test]
fn keys_open_what_they_are_for() {
    let tenant = Tenant::new();
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let config = config.replacen("allow: [\"tool.call:registry", "allow: [\"process.start:hundesteuer-*\", \"tool.call:registry", 1);
    std::fs::write(tenant.path("laufzettel.yaml"), config).expect("written");
    // the shipped process is started on pages only
    let process = std::fs::read_to_string(tenant.path("workflows/hundesteuer.yaml")).expect("the process");
    let open = process.replacen("via: [form]", "via: [form, api]", 1);
    assert_ne!(process, open);
    std::fs::write(tenant.path("workflows/hundesteuer.yaml"), open).expect("written");
    let create = |args: &[&str]| {
        let output = tenant.laufzettel(&[&["keys", "create", "--json"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (told["key"].as_str().expect("an id").to_owned(), format!("Bearer {}", told["token"].as_str().expect("a key")))
    };
    let server = Server::start(&tenant, None).expect("up starts");
    let (_, service) = create(&["--name", "portal", "--service", "svc-intake", "--process", "hundesteuer-*"]);
    let (_, unfit) = create(&["--name", "fach", "--service", "svc-fachverfahren", "--process", "hundesteuer-*"]);
    let (_, person) = create(&["--name", "skript", "--as", "a.klein", "--process", "hundesteuer-*"]);
    let (_, other) = create(&["--name", "anderes", "--as", "a.klein", "--process", "wohngeld"]);
    let (_, stranger) = create(&["--name", "ohne-recht", "--as", "j.wolf", "--process", "*"]);
    let (revoked_id, revoked) = create(&["--name", "alt", "--as", "a.klein", "--process", "*"]);
    let (_, expired) = create(&["--name", "kurz", "--as", "a.klein", "--process", "*", "--expires", "PT0.001S"]);
    let (_, slow) = create(&["--name", "langsam", "--as", "a.klein", "--process", "*", "--per-minute", "2"]);
    assert_eq!(tenant.laufzettel(&["keys", "revoke", &revoked_id]).status.code(), Some(0));
    assert_eq!(tenant.laufzettel(&["keys", "revoke", &revoked_id]).status.code(), Some(2), "once");
    for (args, exit) in [
        (&["--name", "x", "--service", "gibt-es-nicht", "--process", "*"][..], 2),
        (&["--name", "x", "--as", "niemand", "--process", "*"], 4),
        (&["--name", "x", "--as", "o.vogt", "--process", "*"], 4),
        (&["--name", "x", "--as", "a.klein"], 2),
        (&["--name", "x", "--process", "*"], 2),
        (&["--name", "x", "--as", "a.klein", "--process", "*", "--expires", "P3Y"], 2),
        (&["--name", "x", "--as", "a.klein", "--process", "*", "--expires", "bald"], 2),
        (&["--name", " ", "--as", "a.klein", "--process", "*"], 2),
    ] {
        let output = tenant.laufzettel(&[&["keys", "create"], args].concat());
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {}", text(&output));
    }
    let input: Value = serde_json::from_str(&std::fs::read_to_string(demo("antrag.json")).expect("the demo")).expect("JSON");
    let (start, list) = ("/api/v1/processes/hundesteuer-anmeldung/runs", "/api/v1/runs");
    let mut wrong = person.clone();
    let last = if wrong.pop() == Some('0') { '1' } else { '0' };
    wrong.push(last);
    runtime().block_on(async {
        for (method, path, key, status) in [
            ("GET", "/api/v1/processes", person.as_str(), 200),
            ("GET", "/api/v1/processes", "", 401),
            ("GET", "/api/v1/processes", "Bearer ", 401),
            ("GET", "/api/v1/processes", "Bearer lz_vg-bellheim_000000000000_00", 401),
            ("GET", "/api/v1/processes", wrong.as_str(), 401),
            ("GET", "/api/v1/processes", &person.replace("vg-bellheim", "vg-anderswo"), 401),
            ("GET", "/api/v1/processes", &person.replace("Bearer", "Basic"), 401),
            ("GET", "/api/v1/processes", &revoked, 401),
            ("GET", "/api/v1/processes", &expired, 401),
            ("POST", start, &service, 202),
            ("POST", start, &person, 202),
            ("POST", start, &unfit, 403),
            ("POST", start, &other, 403),
            ("POST", start, &stranger, 403),
            ("POST", "/api/v1/processes/gibt-es-nicht/runs", &stranger, 404),
            ("GET", list, &service, 200),
            ("GET", "/api/v1/tasks", &person, 200),
        ] {
            let (found, body, _) = ask(&server, method, path, key, &input).await;
            assert_eq!(found, status, "{method} {path} with {key}: {body}");
        }
        // the account sees what it started; a key sees nothing beyond its processes
        let rows = |body: &Value, name: &str| body[name].as_array().map_or(0, Vec::len);
        assert_eq!(rows(&ask(&server, "GET", list, &service, &json!({})).await.1, "runs"), 1);
        assert_eq!(rows(&ask(&server, "GET", list, &other, &json!({})).await.1, "runs"), 0);
        assert_eq!(rows(&ask(&server, "GET", "/api/v1/processes", &other, &json!({})).await.1, "processes"), 0);
        let run = ask(&server, "GET", list, &person, &json!({})).await.1["runs"][0]["run"].as_str().expect("a run").to_owned();
        assert_eq!(ask(&server, "GET", &format!("/api/v1/runs/{run}"), &other, &json!({})).await.0, 403);
        // only what may be started on this way
        let catalogue = async |key: &str| {
            let (_, body, _) = ask(&server, "GET", "/api/v1/processes", key, &json!({})).await;
            body["processes"].as_array().expect("a list").iter().map(|p| p["id"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(catalogue(&service).await, [json!("hundesteuer-anmeldung")]);
        assert_eq!(catalogue(&person).await, [json!("hundesteuer-anmeldung")]);
        assert_eq!((catalogue(&unfit).await, catalogue(&stranger).await), (vec![], vec![]));
        let rules: Vec<Value> =
            ["start.denied", "run.denied"].map(|kind| kinds(&tenant, kind)).concat().iter().map(|b| b["decision"]["rule"].clone()).collect();
        assert_eq!(rules.iter().filter(|rule| **rule == "key.processes").count(), 2, "{rules:?}");
        // no page takes a key
        assert_eq!(ask(&server, "GET", "/aufgaben", &person, &json!({})).await.0, 303);
        // over its rate
        for _ in 0..2 {
            assert_eq!(ask(&server, "GET", list, &slow, &json!({})).await.0, 200);
        }
        let (status, _, wait) = ask(&server, "GET", list, &slow, &json!({})).await;
        assert_eq!(status, 429);
        assert!(wait.and_then(|w| w.parse::<u64>().ok()).is_some_and(|s| (1..=31).contains(&s)));
    });
    gates_stay_shut(&tenant, &server, &person);
    let listed = tenant.laufzettel(&["keys", "list"]);
    assert!(text(&listed).contains("gesperrt") && !text(&listed).contains(person.trim_start_matches("Bearer ")), "{}", text(&listed));
    let shown = tenant.laufzettel(&["audit", "show", "--json"]);
    assert!(!text(&shown).contains(person.trim_start_matches("Bearer ")), "a key stands nowhere");
    assert!(text(&shown).contains("Andreas Klein (Schlüssel skript) hat den Vorgang"), "{}", text(&shown));
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
    server.stop();
}

/// A key of the very person who may decide cannot decide.
fn gates_stay_shut(tenant: &Tenant, server: &Server, key: &str) {
    let task = crate::desk::until("a task is open", || {
        let tasks = tenant.laufzettel(&["tasks", "list", "--as", "a.klein", "--json"]);
        let line = String::from_utf8_lossy(&tasks.stdout).lines().next().map(str::to_owned)?;
        serde_json::from_str::<Value>(&line).ok()?["task"].as_str().map(str::to_owned)
    });
    let shown = tenant.laufzettel(&["tasks", "show", &task, "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    let mut values: Value = serde_json::from_str(&std::fs::read_to_string(demo("entscheidung.json")).expect("the demo")).expect("JSON");
    values.as_object_mut().expect("an object").remove("by");
    let (status, body, _) =
        runtime().block_on(ask(server, "POST", &format!("/api/v1/tasks/{task}/complete"), key, &json!({ "shown": shown["shown"], "values": values })));
    assert_eq!((status, body["page"].clone()), (403, json!(format!("/aufgaben/{task}"))), "{body}");
}

#[test]
fn forms_of_other_sites_are_refused_everywhere() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    let source = std::fs::read_to_string(root().join("orchestrator/server/src/routes.rs")).expect("the routes");
    let posts: Vec<String> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("route(\"")?.split_once('"').filter(|(_, rest)| rest.contains("post(")).map(|(path, _)| path.to_owned()))
        .collect();
    assert!(posts.len() >= 11, "{posts:?}");
    runtime().block_on(async {
        for path in posts {
            let url = server.url(&path.replace("{tenant}", "vg-bellheim").replace("{path}", "hundesteuer").replace(['{', '}'], ""));
            for (name, value) in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://anderswo.example")] {
                let answer = client().post(&url).header(name, value).body("").send().await.expect("an answer");
                assert_eq!(answer.status().as_u16(), 403, "{path} {name}: {value}");
                assert!(answer.headers().get("set-cookie").is_none(), "{path}");
            }
        }
    });
    server.stop();
}

#[test]
fn users_are_shown_with_what_they_may_do() {
    let tenant = Tenant::new();
    let listed = tenant.laufzettel(&["users", "list", "--json"]);
    let known = std::fs::read_to_string(tenant.path("directory.yaml")).expect("the directory").matches("    upn: ").count();
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), known, "{}", text(&listed));
    let shown = tenant.laufzettel(&["users", "show", "a.klein", "--json"]);
    let told: Value = serde_json::from_slice(&shown.stdout).unwrap_or_else(|_| panic!("{}", text(&shown)));
    assert_eq!(told["groups"], json!(["GG-Finanzen", "GG-Mitarbeiter", "GG-Steueramt"]));
    let right = |action: &str| told["rights"].as_array().expect("rights").iter().find(|r| r["action"] == action).map(|r| r["allow"].clone());
    for (action, allow) in
        [("process.start:hundesteuer-anmeldung", true), ("tool.call:dms/suchen", true), ("models.use", true), ("audit.read", false), ("admin", false)]
    {
        assert_eq!(right(action), Some(json!(allow)), "{action}");
    }
    assert_eq!(tenant.laufzettel(&["users", "show", "o.vogt"]).status.code(), Some(4));
    assert_eq!(tenant.laufzettel(&["users", "show", "niemand"]).status.code(), Some(2));
}
