//! The journal and one of its records, as pages.

use jiff::civil::DateTime;
use serde::Serialize;

use crate::pages::Link;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProtokollPage {
    pub chain: ChainView,
    pub filter: FilterView,
    /// Newest first.
    pub entries: Vec<TrailEntry>,
    /// Records looked at for this page, and when the last of them was written.
    pub examined: u32,
    pub reached: Option<DateTime>,
    /// Link to what is older.
    pub more: Option<String>,
    /// The page is not full, and yet there is more to look through.
    pub searching: bool,
    /// Of a run that is filtered by: who has looked at it.
    pub views: Option<String>,
    /// An export was asked for without a reason.
    pub reason_missing: bool,
    /// Ways in which the journal is carried out, the chosen one first.
    pub formats: Vec<Choice>,
    /// The other reports this person may open.
    pub reports: Vec<Link>,
}

impl ProtokollPage {
    /// Things wrong on the page, for its title.
    pub fn problems(&self) -> usize {
        self.filter.wrong.len() + usize::from(self.reason_missing)
    }
}

/// What is known of the chain without recomputing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainView {
    /// Lane and number of the newest record.
    pub head: String,
    pub checked: Option<Checked>,
    pub anchored: Anchored,
    /// Number and record of the last checkpoint, where it reads.
    pub checkpoint: Option<(u64, String)>,
}

/// The last check that is on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    pub at: DateTime,
    pub text: String,
    pub intact: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchored {
    /// The witness has the last checkpoint.
    Witnessed,
    /// Only the database has it.
    Behind,
    Never,
    Unreadable,
    NoWitness,
}

/// The filter as it was filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FilterView {
    pub run: String,
    pub person: String,
    pub tool: String,
    pub document: String,
    pub kind: String,
    pub from: String,
    pub until: String,
    /// Allowed, denied, all; the chosen one first, as nothing is chosen beforehand.
    pub decisions: Vec<Choice>,
    /// Names of fields that cannot be used as they are: `run`, `from`, `until`.
    pub wrong: Vec<&'static str>,
    /// `until` is a day, but one before `from`.
    pub reversed: bool,
    pub active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    pub value: String,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrailEntry {
    /// `None`: nobody knows any more.
    pub at: Option<DateTime>,
    /// Lane and number.
    pub place: String,
    pub link: String,
    pub text: Vec<Phrase>,
    pub denied: bool,
    /// It had content that was erased.
    pub erased: bool,
    /// It has content; it is not shown here.
    pub content: bool,
    /// The run it belongs to.
    pub run: Option<RunLink>,
    /// Kind, actor and body.
    pub kind: String,
    pub actor: String,
    pub machine: String,
    /// The body is longer than what is shown.
    pub cut: bool,
}

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Phrase {
    pub text: String,
    /// It is the number of a case, or its id where no number is left.
    pub number: bool,
    /// Where that case stands, for whoever may see it.
    pub href: Option<String>,
}

/// A case as people call it, and as the journal does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunLink {
    /// `None`: of a case that is no more.
    pub number: Option<String>,
    pub id: String,
    /// The case itself, for whoever may see it.
    pub page: Option<String>,
    /// Its records.
    pub records: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EintragPage {
    pub entry: TrailEntry,
    pub hash: String,
    /// Number in the run.
    pub run_seq: Option<u64>,
    pub earlier: Option<String>,
    pub later: Option<String>,
}
