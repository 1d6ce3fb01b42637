//! What the core must be told about the tenant: declarations of tools, types, the zone of civil time. Plain data.

use std::collections::BTreeMap;

use laufzettel_policy::ToolRule;
use laufzettel_process::Types;

#[derive(Debug, Clone)]
pub struct Context {
    /// Types of the process at hand, with the pinned definitions of the tenant's tools.
    pub types: Types,
    /// By `server/tool`.
    pub tools: BTreeMap<String, ToolRule>,
    /// Mail domains of the house: their addresses are nobody's private data.
    pub own_domains: Vec<String>,
    /// IANA name.
    pub zeitzone: String,
}

impl Context {
    /// The same for a process this one calls.
    pub fn of_child(&self, types: &Types) -> Self {
        Self { types: types.clone(), ..self.clone() }
    }

    /// For deadlines and dates; an unknown name counts as UTC (the configuration refuses it before).
    pub fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.zeitzone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// The tenant's day at an instant.
    pub fn day(&self, at: jiff::Timestamp) -> jiff::civil::Date {
        at.to_zoned(self.zone()).date()
    }
}
