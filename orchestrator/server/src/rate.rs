//! How often a key may ask: so many calls a minute, evenly, with a minute's worth at once. Pure.

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
        if self.0.len() >= KEYS_MAX {
            self.0.retain(|_, due| *due > now);
        }
        let step = SignedDuration::from_millis(60_000 / i64::from(per_minute.max(1)));
        let due = self.0.get(key).copied().unwrap_or(now).max(now);
        let ahead = due.duration_since(now) + step;
        // a minute's worth ahead is what may come at once
        let minute = SignedDuration::from_millis(step.as_millis().try_into().unwrap_or(60_000) * i64::from(per_minute.max(1)));
        if ahead > minute {
            let wait = (ahead - minute).as_millis();
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
}
