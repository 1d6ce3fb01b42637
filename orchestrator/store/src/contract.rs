//! The contract both stores keep.

use laufzettel_domain::RunId;
use laufzettel_journal::Draft;
use serde::{Deserialize, Serialize};

use crate::removal::RetentionRow;

/// Records beside runs looked at in one question: keys and sign-ins of years.
pub(crate) const BESIDE_MAX: u32 = 20_000;

/// One wish to append. All of it becomes durable, or nothing.
#[derive(Debug, Clone, Default)]
pub struct Append {
    /// `None` for records beside runs.
    pub run: Option<RunId>,
    /// The `run_seq` of the last record the writer has seen; 0 for a run that begins.
    pub expected: u64,
    /// Given with intents and outcomes: refused if the store was opened anew since.
    pub epoch: Option<u64>,
    pub drafts: Vec<Draft>,
    pub projection: Option<Projection>,
    /// Names of files the run holds from now on.
    pub files: Vec<String>,
    /// Keys that stand for this run from now on; one that is taken refuses the whole.
    pub receipt: Option<Vec<String>>,
    /// A key for a record beside runs: what was seen before is refused.
    pub seen: Option<String>,
    /// How far a schedule has been dealt with, in microseconds; never set back.
    pub clock: Option<(String, Option<i64>)>,
    /// Where a trigger's next look goes on, or something else it must know then; `None`: forgotten.
    pub cursor: Option<(String, Option<String>)>,
    /// Put into the mailbox with the record that says so: for every place that waits for it now, or, if nobody takes it, for the
    /// first that waits for it later.
    pub post: Option<Message>,
    /// A place has this message; if it is not at hand for that place (any more), the whole is in conflict.
    pub taken: Option<Handed>,
    /// Not for this place: it does not come to it again, and stays for the others.
    pub refused: Option<Handed>,
}

/// A message and the place that is done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    pub mail: i64,
    pub run: RunId,
    pub slot: String,
}

/// A named event for a step that waits for it, or will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub name: String,
    pub key: String,
    /// JSON.
    pub payload: String,
    /// Subject of who sent it.
    pub sender: String,
    /// Processes whose runs it may reach; `None`: any.
    pub processes: Option<Vec<String>>,
    /// Microseconds since 1970.
    pub at: i64,
}

impl Message {
    /// As one column: `,a,b,`, in which `,a,` can be looked for; `*` for any.
    pub(crate) fn reach(&self) -> String {
        self.processes.as_ref().map_or_else(|| "*".to_owned(), |list| format!(",{},", list.join(",")))
    }
}

/// One of them, for a run that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub id: i64,
    /// What of the run waits, as the run itself named it.
    pub slot: String,
    pub message: Message,
}

/// What of a run waits for which event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectRow {
    pub slot: String,
    pub name: String,
    pub key: String,
}

/// Messages under one name and key that somebody may still take: a sender that goes on where nobody takes any is mistaken, and each
/// counts once for every place that waits.
pub(crate) const WAITING_MAX: usize = 1000;

/// Microseconds a message waits for somebody to ask for it: thirty days, as the language promises.
pub(crate) const KEPT_US: i64 = 30 * 24 * 3600 * 1_000_000;

/// What lists show, written in the same transaction as the records it was computed from.
#[derive(Debug, Clone)]
pub struct Projection {
    pub run: RunRow,
    pub tasks: Vec<TaskRow>,
    /// What the records used up: added to what stands there.
    pub usage: Vec<UsageRow>,
    /// All the run waits for now, in place of what stood there; `None` where it never waits for anything.
    pub expects: Option<Vec<ExpectRow>>,
    /// Of a run that has ended: how long it is kept.
    pub retention: Option<RetentionRow>,
    /// Of a run that begins: by which keys its data subject is found.
    pub subjects: Vec<SubjectKey>,
}

