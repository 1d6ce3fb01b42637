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
                    let leads = answer.headers().get("location").and_then(|v| v.to_str().ok()).unwrap_or_default();
                    assert!(status == 405 || (status == 303 && leads.starts_with("/anmelden?")), "{method} {path}: {status} {leads}");
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
    assert_eq!(rest, ["nosniff", "no-referrer", "DENY"], "{route}");
    let open = route.starts_with("/static/") || route.starts_with("/.well-known/") || route == "/api/openapi.json";
    assert!(open || header("cache-control").contains("no-store"), "{route}: {}", header("cache-control"));
    for cookie in answer.headers().get_all("set-cookie").iter().filter_map(|v| v.to_str().ok()) {
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite="), "{route}: {cookie}");
    }
}
