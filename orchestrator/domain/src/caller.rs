//! Who acts. A caller is a subject, never a token and never a list of groups: those are asked for at every door.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How somebody reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// Signed in interactively, on a page.
    Form,
    /// Signed in interactively, at a terminal of this house.
    Terminal,
    Api,
    Mcp,
    Webhook,
    Intake,
    Cron,
    /// A file somebody laid into a folder.
    Folder,
    /// An e-mail that was delivered.
    Mail,
    /// An entry a tool listed when it was asked.
    Poll,
    /// The engine itself going on with a run.
    Engine,
}

/// A subject as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Caller {
    /// AD objectSid, OIDC sub, `service:<name>` or `applicant:<case>`.
    pub subject: String,
    /// Display name.
    pub name: String,
    /// Sign-in name; empty for services and applicants.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub upn: String,
    pub via: Via,
    /// At the command line, whoever logged in at the machine (`loginuid`, else the process's user); told by the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_user: Option<String>,
}

impl Caller {
    pub fn service(name: &str, via: Via) -> Self {
        Self { subject: format!("service:{name}"), name: name.to_owned(), upn: String::new(), via, os_user: None }
    }

    pub fn applicant(case: &str) -> Self {
        Self { subject: format!("applicant:{case}"), name: "Antragsteller/in".to_owned(), upn: String::new(), via: Via::Intake, os_user: None }
    }

    /// The service account's name, if this is one.
    pub fn service_name(&self) -> Option<&str> {
        self.subject.strip_prefix("service:")
    }

    pub fn is_applicant(&self) -> bool {
        self.subject.starts_with("applicant:")
    }

    /// A person of the directory: neither a service account nor an applicant.
    pub fn is_person(&self) -> bool {
        self.service_name().is_none() && !self.is_applicant()
    }

    /// Whether a human gate may be answered this way.
    pub fn is_interactive(&self) -> bool {
        self.is_person() && matches!(self.via, Via::Form | Via::Terminal)
    }
}

/// Who a record names: a caller, or the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    Engine,
    Caller(Caller),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine => f.write_str("engine"),
            Self::Caller(caller) => f.write_str(&caller.subject),
        }
    }
}
