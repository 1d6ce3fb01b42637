//! Once a second, if anything moved: a signed checkpoint into the table, and to the witness where the database's
//! administrator cannot follow.

use std::{
    fs::OpenOptions,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use laufzettel_journal::{Checkpoint, Head, Signer, VerifyKey, open_note};
use laufzettel_store::{LaneHead, Store, failpoint};

/// Signs and witnesses the heads of one tenant's store.
pub struct Anchor {
    tenant: String,
    signer: Signer,
    file: PathBuf,
    /// Bytes of that file that are whole notes.
    length: u64,
    number: u64,
    previous: [u8; 32],
    last: Option<LaneHead>,
    owed: Option<Owed>,
}

/// A signed note on its way: into the table, then to the witness.
struct Owed {
    number: u64,
    note: String,
    in_table: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    #[error("die Ablage der Prüfpunkte (witness) lässt sich nicht beschreiben; ist sie voll, nur lesbar oder nicht eingehängt? {0}")]
    Witness(#[source] std::io::Error),
    #[error("the store does not answer")]
    Store(#[from] laufzettel_store::Error),
    /// Restored from a backup, or tampered with: a person must look.
    #[error("the witness knows checkpoint {witnessed}, the database only {stored}: it is older than its witness")]
    OlderThanWitness { stored: usize, witnessed: usize },
    /// Emptied, replaced, or written elsewhere: a person must look.
    #[error("the witness has only {witnessed} of {stored} checkpoints: notes are missing there")]
    WitnessLost { stored: usize, witnessed: usize },
    #[error("checkpoint {0} of the database differs from the witnessed one")]
    Differs(usize),
    #[error("a stored checkpoint does not open with this key")]
    WrongKey,
}

/// The witness file of a tenant: one JSON string a line, each a signed note.
pub fn witness_file(folder: &Path, tenant: &str) -> PathBuf {
    folder.join(format!("{tenant}.checkpoints.jsonl"))
}

/// Witnessed notes in order. A torn last line (the machine stopped while it was written) counts as not written; one that does
/// not read before the last was not torn by a crash, and stands for a note that opens with no key.
pub fn read_witness(file: &Path) -> Result<Vec<String>, AnchorError> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(AnchorError::Witness(error)),
    };
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let last = lines.iter().rposition(|line| !line.is_empty());
    let mut notes = Vec::new();
    for (n, line) in lines.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
        match serde_json::from_slice::<String>(line) {
            Ok(note) => notes.push(note),
            Err(_) if Some(n) == last => break,
            Err(_) => notes.push(String::from_utf8_lossy(line).into_owned()),
        }
    }
    Ok(notes)
}

/// Whether table and witness know the same notes, but for the one a crash may leave only in the table.
pub(crate) fn compare(stored: &[String], witnessed: &[String]) -> Result<(), AnchorError> {
    if let Some(at) = witnessed.iter().zip(stored).position(|(a, b)| a != b) {
        return Err(AnchorError::Differs(at + 1));
    }
    if witnessed.len() > stored.len() {
        return Err(AnchorError::OlderThanWitness { stored: stored.len(), witnessed: witnessed.len() });
    }
    // a crash leaves the witness one note behind; more is a loss nobody may heal in silence
    if stored.len() > witnessed.len() + 1 {
        return Err(AnchorError::WitnessLost { stored: stored.len(), witnessed: witnessed.len() });
    }
    Ok(())
}

impl Anchor {
    /// Compares table and witness, and brings to the witness what only the table has.
    pub async fn open(store: &Store, tenant: &str, signer: Signer, folder: &Path) -> Result<Self, AnchorError> {
        let file = witness_file(folder, tenant);
        let stored = store.checkpoints().await?;
        let witnessed = read_witness(&file)?;
        compare(&stored, &witnessed)?;
        repair_tail(&file, &witnessed)?;
        let mut length = length_of(&file)?;
        for note in &stored[witnessed.len()..] {
            length = append(&file, length, note)?;
        }
        let keys: [VerifyKey; 1] = [signer.verify_key()];
        let last = stored.last().map(|note| open_note(note, &keys)).transpose().map_err(|_| AnchorError::WrongKey)?;
        let (number, previous) = last.as_ref().map_or((0, [0; 32]), |c| (c.number, c.digest()));
        Ok(Self { tenant: tenant.to_owned(), signer, file, length, number, previous, last: None, owed: None })
    }

    /// One checkpoint, if the head has moved since the last one. A note that failed on its way goes first, and as it was signed: the
    /// witness lacks none in the middle.
    pub async fn tick(&mut self, store: &Store) -> Result<bool, AnchorError> {
        self.bring(store).await?;
        let head = store.head();
        if self.last.as_ref() == Some(&head) {
            return Ok(false);
        }
        let checkpoint = Checkpoint {
            tenant: self.tenant.clone(),
            number: self.number + 1,
            previous: self.previous,
            heads: vec![Head { lane: head.lane, seq: head.seq, hash: head.hash }],
        };
        self.owed = Some(Owed { number: checkpoint.number, note: self.signer.sign(&checkpoint), in_table: false });
        self.number = checkpoint.number;
        self.previous = checkpoint.digest();
        self.last = Some(head);
        self.bring(store).await?;
        Ok(true)
    }

