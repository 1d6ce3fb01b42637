//! The reports for the data protection officer, as pages: what is kept of a person, the record of processing, and erasure.

use jiff::civil::DateTime;
use serde::Serialize;

use crate::pages::{Link, Shown};

/// Whom to look for, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AuskunftPage {
    pub fields: Vec<SearchField>,
    /// Another field of a process, by its name.
    pub field: String,
    pub value: String,
    pub reason: String,
    /// `vague`: fewer than two fields; `reason`.
    pub wrong: Vec<&'static str>,
    pub report: Option<ReportView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SearchField {
    pub name: &'static str,
    pub value: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportView {
    pub made: DateTime,
    pub tenant: String,
    pub searched: String,
    pub found: usize,
    /// There are more runs than a report tells.
    pub cut: bool,
    pub runs: Vec<SubjectRunView>,
    /// Where the next page of the report begins.
    pub next: Option<usize>,
    /// Titles of processes in which nobody is found.
    pub unnamed: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubjectRunView {
    pub number: String,
    pub title: String,
    /// Names of the wordings, what they say, and whether that is the author's.
    pub facts: Vec<(&'static str, String, bool)>,
    pub lists: Vec<(&'static str, Vec<String>)>,
    pub contents: Vec<(String, Vec<Shown>)>,
    pub files: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerzeichnisPage {
    pub processes: Vec<Link>,
}

/// One process of the record of processing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerarbeitungPage {
    pub id: String,
    pub title: String,
    pub description: String,
    /// Name, text, and whether the text is the author's.
    pub rows: Vec<(&'static str, String, bool)>,
    /// Title, what happens, and its table.
    pub steps: Vec<(String, String, Option<TableRow>)>,
}

/// A decision table: name and source are the author's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableRow {
    pub name: String,
    pub rows: usize,
    pub source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LoeschenPage {
    pub number: String,
    pub reason: String,
    pub whole: bool,
    /// `number`, `reason`, `open`.
    pub wrong: Vec<&'static str>,
    /// What would go; to be confirmed.
    pub preview: Vec<ErasedRow>,
    /// What has gone.
    pub done: Vec<ErasedRow>,
    /// Records that prove it: place and link.
    pub proof: Vec<Link>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErasedRow {
    pub number: String,
    /// Records that lose their content, and records that keep it.
    pub gone: u64,
    pub kept: u64,
    /// Until when; `None`: for ever is not known.
    pub until: Option<DateTime>,
}
