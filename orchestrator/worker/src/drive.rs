//! The worker: takes what is due through the doors, run by run, and wakes what sleeps.

use std::{collections::HashSet, sync::Arc, time::Duration};

use laufzettel_domain::{Actor, RunId};
use laufzettel_engine::{Command, Disposition, Effect, Meta, Outcome, Run, effects, wake_at};
use laufzettel_process::model::FailureClass;
use laufzettel_store::{Trouble, failpoint};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    arrivals,
    desk::{Desk, Loaded, Told, WishError, Write},
    door,
    schedules::Schedules,
    sweep::Sweep,
    tenant::Driving,
};

/// Runs driven at once: each waits for a server most of the time, and the store takes them in batches.
const RUNS_MAX: usize = 128;
/// Milliseconds after which the store is looked at though nobody called: another process may have written.
const POLL_MS: u64 = 1_000;
/// Milliseconds between two looks at a run whose calls are under way.
const LOOK_MS_MIN: u64 = 20;
/// Times an outcome is offered to a store that does not take it: ten seconds in all, where nobody knows why; where room is missing
/// or the disk can only be read, until somebody has mended that.
const APPEND_TRIES_MAX: u32 = 20;
/// Milliseconds before a run is read anew that somebody else has written to: if its row and its records ever disagree, that is a
/// look two hundred times a second and no processor lost.
const CONFLICT_MS: u64 = 5;
/// Milliseconds before a run is tried again whose store did not answer.
const AGAIN_MS: u64 = 500;

/// Drives a tenant's runs until it is told to stop.
pub struct Worker {
    desk: Desk,
    slots: Arc<Semaphore>,
}

impl Worker {
    pub fn new(desk: Desk) -> Self {
        Self { desk, slots: Arc::new(Semaphore::new(RUNS_MAX)) }
    }

    /// Ends when `stop` is cancelled and what was under way has been brought to the journal.
    pub async fn run(self, stop: CancellationToken) {
        let mut driven = JoinSet::new();
        if failpoint::hit("worker.started") {
            return;
        }
        let mut sweep = Sweep::default();
        let mut schedules = Schedules::default();
        // beside the loop: no run waits for somebody's disk
        let watching = tokio::spawn(arrivals::watch(self.desk.clone(), stop.clone()));
        while !stop.is_cancelled() && !watching.is_finished() {
            sweep.look(&self.desk).await;
            schedules.look(&self.desk).await;
            self.claim(&mut driven).await;
            let wait = self.sleep().await;
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.desk.tenant.memory.moved.notified() => {}
                () = tokio::time::sleep(wait) => {}
                Some(_) = driven.join_next(), if !driven.is_empty() => {}
            }
        }
        let _ = failpoint::hit("worker.stopping");
        self.bring_home(driven).await;
        if let Err(died) = watching.await {
            tracing::error!(%died, "what looks for arrivals ended before its time");
        }
    }

    /// What is under way ends by itself. While the store takes nothing it cannot: what it brings is then as lost as in a crash.
    async fn bring_home(&self, mut driven: JoinSet<()>) {
        loop {
            tokio::select! {
                done = driven.join_next() => if done.is_none() { return },
                () = tokio::time::sleep(Duration::from_millis(AGAIN_MS)) => {
                    if self.desk.tenant.store.trouble().is_some() {
                        driven.abort_all();
                    }
                }
            }
        }
    }

    /// Until the next timer, at most the polling interval.
    async fn sleep(&self) -> Duration {
        let now = crate::micros(self.desk.tenant.clock.now());
        let next = self.desk.tenant.store.next_wake().await.ok().flatten().filter(|at| *at > now);
        let until = next.map_or(POLL_MS, |at| u64::try_from((at - now) / 1000 + 1).unwrap_or(POLL_MS));
        Duration::from_millis(until.min(POLL_MS))
    }

    /// Begins every due run there is a slot for.
    async fn claim(&self, driven: &mut JoinSet<()>) {
        if failpoint::hit("worker.before_claim") {
            return;
        }
        let now = crate::micros(self.desk.tenant.clock.now());
        let due = match self.desk.tenant.store.claimable(now, 256).await {
            Ok(due) => due,
            Err(error) => {
                // what is wrong with its place the store has said itself, once
                if error.trouble().is_none() {
                    tracing::error!(%error, "the store does not say what is due");
                }
                return;
            }
        };
        for run in due {
            let Some(driving) = Driving::try_claim(&self.desk.tenant, run) else { continue };
            let Ok(slot) = self.slots.clone().try_acquire_owned() else { return };
            let desk = self.desk.clone();
            driven.spawn(async move {
                if let Err(error) = desk.drive_claimed(run).await {
                    if desk.tenant.store.trouble().is_none() {
                        tracing::warn!(%run, %error, "the run rests until it is looked at again");
                    }
                    tokio::time::sleep(Duration::from_millis(AGAIN_MS)).await;
                }
                drop(driving);
                drop(slot);
                desk.tenant.memory.moved.notify_one();
            });
        }
    }
}

