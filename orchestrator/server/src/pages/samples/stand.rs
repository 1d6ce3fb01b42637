//! Samples of what an applicant sees and does beside the stations.

use laufzettel_domain::{Lang, Path, Text};
use laufzettel_process::{expression::Part, schema::Problem};
use serde_json::json;

use super::{super::*, EVIL, at, form, pairs};

impl Happened {
    pub(in crate::pages) fn sample(kind: HappenedKind) -> Self {
        let model = (kind == HappenedKind::Model).then(|| Helper { name: "GLM-5".into(), house: Some(format!("Stadtwerke, Trier {EVIL}")) });
        Self {
            title: format!("Halter im Melderegister suchen {EVIL}"),
            at: at(11),
            kind,
            model,
            place: (kind == HappenedKind::Read).then(|| format!("Melderegister {EVIL}")),
            place_is_ours: false,
            source: (kind == HappenedKind::Rules).then(|| "Hundesteuersatzung § 4".into()),
            undone: kind == HappenedKind::Write,
        }
    }
}

impl AddedFile {
    pub(in crate::pages) fn samples() -> Vec<Self> {
        let file = Self {
            at: at(12),
            file: Some(format!("{EVIL}.pdf (PDF, 120 KB)")),
            note: format!("Kaufvertrag {EVIL}"),
            link: Some("/status/k7f3/dateien/00".into()),
        };
        vec![Self { link: None, note: String::new(), ..file.clone() }, Self { file: None, link: None, ..file.clone() }, file]
    }
}

/// The status of somebody who withdrew, and of one who cannot.
impl StatusPage {
    fn withdrawn(ending: bool) -> Self {
        let gone = Self {
            withdrawn: Some(at(13)),
            ending,
            add: None,
            withdraw: Some(Withdrawal::Over),
            said: Some(Said::Withdrawn),
            ..Self::sample(Station::Abgeschlossen)
        };
        Self { happened: Vec::new(), more_steps: None, ..gone }
    }

    fn not_to_withdraw(why: Withdrawal) -> Self {
        Self { withdraw: Some(why), said: Some(Said::Added), ..Self::sample(Station::InBearbeitung) }
    }
}

impl RueckzugPage {
    fn sample(wrong: bool) -> Self {
        Self {
            title: "Hund zur Hundesteuer anmelden".into(),
            number: "2026-000123".into(),
            action: "/status/k7f3-9x2m-q8zp/zurueckziehen".into(),
            back: "/status/k7f3-9x2m-q8zp".into(),
            reason: if wrong { EVIL.into() } else { String::new() },
            reason_max: 500,
            problem: wrong.then(|| EVIL.into()),
        }
    }
}

impl NachreichenPage {
    fn sample(wrong: bool, lang: Lang) -> Self {
        let (form, pairs) = (form(), pairs());
        let problems = [Problem { path: Path::new(["nachweis"]), message: Text::new(EVIL, EVIL) }];
        let first = Filled { own_data: true, ..Filled::default() };
        let filled = if wrong { Filled { pairs: &pairs, problems: &problems, ..first } } else { first };
        Self {
            title: "Hund zur Hundesteuer anmelden".into(),
            number: "2026-000123".into(),
            action: "/status/k7f3-9x2m-q8zp/nachreichen".into(),
            back: "/status/k7f3-9x2m-q8zp".into(),
            form: form.view(&filled, lang),
            added: if wrong { AddedFile::samples() } else { Vec::new() },
            key: "0192-key".into(),
            later: wrong,
        }
    }
}

impl stand::Vouching {
    pub(in crate::pages) fn sample(hers: bool) -> Self {
        let (name, birthdate) = (hers.then(|| EVIL.into()), hers.then(|| "12.08.1964".into()));
        Self { name, birthdate, level: "hoch (Online-Ausweisfunktion)".into(), issuer: format!("https://id.example/{EVIL}"), at: at(9), hers }
    }
}

impl BescheidPage {
    fn sample() -> Self {
        let text = format!("# Bescheid\n\nGuten Tag {EVIL},\n\nwir setzen **70,00 €** fest.");
        Self {
            heading: format!("Bescheid {EVIL}"),
            title: EVIL.into(),
            number: "2026-000123".into(),
            back: "/status/k7f3-9x2m-q8zp".into(),
            html: markdown::letter(&text, &[Part { text: text.clone(), fixed: true }]),
            text: Some(text),
            file: "/status/k7f3-9x2m-q8zp/bescheid/bescheid/datei".into(),
        }
    }
}

impl AngabenPage {
    fn sample(lang: Lang) -> Self {
        let groups = form().review(&json!({ "halter": { "familienname": EVIL, "anschrift": { "ags": "07334001" } }, "anzahl_haushalt": 2 }), lang);
        Self {
            responsible: EVIL.into(),
            title: "Hund zur Hundesteuer anmelden".into(),
            number: "2026-000123".into(),
            back: "/status/k7f3-9x2m-q8zp".into(),
            received: at(9),
            vouched: Some(stand::Vouching::sample(true)),
            answers: vec![AnswerView { title: EVIL.into(), at: at(10), groups: groups.clone() }],
            groups,
            files: vec![OwnFile { text: format!("{EVIL}.pdf"), link: "/status/k7f3-9x2m-q8zp/dateien/00".into() }],
            added: AddedFile::samples(),
        }
    }
}

pub(super) fn pages(lang: Lang) -> Vec<(&'static str, Page)> {
    vec![
        ("status-zurueckgezogen", Page::Status(Box::new(StatusPage::withdrawn(false)))),
        ("status-wird-zurueckgenommen", Page::Status(Box::new(StatusPage::withdrawn(true)))),
        ("status-entschieden", Page::Status(Box::new(StatusPage::not_to_withdraw(Withdrawal::Decided)))),
        ("status-ohne-rueckzug", Page::Status(Box::new(StatusPage::not_to_withdraw(Withdrawal::Never)))),
        ("zurueckziehen", Page::Rueckzug(RueckzugPage::sample(false))),
        ("zurueckziehen-fehler", Page::Rueckzug(RueckzugPage::sample(true))),
        ("nachreichen", Page::Nachreichen(NachreichenPage::sample(false, lang))),
        ("nachreichen-fehler", Page::Nachreichen(NachreichenPage::sample(true, lang))),
        (
            "ausweisen",
            Page::Ausweisen(AusweisenPage {
                form: Some(EVIL.into()),
                title: "Bitte melden Sie sich an".into(),
                text: EVIL.into(),
                level: Some(EVIL.into()),
                link: "/antrag/vg/hund/anmelden".into(),
            }),
        ),
        (
            "ausweisen-fehler",
            Page::Ausweisen(AusweisenPage { form: None, title: EVIL.into(), text: EVIL.into(), level: None, link: "/antrag/vg/hund/anmelden".into() }),
        ),
        ("angaben", Page::Angaben(AngabenPage::sample(lang))),
        ("bescheid", Page::Bescheid(BescheidPage::sample())),
        ("bescheid-zeilen", Page::Bescheid(BescheidPage { html: None, ..BescheidPage::sample() })),
        ("bescheid-lang", Page::Bescheid(BescheidPage { html: None, text: None, ..BescheidPage::sample() })),
    ]
}
