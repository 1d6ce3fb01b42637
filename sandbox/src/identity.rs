//! Who the program is: an account of its own, without groups, capabilities or a way to gain any.
//!
//! An ordinary engine's tool servers keep the engine's account outside (the kernel lets it map no other). The real
//! root's get an account nobody else has, and the owners of what they may touch are mapped to it on the mounts.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{DumpableBehavior, Gid, Pid, Signal, Uid, WaitOptions, getegid, geteuid, getgid, getuid};
use rustix::thread::{CapabilitiesSecureBits, CapabilitySet, CapabilitySets, UnshareFlags};

use crate::refusal::{InLayer, Layer, Refusal};
use crate::sys::{self, Forked};

/// The program's user and group as it sees them.
pub const INSIDE: u32 = 1000;
/// Accounts for the tool servers of the real root: this, plus the process number (at most 22 bits).
const ACCOUNTS_FROM: u32 = 0x7000_0000;

/// What the helper was started as.
pub enum Starter {
    Ordinary,
    /// The real root, of the first user namespace, with the account its program will have.
    Root {
        account: u32,
    },
}

impl Starter {
    pub fn find(pid: Pid) -> Result<Self, Refusal> {
        if getuid() != geteuid() || getgid() != getegid() {
            return Err(Refusal::new(Layer::Identity, "looking at the account", "started set-user-id"));
        }
        let map = fs::read_to_string("/proc/self/uid_map").refused(Layer::Identity, "reading the uid map")?;
        let whole: Vec<&str> = map.split_whitespace().collect();
        if geteuid().is_root() && whole == ["0", "0", "4294967295"] {
            return Ok(Self::Root { account: ACCOUNTS_FROM | pid.as_raw_nonzero().get().unsigned_abs() });
        }
        Ok(Self::Ordinary)
    }
}

/// Leaves root for good; mounts opened before stay usable.
pub fn become_account(account: u32) -> Result<(), Refusal> {
    let (uid, gid) = (Uid::from_raw(account), Gid::from_raw(account));
    rustix::thread::set_thread_groups(&[]).refused(Layer::Identity, "leaving all groups")?;
    rustix::thread::set_thread_res_gid(gid, gid, gid).refused(Layer::Identity, "changing the group")?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).refused(Layer::Identity, "changing the user")?;
    // The change made this process undumpable, and with that its own /proc files root's.
    rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable).refused(Layer::Identity, "owning /proc/self")
}

/// After `unshare` of the user namespace: one user, one group, nobody else exists.
pub fn write_maps(uid: Uid, gid: Gid) -> io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{INSIDE} {} 1", uid.as_raw()))?;
    fs::write("/proc/self/gid_map", format!("{INSIDE} {} 1", gid.as_raw()))
}

/// A user namespace that shows files of `uid` and `gid` as the account's, for an idmapped mount. Needs root.
pub fn owners_as(account: u32, uid: u32, gid: u32) -> io::Result<OwnedFd> {
    let (waiting, release) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let (ready, tell) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    match sys::fork()? {
        Forked::Child => {
            drop((release, ready));
            let done = sys::unshare(UnshareFlags::NEWUSER).is_ok() && rustix::io::write(&tell, b".").is_ok();
            // Ends when the parent closes its end, also by dying.
            let _ = rustix::io::read(&waiting, &mut [0_u8]);
            std::process::exit(i32::from(!done));
        }
        Forked::Parent(child) => {
            drop(tell);
            let namespace = map_child(child, &ready, account, uid, gid);
            drop(release);
            rustix::process::kill_process(child, Signal::KILL)?;
            rustix::process::waitpid(Some(child), WaitOptions::empty())?;
            namespace
        }
    }
}

fn map_child(child: Pid, ready: &OwnedFd, account: u32, uid: u32, gid: u32) -> io::Result<OwnedFd> {
    if rustix::io::read(ready, &mut [0_u8])? != 1 {
        return Err(io::Error::other("no user namespace for mapped owners"));
    }
    let own = format!("/proc/{}", child.as_raw_nonzero());
    fs::write(format!("{own}/uid_map"), format!("{uid} {account} 1"))?;
    fs::write(format!("{own}/gid_map"), format!("{gid} {account} 1"))?;
    Ok(fs::File::open(format!("{own}/ns/user"))?.into())
}

/// Gives up every capability in every set, and every way to get one back.
pub fn drop_privileges() -> Result<(), Refusal> {
    let layer = Layer::Privileges;
    let locked = CapabilitiesSecureBits::from_bits_retain(SECURE_BITS_LOCKED);
    rustix::thread::set_capabilities_secure_bits(locked).refused(layer, "locking the secure bits")?;
    rustix::thread::clear_ambient_capability_set().refused(layer, "clearing ambient capabilities")?;
    for bit in 0..u64::BITS {
        match rustix::thread::remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)) {
            Err(rustix::io::Errno::INVAL) if bit > 0 => break,
            done => done.refused(layer, "emptying the bounding set")?,
        }
    }
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, sets).refused(layer, "dropping capabilities")?;
    rustix::thread::set_no_new_privs(true).refused(layer, "forbidding new privileges")?;
    match rustix::thread::capabilities(None).refused(layer, "reading capabilities")? {
        held if held.permitted.is_empty() && held.effective.is_empty() => Ok(()),
        _ => Err(Refusal::new(layer, "dropping capabilities", "some are left")),
    }
}

/// NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE set, KEEP_CAPS unset, all four locked.
const SECURE_BITS_LOCKED: u32 = 0b1110_1111;
