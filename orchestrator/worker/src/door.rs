//! The two doors. Every effect passes here: permit → labels → (its intent is durable already) → act → outcome.

use std::{future::Future, pin::Pin, sync::Arc};

use laufzettel_doors::{
    Class, Failure, Reply, Settled,
    model::Endpoint,
    standin,
    tools::{Busy, Standing, ToolServer, ToolServers},
};

use laufzettel_domain::{EffectKey, Text, names::SETTLE};
pub use laufzettel_engine::EndpointFacts;
use laufzettel_engine::{Call, Command, Disposition, Effect, Handed, Meta, Outcome, Run};
use laufzettel_policy::{AddressClass, Cleared, Decision, Effect as ToolEffect, ModelCall, ToolCall, ToolRule, Who, address_class, clear_model, clear_tool};
use laufzettel_process::model::FailureClass;
use laufzettel_store::failpoint;

use crate::{
    desk::Desk,
    files,
    operation::{Load, ServerFacts, ServerState},
    route,
    tenant::{Nobody, Prepared, Tenant},
};

/// A future the doors give back.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send + 'a>>;

/// What a server says of a call it was asked about.
pub type Word<'a> = Pin<Box<dyn Future<Output = Result<Settled, Failure>> + Send + 'a>>;

/// What stands behind the doors: the real adapters, or a script (cases, simulations).
pub trait Doors: Send + Sync {
    fn tool<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Answer<'a>;
    fn model<'a>(&'a self, endpoint: &'a str, call: &'a Cleared<ModelCall>) -> Answer<'a>;

    /// Asks the call's server what became of it. Without a server that settles there is nobody to ask.
    fn settle<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Word<'a> {
        let message = format!("{} sagt nicht, was aus einem Aufruf geworden ist", call.call().server);
        Box::pin(async move { Err(Failure::new(Class::Refused, None, message)) })
    }

    /// Models in the order of preference.
    fn endpoints(&self) -> Vec<EndpointFacts>;
    fn cost_micro_eur(&self, _endpoint: &str, _tokens: (u64, u64)) -> Option<u64> {
        None
    }

    /// What a step's child brings, where a case says so instead of running it.
    fn child(&self, _step: &str) -> Option<laufzettel_domain::Value> {
        None
    }

    /// How busy a model is; `None`: nobody counts.
    fn load(&self, _endpoint: &str) -> Option<Load> {
        None
    }

    /// The tool servers, as they are now. Nobody is connected to for it.
    fn servers(&self) -> Vec<ServerFacts> {
        Vec::new()
    }
    /// Told before each call of a list: how many items the list has. A case answers in their order.
    fn of_list(&self, _key: &EffectKey, _items: usize) {}

    /// Effects of one run at once.
    fn at_once(&self) -> usize {
        EFFECTS_MAX
    }
}

/// As many as one list has under way where its author says nothing: more would wait for the same server.
const EFFECTS_MAX: usize = 16;

/// Tool servers and model endpoints as configured. Without any endpoint the built-in stand-in answers.
pub struct RealDoors {
    pub servers: ToolServers,
    pub endpoints: Vec<Arc<Endpoint>>,
    /// What routing knows of them, or of the stand-in.
    pub facts: Vec<EndpointFacts>,
    /// Pinned schemas by `server/tool`.
    pub types: laufzettel_process::Tools,
    pub clock: Arc<dyn laufzettel_domain::Clock>,
    pub random: Arc<dyn crate::Random>,
}

