//! `confine --read PATH --write PATH [--subprocesses] [--cwd PATH] -- PROGRAM ARGS`: the sandbox on its own.
//! `confine --check` says whether this machine can confine. Exit code: the program's, or that of the missing layer.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use laufzettel_sandbox::{Policy, available, command, is_helper, run_helper};

const USAGE: &str = "confine [--read PATH]… [--write PATH]… [--policy JSON] [--subprocesses] [--cwd PATH] \
                     [--env NAME=VALUE]… -- PROGRAM ARGS…   |   confine --check";

type Failure = Box<dyn std::error::Error>;

#[derive(Default)]
struct Wish {
    policy: Policy,
    env: Vec<(String, String)>,
    cwd: Option<PathBuf>,
    program: Vec<OsString>,
}

fn main() -> ExitCode {
    if is_helper(std::env::args_os()) {
        run_helper(std::env::args_os());
    }
    match run(std::env::args_os().skip(1)) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("confine: {failure}");
            ExitCode::from(2)
        }
    }
}

fn run(mut args: impl Iterator<Item = OsString>) -> Result<ExitCode, Failure> {
    let mut wish = Wish::default();
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--check") => return Ok(available().map(|()| ExitCode::SUCCESS)?),
            Some("--") => wish.program = args.by_ref().collect(),
            Some("--subprocesses") => wish.policy.subprocesses = true,
            Some(option) => take(&mut wish, option, args.next().ok_or(USAGE)?)?,
            None => return Err(USAGE.into()),
        }
    }
    let (program, rest) = wish.program.split_first().ok_or(USAGE)?;
    let status = command(&wish.policy, Path::new(program), rest, &wish.env, wish.cwd.as_deref())?.status()?;
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(255))?))
}

fn take(wish: &mut Wish, option: &str, value: OsString) -> Result<(), Failure> {
    let text = value.to_str().ok_or(USAGE);
    match option {
        "--read" => wish.policy.read.push(value.into()),
        "--write" => wish.policy.write.push(value.into()),
        "--policy" => wish.policy = serde_json::from_str(text?)?,
        "--cwd" => wish.cwd = Some(value.into()),
        "--env" => {
            let (name, content) = text?.split_once('=').ok_or(USAGE)?;
            wish.env.push((name.to_owned(), content.to_owned()));
        }
        _ => return Err(USAGE.into()),
    }
    Ok(())
}
