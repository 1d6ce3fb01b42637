//! Triggers from Fachverfahren: Standard Webhooks (HMAC-SHA256 over `id.timestamp.body`), deduplicated by `webhook-id`.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use laufzettel_domain::{Caller, RunId, Value, Via};
use laufzettel_process::{
    Process,
    model::{Respond, RunAs, TriggerKind},
};
use laufzettel_worker::{StartError, StartRequest};
use serde_json::json;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::{
    reply::{self, problem, problem_with},
    site::{Site, TenantSite},
};

/// Seconds a request may be old, or ahead (standardwebhooks.com).
const TOLERANCE_S: u64 = 300;
/// Seconds `respond: result` waits for the end of the run.
const RESULT_S_MAX: u64 = 10;

pub async fn receive(State(site): State<Arc<Site>>, Path((tenant, path)): Path<(String, String)>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(tenant) = site.tenants.get(&tenant) else { return problem(404, "Diesen Mandanten gibt es nicht.") };
    let Some(hook) = find(tenant, &path) else { return problem(404, "Diesen Eingang gibt es nicht.") };
    // checked before anything of the body is looked at
    let now = tenant.desk.tenant.clock.now().as_second();
    let secrets = tenant.secrets.get(&hook.secret).map(Vec::as_slice).unwrap_or_default();
    let id = match verify(&headers, &body, secrets, now) {
        Ok(id) => id,
        Err(why) => return problem(401, why),
    };
    let Ok(input) = serde_json::from_slice::<Value>(&body) else { return problem(400, "Der Inhalt ist kein JSON.") };
    start(tenant, &hook, &path, &id, input).await
}

struct Hook<'t> {
    process: &'t Process,
    secret: String,
    respond: Respond,
    run_as: RunAs,
}

fn find<'t>(tenant: &'t TenantSite, path: &str) -> Option<Hook<'t>> {
    tenant.desk.tenant.catalogue.processes.values().find_map(|process| {
        process.triggers.iter().find_map(|trigger| match &trigger.kind {
            TriggerKind::Webhook { path: p, secret, respond } if p == path => {
                Some(Hook { process, secret: secret.clone(), respond: *respond, run_as: trigger.run_as.clone() })
            }
            _ => None,
        })
    })
}

/// The message's id, if one of the secrets signed it and it is fresh. No secret: nothing is believed.
fn verify(headers: &HeaderMap, body: &[u8], secrets: &[Vec<u8>], now: i64) -> Result<String, &'static str> {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let (Some(id), Some(at), Some(signatures)) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature")) else {
        return Err("webhook-id, webhook-timestamp oder webhook-signature fehlt.");
    };
    let age = at.parse::<i64>().map(|at| now.abs_diff(at)).map_err(|_| "webhook-timestamp ist keine Zahl.")?;
    if age > TOLERANCE_S || id.is_empty() || id.len() > 256 {
        return Err("Die Nachricht ist zu alt, oder ihre Kennung ist ungültig.");
    }
    let given: Vec<Vec<u8>> = signatures.split(' ').filter_map(|s| STANDARD.decode(s.strip_prefix("v1,")?).ok()).collect();
    let fits = secrets.iter().any(|secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(body);
        let expected = mac.finalize().into_bytes();
        given.iter().any(|g| g.len() == expected.len() && bool::from(g.as_slice().ct_eq(&expected)))
    });
    if fits { Ok(id.to_owned()) } else { Err("Die Signatur stimmt nicht.") }
}

