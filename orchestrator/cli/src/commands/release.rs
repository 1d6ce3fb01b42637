//! `release`: checks a process, runs its cases, and puts on record that this very text may be started.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use laufzettel_domain::{Digest, Findings};
use laufzettel_process::Catalogue;
use laufzettel_worker::{Candidate, Played, RESULTS_MAX};

use super::{check, configuration, tenant_of, wish};
use crate::{
    args::{Where, Who},
    cases::{self, Setting},
    demo, house,
    out::{Out, code},
    wish::Wish,
};

pub async fn release(id: &str, who: Who, at: &Where, out: &Out) -> anyhow::Result<u8> {
    let config = configuration(at, out).await?;
    let tenant = tenant_of(&config, at, out)?;
    let own = config.tenants[&tenant].clone();
    let folder = house::read_folder(&own.processes)?;
    let catalogue = Catalogue::load(&folder);
    let process =
        catalogue.processes.get(id).cloned().with_context(|| format!("Einen Prozess „{id}“ gibt es hier nicht, oder er hat Fehler (laufzettel check)."))?;
    let file = own.processes.join(&process.file);
    let checked =
        Where { config: Some(at.config.clone().unwrap_or_else(|| PathBuf::from(demo::FOLDER).join("laufzettel.yaml"))), tenant: Some(tenant.to_string()) };
    if check::check(std::slice::from_ref(&file), false, &checked, out).await? != code::DONE {
        return Ok(code::FINDINGS);
    }
    let name = cases::file_of(&process.file);
    let Some(digest) = catalogue.cases.get(id).map(|cases| cases.digest) else {
        bail!("Ohne Fälle keine Freigabe: {name} fehlt, oder es steht keiner darin.")
    };
    let mut findings = Findings::new(name.clone());
    let list = cases::read(&folder, &name, &mut findings);
    let directory = house::case_directory(&own, &mut Vec::new()).context("Das Verzeichnis lässt sich nicht lesen")?;
    let base = file.parent().map(PathBuf::from).unwrap_or_default();
    if list.len() > RESULTS_MAX {
        bail!("{name}: Mehr als {RESULTS_MAX} Fälle nimmt eine Freigabe nicht auf.");
    }
    let approved = house::approved(&own)?;
    let setting = Setting { config, tenant, own, directory, approved, memory: std::sync::Arc::default(), process, folder: base, file: name };
    let Some(played) = pass(&setting, list, digest, out).await? else { return Ok(code::FINDINGS) };
    let candidate = Candidate::of(&setting.process, Some(played));
    wish(at, &who, None, Wish::Release { candidate }, out).await
}

/// How the cases went, if there are some and every one passes; what does not is said.
async fn pass(setting: &Setting, list: Vec<cases::Case>, digest: Digest, out: &Out) -> anyhow::Result<Option<Played>> {
    let reports = cases::play(setting, list).await?;
    for report in reports.iter().filter(|report| !report.differences.is_empty()) {
        let lines: Vec<&str> = report.differences.iter().map(|line| line.get(out.lang)).collect();
        out.note(format!("✗ {}\n    {}", report.name, lines.join("\n    "))).await;
    }
    if reports.is_empty() || reports.iter().any(|report| !report.differences.is_empty()) {
        out.note(out.text("Nicht freigegeben: Es gibt keine Fälle, oder nicht alle bestehen.", "Not released: there are no cases, or not all pass.")).await;
        return Ok(None);
    }
    Ok(Some(cases::played(&reports, digest)))
}
