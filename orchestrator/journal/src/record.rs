//! One row of the journal and the hash that chains it to the one before.

use laufzettel_domain::RunId;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::content;

pub type Hash = [u8; 32];

/// A record before it has a place in a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub run: Option<RunId>,
    pub run_seq: Option<u64>,
    /// Microseconds since 1970-01-01 UTC.
    pub at: i64,
    pub kind: String,
    pub actor: String,
    /// Compact JSON without case content.
    pub body: String,
    pub salt: Option<[u8; 16]>,
    pub content: Option<Vec<u8>>,
}

/// A record as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub lane: u64,
    pub seq: u64,
    pub draft: Draft,
    pub hash: Hash,
}

impl Draft {
    /// Packs content and writes its commitment into the body under `mac`. `body` must be a JSON object.
    pub fn new(kind: &str, actor: &str, at: i64, mut body: Value, content: Option<(&Value, [u8; 16])>) -> Self {
        let mut packed = None;
        let mut kept = None;
        if let Some((value, salt)) = content {
            let bytes = content::pack(value.to_string().as_bytes());
            body["mac"] = Value::String(content::mac_of(&salt, &bytes));
            packed = Some(bytes);
            kept = Some(salt);
        }
        Self { run: None, run_seq: None, at, kind: kind.to_owned(), actor: actor.to_owned(), body: body.to_string(), salt: kept, content: packed }
    }

    #[must_use]
    pub fn of_run(mut self, run: RunId, run_seq: u64) -> Self {
        self.run = Some(run);
        self.run_seq = Some(run_seq);
        self
    }

    /// What is left of a record that was pruned: nothing but its place and its hash.
    pub fn shrunk() -> Self {
        Self { run: None, run_seq: None, at: 0, kind: String::new(), actor: String::new(), body: String::new(), salt: None, content: None }
    }

    pub fn body(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }

    /// The content, if it is still there.
    pub fn content(&self) -> Option<Value> {
        serde_json::from_slice(&content::unpack(self.content.as_deref()?)?).ok()
    }
}

impl Record {
    /// Whether it was pruned. No record that was ever written has an empty kind and an empty body.
    pub fn is_shrunk(&self) -> bool {
        self.draft == Draft::shrunk()
    }

    /// Whether the body commits to content that is not there any more.
    pub fn lacks_content(&self) -> bool {
        self.draft.content.is_none() && self.draft.body().is_some_and(|body| body.get("mac").is_some())
    }
}

/// Whether lane and seq can be those of a record: both count from 1, and fit the column.
pub(crate) fn is_place(lane: u64, seq: u64) -> bool {
    let fits = 1..=i64::MAX.unsigned_abs();
    fits.contains(&lane) && fits.contains(&seq)
}

/// What the first record of a lane is chained to: no lane of another tenant begins like this one.
pub fn genesis(tenant: &str, lane: u64) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"laufzettel/v1/lane");
    column(&mut hash, Some(tenant.as_bytes()));
    column(&mut hash, Some(lane.to_string().as_bytes()));
    hash.finalize().into()
}

/// Puts a draft at its place. `previous` is the hash of the record before it in the lane, or the lane's genesis.
pub fn seal(previous: &Hash, lane: u64, seq: u64, draft: Draft) -> Record {
    let hash = hash_of(previous, lane, seq, &draft);
    Record { lane, seq, draft, hash }
}

/// `SHA-256("laufzettel/v1" ‖ previous ‖ columns)`; integers as decimal text, absent columns as length 2^64−1.
pub(crate) fn hash_of(previous: &Hash, lane: u64, seq: u64, draft: &Draft) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"laufzettel/v1");
    hash.update(previous);
    column(&mut hash, Some(lane.to_string().as_bytes()));
    column(&mut hash, Some(seq.to_string().as_bytes()));
    column(&mut hash, draft.run.map(|run| run.to_string()).as_deref().map(str::as_bytes));
    column(&mut hash, draft.run_seq.map(|n| n.to_string()).as_deref().map(str::as_bytes));
    column(&mut hash, Some(draft.at.to_string().as_bytes()));
    column(&mut hash, Some(draft.kind.as_bytes()));
    column(&mut hash, Some(draft.actor.as_bytes()));
    column(&mut hash, Some(draft.body.as_bytes()));
    hash.finalize().into()
}

fn column(hash: &mut Sha256, bytes: Option<&[u8]>) {
    match bytes {
        None => hash.update(u64::MAX.to_be_bytes()),
        Some(bytes) => {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
    }
}
