-- Each provider once, its record in the form of the module `record`. What searches read stands in
-- the index below, so that a write touches one row here. Times are microseconds since 1970.
CREATE TABLE providers (
    id            INTEGER PRIMARY KEY,
    npi           INTEGER NOT NULL,
    hash          INTEGER NOT NULL,
    record        BLOB NOT NULL,
    first_seen_at INTEGER NOT NULL,
    changed_at    INTEGER NOT NULL,
    source        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX providers_by_npi ON providers (npi);

-- The search index: what each provider can be found by, as sets of providers (the module `index`).
-- Its numbers: `ids` moves when providers get other ids, `manifest` with the list of segments,
-- `written` with providers written, `leads` with leads made; `segment` is the last one given out;
-- `replacing` is 1 while an import builds the providers anew.
CREATE TABLE index_state (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO index_state (name, value)
VALUES ('ids', 0), ('manifest', 0), ('written', 0), ('leads', 0), ('segment', 0), ('replacing', 0);

-- The parts of the index: providers that were described together. Those that were written anew
-- since are dead in it. One that is being built is not in use, and given up at a time.
CREATE TABLE index_segments (
    segment     INTEGER PRIMARY KEY,
    providers   INTEGER NOT NULL,
    dead        BLOB NOT NULL,
    in_use      INTEGER NOT NULL,
    built_until TEXT NOT NULL
) STRICT;
-- The key says of which segment a blob is, and which.
CREATE TABLE index_blobs (
    key  INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

-- Providers that no segment describes yet, as they are now.
CREATE TABLE index_pending (
    id      INTEGER PRIMARY KEY,
    written INTEGER NOT NULL
) STRICT;
CREATE INDEX index_pending_by_written ON index_pending (written);

CREATE TABLE changes (
    npi     INTEGER NOT NULL,
    at      TEXT NOT NULL,
    kind    TEXT NOT NULL,
    field   TEXT NOT NULL,
    before  TEXT,
    after   TEXT,
    source  INTEGER NOT NULL,
    PRIMARY KEY (npi, at, field)
) STRICT, WITHOUT ROWID;
CREATE INDEX changes_by_at ON changes (at, field, npi);

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    name_key      TEXT NOT NULL UNIQUE,
    role          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    disabled      INTEGER NOT NULL,
    created_at    TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
    hash       BLOB PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE tokens (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    created_at   TEXT NOT NULL,
    last_used_at TEXT
) STRICT;
CREATE INDEX tokens_by_user ON tokens (user_id);

-- Searches over providers that people keep: their own, or the team's. A name is unique among those of
-- its kind, without regard to case.
CREATE TABLE saved_searches (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    name_key   TEXT NOT NULL,
    query      TEXT NOT NULL,
    team       INTEGER NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX saved_searches_own ON saved_searches (user_id, name_key) WHERE NOT team;
CREATE UNIQUE INDEX saved_searches_of_team ON saved_searches (name_key) WHERE team;

-- Failed logins, by account and by address.
CREATE TABLE login_failures (
    key          TEXT PRIMARY KEY,
    failures     INTEGER NOT NULL,
    last_at      TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE leads (
    npi                 INTEGER PRIMARY KEY,
    status              TEXT NOT NULL,
    notes               TEXT NOT NULL,
    owner_id            TEXT REFERENCES users (id),
    last_contact_at     TEXT,
    last_contact_method TEXT,
    version             INTEGER NOT NULL,
    created_at          TEXT NOT NULL,
    updated_at          TEXT NOT NULL,
    created_by          TEXT,
    batch               INTEGER NOT NULL
) STRICT;
CREATE INDEX leads_by_updated ON leads (updated_at, npi);
CREATE INDEX leads_by_created ON leads (created_at, npi);
CREATE INDEX leads_by_status ON leads (status, updated_at, npi);
-- Which leads were made since the index last looked: index_state.leads.
CREATE INDEX leads_by_batch ON leads (batch);
CREATE INDEX leads_by_owner ON leads (owner_id, updated_at, npi) WHERE owner_id IS NOT NULL;

CREATE TABLE activities (
    id      TEXT PRIMARY KEY,
    npi     INTEGER NOT NULL REFERENCES leads (npi) ON DELETE CASCADE,
    kind    TEXT NOT NULL,
    text    TEXT NOT NULL,
    user_id TEXT,
    at      TEXT NOT NULL
) STRICT;
CREATE INDEX activities_by_lead ON activities (npi, at);

-- Answers already given to a request with an Idempotency-Key.
CREATE TABLE idempotency (
    user_id    TEXT NOT NULL,
    key        TEXT NOT NULL,
    request    BLOB NOT NULL,
    response   TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_created ON idempotency (created_at);

CREATE TABLE sync_runs (
    id          TEXT PRIMARY KEY,
    state       TEXT NOT NULL,
    request     TEXT NOT NULL,
    created_by  TEXT,
    created_at  TEXT NOT NULL,
    started_at  TEXT,
    finished_at TEXT,
    reach       TEXT NOT NULL,
    found       INTEGER NOT NULL DEFAULT 0,
    created     INTEGER NOT NULL DEFAULT 0,
    updated     INTEGER NOT NULL DEFAULT 0,
    unchanged   INTEGER NOT NULL DEFAULT 0,
    set_aside   INTEGER NOT NULL DEFAULT 0,
    requests    INTEGER NOT NULL DEFAULT 0,
    retries     INTEGER NOT NULL DEFAULT 0,
    receipt     TEXT
) STRICT;
CREATE INDEX sync_runs_by_state ON sync_runs (state, created_at);
CREATE INDEX sync_runs_by_created ON sync_runs (created_at);

CREATE TABLE sync_specialties (
    run_id      TEXT NOT NULL REFERENCES sync_runs (id) ON DELETE CASCADE,
    place       INTEGER NOT NULL,
    name        TEXT NOT NULL,
    texts       TEXT NOT NULL,
    codes       TEXT NOT NULL,
    sift        INTEGER NOT NULL,
    known       INTEGER NOT NULL,
    reason      TEXT,
    nearest     TEXT NOT NULL,
    started_at  TEXT,
    finished_at TEXT,
    found       INTEGER NOT NULL DEFAULT 0,
    created     INTEGER NOT NULL DEFAULT 0,
    updated     INTEGER NOT NULL DEFAULT 0,
    unchanged   INTEGER NOT NULL DEFAULT 0,
    set_aside   INTEGER NOT NULL DEFAULT 0,
    requests    INTEGER NOT NULL DEFAULT 0,
    retries     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, place)
) STRICT, WITHOUT ROWID;

-- One query of a sync. Its checkpoint moves in the transaction that writes the providers.
CREATE TABLE sync_partitions (
    id          TEXT PRIMARY KEY,
    run_id      TEXT NOT NULL REFERENCES sync_runs (id) ON DELETE CASCADE,
    place       INTEGER NOT NULL,
    depth       INTEGER NOT NULL,
    query       TEXT NOT NULL,
    label       TEXT NOT NULL,
    state       TEXT NOT NULL,
    checkpoint  TEXT NOT NULL,
    requests    INTEGER NOT NULL,
    retries     INTEGER NOT NULL,
    reason      TEXT,
    left_out    TEXT,
    lease_owner TEXT,
    lease_until TEXT
) STRICT;
CREATE INDEX sync_partitions_by_run ON sync_partitions (run_id, place);
CREATE INDEX sync_partitions_open ON sync_partitions (state, run_id) WHERE state IN ('pending', 'running');

-- Which providers a sync found for which specialty, and what they were to the database then.
CREATE TABLE sync_results (
    run_id  TEXT NOT NULL,
    place   INTEGER NOT NULL,
    npi     INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (run_id, npi, place)
) STRICT, WITHOUT ROWID;

-- Records that could not be understood, each once.
CREATE TABLE set_asides (
    run_id TEXT NOT NULL,
    place  INTEGER NOT NULL,
    hash   BLOB NOT NULL,
    npi    TEXT,
    reason TEXT NOT NULL,
    record TEXT NOT NULL,
    at     TEXT NOT NULL,
    PRIMARY KEY (run_id, place, hash)
) STRICT, WITHOUT ROWID;

-- The one pace at which all processes on this database ask a registry.
CREATE TABLE registry_pace (
    registry     TEXT PRIMARY KEY,
    failures     INTEGER NOT NULL,
    paused_until TEXT,
    note         TEXT
) STRICT;
CREATE TABLE registry_slots (
    registry TEXT NOT NULL,
    kind     TEXT NOT NULL,
    slot     INTEGER NOT NULL,
    free_at  TEXT NOT NULL,
    holder   TEXT,
    PRIMARY KEY (registry, kind, slot)
) STRICT, WITHOUT ROWID;

-- Loads of dissemination files, known again by the hash of their content.
CREATE TABLE imports (
    id          TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    what        TEXT NOT NULL,
    full_file   INTEGER NOT NULL,
    known_until TEXT,
    state       TEXT NOT NULL,
    report      TEXT NOT NULL,
    reason      TEXT,
    created_by  TEXT,
    created_at  TEXT NOT NULL,
    alive_until TEXT NOT NULL,
    finished_at TEXT
) STRICT;
CREATE INDEX imports_by_created ON imports (created_at);
CREATE INDEX imports_by_fingerprint ON imports (fingerprint);

-- Rows of files that could not be understood or belong to nothing.
CREATE TABLE import_set_asides (
    import_id TEXT NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    file      TEXT NOT NULL,
    line      INTEGER NOT NULL,
    npi       TEXT,
    reason    TEXT NOT NULL,
    row_text  TEXT NOT NULL,
    PRIMARY KEY (import_id, number)
) STRICT;

-- Providers that were written while an import builds all of them anew.
CREATE TABLE written_meanwhile (
    npi INTEGER PRIMARY KEY
) STRICT;
