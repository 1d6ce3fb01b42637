//! What was typed into a letter is text, whatever it looks like: „12*50*2“ is no emphasis, and a line that begins with `#` no heading. Every sign
//! that would mean something and came with a value is marked as a sign (a backslash before it); what stands in the file keeps its looks.

use laufzettel_process::expression::Part;

/// Signs that mean something wherever they stand (CommonMark 0.31, 6; tables of GFM).
const INLINE: &str = "\\`*_[]<>&!|~";
/// Signs that mean something where a line begins.
const BEGINNING: &str = "#+-=>:";

/// A sign of the text, and whether it stands so in the file.
type Sign = (char, bool);

/// The letter with every sign that came with a value marked. `None`: a value of several lines stands in a row of a table, whose rest would
/// look like a row of its own; or signs would have to be marked beside code, where marks are signs themselves.
pub fn as_text(parts: &[Part]) -> Option<String> {
    let written: Vec<Sign> = parts.iter().flat_map(|part| part.text.chars().map(|sign| (sign, part.fixed))).collect();
    // a line ends with either sign, or with both (CommonMark 0.31, 2.1)
    let both = |at: usize| written[at].0 == '\r' && written.get(at + 1).is_some_and(|next| next.0 == '\n');
    let ends = |(sign, fixed): Sign| (if sign == '\r' { '\n' } else { sign }, fixed);
    let signs: Vec<Sign> = (0..written.len()).filter(|at| !both(*at)).map(|at| ends(written[at])).collect();
    if signs.contains(&('`', true)) && signs.iter().any(|(sign, fixed)| !fixed && INLINE.contains(*sign)) {
        return None;
    }
    let lines: Vec<&[Sign]> = signs.split(|(sign, _)| *sign == '\n').collect();
    let mut end = 0;
    for pair in lines.windows(2) {
        end += pair[0].len();
        let typed_end = !signs[end].1;
        if typed_end && pair.iter().any(|line| line.contains(&('|', true))) {
            return None;
        }
        end += 1;
    }
    Some(lines.into_iter().map(marked).collect::<Vec<_>>().join("\n"))
}

fn marked(line: &[Sign]) -> String {
    // blanks a value begins a line with would make it code
    let typed_blanks = line.iter().take_while(|(sign, fixed)| sign.is_whitespace() && !fixed).count();
    let line = &line[typed_blanks..];
    let first = line.iter().take_while(|(sign, _)| sign.is_whitespace()).count();
    let begins = begins(&line[first..]).map(|at| first + at);
    let mut out = String::with_capacity(line.len() + 8);
    for (at, (sign, fixed)) in line.iter().enumerate() {
        let beginning = begins == Some(at) && line[first..=at].iter().any(|(_, fixed)| !fixed);
        if beginning || (!fixed && INLINE.contains(*sign)) {
            out.push('\\');
        }
        out.push(*sign);
    }
    out
}

/// Where the sign stands by which a line would begin something: `# `, `- `, `1.`.
fn begins(line: &[Sign]) -> Option<usize> {
    let is = |at: usize, signs: &str| line.get(at).is_some_and(|(sign, _)| signs.contains(*sign));
    if is(0, BEGINNING) {
        return Some(0);
    }
    let digits = line.iter().take_while(|(sign, _)| sign.is_ascii_digit()).count();
    (digits > 0 && is(digits, ".)")).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `‹value›` stands for what came with one.
    fn parts(written: &str) -> Vec<Part> {
        let cut = written.split(['‹', '›']).enumerate();
        cut.map(|(n, text)| Part { text: text.to_owned(), fixed: n % 2 == 0 }).collect()
    }

    #[test]
    fn what_came_with_a_value_is_text() {
        for (written, expected) in [
            ("# Bescheid", Some("# Bescheid")),
            ("Guten Tag ‹*Anna*›,", Some("Guten Tag \\*Anna\\*,")),
            ("| **Summe** | **‹12*5›** |", Some("| **Summe** | **12\\*5** |")),
            ("Bitte zahlen Sie ‹3_4_5›. Wir buchen *ab*.", Some("Bitte zahlen Sie 3\\_4\\_5. Wir buchen *ab*.")),
            ("- ‹1. Mahnung›", Some("- 1. Mahnung")),
            ("‹1. Mahnung›", Some("1\\. Mahnung")),
            ("‹3›. Januar", Some("3\\. Januar")),
            ("3. ‹x›", Some("3. x")),
            ("‹# Überschrift›", Some("\\# Überschrift")),
            ("‹    eingerückt›", Some("eingerückt")),
            ("- a\n  ‹- b›", Some("- a\n  \\- b")),
            ("‹---\n===›", Some("\\---\n\\===")),
            ("‹Müller &amp; Söhne ~~x~~ <b>›", Some("Müller \\&amp; Söhne \\~\\~x\\~\\~ \\<b\\>")),
            // a line that looks like one of the file's own is text all the same
            (
                "| a | b |\n|---|---|\n| Summe | ‹70› |\n\n‹Grund\n\n| Summe | 20 |›",
                Some("| a | b |\n|---|---|\n| Summe | 70 |\n\nGrund\n\n\\| Summe \\| 20 \\|"),
            ),
            ("| ‹a | b› |", Some("| a \\| b |")),
            // a row that would go on as one of its own
            ("| ‹Summe\nSteuer› | 70 |", None),
            ("| Summe | ‹70\n›", None),
            // an end of a line is one, however it is written
            ("| Summe | ‹70\r| Steuer | 0 |› |", None),
            ("‹Grund\r# Titel\r\n- x›", Some("Grund\n\\# Titel\n\\- x")),
            ("`‹a*b›`", None),
            ("`‹a›`", Some("`a`")),
        ] {
            assert_eq!(as_text(&parts(written)).as_deref(), expected, "{written}");
        }
    }
}
