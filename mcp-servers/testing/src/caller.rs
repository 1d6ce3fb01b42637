//! An MCP client that plays the orchestrator: connects over a duplex stream, mints a token for each call.

use std::sync::atomic::{AtomicU64, Ordering};

use rmcp::{
    ClientLifecycleMode, ClientServiceExt, RoleClient, ServerHandler, ServiceExt,
    model::{CallToolRequestParams, ClientCapabilities, ClientConfig, Implementation, MetaObject, ProtocolVersion, RequestMetaObject, RequestParamsMeta, Tool},
    service::RunningService,
};
use serde_json::{Map, Value};
use tokio::task::JoinHandle;

use crate::{claims, meta, sign};

/// Who calls.
#[derive(Debug, Clone)]
pub struct Person {
    pub subject: &'static str,
    pub groups: &'static [&'static str],
    pub zweck: Option<&'static str>,
}

/// A connected client.
pub struct Caller {
    client: RunningService<RoleClient, ClientConfig>,
    server: JoinHandle<()>,
    audience: &'static str,
    minted: AtomicU64,
}

/// Bytes in flight between the two ends; any number does, a small one would only slow tests down.
const PIPE_BYTES: usize = 1024 * 1024;

impl Caller {
    /// Connects in the given lifecycle to a handler that now runs in the background.
    pub async fn connect<H: ServerHandler>(handler: H, audience: &'static str, version: ProtocolVersion) -> Self {
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        let server = tokio::spawn(async move {
            let serving = handler.serve(far).await.expect("the handshake succeeds");
            drop(serving.waiting().await);
        });
        let client = ClientConfig::new(ClientCapabilities::default(), Implementation::new("testing", "0"))
            .with_protocol_version(version.clone())
            .serve_with_lifecycle(near, lifecycle(version))
            .await
            .expect("the handshake succeeds");
        Self { client, server, audience, minted: AtomicU64::new(0) }
    }

    /// Ends the connection and waits until the server has ended too.
    pub async fn leave(self) {
        self.client.cancel().await.expect("the client ends");
        self.server.await.expect("the server ends");
    }

    /// What the server lists.
    pub async fn tools(&self) -> Vec<Tool> {
        self.client.list_all_tools().await.expect("tools are listed")
    }

    /// A call under a key of its own: the structured result, or the structured failure.
    pub async fn call(&self, person: &Person, tool: &str, arguments: &Value) -> Result<Value, Value> {
        let key = format!("key-{}", self.minted.load(Ordering::Relaxed));
        self.call_with_key(person, tool, arguments, &key).await
    }

    /// A call under a given key, with a fresh token.
    pub async fn call_with_key(&self, person: &Person, tool: &str, arguments: &Value, key: &str) -> Result<Value, Value> {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let token = sign(&self.claims(person, tool, &arguments, key));
        self.call_with_meta(tool, arguments, meta(&token, key)).await
    }

    /// A numbered attempt under a given key, with a fresh token.
    pub async fn attempt(&self, person: &Person, tool: &str, arguments: &Value, key: &str, attempt: u32) -> Result<Value, Value> {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let mut claims = self.claims(person, tool, &arguments, key);
        claims.insert("attempt".to_owned(), attempt.into());
        let mut meta = meta(&sign(&claims), key);
        meta.insert("de.laufzettel/attempt".to_owned(), attempt.into());
        self.call_with_meta(tool, arguments, meta).await
    }

    /// The claims of a fresh token.
    pub fn claims(&self, person: &Person, tool: &str, arguments: &Map<String, Value>, key: &str) -> Map<String, Value> {
        let jti = format!("jti-{}", self.minted.fetch_add(1, Ordering::Relaxed));
        let mut claims = claims(self.audience, tool, arguments, key, &jti);
        claims.insert("sub".to_owned(), person.subject.into());
        claims.insert("groups".to_owned(), person.groups.into());
        claims.insert("zweck".to_owned(), person.zweck.into());
        claims
    }

    /// A call with any `_meta`.
    pub async fn call_with_meta(&self, tool: &str, arguments: Map<String, Value>, meta: Map<String, Value>) -> Result<Value, Value> {
        let mut params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        params.set_meta(RequestMetaObject(MetaObject(meta)));
        let result = self.client.call_tool(params).await.expect("the server answers with a result");
        let structured = result.structured_content.unwrap_or_default();
        if result.is_error == Some(true) { Err(structured) } else { Ok(structured) }
    }
}

fn lifecycle(version: ProtocolVersion) -> ClientLifecycleMode {
    if version == ProtocolVersion::V_2026_07_28 { ClientLifecycleMode::Discover { preferred_versions: vec![version] } } else { ClientLifecycleMode::Initialize }
}
