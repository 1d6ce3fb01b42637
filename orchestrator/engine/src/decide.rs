//! What a wish means now: events, up to the next effects. Runs everything that needs nothing from outside to a fixpoint.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use laufzettel_domain::{Caller, EffectPath, Path, RunId, Slot, StepId, TenantId, Trust, Value, names::Phase};
use laufzettel_policy::{Detected, Labelled, detect_kinds};
use laufzettel_process::{
    Process, expression,
    model::{FailureClass, OnError, Step, StepKind},
};
use serde_json::json;

use crate::{
    anew, applicant, apply, asking, claim,
    command::{Answer, Command, Rejection, Resolution, Start},
    context::Context,
    deadline, ending,
    event::{
        Call, EffectRefused, EffectResumed, EffectSettled, Event, EventDelivered, Meta, RunEnding, RunStarted, StepCompleted, StepFailed, StepSkipped,
        TaskKind, TaskOpened, TaskWithdrawn,
    },
    labels::{Labels, raise_found},
    repair, restored,
    run::{EffectStatus, Ending, Run, State, StepState},
    scope::{scope, with_item, with_result},
    settle, steps,
};

/// A sheet on which a decision is written: each event is applied as soon as it stands there.
pub(crate) struct Sheet<'p> {
    pub process: &'p Process,
    pub context: &'p Context,
    pub run: Run,
    pub events: Vec<Event>,
    pub at: Timestamp,
}

/// What gave a step its value.
pub(crate) enum By {
    Itself,
    /// Somebody who supplied the value of a step that failed.
    Person(Caller),
    /// A decision table, from these inputs.
    Table(Value),
}

impl<'p> Sheet<'p> {
    pub fn emit(&mut self, event: Event) {
        apply::apply(&mut self.run, &event, self.at).expect("decide emits only what apply accepts; the replay law tests it");
        self.events.push(event);
    }

