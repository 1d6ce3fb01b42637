//! Ways to reach somebody: mail addresses, and phone numbers as they are written in Germany.
//!
//! A phone number has no check digit. What starts with a country code is one; what starts with a single 0 is one only if
//! it is written like one (area code apart from the rest, or a mobile code) or stands where the text says so. Thus no
//! Gemeindeschlüssel, chip number or date is taken for one; a landline number without any separator is missed.

use super::scan::{blank, digits, ends_word};

/// RFC 5321 § 4.5.3.1: the longest local part and the longest domain, which bounds the work at each `@`.
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 255;
/// Groups a phone number is written in at most (+49 (0) 171 12 34 56 78 has seven).
const GROUPS_MAX: usize = 8;
/// Bytes looked at before a number for a word that announces it: one word and some signs.
const ANNOUNCED_BYTES: usize = 24;

/// Whether an address outside of `own_domains` stands in this text.
pub(super) fn email(text: &str, own_domains: &[String]) -> bool {
    text.match_indices('@').any(|(at, _)| local_before(text, at) && domain_after(text, at + 1).is_some_and(|domain| !is_own(domain, own_domains)))
}

fn is_own(domain: &str, own_domains: &[String]) -> bool {
    own_domains.iter().any(|own| own.eq_ignore_ascii_case(domain))
}

/// A letter or digit, or one of the signs that stand in real addresses, directly before.
fn local_before(text: &str, at: usize) -> bool {
    let from = text.floor_char_boundary(at.saturating_sub(LOCAL_BYTES_MAX));
    let mut local = text[from..at].chars().rev().take_while(|c| c.is_alphanumeric() || "._%+-!#$&'*/=?^`{|}~\"".contains(*c));
    local.any(char::is_alphanumeric)
}

/// `vg.example`: labels with dots between, the last of letters only. A full stop behind ends the sentence, not the domain.
fn domain_after(text: &str, at: usize) -> Option<&str> {
    let until = text.floor_char_boundary(text.len().min(at + DOMAIN_BYTES_MAX));
    let rest = &text[at..until];
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '.' && c != '-').unwrap_or(rest.len());
    let domain = rest[..end].trim_end_matches(['.', '-']);
    let (name, last) = domain.rsplit_once('.')?;
    let real = last.chars().count() >= 2 && last.chars().all(char::is_alphabetic) && name.split('.').all(|label| !label.is_empty());
    real.then_some(domain)
}

/// Whether a field's name, or the words before a number, announce a phone.
pub(super) fn names_a_phone(words: &str) -> bool {
    let words = words.to_lowercase();
    words.split(|c: char| !c.is_alphabetic()).any(|word| {
        let whole = matches!(word, "tel" | "fon" | "fax" | "festnetz");
        whole || word.starts_with("mobil") || ["telefon", "telefax", "handy", "rufnummer", "phone"].iter().any(|part| word.contains(part))
    })
}

/// Where a phone number that begins here ends. `announced`: the field's name says that one stands here; words directly
/// before say it too.
pub(super) fn telefon(text: &str, at: usize, announced: bool) -> Option<usize> {
    if inside_a_reference(text, at) {
        return None;
    }
    let (prefix, mut end) = begin(text, at)?;
    let announced = announced || announced_before(text, at);
    let mut groups: Vec<&str> = Vec::new();
    let mut found = None;
    // a postcode or a house number may follow: the longest run of groups that is a number counts
    while groups.len() < GROUPS_MAX {
        let group = digits(text, end);
        groups.push(group);
        end += group.len();
        let is_number = match prefix {
            Prefix::International => international(&groups),
            Prefix::National => national(&groups, announced),
        };
        if is_number && ends_number(text, end) {
            found = Some(end);
        }
        match between(text, end) {
            Some(next) => end = next,
            None => break,
        }
    }
    found
}

/// `FB2-0651/…`, `17.0651`, `17 0651`: behind a sign that hangs on a word, or behind another number.
fn inside_a_reference(text: &str, at: usize) -> bool {
    let before = |signs: &[char]| text[..at].strip_suffix(signs).and_then(|rest| rest.chars().next_back());
    before(&['-', '/', '_']).is_some_and(char::is_alphanumeric) || before(&['.', ',', ' ', '\u{a0}', '\u{202f}']).is_some_and(|c| c.is_ascii_digit())
}

/// Whether the words before name a phone: `Tel.: `, `Mobil `, `Telefon (dienstlich): `.
fn announced_before(text: &str, at: usize) -> bool {
    let from = text.floor_char_boundary(at.saturating_sub(ANNOUNCED_BYTES));
    // a number in between has taken the announcement already
    text[from..at].rsplit(|c: char| c.is_ascii_digit()).next().is_some_and(names_a_phone)
}

/// What may follow a number: not the rest of an amount, a date or a reference.
fn ends_number(text: &str, at: usize) -> bool {
    let after = &text.as_bytes()[at..];
    let goes_on = matches!(after, [b'.' | b',' | b'-' | b'/' | b':', next, ..] if next.is_ascii_alphanumeric());
    ends_word(text, at) && !goes_on
}

/// ITU-T E.164: fifteen digits with the country code at most; the shortest in use have eight.
fn international(groups: &[&str]) -> bool {
    (8..=15).contains(&groups.iter().map(|group| group.len()).sum::<usize>())
}

/// Area code and number in Germany: 030 123456, 06502 9338-0, 0171 1234567. A year behind a slash is a reference
/// (0815/2024), and no number begins with 0 (two postcodes in a row).
fn national(groups: &[&str], announced: bool) -> bool {
    let [code, rest @ ..] = groups else { return false };
    let length: usize = groups.iter().map(|group| group.len()).sum();
    let mobile = ["015", "016", "017"].iter().any(|begin| code.starts_with(begin)) && (10..=13).contains(&length);
    let year = |group: &str| group.len() == 4 && (group.starts_with("19") || group.starts_with("20"));
    let parted = (3..=6).contains(&code.len()) && rest.first().is_some_and(|first| !(first.starts_with('0') || rest.len() == 1 && year(first)));
    let landline = !code.starts_with("00") && (7..=13).contains(&length);
    mobile || landline && (announced || parted)
}

#[derive(Clone, Copy)]
enum Prefix {
    International,
    National,
}

/// What a number begins with (`+49`, `0049`, `(0`, `0`), and where its digits begin.
fn begin(text: &str, at: usize) -> Option<(Prefix, usize)> {
    let rest = &text[at..];
    let digit_at = |length: usize| rest[length..].starts_with(|c: char| matches!(c, '1'..='9')).then_some((Prefix::International, at + length));
    if rest.starts_with("(+") {
        return digit_at(2);
    }
    if rest.starts_with('+') {
        return digit_at(1);
    }
    // other countries' 00 would take chip numbers (fifteen digits, the first three a country) for phones
    if rest.starts_with("0049") {
        return digit_at(2);
    }
    let open = usize::from(rest.starts_with('('));
    rest[open..].starts_with('0').then_some((Prefix::National, at + open))
}

/// Where the next group begins, behind what may stand between two: a blank, a mark, `(0)`, a mark with blanks around it.
fn between(text: &str, at: usize) -> Option<usize> {
    let mut end = at + blank(text, at).unwrap_or(0);
    end += [")/", "(0)", ")", "(", "-", "/", "–"].iter().find(|mark| text[end..].starts_with(**mark)).map_or(0, |mark| mark.len());
    end += blank(text, end).unwrap_or(0);
    text.as_bytes().get(end).is_some_and(u8::is_ascii_digit).then_some(end)
}
