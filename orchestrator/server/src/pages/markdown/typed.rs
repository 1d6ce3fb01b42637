//! Which signs of a letter are its template's and which came with a value: what was typed is text, whatever it looks like. „12*50*2“ is no
//! emphasis, and a line that begins with `#` no heading. Refuses to guess: a line no line of the template could have made is a value.

/// Signs that mean something wherever they stand (CommonMark 0.31, 6; tables of GFM).
const INLINE: &str = "\\`*_[]<>&!|~";
/// Signs that mean something where a line or an entry begins.
const BEGINNING: &str = "#+-=>:";
/// Steps of fitting one line into one line of the template: a long line with many values needs some hundred.
const STEPS_MAX: usize = 2_000;
/// Lines of templates that are looked at; a letter has a hundred.
const LINES_MAX: usize = 2_000;

/// A piece of a template's line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// It stands there as it is; `may_lack`: a condition decides.
    Fixed {
        text: String,
        may_lack: bool,
    },
    Value,
}

/// The text with every sign that came with a value marked as a sign (a backslash before it). `None`: it could be read in two ways.
pub fn as_text(text: &str, template: &str) -> Option<String> {
    let lines = lines(template);
    let read: Option<Vec<String>> = text.lines().map(|line| if means_something(line) { of_line(line, &lines) } else { Some(line.to_owned()) }).collect();
    Some(read?.join("\n"))
}

fn means_something(line: &str) -> bool {
    line.contains(|c| INLINE.contains(c)) || line.starts_with([' ', '\t']) || begins(line.trim_start()).is_some()
}

/// Where the sign stands by which a line would begin something: `# `, `- `, `1.`.
fn begins(line: &str) -> Option<usize> {
    if line.starts_with(|c| BEGINNING.contains(c)) {
        return Some(0);
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0 && line[digits..].starts_with(['.', ')'])).then_some(digits)
}

fn of_line(line: &str, lines: &[Vec<Piece>]) -> Option<String> {
    let fitting = lines.iter().filter_map(|pieces| Fit::of(pieces, line)).max_by_key(|fit| fit.fixed);
    let Some(fit) = fitting else { return Some(escaped(line, true)) };
    let bars = |text: &str| text.contains('|');
    let table = fit.parts.iter().any(|(part, fixed)| *fixed && bars(part));
    // which bar ends a cell nobody can tell
    if table && fit.parts.iter().any(|(part, fixed)| !fixed && bars(part)) {
        return None;
    }
    let mut out = String::with_capacity(line.len() + 8);
    for (part, fixed) in fit.parts {
        if fixed {
            out.push_str(part);
        } else {
            let first = out.is_empty();
            out.push_str(&escaped(part, first));
        }
    }
    Some(out)
}

/// `first`: nothing stands before it in its line, and blanks would make it code.
fn escaped(value: &str, first: bool) -> String {
    let trimmed = value.trim_start();
    let blank = if first || trimmed.len() == value.len() { "" } else { " " };
    let begins = begins(trimmed);
    let mut out = blank.to_owned();
    for (at, sign) in trimmed.char_indices() {
        if begins == Some(at) || INLINE.contains(sign) {
            out.push('\\');
        }
        out.push(sign);
    }
    out
}

/// How a line came of a line of the template: its parts, and whether each stands there.
struct Fit<'t> {
    parts: Vec<(&'t str, bool)>,
    /// Signs that stand there.
    fixed: usize,
}

impl<'t> Fit<'t> {
    fn of(pieces: &[Piece], line: &'t str) -> Option<Self> {
        // most lines are told apart by what must stand in them
        let lacks = |piece: &Piece| matches!(piece, Piece::Fixed { text, may_lack: false } if !line.contains(text.as_str()));
        if pieces.iter().any(lacks) {
            return None;
        }
        let mut parts = Vec::new();
        fit(pieces, line, &mut parts, &mut STEPS_MAX.clone()).then(|| {
            let fixed = parts.iter().filter(|(_, fixed)| *fixed).map(|(part, _)| part.len()).sum();
            Self { parts, fixed }
        })
    }
}

fn fit<'t>(pieces: &[Piece], rest: &'t str, parts: &mut Vec<(&'t str, bool)>, left: &mut usize) -> bool {
    let Some(steps) = left.checked_sub(1) else { return false };
    *left = steps;
    let Some((piece, further)) = pieces.split_first() else { return rest.is_empty() };
    let before = parts.len();
    match piece {
        Piece::Fixed { text, may_lack } => {
            if let Some(after) = rest.strip_prefix(text.as_str()) {
                parts.push((&rest[..text.len()], true));
                if fit(further, after, parts, left) {
                    return true;
                }
                parts.truncate(before);
            }
            *may_lack && fit(further, rest, parts, left)
        }
        Piece::Value => {
            for end in rest.char_indices().map(|(at, _)| at).chain([rest.len()]) {
                // straight on to where what follows can stand
                if let Some(Piece::Fixed { text, may_lack: false }) = further.first()
                    && !rest[end..].starts_with(text.as_str())
                {
                    continue;
                }
                if further.is_empty() && end < rest.len() {
                    continue;
                }
                parts.push((&rest[..end], false));
                if fit(further, &rest[end..], parts, left) {
                    return true;
                }
                parts.truncate(before);
            }
            false
        }
    }
}

