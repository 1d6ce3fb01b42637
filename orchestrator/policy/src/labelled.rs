//! The labels of a value with fields: one for the whole, finer ones where the fields differ.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Label, Path};
use serde::{Deserialize, Serialize};

/// A tree of labels along a value's fields. A field without an entry has the label of what it is in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Labelled {
    /// Of everything not named in `fields`.
    pub own: Label,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Labelled>,
}

impl Labelled {
    pub fn all(label: Label) -> Self {
        Self { own: label, fields: BTreeMap::new() }
    }

    /// The label of what stands at `path`: the path's own if it is a leaf here, the join of everything below otherwise.
    pub fn at(&self, path: &[String]) -> Label {
        match path.split_first() {
            None => self.whole(),
            Some((name, rest)) => match self.fields.get(name) {
                Some(inner) => inner.at(rest),
                None => match self.fields.get(Path::EACH).filter(|_| Path::is_element(name)) {
                    Some(element) => element.at(rest),
                    None => self.own.clone(),
                },
            },
        }
    }

    /// Everything joined.
    pub fn whole(&self) -> Label {
        self.fields.values().fold(self.own.clone(), |joined, inner| joined.join(&inner.whole()))
    }

    /// Of a list whose elements have these labels. `own` is what its length tells.
    pub fn list(own: Label, elements: impl IntoIterator<Item = Self>) -> Self {
        let element = elements.into_iter().reduce(|all, next| all.join(&next));
        Self { own, fields: element.into_iter().map(|element| (Path::EACH.to_owned(), element)).collect() }
    }

    /// Of a value that may be either.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let names: BTreeSet<&String> = self.fields.keys().chain(other.fields.keys()).collect();
        let field = |tree: &Self, name: &String| tree.fields.get(name).cloned().unwrap_or_else(|| Self::all(tree.own.clone()));
        let fields = names.into_iter().map(|name| (name.clone(), field(self, name).join(&field(other, name)))).collect();
        Self { own: self.own.join(&other.own), fields }
    }

    /// Every label in the tree joined with `label`.
    #[must_use]
    pub fn raise(&self, label: &Label) -> Self {
        Self { own: self.own.join(label), fields: self.fields.iter().map(|(name, inner)| (name.clone(), inner.raise(label))).collect() }
    }
}

#[cfg(test)]
mod tests {
    use laufzettel_domain::{Kategorie, Schutzbedarf, Trust};

    use super::*;

    #[test]
    fn a_field_has_its_own_label_and_the_whole_joins() {
        let hoch = Label::new(Schutzbedarf::Hoch, [Kategorie::Steuerdaten], Trust::Untrusted);
        let kein = Label::default();
        let tree = Labelled { own: kein.clone(), fields: BTreeMap::from([("iban".to_owned(), Labelled::all(hoch.clone()))]) };
        assert_eq!(tree.at(&["name".to_owned()]), kein);
        assert_eq!(tree.at(&["iban".to_owned(), "land".to_owned()]), hoch);
        assert_eq!(tree.at(&[]), hoch);
        assert_eq!(tree.raise(&hoch).at(&["name".to_owned()]), hoch);
    }

    #[test]
    fn of_a_list_every_element_has_the_labels_of_all() {
        let hoch = Label::new(Schutzbedarf::Hoch, [Kategorie::Steuerdaten], Trust::Untrusted);
        let with = |name: &str| Labelled { own: Label::default(), fields: BTreeMap::from([(name.to_owned(), Labelled::all(hoch.clone()))]) };
        let list = Labelled::list(Label::default(), [with("iban"), with("konto")]);
        let at = |path: &[&str]| list.at(&path.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
        assert_eq!((at(&["0", "iban"]), at(&["*", "konto"]), at(&["7", "name"])), (hoch.clone(), hoch.clone(), Label::default()));
        assert_eq!((at(&[]), at(&["0"])), (hoch.clone(), hoch));
        assert_eq!(Labelled::list(Label::default(), []).at(&[]), Label::default());
    }
}
