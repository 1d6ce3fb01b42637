//! Tool servers over MCP: started as child processes or reached over HTTP, asked under the caller's delegation, bounded in size and
//! time.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use laufzettel_domain::{Clock, Value};
use laufzettel_policy::{Cleared, Identity, ToolCall};
use rmcp::{
    ClientLifecycleMode, ClientServiceExt, RoleClient,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ClientConfig, Implementation, MetaObject, PaginatedRequestParams,
        ProtocolVersion, RequestMetaObject,
    },
    service::{ClientInitializeError, Peer, RunningService, ServiceError},
    transport::{StreamableHttpClientTransport, Transport, streamable_http_client::StreamableHttpClientTransportConfig},
};
use tokio::sync::Mutex;

use crate::{
    broken,
    delegation::{META_ATTEMPT, META_DELEGATION, META_KEY, Minter},
    failure::{Class, Failure, Reply, quote},
    guard::{self, Guard},
    http,
    pins::{Definition, Drift, Pins},
    settling::{self, Settled},
    stdio,
};

/// Milliseconds a server has to start and shake hands: a sandboxed start takes 15, a cold disk some hundred.
const CONNECT_MS_MAX: u64 = 20_000;
/// Bytes of one message (16 MiB), over stdio and HTTP alike: four times the largest file that travels inside one. Written in Base64,
/// and twice, as servers do (for programs and as a text), it is 11.
pub(crate) const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Milliseconds a server over HTTP is believed to offer what it offered: behind an address another program may stand any time. As
/// long as the directory is believed.
const LISTED_MS_MAX: u64 = 10_000;

/// Tools of one server, and pages they come in: ten times the largest we know.
const TOOLS_MAX: usize = 500;
const PAGES_MAX: usize = 50;

/// Makes a fresh command for every start.
pub type MakeCommand = Box<dyn Fn() -> std::io::Result<std::process::Command> + Send + Sync>;

/// How a server is reached.
pub enum Reach {
    /// Over stdio. The caller builds the command (with its sandbox); this room only speaks MCP to it.
    Stdio { command: MakeCommand, cwd: PathBuf },
    /// Over streamable HTTP. It fetches our public key itself.
    Http { url: String, client: reqwest::Client },
}

impl Reach {
    /// `ca`: PEM of the one authority its certificate is believed from; without it those of the system.
    pub fn http(url: &str, ca: Option<&[u8]>) -> Result<Self, reqwest::Error> {
        Ok(Self::Http { url: url.to_owned(), client: http::client(url, ca)? })
    }
}

pub struct ServerOptions {
    pub name: String,
    pub identity: Identity,
    pub reach: Reach,
    /// `None`: nothing is approved, nothing may be called.
    pub pins: Option<Pins>,
}

struct Connected {
    service: RunningService<RoleClient, ClientConfig>,
    found: Pins,
    at: Instant,
    /// Why it was cut, if it was.
    cut: guard::Reason,
}

impl Connected {
    /// A child process is the program it was started as; behind an address anything may have changed.
    fn lasts(&self, reach: &Reach) -> bool {
        let listed = matches!(reach, Reach::Stdio { .. }) || self.at.elapsed() < Duration::from_millis(LISTED_MS_MAX);
        // asked of the peer: the service itself does not know that the other side has gone
        listed && !self.service.peer().is_transport_closed()
    }
}

/// A server that is being connected to: nobody knows yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// How a server is, as far as that is known without asking it.
pub enum Standing {
    /// Nobody needed it since the start, or lately.
    Idle,
    /// It was there and is no more.
    Gone,
    /// The last try to connect to it failed.
    Failed(String),
    /// What it offers.
    Connected(Pins),
}

/// What came of the last try to connect.
enum Tried {
    Never,
    Connected,
    Failed(String),
}

pub struct ToolServer {
    options: ServerOptions,
    minter: Arc<Minter>,
    tenant: String,
    connected: Mutex<Option<Arc<Connected>>>,
    tried: std::sync::Mutex<Tried>,
}

impl ToolServer {
    pub fn new(options: ServerOptions, tenant: &str, minter: Arc<Minter>) -> Self {
        Self { options, minter, tenant: tenant.to_owned(), connected: Mutex::new(None), tried: std::sync::Mutex::new(Tried::Never) }
    }

    pub fn name(&self) -> &str {
        &self.options.name
    }

    pub fn pins(&self) -> Option<&Pins> {
        self.options.pins.as_ref()
    }

    /// What the server offers now.
    pub async fn definitions(&self) -> Result<Pins, Failure> {
        Ok(self.connection().await?.found.clone())
    }

