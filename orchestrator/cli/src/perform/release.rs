//! Releases and approvals on an open house: who did it, and whether it is so.

use std::collections::BTreeMap;

use laufzettel_domain::Digest;
use laufzettel_policy::Action;
use laufzettel_worker::{Candidate, ReleaseError};
use serde_json::{Value, json};

use super::{Done, Failed, caller, denied, entitled};
use crate::{
    house::{House, store_file},
    out::{Out, code},
};

pub async fn release(house: &House, candidate: &Candidate, out: &Out) -> Done {
    let by = caller(house, out).await?;
    match house.desk.release(candidate, &by).await {
        Ok(()) => {
            let words = out.text("freigegeben von", "released by");
            out.note(format!("{} {} {words} {}, {} {}", candidate.process, candidate.version, by.name, candidate.cases, out.text("Fälle", "cases"))).await;
            Ok(code::DONE)
        }
        Err(ReleaseError::Denied(decision)) => Err(denied(&decision, out.lang)),
        Err(ReleaseError::OtherDigest(known)) => Err(Failed::new(
            code::FINDINGS,
            format!(
                "{} {} ist schon mit anderem Inhalt freigegeben ({known}). Eine Änderung, auch einer Tabelle, braucht eine neue Version.",
                candidate.process, candidate.version
            ),
        )),
        Err(ReleaseError::Unavailable(why)) => Err(Failed::new(code::ENDED_BADLY, why)),
    }
}

/// One record a tool: who approved which definition.
pub async fn pins(house: &House, server: &str, tools: BTreeMap<String, Digest>, out: &Out) -> Done {
    let by = entitled(house, &[Action::Admin], out).await?;
    for (tool, digest) in tools {
        let body = json!({ "server": server, "tool": tool, "digest": digest });
        house.desk.record("pin.approved", &by, body).await.map_err(|e| Failed::new(code::ENDED_BADLY, e.to_string()))?;
    }
    Ok(code::DONE)
}

pub async fn show(house: &House, out: &Out) -> Done {
    let tenant = &house.desk.tenant;
    let store = store_file(&house.config, &tenant.id).display().to_string();
    let processes = tenant.catalogue.processes.values();
    if out.json {
        let list: Vec<Value> = processes
            .map(|p| json!({ "process": p.id.as_str(), "version": p.version.to_string(), "digest": p.digest, "released": house.desk.is_released(p) }))
            .collect();
        out.value(
            &json!({ "tenant": tenant.id.as_str(), "name": tenant.name, "store": store, "release_required": tenant.release_required, "processes": list }),
        )
        .await;
        return Ok(code::DONE);
    }
    out.data(format!("{}  {}  {store}", tenant.id, tenant.name)).await;
    for process in processes {
        let word = match (house.desk.is_released(process), tenant.release_required) {
            (true, true) => out.text("freigegeben", "released"),
            (_, false) => out.text("zur Probe", "for trial"),
            (false, true) => out.text("nicht freigegeben", "not released"),
        };
        out.data(format!("  {:<40} {:<10} {word}", process.id.to_string(), process.version.to_string())).await;
    }
    Ok(code::DONE)
}
