//! Everything one tenant runs on. No function here takes a tenant's name beside it: there is nothing else to reach.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex},
};

use laufzettel_directory::{Directory, Error as DirectoryError};
use laufzettel_domain::{Caller, Clock, Digest, EffectKey, Findings, RunId, TenantId};
use laufzettel_engine::Context;
use laufzettel_policy::{Decision, Rules, ToolRule, Who, Zone};
use laufzettel_process::{Catalogue, Folder, Process, Tools, Types, read};
use laufzettel_store::Store;
use serde_json::json;

use crate::{
    arrivals::Places,
    door::Doors,
    edge::Random,
    quota::{Counting, Quotas},
    release::Releases,
    subjects::SubjectSecret,
};

pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    pub store: Store,
    pub catalogue: Catalogue,
    pub directory: Directory,
    pub rules: Rules,
    /// By `server/tool`.
    pub tools: BTreeMap<String, ToolRule>,
    /// Pinned schemas by `server/tool`.
    pub types: Tools,
    pub zones: BTreeMap<String, Zone>,
    pub quotas: Quotas,
    /// Only released processes start: in operation. In a trial anything does.
    pub release_required: bool,
    pub own_domains: Vec<String>,
    /// Groups that stand for a unit.
    pub units: BTreeMap<String, Vec<String>>,
    pub zeitzone: String,
    /// Where citizens' status pages are reached.
    pub public_url: String,
    pub doors: Box<dyn Doors>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// Where the operator lets triggers look.
    pub places: Places,
    /// Under which data subjects are indexed.
    pub subjects: SubjectSecret,
    /// The folder of the witness, where erasures are told before they happen.
    pub witness: Option<std::path::PathBuf>,
    pub memory: Memory,
}

/// What this process remembers: never anything the journal does not know.
#[derive(Default)]
pub struct Memory {
    /// Processes read so far, by digest.
    pub(crate) prepared: Arc<Mutex<HashMap<Digest, Arc<Prepared>>>>,
    /// Effects this process has intended and not yet begun. Any other due effect may have been begun by somebody who died.
    pub(crate) intended: Mutex<HashSet<EffectKey>>,
    pub(crate) last_number: Mutex<Option<(i16, u64)>>,
    pub(crate) moved: tokio::sync::Notify,
    /// Runs somebody in this process is driving: one driver a run, or an effect could be taken for somebody's who died.
    pub(crate) driven: Mutex<HashSet<RunId>>,
    pub(crate) released: tokio::sync::Notify,
    pub(crate) counting: Counting,
    pub(crate) releases: Releases,
    pub(crate) keys: Mutex<Option<Arc<crate::keys::Ring>>>,
    pub(crate) deputies: Mutex<Option<Arc<crate::deputies::Known>>>,
    /// One at a time tells the witness of an erasure.
    pub(crate) erasing: tokio::sync::Mutex<()>,
}

impl Memory {
    /// As new, but what is read already is not read again. For tenants with the same tools.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { prepared: self.prepared.clone(), ..Self::default() }
    }
}

/// The right to drive one run; ends when dropped.
pub(crate) struct Driving {
    tenant: Arc<Tenant>,
    run: RunId,
}

impl Driving {
    /// `None` while somebody else in this process drives it.
    pub fn try_claim(tenant: &Arc<Tenant>, run: RunId) -> Option<Self> {
        let mut driven = tenant.memory.driven.lock().expect("nobody panics while holding this lock");
        driven.insert(run).then(|| Self { tenant: tenant.clone(), run })
    }

    pub async fn claim(tenant: &Arc<Tenant>, run: RunId) -> Self {
        loop {
            let released = tenant.memory.released.notified();
            let mut released = std::pin::pin!(released);
            // listening before looking, so that a release in between is not missed
            released.as_mut().enable();
            if let Some(driving) = Self::try_claim(tenant, run) {
                return driving;
            }
            released.await;
        }
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        self.tenant.memory.driven.lock().expect("nobody panics while holding this lock").remove(&self.run);
        self.tenant.memory.released.notify_waiters();
    }
}

/// Why nobody can be asked about rights at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nobody {
    /// The directory does not answer: ask again later. Never a no.
    Unavailable,
    /// The account is no longer valid.
    Denied(Decision),
}

/// What people are told while the directory does not answer.
pub(crate) const DIRECTORY_SILENT: &str = "Das Verzeichnis ist gerade nicht erreichbar. Bitte später noch einmal.";

