-- What the script of each migration was, so that one that was changed afterwards is noticed.
ALTER TABLE schema_migrations ADD COLUMN checksum TEXT;

-- Requests that were never answered: what was left of transactions whose caller went away.
DELETE FROM idempotency WHERE response = '';
