//! The adapters behind the two doors: tool servers over MCP, models over HTTP, and the stand-in that is no model.
//!
//! They take a `Cleared` call and nothing else; who may call and what may go where was decided before. Results are
//! data: bounded in size and time, quoted, never followed.

mod broken;
pub mod delegation;
mod dialogue;
mod failure;
mod guard;
mod http;
pub mod model;
pub mod pins;
pub mod settling;
pub mod standin;
mod stdio;
pub mod tools;

pub use failure::{Class, Failure, Reply};
pub use settling::Settled;
