//! The pages people see: each bound to a context struct, rendered on the server, usable without JavaScript.
//!
//! Pure: no routes, no clock, no store. Who may see what is decided before a page is made. Texts of processes and people are
//! escaped here, and in a picture where it is drawn; the pages themselves load one style sheet, two of them one script, and nothing
//! from elsewhere.

pub mod calls;
pub mod citation;
pub mod citizen;
pub mod deputies;
pub mod form;
pub mod live;
pub mod markdown;
pub mod names;
pub mod picture;
mod process;
pub mod reports;
pub mod runs;
pub mod shown;
pub mod sieve;
pub mod staff;
pub mod stand;
pub mod tasks;
mod templates;
pub mod unseen;
pub mod words;

use laufzettel_domain::Lang;
use serde::Serialize;

pub use citizen::{
    Answered, AntragPage, Decision, EntwurfAndersPage, EntwurfPage, House, NextWords, Notice, Question, QuittungPage, Reached, ReviewSection, Said, Station,
    StatusPage, Step, StepProgress, StepRow, WeiterPage, ZusammenfassungPage,
};
pub use form::{FileField, Filled, Form, FormView, UploadedFile};
pub use live::Live;
pub use picture::{PictureStep, PictureView};
pub use process::{
    Before, CaseRow, FindingRow, FlowRow, PlayedView, ProcessHead, ProzessFluessePage, ProzessPage, ProzessTabellenPage, ProzessTextPage, ReleaseView, RuleRow,
    SourceLine, TableView,
};
pub use reports::Report;
pub use runs::{AktePage, Called, Cancel, Entry, Gone, RunRow, RunState, StepKind, StepState, StepView, VorgaengePage, VorgangPage};
pub use shown::{Origin, Shown, Source};
pub use staff::{
    AbgelaufenPage, AbgemeldetPage, AnmeldenPage, FehlerPage, FormGroup, PasswordForm, PersonChoice, ProcessRow, ProzessePage, StartseitePage, TerminalPage,
    ZoneChoice,
};
pub use stand::{
    AddedFile, AngabenPage, AnswerView, AusweisenPage, BescheidPage, Happened, HappenedKind, Helper, NachreichenPage, OwnFile, RueckzugPage, Withdrawal,
    Withdrawn,
};
pub use tasks::{AufgabePage, AufgabenPage, Hand, TaskRow};

/// Served as `/static/style.css`.
pub const STYLE: &str = concat!(
    include_str!("../pages/style/ground.css"),
    include_str!("../pages/style/antrag.css"),
    include_str!("../pages/style/stand.css"),
    include_str!("../pages/style/bild.css"),
    include_str!("../pages/style/aufgaben.css"),
    include_str!("../pages/style/protokoll.css"),
    include_str!("../pages/style/druck.css"),
);

/// The icon of the pages, served as `/static/icon.svg`; drawn by ourselves, and the same for every tenant.
pub const ICON: &str = include_str!("../pages/icon.svg");

/// Names of inputs that are no field of a form. No field's name begins with an underscore.
pub const HONEYPOT: &str = "_webseite";
/// The zone wished for at the start.
pub const ZONE: &str = "_zone";
/// The idempotency key of a form, the same through all its pages.
pub const KEY: &str = "_schluessel";
/// Which button was pressed; of [`INTENT_CHANGE`], [`INTENT_ADD`], [`INTENT_OPEN`] and [`INTENT_REMOVE`] it says where, behind a colon.
pub const INTENT: &str = "_schritt";
pub const INTENT_NEXT: &str = "weiter";
pub const INTENT_BACK: &str = "zurueck";
pub const INTENT_STAY: &str = "hierbleiben";
pub const INTENT_REVIEW: &str = "pruefen";
pub const INTENT_CHANGE: &str = "aendern";
pub const INTENT_SEND: &str = "absenden";
/// One more entry of a list; an entry to look at; an entry that goes.
pub const INTENT_ADD: &str = "dazu";
pub const INTENT_OPEN: &str = "oeffnen";
pub const INTENT_REMOVE: &str = "entfernen";
/// Where somebody is in a form of several pages, where that leads ([`GOAL_SUMMARY`] or on), and the last page reached.
pub const PLACE: &str = "_seite";
pub const GOAL: &str = "_ziel";
pub const GOAL_SUMMARY: &str = "zusammenfassung";
pub const FARTHEST: &str = "_weit";
/// To put away what was filled in; to delete what was put away.
pub const INTENT_SAVE: &str = "speichern";
/// Behind [`INTENT_SAVE`], where a draft was changed elsewhere: under a code of its own, or in place of what stands there.
pub const SAVE_APART: &str = "eigens";
pub const SAVE_OVER: &str = "ersetzen";
pub const INTENT_DISCARD: &str = "verwerfen";
/// The receipt once more, in the address: it belongs to what was sent, and is asked for by its key alone.
pub const RECEIPT: &str = "quittung=1";
/// To take a task, or take it over for the reason given; to give it back.
pub const INTENT_CLAIM: &str = "uebernehmen";
pub const INTENT_RETURN: &str = "zurueckgeben";
/// Takes up again what was put aside.
pub const INTENT_TAKE_UP: &str = "vornehmen";
pub const TAKE_REASON: &str = "_grund";
/// The code of the draft a form was taken from or put away as; the same as somebody types it.
pub const DRAFT: &str = "_entwurf";
/// Which state of it was seen: digest of its envelope.
pub const DRAFT_SEEN: &str = "_entwurf_stand";
pub const CODE: &str = "code";
/// A question that is not always asked, and was.
pub const SEEN: &str = "_gefragt";
/// Digest of what a task showed the person.
pub const SHOWN: &str = "shown";
/// How many files the applicant had handed in without being asked when a task was shown.
pub const ADDED: &str = "_nachgereicht";
/// Chosen person and way back of the sign-in page; reason of a cancellation.
pub const PERSON: &str = "person";
pub const BACK: &str = "zurueck";
pub const REASON: &str = "grund";
/// Name and password of the sign-in form; why somebody is asked to sign in again.
pub const USER: &str = "benutzer";
pub const PASSWORD: &str = "passwort";
pub const ENDED: &str = "beendet";

