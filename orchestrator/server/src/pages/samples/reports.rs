//! Samples of the journal, of operation and of the reports for the data protection officer.

use jiff::civil::date;
use laufzettel_domain::Lang;
use serde_json::json;

use super::{EVIL, at};
use crate::pages::{
    Link, Live, Page, Report, Shown,
    reports::{
        Anchored, AuskunftPage, BetriebPage, ChainView, Checked, Choice, Counted, DayRow, EintragPage, ErasedRow, FilterView, LoeschenPage, ModelRow, Phrase,
        ProtokollPage, QuotaRow, ReportView, RunLink, SearchField, ServerRow, Spent, SubjectRunView, TableRow, TrailEntry, TriggerRow, VerarbeitungPage,
        VerzeichnisPage,
    },
};

fn choices(words: &[&str]) -> Vec<Choice> {
    words.iter().map(|word| Choice { value: (*word).to_owned(), text: (*word).to_owned() }).collect()
}

fn entry(n: u64, denied: bool) -> TrailEntry {
    TrailEntry {
        at: (n > 1).then(|| at(9)),
        place: format!("3/{n}"),
        link: format!("/protokoll/eintrag/3/{n}"),
        text: vec![
            Phrase { text: EVIL.into(), number: false, href: None },
            Phrase { text: "2026-000123".into(), number: true, href: denied.then(|| "/vorgaenge/0192".into()) },
        ],
        denied,
        erased: n == 1,
        content: n != 1,
        run: (!denied).then(|| RunLink {
            number: (n > 1).then(|| "2026-000123".into()),
            id: "0192".into(),
            page: (n > 1).then(|| "/vorgaenge/0192".into()),
            records: "/protokoll?run=0192".into(),
        }),
        kind: "task.completed".into(),
        actor: EVIL.into(),
        machine: format!("{{\"v\":1,\"note\":\"{EVIL}\"}}"),
        cut: denied,
    }
}

