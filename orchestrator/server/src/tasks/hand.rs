//! Who has a task in hand: taking it, taking it over with a reason, handing it on with a note. What is typed into the task's form meanwhile
//! comes back to whoever typed it, and goes to nobody else: it is half of an answer, and each person answers herself. What a colleague
//! should know stands in the note.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use laufzettel_domain::{Path as Place, Value};
use laufzettel_engine::{REASON_CHARS_MAX, Rejection};
use laufzettel_process::schema::Problem;
use laufzettel_worker::WishError;
use serde_json::json;

use super::{Again, Seat, kept};
use crate::{
    deputies,
    form_data::{self, Sent},
    pages::{
        self, Filled, Form, Hand,
        tasks::{HandOver, Handed},
        words::said,
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
        let hand_over = if mine && self.may_hand_over() { Some(hand_over_form(&self.colleagues().await?)) } else { None };
        Ok(Hand {
            mine,
            // a deputy works on as if it were hers
            holder: holder.filter(|_| stands_for.is_none()),
            kept: !again.pairs.is_empty(),
            stands_for,
            missing: again.no_reason,
            reason: again.pairs.iter().rev().find(|(name, _)| name == pages::TAKE_REASON).map(|(_, text)| text.clone()).unwrap_or_default(),
            hand_over: hand_over.and_then(|schema| Form::of(&schema, Some(&HAND_OVER.map(str::to_owned))).ok()).map(|form| HandOver {
                action: format!("/aufgaben/{}/weitergeben", self.id),
                begun: again.handing.iter().any(|(name, text)| HAND_OVER.contains(&name.as_str()) && !text.is_empty()) || !again.unhanded.is_empty(),
                form: form.view(&Filled { pairs: again.handing, problems: again.unhanded, ..Filled::default() }, self.asked.lang),
            }),
            handed: handed.map(|(by, note)| Handed { by: by.to_owned(), note: note.to_owned() }),
        })
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
/// hands nothing on.
pub(super) const HAND_OVER: [&str; 2] = ["weitergabe_an", "weitergabe_notiz"];

/// Whom it goes to, and what she should know. Where the directory lists nobody, her name is typed.
fn hand_over_form(people: &[(String, String)]) -> Value {
    json!({ "type": "object", "required": [HAND_OVER[0]], "properties": {
        HAND_OVER[0]: deputies::person_field("Kollegin oder Kollege", people),
        HAND_OVER[1]: { "type": "string", "maxLength": REASON_CHARS_MAX, "title": "Notiz", "description": "Was sie oder er wissen sollte." } } })
}

impl Seat<'_> {
    fn may_hand_over(&self) -> bool {
        let fields = self.task().and_then(|task| task.opened.form.get("properties"));
        HAND_OVER.iter().all(|name| fields.is_none_or(|fields| fields.get(name).is_none()))
    }

    /// Whether somebody is named to hand it on to.
    pub(super) fn hands_over(&self, pairs: &[(String, String)]) -> bool {
        self.may_hand_over() && pairs.iter().any(|(name, text)| name == HAND_OVER[0] && !text.trim().is_empty())
    }
}

/// Hands a task on that is hers.
pub async fn hand_over(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(written): Path<String>, request: Request) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(request.uri(), request.headers(), Some(tenant), Some(&session));
    let seat = match Seat::take(tenant, &session, asked, &written, true).await {
        Ok(seat) => seat,
        Err(answered) => return answered,
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
        Err(WishError::Rejected(Rejection::Stale(why))) => {
            return match seat.anew(&session).await {
                Ok(seat) => seat.show(&Again { refused: Some(&why), handing: &sent.pairs, ..kept(&sent) }, StatusCode::CONFLICT).await,
                Err(answered) => answered,
            };
        }
        Err(error) => return seat.asked.wish(&error),
    };
    let at = |problem: Problem| {
        let name = if problem.path.root() == "note" { HAND_OVER[1] } else { HAND_OVER[0] };
        Problem { path: Place::new([name]), ..problem }
    };
    let problems: Vec<Problem> = problems.into_iter().map(at).collect();
    seat.show(&Again { handing: &sent.pairs, unhanded: &problems, ..kept(&sent) }, StatusCode::UNPROCESSABLE_ENTITY).await
}
