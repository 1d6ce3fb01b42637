//! A checked process: what the engine runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use laufzettel_domain::{Digest, Kategorie, Label, Place, ProcessId, Schutzbedarf, Span, StepId, Trust, Value, Via};
use serde::{Deserialize, Serialize};

pub use crate::governance::{Aufbewahrung, Automatisierung, KiVerordnung};
use crate::{
    applicant::{Applicant, IntakeLogin},
    arrival::{FolderPaths, Mailbox},
    expression::{Expression, Template},
    poll::Poll,
    schedule::Schedule,
    schema::Schema,
    table::Table,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    pub id: ProcessId,
    pub version: semver::Version,
    pub title: String,
    pub description: String,
    pub verantwortlich: String,
    pub rechtsgrundlage: Vec<String>,
    pub zweck: String,
    pub schutzbedarf: Schutzbedarf,
    pub datenkategorien: BTreeSet<Kategorie>,
    pub betroffen: Option<Template>,
    pub aufbewahrung: Aufbewahrung,
    pub automatisierung: Automatisierung,
    pub ki_verordnung: Option<KiVerordnung>,
    pub start: Start,
    pub run_as: RunAs,
    pub triggers: Vec<Trigger>,
    pub input: Schema,
    pub steps: BTreeMap<StepId, Step>,
    /// Every step after all it depends on; among equals as in the file.
    pub order: Vec<StepId>,
    pub output: Vec<(String, Template)>,
    /// What whoever applied may do.
    pub applicant: Applicant,
    /// Texts of `render`, by the name the author wrote.
    pub templates: BTreeMap<String, String>,
    /// The file's name within the tenant's folder.
    pub file: String,
    /// The process file's own text.
    pub text: String,
    /// Every other file it reads, by path within the tenant's folder.
    pub files: BTreeMap<String, String>,
    /// Processes its steps call, as they stood when this one was read.
    pub children: BTreeMap<ProcessId, Arc<Process>>,
    /// Over `text` and `files`.
    pub digest: Digest,
}

impl Process {
    /// Nobody starts it by hand and nothing triggers it: it only ever runs as a child.
    pub fn is_only_a_child(&self) -> bool {
        self.start.groups.is_empty() && self.triggers.is_empty()
    }

    /// Whether a model has a say in it, or in a child of its.
    pub fn asks_a_model(&self) -> bool {
        self.steps.values().any(|step| match &step.kind {
            StepKind::Model(_) | StepKind::Agent(_) => true,
            StepKind::Process(call) => self.children.get(&call.name).is_none_or(|child| child.asks_a_model()),
            _ => false,
        })
    }

    /// What models are used for in it and in the processes it calls (Art. 50 KI-VO), each ground once; empty: no model has a say.
    pub fn model_uses(&self) -> Vec<&KiVerordnung> {
        let own = self.ki_verordnung.iter().filter(|_| self.asks_a_model());
        let mut uses: Vec<&KiVerordnung> = Vec::new();
        for more in own.chain(self.children.values().flat_map(|child| child.model_uses())) {
            if !uses.contains(&more) {
                uses.push(more);
            }
        }
        uses
    }

    /// The label of an input field that declares none of its own.
    pub fn default_label(&self, trust: Trust) -> Label {
        Label { schutzbedarf: self.schutzbedarf, kategorien: self.datenkategorien.clone(), trust }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// Directory groups that may start it by hand; empty = nobody.
    pub groups: Vec<String>,
    /// Ways in; empty = all.
    pub via: BTreeSet<Via>,
}

/// Under whose rights an effect happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunAs {
    Caller,
    Service(String),
    /// Who completed this human step.
    Step(StepId),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    pub kind: TriggerKind,
    pub run_as: RunAs,
    pub at: Place,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TriggerKind {
    Intake {
        path: String,
        public: bool,
        /// `None`: nobody needs to sign in.
        login: Option<IntakeLogin>,
    },
    Webhook {
        path: String,
        auth: HookAuth,
        respond: Respond,
    },
    /// By the clock, with this input.
    Cron {
        schedule: Box<Schedule>,
        input: Value,
    },
    /// By files somebody lays into a folder.
    Folder(FolderPaths),
    /// By e-mail.
    Mail(Mailbox),
    /// By entries a tool lists.
    Poll(Box<Poll>),
}

impl TriggerKind {
    /// How its runs begin; `None`: in the name of whoever applies.
    pub fn via(&self) -> Option<Via> {
        match self {
            Self::Intake { .. } => None,
            Self::Webhook { .. } => Some(Via::Webhook),
            Self::Cron { .. } => Some(Via::Cron),
            Self::Folder(_) => Some(Via::Folder),
            Self::Mail(_) => Some(Via::Mail),
            Self::Poll(_) => Some(Via::Poll),
        }
    }

