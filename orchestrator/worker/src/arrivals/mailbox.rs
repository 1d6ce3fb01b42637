//! Messages in a Maildir: one that fits begins a run and is marked as seen, one that cannot be taken is flagged for a person; all others
//! stay as they are.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
    sync::Arc,
};

use laufzettel_domain::{Text, file::BYTES_MAX};
use laufzettel_policy::glob;
use laufzettel_process::arrival::{Mailbox, asked_for};
use rustix::fs::{Mode, renameat};
use serde_json::json;

use super::{
    AGAIN_S, Begun, Progress, Refusal, TAKEN_MAX, Way, blocking,
    letter::{Letter, Unreadable},
    place::{self, Bytes, Found},
    receipt,
};
use crate::desk::Desk;

/// A Maildir's two places, open.
struct Maildir {
    new: OwnedFd,
    cur: OwnedFd,
}

/// A message and where it lies.
#[derive(Clone)]
struct Delivered {
    maildir: Arc<Maildir>,
    is_new: bool,
    found: Found,
}

/// What a message is for its trigger.
enum Read {
    Wanted(Letter),
    /// Nobody's, or another trigger's.
    Foreign,
    Refused(Refusal),
    /// It is being moved.
    Moving,
}

/// Flags of a Maildir (`:2,…`): seen, and set aside for a person.
const SEEN: char = 'S';
const FLAGGED: char = 'F';
/// Seen, trashed, flagged, a draft: somebody has dealt with it.
const DEALT_WITH: [char; 4] = [SEEN, 'T', FLAGGED, 'D'];

impl Maildir {
    fn open(root: &Path, folder: Option<&str>) -> io::Result<Self> {
        let root = rustix::fs::open(root, place::FOLDER, Mode::empty())?;
        let part = |part: &str| place::beneath(&root, &folder.map_or_else(|| part.to_owned(), |name| format!(".{name}/{part}")), false);
        Ok(Self { new: part("new")?, cur: part("cur")? })
    }

    /// Messages nobody has dealt with, the oldest first.
    fn list(self) -> io::Result<Vec<Delivered>> {
        let new = place::list(&self.new, |_| true)?;
        let cur = place::list(&self.cur, |name| !flags(name).contains(DEALT_WITH))?;
        let maildir = Arc::new(self);
        let of = |is_new, found| Delivered { maildir: maildir.clone(), is_new, found };
        let mut all: Vec<Delivered> = new.into_iter().map(|found| of(true, found)).chain(cur.into_iter().map(|found| of(false, found))).collect();
        all.sort_by(|a, b| (a.found.mark.modified, &a.found.raw).cmp(&(b.found.mark.modified, &b.found.raw)));
        Ok(all)
    }
}

fn flags(name: &str) -> &str {
    name.split_once(":2,").map_or("", |(_, flags)| flags)
}

/// The name with one flag more, in the order of the alphabet.
fn with_flag(name: &str, flag: char) -> String {
    let mut all: Vec<char> = flags(name).chars().chain([flag]).collect();
    all.sort_unstable();
    all.dedup();
    format!("{}:2,{}", name.split(":2,").next().unwrap_or(name), all.into_iter().collect::<String>())
}

impl Delivered {
    fn folder(&self) -> &OwnedFd {
        if self.is_new { &self.maildir.new } else { &self.maildir.cur }
    }

    /// Reads foreign bytes: whatever the parser makes of them stays in this thread.
    async fn read(&self, mailbox: &Mailbox) -> io::Result<Read> {
        let (message, mailbox) = (self.clone(), mailbox.clone());
        let arrived = self.found.mark.modified.0;
        let bytes = blocking(move || place::read(message.folder(), &message.found, BYTES_MAX)).await?;
        let parsed = tokio::task::spawn_blocking(move || match bytes {
            Bytes::Moving => Read::Moving,
            Bytes::TooLarge(head) => match Letter::read_head(&head) {
                Some(letter) if wants(&mailbox, &letter) => Read::Refused(Refusal::too_large(BYTES_MAX)),
                _ => Read::Foreign,
            },
            Bytes::All(bytes) => match Letter::read(&bytes, arrived) {
                Ok(letter) if wants(&mailbox, &letter) => Read::Wanted(letter),
                Ok(_) => Read::Foreign,
                Err(why) if Letter::read_head(&bytes).is_some_and(|letter| wants(&mailbox, &letter)) => Read::Refused(refusal(&why)),
                Err(_) => Read::Foreign,
            },
        });
        Ok(parsed.await.unwrap_or_else(|_| Read::Refused(refusal(&Unreadable::NoMessage))))
    }

    async fn mark(self, flag: char) -> io::Result<()> {
        blocking(move || {
            let name = with_flag(&self.found.name, flag);
            match renameat(self.folder(), &self.found.raw, self.maildir.cur.as_fd(), &name) {
                Err(rustix::io::Errno::NOENT) => Ok(()),
                moved => Ok(moved?),
            }
        })
        .await
    }
}

fn wants(mailbox: &Mailbox, letter: &Letter) -> bool {
    let fits = |pattern: &Option<String>, text: &str| pattern.as_ref().is_none_or(|pattern| glob(pattern, &text.to_lowercase()));
    let from = mailbox.von.is_none() || letter.von.iter().any(|address| fits(&mailbox.von, address));
    from && fits(&mailbox.betreff, &letter.betreff)
}

