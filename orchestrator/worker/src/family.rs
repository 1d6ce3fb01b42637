//! Runs that belong together: what a decision about one means for its children and its parent. All of it is written in one
//! append: a child begins with the record that it was called, and its end is its caller's news in the same moment.

use std::{collections::VecDeque, sync::Arc};

use jiff::Timestamp;
use laufzettel_domain::{Caller, RunId, Slot, Value, Via};
use laufzettel_engine::{self as engine, ChildEnd, Command, Event, Parent, Run, Start, State};
use laufzettel_policy::Decision;
use laufzettel_process::model::{RunAs, StepKind};
use laufzettel_store::failpoint;
use serde_json::json;

use crate::{
    desk::{Desk, Loaded, Told, WishError, rejected},
    tenant::Prepared,
};

/// Runs one decision may move: a list of a thousand children and their parents.
const MEMBERS_MAX: usize = 1_100;

/// A run as a decision leaves it.
pub(crate) struct Member {
    pub prepared: Arc<Prepared>,
    pub run: Run,
    /// Where it stood before; 0 for one that begins.
    pub before: u64,
    pub events: Vec<Event>,
    /// When: never before what the run has seen.
    pub at: Timestamp,
}

/// The first member is the one the decision was about.
pub(crate) struct Family {
    pub members: Vec<Member>,
    at: Timestamp,
}

/// What follows for another run.
enum Consequence {
    Begin { parent: RunId, started: Box<engine::ChildStarted> },
    CallOff(RunId),
    Tell { parent: RunId, child: RunId, end: Box<ChildEnd> },
}

impl Family {
    /// Follows a decision to everybody it concerns. `events` have been applied to `first`.
    pub async fn follow(desk: &Desk, first: Member, at: Timestamp) -> Result<Self, Told> {
        let mut family = Self { members: Vec::new(), at };
        let mut open: VecDeque<Consequence> = consequences(&first.run, &first.events).into();
        family.members.push(first);
        while let Some(consequence) = open.pop_front() {
            if family.members.len() > MEMBERS_MAX {
                return Err(Told::Wish(WishError::Unavailable(format!("mehr als {MEMBERS_MAX} Vorgänge hängen aneinander"))));
            }
            let (run, events) = match consequence {
                Consequence::Begin { parent, started } => family.begin(desk, parent, *started)?,
                Consequence::CallOff(run) => family.call_off(desk, run).await?,
                Consequence::Tell { parent, child, end } => family.tell(desk, parent, Command::ChildEnded { run: child, end: *end }).await?,
            };
            open.extend(consequences(family.run(run), &events));
        }
        Ok(family)
    }

    fn run(&self, id: RunId) -> &Run {
        &self.members.iter().find(|member| member.run.id == id).expect("it was just added").run
    }

    fn begin(&mut self, desk: &Desk, parent: RunId, started: engine::ChildStarted) -> Result<(RunId, Vec<Event>), Told> {
        failpoint::pass("family.before_begin", Told::Later)?;
        let caller = self.members.iter().find(|member| member.run.id == parent).expect("whoever calls is a member");
        let slot = Slot { step: started.step.clone(), item: started.item };
        if let Some(output) = desk.tenant.doors.child(started.step.as_str()) {
            return self.stand_in(parent, started.run, &slot, output);
        }
        let child = caller.prepared.process.children.get(&started.process).cloned();
        let child = child.ok_or_else(|| Told::Wish(WishError::Unavailable(format!("der Prozess {} ist nicht mehr da", started.process))))?;
        let prepared = desk.tenant.prepare(&child);
        let run = started.run;
        let start = Start {
            caller: started.who,
            run_as: RunAs::Caller,
            input: started.input,
            nummer: started.nummer,
            facts: json!({}),
            status_code: None,
            zone: caller.run.zone.clone(),
            decision: Decision {
                allow: true,
                reason: laufzettel_domain::Text::new("von einem Vorgang aufgerufen, unter dessen Rechten", "called by a run, under its rights"),
                rule: "process".to_owned(),
            },
            parent: Some((Parent { run: parent, step: started.step, item: started.item }, started.labels)),
        };
        let begun = engine::start(&prepared.process, &prepared.context, &desk.tenant.id, run, start, self.at);
        let (state, events) = begun.map_err(|rejection| Told::Wish(rejected(rejection)))?;
        self.members.push(Member { prepared, run: state, before: 0, events: events.clone(), at: self.at });
        Ok((run, events))
    }

