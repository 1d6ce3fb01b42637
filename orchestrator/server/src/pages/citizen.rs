//! The pages of citizens: application, summary, receipt, status.

use jiff::civil::DateTime;
use laufzettel_domain::Lang;
use laufzettel_process::{Process, model::Automatisierung};
use serde::Serialize;

use crate::site::Notes;

use super::{
    ZoneChoice,
    form::{FormView, ReviewGroup},
    shown::Shown,
    stand::{AddedFile, Happened, OwnFile, Vouching, Withdrawal},
    words::{format_span, word},
};

/// One page of an application, or an entry of a list on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AntragPage {
    /// Where the form is sent; the summary and the last sending go there, too.
    pub action: String,
    pub title: String,
    pub description: String,
    /// The first page: it says what this is.
    pub first: bool,
    /// On the first page only.
    pub notice: Option<Notice>,
    /// Who whoever applied is by her sign-in; `None`: nobody had to sign in.
    pub vouched: Option<Vouching>,
    /// Somebody of the house fills it in.
    pub house: Option<House>,
    /// `None`: the form has one page.
    pub step: Option<Step>,
    /// Of an entry: what it is called, with its number.
    pub entry: Option<String>,
    pub hint: Option<String>,
    pub help: Option<String>,
    /// The wording of what there is to say first.
    pub message: Option<&'static str>,
    pub form: FormView,
    /// What is filled in elsewhere, and where somebody is.
    pub hidden: Vec<(String, String)>,
    /// There is a page before this one.
    pub back: bool,
    /// What the button forward says: [`super::INTENT_NEXT`] or [`super::INTENT_REVIEW`].
    pub forward: &'static str,
    /// The summary was there already and is where the button forward leads.
    pub to_summary: bool,
    /// Idempotency key, made at the first look.
    pub key: String,
}

/// What somebody of the house is told of a process she starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct House {
    pub responsible: String,
    pub version: String,
}

/// Which page of how many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    pub number: usize,
    pub title: String,
    pub all: Vec<StepRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepRow {
    pub title: String,
    pub state: StepProgress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepProgress {
    Done,
    Here,
    /// It was seen, and something on it is not right yet.
    Unfinished,
    Open,
}

impl AntragPage {
    /// „Schritt 2 von 5: Hund – Hund zur Hundesteuer anmelden“
    pub fn heading(&self, lang: Lang) -> String {
        let step =
            self.step.as_ref().map(|step| format!("{} {} {} {}: {}", word("step", lang), step.number, word("step_of", lang), step.all.len(), step.title));
        self.entry.iter().chain(&step).chain([&self.title]).cloned().collect::<Vec<_>>().join(" – ")
    }
}

/// An application that was put away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntwurfPage {
    /// Where the form goes on.
    pub action: String,
    pub title: String,
    /// In groups.
    pub code: String,
    /// Each group as it is read out.
    pub spelled: Vec<String>,
    /// The day it is deleted, in the tenant's zone.
    pub until: String,
    /// Where it is opened again, with scheme and host.
    pub address: String,
    /// Files that were not taken, each with why.
    pub refused: Vec<String>,
    pub hidden: Vec<(String, String)>,
    pub key: String,
}

/// An application that was not put away, as its draft was changed elsewhere meanwhile: both are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntwurfAndersPage {
    pub action: String,
    pub title: String,
    pub hidden: Vec<(String, String)>,
    pub key: String,
}

/// Where a code is typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WeiterPage {
    pub action: String,
    /// The form itself, to begin anew.
    pub form: String,
    pub title: String,
    /// The code opens nothing.
    pub wrong: bool,
    pub deleted: bool,
}

