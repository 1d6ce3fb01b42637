//! Files of a folder below one the operator opened. Every step of the way is opened from the one before without following links, and so is
//! each file: whoever may lay files there can point nowhere else. Only plain files are seen.

use std::{
    ffi::{CStr, CString},
    fs::File,
    io::{self, Read as _, Write as _},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use laufzettel_domain::{Digest, Text, digest::to_hex};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, mkdirat, openat, renameat, statat},
    io::Errno,
};

/// Files of a folder that are seen in one look: more than this waits until those are put away.
const FOUND_MAX: usize = 10_000;
/// Bytes of a file's name, as every file system takes them.
const NAME_BYTES_MAX: usize = 255;
/// Bytes of a file that is too large which are read all the same: the head of a message says whose it is.
const HEAD_BYTES: u64 = 64 * 1024;
/// What says beside a file why it was not taken.
const REPORT: &str = ".fehler.txt";
/// Endings of files that are still being written, as those who copy them use to name them.
const UNFINISHED: [&str; 3] = [".tmp", ".part", ".filepart"];

/// How a file looked: whoever writes to it changes this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    inode: u64,
    pub size: u64,
    /// Seconds since 1970, and the nanoseconds.
    pub modified: (i64, u64),
}

/// A file that lies there.
#[derive(Debug, Clone)]
pub struct Found {
    /// As the system names it.
    pub raw: CString,
    /// Readable, whatever bytes it is.
    pub name: String,
    pub mark: Mark,
    /// When the system last touched its entry, in seconds since 1970: no sender can set this.
    pub changed: i64,
}

/// What reading a file gave.
pub enum Bytes {
    All(Vec<u8>),
    /// Its first bytes.
    TooLarge(Vec<u8>),
    /// Somebody is writing to it, or it is gone.
    Moving,
}

/// The folders of a trigger, open.
pub struct Place {
    inbox: OwnedFd,
    done: OwnedFd,
    failed: OwnedFd,
}

/// Where a file is put away.
#[derive(Debug, Clone, Copy)]
pub enum Shelf {
    Done,
    Failed,
}

impl Place {
    /// `path` must be there; where files are put away is made.
    pub fn open(root: &Path, paths: &laufzettel_process::arrival::FolderPaths) -> io::Result<Self> {
        let root = rustix::fs::open(root, FOLDER, Mode::empty())?;
        Ok(Self { inbox: beneath(&root, &paths.path, false)?, done: beneath(&root, &paths.done, true)?, failed: beneath(&root, &paths.failed, true)? })
    }

    /// Files that are not empty, not hidden and not named as unfinished; the oldest first.
    pub fn list(&self) -> io::Result<Vec<Found>> {
        list(&self.inbox, |name| !UNFINISHED.iter().any(|ending| name.to_lowercase().ends_with(ending)))
    }

    /// All of a file, if it is still as it was found. `max`: bytes.
    pub fn read(&self, found: &Found, max: u64) -> io::Result<Bytes> {
        read(&self.inbox, found, max)
    }

