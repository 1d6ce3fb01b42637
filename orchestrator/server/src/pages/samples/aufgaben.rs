//! Samples of tasks: what they show, and what the engine asks by itself.

use std::collections::BTreeMap;

use laufzettel_domain::Lang;
use serde_json::{Value, json};

use super::EVIL;
use crate::pages::{
    Origin, Shown, Source,
    names::{Names, Spelling},
    shown::Material,
    tasks::{Choice, Told},
};

/// A long text, and two quotations: one that stands in a long passage, one that stands nowhere.
pub(super) fn cited(lang: Lang) -> Shown {
    let quotation = |zitat: &str| json!({ "document": "D-44", "version": "1", "place": "Absatz 2", "zitat": zitat });
    let value = json!([
        { "sachstand": EVIL.repeat(40), "belege": [quotation(EVIL)] },
        { "sachstand": "Nirgends belegt", "belege": [quotation("nie gesagt")] },
    ]);
    let text = format!("{} {EVIL} {}", "davor ".repeat(100), "danach ".repeat(100));
    let passages: Value = json!([{ "document": "D-44", "version": "1", "place": "Absatz 2", "text": text }]);
    let spelling = Spelling::default();
    let material = Material { names: Names::new(&spelling, None), passages: &passages };
    Shown::with("aus_der_akte", &value, material, lang).from([Source::new(Origin::Modell, "glm-5, Zone gruen")])
}

pub(super) fn told() -> Told {
    let choice = |choice: &str| Choice { choice: choice.into(), does: EVIL.into() };
    Told { happened: EVIL.into(), done: vec![EVIL.into(), "Bescheid abgelegt".into()], choices: vec![choice("Erneut versuchen"), choice("Vorgang abbrechen")] }
}

pub(super) fn proposed_by() -> BTreeMap<String, Vec<Source>> {
    BTreeMap::from([("bemerkung".to_owned(), vec![Source::new(Origin::Modell, EVIL)]), ("ort".to_owned(), vec![Source::new(Origin::Antrag, "")])])
}
