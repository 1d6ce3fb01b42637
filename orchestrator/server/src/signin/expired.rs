//! A form that is sent when nobody is signed in any more. Nothing is done; what was typed stands in the answer, to be sent once more after
//! signing in beside it. Keeps nothing here, and no file.

use axum::{
    extract::Request,
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};

use crate::{
    form_data::{self, Texts},
    pages::{self, AbgelaufenPage, Page},
    reply::Asked,
    site::Site,
};

/// `sign_in`: where somebody who signs in comes back to. What is no form, or holds nothing, leads there at once.
pub async fn keep(site: &Site, request: Request, sign_in: &str) -> Response {
    let asked = Asked::new(request.uri(), request.headers(), None, None);
    if let Err(answer) = form_data::weighed(site, &asked, &request) {
        return *answer;
    }
    let action = request.uri().path_and_query().map_or_else(|| asked.path.clone(), ToString::to_string);
    let typed = |(name, text): &(String, String)| !text.is_empty() && (name == pages::TAKE_REASON || (*name != pages::SHOWN && !name.starts_with('_')));
    match form_data::texts(request).await {
        Some(Texts { pairs, files }) if pairs.iter().any(typed) => {
            // signed in beside, she comes back here: where the other window stands does not matter, and not every form has a page at its address
            let sign_in = "/anmelden".to_owned();
            asked.page(StatusCode::FORBIDDEN, &Page::Abgelaufen(AbgelaufenPage { action, pairs, files, sign_in }))
        }
        _ => Redirect::to(sign_in).into_response(),
    }
}
