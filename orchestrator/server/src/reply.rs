//! Answers: whole pages, and JSON.

use std::sync::Arc;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use laufzettel_domain::Lang;
use laufzettel_policy::Decision;
use laufzettel_store::Store;
use laufzettel_worker::{Exceeded, WishError};

use crate::{
    pages::{self, FehlerPage, Frame, Link, Page, words},
    session,
    site::{Closed, Notes, Session, TenantSite},
    ways::Ways,
};

/// Of the pages of an application: the browser may keep them, for going back to and for nothing else. Each answers a form, and of one that is
/// not kept at all a browser shows a warning instead. Not those that carry the code of a draft, which is a secret.
const GOES_BACK: &str = "private, no-cache";

/// Of an address that is carried into a page: more than all filters of any page together.
const QUERY_BYTES_MAX: usize = 2_000;

/// What every page handler knows of its request.
#[derive(Clone)]
pub struct Asked {
    pub lang: Lang,
    pub path: String,
    pub query: String,
    pub switched: bool,
    pub person: Option<String>,
    ways: Ways,
    pub tenant_name: String,
    /// What is told of the house at the foot of every page, and beside its forms.
    pub notes: Arc<Notes>,
    store: Option<Store>,
}

impl Asked {
    pub fn new(uri: &Uri, headers: &HeaderMap, tenant: Option<&TenantSite>, session: Option<&Session>) -> Self {
        Self {
            lang: session::lang(uri, headers),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            switched: uri.query().is_some_and(|q| q.contains("lang=")),
            person: session.map(|s| s.caller.name.clone()),
            ways: session.map(|s| s.ways).unwrap_or_default(),
            tenant_name: tenant.map(|t| t.desk.tenant.name.clone()).unwrap_or_default(),
            notes: tenant.map(|t| t.notes.clone()).unwrap_or_default(),
            store: tenant.map(|t| t.desk.tenant.store.clone()),
        }
    }

