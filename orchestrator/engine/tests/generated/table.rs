//! One mistake each, in a process that is right: the finding's code, and the way it shows.

use laufzettel_domain::{Findings, Lang};
use laufzettel_engine::proof;

use super::{context, house::House, read};

const GOOD: &str = r#"process: probe
version: 1.0.0
title: Probe
verantwortlich: FB1
rechtsgrundlage: [Satzung]
zweck: Prüfen
schutzbedarf: hoch
datenkategorien: [personenbezogen, steuerdaten]
aufbewahrung: { vorgang: P1Y, inhalte: P1M }
automatisierung: assistenz
ki_verordnung: { klasse: minimal, begruendung: Test }
start: { groups: [GG-Amt], via: [form] }
run_as: service:svc
triggers: [{ intake: { path: probe, run_as: service:svc } }]
input:
  type: object
  properties:
    iban: { type: string }
    mail: { type: string, format: email, x-kontakt: true }
    art: { enum: [a, b] }
    frei: { type: string, x-schutzbedarf: kein, x-kategorien: [] }
    zahl: { type: integer }
steps:
  text:
    tool: t/lesen
    with: { frage: "{{ input.iban }}" }
  einordnung:
    model:
      prompt: "Ordne ein: {{ input.art }}"
      data: { antrag: "{{ input.iban }}", fund: "{{ steps.text.text }}" }
      output: { type: object, required: [art], properties: { art: { enum: [p, q] } } }
  entscheidung:
    needs: [einordnung]
    human:
      assign: { groups: [GG-Amt] }
      show: { mail: "{{ input.mail }}", fund: "{{ steps.text }}", auszug: "{{ steps.text.text }}" }
      form: { type: object, additionalProperties: false, properties: { akte: { type: string } } }
  ablage:
    needs: ["einordnung?"]
    run_as: steps.entscheidung
    tool: t/ablegen
    with: { akte: "{{ steps.entscheidung.akte }}", inhalt: "{{ input.iban }}" }
  brief:
    needs: [ablage]
    run_as: steps.entscheidung
    tool: m/senden
    with: { an: "{{ steps.entscheidung.shown.mail }}", text: "{{ input.iban }}" }
"#;

/// Errors and warnings as `code key: sentence`.
fn findings(text: &str, house: &House) -> Vec<String> {
    let (process, lines) = read(text);
    let Some(process) = process else { panic!("{lines:#?}") };
    let context = context(&process, house);
    let mut findings = Findings::new("p.yaml");
    let setting = proof::Setting { context: &context, zones: &house.zones, endpoints: &house.endpoints, rules: Some(&house.rules), members: &house.members };
    proof::prove(&process, &setting, &mut findings);
    let mut lines: Vec<String> = findings.into_sorted().iter().map(|f| format!("{} {}: {}", f.code, f.key, f.message.get(Lang::En))).collect();
    lines.sort();
    lines
}

type Change = fn(&mut House);

fn same(_: &mut House) {}

