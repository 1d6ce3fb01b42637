//! Reading incoming mail: listing a folder, opening a message. Messages stay where and as they are.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use laufzettel_mcp_kit::{Datei, Failure, Page, file::FILE_BYTES_MAX};
use mail_parser::{Address, Message, MessageParser, MimeHeaders};
use serde_json::{Value, json};

use crate::tools::{Geoeffnet, Lesen, Nachricht, Post, Posteingang};

/// Bytes of a message that is opened: beyond, common mail servers refuse it anyway.
const MESSAGE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Messages of a folder that are looked at, the newest by name: an inbox is no archive.
const MESSAGES_MAX: usize = 5_000;
/// Bytes of text and of attachments in one answer, which must fit 16 MiB in base64.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
const ANHAENGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of a folder's name or a message's.
const NAME_BYTES_MAX: usize = 200;
/// A day begins where the house stands.
const ZONE: &str = "Europe/Berlin";

/// A folder's messages, the newest first.
pub(crate) fn list(maildir: &Path, wanted: &Posteingang) -> Result<Value, Failure> {
    let page = Page::new(wanted.ab, wanted.anzahl)?;
    let since = wanted.seit.as_deref().map(since).transpose()?;
    let ordner = wanted.ordner.as_deref();
    let files = files(&folder(maildir, ordner)?).map_err(|error| broken(&error))?;
    let mut entries = Vec::new();
    for (name, path) in files {
        let Some(bytes) = read(&path)? else { continue };
        let Some(message) = MessageParser::default().parse(&bytes) else {
            continue;
        };
        let at = received(&message, &path);
        if since.is_none_or(|since| at >= since) {
            entries.push((at, entry(ordner, &name, &message, at)));
        }
    }
    entries.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
    let (nachrichten, mehr) = page.cut(entries.into_iter().map(|(_, entry)| entry));
    Ok(json!(Post { nachrichten, mehr }))
}

/// One message with its attachments.
pub(crate) fn open(maildir: &Path, Lesen { id }: &Lesen) -> Result<Value, Failure> {
    let missing = || Failure::not_found("Diese Nachricht gibt es nicht.");
    let (ordner, name) = id.split_once('/').map_or((None, id.as_str()), |(ordner, name)| (Some(ordner), name));
    let folder = folder(maildir, ordner).map_err(|_| missing())?;
    let files = files(&folder).map_err(|error| broken(&error))?;
    let path = files.into_iter().find(|(file, _)| file == name).ok_or_else(missing)?.1;
    let bytes = read(&path)?.ok_or_else(|| Failure::unsupported("Diese Nachricht ist zu groß."))?;
    let message = MessageParser::default().parse(&bytes);
    let message = message.ok_or_else(|| Failure::unsupported("Diese Datei ist keine lesbare Nachricht."))?;
    let at = received(&message, &path);
    let text = message.body_text(0).unwrap_or_default();
    let geoeffnet = Geoeffnet {
        id: id.clone(),
        von: senders(&message),
        an: message.to().map(all).unwrap_or_default(),
        betreff: message.subject().unwrap_or_default().to_owned(),
        datum: told(at),
        text: text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned(),
        anhaenge: attachments(id, &message)?,
    };
    Ok(json!(geoeffnet))
}

fn folder(maildir: &Path, ordner: Option<&str>) -> Result<PathBuf, Failure> {
    let eingang = maildir.join("eingang");
    let Some(ordner) = ordner else {
        return Ok(eingang);
    };
    let plain = |letter: char| letter.is_alphanumeric() || letter == '-' || letter == '_';
    if ordner.is_empty() || ordner.len() > NAME_BYTES_MAX || !ordner.chars().all(plain) {
        return Err(Failure::invalid("Der Name des Ordners ist leer, zu lang oder enthält unzulässige Zeichen."));
    }
    let folder = eingang.join(format!(".{ordner}"));
    if folder.is_dir() { Ok(folder) } else { Err(Failure::not_found(format!("Den Ordner „{ordner}“ gibt es nicht."))) }
}

