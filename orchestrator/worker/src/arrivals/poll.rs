//! A tool that is asked again and again: each entry it lists begins a run, once. Each trigger has a loop of its own, so that a slow
//! server holds up no other; each call goes through the one tool door, like that of any step.
//!
//! The cursor is written only when every entry of a page has its receipt, or is on record as refused. Killed before that, the same page
//! comes again, and the receipts answer: no entry is lost, and none begins twice.

use std::time::Duration;

use laufzettel_domain::{Caller, EffectKey, EffectPath, RunId, Slot, StepId, Text, Value, Via, names::Phase};
use laufzettel_engine::{
    Meta, Outcome,
    poll::{Entry, Error as Misfit, page, question},
};
use laufzettel_policy::{Effect, ToolCall};
use laufzettel_process::{
    model::{FailureClass, RunAs, TriggerKind},
    poll::Poll,
};
use laufzettel_store::Append;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{AGAIN_S, Begun, Progress, Refusal, TAKEN_MAX, Way, receipt};
use crate::{
    desk::Desk,
    door, files,
    tenant::{Nobody, Prepared},
};

/// Pages of one look: what is behind them waits ten seconds.
const PAGES_MAX: usize = 10;
/// Milliseconds a call may take, as a step's where its author says nothing.
const TIMEOUT_MS: u64 = 60_000;

/// What a tool answered.
struct Answer {
    value: Value,
    /// The number the call went under.
    call: RunId,
    meta: Meta,
}

/// What became of a page.
enum Turned {
    /// The next one may hold more.
    Over,
    End,
    /// The trigger rests; nothing is said about the tool.
    NotNow,
}

/// How far a page was taken.
struct Took {
    begun: usize,
    /// Entries nobody knew: begun, refused or put aside.
    fresh: usize,
    until: Until,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// Every entry has its receipt or its record.
    End,
    /// As many as one page may begin: the others are still there in the next look.
    Full,
    NotNow,
}

/// Asks every tool a trigger asks until it is told to stop.
pub(super) async fn watch(desk: Desk, stop: CancellationToken) {
    let mut following = JoinSet::new();
    for process in desk.tenant.catalogue.processes.values() {
        for n in (0..process.triggers.len()).filter(|n| matches!(process.triggers[*n].kind, TriggerKind::Poll(_))) {
            following.spawn(follow(desk.clone(), process.id.to_string(), n, stop.clone()));
        }
    }
    // the watcher ends with the first that died, and the server with it: a trigger that is silent for good nobody would miss
    while let Some(ended) = following.join_next().await {
        ended.expect("what asks a tool ends only with the server");
    }
}

async fn follow(desk: Desk, process: String, n: usize, stop: CancellationToken) {
    let Some((process, trigger)) = desk.tenant.catalogue.processes.get(&process).and_then(|process| Some((process, process.triggers.get(n)?))) else { return };
    let (TriggerKind::Poll(poll), RunAs::Service(account)) = (&trigger.kind, &trigger.run_as) else { return };
    let place = poll.call.name();
    let way = Way { process, run_as: &trigger.run_as, account, via: Via::Poll, place: &place, stop: &stop };
    let every = Duration::from_millis(u64::try_from(poll.every.approx_millis()).unwrap_or(u64::MAX));
    let mut progress = Progress::default();
    while !stop.is_cancelled() {
        match desk.look(&way, poll, &mut progress).await {
            Ok(false) => {}
            Ok(true) => desk.tell_state(&way, &mut progress, None).await,
            Err(reason) => desk.tell_state(&way, &mut progress, Some(reason)).await,
        }
        let rest = progress.rests_until.take().and_then(|until| Duration::try_from(until.duration_since(desk.now())).ok());
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(rest.unwrap_or(every)) => {}
        }
    }
}

impl Desk {
    /// Page after page until nothing is new. `false`: the tool has not been heard to the end. An error is told once.
    async fn look(&self, way: &Way<'_>, poll: &Poll, progress: &mut Progress) -> Result<bool, Text> {
        // what may not start is not asked for, either
        if let Some(decision) = self.unreleased(way.process) {
            return Err(decision.reason);
        }
        for _ in 0..PAGES_MAX {
            match self.turn(way, poll, progress).await? {
                Turned::Over => {}
                Turned::End => return Ok(true),
                Turned::NotNow => return Ok(false),
            }
        }
        progress.rest(self.now(), AGAIN_S);
        Ok(true)
    }

