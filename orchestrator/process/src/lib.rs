//! From YAML to a checked process: expressions with their reads, the graph, rule tables, findings.
//!
//! Pure: files come in as text (`Folder`), nothing is read or fetched here.

pub mod applicant;
pub mod arrival;
pub mod catalogue;
pub mod check;
pub mod cite;
pub mod expression;
pub mod folder;
mod governance;
pub mod graph;
pub mod model;
pub mod picture;
pub mod poll;
pub mod read;
pub mod schedule;
pub mod schema;
pub mod table;
pub mod types;

pub use catalogue::Catalogue;
pub use folder::Folder;
pub use model::Process;
pub use schema::Schema;
pub use types::{Tools, Types};
