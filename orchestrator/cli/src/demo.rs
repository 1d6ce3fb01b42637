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

/// Files of the demo tenant by their path in its folder, beside the shipped processes.
const OWN: [(&str, &str); 7] = [
    ("laufzettel.yaml", include_str!("../demo/laufzettel.yaml")),
    ("directory.yaml", include_str!("../demo/directory.yaml")),
    ("registers.yaml", include_str!("../demo/registers.yaml")),
    ("register-person.yaml", include_str!("../demo/register-person.yaml")),
    ("dms-seed.yaml", include_str!("../demo/dms-seed.yaml")),
    ("beispiel/antrag.json", include_str!("../demo/antrag.json")),
    ("beispiel/entscheidung.json", include_str!("../demo/entscheidung.json")),
];
/// `workflows` and the input schemas of the examples, as they lie in the source.
const EXAMPLES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/examples.rs"));

/// What the examples' webhooks are signed with; drawn on this machine.
const SECRETS: [&str; 2] = ["webhook-hundesteuer", "webhook-wohngeld"];

/// What the shipped configuration declares of the bundled servers' tools.
pub fn shipped_tools() -> std::collections::BTreeMap<String, laufzettel_policy::ToolRule> {
    let text = OWN[0].1;
    let (config, _) = crate::config::read(text, Path::new("laufzettel.yaml"), Path::new("."));
    config.iter().flat_map(|config| config.tenants.values()).filter_map(|own| house::tool_rules(own).ok()).flatten().collect()
}

/// Where `up` and commands without `--config` keep the demo tenant.
pub const FOLDER: &str = "laufzettel-data";

/// Lays out what is missing. What somebody changed there stays as it is.
pub async fn ensure(folder: &Path) -> anyhow::Result<PathBuf> {
    for (path, text) in OWN.iter().chain(EXAMPLES) {
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
    for name in SECRETS {
        let secret = folder.join("secrets").join(name);
        if !secret.exists() {
            let mut bytes = [0; 24];
            SystemRandom.fill(&mut bytes);
            house::write_secret(&secret, &format!("{}\n", to_hex(&bytes)))?;
        }
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
