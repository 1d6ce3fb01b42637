//! An application as a browser sends it: the fields of a value, and the receipt's way to the status page.

use serde_json::Value;

use crate::desk::{Server, client};

/// Sends it and gives the path of its status page.
pub async fn send(server: &Server, path: &str, input: &Value) -> String {
    let mut fields = vec![("_schluessel".to_owned(), "000000000000000000000000000000a1".to_owned()), ("_schritt".to_owned(), "absenden".to_owned())];
    spell(input, "", &mut fields);
    let form: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    let request = client().post(server.url(path)).header("origin", server.url("")).header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(form.join("&")).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let page = answer.text().await.unwrap_or_default().replace("&#x2f;", "/");
    assert_eq!(status, 200, "{page}");
    let at = page.find("/status/").expect("a status page");
    page[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect()
}

/// Every leaf under its dotted path, as the form's fields are called.
fn spell(value: &Value, path: &str, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                spell(inner, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, fields);
            }
        }
        Value::Bool(yes) => fields.push((path.to_owned(), if *yes { "ja" } else { "nein" }.to_owned())),
        Value::String(text) => match text.parse::<jiff::civil::Date>() {
            Ok(day) => fields.extend(
                [("tag", day.strftime("%d")), ("monat", day.strftime("%m")), ("jahr", day.strftime("%Y"))]
                    .map(|(part, text)| (format!("{path}.{part}"), text.to_string())),
            ),
            Err(_) => fields.push((path.to_owned(), text.clone())),
        },
        leaf => fields.push((path.to_owned(), leaf.to_string())),
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
