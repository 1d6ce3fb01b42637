//! Samples of the status page.

use laufzettel_domain::Lang;
use serde_json::json;

use super::{super::*, EVIL, at, form, pairs};

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
        Self {
            said,
            typed: if wrong { form.review(&json!({}), lang) } else { Vec::new() },
            question: Some(question),
            happened: Vec::new(),
            computed: Vec::new(),
            more_steps: None,
            added: Vec::new(),
            ..Self::sample(Station::Rueckfrage)
        }
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
            contact: vec!["Telefon 07272 7008-0".into(), EVIL.into()],
            stations: StatusPage::stations(current, &reached),
            current,
            next: if current == Station::Abgeschlossen { NextWords::Failed } else { NextWords::Station },
            said: (current == Station::InBearbeitung).then_some(Said::Arrived),
            typed: Vec::new(),
            question: None,
            answered: vec![Answered { title: EVIL.into(), at: at(10) }],
            happened: HappenedKind::ALL.into_iter().filter(|kind| !kind.is_computed()).map(Happened::sample).collect(),
            computed: HappenedKind::ALL.into_iter().filter(|kind| kind.is_computed()).map(Happened::sample).collect(),
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
