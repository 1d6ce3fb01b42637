//! An application that is not sent yet, as it is put away: its code, what is made of it, and the envelope. Pure.
//!
//! The code is the only key. What is kept names neither it nor anything in the draft; whoever has the database and no code reads nothing.

use laufzettel_domain::{Digest, digest::to_hex};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce},
    hkdf::{HKDF_SHA256, Prk, Salt},
};
use serde::{Deserialize, Serialize};

/// Letters and digits that are not taken for each other, read or heard: no B (D, P, 8), I (1), O (0), Q, S (F, 5), 0, 1, 8. 28 of them.
const ALPHABET: &[u8; 28] = b"ACDEFGHJKLMNPRTUVWXYZ2345679";
/// 24 of 28: 115 bits.
const CODE_CHARS: usize = 24;
/// As they are written and said.
const GROUP_CHARS: usize = 4;
/// Bytes drawn at once; of each 256 four are thrown away, so that every character is as likely.
const DRAWN: usize = 64;

/// What opens a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code(String);

/// A draft as a form carries it: its code, and which state of it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    pub code: Code,
    /// Of the envelope as it was opened or put away.
    pub seen: Digest,
}

/// What was filled in, and the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Of the process it was filled in for.
    pub version: String,
    pub pairs: Vec<(String, String)>,
    /// References of files, each with its length; their bytes follow in this order.
    files: Vec<(String, usize)>,
    #[serde(skip)]
    pub bytes: Vec<Vec<u8>>,
}

impl Code {
    pub fn new(fill: impl Fn(&mut [u8])) -> Self {
        let mut code = String::new();
        while code.len() < CODE_CHARS {
            let mut drawn = [0; DRAWN];
            fill(&mut drawn);
            let fair = drawn.iter().filter(|byte| usize::from(**byte) < 256 - 256 % ALPHABET.len());
            code.extend(fair.map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).take(CODE_CHARS - code.len()));
        }
        Self(code)
    }

    /// As somebody types it: small or large, with whatever stands between the groups.
    pub fn parse(text: &str) -> Option<Self> {
        let code: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).take(CODE_CHARS + 1).collect();
        (code.len() == CODE_CHARS && code.bytes().all(|c| ALPHABET.contains(&c))).then_some(Self(code))
    }

    /// In groups: „ACDE-FGHJ-…“
    pub fn written(&self) -> String {
        let groups = self.0.as_bytes().chunks(GROUP_CHARS);
        groups.map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join("-")
    }

    /// What it is found by.
    pub fn id(&self, place: &str) -> Option<String> {
        let mut id = [0; 32];
        self.derived().expand(&[b"kennung", place.as_bytes()], HKDF_SHA256).and_then(|made| made.fill(&mut id)).ok()?;
        Some(to_hex(&id))
    }

    fn derived(&self) -> Prk {
        Salt::new(HKDF_SHA256, b"laufzettel entwurf 1").extract(self.0.as_bytes())
    }

    fn key(&self, place: &str) -> Option<LessSafeKey> {
        let info = [b"schluessel".as_slice(), place.as_bytes()];
        let derived = self.derived();
        let made = derived.expand(&info, &CHACHA20_POLY1305).ok()?;
        Some(LessSafeKey::new(made.into()))
    }

    /// `place`: tenant and form; a draft opens nowhere else. A code seals some dozen times, each with a nonce drawn anew.
    pub fn seal(&self, place: &str, draft: &Draft, fill: impl Fn(&mut [u8])) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        fill(&mut nonce);
        // in the place where it is written: with its files it is large, and no second copy is made
        let mut sealed = draft.to_bytes(&nonce, CHACHA20_POLY1305.tag_len())?;
        let tag = self.key(place)?.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), sealed.get_mut(NONCE_LEN..)?).ok()?;
        sealed.extend_from_slice(tag.as_ref());
        Some(sealed)
    }

    pub fn open(&self, place: &str, sealed: &[u8]) -> Option<Draft> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let mut text = text.to_vec();
        let opened = self.key(place)?.open_in_place(Nonce::try_assume_unique_for_key(nonce).ok()?, Aad::empty(), &mut text).ok()?;
        Draft::from_bytes(opened)
    }
}

impl Draft {
    /// `files`: references with their bytes.
    pub fn new(version: &str, pairs: Vec<(String, String)>, files: Vec<(String, Vec<u8>)>) -> Self {
        let names = files.iter().map(|(reference, bytes)| (reference.clone(), bytes.len())).collect();
        Self { version: version.to_owned(), pairs, files: names, bytes: files.into_iter().map(|(_, bytes)| bytes).collect() }
    }

