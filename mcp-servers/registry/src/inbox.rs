//! The restricted inbox: who asked for a blocked person, for the people entitled to know. It is written after the
//! answer and for every search the same way is taken up to here, so that the answer's time tells nothing.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use laufzettel_mcp_kit::Delegation;
use serde_json::json;
use tokio::{fs::OpenOptions, io::AsyncWriteExt, sync::mpsc, task::JoinHandle};

use crate::source::Record;

/// Searches waiting to be looked at; beyond that a search waits, blocked or not.
const WAITING_MAX: usize = 1024;

/// A search that was answered.
pub(crate) struct Asked {
    pub register: Arc<str>,
    pub inbox: Option<PathBuf>,
    pub at: i64,
    pub who: Delegation,
    pub criteria: BTreeMap<String, String>,
    pub blocked: Vec<Record>,
}

/// Resolves when all notes are written; only then may the process end.
#[derive(Debug)]
pub struct Written(JoinHandle<()>);

impl Written {
    /// Waits for the last note. The registry must have been dropped before.
    pub async fn all(self) {
        if self.0.await.is_err() {
            tracing::error!("the inbox writer broke off");
        }
    }
}

/// Starts the writer.
pub(crate) fn open() -> (mpsc::Sender<Asked>, Written) {
    let (sender, mut receiver) = mpsc::channel::<Asked>(WAITING_MAX);
    let writer = tokio::spawn(async move {
        while let Some(asked) = receiver.recv().await {
            if let (Some(inbox), false) = (&asked.inbox, asked.blocked.is_empty())
                && let Err(error) = note(inbox, &asked).await
            {
                tracing::error!(%error, "a request could not be noted in the inbox");
            }
        }
    });
    (sender, Written(writer))
}

async fn note(inbox: &PathBuf, asked: &Asked) -> std::io::Result<()> {
    let line = json!({
        "at": asked.at,
        "register": &*asked.register,
        "tenant": asked.who.tenant,
        "subject": asked.who.subject,
        "name": asked.who.name,
        "run": asked.who.run,
        "step": asked.who.step,
        "zweck": asked.who.zweck,
        "search": asked.criteria,
        "blocked": asked.blocked,
    });
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(inbox).await?;
    // One write for the whole line: two servers may append to the same file.
    file.write_all(format!("{line}\n").as_bytes()).await?;
    file.sync_data().await
}
