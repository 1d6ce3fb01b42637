-- Until schema 4 nobody added up what calls cost: of those counted before, it is not known.
ALTER TABLE usage ADD COLUMN cost_micro_eur INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN unpriced INTEGER NOT NULL DEFAULT 0;
UPDATE usage SET unpriced = calls;
