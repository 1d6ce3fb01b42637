//! How a run begins: who may begin it, what it is given, and the one append that makes it durable.

use std::sync::Arc;

use jiff::Timestamp;
use laufzettel_domain::{Actor, Caller, Digest, RunId, Text, Value};
use laufzettel_engine::{self as engine, Rejection, Start};
use laufzettel_policy::{Action, Decision, Who, permit, permit_start};
use laufzettel_process::{Process, model::RunAs, schema::Problem};
use laufzettel_store::{AppendError, Error as StoreError, failpoint};
use serde_json::json;

use crate::{
    desk::{Desk, Write, status_key},
    family::{Family, Member},
    quota::Exceeded,
    route,
    tenant::{DIRECTORY_SILENT, Nobody, Prepared},
};

#[derive(Debug, Clone)]
pub struct StartRequest {
    pub process: String,
    pub caller: Caller,
    /// The trigger's service account; by hand the process's own `run_as`.
    pub run_as: Option<RunAs>,
    pub input: Value,
    pub zone: Option<String>,
    /// Keys under which the same request is recognised when it comes again.
    pub receipts: Vec<String>,
    /// The schedule that asked, and the time it asked for.
    pub clock: Option<(String, Timestamp)>,
    /// `run.*` in place of what would stand there.
    pub facts: Value,
    /// Give out a secret status code.
    pub status: bool,
}

#[derive(Debug, Clone)]
pub struct Started {
    pub run: RunId,
    pub nummer: String,
    /// The secret part of the status address, if one was asked for.
    pub status_code: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("there is no process of this name")]
    UnknownProcess,
    #[error("denied")]
    Denied(Decision),
    #[error("the input does not fit")]
    Invalid(Vec<Problem>),
    #[error("already received")]
    Duplicate(RunId),
    /// Too many: try again later.
    #[error("the quota is used up")]
    Quota(Exceeded),
    #[error("the store does not take it now")]
    Unavailable(String),
}

impl Desk {
    /// Begins a run. Durable when it returns. A denial is a record like any other.
    pub async fn start(&self, request: StartRequest) -> Result<Started, StartError> {
        let tenant = &self.tenant;
        // what was accepted once stays accepted, whatever has changed since
        for key in &request.receipts {
            if let Ok(Some(run)) = tenant.store.receipt(key).await {
                return Err(StartError::Duplicate(run));
            }
        }
        let prepared = tenant.current(&request.process).ok_or(StartError::UnknownProcess)?;
        let decision = match self.may_start(&request, &prepared).await {
            Ok(decision) | Err(Nobody::Denied(decision)) => decision,
            // nobody said no: nothing to record, the same request may come again
            Err(Nobody::Unavailable) => return Err(StartError::Unavailable(DIRECTORY_SILENT.to_owned())),
        };
        let decision = if decision.allow { self.unreleased(&prepared.process).unwrap_or(decision) } else { decision };
        if !decision.allow {
            self.note("start.denied", &request.caller, json!({ "process": request.process, "decision": decision })).await;
            return Err(StartError::Denied(decision));
        }
        let mut problems = prepared.process.input.validate_on(&request.input, prepared.context.day(self.now()));
        problems.extend(crate::files::check(&tenant.store, &prepared.process.input, &request.input).await.map_err(|e| StartError::Unavailable(e.to_string()))?);
        if !problems.is_empty() {
            return Err(StartError::Invalid(problems));
        }
        let unavailable = |e: StoreError| StartError::Unavailable(e.to_string());
        let _place = self.take_place(&request.process).await.map_err(unavailable)?.map_err(StartError::Quota)?;
        tenant.keep(&prepared.process).await.map_err(unavailable)?;
        self.begin(request, &prepared, decision).await
    }

    async fn may_start(&self, request: &StartRequest, prepared: &Prepared) -> Result<Decision, Nobody> {
        let process = &prepared.process;
        if request.caller.service_name().is_some() && request.caller.via == laufzettel_domain::Via::Api {
            return self.may_start_by_key(request, process).await;
        }
        if request.caller.is_applicant() || request.caller.service_name().is_some() {
            // a trigger: the process itself declares it, and names who acts; that account must serve this process
            let account = match &request.run_as {
                Some(RunAs::Service(name)) => self.tenant.rules.services.get(name),
                _ => None,
            };
            if !account.is_some_and(|a| a.processes.iter().any(|pattern| laufzettel_policy::glob(pattern, process.id.as_str()))) {
                return Ok(Decision::deny(
                    "service",
                    "Das Dienstkonto des Auslösers dient diesem Prozess nicht.",
                    "The trigger's service account does not serve this process.",
                ));
            }
            return Ok(Decision {
                allow: request.run_as.is_some(),
                reason: Text::new("Auslöser des Prozesses", "trigger of the process"),
                rule: "process.triggers".to_owned(),
            });
        }
        if let Some(refused) = wrong_way(request.caller.via, process) {
            return Ok(refused);
        }
        let who = self.who(&request.caller).await?;
        let started = permit_start(&who, process.id.as_str(), &process.start.groups, &self.tenant.rules);
        Ok(self.may_choose_zone(request, process, &who, started))
    }

    /// The processes somebody may start by hand or by key, on the way she comes.
    pub async fn startable(&self, caller: &Caller) -> Result<Vec<&Process>, Nobody> {
        let (who, rules) = (self.who(caller).await?, &self.tenant.rules);
        let may = |process: &&Process| {
            let id = process.id.as_str();
            let permitted = match caller.service_name() {
                Some(_) => permit(&who, &Action::ProcessStart(id.to_owned()), Some(id), rules),
                None => permit_start(&who, id, &process.start.groups, rules),
            };
            permitted.allow && wrong_way(caller.via, process).is_none()
        };
        Ok(self.tenant.catalogue.processes.values().filter(may).collect())
    }

