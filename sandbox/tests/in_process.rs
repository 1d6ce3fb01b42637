//! The library from inside a program with threads, as the engine uses it. No test harness: the helper is this binary.
#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use laufzettel_sandbox::{Error, Layer, Network, Policy, available, command, is_helper, run_helper};

fn main() {
    if is_helper(std::env::args_os()) {
        run_helper(std::env::args_os());
    }
    let checks: [(&str, fn()); 8] = [
        ("this machine can confine", || available().unwrap()),
        ("a tool server outlives the thread that started it", outlives_its_thread),
        ("killing ends everything inside", killing_ends_everything),
        ("a closed output is seen before the end", closed_output_is_seen),
        ("network grants are refused", network_is_refused),
        ("unfit paths are refused", unfit_paths_are_refused),
        ("programs in writable folders are refused", writable_program_is_refused),
        ("only the starter can use an order", foreign_starter_is_refused),
    ];
    for (name, check) in checks {
        check();
        println!("{name} ... ok");
    }
}

fn cat() -> Child {
    let mut command = command(&Policy::default(), Path::new("/bin/cat"), &[], &[], None).unwrap();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn echoes(child: &mut Child) -> bool {
    let mut back = [0_u8; 5];
    child.stdin.as_mut().unwrap().write_all(b"still").unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut back).is_ok() && &back == b"still"
}

fn outlives_its_thread() {
    let mut child = std::thread::spawn(cat).join().unwrap();
    assert!(echoes(&mut child));
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

fn killing_ends_everything() {
    let mut child = cat();
    assert!(echoes(&mut child));
    let (_open, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    // Its end of the pipe closes only when the program is gone.
    assert_eq!(stdout.read(&mut [0_u8]).unwrap(), 0);
}

/// Neither the watcher nor process 1 holds on to the program's pipes.
fn closed_output_is_seen() {
    let args = ["-c", "exec 1>&-; read line; exit 3"].map(OsString::from);
    let mut command = command(&Policy::default(), Path::new("/bin/sh"), &args, &[], None).unwrap();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    assert_eq!(child.stdout.take().unwrap().read(&mut [0_u8]).unwrap(), 0);
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

fn refusal(policy: &Policy, program: &str) -> Error {
    command(policy, Path::new(program), &[], &[], None).map(drop).unwrap_err()
}

fn network_is_refused() {
    let policy = Policy { network: Network::Allow(vec!["example:443".to_owned()]), ..Policy::default() };
    assert!(matches!(refusal(&policy, "/bin/true"), Error::NetworkUnsupported(_)));
}

fn unfit_paths_are_refused() {
    let reading = |path: &str| Policy { read: vec![path.into()], ..Policy::default() };
    assert!(matches!(refusal(&reading("/"), "/bin/true"), Error::Reserved(_)));
    assert!(matches!(refusal(&reading("/proc/self/root/etc"), "/bin/true"), Error::Reserved(_)));
    assert!(matches!(refusal(&reading("/no/such/folder"), "/bin/true"), Error::Missing { .. }));
    let hidden = tempfile::tempdir().unwrap();
    let link = hidden.path().join("link");
    std::os::unix::fs::symlink("/", &link).unwrap();
    assert!(matches!(refusal(&reading(&link.display().to_string()), "/bin/true"), Error::Reserved(_)));
    assert!(matches!(refusal(&Policy::default(), "true"), Error::Relative(_)));
    let preload = [("LD_PRELOAD".to_owned(), "/x".to_owned())];
    let refused = command(&Policy::default(), Path::new("/bin/true"), &[], &preload, None).map(drop).unwrap_err();
    assert!(matches!(refused, Error::Environment(_)));
}

fn writable_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    std::fs::copy("/bin/true", &program).unwrap();
    let policy = Policy { write: vec![PathBuf::from(folder.path())], ..Policy::default() };
    assert!(matches!(refusal(&policy, &program.display().to_string()), Error::WritableProgram(_)));
}

/// An order copied from the process list is of no use to another process.
fn foreign_starter_is_refused() {
    let built = command(&Policy::default(), Path::new("/bin/true"), &[], &[], None).unwrap();
    let args: Vec<OsString> = built.get_args().map(OsString::from).collect();
    let this = std::env::current_exe().unwrap();
    let status = std::process::Command::new("/bin/sh").args(["-c", r#""$@"; exit $?"#, "sh"]).arg(this).args(args).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(Layer::Supervision.exit_code()));
}
