//! The one HTTP client of the doors: to models and to tool servers, no proxy, no redirects, TLS by the house's own authority if one
//! is named.

use std::time::Duration;

/// Milliseconds to reach the other side: it stands in the same house.
const CONNECT_MS_MAX: u64 = 5_000;

/// `ca`: PEM of the one authority that is believed; without it those of the system. An `https` address is never left for `http`.
pub fn client(url: &str, ca: Option<&[u8]>) -> Result<reqwest::Client, reqwest::Error> {
    // whoever was first has installed the same one
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "this is the one room that holds a network client for models and tool servers")]
    let mut client = reqwest::Client::builder().connect_timeout(Duration::from_millis(CONNECT_MS_MAX)).redirect(reqwest::redirect::Policy::none()).no_proxy();
    if let Some(pem) = ca {
        client = client.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem)?);
    }
    client.https_only(url.starts_with("https://")).build()
}
