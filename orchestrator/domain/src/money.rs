//! Amounts: integer cents as people write and read them, in euro.
//!
//! Forgiving in form, not in meaning: blanks and the name of the currency go; what can be read in two ways is refused.

use crate::Lang;

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    NoAmount,
    /// „1.234“: a thousand, or one and a bit.
    Ambiguous,
    /// More than two digits of cents.
    TooFine,
    /// More than fits.
    TooLarge,
}

/// `62000` → „620,00 €“, "€620.00".
pub fn spelled(cent: i64, lang: Lang) -> String {
    let sign = if cent < 0 { "−" } else { "" };
    let (whole, rest) = (grouped(&(cent.unsigned_abs() / 100).to_string(), lang), cent.unsigned_abs() % 100);
    match lang {
        Lang::De => format!("{sign}{whole},{rest:02} €"),
        Lang::En => format!("{sign}€{whole}.{rest:02}"),
    }
}

/// As it stands in a field: `123450` → „1234,50“. No groups, so that it is read in one way only, whatever the language.
pub fn typed(cent: i64) -> String {
    let sign = if cent < 0 { "-" } else { "" };
    format!("{sign}{},{:02}", cent.unsigned_abs() / 100, cent.unsigned_abs() % 100)
}

/// Thousands apart.
fn grouped(digits: &str, lang: Lang) -> String {
    let mark = if lang == Lang::De { '.' } else { ',' };
    let mut grouped = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            grouped.push(mark);
        }
        grouped.push(digit);
    }
    grouped
}

/// Cents of „620“, „620,5“, „1.234,50 €“, „1234.50“, „620,-“.
pub fn read(text: &str) -> Result<i64, Unread> {
    let (negative, text) = match text.trim().strip_prefix(['-', '−']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.trim()),
    };
    let text = closed(bare(text))?;
    let (whole, cents) = parts(&text)?;
    let cent = whole.checked_mul(100).and_then(|euro| euro.checked_add(cents)).ok_or(Unread::TooLarge)?;
    Ok(if negative { -cent } else { cent })
}

/// Without blanks between thousands; anywhere else nobody knows what they part.
fn closed(text: &str) -> Result<String, Unread> {
    let groups: Vec<&str> = text.split_whitespace().collect();
    let [first, more @ ..] = groups.as_slice() else { return Err(Unread::NoAmount) };
    if !text.chars().all(|c| is_part(c) || c.is_whitespace()) {
        return Err(Unread::NoAmount);
    }
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).count();
    let between = more.split_last().is_none_or(|(last, between)| digits(last) == 3 && between.iter().all(|group| group.len() == 3 && digits(group) == 3));
    let fits = more.is_empty() || (between && (1..=3).contains(&first.len()) && digits(first) == first.len());
    if fits { Ok(groups.concat()) } else { Err(Unread::Ambiguous) }
}

/// Without the currency, and without the dash that stands for no cents.
fn bare(text: &str) -> &str {
    let ends = |text: &str, name: &str| {
        text.len() >= name.len() && text.is_char_boundary(text.len() - name.len()) && text[text.len() - name.len()..].eq_ignore_ascii_case(name)
    };
    let mut text = text.strip_prefix('€').unwrap_or(text).trim_start();
    for name in ["€", "euro", "eur"] {
        if ends(text, name) {
            text = text[..text.len() - name.len()].trim_end();
            break;
        }
    }
    [",--", ",—", ",–", ",-"].iter().find_map(|dash| text.strip_suffix(dash)).unwrap_or(text)
}

/// Euro and cents.
fn parts(text: &str) -> Result<(i64, i64), Unread> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) || !text.ends_with(|c: char| c.is_ascii_digit()) || !text.chars().all(is_part) {
        return Err(Unread::NoAmount);
    }
    let Some(last) = text.rfind(['.', ',']) else { return Ok((number(text)?, 0)) };
    let (whole, behind) = (&text[..last], &text[last + 1..]);
    let mark = &text[last..=last];
    let other = if mark == "." { ',' } else { '.' };
    if whole.contains(mark) {
        // the same mark twice can only part thousands
        return if !whole.contains(other) && in_groups(text, mark) { Ok((number(&text.replace(mark, ""))?, 0)) } else { Err(Unread::NoAmount) };
    }
    let thousands = whole.contains(other);
    if thousands && !in_groups(whole, &other.to_string()) {
        return Err(Unread::NoAmount);
    }
    match behind.len() {
        1 => Ok((number(&whole.replace(other, ""))?, 10 * number(behind)?)),
        2 => Ok((number(&whole.replace(other, ""))?, number(behind)?)),
        3 if !thousands && in_groups(text, mark) && !whole.starts_with('0') => Err(Unread::Ambiguous),
        _ => Err(Unread::TooFine),
    }
}

