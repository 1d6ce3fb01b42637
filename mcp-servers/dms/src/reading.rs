//! Reading one document, one Akte, one file. What the caller may not read is not found.

use laufzettel_mcp_kit::{Datei, Delegation, Failure, Page};
use serde_json::{Value, json};

use crate::{
    Archive,
    acl::{self, Right},
    archive::{self, Dokument, Stop, id},
    text,
    tools::{AkteGelesen, AkteLesen, Ausgelesen, Eintrag, Fassung, Gelesen, Lesen, Seite, TextAuslesen},
};

/// Text repeated beside a file; beyond that, only the file: both together must fit a message of 16 MiB.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// One version of a document.
pub(crate) struct Version {
    pub number: i64,
    pub sha256: String,
    pub name: String,
    pub media_type: String,
    pub text: Option<String>,
    pub metadaten: String,
}

const DOKUMENTE: &str = "SELECT d.nr, d.version, d.titel, d.art, d.datum, d.storniert,
    (SELECT json_group_array(json_array(e.sid, e.allow, e.read, e.write, e.inherited)) FROM dokument_entry e WHERE e.nr = d.nr)
  FROM dokument d WHERE d.akte = ?1 ORDER BY d.nr";

type Row = (i64, i64, String, Option<String>, String, i64, String);

impl Archive {
    pub(crate) async fn lesen(&self, Lesen { dokument, version }: Lesen, who: &Delegation) -> Result<Value, Stop> {
        let dokument = archive::readable(&self.pool, &dokument, who).await?;
        let version = version_of(&self.pool, &dokument, version.map(|v| v.0)).await?;
        let bytes = self.files.get(&version.sha256).await?;
        let uri = format!("dms:{}/{}", id(dokument.nr), version.number);
        let gelesen = Gelesen {
            dokument: id(dokument.nr),
            version: Fassung(version.number),
            titel: dokument.titel,
            akte: dokument.akte,
            metadaten: serde_json::from_str(&version.metadaten)?,
            datei: Datei::new(&version.name, &version.media_type, &uri, &bytes),
            text: version.text.filter(|text| text.len() <= TEXT_BYTES_MAX),
        };
        Ok(json!(gelesen))
    }

    pub(crate) async fn akte_lesen(&self, wanted: AkteLesen, who: &Delegation) -> Result<Value, Stop> {
        let page = Page::new(wanted.ab, wanted.anzahl)?;
        let akte = archive::akte(&self.pool, &wanted.akte).await?.filter(|akte| akte.may(who, Right::Read));
        let akte = akte.ok_or_else(|| Failure::not_found(format!("Die Akte „{}“ gibt es nicht.", wanted.akte)))?;
        let rows: Vec<Row> = sqlx::query_as(DOKUMENTE).bind(&akte.zeichen).fetch_all(&self.pool).await?;
        let sids: Vec<&str> = who.sids().collect();
        let mut readable = Vec::new();
        for row in rows {
            if acl::may(&archive::entries(&row.6)?, &sids, Right::Read) {
                readable.push(eintrag(row));
            }
        }
        let (dokumente, mehr) = page.cut(readable);
        Ok(json!(AkteGelesen { akte: akte.zeichen, titel: akte.titel, dokumente, mehr }))
    }

    pub(crate) async fn text_auslesen(TextAuslesen { datei }: TextAuslesen) -> Result<Value, Stop> {
        let (media_type, bytes) = (datei.media_type.clone(), datei.bytes()?);
        // a foreign program may take its time: others are served meanwhile
        let read = tokio::task::spawn_blocking(move || text::text_of(&datei.media_type, &bytes)).await;
        let text = read.map_err(|_| Failure::invalid("Diese Datei lässt sich nicht auslesen."))??;
        let pages = text::pages(&text).map(str::to_owned).enumerate();
        let seiten = pages.map(|(place, text)| Seite { seite: place + 1, text }).collect();
        Ok(json!(Ausgelesen { text, seiten, media_type, ocr: false }))
    }
}

/// A version of a document, the current one by default.
pub(crate) async fn version_of(db: impl sqlx::SqliteExecutor<'_>, dokument: &Dokument, version: Option<i64>) -> Result<Version, Stop> {
    let number = version.unwrap_or(dokument.version);
    let row: Option<(String, String, String, Option<String>, String)> =
        sqlx::query_as("SELECT sha256, name, media_type, text, metadaten FROM version WHERE dokument = ?1 AND version = ?2")
            .bind(dokument.nr)
            .bind(number)
            .fetch_optional(db)
            .await?;
    let missing = || Failure::not_found(format!("Das Dokument „{}“ hat keine Version {number}.", id(dokument.nr)));
    let (sha256, name, media_type, text, metadaten) = row.ok_or_else(missing)?;
    Ok(Version { number, sha256, name, media_type, text, metadaten })
}

fn eintrag((nr, version, titel, art, datum, storniert, _): Row) -> Eintrag {
    Eintrag { dokument: id(nr), version: Fassung(version), titel, art, datum, storniert: storniert != 0 }
}
