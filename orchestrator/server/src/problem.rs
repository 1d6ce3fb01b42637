//! Problem documents (RFC 9457): what programs are told when something is refused, in their language. Handlers say what is wrong
//! in both; which one is read is known to one layer around all of them, and that layer also puts into words what the framework
//! refuses before any handler sees it.

use axum::{
    body::Body as Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request, rejection::JsonRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use laufzettel_domain::{Lang, Text, Value};
use laufzettel_policy::Decision;
use laufzettel_process::schema;
use laufzettel_worker::Exceeded;
use serde_json::{Map, json};

use crate::site::Closed;

pub const MEDIA_TYPE: &str = "application/problem+json";

/// Boxed: what goes well carries no room for what might not.
#[derive(Debug, Clone)]
pub struct Problem(Box<Told>);

#[derive(Debug, Clone)]
struct Told {
    status: StatusCode,
    title: Text,
    detail: Option<Text>,
    /// Where in what was sent, and what is wrong there.
    errors: Vec<(String, Text)>,
    more: Map<String, Value>,
}

impl Problem {
    pub fn new(status: u16, de: impl Into<String>, en: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self(Box::new(Told { status, title: Text::new(de, en), detail: None, errors: Vec::new(), more: Map::new() }))
    }

    pub fn because(mut self, detail: Text) -> Self {
        self.0.detail = Some(detail);
        self
    }

    /// A member every language shares.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.0.more.insert(name.to_owned(), value);
        self
    }

    #[cfg(test)]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.0.more.get(name)
    }

    fn body(&self, lang: Lang) -> String {
        let Told { status, title, detail, errors, more } = &*self.0;
        let mut body = json!({ "type": "about:blank", "status": status.as_u16(), "title": title.get(lang) });
        if let Some(detail) = detail {
            body["detail"] = detail.get(lang).into();
        }
        if !errors.is_empty() {
            let error = |(pointer, text): &(String, Text)| json!({ "pointer": pointer, "detail": text.get(lang) });
            body["errors"] = errors.iter().map(error).collect();
        }
        for (name, value) in more {
            body[name] = value.clone();
        }
        body.to_string()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.0.status, [(header::CONTENT_TYPE, MEDIA_TYPE)], self.body(Lang::De)).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        problem.into_response()
    }
}

pub fn problem(status: u16, de: &str, en: &str) -> Response {
    Problem::new(status, de, en).into_response()
}

/// Nothing was written: the same request may come again.
pub fn later() -> Response {
    problem(503, "Gerade nicht möglich. Bitte später noch einmal.", "Not possible now. Please try again later.")
}

/// The same with the reason, where one is known.
pub fn because_of(response: Response, why: Option<Closed>) -> Response {
    let told = response.extensions().get::<Problem>().filter(|told| told.0.status == StatusCode::SERVICE_UNAVAILABLE && told.0.detail.is_none());
    match (told, why) {
        (Some(told), Some(why)) => told.clone().because(why.text()).with("reason", why.word().into()).into_response(),
        _ => response,
    }
}

pub fn no_run() -> Response {
    problem(404, "Diesen Vorgang gibt es nicht.", "There is no such run.")
}

pub fn no_task() -> Response {
    problem(404, "Diese Aufgabe gibt es nicht.", "There is no such task.")
}

pub fn no_process() -> Response {
    problem(404, "Diesen Prozess gibt es nicht.", "There is no such process.")
}

pub fn refused(decision: &Decision) -> Problem {
    Problem::new(403, "Nicht erlaubt.", "Not allowed.").because(decision.reason.clone()).with("rule", decision.rule.clone().into())
}

/// What was sent does not fit, place by place.
pub fn invalid(problems: &[schema::Problem]) -> Response {
    let errors = problems.iter().map(|p| (format!("/{}", p.path.0.join("/")), p.message.clone())).collect();
    let mut told = Problem::new(422, "Die Daten passen nicht.", "The data does not fit.");
    told.0.errors = errors;
    told.into_response()
}

