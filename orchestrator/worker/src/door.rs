//! The two doors. Every effect passes here: permit → labels → (its intent is durable already) → act → outcome.

use std::{future::Future, pin::Pin, sync::Arc};

use laufzettel_doors::{Class, Failure, Reply, model::Endpoint, standin, tools::ToolServers};

use laufzettel_engine::{Call, Command, Disposition, Effect, Meta, Outcome, Run};
use laufzettel_policy::{Cleared, Decision, ModelCall, ToolCall, Who, clear_model, clear_tool};
use laufzettel_process::model::{FailureClass, Size};
use laufzettel_store::failpoint;

use crate::{
    files,
    tenant::{Nobody, Prepared, Tenant},
};

/// A future the doors give back.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send + 'a>>;

/// What stands behind the doors: the real adapters, or a script (cases, simulations).
pub trait Doors: Send + Sync {
    fn tool<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Answer<'a>;
    fn model<'a>(&'a self, endpoint: &'a str, call: &'a Cleared<ModelCall>) -> Answer<'a>;
    /// Models in the order of preference.
    fn endpoints(&self) -> Vec<EndpointFacts>;
    fn cost_micro_eur(&self, _endpoint: &str, _tokens: (u64, u64)) -> Option<u64> {
        None
    }
}

/// What routing needs to know of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointFacts {
    pub name: String,
    pub zone: String,
    pub size: Size,
    pub context: u64,
}

/// Tool servers and model endpoints as configured. Without any endpoint the built-in stand-in answers.
pub struct RealDoors {
    pub servers: ToolServers,
    pub endpoints: Vec<Arc<Endpoint>>,
    /// Pinned schemas by `server/tool`: an answer that does not fit its own definition is none.
    pub types: laufzettel_process::Tools,
    pub clock: Arc<dyn laufzettel_domain::Clock>,
    pub random: Arc<dyn crate::Random>,
}

impl RealDoors {
    fn fits(&self, tool: &str, reply: Reply) -> Result<Reply, Failure> {
        let schema = self.types.get(tool).and_then(|types| types.output.as_ref());
        match schema.and_then(|schema| schema.validate(&reply.value).into_iter().next()) {
            None => Ok(reply),
            Some(problem) => {
                let message = format!("{tool}: die Antwort passt nicht zu ihrer Definition, Feld „{}“: {}", problem.path, problem.message.de);
                Err(Failure::new(Class::InvalidOutput, Some(true), message))
            }
        }
    }
}

/// Seconds this node's right to act lasts. With SQLite the node is the process, and it renews by living.
const LEASE_S: i64 = 60;

impl Doors for RealDoors {
    fn tool<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Answer<'a> {
        Box::pin(async move {
            let name = &call.call().server;
            let Some(server) = self.servers.get(name) else {
                return Err(Failure::new(Class::Refused, Some(false), format!("Den Werkzeugserver „{name}“ gibt es nicht")));
            };
            let now = self.clock.now();
            let mut jti = [0; 16];
            self.random.fill(&mut jti);
            let reply = server.call(call, now, now + jiff::SignedDuration::from_secs(LEASE_S), jti).await?;
            self.fits(&format!("{name}/{}", call.call().tool), reply)
        })
    }

    fn model<'a>(&'a self, endpoint: &'a str, call: &'a Cleared<ModelCall>) -> Answer<'a> {
        Box::pin(async move {
            match self.endpoints.iter().find(|e| e.options.name == endpoint) {
                Some(endpoint) => endpoint.call(call).await,
                None => Ok(standin::answer(call)),
            }
        })
    }

    fn endpoints(&self) -> Vec<EndpointFacts> {
        if self.endpoints.is_empty() {
            // in the own house, of every size, and nothing is sent anywhere
            return vec![EndpointFacts { name: standin::NAME.to_owned(), zone: "gruen".to_owned(), size: Size::L, context: u64::MAX }];
        }
        let facts = |e: &Arc<Endpoint>| EndpointFacts {
            name: e.options.name.clone(),
            zone: e.options.zone.clone(),
            size: [Size::S, Size::M, Size::L][usize::from(e.options.size.min(2))],
            context: e.options.context,
        };
        self.endpoints.iter().map(facts).collect()
    }

    fn cost_micro_eur(&self, endpoint: &str, tokens: (u64, u64)) -> Option<u64> {
        self.endpoints.iter().find(|e| e.options.name == endpoint).map(|e| e.cost_micro_eur(tokens))
    }
}