#[test]
fn every_mistake_is_named_with_its_way() {
    assert_eq!(findings(GOOD, &House::new("gruen")), Vec::<String>::new());
    let zone: Change = |house| house.endpoints[0].zone = "gelb".to_owned();
    let table: &[(&str, &str, Change, &[&str])] = &[
        (
            "art: p",
            "",
            zone,
            &[
                "LZ401 steps.einordnung.data.antrag: input.iban (hoch, personenbezogen, steuerdaten) → steps.einordnung.data.antrag → zone gelb: not cleared for steuerdaten.",
                "LZ401 steps.einordnung.data.fund: steps.text [t/lesen] (hoch, personenbezogen, steuerdaten) → steps.text.text → steps.einordnung.data.fund → zone gelb: not cleared for steuerdaten.",
                "LZ401 steps.einordnung.model.prompt: input.art (hoch, personenbezogen, steuerdaten) → steps.einordnung.model.prompt → zone gelb: not cleared for steuerdaten.",
                "LZ802 steps.einordnung.model.size: No model of size s stands in a zone this material (hoch, personenbezogen, steuerdaten) may go to.",
            ],
        ),
        (
            "datenkategorien: [personenbezogen, steuerdaten]",
            "datenkategorien: [personenbezogen, auskunftssperre]",
            same,
            &[
                "LZ401 steps.einordnung.data.antrag: ",
                "LZ401 steps.einordnung.data.fund: ",
                "LZ401 steps.einordnung.model.prompt: ",
                "LZ802 steps.einordnung.model.size: ",
            ],
        ),
        (
            "\"Ordne ein: {{ input.art }}\"",
            "\"Ordne ein: {{ input.frei }}\"",
            same,
            &["LZ501 steps.einordnung.model.prompt: input.frei (kein) → steps.einordnung.model.prompt: text of foreign origin in an instruction to the model."],
        ),
        (
            "\"{{ steps.entscheidung.akte }}\"",
            "\"{{ input.frei }}\"",
            same,
            &[
                "LZ502 steps.ablage.with.akte: input.frei (kein) → steps.ablage.with.akte → t/ablegen: this argument steers what t/ablegen does; a value of foreign origin (untrusted) must not.",
            ],
        ),
        (
            "\"{{ steps.entscheidung.akte }}\"",
            "\"{{ input.zahl }}\"",
            same,
            &[
                "LZ502 steps.ablage.with.akte: input.zahl (hoch, personenbezogen, steuerdaten) → steps.ablage.with.akte → t/ablegen: this argument steers what t/ablegen does; a value of foreign origin (inert) must not.",
            ],
        ),
        ("\"{{ steps.entscheidung.akte }}\"", "\"{{ input.art }}\"", same, &[]),
        ("\"{{ steps.entscheidung.akte }}\"", "\"{{ 'A-1' if input.zahl > 3 else 'B-1' }}\"", same, &[]),
        ("\"{{ steps.entscheidung.akte }}\"", "\"{{ steps.entscheidung.shown.fund.anzahl }}\"", same, &[]),
        ("\"{{ steps.entscheidung.akte }}\"", "\"{{ steps.entscheidung.shown.auszug }}\"", same, &["LZ502 steps.ablage.with.akte: "]),
        ("an: \"{{ steps.entscheidung.shown.mail }}\"", "an: \"{{ input.mail }}\"", same, &["LZ502 steps.brief.with.an: "]),
        (
            "an: \"{{ steps.entscheidung.shown.mail }}\"",
            "an: fremd@example.org",
            same,
            &[
                "LZ402 steps.brief.with.text: input.iban (hoch, personenbezogen, steuerdaten) → steps.brief.with.text → m/senden: cleared only up to level kein, the value has hoch.",
            ],
        ),
        // a receipt: the declared contact, and nothing but the author's words and inert values
        (
            "    needs: [ablage]\n    run_as: steps.entscheidung\n    tool: m/senden\n    with: { an: \"{{ steps.entscheidung.shown.mail }}\", text: \"{{ input.iban }}\" }",
            "    tool: m/senden\n    with: { an: \"{{ input.mail }}\", text: \"Ihre Nummer {{ run.nummer }}, Wahl {{ input.art }}\" }",
            same,
            &[],
        ),
        (
            "    needs: [ablage]\n    run_as: steps.entscheidung\n    tool: m/senden\n    with: { an: \"{{ steps.entscheidung.shown.mail }}\"",
            "    tool: m/senden\n    with: { an: amt@vg.example",
            same,
            &[
                "LZ503 steps.brief.with.text: input.iban (hoch, personenbezogen, steuerdaten) → steps.brief.with.text → m/senden: foreign text of level hoch leaves the house without a person in between.",
            ],
        ),
        (
            "    needs: [einordnung]\n",
            "",
            same,
            &[
                "LZ605 steps.ablage.tool: steps.einordnung → steps.ablage → t/ablegen: what this step does has no undo, and nobody agreed after the model.",
                "LZ605 steps.brief.tool: ",
            ],
        ),
        ("run_as: service:svc\ntriggers", "run_as: service:anders\ntriggers", same, &["LZ701 ", "LZ701 "]),
        (
            "art: p",
            "",
            |house| house.rules.services.get_mut("svc").unwrap().allow = vec!["models.use".into()],
            &["LZ702 steps.text.tool: The service account \"svc\" may not \"tool.call:t/lesen\", and it acts here."],
        ),
        ("art: p", "", |house| house.rules.services.get_mut("svc").unwrap().processes = vec!["anders".into()], &["LZ701 ", "LZ701 ", "LZ701 "]),
        (
            "art: p",
            "",
            |house| house.tools.get_mut("t/ablegen").unwrap().groups = vec!["GG-Fremd".into()],
            &[
                "LZ703 steps.ablage.tool: \"GG-Amt\" (steps.entscheidung.human.assign) may not \"tool.call:t/ablegen\", and this step runs under those people's rights.",
            ],
        ),
        ("art: p", "", |house| drop(house.members.insert("GG-Amt".into(), None)), &["LZ703 ", "LZ703 "]),
        (
            "    needs: [\"einordnung?\"]\n    run_as: steps.entscheidung",
            "    needs: [entscheidung]\n    run_as: caller",
            same,
            &["LZ703 steps.ablage.tool: run_as: caller is also whoever applies here, and applicants may not \"tool.call:t/ablegen\"."],
        ),
        ("akte: { type: string } } }", "akte: { type: string } } }\n      release: { to: normal, kategorien: [personenbezogen], of: [auszug] }", same, &[]),
        (
            "akte: { type: string } } }",
            "akte: { type: string } } }\n      release: { to: niedrig, kategorien: [personenbezogen], of: [auszug] }",
            same,
            &["LZ403 steps.entscheidung.human.release: \"personenbezogen\" stays and demands at least the level normal, the release is to niedrig."],
        ),
        (
            "akte: { type: string } } }",
            "akte: { type: string } } }\n      release: { to: normal, kategorien: [], of: [auszug] }",
            |house| house.rules.grants[0].allow = vec!["models.use".into()],
            &["LZ704 steps.entscheidung.human.release: "],
        ),
        ("art: p", "", |house| house.endpoints[0].context = 200, &["LZ801 steps.einordnung.model.prompt: "]),
        (
            "      prompt:",
            "      size: l\n      prompt:",
            |house| house.endpoints[0].size = laufzettel_process::model::Size::S,
            &["LZ802 steps.einordnung.model.size: "],
        ),
    ];
    for (what, by, change, expected) in table {
        let text = if by.is_empty() && !GOOD.contains(what) { GOOD.to_owned() } else { GOOD.replacen(what, by, 1) };
        assert!(by.is_empty() || text != GOOD, "{what} is not in the process");
        let mut house = House::new("gruen");
        change(&mut house);
        let found = findings(&text, &house);
        assert!(found.len() == expected.len() && found.iter().zip(*expected).all(|(f, e)| f.starts_with(e)), "{what} → {by}\n{found:#?}");
    }
}

