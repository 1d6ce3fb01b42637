//! The table of permissions: every role, every action, every resource of a house like the demo tenant, compared with a
//! file that a data protection officer can read. What changes there was decided by somebody.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use laufzettel_domain::{Caller, Schutzbedarf, Via};
use laufzettel_policy::{
    Action, Clearance, Decision, Effect, Grant, Group, Identity, Rules, ServiceAccount, ToolRule, Training, Who, Yields, permit, permit_asked, permit_start,
    permit_tool, permit_view,
};

const HEAD: &str = "\
# Wer darf was? Jede Rolle, jede Handlung, jeder Gegenstand; dazu die Regel, die den Ausschlag gab.
# grant[n]: die n-te Zeile unter grants. none: keine Regel erlaubt es. Ohne Regel ist nichts erlaubt.
# Diese Datei wird von einem Test Zeichen für Zeichen verglichen (cargo test -p laufzettel-policy --test permissions).
";

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn rules() -> Rules {
    let grant = |groups: &[&str], allow: &[&str]| Grant { groups: texts(groups), allow: texts(allow) };
    Rules {
        grants: vec![
            grant(&["GG-Mitarbeiter"], &["models.use", "zone.use:gruen"]),
            grant(&["GG-Steueramt"], &["process.start:hundesteuer-*", "run.view:own-unit"]),
            grant(&["GG-Bauen"], &["process.start:bauantrag", "run.view:own-unit", "tool.call:dms/*"]),
            grant(&["GG-Leitung"], &["process.release:*", "task.complete:hundesteuer-*"]),
            // a group may be named by its SID
            grant(&["S-1-5-GG-DSB"], &["audit.read", "label.release", "content.erase"]),
            grant(&["GG-RPA"], &["audit.read", "run.view:all"]),
            grant(&["GG-IT"], &["admin", "zone.use:*"]),
        ],
        services: BTreeMap::from([(
            "svc-intake".to_owned(),
            ServiceAccount {
                processes: texts(&["hundesteuer-*"]),
                groups: texts(&["GG-Eingang"]),
                allow: texts(&["tool.call:registry/person_suchen", "tool.call:dms/suchen", "tool.call:alt/*", "models.use", "zone.use:gruen"]),
            },
        )]),
        training: Some(Training { group: "KI-Seepferdchen".into(), link: Some("https://schulung.example/ki".into()) }),
    }
}

/// Who is asked for, and in the run of which process.
fn roles() -> Vec<(&'static str, Who, &'static str)> {
    let person = |groups: &[&str]| Who {
        caller: Caller { subject: "S-1-5-21-1".into(), name: "Anna Klein".into(), upn: "a.klein".into(), via: Via::Form, os_user: None },
        groups: groups.iter().map(|g| Group { name: (*g).to_owned(), sid: format!("S-1-5-{g}") }).collect(),
    };
    let nobody = |caller| Who { caller, groups: vec![] };
    let hund = "hundesteuer-anmeldung";
    vec![
        ("Steueramt, geschult", person(&["GG-Mitarbeiter", "GG-Steueramt", "KI-Seepferdchen"]), hund),
        ("Steueramt, ungeschult", person(&["GG-Mitarbeiter", "GG-Steueramt"]), hund),
        ("Bauamt, geschult", person(&["GG-Mitarbeiter", "GG-Bauen", "KI-Seepferdchen"]), hund),
        ("Leitung", person(&["GG-Mitarbeiter", "GG-Leitung", "KI-Seepferdchen"]), hund),
        ("Datenschutz", person(&["GG-DSB"]), hund),
        ("Rechnungsprüfung", person(&["GG-RPA"]), hund),
        ("IT-Betrieb", person(&["GG-IT"]), hund),
        ("geschult, sonst nichts", person(&["KI-Seepferdchen"]), hund),
        ("ohne Gruppe", person(&[]), hund),
        ("Dienstkonto im eigenen Prozess", nobody(Caller::service("svc-intake", Via::Intake)), hund),
        ("Dienstkonto im fremden Prozess", nobody(Caller::service("svc-intake", Via::Intake)), "bauantrag"),
        ("unbekanntes Dienstkonto", nobody(Caller::service("svc-neu", Via::Cron)), hund),
        ("Antragsteller/in", nobody(Caller::applicant("k1")), hund),
    ]
}

