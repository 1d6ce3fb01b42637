//! Searching documents and passages. Only what the caller may read is counted, ranked or quoted; the full-text index
//! proposes, the access lists decide, and the score knows nothing of the rest of the archive.

use jiff::civil::Date;
use laufzettel_mcp_kit::{Delegation, Failure, Page};
use serde_json::{Value, json};

use crate::{
    Archive,
    acl::{self, Right},
    archive::{self, Stop, id},
    passages::{expression, passages, score, terms},
    reading::version_of,
    tools::{Fassung, Fundstelle, Gefunden, Gesucht, Passagen, Suchen, Treffer},
};

/// Rows asked for at once.
const BATCH: i64 = 500;
/// Readable hits that are ranked, the newest: nobody looks at the two-thousandth.
const RANKED_MAX: usize = 2_000;
/// Letters of a question; more is a text, not a question.
const FRAGE_BYTES_MAX: usize = 2_000;

const DOKUMENTE: &str = "SELECT d.nr, d.version, d.titel, d.akte, d.datum,
    snippet(dokument_fts, 1, '', '', ' … ', 32),
    (SELECT json_group_array(json_array(e.sid, e.allow, e.read, e.write, e.inherited)) FROM dokument_entry e
      WHERE e.nr = d.nr AND e.sid IN (SELECT value FROM json_each(?1)))
  FROM dokument_fts f JOIN dokument d ON d.nr = f.rowid
  WHERE dokument_fts MATCH ?2 AND f.rowid < ?3 AND d.storniert = 0
    AND (?4 IS NULL OR d.akte = ?4) AND (?5 IS NULL OR d.art = ?5)
    AND (?6 IS NULL OR d.datum >= ?6) AND (?7 IS NULL OR d.datum <= ?7)
  ORDER BY f.rowid DESC LIMIT ?8";

const PASSAGEN: &str = "SELECT f.rowid, d.nr, d.version, f.place, f.text,
    (SELECT json_group_array(json_array(e.sid, e.allow, e.read, e.write, e.inherited)) FROM dokument_entry e
      WHERE e.nr = d.nr AND e.sid IN (SELECT value FROM json_each(?1)))
  FROM passage_fts f JOIN dokument d ON d.nr = f.rowid / 10000
  WHERE passage_fts MATCH ?2 AND f.rowid < ?3 AND d.storniert = 0 AND (?4 IS NULL OR d.akte = ?4)
  ORDER BY f.rowid DESC LIMIT ?5";

type DokumentRow = (i64, i64, String, String, String, String, String);
type PassageRow = (i64, i64, i64, String, String, String);

/// What is asked, after the arguments were checked.
struct Question {
    suchen: Suchen,
    sids: String,
    expression: String,
}

impl Archive {
    pub(crate) async fn suchen(&self, suchen: Suchen, who: &Delegation) -> Result<Value, Stop> {
        let page = Page::new(suchen.ab, suchen.anzahl)?;
        for date in [&suchen.von, &suchen.bis].into_iter().flatten() {
            date.parse::<Date>().map_err(|_| Failure::invalid(format!("„{date}“ ist kein Datum der Form JJJJ-MM-TT.")))?;
        }
        let terms = asked(&suchen.frage)?;
        let question = Question { sids: sids(who)?, expression: expression(&terms, " "), suchen };
        let mut hits = self.readable_hits(&question, who).await?;
        // All hits hold all terms: the better one names them in its title, then the newer one.
        hits.sort_by(|a, b| score(&b.titel, &terms).total_cmp(&score(&a.titel, &terms)));
        let (treffer, mehr) = page.cut(hits);
        Ok(json!(Gesucht { treffer, mehr }))
    }

    async fn readable_hits(&self, question: &Question, who: &Delegation) -> Result<Vec<Treffer>, Stop> {
        let names: Vec<&str> = who.sids().collect();
        let (mut hits, mut below) = (Vec::new(), i64::MAX);
        loop {
            let rows = self.documents_below(question, below).await?;
            let Some(last) = rows.last() else {
                return Ok(hits);
            };
            below = last.0;
            for (nr, version, titel, akte, datum, ausschnitt, entries) in rows {
                if acl::may(&archive::entries(&entries)?, &names, Right::Read) {
                    hits.push(Treffer { dokument: id(nr), version: Fassung(version), titel, akte, datum, ausschnitt });
                }
            }
            if hits.len() >= RANKED_MAX {
                return Ok(hits);
            }
        }
    }

