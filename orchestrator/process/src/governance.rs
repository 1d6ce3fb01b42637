//! What a process says of itself for those who answer for it: how long things are kept, how far it decides by itself, and as what a model
//! in it counts. Refuses nothing: what must be said is read elsewhere.

use laufzettel_domain::Span;
use serde::{Deserialize, Serialize};

/// How long things are kept after the end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aufbewahrung {
    pub vorgang: Span,
    pub inhalte: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Automatisierung {
    Assistenz,
    Teil,
    Voll,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KiVerordnung {
    pub klasse: String,
    pub begruendung: String,
}
