//! Putting things into the database: what a document must look like, its rows, its index, its access list. Always
//! inside the transaction of a caller; who may do it was decided before.

use jiff::{Timestamp, civil::Date};
use laufzettel_mcp_kit::{Datei, Delegation, Failure};
use serde_json::{Map, Value, json};

use crate::{
    archive::{Dokument, Stop, Tx},
    passages::{PLACES, passages},
    reading::Version,
    text::text_of,
    tools::DokumentAblegen,
};

/// Bytes of an Aktenzeichen, a title, a kind, a reason: a line on a form.
const LINE_BYTES_MAX: usize = 500;
/// Bytes of a document's metadata, as JSON: fields, not content.
const METADATEN_BYTES_MAX: usize = 64 * 1024;
/// The tool knows no tenant's zone; every house it serves lies in this one.
const ZONE: &str = "Europe/Berlin";

/// A document about to be put in.
pub(crate) struct Draft {
    pub akte: String,
    pub titel: String,
    pub art: Option<String>,
    pub datum: String,
    pub metadaten: Map<String, Value>,
    pub name: String,
    pub media_type: String,
    /// Hex.
    pub sha256: String,
    pub text: Option<String>,
}

pub(crate) fn draft(wanted: DokumentAblegen, at: i64) -> Result<(Draft, Vec<u8>), Stop> {
    lines([Some(&wanted.akte), Some(&wanted.titel), wanted.art.as_ref()])?;
    let metadaten = wanted.metadaten.unwrap_or_default();
    let datum = dated(&metadaten)?.map_or_else(|| today(at), Ok)?;
    let datei = match (wanted.inhalt, wanted.datei) {
        (Some(inhalt), None) => Datei::new(&name(&wanted.titel), "text/plain; charset=utf-8", "", inhalt.as_bytes()),
        (None, Some(datei)) => datei,
        _ => return Err(Failure::invalid("Es braucht entweder „inhalt“ oder „datei“.").into()),
    };
    let bytes = datei.bytes()?;
    let draft = Draft {
        akte: wanted.akte,
        titel: wanted.titel,
        art: wanted.art,
        datum,
        metadaten,
        // What cannot be read is kept without text.
        text: text_of(&datei.media_type, &bytes).ok(),
        sha256: datei.sha256.trim_start_matches("sha256:").to_owned(),
        name: datei.name,
        media_type: datei.media_type,
    };
    Ok((draft, bytes))
}

/// A title as the name of a text file.
pub(crate) fn name(titel: &str) -> String {
    let letters: String = titel.chars().map(|letter| if matches!(letter, '/' | '\\') { '-' } else { letter }).collect();
    // A file name has 255 bytes at most, its ending included.
    format!("{}.txt", &letters[..letters.floor_char_boundary(200)])
}

/// The civil date of a moment.
pub(crate) fn today(at: i64) -> Result<String, Stop> {
    let moment = Timestamp::from_second(at).and_then(|moment| moment.in_tz(ZONE));
    let moment = moment.map_err(|_| Failure::unavailable("Die Uhr des Archivs geht falsch."))?;
    Ok(moment.date().to_string())
}

/// The date the metadata name, if they do.
pub(crate) fn dated(metadaten: &Map<String, Value>) -> Result<Option<String>, Failure> {
    if json!(metadaten).to_string().len() > METADATEN_BYTES_MAX {
        return Err(Failure::invalid("Die Metadaten sind zu umfangreich."));
    }
    let Some(datum) = metadaten.get("datum") else {
        return Ok(None);
    };
    let date = datum.as_str().and_then(|datum| datum.parse::<Date>().ok());
    let date = date.ok_or_else(|| Failure::invalid("„datum“ in den Metadaten ist kein Datum der Form JJJJ-MM-TT."))?;
    Ok(Some(date.to_string()))
}

pub(crate) fn lines<const N: usize>(lines: [Option<&String>; N]) -> Result<(), Failure> {
    let fits = |line: &&String| !line.trim().is_empty() && line.len() <= LINE_BYTES_MAX && !line.chars().any(char::is_control);
    if lines.iter().flatten().all(fits) {
        return Ok(());
    }
    Err(Failure::invalid(format!("Eine Angabe ist leer, länger als {LINE_BYTES_MAX} Zeichen oder enthält Steuerzeichen.")))
}