    /// How the server is, without connecting to it. `Err`: somebody is at it now.
    pub fn standing(&self) -> Result<Standing, Busy> {
        let slot = self.connected.try_lock().map_err(|_| Busy)?;
        let Ok(tried) = self.tried.lock() else { return Err(Busy) };
        Ok(match (slot.as_ref(), &*tried) {
            (Some(connected), _) if connected.lasts(&self.options.reach) => Standing::Connected(connected.found.clone()),
            (_, Tried::Failed(why)) => Standing::Failed(why.clone()),
            // believed no longer, and yet nothing says that it has gone
            (Some(connected), _) if !connected.service.peer().is_transport_closed() => Standing::Idle,
            (_, Tried::Connected) => Standing::Gone,
            (_, Tried::Never) => Standing::Idle,
        })
    }

    fn note(&self, tried: Tried) {
        if let Ok(mut last) = self.tried.lock() {
            *last = tried;
        }
    }

    /// Differences between what was approved and what a server has been found to offer.
    pub fn drift_of(&self, found: &Pins) -> Vec<Drift> {
        self.options.pins.clone().unwrap_or_default().diff(found)
    }

    /// Makes the call. `lease_s` (seconds) bounds the delegation; `jti` are 16 random bytes.
    pub async fn call(&self, cleared: &Cleared<ToolCall>, clock: &dyn Clock, lease_s: i64, jti: [u8; 16]) -> Result<Reply, Failure> {
        self.send(cleared.call(), clock, lease_s, jti).await
    }

    /// Asks what became of the call, and has none of its attempts act any more. Of a failure nobody knows more than before.
    pub async fn settle(&self, cleared: &Cleared<ToolCall>, clock: &dyn Clock, lease_s: i64, jti: [u8; 16]) -> Result<Settled, Failure> {
        let reply = self.send(&settling::question(cleared.call()), clock, lease_s, jti).await;
        settling::read(&reply.map_err(|failure| Failure { happened: None, ..failure })?, self.name())
    }

    async fn send(&self, call: &ToolCall, clock: &dyn Clock, lease_s: i64, jti: [u8; 16]) -> Result<Reply, Failure> {
        let until = tokio::time::Instant::now() + Duration::from_millis(call.timeout_ms);
        let asks_for_keys = matches!(self.options.reach, Reach::Http { .. }) && self.options.identity == Identity::Delegation;
        if asks_for_keys && !self.minter.is_published() {
            let why = "seine Delegation könnte niemand prüfen: dafür muss der Server laufen (laufzettel serve)";
            return Err(self.unreachable(why));
        }
        // held until the answer is there: a list that has grown old ends no call under way
        let connected = tokio::time::timeout_at(until, self.connection()).await.map_err(|_| self.silent())??;
        self.approved(&connected, &call.tool)?;
        // the token begins to live when it is sent, however long the connection took
        let now = clock.now();
        let params = self.params(call, now, now + SignedDuration::from_secs(lease_s), jti)?;
        let answer = tokio::time::timeout_at(until, connected.service.peer().call_tool_once(params)).await;
        match answer {
            Err(_) => {
                // a server that hangs would hang for everybody; what others still wait for ends with them
                self.give_up(&connected).await;
                Err(Failure::new(Class::Timeout, None, format!("{}/{}: keine Antwort in {} ms", call.server, call.tool, call.timeout_ms)))
            }
            Ok(Err(error)) => Err(self.broken(error, &connected).await),
            Ok(Ok(CallToolResponse::Complete(result))) => reply(result, &call.server, &call.tool),
            // the server works on by itself, and nobody will ask it
            Ok(Ok(CallToolResponse::Task(_))) => Err(Failure::new(
                Class::Refused,
                None,
                format!("{}/{}: arbeitet im Hintergrund weiter, das wird noch nicht unterstützt", call.server, call.tool),
            )),
            Ok(Ok(_)) => Err(Failure::new(
                Class::Refused,
                Some(false),
                format!("{}/{}: Rückfragen von Werkzeugen werden noch nicht unterstützt", call.server, call.tool),
            )
            .after_reaching()),
        }
    }

