//! A sent form: its pairs, and its files kept in the store with what is known of them.

mod unread;

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request},
    response::IntoResponse as _,
};
use jiff::civil::Date;
use laufzettel_domain::{
    Lang, Text, Value,
    file::{File, media_type},
};
use laufzettel_process::{Schema, schema::Problem};

use crate::{
    pages::{FileField, Form, HONEYPOT, UploadedFile, form, shown, unseen, words::word},
    site::TenantSite,
    upload,
};

/// Fields of one form at most: two lists of twenty entries within each other, with six fields each, some of them in three parts. Nobody fills in more.
const PAIRS_MAX: usize = 5_000;
/// Bytes of one text field.
const FIELD_BYTES_MAX: usize = 256 * 1024;

pub use unread::{FORM_BYTES_MAX, Unread, weighed};

pub struct Sent {
    pub pairs: Vec<(String, String)>,
    pub files: Vec<UploadedFile>,
    pub problems: Vec<Problem>,
}

impl Sent {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// What was filled in before, put away and brought back.
    pub fn again(pairs: Vec<(String, String)>, tenant: &TenantSite, form: &Form) -> Self {
        let (files, problems) = known_files(&pairs, &tenant.upload_key, form);
        Self { pairs, files, problems }.settled(form)
    }

    /// The references among the pairs are those of the files that are there now: what was removed is gone, what came is named.
    fn settled(mut self, form: &Form) -> Self {
        // a field of another kind may be called as these end
        let typed = form.typed_names(&self.pairs);
        let speaks_of_file = |name: &str| name.ends_with(form::FILE_REFERENCE) || name.ends_with(form::FILE_REMOVED);
        self.pairs.retain(|(name, _)| !speaks_of_file(name) || typed.contains(name));
        let references = self.files.iter().map(|file| (format!("{}{}", file.path, form::FILE_REFERENCE), file.reference.clone()));
        self.pairs.extend(references);
        self
    }
}

