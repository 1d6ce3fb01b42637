//! A tool server on another machine: over HTTP, believing the keys our server publishes.

mod adapter;

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use crate::desk::{Server, Tenant, client, runtime, text, until};

fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

/// The archive as a program of its own. Killed when dropped.
struct Archive(Child);

impl Archive {
    fn start(tenant: &Tenant, at: u16, server: u16, audience: &str) -> Self {
        let (http, keys) = (format!("127.0.0.1:{at}"), format!("http://127.0.0.1:{server}/.well-known/jwks/vg-bellheim"));
        let args = ["mcp", "dms", "--data", "laufzettel-data/dms", "--http", &http, "--jwks-url", &keys, "--audience", audience, "--tenant", "vg-bellheim"];
        let child = tenant.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the archive starts");
        until("the archive listens", || TcpStream::connect(&http).ok());
        Self(child)
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The demo tenant with its archive over HTTP.
fn remote(at: u16) -> Tenant {
    let tenant = Tenant::new();
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let local =
        "        stdio: [laufzettel, mcp, dms, --data, ./dms]\n        identity: delegation\n        sandbox: { write: [./dms], read: [], network: none }\n";
    let there = format!("        http: http://127.0.0.1:{at}/mcp\n        identity: delegation\n");
    assert!(config.contains(local));
    std::fs::write(tenant.path("laufzettel.yaml"), config.replace(local, &there)).expect("written");
    tenant
}

#[test]
fn an_archive_over_http_files_under_our_published_key() {
    let (at, home) = (port(), port());
    let tenant = remote(at);
    let archive = Archive::start(&tenant, at, home, "dms");
    let server = Server::start_at(&tenant, home).expect("up starts");
    let published: Value = runtime().block_on(async {
        let answer = client().get(server.url("/.well-known/jwks/vg-bellheim")).send().await.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "application/jwk-set+json");
        assert_eq!(client().get(server.url("/.well-known/jwks/andere")).send().await.expect("an answer").status().as_u16(), 404);
        answer.json().await.expect("JSON")
    });
    let key = &published["keys"][0];
    assert_eq!((key["kty"].clone(), key["crv"].clone(), key.get("d")), (json!("OKP"), json!("Ed25519"), None), "public, and nothing else");
    let done = tenant.main_job();
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    assert_eq!(tenant.letters(), 1);
    // a new start draws a new key: the archive asks for it, and nobody has to restart it
    server.stop();
    let server = Server::start_at(&tenant, home).expect("up starts");
    let done = tenant.main_job();
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    // not there: the run waits, and goes on when it is there again
    drop(archive);
    let (input, answer) = (crate::desk::demo("antrag.json"), crate::desk::demo("entscheidung.json"));
    let args = ["run", "hundesteuer-anmeldung", "--input", &input, "--as", "applicant", "--answer", &format!("festsetzung={answer}"), "--json"];
    let mut waiting = tenant.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
    std::thread::park_timeout(Duration::from_secs(2));
    assert!(waiting.try_wait().expect("asked").is_none(), "it waits");
    let _archive = Archive::start(&tenant, at, home, "dms");
    assert_eq!(waiting.wait().expect("it ends").code(), Some(0));
    assert_eq!(tenant.letters(), 3);
    server.stop();
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

/// What stands behind the address is not what was approved, or does not believe us: nothing is filed.
#[test]
fn another_server_behind_the_address_is_not_called() {
    let (at, home) = (port(), port());
    let tenant = remote(at);
    let server = Server::start_at(&tenant, home).expect("up starts");
    // a server that answers to another name believes no token of ours
    let stranger = Archive::start(&tenant, at, home, "akten");
    let refused = tenant.main_job();
    assert_ne!(refused.status.code(), Some(0), "{}", text(&refused));
    assert!(text(&refused).contains("für einen anderen Server"), "{}", text(&refused));
    drop(stranger);
    std::thread::park_timeout(Duration::from_secs(11));
    // another program with other tools
    let http = format!("127.0.0.1:{at}");
    let mut echo = tenant.command(&["mcp", "echo", "--http", &http]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    until("echo listens", || TcpStream::connect(&http).ok());
    let refused = tenant.main_job();
    assert!(text(&refused).contains("gibt es auf dem Server nicht mehr"), "{}", text(&refused));
    echo.kill().expect("killed");
    echo.wait().expect("gone");
    assert_eq!(tenant.letters(), 0);
    server.stop();
}