    fn params(&self, call: &ToolCall, now: Timestamp, lease_until: Timestamp, jti: [u8; 16]) -> Result<CallToolRequestParams, Failure> {
        let mut meta = serde_json::Map::new();
        meta.insert(META_KEY.to_owned(), call.key.to_string().into());
        meta.insert(META_ATTEMPT.to_owned(), call.attempt.into());
        if self.options.identity == Identity::Delegation {
            let token = self.minter.mint(call, now, lease_until, jti).map_err(|e| Failure::new(Class::Unavailable, Some(false), e.to_string()))?;
            meta.insert(META_DELEGATION.to_owned(), token.into());
        } else if call.who.caller.service_name().is_none() {
            return Err(Failure::new(Class::Refused, Some(false), format!("{} kennt keine Aufrufer und dient nur Dienstkonten", call.server)));
        }
        let mut params = CallToolRequestParams::new(call.tool.clone());
        params.arguments = call.arguments.as_object().cloned();
        params.meta = Some(RequestMetaObject(MetaObject(meta)));
        Ok(params)
    }

    /// Whether this tool is exactly what was approved.
    fn approved(&self, connected: &Connected, tool: &str) -> Result<(), Failure> {
        let found = connected.found.get(tool).map(Definition::digest);
        let pinned = self.options.pins.as_ref().and_then(|pins| pins.get(tool)).map(Definition::digest);
        match (pinned, found) {
            (Some(pinned), Some(found)) if pinned == found => Ok(()),
            (None, _) => {
                Err(Failure::new(Class::Refused, Some(false), format!("{}/{tool} ist nicht freigegeben (laufzettel tools pin {})", self.name(), self.name())))
            }
            (Some(_), None) => Err(Failure::new(Class::Refused, Some(false), format!("{}/{tool} gibt es auf dem Server nicht mehr", self.name()))),
            _ => Err(Failure::new(
                Class::Refused,
                Some(false),
                format!("{}/{tool} weicht von der freigegebenen Fassung ab (laufzettel tools diff {})", self.name(), self.name()),
            )),
        }
    }

    fn unreachable(&self, why: &str) -> Failure {
        Failure::new(Class::Unavailable, Some(false), format!("Der Werkzeugserver „{}“ ist nicht erreichbar: {why}", self.name()))
    }

    fn silent(&self) -> Failure {
        self.unreachable("antwortet beim Start nicht")
    }

    /// The connection there is, or a new one. Whoever still has an answer to come keeps the old one until then.
    async fn connection(&self) -> Result<Arc<Connected>, Failure> {
        let mut slot = self.connected.lock().await;
        if let Some(connected) = slot.as_ref().filter(|c| c.lasts(&self.options.reach)) {
            return Ok(connected.clone());
        }
        *slot = None;
        let failure = match tokio::time::timeout(Duration::from_millis(CONNECT_MS_MAX), self.connect()).await {
            Ok(Ok(connected)) => {
                self.note(Tried::Connected);
                return Ok(slot.insert(Arc::new(connected)).clone());
            }
            Ok(Err(why)) => self.unreachable(&quote(&why)),
            Err(_) => self.silent(),
        };
        self.note(Tried::Failed(failure.message.clone()));
        Err(failure)
    }

    /// Shakes hands and reads the list, or says why not.
    async fn connect(&self) -> Result<Connected, String> {
        let cut = guard::Reason::default();
        let service = match &self.options.reach {
            Reach::Stdio { command, cwd } => {
                let mut command = command().map_err(|e| e.to_string())?;
                command.current_dir(cwd);
                command.env("LAUFZETTEL_JWKS", self.minter.jwks());
                command.env("LAUFZETTEL_AUDIENCE", self.name());
                command.env("LAUFZETTEL_TENANT", &self.tenant);
                let transport = stdio::Process::start(command, cut.clone()).map_err(|e| e.to_string())?;
                shake_hands(Guard::new(transport, cut.clone())).await
            }
            Reach::Http { url, client } => {
                // a call is never sent a second time behind our back: whether it may be is the engine's to decide
                let config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
                    .max_json_response_size(MESSAGE_BYTES_MAX)
                    .max_sse_event_size(MESSAGE_BYTES_MAX)
                    .reinit_on_expired_session(false);
                let transport = StreamableHttpClientTransport::with_client(client.clone(), config);
                shake_hands(Guard::new(transport, cut.clone())).await
            }
        };
        let service = service.map_err(|error| match cut.get() {
            Some(cut) => broken::cut(self.name(), *cut).message,
            None => broken::start(self.name(), &error),
        })?;
        let tools = list(service.peer()).await.map_err(|error| match (error, cut.get()) {
            (Unlisted::Much, _) => format!("mehr als {TOOLS_MAX} Werkzeuge oder {PAGES_MAX} Seiten davon oder {} MiB", MESSAGE_BYTES_MAX >> 20),
            (Unlisted::Broken(_), Some(cut)) => broken::cut(self.name(), *cut).message,
            (Unlisted::Broken(error), None) => broken::off(self.name(), &error).message,
        })?;
        Ok(Connected { service, found: Pins { tools }, at: Instant::now(), cut })
    }

