//! Under the caller's rights: who may not, is told so, and the denial is in the journal.

use serde_json::Value;

use crate::desk::{Tenant, demo, text};

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
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let config = config.replacen("    grants:\n", "    grants:\n      - { groups: [GG-Mitarbeiter], allow: [\"process.start:aktensuche\"] }\n", 1);
    std::fs::write(tenant.path("laufzettel.yaml"), config).expect("written");
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
