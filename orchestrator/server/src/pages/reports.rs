//! Pages for those who answer for the house: the journal, operation, and the reports for the data protection officer.
//! One variant of [`super::Page`], so that these pages can be read and changed on their own.

mod operation;
mod protection;
mod trail;

pub use operation::{BetriebPage, Counted, DayRow, ModelRow, QuotaRow, ServerRow, Spent, TriggerRow};
pub use protection::{AuskunftPage, ErasedRow, LoeschenPage, ReportView, SearchField, SubjectRunView, TableRow, VerarbeitungPage, VerzeichnisPage};
pub use trail::{Anchored, ChainView, Checked, Choice, EintragPage, FilterView, Phrase, ProtokollPage, RunLink, TrailEntry};

use super::{Frame, templates, words::word};

#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    Protokoll(Box<ProtokollPage>),
    Eintrag(EintragPage),
    Betrieb(Box<BetriebPage>),
    Auskunft(Box<AuskunftPage>),
    Verzeichnis(VerzeichnisPage),
    Verarbeitung(VerarbeitungPage),
    Loeschen(LoeschenPage),
}

pub(super) const TEMPLATES: [(&str, &str); 11] = [
    ("auskunft.html", include_str!("../../pages/auskunft.html")),
    ("verzeichnis.html", include_str!("../../pages/verzeichnis.html")),
    ("verarbeitung.html", include_str!("../../pages/verarbeitung.html")),
    ("loeschen.html", include_str!("../../pages/loeschen.html")),
    ("betrieb.html", include_str!("../../pages/betrieb.html")),
    ("kosten.html", include_str!("../../pages/kosten.html")),
    ("protokoll.html", include_str!("../../pages/protokoll.html")),
    ("eintrag.html", include_str!("../../pages/eintrag.html")),
    ("wortlaut.html", include_str!("../../pages/wortlaut.html")),
    ("fall.html", include_str!("../../pages/fall.html")),
    ("satz.html", include_str!("../../pages/satz.html")),
];

impl Report {
    pub(super) fn render(&self, frame: &Frame) -> String {
        let said = |key: &str| word(key, frame.lang);
        match self {
            Self::Protokoll(p) => templates::document("protokoll.html", p, said("audit_heading"), frame, p.problems()),
            Self::Eintrag(p) => templates::document("eintrag.html", p, &format!("{} {}", said("audit_record"), p.entry.place), frame, 0),
            Self::Auskunft(p) => templates::document("auskunft.html", p, said("subject_heading"), frame, p.wrong.len()),
            Self::Verzeichnis(p) => templates::document("verzeichnis.html", p, said("register_heading"), frame, 0),
            Self::Verarbeitung(p) => templates::document("verarbeitung.html", p, &p.title, frame, 0),
            Self::Loeschen(p) => templates::document("loeschen.html", p, said("erase_heading"), frame, p.wrong.len()),
            Self::Betrieb(p) => templates::document("betrieb.html", p, said("operation_heading"), frame, 0),
        }
    }
}