/// An entry of a tool is input that keeps its label: nothing of it may be declared lower, and the account must be allowed to ask.
#[test]
fn what_a_tool_lists_becomes_no_less_than_it_was() {
    const INTAKE: &str = "triggers: [{ intake: { path: probe, run_as: service:svc } }]";
    let poll = |tool: &str| {
        format!(
            "triggers: [{{ poll: {{ tool: {tool}, with: {{ frage: \"{{{{ cursor }}}}\" }}, every: PT1M, cursor: \"{{{{ result.bis }}}}\", key: \"{{{{ item.id }}}}\", run_as: service:svc }} }}]"
        )
    };
    let whole = "    frei: { type: string }\n";
    let deep = "    frei: { type: object, properties: { a: { type: object, properties: { b: { type: string, x-schutzbedarf: kein } } } } }\n";
    let table: [(&str, &str, Change, &[&str]); 6] = [
        ("t/lesen", whole, same, &[]),
        ("t/lesen", "", same, &["LZ404 triggers[1].poll: t/lesen ("]),
        ("t/lesen", deep, same, &["LZ404 triggers[1].poll: t/lesen ("]),
        (
            "t/lesen",
            whole,
            |house| house.tools.get_mut("t/lesen").unwrap().clearance = laufzettel_policy::Clearance::Level(laufzettel_domain::Schutzbedarf::Kein),
            &["LZ402 steps.text.with.frage: ", "LZ402 triggers[1].poll.with.frage: hoch"],
        ),
        (
            "t/lesen",
            whole,
            |house| house.rules.services.get_mut("svc").unwrap().allow = vec!["models.use".into()],
            &["LZ702 steps.text.tool: ", "LZ702 triggers: The service account \"svc\" may not \"tool.call:t/lesen\", and it acts here."],
        ),
        ("t/ablegen", whole, same, &["LZ607 triggers[1].poll.tool: \"t/ablegen\" changes something"]),
    ];
    for (tool, frei, change, expected) in table {
        let mut text = GOOD.replacen(INTAKE, &poll(tool), 1);
        if !frei.is_empty() {
            text = text.replacen("    frei: { type: string, x-schutzbedarf: kein, x-kategorien: [] }\n", frei, 1);
        }
        let mut house = House::new("gruen");
        change(&mut house);
        let found: Vec<String> =
            findings(&text, &house).into_iter().filter(|line| line.contains("triggers") || expected.iter().any(|e| line.starts_with(e))).collect();
        assert!(found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| f.starts_with(e)), "{tool} {frei}\n{found:#?}");
    }
}

