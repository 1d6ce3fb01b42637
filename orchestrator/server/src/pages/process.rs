//! One process for whoever works with it: what it is for, how it runs, what was found of it, its tests, tables and flows.

use jiff::civil::{Date, DateTime};
use serde::Serialize;

use super::{Link, picture::PictureView};

/// What is the same on all pages about one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProcessHead {
    pub id: String,
    pub title: String,
    pub version: String,
    /// Its pages: overview, flows, tables, text.
    pub pages: Vec<Link>,
    /// Which of them this is.
    pub here: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProzessPage {
    pub head: ProcessHead,
    pub description: String,
    pub responsible: String,
    pub purpose: String,
    pub legal_basis: Vec<String>,
    /// Level and categories of what comes in.
    pub protection: String,
    /// How long its runs and their contents are kept.
    pub keep: (String, String),
    /// A key of the wordings.
    pub automation: &'static str,
    /// Class and reason under the AI act.
    pub ai: Option<(String, String)>,
    pub digest: String,
    pub release: ReleaseView,
    /// What was released last, where it was another text than this.
    pub released_before: Option<Before>,
    /// By what it begins by itself, a sentence each.
    pub ways: Vec<String>,
    /// When the clock begins it next.
    pub next: Vec<DateTime>,
    pub start: Option<String>,
    pub public: Option<String>,
    pub picture: Option<PictureView>,
    pub findings: Vec<FindingRow>,
    /// Findings beyond those shown.
    pub findings_more: usize,
    pub cases: Vec<CaseRow>,
    pub cases_more: usize,
    pub played: Option<PlayedView>,
}

/// A case as it stands beside the process, and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseRow {
    pub name: String,
    /// `None`: it was not played.
    pub passed: Option<bool>,
    /// The first thing that was expected and not found.
    pub why: Option<String>,
}

/// When the cases were played that have a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlayedView {
    pub at: DateTime,
    /// Version of the program that played them.
    pub program: String,
    pub passed: usize,
    pub of: usize,
    /// The version of the process they were played on, where its text has changed since.
    pub of_version: Option<String>,
    /// The cases themselves have changed since.
    pub other_cases: bool,
}

/// Another text of this process that was released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Before {
    pub version: String,
    pub at: DateTime,
    pub by: String,
    pub trial: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReleaseView {
    /// Nobody has released exactly this text with these tables.
    None,
    /// The program released it by itself, for trying out.
    Trial { at: DateTime },
    /// All its cases passed at that time.
    Released { at: DateTime, by: String, cases: u64 },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingRow {
    pub error: bool,
    pub code: String,
    /// Where it stands in a file of the process; the link only for the process's own text.
    pub place: String,
    pub link: Option<String>,
    pub text: String,
}

/// The text as it was read, some lines at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProzessTextPage {
    pub head: ProcessHead,
    pub file: String,
    pub lines: Vec<SourceLine>,
    pub count: usize,
    /// The whole file.
    pub whole: String,
    pub before: Option<String>,
    pub more: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceLine {
    pub n: usize,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProzessFluessePage {
    pub head: ProcessHead,
    pub flows: Vec<FlowRow>,
    pub more: Option<String>,
}

/// One way of a value from its source to a model or a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlowRow {
    pub sink: String,
    pub cleared: String,
    pub part: String,
    pub source: String,
    pub label: String,
    pub trust: String,
    /// A person stands before it.
    pub gate: bool,
    pub via: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProzessTabellenPage {
    pub head: ProcessHead,
    pub tables: Vec<TableView>,
    /// Rows beyond those shown.
    pub rows_more: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableView {
    pub name: String,
    pub file: String,
    /// Where its values come from: a statute, a resolution.
    pub source: String,
    /// The fingerprint of this version.
    pub digest: String,
    /// Titles of the steps that use it.
    pub steps: Vec<String>,
    pub rows: Vec<RuleRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleRow {
    pub key: String,
    pub from: Date,
    pub until: Option<Date>,
    pub when: Option<String>,
    pub result: String,
}
