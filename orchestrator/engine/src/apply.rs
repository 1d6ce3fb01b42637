//! The only transition table: how an event changes a run, while recording and while recovering.

use std::collections::BTreeMap;

use jiff::Timestamp;
use laufzettel_domain::{Caller, EffectPath, RunId, Slot, StepId, TenantId, names::Phase};

use crate::{
    event::{Disposition, EffectFailed, EffectIntended, EffectUnanswered, Event, Next, RunStarted, StepRetried, TaskKind},
    run::{Added, Again, Anew, Child, Claimed, Deadline, EffectRun, EffectStatus, Element, Expected, Question, Run, StepState, Task, TaskState},
};

/// An event that cannot follow what came before: a damaged journal, or a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} cannot follow here: {why}")]
pub struct IllegalTransition {
    pub kind: &'static str,
    pub why: &'static str,
}

/// Rebuilds a run from its events in order. `None` for an empty history.
pub fn fold(tenant: &TenantId, id: RunId, events: &[(Event, Timestamp)]) -> Result<Option<Run>, IllegalTransition> {
    let Some(((first, at), rest)) = events.split_first() else { return Ok(None) };
    let mut run = begin(tenant, id, first, *at)?;
    for (event, at) in rest {
        apply(&mut run, event, *at)?;
    }
    Ok(Some(run))
}

/// The run its first event begins.
pub(crate) fn begin(tenant: &TenantId, id: RunId, event: &Event, at: Timestamp) -> Result<Run, IllegalTransition> {
    let Event::RunStarted(started) = event else {
        return Err(IllegalTransition { kind: event.kind(), why: "a run begins with run.started" });
    };
    let RunStarted { process, version, digest, nummer, caller, run_as, trust, zone, input, facts, contacts, parent, labels, .. } = started.clone();
    Ok(Run {
        tenant: tenant.clone(),
        id,
        seq: 1,
        process,
        version,
        digest,
        nummer,
        started_at: at,
        updated_at: at,
        caller,
        run_as,
        trust,
        zone,
        input,
        facts,
        contacts,
        steps: BTreeMap::new(),
        lists: BTreeMap::new(),
        items: BTreeMap::new(),
        completed: Vec::new(),
        effects: BTreeMap::new(),
        earlier: Vec::new(),
        earlier_children: Vec::new(),
        tasks: BTreeMap::new(),
        waits: BTreeMap::new(),
        parent,
        passed: labels,
        children: BTreeMap::new(),
        expects: BTreeMap::new(),
        rounds: BTreeMap::new(),
        deadlines: BTreeMap::new(),
        called: 0,
        anew: None,
        added: Vec::new(),
        withdrawn: None,
        ending: None,
        ended: None,
        output: laufzettel_domain::Value::Null,
        received: laufzettel_domain::Value::Null,
        message: String::new(),
    })
}

