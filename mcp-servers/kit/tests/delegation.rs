//! The delegation token: one good call, and every way to misuse it.
#![expect(clippy::unwrap_used, reason = "helpers of tests; a failure is a failed test")]

use laufzettel_mcp_kit::{Refusal, Trust, delegation::verify, replay::Replay};
use laufzettel_mcp_testing::{KID, NOW, TENANT, claims, jwks, meta, sign, sign_as};
use serde_json::{Map, Value, json};

struct Attempt {
    claims: Map<String, Value>,
    tool: &'static str,
    arguments: Map<String, Value>,
    key: &'static str,
    attempt: Option<u32>,
    token: fn(&Map<String, Value>) -> Value,
    at: i64,
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn signed(claims: &Map<String, Value>) -> Value {
    Value::String(sign(claims))
}

fn good() -> Attempt {
    let arguments = object(&json!({ "frage": "Hund", "zahl": 1.50 }));
    let claims = claims("dms", "suchen", &arguments, "k1", "j1");
    Attempt { claims, tool: "suchen", arguments, key: "k1", attempt: None, token: signed, at: NOW }
}

fn trust() -> Trust {
    Trust::new(&jwks(), "dms", TENANT).unwrap()
}

fn outcome(attempt: &Attempt) -> Result<String, Refusal> {
    let mut meta = meta("", attempt.key);
    meta.insert("de.laufzettel/delegation".to_owned(), (attempt.token)(&attempt.claims));
    meta.extend(attempt.attempt.map(|n| ("de.laufzettel/attempt".to_owned(), json!(n))));
    verify(&trust(), &meta, attempt.tool, &attempt.arguments, attempt.at).map(|delegation| delegation.subject)
}

type Spoil = fn(&mut Attempt);

/// What is changed in a good attempt, and what must come of it (`None`: still good).
const TABLE: &[(&str, Spoil, Option<Refusal>)] = &[
    ("good", |_| {}, None),
    ("unknown claims are ignored", |a| set(a, "neu", json!(1)), None),
    ("no purpose", |a| set(a, "zweck", Value::Null), None),
    ("in the leeway after exp", |a| a.at = NOW + 34, None),
    ("in the leeway before iat", |a| a.at = NOW - 6, None),
    ("after the leeway", |a| a.at = NOW + 35, Some(Refusal::Expired)),
    ("before the leeway", |a| a.at = NOW - 7, Some(Refusal::NotYet)),
    ("lives sixty seconds", |a| set(a, "exp", json!(NOW + 59)), None),
    ("lives too long", |a| set(a, "exp", json!(NOW + 60)), Some(Refusal::TooLong)),
    ("overflowing life", |a| set(a, "iat", json!(i64::MIN)), Some(Refusal::TooLong)),
    ("ends before it begins", |a| set(a, "exp", json!(NOW - 2)), Some(Refusal::Expired)),
    ("no exp", |a| unset(a, "exp"), Some(Refusal::Malformed)),
    ("no iat", |a| unset(a, "iat"), Some(Refusal::Malformed)),
    ("no jti", |a| unset(a, "jti"), Some(Refusal::Malformed)),
    ("empty jti", |a| set(a, "jti", json!("")), Some(Refusal::Malformed)),
    ("empty subject", |a| set(a, "sub", json!("")), Some(Refusal::Malformed)),
    ("groups are no list", |a| set(a, "groups", json!("S-1")), Some(Refusal::Malformed)),
    ("too many groups", |a| set(a, "groups", json!(vec!["S-1"; 2000])), Some(Refusal::Malformed)),
    ("foreign issuer", |a| set(a, "iss", json!("other")), Some(Refusal::Issuer)),
    ("foreign audience", |a| set(a, "aud", json!("registry")), Some(Refusal::Audience)),
    ("list of audiences", |a| set(a, "aud", json!(["dms", "registry"])), Some(Refusal::Malformed)),
    ("foreign tenant", |a| set(a, "tenant", json!("trier")), Some(Refusal::Tenant)),
    ("another tool", |a| a.tool = "lesen", Some(Refusal::Tool)),
    ("another argument", |a| drop(a.arguments.insert("frage".into(), json!("Katze"))), Some(Refusal::Arguments)),
    ("one argument more", |a| drop(a.arguments.insert("akte".into(), json!("1"))), Some(Refusal::Arguments)),
    ("no arguments", |a| a.arguments.clear(), Some(Refusal::Arguments)),
    ("same number, other spelling", |a| drop(a.arguments.insert("zahl".into(), json!(1.5))), None),
    ("another key", |a| a.key = "k2", Some(Refusal::Key)),
    ("an attempt nobody signed", |a| a.attempt = Some(2), Some(Refusal::Attempt)),
    ("a signed attempt", |a| numbered(a, 2, 2), None),
    ("another attempt", |a| numbered(a, 2, 3), Some(Refusal::Attempt)),
    ("an attempt that is no number", |a| set(a, "attempt", json!("2")), Some(Refusal::Malformed)),
    ("no token", |a| a.token = |_| Value::Null, Some(Refusal::Malformed)),
    ("no JWT", |a| a.token = |_| json!("abc"), Some(Refusal::Malformed)),
    ("three dots", |a| a.token = |c| json!(format!("{}.x", sign(c))), Some(Refusal::Malformed)),
    ("a megabyte", |a| a.token = |_| json!("a".repeat(1 << 20)), Some(Refusal::Malformed)),
    ("spoiled signature", |a| a.token = |c| json!(spoiled(&sign(c))), Some(Refusal::Signature)),
    ("foreign key, known kid", |a| a.token = |c| with(c, &json!({"alg":"EdDSA","kid":KID}), [8; 32]), Some(Refusal::Signature)),
    ("unknown kid", |a| a.token = |c| with(c, &json!({"alg":"EdDSA","kid":"x"}), [7; 32]), Some(Refusal::UnknownKey)),
    ("no kid", |a| a.token = |c| with(c, &json!({"alg":"EdDSA"}), [7; 32]), Some(Refusal::UnknownKey)),
    ("symmetric algorithm", |a| a.token = |c| with(c, &json!({"alg":"HS256","kid":KID}), [7; 32]), Some(Refusal::Algorithm)),
    ("no algorithm", |a| a.token = |c| with(c, &json!({"alg":"none","kid":KID}), [7; 32]), Some(Refusal::Malformed)),
    ("critical extension", |a| a.token = |c| with(c, &json!({"alg":"EdDSA","kid":KID,"crit":["b64"]}), [7; 32]), Some(Refusal::Malformed)),
];

fn set(attempt: &mut Attempt, claim: &str, value: Value) {
    attempt.claims.insert(claim.to_owned(), value);
}

fn numbered(attempt: &mut Attempt, signed: u32, told: u32) {
    set(attempt, "attempt", json!(signed));
    attempt.attempt = Some(told);
}

fn unset(attempt: &mut Attempt, claim: &str) {
    attempt.claims.remove(claim);
}

fn with(claims: &Map<String, Value>, header: &Value, seed: [u8; 32]) -> Value {
    Value::String(sign_as(header, claims, seed))
}

fn spoiled(token: &str) -> String {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    format!("{message}.{first}{}", &signature[1..])
}

#[test]
fn every_misuse_is_refused_for_its_own_reason() {
    for (name, spoil, expected) in TABLE {
        let mut attempt = good();
        spoil(&mut attempt);
        assert_eq!(outcome(&attempt).err(), *expected, "{name}");
    }
}

#[test]
fn the_key_beside_the_token_must_be_there() {
    let Attempt { claims, arguments, .. } = good();
    let meta = object(&json!({ "de.laufzettel/delegation": sign(&claims) }));
    assert_eq!(verify(&trust(), &meta, "suchen", &arguments, NOW), Err(Refusal::Key));
}

#[test]
fn without_keys_or_token_nothing_is_believed() {
    let Attempt { claims, arguments, .. } = good();
    let meta = meta(&sign(&claims), "k1");
    let empty = Trust::new(r#"{"keys":[]}"#, "dms", TENANT).unwrap();
    for nobody in [Trust::nobody(), empty] {
        assert_eq!(verify(&nobody, &meta, "suchen", &arguments, NOW), Err(Refusal::NoKeys));
    }
    assert_eq!(verify(&trust(), &Map::new(), "suchen", &arguments, NOW), Err(Refusal::Missing));
}

#[test]
fn a_token_is_used_once_and_remembered_while_it_could_live() {
    let delegation = |jti: &str| {
        let Attempt { arguments, .. } = good();
        let claims = claims("dms", "suchen", &arguments, "k1", jti);
        verify(&trust(), &meta(&sign(&claims), "k1"), "suchen", &arguments, NOW).unwrap()
    };
    let mut replay = Replay::bounded(2);
    assert_eq!(replay.admit(&delegation("a"), NOW), Ok(()));
    assert_eq!(replay.admit(&delegation("a"), NOW), Err(Refusal::Replayed));
    assert_eq!(replay.admit(&delegation("a"), NOW + 69), Err(Refusal::Replayed));
    assert_eq!(replay.admit(&delegation("b"), NOW + 69), Ok(()));
    assert_eq!(replay.admit(&delegation("c"), NOW + 69), Err(Refusal::Crowded));
    assert_eq!(replay.admit(&delegation("c"), NOW + 70), Ok(()));
    assert_eq!(replay.admit(&delegation("b"), NOW + 70), Err(Refusal::Replayed));
}
