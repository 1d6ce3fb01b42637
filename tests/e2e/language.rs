//! What the language can say beside one step after the other: lists, repetition, repair, proposals, passages, events. In cases,
//! and for real over crashes.

mod agents;
mod children;
pub mod events;

use laufzettel_domain::{Findings, document};
use laufzettel_process::Schema;
use serde_json::{Value, json};

use crate::desk::{Server, Tenant, process, root, text, until};

const LETTERS: &str = r#"
start: { groups: [GG-Steueramt], via: [form] }
ki_verordnung: { klasse: minimal, begruendung: "ordnet vor, ein Mensch entscheidet" }
input:
  type: object
  additionalProperties: false
  required: [empfaenger]
  properties:
    empfaenger: { type: array, maxItems: 50, items: { type: object, additionalProperties: false, required: [name, akte], properties: { name: { type: string, maxLength: 80 }, akte: { type: string, maxLength: 20 } } } }
    frage: { type: string, maxLength: 80 }
steps:
  fundstellen:
    if: "{{ input.frage is defined }}"
    tool: dms/passagen
    with: { frage: "{{ input.frage }}", anzahl: 3 }
  antwort:
    model:
      size: s
      prompt: Welcher Art ist das Gesuchte? Antworte nur nach dem Schema.
      sources: "{{ steps.fundstellen.passagen }}"
      cite: required
      output: { type: object, additionalProperties: false, required: [art], properties: { art: { enum: [steuer, anderes] } } }
  freigabe:
    needs: ["antwort?"]
    human:
      assign: { groups: [GG-Steueramt] }
      show: { anzahl: "{{ input.empfaenger | length }}", art: "{{ steps.antwort.art | default('-') }}" }
      vorschlag: { betreff: "Rundschreiben an {{ input.empfaenger | length }} Halter" }
      due: P3D
      escalate: { after: P5D, to: { groups: [GG-Leitung] } }
      form:
        type: object
        additionalProperties: false
        required: [betreff, wem]
        properties:
          betreff: { type: string, maxLength: 100 }
          wem: { type: array, title: "An wen?", minItems: 1, items: { type: string, maxLength: 80 }, x-auswahl: "{{ input.empfaenger | map(attribute='name') }}" }
  briefe:
    title: Briefe ablegen
    each: "{{ input.empfaenger }}"
    max_parallel: 2
    on_error: human
    deadline: P1D
    tool: dms/dokument_ablegen
    with: { akte: "{{ item.akte }}", titel: "Hundesteuer: {{ steps.freigabe.betreff }}", inhalt: "Guten Tag {{ item.name }}, Sie sind Nummer {{ index + 1 }}." }
    undo: { tool: dms/dokument_stornieren, with: { dokument: "{{ result.dokument_id }}" } }
  ablage:
    tool: dms/akte_lesen
    with: { akte: "{{ input.empfaenger[0].akte }}" }
    needs: [briefe]
    repeat: { until: "{{ result.dokumente | length > 0 }}", every: PT1M, max: 3 }
output:
  dokumente: "{{ steps.briefe | default([]) | map(attribute='dokument_id') }}"
  wem: "{{ steps.freigabe.wem }}"
"#;