/// Names (without flags) and paths of a folder's messages.
fn files(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for part in ["new", "cur"] {
        let entries = match fs::read_dir(folder.join(part)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let file = entry.file_name();
            let name = file.to_str().and_then(|file| file.split(':').next()).unwrap_or_default();
            // `is_file` of the entry itself: links are not followed.
            if !name.is_empty() && !name.starts_with('.') && name.len() <= NAME_BYTES_MAX && entry.file_type()?.is_file() {
                files.push((name.to_owned(), entry.path()));
            }
        }
    }
    files.sort_by(|a, b| b.cmp(a));
    files.truncate(MESSAGES_MAX);
    Ok(files)
}

/// The bytes of a message; `None` if it is too large, or was moved meanwhile.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let bytes = fs::metadata(path).and_then(|about| if about.len() > MESSAGE_BYTES_MAX { Ok(None) } else { fs::read(path).map(Some) });
    match bytes {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        bytes => bytes.map_err(|error| broken(&error)),
    }
}

fn broken(error: &io::Error) -> Failure {
    tracing::error!(%error, "the incoming mail cannot be read");
    Failure::unavailable("Der Posteingang ist gerade nicht erreichbar.")
}

fn since(text: &str) -> Result<i64, Failure> {
    let wrong = || Failure::invalid(format!("„{text}“ ist kein Datum der Form JJJJ-MM-TT und kein Zeitpunkt."));
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.as_second());
    }
    let date: Date = text.parse().map_err(|_| wrong())?;
    let zone = TimeZone::get(ZONE).map_err(|_| wrong())?;
    Ok(date.to_zoned(zone).map_err(|_| wrong())?.timestamp().as_second())
}

/// The date in the message, else when its file was written.
fn received(message: &Message<'_>, path: &Path) -> i64 {
    use std::os::unix::fs::MetadataExt;
    let date = message.date().filter(|date| date.is_valid()).map(mail_parser::DateTime::to_timestamp);
    date.unwrap_or_else(|| fs::metadata(path).map_or(0, |about| about.mtime()))
}

fn told(at: i64) -> String {
    Timestamp::from_second(at).unwrap_or_default().to_string()
}

fn entry(ordner: Option<&str>, name: &str, message: &Message<'_>, at: i64) -> Nachricht {
    Nachricht {
        id: ordner.map_or_else(|| name.to_owned(), |ordner| format!("{ordner}/{name}")),
        von: senders(message),
        betreff: message.subject().unwrap_or_default().to_owned(),
        datum: told(at),
        anhaenge: (1..).zip(message.attachments()).map(|(place, part)| file_name(place, part.attachment_name())).collect(),
    }
}

fn senders(message: &Message<'_>) -> String {
    message.from().map(all).unwrap_or_default().join(", ")
}

fn all(addresses: &Address<'_>) -> Vec<String> {
    addresses.iter().filter_map(|address| address.address()).map(str::to_owned).collect()
}

fn attachments(id: &str, message: &Message<'_>) -> Result<Vec<Datei>, Failure> {
    let parts: Vec<_> = message.attachments().collect();
    let sizes = parts.iter().map(|part| part.contents().len());
    if sizes.clone().any(|size| size > FILE_BYTES_MAX) || sizes.sum::<usize>() > ANHAENGE_BYTES_MAX {
        return Err(Failure::unsupported("Die Anhänge dieser Nachricht sind zu groß."));
    }
    let files = (1..).zip(parts).map(|(place, part)| {
        let name = file_name(place, part.attachment_name());
        let kind = part.content_type().map_or_else(
            || "application/octet-stream".to_owned(),
            |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("octet-stream")).to_ascii_lowercase(),
        );
        // Text is decoded by the parser.
        let kind = if part.is_text() { format!("{kind}; charset=utf-8") } else { kind };
        Datei::new(&name, &kind, &format!("mail:{id}#{place}"), part.contents())
    });
    Ok(files.collect())
}

/// A name from outside as a file name: no folders, no control characters, never empty.
fn file_name(place: usize, given: Option<&str>) -> String {
    let given = given.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = given.chars().filter(|letter| !letter.is_control()).collect();
    let name = name[..name.floor_char_boundary(NAME_BYTES_MAX)].trim();
    if name.trim_matches('.').is_empty() { format!("Anhang-{place}") } else { name.to_owned() }
}