    /// The stream broke or the server refused the request itself.
    async fn broken(&self, error: ServiceError, connected: &Arc<Connected>) -> Failure {
        // an answer like any other: the connection is in order
        if !matches!(error, ServiceError::McpError(_)) {
            self.give_up(connected).await;
        }
        match connected.cut.get() {
            Some(cut) => broken::cut(self.name(), *cut),
            None => broken::off(self.name(), &error),
        }
    }

    /// Forgets a connection that broke, unless there is a newer one already.
    async fn give_up(&self, connected: &Arc<Connected>) {
        let mut slot = self.connected.lock().await;
        if slot.as_ref().is_some_and(|now| Arc::ptr_eq(now, connected)) {
            *slot = None;
        }
    }

    /// Ends the server; a later call starts it again.
    pub async fn stop(&self) {
        let Some(connected) = self.connected.lock().await.take() else { return };
        self.note(Tried::Never);
        // a call under way ends it when it is done
        if let Ok(connected) = Arc::try_unwrap(connected)
            && let Err(error) = connected.service.cancel().await
        {
            tracing::debug!(%error, server = self.name(), "stopping a tool server");
        }
    }
}

/// The current revision, else the one before it.
async fn shake_hands<T: Transport<RoleClient> + 'static>(transport: T) -> Result<RunningService<RoleClient, ClientConfig>, ClientInitializeError> {
    let me = ClientConfig::new(ClientCapabilities::default(), Implementation::new("laufzettel", env!("CARGO_PKG_VERSION")));
    let (preferred_versions, legacy_version) = (vec![ProtocolVersion::V_2026_07_28], Some(ProtocolVersion::V_2025_11_25));
    me.serve_with_lifecycle(transport, ClientLifecycleMode::Auto { preferred_versions, legacy_version }).await
}

/// Why a list did not come to its end.
enum Unlisted {
    Much,
    Broken(ServiceError),
}

/// Everything a server offers, page by page, and all of it no larger than one message.
async fn list(peer: &Peer<RoleClient>) -> Result<Vec<Definition>, Unlisted> {
    let (mut tools, mut bytes, mut cursor) = (Vec::new(), 0, None);
    for _ in 0..PAGES_MAX {
        let page = peer.list_tools(Some(PaginatedRequestParams::default().with_cursor(cursor))).await.map_err(Unlisted::Broken)?;
        for value in page.tools.iter().filter_map(|tool| serde_json::to_value(tool).ok()) {
            bytes += value.to_string().len();
            tools.extend(serde_json::from_value::<Definition>(value).ok());
        }
        if tools.len() > TOOLS_MAX || bytes > MESSAGE_BYTES_MAX {
            break;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(tools);
        }
    }
    Err(Unlisted::Much)
}

/// `structuredContent`, else `{ text }`; an error of the tool with what it says about having acted.
fn reply(result: CallToolResult, server: &str, tool: &str) -> Result<Reply, Failure> {
    let text = || {
        let texts: Vec<String> = result.content.iter().filter_map(|block| serde_json::to_value(block).ok()?.get("text")?.as_str().map(str::to_owned)).collect();
        texts.join("\n")
    };
    if result.is_error == Some(true) {
        return Err(tool_error(result.structured_content.as_ref(), &text(), server, tool));
    }
    let value = match &result.structured_content {
        Some(value) => value.clone(),
        None => serde_json::json!({ "text": text() }),
    };
    let bytes = value.to_string().len();
    if bytes > MESSAGE_BYTES_MAX {
        let message = format!("{server}/{tool}: die Antwort hat {} MiB, erlaubt sind {}", bytes >> 20, MESSAGE_BYTES_MAX >> 20);
        return Err(Failure::new(Class::InvalidOutput, Some(true), message));
    }
    Ok(Reply { value, bytes: bytes as u64, tokens: None, model: None })
}

/// Our own servers say `{ fehler, art, geschehen }`; of a foreign one nobody knows whether it acted.
fn tool_error(structured: Option<&Value>, text: &str, server: &str, tool: &str) -> Failure {
    let field = |name: &str| structured.and_then(|v| v.get(name));
    let happened = field("geschehen").and_then(Value::as_bool);
    let class = match field("art").and_then(Value::as_str) {
        Some("unavailable") => Class::Unavailable,
        _ => Class::Refused,
    };
    let message = field("fehler").and_then(Value::as_str).unwrap_or(text);
    Failure::new(class, happened, format!("{server}/{tool}: {}", quote(message))).after_reaching()
}

/// The servers of a tenant by name.
pub type ToolServers = BTreeMap<String, Arc<ToolServer>>;
