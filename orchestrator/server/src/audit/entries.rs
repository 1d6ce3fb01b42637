//! Records as people read them: each a sentence, with the number of a case where the journal names its id, and a way there for
//! whoever may see it.

use std::collections::BTreeMap;

use laufzettel_domain::{Caller, Lang, RunId};
use laufzettel_store::{DENIALS, TrailRow};
use laufzettel_worker::trail;

use crate::{
    pages::reports::{Phrase, RunLink, TrailEntry},
    site::TenantSite,
};

/// Letters of an id as it is written.
const ID_LEN: usize = 36;

/// Cases by their ids, as far as they are still there.
#[derive(Default)]
pub struct Numbers(BTreeMap<RunId, Numbered>);

#[derive(Clone)]
struct Numbered {
    number: String,
    /// Whether she who reads may open it.
    visible: bool,
}

impl Numbers {
    /// Of every case that is named in one of the texts, and of `more`. One look at one row each; what cannot be looked up keeps its id.
    async fn of(tenant: &TenantSite, by: &Caller, texts: &[String], more: impl Iterator<Item = RunId>) -> Self {
        let ids: std::collections::BTreeSet<RunId> = texts.iter().flat_map(|text| split(text)).filter_map(Result::err).map(|(id, _)| id).chain(more).collect();
        let who = tenant.desk.who(by).await.ok();
        let mut known = BTreeMap::new();
        for id in ids {
            let Ok(Some(row)) = tenant.desk.tenant.store.run(id).await else { continue };
            let visible = match &who {
                Some(who) => tenant.desk.may_view(who, &row.unit, &row.subject).await.allow,
                None => false,
            };
            known.insert(id, Numbered { number: row.nummer, visible });
        }
        Self(known)
    }

    fn phrases(&self, text: &str) -> Vec<Phrase> {
        let phrase = |part| match part {
            Ok(text) => Phrase { text, number: false, href: None },
            Err((id, written)) => match self.0.get(&id) {
                Some(case) => Phrase { text: case.number.clone(), number: true, href: case.visible.then(|| format!("/vorgaenge/{id}")) },
                None => Phrase { text: written, number: true, href: None },
            },
        };
        split(text).into_iter().map(phrase).collect()
    }

    fn link(&self, id: RunId) -> RunLink {
        let known = self.0.get(&id);
        RunLink {
            number: known.map(|case| case.number.clone()),
            id: id.to_string(),
            page: known.filter(|case| case.visible).map(|_| format!("/vorgaenge/{id}")),
            records: format!("/protokoll?run={id}"),
        }
    }
}

/// A text in pieces: what is said, and the ids in it as they are written.
fn split(text: &str) -> Vec<Result<String, (RunId, String)>> {
    let (mut parts, mut said, mut at) = (Vec::new(), String::new(), 0);
    while let Some(c) = text[at..].chars().next() {
        let written = text.get(at..at + ID_LEN).filter(|written| written.as_bytes()[8] == b'-');
        if let Some((id, written)) = written.and_then(|written| Some((RunId::parse(written)?, written))) {
            if !said.is_empty() {
                parts.push(Ok(std::mem::take(&mut said)));
            }
            parts.push(Err((id, written.to_owned())));
            at += ID_LEN;
        } else {
            said.push(c);
            at += c.len_utf8();
        }
    }
    if !said.is_empty() {
        parts.push(Ok(said));
    }
    parts
}

/// `chars`: of a machine form.
pub async fn entries(tenant: &TenantSite, by: &Caller, rows: &[TrailRow], lang: Lang, chars: usize) -> Vec<TrailEntry> {
    let texts: Vec<String> = rows.iter().map(|row| trail::said(&row.draft, lang)).collect();
    let numbers = Numbers::of(tenant, by, &texts, rows.iter().filter_map(|row| row.draft.run)).await;
    rows.iter().zip(&texts).map(|(row, text)| entry(tenant, row, &numbers, text, chars)).collect()
}

/// Sentences alone.
pub async fn sentences(tenant: &TenantSite, by: &Caller, rows: &[TrailRow], lang: Lang) -> Vec<Vec<Phrase>> {
    let texts: Vec<String> = rows.iter().map(|row| trail::said(&row.draft, lang)).collect();
    let numbers = Numbers::of(tenant, by, &texts, std::iter::empty()).await;
    texts.iter().map(|text| numbers.phrases(text)).collect()
}

fn entry(tenant: &TenantSite, row: &TrailRow, numbers: &Numbers, text: &str, chars: usize) -> TrailEntry {
    let draft = &row.draft;
    let machine: String = draft.body.chars().take(chars).collect();
    TrailEntry {
        at: Some(draft.at).filter(|_| !row.is_shrunk()).map(|at| tenant.civil_micros(at)),
        place: format!("{}/{}", row.lane, row.seq),
        link: format!("/protokoll/eintrag/{}/{}", row.lane, row.seq),
        text: numbers.phrases(text),
        denied: DENIALS.contains(&draft.kind.as_str()),
        erased: row.lacks_content(),
        content: row.kept,
        run: draft.run.map(|run| numbers.link(run)),
        kind: draft.kind.clone(),
        actor: draft.actor.clone(),
        cut: machine.len() < draft.body.len(),
        machine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn ids_become_numbers() {
        let (known, other) = (RunId::parse(ID).unwrap(), "01890a5d-ac96-774b-bcce-b302099a8058");
        let said = |text: &str| Phrase { text: text.into(), number: false, href: None };
        let numbered = |text: &str, href: Option<&str>| Phrase { text: text.into(), number: true, href: href.map(str::to_owned) };
        for visible in [true, false] {
            let numbers = Numbers(BTreeMap::from([(known, Numbered { number: "2026-000123".into(), visible })]));
            let href = visible.then(|| format!("/vorgaenge/{ID}"));
            let number = numbered("2026-000123", href.as_deref());
            for (text, expected) in [
                (String::new(), vec![]),
                ("Müller sagt: nichts – äöü".to_owned(), vec![said("Müller sagt: nichts – äöü")]),
                (format!("Wünsche zu {ID}."), vec![said("Wünsche zu "), number.clone(), said(".")]),
                (format!("{ID}{ID}"), vec![number.clone(), number.clone()]),
                (format!("x {other}"), vec![said("x "), numbered(other, None)]),
                (ID[..35].to_owned(), vec![said(&ID[..35])]),
            ] {
                assert_eq!(numbers.phrases(&text), expected, "{text}");
            }
        }
    }
}
