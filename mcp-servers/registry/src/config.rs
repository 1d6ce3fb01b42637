//! The configuration file: which registers there are, what may be searched, who gets which fields for which purposes.
//! Unknown keys are refused, and so is a group without a SID: a typing error must not open a register.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::Error;

/// Hits of one search at most when the configuration names no number.
const LIMIT_DEFAULT: usize = 20;
/// Nobody may ask for more: an answer is for a case, not a copy of the register.
const LIMIT_MAX: usize = 100;
/// Letters of a register's or field's name: it becomes part of a tool's name.
const NAME_BYTES_MAX: usize = 40;

/// All registers of a house.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Names of groups as used below, with their SIDs.
    #[serde(default)]
    pub groups: BTreeMap<String, String>,
    pub registers: BTreeMap<String, RegisterConfig>,
    /// The folder paths are relative to.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// One register.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterConfig {
    pub source: SourceConfig,
    /// Fields that can be searched; `person` needs `familienname`.
    pub search: Vec<String>,
    /// Fields of the answer for each group (name or SID).
    pub fields: BTreeMap<String, Vec<String>>,
    /// Purposes it answers to; `*` for any.
    pub purposes: Vec<String>,
    #[serde(default = "limit_default")]
    pub limit: usize,
    #[serde(default)]
    pub block: Option<Block>,
}

/// Where the records lie: a table of a SQLite file, or a YAML list for trials.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    #[serde(default)]
    pub sqlite: Option<PathBuf>,
    #[serde(default)]
    pub table: Option<String>,
    #[serde(default)]
    pub yaml: Option<PathBuf>,
}

/// Who must not be found, and where the request is noted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The field that is set for a blocked person.
    pub field: String,
    /// JSON lines, readable for the owner alone.
    pub inbox: PathBuf,
}

fn limit_default() -> usize {
    LIMIT_DEFAULT
}

impl Config {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Self::parse(&text, folder, path)
    }

    /// Checks a text; `path` is what errors name.
    pub fn parse(text: &str, folder: PathBuf, path: &Path) -> Result<Self, Error> {
        let config = serde_saphyr::from_str::<Self>(text);
        let config = config.map_err(|source| Error::Yaml { path: path.to_owned(), source: Box::new(source) })?;
        let config = Self { folder, ..config };
        for (name, register) in &config.registers {
            let checked = register.check(name).and_then(|()| config.granted(register).map(drop));
            checked.map_err(|wrong| Error::Config { register: name.clone(), wrong })?;
        }
        Ok(config)
    }

    /// The fields of a register by SID.
    pub(crate) fn granted(&self, register: &RegisterConfig) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
        let mut granted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (group, fields) in &register.fields {
            let sid = match self.groups.get(group) {
                Some(sid) => sid,
                None if group.starts_with("S-1-") => group,
                None => return Err(format!("the group {group} has no SID")),
            };
            granted.entry(sid.clone()).or_default().extend(fields.iter().cloned());
        }
        Ok(granted)
    }
}

impl RegisterConfig {
    fn check(&self, name: &str) -> Result<(), String> {
        let fields = self.fields.values().flatten().chain(&self.search).chain(self.block.iter().map(|block| &block.field));
        if let Some(bad) = std::iter::once(name).chain(fields.map(String::as_str)).find(|name| !plain(name)) {
            return Err(format!("{bad:?} is no name (small letters, digits, underscore, a letter first)"));
        }
        if let Some(taken) = self.search.iter().find(|field| ["ab", "anzahl"].contains(&field.as_str())) {
            return Err(format!("a searched field cannot be called {taken}"));
        }
        if self.search.is_empty() || (name == PERSON && !self.search.iter().any(|field| field == FAMILIENNAME)) {
            return Err("search must name fields, and that of person familienname".to_owned());
        }
        if !(1..=LIMIT_MAX).contains(&self.limit) {
            return Err(format!("limit must lie between 1 and {LIMIT_MAX}"));
        }
        Ok(())
    }

    /// All fields that are read from the source.
    pub(crate) fn columns(&self) -> BTreeSet<String> {
        let block = self.block.iter().map(|block| &block.field);
        self.fields.values().flatten().chain(&self.search).chain(block).cloned().collect()
    }
}

/// The register whose search needs a family name.
pub(crate) const PERSON: &str = "person";
/// That field.
pub(crate) const FAMILIENNAME: &str = "familienname";

fn plain(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|first: char| first.is_lowercase())
        && name.chars().all(|letter| letter.is_lowercase() || letter.is_ascii_digit() || letter == '_')
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::Config;

    const GOOD: &str = "
groups: { GG-A: S-1-5-1 }
registers:
  person: { source: { yaml: p.yaml }, search: [familienname], fields: { GG-A: [familienname, ort], S-1-5-2: [ort] }, purposes: [x] }
";

    #[test]
    fn a_configuration_is_taken_whole_or_refused() {
        for (from, to, taken) in [
            ("", "", true),
            ("GG-A: [", "GG-B: [", false),
            ("[familienname],", "[vornamen],", false),
            ("[familienname],", "[],", false),
            ("[familienname],", "[familienname, ab],", false),
            ("ort]", "\"Ort; DROP\"]", false),
            ("purposes", "zwecke", false),
            ("purposes: [x]", "purposes: [x], limit: 0", false),
            ("purposes: [x]", "purposes: [x], limit: 101", false),
            ("purposes: [x]", "purposes: [x], limit: 100", true),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_eq!(Config::parse(&text, PathBuf::new(), Path::new("r.yaml")).is_ok(), taken, "{to}");
        }
    }
}
