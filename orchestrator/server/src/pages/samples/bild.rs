//! Samples of what is drawn and what is live.

use std::collections::BTreeMap;

use laufzettel_domain::{Findings, Lang};
use laufzettel_process::{Folder, Process};

use super::{super::*, EVIL};

/// A process with these steps, one after the other.
pub(in crate::pages) fn process(steps: &[(&str, &str)]) -> Process {
    let mut text = String::from(
        "process: muster\nversion: 1.0.0\ntitle: Muster\nverantwortlich: FB\nrechtsgrundlage: [x]\nzweck: x\nschutzbedarf: kein\ndatenkategorien: []\naufbewahrung: { vorgang: P1D, inhalte: P1D }\nautomatisierung: assistenz\nstart: { groups: [GG-A] }\ninput: { type: object }\nsteps:\n",
    );
    for (n, (id, title)) in steps.iter().enumerate() {
        let needs = if n == 0 { String::new() } else { steps[n - 1].0.to_owned() };
        text.push_str(&format!("  {id}: {{ title: {}, needs: [{needs}], set: {{ x: 1 }} }}\n", serde_json::Value::from(*title)));
    }
    let folder = Folder { files: BTreeMap::from([("muster.yaml".to_owned(), text)]) };
    laufzettel_process::read::read(&folder, "muster.yaml", &mut Findings::new("muster.yaml")).unwrap()
}

/// With the states of these steps.
pub(in crate::pages) fn of_steps(steps: &[StepView], lang: Lang) -> Option<PictureView> {
    let titles: Vec<(&str, &str)> = steps.iter().map(|step| (step.id.as_str(), if step.id == "satz" { EVIL } else { step.title.as_str() })).collect();
    crate::picture::of_run(&process(&titles), &BTreeMap::new(), steps, lang)
}

impl Live {
    pub(in crate::pages) fn sample(counts: bool) -> Self {
        Self { page: "/vorgaenge/1".into(), follow: "/api/v1/runs/1/events".into(), seen: 7, counts }
    }
}

impl VorgangPage {
    /// Drawn, and followed while it goes on.
    pub(in crate::pages) fn drawn(lang: Lang) -> Self {
        let page = Self::sample(lang);
        Self { picture: of_steps(&page.steps, lang), live: Some(Live::sample(false)), ended: None, ..page }
    }

    /// As `drawn`, with more steps than a page draws.
    pub(in crate::pages) fn undrawn(lang: Lang) -> Self {
        let page = Self::drawn(lang);
        let picture = page.picture.clone().map(|picture| PictureView { svg: None, ..picture });
        Self { picture, ..page }
    }
}

fn head(here: usize) -> ProcessHead {
    let page = |path: &str| Link { href: format!("/prozesse/muster{path}"), text: EVIL.into() };
    ProcessHead { id: "muster".into(), title: EVIL.into(), version: "1.0.0".into(), pages: ["", "/fluesse", "/tabellen", "/text"].map(page).into(), here }
}

