//! The new root: an empty read-only file system with the granted trees in it, and nothing else of the machine.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
    mount_change, move_mount, unmount,
};

use crate::identity::INSIDE;
use crate::policy::Policy;
use crate::refusal::{InLayer, Layer, Refusal};
use crate::sys;
use crate::trees::{Piece, Tree};

/// Any folder that exists everywhere; the machine's own is out of sight after the pivot.
const STEPPING_STONE: &str = "/tmp";
const PLAIN: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// Keeps what happens to mounts here from travelling out, and the other way round.
pub fn separate() -> Result<(), Refusal> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).refused(Layer::Mounts, "separating the mounts")
}

/// Replaces the root of this process by one that holds `pieces`. Must run inside the new process namespace.
pub fn replace(pieces: Vec<Piece>, policy: &Policy) -> Result<(), Refusal> {
    // The kernel gives a new /proc only while the old one is in sight.
    let proc = file_system("proc", &[("subset", "pid")], PLAIN | READ_ONLY | MountAttrFlags::MOUNT_ATTR_NOEXEC).refused(Layer::Mounts, "making /proc")?;
    let empty =
        file_system("tmpfs", &[("size", "1m"), ("mode", "0755")], PLAIN | MountAttrFlags::MOUNT_ATTR_NOEXEC).refused(Layer::Mounts, "making an empty root")?;
    pivot(&empty).refused(Layer::Mounts, "pivoting into the empty root")?;
    provide(&proc, policy).refused(Layer::Mounts, "filling the root")?;
    for piece in pieces {
        let doing = format!("attaching {}", piece.at().display());
        place(&piece).refused(Layer::Mounts, &doing)?;
    }
    sys::set_mount(empty.as_fd(), libc::MOUNT_ATTR_RDONLY, false, None).refused(Layer::Mounts, "closing the root")
}

const READ_ONLY: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_RDONLY;

fn file_system(kind: &str, options: &[(&str, &str)], attributes: MountAttrFlags) -> io::Result<OwnedFd> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        fsconfig_set_string(&context, *key, *value)?;
    }
    fsconfig_create(&context)?;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

fn pivot(empty: &OwnedFd) -> io::Result<()> {
    attach(empty, Path::new(STEPPING_STONE))?;
    rustix::process::chdir(STEPPING_STONE)?;
    rustix::process::pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    Ok(rustix::process::chdir("/")?)
}

fn attach(mount: &OwnedFd, at: &Path) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
    Ok(move_mount(mount, "", CWD, at, flags)?)
}

/// What every program gets besides trees: `/proc`, `/tmp`, the usual links, a user of its own.
fn provide(proc: &OwnedFd, policy: &Policy) -> io::Result<()> {
    for folder in ["/proc", "/tmp", "/dev", "/etc"] {
        folders(Path::new(folder))?;
    }
    attach(proc, Path::new("/proc"))?;
    let size = policy.tmp_bytes_max.to_string();
    let options = [("size", size.as_str()), ("nr_inodes", "4096"), ("mode", "0700")];
    let tmp = file_system("tmpfs", &options, PLAIN | MountAttrFlags::MOUNT_ATTR_NOEXEC)?;
    attach(&tmp, Path::new("/tmp"))?;
    for (at, to) in [("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")] {
        symlink(format!("/proc/self/{to}"), format!("/dev/{at}"))?;
    }
    fs::write("/etc/passwd", format!("sandbox:x:{INSIDE}:{INSIDE}::/tmp:/usr/sbin/nologin\n"))?;
    fs::write("/etc/group", format!("sandbox:x:{INSIDE}:\n"))
}

fn place(piece: &Piece) -> io::Result<()> {
    match piece {
        Piece::Link { at, to } => symlink(to, at),
        Piece::Tree(tree) => place_tree(tree),
    }
}

fn place_tree(tree: &Tree) -> io::Result<()> {
    if !tree.at.exists() {
        folders(tree.at.parent().unwrap_or(Path::new("/")))?;
        if tree.folder {
            folders(&tree.at)?;
        } else {
            fs::write(&tree.at, "")?;
        }
    }
    attach(&tree.mount, &tree.at)
}

fn folders(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path)
}
