//! Why a tenant is not open, kept through all the words around it, and what follows from it. Refuses to guess: what is not known to
//! pass is not waited for.

use laufzettel_domain::TenantId;
use laufzettel_server::Closed;
use laufzettel_store::{Store, Trouble};

/// A store that did not open, in plain words; what can be done is found again by [`trouble`].
pub fn not_open(tenant: &TenantId, error: laufzettel_store::Error) -> anyhow::Error {
    let trouble = error.trouble();
    let error = anyhow::Error::new(error).context(format!("Der Speicher von {tenant} lässt sich nicht öffnen"));
    match trouble {
        Some(trouble) => error.context(trouble),
        None => error,
    }
}

/// What is wrong with the place of a store, if that is why something failed.
fn trouble(error: &anyhow::Error) -> Option<Trouble> {
    let found = || error.chain().find_map(|cause| cause.downcast_ref::<laufzettel_store::Error>()?.trouble());
    error.downcast_ref::<Trouble>().copied().or_else(found)
}

/// Something failed on an open store: what is wrong with that is why.
pub fn beset(error: anyhow::Error, store: &Store) -> anyhow::Error {
    match store.trouble() {
        Some(trouble) => error.context(trouble),
        None => error,
    }
}

/// What whoever comes is told of a tenant that did not open.
pub fn closed(error: &anyhow::Error) -> Closed {
    trouble(error).map_or(Closed::Other, Closed::Trouble)
}

/// Whether waiting can help.
pub fn may_pass(error: &anyhow::Error) -> bool {
    let held = error.downcast_ref::<laufzettel_store::Error>().is_some_and(|error| matches!(error, laufzettel_store::Error::Held));
    held || trouble(error).is_some_and(Trouble::passes)
}
