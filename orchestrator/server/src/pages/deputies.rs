//! Who stands in for whom.

use jiff::civil::Date;
use serde::Serialize;

use super::form::FormView;

/// Where the page is, and where its form goes.
pub const PATH: &str = "/vertretung";

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VertretungPage {
    /// What holds now or will, that concerns whoever looks.
    pub rows: Vec<DeputyRow>,
    pub form: FormView,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeputyRow {
    pub person: String,
    pub deputy: String,
    /// Both days included.
    pub from: Date,
    pub until: Date,
    /// It holds already.
    pub holds: bool,
    pub end: String,
}