/// What is the same around every page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Frame {
    pub lang: Lang,
    pub tenant_name: String,
    /// Name of the signed-in person; the staff's navigation is shown to them only.
    pub person: Option<String>,
    /// Where this person gets from every page: no more and no less than she may open.
    pub ways: Vec<Link>,
    /// Path of this page: marks its place in the navigation and carries the switch of language (`?lang=`).
    pub path: String,
    /// What was asked for besides the language, as it stood in the address: filters stay when the language is switched.
    pub query: String,
    /// Imprint, data protection, accessibility statement.
    pub footer: Vec<Link>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    pub href: String,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Page {
    Antrag(Box<AntragPage>),
    Zusammenfassung(ZusammenfassungPage),
    Quittung(QuittungPage),
    Entwurf(EntwurfPage),
    EntwurfAnders(EntwurfAndersPage),
    Weiter(WeiterPage),
    Status(Box<StatusPage>),
    Rueckzug(RueckzugPage),
    Nachreichen(NachreichenPage),
    Angaben(AngabenPage),
    Bescheid(BescheidPage),
    Ausweisen(AusweisenPage),
    Anmelden(AnmeldenPage),
    Terminal(TerminalPage),
    Abgemeldet(AbgemeldetPage),
    Abgelaufen(AbgelaufenPage),
    Fehler(FehlerPage),
    Startseite(StartseitePage),
    Aufgaben(AufgabenPage),
    Aufgabe(AufgabePage),
    Vorgaenge(VorgaengePage),
    Vorgang(VorgangPage),
    Akte(Box<AktePage>),
    Vertretung(deputies::VertretungPage),
    Prozesse(ProzessePage),
    Prozess(Box<ProzessPage>),
    ProzessText(ProzessTextPage),
    ProzessFluesse(ProzessFluessePage),
    ProzessTabellen(ProzessTabellenPage),
    Report(Report),
}

/// The switch of language within a form: a button of the form, so that nothing typed is lost.
#[derive(Debug, Clone, Copy, Serialize)]
struct Switch<'p> {
    action: &'p str,
    /// What shows the same page again.
    intent: &'static str,
    /// What the Enter key asks for: a browser takes the first button of a form for it, and the switch stands before all others.
    usual: &'static str,
}

