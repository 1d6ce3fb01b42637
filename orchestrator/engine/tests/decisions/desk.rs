//! A run at a desk: what is told it, and what it says of itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use laufzettel_domain::{Caller, Findings, Lang, RunId, Slot, StepId, TenantId, Value, Via};
use laufzettel_engine::{Answer, Command, Context, Disposition, Effect, Event, Meta, Outcome, Rejection, Run, Start, decide, effects, fold, start};
use laufzettel_policy::{Clearance, Decision, Effect as ToolEffect, ToolRule, Yields};
use laufzettel_process::{
    Folder, Process, Tools, Types,
    model::{FailureClass, RunAs},
    read,
};
use serde_json::json;

const HEAD: &str = "
process: probe
version: 1.0.0
title: Probe
verantwortlich: FB1
rechtsgrundlage: [§ 1]
zweck: Prüfen
schutzbedarf: normal
datenkategorien: [personenbezogen]
aufbewahrung: { vorgang: P1Y, inhalte: P1M }
automatisierung: assistenz
ki_verordnung: { klasse: minimal, begruendung: Test }
input: { type: object, properties: { n: { type: integer }, name: { type: string }, viele: { type: array, items: { type: string } } } }
";

/// What other processes may call.
const CHILD: &str = "
input: { type: object, additionalProperties: false, required: [wert], properties: { wert: { type: string } } }
steps:
  f: { human: { assign: { groups: [GG] }, show: { wert: \"{{ input.wert }}\" }, form: { type: object, properties: { ja: { type: boolean } } } } }
output: { gut: \"{{ steps.f.ja }}\", wert: \"{{ input.wert }}\" }
";

fn process(steps: &str, more: &[(&str, &str)]) -> Process {
    let text = format!("{HEAD}{steps}");
    let (head, _) = HEAD.split_once("input:").unwrap();
    let child = format!("{}{CHILD}", head.replace("process: probe", "process: kind"));
    let mut files = BTreeMap::from([("p.yaml".to_owned(), text), ("kind.yaml".to_owned(), child)]);
    files.extend(more.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    let folder = Folder { files };
    let mut findings = Findings::new("p.yaml");
    let process = read::read(&folder, "p.yaml", &mut findings);
    let lines: Vec<String> = findings.into_sorted().iter().map(|f| f.line(Lang::De)).collect();
    process.unwrap_or_else(|| panic!("{lines:#?}"))
}

fn context(process: &Process) -> Context {
    let rule = |effect, idempotent| ToolRule {
        identity: laufzettel_policy::Identity::Delegation,
        effect,
        idempotent,
        groups: vec![],
        content: std::collections::BTreeSet::new(),
        yields: Yields::default(),
        clearance: Clearance::default(),
        undo: None,
        recipient: None,
        settles: false,
    };
    Context {
        types: Types::of(process, &Tools::new()),
        tools: BTreeMap::from([
            ("t/lesen".to_owned(), rule(ToolEffect::Read, false)),
            ("t/schreiben".to_owned(), rule(ToolEffect::Write, true)),
            ("t/senden".to_owned(), rule(ToolEffect::Send, false)),
            // their server says afterwards what became of a call
            ("t/melden".to_owned(), ToolRule { settles: true, ..rule(ToolEffect::Send, false) }),
            ("t/buchen".to_owned(), ToolRule { settles: true, ..rule(ToolEffect::Write, true) }),
        ]),
        own_domains: vec![],
        zeitzone: "Europe/Berlin".into(),
    }
}

pub fn clerk() -> Caller {
    Caller { subject: "S-1".into(), name: "Klein".into(), upn: "k".into(), via: Via::Form, os_user: None }
}

pub fn yes() -> Decision {
    Decision { allow: true, reason: laufzettel_domain::Text::new("ja", "yes"), rule: "test".into() }
}

pub struct Desk {
    pub process: Process,
    pub context: Context,
    pub history: Vec<(Event, Timestamp)>,
    pub run: Run,
    pub at: Timestamp,
}

impl Desk {
    pub fn new(steps: &str, input: Value) -> Result<Self, Rejection> {
        Self::with_files(steps, &[], input)
    }

    /// With files the process reads.
    pub fn with_files(steps: &str, more: &[(&str, &str)], input: Value) -> Result<Self, Rejection> {
        Self::begun_by(steps, more, (clerk(), RunAs::Caller), json!({}), input)
    }

    /// Through the intake, as the applicant `k1` with a status page.
    pub fn applied(steps: &str, input: Value) -> Result<Self, Rejection> {
        let steps = format!("triggers: [{{ intake: {{ path: probe, run_as: service:svc }} }}]\n{}", steps.trim_start());
        let applicant = Caller::applicant("k1");
        Self::begun_by(&steps, &[], (applicant, RunAs::Service("svc".into())), json!({ "status_link": "http://vg/status/1" }), input)
    }

    pub fn begun_by(steps: &str, more: &[(&str, &str)], by: (Caller, RunAs), facts: Value, input: Value) -> Result<Self, Rejection> {
        let process = process(steps, more);
        let context = context(&process);
        let at: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
        let tenant = TenantId::parse("t").unwrap();
        let id = RunId::new(at, [1; 10]);
        let (caller, run_as) = by;
        let begin = Start { caller, run_as, input, nummer: "2026-000001".into(), facts, status_code: None, zone: None, decision: yes(), parent: None };
        let (run, events) = start(&process, &context, &tenant, id, begin, at)?;
        let history = events.into_iter().map(|e| (e, at)).collect();
        Ok(Self { process, context, history, run, at })
    }

    pub fn tell(&mut self, command: Command) -> Result<(), Rejection> {
        let events = decide(&self.process, &self.context, &self.run, command, self.at)?;
        for event in events {
            laufzettel_engine::apply(&mut self.run, &event, self.at).unwrap();
            self.history.push((event, self.at));
        }
        self.replay_law();
        Ok(())
    }

    /// Folding what was written gives what decide saw, through the bytes of the journal.
    pub fn replay_law(&self) {
        let read: Vec<(Event, Timestamp)> = self
            .history
            .iter()
            .map(|(event, at)| {
                let (body, content) = event.split();
                (Event::join(event.kind(), &body, content).unwrap(), *at)
            })
            .collect();
        assert_eq!(read, self.history);
        assert_eq!(fold(&self.run.tenant, self.run.id, &read).unwrap().as_ref(), Some(&self.run));
    }

    pub fn settle(&mut self, effect: &Effect, outcome: Outcome) -> Result<(), Rejection> {
        self.tell(Command::Settle { path: effect.key.path.clone(), round: effect.key.round, attempt: effect.attempt, outcome })
    }

    /// What its server says of the call that is asked about.
    pub fn testify(&mut self, outcome: Outcome) -> Result<(), Rejection> {
        let asked = self.due().into_iter().find(|effect| effect.asks).unwrap();
        self.tell(Command::Testify { path: asked.key.path, round: asked.key.round, attempt: asked.attempt, outcome })
    }

    pub fn due(&self) -> Vec<Effect> {
        effects(&self.run)
    }

    pub fn story(&self) -> String {
        let mut lines = Vec::new();
        for (event, _) in &self.history {
            lines.push(match event {
                Event::RunStarted(_) => "start".into(),
                Event::StepSkipped(e) => format!("-{}", e.step),
                Event::StepCompleted(e) => format!("+{}", slot(&e.step, e.item)),
                Event::StepFailed(e) => format!("!{}", slot(&e.step, e.item)),
                Event::RetryOrdered(e) => format!("order {} {}", e.step, e.round),
                Event::StepRetried(e) => format!("anew {} {}", e.step, e.round),
                Event::EachBegan(e) => format!("*{} {}", e.step, e.count),
                Event::DeadlineSet(e) => format!("until {}", e.until),
                Event::DeadlinePassed(e) => format!("late {}", e.step),
                Event::EffectIntended(e) => format!(">{}", e.path),
                Event::EffectSettled(e) => format!("<{}", e.path),
                Event::EffectFailed(e) => format!("x{} {:?}", e.path, e.next).split('(').next().unwrap_or_default().to_owned(),
                Event::EffectUnanswered(e) => format!("silent {}{}", e.path, if e.doubt { " doubt" } else { "" }),
                Event::EffectAsked(e) => format!("asked {}", e.path),
                Event::EffectDeferred(e) => format!("later {}", e.path),
                Event::EffectRefused(e) => format!("refused {}", e.path),
                Event::EffectResumed(e) => format!("again {} {}", e.path, e.round),
                Event::WaitBegan(e) => format!("~{} {}", slot(&e.step, e.item), e.until),
                Event::ChildStarted(e) => format!("call {} {} {}", slot(&e.step, e.item), e.nummer, e.input),
                Event::ChildEnded(e) => format!("back {} {}", slot(&e.step, e.item), e.state.as_str()),
                Event::EventAwaited(e) => format!("@{} {}:{}", slot(&e.step, e.item), e.name, e.key),
                Event::EventDelivered(e) => format!("event {}", slot(&e.step, e.item)),
                Event::TaskOpened(e) => format!("?{}", e.number),
                Event::TaskEscalated(e) => format!("more {} {}", e.number, e.groups.join(",")),
                Event::TaskClaimed(e) => format!("{} has {}", e.by.name, e.number),
                Event::TaskHanded(e) => format!("{} handed {}", e.to.name, e.number),
                Event::TaskDeferred(e) => format!("{} again {}", e.number, e.until.map_or_else(|| "now".to_owned(), |day| day.to_string())),
                Event::TaskReturned(e) => format!("returned {}", e.number),
                Event::TaskCompleted(e) => format!("answered {}", e.number),
                Event::TaskWithdrawn(e) => format!("withdrawn {}", e.number),
                Event::FileAdded(e) => format!("added {}", e.file["name"].as_str().unwrap_or("-")),
                Event::RunEnding(e) => format!("ending {:?}", e.ending),
                Event::RunEnded(e) => format!("{} {}", e.state.as_str(), e.output),
            });
        }
        lines.join(" | ")
    }
}

pub fn ok(value: Value) -> Outcome {
    Outcome::Ok { value, meta: Meta::default() }
}

pub fn no(class: FailureClass, disposition: Disposition) -> Outcome {
    Outcome::Failed { class, disposition, message: "kaputt".into(), meta: Meta::default() }
}

fn slot(step: &StepId, item: u32) -> Slot {
    Slot { step: step.clone(), item }
}

/// Answers the first open task.
pub fn answer(desk: &Desk, values: Value, by: Caller) -> Command {
    let task = desk.run.open_tasks().next().unwrap();
    Command::Answer(Answer { task: task.opened.number, by, values, shown: task.opened.shown, decision: yes(), release: None, stands_for: None })
}
