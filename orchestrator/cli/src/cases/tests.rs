//! Cases as authors write them: what is found wrong with them, and how they are played.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use laufzettel_directory::Directory;
use laufzettel_domain::{Findings, Lang, document};
use laufzettel_policy::Grant;
use laufzettel_process::{Folder, Process, Schema, read, types::ToolTypes};
use serde_json::json;

use super::{Setting, World, orphans, perform, read_checked};
use crate::house::{self, Approved};

fn head(id: &str) -> String {
    format!(
        "process: {id}\nversion: 1.0.0\ntitle: Probe\nverantwortlich: FB2-Steueramt\nrechtsgrundlage: [Satzung]\nzweck: Prüfen\nschutzbedarf: normal\ndatenkategorien: []\naufbewahrung: {{ vorgang: P1Y, inhalte: P1M }}\nautomatisierung: assistenz\nki_verordnung: {{ klasse: minimal, begruendung: x }}\nstart: {{ groups: [GG-Steueramt, GG-Leitung] }}\ninput: {{ type: object, properties: {{ l: {{ type: array, items: {{ type: string }} }} }} }}\n"
    )
}

/// The shipped tenant, and a process with these steps beside a child.
fn folder(steps: &str, cases: &str) -> Folder {
    let child = format!("{}steps: {{ k: {{ set: {{ n: \"{{{{ run.nummer }}}}\" }} }} }}\noutput: {{ n: \"{{{{ steps.k.n }}}}\" }}\n", head("hundesteuer-kind"));
    let files = [("kind.yaml", child), ("p.yaml", format!("{}{steps}", head("hundesteuer-probe"))), ("p.cases.yaml", cases.to_owned())];
    Folder { files: files.into_iter().map(|(name, text)| (name.to_owned(), text)).collect() }
}

fn process(folder: &Folder) -> Process {
    let mut findings = Findings::new("p.yaml");
    let process = read::read(folder, "p.yaml", &mut findings);
    process.unwrap_or_else(|| panic!("{:?}", findings.into_sorted().iter().map(|f| f.line(Lang::De)).collect::<Vec<_>>()))
}

fn setting(process: Process) -> Setting {
    let (config, _) = crate::config::read(include_str!("../../demo/laufzettel.yaml"), Path::new("laufzettel.yaml"), Path::new("/nonexistent"));
    let config = config.unwrap();
    let (tenant, mut own) = config.tenants.first_key_value().map(|(id, own)| (id.clone(), own.clone())).unwrap();
    // she may begin what she may not do
    own.rules.grants.push(Grant { groups: vec!["GG-Leitung".to_owned()], allow: vec!["process.start:*".to_owned()] });
    let mut findings = Findings::new("directory.yaml");
    let people = document::parse(include_str!("../../demo/directory.yaml"), &mut findings).unwrap();
    let directory = Directory::read(&people, &mut findings).unwrap();
    let input = json!({ "type": "object", "required": ["frage"], "properties": { "frage": { "type": "string" } } });
    let suchen =
        ToolTypes { input: Schema::compile(input).unwrap(), output: Some(Schema::compile(json!({ "type": "object", "required": ["mehr"] })).unwrap()) };
    let mut rules = house::tool_rules(&own).unwrap();
    // what may be done twice is in no doubt
    rules.get_mut("mail/senden").unwrap().idempotent = false;
    let approved = Approved { types: BTreeMap::from([("dms/suchen".to_owned(), suchen)]), rules };
    Setting { config, tenant, own, directory, approved, memory: Arc::default(), process, folder: "/nonexistent".into(), file: "p.cases.yaml".to_owned() }
}

/// What is found wrong with these cases, with everything known.
fn found(steps: &str, cases: &str, lang: Lang) -> Vec<String> {
    let folder = folder(steps, cases);
    let setting = setting(process(&folder));
    let world = World::of(setting.approved.rules.keys(), Some(&setting.directory));
    let mut findings = Findings::new("p.cases.yaml");
    read_checked(&folder, "p.cases.yaml", Some(&setting.process), &world, &mut findings);
    findings.into_sorted().iter().map(|f| f.line(lang)).collect()
}

const STEPS: &str = "steps:\n  a: { tool: dms/suchen, with: { frage: x } }\n  m: { model: { size: s, prompt: x } }\n  h: { human: { assign: { groups: [GG-Steueramt] }, form: { type: object, properties: { ok: { type: boolean } } } } }\n  s: { set: { x: 1 } }\n";

