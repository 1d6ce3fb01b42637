//! Whose data a run is, findable without anything that could be read: each term becomes a key under a secret of the tenant, and only
//! keys are stored. Made with the run's first record and gone with the last of its contents; from before this was kept, made again
//! out of the journal.

use std::collections::BTreeSet;

use hmac::{Hmac, Mac as _};
use laufzettel_domain::{Digest, RunId, digest::to_hex};
use laufzettel_engine::{self as engine, Run, Term};
use laufzettel_store::{Error as StoreError, RUNS_PAGE_MAX, RunFilter, SubjectKey};
use sha2::Sha256;

use crate::{
    desk::{Desk, WishError, begun},
    tenant::{Prepared, Tenant},
};

/// Raised when terms are made another way: then all of them are made again.
const MADE: u8 = 2;
/// What stands at the cursor when every run from before is done.
const DONE: &str = "done";

/// The secret of a tenant's index. Lost, nobody is found any more until the index is made again under another.
#[derive(Clone)]
pub struct SubjectSecret([u8; 32]);

impl SubjectSecret {
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    fn key(&self, term: &Term) -> SubjectKey {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any key");
        mac.update(term.as_str().as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The cursor of the index made under this secret.
    fn cursor(&self) -> String {
        let print = Digest::of(&[self.0.as_slice(), &[MADE]].concat());
        format!("subjects:{}", &to_hex(&print.0)[..16])
    }
}

impl Tenant {
    /// Keys of a run as it begins.
    pub(crate) fn subject_keys(&self, prepared: &Prepared, run: &Run) -> Vec<SubjectKey> {
        engine::subject(&prepared.process, &prepared.context, run).iter().map(|term| self.subjects.key(term)).collect()
    }
}

impl Desk {
    /// Runs whose data subjects have all of these terms, newest first.
    pub async fn runs_of(&self, terms: &BTreeSet<Term>, limit: u32) -> Result<Vec<RunId>, StoreError> {
        let keys: Vec<SubjectKey> = terms.iter().map(|term| self.tenant.subjects.key(term)).collect();
        self.tenant.store.runs_with(&keys, limit).await
    }

    /// Whether everybody is found who can be: the index of old runs is whole.
    pub async fn is_indexed(&self) -> Result<bool, StoreError> {
        Ok(self.tenant.store.cursor(&self.tenant.subjects.cursor()).await?.as_deref() == Some(DONE))
    }

    /// Makes the index of runs from before it was kept, or from under another secret, a page of runs at a time.
    pub(crate) async fn index_old_runs(&self) -> Result<(), WishError> {
        let store = &self.tenant.store;
        let name = self.tenant.subjects.cursor();
        let mut before = match store.cursor(&name).await?.as_deref() {
            Some(DONE) => return Ok(()),
            Some(run) => RunId::parse(run),
            None => None,
        };
        loop {
            let page = store.runs(&RunFilter { before, limit: RUNS_PAGE_MAX, ..RunFilter::default() }, &|_| true).await?;
            let mut found = Vec::new();
            for row in &page.rows {
                // one that does not read, or has no contents any more, stops no other
                match self.keys_of(row.run).await {
                    Ok(keys) if keys.is_empty() => {}
                    Ok(keys) => found.push((row.run, keys)),
                    Err(error) => tracing::warn!(run = %row.run, %error, "nobody is found by this run"),
                }
            }
            let next = page.next.map_or_else(|| DONE.to_owned(), |run| run.to_string());
            store.index(found, (name.clone(), Some(next))).await?;
            before = page.next;
            if before.is_none() {
                return Ok(());
            }
        }
    }

    async fn keys_of(&self, run: RunId) -> Result<Vec<SubjectKey>, WishError> {
        let Some(record) = self.tenant.store.first_of(run).await? else { return Ok(Vec::new()) };
        let Some(run) = begun(&self.tenant.id, run, &record)? else { return Ok(Vec::new()) };
        let prepared = self.tenant.version(run.process.as_str(), run.digest).await?;
        Ok(prepared.map(|prepared| self.tenant.subject_keys(&prepared, &run)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_nothing_and_depends_on_secret_and_text() {
        let (one, other) = (SubjectSecret::new([1; 32]), SubjectSecret::new([2; 32]));
        let term = |text: &str| Term::sought(text).pop_first().unwrap();
        let keys = [one.key(&term("Weber")), one.key(&term("Webe")), other.key(&term("Weber"))];
        assert_eq!(BTreeSet::from(keys).len(), 3);
        assert_eq!(keys[0], one.key(&term(" weber ")), "the same person");
        assert_ne!(one.cursor(), other.cursor());
    }
}