pub fn apply(run: &mut Run, event: &Event, at: Timestamp) -> Result<(), IllegalTransition> {
    let illegal = |why| Err(IllegalTransition { kind: event.kind(), why });
    if run.ended.is_some() {
        return illegal("the run has ended");
    }
    match event {
        Event::RunStarted(_) => return illegal("the run has started already"),
        Event::StepSkipped(e) => {
            // who repairs a step that has begun may let it go
            if run.steps.get(&e.step).is_some_and(|state| e.by.is_none() || *state != StepState::Active) {
                return illegal("the step has begun already");
            }
            run.steps.insert(e.step.clone(), StepState::Skipped { because: e.because.clone(), label: e.label.clone(), at });
            run.deadlines.remove(&e.step);
        }
        Event::StepCompleted(e) => {
            let slot = Slot { step: e.step.clone(), item: e.item };
            if !is_open(run, &slot) {
                return illegal("the step has settled already");
            }
            run.waits.remove(&slot);
            run.expects.remove(&slot);
            // what a person typed in nobody did, and there is nothing to undo; unless it did happen, and only its answer was of no use
            let happened = |effect: &EffectRun| matches!(effect.status, EffectStatus::GaveUp { disposition: Disposition::Happened, .. });
            if e.by.is_none() || run.effects.get(&EffectPath::of(&slot, Phase::Do)).is_some_and(happened) {
                run.completed.push(slot.clone());
            }
            close_deadline(run, &slot);
            run.set(slot, StepState::Completed { value: e.value.clone(), labels: e.labels.clone(), at });
        }
        Event::WaitBegan(e) => {
            let slot = Slot { step: e.step.clone(), item: e.item };
            if run.at(&slot).is_some() {
                return illegal("the step has begun already");
            }
            run.waits.insert(slot.clone(), e.until);
            run.set(slot, StepState::Active);
        }
        Event::ChildStarted(e) => {
            let slot = Slot { step: e.step.clone(), item: e.item };
            if run.at(&slot).is_some() {
                return illegal("the step has begun already");
            }
            run.children.insert(slot.clone(), Child { run: e.run, nummer: e.nummer.clone(), process: e.process.clone(), ended: false, clean: false });
            run.called += 1;
            run.set(slot, StepState::Active);
        }
        Event::ChildEnded(e) => {
            let slot = Slot { step: e.step.clone(), item: e.item };
            let Some(child) = run.children.get_mut(&slot).filter(|child| child.run == e.run && !child.ended) else {
                return illegal("there is no such child under way");
            };
            (child.ended, child.clean) = (true, e.clean);
        }
        Event::EventAwaited(e) => {
            let slot = Slot { step: e.step.clone(), item: e.item };
            if run.at(&slot).is_some() {
                return illegal("the step has begun already");
            }
            run.waits.extend(e.until.map(|until| (slot.clone(), until)));
            run.expects.insert(slot.clone(), Expected { name: e.name.clone(), key: e.key.clone() });
            run.set(slot, StepState::Active);
        }
        Event::EventDelivered(e) => {
            let slot = Slot { step: e.step.clone(), item: e.item };
            if run.expects.remove(&slot).is_none_or(|expected| expected.name != e.name) {
                return illegal("nothing waits for it");
            }
        }
        Event::StepFailed(e) => {
            let slot = Slot { step: e.step.clone(), item: e.item };
            if !is_open(run, &slot) {
                return illegal("the step has settled already");
            }
            run.waits.remove(&slot);
            run.expects.remove(&slot);
            close_deadline(run, &slot);
            run.set(slot, StepState::Failed { class: e.class, message: e.message.clone(), continues: e.continues, label: e.label.clone(), at });
        }
        Event::RetryOrdered(e) => {
            if run.anew.is_some() || run.ending.is_some() || !e.steps.iter().all(|step| run.steps.contains_key(step)) {
                return illegal("the run ends, another order is not carried out yet, or a step has not begun");
            }
            run.waits.retain(|slot, _| !e.steps.contains(&slot.step));
            run.expects.retain(|slot, _| !e.steps.contains(&slot.step));
            run.deadlines.retain(|step, _| !e.steps.contains(step));
            run.anew = Some(Anew { steps: e.steps.clone(), round: e.round, by: e.by.clone() });
        }
        Event::StepRetried(e) if run.anew.as_ref().is_some_and(|anew| anew.steps.contains(&e.step)) => put_back(run, e),
        Event::StepRetried(e) => {
            if run.steps.get(&e.step) != Some(&StepState::Active) {
                return illegal("the step has not begun, or has settled");
            }
            retried(run, e);
        }
        Event::EachBegan(e) => {
            if run.steps.contains_key(&e.step) {
                return illegal("the step has begun already");
            }
            let elements = e.items.iter().enumerate().map(|(index, item)| Element { index: index.into(), item: item.clone() });
            run.lists.insert(e.step.clone(), elements.collect());
            run.steps.insert(e.step.clone(), StepState::Active);
        }
        Event::DeadlineSet(e) => {
            if run.steps.get(&e.step) != Some(&StepState::Active) {
                return illegal("the step has not begun, or has settled");
            }
            run.deadlines.insert(e.step.clone(), Deadline::At(e.until));
        }
        Event::DeadlinePassed(e) => {
            if !matches!(run.deadlines.get(&e.step), Some(Deadline::At(_))) {
                return illegal("the step has no deadline");
            }
            run.deadlines.insert(e.step.clone(), Deadline::Passed);
        }
        Event::EffectIntended(e) => return intended(run, e, at),
        Event::EffectSettled(e) => {
            let effect = open_effect(run, &e.path, e.round, event.kind())?;
            effect.attempt = e.attempt;
            effect.tokens += e.meta.charged();
            effect.updated_at = at;
            effect.status = EffectStatus::Settled { value: e.value.clone() };
            effect.deferred = None;
            effect.question = None;
        }
        Event::EffectFailed(e) => failed(open_effect(run, &e.path, e.round, event.kind())?, e, at),
        Event::EffectUnanswered(e) => {
            if !unanswered(open_effect(run, &e.path, e.round, event.kind())?, e) {
                return illegal("its server was not asked");
            }
        }
        Event::EffectAsked(e) => {
            let effect = open_effect(run, &e.path, e.round, event.kind())?;
            let Some(question) = effect.question.as_mut().filter(|question| question.at.is_some()) else {
                return illegal("there is no question that waits");
            };
            question.at = None;
        }
        Event::EffectDeferred(e) => {
            let effect = open_effect(run, &e.path, e.round, event.kind())?;
            let times = effect.deferred.as_ref().map_or(0, |(times, _)| *times);
            effect.deferred = Some((times.saturating_add(1), e.reason.clone()));
            effect.status = EffectStatus::RetryAt(e.until);
            effect.updated_at = at;
        }
        Event::EffectRefused(e) => {
            let effect = open_effect(run, &e.path, e.round, event.kind())?;
            effect.status = EffectStatus::Parked(e.decision.clone());
            effect.deferred = None;
            effect.updated_at = at;
        }
        Event::EffectResumed(e) => {
            let effect = run.effects.get_mut(&e.path).filter(|f| f.status.is_open() && e.round >= f.round);
            let Some(effect) = effect else { return illegal("there is no such effect to resume") };
            if e.round > effect.round {
                effect.attempt = 1;
                effect.uncertain = false;
            }
            // whoever takes a person's parked call over answers for it with her own rights
            if matches!(effect.status, EffectStatus::Parked(_)) && effect.intent.who.is_person() && e.by.is_person() {
                effect.intent.who = e.by.clone();
            }
            effect.round = e.round;
            effect.status = EffectStatus::Due;
            effect.question = None;
            effect.updated_at = at;
        }
        Event::TaskOpened(e) => {
            if run.tasks.contains_key(&e.number) {
                return illegal("the task was opened already");
            }
            match e.kind {
                TaskKind::Human => run.set(Slot { step: e.step.clone(), item: e.item }, StepState::Active),
                TaskKind::Repair => {
                    // what is repaired has all the time a person takes
                    run.deadlines.remove(&e.step);
                    run.steps.insert(e.step.clone(), StepState::Active);
                }
                TaskKind::Takeover | TaskKind::Doubt | TaskKind::Approval | TaskKind::Ask | TaskKind::Restored => {}
            }
            run.tasks.insert(e.number, Task { opened: e.clone(), opened_at: at, escalated_at: None, claimed: None, state: TaskState::Open, superseded: false });
        }
        Event::TaskEscalated(e) => {
            let Some(task) = open_task(run, e.number) else { return illegal("the task is not open") };
            task.opened.escalate = None;
            task.escalated_at = Some(at);
            task.opened.assign.groups.extend(e.groups.iter().cloned());
        }
        Event::TaskClaimed(e) => {
            let Some(task) = open_task(run, e.number) else { return illegal("the task is not open") };
            if subject(task.claimed.as_ref().map(|claimed| &claimed.by)) != subject(e.over.as_ref()) {
                return illegal("somebody else has the task");
            }
            task.claimed = Some(Claimed { by: e.by.clone(), at, again: None });
        }
        Event::TaskHanded(e) => {
            let Some(task) = open_task(run, e.number) else { return illegal("the task is not open") };
            if subject(task.claimed.as_ref().map(|claimed| &claimed.by)) != subject(Some(&e.by)) {
                return illegal("somebody else has the task, or nobody");
            }
            task.claimed = Some(Claimed { by: e.to.clone(), at, again: None });
        }
        Event::TaskReturned(e) => {
            let Some(task) = open_task(run, e.number) else { return illegal("the task is not open") };
            if subject(task.claimed.as_ref().map(|claimed| &claimed.by)) != subject(Some(&e.by)) {
                return illegal("somebody else has the task, or nobody");
            }
            task.claimed = None;
        }
        Event::TaskDeferred(e) => {
            let Some(claimed) = open_task(run, e.number).and_then(|task| task.claimed.as_mut()).filter(|claimed| claimed.by.subject == e.by.subject) else {
                return illegal("the task is not open, or somebody else has it");
            };
            claimed.again = e.until.map(|day| Again { day, note: e.note.clone() });
        }
        Event::TaskCompleted(e) => {
            let Some(task) = open_task(run, e.number) else { return illegal("the task is not open") };
            task.state = TaskState::Completed { by: e.by.clone(), values: e.values.clone(), at };
        }
        Event::TaskWithdrawn(e) => {
            let Some(task) = open_task(run, e.number) else { return illegal("the task is not open") };
            task.state = TaskState::Withdrawn;
        }
        Event::FileAdded(e) => run.added.push(Added { at, file: e.file.clone(), note: e.note.clone() }),
        Event::RunEnding(e) => {
            run.ending = Some((e.ending, e.step.clone()));
            if e.by.as_ref().is_some_and(Caller::is_applicant) {
                run.withdrawn = Some((at, e.reason.clone()));
            }
            // nothing new starts: what would have come after is not waited for
            run.waits.clear();
            run.expects.clear();
            run.deadlines.clear();
            run.anew = None;
            run.message.clone_from(&e.reason);
        }
        Event::RunEnded(e) => {
            if !e.state.is_final() {
                return illegal("not a final state");
            }
            run.ended = Some((e.state, at));
            run.output = e.output.clone();
            run.received = e.received.clone();
            run.message.clone_from(&e.message);
        }
    }
    moved(run, at);
    Ok(())
}

