//! A file in a run: its description travels as a value, its bytes are content of the journal.

use serde::{Deserialize, Serialize};

use crate::{Digest, Value};

/// The largest file a run takes, in bytes (32 MiB: a scanned form of 40 pages; the journal keeps it whole).
pub const BYTES_MAX: u64 = 32 * 1024 * 1024;

/// What a step sees of a file: `{ file, name, media_type, size, sha256 }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Where its bytes lie: `blob:<sha256 hex>` within the tenant's store.
    pub file: String,
    pub name: String,
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    pub sha256: Digest,
}

impl File {
    pub fn describe(name: &str, media_type: &str, bytes: &[u8]) -> Self {
        let sha256 = Digest::of(bytes);
        Self {
            file: format!("blob:{}", crate::digest::to_hex(&sha256.0)),
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            size: bytes.len() as u64,
            sha256,
        }
    }

    /// Reads a value back as a file; `None` if it is something else.
    pub fn from_value(value: &Value) -> Option<Self> {
        value.get("file")?;
        serde_json::from_value(value.clone()).ok()
    }
}

/// The media type by content; the ending decides only among texts.
pub fn media_type(name: &str, bytes: &[u8]) -> String {
    let known: [(&[u8], &str); 5] = [
        (b"%PDF-", "application/pdf"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"PK\x03\x04", "application/zip"),
        (b"GIF8", "image/gif"),
    ];
    if let Some((_, media)) = known.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return (*media).to_owned();
    }
    if std::str::from_utf8(bytes).is_err() || bytes.contains(&0) {
        return "application/octet-stream".to_owned();
    }
    let ending = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    match ending.as_str() {
        "html" | "htm" => "text/html",
        "json" => "application/json",
        "md" => "text/markdown",
        _ => "text/plain",
    }
    .to_owned()
}
