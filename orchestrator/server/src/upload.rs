//! The way back of a file that was uploaded on an earlier page: its description with a seal, so that a browser brings back only what it
//! has sent itself. Whoever knows no more of a file than its hash has nothing; so it is with what programs send.

use axum::response::Response;
use laufzettel_domain::file::File;
use laufzettel_worker::files::{self, NotBrought};
use serde_json::Value;

use crate::{
    problem::{invalid, later},
    seal::{derive, is_same},
    site::TenantSite,
};

/// Beside the members of a file in what a browser carries.
const SEAL: &str = "siegel";

fn seal(key: &[u8; 32], file: &File) -> Option<String> {
    Some(derive(key, "upload", &serde_json::to_string(file).ok()?))
}

/// What the browser sends back for a file.
pub fn sealed(key: &[u8; 32], file: &File) -> Option<String> {
    let mut told = serde_json::to_value(file).ok()?;
    told.as_object_mut()?.insert(SEAL.to_owned(), Value::String(seal(key, file)?));
    Some(told.to_string())
}

/// The file a browser speaks of, if it got the reference from here.
pub fn opened(key: &[u8; 32], reference: &str) -> Option<File> {
    let told: Value = serde_json::from_str(reference).ok()?;
    let file = File::from_value(&told)?;
    is_same(&seal(key, &file)?, told.get(SEAL)?.as_str()?).then_some(file)
}

/// What a program sent, with its files kept and described. `Err`: the answer.
pub async fn brought(tenant: &TenantSite, value: Value) -> Result<Value, Response> {
    files::brought(&tenant.desk.tenant, value).await.map_err(|error| match error {
        NotBrought::Wrong(problems) => invalid(&problems),
        NotBrought::Store(_) => later(),
    })
}
