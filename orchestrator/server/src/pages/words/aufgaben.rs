//! Wordings of tasks and the values of a run: key, German, English.

pub(super) const WORDS: &[(&str, &str, &str)] = &[];
