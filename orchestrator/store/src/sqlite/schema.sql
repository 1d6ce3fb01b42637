CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
  lane INTEGER NOT NULL, seq INTEGER NOT NULL, run TEXT, run_seq INTEGER, at INTEGER NOT NULL,
  kind TEXT NOT NULL, actor TEXT NOT NULL, body TEXT NOT NULL, salt BLOB, content BLOB, hash BLOB NOT NULL,
  UNIQUE (lane, seq)
);
CREATE UNIQUE INDEX IF NOT EXISTS records_run ON records (run, run_seq) WHERE run IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_beside ON records (kind, lane, seq) WHERE run IS NULL;
-- contents beside runs that are still there
CREATE INDEX IF NOT EXISTS records_beside_content ON records (at) WHERE run IS NULL AND content IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_beside_at ON records (kind, at) WHERE run IS NULL;
-- somebody was kept from something: few among very many, and what an auditor asks for first
CREATE INDEX IF NOT EXISTS records_denied ON records (lane, seq)
  WHERE kind IN ('access.denied', 'effect.refused', 'event.denied', 'release.denied', 'run.denied', 'signin.failed', 'start.denied', 'task.denied');
CREATE TABLE IF NOT EXISTS runs (
  run TEXT PRIMARY KEY, seq INTEGER NOT NULL, nummer TEXT NOT NULL, process TEXT NOT NULL, version TEXT NOT NULL,
  title TEXT NOT NULL, unit TEXT NOT NULL, state TEXT NOT NULL, subject TEXT NOT NULL, name TEXT NOT NULL,
  started_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, ended_at INTEGER, wake_at INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS runs_wake ON runs (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS runs_state ON runs (state, run);
CREATE INDEX IF NOT EXISTS runs_nummer ON runs (nummer);
CREATE INDEX IF NOT EXISTS runs_process ON runs (process, run);
CREATE INDEX IF NOT EXISTS runs_unit ON runs (unit, run);
CREATE INDEX IF NOT EXISTS runs_subject ON runs (subject, run);
CREATE TABLE IF NOT EXISTS tasks (
  task TEXT PRIMARY KEY, run TEXT NOT NULL, number INTEGER NOT NULL, nummer TEXT NOT NULL, process TEXT NOT NULL,
  step TEXT NOT NULL, title TEXT NOT NULL, kind TEXT NOT NULL, open INTEGER NOT NULL, assigned TEXT NOT NULL,
  due INTEGER, opened_at INTEGER NOT NULL
) WITHOUT ROWID;
DROP INDEX IF EXISTS tasks_open;
CREATE INDEX IF NOT EXISTS tasks_urgent ON tasks (open, due, opened_at, task);
CREATE INDEX IF NOT EXISTS tasks_run ON tasks (run);
DROP INDEX IF EXISTS tasks_kind;
CREATE INDEX IF NOT EXISTS tasks_of_kind ON tasks (open, kind, due, opened_at, task);
-- the last two since schema 5: a program that does not know them would count calls that cost something as costing nothing
CREATE TABLE IF NOT EXISTS usage (
  day TEXT NOT NULL, process TEXT NOT NULL, model TEXT NOT NULL, zone TEXT NOT NULL, calls INTEGER NOT NULL, charged INTEGER NOT NULL,
  cost_micro_eur INTEGER NOT NULL, unpriced INTEGER NOT NULL,
  PRIMARY KEY (day, process, model, zone)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS expected (run TEXT NOT NULL, slot TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (run, slot)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS expected_name ON expected (name, key);
-- events from elsewhere, each once; numbers are never given out again. `taken`: some place had it, and it stays only for those it is
-- addressed to
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, key TEXT NOT NULL, payload TEXT NOT NULL, sender TEXT NOT NULL,
  processes TEXT NOT NULL, at INTEGER NOT NULL, taken INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_name ON messages (name, key, id);
CREATE INDEX IF NOT EXISTS messages_taken ON messages (id) WHERE taken = 1;
-- the places that waited for a message when it came, and those that are done with it
CREATE TABLE IF NOT EXISTS addressed (
  mail INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE, run TEXT NOT NULL, slot TEXT NOT NULL, done INTEGER NOT NULL,
  PRIMARY KEY (mail, run, slot)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS addressed_run ON addressed (run, slot);
CREATE TABLE IF NOT EXISTS receipts (key TEXT PRIMARY KEY, run TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS receipts_run ON receipts (run);
-- what waits and what is there for it: addressed to the place, or to nobody (any more) and taken by nobody
CREATE VIEW IF NOT EXISTS at_hand AS
  SELECT e.run AS waits, e.slot AS place, a.mail IS NOT NULL AS own, m.*
  FROM messages m JOIN expected e ON e.name = m.name AND e.key = m.key JOIN runs r ON r.run = e.run
  LEFT JOIN addressed a ON a.mail = m.id AND a.run = e.run AND a.slot = e.slot
  WHERE (m.processes = '*' OR instr(m.processes, ',' || r.process || ',') > 0)
  AND (a.done = 0 OR (a.mail IS NULL AND m.taken = 0 AND NOT EXISTS (SELECT 1 FROM addressed x WHERE x.mail = m.id AND x.done = 0)));
CREATE TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clocks (name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bytes (name TEXT PRIMARY KEY, bytes BLOB NOT NULL);
-- which run holds which file, and which files no run has taken yet
CREATE TABLE IF NOT EXISTS held (name TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (name, run)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS held_run ON held (run);
CREATE TABLE IF NOT EXISTS arrived (name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
-- of ended runs: until when what is kept
CREATE TABLE IF NOT EXISTS retention (
  run TEXT PRIMARY KEY, parent TEXT, contents_until INTEGER NOT NULL, records_until INTEGER NOT NULL, erased_at INTEGER, whole INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS retention_contents ON retention (contents_until) WHERE erased_at IS NULL;
CREATE INDEX IF NOT EXISTS retention_records ON retention (records_until);
-- by which keys the data subject of a run is found; since schema 4: a program that does not know them would not erase them
CREATE TABLE IF NOT EXISTS subjects (key BLOB NOT NULL, run TEXT NOT NULL, PRIMARY KEY (key, run)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS subjects_run ON subjects (run);
CREATE TABLE IF NOT EXISTS checkpoints (number INTEGER PRIMARY KEY, note TEXT NOT NULL);
-- since 3: applications that are not sent yet; `sealed` opens with a code that stands nowhere here
CREATE TABLE IF NOT EXISTS unsent (id TEXT PRIMARY KEY, form TEXT NOT NULL, until INTEGER NOT NULL, sealed BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS unsent_form ON unsent (form);
