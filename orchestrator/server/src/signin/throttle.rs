//! Passwords are not guessed here: failed sign-ins are counted by account and by address. Pure; bounded; closed when full.

use std::{collections::BTreeMap, net::IpAddr};

use jiff::{SignedDuration, Timestamp};

use crate::whence::network;

/// Seconds failures are remembered.
const WINDOW_S: i64 = 15 * 60;
/// Seconds between two records of the same pause: a journal is no place to pour guesses into.
const TELL_S: i64 = 10 * 60;
/// Failures of one account within the window: fewer than the ten after which a domain usually locks an account, so that a
/// stranger at our page cannot lock anybody out of the house.
const ACCOUNT_MAX: u32 = 5;
/// Failures from one address: a counter hall behind one address mistypes now and then.
const ADDRESS_MAX: u32 = 30;
/// Names and addresses remembered: some hundred kilobytes. When full, nobody may try until something is forgotten.
const ENTRIES_MAX: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Counted {
    /// Tenant and [`account`].
    Account(String, String),
    /// A [`network`].
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    since: Timestamp,
    count: u32,
    /// When a refusal was last worth a record.
    told: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub struct Throttle(BTreeMap<Counted, Failures>);

#[derive(Debug, PartialEq, Eq)]
pub struct Wait {
    /// Until another try makes sense.
    pub seconds: i64,
    /// The first refusal in a while: worth a record.
    pub tell: bool,
}

/// Whom failures are counted against: the directory's own subject, which every way of writing a name leads to, else what was
/// typed, folded, because a directory does not tell `A.Klein` from `a.klein`.
pub fn account(subject: Option<&str>, typed: &str) -> String {
    subject.map_or_else(|| typed.trim().to_lowercase(), str::to_owned)
}

impl Throttle {
    /// Counts a try as failed *before* it is made, so that a hundred at once are a hundred; success takes it back.
    pub fn attempt(&mut self, tenant: &str, account: &str, address: Option<IpAddr>, now: Timestamp) -> Result<(), Wait> {
        let counted = counted(tenant, account, address);
        self.refuse(&counted, now)?;
        let fresh = counted.iter().filter(|(key, _)| !self.0.contains_key(key)).count();
        if self.0.len() + fresh > ENTRIES_MAX {
            return Err(Wait { seconds: WINDOW_S, tell: false });
        }
        for (key, _) in counted {
            self.0.entry(key).or_insert(Failures { since: now, count: 0, told: None }).count += 1;
        }
        Ok(())
    }

    /// Whether an address may try at all; asked before the directory is bothered with a name.
    pub fn knock(&mut self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Wait> {
        let counted: Vec<_> = address.map(from).into_iter().collect();
        self.refuse(&counted, now)
    }

    /// Counts against an address alone: a wrong key is nobody's account. Beyond what is remembered nothing more is counted; a key
    /// is no easier to guess for that.
    pub fn miss(&mut self, address: Option<IpAddr>, now: Timestamp) {
        if let Some((key, _)) = address.map(from)
            && (self.0.len() < ENTRIES_MAX || self.0.contains_key(&key))
        {
            self.0.entry(key).or_insert(Failures { since: now, count: 0, told: None }).count += 1;
        }
    }

    fn refuse(&mut self, counted: &[(Counted, u32)], now: Timestamp) -> Result<(), Wait> {
        self.0.retain(|_, f| now.duration_since(f.since) < SignedDuration::from_secs(WINDOW_S));
        let waits = counted.iter().filter(|(key, max)| self.0.get(key).is_some_and(|f| f.count >= *max));
        let latest = waits.max_by_key(|(key, _)| self.0.get(key).map(|f| f.since));
        let Some(failures) = latest.and_then(|(key, _)| self.0.get_mut(key)) else { return Ok(()) };
        let tell = failures.told.is_none_or(|at| now.duration_since(at) >= SignedDuration::from_secs(TELL_S));
        if tell {
            failures.told = Some(now);
        }
        Err(Wait { seconds: WINDOW_S - now.duration_since(failures.since).as_secs(), tell })
    }

    /// The try succeeded, or was none (the directory did not answer).
    pub fn forgive(&mut self, tenant: &str, account: &str, address: Option<IpAddr>) {
        for (key, _) in counted(tenant, account, address) {
            if let Some(failures) = self.0.get_mut(&key) {
                failures.count = failures.count.saturating_sub(1);
            }
        }
        self.0.retain(|_, f| f.count > 0);
    }
}

fn counted(tenant: &str, account: &str, address: Option<IpAddr>) -> Vec<(Counted, u32)> {
    let account = (Counted::Account(tenant.to_owned(), account.to_owned()), ACCOUNT_MAX);
    std::iter::once(account).chain(address.map(from)).collect()
}

fn from(address: IpAddr) -> (Counted, u32) {
    (Counted::Address(network(address)), ADDRESS_MAX)
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
            assert_eq!(throttle.attempt("a", &account(None, "Anna"), address(n), at(i64::from(n))), Ok(()));
        }
        let wait = |seconds, tell| Err(Wait { seconds, tell });
        assert_eq!(throttle.attempt("a", &account(None, " anna "), address(9), at(10)), wait(WINDOW_S - 10, true), "from anywhere, however written");
        assert_eq!(throttle.attempt("a", "anna", address(9), at(11)), wait(WINDOW_S - 11, false), "recorded a moment ago");
        assert_eq!(throttle.attempt("a", "anna", address(9), at(10 + TELL_S)), wait(WINDOW_S - 10 - TELL_S, true));
        assert_eq!(throttle.attempt("b", "anna", address(9), at(10)), Ok(()), "of another tenant");
        assert_eq!(throttle.attempt("a", "anna", address(9), at(WINDOW_S)), Ok(()), "a quarter of an hour later");
    }

    #[test]
    fn an_address_tries_many_names_and_is_stopped() {
        let mut throttle = Throttle::default();
        for n in 0..ADDRESS_MAX {
            assert_eq!(throttle.attempt("a", &format!("u{n}"), address(1), at(0)), Ok(()));
        }
        assert_eq!(throttle.knock(address(1), at(0)), Err(Wait { seconds: WINDOW_S, tell: true }));
        assert_eq!(throttle.attempt("a", "anna", address(1), at(0)), Err(Wait { seconds: WINDOW_S, tell: false }));
        assert_eq!(throttle.attempt("a", "anna", address(2), at(0)), Ok(()));
        assert_eq!((throttle.knock(address(2), at(0)), throttle.knock(None, at(0))), (Ok(()), Ok(())));
    }

    #[test]
    fn every_way_of_writing_a_name_is_one_account_and_a_network_one_address() {
        assert_eq!(account(Some("S-1-5-21-7"), "a.klein@vg"), account(Some("S-1-5-21-7"), "A.Klein"));
        assert_eq!(account(None, " A.Klein "), "a.klein");
        let key = |text: &str| from(text.parse().unwrap()).0;
        assert_eq!(key("2001:db8:1:2::5"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::5"), key("2001:db8:1:3::5"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
        assert_ne!(key("10.0.0.1"), key("10.0.0.2"));
    }

    #[test]
    fn wrong_keys_count_against_their_address() {
        let mut throttle = Throttle::default();
        for _ in 0..ADDRESS_MAX {
            assert_eq!(throttle.knock(address(1), at(0)), Ok(()));
            throttle.miss(address(1), at(0));
            throttle.miss(None, at(0));
        }
        assert_eq!(throttle.knock(address(1), at(1)), Err(Wait { seconds: WINDOW_S - 1, tell: true }));
        assert_eq!((throttle.knock(address(2), at(1)), throttle.knock(address(1), at(WINDOW_S))), (Ok(()), Ok(())));
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
        assert_eq!(throttle.attempt("a", "anna", None, at(0)), Err(Wait { seconds: WINDOW_S, tell: false }));
        assert_eq!(throttle.attempt("a", "anna", None, at(WINDOW_S)), Ok(()));
    }
}
