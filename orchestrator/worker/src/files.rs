//! Files on their way through the tool door: bytes are put into a call, and taken out of a result.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use laufzettel_domain::{
    Digest, Path, Text, Value,
    file::{File, media_type},
};
use laufzettel_process::{
    Schema,
    schema::{Problem, is_file},
};
use laufzettel_store::{Store, failpoint};
use serde_json::json;

use crate::tenant::Tenant;

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
        let bytes = if is_blob(&file) { store.bytes(&file.file).await? } else { None };
        let bytes = bytes.ok_or_else(|| Error::Missing(file.name.clone()))?;
        if bytes.len() as u64 > EMBEDDED_BYTES_MAX {
            return Err(Error::TooLarge(file.name));
        }
        slot["resource"] = json!({ "uri": format!("laufzettel:{}", file.file), "mimeType": file.media_type, "blob": STANDARD.encode(bytes) });
    }
    Ok(filled)
}

/// Whether the bytes a description speaks of are here, and as many as it says.
pub async fn is_here(store: &Store, file: &File) -> Result<bool, laufzettel_store::Error> {
    Ok(is_blob(file) && store.bytes(&file.file).await?.is_some_and(|bytes| bytes.len() as u64 == file.size))
}

/// A file's place follows from its digest; anything else names no file.
fn is_blob(file: &File) -> bool {
    file.file == format!("blob:{}", laufzettel_domain::digest::to_hex(&file.sha256.0))
}

/// What is wrong with the files of an input: shape, kind, size, and whether their bytes are really here.
pub async fn check(store: &Store, schema: &Schema, input: &Value) -> Result<Vec<Problem>, laufzettel_store::Error> {
    let mut places = Vec::new();
    file_places(schema, input, &mut Vec::new(), &mut places);
    let (mut problems, mut here) = (Vec::new(), BTreeSet::new());
    for (path, declared, value) in places {
        let known = match File::from_value(value) {
            Some(file) if is_here(store, &file).await? => Some(file),
            _ => None,
        };
        // what is wrong with it is said once
        here.extend(File::from_value(value).map(|file| file.file));
        let message = match known {
            None => Some(did_not_arrive()),
            Some(file) => refusal(declared, &file),
        };
        problems.extend(message.map(|message| Problem { path: Path(path), message }));
    }
    // a file may be described where the form declares none
    for file in described(input).into_iter().filter(|file| !here.contains(&file.file)) {
        if !store.has_bytes(&file.file).await? {
            problems.push(Problem { path: Path(Vec::new()), message: did_not_arrive() });
        }
    }
    Ok(problems)
}

pub(crate) fn did_not_arrive() -> Text {
    Text::new("Diese Datei ist nicht angekommen. Bitte noch einmal hochladen.", "This file did not arrive. Please upload it again.")
}

fn refusal(declared: &Value, file: &File) -> Option<Text> {
    let kinds = declared.get("x-media-types").and_then(Value::as_array);
    if kinds.is_some_and(|kinds| !kinds.iter().any(|kind| kind.as_str() == Some(&file.media_type))) {
        return Some(Text::new(
            format!("Diese Art Datei ({}) geht hier nicht.", file.media_type),
            format!("This kind of file ({}) is not accepted here.", file.media_type),
        ));
    }
    let max = declared.get("x-max-bytes").and_then(Value::as_u64).unwrap_or(laufzettel_domain::file::BYTES_MAX);
    (file.size > max)
        .then(|| Text::new(format!("Die Datei ist zu groß (höchstens {} KB).", max / 1024), format!("The file is too large (at most {} KB).", max / 1024)))
}

type FilePlace<'v> = (Vec<String>, &'v Value, &'v Value);

fn file_places<'v>(schema: &'v Schema, value: &'v Value, path: &mut Vec<String>, found: &mut Vec<FilePlace<'v>>) {
    if let Some(declared) = schema.field(path).filter(|declared| is_file(declared)) {
        found.push((path.clone(), declared, value));
        return;
    }
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, inner)| (name.clone(), inner)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, inner)| (n.to_string(), inner)).collect(),
        _ => Vec::new(),
    };
    for (name, inner) in below {
        path.push(name);
        file_places(schema, inner, path, found);
        path.pop();
    }
}

