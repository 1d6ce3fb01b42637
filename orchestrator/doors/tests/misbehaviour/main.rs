//! What model servers and tool servers may do wrong, and what the doors make of it: a typed failure (class, whether the world was
//! changed, whether the request left the house), within the call's time, within bounds of memory; and the next call succeeds.
//!
//! Every fake is a few lines of raw TCP or shell on this machine. What the engine makes of a failure is its own tests' matter.

mod calls;
mod http_fake;
mod models;
mod outcome;
mod tools_http;
mod tools_stdio;
