//! The program `laufzettel-mcp-dms`: reads the command line, nothing else.

use std::process::ExitCode;

use clap::Parser;
use laufzettel_mcp_dms::{Options, run};
use laufzettel_mcp_kit::edge;

/// Tool server of Laufzettel: keeps the files of a house
#[derive(Parser)]
#[command(name = "laufzettel-mcp-dms", version)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> ExitCode {
    edge::log_to_stderr();
    edge::exit(run(Cli::parse().options, edge::stop_signal()).await)
}
