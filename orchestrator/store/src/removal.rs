//! What a store is told to remove for good, and when things of a run are due to go. Refuses to know what a record means: which
//! records lose their content is the caller's to say, that they are records of an ended run is the store's to see to.

use std::collections::BTreeSet;

use laufzettel_domain::RunId;
use laufzettel_journal::{Draft, Range};

/// Microseconds a file waits for a run to take it: whoever fills a form in has a day for it.
pub(crate) const ARRIVED_US: i64 = 24 * 3600 * 1_000_000;

/// Contents that go, with the record beside runs that names them.
#[derive(Debug, Clone)]
pub struct Erasure {
    /// `None`: contents of records beside runs.
    pub run: Option<RunId>,
    /// Records that have content, all of them.
    pub ranges: Vec<Range>,
    /// Files of the run that stay, as something that stays names them.
    pub files: BTreeSet<String>,
    /// Nothing with content is left of the run.
    pub whole: bool,
    pub draft: Draft,
}

/// A run of which only hashes stay.
#[derive(Debug, Clone)]
pub struct Pruning {
    pub run: RunId,
    /// All its records.
    pub ranges: Vec<Range>,
    pub draft: Draft,
}

#[derive(Debug, Clone)]
pub enum Removal {
    Contents(Erasure),
    Records(Pruning),
}

impl Removal {
    pub fn run(&self) -> Option<RunId> {
        match self {
            Self::Contents(erasure) => erasure.run,
            Self::Records(pruning) => Some(pruning.run),
        }
    }

    pub fn ranges(&self) -> &[Range] {
        match self {
            Self::Contents(erasure) => &erasure.ranges,
            Self::Records(pruning) => &pruning.ranges,
        }
    }

    pub fn draft(&self) -> &Draft {
        match self {
            Self::Contents(erasure) => &erasure.draft,
            Self::Records(pruning) => &pruning.draft,
        }
    }

    /// How many records it names.
    pub fn count(&self) -> u64 {
        self.ranges().iter().map(Range::count).sum()
    }
}

/// Why nothing was removed, by what the caller does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemovalError {
    /// Not before it has ended.
    #[error("the run has not ended")]
    Open,
    /// Look again: what was named is not there, or not all of it.
    #[error("the records are other ones by now")]
    Stale,
    /// Try again later: nothing was removed, or nobody knows.
    #[error("the store does not take it: {0}")]
    Unavailable(String),
}

/// How long an ended run is kept, and what has gone of it. Microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRow {
    pub run: RunId,
    /// The run that called it: nothing of it goes before that one has ended.
    pub parent: Option<RunId>,
    pub contents_until: i64,
    pub records_until: i64,
    pub erased_at: Option<i64>,
    /// Whether nothing was left, no *Beleg* either.
    pub whole: bool,
}
