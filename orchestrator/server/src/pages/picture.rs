//! The picture of a process on a page, and the same in words. Drawn by `laufzettel_process::picture`, which escapes every text.

use serde::Serialize;

/// Bytes of a picture inside a page: some 80 steps. With more the page would weigh over 100 KB; there the words stand alone.
pub const BYTES_MAX: usize = 50_000;

/// Pixels of a picture that is fitted to the page by itself: its words of 13 px are then 10 at least.
pub const FIT_PX_MAX: i32 = 1_500;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PictureView {
    /// Inline SVG; `None`: too large for the page.
    pub svg: Option<String>,
    /// Fitted to the width of a page it can still be read.
    pub fits: bool,
    /// In the order they are carried out.
    pub steps: Vec<PictureStep>,
}

/// A box, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PictureStep {
    /// Where more is said of it.
    pub link: String,
    pub title: String,
    pub word: String,
    pub notes: Vec<String>,
    /// Where it stands.
    pub state: Option<String>,
    /// What comes right after it; empty before the end.
    pub after: Vec<String>,
}
