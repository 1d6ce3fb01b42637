//! Named places where a test can make this program die, fail or dawdle. In builds without debug assertions they are nothing.
//!
//! `LAUFZETTEL_FAILPOINT="store.before_commit=crash@3"`: at the third time it is passed. Actions: `crash` (abort, as
//! `kill -9` would), `error` (the place fails in its own way), `delay:<ms>`. `LAUFZETTEL_FAILPOINT="@/path"`: that file says it, one a line, and
//! is looked at whenever a place is passed; places where something happened are added to `/path.fired`. So one server serves for many of them.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex},
};

/// Every failpoint there is, so that a test can visit them all.
pub const NAMES: [&str; 84] = [
    "store.before_schema",
    "store.opened",
    "store.before_history",
    "store.before_lane",
    "store.after_lane",
    "store.before_close",
    "store.before_reply",
    "store.before_check",
    "store.before_begin",
    "store.before_insert",
    "store.after_records",
    "store.after_projections",
    "store.after_receipts",
    "store.before_commit",
    "store.after_commit",
    "store.before_sweep",
    "store.before_bytes",
    "store.after_bytes",
    "unsent.before_write",
    "unsent.after_write",
    "store.before_index",
    "removal.before_commit",
    "removal.after_commit",
    "checkpoint.before_table",
    "checkpoint.before_witness",
    "checkpoint.half_witnessed",
    "checkpoint.after_witness",
    "worker.started",
    "worker.stopping",
    "worker.before_claim",
    "worker.claimed",
    "worker.folded",
    "worker.before_decide",
    "worker.after_append",
    "worker.before_wake",
    "worker.before_append",
    "worker.before_door",
    "worker.after_door",
    "worker.intended",
    "worker.after_write",
    "family.before_begin",
    "family.before_call_off",
    "family.before_tell",
    "door.before_keep",
    "door.before_ask",
    "door.after_ask",
    "door.before_resolve",
    "door.before_embed",
    "door.before_call",
    "door.after_call",
    "door.before_model",
    "door.after_model",
    "start.before_number",
    "start.before_append",
    "start.after_append",
    "wish.before_decide",
    "wish.after_append",
    "answer.after_append",
    "answer.before_permit",
    "record.before_append",
    "record.after_append",
    "release.before_results",
    "hook.before_start",
    "hook.after_start",
    "arrival.before_done",
    "arrival.before_mark",
    "arrival.before_report",
    "arrival.before_move",
    "event.before_append",
    "event.after_append",
    "event.before_take",
    "event.before_aside",
    "event.after_aside",
    "schedule.before_start",
    "schedule.after_start",
    "schedule.before_record",
    "erasure.before_witness",
    "erasure.after_witness",
    "erasure.after_commit",
    "erasure.before_repeat",
    "erasure.before_prune",
    "restore.recorded",
    "restore.parked",
    "restore.before_note",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Crash,
    Error,
    Delay(u64),
}

#[derive(Debug, PartialEq, Eq)]
struct Armed {
    name: String,
    action: Action,
    /// Fires at this passing, counted from 1.
    at: u64,
}

/// What is armed, one a line, and how often each was passed.
#[derive(Default)]
struct Trap {
    file: Option<PathBuf>,
    text: String,
    armed: Vec<(Armed, u64)>,
}

static TRAP: LazyLock<Option<Mutex<Trap>>> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "a test arms failpoints from outside; this is the one place that looks")]
    let text = std::env::var("LAUFZETTEL_FAILPOINT").ok()?;
    let trap = match text.strip_prefix('@') {
        Some(file) => Trap { file: Some(file.into()), ..Trap::default() },
        None => Trap { armed: armed(&text), ..Trap::default() },
    };
    Some(Mutex::new(trap))
});

fn armed(text: &str) -> Vec<(Armed, u64)> {
    text.lines().filter_map(parse).map(|armed| (armed, 0)).collect()
}

fn parse(line: &str) -> Option<Armed> {
    let (name, rest) = line.trim().split_once('=')?;
    let (action, at) = rest.split_once('@').map_or((rest, 1), |(a, n)| (a, n.parse().unwrap_or(1)));
    let action = match action.split_once(':') {
        None if action == "crash" => Action::Crash,
        None if action == "error" => Action::Error,
        Some(("delay", ms)) => Action::Delay(ms.parse().ok()?),
        _ => return None,
    };
    Some(Armed { name: name.to_owned(), action, at })
}

impl Trap {
    /// What is to happen at this passing.
    fn pass(&mut self, name: &str) -> Option<Action> {
        if let Some(file) = &self.file {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            if text != self.text {
                (self.armed, self.text) = (armed(&text), text);
            }
        }
        let (armed, passed) = self.armed.iter_mut().find(|(armed, _)| armed.name == name)?;
        *passed += 1;
        let action = (*passed == armed.at).then_some(armed.action)?;
        if let Some(file) = &self.file {
            fired(file, name);
        }
        Some(action)
    }
}

fn fired(file: &Path, place: &str) {
    let mut name = file.as_os_str().to_owned();
    name.push(".fired");
    let log = std::fs::OpenOptions::new().create(true).append(true).open(name);
    log.and_then(|mut log| writeln!(log, "{place}")).expect("a test looks at what happened");
}

/// Passes a failpoint. `true` means: fail here, in this place's own way.
#[must_use]
pub fn hit(name: &'static str) -> bool {
    if !cfg!(debug_assertions) {
        return false;
    }
    debug_assert!(NAMES.contains(&name), "failpoint {name} is not listed");
    let Some(trap) = TRAP.as_ref() else { return false };
    let action = trap.lock().expect("nobody panics while holding this lock").pass(name);
    match action {
        None => false,
        Some(Action::Crash) => std::process::abort(),
        Some(Action::Error) => true,
        Some(Action::Delay(ms)) => {
            std::thread::sleep(std::time::Duration::from_millis(ms));
            false
        }
    }
}

/// The same for places that fail with an error made of a text.
pub fn pass<E>(name: &'static str, error: impl FnOnce(String) -> E) -> Result<(), E> {
    if hit(name) { Err(error(format!("failpoint {name}"))) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_armed() {
        let armed = |name: &str, action, at| Some(Armed { name: name.to_owned(), action, at });
        for (text, expected) in [
            ("store.before_commit=crash@3", armed("store.before_commit", Action::Crash, 3)),
            ("x=delay:20\n", armed("x", Action::Delay(20), 1)),
            ("x=error", armed("x", Action::Error, 1)),
            ("x", None),
            ("x=burn", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn a_file_arms_one_after_the_other_and_is_told_what_happened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("falle");
        let mut trap = Trap { file: Some(file.clone()), ..Trap::default() };
        assert_eq!(trap.pass("a"), None);
        std::fs::write(&file, "a=error@2").unwrap();
        assert_eq!((trap.pass("a"), trap.pass("b"), trap.pass("a"), trap.pass("a")), (None, None, Some(Action::Error), None));
        std::fs::write(&file, "b=delay:1\na=error").unwrap();
        assert_eq!((trap.pass("a"), trap.pass("b"), trap.pass("b")), (Some(Action::Error), Some(Action::Delay(1)), None));
        assert_eq!(std::fs::read_to_string(folder.path().join("falle.fired")).unwrap(), "a\na\nb\n");
    }
}
