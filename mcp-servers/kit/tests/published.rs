//! A key set that is fetched: late, large, elsewhere, and old.
#![expect(clippy::unwrap_used, reason = "helpers of tests; a failure is a failed test")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use laufzettel_mcp_kit::{
    Call, Failure, Keys, Served, Tools,
    describe::{Effect, tool},
    published::{Place, Published},
};
use laufzettel_mcp_testing::{Caller, NOW, Person, TENANT, jwks};
use rmcp::model::{ProtocolVersion, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

struct Here;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nichts {}

#[derive(Serialize, JsonSchema)]
struct Da {
    da: bool,
}

impl Tools for Here {
    const NAME: &'static str = "here";

    fn list(&self) -> Vec<Tool> {
        vec![tool::<Nichts, Da>("da", "Da", "Ist da", Effect::Read)]
    }

    async fn call(&self, _: Call) -> Result<Value, Failure> {
        Ok(json!(Da { da: true }))
    }
}

/// What the orchestrator answers next, and how often it was asked.
#[derive(Default)]
struct Orchestrator {
    answer: Mutex<(u16, String)>,
    asked: AtomicUsize,
}

async fn answer(State(orchestrator): State<Arc<Orchestrator>>) -> impl IntoResponse {
    orchestrator.asked.fetch_add(1, Ordering::Relaxed);
    let (status, body) = orchestrator.answer.lock().unwrap().clone();
    (StatusCode::from_u16(status).unwrap(), [("location", "/andere")], body)
}

async fn orchestrator() -> (String, Arc<Orchestrator>) {
    let orchestrator = Arc::new(Orchestrator::default());
    let router = Router::new().route("/jwks", get(answer)).route("/andere", get(|| async { jwks() })).with_state(orchestrator.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, orchestrator)
}

static CLOCK: AtomicI64 = AtomicI64::new(NOW);

#[tokio::test]
async fn a_key_set_is_asked_for_when_it_is_needed_and_never_guessed() {
    let (url, orchestrator) = orchestrator().await;
    let place = Place { url, ca: None, audience: "here".to_owned(), tenant: TENANT.to_owned(), pause: 0 };
    let keys = Keys::Published(Box::new(Published::new(place).unwrap()));
    let caller = Caller::connect(Served::with_clock(Here, keys, || CLOCK.load(Ordering::Relaxed)), "here", ProtocolVersion::V_2026_07_28).await;
    let weber = Person { subject: "S-1-5-21-1", groups: &[], zweck: None };
    let elsewhere = jwks().replace("test-1", "ein-anderer");
    // nobody says no before the key set is there: the call may come again
    for (what, status, body) in [
        ("down", 503, jwks()),
        ("led elsewhere", 302, String::new()),
        ("no key set", 200, "nichts".to_owned()),
        ("too large", 200, format!("{}{}", jwks(), " ".repeat(70_000))),
        ("another's key", 200, elsewhere.clone()),
    ] {
        *orchestrator.answer.lock().unwrap() = (status, body);
        let refused = caller.call(&weber, "da", &json!({})).await.unwrap_err();
        assert_eq!((refused["art"].clone(), refused["geschehen"].clone()), (json!("unavailable"), json!(false)), "{what}: {refused}");
    }
    assert_eq!(orchestrator.asked.load(Ordering::Relaxed), 5, "once a call");
    *orchestrator.answer.lock().unwrap() = (200, jwks());
    for _ in 0..3 {
        assert_eq!(caller.call(&weber, "da", &json!({})).await, Ok(json!({ "da": true })));
    }
    assert_eq!(orchestrator.asked.load(Ordering::Relaxed), 6, "what is known is not asked for");
    // known keys live ten minutes; then they are asked for, and an old token is old
    CLOCK.store(NOW + 599, Ordering::Relaxed);
    assert_eq!(caller.call(&weber, "da", &json!({})).await.unwrap_err()["art"], json!("delegation"));
    assert_eq!(orchestrator.asked.load(Ordering::Relaxed), 6);
    CLOCK.store(NOW + 600, Ordering::Relaxed);
    assert_eq!(caller.call(&weber, "da", &json!({})).await.unwrap_err()["art"], json!("delegation"));
    assert_eq!(orchestrator.asked.load(Ordering::Relaxed), 7);
    // one that was taken back dies with the next question
    *orchestrator.answer.lock().unwrap() = (200, elsewhere);
    CLOCK.store(NOW + 1_200, Ordering::Relaxed);
    assert_eq!(caller.call(&weber, "da", &json!({})).await.unwrap_err()["art"], json!("unavailable"));
    caller.leave().await;
}
