//! A process that calls another: two runs that begin, end and are called off together.

use serde_json::{Value, json};

use super::{house, rows, written};
use crate::desk::{Server, Tenant, process, text, until};

/// Called for each of them, under the rights of whoever started the first.
pub const CHILD: &str = r#"
input: { type: object, additionalProperties: false, required: [name, akte], properties: { name: { type: string, maxLength: 80 }, akte: { type: string, maxLength: 20 } } }
steps:
  brief:
    title: Brief ablegen
    tool: dms/dokument_ablegen
    with: { akte: "{{ input.akte }}", titel: "Hundesteuer: Gruß", inhalt: "Guten Tag {{ input.name }}" }
    undo: { tool: dms/dokument_stornieren, with: { dokument: "{{ result.dokument_id }}" } }
  frage:
    title: Ist er gut?
    if: "{{ input.name == 'Frage' }}"
    needs: [brief]
    human: { assign: { groups: [GG-Steueramt] }, escalate: { after: P2D, to: { groups: [GG-Leitung] } }, form: { type: object, additionalProperties: false, required: [gut], properties: { gut: { type: boolean } } } }
output: { dokument: "{{ steps.brief.dokument_id }}", gut: "{{ steps.frage.gut }}" }
"#;

pub const PARENT: &str = r#"
start: { groups: [GG-Steueramt], via: [form] }
input:
  type: object
  additionalProperties: false
  required: [wer]
  properties: { wer: { type: array, items: { type: object, additionalProperties: false, required: [name, akte], properties: { name: { type: string, maxLength: 80 }, akte: { type: string, maxLength: 20 } } } } }
steps:
  briefe: { title: Briefe, each: "{{ input.wer }}", max_parallel: 2, process: { name: einzelbrief, input: { name: "{{ item.name }}", akte: "{{ item.akte }}" } } }
output: { dokumente: "{{ steps.briefe | map(attribute='dokument') }}" }
"#;

pub const CASES: &str = r#"
cases:
  - name: Die Kinder laufen wirklich
    as: a.klein
    input: { wer: [ { name: Weber, akte: HST-1 }, { name: Frage, akte: HST-2 } ] }
    tools: { dms/dokument_ablegen: [ { dokument_id: D-1, version: "1" }, { dokument_id: D-2, version: "1" } ] }
    humans: { frage: { by: s.weber, gut: true } }
    expect: { state: completed, output: { dokumente: [D-1, D-2] }, calls: [ { tool: dms/dokument_ablegen, with: { akte: HST-2 } } ] }
  - name: Der Fall sagt, was sie bringen
    as: a.klein
    input: { wer: [ { name: Weber, akte: HST-1 }, { name: Maier, akte: HST-2 } ] }
    processes: { briefe: [ { dokument: D-7 }, { dokument: D-8 } ] }
    expect: { state: completed, output: { dokumente: [D-7, D-8] }, not_called: [dms/dokument_ablegen] }
  - name: Eines scheitert
    as: a.klein
    input: { wer: [ { name: Weber, akte: HST-1 } ] }
    processes: { briefe: { error: kaputt } }
    expect: { state: failed }
"#;

fn couple() -> Tenant {
    let tenant = house("rundbrief", "Rundbrief", PARENT, Some(CASES));
    std::fs::write(tenant.path("workflows/einzelbrief.yaml"), process("einzelbrief", "Einzelbrief", CHILD)).expect("written");
    tenant
}

fn start(tenant: &Tenant, names: &[&str], failpoint: Option<&str>) -> std::process::Output {
    let list: Vec<Value> = names.iter().enumerate().map(|(n, name)| json!({ "name": name, "akte": format!("HST-80{n}") })).collect();
    let input = written(tenant, "eingabe.json", &json!({ "wer": list }));
    let mut run = tenant.command(&["run", "rundbrief", "--input", &input, "--as", "a.klein", "--until-waiting"]);
    if let Some(failpoint) = failpoint {
        run.env("LAUFZETTEL_FAILPOINT", failpoint);
    }
    run.output().expect("the program runs")
}

fn letters(tenant: &Tenant, count: usize) -> Vec<usize> {
    (0..count).map(|n| tenant.letters_in(&[&format!("HST-80{n}")])).collect()
}

fn states(tenant: &Tenant) -> Vec<(String, String)> {
    let word = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let mut states: Vec<_> = rows(tenant).iter().map(|row| (word(row, "nummer"), word(row, "state"))).collect();
    states.sort();
    states
}

