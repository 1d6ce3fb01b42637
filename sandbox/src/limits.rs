//! Resource limits, and the proof that the one on processes holds (the kernel exempts the real root from it).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::policy::Policy;
use crate::refusal::{InLayer, Layer, Refusal};
use crate::sys::{self, Forked};

/// The watcher and process 1 count too.
const OWN_PROCESSES: u64 = 2;
const STACK_BYTES_MAX: u64 = 8 << 20;

pub fn apply(policy: &Policy) -> Result<(), Refusal> {
    prove_process_limit()?;
    let wanted = [
        (Resource::Nproc, policy.processes_max.saturating_add(OWN_PROCESSES)),
        (Resource::As, policy.memory_bytes_max),
        (Resource::Stack, STACK_BYTES_MAX),
        (Resource::Nofile, policy.open_files_max),
        (Resource::Fsize, policy.file_bytes_max),
        // Not 0: a core_pattern that pipes into a program ignores 0, and takes 1 as "never".
        (Resource::Core, 1),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
        (Resource::Rtprio, 0),
        (Resource::Nice, 0),
        (Resource::Sigpending, 1024),
    ];
    for (resource, most) in wanted {
        set(resource, most)?;
    }
    Ok(())
}

/// Never raises: an inherited limit that is tighter stays.
fn set(resource: Resource, most: u64) -> Result<(), Refusal> {
    let hard = getrlimit(resource).maximum.map_or(most, |inherited| inherited.min(most));
    let limit = Rlimit { current: Some(hard), maximum: Some(hard) };
    setrlimit(resource, limit).refused(Layer::Limits, "setting a resource limit")
}

/// With room for one process and three running, a fourth must be refused.
fn prove_process_limit() -> Result<(), Refusal> {
    let before = getrlimit(Resource::Nproc);
    let one = Rlimit { current: Some(1), maximum: before.maximum };
    setrlimit(Resource::Nproc, one).refused(Layer::Limits, "setting the limit on processes")?;
    match sys::fork_unchecked() {
        Err(refused) if refused.raw_os_error() == Some(libc::EAGAIN) => {}
        Err(other) => return Err(other).refused(Layer::Limits, "trying the limit on processes"),
        Ok(Forked::Child) => std::process::exit(0),
        Ok(Forked::Parent(_)) => {
            let why = "the kernel does not count processes here";
            return Err(Refusal::new(Layer::Limits, "trying the limit on processes", why));
        }
    }
    setrlimit(Resource::Nproc, before).refused(Layer::Limits, "restoring the limit on processes")
}