/// A text as one value of a query.
pub fn escape(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The whole HTML document.
pub fn render(page: &Page, frame: &Frame) -> String {
    match page {
        Page::Antrag(p) => {
            let switch = Switch { action: &p.action, intent: INTENT_STAY, usual: p.forward };
            templates::form("antrag.html", p.as_ref(), &p.heading(frame.lang), frame, p.form.problems.len(), switch)
        }
        Page::Zusammenfassung(p) => {
            let switch = Switch { action: &p.action, intent: INTENT_REVIEW, usual: INTENT_REVIEW };
            templates::form("zusammenfassung.html", p, &format!("{} – {}", words::word("review_heading", frame.lang), p.title), frame, 0, switch)
        }
        Page::Quittung(p) => {
            let action = format!("{}?{RECEIPT}", p.action);
            let switch = Switch { action: &action, intent: INTENT_STAY, usual: INTENT_STAY };
            templates::form("quittung.html", p, words::word("receipt_heading", frame.lang), frame, 0, switch)
        }
        Page::Entwurf(p) => {
            let switch = Switch { action: &p.action, intent: INTENT_SAVE, usual: INTENT_STAY };
            templates::form("entwurf.html", p, &format!("{} – {}", words::word("draft_saved", frame.lang), p.title), frame, 0, switch)
        }
        Page::EntwurfAnders(p) => {
            let switch = Switch { action: &p.action, intent: INTENT_SAVE, usual: INTENT_STAY };
            templates::form("entwurf-anders.html", p, &format!("{} – {}", words::word("draft_elsewhere", frame.lang), p.title), frame, 0, switch)
        }
        Page::Weiter(p) => {
            templates::document("weiter.html", p, &format!("{} – {}", words::word("draft_open_heading", frame.lang), p.title), frame, usize::from(p.wrong))
        }
        Page::Status(p) => {
            let heading = words::word("status_heading", frame.lang);
            if !p.typed.is_empty() {
                return templates::held("status.html", p.as_ref(), heading, frame);
            }
            match p.question.as_ref().filter(|question| question.form.is_some()) {
                Some(question) => {
                    let switch = Switch { action: &question.action, intent: INTENT_STAY, usual: INTENT_SEND };
                    templates::form("status.html", p.as_ref(), heading, frame, p.problems(), switch)
                }
                None => templates::document("status.html", p.as_ref(), heading, frame, p.problems()),
            }
        }
        Page::Rueckzug(p) => {
            let switch = Switch { action: &p.action, intent: INTENT_STAY, usual: INTENT_SEND };
            templates::form("zurueckziehen.html", p, words::word("withdraw_heading", frame.lang), frame, usize::from(p.problem.is_some()), switch)
        }
        Page::Nachreichen(p) => {
            let switch = Switch { action: &p.action, intent: INTENT_STAY, usual: INTENT_SEND };
            templates::form("nachreichen.html", p, words::word("add_heading", frame.lang), frame, p.form.problems.len(), switch)
        }
        Page::Angaben(p) => templates::document("angaben.html", p, words::word("own_heading", frame.lang), frame, 0),
        Page::Bescheid(p) => templates::document("bescheid.html", p, &format!("{} – {}", p.heading, p.title), frame, 0),
        Page::Ausweisen(p) => templates::document("ausweisen.html", p, &p.title, frame, 0),
        Page::Anmelden(p) => templates::document("anmelden.html", p, words::word("sign_in_heading", frame.lang), frame, p.problems()),
        Page::Terminal(p) => templates::document("terminal.html", p, words::word("terminal_heading", frame.lang), frame, 0),
        Page::Abgemeldet(p) => templates::document("abgemeldet.html", p, words::word("signed_out_heading", frame.lang), frame, 0),
        Page::Abgelaufen(p) => {
            let heading = match (p.spent, p.arrived) {
                (true, _) => "applicant_spent",
                (_, true) => "arrived_before",
                _ => "expired_heading",
            };
            templates::held("abgelaufen.html", p, words::word(heading, frame.lang), frame)
        }
        Page::Fehler(p) if !p.typed.is_empty() => templates::held("fehler.html", p, &p.title, frame),
        Page::Fehler(p) => templates::document("fehler.html", p, &p.title, frame, 0),
        Page::Startseite(p) => templates::document("startseite.html", p, words::word("home", frame.lang), frame, 0),
        Page::Aufgaben(p) => templates::document("aufgaben.html", p, words::word("tasks_heading", frame.lang), frame, 0),
        Page::Aufgabe(p) => {
            let usual = if p.hand.holder.is_some() { INTENT_CLAIM } else { INTENT_SEND };
            let switch = Switch { action: &p.action, intent: INTENT_STAY, usual };
            templates::form("aufgabe.html", p, &p.title, frame, p.form.problems.len(), switch)
        }
        Page::Vorgaenge(p) => templates::document("vorgaenge.html", p, words::word("runs_heading", frame.lang), frame, 0),
        Page::Vorgang(p) => templates::document("vorgang.html", p, &format!("{} {}", words::word("case", frame.lang), p.number), frame, 0),
        Page::Akte(p) => {
            let part = if p.parts.is_empty() { String::new() } else { format!(", {} {}", words::word("akte_part", frame.lang), p.part) };
            let title = format!("{} {}{part}", words::word("akte_heading", frame.lang), p.case.number);
            templates::document("akte.html", p.as_ref(), &title, frame, 0)
        }
        Page::Vertretung(p) => {
            let switch = Switch { action: deputies::PATH, intent: INTENT_STAY, usual: INTENT_SEND };
            templates::form("vertretung.html", p, words::word("deputies_heading", frame.lang), frame, p.form.problems.len(), switch)
        }
        Page::Prozesse(p) => templates::document("prozesse.html", p, words::word("processes_heading", frame.lang), frame, 0),
        Page::Prozess(p) => templates::document("prozess.html", p.as_ref(), &p.head.title, frame, 0),
        Page::ProzessText(p) => templates::document("prozess-text.html", p, &p.head.title, frame, 0),
        Page::ProzessFluesse(p) => templates::document("prozess-fluesse.html", p, &p.head.title, frame, 0),
        Page::ProzessTabellen(p) => templates::document("prozess-tabellen.html", p, &p.head.title, frame, 0),
        Page::Report(p) => p.render(frame),
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
