//! Messages in a Maildir: one that fits begins a run and is marked as seen, one that cannot be taken is flagged for a person; all others
//! stay as they are.

use std::{collections::BTreeSet, ffi::CStr, io, os::fd::OwnedFd, path::Path, sync::Arc};

use laufzettel_domain::{Text, file::BYTES_MAX};
use laufzettel_policy::glob;
use laufzettel_process::arrival::{Mailbox, asked_for};
use laufzettel_store::failpoint;
use rustix::{fs::Mode, io::Errno};
use serde_json::json;

use super::{
    AGAIN_S, Begun, Portion, Progress, Refusal, Turn, Way, blocking,
    letter::{Letter, Unreadable, file_name},
    place::{self, Bytes, Found},
    receipt,
};
use crate::desk::Desk;

/// Messages a trigger remembers as somebody else's: with more a mailbox is no place to look for orders in, and that is said.
const FOREIGN_MAX: usize = 100_000;
/// Names tried for a message that is marked, should another one have it: names of a Maildir are made so that none has.
const TURNS_MAX: u32 = 10;

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

    /// Messages nobody has dealt with, the oldest first. `skip`: not these.
    fn list(self, mut skip: impl FnMut(&CStr) -> bool) -> io::Result<Vec<Delivered>> {
        let new = place::list(&self.new, |raw, _| !skip(raw))?;
        let cur = place::list(&self.cur, |raw, name| !flags(name).contains(DEALT_WITH) && !skip(raw))?;
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

/// The name with one flag more, in the order of the alphabet; at a further turn another one.
fn with_flag(name: &str, flag: char, turn: u32) -> String {
    let mut all: Vec<char> = flags(name).chars().chain([flag]).collect();
    all.sort_unstable();
    all.dedup();
    let number = if turn == 0 { String::new() } else { format!("-{turn}") };
    format!("{}{number}:2,{}", name.split(":2,").next().unwrap_or(name), all.into_iter().collect::<String>())
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
            failpoint::pass("arrival.before_mark", io::Error::other)?;
            for turn in 0..TURNS_MAX {
                match place::rename_free(self.folder(), &self.found.raw, &self.maildir.cur, &with_flag(&self.found.name, flag, turn)) {
                    Err(Errno::EXIST) => {}
                    Err(Errno::NOENT) => return Ok(()),
                    moved => return Ok(moved?),
                }
            }
            Err(Errno::EXIST.into())
        })
        .await
    }
}

fn wants(mailbox: &Mailbox, letter: &Letter) -> bool {
    let fits = |pattern: &Option<String>, text: &str| pattern.as_ref().is_none_or(|pattern| glob(pattern, &text.to_lowercase()));
    let from = mailbox.von.is_none() || letter.von.iter().any(|address| fits(&mailbox.von, address));
    from && fits(&mailbox.betreff, &letter.betreff)
}

fn too_many() -> Text {
    Text::new(
        format!(
            "In dem Postfach liegen {FOREIGN_MAX} oder mehr ungelesene Nachrichten, die nicht zu match passen; was danach kommt, wird vielleicht nicht gesehen. Bitte aufräumen."
        ),
        format!("In the mailbox lie {FOREIGN_MAX} or more unread messages that do not fit match; what comes after them may not be seen. Please clear it."),
    )
}

fn refusal(why: &Unreadable) -> Refusal {
    match why {
        Unreadable::NoMessage => Refusal::new("Die Nachricht lässt sich nicht lesen.", "The message cannot be read."),
        Unreadable::TextTooLong => Refusal::new("Der Text der Nachricht ist länger als 1 MiB.", "The text of the message is longer than 1 MiB."),
        Unreadable::HeadTooLong(field, max) => Refusal::new(
            format!("Im Kopf der Nachricht ist {field} zu lang; genommen wird bis zu {max}."),
            format!("In the head of the message {field} is too long; up to {max} is taken."),
        ),
        Unreadable::TooManyAttachments => Refusal::new("Die Nachricht hat mehr als 100 Anhänge.", "The message has more than 100 attachments."),
    }
}