/// Makes one effect and says what it means for the run.
pub(crate) async fn pass(tenant: &Tenant, prepared: &Prepared, run: &Run, effect: &Effect) -> Command {
    let began = tenant.clock.now();
    let outcome = match resolve(tenant, effect).await {
        Err(Nobody::Denied(decision)) => Err(Box::new(decision)),
        Err(Nobody::Unavailable) => Ok(Outcome::Failed {
            class: FailureClass::Unavailable,
            disposition: Disposition::DidNotHappen,
            message: "Das Verzeichnis ist nicht erreichbar.".to_owned(),
            meta: Meta::default(),
        }),
        Ok(who) => match &effect.run.intent.call {
            Call::Tool { .. } => tool(tenant, prepared, run, effect, who).await,
            Call::Model { .. } => model(tenant, prepared, run, effect, who).await,
        },
    };
    let (path, round, attempt) = (effect.key.path.clone(), effect.key.round, effect.attempt);
    match outcome {
        Err(decision) => Command::Refuse { path, round, decision: *decision },
        Ok(mut outcome) => {
            let took = tenant.clock.now().duration_since(began).as_millis();
            let (Outcome::Ok { meta, .. } | Outcome::Failed { meta, .. }) = &mut outcome;
            meta.duration_ms = u64::try_from(took).unwrap_or(0);
            Command::Settle { path, round, attempt, outcome }
        }
    }
}

/// The caller with the groups of this moment.
async fn resolve(tenant: &Tenant, effect: &Effect) -> Result<Who, Nobody> {
    if failpoint::hit("door.before_resolve") {
        return Err(Nobody::Unavailable);
    }
    tenant.who(&effect.run.intent.who).await
}

async fn tool(tenant: &Tenant, prepared: &Prepared, run: &Run, effect: &Effect, who: Who) -> Result<Outcome, Box<Decision>> {
    let intent = &effect.run.intent;
    let Call::Tool { server, tool, arguments } = &intent.call else { unreachable!("matched by the caller") };
    let Some(rule) = tenant.tools.get(&intent.target) else {
        return Err(Box::new(Decision::deny(
            "none",
            format!("Das Werkzeug „{}“ ist nicht freigegeben.", intent.target),
            format!("The tool \"{}\" is not declared.", intent.target),
        )));
    };
    let call = ToolCall {
        key: effect.key.clone(),
        attempt: effect.attempt,
        process: run.process.to_string(),
        zweck: prepared.process.zweck.clone(),
        server: server.clone(),
        tool: tool.clone(),
        arguments: arguments.clone(),
        labels: intent.labels.clone(),
        listed: intent.listed.clone(),
        contacts: laufzettel_engine::contacts(run),
        timeout_ms: intent.timeout_ms,
        who,
    };
    // asked before any byte of a file is read, and with the arguments exactly as they were intended
    let cleared = clear_tool(call.clone(), rule, &tenant.own_domains, &tenant.rules)?;
    let embedded = match files::embed(&tenant.store, arguments).await {
        Ok(embedded) => embedded,
        Err(error) => return Ok(failed(FailureClass::Refused, Disposition::DidNotHappen, error.to_string(), &cleared.decision)),
    };
    let cleared = clear_tool(ToolCall { arguments: embedded, ..call }, rule, &tenant.own_domains, &tenant.rules)?;
    if failpoint::hit("door.before_call") {
        return Ok(failed(FailureClass::Unavailable, Disposition::DidNotHappen, "failpoint".to_owned(), &cleared.decision));
    }
    let answer = tenant.doors.tool(&cleared).await;
    if failpoint::hit("door.after_call") {
        return Ok(failed(FailureClass::Unavailable, Disposition::Unknown, "failpoint".to_owned(), &cleared.decision));
    }
    let mut outcome = outcome(answer, &cleared.decision);
    if let Outcome::Ok { value, .. } = &mut outcome {
        match files::extract(&tenant.store, std::mem::take(value)).await {
            Ok(kept) => *value = kept,
            Err(error) => return Ok(failed(FailureClass::Unavailable, Disposition::Happened, error.to_string(), &cleared.decision)),
        }
    }
    Ok(outcome)
}

