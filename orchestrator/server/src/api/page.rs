//! Lists in pages: how a place in a list is written, and where the next page is.

use axum::{
    http::{HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use laufzettel_domain::Value;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{problem::Problem, reply};

/// Entries of a page where nobody says how many: a screen and a half.
const LIMIT: u32 = 50;
/// Entries of a page at most: what a store gives at once.
const LIMIT_MAX: u32 = laufzettel_store::RUNS_PAGE_MAX;

pub fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked.unwrap_or(LIMIT) {
        limit @ 1..=LIMIT_MAX => Ok(limit),
        _ => Err(Problem::new(400, "limit ist eine Zahl von 1 bis 500.", "limit is a number from 1 to 500.")),
    }
}

/// Nobody is to read anything into it, or to make one up: what it holds may change.
pub fn cursor(place: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(json!(place).to_string())
}

pub fn place<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let read = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    read.map(Some).ok_or_else(|| Problem::new(400, "Diesen cursor gibt es nicht; er steht in next.", "There is no such cursor; it stands in next."))
}

/// A page under its name, with the way to the next one in the body and in `Link` (RFC 8288).
pub fn page(uri: &Uri, name: &str, entries: &impl Serialize, next: Option<&impl Serialize>) -> Response {
    let mut body = json!({ name: entries });
    let next = next.map(|place| cursor(place));
    body["next"] = next.as_deref().map_or(Value::Null, Into::into);
    let mut response = reply::json(StatusCode::OK, &body);
    if let Some(cursor) = next
        && let Ok(link) = HeaderValue::from_str(&format!("<{}>; rel=\"next\"", with_cursor(uri, &cursor)))
    {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

fn with_cursor(uri: &Uri, cursor: &str) -> String {
    let others = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("cursor"));
    let query: Vec<String> = others.map(str::to_owned).chain([format!("cursor={cursor}")]).collect();
    format!("{}?{}", uri.path(), query.join("&"))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    #[test]
    fn the_next_page_is_asked_as_this_one_was() {
        for (uri, next) in [
            ("/api/v1/runs", "/api/v1/runs?cursor=Y"),
            ("/api/v1/runs?cursor=X", "/api/v1/runs?cursor=Y"),
            ("/api/v1/runs?state=waiting&cursor=X&limit=3", "/api/v1/runs?state=waiting&limit=3&cursor=Y"),
        ] {
            assert_eq!(with_cursor(&uri.parse().unwrap(), "Y"), next);
        }
    }

    #[test]
    fn a_cursor_is_a_place_or_refused() {
        let there = (Some(3_i64), "a".to_owned());
        assert_eq!(place::<(Option<i64>, String)>(Some(&cursor(&there))).unwrap(), Some(there));
        assert_eq!(place::<String>(None).unwrap(), None);
        for wrong in ["", "!", "AAAA", &cursor(&3)] {
            assert_eq!(place::<String>(Some(wrong)).unwrap_err().into_response().status(), 400, "{wrong}");
        }
    }
}
