//! What is refused is said as a problem document, in the language of whoever asked; pages keep theirs.

use serde_json::json;

use super::{Asked, house, key};
use crate::desk::{Server, client, runtime};

#[test]
fn refusals_are_problem_documents_in_both_languages() {
    let tenant = house();
    let server = Server::start(&tenant, None).expect("up starts");
    let token = key(&tenant, &["--as", "a.klein", "--process", "*", "--per-minute", "6000"]);
    let start = "/api/v1/processes/doppelt/runs";
    let large = "x".repeat(1024 * 1024 + 1);
    let json_type = Some("application/json");
    runtime().block_on(async {
        for (method, path, with_key, content_type, body, status, de, en) in [
            ("GET", "/api/v1/gibt-es-nicht", true, None, "", 404, "Das gibt es hier nicht.", "There is no such thing here."),
            ("GET", "/api/", true, None, "", 404, "Das gibt es hier nicht.", "There is no such thing here."),
            ("POST", "/hooks/vg-bellheim", false, json_type, "{}", 404, "Das gibt es hier nicht.", "There is no such thing here."),
            ("GET", "/events/a/b", false, None, "", 404, "Das gibt es hier nicht.", "There is no such thing here."),
            ("DELETE", "/api/v1/runs", true, None, "", 405, "Diese Methode gibt es hier nicht", "There is no such method here"),
            ("GET", "/hooks/vg-bellheim/hundesteuer", false, None, "", 405, "Diese Methode gibt es hier nicht", "There is no such method here"),
            ("POST", start, true, Some("text/plain"), "{}", 415, "Erwartet wird JSON", "JSON is expected"),
            ("POST", start, true, json_type, &large, 413, "Das ist zu groß.", "This is too large."),
            ("POST", start, true, json_type, "{\"n\":", 400, "Der Inhalt ist kein JSON.", "The content is no JSON."),
            ("POST", start, true, json_type, "{\"n\": \"x\"}", 422, "Die Daten passen nicht.", "The data does not fit."),
            ("POST", "/api/v1/runs/x/cancel", true, json_type, "{}", 422, "Die Daten haben nicht die erwartete Form.", "The data has not the shape"),
            ("GET", "/api/v1/runs", false, None, "", 401, "Bitte anmelden", "Please sign in"),
            ("GET", "/api/v1/runs/00000000-0000-7000-8000-000000000000", true, None, "", 404, "Diesen Vorgang gibt es nicht.", "There is no such run."),
            ("POST", "/hooks/vg-bellheim/hundesteuer", false, json_type, "{}", 401, "webhook-id, webhook-timestamp oder", "webhook-id, webhook-timestamp or"),
        ] {
            for (language, title) in [("de", de), ("en-GB, de;q=0.5", en)] {
                let mut request =
                    client().request(method.parse().expect("a method"), server.url(path)).header("accept-language", language).body(body.to_owned());
                if let Some(media) = content_type {
                    request = request.header("content-type", media);
                }
                let told = Asked::send(request, &if with_key { vec![("authorization", token.clone())] } else { vec![] }).await;
                let name = format!("{method} {path} {language}: {}", told.text);
                assert_eq!((told.status, told.header("content-type"), &told.body["status"]), (status, "application/problem+json", &json!(status)), "{name}");
                assert!(told.body["title"].as_str().is_some_and(|t| t.starts_with(title)), "{name}");
                assert_eq!(told.header("content-language"), &language[..2], "{name}");
                assert_eq!(told.header("allow").is_empty(), status != 405, "{name}");
            }
        }
        // what stands in a field is said in the language, too; and what is said without a language is German
        let told = Asked::post(&server.url(start), &[("authorization", token.clone()), ("accept-language", "en".to_owned())], &json!({})).await;
        assert_eq!(told.body["errors"], json!([{ "pointer": "/n", "detail": "Please fill in." }]), "{}", told.text);
        // a form of another site
        let foreign = [("sec-fetch-site", "cross-site".to_owned()), ("accept-language", "en".to_owned())];
        let told = Asked::post(&server.url(start), &foreign, &json!({})).await;
        assert_eq!((told.status, &told.body["title"]), (403, &json!("This request comes from another site.")));
        // people read pages
        let page = Asked::get(&server.url("/gibt-es-nicht"), &[]).await;
        assert!(page.status == 404 && page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
    });
    server.stop();
}
