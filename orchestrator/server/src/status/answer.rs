//! Her answer to a question, taken once and confirmed; what she typed comes back with why it was not taken.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Path, Query, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use laufzettel_domain::{Caller, Digest, TaskId, Value};
use laufzettel_engine::{Rejection, Task, TaskState};
use laufzettel_process::Schema;
use laufzettel_worker::{Loaded, WishError};

use super::{ANSWERED, BLANK, QUESTION, Sight, Visit, key, open_questions, show};
use crate::{
    form_data::{self, Sent},
    pages::{self, Filled, Form, Said, form::ReviewGroup},
    reply::Asked,
    site::{Site, TenantSite},
    tasks::form_of,
};

/// Takes an answer. Sent twice it is one answer, and the same confirmation.
pub async fn answer(State(site): State<Arc<Site>>, Path(code): Path<String>, Query(query): Query<HashMap<String, String>>, request: Request) -> Response {
    let visit = match Visit::of(&site, &code, request.uri(), request.headers()).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let Visit { tenant, loaded, asked, .. } = &visit;
    let number = query.get(QUESTION).and_then(|number| number.parse().ok());
    let asked_her = number.and_then(|number| loaded.run.tasks.get(&number)).filter(|task| task.opened.assign.applicant);
    let Some(task) = asked_her else { return asked.missing() };
    let caller = match visit.acting(&site, &request) {
        Ok(caller) => caller,
        Err(answer) => return *answer,
    };
    let question = Asking { tenant, asked, code: &code, id: TaskId { run: loaded.run.id, number: task.opened.number } };
    let Some(form) = form_of(loaded, task) else { return asked.unavailable() };
    if let Err(answer) = form_data::weighed(&site, asked, &request) {
        return *answer;
    }
    let sent = match form_data::read(request, tenant, &form).await {
        Ok(sent) => sent,
        // that nobody asks any more is what she must know, however it came
        Err(_) if task.state != TaskState::Open => Sent { pairs: Vec::new(), files: Vec::new(), problems: Vec::new() },
        Err(why) => return asked.unread(why),
    };
    let key = key(tenant, &sent);
    if task.state != TaskState::Open {
        return question.closed(&form, &sent, &key, loaded).await;
    }
    if sent.get(pages::INTENT) == Some(pages::INTENT_STAY) {
        return question.still(&sent, key, loaded).await;
    }
    match tell(tenant, question.id, &caller, task, &form, &sent, &key).await {
        Ok(()) | Err(WishError::Repeated) => question.confirmed(),
        Err(error) => question.refused(error, &sent, key).await,
    }
}

/// What an answer leaves in the store, to be known again: another one of the same form is another.
fn receipt(id: TaskId, key: &str, values: &Value) -> String {
    format!("antwort:{}:{}:{key}:{}", id.run, id.number, Digest::of_value(values))
}

/// An answer that is being taken.
struct Asking<'s> {
    tenant: &'s TenantSite,
    asked: &'s Asked,
    code: &'s str,
    id: TaskId,
}

impl Asking<'_> {
    fn confirmed(&self) -> Response {
        Redirect::to(&format!("/status/{}?{ANSWERED}={}", self.code, self.id.number)).into_response()
    }

    /// The question is over: by this very answer, sent twice, or by another. What she entered stands there to be read off; a file of it is
    /// cleared away within a day.
    async fn closed(&self, form: &Form, sent: &Sent, key: &str, loaded: &Loaded) -> Response {
        let (mut values, _) = form.parse(&sent.pairs);
        if form_data::insert_files(self.tenant, &mut values, &sent.files).await.is_err() {
            return self.asked.unavailable();
        }
        match self.tenant.desk.tenant.store.receipt(&receipt(self.id, key, &values)).await {
            Ok(Some(_)) => return self.confirmed(),
            Ok(None) => {}
            Err(_) => return self.asked.unavailable(),
        }
        let sight = Sight { said: Some(Said::TooLate), typed: self.typed(form, sent), ..Sight::plain(self.tenant) };
        show(self.tenant, loaded, self.asked, StatusCode::CONFLICT, sight).await
    }

    /// As she reads it; nothing where nothing was filled in.
    fn typed(&self, form: &Form, sent: &Sent) -> Vec<ReviewGroup> {
        if form.own_pairs(&sent.pairs).is_empty() {
            return Vec::new();
        }
        form.review(&form.parse(&sent.pairs).0, self.asked.lang)
    }

    /// What she typed once more, and nothing done with it: in the other language.
    async fn still(&self, sent: &Sent, key: String, loaded: &Loaded) -> Response {
        let filled = Filled { pairs: &sent.pairs, problems: &sent.problems, files: &sent.files, ..BLANK };
        let sight = Sight { said: None, filled, number: Some(self.id.number), key, typed: Vec::new(), from: 0 };
        let status = if sent.problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        show(self.tenant, loaded, self.asked, status, sight).await
    }

    /// What she typed comes back with why it was not taken, as the run stands by now: somebody else may have been faster.
    async fn refused(&self, error: WishError, sent: &Sent, key: String) -> Response {
        let (status, problems) = match error {
            WishError::Rejected(Rejection::Invalid(problems)) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
            WishError::Rejected(Rejection::Stale(_)) => (StatusCode::CONFLICT, Vec::new()),
            WishError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, Vec::new()),
            error => return self.asked.wish(&error),
        };
        let Ok(Some(loaded)) = self.tenant.desk.load(self.id.run).await else { return self.asked.unavailable() };
        let open = open_questions(&loaded.run).any(|task| task.opened.number == self.id.number);
        let said = match (open, status) {
            (_, StatusCode::UNPROCESSABLE_ENTITY) => None,
            (false, _) => Some(Said::TooLate),
            (true, _) if loaded.run.is_parked() => Some(Said::Resting),
            // she answered what stood there before
            (true, StatusCode::CONFLICT) => Some(Said::Changed),
            (true, _) => Some(Said::Later),
        };
        let filled = Filled { pairs: &sent.pairs, problems: &problems, files: &sent.files, ..BLANK };
        let form = loaded.run.tasks.get(&self.id.number).filter(|_| !open).and_then(|task| form_of(&loaded, task));
        let typed = form.map_or_else(Vec::new, |form| self.typed(&form, sent));
        let sight = Sight { said, filled: if open { filled } else { BLANK }, number: Some(self.id.number), key, typed, from: 0 };
        show(self.tenant, &loaded, self.asked, status, sight).await
    }
}

/// Everything wrong with it at once, or the answer on record.
async fn tell(tenant: &TenantSite, id: TaskId, by: &Caller, task: &Task, form: &Form, sent: &Sent, key: &str) -> Result<(), WishError> {
    let (mut values, mut problems) = form.parse(&sent.pairs);
    problems.extend(form_data::insert_files(tenant, &mut values, &sent.files).await?);
    problems.extend(sent.problems.clone());
    let schema = Schema::compile(task.opened.form.clone()).map_err(WishError::Unavailable)?;
    form_data::all_of(&schema, &values, tenant.today(), &mut problems);
    if !problems.is_empty() {
        return Err(WishError::Rejected(Rejection::Invalid(problems)));
    }
    let shown = sent.get(pages::SHOWN).and_then(Digest::parse).unwrap_or(Digest::of(b""));
    let once = tenant.desk.once(vec![receipt(id, key, &values)]);
    once.answer(id, by, &values, shown).await.map(drop)
}
