//! Entries of lists: how many there are, one more, one less. The number of entries travels beside the fields, so that one that is still
//! empty is not lost.

use laufzettel_domain::Path;

use super::{COUNT, Field, Form, Group, List, Node, is_number, sent};

impl Form {
    /// The form with the entries `pairs` have.
    pub fn expanded(&self, pairs: &[(String, String)]) -> Self {
        self.expanded_by(&|path| count(pairs, path))
    }

    pub(super) fn expanded_by(&self, count: &dyn Fn(&Path) -> usize) -> Self {
        let sheets: Vec<_> = self.sheets.iter().map(|nodes| expand(nodes, count)).collect();
        let mut form = Self { sheets, objects: Vec::new(), ..self.clone() };
        for (path, required) in &self.objects {
            form.objects.extend(form.entries_of(path).into_iter().map(|path| (path, *required)));
        }
        form
    }

    /// A path that names each entry, once for every entry that is there.
    fn entries_of(&self, path: &Path) -> Vec<Path> {
        let Some(each) = path.0.iter().position(|part| part == Path::EACH) else { return vec![path.clone()] };
        let list = Path(path.0[..each].to_vec());
        let entries = self.list(&list).map_or(0, |list| list.entries.len());
        (0..entries).flat_map(|index| self.entries_of(&numbered(path, each, index))).collect()
    }

    /// A list that is there.
    pub(super) fn list(&self, path: &Path) -> Option<&List> {
        self.lists().into_iter().find(|list| list.path == *path)
    }

    /// Every list, outermost first; also those within entries that are there.
    pub(super) fn lists(&self) -> Vec<&List> {
        let mut found = Vec::new();
        self.sheets.iter().for_each(|nodes| lists(nodes, true, &mut found));
        found
    }

    /// One more entry, unless the list is full. Its path.
    pub fn add(&self, pairs: &mut Vec<(String, String)>, path: &Path) -> Option<Path> {
        let form = self.expanded(pairs);
        let list = form.list(path)?;
        let entries = list.entries.len();
        if entries >= list.max {
            return None;
        }
        set_count(pairs, path, entries + 1);
        Some(path.child(&entries.to_string()))
    }

    /// An entry goes with all that stands in it; those behind it move up.
    pub fn remove(&self, pairs: &mut Vec<(String, String)>, entry: &Path) {
        let form = self.expanded(pairs);
        let Some((path, index)) = split(entry) else { return };
        let Some(entries) = form.list(&path).map(|list| list.entries.len()).filter(|entries| index < *entries) else { return };
        let depth = path.0.len();
        pairs.retain_mut(|(name, _)| {
            let mut parts: Vec<String> = name.split('.').map(str::to_owned).collect();
            let Some(number) = parts.get(depth).filter(|_| parts[..depth] == path.0[..]).and_then(|part| part.parse::<usize>().ok()) else { return true };
            if number > index {
                parts[depth] = (number - 1).to_string();
                *name = parts.join(".");
            }
            number != index
        });
        set_count(pairs, &path, entries - 1);
    }
}

/// The list and the number of an entry.
pub(super) fn split(entry: &Path) -> Option<(Path, usize)> {
    let (index, above) = entry.0.split_last().filter(|(index, _)| is_number(index))?;
    Some((Path(above.to_vec()), index.parse().ok()?))
}

pub(super) fn lists<'f>(nodes: &'f [Node], deep: bool, found: &mut Vec<&'f List>) {
    for node in nodes {
        match node {
            Node::Field(_) => {}
            Node::Group(group) => lists(&group.nodes, deep, found),
            Node::List(list) => {
                found.push(list);
                list.entries.iter().filter(|_| deep).for_each(|nodes| lists(nodes, deep, found));
            }
        }
    }
}

/// As sent; else as many as the names of the fields speak of.
fn count(pairs: &[(String, String)], path: &Path) -> usize {
    if let Some(said) = sent(pairs, &format!("{path}{COUNT}")) {
        return said.parse().unwrap_or(0);
    }
    let prefix = format!("{path}.");
    let number = |name: &str| name.strip_prefix(&prefix)?.split('.').next().filter(|part| is_number(part))?.parse::<usize>().ok();
    pairs.iter().filter_map(|(name, _)| number(name)).max().map_or(0, |last| last.saturating_add(1))
}

fn set_count(pairs: &mut Vec<(String, String)>, path: &Path, entries: usize) {
    let name = format!("{path}{COUNT}");
    pairs.retain(|(other, _)| *other != name);
    pairs.push((name, entries.to_string()));
}

fn expand(nodes: &[Node], count: &dyn Fn(&Path) -> usize) -> Vec<Node> {
    let expanded = |node: &Node| match node {
        Node::Field(field) => Node::Field(field.clone()),
        Node::Group(group) => Node::Group(Group { nodes: expand(&group.nodes, count), ..group.clone() }),
        Node::List(list) => {
            let depth = list.path.0.len();
            // more than it takes is nobody's answer
            let entries = (0..count(&list.path).min(list.max)).map(|index| {
                let nodes: Vec<Node> = list.template.iter().map(|node| node.numbered(depth, index)).collect();
                expand(&nodes, count)
            });
            Node::List(List { entries: entries.collect(), ..list.clone() })
        }
    };
    nodes.iter().map(expanded).collect()
}

impl Node {
    /// The same of one entry: its number at `depth` of every path.
    fn numbered(&self, depth: usize, index: usize) -> Self {
        let all = |nodes: &[Self]| nodes.iter().map(|node| node.numbered(depth, index)).collect();
        match self {
            Self::Field(field) => Self::Field(Field { path: numbered(&field.path, depth, index), ..field.clone() }),
            Self::Group(group) => {
                let path = group.path.as_ref().map(|path| numbered(path, depth, index));
                Self::Group(Group { path, nodes: all(&group.nodes), ..group.clone() })
            }
            Self::List(list) => Self::List(List { path: numbered(&list.path, depth, index), template: all(&list.template), ..list.clone() }),
        }
    }
}

fn numbered(path: &Path, depth: usize, index: usize) -> Path {
    let mut path = path.clone();
    if let Some(part) = path.0.get_mut(depth) {
        *part = index.to_string();
    }
    path
}
