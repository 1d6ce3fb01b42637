//! Events from elsewhere: put into the mailbox, durable before anybody hears of it, and taken out by the run that waits.

use std::collections::BTreeSet;

use jiff::Timestamp;
use laufzettel_domain::{Actor, Caller, Path, Slot, Value};
use laufzettel_engine::{Command, KEY_CHARS_MAX, Rejection};
use laufzettel_journal::Draft;
use laufzettel_policy::{Action, Decision, Who, permit, permit_start};
use laufzettel_process::{Process, model::StepKind};
use laufzettel_store::{Append, AppendError, Handed, Mail, Message, failpoint};
use serde_json::json;

use crate::{
    desk::{Desk, Loaded, Told, WishError, Write},
    files,
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
    /// Takes an event in: durable when it returns. It reaches runs of those processes that wait for events of this name and that
    /// whoever reports it may start. `covers`: what the caller's key is for.
    pub async fn report(&self, happening: Happening, by: &Caller, covers: impl Fn(&str) -> bool) -> Result<(), DeliverError> {
        let processes = self.may_report(&happening.name, by, covers).await?;
        self.post(happening, Some(processes), by).await
    }

    async fn may_report(&self, name: &str, by: &Caller, covers: impl Fn(&str) -> bool) -> Result<Vec<String>, DeliverError> {
        let who = match self.who(by).await {
            Ok(who) => who,
            Err(Nobody::Unavailable) => return Err(DeliverError::Unavailable),
            Err(Nobody::Denied(decision)) => return Err(self.refused(name, by, decision).await),
        };
        // of the processes as they are, and of those whose runs began when they were otherwise
        let named = self.tenant.catalogue.processes.values().filter(|process| waits_for(process, name)).map(|process| process.id.to_string());
        let waiting = self.tenant.store.expecting(name).await.map_err(|_| DeliverError::Unavailable)?;
        let all: BTreeSet<String> = named.chain(waiting).collect();
        let (mut may, mut denied) = (Vec::new(), None);
        for id in all {
            let decision = self.may_start_at_all(&who, &id);
            match decision.allow {
                true if covers(&id) => may.push(id),
                true => {
                    denied = denied.or_else(|| Some(Decision::deny("key", "Der Schlüssel gilt nicht für diesen Prozess.", "The key is not for this process.")))
                }
                false => denied = Some(decision),
            }
        }
        match denied {
            _ if !may.is_empty() => Ok(may),
            Some(decision) => Err(self.refused(name, by, decision).await),
            None => Err(DeliverError::Unknown),
        }
    }

    /// By hand or as a service: on whichever way.
    fn may_start_at_all(&self, who: &Who, id: &str) -> Decision {
        let groups = self.tenant.catalogue.processes.get(id).map(|process| process.start.groups.as_slice()).unwrap_or_default();
        match who.caller.service_name() {
            Some(_) => permit(who, &Action::ProcessStart(id.to_owned()), Some(id), &self.tenant.rules),
            None => permit_start(who, id, groups, &self.tenant.rules),
        }
    }

    async fn refused(&self, name: &str, by: &Caller, decision: Decision) -> DeliverError {
        self.note("event.denied", by, json!({ "name": name, "decision": decision })).await;
        DeliverError::Denied(decision)
    }

    /// The same for whoever needs not be asked (cases).
    pub async fn post(&self, happening: Happening, processes: Option<Vec<String>>, by: &Caller) -> Result<(), DeliverError> {
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
        if !files::described(&payload).is_empty() {
            return invalid("Ein Ereignis bringt Angaben, keine Dateien.".to_owned(), "An event brings details, no files.".to_owned());
        }
        if key.is_empty() || key.chars().count() > KEY_CHARS_MAX {
            return invalid(format!("Ein Schlüssel hat 1 bis {KEY_CHARS_MAX} Zeichen."), format!("A key has 1 to {KEY_CHARS_MAX} characters."));
        }
        let at = crate::micros(self.now());
        let receipt = id.map(|id| format!("event:{}:{name}:{id}", by.subject));
        if failpoint::hit("event.before_append") {
            return Err(DeliverError::Unavailable);
        }
        let body = json!({ "v": 1, "by": by, "name": name, "processes": processes });
        let content = json!({ "key": key, "payload": payload });
        let draft = Draft::new("event.received", &by.subject, at, body, Some((&content, self.tenant.random::<16>())));
        let message = Message { name, key, payload: text, sender: by.subject.clone(), processes, at };
        let written = self.tenant.store.append(Append { drafts: vec![draft], post: Some(message), seen: receipt, ..Append::default() }).await;
        // the same message again: it is there already
        if !matches!(written, Ok(()) | Err(AppendError::Seen)) || failpoint::hit("event.after_append") {
            return Err(DeliverError::Unavailable);
        }
        self.tenant.memory.moved.notify_one();
        Ok(())
    }

    /// Hands a run what is there for it and came in time. `None`: nothing is.
    pub(crate) async fn take_mail(&self, loaded: &Loaded) -> Result<Option<Loaded>, Told> {
        if loaded.run.expects.is_empty() {
            return Ok(None);
        }
        let mail = self.tenant.store.mail(loaded.run.id, crate::micros(self.now())).await.map_err(|error| Told::Later(error.to_string()))?;
        let in_time =
            |mail: &Mail| Slot::parse(&mail.slot).and_then(|slot| loaded.run.waits.get(&slot)).is_none_or(|until| mail.message.at <= crate::micros(*until));
        let Some(mail) = mail.into_iter().find(in_time) else { return Ok(None) };
        failpoint::pass("event.before_take", Told::Later)?;
        let Some(command) = command(&mail) else { return self.put_aside(loaded, mail, Vec::new()).await };
        let handed = Handed { mail: mail.id, run: loaded.run.id, slot: mail.slot.clone() };
        let write = Write { fenced: true, taken: Some(handed), ..Write::of(&Actor::Engine, self.now()) };
        let as_it_is = Loaded { run: loaded.run.clone(), prepared: loaded.prepared.clone(), gone: None };
        match self.decide(as_it_is, command, write).await {
            Ok(loaded) => Ok(Some(loaded)),
            Err(Told::Wish(WishError::Rejected(Rejection::Invalid(problems)))) => {
                let fields = problems.into_iter().map(|problem| problem.path).collect();
                self.put_aside(loaded, mail, fields).await
            }
            Err(other) => Err(other),
        }
    }

    /// What does not fit is put aside with a record that says so: the run goes on waiting for what does, and others may have it. Of the fields that did not fit only those the author named are named.
    async fn put_aside(&self, loaded: &Loaded, mail: Mail, fields: Vec<Path>) -> Result<Option<Loaded>, Told> {
        let run = loaded.run.id;
        let event = Slot::parse(&mail.slot).and_then(|slot| match &loaded.prepared.process.steps.get(&slot.step)?.kind {
            StepKind::Wait(wait) => wait.event(),
            _ => None,
        });
        let declared = |name: &str| event.is_some_and(|event| event.output.root["properties"].get(name).is_some());
        let fields: BTreeSet<&str> = fields.iter().map(Path::root).filter(|name| declared(name)).collect();
        let body = json!({ "v": 1, "name": mail.message.name, "run": run.to_string(), "sender": mail.message.sender, "fields": fields });
        let content = json!({ "key": mail.message.key, "payload": mail.message.payload });
        let draft = Draft::new("event.refused", "engine", crate::micros(self.now()), body, Some((&content, self.tenant.random::<16>())));
        let refused = Some(Handed { mail: mail.id, run, slot: mail.slot });
        failpoint::pass("event.before_aside", Told::Later)?;
        let written = self.tenant.store.append(Append { drafts: vec![draft], refused, ..Append::default() }).await;
        failpoint::pass("event.after_aside", Told::Later)?;
        match written {
            Ok(()) => self.load(run).await.map_err(Told::Wish),
            Err(error) => Err(Told::Later(error.to_string())),
        }
    }
}

fn command(mail: &Mail) -> Option<Command> {
    let Message { name, key, payload, sender, at, .. } = mail.message.clone();
    Some(Command::Deliver {
        slot: Slot::parse(&mail.slot)?,
        name,
        key,
        payload: serde_json::from_str(&payload).ok()?,
        sender,
        sent_at: Timestamp::from_microsecond(at).ok()?,
    })
}
