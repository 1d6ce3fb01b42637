//! Who is acting, and that exactly this call was meant: the delegation token in `_meta`. Checking is pure: time, key
//! and arguments are values; what was seen before is asked of `replay`. It decides nothing about rights on data.

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Trust, file::sha256};

/// Where the token travels.
pub const DELEGATION: &str = "de.laufzettel/delegation";
/// Where the idempotency key travels.
pub const KEY: &str = "de.laufzettel/key";
/// Where the number of the attempt travels: a retry keeps the key.
pub const ATTEMPT: &str = "de.laufzettel/attempt";
/// Who signs.
pub const ISSUER: &str = "laufzettel";
/// Longest life of a token, seconds: one call, with a margin.
pub const LIFE_SECONDS_MAX: i64 = 60;
/// Clocks of two machines may differ by this much, seconds.
pub const LEEWAY_SECONDS: i64 = 5;

/// A token with a thousand SIDs of 50 characters, base64, stays below this.
const TOKEN_BYTES_MAX: usize = 128 * 1024;
/// Active Directory itself refuses a sign-in with more than 1,015 groups.
const GROUPS_MAX: usize = 1024;
/// Any single name in a token: SIDs, run ids, step paths and keys are all shorter.
pub(crate) const NAME_BYTES_MAX: usize = 512;

/// A verified delegation: on whose behalf, for which call. Only [`verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// SID of a person, `service:<name>` or `applicant:<case>`.
    pub subject: String,
    pub name: Option<String>,
    pub tenant: String,
    /// SIDs.
    pub groups: Vec<String>,
    pub run: String,
    pub step: String,
    pub tool: String,
    /// `sha256:<hex>` of the canonical arguments.
    pub args: String,
    /// The idempotency key.
    pub key: String,
    /// Which attempt under that key this is, from 1; `None` where the caller counts none.
    pub attempt: Option<u32>,
    pub zweck: Option<String>,
    pub jti: String,
    /// Second after which the token is worth nothing, leeway included.
    pub dead_at: i64,
}

/// Why a call is not believed. The words go to the caller; they name no value of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("dieser Server kennt keinen Schlüssel und nimmt deshalb keinen Aufruf an")]
    NoKeys,
    #[error("der Aufruf trägt kein Delegationstoken")]
    Missing,
    #[error("das Delegationstoken ist nicht lesbar")]
    Malformed,
    #[error("das Delegationstoken ist nicht mit EdDSA unterschrieben")]
    Algorithm,
    #[error("das Delegationstoken ist mit einem unbekannten Schlüssel unterschrieben")]
    UnknownKey,
    #[error("die Unterschrift des Delegationstokens stimmt nicht")]
    Signature,
    #[error("das Delegationstoken stammt nicht von Laufzettel")]
    Issuer,
    #[error("das Delegationstoken gilt für einen anderen Server")]
    Audience,
    #[error("das Delegationstoken gilt für einen anderen Mandanten")]
    Tenant,
    #[error("das Delegationstoken ist abgelaufen")]
    Expired,
    #[error("das Delegationstoken gilt noch nicht")]
    NotYet,
    #[error("das Delegationstoken gilt länger als erlaubt")]
    TooLong,
    #[error("das Delegationstoken gilt für ein anderes Werkzeug")]
    Tool,
    #[error("das Delegationstoken gilt für andere Argumente")]
    Arguments,
    #[error("der Schlüssel des Aufrufs ist nicht der des Delegationstokens")]
    Key,
    #[error("der Versuch des Aufrufs ist nicht der des Delegationstokens")]
    Attempt,
    #[error("das Delegationstoken wurde schon benutzt")]
    Replayed,
    #[error("der Server hat zu viele Aufrufe auf einmal bekommen")]
    Crowded,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    name: Option<String>,
    tenant: String,
    groups: Vec<String>,
    run: String,
    step: String,
    tool: String,
    args: String,
    key: String,
    attempt: Option<u32>,
    zweck: Option<String>,
    jti: String,
    iat: i64,
    exp: i64,
}

