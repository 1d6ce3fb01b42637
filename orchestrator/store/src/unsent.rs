//! Applications somebody has begun and not sent: sealed, counted, and gone after their time. Refuses to know what is in one.

use laufzettel_domain::Digest;

/// An application that is not sent yet. Without its code nobody can read it, the store neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsentRow {
    /// Made of its code, which it does not tell.
    pub id: String,
    /// The form it belongs to.
    pub form: String,
    /// It is there until then (microseconds).
    pub until: i64,
    pub sealed: Vec<u8>,
}

/// Applications begun and not sent, of one form: more than its busiest month brings, so that a program that begins them in heaps finds
/// an end.
pub const UNSENT_MAX: i64 = 2_000;
/// Bytes of all of them, of one form (512 MiB): a hundred with papers, thousands without, and room on a small disk.
pub const UNSENT_BYTES_MAX: i64 = 512 * 1024 * 1024;

/// What is to be done with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsent {
    /// In place of what stood under its id.
    Put {
        row: UnsentRow,
        over: Over,
    },
    Drop {
        id: String,
        over: Over,
    },
}

/// What may stand there for it. Where nothing stands, nothing is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Anything,
    /// What was seen before: the digest of its envelope.
    Seen(Digest),
}

impl Over {
    pub(crate) fn fits(self, sealed: &[u8]) -> bool {
        match self {
            Self::Anything => true,
            Self::Seen(digest) => Digest::of(sealed) == digest,
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsentChange {
    Done,
    /// There are too many of its form.
    Full,
    /// Something else stands there by now, and still does.
    Moved,
}

/// Whether one more of so many bytes has room beside the others.
pub(crate) fn has_room(others: i64, bytes: i64, more: usize) -> bool {
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    others < UNSENT_MAX && bytes.saturating_add(more) <= UNSENT_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_room_for_so_many_and_no_more() {
        for (others, bytes, more, expected) in [
            (0, 0, 1, true),
            (UNSENT_MAX - 1, 0, 1, true),
            (UNSENT_MAX, 0, 1, false),
            (1, UNSENT_BYTES_MAX - 1, 1, true),
            (1, UNSENT_BYTES_MAX, 1, false),
            (1, i64::MAX, usize::MAX, false),
        ] {
            assert_eq!(has_room(others, bytes, more), expected, "{others} {bytes} {more}");
        }
    }
}
