//! What a page needs to be live. Without JavaScript it is a link that loads it again.

use serde::Serialize;

/// Served as `/static/live.js`; it keeps what is open and where the person is, and says what has changed.
pub const SCRIPT: &str = include_str!("../../pages/live.js");

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Live {
    /// This page, to be loaded again.
    pub page: String,
    /// The stream of events that says when.
    pub follow: String,
    /// The last record the page knows.
    pub seen: u64,
    /// Nothing moves under the reader's hand: new entries are only counted.
    pub counts: bool,
}
