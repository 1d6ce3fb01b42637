//! Keys of programs: created, listed, revoked, recognised. What a key may stands in the journal and nowhere else, and of the key
//! itself only the SHA-256 is kept. What was folded once is kept as long as no record about keys has come to the journal: each use
//! asks for the last ones, so a key that is revoked is so at once, whoever wrote that.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use laufzettel_domain::{Caller, Digest, Value, Via, digest::to_hex};
use laufzettel_journal::Record;
use laufzettel_store::{AppendError, Error as StoreError};
use serde_json::json;
use subtle::ConstantTimeEq as _;

use crate::desk::Desk;

/// Keys of a tenant that live at once: one for each connected system, with room.
const KEYS_MAX: usize = 500;
/// Characters of a whole key: the longest tenant's name and 88 of ours.
const TOKEN_CHARS_MAX: usize = 256;

/// What a key is to be.
#[derive(Debug, Clone)]
pub struct KeyWish {
    /// What people call it.
    pub name: String,
    /// Whom it acts for: a service account, or a person.
    pub holder: Caller,
    pub processes: Vec<String>,
    pub per_minute: u32,
    pub expires: Timestamp,
}

/// A key as the journal knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub id: String,
    pub name: String,
    pub holder: Caller,
    pub processes: Vec<String>,
    pub per_minute: u32,
    /// Microseconds since 1970.
    pub created: i64,
    pub expires: Timestamp,
    pub revoked: bool,
    hash: Digest,
}

impl Key {
    pub fn lives(&self, now: Timestamp) -> bool {
        !self.revoked && now < self.expires
    }

    fn is(&self, token: &str) -> bool {
        bool::from(self.hash.0.ct_eq(&Digest::of(token.as_bytes()).0))
    }

    /// Who acts with it: never somebody interactive, and named with the key, so that the journal tells which one it was.
    pub fn caller(&self) -> Caller {
        Caller { name: format!("{} (Schlüssel {})", self.holder.name, self.name), via: Via::Api, ..self.holder.clone() }
    }
}

/// Kinds of records that say something of keys.
const KINDS: [&str; 2] = ["key.created", "key.revoked"];

/// The keys as they were when these were the last records of each kind, by lane and place.
#[derive(Debug)]
pub(crate) struct Ring {
    last: [Option<(u64, u64)>; 2],
    keys: BTreeMap<String, Key>,
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("there are {KEYS_MAX} keys already")]
    TooMany,
    #[error("there is no such key")]
    Unknown,
    #[error("the store does not answer: {0}")]
    Store(#[from] StoreError),
    #[error("the store does not take it: {0}")]
    Append(#[from] AppendError),
}

impl Desk {
    /// A new key. The text that comes back exists nowhere else.
    pub async fn create_key(&self, wish: KeyWish, by: &Caller, os_user: &str) -> Result<(String, String), KeyError> {
        let now = self.tenant.clock.now();
        if self.keys().await?.values().filter(|k| k.lives(now)).count() >= KEYS_MAX {
            return Err(KeyError::TooMany);
        }
        let id = to_hex(&self.tenant.random::<6>());
        let token = format!("lz_{}_{id}_{}", self.tenant.id, to_hex(&self.tenant.random::<32>()));
        let body = json!({ "key": id, "name": wish.name, "holder": wish.holder, "processes": wish.processes, "per_minute": wish.per_minute,
            "expires": wish.expires, "sha256": Digest::of(token.as_bytes()), "os_user": os_user });
        self.record("key.created", by, body).await?;
        // known from now on to whoever asks without the store
        self.ring().await?;
        Ok((id, token))
    }

    pub async fn revoke_key(&self, id: &str, by: &Caller, os_user: &str) -> Result<Key, KeyError> {
        let mut keys = self.keys().await?;
        let key = keys.remove(id).filter(|k| !k.revoked).ok_or(KeyError::Unknown)?;
        self.record("key.revoked", by, json!({ "key": id, "name": key.name, "os_user": os_user })).await?;
        Ok(key)
    }

    /// By id.
    pub async fn keys(&self) -> Result<BTreeMap<String, Key>, StoreError> {
        Ok(self.ring().await?.keys.clone())
    }

    async fn ring(&self) -> Result<Arc<Ring>, StoreError> {
        // asked before what they mark is read: what comes between is seen by the next one
        let mut last = [None, None];
        for (last, kind) in last.iter_mut().zip(KINDS) {
            *last = self.tenant.store.last_beside(kind).await?.map(|record| (record.lane, record.seq));
        }
        if let Some(known) = self.known_keys().filter(|ring| ring.last == last) {
            return Ok(known);
        }
        let ring = Arc::new(Ring { last, keys: fold(&self.tenant.store.beside_since(&KINDS, 0).await?) });
        *self.tenant.memory.keys.lock().expect("nobody panics while holding this lock") = Some(ring.clone());
        Ok(ring)
    }

    fn known_keys(&self) -> Option<Arc<Ring>> {
        self.tenant.memory.keys.lock().expect("nobody panics while holding this lock").clone()
    }

    /// Whether this text has been a key lately, without a look into the store. It opens nothing: only [`Self::key`] says what does.
    pub fn remembers_key(&self, token: &str) -> bool {
        let known = parts(token).and_then(|(_, id)| Some(self.known_keys()?.keys.get(id)?.is(token)));
        known.unwrap_or(false)
    }

    /// The living key this text is. Wrong, expired and revoked look the same.
    pub async fn key(&self, token: &str) -> Result<Option<Key>, StoreError> {
        let Some((tenant, id)) = parts(token) else { return Ok(None) };
        if tenant != self.tenant.id.as_str() {
            return Ok(None);
        }
        let ring = self.ring().await?;
        Ok(ring.keys.get(id).filter(|key| key.is(token) && key.lives(self.tenant.clock.now())).cloned())
    }
}

/// Tenant and id of a key's text.
pub fn parts(token: &str) -> Option<(&str, &str)> {
    if token.len() > TOKEN_CHARS_MAX {
        return None;
    }
    let mut parts = token.strip_prefix("lz_")?.split('_');
    let (tenant, id, _secret) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then_some((tenant, id))
}

fn fold(records: &[Record]) -> BTreeMap<String, Key> {
    let mut keys = BTreeMap::new();
    for record in records {
        let Some(body) = record.draft.body() else { continue };
        let Some(id) = body.get("key").and_then(Value::as_str) else { continue };
        if record.draft.kind == "key.revoked" {
            if let Some(key) = keys.get_mut(id) {
                let key: &mut Key = key;
                key.revoked = true;
            }
        } else if let Some(key) = read(id, &body, record.draft.at) {
            // an id stands for one key: a second record of it changes nothing
            keys.entry(id.to_owned()).or_insert(key);
        }
    }
    keys
}

/// A record that does not read is no key.
fn read(id: &str, body: &Value, created: i64) -> Option<Key> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    Some(Key {
        id: id.to_owned(),
        name: text("name")?.to_owned(),
        holder: serde_json::from_value(body.get("holder")?.clone()).ok()?,
        processes: serde_json::from_value(body.get("processes")?.clone()).ok()?,
        per_minute: body.get("per_minute").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok())?,
        created,
        expires: text("expires")?.parse().ok()?,
        revoked: false,
        hash: Digest::parse(text("sha256")?)?,
    })
}

