//! Lists page by page, what has not changed, and keys.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Asked, house, key};
use crate::desk::{Server, runtime, text};

/// Every entry of a list, by the links from page to page; and how many pages there were.
async fn all(server: &Server, path: &str, name: &str, headers: &[(&str, String)]) -> (Vec<Value>, usize) {
    let (mut found, mut next, mut pages) = (Vec::new(), path.to_owned(), 0);
    loop {
        let page = Asked::get(&server.url(&next), headers).await;
        assert_eq!(page.status, 200, "{}", page.text);
        found.extend(page.body[name].as_array().expect("a list").clone());
        pages += 1;
        let link = page.header("link");
        assert_eq!(link.is_empty(), page.body["next"].is_null(), "{link}");
        let Some(target) = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")) else { return (found, pages) };
        assert!(target.ends_with(&format!("cursor={}", page.body["next"].as_str().expect("a cursor"))), "{target}");
        next = target.to_owned();
    }
}

#[test]
fn lists_come_page_by_page_and_a_page_is_hers() {
    let tenant = house();
    let server = Server::start(&tenant, None).expect("up starts");
    let of = |args: &[&str]| vec![("authorization", key(&tenant, &[args, &["--per-minute", "6000"]].concat()))];
    let (klein, stranger) = (of(&["--as", "a.klein", "--process", "doppelt"]), of(&["--as", "j.wolf", "--process", "*"]));
    runtime().block_on(async {
        let start = async |n: i64| {
            Asked::post(&server.url("/api/v1/processes/doppelt/runs"), &[klein.clone(), vec![("prefer", "wait=5".to_owned())]].concat(), &json!({ "n": n }))
                .await
        };
        let mut runs = Vec::new();
        for n in 1..=7 {
            // two of them wait for a person
            let started = start(if n > 5 { 99 } else { n }).await;
            runs.push(started.body["run"].as_str().expect("a run").to_owned());
        }
        runs.reverse();
        let ids = |list: &[Value]| list.iter().map(|row| row["run"].as_str().expect("a run").to_owned()).collect::<Vec<_>>();
        let (listed, pages) = all(&server, "/api/v1/runs?limit=3&process=doppelt", "runs", &klein).await;
        assert_eq!((ids(&listed), pages), (runs.clone(), 3), "newest first, each once");
        for (query, expected) in [
            ("state=completed", &runs[2..]),
            ("state=waiting&unit=FB2-Steueramt", &runs[..2]),
            ("state=stuck", &[]),
            ("unit=FB9", &[]),
            ("process=anderer", &[]),
            (&format!("nummer={}", listed[3]["nummer"].as_str().expect("a number")), &runs[3..4]),
        ] {
            assert_eq!(ids(&all(&server, &format!("/api/v1/runs?{query}"), "runs", &klein).await.0), expected, "{query}");
        }
        assert_eq!(all(&server, "/api/v1/runs", "runs", &stranger).await, (vec![], 1), "what is not hers takes no place");
        // added while somebody reads: no row twice, none lost
        let first = Asked::get(&server.url("/api/v1/runs?limit=4"), &klein).await.body;
        start(1).await;
        let rest = Asked::get(&server.url(&format!("/api/v1/runs?cursor={}", first["next"].as_str().expect("a cursor"))), &klein).await.body;
        let both: Vec<String> = [ids(first["runs"].as_array().expect("a list")), ids(rest["runs"].as_array().expect("a list"))].concat();
        assert_eq!(both, runs);
        let (tasks, pages) = all(&server, "/api/v1/tasks?limit=1&process=doppelt", "tasks", &klein).await;
        assert_eq!((tasks.len(), pages, ids(&tasks).into_iter().collect::<BTreeSet<_>>()), (2, 2, runs[..2].iter().cloned().collect()));
        for wrong in [
            "runs?limit=0",
            "runs?limit=501",
            "runs?limit=viele",
            "runs?cursor=x",
            "runs?state=fertig",
            "runs?zustand=x",
            "tasks?open=ja",
            "tasks?cursor=bnVsbA",
        ] {
            let told = Asked::get(&server.url(&format!("/api/v1/{wrong}")), &klein).await;
            assert_eq!((told.status, told.header("content-type")), (400, "application/problem+json"), "{wrong}: {}", told.text);
        }
        unchanged(&server, &runs[0], &klein, &stranger).await;
    });
    let listed = tenant.laufzettel(&["runs", "list", "--process", "doppelt", "--state", "completed", "--limit", "4", "--json"]);
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 4, "{}", text(&listed));
    let viewed = tenant.laufzettel(&["audit", "show", "--kind", "content.viewed", "--json"]);
    let waiting = String::from_utf8_lossy(&viewed.stdout).lines().filter(|line| line.contains("doppelt") || line.contains("api")).count();
    assert!(waiting > 0, "{}", text(&viewed));
    server.stop();
}