/// What a release lowers may go where it could not go before, and nothing else may.
#[test]
fn a_release_opens_the_way_for_what_it_names() {
    let released = GOOD.replacen(
        "akte: { type: string } } }",
        "akte: { type: string } } }\n      release: { to: normal, kategorien: [personenbezogen], of: [auszug] }",
        1,
    );
    let note = |value: &str| {
        format!(
            "{released}  vermerk:\n    needs: [ablage]\n    run_as: steps.entscheidung\n    tool: t/vermerk\n    with: {{ akte: HST-1, inhalt: \"{{{{ {value} }}}}\" }}\n"
        )
    };
    let house = House::new("gruen");
    assert_eq!(findings(&note("steps.entscheidung.shown.auszug"), &house), Vec::<String>::new());
    for value in ["steps.text.text", "steps.entscheidung.shown.fund.text", "input.iban"] {
        let found = findings(&note(value), &house);
        assert!(found.len() == 1 && found[0].starts_with("LZ402 steps.vermerk.with.inhalt"), "{value}: {found:#?}");
    }
}

/// Rows of the table of flows of a process without errors.
fn rows(text: &str, house: &House) -> Vec<String> {
    let (process, found) = read(text);
    assert_eq!(found.iter().filter(|line| line.contains("Fehler")).collect::<Vec<_>>(), Vec::<&String>::new());
    let process = process.unwrap();
    let context = context(&process, house);
    let setting = proof::Setting { context: &context, zones: &house.zones, endpoints: &house.endpoints, rules: Some(&house.rules), members: &house.members };
    proof::flows(&process, &setting).iter().map(|f| format!("{} {} ← {} ({}) gate {}", f.sink, f.part, f.source, f.trust, f.gate)).collect()
}

/// The table of flows names every source of every sink.
#[test]
fn flows_go_from_source_to_sink() {
    let house = House::new("gruen");
    let hook =
        "[{ intake: { path: probe, run_as: service:svc } }, { webhook: { path: fach, auth: signature, secret: s, respond: result, run_as: service:svc } }]";
    let wide = GOOD.replacen("[{ intake: { path: probe, run_as: service:svc } }]", hook, 1).replacen(
        "inhalt: \"{{ input.iban }}\" }\n",
        "inhalt: \"{{ input.iban }}\" }\n    undo: { tool: t/stornieren, with: { id: \"{{ result.id }}\" } }\n",
        1,
    );
    let output = "output: { art: \"{{ steps.einordnung.art }}\", iban: \"{{ input.iban }}\" }\n";
    let rows = rows(&format!("{wide}{output}"), &house);
    assert_eq!(
        rows,
        [
            "t/lesen steps.text.with.frage ← input.iban (untrusted) gate false",
            "Modell, Zone gruen steps.einordnung.data.antrag ← input.iban (untrusted) gate false",
            "Modell, Zone gruen steps.einordnung.data.fund ← steps.text [t/lesen] (untrusted) gate false",
            "Modell, Zone gruen steps.einordnung.data.fund ← input.iban (untrusted) gate false",
            "Modell, Zone gruen steps.einordnung.prompt ← input.art (inert) gate false",
            "t/ablegen steps.ablage.with.akte ← steps.entscheidung.akte (trusted) gate true",
            "t/ablegen steps.ablage.with.inhalt ← input.iban (untrusted) gate true",
            "t/stornieren steps.ablage.undo.with.id ← steps.ablage [t/ablegen] (trusted) gate true",
            "t/stornieren steps.ablage.undo.with.id ← steps.entscheidung.akte (trusted) gate true",
            "t/stornieren steps.ablage.undo.with.id ← input.iban (untrusted) gate true",
            "m/senden (beteiligte) steps.brief.with.an ← input.mail (untrusted) gate true",
            "m/senden (beteiligte) steps.brief.with.text ← input.iban (untrusted) gate true",
            "Ausgabe, hooks/fach output.art ← input.art (inert) gate true",
            "Ausgabe, hooks/fach output.art ← input.iban (untrusted) gate true",
            "Ausgabe, hooks/fach output.art ← steps.text [t/lesen] (untrusted) gate true",
            "Ausgabe, hooks/fach output.iban ← input.iban (untrusted) gate true",
        ]
    );
}

