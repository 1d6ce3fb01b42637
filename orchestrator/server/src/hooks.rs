//! Triggers from Fachverfahren: a Standard Webhooks signature (HMAC-SHA256 over `id.timestamp.body`) or a key lets them in, plain
//! JSON or a CloudEvent is what they bring, and the same message twice is one run: by `webhook-id`, `Idempotency-Key`, or source
//! and id of the CloudEvent.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{Extensions, HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use laufzettel_domain::{Caller, RunId, Value, Via};
use laufzettel_process::{
    Process,
    model::{HookAuth, Respond, RunAs, TriggerKind},
};
use laufzettel_store::failpoint;
use laufzettel_worker::{StartError, StartRequest};
use serde_json::json;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::{
    api::{idempotency_key, shapes::Received},
    cloudevent, key,
    problem::{Problem, invalid, later, no_json, no_process, problem, refused, too_many},
    reply,
    site::{Site, TenantSite},
    upload::brought,
};

/// Seconds a request may be old, or ahead (standardwebhooks.com).
const TOLERANCE_S: u64 = 300;
/// Seconds `respond: result` waits for the end of the run.
const RESULT_S_MAX: u64 = 10;

pub async fn receive(
    State(site): State<Arc<Site>>,
    Path((name, path)): Path<(String, String)>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(tenant) = site.tenants.get(&name) else { return problem(404, "Diesen Mandanten gibt es nicht.", "There is no such tenant.") };
    let Some(hook) = find(tenant, &path) else { return problem(404, "Diesen Eingang gibt es nicht.", "There is no such way in.") };
    // checked before anything of the body is looked at
    let sender = match &hook.auth {
        HookAuth::Signature { secret } => signed(tenant, secret, &headers, &body).map_err(Response::from),
        HookAuth::Key => shown(&site, (&name, tenant), &hook, &extensions, &headers).await,
    };
    let mut sender = match sender {
        Ok(sender) => sender,
        Err(refused) => return refused,
    };
    let input = match cloudevent::read(&headers, &body) {
        Some(Ok(event)) => {
            sender.ids.push(event.mark());
            event.data
        }
        Some(Err(told)) => return told.into_response(),
        None => match serde_json::from_slice::<Value>(&body) {
            Ok(input) => input,
            Err(error) => return no_json().with("reader", error.to_string().into()).into(),
        },
    };
    start(tenant, &hook, &path, sender, input).await
}

/// Who sent a message.
struct Sender {
    /// How the journal names the service account that acts; `None`: by its own name.
    name: Option<String>,
    /// Before the ids: one sender's are nobody else's.
    of: String,
    /// Under which the same message is recognised when it comes again.
    ids: Vec<String>,
}

fn signed(tenant: &TenantSite, secret: &str, headers: &HeaderMap, body: &[u8]) -> Result<Sender, Problem> {
    let now = tenant.desk.tenant.clock.now().as_second();
    let secrets = tenant.secrets.get(secret).map(Vec::as_slice).unwrap_or_default();
    let id = verify(headers, body, secrets, now).map_err(|(de, en)| Problem::new(401, de, en))?;
    Ok(Sender { name: None, of: String::new(), ids: vec![id] })
}

/// A key for the process opens the way in. What it starts acts as the trigger's account, and the journal says with which key.
async fn shown(site: &Site, (name, tenant): (&str, &TenantSite), hook: &Hook<'_>, extensions: &Extensions, headers: &HeaderMap) -> Result<Sender, Response> {
    let session = match key::session(site, extensions, headers).await {
        Some(session) => session.ok().filter(|session| session.tenant == name).ok_or_else(key::unknown),
        None => Err(problem(401, "Bitte einen Schlüssel zeigen (Authorization: Bearer).", "Please show a key (Authorization: Bearer).")),
    }?;
    let process = hook.process.id.as_str();
    if !session.covers(process) {
        return Err(key::outside(tenant, &session, Some(("start.denied", json!({ "process": process })))).await);
    }
    let webhook_id = headers.get("webhook-id").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let ids = idempotency_key(headers)?.into_iter().chain(webhook_id).collect();
    Ok(Sender { of: format!("{}:", session.caller.subject), name: Some(session.caller.name), ids })
}

struct Hook<'t> {
    process: &'t Process,
    auth: HookAuth,
    respond: Respond,
    run_as: RunAs,
}

