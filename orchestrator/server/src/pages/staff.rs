//! Pages around the work: sign-in, errors, start page, the catalogue and its start form.

use jiff::civil::DateTime;
use serde::Serialize;

use super::{Link, form::ReviewGroup};

/// Every way a tenant offers; several tenants may share one page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AnmeldenPage {
    /// Where picking a person goes.
    pub action: String,
    pub people: Vec<PersonChoice>,
    /// Identity providers by their tenant's name.
    pub providers: Vec<Link>,
    pub passwords: Vec<PasswordForm>,
    /// More than one tenant: each is named.
    pub several: bool,
    /// Where to go afterwards; the handler checks that it is a path of ours.
    pub back: Option<String>,
    /// The button was pressed without a choice.
    pub missing: bool,
    /// Tenants nobody can sign in to now, and why.
    pub closed: Vec<String>,
    /// The session ended because the account did.
    pub ended: bool,
}

impl AnmeldenPage {
    /// Things wrong on the page, for its title.
    pub fn problems(&self) -> usize {
        usize::from(self.missing) + self.passwords.iter().filter(|form| form.problem.is_some()).count()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PasswordForm {
    pub action: String,
    pub tenant: String,
    /// The name as it was typed; a password is never shown again.
    pub user: String,
    pub problem: Option<String>,
}

/// A command line that waits for this person, or has just been signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TerminalPage {
    pub action: String,
    /// As it stands at the command line, to be compared.
    pub code: String,
    pub os_user: String,
    pub done: bool,
}

/// Signed out here, not yet at the identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AbgemeldetPage {
    pub provider: Link,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonChoice {
    /// What the form sends.
    pub id: String,
    pub name: String,
    /// Unit or groups, to tell people apart.
    pub role: String,
    /// The house, where there are several.
    pub tenant: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FehlerPage {
    /// HTTP status, shown small for whoever is asked for help.
    pub status: u16,
    pub title: String,
    pub message: String,
    /// What the person can do; without it the usual.
    pub advice: Option<String>,
    pub link: Option<Link>,
    /// What was typed and is kept nowhere else.
    pub typed: Vec<ReviewGroup>,
}

/// The forms of one house.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormGroup {
    /// `None`: there is no other.
    pub tenant: Option<String>,
    pub forms: Vec<Link>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StartseitePage {
    pub open_tasks: usize,
    pub overdue: usize,
    /// Public forms, house by house.
    pub forms: Vec<FormGroup>,
    /// Whether this person may read the journal, erase without reading it, and look after the house.
    pub audit: bool,
    pub erasure: bool,
    pub operation: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProzessePage {
    pub processes: Vec<ProcessRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProcessRow {
    pub id: String,
    pub version: String,
    pub title: String,
    pub description: String,
    /// What it is for.
    pub purpose: String,
    pub responsible: String,
    /// Everything about it, where this person may see that.
    pub page: Option<String>,
    /// A key of the wordings.
    pub released: &'static str,
    /// Its start form, where this person may start it.
    pub start: Option<String>,
    /// Its public form.
    pub public: Option<String>,
    /// By what else it begins by itself, a sentence each.
    pub ways: Vec<String>,
    /// When the clock begins it next.
    pub next: Vec<DateTime>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ZoneChoice {
    pub name: String,
    /// Operator, place, law.
    pub place: String,
    pub selected: bool,
}

/// A form was sent when nobody was signed in any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AbgelaufenPage {
    /// Where it was sent to, and is sent once more.
    pub action: String,
    /// What was typed.
    pub pairs: Vec<(String, String)>,
    /// Files came with it: they are to be chosen once more.
    pub files: bool,
    pub sign_in: String,
    /// Of an applicant: an application was sent with her sign-in already, and no other one is.
    pub spent: bool,
    /// Of an applicant: an application came with this very form already; the page was loaded once more.
    pub arrived: bool,
    /// The status page of that one, for whoever has its form before her.
    pub first: Option<String>,
}
