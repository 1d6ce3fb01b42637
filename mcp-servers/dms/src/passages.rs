//! Passages: paragraphs of a text with their place, the words of a question, and how well they meet. The score looks at
//! the passage alone: one that weighed words by how often the archive holds them would tell of documents unread.

use std::collections::BTreeSet;

/// Bytes of one passage: what a reader takes in at once and a model's context holds twenty of.
const PASSAGE_BYTES_MAX: usize = 1500;
/// Passages of one text that are searched; the rowid of a passage keeps four digits for it.
const PASSAGES_MAX: usize = 9_999;
/// Rowids of the passages of one document.
pub(crate) const PLACES: i64 = 10_000;
/// Words of a question that count; longer questions are prose.
const TERMS_MAX: usize = 32;
/// Words at which a passage counts as of usual length.
const USUAL_WORDS: f64 = 60.0;

/// Words that say nothing about what is sought.
const EMPTY_WORDS: &[&str] = &[
    "aber", "als", "am", "an", "auch", "auf", "aus", "bei", "bin", "bis", "das", "dass", "dem", "den", "der", "des", "die", "durch", "ein", "eine", "einem",
    "einen", "einer", "eines", "er", "es", "für", "hat", "ich", "ihr", "im", "in", "ist", "kann", "mit", "nach", "nicht", "oder", "sich", "sie", "sind", "um",
    "und", "uns", "vom", "von", "vor", "wann", "was", "welche", "welcher", "welches", "wenn", "wer", "werden", "wie", "wird", "wo", "zu", "zum", "zur",
];

/// A piece of text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    /// `Absatz 3`, or `Absatz 3, Teil 2` of a long one.
    pub place: String,
    pub text: String,
}

/// The paragraphs of a text in order; long ones in parts.
pub(crate) fn passages(text: &str) -> Vec<Passage> {
    let mut passages = Vec::new();
    for (place, paragraph) in paragraphs(text).into_iter().enumerate() {
        let place = format!("Absatz {}", place + 1);
        let parts = parts(&paragraph);
        let single = parts.len() == 1;
        for (part, text) in parts.into_iter().enumerate() {
            let place = if single { place.clone() } else { format!("{place}, Teil {}", part + 1) };
            passages.push(Passage { place, text: text.to_owned() });
        }
        if passages.len() > PASSAGES_MAX {
            break;
        }
    }
    passages.truncate(PASSAGES_MAX);
    passages
}

fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in text.lines() {
        let line = line.trim();
        match paragraphs.last_mut() {
            Some(last) if !line.is_empty() => {
                if !last.is_empty() {
                    last.push('\n');
                }
                last.push_str(line);
            }
            Some(last) if !last.is_empty() => paragraphs.push(String::new()),
            _ => {}
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

fn parts(paragraph: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = paragraph;
    while rest.len() > PASSAGE_BYTES_MAX {
        let window = &rest[..rest.floor_char_boundary(PASSAGE_BYTES_MAX)];
        let at = window.rfind(". ").map(|at| at + 1).or_else(|| window.rfind(char::is_whitespace));
        let (part, after) = rest.split_at(at.filter(|at| *at > 0).unwrap_or(window.len()));
        parts.push(part);
        rest = after.trim_start();
    }
    parts.push(rest);
    parts
}

/// The words of a question in lower case, each once, without empty ones unless there are no others.
pub(crate) fn terms(question: &str) -> Vec<String> {
    let all: BTreeSet<String> = words(question).collect();
    let full: Vec<String> = all.iter().filter(|word| !EMPTY_WORDS.contains(&word.as_str())).cloned().collect();
    let mut terms = if full.is_empty() { all.into_iter().collect() } else { full };
    terms.truncate(TERMS_MAX);
    terms
}

/// Terms as an FTS5 expression. German joins words, so a term also finds what begins with it.
pub(crate) fn expression(terms: &[String], operator: &str) -> String {
    let quoted = terms.iter().map(|term| if prefix(term) { format!("\"{term}\"*") } else { format!("\"{term}\"") });
    quoted.collect::<Vec<_>>().join(operator)
}

/// How well a text meets the terms, from 0 to 1.
pub(crate) fn score(text: &str, terms: &[String]) -> f64 {
    let words: Vec<String> = words(text).collect();
    let length = 0.5 + 0.5 * count(words.len()) / USUAL_WORDS;
    let met = terms.iter().map(|term| {
        let times = count(words.iter().filter(|word| meets(word, term)).count());
        times / (times + length)
    });
    let score = met.sum::<f64>() / count(terms.len().max(1));
    (score * 1000.0).round() / 1000.0
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn prefix(term: &str) -> bool {
    term.chars().count() >= 3
}

fn meets(word: &str, term: &str) -> bool {
    word == term || (prefix(term) && word.starts_with(term))
}

fn count(count: usize) -> f64 {
    // Texts have at most four million words; beyond 2^32 a score would not differ.
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{PASSAGE_BYTES_MAX, expression, passages, score, terms};

    #[test]
    fn a_text_falls_into_paragraphs_and_long_ones_into_parts() {
        let long = "Ein Satz mit Ümlauten. ".repeat(100);
        let passages = passages(&format!("\n\nErster\nAbsatz\n \n\n{long}\n\nDritter"));
        let places: Vec<_> = passages.iter().map(|passage| passage.place.as_str()).collect();
        assert_eq!(places, ["Absatz 1", "Absatz 2, Teil 1", "Absatz 2, Teil 2", "Absatz 3"]);
        assert_eq!(passages[0].text, "Erster\nAbsatz");
        assert!(passages.iter().all(|passage| passage.text.len() <= PASSAGE_BYTES_MAX));
        assert!(passages[1].text.ends_with('.') && passages[2].text.starts_with("Ein"));
    }

    #[test]
    fn a_question_becomes_terms_that_cannot_be_an_expression() {
        assert_eq!(terms("Wie hoch ist die Hundesteuer?"), ["hoch", "hundesteuer"]);
        assert_eq!(terms("der die das"), ["das", "der", "die"]);
        assert_eq!(terms("\" OR * NEAR(a)"), ["a", "near", "or"]);
        assert_eq!(terms(" -- "), Vec::<String>::new());
        assert_eq!(expression(&terms("Hund an §5"), " OR "), "\"5\" OR \"hund\"*");
    }

    #[test]
    fn a_passage_that_meets_more_scores_higher() {
        let terms = terms("Befreiung Hundesteuer");
        let both = score("Befreiung von der Hundesteuer", &terms);
        let joined = score("Der Hundesteuerbescheid", &terms);
        assert!(both > joined && joined > 0.0 && both < 1.0);
        assert!((score("Die Katze", &terms)).abs() < f64::EPSILON);
    }
}
