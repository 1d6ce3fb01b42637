//! One pass over a text: at the beginning of each word every form is tried, and one that fits is taken whole. It knows
//! no form itself. What only looks like a form (a wrong check digit) is not taken, so nothing hides behind it.

use std::collections::BTreeSet;

use super::{Detected, contact, number};

/// Every form but the mail address has at least so many digits.
const DIGITS_MIN: usize = 7;

pub(super) fn scan(text: &str, own_domains: &[String], phone: bool) -> BTreeSet<Detected> {
    let mut found = BTreeSet::new();
    if contact::email(text, own_domains) {
        found.insert(Detected::Email);
    }
    // most texts end here
    if text.bytes().filter(u8::is_ascii_digit).nth(DIGITS_MIN - 1).is_none() {
        return found;
    }
    let mut at = 0;
    while at < text.len() {
        match form_at(text, at, phone) {
            Some((kind, end)) => {
                found.insert(kind);
                at = end;
            }
            None => at += 1,
        }
    }
    found
}

fn form_at(text: &str, at: usize, phone: bool) -> Option<(Detected, usize)> {
    if !begins_word(text, at) {
        return None;
    }
    let iban = || number::iban(text, at).map(|end| (Detected::Iban, end));
    let rente = || number::rentenversicherungsnummer(text, at).map(|end| (Detected::Rentenversicherungsnummer, end));
    let steuer = || number::steuer_id(text, at).map(|end| (Detected::SteuerId, end));
    let telefon = || contact::telefon(text, at, phone).map(|end| (Detected::Telefon, end));
    iban().or_else(rente).or_else(steuer).or_else(telefon)
}

/// A form begins with an ASCII letter, a digit, `+` or `(`, and not in the middle of a word or number.
fn begins_word(text: &str, at: usize) -> bool {
    let first = text.as_bytes()[at];
    (first.is_ascii_alphanumeric() || first == b'+' || first == b'(') && text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric())
}

/// Whether no letter or digit follows.
pub(super) fn ends_word(text: &str, at: usize) -> bool {
    text[at..].chars().next().is_none_or(|after| !after.is_alphanumeric())
}

/// The length of one blank as typists and typesetters use it: space, no-break, narrow no-break, thin.
pub(super) fn blank(text: &str, at: usize) -> Option<usize> {
    text[at..].chars().next().filter(|c| matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}')).map(char::len_utf8)
}

/// Digits from `at` on.
pub(super) fn digits(text: &str, at: usize) -> &str {
    let length = text.as_bytes()[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    &text[at..at + length]
}
