//! A call whose answer is lost and that may not be repeated: its server says afterwards what became of it, and nobody has to look.

use serde_json::Value;

use crate::desk::{Server, Tenant, process, program, text, until};

/// A house whose mail may not be sent twice, and a server of it that dies once: at that place, when the first letter is on its way.
fn house(dies_at: Option<&str>, retry: &str) -> Tenant {
    let tenant = Tenant::new();
    let steps = format!(
        "start: {{ groups: [GG-Steueramt] }}
input: {{ type: object }}
steps:
  brief:
    tool: mail/senden
    with: {{ an: poststelle@vg-bellheim.example, betreff: Marken, text: Die Marken sind da. }}
    {retry}
output: {{ id: \"{{{{ steps.brief.message_id }}}}\" }}"
    );
    std::fs::write(tenant.path("workflows/brief.yaml"), process("brief", "Brief", &steps)).expect("written");
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"process.start:brief\", \"task.complete:brief\"] }");
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let (before, mail) = config.split_once("      mail:\n").expect("mail is configured");
    let (sends, after) = mail.split_once("          entwurf:").expect("and more than sending");
    let line = |found: &str| sends.lines().find(|line| line.trim().starts_with(found)).expect("as it is shipped").to_owned();
    let mut sends = sends.replace(&format!("{}\n", line("idempotent: true")), "");
    if let Some(place) = dies_at {
        let script = tenant.path("bote.sh");
        let died = format!("if /bin/mkdir gestorben 2>/dev/null; then LAUFZETTEL_FAILPOINT={place}=crash; export LAUFZETTEL_FAILPOINT; fi");
        let serves = format!("exec {} mcp mail --maildir ./mail --absender steueramt@vg-bellheim.example", program().display());
        std::fs::write(&script, format!("#!/bin/sh\n{died}\n{serves}\n")).expect("written");
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it may run");
        sends = sends.replace(&line("stdio:"), "        stdio: [./bote.sh]").replace(&format!("{}\n", line("sandbox:")), "");
    }
    std::fs::write(tenant.path("laufzettel.yaml"), format!("{before}      mail:\n{sends}          entwurf:{after}")).expect("written");
    tenant
}

fn tasks(tenant: &Tenant) -> usize {
    tenant.bodies("task.opened").len()
}

#[test]
fn a_letter_whose_answer_was_lost_is_not_sent_again() {
    let tenant = house(Some("notes.acted"), "");
    let run = tenant.laufzettel(&["run", "brief", "--as", "a.klein"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run));
    assert!(tenant.path("gestorben").exists(), "the server never died");
    assert_eq!((tenant.mails(), tasks(&tenant)), (1, 0));
    let (failed, settled) = (tenant.bodies("effect.failed"), tenant.bodies("effect.settled"));
    assert_eq!(failed.iter().map(|body| &body["next"]).collect::<Vec<_>>(), ["settle"]);
    assert_eq!((&settled[0]["asked"], &settled[0]["meta"]["target"]), (&Value::Bool(true), &"mail/settle".into()));
    let intact = tenant.laufzettel(&["audit", "verify"]);
    assert!(matches!(intact.status.code(), Some(0 | 6)), "{}", text(&intact));
}

#[test]
fn a_letter_that_was_not_sent_is_sent_by_the_next_attempt() {
    let tenant = house(Some("notes.begun"), "retry: { attempts: 2, delay: PT1S }");
    let run = tenant.laufzettel(&["run", "brief", "--as", "a.klein"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run));
    assert_eq!((tenant.mails(), tasks(&tenant)), (1, 0));
    let failed: Vec<String> = tenant.bodies("effect.failed").iter().map(|b| format!("{} {}", b["disposition"], b["attempt"])).collect();
    assert_eq!(failed, ["\"unknown\" 1", "\"did_not_happen\" 1"]);
    assert_eq!(tenant.bodies("effect.settled")[0]["attempt"], 2);
}

/// The program dies when the letter is sent and it has not written that down.
#[test]
fn a_program_that_died_asks_when_it_is_back() {
    let tenant = house(None, "");
    let died = tenant.command(&["run", "brief", "--as", "a.klein"]).env("LAUFZETTEL_FAILPOINT", "worker.after_door=crash").output().expect("it runs");
    assert_eq!((died.status.code(), tenant.mails()), (None, 1), "{}", text(&died));
    let server = Server::start(&tenant, None).expect("it starts again");
    until("the run is completed", || {
        let listed = tenant.laufzettel(&["runs", "list", "--json"]);
        String::from_utf8_lossy(&listed.stdout).contains("\"completed\"").then_some(())
    });
    server.stop();
    assert_eq!((tenant.mails(), tasks(&tenant)), (1, 0));
}

#[test]
fn nobody_but_the_engine_asks() {
    let tenant = house(None, "");
    let file = tenant.path("workflows/brief.yaml");
    let own = std::fs::read_to_string(&file).expect("the process");
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    std::fs::write(&file, own.replace("mail/senden", "mail/settle")).expect("written");
    let checked = tenant.laufzettel(&["check", &file.display().to_string()]);
    assert!(checked.status.code() == Some(3) && text(&checked).contains("LZ108 bei „steps.brief.tool“"), "{}", text(&checked));
    std::fs::write(&file, own).expect("written");
    std::fs::write(tenant.path("laufzettel.yaml"), config.replace("          entwurf:", "          settle: { effect: write }\n          entwurf:"))
        .expect("written");
    let checked = tenant.laufzettel(&["check", &file.display().to_string(), "--config", &tenant.path("laufzettel.yaml").display().to_string()]);
    assert!(checked.status.code() == Some(2) && text(&checked).contains("LZ108 bei „tenants.vg-bellheim.tools.mail.tools.settle“"), "{}", text(&checked));
}