#[test]
fn names_that_are_nothing_are_found() {
    for (case, expected) in [
        ("tools: { dms/suchen: { mehr: false } }, models: { m: {} }, humans: { h: { by: s.weber }, a: { by: a.klein } }, as: b.lang, expect: {}", vec![]),
        (
            "tools: { dms/suchn: {} }, expect: {}",
            vec![
                "1:29: Fehler LZ340 bei „cases[1].tools.dms/suchn“: Das Werkzeug „dms/suchn“ ist für diesen Mandanten nicht freigegeben. Meinten Sie „dms/suchen“?",
            ],
        ),
        (
            "expect: { calls: [{ tool: dms/lesen }], not_called: [mail/senden, dms/suchen] }",
            vec![
                "1:46: Fehler LZ340 bei „cases[1].expect.calls[1].tool“: Der Prozess ruft „dms/lesen“ nie auf. Meinten Sie „dms/suchen“?",
                "1:73: Warnung LZ340 bei „cases[1].expect.not_called“: Der Prozess ruft „mail/senden“ nie auf. Möglich sind: dms/suchen.",
            ],
        ),
        (
            "models: { h: {}, mm: {} }, processes: { q: {} }, expect: {}",
            vec![
                "1:30: Fehler LZ341 bei „cases[1].models.h“: „h“ ist ein Schritt der Art human; unter models stehen: model, agent.",
                "1:37: Fehler LZ341 bei „cases[1].models.mm“: Einen Schritt „mm“ gibt es hier nicht. Meinten Sie „m“?",
                "1:60: Fehler LZ341 bei „cases[1].processes.q“: Einen Schritt „q“ gibt es hier nicht.",
            ],
        ),
        (
            "humans: { hh: {}, s: {}, h: [{ by: s.webr }] }, as: x, expect: {}",
            vec![
                "1:30: Fehler LZ341 bei „cases[1].humans.hh“: Einen Schritt „hh“ gibt es hier nicht. Meinten Sie „h“?",
                "1:38: Fehler LZ341 bei „cases[1].humans.s“: „s“ ist ein Schritt der Art set; unter humans stehen: human, agent, tool, model, on_error: human.",
                "1:55: Fehler LZ342 bei „cases[1].humans.h.by“: „s.webr“ steht nicht im Verzeichnis. Meinten Sie „s.weber“?",
                "1:72: Fehler LZ342 bei „cases[1].as“: „x“ steht nicht im Verzeichnis. Möglich sind: a.klein, b.lang, c.engel, d.braun, d.krueger, e.schmitt, f.demir, g.roth, h.fuchs, i.yilmaz, j.wolf, k.neumann, l.hoffmann, m.roth, m.scholz, n.schuster, o.vogt, p.zimmer, r.hartmann, s.weber, t.becker.",
            ],
        ),
        ("expect: { waiting: s }", vec!["1:39: Fehler LZ341 bei „cases[1].expect.waiting“: „s“ ist ein Schritt der Art set; an ihm wartet ein Vorgang nie."]),
        ("expect: { refused: \"\" }", vec!["1:28: Fehler LZ108 bei „cases[1].expect.refused“: Hier steht der Code der Ablehnung oder ein Teil ihres Grundes."]),
        (
            "expect: { state: fertig, waiting: z, steps: { y: 1 }, skipped: [aa] }",
            vec![
                "1:37: Fehler LZ108 bei „cases[1].expect.state“: „fertig“ ist hier nicht möglich. Möglich sind: completed, failed, cancelled, stuck, running, waiting.",
                "1:54: Fehler LZ341 bei „cases[1].expect.waiting“: Einen Schritt „z“ gibt es hier nicht. Meinten Sie „a“?",
                "1:66: Fehler LZ341 bei „cases[1].expect.steps“: Einen Schritt „y“ gibt es hier nicht. Meinten Sie „a“?",
                "1:84: Fehler LZ341 bei „cases[1].expect.skipped“: Einen Schritt „aa“ gibt es hier nicht. Meinten Sie „a“?",
            ],
        ),
    ] {
        let expected: Vec<String> = expected.into_iter().map(|line| format!("p.cases.yaml:{line}")).collect();
        assert_eq!(found(STEPS, &format!("cases: [{{ name: n, {case} }}]"), Lang::De), expected, "{case}");
    }
}

#[test]
fn cases_without_a_process_are_found() {
    let mut folder = folder(STEPS, "cases: []");
    folder.files.insert("kid.cases.yaml".to_owned(), "cases: []".to_owned());
    let found: Vec<String> = orphans(&folder).iter().map(|f| f.line(Lang::En)).collect();
    assert_eq!(
        found,
        ["kid.cases.yaml:1:1: error LZ118: These cases have no process: there is no \"kid.yaml\" beside them. Did you mean \"kind.cases.yaml\"?"]
    );
}

