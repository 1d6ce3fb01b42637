//! Wordings of the status page and signing in as applicant: key, German, English.

pub(super) const WORDS: &[(&str, &str, &str)] = &[];