    /// A program with a key of a service account: no trigger of the process lets it in, only what the account may.
    async fn may_start_by_key(&self, request: &StartRequest, process: &Process) -> Result<Decision, Nobody> {
        if let Some(refused) = wrong_way(request.caller.via, process) {
            return Ok(refused);
        }
        let who = self.who(&request.caller).await?;
        let started = permit(&who, &Action::ProcessStart(process.id.to_string()), Some(process.id.as_str()), &self.tenant.rules);
        Ok(self.may_choose_zone(request, process, &who, started))
    }

    fn may_choose_zone(&self, request: &StartRequest, process: &Process, who: &Who, started: Decision) -> Decision {
        let Some(zone) = request.zone.as_ref().filter(|_| started.allow) else { return started };
        let label = route::label_of(&self.tenant, process, &request.input);
        route::refuse_wish(&self.tenant, who, process, &label, zone).unwrap_or(started)
    }

    async fn begin(&self, request: StartRequest, prepared: &Arc<Prepared>, decision: Decision) -> Result<Started, StartError> {
        let tenant = &self.tenant;
        let at = self.now();
        let run = RunId::new(at, tenant.random());
        failpoint::pass("start.before_number", StartError::Unavailable)?;
        let nummer = match request.facts.get("nummer").and_then(Value::as_str) {
            // a case says it beforehand, so that its children's numbers are known, too
            Some(said) => said.to_owned(),
            None => self.next_number(at).await.map_err(|e| StartError::Unavailable(e.to_string()))?,
        };
        let code = request.status.then(|| laufzettel_domain::digest::to_hex(&tenant.random::<16>()));
        let mut receipts = request.receipts;
        let mut facts = json!({});
        if let Some(code) = &code {
            receipts.push(status_key(code));
            facts["status_link"] = format!("{}/status/{code}", tenant.public_url).into();
        }
        if request.caller.is_person() {
            let person = tenant.directory.person(&request.caller.subject).await.map_err(|_| StartError::Unavailable(DIRECTORY_SILENT.to_owned()))?;
            if let Some(person) = person {
                facts["caller"] = json!({ "mail": person.mail });
            }
        }
        if let (Some(facts), Value::Object(own)) = (facts.as_object_mut(), request.facts) {
            facts.extend(own);
        }
        let start = Start {
            run_as: request.run_as.unwrap_or_else(|| prepared.process.run_as.clone()),
            caller: request.caller,
            input: request.input,
            nummer: nummer.clone(),
            facts,
            status_code: code.as_ref().map(|c| Digest::of(c.as_bytes())),
            zone: request.zone,
            decision,
            parent: None,
        };
        let (state, events) = engine::start(&prepared.process, &prepared.context, &tenant.id, run, start, at).map_err(|rejection| match rejection {
            Rejection::Invalid(problems) => StartError::Invalid(problems),
            Rejection::Denied(decision) => StartError::Denied(decision),
            Rejection::Stale(text) => StartError::Unavailable(text.en),
        })?;
        failpoint::pass("start.before_append", StartError::Unavailable)?;
        let receipt = (!receipts.is_empty()).then_some(receipts);
        let clock = request.clock.map(|(name, time)| (name, Some(crate::micros(time))));
        let write = Write { receipt, clock, ..Write::of(&Actor::Caller(state.caller.clone()), at) };
        let first = Member { prepared: prepared.clone(), run: state, before: 0, events, at };
        let family = Family::follow(self, first, at).await.map_err(|told| StartError::Unavailable(told.to_string()))?;
        match self.append(&family, write).await {
            Ok(()) => self.tenant.memory.moved.notify_one(),
            Err(AppendError::Duplicate(run)) => return Err(StartError::Duplicate(run)),
            Err(error) => return Err(StartError::Unavailable(error.to_string())),
        }
        failpoint::pass("start.after_append", StartError::Unavailable)?;
        Ok(Started { run, nummer, status_code: code })
    }

    /// `JJJJ-NNNNNN` by the tenant's civil year. A number is given out once; one that was never used leaves a gap.
    async fn next_number(&self, at: Timestamp) -> Result<String, StoreError> {
        let year = at.to_zoned(self.tenant.zone()).year();
        let known = *self.tenant.memory.last_number.lock().expect("nobody panics while holding this lock");
        let stored = match known {
            Some((y, _)) if y == year => 0,
            _ => self.tenant.store.last_number(year).await?,
        };
        let mut last = self.tenant.memory.last_number.lock().expect("nobody panics while holding this lock");
        let next = match *last {
            Some((y, n)) if y == year => n.max(stored) + 1,
            _ => stored + 1,
        };
        *last = Some((year, next));
        Ok(format!("{year}-{next:06}"))
    }
}

/// A process says on which ways it is started; a terminal is a form with fewer colours.
fn wrong_way(via: laufzettel_domain::Via, process: &Process) -> Option<Decision> {
    let way = if via == laufzettel_domain::Via::Terminal { laufzettel_domain::Via::Form } else { via };
    let open = process.start.via.is_empty() || process.start.via.contains(&way);
    let (de, en) = ("Auf diesem Weg lässt sich der Prozess nicht starten.", "The process cannot be started this way.");
    (!open).then(|| Decision::deny("process.start.via", de, en))
}