/// What is different, case by case.
async fn played(steps: &str, cases: &str) -> Vec<String> {
    let folder = folder(steps, cases);
    let setting = setting(process(&folder));
    let mut findings = Findings::new("p.cases.yaml");
    let list = read_checked(&folder, "p.cases.yaml", Some(&setting.process), &World::default(), &mut findings);
    assert_eq!(findings.into_sorted().iter().map(|f| f.line(Lang::De)).collect::<Vec<_>>(), Vec::<String>::new());
    let mut lines = Vec::new();
    for case in list {
        lines.extend(perform(&setting, &case).await.differences.into_iter().map(|line| line.de));
    }
    lines
}

#[tokio::test]
async fn cases_are_played_as_they_are_written() {
    let form = "form: { type: object, required: [ok], properties: { ok: { type: boolean } } }";
    let escalated =
        format!("steps: {{ h: {{ human: {{ assign: {{ groups: [GG-Steueramt] }}, {form}, escalate: {{ after: P5D, to: {{ groups: [GG-Leitung] }} }} }} }} }}");
    let each = "steps: { m: { each: \"{{ input.l }}\", max_parallel: 1, model: { size: s, prompt: x, repair: 1, data: { i: \"{{ item }}\" }, output: { type: object, required: [k], properties: { k: { enum: [a, b] } } } } } }\noutput: { m: \"{{ steps.m }}\" }";
    let repair = "steps: { t: { on_error: human, tool: dms/suchen, with: { frage: x } } }";
    let doubt = "steps: { t: { tool: mail/senden, with: { an: a@vg-bellheim.example, betreff: b, text: c } } }\noutput: { t: \"{{ steps.t }}\" }";
    let takeover = "steps: { t: { tool: dms/akte_anlegen, with: { akte: HST-1, titel: x } } }";
    let none = "steps: { t: { tool: dms/suchen, with: { frage: \"{{ none }}\" } } }";
    let child = "steps: { c: { process: { name: hundesteuer-kind, input: {} } } }\noutput: { n: \"{{ steps.c.n }}\" }";
    let signed_in =
        "triggers: [{ intake: { path: p, login: { oidc: bundid, loa: substanziell }, run_as: service:svc-intake } }]\nsteps: { s: { set: { x: 1 } } }";
    for (steps, case, expected) in [
        (escalated.as_str(), "humans: { h: { by: b.lang, ok: true } }, expect: { state: completed }", vec![]),
        (&escalated, "humans: { h: { by: t.becker, ok: true } }, expect: { waiting: h }", vec![]),
        (
            each,
            "input: { l: [x, y, z] }, models: { m: [{ k: a }, { k: z }, { k: a }, { k: b }] }, expect: { state: completed, output: { m: [{ k: a }, { k: b }, { k: a }] } }",
            vec![],
        ),
        (repair, "tools: { dms/suchen: { error: refused } }, expect: { waiting: t }", vec![]),
        (
            repair,
            "tools: { dms/suchen: { error: refused } }, humans: { t: { by: a.klein, entscheidung: wert, wert: { mehr: false } } }, expect: { state: completed, steps: { t: { mehr: false } } }",
            vec![],
        ),
        (doubt, "tools: { mail/senden: { error: timeout } }, expect: { waiting: t }", vec![]),
        (
            doubt,
            "tools: { mail/senden: { error: timeout } }, humans: { t: { by: a.klein, geschehen: true, wert: { message_id: m } } }, expect: { state: completed, output: { t: { message_id: m } } }",
            vec![],
        ),
        (
            doubt,
            "tools: { mail/senden: [{ error: timeout }, { message_id: n }] }, humans: { t: [{ by: a.klein, geschehen: false }] }, expect: { state: completed, output: { t: { message_id: n } } }",
            vec![],
        ),
        (takeover, "as: b.lang, expect: { waiting: t, not_called: [dms/akte_anlegen] }", vec![]),
        (takeover, "as: b.lang, humans: { t: { by: a.klein, entscheidung: abbrechen } }, expect: { state: cancelled }", vec![]),
        (
            none,
            "tools: { dms/suchen: { mehr: false } }, expect: { state: completed }",
            vec!["Zustand: erwartet completed, gefunden failed t: dms/suchen: die Argumente passen nicht zu seiner Definition, Feld „frage“: Bitte ausfüllen."],
        ),
        (signed_in, "as: { applicant: { loa: hoch } }, expect: { state: completed }", vec![]),
        (
            signed_in,
            "as: { applicant: { loa: basis } }, expect: { state: completed }",
            vec!["Start verweigert: Der Eingang verlangt eine Anmeldung mit dem Niveau „substanziell“, der Fall nennt „basis“."],
        ),
        (child, "expect: { state: completed, output: { n: 2000-000001/1 } }", vec![]),
    ] {
        let cases = format!("cases: [{{ name: n, as: s.weber, {case} }}]").replace("as: s.weber, as: ", "as: ");
        assert_eq!(played(steps, &cases).await, expected, "{steps}\n{case}");
    }
}
