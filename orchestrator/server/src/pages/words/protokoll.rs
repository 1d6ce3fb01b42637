//! Wordings of the journal, operation and the reports for the data protection officer: key, German, English.

pub(super) const WORDS: &[(&str, &str, &str)] = &[];
