//! Where a command's words go: data to stdout, everything else to stderr; over the socket to whoever asked.

use std::{io::Write as _, sync::Arc};

use laufzettel_domain::{Caller, Lang};
use laufzettel_server::{Seat, Site};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::wish::Asker;

/// Exit codes of every command.
pub mod code {
    pub const DONE: u8 = 0;
    pub const ENDED_BADLY: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const FINDINGS: u8 = 3;
    pub const DENIED: u8 = 4;
    pub const BROKEN: u8 = 5;
    pub const NOT_ANCHORED: u8 = 6;
    pub const WAITING: u8 = 7;
}

/// One piece of output on its way over the socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Piece {
    Out(String),
    Err(String),
    Code(u8),
}

/// A seat at the command line of one tenant.
#[derive(Clone)]
pub struct Place {
    pub site: Arc<Site>,
    pub tenant: String,
    pub seat: Seat,
}

#[derive(Clone)]
pub struct Out {
    pub lang: Lang,
    pub json: bool,
    /// The operating system's user on whose behalf this speaks.
    pub uid: u32,
    pub asker: Asker,
    /// Where whoever asks sits, at a server that knows its seats.
    pub place: Option<Place>,
    remote: Option<mpsc::Sender<Piece>>,
}

impl Out {
    pub fn new(lang: Lang, json: bool) -> Self {
        Self { lang, json, uid: rustix::process::getuid().as_raw(), asker: Asker::default(), place: None, remote: None }
    }

    pub fn remote(lang: Lang, json: bool, uid: u32, asker: Asker, to: mpsc::Sender<Piece>) -> Self {
        Self { lang, json, uid, asker, place: None, remote: Some(to) }
    }

    /// A line of data.
    pub async fn data(&self, line: impl Into<String>) {
        match &self.remote {
            // a reader that has seen enough closes the pipe; the work goes on
            None => drop(writeln!(std::io::stdout(), "{}", line.into())),
            // whoever asked has gone: the work goes on without a listener
            Some(to) => drop(to.send(Piece::Out(line.into())).await),
        }
    }

    pub async fn value(&self, value: &Value) {
        self.data(value.to_string()).await;
    }

    /// A line for a person.
    pub async fn note(&self, line: impl Into<String>) {
        match &self.remote {
            None => drop(writeln!(std::io::stderr(), "{}", line.into())),
            Some(to) => drop(to.send(Piece::Err(line.into())).await),
        }
    }

    /// Whoever has signed in at this seat (`laufzettel login`) and still is: a command may take hours.
    pub async fn signed_in(&self) -> Option<Caller> {
        let Place { site, tenant, seat } = self.place.as_ref()?;
        site.at_seat(tenant, seat).await
    }

    /// Whether whoever asks sits elsewhere: nobody can be asked on this terminal.
    pub fn is_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// Whether nobody listens any more.
    pub fn is_gone(&self) -> bool {
        self.remote.as_ref().is_some_and(mpsc::Sender::is_closed)
    }

    /// Words that name something, in the language of whoever asks.
    pub fn told(&self, de: impl Into<String>, en: impl Into<String>) -> String {
        match self.lang {
            Lang::De => de.into(),
            Lang::En => en.into(),
        }
    }

    pub fn text<'t>(&self, de: &'t str, en: &'t str) -> &'t str {
        match self.lang {
            Lang::De => de,
            Lang::En => en,
        }
    }
}
