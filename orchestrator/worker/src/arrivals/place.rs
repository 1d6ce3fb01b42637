//! Files of a folder below one the operator opened. Every step of the way is opened from the one before without following links, and so is
//! each file: whoever may lay files there can point nowhere else. Only plain files are seen.

use std::{
    ffi::{CStr, CString},
    fs::File,
    io::{self, Read as _, Write as _},
    os::fd::OwnedFd,
    path::Path,
};

use laufzettel_domain::{Digest, Text, Value, digest::to_hex};
use laufzettel_store::failpoint;
use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, fstat, mkdirat, openat, renameat, renameat_with, statat, unlinkat},
    io::Errno,
    path::Arg,
};

/// Files of a folder that are seen in one look: more than this waits until those are put away.
const FOUND_MAX: usize = 10_000;
/// Bytes of a file's name, as every file system takes them.
const NAME_BYTES_MAX: usize = 255;
/// Bytes of a file that is too large which are read all the same: the head of a message says whose it is.
const HEAD_BYTES: u64 = 64 * 1024;
/// Names tried for a file that is put away. So many of one name and one content nobody lays down by mistake; it stays where it is.
const TURNS_MAX: u32 = 1_000;
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

impl Mark {
    /// What tells a file from others of its name.
    pub fn told(&self) -> Value {
        serde_json::json!([self.inode, self.size, self.modified])
    }
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

    /// Files that are not empty, not hidden, not named as unfinished and no report of ours; the oldest first. `skip`: not these.
    pub fn list(&self, skip: impl Fn(&CStr) -> bool) -> io::Result<Vec<Found>> {
        list(&self.inbox, |raw, name| {
            let name = name.to_lowercase();
            // whoever moves files back from `failed` moves their reports, too
            !UNFINISHED.iter().chain([&REPORT]).any(|ending| name.ends_with(ending)) && !skip(raw)
        })
    }

    /// All of a file, if it is still as it was found. `max`: bytes.
    pub fn read(&self, found: &Found, max: u64) -> io::Result<Bytes> {
        read(&self.inbox, found, max)
    }