/// The lines of a template, each as its pieces. What a tag cuts away at its side (`{%-`, `-}}`) is cut away here.
fn lines(template: &str) -> Vec<Vec<Piece>> {
    let mut lines = vec![Vec::new()];
    let mut conditional = vec![false];
    let mut rest = template;
    let mut cut = false;
    while !rest.is_empty() && lines.len() < LINES_MAX {
        let open = ["{{", "{%", "{#"].into_iter().filter_map(|tag| rest.find(tag)).min();
        let mut fixed = &rest[..open.unwrap_or(rest.len())];
        if cut {
            fixed = fixed.trim_start();
        }
        let tag = open.map(|open| &rest[open..]);
        if tag.is_some_and(|tag| tag[2..].starts_with('-')) {
            fixed = fixed.trim_end();
        }
        for (n, line) in fixed.split('\n').enumerate() {
            if n > 0 {
                lines.push(Vec::new());
                conditional.push(false);
            }
            let line = line.trim_end_matches('\r');
            if let Some(last) = lines.last_mut().filter(|_| !line.is_empty()) {
                last.push(Piece::Fixed { text: line.to_owned(), may_lack: false });
            }
        }
        let Some(tag) = tag else { break };
        let close = if tag.starts_with("{{") { "}}" } else { ["%}", "#}"][usize::from(tag.starts_with("{#"))] };
        // what does not end is no template; nothing of it was made by it
        let Some(end) = tag.find(close) else { break };
        cut = tag[..end].ends_with('-');
        if let (Some(last), Some(conditional)) = (lines.last_mut(), conditional.last_mut()) {
            if close == "}}" {
                if last.last() != Some(&Piece::Value) {
                    last.push(Piece::Value);
                }
            } else {
                *conditional = true;
            }
        }
        rest = &tag[end + close.len()..];
    }
    for (line, conditional) in lines.iter_mut().zip(conditional) {
        for piece in line {
            if let Piece::Fixed { may_lack, .. } = piece {
                *may_lack = conditional;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "# Bescheid\n\nGuten Tag {{ name }},\n\n| | |\n|---|---|\n| **Summe** | **{{ eur(x) }}** |\n\n\
        {% if a -%}\nBitte zahlen Sie {{ betrag }}.\n{%- if b %} Wir buchen *ab*.{% endif %}\n{%- else -%}\nNichts ist zu zahlen.\n{%- endif %}\n\
        {% for p in posten -%}\n- {{ p }}\n{% endfor %}\n{{ grund }}\n\n*KI-gestützt vorbereitet.*";

    #[test]
    fn what_came_with_a_value_is_text() {
        for (line, expected) in [
            ("# Bescheid", Some("# Bescheid")),
            ("Guten Tag Anna,", Some("Guten Tag Anna,")),
            ("Guten Tag *Anna*,", Some("Guten Tag \\*Anna\\*,")),
            ("| **Summe** | **12,00 €** |", Some("| **Summe** | **12,00 €** |")),
            ("| **Summe** | **12*5** |", Some("| **Summe** | **12\\*5** |")),
            ("Bitte zahlen Sie 3_4_5. Wir buchen *ab*.", Some("Bitte zahlen Sie 3\\_4\\_5. Wir buchen *ab*.")),
            ("Bitte zahlen Sie 3_4_5.", Some("Bitte zahlen Sie 3\\_4\\_5.")),
            ("- 1. Mahnung", Some("- 1\\. Mahnung")),
            ("- # groß", Some("- \\# groß")),
            ("*KI-gestützt vorbereitet.*", Some("*KI-gestützt vorbereitet.*")),
            // of these the template has nothing
            ("Die Steuer ist 12*50*2 Euro", Some("Die Steuer ist 12\\*50\\*2 Euro")),
            ("# Überschrift", Some("\\# Überschrift")),
            ("1. Januar", Some("1\\. Januar")),
            ("    eingerückt", Some("eingerückt")),
            ("---", Some("\\---")),
            ("Müller &amp; Söhne ~~x~~ <b>", Some("Müller \\&amp; Söhne \\~\\~x\\~\\~ \\<b\\>")),
            // which bar ends the cell?
            ("| **Summe** | **1 | 2** |", None),
        ] {
            assert_eq!(as_text(line, TEMPLATE).as_deref(), expected, "{line}");
        }
        assert_eq!(as_text("# Bescheid\n# mein Grund", TEMPLATE).as_deref(), Some("# Bescheid\n\\# mein Grund"));
        assert_eq!(as_text("# x {{", "# {{ ").as_deref(), Some("\\# x {{"), "a template that does not end");
    }

    #[test]
    fn what_fits_badly_ends_soon() {
        let template = format!("{{% if a %}}{}{{% endif %}}", "a{{ x }}".repeat(50));
        let began = std::time::Instant::now();
        let line = format!("{}*", "a".repeat(2_000));
        assert_eq!(as_text(&line, &template), Some(line.replace('*', "\\*")));
        assert!(began.elapsed().as_secs() < 5);
    }
}
