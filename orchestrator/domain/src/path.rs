//! A path into the values of a run: `input.halter.name`, `steps.satz.cent`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Value;

/// Names from the outermost in. A path stands for everything below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Path(pub Vec<String>);

impl Path {
    pub fn new<S: Into<String>>(parts: impl IntoIterator<Item = S>) -> Self {
        Self(parts.into_iter().map(Into::into).collect())
    }

    /// The step a path reads, if it reads one.
    pub fn step(&self) -> Option<&str> {
        match self.0.as_slice() {
            [root, step, ..] if root == "steps" => Some(step),
            _ => None,
        }
    }

    pub fn root(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Whether `self` is `other` or contains it.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(name.to_owned());
        Self(parts)
    }

    /// Stands for every element of a list.
    pub const EACH: &'static str = "*";

    /// Whether a part of a path names an element of a list, or every one.
    pub fn is_element(part: &str) -> bool {
        part == Self::EACH || part.parse::<usize>().is_ok()
    }

    /// The value at this path; array elements are named by their index.
    pub fn find<'v>(&self, mut value: &'v Value) -> Option<&'v Value> {
        for part in &self.0 {
            value = match value {
                Value::Object(map) => map.get(part)?,
                Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(String::deserialize(deserializer)?.split('.')))
    }
}