fn is_open(run: &Run, slot: &Slot) -> bool {
    matches!(run.at(slot), None | Some(StepState::Active))
}

/// A deadline is the step's, not an item's.
fn close_deadline(run: &mut Run, slot: &Slot) {
    if slot.item == 0 {
        run.deadlines.remove(&slot.step);
    }
}

/// The step has not begun; items that are done stay done.
fn retried(run: &mut Run, event: &StepRetried) {
    let listed = run.lists.contains_key(&event.step);
    run.items.retain(|slot, state| slot.step != event.step || matches!(state, StepState::Completed { .. }));
    let stays = |path: &EffectPath| path.step != event.step || path.phase == Phase::Undo || (listed && run.items.contains_key(&path.slot()));
    let (kept, over): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut run.effects).into_iter().partition(|(path, _)| stays(path));
    run.effects = kept;
    // it begins anew; what it did stands
    run.earlier.extend(over.into_iter().filter(|(path, effect)| path.phase == Phase::Do && effect.acted()));
    run.rounds.insert(event.step.clone(), event.round);
    let items = &run.items;
    let (kept, over): (BTreeMap<_, _>, BTreeMap<_, _>) =
        std::mem::take(&mut run.children).into_iter().partition(|(slot, _)| slot.step != event.step || items.contains_key(slot));
    run.children = kept;
    run.earlier_children.extend(over.into_iter().filter(|(_, child)| !child.clean));
    // what was approved or answered in an earlier round is not taken for this one's
    let over = |path: &EffectPath| path.step == event.step && !items.contains_key(&path.slot());
    for task in run.tasks.values_mut().filter(|task| task.opened.kind.is_own() && task.opened.path.as_ref().is_some_and(over)) {
        task.opened.path = None;
    }
    if !listed {
        run.steps.remove(&event.step);
    }
}

