//! Who has a task in hand: taking it, taking it over with a reason, handing it on with a note, putting it aside until a day. What is typed into the task's form meanwhile
//! comes back to whoever typed it, and goes to nobody else: it is half of an answer, and each person answers herself. What a colleague
//! should know stands in the note.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use laufzettel_domain::{Lang, Path as Place, Value};
use laufzettel_engine::{REASON_CHARS_MAX, Rejection};
use laufzettel_process::schema::Problem;
use laufzettel_worker::WishError;
use serde_json::json;

use super::{Again, Over, Seat};
use crate::{
    deputies,
    form_data::{self, Sent},
    pages::{
        self, Filled, Form, Hand,
        form::ReviewGroup,
        tasks::{Aside, Beside, Handed},
        words::{format_date, said, word},
    },
    reply::Asked,
    site::{Session, Site},
};

impl Seat<'_> {
    /// Who has it in hand, as she sees it who looks.
    pub(super) async fn hand(&self, again: &Again<'_>) -> Result<Hand, WishError> {
        let claimed = self.task().and_then(|task| task.claimed.as_ref());
        let mine = claimed.is_some_and(|claimed| claimed.by.subject == self.by.subject);
        let holder = claimed.filter(|_| !mine).map(|claimed| claimed.by.name.clone());
        let stands_for = self.tenant.desk.standing(&self.loaded, self.id.number, self.by).await?.map(|person| person.name);
        let handed = self.voices.handed_to(self.id.number, &self.by.subject).filter(|_| mine);
        let hand_over = if mine && self.is_free(HAND_OVER) { Some(hand_over_form(&self.colleagues().await?, self.asked.lang)) } else { None };
        Ok(Hand {
            mine,
            // a deputy works on as if it were hers
            holder: holder.filter(|_| stands_for.is_none()),
            kept: !again.pairs.is_empty(),
            stands_for,
            missing: again.no_reason,
            reason: again.pairs.iter().rev().find(|(name, _)| name == pages::TAKE_REASON).map(|(_, text)| text.clone()).unwrap_or_default(),
            hand_over: hand_over.and_then(|schema| self.beside(&schema, HAND_OVER, ("hand_over", "weitergeben"), again)),
            put_aside: mine.then(|| aside_form(self.asked.lang)).and_then(|schema| self.beside(&schema, ASIDE, ("put_aside", "wiedervorlage"), again)),
            aside: claimed
                .filter(|_| mine)
                .and_then(|claimed| claimed.again.as_ref())
                .filter(|again| again.day > self.tenant.today())
                .map(|again| Aside { day: format_date(again.day, self.asked.lang), note: again.note.clone() }),
            handed: handed.map(|(by, note)| Handed { by: by.to_owned(), note: note.to_owned() }),
        })
    }

    /// Whether no author's field is called so.
    fn is_free(&self, fields: [&str; 2]) -> bool {
        let authors = self.task().and_then(|task| task.opened.form.get("properties"));
        fields.iter().all(|name| authors.is_none_or(|authors| authors.get(name).is_none()))
    }

    /// Whether a pair belongs to one of the forms beside the decision.
    pub(super) fn is_beside(&self, name: &str) -> bool {
        let field = name.split('.').next().unwrap_or_default();
        [HAND_OVER, ASIDE].into_iter().any(|fields| self.is_free(fields) && fields.contains(&field))
    }

    /// Whether somebody is named to hand it on to, or a day to see it again.
    pub(super) fn is_begun(&self, pairs: &[(String, String)]) -> bool {
        [HAND_OVER, ASIDE].into_iter().any(|fields| self.is_free(fields) && is_filled(pairs, &fields[..1]))
    }

    /// A form beside the decision; it stands open where something of it is filled in.
    fn beside(&self, schema: &Value, fields: [&str; 2], (name, way): (&'static str, &str), again: &Again<'_>) -> Option<Beside> {
        let form = Form::of(schema, Some(&fields.map(str::to_owned))).ok().filter(|_| self.is_free(fields))?;
        let of_it = |problem: &&Problem| fields.contains(&problem.path.root());
        let problems: Vec<Problem> = again.unhanded.iter().filter(of_it).cloned().collect();
        let view = form.view(&Filled { pairs: again.handing, problems: &problems, ..Filled::default() }, self.asked.lang).beside().spoken(|_| true);
        Some(Beside { name, action: format!("/aufgaben/{}/{way}", self.id), begun: is_filled(again.handing, &fields) || !problems.is_empty(), form: view })
    }

    async fn colleagues(&self) -> Result<Vec<(String, String)>, WishError> {
        let people = self.tenant.desk.colleagues(&self.loaded, self.id.number, self.by).await?;
        Ok(people.into_iter().map(|person| (person.user, person.name)).collect())
    }

    /// Takes the task, or takes it over with a reason; the wording that says which.
    pub(super) async fn claim(&self, sent: &Sent) -> Result<&'static str, WishError> {
        let reason = sent.get(pages::TAKE_REASON).map(str::trim).unwrap_or_default();
        let holder = self.task().and_then(|task| task.claimed.as_ref()).filter(|claimed| claimed.by.subject != self.by.subject);
        let stands_in = self.tenant.desk.standing(&self.loaded, self.id.number, self.by).await?.is_some();
        // asked for a reason only where it was known that somebody has it: whoever just learns it reads the page first
        if holder.is_some() && !stands_in && reason.is_empty() && sent.get(pages::TAKE_REASON).is_some() {
            return Err(WishError::Rejected(Rejection::Invalid(vec![Problem { path: Place::new([pages::TAKE_REASON]), message: said("cancel_missing") }])));
        }
        self.tenant.desk.claim(self.id, self.by, reason).await?;
        Ok(if holder.is_some() { "task_taken_over" } else { "task_claimed" })
    }
}

