//! Which versions of processes are released: a projection of the journal, read when it is opened and kept beside it.
//!
//! A release names the digest of a process with everything it reads. Another text is another digest, and needs its own.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
};

use laufzettel_domain::{Caller, Digest};
use laufzettel_policy::{Action, Decision, permit};
use laufzettel_process::Process;
use laufzettel_store::Error as StoreError;
use serde_json::{Value, json};

use crate::{
    desk::{Desk, WishError},
    tenant::DIRECTORY_SILENT,
};

/// Releases remembered of one process: nobody starts a version that is older than so many.
const RELEASES_MAX: usize = 64;
/// Records fetched at once while reading.
const PAGE: u32 = 1_000;

/// That somebody released a version, or the program did for trying out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    version: String,
    digest: Digest,
    pub trial: bool,
    /// Cases that passed before.
    pub cases: u64,
    pub by: String,
    /// Microseconds.
    pub at: i64,
}

impl Release {
    fn of(body: &Value, digest: Digest, at: i64) -> Self {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let trial = body.get("trial") == Some(&Value::Bool(true));
        Self { version: text("/version"), digest, trial, cases: body.get("cases").and_then(Value::as_u64).unwrap_or(0), by: text("/by/name"), at }
    }
}

/// By process, oldest first.
#[derive(Default)]
pub(crate) struct Releases(Mutex<BTreeMap<String, VecDeque<Release>>>);

impl Releases {
    fn add(&self, process: &str, release: Release) {
        let mut all = self.0.lock().expect("nobody panics while holding this lock");
        let of = all.entry(process.to_owned()).or_default();
        of.retain(|known| known.digest != release.digest || known.trial != release.trial);
        of.push_back(release);
        if of.len() > RELEASES_MAX {
            of.pop_front();
        }
    }

    fn find<T>(&self, process: &str, look: impl Fn(&Release) -> Option<T>) -> Option<T> {
        self.0.lock().expect("nobody panics while holding this lock").get(process)?.iter().rev().find_map(look)
    }
}

/// What is to be released, as it was checked and tried.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Candidate {
    pub process: String,
    pub version: String,
    pub digest: Digest,
    /// Digests of the tables, and of everything else the process reads, by file.
    pub tables: BTreeMap<String, Digest>,
    pub files: BTreeMap<String, Digest>,
    /// Cases that passed.
    pub cases: usize,
}

impl Candidate {
    pub fn of(process: &Process, cases: usize) -> Self {
        let digests = process.files.iter().map(|(name, text)| (name.clone(), Digest::of(text.as_bytes())));
        let (tables, files) = digests.partition(|(name, _)| name.ends_with(".yaml") || name.ends_with(".yml"));
        Self { process: process.id.to_string(), version: process.version.to_string(), digest: process.digest, tables, files, cases }
    }

    fn body(&self, trial: bool) -> Value {
        let mut body = serde_json::to_value(self).unwrap_or(Value::Null);
        if trial {
            body["trial"] = true.into();
        }
        body
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    #[error("denied")]
    Denied(Decision),
    /// The version is taken: give the changed process another.
    #[error("this version is released with the digest {0}")]
    OtherDigest(Digest),
    #[error("not possible now: {0}")]
    Unavailable(String),
}

impl Desk {
    /// Reads every release of the journal: one index range.
    pub async fn read_releases(&self) -> Result<(), StoreError> {
        let mut after = (0, 0);
        loop {
            let records = self.tenant.store.beside("process.released", after, PAGE).await?;
            let Some(last) = records.last() else { return Ok(()) };
            after = (last.lane, last.seq);
            for (body, at) in records.iter().filter_map(|record| Some((record.draft.body()?, record.draft.at))) {
                let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let Some(digest) = Digest::parse(&text("digest")) else { continue };
                self.tenant.memory.releases.add(&text("process"), Release::of(&body, digest, at));
            }
        }
    }

    /// Whether exactly this text of a process was released. A release for trial counts where trial is allowed.
    pub fn is_released(&self, process: &Process) -> bool {
        let trial = !self.tenant.release_required;
        self.tenant.memory.releases.find(process.id.as_str(), |r| (r.digest == process.digest && (trial || !r.trial)).then_some(())).is_some()
    }

    /// The last release of exactly this text; one for trying out only where there is no other.
    pub fn release_of(&self, process: &Process) -> Option<Release> {
        let find = |trial: bool| self.tenant.memory.releases.find(process.id.as_str(), |r| (r.digest == process.digest && r.trial == trial).then(|| r.clone()));
        find(false).or_else(|| find(true))
    }

    /// Why a process may not be started as it is; `None` if it may.
    pub(crate) fn unreleased(&self, process: &Process) -> Option<Decision> {
        if !self.tenant.release_required || self.is_released(process) {
            return None;
        }
        let (id, version) = (&process.id, &process.version);
        Some(Decision::deny(
            "process.release",
            format!("{id} {version} ist so nicht freigegeben (laufzettel release {id}): Der Prozess oder eine seiner Tabellen ist neu oder geändert."),
            format!("{id} {version} is not released as it stands (laufzettel release {id}): the process or one of its tables is new or changed."),
        ))
    }

    /// Puts a release on record. Its checks and cases are the caller's to have passed.
    pub async fn release(&self, release: &Candidate, by: &Caller) -> Result<(), ReleaseError> {
        let decision = match self.who(by).await.map_err(WishError::from) {
            Ok(who) => permit(&who, &Action::ProcessRelease(release.process.clone()), Some(&release.process), &self.tenant.rules),
            Err(WishError::Denied(decision)) => decision,
            Err(_) => return Err(ReleaseError::Unavailable(DIRECTORY_SILENT.to_owned())),
        };
        if !decision.allow {
            self.note("release.denied", by, json!({ "process": release.process, "version": release.version, "decision": decision })).await;
            return Err(ReleaseError::Denied(decision));
        }
        let taken = |r: &Release| (r.version == release.version && r.digest != release.digest && !r.trial).then_some(r.digest);
        if let Some(digest) = self.tenant.memory.releases.find(&release.process, taken) {
            return Err(ReleaseError::OtherDigest(digest));
        }
        let mut body = release.body(false);
        body["decision"] = serde_json::to_value(&decision).unwrap_or(Value::Null);
        self.put_release(release, by, body).await
    }

    /// In a trial the program releases what it finds, and the record says so.
    pub async fn release_for_trial(&self, process: &Process) -> Result<(), ReleaseError> {
        if self.is_released(process) {
            return Ok(());
        }
        let release = Candidate::of(process, 0);
        self.put_release(&release, &Caller::service("engine", laufzettel_domain::Via::Engine), release.body(true)).await
    }

    async fn put_release(&self, release: &Candidate, by: &Caller, body: Value) -> Result<(), ReleaseError> {
        let known = Release { by: by.name.clone(), ..Release::of(&body, release.digest, crate::micros(self.tenant.clock.now())) };
        self.record("process.released", by, body).await.map_err(|e| ReleaseError::Unavailable(e.to_string()))?;
        self.tenant.memory.releases.add(&release.process, known);
        Ok(())
    }
}
