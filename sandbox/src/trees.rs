//! The parts of the machine a program gets to see, opened as detached mounts with their restrictions on.
//!
//! Detached, because they must be opened while the machine is still in sight (as root: while still root) and
//! are attached when only the new, empty root is left.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use libc::{MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY};
use rustix::fs::{CWD, FileType, fstat};
use rustix::mount::{OpenTreeFlags, open_tree};

use crate::identity;
use crate::policy::Policy;
use crate::refusal::{InLayer, Layer, Refusal};
use crate::sys;

/// Readable by everyone on any system, needed to run programs at all. No passwd, no resolver, no private keys.
const SYSTEM: [&str; 14] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];
pub const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    System,
    Device,
    Read,
    Write,
}

impl Grant {
    fn attributes(self) -> u64 {
        match self {
            Self::System | Self::Read => MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
            Self::Device => MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
            Self::Write => MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
        }
    }
}

/// One thing in the new root.
pub enum Piece {
    Link { at: PathBuf, to: PathBuf },
    Tree(Tree),
}

pub struct Tree {
    pub at: PathBuf,
    pub grant: Grant,
    pub folder: bool,
    pub mount: OwnedFd,
}

impl Piece {
    pub fn at(&self) -> &Path {
        match self {
            Self::Link { at, .. } | Self::Tree(Tree { at, .. }) => at,
        }
    }
}

/// Everything `policy` and `program` need, outer paths before inner ones. `account`: see [`identity::owners_as`].
pub fn open_all(policy: &Policy, program: &Path, account: Option<u32>) -> Result<Vec<Piece>, Refusal> {
    let mut pieces = Vec::new();
    for path in SYSTEM.map(Path::new) {
        pieces.extend(system(path)?);
    }
    for path in DEVICES.map(Path::new) {
        pieces.push(Piece::Tree(open(path, Grant::Device, None)?));
    }
    for (path, grant) in grants(policy, program) {
        pieces.push(Piece::Tree(open(path, grant, account)?));
    }
    pieces.sort_by(|a, b| a.at().cmp(b.at()));
    Ok(pieces)
}

/// The policy's paths, each once, and the program unless it is in sight anyway.
fn grants<'a>(policy: &'a Policy, program: &'a Path) -> Vec<(&'a Path, Grant)> {
    let mut all: Vec<(&Path, Grant)> = policy.write.iter().map(|p| (p.as_path(), Grant::Write)).collect();
    let mut add = |path: &'a Path| {
        if all.iter().all(|(known, _)| *known != path) {
            all.push((path, Grant::Read));
        }
    };
    policy.read.iter().for_each(|path| add(path));
    let in_sight = |folder: &Path| program.starts_with(folder);
    if !SYSTEM.iter().any(|path| in_sight(Path::new(path))) && !policy.read.iter().any(|path| in_sight(path)) {
        add(program);
    }
    all
}

/// A link such as `/bin → usr/bin` stays a link; what the distribution does not have is left out.
fn system(path: &Path) -> Result<Option<Piece>, Refusal> {
    let Ok(seen) = fs::symlink_metadata(path) else {
        return Ok(None);
    };
    if seen.is_symlink() && path.parent() == Some(Path::new("/")) {
        let to = fs::read_link(path).refused(Layer::Mounts, "reading a system link")?;
        return Ok(Some(Piece::Link { at: path.to_owned(), to }));
    }
    open(path, Grant::System, None).map(|tree| Some(Piece::Tree(tree)))
}

fn open(path: &Path, grant: Grant, account: Option<u32>) -> Result<Tree, Refusal> {
    detach(path, grant, account).refused(Layer::Mounts, &format!("opening {}", path.display()))
}

fn detach(path: &Path, grant: Grant, account: Option<u32>) -> io::Result<Tree> {
    let folder = fs::metadata(path)?.is_dir();
    let below = if folder { OpenTreeFlags::AT_RECURSIVE } else { OpenTreeFlags::empty() };
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | below;
    let mount = open_tree(CWD, path, flags)?;
    let seen = fstat(&mount)?;
    let device = FileType::from_raw_mode(seen.st_mode) == FileType::CharacterDevice;
    if device != (grant == Grant::Device) {
        return Err(io::Error::other("a device where none belongs, or none where one does"));
    }
    sys::set_mount(mount.as_fd(), grant.attributes(), folder, None)?;
    if let Some(account) = account {
        let owners = identity::owners_as(account, seen.st_uid, seen.st_gid)?;
        match sys::set_mount(mount.as_fd(), 0, folder, Some(owners.as_fd())) {
            // Without the mapping a program sees less, not more; without writing it is of no use.
            Err(error) if grant == Grant::Write => return Err(error),
            _ => {}
        }
    }
    Ok(Tree { at: path.to_owned(), grant, folder, mount })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_is_granted_once_and_writing_wins() {
        let policy = Policy { read: vec!["/a".into(), "/b".into()], write: vec!["/b".into()], ..Policy::default() };
        let expected = vec![(Path::new("/b"), Grant::Write), (Path::new("/a"), Grant::Read)];
        assert_eq!(grants(&policy, Path::new("/usr/bin/true")), expected);
        assert_eq!(grants(&policy, Path::new("/a/program")), expected);
        let with_program: Vec<_> = expected.iter().copied().chain([(Path::new("/p"), Grant::Read)]).collect();
        assert_eq!(grants(&policy, Path::new("/p")), with_program);
    }
}
