//! A commit nobody answered for is read back: the reply was lost, or nothing was written. Refuses to guess from what looks alike:
//! another node may have written the same words. Only the salt of a record says whose it is.

use laufzettel_domain::RunId;
use laufzettel_store::{Append, Store};

/// A record by which its writer knows it again.
pub(crate) struct Mark {
    run: RunId,
    run_seq: u64,
    salt: [u8; 16],
}

/// Any salted record of what is written as one: where it is, all of it is.
pub(crate) fn mark(appends: &[Append]) -> Option<Mark> {
    appends.iter().find_map(|append| {
        let run = append.run?;
        let (run_seq, salt) = (append.expected + 1..).zip(&append.drafts).find_map(|(n, draft)| Some((n, draft.salt?)))?;
        Some(Mark { run, run_seq, salt })
    })
}

/// Whether what was marked is in the journal. What cannot be read is not.
pub(crate) async fn is_written(store: &Store, mark: &Mark) -> bool {
    let Ok(history) = store.history(mark.run).await else { return false };
    history.iter().any(|record| record.draft.run_seq == Some(mark.run_seq) && record.draft.salt == Some(mark.salt))
}
