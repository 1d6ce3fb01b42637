//! `tools …`: what servers offer, what is approved, and what differs.

use anyhow::Context as _;
use laufzettel_doors::{pins::Pins, tools::ToolServer};
use serde_json::json;

use super::{configuration, tenant_of};
use crate::{
    args::{Tools, Where, Who},
    house,
    out::{Out, code},
    wish::Wish,
};

pub async fn tools(tools: Tools, out: &Out) -> anyhow::Result<u8> {
    match tools {
        Tools::List { at } => list(&at, out).await,
        Tools::Pin { server, who, at } => pin(&at, &who, &server, out).await,
        Tools::Diff { server, at } => diff(&at, server.as_deref(), out).await,
    }
}

async fn list(at: &Where, out: &Out) -> anyhow::Result<u8> {
    let config = configuration(at, out).await?;
    let tenant = tenant_of(&config, at, out)?;
    let own = &config.tenants[&tenant];
    for (name, server) in house::servers(&config, &tenant, own, &house::minter())? {
        let found = server.definitions().await.map_err(|e| anyhow::anyhow!("{e}"))?;
        for definition in &found.tools {
            let rule = own.servers.get(&name).and_then(|s| s.tools.get(&definition.name));
            let pinned = server.pins().and_then(|p| p.get(&definition.name)).map(|d| d.digest() == definition.digest());
            let word = match (rule, pinned) {
                (None, _) => out.text("nicht gelistet", "not listed"),
                (_, None) => out.text("nicht freigegeben", "not pinned"),
                (_, Some(false)) => out.text("weicht ab", "drifted"),
                (_, Some(true)) => out.text("freigegeben", "pinned"),
            };
            if out.json {
                out.value(
                    &json!({ "server": name, "tool": definition.name, "listed": rule.is_some(), "pinned": pinned, "digest": definition.digest().to_string() }),
                )
                .await;
            } else {
                out.data(format!("{:<32} {word}", format!("{name}/{}", definition.name))).await;
            }
        }
        server.stop().await;
    }
    Ok(code::DONE)
}

async fn pin(at: &Where, who: &Who, name: &str, out: &Out) -> anyhow::Result<u8> {
    let config = configuration(at, out).await?;
    let tenant = tenant_of(&config, at, out)?;
    let own = &config.tenants[&tenant];
    let servers = house::servers(&config, &tenant, own, &house::minter())?;
    let server = servers.get(name).with_context(|| format!("Den Server „{name}“ gibt es nicht"))?;
    let found = server.definitions().await.map_err(|e| anyhow::anyhow!("{e}"))?;
    server.stop().await;
    // what is shown is what is approved
    say_drift(server, &found, out).await;
    // on record before it counts
    let tools = found.tools.iter().map(|definition| (definition.name.clone(), definition.digest())).collect();
    let exit = super::wish(at, who, None, Wish::PinApproved { server: name.to_owned(), tools }, out).await?;
    if exit != code::DONE {
        return Ok(exit);
    }
    let file = own.pins.join(format!("{name}.json"));
    std::fs::create_dir_all(&own.pins)?;
    std::fs::write(&file, serde_json::to_string_pretty(&found)?).with_context(|| file.display().to_string())?;
    out.note(format!("{}: {} {}", file.display(), found.tools.len(), out.text("Definitionen freigegeben", "definitions pinned"))).await;
    Ok(code::DONE)
}

async fn diff(at: &Where, name: Option<&str>, out: &Out) -> anyhow::Result<u8> {
    let config = configuration(at, out).await?;
    let tenant = tenant_of(&config, at, out)?;
    let mut drifted = false;
    for (server_name, server) in house::servers(&config, &tenant, &config.tenants[&tenant], &house::minter())? {
        if name.is_none_or(|n| n == server_name) {
            let found = server.definitions().await.map_err(|e| anyhow::anyhow!("{e}"))?;
            drifted |= say_drift(&server, &found, out).await;
            server.stop().await;
        }
    }
    Ok(if drifted { code::FINDINGS } else { code::DONE })
}

async fn say_drift(server: &ToolServer, found: &Pins, out: &Out) -> bool {
    let drifts = server.drift_of(found);
    for drift in &drifts {
        if out.json {
            out.value(&json!({ "server": server.name(), "drift": drift })).await;
        } else {
            out.data(format!("{}/{} {}\n  - {}\n  + {}", server.name(), drift.tool, drift.what, drift.pinned, drift.found)).await;
        }
    }
    !drifts.is_empty()
}
