//! Parts of the kernel that a tool server has no business with. As root, each attempt leaves the machine as it was.

use std::io::Result;

use libc::c_long;

use crate::Attempt;
use crate::call::{at, call, into, of, text};

pub const ATTEMPTS: &[Attempt] = &[
    ("io-uring", |_| call(libc::SYS_io_uring_setup, [1, into(&mut [0_u64; 64])]).map(drop)),
    ("aio", |_| call(libc::SYS_io_setup, [1, into(&mut [0_u64])]).map(drop)),
    ("bpf", |_| bpf()),
    ("perf", |_| perf()),
    ("userfaultfd", |_| call(libc::SYS_userfaultfd, [1]).map(drop)),
    ("keyring", |_| call(libc::SYS_keyctl, [0, -3, 1]).map(drop)),
    ("add-key", |_| add_key()),
    ("memory-file", |_| call(libc::SYS_memfd_create, [of(&text("x")), 0]).map(drop)),
    ("mount", |a| mount(&a[0])),
    ("mount-new-way", |_| call(libc::SYS_fsopen, [of(&text("tmpfs")), 0]).map(drop)),
    ("open-tree", |_| call(libc::SYS_open_tree, [libc::AT_FDCWD.into(), of(&text("/")), 1]).map(drop)),
    ("ctrl-alt-del", |_| call(libc::SYS_reboot, [0xFEE1_DEAD, 672_274_793, 0, 0]).map(drop)),
    ("host-name", |_| host_name()),
    ("clock", |_| clock()),
    ("clock-drift", |_| clock_drift()),
    ("local-descriptors", |_| call(libc::SYS_modify_ldt, [0, into(&mut [0_u64; 8]), 64]).map(drop)),
    ("accounting", |_| call(libc::SYS_acct, [0]).map(drop)),
    ("kernel-log", |_| call(libc::SYS_syslog, [10, 0, 0]).map(drop)),
    ("shared-segment", |_| shared_segment()),
    ("message-queue", |_| message_queue()),
    ("semaphores", |_| semaphores()),
    ("posix-queue", |a| posix_queue(&a[0])),
    ("real-time", |_| call(libc::SYS_sched_setscheduler, [0, 1, at(&[1_i32])]).map(drop)),
    ("io-priority", |_| call(libc::SYS_ioprio_set, [1, 0, 1 << 13]).map(drop)),
    ("own-filter", |_| own_filter()),
    ("own-landlock", |_| call(libc::SYS_landlock_create_ruleset, [0, 0, 1]).map(drop)),
];

fn bpf() -> Result<()> {
    let attributes = [2_u32, 4, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    call(libc::SYS_bpf, [0, at(&attributes), 64]).map(drop)
}

/// Counts its own page faults: what the strictest usual setting still allows to users.
fn perf() -> Result<()> {
    let mut attributes = [0_u64; 16];
    attributes[0] = 1 | 112 << 32; // PERF_TYPE_SOFTWARE, size
    attributes[1] = 2; // PERF_COUNT_SW_PAGE_FAULTS
    attributes[5] = 1 << 5 | 1 << 6; // exclude_kernel, exclude_hv
    call(libc::SYS_perf_event_open, [at(&attributes), 0, -1, -1, 0]).map(drop)
}

fn add_key() -> Result<()> {
    const PROCESS_KEYRING: c_long = -2;
    let (kind, name, value) = (text("user"), text("hostile"), text("x"));
    call(libc::SYS_add_key, [of(&kind), of(&name), of(&value), 1, PROCESS_KEYRING]).map(drop)
}

fn mount(at_folder: &str) -> Result<()> {
    let (kind, folder) = (text("tmpfs"), text(at_folder));
    call(libc::SYS_mount, [of(&kind), of(&folder), of(&kind), 0, 0])?;
    call(libc::SYS_umount2, [of(&folder), 0]).map(drop)
}

/// Sets the name it has.
fn host_name() -> Result<()> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_else(|_| "hostile".to_owned());
    let name = name.trim();
    call(libc::SYS_sethostname, [at(name), c_long::try_from(name.len()).expect("short")]).map(drop)
}

/// Sets the time it is.
fn clock() -> Result<()> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    call(libc::SYS_clock_gettime, [0, into(&mut now)])?;
    call(libc::SYS_clock_settime, [0, at(&now)]).map(drop)
}

/// Sets the frequency it has: reads, then writes back.
fn clock_drift() -> Result<()> {
    const ADJ_FREQUENCY: u32 = 2;
    let mut state = [0_u64; 32];
    call(libc::SYS_adjtimex, [into(&mut state)])?;
    state[0] = u64::from(ADJ_FREQUENCY);
    call(libc::SYS_adjtimex, [into(&mut state)]).map(drop)
}

fn shared_segment() -> Result<()> {
    let id = call(libc::SYS_shmget, [0, 4096, 0o600])?;
    call(libc::SYS_shmctl, [id, 0, 0]).map(drop)
}

fn message_queue() -> Result<()> {
    let id = call(libc::SYS_msgget, [0, 0o600])?;
    call(libc::SYS_msgctl, [id, 0, 0]).map(drop)
}

fn semaphores() -> Result<()> {
    let id = call(libc::SYS_semget, [0, 1, 0o600])?;
    call(libc::SYS_semctl, [id, 0, 0]).map(drop)
}

fn posix_queue(name: &str) -> Result<()> {
    let name = text(name);
    call(libc::SYS_mq_open, [of(&name), 0o102, 0o600, 0])?;
    call(libc::SYS_mq_unlink, [of(&name)]).map(drop)
}

/// Asks which actions exist: the harmless half of installing a filter.
fn own_filter() -> Result<()> {
    const GET_ACTION_AVAIL: c_long = 2;
    call(libc::SYS_seccomp, [GET_ACTION_AVAIL, 0, at(&[0x7FFF_0000_u32])]).map(drop)
}
