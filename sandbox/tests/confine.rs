//! What a confined program can do, how it ends, and that a missing layer means no program: the binary `confine`.
#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};

use laufzettel_sandbox::Layer;
use rustix::process::{Pid, Signal, geteuid, kill_process};

const CONFINE: &str = env!("CARGO_BIN_EXE_confine");

fn confine(words: &[&str]) -> Output {
    Command::new(CONFINE).args(words).env("LEAK", "from the engine").output().unwrap()
}

fn shell(options: &[&str], script: &str) -> String {
    let words: Vec<&str> = options.iter().copied().chain(["--subprocesses", "--", "/bin/sh", "-c", script]).collect();
    let output = confine(&words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn reads_and_writes_what_it_was_granted() {
    let folder = tempfile::tempdir().unwrap();
    let (given, own) = (folder.path().join("given"), folder.path().join("own"));
    fs::create_dir_all(&own).unwrap();
    fs::write(&given, "word").unwrap();
    let (read, write) = (given.to_str().unwrap(), own.to_str().unwrap());
    let script = format!("cat {read} > {write}/copy && mkdir {write}/d && mv {write}/copy {write}/d/ && cat {write}/d/copy");
    assert_eq!(shell(&["--read", read, "--write", write, "--cwd", write], &script), "word");
    assert_eq!(fs::read_to_string(own.join("d/copy")).unwrap(), "word");
    let owner = fs::metadata(own.join("d/copy")).unwrap().uid();
    assert_eq!(owner, geteuid().as_raw());
}

#[test]
fn a_readable_part_of_a_writable_folder_stays_readable_only() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let (outer, inner) = (folder.path().to_str().unwrap(), inner.to_str().unwrap());
    let script = format!("touch {outer}/a && ! touch {inner}/b 2>/dev/null && ls {outer}");
    assert_eq!(shell(&["--write", outer, "--read", inner], &script), "a\ninner\n");
}

#[test]
fn gets_the_environment_and_arguments_given_and_no_more() {
    assert_eq!(shell(&["--env", "GIVEN=yes"], "echo $GIVEN $LEAK"), "yes\n");
    let output = confine(&["--env", "A=1", "--", "/usr/bin/env"]);
    let seen: BTreeSet<&str> = str::from_utf8(&output.stdout).unwrap().lines().collect();
    assert_eq!(seen, BTreeSet::from(["A=1", "MALLOC_ARENA_MAX=2"]));
    assert_eq!(confine(&["--", "/bin/echo", "one", "two words"]).stdout, b"one two words\n");
}

#[test]
fn is_alone_and_nobody() {
    let seen = shell(&[], "echo /proc/[0-9]*; id -u; hostname; ls -A /tmp; grep -c CapBnd:.0000000000000000 /proc/self/status");
    let lines: Vec<&str> = seen.lines().collect();
    let (processes, rest) = lines.split_first().unwrap();
    assert!(processes.split(' ').count() <= 2, "{processes}");
    assert_eq!(rest, ["1000", "sandbox", "1"]);
}

#[test]
fn the_exit_code_is_the_programs() {
    assert_eq!(confine(&["--", "/bin/true"]).status.code(), Some(0));
    assert_eq!(confine(&["--", "/bin/sh", "-c", "exit 7"]).status.code(), Some(7));
    assert_eq!(confine(&["--", "/bin/sh", "-c", "kill -9 $$"]).status.code(), Some(128 + 9));
}

#[test]
fn orphans_end_with_the_program() {
    let mut child = Command::new(CONFINE).args(["--subprocesses", "--", "/bin/sh", "-c", "sleep 1000 & echo started"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut all = String::new();
    child.stdout.take().unwrap().read_to_string(&mut all).unwrap();
    assert_eq!(all, "started\n");
    assert!(child.wait().unwrap().success());
}

fn cat() -> Child {
    let mut child = Command::new(CONFINE).args(["--", "/bin/cat"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0_u8]).unwrap();
    child
}

#[test]
fn ends_with_the_engine() {
    let mut child = cat();
    let (_open, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(stdout.read(&mut [0_u8]).unwrap(), 0);
}

#[test]
fn ends_with_its_watcher() {
    let mut child = cat();
    let (_open, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap();
    let watcher = Pid::from_raw(children.trim().parse().unwrap()).unwrap();
    kill_process(watcher, Signal::KILL).unwrap();
    assert_eq!(stdout.read(&mut [0_u8]).unwrap(), 0);
    child.wait().unwrap();
}

#[test]
fn what_cannot_start_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken");
    fs::write(&broken, "no program").unwrap();
    let output = confine(&["--", broken.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(Layer::Start.exit_code()));
    let output = confine(&["--cwd", "/var/tmp", "--", "/bin/true"]);
    assert_eq!(output.status.code(), Some(Layer::Start.exit_code()));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is it granted?"));
}

/// Runs `confine`, as an ordinary user, in a user namespace where `preparation` took something away.
fn deprived(preparation: &str) -> Option<i32> {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.path().join("confine");
    fs::copy(CONFINE, &copy).unwrap();
    let mut command = unshared(&format!("{preparation} && exec {} -- /bin/true", copy.display()));
    if geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    command.status().unwrap().code()
}

fn unshared(script: &str) -> Command {
    let mut command = Command::new("/usr/bin/unshare");
    command.args(["--user", "--map-root-user", "--mount", "/bin/sh", "-c", script]).stderr(Stdio::null());
    command
}

#[test]
fn starts_inside_another_user_namespace_too() {
    assert_eq!(deprived("true"), Some(0));
}

#[test]
fn a_missing_layer_means_no_program() {
    let no_namespaces = "echo 0 > /proc/sys/user/max_user_namespaces";
    assert_eq!(deprived(no_namespaces), Some(Layer::Namespaces.exit_code()));
    let no_network_namespaces = "echo 0 > /proc/sys/user/max_net_namespaces";
    assert_eq!(deprived(no_network_namespaces), Some(Layer::Namespaces.exit_code()));
    let hidden_proc = "mount -t tmpfs none /proc/sys";
    assert_eq!(deprived(hidden_proc), Some(Layer::Mounts.exit_code()));
    let no_device = "mount --bind /etc/passwd /dev/zero";
    assert_eq!(deprived(no_device), Some(Layer::Mounts.exit_code()));
}

/// The real root in a namespace that maps nobody else: it cannot leave its account, and the kernel would not count
/// its processes. The helper finds that out and refuses.
#[test]
fn a_limit_that_would_not_hold_means_no_program() {
    if geteuid().is_root() {
        let code = unshared(&format!("exec {CONFINE} -- /bin/true")).status().unwrap().code();
        assert_eq!(code, Some(Layer::Limits.exit_code()));
    }
}
