//! Text out of PDF through poppler's `pdftotext`: a foreign program, in the same confinement as this server, bounded in time
//! and in what it may say. It brings everything a PDF holds as text, what a reader would not see as well: what is found is
//! data, and nobody downstream may take it for more.

use std::{
    io::{Read as _, Write as _},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use laufzettel_mcp_kit::Failure;

/// Bytes of text taken from one document: two thousand pages; a longer one is no evidence a clerk is sent.
const TEXT_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Milliseconds for one document: a thousand pages take about two seconds.
const RUN_MS_MAX: u64 = 20_000;
/// Milliseconds between looks at whether it has ended.
const LOOK_MS: u64 = 10;

/// The text of a PDF, pages separated by form feeds. What cannot be read is refused in plain words.
pub(crate) fn text_of(bytes: &[u8]) -> Result<String, Failure> {
    let spawned = Command::new("pdftotext").args(["-q", "-enc", "UTF-8", "-", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child =
        spawned.map_err(|_| Failure::unsupported("PDF-Dateien lassen sich hier nicht auslesen: pdftotext (poppler-utils) ist nicht eingerichtet."))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // a program that has seen enough closes its end; that is its answer, not our failure
            let written = stdin.map(|mut stdin| stdin.write_all(bytes));
            drop(written);
        });
        let reading = scope.spawn(move || {
            let mut text = Vec::new();
            let read = stdout.map(|stdout| stdout.take(TEXT_BYTES_MAX + 1).read_to_end(&mut text));
            read.is_some_and(|r| r.is_ok()).then_some(text)
        });
        let began = Instant::now();
        let ended = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status.success(),
                Ok(None) if began.elapsed() < Duration::from_millis(RUN_MS_MAX) => std::thread::park_timeout(Duration::from_millis(LOOK_MS)),
                _ => {
                    drop(child.kill());
                    drop(child.wait());
                    break false;
                }
            }
        };
        let text = reading.join().ok().flatten();
        match text {
            Some(text) if ended && text.len() as u64 <= TEXT_BYTES_MAX => {
                String::from_utf8(text).map_err(|_| Failure::invalid("Der Text des PDF ist kein UTF-8."))
            }
            _ => Err(Failure::invalid("Dieses PDF lässt sich nicht auslesen: es ist beschädigt, verschlüsselt oder zu groß.")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::text_of;

    /// One page with one line of text; `mode` 3 is invisible (ISO 32000-1, 9.3.6).
    fn pdf(text: &str, mode: u8) -> Vec<u8> {
        let stream = format!("BT /F1 12 Tf {mode} Tr 72 700 Td ({text}) Tj ET");
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>".to_owned(),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
            format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
        ];
        let mut out = String::from("%PDF-1.4\n");
        let mut places = Vec::new();
        for (n, object) in objects.iter().enumerate() {
            places.push(out.len());
            out.push_str(&format!("{} 0 obj\n{object}\nendobj\n", n + 1));
        }
        let xref = out.len();
        out.push_str("xref\n0 6\n0000000000 65535 f \n");
        places.iter().for_each(|place| out.push_str(&format!("{place:010} 00000 n \n")));
        out.push_str(&format!("trailer << /Size 6 /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n"));
        out.into_bytes()
    }

    #[test]
    fn visible_and_invisible_text_is_text_and_rubbish_is_refused() {
        for mode in [0, 3] {
            assert_eq!(text_of(&pdf("Bescheinigung Tierheim", mode)).unwrap().trim(), "Bescheinigung Tierheim");
        }
        for rubbish in [&b"%PDF-1.4 abgeschnitten"[..], b"kein PDF", b""] {
            assert!(text_of(rubbish).is_err());
        }
    }
}
