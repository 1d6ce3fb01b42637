//! `test`: the cases beside a process, in parallel, with a readable difference.

use std::path::PathBuf;

use anyhow::bail;
use laufzettel_directory::Directory;
use laufzettel_domain::{Finding, Findings, Severity, TenantId};
use laufzettel_process::{Folder, Process, read};
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    check::{folder_of, named_in},
    configuration, tenant_of,
};
use crate::{
    args::Where,
    cases::{self, Case, Faults, Setting},
    config::{Config, TenantConfig},
    house::{self, Approved},
    named,
    out::{Out, code},
    proof::Prover,
};

pub async fn test(paths: &[PathBuf], faults: Option<Faults>, at: &Where, out: &Out) -> anyhow::Result<u8> {
    let config = configuration(at, out).await?;
    let tenant = tenant_of(&config, at, out)?;
    let own = config.tenants[&tenant].clone();
    let mut findings = Vec::new();
    let Some(directory) = house::case_directory(&own, &mut findings) else {
        bail!("{}", findings.first().map(|f| f.line(out.lang)).unwrap_or_default());
    };
    let prover = Prover::of(&config, &own, directory.clone())?;
    let approved = house::approved(&own)?;
    for finding in named_in(at, &config.folder, (&tenant, &own), &directory).await?.iter().filter(|finding| finding.code == named::NOT_PINNED) {
        out.note(finding.line(out.lang)).await;
    }
    let world = cases::World::of(approved.rules.keys(), Some(&directory));
    let mut jobs = Jobs::new();
    let mut number = 0;
    let mut refused_any = false;
    for orphan in orphans(paths, out)? {
        out.note(orphan.line(out.lang)).await;
        refused_any = true;
    }
    let rehearsal = Rehearsal { config, tenant, own, directory, approved, prover, world, faults };
    for (folder_path, name, folder) in files(paths, out)? {
        match rehearsal.begin(folder_path, &name, &folder, number, &mut jobs, out).await {
            Some(begun) => number += begun,
            None => refused_any = true,
        }
    }
    let exit = report(jobs, refused_any, out).await?;
    Ok(if refused_any { code::FINDINGS } else { exit })
}

/// What the cases of every process are played on.
struct Rehearsal {
    config: Config,
    tenant: TenantId,
    own: TenantConfig,
    directory: Directory,
    approved: Approved,
    prover: Prover,
    world: cases::World,
    faults: Option<Faults>,
}

impl Rehearsal {
    /// Begins the cases of one process and says how many, or what keeps them from being played (`None`). `first`: the number of the first.
    async fn begin(&self, at: PathBuf, name: &str, folder: &Folder, first: usize, jobs: &mut Jobs, out: &Out) -> Option<usize> {
        let mut found = Findings::new(name.to_owned());
        let process = read::read(folder, name, &mut found);
        if let Some(process) = &process {
            self.prover.prove(process, &mut found).await;
        }
        let file = cases::file_of(name);
        let mut of_cases = Findings::new(file.clone());
        let has_cases = folder.get(&file).is_some();
        let list: Vec<Case> = if has_cases { cases::read_checked(folder, &file, process.as_ref(), &self.world, &mut of_cases) } else { Vec::new() };
        let broken = of_cases.has_errors();
        let refused: Vec<Finding> = found.into_sorted();
        // a case may expect that its process is refused; then being refused is what is tested
        let expected = !broken && !list.is_empty() && list.iter().all(|case| is_refused(case, &refused));
        for finding in refused.iter().filter(|_| !expected).cloned().chain(of_cases.into_sorted()) {
            out.note(finding.line(out.lang)).await;
        }
        let count = list.len();
        if expected {
            for (n, case) in list.into_iter().enumerate() {
                let report = cases::Report { file: file.clone(), name: case.name, differences: Vec::new(), faults: 0, left_out: 0 };
                jobs.spawn(async move { (first + n, vec![report]) });
            }
            return Some(count);
        }
        let stopped = refused.iter().any(|f| f.severity == Severity::Error);
        let process = process.filter(|_| !broken && !stopped)?;
        self.play(self.setting(process, at, file), list, first, jobs, out);
        Some(count)
    }

    fn setting(&self, process: Process, folder: PathBuf, file: String) -> Setting {
        let (config, tenant, own) = (self.config.clone(), self.tenant.clone(), self.own.clone());
        let (directory, approved) = (self.directory.clone(), self.approved.clone());
        Setting { config, tenant, own, directory, approved, memory: std::sync::Arc::default(), process, folder, file }
    }

