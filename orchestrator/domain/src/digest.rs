//! SHA-256 digests, written `sha256:<hex>`, and the canonical bytes they are taken over (RFC 8785).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::Value;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Digest of a value's canonical JSON.
    pub fn of_value(value: &Value) -> Self {
        Self::of(&canonical(value))
    }

    /// Digest over named parts; each name and part is length-prefixed, so no two lists of parts give the same bytes.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut hash = Sha256::new();
        for (name, part) in parts {
            for bytes in [name.as_bytes(), part] {
                hash.update((bytes.len() as u64).to_be_bytes());
                hash.update(bytes);
            }
        }
        Self(hash.finalize().into())
    }

    /// Reads `sha256:<64 hex digits>`.
    pub fn parse(text: &str) -> Option<Self> {
        from_hex(text.strip_prefix("sha256:")?)?.try_into().ok().map(Self)
    }
}

/// The canonical JSON bytes of a value (RFC 8785).
pub fn canonical(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("a JSON value has no map keys or numbers RFC 8785 cannot write")
}

pub fn to_hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", to_hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected sha256:<64 hex digits>"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_order_does_not_matter_but_part_boundaries_do() {
        let a = serde_json::json!({"b": 1, "a": [1.0, "ü"]});
        let b: Value = serde_json::from_str(r#"{"a":[1.0,"ü"],"b":1}"#).unwrap();
        assert_eq!(Digest::of_value(&a), Digest::of_value(&b));
        assert_ne!(Digest::of_parts([("ab", &b"c"[..])]), Digest::of_parts([("a", &b"bc"[..])]));
        let text = Digest::of(b"x").to_string();
        assert_eq!(Digest::parse(&text), Some(Digest::of(b"x")));
        assert_eq!(Digest::parse("sha256:zz"), None);
    }
}