    /// One page: asked for, taken, and only then left behind.
    async fn turn(&self, way: &Way<'_>, poll: &Poll, progress: &mut Progress) -> Result<Turned, Text> {
        let name = poll.name(way.process.id.as_str());
        let (Some(cursor), Some(passing)) = (self.known(&name, progress).await, self.known(&passing(&name), progress).await) else { return Ok(Turned::NotNow) };
        let cursor = cursor.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null);
        let prepared = self.tenant.prepare(way.process);
        let Some(answer) = self.ask(way, poll, &prepared, &cursor).await? else { return Ok(Turned::NotNow) };
        let page = page(&prepared.process, &prepared.context, poll, &answer.value).map_err(|error| misfit(&error))?;
        let listed = page.entries.len();
        let took = self.take(way, poll, progress, passing.is_some(), page.entries).await;
        // where nothing is listed there is nothing to leave behind, and nothing to put on record
        let moved = took.until == Until::End && listed > 0 && !page.cursor.is_null() && page.cursor != cursor;
        if took.begun > 0 || moved {
            let body = json!({ "entries": listed, "begun": took.begun, "call": answer.call.to_string(), "meta": answer.meta });
            let moved = moved.then(|| (name.clone(), Some(page.cursor.to_string())));
            if !self.tell_polled(way, progress, "trigger.polled", body, moved).await {
                return Ok(Turned::NotNow);
            }
        }
        match took.until {
            Until::NotNow => return Ok(Turned::NotNow),
            Until::Full => {
                progress.rest(self.now(), AGAIN_S);
                return Ok(Turned::End);
            }
            // what moves its cursor with every answer is not asked without a pause
            Until::End if moved && took.fresh > 0 => return Ok(Turned::Over),
            Until::End => {}
        }
        let caught_up =
            passing.is_none() || took.fresh > 0 || self.tell_polled(way, progress, "trigger.caught_up", json!({}), Some((self::passing(&name), None))).await;
        Ok(if caught_up { Turned::End } else { Turned::NotNow })
    }

    /// Begins what is new of a page, in its order. `passing`: after a restore, what is new is put on record instead.
    async fn take(&self, way: &Way<'_>, poll: &Poll, progress: &mut Progress, passing: bool, entries: Vec<Entry>) -> Took {
        let (mut begun, mut aside, mut fresh) = (0, 0, 0);
        for entry in entries {
            let until = if way.stop.is_cancelled() {
                Until::NotNow
            } else if begun + aside == TAKEN_MAX {
                Until::Full
            } else {
                Until::End
            };
            if until != Until::End {
                return Took { begun, fresh, until };
            }
            let receipt = receipt(way, &json!([poll.number, entry.mark]));
            let known = self.is_dealt_with(&receipt, progress).await;
            fresh += usize::from(known == Some(false));
            let done = match known {
                Some(true) => continue,
                Some(false) if passing => self.set_entry_aside(way, progress, &receipt, &entry).await.then(|| aside += 1).is_some(),
                Some(false) => self.begin_entry(way, progress, receipt, entry, &mut begun).await,
                None => false,
            };
            if !done {
                return Took { begun, fresh, until: Until::NotNow };
            }
        }
        Took { begun, fresh, until: Until::End }
    }

    /// `false`: not now.
    async fn begin_entry(&self, way: &Way<'_>, progress: &mut Progress, receipt: String, entry: Entry, begun: &mut usize) -> bool {
        let Some(input) = entry.input else {
            let refusal = Refusal::new(
                "Der Eintrag hat keinen Schlüssel (key), der ihn von anderen unterscheidet, oder ist kein Block mit Feldern.",
                "The entry has no key that tells it from others, or is no object.",
            );
            return self.tell_refused(way, progress, &receipt, &named(&entry.mark), &refusal).await;
        };
        // only the files of what begins are kept: what is listed again brings back nothing that was erased
        let input = match files::extract(&self.tenant, input).await {
            Ok(described) => described,
            Err(error) => {
                tracing::warn!(%error, "a look waits for the store");
                progress.rest(self.now(), AGAIN_S);
                return false;
            }
        };
        match self.begin_arrival(way, progress, input, receipt.clone()).await {
            Begun::Run => {
                *begun += 1;
                true
            }
            Begun::Unfit(problems) => self.tell_refused(way, progress, &receipt, &named(&entry.mark), &Refusal::unfit(way.process, &problems)).await,
            Begun::NotNow => false,
        }
    }

    /// On record for a person, and never begun. `false`: not now.
    async fn set_entry_aside(&self, way: &Way<'_>, progress: &mut Progress, receipt: &str, entry: &Entry) -> bool {
        let refusal = Refusal::new(
            "Dieser Eintrag stand schon da, als nach einer Wiederherstellung zum ersten Mal gefragt wurde. Ob der Vorgang dazu begonnen hatte, ist nicht bekannt.",
            "This entry was there already when the tool was first asked after a restore. Whether its run had begun is not known.",
        );
        let content = json!({ "name": named(&entry.mark), "message": refusal.message });
        let draft = self.draft_of(way, "input.refused", json!({ "fields": [] }), Some(content));
        let mark = Some((receipt.to_owned(), Some(String::new())));
        self.written(progress, Append { drafts: vec![draft], cursor: mark, ..Append::default() }).await
    }

    /// Whether it has begun, or was put aside. `None`: not now.
    async fn is_dealt_with(&self, receipt: &str, progress: &mut Progress) -> Option<bool> {
        match self.tenant.store.receipt(receipt).await {
            Ok(Some(_)) => Some(true),
            Ok(None) => Some(self.known(receipt, progress).await?.is_some()),
            Err(error) => {
                tracing::warn!(%error, "a look waits for the store");
                progress.rest(self.now(), AGAIN_S);
                None
            }
        }
    }

    /// What is kept under a name. `None`: the store does not say now.
    async fn known(&self, name: &str, progress: &mut Progress) -> Option<Option<String>> {
        let known = self.tenant.store.cursor(name).await;
        known
            .inspect_err(|error| {
                tracing::warn!(%error, "a look waits for the store");
                progress.rest(self.now(), AGAIN_S);
            })
            .ok()
    }

    /// `None`: the program stops. An error: nobody answered, or may.
    async fn ask(&self, way: &Way<'_>, poll: &Poll, prepared: &Prepared, cursor: &Value) -> Result<Option<Answer>, Text> {
        let (tenant, name) = (&self.tenant, poll.call.name());
        let rule = door::declared(tenant, &name).map_err(|decision| decision.reason)?;
        if rule.effect != Effect::Read {
            return Err(Text::new(
                format!("„{name}“ liest nicht nur, und ein Auslöser ändert nichts."),
                format!("\"{name}\" does not only read, and a trigger changes nothing."),
            ));
        }
        let question = question(&prepared.process, &prepared.context, poll, cursor).map_err(|error| misfit(&error))?;
        let who = self.who(&Caller::service(way.account, way.via)).await.map_err(|nobody| match nobody {
            Nobody::Denied(decision) => decision.reason,
            Nobody::Unavailable => Text::new("Das Verzeichnis ist nicht erreichbar.", "The directory cannot be reached."),
        })?;
        let number = RunId::new(self.now(), tenant.random());
        let call = ToolCall {
            key: key(tenant.id.clone(), number),
            attempt: 1,
            process: way.process.id.to_string(),
            zweck: way.process.zweck.clone(),
            server: poll.call.server.clone(),
            tool: poll.call.tool.clone(),
            arguments: question.arguments,
            labels: question.labels,
            listed: question.listed,
            contacts: Default::default(),
            declared: Default::default(),
            receipt: false,
            timeout_ms: TIMEOUT_MS,
            who,
        };
        let began = self.now();
        let passed = tokio::select! {
            // a call that only reads is left alone
            () = way.stop.cancelled() => return Ok(None),
            passed = door::through(tenant, rule, call) => passed,
        };
        match passed.map_err(|decision| decision.reason)? {
            Outcome::Ok { value, meta } => {
                let meta = Meta { target: Some(name), duration_ms: u64::try_from(self.now().duration_since(began).as_millis()).unwrap_or(0), ..meta };
                Ok(Some(Answer { value, call: number, meta }))
            }
            Outcome::Failed { class, message, .. } => {
                tracing::warn!(tool = name, message, "a tool did not answer a trigger");
                Err(failure(&name, class))
            }
        }
    }

    /// What a look brought, with where the next goes on. `false`: not now.
    async fn tell_polled(&self, way: &Way<'_>, progress: &mut Progress, kind: &str, body: Value, cursor: Option<(String, Option<String>)>) -> bool {
        let draft = self.draft_of(way, kind, body, None);
        self.written(progress, Append { drafts: vec![draft], cursor, ..Append::default() }).await
    }

    async fn written(&self, progress: &mut Progress, append: Append) -> bool {
        let written = self.tenant.store.append(append).await;
        if let Err(error) = &written {
            tracing::warn!(%error, "a look waits for the store");
            progress.rest(self.now(), AGAIN_S);
        }
        written.is_ok()
    }

    /// After a restore: which entries had begun is not known. What is listed until nothing new is left is put aside. `false`: not now.
    pub async fn pass_over_polls(&self) -> bool {
        for process in self.tenant.catalogue.processes.values() {
            for trigger in &process.triggers {
                let (TriggerKind::Poll(poll), RunAs::Service(account)) = (&trigger.kind, &trigger.run_as) else { continue };
                let (stop, place, name) = (CancellationToken::new(), poll.call.name(), passing(&poll.name(process.id.as_str())));
                let way = Way { process, run_as: &trigger.run_as, account, via: Via::Poll, place: &place, stop: &stop };
                let mut progress = Progress::default();
                let done = match self.known(&name, &mut progress).await {
                    Some(Some(_)) => true,
                    Some(None) => self.tell_polled(&way, &mut progress, "trigger.passing", json!({}), Some((name, Some(String::new())))).await,
                    None => false,
                };
                if !done {
                    return false;
                }
            }
        }
        true
    }
}

