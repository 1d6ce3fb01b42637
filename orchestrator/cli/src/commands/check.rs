//! `check`: every finding of every file named, with line, column and what to do.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use laufzettel_directory::Directory;
use laufzettel_domain::{Finding, Findings, Severity, TenantId};
use laufzettel_engine::proof::Flow;
use laufzettel_process::{
    Catalogue, Folder,
    folder::{SIDE_FOLDERS, is_candidate},
    read,
};

use super::{configuration, tenant_of};
use crate::{
    args::Where,
    cases,
    config::TenantConfig,
    house, named,
    out::{Out, code},
    proof::Prover,
};

/// The tenant's folder a file lies in (its own folder), and its name there. Side folders belong to the folder above.
pub fn folder_of(path: &Path, out: &Out) -> anyhow::Result<(PathBuf, String)> {
    let path = std::fs::canonicalize(path).with_context(|| {
        let path = path.display();
        out.told(format!("{path} gibt es nicht"), format!("{path} does not exist"))
    })?;
    let name = path.file_name().context("kein Dateiname")?.to_string_lossy().into_owned();
    let folder = path.parent().context("kein Ordner")?.to_owned();
    Ok((folder, name))
}

pub async fn check(paths: &[PathBuf], flows: bool, at: &Where, out: &Out) -> anyhow::Result<u8> {
    let mut all = Vec::new();
    let (prover, world) = prover(at, &mut all, out).await?;
    let mut checked = Checked { prover, world, out: out.clone(), findings: all, flows: Vec::new(), count: 0 };
    for path in paths {
        if path.is_dir() { checked.folder(path).await? } else { checked.file(path).await? }
    }
    let Checked { findings: all, flows: found, count, .. } = checked;
    if flows {
        say_flows(&found, out).await?;
    }
    for finding in &all {
        if flows {
            out.note(finding.line(out.lang)).await;
        } else if out.json {
            out.value(&serde_json::to_value(finding)?).await;
        } else {
            out.data(finding.line(out.lang)).await;
        }
    }
    if count == 0 && all.is_empty() && paths.iter().all(|p| p.is_dir()) {
        anyhow::bail!("{}", out.text("Hier liegt kein Prozess.", "There is no process here."));
    }
    let errors = all.iter().filter(|f| f.severity == Severity::Error).count();
    out.note(format!("{count} {}, {errors} {}", out.text("Prozesse geprüft", "processes checked"), out.text("Fehler", "errors"))).await;
    Ok(if errors > 0 { code::FINDINGS } else { code::DONE })
}

/// For the tenant of the configuration; without one for what every tenant shares.
async fn prover(at: &Where, all: &mut Vec<Finding>, out: &Out) -> anyhow::Result<(Prover, cases::World)> {
    if at.config.is_none() {
        let note = out.text(
            "Ohne --config sind Freigaben, Zonen, Rechte und Modelle nicht geprüft.",
            "Without --config clearances, zones, rights and models are not checked.",
        );
        out.note(note).await;
        return Ok((Prover::without_tenant(), cases::World::default()));
    }
    let config = configuration(at, out).await?;
    let tenant = tenant_of(&config, at, out)?;
    let own = &config.tenants[&tenant];
    let directory = house::directory_or_silent(own, all);
    all.extend(house::tightenings(own)?);
    all.extend(named_in(at, &config.folder, (&tenant, own), &directory).await?);
    all.extend(house::loosened(&config));
    out.note(format!("{} {}", out.text("Geprüft für die Konfiguration", "Checked for the configuration"), config.digest)).await;
    // what is wrong with its file has been said
    let people = house::case_directory(own, &mut Vec::new());
    let world = cases::World::of(house::approved(own)?.rules.keys(), people.as_ref());
    Ok((Prover::of(&config, own, directory)?, world))
}

/// What the configuration itself names, of the tenant it is checked for.
pub async fn named_in(at: &Where, folder: &Path, own: (&TenantId, &TenantConfig), directory: &Directory) -> anyhow::Result<Vec<Finding>> {
    let Some(file) = &at.config else { return Ok(Vec::new()) };
    Ok(named::in_configuration(&std::fs::read_to_string(file)?, file, folder, own, directory).await)
}

