//! The program `laufzettel-mcp-mail`: reads the command line, nothing else.

use std::process::ExitCode;

use clap::Parser;
use laufzettel_mcp_kit::edge;
use laufzettel_mcp_mail::{Options, run};

/// Tool server of Laufzettel: hands mail out and takes it in
#[derive(Parser)]
#[command(name = "laufzettel-mcp-mail", version)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> ExitCode {
    edge::log_to_stderr();
    edge::exit(run(Cli::parse().options, edge::stop_signal()).await)
}
