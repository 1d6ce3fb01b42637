//! CloudEvents 1.0 over HTTP, structured (`application/cloudevents+json`) and binary (`ce-*` headers): an envelope around data that
//! is JSON. Pure. Refuses batches, data of other kinds, and whatever the specification calls invalid, by the attribute's name.

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use laufzettel_domain::{Digest, Value};
use serde_json::{Map, json};

use crate::problem::{Problem, no_json};

#[derive(Debug, Clone, PartialEq)]
pub struct CloudEvent {
    pub id: String,
    pub source: String,
    /// `type`
    pub kind: String,
    pub subject: Option<String>,
    /// An empty object where there is none.
    pub data: Value,
}

impl CloudEvent {
    /// Source and id together name one event, whoever sends it how often.
    pub fn mark(&self) -> String {
        format!("ce:{}", Digest::of_value(&json!([self.source, self.id])))
    }
}

/// What stands in the envelope; `None`: it is none.
pub fn read(headers: &HeaderMap, body: &[u8]) -> Option<Result<CloudEvent, Problem>> {
    let media = media_type(headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default());
    if media == "application/cloudevents+json" {
        return Some(structured(body));
    }
    if media.starts_with("application/cloudevents") {
        let told = Problem::new(415, "CloudEvents nur einzeln und als JSON.", "CloudEvents one at a time and as JSON only.");
        return Some(Err(told));
    }
    // a sender that forgot one of them meant the others
    let binary = ["ce-specversion", "ce-id", "ce-source", "ce-type"].iter().any(|name| headers.contains_key(*name));
    binary.then(|| of_headers(headers, body))
}

fn media_type(written: &str) -> String {
    written.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The one place that says what is missing or wrong.
pub fn wrong(attribute: &str) -> Problem {
    let (de, en) = (format!("Im CloudEvent fehlt „{attribute}“, oder es ist ungültig."), format!("The CloudEvent lacks \"{attribute}\", or it is not valid."));
    Problem::new(400, de, en).with("attribute", attribute.into())
}

fn structured(body: &[u8]) -> Result<CloudEvent, Problem> {
    let Ok(Value::Object(mut map)) = serde_json::from_slice(body) else { return Err(no_json()) };
    let data = match (map.remove("data"), map.remove("data_base64")) {
        (Some(_), Some(_)) => return Err(wrong("data_base64")),
        (data, None) => data,
        (None, Some(packed)) => {
            let bytes = packed.as_str().and_then(|text| STANDARD.decode(text).ok());
            Some(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(|| wrong("data_base64"))?)
        }
    };
    event(&map, data)
}

fn of_headers(headers: &HeaderMap, body: &[u8]) -> Result<CloudEvent, Problem> {
    let mut map = Map::new();
    for name in ["specversion", "id", "source", "type", "subject", "time"] {
        if let Some(written) = headers.get(format!("ce-{name}")) {
            let text = written.to_str().ok().and_then(decoded).ok_or_else(|| wrong(name))?;
            map.insert(name.to_owned(), text.into());
        }
    }
    if let Some(media) = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()) {
        map.insert("datacontenttype".to_owned(), media.into());
    }
    let data = match body {
        [] => None,
        bytes => Some(serde_json::from_slice(bytes).map_err(|_| wrong("data"))?),
    };
    event(&map, data)
}

/// Header values are percent-encoded (HTTP protocol binding § 3.1.3.2).
fn decoded(written: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = written.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn event(map: &Map<String, Value>, data: Option<Value>) -> Result<CloudEvent, Problem> {
    let text = |name: &str| map.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let needed = |name: &str| text(name).map(str::to_owned).ok_or_else(|| wrong(name));
    if needed("specversion")? != "1.0" {
        return Err(wrong("specversion"));
    }
    let optional = |name: &str, fits: &dyn Fn(&str) -> bool| match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => text(name).filter(|text| fits(text)).map(|text| Some(text.to_owned())).ok_or_else(|| wrong(name)),
    };
    optional("time", &|text| text.parse::<Timestamp>().is_ok())?;
    optional("datacontenttype", &is_json)?;
    let subject = optional("subject", &|_| true)?;
    Ok(CloudEvent { id: needed("id")?, source: needed("source")?, kind: needed("type")?, subject, data: data.unwrap_or_else(|| json!({})) })
}

