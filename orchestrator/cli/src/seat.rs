//! Where somebody sits at the command line, told by the kernel: the login session of the machine. It outlives `sudo`, which gives
//! every command a terminal of its own; where nothing keeps such sessions (containers), it is the terminal's.

use laufzettel_server::Seat;

/// What the kernel says of a process.
struct Process {
    /// Of the audit subsystem: drawn by `pam_loginuid` at every login, kept by all that is started from it.
    audit: Option<String>,
    /// Leader of its POSIX session, and when it started: ids are used again, both together are not.
    session: Option<(i32, String)>,
}

/// `None`: the process has gone, or sits nowhere that would still be the same at its next command.
pub fn of(uid: u32, pid: i32) -> Option<Seat> {
    let read = |pid: i32, name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).ok();
    let session = read(pid, "stat").as_deref().and_then(|stat| field(stat, SESSION)?.parse().ok());
    let session = session.and_then(|leader: i32| Some((leader, field(&read(leader, "stat")?, STARTED)?.to_owned())));
    let process = Process { audit: read(pid, "sessionid"), session };
    // who logged in at this machine, before any `sudo`; the user the program runs as is everybody's
    let login = read(pid, "loginuid").and_then(|text| text.trim().parse().ok()).filter(|login: &u32| login.to_string() != NO_AUDIT).unwrap_or(uid);
    id(uid, &process).map(|id| Seat { id, os_user: name(login) })
}

/// Audit sessions are numbered from one; this one means that there is none (`AUDIT_SID_UNSET`).
const NO_AUDIT: &str = "4294967295";

fn id(uid: u32, process: &Process) -> Option<String> {
    let audit = process.audit.as_deref().map(str::trim).filter(|id| !id.is_empty() && *id != NO_AUDIT);
    match (audit, &process.session) {
        (Some(audit), _) => Some(format!("{uid} audit:{audit}")),
        (None, Some((leader, started))) => Some(format!("{uid} session:{leader}@{started}")),
        (None, None) => None,
    }
}

/// Fields of `/proc/PID/stat` behind the name, which may hold blanks and brackets itself (proc_pid_stat(5)).
const SESSION: usize = 3;
const STARTED: usize = 19;

fn field(stat: &str, number: usize) -> Option<&str> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(number)
}

/// The user's name in the list of accounts.
pub fn name(uid: u32) -> String {
    let (accounts, id) = (std::fs::read_to_string("/etc/passwd").unwrap_or_default(), uid.to_string());
    let name = accounts.lines().find_map(|line| {
        let mut parts = line.split(':');
        let (name, _, of) = (parts.next()?, parts.next()?, parts.next()?);
        (of == id).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("uid {uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_session_counts_before_the_terminal() {
        let session = || Some((17, "99".to_owned()));
        for (audit, session, expected) in [
            (Some("12\n"), session(), Some("1000 audit:12")),
            (Some("4294967295"), session(), Some("1000 session:17@99")),
            (Some(""), session(), Some("1000 session:17@99")),
            (None, session(), Some("1000 session:17@99")),
            (None, None, None),
        ] {
            let process = Process { audit: audit.map(str::to_owned), session };
            assert_eq!(id(1000, &process).as_deref(), expected);
        }
    }

    #[test]
    fn a_process_may_be_called_anything() {
        let stat = "42 (a) 7 (b) S 1 42 41 0 -1 4194304 5 6 7 8 9 10 11 12 20 0 1 0 8812345 9 9";
        assert_eq!((field(stat, SESSION), field(stat, STARTED)), (Some("41"), Some("8812345")));
        assert_eq!(field("42", SESSION), None);
    }

    /// In a session of its own, whatever the tests themselves were begun from: that one may have no leader any more, or one that
    /// another namespace hides.
    #[test]
    fn a_process_sits_where_its_session_began() {
        let mut command = std::process::Command::new("setsid");
        command.args(["sh", "-c", "echo; cat"]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut shell = command.spawn().unwrap();
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        let pid = i32::try_from(shell.id()).unwrap();
        let seat = of(0, pid).unwrap();
        assert_eq!(of(0, pid), Some(seat.clone()), "the same at the next command");
        assert_ne!(of(1, pid).map(|other| other.id), Some(seat.id));
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert_eq!((of(0, pid), of(0, i32::MAX)), (None, None), "whoever has gone sits nowhere");
    }
}
