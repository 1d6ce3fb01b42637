//! What the pages stand on: the tenants' desks, their ways of signing in, and who is signed in.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
};

use jiff::{Timestamp, civil::DateTime};
use laufzettel_domain::Text;
use laufzettel_store::Trouble;
use laufzettel_worker::Desk;

pub use crate::session::Session;
use crate::{
    oidc::Oidc,
    rate::Rates,
    session::{Cookies, Sessions},
    signin::{applicant::ApplicantLogin, terminal::Codes, throttle::Throttle},
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

/// What citizens are told of a house besides its processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// How each unit is reached: address, telephone, opening hours, a line each.
    pub contacts: BTreeMap<String, Vec<String>>,
    /// The data protection officer, on one line (Art. 13 Abs. 1 Buchst. b DSGVO).
    pub officer: Option<String>,
    /// Addresses of pages elsewhere.
    pub imprint: Option<String>,
    pub privacy: Option<String>,
    pub accessibility: Option<String>,
}

impl Notes {
    pub fn contact(&self, unit: &str) -> Vec<String> {
        self.contacts.get(unit).cloned().unwrap_or_default()
    }

    /// What every page ends with, by the word for it.
    pub fn links(&self) -> Vec<(&'static str, String)> {
        let links = [("foot_imprint", &self.imprint), ("foot_privacy", &self.privacy), ("foot_accessibility", &self.accessibility)];
        links.into_iter().filter_map(|(word, link)| Some((word, link.clone()?))).collect()
    }
}

pub struct TenantSite {
    pub desk: Desk,
    pub login: Login,
    /// Where applicants sign in, by the name processes use.
    pub applicants: BTreeMap<String, ApplicantLogin>,
    /// Webhook secrets by name: one, or two during rotation.
    pub secrets: BTreeMap<String, Vec<Vec<u8>>>,
    /// The public keys of our delegations (RFC 7517), for tool servers over HTTP.
    pub jwks: String,
    /// Seals what a browser carries of a file between two pages. New at every start: what was uploaded before is chosen once more, and
    /// that is said.
    pub upload_key: [u8; 32],
    pub notes: Arc<Notes>,
}

/// Every tenant of the configuration. One whose store could not be opened is not there until it is.
#[derive(Default)]
pub struct Tenants(BTreeMap<String, OnceLock<TenantSite>>);

impl Tenants {
    pub fn get(&self, name: &str) -> Option<&TenantSite> {
        self.0.get(name)?.get()
    }

    pub fn get_key_value(&self, name: &str) -> Option<(&String, &TenantSite)> {
        let (name, tenant) = self.0.get_key_value(name)?;
        Some((name, tenant.get()?))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &TenantSite)> {
        self.0.iter().filter_map(|(name, tenant)| Some((name, tenant.get()?)))
    }

    pub fn values(&self) -> impl Iterator<Item = &TenantSite> {
        self.iter().map(|(_, tenant)| tenant)
    }