impl Desk {
    /// Takes a run with its children as far as it goes now: until it has ended, waits for a person, or sleeps until a later time.
    /// Waits first if somebody else in this process is doing just that.
    pub async fn drive(&self, run: RunId) -> Result<(), WishError> {
        loop {
            let before = {
                let _driving = Driving::claim(&self.tenant, run).await;
                self.drive_claimed(run).await?;
                self.load(run).await?.ok_or(WishError::Unknown)?.run
            };
            for (_, child) in before.open_children() {
                Box::pin(self.drive(child.run)).await?;
            }
            // a child's end has moved its parent on
            let moved = before.open_children().next().is_some() && self.load(run).await?.is_some_and(|after| after.run.seq > before.seq);
            if !moved {
                return Ok(());
            }
        }
    }

    async fn drive_claimed(&self, run: RunId) -> Result<(), WishError> {
        failpoint::pass("worker.claimed", WishError::Unavailable)?;
        loop {
            let Some(loaded) = self.load(run).await? else { return Err(WishError::Unknown) };
            failpoint::pass("worker.folded", WishError::Unavailable)?;
            match self.drive_loaded(loaded).await {
                Ok(()) => return Ok(()),
                Err(Told::Conflict) => tokio::time::sleep(Duration::from_millis(CONFLICT_MS)).await,
                Err(Told::Later(error)) => return Err(WishError::Unavailable(error)),
                Err(Told::Wish(error)) => return Err(error),
            }
        }
    }

    async fn drive_loaded(&self, mut loaded: Loaded) -> Result<(), Told> {
        let mut under_way: JoinSet<(Effect, Command)> = JoinSet::new();
        let mut begun: HashSet<String> = HashSet::new();
        loop {
            match self.look_up(&loaded).await {
                Ok(None) => {}
                Ok(Some(moved)) => {
                    loaded = moved;
                    continue;
                }
                Err(Told::Conflict) => {
                    tokio::time::sleep(Duration::from_millis(CONFLICT_MS)).await;
                    loaded = self.load(loaded.run.id).await.map_err(Told::Wish)?.ok_or(Told::Wish(WishError::Unknown))?;
                    continue;
                }
                // what is under way is not dropped for it: the store is asked again a moment later
                Err(Told::Later(_)) if !under_way.is_empty() => {}
                Err(other) => return Err(other),
            }
            for effect in effects(&loaded.run) {
                let name = name_of(&effect);
                if begun.len() >= self.tenant.doors.at_once() || !begun.insert(name) {
                    continue;
                }
                self.send_off(&loaded, effect, &mut under_way);
            }
            if under_way.is_empty() {
                return Ok(());
            }
            let done = tokio::select! {
                done = under_way.join_next() => done,
                // what is under way takes its time; deadlines, repetitions and mail of the others do not wait for it
                () = tokio::time::sleep(self.next_look(&loaded.run)) => {
                    if let Ok(Some(fresh)) = self.load(loaded.run.id).await {
                        loaded = fresh;
                    }
                    continue;
                }
            };
            let Some(Ok((effect, command))) = done else {
                return Err(Told::Wish(WishError::Unavailable("ein Aufruf ist abgestürzt".to_owned())));
            };
            begun.remove(&name_of(&effect));
            failpoint::pass("worker.before_decide", Told::Later)?;
            loaded = self.settle_or_reload(loaded, &command).await?;
            failpoint::pass("worker.after_append", Told::Later)?;
        }
    }

