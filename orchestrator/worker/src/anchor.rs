//! Once a second, if anything moved: a signed checkpoint into the table, and to the witness where the database's
//! administrator cannot follow.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
};

use laufzettel_journal::{Checkpoint, Head, Signer, VerifyKey, open_note};
use laufzettel_store::{LaneHead, Store, failpoint};

/// Signs and witnesses the heads of one tenant's store.
pub struct Anchor {
    tenant: String,
    signer: Signer,
    file: PathBuf,
    number: u64,
    previous: [u8; 32],
    last: Option<LaneHead>,
}

#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    #[error("the witness cannot be written: {0}")]
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

/// Witnessed notes in order. A torn last line (the machine stopped while it was written) counts as not written.
pub fn read_witness(file: &Path) -> Result<Vec<String>, AnchorError> {
    let file = match File::open(file) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(AnchorError::Witness(error)),
    };
    let mut notes = Vec::new();
    for line in BufReader::new(file).lines() {
        let line = line.map_err(AnchorError::Witness)?;
        match serde_json::from_str(&line) {
            Ok(note) => notes.push(note),
            Err(_) => break,
        }
    }
    Ok(notes)
}

impl Anchor {
    /// Compares table and witness, and brings to the witness what only the table has.
    pub async fn open(store: &Store, tenant: &str, signer: Signer, folder: &Path) -> Result<Self, AnchorError> {
        let file = witness_file(folder, tenant);
        let stored = store.checkpoints().await?;
        let witnessed = read_witness(&file)?;
        if witnessed.len() > stored.len() {
            return Err(AnchorError::OlderThanWitness { stored: stored.len(), witnessed: witnessed.len() });
        }
        if let Some(at) = witnessed.iter().zip(&stored).position(|(a, b)| a != b) {
            return Err(AnchorError::Differs(at + 1));
        }
        // a crash leaves the witness one note behind; more is a loss nobody may heal in silence
        if stored.len() > witnessed.len() + 1 {
            return Err(AnchorError::WitnessLost { stored: stored.len(), witnessed: witnessed.len() });
        }
        repair_tail(&file, &witnessed)?;
        for note in &stored[witnessed.len()..] {
            append(&file, note)?;
        }
        let keys: [VerifyKey; 1] = [signer.verify_key()];
        let last = stored.last().map(|note| open_note(note, &keys)).transpose().map_err(|_| AnchorError::WrongKey)?;
        let (number, previous) = last.as_ref().map_or((0, [0; 32]), |c| (c.number, c.digest()));
        Ok(Self { tenant: tenant.to_owned(), signer, file, number, previous, last: None })
    }

    /// One checkpoint, if the head has moved since the last one.
    pub async fn tick(&mut self, store: &Store) -> Result<bool, AnchorError> {
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
        let note = self.signer.sign(&checkpoint);
        let stopped = |name| if failpoint::hit(name) { Err(AnchorError::Witness(std::io::Error::other(name))) } else { Ok(()) };
        stopped("checkpoint.before_table")?;
        store.put_checkpoint(checkpoint.number, &note).await?;
        self.number = checkpoint.number;
        self.previous = checkpoint.digest();
        stopped("checkpoint.before_witness")?;
        append(&self.file, &note)?;
        stopped("checkpoint.after_witness")?;
        self.last = Some(head);
        Ok(true)
    }
}

fn append(file: &Path, note: &str) -> Result<(), AnchorError> {
    let line = format!("{}\n", serde_json::Value::String(note.to_owned()));
    let write = || {
        let mut file = OpenOptions::new().create(true).append(true).open(file)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()
    };
    write().map_err(AnchorError::Witness)
}

/// Cuts a torn last line away, so that the next one begins on its own.
fn repair_tail(file: &Path, witnessed: &[String]) -> Result<(), AnchorError> {
    let whole: u64 = witnessed.iter().map(|note| serde_json::Value::String(note.clone()).to_string().len() as u64 + 1).sum();
    match std::fs::metadata(file) {
        Ok(meta) if meta.len() > whole => {
            OpenOptions::new().write(true).open(file).and_then(|f| f.set_len(whole).and_then(|()| f.sync_all())).map_err(AnchorError::Witness)
        }
        _ => Ok(()),
    }
}