const CASES: &str = r#"
cases:
  - name: Drei Briefe, einer nach dem anderen beantwortet
    as: a.klein
    input: { empfaenger: [ { name: Weber, akte: HST-1 }, { name: Hofmann, akte: HST-2 }, { name: Maier, akte: HST-3 } ] }
    tools:
      dms/dokument_ablegen: [ { dokument_id: D-1, version: "1" }, { dokument_id: D-2, version: "1" }, { dokument_id: D-3, version: "1" } ]
      dms/akte_lesen: [ { akte: HST-1, titel: x, dokumente: [], mehr: false }, { akte: HST-1, titel: x, dokumente: [ { dokument: D-1, version: "1", titel: t, akte: HST-1, art: brief, datum: "2026-01-01", storniert: false } ], mehr: false } ]
    humans: { freigabe: { by: s.weber, betreff: Marken, wem: [Weber, Maier] } }
    expect:
      state: completed
      output: { dokumente: [D-1, D-2, D-3], wem: [Weber, Maier] }
      skipped: [fundstellen, antwort]
      calls:
        - { tool: dms/dokument_ablegen, with: { akte: HST-2, inhalt: "Guten Tag Hofmann, Sie sind Nummer 2." } }
  - name: Wer nicht zur Wahl steht, wird nicht genommen
    as: a.klein
    input: { empfaenger: [ { name: Weber, akte: HST-1 } ] }
    humans: { freigabe: { by: s.weber, betreff: Marken, wem: [Fremde] } }
    expect: { waiting: freigabe }
  - name: Ein Brief misslingt, das Amt ordnet ihn noch einmal an
    as: a.klein
    input: { empfaenger: [ { name: Weber, akte: HST-1 }, { name: Hofmann, akte: HST-2 } ] }
    tools:
      dms/dokument_ablegen: [ { dokument_id: D-1, version: "1" }, { error: refused }, { dokument_id: D-2, version: "1" } ]
      dms/akte_lesen: { akte: HST-1, titel: x, dokumente: [ { dokument: D-1, version: "1", titel: t, akte: HST-1, art: brief, datum: "2026-01-01", storniert: false } ], mehr: false }
    humans:
      freigabe: { by: s.weber, betreff: Marken, wem: [Weber] }
      briefe: { by: s.weber, entscheidung: erneut }
    expect: { state: completed, output: { dokumente: [D-1, D-2] } }
  - name: Ein Zitat, das nirgends steht, wird nicht geglaubt
    as: a.klein
    input: { frage: Marke, empfaenger: [ { name: Weber, akte: HST-1 } ] }
    tools: { dms/passagen: { passagen: [ { document: D-9, version: "1", place: S. 1, text: Die Marke ist sichtbar zu tragen., score: 1.0 } ], mehr: false } }
    models:
      antwort:
        - { art: steuer, belege: [ { document: D-9, version: "1", place: S. 1, zitat: Marken sind rot } ] }
        - { art: steuer, belege: [ { document: D-9, version: "1", place: S. 1, zitat: sichtbar zu tragen } ] }
    humans: {}
    expect: { waiting: freigabe, steps: { antwort: { art: steuer } } }
"#;

fn house(name: &str, title: &str, steps: &str, cases: Option<&str>) -> Tenant {
    let tenant = Tenant::new();
    std::fs::write(tenant.path(&format!("workflows/{name}.yaml")), process(name, title, steps)).expect("written");
    if let Some(cases) = cases {
        std::fs::write(tenant.path(&format!("workflows/{name}.cases.yaml")), cases).expect("written");
    }
    tenant.grant(&format!("{{ groups: [GG-Steueramt], allow: [\"process.start:{name}\", \"task.complete:{name}\"] }}"));
    tenant
}

fn written(tenant: &Tenant, name: &str, value: &Value) -> String {
    let file = tenant.path(name);
    std::fs::write(&file, value.to_string()).expect("written");
    file.display().to_string()
}

