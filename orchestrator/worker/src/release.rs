//! Which versions of processes are released: a projection of the journal, read when it is opened and kept beside it.
//!
//! A release names the digest of a process with everything it reads. Another text is another digest, and needs its own.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
};

use laufzettel_domain::{Caller, Digest, Text};
use laufzettel_policy::{Action, Decision, permit};
use laufzettel_process::Process;
use laufzettel_store::{Error as StoreError, failpoint};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    desk::{Desk, WishError},
    tenant::DIRECTORY_SILENT,
};

/// Releases remembered of one process: nobody starts a version that is older than so many.
const RELEASES_MAX: usize = 64;
/// Records fetched at once while reading.
const PAGE: u32 = 1_000;
/// Results of cases a release keeps: no process of a house has half as many.
pub const RESULTS_MAX: usize = 200;
/// Characters of a case's name and of one difference, and differences of a case: with all of them failed a record stays below 300 KB.
pub const NAME_CHARS_MAX: usize = 200;
const WHY_CHARS_MAX: usize = 300;
const WHY_MAX: usize = 2;

/// How the cases of a process went before it was released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Played {
    /// Version of the program that played them.
    pub program: String,
    /// Of the cases as they were then.
    pub digest: Digest,
    /// At most [`RESULTS_MAX`].
    pub results: Vec<CaseResult>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseResult {
    pub name: String,
    pub passed: bool,
    /// What was expected and not found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<Text>,
}

impl Played {
    /// So much of it as a record takes.
    fn bounded(mut self) -> Self {
        let cut = |text: &str, chars: usize| text.chars().take(chars).collect::<String>();
        self.program = cut(&self.program, NAME_CHARS_MAX);
        self.results.truncate(RESULTS_MAX);
        for result in &mut self.results {
            result.name = cut(&result.name, NAME_CHARS_MAX);
            result.why.truncate(WHY_MAX);
            result.why.iter_mut().for_each(|why| *why = Text::new(cut(&why.de, WHY_CHARS_MAX), cut(&why.en, WHY_CHARS_MAX)));
        }
        self
    }
}

/// That somebody released a version, or the program did for trying out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub version: String,
    digest: Digest,
    pub trial: bool,
    /// Cases that passed before.
    pub cases: u64,
    /// Absent of releases before there were results, and of processes without cases.
    pub played: Option<Played>,
    pub by: String,
    /// Microseconds.
    pub at: i64,
}

impl Release {
    fn of(body: &Value, digest: Digest, at: i64) -> Self {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let trial = body.get("trial") == Some(&Value::Bool(true));
        Self {
            version: text("/version"),
            digest,
            trial,
            cases: body.get("cases").and_then(Value::as_u64).unwrap_or(0),
            played: body.get("played").and_then(|played| Played::deserialize(played).ok()),
            by: text("/by/name"),
            at,
        }
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub process: String,
    pub version: String,
    pub digest: Digest,
    /// Digests of the tables, and of everything else the process reads, by file.
    pub tables: BTreeMap<String, Digest>,
    pub files: BTreeMap<String, Digest>,
    /// Cases that passed.
    pub cases: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub played: Option<Played>,
}

impl Candidate {
    pub fn of(process: &Process, played: Option<Played>) -> Self {
        let digests = process.files.iter().map(|(name, text)| (name.clone(), Digest::of(text.as_bytes())));
        let (tables, files) = digests.partition(|(name, _)| name.ends_with(".yaml") || name.ends_with(".yml"));
        let cases = played.iter().flat_map(|played| &played.results).filter(|result| result.passed).count();
        let played = played.map(Played::bounded);
        Self { process: process.id.to_string(), version: process.version.to_string(), digest: process.digest, tables, files, cases, played }
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

    /// The last release of this process, whatever its text was then.
    pub fn last_release(&self, process: &Process) -> Option<Release> {
        self.tenant.memory.releases.find(process.id.as_str(), |release| Some(release.clone()))
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
        // whoever sends it may be another program
        let release = &Candidate { played: release.played.clone().map(Played::bounded), ..release.clone() };
        let mut body = release.body(false);
        body["decision"] = serde_json::to_value(&decision).unwrap_or(Value::Null);
        self.record("process.released", by, body.clone()).await.map_err(|e| ReleaseError::Unavailable(e.to_string()))?;
        self.remember(release, by, &body);
        Ok(())
    }

    /// In a trial the program releases what it finds, and the record says so.
    pub async fn release_for_trial(&self, process: &Process) -> Result<(), ReleaseError> {
        if self.is_released(process) {
            return Ok(());
        }
        let (release, by) = (Candidate::of(process, None), engine());
        let body = release.body(true);
        self.record("process.released", &by, body.clone()).await.map_err(|e| ReleaseError::Unavailable(e.to_string()))?;
        self.remember(&release, &by, &body);
        Ok(())
    }

    /// In a trial the cases are played once everybody is served: released once more, with how they went.
    pub async fn keep_results(&self, process: &Process, played: Played) -> Result<(), ReleaseError> {
        failpoint::pass("release.before_results", ReleaseError::Unavailable)?;
        let (release, by) = (Candidate::of(process, Some(played)), engine());
        let body = release.body(true);
        self.put_record("process.released", &by, body.clone()).await.map_err(|e| ReleaseError::Unavailable(e.to_string()))?;
        self.remember(&release, &by, &body);
        Ok(())
    }

    fn remember(&self, release: &Candidate, by: &Caller, body: &Value) {
        let known = Release { by: by.name.clone(), ..Release::of(body, release.digest, crate::micros(self.tenant.clock.now())) };
        self.tenant.memory.releases.add(&release.process, known);
    }
}

fn engine() -> Caller {
    Caller::service("engine", laufzettel_domain::Via::Engine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_takes_so_much() {
        let long = "ä".repeat(1_000);
        let result = |n: usize| CaseResult { name: format!("{n} {long}"), passed: false, why: vec![Text::new(long.clone(), long.clone()); 9] };
        let played = Played { program: "1".into(), digest: Digest::of(b"x"), results: (0..999).map(result).collect() }.bounded();
        assert_eq!(played.results.len(), RESULTS_MAX);
        assert_eq!(played.results[7].name, format!("7 {}", "ä".repeat(198)));
        assert_eq!(played.results[7].why, vec![Text::new("ä".repeat(300), "ä".repeat(300)); 2]);
    }

    /// Records of before there were results read as they always did.
    #[test]
    fn a_release_with_results_and_one_without() {
        let digest = Digest::of(b"x");
        let body = json!({ "version": "1.0.0", "cases": 3, "by": { "name": "B. Lang" } });
        let old = Release { version: "1.0.0".into(), digest, trial: false, cases: 3, played: None, by: "B. Lang".into(), at: 7 };
        assert_eq!(Release::of(&body, digest, 7), old);
        let played = Played { program: "1.2.3".into(), digest, results: vec![CaseResult { name: "Ein Hund".into(), passed: true, why: vec![] }] };
        let mut with = body.clone();
        with["played"] = json!({ "program": "1.2.3", "digest": digest, "results": [{ "name": "Ein Hund", "passed": true }] });
        assert_eq!(Release::of(&with, digest, 7), Release { played: Some(played), ..old.clone() });
        with["played"] = json!("unleserlich");
        assert_eq!(Release::of(&with, digest, 7), old, "what does not read is no result");
    }
}
