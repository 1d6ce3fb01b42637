//! Whether what a release leaves fits together: the categories that stay may not demand a higher level than it gives (LZ403).

use laufzettel_domain::{Findings, Text};
use laufzettel_policy::minimum_level;
use laufzettel_process::model::StepKind;

use crate::labels::Labels;

pub fn check(labels: Labels<'_>, findings: &mut Findings) {
    for step in labels.process.steps.values() {
        let StepKind::Human(human) = &step.kind else { continue };
        let Some(release) = &human.release else { continue };
        for kategorie in release.kategorien.iter().filter(|k| minimum_level(**k) > release.to) {
            let level = minimum_level(*kategorie).as_str();
            findings.error(
                "LZ403",
                step.at,
                format!("steps.{}.human.release", step.id),
                Text::new(
                    format!("„{}“ bleibt und verlangt mindestens den Schutzbedarf {level}, freigegeben wird auf {}.", kategorie.as_str(), release.to.as_str()),
                    format!("\"{}\" stays and demands at least the level {level}, the release is to {}.", kategorie.as_str(), release.to.as_str()),
                ),
            );
        }
    }
}