/// Stands for one detail of a person, and says nothing to whoever lacks the secret it was made under.
pub type SubjectKey = [u8; 32];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    pub run: RunId,
    pub seq: u64,
    pub nummer: String,
    pub process: String,
    pub version: String,
    pub title: String,
    /// The unit that answers for it.
    pub unit: String,
    pub state: String,
    pub subject: String,
    pub name: String,
    /// Microseconds since 1970.
    pub started_at: i64,
    pub updated_at: i64,
    pub ended_at: Option<i64>,
    /// When it has something to do; 0 = now, `None` = only somebody else can move it.
    pub wake_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRow {
    pub task: String,
    pub run: RunId,
    pub number: u32,
    pub nummer: String,
    pub process: String,
    pub step: String,
    pub title: String,
    /// `human`, `takeover`, `doubt`, `repair`
    pub kind: String,
    pub open: bool,
    pub groups: Vec<String>,
    pub user: Option<String>,
    pub unit: Option<String>,
    /// Subjects who may not take it, whatever else they may.
    #[serde(default, skip_serializing_if = "std::collections::BTreeSet::is_empty")]
    pub except: std::collections::BTreeSet<String>,
    pub due: Option<i64>,
    pub opened_at: i64,
    /// Who has taken it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Claimed>,
}

/// Somebody has a task in hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    pub subject: String,
    pub name: String,
    /// Microseconds since 1970.
    pub at: i64,
    /// When she wants to see it again: the beginning of that day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<i64>,
}

/// Model calls of a civil day of the tenant, by process, model and zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// `2026-11-24`
    pub day: String,
    pub process: String,
    pub model: String,
    pub zone: String,
    pub calls: u64,
    /// Tokens a quota counts: the endpoint's own number, or our upper estimate where it gave none.
    pub charged: u64,
    /// Millionths of a euro, of those calls whose price is known.
    pub cost_micro_eur: u64,
    /// Calls of which nobody knows what they cost.
    pub unpriced: u64,
}

/// Runs of a process since an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedRow {
    pub process: String,
    pub count: u64,
    /// When the first of them began, in microseconds.
    pub oldest: i64,
}

/// Which runs a page is made of.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub state: Option<String>,
    /// Of any of these; empty: of any at all.
    pub processes: Vec<String>,
    pub unit: Option<String>,
    /// The case number people use.
    pub nummer: Option<String>,
    /// Who looks sees only these; `None`: whoever looks sees all.
    pub sight: Option<Sight>,
    /// Only runs that began before this run, in the order of the list: the cursor of a page.
    pub before: Option<RunId>,
    /// At most [`RUNS_PAGE_MAX`].
    pub limit: u32,
}

/// The runs somebody may look at: what she started herself, and what these units answer for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    pub subject: String,
    pub units: Vec<String>,
}

/// Rows on a page: nobody scrolls further.
pub const RUNS_PAGE_MAX: u32 = 500;

/// Newest first. A page may be short, even empty, and still have a `next`: no page looks at more rows than it is worth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunPage {
    pub rows: Vec<RunRow>,
    /// Where the next page begins (`before`); `None`: there is nothing further.
    pub next: Option<RunId>,
    /// Rows that were read for it.
    pub examined: u64,
}

/// Which tasks a page is made of, most urgent deadline first, those without one last.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// Open ones, or those that are open no more.
    pub closed: bool,
    /// Only those of this kind.
    pub kind: Option<String>,
    /// Only those behind this one, in the order of the list.
    pub after: Option<TaskPlace>,
    /// At most [`TASKS_PAGE_MAX`].
    pub limit: u32,
}

/// Rows of tasks read at once.
pub const TASKS_PAGE_MAX: u32 = 1000;

/// Where a task stands in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPlace {
    pub due: Option<i64>,
    pub opened_at: i64,
    pub task: String,
}

impl TaskRow {
    pub fn place(&self) -> TaskPlace {
        TaskPlace { due: self.due, opened_at: self.opened_at, task: self.task.clone() }
    }
}

/// Room on the disk a store lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes the program may still use, and all there are.
    pub free_bytes: u64,
    pub all_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneHead {
    pub lane: u64,
    pub seq: u64,
    pub hash: [u8; 32],
}
