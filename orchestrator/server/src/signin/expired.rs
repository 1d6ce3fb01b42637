//! A form that is sent when nobody is signed in any more. Nothing is done; what was typed stands in the answer, to be sent once more after
//! signing in beside it. Keeps nothing here, and no file.

use axum::{
    extract::Request,
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};

use crate::{
    form_data::{self, Texts},
    intake::form_receipt,
    pages::{self, AbgelaufenPage, Page},
    reply::Asked,
    site::{Site, TenantSite},
};

/// `sign_in`: where somebody who signs in comes back to. What is no form, or holds nothing, leads there at once.
pub async fn keep(site: &Site, request: Request, sign_in: &str) -> Response {
    let asked = Asked::new(request.uri(), request.headers(), None, None);
    // signed in beside, she comes back here: where the other window stands does not matter, and not every form has a page at its address
    let held = held(site, &asked, request, "/anmelden", None).await;
    held.unwrap_or_else(|| Redirect::to(sign_in).into_response())
}

/// The page that holds what was typed, with the way to sign in beside it; `None`: nothing was. `form`: of an applicant's form, where it is
/// known again by its key.
pub async fn held(site: &Site, asked: &Asked, request: Request, beside: &str, form: Option<(&TenantSite, &str)>) -> Option<Response> {
    if let Err(answer) = form_data::weighed(site, asked, &request) {
        return Some(*answer);
    }
    let action = request.uri().path_and_query().map_or_else(|| asked.path.clone(), ToString::to_string);
    let typed = |(name, text): &(String, String)| !text.is_empty() && (name == pages::TAKE_REASON || (*name != pages::SHOWN && !name.starts_with('_')));
    // a file alone is worth telling of, too: it is to be chosen once more
    let Texts { pairs, files } = form_data::texts(request).await.filter(|texts| texts.files || texts.pairs.iter().any(typed))?;
    let key = pairs.iter().find(|(name, _)| name == pages::KEY).map(|(_, key)| key.as_str());
    let arrived = match form.zip(key) {
        Some(((tenant, path), key)) => tenant.desk.tenant.store.receipt(&form_receipt(path, key)).await.is_ok_and(|run| run.is_some()),
        None => false,
    };
    let page = AbgelaufenPage { action, pairs, files, sign_in: beside.to_owned(), spent: false, arrived, first: None };
    Some(asked.page(StatusCode::FORBIDDEN, &Page::Abgelaufen(page)))
}
