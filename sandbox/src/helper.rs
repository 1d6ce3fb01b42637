//! The engine's binary started again: it confines itself, layer by layer, and becomes the program.
//! Refuses to go on when any layer says no.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::{DumpableBehavior, getegid, geteuid, getpid};
use rustix::thread::UnshareFlags;
use seccompiler::BpfProgram;
use serde::{Deserialize, Serialize};

use crate::calls;
use crate::files::Rules;
use crate::identity::{self, Starter};
use crate::limits;
use crate::policy::Policy;
use crate::refusal::{InLayer, Layer, Refusal};
use crate::root;
use crate::sys::{self, Closing, Forked};
use crate::trees::{self, Piece};
use crate::watch::{self, Watched};

pub(crate) const MARKER: &str = "__laufzettel-sandbox-helper";

/// What the launcher hands over as one argument, before the program and its arguments.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    pub policy: Policy,
    pub starter: u32,
    pub folder: PathBuf,
}

struct Program {
    order: Order,
    path: PathBuf,
    arguments: Vec<OsString>,
}

/// Whether this process was started by [`command`](crate::command) to become a tool server.
pub fn is_helper(args: impl IntoIterator<Item = OsString>) -> bool {
    args.into_iter().nth(1).is_some_and(|first| first == MARKER)
}

/// The helper's whole life. Call it first thing in `main`, before any thread starts and anything is opened:
///
/// ```no_run
/// if laufzettel_sandbox::is_helper(std::env::args_os()) {
///     laufzettel_sandbox::run_helper(std::env::args_os());
/// }
/// ```
pub fn run_helper(args: impl IntoIterator<Item = OsString>) -> ! {
    let refusal = match read(args).and_then(|program| watcher(&program)) {
        Ok(never) => match never {},
        Err(refusal) => refusal,
    };
    eprintln!("laufzettel-sandbox: program not started: {refusal}");
    std::process::exit(refusal.layer.exit_code())
}

fn read(args: impl IntoIterator<Item = OsString>) -> Result<Program, Refusal> {
    let unreadable = || Refusal::new(Layer::Order, "reading the order", "it is incomplete");
    let mut args = args.into_iter().skip(2);
    let order = args.next().and_then(|json| json.into_string().ok()).ok_or_else(unreadable)?;
    let order = serde_json::from_str(&order).refused(Layer::Order, "reading the order")?;
    let path = args.next().map(PathBuf::from).ok_or_else(unreadable)?;
    Ok(Program { order, path, arguments: args.collect() })
}

/// Outside still: account, namespaces, then waiting.
fn watcher(program: &Program) -> Result<Infallible, Refusal> {
    sys::close_all(Closing::Now).refused(Layer::Supervision, "closing inherited descriptors")?;
    sys::require_one_thread().refused(Layer::Supervision, "counting threads")?;
    let starter = Watched::starter(program.order.starter)?;
    // A leader of its own group already is out of the terminal's reach as well.
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    fs::write("/proc/self/oom_score_adj", "1000").refused(Layer::Limits, "offering itself to the memory killer")?;
    let opened = leave_root(program)?;
    enter_namespaces()?;
    let (this, null) = (Watched::own()?, watch::open_null()?);
    match sys::fork().refused(Layer::Supervision, "starting process 1")? {
        Forked::Child => {
            drop(starter);
            first(program, this, &null, opened)
        }
        Forked::Parent(first) => {
            drop((this, opened));
            identity::drop_privileges()?;
            watch::let_go_of_stdio(&null)?;
            std::process::exit(watch::until_end(&starter, first))
        }
    }
}

/// As root, opens what will be needed and stops being root. An ordinary user opens it later.
fn leave_root(program: &Program) -> Result<Option<Vec<Piece>>, Refusal> {
    let Starter::Root { account } = Starter::find(getpid())? else {
        return Ok(None);
    };
    let pieces = trees::open_all(&program.order.policy, &program.path, Some(account))?;
    identity::become_account(account)?;
    Ok(Some(pieces))
}

fn enter_namespaces() -> Result<(), Refusal> {
    let (uid, gid) = (geteuid(), getegid());
    let all = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWCGROUP;
    sys::unshare(all).refused(Layer::Namespaces, "creating namespaces")?;
    identity::write_maps(uid, gid).refused(Layer::Namespaces, "mapping the account")?;
    rustix::system::sethostname(b"sandbox").refused(Layer::Namespaces, "naming the host")
}

/// Process 1 inside: the new root, no privileges, then waiting.
fn first(program: &Program, watcher: Watched, null: &OwnedFd, opened: Option<Vec<Piece>>) -> Result<Infallible, Refusal> {
    watch::die_with(&watcher)?;
    drop(watcher);
    rustix::process::setsid().refused(Layer::Supervision, "leaving the terminal")?;
    root::separate()?;
    let policy = &program.order.policy;
    let pieces = match opened {
        Some(pieces) => pieces,
        None => trees::open_all(policy, &program.path, None)?,
    };
    let rules = Rules::of(&pieces);
    let filter = calls::compile(policy)?;
    root::replace(pieces, policy)?;
    identity::drop_privileges()?;
    // For process 1; the program's own process gets it back by `execve`.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).refused(Layer::Supervision, "hiding process 1")?;
    match sys::fork_unchecked().refused(Layer::Supervision, "starting the program's process")? {
        Forked::Child => become_program(program, &rules, &filter),
        Forked::Parent(child) => {
            watch::let_go_of_stdio(null)?;
            std::process::exit(watch::reap_until(child))
        }
    }
}

/// The last layers, which the program keeps for itself and its descendants.
fn become_program(program: &Program, rules: &Rules, filter: &BpfProgram) -> Result<Infallible, Refusal> {
    let folder = &program.order.folder;
    let doing = format!("entering {} (is it granted?)", folder.display());
    rustix::process::chdir(folder).refused(Layer::Start, &doing)?;
    limits::apply(&program.order.policy)?;
    rules.enforce()?;
    sys::close_all(Closing::AtExec).refused(Layer::Supervision, "closing descriptors")?;
    let mut command = Command::new(&program.path);
    command.args(&program.arguments);
    calls::enforce(filter)?;
    Err(command.exec()).refused(Layer::Start, &format!("executing {}", program.path.display()))
}
