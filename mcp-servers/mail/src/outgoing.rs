//! Laying a message down: under a name made from the key, whole or not at all, once. A Beleg stays when the message has
//! been carried on, so that a repetition months later still changes nothing.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use laufzettel_mcp_kit::Failure;
use mail_parser::MessageParser;

use crate::letter::{BELEG_HEADER, Letter};

/// Why a message was not laid down.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error("the key was used for something else")]
    Conflict,
    #[error("before the message was there")]
    Before(#[source] io::Error),
    #[error("when the message was there already")]
    After(#[source] io::Error),
}

impl From<Stop> for Failure {
    // The boundary where a broken folder is logged, once.
    fn from(stop: Stop) -> Self {
        let told = match stop {
            Stop::Conflict => {
                return Self::conflict("Unter diesem Schlüssel wurde schon etwas anderes geschrieben.");
            }
            Stop::Before(_) => Self::unavailable("Der Postausgang ist gerade nicht erreichbar."),
            Stop::After(_) => Self::unavailable("Ob die Nachricht im Postausgang liegt, ist nicht bekannt.").in_doubt(),
        };
        tracing::error!(error = &stop as &dyn std::error::Error, "a message could not be laid down");
        told
    }
}

/// Lays a letter into a folder (`out`, `entwuerfe`) below `dir`; calls for one `dir` must come one after the other.
pub(crate) fn lay_down(dir: &Path, folder: &str, letter: &Letter) -> Result<(), Stop> {
    let belege = dir.join("belege");
    match fs::read_to_string(belege.join(&letter.name)) {
        Ok(beleg) if beleg == letter.beleg => return Ok(()),
        Ok(_) => return Err(Stop::Conflict),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Stop::Before(error)),
    }
    let folder = dir.join(folder);
    // Without Beleg but there: the last attempt broke off in between.
    match there(&folder, &letter.name).map_err(Stop::Before)? {
        Some(beleg) if beleg != letter.beleg => return Err(Stop::Conflict),
        Some(_) => {}
        None => place(&folder.join("tmp"), &folder.join("new"), &letter.name, &letter.bytes)?,
    }
    place(&belege, &belege, &letter.name, letter.beleg.as_bytes()).map_err(|stop| match stop {
        Stop::Before(error) => Stop::After(error),
        other => other,
    })
}

/// Makes the folders of a Maildir, for the owner alone.
pub(crate) fn make(folder: &Path, parts: &[&str]) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    parts.iter().try_for_each(|part| builder.create(folder.join(part)))
}

/// The Beleg in a message of that name in `new` or `cur`, if there is one.
fn there(folder: &Path, name: &str) -> io::Result<Option<String>> {
    for part in ["new", "cur"] {
        for entry in fs::read_dir(folder.join(part))? {
            let entry = entry?;
            // A mail program adds `:2,S` when it moves a message to `cur`.
            if entry.file_name().to_str().and_then(|file| file.split(':').next()) == Some(name) {
                return fs::read(entry.path()).map(|bytes| Some(beleg(&bytes)));
            }
        }
    }
    Ok(None)
}

fn beleg(bytes: &[u8]) -> String {
    let message = MessageParser::default().parse_headers(bytes);
    let header = message.as_ref().and_then(|message| message.header_raw(BELEG_HEADER));
    header.map(|header| header.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

fn place(tmp: &Path, to: &Path, name: &str, bytes: &[u8]) -> Result<(), Stop> {
    let draft = tmp.join(format!("{name}.tmp"));
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, to.join(name))
    };
    write().map_err(Stop::Before)?;
    File::open(to).and_then(|folder| folder.sync_all()).map_err(Stop::After)
}