fn refusal(why: &Unreadable) -> Refusal {
    match why {
        Unreadable::NoMessage => Refusal::new("Die Nachricht lässt sich nicht lesen.", "The message cannot be read."),
        Unreadable::TextTooLong => Refusal::new("Der Text der Nachricht ist länger als 1 MiB.", "The text of the message is longer than 1 MiB."),
        Unreadable::TooManyAttachments => Refusal::new("Die Nachricht hat mehr als 100 Anhänge.", "The message has more than 100 attachments."),
    }
}

impl Desk {
    /// Takes messages nobody has dealt with. An error is told once: nobody can look there now.
    pub(super) async fn look_into_mailbox(&self, way: &Way<'_>, mailbox: &Mailbox, progress: &mut Progress, restored: Option<i64>) -> Result<(), Text> {
        let Some(root) = self.tenant.places.mail.clone() else {
            return Err(Text::new("Der Betrieb hat kein Postfach geöffnet (eingang.mail).", "The operator opened no mailbox (eingang.mail)."));
        };
        let folder = mailbox.folder.clone();
        let there = blocking(move || Maildir::open(&root, folder.as_deref())?.list()).await.map_err(|error| place::unreachable(&error))?;
        // what is gone needs not be remembered
        progress.foreign = there.iter().map(|message| &message.found.raw).filter(|raw| progress.foreign.contains(*raw)).cloned().collect();
        let unknown: Vec<Delivered> = there.into_iter().filter(|message| !progress.foreign.contains(&message.found.raw)).take(TAKEN_MAX).collect();
        // one message nobody can read or mark holds up no other
        let mut failed = Ok(());
        for message in unknown {
            if way.stop.is_cancelled() {
                break;
            }
            match self.take_message(way, mailbox, progress, restored, message).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    progress.rest(self.now(), AGAIN_S);
                    failed = Err(place::unreachable(&error));
                }
            }
        }
        failed
    }

    /// One message, until it is marked. `false`: the trigger rests.
    async fn take_message(&self, way: &Way<'_>, mailbox: &Mailbox, progress: &mut Progress, restored: Option<i64>, message: Delivered) -> io::Result<bool> {
        let letter = match message.read(mailbox).await? {
            Read::Wanted(letter) => letter,
            Read::Foreign => {
                progress.foreign.insert(message.found.raw);
                return Ok(true);
            }
            Read::Refused(refusal) => return self.flag(way, progress, message, refusal).await,
            Read::Moving => return Ok(true),
        };
        let receipt = receipt(way, &letter.identity());
        match self.is_older(progress, restored, message.found.changed, &receipt).await {
            Some(false) => {}
            Some(true) => return self.flag(way, progress, message, Refusal::restored()).await,
            None => return Ok(false),
        }
        for (file, bytes) in letter.files() {
            if let Err(error) = self.tenant.store.put_bytes(&file.file, bytes, crate::micros(self.now())).await {
                tracing::warn!(%error, "a message that arrived waits for the store");
                progress.rest(self.now(), AGAIN_S);
                return Ok(false);
            }
        }
        let input = asked_for(&way.process.input, letter.fields());
        match self.begin_arrival(way, progress, input, receipt).await {
            Begun::Run => message.mark(SEEN).await.map(|()| true),
            Begun::Unfit(problems) => self.flag(way, progress, message, Refusal::unfit(way.process, &problems)).await,
            Begun::NotNow => Ok(false),
        }
    }

    /// On record, then flagged for a person. `false`: the trigger rests.
    async fn flag(&self, way: &Way<'_>, progress: &mut Progress, message: Delivered, refusal: Refusal) -> io::Result<bool> {
        let name = message.found.name.clone();
        let key = receipt(way, &json!([name, message.found.mark.size, refusal.message]));
        if !self.tell_refused(way, progress, &key, &name, &refusal).await {
            return Ok(false);
        }
        message.mark(FLAGGED).await.map(|()| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_added_in_order_and_once() {
        for (name, flag, expected) in [("1.a.host", 'S', "1.a.host:2,S"), ("1:2,R", 'F', "1:2,FR"), ("1:2,S", 'S', "1:2,S"), ("1:2,", 'F', "1:2,F")] {
            assert_eq!(with_flag(name, flag), expected);
        }
        assert!(flags("1.a.host").is_empty() && flags("1:2,FS").contains(DEALT_WITH));
    }

    #[test]
    fn who_is_wanted() {
        let letter = Letter::read_head(b"From: Kasse <Meldung@Kasse.example>\r\nSubject: Buchung 12\r\n\r\nText").unwrap();
        for (von, betreff, expected) in [
            (None, None, true),
            (Some("*@kasse.example"), None, true),
            (Some("kasse.example"), None, false),
            (Some("*@kasse.example"), Some("buchung *"), true),
            (None, Some("mahnung*"), false),
        ] {
            let mailbox = Mailbox { folder: None, von: von.map(str::to_owned), betreff: betreff.map(str::to_owned) };
            assert_eq!(wants(&mailbox, &letter), expected, "{von:?} {betreff:?}");
        }
    }
}
