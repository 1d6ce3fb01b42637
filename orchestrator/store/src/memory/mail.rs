//! The mailbox in its plainest form.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::RunId;

use super::{Inner, Memory};
use crate::{
    contract::{ExpectRow, Handed, KEPT_US, Mail, Message, WAITING_MAX},
    error::Error,
};

type Place = (RunId, String);

#[derive(Default, Clone)]
pub(super) struct Mailbox {
    letters: BTreeMap<i64, Letter>,
    last: i64,
}

#[derive(Clone)]
struct Letter {
    message: Message,
    /// Places that waited for it when it came and may still have it.
    addressed: BTreeSet<Place>,
    /// Places that are done with it.
    done: BTreeSet<Place>,
    /// Some place had it: it stays only for those it is addressed to.
    taken: bool,
}

impl Letter {
    fn is_for(&self, place: &Place) -> bool {
        self.addressed.contains(place) || (self.addressed.is_empty() && !self.taken && !self.done.contains(place))
    }
}

impl Mailbox {
    pub fn forget_until(&mut self, at: i64) {
        self.letters.retain(|_, letter| letter.message.at >= at);
    }

    pub fn is_full(&self, message: &Message) -> bool {
        let same = |letter: &&Letter| (&letter.message.name, &letter.message.key) == (&message.name, &message.key);
        self.letters.values().filter(same).count() >= WAITING_MAX
    }

    /// Places are done with messages: some had theirs, others refused it.
    pub fn hand(&mut self, taken: Option<Handed>, refused: Option<Handed>) {
        for (handed, taken) in taken.map(|handed| (handed, true)).into_iter().chain(refused.map(|handed| (handed, false))) {
            if let Some(letter) = self.letters.get_mut(&handed.mail) {
                let place = (handed.run, handed.slot);
                letter.taken |= taken;
                letter.addressed.remove(&place);
                letter.done.insert(place);
            }
        }
        self.drop_spent();
    }

    /// Of a run now only these places wait.
    pub fn let_go(&mut self, run: RunId, rows: &[ExpectRow]) {
        for letter in self.letters.values_mut() {
            let Letter { message, addressed, .. } = letter;
            let waits = |slot: &str| rows.iter().any(|row| row.slot == slot && row.name == message.name && row.key == message.key);
            addressed.retain(|(of, slot)| *of != run || waits(slot));
        }
        self.drop_spent();
    }

    pub fn forget(&mut self, run: RunId) {
        for letter in self.letters.values_mut() {
            letter.addressed.retain(|(of, _)| *of != run);
            letter.done.retain(|(of, _)| *of != run);
        }
        self.drop_spent();
    }

    fn drop_spent(&mut self) {
        self.letters.retain(|_, letter| !letter.taken || !letter.addressed.is_empty());
    }
}

impl Memory {
    pub async fn mail(&self, run: RunId, now: i64) -> Result<Vec<Mail>, Error> {
        Ok(self.lock().mail(run, now))
    }

    pub async fn expecting(&self, name: &str) -> Result<Vec<String>, Error> {
        let inner = self.lock();
        let waiting = inner.expected.iter().filter(|(_, rows)| rows.iter().any(|row| row.name == name));
        let processes: BTreeSet<String> = waiting.filter_map(|(run, _)| Some(inner.runs.get(run)?.process.clone())).collect();
        Ok(processes.into_iter().collect())
    }
}

impl Inner {
    pub(super) fn mail(&self, run: RunId, now: i64) -> Vec<Mail> {
        let rows = self.expected.get(&run).into_iter().flatten();
        let oldest = |row: &ExpectRow| self.mailbox.letters.iter().find(|(_, letter)| letter.message.at >= now - KEPT_US && self.is_for(letter, run, row));
        rows.filter_map(|row| oldest(row).map(|(id, letter)| Mail { id: *id, slot: row.slot.clone(), message: letter.message.clone() })).collect()
    }

    fn is_for(&self, letter: &Letter, run: RunId, row: &ExpectRow) -> bool {
        self.waits_for(run, row, &letter.message) && letter.is_for(&(run, row.slot.clone()))
    }

    pub(super) fn is_at_hand(&self, handed: &Handed) -> bool {
        let row = self.expected.get(&handed.run).into_iter().flatten().find(|row| row.slot == handed.slot);
        let letter = self.mailbox.letters.get(&handed.mail);
        row.zip(letter).is_some_and(|(row, letter)| self.is_for(letter, handed.run, row))
    }

    fn waits_for(&self, run: RunId, row: &ExpectRow, message: &Message) -> bool {
        let process = self.runs.get(&run).map(|row| &row.process);
        let reached = message.processes.as_ref().is_none_or(|list| process.is_some_and(|process| list.contains(process)));
        row.name == message.name && row.key == message.key && reached
    }

    pub(super) fn post(&mut self, message: &Message) {
        let waiting = self.expected.iter().flat_map(|(run, rows)| rows.iter().map(move |row| (*run, row)));
        let waiting = waiting.filter(|(run, row)| self.waits_for(*run, row, message));
        let addressed = waiting.map(|(run, row)| (run, row.slot.clone())).collect();
        self.mailbox.last += 1;
        let letter = Letter { message: message.clone(), addressed, done: BTreeSet::new(), taken: false };
        self.mailbox.letters.insert(self.mailbox.last, letter);
    }
}
