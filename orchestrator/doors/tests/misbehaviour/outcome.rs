//! What a case expects, and how it is compared.

use std::{fmt::Debug, time::Duration};

use laufzettel_doors::{Class, Failure, Reply};
use tokio::task::JoinSet;

/// Milliseconds of the calls that are to end without help, and of those that are to run out of time.
pub const PATIENT_MS: u64 = 8_000;
pub const HASTY_MS: u64 = 1_500;

/// Seconds until a case counts as hung.
const HUNG_S: u64 = 20;

/// More than is quoted of a foreign text, and the words around it.
const MESSAGE_CHARS_MAX: usize = 700;

/// `says`: a piece of the message.
pub fn failure(class: Class, happened: Option<bool>, reached: bool, says: &str) -> Result<Reply, Failure> {
    Err(Failure { class, happened, reached, busy: says.contains("429"), message: says.to_owned() })
}

/// No answer in time: nobody knows.
pub fn timeout() -> Result<Reply, Failure> {
    failure(Class::Timeout, None, true, &format!("keine Antwort in {HASTY_MS} ms"))
}

/// What came, with the expected piece of its message in place of the whole.
pub fn shortened(found: Result<Reply, Failure>, expected: &Result<Reply, Failure>) -> Result<Reply, Failure> {
    let Err(found) = found else { return found };
    let long = found.message.chars().count() > MESSAGE_CHARS_MAX || found.message.contains(['\u{1b}', '\0', '\r']);
    match expected {
        Err(expected) if found.message.contains(&expected.message) && !long => Err(Failure { message: expected.message.clone(), ..found }),
        _ => Err(found),
    }
}

/// `Some` with both sides, if they differ.
pub fn differ<T: PartialEq + Debug>(case: &str, what: &str, found: &T, expected: &T) -> Option<String> {
    (found != expected).then(|| format!("{case}: {what}\n     found {found:?}\n  expected {expected:?}"))
}

/// Plays all cases at once. Each says what is wrong with it.
pub async fn play<F>(cases: impl IntoIterator<Item = (&'static str, F)>)
where
    F: Future<Output = Vec<String>> + Send + 'static,
{
    let mut playing = JoinSet::new();
    for (name, case) in cases {
        playing.spawn(async move {
            let hung = |_| vec![format!("{name}: hangs")];
            tokio::time::timeout(Duration::from_secs(HUNG_S), case).await.unwrap_or_else(hung)
        });
    }
    let wrong = playing.join_all().await.concat();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
