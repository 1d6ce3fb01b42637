//! May this person do this, and may this value go there? Pure decisions; deny is the default.
//!
//! Only this room can make a [`Cleared`] call, and the adapters behind the doors take nothing else.

mod action;
mod budget;
mod cleared;
pub mod detect;
mod dialogue;
mod labelled;
mod permit;
mod tool;
mod zone;

pub use action::{Action, PatternFault, glob};
pub use budget::estimate_tokens;
pub use cleared::{Cleared, ModelCall, ToolCall, clear_model, clear_tool};
pub use detect::{Detected, detect, detect_field, detect_kinds};
pub use dialogue::{Dialogue, Offer, Offered, Turn};
pub use labelled::Labelled;
pub use permit::{Decision, Grant, Group, Rules, ServiceAccount, Training, Who, only_applicant, permit, permit_asked, permit_start, permit_tool, permit_view};
pub use tool::{AddressClass, Clearance, Effect, Identity, ToolRule, Yields, address_class, effective_level};
pub use zone::{Kategorien, Zone, minimum_level, zone_refusal};
