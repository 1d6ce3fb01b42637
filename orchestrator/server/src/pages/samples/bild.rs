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