/// What is said before anything is asked (Art. 13 DSGVO, Art. 50 KI-VO).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    pub responsible: String,
    /// Address, telephone, opening hours: one line each.
    pub contact: Vec<String>,
    /// A model takes part.
    pub ai: bool,
    /// What it does, in the words of the process and of those it calls.
    pub ai_does: Vec<String>,
    pub decision: Decision,
    pub purpose: String,
    pub legal_basis: Vec<String>,
    /// „6 Monate“
    pub keep_contents: String,
    /// „10 Jahre“
    pub keep_case: String,
    /// Where else details go while the case is worked on, in words.
    pub recipients: Vec<String>,
    /// The data protection officer.
    pub privacy_contact: Option<String>,
}

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Assistenz,
    Teil,
    Voll,
}

impl Notice {
    /// With how the house is reached.
    #[must_use]
    pub fn reached(self, notes: &Notes) -> Self {
        Self { contact: notes.contact(&self.responsible), privacy_contact: notes.officer.clone(), ..self }
    }

    /// What the process itself says.
    pub fn of(process: &Process, lang: Lang) -> Self {
        Self {
            responsible: process.verantwortlich.clone(),
            contact: Vec::new(),
            ai: process.asks_a_model(),
            ai_does: process.model_uses().into_iter().map(|use_of| use_of.begruendung.clone()).collect(),
            decision: match process.automatisierung {
                Automatisierung::Assistenz => Decision::Assistenz,
                Automatisierung::Teil => Decision::Teil,
                Automatisierung::Voll => Decision::Voll,
            },
            purpose: process.zweck.clone(),
            legal_basis: process.rechtsgrundlage.clone(),
            keep_contents: format_span(&process.aufbewahrung.inhalte, lang),
            keep_case: format_span(&process.aufbewahrung.vorgang, lang),
            recipients: Vec::new(),
            privacy_contact: None,
        }
    }

    /// With where details go.
    #[must_use]
    pub fn given_to(self, recipients: Vec<String>) -> Self {
        Self { recipients, ..self }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ZusammenfassungPage {
    pub action: String,
    pub title: String,
    pub sections: Vec<ReviewSection>,
    /// Name and value of everything sent (`Form::own_pairs`).
    pub hidden: Vec<(String, String)>,
    /// Somebody of the house begins the case.
    pub house: bool,
    /// Where models may work on it; empty where there is nothing to choose.
    pub zones: Vec<ZoneChoice>,
    /// Who whoever applied is by her sign-in; `None`: nobody had to sign in.
    pub vouched: Option<Vouching>,
    /// Why it was not taken as it was sent.
    pub message: Option<String>,
    pub key: String,
}

/// What was answered on one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewSection {
    pub title: Option<String>,
    /// The place to change it at; `None`: the form has one page.
    pub change: Option<String>,
    pub groups: Vec<ReviewGroup>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuittungPage {
    /// The form it is the receipt of, and the code of the status page: what brings it once more.
    pub action: String,
    pub code: String,
    pub title: String,
    pub number: String,
    /// In the tenant's zone.
    pub received: DateTime,
    pub responsible: String,
    /// `/status/{code}`
    pub status_link: String,
    /// The same with scheme and host, to be written down.
    pub status_address: String,
    /// Where the confirmation goes.
    pub mail: Option<String>,
    /// What happens next, if more is known than the usual.
    pub next: Option<String>,
    /// Who whoever applied is by her sign-in; `None`: nobody had to sign in.
    pub vouched: Option<Vouching>,
}

/// The six words of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Station {
    Eingeleitet,
    Eingegangen,
    Angenommen,
    InBearbeitung,
    Rueckfrage,
    Abgeschlossen,
}

impl Station {
    pub const ALL: [Self; 6] = [Self::Eingeleitet, Self::Eingegangen, Self::Angenommen, Self::InBearbeitung, Self::Rueckfrage, Self::Abgeschlossen];
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusPage {
    pub title: String,
    pub number: String,
    pub responsible: String,
    /// Address, telephone, opening hours: one line each.
    pub contact: Vec<String>,
    /// All six in order; `StatusPage::stations` makes them.
    pub stations: Vec<StationView>,
    pub current: Station,
    pub next: NextWords,
    /// What became of an answer she has just sent.
    pub said: Option<Said>,
    /// What she typed and nobody takes any more, kept nowhere else.
    pub typed: Vec<ReviewGroup>,
    pub question: Option<Question>,
    pub answered: Vec<Answered>,
    /// Steps that are done, in the order they were.
    pub happened: Vec<Happened>,
    /// What a program computed in between, folded.
    pub computed: Vec<Happened>,
    /// Link to the next page of that list.
    pub more_steps: Option<String>,
    /// What the case is for: what was asked of registers was asked for this.
    pub purpose: String,
    pub decides: Decision,
    /// What she gets in the end.
    pub received: Vec<OwnFile>,
    /// When she took her application back, in the tenant's zone.
    pub withdrawn: Option<DateTime>,
    /// What was done is being taken back.
    pub ending: bool,
    /// Where she sees her own data.
    pub own: Option<String>,
    /// Where she hands in more, as long as it is taken.
    pub add: Option<String>,
    pub added: Vec<AddedFile>,
    /// `None`: nobody applied.
    pub withdraw: Option<Withdrawal>,
    pub withdraw_link: String,
}

/// What she is told about how it goes on: of the station, unless the run came to another end than a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NextWords {
    Station,
    /// The decision can be downloaded here.
    Received,
    /// It could be, but contents have been erased.
    Gone,
    /// Ended by a mistake; what has been decided till then, if anything, this page does not know.
    Failed,
    /// Ended by the house.
    Cancelled,
    /// Each before anything was decided.
    FailedUndecided,
    CancelledUndecided,
}

/// What became of an answer, or of what else she did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    Arrived,
    /// Somebody has answered already, or nobody asks any more.
    TooLate,
    /// The question says something else by now than what was answered; what was typed is still there.
    Changed,
    /// The run rests after a restore until somebody has looked; what was typed is still there.
    Resting,
    /// It could not be taken now; what was typed is still there.
    Later,
    /// Her application is withdrawn.
    Withdrawn,
    /// The file she handed in is here.
    Added,
}

