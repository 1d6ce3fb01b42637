//! Whoever looks at a case is on record, or sees nothing; whoever answers what is not hers is on record, too.

use serde_json::Value;

use crate::{
    desk::{Server, Tenant, client, demo, runtime, text, until},
    stand,
};

/// Signed in by the demo's page: the cookie, or the status that came instead.
pub async fn sign_in(server: &Server, user: &str) -> Result<String, u16> {
    let form = format!("person=vg-bellheim/{user}");
    let request =
        client().post(server.url("/anmelden")).header("origin", server.url("")).header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer = request.send().await.expect("an answer");
    let cookie = answer.headers().get("set-cookie").and_then(|v| v.to_str().ok()).and_then(|v| v.split(';').next()).map(str::to_owned);
    cookie.filter(|cookie| cookie.starts_with("laufzettel=")).ok_or(answer.status().as_u16())
}

pub async fn get(server: &Server, cookie: &str, path: &str) -> (u16, String) {
    let answer = client().get(server.url(path)).header("cookie", cookie).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.unwrap_or_default())
}

/// A run with an open task: its id, and the task's.
fn waiting(tenant: &Tenant) -> (String, String) {
    let started = tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &demo("antrag.json"), "--as", "applicant", "--until-waiting", "--json"]);
    assert_eq!(started.status.code(), Some(7), "{}", text(&started));
    let tasks = tenant.laufzettel(&["tasks", "list", "--json"]);
    let task: Value = serde_json::from_slice(&tasks.stdout).unwrap_or_else(|_| panic!("{}", text(&tasks)));
    let task = task["task"].as_str().expect("a task").to_owned();
    (task.split_once('.').expect("run and number").0.to_owned(), task)
}

#[test]
fn what_cannot_be_recorded_is_not_shown_and_lets_nobody_in() {
    let tenant = Tenant::new();
    let (run, task) = waiting(&tenant);
    let (mut kept_out, mut hidden) = (0, 0);
    // the record refused is the first after the start, the second …: among them the sign-in and both views
    for n in 1..=6 {
        let server = Server::start(&tenant, Some(&format!("record.before_append=error@{n}"))).expect("up starts");
        runtime().block_on(async {
            match sign_in(&server, "a.klein").await {
                Err(status) => {
                    assert_eq!(status, 503);
                    kept_out += 1;
                }
                Ok(cookie) => {
                    for path in [format!("/vorgaenge/{run}"), format!("/aufgaben/{task}")] {
                        let (status, body) = get(&server, &cookie, &path).await;
                        assert_eq!(body.contains("Hofmann"), status == 200, "{path}: {status}");
                        hidden += usize::from(status == 503);
                    }
                }
            }
        });
        server.stop();
    }
    assert_eq!((kept_out, hidden), (1, 2), "each of the three was refused once");
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

/// A form that comes when nobody is signed in any more does nothing and loses nothing; sent once more, it counts.
#[test]
fn what_was_typed_outlives_the_session() {
    let tenant = Tenant::new();
    let (_, task) = waiting(&tenant);
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let path = format!("/aufgaben/{task}");
        // as large as a form with its files may be
        let scan = vec![b'x'; 3 * 1024 * 1024];
        let fields = [("shown", "x"), ("bemerkung", "Dreimal nachgefragt"), ("entscheidung", "festsetzen")];
        let kept = stand::send(&server, "", &path, &fields, Some(("scan", "scan.pdf", &scan))).await;
        for told in [
            "Sie sind nicht mehr angemeldet",
            "value=\"Dreimal nachgefragt\"",
            "value=\"festsetzen\"",
            "href=\"/anmelden\"",
            "Dateien konnten wir nicht aufheben",
        ] {
            assert!(kept.code == 403 && kept.page.contains(told), "{told}: {} {}", kept.code, kept.page);
        }
        // why she takes a task over is typed, too; where nothing was typed, nothing needs to be kept
        let reason = stand::send(&server, "", &path, &[("_schritt", "uebernehmen"), ("_grund", "Vertretung")], None).await;
        assert!(reason.code == 403 && reason.page.contains("value=\"Vertretung\""), "{} {}", reason.code, reason.page);
        let nothing = stand::send(&server, "", &path, &[("_schritt", "uebernehmen"), ("shown", "x")], None).await;
        assert_eq!(nothing.code, 303, "{}", nothing.page);
        let cookie = sign_in(&server, "a.klein").await.expect("signed in");
        let again = stand::send(&server, &cookie, &path, &fields, None).await;
        assert!(again.code == 422 && again.page.contains("Dreimal nachgefragt"), "{} {}", again.code, again.page);
        // a scan is not too large for a task
        let large = stand::send(&server, &cookie, &path, &fields, Some(("scan", "scan.pdf", &scan))).await;
        assert_eq!(large.code, 422, "{}", large.page);
    });
    server.stop();
    // whatever led to the page, it was looked at
    let viewed = tenant.laufzettel(&["audit", "show", "--kind", "content.viewed"]);
    assert_eq!(String::from_utf8_lossy(&viewed.stdout).lines().count(), 2, "{}", text(&viewed));
}

#[test]
fn an_answer_to_a_task_of_others_is_refused_and_on_record() {
    let tenant = Tenant::new();
    let (_, task) = waiting(&tenant);
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let cookie = sign_in(&server, "j.wolf").await.expect("signed in");
        assert_eq!(get(&server, &cookie, &format!("/aufgaben/{task}")).await.0, 404, "not hers: not there");
        let post = client().post(server.url(&format!("/aufgaben/{task}"))).header("origin", server.url("")).header("cookie", &cookie);
        let answer = post.header("content-type", "application/x-www-form-urlencoded").body("entscheidung=festsetzen").send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 404);
    });
    let denied = until("the denial is on record", || {
        let shown = tenant.laufzettel(&["audit", "show", "--kind", "task.denied"]);
        Some(String::from_utf8_lossy(&shown.stdout).into_owned()).filter(|lines| !lines.is_empty())
    });
    assert!(denied.contains("Julia Wolf durfte eine Aufgabe nicht erledigen"), "{denied}");
    server.stop();
}
