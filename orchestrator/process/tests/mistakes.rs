//! Thirty wrong process files, one mistake each: the right code at the right line, in words for people who do not program.

use std::collections::BTreeMap;

use laufzettel_domain::{Findings, Lang};
use laufzettel_process::{Catalogue, Folder, Schema, check, read, types::ToolTypes};
use serde_json::json;

const GOOD: &str = r#"process: probe
version: 1.0.0
title: Probe
verantwortlich: FB1
rechtsgrundlage: [§ 1]
zweck: Prüfen
schutzbedarf: normal
datenkategorien: [personenbezogen]
aufbewahrung: { vorgang: P1Y, inhalte: P1M }
automatisierung: assistenz
ki_verordnung: { klasse: minimal, begruendung: Test }
input:
  type: object
  properties: { name: { type: string }, zahl: { type: integer } }
triggers:
  - intake: { path: probe, audience: public, run_as: service:svc }
steps:
  satz:
    rules: { table: rules/satz.yaml, with: { ort: "{{ input.name }}" } }
  suche:
    if: "{{ input.zahl > 3 }}"
    tool: dms/suchen
    with: { frage: "{{ input.name }}" }
    retry: { attempts: 3, delay: PT2S }
  art:
    model: { size: m, prompt: Welche Art?, data: { t: "{{ input.name }}" }, output: { type: object, required: [a], properties: { a: { enum: [x, y] } } } }
  pruefung:
    needs: ["suche?"]
    human:
      assign: { groups: [GG] }
      show: { art: "{{ steps.art.a }}", satz: "{{ steps.satz.cent }}" }
      form: { type: object, properties: { ok: { type: boolean } } }
      due: P3D
  brief:
    run_as: steps.pruefung
    tool: dms/ablegen
    with: { text: "{{ render('templates/brief.md') }}" }
output:
  satz: "{{ steps.satz.cent }}"
"#;

const INTAKE: &str = "intake: { path: probe, audience: public, run_as: service:svc }";

const TABLE: &str = "table: satz
source: Satzung
key: [ort]
rows:
  - { ort: A, gueltig_ab: 2026-01-01, gueltig_bis: 2026-12-31, result: { cent: 1 } }
  - { ort: A, gueltig_ab: 2027-01-01, result: { cent: 2 } }
";

/// Findings of the good file with one text replaced, as `file line code`.
fn findings(what: &str, by: &str) -> Vec<(String, u32, String, String)> {
    let texts = [("p.yaml", GOOD), ("rules/satz.yaml", TABLE), ("templates/brief.md", "Guten Tag {{ input.name }},\nSatz {{ steps.satz.cent }}\n")];
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut hits = 0;
    for (name, text) in texts {
        hits += text.matches(what).count().min(1);
        files.insert(name.to_owned(), text.replacen(what, by, 1));
    }
    assert!(what.is_empty() || hits == 1, "„{what}“ stands in {hits} files");
    let mut findings = Findings::new("p.yaml");
    read::read(&Folder { files }, "p.yaml", &mut findings);
    findings.into_sorted().into_iter().map(|f| (f.file.clone(), f.line, f.code.clone(), f.line(Lang::De))).collect()
}

#[test]
fn the_good_file_has_none() {
    assert_eq!(findings("", ""), []);
}