/// Every tool the demo tenant declares, with its groups, and one of a server that is told no caller.
fn tools() -> Vec<(&'static str, Identity, &'static [&'static str])> {
    const LESEN: &[&str] = &["GG-Mitarbeiter", "GG-Steueramt"];
    const SCHREIBEN: &[&str] = &["GG-Steueramt", "GG-Buergerbuero", "GG-Poststelle"];
    let d = Identity::Delegation;
    vec![
        ("dms/suchen", d, LESEN),
        ("dms/lesen", d, LESEN),
        ("dms/text_auslesen", d, LESEN),
        ("dms/passagen", d, LESEN),
        ("dms/akte_anlegen", d, SCHREIBEN),
        ("dms/akte_lesen", d, LESEN),
        ("dms/dokument_ablegen", d, SCHREIBEN),
        ("dms/dokument_stornieren", d, SCHREIBEN),
        ("dms/metadaten_setzen", d, SCHREIBEN),
        ("registry/person_suchen", d, &["GG-Steueramt", "GG-Buergerbuero"]),
        ("mail/senden", d, SCHREIBEN),
        ("mail/entwurf", d, LESEN),
        ("mail/posteingang", d, &["GG-Poststelle", "GG-Steueramt"]),
        ("mail/lesen", d, &["GG-Poststelle", "GG-Steueramt"]),
        ("alt/melden", Identity::None, LESEN),
    ]
}

fn rule(identity: Identity, groups: &[&str]) -> ToolRule {
    ToolRule {
        identity,
        effect: Effect::Read,
        idempotent: false,
        groups: texts(groups),
        content: std::collections::BTreeSet::new(),
        yields: Yields::default(),
        clearance: Clearance::Level(Schutzbedarf::Hoch),
        undo: None,
        recipient: None,
        settles: false,
    }
}

fn section(table: &mut String, title: &str, ask: impl Fn(&Who, &str) -> Decision) {
    writeln!(table, "\n== {title}").expect("a string takes it");
    for (role, who, process) in roles() {
        let decision = ask(&who, process);
        let answer = if decision.allow { "ja" } else { "nein" };
        writeln!(table, "{role:<32} {answer:<5} {}", decision.rule).expect("a string takes it");
        let nothing = permit(&who, &Action::Admin, Some(process), &Rules::default());
        assert!(!nothing.allow, "no rules mean nothing is allowed");
    }
}

fn table() -> String {
    let rules = rules();
    let mut table = HEAD.to_owned();
    for (process, groups) in [("hundesteuer-anmeldung", &["GG-Steueramt"][..]), ("hundesteuer-abmeldung", &[]), ("bauantrag", &["GG-Bauen", "GG-Leitung"])] {
        let groups = texts(groups);
        let start = if groups.is_empty() { "niemand von Hand".to_owned() } else { groups.join(", ") };
        section(&mut table, &format!("process.start:{process} (start.groups: {start})"), |who, _| permit_start(who, process, &groups, &rules));
    }
    let general = [
        Action::ProcessRelease("hundesteuer-anmeldung".into()),
        Action::TaskComplete("hundesteuer-anmeldung".into()),
        Action::TaskComplete("bauantrag".into()),
        Action::ModelsUse,
        Action::ZoneUse("gruen".into()),
        Action::ZoneUse("gelb".into()),
        Action::LabelRelease,
        Action::AuditRead,
        Action::ContentErase,
        Action::Admin,
    ];
    for action in &general {
        section(&mut table, &action.to_string(), |who, process| permit(who, action, Some(process), &rules));
    }
    let (hers, other) = (Caller::applicant("k1"), Caller::applicant("k2"));
    for (run, applicant, also) in [
        ("Vorgang dieser Antragsteller/in", Some(&hers), &[][..]),
        ("derselbe, seit auch GG-Steueramt gefragt ist", Some(&hers), &["GG-Steueramt"]),
        ("Vorgang einer anderen", Some(&other), &[]),
        ("Vorgang ohne", None, &[]),
    ] {
        let also = texts(also);
        let title = format!("task.complete:hundesteuer-anmeldung (Frage mit assign: applicant; {run})");
        section(&mut table, &title, |who, _| permit_asked(who, applicant, &also));
    }
    section(&mut table, "run.view:own-unit (Vorgang der eigenen Einheit)", |who, _| permit_view(who, true, &rules));
    section(&mut table, "run.view:all (Vorgang einer fremden Einheit)", |who, _| permit_view(who, false, &rules));
    for (tool, identity, groups) in tools() {
        let told = if identity == Identity::None { "; identity: none" } else { "" };
        let title = format!("tool.call:{tool} (groups: {}{told})", groups.join(", "));
        section(&mut table, &title, |who, process| permit_tool(who, tool, &rule(identity, groups), process, &rules));
    }
    table
}

#[test]
fn the_table_is_as_agreed() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/permissions.txt");
    let (found, agreed) = (table(), std::fs::read_to_string(&golden).unwrap_or_default());
    if found != agreed {
        let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("permissions.txt");
        std::fs::write(&new, &found).unwrap();
        let difference = found.lines().zip(agreed.lines()).find(|(a, b)| a != b);
        panic!("the table has changed: {difference:?}\nif somebody decided so: cp {} {}", new.display(), golden.display());
    }
}

/// A row for every verb there is: a new one cannot be forgotten here.
#[test]
fn every_verb_has_a_row() {
    let table = table();
    for verb in Action::verbs() {
        assert!(table.contains(&format!("\n== {verb}")), "{verb}");
    }
}