/// Reads a request of either encoding. `Err` for one that is no form.
pub async fn read(request: Request, tenant: &TenantSite, form: &Form) -> Result<Sent, Unread> {
    let request = unread::small(request).await?;
    if is_multipart(&request) {
        return read_multipart(request, tenant, form).await;
    }
    let read: Result<axum::Form<Vec<(String, String)>>, _> = axum::Form::from_request(request, &()).await;
    let axum::Form(pairs) = read.map_err(|refused| Unread::of(refused.into_response().status()))?;
    if pairs.len() > PAIRS_MAX || pairs.iter().any(|(_, value)| value.len() > FIELD_BYTES_MAX) {
        return Err(Unread::Broken);
    }
    Ok(Sent::again(pairs, tenant, form))
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

/// What was typed into a form, and whether files came with it.
pub struct Texts {
    pub pairs: Vec<(String, String)>,
    pub files: bool,
}

impl Texts {
    pub fn first(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Bytes of what is given back to somebody nobody knows: more than anybody types, and little to hold for whoever only tries.
const TYPED_BYTES_MAX: usize = 512 * 1024;

/// `None` for what is no form, or too large to be given back. Files are passed over as they come, and not held.
pub async fn texts(mut request: Request) -> Option<Texts> {
    if !is_multipart(&request) {
        let axum::Form(pairs): axum::Form<Vec<(String, String)>> = axum::Form::from_request(request, &()).await.ok()?;
        return bounded(&pairs).then_some(Texts { pairs, files: false });
    }
    // whatever its route takes stands behind the sign-in
    DefaultBodyLimit::max(FORM_BYTES_MAX).apply(&mut request);
    let mut texts = Texts { pairs: Vec::new(), files: false };
    let mut parts = Multipart::from_request(request, &()).await.ok()?;
    while let Some(mut part) = parts.next_field().await.ok()? {
        let Some(name) = part.name().map(str::to_owned) else { continue };
        if let Some(file) = part.file_name() {
            texts.files |= !file.is_empty();
            continue;
        }
        let mut text = Vec::new();
        while let Some(more) = part.chunk().await.ok()? {
            text.extend_from_slice(&more);
            if text.len() > FIELD_BYTES_MAX {
                return None;
            }
        }
        texts.pairs.push((name, String::from_utf8(text).ok()?));
        if !bounded(&texts.pairs) {
            return None;
        }
    }
    Some(texts)
}

fn bounded(pairs: &[(String, String)]) -> bool {
    pairs.len() <= PAIRS_MAX && pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= TYPED_BYTES_MAX
}

async fn read_multipart(request: Request, tenant: &TenantSite, form: &Form) -> Result<Sent, Unread> {
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| Unread::Broken)?;
    let mut sent = Sent { pairs: Vec::new(), files: Vec::new(), problems: Vec::new() };
    let mut arrived = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|error| Unread::of(error.status()))? {
        let Some(name) = part.name().map(str::to_owned) else { continue };
        if sent.pairs.len() + arrived.len() >= PAIRS_MAX {
            return Err(Unread::Broken);
        }
        let file_name = part.file_name().map(str::to_owned);
        let bytes = part.bytes().await.map_err(|error| Unread::of(error.status()))?;
        match file_name {
            Some(file_name) if !file_name.is_empty() => {
                if let Some(field) = form.file_field(&name) {
                    arrived.push((field, file_name, bytes));
                }
            }
            Some(_) => {}
            None if bytes.len() <= FIELD_BYTES_MAX => sent.pairs.push((name, String::from_utf8(bytes.to_vec()).map_err(|_| Unread::Broken)?)),
            None => return Err(Unread::Broken),
        }
    }
    // nothing of a program that fills in what people do not see is kept, and nothing it says of files counts
    if sent.get(HONEYPOT).is_some_and(|text| !text.is_empty()) {
        return Ok(sent.settled(form));
    }
    // what was there before counts first, wherever its reference stood in the request
    (sent.files, sent.problems) = known_files(&sent.pairs, &tenant.upload_key, form);
    for (field, name, bytes) in arrived {
        take_file(tenant, &field, &name, &bytes, &mut sent).await;
    }
    Ok(sent.settled(form))
}

/// Characters of a file's name: what is longer nobody reads.
const NAME_CHARS_MAX: usize = 120;

/// A name without what turns a line around or breaks it, and no longer than a line.
fn called(name: &str) -> String {
    crate::pages::unseen::dropped(name).chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

/// Keeps a file that fits its field; why another does not, or cannot be kept now, is said at the field.
async fn take_file(tenant: &TenantSite, field: &FileField, name: &str, bytes: &[u8], sent: &mut Sent) {
    let path = laufzettel_domain::Path::new(field.path.split('.'));
    let media = media_type(name, bytes);
    let there = sent.files.iter().filter(|file| file.path == field.path).count();
    if let Some(message) = refused(field, name, &media, bytes.len() as u64, there) {
        return told(sent, path, message);
    }
    let file = File::describe(&called(name), &media, bytes);
    let (store, clock) = (&tenant.desk.tenant.store, &tenant.desk.tenant.clock);
    let kept = store.put_bytes(&file.file, bytes, laufzettel_worker::micros(clock.now())).await;
    // everything else she filled in comes back beside it
    let Some(reference) = upload::sealed(&tenant.upload_key, &file).filter(|_| kept.is_ok()) else {
        let name = unseen::named(name);
        return told(sent, path, sentence("file_unkept", |_| vec![("{name}", name.clone())]));
    };
    if field.several.is_none() {
        sent.files.retain(|file| file.path != field.path);
    }
    // the same file twice is one
    if !sent.files.iter().any(|known| known.path == field.path && known.reference == reference) {
        sent.files.push(UploadedFile { path: field.path.clone(), reference, name: file.name, bytes: file.size });
    }
}

/// Bytes of what is said at one field of files: whoever sent hundreds need not read them all.
const TOLD_BYTES_MAX: usize = 2_000;

/// Each file that was not taken is named, at the one place where its field says what is wrong.
fn told(sent: &mut Sent, path: laufzettel_domain::Path, message: Text) {
    match sent.problems.iter_mut().find(|problem| problem.path == path) {
        None => sent.problems.push(Problem { path, message }),
        Some(known) if known.message.de.len() > TOLD_BYTES_MAX => {}
        Some(known) => known.message = Text::new(format!("{} {}", known.message.de, message.de), format!("{} {}", known.message.en, message.en)),
    }
}

/// Why a file does not fit, in words of the person who chose it. What it is, its content says, not its name.
fn refused(field: &FileField, name: &str, media: &str, size: u64, there: usize) -> Option<Text> {
    let name = &unseen::named(name);
    if size == 0 {
        return Some(sentence("file_empty", |_| vec![("{name}", name.to_owned())]));
    }
    let kinds = || field.media_types.iter().map(|media| shown::media_type(media)).collect::<Vec<_>>().join(", ");
    if !field.media_types.is_empty() && !field.media_types.iter().any(|known| known == media) {
        return Some(sentence("file_wrong_kind", |_| vec![("{name}", name.to_owned()), ("{kinds}", kinds())]));
    }
    if let Some(max) = field.max_bytes.filter(|max| size > *max) {
        let told = |lang| vec![("{name}", name.to_owned()), ("{size}", shown::size(size, lang)), ("{max}", shown::size(max, lang))];
        return Some(sentence("file_too_large", told));
    }
    if let Some(max) = field.several.filter(|max| there >= *max) {
        return Some(sentence("file_too_many", |_| vec![("{name}", name.to_owned()), ("{max}", max.to_string())]));
    }
    None
}

/// A wording with its gaps filled.
fn sentence(key: &str, gaps: impl Fn(Lang) -> Vec<(&'static str, String)>) -> Text {
    let told = |lang| gaps(lang).into_iter().fold(word(key, lang).to_owned(), |text, (gap, with)| text.replace(gap, &with));
    Text::new(told(Lang::De), told(Lang::En))
}

/// Files uploaded on an earlier page, unless their box „entfernen“ was ticked; and what is said of those that are no longer there, or do not
/// fit their field.
fn known_files(pairs: &[(String, String)], key: &[u8; 32], form: &Form) -> (Vec<UploadedFile>, Vec<Problem>) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lost = Vec::new();
    let known = pairs.iter().filter_map(|(name, reference)| {
        let path = name.strip_suffix(form::FILE_REFERENCE)?;
        let field = form.file_field(path)?;
        let several = field.several;
        let number = seen.entry(path).and_modify(|n| *n += 1).or_insert(1);
        let removed = pairs
            .iter()
            .any(|(name, which)| name.strip_suffix(form::FILE_REMOVED).is_some_and(|of| of == path) && (several.is_none() || *which == number.to_string()));
        if removed || *number > several.unwrap_or(1) {
            return None;
        }
        let Some(file) = upload::opened(key, reference) else {
            let told: Option<File> = serde_json::from_str(reference).ok();
            lost.extend(told.map(|file| gone(path, &file.name)));
            return None;
        };
        // a seal of ours says that it is hers, not that this field takes it: another may take more
        if let Some(message) = refused(&field, &file.name, &file.media_type, file.size, 0) {
            lost.push(Problem { path: laufzettel_domain::Path::new(path.split('.')), message });
            return None;
        }
        Some(UploadedFile { path: path.to_owned(), reference: reference.clone(), name: file.name, bytes: file.size })
    });
    // a reference that is sent many times is one file
    let mut once = BTreeSet::new();
    let known = known.filter(|file| once.insert((file.path.clone(), file.reference.clone()))).collect();
    (known, lost)
}

/// A file that was here, and is chosen once more.
fn gone(path: &str, name: &str) -> Problem {
    let name = &unseen::named(name);
    let message = sentence("file_gone", |_| vec![("{name}", name.to_owned())]);
    Problem { path: laufzettel_domain::Path::new(path.split('.')), message }
}

/// Everything else the schema finds wrong, beside what is known already: a form is not given back for one mistake after the other.
pub fn all_of(schema: &Schema, value: &Value, today: Date, problems: &mut Vec<Problem>) {
    for problem in schema.validate_on(value, today) {
        if !problems.iter().any(|known| known.path == problem.path) {
            problems.push(problem);
        }
    }
}

/// Looks at the files a value speaks of: a reference counts only if it has a seal of ours and its bytes are there; they are not read, whoever
/// takes the value looks at them. What does not count is taken out again, and that is said.
pub async fn insert_files(tenant: &TenantSite, value: &mut Value, files: &[UploadedFile]) -> Result<Vec<Problem>, laufzettel_store::Error> {
    let (mut described, mut lost) = (BTreeMap::new(), Vec::new());
    for uploaded in files {
        let Some(file) = upload::opened(&tenant.upload_key, &uploaded.reference) else { continue };
        // its seal says what it is; whatever nobody sent within a day was cleared away
        if tenant.desk.tenant.store.has_bytes(&file.file).await? {
            described.insert(uploaded.reference.as_str(), serde_json::to_value(&file).unwrap_or(Value::Null));
        } else {
            lost.push(gone(&uploaded.path, &uploaded.name));
        }
    }
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    for path in paths {
        let here = files.iter().filter(|file| file.path == path).filter_map(|file| described.get(file.reference.as_str()).cloned());
        form::replace_files(value, path, here.collect());
    }
    Ok(lost)
}