/// A process ready to decide with.
pub struct Prepared {
    pub process: Process,
    pub context: Context,
}

/// Processes kept ready at most: more versions than this are not in use at once.
const PREPARED_MAX: usize = 256;

impl Tenant {
    /// Where the tenant's days begin. The configuration was read with a zone that exists.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.zeitzone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// The current version of a process.
    pub fn current(&self, id: &str) -> Option<Arc<Prepared>> {
        let process = self.catalogue.processes.get(id)?;
        Some(self.prepare(process))
    }

    pub(crate) fn prepare(&self, process: &Process) -> Arc<Prepared> {
        let mut known = self.memory.prepared.lock().expect("nobody panics while holding this lock");
        if let Some(found) = known.get(&process.digest) {
            return found.clone();
        }
        if known.len() >= PREPARED_MAX {
            known.clear();
        }
        let context = Context {
            types: Types::of(process, &self.types),
            tools: self.tools.clone(),
            own_domains: self.own_domains.clone(),
            zeitzone: self.zeitzone.clone(),
        };
        let prepared = Arc::new(Prepared { process: process.clone(), context });
        known.insert(process.digest, prepared.clone());
        prepared
    }

    /// The version a run started with: from the catalogue, else as it was kept in the store.
    pub async fn version(&self, id: &str, digest: Digest) -> Result<Option<Arc<Prepared>>, laufzettel_store::Error> {
        if let Some(process) = self.catalogue.processes.get(id).filter(|p| p.digest == digest) {
            return Ok(Some(self.prepare(process)));
        }
        if let Some(found) = self.memory.prepared.lock().expect("nobody panics while holding this lock").get(&digest) {
            return Ok(Some(found.clone()));
        }
        let Some(bytes) = self.store.bytes(&bundle_name(digest)).await? else { return Ok(None) };
        Ok(unbundle(&bytes).filter(|process| process.digest == digest).map(|process| self.prepare(&process)))
    }

    /// Keeps a process's text with everything it reads, so that its runs can go on when the file has changed.
    pub async fn keep(&self, process: &Process) -> Result<(), laufzettel_store::Error> {
        for child in process.children.values() {
            Box::pin(self.keep(child)).await?;
        }
        let bundle = json!({ "file": process.file, "text": process.text, "files": process.files });
        self.store.put_bytes(&bundle_name(process.digest), bundle.to_string().as_bytes(), crate::micros(self.clock.now())).await
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// The caller with the groups of this moment.
    pub async fn who(&self, caller: &Caller) -> Result<Who, Nobody> {
        let groups = caller.service_name().and_then(|name| self.rules.services.get(name)).map(|s| s.groups.clone()).unwrap_or_default();
        self.directory.resolve(caller, &groups, self.clock.now()).await.map_err(|error| match error {
            DirectoryError::Unavailable => Nobody::Unavailable,
            DirectoryError::Disabled | DirectoryError::Unknown | DirectoryError::Credentials => Nobody::Denied(Decision::deny(
                "directory",
                format!("Das Konto von {} ist nicht mehr gültig.", caller.name),
                format!("The account of {} is no longer valid.", caller.name),
            )),
        })
    }

    /// The groups that stand for a unit: the configuration's, else the directory's.
    pub async fn unit_groups(&self, unit: &str) -> Vec<String> {
        match self.units.get(unit) {
            Some(groups) => groups.clone(),
            None => self.directory.units().await.remove(unit).unwrap_or_default(),
        }
    }
}

pub(crate) const BUNDLE: &str = "bundle:";

pub(crate) fn bundle_name(digest: Digest) -> String {
    format!("{BUNDLE}{digest}")
}

/// A process as it is kept.
#[derive(serde::Deserialize)]
struct Bundle {
    file: String,
    text: String,
    files: BTreeMap<String, String>,
}

/// What a kept process is called by what is in it, whether or not today's program still reads it. `None`: it is no process.
pub(crate) fn named_by_bytes(bytes: &[u8]) -> Option<String> {
    let bundle: Bundle = serde_json::from_slice(bytes).ok()?;
    Some(bundle_name(read::digest_of(&bundle.text, &bundle.files)))
}

pub(crate) fn unbundle(bytes: &[u8]) -> Option<Process> {
    let bundle: Bundle = serde_json::from_slice(bytes).ok()?;
    let mut files = bundle.files;
    files.insert(bundle.file.clone(), bundle.text);
    read::read(&Folder { files }, &bundle.file, &mut Findings::of_kept(bundle.file.clone()))
}
