//! A quotation beside the passage it is taken from, with the quoted words marked where they stand.
//!
//! The search is the engine's own ([`laufzettel_process::cite::locate`]): what is marked here is what the engine took for proof.

use laufzettel_domain::Value;
use laufzettel_process::cite;
use laufzettel_worker::veil;
use serde::Serialize;

use super::unseen;

/// Characters of a passage on each side of what is quoted: two or three sentences.
const AROUND_CHARS: usize = 240;

/// A passage in three parts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Marked {
    pub before: String,
    pub quoted: String,
    pub after: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Citation {
    pub document: String,
    pub version: String,
    pub place: String,
    /// The words around the quotation.
    pub near: Marked,
    /// Of a longer passage: all of it.
    pub whole: Option<Marked>,
    /// It stands in a passage this case, or one it has called, has before it.
    pub found: bool,
    /// It stands in a case this one has called.
    pub case: Option<Case>,
    /// Cases it has called that this reader may not look at: it may stand in one of them.
    pub closed: bool,
}

/// A case that was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Case {
    pub number: String,
    pub run: String,
}

/// What a case that was called has before it, for one reader.
#[derive(Debug, Clone, PartialEq)]
pub struct Beyond {
    pub number: String,
    pub run: String,
    /// None (`null`) where she may not look.
    pub passages: Value,
}

impl Citation {
    /// `None`: that is no quotation. `passages`: all the case has; `beyond`: what those have that it has called.
    pub fn of(quotation: &Value, passages: &Value, beyond: &[Beyond]) -> Option<Self> {
        if !cite::is_quotation(quotation) {
            return None;
        }
        let text = |name: &str| veil::text(quotation[name].as_str().unwrap_or_default());
        let stands = |passages: &Value| cite::named(quotation, passages).find_map(|passage| mark(&veil::text(passage), &text("zitat")));
        let own = stands(passages);
        let (found, case) = match own {
            Some(own) => (Some(own), None),
            None => match beyond.iter().find_map(|case| Some((stands(&case.passages)?, case))) {
                Some((marked, case)) => (Some(marked), Some(Case { number: case.number.clone(), run: case.run.clone() })),
                None => (None, None),
            },
        };
        let closed = found.is_none() && beyond.iter().any(|case| case.passages.is_null());
        let whole = found.clone().unwrap_or_else(|| Marked { quoted: text("zitat"), ..Marked::default() }).legible();
        let near = Marked { before: end_of(&whole.before), quoted: whole.quoted.clone(), after: start_of(&whole.after) };
        Some(Self {
            document: unseen::named(&text("document")),
            version: unseen::named(&text("version")),
            place: unseen::named(&text("place")),
            whole: (near != whole).then_some(whole),
            near,
            found: found.is_some(),
            case,
            closed,
        })
    }
}

impl Marked {
    /// What nobody would see is named, after the words were found.
    fn legible(self) -> Self {
        Self { before: unseen::named(&self.before), quoted: unseen::named(&self.quoted), after: unseen::named(&self.after) }
    }
}

fn mark(passage: &str, quotation: &str) -> Option<Marked> {
    let range = cite::locate(passage, quotation)?;
    let part = |range: std::ops::Range<usize>| passage.get(range).map(str::to_owned);
    Some(Marked { before: part(0..range.start)?, quoted: part(range.clone())?, after: part(range.end..passage.len())? })
}

fn start_of(text: &str) -> String {
    match text.char_indices().nth(AROUND_CHARS) {
        Some((at, _)) => format!("{} …", text[..at].rsplit_once(char::is_whitespace).map_or(&text[..at], |(whole, _)| whole)),
        None => text.to_owned(),
    }
}