/// Whether what is wrong is the reason for taking it over, which is no field of the form.
pub(super) fn no_reason(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| [pages::TAKE_REASON, "reason"].contains(&problem.path.root()))
}

/// Fields that hand a task on, in the same form as the answer. Where an author has called a field of hers so, it is hers, and the page
/// hands nothing on; likewise [`ASIDE`].
const HAND_OVER: [&str; 2] = ["weitergabe_an", "weitergabe_notiz"];

/// Whom it goes to, and what she should know. Where the directory lists nobody, her name is typed.
fn hand_over_form(people: &[(String, String)], lang: Lang) -> Value {
    json!({ "type": "object", "required": [HAND_OVER[0]], "properties": {
        HAND_OVER[0]: deputies::person_field(word("eigen_weitergabe_an", lang), people, lang),
        HAND_OVER[1]: { "type": "string", "maxLength": REASON_CHARS_MAX, "title": word("eigen_weitergabe_notiz", lang), "description": word("eigen_weitergabe_notiz_hinweis", lang) } } })
}

/// Fields of the form that puts a task aside.
const ASIDE: [&str; 2] = ["vorlage_am", "vorlage_notiz"];

fn aside_form(lang: Lang) -> Value {
    json!({ "type": "object", "required": [ASIDE[0]], "properties": {
        ASIDE[0]: { "type": "string", "format": "date", "title": word("eigen_vorlage_am", lang) },
        ASIDE[1]: { "type": "string", "maxLength": REASON_CHARS_MAX, "title": word("eigen_vorlage_notiz", lang), "description": word("eigen_vorlage_notiz_hinweis", lang) } } })
}

fn is_filled(pairs: &[(String, String)], fields: &[&str]) -> bool {
    pairs.iter().any(|(name, text)| fields.contains(&name.split('.').next().unwrap_or_default()) && !text.trim().is_empty())
}

/// What was typed into the forms beside the decision, as it reads: whom a task was to go to, the day, the notes. Not where an author's field
/// is called so.
pub(super) fn typed_beside(author: &Form, pairs: &[(String, String)], lang: Lang) -> Vec<ReviewGroup> {
    let authors = author.typed_names(pairs);
    let free = |fields: &[&str]| !authors.iter().any(|name| fields.contains(&name.split('.').next().unwrap_or_default()));
    let forms = [(HAND_OVER, hand_over_form(&[], lang)), (ASIDE, aside_form(lang))];
    let filled = forms.into_iter().filter(|(fields, _)| free(fields) && is_filled(pairs, fields));
    let read = filled.filter_map(|(fields, schema)| Form::of(&schema, Some(&fields.map(str::to_owned))).ok());
    read.flat_map(|form| form.review(&form.parse(pairs).0, lang)).collect()
}

