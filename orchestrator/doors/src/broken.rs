//! A call of a tool that ended without a result: what the library says of it, as a failure of ours.
//!
//! Unless the server or the way there says that nothing was done, nobody knows.

use rmcp::{
    service::{ClientInitializeError, ServiceError},
    transport::streamable_http_client::StreamableHttpError,
};

use crate::{
    failure::{Class, Failure, quote},
    guard::Cut,
    tools::MESSAGE_BYTES_MAX,
};

/// The connection was ours to end.
pub fn cut(name: &str, cut: Cut) -> Failure {
    match cut {
        Cut::Overlong => overlong(name),
        Cut::Flood => Failure::new(Class::Unavailable, None, format!("{name} stellt Anfragen ohne Ende, statt zu antworten")),
    }
}

/// Too long to be read, so it has not been: it may as well have been an error.
fn overlong(name: &str) -> Failure {
    Failure::new(Class::InvalidOutput, None, format!("{name}: die Antwort ist länger als {} MiB", MESSAGE_BYTES_MAX >> 20))
}

/// What a server or the way to it made of a request.
pub fn off(name: &str, error: &ServiceError) -> Failure {
    match error {
        ServiceError::McpError(error) => {
            // refused before any tool ran (JSON-RPC 2.0 § 5.1): parse error, invalid request, unknown method, invalid params
            let before = [-32700, -32600, -32601, -32602].contains(&error.code.0);
            refused(name, before.then_some(false), &error.message)
        }
        ServiceError::TransportSend(error) => match error.error.downcast_ref() {
            Some(error) => over_http(name, error),
            None => Failure::new(Class::Unavailable, None, format!("{name}: die Verbindung ist beim Senden abgerissen")),
        },
        ServiceError::UnexpectedResponse => Failure::new(Class::InvalidOutput, None, format!("{name}: die Antwort hat nicht die Form einer Werkzeugantwort")),
        ServiceError::TransportClosed => Failure::new(Class::Unavailable, None, format!("{name}: die Verbindung ist vor der Antwort abgerissen")),
        other => Failure::new(Class::Unavailable, None, format!("{name}: {}", quote(&other.to_string()))),
    }
}

fn refused(name: &str, happened: Option<bool>, why: &str) -> Failure {
    Failure::new(Class::Refused, happened, format!("{name} lehnt die Anfrage ab: {}", quote(why))).after_reaching()
}

/// Why there is no connection.
pub fn start(name: &str, error: &ClientInitializeError) -> String {
    match error {
        ClientInitializeError::TransportError { error, .. } => match error.error.downcast_ref() {
            Some(error) => over_http(name, error).message,
            None => format!("{name}: die Verbindung ist beim Senden abgerissen"),
        },
        ClientInitializeError::ConnectionClosed(_) => format!("{name}: die Verbindung ist vor der Antwort abgerissen"),
        ClientInitializeError::JsonRpcError(error) => refused(name, Some(false), &error.message).message,
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => start(name, fallback),
        other => format!("{name} spricht das Protokoll nicht ({})", quote(&other.to_string())),
    }
}

fn over_http(name: &str, error: &StreamableHttpError<reqwest::Error>) -> Failure {
    match error {
        StreamableHttpError::Client(error) if error.is_connect() => Failure::new(Class::Unavailable, Some(false), format!("{name} ist nicht erreichbar")),
        StreamableHttpError::SessionExpired => {
            Failure::new(Class::Unavailable, Some(false), format!("{name} kennt die Sitzung nicht mehr (HTTP 404)")).after_reaching()
        }
        StreamableHttpError::HttpStatus(answer) => {
            // too many requests: this one was not taken (RFC 6585 § 4)
            let happened = (answer.status == 429).then_some(false);
            let failure = Failure::new(Class::Unavailable, happened, format!("{name} antwortet mit HTTP {}", answer.status)).after_reaching();
            if answer.status == 429 { failure.as_busy() } else { failure }
        }
        StreamableHttpError::AuthRequired(_) | StreamableHttpError::InsufficientScope(_) => {
            Failure::new(Class::Refused, Some(false), format!("{name} verlangt eine Anmeldung, die es nicht gibt")).after_reaching()
        }
        StreamableHttpError::ResponseBodyTooLarge { .. } => overlong(name),
        // the library tells a redirect or refusal (3xx, 4xx) from an answer it cannot read by its text only
        StreamableHttpError::UnexpectedServerResponse(text) if text.starts_with("HTTP ") => {
            Failure::new(Class::Refused, Some(false), format!("{name} antwortet mit {}", quote(text))).after_reaching()
        }
        StreamableHttpError::UnexpectedServerResponse(_) | StreamableHttpError::UnexpectedContentType(_) | StreamableHttpError::Deserialize(_) => {
            Failure::new(Class::InvalidOutput, None, format!("{name}: die Antwort ist nicht zu lesen ({})", quote(&error.to_string())))
        }
        _ => Failure::new(Class::Unavailable, None, format!("{name}: die Verbindung ist abgerissen")),
    }
}