    /// References with their bytes.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(reference, _)| reference.as_str()).zip(self.bytes.iter().map(Vec::as_slice))
    }

    /// `before`, the length of the text, the text, then the files, with room for so many bytes behind them.
    fn to_bytes(&self, before: &[u8], behind: usize) -> Option<Vec<u8>> {
        let text = serde_json::to_vec(self).ok()?;
        let length = u64::try_from(text.len()).ok()?.to_be_bytes();
        let parts: Vec<&[u8]> = [before, length.as_slice(), &text].into_iter().chain(self.bytes.iter().map(Vec::as_slice)).collect();
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len()).sum::<usize>() + behind);
        parts.into_iter().for_each(|part| bytes.extend_from_slice(part));
        Some(bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (text, mut rest) = rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
        let mut draft: Self = serde_json::from_slice(text).ok()?;
        for (_, length) in &draft.files {
            let (file, behind) = rest.split_at_checked(*length)?;
            draft.bytes.push(file.to_vec());
            rest = behind;
        }
        rest.is_empty().then_some(draft)
    }
}

/// „A wie Aachen“: how a code is read out (DIN 5009).
pub fn spelled(code: &str) -> Vec<String> {
    let word = |c: char| CITIES.iter().find(|city| city.starts_with(c)).map_or_else(|| c.to_string(), |city| format!("{c} wie {city}"));
    code.split('-').map(|group| group.chars().map(word).collect::<Vec<_>>().join(", ")).collect()
}

const CITIES: [&str; 21] = [
    "Aachen",
    "Chemnitz",
    "Düsseldorf",
    "Essen",
    "Frankfurt",
    "Goslar",
    "Hamburg",
    "Jena",
    "Köln",
    "Leipzig",
    "München",
    "Nürnberg",
    "Potsdam",
    "Rostock",
    "Tübingen",
    "Unna",
    "Völklingen",
    "Wuppertal",
    "Xanten",
    "Ypsilon",
    "Zwickau",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(bytes: &mut [u8]) {
        bytes.iter_mut().enumerate().for_each(|(n, byte)| *byte = u8::try_from(n * 7 % 256).unwrap());
    }

    fn draft() -> Draft {
        let files = vec![("a".to_owned(), b"eins".to_vec()), ("b".to_owned(), Vec::new()), ("c".to_owned(), vec![0; 300])];
        Draft::new("1.0.0", vec![("halter.name".into(), "Möller".into())], files)
    }

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = Code::new(counting);
        assert_eq!(code.written(), "AJT2-AJT2-AJT2-AJT2-AJT2-AJT2");
        for (text, expected) in [
            ("AJT2-AJT2-AJT2-AJT2-AJT2-AJT2", true),
            ("ajt2 ajt2 ajt2 ajt2 ajt2 ajt2 ", true),
            ("ajt2ajt2ajt2ajt2ajt2ajt2", true),
            ("AJT2-AJT2-AJT2-AJT2-AJT2-AJT", false),
            ("AJT2-AJT2-AJT2-AJT2-AJT2-AJT2A", false),
            ("AJT2-AJT2-AJT2-AJT2-AJT2-AJT0", false),
            ("", false),
        ] {
            assert_eq!(Code::parse(text) == Some(code.clone()), expected, "{text}");
        }
        assert!(spelled(&code.written())[0].starts_with("A wie Aachen, J wie Jena"));
        assert!(ALPHABET.iter().filter(|c| c.is_ascii_alphabetic()).all(|c| CITIES.iter().any(|city| city.starts_with(char::from(*c)))));
    }

    #[test]
    fn only_the_code_opens_and_only_where_it_was_sealed() {
        let (code, other) = (Code::new(counting), Code::parse("CCCC-CCCC-CCCC-CCCC-CCCC-CCCC").unwrap());
        let sealed = code.seal("vg/wohngeld", &draft(), counting).unwrap();
        assert_eq!(code.open("vg/wohngeld", &sealed), Some(draft()));
        assert_eq!((code.open("vg/hund", &sealed), other.open("vg/wohngeld", &sealed), code.open("vg/wohngeld", b"kurz")), (None, None, None));
        for at in [0, NONCE_LEN, sealed.len() - 1] {
            let mut wrong = sealed.clone();
            wrong[at] ^= 1;
            assert_eq!(code.open("vg/wohngeld", &wrong), None, "{at}");
        }
        assert!(!sealed.windows(6).any(|part| part == "Möller".as_bytes().get(..6).unwrap()));
        assert_ne!(code.id("vg/wohngeld"), code.id("vg/hund"));
        assert_ne!(code.id("vg/wohngeld"), other.id("vg/wohngeld"));
    }
}
