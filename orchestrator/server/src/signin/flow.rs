//! What a browser carries while it is away at an identity provider: for which tenant (or which of its forms) it signs in, and where it
//! wanted to go.
//!
//! Sealed with a key of this process. State, nonce and PKCE verifier are derived from it, so nothing is kept here for people who
//! never come back, and an answer fits only the browser that asked. Pure.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use crate::{
    oidc::Binding,
    seal::{derive, is_same},
};

pub const COOKIE: &str = "laufzettel-anmeldung";
/// Seconds somebody may take to sign in at the provider, second factor and forgotten password included.
pub const LIFE_S: i64 = 600;
/// Characters of a way back: the longest address of ours is far shorter.
const BACK_CHARS_MAX: usize = 512;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    pub tenant: String,
    pub back: String,
    /// Seconds since 1970.
    pub at: i64,
    /// Nobody else's.
    pub random: String,
}

impl Flow {
    pub fn new(tenant: &str, back: Option<String>, now: Timestamp, random: String) -> Self {
        let back = back.filter(|b| b.len() <= BACK_CHARS_MAX).unwrap_or_default();
        Self { tenant: tenant.to_owned(), back, at: now.as_second(), random }
    }

    fn payload(&self) -> String {
        format!("{}\n{}\n{}\n{}", self.tenant, self.at, self.random, self.back)
    }

    /// The cookie's value.
    pub fn seal(&self, key: &[u8; 32]) -> String {
        let payload = self.payload();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&payload), derive(key, "seal", &payload))
    }

    /// `None`: not sealed by us, or too old.
    pub fn open(cookie: &str, key: &[u8; 32], now: Timestamp) -> Option<Self> {
        let (payload, seal) = cookie.split_once('.')?;
        let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        if !is_same(&derive(key, "seal", &payload), seal) {
            return None;
        }
        let mut parts = payload.splitn(4, '\n');
        let (tenant, at, random, back) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
        let age = now.as_second() - at;
        (0..LIFE_S).contains(&age).then(|| Self { tenant: tenant.to_owned(), back: back.to_owned(), at, random: random.to_owned() })
    }

    /// What the provider must send back, and what its token must name.
    pub fn binding(&self, key: &[u8; 32], redirect: String) -> Binding {
        let derived = |purpose| derive(key, purpose, &self.payload());
        Binding { redirect, state: derived("state"), nonce: derived("nonce"), verifier: derived("verifier") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn flow() -> Flow {
        Flow::new("vg-bellheim", Some("/aufgaben?x=1".into()), at(0), "abc".into())
    }

    #[test]
    fn what_was_sealed_opens_for_ten_minutes() {
        let sealed = flow().seal(&KEY);
        assert_eq!(Flow::open(&sealed, &KEY, at(0)), Some(flow()));
        assert_eq!(Flow::open(&sealed, &KEY, at(LIFE_S - 1)), Some(flow()));
        for (cookie, key, now) in [
            (sealed.clone(), KEY, at(LIFE_S)),
            (sealed.clone(), KEY, at(-1)),
            (sealed.clone(), [8; 32], at(0)),
            (sealed.replace('.', "A."), KEY, at(0)),
            (format!("{sealed}A"), KEY, at(0)),
            (Flow { tenant: "andere".into(), ..flow() }.seal(&[9; 32]), KEY, at(0)),
            (String::new(), KEY, at(0)),
            (".".into(), KEY, at(0)),
        ] {
            assert_eq!(Flow::open(&cookie, &key, now), None, "{cookie}");
        }
    }

    #[test]
    fn each_part_of_a_sign_in_is_its_own_secret() {
        let one = flow().binding(&KEY, String::new());
        let other = Flow { random: "abd".into(), ..flow() }.binding(&KEY, String::new());
        let all = [&one.state, &one.nonce, &one.verifier, &other.state, &other.nonce, &other.verifier];
        let distinct: std::collections::BTreeSet<&&String> = all.iter().collect();
        assert_eq!(distinct.len(), 6);
        assert!(all.iter().all(|text| text.len() == 43), "256 bits; a PKCE verifier has at least 43 characters");
    }

    #[test]
    fn a_way_back_that_is_too_long_is_dropped() {
        assert_eq!(Flow::new("a", Some("/".repeat(513)), at(0), String::new()).back, "");
    }
}
