//! What an applicant sees and does beside the stations: what happened so far, her own data, withdrawing, handing in more.

use jiff::civil::DateTime;
use serde::Serialize;

use super::form::{FormView, ReviewGroup};

/// A step that is done, in plain words: never what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Happened {
    pub title: String,
    /// In the tenant's zone.
    pub at: DateTime,
    pub kind: HappenedKind,
    /// The model that helped, and in whose house; `None`: none did.
    pub model: Option<Helper>,
    /// What was asked, written to, or sent with: a register, the archive.
    pub place: Option<String>,
    /// That name is ours, in the language of the page; else an author's.
    pub place_is_ours: bool,
    /// The ground of a table of rules.
    pub source: Option<String>,
    /// It was taken back.
    pub undone: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Helper {
    pub name: String,
    /// „Stadtwerke, Trier“
    pub house: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HappenedKind {
    Read,
    Write,
    Send,
    Model,
    /// What stands in for a model without being one.
    Patterns,
    Rules,
    Set,
    Wait,
    Event,
    Process,
    /// Another case, in which a model may have had a say.
    ProcessWithModel,
    Staff,
    Applicant,
}

impl HappenedKind {
    /// Nobody was asked and nothing left its place: what whoever applied reads only if she wants to.
    pub fn is_computed(self) -> bool {
        matches!(self, Self::Rules | Self::Set | Self::Wait)
    }

    #[cfg(test)]
    pub const ALL: [Self; 13] = [
        Self::Read,
        Self::Write,
        Self::Send,
        Self::Model,
        Self::Patterns,
        Self::Rules,
        Self::Set,
        Self::Wait,
        Self::Event,
        Self::Process,
        Self::ProcessWithModel,
        Self::Staff,
        Self::Applicant,
    ];
}

/// Whether she may withdraw, and where; else why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Withdrawal {
    Open,
    Never,
    Decided,
    Over,
}

/// A file whoever applied handed in without being asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddedFile {
    /// In the tenant's zone.
    pub at: DateTime,
    /// Name, kind and size; `None`: it was erased.
    pub file: Option<String>,
    pub note: String,
    /// Where it is fetched.
    pub link: Option<String>,
}

/// That an applicant withdrew, as the staff sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withdrawn {
    /// In the tenant's zone.
    pub at: DateTime,
    /// Empty: she gave none, or it was erased.
    pub reason: String,
}

/// „Antrag zurückziehen“, asked once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RueckzugPage {
    pub title: String,
    pub number: String,
    pub action: String,
    pub back: String,
    pub reason: String,
    /// Characters of a reason.
    pub reason_max: usize,
    pub problem: Option<String>,
}

/// „Unterlagen nachreichen“.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NachreichenPage {
    pub title: String,
    pub number: String,
    pub action: String,
    pub back: String,
    pub form: FormView,
    pub added: Vec<AddedFile>,
    /// Idempotency key, made at the first look.
    pub key: String,
    /// It could not be taken now; what was typed is still there.
    pub later: bool,
}

/// „Ihre Angaben“: what she sent, as she sent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AngabenPage {
    pub responsible: String,
    pub title: String,
    pub number: String,
    pub back: String,
    pub received: DateTime,
    /// Who whoever applied is by her sign-in; `None`: nobody had to sign in.
    pub vouched: Option<Vouching>,
    pub groups: Vec<ReviewGroup>,
    pub answers: Vec<AnswerView>,
    pub files: Vec<OwnFile>,
    pub added: Vec<AddedFile>,
}

/// What she answered to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnswerView {
    pub title: String,
    pub at: DateTime,
    pub groups: Vec<ReviewGroup>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnFile {
    /// Name, kind and size.
    pub text: String,
    pub link: String,
}

/// A text she got in the end, as a letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BescheidPage {
    /// What it is, by the name the process gives it.
    pub heading: String,
    pub title: String,
    pub number: String,
    pub back: String,
    /// Laid out by [`super::markdown`]; `None`: its lines as they are.
    pub html: Option<String>,
    /// `None`: too long for a page.
    pub text: Option<String>,
    /// Where it is saved.
    pub file: String,
}

/// Signing in before applying, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AusweisenPage {
    /// What she is about to apply for.
    pub form: Option<String>,
    pub title: String,
    pub text: String,
    /// How surely she must be known, in words; `None`: that is not the point here.
    pub level: Option<String>,
    /// Where the sign-in begins.
    pub link: String,
}

/// Who somebody is by what a provider vouched for: beside what she wrote herself, never in place of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vouching {
    pub name: Option<String>,
    pub birthdate: Option<String>,
    /// How sure the provider is, in words.
    pub level: String,
    pub issuer: String,
    pub at: DateTime,
    /// Said to herself.
    pub hers: bool,
}
