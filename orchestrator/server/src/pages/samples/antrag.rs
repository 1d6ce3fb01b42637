//! Samples of applications: pages of a form, entries of its lists, the summary, the receipt.

use laufzettel_domain::{Lang, Path, Text};
use laufzettel_process::schema::Problem;
use serde_json::json;

use super::{super::*, EVIL, at, form, pairs};
use crate::pages::form::Place;

const HOUSEHOLD: &str = include_str!("../../../../../schemas/wohngeld-vollstaendigkeit.schema.json");

/// A form with lists in lists, of people and of files.
pub(in crate::pages) fn household() -> Form {
    Form::paged(&serde_json::from_str(HOUSEHOLD).unwrap()).unwrap()
}

fn steps() -> Step {
    let row = |title: &str, state| StepRow { title: title.into(), state };
    let all = vec![
        row("Antragstellerin oder Antragsteller", StepProgress::Done),
        row(EVIL, StepProgress::Unfinished),
        row("Haushalt", StepProgress::Here),
        row("Miete", StepProgress::Open),
    ];
    Step { number: 3, title: "Haushalt".into(), all }
}

impl AntragPage {
    /// A page in the midst of others: two people in the household, one without a name, and files.
    pub(in crate::pages) fn listed(place: &Place, wrong: bool, lang: Lang) -> Self {
        let pairs: Vec<_> = [("haushaltsmitglieder._anzahl", "2"), ("haushaltsmitglieder.0.name", EVIL), ("haushaltsmitglieder.0.einkommen._anzahl", "1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        let form = household().expanded(&pairs);
        let problems = if wrong { household().parse(&pairs).1 } else { Vec::new() };
        let file = |n: usize| UploadedFile { path: "nachweise".into(), reference: format!("{EVIL}{n}"), name: format!("{EVIL}.pdf"), bytes: 1_600_000 };
        let filled = Filled { pairs: &pairs, problems: &problems, files: &[file(1), file(2)], proposal: None, proposed_by: None, own_data: true };
        let part = form.part(place).unwrap();
        Self {
            first: false,
            notice: None,
            step: Some(steps()),
            entry: part.number.map(|number| format!("Haushaltsmitglied {number}")),
            hint: part.hint,
            help: Some(EVIL.into()),
            hidden: form.carried(&part.form, &pairs),
            form: part.form.view(&filled, lang),
            back: true,
            to_summary: wrong,
            forward: if wrong { INTENT_REVIEW } else { INTENT_NEXT },
            ..Self::sample(false, lang)
        }
    }

    /// As first seen, or (`true`) sent back with mistakes.
    pub(in crate::pages) fn sample(wrong: bool, lang: Lang) -> Self {
        let (form, pairs) = (form(), pairs());
        let mut problems = form.parse(&pairs).1;
        problems.push(Problem { path: Path::default(), message: Text::new(EVIL, EVIL) });
        let file = [UploadedFile { path: "nachweis".into(), reference: EVIL.into(), name: format!("{EVIL}.pdf"), bytes: 1_600_000 }];
        let filled = Filled { pairs: &pairs, problems: &problems, files: &file, proposal: None, proposed_by: None, own_data: true };
        Self {
            action: "/antrag/vg-schweich/hundesteuer".into(),
            title: "Hund zur Hundesteuer anmelden".into(),
            description: "Angaben, mit denen Sie einen Hund bei Ihrer Ortsgemeinde zur Hundesteuer anmelden.".into(),
            first: true,
            vouched: wrong.then(|| stand::Vouching::sample(true)),
            house: None,
            notice: Some(Notice {
                recipients: vec![EVIL.into(), "Melderegister".into()],
                responsible: "Steueramt der Verbandsgemeinde".into(),
                contact: vec!["Schubertstraße 18, 76756 Bellheim".into(), "Telefon 07272 7008-0".into()],
                ai: true,
                ai_does: vec![
                    "Das Modell ordnet nur die Art des Nachweises ein. Es setzt nichts fest, ein Mensch entscheidet.".into(),
                    format!("Ein zweites fasst zusammen. {EVIL}"),
                ],
                decision: Decision::Assistenz,
                purpose: "Festsetzung der Hundesteuer".into(),
                legal_basis: vec!["KAG RLP § 5".into(), "Hundesteuersatzung".into()],
                keep_contents: "6 Monate".into(),
                keep_case: "10 Jahre".into(),
                privacy_contact: Some("datenschutz@vg.example".into()),
            }),
            step: None,
            entry: None,
            hint: None,
            help: None,
            message: wrong.then_some("new_questions"),
            hidden: vec![("_seite".into(), "1".into())],
            back: false,
            forward: INTENT_REVIEW,
            to_summary: false,
            form: form
                .view(if wrong { &filled } else { &Filled { pairs: &[], problems: &[], files: &[], proposal: None, proposed_by: None, own_data: true } }, lang),
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
            sections: vec![ReviewSection { title: None, change: None, groups: form.review(&value, lang) }],
            hidden: form.own_pairs(&pairs),
            house: false,
            zones: Vec::new(),
            vouched: Some(stand::Vouching::sample(true)),
            message: None,
            key: "0192-key".into(),
        }
    }
}

impl AntragPage {
    /// As somebody of the house fills it in: the first page, or (`true`) one in the midst of others.
    pub(in crate::pages) fn started(listed: bool, lang: Lang) -> Self {
        let page = if listed { Self::listed(&Place::parse("3"), false, lang) } else { Self::sample(false, lang) };
        let house = Some(House { responsible: "FB2-Steueramt".into(), version: "1.0.0".into() });
        Self { action: "/prozesse/hundesteuer-anmeldung/start".into(), description: EVIL.into(), notice: None, house, ..page }
    }
}

impl ZusammenfassungPage {
    /// Before somebody of the house begins a case.
    pub(in crate::pages) fn started(lang: Lang) -> Self {
        let zones = ["gruen", "gelb"].map(|name| ZoneChoice { name: name.into(), place: EVIL.into(), selected: false }).into();
        Self { action: "/prozesse/hundesteuer-anmeldung/start".into(), house: true, zones, vouched: None, ..Self::sample(lang) }
    }

    /// Of several pages, with entries of lists.
    pub(in crate::pages) fn listed(lang: Lang) -> Self {
        let value = json!({ "haushaltsmitglieder": [{ "name": EVIL, "einkommen": [{ "art": "lohn" }] }, {}] });
        let form = household().expanded(&household().pairs(&value));
        let section =
            |page: usize| ReviewSection { title: Some(EVIL.into()), change: Some(Place::Page(page).to_string()), groups: form.review_page(page, &value, lang) };
        Self { sections: form.pages().into_iter().map(section).collect(), ..Self::sample(lang) }
    }
}

impl EntwurfPage {
    pub(in crate::pages) fn sample() -> Self {
        Self {
            action: "/antrag/vg-schweich/hundesteuer".into(),
            title: EVIL.into(),
            code: "ACDE-FGHJ-KLMN-PRTU-VWXY-Z234".into(),
            spelled: vec!["A wie Aachen, C wie Chemnitz, D wie Düsseldorf, E wie Essen".into(), EVIL.into()],
            until: "2026-06-02".into(),
            address: "https://vorgang.vg.example/antrag/vg-schweich/hundesteuer/weiter".into(),
            refused: vec![EVIL.into()],
            hidden: vec![("halter.familienname".into(), EVIL.into())],
            key: "0192-key".into(),
        }
    }
}

impl EntwurfAndersPage {
    pub(in crate::pages) fn sample() -> Self {
        let EntwurfPage { action, title, hidden, key, .. } = EntwurfPage::sample();
        Self { action, title, hidden, key }
    }
}

impl WeiterPage {
    pub(in crate::pages) fn sample(wrong: bool) -> Self {
        let form = "/antrag/vg-schweich/hundesteuer";
        Self { action: format!("{form}/weiter"), form: form.into(), title: EVIL.into(), wrong, deleted: !wrong }
    }
}

impl QuittungPage {
    pub(in crate::pages) fn sample() -> Self {
        Self {
            action: "/antrag/vg/hund".into(),
            code: EVIL.into(),
            title: "Hund zur Hundesteuer anmelden".into(),
            number: "2026-000123".into(),
            received: at(9),
            responsible: "Steueramt".into(),
            status_link: "/status/k7f3-9x2m-q8zp".into(),
            status_address: "vorgang.vg.example/status/k7f3-9x2m-q8zp".into(),
            mail: Some(EVIL.into()),
            next: None,
            vouched: None,
        }
    }
}
