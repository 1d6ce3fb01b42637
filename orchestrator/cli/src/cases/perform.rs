//! Runs one case, and says how it differs from what was expected.

use laufzettel_domain::Text;

use super::{
    Report,
    compare::compare,
    read::Case,
    stage::{NotBegun, Setting, Stage},
};

pub async fn perform(setting: &Setting, case: &Case) -> Report {
    let differences = differences(setting, case).await.unwrap_or_else(|difference| vec![difference]);
    Report { file: setting.file.clone(), name: case.name.clone(), differences, faults: 0, left_out: 0 }
}

async fn differences(setting: &Setting, case: &Case) -> Result<Vec<Text>, Text> {
    let mut stage = Stage::set(setting, case);
    let run = match stage.start().await {
        Ok(run) => run,
        Err(NotBegun(difference)) => return Ok(if is_expected(case, &difference) { vec![] } else { vec![difference] }),
    };
    let loaded = stage.play(run).await?;
    Ok(compare(&case.expect, &loaded.run, &stage.script))
}

/// Whether the case says just that of its start.
fn is_expected(case: &Case, refusal: &Text) -> bool {
    let said = |expected: &Option<String>| expected.as_deref().is_some_and(|text| refusal.de.contains(text));
    said(&case.expect.denied) || said(&case.expect.refused)
}
