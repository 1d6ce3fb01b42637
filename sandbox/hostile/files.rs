//! Files the tool server was not given, and traps left in the folder it was given.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Result, Write};
use std::os::fd::FromRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown, symlink};
use std::process::Command;
use std::time::SystemTime;

use libc::{AT_FDCWD, c_long};

use crate::Attempt;
use crate::call::{at, call, into, number, of, text};

pub const ATTEMPTS: &[Attempt] = &[
    ("read", |a| fs::read(&a[0]).map(drop)),
    ("read-descriptor", |a| read_descriptor(number(a, 0))),
    ("list", |a| fs::read_dir(&a[0]).map(drop)),
    ("stat", |a| fs::metadata(&a[0]).map(drop)),
    ("append", |a| OpenOptions::new().append(true).open(&a[0])?.write_all(b"x")),
    ("open-to-write", |a| OpenOptions::new().read(true).write(true).open(&a[0]).map(drop)),
    ("create", |a| fs::write(&a[0], "x")),
    ("create-a-moment", |a| fs::write(&a[0], "x").and_then(|()| fs::remove_file(&a[0]))),
    ("mkdir", |a| fs::create_dir(&a[0])),
    ("remove", |a| fs::remove_file(&a[0])),
    ("rename", |a| fs::rename(&a[0], &a[1])),
    ("hard-link", |a| fs::hard_link(&a[0], &a[1])),
    ("chmod", |a| fs::set_permissions(&a[0], fs::Permissions::from_mode(0o640))),
    ("chown", |a| chown(&a[0], None, Some(own_group()?))),
    ("touch", |a| touch(&a[0])),
    ("truncate", |a| call(libc::SYS_truncate, [of(&text(&a[0])), 0]).map(drop)),
    ("xattr", |a| xattr(&a[0])),
    ("inotify", |a| inotify(&a[0])),
    ("fanotify", |_| call(libc::SYS_fanotify_init, [0, 0]).map(drop)),
    ("by-handle", |a| by_handle(&a[0])),
    ("symlink", |a| symlink(&a[0], &a[1])),
    ("fifo", |a| node(&a[0], libc::S_IFIFO | 0o600, 0)),
    ("device", |a| node(&a[0], libc::S_IFCHR | 0o600, 0x103)),
    ("set-uid-later", |a| set_uid_later(&a[0])),
    ("set-uid-at-once", |a| set_uid_at_once(&a[0])),
    ("execute-own", |a| execute_own(&a[0])),
    ("execute-memory", |_| execute_memory()),
    ("fill-a-moment", |a| fill(&a[0], number(a, 1))),
    ("grow", |a| grow(&a[0], number(a, 1))),
];

fn read_descriptor(descriptor: c_long) -> Result<()> {
    let mut byte = [0_u8];
    call(libc::SYS_read, [descriptor, into(&mut byte), 1]).map(drop)
}

fn own_group() -> Result<u32> {
    call(libc::SYS_getgid, []).map(|gid| u32::try_from(gid).expect("a group"))
}

#[expect(clippy::disallowed_methods, reason = "any time will do")]
fn touch(path: &str) -> Result<()> {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let times = [libc::timespec { tv_sec: seconds.cast_signed(), tv_nsec: 0 }; 2];
    call(libc::SYS_utimensat, [AT_FDCWD.into(), of(&text(path)), at(&times), 0]).map(drop)
}

fn xattr(path: &str) -> Result<()> {
    let (path, name, value) = (text(path), text("user.hostile"), text("x"));
    call(libc::SYS_setxattr, [of(&path), of(&name), of(&value), 1, 0]).map(drop)
}

fn inotify(path: &str) -> Result<()> {
    let watch = call(libc::SYS_inotify_init1, [0])?;
    call(libc::SYS_inotify_add_watch, [watch, of(&text(path)), libc::IN_ALL_EVENTS.into()]).map(drop)
}

/// Opens a file without walking any path to it.
fn by_handle(path: &str) -> Result<()> {
    let mut handle = [0_u32; 34];
    handle[0] = 128;
    let mut mount = 0_i32;
    let path = text(path);
    call(libc::SYS_name_to_handle_at, [AT_FDCWD.into(), of(&path), into(&mut handle), into(&mut mount), 0])?;
    let root = call(libc::SYS_openat, [AT_FDCWD.into(), of(&text("/")), 0, 0])?;
    call(libc::SYS_open_by_handle_at, [root, at(&handle), 0]).map(drop)
}

fn node(path: &str, mode: u32, device: c_long) -> Result<()> {
    call(libc::SYS_mknodat, [AT_FDCWD.into(), of(&text(path)), mode.into(), device]).map(drop)
}

fn set_uid_later(path: &str) -> Result<()> {
    fs::write(path, "#!/bin/sh\n")?;
    call(libc::SYS_fchmodat, [AT_FDCWD.into(), of(&text(path)), 0o4755]).map(drop)
}

fn set_uid_at_once(path: &str) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o4755).open(path)?;
    match made.metadata()?.permissions().mode() & 0o4000 {
        0 => Err(std::io::Error::other("the bit was dropped")),
        _ => Ok(()),
    }
}

fn execute_own(path: &str) -> Result<()> {
    fs::write(path, fs::read("/bin/true")?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Command::new(path).status().map(drop)
}

fn execute_memory() -> Result<()> {
    let memory = call(libc::SYS_memfd_create, [of(&text("x")), 0])?;
    // SAFETY: the descriptor was just made and belongs to nobody else.
    #[expect(unsafe_code)]
    let mut file = unsafe { File::from_raw_fd(i32::try_from(memory).expect("a descriptor")) };
    let mut program = Vec::new();
    File::open("/bin/true")?.read_to_end(&mut program)?;
    file.write_all(&program)?;
    let (none, nothing) = (text(""), [0_usize]);
    call(libc::SYS_execveat, [memory, of(&none), at(&nothing), at(&nothing), libc::AT_EMPTY_PATH.into()]).map(drop)
}

fn fill(path: &str, size: c_long) -> Result<()> {
    fs::write(path, vec![1_u8; usize::try_from(size).expect("a size")])?;
    fs::remove_file(path)
}

fn grow(path: &str, size: c_long) -> Result<()> {
    let action = [libc::SIG_IGN, 0, 0, 0];
    call(libc::SYS_rt_sigaction, [libc::SIGXFSZ.into(), at(&action), 0, 8])?;
    File::create(path)?.set_len(u64::try_from(size).expect("a size"))
}
