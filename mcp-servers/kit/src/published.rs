//! The key set as the orchestrator publishes it: fetched when it is needed, so that a change of keys needs no restart here. The one
//! network client of a tool server; it goes to the one address it was given.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::Mutex;

use crate::{Trust, keys};

/// Seconds a key set is believed without asking again: a key that was taken back dies within these.
const KNOWN_SECONDS: i64 = 600;
/// Seconds between two questions: whoever sends made-up keys makes a server ask no more often.
pub const PAUSE_SECONDS: i64 = 5;
/// Bytes of a key set: 64 keys of two hundred bytes, with room.
const BYTES_MAX: usize = 64 * 1024;
/// A key set comes from the same house.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where the key set is, and what it may be used for.
#[derive(Debug, Clone)]
pub struct Place {
    /// `https://`, or `http://` on this machine.
    pub url: String,
    /// PEM of the one authority that is believed; without it those of the system.
    pub ca: Option<PathBuf>,
    pub audience: String,
    pub tenant: String,
    /// Between two questions: [`PAUSE_SECONDS`], but for tests.
    pub pause: i64,
}

/// Why there is no way to a key set: a mistake of the options.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}: a key set is fetched from https://, or from http:// on this machine")]
    Insecure(String),
    #[error("cannot read the certificate {path}")]
    Ca { path: PathBuf, source: io::Error },
    #[error("there is no HTTP client")]
    Client(#[from] reqwest::Error),
}

/// The key set fetched last. Nobody is believed before it has been fetched, nor when it has grown old.
pub struct Published {
    place: Place,
    client: reqwest::Client,
    known: RwLock<Known>,
    /// When it was asked for last, seconds since 1970; one question at a time.
    asked: Mutex<Option<i64>>,
}

#[derive(Default)]
struct Known {
    trust: Arc<Trust>,
    at: i64,
}

impl Published {
    pub fn new(place: Place) -> Result<Self, Error> {
        if !is_safe(&place.url) {
            return Err(Error::Insecure(place.url));
        }
        // whoever was first has installed the same one
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "the key set is a tool server's own named traffic")]
        let mut client = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).no_proxy();
        if let Some(path) = &place.ca {
            let pem = std::fs::read(path).map_err(|source| Error::Ca { path: path.clone(), source })?;
            client = client.tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem)?);
        }
        Ok(Self { client: client.build()?, place, known: RwLock::default(), asked: Mutex::new(None) })
    }

    /// What is believed at this second.
    pub fn trust(&self, now: i64) -> Arc<Trust> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let fresh = (0..KNOWN_SECONDS).contains(&(now - known.at));
        if fresh { known.trust.clone() } else { Arc::default() }
    }

    /// Asks again, for somebody who came at this second: one answer serves all who wait for it. Right after another question it
    /// waits first.
    pub async fn refresh(&self, came: i64) {
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|at| at > came) {
            return;
        }
        let pause = asked.map_or(0, |at| (at + self.place.pause - came).clamp(0, self.place.pause));
        tokio::time::sleep(Duration::from_secs(pause.unsigned_abs())).await;
        let now = came + pause;
        *asked = Some(now);
        match self.fetch().await {
            Ok(trust) => *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known { trust: Arc::new(trust), at: now },
            Err(error) => tracing::warn!(error, url = self.place.url, "the key set was not fetched"),
        }
    }

    async fn fetch(&self) -> Result<Trust, String> {
        let mut answer = self.client.get(&self.place.url).send().await.map_err(|e| e.to_string())?;
        if !answer.status().is_success() {
            return Err(answer.status().to_string());
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|e| e.to_string())? {
            if body.len() + piece.len() > BYTES_MAX {
                return Err(format!("larger than {BYTES_MAX} bytes"));
            }
            body.extend_from_slice(&piece);
        }
        let text = String::from_utf8(body).map_err(|e| e.to_string())?;
        Trust::new(&text, &self.place.audience, &self.place.tenant).map_err(|e: keys::Error| e.to_string())
    }
}

/// https anywhere, http on this machine only.
fn is_safe(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

#[cfg(test)]
mod tests {
    use super::{Error, PAUSE_SECONDS, Place, Published, is_safe};

    fn place(url: &str) -> Place {
        Place { url: url.to_owned(), ca: None, audience: "dms".to_owned(), tenant: "t".to_owned(), pause: PAUSE_SECONDS }
    }

    #[test]
    fn a_key_set_never_travels_in_the_clear() {
        for (url, expected) in [
            ("https://vorgang.example/.well-known/jwks/t", true),
            ("http://127.0.0.1:8080/.well-known/jwks/t", true),
            ("http://localhost/x", true),
            ("http://[::1]:1/x", true),
            ("http://vorgang.example/x", false),
            ("http://127.0.0.1.evil.example/x", false),
            ("http://127.0.0.1@evil.example/x", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(is_safe(url), expected, "{url}");
            assert_eq!(matches!(Published::new(place(url)), Err(Error::Insecure(_))), !expected, "{url}");
        }
        let nowhere = Place { ca: Some("/gibt/es/nicht.pem".into()), ..place("https://vorgang.example") };
        assert!(matches!(Published::new(nowhere), Err(Error::Ca { .. })));
    }

    #[tokio::test]
    async fn nobody_is_believed_before_a_key_set_came() {
        let published = Published::new(place("http://127.0.0.1:1/jwks")).expect("an address on this machine");
        published.refresh(1_000).await;
        assert!(published.trust(1_000).keys.is_empty());
    }
}
