//! The list of cases and one case with everything that happened in it.

use jiff::civil::DateTime;
use serde::Serialize;

use super::{
    Link,
    calls::{CallView, ItemsView, Leaving, Share, Timeline, Todo},
    live::Live,
    picture::PictureView,
    shown::Shown,
    sieve::Sieve,
    stand::{AddedFile, Withdrawn},
};

/// As the engine's states of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Running,
    Waiting,
    Completed,
    Failed,
    Cancelled,
    Stuck,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VorgaengePage {
    pub sieve: Sieve,
    pub runs: Vec<RunRow>,
    /// Link to the next page of the list.
    pub more: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunRow {
    pub link: String,
    pub number: String,
    /// The process's title.
    pub title: String,
    pub state: RunState,
    /// In the tenant's zone.
    pub started: DateTime,
    /// What it waits for or why it ended so.
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VorgangPage {
    pub number: String,
    pub title: String,
    /// Id of the process.
    pub process: String,
    pub version: String,
    pub state: RunState,
    pub started: DateTime,
    pub ended: Option<DateTime>,
    pub by: String,
    /// Who whoever applied is by her sign-in; `None`: nobody had to sign in.
    pub vouched: Option<super::stand::Vouching>,
    /// The run that called it.
    pub called_by: Option<Called>,
    pub unit: String,
    /// What a person can do about a run that failed, is stuck or in doubt.
    pub message: Option<String>,
    /// The applicant took her application back.
    pub withdrawn: Option<Withdrawn>,
    /// What she handed in without being asked.
    pub added: Vec<AddedFile>,
    /// While it goes on.
    pub live: Option<Live>,
    /// `None`: too large to be laid out.
    pub picture: Option<PictureView>,
    pub steps: Vec<StepView>,
    pub timeline: Timeline,
    pub leaving: Leaving,
    pub shares: Vec<Share>,
    /// Its contents were erased.
    pub gone: Option<Gone>,
    /// Where this person may cancel it.
    pub cancel: Option<Cancel>,
    /// Where all of it is to be read and printed.
    pub dossier: String,
}

/// A case to be read and printed, in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AktePage {
    /// With the steps and the records of this part; without a picture.
    #[serde(flatten)]
    pub case: VorgangPage,
    /// What it began with; in the first part.
    pub input: Vec<Shown>,
    /// Counted from 1.
    pub part: usize,
    /// Every part; none where there is but one.
    pub parts: Vec<Link>,
    /// The page of the case.
    pub back: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Open,
    Active,
    /// For a person's answer.
    Waiting,
    /// For a time.
    Timed,
    /// It waits for something that happens elsewhere.
    Awaiting,
    Completed,
    Skipped,
    Failed,
    /// Nobody knows whether its effect happened.
    Doubt,
    /// A door refused it.
    Parked,
    /// It was under way when the run ended.
    Stopped,
    Undone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    Tool,
    Model,
    Human,
    Rules,
    Set,
    Wait,
    Process,
    Agent,
}

/// A run a step has called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Called {
    pub link: String,
    pub number: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepView {
    pub id: String,
    pub title: String,
    pub kind: StepKind,
    pub state: StepState,
    /// What went in.
    pub input: Vec<Shown>,
    /// What came out.
    pub output: Vec<Shown>,
    /// The rule's row, the person's reason, why it was skipped or failed.
    pub reason: Option<String>,
    /// Who answered.
    pub acted_as: Option<String>,
    pub called: Vec<Called>,
    /// Of models and tools, in order.
    pub calls: Vec<CallView>,
    pub items: Option<ItemsView>,
    /// What a person can do now.
    pub todo: Option<Todo>,
    /// It was asked for.
    pub open: bool,
    /// Where its contents are shown: the page would be too large with all of them.
    pub elsewhere: Option<String>,
}

/// When the contents of a run went, and until when decisions and calculations are kept, if they are. In the tenant's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gone {
    pub at: DateTime,
    pub belege_until: Option<DateTime>,
}

/// A sentence of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub at: DateTime,
    pub text: String,
    /// Name of the step it is about, where that has a title.
    pub step: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cancel {
    pub action: String,
    /// The button was pressed without a reason.
    pub missing: bool,
}
