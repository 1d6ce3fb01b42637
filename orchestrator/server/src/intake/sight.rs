//! The pages of a form that is walked through: one page or entry of it, the summary. Whoever fills it in may be somebody outside or in the
//! house; where it leads is decided by [`super::walk`], and what is done with it by whoever asked.

use std::collections::BTreeSet;

use axum::{http::StatusCode, response::Response};
use laufzettel_domain::Value;
use laufzettel_process::{Process, schema::Problem};

use super::{
    draft::Carried,
    walk::{Position, Say},
};
use crate::{
    form_data::{self, Sent},
    pages::{
        self, AntragPage, Filled, Form, House, Notice, Page, ReviewSection, Step, StepProgress, StepRow, ZoneChoice, ZusammenfassungPage,
        form::{Part, Place},
        stand::Vouching,
        words::word,
    },
    reply::Asked,
    site::TenantSite,
    status,
};

/// The value with everything wrong about it.
pub async fn read_value(tenant: &TenantSite, process: &Process, form: &Form, sent: &Sent) -> Result<(Value, Vec<Problem>), ()> {
    let (mut value, mut problems) = form.parse(&sent.pairs);
    problems.extend(form_data::insert_files(tenant, &mut value, &sent.files).await.map_err(|_| ())?);
    problems.extend(sent.problems.clone());
    form_data::all_of(&process.input, &value, tenant.today(), &mut problems);
    Ok((value, problems))
}

/// What a page of this form is made of.
pub struct Sight<'s> {
    pub process: &'s Process,
    /// The whole form, as the schema gives it.
    pub whole: &'s Form,
    pub asked: &'s Asked,
    /// With as many entries as there are.
    pub form: Form,
    pub problems: &'s [Problem],
    pub key: String,
    /// Where the form goes.
    pub action: String,
    /// Tenant and form: what drafts are sealed for.
    pub place: String,
    /// Of the draft this was taken from or put away as.
    pub draft: Option<Carried>,
    /// Who she is by her sign-in, where there was one.
    pub vouched: Option<Vouching>,
    /// Somebody of the house fills it in; the zones she may choose from.
    pub house: Option<Vec<ZoneChoice>>,
}

impl<'s> Sight<'s> {
    /// Nothing is filled in yet.
    pub fn new(process: &'s Process, whole: &'s Form, asked: &'s Asked, key: String) -> Self {
        let (form, action) = (whole.laid(&[]), asked.path.clone());
        Sight { process, whole, asked, form, problems: &[], key, action, place: String::new(), draft: None, vouched: None, house: None }
    }

    /// What the application is called to whoever makes it; the process has a name for the house.
    pub fn title(&self) -> String {
        let own = self.whole.title.clone().filter(|_| self.house.is_none());
        own.unwrap_or_else(|| self.process.title.clone())
    }

    /// A place again, or the next; a file that was not taken is told in any case.
    pub fn shown(&self, position: Position, say: Say, sent: &Sent) -> Response {
        let told = say == Say::Wrong;
        let problems = if told { self.problems } else { sent.problems.as_slice() };
        let here = |problem: &&Problem| match self.form.place_of(&problem.path) {
            Some(place) => self.form.within(&place, &position.place),
            None => told,
        };
        let problems: Vec<Problem> = problems.iter().filter(here).cloned().collect();
        let filled = Filled { pairs: &sent.pairs, problems: &problems, files: &sent.files, proposal: None, proposed_by: None, own_data: self.house.is_none() };
        let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        self.asked.page(status, &self.page(position, say, &filled))
    }