    async fn bring(&mut self, store: &Store) -> Result<(), AnchorError> {
        let Some(owed) = &mut self.owed else { return Ok(()) };
        let stopped = |name| failpoint::pass(name, |said| AnchorError::Witness(std::io::Error::other(said)));
        if !owed.in_table {
            stopped("checkpoint.before_table")?;
            store.put_checkpoint(owed.number, &owed.note).await?;
            owed.in_table = true;
        }
        stopped("checkpoint.before_witness")?;
        self.length = append(&self.file, self.length, &owed.note)?;
        self.owed = None;
        stopped("checkpoint.after_witness")
    }
}

fn length_of(file: &Path) -> Result<u64, AnchorError> {
    match std::fs::metadata(file) {
        Ok(meta) => Ok(meta.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(AnchorError::Witness(error)),
    }
}

/// Appends behind `length` bytes that are whole notes. Of a write that failed part of this very note may stand there already, or all of
/// it; anything else somebody else has written, and is never cut away. Durable when it returns the new length.
fn append(file: &Path, length: u64, note: &str) -> Result<u64, AnchorError> {
    let line = format!("{}\n", serde_json::Value::String(note.to_owned()));
    let write = || {
        let mut out = OpenOptions::new().create(true).read(true).append(true).open(file)?;
        if out.metadata()?.len() < length {
            return Err(std::io::Error::other("notes are missing there"));
        }
        let mut found = Vec::new();
        out.seek(SeekFrom::Start(length))?;
        (&out).take(line.len() as u64 + 1).read_to_end(&mut found)?;
        let rest = line.as_bytes().strip_prefix(found.as_slice()).ok_or_else(|| std::io::Error::other("somebody else writes there"))?;
        let (begin, end) = rest.split_at(rest.len() / 2);
        out.write_all(begin)?;
        failpoint::pass("checkpoint.half_witnessed", std::io::Error::other)?;
        out.write_all(end)?;
        out.sync_all()
    };
    write().map_err(AnchorError::Witness)?;
    Ok(length + line.len() as u64)
}

/// Cuts a torn last line away, or ends one that only lacks its end, so that the next one begins on its own.
fn repair_tail(file: &Path, witnessed: &[String]) -> Result<(), AnchorError> {
    let whole: u64 = witnessed.iter().map(|note| serde_json::Value::String(note.clone()).to_string().len() as u64 + 1).sum();
    match std::fs::metadata(file) {
        Ok(meta) if meta.len() + 1 == whole => {
            let end = || {
                let mut file = OpenOptions::new().append(true).open(file)?;
                file.write_all(b"\n")?;
                file.sync_all()
            };
            end().map_err(AnchorError::Witness)
        }
        Ok(meta) if meta.len() > whole => {
            OpenOptions::new().write(true).open(file).and_then(|f| f.set_len(whole).and_then(|()| f.sync_all())).map_err(AnchorError::Witness)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_torn_end_counts_as_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("w.jsonl");
        for (bytes, expected) in [
            (&b"\"a\"\n\"b\"\n"[..], vec!["a", "b"]),
            (b"\"a\"\n\"b", vec!["a"]),
            // torn in the middle of a letter
            (b"\"a\"\n\"\xe2\x80", vec!["a"]),
            (b"kaputt\n\"b\"\n", vec!["kaputt", "b"]),
            (b"", vec![]),
        ] {
            std::fs::write(&file, bytes).unwrap();
            assert_eq!(read_witness(&file).unwrap(), expected);
        }
        // what is written next begins on its own line, whatever the end looked like
        for bytes in [&b"\"a\"\n"[..], b"\"a\"", b"\"a\"\n\"b"] {
            std::fs::write(&file, bytes).unwrap();
            repair_tail(&file, &read_witness(&file).unwrap()).unwrap();
            append(&file, length_of(&file).unwrap(), "c").unwrap();
            assert_eq!(std::fs::read(&file).unwrap(), b"\"a\"\n\"c\"\n");
        }
        // a write that failed halfway is brought to its end, and one that only was not confirmed is not done twice
        for torn in [&b""[..], b"\"c", b"\"c\"\n"] {
            std::fs::write(&file, [b"\"a\"\n", torn].concat()).unwrap();
            assert_eq!(append(&file, 4, "c").unwrap(), 8);
            assert_eq!(std::fs::read(&file).unwrap(), b"\"a\"\n\"c\"\n");
        }
        // what somebody else wrote is not cut away, and notes that are missing are missed
        for (foreign, length) in [(&b"\"a\"\n\"b\"\n"[..], 4), (b"\"a\"\n\"c\"\n\"d\"\n", 4), (b"\"a\"\n", 8)] {
            std::fs::write(&file, foreign).unwrap();
            assert!(matches!(append(&file, length, "c"), Err(AnchorError::Witness(_))));
            assert_eq!(std::fs::read(&file).unwrap(), foreign);
        }
    }
}
