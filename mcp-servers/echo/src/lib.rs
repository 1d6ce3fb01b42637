//! A tool server that returns what it was given, for benchmarks and tests. It asks nobody's identity (`identity: none`),
//! keeps nothing and touches nothing, so that what is measured is the way there and back.

use std::time::Duration;

use laufzettel_mcp_kit::{
    Failure, Listening, arguments,
    describe::{Effect, tool},
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, JsonObject, ListToolsResult, PaginatedRequestParams, ServerCapabilities,
        ServerConfig, Tool,
    },
    service::RequestContext,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use laufzettel_mcp_kit::Error;

/// Longest wait, milliseconds: shorter than any caller's patience.
const MS_MAX: u64 = 10_000;

/// Where the server listens.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    #[command(flatten)]
    pub listening: Listening,
}

/// Serves until the peer leaves or `stop` resolves.
pub async fn run(options: Options, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
    options.listening.serve(Echo, stop).await
}

/// The server itself, for callers that bring their own stream.
#[derive(Debug, Clone, Copy)]
pub struct Echo;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Gesagt {
    text: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Warten {
    #[schemars(range(max = 10_000))]
    ms: u64,
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Antwort {
    text: String,
}

impl Echo {
    async fn answer(tool: &str, given: JsonObject) -> Result<Antwort, Failure> {
        match tool {
            "echo" => arguments::<Gesagt>(given).map(|Gesagt { text }| Antwort { text }),
            "warten" => {
                let Warten { ms, text } = arguments(given)?;
                if ms > MS_MAX {
                    return Err(Failure::invalid(format!("„ms“ darf höchstens {MS_MAX} sein.")));
                }
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Ok(Antwort { text })
            }
            _ => Err(Failure::not_found("Dieses Werkzeug gibt es hier nicht.")),
        }
    }
}

fn tools() -> Vec<Tool> {
    vec![
        tool::<Gesagt, Antwort>("echo", "Echo", "Gibt den Text zurück", Effect::Read),
        tool::<Warten, Antwort>("warten", "Warten", "Gibt den Text nach „ms“ Millisekunden zurück", Effect::Read),
    ]
}

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("laufzettel-mcp-echo", env!("CARGO_PKG_VERSION")))
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    async fn call_tool(&self, request: CallToolRequestParams, _: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        let answer = Self::answer(&request.name, request.arguments.unwrap_or_default()).await;
        let result = answer.map_or_else(CallToolResult::from, |answer| CallToolResult::structured(json!(answer)));
        Ok(result.into())
    }
}
