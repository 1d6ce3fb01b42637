//! Under the caller's rights: who may not, is told so, and the denial is in the journal.

use laufzettel_domain::{Findings, document};
use laufzettel_policy::Action;
use serde_json::Value;

use crate::desk::{Tenant, demo, process, root, text};

/// Every verb of a right, every route and every tool of the demo tenant stands in the table of permissions. What does
/// not is compared with a list that is empty, and stays so.
#[test]
fn the_table_of_permissions_covers_everything() {
    let golden = root().join("orchestrator/policy/tests/golden");
    let table = std::fs::read_to_string(golden.join("permissions.txt")).expect("the table");
    let rows: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("== ")).map(|line| line.split(' ').next().unwrap_or_default()).collect();
    let covers = |right: &str| rows.iter().any(|row| *row == right || row.split(':').next() == Some(right));
    let mut uncovered: Vec<String> = Action::verbs().filter(|verb| !covers(verb)).map(|verb| format!("right {verb}")).collect();
    let behind_a_sign_in = laufzettel_server::routes().into_iter().filter(|r| r.needs == laufzettel_server::Needs::Person);
    uncovered.extend(behind_a_sign_in.filter(|r| !covers(r.asks)).map(|r| format!("route {}", r.path)));
    uncovered.extend(demo_tools().into_iter().filter(|tool| !rows.contains(&tool.as_str())));
    let expected = std::fs::read_to_string(golden.join("uncovered.txt")).expect("the list");
    assert_eq!(uncovered, expected.lines().collect::<Vec<_>>());
    assert_eq!(expected, "", "the list of what the table leaves out is empty");
}

/// `tool.call:SERVER/TOOL` of everything the demo configuration declares.
fn demo_tools() -> Vec<String> {
    let config = std::fs::read_to_string(demo("laufzettel.yaml")).expect("the demo configuration");
    let config = document::parse(&config, &mut Findings::new("laufzettel.yaml")).expect("it is YAML");
    let tenants = config.root.get("tenants").expect("tenants").entries();
    let servers = tenants.iter().flat_map(|tenant| tenant.node.get("tools").expect("tools").entries());
    let tools: Vec<String> = servers
        .flat_map(|server| server.node.get("tools").expect("tools").entries().iter().map(move |tool| format!("tool.call:{}/{}", server.key, tool.key)))
        .collect();
    assert!(tools.len() > 10, "{tools:?}");
    tools
}

#[test]
fn a_clerk_without_the_group_is_denied_and_the_journal_says_so() {
    let tenant = Tenant::new();
    let denied = tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &demo("antrag.json"), "--as", "j.wolf"]);
    assert_eq!(denied.status.code(), Some(4), "{}", text(&denied));
    assert!(text(&denied).contains("hat kein Recht „process.start:hundesteuer-anmeldung“"), "{}", text(&denied));
    let shown = tenant.laufzettel(&["audit", "show", "--kind", "start.denied"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("Julia Wolf durfte hundesteuer-anmeldung nicht starten"), "{}", text(&shown));
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

const SUCHE: &str = "
process: aktensuche
version: 1.0.0
title: In der Akte suchen
verantwortlich: FB2-Steueramt
rechtsgrundlage: [GeschO § 1]
zweck: Auskunft
schutzbedarf: hoch
datenkategorien: [personenbezogen]
aufbewahrung: { vorgang: P1Y, inhalte: P1M }
automatisierung: assistenz
start: { groups: [GG-Mitarbeiter] }
input: { type: object, required: [frage], properties: { frage: { type: string } } }
steps:
  suche: { tool: dms/suchen, with: { frage: \"{{ input.frage }}\" } }
output: { anzahl: \"{{ steps.suche.treffer | length }}\" }
";

/// The same search by people with different rights: what may not be read is not found, not forbidden.
#[test]
fn what_may_not_be_read_is_not_found() {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/aktensuche.yaml"), SUCHE).expect("written");
    tenant.grant("{ groups: [GG-Mitarbeiter], allow: [\"process.start:aktensuche\"] }");
    let input = tenant.path("frage.json");
    std::fs::write(&input, r#"{"frage": "Abmahnung"}"#).expect("written");
    let search = |by: &str, word: &str| {
        std::fs::write(&input, format!(r#"{{"frage": "{word}"}}"#)).expect("written");
        let output = tenant.laufzettel(&["run", "aktensuche", "--input", &input.display().to_string(), "--as", by, "--json"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        told["output"]["anzahl"].as_i64().expect("a count")
    };
    // a word that stands in tax files only
    assert!(search("a.klein", "Hundesteuer") > 0);
    assert_eq!(search("k.neumann", "Hundesteuer"), 0);
}

const FOUR_EYES: &str = "
start: { groups: [GG-Steueramt] }
input: { type: object, additionalProperties: false, properties: {} }
steps:
  erst: { human: { assign: { groups: [GG-Steueramt] }, form: { type: object, required: [ja], properties: { ja: { type: boolean } } } } }
  dann: { human: { assign: { groups: [GG-Steueramt] }, not_by: [steps.erst], form: { type: object, required: [ja], properties: { ja: { type: boolean } } } } }
output: { wer: \"{{ steps.dann.by.name }}\" }
";

/// Whoever did the first step neither sees nor completes the second, whatever groups she is in.
#[test]
fn four_eyes_are_two_people() {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/vier-augen.yaml"), process("vier-augen", "Vier Augen", FOUR_EYES)).expect("written");
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"process.start:vier-augen\", \"task.complete:vier-augen\"] }");
    let (input, answer) = (tenant.path("eingabe.json"), tenant.path("antwort.json"));
    std::fs::write(&input, "{}").expect("written");
    std::fs::write(&answer, r#"{"ja": true}"#).expect("written");
    let (input, answer) = (input.display().to_string(), answer.display().to_string());
    let started = tenant.laufzettel(&["run", "vier-augen", "--input", &input, "--as", "a.klein", "--answer", &format!("erst={answer}"), "--until-waiting"]);
    assert_eq!(started.status.code(), Some(7), "the second step waits for somebody else: {}", text(&started));
    let task = |by: &str| {
        let listed = tenant.laufzettel(&["tasks", "list", "--as", by, "--json"]);
        let line = String::from_utf8_lossy(&listed.stdout).lines().next().map(str::to_owned);
        line.map(|line| serde_json::from_str::<Value>(&line).expect("JSON")["task"].as_str().expect("a task").to_owned())
    };
    assert_eq!(task("a.klein"), None, "not hers to see");
    let second = task("s.weber").expect("somebody else's");
    let complete = |by: &str| tenant.laufzettel(&["tasks", "complete", &second, "--as", by, "--input", &answer]);
    let refused = complete("a.klein");
    assert!(refused.status.code() == Some(4) && text(&refused).contains("Vier Augen"), "{}", text(&refused));
    assert_eq!(complete("s.weber").status.code(), Some(0));
    let denied = tenant.laufzettel(&["audit", "show", "--kind", "task.denied"]);
    assert!(text(&denied).contains("Vier Augen"), "{}", text(&denied));
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}
