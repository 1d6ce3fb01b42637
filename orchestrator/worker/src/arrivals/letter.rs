//! A message as a process takes it: its fields, its text, its attachments. Refuses to believe any of it: who a message names as its
//! sender proves nothing, and everything in it is foreign.

use laufzettel_domain::{
    Digest, Value,
    file::{File, media_type},
};
use mail_parser::{Address, Message, MessageParser, MimeHeaders};
use serde_json::{Map, json};

/// Bytes of a text: more belongs into an attachment.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Attachments of one message: more is no letter.
const ATTACHMENTS_MAX: usize = 100;
/// Bytes of an attachment's name.
const NAME_BYTES_MAX: usize = 200;

pub struct Letter {
    /// Without brackets; `None`: it has none.
    pub message_id: Option<String>,
    /// Addresses.
    pub von: Vec<String>,
    an: Vec<String>,
    pub betreff: String,
    /// Seconds since 1970.
    datum: i64,
    text: String,
    anhaenge: Vec<(File, Vec<u8>)>,
}

/// Why a message cannot be taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    NoMessage,
    TextTooLong,
    TooManyAttachments,
}

impl Letter {
    /// `arrived`: when it was delivered, if it does not say when it was written.
    pub fn read(bytes: &[u8], arrived: i64) -> Result<Self, Unreadable> {
        let message = MessageParser::default().parse(bytes).ok_or(Unreadable::NoMessage)?;
        let text = message.body_text(0).unwrap_or_default();
        if text.len() > TEXT_BYTES_MAX {
            return Err(Unreadable::TextTooLong);
        }
        if message.attachment_count() > ATTACHMENTS_MAX {
            return Err(Unreadable::TooManyAttachments);
        }
        let text = text.into_owned();
        Ok(Self { text, anhaenge: attachments(&message), ..Self::head(&message, arrived) })
    }

    /// Who it is from and what about, of a message that is too large to be read.
    pub fn read_head(bytes: &[u8]) -> Option<Self> {
        MessageParser::default().parse_headers(bytes).map(|message| Self::head(&message, 0))
    }

    fn head(message: &Message<'_>, arrived: i64) -> Self {
        let written = message.date().filter(|date| date.is_valid()).map(mail_parser::DateTime::to_timestamp);
        Self {
            message_id: message.message_id().map(str::to_owned),
            von: message.from().map(all).unwrap_or_default(),
            an: message.to().map(all).unwrap_or_default(),
            betreff: message.subject().unwrap_or_default().to_owned(),
            datum: written.unwrap_or(arrived),
            text: String::new(),
            anhaenge: Vec::new(),
        }
    }

    /// What makes it this message: who delivered it, and on which way, does not.
    pub fn identity(&self) -> Value {
        let files: Vec<&Digest> = self.anhaenge.iter().map(|(file, _)| &file.sha256).collect();
        let digest = Digest::of_value(&json!([self.von, self.an, self.betreff, self.datum, self.text, files]));
        json!([self.message_id, digest.to_string()])
    }

    pub fn files(&self) -> &[(File, Vec<u8>)] {
        &self.anhaenge
    }

    /// By the names the language gives them (`process::arrival::MAIL_FIELDS`).
    pub fn fields(&self) -> Map<String, Value> {
        let files: Vec<&File> = self.anhaenge.iter().map(|(file, _)| file).collect();
        let at = jiff::Timestamp::from_second(self.datum).unwrap_or_default();
        let fields = [
            ("message_id", json!(self.message_id)),
            ("von", self.von.join(", ").into()),
            ("an", json!(self.an)),
            ("betreff", self.betreff.as_str().into()),
            ("datum", at.to_string().into()),
            ("text", self.text.as_str().into()),
            ("anhaenge", json!(files)),
        ];
        fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn all(addresses: &Address<'_>) -> Vec<String> {
    addresses.iter().filter_map(|address| address.address()).map(str::to_owned).collect()
}

/// What an attachment is says its content, as with a file somebody uploads.
fn attachments(message: &Message<'_>) -> Vec<(File, Vec<u8>)> {
    let parts = (1..).zip(message.attachments()).map(|(place, part)| {
        let (name, bytes) = (file_name(place, part.attachment_name()), part.contents().to_vec());
        (File::describe(&name, &media_type(&name, &bytes), &bytes), bytes)
    });
    parts.collect()
}

/// A name from outside as a file name: no folders, no control characters, never empty.
fn file_name(place: usize, given: Option<&str>) -> String {
    let given = given.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = given.chars().filter(|letter| !letter.is_control()).collect();
    let name = name[..name.floor_char_boundary(NAME_BYTES_MAX)].trim();
    if name.trim_matches('.').is_empty() { format!("Anhang-{place}") } else { name.to_owned() }
}
