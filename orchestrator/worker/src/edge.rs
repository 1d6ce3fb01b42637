//! The system's clock and randomness: the one place where they are read.

use jiff::Timestamp;
use laufzettel_domain::Clock;

pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock everybody is handed")]
        let now = Timestamp::now();
        now
    }
}

/// Random bytes. Two implementations exist: the system's, and the seeded one of simulations.
pub trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "this is the randomness everybody is handed")]
        getrandom::fill(bytes).expect("without randomness no key and no salt is safe: the program must not go on");
    }
}
