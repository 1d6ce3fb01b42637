//! What was done under which key, so that nothing is done twice and a lost answer can be asked for: one durable note per key, begun,
//! then done with its result or refused. It guesses nothing: of a deed that was begun and not noted as done its tool must find out.
//!
//! ```text
//!            once                            once
//!   (none) ────────▶ begun { tool, args } ────────▶ done { result }     settle: happened, with this result
//!      │                  │   came_of: it happened ────▶ done
//!      │ settle           │ settle, came_of: it did not
//!      ▼                  ▼
//!   refused { attempt } ◀─┘   an attempt up to this one acts no more; without a number none ever does
//! ```

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::{sync::Mutex, task::spawn_blocking};

use crate::{Call, Failure, delegation::hex, edge, place::place};

/// Calls under one key come one after the other. Keys share this many locks: as many calls as a server has under way at once.
const LOCKS: usize = 64;

/// One call that must not happen twice. Its functions run outside of the asynchronous threads and may wait for a disk.
pub trait Deed: Send + 'static {
    /// Everything that can be done beforehand. What it gives is kept in the note, for finding out later whether the deed was done.
    fn prepare(&self) -> Result<Value, Failure>;
    /// The deed itself, after its note is durable; gives its result.
    fn act(&self) -> Result<Value, Failure>;
}

/// A deed that was begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    pub tool: String,
    /// Digest of its arguments.
    pub args: String,
    /// What [`Deed::prepare`] gave.
    pub memo: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    /// The last attempt that acts no more; without it none ever does.
    attempt: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun: Option<Begun>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<Refused>,
}

/// The notes of one server, in a folder of their own.
#[derive(Debug, Clone)]
pub struct Notes {
    folder: PathBuf,
    locks: Arc<[Arc<Mutex<()>>]>,
}

/// The name of a key where a name may hold no slash: its SHA-256.
pub fn name_of(key: &str) -> String {
    hex(&Sha256::digest(key.as_bytes()))
}

impl Notes {
    /// Notes in a folder that is there.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), locks: (0..LOCKS).map(|_| Arc::default()).collect() }
    }

    /// Carries a call out, if it was not yet: once under its key, however often it comes. `came_of` says of a deed that was begun what it
    /// gave, `None` if it did not happen, and a failure if that cannot be found out.
    pub async fn once<D: Deed>(
        &self,
        call: &Call,
        deed: D,
        came_of: impl FnOnce(&Begun) -> Result<Option<Value>, Failure> + Send + 'static,
    ) -> Result<Value, Failure> {
        let (tool, args, attempt) = (call.delegation.tool.clone(), call.delegation.args.clone(), call.delegation.attempt);
        self.under(&call.delegation.key, move |page| page.once((tool, args), attempt, &deed, came_of)).await
    }

    /// What became of a key. `None`: nothing, and nothing will of any attempt up to this one (without a number: of any).
    pub async fn settle(
        &self,
        key: &str,
        attempt: Option<u32>,
        came_of: impl FnOnce(&Begun) -> Result<Option<Value>, Failure> + Send + 'static,
    ) -> Result<Option<Value>, Failure> {
        self.under(key, move |page| page.settle(attempt, came_of)).await
    }

    async fn under<T: Send + 'static>(&self, key: &str, act: impl FnOnce(Page) -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
        let name = name_of(key);
        let lock = usize::from_str_radix(&name[..2], 16).unwrap_or_default() % LOCKS;
        let one_at_a_time = Arc::clone(&self.locks[lock]).lock_owned().await;
        let page = Page { folder: self.folder.clone(), name, key: key.to_owned() };
        let acting = spawn_blocking(move || {
            // held in here: a call that is given up still finishes before the next begins
            let _one_at_a_time = one_at_a_time;
            act(page)
        });
        acting.await.map_err(|_| Failure::unavailable("Der Aufruf ist mittendrin abgebrochen.").in_doubt())?
    }
}

/// Where the note of one key lies.
struct Page {
    folder: PathBuf,
    name: String,
    key: String,
}

