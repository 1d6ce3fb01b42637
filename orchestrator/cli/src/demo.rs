//! The demo tenant: everything `up` and a first `run` need, carried in the binary and laid out in a folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use laufzettel_domain::digest::to_hex;
use laufzettel_worker::{Random as _, SystemRandom};

use crate::{
    config::{Config, Reach},
    house,
};

macro_rules! embedded {
    ($($path:literal = $file:literal),* $(,)?) => {
        /// Files of the demo tenant by their path in its folder.
        const FILES: &[(&str, &str)] = &[$(($path, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $file))),)*];
    };
}

embedded! {
    "laufzettel.yaml" = "demo/laufzettel.yaml",
    "directory.yaml" = "demo/directory.yaml",
    "registers.yaml" = "demo/registers.yaml",
    "register-person.yaml" = "demo/register-person.yaml",
    "dms-seed.yaml" = "demo/dms-seed.yaml",
    "beispiel/antrag.json" = "demo/antrag.json",
    "beispiel/entscheidung.json" = "demo/entscheidung.json",
    "schemas/hundesteuer-anmeldung.schema.json" = "../../schemas/hundesteuer-anmeldung.schema.json",
    "workflows/hundesteuer.yaml" = "../../workflows/hundesteuer.yaml",
    "workflows/hundesteuer.cases.yaml" = "../../workflows/hundesteuer.cases.yaml",
    "workflows/cases/bellheim-zweiter-hund.json" = "../../workflows/cases/bellheim-zweiter-hund.json",
    "workflows/cases/knittelsheim-erster-hund.json" = "../../workflows/cases/knittelsheim-erster-hund.json",
    "workflows/cases/nachweis-anweisung.txt" = "../../workflows/cases/nachweis-anweisung.txt",
    "workflows/cases/nachweis-assistenzhund.txt" = "../../workflows/cases/nachweis-assistenzhund.txt",
    "workflows/cases/nachweis-tierheim.txt" = "../../workflows/cases/nachweis-tierheim.txt",
    "workflows/cases/ottersheim-assistenzhund.json" = "../../workflows/cases/ottersheim-assistenzhund.json",
    "workflows/cases/ottersheim-ohne-nachweis.json" = "../../workflows/cases/ottersheim-ohne-nachweis.json",
    "workflows/cases/zeiskam-anweisung-im-nachweis.json" = "../../workflows/cases/zeiskam-anweisung-im-nachweis.json",
    "workflows/cases/zeiskam-erster-hund.json" = "../../workflows/cases/zeiskam-erster-hund.json",
    "workflows/cases/zeiskam-gefaehrlicher-hund.json" = "../../workflows/cases/zeiskam-gefaehrlicher-hund.json",
    "workflows/cases/zeiskam-jahreswechsel.json" = "../../workflows/cases/zeiskam-jahreswechsel.json",
    "workflows/cases/zeiskam-sperre.json" = "../../workflows/cases/zeiskam-sperre.json",
    "workflows/cases/zeiskam-tierheim.json" = "../../workflows/cases/zeiskam-tierheim.json",
    "workflows/rules/hundesteuer.yaml" = "../../workflows/rules/hundesteuer.yaml",
    "workflows/rules/hundesteuer-ermaessigung.yaml" = "../../workflows/rules/hundesteuer-ermaessigung.yaml",
    "workflows/rules/ortsgemeinden.yaml" = "../../workflows/rules/ortsgemeinden.yaml",
    "workflows/templates/ablehnung.md" = "../../workflows/templates/ablehnung.md",
    "workflows/templates/bescheid.md" = "../../workflows/templates/bescheid.md",
    "workflows/templates/buchungsanzeige.md" = "../../workflows/templates/buchungsanzeige.md",
    "workflows/templates/mitteilung-ablehnung.md" = "../../workflows/templates/mitteilung-ablehnung.md",
    "workflows/templates/mitteilung.md" = "../../workflows/templates/mitteilung.md",
}

/// What the shipped configuration declares of the bundled servers' tools.
pub fn shipped_tools() -> std::collections::BTreeMap<String, laufzettel_policy::ToolRule> {
    let text = FILES.iter().find(|(path, _)| *path == "laufzettel.yaml").map(|(_, text)| *text).unwrap_or_default();
    let (config, _) = crate::config::read(text, Path::new("laufzettel.yaml"), Path::new("."));
    config.iter().flat_map(|config| config.tenants.values()).filter_map(|own| house::tool_rules(own).ok()).flatten().collect()
}

/// Where `up` and commands without `--config` keep the demo tenant.
pub const FOLDER: &str = "laufzettel-data";

/// Lays out what is missing. What somebody changed there stays as it is.
pub async fn ensure(folder: &Path) -> anyhow::Result<PathBuf> {
    for (path, text) in FILES {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
        }
        if !file.exists() {
            fs::write(&file, text).with_context(|| file.display().to_string())?;
        }
    }
    for name in ["data", "dms", "mail", "sperren", "pins", "witness", "secrets"] {
        fs::create_dir_all(folder.join(name))?;
    }
    let secret = folder.join("secrets/webhook-hundesteuer");
    if !secret.exists() {
        let mut bytes = [0; 24];
        SystemRandom.fill(&mut bytes);
        house::write_secret(&secret, &format!("{}\n", to_hex(&bytes)))?;
    }
    if !folder.join("dms/dms.sqlite").exists() {
        seed(folder).await?;
    }
    Ok(folder.join("laufzettel.yaml"))
}

async fn seed(folder: &Path) -> anyhow::Result<()> {
    let seed = laufzettel_mcp_dms::read_seed(&folder.join("dms-seed.yaml")).context("dms-seed.yaml")?;
    laufzettel_mcp_dms::seed(&folder.join("dms"), seed).await.context("Die Vorführakten lassen sich nicht anlegen")?;
    Ok(())
}

/// Approves the bundled servers' definitions once: they are part of this very program.
pub async fn pin_bundled(config: &Config) -> anyhow::Result<()> {
    for (tenant, own) in &config.tenants {
        for (name, server) in house::servers(config, tenant, own, &house::minter())? {
            let file = own.pins.join(format!("{name}.json"));
            let bundled = own.servers.get(&name).is_some_and(|s| matches!(&s.reach, Reach::Stdio(words) if words.first().is_some_and(|p| p == "laufzettel")));
            if file.exists() || !bundled {
                continue;
            }
            let found = server.definitions().await.map_err(|e| anyhow::anyhow!("{e}"))?;
            fs::create_dir_all(&own.pins)?;
            fs::write(&file, serde_json::to_string_pretty(&found)?).with_context(|| file.display().to_string())?;
            server.stop().await;
        }
    }
    Ok(())
}