impl ProzessPage {
    pub(in crate::pages) fn sample(lang: Lang) -> Self {
        let at = jiff::civil::date(2026, 5, 3).at(9, 5, 0, 0);
        let found = |error: bool| FindingRow {
            error,
            code: "LZ703".into(),
            place: "muster.yaml:3:1".into(),
            link: error.then(|| "/prozesse/muster/text?ab=1#z3".into()),
            text: EVIL.into(),
        };
        let process = process(&[("eins", EVIL), ("zwei", "Zwei")]);
        let case = |name: &str, passed: Option<bool>| CaseRow { name: name.into(), passed, why: (passed == Some(false)).then(|| EVIL.into()) };
        Self {
            head: head(0),
            description: EVIL.into(),
            responsible: EVIL.into(),
            purpose: EVIL.into(),
            legal_basis: vec![EVIL.into(), "KAG RLP § 5".into()],
            protection: "hoch, steuerdaten".into(),
            keep: ("10 Jahre".into(), "6 Monate".into()),
            automation: "process_assistenz",
            ai: Some(("begrenzt".into(), EVIL.into())),
            digest: "sha256:00".into(),
            release: ReleaseView::Released { at, by: EVIL.into(), cases: 3 },
            released_before: None,
            ways: vec![EVIL.into()],
            next: vec![at, at],
            start: Some("/prozesse/muster/start".into()),
            public: Some("/antrag/vg/muster".into()),
            picture: crate::picture::of_process(&process, &BTreeMap::new(), &|_| "/prozesse/muster/text?ab=1#z1".into(), lang),
            findings: vec![found(true), found(false)],
            findings_more: 4,
            cases: vec![case(EVIL, Some(true)), case("zwei", Some(false)), case("drei", None)],
            cases_more: 2,
            played: Some(PlayedView { at, program: "1.0.0".into(), passed: 1, of: 2, of_version: None, other_cases: false }),
        }
    }

    /// With nothing that may be absent.
    pub(in crate::pages) fn bare(lang: Lang) -> Self {
        Self {
            ai: None,
            release: ReleaseView::None,
            ways: Vec::new(),
            next: Vec::new(),
            start: None,
            public: None,
            picture: None,
            findings: Vec::new(),
            findings_more: 0,
            cases: Vec::new(),
            cases_more: 0,
            played: None,
            ..Self::sample(lang)
        }
    }

    /// Changed since it was released, and so were its cases.
    pub(in crate::pages) fn changed(lang: Lang) -> Self {
        let at = jiff::civil::date(2026, 5, 3).at(9, 5, 0, 0);
        Self {
            release: ReleaseView::None,
            released_before: Some(Before { version: "0.9.0".into(), at, by: EVIL.into(), trial: false }),
            played: Some(PlayedView { at, program: "1.0.0".into(), passed: 2, of: 2, of_version: Some("0.9.0".into()), other_cases: true }),
            ..Self::sample(lang)
        }
    }
}

impl ProzessTextPage {
    pub(in crate::pages) fn sample() -> Self {
        let line = |n: usize| SourceLine { n, text: format!("  {EVIL}") };
        let page = |ab: usize| Some(format!("/prozesse/muster/text?ab={ab}"));
        let whole = "/prozesse/muster/text?datei".into();
        Self { head: head(3), file: "muster.yaml".into(), lines: (7..10).map(line).collect(), count: 12, whole, before: page(1), more: page(10) }
    }
}

impl ProzessFluessePage {
    pub(in crate::pages) fn sample() -> Self {
        let flow = |gate: bool, via: &str| FlowRow {
            sink: "mail/senden (beteiligte)".into(),
            cleared: "hoch".into(),
            part: "steps.mitteilung.with.text".into(),
            source: EVIL.into(),
            label: "hoch, steuerdaten".into(),
            trust: "untrusted".into(),
            gate,
            via: via.into(),
        };
        Self { head: head(1), flows: vec![flow(true, EVIL), flow(false, "")], more: Some("/prozesse/muster/fluesse?ab=100".into()) }
    }
}

impl ProzessTabellenPage {
    pub(in crate::pages) fn sample() -> Self {
        let row = |until: Option<jiff::civil::Date>, when: Option<&str>| RuleRow {
            key: "ags: 07334001".into(),
            from: jiff::civil::date(2024, 1, 1),
            until,
            when: when.map(str::to_owned),
            result: EVIL.into(),
        };
        let rows = vec![row(Some(jiff::civil::date(2025, 12, 31)), Some(EVIL)), row(None, None)];
        let table =
            TableView { name: EVIL.into(), file: "rules/x.yaml".into(), source: EVIL.into(), digest: "sha256:00".into(), steps: vec![EVIL.into()], rows };
        Self { head: head(2), tables: vec![table], rows_more: 5 }
    }
}