fn find<'t>(tenant: &'t TenantSite, path: &str) -> Option<Hook<'t>> {
    tenant.desk.tenant.catalogue.processes.values().find_map(|process| {
        process.triggers.iter().find_map(|trigger| match &trigger.kind {
            TriggerKind::Webhook { path: p, auth, respond } if p == path => {
                Some(Hook { process, auth: auth.clone(), respond: *respond, run_as: trigger.run_as.clone() })
            }
            _ => None,
        })
    })
}

/// The message's id, if one of the secrets signed it and it is fresh. No secret: nothing is believed.
fn verify(headers: &HeaderMap, body: &[u8], secrets: &[Vec<u8>], now: i64) -> Result<String, (&'static str, &'static str)> {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let (Some(id), Some(at), Some(signatures)) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature")) else {
        return Err(("webhook-id, webhook-timestamp oder webhook-signature fehlt.", "webhook-id, webhook-timestamp or webhook-signature is missing."));
    };
    let age = at.parse::<i64>().map(|at| now.abs_diff(at)).map_err(|_| ("webhook-timestamp ist keine Zahl.", "webhook-timestamp is no number."))?;
    if age > TOLERANCE_S || id.is_empty() || id.len() > 256 {
        return Err(("Die Nachricht ist zu alt, oder ihre Kennung ist ungültig.", "The message is too old, or its id is not valid."));
    }
    let given: Vec<Vec<u8>> = signatures.split(' ').filter_map(|s| STANDARD.decode(s.strip_prefix("v1,")?).ok()).collect();
    let fits = secrets.iter().any(|secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(body);
        let expected = mac.finalize().into_bytes();
        given.iter().any(|g| g.len() == expected.len() && bool::from(g.as_slice().ct_eq(&expected)))
    });
    if fits { Ok(id.to_owned()) } else { Err(("Die Signatur stimmt nicht.", "The signature does not fit.")) }
}

async fn start(tenant: &TenantSite, hook: &Hook<'_>, path: &str, sender: Sender, input: Value) -> Response {
    let input = match brought(tenant, input).await {
        Ok(input) => input,
        Err(refused) => return refused,
    };
    let RunAs::Service(account) = &hook.run_as else { return problem(500, "Der Auslöser hat kein Dienstkonto.", "The trigger has no service account.") };
    let caller = Caller::service(account, Via::Webhook);
    let request = StartRequest {
        process: hook.process.id.to_string(),
        caller: Caller { name: sender.name.unwrap_or_else(|| caller.name.clone()), ..caller },
        run_as: Some(hook.run_as.clone()),
        input,
        zone: None,
        receipts: sender.ids.iter().map(|id| format!("hook:{path}:{}{id}", sender.of)).collect(),
        clock: None,
        facts: serde_json::Value::Null,
        status: false,
    };
    if failpoint::hit("hook.before_start") {
        return later();
    }
    let started = tenant.desk.start(request).await;
    if failpoint::hit("hook.after_start") {
        return later();
    }
    let run = match started {
        Ok(started) => started.run,
        Err(StartError::Duplicate(run)) => run,
        Err(StartError::Invalid(problems)) => return invalid(&problems),
        Err(StartError::Denied(decision)) => return refused(&decision).into_response(),
        Err(StartError::Quota(exceeded)) => return too_many(&exceeded),
        Err(StartError::UnknownProcess) => return no_process(),
        Err(StartError::Unavailable(_)) => return later(),
    };
    answer(tenant, run, hook.respond).await
}

async fn answer(tenant: &TenantSite, run: RunId, respond: Respond) -> Response {
    let until = std::time::Duration::from_secs(if respond == Respond::Result { RESULT_S_MAX } else { 0 });
    let mut waited = Duration::ZERO;
    loop {
        let row = match tenant.desk.tenant.store.run(run).await {
            Ok(Some(row)) => row,
            _ => return later(),
        };
        if respond == Respond::Result
            && row.ended_at.is_some()
            && let Ok(Some(loaded)) = tenant.desk.load(run).await
        {
            let body = Received {
                run: run.to_string(),
                nummer: row.nummer,
                state: row.state,
                output: Some(loaded.run.output),
                content_erased_at: loaded.gone.map(|gone| gone.at),
            };
            return reply::json(StatusCode::OK, &json!(body));
        }
        if waited >= until {
            let body = Received { run: run.to_string(), nummer: row.nummer, state: row.state, output: None, content_erased_at: None };
            let mut response = reply::json(StatusCode::ACCEPTED, &json!(body));
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