    /// What has come by itself: first mail that came in time, then the time. `None`: nothing has.
    async fn look_up(&self, loaded: &Loaded) -> Result<Option<Loaded>, Told> {
        // mail waits in its box until somebody has looked at the run
        if loaded.run.is_parked() {
            return Ok(None);
        }
        if let Some(moved) = self.take_mail(loaded).await? {
            return Ok(Some(moved));
        }
        if wake_at(&loaded.run).is_none_or(|at| at > self.tenant.clock.now()) {
            return Ok(None);
        }
        failpoint::pass("worker.before_wake", Told::Later)?;
        let as_it_is = Loaded { run: loaded.run.clone(), prepared: loaded.prepared.clone(), gone: None };
        let moved = self.settle(as_it_is, Command::Wake).await?;
        Ok((moved.run.seq > loaded.run.seq).then_some(moved))
    }

    /// Until something of the run may come by itself.
    fn next_look(&self, run: &Run) -> Duration {
        let left = |at: jiff::Timestamp| u64::try_from(at.duration_since(self.tenant.clock.now()).as_millis() + 1).unwrap_or(0);
        // never faster than this, whatever stands in the way of what is due
        Duration::from_millis(wake_at(run).map_or(POLL_MS, left).clamp(LOOK_MS_MIN, POLL_MS))
    }

    /// Makes an outcome durable. If somebody else wrote meanwhile (a cancellation, an answer), the outcome still counts.
    async fn settle_or_reload(&self, loaded: Loaded, command: &Command) -> Result<Loaded, Told> {
        let run = loaded.run.id;
        let mut loaded = loaded;
        for tried in 0.. {
            match self.settle(loaded, command.clone()).await {
                Ok(loaded) => return Ok(loaded),
                Err(Told::Conflict) => {}
                // an outcome in hand is worth waiting for the store: without it the effect would be made again, or be in doubt
                Err(Told::Later(_)) if tried < APPEND_TRIES_MAX || self.tenant.store.trouble().is_some_and(Trouble::passes) => {
                    tokio::time::sleep(Duration::from_millis(AGAIN_MS)).await
                }
                // settled already by somebody else: what they wrote stands
                Err(Told::Wish(WishError::Rejected(_))) => {
                    return match self.load(run).await.map_err(Told::Wish)? {
                        Some(loaded) => Ok(loaded),
                        None => Err(Told::Wish(WishError::Unknown)),
                    };
                }
                Err(other) => return Err(other),
            }
            loaded = self.load(run).await.map_err(Told::Wish)?.ok_or(Told::Wish(WishError::Unknown))?;
        }
        unreachable!("the loop has no end of its own")
    }

    async fn settle(&self, loaded: Loaded, command: Command) -> Result<Loaded, Told> {
        failpoint::pass("worker.before_append", Told::Later)?;
        let write = Write { fenced: true, ..Write::of(&Actor::Engine, self.now()) };
        self.decide(loaded, command, write).await
    }

    fn send_off(&self, loaded: &Loaded, effect: Effect, under_way: &mut JoinSet<(Effect, Command)>) {
        let (desk, prepared, run) = (self.clone(), loaded.prepared.clone(), loaded.run.clone());
        if effect.asks {
            // whoever has asked before, asking again does no harm
            under_way.spawn(async move {
                let command = door::ask(&desk, &prepared, &run, &effect).await;
                (effect, command)
            });
            return;
        }
        let ours = self.tenant.memory.intended.lock().expect("nobody panics while holding this lock").remove(&effect.key);
        under_way.spawn(async move {
            if !ours && !effect.run.intent.repeatable {
                // somebody who is no longer there may have made this call: nobody knows
                let command = lost(&effect);
                return (effect, command);
            }
            let _ = failpoint::hit("worker.before_door");
            let command = door::pass(&desk, &prepared, &run, &effect).await;
            let _ = failpoint::hit("worker.after_door");
            (effect, command)
        });
    }
}

/// An attempt, or a question about it.
fn name_of(effect: &Effect) -> String {
    format!("{}#{}{}", effect.key, effect.attempt, if effect.asks { "?" } else { "" })
}

fn lost(effect: &Effect) -> Command {
    Command::Settle {
        path: effect.key.path.clone(),
        round: effect.key.round,
        attempt: effect.attempt,
        outcome: Outcome::Failed {
            class: FailureClass::Unavailable,
            disposition: Disposition::Unknown,
            message: "Das Programm wurde beendet, während dieser Aufruf lief. Ob er geschehen ist, weiß niemand.".to_owned(),
            meta: Meta { target: Some(effect.run.intent.target.clone()), ..Meta::default() },
        },
    }
}
