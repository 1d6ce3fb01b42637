//! A file is there whole or not at all, and stays there when the power fails.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Why a file is not surely there.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("before it was there")]
    Before(#[source] io::Error),
    #[error("when it was there already")]
    After(#[source] io::Error),
}

/// Writes `to/name`, for the owner alone. `tmp` lies on the same file system; two writers of one name come one after the other.
pub fn place(tmp: &Path, to: &Path, name: &str, bytes: &[u8]) -> Result<(), Broken> {
    let draft = tmp.join(format!("{name}.tmp"));
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, to.join(name))
    };
    write().map_err(Broken::Before)?;
    sync(to).map_err(Broken::After)
}

/// What was renamed into or out of a folder stays so.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
