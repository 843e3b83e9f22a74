-- What the script of each migration was, so that one that was changed afterwards is noticed.
ALTER TABLE schema_migrations ADD COLUMN checksum TEXT COLLATE "C";

-- Requests that were never answered: what was left of transactions whose caller went away.
DELETE FROM idempotency WHERE response = '';

-- A provider keeps its id for good: `next_id` is the next one to be given. `providers` is how many
-- there are, which segments and pending together must describe.
INSERT INTO index_state (name, value)
SELECT 'next_id', COALESCE(MAX(id) + 1, 0) FROM providers;
INSERT INTO index_state (name, value)
SELECT 'providers', COUNT(*) FROM providers;
-- And how many of them are pending.
INSERT INTO index_state (name, value)
SELECT 'pending', COUNT(*) FROM index_pending;

-- Who builds a segment that is not in use: `index` under the lock of the index, `load` under that of
-- imports. Whoever holds the lock may delete what a holder before has left.
ALTER TABLE index_segments ADD COLUMN builder TEXT COLLATE "C" NOT NULL DEFAULT 'index';
-- Of its blobs, each with its key; nothing of a segment that was made before there were checksums.
ALTER TABLE index_segments ADD COLUMN checksum BIGINT;

-- A lead's number moves with its status and its owner too, and many are read in its order.
DROP INDEX leads_by_batch;
CREATE INDEX leads_by_batch ON leads (batch, npi);
