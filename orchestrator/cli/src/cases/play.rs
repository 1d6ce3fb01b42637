//! All cases of one process, and what of it goes with a release.

use laufzettel_worker::{CaseResult, Played};
use tokio::task::JoinSet;

use super::{Case, Report, Setting, perform};

/// Cases played at once: each has a store in memory of its own.
const AT_ONCE: usize = 16;

/// Plays them beside each other; the reports stand in the order of the cases.
pub async fn play(setting: &Setting, list: Vec<Case>) -> anyhow::Result<Vec<Report>> {
    let (mut jobs, mut reports) = (JoinSet::new(), Vec::new());
    for (n, case) in list.into_iter().enumerate() {
        if jobs.len() >= AT_ONCE
            && let Some(done) = jobs.join_next().await
        {
            reports.push(done?);
        }
        let setting = setting.clone();
        jobs.spawn(async move { (n, perform(&setting, &case).await) });
    }
    while let Some(done) = jobs.join_next().await {
        reports.push(done?);
    }
    reports.sort_by_key(|(n, _)| *n);
    Ok(reports.into_iter().map(|(_, report)| report).collect())
}

/// One after the other: who waits for a page waits behind none of them.
pub async fn play_aside(setting: &Setting, list: Vec<Case>) -> Vec<Report> {
    let mut reports = Vec::new();
    for case in list {
        reports.push(perform(setting, &case).await);
        tokio::task::yield_now().await;
    }
    reports
}

/// `digest`: of the cases as they stood.
pub fn played(reports: &[Report], digest: laufzettel_domain::Digest) -> Played {
    let result = |report: &Report| CaseResult { name: report.name.clone(), passed: report.differences.is_empty(), why: report.differences.clone() };
    Played { program: env!("CARGO_PKG_VERSION").to_owned(), digest, results: reports.iter().map(result).collect() }
}
