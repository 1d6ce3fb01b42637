//! How often a key may ask, and how much an address may send: so many calls a minute or a day, so many bytes an hour or a day, evenly, with a
//! minute's, an hour's or a day's worth at once. Pure; bounded; closed to whoever is new when full.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// Keys counted at once: some ten megabytes. Of one address a key lives as long as its last call weighs, from half a second (a page) over two
/// minutes (a form that does not say how large it is) to a day (drafts). When full, a new key is refused until another is forgotten.
const KEYS_MAX: usize = 100_000;
/// Milliseconds between two looks through all keys for those that are over: each takes some.
const PRUNE_MS: i64 = 1_000;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// By key: when its next call would be due, were all calls spread evenly (the generic cell rate algorithm).
#[derive(Debug, Default)]
pub struct Rates {
    due: BTreeMap<String, Timestamp>,
    /// When they were last looked through.
    pruned: Option<Timestamp>,
}

impl Rates {
    /// Counts one call. `Err`: seconds until the next one is taken.
    pub fn count(&mut self, key: &str, per_minute: u32, now: Timestamp) -> Result<(), i64> {
        let step = MINUTE_MS / i64::from(per_minute.max(1));
        // a minute's worth ahead is what may come at once
        self.take(key, step, step * i64::from(per_minute.max(1)), now)
    }

    /// Counts one call of so many a day, a day's worth at once. `Err`: seconds until the next one is taken.
    pub fn count_daily(&mut self, key: &str, per_day: u32, now: Timestamp) -> Result<(), i64> {
        self.take(key, DAY_MS / i64::from(per_day.max(1)), DAY_MS, now)
    }

    /// Counts so many bytes of `per_hour`, an hour's worth at once. `Err`: seconds until as many are taken.
    pub fn weigh(&mut self, key: &str, bytes: u64, per_hour: u64, now: Timestamp) -> Result<(), i64> {
        self.take(key, share(bytes, per_hour, HOUR_MS), HOUR_MS, now)
    }

    /// Counts so many bytes of `per_day`, a day's worth at once. `Err`: seconds until as many are taken.
    pub fn weigh_daily(&mut self, key: &str, bytes: u64, per_day: u64, now: Timestamp) -> Result<(), i64> {
        self.take(key, share(bytes, per_day, DAY_MS), DAY_MS, now)
    }

    /// Milliseconds: what it costs, and how far ahead somebody may be.
    fn take(&mut self, key: &str, step: i64, most: i64, now: Timestamp) -> Result<(), i64> {
        let due = self.due.get(key).copied();
        if due.is_none() && !self.has_room(now) {
            return Err(1);
        }
        let due = due.unwrap_or(now).max(now);
        let (ahead, most) = (due.duration_since(now) + SignedDuration::from_millis(step), SignedDuration::from_millis(most));
        if ahead > most {
            let wait = (ahead - most).as_millis();
            return Err(i64::try_from(wait / 1000 + 1).unwrap_or(60));
        }
        self.due.insert(key.to_owned(), now + ahead);
        Ok(())
    }

    /// Whether there is a place for one more; those that are over make it.
    fn has_room(&mut self, now: Timestamp) -> bool {
        let pruned = self.pruned.is_some_and(|at| now.duration_since(at).abs() < SignedDuration::from_millis(PRUNE_MS));
        if self.due.len() >= KEYS_MAX && !pruned {
            self.due.retain(|_, due| *due > now);
            self.pruned = Some(now);
        }
        self.due.len() < KEYS_MAX
    }
}

/// Milliseconds of a time in which `most` bytes may come; more than all of it is all of it.
fn share(bytes: u64, most: u64, time_ms: i64) -> i64 {
    let share = u128::from(bytes) * u128::from(time_ms.unsigned_abs()) / u128::from(most.max(1));
    i64::try_from(share).unwrap_or(time_ms).min(time_ms)
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

    #[test]
    fn a_days_worth_and_then_evenly() {
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        let mut rates = Rates::default();
        for (second, expected) in [(0, Ok(())), (0, Ok(())), (0, Err(43_201)), (43_199, Err(2)), (43_200, Ok(())), (43_200, Err(43_201))] {
            assert_eq!(rates.count_daily("a", 2, at(second)), expected, "at {second}");
        }
        for (second, bytes, expected) in [(0, 900, Ok(())), (0, 200, Err(8_641)), (8_640, 200, Ok(())), (8_640, 0, Ok(()))] {
            assert_eq!(rates.weigh_daily("b", bytes, 1000, at(second)), expected, "{bytes} at {second}");
        }
    }

    /// Whoever is known goes on, whoever is new waits, and it is not looked through at every call.
    #[test]
    fn full_means_closed_to_whoever_is_new() {
        let at = |ms: i64| Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap();
        let mut rates = Rates::default();
        for n in 0..KEYS_MAX {
            assert_eq!(rates.count(&format!("k{n}"), 60, at(0)), Ok(()));
        }
        for (ms, key, expected, keys) in [
            (0, "new", Err(1), KEYS_MAX),
            (0, "k7", Ok(()), KEYS_MAX),
            // those of the first call are over by now, and not looked for yet
            (999, "new", Err(1), KEYS_MAX),
            (1_000, "new", Ok(()), 2),
        ] {
            assert_eq!((rates.count(key, 60, at(ms)), rates.due.len()), (expected, keys), "{key} at {ms}");
        }
    }
}
