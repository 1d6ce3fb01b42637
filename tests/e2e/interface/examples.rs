//! The commands of `docs/api.md`, carried out as they stand there.

use std::process::Command;

use serde_json::Value;

use super::key;
use crate::desk::{Server, Tenant, demo, root, text};

#[test]
fn the_examples_of_the_documentation_work() {
    let tenant = Tenant::new();
    let process = std::fs::read_to_string(tenant.path("workflows/hundesteuer.yaml")).expect("the process");
    std::fs::write(tenant.path("workflows/hundesteuer.yaml"), process.replacen("via: [form]", "via: [form, api]", 1)).expect("written");
    let server = Server::start(&tenant, None).expect("up starts");
    let page = std::fs::read_to_string(root().join("docs/api.md")).expect("the page");
    let block = page.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block of commands");
    let commands = block.replace("\\\n", "");
    let commands: Vec<&str> = commands.lines().filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(commands.len(), 6, "{block}");
    std::fs::copy(demo("antrag.json"), tenant.folder.path().join("antrag.json")).expect("copied");
    let token = key(&tenant, &["--as", "a.klein", "--process", "*"]);
    let mut run = String::new();
    for command in commands {
        // nobody waits ten seconds for a run that waits for a person, or until it ends
        let seconds = if command.contains("/events") { 1 } else { 20 };
        let command = command.replace("wait=10", "wait=0").replace("RUN", &run).replace("curl ", &format!("curl -m {seconds} -w '\\n%{{http_code}}' "));
        let output =
            Command::new("sh").args(["-c", &command]).current_dir(&tenant.folder).env("B", server.url("")).env("K", format!("Authorization: {token}")).output();
        let output = output.expect("a shell");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, status) = told.rsplit_once('\n').expect("a status");
        assert!(["200", "202"].contains(&status), "{command}: {}", text(&output));
        if status == "202" {
            let body: Value = serde_json::from_str(body).expect("JSON");
            run = body["run"].as_str().expect("a run").to_owned();
        }
    }
    server.stop();
}
