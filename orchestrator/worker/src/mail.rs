//! Events from elsewhere: put into the mailbox, durable before anybody hears of it, and taken out by the run that waits.

use jiff::Timestamp;
use laufzettel_domain::{Actor, Caller, Slot, Value};
use laufzettel_engine::{Command, KEY_CHARS_MAX, Rejection};
use laufzettel_journal::Draft;
use laufzettel_policy::{Action, Decision, permit};
use laufzettel_process::{Process, model::StepKind};
use laufzettel_store::{Append, AppendError, Mail, Message, failpoint};
use serde_json::json;

use crate::{
    desk::{Desk, Loaded, Told, WishError, Write},
    tenant::Nobody,
};

/// Bytes of one message (256 KiB): facts, never files.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// Something that happened elsewhere.
#[derive(Debug, Clone)]
pub struct Happening {
    pub name: String,
    pub key: String,
    /// An object.
    pub payload: Value,
    /// Under which the same message is recognised when it comes again.
    pub id: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// No process waits for an event of this name.
    #[error("nothing waits for an event of this name")]
    Unknown,
    #[error("denied")]
    Denied(Decision),
    /// What is wrong with it, in both languages.
    #[error("{0:?}")]
    Invalid(laufzettel_domain::Text),
    #[error("the store does not take it now")]
    Unavailable,
}

fn waits_for(process: &Process, name: &str) -> bool {
    process.steps.values().any(|step| matches!(&step.kind, StepKind::Wait(wait) if wait.event().is_some_and(|event| event.name == name)))
}

impl Desk {
    /// Takes an event in: durable when it returns. Who may start a process that waits for events of this name may report one.
    /// `covers`: what the caller's key is for.
    pub async fn report(&self, happening: Happening, by: &Caller, covers: impl Fn(&str) -> bool) -> Result<(), DeliverError> {
        self.may_report(&happening.name, by, covers).await?;
        self.post(happening, by).await
    }

    async fn may_report(&self, name: &str, by: &Caller, covers: impl Fn(&str) -> bool) -> Result<(), DeliverError> {
        let who = match self.who(by).await {
            Ok(who) => who,
            Err(Nobody::Unavailable) => return Err(DeliverError::Unavailable),
            Err(Nobody::Denied(decision)) => return Err(self.refused(name, by, decision).await),
        };
        let mut denied = None;
        for process in self.tenant.catalogue.processes.values().filter(|process| waits_for(process, name)) {
            let decision = permit(&who, &Action::ProcessStart(process.id.to_string()), Some(process.id.as_str()), &self.tenant.rules);
            match decision.allow {
                true if covers(process.id.as_str()) => return Ok(()),
                true => {
                    denied = denied.or_else(|| Some(Decision::deny("key", "Der Schlüssel gilt nicht für diesen Prozess.", "The key is not for this process.")))
                }
                false => denied = Some(decision),
            }
        }
        match denied {
            Some(decision) => Err(self.refused(name, by, decision).await),
            None => Err(DeliverError::Unknown),
        }
    }

    async fn refused(&self, name: &str, by: &Caller, decision: Decision) -> DeliverError {
        self.note("event.denied", by, json!({ "name": name, "decision": decision })).await;
        DeliverError::Denied(decision)
    }

    /// The same for whoever needs not be asked (cases).
    pub async fn post(&self, happening: Happening, by: &Caller) -> Result<(), DeliverError> {
        let Happening { name, key, payload, id } = happening;
        let invalid = |de: String, en: String| Err(DeliverError::Invalid(laufzettel_domain::Text::new(de, en)));
        let text = payload.to_string();
        if !payload.is_object() || text.len() > MESSAGE_BYTES_MAX {
            let max = MESSAGE_BYTES_MAX >> 10;
            return invalid(
                format!("Was ein Ereignis bringt, ist ein Block von höchstens {max} KiB."),
                format!("What an event brings is an object of {max} KiB at most."),
            );
        }
        if key.is_empty() || key.chars().count() > KEY_CHARS_MAX {
            return invalid(format!("Ein Schlüssel hat 1 bis {KEY_CHARS_MAX} Zeichen."), format!("A key has 1 to {KEY_CHARS_MAX} characters."));
        }
        let at = crate::micros(self.now());
        let receipt = id.map(|id| format!("event:{}:{name}:{id}", by.subject));
        if failpoint::hit("event.before_append") {
            return Err(DeliverError::Unavailable);
        }
        let body = json!({ "v": 1, "by": by, "name": name });
        let content = json!({ "key": key, "payload": payload });
        let draft = Draft::new("event.received", &by.subject, at, body, Some((&content, self.tenant.random::<16>())));
        let message = Message { name, key, payload: text, sender: by.subject.clone(), at };
        let written = self.tenant.store.append(Append { drafts: vec![draft], post: Some(message), seen: receipt, ..Append::default() }).await;
        // the same message again: it is there already
        if !matches!(written, Ok(()) | Err(AppendError::Seen)) || failpoint::hit("event.after_append") {
            return Err(DeliverError::Unavailable);
        }
        self.tenant.memory.moved.notify_one();
        Ok(())
    }

    /// Hands a run what is there for it. `None`: nothing is.
    pub(crate) async fn take_mail(&self, loaded: Loaded) -> Result<Option<Loaded>, Told> {
        if loaded.run.expects.is_empty() {
            return Ok(None);
        }
        let mail = self.tenant.store.mail(loaded.run.id).await.map_err(|error| Told::Later(error.to_string()))?;
        let Some(mail) = mail.into_iter().next() else { return Ok(None) };
        if failpoint::hit("event.before_take") {
            return Err(Told::Later("failpoint".to_owned()));
        }
        let run = loaded.run.id;
        let Some(command) = command(&mail) else { return self.put_aside(run, mail, json!("unlesbar")).await };
        let write = Write { fenced: true, taken: Some(mail.id), ..Write::of(&Actor::Engine, self.now()) };
        match self.decide(loaded, command, write).await {
            Ok(loaded) => Ok(Some(loaded)),
            Err(Told::Wish(WishError::Rejected(Rejection::Invalid(problems)))) => {
                let why: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
                self.put_aside(run, mail, json!(why)).await
            }
            Err(other) => Err(other),
        }
    }

    /// What does not fit is taken out with a record that says so: the run goes on waiting for what does.
    async fn put_aside(&self, run: laufzettel_domain::RunId, mail: Mail, fields: Value) -> Result<Option<Loaded>, Told> {
        let body = json!({ "v": 1, "name": mail.message.name, "run": run.to_string(), "sender": mail.message.sender, "fields": fields });
        let content = json!({ "key": mail.message.key, "payload": mail.message.payload });
        let draft = Draft::new("event.refused", "engine", crate::micros(self.now()), body, Some((&content, self.tenant.random::<16>())));
        let written = self.tenant.store.append(Append { drafts: vec![draft], taken: Some(mail.id), ..Append::default() }).await;
        match written {
            Ok(()) | Err(AppendError::Conflict(_)) => self.load(run).await.map_err(Told::Wish),
            Err(error) => Err(Told::Later(error.to_string())),
        }
    }
}

fn command(mail: &Mail) -> Option<Command> {
    let Message { name, key, payload, sender, at } = mail.message.clone();
    Some(Command::Deliver {
        slot: Slot::parse(&mail.slot)?,
        name,
        key,
        payload: serde_json::from_str(&payload).ok()?,
        sender,
        sent_at: Timestamp::from_microsecond(at).ok()?,
    })
}
