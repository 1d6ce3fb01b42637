//! Laying a message down, once under its key: written whole beside its note, then moved into its folder by one rename. Whether that
//! happened shows in what is left beside the note, however soon the mail system carries the message on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use laufzettel_mcp_kit::{
    Begun, Deed, Failure,
    place::{place, sync},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::letter::Letter;

/// A letter on its way into a folder (`out`, `entwuerfe`) below `dir`.
pub(crate) struct Laying {
    pub dir: PathBuf,
    pub folder: &'static str,
    pub letter: Letter,
    /// What the tool answers.
    pub result: Value,
}

/// What a note keeps of a letter: its file beside the note until it is laid down, and what the tool answers then.
#[derive(Serialize, Deserialize)]
struct Memo {
    brief: String,
    result: Value,
}

/// Where notes lie, and letters until they are laid down.
pub(crate) fn notes(dir: &Path) -> PathBuf {
    dir.join("belege")
}

impl Laying {
    fn brief(&self) -> String {
        format!("{}.brief", self.letter.name)
    }
}

impl Deed for Laying {
    fn prepare(&self) -> Result<Value, Failure> {
        let folder = notes(&self.dir);
        place(&folder, &folder, &self.brief(), &self.letter.bytes).map_err(|error| broken(&error, UNREACHABLE))?;
        Ok(json!(Memo { brief: self.brief(), result: self.result.clone() }))
    }

    fn act(&self) -> Result<Value, Failure> {
        let (from, to) = (notes(&self.dir), self.dir.join(self.folder).join("new"));
        fs::rename(from.join(self.brief()), to.join(&self.letter.name)).map_err(|error| broken(&error, UNREACHABLE))?;
        sync(&to).and_then(|()| sync(&from)).map_err(|error| broken(&error, UNSURE).in_doubt())?;
        Ok(self.result.clone())
    }
}

/// A letter that is no longer beside its note has been laid down.
pub(crate) fn came_of(dir: &Path, begun: &Begun) -> Result<Option<Value>, Failure> {
    let memo: Memo = serde_json::from_value(begun.memo.clone()).map_err(|error| broken(&error, UNSURE).in_doubt())?;
    match fs::symlink_metadata(notes(dir).join(&memo.brief)) {
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(memo.result)),
        Err(error) => Err(broken(&error, UNSURE).in_doubt()),
    }
}

const UNREACHABLE: &str = "Der Postausgang ist gerade nicht erreichbar.";
const UNSURE: &str = "Ob die Nachricht im Postausgang liegt, ist nicht bekannt.";

/// The boundary where a broken folder is logged, once.
fn broken(error: &(dyn std::error::Error + 'static), told: &str) -> Failure {
    tracing::error!(error, "a message could not be laid down");
    Failure::unavailable(told)
}

/// Makes the folders of a Maildir, for the owner alone.
pub(crate) fn make(folder: &Path, parts: &[&str]) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    parts.iter().try_for_each(|part| builder.create(folder.join(part)))
}
