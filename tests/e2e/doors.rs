//! Every route of the router, tried from outside: nothing of it opens to nobody, to a foreign page, or to somebody without the right;
//! and every answer carries what keeps a browser from doing more than it should.

use reqwest::{Method, Response};

use crate::{
    desk::{Server, Tenant, client, runtime},
    views::sign_in,
};

use laufzettel_server::{Needs, routes};

/// A plausible address of a route: ids that exist nowhere, in the shape of those that do.
fn address(template: &str) -> String {
    let filled = [
        ("{tenant}", "vg-bellheim"),
        ("{path}", "hundesteuer"),
        ("{code}", "AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH"),
        ("{task}", "01890a5d-ac96-774b-bcce-b302099a8057.1"),
        ("{run}", "01890a5d-ac96-774b-bcce-b302099a8057"),
        ("{file}", "0000"),
        ("{name}", "bescheid"),
        ("{provider}", "bundid"),
        ("{lane}", "1"),
        ("{seq}", "1"),
        ("{id}", "hundesteuer-anmeldung"),
    ];
    let path = filled.iter().fold(template.to_owned(), |path, (hole, value)| path.replace(hole, value));
    assert!(!path.contains('{'), "a part of an address nobody knows here: {path}");
    path
}

async fn ask(server: &Server, method: Method, path: &str, origin: &str, cookie: &str) -> Response {
    let request = client().request(method, server.url(path)).header("origin", origin).header("cookie", cookie);
    let body = format!("{}=Probe", laufzettel_server::pages::REASON);
    request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.expect("an answer")
}

#[test]
fn nothing_opens_to_nobody_or_to_a_foreign_page() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let home = server.url("");
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        for route in routes() {
            let path = address(route.path);
            for method in [Method::GET, Method::POST] {
                let answer = ask(&server, method.clone(), &path, &home, "").await;
                hardened(route.path, &answer);
                let status = answer.status().as_u16();
                if matches!(route.needs, Needs::Person | Needs::Session) {
                    let leads = answer.headers().get("location").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
                    let page = answer.text().await.unwrap_or_default();
                    // what was typed is given back, and nothing else
                    let kept = method == Method::POST && status == 403 && page.contains("value=\"Probe\"") && page.contains("Sie sind nicht mehr angemeldet");
                    assert!(
                        status == 405 || kept || (method == Method::GET && status == 303 && leads.starts_with("/anmelden?")),
                        "{method} {path}: {status} {leads}"
                    );
                }
                if route.needs == Needs::Key {
                    assert!([401, 405].contains(&status), "{method} {path}: {status}");
                }
            }
            // whoever is signed in and reads a foreign page must not act by it
            for (origin, cookie) in [("http://evil.example", clerk.as_str()), ("null", clerk.as_str()), ("http://evil.example", "")] {
                let status = ask(&server, Method::POST, &path, origin, cookie).await.status().as_u16();
                assert_eq!(status, 403, "POST {path} from {origin}");
            }
        }
    });
    server.stop();
}

/// What is asked for in a way nobody means: another method, an address that does not read, a body that is none.
fn mistaken(route: &str) -> Vec<(Method, String, &'static str, Vec<u8>)> {
    let (path, form) = (address(route), "application/x-www-form-urlencoded");
    let broken = path.rsplit_once('/').map_or_else(String::new, |(before, _)| format!("{before}/%FF%00"));
    let mut all = vec![
        (Method::DELETE, path.clone(), form, Vec::new()),
        (Method::PUT, path.clone(), form, Vec::new()),
        (Method::GET, broken.clone(), form, Vec::new()),
        (Method::POST, broken, form, Vec::new()),
        (Method::GET, format!("{path}?ab=%FF&seite=%zz&=&nach=%"), form, Vec::new()),
        (Method::GET, format!("{path}/gibt-es-nicht"), form, Vec::new()),
    ];
    for (kind, body) in [
        ("application/json", b"{".to_vec()),
        ("text/plain", b"x".to_vec()),
        (form, b"%FF=%FF&=".to_vec()),
        ("multipart/form-data", b"x".to_vec()),
        ("multipart/form-data; boundary=b", b"--b\r\nunsinn".to_vec()),
        (form, vec![b'x'; 1_100_000]),
    ] {
        all.push((Method::POST, path.clone(), kind, body));
    }
    all
}

