//! Passages that lie in cases this one has called. They are looked for only where a quotation stands nowhere in this one, and read only
//! under the right of whoever looks: what she may not see there is named, and nothing of it read. That she saw it is a record of that
//! case.

use std::collections::BTreeSet;

use laufzettel_domain::{Caller, Value};
use laufzettel_engine::Run;
use laufzettel_worker::WishError;
use serde_json::json;

use super::passages;
use crate::{
    pages::{Shown, citation::Beyond},
    reply::Asked,
    site::TenantSite,
};

/// Cases looked into at most: the attachments of an application.
const CASES_MAX: usize = 40;

/// Whether one of these quotations stands nowhere in the case.
pub fn is_lost<'s>(rows: impl IntoIterator<Item = &'s Shown>) -> bool {
    rows.into_iter().flat_map(|row| &row.lines).flat_map(|line| &line.citations).any(|citation| !citation.found)
}

/// What the cases have that a run has called.
pub async fn beyond(tenant: &TenantSite, by: &Caller, run: &Run) -> Result<Vec<Beyond>, WishError> {
    let mut found = Vec::new();
    for child in run.children.values().take(CASES_MAX) {
        let loaded = tenant.desk.visible(by, child.run).await?;
        found.push(Beyond { number: child.nummer.clone(), run: child.run.to_string(), passages: loaded.map_or(Value::Null, |loaded| passages(&loaded.run)) });
    }
    // what was not looked into may have it
    if let Some(more) = run.children.values().nth(CASES_MAX) {
        found.push(Beyond { number: more.nummer.clone(), run: more.run.to_string(), passages: Value::Null });
    }
    Ok(found)
}

/// Of which of these cases something is shown.
pub fn quoted<'s>(rows: impl IntoIterator<Item = &'s Shown>) -> BTreeSet<String> {
    let citations = rows.into_iter().flat_map(|row| &row.lines).flat_map(|line| &line.citations);
    citations.filter_map(|citation| citation.case.as_ref()).map(|case| case.run.clone()).collect()
}

/// That somebody saw something of them is written down there. `Err`: it could not be, and nothing is shown.
pub async fn record(tenant: &TenantSite, by: &Caller, asked: &Asked, cases: &BTreeSet<String>) -> Result<(), axum::response::Response> {
    for run in cases {
        tenant.desk.record("content.viewed", by, json!({ "run": run })).await.map_err(|error| asked.unwritten(&error))?;
    }
    Ok(())
}
