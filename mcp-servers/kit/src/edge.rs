//! The edge of a server process: clock, environment, stop signal, log, exit code. The only file here that asks the machine.

use std::{
    error::Error,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

/// Seconds since 1970; a clock before that counts as 0, at which every token is refused.
#[expect(clippy::disallowed_methods, reason = "the one clock of the tool servers; all else takes the time as a value")]
pub fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// One variable of the environment; text that is not UTF-8 counts as absent.
#[expect(clippy::disallowed_methods, reason = "the variables a stdio server is given when spawned; read in one place")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Dies here, as `kill -9` would, where a test has armed it (`LAUFZETTEL_FAILPOINT=<name>=crash`). Not there without debug assertions.
pub fn crash_at(name: &str) {
    if cfg!(debug_assertions) && environment("LAUFZETTEL_FAILPOINT").is_some_and(|armed| armed.strip_suffix("=crash") == Some(name)) {
        std::process::abort();
    }
}

/// Resolves on Ctrl-C or SIGTERM; a signal that cannot be registered never comes.
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let term = async {
        match signal(SignalKind::terminate()) {
            Ok(mut term) => drop(term.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = term => {}
        Ok(()) = tokio::signal::ctrl_c() => {}
    }
}

/// Log lines to standard error: standard output belongs to the protocol. Of the library only warnings: it tells
/// every connection, and who connects over HTTP does so at each call.
pub fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::new("info,rmcp=warn");
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Tells an error with its causes on standard error, and the exit code for it (2: usage or configuration).
pub fn exit<E: Error>(result: Result<(), E>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    eprintln!("{told}");
    ExitCode::from(2)
}