/// A question to the applicant, with the form that answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    pub action: String,
    pub title: String,
    pub shown: Vec<Shown>,
    /// Of what is shown: an answer names it.
    pub digest: String,
    /// `None`: no page can show it.
    pub form: Option<FormView>,
    /// In the tenant's zone.
    pub due: Option<DateTime>,
    pub overdue: bool,
    /// Questions that come after it.
    pub more: usize,
    /// Idempotency key, made at the first look.
    pub key: String,
}

/// A question she has answered, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    pub title: String,
    /// In the tenant's zone.
    pub at: DateTime,
}

/// A station and when it was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    pub station: Station,
    /// In the tenant's zone.
    pub at: DateTime,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StationView {
    pub station: Station,
    pub current: bool,
    /// It lies behind: reached at a known time, or passed by a later one. A question may never have been asked.
    pub passed: bool,
    pub at: Option<DateTime>,
}

impl StatusPage {
    /// What is wrong with an answer, for the title of the page.
    pub fn problems(&self) -> usize {
        self.question.as_ref().and_then(|question| question.form.as_ref()).map_or(0, |form| form.problems.len())
    }

    pub fn stations(current: Station, reached: &[Reached]) -> Vec<StationView> {
        let at = |station| reached.iter().rev().find(|r| r.station == station).map(|r| r.at);
        let behind = Station::ALL.iter().take_while(|station| **station != current).count();
        let view = |(n, station): (usize, Station)| {
            let (at, current) = (at(station), station == current);
            let passed = !current && (at.is_some() || (n < behind && station != Station::Rueckfrage));
            StationView { station, current, passed, at }
        };
        Station::ALL.into_iter().enumerate().map(view).collect()
    }
}
