//! The program `laufzettel`: reads the command line, opens what is needed, and carries one command out.

mod args;
mod ask;
mod askable;
mod books;
mod cases;
mod commands;
mod config;
mod confine;
mod demo;
mod house;
mod named;
mod out;
mod password;
mod perform;
mod proof;
mod seat;
mod shut;
mod socket;
mod wish;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // started again to confine a tool server: before any thread exists, and never back from there
    if laufzettel_sandbox::is_helper(std::env::args_os()) {
        laufzettel_sandbox::run_helper(std::env::args_os());
    }
    // what this program and its tool servers write is nobody else's
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let args = args::Args::parse();
    log(&args);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(out::code::ENDED_BADLY);
        }
    };
    let code = match runtime.block_on(commands::carry_out(args)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            out::code::USAGE
        }
    };
    ExitCode::from(code)
}

/// Lines for operators go to stderr; `LAUFZETTEL_LOG` chooses which.
fn log(args: &args::Args) {
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read for the log")]
    let wanted = std::env::var("LAUFZETTEL_LOG").ok();
    let default = if matches!(args.command, args::Command::Serve { .. } | args::Command::Up { .. }) { "info,rmcp=warn,sqlx=warn" } else { "error" };
    let filter = tracing_subscriber::EnvFilter::new(wanted.as_deref().unwrap_or(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}