/// 429 with the seconds after which it is worth another try (RFC 6585 § 4, RFC 9110 § 10.2.3).
pub fn too_many(exceeded: &Exceeded) -> Response {
    let told = Problem::new(429, "Zu viele Vorgänge.", "Too many runs.").because(exceeded.reason.clone());
    retry_after(told.into_response(), &exceeded.retry_after_s.to_string())
}

pub fn retry_after(mut response: Response, seconds: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(seconds) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// A JSON body; what does not read is said with its place.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(JsonRejection::JsonDataError(error)) => {
                let told = Problem::new(422, "Die Daten haben nicht die erwartete Form.", "The data has not the shape that is expected.");
                Err(told.with("reader", error.body_text().into()).into_response())
            }
            // the reader's own words are English
            Err(JsonRejection::JsonSyntaxError(error)) => Err(no_json().with("reader", error.body_text().into()).into_response()),
            Err(other) => Err(framework(other.status()).into_response()),
        }
    }
}

pub fn no_json() -> Problem {
    Problem::new(400, "Der Inhalt ist kein JSON.", "The content is no JSON.")
}

/// What stands behind the `?`; a name nobody knows is refused like a value that does not read.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejected) => {
                let told = Problem::new(400, "Die Angaben in der Adresse lesen sich nicht.", "The parameters in the address do not read.");
                Err(told.with("reader", rejected.body_text().into()).into_response())
            }
        }
    }
}

/// What the framework refuses, by its status alone.
fn framework(status: StatusCode) -> Problem {
    let (de, en) = match status.as_u16() {
        401 => ("Bitte anmelden, oder einen Schlüssel zeigen.", "Please sign in, or show a key."),
        403 => ("Diese Anfrage kommt von einer fremden Seite.", "This request comes from another site."),
        404 => ("Das gibt es hier nicht.", "There is no such thing here."),
        405 => ("Diese Methode gibt es hier nicht; was es gibt, steht in Allow.", "There is no such method here; Allow says which there are."),
        413 => ("Das ist zu groß.", "This is too large."),
        415 => ("Erwartet wird JSON (Content-Type: application/json).", "JSON is expected (Content-Type: application/json)."),
        code if code < 500 => ("Die Anfrage liest sich nicht.", "The request does not read."),
        _ => ("Hier ist etwas schiefgegangen.", "Something went wrong here."),
    };
    Problem::new(status.as_u16(), de, en)
}

/// Where programs ask, not browsers.
pub fn is_interface(path: &str) -> bool {
    ["/api/", "/hooks/", "/events/"].iter().any(|start| path.starts_with(start))
}

/// Around everything: each refusal in the language of whoever asked.
pub async fn speak(request: Request, next: Next) -> Response {
    let (lang, interface) = (lang(request.headers()), is_interface(request.uri().path()));
    let response = next.run(request).await;
    let status = response.status();
    let told = match response.extensions().get::<Problem>() {
        Some(problem) => problem.clone(),
        None if interface && (status.is_client_error() || status.is_server_error()) => framework(status),
        None => return response,
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    parts.headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(if lang == Lang::En { "en" } else { "de" }));
    Response::from_parts(parts, Bytes::from(told.body(lang)))
}

/// The better liked of the two, of equals the first; German where neither is asked for (RFC 9110 § 12.5.4).
fn lang(headers: &HeaderMap) -> Lang {
    let mut best = (Lang::De, 0.0);
    let ranges = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    for range in ranges {
        let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let weight: f32 = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).unwrap_or(0.0);
        let lang = match tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "de" | "*" => Lang::De,
            "en" => Lang::En,
            _ => continue,
        };
        if weight > best.1 {
            best = (lang, weight);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_asked_for() {
        for (asked, expected) in [
            ("", Lang::De),
            ("de", Lang::De),
            ("en", Lang::En),
            ("en-GB,en;q=0.9", Lang::En),
            ("fr, en;q=0.5, de;q=0.4", Lang::En),
            ("de;q=0.4, en;q=0.4", Lang::De),
            ("en;q=0, *", Lang::De),
            ("pt", Lang::De),
            ("en;q=unsinn", Lang::De),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, asked.parse().unwrap())]);
            assert_eq!(lang(&headers), expected, "{asked}");
        }
    }
}
