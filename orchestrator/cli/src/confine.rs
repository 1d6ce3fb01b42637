//! Tool servers in their sandbox: the configuration's words to the sandbox's policy.

use std::{ffi::OsString, path::Path};

use laufzettel_sandbox::{Network, Policy};

use crate::config::SandboxConfig;

/// The command that starts `program` confined. Fails where the confinement cannot be had: then the server does not start.
/// `programs`: it may start other programs of the system, in the same confinement.
pub fn command(sandbox: &SandboxConfig, programs: bool, program: &Path, args: &[String], folder: &Path) -> std::io::Result<std::process::Command> {
    let policy = Policy { read: sandbox.read.clone(), write: sandbox.write.clone(), network: Network::None, subprocesses: programs, ..Policy::default() };
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    laufzettel_sandbox::command(&policy, program, &args, &[], Some(folder)).map_err(std::io::Error::other)
}
