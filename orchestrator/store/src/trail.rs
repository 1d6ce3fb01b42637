//! Pages of the journal, newest record first: what is asked for, and how far one page looks. Pure; refuses to read everything for
//! one question: a page says where the next one goes on.

use laufzettel_domain::RunId;
use laufzettel_journal::Draft;

/// Where a record stands: lane and number in it.
pub type Place = (u64, u64);

/// Records one page looks at: some milliseconds of a reader.
pub const TRAIL_EXAMINED_MAX: u32 = 2_000;
/// Records on a page at most.
pub const TRAIL_PAGE_MAX: u32 = 200;
/// Records read at once: a page without a filter needs no more.
pub(crate) const CHUNK: u32 = 250;
/// Microseconds a clock may have been set back: how far behind the beginning of a time asked for a page still looks.
pub(crate) const SET_BACK_US: i64 = 3600 * 1_000_000;

/// Kinds that say somebody was kept from something. `schema.sql` has an index over just these, in these words.
pub const DENIALS: [&str; 8] =
    ["access.denied", "effect.refused", "event.denied", "release.denied", "run.denied", "signin.failed", "start.denied", "task.denied"];

/// Which records a page is made of. What has no index of its own is looked for among [`TRAIL_EXAMINED_MAX`] records a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailFilter {
    /// Of this run itself: one range of an index. With a kind beside runs: about this run.
    pub run: Option<RunId>,
    /// Of this kind. Kinds beside runs are ranges of an index.
    pub kind: Option<String>,
    /// Only [`DENIALS`]: a range of an index.
    pub denied: bool,
    /// Microseconds since 1970, both included.
    pub from: Option<i64>,
    pub until: Option<i64>,
    /// Whether `keep` must see what is kept of their contents.
    pub contents: bool,
    /// Only records before this place: the cursor of a page.
    pub before: Option<Place>,
    /// At most [`TRAIL_PAGE_MAX`].
    pub limit: u32,
}

/// A record as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailRow {
    pub lane: u64,
    pub seq: u64,
    /// Without salt; with content only where it was asked for.
    pub draft: Draft,
    /// Whether it has content that is still there.
    pub kept: bool,
}

/// Newest first. A page may be short, even empty, and still have a `next`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailPage {
    pub rows: Vec<TrailRow>,
    /// Where the next page begins (`before`); `None`: there is nothing further.
    pub next: Option<Place>,
    /// Records that were read for it.
    pub examined: u32,
    /// When the last of them was written, in microseconds.
    pub reached: Option<i64>,
}

/// The records the store looks through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Among {
    All,
    Denials,
    Beside(String),
    Run(RunId),
}

impl TrailRow {
    /// Whether it was pruned.
    pub fn is_shrunk(&self) -> bool {
        self.draft == Draft::shrunk()
    }

    /// Whether the body commits to content that is not there any more.
    pub fn lacks_content(&self) -> bool {
        !self.kept && self.draft.body().is_some_and(|body| body.get("mac").is_some())
    }

    pub fn place(&self) -> Place {
        (self.lane, self.seq)
    }
}

impl TrailFilter {
    /// `beside`: whether there are records of the kind beside runs.
    pub(crate) fn among(&self, beside: bool) -> Among {
        match (&self.run, &self.kind) {
            (_, Some(kind)) if beside => Among::Beside(kind.clone()),
            (Some(run), _) => Among::Run(*run),
            _ if self.denied => Among::Denials,
            _ => Among::All,
        }
    }

    fn fits(&self, row: &TrailRow) -> bool {
        self.run.is_none_or(|run| row.draft.run == Some(run) || (self.kind.is_some() && names(row, run)))
            && self.kind.as_ref().is_none_or(|kind| *kind == row.draft.kind)
            && (!self.denied || DENIALS.contains(&row.draft.kind.as_str()))
            && self.from.is_none_or(|from| row.draft.at >= from)
            && self.until.is_none_or(|until| row.draft.at <= until && !row.is_shrunk())
    }

    /// Whether nothing older can be asked for.
    fn is_over(&self, row: &TrailRow) -> bool {
        self.from.is_some_and(|from| !row.is_shrunk() && row.draft.at < from - SET_BACK_US)
    }
}

/// Whether a record beside runs is about a run: a view, a denial, an erasure.
fn names(row: &TrailRow, run: RunId) -> bool {
    row.draft.run.is_none() && row.draft.body().is_some_and(|body| body["run"] == run.to_string())
}

/// A page in the making: takes rows, newest first, until it is full or has looked far enough.
pub(crate) struct Gathering<'f> {
    filter: &'f TrailFilter,
    page: TrailPage,
    over: bool,
}

impl<'f> Gathering<'f> {
    pub fn new(filter: &'f TrailFilter) -> Self {
        Self { filter, page: TrailPage::default(), over: false }
    }

    /// Takes what was read of `wanted` rows. `false`: nothing more is to be read.
    pub fn take(&mut self, rows: Vec<TrailRow>, wanted: u32, keep: &(dyn Fn(&TrailRow) -> bool + Send + Sync)) -> bool {
        let read = rows.len();
        let full = self.filter.limit.clamp(1, TRAIL_PAGE_MAX) as usize;
        for row in rows {
            if self.page.rows.len() == full || self.filter.is_over(&row) {
                self.over = self.page.rows.len() < full;
                return false;
            }
            self.page.examined += 1;
            self.page.next = Some(row.place());
            self.page.reached = Some(row.draft.at).filter(|at| *at > 0).or(self.page.reached);
            if self.filter.fits(&row) && keep(&row) {
                self.page.rows.push(row);
            }
        }
        self.over = read < wanted as usize;
        !self.over && self.page.examined < TRAIL_EXAMINED_MAX
    }

    pub fn next(&self) -> Option<Place> {
        self.page.next
    }

    pub fn done(self) -> TrailPage {
        let next = self.page.next.filter(|_| !self.over);
        TrailPage { next, ..self.page }
    }
}