    pub fn labels(&self) -> Labels<'_> {
        Labels::of_run(self.process, self.context, &self.run)
    }

    pub fn scope(&self) -> expression::Scope<'_> {
        scope(self.process, self.context, &self.run)
    }

    /// With `item` and `index`, where there are any.
    pub fn scope_of(&self, slot: &Slot) -> expression::Scope<'_> {
        with_item(self.scope(), &self.run, slot)
    }

    pub fn step(&self, id: &StepId) -> &'p Step {
        &self.process.steps[id]
    }

    /// A step has its value, or one item of it. Asks the step's `end_if`.
    pub fn complete(&mut self, slot: &Slot, value: Value, labels: Labelled, reads: BTreeSet<Path>) {
        self.completed(slot, By::Itself, value, labels, reads);
    }

    /// The same, saying by whom or from what.
    pub fn completed(&mut self, slot: &Slot, from: By, value: Value, labels: Labelled, reads: BTreeSet<Path>) {
        let (by, inputs) = match from {
            By::Itself => (None, None),
            By::Person(by) => (Some(by), None),
            By::Table(inputs) => (None, Some(inputs)),
        };
        // the author's own constants are in the process's files: an office's address there is nobody's secret
        let own = matches!(&self.step(&slot.step).kind, StepKind::Rules(rules) if rules.table.is_constant());
        let labels = if own { labels } else { raise_found(&labels, &value, &self.context.own_domains) };
        let detected = if own { BTreeSet::new() } else { kinds(&value, &self.context.own_domains) };
        let (step, title) = (slot.step.clone(), &self.step(&slot.step).title);
        let ends = match self.step(&step).end_if.as_ref().filter(|_| slot.item == 0) {
            None => Ok(false),
            Some(expression) => expression.is_true(&with_result(self.scope(), &value)),
        };
        let ended = *ends.as_ref().unwrap_or(&false);
        self.emit(Event::StepCompleted(StepCompleted { step: step.clone(), item: slot.item, by, labels, reads, ends: ended, detected, value, inputs }));
        match ends {
            _ if self.run.ending.is_some() => {}
            Ok(true) => self.end(Ending::Completed, None, Some(step), String::new()),
            Ok(false) => {}
            // what was done is done, and is undone with the rest
            Err(error) => self.end(Ending::Failed, None, Some(step), format!("{title}: end_if: {error}")),
        }
    }

    /// A step has failed for good, or one item of it.
    pub fn fail(&mut self, slot: &Slot, class: FailureClass, message: String) {
        let step = self.step(&slot.step);
        let repaired = step.on_error == OnError::Human && slot.item == 0 && self.run.ending.is_none();
        if repaired {
            return repair::open(self, &slot.step, class, message);
        }
        let continues = match &step.each {
            Some(each) if slot.item > 0 => each.continues,
            _ => step.on_error == OnError::Continue,
        };
        self.withdraw(|task| task.opened.kind.is_own() && task.opened.step == slot.step && task.opened.item == slot.item);
        let label = self.labels().of_failed(step);
        let first = !self.run.items_of(&slot.step).any(|(_, state)| matches!(state, StepState::Failed { .. }));
        self.emit(Event::StepFailed(StepFailed { step: slot.step.clone(), item: slot.item, class, continues, label, message: message.clone() }));
        if slot.item > 0 {
            // what its siblings only wait for is not waited for any more; what is under way is
            if !continues && first && self.run.ending.is_none() {
                deadline::stop(self, &slot.step, class, &message);
            }
        } else if !continues && self.run.ending.is_none() {
            self.end(Ending::Failed, None, Some(slot.step.clone()), format!("{}: {message}", step.title));
        }
    }

    pub fn end(&mut self, ending: Ending, by: Option<Caller>, step: Option<StepId>, reason: String) {
        self.emit(Event::RunEnding(RunEnding { ending, by, step, reason }));
    }

    pub fn next_task(&self) -> u32 {
        self.run.tasks.keys().next_back().map_or(1, |n| n + 1)
    }

    /// A task of the unit that answers for the process, about an effect nobody but a person can settle.
    pub fn open_repair(&mut self, kind: TaskKind, path: &EffectPath, note: String) {
        let form = match kind {
            TaskKind::Takeover => json!({ "type": "object", "additionalProperties": false, "required": ["entscheidung"], "properties": {
                "entscheidung": { "title": "Was soll geschehen?", "enum": ["erneut", "abbrechen"],
                    "oneOf": [{ "const": "erneut", "title": "Erneut versuchen" }, { "const": "abbrechen", "title": "Vorgang abbrechen" }] } } }),
            _ => json!({ "type": "object", "additionalProperties": false, "required": ["geschehen"], "properties": {
                "geschehen": { "title": "Ist es geschehen?", "type": "boolean" }, "wert": repair::value_field() } }),
        };
        let intent = self.run.effects.get(path).map(|effect| effect.intent.clone());
        let mut show = json!({ "schritt": self.step(&path.step).title, "ziel": intent.as_ref().map(|intent| intent.target.clone()) });
        let mut labels = BTreeMap::new();
        if let Some((Call::Tool { arguments, .. }, intent)) = intent.as_ref().map(|intent| (&intent.call, intent)) {
            // of several calls of a step she must know which
            show["argumente"] = arguments.clone();
            labels.insert("argumente".to_owned(), laufzettel_domain::Label::join_all(intent.labels.values()));
        }
        let task = self.unit_task(&path.step, show, form, note);
        self.emit(Event::TaskOpened(TaskOpened { kind, item: path.item, path: Some(path.clone()), labels, ..task }));
    }

    /// A task of the unit that answers for the process.
    pub fn unit_task(&self, step: &StepId, show: Value, form: Value, note: String) -> TaskOpened {
        TaskOpened {
            number: self.next_task(),
            kind: TaskKind::Repair,
            step: step.clone(),
            item: 0,
            path: None,
            assign: laufzettel_process::model::Assign::default(),
            unit: Some(self.process.verantwortlich.clone()),
            due: None,
            escalate: None,
            shown: laufzettel_domain::Digest::of_value(&show),
            labels: BTreeMap::new(),
            proposed: BTreeMap::new(),
            show,
            form,
            vorschlag: Value::Null,
            note,
        }
    }

    /// Withdraws the open tasks a predicate names.
    pub fn withdraw(&mut self, which: impl Fn(&crate::Task) -> bool) {
        let numbers: Vec<u32> = self.run.open_tasks().filter(|t| which(t)).map(|t| t.opened.number).collect();
        for number in numbers {
            self.emit(Event::TaskWithdrawn(TaskWithdrawn { number }));
        }
    }
}