/// What decided whether a step was skipped is a source, for an undo as for anything else that asks.
#[test]
fn an_undo_that_asks_after_a_step_tells_of_it() {
    let asking = GOOD.replacen("steps:\n", "steps:\n  wahl: { if: \"{{ input.frei == 'ja' }}\", set: { x: 1 } }\n", 1).replacen(
        "needs: [\"einordnung?\"]",
        "needs: [\"einordnung?\", \"wahl?\"]\n    undo: { tool: t/stornieren, with: { id: \"{{ 'A' if skipped('wahl') else 'B' }}\" } }",
        1,
    );
    let told: Vec<String> = rows(&asking, &House::new("gruen")).into_iter().filter(|row| row.contains("undo")).collect();
    assert_eq!(told, ["t/stornieren steps.ablage.undo.with.id ← input.frei (untrusted) gate true"]);
}

/// A question to the applicant before the gate, with `show` and what else follows; findings of `sie` alone.
fn asking(show: &str, more: &str) -> String {
    let step = format!(
        "  sie:\n    human: {{ assign: applicant, show: {{ x: \"{show}\" }}, form: {{ type: object, properties: {{ wort: {{ type: string, maxLength: 40 }} }} }} }}\n{more}  einordnung:\n"
    );
    GOOD.replacen("  einordnung:\n", &step, 1)
}

