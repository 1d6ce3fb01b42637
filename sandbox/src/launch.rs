//! The engine's side: checks a policy, builds the command that starts a program confined, probes the machine.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::helper::{MARKER, Order};
use crate::policy::{Network, Policy, Unfit, fit};
use crate::refusal::Layer;

/// In German: for whoever starts a server and reads why it did not.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}: bitte den ganzen Pfad angeben, mit „/“ am Anfang")]
    Relative(PathBuf),
    #[error("{0}: „..“ darf im Pfad nicht stehen")]
    Parent(PathBuf),
    #[error("{0}: lässt sich nicht freigeben, die Sandbox hat dort ihr Eigenes")]
    Reserved(PathBuf),
    #[error("{path}: gibt es nicht, oder es ist nicht zu lesen")]
    Missing {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{0}: ein Programm darf in keinem Ordner liegen, in den es selbst schreibt")]
    WritableProgram(PathBuf),
    #[error("die Umgebungsvariable „{0}“ lässt sich nicht mitgeben: sie wirkte schon vor der Sandbox")]
    Environment(String),
    #[error("Netz aus der Sandbox wird noch nicht unterstützt: {0:?}")]
    NetworkUnsupported(Vec<String>),
    #[error("Pfade der Sandbox müssen UTF-8 sein")]
    Encoding(#[source] serde_json::Error),
    #[error("die Sandbox lässt sich nicht starten")]
    Probe(#[source] io::Error),
    #[error("auf dieser Maschine geht die Sandbox nicht ({}): {message}", layer.map_or_else(|| "unbekannt".to_owned(), |layer| layer.to_string()))]
    Unavailable {
        /// `None` when the helper ended in a way it never does by itself.
        layer: Option<Layer>,
        message: String,
    },
}

/// The command that starts `program` confined to `policy`. Its exit code is the program's (128 + number for a signal)
/// or a [`Layer`]'s; killing it kills everything inside, and so does the end of this process. The environment is `env`
/// alone, besides `MALLOC_ARENA_MAX` (the C library would reserve much of the address space for each thread).
///
/// Relative paths of the policy count from the current folder. The command must be spawned from this process, whose
/// `main` calls [`run_helper`](crate::run_helper).
pub fn command(policy: &Policy, program: &Path, args: &[OsString], env: &[(String, String)], cwd: Option<&Path>) -> Result<Command, Error> {
    if let Network::Allow(hosts) = &policy.network {
        return Err(Error::NetworkUnsupported(hosts.clone()));
    }
    let policy = resolved(policy)?;
    check_program(&policy, program)?;
    let folder = absolute(cwd.unwrap_or(Path::new("/")))?;
    let order = Order { policy, starter: std::process::id(), folder };
    let mut command = Command::new("/proc/self/exe");
    command.arg(MARKER).arg(serde_json::to_string(&order).map_err(Error::Encoding)?).arg(program).args(args);
    command.current_dir("/").env_clear().env("MALLOC_ARENA_MAX", "2");
    for (name, value) in env {
        check_variable(name)?;
        command.env(name, value);
    }
    Ok(command)
}

/// Whether tool servers can be confined here, found out by confining `/bin/true`.
/// Only for a binary whose `main` calls [`run_helper`](crate::run_helper): any other would be started again as itself.
pub fn available() -> Result<(), Error> {
    let output = command(&Policy::default(), Path::new("/bin/true"), &[], &[], None)?.output().map_err(Error::Probe)?;
    verdict(&output)
}

fn verdict(output: &Output) -> Result<(), Error> {
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Unavailable { layer: output.status.code().and_then(Layer::from_exit_code), message })
}

fn resolved(policy: &Policy) -> Result<Policy, Error> {
    let all = |paths: &[PathBuf]| paths.iter().map(|path| granted(path)).collect::<Result<Vec<_>, _>>();
    Ok(Policy { read: all(&policy.read)?, write: all(&policy.write)?, ..policy.clone() })
}

fn granted(path: &Path) -> Result<PathBuf, Error> {
    let path = absolute(path)?;
    checked(&path)?;
    let real = path.canonicalize().map_err(|source| Error::Missing { path: path.clone(), source })?;
    checked(&real)?;
    Ok(path)
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    let absolute = std::path::absolute(path).map_err(|source| Error::Missing { path: path.to_owned(), source })?;
    Ok(absolute.components().collect())
}

fn checked(path: &Path) -> Result<(), Error> {
    fit(path).map_err(|unfit| match unfit {
        Unfit::Relative => Error::Relative(path.to_owned()),
        Unfit::Parent => Error::Parent(path.to_owned()),
        Unfit::Reserved => Error::Reserved(path.to_owned()),
    })
}

fn check_program(policy: &Policy, program: &Path) -> Result<(), Error> {
    checked(program)?;
    let missing = |source| Error::Missing { path: program.to_owned(), source };
    let real = program.canonicalize().map_err(missing)?;
    for folder in &policy.write {
        let real_folder = folder.canonicalize().map_err(missing)?;
        if program.starts_with(folder) || real.starts_with(real_folder) {
            return Err(Error::WritableProgram(program.to_owned()));
        }
    }
    Ok(())
}

/// The helper is linked dynamically: the linker would read these before the first layer is on.
fn check_variable(name: &str) -> Result<(), Error> {
    let odd = name.is_empty() || name.contains(['=', '\0']);
    if odd || name.starts_with("LD_") || name == "GLIBC_TUNABLES" {
        return Err(Error::Environment(name.to_owned()));
    }
    Ok(())
}