fn end_of(text: &str) -> String {
    match text.char_indices().nth_back(AROUND_CHARS) {
        Some((at, _)) => format!("… {}", text[at..].split_once(char::is_whitespace).map_or(&text[at..], |(_, whole)| whole)),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn marked(before: &str, quoted: &str, after: &str) -> Marked {
        Marked { before: before.to_owned(), quoted: quoted.to_owned(), after: after.to_owned() }
    }

    #[test]
    fn what_is_quoted_is_marked_where_it_stands() {
        let quotation = |zitat: &str| json!({ "document": "D-1", "version": "2", "place": "Absatz 3", "zitat": zitat });
        let passage = |text: &str| json!([{ "document": "D-1", "version": "2", "place": "Absatz 3", "text": text }]);
        let cited = |zitat: &str, text: &str| Citation::of(&quotation(zitat), &passage(text), &[]).unwrap();
        let short = cited("morsche Pfosten", "Die Prüfung ergab morsche\n Pfosten. Sonst nichts.");
        let expected = Citation {
            document: "D-1".to_owned(),
            version: "2".to_owned(),
            place: "Absatz 3".to_owned(),
            near: marked("Die Prüfung ergab ", "morsche\n Pfosten", ". Sonst nichts."),
            whole: None,
            found: true,
            case: None,
            closed: false,
        };
        assert_eq!(short, expected);
        assert!(!cited("nie gesagt", "Text").found);
        assert_eq!(cited("nie gesagt", "Text").near, marked("", "nie gesagt", ""));
        let filler = "wort ".repeat(200);
        let long = cited("die Mitte", &format!("{filler}die Mitte {filler}"));
        assert!(long.near.before.starts_with("… wort") && long.near.after.ends_with("wort …"), "{long:?}");
        assert_eq!(long.whole, Some(marked(&filler, "die Mitte", &format!(" {filler}"))));
        assert_eq!(Citation::of(&json!({ "zitat": "x" }), &json!([]), &[]), None);
    }

    #[test]
    fn what_a_called_case_has_is_found_there_and_what_may_not_be_seen_is_named() {
        let quotation = json!({ "document": "Anlage 1", "version": "1", "place": "Seite 1", "zitat": "1200,00 EUR" });
        let there = json!([{ "document": "Anlage 1", "version": "1", "place": "Seite 1", "text": "Brutto 1200,00 EUR im Monat" }]);
        let case = |n: usize, passages: &Value| Beyond { number: format!("2026-000001/{n}"), run: format!("r{n}"), passages: passages.clone() };
        let told = |own: &Value, beyond: &[Beyond]| {
            let cited = Citation::of(&quotation, own, beyond).unwrap();
            (cited.found, cited.case.map(|case| case.number), cited.closed, cited.near.before)
        };
        let (nothing, brutto) = (json!([]), "Brutto ".to_owned());
        for (own, beyond, expected) in [
            (&nothing, vec![case(1, &nothing), case(2, &there)], (true, Some("2026-000001/2".to_owned()), false, brutto.clone())),
            (&nothing, vec![case(1, &Value::Null), case(2, &there)], (true, Some("2026-000001/2".to_owned()), false, brutto.clone())),
            // its own passage comes first
            (&there, vec![case(1, &there)], (true, None, false, brutto)),
            (&nothing, vec![case(1, &Value::Null)], (false, None, true, String::new())),
            (&nothing, vec![case(1, &nothing)], (false, None, false, String::new())),
        ] {
            assert_eq!(told(own, &beyond), expected);
        }
    }

    /// The code of a status page is nowhere in it, whatever is quoted of the text around.
    #[test]
    fn codes_stay_covered() {
        let code = "0123456789abcdef".repeat(2);
        let passages = json!([{ "document": "D", "version": "1", "place": "P", "text": format!("siehe https://vg/status/{code} dort") }]);
        let cited = Citation::of(&json!({ "document": "D", "version": "1", "place": "P", "zitat": format!("/status/{code}") }), &passages, &[]).unwrap();
        assert_eq!(cited.near, marked("siehe https://vg", "/status/•••", " dort"));
    }
}