/// She sees what she wrote, what the author wrote and what somebody of the staff wrote or saw whole.
#[test]
fn what_an_applicant_is_shown() {
    let vorher = "  vorher:\n    human: { assign: { groups: [GG-Amt] }, show: { kurz: \"{{ steps.text.anzahl }}\", lang: \"{{ steps.text.text }}\" }, form: { type: object, properties: { frage: { type: string } } } }\n";
    let zwischen = "  zwischen:\n    set: { a: \"{{ steps.text.text }}\", b: \"{{ input.frei }}\" }\n";
    let tabelle = "  tabelle:\n    rules: { table: rules/t.yaml, with: { art: \"{{ input.art }}\" } }\n";
    let offen = "  offen:\n    human: { assign: { groups: [GG-Amt] }, vorschlag: { text: \"{{ steps.text.text }}\", kurz: \"{{ steps.text.text }}\", antrag: \"{{ input.frei }}\" }, form: { type: object, properties: { text: { type: string, maxLength: 5000 }, kurz: { type: string, maxLength: 500 }, antrag: { type: string }, eigen: { type: string } } } }\n";
    let unseen =
        |source: &str| format!("LZ405 steps.sie.human.show.x: {source} → steps.sie.human.show.x → applicant (status page): nobody of the staff has seen this.");
    let rows: &[(&str, &str, Option<String>)] = &[
        ("{{ input.frei }} {{ run.nummer }} {{ input.iban }}", "", None),
        ("{{ steps.vorher.frage }}", vorher, None),
        ("{{ steps.vorher.shown.kurz }}", vorher, None),
        ("{{ steps.vorher.shown.lang }}", vorher, Some(unseen("steps.vorher.shown.lang"))),
        ("{{ steps.vorher }}", vorher, Some(unseen("steps.vorher"))),
        ("{{ steps.text.text }}", "", Some(unseen("steps.text.text"))),
        ("{{ error('text') }}", "", Some(unseen("steps.text"))),
        ("{{ steps.zwischen.a }}", zwischen, Some(unseen("steps.text.text"))),
        ("{{ steps.zwischen.b }}", zwischen, None),
        ("{{ steps.tabelle.akte }}", tabelle, None),
        // filled in before she came: nobody wrote it, and nobody surely read it whole
        ("{{ steps.offen.text }}", offen, Some(unseen("steps.offen.text"))),
        ("{{ steps.offen.kurz }} {{ steps.offen.eigen }} {{ steps.offen.antrag }}", offen, None),
    ];
    for (show, more, expected) in rows {
        let found: Vec<String> = findings(&asking(show, more), &House::new("gruen")).into_iter().filter(|line| line.contains("steps.sie.")).collect();
        assert_eq!(found, expected.clone().into_iter().collect::<Vec<_>>(), "{show}");
    }
    // of a kind the process does not declare: only her own
    let meldedaten = |house: &mut House| {
        let kategorien = [laufzettel_domain::Kategorie::Meldedaten].into();
        house.tools.get_mut("t/lesen").unwrap().yields.kategorien = Some(kategorien);
    };
    let mut house = House::new("gruen");
    meldedaten(&mut house);
    let found = findings(&asking("{{ steps.vorher.shown.kurz }}", vorher), &house);
    let expected =
        "LZ405 steps.sie.human.show.x: steps.sie.human.show.x → applicant (status page): meldedaten is no kind of data of this process, and not among her own.";
    assert!(found.iter().any(|line| line == expected), "{found:#?}");
    // by when she is to answer stands on the page as well
    let due = asking("{{ input.frei }}", "").replace("assign: applicant, show", "assign: applicant, due: \"{{ steps.text.text }}\", show");
    let found: Vec<String> = findings(&due, &House::new("gruen")).into_iter().filter(|line| line.contains("LZ405")).collect();
    assert_eq!(found, [unseen("steps.text.text").replace("show.x", "due")]);
    // where it goes stands in the table of flows
    let told: Vec<String> = rows_of(&asking("{{ input.frei }}", "")).into_iter().filter(|row| row.contains("Statusseite")).collect();
    assert_eq!(told, ["Antragstellende Person (Statusseite) steps.sie.human.show.x ← input.frei (untrusted) gate false"]);
}