impl Desk {
    /// Takes messages nobody has dealt with. An error is told once: nobody can look there now.
    pub(super) async fn look_into_mailbox(&self, way: &Way<'_>, mailbox: &Mailbox, progress: &mut Progress, restored: Option<i64>) -> Result<(), Text> {
        let Some(root) = self.tenant.places.mail.clone() else {
            return Err(Text::new("Der Betrieb hat kein Postfach geöffnet (eingang.mail).", "The operator opened no mailbox (eingang.mail)."));
        };
        let (folder, now) = (mailbox.folder.clone(), self.now());
        let (resting, foreign) = (progress.resting(now), std::mem::take(&mut progress.foreign));
        // what is known to be somebody else's hides nothing: it does not count among those that are seen. What is gone is forgotten
        let looked = blocking(move || {
            let mut met = BTreeSet::new();
            let there = Maildir::open(&root, folder.as_deref())?.list(|raw| {
                let is_foreign = foreign.contains(raw);
                met.extend(is_foreign.then(|| raw.to_owned()));
                is_foreign || resting.contains(raw)
            })?;
            Ok((there, met))
        });
        let (mut there, met) = looked.await.map_err(|error| place::unreachable(&error))?;
        progress.foreign = met;
        progress.order(now, &mut there, |message| &message.found.raw);
        let mut portion = Portion::new(now);
        for message in there {
            if way.stop.is_cancelled() {
                break;
            }
            let raw = message.found.raw.clone();
            let turn = self.take_message(way, mailbox, progress, restored, message).await;
            if !portion.goes_on(progress, raw, turn) {
                break;
            }
        }
        if progress.foreign.len() >= FOREIGN_MAX { Err(too_many()) } else { progress.state() }
    }

    /// One message, until it is marked.
    async fn take_message(&self, way: &Way<'_>, mailbox: &Mailbox, progress: &mut Progress, restored: Option<i64>, message: Delivered) -> io::Result<Turn> {
        let letter = match message.read(mailbox).await? {
            Read::Wanted(letter) => letter,
            Read::Foreign => {
                if progress.foreign.len() < FOREIGN_MAX {
                    progress.foreign.insert(message.found.raw);
                }
                return Ok(Turn::Taken);
            }
            Read::Refused(refusal) => return self.flag(way, progress, message, refusal).await,
            Read::Moving => return Ok(Turn::Passed),
        };
        let receipt = receipt(way, &letter.identity());
        match self.is_older(progress, restored, message.found.changed, &receipt).await {
            Some(false) => {}
            Some(true) => return self.flag(way, progress, message, Refusal::restored()).await,
            None => return Ok(Turn::Rests),
        }
        for (file, bytes) in letter.files() {
            if let Err(error) = self.tenant.store.put_bytes(&file.file, bytes, crate::micros(self.now())).await {
                tracing::warn!(%error, "a message that arrived waits for the store");
                progress.rest(self.now(), AGAIN_S);
                return Ok(Turn::Rests);
            }
        }
        let input = asked_for(&way.process.input, letter.fields());
        match self.begin_arrival(way, progress, input, receipt).await {
            Begun::Run => message.mark(SEEN).await.map(|()| Turn::Taken),
            Begun::Unfit(problems) => self.flag(way, progress, message, Refusal::unfit(way.process, &problems)).await,
            Begun::NotNow => Ok(Turn::Rests),
        }
    }

    /// On record, then flagged for a person.
    async fn flag(&self, way: &Way<'_>, progress: &mut Progress, message: Delivered, refusal: Refusal) -> io::Result<Turn> {
        let name = message.found.name.clone();
        let key = receipt(way, &json!([name, message.found.mark.size, refusal.message]));
        if !self.tell_refused(way, progress, &key, &file_name(&name, || "Nachricht".to_owned()), &refusal).await {
            return Ok(Turn::Rests);
        }
        message.mark(FLAGGED).await.map(|()| Turn::Taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_added_in_order_and_once() {
        for (name, flag, turn, expected) in [
            ("1.a.host", 'S', 0, "1.a.host:2,S"),
            ("1:2,R", 'F', 0, "1:2,FR"),
            ("1:2,S", 'S', 0, "1:2,S"),
            ("1:2,", 'F', 0, "1:2,F"),
            ("1:2,R", 'F', 2, "1-2:2,FR"),
        ] {
            assert_eq!(with_flag(name, flag, turn), expected);
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
