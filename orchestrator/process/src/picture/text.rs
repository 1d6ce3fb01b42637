//! Text in boxes: how wide it is at most, whatever of the usual fonts draws it, and where it breaks.

/// Width of a character in thousandths of the font size: the widest of the sans-serif fonts systems bring (DejaVu, Verdana,
/// Segoe, Noto, Liberation), half fat. What is measured so fits.
fn milli(c: char) -> i32 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | 'I' | ' ' => 390,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '{' | '}' | '/' | '\\' | '"' | '-' | '*' | '„' | '“' => 480,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '—' | '…' | 'Æ' | 'æ' | '→' => 1_020,
        'A'..='Z' | 'Ä' | 'Ö' | 'Ü' | 'ẞ' | '&' | '+' | '=' | '<' | '>' | '~' => 800,
        c if c.is_ascii() || ('\u{a0}'..='\u{24f}').contains(&c) => 680,
        // anything else may be as wide as it is high
        _ => 1_050,
    }
}

pub fn width(text: &str, font_px: i32) -> i32 {
    text.chars().map(milli).sum::<i32>() * font_px / 1_000 + 1
}

/// One line; what does not fit ends in an ellipsis.
pub fn clip(text: &str, font_px: i32, width_px: i32) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if width(&line, font_px) <= width_px {
        return line;
    }
    let mut cut: Vec<char> = line.chars().collect();
    loop {
        cut.pop();
        let shorter = format!("{}…", cut.iter().collect::<String>().trim_end());
        if cut.is_empty() || width(&shorter, font_px) <= width_px {
            return shorter;
        }
    }
}

/// Ends of the pieces of a parted word, before they become lines: with a hyphen, and after a sign that parts by itself.
const HYPHEN: char = '\u{ad}';
const NOTHING: char = '\u{200b}';

/// Lines at most this wide, broken between words; a word too wide for a line is parted, if it can be after a sign of its own.
pub fn wrap(text: &str, font_px: i32, width_px: i32, lines_max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace().flat_map(|word| parts(word, font_px, width_px)) {
        match lines.last_mut() {
            Some(line) if !line.ends_with([HYPHEN, NOTHING]) && width(&format!("{line} {word}"), font_px) <= width_px => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    if lines.len() > lines_max {
        let rest = lines.split_off(lines_max - 1).join(" ");
        lines.push(clip(&rest.replace([HYPHEN, NOTHING], "\n").replace("\n ", ""), font_px, width_px));
    }
    lines.into_iter().map(|line| line.replace(HYPHEN, "-").replace(NOTHING, "")).collect()
}

/// A word as it fits: whole, or in pieces of a line's width, each but the last marked.
fn parts(word: &str, font_px: i32, width_px: i32) -> Vec<String> {
    let mut pieces = vec![String::new()];
    // such signs of the author's own are none of our marks
    for c in word.chars().filter(|c| ![HYPHEN, NOTHING].contains(c)) {
        let piece = pieces.last_mut().expect("there is always one");
        if !piece.is_empty() && width(&format!("{piece}{c}-"), font_px) > width_px {
            let next = match piece.rfind(['.', '/', '_']) {
                Some(sign) => piece.split_off(sign + 1),
                None => String::new(),
            };
            piece.push(if piece.ends_with(['.', '/', '_']) { NOTHING } else { HYPHEN });
            pieces.push(format!("{next}{c}"));
        } else {
            piece.push(c);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for (text, expected) in [
            ("", vec![]),
            ("kurz", vec!["kurz"]),
            ("Hundesteuer festsetzen oder Anmeldung zurückweisen", vec!["Hundesteuer", "festsetzen oder", "Anmeldung zurüc…"]),
            ("Wohngeldvollständigkeitsprüfung", vec!["Wohngeldvollstän-", "digkeitsprüfung"]),
            ("ein  zwei\n drei", vec!["ein zwei drei"]),
            ("nur steps.festsetzung.ja", vec!["nur steps.", "festsetzung.ja"]),
        ] {
            assert_eq!(wrap(text, 10, 110, 3), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrapped_or_clipped_fits() {
        for text in [
            "WWWWWWWWWWWWWWWWWWWWWWWWWWWW mmmmmm",
            "日本語の手続き日本語の手続き日本語の手続き",
            "a b c d e f g h i j k l m n o p q r s t u v w x y z",
            "{{ input.halter.familienname }}",
        ] {
            assert!(wrap(text, 15, 200, 3).iter().all(|line| width(line, 15) <= 200), "{text}");
            assert!(wrap(text, 15, 200, 3).len() <= 3, "{text}");
            assert!(width(&clip(text, 12, 100), 12) <= 100, "{text}");
        }
    }
}
