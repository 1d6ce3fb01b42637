//! Delegation tokens: who calls, for which run and purpose, with which arguments. One token, one call (RFC 8037, RFC 7519).

use std::sync::atomic::{AtomicBool, Ordering};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use laufzettel_domain::{Digest, Value};
use laufzettel_policy::ToolCall;
use serde::Serialize;
use serde_json::json;

/// Seconds a token is valid at most; the end of the node's lease cuts it shorter.
const LIFETIME_S: i64 = 60;

/// `_meta` keys on every call.
pub const META_DELEGATION: &str = "de.laufzettel/delegation";
pub const META_KEY: &str = "de.laufzettel/key";
/// An automatic retry keeps the key: which of its attempts this is.
pub const META_ATTEMPT: &str = "de.laufzettel/attempt";

#[derive(Serialize)]
struct Claims<'c> {
    iss: &'static str,
    aud: &'c str,
    sub: &'c str,
    name: &'c str,
    tenant: &'c str,
    groups: Vec<&'c str>,
    run: String,
    step: &'c str,
    tool: &'c str,
    args: String,
    key: String,
    attempt: u32,
    zweck: &'c str,
    jti: String,
    iat: i64,
    exp: i64,
}

/// Signs tokens for one node. The key is drawn at start and lives as long as the process.
pub struct Minter {
    key: EncodingKey,
    jwks: String,
    kid: String,
    /// Whether the public key can be fetched: tool servers over HTTP believe no other.
    published: AtomicBool,
}

impl Minter {
    /// `secret` are 32 random bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(secret);
        let public = URL_SAFE_NO_PAD.encode(signing.verifying_key().as_bytes());
        let kid = laufzettel_domain::digest::to_hex(&Digest::of(signing.verifying_key().as_bytes()).0[..8]);
        let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": public }] });
        Self { key: EncodingKey::from_ed_der(&pkcs8(secret)), jwks: jwks.to_string(), kid, published: AtomicBool::new(false) }
    }

    /// The public key as servers get it: RFC 7517.
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// From now on a server of ours shows the key to whoever asks.
    pub fn publish(&self) {
        self.published.store(true, Ordering::Relaxed);
    }

    pub fn is_published(&self) -> bool {
        self.published.load(Ordering::Relaxed)
    }

    /// `lease_until`: no token outlives the right to act.
    pub fn mint(&self, call: &ToolCall, now: Timestamp, lease_until: Timestamp, jti: [u8; 16]) -> Result<String, jsonwebtoken::errors::Error> {
        let iat = now.as_second();
        let claims = Claims {
            iss: "laufzettel",
            aud: &call.server,
            sub: &call.who.caller.subject,
            name: &call.who.caller.name,
            tenant: call.key.tenant.as_str(),
            groups: call.who.groups.iter().map(|g| g.sid.as_str()).collect(),
            run: call.key.run.to_string(),
            step: call.key.path.step.as_str(),
            tool: &call.tool,
            args: arguments_digest(&call.arguments),
            key: call.key.to_string(),
            attempt: call.attempt,
            zweck: &call.zweck,
            jti: URL_SAFE_NO_PAD.encode(jti),
            iat,
            exp: (iat + LIFETIME_S).min(lease_until.as_second()),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, &claims, &self.key)
    }
}

/// Over the canonical JSON of the arguments (RFC 8785).
pub fn arguments_digest(arguments: &Value) -> String {
    Digest::of_value(arguments).to_string()
}

/// RFC 8410 § 7: an Ed25519 private key in PKCS #8 is this header and the 32 bytes.
fn pkcs8(secret: &[u8; 32]) -> Vec<u8> {
    let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    der.extend_from_slice(secret);
    der
}