    /// Puts a file away under its own name, or where another lies under it, under one that its digest and a number make its own: nothing
    /// that lies there is ever replaced. `report`: what is said beside it, there before the file is.
    pub fn put_away(&self, found: &Found, shelf: Shelf, digest: &Digest, report: Option<&str>) -> io::Result<()> {
        let to = match shelf {
            Shelf::Done => &self.done,
            Shelf::Failed => &self.failed,
        };
        for turn in 0..TURNS_MAX {
            let name = own_name(&found.name, digest, turn);
            if is_taken(to, &name)? {
                continue;
            }
            let beside = report_name(&name, digest, turn);
            let is_new = match report.map(|text| lay_down(to, &beside, text)) {
                Some(Laid::Another) => continue,
                Some(Laid::Failed(error)) => return Err(error),
                laid => matches!(laid, Some(Laid::New)),
            };
            failpoint::pass("arrival.before_move", io::Error::other)?;
            let moved = rename_free(&self.inbox, &found.raw, to, &name);
            let stays = moved.is_ok() && self.is_it(found, to, &name, digest)?;
            if is_new && !stays && matches!(moved, Ok(()) | Err(Errno::NOENT | Errno::EXIST)) {
                unlinkat(to, &beside, AtFlags::empty())?;
            }
            match moved {
                Err(Errno::EXIST) => {}
                // somebody took it away meanwhile
                Ok(()) | Err(Errno::NOENT) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Err(Errno::EXIST.into())
    }

    /// Whether what was moved is what was found. Another one that was laid down under its name since goes back: it is still to be taken.
    fn is_it(&self, found: &Found, to: &OwnedFd, name: &str, digest: &Digest) -> io::Result<bool> {
        if mark(&statat(to, name, AtFlags::SYMLINK_NOFOLLOW)?) == found.mark {
            return Ok(true);
        }
        match rename_free(to, name, &self.inbox, &found.raw) {
            Err(Errno::EXIST) => {}
            moved => return Ok(moved.map(|()| false)?),
        }
        // and by now a third one has that name
        (1..TURNS_MAX)
            .find_map(|turn| match rename_free(to, name, &self.inbox, &own_name(&found.name, digest, turn)) {
                Err(Errno::EXIST) => None,
                moved => Some(moved),
            })
            .unwrap_or(Err(Errno::EXIST))?;
        Ok(false)
    }
}

/// Whether a report is there.
enum Laid {
    New,
    /// It says the same already: the program died, or the file could not be moved, after it was laid down.
    Already,
    /// Something else has its name.
    Another,
    Failed(io::Error),
}

fn lay_down(to: &OwnedFd, name: &str, text: &str) -> Laid {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = match openat(to, name, flags, Mode::from_raw_mode(0o660)) {
        Err(Errno::EXIST) => return if says(to, name, text) { Laid::Already } else { Laid::Another },
        Err(error) => return Laid::Failed(error.into()),
        Ok(fd) => File::from(fd),
    };
    match file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
        Ok(()) => Laid::New,
        // half a report would be in the way of the whole one
        Err(error) => Laid::Failed(unlinkat(to, name, AtFlags::empty()).map_or_else(io::Error::from, |()| error)),
    }
}

/// Whether a file says just that. What cannot be read says something else.
fn says(folder: &OwnedFd, name: &str, text: &str) -> bool {
    let Ok(fd) = openat(folder, name, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) else { return false };
    let mut said = Vec::new();
    let read = File::from(fd).take(text.len() as u64 + 1).read_to_end(&mut said);
    read.is_ok() && said == text.as_bytes()
}

/// Renames, and never over another. A file system that cannot promise that (NFS) is asked before: what is free there is free a moment
/// later, because only we put files there.
pub fn rename_free(from: &OwnedFd, old: impl Arg + Copy, to: &OwnedFd, new: impl Arg + Copy) -> Result<(), Errno> {
    match renameat_with(from, old, to, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
        moved => return moved,
    }
    if is_taken(to, new)? { Err(Errno::EXIST) } else { renameat(from, old, to, new) }
}

fn is_taken(folder: &OwnedFd, name: impl Arg) -> Result<bool, Errno> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => Ok(false),
        stat => stat.map(|_| true),
    }
}

/// Plain files of a folder that are not empty and not hidden, of those that are wanted; the oldest first.
pub fn list(folder: &OwnedFd, mut wanted: impl FnMut(&CStr, &str) -> bool) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(folder)? {
        found.extend(find(folder, entry?.file_name(), &mut wanted)?);
        if found.len() == FOUND_MAX {
            break;
        }
    }
    found.sort_by(|a, b| (a.mark.modified, &a.raw).cmp(&(b.mark.modified, &b.raw)));
    Ok(found)
}

