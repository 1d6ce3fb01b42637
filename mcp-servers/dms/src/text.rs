//! Text out of bytes: plain text, Markdown, HTML and JSON here, PDF through a foreign program.
//! Office formats and images are refused in plain words.

use laufzettel_mcp_kit::{Failure, file::media_type};

/// The text of a file of this media type.
pub(crate) fn text_of(declared: &str, bytes: &[u8]) -> Result<String, Failure> {
    match media_type(declared).to_ascii_lowercase().as_str() {
        "text/plain" | "text/markdown" | "application/json" => decoded(declared, bytes),
        "text/html" => Ok(mail_parser::decoders::html::html_to_text(&decoded(declared, bytes)?)),
        "application/pdf" => crate::pdf::text_of(bytes),
        other => Err(Failure::unsupported(format!(
            "Dateien der Art „{other}“ kann das Archiv noch nicht auslesen; möglich sind Text, Markdown, HTML, JSON und PDF."
        ))),
    }
}

/// Pages, where the text has form feeds.
pub(crate) fn pages(text: &str) -> impl Iterator<Item = &str> {
    text.split('\u{c}')
}

fn decoded(declared: &str, bytes: &[u8]) -> Result<String, Failure> {
    match charset(declared).as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii") => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            String::from_utf8(bytes.to_vec()).map_err(|_| Failure::invalid("Die Datei ist kein UTF-8-Text."))
        }
        // Latin-1 is the first 256 characters of Unicode.
        Some("iso-8859-1" | "latin1") => Ok(bytes.iter().copied().map(char::from).collect()),
        Some(other) => Err(Failure::unsupported(format!("Den Zeichensatz „{other}“ kann das Archiv nicht lesen."))),
    }
}

fn charset(declared: &str) -> Option<String> {
    let parameters = declared.split(';').skip(1);
    let named = parameters.filter_map(|parameter| parameter.split_once('='));
    let mut charsets = named.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charsets.next().map(|(_, value)| value.trim().trim_matches('"').to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use laufzettel_mcp_kit::Art;

    use super::text_of;

    #[test]
    fn a_few_formats_are_read_and_all_others_refused() {
        let table: &[(&str, &[u8], Result<&str, Art>)] = &[
            ("text/plain", "Grüße".as_bytes(), Ok("Grüße")),
            ("TEXT/Plain; charset=\"UTF-8\"", b"\xef\xbb\xbfHund", Ok("Hund")),
            ("text/plain; charset=iso-8859-1", b"Gr\xfc\xdfe", Ok("Grüße")),
            ("text/plain", b"Gr\xfc\xdfe", Err(Art::Invalid)),
            ("text/plain; charset=koi8-r", b"x", Err(Art::Unsupported)),
            ("text/markdown", b"# Titel", Ok("# Titel")),
            ("application/json", b"{\"a\":1}", Ok("{\"a\":1}")),
            ("application/pdf", b"%PDF", Err(Art::Invalid)),
            ("image/png", b"", Err(Art::Unsupported)),
        ];
        for (media_type, bytes, expected) in table {
            let got = text_of(media_type, bytes);
            let got = got.as_deref().map_err(|failure| failure.art);
            assert_eq!(got, *expected, "{media_type}");
        }
        let html = text_of("text/html", "<style>p{}</style><p>M&uuml;ller &amp; Sohn</p><script>x</script>".as_bytes());
        assert_eq!(html.unwrap().trim(), "Müller & Sohn");
    }
}
