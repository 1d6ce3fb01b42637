//! The attacker of the tests: `hostile ATTEMPT ARGS…` tries one thing a tool server must not be able to do.
//! Exit code 0: it worked. 10: it was refused, with the reason on stdout. Anything else: the attempt itself is broken.

mod call;
mod files;
mod kernel;
mod network;
mod processes;

use std::io::Result;
use std::process::ExitCode;

/// One attempt: its name and what it does with its arguments.
type Attempt = (&'static str, fn(&[String]) -> Result<()>);

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let all = [files::ATTEMPTS, processes::ATTEMPTS, network::ATTEMPTS, kernel::ATTEMPTS].concat();
    let Some((_, attempt)) = all.iter().find(|(known, _)| *known == name) else {
        println!("no such attempt: {name}");
        return ExitCode::from(20);
    };
    match attempt(&rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::from(10)
        }
    }
}
