//! A sent form: its pairs, and its files kept in the store with what is known of them.

use axum::extract::{FromRequest as _, Multipart, Request};
use laufzettel_domain::{
    Text, Value,
    file::{File, media_type},
};
use laufzettel_process::schema::Problem;
use laufzettel_worker::Desk;

use crate::pages::{FileField, Form, UploadedFile, form};

/// Fields of one form at most; a page with more could not be filled in.
const PAIRS_MAX: usize = 2_000;
/// Bytes of one text field.
const FIELD_BYTES_MAX: usize = 256 * 1024;

pub struct Sent {
    pub pairs: Vec<(String, String)>,
    pub files: Vec<UploadedFile>,
    pub problems: Vec<Problem>,
}

impl Sent {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Reads a request of either encoding. `Err` for one that is no form.
pub async fn read(request: Request, desk: &Desk, form: &Form) -> Result<Sent, ()> {
    if is_multipart(&request) {
        return read_multipart(request, desk, form).await;
    }
    let axum::Form(pairs): axum::Form<Vec<(String, String)>> = axum::Form::from_request(request, &()).await.map_err(|_| ())?;
    let files = known_files(&pairs, form);
    Ok(Sent { pairs, files, problems: Vec::new() })
}

fn is_multipart(request: &Request) -> bool {
    request.headers().get("content-type").and_then(|v| v.to_str().ok()).is_some_and(|t| t.starts_with("multipart/form-data"))
}

/// The first value of a field, read no further than to it; nothing is kept. A form of several parts names it before any file.
pub async fn first(request: Request, name: &str) -> Option<String> {
    if !is_multipart(&request) {
        let axum::Form(pairs): axum::Form<Vec<(String, String)>> = axum::Form::from_request(request, &()).await.ok()?;
        return pairs.into_iter().find(|(n, _)| n == name).map(|(_, value)| value);
    }
    let mut parts = Multipart::from_request(request, &()).await.ok()?;
    while let Some(part) = parts.next_field().await.ok()? {
        if part.file_name().is_some() {
            return None;
        }
        if part.name() == Some(name) {
            return part.text().await.ok();
        }
    }
    None
}

async fn read_multipart(request: Request, desk: &Desk, form: &Form) -> Result<Sent, ()> {
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| ())?;
    let fields = form.files();
    let mut sent = Sent { pairs: Vec::new(), files: Vec::new(), problems: Vec::new() };
    while let Some(part) = parts.next_field().await.map_err(|_| ())? {
        let Some(name) = part.name().map(str::to_owned) else { continue };
        if sent.pairs.len() >= PAIRS_MAX {
            return Err(());
        }
        let file_name = part.file_name().map(str::to_owned);
        let bytes = part.bytes().await.map_err(|_| ())?;
        match file_name {
            Some(file_name) if !file_name.is_empty() && !bytes.is_empty() => {
                if let Some(field) = fields.iter().find(|f| f.path == name) {
                    take_file(desk, field, &file_name, &bytes, &mut sent).await?;
                }
            }
            Some(_) => {}
            None if bytes.len() <= FIELD_BYTES_MAX => sent.pairs.push((name, String::from_utf8(bytes.to_vec()).map_err(|_| ())?)),
            None => return Err(()),
        }
    }
    let earlier = known_files(&sent.pairs, form);
    for file in earlier {
        if !sent.files.iter().any(|f| f.path == file.path) {
            sent.files.push(file);
        }
    }
    Ok(sent)
}

async fn take_file(desk: &Desk, field: &FileField, name: &str, bytes: &[u8], sent: &mut Sent) -> Result<(), ()> {
    let path = laufzettel_domain::Path::new(field.path.split('.'));
    let mut refuse = |de: String, en: String| sent.problems.push(Problem { path: path.clone(), message: Text::new(de, en) });
    let media = media_type(name, bytes);
    if !field.media_types.is_empty() && !field.media_types.contains(&media) {
        refuse(format!("Diese Art Datei ({media}) geht hier nicht."), format!("This kind of file ({media}) is not accepted here."));
        return Ok(());
    }
    if field.max_bytes.is_some_and(|max| bytes.len() as u64 > max) {
        let max = field.max_bytes.unwrap_or(0) / 1024;
        refuse(format!("Die Datei ist zu groß (höchstens {max} KB)."), format!("The file is too large (at most {max} KB)."));
        return Ok(());
    }
    let file = File::describe(name, &media, bytes);
    desk.tenant.store.put_bytes(&file.file, bytes, laufzettel_worker::micros(desk.tenant.clock.now())).await.map_err(|_| ())?;
    let reference = serde_json::to_string(&file).map_err(|_| ())?;
    sent.files.push(UploadedFile { path: field.path.clone(), reference, name: file.name, bytes: file.size });
    Ok(())
}

/// Files uploaded on an earlier page, unless their box „entfernen“ was ticked.
fn known_files(pairs: &[(String, String)], form: &Form) -> Vec<UploadedFile> {
    let find = |name: &str| pairs.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let known = form.files().into_iter().filter_map(|field| {
        if find(&format!("{}{}", field.path, form::FILE_REMOVED)).is_some() {
            return None;
        }
        let reference = find(&format!("{}{}", field.path, form::FILE_REFERENCE))?;
        let file: File = serde_json::from_str(reference).ok()?;
        Some(UploadedFile { path: field.path, reference: reference.to_owned(), name: file.name, bytes: file.size })
    });
    known.collect()
}

/// Puts the files into the value. A reference counts only if its bytes are really there.
pub async fn insert_files(desk: &Desk, value: &mut Value, files: &[UploadedFile]) -> Result<(), laufzettel_store::Error> {
    for uploaded in files {
        let Ok(file) = serde_json::from_str::<File>(&uploaded.reference) else { continue };
        let Some(bytes) = desk.tenant.store.bytes(&file.file).await? else { continue };
        let described = File::describe(&file.name, &media_type(&file.name, &bytes), &bytes);
        if described.sha256 == file.sha256 {
            form::insert(value, &uploaded.path, serde_json::to_value(&described).unwrap_or(Value::Null));
        }
    }
    Ok(())
}
