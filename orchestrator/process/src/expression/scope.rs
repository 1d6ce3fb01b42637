//! What an expression may look at: exactly the paths it was found to read.

use std::{collections::BTreeMap, fmt, sync::Arc};

use laufzettel_domain::{Path, Value};
use minijinja::value::{Object, Value as JinjaValue};

/// Names the functions look up; they begin with a character no author can write.
pub const ZONE: &str = "\u{1}zone";
pub const ALL: &str = "\u{1}all";
pub const TEMPLATES: &str = "\u{1}templates";
pub const STATUS: &str = "\u{1}status";

/// A serialisable value as minijinja sees it.
pub(super) fn jinja<T: serde::Serialize>(value: T) -> JinjaValue {
    JinjaValue::from(minijinja::value::Serde(value))
}

/// How a step stands, for `failed`, `skipped`, `error`.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct StepStatus {
    pub failed: bool,
    pub skipped: bool,
    pub error: String,
}

/// Everything expressions of one place could read. Cheap to build: values are borrowed until an expression asks.
#[derive(Debug, Clone, Default)]
pub struct Scope<'v> {
    /// `input`, `run`, `item`, `index`, `result`; for rows of a table its arguments and `with`.
    pub roots: BTreeMap<&'v str, &'v Value>,
    /// Values of completed steps only.
    pub steps: BTreeMap<&'v str, &'v Value>,
    pub status: BTreeMap<&'v str, StepStatus>,
    /// Texts of `render`, by the name the author wrote.
    pub templates: Option<&'v BTreeMap<String, String>>,
    /// IANA name of the tenant's zone.
    pub zeitzone: &'v str,
}

impl<'v> Scope<'v> {
    /// The value at a path, if it is there.
    pub fn find(&self, path: &Path) -> Option<&'v Value> {
        let (root, rest) = match path.step() {
            Some(step) => (*self.steps.get(step)?, &path.0[2..]),
            None => (*self.roots.get(path.root())?, path.0.get(1..).unwrap_or_default()),
        };
        Path(rest.to_vec()).find(root)
    }

    /// The scope restricted to `reads`.
    pub(super) fn restrict<'p>(&self, reads: impl IntoIterator<Item = &'p Path>) -> JinjaValue {
        let mut wanted = Wanted::default();
        for path in reads {
            wanted.add(&path.0);
        }
        let mut map: BTreeMap<String, JinjaValue> = BTreeMap::new();
        for (name, below) in &wanted.below {
            let value = if name == "steps" {
                let steps = below.below.iter().filter_map(|(step, inner)| {
                    let value = inner.build(self.steps.get(step.as_str()).copied());
                    (!value.is_undefined()).then(|| (step.clone(), value))
                });
                JinjaValue::from_pairs(steps)
            } else {
                below.build(self.roots.get(name.as_str()).copied())
            };
            if !value.is_undefined() {
                map.insert(name.clone(), value);
            }
        }
        JinjaValue::from(map)
    }

    /// Adds what the functions need beside the values.
    pub(super) fn equip(&self, scope: &JinjaValue, asks: bool, renders: bool) -> JinjaValue {
        let mut map: BTreeMap<String, JinjaValue> = BTreeMap::new();
        if let Ok(keys) = scope.try_iter() {
            for key in keys {
                if let (Some(name), Ok(value)) = (key.as_str(), scope.get_item(&key)) {
                    map.insert(name.to_owned(), value);
                }
            }
        }
        map.insert(ZONE.to_owned(), JinjaValue::from(self.zeitzone));
        if asks {
            map.insert(STATUS.to_owned(), jinja(&self.status));
        }
        if renders {
            let inner = JinjaValue::from(map.clone());
            map.insert(ALL.to_owned(), inner);
            map.insert(TEMPLATES.to_owned(), self.templates.map_or(JinjaValue::UNDEFINED, jinja));
        }
        JinjaValue::from(map)
    }
}

/// The reads as a tree.
#[derive(Default)]
struct Wanted {
    whole: bool,
    below: BTreeMap<String, Wanted>,
}

impl Wanted {
    fn add(&mut self, path: &[String]) {
        match path.split_first() {
            None => self.whole = true,
            Some((name, rest)) => self.below.entry(name.clone()).or_default().add(rest),
        }
    }

    fn build(&self, value: Option<&Value>) -> JinjaValue {
        match value {
            Some(value) if self.whole => jinja(value),
            Some(Value::Object(map)) => JinjaValue::from_pairs(self.below.iter().filter_map(|(name, inner)| {
                let value = inner.build(map.get(name));
                (!value.is_undefined()).then(|| (name.clone(), value))
            })),
            // indices: the list is given whole, so that they keep counting from its beginning
            Some(value @ Value::Array(_)) => jinja(value),
            None | Some(Value::Null) if !self.below.is_empty() => JinjaValue::from_object(Absent::of(self)),
            Some(value) => jinja(value),
            None => JinjaValue::UNDEFINED,
        }
    }
}

/// A place where nothing is, which can be asked for what is below it: nothing, at any depth.
#[derive(Debug)]
pub struct Absent {
    below: BTreeMap<String, Arc<Absent>>,
}

impl Absent {
    fn of(wanted: &Wanted) -> Self {
        Self { below: wanted.below.iter().map(|(name, inner)| (name.clone(), Arc::new(Self::of(inner)))).collect() }
    }
}

impl Object for Absent {
    fn get_value(self: &Arc<Self>, key: &JinjaValue) -> Option<JinjaValue> {
        let inner = self.below.get(&key.to_string())?;
        if inner.below.is_empty() {
            return None;
        }
        Some(JinjaValue::from_dyn_object(inner.clone()))
    }

    fn is_true(self: &Arc<Self>) -> bool {
        false
    }

    fn render(self: &Arc<Self>, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}
