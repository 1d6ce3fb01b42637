//! `tenants list`: which tenants a configuration has, where their stores lie, and which of their processes may start.

use std::path::PathBuf;

use super::{configuration, wish};
use crate::{
    args::{Where, Who},
    house,
    out::{Out, code},
    wish::Wish,
};

pub async fn list(file: Option<PathBuf>, out: &Out) -> anyhow::Result<u8> {
    let config = configuration(&Where { config: file.clone(), tenant: None }, out).await?;
    for (id, own) in &config.tenants {
        let store = house::store_file(&config, id);
        if !store.exists() {
            // a look is no reason to begin a journal
            let line = serde_json::json!({ "tenant": id.as_str(), "name": own.name, "store": null, "processes": [] });
            if out.json {
                out.value(&line).await
            } else {
                out.data(format!("{id}  {}  –", own.name)).await
            }
            continue;
        }
        let exit = wish(&Where { config: file.clone(), tenant: Some(id.to_string()) }, &Who::default(), None, Wish::TenantsShow, out).await?;
        if exit != code::DONE {
            return Ok(exit);
        }
    }
    Ok(code::DONE)
}
