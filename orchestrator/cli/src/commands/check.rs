//! `check`: every finding of every file named, with line, column and what to do.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use laufzettel_domain::{Finding, Findings, Severity};
use laufzettel_process::{
    Catalogue, Folder, Tools,
    check::check_tools,
    folder::{SIDE_FOLDERS, is_candidate},
    read,
};

use super::{configuration, tenant_of};
use crate::{
    args::Where,
    config::TenantConfig,
    house,
    out::{Out, code},
};

/// The tenant's folder a file lies in (its own folder), and its name there. Side folders belong to the folder above.
pub fn folder_of(path: &Path) -> anyhow::Result<(PathBuf, String)> {
    let path = std::fs::canonicalize(path).with_context(|| format!("{} gibt es nicht", path.display()))?;
    let name = path.file_name().context("kein Dateiname")?.to_string_lossy().into_owned();
    let folder = path.parent().context("kein Ordner")?.to_owned();
    Ok((folder, name))
}

pub async fn check(paths: &[PathBuf], at: &Where, out: &Out) -> anyhow::Result<u8> {
    let own = match &at.config {
        None => None,
        Some(_) => {
            let config = configuration(at, out).await?;
            let tenant = tenant_of(&config, at)?;
            Some(config.tenants[&tenant].clone())
        }
    };
    let mut all = Vec::new();
    if let Some(own) = &own {
        house::directory(own, &mut all);
        all.extend(house::tightenings(own)?);
    }
    let mut checked = 0;
    for path in paths {
        checked += if path.is_dir() { check_folder(path, own.as_ref(), &mut all)? } else { check_file(path, own.as_ref(), &mut all)? };
    }
    for finding in &all {
        if out.json { out.value(&serde_json::to_value(finding)?).await } else { out.data(finding.line(out.lang)).await }
    }
    if checked == 0 && all.is_empty() && paths.iter().all(|p| p.is_dir()) {
        anyhow::bail!("{}", out.text("Hier liegt kein Prozess.", "There is no process here."));
    }
    let errors = all.iter().filter(|f| f.severity == Severity::Error).count();
    out.note(format!("{checked} {}, {errors} {}", out.text("Prozesse geprüft", "processes checked"), out.text("Fehler", "errors"))).await;
    Ok(if errors > 0 { code::FINDINGS } else { code::DONE })
}

fn check_folder(path: &Path, own: Option<&TenantConfig>, all: &mut Vec<Finding>) -> anyhow::Result<usize> {
    let folder = house::read_folder(path)?;
    let catalogue = Catalogue::load(&folder);
    let mut checked = 0;
    for (name, text) in folder.candidates() {
        if laufzettel_process::catalogue::declares_process(name, text) {
            checked += 1;
            all.extend(findings_of(&folder, name, &path.join(name).display().to_string(), own)?);
        }
    }
    // what only shows between processes: names and addresses taken twice
    all.extend(catalogue.findings.into_iter().filter(|f| f.code == "LZ119"));
    Ok(checked)
}

fn check_file(path: &Path, own: Option<&TenantConfig>, all: &mut Vec<Finding>) -> anyhow::Result<usize> {
    let (folder_path, name) = folder_of(path)?;
    let folder = house::read_folder(&folder_path)?;
    let beside = path.parent().and_then(Path::file_name).is_some_and(|f| SIDE_FOLDERS.iter().any(|side| *side == f));
    if is_candidate(&name) && !beside {
        all.extend(findings_of(&folder, &name, &path.display().to_string(), own)?);
        return Ok(1);
    }
    let mut findings = Findings::new(path.display().to_string());
    if name.ends_with(".cases.yaml") {
        crate::cases::read(&folder, &name, &mut findings);
    } else {
        laufzettel_process::table::Table::read(&std::fs::read_to_string(path)?, &mut findings);
    }
    all.extend(findings.into_sorted());
    Ok(0)
}

/// Findings of one process, of its cases, and against the tenant's tools where a configuration was given.
fn findings_of(folder: &Folder, name: &str, shown: &str, own: Option<&TenantConfig>) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Findings::new(name);
    if folder.get(name).is_none() {
        anyhow::bail!("{shown} ist keine Textdatei bis 1 MiB");
    }
    if let Some(process) = read::read(folder, name, &mut findings)
        && let Some(own) = own
    {
        let known: Vec<String> = house::tool_rules(own)?.into_keys().collect();
        let types: Tools = house::tool_types(own)?;
        check_tools(&process, &types, Some(&known), &mut findings);
    }
    let mut all = findings.into_sorted();
    let cases = name.replace(".yaml", ".cases.yaml");
    if folder.get(&cases).is_some() {
        let mut own = Findings::new(cases.clone());
        crate::cases::read(folder, &cases, &mut own);
        all.extend(own.into_sorted());
    }
    let base = shown.strip_suffix(name).unwrap_or_default();
    for finding in &mut all {
        finding.file = format!("{base}{}", finding.file);
    }
    Ok(all)
}
