//! A command that needs the open store, as a value: carried out here, or by the server that holds the store.

use std::collections::BTreeMap;

use laufzettel_domain::Digest;
use laufzettel_worker::Candidate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Of the server's own pages: only a running one answers it.
    Login,
    Logout,
    Run(RunWish),
    RunsList {
        state: Option<String>,
        process: Option<String>,
        unit: Option<String>,
        nummer: Option<String>,
        limit: u32,
    },
    RunsShow {
        run: String,
    },
    RunsCancel {
        run: String,
        reason: String,
    },
    RunsRetry {
        run: String,
        step: Option<String>,
    },
    RunsResolve {
        run: String,
        step: String,
        happened: Option<Value>,
    },
    RunsReplay {
        run: String,
    },
    TasksList {
        step: Option<String>,
        process: Option<String>,
        closed: bool,
    },
    TasksShow {
        task: String,
    },
    TasksClaim {
        task: String,
        reason: String,
    },
    TasksHandOver {
        task: String,
        to: String,
        note: String,
    },
    TasksReturn {
        task: String,
    },
    TasksComplete {
        task: String,
        values: Value,
    },
    AuditVerify,
    AuditShow(ShowWish),
    AuditExport {
        format: String,
    },
    AuditCheckpoint,
    AuditErase {
        run: String,
        reason: String,
        with_decisions: bool,
    },
    AuditLedger(LedgerWish),
    AuditSubject(SubjectWish),
    AuditProcessing {
        process: Option<String>,
        format: String,
    },
    /// Approved definitions, by tool.
    PinApproved {
        server: String,
        tools: BTreeMap<String, Digest>,
    },
    Release {
        candidate: Candidate,
    },
    TenantsShow,
    KeysCreate(KeysCreate),
    KeysList,
    KeysRevoke {
        key: String,
    },
    UsersList,
    UsersShow {
        user: String,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeysCreate {
    pub name: String,
    pub service: Option<String>,
    pub processes: Vec<String>,
    pub per_minute: u32,
    pub expires: String,
}

/// Which records; days are civil days of the tenant, both included.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShowWish {
    pub run: Option<String>,
    pub kind: Option<String>,
    pub person: Option<String>,
    pub tool: Option<String>,
    pub document: Option<String>,
    pub denied: bool,
    pub from: Option<jiff::civil::Date>,
    pub until: Option<jiff::civil::Date>,
    pub limit: u32,
}

/// Whom to look for: names of fields and what stands in them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SubjectWish {
    pub fields: Vec<(String, String)>,
    pub reason: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LedgerWish {
    /// Civil days of the tenant, both included.
    pub from: Option<jiff::civil::Date>,
    pub to: Option<jiff::civil::Date>,
    pub by: Option<Period>,
    /// `csv`, `jsonl`; without it lines for people.
    pub format: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    Month,
    Day,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunWish {
    pub process: String,
    /// Of the file that was named, if one was: exactly this is to run.
    pub file: Option<laufzettel_domain::Digest>,
    /// Files in it carry their bytes as `resource`.
    pub input: Value,
    pub zone: Option<String>,
    pub answers: BTreeMap<String, Value>,
    pub until_waiting: bool,
    /// Whether somebody sits at a terminal and can be asked.
    pub interactive: bool,
}

/// Who asks, as far as the command line says so.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Asker {
    /// `--as`
    pub by: Option<String>,
    /// Of that person, where the directory checks passwords. Never written anywhere.
    pub password: Option<String>,
}

/// What is sent to a server that holds the store: over a socket only this user and the server's may open.
#[derive(Serialize, Deserialize)]
pub struct Envelope {
    pub wish: Wish,
    pub lang: laufzettel_domain::Lang,
    pub json: bool,
    pub asker: Asker,
}
