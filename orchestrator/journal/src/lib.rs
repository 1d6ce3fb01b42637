//! The record: its bytes, the chain, signed checkpoints, and the verifier that believes none of it.
//!
//! Knows bytes, not the engine: what a kind of record means is told elsewhere. The format is written down in
//! `docs/journal.md`, from which a second verifier can be built without this code.

mod checkpoint;
mod content;
mod members;
mod record;
mod removal;
mod restored;
mod verify;
mod what;

pub use checkpoint::{Checkpoint, Head, NoteError, Signer, VerifyKey, open_note};
pub use content::{mac_of, pack, unpack};
pub use record::{Draft, Record, genesis, seal};
pub use removal::{CONTENT_ERASED, Place, RECORDS_PRUNED, Range};
pub use restored::STORE_RESTORED;
pub use verify::{Break, LANE_CLOSED, LANE_OPENED, Verdict, Verifier, What};
