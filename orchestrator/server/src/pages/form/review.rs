//! The answers once more, grouped as asked: the page before sending.

use laufzettel_domain::{Lang, Value, file::File, money};
use serde::Serialize;

use super::{Choice, Field, Form, Group, Kind, Line, List, Node, times};
use crate::pages::{shown, words::word};

/// The answers of one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewGroup {
    /// `None`: fields that stand in no group.
    pub title: Option<String>,
    /// 2 for a group of the form, 3 for one inside it: its heading's level.
    pub level: u8,
    pub rows: Vec<ReviewRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewRow {
    pub label: String,
    /// Empty: nothing was given.
    pub text: String,
}

impl Form {
    /// Every question that was asked, with its answer, also those left empty.
    pub fn review(&self, value: &Value, lang: Lang) -> Vec<ReviewGroup> {
        let form = self.laid(&self.pairs(value));
        (0..form.sheets.len()).flat_map(|page| form.review_page(page, value, lang)).collect()
    }

    /// The same of one page.
    pub fn review_page(&self, page: usize, value: &Value, lang: Lang) -> Vec<ReviewGroup> {
        let mut groups = vec![ReviewGroup { title: None, level: 2, rows: Vec::new() }];
        self.sheets.get(page).into_iter().for_each(|nodes| add(nodes, value, lang, 2, &mut groups));
        // a group whose fields all stand in groups of its own keeps its heading
        let mut kept: Vec<ReviewGroup> = Vec::new();
        for (n, group) in groups.iter().enumerate() {
            let heads = group.title.is_some() && groups.get(n + 1).is_some_and(|next| next.level > group.level);
            if heads || !group.rows.is_empty() {
                kept.push(group.clone());
            }
        }
        kept
    }
}

/// Loose fields go to the group begun last; a group begins its own.
fn add(nodes: &[Node], value: &Value, lang: Lang, level: u8, groups: &mut Vec<ReviewGroup>) {
    for node in nodes {
        let Node::Field(field) = node else { continue };
        let row = ReviewRow { label: field.title.clone(), text: field.spell(value, lang) };
        groups.last_mut().into_iter().for_each(|group| group.rows.push(row.clone()));
    }
    for node in nodes {
        match node {
            Node::Field(_) => {}
            Node::Group(Group { nodes, .. }) if nodes.is_empty() => {}
            Node::Group(Group { title, nodes, .. }) => {
                groups.push(ReviewGroup { title: Some(title.clone()), level, rows: Vec::new() });
                add(nodes, value, lang, deeper(level), groups);
            }
            Node::List(list) => entries(list, value, lang, level, groups),
        }
    }
}

fn deeper(level: u8) -> u8 {
    level.saturating_add(1).min(6)
}

/// Each entry under its name and number; of a list without entries it is said that there are none.
fn entries(list: &List, value: &Value, lang: Lang, level: u8, groups: &mut Vec<ReviewGroup>) {
    if list.entries.is_empty() {
        let row = ReviewRow { label: list.title.clone(), text: String::new() };
        groups.last_mut().into_iter().for_each(|group| group.rows.push(row.clone()));
    }
    for (n, nodes) in list.entries.iter().enumerate() {
        groups.push(ReviewGroup { title: Some(format!("{} {}", list.entry, n + 1)), level, rows: Vec::new() });
        add(nodes, value, lang, deeper(level), groups);
    }
}

impl Field {
    /// The answer in words; empty if there is none.
    pub(super) fn spell(&self, whole: &Value, lang: Lang) -> String {
        self.path.find(whole).map_or_else(String::new, |value| self.spell_value(value, lang))
    }

    pub(super) fn spell_value(&self, value: &Value, lang: Lang) -> String {
        match &self.kind {
            Kind::One(choices) => title(value, choices),
            Kind::Many(choices) => join(value.as_array().into_iter().flatten().map(|v| title(v, choices))),
            Kind::Lines(line) => join(value.as_array().into_iter().flatten().map(|item| line.spell(item, lang))),
            Kind::Money => euro(value, lang),
            Kind::File(_) => File::from_value(value).map_or_else(String::new, |file| shown::file(&file, lang)),
            Kind::Files { .. } => join(value.as_array().into_iter().flatten().filter_map(File::from_value).map(|file| shown::file(&file, lang))),
            Kind::Consent | Kind::YesNo => word(if value == &Value::Bool(true) { "yes" } else { "no" }, lang).to_owned(),
            Kind::Number { whole: false } => shown::number(value, lang),
            Kind::Date => shown::day(&shown::plain(value), lang),
            Kind::Moment(zone) => times::moment_spelled(&shown::plain(value), zone, lang),
            Kind::Duration => times::duration_spelled(&shown::plain(value), lang),
            Kind::Text { .. } | Kind::Area { .. } | Kind::Number { .. } => shown::plain(value),
        }
    }
}

impl Line {
    fn spell(self, item: &Value, lang: Lang) -> String {
        match self {
            Self::Money => euro(item, lang),
            Self::Date => shown::day(&shown::plain(item), lang),
            Self::Number => shown::number(item, lang),
            Self::Text | Self::Whole => shown::plain(item),
        }
    }
}

fn euro(value: &Value, lang: Lang) -> String {
    value.as_i64().map_or_else(|| shown::plain(value), |cent| money::spelled(cent, lang))
}

fn title(value: &Value, choices: &[Choice]) -> String {
    choices.iter().find(|c| c.value == *value).map_or_else(|| shown::plain(value), |c| c.text.clone())
}

fn join(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join("\n")
}
