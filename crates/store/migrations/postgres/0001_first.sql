-- Each provider once, its record in the form of the module `record`. What searches read stands in
-- the index below, so that a write touches one row here. Times are microseconds since 1970.
CREATE TABLE providers (
    id            BIGINT PRIMARY KEY,
    npi           BIGINT NOT NULL,
    hash          BIGINT NOT NULL,
    record        BYTEA NOT NULL,
    first_seen_at BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL,
    source        BIGINT NOT NULL
);
CREATE UNIQUE INDEX providers_by_npi ON providers (npi);

-- The search index: what each provider can be found by, as sets of providers (the module `index`).
-- Its numbers: `ids` moves when providers get other ids, `manifest` with the list of segments,
-- `written` with providers written, `leads` with leads made; `segment` is the last one given out;
-- `replacing` is 1 while an import builds the providers anew.
CREATE TABLE index_state (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO index_state (name, value)
VALUES ('ids', 0), ('manifest', 0), ('written', 0), ('leads', 0), ('segment', 0), ('replacing', 0);

-- The parts of the index: providers that were described together. Those that were written anew
-- since are dead in it. One that is being built is not in use, and given up at a time.
CREATE TABLE index_segments (
    segment     BIGINT PRIMARY KEY,
    providers   BIGINT NOT NULL,
    dead        BYTEA NOT NULL,
    in_use      BOOLEAN NOT NULL,
    built_until TIMESTAMPTZ NOT NULL
);
-- The key says of which segment a blob is, and which. A leaf of a dictionary stands in the table,
-- and needs no look into another.
CREATE TABLE index_blobs (
    key  BIGINT PRIMARY KEY,
    data BYTEA NOT NULL
) WITH (toast_tuple_target = 8160);
-- Neither is compressed further: the one is short and read often, the other dense already.
ALTER TABLE providers ALTER COLUMN record SET STORAGE EXTERNAL;
ALTER TABLE index_blobs ALTER COLUMN data SET STORAGE EXTERNAL;

-- Providers that no segment describes yet, as they are now.
CREATE TABLE index_pending (
    id      BIGINT PRIMARY KEY,
    written BIGINT NOT NULL
);
CREATE INDEX index_pending_by_written ON index_pending (written);

CREATE TABLE changes (
    npi     BIGINT NOT NULL,
    at      TIMESTAMPTZ NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    field   TEXT COLLATE "C" NOT NULL,
    before  TEXT COLLATE "C",
    after   TEXT COLLATE "C",
    source  BIGINT NOT NULL,
    PRIMARY KEY (npi, at, field)
);
CREATE INDEX changes_by_at ON changes (at, field, npi);

CREATE TABLE users (
    id            TEXT COLLATE "C" PRIMARY KEY,
    name          TEXT COLLATE "C" NOT NULL,
    name_key      TEXT COLLATE "C" NOT NULL UNIQUE,
    role          TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    disabled      BOOLEAN NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL
);

CREATE TABLE sessions (
    hash       BYTEA PRIMARY KEY,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE tokens (
    id           TEXT COLLATE "C" PRIMARY KEY,
    user_id      TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT COLLATE "C" NOT NULL,
    hash         BYTEA NOT NULL UNIQUE,
    created_at   TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ
);
CREATE INDEX tokens_by_user ON tokens (user_id);

-- Searches over providers that people keep: their own, or the team's. A name is unique among those of
-- its kind, without regard to case.
CREATE TABLE saved_searches (
    id         TEXT COLLATE "C" PRIMARY KEY,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT COLLATE "C" NOT NULL,
    name_key   TEXT COLLATE "C" NOT NULL,
    query      TEXT COLLATE "C" NOT NULL,
    team       BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX saved_searches_own ON saved_searches (user_id, name_key) WHERE NOT team;
CREATE UNIQUE INDEX saved_searches_of_team ON saved_searches (name_key) WHERE team;

-- Failed logins, by account and by address.
CREATE TABLE login_failures (
    key          TEXT COLLATE "C" PRIMARY KEY,
    failures     BIGINT NOT NULL,
    last_at      TIMESTAMPTZ NOT NULL
);

CREATE TABLE settings (
    key   TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE leads (
    npi                 BIGINT PRIMARY KEY,
    status              TEXT COLLATE "C" NOT NULL,
    notes               TEXT COLLATE "C" NOT NULL,
    owner_id            TEXT COLLATE "C" REFERENCES users (id),
    last_contact_at     TIMESTAMPTZ,
    last_contact_method TEXT COLLATE "C",
    version             BIGINT NOT NULL,
    created_at          TIMESTAMPTZ NOT NULL,
    updated_at          TIMESTAMPTZ NOT NULL,
    created_by          TEXT COLLATE "C",
    batch               BIGINT NOT NULL
);
CREATE INDEX leads_by_updated ON leads (updated_at, npi);
CREATE INDEX leads_by_created ON leads (created_at, npi);
CREATE INDEX leads_by_status ON leads (status, updated_at, npi);
-- Which leads were made since the index last looked: index_state.leads.
CREATE INDEX leads_by_batch ON leads (batch);
CREATE INDEX leads_by_owner ON leads (owner_id, updated_at, npi) WHERE owner_id IS NOT NULL;

CREATE TABLE activities (
    id      TEXT COLLATE "C" PRIMARY KEY,
    npi     BIGINT NOT NULL REFERENCES leads (npi) ON DELETE CASCADE,
    kind    TEXT COLLATE "C" NOT NULL,
    text    TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C",
    at      TIMESTAMPTZ NOT NULL
);
CREATE INDEX activities_by_lead ON activities (npi, at);

-- Answers already given to a request with an Idempotency-Key.
CREATE TABLE idempotency (
    user_id    TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    request    BYTEA NOT NULL,
    response   TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_by_created ON idempotency (created_at);

CREATE TABLE sync_runs (
    id          TEXT COLLATE "C" PRIMARY KEY,
    state       TEXT COLLATE "C" NOT NULL,
    request     TEXT COLLATE "C" NOT NULL,
    created_by  TEXT COLLATE "C",
    created_at  TIMESTAMPTZ NOT NULL,
    started_at  TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    reach       TEXT COLLATE "C" NOT NULL,
    found       BIGINT NOT NULL DEFAULT 0,
    created     BIGINT NOT NULL DEFAULT 0,
    updated     BIGINT NOT NULL DEFAULT 0,
    unchanged   BIGINT NOT NULL DEFAULT 0,
    set_aside   BIGINT NOT NULL DEFAULT 0,
    requests    BIGINT NOT NULL DEFAULT 0,
    retries     BIGINT NOT NULL DEFAULT 0,
    receipt     TEXT COLLATE "C"
);
CREATE INDEX sync_runs_by_state ON sync_runs (state, created_at);
CREATE INDEX sync_runs_by_created ON sync_runs (created_at);

CREATE TABLE sync_specialties (
    run_id      TEXT COLLATE "C" NOT NULL REFERENCES sync_runs (id) ON DELETE CASCADE,
    place       BIGINT NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    texts       TEXT COLLATE "C" NOT NULL,
    codes       TEXT COLLATE "C" NOT NULL,
    sift        BOOLEAN NOT NULL,
    known       BOOLEAN NOT NULL,
    reason      TEXT COLLATE "C",
    nearest     TEXT COLLATE "C" NOT NULL,
    started_at  TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    found       BIGINT NOT NULL DEFAULT 0,
    created     BIGINT NOT NULL DEFAULT 0,
    updated     BIGINT NOT NULL DEFAULT 0,
    unchanged   BIGINT NOT NULL DEFAULT 0,
    set_aside   BIGINT NOT NULL DEFAULT 0,
    requests    BIGINT NOT NULL DEFAULT 0,
    retries     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, place)
);

-- One query of a sync. Its checkpoint moves in the transaction that writes the providers.
CREATE TABLE sync_partitions (
    id          TEXT COLLATE "C" PRIMARY KEY,
    run_id      TEXT COLLATE "C" NOT NULL REFERENCES sync_runs (id) ON DELETE CASCADE,
    place       BIGINT NOT NULL,
    depth       BIGINT NOT NULL,
    query       TEXT COLLATE "C" NOT NULL,
    label       TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    checkpoint  TEXT COLLATE "C" NOT NULL,
    requests    BIGINT NOT NULL,
    retries     BIGINT NOT NULL,
    reason      TEXT COLLATE "C",
    left_out    TEXT COLLATE "C",
    lease_owner TEXT COLLATE "C",
    lease_until TIMESTAMPTZ
);
CREATE INDEX sync_partitions_by_run ON sync_partitions (run_id, place);
CREATE INDEX sync_partitions_open ON sync_partitions (state, run_id) WHERE state IN ('pending', 'running');

-- Which providers a sync found for which specialty, and what they were to the database then.
CREATE TABLE sync_results (
    run_id  TEXT COLLATE "C" NOT NULL,
    place   BIGINT NOT NULL,
    npi     BIGINT NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (run_id, npi, place)
);

-- Records that could not be understood, each once.
CREATE TABLE set_asides (
    run_id TEXT COLLATE "C" NOT NULL,
    place  BIGINT NOT NULL,
    hash   BYTEA NOT NULL,
    npi    TEXT COLLATE "C",
    reason TEXT COLLATE "C" NOT NULL,
    record TEXT COLLATE "C" NOT NULL,
    at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (run_id, place, hash)
);

-- The one pace at which all processes on this database ask a registry.
CREATE TABLE registry_pace (
    registry     TEXT COLLATE "C" PRIMARY KEY,
    failures     BIGINT NOT NULL,
    paused_until TIMESTAMPTZ,
    note         TEXT COLLATE "C"
);
CREATE TABLE registry_slots (
    registry TEXT COLLATE "C" NOT NULL,
    kind     TEXT COLLATE "C" NOT NULL,
    slot     BIGINT NOT NULL,
    free_at  TIMESTAMPTZ NOT NULL,
    holder   TEXT COLLATE "C",
    PRIMARY KEY (registry, kind, slot)
);

-- Loads of dissemination files, known again by the hash of their content.
CREATE TABLE imports (
    id          TEXT COLLATE "C" PRIMARY KEY,
    fingerprint BYTEA NOT NULL,
    what        TEXT COLLATE "C" NOT NULL,
    full_file   BOOLEAN NOT NULL,
    known_until TEXT COLLATE "C",
    state       TEXT COLLATE "C" NOT NULL,
    report      TEXT COLLATE "C" NOT NULL,
    reason      TEXT COLLATE "C",
    created_by  TEXT COLLATE "C",
    created_at  TIMESTAMPTZ NOT NULL,
    alive_until TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ
);
CREATE INDEX imports_by_created ON imports (created_at);
CREATE INDEX imports_by_fingerprint ON imports (fingerprint);

-- Rows of files that could not be understood or belong to nothing.
CREATE TABLE import_set_asides (
    import_id TEXT COLLATE "C" NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    number    BIGINT NOT NULL,
    file      TEXT COLLATE "C" NOT NULL,
    line      BIGINT NOT NULL,
    npi       TEXT COLLATE "C",
    reason    TEXT COLLATE "C" NOT NULL,
    row_text  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (import_id, number)
);

-- Providers that were written while an import builds all of them anew.
CREATE TABLE written_meanwhile (
    npi BIGINT PRIMARY KEY
);