#[test]
fn a_process_calls_another_and_both_are_proven() {
    let tenant = couple();
    let (file, config) = (tenant.path("workflows/rundbrief.yaml").display().to_string(), tenant.path("laufzettel.yaml").display().to_string());
    let checked = tenant.laufzettel(&["check", &tenant.path("workflows").display().to_string(), "--config", &config]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    let flows = tenant.laufzettel(&["check", &file, "--flows", "--config", &config]);
    assert!(text(&flows).contains("steps.briefe → steps.brief.with.akte"), "{}", text(&flows));
    let tested = tenant.laufzettel(&["test", &file]);
    assert!(tested.status.code() == Some(0) && text(&tested).contains("3 bestanden, 0 nicht"), "{}", text(&tested));
    // what the called process does counts as the caller's: from outside a foreign text would steer it
    let open = PARENT.replace("via: [form]", "via: [api]");
    for (parent, child, code) in [
        (open.as_str(), CHILD.to_owned(), "LZ502"),
        (PARENT, CHILD.replace("akte: \"{{ input.akte }}\"", "akte: \"{{ input.aktte }}\""), "LZ118"),
        (&PARENT.replace("name: einzelbrief", "name: einzelbriev"), CHILD.to_owned(), "einzelbrief"),
        (&PARENT.replace("name: einzelbrief", "name: rundbrief"), CHILD.to_owned(), "LZ207"),
        (&PARENT.replace(", akte: \"{{ item.akte }}\"", ""), CHILD.to_owned(), "LZ310"),
        (&PARENT.replace("akte: \"{{ item.akte }}\"", "akte: 7"), CHILD.to_owned(), "LZ312"),
        (&PARENT.replace("properties: { name: {", "properties: { name: { x-schutzbedarf: hoch, x-kategorien: [steuerdaten],"), CHILD.to_owned(), "LZ404"),
    ] {
        std::fs::write(&file, process("rundbrief", "Rundbrief", parent)).expect("written");
        std::fs::write(tenant.path("workflows/einzelbrief.yaml"), process("einzelbrief", "Einzelbrief", &child)).expect("written");
        let checked = tenant.laufzettel(&["check", &file, "--config", &config]);
        assert!(checked.status.code() == Some(3) && text(&checked).contains(code), "{code}: {}", text(&checked));
    }
}

#[test]
fn parent_and_children_survive_a_crash_together() {
    for failpoint in [
        "store.before_commit=crash@3",
        "store.after_commit=crash@3",
        "store.before_reply=crash@4",
        "worker.before_append=crash@2",
        "worker.after_door=crash@2",
        "worker.after_append=crash@2",
    ] {
        let tenant = couple();
        let died = start(&tenant, &["Weber", "Hofmann", "Maier"], Some(failpoint));
        assert_eq!(died.status.code(), None, "{failpoint}: killed itself: {}", text(&died));
        let server = Server::start(&tenant, None).expect("up starts");
        if rows(&tenant).is_empty() {
            // it had not been accepted
            start(&tenant, &["Weber", "Hofmann", "Maier"], None);
        }
        let done = |number: &str| ("2026-000001".to_owned() + number, "completed".to_owned());
        let expected = [done(""), done("/1"), done("/2"), done("/3")];
        let ended =
            until(&format!("{failpoint}: all four end"), || Some(states(&tenant)).filter(|states| states.iter().all(|(_, state)| state == "completed")));
        assert_eq!(
            ended.iter().map(|(number, state)| (number.split_once('-').expect("a number").1, state)).collect::<Vec<_>>(),
            expected.iter().map(|(number, state)| (number.split_once('-').expect("a number").1, state)).collect::<Vec<_>>(),
            "{failpoint}"
        );
        server.stop();
        assert_eq!(letters(&tenant, 3), [1, 1, 1], "{failpoint}");
        for row in rows(&tenant) {
            let replayed = tenant.laufzettel(&["runs", "replay", row["run"].as_str().expect("an id"), "--as", "a.klein"]);
            assert_eq!(replayed.status.code(), Some(0), "{failpoint}: {}", text(&replayed));
        }
        assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0), "{failpoint}");
    }
}

/// Whoever follows the parent answers what its child asks, by the child's step; or learns who is waited for.
#[test]
fn the_task_of_a_child_is_answered_with_its_parent() {
    let tenant = couple();
    let waiting = start(&tenant, &["Frage"], None);
    assert!(waiting.status.code() == Some(7) && text(&waiting).contains("Ist er gut?: wartet auf GG-Steueramt"), "{}", text(&waiting));
    let answer = written(&tenant, "antwort.json", &json!({ "by": "s.weber", "gut": true }));
    let input = tenant.path("eingabe.json").display().to_string();
    let done = tenant.laufzettel(&["run", "rundbrief", "--input", &input, "--as", "a.klein", "--answer", &format!("frage={answer}")]);
    assert!(done.status.code() == Some(0) && text(&done).contains("abgeschlossen"), "{}", text(&done));
}

/// Called off with its parent: the child's letter is taken back before the parent ends.
#[test]
fn a_child_is_called_off_with_its_parent() {
    let tenant = couple();
    let waiting = start(&tenant, &["Weber", "Frage"], None);
    assert_eq!(waiting.status.code(), Some(7), "{}", text(&waiting));
    assert_eq!(letters(&tenant, 2), [1, 1]);
    let row = |suffix: &str| rows(&tenant).into_iter().find(|row| row["nummer"].as_str().is_some_and(|n| n.ends_with(suffix))).expect("a run");
    let (parent, child) = (row("000001"), row("/2"));
    assert_eq!((parent["state"].as_str(), child["state"].as_str()), (Some("waiting"), Some("waiting")));
    let cancelled = tenant.laufzettel(&["runs", "cancel", parent["run"].as_str().expect("an id"), "--as", "a.klein"]);
    assert_eq!(cancelled.status.code(), Some(0), "{}", text(&cancelled));
    let ended: Vec<String> = states(&tenant).into_iter().map(|(_, state)| state).collect();
    assert_eq!(ended, ["cancelled", "completed", "cancelled"]);
    let shown = tenant.laufzettel(&["audit", "show", "--json"]);
    let kinds: Vec<String> = String::from_utf8_lossy(&shown.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|record| record["kind"].as_str().map(str::to_owned))
        .filter(|kind| kind.starts_with("child.") || kind.starts_with("run.end"))
        .collect();
    assert_eq!(kinds, ["child.started", "child.started", "run.ended", "child.ended", "run.ending", "run.ending", "run.ended", "child.ended", "run.ended"]);
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}
