//! Signed checkpoints: which record each lane had reached, as a C2SP signed note that foreign tools can read.
//!
//! Note format: text, blank line, `— <key name> <base64(key id ‖ signature)>`; key id = first four bytes of
//! SHA-256(name ‖ "\n" ‖ 0x01 ‖ public key) (c2sp.org/signed-note, algorithm 1 = Ed25519).

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use laufzettel_domain::digest::{from_hex, to_hex};
use sha2::{Digest as _, Sha256};

use crate::record::is_place;

/// Where a lane stands: its last record and that record's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub lane: u64,
    pub seq: u64,
    pub hash: [u8; 32],
}

/// The signed statement. `number` is gapless from 1; `previous` is the SHA-256 of the text of the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub tenant: String,
    pub number: u64,
    pub previous: [u8; 32],
    /// Lanes that moved since the one before.
    pub heads: Vec<Head>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("not a signed note")]
    Malformed,
    #[error("signed by a key that is not known here")]
    UnknownKey,
    #[error("the signature does not fit the text")]
    BadSignature,
}

impl Checkpoint {
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", origin(&self.tenant), self.number, to_hex(&self.previous));
        for head in &self.heads {
            text.push_str(&format!("{} {} {}\n", head.lane, head.seq, to_hex(&head.hash)));
        }
        text
    }

    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.text()).into()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let tenant = lines.next()?.strip_prefix("laufzettel/v1/")?.to_owned();
        let number = lines.next()?.parse().ok()?;
        let previous = hash(lines.next()?)?;
        let heads = lines.map(head).collect::<Option<Vec<_>>>()?;
        let checkpoint = Self { tenant, number, previous, heads };
        // one spelling only: what is signed is exactly what was understood
        (checkpoint.text() == text && checkpoint.names_each_lane_once()).then_some(checkpoint)
    }

    /// At least one head, each at a place a record can have.
    fn names_each_lane_once(&self) -> bool {
        let lanes: BTreeSet<u64> = self.heads.iter().filter(|head| is_place(head.lane, head.seq)).map(|head| head.lane).collect();
        !lanes.is_empty() && lanes.len() == self.heads.len()
    }
}

fn origin(tenant: &str) -> String {
    format!("laufzettel/v1/{tenant}")
}

fn hash(text: &str) -> Option<[u8; 32]> {
    from_hex(text)?.try_into().ok()
}

fn head(line: &str) -> Option<Head> {
    let mut parts = line.split(' ');
    let head = Head { lane: parts.next()?.parse().ok()?, seq: parts.next()?.parse().ok()?, hash: hash(parts.next()?)? };
    parts.next().is_none().then_some(head)
}

fn key_id(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update(b"\n\x01");
    hash.update(public);
    let digest: [u8; 32] = hash.finalize().into();
    [digest[0], digest[1], digest[2], digest[3]]
}

/// The node's signing key. Built from 32 secret bytes drawn at the edge.
pub struct Signer {
    key: SigningKey,
    name: String,
}

/// A public key a verifier trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyKey {
    name: String,
    key: VerifyingKey,
}

impl Signer {
    pub fn new(tenant: &str, secret: &[u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(secret), name: origin(tenant) }
    }

    pub fn verify_key(&self) -> VerifyKey {
        VerifyKey { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// The note: text, blank line, signature line.
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        let text = checkpoint.text();
        let mut blob = key_id(&self.name, self.key.verifying_key().as_bytes()).to_vec();
        blob.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n\u{2014} {} {}\n", self.name, STANDARD.encode(blob))
    }
}

impl VerifyKey {
    /// C2SP verifier key: `<name>+<key id hex>+<base64(0x01 ‖ public key)>`.
    pub fn to_text(&self) -> String {
        let mut blob = vec![1];
        blob.extend_from_slice(self.key.as_bytes());
        format!("{}+{}+{}", self.name, to_hex(&key_id(&self.name, self.key.as_bytes())), STANDARD.encode(blob))
    }

    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().splitn(3, '+');
        let (name, id, blob) = (parts.next()?, parts.next()?, STANDARD.decode(parts.next()?).ok()?);
        let public: [u8; 32] = blob.strip_prefix(&[1])?.try_into().ok()?;
        (id == to_hex(&key_id(name, &public))).then_some(())?;
        Some(Self { name: name.to_owned(), key: VerifyingKey::from_bytes(&public).ok()? })
    }
}

/// Reads a note and checks its signature against the keys a verifier trusts.
pub fn open_note(note: &str, keys: &[VerifyKey]) -> Result<Checkpoint, NoteError> {
    let (text, signatures) = note.split_once("\n\n").ok_or(NoteError::Malformed)?;
    let text = format!("{text}\n");
    let line = signatures.strip_suffix('\n').and_then(|s| s.strip_prefix("\u{2014} ")).ok_or(NoteError::Malformed)?;
    let (name, blob) = line.split_once(' ').ok_or(NoteError::Malformed)?;
    let blob = STANDARD.decode(blob).map_err(|_| NoteError::Malformed)?;
    if blob.len() != 68 {
        return Err(NoteError::Malformed);
    }
    let key = keys.iter().find(|k| k.name == name && key_id(name, k.key.as_bytes()) == blob[..4]).ok_or(NoteError::UnknownKey)?;
    let signature = Signature::from_slice(&blob[4..]).map_err(|_| NoteError::Malformed)?;
    key.key.verify(text.as_bytes(), &signature).map_err(|_| NoteError::BadSignature)?;
    Checkpoint::parse(&text).filter(|checkpoint| origin(&checkpoint.tenant) == name).ok_or(NoteError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_opens_only_unchanged_and_with_its_key() {
        let signer = Signer::new("vg", &[7; 32]);
        let checkpoint = Checkpoint { tenant: "vg".into(), number: 3, previous: [1; 32], heads: vec![Head { lane: 1, seq: 9, hash: [2; 32] }] };
        let note = signer.sign(&checkpoint);
        let keys = [VerifyKey::parse(&signer.verify_key().to_text()).unwrap()];
        assert_eq!(open_note(&note, &keys), Ok(checkpoint));
        assert_eq!(open_note(&note, &[Signer::new("vg", &[8; 32]).verify_key()]), Err(NoteError::UnknownKey));
        assert_eq!(open_note(&note.replace("1 9 ", "1 8 "), &keys), Err(NoteError::BadSignature));
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(open_note(&changed, &keys).is_err(), "byte {at}");
            }
        }
    }
}
