//! What the pages stand on: the tenants' desks, their ways of signing in, and who is signed in.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
};

use jiff::{Timestamp, civil::DateTime};
use laufzettel_domain::Caller;
use laufzettel_worker::Desk;

pub struct TenantSite {
    pub desk: Desk,
    /// Pick a person; the caller makes sure that this listens on loopback only.
    pub demo_login: bool,
    /// Webhook secrets by name: one, or two during rotation.
    pub secrets: BTreeMap<String, Vec<Vec<u8>>>,
}

pub struct Site {
    pub tenants: BTreeMap<String, TenantSite>,
    /// Names this server goes by, without port: a page of another name in the same browser is not ours.
    pub hosts: Vec<String>,
    pub(crate) sessions: Mutex<HashMap<String, Session>>,
}

#[derive(Debug, Clone)]
pub struct Session {
    pub tenant: String,
    pub caller: Caller,
    pub until: Timestamp,
}

impl Site {
    pub fn new(tenants: BTreeMap<String, TenantSite>, hosts: Vec<String>) -> Self {
        Self { tenants, hosts, sessions: Mutex::new(HashMap::new()) }
    }
}

impl TenantSite {
    /// An instant as people of this tenant read it.
    pub fn civil(&self, at: Timestamp) -> DateTime {
        let zone = jiff::tz::TimeZone::get(&self.desk.tenant.zeitzone).unwrap_or(jiff::tz::TimeZone::UTC);
        at.to_zoned(zone).datetime()
    }

    pub fn civil_micros(&self, micros: i64) -> DateTime {
        self.civil(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}
