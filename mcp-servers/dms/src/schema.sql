-- The archive. Nothing is deleted: documents get versions and are cancelled.
CREATE TABLE IF NOT EXISTS akte (
  akte      TEXT PRIMARY KEY,
  titel     TEXT NOT NULL,
  aktenplan TEXT,
  metadaten TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS dokument (
  nr        INTEGER PRIMARY KEY AUTOINCREMENT, -- D-000001
  akte      TEXT NOT NULL REFERENCES akte,
  titel     TEXT NOT NULL,
  art       TEXT,
  datum     TEXT NOT NULL,                     -- YYYY-MM-DD
  version   INTEGER NOT NULL,                  -- the current one
  storniert INTEGER NOT NULL DEFAULT 0,
  grund     TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS dokument_akte ON dokument (akte, nr);

CREATE TABLE IF NOT EXISTS version (
  dokument   INTEGER NOT NULL REFERENCES dokument,
  version    INTEGER NOT NULL,
  sha256     TEXT NOT NULL,                    -- hex; name of the file below files/
  name       TEXT NOT NULL,
  media_type TEXT NOT NULL,
  text       TEXT,                             -- where the file could be read
  metadaten  TEXT NOT NULL,
  PRIMARY KEY (dokument, version)
) STRICT;

CREATE TABLE IF NOT EXISTS entry (             -- access lists
  akte      TEXT REFERENCES akte,
  dokument  INTEGER REFERENCES dokument,
  sid       TEXT NOT NULL,
  allow     INTEGER NOT NULL,
  read      INTEGER NOT NULL,
  write     INTEGER NOT NULL,
  inherited INTEGER NOT NULL,
  CHECK ((akte IS NULL) <> (dokument IS NULL))
) STRICT;
CREATE INDEX IF NOT EXISTS entry_akte ON entry (akte, sid);
CREATE INDEX IF NOT EXISTS entry_dokument ON entry (dokument, sid);

-- What counts for a document: its own entries, and those of its Akte as inherited.
CREATE VIEW IF NOT EXISTS dokument_entry AS
  SELECT e.dokument AS nr, e.sid, e.allow, e.read, e.write, e.inherited
    FROM entry e WHERE e.dokument IS NOT NULL
  UNION ALL
  SELECT d.nr, e.sid, e.allow, e.read, e.write, 1
    FROM dokument d JOIN entry e ON e.akte = d.akte;

CREATE TABLE IF NOT EXISTS call (              -- what was done under which idempotency key
  key    TEXT PRIMARY KEY,
  tool   TEXT NOT NULL,
  args   TEXT NOT NULL,
  result TEXT NOT NULL,
  at     INTEGER NOT NULL
) STRICT;

-- Umlauts are letters of their own. rowid: dokument.nr, and dokument.nr * 10000 + place.
CREATE VIRTUAL TABLE IF NOT EXISTS dokument_fts USING fts5(titel, text, tokenize = 'unicode61 remove_diacritics 0');
CREATE VIRTUAL TABLE IF NOT EXISTS passage_fts USING fts5(place UNINDEXED, text, tokenize = 'unicode61 remove_diacritics 0');
