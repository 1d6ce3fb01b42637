//! What is known of the chain without recomputing it: its head, the last checkpoint and whether the witness has it, and what the last
//! check found. Refuses to call anything intact: that only `audit verify` can say.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use jiff::Timestamp;
use laufzettel_domain::Value;
use laufzettel_journal::{VerifyKey, open_note};
use laufzettel_store::{Error as StoreError, LaneHead};

use crate::{anchor::witness_file, desk::Desk, trail::VERIFIED};

/// Bytes at the end of the witness in which its last note stands whole: a note names one lane and is far shorter.
const TAIL_BYTES: u64 = 8 * 1024;

/// What the last checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checkpointed {
    /// No witness is configured: nobody else knows anything.
    NoWitness,
    /// None was written yet.
    Never,
    /// It does not open with the witness's key.
    Unreadable,
    Known {
        number: u64,
        lane: u64,
        seq: u64,
        /// Whether the witness's last note is this one.
        witnessed: bool,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    pub head: LaneHead,
    pub checkpoint: Checkpointed,
    /// When it was recomputed last, and the verdict as it was written down.
    pub verified: Option<(Timestamp, Value)>,
}

impl Desk {
    pub async fn chain(&self) -> Result<Chain, StoreError> {
        let store = &self.tenant.store;
        // the head last: what is named was written before it
        let note = store.last_checkpoint().await?;
        let checkpoint = match &self.tenant.witness {
            None => Checkpointed::NoWitness,
            Some(folder) => note.map_or(Checkpointed::Never, |note| checkpoint(folder, self.tenant.id.as_str(), &note)),
        };
        let verified = store.last_beside(VERIFIED).await?;
        let verified = verified.and_then(|record| Some((Timestamp::from_microsecond(record.draft.at).ok()?, record.draft.body()?)));
        Ok(Chain { head: store.head(), checkpoint, verified })
    }
}

fn checkpoint(folder: &Path, tenant: &str, note: &str) -> Checkpointed {
    let key = std::fs::read_to_string(folder.join(format!("{tenant}.vkey"))).ok().and_then(|text| VerifyKey::parse(&text));
    let opened = key.and_then(|key| open_note(note, &[key]).ok());
    match opened.as_ref().and_then(|checkpoint| Some((checkpoint.number, checkpoint.heads.first()?))) {
        None => Checkpointed::Unreadable,
        Some((number, head)) => {
            let witnessed = last_witnessed(&witness_file(folder, tenant)).is_some_and(|last| last == note);
            Checkpointed::Known { number, lane: head.lane, seq: head.seq, witnessed }
        }
    }
}

/// The last whole note of a witness.
fn last_witnessed(file: &Path) -> Option<String> {
    let mut file = File::open(file).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES))).ok()?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut tail).ok()?;
    let lines = tail.split(|byte| *byte == b'\n').rev();
    lines.filter(|line| !line.is_empty()).find_map(|line| serde_json::from_slice(line).ok())
}

#[cfg(test)]
mod tests {
    use laufzettel_journal::{Checkpoint, Head, Signer};

    use super::*;

    #[test]
    fn only_what_the_witness_has_is_witnessed() {
        let folder = tempfile::tempdir().unwrap();
        let signer = Signer::new("t", &[7; 32]);
        let note = |number| {
            let heads = vec![Head { lane: 3, seq: number * 10, hash: [1; 32] }];
            signer.sign(&Checkpoint { tenant: "t".into(), number, previous: [0; 32], heads })
        };
        let line = |note: &str| format!("{}\n", Value::String(note.to_owned()));
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(checkpoint(folder.path(), "t", &note(2)), Checkpointed::Unreadable, "no key, nothing to believe");
        write("t.vkey", signer.verify_key().to_text());
        let known = |witnessed| Checkpointed::Known { number: 2, lane: 3, seq: 20, witnessed };
        for (witness, expected) in [
            (String::new(), known(false)),
            (line(&note(1)), known(false)),
            (line(&note(1)) + &line(&note(2)), known(true)),
            // the end of a line that was torn
            (line(&note(1)) + &line(&note(2)) + "\"half", known(true)),
            (line(&note(1)).repeat(200) + &line(&note(2)), known(true)),
        ] {
            write("t.checkpoints.jsonl", witness);
            assert_eq!(checkpoint(folder.path(), "t", &note(2)), expected);
        }
        assert_eq!(checkpoint(folder.path(), "t", &note(2).replace("laufzettel/v1/t\n2", "laufzettel/v1/t\n9")), Checkpointed::Unreadable);
    }
}
