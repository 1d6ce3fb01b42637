-- Until schema 2 the mailbox held a copy of a message for each place, and a place with one at hand was given no other. A copy of an
-- open place stays that place's alone; one for nobody stays for the first who asks and did not refuse it.
CREATE TABLE IF NOT EXISTS mailbox (
  id INTEGER PRIMARY KEY, run TEXT, slot TEXT, name TEXT NOT NULL, key TEXT NOT NULL, payload TEXT NOT NULL, sender TEXT NOT NULL,
  processes TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS refused (mail INTEGER NOT NULL, run TEXT NOT NULL, slot TEXT NOT NULL, PRIMARY KEY (mail, run, slot)) WITHOUT ROWID;
INSERT INTO messages (id, name, key, payload, sender, processes, at, taken)
  SELECT id, name, key, payload, sender, processes, at, run IS NOT NULL FROM mailbox;
INSERT INTO addressed (mail, run, slot, done) SELECT id, run, slot, 0 FROM mailbox WHERE run IS NOT NULL;
INSERT INTO addressed (mail, run, slot, done) SELECT mail, run, slot, 1 FROM refused WHERE mail IN (SELECT id FROM mailbox WHERE run IS NULL);
DROP VIEW IF EXISTS mail;
DROP TABLE mailbox;
DROP TABLE refused;