/// Whether there is anybody to ask: as `code line`.
#[test]
fn an_applicant_is_asked_where_there_is_one() {
    const FRAGE: &str = "  frage: { human: { assign: applicant, form: { type: object, properties: { x: { type: string } } } } }\n  satz:\n";
    let guarded = FRAGE.replace("{ human", "{ if: \"{{ run.status_link is defined }}\", human");
    let behind = guarded.replace("  satz:", "  weiter: { needs: [frage], human: { assign: applicant, form: { type: object, properties: {} } } }\n  satz:");
    let hook = "intake: { path: probe, audience: public, run_as: service:svc }\n  - webhook: { path: x, auth: key, run_as: service:svc }";
    let start = "start: { groups: [GG] }\ninput:\n  type: object";
    for (changes, expected) in [
        (&[("  satz:\n", FRAGE)][..], &[][..]),
        (&[("  satz:\n", FRAGE), (INTAKE, "webhook: { path: x, auth: key, run_as: service:svc }")], &["LZ608 18"]),
        (&[("  satz:\n", FRAGE), (INTAKE, hook)], &["LZ609 19"]),
        (&[("  satz:\n", FRAGE), ("input:\n  type: object", start)], &["LZ609 19"]),
        (&[("  satz:\n", &guarded), (INTAKE, hook)], &[]),
        (&[("  satz:\n", &behind), (INTAKE, hook)], &[]),
    ] {
        let text = changes.iter().fold(GOOD.to_owned(), |text, (what, by)| text.replacen(what, by, 1));
        let files = BTreeMap::from([
            ("p.yaml".to_owned(), text),
            ("rules/satz.yaml".to_owned(), TABLE.to_owned()),
            ("templates/brief.md".to_owned(), "Guten Tag".to_owned()),
        ]);
        let mut findings = Findings::new("p.yaml");
        read::read(&Folder { files }, "p.yaml", &mut findings);
        let found: Vec<String> = findings.into_sorted().iter().map(|f| format!("{} {}", f.code, f.line)).collect();
        assert_eq!(found, expected, "{changes:?}");
    }
}

/// A step of which only `skipped('x')` is asked waits for it and runs whatever became of it; one that reads its value, too, does not.
#[test]
fn whether_a_step_was_skipped_can_be_asked() {
    for (condition, more, expected) in [
        ("skipped('suche')", "x", Some(true)),
        ("skipped('suche') or failed('suche')", "x", Some(true)),
        ("failed('suche')", "x", Some(false)),
        ("not skipped('suche')", "{{ steps.suche.n }}", Some(false)),
    ] {
        let step = format!("  dann: {{ if: \"{{{{ {condition} }}}}\", set: {{ a: \"{more}\" }} }}\n  brief:\n");
        let text = GOOD.replacen("  brief:\n", &step, 1);
        let files = [("p.yaml", text.as_str()), ("rules/satz.yaml", TABLE), ("templates/brief.md", "Guten Tag")];
        let folder = Folder { files: files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect() };
        let mut findings = Findings::new("p.yaml");
        let process = read::read(&folder, "p.yaml", &mut findings).unwrap_or_else(|| panic!("{:?}", findings.into_sorted()));
        let needs: BTreeMap<&str, bool> = process.steps["dann"].needs.iter().map(|(id, optional)| (id.as_str(), *optional)).collect();
        assert_eq!(needs, expected.map(|optional| ("suche", optional)).into_iter().collect(), "{condition}");
    }
}

/// A mistake in the words hides none in what the steps do.
#[test]
fn whoever_looks_for_mistakes_gets_the_process_all_the_same() {
    let whole = |what: &str, by: &str| {
        let text = GOOD.replacen(what, by, 1);
        let files = [("p.yaml", text.as_str()), ("rules/satz.yaml", TABLE), ("templates/brief.md", "Guten Tag")];
        let folder = Folder { files: files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect() };
        let mut findings = Findings::new("p.yaml");
        let read = (read::read_whole(&folder, "p.yaml", &mut findings).is_some(), read::read(&folder, "p.yaml", &mut Findings::new("p.yaml")).is_some());
        assert_eq!(findings.has_errors(), !what.is_empty());
        read
    };
    let table = [
        ("", "", (true, true)),
        ("due: P3D", "due: P3D\n      titel: x", (true, false)),
        ("{{ input.zahl > 3 }}", "{{ inputt.zahl > 3 }}", (true, false)),
        // a circle, a step nobody can read
        ("needs: [\"suche?\"]", "needs: [brief]", (false, false)),
        ("    tool: dms/ablegen", "    tool: ablegen", (false, false)),
    ];
    for (what, by, expected) in table {
        assert_eq!(whole(what, by), expected, "{by}");
    }
}

