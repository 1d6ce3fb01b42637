//! What is wrong with a file somebody wrote: where, what, and the nearest thing that would be right.

use serde::{Deserialize, Serialize};

use crate::{Lang, Place, Text};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Warning,
    Error,
}

/// One finding. `code` is stable (`LZ1xx` …); people look it up in the handbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub code: String,
    pub severity: Severity,
    pub file: String,
    pub line: u32,
    pub column: u32,
    /// The offending key, as a path in the file (`steps.halter.tool`).
    pub key: String,
    pub message: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Text>,
}

impl Finding {
    /// `datei.yaml:12:3 LZ301 steps.satz: Satz. Hinweis: …`
    pub fn line(&self, lang: Lang) -> String {
        let word = match (self.severity, lang) {
            (Severity::Error, Lang::De) => "Fehler",
            (Severity::Error, Lang::En) => "error",
            (Severity::Warning, Lang::De) => "Warnung",
            (Severity::Warning, Lang::En) => "warning",
        };
        let mut text = format!("{}:{}:{}: {} {}", self.file, self.line, self.column, word, self.code);
        if !self.key.is_empty() {
            text = format!("{text} bei „{}“", self.key);
            if lang == Lang::En {
                text = text.replace(" bei „", " at \"").replace('“', "\"");
            }
        }
        text = format!("{text}: {}", self.message.get(lang));
        if let Some(hint) = &self.hint {
            text = format!("{text} {}", hint.get(lang));
        }
        text
    }
}

/// All findings of one file, in the order they were made; sorted by place when read.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    file: String,
    list: Vec<Finding>,
    kept: bool,
}

/// More findings than this help nobody; the rest is cut and said.
const FINDINGS_MAX: usize = 200;

impl Findings {
    pub fn new(file: impl Into<String>) -> Self {
        Self { file: file.into(), list: Vec::new(), kept: false }
    }

    /// Of a version that was found good once and is kept for the runs that began with it: what a later program would say of its text is no
    /// reason to lose them, so that only what keeps it from being read at all is looked for.
    pub fn of_kept(file: impl Into<String>) -> Self {
        Self { kept: true, ..Self::new(file) }
    }

    /// Of another file that is read along with this one.
    pub fn beside(&self, file: impl Into<String>) -> Self {
        Self { kept: self.kept, ..Self::new(file) }
    }

    pub fn is_kept(&self) -> bool {
        self.kept
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    pub fn error(&mut self, code: &str, at: Place, key: impl Into<String>, message: Text) -> &mut Finding {
        self.push(Severity::Error, code, at, key.into(), message)
    }

    pub fn warning(&mut self, code: &str, at: Place, key: impl Into<String>, message: Text) -> &mut Finding {
        self.push(Severity::Warning, code, at, key.into(), message)
    }

    fn push(&mut self, severity: Severity, code: &str, at: Place, key: String, message: Text) -> &mut Finding {
        if self.list.len() >= FINDINGS_MAX {
            self.list.truncate(FINDINGS_MAX - 1);
        }
        self.list.push(Finding { code: code.to_owned(), severity, file: self.file.clone(), line: at.line, column: at.column, key, message, hint: None });
        self.list.last_mut().expect("just pushed")
    }

    pub fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.list.extend(findings);
    }

    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|f| f.severity == Severity::Error)
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// By file and place, each said once.
    pub fn into_sorted(mut self) -> Vec<Finding> {
        self.list.sort_by(|a, b| (&a.file, a.line, a.column, &a.code, &a.key).cmp(&(&b.file, b.line, b.column, &b.code, &b.key)));
        self.list.dedup();
        self.list
    }
}

/// The nearest of `legal` to what was written, if near enough to be meant.
pub fn nearest<'a>(written: &str, legal: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    legal
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(written, word), word))
        .filter(|(distance, word)| *distance <= 1 + word.chars().count() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// "Meinten Sie …?", or the list of what is legal where nothing is near.
pub fn hint<'a>(written: &str, legal: impl IntoIterator<Item = &'a str> + Clone) -> Text {
    if let Some(word) = nearest(written, legal.clone()) {
        return Text::new(format!("Meinten Sie „{word}“?"), format!("Did you mean \"{word}\"?"));
    }
    let list = legal.into_iter().collect::<Vec<_>>().join(", ");
    Text::new(format!("Möglich sind: {list}."), format!("Possible: {list}."))
}
