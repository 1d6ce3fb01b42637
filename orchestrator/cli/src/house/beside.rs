//! A store and its witness, side by side: which of them knows more, and what signs from now on.

use anyhow::{Context as _, bail};
use laufzettel_domain::TenantId;
use laufzettel_journal::Signer;
use laufzettel_store::{Sqlite, Store};
use laufzettel_worker::{Anchor, Gap, read_witness, witness_file};

use super::store_file;
use crate::{config::Config, shut};

/// A store as it lies there, beside its witness.
pub(super) enum Looked {
    Held,
    Whole,
    Gap(Gap),
}

/// How many checkpoints of this tenant the witness knows; `None`: none, or there is no witness.
pub fn witnessed(config: &Config, tenant: &TenantId) -> anyhow::Result<Option<usize>> {
    let Some(folder) = &config.witness else { return Ok(None) };
    let known = read_witness(&witness_file(folder, tenant.as_str()))?.len();
    Ok((known > 0).then_some(known))
}

/// Compares before anything is written: opening a lane in a store that is older than its witness would take a number that was taken.
pub(super) async fn gap(config: &Config, tenant: &TenantId, signer: &Signer) -> anyhow::Result<Looked> {
    let Some(folder) = &config.witness else { return Ok(Looked::Whole) };
    let (file, witnessed) = (store_file(config, tenant), read_witness(&witness_file(folder, tenant.as_str()))?);
    if witnessed.is_empty() {
        return Ok(Looked::Whole);
    }
    if !file.exists() {
        bail!("Die Datenbank {} fehlt, aber der Zeuge kennt {} Prüfpunkte. Bitte eine Sicherung zurückspielen.", file.display(), witnessed.len());
    }
    let store = match Sqlite::read_only(&file).await {
        Ok(store) => Store::Sqlite(store),
        Err(laufzettel_store::Error::Held) => return Ok(Looked::Held),
        Err(error) => return Err(shut::not_open(tenant, error)),
    };
    let found = Gap::find(&store, tenant.as_str(), &signer.verify_key(), folder).await.context("Der Zeuge passt nicht zur Datenbank")?;
    Ok(found.map_or(Looked::Whole, Looked::Gap))
}

/// What signs the heads of an open store, with its public key beside the notes.
pub(super) async fn anchor(config: &Config, tenant: &TenantId, store: &Store, signer: Signer) -> anyhow::Result<Option<Anchor>> {
    let Some(folder) = &config.witness else { return Ok(None) };
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let key_file = folder.join(format!("{tenant}.vkey"));
    if !key_file.exists() {
        std::fs::write(&key_file, format!("{}\n", signer.verify_key().to_text()))?;
    }
    Anchor::open(store, tenant.as_str(), signer, folder).await.map(Some).context("Der Zeuge passt nicht zur Datenbank")
}