    pub fn page(&self, status: StatusCode, page: &Page) -> Response {
        let way = |(path, key): (&str, &str)| Link { href: path.to_owned(), text: words::word(key, self.lang).to_owned() };
        let frame = Frame {
            lang: self.lang,
            tenant_name: self.tenant_name.clone(),
            person: self.person.clone(),
            ways: self.ways.links().map(way).collect(),
            path: self.path.clone(),
            query: self.besides_language(page),
            footer: self.notes.links().into_iter().map(|(word, href)| Link { href, text: words::word(word, self.lang).to_owned() }).collect(),
        };
        let mut response = (status, Html(pages::render(page, &frame))).into_response();
        if self.person.is_none() && goes_back(page) {
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(GOES_BACK));
        }
        if self.switched {
            let word = if self.lang == Lang::En { "en" } else { "de" };
            if let Ok(value) = HeaderValue::from_str(&format!("sprache={word}; Path=/; SameSite=Lax; Max-Age=31536000")) {
                response.headers_mut().append(header::SET_COOKIE, value);
            }
        }
        response
    }

    /// What an error page was asked with is best forgotten.
    fn besides_language(&self, page: &Page) -> String {
        if matches!(page, Page::Fehler(_)) || self.query.len() > QUERY_BYTES_MAX {
            return String::new();
        }
        self.query.split('&').filter(|pair| !pair.starts_with("lang=")).collect::<Vec<_>>().join("&")
    }

    pub fn ok(&self, page: &Page) -> Response {
        self.page(StatusCode::OK, page)
    }

    pub fn error(&self, status: StatusCode, title: &str, message: &str) -> Response {
        self.advised(status, title, message, words::advice(status.as_u16(), self.person.is_some(), self.lang))
    }

    fn advised(&self, status: StatusCode, title: &str, message: &str, advice: &str) -> Response {
        let link = Link { href: "/".to_owned(), text: words::word("error_home", self.lang).to_owned() };
        let (title, message, advice) = (title.to_owned(), message.to_owned(), Some(advice.to_owned()));
        self.page(status, &Page::Fehler(FehlerPage { status: status.as_u16(), title, message, advice, link: Some(link), typed: Vec::new() }))
    }

    /// What nobody has put into words; forbidden is then what comes from another site.
    pub fn refused(&self, status: StatusCode) -> Response {
        let (title, message) = words::refused(status.as_u16());
        let advice = match status {
            StatusCode::FORBIDDEN => words::word("advice_foreign", self.lang),
            _ => words::advice(status.as_u16(), self.person.is_some(), self.lang),
        };
        self.advised(status, title.get(self.lang), message.get(self.lang), advice)
    }

    /// What is not there and what may not be seen look the same.
    pub fn missing(&self) -> Response {
        self.refused(StatusCode::NOT_FOUND)
    }

    pub fn denied(&self, decision: &Decision) -> Response {
        self.error(StatusCode::FORBIDDEN, words::word("error_denied", self.lang), decision.reason.get(self.lang))
    }

    /// More was started than the house takes in an hour.
    pub fn too_many(&self, exceeded: &Exceeded) -> Response {
        let minutes = words::minutes(i64::try_from(exceeded.retry_after_s).unwrap_or(i64::MAX), self.lang);
        let response = match self.lang {
            Lang::De => self.error(
                StatusCode::TOO_MANY_REQUESTS,
                "Gerade zu viele Vorgänge",
                &format!("Im Augenblick werden keine weiteren Vorgänge angenommen. Bitte versuchen Sie es in {minutes} noch einmal."),
            ),
            Lang::En => self.error(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many cases now",
                &format!("No further cases are taken at the moment. Please try again in {minutes}."),
            ),
        };
        later(response, exceeded)
    }

    /// A form that broke off on its way, or is none.
    pub fn unreadable(&self) -> Response {
        self.refused(StatusCode::BAD_REQUEST)
    }

    /// Whoever works here answers for nobody: what she was told in another way she enters in the task.
    pub fn not_for_staff(&self) -> Response {
        let (title, message, advice) = match self.lang {
            Lang::De => (
                "Hier antwortet die antragstellende Person",
                "Sie sind gerade im Haus angemeldet.",
                "Was Ihnen die antragstellende Person auf anderem Weg mitgeteilt hat, tragen Sie in der Aufgabe ein, sobald das Amt dort antworten darf. Geht es um Ihren eigenen Antrag, melden Sie sich vorher ab.",
            ),
            Lang::En => (
                "The applicant answers here",
                "You are signed in as staff.",
                "What the applicant told you in another way you enter in the task, once the office may answer there. If it is your own application, sign out first.",
            ),
        };
        self.advised(StatusCode::FORBIDDEN, title, message, advice)
    }

    /// What the applicant opens she knows from then on; whoever works here reads it in the case.
    pub fn not_opened_by_staff(&self) -> Response {
        let word = |key| words::word(key, self.lang);
        self.advised(StatusCode::FORBIDDEN, word("staff_opens"), word("staff_opens_text"), word("staff_opens_advice"))
    }

    /// More was sent than anybody fills in, or asked for than anybody reads.
    pub fn too_often(&self, seconds: i64) -> Response {
        let minutes = words::minutes(seconds, self.lang);
        let (title, message) = match self.lang {
            Lang::De => ("Gerade zu viel auf einmal", format!("Von hier kam eben zu viel auf einmal. Bitte versuchen Sie es in {minutes} noch einmal.")),
            Lang::En => ("Too much at once", format!("Too much came from here at once just now. Please try again in {minutes}.")),
        };
        let mut response = self.error(StatusCode::TOO_MANY_REQUESTS, title, &message);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        response
    }

    /// Others are at it already.
    pub fn busy(&self) -> Response {
        let (title, message) = match self.lang {
            Lang::De => ("Gerade belegt", "Das Protokoll wird schon ausgeführt. Bitte versuchen Sie es in einigen Minuten noch einmal."),
            Lang::En => ("Busy", "The journal is being exported already. Please try again in a few minutes."),
        };
        self.error(StatusCode::SERVICE_UNAVAILABLE, title, message)
    }

    pub fn unavailable(&self) -> Response {
        let why = self.store.as_ref().and_then(Store::trouble).map(Closed::Trouble);
        self.closed(why)
    }

    /// Not possible now; what stands in the way is said where it is known.
    pub fn closed(&self, why: Option<Closed>) -> Response {
        let Some(why) = why else { return self.refused(StatusCode::SERVICE_UNAVAILABLE) };
        self.error(StatusCode::SERVICE_UNAVAILABLE, words::word("error_later", self.lang), why.text().get(self.lang))
    }

    /// Who looked is part of the journal: what cannot be recorded is not shown.
    pub fn unwritten(&self, error: &dyn std::error::Error) -> Response {
        tracing::error!(%error, "what cannot be recorded is not shown");
        self.unavailable()
    }

    pub fn wish(&self, error: &WishError) -> Response {
        match error {
            WishError::Unknown => self.missing(),
            WishError::Denied(decision) => self.denied(decision),
            WishError::Rejected(laufzettel_engine::Rejection::Denied(decision)) => self.denied(decision),
            WishError::Rejected(laufzettel_engine::Rejection::Stale(text)) => {
                self.error(StatusCode::CONFLICT, words::word("error_settled", self.lang), text.get(self.lang))
            }
            WishError::Rejected(laufzettel_engine::Rejection::Invalid(_)) | WishError::Repeated | WishError::Unavailable(_) => self.unavailable(),
        }
    }
}

/// Whether a browser may keep it to go back to.
fn goes_back(page: &Page) -> bool {
    let hidden = match page {
        Page::Antrag(page) => &page.hidden,
        Page::Zusammenfassung(page) => &page.hidden,
        _ => return false,
    };
    !hidden.iter().any(|(name, _)| name == pages::DRAFT)
}

pub async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")], pages::STYLE)
}

pub async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")], pages::live::SCRIPT)
}

/// Also where a browser looks of itself, which it does for what is no page.
pub async fn icon() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=86400")], pages::ICON)
}

fn later(mut response: Response, exceeded: &Exceeded) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(exceeded.retry_after_s));
    response
}

/// Whether whoever asks has this already (`If-None-Match`, RFC 9110 § 13.1.2).
pub fn has(headers: &HeaderMap, tag: &str) -> bool {
    let sent = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    sent.map(str::trim).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// What has changed since, under its mark; nothing but the mark where nothing has.
pub fn tagged(headers: &HeaderMap, tag: &str, body: impl FnOnce() -> serde_json::Value) -> Response {
    let mut response = if has(headers, tag) { StatusCode::NOT_MODIFIED.into_response() } else { json(StatusCode::OK, &body()) };
    if let Ok(value) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

pub fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_has_already() {
        for (sent, expected) in [("\"7\"", true), ("W/\"7\"", true), ("\"6\", \"7\"", true), ("*", true), ("\"6\"", false), ("7", false), ("", false)] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, sent.parse().unwrap())]);
            assert_eq!(has(&headers, "\"7\""), expected, "{sent}");
        }
        assert!(!has(&HeaderMap::new(), "\"7\""));
    }
}
