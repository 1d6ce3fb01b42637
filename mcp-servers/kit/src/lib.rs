//! What the bundled tool servers share: who may call, how tools are described, how results, failures and files
//! travel, and the two transports. It knows no tool and no store; it signs nothing.
//!
//! ```text
//! tools/call → served (rmcp) → delegation::verify → replay → Tools::call → Ok(value) | Err(Failure) → CallToolResult
//! ```

pub mod delegation;
pub mod describe;
pub mod edge;
pub mod failure;
pub mod file;
pub mod keys;
pub mod notes;
pub mod paging;
pub mod place;
pub mod published;
pub mod replay;
pub mod served;
pub mod serving;
pub mod settling;

pub use delegation::{Delegation, Refusal};
pub use failure::{Art, Failure};
pub use file::Datei;
pub use keys::{Keys, Trust};
pub use notes::{Begun, Deed, Notes};
pub use paging::Page;
pub use served::{Call, Served, Tools, arguments};
pub use serving::{Error, Listening, Serving};
