//! Wordings of applications: pages of a form, drafts: key, German, English.

pub(super) const WORDS: &[(&str, &str, &str)] = &[];