impl Page {
    fn read(&self) -> Result<Note, Failure> {
        let unreadable = |error: &(dyn std::error::Error + 'static)| {
            tracing::error!(error, note = self.name, "the note of a key cannot be read");
            Failure::unavailable("Was unter diesem Schlüssel geschehen ist, lässt sich gerade nicht nachlesen.")
        };
        match std::fs::read(self.folder.join(&self.name)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| unreadable(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Note { key: self.key.clone(), begun: None, result: None, refused: None }),
            Err(error) => Err(unreadable(&error)),
        }
    }

    /// Durable when this returns. Whether it is after a failure nobody knows.
    fn write(&self, note: &Note) -> Result<(), Failure> {
        let written =
            serde_json::to_vec(note).map_err(io::Error::from).and_then(|bytes| place(&self.folder, &self.folder, &self.name, &bytes).map_err(io::Error::other));
        written.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, note = self.name, "the note of a key cannot be written");
            Failure::unavailable("Was unter diesem Schlüssel geschieht, lässt sich gerade nicht festhalten.")
        })
    }

    fn once<D: Deed>(
        &self,
        (tool, args): (String, String),
        attempt: Option<u32>,
        deed: &D,
        came_of: impl FnOnce(&Begun) -> Result<Option<Value>, Failure>,
    ) -> Result<Value, Failure> {
        let mut note = self.read()?;
        if note.begun.as_ref().is_some_and(|begun| begun.tool != tool || begun.args != args) {
            return Err(Failure::conflict("Unter diesem Schlüssel wurde schon etwas anderes verlangt."));
        }
        if let Some(value) = self.done(&mut note, came_of)? {
            return Ok(value);
        }
        if note.refused.as_ref().is_some_and(|refused| refused.covers(attempt)) {
            return Err(Failure::conflict("Dieser Aufruf ist nicht geschehen und geschieht nicht mehr: Nach seinem Schlüssel wurde schon gefragt."));
        }
        let memo = deed.prepare()?;
        note.begun = Some(Begun { tool, args, memo });
        self.write(&note)?;
        edge::crash_at("notes.begun");
        let value = deed.act()?;
        edge::crash_at("notes.acted");
        note.result = Some(value.clone());
        self.write(&note).map_err(Failure::in_doubt)?;
        Ok(value)
    }

    fn settle(&self, attempt: Option<u32>, came_of: impl FnOnce(&Begun) -> Result<Option<Value>, Failure>) -> Result<Option<Value>, Failure> {
        let mut note = self.read()?;
        if let Some(value) = self.done(&mut note, came_of)? {
            return Ok(Some(value));
        }
        let refused = Refused::joined(note.refused.as_ref(), attempt);
        if note.refused.as_ref() != Some(&refused) {
            note.refused = Some(refused);
            self.write(&note)?;
        }
        Ok(None)
    }

    /// What the deed gave, if it was done; noted, should the server have died in between.
    fn done(&self, note: &mut Note, came_of: impl FnOnce(&Begun) -> Result<Option<Value>, Failure>) -> Result<Option<Value>, Failure> {
        if note.result.is_some() {
            return Ok(note.result.clone());
        }
        let Some(begun) = &note.begun else { return Ok(None) };
        note.result = came_of(begun)?;
        if note.result.is_some() {
            self.write(note).map_err(Failure::in_doubt)?;
        }
        Ok(note.result.clone())
    }
}

impl Refused {
    /// Who counts no attempts is refused with any of them.
    fn covers(&self, attempt: Option<u32>) -> bool {
        match (self.attempt, attempt) {
            (Some(last), Some(attempt)) => attempt <= last,
            (None, _) | (_, None) => true,
        }
    }

    /// What was refused once stays refused.
    fn joined(before: Option<&Self>, attempt: Option<u32>) -> Self {
        let attempt = match (before, attempt) {
            (Some(Self { attempt: None }), _) | (_, None) => None,
            (Some(Self { attempt: Some(before) }), Some(attempt)) => Some(attempt.max(*before)),
            (None, Some(attempt)) => Some(attempt),
        };
        Self { attempt }
    }
}
