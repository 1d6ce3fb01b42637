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
/// Bytes of a subject: a line of a message has at most 998 (RFC 5322), and what is longer than four of them nobody has written by hand.
const BETREFF_BYTES_MAX: usize = 4 * 998;
/// Bytes of an id: one line of a message.
const MESSAGE_ID_BYTES_MAX: usize = 998;
/// Bytes of an address: 64 before the @, 255 after it (RFC 5321).
const ADDRESS_BYTES_MAX: usize = 64 + 1 + 255;
/// Senders of one message: it is rarely two.
const VON_MAX: usize = 10;
/// Recipients of one message: ten times as many as every mail server has to take (RFC 5321), an order is no newsletter.
const AN_MAX: usize = 1_000;
/// Bytes of a file's name.
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
    /// What of its head, and how much of it is taken.
    HeadTooLong(&'static str, &'static str),
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
        let head = Self::head(&message, arrived);
        head.fits()?;
        let text = text.into_owned();
        Ok(Self { text, anhaenge: attachments(&message), ..head })
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

    /// What a server passes on without looking at it has no other bound.
    fn fits(&self) -> Result<(), Unreadable> {
        let is_long = |addresses: &[String], max| addresses.len() > max || addresses.iter().any(|address| address.len() > ADDRESS_BYTES_MAX);
        let too_long = [
            (self.betreff.len() > BETREFF_BYTES_MAX, ("betreff", "3992 Byte")),
            (self.message_id.as_ref().is_some_and(|id| id.len() > MESSAGE_ID_BYTES_MAX), ("message_id", "998 Byte")),
            (is_long(&self.von, VON_MAX), ("von", "10 × 320 Byte")),
            (is_long(&self.an, AN_MAX), ("an", "1000 × 320 Byte")),
        ];
        match too_long.into_iter().find(|(is_so, _)| *is_so) {
            Some((_, (field, max))) => Err(Unreadable::HeadTooLong(field, max)),
            None => Ok(()),
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
        let (name, bytes) = (file_name(part.attachment_name().unwrap_or_default(), || format!("Anhang-{place}")), part.contents().to_vec());
        (File::describe(&name, &media_type(&name, &bytes), &bytes), bytes)
    });
    parts.collect()
}

/// A name from outside as a file name: no folders, nothing that is not seen or turns what is seen around, never empty.
pub fn file_name(given: &str, otherwise: impl FnOnce() -> String) -> String {
    let given = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = given.chars().filter(|letter| !letter.is_control() && !is_unseen(*letter)).collect();
    let name = name[..name.floor_char_boundary(NAME_BYTES_MAX)].trim();
    if name.trim_matches('.').is_empty() { otherwise() } else { name.to_owned() }
}

/// Letters without a shape that break lines or turn the reading around: `Rechnung\u{202e}fdp.exe` reads as `Rechnungexe.pdf`.
fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_people_read_them() {
        let long = "ü".repeat(150);
        for (given, expected) in [
            ("Antrag 1.PDF", "Antrag 1.PDF"),
            ("../b.pdf", "b.pdf"),
            ("a\nb\u{202e}fdp.exe", "abfdp.exe"),
            ("\u{2066}\u{200b}..", "Datei"),
            ("", "Datei"),
            (&long, &"ü".repeat(100)),
        ] {
            assert_eq!(file_name(given, || "Datei".to_owned()), expected, "{given:?}");
        }
    }

    #[test]
    fn a_head_has_its_bounds() {
        let address = |n: usize| format!("{}@b.example", "a".repeat(n - 10));
        let many = |n: usize| vec!["a@b.example"; n].join(",\r\n ");
        let head = |field: &str, value: &str| format!("From: a@b.example\r\n{field}: {value}\r\n\r\nText");
        for (message, expected) in [
            (head("Subject", &"x".repeat(3_992)), None),
            (head("Subject", &"x".repeat(3_993)), Some("betreff")),
            (head("Subject", &"x".repeat(7_000_000)), Some("betreff")),
            (head("Message-ID", &format!("<{}>", address(998))), None),
            (head("Message-ID", &format!("<{}>", address(999))), Some("message_id")),
            (head("To", &address(320)), None),
            (head("To", &address(321)), Some("an")),
            (head("To", &many(1_000)), None),
            (head("To", &many(1_001)), Some("an")),
            (format!("From: {}\r\n\r\nText", many(10)), None),
            (format!("From: {}\r\n\r\nText", many(11)), Some("von")),
            (format!("From: {}\r\n\r\nText", address(321)), Some("von")),
        ] {
            let field = match Letter::read(message.as_bytes(), 0) {
                Ok(_) => None,
                Err(Unreadable::HeadTooLong(field, _)) => Some(field),
                Err(why) => panic!("{why:?}"),
            };
            assert_eq!(field, expected, "{} …", &message[..40]);
        }
    }
}
