//! The inbox and one task.

use jiff::civil::{Date, DateTime};
use serde::Serialize;

use super::{Link, form::FormView, live::Live, shown::Shown, sieve::Sieve, stand::AddedFile};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AufgabenPage {
    pub tasks: Vec<TaskRow>,
    /// Without a deadline, and a case stands still until they are done.
    pub halted: Vec<TaskRow>,
    /// Hers that she put aside until a later day.
    pub aside: Vec<TaskRow>,
    /// The next page of the list.
    pub more: Option<String>,
    pub live: Option<Live>,
    pub sieve: Sieve,
    /// So many tasks were counted, and there are more.
    pub counted: Option<usize>,
    /// Ways to cases that ended without doing what they were for.
    pub gone_wrong: Vec<Link>,
    /// A task was just completed.
    pub next: Option<Next>,
    /// What else just came of one: the wording that says so.
    pub notice: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Next {
    pub task: Option<TaskRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskRow {
    /// Something went otherwise than planned: the wording that says so.
    pub mark: Option<&'static str>,
    pub link: String,
    pub title: String,
    pub process: String,
    /// Of the case.
    pub number: String,
    /// In the tenant's zone.
    pub due: Option<DateTime>,
    pub overdue: bool,
    /// She who looks has taken it.
    pub mine: bool,
    /// Whose deputy she would be in it.
    pub stands_for: Option<String>,
    /// Who else has taken it.
    pub holder: Option<String>,
    /// The day she wants to see it again.
    pub again: Option<Date>,
}

impl AufgabenPage {
    /// Most urgent first, those without a deadline last; `now` in the tenant's zone decides what is overdue. What is put aside lies open
    /// again on its day, and as soon as it is overdue.
    pub fn new(mut tasks: Vec<TaskRow>, now: DateTime) -> Self {
        for task in &mut tasks {
            task.overdue = task.due.is_some_and(|due| due < now);
        }
        tasks.sort_by(|a, b| (a.due.is_none(), a.due, &a.number).cmp(&(b.due.is_none(), b.due, &b.number)));
        let (aside, mut tasks): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|task| !task.overdue && task.again.is_some_and(|day| day > now.date()));
        tasks.iter_mut().for_each(|task| task.again = None);
        Self {
            tasks,
            halted: Vec::new(),
            aside,
            more: None,
            live: None,
            sieve: Sieve::new("/aufgaben"),
            counted: None,
            gone_wrong: Vec::new(),
            next: None,
            notice: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AufgabePage {
    pub action: String,
    pub title: String,
    pub process: String,
    pub number: String,
    /// Where the case is, for whoever may see it.
    pub case_link: Option<String>,
    /// Since when more people are asked, for nobody had answered in time.
    pub escalated: Option<DateTime>,
    pub due: Option<DateTime>,
    pub overdue: bool,
    /// Why the task is there, if it is no plain step: a door refused, an outcome is unknown, somebody was faster.
    pub message: Option<String>,
    /// The same as the journal has it, in German.
    pub note: Option<String>,
    /// What just came of it: the wording that says so.
    pub notice: Option<&'static str>,
    /// Of a task the engine asks by itself.
    pub told: Option<Told>,
    /// Who whoever applied is by her sign-in; `None`: nobody had to sign in.
    pub vouched: Option<super::stand::Vouching>,
    pub shown: Vec<Shown>,
    /// The label of every value that names none.
    pub label: Option<String>,
    /// Where the page shows long texts in full length; none where it does, or has none.
    pub everything: Option<String>,
    /// What the applicant handed in without being asked.
    pub added: Vec<AddedFile>,
    /// Digest of what is shown; sent back with the answer.
    pub digest: String,
    pub form: FormView,
    pub hand: Hand,
}

/// Business beside the decision, with a form of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Beside {
    /// Its wordings: this, with `_hint` and `_button`.
    pub name: &'static str,
    pub action: String,
    /// Something of it is filled in: it stands open.
    pub begun: bool,
    pub form: FormView,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Aside {
    /// In words.
    pub day: String,
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Handed {
    pub by: String,
    pub note: String,
}

/// What a task of the engine's own is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Told {
    pub happened: String,
    /// What the case has changed in the world so far.
    pub done: Vec<String>,
    pub choices: Vec<Choice>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    pub choice: String,
    pub does: String,
}

/// Who has a task in hand, and what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Hand {
    /// It is hers who looks.
    pub mine: bool,
    /// Somebody else has it: there is only the way to take it over, and what was typed before.
    pub holder: Option<String>,
    /// What was typed before is shown, whoever has it.
    pub kept: bool,
    /// Why she takes it over, as typed.
    pub reason: String,
    /// She who looks stands in for whoever has it: there is the form.
    pub stands_for: Option<String>,
    /// Where she may hand on what is hers.
    pub hand_over: Option<Beside>,
    /// Where she puts aside what is hers.
    pub put_aside: Option<Beside>,
    /// It is put aside.
    pub aside: Option<Aside>,
    /// Who gave it to her, with what note.
    pub handed: Option<Handed>,
    /// The button was pressed without a reason.
    pub missing: bool,
}
