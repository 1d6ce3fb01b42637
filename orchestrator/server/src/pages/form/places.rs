//! Where somebody is in a form of several pages: on a page, or in an entry of a list that stands on one.

use std::fmt;

use laufzettel_domain::Path;

use super::{Field, Form, List, Node, lists::split};

/// A page, counted from 0, or an entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Page(usize),
    Entry(Path),
}

/// What stands at a place: its heading, and a form of its own fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// `None`: fields that stand in no group.
    pub title: Option<String>,
    /// The number of an entry, from 1.
    pub number: Option<usize>,
    pub hint: Option<String>,
    pub help: Option<String>,
    pub form: Form,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(page) => write!(f, "{}", page + 1),
            Self::Entry(entry) => write!(f, "{entry}"),
        }
    }
}

impl Place {
    /// As a form sends it; the first page for what is none.
    pub fn parse(text: &str) -> Self {
        match text.parse::<usize>() {
            Ok(page) => Self::Page(page.saturating_sub(1)),
            Err(_) if text.is_empty() => Self::Page(0),
            Err(_) => Self::Entry(Path::new(text.split('.'))),
        }
    }
}

impl Form {
    /// The pages somebody is asked on, in order.
    pub fn pages(&self) -> Vec<usize> {
        (0..self.sheets.len()).filter(|page| self.sheets[*page].iter().any(asks)).collect()
    }

    /// `None`: there is no such place.
    pub fn part(&self, place: &Place) -> Option<Part> {
        let form = |nodes: &[Node]| Self { sheets: vec![nodes.to_vec()], ..self.clone() };
        match place {
            Place::Page(page) => {
                let nodes = self.sheets.get(*page).filter(|nodes| nodes.iter().any(asks))?;
                // its heading is the heading of the page
                Some(match nodes.as_slice() {
                    [Node::Group(group)] if self.sheets.len() > 1 => {
                        Part { title: Some(group.title.clone()), number: None, hint: group.hint.clone(), help: group.help.clone(), form: form(&group.nodes) }
                    }
                    nodes => Part { title: None, number: None, hint: None, help: None, form: form(nodes) },
                })
            }
            Place::Entry(entry) => {
                let (path, index) = split(entry)?;
                let list = self.list(&path)?;
                let nodes = list.entries.get(index)?;
                Some(Part { title: Some(list.entry.clone()), number: Some(index + 1), hint: None, help: None, form: form(nodes) })
            }
        }
    }

    /// Where a field, a block or a list is asked.
    pub fn place_of(&self, path: &Path) -> Option<Place> {
        if path.0.is_empty() {
            return None;
        }
        self.sheets.iter().enumerate().find_map(|(page, nodes)| find(nodes, path, &Place::Page(page)))
    }

    /// Where an entry is looked at from.
    pub fn above(&self, place: &Place) -> Option<Place> {
        match place {
            Place::Page(_) => None,
            Place::Entry(entry) => self.place_of(&split(entry)?.0),
        }
    }

    /// Whether `inner` is this place or one of the entries that stand on it.
    pub fn within(&self, inner: &Place, outer: &Place) -> bool {
        inner == outer || self.above(inner).is_some_and(|above| self.within(&above, outer))
    }

    /// The page a place stands on.
    pub fn page_of(&self, place: &Place) -> usize {
        match place {
            Place::Page(page) => *page,
            Place::Entry(_) => self.above(place).map_or(0, |above| self.page_of(&above)),
        }
    }

    /// Whether nothing at all was filled in at a place.
    pub fn is_blank(&self, place: &Place, pairs: &[(String, String)]) -> bool {
        let Some(part) = self.part(place) else { return true };
        let names: Vec<String> = part.form.fields().into_iter().flat_map(Field::names).collect();
        !pairs.iter().any(|(name, value)| !value.trim().is_empty() && names.contains(name))
    }
}

/// Whether anything is asked there.
fn asks(node: &Node) -> bool {
    match node {
        Node::Field(_) | Node::List(_) => true,
        Node::Group(group) => group.nodes.iter().any(asks),
    }
}

fn find(nodes: &[Node], path: &Path, here: &Place) -> Option<Place> {
    nodes.iter().find_map(|node| match node {
        Node::Field(field) => (field.path.covers(path) || path.covers(&field.path)).then(|| here.clone()),
        Node::Group(group) => find(&group.nodes, path, here),
        Node::List(list) => in_list(list, path, here),
    })
}

fn in_list(list: &List, path: &Path, here: &Place) -> Option<Place> {
    if !list.path.covers(path) {
        return path.covers(&list.path).then(|| here.clone());
    }
    let Some(entry) = path.0.get(..=list.path.0.len()).map(|parts| Path(parts.to_vec())) else { return Some(here.clone()) };
    match split(&entry).and_then(|(_, index)| list.entries.get(index)) {
        Some(nodes) => {
            let inside = Place::Entry(entry);
            find(nodes, path, &inside).or(Some(inside))
        }
        None => Some(here.clone()),
    }
}