async fn start(tenant: &TenantSite, hook: &Hook<'_>, path: &str, id: &str, input: Value) -> Response {
    let RunAs::Service(account) = &hook.run_as else { return problem(500, "Der Auslöser hat kein Dienstkonto.") };
    let request = StartRequest {
        process: hook.process.id.to_string(),
        caller: Caller::service(account, Via::Webhook),
        run_as: Some(hook.run_as.clone()),
        input,
        zone: None,
        receipts: vec![format!("hook:{path}:{id}")],
        clock: None,
        facts: serde_json::Value::Null,
        status: false,
    };
    let run = match tenant.desk.start(request).await {
        Ok(started) => started.run,
        Err(StartError::Duplicate(run)) => run,
        Err(StartError::Invalid(problems)) => {
            let errors: Vec<Value> = problems.iter().map(|p| json!({ "pointer": format!("/{}", p.path.0.join("/")), "detail": p.message.de })).collect();
            return problem_with(422, "Die Daten passen nicht zum Prozess.", json!({ "errors": errors }));
        }
        Err(StartError::Denied(decision)) => return problem_with(403, "Nicht erlaubt.", json!({ "detail": decision.reason.de })),
        Err(StartError::Quota(exceeded)) => return reply::too_many(&exceeded),
        Err(StartError::UnknownProcess) => return problem(404, "Diesen Prozess gibt es nicht."),
        Err(StartError::Unavailable(_)) => return problem(503, "Gerade nicht möglich. Bitte später noch einmal."),
    };
    answer(tenant, run, hook.respond).await
}

async fn answer(tenant: &TenantSite, run: RunId, respond: Respond) -> Response {
    let until = std::time::Duration::from_secs(if respond == Respond::Result { RESULT_S_MAX } else { 0 });
    let mut waited = Duration::ZERO;
    loop {
        let row = match tenant.desk.tenant.store.run(run).await {
            Ok(Some(row)) => row,
            _ => return problem(503, "Gerade nicht möglich. Bitte später noch einmal."),
        };
        if respond == Respond::Result
            && row.ended_at.is_some()
            && let Ok(Some(loaded)) = tenant.desk.load(run).await
        {
            let body = json!({ "run": run.to_string(), "nummer": row.nummer, "state": row.state, "output": loaded.run.output,
                "content_erased_at": loaded.gone.map(|gone| gone.at) });
            return reply::json(StatusCode::OK, &body);
        }
        if waited >= until {
            let body = json!({ "run": run.to_string(), "nummer": row.nummer, "state": row.state });
            let mut response = reply::json(StatusCode::ACCEPTED, &body);
            if let Ok(value) = format!("/api/v1/runs/{run}").parse() {
                response.headers_mut().insert(header::LOCATION, value);
            }
            return response;
        }
        let pause = Duration::from_millis(20);
        tokio::time::sleep(pause).await;
        waited += pause;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(secret: &[u8], id: &str, at: i64, body: &[u8]) -> HeaderMap {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(body);
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", at.to_string().parse().unwrap());
        headers.insert("webhook-signature", format!("v1,AAAA v1,{}", STANDARD.encode(mac.finalize().into_bytes())).parse().unwrap());
        headers
    }

    #[test]
    fn signatures() {
        let (old, new) = (b"alt".to_vec(), b"neu".to_vec());
        let both = [old.clone(), new.clone()];
        assert_eq!(verify(&signed(b"neu", "m1", 1000, b"{}"), b"{}", &both, 1000), Ok("m1".to_owned()));
        assert_eq!(verify(&signed(b"alt", "m1", 1000, b"{}"), b"{}", &both, 1300), Ok("m1".to_owned()));
        for (headers, body, secrets, now) in [
            (signed(b"falsch", "m1", 1000, b"{}"), &b"{}"[..], &both[..], 1000),
            (signed(b"neu", "m1", 1000, b"{}"), b"{ }", &both, 1000),
            (signed(b"neu", "m1", 1000, b"{}"), b"{}", &both, 1301),
            (signed(b"neu", "m1", 1000, b"{}"), b"{}", &both, 699),
            (signed(b"neu", "m1", 1000, b"{}"), b"{}", &[], 1000),
            (HeaderMap::new(), b"{}", &both, 1000),
        ] {
            assert!(verify(&headers, body, secrets, now).is_err());
        }
    }
}