    async fn documents_below(&self, question: &Question, below: i64) -> Result<Vec<DokumentRow>, Stop> {
        let Question { suchen, sids, expression } = question;
        let rows = sqlx::query_as(DOKUMENTE)
            .bind(sids)
            .bind(expression)
            .bind(below)
            .bind(&suchen.akte)
            .bind(&suchen.art)
            .bind(&suchen.von)
            .bind(&suchen.bis)
            .bind(BATCH)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows)
    }

    pub(crate) async fn passagen(&self, wanted: Passagen, who: &Delegation) -> Result<Value, Stop> {
        let page = Page::new(wanted.ab, wanted.anzahl)?;
        let terms = wanted.frage.as_deref().map(asked).transpose()?;
        let found = match (&wanted.dokument, terms) {
            (Some(dokument), terms) => self.passages_of(dokument, &wanted, terms.as_deref(), who).await?,
            (None, _) if wanted.version.is_some() => {
                return Err(Failure::invalid("Eine Version kann nur zusammen mit einem Dokument genannt werden.").into());
            }
            (None, Some(terms)) => self.readable_passages(&terms, wanted.akte.as_deref(), who).await?,
            (None, None) => {
                return Err(Failure::invalid("Es braucht eine Frage oder ein Dokument.").into());
            }
        };
        let (passagen, mehr) = page.cut(found);
        Ok(json!(Gefunden { passagen, mehr }))
    }

    /// Passages of one document: in order, or those that meet the terms, the best first.
    async fn passages_of(&self, dokument: &str, wanted: &Passagen, terms: Option<&[String]>, who: &Delegation) -> Result<Vec<Fundstelle>, Stop> {
        let dokument = archive::readable(&self.pool, dokument, who).await?;
        if wanted.akte.as_ref().is_some_and(|akte| *akte != dokument.akte) {
            return Ok(Vec::new());
        }
        let version = version_of(&self.pool, &dokument, wanted.version.map(|v| v.0)).await?;
        let all = passages(&version.text.unwrap_or_default());
        let found = all.into_iter().map(|passage| Fundstelle {
            document: id(dokument.nr),
            version: Fassung(version.number),
            score: terms.map_or(0.0, |terms| score(&passage.text, terms)),
            place: passage.place,
            text: passage.text,
        });
        let mut found: Vec<Fundstelle> = found.filter(|found| terms.is_none() || found.score > 0.0).collect();
        best_first(&mut found);
        Ok(found)
    }

    /// Passages of the current versions of all readable documents, the best first.
    async fn readable_passages(&self, terms: &[String], akte: Option<&str>, who: &Delegation) -> Result<Vec<Fundstelle>, Stop> {
        let (names, sids) = (who.sids().collect::<Vec<_>>(), sids(who)?);
        let expression = expression(terms, " OR ");
        let (mut found, mut below) = (Vec::new(), i64::MAX);
        loop {
            let query = sqlx::query_as(PASSAGEN).bind(&sids).bind(&expression).bind(below).bind(akte).bind(BATCH);
            let rows: Vec<PassageRow> = query.fetch_all(&self.pool).await?;
            let Some(last) = rows.last() else { break };
            below = last.0;
            for (_, nr, version, place, text, entries) in rows {
                if acl::may(&archive::entries(&entries)?, &names, Right::Read) {
                    let score = score(&text, terms);
                    found.push(Fundstelle { document: id(nr), version: Fassung(version), place, text, score });
                }
            }
            if found.len() >= RANKED_MAX {
                break;
            }
        }
        best_first(&mut found);
        Ok(found)
    }
}

// Stable: equals stay in their order.
fn best_first(found: &mut [Fundstelle]) {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
}

fn asked(frage: &str) -> Result<Vec<String>, Failure> {
    let terms = if frage.len() > FRAGE_BYTES_MAX { Vec::new() } else { terms(frage) };
    if terms.is_empty() {
        return Err(Failure::invalid(format!("Die Frage muss Wörter enthalten und darf höchstens {FRAGE_BYTES_MAX} Zeichen haben.")));
    }
    Ok(terms)
}

fn sids(who: &Delegation) -> Result<String, Stop> {
    Ok(serde_json::to_string(&who.sids().collect::<Vec<_>>())?)
}
