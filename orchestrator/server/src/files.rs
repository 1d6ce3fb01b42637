//! Files of a run, for those who may see it.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, Uri, header},
    response::{IntoResponse, Response},
};
use laufzettel_domain::{RunId, Value, file::File};

use crate::{
    reply::Asked,
    site::{Session, Site},
};

/// A file that occurs in the run's input or in a step's value, or was handed in later. It is handed out to be saved, never to be shown.
pub async fn fetch(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path((run, name)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let Some(run) = RunId::parse(&run) else { return asked.missing() };
    let loaded = match tenant.desk.visible(&session.caller, run).await {
        Ok(Some(loaded)) => loaded,
        Ok(None) => return asked.missing(),
        Err(error) => return asked.wish(&error),
    };
    let mut files = Vec::new();
    collect(&loaded.run.input, &mut files);
    for state in loaded.run.steps.values() {
        if let laufzettel_engine::StepState::Completed { value, .. } = state {
            collect(value, &mut files);
        }
    }
    loaded.run.added.iter().for_each(|added| collect(&added.file, &mut files));
    let Some(file) = files.into_iter().find(|f| f.file == format!("blob:{name}")) else { return asked.missing() };
    match tenant.desk.tenant.store.bytes(&file.file).await {
        Ok(Some(bytes)) => {
            let body = serde_json::json!({ "run": run.to_string(), "file": file.file });
            if let Err(error) = tenant.desk.record("content.exported", &session.caller, body).await {
                return asked.unwritten(&error);
            }
            attachment(&file.name, "application/octet-stream", bytes)
        }
        Ok(None) => asked.missing(),
        Err(_) => asked.unavailable(),
    }
}

/// Characters of a name somebody saves a file under.
const NAME_CHARS_MAX: usize = 120;

/// The endings a file of this kind may be saved under, its own first: a script that is called one is opened as one.
fn endings(media_type: &str) -> &'static [&'static str] {
    match media_type {
        "application/pdf" => &["pdf"],
        "image/jpeg" => &["jpg", "jpeg"],
        "image/png" => &["png"],
        "image/gif" => &["gif"],
        "application/zip" => &["zip", "docx", "xlsx", "pptx", "odt", "ods", "odp"],
        "application/octet-stream" => &["bin"],
        _ => &["txt", "csv", "md", "json", "jsonl", "yaml"],
    }
}

/// A name as it may stand on somebody's disk: plain characters, and the ending its content has.
fn saved_as(name: &str, bytes: &[u8]) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' }).take(NAME_CHARS_MAX).collect();
    let endings = endings(&laufzettel_domain::file::media_type(name, bytes));
    let ending = plain.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
    if endings.contains(&ending.as_str()) { plain } else { format!("{plain}.{}", endings[0]) }
}

/// Bytes to be saved under a name, never to be shown.
pub fn attachment(name: &str, media_type: &str, bytes: Vec<u8>) -> Response {
    let plain = saved_as(name, &bytes);
    ([(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{plain}\""))], bytes).into_response()
}

/// Every file a value describes.
pub fn collect(value: &Value, found: &mut Vec<File>) {
    if let Some(file) = File::from_value(value) {
        found.push(file);
        return;
    }
    match value {
        Value::Object(map) => map.values().for_each(|v| collect(v, found)),
        Value::Array(items) => items.iter().for_each(|v| collect(v, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_saved_as_what_it_is() {
        for (name, bytes, expected) in [
            ("bescheid.pdf", &b"%PDF-1.7"[..], "bescheid.pdf"),
            ("Müll 1.PDF", b"%PDF-1.7", "M_ll_1.PDF"),
            ("rechnung.hta", b"<script>", "rechnung.hta.txt"),
            ("start.bat", b"echo", "start.bat.txt"),
            ("bild.svg", b"<svg/>", "bild.svg.txt"),
            ("foto.png", b"\xff\xd8\xff", "foto.png.jpg"),
            ("liste.csv", b"a;b", "liste.csv"),
            ("brief.docx", b"PK\x03\x04", "brief.docx"),
            ("ohne", b"\x00", "ohne.bin"),
            ("a\u{202e}fdp.exe", b"text", "a_fdp.exe.txt"),
        ] {
            assert_eq!(saved_as(name, bytes), expected, "{name}");
        }
        assert_eq!(saved_as(&"x".repeat(3_000), b"text").len(), NAME_CHARS_MAX + 4);
    }
}