/// An answer that does not fit the approved definition of its tool is none. `types`: pinned schemas by `server/tool`.
pub fn fits(types: &laufzettel_process::Tools, tool: &str, reply: Reply) -> Result<Reply, Failure> {
    let schema = types.get(tool).and_then(|types| types.output.as_ref());
    match schema.and_then(|schema| schema.validate(&reply.value).into_iter().next()) {
        None => Ok(reply),
        Some(problem) => {
            let message = format!("{tool}: die Antwort passt nicht zu ihrer Definition, Feld „{}“: {}", problem.path, problem.message.de);
            Err(Failure::new(Class::InvalidOutput, Some(true), message))
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
            let mut jti = [0; 16];
            self.random.fill(&mut jti);
            let reply = server.call(call, &*self.clock, LEASE_S, jti).await?;
            fits(&self.types, &format!("{name}/{}", call.call().tool), reply)
        })
    }

    fn settle<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Word<'a> {
        Box::pin(async move {
            let name = &call.call().server;
            let Some(server) = self.servers.get(name) else {
                return Err(Failure::new(Class::Refused, None, format!("Den Werkzeugserver „{name}“ gibt es nicht")));
            };
            let mut jti = [0; 16];
            self.random.fill(&mut jti);
            match server.settle(call, &*self.clock, LEASE_S, jti).await? {
                // an answer like any other: held against the approved definition of the tool that was called
                Settled::Happened(reply) => fits(&self.types, &format!("{name}/{}", call.call().tool), reply).map(Settled::Happened),
                Settled::DidNotHappen => Ok(Settled::DidNotHappen),
            }
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
        self.facts.clone()
    }

    fn load(&self, endpoint: &str) -> Option<Load> {
        let endpoint = self.endpoints.iter().find(|e| e.options.name == endpoint)?;
        let (busy, most, waiting) = endpoint.load();
        let failing = endpoint.failing().map(|(why, since)| (why.word(), i64::try_from(since.as_secs()).unwrap_or(i64::MAX)));
        Some(Load { busy, most, waiting, failing })
    }

    fn servers(&self) -> Vec<ServerFacts> {
        let state = |server: &ToolServer| match server.standing() {
            Err(Busy) => ServerState::Connecting,
            Ok(Standing::Idle) => ServerState::Idle,
            Ok(Standing::Gone) => ServerState::Gone,
            Ok(Standing::Failed(why)) => ServerState::Failed { why },
            Ok(Standing::Connected(found)) => {
                ServerState::Connected { drift: server.drift_of(&found).into_iter().map(|drift| format!("{}: {}", drift.tool, drift.what)).collect() }
            }
        };
        let facts = self.servers.values().map(|server| ServerFacts {
            name: server.name().to_owned(),
            pinned: server.pins().map(|pins| pins.tools.len()),
            state: state(server),
        });
        facts.collect()
    }

    fn cost_micro_eur(&self, endpoint: &str, tokens: (u64, u64)) -> Option<u64> {
        self.endpoints.iter().find(|e| e.options.name == endpoint).map(|e| e.cost_micro_eur(tokens))
    }
}

/// What came of an effect at its door.
enum Passed {
    Outcome(Box<Outcome>),
    /// Nothing came of it: what it needs is not there. `until`: when it will be, if that is known. `sent`: who has read the
    /// request all the same.
    Later {
        reason: Text,
        until: Option<jiff::Timestamp>,
        sent: Vec<Handed>,
    },
}

/// Makes one effect and says what it means for the run.
pub(crate) async fn pass(desk: &Desk, prepared: &Prepared, run: &Run, effect: &Effect) -> Command {
    let tenant = &desk.tenant;
    let began = tenant.clock.now();
    if let Some(items) = run.lists.get(&effect.key.path.step) {
        tenant.doors.of_list(&effect.key, items.len());
    }
    let passed = match resolve(tenant, effect).await {
        Err(Nobody::Denied(decision)) => Err(Box::new(decision)),
        Err(Nobody::Unavailable) => {
            let reason = Text::new("Das Verzeichnis ist nicht erreichbar.", "The directory cannot be reached.");
            Ok(Passed::Later { reason, until: None, sent: Vec::new() })
        }
        Ok(who) => match &effect.run.intent.call {
            Call::Tool { .. } => tool(tenant, prepared, run, effect, who).await.map(|outcome| Passed::Outcome(Box::new(outcome))),
            Call::Model { .. } | Call::Turn { .. } => model(desk, run, effect, who).await,
        },
    };
    let (path, round, attempt) = (effect.key.path.clone(), effect.key.round, effect.attempt);
    match passed {
        Err(decision) => Command::Refuse { path, round, decision: *decision },
        Ok(Passed::Later { reason, until, sent }) => Command::Defer { path, round, attempt, reason, until, sent },
        Ok(Passed::Outcome(mut outcome)) => {
            let took = tenant.clock.now().duration_since(began).as_millis();
            let (Outcome::Ok { meta, .. } | Outcome::Failed { meta, .. }) = &mut *outcome;
            meta.duration_ms = u64::try_from(took).unwrap_or(0);
            meta.target = Some(effect.run.intent.target.clone());
            Command::Settle { path, round, attempt, outcome: *outcome }
        }
    }
}

