//! A file in arguments and results: what it is called, what it is, its digest, and its bytes as an MCP blob resource.
//! A file whose digest or size does not fit its bytes is refused; nothing is written here.

use base64::{Engine, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Failure, delegation::hex};

/// Bytes of one file: base64 of it and the rest of a message stay below the 16 MiB a line may have.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest file name common file systems take.
const NAME_BYTES_MAX: usize = 255;

/// A file with its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Datei {
    /// The orchestrator's own name of the file, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    pub name: String,
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// `sha256:<hex>`, lower case.
    pub sha256: String,
    pub resource: Resource,
}

/// MCP blob resource contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Resource {
    pub uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Base64 (RFC 4648 §4).
    pub blob: String,
}

impl Datei {
    /// Wraps bytes; `uri` says where they come from.
    pub fn new(name: &str, media_type: &str, uri: &str, bytes: &[u8]) -> Self {
        Self {
            file: None,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            size: bytes.len() as u64,
            sha256: sha256(bytes),
            resource: Resource { uri: uri.to_owned(), mime_type: Some(media_type.to_owned()), blob: STANDARD.encode(bytes) },
        }
    }

    /// The bytes, if the file is what it says.
    pub fn bytes(&self) -> Result<Vec<u8>, Failure> {
        self.named()?;
        // Four characters carry three bytes: too long a text is refused before it is decoded.
        if self.resource.blob.len() > FILE_BYTES_MAX.div_ceil(3) * 4 {
            return Err(self.wrong("ist größer als 4 MiB"));
        }
        let bytes = STANDARD.decode(&self.resource.blob).map_err(|_| self.wrong("ist nicht in Base64 gefasst"))?;
        if bytes.len() > FILE_BYTES_MAX {
            return Err(self.wrong("ist größer als 4 MiB"));
        }
        if bytes.len() as u64 != self.size {
            return Err(self.wrong("hat nicht die angegebene Größe"));
        }
        if sha256(&bytes) != self.sha256 {
            return Err(self.wrong("hat nicht die angegebene Prüfsumme"));
        }
        Ok(bytes)
    }

    fn named(&self) -> Result<(), Failure> {
        let plain = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        if !plain(&self.name) || self.name.len() > NAME_BYTES_MAX || self.name.contains(['/', '\\']) {
            return Err(Failure::invalid("Der Name der Datei ist leer, zu lang oder enthält unzulässige Zeichen."));
        }
        let (kind, subtype) = media_type(&self.media_type).split_once('/').unwrap_or_default();
        if !plain(&self.media_type) || !token(kind) || !token(subtype) {
            return Err(self.wrong("hat keinen gültigen Medientyp"));
        }
        Ok(())
    }

    fn wrong(&self, what: &str) -> Failure {
        Failure::invalid(format!("Die Datei „{}“ {what}.", self.name))
    }
}

/// `sha256:<hex>` of bytes.
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// The media type without its parameters: `text/plain; charset=utf-8` → `text/plain`.
pub fn media_type(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

fn token(text: &str) -> bool {
    (1..=127).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{Datei, FILE_BYTES_MAX};

    #[test]
    fn a_file_is_what_it_says_or_refused() {
        let good = Datei::new("Antrag.txt", "text/plain; charset=utf-8", "x:1", b"Hund");
        assert_eq!(good.bytes(), Ok(b"Hund".to_vec()));
        let bad: [fn(&mut Datei); 8] = [
            |datei| datei.size = 5,
            |datei| datei.sha256 = datei.sha256.to_uppercase(),
            |datei| datei.resource.blob = "SHVuZA".to_owned(),
            |datei| datei.resource.blob = "SHVuZQ==".to_owned(),
            |datei| datei.resource.blob = "A".repeat(FILE_BYTES_MAX * 2),
            |datei| datei.name = "../etc/passwd".to_owned(),
            |datei| datei.name = "a\nb".to_owned(),
            |datei| datei.media_type = "text".to_owned(),
        ];
        for (place, spoil) in bad.into_iter().enumerate() {
            let mut datei = good.clone();
            spoil(&mut datei);
            assert!(datei.bytes().is_err(), "case {place}");
        }
    }
}
