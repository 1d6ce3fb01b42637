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

/// Bytes to be saved under a name, never to be shown.
pub fn attachment(name: &str, media_type: &str, bytes: Vec<u8>) -> Response {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' }).collect();
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