fn failed(class: FailureClass, disposition: Disposition, message: String, decision: &Decision) -> Outcome {
    Outcome::Failed { class, disposition, message, meta: Meta { decision: Some(decision.clone()), ..Meta::default() } }
}

async fn model(tenant: &Tenant, _: &Prepared, run: &Run, effect: &Effect, who: Who) -> Result<Outcome, Box<Decision>> {
    let intent = &effect.run.intent;
    let Call::Model { size, prompt, data, output, repairs } = &intent.call else { unreachable!("matched by the caller") };
    let call = ModelCall {
        key: effect.key.clone(),
        attempt: effect.attempt,
        process: run.process.to_string(),
        prompt: prompt.clone(),
        data: data.clone(),
        labels: intent.labels.clone(),
        output: output.clone(),
        repairs: repairs.clone(),
        timeout_ms: intent.timeout_ms,
        who,
    };
    let (facts, cleared) = route(tenant, *size, run.zone.as_deref(), &call)?;
    if laufzettel_doors::model::estimate_tokens(&call) > facts.context {
        let message = format!("Der Auftrag ist größer als das Kontextfenster von {} ({} Token).", facts.name, facts.context);
        return Ok(failed(FailureClass::Refused, Disposition::DidNotHappen, message, &cleared.decision));
    }
    if failpoint::hit("door.before_call") {
        return Ok(failed(FailureClass::Unavailable, Disposition::DidNotHappen, "failpoint".to_owned(), &cleared.decision));
    }
    let answer = tenant.doors.model(&facts.name, &cleared).await;
    let cost = answer.as_ref().ok().and_then(|r| r.tokens).and_then(|tokens| tenant.doors.cost_micro_eur(&facts.name, tokens));
    let mut outcome = outcome(answer, &cleared.decision);
    let (Outcome::Ok { meta, .. } | Outcome::Failed { meta, .. }) = &mut outcome;
    meta.zone = Some(facts.zone);
    meta.model = Some(facts.name);
    meta.cost_micro_eur = cost;
    Ok(outcome)
}

/// The first endpoint that is large enough, in the wished zone, and cleared for every part of the request. An outage
/// never sends a request to another zone: what is not cleared here is refused here.
fn route(tenant: &Tenant, size: Size, wish: Option<&str>, call: &ModelCall) -> Result<(EndpointFacts, Cleared<ModelCall>), Box<Decision>> {
    let mut refusal = None;
    for facts in tenant.doors.endpoints() {
        if facts.size < size || wish.is_some_and(|zone| zone != facts.zone) {
            continue;
        }
        let Some(zone) = tenant.zones.get(&facts.zone) else { continue };
        match clear_model(call.clone(), zone, &tenant.rules) {
            Ok(cleared) => return Ok((facts, cleared)),
            Err(decision) => {
                refusal.get_or_insert(decision);
            }
        }
    }
    Err(refusal.unwrap_or_else(|| Box::new(Decision::deny("models", "Kein Modell dieser Größe ist eingerichtet.", "No model of this size is configured."))))
}

fn outcome(answer: Result<Reply, Failure>, decision: &Decision) -> Outcome {
    let mut meta = Meta { decision: Some(decision.clone()), ..Meta::default() };
    match answer {
        Ok(reply) => {
            meta.bytes = reply.bytes;
            meta.tokens = reply.tokens;
            Outcome::Ok { value: reply.value, meta }
        }
        Err(failure) => {
            let class = match failure.class {
                Class::Timeout => FailureClass::Timeout,
                Class::Unavailable => FailureClass::Unavailable,
                Class::InvalidOutput => FailureClass::InvalidOutput,
                Class::Refused => FailureClass::Refused,
            };
            let disposition = match failure.happened {
                Some(false) => Disposition::DidNotHappen,
                Some(true) => Disposition::Happened,
                None => Disposition::Unknown,
            };
            Outcome::Failed { class, disposition, message: failure.message, meta }
        }
    }
}
