//! „Antrag zurückziehen“: asked once more on a page of its own, and then done. Twice is once.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
};
use laufzettel_engine::{NOTE_CHARS_MAX, Rejection, Withdrawable, withdrawable};
use laufzettel_worker::WishError;

use super::{DONE, Visit, WITHDRAWN};
use crate::{
    form_data,
    intake::called,
    pages::{INTENT, INTENT_STAY, Page, REASON, RueckzugPage, words::word},
    site::Site,
};

pub async fn page(State(site): State<Arc<Site>>, Path(code): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    match Visit::of(&site, &code, &uri, &headers).await {
        Ok(visit) if visit.loaded.run.applicant().is_none() => visit.asked.missing(),
        Ok(visit) => visit.withdrawal().unwrap_or_else(|| visit.ask(StatusCode::OK, String::new(), None)),
        Err(answer) => answer,
    }
}

pub async fn send(State(site): State<Arc<Site>>, Path(code): Path<String>, request: Request) -> Response {
    let visit = match Visit::of(&site, &code, request.uri(), request.headers()).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let caller = match visit.acting(&site, &request) {
        Ok(caller) => caller,
        Err(answer) => return *answer,
    };
    if let Some(settled) = visit.withdrawal() {
        return settled;
    }
    if let Err(answer) = form_data::weighed(&site, &visit.asked, &request) {
        return *answer;
    }
    let Some(sent) = form_data::texts(request).await else { return visit.asked.unreadable() };
    let reason = sent.first(REASON).unwrap_or_default().trim().to_owned();
    if sent.first(INTENT) == Some(INTENT_STAY) {
        return visit.ask(StatusCode::OK, reason, None);
    }
    match visit.tenant.desk.withdraw(visit.loaded.run.id, &caller, &reason).await {
        Ok(_) => visit.withdrawn(),
        Err(WishError::Rejected(Rejection::Invalid(problems))) => {
            let problem = problems.first().map(|problem| problem.message.get(visit.asked.lang).to_owned());
            visit.ask(StatusCode::UNPROCESSABLE_ENTITY, reason, problem)
        }
        // somebody else was faster: as it stands by now
        Err(WishError::Rejected(Rejection::Stale(text))) => match visit.tenant.desk.load(visit.loaded.run.id).await {
            Ok(Some(loaded)) if loaded.run.is_parked() => visit.told("withdraw_resting", "answer_resting_text"),
            Ok(Some(loaded)) => {
                let now = Visit { loaded, ..visit };
                now.withdrawal().unwrap_or_else(|| now.asked.wish(&WishError::Rejected(Rejection::Stale(text))))
            }
            _ => visit.asked.unavailable(),
        },
        // her words stand there again
        Err(WishError::Unavailable(_)) => {
            let message = word("withdraw_not_now", visit.asked.lang).to_owned();
            visit.ask(StatusCode::SERVICE_UNAVAILABLE, reason, Some(message))
        }
        Err(error) => visit.asked.wish(&error),
    }
}

impl Visit<'_> {
    fn withdrawn(&self) -> Response {
        Redirect::to(&format!("{}?{DONE}={WITHDRAWN}", self.home())).into_response()
    }

    /// What there is to say where nothing is left to ask: she has withdrawn already, or cannot.
    fn withdrawal(&self) -> Option<Response> {
        if self.loaded.run.withdrawn.is_some() {
            return Some(self.withdrawn());
        }
        match withdrawable(&self.loaded.prepared.process, &self.loaded.run) {
            Withdrawable::Yes => None,
            Withdrawable::Never => Some(self.told("withdraw_refused", "withdraw_never")),
            Withdrawable::Decided => Some(self.told("withdraw_refused", "withdraw_decided")),
            Withdrawable::Over => Some(self.told("withdraw_refused", "withdraw_over")),
        }
    }

    fn ask(&self, status: StatusCode, reason: String, problem: Option<String>) -> Response {
        let page = RueckzugPage {
            title: called(&self.loaded.prepared),
            number: self.loaded.run.nummer.clone(),
            action: self.asked.path.clone(),
            back: self.home(),
            reason,
            reason_max: NOTE_CHARS_MAX,
            problem,
        };
        self.asked.page(status, &Page::Rueckzug(page))
    }
}
