//! What was asked a moment ago. Measured by a clock that never jumps; a life of zero keeps nothing.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::Instant;

/// Answers kept at once: the people at work at the same moment in a large house.
const ENTRIES_MAX: usize = 4_096;

pub struct Cache<V> {
    life: Duration,
    entries: Mutex<BTreeMap<String, (Instant, V)>>,
}

impl<V: Clone> Cache<V> {
    pub fn new(life: Duration) -> Self {
        Self { life, entries: Mutex::new(BTreeMap::new()) }
    }

    pub fn get(&self, key: &str) -> Option<V> {
        let entries = self.entries();
        entries.get(key).filter(|(at, _)| at.elapsed() < self.life).map(|(_, value)| value.clone())
    }

    pub fn put(&self, key: String, value: V) {
        if self.life.is_zero() {
            return;
        }
        let mut entries = self.entries();
        if entries.len() >= ENTRIES_MAX && !entries.contains_key(&key) {
            let life = self.life;
            entries.retain(|_, (at, _)| at.elapsed() < life);
            let oldest = entries.iter().min_by_key(|(_, (at, _))| *at).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest.filter(|_| entries.len() >= ENTRIES_MAX) {
                entries.remove(&oldest);
            }
        }
        entries.insert(key, (Instant::now(), value));
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, (Instant, V)>> {
        self.entries.lock().expect("nobody panics while holding this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn lives_as_long_as_configured() {
        let cache = Cache::new(Duration::from_secs(10));
        cache.put("a".to_owned(), 1);
        assert_eq!(cache.get("a"), Some(1));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(cache.get("a"), None);
        let none = Cache::new(Duration::ZERO);
        none.put("a".to_owned(), 1);
        assert_eq!(none.get("a"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn never_grows_beyond_its_bound() {
        let cache = Cache::new(Duration::from_secs(10));
        for n in 0..ENTRIES_MAX + 10 {
            cache.put(format!("{n}"), n);
            tokio::time::advance(Duration::from_micros(1)).await;
        }
        assert_eq!(cache.entries().len(), ENTRIES_MAX);
        assert_eq!((cache.get("9"), cache.get("10")), (None, Some(10)));
    }
}