/// Puts a task aside that is hers, until a day; with the button that says so, takes it up again.
pub async fn put_aside(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(written): Path<String>, request: Request) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(request.uri(), request.headers(), Some(tenant), Some(&session));
    let seat = match Seat::take(tenant, &session, asked, &written, true).await {
        Ok(seat) => seat,
        Err(answered) => return Over::instead(tenant, &session, request, &written, answered).await,
    };
    let (Some(asking), Ok(form)) = (seat.asking(), Form::of(&aside_form(seat.asked.lang), Some(&ASIDE.map(str::to_owned)))) else {
        return seat.asked.unavailable();
    };
    let sent = match form_data::read(request, tenant, &asking.form).await {
        Ok(sent) => sent,
        Err(why) => return seat.asked.unread(why),
    };
    let up = sent.get(pages::INTENT) == Some(pages::INTENT_TAKE_UP);
    let (values, mut problems) = form.parse(&sent.pairs);
    let until = values[ASIDE[0]].as_str().and_then(|day| day.parse().ok());
    if up || problems.is_empty() {
        let told = tenant.desk.lay_aside(seat.id, &session.caller, until.filter(|_| !up), values[ASIDE[1]].as_str().unwrap_or_default()).await;
        problems = match told {
            Ok(_) => return Redirect::to(if up { "/aufgaben?vorgenommen=1" } else { "/aufgaben?vorgelegt=1" }).into_response(),
            Err(WishError::Rejected(Rejection::Invalid(problems))) => problems.into_iter().map(|problem| at(problem, ASIDE)).collect(),
            Err(error) => return seat.undone(&session, error, &sent).await,
        };
    }
    seat.show(&Again { handing: &sent.pairs, unhanded: &problems, ..seat.kept(&sent) }, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// A note that is too long stands at the note, everything else at the field before it.
fn at(problem: Problem, [first, note]: [&str; 2]) -> Problem {
    Problem { path: Place::new([if problem.path.root() == "note" { note } else { first }]), ..problem }
}

impl<'s> Seat<'s> {
    /// Neither handed on nor put aside: as the task stands by now, with what was typed.
    async fn undone(self, session: &'s Session, error: WishError, sent: &Sent) -> Response {
        match error {
            WishError::Rejected(Rejection::Stale(why)) => self.stale(session, &why, sent, &sent.pairs).await,
            error => self.asked.wish(&error),
        }
    }
}

/// Hands a task on that is hers.
pub async fn hand_over(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(written): Path<String>, request: Request) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(request.uri(), request.headers(), Some(tenant), Some(&session));
    let seat = match Seat::take(tenant, &session, asked, &written, true).await {
        Ok(seat) => seat,
        Err(answered) => return Over::instead(tenant, &session, request, &written, answered).await,
    };
    let Some(asking) = seat.asking() else { return seat.asked.unavailable() };
    let sent = match form_data::read(request, tenant, &asking.form).await {
        Ok(sent) => sent,
        Err(why) => return seat.asked.unread(why),
    };
    let field = |name: &str| sent.pairs.iter().rev().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim());
    let problems = match tenant.desk.hand_over(seat.id, &session.caller, field(HAND_OVER[0]), field(HAND_OVER[1])).await {
        Ok(_) => return Redirect::to("/aufgaben?weitergegeben=1").into_response(),
        Err(WishError::Rejected(Rejection::Invalid(problems))) => problems,
        Err(error) => return seat.undone(&session, error, &sent).await,
    };
    let problems: Vec<Problem> = problems.into_iter().map(|problem| at(problem, HAND_OVER)).collect();
    seat.show(&Again { handing: &sent.pairs, unhanded: &problems, ..seat.kept(&sent) }, StatusCode::UNPROCESSABLE_ENTITY).await
}
