//! Characters nobody sees, or that make a text read otherwise than it is (Unicode TR 36 § 3.2): marks that turn the direction of writing,
//! controls, blanks without width, tags. What people type loses them; what they are shown has each one named where it stands, so that what
//! is read is what goes out.

use unicode_normalization::char::is_combining_mark;

/// Line ends and tabs are seen by what they do; soft hyphens and joiners belong to how words are written.
pub fn is_unseen(c: char) -> bool {
    let turns = matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let nothing = matches!(c, '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    let blank = matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}');
    turns || nothing || blank || (c.is_control() && !['\n', '\r', '\t'].contains(&c))
}

/// A text without them.
pub fn dropped(text: &str) -> String {
    text.chars().filter(|c| !is_unseen(*c)).collect()
}

/// Marks over and under one letter: scripts need two, rarely three. Piled up they paint over what stands around them.
const MARKS_MAX: usize = 3;

/// A text with each of them named: `[U+202E]`; so is what is piled up on one letter.
pub fn named(text: &str) -> String {
    if text.is_ascii() && !text.contains(is_unseen) {
        return text.to_owned();
    }
    let mut marks = 0;
    let told = text.chars().map(|c| {
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        if is_unseen(c) || marks > MARKS_MAX { format!("[U+{:04X}]", u32::from(c)) } else { c.to_string() }
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_named() {
        for (text, shown, kept) in [
            ("Müller\tgeb. Weiß\n", "Müller\tgeb. Weiß\n", "Müller\tgeb. Weiß\n"),
            ("\u{202e}gnp.exe", "[U+202E]gnp.exe", "gnp.exe"),
            ("A\u{301}\u{302}\u{303}\u{304}\u{305}b", "A\u{301}\u{302}\u{303}[U+0304][U+0305]b", "A\u{301}\u{302}\u{303}\u{304}\u{305}b"),
            ("\u{2800}", "[U+2800]", ""),
            ("a\u{200b}b\u{0}c\u{e0041}", "a[U+200B]b[U+0000]c[U+E0041]", "abc"),
            // joiners belong to scripts and to signs made of several
            ("क\u{200d}ष 👩\u{200d}🌾", "क\u{200d}ष 👩\u{200d}🌾", "क\u{200d}ष 👩\u{200d}🌾"),
        ] {
            assert_eq!((named(text), dropped(text)), (shown.to_owned(), kept.to_owned()), "{text:?}");
        }
    }
}