    /// Whether what comes in by one could not be told from what comes in by the other.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Intake { path: a, .. }, Self::Intake { path: b, .. }) | (Self::Webhook { path: a, .. }, Self::Webhook { path: b, .. }) => a == b,
            (Self::Folder(a), Self::Folder(b)) => a.meets(b),
            (Self::Mail(a), Self::Mail(b)) => a == b,
            _ => false,
        }
    }
}

/// What a sender at a webhook must bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookAuth {
    /// A signature made with one of the secrets of this name.
    Signature { secret: String },
    /// A key that is for this process.
    Key,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Respond {
    Accepted,
    Result,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub id: StepId,
    pub title: String,
    pub at: Place,
    pub kind: StepKind,
    /// What it waits for; `true` = optional: it runs although that one was skipped.
    pub needs: BTreeMap<StepId, bool>,
    pub condition: Option<Expression>,
    /// Once for every element of a list.
    pub each: Option<Each>,
    pub repeat: Option<Repeat>,
    pub end_if: Option<Expression>,
    pub retry: Retry,
    /// Bounds one attempt.
    pub timeout: Option<Span>,
    /// Bounds the step with all its items and attempts.
    pub deadline: Option<Span>,
    pub on_error: OnError,
    pub undo: Option<ToolCall>,
    pub run_as: Option<RunAs>,
}

impl Step {
    /// Whether the step may be skipped though everything it needs is there: by its condition, or by whoever repairs it.
    pub fn may_be_skipped(&self) -> bool {
        self.condition.is_some() || self.on_error == OnError::Human
    }

    /// What a path into this step reads of one carrying out of it: without the index that names it.
    pub fn below<'p>(&self, path: &'p laufzettel_domain::Path) -> &'p [String] {
        let below = path.0.get(2..).unwrap_or_default();
        match below.split_first() {
            Some((index, rest)) if self.each.is_some() && laufzettel_domain::Path::is_element(index) => rest,
            _ => below,
        }
    }
}

/// Bounds of a step that is carried out for every element of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Each {
    pub list: Expression,
    /// Items under way at once.
    pub max_parallel: u32,
    /// `on_item_error: continue`: a failed item has no value, and the others go on.
    pub continues: bool,
}

/// A tool asked again until its answer says that it is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    pub until: Expression,
    pub every: Span,
    /// Calls in all.
    pub max: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    Tool(ToolCall),
    Model(Box<ModelCall>),
    Human(Box<Human>),
    Rules(Rules),
    Set(Template),
    Wait(Wait),
    Process(ChildCall),
    Agent(Box<Agent>),
}

impl StepKind {
    /// What a model is asked, once or turn by turn.
    pub fn asks(&self) -> Option<&ModelCall> {
        match self {
            Self::Model(call) => Some(call),
            Self::Agent(agent) => Some(&agent.call),
            _ => None,
        }
    }

