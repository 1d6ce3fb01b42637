//! Files on their way through the tool door: bytes are put into a call, and taken out of a result.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use laufzettel_domain::{Digest, Value, file::File};
use laufzettel_store::Store;
use serde_json::json;

/// Bytes of a file that travels inside a message (4 MiB).
const EMBEDDED_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why a file cannot travel.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Die Datei „{0}“ ist größer als 4 MiB; größere Dateien an Werkzeuge zu geben wird noch nicht unterstützt")]
    TooLarge(String),
    #[error("Die Datei „{0}“ ist nicht (mehr) da")]
    Missing(String),
    #[error("der Speicher antwortet nicht")]
    Store(#[from] laufzettel_store::Error),
}

/// Every file in `arguments` gets its bytes as an embedded resource.
pub async fn embed(store: &Store, arguments: &Value) -> Result<Value, Error> {
    let mut filled = arguments.clone();
    for pointer in pointers(arguments, &|v| File::from_value(v).is_some()) {
        let Some(slot) = filled.pointer_mut(&pointer) else { continue };
        let Some(file) = File::from_value(slot) else { continue };
        if file.size > EMBEDDED_BYTES_MAX {
            return Err(Error::TooLarge(file.name));
        }
        let bytes = store.bytes(&file.file).await?.ok_or_else(|| Error::Missing(file.name.clone()))?;
        slot["resource"] = json!({ "uri": format!("laufzettel:{}", file.file), "mimeType": file.media_type, "blob": STANDARD.encode(bytes) });
    }
    Ok(filled)
}

/// Every embedded file in a result is kept, and only described in the value.
pub async fn extract(store: &Store, result: Value) -> Result<Value, Error> {
    let mut described = result;
    for pointer in pointers(&described, &|v| blob(v).is_some()) {
        let Some(slot) = described.pointer_mut(&pointer) else { continue };
        let Some(bytes) = blob(slot) else { continue };
        let name = slot.get("name").and_then(Value::as_str).unwrap_or("Datei").to_owned();
        let media_type = slot.get("media_type").and_then(Value::as_str).unwrap_or("application/octet-stream").to_owned();
        let file = File::describe(&name, &media_type, &bytes);
        store.put_bytes(&file.file, &bytes).await?;
        *slot = serde_json::to_value(&file).unwrap_or(Value::Null);
    }
    Ok(described)
}

fn blob(value: &Value) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(value.get("resource")?.get("blob")?.as_str()?).ok()?;
    // a server that says one digest and sends another is not believed
    let said = value.get("sha256").and_then(Value::as_str).and_then(Digest::parse);
    said.is_none_or(|digest| digest == Digest::of(&bytes)).then_some(bytes)
}

/// JSON pointers (RFC 6901) of the values a predicate names; nothing is looked for inside them.
fn pointers(value: &Value, wanted: &dyn Fn(&Value) -> bool) -> Vec<String> {
    fn walk(value: &Value, at: &mut String, wanted: &dyn Fn(&Value) -> bool, found: &mut Vec<String>) {
        if wanted(value) {
            found.push(at.clone());
            return;
        }
        let length = at.len();
        match value {
            Value::Object(map) => {
                for (name, inner) in map {
                    at.push('/');
                    at.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    walk(inner, at, wanted, found);
                    at.truncate(length);
                }
            }
            Value::Array(items) => {
                for (index, inner) in items.iter().enumerate() {
                    at.push_str(&format!("/{index}"));
                    walk(inner, at, wanted, found);
                    at.truncate(length);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, &mut String::new(), wanted, &mut found);
    found
}
