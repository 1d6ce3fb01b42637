//! What a database restored from a backup has lost: the witness knows heads that are not there. They are accepted as lost where a
//! record that is itself witnessed names them.

use std::collections::BTreeMap;

use crate::Place;

/// Kind of the record beside runs that names the gap: `{ by, from, to, heads: [[lane, seq, hash], …] }`, the last lost head of each lane.
pub const STORE_RESTORED: &str = "store.restored";

/// What one such record says, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Restored {
    pub at: Place,
    pub heads: Vec<(u64, u64, [u8; 32])>,
}

/// What the notes say of one place: hash, and number of the note (0: not witnessed).
type Expected = BTreeMap<Place, Vec<([u8; 32], u64)>>;

/// Takes the heads that are known to be lost out of what is still expected, and names the last of each lane. A head counts only if
/// the witness knows it with just this hash; with it go those before it in its lane. `anchored`: whether a record is witnessed.
pub(crate) fn forgive(expected: &mut Expected, told: &[Restored], anchored: impl Fn(Place) -> bool) -> Vec<Place> {
    let mut lost = Vec::new();
    for restored in told.iter().filter(|restored| anchored(restored.at)) {
        for (lane, seq, hash) in &restored.heads {
            if !expected.get(&(*lane, *seq)).is_some_and(|known| known.iter().any(|(witnessed, number)| witnessed == hash && *number > 0)) {
                continue;
            }
            expected.retain(|(of, at), known| (of, *at > *seq) != (lane, false) || known.iter().any(|(_, number)| *number == 0));
            lost.push((*lane, *seq));
        }
    }
    lost.sort_unstable();
    lost.dedup();
    lost
}