struct Checked {
    prover: Prover,
    out: Out,
    /// What cases may name.
    world: cases::World,
    findings: Vec<Finding>,
    /// By process.
    flows: Vec<(String, Vec<Flow>)>,
    count: usize,
}

impl Checked {
    async fn folder(&mut self, path: &Path) -> anyhow::Result<()> {
        let folder = house::read_folder(path)?;
        let catalogue = Catalogue::load(&folder);
        for (name, text) in folder.candidates() {
            if laufzettel_process::catalogue::declares_process(name, text) {
                self.process(&folder, name, &path.join(name).display().to_string()).await?;
            }
        }
        // what only shows between processes: names and addresses taken twice
        self.findings.extend(catalogue.findings.into_iter().filter(|f| f.code == "LZ119"));
        self.findings.extend(cases::orphans(&folder).into_iter().map(|found| Finding { file: path.join(&found.file).display().to_string(), ..found }));
        Ok(())
    }

    async fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        let (folder_path, name) = folder_of(path, &self.out)?;
        let folder = house::read_folder(&folder_path)?;
        let beside = path.parent().and_then(Path::file_name).is_some_and(|f| SIDE_FOLDERS.iter().any(|side| *side == f));
        if is_candidate(&name) && !beside {
            return self.process(&folder, &name, &path.display().to_string()).await;
        }
        let mut findings = Findings::new(path.display().to_string());
        if name.ends_with(".cases.yaml") {
            let process = cases::process_of(&folder, &name);
            // what is wrong with the process is found where it is checked itself
            let process = read::read(&folder, &process, &mut Findings::new(process.clone())).filter(|_| folder.get(&process).is_some());
            cases::read_checked(&folder, &name, process.as_ref(), &self.world, &mut findings);
            findings.add(cases::orphan(&folder, &name).map(|found| Finding { file: path.display().to_string(), ..found }));
        } else {
            laufzettel_process::table::Table::read(&std::fs::read_to_string(path)?, &mut findings);
        }
        self.findings.extend(findings.into_sorted());
        Ok(())
    }

    /// One process, its cases, and what is proven of it.
    async fn process(&mut self, folder: &Folder, name: &str, shown: &str) -> anyhow::Result<()> {
        self.count += 1;
        let mut findings = Findings::new(name);
        if folder.get(name).is_none() {
            anyhow::bail!("{shown} {}", self.out.text("ist keine Textdatei bis 1 MiB", "is no text file of up to 1 MiB"));
        }
        let process = read::read_whole(folder, name, &mut findings);
        if let Some(process) = &process {
            let sound = !findings.has_errors();
            self.prover.prove(process, &mut findings).await;
            if sound {
                self.flows.push((process.id.to_string(), self.prover.flows(process).await));
            }
        }
        let mut all = findings.into_sorted();
        let file = cases::file_of(name);
        if folder.get(&file).is_some() {
            let mut own = Findings::new(file.clone());
            cases::read_checked(folder, &file, process.as_ref(), &self.world, &mut own);
            all.extend(own.into_sorted());
        }
        let base = shown.strip_suffix(name).unwrap_or_default();
        for finding in &mut all {
            finding.file = format!("{base}{}", finding.file);
        }
        self.findings.extend(all);
        Ok(())
    }
}

/// The table of flows: one row a source and place it enters a sink by.
async fn say_flows(all: &[(String, Vec<Flow>)], out: &Out) -> anyhow::Result<()> {
    for (process, flows) in all {
        if !out.json {
            out.data(format!("{process}\n")).await;
            out.data(out.text(
                "Ziel | freigegeben bis | Stelle | Quelle | Schutzbedarf, Kategorien | Vertrauen | Mensch davor | Weg",
                "Sink | cleared up to | place | source | level, categories | trust | person before | way",
            ))
            .await;
            out.data("--- | --- | --- | --- | --- | --- | --- | ---").await;
        }
        for flow in flows {
            if out.json {
                let mut row = serde_json::to_value(flow)?;
                row["process"] = process.as_str().into();
                out.value(&row).await;
                continue;
            }
            let gate = if flow.gate { out.text("ja", "yes") } else { out.text("nein", "no") };
            let Flow { sink, part, source, label, trust, via, cleared, .. } = flow;
            out.data(format!("{sink} | {cleared} | {part} | {source} | {label} | {trust} | {gate} | {}", via.join(" → "))).await;
        }
    }
    Ok(())
}