    /// Puts a file away under its own name, or where another lies under it, under one that its digest makes its own. `report`: what is
    /// said beside it, there before the file is.
    pub fn put_away(&self, found: &Found, shelf: Shelf, digest: &Digest, report: Option<&str>) -> io::Result<()> {
        let to = match shelf {
            Shelf::Done => &self.done,
            Shelf::Failed => &self.failed,
        };
        let name = free_name(to, &found.name, digest)?;
        if let Some(text) = report {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut file = File::from(openat(to, report_name(&name, digest), flags, Mode::from_raw_mode(0o660))?);
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
        match renameat(&self.inbox, &found.raw, to, &name) {
            // somebody took it away meanwhile
            Err(Errno::NOENT) => return Ok(()),
            moved => moved?,
        }
        // another one was laid down under its name since it was read: that one is still to be taken
        if mark(&statat(to, &name, AtFlags::SYMLINK_NOFOLLOW)?) != found.mark {
            renameat(to, &name, &self.inbox, &found.raw)?;
        }
        Ok(())
    }
}

/// Plain files of a folder that are not empty and not hidden; the oldest first.
pub fn list(folder: &OwnedFd, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(folder)? {
        found.extend(find(folder, entry?.file_name(), &wanted)?);
        if found.len() == FOUND_MAX {
            break;
        }
    }
    found.sort_by(|a, b| (a.mark.modified, &a.raw).cmp(&(b.mark.modified, &b.raw)));
    Ok(found)
}

fn find(folder: &OwnedFd, raw: &CStr, wanted: &impl Fn(&str) -> bool) -> io::Result<Option<Found>> {
    let name = raw.to_string_lossy().into_owned();
    if name.starts_with('.') || !wanted(&name) {
        return Ok(None);
    }
    let stat = match statat(folder, raw, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        stat => stat?,
    };
    let plain = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    Ok((plain && stat.st_size > 0).then(|| Found { raw: raw.to_owned(), name, mark: mark(&stat), changed: stat.st_ctime }))
}

/// All of a file, if it is still as it was found. `max`: bytes.
pub fn read(folder: &OwnedFd, found: &Found, max: u64) -> io::Result<Bytes> {
    // not blocking: what was a file a moment ago may be a pipe now
    let fd = match openat(folder, &found.raw, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
        Err(Errno::NOENT | Errno::LOOP) => return Ok(Bytes::Moving),
        fd => fd?,
    };
    let stat = fstat(&fd)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || mark(&stat) != found.mark {
        return Ok(Bytes::Moving);
    }
    let (mut bytes, mut file, large) = (Vec::new(), File::from(fd), found.mark.size > max);
    (&mut file).take(if large { HEAD_BYTES } else { max + 1 }).read_to_end(&mut bytes)?;
    if large {
        return Ok(Bytes::TooLarge(bytes));
    }
    let whole = bytes.len() as u64 == found.mark.size && mark(&fstat(&file)?) == found.mark;
    Ok(if whole { Bytes::All(bytes) } else { Bytes::Moving })
}

pub const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Step by step, so that no link leads out.
pub fn beneath(root: &OwnedFd, path: &str, make: bool) -> io::Result<OwnedFd> {
    let mut folder = root.try_clone()?;
    for part in path.split('/') {
        let opened = openat(&folder, part, FOLDER | OFlags::NOFOLLOW, Mode::empty());
        folder = match opened {
            Err(Errno::NOENT) if make => {
                mkdirat(&folder, part, Mode::from_raw_mode(0o770))?;
                openat(&folder, part, FOLDER | OFlags::NOFOLLOW, Mode::empty())?
            }
            opened => opened?,
        };
    }
    Ok(folder)
}

fn mark(stat: &rustix::fs::Stat) -> Mark {
    Mark { inode: stat.st_ino, size: u64::try_from(stat.st_size).unwrap_or(u64::MAX), modified: (stat.st_mtime, stat.st_mtime_nsec) }
}

/// Only we put files there: what is free now is free a moment later.
fn free_name(to: impl AsFd, name: &str, digest: &Digest) -> io::Result<String> {
    let own = cut(name, "", "");
    match statat(to, &own, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(own),
        stat => stat?,
    };
    let (stem, ending) = name.rfind('.').filter(|at| *at > 0).map_or((name, ""), |at| name.split_at(at));
    Ok(cut(stem, &format!(".{}", &to_hex(&digest.0)[..8]), ending))
}

/// `NAME.fehler.txt`; of a name without room for that, one of its own all the same.
fn report_name(name: &str, digest: &Digest) -> String {
    if name.len() + REPORT.len() <= NAME_BYTES_MAX {
        return format!("{name}{REPORT}");
    }
    cut(name, &format!(".{}", &to_hex(&digest.0)[..8]), REPORT)
}

/// A name that fits with what is added to it. Bytes that are no text read as longer ones.
fn cut(stem: &str, middle: &str, ending: &str) -> String {
    let ending = &ending[..ending.floor_char_boundary(NAME_BYTES_MAX / 2)];
    let room = NAME_BYTES_MAX - middle.len() - ending.len();
    format!("{}{middle}{ending}", &stem[..stem.floor_char_boundary(room)])
}

const LOOP: i32 = Errno::LOOP.raw_os_error();

/// What an author and an operator read of an error of the system: its kind, never a path of the machine.
pub fn unreachable(error: &io::Error) -> Text {
    let (de, en) = match error.kind() {
        io::ErrorKind::NotFound => ("Der Ordner ist nicht da.", "The folder is not there."),
        io::ErrorKind::PermissionDenied => {
            ("Auf den Ordner oder etwas darin darf Laufzettel nicht zugreifen.", "Laufzettel may not access the folder, or something in it.")
        }
        kind if kind == io::ErrorKind::NotADirectory || error.raw_os_error() == Some(LOOP) => (
            "Auf dem Weg zum Ordner liegt eine Verknüpfung oder eine Datei; Verknüpfungen wird nicht gefolgt.",
            "On the way to the folder lies a link or a file; links are not followed.",
        ),
        io::ErrorKind::CrossesDevices => (
            "path, done und failed liegen nicht im selben Dateisystem; verschieben lässt sich nur darin.",
            "path, done and failed are not on one file system; files can only be moved within one.",
        ),
        _ => {
            return Text::new(
                format!("Der Ordner lässt sich nicht lesen oder beschreiben ({}).", error.kind()),
                format!("The folder cannot be read or written ({}).", error.kind()),
            );
        }
    };
    Text::new(de, en)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::ffi::OsStrExt as _};

