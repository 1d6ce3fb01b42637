//! Numbers with check digits: IBAN, Steuer-ID, Rentenversicherungsnummer. Each function answers where the number ends.

use super::scan::{blank, digits, ends_word};

/// Lengths by country from the IBAN registry: the SEPA area and the countries around it. Others are not recognized.
#[rustfmt::skip]
const IBAN_LENGTHS: [(&[u8; 2], usize); 58] = [
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22), (b"BH", 22), (b"BR", 29),
    (b"CH", 21), (b"CY", 28), (b"CZ", 24), (b"DE", 22), (b"DK", 18), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18), (b"FO", 18),
    (b"FR", 27), (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27), (b"HR", 21), (b"HU", 28), (b"IE", 22), (b"IL", 23),
    (b"IS", 26), (b"IT", 27), (b"KZ", 20), (b"LI", 21), (b"LT", 20), (b"LU", 20), (b"LV", 21), (b"MC", 27), (b"MD", 24), (b"ME", 22),
    (b"MK", 19), (b"MT", 31), (b"NL", 18), (b"NO", 15), (b"PL", 28), (b"PT", 25), (b"RO", 24), (b"RS", 22), (b"SA", 24), (b"SE", 24),
    (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"XK", 20),
];

/// `DE02120300000000202051`, or with one blank or hyphen between digits or between groups of four.
pub(super) fn iban(text: &str, at: usize) -> Option<usize> {
    let country = text.as_bytes().get(at..at + 2)?.to_ascii_uppercase();
    let length = IBAN_LENGTHS.iter().find(|(name, _)| **name == country[..]).map(|(_, length)| *length)?;
    let (mut characters, mut end) = (Vec::with_capacity(length), at);
    while characters.len() < length {
        let byte = *text.as_bytes().get(end)?;
        if byte.is_ascii_alphanumeric() {
            characters.push(byte.to_ascii_uppercase());
            end += 1;
        } else {
            end = gap(text, end, &characters)?;
        }
    }
    let shaped = characters[2..4].iter().all(u8::is_ascii_digit) && ends_word(text, end);
    (shaped && mod_97(&characters) == 1).then_some(end)
}

/// The end of one separator where people put one: not in the middle of a group with letters, or every sentence that begins with
/// a country's two letters would be read on and on.
fn gap(text: &str, at: usize, taken: &[u8]) -> Option<usize> {
    let grouped = taken.len().is_multiple_of(4) || taken.get(2..)?.iter().all(u8::is_ascii_digit);
    let end = separator(text, at);
    let goes_on = text.as_bytes().get(end).is_some_and(u8::is_ascii_alphanumeric);
    (grouped && goes_on).then_some(end)
}

/// ISO 7064 MOD 97-10 with the first four characters last and letters as 10 to 35.
fn mod_97(characters: &[u8]) -> u32 {
    let turned = characters[4..].iter().chain(&characters[..4]);
    turned.fold(0, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}

/// `86095742719` or `86 095 742 719`. Only test numbers begin with 0.
pub(super) fn steuer_id(text: &str, at: usize) -> Option<usize> {
    let (number, end) = groups(text, at, &[2, 3, 3, 3])?;
    (ends_word(text, end) && number[0] != 0 && repeats_as_ids_do(&number) && mod_11_10(&number[..10]) == number[10]).then_some(end)
}

/// Of the first ten digits exactly one occurs twice, or exactly one three times and then not three in a row.
fn repeats_as_ids_do(number: &[u8]) -> bool {
    let mut counts = [0u8; 10];
    number[..10].iter().for_each(|digit| counts[usize::from(*digit)] += 1);
    let repeated: Vec<u8> = counts.into_iter().filter(|count| *count > 1).collect();
    match repeated[..] {
        [2] => true,
        [3] => !number[..10].windows(3).any(|three| three[0] == three[1] && three[1] == three[2]),
        _ => false,
    }
}

/// The check digit by ISO 7064 MOD 11,10.
fn mod_11_10(number: &[u8]) -> u8 {
    let product = number.iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10
}

/// `65170839J003` or `65 170839 J 003`: area, day of birth, first letter of the name at birth, serial and check digit.
pub(super) fn rentenversicherungsnummer(text: &str, at: usize) -> Option<usize> {
    let (head, end) = groups(text, at, &[2, 6])?;
    let letter_at = separator(text, end);
    let letter = text.as_bytes().get(letter_at).filter(|byte| byte.is_ascii_alphabetic())?.to_ascii_uppercase() - b'A' + 1;
    let behind = letter_at + 1;
    let (tail, end) = groups(text, separator(text, behind), &[3])?;
    let number: Vec<u8> = head.into_iter().chain([letter / 10, letter % 10]).chain(tail).collect();
    let month = number[4] * 10 + number[5];
    (ends_word(text, end) && month <= 12 && vkvv(&number[..12]) == number[12]).then_some(end)
}

/// § 4 VKVV: the letter as its two-digit place in the alphabet, weighted, cross sums added, modulo 10.
fn vkvv(number: &[u8]) -> u8 {
    const WEIGHTS: [u8; 12] = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let sum: u8 = number.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).map(|product| product / 10 + product % 10).sum();
    sum % 10
}

/// Digits in groups of these lengths with nothing or one separator between.
fn groups(text: &str, at: usize, lengths: &[usize]) -> Option<(Vec<u8>, usize)> {
    let (mut number, mut end) = (Vec::new(), at);
    for (index, length) in lengths.iter().enumerate() {
        if index > 0 {
            end = separator(text, end);
        }
        let group = digits(text, end).get(..*length)?;
        number.extend(group.bytes().map(|byte| byte - b'0'));
        end += length;
    }
    Some((number, end))
}

/// The end of a blank, hyphen or slash here; `at` itself if there is none.
fn separator(text: &str, at: usize) -> usize {
    at + blank(text, at).unwrap_or_else(|| usize::from(text[at..].starts_with(['-', '/'])))
}
