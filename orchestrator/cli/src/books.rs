//! What an auditor asks for first, beside runs: which configuration, grants and pins were in force, and what changed in them.
//! Digests only: the texts are the house's own files.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Caller, Digest, Via};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    config::{Config, Sections, TenantConfig},
    house::{self, House},
};

/// Changed grants named one by one; beyond, the changed section says it.
const GRANTS_MAX: usize = 100;

/// The state of the books as `config.loaded` keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Standing {
    digest: Digest,
    #[serde(default)]
    sections: Sections,
    #[serde(default)]
    grants: Vec<Digest>,
    /// Approved definitions by server.
    #[serde(default)]
    pins: BTreeMap<String, Digest>,
}

impl Standing {
    fn of(config: &Config, own: &TenantConfig) -> anyhow::Result<Self> {
        let sections = config.sections.iter().chain(&own.sections).map(|(name, digest)| (name.clone(), *digest)).collect();
        let mut pins = BTreeMap::new();
        for server in own.servers.keys() {
            if let Some(approved) = house::pins(own, server)? {
                pins.insert(server.clone(), Digest::of_value(&serde_json::to_value(&approved)?));
            }
        }
        Ok(Self { digest: config.digest, sections, grants: own.grants.clone(), pins })
    }
}

/// Compares with what was on record last, and records what changed. `always`: a server that starts says what it runs on.
pub async fn keep(house: &House, always: bool) -> anyhow::Result<()> {
    let now = Standing::of(&house.config, &house.config.tenants[&house.tenant])?;
    let last = house.desk.tenant.store.last_beside("config.loaded").await?.and_then(|record| record.draft.body());
    let before: Option<Standing> = last.and_then(|body| serde_json::from_value(body).ok());
    if before.as_ref() == Some(&now) && !always {
        return Ok(());
    }
    let engine = Caller::service("engine", Via::Engine);
    let note = |kind: &'static str, body| house.desk.note(kind, &engine, body);
    let pins = before.as_ref().map(|b| b.pins.clone()).unwrap_or_default();
    for (server, digest) in now.pins.iter().filter(|(server, digest)| pins.get(*server) != Some(*digest)) {
        note("pin.loaded", json!({ "server": server, "digest": digest, "before": pins.get(server) })).await;
    }
    if let Some(before) = before.filter(|before| before.digest != now.digest) {
        let sections = changed(&before.sections, &now.sections);
        note("config.changed", json!({ "digest": now.digest, "before": before.digest, "sections": sections })).await;
        let longest = before.grants.len().max(now.grants.len());
        let differs = |i: &usize| before.grants.get(*i) != now.grants.get(*i);
        for i in (0..longest).filter(differs).take(GRANTS_MAX) {
            note("grant.changed", json!({ "index": i + 1, "digest": now.grants.get(i), "before": before.grants.get(i) })).await;
        }
    }
    note("config.loaded", serde_json::to_value(&now)?).await;
    Ok(())
}

/// Names of the parts that came, went or differ.
fn changed(before: &Sections, now: &Sections) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != now.get(*name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_went_or_differs_is_named() {
        let of = |parts: &[(&str, &str)]| parts.iter().map(|(name, text)| ((*name).to_owned(), Digest::of(text.as_bytes()))).collect::<Sections>();
        let before = of(&[("grants", "a"), ("zones", "b"), ("models", "c")]);
        let now = of(&[("grants", "a2"), ("zones", "b"), ("tools", "d")]);
        assert_eq!(changed(&before, &now), ["grants", "models", "tools"]);
        assert!(changed(&now, &now).is_empty());
    }
}
