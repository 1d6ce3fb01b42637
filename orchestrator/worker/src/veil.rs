//! The code of a status page in what the staff is shown: whoever has it answers as the applicant, so the house does not read it by the
//! way. Covers it where values are read; refuses to touch what is kept, sent or filled into a form, which must stay as it is.

use laufzettel_domain::Value;

/// What stands before a code, in an address as the desk makes it.
const BEFORE: &str = "/status/";
/// Characters of a code: 16 random bytes in hexadecimal, so that nothing an author writes is taken for one.
const CODE_CHARS: usize = 32;
/// In place of a code.
const COVER: &str = "•••";

pub fn text(text: &str) -> String {
    let mut covered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(BEFORE) {
        let (before, after) = rest.split_at(at + BEFORE.len());
        covered.push_str(before);
        let hex = after.bytes().take_while(u8::is_ascii_hexdigit).count();
        if hex >= CODE_CHARS {
            covered.push_str(COVER);
        }
        rest = if hex >= CODE_CHARS { &after[hex..] } else { after };
    }
    covered.push_str(rest);
    covered
}

/// Every text in a value.
pub fn value(value: &Value) -> Value {
    match value {
        Value::String(inner) => Value::String(text(inner)),
        Value::Array(items) => items.iter().map(self::value).collect(),
        Value::Object(map) => map.iter().map(|(name, inner)| (name.clone(), self::value(inner))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn codes_are_covered_and_nothing_else() {
        let code = "0123456789abcdef0123456789abcdef";
        let rows = [
            (format!("Sehen Sie nach: https://vg.example/status/{code}.\nDanke"), "Sehen Sie nach: https://vg.example/status/•••.\nDanke".to_owned()),
            (format!("/status/{code}?frage=1 /status/{code}"), "/status/•••?frage=1 /status/•••".to_owned()),
            ("/status/abc und /status/ und nichts".to_owned(), "/status/abc und /status/ und nichts".to_owned()),
            (code.to_owned(), code.to_owned()),
        ];
        for (written, expected) in rows {
            assert_eq!(text(&written), expected);
            assert_eq!(value(&json!({ "a": [written, 1, null] })), json!({ "a": [expected, 1, null] }));
        }
    }
}
