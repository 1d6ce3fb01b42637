//! Keys of a tenant: drawn at its first start, each in a file only its owner reads.

use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use anyhow::{Context as _, bail};
use laufzettel_domain::{
    TenantId,
    digest::{from_hex, to_hex},
};
use laufzettel_journal::Signer;
use laufzettel_worker::{Random as _, SystemRandom};

use super::store_file;
use crate::config::Config;

/// The key checkpoints of a tenant are signed with; drawn at the first start, and not where a journal is there already: none of its checkpoints would
/// open with it.
pub fn signer(config: &Config, tenant: &TenantId) -> anyhow::Result<Signer> {
    let (file, store) = (config.secrets.join(format!("journal-{tenant}.key")), store_file(config, tenant));
    if store.exists() && !file.exists() {
        let (file, store) = (file.display(), store.display());
        bail!(
            "Der Schlüssel {file} fehlt, die Datenbank {store} gibt es aber schon. Bitte prüfen, ob „secrets“ in der Konfiguration auf den richtigen Ordner \
             zeigt, oder den Schlüssel aus der Sicherung zurücklegen: Mit einem neuen ließe sich kein Prüfpunkt mehr prüfen."
        );
    }
    Ok(Signer::new(tenant.as_str(), &key(&file)?))
}

/// 32 secret bytes as hex in a file only its owner reads; drawn when it is not there.
pub fn key(file: &Path) -> anyhow::Result<[u8; 32]> {
    match std::fs::read_to_string(file) {
        Ok(text) => from_hex(text.trim()).and_then(|b| b.try_into().ok()).with_context(|| format!("{} ist kein Schlüssel", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut secret = [0; 32];
            SystemRandom.fill(&mut secret);
            write_secret(file, &to_hex(&secret))?;
            Ok(secret)
        }
        Err(error) => Err(error).with_context(|| file.display().to_string()),
    }
}

pub fn write_secret(file: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut out = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(file).with_context(|| file.display().to_string())?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    Ok(())
}