fn protokoll(anchored: Anchored, wrong: &[&'static str]) -> Page {
    let page = ProtokollPage {
        chain: ChainView {
            head: "3/1204".into(),
            checked: (anchored == Anchored::Witnessed).then(|| Checked { at: at(8), text: EVIL.into(), intact: wrong.is_empty() }),
            anchored,
            checkpoint: (anchored == Anchored::Witnessed).then(|| (88, "3/1200".into())),
        },
        filter: FilterView {
            person: EVIL.into(),
            decisions: choices(&["denied", "", "allowed"]),
            wrong: wrong.to_vec(),
            reversed: wrong == ["until"],
            active: !wrong.is_empty(),
            ..FilterView::default()
        },
        entries: if anchored == Anchored::Never { Vec::new() } else { vec![entry(3, true), entry(2, false), entry(1, false)] },
        examined: 2000,
        reached: Some(at(7)),
        more: (anchored != Anchored::Never).then(|| "/protokoll?vor=3/1".into()),
        searching: anchored == Anchored::Behind,
        views: (anchored == Anchored::Behind).then(|| "/protokoll?run=x&kind=content.viewed".into()),
        reason_missing: !wrong.is_empty(),
        formats: choices(&["csv", "jsonl"]),
        reports: vec![Link { href: "/protokoll/verzeichnis".into(), text: EVIL.into() }],
    };
    Page::Report(Report::Protokoll(Box::new(page)))
}

/// One at work, one that is silent, one that is busy and whose price nobody knows.
fn models(spent: &Spent) -> Vec<ModelRow> {
    vec![
        ModelRow { name: EVIL.into(), zone: "gruen".into(), load: Some((3, 60, 0)), failing: None, today: spent.clone() },
        ModelRow { name: "glm".into(), zone: "gelb".into(), load: None, failing: Some(("timeout", at(6))), today: Spent::default() },
        ModelRow {
            name: "hub".into(),
            zone: "gelb".into(),
            load: None,
            failing: Some(("busy", at(6))),
            today: Spent { cost: None, unpriced: 12, ..spent.clone() },
        },
    ]
}

fn betrieb(full: bool) -> Page {
    let server = |state, drift: &[&str]| ServerRow {
        name: "dms".into(),
        state,
        why: (state == "failed").then(|| EVIL.into()),
        pinned: (state != "idle").then_some(8),
        drift: drift.iter().map(|text| (*text).to_owned()).collect(),
    };
    let trigger = |kind, place: &str| TriggerRow {
        process: "hundesteuer-anmeldung".into(),
        kind,
        place: place.into(),
        state: match kind {
            "folder" => "failing",
            "mail" => "unreleased",
            _ => "ready",
        },
        since: (kind == "folder").then(|| at(5)),
        dealt: (kind == "cron").then(|| at(6)),
        next: (kind == "cron").then(|| at(7)),
    };
    let spent = Spent { calls: 12, tokens: 40_000, cost: Some("0,1200 €".into()), unpriced: 2 };
    let kinds = ["intake", "webhook", "cron", "folder", "mail", "poll"];
    let page = BetriebPage {
        now: at(9),
        live: Live::sample(false),
        version: "0.1.0".into(),
        since: at(6),
        trouble: full.then(|| EVIL.into()),
        head: "3/1204".into(),
        anchored: Anchored::Witnessed,
        room: full.then(|| ("12,4 GB".into(), "512,0 GB".into())),
        short: full,
        runs: ["running", "waiting", "failed", "stuck", "cancelled"].map(|state| Counted { state, count: "12".into() }).into(),
        rests: ["doubt", "repair", "takeover", "restored"].map(|state| Counted { state, count: "3".into() }).into(),
        oldest: full.then(|| ("hundesteuer-anmeldung".into(), at(6))),
        models: models(&spent),
        days: if full { vec![DayRow { day: date(2026, 5, 3), name: EVIL.into(), zone: "gruen".into(), used: spent }] } else { Vec::new() },
        servers: if full {
            vec![
                server("idle", &[]),
                server("connecting", &[]),
                server("connected", &[]),
                server("gone", &[]),
                server("failed", &[]),
                server("drifted", &[EVIL, "lesen: removed"]),
            ]
        } else {
            Vec::new()
        },
        triggers: if full { kinds.map(|kind| trigger(kind, if kind == "cron" { "" } else { EVIL })).into() } else { Vec::new() },
        quotas: if full {
            vec![
                QuotaRow { what: "runs_per_hour", of: None, used: 2_000, allowed: 2_000, full: true },
                QuotaRow { what: "tokens_per_day", of: Some("hundesteuer-*".into()), used: 1, allowed: 20_000_000, full: false },
            ]
        } else {
            Vec::new()
        },
        troubles: if full { vec![(at(8), vec![Phrase { text: EVIL.into(), number: false, href: None }])] } else { Vec::new() },
    };
    Page::Report(Report::Betrieb(Box::new(page)))
}

fn auskunft(report: bool, wrong: &[&'static str]) -> Page {
    let run = |number: &str, kept: bool| SubjectRunView {
        number: number.into(),
        title: EVIL.into(),
        facts: vec![("subject_purpose", EVIL.into(), true), ("subject_state", "läuft".into(), false)],
        lists: vec![("subject_origin", vec![EVIL.into()]), ("subject_recipients", Vec::new()), ("subject_retention", vec!["Inhalte: bis 01.01.2030".into()])],
        contents: if kept { vec![("Eingabe".into(), Shown::list(&json!({ "familienname": EVIL }), &[], Lang::De))] } else { Vec::new() },
        files: if kept { vec![EVIL.into()] } else { Vec::new() },
    };
    let report = report.then(|| ReportView {
        made: at(9),
        tenant: EVIL.into(),
        searched: "familienname, geburtsdatum".into(),
        found: 5,
        cut: true,
        runs: vec![run("2026-000123", true), run("2026-000124", false)],
        next: Some(3),
        unnamed: vec![EVIL.into()],
    });
    let fields = ["familienname", "vornamen", "geburtsdatum", "email", "iban"].map(|name| SearchField { name, value: EVIL.into() });
    let page = AuskunftPage { fields: fields.into(), field: "plz".into(), value: EVIL.into(), reason: EVIL.into(), wrong: wrong.to_vec(), report };
    Page::Report(Report::Auskunft(Box::new(page)))
}

fn loeschen(page: LoeschenPage) -> Page {
    Page::Report(Report::Loeschen(LoeschenPage { number: EVIL.into(), reason: EVIL.into(), ..page }))
}

fn protection() -> Vec<(&'static str, Page)> {
    let link = |href: &str| Link { href: href.into(), text: EVIL.into() };
    let rows = vec![
        ErasedRow { number: "2026-000123".into(), gone: 12, kept: 7, until: Some(at(9)) },
        ErasedRow { number: EVIL.into(), gone: 1, kept: 0, until: None },
        ErasedRow { number: EVIL.into(), gone: 0, kept: 1, until: None },
    ];
    let entry = VerarbeitungPage {
        id: "hundesteuer-anmeldung".into(),
        title: EVIL.into(),
        description: EVIL.into(),
        rows: vec![("Zweck", EVIL.into(), true), ("Empfänger", EVIL.into(), false)],
        steps: vec![(EVIL.into(), EVIL.into(), Some(TableRow { name: EVIL.into(), rows: 3, source: EVIL.into() })), (EVIL.into(), EVIL.into(), None)],
    };
    vec![
        ("auskunft", auskunft(false, &[])),
        ("auskunft-fehler", auskunft(false, &["vague", "reason"])),
        ("auskunft-bericht", auskunft(true, &[])),
        ("verzeichnis", Page::Report(Report::Verzeichnis(VerzeichnisPage { processes: vec![link("/protokoll/verzeichnis/x")] }))),
        ("verzeichnis-leer", Page::Report(Report::Verzeichnis(VerzeichnisPage { processes: Vec::new() }))),
        ("verarbeitung", Page::Report(Report::Verarbeitung(entry))),
        ("loeschen", loeschen(LoeschenPage::default())),
        ("loeschen-fehler", loeschen(LoeschenPage { wrong: vec!["number", "reason", "open"], ..LoeschenPage::default() })),
        ("loeschen-pruefen", loeschen(LoeschenPage { whole: true, preview: rows.clone(), ..LoeschenPage::default() })),
        ("loeschen-fertig", loeschen(LoeschenPage { done: rows, proof: vec![link("/protokoll/eintrag/3/7"), link("")], ..LoeschenPage::default() })),
    ]
}

pub(super) fn pages() -> Vec<(&'static str, Page)> {
    let eintrag = |n: u64| EintragPage {
        entry: entry(n, n == 3),
        hash: "00".repeat(32),
        run_seq: (n > 1).then_some(n),
        earlier: (n > 1).then(|| format!("/protokoll/eintrag/3/{}", n - 1)),
        later: (n == 1).then(|| "/protokoll/eintrag/3/2".into()),
    };
    let mut all = vec![
        ("protokoll", protokoll(Anchored::Witnessed, &[])),
        ("protokoll-fehler", protokoll(Anchored::Witnessed, &["run", "from", "until"])),
        ("protokoll-vertauscht", protokoll(Anchored::Witnessed, &["until"])),
        ("protokoll-weiter", protokoll(Anchored::Behind, &[])),
        ("protokoll-leer", protokoll(Anchored::Never, &[])),
        ("protokoll-unlesbar", protokoll(Anchored::Unreadable, &[])),
        ("protokoll-ohne-zeuge", protokoll(Anchored::NoWitness, &[])),
        ("eintrag", Page::Report(Report::Eintrag(eintrag(3)))),
        ("betrieb", betrieb(true)),
        ("betrieb-leer", betrieb(false)),
        ("eintrag-alt", Page::Report(Report::Eintrag(eintrag(1)))),
    ];
    all.extend(protection());
    all
}
