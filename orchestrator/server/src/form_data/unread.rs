//! Requests that give no form: too large, too much in an hour, broken off. Owns what is said of them in words.

use std::{pin::Pin, time::Duration};

use axum::{
    body::{Body, BodyDataStream},
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_core::Stream as _;

use crate::{
    pages::{
        FehlerPage, Page, shown,
        words::{self, word},
    },
    reply::Asked,
    site::Site,
    whence,
};

/// Bytes of a form with its files: three attachments of the usual 4 MiB and some text. All of it is held in memory while it is read.
pub const FORM_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes from one address in an hour: six applications with twenty papers of 4 MiB each, or a counter hall with fifty small ones. A program
/// that sends without end fills 12 GiB of the store in a day, not more, and whatever nobody sends off is cleared away within that day.
const HOUR_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Bytes that are taken and thrown away, so that a browser that is still sending reads the answer: a folder of photographs. Whoever sends more
/// sees the connection end.
const THROWN_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How long they may take.
const THROWN_TIME_MAX: Duration = Duration::from_secs(60);

/// Why a request gives no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// More than [`FORM_BYTES_MAX`].
    TooLarge,
    /// It broke off, or is none.
    Broken,
}

impl Unread {
    /// As a part of the request failed.
    pub(super) fn of(status: StatusCode) -> Self {
        if status == StatusCode::PAYLOAD_TOO_LARGE { Self::TooLarge } else { Self::Broken }
    }
}

/// Bytes a request says it has.
fn declared(request: &Request) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A request too large to be read, as far as it says so; what it still sends is thrown away.
pub(super) async fn small(request: Request) -> Result<Request, Unread> {
    if declared(&request).is_none_or(|bytes| bytes <= FORM_BYTES_MAX as u64) {
        return Ok(request);
    }
    let rest = throw_away(request.into_body());
    // whether it comes to its end or not, the answer is the same
    drop(tokio::time::timeout(THROWN_TIME_MAX, rest).await);
    Err(Unread::TooLarge)
}

async fn throw_away(body: Body) {
    let mut body: BodyDataStream = body.into_data_stream();
    let mut thrown = 0;
    while let Some(Ok(part)) = std::future::poll_fn(|context| Pin::new(&mut body).poll_next(context)).await {
        thrown += part.len();
        if thrown > THROWN_BYTES_MAX {
            return;
        }
    }
}

/// Counts what a request brings, read or thrown away, against what its address may bring in an hour; one that does not say how much counts
/// as the most that is read. `Err`: the answer.
pub fn weighed(site: &Site, asked: &Asked, request: &Request) -> Result<(), Box<Response>> {
    let bytes = declared(request).unwrap_or(FORM_BYTES_MAX as u64).min(THROWN_BYTES_MAX as u64);
    let from = whence::counted(request);
    site.rates().weigh(&format!("bytes von {from}"), bytes, HOUR_BYTES_MAX, site.now()).map_err(|seconds| Box::new(asked.too_much(seconds)))
}

impl Asked {
    pub fn unread(&self, why: Unread) -> Response {
        match why {
            Unread::TooLarge => self.form_refused(StatusCode::PAYLOAD_TOO_LARGE, "form_too_large", &shown::size(FORM_BYTES_MAX as u64, self.lang)),
            Unread::Broken => self.unreadable(),
        }
    }

    fn too_much(&self, seconds: i64) -> Response {
        let mut response = self.form_refused(StatusCode::TOO_MANY_REQUESTS, "form_too_much", &words::minutes(seconds, self.lang));
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        response
    }

    fn form_refused(&self, status: StatusCode, key: &str, gap: &str) -> Response {
        let text = |ending: &str| word(&format!("{key}{ending}"), self.lang).replace("{}", gap);
        let page =
            FehlerPage { status: status.as_u16(), title: text(""), message: text("_text"), typed: Vec::new(), advice: Some(text("_advice")), link: None };
        self.page(status, &Page::Fehler(page)).into_response()
    }
}
