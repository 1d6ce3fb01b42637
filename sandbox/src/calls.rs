//! The system calls a program may make: an allow-list. Everything else does not exist for it (`ENOSYS`), which is what
//! programs are prepared for. No call makes a socket that leads anywhere, a namespace, a mount, a device, a key, a
//! foreign process's memory reachable; io_uring, bpf, perf, userfaultfd, ptrace and clone3 are absent with the rest.

use std::collections::BTreeMap;
use std::io;

use libc::c_long;
use seccompiler::{BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch};

use crate::policy::Policy;
use crate::refusal::{InLayer, Layer, Refusal};

mod list;

/// `CLONE_NEW*`, every kind of namespace that `clone` can make.
const NEW_NAMESPACES: u64 = 0x7E02_0000;
const SET_ID_BITS: u64 = 0o6000;
/// Terminal and descriptor questions; not the ones that type into a terminal.
const IOCTLS: [u64; 7] = [
    0x5401,      // TCGETS
    0x5413,      // TIOCGWINSZ
    0x541B,      // FIONREAD
    0x5421,      // FIONBIO
    0x5450,      // FIONCLEX
    0x5451,      // FIOCLEX
    0x802C_542A, // TCGETS2
];
const PRCTLS: [i32; 5] = [libc::PR_SET_NAME, libc::PR_GET_NAME, libc::PR_SET_PDEATHSIG, libc::PR_GET_PDEATHSIG, 0x5356_4d41];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Compiled ahead, so that nothing is left to do between the limits and `execve`.
pub fn compile(policy: &Policy) -> Result<BpfProgram, Refusal> {
    filter(policy).map_err(io::Error::other).refused(Layer::Calls, "compiling the filter")
}

pub fn enforce(program: &BpfProgram) -> Result<(), Refusal> {
    seccompiler::apply_filter(program).map_err(io::Error::other).refused(Layer::Calls, "installing the filter")
}

fn filter(policy: &Policy) -> Result<BpfProgram, BackendError> {
    let mut rules: Rules = list::always().map(|call| (call, Vec::new())).collect();
    conditional(&mut rules)?;
    processes(&mut rules, policy.subprocesses)?;
    let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, absent, SeccompAction::Allow, arch)?.try_into()
}

/// Threads always; processes if granted; namespaces never.
fn processes(rules: &mut Rules, subprocesses: bool) -> Result<(), BackendError> {
    let same_namespaces = masked(0, NEW_NAMESPACES, 0)?;
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let mut conditions = vec![same_namespaces];
    if subprocesses {
        #[cfg(target_arch = "x86_64")]
        rules.extend([(libc::SYS_fork, Vec::new()), (libc::SYS_vfork, Vec::new())]);
    } else {
        conditions.push(masked(0, thread, thread)?);
    }
    allow(rules, libc::SYS_clone, conditions)
}

/// Calls that are harmless only with certain arguments.
fn conditional(rules: &mut Rules) -> Result<(), BackendError> {
    for request in IOCTLS {
        allow(rules, libc::SYS_ioctl, vec![equal(1, request)?])?;
    }
    for option in PRCTLS {
        allow(rules, libc::SYS_prctl, vec![equal(0, u64::from(option.unsigned_abs()))?])?;
    }
    allow(rules, libc::SYS_socketpair, vec![equal(0, u64::from(libc::AF_UNIX.unsigned_abs()))?])?;
    allow(rules, libc::SYS_prlimit64, vec![equal(0, 0)?])?;
    modes(rules)
}

/// No file gets a set-user-id or set-group-id bit: outside, it would carry the engine's account.
fn modes(rules: &mut Rules) -> Result<(), BackendError> {
    const SYS_FCHMODAT2: c_long = 452;
    let plain = |argument| masked(argument, SET_ID_BITS, 0);
    allow(rules, libc::SYS_fchmod, vec![plain(1)?])?;
    allow(rules, libc::SYS_fchmodat, vec![plain(2)?])?;
    allow(rules, SYS_FCHMODAT2, vec![plain(2)?])?;
    opening(rules, libc::SYS_openat, 2)?;
    #[cfg(target_arch = "x86_64")]
    {
        allow(rules, libc::SYS_chmod, vec![plain(1)?])?;
        allow(rules, libc::SYS_creat, vec![plain(1)?])?;
        opening(rules, libc::SYS_open, 1)?;
    }
    Ok(())
}

/// The mode counts only where a file may be made; elsewhere the register holds anything.
fn opening(rules: &mut Rules, call: c_long, flags: u8) -> Result<(), BackendError> {
    const MAKES: u64 = 0o100 | 0o20_000_000; // O_CREAT, __O_TMPFILE
    allow(rules, call, vec![masked(flags, MAKES, 0)?])?;
    allow(rules, call, vec![masked(flags + 1, SET_ID_BITS, 0)?])
}

fn allow(rules: &mut Rules, call: c_long, conditions: Vec<SeccompCondition>) -> Result<(), BackendError> {
    rules.entry(call).or_default().push(SeccompRule::new(conditions)?);
    Ok(())
}

fn equal(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn masked(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
}
