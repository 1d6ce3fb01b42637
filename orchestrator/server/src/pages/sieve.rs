//! Ways to ask a list for less: by what it says of each row, or for one case by its number.

use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sieve {
    /// The list's own address.
    pub list: &'static str,
    pub facets: Vec<Facet>,
    /// As it was searched for; empty if it was not.
    pub number: String,
}

impl Sieve {
    pub fn new(list: &'static str) -> Self {
        Self { list, facets: Vec::new(), number: String::new() }
    }
}

/// One way to ask for fewer rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facet {
    pub name: String,
    pub picks: Vec<Pick>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pick {
    pub text: String,
    pub link: String,
    pub count: Option<usize>,
    pub chosen: bool,
}