/// Under which it is kept that a restore has not been caught up with.
fn passing(name: &str) -> String {
    format!("passing:{name}")
}

/// A call before there is a run goes under a number of its own, which no run has.
fn key(tenant: laufzettel_domain::TenantId, number: RunId) -> EffectKey {
    let step = StepId::parse("poll").expect("this is the name of a step");
    EffectKey { tenant, run: number, path: EffectPath::of(&Slot::of(step), Phase::Do), round: 0 }
}

/// How a person finds an entry again.
fn named(mark: &Value) -> String {
    mark.as_str().map_or_else(|| mark.to_string(), str::to_owned)
}

fn misfit(error: &Misfit) -> Text {
    match error {
        Misfit::Expression(..) => {
            Text::new(format!("Ein Ausdruck des Auslösers gibt keinen Wert ({error})."), format!("An expression of the trigger gives no value ({error})."))
        }
        Misfit::Cursor => Text::new(
            "cursor gibt weder eine Zahl noch einen kurzen Text (höchstens 500 Zeichen).",
            "cursor gives neither a number nor a short text (at most 500 characters).",
        ),
        Misfit::List => Text::new("Die Antwort hat nicht genau eine Liste.", "The answer has not exactly one list."),
    }
}

/// The kind of a failure. What a server says of it is foreign, and may hold anything: it stands in the log.
fn failure(tool: &str, class: FailureClass) -> Text {
    let (de, en) = match class {
        FailureClass::Timeout => ("antwortet nicht rechtzeitig", "does not answer in time"),
        FailureClass::Unavailable => ("ist nicht erreichbar", "cannot be reached"),
        FailureClass::InvalidOutput => ("antwortet anders, als es freigegeben ist", "answers otherwise than it was approved"),
        FailureClass::Refused | FailureClass::Invalid => ("lehnt die Frage ab", "refuses the question"),
    };
    Text::new(format!("„{tool}“ {de}."), format!("\"{tool}\" {en}."))
}