fn rows(tenant: &Tenant) -> Vec<Value> {
    let listed = tenant.laufzettel(&["runs", "list", "--json"]);
    String::from_utf8_lossy(&listed.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_process_with_all_of_it_holds_and_passes_its_cases() {
    let tenant = house("rundschreiben", "Rundschreiben", LETTERS, Some(CASES));
    let file = tenant.path("workflows/rundschreiben.yaml").display().to_string();
    let config = tenant.path("laufzettel.yaml").display().to_string();
    let checked = tenant.laufzettel(&["check", &file, "--config", &config]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    let tested = tenant.laufzettel(&["test", &file]);
    assert!(tested.status.code() == Some(0) && text(&tested).contains("4 bestanden, 0 nicht"), "{}", text(&tested));
    let flows = tenant.laufzettel(&["check", &file, "--flows", "--config", &config]);
    assert!(text(&flows).contains("input.empfaenger.*.akte") && text(&flows).contains("steps.antwort.data.quellen"), "{}", text(&flows));
}

/// What the editor is told of the language is the language: it takes what `check` takes.
#[test]
fn the_editor_knows_what_the_language_knows() {
    let read = |name: &str| -> Value { serde_json::from_str(&std::fs::read_to_string(root().join("schemas").join(name)).expect("a schema")).expect("JSON") };
    let told = |schema: &Schema, yaml: &str| {
        let document = document::parse(yaml, &mut Findings::new("x.yaml")).expect("it is YAML");
        let problems = schema.validate(&document.root.to_value());
        problems.iter().map(|p| format!("{}: {}", p.path, p.message.de)).collect::<Vec<_>>()
    };
    let language = Schema::compile(read("process.schema.json")).expect("a schema");
    let clock = r#"triggers: [{ cron: { schedule: "0 6 * * MON-FRI", zone: Europe/Berlin, holidays: skip, catch_up: all, run_as: service:svc, input: {} } },
  { folder: { path: kasse/ein, done: kasse/fertig, failed: kasse/fehler, run_as: service:svc } }, { mail: { folder: kasse, match: { von: "*@kasse.example" }, run_as: service:svc } },
  { poll: { tool: dms/suchen, with: { frage: "{{ cursor }}" }, every: PT1M, cursor: "{{ result.bis }}", key: "{{ item.id }}", run_as: service:svc } },
  { webhook: { path: x, auth: key, run_as: service:svc } }, { webhook: { path: y, auth: signature, secret: s, run_as: service:svc } }]"#;
    let timed = format!("{clock}\n{}", agents::STEPS);
    for steps in [LETTERS, events::STEPS, children::PARENT, children::CHILD, &timed] {
        assert_eq!(told(&language, &process("x", "X", steps)), Vec::<String>::new());
    }
    let wrong = process("x", "X", &LETTERS.replace("max_parallel", "max_paralell"));
    assert_eq!(told(&language, &wrong).len(), 1, "{:?}", told(&language, &wrong));
    for (right, wrong) in [
        ("auth: key,", "auth: key, secret: s,"),
        (", secret: s", ""),
        ("path: kasse/ein", "path: ../ein"),
        ("match: {", "match: { absender: x,"),
        ("kasse/ein, done:", "kasse/ein, fertig:"),
        (r#"key: "{{ item.id }}", "#, ""),
        (r#"key: "{{ item.id }}""#, "key: id"),
    ] {
        let wrong = process("x", "X", &timed.replacen(right, wrong, 1));
        assert!(!told(&language, &wrong).is_empty(), "{wrong}");
    }
    let cases = Schema::compile(read("cases.schema.json")).expect("a schema");
    for written in [CASES, events::CASES, children::CASES, agents::CASES] {
        assert_eq!(told(&cases, written), Vec::<String>::new());
    }
}

const NAMES: [&str; 5] = ["Weber", "Hofmann", "Maier", "Schmitt", "Becker"];

fn letters() -> Value {
    let list: Vec<Value> = NAMES.iter().enumerate().map(|(n, name)| json!({ "name": name, "akte": format!("HST-90{n}") })).collect();
    json!({ "empfaenger": list })
}

/// The program dies in the middle of a list: every letter is filed once, in the order of the list.
#[test]
fn a_list_goes_on_over_a_crash() {
    for failpoint in ["worker.after_door=crash@2", "worker.before_append=crash@4", "store.before_commit=crash@9", "door.before_call=crash@3"] {
        let tenant = house("rundschreiben", "Rundschreiben", LETTERS, None);
        let input = written(&tenant, "eingabe.json", &letters());
        let answer = written(&tenant, "antwort.json", &json!({ "by": "s.weber", "betreff": "Marken", "wem": ["Weber"] }));
        let mut run = tenant.command(&["run", "rundschreiben", "--input", &input, "--as", "a.klein", "--answer", &format!("freigabe={answer}")]);
        let died = run.env("LAUFZETTEL_FAILPOINT", failpoint).output().expect("the program runs");
        assert_eq!(died.status.code(), None, "{failpoint}: killed itself: {}", text(&died));
        let server = Server::start(&tenant, None).expect("up starts");
        until(&format!("{failpoint}: the list ends"), || (rows(&tenant).first()?["state"] == "completed").then_some(()));
        server.stop();
        let akten: Vec<String> = (0..NAMES.len()).map(|n| format!("HST-90{n}")).collect();
        for akte in &akten {
            assert_eq!(tenant.letters_in(&[akte]), 1, "{failpoint}: {akte}");
        }
        assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0), "{failpoint}");
        let run = rows(&tenant)[0]["run"].as_str().expect("an id").to_owned();
        assert_eq!(tenant.laufzettel(&["runs", "replay", &run, "--as", "a.klein"]).status.code(), Some(0), "{failpoint}");
    }
}

/// A letter nobody may file: the office repairs the step at the command line, by the value itself.
#[test]
fn a_failed_step_waits_for_its_office() {
    let broken = LETTERS.replace("akte: \"{{ item.akte }}\"", "akte: \"{{ item.akte if item.name != 'Becker' else 'PERS-2026-014' }}\"");
    let tenant = house("rundschreiben", "Rundschreiben", &broken, None);
    let input = written(&tenant, "eingabe.json", &letters());
    let answer = written(&tenant, "antwort.json", &json!({ "by": "s.weber", "betreff": "Marken", "wem": ["Weber"] }));
    let stopped =
        tenant.laufzettel(&["run", "rundschreiben", "--input", &input, "--as", "a.klein", "--answer", &format!("freigabe={answer}"), "--until-waiting"]);
    assert!(stopped.status.code() == Some(7) && text(&stopped).contains("Briefe ablegen: wartet auf FB2-Steueramt"), "{}", text(&stopped));
    let listed = tenant.laufzettel(&["tasks", "list", "--as", "s.weber", "--json"]);
    let task: Value = serde_json::from_slice(&listed.stdout).unwrap_or_else(|_| panic!("{}", text(&listed)));
    assert_eq!((task["kind"].as_str(), task["title"].as_str()), (Some("repair"), Some("Briefe ablegen")));
    let id = task["task"].as_str().expect("an id").to_owned();
    let foreign = tenant.laufzettel(&["tasks", "list", "--as", "j.wolf", "--json"]);
    assert_eq!(text(&foreign).lines().count(), 1, "of another office: {}", text(&foreign));
    let unfit = written(&tenant, "wert.json", &json!({ "entscheidung": "wert", "wert": "[{\"dokument_id\": 7}]" }));
    let refused = tenant.laufzettel(&["tasks", "complete", &id, "--as", "s.weber", "--input", &unfit]);
    assert!(refused.status.code() == Some(2) && text(&refused).contains("wert"), "{}", text(&refused));
    let value = json!(["D-1", "D-2"].map(|id| json!({ "dokument_id": id, "version": "1" }))).to_string();
    let fit = written(&tenant, "wert.json", &json!({ "entscheidung": "wert", "wert": value }));
    let done = tenant.laufzettel(&["tasks", "complete", &id, "--as", "s.weber", "--input", &fit]);
    assert!(done.status.code() == Some(0) && text(&done).contains("abgeschlossen"), "{}", text(&done));
    let shown = tenant.laufzettel(&["audit", "show"]);
    assert!(text(&shown).contains("Sabine Weber hat den Wert des gescheiterten Schritts briefe angegeben."), "{}", text(&shown));
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}