/// The step has not begun: nothing of it is left but what was written. Its effects had all come to their end.
fn put_back(run: &mut Run, event: &StepRetried) {
    let other = |step: &StepId| *step != event.step;
    run.steps.remove(&event.step);
    run.lists.remove(&event.step);
    run.items.retain(|slot, _| other(&slot.step));
    run.completed.retain(|slot| other(&slot.step));
    run.effects.retain(|path, _| other(&path.step));
    run.children.retain(|slot, _| other(&slot.step));
    run.rounds.insert(event.step.clone(), event.round);
    for task in run.tasks.values_mut().filter(|task| !other(&task.opened.step)) {
        task.superseded = true;
        task.opened.path = None;
    }
    let left = run.anew.as_mut().is_some_and(|anew| {
        anew.steps.remove(&event.step);
        !anew.steps.is_empty()
    });
    if !left {
        run.anew = None;
    }
}

fn moved(run: &mut Run, at: Timestamp) {
    run.seq += 1;
    run.updated_at = at;
}

fn open_task(run: &mut Run, number: u32) -> Option<&mut Task> {
    run.tasks.get_mut(&number).filter(|task| task.state == TaskState::Open)
}

fn subject(caller: Option<&Caller>) -> Option<&str> {
    caller.map(|caller| caller.subject.as_str())
}

