//! What is released where a server starts: in a trial the program does it by itself and plays the cases once everybody is served;
//! in operation it says what is not.

use std::{sync::Arc, time::Duration};

use laufzettel_domain::Findings;
use laufzettel_process::Process;
use laufzettel_worker::{Played, RESULTS_MAX};
use tokio_util::sync::CancellationToken;

use crate::{
    cases::{self, Setting},
    house::{self, House},
    out::Out,
};

/// In a trial everything that is there counts as released; in operation what is not released is named.
pub async fn releases(house: &House, out: &Out) -> anyhow::Result<()> {
    for process in house.desk.tenant.catalogue.processes.values() {
        if !house.desk.tenant.release_required {
            house.desk.release_for_trial(process).await?;
        } else if !house.desk.is_released(process) {
            let words = out.text("ist nicht freigegeben und startet nicht: laufzettel release", "is not released and does not start: laufzettel release");
            out.note(format!("{} {} {words} {}", process.id, process.version, process.id)).await;
        }
    }
    Ok(())
}

/// Seconds between the start and the first case: who opens the first page is not kept waiting, and who only looks in plays none.
const REST_S: u64 = 5;

/// Plays the cases of every process that is tried out, and keeps with its release how they went. What was played already with the
/// same text, the same cases and the same program is not played again.
pub async fn play(house: Arc<House>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        played = play_later(&house) => if let Err(error) = played {
            tracing::error!(tenant = %house.tenant, "the cases were not played: {error:#}");
        }
    }
}

async fn play_later(house: &House) -> anyhow::Result<()> {
    tokio::time::sleep(Duration::from_secs(REST_S)).await;
    play_all(house).await
}

async fn play_all(house: &House) -> anyhow::Result<()> {
    let desk = &house.desk;
    if desk.tenant.release_required {
        return Ok(());
    }
    for (id, cases) in &desk.tenant.catalogue.cases {
        let Some(process) = desk.tenant.catalogue.processes.get(id) else { continue };
        let known = desk.release_of(process).and_then(|release| release.played);
        if known.is_some_and(|known| known.digest == cases.digest && known.program == env!("CARGO_PKG_VERSION")) {
            continue;
        }
        if let Some(played) = play_one(house, process).await? {
            desk.keep_results(process, played).await?;
        }
    }
    Ok(())
}

/// Nothing where the files are no longer those the server has read: at the next start they are.
async fn play_one(house: &House, process: &Process) -> anyhow::Result<Option<Played>> {
    let (config, tenant) = (house.config.clone(), house.tenant.clone());
    let own = config.tenants[&tenant].clone();
    let folder = house::read_folder(&own.processes)?;
    let catalogue = laufzettel_process::Catalogue::load(&folder);
    let (known, id) = (&house.desk.tenant.catalogue, process.id.as_str());
    let (Some(cases), Some(_)) = (catalogue.cases.get(id), catalogue.processes.get(id).filter(|now| now.digest == process.digest)) else { return Ok(None) };
    let Some(directory) = house::case_directory(&own, &mut Vec::new()).filter(|_| known.cases.get(id) == Some(cases)) else { return Ok(None) };
    let file = cases::file_of(&process.file);
    let mut list = cases::read(&folder, &file, &mut Findings::new(file.clone()));
    list.truncate(RESULTS_MAX);
    let base = own.processes.join(&process.file).parent().map(std::path::PathBuf::from).unwrap_or_default();
    let approved = house::approved(&own)?;
    let setting = Setting { config, tenant, own, directory, approved, memory: Arc::default(), process: process.clone(), folder: base, file };
    Ok(Some(cases::played(&cases::play_aside(&setting, list).await, cases.digest)))
}
