//! The web server: pages for citizens and clerks, a small JSON interface, and the way in for Fachverfahren.
//!
//! Every route stands in `routes`, on one page, with what it needs. Nothing here decides: the desk does.

mod api;
mod audit;
mod cloudevent;
mod deputies;
mod files;
mod follow;
mod form_data;
mod hooks;
mod inbox;
mod intake;
mod key;
mod listen;
mod metrics;
mod oidc;
mod openapi;
mod operation;
mod origin;
pub mod pages;
mod picture;
mod problem;
mod processes;
mod protection;
mod rate;
mod refusals;
pub mod register;
mod reply;
mod routes;
mod runs;
mod seal;
mod session;
mod signin;
mod site;
mod status;
pub mod subject;
mod tasks;
mod upload;
mod view;
mod vouched;
mod ways;
mod whence;

pub use listen::{Patience, listen};
pub use oidc::{Binding, Oidc, OidcError, OidcOptions, SetupError};
pub use openapi::describe;
pub use routes::{Needs, router, routes};
pub use signin::applicant::ApplicantLogin;
pub use signin::terminal::{Answered, Seat, Waiting};
pub use site::{Closed, Login, Notes, Site, TenantSite};