/// Which patterns stand in a value. Where and what stays with the value itself, which can be erased.
fn kinds(value: &Value, own_domains: &[String]) -> BTreeSet<Detected> {
    detect_kinds(value, own_domains).into_keys().collect()
}

/// Begins a run.
pub fn start(process: &Process, context: &Context, tenant: &TenantId, id: RunId, start: Start, at: Timestamp) -> Result<(Run, Vec<Event>), Rejection> {
    let problems = process.input.validate_on(&start.input, context.day(at));
    if !problems.is_empty() {
        return Err(Rejection::Invalid(problems));
    }
    // only what a signed-in person typed into our own form is trusted, and only where nobody else can feed the process
    let trusted = start.caller.is_interactive() && process.triggers.is_empty();
    let trust = match &start.parent {
        // a child's input is as good as what its caller passed
        Some((_, labels)) => labels.whole().trust,
        None if trusted => Trust::Trusted,
        None => Trust::Untrusted,
    };
    let facts = facts(process, tenant, id, &start, at);
    let (parent, labels) = start.parent.unzip();
    let passed = labels.as_ref().map(Labelled::whole).unwrap_or_default();
    let event = Event::RunStarted(RunStarted {
        process: process.id.clone(),
        version: process.version.to_string(),
        digest: process.digest,
        nummer: start.nummer,
        caller: start.caller,
        run_as: start.run_as,
        trust,
        label: process.input.label_whole(&[], &process.default_label(trust)).join(&passed).with_trust(trust),
        parent,
        labels,
        status_code: start.status_code,
        zone: start.zone,
        detected: kinds(&start.input, &context.own_domains),
        decision: start.decision,
        contacts: marked(&process.input, &start.input),
        input: start.input,
        facts,
    });
    let run = apply::begin(tenant, id, &event, at).expect("run.started begins a run");
    let mut sheet = Sheet { process, context, run, events: vec![event], at };
    advance(&mut sheet);
    Ok((sheet.run, sheet.events))
}

