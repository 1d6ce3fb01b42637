//! Whose signatures a server believes: the public Ed25519 keys of the orchestrator, and for whom this server answers.
//! It refuses other key types, and it never holds a private key.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;

use crate::published::Published;

/// Keys a set may carry: two nodes in rotation need four; a longer set is a mistake.
const KEYS_MAX: usize = 64;
/// An Ed25519 public key.
const KEY_BYTES: usize = 32;

/// The keys, the audience and the tenant a delegation is checked against. Without keys every call is refused.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    pub(crate) keys: BTreeMap<String, DecodingKey>,
    pub(crate) audience: String,
    pub(crate) tenant: String,
}

/// Where the keys come from: known from the start, or published by the orchestrator.
pub enum Keys {
    Fixed(Arc<Trust>),
    Published(Box<Published>),
}

impl From<Trust> for Keys {
    fn from(trust: Trust) -> Self {
        Self::Fixed(Arc::new(trust))
    }
}

impl Keys {
    pub(crate) fn trust(&self, now: i64) -> Arc<Trust> {
        match self {
            Self::Fixed(trust) => trust.clone(),
            Self::Published(published) => published.trust(now),
        }
    }

    /// Asks the orchestrator once more, where it publishes its keys. Returns whether that makes sense.
    pub(crate) async fn refresh(&self, now: i64) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Published(published) => {
                published.refresh(now).await;
                true
            }
        }
    }
}

/// Why a JWKS was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the key set is not a JWKS")]
    Jwks(#[from] serde_json::Error),
    #[error("the key set holds {0} keys, at most {KEYS_MAX} are taken")]
    TooMany(usize),
    #[error("key {0} is not an Ed25519 key (kty OKP, crv Ed25519, x of {KEY_BYTES} bytes, a kid)")]
    NotEd25519(usize),
    #[error("the kid {0:?} occurs twice")]
    Twice(String),
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

// Unknown members (`use`, `alg`, `key_ops`) are ignored, as RFC 7517 §5 wants.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    kid: Option<String>,
    x: Option<String>,
}

impl Trust {
    /// Believes nobody.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Reads a JWKS (RFC 7517) of Ed25519 keys with a `kid` each.
    pub fn new(jwks: &str, audience: &str, tenant: &str) -> Result<Self, Error> {
        let Jwks { keys: jwks } = serde_json::from_str(jwks)?;
        if jwks.len() > KEYS_MAX {
            return Err(Error::TooMany(jwks.len()));
        }
        let mut keys = BTreeMap::new();
        for (place, jwk) in jwks.into_iter().enumerate() {
            let (kid, key) = jwk.ed25519().ok_or(Error::NotEd25519(place))?;
            if keys.insert(kid.clone(), key).is_some() {
                return Err(Error::Twice(kid));
            }
        }
        Ok(Self { keys, audience: audience.to_owned(), tenant: tenant.to_owned() })
    }
}

impl Jwk {
    fn ed25519(self) -> Option<(String, DecodingKey)> {
        let okp = self.kty == "OKP" && self.crv.as_deref() == Some("Ed25519");
        let x = URL_SAFE_NO_PAD.decode(self.x?).ok()?;
        // jsonwebtoken slices the key without looking at its length, so it is looked at here.
        (okp && x.len() == KEY_BYTES).then(|| (self.kid, DecodingKey::from_ed_der(&x))).and_then(|(kid, key)| Some((kid?, key)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, Trust};

    #[test]
    fn only_ed25519_keys_with_a_name_are_taken() {
        let good = r#"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig"}"#;
        let table = [
            (format!(r#"{{"keys":[{good}]}}"#), "ok"),
            (r#"{"keys":[]}"#.to_owned(), "ok"),
            (format!(r#"{{"keys":[{good},{good}]}}"#), "twice"),
            (format!(r#"{{"keys":[{}]}}"#, good.replace("Ed25519", "X25519")), "not"),
            (format!(r#"{{"keys":[{}]}}"#, good.replace("OKP", "oct")), "not"),
            (format!(r#"{{"keys":[{}]}}"#, good.replace("11qYAYKx", "")), "not"),
            (format!(r#"{{"keys":[{}]}}"#, good.replace(r#""kid":"a","#, "")), "not"),
            ("[]".to_owned(), "jwks"),
            (String::new(), "jwks"),
        ];
        for (jwks, expected) in table {
            let got = match Trust::new(&jwks, "dms", "t") {
                Ok(_) => "ok",
                Err(Error::Twice(_)) => "twice",
                Err(Error::NotEd25519(_)) => "not",
                Err(Error::Jwks(_)) => "jwks",
                Err(Error::TooMany(_)) => "many",
            };
            assert_eq!(got, expected, "{jwks}");
        }
    }
}
