//! What goes wrong with a store, by what the caller does next, and the one place where that is put into plain words.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use laufzettel_domain::{RunId, Text};

use crate::contract::WAITING_MAX;

/// What is wrong with the place a tenant's store lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Make room.
    Full,
    /// Make it writable.
    ReadOnly,
    /// Look after the disk.
    Disk,
    /// Restore a backup: waiting helps nothing, and nothing is written any more.
    Damaged,
}

impl Trouble {
    /// As programs are told.
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ReadOnly => "read_only",
            Self::Disk => "disk",
            Self::Damaged => "damaged",
        }
    }

    /// Whether it may pass while the program runs.
    pub fn passes(self) -> bool {
        self != Self::Damaged
    }

    pub fn text(self) -> Text {
        match self {
            Self::Full => Text::new(
                "Der Datenträger ist voll: Es wird nichts Neues angenommen. Bitte Platz schaffen; danach geht es von selbst weiter. Was bestätigt war, ist gespeichert.",
                "The disk is full: nothing new is taken. Please make room; then it goes on by itself. What was confirmed is stored.",
            ),
            Self::ReadOnly => Text::new(
                "Der Datenträger lässt sich nur lesen: Es wird nichts Neues angenommen. Bitte beschreibbar einhängen. Was bestätigt war, ist gespeichert.",
                "The disk can only be read: nothing new is taken. Please mount it writable. What was confirmed is stored.",
            ),
            Self::Disk => Text::new(
                "Der Datenträger antwortet nicht richtig (Ein-/Ausgabefehler): Es wird nichts Neues angenommen. Bitte Datenträger und Rechte der Dateien prüfen.",
                "The disk does not answer properly (input/output error): nothing new is taken. Please check the disk and the permissions of the files.",
            ),
            Self::Damaged => Text::new(
                "Die Datenbank ist beschädigt: Es wird nichts mehr gelesen oder geschrieben, bis eine Sicherung zurückgespielt ist. Bitte die Betreuung rufen.",
                "The database is damaged: nothing is read or written until a backup has been restored. Please call the operators.",
            ),
        }
    }

    /// From the numbers of SQLite (<https://sqlite.org/rescode.html>) and of the system.
    fn of(error: &sqlx::Error) -> Option<Self> {
        match error {
            sqlx::Error::Io(error) => Some(match error.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
                std::io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
                _ => Self::Disk,
            }),
            sqlx::Error::Database(error) => match error.code()?.parse::<u32>().ok()? & 0xff {
                13 => Some(Self::Full),
                8 => Some(Self::ReadOnly),
                // read or written badly; not to be opened
                10 | 14 => Some(Self::Disk),
                // a page that makes no sense; no database at all
                11 | 26 => Some(Self::Damaged),
                _ => None,
            },
            _ => None,
        }
    }

    /// What the system only calls an error may be a disk that is full or read-only: the file system is asked.
    fn looked_up(self, file: &Path) -> Self {
        let folder = std::fs::canonicalize(file).ok().and_then(|file| file.parent().map(Path::to_owned));
        let state = folder.or_else(|| file.parent().map(Path::to_owned)).and_then(|folder| rustix::fs::statvfs(&folder).ok());
        match state {
            Some(state) if self == Self::Disk && state.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) => Self::ReadOnly,
            Some(state) if self == Self::Disk && state.f_bavail == 0 => Self::Full,
            _ => self,
        }
    }
}

/// In German: for whoever reads what a command or the log says.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text().de)
    }
}

/// In German, too: it stands in what a command says.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Wait a moment, or ask the process that holds it.
    #[error("ein anderes Programm hält den Speicher")]
    Held,
    #[error("{0}")]
    Refused(String),
    /// See what helps.
    #[error("{0}")]
    Trouble(Trouble, #[source] sqlx::Error),
    /// Try again.
    #[error("die Datenbank antwortet nicht")]
    Database(#[source] sqlx::Error),
    #[error("was gespeichert ist, lässt sich nicht lesen: {0}")]
    Corrupt(String),
}

impl Error {
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Trouble(trouble, _) => Some(*trouble),
            _ => None,
        }
    }

    pub(crate) fn looked_up(self, file: &Path) -> Self {
        match self {
            Self::Trouble(trouble, source) => Self::Trouble(trouble.looked_up(file), source),
            other => other,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match (Trouble::of(&error), &error) {
            // the database answers, and what it answers is not what was ever written there
            (None, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => Self::Corrupt(error.to_string()),
            (Some(trouble), _) => Self::Trouble(trouble, error),
            (None, _) => Self::Database(error),
        }
    }
}

/// Why an append did not happen, by what the caller does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Fold anew, decide again.
    #[error("the run has moved on: it stands at {0}")]
    Conflict(u64),
    /// Give up: somebody else has taken over.
    #[error("the store was opened anew since")]
    Fenced,
    /// The same request came before; this run answers for it.
    #[error("already received as run {0}")]
    Duplicate(RunId),
    /// The same message came before.
    #[error("already received")]
    Seen,
    /// Try again later: nothing was written.
    #[error("the store does not take writes: {0}")]
    Unavailable(String),
}

impl AppendError {
    /// Of a message that comes to too many that nobody has taken.
    pub(crate) fn crowded() -> Self {
        Self::Unavailable(format!("{WAITING_MAX} messages of this name and key wait to be taken"))
    }
}

/// How a store was when it was last used. Said in the log when it changes, and only then.
#[derive(Clone)]
pub(crate) struct Health {
    file: Arc<PathBuf>,
    now: Arc<Mutex<Option<Trouble>>>,
}

impl Health {
    pub fn of(file: &Path) -> Self {
        Self { file: Arc::new(file.to_owned()), now: Arc::default() }
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    pub fn trouble(&self) -> Option<Trouble> {
        *self.now.lock().expect("nobody panics while holding this lock")
    }

    /// Something failed. What is damaged stays so until it is opened anew.
    pub fn failed(&self, error: &Error) {
        let Some(found) = error.trouble().map(|trouble| trouble.looked_up(&self.file)) else { return };
        let mut now = self.now.lock().expect("nobody panics while holding this lock");
        if *now == Some(found) || *now == Some(Trouble::Damaged) {
            return;
        }
        *now = Some(found);
        tracing::error!(file = %self.file.display(), %error, "{found}");
    }

    /// Something was written.
    pub fn written(&self) {
        let mut now = self.now.lock().expect("nobody panics while holding this lock");
        if now.is_some_and(Trouble::passes) {
            *now = None;
            tracing::info!(file = %self.file.display(), "the store takes writes again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_has_plain_words_in_both_languages_and_damage_stays() {
        for trouble in [Trouble::Full, Trouble::ReadOnly, Trouble::Disk, Trouble::Damaged] {
            let text = trouble.text();
            assert!(text.de.contains("Bitte") && text.en.contains("lease"), "{trouble:?}");
            let health = Health::of(Path::new("/"));
            health.failed(&Error::Trouble(trouble, sqlx::Error::PoolClosed));
            health.written();
            assert_eq!(health.trouble(), (!trouble.passes()).then_some(trouble));
        }
        for (kind, trouble) in [
            (std::io::ErrorKind::StorageFull, Trouble::Full),
            (std::io::ErrorKind::ReadOnlyFilesystem, Trouble::ReadOnly),
            (std::io::ErrorKind::PermissionDenied, Trouble::Disk),
        ] {
            assert_eq!(Error::from(sqlx::Error::Io(kind.into())).trouble(), Some(trouble));
        }
        assert_eq!(Error::from(sqlx::Error::PoolTimedOut).trouble(), None);
    }
}
