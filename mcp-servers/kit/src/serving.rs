//! The two transports: stdio, or streamable HTTP on one address. Without sessions, with explicit hosts and origins.
//! It terminates no TLS: outside of loopback a proxy does.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use axum::Router;
use rmcp::{
    RoleServer, ServerHandler, ServiceExt,
    service::ServerInitializeError,
    transport::{
        IntoTransport, stdio_pipes,
        streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager},
    },
};
use tokio_util::sync::CancellationToken;

use crate::{
    Keys, Served, Tools, Trust, edge, keys,
    published::{self, Published},
};

/// Bytes of one message: as over stdio, where rmcp takes a line of 16 MiB; room for a file of 4 MiB and its base64.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Where a server listens; stdio without an address.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Listening {
    /// Serve streamable HTTP under http://ADDR/mcp instead of stdio
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// Host header accepted besides the loopback names; repeatable
    #[arg(long = "allow-host", value_name = "HOST", requires = "http")]
    pub hosts: Vec<String>,
    /// Browser origin accepted, scheme and port included; repeatable; none by default
    #[arg(long = "allow-origin", value_name = "ORIGIN", requires = "http")]
    pub origins: Vec<String>,
}

/// Where a server listens and whom it believes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Serving {
    #[command(flatten)]
    pub listening: Listening,
    /// JWKS file with the orchestrator's public keys; else the variable LAUFZETTEL_JWKS holds the JWKS itself
    #[arg(long, value_name = "FILE")]
    pub jwks: Option<PathBuf>,
    /// Where the orchestrator publishes its keys (https://HOST/.well-known/jwks/TENANT); fetched when needed
    #[arg(long, value_name = "URL", conflicts_with = "jwks")]
    pub jwks_url: Option<String>,
    /// Certificate of the authority that address is believed by, instead of those of the system
    #[arg(long, value_name = "FILE", requires = "jwks_url")]
    pub jwks_ca: Option<PathBuf>,
    /// The name tokens must be addressed to; else LAUFZETTEL_AUDIENCE
    #[arg(long, value_name = "NAME")]
    pub audience: Option<String>,
    /// The tenant served; else LAUFZETTEL_TENANT
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
}