    /// A case says what a child would have brought.
    fn stand_in(&mut self, parent: RunId, child: RunId, slot: &Slot, output: Value) -> Result<(RunId, Vec<Event>), Told> {
        let member = self.members.iter().find(|member| member.run.id == parent).expect("whoever calls is a member");
        let process = &member.prepared.process;
        let labels = match &process.steps[&slot.step].kind {
            StepKind::Process(call) => engine::labels_of_child(process, &member.prepared.context, &member.run, &slot.step, call),
            _ => laufzettel_policy::Labelled::default(),
        };
        let failed = output.get("error").and_then(Value::as_str).filter(|_| output.as_object().is_some_and(|map| map.len() == 1)).map(str::to_owned);
        let state = if failed.is_some() { State::Failed } else { State::Completed };
        // what a case answers in its place has done nothing
        let end = ChildEnd { state, output, labels, message: failed.unwrap_or_default(), clean: true };
        self.decide(parent, Command::ChildEnded { run: child, end })
    }

    async fn call_off(&mut self, desk: &Desk, run: RunId) -> Result<(RunId, Vec<Event>), Told> {
        failpoint::pass("family.before_call_off", Told::Later)?;
        self.add(desk, run).await?;
        let state = self.run(run);
        if state.ended.is_some() || state.ending.is_some() {
            return Ok((run, Vec::new()));
        }
        let by = Caller::service("engine", Via::Engine);
        self.decide(run, Command::Cancel { by, reason: "Der Vorgang, der ihn aufgerufen hat, braucht ihn nicht mehr.".to_owned() })
    }

    async fn tell(&mut self, desk: &Desk, run: RunId, command: Command) -> Result<(RunId, Vec<Event>), Told> {
        failpoint::pass("family.before_tell", Told::Later)?;
        self.add(desk, run).await?;
        if self.run(run).ended.is_some() {
            return Ok((run, Vec::new()));
        }
        self.decide(run, command)
    }

    /// Another run, folded as it stands.
    async fn add(&mut self, desk: &Desk, run: RunId) -> Result<(), Told> {
        if self.members.iter().any(|member| member.run.id == run) {
            return Ok(());
        }
        let loaded = desk.load(run).await.map_err(Told::Wish)?.ok_or(Told::Wish(WishError::Unknown))?;
        let Loaded { run, prepared, .. } = loaded;
        self.members.push(Member { before: run.seq, at: self.at.max(run.updated_at), prepared, run, events: Vec::new() });
        Ok(())
    }

    fn decide(&mut self, run: RunId, command: Command) -> Result<(RunId, Vec<Event>), Told> {
        let member = self.members.iter_mut().find(|member| member.run.id == run).expect("it was added before");
        let at = member.at;
        let events = engine::decide(&member.prepared.process, &member.prepared.context, &member.run, command, at)
            .map_err(|rejection| Told::Wish(rejected(rejection)))?;
        for event in &events {
            engine::apply(&mut member.run, event, at).map_err(|e| Told::Wish(WishError::Unavailable(e.to_string())))?;
        }
        member.events.extend(events.iter().cloned());
        Ok((run, events))
    }
}

/// What these events of a run mean for others.
fn consequences(run: &Run, events: &[Event]) -> Vec<Consequence> {
    let mut all = Vec::new();
    for event in events {
        match (event, &run.parent) {
            (Event::ChildStarted(started), _) => all.push(Consequence::Begin { parent: run.id, started: Box::new(started.clone()) }),
            (Event::RunEnded(ended), Some(parent)) => {
                let labels = ended.labels.clone().unwrap_or_default();
                let end = ChildEnd { state: ended.state, output: ended.output.clone(), labels, message: ended.message.clone(), clean: run.is_clean() };
                all.push(Consequence::Tell { parent: parent.run, child: run.id, end: Box::new(end) });
            }
            _ => {}
        }
    }
    if !events.is_empty() {
        all.extend(engine::orphans(run).into_iter().map(Consequence::CallOff));
    }
    all
}
