//! The program `laufzettel-mcp-echo`: reads the command line, nothing else.

use std::process::ExitCode;

use clap::Parser;
use laufzettel_mcp_echo::{Options, run};
use laufzettel_mcp_kit::edge;

/// Tool server of Laufzettel: answers what it was asked
#[derive(Parser)]
#[command(name = "laufzettel-mcp-echo", version)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> ExitCode {
    edge::log_to_stderr();
    edge::exit(run(Cli::parse().options, edge::stop_signal()).await)
}
