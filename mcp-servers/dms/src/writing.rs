//! Writing: new Akten and documents, new versions, cancellations. Each call is one transaction together with the memory
//! of its key. Nothing is overwritten and nothing is deleted.

use laufzettel_mcp_kit::{Call, Delegation, Failure};
use serde_json::{Map, Value, json};

use crate::{
    Archive,
    acl::Right,
    archive::{self, Akte, Stop, id},
    filing::{Target, dated, draft, grant, insert_akte, insert_dokument, lines, next_version},
    memory::{Begun, begin, finish},
    reading::version_of,
    tools::{Abgelegt, AkteAnlegen, Angelegt, DokumentAblegen, DokumentStornieren, Fassung, Gesetzt, MetadatenSetzen, Storniert},
};

impl Archive {
    pub(crate) async fn akte_anlegen(&self, wanted: AkteAnlegen, call: &Call) -> Result<Value, Stop> {
        let metadaten = wanted.metadaten.unwrap_or_default();
        lines([Some(&wanted.akte), Some(&wanted.titel), wanted.aktenplan.as_ref()])?;
        let mut tx = match begin(self, call).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(tx) => tx,
        };
        let there = archive::akte(&mut *tx, &wanted.akte).await?;
        let neu = there.is_none();
        match there {
            Some(akte) if !akte.may(&call.delegation, Right::Read) => {
                return Err(closed(&wanted.akte));
            }
            Some(_) => {}
            None => {
                insert_akte(&mut tx, &wanted.akte, &wanted.titel, wanted.aktenplan.as_deref(), &metadaten).await?;
                grant(&mut tx, Target::Akte(&wanted.akte), &call.delegation).await?;
            }
        }
        finish(tx, call, json!(Angelegt { akte: wanted.akte, neu })).await
    }

    pub(crate) async fn dokument_ablegen(&self, wanted: DokumentAblegen, call: &Call) -> Result<Value, Stop> {
        let (draft, bytes) = draft(wanted, call.at)?;
        let mut tx = match begin(self, call).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(tx) => tx,
        };
        let who = &call.delegation;
        if let Some(akte) = archive::akte(&mut *tx, &draft.akte).await? {
            may_file(&akte, who)?;
        } else {
            insert_akte(&mut tx, &draft.akte, &draft.akte, None, &Map::new()).await?;
            grant(&mut tx, Target::Akte(&draft.akte), who).await?;
        }
        self.files.put(draft.sha256.clone(), bytes).await?;
        let nr = insert_dokument(&mut tx, draft).await?;
        grant(&mut tx, Target::Dokument(nr), who).await?;
        finish(tx, call, json!(Abgelegt { dokument_id: id(nr), version: Fassung(1) })).await
    }

    pub(crate) async fn dokument_stornieren(&self, wanted: DokumentStornieren, call: &Call) -> Result<Value, Stop> {
        lines([wanted.grund.as_ref()])?;
        let mut tx = match begin(self, call).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(tx) => tx,
        };
        let dokument = archive::writable(&mut *tx, &wanted.dokument, &call.delegation).await?;
        // The first reason stays.
        sqlx::query("UPDATE dokument SET storniert = 1, grund = ?2 WHERE nr = ?1 AND storniert = 0")
            .bind(dokument.nr)
            .bind(&wanted.grund)
            .execute(&mut *tx)
            .await?;
        finish(tx, call, json!(Storniert { storniert: true })).await
    }

    pub(crate) async fn metadaten_setzen(&self, wanted: MetadatenSetzen, call: &Call) -> Result<Value, Stop> {
        let mut tx = match begin(self, call).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(tx) => tx,
        };
        let dokument = archive::writable(&mut *tx, &wanted.dokument, &call.delegation).await?;
        let current = version_of(&mut *tx, &dokument, None).await?;
        let before: Map<String, Value> = serde_json::from_str(&current.metadaten)?;
        let after = merged(before.clone(), wanted.metadaten);
        let datum = dated(&after)?;
        let version = if after == before { dokument.version } else { next_version(&mut tx, &dokument, current, &after, datum).await? };
        finish(tx, call, json!(Gesetzt { version: Fassung(version) })).await
    }
}

fn may_file(akte: &Akte, who: &Delegation) -> Result<(), Stop> {
    if !akte.may(who, Right::Read) {
        return Err(closed(&akte.zeichen));
    }
    if akte.may(who, Right::Write) {
        return Ok(());
    }
    Err(Failure::denied(format!("Sie dürfen in der Akte „{}“ nichts ablegen.", akte.zeichen)).into())
}

// That the name is taken cannot be hidden from someone who wants it; nothing else is said.
fn closed(akte: &str) -> Stop {
    Failure::denied(format!("Die Akte „{akte}“ steht Ihnen nicht offen.")).into()
}

fn merged(mut metadaten: Map<String, Value>, changes: Map<String, Value>) -> Map<String, Value> {
    for (name, value) in changes {
        if value.is_null() {
            metadaten.remove(&name);
        } else {
            metadaten.insert(name, value);
        }
    }
    metadaten
}