fn find(folder: &OwnedFd, raw: &CStr, wanted: &mut impl FnMut(&CStr, &str) -> bool) -> io::Result<Option<Found>> {
    let name = raw.to_string_lossy().into_owned();
    if name.starts_with('.') || !wanted(raw, &name) {
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

/// The name a file is put away under at the first try, the second …
fn own_name(name: &str, digest: &Digest, turn: u32) -> String {
    if turn == 0 {
        return cut(name, "", "");
    }
    let (stem, ending) = name.rfind('.').filter(|at| *at > 0).map_or((name, ""), |at| name.split_at(at));
    cut(stem, &middle(digest, turn), ending)
}

/// `NAME.fehler.txt`; of a name without room for that, one of its own all the same.
fn report_name(name: &str, digest: &Digest, turn: u32) -> String {
    if name.len() + REPORT.len() <= NAME_BYTES_MAX {
        return format!("{name}{REPORT}");
    }
    cut(name, &middle(digest, turn.max(1)), REPORT)
}

fn middle(digest: &Digest, turn: u32) -> String {
    let digits = &to_hex(&digest.0)[..8];
    if turn < 2 { format!(".{digits}") } else { format!(".{digits}-{turn}") }
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
        let found = place.list(|_| false).unwrap().remove(0);
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
                let found = place.list(|_| false).unwrap().remove(0);
                place.put_away(&found, Shelf::Failed, &Digest::of(turn.as_bytes()), Some("Grund")).unwrap();
            }
        }
        let names: Vec<String> = fs::read_dir(root.path().join("aus/fehler")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(names.len(), 4 * raw.len(), "{names:?}");
        assert_eq!(names.iter().filter(|name| name.ends_with(REPORT)).count(), 2 * raw.len());
        assert!(place.list(|_| false).unwrap().is_empty());
    }
    /// Of files too large the content is not known: as many as come are kept, each with its reason.
    #[test]
    fn nothing_that_was_put_away_is_replaced() {
        let (root, place) = place();
        let digest = Digest::of(b"the same for all of them");
        for turn in ["eins", "zwei", "drei", "vier"] {
            fs::write(root.path().join("ein/gross.bin"), turn).unwrap();
            place.put_away(&place.list(|_| false).unwrap().remove(0), Shelf::Failed, &digest, Some("Grund")).unwrap();
        }
        let kept: Vec<(String, String)> = files(&root.path().join("aus/fehler"));
        let middle = &to_hex(&digest.0)[..8];
        let expected = [("gross.bin", "eins"), ("gross.{}.bin", "zwei"), ("gross.{}-2.bin", "drei"), ("gross.{}-3.bin", "vier")];
        let mut expected: Vec<(String, String)> = expected.iter().map(|(name, text)| (name.replace("{}", middle), (*text).to_owned())).collect();
        expected.extend(expected.clone().into_iter().map(|(name, _)| (format!("{name}{REPORT}"), "Grund".to_owned())));
        expected.sort();
        assert_eq!(kept, expected);
    }

    fn files(folder: &Path) -> Vec<(String, String)> {
        let of = |entry: io::Result<fs::DirEntry>| entry.map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()));
        let mut all = fs::read_dir(folder).unwrap().map(of).collect::<io::Result<Vec<_>>>().unwrap();
        all.sort();
        all
    }

    /// A report is no file somebody lays down, and it stands in nobody's place; one that says the same is the one of a try before.
    #[test]
    fn a_report_takes_nobodys_place() {
        let (root, place) = place();
        fs::write(root.path().join("aus/fehler/a.txt.fehler.txt"), "von jemandem").unwrap();
        fs::write(root.path().join("aus/fehler/b.txt.fehler.txt"), "Grund").unwrap();
        for name in ["a.txt", "b.txt", "c.txt.fehler.txt", "d.FEHLER.TXT"] {
            fs::write(root.path().join("ein").join(name), "Inhalt").unwrap();
        }
        let (digest, found) = (Digest::of(b"Inhalt"), place.list(|_| false).unwrap());
        assert_eq!(found.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["a.txt", "b.txt"]);
        for found in &found {
            place.put_away(found, Shelf::Failed, &digest, Some("Grund")).unwrap();
        }
        let own = format!("a.{}.txt", &to_hex(&digest.0)[..8]);
        let expected = [
            (own.clone(), "Inhalt"),
            (format!("{own}{REPORT}"), "Grund"),
            ("a.txt.fehler.txt".to_owned(), "von jemandem"),
            ("b.txt".to_owned(), "Inhalt"),
            ("b.txt.fehler.txt".to_owned(), "Grund"),
        ];
        let mut expected = expected.map(|(name, text)| (name, text.to_owned()));
        expected.sort();
        assert_eq!(files(&root.path().join("aus/fehler")), expected);
    }

    /// What goes back, because it was never read, replaces nothing either.
    #[test]
    fn what_goes_back_replaces_nothing() {
        let (root, place) = place();
        let other = root.path().join("aus/fertig/a.json");
        fs::write(root.path().join("ein/a.json"), "1").unwrap();
        let found = place.list(|_| false).unwrap().remove(0);
        fs::write(&other, "zwei").unwrap();
        fs::write(root.path().join("ein/a.json"), "dritte").unwrap();
        assert!(!place.is_it(&found, &place.done, "a.json", &Digest::of(b"1")).unwrap());
        assert_eq!(files(&root.path().join("aus/fertig")), []);
        let there: Vec<String> = files(&root.path().join("ein")).into_iter().map(|(_, text)| text).collect();
        assert_eq!((there.len(), there.contains(&"zwei".to_owned()), there.contains(&"dritte".to_owned())), (2, true, true));
    }
}