/// Whoever asks again and again hears that nothing has changed, under the same rights.
async fn unchanged(server: &Server, run: &str, klein: &[(&str, String)], stranger: &[(&str, String)]) {
    let ask = async |path: &str, who: &[(&str, String)], tag: &str| Asked::get(&server.url(path), &[who, &[("if-none-match", tag.to_owned())]].concat()).await;
    let run = format!("/api/v1/runs/{run}");
    for path in [run.as_str(), "/api/v1/processes"] {
        let first = Asked::get(&server.url(path), klein).await;
        let tag = first.header("etag").to_owned();
        let again = ask(path, klein, &format!("\"x\", {tag}")).await;
        assert_eq!((first.status, again.status, again.text.as_str(), again.header("etag")), (200, 304, "", tag.as_str()), "{path}");
        assert_eq!(ask(path, klein, "\"x\"").await.status, 200);
    }
    let tag = Asked::get(&server.url(&run), klein).await.header("etag").to_owned();
    assert_eq!(ask(&run, stranger, &tag).await.status, 404);
    let cancelled = Asked::post(&server.url(&format!("{run}/cancel")), klein, &json!({ "reason": "erledigt" })).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    assert_eq!(ask(&run, klein, &tag).await.status, 200, "it has moved");
}

/// An erasure is no record of the run, and is a change all the same.
#[test]
fn what_was_erased_has_changed() {
    let tenant = house();
    let server = Server::start(&tenant, None).expect("up starts");
    let klein = [("authorization", key(&tenant, &["--as", "a.klein", "--process", "doppelt"])), ("prefer", "wait=5".to_owned())];
    let ask = |url: String, more: &[(&'static str, String)]| {
        let headers = [&klein[..], more].concat();
        runtime().block_on(async move { Asked::get(&url, &headers).await })
    };
    let started = runtime().block_on(Asked::post(&server.url("/api/v1/processes/doppelt/runs"), &klein, &json!({ "n": 2 })));
    let run = server.url(&format!("/api/v1/runs/{}", started.body["run"].as_str().expect("a run")));
    let tag = ask(run.clone(), &[]).header("etag").to_owned();
    let seen = [("if-none-match", tag)];
    assert_eq!(ask(run.clone(), &seen).status, 304);
    let nummer = started.body["nummer"].as_str().expect("a number");
    let erased = tenant.laufzettel(&["audit", "erase", nummer, "--reason", "x", "--as", "d.braun"]);
    assert_eq!(erased.status.code(), Some(0), "{}", text(&erased));
    let now = ask(run, &seen);
    assert!(now.status == 200 && now.body["content_erased_at"].is_string(), "{} {}", now.status, now.text);
    server.stop();
}

/// What the interface says of itself is what the program knows of it.
#[test]
fn the_interface_describes_itself() {
    let tenant = house();
    let server = Server::start(&tenant, None).expect("up starts");
    let told = runtime().block_on(Asked::get(&server.url("/api/openapi.json"), &[]));
    assert_eq!((told.status, told.body), (200, laufzettel_server::describe()));
    server.stop();
}

/// What stops opening stops at once; what never opened anything is soon not looked at any more, and holds up nobody else.
#[test]
fn a_revoked_key_opens_nothing_and_wrong_ones_are_held_up() {
    let tenant = house();
    let server = Server::start(&tenant, None).expect("up starts");
    let (good, other) = (key(&tenant, &["--as", "a.klein", "--process", "*"]), key(&tenant, &["--as", "a.klein", "--process", "*"]));
    let ask = |token: &str| {
        let (url, headers) = (server.url("/api/v1/runs"), [("authorization", token.to_owned())]);
        runtime().block_on(async move { Asked::get(&url, &headers).await })
    };
    assert_eq!((ask(&good).status, ask(&other).status), (200, 200));
    let id = other.split('_').nth(2).expect("an id").to_owned();
    assert_eq!(tenant.laufzettel(&["keys", "revoke", &id, "--as", "a.klein"]).status.code(), Some(0));
    assert_eq!((ask(&good).status, ask(&other).status), (200, 401));
    let wrong = format!("{}0", &good[..good.len() - 1]);
    let told: Vec<u16> = (0..31).map(|_| ask(if wrong == good { "Bearer lz_x" } else { &wrong }).status).collect();
    assert_eq!((told[0], told[28], told[30]), (401, 401, 429));
    let held = ask("Bearer unsinn");
    assert!(held.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds <= 900), "{:?}", held.headers);
    assert_eq!((held.status, ask(&good).status), (429, 200), "whoever holds a key is not held up");
    let fresh = key(&tenant, &["--as", "a.klein", "--process", "*"]);
    assert_eq!(ask(&fresh).status, 200, "nor is a new one");
    server.stop();
}
