//! Wordings of the picture of a process and what is live: key, German, English.

pub(super) const WORDS: &[(&str, &str, &str)] = &[];
