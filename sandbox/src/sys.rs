//! The system calls for which no safe wrapper exists. All `unsafe` of this crate is here.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::process::Pid;
use rustix::thread::UnshareFlags;

/// Whose turn it is after [`fork`].
pub enum Forked {
    Child,
    Parent(Pid),
}

/// Refuses to fork a process with several threads: the others' locks would stay shut in the child.
pub fn fork() -> io::Result<Forked> {
    require_one_thread()?;
    fork_unchecked()
}

/// For where `/proc` is no longer that of this process; only after [`fork`] has vouched for a single thread.
pub fn fork_unchecked() -> io::Result<Forked> {
    // SAFETY: the helper is single-threaded (checked by `fork`, and it starts no thread), so the child finds no
    // lock taken by a thread that does not exist in it.
    #[expect(unsafe_code)]
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        pid => Ok(Pid::from_raw(pid).map_or(Forked::Child, Forked::Parent)),
    }
}

pub fn require_one_thread() -> io::Result<()> {
    match std::fs::read_dir("/proc/self/task")?.count() {
        1 => Ok(()),
        n => Err(io::Error::other(format!("the helper runs {n} threads; call it first thing in main"))),
    }
}

pub fn unshare(flags: UnshareFlags) -> io::Result<()> {
    assert!(!flags.contains(UnshareFlags::FILES));
    // SAFETY: the descriptor table is not unshared (asserted), which is the only hazard rustix names.
    #[expect(unsafe_code)]
    let done = unsafe { rustix::thread::unshare_unsafe(flags) };
    Ok(done?)
}

/// What becomes of descriptors.
#[derive(Clone, Copy)]
pub enum Closing {
    Now,
    AtExec,
}

/// Closes every descriptor above stderr.
pub fn close_all(when: Closing) -> io::Result<()> {
    let flags = match when {
        Closing::Now => 0,
        Closing::AtExec => libc::CLOSE_RANGE_CLOEXEC,
    };
    // SAFETY: `Now` is used before the helper opens anything, so no descriptor it closes has an owner here; `AtExec`
    // closes nothing yet.
    #[expect(unsafe_code)]
    let done = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, flags) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Changes a mount and all below it: attributes to set, private propagation, and the owners to map, if any.
pub fn set_mount(mount: BorrowedFd<'_>, set: u64, below: bool, owners: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let idmap = if owners.is_some() { libc::MOUNT_ATTR_IDMAP } else { 0 };
    let attributes = libc::mount_attr {
        attr_set: set | idmap,
        attr_clr: 0,
        propagation: libc::MS_PRIVATE,
        userns_fd: owners.map_or(0, |fd| u64::from(fd.as_raw_fd().unsigned_abs())),
    };
    let flags = libc::AT_EMPTY_PATH | if below { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the descriptors are open for the duration of the call, the path is a valid C string, and the kernel
    // only reads `attributes`, whose size is given.
    #[expect(unsafe_code)]
    let done = unsafe { libc::syscall(libc::SYS_mount_setattr, mount.as_raw_fd(), c"".as_ptr(), flags, &raw const attributes, size_of::<libc::mount_attr>()) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