/// Asks the effect's server what became of its call. The rights and the clearance are the call's, asked again now; without them nothing
/// is said, and a person must look.
pub(crate) async fn ask(desk: &Desk, prepared: &Prepared, run: &Run, effect: &Effect) -> Command {
    let tenant = &desk.tenant;
    let began = tenant.clock.now();
    let mut outcome = match resolve(tenant, effect).await {
        Err(Nobody::Unavailable) => silent(FailureClass::Unavailable, "Das Verzeichnis ist nicht erreichbar.".to_owned(), None),
        Err(Nobody::Denied(decision)) => denied(decision),
        Ok(who) => settle(tenant, prepared, run, effect, who).await.unwrap_or_else(|decision| denied(*decision)),
    };
    let took = tenant.clock.now().duration_since(began).as_millis();
    let (Outcome::Ok { meta, .. } | Outcome::Failed { meta, .. }) = &mut outcome;
    meta.duration_ms = u64::try_from(took).unwrap_or(0);
    Command::Testify { path: effect.key.path.clone(), round: effect.key.round, attempt: effect.attempt, outcome }
}

/// Nothing is known that was not before.
fn silent(class: FailureClass, message: String, decision: Option<Decision>) -> Outcome {
    Outcome::Failed { class, disposition: Disposition::Unknown, message, meta: Meta { decision, ..Meta::default() } }
}

fn denied(decision: Decision) -> Outcome {
    silent(FailureClass::Refused, decision.reason.de.clone(), Some(decision))
}

async fn settle(tenant: &Tenant, prepared: &Prepared, run: &Run, effect: &Effect, who: Who) -> Result<Outcome, Box<Decision>> {
    let (rule, call) = intended(tenant, prepared, run, effect, who)?;
    let cleared = clear_tool(call, rule, &tenant.own_domains, &tenant.rules)?;
    if failpoint::hit("door.before_ask") {
        return Ok(silent(FailureClass::Unavailable, "failpoint".to_owned(), None));
    }
    let (decision, name) = (&cleared.decision, format!("{}/{SETTLE}", cleared.call().server));
    let said = tenant.doors.settle(&cleared).await;
    if failpoint::hit("door.after_ask") {
        return Ok(silent(FailureClass::Unavailable, "failpoint".to_owned(), None));
    }
    let reached = !said.as_ref().is_err_and(|failure| !failure.reached);
    let said = match said {
        Ok(Settled::Happened(reply)) => Ok(reply),
        Ok(Settled::DidNotHappen) => Err(Failure::new(Class::Unavailable, Some(false), "Der Server sagt: nicht geschehen, und geschieht nicht mehr.")),
        Err(failure) => Err(failure),
    };
    let mut outcome = outcome(said, decision);
    let (Outcome::Ok { meta, .. } | Outcome::Failed { meta, .. }) = &mut outcome;
    // the key, and nothing of the case
    meta.sent = Some(if reached { cleared.call().key.to_string().len() as u64 } else { 0 });
    meta.target = Some(name);
    if let Outcome::Ok { value, .. } = &mut outcome {
        match files::extract(tenant, std::mem::take(value)).await {
            Ok(kept) => *value = kept,
            // asked again, the server says it again
            Err(error) => return Ok(silent(FailureClass::Unavailable, error.to_string(), Some(decision.clone()))),
        }
    }
    Ok(outcome)
}

/// The caller with the groups of this moment.
async fn resolve(tenant: &Tenant, effect: &Effect) -> Result<Who, Nobody> {
    if failpoint::hit("door.before_resolve") {
        return Err(Nobody::Unavailable);
    }
    tenant.who(&effect.run.intent.who).await
}

/// What the tenant declares of a tool.
pub(crate) fn declared<'t>(tenant: &'t Tenant, name: &str) -> Result<&'t ToolRule, Box<Decision>> {
    tenant.tools.get(name).ok_or_else(|| {
        let (de, en) = (format!("Das Werkzeug „{name}“ ist nicht freigegeben."), format!("The tool \"{name}\" is not declared."));
        Box::new(Decision::deny("none", de, en))
    })
}

/// The declared rule of a call's tool, and the call as it was intended.
fn intended<'t>(tenant: &'t Tenant, prepared: &Prepared, run: &Run, effect: &Effect, who: Who) -> Result<(&'t ToolRule, ToolCall), Box<Decision>> {
    let intent = &effect.run.intent;
    let Call::Tool { server, tool, arguments } = &intent.call else { unreachable!("matched by the caller") };
    let rule = declared(tenant, &intent.target)?;
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
        declared: run.contacts.clone(),
        receipt: intent.receipt,
        timeout_ms: intent.timeout_ms,
        who,
    };
    Ok((rule, call))
}

