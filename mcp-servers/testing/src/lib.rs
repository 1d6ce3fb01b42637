//! For tests of the tool servers only: signs delegation tokens with a known key and calls a server over an in-memory
//! stream. No server links it; it shares no code with the side that verifies, so that a mistake shows.

mod caller;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub use caller::{Caller, Person};

/// The time of all tests, seconds since 1970: 2027-01-15 08:00:00 UTC.
pub const NOW: i64 = 1_800_000_000;
/// The tenant of all tests.
pub const TENANT: &str = "vg-schweich";
/// The name of the known key.
pub const KID: &str = "test-1";

const SEED: [u8; 32] = [7; 32];

/// The clock of all tests.
pub fn now() -> i64 {
    NOW
}

/// The known key as a JWKS.
pub fn jwks() -> String {
    let x = URL_SAFE_NO_PAD.encode(SigningKey::from_bytes(&SEED).verifying_key().as_bytes());
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": KID, "x": x }] }).to_string()
}

/// The claims of a good token for one call; a test spoils what it wants to.
pub fn claims(audience: &str, tool: &str, arguments: &Map<String, Value>, key: &str, jti: &str) -> Map<String, Value> {
    let value = json!({
        "iss": "laufzettel", "aud": audience, "sub": "S-1-5-21-1", "name": "Weber, Sabine", "tenant": TENANT,
        "groups": ["S-1-5-21-1001"], "run": "0198-run", "step": "ablegen", "tool": tool, "args": digest(arguments),
        "key": key, "zweck": "Hundesteuer", "jti": jti, "iat": NOW - 1, "exp": NOW + 30,
    });
    value.as_object().cloned().unwrap_or_default()
}

/// `sha256:<hex>` over the RFC 8785 bytes.
pub fn digest(arguments: &Map<String, Value>) -> String {
    let bytes = serde_json_canonicalizer::to_vec(arguments).expect("test arguments have a canonical form");
    let bytes = Sha256::digest(bytes);
    format!("sha256:{bytes:x}")
}

/// A token under the known key.
pub fn sign(claims: &Map<String, Value>) -> String {
    sign_as(&json!({ "alg": "EdDSA", "typ": "JWT", "kid": KID }), claims, SEED)
}

/// A token under any header and seed.
pub fn sign_as(header: &Value, claims: &Map<String, Value>, seed: [u8; 32]) -> String {
    let part = |value: String| URL_SAFE_NO_PAD.encode(value);
    let message = format!("{}.{}", part(header.to_string()), part(Value::Object(claims.clone()).to_string()));
    let signature = SigningKey::from_bytes(&seed).sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

/// `_meta` with a token and a key.
pub fn meta(token: &str, key: &str) -> Map<String, Value> {
    let value = json!({ "de.laufzettel/delegation": token, "de.laufzettel/key": key });
    value.as_object().cloned().unwrap_or_default()
}
