//! The way to the identity provider: bounded in time and size, no proxy, no redirects, TLS by the house's own CA if one is named.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use openidconnect::{HttpRequest, HttpResponse, http};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Bytes of one answer: discovery documents and key sets have a few kilobytes, an ID token with hundreds of groups sixty.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Milliseconds until a connection stands: the provider is in the house, or in the same country.
const CONNECT_MS_MAX: u64 = 3_000;
/// Milliseconds of one whole request: a person is waiting in front of the page.
const REQUEST_MS_MAX: u64 = 10_000;
/// Where Debian keeps the authorities a machine trusts.
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Why there is no client: a mistake of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("{file}: no certificate can be read")]
    Ca { file: PathBuf },
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    #[error("there is no HTTP client")]
    Client(#[source] reqwest::Error),
}

/// Why there was no answer. None of these is a no of the provider.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("the provider does not answer")]
    Unreachable(#[source] reqwest::Error),
    #[error("the provider's answer is larger than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the provider names an address that is neither https nor on this machine")]
    Unsafe,
    #[error("the provider's answer does not read")]
    Malformed(#[source] http::Error),
}

pub struct Http {
    client: reqwest::Client,
}

impl Http {
    pub fn new(ca: Option<&Path>) -> Result<Self, SetupError> {
        #[expect(clippy::disallowed_methods, reason = "the identity provider is the server's own named traffic")]
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(ca)?)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_millis(CONNECT_MS_MAX))
            .timeout(Duration::from_millis(REQUEST_MS_MAX))
            .build()
            .map_err(SetupError::Client)?;
        Ok(Self { client })
    }

    /// One request and its whole answer.
    pub async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = reqwest::Request::try_from(request).map_err(HttpError::Unreachable)?;
        if !is_safe(request.url()) {
            return Err(HttpError::Unsafe);
        }
        let mut answer = self.client.execute(request).await.map_err(HttpError::Unreachable)?;
        let mut builder = http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            builder = builder.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(HttpError::Unreachable)? {
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        builder.body(body).map_err(HttpError::Malformed)
    }
}

/// https anywhere, http on this machine only: a code and a secret travel this way.
pub fn is_safe(url: &openidconnect::url::Url) -> bool {
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

fn tls(ca: Option<&Path>) -> Result<ClientConfig, SetupError> {
    let file = ca.unwrap_or(Path::new(SYSTEM_CA));
    let mut roots = RootCertStore::empty();
    if let Ok(certificates) = CertificateDer::pem_file_iter(file) {
        roots.add_parsable_certificates(certificates.filter_map(Result::ok));
    }
    // a machine without authorities can still reach a provider on itself; a file that was named must be one
    if ca.is_some() && roots.is_empty() {
        return Err(SetupError::Ca { file: file.to_owned() });
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(SetupError::Tls)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_this_machine() {
        for (url, expected) in [
            ("https://login.kreis.example/token", true),
            ("http://127.0.0.1:8080/token", true),
            ("http://localhost/token", true),
            ("http://[::1]:9/token", true),
            ("http://login.kreis.example/token", false),
            ("http://127.0.0.1.evil.example/token", false),
            ("ftp://127.0.0.1/token", false),
        ] {
            assert_eq!(is_safe(&url.parse().unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn a_named_authority_must_be_one() {
        assert!(matches!(Http::new(Some(Path::new("/gibt/es/nicht.pem"))), Err(SetupError::Ca { .. })));
        assert!(Http::new(None).is_ok());
    }
}