/// `sha256:<hex>` over the RFC 8785 bytes of an arguments object; absent arguments count as `{}`.
/// `None` where a number has no canonical form.
pub fn digest(arguments: &Map<String, Value>) -> Option<String> {
    let bytes = serde_json_canonicalizer::to_vec(arguments).ok()?;
    Some(sha256(&bytes))
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// Checks everything a token says against the call it came with. Only a first use is to be believed: see `replay`.
pub fn verify(trust: &Trust, meta: &Map<String, Value>, tool: &str, arguments: &Map<String, Value>, now: i64) -> Result<Delegation, Refusal> {
    if trust.keys.is_empty() {
        return Err(Refusal::NoKeys);
    }
    let token = meta.get(DELEGATION).ok_or(Refusal::Missing)?.as_str().ok_or(Refusal::Malformed)?;
    let claims = signed(trust, token)?;
    bounded(&claims)?;
    addressed(trust, &claims)?;
    timely(&claims, now)?;
    for_this_call(&claims, meta, tool, arguments)?;
    Ok(Delegation::from(claims))
}

fn signed(trust: &Trust, token: &str) -> Result<Claims, Refusal> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Refusal::Malformed);
    }
    let header = decode_header(token).map_err(|_| Refusal::Malformed)?;
    if header.alg != Algorithm::EdDSA {
        return Err(Refusal::Algorithm);
    }
    // RFC 7515 §4.1.11: an extension that is not understood must be refused; none is understood.
    if header.crit.is_some() {
        return Err(Refusal::Malformed);
    }
    let key = header.kid.and_then(|kid| trust.keys.get(&kid)).ok_or(Refusal::UnknownKey)?;
    decode::<Claims>(token, key, &signature_only()).map(|data| data.claims).map_err(|error| {
        use jsonwebtoken::errors::ErrorKind;
        if matches!(error.kind(), ErrorKind::InvalidSignature) { Refusal::Signature } else { Refusal::Malformed }
    })
}

/// The library reads the clock itself, so it checks the signature and this file the rest.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

fn bounded(claims: &Claims) -> Result<(), Refusal> {
    let names = [&claims.sub, &claims.run, &claims.step, &claims.key, &claims.jti];
    let named = names.iter().all(|name| !name.is_empty() && name.len() <= NAME_BYTES_MAX);
    let groups = claims.groups.len() <= GROUPS_MAX && claims.groups.iter().all(|sid| sid.len() <= NAME_BYTES_MAX);
    if named && groups { Ok(()) } else { Err(Refusal::Malformed) }
}

fn addressed(trust: &Trust, claims: &Claims) -> Result<(), Refusal> {
    match claims {
        Claims { iss, .. } if iss != ISSUER => Err(Refusal::Issuer),
        Claims { aud, .. } if *aud != trust.audience => Err(Refusal::Audience),
        Claims { tenant, .. } if *tenant != trust.tenant => Err(Refusal::Tenant),
        _ => Ok(()),
    }
}

fn timely(claims: &Claims, now: i64) -> Result<(), Refusal> {
    let Some(life) = claims.exp.checked_sub(claims.iat) else {
        return Err(Refusal::TooLong);
    };
    if life > LIFE_SECONDS_MAX {
        return Err(Refusal::TooLong);
    }
    if claims.iat > now.saturating_add(LEEWAY_SECONDS) {
        return Err(Refusal::NotYet);
    }
    if life < 0 || claims.exp.saturating_add(LEEWAY_SECONDS) <= now {
        return Err(Refusal::Expired);
    }
    Ok(())
}

fn for_this_call(claims: &Claims, meta: &Map<String, Value>, tool: &str, arguments: &Map<String, Value>) -> Result<(), Refusal> {
    if claims.tool != tool {
        return Err(Refusal::Tool);
    }
    if digest(arguments).is_none_or(|digest| digest != claims.args) {
        return Err(Refusal::Arguments);
    }
    if meta.get(KEY).and_then(Value::as_str) != Some(&claims.key) {
        return Err(Refusal::Key);
    }
    if meta.get(ATTEMPT).and_then(Value::as_u64) != claims.attempt.map(u64::from) {
        return Err(Refusal::Attempt);
    }
    Ok(())
}

impl From<Claims> for Delegation {
    fn from(claims: Claims) -> Self {
        Self {
            subject: claims.sub,
            name: claims.name,
            tenant: claims.tenant,
            groups: claims.groups,
            run: claims.run,
            step: claims.step,
            tool: claims.tool,
            args: claims.args,
            key: claims.key,
            attempt: claims.attempt,
            zweck: claims.zweck,
            jti: claims.jti,
            dead_at: claims.exp.saturating_add(LEEWAY_SECONDS),
        }
    }
}

impl Delegation {
    /// All names under which this caller may hold a right: the subject and the groups.
    pub fn sids(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.subject.as_str()).chain(self.groups.iter().map(String::as_str))
    }
}