    fn play(&self, setting: Setting, list: Vec<Case>, first: usize, jobs: &mut Jobs, out: &Out) {
        let Some(faults) = self.faults else {
            for (n, case) in list.into_iter().enumerate() {
                let setting = setting.clone();
                jobs.spawn(async move { (first + n, vec![cases::perform(&setting, &case).await]) });
            }
            return;
        };
        let out = out.clone();
        jobs.spawn(async move {
            let (reports, unreached) = cases::disturb(&setting, &list, faults).await;
            if !list.is_empty() && !unreached.is_empty() {
                let steps = unreached.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                out.note(format!("{}: {} {steps}", setting.file, out.text("kein Fall ruft", "no case calls"))).await;
            }
            // it takes minutes: whoever waits sees that something happens
            let faults: usize = reports.iter().map(|report| report.faults).sum();
            out.note(format!("{}: {} {}, {faults} {}", setting.file, reports.len(), out.text("Fälle", "cases"), out.text("Störungen", "faults"))).await;
            (first, reports)
        });
    }
}

type Jobs = JoinSet<(usize, Vec<cases::Report>)>;

fn is_refused(case: &Case, found: &[Finding]) -> bool {
    let errors = found.iter().filter(|f| f.severity == Severity::Error);
    case.expect.refused.as_ref().is_some_and(|code| errors.into_iter().any(|f| f.code == *code))
}

/// `refused`: a file could not be tested; what is wrong with it has been said.
async fn report(mut jobs: Jobs, refused: bool, out: &Out) -> anyhow::Result<u8> {
    let mut reports = Vec::new();
    while let Some(done) = jobs.join_next().await {
        reports.push(done?);
    }
    reports.sort_by_key(|(n, _)| *n);
    let reports: Vec<cases::Report> = reports.into_iter().flat_map(|(_, reports)| reports).collect();
    let mut failed = 0;
    for report in &reports {
        let passed = report.differences.is_empty();
        failed += usize::from(!passed);
        let differences: Vec<&str> = report.differences.iter().map(|line| line.get(out.lang)).collect();
        if out.json {
            out.value(&json!({ "file": report.file, "name": report.name, "passed": passed, "differences": differences, "faults": report.faults })).await;
            continue;
        }
        out.data(format!("{} {}", if passed { "✓" } else { "✗" }, report.name)).await;
        for line in differences {
            out.data(format!("    {line}")).await;
        }
    }
    let faults: usize = reports.iter().map(|report| report.faults).sum();
    let left_out: usize = reports.iter().map(|report| report.left_out).sum();
    if left_out > 0 {
        out.note(format!("{left_out} {}", out.text("Aufrufe langer Fälle wurden nicht gestört", "calls of long cases were not disturbed"))).await;
    }
    let disturbed = if faults > 0 { format!(" ({faults} {})", out.text("Störungen", "faults")) } else { String::new() };
    out.note(format!("{} {}, {failed} {}{disturbed}", reports.len() - failed, out.text("bestanden", "passed"), out.text("nicht", "failed"))).await;
    if reports.is_empty() && !refused {
        out.note(out.text("Keine Fälle gefunden (<prozess>.cases.yaml).", "No cases found (<process>.cases.yaml).")).await;
    }
    Ok(match (reports.is_empty(), failed) {
        (true, _) => code::USAGE,
        (false, 0) => code::DONE,
        _ => code::FINDINGS,
    })
}

/// Files of cases among the paths that have no process.
fn orphans(paths: &[PathBuf], out: &Out) -> anyhow::Result<Vec<Finding>> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(cases::orphans(&house::read_folder(path)?));
        } else if path.display().to_string().ends_with(".cases.yaml") {
            let (folder, name) = folder_of(path, out)?;
            found.extend(cases::orphan(&house::read_folder(&folder)?, &name));
        }
    }
    Ok(found)
}

/// Process files among the paths, each with its folder.
fn files(paths: &[PathBuf], out: &Out) -> anyhow::Result<Vec<(PathBuf, String, Folder)>> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let folder = house::read_folder(path)?;
            let names: Vec<String> =
                folder.candidates().filter(|(n, t)| laufzettel_process::catalogue::declares_process(n, t)).map(|(n, _)| n.to_owned()).collect();
            for name in names {
                let base = path.join(&name).parent().map(PathBuf::from).unwrap_or_default();
                found.push((base, name, folder.clone()));
            }
        } else {
            let (folder, name) = folder_of(path, out)?;
            // a cases file stands for its process
            let texts = house::read_folder(&folder)?;
            let is_cases = name.ends_with(".cases.yaml");
            if is_cases && cases::orphan(&texts, &name).is_some() {
                continue;
            }
            let name = if is_cases { cases::process_of(&texts, &name) } else { name };
            found.push((folder, name, texts));
        }
    }
    Ok(found)
}