/// Every refusal is said in words of this house: on a page by a page, with name and ways of whoever is signed in; on the interface by
/// a problem document. What the framework says of itself, in English and without a way on, reaches nobody.
#[test]
fn nobody_reads_the_framework() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let home = server.url("");
        let mut statuses = std::collections::BTreeSet::new();
        for route in routes() {
            let machinery = ["/static/", "/.well-known/", "/healthz", "/readyz", "/metrics"].iter().any(|start| route.path.starts_with(start));
            let interface = ["/api/", "/hooks/", "/events/"].iter().any(|start| route.path.starts_with(start));
            // one of the routes signs her out
            let cookie = sign_in(&server, "d.braun").await.expect("signed in");
            for ((method, path, kind, body), inside) in mistaken(route.path).into_iter().flat_map(|asked| [(asked.clone(), false), (asked, true)]) {
                let request = client().request(method.clone(), server.url(&path)).header("origin", &home).header("content-type", kind).body(body);
                let request = if inside { request.header("cookie", &cookie) } else { request };
                // a body nobody reads to its end may break the connection off
                let Ok(answer) = request.send().await else { continue };
                let (status, what) = (answer.status().as_u16(), format!("{method} {path} {kind} {inside}"));
                let media = answer.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
                if status < 400 || machinery || path.is_empty() {
                    continue;
                }
                statuses.insert(status);
                let text = answer.text().await.unwrap_or_default();
                if interface {
                    assert_eq!(media, "application/problem+json", "{what}: {status} {text}");
                    continue;
                }
                assert_eq!(media, "text/html; charset=utf-8", "{what}: {status} {text}");
                assert!(text.contains("<html lang=\"de\">") && text.matches("<h1>").count() == 1, "{what}: {text}");
                for english in ["Invalid", "Failed", "Method", "Expected", "deserialize", "length limit"] {
                    assert!(!text.contains(english), "{what}: {text}");
                }
            }
        }
        assert!([400, 404, 405, 413, 415].iter().filter(|status| statuses.contains(status)).count() >= 4, "{statuses:?}");
        // may read the journal, may erase, may not look after the house
        let cookie = sign_in(&server, "d.braun").await.expect("signed in");
        for path in ["/gibt-es-nicht", "/vorgaenge/%FF", "/betrieb", "/prozesse/gibt-es-nicht"] {
            let (status, page) = crate::views::get(&server, &cookie, path).await;
            let page = page.replace("&#x2f;", "/");
            assert!([400, 403, 404].contains(&status), "{path}: {status}");
            for words in ["Doris Braun", "href=\"/aufgaben\"", "href=\"/protokoll\"", "Was können Sie tun?", &format!("Fehlernummer {status}")] {
                assert!(page.contains(words), "{path}: no {words} in {page}");
            }
            assert!(!page.contains("href=\"/betrieb\""), "{path}: {page}");
        }
        let (_, english) = crate::views::get(&server, &format!("{cookie}; sprache=en"), "/vorgaenge/%FF").await;
        assert!(english.contains("This could not be read") && english.contains("Error number 400"), "{english}");
        let foreign = ask(&server, Method::POST, "/abmelden", "http://evil.example", &cookie).await;
        let page = foreign.text().await.expect("a page");
        assert!(page.contains("von einer fremden Seite"), "{page}");
        let renamed = client().get(server.url("/aufgaben")).header("host", "evil.example").header("cookie", &cookie).send().await.expect("an answer");
        assert_eq!(renamed.status().as_u16(), 421);
        let page = renamed.text().await.expect("a page");
        assert!(page.contains("nicht erreichbar") && !page.contains("Braun"), "{page}");
    });
    server.stop();
}

/// Every page leads everywhere its reader may go, and nowhere else.
#[test]
fn ways_are_the_same_on_every_page() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        for (person, audit, operation) in [("a.klein", false, false), ("d.braun", true, false), ("i.yilmaz", false, true), ("h.fuchs", false, false)] {
            let cookie = sign_in(&server, person).await.expect("signed in");
            for path in ["/", "/aufgaben", "/vorgaenge", "/prozesse", "/vertretung", "/protokoll", "/betrieb", "/gibt-es-nicht"] {
                let (status, page) = crate::views::get(&server, &cookie, path).await;
                let page = page.replace("&#x2f;", "/");
                let nav = page.split("<nav class=\"nav\"").nth(1).and_then(|rest| rest.split("</nav>").next()).unwrap_or_default().to_owned();
                for (way, expected) in [("/aufgaben", true), ("/vorgaenge", true), ("/prozesse", true), ("/protokoll", audit), ("/betrieb", operation)] {
                    assert_eq!(nav.contains(&format!("href=\"{way}\"")), expected, "{person} {path} {status}: {nav}");
                }
            }
            // nothing that is shown is closed
            for (way, open) in [("/protokoll", audit), ("/betrieb", operation)] {
                let (status, _) = crate::views::get(&server, &cookie, way).await;
                assert_eq!(status == 200, open, "{person} {way}: {status}");
            }
        }
    });
    server.stop();
}

/// Signed in, and nothing else: no group, no grant.
#[test]
fn a_sign_in_alone_is_no_right() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let (home, cookie) = (server.url(""), sign_in(&server, "h.fuchs").await.expect("signed in"));
        for route in routes().into_iter().filter(|route| matches!(route.needs, Needs::Person | Needs::Key)) {
            for method in [Method::GET, Method::POST] {
                let answer = ask(&server, method.clone(), &address(route.path), &home, &cookie).await;
                let status = answer.status().as_u16();
                let streams = answer.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
                let page = if streams { String::new() } else { answer.text().await.unwrap_or_default() };
                // lists are there and empty; all else is not found, not hers, or not even a request
                let list = method == Method::GET && !route.path.contains('{');
                assert!(list || [400, 401, 403, 404, 405, 415, 422].contains(&status), "{method} {}: {status} {page}", route.path);
                assert!(!page.contains("/vorgaenge/0"), "{method} {}: {page}", route.path);
            }
        }
    });
    server.stop();
}

/// OWASP's list for pages, as far as it is not obsolete; nothing is kept but what is the same for everybody.
fn hardened(route: &str, answer: &Response) {
    let header = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let policy = header("content-security-policy");
    for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{route}: {policy}");
    }
    for part in ["unsafe", "http:", "https:", "data:", "*"] {
        assert!(!policy.contains(part), "{route}: {policy}");
    }
    let rest = ["x-content-type-options", "referrer-policy", "x-frame-options"].map(header);
    assert_eq!(rest, ["nosniff", "same-origin", "DENY"], "{route}");
    let open = route.starts_with("/static/") || route.starts_with("/.well-known/") || ["/api/openapi.json", "/favicon.ico"].contains(&route);
    // an application may be gone back to, by whoever filled it in
    let kept = if route == "/antrag/{tenant}/{path}" { "private, no-cache" } else { "no-store" };
    assert!(open || [kept, "no-store"].contains(&header("cache-control")), "{route}: {}", header("cache-control"));
    for cookie in answer.headers().get_all("set-cookie").iter().filter_map(|v| v.to_str().ok()) {
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite="), "{route}: {cookie}");
    }
}
