//! Waiting: the watcher for the program's end or the engine's, process 1 for everything that dies inside.

use std::io;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, getppid, pidfd_open, wait, waitpid};

use crate::refusal::{InLayer, Layer, Refusal};

/// A process to outlive by no moment. By descriptor: a death signal would also come when merely the *thread* that
/// started us ends, and an engine's threads come and go.
pub struct Watched(OwnedFd);

impl Watched {
    /// The engine, unless it is gone already.
    pub fn starter(expected: u32) -> Result<Self, Refusal> {
        let gone = || Refusal::new(Layer::Supervision, "finding the starter", "it is gone, or is not my parent");
        let parent = getppid().ok_or_else(gone)?;
        let watched = Self::open(parent)?;
        // Still the parent now: so the descriptor was opened while it was.
        let same = getppid() == Some(parent) && parent.as_raw_nonzero().get().unsigned_abs() == expected;
        if same { Ok(watched) } else { Err(gone()) }
    }

    pub fn own() -> Result<Self, Refusal> {
        Self::open(getpid())
    }

    pub fn open(pid: Pid) -> Result<Self, Refusal> {
        pidfd_open(pid, PidfdFlags::empty()).map(Self).refused(Layer::Supervision, "opening a process")
    }

    fn wish(&self) -> PollFd<'_> {
        PollFd::new(&self.0, PollFlags::IN)
    }

    fn has_ended(&self) -> io::Result<bool> {
        let mut one = [self.wish()];
        Ok(poll(&mut one, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? > 0)
    }
}

/// In process 1: die with the watcher, and thereby take everything inside along.
pub fn die_with(watcher: &Watched) -> Result<(), Refusal> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).refused(Layer::Supervision, "asking for the death signal")?;
    let ended = watcher.has_ended().refused(Layer::Supervision, "looking at the watcher")?;
    if ended { Err(Refusal::new(Layer::Supervision, "looking at the watcher", "it is gone")) } else { Ok(()) }
}

/// The watcher's whole remaining life; returns the exit code.
pub fn until_end(starter: &Watched, first: Pid) -> i32 {
    match Watched::open(first).map(|inside| either_ends(starter, &inside)) {
        Ok(Ok(true)) => match waitpid(Some(first), WaitOptions::empty()) {
            Ok(Some((_, status))) => code(status),
            _ => Layer::Supervision.exit_code(),
        },
        // The starter is gone, or cannot be watched: our own end is process 1's death signal.
        _ => Layer::Supervision.exit_code(),
    }
}

/// Whether it was the inside that ended.
fn either_ends(starter: &Watched, inside: &Watched) -> io::Result<bool> {
    loop {
        let mut both = [inside.wish(), starter.wish()];
        match poll(&mut both, None) {
            Ok(_) if !both[0].revents().is_empty() => return Ok(true),
            Ok(_) if !both[1].revents().is_empty() => return Ok(false),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Process 1's whole remaining life: buries orphans until the program itself ends, and takes the rest along.
pub fn reap_until(program: Pid) -> i32 {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == program => return code(status),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Layer::Supervision.exit_code(),
        }
    }
}

/// As a shell reports it.
fn code(status: WaitStatus) -> i32 {
    status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal)).unwrap_or(255)
}

/// To be opened while a `/dev/null` is in sight: the new root replaces that of every process in its mount namespace,
/// also the watcher's, at a moment the watcher does not choose.
pub fn open_null() -> Result<OwnedFd, Refusal> {
    open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).refused(Layer::Supervision, "opening /dev/null")
}

/// Lets go of the program's pipes, so that they close when the program closes them.
pub fn let_go_of_stdio(null: &OwnedFd) -> Result<(), Refusal> {
    rustix::stdio::dup2_stdin(null)
        .and_then(|()| rustix::stdio::dup2_stdout(null))
        .and_then(|()| rustix::stdio::dup2_stderr(null))
        .refused(Layer::Supervision, "letting go of stdin, stdout and stderr")
}