fn facts(process: &Process, tenant: &TenantId, id: RunId, start: &Start, at: Timestamp) -> Value {
    let mut facts = json!({ "id": id.to_string(), "nummer": start.nummer, "started_at": at.to_string(), "tenant": tenant.as_str(),
        "process": process.id.as_str(), "version": process.version.to_string(), "caller": { "name": start.caller.name } });
    merge(&mut facts, &start.facts);
    facts
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// Values of top-level or nested fields marked `x-kontakt`.
fn marked(schema: &laufzettel_process::Schema, input: &Value) -> BTreeSet<String> {
    fn walk(schema: &laufzettel_process::Schema, value: &Value, path: &mut Vec<String>, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (name, inner) in map {
                    path.push(name.clone());
                    walk(schema, inner, path, found);
                    path.pop();
                }
            }
            Value::Array(items) => {
                for (index, inner) in items.iter().enumerate() {
                    path.push(index.to_string());
                    walk(schema, inner, path, found);
                    path.pop();
                }
            }
            Value::String(text) => {
                if let laufzettel_process::schema::At::Known { schema, .. } = schema.at(path)
                    && schema.get("x-kontakt").is_some_and(|mark| mark != &Value::Bool(false))
                {
                    found.insert(text.clone());
                }
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(schema, input, &mut Vec::new(), &mut found);
    found
}

/// What `command` means for `run` at this instant. The events are already consistent with each other.
pub fn decide(process: &Process, context: &Context, run: &Run, command: Command, at: Timestamp) -> Result<Vec<Event>, Rejection> {
    if run.ended.is_some() {
        return Err(Rejection::stale("Der Vorgang ist schon beendet.", "The run has ended."));
    }
    let mut sheet = Sheet { process, context, run: run.clone(), events: Vec::new(), at };
    if run.is_parked() && rests(run, &command) {
        return Err(Rejection::stale(
            "Der Vorgang ruht nach einer Wiederherstellung, bis jemand nachgesehen hat.",
            "The run rests after a restore until somebody has looked.",
        ));
    }
    match command {
        Command::Settle { path, round, attempt, outcome } => settle::settle(&mut sheet, &path, round, attempt, outcome)?,
        Command::Testify { path, round, attempt, outcome } => asking::testify(&mut sheet, &path, (round, attempt), outcome)?,
        Command::Refuse { path, round, decision } => refuse(&mut sheet, &path, round, decision)?,
        Command::Defer { path, round, attempt, reason, until, sent } => settle::defer(&mut sheet, &path, (round, attempt), reason, until, sent)?,
        Command::Answer(answer) => take_answer(&mut sheet, answer)?,
        Command::Claim(wish) => claim::claim(&mut sheet, wish)?,
        Command::HandOver(wish) => claim::hand_over(&mut sheet, wish)?,
        Command::PutAside { task, by, until, note } => claim::put_aside(&mut sheet, task, by, until, note)?,
        Command::Return { task, by } => claim::give_back(&mut sheet, task, by)?,
        Command::Cancel { by, reason } => {
            if run.ending.is_some() {
                return Err(Rejection::stale("Der Vorgang endet gerade.", "The run is ending already."));
            }
            sheet.withdraw(|task| task.opened.kind == TaskKind::Restored);
            sheet.end(Ending::Cancelled, Some(by), None, reason);
        }
        Command::Withdraw { by, reason } => applicant::withdraw(&mut sheet, by, reason)?,
        Command::Add { by, file, note } => applicant::add(&mut sheet, by, &file, note)?,
        Command::Resolve { path, by, resolution } => resolve(&mut sheet, &path, by, resolution)?,
        Command::TakeOver { path, by } => take_over(&mut sheet, &path, by)?,
        Command::Anew { step, by } => anew::order(&mut sheet, &step, by)?,
        Command::Deliver { slot, name, key, payload, sender, sent_at } => {
            let delivered = EventDelivered { step: slot.step.clone(), item: slot.item, name, sender, sent_at };
            steps::wait::deliver(&mut sheet, &slot, &key, delivered, payload)?;
        }
        Command::ChildEnded { run, end } => steps::process::ended(&mut sheet, run, end)?,
        Command::Park { note } => restored::park(&mut sheet, note),
        Command::Wake => wake(&mut sheet),
    }
    // what follows is begun when somebody has looked
    if !sheet.run.is_parked() {
        advance(&mut sheet);
    }
    Ok(sheet.events)
}

/// What a run that rests does not take: answers to its other tasks, a withdrawal (what there is to undo nobody knows), events, the time. What is said of calls made before, it takes.
fn rests(run: &Run, command: &Command) -> bool {
    match command {
        Command::Answer(answer) => run.tasks.get(&answer.task).is_some_and(|task| task.opened.kind != TaskKind::Restored),
        Command::Deliver { .. } | Command::Wake | Command::Withdraw { .. } => true,
        _ => false,
    }
}

fn take_answer(sheet: &mut Sheet<'_>, answer: Answer) -> Result<(), Rejection> {
    let task = claim::open(sheet, answer.task)?;
    claim::by_whom(sheet, &task, &answer.by)?;
    claim::free(&task, &answer.by, answer.stands_for.as_ref())?;
    match task.opened.kind {
        TaskKind::Human => steps::human::answer(sheet, &task, answer),
        TaskKind::Repair => repair::answer(sheet, &task, answer),
        TaskKind::Restored => restored::answer(sheet, &task, answer),
        TaskKind::Approval | TaskKind::Ask => steps::agent::answer(sheet, &task, answer),
        TaskKind::Takeover | TaskKind::Doubt => {
            let path = task.opened.path.clone().ok_or_else(|| Rejection::stale("Diese Aufgabe hat kein Ziel.", "This task has no target."))?;
            steps::human::check_form(sheet, &task, &answer)?;
            let by = answer.by.clone();
            let values = answer.values.clone();
            let came_of = repair::written(&values)?;
            if values["geschehen"] != true {
                // a receipt is evidence that it did happen
                repair::unasked(&values)?;
            }
            steps::human::record(sheet, &task, answer);
            match task.opened.kind {
                TaskKind::Takeover if values["entscheidung"] == "abbrechen" => {
                    sheet.end(Ending::Cancelled, Some(by), Some(path.step), "Übernahme abgelehnt".to_owned());
                    Ok(())
                }
                TaskKind::Takeover => take_over(sheet, &path, by),
                _ if values["geschehen"] == true => {
                    resolve(sheet, &path, by, Resolution::Happened(came_of.unwrap_or_else(|| json!({})))).map_err(repair::in_its_field)
                }
                _ => resolve(sheet, &path, by, Resolution::DidNotHappen),
            }
        }
    }
}

fn refuse(sheet: &mut Sheet<'_>, path: &EffectPath, round: u32, decision: laufzettel_policy::Decision) -> Result<(), Rejection> {
    let open = sheet.run.effects.get(path).is_some_and(|e| e.round == round && e.status == EffectStatus::Due);
    if !open {
        return Err(Rejection::stale("Dieser Aufruf steht nicht mehr an.", "This call is no longer due."));
    }
    let note = decision.reason.de.clone();
    let formed = path.call > 0 && decision.is_of_labels() && sheet.run.ending.is_none();
    sheet.emit(Event::EffectRefused(EffectRefused { path: path.clone(), round, decision }));
    if let (StepKind::Agent(agent), true) = (&sheet.step(&path.step).kind, formed) {
        // nobody's rights change what the model wrote: it is told, and may write something else
        settle::put_down(sheet, path, None, &note);
        steps::agent::call_failed(sheet, path, agent);
        return Ok(());
    }
    if path.phase == laufzettel_domain::names::Phase::Undo {
        ending::stuck(sheet, &path.step, &note);
    } else {
        sheet.open_repair(TaskKind::Takeover, path, note);
    }
    Ok(())
}

fn take_over(sheet: &mut Sheet<'_>, path: &EffectPath, by: Caller) -> Result<(), Rejection> {
    let Some(effect) = sheet.run.effects.get(path).filter(|e| matches!(e.status, EffectStatus::Parked(_))) else {
        return Err(Rejection::stale("Dieser Schritt wartet nicht auf eine Übernahme.", "This step is not parked."));
    };
    // nothing happened yet, so the key stays
    let round = effect.round;
    sheet.emit(Event::EffectResumed(EffectResumed { path: path.clone(), round, by }));
    let path = path.clone();
    sheet.withdraw(|t| t.opened.path.as_ref() == Some(&path));
    Ok(())
}

/// As long as a delegation token lives, a call that was sent may still act.
const TOKEN_LIFE: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// What a person says came back must look like what the tool gives. Whoever saw that an agent's call happened, and not what
/// came of it, says just that.
fn fits(sheet: &Sheet<'_>, path: &EffectPath, value: &Value) -> Result<(), Rejection> {
    let types = &sheet.context.types;
    let schema = match (path.phase, sheet.run.effects.get(path)) {
        (Phase::Undo, _) | (_, None) => None,
        (Phase::Do, Some(_)) if path.call > 0 && *value == json!({}) => None,
        (Phase::Do, Some(effect)) if path.call > 0 => types.offered.get(&effect.intent.target).and_then(|types| types.output.as_ref()),
        (Phase::Do, Some(_)) => types.steps.get(&path.step),
    };
    // of `each` the step's value is the list
    let value = if path.item > 0 && path.call == 0 { json!([value]) } else { value.clone() };
    let problems = schema.map(|schema| schema.validate(&value)).unwrap_or_default();
    if problems.is_empty() { Ok(()) } else { Err(Rejection::Invalid(problems)) }
}

fn resolve(sheet: &mut Sheet<'_>, path: &EffectPath, by: Caller, resolution: Resolution) -> Result<(), Rejection> {
    let Some(effect) = sheet.run.effects.get(path).filter(|e| e.status == EffectStatus::Doubt).cloned() else {
        return Err(Rejection::stale("Dieser Schritt ist nicht im Zweifel.", "This step is not in doubt."));
    };
    match resolution {
        Resolution::Happened(value) => {
            fits(sheet, path, &value)?;
            let said = Some(by.clone());
            let settled = EffectSettled {
                path: path.clone(),
                round: effect.round,
                attempt: effect.attempt,
                by: Some(by),
                asked: false,
                meta: Meta::default(),
                value: value.clone(),
            };
            sheet.emit(Event::EffectSettled(settled));
            steps::settled(sheet, path, value, said.as_ref());
        }
        // it lets the call be made once more: as in the task, whoever says so has looked herself
        Resolution::DidNotHappen if !by.is_interactive() => claim::by_hand(&by)?,
        Resolution::DidNotHappen if sheet.at < effect.updated_at.saturating_add(TOKEN_LIFE).unwrap_or(sheet.at) => {
            return Err(Rejection::stale(
                "Der Aufruf kann noch eintreffen: frühestens eine Minute nach dem Versuch lässt sich sagen, dass er nicht geschehen ist.",
                "The call may still arrive: that it did not happen can be said a minute after the attempt at the earliest.",
            ));
        }
        // whoever has no use for it any more does not make it now
        Resolution::DidNotHappen if path.phase == Phase::Do && (sheet.run.ending.is_some() || settle::is_over(sheet, path)) => {
            settle::never_happened(sheet, path, by);
        }
        // a person orders a new execution: a new key
        Resolution::DidNotHappen => sheet.emit(Event::EffectResumed(EffectResumed { path: path.clone(), round: effect.round + 1, by })),
    }
    let path = path.clone();
    sheet.withdraw(|t| t.opened.path.as_ref() == Some(&path));
    Ok(())
}

/// Effects whose waiting time is over become due: the same attempt is made under the same key.
fn wake(sheet: &mut Sheet<'_>) {
    // what is over its time is not tried once more
    deadline::wake(sheet);
    let due: Vec<(EffectPath, u32)> = sheet
        .run
        .effects
        .iter()
        .filter(|(_, e)| matches!(e.status, EffectStatus::RetryAt(at) if at <= sheet.at))
        .map(|(path, e)| (path.clone(), e.round))
        .collect();
    for (path, round) in due {
        settle::resume(sheet, path, round);
    }
    asking::wake(sheet);
    steps::human::escalate(sheet);
}

/// Runs everything that needs nothing from outside.
pub(crate) fn advance(sheet: &mut Sheet<'_>) {
    while sheet.run.ended.is_none() {
        if sheet.run.ending.is_some() {
            return ending::advance(sheet);
        }
        if sheet.run.anew.is_some() {
            if !anew::advance(sheet) {
                return;
            }
            continue;
        }
        if let Some(over) = steps::wait::over(sheet) {
            steps::wait::finish(sheet, &over);
            continue;
        }
        if steps::each::advance(sheet) {
            continue;
        }
        let Some(next) = next_step(sheet) else { break };
        begin(sheet, &next);
    }
    if sheet.run.ended.is_none() && sheet.process.steps.keys().all(|id| sheet.run.steps.get(id).is_some_and(StepState::is_settled)) {
        ending::finish(sheet, State::Completed);
    }
}

/// The first step, in the graph's order, that has not begun and whose dependencies have all settled.
fn next_step(sheet: &Sheet<'_>) -> Option<StepId> {
    let settled = |id: &StepId| sheet.run.steps.get(id).is_some_and(StepState::is_settled);
    sheet.process.order.iter().find(|id| !sheet.run.steps.contains_key(*id) && sheet.step(id).needs.keys().all(settled)).cloned()
}

fn begin(sheet: &mut Sheet<'_>, id: &StepId) {
    let step = sheet.step(id);
    if let Some((need, cause)) = skipped_need(sheet, step) {
        let label = sheet.labels().of_skipped(step, &cause);
        return sheet.emit(Event::StepSkipped(StepSkipped { step: id.clone(), because: Some(need), by: None, label }));
    }
    if let Some(condition) = &step.condition {
        match condition.is_true(&sheet.scope()) {
            Ok(true) => {}
            Ok(false) => {
                let label = sheet.labels().of_skipped(step, &sheet.labels().of_condition(id));
                return sheet.emit(Event::StepSkipped(StepSkipped { step: id.clone(), because: None, by: None, label }));
            }
            Err(error) => return sheet.fail(&Slot::of(id.clone()), FailureClass::Invalid, format!("if: {error}")),
        }
    }
    match &step.each {
        Some(each) => steps::each::begin(sheet, id, each),
        None => steps::begin(sheet, &Slot::of(id.clone())),
    }
    deadline::set(sheet, id);
}

/// A step it needs that was skipped, and what that skipping tells.
fn skipped_need(sheet: &Sheet<'_>, step: &Step) -> Option<(StepId, laufzettel_domain::Label)> {
    step.needs.iter().filter(|(_, optional)| !**optional).find_map(|(need, _)| match sheet.run.steps.get(need) {
        Some(StepState::Skipped { label, .. }) => Some((need.clone(), label.clone())),
        _ => None,
    })
}
