//! Other processes, other accounts, other namespaces, and more of everything than was granted.

use std::fs;
use std::io::{Error, Result};
use std::process::Command;

use libc::c_long;

use crate::Attempt;
use crate::call::{at, call, child, end, into, number, of, text};

pub const ATTEMPTS: &[Attempt] = &[
    ("signal", |a| call(libc::SYS_kill, [number(a, 0), 0]).map(drop)),
    ("signal-thread", |a| call(libc::SYS_tgkill, [number(a, 0), number(a, 0), 0]).map(drop)),
    ("signal-queue", |a| signal_queue(number(a, 0))),
    ("signal-all", |_| call(libc::SYS_kill, [-1, 0]).map(drop)),
    ("pidfd", |a| call(libc::SYS_pidfd_open, [number(a, 0), 0]).map(drop)),
    ("pidfd-steal", |a| pidfd_steal(number(a, 0))),
    ("ptrace", |a| ptrace(number(a, 0))),
    ("ptrace-me", |_| call(libc::SYS_ptrace, [libc::PTRACE_TRACEME.into()]).map(drop)),
    ("vm-read", |a| vm(libc::SYS_process_vm_readv, number(a, 0))),
    ("vm-write", |a| vm(libc::SYS_process_vm_writev, number(a, 0))),
    ("kcmp", |a| kcmp(number(a, 0))),
    ("move-pages", |a| call(libc::SYS_move_pages, [number(a, 0), 0, 0, 0, 0, 0]).map(drop)),
    ("renice", |a| call(libc::SYS_setpriority, [0, number(a, 0), 1]).map(drop)),
    ("affinity", |a| affinity(number(a, 0))),
    ("limits-of", |a| prlimit(number(a, 0))),
    ("session-of", |a| call(libc::SYS_getsid, [number(a, 0)]).map(drop)),
    ("set-uid", |a| call(libc::SYS_setresuid, [number(a, 0); 3]).map(drop)),
    ("set-gid", |a| call(libc::SYS_setresgid, [number(a, 0); 3]).map(drop)),
    ("set-groups", |_| call(libc::SYS_setgroups, [1, at(&[4_u32])]).map(drop)),
    ("capabilities", |_| capabilities()),
    ("unshare", |a| call(libc::SYS_unshare, [number(a, 0)]).map(drop)),
    ("clone-user", |_| child(libc::CLONE_NEWUSER, true).map(end)),
    ("clone3", |_| clone3()),
    ("join-namespace", |a| join_namespace(&a[0])),
    ("chroot", |_| call(libc::SYS_chroot, [of(&text("."))]).map(drop)),
    ("personality", |_| call(libc::SYS_personality, [libc::ADDR_NO_RANDOMIZE.into()]).map(drop)),
    ("spare-me", |_| fs::write("/proc/self/oom_score_adj", "0")),
    ("limit-at-least", |a| limit_at_least(number(a, 0), a[1].parse().expect("a limit"))),
    ("subprocess", |_| Command::new("/bin/true").status().map(drop)),
    ("forks", |a| forks(number(a, 0))),
    ("threads", |a| threads(number(a, 0))),
    ("descriptors", |a| descriptors(number(a, 0))),
    ("memory", |a| memory(number(a, 0), libc::MAP_PRIVATE)),
    ("shared-memory", |a| memory(number(a, 0), libc::MAP_SHARED)),
];

fn signal_queue(pid: c_long) -> Result<()> {
    let mut siginfo = [0_i32; 32];
    siginfo[2] = libc::SI_QUEUE;
    call(libc::SYS_rt_sigqueueinfo, [pid, 0, at(&siginfo)]).map(drop)
}

fn pidfd_steal(pid: c_long) -> Result<()> {
    let process = call(libc::SYS_pidfd_open, [pid, 0])?;
    call(libc::SYS_pidfd_getfd, [process, 0, 0]).map(drop)
}

fn ptrace(pid: c_long) -> Result<()> {
    const PTRACE_SEIZE: c_long = 0x4206;
    call(libc::SYS_ptrace, [PTRACE_SEIZE, pid]).map(drop)
}

