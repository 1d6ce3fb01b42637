//! What a process says of whoever applies: how sure it must be who she is (`login` of an intake), until when she may withdraw, and what
//! she gets in the end (`applicant`).

use laufzettel_domain::StepId;

use crate::expression::Template;

/// Until when an applicant may withdraw what she applied for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Withdraw {
    /// As long as the run goes on: nobody needs a leave to take an application back.
    #[default]
    Always,
    /// Until this step is done: it decides, and what follows carries that out.
    Until(StepId),
    Never,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applicant {
    pub withdraw: Withdraw,
    /// What she gets when the run is completed, by name, in the author's order: a text or a file each.
    pub receives: Vec<(String, Template)>,
}

/// How sure it is who somebody is, by the levels of the eIDAS regulation, Art. 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loa {
    Basis,
    Substanziell,
    Hoch,
}

impl Loa {
    pub const ALL: [(&'static str, Self); 3] = [("basis", Self::Basis), ("substanziell", Self::Substanziell), ("hoch", Self::Hoch)];

    /// As expressions and records have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Basis => "basis",
            Self::Substanziell => "substanziell",
            Self::Hoch => "hoch",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(word, _)| *word == text).map(|(_, level)| level)
    }
}

/// Before the form is shown: where she signs in, and how surely at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntakeLogin {
    /// Name of a provider of the tenant's configuration (`applicants`).
    pub oidc: String,
    pub loa: Loa,
}