/// Why a server does not serve: the configuration is wrong, or the transport broke.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read the key set {path}")]
    JwksFile { path: PathBuf, source: io::Error },
    #[error("the key set is not usable")]
    Jwks(#[source] keys::Error),
    #[error(transparent)]
    Published(#[from] published::Error),
    #[error("a key set is configured, but not {0}")]
    Incomplete(&'static str),
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("the HTTP server broke off")]
    Http(#[source] io::Error),
    #[error("the MCP connection could not be opened")]
    Mcp(#[source] Box<ServerInitializeError>),
    #[error("the MCP connection broke off")]
    Broken(#[source] tokio::task::JoinError),
}

impl Serving {
    /// Whom to believe: options first, then the environment. Without a key set nobody.
    pub fn keys(&self) -> Result<Keys, Error> {
        if let Some(url) = self.jwks_url.clone() {
            let (audience, tenant) = self.named()?;
            let place = published::Place { url, ca: self.jwks_ca.clone(), audience, tenant, pause: published::PAUSE_SECONDS };
            return Ok(Keys::Published(Box::new(Published::new(place)?)));
        }
        let Some(jwks) = self.key_set()? else {
            tracing::warn!("no key set configured: every call will be refused");
            return Ok(Trust::nobody().into());
        };
        let (audience, tenant) = self.named()?;
        Trust::new(&jwks, &audience, &tenant).map(Keys::from).map_err(Error::Jwks)
    }

    /// The audience this server is, and the tenant it serves.
    fn named(&self) -> Result<(String, String), Error> {
        let given = |option: &Option<String>, name, what| option.clone().or_else(|| edge::environment(name)).ok_or(Error::Incomplete(what));
        Ok((given(&self.audience, "LAUFZETTEL_AUDIENCE", "the audience")?, given(&self.tenant, "LAUFZETTEL_TENANT", "the tenant")?))
    }

    fn key_set(&self) -> Result<Option<String>, Error> {
        let Some(path) = &self.jwks else { return Ok(edge::environment("LAUFZETTEL_JWKS")) };
        std::fs::read_to_string(path).map(Some).map_err(|source| Error::JwksFile { path: path.clone(), source })
    }

    /// Serves tools behind verified delegations until the peer leaves or `stop` resolves.
    pub async fn serve<T: Tools>(&self, tools: T, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let keys = self.keys()?;
        self.listening.serve(Served::new(tools, keys), stop).await
    }
}

impl Listening {
    /// Serves a handler as it is until the peer leaves or `stop` resolves.
    pub async fn serve<H>(&self, handler: H, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error>
    where
        H: ServerHandler + Clone,
    {
        let stopped = CancellationToken::new();
        let trigger = stopped.clone();
        tokio::spawn(async move {
            stop.await;
            trigger.cancel();
        });
        match self.http {
            None => serve_stream(handler, stdio_pipes(), stopped).await,
            Some(address) => self.serve_http(handler, address, stopped).await,
        }
    }

    async fn serve_http<H>(&self, handler: H, address: SocketAddr, stopped: CancellationToken) -> Result<(), Error>
    where
        H: ServerHandler + Clone,
    {
        let listener = tokio::net::TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
        tracing::info!(%address, "serving MCP over streamable HTTP");
        let router = self.router(handler, stopped.child_token());
        axum::serve(listener, router).with_graceful_shutdown(stopped.cancelled_owned()).await.map_err(Error::Http)
    }

    /// The HTTP side without its socket.
    pub fn router<H>(&self, handler: H, stopped: CancellationToken) -> Router
    where
        H: ServerHandler + Clone,
    {
        let loopback = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_allowed_hosts(loopback.into_iter().chain(self.hosts.iter().cloned()))
            .with_allowed_origins(self.origins.iter().cloned())
            .enforce_origin_validation()
            .with_max_request_body_bytes(MESSAGE_BYTES_MAX)
            .with_cancellation_token(stopped);
        let sessions = Arc::new(NeverSessionManager::default());
        Router::new().nest_service("/mcp", StreamableHttpService::new(move || Ok(handler.clone()), sessions, config))
    }
}

/// Serves one connection over any stream, such as an in-memory one.
pub async fn serve_stream<H, S, E, A>(handler: H, stream: S, stopped: CancellationToken) -> Result<(), Error>
where
    H: ServerHandler,
    S: IntoTransport<RoleServer, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let serving = handler.serve_with_ct(stream, stopped).await.map_err(|error| Error::Mcp(Box::new(error)))?;
    serving.waiting().await.map(drop).map_err(Error::Broken)
}

#[cfg(test)]
mod tests {
    use super::{Error, Serving};

    fn serving(jwks: &str, audience: Option<&str>) -> (tempfile::TempDir, Serving) {
        let dir = tempfile::TempDir::new().expect("a folder");
        let path = dir.path().join("jwks.json");
        std::fs::write(&path, jwks).expect("a file");
        let (audience, tenant) = (audience.map(str::to_owned), Some("t".to_owned()));
        (dir, Serving { jwks: Some(path), audience, tenant, ..Serving::default() })
    }

    #[test]
    fn a_key_set_needs_audience_and_tenant_and_must_be_readable() {
        let keys = r#"{"keys":[]}"#;
        let (_dir, whole) = serving(keys, Some("dms"));
        assert!(whole.keys().is_ok());
        let (_dir, nameless) = serving(keys, None);
        assert!(matches!(nameless.keys(), Err(Error::Incomplete("the audience"))));
        let (_dir, spoiled) = serving("[]", Some("dms"));
        assert!(matches!(spoiled.keys(), Err(Error::Jwks(_))));
        let (dir, missing) = serving(keys, Some("dms"));
        drop(dir);
        assert!(matches!(missing.keys(), Err(Error::JwksFile { .. })));
    }
}