fn open_effect<'r>(run: &'r mut Run, path: &EffectPath, round: u32, kind: &'static str) -> Result<&'r mut EffectRun, IllegalTransition> {
    run.effects
        .get_mut(path)
        .filter(|effect| effect.status.is_open() && effect.round == round)
        .ok_or(IllegalTransition { kind, why: "there is no such open effect in this round" })
}

fn intended(run: &mut Run, intent: &EffectIntended, at: Timestamp) -> Result<(), IllegalTransition> {
    if run.effects.contains_key(&intent.path) {
        return Err(IllegalTransition { kind: "effect.intended", why: "the effect was intended already" });
    }
    if intent.path.phase == Phase::Do {
        run.set(intent.path.slot(), StepState::Active);
    }
    let effect = EffectRun {
        intent: intent.clone(),
        round: intent.round,
        attempt: 1,
        status: intent.not_before.map_or(EffectStatus::Due, EffectStatus::RetryAt),
        uncertain: false,
        tokens: 0,
        deferred: None,
        question: None,
        intended_at: at,
        updated_at: at,
    };
    run.effects.insert(intent.path.clone(), effect);
    moved(run, at);
    Ok(())
}

fn failed(effect: &mut EffectRun, event: &EffectFailed, at: Timestamp) {
    effect.updated_at = at;
    effect.attempt = event.attempt;
    effect.tokens += event.meta.charged();
    // a server that was asked answers for every attempt so far
    effect.uncertain = (effect.uncertain && !event.asked) || event.disposition != Disposition::DidNotHappen;
    effect.deferred = None;
    effect.question = (event.next == Next::Settle).then_some(Question { since: at, class: event.class, unanswered: 0, at: None });
    effect.status = match &event.next {
        Next::RetryAt(when) => {
            effect.attempt = event.attempt + 1;
            EffectStatus::RetryAt(*when)
        }
        Next::Settle => EffectStatus::Settling,
        Next::Doubt => EffectStatus::Doubt,
        Next::Repair | Next::GiveUp => {
            let disposition = match event.disposition {
                // somebody who has looked knows better than any attempt
                Disposition::DidNotHappen if effect.uncertain && event.by.is_none() => Disposition::Unknown,
                other => other,
            };
            EffectStatus::GaveUp { class: event.class, message: event.message.clone(), disposition }
        }
    };
}

/// When the call was made stays what it was: a person who looks counts from there. `false`: nothing was asked.
fn unanswered(effect: &mut EffectRun, event: &EffectUnanswered) -> bool {
    let Some(question) = effect.question.as_mut().filter(|question| question.at.is_none()) else { return false };
    question.unanswered += 1;
    question.at = Some(event.until);
    if event.doubt {
        effect.status = EffectStatus::Doubt;
    }
    true
}
