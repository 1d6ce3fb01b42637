//! What whoever came by a page is told when something was refused before any handler saw it: by the framework, for a foreign site,
//! under a foreign name. A page like every other, in her language, with her name and her ways; programs are told by `problem`.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::Next,
    response::Response,
};

use crate::{
    problem::{Problem, is_interface},
    reply::Asked,
    signin,
    site::Site,
};

/// Neither pages nor the interface: what machines fetch, where nobody reads.
const MACHINERY: [&str; 5] = ["/static/", "/.well-known/", "/healthz", "/readyz", "/metrics"];

fn is_page(path: &str) -> bool {
    !is_interface(path) && !MACHINERY.iter().any(|start| path.starts_with(start))
}

/// Around every page.
pub async fn told(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    if !is_page(request.uri().path()) {
        return next.run(request).await;
    }
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_page_already(&response) {
        return response;
    }
    instead(response, asked(&site, &uri, &headers, status).await.refused(status))
}

fn is_page_already(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/html")
}

/// Under a foreign name nobody's name is told.
async fn asked(site: &Site, uri: &Uri, headers: &HeaderMap, status: StatusCode) -> Asked {
    let session = match status {
        StatusCode::MISDIRECTED_REQUEST => None,
        _ => signin::known(site, headers).await,
    };
    let tenant = session.as_ref().and_then(|session| site.tenants.get(&session.tenant));
    Asked::new(uri, headers, tenant, session.as_ref())
}

/// The page, with everything the refusal says beside its body: what is allowed, when to come again, cookies.
fn instead(refused: Response, page: Response) -> Response {
    let (mut parts, _) = refused.into_parts();
    let (of_page, body) = page.into_parts();
    parts.extensions.remove::<Problem>();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.extend(of_page.headers);
    Response::from_parts(parts, Body::new(body))
}

/// What there is not.
pub async fn not_found(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Response {
    missing(&site, &uri, &headers).await
}

pub async fn missing(site: &Site, uri: &Uri, headers: &HeaderMap) -> Response {
    if is_interface(uri.path()) {
        // said by whoever speaks for the interface
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    asked(site, uri, headers, StatusCode::NOT_FOUND).await.missing()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_page() {
        for (path, expected) in [
            ("/", true),
            ("/aufgaben/x", true),
            ("/antrag/vg/hundesteuer", true),
            ("/status/x", true),
            ("/unsinn", true),
            ("/static/style.css", false),
            ("/.well-known/jwks/vg", false),
            ("/metrics", false),
            ("/api/v1/runs", false),
            ("/hooks/vg/x", false),
        ] {
            assert_eq!(is_page(path), expected, "{path}");
        }
    }
}
