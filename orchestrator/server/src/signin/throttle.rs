//! Passwords are not guessed here: failed sign-ins are counted by account and by address. Pure; bounded; closed when full.

use std::{collections::BTreeMap, net::IpAddr};

use jiff::{SignedDuration, Timestamp};

/// Seconds failures are remembered.
const WINDOW_S: i64 = 15 * 60;
/// Failures of one account within the window: fewer than the ten after which a domain usually locks an account, so that a
/// stranger at our page cannot lock anybody out of the house.
const ACCOUNT_MAX: u32 = 5;
/// Failures from one address: a counter hall behind one address mistypes now and then.
const ADDRESS_MAX: u32 = 30;
/// Names and addresses remembered: some hundred kilobytes. When full, nobody may try until something is forgotten.
const ENTRIES_MAX: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Counted {
    /// Tenant and name, folded: a directory does not tell `A.Klein` from `a.klein`.
    Account(String, String),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    since: Timestamp,
    count: u32,
}

#[derive(Debug, Default)]
pub struct Throttle(BTreeMap<Counted, Failures>);

/// Seconds until another try makes sense.
#[derive(Debug, PartialEq, Eq)]
pub struct Wait(pub i64);

impl Throttle {
    /// Counts a try as failed *before* it is made, so that a hundred at once are a hundred; success takes it back.
    pub fn attempt(&mut self, tenant: &str, user: &str, address: Option<IpAddr>, now: Timestamp) -> Result<(), Wait> {
        self.0.retain(|_, f| now.duration_since(f.since) < SignedDuration::from_secs(WINDOW_S));
        let counted = counted(tenant, user, address);
        let waits = counted.iter().filter_map(|(key, max)| self.0.get(key).filter(|f| f.count >= *max));
        if let Some(since) = waits.map(|f| f.since).max() {
            return Err(Wait(WINDOW_S - now.duration_since(since).as_secs()));
        }
        let fresh = counted.iter().filter(|(key, _)| !self.0.contains_key(key)).count();
        if self.0.len() + fresh > ENTRIES_MAX {
            return Err(Wait(WINDOW_S));
        }
        for (key, _) in counted {
            self.0.entry(key).or_insert(Failures { since: now, count: 0 }).count += 1;
        }
        Ok(())
    }

    /// The try succeeded, or was none (the directory did not answer).
    pub fn forgive(&mut self, tenant: &str, user: &str, address: Option<IpAddr>) {
        for (key, _) in counted(tenant, user, address) {
            if let Some(failures) = self.0.get_mut(&key) {
                failures.count = failures.count.saturating_sub(1);
            }
        }
        self.0.retain(|_, f| f.count > 0);
    }
}

fn counted(tenant: &str, user: &str, address: Option<IpAddr>) -> Vec<(Counted, u32)> {
    let account = (Counted::Account(tenant.to_owned(), user.trim().to_lowercase()), ACCOUNT_MAX);
    std::iter::once(account).chain(address.map(|a| (Counted::Address(a), ADDRESS_MAX))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, 0, last]))
    }

    #[test]
    fn an_account_is_left_alone_after_five_failures() {
        let mut throttle = Throttle::default();
        for n in 0..5 {
            assert_eq!(throttle.attempt("a", "Anna", address(n), at(i64::from(n))), Ok(()));
        }
        assert_eq!(throttle.attempt("a", " anna ", address(9), at(10)), Err(Wait(WINDOW_S - 10)), "from anywhere, however written");
        assert_eq!(throttle.attempt("b", "anna", address(9), at(10)), Ok(()), "of another tenant");
        assert_eq!(throttle.attempt("a", "anna", address(9), at(WINDOW_S)), Ok(()), "a quarter of an hour later");
    }

    #[test]
    fn an_address_tries_many_names_and_is_stopped() {
        let mut throttle = Throttle::default();
        for n in 0..ADDRESS_MAX {
            assert_eq!(throttle.attempt("a", &format!("u{n}"), address(1), at(0)), Ok(()));
        }
        assert_eq!(throttle.attempt("a", "anna", address(1), at(0)), Err(Wait(WINDOW_S)));
        assert_eq!(throttle.attempt("a", "anna", address(2), at(0)), Ok(()));
    }

    #[test]
    fn success_is_no_failure() {
        let mut throttle = Throttle::default();
        for _ in 0..100 {
            assert_eq!(throttle.attempt("a", "anna", address(1), at(0)), Ok(()));
            throttle.forgive("a", "anna", address(1));
        }
        assert_eq!(throttle.0.len(), 0);
    }

    #[test]
    fn full_means_closed() {
        let mut throttle = Throttle::default();
        for n in 0..ENTRIES_MAX {
            assert_eq!(throttle.attempt("a", &format!("u{n}"), None, at(0)), Ok(()));
        }
        assert_eq!(throttle.attempt("a", "anna", None, at(0)), Err(Wait(WINDOW_S)));
        assert_eq!(throttle.attempt("a", "anna", None, at(WINDOW_S)), Ok(()));
    }
}