/// What she gets in the end she may see, and somebody of the staff has agreed to: in every run, or before the one value it is.
#[test]
fn what_an_applicant_gets_in_the_end() {
    let getting = |value: &str, more: &str| {
        let text = GOOD.replacen("steps:\n", &format!("applicant: {{ receives: {{ bescheid: \"{value}\" }} }}\nsteps:\n{more}"), 1);
        let found = findings(&text, &House::new("gruen"));
        found
            .into_iter()
            .filter(|line| line.contains("applicant.receives"))
            .map(|line| line.split(':').next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let (unseen, unagreed) = ("LZ405 applicant.receives.bescheid", "LZ612 applicant.receives.bescheid");
    let early = "  frueh: { human: { assign: { groups: [GG-Amt] }, form: { type: object, properties: { wort: { type: string } } } } }\n";
    let perhaps = "  vielleicht:\n    if: \"{{ input.zahl > 1 }}\"\n    human: { assign: { groups: [GG-Amt] }, form: { type: object, properties: { datei: { type: object, format: file }, wort: { type: string } } } }\n  danach: { needs: [vielleicht], set: { x: \"{{ input.frei }}\" } }\n";
    for (value, more, expected) in [
        ("Guten Tag, {{ steps.entscheidung.akte }}", "", vec![]),
        ("{{ input.frei }}", "", vec![]),
        ("{{ steps.text.text }}", "", vec![unseen]),
        ("{{ steps.einordnung.art }}", "", vec![unseen]),
        ("{{ steps.entscheidung.shown.fund }}", "", vec![unseen]),
        ("{{ steps.vielleicht.datei }}", perhaps, vec![]),
        ("{{ steps.danach.x }}", perhaps, vec![]),
        ("{{ steps.frueh.wort }}", early, vec![]),
    ] {
        assert_eq!(getting(value, more), expected, "{value}");
    }
    // without a step of the staff that comes in every run, or before that value
    let alone = |value: &str| {
        let head = GOOD.split_once("steps:\n").unwrap().0.replace("ki_verordnung: { klasse: minimal, begruendung: Test }\n", "");
        let steps = perhaps.replace("  danach: { needs: [vielleicht],", "  danach: { needs: [\"vielleicht?\"],");
        let text = format!("{head}applicant: {{ receives: {{ bescheid: \"{value}\" }} }}\nsteps:\n{steps}");
        findings(&text, &House::new("gruen")).into_iter().map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(alone("{{ steps.vielleicht.wort }}"), Vec::<String>::new(), "gone with its step");
    assert_eq!(alone("{{ steps.vielleicht.wort | default('nichts') }}"), [unagreed]);
    assert_eq!(alone("{{ steps.danach.x }}"), [unagreed], "nobody need have been there");
    assert_eq!(alone("{{ input.frei }}"), [unagreed]);
    // where it goes stands in the table of flows
    let text = GOOD.replacen("steps:\n", "applicant: { receives: { bescheid: \"{{ input.frei }}\" } }\nsteps:\n", 1);
    let told: Vec<String> = rows_of(&text).into_iter().filter(|row| row.contains("Statusseite")).collect();
    assert_eq!(told, ["Antragstellende Person (Statusseite) applicant.receives.bescheid ← input.frei (untrusted) gate true"]);
}

fn rows_of(text: &str) -> Vec<String> {
    rows(text, &House::new("gruen"))
}

/// Her answer steers nothing, is nobody's gate, and having been shown something makes it no better.
#[test]
fn an_applicant_vouches_for_nothing() {
    let shown = "needs: [sie]\n    run_as: service:svc\n    tool: m/senden\n    with: { an: \"{{ steps.sie.shown.x }}\", text: hallo }";
    let acting = "run_as: steps.sie\n    tool: t/ablegen\n    with: { akte: A-1, inhalt: x }";
    let gate = "needs: [einordnung, sie]\n    run_as: service:svc\n    tool: m/senden\n    with: { an: amt@vg.example, text: hallo }";
    let foreign = "needs: [entscheidung]\n    run_as: steps.entscheidung\n    tool: m/senden\n    with: { an: amt@vg.example, text: \"{{ steps.sie.wort }}\" }";
    let brief = "needs: [ablage]\n    run_as: steps.entscheidung\n    tool: m/senden\n    with: { an: \"{{ steps.entscheidung.shown.mail }}\", text: \"{{ input.iban }}\" }";
    let rows: &[(&str, &str)] = &[
        (shown, "LZ502 steps.brief.with.an"),
        (gate, "LZ605 steps.brief.tool"),
        // who was there before she answered has not seen what she answered
        (foreign, "LZ503 steps.brief.with.text"),
    ];
    for (by, expected) in rows {
        let text = asking("{{ input.mail }}", "").replacen(brief, by, 1);
        let found = findings(&text, &House::new("gruen"));
        assert!(found.iter().any(|line| line.starts_with(expected)), "{expected}: {found:#?}");
    }
    let (process, lines) = read(&asking("a", "").replacen(brief, acting, 1));
    assert!(process.is_none() && lines.iter().any(|line| line.contains("LZ205") && line.contains("keine Rechte im Haus")), "{lines:#?}");
}

/// What once slipped through, each told by its code and its place. A row: what is changed in the good process, what is found.
#[test]
fn no_way_around() {
    let tor = (
        "  text:\n",
        "  frueh:\n    human: { assign: { groups: [GG-Amt] }, show: { x: \"{{ input.frei }}\" }, form: { type: object, properties: {} } }\n  text:\n",
    );
    let open =
        "    block: { type: object, additionalProperties: true, properties: { x: { type: string, x-schutzbedarf: kein, x-kategorien: [] } } }\n    zahl:";
    let pattern =
        "    block: { type: object, properties: {}, patternProperties: { ^t: { type: string } }, additionalProperties: { type: integer } }\n    zahl:";
    let ablage = "    with: { akte: \"{{ steps.entscheidung.akte }}\", inhalt: \"{{ input.iban }}\" }";
    let brief = "needs: [ablage]\n    run_as: steps.entscheidung\n    tool: m/senden\n    with: { an: \"{{ steps.entscheidung.shown.mail }}\", text: \"{{ input.iban }}\" }";
    let undo = |undo: &str| format!("{ablage}\n    undo: {undo}");
    let of_error = undo("{ tool: t/ablegen, with: { akte: \"{{ error('wackelig') }}\", inhalt: x } }");
    let of_other = undo("{ tool: m/senden, with: { an: amt@vg.example, text: x } }");
    let sent = |needs: &str, an: &str, text: &str| {
        format!("needs: [{needs}]\n    run_as: service:svc\n    tool: m/senden\n    with: {{ an: {an}, text: \"{{{{ {text} }}}}\" }}")
    };
    let wackelig = "  wackelig:\n    tool: t/lesen\n    with: { frage: x }\n    on_error: continue\n  einordnung:\n";
    let table = "    rules: { table: rules/rechnet.yaml, with: { art: \"{{ input.art }}\", wert: \"{{ steps.frueh.shown.x }}\" } }";
    let computed = format!("  rechnung:\n{table}\n  einordnung:\n");
    let ends = ("  einordnung:\n", "  einordnung:\n    end_if: \"{{ result.art == 'q' }}\"\n");
    let beside = |needs: &str| format!("needs: [{needs}]\n    run_as: service:svc\n    tool: m/senden\n    with: {{ an: amt@vg.example, text: hallo }}");
    let rows: &[(&[(&str, &str)], &str)] = &[
        (&[("    zahl:", open), (brief, &sent("entscheidung", "fremd@example.org", "input.block"))], "LZ402 steps.brief.with.text"),
        (&[("    zahl:", pattern), ("{{ input.art }}", "{{ input.block.text }}")], "LZ501 steps.einordnung.model.prompt"),
        (&[("  einordnung:\n", wackelig), (ablage, &of_error)], "LZ502 steps.ablage.undo.with.akte"),
        (&[tor, ("{{ input.art }}", "{{ steps.frueh }}")], "LZ501 steps.einordnung.model.prompt"),
        (&[tor, ("{{ input.art }}", "{{ steps.rechnung.text }}"), ("  einordnung:\n", &computed)], "LZ501 steps.einordnung.model.prompt"),
        (&[(ablage, &of_other)], "LZ606 steps.ablage.undo.tool"),
        (&[tor, (brief, &sent("frueh", "amt@vg.example", "steps.text.text"))], "LZ503 steps.brief.with.text"),
        // one of the author's own words, chosen by somebody else's
        (&[("{{ steps.entscheidung.akte }}", "{{ 'A' if input.frei == 'x' else 'B' }}")], "LZ502 steps.ablage.with.akte"),
        (&[("{{ steps.entscheidung.akte }}", "{{ 'A' if steps.text.text == 'x' else 'B' }}")], "LZ502 steps.ablage.with.akte"),
        // a model that says by ending the run whether something is sent beside it
        (&[ends, (brief, &beside("text"))], "LZ605 steps.brief.tool: steps.einordnung → end_if → steps.brief"),
    ];
    for (changes, expected) in rows {
        let text = changes.iter().fold(GOOD.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let found = findings(&text, &House::new("gruen"));
        assert!(found.iter().any(|line| line.starts_with(expected)), "{expected}: {found:#?}\n{text}");
    }
    // what is listed chooses among what is listed; and a run that a model may end goes on only after the person
    let allowed: [&[(&str, &str)]; 2] =
        [&[("{{ steps.entscheidung.akte }}", "{{ 'A' if input.art == 'a' else 'B' }}")], &[ends, (brief, &beside("entscheidung"))]];
    for changes in allowed {
        let text = changes.iter().fold(GOOD.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
        assert_eq!(findings(&text, &House::new("gruen")), Vec::<String>::new(), "{text}");
    }
}
