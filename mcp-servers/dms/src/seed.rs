//! Putting in Akten and documents from a YAML file, for trials and tests. What is there already is left alone, so the
//! same file can be given at every start.

use jiff::civil::Date;
use laufzettel_mcp_kit::{Datei, Failure, file::sha256};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    Archive,
    acl::Right,
    archive::{self, Stop, Tx},
    filing::{Draft, insert_akte, insert_dokument, name, today},
};

/// What is put in.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    pub akten: Vec<SeedAkte>,
}

/// An Akte with its access list; its documents inherit it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedAkte {
    pub akte: String,
    pub titel: String,
    #[serde(default)]
    pub aktenplan: Option<String>,
    #[serde(default)]
    pub acl: Vec<SeedEntry>,
    #[serde(default)]
    pub dokumente: Vec<SeedDokument>,
}

/// A text document.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedDokument {
    pub titel: String,
    pub inhalt: String,
    #[serde(default)]
    pub art: Option<String>,
    /// YYYY-MM-DD; today if missing.
    #[serde(default)]
    pub datum: Option<String>,
    #[serde(default)]
    pub metadaten: Map<String, Value>,
    #[serde(default)]
    pub acl: Vec<SeedEntry>,
}

/// One SID with what it is allowed or denied.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedEntry {
    pub sid: String,
    #[serde(default)]
    pub allow: Vec<Right>,
    #[serde(default)]
    pub deny: Vec<Right>,
}

impl Archive {
    /// Puts in what is missing, in one transaction; `at` in seconds since 1970.
    pub async fn seed(&self, seed: &Seed, at: i64) -> Result<(), Failure> {
        Ok(self.put_in(seed, at).await?)
    }

    async fn put_in(&self, seed: &Seed, at: i64) -> Result<(), Stop> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for akte in &seed.akten {
            if archive::akte(&mut *tx, &akte.akte).await?.is_none() {
                insert_akte(&mut tx, &akte.akte, &akte.titel, akte.aktenplan.as_deref(), &Map::new()).await?;
                entries(&mut tx, Some(&akte.akte), None, &akte.acl).await?;
            }
            for dokument in &akte.dokumente {
                self.put_in_document(&mut tx, &akte.akte, dokument, at).await?;
            }
        }
        tx.commit().await.map_err(Stop::Commit)
    }

    async fn put_in_document(&self, tx: &mut Tx, akte: &str, dokument: &SeedDokument, at: i64) -> Result<(), Stop> {
        let key = format!("seed:{}", sha256(format!("{akte}\n{}", dokument.titel).as_bytes()));
        let first = sqlx::query("INSERT OR IGNORE INTO call (key, tool, args, result, at) VALUES (?1, 'seed', '', '', ?2)")
            .bind(key)
            .bind(at)
            .execute(&mut **tx)
            .await?;
        if first.rows_affected() == 0 {
            return Ok(());
        }
        let (draft, bytes) = draft(akte, dokument, at)?;
        self.files.put(draft.sha256.clone(), bytes).await?;
        let nr = insert_dokument(tx, draft).await?;
        entries(tx, None, Some(nr), &dokument.acl).await
    }
}

fn draft(akte: &str, dokument: &SeedDokument, at: i64) -> Result<(Draft, Vec<u8>), Stop> {
    let datei = Datei::new(&name(&dokument.titel), "text/plain; charset=utf-8", "", dokument.inhalt.as_bytes());
    let bytes = datei.bytes()?;
    let datum = match &dokument.datum {
        Some(datum) if datum.parse::<Date>().is_err() => {
            return Err(Failure::invalid(format!("„{datum}“ ist kein Datum der Form JJJJ-MM-TT.")).into());
        }
        Some(datum) => datum.clone(),
        None => today(at)?,
    };
    let draft = Draft {
        akte: akte.to_owned(),
        titel: dokument.titel.clone(),
        art: dokument.art.clone(),
        datum,
        metadaten: dokument.metadaten.clone(),
        name: datei.name,
        media_type: datei.media_type,
        sha256: datei.sha256.trim_start_matches("sha256:").to_owned(),
        text: Some(dokument.inhalt.clone()),
    };
    Ok((draft, bytes))
}

async fn entries(tx: &mut Tx, akte: Option<&str>, dokument: Option<i64>, list: &[SeedEntry]) -> Result<(), Stop> {
    let lines = list.iter().flat_map(|entry| [(&entry.sid, true, &entry.allow), (&entry.sid, false, &entry.deny)]);
    for (sid, allow, rights) in lines.filter(|(_, _, rights)| !rights.is_empty()) {
        sqlx::query("INSERT INTO entry (akte, dokument, sid, allow, read, write, inherited) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)")
            .bind(akte)
            .bind(dokument)
            .bind(sid)
            .bind(allow)
            .bind(rights.contains(&Right::Read))
            .bind(rights.contains(&Right::Write))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