#[test]
fn thirty_mistakes() {
    let table: &[(&str, &str, &str, u32, &str)] = &[
        ("title: Probe", "titel: Probe", "LZ105", 3, "Meinten Sie „title“?"),
        ("process: probe", "process: Probe 1", "LZ109", 1, "nur a–z"),
        ("version: 1.0.0", "version: 1.0", "LZ111", 2, "drei Zahlen"),
        ("zweck: Prüfen", "zweck: Prüfen\nzweck: Nochmal", "LZ103", 7, "zweites Mal"),
        ("zweck: Prüfen\n", "", "LZ601", 1, "zweck"),
        ("schutzbedarf: normal", "schutzbedarf: mittel", "LZ108", 7, "nicht möglich"),
        ("[personenbezogen]", "[persönlich]", "LZ108", 8, "nicht möglich"),
        ("vorgang: P1Y", "vorgang: 1 Jahr", "LZ110", 9, "keine Dauer"),
        ("ki_verordnung: { klasse: minimal, begruendung: Test }\n", "", "LZ601", 1, "ki_verordnung"),
        ("run_as: service:svc }", "}", "LZ603", 16, "Dienstkonto"),
        (INTAKE, "webhook: { path: probe, auth: key, secret: s, run_as: service:svc }", "LZ105", 16, "secret"),
        (INTAKE, "webhook: { path: probe, auth: signature, run_as: service:svc }", "LZ106", 16, "secret"),
        (INTAKE, "webhook: { path: probe, auth: passwort, secret: s, run_as: service:svc }", "LZ108", 16, "key"),
        (INTAKE, "cron: { schedule: 0 6 * * 1, run_as: service:svc }", "LZ112", 16, "MON TUE"),
        (INTAKE, "cron: { schedule: 0 6 * * MON, zone: Europe/Trier, run_as: service:svc }", "LZ109", 16, "Europe/Berlin"),
        (INTAKE, "cron: { schedule: 0 6 * * MON, holidays: ja, run_as: service:svc }", "LZ108", 16, "next_working_day"),
        (INTAKE, "cron: { schedule: 0 6 * * MON, run_as: service:svc, input: { zahl: drei } }", "LZ312", 16, "zahl"),
        (INTAKE, "cron: { schedule: 0 6 * * MON, run_as: service:svc, input: { name: '{{ run.id }}' } }", "LZ107", 16, "feste Werte"),
        (INTAKE, "cron: { schedule: 0 6 * * MON }", "LZ603", 16, "Dienstkonto"),
        (INTAKE, "folder: { path: ein, done: aus, run_as: service:svc }", "LZ106", 16, "failed"),
        (INTAKE, "folder: { path: ein, done: aus, failed: ein, run_as: service:svc }", "LZ103", 16, "drei verschiedene"),
        (INTAKE, "folder: { path: ../ein, done: aus, failed: fehler, run_as: service:svc }", "LZ109", 16, "eingang.folder"),
        (INTAKE, "folder: { path: /srv/ein, done: aus, failed: fehler, run_as: service:svc }", "LZ109", 16, "eingang.folder"),
        (INTAKE, "folder: { path: ein, done: aus, failed: fehler/.ssh, run_as: service:svc }", "LZ109", 16, "eingang.folder"),
        (INTAKE, "folder: { path: ein, done: aus, failed: fehler }", "LZ603", 16, "Dienstkonto"),
        (
            INTAKE,
            "folder: { path: a, done: b, failed: c, run_as: service:svc }\n  - folder: { path: b, done: d, failed: e, run_as: service:svc }",
            "LZ119",
            17,
            "überschneidet",
        ),
        (INTAKE, "poll: { every: PT1M, key: '{{ item.id }}', run_as: service:svc }", "LZ106", 16, "tool"),
        (INTAKE, "poll: { tool: t/lesen, key: '{{ item.id }}', run_as: service:svc }", "LZ106", 16, "every"),
        (INTAKE, "poll: { tool: t/lesen, every: PT1M, run_as: service:svc }", "LZ106", 16, "key"),
        (INTAKE, "poll: { tool: t/lesen, every: PT1M, key: '{{ item.id }}' }", "LZ603", 16, "Dienstkonto"),
        (INTAKE, "poll: { tool: t/lesen, every: PT1S, key: '{{ item.id }}', run_as: service:svc }", "LZ107", 16, "zehn Sekunden"),
        (INTAKE, "poll: { tool: t/lesen, every: P2D, key: '{{ item.id }}', run_as: service:svc }", "LZ107", 16, "P1D"),
        (INTAKE, "poll: { tool: t/lesen, every: PT1M, key: id, run_as: service:svc }", "LZ107", 16, "Ausdruck"),
        (INTAKE, "poll: { tool: t/lesen, every: PT1M, key: '{{ item. }}', run_as: service:svc }", "LZ115", 16, "Ausdruck"),
        (INTAKE, "poll: { tool: t/lesen, every: PT1M, key: '{{ result.id }}', run_as: service:svc }", "LZ302", 16, "nur item"),
        (INTAKE, "poll: { tool: t/lesen, every: PT1M, key: '{{ item.id }}', cursor: '{{ item.id }}', run_as: service:svc }", "LZ302", 16, "nur result"),
        (INTAKE, "poll: { tool: t/lesen, with: { a: '{{ input.zahl }}' }, every: PT1M, key: '{{ item.id }}', run_as: service:svc }", "LZ302", 16, "nur cursor"),
        (INTAKE, "poll: { tool: t/lesen, every: PT1M, key: '{{ item.id }}', limit: 3, run_as: service:svc }", "LZ105", 16, "limit"),
        (INTAKE, "mail: { folder: ../x, run_as: service:svc }", "LZ109", 16, "Postfachs"),
        (INTAKE, "mail: { match: {}, run_as: service:svc }", "LZ106", 16, "betreff"),
        (
            "  type: object\n  properties: { name: { type: string }, zahl: { type: integer } }\ntriggers:\n  - intake: { path: probe, audience: public, run_as: service:svc }",
            "  type: object\n  required: [name]\n  properties: { name: { type: string }, zahl: { type: integer } }\ntriggers:\n  - mail: { run_as: service:svc }",
            "LZ312",
            17,
            "keine E-Mail",
        ),
        (INTAKE, "mail: { match: { absender: x }, run_as: service:svc }", "LZ105", 16, "absender"),
        (INTAKE, "intake: { path: probe, run_as: service:svc }\n    cron: { schedule: 0 6 * * MON, run_as: service:svc }", "LZ116", 17, "genau eine Art"),
        ("  type: object\n", "  type: objekt\n", "LZ113", 13, "kein gültiges JSON-Schema: Bei „/type“ steht „objekt“."),
        ("rules/satz.yaml", "rules/saz.yaml", "LZ118", 19, "gibt es nicht"),
        ("rules/satz.yaml", "../../geheim.yaml", "LZ114", 19, "außerhalb"),
        ("    tool: dms/suchen\n", "    tool: dms/suchen\n    set: { a: 1 }\n", "LZ116", 21, "genau eine Art"),
        ("    tool: dms/suchen\n", "    werkzeug: dms/suchen\n", "LZ116", 21, "genau eine Art"),
        ("tool: dms/suchen", "tool: suchen", "LZ109", 22, "server/werkzeug"),
        ("delay: PT2S", "delay: 2s", "LZ110", 24, "keine Dauer"),
        ("attempts: 3", "attempts: viele", "LZ107", 24, "ganze Zahl"),
        ("\"{{ input.zahl > 3 }}\"", "input.zahl > 3", "LZ107", 21, "Ausdruck"),
        ("input.zahl > 3", "input.zahl >", "LZ115", 21, "nicht richtig geschrieben"),
        ("input.zahl > 3", "input.zal > 3", "LZ301", 21, "Meinten Sie „zahl“?"),
        ("input.zahl > 3", "eingabe.zahl > 3", "LZ302", 21, "gibt es hier nicht"),
        ("input.zahl > 3", "summe(input.zahl) > 3", "LZ303", 21, "Funktion"),
        ("input.zahl > 3", "add_days(input.name) > '2026'", "LZ303", 21, "braucht 2 Werte"),
        ("input.zahl > 3", "input.zahl | default(1, true) > 3", "LZ303", 21, "braucht einen Wert"),
        ("steps.art.a }}", "steps.art.b }}", "LZ301", 31, "ein Feld „b“"),
        ("steps.art.a }}", "steps.suche.treffer }}", "LZ330", 31, "kann fehlen"),
        ("needs: [\"suche?\"]", "needs: [such]", "LZ201", 27, "Meinten Sie „suche“?"),
        ("needs: [\"suche?\"]", "needs: [brief]", "LZ203", 34, "im Kreis"),
        ("needs: [\"suche?\"]", "needs: [pruefung]", "LZ202", 27, "auf sich selbst"),
        ("run_as: steps.pruefung", "run_as: steps.satz", "LZ205", 35, "kein Mensch"),
        ("    human:\n      assign: { groups: [GG] }", "    human:\n      assign: {}", "LZ106", 30, "fehlt"),
        ("size: m", "size: xl", "LZ108", 26, "nicht möglich"),
        ("templates/brief.md') }}\"", "templates/brif.md') }}\"", "LZ118", 37, "Meinten Sie"),
        ("output:\n  satz: \"{{ steps.satz.cent }}\"", "output:\n  satz: \"{{ steps.saz.cent }}\"", "LZ204", 39, "nie einen Wert"),
        ("data: { t: \"{{ input.name }}\" }", "data: { t: \"{{ input.name }}\" }, cite: required", "LZ106", 26, "sources"),
        ("data: { t: \"{{ input.name }}\" }", "data: { quellen: x }, sources: \"{{ [] }}\"", "LZ108", 26, "„quellen“"),
        ("data: { t: \"{{ input.name }}\" }", "sources: [1]", "LZ107", 26, "Eine Liste"),
        ("    retry:", "    each: [1, 2]\n    retry:", "LZ107", 24, "Eine Liste ist ein Ausdruck"),
        ("    retry:", "    each: \"{{ input.zahl }}\"\n    retry:", "LZ314", 24, "bekommt eine Zahl"),
        ("    retry:", "    max_parallel: 4\n    retry:", "LZ108", 24, "each fehlt"),
        ("    retry:", "    on_item_error: human\n    retry:", "LZ108", 24, "Möglich sind: fail, continue"),
        ("with: { frage: \"{{ input.name }}\" }", "with: { frage: \"{{ item.name }}\" }", "LZ302", 23, "„item“"),
        ("    retry:", "    each: \"{{ item }}\"\n    retry:", "LZ302", 24, "„item“"),
        ("    retry:", "    repeat: { until: \"{{ result.fertig }}\", every: PT5M }\n    retry:", "LZ106", 24, "max"),
        ("    retry:", "    repeat: { until: \"{{ result.fertig }}\", every: PT0.5S, max: 3 }\n    retry:", "LZ107", 24, "jede Sekunde"),
        ("    needs: [\"suche?\"]", "    repeat: { until: \"{{ true }}\", every: PT5M, max: 3 }\n    needs: [\"suche?\"]", "LZ116", 28, "nur ein Werkzeug"),
        ("    needs: [\"suche?\"]", "    each: \"{{ input.namen }}\"\n    needs: [\"suche?\"]", "LZ301", 28, "„namen“"),
        ("    needs: [\"suche?\"]", "    each: \"{{ [1, 2] }}\"\n    needs: [\"suche?\"]", "LZ205", 36, "each hat viele"),
        ("      due: P3D", "      due: P3D\n      vorschlag: { okay: true }", "LZ108", 34, "Möglich sind: ok"),
        ("      due: P3D", "      due: P3D\n      escalate: { after: P5D }", "LZ106", 34, "to"),
        ("{ ok: { type: boolean } }", "{ ok: { type: string, x-auswahl: [a, b] } }", "LZ107", 32, "x-auswahl"),
        ("{ ok: { type: boolean } }", "{ ok: { type: string, x-einheit: cent } }", "LZ108", 32, "x-einheit: cent steht nur"),
        ("{ ok: { type: boolean } }", "{ ok: { type: string, format: date, x-spaetestens: morgen } }", "LZ117", 32, "„heute“ oder ein Datum"),
        ("    needs: [\"suche?\"]", "    on_error: menschen\n    needs: [\"suche?\"]", "LZ108", 28, "human"),
        ("  brief:\n", "  w: { wait: {} }\n  brief:\n", "LZ116", 34, "genau eines: for"),
        ("  brief:\n", "  w: { wait: { for: P1D, until: 2027-01-01 } }\n  brief:\n", "LZ116", 34, "genau eines: for"),
        ("  brief:\n", "  w: { wait: { for: 14 Tage } }\n  brief:\n", "LZ110", 34, "keine Dauer"),
        ("  brief:\n", "  w: { wait: { until: P14D } }\n  brief:\n", "LZ107", 34, "Eine Dauer gehört in for"),
        ("  brief:\n", "  w: { wait: { event: zahlung, key: K } }\n  brief:\n", "LZ106", 34, "output"),
        ("  brief:\n", "  w: { wait: { event: zahlung, output: { type: object } } }\n  brief:\n", "LZ106", 34, "key"),
        ("  brief:\n", "  w: { wait: { event: Zahlung 1, key: K, output: { type: object } } }\n  brief:\n", "LZ109", 34, "a–z"),
        ("  brief:\n", "  w: { wait: { event: zahlung, key: K, output: { type: string } } }\n  brief:\n", "LZ113", 34, "type: object"),
        ("  brief:\n", "  w: { wait: { event: zahlung, for: P1D, key: K, output: { type: object } } }\n  brief:\n", "LZ116", 34, "genau eines"),
        ("  brief:\n", "  w: { wait: { event: zahlung, key: K, output: { type: object }, timeout: bald } }\n  brief:\n", "LZ110", 34, "bald"),
        ("  brief:\n", "  w: { wait: { for: P1D, unless: pruefung } }\n  brief:\n", "LZ109", 34, "steps.<name>"),
        ("  brief:\n", "  w: { wait: { for: P1D, unless: steps.prufung } }\n  brief:\n", "LZ201", 34, "Meinten Sie „pruefung“?"),
        ("  brief:\n", "  w: { wait: { for: P1D, unless: steps.brief } }\n  brief:\n    needs: [w]\n", "LZ206", 34, "nebenher"),
        ("  brief:\n", "  w: { wait: { for: P1D, unless: steps.w } }\n  brief:\n", "LZ206", 34, "nebenher"),
        ("      due: P3D", "      not_by: [satz]\n      due: P3D", "LZ109", 33, "steps.<name>"),
        ("      due: P3D", "      not_by: [steps.satz]\n      due: P3D", "LZ205", 33, "kein Mensch"),
        ("      due: P3D", "      not_by: [steps.freigabe]\n      due: P3D", "LZ201", 27, "gibt es nicht"),
        ("      due: P3D", "      not_by: [steps.pruefung]\n      due: P3D", "LZ202", 27, "auf sich selbst"),
        ("assign: { groups: [GG] }", "assign: { groups: [GG], applicant: true }", "LZ105", 30, "applicant"),
        ("assign: { groups: [GG] }", "assign: antragsteller", "LZ107", 30, "Block"),
        ("      assign: { groups: [GG] }", "      assign: applicant\n      not_by: [steps.satz]", "LZ108", 31, "vier Augen"),
        ("      assign: { groups: [GG] }", "      assign: applicant\n      ermessen: true", "LZ108", 31, "die Behörde"),
        (
            "      assign: { groups: [GG] }",
            "      assign: applicant\n      release: { to: niedrig, kategorien: [], of: [art] }",
            "LZ108",
            31,
            "das Recht dazu hat",
        ),
        ("assign: { groups: [GG] }", "assign: applicant", "LZ205", 35, "keine Rechte im Haus"),
        ("gueltig_ab: 2027-01-01", "gueltig_ab: 2026-06-01", "LZ320", 6, "zwei Zeilen zugleich"),
        ("gueltig_ab: 2027-01-01", "gueltig_ab: 2027-02-01", "LZ321", 6, "keine Zeile"),
        ("gueltig_bis: 2026-12-31", "gueltig_bis: 2025-12-31", "LZ322", 5, "gilt nie"),
        ("key: [ort]", "key: [ort]\nresult: { type: object, properties: { cent: { type: string } } }", "LZ323", 6, "cent"),
        ("with: { ort: ", "with: { or: ", "LZ324", 18, "nach „ort“ gefragt"),
        ("2026-12-31, result", "2026-12-31, when: zahl > 1, result", "LZ324", 18, "liest „zahl“"),
        ("2026-12-31, result: { cent: 1 }", "2026-12-31, result: { cent: '{{ with.zahl }}' }", "LZ324", 18, "liest „zahl“"),
        ("  art:\n", "  art:\n    end_if: \"{{ result.b == 'x' }}\"\n", "LZ301", 26, "„b“"),
        ("form: { type: object, properties: { ok: { type: boolean } } }", "form: { type: string }", "LZ108", 32, "type: object"),
        ("properties: { ok: { type: boolean } }", "properties: { by: { type: boolean } }", "LZ108", 32, "„by“"),
    ];
    let mut wrong = Vec::new();
    for (what, by, code, line, words) in table {
        let found = findings(what, by);
        let fits = found.iter().any(|(_, l, c, said)| c == code && l == line && said.contains(words));
        if !fits {
            wrong.push(format!(
                "„{what}“ → „{by}“: erwartet {code} in Zeile {line} mit „{words}“, gefunden {:#?}",
                found.iter().map(|f| &f.3).collect::<Vec<_>>()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Of two processes that would reach for the same files or messages only the first is there, and the other is told why.
#[test]
fn two_processes_never_share_what_arrives() {
    let folder = |path: &str, done: &str| INTAKE_OF.replace("HOW", &format!("folder: {{ path: {path}, done: {done}, failed: fehler, run_as: service:svc }}"));
    let mail = |von: &str| INTAKE_OF.replace("HOW", &format!("mail: {{ match: {{ von: {von} }}, run_as: service:svc }}"));
    for (first, second, both) in [
        (folder("ein", "aus"), folder("ein", "fertig"), false),
        (folder("ein", "aus"), folder("aus", "fertig"), false),
        (folder("ein", "aus"), folder("post", "ein"), false),
        (folder("ein", "aus"), folder("post", "aus"), true),
        (mail("a@x.example"), mail("A@x.example"), false),
        (mail("a@x.example"), mail("b@x.example"), true),
    ] {
        let files = [("a.yaml", first), ("b.yaml", second.replace("process: probe", "process: andere"))];
        let catalogue = Catalogue::load(&Folder { files: files.map(|(name, text)| (name.to_owned(), text)).into() });
        let codes: Vec<&str> = catalogue.findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!((catalogue.processes.len(), codes), if both { (2, vec![]) } else { (1, vec!["LZ119"]) }, "{:?}", catalogue.findings);
    }
}

const INTAKE_OF: &str = "process: probe
version: 1.0.0
title: Probe
verantwortlich: FB1
rechtsgrundlage: [§ 1]
zweck: Prüfen
schutzbedarf: normal
datenkategorien: []
aufbewahrung: { vorgang: P1Y, inhalte: P1M }
automatisierung: assistenz
input: { type: object }
triggers:
  - HOW
steps:
  da: { set: { da: ja } }
";

/// What the pinned definition of a tool says of the look at it, as `code key`.
#[test]
fn a_look_is_checked_against_what_its_tool_says() {
    let text = |poll: &str, required: &str| {
        let input = format!("input: {{ type: object, required: [{required}], properties: {{ id: {{ type: integer }}, mehr: {{ type: string }} }} }}");
        let trigger = format!("poll: {{ tool: t/liste, {poll}, every: PT1M, run_as: service:svc }}");
        INTAKE_OF.replace("input: { type: object }", &input).replace("HOW", &trigger)
    };
    let one = json!({ "type": "object", "properties": { "bis": { "type": "integer" }, "zeilen": { "type": "array", "items": { "type": "object", "properties": { "id": { "type": "integer" } } } } } });
    let two = json!({ "type": "object", "properties": { "a": { "type": "array" }, "b": { "type": "array" } } });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let good = "with: { seit: '{{ cursor }}' }, cursor: '{{ result.bis }}', key: '{{ item.id }}'";
    for (poll, required, answer, expected) in [
        (good, "id", &one, &[][..]),
        (good, "id, mehr", &one, &["LZ312 triggers[1].poll"]),
        (&good.replace("item.id", "item.nr"), "id", &one, &["LZ301 triggers[1].poll.key"]),
        (&good.replace("result.bis", "result.weiter"), "id", &one, &["LZ301 triggers[1].poll.cursor"]),
        (&good.replace("seit:", "ab:"), "id", &one, &["LZ311 triggers[1].poll.with.ab"]),
        ("key: '{{ item.id }}'", "id", &two, &["LZ314 triggers[1].poll.tool"]),
        ("key: '{{ item }}'", "id", &texts, &["LZ314 triggers[1].poll.tool"]),
    ] {
        let files = BTreeMap::from([("p.yaml".to_owned(), text(poll, required))]);
        let mut findings = Findings::new("p.yaml");
        let process = read::read(&Folder { files }, "p.yaml", &mut findings);
        assert_eq!(findings.into_sorted(), [], "{poll}");
        let input = Schema::compile(json!({ "type": "object", "properties": { "seit": { "type": "integer" } } })).expect("a schema");
        let tool = ToolTypes { input, output: Schema::compile(answer.clone()).ok() };
        for (known, expected) in [("t/liste", expected), ("t/andere", &["LZ313 triggers[1].poll.tool"])] {
            let mut findings = Findings::new("p.yaml");
            let tools = [("t/liste".to_owned(), tool.clone())].into();
            check::check_tools(process.as_ref().expect("it reads"), &tools, Some(&[known.to_owned()]), &mut findings);
            let found: Vec<String> = findings.into_sorted().iter().map(|f| format!("{} {}", f.code, f.key)).collect();
            assert_eq!(found, expected, "{poll}");
        }
    }
}

/// A version that was good once is read again for its runs, whatever a later program would say of its words; one that cannot be read is not.
#[test]
fn a_kept_version_is_read_whatever_is_said_of_it_now() {
    let child = INTAKE_OF.replace("process: probe", "process: kind").replace("HOW", "intake: { path: kind, run_as: service:svc }");
    let child = child.replace("input: { type: object }", "input: { type: object, properties: { a: { titel: A } } }");
    let text = INTAKE_OF.replace("HOW", "intake: { path: probe, run_as: service:svc }");
    let text = text.replace("input: { type: object }", "input: { type: object, properties: { b: { type: string, der fehlt: null } } }");
    let text = text.replace("da: { set: { da: ja } }", "da: { set: { da: ja } }\n  ruf: { process: { name: kind, input: { a: 1 } } }");
    let folder = |text: &str| Folder { files: [("p.yaml", text), ("k.yaml", &child)].map(|(name, text)| (name.to_owned(), text.to_owned())).into() };
    let mut now = Findings::new("p.yaml");
    assert!(read::read(&folder(&text), "p.yaml", &mut now).is_none());
    assert!(now.into_sorted().iter().any(|finding| finding.code == "LZ105"));
    let kept = read::read(&folder(&text), "p.yaml", &mut Findings::of_kept("p.yaml"));
    assert_eq!(kept.map(|process| process.children.len()), Some(1));
    assert!(read::read(&folder(&text.replace("version: 1.0.0", "version: eins")), "p.yaml", &mut Findings::of_kept("p.yaml")).is_none());
}
