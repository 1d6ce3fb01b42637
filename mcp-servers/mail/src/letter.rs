//! A letter: checked arguments, and the RFC 5322 message made of them. Identical arguments under the same key make a
//! message with the same Message-ID; nothing an author or a model wrote can add a header.

use laufzettel_mcp_kit::{Call, Datei, Failure, file::media_type, notes::name_of};
use mail_builder::{
    MessageBuilder,
    headers::{content_type::ContentType, date::Date},
    mime::{BodyPart, MimePart},
};
use serde_json::Value;

use crate::{
    address::{addresses, domain, is_address},
    tools::Brief,
};

/// Bytes of a subject: mail programs cut far earlier.
const BETREFF_BYTES_MAX: usize = 250;
/// Bytes of a text; more belongs into an attachment.
const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Attachments of a message, and their bytes together: what common mail servers take after base64.
const ANHAENGE_MAX: usize = 10;
const ANHAENGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A message about to be laid down.
pub(crate) struct Letter {
    /// Name of the file, from the key.
    pub name: String,
    /// With angle brackets.
    pub message_id: String,
    pub bytes: Vec<u8>,
}

impl Letter {
    pub fn new(brief: Brief, absender: &str, call: &Call) -> Result<Self, Failure> {
        let an = addresses(brief.an)?;
        written(&brief.betreff, &brief.text)?;
        let anhaenge = attached(brief.anhaenge.unwrap_or_default())?;
        let antwort_auf = brief.antwort_auf.as_deref().map(message_id).transpose()?;
        let name = name_of(&call.delegation.key);
        let id = format!("{}@{}", &name[..32], domain(absender));
        let mut message = MessageBuilder::new()
            .date(Date::new(call.at))
            .message_id(id.as_str())
            .from(absender)
            .to(an)
            .subject(brief.betreff.as_str())
            .text_body(brief.text.as_str());
        if let Some(id) = antwort_auf {
            message = message.in_reply_to(id).references(id);
        }
        let parts: Vec<MimePart> = anhaenge.into_iter().map(part).collect();
        if !parts.is_empty() {
            message.attachments = Some(parts);
        }
        let bytes = message.write_to_vec().map_err(|_| Failure::invalid("Die Nachricht lässt sich nicht abfassen."))?;
        Ok(Self { name, message_id: format!("<{id}>"), bytes })
    }
}

fn written(betreff: &str, text: &str) -> Result<(), Failure> {
    if betreff.trim().is_empty() || betreff.len() > BETREFF_BYTES_MAX || betreff.chars().any(char::is_control) {
        return Err(Failure::invalid("Der Betreff ist leer, zu lang oder enthält Steuerzeichen."));
    }
    if text.len() > TEXT_BYTES_MAX || text.contains('\0') {
        return Err(Failure::invalid("Der Text ist zu lang oder enthält unzulässige Zeichen."));
    }
    Ok(())
}

fn attached(anhaenge: Vec<Value>) -> Result<Vec<(Datei, Vec<u8>)>, Failure> {
    if anhaenge.len() > ANHAENGE_MAX {
        return Err(Failure::invalid(format!("Höchstens {ANHAENGE_MAX} Anhänge.")));
    }
    let attached = anhaenge.into_iter().map(attachment).collect::<Result<Vec<_>, _>>()?;
    if attached.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > ANHAENGE_BYTES_MAX {
        return Err(Failure::invalid("Die Anhänge sind zusammen größer als 8 MiB."));
    }
    Ok(attached)
}

fn attachment(value: Value) -> Result<(Datei, Vec<u8>), Failure> {
    if value.is_string() {
        return Err(Failure::unsupported("Dokumente der Akte kann dieser Server nicht selbst holen; bitte die Datei übergeben."));
    }
    let datei: Datei = serde_json::from_value(value).map_err(|error| Failure::invalid(format!("Ein Anhang ist keine Datei ({error}).")))?;
    let bytes = datei.bytes()?;
    Ok((datei, bytes))
}

fn part((datei, bytes): (Datei, Vec<u8>)) -> MimePart<'static> {
    let utf8 = datei.media_type.to_ascii_lowercase().contains("charset=utf-8");
    let kind = ContentType::new(media_type(&datei.media_type).to_owned());
    let kind = if utf8 { kind.attribute("charset", "utf-8") } else { kind };
    MimePart::new(kind, BodyPart::from(bytes)).attachment(datei.name)
}

/// A Message-ID without its brackets; it has the form of an address.
fn message_id(text: &str) -> Result<&str, Failure> {
    let id = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text);
    let plain = id.is_ascii() && !id.bytes().any(|byte| byte.is_ascii_control() || b" <>,;\"".contains(&byte));
    // Foreign programs write ids that are no addresses (`@localhost`): an at sign and plain letters must do.
    if is_address(id) || (plain && id.len() <= BETREFF_BYTES_MAX && id.contains('@')) {
        return Ok(id);
    }
    Err(Failure::invalid("„antwort_auf“ ist keine Kennung einer Nachricht."))
}