async fn tool(tenant: &Tenant, prepared: &Prepared, run: &Run, effect: &Effect, who: Who) -> Result<Outcome, Box<Decision>> {
    let (rule, call) = intended(tenant, prepared, run, effect, who)?;
    let mut outcome = through(tenant, rule, call).await?;
    if let Outcome::Ok { value, meta } = &mut outcome {
        match files::extract(tenant, std::mem::take(value)).await {
            Ok(kept) => *value = kept,
            Err(error) => {
                let (class, disposition, meta) = (FailureClass::Unavailable, Disposition::Happened, std::mem::take(meta));
                return Ok(Outcome::Failed { class, disposition, message: error.to_string(), meta });
            }
        }
    }
    Ok(outcome)
}

/// One call through the door, whoever makes it: a step, or a trigger before there is a run. Files in what it brings are as they came:
/// whoever takes something of it keeps them.
pub(crate) async fn through(tenant: &Tenant, rule: &ToolRule, call: ToolCall) -> Result<Outcome, Box<Decision>> {
    // asked before any byte of a file is read, and with the arguments exactly as they were intended
    let cleared = clear_tool(call.clone(), rule, &tenant.own_domains, &tenant.rules)?;
    if failpoint::hit("door.before_embed") {
        return Ok(failed(FailureClass::Unavailable, Disposition::DidNotHappen, "failpoint".to_owned(), &cleared.decision));
    }
    let embedded = match files::embed(&tenant.store, &call.arguments).await {
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
    // who was not reached was handed nothing
    let reached = !answer.as_ref().is_err_and(|failure| !failure.reached);
    let mut outcome = outcome(answer, &cleared.decision);
    let (Outcome::Ok { meta, .. } | Outcome::Failed { meta, .. }) = &mut outcome;
    meta.sent = reached.then(|| cleared.call().arguments.to_string().len() as u64);
    meta.recipient = recipient(tenant, rule, cleared.call());
    Ok(outcome)
}

/// Whose address a sending tool was given.
fn recipient(tenant: &Tenant, rule: &ToolRule, call: &ToolCall) -> Option<String> {
    let argument = rule.recipient.as_ref().filter(|_| rule.effect == ToolEffect::Send)?;
    let address = call.arguments.get(argument).unwrap_or(&laufzettel_domain::Value::Null);
    let word = match address_class(address, &tenant.own_domains, call.known_contacts(rule)) {
        AddressClass::Haus => "haus",
        AddressClass::Beteiligte => "beteiligte",
        AddressClass::Andere => "andere",
    };
    Some(word.to_owned())
}

fn failed(class: FailureClass, disposition: Disposition, message: String, decision: &Decision) -> Outcome {
    Outcome::Failed { class, disposition, message, meta: Meta { decision: Some(decision.clone()), ..Meta::default() } }
}

async fn model(desk: &Desk, run: &Run, effect: &Effect, who: Who) -> Result<Passed, Box<Decision>> {
    let tenant = &desk.tenant;
    let intent = &effect.run.intent;
    let Some(laufzettel_engine::Request { size, prompt, data, output, repairs, dialogue }) = laufzettel_engine::request(run, &effect.key.path) else {
        return Ok(Passed::Outcome(Box::new(Outcome::Failed {
            class: FailureClass::Refused,
            disposition: Disposition::DidNotHappen,
            message: "Der Anfang dieses Gesprächs fehlt.".to_owned(),
            meta: Meta::default(),
        })));
    };
    let call = ModelCall {
        key: effect.key.clone(),
        attempt: effect.attempt,
        process: run.process.to_string(),
        prompt,
        data,
        labels: intent.labels.clone(),
        output,
        repairs,
        dialogue,
        timeout_ms: intent.timeout_ms,
        who,
    };
    let zone = route::zone(tenant, size, run.zone.as_deref()).ok_or_else(|| Box::new(no_model(run.zone.as_deref())))?;
    let cleared = clear_model(call, zone, &tenant.own_domains, &tenant.rules)?;
    let needed = cleared.call().estimate_tokens();
    let endpoints = route::endpoints(tenant, size, &zone.name);
    if !endpoints.iter().any(|e| needed <= e.context) {
        let largest = endpoints.iter().map(|e| e.context).max().unwrap_or_default();
        let message = format!("Der Auftrag braucht etwa {needed} Token, das größte Modell der Zone {} nimmt {largest}.", zone.name);
        return Ok(Passed::Outcome(Box::new(failed(FailureClass::Refused, Disposition::DidNotHappen, message, &cleared.decision))));
    }
    match desk.tokens_spent(run.process.as_str()).await {
        Ok(None) => {}
        Ok(Some((reason, until))) => return Ok(Passed::Later { reason, until: Some(until), sent: Vec::new() }),
        // what cannot be counted is not spent
        Err(_) => {
            let reason = Text::new("Das Kontingent lässt sich gerade nicht zählen.", "The quota cannot be counted now.");
            return Ok(Passed::Later { reason, until: None, sent: Vec::new() });
        }
    }
    if failpoint::hit("door.before_model") {
        return Ok(Passed::Outcome(Box::new(failed(FailureClass::Unavailable, Disposition::DidNotHappen, "failpoint".to_owned(), &cleared.decision))));
    }
    let (mut gone, mut sent, mut all_busy) = (Vec::new(), Vec::new(), true);
    for endpoint in endpoints.into_iter().filter(|e| needed <= e.context) {
        let answer = tenant.doors.model(&endpoint.name, &cleared).await;
        if failpoint::hit("door.after_model") {
            return Ok(Passed::Outcome(Box::new(failed(FailureClass::Unavailable, Disposition::Unknown, "failpoint".to_owned(), &cleared.decision))));
        }
        if let Err(Failure { class: Class::Unavailable, happened: Some(false), reached, busy, .. }) = answer {
            all_busy &= busy;
            if reached {
                sent.push(Handed { model: endpoint.name.clone(), zone: endpoint.zone, bytes: cleared.call().bytes() });
            }
            gone.push(endpoint.name);
            continue;
        }
        let mut outcome = without_absent(tenant, answered(tenant, endpoint, answer, &cleared, needed)).await;
        let (Outcome::Ok { meta, .. } | Outcome::Failed { meta, .. }) = &mut outcome;
        meta.tried = sent;
        return Ok(Passed::Outcome(Box::new(outcome)));
    }
    Ok(Passed::Later { reason: no_answer(&zone.name, &gone.join(", "), all_busy), until: None, sent })
}

fn no_answer(zone: &str, gone: &str, busy: bool) -> Text {
    if busy {
        return Text::new(format!("In der Zone {zone} ist jedes Modell ausgelastet ({gone})."), format!("Every model of the zone {zone} is busy ({gone})."));
    }
    Text::new(format!("In der Zone {zone} antwortet kein Modell ({gone})."), format!("No model of the zone {zone} answers ({gone})."))
}

/// A model has no files of its own: it names those it was shown.
async fn without_absent(tenant: &Tenant, outcome: Outcome) -> Outcome {
    let Outcome::Ok { value, meta } = outcome else { return outcome };
    let (class, message) = match files::absent(&tenant.store, &value).await {
        Ok(None) => return Outcome::Ok { value, meta },
        Ok(Some(file)) => (FailureClass::InvalidOutput, format!("Die Antwort nennt eine Datei, die es nicht gibt („{}“)", file.name)),
        Err(_) => (FailureClass::Unavailable, "Der Speicher antwortet nicht".to_owned()),
    };
    Outcome::Failed { class, disposition: Disposition::Happened, message, meta }
}

fn no_model(wish: Option<&str>) -> Decision {
    match wish {
        None => Decision::deny("models", "Kein Modell dieser Größe ist eingerichtet.", "No model of this size is configured."),
        Some(zone) => Decision::deny(
            "models",
            format!("In der gewählten Zone {zone} ist kein Modell dieser Größe eingerichtet."),
            format!("No model of this size is configured in the chosen zone {zone}."),
        ),
    }
}

fn answered(tenant: &Tenant, endpoint: EndpointFacts, answer: Result<Reply, Failure>, cleared: &Cleared<ModelCall>, estimate: u64) -> Outcome {
    let tokens = answer.as_ref().ok().and_then(|reply| reply.tokens);
    let cost = tokens.and_then(|tokens| tenant.doors.cost_micro_eur(&endpoint.name, tokens));
    let answer_bytes = answer.as_ref().map_or(0, |reply| reply.bytes);
    let reached = !answer.as_ref().is_err_and(|failure| !failure.reached);
    let mut outcome = outcome(answer, &cleared.decision);
    let (Outcome::Ok { meta, .. } | Outcome::Failed { meta, .. }) = &mut outcome;
    meta.zone = Some(endpoint.zone);
    meta.model = Some(endpoint.name);
    meta.cost_micro_eur = cost;
    meta.sent = reached.then(|| cleared.call().bytes());
    // three characters a token, as for the request
    meta.estimate = tokens.is_none().then(|| estimate + answer_bytes / 3);
    outcome
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