/// A process made from the same file by `exec` has its memory elsewhere: so any fault counts as access.
fn vm(which: c_long, pid: c_long) -> Result<()> {
    let local = [0_u8; 8];
    let here = [at(&local), 8];
    let there = [0x1000, 8];
    match call(which, [pid, at(&here), 1, at(&there), 1, 0]) {
        Err(error) if error.raw_os_error() == Some(libc::EFAULT) => Ok(()),
        done => done.map(drop),
    }
}

fn kcmp(pid: c_long) -> Result<()> {
    let own = call(libc::SYS_getpid, [])?;
    call(libc::SYS_kcmp, [own, pid, 1, 0, 0]).map(drop)
}

fn affinity(pid: c_long) -> Result<()> {
    let mut mask = [0_u64; 128];
    let size = call(libc::SYS_sched_getaffinity, [pid, 1024, into(&mut mask)])?;
    call(libc::SYS_sched_setaffinity, [pid, size, at(&mask)]).map(drop)
}

fn prlimit(pid: c_long) -> Result<()> {
    let mut limit = [0_u64; 2];
    call(libc::SYS_prlimit64, [pid, libc::RLIMIT_NOFILE.into(), 0, into(&mut limit)]).map(drop)
}

fn capabilities() -> Result<()> {
    let header = [0x2008_0522_u32, 0];
    let all = [0xFF_u32, 0xFF, 0, 0, 0, 0];
    call(libc::SYS_capset, [at(&header), at(&all)]).map(drop)
}

fn clone3() -> Result<()> {
    let mut arguments = [0_u64; 8];
    arguments[0] = u64::from(libc::CLONE_NEWUSER.unsigned_abs());
    arguments[4] = u64::from(libc::SIGCHLD.unsigned_abs());
    let pid = call(libc::SYS_clone3, [at(&arguments), 64])?;
    if pid == 0 {
        let _ = call(libc::SYS_exit_group, [0]);
    }
    end(pid);
    Ok(())
}

fn join_namespace(path: &str) -> Result<()> {
    let namespace = call(libc::SYS_openat, [libc::AT_FDCWD.into(), of(&text(path)), 0, 0])?;
    call(libc::SYS_setns, [namespace, 0]).map(drop)
}

fn limit_at_least(resource: c_long, value: u64) -> Result<()> {
    call(libc::SYS_prlimit64, [0, resource, at(&[value, value]), 0]).map(drop)
}

fn forks(count: c_long) -> Result<()> {
    let made: Vec<Result<c_long>> = (0..count).map(|_| child(0, false)).collect();
    let refused = made.iter().filter(|one| one.is_err()).count();
    made.into_iter().flatten().for_each(end);
    if refused == 0 { Ok(()) } else { Err(Error::other(format!("{refused} of {count} refused"))) }
}

fn threads(count: c_long) -> Result<()> {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
    let spawn = |_| {
        let wait = std::sync::Arc::clone(&wait);
        let body = move || drop(wait.lock().map(|gate| gate.recv()));
        std::thread::Builder::new().stack_size(32 << 10).spawn(body)
    };
    let made: Result<Vec<_>> = (0..count).map(spawn).collect();
    drop(release);
    made.map(drop)
}

fn descriptors(count: c_long) -> Result<()> {
    let mut limit = [0_u64; 2];
    call(libc::SYS_prlimit64, [0, libc::RLIMIT_NOFILE.into(), 0, into(&mut limit)])?;
    call(libc::SYS_prlimit64, [0, libc::RLIMIT_NOFILE.into(), at(&[limit[1], limit[1]]), 0])?;
    (0..count).try_for_each(|_| call(libc::SYS_dup, [0]).map(drop))
}

fn memory(size: c_long, kind: i32) -> Result<()> {
    let flags = c_long::from(kind | libc::MAP_ANONYMOUS | libc::MAP_POPULATE);
    call(libc::SYS_mmap, [0, size, c_long::from(libc::PROT_READ | libc::PROT_WRITE), flags, -1, 0]).map(drop)
}
