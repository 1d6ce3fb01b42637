//! Named places where a test can make this program die, fail or dawdle. In builds without debug assertions they are nothing.
//!
//! `LAUFZETTEL_FAILPOINT="store.before_commit=crash@3"`: at the third time it is passed. Actions: `crash` (abort, as
//! `kill -9` would), `error` (the place fails in its own way), `delay:<ms>`.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

/// Every failpoint there is, so that a test can visit them all.
pub const NAMES: [&str; 34] = [
    "store.opened",
    "store.before_begin",
    "store.before_insert",
    "store.before_commit",
    "store.after_commit",
    "store.before_reply",
    "store.before_close",
    "checkpoint.before_table",
    "checkpoint.before_witness",
    "checkpoint.after_witness",
    "worker.started",
    "worker.claimed",
    "worker.folded",
    "worker.before_door",
    "worker.after_door",
    "worker.before_decide",
    "worker.before_append",
    "worker.after_append",
    "door.before_resolve",
    "door.before_call",
    "door.after_call",
    "start.before_append",
    "start.after_append",
    "answer.after_append",
    "record.before_append",
    "event.before_append",
    "event.after_append",
    "event.before_take",
    "schedule.before_start",
    "schedule.after_start",
    "erasure.before_witness",
    "erasure.after_witness",
    "removal.before_commit",
    "removal.after_commit",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Crash,
    Error,
    Delay(u64),
}

struct Armed {
    name: String,
    action: Action,
    /// Fires at this passing, counted from 1.
    at: u64,
    passed: AtomicU64,
}

static ARMED: LazyLock<Option<Armed>> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "a test arms failpoints from outside; this is the one place that looks")]
    let text = std::env::var("LAUFZETTEL_FAILPOINT").ok()?;
    parse(&text)
});

fn parse(text: &str) -> Option<Armed> {
    let (name, rest) = text.split_once('=')?;
    let (action, at) = rest.split_once('@').map_or((rest, 1), |(a, n)| (a, n.parse().unwrap_or(1)));
    let action = match action.split_once(':') {
        None if action == "crash" => Action::Crash,
        None if action == "error" => Action::Error,
        Some(("delay", ms)) => Action::Delay(ms.parse().ok()?),
        _ => return None,
    };
    Some(Armed { name: name.to_owned(), action, at, passed: AtomicU64::new(0) })
}

/// Passes a failpoint. `true` means: fail here, in this place's own way.
#[must_use]
pub fn hit(name: &'static str) -> bool {
    if !cfg!(debug_assertions) {
        return false;
    }
    debug_assert!(NAMES.contains(&name), "failpoint {name} is not listed");
    let Some(armed) = ARMED.as_ref().filter(|armed| armed.name == name) else { return false };
    if armed.passed.fetch_add(1, Ordering::SeqCst) + 1 != armed.at {
        return false;
    }
    match armed.action {
        Action::Crash => std::process::abort(),
        Action::Error => true,
        Action::Delay(ms) => {
            std::thread::sleep(std::time::Duration::from_millis(ms));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_armed() {
        let armed = parse("store.before_commit=crash@3").unwrap();
        assert_eq!((armed.action, armed.at), (Action::Crash, 3));
        assert_eq!(parse("x=delay:20").unwrap().action, Action::Delay(20));
        assert!(parse("x").is_none());
        assert!(parse("x=burn").is_none());
    }
}
