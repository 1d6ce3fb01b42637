//! `applicant:` what a process says of whoever applied: until when she may withdraw, and what she gets in the end.

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
