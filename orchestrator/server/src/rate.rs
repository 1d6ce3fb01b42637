//! How often a key may ask, and how much an address may send: so many calls a minute, so many bytes an hour, evenly, with a minute's or an
//! hour's worth at once. Pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// Keys counted at once; more living keys a tenant cannot have.
const KEYS_MAX: usize = 10_000;

/// By key: when its next call would be due, were all calls spread evenly (the generic cell rate algorithm).
#[derive(Debug, Default)]
pub struct Rates(BTreeMap<String, Timestamp>);

impl Rates {
    /// Counts one call. `Err`: seconds until the next one is taken.
    pub fn count(&mut self, key: &str, per_minute: u32, now: Timestamp) -> Result<(), i64> {
        let step = 60_000 / i64::from(per_minute.max(1));
        // a minute's worth ahead is what may come at once
        self.take(key, step, step * i64::from(per_minute.max(1)), now)
    }

    /// Counts so many bytes of `per_hour`, an hour's worth at once. `Err`: seconds until as many are taken.
    pub fn weigh(&mut self, key: &str, bytes: u64, per_hour: u64, now: Timestamp) -> Result<(), i64> {
        let step = u128::from(bytes) * 3_600_000 / u128::from(per_hour.max(1));
        self.take(key, i64::try_from(step).unwrap_or(i64::MAX / 2).min(3_600_000), 3_600_000, now)
    }

    /// Milliseconds: what it costs, and how far ahead somebody may be.
    fn take(&mut self, key: &str, step: i64, most: i64, now: Timestamp) -> Result<(), i64> {
        if self.0.len() >= KEYS_MAX {
            self.0.retain(|_, due| *due > now);
        }
        let due = self.0.get(key).copied().unwrap_or(now).max(now);
        let (ahead, most) = (due.duration_since(now) + SignedDuration::from_millis(step), SignedDuration::from_millis(most));
        if ahead > most {
            let wait = (ahead - most).as_millis();
            return Err(i64::try_from(wait / 1000 + 1).unwrap_or(60));
        }
        self.0.insert(key.to_owned(), now + ahead);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_worth_and_then_evenly() {
        let at = |ms: i64| Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap();
        let mut rates = Rates::default();
        for (ms, key, expected) in [
            (0, "a", Ok(())),
            (0, "a", Ok(())),
            (0, "a", Ok(())),
            (0, "a", Err(21)),
            (0, "b", Ok(())),
            (19_999, "a", Err(1)),
            (20_000, "a", Ok(())),
            (20_001, "a", Err(20)),
            (200_000, "a", Ok(())),
            (200_000, "a", Ok(())),
            (200_000, "a", Ok(())),
            (200_000, "a", Err(21)),
        ] {
            assert_eq!(rates.count(key, 3, at(ms)), expected, "{key} at {ms}");
        }
    }

    #[test]
    fn an_hours_bytes_and_then_evenly() {
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        let mut rates = Rates::default();
        for (second, key, bytes, expected) in [
            (0, "a", 600, Ok(())),
            (0, "a", 500, Err(361)),
            (0, "b", 1000, Ok(())),
            (0, "b", 1, Err(4)),
            (360, "a", 500, Ok(())),
            (361, "a", u64::MAX, Err(3600)),
            (9_000, "a", 1000, Ok(())),
        ] {
            assert_eq!(rates.weigh(key, bytes, 1000, at(second)), expected, "{key} at {second}");
        }
    }
}
