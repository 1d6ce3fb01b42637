//! How lists are cut: `ab` (offset) and `anzahl` in, `mehr` out. It counts nothing, so nothing unread shows in a count.

use crate::Failure;

/// Entries of a page when the caller names no number.
const ANZAHL_DEFAULT: u32 = 20;
/// Entries of a page at most: what a person reads and a model's context takes.
pub const ANZAHL_MAX: u32 = 100;
/// Nobody pages further; a deep offset costs as much as all pages before it.
const AB_MAX: u32 = 10_000;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub ab: usize,
    pub anzahl: usize,
}

impl Page {
    /// From the optional arguments of a list tool.
    pub fn new(ab: Option<u32>, anzahl: Option<u32>) -> Result<Self, Failure> {
        let (ab, anzahl) = (ab.unwrap_or(0), anzahl.unwrap_or(ANZAHL_DEFAULT));
        if ab > AB_MAX {
            return Err(Failure::invalid(format!("„ab“ darf höchstens {AB_MAX} sein.")));
        }
        if !(1..=ANZAHL_MAX).contains(&anzahl) {
            return Err(Failure::invalid(format!("„anzahl“ muss zwischen 1 und {ANZAHL_MAX} liegen.")));
        }
        Ok(Self { ab: ab as usize, anzahl: anzahl as usize })
    }

    /// Cuts the page out of a list in order: the entries and whether more follow. Reads no further than one beyond.
    pub fn cut<T>(self, list: impl IntoIterator<Item = T>) -> (Vec<T>, bool) {
        let mut rest = list.into_iter().skip(self.ab);
        let entries = rest.by_ref().take(self.anzahl).collect();
        (entries, rest.next().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn pages_are_cut_and_bounded() {
        let cut = |ab, anzahl| Page::new(ab, anzahl).map(|page| page.cut(0..25));
        assert_eq!(cut(None, None), Ok(((0..20).collect(), true)));
        assert_eq!(cut(Some(20), None), Ok(((20..25).collect(), false)));
        assert_eq!(cut(Some(24), Some(1)), Ok((vec![24], false)));
        assert_eq!(cut(Some(99), Some(1)), Ok((vec![], false)));
        assert!(cut(None, Some(0)).is_err() && cut(None, Some(101)).is_err() && cut(Some(10_001), None).is_err());
    }
}
