//! One tool call, from the wire to the tool and back: no tool sees a call whose delegation was not verified.
//! It holds no session and knows no tool.

use std::sync::{Arc, Mutex, PoisonError};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, JsonObject, ListToolsResult, PaginatedRequestParams,
        ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Delegation, Failure, Keys, Refusal, delegation, edge, replay::Replay};

/// Results up to this are repeated as text for clients that read no structured content; a file is not sent twice.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// A set of tools behind verified delegations.
pub trait Tools: Send + Sync + 'static {
    /// Name in `serverInfo`.
    const NAME: &'static str;

    /// The tools; asked once, when serving begins.
    fn list(&self) -> Vec<Tool>;

    /// Carries out a call of one of the listed tools.
    fn call(&self, call: Call) -> impl Future<Output = Result<Value, Failure>> + Send;
}

/// A call that is believed.
#[derive(Debug)]
pub struct Call {
    pub delegation: Delegation,
    pub arguments: JsonObject,
    /// When it was admitted, seconds since 1970.
    pub at: i64,
}

impl Call {
    pub fn tool(&self) -> &str {
        &self.delegation.tool
    }

    /// Takes the arguments as the type of the tool.
    pub fn take<A: DeserializeOwned>(&mut self) -> Result<A, Failure> {
        arguments(std::mem::take(&mut self.arguments))
    }
}

/// Arguments as a type; what does not fit is named in brackets.
pub fn arguments<A: DeserializeOwned>(arguments: JsonObject) -> Result<A, Failure> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| Failure::invalid(format!("Die Angaben passen nicht zu diesem Werkzeug ({error}).")))
}

/// Tools as an MCP server. Cloning shares everything: one replay memory for all connections.
pub struct Served<T> {
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    tools: T,
    listed: Vec<Tool>,
    keys: Keys,
    replay: Mutex<Replay>,
    clock: fn() -> i64,
}

impl<T> Clone for Served<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T: Tools> Served<T> {
    /// Serves with the machine's clock.
    pub fn new(tools: T, keys: impl Into<Keys>) -> Self {
        Self::with_clock(tools, keys, edge::unix_seconds)
    }

    /// Serves with another clock (seconds since 1970), for tests.
    pub fn with_clock(tools: T, keys: impl Into<Keys>, clock: fn() -> i64) -> Self {
        let listed = tools.list();
        Self { inner: Arc::new(Inner { tools, listed, keys: keys.into(), replay: Mutex::default(), clock }) }
    }

    /// Of a key that is not known nobody can say that it is wrong while the key set may only be late: nothing has happened, and it may
    /// be tried again.
    fn refused(&self, refusal: Refusal) -> Failure {
        let late = matches!(refusal, Refusal::UnknownKey | Refusal::NoKeys) && matches!(self.inner.keys, Keys::Published(_));
        if late { Failure::unavailable(format!("Der Aufruf lässt sich gerade nicht prüfen: {refusal}.")) } else { refusal.into() }
    }

    async fn admit(&self, meta: &JsonObject, tool: &str, arguments: JsonObject) -> Result<Call, Refusal> {
        let at = (self.inner.clock)();
        let verify = || delegation::verify(&self.inner.keys.trust(at), meta, tool, &arguments, at);
        let mut verified = verify();
        // a key that is not known may be newer than the set that is
        if matches!(verified, Err(Refusal::UnknownKey | Refusal::NoKeys)) && self.inner.keys.refresh(at).await {
            verified = verify();
        }
        let delegation = verified?;
        // A panic elsewhere cannot leave the memory half written: it is one insertion.
        self.inner.replay.lock().unwrap_or_else(PoisonError::into_inner).admit(&delegation, at)?;
        Ok(Call { delegation, arguments, at })
    }

    async fn answer(&self, meta: &JsonObject, tool: &str, arguments: JsonObject) -> Result<Value, Failure> {
        let call = self.admit(meta, tool, arguments).await.map_err(|refusal| self.refused(refusal))?;
        if !self.inner.listed.iter().any(|listed| listed.name == tool) {
            return Err(Failure::not_found("Dieses Werkzeug gibt es hier nicht."));
        }
        self.inner.tools.call(call).await
    }
}

impl<T: Tools> ServerHandler for Served<T> {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build()).with_server_info(Implementation::new(T::NAME, env!("CARGO_PKG_VERSION")))
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.inner.listed.clone()))
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let answer = self.answer(&context.meta, &request.name, arguments).await;
        Ok(answer.map_or_else(CallToolResult::from, success).into())
    }
}

fn success(value: Value) -> CallToolResult {
    let text = value.to_string();
    let text = if text.len() > TEXT_BYTES_MAX { "Das Ergebnis steht in structuredContent.".to_owned() } else { text };
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = Some(value);
    result
}
