//! Whether a process is released, and how its cases went: as the records of its releases say, never run for a page.

use std::collections::BTreeMap;

use laufzettel_domain::Lang;
use laufzettel_process::Process;
use laufzettel_worker::{CaseResult, Release};

use crate::{
    pages::{Before, CaseRow, PlayedView, ReleaseView},
    site::TenantSite,
};

pub fn release(tenant: &TenantSite, process: &Process) -> ReleaseView {
    match tenant.desk.release_of(process) {
        None => ReleaseView::None,
        Some(release) if release.trial => ReleaseView::Trial { at: tenant.civil_micros(release.at) },
        Some(release) => ReleaseView::Released { at: tenant.civil_micros(release.at), by: release.by, cases: release.cases },
    }
}

/// What counted before this text came.
pub fn before(tenant: &TenantSite, process: &Process) -> Option<Before> {
    if tenant.desk.release_of(process).is_some() {
        return None;
    }
    let Release { version, at, by, trial, .. } = tenant.desk.last_release(process)?;
    Some(Before { version, at: tenant.civil_micros(at), by, trial })
}

/// The cases that stand beside a process, with the results of the release that is nearest to it: its own, else the last one.
pub struct Tried {
    pub rows: Vec<CaseRow>,
    /// Cases beyond those shown.
    pub more: usize,
    pub played: Option<PlayedView>,
}

pub fn of(tenant: &TenantSite, process: &Process, lang: Lang, rows_max: usize) -> Tried {
    let (own, cases) = (tenant.desk.release_of(process), tenant.desk.tenant.catalogue.cases.get(process.id.as_str()));
    let changed = own.is_none();
    let release = own.or_else(|| tenant.desk.last_release(process));
    let found = release.and_then(|release| Some((release.version, release.at, release.played?)));
    let results = found.as_ref().map(|(.., played)| played.results.as_slice()).unwrap_or_default();
    let rows = rows(cases.map(|cases| cases.names.as_slice()).unwrap_or_default(), results, lang);
    let played = found.as_ref().map(|(version, at, played)| PlayedView {
        at: tenant.civil_micros(*at),
        program: played.program.clone(),
        passed: played.results.iter().filter(|result| result.passed).count(),
        of: played.results.len(),
        of_version: changed.then(|| version.clone()),
        other_cases: cases.map(|cases| cases.digest) != Some(played.digest),
    });
    Tried { more: rows.len().saturating_sub(rows_max), rows: rows.into_iter().take(rows_max).collect(), played }
}

/// Two cases of one name are told apart by their order.
fn rows(names: &[String], results: &[CaseResult], lang: Lang) -> Vec<CaseRow> {
    let mut left: BTreeMap<&str, Vec<&CaseResult>> = BTreeMap::new();
    for result in results.iter().rev() {
        left.entry(&result.name).or_default().push(result);
    }
    let row = |name: &String| {
        // as much of it as a record keeps
        let kept: String = name.chars().take(laufzettel_worker::NAME_CHARS_MAX).collect();
        let result = left.get_mut(kept.as_str()).and_then(Vec::pop);
        // one of them tells what it is about; with all of them a page of failed cases would weigh too much
        let why = result.and_then(|result| result.why.first()).map(|why| why.get(lang).to_owned());
        CaseRow { name: name.clone(), passed: result.map(|result| result.passed), why }
    };
    names.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use laufzettel_domain::Text;

    use super::*;

    #[test]
    fn results_find_their_cases() {
        let result = |name: &str, passed: bool| CaseResult {
            name: name.chars().take(200).collect(),
            passed,
            why: if passed { vec![] } else { vec![Text::new("anders", "different")] },
        };
        let long = "x".repeat(300);
        let names = ["a", "neu", "doppelt", "doppelt", &long].map(str::to_owned);
        let results = [result("a", true), result("weg", true), result("doppelt", true), result("doppelt", false), result(&long, true)];
        let row = |name: &str, passed: Option<bool>, why: Option<&str>| CaseRow { name: name.into(), passed, why: why.map(str::to_owned) };
        let expected = [
            row("a", Some(true), None),
            row("neu", None, None),
            row("doppelt", Some(true), None),
            row("doppelt", Some(false), Some("different")),
            row(&long, Some(true), None),
        ];
        assert_eq!(rows(&names, &results, Lang::En), expected);
    }
}