fn is_json(written: &str) -> bool {
    let media = media_type(written);
    media == "application/json" || media == "text/json" || media.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (axum::http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn expected() -> CloudEvent {
        CloudEvent { id: "7".into(), source: "/kasse/ä".into(), kind: "zahlung".into(), subject: Some("K-1".into()), data: json!({ "cent": 700 }) }
    }

    fn whole() -> Value {
        json!({ "specversion": "1.0", "id": "7", "source": "/kasse/ä", "type": "zahlung", "subject": "K-1", "time": "2026-11-23T09:00:00Z",
            "datacontenttype": "application/json", "erweiterung": "egal", "data": { "cent": 700 } })
    }

    #[test]
    fn one_event_in_either_mode() {
        let envelope = headers(&[("content-type", "application/cloudevents+json; charset=utf-8")]);
        assert_eq!(read(&envelope, whole().to_string().as_bytes()).unwrap().unwrap(), expected());
        let mut packed = whole();
        packed.as_object_mut().unwrap().remove("data");
        packed["data_base64"] = json!(STANDARD.encode(br#"{"cent":700}"#));
        assert_eq!(read(&envelope, packed.to_string().as_bytes()).unwrap().unwrap(), expected());
        let binary = [
            ("ce-specversion", "1.0"),
            ("ce-id", "7"),
            ("ce-source", "/kasse/%C3%A4"),
            ("ce-type", "zahlung"),
            ("ce-subject", "K-1"),
            ("ce-time", "2026-11-23T09:00:00Z"),
            ("content-type", "application/json"),
        ];
        assert_eq!(read(&headers(&binary), br#"{"cent":700}"#).unwrap().unwrap(), expected());
        assert_eq!(read(&headers(&[("content-type", "application/json")]), b"{}").map(|_| ()), None);
        assert_ne!(expected().mark(), CloudEvent { id: "8".into(), ..expected() }.mark());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let envelope = headers(&[("content-type", "application/cloudevents+json")]);
        for (name, value) in [
            ("specversion", Value::Null),
            ("specversion", json!("0.3")),
            ("id", json!("")),
            ("id", json!(7)),
            ("source", Value::Null),
            ("type", Value::Null),
            ("subject", json!("")),
            ("time", json!("gestern")),
            ("datacontenttype", json!("text/xml")),
            ("data_base64", json!("e30=")),
        ] {
            let mut event = whole();
            event[name] = value;
            let told = read(&envelope, event.to_string().as_bytes()).unwrap().unwrap_err();
            let attribute = told.member("attribute").cloned();
            assert_eq!((attribute, told.into_response().status().as_u16()), (Some(json!(name)), 400), "{event}");
        }
        for (list, body, attribute) in [
            (&[("ce-id", "7")][..], "{}", Some("specversion")),
            (&[("ce-specversion", "1.0"), ("ce-id", "%zz"), ("ce-source", "s"), ("ce-type", "t")], "{}", Some("id")),
            (&[("ce-specversion", "1.0"), ("ce-id", "7"), ("ce-source", "s"), ("ce-type", "t")], "kein JSON", Some("data")),
            (&[("content-type", "application/cloudevents-batch+json")], "[]", None),
            (&[("content-type", "application/cloudevents+json")], "[]", None),
        ] {
            let told = read(&headers(list), body.as_bytes()).unwrap().unwrap_err();
            assert_eq!(told.member("attribute"), attribute.map(|a| json!(a)).as_ref(), "{list:?}");
        }
    }
}