/// The files a value describes, wherever in it.
pub fn described(value: &Value) -> Vec<File> {
    let places = pointers(value, &|v| File::from_value(v).is_some());
    places.iter().filter_map(|pointer| File::from_value(value.pointer(pointer)?)).filter(is_blob).collect()
}

/// Their names, as the store knows them.
pub fn names(value: &Value) -> BTreeSet<String> {
    described(value).into_iter().map(|file| file.file).collect()
}

/// The first file a value describes whose bytes are not here. What the journal describes it also has: what is described there and
/// not here has been taken away, and `audit verify` says so.
pub async fn absent(store: &Store, value: &Value) -> Result<Option<File>, laufzettel_store::Error> {
    for file in described(value) {
        if !store.has_bytes(&file.file).await? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Every embedded file in a result is kept, and only described in the value. One that is only described must be here already.
pub async fn extract(tenant: &Tenant, result: Value) -> Result<Value, Error> {
    let said = |slot: &Value, _: &str, _: &[u8]| slot.get("media_type").and_then(Value::as_str).unwrap_or("application/octet-stream").to_owned();
    let described = kept(tenant, result, &said).await?;
    match absent(&tenant.store, &described).await? {
        Some(file) => Err(Error::Missing(file.name)),
        None => Ok(described),
    }
}

/// Why the files of a message are not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotBrought {
    #[error("{}", .0.iter().map(|problem| format!("{}: {}", problem.path, problem.message.de)).collect::<Vec<_>>().join("; "))]
    Wrong(Vec<Problem>),
    #[error(transparent)]
    Store(#[from] Error),
}

/// The files of what a program or the command line sends: each brings its bytes (`resource.blob`, base64) and is what they are. One that is
/// only described is refused: whoever knows no more of a file than its hash has nothing.
pub async fn brought(tenant: &Tenant, value: Value) -> Result<Value, NotBrought> {
    let bare = pointers(&value, &|v| File::from_value(v).is_some() && blob(v).is_none());
    if !bare.is_empty() {
        let message = Text::new(
            "Eine Datei bringt ihre Bytes mit: { name, resource: { blob } }, blob in Base64.",
            "A file brings its bytes: { name, resource: { blob } }, blob in base64.",
        );
        return Err(NotBrought::Wrong(bare.iter().map(|pointer| Problem { path: path_of(pointer), message: message.clone() }).collect()));
    }
    Ok(kept(tenant, value, &|_, name, bytes| media_type(name, bytes)).await?)
}

fn path_of(pointer: &str) -> Path {
    Path::new(pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")))
}

/// `kind`: of what kind a file is, by what stands there, its name and its bytes.
async fn kept(tenant: &Tenant, value: Value, kind: &(dyn Fn(&Value, &str, &[u8]) -> String + Sync)) -> Result<Value, Error> {
    let mut described = value;
    for pointer in pointers(&described, &|v| blob(v).is_some()) {
        let Some(slot) = described.pointer_mut(&pointer) else { continue };
        let Some(bytes) = blob(slot) else { continue };
        let name = slot.get("name").and_then(Value::as_str).unwrap_or("Datei").to_owned();
        let file = File::describe(&name, &kind(slot, &name, &bytes), &bytes);
        failpoint::pass("door.before_keep", |said| Error::Store(laufzettel_store::Error::Refused(said)))?;
        tenant.store.put_bytes(&file.file, &bytes, crate::micros(tenant.clock.now())).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_wherever_a_value_describes_them() {
        let file = |bytes: &[u8]| serde_json::to_value(File::describe("f.pdf", "application/pdf", bytes)).unwrap();
        let mut elsewhere = file(b"3");
        elsewhere["file"] = json!("blob:anders");
        let value = json!({ "call": { "arguments": { "anhaenge": [file(b"1"), { "datei": file(b"2") }] } }, "x": elsewhere, "file": "blob:text", "n": null });
        let expected: BTreeSet<String> = [&b"1"[..], b"2"].map(|bytes| File::describe("f", "x", bytes).file).into();
        assert_eq!(names(&value), expected);
    }
}