    pub fn page(&self, position: Position, say: Say, filled: &Filled<'_>) -> Page {
        let (process, lang) = (self.process, self.asked.lang);
        let position = position.settled(&self.form);
        let Position { place, to_summary, .. } = &position;
        let first = self.form.pages().first().is_none_or(|first| *place == Place::Page(*first));
        let last = self.form.pages().last().is_none_or(|last| *place == Place::Page(*last));
        let page_place = Place::Page(self.form.page_of(place));
        let Part { title, number, hint, help, form } =
            self.form.part(place).unwrap_or_else(|| Part { title: None, number: None, hint: None, help: None, form: self.form.clone() });
        Page::Antrag(Box::new(AntragPage {
            action: self.action.clone(),
            title: self.title(),
            description: self.whole.description.clone().filter(|_| self.house.is_none()).unwrap_or_else(|| process.description.clone()),
            first,
            // she is told by the house how it works
            notice: (first && self.house.is_none()).then(|| Notice::of(process, lang).reached(&self.asked.notes).given_to(status::recipients(process, lang))),
            vouched: self.vouched.clone(),
            house: self.house.as_ref().map(|_| House { responsible: process.verantwortlich.clone(), version: process.version.to_string() }),
            step: (self.form.pages().len() > 1).then(|| self.step(&page_place, position.farthest)),
            entry: number.map(|number| format!("{} {number}", title.unwrap_or_default())),
            hint,
            help,
            message: say.word(),
            hidden: self.hidden(&position, &form, filled.pairs),
            form: form.view(filled, lang),
            back: !(first || (*to_summary && matches!(place, Place::Page(_)))),
            forward: if matches!(place, Place::Page(_)) && (last || *to_summary) { pages::INTENT_REVIEW } else { pages::INTENT_NEXT },
            to_summary: *to_summary,
            key: self.key.clone(),
        }))
    }

    fn hidden(&self, position: &Position, part: &Form, pairs: &[(String, String)]) -> Vec<(String, String)> {
        let shown = part.shown_branches().into_iter().map(|path| path.to_string());
        let seen: BTreeSet<String> = position.seen.iter().cloned().chain(shown).collect();
        let position = Position { seen: seen.into_iter().collect(), ..position.clone() };
        let zone = pairs.iter().filter(|(name, _)| self.house.is_some() && name == pages::ZONE).cloned();
        self.whole.carried(part, pairs).into_iter().chain(position.pairs()).chain(self.draft_pairs()).chain(zone).collect()
    }

    /// What a form carries of its draft.
    pub fn draft_pairs(&self) -> impl Iterator<Item = (String, String)> {
        let pairs = |draft: &Carried| [(pages::DRAFT.to_owned(), draft.code.written()), (pages::DRAFT_SEEN.to_owned(), draft.seen.to_string())];
        self.draft.as_ref().map(pairs).into_iter().flatten()
    }

    fn step(&self, here: &Place, farthest: usize) -> Step {
        let pages = self.form.pages();
        let faulty = |page: usize| self.problems.iter().any(|p| self.form.place_of(&p.path).is_some_and(|place| self.form.page_of(&place) == page));
        let row = |page: &usize| StepRow {
            title: self.page_title(*page),
            state: match () {
                () if Place::Page(*page) == *here => StepProgress::Here,
                () if *page > farthest => StepProgress::Open,
                () if faulty(*page) => StepProgress::Unfinished,
                () => StepProgress::Done,
            },
        };
        let number = pages.iter().position(|page| Place::Page(*page) == *here).map_or(1, |at| at + 1);
        let all: Vec<StepRow> = pages.iter().map(row).collect();
        let title = all.get(number - 1).map(|row| row.title.clone()).unwrap_or_default();
        Step { number, title, all }
    }

    fn page_title(&self, page: usize) -> String {
        self.form.part(&Place::Page(page)).and_then(|part| part.title).unwrap_or_else(|| word("further_details", self.asked.lang).to_owned())
    }

    /// The summary once more, with why it was not taken.
    pub fn summary_told(&self, message: String, sent: &Sent, value: &Value) -> Page {
        let mut page = self.summary(sent, value);
        if let Page::Zusammenfassung(page) = &mut page {
            page.message = Some(message);
        }
        page
    }

    pub fn summary(&self, sent: &Sent, value: &Value) -> Page {
        let (pages, lang) = (self.form.pages(), self.asked.lang);
        let section = |page: &usize| ReviewSection {
            title: (pages.len() > 1).then(|| self.page_title(*page)),
            change: (pages.len() > 1).then(|| Place::Page(*page).to_string()),
            groups: self.form.review_page(*page, value, lang),
        };
        let mut hidden = self.whole.own_pairs(&sent.pairs);
        hidden.extend(self.draft_pairs());
        let last = Place::Page(pages.last().copied().unwrap_or(0));
        hidden.extend(Position { farthest: self.form.page_of(&last), place: last, to_summary: true, seen: Vec::new() }.pairs());
        Page::Zusammenfassung(ZusammenfassungPage {
            action: self.action.clone(),
            title: self.title(),
            sections: pages.iter().map(section).collect(),
            hidden,
            house: self.house.is_some(),
            zones: self.house.clone().unwrap_or_default(),
            vouched: self.vouched.clone(),
            message: None,
            key: self.key.clone(),
        })
    }
}
