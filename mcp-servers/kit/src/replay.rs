//! Which tokens were used already. In memory only: after a restart a token can be used once more within its minute,
//! where the idempotency key still keeps an effect from happening twice.

use std::collections::{HashSet, VecDeque};

use sha2::{Digest, Sha256};

use crate::delegation::{Delegation, LEEWAY_SECONDS, LIFE_SECONDS_MAX, Refusal};

/// The library itself manages about 5,000 calls a second; seventy seconds of that, at 40 bytes each.
const TOKENS_MAX: usize = 400_000;
/// A token admitted now is dead after this: issued at most the leeway ahead, alive a minute, believed the leeway longer.
const REMEMBERED_SECONDS: i64 = LIFE_SECONDS_MAX + 2 * LEEWAY_SECONDS;

type Fingerprint = [u8; 16];

/// The tokens of the last seventy seconds.
#[derive(Debug)]
pub struct Replay {
    seen: HashSet<Fingerprint>,
    order: VecDeque<(i64, Fingerprint)>,
    tokens_max: usize,
}

impl Default for Replay {
    fn default() -> Self {
        Self::bounded(TOKENS_MAX)
    }
}

impl Replay {
    /// A memory for so many tokens; beyond that calls are refused rather than tokens forgotten.
    pub fn bounded(tokens_max: usize) -> Self {
        Self { seen: HashSet::new(), order: VecDeque::new(), tokens_max }
    }

    /// Notes the use of a verified token, or refuses a second one.
    pub fn admit(&mut self, delegation: &Delegation, now: i64) -> Result<(), Refusal> {
        self.forget(now);
        let fingerprint = fingerprint(&delegation.jti);
        if self.seen.contains(&fingerprint) {
            return Err(Refusal::Replayed);
        }
        if self.seen.len() >= self.tokens_max {
            return Err(Refusal::Crowded);
        }
        self.seen.insert(fingerprint);
        self.order.push_back((now.saturating_add(REMEMBERED_SECONDS), fingerprint));
        Ok(())
    }

    fn forget(&mut self, now: i64) {
        while let Some(&(until, fingerprint)) = self.order.front() {
            if until > now {
                return;
            }
            self.order.pop_front();
            self.seen.remove(&fingerprint);
        }
    }
}

fn fingerprint(jti: &str) -> Fingerprint {
    let digest = Sha256::digest(jti.as_bytes());
    std::array::from_fn(|place| digest[place])
}