#[cfg(test)]
mod tests {
    use laufzettel_journal::{Draft, genesis, seal};

    use super::*;

    fn record(kind: &str, at: i64, body: Value) -> Record {
        seal(&genesis("vg", 1), 1, 1, Draft::new(kind, "engine", at, body, None))
    }

    fn created(id: &str, name: &str) -> Record {
        let holder = Caller::service("svc", Via::Api);
        let body = json!({ "v": 1, "key": id, "name": name, "holder": holder, "processes": ["hunde*"], "per_minute": 60,
            "expires": "2027-01-01T00:00:00Z", "sha256": Digest::of(b"x") });
        record("key.created", 7, body)
    }

    #[test]
    fn keys_are_what_the_records_say() {
        let revoked = |id: &str| record("key.revoked", 8, json!({ "key": id }));
        let keys = fold(&[
            created("a", "eins"),
            created("b", "zwei"),
            revoked("a"),
            revoked("fremd"),
            created("b", "untergeschoben"),
            record("key.created", 9, json!({ "key": "c" })),
        ]);
        let told: Vec<_> = keys.values().map(|k| (k.id.as_str(), k.name.as_str(), k.revoked)).collect();
        assert_eq!(told, [("a", "eins", true), ("b", "zwei", false)]);
        let key = &keys["b"];
        assert!(key.lives("2026-12-31T23:59:59Z".parse().unwrap()) && !key.lives("2027-01-01T00:00:00Z".parse().unwrap()));
        assert!(!keys["a"].lives("2026-01-01T00:00:00Z".parse().unwrap()));
        let caller = key.caller();
        assert_eq!((caller.name.as_str(), caller.via, caller.service_name()), ("svc (Schlüssel zwei)", Via::Api, Some("svc")));
    }

    #[test]
    fn the_text_of_a_key() {
        for (text, expected) in
            [("lz_vg-bellheim_0a1b_ff", Some(("vg-bellheim", "0a1b"))), ("lz_vg_0a1b", None), ("lz_vg_0a1b_ff_x", None), ("vg_0a1b_ff", None), ("", None)]
        {
            assert_eq!(parts(text), expected, "{text}");
        }
        assert_eq!(parts(&format!("lz_vg_a_{}", "f".repeat(300))), None);
    }
}