fn is_part(c: char) -> bool {
    c.is_ascii_digit() || c == '.' || c == ','
}

/// „1.234.567“
fn in_groups(text: &str, mark: &str) -> bool {
    let mut groups = text.split(mark);
    groups.next().is_some_and(|first| (1..=3).contains(&first.len())) && groups.all(|group| group.len() == 3)
}

fn number(digits: &str) -> Result<i64, Unread> {
    digits.parse().map_err(|_| Unread::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_in_one_way_or_not_at_all() {
        use Unread::{Ambiguous, NoAmount, TooFine, TooLarge};
        for (text, expected) in [
            ("620", Ok(62_000)),
            ("620,5", Ok(62_050)),
            ("620.5", Ok(62_050)),
            ("620,50", Ok(62_050)),
            (" 620,00 € ", Ok(62_000)),
            ("620 EUR", Ok(62_000)),
            ("620 Euro", Ok(62_000)),
            ("€620.00", Ok(62_000)),
            ("620,-", Ok(62_000)),
            ("620,-- €", Ok(62_000)),
            ("0", Ok(0)),
            ("0,01", Ok(1)),
            ("007", Ok(700)),
            ("1.234,50", Ok(123_450)),
            ("1,234.50", Ok(123_450)),
            ("1234.50", Ok(123_450)),
            ("1234,5", Ok(123_450)),
            ("1 234,50", Ok(123_450)),
            ("1\u{a0}234", Ok(123_400)),
            ("1.234.567", Ok(123_456_700)),
            ("1,234,567", Ok(123_456_700)),
            ("1.234.567,89", Ok(123_456_789)),
            ("-5", Ok(-500)),
            ("−€1,234.50", Ok(-123_450)),
            ("1 234 567,89", Ok(123_456_789)),
            ("12 50", Err(Ambiguous)),
            ("620 00", Err(Ambiguous)),
            ("1234 567", Err(Ambiguous)),
            ("−0,05", Ok(-5)),
            ("1.234", Err(Ambiguous)),
            ("1,234", Err(Ambiguous)),
            ("999.000 €", Err(Ambiguous)),
            ("0,234", Err(TooFine)),
            ("1234,567", Err(TooFine)),
            ("1.234,567", Err(TooFine)),
            ("1,2345", Err(TooFine)),
            ("1.23.456", Err(NoAmount)),
            ("1234.567.890", Err(NoAmount)),
            ("12.34,50", Err(NoAmount)),
            ("1.234,567,890", Err(NoAmount)),
            ("", Err(NoAmount)),
            ("€", Err(NoAmount)),
            ("620,", Err(NoAmount)),
            (",50", Err(NoAmount)),
            ("--5", Err(NoAmount)),
            ("6e2", Err(NoAmount)),
            ("sechs", Err(NoAmount)),
            ("620 $", Err(NoAmount)),
            ("٦٢٠", Err(NoAmount)),
            ("99999999999999999999", Err(TooLarge)),
            ("92233720368547758,08", Err(TooLarge)),
            ("92233720368547758,07", Ok(i64::MAX)),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_stands_in_a_field_is_read_back() {
        for cent in [0, 5, -5, 99, 100, 62_000, 123_450, 123_456_789, i64::MAX, -i64::MAX] {
            assert_eq!(read(&typed(cent)), Ok(cent));
        }
        for cent in [0, 5, -5, 62_000, 123_450, 12_345_678_900] {
            for lang in [Lang::De, Lang::En] {
                let told = spelled(cent, lang);
                assert_eq!(read(&told), Ok(cent), "{told}");
            }
        }
        assert_eq!((spelled(62_000, Lang::De), spelled(-123_450, Lang::En), typed(62_000)), ("620,00 €".into(), "−€1,234.50".into(), "620,00".into()));
    }
}