    pub fn word(&self) -> &'static str {
        match self {
            Self::Tool(_) => "tool",
            Self::Model(_) => "model",
            Self::Human(_) => "human",
            Self::Rules(_) => "rules",
            Self::Set(_) => "set",
            Self::Wait(_) => "wait",
            Self::Process(_) => "process",
            Self::Agent(_) => "agent",
        }
    }

    /// Every value the author wrote into the step, by its key below the step.
    pub fn templates(&self) -> Vec<(String, &Template)> {
        match self {
            Self::Tool(call) => call.with.iter().map(|(k, t)| (format!("with.{k}"), t)).collect(),
            Self::Rules(rules) => rules.with.iter().map(|(k, t)| (format!("rules.with.{k}"), t)).collect(),
            Self::Set(template) => vec![("set".to_owned(), template)],
            Self::Process(call) => call.input.iter().map(|(k, t)| (format!("process.input.{k}"), t)).collect(),
            Self::Wait(wait) => wait.templates().into_iter().map(|(name, t)| (format!("wait.{name}"), t)).collect(),
            Self::Model(call) => {
                let data = call.data.iter().map(|(k, t)| (format!("model.data.{k}"), t));
                std::iter::once(("model.prompt".to_owned(), &call.prompt)).chain(data).collect()
            }
            Self::Agent(agent) => {
                let data = agent.call.data.iter().map(|(k, t)| (format!("agent.data.{k}"), t));
                let fixed =
                    agent.tools.iter().flat_map(|tool| tool.call.with.iter().map(move |(k, t)| (format!("agent.tools.{}.with.{k}", tool.call.name()), t)));
                std::iter::once(("agent.goal".to_owned(), &agent.call.prompt)).chain(data).chain(fixed).collect()
            }
            Self::Human(human) => {
                let named = [("show", &human.show), ("vorschlag", &human.vorschlag), ("form.properties", &human.auswahl)];
                let named = named.into_iter().flat_map(|(of, map)| map.iter().map(move |(k, t)| (format!("human.{of}.{k}"), t)));
                let due = human.due.iter().map(|t| ("human.due".to_owned(), t));
                named.chain(due).chain(human.escalate.iter().map(|e| ("human.escalate.after".to_owned(), &e.after))).collect()
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    pub server: String,
    pub tool: String,
    pub with: BTreeMap<String, Template>,
    pub at: Place,
}

impl ToolCall {
    pub fn name(&self) -> String {
        format!("{}/{}", self.server, self.tool)
    }
}

/// Another process as a child: its own run, under this step's rights.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildCall {
    pub name: ProcessId,
    pub input: BTreeMap<String, Template>,
    pub at: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    S,
    M,
    L,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ModelCall {
    pub size: Size,
    pub prompt: Template,
    /// Named blocks of material; the passages of `sources` are one of them ([`crate::cite::SOURCES`]).
    pub data: BTreeMap<String, Template>,
    /// With `belege` where `cite` demands them.
    pub output: Option<Schema>,
    /// The block of passages is one: `sources` was written.
    pub sources: bool,
    /// Everything the answer says is shown in a passage.
    pub cite: bool,
    /// Times an answer that does not fit the schema is asked for again.
    pub repair: u32,
}

/// A bounded loop: the model picks among these tools until it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// Goal (as `prompt`), material and answer.
    pub call: ModelCall,
    pub tools: Vec<AgentTool>,
    /// Groups the model may put a question to, and who approve its calls; empty: the unit that answers for the process approves.
    pub ask: Vec<String>,
    /// Answers of the model at most, the last of them final.
    pub max_turns: u32,
    /// Tokens of all its turns.
    pub max_tokens: u64,
    pub max_tool_calls: u32,
}

/// A tool an agent may call.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentTool {
    /// With the arguments the author has fixed: the model neither sees nor sets them.
    pub call: ToolCall,
    /// The author's words for the model; a server's own never reach it.
    pub description: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Human {
    pub assign: Assign,
    /// Four eyes: whoever completed one of these human steps may not complete this one.
    pub not_by: BTreeSet<StepId>,
    pub show: BTreeMap<String, Template>,
    /// The order the author wrote `show` in.
    pub show_order: Vec<String>,
    pub form: Schema,
    /// The order of the form's fields.
    pub form_order: Vec<String>,
    /// What is proposed for a field of the form.
    pub vorschlag: BTreeMap<String, Template>,
    /// Choices a field of the form offers (`x-auswahl`).
    pub auswahl: BTreeMap<String, Template>,
    pub due: Option<Template>,
    pub escalate: Option<Escalate>,
    pub ermessen: bool,
    pub release: Option<Release>,
}

impl Human {
    /// Not the staff is asked but whoever applied: her answer is foreign, and no gate.
    pub fn asks_applicant(&self) -> bool {
        self.assign.applicant
    }
}

/// Who is asked besides when nobody has answered by then.
#[derive(Debug, Clone, PartialEq)]
pub struct Escalate {
    pub after: Template,
    pub groups: Vec<String>,
}

/// What a person with that right lowers by completing the step: the labels of some of what she was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The new level.
    pub to: Schutzbedarf,
    /// The categories that stay.
    pub kategorien: BTreeSet<Kategorie>,
    /// Names of `show`.
    pub of: BTreeSet<String>,
}