    use super::*;

    fn place() -> (tempfile::TempDir, Place) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("ein")).unwrap();
        let paths = laufzettel_process::arrival::FolderPaths { path: "ein".into(), done: "aus/fertig".into(), failed: "aus/fehler".into() };
        let place = Place::open(root.path(), &paths).unwrap();
        (root, place)
    }

    /// What was not read is never put away as if it had been.
    #[test]
    fn another_file_under_the_same_name_stays() {
        let (root, place) = place();
        let file = root.path().join("ein/a.json");
        fs::write(&file, "1").unwrap();
        let found = place.list().unwrap().remove(0);
        fs::write(root.path().join("ein/.neu"), "22").unwrap();
        fs::rename(root.path().join("ein/.neu"), &file).unwrap();
        assert!(matches!(place.read(&found, 9).unwrap(), Bytes::Moving));
        place.put_away(&found, Shelf::Done, &Digest::of(b"1"), None).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "22");
        assert!(!root.path().join("aus/fertig/a.json").exists());
    }

    /// Names of whatever bytes and length the system takes are put away, beside each other.
    #[test]
    fn every_name_is_put_away() {
        let (root, place) = place();
        let raw = [b"\xff\xfe.txt".to_vec(), vec![b'a'; 255], [vec![b'b'], vec![0xff; 250]].concat(), [b"c.".to_vec(), vec![0xff; 250]].concat()];
        for name in &raw {
            for turn in ["1", "2"] {
                fs::write(root.path().join("ein").join(std::ffi::OsStr::from_bytes(name)), turn).unwrap();
                let found = place.list().unwrap().remove(0);
                place.put_away(&found, Shelf::Failed, &Digest::of(turn.as_bytes()), Some("Grund")).unwrap();
            }
        }
        let names: Vec<String> = fs::read_dir(root.path().join("aus/fehler")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(names.len(), 4 * raw.len(), "{names:?}");
        assert_eq!(names.iter().filter(|name| name.ends_with(REPORT)).count(), 2 * raw.len());
        assert!(place.list().unwrap().is_empty());
    }
}
