//! What the pages stand on: the tenants' desks, their ways of signing in, and who is signed in.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use jiff::{Timestamp, civil::DateTime};
use laufzettel_worker::Desk;

pub use crate::session::Session;
use crate::{
    oidc::Oidc,
    rate::Rates,
    session::{Cookies, Sessions},
    signin::{terminal::Codes, throttle::Throttle},
};

/// How people of a tenant sign in on pages.
#[derive(Clone)]
pub enum Login {
    /// Nobody can.
    None,
    /// Pick a person; the caller makes sure that this listens on loopback only.
    Demo,
    /// Name and password, which the directory checks.
    Password,
    /// At the house's identity provider.
    Oidc(Arc<Oidc>),
}

impl Login {
    /// As records name it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Demo => "demo",
            Self::Password => "ldap",
            Self::Oidc(_) => "oidc",
        }
    }
}

pub struct TenantSite {
    pub desk: Desk,
    pub login: Login,
    /// Webhook secrets by name: one, or two during rotation.
    pub secrets: BTreeMap<String, Vec<Vec<u8>>>,
    /// The public keys of our delegations (RFC 7517), for tool servers over HTTP.
    pub jwks: String,
}

pub struct Site {
    pub tenants: BTreeMap<String, TenantSite>,
    /// Names this server goes by, without port: a page of another name in the same browser is not ours.
    pub hosts: Vec<String>,
    /// Where browsers reach it, without a slash at the end.
    pub public_url: String,
    pub(crate) cookies: Cookies,
    /// Seals what a browser carries while it signs in. New at every start: a sign-in begun before it begins anew.
    pub(crate) flow_key: [u8; 32],
    sessions: Mutex<Sessions>,
    throttle: Mutex<Throttle>,
    /// Counted apart from passwords: a program with a wrong key locks nobody out of the pages.
    wrong_keys: Mutex<Throttle>,
    rates: Mutex<Rates>,
    codes: Mutex<Codes>,
    /// True once the server stops: nobody is told anything any more.
    closing: tokio::sync::watch::Sender<bool>,
    /// Runs followed, by who follows them.
    places: Mutex<std::collections::HashMap<String, usize>>,
}

const HELD: &str = "nobody panics while holding this lock";

impl Site {
    pub fn new(tenants: BTreeMap<String, TenantSite>, hosts: Vec<String>, public_url: &str) -> Self {
        let mut flow_key = [0; 32];
        if let Some(tenant) = tenants.values().next() {
            tenant.desk.tenant.random.fill(&mut flow_key);
        }
        Self {
            tenants,
            hosts,
            public_url: public_url.to_owned(),
            cookies: Cookies { secure: public_url.starts_with("https://") },
            flow_key,
            sessions: Mutex::default(),
            throttle: Mutex::default(),
            wrong_keys: Mutex::default(),
            rates: Mutex::default(),
            codes: Mutex::default(),
            closing: tokio::sync::watch::Sender::new(false),
            places: Mutex::default(),
        }
    }

    /// Ends what would otherwise go on as long as somebody listens.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    pub(crate) fn closing(&self) -> tokio::sync::watch::Receiver<bool> {
        self.closing.subscribe()
    }

    pub(crate) fn places(&self) -> MutexGuard<'_, std::collections::HashMap<String, usize>> {
        self.places.lock().expect(HELD)
    }

    pub(crate) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().expect(HELD)
    }

    pub(crate) fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().expect(HELD)
    }

    pub(crate) fn wrong_keys(&self) -> MutexGuard<'_, Throttle> {
        self.wrong_keys.lock().expect(HELD)
    }

    pub(crate) fn rates(&self) -> MutexGuard<'_, Rates> {
        self.rates.lock().expect(HELD)
    }

    pub(crate) fn codes(&self) -> MutexGuard<'_, Codes> {
        self.codes.lock().expect(HELD)
    }

    /// All tenants of one program share its clock and its randomness.
    pub(crate) fn now(&self) -> Timestamp {
        self.tenants.values().next().map_or(Timestamp::UNIX_EPOCH, |t| t.desk.tenant.clock.now())
    }

    pub(crate) fn fill(&self, bytes: &mut [u8]) {
        if let Some(tenant) = self.tenants.values().next() {
            tenant.desk.tenant.random.fill(bytes);
        }
    }
}

impl TenantSite {
    /// An instant as people of this tenant read it.
    pub fn civil(&self, at: Timestamp) -> DateTime {
        at.to_zoned(self.desk.tenant.zone()).datetime()
    }

    pub fn civil_micros(&self, micros: i64) -> DateTime {
        self.civil(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}