    /// The one there is, if there is no other, open or closed.
    pub fn only(&self) -> Option<&TenantSite> {
        self.values().next().filter(|_| self.len() == 1)
    }

    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Open or closed.
    pub fn is_named(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Also those that are closed.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Of a session: nobody is signed in where nothing is open.
impl std::ops::Index<&String> for Tenants {
    type Output = TenantSite;

    fn index(&self, name: &String) -> &TenantSite {
        self.get(name).expect("sessions are of tenants that are open")
    }
}

/// Why a tenant is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    Trouble(Trouble),
    /// Something else; the log says what.
    Other,
}

impl Closed {
    /// What whoever comes is told: nothing of files and folders.
    pub fn text(self) -> Text {
        match self {
            Self::Trouble(trouble) => trouble.text(),
            Self::Other => Text::new(
                "Dieser Mandant ist gerade nicht in Betrieb; der Grund steht im Log des Servers. Bitte die Betreuung rufen.",
                "This tenant is not in operation now; the log of the server says why. Please call the operators.",
            ),
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Trouble(trouble) => trouble.word(),
            Self::Other => "closed",
        }
    }
}

pub struct Site {
    pub tenants: Tenants,
    /// Those that are not open, and why.
    closed: Mutex<BTreeMap<String, Closed>>,
    /// Names this server goes by, without port: a page of another name in the same browser is not ours.
    pub hosts: Vec<String>,
    /// Where browsers reach it, without a slash at the end.
    pub public_url: String,
    /// Since when it serves.
    pub(crate) began: Timestamp,
    pub(crate) cookies: Cookies,
    /// Seals what a browser carries while it signs in. New at every start: a sign-in begun before it begins anew.
    pub(crate) flow_key: [u8; 32],
    sessions: Mutex<Sessions>,
    throttle: Mutex<Throttle>,
    /// Counted apart from passwords: a program with a wrong key locks nobody out of the pages.
    wrong_keys: Mutex<Throttle>,
    rates: Mutex<Rates>,
    /// Of programs with a key, counted apart: whoever fills the pages' count stops no program.
    key_rates: Mutex<Rates>,
    /// Whoever puts an application away, or opens one, has a place here meanwhile.
    pub(crate) sealing: tokio::sync::Semaphore,
    codes: Mutex<Codes>,
    /// True once the server stops: nobody is told anything any more.
    closing: tokio::sync::watch::Sender<bool>,
    /// Runs followed, by who follows them.
    places: Mutex<std::collections::HashMap<String, usize>>,
}

/// Applications sealed or opened at once: each is held in memory up to three times meanwhile (as it was kept, as it is sealed, file by file),
/// some 200 MiB with the most an application may have.
const SEALING_MAX: usize = 2;

const HELD: &str = "nobody panics while holding this lock";

impl Site {
    /// `tenants`: every one of the configuration, open or not.
    pub fn new(tenants: BTreeMap<String, Result<TenantSite, Closed>>, hosts: Vec<String>, public_url: &str) -> Self {
        let (mut flow_key, mut began) = ([0; 32], Timestamp::UNIX_EPOCH);
        if let Some(Ok(tenant)) = tenants.values().find(|tenant| tenant.is_ok()) {
            tenant.desk.tenant.random.fill(&mut flow_key);
            began = tenant.desk.tenant.clock.now();
        }
        let (mut open, mut closed) = (BTreeMap::new(), BTreeMap::new());
        for (name, tenant) in tenants {
            let place = OnceLock::new();
            match tenant {
                Ok(tenant) => drop(place.set(tenant)),
                Err(why) => drop(closed.insert(name.clone(), why)),
            }
            open.insert(name, place);
        }
        Self {
            tenants: Tenants(open),
            closed: Mutex::new(closed),
            hosts,
            public_url: public_url.to_owned(),
            began,
            cookies: Cookies { secure: public_url.starts_with("https://") },
            flow_key,
            sessions: Mutex::default(),
            throttle: Mutex::default(),
            wrong_keys: Mutex::default(),
            rates: Mutex::default(),
            key_rates: Mutex::default(),
            sealing: tokio::sync::Semaphore::new(SEALING_MAX),
            codes: Mutex::default(),
            closing: tokio::sync::watch::Sender::new(false),
            places: Mutex::default(),
        }
    }

    /// A tenant that was closed is served from now on.
    pub fn admit(&self, name: &str, tenant: TenantSite) {
        if let Some(place) = self.tenants.0.get(name)
            && place.set(tenant).is_ok()
        {
            self.closed.lock().expect(HELD).remove(name);
        }
    }

    /// Why a tenant is closed, as of now.
    pub fn close_tenant(&self, name: &str, why: Closed) {
        if !self.tenants.contains_key(name) && self.tenants.0.contains_key(name) {
            self.closed.lock().expect(HELD).insert(name.to_owned(), why);
        }
    }

    pub(crate) fn closed(&self) -> BTreeMap<String, Closed> {
        self.closed.lock().expect(HELD).clone()
    }

    /// What stands in the way of a tenant: it is closed, or its store is in trouble.
    pub(crate) fn hindrance(&self, name: &str) -> Option<Closed> {
        let closed = self.closed.lock().expect(HELD).get(name).copied();
        closed.or_else(|| self.tenants.get(name)?.desk.tenant.store.trouble().map(Closed::Trouble))
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

    pub(crate) fn key_rates(&self) -> MutexGuard<'_, Rates> {
        self.key_rates.lock().expect(HELD)
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
    /// Today here.
    pub fn today(&self) -> jiff::civil::Date {
        self.civil(self.desk.tenant.clock.now()).date()
    }

    /// An instant as people of this tenant read it.
    pub fn civil(&self, at: Timestamp) -> DateTime {
        at.to_zoned(self.desk.tenant.zone()).datetime()
    }

    pub fn civil_micros(&self, micros: i64) -> DateTime {
        self.civil(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}