pub(crate) enum Target<'a> {
    Akte(&'a str),
    Dokument(i64),
}

/// Whoever made an Akte may read and write it, and so may their groups. A document adds only its maker: everybody else has
/// the rights of the Akte it lies in, or a wide group of the maker's would open a restricted one.
pub(crate) async fn grant(tx: &mut Tx, target: Target<'_>, who: &Delegation) -> Result<(), Stop> {
    let (akte, dokument, sids) = match target {
        Target::Akte(akte) => (Some(akte), None, who.sids().collect::<Vec<_>>()),
        Target::Dokument(nr) => (None, Some(nr), vec![who.subject.as_str()]),
    };
    sqlx::query(
        "INSERT INTO entry (akte, dokument, sid, allow, read, write, inherited)
         SELECT DISTINCT ?1, ?2, value, 1, 1, 1, 0 FROM json_each(?3)",
    )
    .bind(akte)
    .bind(dokument)
    .bind(serde_json::to_string(&sids)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Adds an Akte that is not there yet.
pub(crate) async fn insert_akte(tx: &mut Tx, akte: &str, titel: &str, aktenplan: Option<&str>, metadaten: &Map<String, Value>) -> Result<(), Stop> {
    dated(metadaten)?;
    sqlx::query("INSERT INTO akte (akte, titel, aktenplan, metadaten) VALUES (?1, ?2, ?3, ?4)")
        .bind(akte)
        .bind(titel)
        .bind(aktenplan)
        .bind(json!(metadaten).to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Adds a document with its first version and its index; the bytes are stored already.
pub(crate) async fn insert_dokument(tx: &mut Tx, draft: Draft) -> Result<i64, Stop> {
    let added = sqlx::query("INSERT INTO dokument (akte, titel, art, datum, version) VALUES (?1, ?2, ?3, ?4, 1)")
        .bind(&draft.akte)
        .bind(&draft.titel)
        .bind(&draft.art)
        .bind(&draft.datum)
        .execute(&mut **tx)
        .await?;
    let nr = added.last_insert_rowid();
    index(tx, nr, &draft.titel, draft.text.as_deref().unwrap_or_default()).await?;
    let version = Version {
        number: 1,
        sha256: draft.sha256,
        name: draft.name,
        media_type: draft.media_type,
        text: draft.text,
        metadaten: json!(draft.metadaten).to_string(),
    };
    insert_version(tx, nr, version).await?;
    Ok(nr)
}

async fn insert_version(tx: &mut Tx, nr: i64, version: Version) -> Result<(), Stop> {
    sqlx::query(
        "INSERT INTO version (dokument, version, sha256, name, media_type, text, metadaten)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(nr)
    .bind(version.number)
    .bind(version.sha256)
    .bind(version.name)
    .bind(version.media_type)
    .bind(version.text)
    .bind(version.metadaten)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Same bytes, same text, other metadata: the index stays as it is.
pub(crate) async fn next_version(
    tx: &mut Tx,
    dokument: &Dokument,
    current: Version,
    metadaten: &Map<String, Value>,
    datum: Option<String>,
) -> Result<i64, Stop> {
    let version = dokument.version + 1;
    let next = Version { number: version, metadaten: json!(metadaten).to_string(), ..current };
    insert_version(tx, dokument.nr, next).await?;
    sqlx::query("UPDATE dokument SET version = ?2, datum = coalesce(?3, datum) WHERE nr = ?1")
        .bind(dokument.nr)
        .bind(version)
        .bind(datum)
        .execute(&mut **tx)
        .await?;
    Ok(version)
}

async fn index(tx: &mut Tx, nr: i64, titel: &str, text: &str) -> Result<(), Stop> {
    sqlx::query("INSERT INTO dokument_fts (rowid, titel, text) VALUES (?1, ?2, ?3)").bind(nr).bind(titel).bind(text).execute(&mut **tx).await?;
    for (rowid, passage) in (nr * (PLACES)..).zip(passages(text)) {
        sqlx::query("INSERT INTO passage_fts (rowid, place, text) VALUES (?1, ?2, ?3)")
            .bind(rowid)
            .bind(passage.place)
            .bind(passage.text)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