impl Release {
    /// Never raises: what was lower already stays as it was. Trust is not released.
    pub fn lower(&self, label: &Label) -> Label {
        Label {
            schutzbedarf: label.schutzbedarf.min(self.to),
            kategorien: label.kategorien.intersection(&self.kategorien).copied().collect(),
            trust: label.trust,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Assign {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Whoever applied, on the status page; the groups are those asked besides since nobody answered in time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub applicant: bool,
    /// Subjects who may not, whatever else they may (`not_by`); known when the task opens.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub except: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    pub table: Table,
    pub with: BTreeMap<String, Template>,
    pub at: Place,
}

/// Time passes, or something happens elsewhere; nobody and nothing is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    pub what: Awaited,
    /// Ends it early, as soon as this step completes. Nothing it waits for.
    pub unless: Option<StepId>,
    pub at: Place,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Awaited {
    Time(Length),
    Event(Box<AwaitedEvent>),
}

/// A named event somebody delivers, under a key.
#[derive(Debug, Clone, PartialEq)]
pub struct AwaitedEvent {
    pub name: String,
    pub key: Template,
    /// What it brings.
    pub output: Schema,
    /// A duration; without one it is waited for as long as it takes.
    pub timeout: Option<Template>,
}

impl Wait {
    /// What the author wrote into it, by its key.
    pub fn templates(&self) -> Vec<(&'static str, &Template)> {
        match &self.what {
            Awaited::Time(length) => vec![(length.word(), length.template())],
            Awaited::Event(event) => std::iter::once(("key", &event.key)).chain(event.timeout.iter().map(|t| ("timeout", t))).collect(),
        }
    }

    pub fn templates_mut(&mut self) -> Vec<&mut Template> {
        match &mut self.what {
            Awaited::Time(length) => vec![length.template_mut()],
            Awaited::Event(event) => std::iter::once(&mut event.key).chain(event.timeout.iter_mut()).collect(),
        }
    }

    pub fn event(&self) -> Option<&AwaitedEvent> {
        match &self.what {
            Awaited::Time(_) => None,
            Awaited::Event(event) => Some(event),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Length {
    /// A duration from the moment the step begins.
    For(Template),
    /// The beginning of a date in the tenant's zone, or an instant.
    Until(Template),
}

impl Length {
    pub fn word(&self) -> &'static str {
        match self {
            Self::For(_) => "for",
            Self::Until(_) => "until",
        }
    }

    pub fn template(&self) -> &Template {
        match self {
            Self::For(template) | Self::Until(template) => template,
        }
    }

    pub fn template_mut(&mut self) -> &mut Template {
        match self {
            Self::For(template) | Self::Until(template) => template,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    Fail,
    Continue,
    /// Whoever answers for the process repairs it: again, with a value, without it, or not at all.
    Human,
}

/// Why an attempt failed, as authors name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    Timeout,
    Unavailable,
    InvalidOutput,
    /// The tool or model answered that it cannot: never retried.
    Refused,
    /// An expression or rule that gives no value: never retried.
    Invalid,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    pub attempts: u32,
    pub delay: Span,
    pub backoff: f64,
    pub max_delay: Span,
    pub on: BTreeSet<FailureClass>,
}

impl Default for Retry {
    /// One attempt; transport failures of idempotent effects are still retried by the engine's own rule when declared.
    fn default() -> Self {
        Self {
            attempts: 1,
            delay: Span::millis(1000),
            backoff: 2.0,
            max_delay: Span::millis(300_000),
            on: BTreeSet::from([FailureClass::Timeout, FailureClass::Unavailable, FailureClass::InvalidOutput]),
        }
    }
}

impl Retry {
    /// Milliseconds before attempt `next` (2 = the first repetition).
    pub fn delay_ms(&self, next: u32) -> i64 {
        let exponent = i32::try_from(next.saturating_sub(2)).unwrap_or(i32::MAX);
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "delays are small and clamped")]
        let delay = (self.delay.approx_millis() as f64 * self.backoff.powi(exponent)).min(1e15) as i64;
        delay.clamp(0, self.max_delay.approx_millis())
    }
}
