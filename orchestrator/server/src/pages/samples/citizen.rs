//! Samples of the citizens' pages.

use laufzettel_domain::{Lang, Path, Text};
use laufzettel_process::schema::Problem;
use serde_json::json;

use super::{super::*, EVIL, at, form, pairs};

impl AntragPage {
    /// As first seen, or (`true`) sent back with mistakes.
    pub(in crate::pages) fn sample(wrong: bool, lang: Lang) -> Self {
        let (form, pairs) = (form(), pairs());
        let mut problems = form.parse(&pairs).1;
        problems.push(Problem { path: Path::default(), message: Text::new(EVIL, EVIL) });
        let file = [UploadedFile { path: "nachweis".into(), reference: EVIL.into(), name: format!("{EVIL}.pdf"), bytes: 1_600_000 }];
        let filled = Filled { pairs: &pairs, problems: &problems, files: &file, proposal: None, own_data: true };
        Self {
            action: "/antrag/vg-schweich/hundesteuer".into(),
            title: "Hund zur Hundesteuer anmelden".into(),
            description: "Angaben, mit denen Sie einen Hund bei Ihrer Ortsgemeinde zur Hundesteuer anmelden.".into(),
            notice: Notice {
                responsible: "Steueramt der Verbandsgemeinde".into(),
                contact: vec!["Schubertstraße 18, 76756 Bellheim".into(), "Telefon 07272 7008-0".into()],
                ai: true,
                ai_does: Some("Das Modell ordnet nur die Art des Nachweises ein. Es setzt nichts fest, ein Mensch entscheidet.".into()),
                decision: Decision::Assistenz,
                purpose: "Festsetzung der Hundesteuer".into(),
                legal_basis: vec!["KAG RLP § 5".into(), "Hundesteuersatzung".into()],
                keep_contents: "6 Monate".into(),
                keep_case: "10 Jahre".into(),
                privacy_contact: Some("datenschutz@vg.example".into()),
            },
            form: form.view(if wrong { &filled } else { &Filled { pairs: &[], problems: &[], files: &[], proposal: None, own_data: true } }, lang),
            key: "0192-key".into(),
        }
    }
}

impl ZusammenfassungPage {
    pub(in crate::pages) fn sample(lang: Lang) -> Self {
        let form = form();
        let pairs: Vec<_> = pairs().into_iter().chain([("_webseite".to_owned(), "x".to_owned())]).collect();
        let value = json!({
            "halter": { "familienname": format!("Möller {EVIL}"), "vornamen": "Änne", "geburtsdatum": "1980-02-29", "anschrift": { "ags": "07334001" } },
            "aufnahme_am": "2026-05-01", "anzahl_haushalt": 2, "ermaessigungsgrund": "tierheim", "hinweis_gelesen": true,
            "nachweis": { "file": "blob:00", "name": "vertrag.pdf", "media_type": "application/pdf", "size": 120_000, "sha256": format!("sha256:{}", "0".repeat(64)) },
        });
        Self {
            action: "/antrag/vg-schweich/hundesteuer".into(),
            title: "Hund zur Hundesteuer anmelden".into(),
            groups: form.review(&value, lang),
            hidden: form.own_pairs(&pairs),
            key: "0192-key".into(),
        }
    }
}

impl QuittungPage {
    pub(in crate::pages) fn sample() -> Self {
        Self {
            title: "Hund zur Hundesteuer anmelden".into(),
            number: "2026-000123".into(),
            received: at(9),
            responsible: "Steueramt".into(),
            status_link: "/status/k7f3-9x2m-q8zp".into(),
            status_address: "vorgang.vg.example/status/k7f3-9x2m-q8zp".into(),
            mail: Some(EVIL.into()),
            next: None,
        }
    }
}

impl StatusPage {
    /// With a question, as first seen or (`true`) sent back with mistakes.
    pub(in crate::pages) fn asking(wrong: bool, lang: Lang) -> Self {
        let (form, pairs) = (form(), pairs());
        let problems = form.parse(&pairs).1;
        let first = Filled { own_data: true, ..Filled::default() };
        let filled = if wrong { Filled { pairs: &pairs, problems: &problems, ..first } } else { first };
        let question = Question {
            action: "/status/k7f3-9x2m-q8zp?frage=2".into(),
            title: "Nachweis nachreichen".into(),
            shown: Shown::list(&json!({ "frage": format!("Bitte senden Sie uns den Nachweis. {EVIL}") }), &[], lang),
            digest: "sha256:00".into(),
            form: Some(form.view(&filled, lang)),
            due: Some(at(23)),
            overdue: wrong,
            more: usize::from(wrong),
            key: "0192-key".into(),
        };
        let said = wrong.then_some(Said::TooLate);
        Self { said, question: Some(question), happened: Vec::new(), more_steps: None, added: Vec::new(), ..Self::sample(Station::Rueckfrage) }
    }

    pub(in crate::pages) fn sample(current: Station) -> Self {
        let reached = [
            Reached { station: Station::Eingegangen, at: at(9) },
            Reached { station: Station::Angenommen, at: at(10) },
            Reached { station: current, at: at(11) },
        ];
        Self {
            title: "Hund zur Hundesteuer anmelden".into(),
            number: "2026-000123".into(),
            responsible: "Steueramt".into(),
            stations: StatusPage::stations(current, &reached),
            current,
            next: None,
            said: (current == Station::InBearbeitung).then_some(Said::Arrived),
            question: None,
            answered: vec![Answered { title: EVIL.into(), at: at(10) }],
            happened: HappenedKind::ALL.into_iter().map(Happened::sample).collect(),
            more_steps: Some("/status/k7f3-9x2m-q8zp?ab=50#geschehen".into()),
            purpose: format!("Festsetzung der Hundesteuer {EVIL}"),
            decides: Decision::Assistenz,
            received: vec![OwnFile { text: format!("Bescheid {EVIL} (Text)"), link: "/status/k7f3-9x2m-q8zp/bescheid/bescheid".into() }],
            withdrawn: None,
            ending: false,
            own: Some("/status/k7f3-9x2m-q8zp/angaben".into()),
            add: Some("/status/k7f3-9x2m-q8zp/nachreichen".into()),
            added: AddedFile::samples(),
            withdraw: Some(Withdrawal::Open),
            withdraw_link: "/status/k7f3-9x2m-q8zp/zurueckziehen".into(),
        }
    }
}
